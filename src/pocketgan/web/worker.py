"""The server's only process with PyTorch: it starts with the first request for images, and ends after idle time.

This module is the server's side, without torch; `answers.py` is the worker's side. Requests go through a pipe, one at a
time, and answers return through another; see `frames.py`. The worker shares the server's standard error.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from pocketgan.base.errors import WebError
from pocketgan.base.language import spoken
from pocketgan.web.create_words import say
from pocketgan.web.frames import BadFrame, Frame, read_frame, write_frame

IDLE_SECONDS = 600.0
"""Seconds without a request after which the worker is ended; the next request starts another."""
LONGEST_SECONDS = 120.0
"""Seconds after which an answer is given up and the worker is ended."""
TURN_SECONDS = 60.0
"""Seconds that a request waits for those before it; then it is answered with a message."""
COMMAND = (sys.executable, "-P", "-m", "pocketgan.web.answers")


class Refused(WebError):
    """A request that the worker refused, with its reason.

    Attributes:
        field: the field at fault: `text`, `checkpoint`, …; None for an error without one.
        untranslated: whether the message is English in every language, because it comes from a program fault.
    """

    def __init__(self, message: str, *, of: str | None = None, untranslated: bool = False) -> None:
        super().__init__(message)
        self.field = of
        self.untranslated = untranslated

    def __str__(self) -> str:
        return self.reason


class Worker:
    """Answers requests that need PyTorch, in a separate process, one at a time, for all browsers.

    Args:
        idle: seconds after which an idle process is ended.
        longest: largest number of seconds for an answer, whether it is asked for once or twice.
        turn: largest number of seconds that a request waits for those before it.
        command: the program that answers.
    """

    def __init__(
        self,
        idle: float = IDLE_SECONDS,
        longest: float = LONGEST_SECONDS,
        turn: float = TURN_SECONDS,
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self.idle, self.longest, self.turn, self.command = idle, longest, turn, command
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._lock = threading.RLock()
        self._ending: threading.Timer | None = None

    @property
    def pid(self) -> int | None:
        """The ID of the answering process, or None."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def ask(self, what: str, arrays: Mapping[str, np.ndarray] | None = None, **values: Any) -> Frame:
        """Sends a request and waits for the answer, with messages in the current language.

        No request changes anything, so one whose process stopped is sent once more, to a new process.

        Args:
            what: kind of request, one of `answers.ANSWERS`.
            arrays: arrays of the request, by name.
            **values: plain values of the request.

        Raises:
            Refused: the request can't be fulfilled; the message gives the reason.
            WebError: the worker stopped twice or took too long, or requests before this one did; the next request
                starts another.
        """
        if not self._lock.acquire(timeout=self.turn):
            raise WebError(say("worker busy"))
        try:
            if self._ending is not None:
                self._ending.cancel()
            question = {"ask": what, "language": spoken(), **values}
            self._killed = False
            end = time.monotonic() + self.longest
            answer = self._exchange(question, arrays, end)
            if answer is None and not self._killed:
                answer = self._exchange(question, arrays, end)
            if answer is None:
                raise WebError(say("worker died"))
        finally:
            self._ending = threading.Timer(self.idle, self.end)
            self._ending.daemon = True
            self._ending.start()
            self._lock.release()
        if "error" in answer.values:
            field, untranslated = answer.values.get("field"), bool(answer.values.get("untranslated"))
            raise Refused(str(answer.values["error"]), of=field, untranslated=untranslated)
        return answer

    def kill(self) -> None:
        """Ends the process at once; a request in progress then raises an error."""
        self._killed = True
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()

    def end(self) -> None:
        """Ends the process, if it exists, after the request in progress; the next request starts another."""
        with self._lock:
            if self._ending is not None:
                self._ending.cancel()
            process, self._process = self._process, None
            if process is None:
                return
            assert process.stdin is not None and process.stdout is not None
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    stream.close()
            if process.poll() is None:
                process.kill()
            process.wait()

    def _exchange(
        self, question: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None, end: float
    ) -> Frame | None:
        """Returns the answer, or None if the process stopped; at `end`, by the monotonic clock, it is given up."""
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        late = threading.Event()
        limit = threading.Timer(max(0.0, end - time.monotonic()), lambda: (late.set(), process.kill()))
        limit.daemon = True
        limit.start()
        try:
            write_frame(process.stdin, question, arrays)
            answer = read_frame(process.stdout)
        except (OSError, BadFrame):
            answer = None
        finally:
            limit.cancel()
        if answer is None:
            self.end()
            if late.is_set():
                raise WebError(say("worker late"))
        return answer

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.end()
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | one_thread,
            )
        except OSError:
            raise WebError(say("worker died")) from None
        return self._process
