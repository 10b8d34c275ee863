"""Queues of jobs, since two simultaneous trainings on a small machine are both slower than one after the other."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pocketgan.web.processes import Starts, TooMany

EVERY_SECONDS = 0.5
"""Seconds between checks whether the next job may start."""


@dataclass(frozen=True)
class Job:
    """A waiting command.

    Attributes:
        name: the run that the command works on.
        arguments: the command's arguments.
        language: language of the command's messages.
    """

    name: str
    arguments: tuple[str, ...]
    language: str


class Queue:
    """Commands of one kind, started in order, each once nothing blocks it.

    The queue exists only in the server's memory: commands that still wait when the server ends are never started.

    Args:
        starts: starts the commands.
        in_the_way: returns the name of the run that must end first, or None.
    """

    def __init__(self, starts: Starts, in_the_way: Callable[[], str | None]) -> None:
        self.starts, self.in_the_way = starts, in_the_way
        self.problems: dict[str, str] = {}
        self._jobs: list[Job] = []
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def names(self) -> list[str]:
        """Returns the names of waiting jobs, the next one first."""
        return [job.name for job in list(self._jobs)]

    def ahead(self, name: str) -> str | None:
        """Returns the name that a waiting job waits for: the job before it, or the running one."""
        names = self.names()
        place = names.index(name) if name in names else 0
        return names[place - 1] if place else self.in_the_way()

    def add(self, name: str, arguments: Sequence[str], language: str) -> None:
        """Starts a command, or lets it wait until nothing blocks it.

        Raises:
            TooMany: the command could start, but too many processes are running.
            OSError: the command could start, but the system can't start it.
        """
        with self._lock:
            self.problems.pop(name, None)
            if not self._jobs and self.in_the_way() is None:
                self.starts.launch(name, arguments, language)
                return
            self._jobs.append(Job(name, tuple(arguments), language))
            if self._thread is None:
                self._thread = threading.Thread(target=self._begin_all, name="pocketgan-queue", daemon=True)
                self._thread.start()

    def drop(self, name: str) -> bool:
        """Removes a waiting job; returns whether it was waiting."""
        with self._lock:
            waiting = [job for job in self._jobs if job.name == name]
            self._jobs = [job for job in self._jobs if job.name != name]
            return bool(waiting)

    def hurry(self, name: str) -> bool:
        """Starts a waiting job even if something blocks it; returns whether it was waiting.

        Raises:
            TooMany, OSError: the job can't be started, and remains waiting.
        """
        with self._lock:
            job = next((job for job in self._jobs if job.name == name), None)
            if job is not None:
                self.starts.launch(job.name, list(job.arguments), job.language)
                self._jobs.remove(job)
            return job is not None

    def _begin_all(self) -> None:
        pause = threading.Event()
        while True:
            with self._lock:
                if not self._jobs:
                    self._thread = None
                    return
                if self.in_the_way() is None:
                    self._begin(self._jobs[0])
            pause.wait(EVERY_SECONDS)

    def _begin(self, job: Job) -> None:
        try:
            self.starts.launch(job.name, list(job.arguments), job.language)
        except TooMany:
            return
        except OSError as error:
            self.problems[job.name] = error.strerror or str(error)
        self._jobs.remove(job)
