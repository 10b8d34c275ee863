"""Commands in processes of their own that start at once: forks of one process that has imported everything.

A process that imports PyTorch or Gradio takes seconds to start, a fork a few milliseconds. Signals, standard streams
and exit codes are those of a real process. The tests of an entry point itself start Python instead.
"""

import atexit
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import Popen
from threading import Lock, Thread
from typing import Any

SERVER = Path(__file__).with_name("fork_server.py")
LARGEST = 1 << 20
"""Largest number of bytes of a request: its arguments and the environment."""


class Forks:
    """The process that is forked, started with the first command."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = [sys.executable, str(SERVER), str(theirs.fileno())]
            self._process = Popen(words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        self._lock = Lock()
        atexit.register(self._end)

    def ask(self, request: Mapping[str, Any], files: Sequence[int] = ()) -> Any:
        """Sends a request, with open files, and returns the answer."""
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(request).encode()], files)
            answer = self._socket.recv(LARGEST)
        assert answer, "the fork server has ended"
        return json.loads(answer)

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()


@cache
def forks() -> Forks:
    """Returns this process's fork server."""
    return Forks()


class Fork:
    """A Pocketgan command in a process of its own, used as a `subprocess.Popen` is.

    Standard input is empty.

    Args:
        words: the command's arguments.
        code: Python code that is run instead of the command, with `words` in `sys.argv`.
        cwd: the folder that it runs in.
        new_session: whether it gets a session of its own, and with it a process group.
        environment: its environment; this process's by default.
        out, err: open files that it writes to instead of pipes; `stdout` or `stderr` is None then.
    """

    def __init__(
        self,
        words: Sequence[object],
        *,
        code: str = "",
        cwd: Path | None = None,
        new_session: bool = False,
        environment: Mapping[str, str] | None = None,
        out: int | None = None,
        err: int | None = None,
    ) -> None:
        self.stdout, their_out = stream_to(out)
        self.stderr, their_err = stream_to(err)
        request = {
            "words": [os.fspath(word) if isinstance(word, Path) else str(word) for word in words],
            "code": code,
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if environment is None else environment),
            "session": new_session,
        }
        try:
            self.pid: int = forks().ask(request, [their_out, their_err])
        finally:
            for given, theirs in ((out, their_out), (err, their_err)):
                if given is None:
                    os.close(theirs)
        self.returncode: int | None = None

    def __enter__(self) -> "Fork":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.wait()

    def close(self) -> None:
        """Closes the streams."""
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()

    def poll(self) -> int | None:
        """Returns the exit code, negative for a signal, or None while the process runs."""
        if self.returncode is None:
            self.returncode = forks().ask({"pid": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end; returns the exit code."""
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("fork", timeout or 0)
            time.sleep(0.005)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Waits for the end; returns what the process wrote to standard output and standard error, once."""
        texts = {"out": "", "err": ""}
        given = {"out": self.stdout, "err": self.stderr}
        streams = {name: stream for name, stream in given.items() if stream is not None and not stream.closed}
        readers = [Thread(target=read, args=(texts, *item), daemon=True) for item in streams.items()]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return texts["out"], texts["err"]

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless the process has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends the process at once."""
        self.send_signal(signal.SIGKILL)


def stream_to(file: int | None) -> tuple[io.TextIOWrapper | None, int]:
    """Returns what a process writes through a new pipe, and that pipe's end for it; or None and the file given."""
    if file is not None:
        return None, file
    ours, theirs = os.pipe()
    return open(ours, encoding="utf-8"), theirs


class StandIn(Fork, Popen):
    """A fork that is a `Popen` to the type checks of the tests; everything is done by the fork."""

    _child_created = False


def started(command: Sequence[str], *, env: Mapping[str, str], stderr: io.BufferedWriter, **_: Any) -> StandIn:
    """Stands for `subprocess.Popen` where the browser interface starts a command."""
    assert list(command[1:4]) == ["-P", "-m", "pocketgan"], command
    with open(os.devnull, "wb") as nothing:
        return StandIn(command[4:], environment=env, new_session=True, out=nothing.fileno(), err=stderr.fileno())


def read(texts: dict[str, str], name: str, stream: io.TextIOBase) -> None:
    """Reads a stream to its end."""
    with stream:
        texts[name] = stream.read()


def run(words: Sequence[object], **options: Any) -> "subprocess.CompletedProcess[str]":
    """Runs a command in a fork to its end; see `Fork`."""
    process = Fork(words, **options)
    out, err = process.communicate(120)
    assert process.returncode is not None
    return subprocess.CompletedProcess(list(map(str, words)), process.returncode, out, err)
