"""Evaluation of a run's generator or of any images: the choice of real images and feature space, and the comparison."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from pocketgan.base.errors import DataError, RunError
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress, work
from pocketgan.config.data_section import DataConfig
from pocketgan.config.translating import NONE
from pocketgan.images.intake.values import parse_range
from pocketgan.images.sets import ImageSet, everything, load_images
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.frequencies import class_frequencies
from pocketgan.metrics.judge import Judge
from pocketgan.metrics.metric import Metric
from pocketgan.metrics.real_images import (
    COUNT,
    SPLITS,
    RealSets,
    choose_space,
    labels_in,
    look_at,
    read_real,
    unknown_classes,
    without_flags,
)
from pocketgan.metrics.registry import Comparison, Reference, Requested, asks_for_all, resolve_metrics
from pocketgan.metrics.scores import Evaluation, Figure, RealImages, check_counts, mixed, score
from pocketgan.metrics.translated import (
    beside,
    score_translated,
    translated_beside,
    translated_by,
    with_targets,
)
from pocketgan.metrics.translation import BASELINE, has_targets
from pocketgan.runs.exported import find_model
from pocketgan.runs.model import Model, Weights
from pocketgan.runs.onnx_images import OnnxSource
from pocketgan.runs.requests import drawn_conditions
from pocketgan.runs.sampling import generate_images
from pocketgan.runs.weights import build_with

__all__ = [
    "COUNT",
    "SPLITS",
    "Comparison",
    "Evaluation",
    "Figure",
    "RealImages",
    "RealSets",
    "Reference",
    "choose_space",
    "evaluate",
    "labels_in",
    "look_at",
    "read_real",
    "score",
]


def evaluate(
    source: str | Path | Model | OnnxSource | ImageSet,
    *,
    against: str = "auto",
    feature_space: str = "auto",
    count: int | None = None,
    metrics: Requested = "all",
    checkpoint: str | int = "auto",
    seed: int = 0,
    inception_weights: str | Path | None = None,
    value_range: str | None = None,
    baseline_run: Model | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measures the generator of a run or an exported model, or the images of a folder or an .npz file.

    Args:
        source: a run or an exported model, or its folder; a folder of pictures; an .npz file with `images` and
            optionally `labels`; the ONNX file of any generator; or the images themselves.
        against: `test`, `train` or `validation`, which are splits of the run's data (of MNIST for other images), or a
            path, whose test split is used if it has one; `auto` for the test split of the data, or for the validation
            set if there is no test split.
        feature_space: `digits`, `stacked`, `classifier`, `self-supervised`, `random`, `inception`; `auto` for `digits`
            if the real images are MNIST's, `stacked` for Stacked MNIST's, otherwise `classifier` if they have labels,
            and `random` if not.
        count: the number of images to compare; by default 10,000, or all if there are fewer.
        metrics: `all`, or names from `METRICS` separated by commas; or a list of names and `Metric` objects.
        checkpoint: `best`, `last` or a step of a run; `auto` for the best checkpoint, or the last if there is no best.
        seed: the seed of the run's latents.
        inception_weights: the file with the weights for the feature space `inception`.
        value_range: the values of black and white in files, such as `0:1`; None recognizes them.
        baseline_run: another image-to-image model for the same images, whose outputs are scored beside those of the
            source: such as plain regression, a run with an adversarial weight of 0.
        progress: shows slow steps.

    Raises:
        UserError: the source isn't readable, its images have another size or are too few, or a metric or feature space
            is unknown.
    """
    progress = progress or Progress(quiet=True)
    chosen, asked = resolve_metrics(metrics), not asks_for_all(metrics)
    if count is not None and count < 1:
        raise RunError("count from one", field="count", count=count)
    if isinstance(source, OnnxSource):
        source.check()
    model = None if isinstance(source, OnnxSource | ImageSet) else find_model(source)
    weights = None if model is None else model.weights(checkpoint)
    data, translated, notes = data_for(model, against), None, tuple[str, ...]()
    try:
        sets = read_real(data, against, knows_training=model is not None and model.data is not None)
    except DataError as error:
        raise without_flags(error, "against") from None
    if model is None or weights is None:
        if isinstance(source, OnnxSource):
            progress.say(work("generating images", images=count or COUNT))
            unfitted = source.images(count or COUNT, seed, sets.reference.class_names)
        elif isinstance(source, ImageSet):
            unfitted = chosen_from(source, count)
        else:
            assert isinstance(source, str | Path)
            unfitted = read_images(source, count, value_range)
            notes = tuple(FLAG.sub("", note) for note in unfitted.notes if note.key not in ABOUT_LABELS)
            for note in notes:
                progress.say(note)
        check_counts(chosen, len(unfitted), len(sets.reference), asked=asked, progress=progress)
    else:
        reads_images = model.config.reads_images
        most = count or min(COUNT, len(sets.reference) if reads_images else COUNT)
        check_counts(chosen, most, len(sets.reference), asked=asked, progress=progress)
        progress.say(work("translating images") if reads_images else work("generating images", images=most))
        if reads_images:
            translated = translated_by(model, count, weights, seed, sets)
            unfitted = translated.shown(model.config.data)
        else:
            unfitted = generated_by(model, count, weights, seed, sets)
    made_from = data if model is None else model.config.data
    others = {} if baseline_run is None else {BASELINE: translated_beside(baseline_run, model, count, seed, sets)}
    sets = with_targets(made_from, sets)
    images, grey = fitted(unfitted, sets.reference)
    named = sets.name in SPLITS
    space_data = data if named else everything(against, images)
    if named and data.to != NONE:
        space_data = data.of_target_domain(images.images.shape[2])
    space = choose_space(feature_space, space_data, inception_weights, progress)
    progress.say(work("measuring", images=len(images), space=space))
    done = scored(images, sets, space, chosen, asked=asked)
    if translated is not None and has_targets(made_from, translated.inputs):
        scores = score_translated(made_from, translated, others, sets.class_names(space), space)
        done = replace(done, translation=scores if baseline_run is None else beside(scores, baseline_run))
    frequencies = None
    if model is not None and not model.config.reads_images:
        frequencies = class_frequencies(model.facts, model.config, counts_of(model, sets))
    return replace(done, weights=weights, taken_as_grey=grey, frequencies=frequencies, notes=notes)


