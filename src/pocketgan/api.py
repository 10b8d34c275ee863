"""The Python interface: what the commands do, as functions. `import pocketgan` shows them at its top."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketgan.base.errors import DataError, RunError
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress
from pocketgan.config.recipes import recipe as find_recipe
from pocketgan.config.sections import RunConfig, replace
from pocketgan.images.grids import Images, grid, make_folder, save_picture, to_picture
from pocketgan.runs.exported import ExportedModel, find_model, load
from pocketgan.runs.model import MOST_IMAGES, PLACES, Model, runs_inside, why_no_run
from pocketgan.runs.records import read_object
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from pocketgan.exports.folder import Format
    from pocketgan.metrics.evaluation import Evaluation
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
    """Goes on with a run exactly where its last checkpoint stands, or further, and draws its figures anew.

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


def evaluate(
    source: str | Path | Model,
    *,
    against: str = "auto",
    features: str = "auto",
    count: int | None = None,
    metrics: str = "all",
    checkpoint: str | int = "auto",
    seed: int = 0,
    out: str | Path | None = None,
    inception_weights: str | Path | None = None,
    replace: bool = False,
    progress: bool = True,
) -> "tuple[Evaluation, Path | None]":
    """Measures the generator of a run or an exported model, or any tool's images, and draws a page of figures.

    Args:
        source: a run or an exported model, or its folder; a folder of pictures, or an .npz file with `images` and
            optionally `labels`.
        against: `test`, `train` or `validation`, the splits of the run's data (of MNIST for other images), or a path of
            images, of which the test split is taken where there is one; `auto` for the test split, or what the run held
            out where its data has none.
        features: `auto`, `digits`, `classifier`, `random` or `inception`.
        count: images to compare; by default 10,000, or as many as there are.
        metrics: `all`, or names with commas.
        checkpoint: of a run: `best`, `last` or a step; `auto` for the best, or the last of one without.
        seed: of a run's latents.
        out: the folder for the page and `evaluation.json`; by default `evaluation` in the folder of a run or exported
            model, else none.
        inception_weights: the file of the weights of the space `inception`.
        replace: whether a smaller evaluation may take the place of a larger one in the folder of a run.
        progress: whether to show progress on standard error.

    Returns:
        The scores, and the page (a PNG file) where one was drawn.

    Raises:
        UserError: something asked for won't do; the message says what.
    """
    from pocketgan.base.files import write_json
    from pocketgan.experiment.speed import using_free_threads
    from pocketgan.metrics import evaluation
    from pocketgan.metrics.evaluation_page import draw_page

    model, shown = find_model(source), Progress(quiet=not progress)
    if model is None and runs_inside(Path(str(source))):
        raise RunError(f"source: {why_no_run(Path(str(source)))}")
    with using_free_threads():
        done = evaluation.evaluate(
            model or source,
            against=against,
            feature_space=features,
            count=count,
            metrics=metrics,
            checkpoint=checkpoint,
            seed=seed,
            inception_weights=inception_weights,
            progress=shown,
        )
    if out is None:
        if model is None:
            return done, None
        out = model.folder / "evaluation"
        larger = None if replace else larger_evaluation(out, done)
        if larger is not None:
            Progress().say(problem("larger evaluation", count=larger, folder=out))
            return done, None
    folder = Path(out)
    make_folder(folder, folder)
    write_json(folder / "evaluation.json", done.to_json())
    return done, draw_page(done, folder)


def larger_evaluation(folder: Path, done: "Evaluation") -> int | None:
    """Returns how many images the evaluation in a folder compared, where it is larger than a new one; else None.

    It is larger where it compared more images, or as many with more metrics.
    """
    try:
        old = read_object(folder / "evaluation.json")
        count, metrics = int(old["count"]), set(old["metrics"])
    except (RunError, KeyError, TypeError, ValueError):
        return None
    more = (count, len(metrics)) > (len(done.comparison.generated), len(done.figures))
    return count if more else None


