"""Training: new runs, and runs to be resumed."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketgan.api.translations import translate
from pocketgan.base.errors import ConfigError, DataError, RunError, nearest
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress
from pocketgan.config import parts
from pocketgan.config.code import load_code
from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe as find_recipe
from pocketgan.config.sections import RunConfig
from pocketgan.images.grids import grid, save_picture
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from typing import Unpack

    from pocketgan.config.train_fields import TrainFields


def train(
    recipe: str | RunConfig | Callable[[], RunConfig] = "pocket",
    *,
    out: str | Path | None = None,
    code: str | Path | Sequence[str | Path] = (),
    progress: bool = True,
    **fields: "Unpack[TrainFields]",
) -> Run:
    """Trains a recipe and draws the figures of the run.

    Args:
        recipe: the name of a recipe (your own as `my_gan.py:recipe`), a complete configuration, or a function that
            returns one.
        out: the run's folder; by default the first free `runs/<recipe>-<n>`.
        code: files with your own parts, which names such as `my_gan.py:Painter` then stand for.
        progress: whether to show progress on standard error.
        **fields: fields of the configuration to replace, or their aliases: `duration="1 epoch"`, `z_dim=50`. Classes
            and objects of your own are accepted where names of parts are: `generator=Painter`,
            `objective=Objective(...)`, `optimizer=Lion`, `metrics=[Metric(...), "kernel_distance"]`. `data` also
            accepts an array of images, or a pair of images and labels: images uint8 [0, 255], shape (N, H, W),
            (N, H, W, C) or (N, C, H, W), labels integers (N,).

    Returns:
        The run.

    Raises:
        UserError: an argument is invalid; nothing was started.
        RunFailed: training had to stop; everything saved until then remains.
        KeyboardInterrupt: the training was interrupted; its state is saved, and `resume` continues it.
    """
    from pocketgan.experiment.experiment import run_experiment

    shown = Progress(quiet=not progress)
    hand_over(code)
    config = configured(recipe, {**fields})
    run = run_experiment(config, out, shown)
    finish(run)
    return completed(run, shown)


def configured(recipe: str | RunConfig | Callable[[], RunConfig], fields: dict[str, Any]) -> RunConfig:
    """Returns the configuration of a recipe with some fields replaced; arrays of images are saved first."""
    name = parts.hand_over("recipe", recipe) if not isinstance(recipe, str | RunConfig) else recipe
    config = find_recipe(name) if isinstance(name, str) else name
    for name in ("data", "to"):
        if not isinstance(fields.get(name, ""), str | Path):
            from pocketgan.images.arrays import keep_arrays

            fields = fields | {name: str(keep_arrays(fields[name]))}
    return replace(config, **{name: str(value) if isinstance(value, Path) else value for name, value in fields.items()})


def hand_over(code: str | Path | Sequence[str | Path], **own: Any) -> None:
    """Loads files with one's own parts, and adds objects to the table of parts.

    Args:
        code: files.
        **own: classes and objects by their kind: `generator`, `discriminator`, `objective`, `optimizer`, `schedule`;
            and `metrics`, one or a list.

    Raises:
        UserError: a file can't be loaded, or an object isn't a part of its kind.
    """
    for path in [code] if isinstance(code, str | Path) else code:
        load_code(path)
    for kind, value in own.items():
        if kind == "metrics":
            for metric in value if isinstance(value, list | tuple) else [value]:
                parts.name_of("metric", metric)
            continue
        if kind not in parts.NAMED:
            known = (*parts.NAMED, "metrics")
            raise ConfigError("no kind of part", field=kind, hint=nearest(kind, known), known=", ".join(known))
        parts.hand_over(kind, value)


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


def resume(
    run: str | Path | Run,
    *,
    duration: str | None = None,
    code: str | Path | Sequence[str | Path] = (),
    changed_code: bool = False,
    progress: bool = True,
    **own: Any,
) -> Run:
    """Resumes a run from its last checkpoint, to its end or to a longer duration, and draws its plots again.

    Args:
        run: the run or its folder.
        duration: a new, longer duration for the whole run.
        code: files with the run's own parts.
        changed_code: whether to continue although this code has changed since the run began; the run records it.
        progress: whether to show progress on standard error.
        **own: classes and objects that the run was started with: `generator=Painter`. A session that started the run
            still knows them.

    Returns:
        The run; unchanged if it is finished and no longer duration is given.

    Raises:
        UserError: there is no such run, its data or configuration has changed, or another process is training it.
        RunFailed: training had to stop; everything saved until then remains.
        KeyboardInterrupt: the training was interrupted; its state is saved.
    """
    shown = Progress(quiet=not progress)
    hand_over(code, **own)
    folder = run if isinstance(run, str | Path) else run.folder
    resumed, further = go_on(folder, duration, shown, changed_code=changed_code)
    if not further:
        shown.say(problem("is finished", folder=resumed.folder, step=resumed.plan.steps))
        return resumed
    return completed(resumed, shown)


def go_on(
    folder: str | Path, duration: str | None, progress: Progress, *, changed_code: bool = False
) -> tuple[Run, bool]:
    """Continues a run and draws its figures; returns the run, and whether its training has advanced."""
    from pocketgan.experiment.experiment import resume_experiment

    before = None
    with suppress(RunError):  # A damaged status is rewritten.
        before = Run.open(folder).status().step
    run = resume_experiment(folder, duration, progress, changed_code=changed_code)
    further = run.status().step != before
    if further or not any((run.folder / "figures").iterdir()):
        finish(run)
    return run, further


def opened_run(run: str | Path | Run) -> Run:
    """Returns a run, and opens it first if a folder is given."""
    if isinstance(run, Run):
        return run
    return Run.open(getattr(run, "folder", run))  # An exported model isn't a run, which the error says.


def finish(run: Run) -> None:
    """Draws the run's figures, and the translated test images of a finished image-to-image run."""
    from pocketgan.pictures.plots import draw_figures

    draw_figures(run)
    if run.config.reads_images and run.status().state == "finished":
        try:
            pictures = translate(run, count=10 if run.config.changes_class else 64).pairs
        except DataError:
            return  # The data has no test split.
        save_picture(grid(pictures.images, pictures.columns), run.folder / "figures" / "redrawn_test.png")


def open_run(folder: str | Path) -> Run:
    """Opens a run folder."""
    return Run.open(folder)