def scored(
    images: ImageSet, sets: RealSets, space: FeatureSpace, metrics: Mapping[str, Metric], *, asked: bool
) -> Evaluation:
    """Returns the scores of images; where their classes aren't those of the real ones, that is said.

    Raises:
        RunError: a metric that was requested by name can't be measured.
    """
    unknown = unknown_classes(images, sets.class_names(space))
    of_labels = {name for name, metric in metrics.items() if "labels" in metric.needs}
    if unknown is not None and asked and of_labels:
        raise RunError(unknown, field="source")
    done = Judge.of(sets, space, metrics, asked=asked).score_set(images)
    if unknown is None:
        return done
    return replace(done, skipped={name: unknown if name in of_labels else why for name, why in done.skipped.items()})


def fitted(images: ImageSet, real: ImageSet) -> tuple[ImageSet, bool]:
    """Returns images with the channels of the real ones, and whether RGB pictures without color were read as gray.

    Many programs write gray pictures as RGB, with equal red, green and blue.

    Raises:
        DataError: the sizes differ, or one set has colors and the other is gray.
    """
    (channels, *size), (wanted, *real_size) = images.images.shape[1:], real.images.shape[1:]
    if size == real_size and channels == wanted:
        return images, any(note.key == "gray in color" for note in images.notes)
    if size == real_size and wanted == 1 and is_grey(images):
        return replace(images, images=images.images[:, :1]), True
    if size == real_size and channels == 1 and is_grey(real):
        return replace(images, images=images.images.expand(-1, wanted, -1, -1).contiguous()), True
    key = "sizes of images" if size != real_size else "colours for grey" if wanted == 1 else "grey for colours"
    shapes = ["×".join(map(str, each.images.shape[1:])) for each in (images, real)]
    parts = {"source": images.source, "found": shapes[0], "real": real.source, "expected": shapes[1]}
    raise DataError(key, field="source", **parts)


