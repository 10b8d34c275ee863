"""The one process of the page that has PyTorch: started when something is first drawn, ended when it has idled.

This is the page's side, without torch; the worker's own is `answers.py`. What the page asks goes through a pipe, one
question at a time, and the answer comes back through another; see `frames.py`. What it writes on standard error goes
where the page's goes.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from pocketgan.base.errors import WebError
from pocketgan.base.language import spoken
from pocketgan.web.create_words import say
from pocketgan.web.frames import BadFrame, Frame, read_frame, write_frame

IDLE_SECONDS = 600.0
"""A worker that isn't asked for so long is ended; the next question starts another."""
LONGEST_SECONDS = 120.0
"""An answer that takes longer isn't waited for; the worker is ended."""
COMMAND = (sys.executable, "-P", "-m", "pocketgan.web.answers")


class Refused(WebError):
    """The worker said why it can't do what it was asked.

    Attributes:
        field: what won't do, as errors of Pocketgan begin: `text`, `checkpoint`, …
        untranslated: whether the message is English in every language: what a fault of the program said.
    """

    def __init__(self, message: str, *, untranslated: bool = False) -> None:
        super().__init__(message)
        self.field = message.partition(":")[0]
        self.untranslated = untranslated


class Worker:
    """Answers questions that take PyTorch, in a process of its own, one at a time, whoever asks.

    Args:
        idle: seconds after which it is ended.
        longest: seconds that an answer may take.
        command: the program that answers.
    """

    def __init__(
        self, idle: float = IDLE_SECONDS, longest: float = LONGEST_SECONDS, command: tuple[str, ...] = COMMAND
    ) -> None:
        self.idle, self.longest, self.command = idle, longest, command
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._ending: threading.Timer | None = None

    @property
    def pid(self) -> int | None:
        """The process that answers, where one is there."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def ask(self, what: str, arrays: Mapping[str, np.ndarray] | None = None, **values: Any) -> Frame:
        """Asks, and waits for the answer, in which sentences are in the language that is spoken here.

        Args:
            what: the question, one of `answers.ANSWERS`.
            arrays: arrays that it is about, by name.
            **values: plain values that it is about.

        Raises:
            Refused: it can't be done; the message says why.
            WebError: the worker died or took too long; the next question starts another.
        """
        with self._lock:
            if self._ending is not None:
                self._ending.cancel()
            try:
                answer = self._exchange({"ask": what, "language": spoken(), **values}, arrays)
            finally:
                self._ending = threading.Timer(self.idle, self.end)
                self._ending.daemon = True
                self._ending.start()
        if "error" in answer.values:
            raise Refused(str(answer.values["error"]), untranslated=bool(answer.values.get("untranslated")))
        return answer

    def kill(self) -> None:
        """Ends the process at once; an answer that is waited for is an error then."""
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()

    def end(self) -> None:
        """Ends the process, where one is there, after what it is asked; a question starts another."""
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

    def _exchange(self, question: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None) -> Frame:
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        late = threading.Event()
        limit = threading.Timer(self.longest, lambda: (late.set(), process.kill()))
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
            raise WebError(say("worker late") if late.is_set() else say("worker died"))
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
