"""Number of cores that other programs leave free, and the number of threads that is fastest on them.

Threads that share a training step wait for each other at every operation. If another program occupies the core of one
thread, all threads wait. Two threads beside one busy program therefore train several times slower than a single thread
(`benchmarks/busy.py`).
"""

import math
import os
import time
from dataclasses import dataclass

import psutil

SHARED = 0.4
"""Largest share of a core that other programs may use before a thread on it slows down training."""
LOOK_SECONDS = 1.0
"""Minimum number of seconds over which the use of the cores is averaged."""
CALM_LOOKS, MOST_CALM_LOOKS = 3, 60
"""Initial and largest number of consecutive measurements with a free core before a thread is added.

The number doubles each time a thread has to be removed within `TOO_SOON_SECONDS` of its addition.
"""
TOO_SOON_SECONDS = 30.0


@dataclass(frozen=True)
class Usage:
    """Cumulative use of this machine's cores at one moment, in seconds.

    Attributes:
        wall: wall-clock time.
        own: processor time of all threads of this process.
        idle: total idle time of all cores that this process may use.
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
    """Returns how many cores were available to this process between two moments: those it used, and idle ones."""
    seconds = max(after.wall - before.wall, 1e-9)
    return (after.own - before.own + after.idle - before.idle) / seconds


def threads_for(free: float, most: int) -> int:
    """Returns the fastest number of threads for this many free cores, at least 1."""
    return max(1, min(most, math.floor(free + SHARED)))


class ThreadChooser:
    """Number of threads to use, updated every second.

    A thread without a free core is removed at once, since it delays the others. A thread is added once a core has been
    free for several seconds.

    Args:
        most: number of threads that trains fastest on an idle machine.
        threads: number of threads in use.
        since: the use of the cores when those threads started.
    """

    def __init__(self, most: int, threads: int, since: Usage) -> None:
        self.most, self.threads = most, threads
        self.free = float(most)
        self._since = since
        self._calm, self._needed = 0, CALM_LOOKS
        self._added_at = -math.inf

    def look(self, now: Usage) -> int:
        """Returns the number of threads to use from now on, also in `threads`; `free` holds the measured free cores."""
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
