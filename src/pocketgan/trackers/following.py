"""Runs and studies go to a tracker, afterwards or as they are trained."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from pocketgan.base.errors import PocketganError, TrackingFailed, UserError, nearest
from pocketgan.base.messages import problem
from pocketgan.base.printing import note
from pocketgan.config.shell import command
from pocketgan.runs.run import Run
from pocketgan.studies.study import Job, Study
from pocketgan.studies.verdicts import chosen_variant
from pocketgan.trackers import TRACKERS
from pocketgan.trackers.entries import PROJECT, Entry, To, Tracker, check_installed, name_in_study, place, study_of
from pocketgan.trackers.reading import Ending, Event, Picture, Reader, Row, Settings
from pocketgan.trackers.verdict import judged, verdict_entry, verdict_events

POLL_SECONDS = 2.0
"""Time between two readings of a run that is followed."""
ENDED = ("finished", "failed")
"""States in which a run is followed no longer."""
STOPPED = ("interrupted", "killed")
"""States of a run that is followed until it is resumed."""


@dataclass
class Tracked:
    """What a tracker was given.

    Attributes:
        entries: the names of the entries.
        rows, pictures: their number.
        where: the folder or the address of the last entry.
        look: a command that shows the entries or uploads them; empty if `where` is an address.
        complete: whether all runs have ended; False for runs that are still trained, or if following was interrupted.
        announced: whether a line has said that they are followed.
    """

    entries: list[str] = field(default_factory=list)
    rows: int = 0
    pictures: int = 0
    where: str = ""
    look: str = ""
    complete: bool = False
    announced: bool = False


@dataclass(frozen=True)
class Destination:
    """Where entries go.

    Attributes:
        to: the tracker.
        project: its project.
        folder: the folder for its files; None if environment variables of the tracker name a place.
    """

    to: To
    project: str
    folder: Path | None


class Recording:
    """One run on its way to a tracker.

    Args:
        run: the run.
        name: the name of its entry.
        group: the study's name, or None.
        destination: where the entry goes.
        tracked: counts what was logged.
    """

    def __init__(self, run: Run, name: str, group: str | None, destination: Destination, tracked: Tracked) -> None:
        self.reader, self.name, self.group = Reader(run), name, group
        self.destination, self.tracked = destination, tracked
        self.ending: Ending | None = None
        self._tracker: Tracker | None = None
        self._lock = ExitStack()
        self._rows = self._pictures = 0

    def advance(self) -> Ending:
        """Logs what is new in the run's folder; returns the state of the run."""
        rows: list[Row] = []
        for event in self.reader.events():
            if isinstance(event, Row):
                rows.append(event)
                continue
            self._log(rows)
            rows = []
            self._handle(event)
        assert self.ending is not None
        return self.ending

    def close(self) -> None:
        """Completes the entry."""
        tracker, self._tracker = self._tracker, None
        with self._lock:
            if tracker is not None and self.ending is not None:
                self.tracked.rows += self._rows
                self.tracked.pictures += self._pictures
                with refusals(self.destination.to, self.name):
                    tracker.close(self.ending)

    def _handle(self, event: Event) -> None:
        """Acts on an event that isn't a row."""
        if isinstance(event, Ending):
            self.ending = event
        elif isinstance(event, Settings):
            self._open(event)
        elif isinstance(event, Picture) and self._tracker is not None:
            with refusals(self.destination.to, self.name):
                self._tracker.image(event)
            self._pictures += 1

    def _log(self, rows: list[Row]) -> None:
        """Logs rows."""
        if rows and self._tracker is not None:
            with refusals(self.destination.to, self.name):
                self._tracker.scalars(rows)
            self._rows += len(rows)

    def _open(self, settings: Settings) -> None:
        """Opens the entry; if it is open, the run returned to an earlier step, and the entry is replaced."""
        to, project, folder = self.destination.to, self.destination.project, self.destination.folder
        entry = Entry(self.name, self.reader.run.folder, project, self.group, folder, settings.values)
        if self._tracker is None:
            self._lock.enter_context(locked(entry))
        elif self.ending is not None:
            with refusals(to, self.name):
                self._tracker.close(self.ending)
        self._rows = self._pictures = 0
        self._tracker = opened(entry, to)
        self.tracked.entries += [] if self.name in self.tracked.entries else [self.name]
        self.tracked.where, self.tracked.look = self._tracker.where, self._tracker.look


def track_run(run: Run, destination: Destination, *, follow: bool, stop: threading.Event) -> Tracked:
    """Logs a run; with `follow`, until it is finished or failed, or until `stop` is set.

    Raises:
        UserError: the tracker isn't installed, or the entry belongs to another run.
        TrackingFailed: the tracker refused something.
    """
    tracked, study = Tracked(), study_of(run)
    name = run.folder.resolve().name if study is None else name_in_study(run, study)
    group = None if study is None else study.folder.resolve().name
    recording, state = Recording(run, name, group, destination, tracked), "running"
    try:
        while state not in ENDED:
            before, state = state, recording.advance().state
            if not follow or state in ENDED:
                break
            announce(run.folder, tracked, destination)
            if state in STOPPED and before not in STOPPED:
                note(problem("waits to be resumed", folder=run.folder, command=command("resume", run.folder)))
            if stop.wait(POLL_SECONDS):
                break
    finally:
        recording.close()
    tracked.complete = state in ENDED
    return tracked


