"""The runs in a folder, and the default run of a command that names none."""

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
    """Runs that can be opened, and the problems of those that can't.

    Attributes:
        problems: one line per damaged run.
    """

    def __init__(self, runs: Iterable[Run] = (), problems: Sequence[str] = ()) -> None:
        super().__init__(runs)
        self.problems = list(problems)


def list_runs(folder: str | Path = "runs", *, recursive: bool = False) -> Runs:
    """Returns the runs in `folder`, sorted by name: `folder` itself if it is a run, or its subfolders.

    The attribute `problems` of the list has one line for each run that can't be opened.

    Args:
        folder: the folder to search.
        recursive: whether to search deeper subfolders as well, such as those of studies.

    Raises:
        RunError: the folder doesn't exist.
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
    """Returns the runs in a folder with their status, the most recently updated first; empty if there is no folder."""
    results = []
    for run in list_runs(folder) if Path(folder).is_dir() else ():
        with suppress(RunError):
            results.append((run, run.status()))
    return sorted(results, key=lambda one: (one[1].updated, written(one[0]), str(one[0].folder)), reverse=True)


def written(run: Run) -> int:
    """Returns when a run's status was written, in ns, to order runs of the same second; 0 if the file is missing."""
    try:
        return (run.folder / "status.json").stat().st_mtime_ns
    except OSError:
        return 0


def chosen(run: Path | None, *, reads_images: bool | None = None) -> Path:
    """Returns the folder of the run for a command: the named run or, with a message that says so, the newest run.

    Args:
        run: the folder as it was typed, or None.
        reads_images: whether the run must be an image-to-image run or must not be one; None for any run.

    Raises:
        RunError: no run was named, and there is none.
    """
    if run is not None:
        return located(run)
    for newest, _ in newest_first():
        if reads_images is None or (reads_images == newest.config.reads_images and newest.checkpoints()):
            note(problem("newest run", folder=newest.folder))
            return newest.folder
    raise RunError("no run to take", field="RUN")
