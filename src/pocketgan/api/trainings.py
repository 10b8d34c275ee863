"""Trainings: new ones, and those that go on."""

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
    """Trains a recipe and draws its figures.

    Args:
        recipe: a recipe's name, or a whole configuration.
        out: the run's folder; by default the first free `runs/<recipe>-<n>`.
        progress: whether to show progress on standard error.
        **fields: fields of the configuration to replace, or their aliases: `duration="1 epoch"`, `z_dim=50`.

    Raises:
        UserError: what was asked for is invalid; nothing was started.
        RunFailed: training had to stop; what was saved is still there.
        KeyboardInterrupt: it was interrupted; what it had got to is saved, and `resume` goes on with it.
    """
    from pocketgan.experiment.experiment import run_experiment

    config, shown = find_recipe(recipe) if isinstance(recipe, str) else recipe, Progress(quiet=not progress)
    run = run_experiment(replace(config, **fields), out, shown)
    finish(run)
    return completed(run, shown)


def completed(run: Run, progress: Progress) -> Run:
    """Returns a run that has been trained.

    Raises:
        KeyboardInterrupt: it was interrupted, which a loop around it shouldn't go on after.
    """
    status = run.status()
    if status.state == "interrupted":
        progress.say(problem("interrupted", folder=run.folder, step=status.step, steps=run.plan.steps))
        raise KeyboardInterrupt
    return run


def resume(run: str | Path | Run, *, duration: str | None = None, progress: bool = True) -> Run:
    """Resumes a run from its last checkpoint, to its end or to a longer duration, and draws its figures again.

    Args:
        run: the run or its folder.
        duration: a new, longer duration for the whole run.
        progress: whether to show progress on standard error.

    Returns:
        The run; as it is, where it is finished and no longer duration is given.

    Raises:
        UserError: there is no such run, its data or configuration has changed, or it is being trained.
        RunFailed: training had to stop; what was saved is still there.
        KeyboardInterrupt: it was interrupted; what it had got to is saved.
    """
    shown = Progress(quiet=not progress)
    resumed, further = go_on(run if isinstance(run, str | Path) else run.folder, duration, shown)
    if not further:
        shown.say(problem("is finished", folder=resumed.folder, step=resumed.plan.steps))
        return resumed
    return completed(resumed, shown)


def go_on(folder: str | Path, duration: str | None, progress: Progress) -> tuple[Run, bool]:
    """Goes on with a run and draws its figures; returns it, and whether it has got any further."""
    from pocketgan.experiment.experiment import resume_experiment

    before = None
    with suppress(RunError):  # A damaged status is made again.
        before = Run.open(folder).status().step
    run = resume_experiment(folder, duration, progress)
    further = run.status().step != before
    if further or not any((run.folder / "figures").iterdir()):
        finish(run)
    return run, further


def opened_run(run: str | Path | Run) -> Run:
    """Returns a run, opened where it is a folder."""
    return Run.open(run) if isinstance(run, str | Path) else run


def finish(run: Run) -> None:
    """Draws the run's figures, and where it redraws images, how its saved generator redraws the test images."""
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
