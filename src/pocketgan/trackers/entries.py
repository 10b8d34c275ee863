"""Entries of a tracker: what a run or a study's verdict is called there, and where its files go."""

import hashlib
import importlib
import importlib.util
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from pocketgan.base.errors import StudyError, UserError
from pocketgan.runs.run import Run
from pocketgan.studies.study import Study
from pocketgan.trackers.reading import Ending, Picture, Row

To = Literal["tensorboard", "wandb", "trackio", "mlflow"]
PROJECT = "pocketgan"
"""The default project."""
PLACES = "tracking"
"""The default folder; each tracker has its own folder inside."""
ELSEWHERE: dict[To, tuple[str, ...]] = {
    "tensorboard": (),
    "wandb": ("WANDB_DIR",),
    "trackio": ("TRACKIO_DIR", "TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL"),
    "mlflow": ("MLFLOW_TRACKING_URI",),
}
"""Each tracker's environment variables that name another place, which replaces the default folder."""


@dataclass(frozen=True)
class Entry:
    """One entry of a tracker: a run, or the verdict of a study.

    Attributes:
        name: the name that people see; runs of a study are called `<study>/<variant>/seed-<n>`.
        source: the folder of the run or study.
        project: the tracker's project.
        group: the name of the study; None for a run that isn't part of one.
        folder: the folder for the tracker's files; None if environment variables of the tracker name a place.
        settings: the settings, by name.
    """

    name: str
    source: Path
    project: str
    group: str | None
    folder: Path | None
    settings: dict[str, Any]

    @property
    def identity(self) -> str:
        """16 hexadecimal digits that no other run or verdict has; the same each time, unless the folder was moved."""
        place = f"{socket.gethostname()}\n{self.source.resolve()}\n{self.name}"
        return hashlib.sha256(place.encode()).hexdigest()[:16]


@runtime_checkable
class Tracker(Protocol):
    """One entry that is open in a tracker; its constructor replaces what an earlier call wrote for the same entry."""

    @property
    def where(self) -> str:
        """The folder or the address of the entry."""
        ...

    @property
    def look(self) -> str:
        """A command that shows the entry or uploads it; empty if `where` is an address."""
        ...

    def scalars(self, rows: list[Row]) -> None:
        """Logs rows of numbers."""
        ...

    def image(self, picture: Picture) -> None:
        """Logs a picture."""
        ...

    def close(self, ending: Ending) -> None:
        """Completes the entry."""
        ...


def place(to: To, folder: str | Path | None) -> Path | None:
    """Returns the folder for a tracker's files; None if one of the tracker's environment variables names a place."""
    if folder is not None:
        return Path(folder)
    return None if any(os.environ.get(name) for name in ELSEWHERE[to]) else Path(PLACES) / to


def check_installed(to: To) -> None:
    """Checks that the library of a tracker is installed; it has the tracker's name, and so has the extra.

    Raises:
        UserError: it isn't.
    """
    spec = importlib.util.find_spec(to)
    if spec is None or spec.origin is None:  # A folder of this name, such as W&B's own, isn't the library.
        raise UserError("no tracker library", field="to", name=to)


def library(to: To, *parts: str) -> Any:
    """Imports the library of a tracker, and those of its modules that it doesn't import itself."""
    for part in parts:
        importlib.import_module(f"{to}.{part}")
    return importlib.import_module(to)


def study_of(run: Run) -> Study | None:
    """Returns the study that a run belongs to, by its folder; None if it is a run on its own."""
    parents = run.folder.resolve().parents
    if len(parents) < 3 or parents[1].name != "runs" or not (parents[2] / "study.json").is_file():
        return None
    with suppress(StudyError):
        return Study.open(parents[2])
    return None


def name_in_study(run: Run, study: Study) -> str:
    """Returns the name of a study's run: `<study>/<variant>/seed-<n>`."""
    folder = study.folder.resolve()
    return f"{folder.name}/{run.folder.resolve().relative_to(folder / 'runs').as_posix()}"
