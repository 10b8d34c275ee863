"""Backends that execute the runs of a study: processes on this machine (joblib), or tasks on a Ray cluster."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, TypeVar

from pocketgan.base.errors import StudyError
from pocketgan.base.messages import problem
from pocketgan.studies.own_code import OwnParts, own_parts

Backend = Literal["local", "ray"]
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
KNOCK_SECONDS = 10
RETRIES = 3
"""Number of times a run is resumed after its process or its node was lost."""


def run_all(
    work: Callable[[Item], Outcome],
    items: Sequence[Item],
    *,
    backend: Backend,
    jobs: int,
    cores: int,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome]:
    """Calls `work` on every item, several at once in separate processes; yields the results as they arrive.

    If the process of an item is killed, another process gets the item, so `work` must be able to resume partial work.

    Args:
        work: a module-level function, or a partial of one.
        items: one argument for each call.
        backend: `local` or `ray`.
        jobs: number of simultaneous calls (`local`).
        cores: number of cores per call (`ray`).
        stopped: returns whether the work was asked to stop; processes killed by a signal then aren't replaced.

    Raises:
        StudyError: the cluster can't be reached, or processes are killed repeatedly.
    """
    if not items:
        return iter(())
    work = partial(with_parts, work=work, own=own_parts())
    return _on_ray(work, items, cores) if backend == "ray" else _in_processes(work, items, jobs, stopped)


def with_parts(item: Item, work: Callable[[Item], Outcome], own: OwnParts) -> Outcome:
    """Calls `work` on an item, in a process that knows the person's own parts."""
    own.hand_over()
    return work(item)


def count_jobs(text: str, threads: int) -> int:
    """Returns the number of simultaneous runs: the given number, or for `auto` as many as there are cores for.

    Raises:
        StudyError: `text` is neither.
    """
    import joblib

    if text == "auto":
        return max(1, joblib.cpu_count() // max(1, threads))
    if not text.isdecimal() or int(text) < 1:
        raise StudyError("number of jobs", field="jobs", value=text)
    return int(text)


def _in_processes(
    work: Callable[[Item], Outcome], items: Sequence[Item], jobs: int, stopped: Callable[[], bool]
) -> Iterator[Outcome]:
    """Runs the calls in joblib's loky processes; if one is killed, new processes get the remaining items."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    left = dict(enumerate(items))
    lost = 0
    while left:
        pool: Any = Parallel(n_jobs=min(jobs, len(left)), backend="loky", return_as="generator_unordered")
        calls = [delayed(_numbered)(work, number, item, os.getcwd()) for number, item in left.items()]
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
                raise StudyError("processes killed", field="jobs", count=lost) from None


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Delays a Ctrl-C until the end of the block.

    Processes started inside block SIGINT until their work begins, so that none ends with a traceback while importing.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _numbered(
    work: Callable[[Item], Outcome], number: int, item: Item, folder: str | None = None
) -> tuple[int, Outcome]:
    """Calls `work` on an item, in a folder: joblib's processes stay in that of the first call, which may be gone."""
    if folder is not None:
        os.chdir(folder)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return number, work(item)


def _on_ray(work: Callable[[Item], Outcome], items: Sequence[Item], cores: int) -> Iterator[Outcome]:
    """Runs the calls as Ray tasks on the cluster of RAY_ADDRESS, or on the cluster that this machine belongs to."""
    ray = _ray()
    task = ray.remote(num_cpus=max(1, cores), max_retries=RETRIES)(_numbered)
    waiting = [task.remote(work, number, item) for number, item in enumerate(items)]
    while waiting:
        done, waiting = ray.wait(waiting, num_returns=1)
        try:
            yield from (outcome for _, outcome in ray.get(done))
        except ray.exceptions.RayError as error:
            raise StudyError("ray failed", field="backend", why=str(error).splitlines()[0]) from None


def _ray() -> Any:
    """Imports Ray and connects to its cluster."""
    try:
        import ray
    except ImportError:
        raise StudyError("no ray", field="backend") from None
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS", "auto")
        try:
            _knock(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise StudyError("no cluster", field="backend", address=address, why=reason) from None
    return ray


def _knock(address: str) -> None:
    """Connects once to the address of a cluster, since Ray itself retries for minutes.

    Raises:
        OSError: nothing answers at the address.
        ValueError: the address has no port.
    """
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        raise ValueError(problem("no host and port"))
    socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_SECONDS).close()
