"""The Python interface: what the commands do, as functions. `import pocketgan` shows them at its top."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketgan.config import RunConfig, replace
from pocketgan.errors import DataError, RunError
from pocketgan.pictures import Images, grid, save_picture, to_picture
from pocketgan.progress import Progress
from pocketgan.recipes import recipe as find_recipe
from pocketgan.runs import MOST_IMAGES, Run

if TYPE_CHECKING:
    from pocketgan.evaluation import Evaluation
    from pocketgan.studies.backends import Backend
    from pocketgan.studies.config import StudyConfig
    from pocketgan.studies.study import Study


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
        UserError: something asked for won't do; nothing was started.
        RunFailed: training had to stop; what was saved is still there.
    """
    from pocketgan.experiment import run_experiment

    config = find_recipe(recipe) if isinstance(recipe, str) else recipe
    run = run_experiment(replace(config, **fields), out, Progress(quiet=not progress))
    finish(run)
    return run


def resume(run: str | Path | Run, *, duration: str | None = None, progress: bool = True) -> Run:
    """Goes on with a run exactly where its last checkpoint stands, or further, and draws its figures anew.

    Args:
        run: the run or its folder.
        duration: a new, longer duration for the whole run.
        progress: whether to show progress on standard error.
    """
    from pocketgan.experiment import resume_experiment

    folder = run.folder if isinstance(run, Run) else run
    resumed = resume_experiment(folder, duration, Progress(quiet=not progress))
    finish(resumed)
    return resumed


def finish(run: Run) -> None:
    """Draws the run's figures, and where it redraws images, how its saved generator redraws the test images."""
    from pocketgan.figures import draw_figures

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


def evaluate(
    source: str | Path | Run,
    *,
    against: str = "test",
    features: str = "auto",
    count: int | None = None,
    metrics: str = "all",
    checkpoint: str | int = "auto",
    seed: int = 0,
    out: str | Path | None = None,
    inception_weights: str | Path | None = None,
    progress: bool = True,
) -> "tuple[Evaluation, Path | None]":
    """Measures a run's generator, or any tool's images, and draws a page of figures.

    Args:
        source: a run or its folder, a folder of pictures, or an .npz file with `images` and optionally `labels`.
        against: `test` or `train`, the splits of the run's data (of MNIST for other images), or a path of images.
        features: `auto`, `digits`, `classifier`, `random` or `inception`.
        count: images to compare; by default 10,000, or as many as there are.
        metrics: `all`, or names with commas.
        checkpoint: of a run: `best`, `last` or a step; `auto` for the best, or the last of one without.
        seed: of a run's latents.
        out: the folder for the page and `evaluation.json`; by default `evaluation` in a run's folder, else none.
        inception_weights: the file of the weights of the space `inception`.
        progress: whether to show progress on standard error.

    Returns:
        The figures, and the page (a PNG file) where one was drawn.

    Raises:
        UserError: something asked for won't do; the message says what.
    """
    from pocketgan import evaluation
    from pocketgan.evaluation_page import draw_page
    from pocketgan.files import write_json

    done = evaluation.evaluate(
        source,
        against=against,
        feature_space=features,
        count=count,
        metrics=metrics,
        checkpoint=checkpoint,
        seed=seed,
        inception_weights=inception_weights,
        progress=Progress(quiet=not progress),
    )
    if out is None:
        if not (isinstance(source, Run) or evaluation.is_run(source)):
            return done, None
        out = (source.folder if isinstance(source, Run) else Path(source)) / "evaluation"
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"out: '{folder}' can't be made: {error.strerror}") from None
    write_json(folder / "evaluation.json", done.to_json())
    return done, draw_page(done, folder)


