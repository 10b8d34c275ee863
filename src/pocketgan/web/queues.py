"""What waits for its turn: on a laptop, two trainings at once are both slower than one after the other."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pocketgan.web.processes import Starts, TooMany

EVERY_SECONDS = 0.5
"""So often it is looked whether the next job may begin."""


@dataclass(frozen=True)
class Job:
    """A command that waits.

    Attributes:
        name: of what it works on.
        arguments: of the command.
        language: that it will speak.
    """

    name: str
    arguments: tuple[str, ...]
    language: str


class Queue:
    """Commands of one kind, begun in their order, each when nothing is in its way.

    They wait in the page's own memory: those that wait when the page ends are never begun.

    Args:
        starts: where they are begun.
        in_the_way: returns the name of what must end first, or None.
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
        """Returns what waits, the next one first."""
        return [job.name for job in list(self._jobs)]

    def ahead(self, name: str) -> str | None:
        """Returns what something that waits is waiting for: the job before it, or what is under way."""
        names = self.names()
        place = names.index(name) if name in names else 0
        return names[place - 1] if place else self.in_the_way()

    def add(self, name: str, arguments: Sequence[str], language: str) -> None:
        """Begins a command, or lets it wait until nothing is in its way.

        Raises:
            TooMany: it may begin, and as many processes are under way as may be.
            OSError: it may begin, and the system can't start it.
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
        """Lets a job wait no longer; returns whether it did wait."""
        with self._lock:
            waiting = [job for job in self._jobs if job.name == name]
            self._jobs = [job for job in self._jobs if job.name != name]
            return bool(waiting)

    def hurry(self, name: str) -> bool:
        """Begins a job that waits, whatever is in its way; returns whether it did wait.

        Raises:
            TooMany, OSError: it can't be started, and goes on waiting.
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
