"""Access to the disk: the runs, models and studies below one folder, by names that a browser may use."""

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
from pocketgan.base.files import natural
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
"""Largest number of folders between DIR and a run; the runs of a study are four levels below it."""
MOST_FOLDERS = 5000
"""Largest number of folders that are searched, since DIR may be a home folder."""
LONGEST = 1000
"""Largest number of characters in a name."""
FRESH_SECONDS = 2.0
"""Seconds for which a listing is reused, for all browsers together."""
STUDY = "study.json"
UPLOADS = "uploads"
"""Folder of the data sets that browsers uploaded."""
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
FEWEST_PICTURES = 10
"""Number of pictures in a folder from which it is offered as data."""
SPLITS = ("train", "training", "test", "testing", "val", "valid", "validation")


@dataclass(frozen=True)
class Listing:
    """Content of the folder, by relative names."""

    runs: tuple[str, ...] = ()
    exported: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


@dataclass
class Site:
    """The folder that the browser interface shows, its language, and its shared state.

    Attributes:
        folder: absolute path without symbolic links.
        language: a code of `language.LANGUAGES`.
        worker: generates images for the *Create* and *Translate* tabs; its process starts with the first request.
        reader: reads runs for all browsers together.
        starts: processes started by the server.
        trainings, evaluations: queues of waiting jobs.
        ended: set once the server ends.
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
        self.language = check_language(self.language)
        self.folder = Path(self.folder).expanduser().resolve()
        if not self.folder.is_dir():
            raise WebError(self.say("no folder", folder=self.folder), field="dir")
        self.trainings = Queue(self.starts, self.training)
        self.evaluations = Queue(self.starts, lambda: next(iter(self.starts.under_way("evaluate")), None))

    def end(self) -> None:
        """Ends the parts that only the interface needs; runs in training continue."""
        self.ended.set()
        self.worker.kill()

    # Texts.

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Makes the interface's language the current one inside, in any thread."""
        with speaking(self.language):
            yield

    def say(self, key: str, **parts: object) -> str:
        """Returns a text of `WORDS` in the interface's language, with its parts filled in."""
        with self.speaking():
            return say_of(WORDS, key, **parts)

    @property
    def display_path(self) -> str:
        """The folder as a person writes it: `~/digits` inside the home folder, otherwise its absolute path."""
        home = Path(os.path.expanduser("~")).resolve()
        inside = self.folder != home and self.folder.is_relative_to(home)
        return f"~/{self.folder.relative_to(home).as_posix()}" if inside else str(self.folder)

    def relative(self, text: str) -> str:
        """Returns a text in which paths inside the folder are relative, as the interface names runs and data."""
        return text.replace(f"{self.folder}{os.sep}", "")

    # Content of the folder.

    def listing(self) -> Listing:
        """Returns the content of the folder, searched at most every two seconds."""
        if time.monotonic() - self._listed > FRESH_SECONDS:
            self._listing = look(self.folder)
            self._listed = time.monotonic()
        return self._listing

    def forget(self) -> None:
        """Discards the listing, because something was created or moved."""
        self._listed = float("-inf")

    def runs(self) -> list[str]:
        """Returns the names of the runs, including those of studies."""
        return list(self.listing().runs)

    def models(self) -> list[str]:
        """Returns the names of all models that can generate or translate: exported models, and runs."""
        listing = self.listing()
        return [*listing.exported, *listing.runs]

    def studies(self) -> list[str]:
        """Returns the names of the studies."""
        return list(self.listing().studies)

    def training(self) -> str | None:
        """Returns a run in training on this machine, whoever started it, or None."""
        started = self.starts.under_way("train", "resume")
        if started:
            return started[0]
        return next((name for name in self.runs() if trains_here(self.folder / name)), None)

    # From names to folders. Every name from a browser is checked here.

    def path(self, name: object) -> Path:
        """Returns the path for a relative name below the folder; it need not exist.

        Raises:
            WebError: the name isn't relative, or leads out of the folder through `..` or a symbolic link.
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
            WebError: there is no such folder, or it leads out of the site's folder, itself or through a symbolic link
                inside.
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
        """Reads the current content of a run, for all browsers together; unreadable parts are reported in the result.

        Raises:
            WebError: there is no such run.
        """
        folder = self.resolve(name)
        self.starts.reap()
        return self.reader.read(folder)

    def file(self, name: object, inside: str, file: object, endings: tuple[str, ...]) -> Path:
        """Returns a file in a folder inside a run or a study.

        Args:
            name: name of the run or the study.
            inside: name of the folder.
            file: name of the file, from a browser.
            endings: permitted endings of the name.

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
            UserError: there is no model of this name, or it can't be read.
        """
        return load(self.resolve(name))

    def data(self, name: object) -> Path:
        """Returns the path of a data set: an archive, or a folder of images.

        Raises:
            WebError: there is no data set of this name, or it leads out of the folder.
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
    """Returns whether a run's status names a live process on this machine."""
    try:
        status = Status.model_validate(read_object(folder / "status.json"))
    except (RunError, ValidationError):
        return False
    return status.state == "running" and status.host == socket.gethostname() and lives(status)


def link_outside(folder: Path, root: Path, depth: int = 2) -> str | None:
    """Returns the name of a symbolic link within a folder, two levels deep, that leads out of `root`, or None."""
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
    """Returns the runs, exported models, studies and data sets below a folder; symbolic links are not followed."""
    runs, exported, studies, data = [], [], [], []
    pictures: set[str] = set()
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
        if name == UPLOADS:
            data += [f"{name}/{entry.name}" for entry in entries if not entry.is_symlink() and entry.name[0] != "."]
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
        if sum(file.lower().endswith(PICTURES) for file in files) >= FEWEST_PICTURES:
            pictures.add(pictures_in(PurePosixPath(name)))
        if depth < DEEPEST:
            folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
            waiting += [(Path(entry.path), depth + 1) for entry in folders if not entry.name.startswith((".", "_"))]
    data += sorted(pictures - {".", *data})
    return Listing(*(tuple(sorted(names, key=natural)) for names in (runs, exported, studies, data)))


def kind_of(folder: Path) -> str | None:
    """Returns `exported` or `run` for a folder with a `config.json` of Pocketgan, None for one of another program."""
    if is_exported(folder):
        return "exported"
    try:
        values = read_object(folder / "config.json")
    except RunError:
        return "run" if (folder / "status.json").is_file() else None
    return "run" if "format" in values and EXPORT_KEY not in values else None


def pictures_in(folder: PurePosixPath) -> str:
    """Returns the data set that a folder of pictures belongs to: the one above class folders and above splits."""
    parent = folder.parent
    if folder.name.lower() in SPLITS:
        return parent.as_posix()
    if parent.name.lower() in SPLITS:
        return parent.parent.as_posix()
    return (folder if parent.as_posix() == "." else parent).as_posix()


def data_in(files: set[str], name: str) -> list[str]:
    """Returns the data sets in a folder, given its files: .npz archives, and the folder itself if it has IDX files."""
    inside = "" if name == "." else f"{name}/"
    results = [f"{inside}{file}" for file in sorted(files) if file.endswith(".npz")]
    if any("-ubyte" in file for file in files) and name != ".":
        results.append(name)
    return results
