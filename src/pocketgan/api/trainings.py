"""Training: new runs, and runs to be resumed."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketgan.api.translations import translate
from pocketgan.base.errors import DataError, RunError
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress
from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe as find_recipe
from pocketgan.config.sections import RunConfig
from pocketgan.images.grids import grid, save_picture
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    pass


def train(
    recipe: str | RunConfig = "pocket", *, out: str | Path | None = None, progress: bool = True, **fields: Any
) -> Run:
    """Trains a recipe and draws the figures of the run.

    Args:
        recipe: the name of a recipe, or a complete configuration.
        out: the run's folder; by default the first free `runs/<recipe>-<n>`.
        progress: whether to show progress on standard error.
        **fields: fields of the configuration to replace, or their aliases: `duration="1 epoch"`, `z_dim=50`.

    Raises:
        UserError: an argument is invalid; nothing was started.
        RunFailed: training had to stop; everything saved until then remains.
        KeyboardInterrupt: the training was interrupted; its state is saved, and `resume` continues it.
    """
    from pocketgan.experiment.experiment import run_experiment

    config, shown = find_recipe(recipe) if isinstance(recipe, str) else recipe, Progress(quiet=not progress)
    run = run_experiment(replace(config, **fields), out, shown)
    finish(run)
    return completed(run, shown)


def completed(run: Run, progress: Progress) -> Run:
    """Returns a run whose training has ended.

    Raises:
        KeyboardInterrupt: the training was interrupted, so that a loop around it stops as well.
    """
    status = run.status()
    if status.state == "interrupted":
        progress.say(problem("interrupted", folder=run.folder, step=status.step, steps=run.plan.steps))
        raise KeyboardInterrupt
    return run


def resume(run: str | Path | Run, *, duration: str | None = None, progress: bool = True) -> Run:
    """Resumes a run from its last checkpoint, to its end or to a longer duration, and draws its plots again.

    Args:
        run: the run or its folder.
        duration: a new, longer duration for the whole run.
        progress: whether to show progress on standard error.

    Returns:
        The run; unchanged if it is finished and no longer duration is given.

    Raises:
        UserError: there is no such run, its data or configuration has changed, or another process is training it.
        RunFailed: training had to stop; everything saved until then remains.
        KeyboardInterrupt: the training was interrupted; its state is saved.
    """
    shown = Progress(quiet=not progress)
    resumed, further = go_on(run if isinstance(run, str | Path) else run.folder, duration, shown)
    if not further:
        shown.say(problem("is finished", folder=resumed.folder, step=resumed.plan.steps))
        return resumed
    return completed(resumed, shown)


def go_on(folder: str | Path, duration: str | None, progress: Progress) -> tuple[Run, bool]:
    """Continues a run and draws its figures; returns the run, and whether its training has advanced."""
    from pocketgan.experiment.experiment import resume_experiment

    before = None
    with suppress(RunError):  # A damaged status is rewritten.
        before = Run.open(folder).status().step
    run = resume_experiment(folder, duration, progress)
    further = run.status().step != before
    if further or not any((run.folder / "figures").iterdir()):
        finish(run)
    return run, further


def opened_run(run: str | Path | Run) -> Run:
    """Returns a run, and opens it first if a folder is given."""
    return Run.open(run) if isinstance(run, str | Path) else run


def finish(run: Run) -> None:
    """Draws the run's figures, and the translated test images of a finished image-to-image run."""
    from pocketgan.pictures.plots import draw_figures

    draw_figures(run)
    if run.config.reads_images and run.status().state == "finished":
        try:
            pictures, _, _ = translate(run, count=64)
        except DataError:
            return  # The data has no test split.
        save_picture(grid(pictures.images, pictures.columns), run.folder / "figures" / "redrawn_test.png")


def open_run(folder: str | Path) -> Run:
    """Opens a run folder."""
    return Run.open(folder)
