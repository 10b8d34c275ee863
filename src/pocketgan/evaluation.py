"""How good a run's generator is, or any images: every metric with its spread and the real-vs-real floor."""

import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pocketgan.config import DataConfig
from pocketgan.data import ImageSet, derived_seed, load_images
from pocketgan.errors import DataError, RunError, nearest
from pocketgan.exported import find_model
from pocketgan.loading import build_with
from pocketgan.metric_words import short
from pocketgan.metrics import METRICS, Comparison, Metric, Reference, Sample, features, metric_names, missing, why_not
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.samples import SETS
from pocketgan.models import Model, Weights
from pocketgan.problems import problem, stored
from pocketgan.progress import Progress
from pocketgan.sampling import generate_images, redraw_images
from pocketgan.summaries import evaluated, score_table

SPLITS = ("test", "train", "validation")
COUNT = 10_000
"""Images compared, unless fewer are there."""


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        value: of all images.
        spread: its standard error, from five disjoint sets: their standard deviation over √5; None where a fifth is
            too small for the metric.
        floor: what as many real images get, or None where no other real images are there.
    """

    value: float
    spread: float | None
    floor: float | None


@dataclass(frozen=True)
class RealImages:
    """The real images of an evaluation.

    Attributes:
        name: `test`, `train`, `validation` or a path.
        reference: what generated images are held against.
        floor: other real images, which give the floor, or None.
    """

    name: str
    source: str
    reference: Reference
    floor: Comparison | None

    @cached_property
    def held_out_floor(self) -> Comparison | None:
        """One half of the reference against the other, where none of it was trained on."""
        return halves(self.reference) if self.reference.held_out and len(self.reference.sample) > 1 else None


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Figures of one set of images; shows itself as a table in a notebook.

    Attributes:
        space: the feature space that all of them were measured in.
        real: what they were measured against.
        comparison: the images themselves.
        figures: by the names in `METRICS`.
        skipped: why a metric was left out, by its name.
        weights: of the generator that drew the images, where one of ours did.
    """

    space: FeatureSpace
    real: RealImages
    comparison: Comparison
    figures: dict[str, Figure]
    skipped: dict[str, str] = field(default_factory=dict)
    weights: Weights | None = None

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {short(figure.value)}" for name, figure in self.figures.items())
        return f"Evaluation({evaluated(self)}: {scores})"

    def _repr_html_(self) -> str:
        headings, rows = score_table(self)
        head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        return f"<table><caption>{escape(evaluated(self))}</caption><tr>{head}</tr>{body}</table>"

    def to_json(self) -> dict[str, Any]:
        """Returns everything but the images as plain values."""
        space, sample = self.space, self.real.reference.sample
        return {
            "step": self.weights and self.weights.step,
            "weights": self.weights and self.weights.sha256,
            "features": space.name,
            "features_version": space.version,
            "features_hash": space.hash,
            "reference": self.real.name,
            "reference_source": self.real.source,
            "reference_count": len(sample),
            "count": len(self.comparison.generated),
            "metrics": {
                name: {"value": finite(figure.value), "spread": finite(figure.spread), "floor": finite(figure.floor)}
                for name, figure in self.figures.items()
            },
            "skipped": {name: stored(why) for name, why in self.skipped.items()},
        }


