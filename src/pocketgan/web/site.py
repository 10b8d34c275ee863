"""The page's only door to the disk: the runs, models and studies below one folder, by names that a browser may say."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from pocketgan.base.errors import RunError, WebError, check_language
from pocketgan.base.language import say as say_of
from pocketgan.base.language import speaking
from pocketgan.runs.exported import load
from pocketgan.runs.model import EXPORT_KEY, Model, is_exported, is_model
from pocketgan.runs.records import Status, lives, read_object
from pocketgan.runs.run import Run
from pocketgan.web.processes import Starts
from pocketgan.web.queues import Queue
from pocketgan.web.reading import Reader, Reading
from pocketgan.web.words import WORDS
from pocketgan.web.worker import Worker

DEEPEST = 6
"""Folders between DIR and a run, at most: a study's runs are four below it."""
MOST_FOLDERS = 5000
"""Folders that are looked into, at most: DIR may be somebody's home."""
LONGEST = 1000
"""Letters of a name."""
FRESH_SECONDS = 2.0
"""A list of what is there is good for so long, for all browsers together."""
STUDY = "study.json"


@dataclass(frozen=True)
class Listing:
    """What is below the folder, by relative names."""

    runs: tuple[str, ...] = ()
    exported: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


@dataclass
class Site:
    """The folder that the page shows, and the language that it speaks.

    Attributes:
        folder: absolute, without links.
        language: a code of `language.LANGUAGES`.
        worker: draws for the places Create and Redraw; its process starts with its first question.
        reader: reads runs for all browsers together.
        starts: the processes that the page started.
        trainings, evaluations: what waits for its turn.
        ended: set once the page ends.
    """

    folder: Path
    language: str = "en"
    worker: Worker = field(default_factory=Worker, repr=False)
    reader: Reader = field(default_factory=Reader, repr=False)
    starts: Starts = field(default_factory=Starts, repr=False)
    trainings: Queue = field(init=False, repr=False)
    evaluations: Queue = field(init=False, repr=False)
    ended: threading.Event = field(default_factory=threading.Event, repr=False)
    _listing: Listing = field(default_factory=Listing, repr=False)
    _listed: float = field(default=float("-inf"), repr=False)

    def __post_init__(self) -> None:
        check_language(self.language)
        self.folder = Path(self.folder).expanduser().resolve()
        if not self.folder.is_dir():
            raise WebError(self.say("no folder", folder=self.folder), field="dir")
        self.trainings = Queue(self.starts, self.training)
        self.evaluations = Queue(self.starts, lambda: next(iter(self.starts.under_way("evaluate")), None))

    def end(self) -> None:
        """Ends what only the page needs; trainings that were started go on."""
        self.ended.set()
        self.worker.kill()

    # Words.

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Says texts inside in the page's language, in whatever thread this is."""
        with speaking(self.language):
            yield

    def say(self, key: str, **parts: object) -> str:
        """Returns one of `WORDS` in the page's language, with its parts filled in."""
        with self.speaking():
            return say_of(WORDS, key, **parts)

    # What is there.

    def listing(self) -> Listing:
        """Returns what is below the folder; looked up every two seconds at most."""
        if time.monotonic() - self._listed > FRESH_SECONDS:
            self._listing = look(self.folder)
            self._listed = time.monotonic()
        return self._listing

    def forget(self) -> None:
        """Makes the next listing a new one: something was made or moved."""
        self._listed = float("-inf")

    def runs(self) -> list[str]:
        """Returns the runs' names, those of studies among them."""
        return list(self.listing().runs)

    def models(self) -> list[str]:
        """Returns the names of all that can draw or redraw: exported models, and runs."""
        listing = self.listing()
        return [*listing.exported, *listing.runs]

    def studies(self) -> list[str]:
        """Returns the studies' names."""
        return list(self.listing().studies)

    def training(self) -> str | None:
        """Returns a run that is being trained on this machine, whoever started it; None for none."""
        started = self.starts.under_way("train", "resume")
        if started:
            return started[0]
        return next((name for name in self.runs() if trains_here(self.folder / name)), None)

    # From names to folders. Everything that a browser says goes through here.

    def path(self, name: object) -> Path:
        """Returns the path below the folder that a relative name means; nothing need be there.

        Raises:
            WebError: it is no relative name, or leads out of the folder, by `..` or by a link.
        """
        if not isinstance(name, str) or not name or len(name) > LONGEST or not name.isprintable() or "\\" in name:
            raise WebError(self.say("no such name"))
        parts = PurePosixPath(name).parts
        if PurePosixPath(name).is_absolute() or Path(name).is_absolute() or ".." in parts or ":" in "".join(parts[:1]):
            raise WebError(self.say("outside", name=name))
        try:
            result = self.folder.joinpath(*parts).resolve()
        except (OSError, RuntimeError):
            raise WebError(self.say("no such name")) from None
        if not result.is_relative_to(self.folder):
            raise WebError(self.say("outside", name=name))
        return self.folder.joinpath(*parts)

    def resolve(self, name: object) -> Path:
        """Returns the folder of a run, an exported model or a study.

        Raises:
            WebError: it is none of them, or it leads out of the folder, itself or by a link in it.
        """
        folder = self.path(name)
        if not (is_model(folder) or (folder / STUDY).is_file()):
            raise WebError(self.say("nothing there", name=name))
        if (link := link_outside(folder, self.folder)) is not None:
            raise WebError(self.say("link outside", name=link))
        return folder

    def run(self, name: object) -> Run:
        """Opens a run.

        Raises:
            UserError: there is no such run, or it can't be read.
        """
        return Run.open(self.resolve(name))

    def read(self, name: object) -> Reading:
        """Reads a run as it is now, for all browsers together; what can't be read is said in it.

        Raises:
            WebError: there is no such run.
        """
        folder = self.resolve(name)
        self.starts.reap()
        return self.reader.read(folder)

    def file(self, name: object, inside: str, file: object, endings: tuple[str, ...]) -> Path:
        """Returns a file in a folder inside a run or a study.

        Args:
            name: of the run or the study.
            inside: the folder's name.
            file: the file's name, as a browser says it.
            endings: those that do.

        Raises:
            WebError: there is no such file, or it leads elsewhere.
        """
        if not isinstance(file, str) or "/" in file or file.startswith(".") or not file.endswith(endings):
            raise WebError(self.say("no such name"))
        folder = self.resolve(name)
        result = self.path(f"{name}/{inside}/{file}").resolve()
        if result.parent != (folder / inside).resolve() or not result.is_file():
            raise WebError(self.say("nothing there", name=file))
        return result

    def model(self, name: object) -> Model:
        """Opens a run or an exported model.

        Raises:
            UserError: there is none of this name, or it can't be read.
        """
        return load(self.resolve(name))

    def data(self, name: object) -> Path:
        """Returns a data set: an archive, or a folder of images.

        Raises:
            WebError: there is none of this name, or it leads out of the folder.
        """
        place = self.path(name)
        if not place.exists():
            raise WebError(self.say("no data", name=name))
        if place.is_dir() and (link := link_outside(place, self.folder)) is not None:
            raise WebError(self.say("link outside", name=link))
        return place

    def study(self, name: object) -> Path:
        """Returns a study's folder.

        Raises:
            WebError: there is no such study.
        """
        folder = self.resolve(name)
        if not (folder / STUDY).is_file():
            raise WebError(self.say("nothing there", name=name))
        return folder


