"""The processes that the page started: each in a session of its own, so that none ends with the page."""

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
"""Bytes of what a process said that are read, from the end."""
MOST_STARTED = 8
"""Processes that are under way at once, at most."""


class TooMany(Exception):
    """As many processes as the page may start are under way."""


@dataclass
class Started:
    """A process that this page started.

    Attributes:
        process: it.
        said: the file of what it says on standard error.
        at: when it was started.
        command: the first word of the command: `train`, `evaluate`, …
    """

    process: subprocess.Popen[bytes]
    said: Path
    at: datetime
    command: str

    def running(self) -> bool:
        """Whether it is under way."""
        return self.process.poll() is None

    def last_words(self) -> str:
        """Returns the last line that it said, where it ended with an error; nothing otherwise."""
        if self.running() or self.process.returncode == 0:
            return ""
        try:
            text = self.said.read_bytes()[-MOST_SAID:].decode(errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1].removeprefix("pocketgan: ") if lines else ""


class Starts:
    """The processes that this page started, by the name of what they work on."""

    def __init__(self) -> None:
        self._started: dict[str, Started] = {}
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._count = 0

    def of(self, name: str) -> Started | None:
        """Returns what was started for a name; None for nothing."""
        return self._started.get(name)

    def running(self, name: str) -> bool:
        """Whether what was started for a name is under way."""
        started = self.of(name)
        return started is not None and started.running()

    def under_way(self, *commands: str) -> list[str]:
        """Returns the names of what these commands work on now."""
        return [name for name, one in list(self._started.items()) if one.command in commands and one.running()]

    def reap(self) -> int:
        """Takes notice of those that have ended, so that none looks as if it lived; returns how many are under way."""
        return sum(started.running() for started in list(self._started.values()))

    def launch(self, name: str, arguments: Sequence[str], language: str = "en") -> Started:
        """Starts a Pocketgan command, which speaks a language.

        The folder that it starts in isn't on its path (`-P`), so no file that lies there is taken for a module.

        Raises:
            TooMany: others are under way.
            OSError: the system can't start one.
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