def track_study(folder: Path, destination: Destination, *, follow: bool, stop: threading.Event) -> Tracked:
    """Logs each run of a study and its verdict; with `follow`, until the study is complete, or until `stop` is set.

    Raises:
        StudyError: the folder holds no study.
        UserError, TrackingFailed: as for `track_run`.
    """
    tracked, recordings, done = Tracked(), dict[Path, Recording](), set[Path]()
    try:
        while True:
            study = Study.open(folder)
            for job, run in started(study):
                if job.folder in done:
                    continue
                if job.folder not in recordings:
                    name, group = name_in_study(run, study), study.folder.resolve().name
                    recordings[job.folder] = Recording(run, name, group, destination, tracked)
                over = job.result() is not None or not follow  # Asked first, so that the result is logged, too.
                recordings[job.folder].advance()
                if over:
                    recordings.pop(job.folder).close()
                    done.add(job.folder)
            tracked.complete = is_complete(study)
            if tracked.complete or not follow:
                break
            announce(folder, tracked, destination)
            if stop.wait(POLL_SECONDS):
                return tracked
    finally:
        for recording in recordings.values():
            recording.close()
    track_verdict(study, destination, tracked)
    return tracked


def track_verdict(study: Study, destination: Destination, tracked: Tracked) -> None:
    """Logs the verdict of a study, if any run has a result."""
    verdict = judged(study)
    if verdict is None:
        return
    entry = verdict_entry(study, verdict, destination.project, destination.folder)
    row, pictures, ending = verdict_events(study, verdict)
    tracker = opened(entry, destination.to)
    with refusals(destination.to, entry.name):
        tracker.scalars([row])
        for picture in pictures:
            tracker.image(picture)
        tracker.close(ending)
    tracked.entries.append(entry.name)
    tracked.rows, tracked.pictures = tracked.rows + 1, tracked.pictures + len(pictures)
    tracked.where, tracked.look = tracker.where, tracker.look


def started(study: Study) -> Iterator[tuple[Job, Run]]:
    """Yields the runs of a study that have begun, those on confirmation seeds as well."""
    chosen = chosen_variant(study)
    for job in [*study.jobs(), *([] if chosen is None else study.fresh_jobs(chosen))]:
        run = job.run()
        if run is not None:
            yield job, run


def is_complete(study: Study) -> bool:
    """Returns whether every run of a study has a result, those on confirmation seeds as well."""
    results = [result for row in study.results().values() for result in row]
    if not results or any(result is None for result in results):
        return False
    if study.config.search == "tpe" and not study.config.storage and len(study.variants) < study.config.trials:
        return False
    chosen = chosen_variant(study)
    return chosen is None or all(job.result() is not None for job in study.fresh_jobs(chosen))


def opened(entry: Entry, to: To) -> Tracker:
    """Opens an entry of a tracker."""
    with refusals(to, entry.name):
        return TRACKERS[to](entry)


@contextmanager
def refusals(to: To, name: str) -> Iterator[None]:
    """Turns an error of the tracker's library inside into a `TrackingFailed`."""
    try:
        yield
    except PocketganError:
        raise
    except Exception as error:  # Each library has its own kinds, which depend on its version.
        reason = " ".join((str(error) or type(error).__name__).split()).rstrip(".")
        raise TrackingFailed("tracker refused", field="to", tracker=to, name=name, why=reason) from error


@contextmanager
def locked(entry: Entry) -> Iterator[None]:
    """Prevents another process from logging the same entry into the same folder meanwhile.

    Raises:
        UserError: another process does, or the folder isn't writable.
    """
    if entry.folder is None:
        yield
        return
    lock = FileLock(entry.folder / f".{entry.identity}.lock")
    try:
        entry.folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError("being logged", field="run", name=entry.name) from None
    except OSError as error:
        raise UserError("not writable", field="folder", folder=entry.folder, why=error.strerror) from None
    try:
        yield
    finally:
        lock.release()


def announce(folder: Path, tracked: Tracked, destination: Destination) -> None:
    """Says once that a run or a study is followed, and where it is logged."""
    if not tracked.announced:
        tracked.announced = True
        note(problem("following", folder=folder, where=tracked.where or destination.to))


def destination_of(to: str, project: str | None, folder: str | Path | None) -> Destination:
    """Returns where entries go.

    Args:
        to: the tracker.
        project: its project; None for the default one.
        folder: the folder for its files; None for the default one, see `entries.place`.

    Raises:
        UserError: there is no such tracker, it isn't installed, or it has no projects.
    """
    known: dict[str, To] = {one: one for one in TRACKERS}
    name = known.get(to)
    if name is None:
        raise UserError("not one of", field="to", known=", ".join(known), value=to, hint=nearest(to, known))
    check_installed(name)
    if name == "tensorboard" and project is not None:
        raise UserError("no projects", field="project")
    return Destination(name, project or PROJECT, place(name, folder))