def evaluate(
    source: str | Path | Model,
    *,
    against: str = "test",
    feature_space: str = "auto",
    count: int | None = None,
    metrics: str = "all",
    checkpoint: str | int = "auto",
    seed: int = 0,
    inception_weights: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measures a run's generator or an exported one, or the images of a folder or an .npz file.

    Args:
        source: a run or an exported model, or its folder; a folder of pictures, or an .npz file with `images` and
            optionally `labels`.
        against: `test`, `train` or `validation`, splits of the run's data (of MNIST for other images), or a path.
        feature_space: `digits`, `stacked`, `classifier`, `random`, `inception`; `auto` for `digits` where the real
            images are MNIST's, `stacked` for Stacked MNIST's, else `classifier` where they have labels, else `random`.
        count: images to compare; by default 10,000, or as many as there are.
        metrics: `all`, or names out of `METRICS` with commas.
        checkpoint: of a run: `best`, `last` or a step; `auto` for the best, or the last of one without.
        seed: of the latents of a run.
        inception_weights: the file of the weights of the space `inception`.
        progress: shows what takes long.

    Raises:
        UserError: nothing readable there, images of another size, too few of them, an unknown metric or space.
    """
    progress = progress or Progress(quiet=True)
    names = metric_names(metrics)
    if count is not None and count < 1:
        raise RunError(f"count: {problem('count from one', count=count)}")
    model = find_model(source)
    weights = None if model is None else model.weights(checkpoint)
    data = data_for(model, against)
    sets = read_real(data, against, knows_training=model is not None and model.data is not None)
    if model is None or weights is None:
        assert isinstance(source, str | Path)
        images = read_images(source, count)
    else:
        progress.say("redrawing real images" if model.config.reads_images else f"generating {count or COUNT:,} images")
        images = generated_by(model, count, weights, seed, sets)
    check_shapes(images, sets.reference)
    named = against in SPLITS
    space = choose_space(feature_space, data if named else DataConfig(data=against), inception_weights, progress)
    progress.say(f"measuring {len(images):,} images in the feature space {space}")
    with_training = any("training" in METRICS[name].needs for name in names)
    real = look_at(sets, space, len(images), with_training=with_training)
    generated = space(images.images, labels_in(sets.class_names(space), images))
    done = score(Comparison(generated, real.reference), real, space, names, asked=metrics != "all")
    return replace(done, weights=weights)


def finite(number: float | None) -> float | None:
    """Returns a number as JSON can hold it: None where it is infinite or not a number."""
    return number if number is not None and math.isfinite(number) else None


def check_shapes(images: ImageSet, real: ImageSet) -> None:
    """Raises `DataError` where images aren't of the real ones' size and channels."""
    if images.images.shape[1:] != real.images.shape[1:]:
        shapes = ["×".join(map(str, found.images.shape[1:])) for found in (images, real)]
        parts = {"source": images.source, "found": shapes[0], "real": real.source, "expected": shapes[1]}
        raise DataError(f"source: {problem('sizes of images', **parts)}")


def score(
    comparison: Comparison, real: RealImages, space: FeatureSpace, names: list[str], *, asked: bool = False
) -> Evaluation:
    """Measures generated images with every metric named, each with spread and floor.

    Args:
        comparison: the generated images and the reference.
        real: where the floor comes from.
        space: the feature space, which the figures carry.
        names: keys of `METRICS`.
        asked: whether each was asked for by name, so that one that can't be measured is an error.

    Raises:
        RunError: too few images for a metric that was asked for, or for the Fréchet distance.
    """
    figures, skipped = {}, {}
    for name in names:
        metric = METRICS[name]
        reason = why_not(name, metric, comparison)
        if reason is None:
            try:
                figures[name] = measure(metric, comparison, real)
                continue
            except ValueError as error:
                reason = problem("not measurable", name=name, why=str(error))
        if asked or name == "frechet_distance":
            raise RunError(f"metrics: {reason}")
        skipped[name] = reason
    return Evaluation(space, real, comparison, figures, skipped)


def measure(metric: Metric, comparison: Comparison, real: RealImages) -> Figure:
    """Returns one figure."""
    value, spread = metric.measure(comparison), None
    if len(comparison.generated) // SETS >= metric.least:
        parts = [metric.measure(part) for part in comparison.sets]
        spread = torch.tensor(parts, dtype=torch.float64).std().item() / math.sqrt(SETS)
    return Figure(value, spread, floor_of(metric, real))


def floor_of(metric: Metric, real: RealImages) -> float | None:
    """Returns what real images get. Training images give it, but where memorisation is judged: there held-out ones."""
    floor = real.held_out_floor if "training" in metric.needs else real.floor
    if floor is None or len(floor.generated) < metric.least or missing(metric, floor) is not None:
        return None
    return metric.measure(floor)


def data_for(model: Model | None, against: str) -> DataConfig:
    """Returns the data that a model was trained on; MNIST for images that others made.

    Raises:
        DataError: a split of it is asked for, and an exported model doesn't say where it is.
    """
    if model is None:
        return DataConfig()
    if model.data is None and against in SPLITS:
        said = problem("images not with it", folder=model.folder, source=model.facts.source)
        raise DataError(f"against: {said}")
    return model.data or DataConfig(data=against)


def read_images(source: str | Path, count: int | None) -> ImageSet:
    """Reads any tool's images: a folder of pictures, or an .npz file.

    Raises:
        DataError: nothing readable there, or fewer than asked for.
    """
    if not Path(source).exists():
        raise DataError(f"source: {problem('no source', source=source)}")
    try:
        found = load_images(DataConfig(data=str(source)))
    except DataError as error:
        raise DataError(f"source: {str(error).partition(': ')[2]}") from None
    if count is not None and count > len(found):
        said = problem("too few there", count=count, source=source, found=len(found))
        raise DataError(f"count: {said}")
    return found.part(mixed(len(found))[: count or COUNT].sort().values)


def generated_by(model: Model, count: int | None, weights: Weights, seed: int, sets: "RealSets") -> ImageSet:
    """Generates a model's images as it would be sampled: one that is told classes is told them as often as in training.

    One that redraws images redraws the reference's, and is judged inverted back.
    """
    network = build_with(model, weights)
    names, real = model.facts.class_names, sets.reference
    if model.config.reads_images:
        if count is not None and count > len(real):
            raise RunError(f"count: {problem('too few to redraw', count=count, found=len(real))}")
        order = torch.randperm(len(real), generator=torch.Generator().manual_seed(derived_seed(seed, "inputs")))
        chosen = real.part(order[: count or COUNT])
        redrawn = redraw_images(network, model.config, chosen.images)
        redrawn = 255 - redrawn if model.config.data.target == "inverted" else redrawn
        return ImageSet(redrawn, chosen.labels, chosen.class_names, str(model.folder))
    classes = len(names) if model.config.network.conditional else 0
    counts = model.facts.class_counts or (sets.training.class_counts() if sets.training is not None else ())
    made = generate_images(network, model.config, classes, count=count or COUNT, seed=seed, class_counts=counts)
    labels = None if made.labels is None else torch.from_numpy(made.labels)
    return ImageSet(torch.from_numpy(made.images), labels, names if classes else (), str(model.folder))


def choose_space(
    name: str, data: DataConfig, inception_weights: str | Path | None = None, progress: Progress | None = None
) -> FeatureSpace:
    """Returns the feature space called `name` for the data that it is to judge.

    Raises:
        DataError: there is no such space, or it can't be had for this data.
    """
    known = ("auto", "digits", "stacked", "classifier", "random", "inception")
    if name not in known:
        said = problem("no space", name=name, hint=nearest(name, known), known=", ".join(known))
        raise DataError(f"features: {said}")
    if name == "digits" or (name == "auto" and data.data == "mnist"):
        return features.digits()
    if name == "stacked" or (name == "auto" and data.data == "stacked-mnist"):
        return features.stacked()
    if name == "inception":
        return features.inception(inception_weights)
    images = load_images(DataConfig(data=data.data))
    if name == "classifier" or (name == "auto" and len(images.class_names) > 1):
        return features.classifier(images, progress)
    return features.random(images.images.shape[1])


def labels_in(class_names: tuple[str, ...], images: ImageSet) -> Tensor | None:
    """Returns the images' labels as indices into `class_names`; None where they have none, or one that isn't there."""
    if images.labels is None or any(name not in class_names for name in images.class_names):
        return None
    return torch.tensor([class_names.index(name) for name in images.class_names])[images.labels]


@dataclass(frozen=True)
class RealSets:
    """The real images of an evaluation, as they are on disk.

    Attributes:
        name: `test`, `train`, `validation` or a path.
        reference: what is held against.
        training: what was trained on, where that is known.
        others: real images that aren't in the reference, which give the floor; None where there are none.
        held_out: whether none of the reference was trained on.
    """

    name: str
    reference: ImageSet
    training: ImageSet | None
    others: ImageSet | None
    held_out: bool

    def class_names(self, space: FeatureSpace) -> tuple[str, ...]:
        """The classes that labels are numbered by: the space's, or the reference's in a space without classes."""
        return space.class_names or self.reference.class_names


def read_real(data: DataConfig, against: str, *, knows_training: bool = True) -> RealSets:
    """Reads the real images that an evaluation needs.

    Args:
        data: what was trained on.
        against: `test`, `train`, `validation`, or a path.
        knows_training: whether images held against a path come from a generator that was trained on `data`.

    Raises:
        DataError: there is no such split or path.
    """
    if against in ("test", "validation"):
        training = load_images(data)
        return RealSets(against, load_images(data, against), training, training, True)
    if against == "train":
        training = load_images(data)
        chosen = mixed(len(training))[:COUNT]
        with suppress(DataError):
            return RealSets(against, training.part(chosen), training, load_images(data, "test"), False)
        rest = mixed(len(training))[COUNT:]
        others = training.part(rest) if len(rest) >= len(chosen) else None
        return RealSets(against, training.part(chosen), training, others, False)
    try:
        found = load_images(DataConfig(data=against))
    except DataError as error:
        raise DataError(f"against: {problem('test and train', why=str(error).partition(': ')[2])}") from None
    training = load_images(data) if knows_training else None
    held_out = training is None or training.digest() != found.digest()
    return RealSets(against, found.part(mixed(len(found))[:COUNT]), training, None, held_out)


def look_at(sets: RealSets, space: FeatureSpace, count: int, *, with_training: bool = True) -> RealImages:
    """Looks at real images in a feature space.

    Args:
        sets: the images.
        space: the feature space.
        count: images that will be judged; the floor takes as many.
        with_training: whether all training images are looked at, which takes longest, and only memorisation needs.
    """

    def seen(images: ImageSet) -> Sample:
        return features.kept(space, images, labels_in(sets.class_names(space), images))

    training = seen(sets.training) if with_training and sets.training is not None else None
    reference = Reference(seen(sets.reference), training, sets.held_out)
    if sets.others is None:
        floor = halves(reference) if len(reference.sample) > 1 else None
    else:
        floor = Comparison(seen(sets.others.part(mixed(len(sets.others))[:count])), reference)
    return RealImages(sets.name, sets.reference.source, reference, floor)


def halves(reference: Reference) -> Comparison:
    """Returns one half of a reference's images against the other: what real images get where there are no others."""
    order, half = mixed(len(reference.sample)), len(reference.sample) // 2
    return reference.split(order[:half], order[half:])


def mixed(count: int) -> Tensor:
    """Returns the numbers below `count` in an order that is random, and always the same."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(derived_seed(0, "mixed")))
