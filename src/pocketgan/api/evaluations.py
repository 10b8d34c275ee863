"""Evaluation of generated images."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pocketgan.base.arguments import whole_number
from pocketgan.base.errors import ModelError, RunError, StorageError, UserError
from pocketgan.base.messages import Problem, problem
from pocketgan.base.progress import Progress
from pocketgan.runs.exported import find_model, load
from pocketgan.runs.model import Model, runs_inside, why_no_run
from pocketgan.runs.records import read_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketgan.images.sets import ImageSet
    from pocketgan.metrics.arrays import Array
    from pocketgan.metrics.evaluation import Evaluation
    from pocketgan.metrics.registry import Requested
    from pocketgan.runs.onnx_images import OnnxSource


def evaluate(
    source: "str | Path | Model | Array | Callable[..., Any]",
    *,
    labels: "Array | None" = None,
    against: "str | Path | Array | tuple[Array, Array]" = "auto",
    features: str = "auto",
    count: int | None = None,
    metrics: "Requested" = "all",
    checkpoint: str | int = "auto",
    seed: int = 0,
    out: str | Path | None = None,
    inception_weights: str | Path | None = None,
    replace: bool = False,
    latent_dim: int | None = None,
    pixel_range: str | None = None,
    baseline_run: "str | Path | Model | None" = None,
    progress: bool = True,
) -> "Evaluation":
    """Measures the generator of a run or an exported model, or the images of any tool, and writes a page of the scores.

    Args:
        source: a run or an exported model, or its folder; a folder of pictures; an .npz file with `images` and
            optionally `labels`; or the .onnx file of any tool's generator, which reads latents and perhaps labels.
            Or images as a NumPy array or a PyTorch tensor, (N, C, H, W), (N, H, W, C) or (N, H, W), uint8, or of any
            type with `pixel_range`. Or a function or an `nn.Module` that makes such images of latents, float32 (n,
            latent_dim), and of labels, int64 (n,), if `labels` are given.
        labels: the requested class of each image of an array, a function or a module: integers from 0, (N,).
        against: `test`, `train` or `validation`: a split of the run's data (MNIST's for other images). Or a path of
            images; their test split is used if there is one. `auto`: the test split, or the validation set of data
            without one. Or real images as an array, uint8, or a pair of such images and labels.
        features: `auto`, `digits`, `stacked`, `classifier`, `self-supervised`, `random` or `inception`.
        count: the number of images to compare; by default 10,000, or all if there are fewer.
        metrics: `all`, or names separated by commas; or a list of names and of `pocketgan.metrics.Metric` objects,
            which are metrics of your own.
        checkpoint: `best`, `last` or a step of a run; `auto` for the best checkpoint, or the last if there is no best.
        seed: the seed of the run's latents.
        out: the folder for the page and `evaluation.json`; by default `evaluation` in the folder of a run or exported
            model, and no folder for other images.
        inception_weights: the file with the weights for the feature space `inception`.
        replace: whether an evaluation in the folder of a run is replaced, although it is larger, has metrics that this
            one lacks, or was measured in another feature space or against other images.
        latent_dim: the length of the latents of a function or a module, or of an ONNX file that doesn't say it.
        pixel_range: the range of the values of images in an array, a file, or from a function, a module or an ONNX
            file: `-1:1`, `0:1` or `0:255`. Arrays of uint8 are 0:255 without it.
        baseline_run: another image-to-image run for the same pairs, or its folder, whose outputs are scored beside: for
            example, plain regression (`adversarial_weight=0`). `.translation.verdict()` says which run is better.
        progress: whether to show progress on standard error.

    Returns:
        The scores. `.scores["recall"].value` is one of them, `.page` is the HTML page, or None if none was written.
        A notebook shows the scores as a table.

    Raises:
        UserError: an argument is invalid; the message says why.
    """
    from pocketgan.api.given_images import kept_reference
    from pocketgan.experiment.speed import using_free_threads
    from pocketgan.images.sets import ImageSet
    from pocketgan.metrics import evaluation, evaluation_page
    from pocketgan.metrics.metric import Metric
    from pocketgan.runs.onnx_images import OnnxSource

    count, seed = None if count is None else whole_number("count", count), whole_number("seed", seed)
    if not isinstance(metrics, Metric | Iterable):
        raise RunError("metric kind", field="metrics", found=type(metrics).__name__)
    if inception_weights is not None and features != "inception":
        raise RunError("weights without inception", field="inception_weights", features=features)
    images = source_of(source, labels, latent_dim, pixel_range, count, seed)
    model = None if isinstance(images, OnnxSource | ImageSet) else find_model(images)
    shown = Progress(quiet=not progress)
    if model is None and not isinstance(images, OnnxSource | ImageSet) and runs_inside(Path(str(source))):
        raise RunError(why_no_run(Path(str(source))), field="source")
    if model is None:
        for name, given in (("checkpoint", checkpoint != "auto"), ("replace", replace)):
            if given:
                raise RunError("only of models", field=name)
    if out is not None:
        check_writable(Path(out))
    with using_free_threads():
        done = evaluation.evaluate(
            model or images,
            against=kept_reference(against),
            feature_space=features,
            count=count,
            metrics=metrics,
            checkpoint=checkpoint,
            seed=seed,
            inception_weights=inception_weights,
            value_range=None if isinstance(images, OnnxSource | ImageSet) else pixel_range,
            baseline_run=load(baseline_run) if isinstance(baseline_run, str | Path) else baseline_run,
            progress=shown,
        )
    if out is None:
        if model is None:
            return done
        out = model.folder / "evaluation"
        kept = None if replace else kept_evaluation(out, done)
        if kept is not None:
            shown.say(kept)
            return dataclasses.replace(done, unsaved=kept)
    try:
        return dataclasses.replace(done, page=evaluation_page.save_evaluation(done, out))
    except (RunError, StorageError) as error:  # The scores aren't lost.
        unsaved = problem("scores not saved", why=error)
        shown.say(unsaved)
        return dataclasses.replace(done, unsaved=unsaved)


def source_of(
    source: Any,
    labels: "Array | None",
    latent_dim: int | None,
    pixel_range: str | None,
    count: int | None,
    seed: int,
) -> "str | Path | Model | OnnxSource | ImageSet":
    """Returns what is evaluated: images that are given in Python, or where they come from.

    Raises:
        UserError: something is given that doesn't fit.
    """
    from pocketgan.api.given_images import given_images, is_given

    if not isinstance(source, str | Path | Model) and is_given(source):
        labels = np.asarray(labels) if isinstance(labels, list | tuple) else labels
        options = {"latent_dim": latent_dim, "pixel_range": pixel_range, "count": count, "seed": seed}
        return given_images(source, labels=labels, **options)
    if not isinstance(source, str | Path | Model):
        raise UserError("no source given", field="source", kind=type(source).__name__)
    if labels is not None:
        raise UserError("labels of arrays", field="labels")
    return with_onnx(source, latent_dim, pixel_range)


def with_onnx(
    source: str | Path | Model, latent_dim: int | None, pixel_range: str | None
) -> "str | Path | Model | OnnxSource":
    """Returns a source of images, or the generator in an ONNX file.

    Raises:
        ModelError: what is said about an ONNX file is said about something else.
    """
    if isinstance(source, str | Path) and Path(source).suffix.lower() == ".onnx":
        from pocketgan.runs.onnx_images import OnnxSource

        return OnnxSource(Path(source), latent_dim, pixel_range)
    if latent_dim is not None:
        raise ModelError("only of onnx", field="latent_dim")
    return source


def kept_evaluation(folder: Path, done: "Evaluation") -> Problem | None:
    """Returns the sentence that a folder's evaluation stays, or None if a new one may replace it.

    It stays if it compared more images, has metrics that weren't requested now, or was measured in another space or
    against other images.
    """
    try:
        old = read_object(folder / "evaluation.json")
        count, metrics = int(old["count"]), dict(old["metrics"])
    except (RunError, KeyError, TypeError, ValueError):
        return None
    new = done.to_json()
    comparable = all(old.get(name, new[name]) == new[name] for name in ("features", "reference"))
    requested = {*new["metrics"], *new["skipped"]}
    if comparable and count <= new["count"] and metrics.keys() <= requested:
        return None
    parts = {"space": old.get("features", ""), "against": old.get("reference", "")}
    return problem("evaluation kept", folder=folder, count=count, metrics=len(metrics), **parts)


def check_writable(folder: Path) -> None:
    """Checks before anything is measured that a folder can be written, or created; it isn't created yet.

    Raises:
        RunError: it can't.
    """
    from tempfile import TemporaryFile

    try:
        TemporaryFile(dir=next(place for place in (folder, *folder.absolute().parents) if place.exists())).close()
    except OSError as error:
        raise RunError("no picture written", field="out", out=folder, why=error.strerror) from None