def study(
    study: "str | Path | StudyConfig | dict[str, Any]",
    *,
    out: str | Path | None = None,
    seeds: int | None = None,
    duration: str | None = None,
    jobs: str | int = "auto",
    backend: "Backend" = "local",
    language: str = "en",
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
        language: of the page: `en`, `uk`, `ru`, `ko` or `zh-TW`.
        progress: whether to show progress on standard error.

    Returns:
        The study; `report` makes its page anew, `pocketgan.studies.verdicts.judge` gives its figures.

    Raises:
        UserError: something asked for won't do; nothing was started.
    """
    from pocketgan.studies.config import StudyConfig, study_config
    from pocketgan.studies.predeclared import read_study
    from pocketgan.studies.report.write import write_report
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
    write_report(done, language)
    return done


def report(folder: str | Path, *, language: str = "en") -> Path:
    """Writes the page of a study, however far it is, with the pictures and tables behind it; returns the page.

    Args:
        folder: the study's.
        language: `en`, `uk`, `ru`, `ko` or `zh-TW`.

    Raises:
        UserError: no such language.
        StudyError: there is no study.
    """
    from pocketgan.studies.report.write import write_report
    from pocketgan.studies.study import Study

    return write_report(Study.open(folder), language)


def translate(
    run: str | Path | Model,
    *,
    split: str = "test",
    count: int = 16,
    images: Sequence[str | Path] = (),
    checkpoint: str | int = "auto",
) -> tuple[Images, Images, Images]:
    """Loads an image-to-image run's generator from disk, or an exported one, and redraws images with it.

    Args:
        run: the run or exported model, or its folder.
        split: `test`, `train` or `validation`: the first `count` images of the run's classes in that split.
        count: how many.
        images: picture files to redraw instead.
        checkpoint: `best`, `last` or a step; `auto` for the best, or the last of a run that wasn't evaluated.

    Returns:
        Input and output side by side, the inputs, and the outputs.

    Raises:
        UserError: the run reads noise, there is no such split, or a picture is of another size.
    """
    import torch

    from pocketgan.images.sets import check_split, load_images
    from pocketgan.runs.sampling import redraw_images, side_by_side
    from pocketgan.runs.weights import load_generator

    model = load(run) if isinstance(run, str | Path) else run
    if not model.config.reads_images:
        raise RunError(f"run: '{model.folder}' draws from noise and redraws no images; use 'pocketgan generate'")
    if not 1 <= count <= MOST_IMAGES:
        raise RunError(f"count: {count} won't do: at least 1, and at most {MOST_IMAGES:,} at once")
    part = check_split(split)
    if images:
        inputs = torch.stack([read_input(Path(path), model) for path in images])
    elif model.data is None:
        raise DataError(
            f"images: the images that '{model.folder}' was trained on, {model.facts.source}, aren't with it; "
            "--images FILE... says which ones to redraw"
        )
    else:
        inputs = load_images(model.data, part).images[:count]
    outputs = redraw_images(load_generator(model, checkpoint), model.config, inputs)
    return side_by_side(inputs, outputs), Images(inputs.numpy()), Images(outputs.numpy())


def read_input(path: Path, model: Model) -> Any:
    """Reads one picture as the model's generator takes it: a uint8 tensor (C, S, S).

    Raises:
        DataError: it can't be decoded, or has another size or colours.
    """
    import numpy as np
    import torch

    from pocketgan.images.readers import read_picture

    pixels = read_picture(path, name="images")
    facts = model.facts
    if pixels.shape[:2] != (facts.size, facts.size):
        found = f"{pixels.shape[1]}×{pixels.shape[0]}"
        raise DataError(f"images: {path} is {found} pixels; '{model.folder}' takes {facts.size}×{facts.size}")
    if facts.channels == 3:
        pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy())
    if pixels.ndim == 3:
        if (pixels != pixels[:, :, :1]).any():
            raise DataError(f"images: {path} has colours; '{model.folder}' takes grey pictures")
        pixels = pixels[:, :, 0]
    return torch.from_numpy(pixels.copy())[None]


def export(
    run: str | Path | Run,
    out: str | Path | None = None,
    *,
    format: "Format" = "all",
    checkpoint: str | int = "auto",
    progress: bool = True,
) -> ExportedModel:
    """Exports a run's generator into a folder that stands alone: weights, configuration, ONNX file and model card.

    Args:
        run: the run or its folder.
        out: the model's folder, empty or not there; by default `models/<the run's name>`.
        format: `safetensors` for Pocketgan, `onnx` for other programs (needs the extra `onnx`), or `all` for both.
        checkpoint: `best`, `last` or a step; `auto` for the best, or the last of a run that wasn't evaluated.
        progress: whether to show progress on standard error.

    Raises:
        UserError: something asked for won't do; nothing was written.
        ExportFailed: the ONNX file doesn't draw what PyTorch draws; nothing was written.
    """
    from pocketgan.exports.folder import export_model

    run = opened_run(run)
    out = Path(PLACES[1]) / run.folder.resolve().name if out is None else out
    return export_model(run, out, format, checkpoint, Progress(quiet=not progress))


def push(folder: str | Path, repository: str, *, private: bool = False) -> str:
    """Uploads an exported model to the Hugging Face Hub (needs the extra `hub`), and returns its address.

    Args:
        folder: the exported model's.
        repository: `user/name`; made if it isn't there.
        private: whether a new repository is for its owner alone.

    Raises:
        UserError: a bad name, no intact model there, or nobody is logged in.
        ExportFailed: the Hub refused, or can't be reached.
    """
    from pocketgan.exports.hub import push_model

    return push_model(folder, repository, private=private)


def save_translation(made: tuple[Images, Images, Images], out: Path) -> Path:
    """Writes `side_by_side.png`, and each input and output as a picture, into the folder `out`; returns the first."""
    pairs, inputs, outputs = made
    make_folder(out, out)
    digits = max(4, len(str(len(inputs) - 1)))
    for name, images in (("input", inputs), ("output", outputs)):
        for index, image in enumerate(images.images):
            save_picture(to_picture(image.transpose(1, 2, 0)), out / f"{name}_{index:0{digits}d}.png")
    save_picture(pairs.picture(), out / "side_by_side.png")
    return out / "side_by_side.png"
