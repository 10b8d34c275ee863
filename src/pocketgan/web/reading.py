"""Current content of runs on disk, read once for all browsers; a run is read again after its files have changed."""

import contextlib
import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocketgan.base.errors import PocketganError
from pocketgan.runs.records import BEST, CLOCKS, MEASURES, Status
from pocketgan.runs.run import Run
from pocketgan.web.rows import Columns, stamp

FRESH_SECONDS = 0.5
"""Seconds for which the content read from a disk is reused, however many browsers ask."""
MOST_RUNS = 24
"""Largest number of runs kept in memory."""


@dataclass(frozen=True)
class Sample:
    """One sample picture: its file name, the training step, and the time of its last change in milliseconds."""

    file: str
    step: int
    changed: int


@dataclass
class Reading:
    """Content of a run as read from the disk.

    Attributes:
        run: the run; None if it can't be opened.
        status: the run's status; None if it can't be read.
        rows: losses and speeds.
        evaluations, events: as returned by `Run.metrics` and `Run.events`.
        samples: the sample pictures, oldest first.
        best: the counters of the best checkpoint, or None.
        problems: one message for each part that can't be read.
        gone: whether the folder doesn't exist any more.
        version: changes with anything above.
    """

    run: Run | None = None
    status: Status | None = None
    rows: Columns | None = None
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    best: dict[str, float] | None = None
    problems: list[str] = field(default_factory=list)
    gone: bool = False
    version: str = ""


class Reader:
    """Reads runs for all browsers together."""

    def __init__(self) -> None:
        self._runs: OrderedDict[Path, RunFiles] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, folder: Path) -> Reading:
        """Returns a run's content, at most half a second old. Never raises an error: problems are in the result."""
        with self._lock:
            files = self._runs.pop(folder, None) or RunFiles(folder)
            self._runs[folder] = files
            while len(self._runs) > MOST_RUNS:
                self._runs.popitem(last=False)
        return files.read()


class RunFiles:
    """Files of one run, and the content last read from them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = Columns(folder / "stats.jsonl", CLOCKS, MEASURES)
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._reading = Reading()
        self._kept: dict[str, tuple[Any, Any]] = {}

    def read(self) -> Reading:
        """Returns the content; see `Reader.read`."""
        with self._lock:
            if time.monotonic() - self._read_at > FRESH_SECONDS:
                self._reading = self._look()
                self._read_at = time.monotonic()
            return self._reading

    def _once(self, name: str, key: object, make: Callable[[], Any]) -> Any:
        """Returns the last result of `make`, unless the key has changed."""
        if name not in self._kept or self._kept[name][0] != key:
            self._kept[name] = (key, make())
        return self._kept[name][1]

    def _look(self) -> Reading:
        result = Reading(rows=self.rows)
        if not (self.folder / "config.json").is_file():
            result.gone = True
            result.version = "gone"
            return result
        stamps = [stamp(self.folder / name) for name in ("config.json", "environment.json")]
        with noting(result.problems):
            result.run = self._once("run", stamps, lambda: Run.open(self.folder))
        if result.run is None:
            result.version = digest(stamps, result.problems)
            return result
        with noting(result.problems):
            result.status = result.run.status()
        with noting(result.problems):
            self.rows.refresh()
        for name in ("metrics", "events"):
            stamps.append(stamp(self.folder / f"{name}.jsonl"))
            with noting(result.problems):
                rows = self._once(name, stamps[-1], getattr(result.run, name))
                setattr(result, "evaluations" if name == "metrics" else "events", rows)
        stamps.append(stamp(self.folder / "checkpoints" / BEST))
        result.best = self._once("best", stamps[-3:], result.run.best)
        stamps.append(stamp(self.folder / "samples"))
        with noting(result.problems):
            run = result.run
            result.samples = self._once("samples", stamps[-1], lambda: samples_of(run))
        state = result.status and (
            result.status.state,
            result.status.step,
            result.status.updated,
            result.status.message,
        )
        result.version = digest(stamps, state, self.rows.version, result.samples, result.problems)
        return result


@contextlib.contextmanager
def noting(problems: list[str]) -> Iterator[None]:
    """Records an error about unreadable content, and continues."""
    try:
        yield
    except PocketganError as error:
        problems.append(error.reason)
    except OSError as error:
        problems.append(f"{error.filename}: {error.strerror}")


def digest(*things: object) -> str:
    """Returns a short hash, which differs for different things."""
    return hashlib.blake2b(repr(things).encode(), digest_size=9).hexdigest()


def samples_of(run: Run) -> list[Sample]:
    """Returns the sample pictures, oldest first, with their training steps."""
    changed = {}
    with contextlib.suppress(OSError), os.scandir(run.folder / "samples") as entries:
        changed = {entry.name: entry.stat().st_mtime_ns for entry in entries}
    known = [sample for sample in run.samples() if sample.path.name in changed]
    return [Sample(one.path.name, one.step, changed[one.path.name] // 1_000_000) for one in known]
