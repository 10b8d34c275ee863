"""Where the runs of a study are run: processes on this machine (joblib), or tasks on a Ray cluster."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

from pocketgan.base.errors import StudyError

Backend = Literal["local", "ray"]
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
KNOCK_SECONDS = 10
RETRIES = 3
"""How often a run is taken up again after its process or its node was lost."""


def run_all(
    work: Callable[[Item], Outcome],
    items: Sequence[Item],
    *,
    backend: Backend,
    jobs: int,
    cores: int,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome]:
    """Calls `work` on every item, several at once in processes of their own; yields what it returns as it comes.

    An item whose process is killed is given to another one, so `work` must be able to take up what is half done.

    Args:
        work: a function at a module's top, or a partial of one.
        items: what it takes, one each.
        backend: `local` or `ray`.
        jobs: how many at once (`local`).
        cores: how many of a machine's cores each takes (`ray`).
        stopped: whether the items were asked to end; processes that a signal kills then aren't replaced.

    Raises:
        StudyError: the cluster can't be reached, or processes are killed again and again.
    """
    if not items:
        return iter(())
    return _on_ray(work, items, cores) if backend == "ray" else _in_processes(work, items, jobs, stopped)


def count_jobs(text: str, threads: int) -> int:
    """Returns how many runs go at once: `auto` for as many as there are cores for, or a number.

    Raises:
        StudyError: neither.
    """
    import joblib

    if text == "auto":
        return max(1, joblib.cpu_count() // max(1, threads))
    if not text.isdecimal() or int(text) < 1:
        raise StudyError("'{text}' won't do; a number from 1, or 'auto' for one a core", field="jobs", text=text)
    return int(text)


def _in_processes(
    work: Callable[[Item], Outcome], items: Sequence[Item], jobs: int, stopped: Callable[[], bool]
) -> Iterator[Outcome]:
    """Joblib's loky processes; where one is killed, the rest is given to new ones."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    left = dict(enumerate(items))
    lost = 0
    while left:
        pool: Any = Parallel(n_jobs=min(jobs, len(left)), backend="loky", return_as="generator_unordered")
        calls = [delayed(_numbered)(work, number, item) for number, item in left.items()]
        try:
            with interrupts_held_back():
                outcomes = pool(calls)
            for number, outcome in outcomes:
                del left[number]
                yield outcome
        except (BrokenProcessPool, KeyboardInterrupt) as error:
            if stopped():
                return
            if isinstance(error, KeyboardInterrupt):
                raise
            lost += 1
            if lost > RETRIES:
                raise StudyError(
                    "processes were killed {lost} times, perhaps for want of memory; --jobs 1 takes "
                    "less, and the same command goes on",
                    field="jobs",
                    lost=lost,
                ) from None


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Lets a Ctrl-C wait until the end. Processes that start inside hold it back until they work, so that none dies of
    it with a traceback while it imports."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _numbered(work: Callable[[Item], Outcome], number: int, item: Item) -> tuple[int, Outcome]:
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return number, work(item)


def _on_ray(work: Callable[[Item], Outcome], items: Sequence[Item], cores: int) -> Iterator[Outcome]:
    """Ray tasks on the cluster that RAY_ADDRESS names, or the one that this machine belongs to."""
    ray = _ray()
    task = ray.remote(num_cpus=max(1, cores), max_retries=RETRIES)(_numbered)
    waiting = [task.remote(work, number, item) for number, item in enumerate(items)]
    while waiting:
        done, waiting = ray.wait(waiting, num_returns=1)
        try:
            yield from (outcome for _, outcome in ray.get(done))
        except ray.exceptions.RayError as error:
            raise StudyError(
                "Ray gave a run up: {splitlines}", field="backend", splitlines=str(error).splitlines()[0]
            ) from None


def _ray() -> Any:
    """Imports Ray and connects to its cluster."""
    try:
        import ray
    except ImportError:
        raise StudyError("'ray' isn't installed; pip install 'pocketgan[ray]'", field="backend") from None
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS", "auto")
        try:
            _knock(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise StudyError(
                "no Ray cluster at '{address}' ({reason}); 'ray start --head' begins one, and "
                "RAY_ADDRESS names another",
                field="backend",
                address=address,
                reason=reason,
            ) from None
    return ray


def _knock(address: str) -> None:
    """Connects once to the address of a cluster, since Ray itself tries for minutes.

    Raises:
        OSError: nothing answers there.
        ValueError: it names no port.
    """
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        raise ValueError("it takes host:port")
    socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_SECONDS).close()
