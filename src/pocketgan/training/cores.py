"""How many cores other programs leave free, and how many threads make the most of them.

Threads that share a step wait for each other at every operation. One whose core another program holds makes all of
them wait, so that two threads beside one busy program train several times slower than one thread does
(`benchmarks/busy.py`).
"""

import math
import os
import time
from dataclasses import dataclass

import psutil

SHARED = 0.4
"""A thread is worth its place where at most this share of a core is taken by others."""
LOOK_SECONDS = 1.0
"""Seconds that the use of the cores is averaged over, at least."""
CALM_LOOKS, MOST_CALM_LOOKS = 3, 60
"""Looks in a row that must show a free core before a thread is added; twice as many after each time it was too soon."""
TOO_SOON_SECONDS = 30.0


@dataclass(frozen=True)
class Usage:
    """The use of this machine's cores up to one moment, in seconds.

    Attributes:
        wall: of the clock.
        own: of the processor, by all threads of this process.
        idle: of all the cores that this process may use, together, doing nothing.
    """

    wall: float
    own: float
    idle: float


def usage() -> Usage:
    """Returns the use of the cores up to now."""
    cores = psutil.cpu_times(percpu=True)
    if hasattr(os, "sched_getaffinity"):
        allowed = os.sched_getaffinity(0)
        cores = [core for number, core in enumerate(cores) if number in allowed] or cores
    idle = sum(core.idle + getattr(core, "iowait", 0.0) for core in cores)
    return Usage(time.perf_counter(), time.process_time(), idle)


def free_cores(before: Usage, after: Usage) -> float:
    """Returns how many cores this process had or could have had between two moments: its own use and what was idle."""
    seconds = max(after.wall - before.wall, 1e-9)
    return (after.own - before.own + after.idle - before.idle) / seconds


def threads_for(free: float, most: int) -> int:
    """Returns how many threads make the most of so many free cores: 1 at least."""
    return max(1, min(most, math.floor(free + SHARED)))


class ThreadChooser:
    """Says how many threads to use, second by second.

    A thread is taken away at once, since it holds up the others; it is added when a core has been free for some
    seconds.

    Args:
        most: threads that train fastest on an idle machine.
        threads: those in use.
        since: the use of the cores when they began.
    """

    def __init__(self, most: int, threads: int, since: Usage) -> None:
        self.most, self.threads = most, threads
        self.free = float(most)
        self._since = since
        self._calm, self._needed = 0, CALM_LOOKS
        self._added_at = -math.inf

    def look(self, now: Usage) -> int:
        """Returns the number of threads from now on, which is `threads`; `free` is what was seen."""
        if now.wall - self._since.wall < LOOK_SECONDS:
            return self.threads
        self.free, self._since = free_cores(self._since, now), now
        wanted = threads_for(self.free, self.most)
        if wanted < self.threads:
            if now.wall - self._added_at < TOO_SOON_SECONDS:
                self._needed = min(2 * self._needed, MOST_CALM_LOOKS)
            self.threads, self._calm = wanted, 0
        elif wanted > self.threads:
            self._calm += 1
            if self._calm >= self._needed:
                self.threads, self._calm, self._added_at = wanted, 0, now.wall
        else:
            self._calm = 0
        return self.threads