def is_grey(images: ImageSet) -> bool:
    """Returns whether red, green and blue are equal in every pixel."""
    return bool((images.images == images.images[:, :1]).all())


def data_for(model: Model | None, against: str) -> DataConfig:
    """Returns the data that a model was trained on; MNIST for images without a model.

    Raises:
        DataError: a split of the data is requested, and an exported model doesn't contain the data's location; or the
            model translates without pairs, and a path is requested.
    """
    if model is None:
        return DataConfig()
    other_domain = model.config.unpaired and not model.config.changes_class
    if other_domain and against not in ("auto", *SPLITS):
        raise DataError("path for unpaired", field="against", path=against)
    if model.data is None and against in ("auto", *SPLITS):
        message = problem("images not with it", folder=model.folder, source=model.facts.source)
        raise DataError(message, field="against")
    return model.data or everything(against, pairs=model.config.data.pairs != NONE)


def read_images(source: str | Path, count: int | None, value_range: str | None = None) -> ImageSet:
    """Reads the images of any tool: whatever `train` reads, all splits that it has no name for.

    Raises:
        DataError: the source isn't readable, has fewer images than requested, or the range isn't one.
    """
    if not Path(source).exists():
        raise DataError("no source", field="source", source=source)
    try:
        parse_range(value_range or "auto")
    except ValueError:
        raise DataError("no range", field="pixel_range", text=value_range) from None
    try:
        config = everything(source).model_copy(update={"value_range": value_range or "auto"})
        image_set = load_images(config)
    except DataError as error:
        raise without_flags(error, "source") from None
    outside = next((note for note in image_set.notes if note.key == "clipped values"), None)
    if outside is not None:
        raise DataError("images outside", field="pixel_range", value=value_range, count=outside.parts["count"])
    return chosen_from(image_set, count, source)


ABOUT_LABELS = ("table of few", "table beside folders")
"""Notes that advise a flag of training."""
FLAG = re.compile(r"\s*[(（]--[^)）]*[)）]")
"""The flag of training in a note on what was done to images."""


def chosen_from(image_set: ImageSet, count: int | None, source: object = None) -> ImageSet:
    """Returns `count` of some images, always the same ones; 10,000 without a number, or all if there are fewer.

    Raises:
        DataError: there are fewer images than requested.
    """
    if count is not None and count > len(image_set):
        message = problem("too few there", count=count, source=source or image_set.source, found=len(image_set))
        raise DataError(message, field="count")
    return image_set.part(mixed(len(image_set))[: count or COUNT])


def counts_of(model: Model, sets: RealSets) -> tuple[int, ...]:
    """Returns the number of training images in each class; empty if it isn't known."""
    return model.facts.class_counts or (sets.training.class_counts() if sets.training is not None else ())


def generated_by(model: Model, count: int | None, weights: Weights, seed: int, sets: RealSets) -> ImageSet:
    """Generates a model's images for the evaluation; a conditional model receives classes as often as in its training.

    An image-to-image model translates images of the reference; see `Translated.shown`.
    """
    if model.config.reads_images:
        return translated_by(model, count, weights, seed, sets).shown(model.config.data)
    network = build_with(model, weights)
    names = model.facts.class_names
    classes = len(names) if model.config.network.conditional else 0
    counts = counts_of(model, sets)
    told = drawn_conditions(model.facts, count or COUNT, seed) if model.config.network.conditional else None
    options = {"count": count or COUNT, "seed": seed, "class_counts": counts, "label": told}
    generated = generate_images(network, model.config, classes, **options)
    labels = None if generated.labels is None else torch.from_numpy(generated.labels)
    return ImageSet(torch.from_numpy(generated.images), labels, names if classes else (), str(model.folder))