def trains_here(folder: Path) -> bool:
    """Whether a run's status names a process of this machine that lives."""
    try:
        status = Status.model_validate(read_object(folder / "status.json"))
    except (RunError, ValidationError):
        return False
    return status.state == "running" and status.host == socket.gethostname() and lives(status)


def link_outside(folder: Path, root: Path, depth: int = 2) -> str | None:
    """Returns the name of a link in a folder, or in a folder in it, that leads out of `root`; None for none."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
                    return entry.name
                if depth > 1 and entry.is_dir() and (result := link_outside(Path(entry.path), root, depth - 1)):
                    return f"{entry.name}/{result}"
    except (OSError, RuntimeError):
        return None
    return None


def look(folder: Path) -> Listing:
    """Returns the runs, exported models, studies and data sets below a folder; links are not followed."""
    runs, exported, studies, data = [], [], [], []
    waiting, seen = [(folder, 0)], 0
    while waiting and seen < MOST_FOLDERS:
        place, depth = waiting.pop(0)
        seen += 1
        name = place.relative_to(folder).as_posix()
        try:
            with os.scandir(place) as result:
                entries = sorted(result, key=lambda entry: entry.name)
        except OSError:
            continue
        files = {entry.name for entry in entries if entry.is_file(follow_symlinks=False)}
        if "config.json" in files:
            kind = kind_of(place)
            if kind is not None:
                (exported if kind == "exported" else runs).append(name)
                continue
        if STUDY in files:
            studies.append(name)
        data += data_in(files, name)
        if depth < DEEPEST:
            folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
            waiting += [(Path(entry.path), depth + 1) for entry in folders if not entry.name.startswith((".", "_"))]
    return Listing(*(tuple(sorted(names)) for names in (runs, exported, studies, data)))


def kind_of(folder: Path) -> str | None:
    """Returns `exported` or `run` for a folder with a `config.json` of ours, None for another's."""
    if is_exported(folder):
        return "exported"
    try:
        values = read_object(folder / "config.json")
    except RunError:
        return "run" if (folder / "status.json").is_file() else None
    return "run" if "format" in values and EXPORT_KEY not in values else None


def data_in(files: set[str], name: str) -> list[str]:
    """Returns the data sets that a folder holds, by its files: archives of images, and files as MNIST's."""
    inside = "" if name == "." else f"{name}/"
    results = [f"{inside}{file}" for file in sorted(files) if file.endswith(".npz")]
    if any("-ubyte" in file for file in files) and name != ".":
        results.append(name)
    return results
