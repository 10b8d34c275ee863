"""Processes started by the server, each in its own process session, so that it survives the server's end."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MOST_SAID = 20_000
"""Largest number of bytes read from the end of a process's error output."""
MOST_STARTED = 8
"""Largest number of simultaneous processes."""


class TooMany(Exception):
    """The largest number of processes is already running."""


@dataclass
class Started:
    """A process started by this server.

    Attributes:
        process: the process.
        said: the file with its error output.
        at: the time of its start.
        command: the first word of the command: `train`, `evaluate`, …
    """

    process: subprocess.Popen[bytes]
    said: Path
    at: datetime
    command: str

    def running(self) -> bool:
        """Returns whether the process is running."""
        return self.process.poll() is None

    def last_words(self) -> str:
        """Returns the last line of its error output if it ended with an error; otherwise an empty text."""
        if self.running() or self.process.returncode == 0:
            return ""
        try:
            text = self.said.read_bytes()[-MOST_SAID:].decode(errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1].removeprefix("error: ") if lines else ""


class Starts:
    """Processes started by this server, by the name of the run or study they work on."""

    def __init__(self) -> None:
        self._started: dict[str, Started] = {}
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._count = 0

    def of(self, name: str) -> Started | None:
        """Returns the process started for a name, or None."""
        return self._started.get(name)

    def running(self, name: str) -> bool:
        """Returns whether the process started for a name is running."""
        started = self.of(name)
        return started is not None and started.running()

    def under_way(self, *commands: str) -> list[str]:
        """Returns the names that running processes of these commands work on."""
        return [name for name, one in list(self._started.items()) if one.command in commands and one.running()]

    def reap(self) -> int:
        """Collects the exit codes of ended processes, so that none remains a zombie; returns how many are running."""
        return sum(started.running() for started in list(self._started.values()))

    def launch(self, name: str, arguments: Sequence[str], language: str = "en") -> Started:
        """Starts a Pocketgan command with messages in `language`.

        The current folder isn't on its import path (`-P`), so that no file there is imported as a module.

        Raises:
            TooMany: too many processes are running.
            OSError: the system can't start the process.
        """
        with self._lock:
            if self.reap() >= MOST_STARTED:
                raise TooMany
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="pocketgan-ui-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            self._count += 1
            message = self._folder / f"{self._count}.log"
            with message.open("ab") as file:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "pocketgan", *arguments],
                    env=os.environ | {"PYTHONUNBUFFERED": "1", "POCKETGAN_LANG": language},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=file,
                    start_new_session=True,
                )
            started = self._started[name] = Started(process, message, datetime.now(UTC), arguments[0])
            return started
