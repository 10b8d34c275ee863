"""The runs that are in a folder, and the one that is meant where a command is given none."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from pocketgan.base.errors import RunError
from pocketgan.base.messages import problem
from pocketgan.base.printing import note
from pocketgan.runs.model import DEEPEST, is_exported, located, model_folders
from pocketgan.runs.records import Status
from pocketgan.runs.run import Run


class Runs(list[Run]):
    """Runs, and what can't be opened.

    Attributes:
        problems: a line for each run that is damaged.
    """

    def __init__(self, runs: Iterable[Run] = (), problems: Sequence[str] = ()) -> None:
        super().__init__(runs)
        self.problems = list(problems)


def list_runs(folder: str | Path = "runs", *, recursive: bool = False) -> Runs:
    """Returns the runs in `folder` in the order of their names: it is one itself, or its sub-folders are.

    What can't be opened is in the attribute `problems` of the list, a line each.

    Args:
        folder: where to look.
        recursive: whether sub-folders of sub-folders are looked into as well, such as those of studies.

    Raises:
        RunError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError("no runs folder", field="dir", folder=folder)
    runs = Runs()
    for path in model_folders(folder, DEEPEST if recursive else 1):
        if not is_exported(path):
            try:
                runs.append(Run.open(path))
            except RunError as error:
                runs.problems.append(str(error))
    return runs


def newest_first(folder: str | Path = "runs") -> list[tuple[Run, Status]]:
    """Returns the runs in a folder with their status, the one that was last written to first; none without a folder."""
    results = []
    for run in list_runs(folder) if Path(folder).is_dir() else ():
        with suppress(RunError):
            results.append((run, run.status()))
    return sorted(results, key=lambda entry: (entry[1].updated, str(entry[0].folder)), reverse=True)


def chosen(run: Path | None, *, reads_images: bool | None = None) -> Path:
    """Returns the folder of the run that a command is for: the one that was named, or the newest, which is then said.

    Args:
        run: as it was typed, or None.
        reads_images: whether it must be one that was trained to redraw images, or one that wasn't; None for any run.

    Raises:
        RunError: none was named, and there is none.
    """
    if run is not None:
        return located(run)
    for newest, _ in newest_first():
        if reads_images is None or (reads_images == newest.config.reads_images and newest.checkpoints()):
            note(problem("newest run", folder=newest.folder))
            return newest.folder
    raise RunError("no run to take", field="RUN")