def study(
    study: "str | Path | StudyConfig | dict[str, Any]",
    *,
    out: str | Path | None = None,
    seeds: int | None = None,
    duration: str | None = None,
    jobs: str | int = "auto",
    backend: "Backend" = "local",
    progress: bool = True,
) -> "Study":
    """Runs a study, or goes on with it, and writes its page.

    Args:
        study: the name of a predeclared one, a TOML file, a configuration, or its fields as a dict.
        out: the study's folder; by default `studies/<name>`.
        seeds: runs of each variant; by default as the study says.
        duration: how long each run trains; by default as the study says.
        jobs: how many runs at once on this machine; `auto` for one a core.
        backend: `local`, or `ray` for a cluster.
        progress: whether to show progress on standard error.

    Returns:
        The study; `report` makes its page anew, `pocketgan.studies.verdicts.judge` gives its figures.

    Raises:
        UserError: something asked for won't do; nothing was started.
    """
    from pocketgan.reports.write import write_report
    from pocketgan.studies.config import StudyConfig, study_config
    from pocketgan.studies.predeclared import read_study
    from pocketgan.studies.running import run_study

    if isinstance(study, dict):
        config = study_config({"name": "study", **study})
    else:
        config = study if isinstance(study, StudyConfig) else read_study(study)
    changed = {name: value for name, value in (("seeds", seeds), ("duration", duration)) if value is not None}
    if changed:
        config = study_config(config.model_dump() | changed)
    folder = Path("studies") / config.name if out is None else out
    done = run_study(config, folder, jobs=str(jobs), backend=backend, progress=Progress(quiet=not progress))
    write_report(done)
    return done


def report(folder: str | Path) -> Path:
    """Writes the page of a study, however far it is, with the pictures and tables behind it; returns the page.

    Raises:
        StudyError: there is no study.
    """
    from pocketgan.reports.write import write_report
    from pocketgan.studies.study import Study

    return write_report(Study.open(folder))


def translate(
    run: str | Path | Run,
    *,
    split: str = "test",
    count: int = 16,
    images: tuple[Path, ...] = (),
    checkpoint: str | int = "auto",
) -> tuple[Images, Images, Images]:
    """Loads an image-to-image run's generator from disk and redraws images with it.

    Args:
        run: the run or its folder.
        split: `test` or `train`: the first `count` images of the run's classes in that split.
        count: how many.
        images: picture files to redraw instead.
        checkpoint: `best`, `last` or a step; `auto` for the best, or the last of a run that wasn't evaluated.

    Returns:
        Input and output side by side, the inputs, and the outputs.

    Raises:
        UserError: the run reads noise, there is no such split, or a picture is of another size.
    """
    import torch

    from pocketgan.data import load_images
    from pocketgan.loading import load_generator
    from pocketgan.sampling import redraw_images, side_by_side

    run = run if isinstance(run, Run) else Run.open(run)
    if not run.config.reads_images:
        raise RunError(f"run: '{run.folder}' draws from noise and redraws no images; use 'pocketgan generate'")
    if not 1 <= count <= MOST_IMAGES:
        raise RunError(f"count: {count} won't do: at least 1, and at most {MOST_IMAGES:,} at once")
    if images:
        inputs = torch.stack([read_input(path, run) for path in images])
    else:
        part = "train" if split == "train" else "test"
        inputs = load_images(run.config.data, part).images[:count]
    outputs = redraw_images(load_generator(run, checkpoint), run.config, inputs)
    return side_by_side(inputs, outputs), Images(inputs.numpy()), Images(outputs.numpy())


def read_input(path: Path, run: Run) -> Any:
    """Reads one picture as the run's generator takes it: a uint8 tensor (C, S, S).

    Raises:
        DataError: it can't be decoded, or has another size or colours.
    """
    import numpy as np
    import torch

    from pocketgan.image_files import read_picture

    pixels = read_picture(path, name="images")
    facts = run.facts
    if pixels.shape[:2] != (facts.size, facts.size):
        found = f"{pixels.shape[1]}×{pixels.shape[0]}"
        raise DataError(f"images: {path} is {found} pixels; '{run.folder}' takes {facts.size}×{facts.size}")
    if facts.channels == 3:
        pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy())
    if pixels.ndim == 3:
        if (pixels != pixels[:, :, :1]).any():
            raise DataError(f"images: {path} has colours; '{run.folder}' takes grey pictures")
        pixels = pixels[:, :, 0]
    return torch.from_numpy(pixels.copy())[None]


def save_translation(made: tuple[Images, Images, Images], out: Path) -> Path:
    """Writes `side_by_side.png`, and each input and output as a picture, into the folder `out`; returns the first."""
    pairs, inputs, outputs = made
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"out: '{out}' can't be made: {error.strerror}") from None
    digits = max(4, len(str(len(inputs) - 1)))
    for name, images in (("input", inputs), ("output", outputs)):
        for index, image in enumerate(images.images):
            save_picture(to_picture(image.transpose(1, 2, 0)), out / f"{name}_{index:0{digits}d}.png")
    save_picture(pairs.picture(), out / "side_by_side.png")
    return out / "side_by_side.png"
