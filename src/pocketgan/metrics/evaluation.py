"""Evaluation of a run's generator or of any images: the choice of real images and feature space, and the comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from pocketgan.base.errors import DataError, NoSplit, RunError, nearest
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress
from pocketgan.config.sections import DataConfig
from pocketgan.images.grids import class_numbers
from pocketgan.images.sets import ImageSet, derived_seed, load_images
from pocketgan.metrics import features
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.registry import METRICS, Comparison, Reference, Sample, metric_names
from pocketgan.metrics.scores import Evaluation, Figure, RealImages, check_counts, mixed, part_against_rest, score
from pocketgan.runs.exported import find_model
from pocketgan.runs.model import Model, Weights
from pocketgan.runs.sampling import generate_images, redraw_images
from pocketgan.runs.weights import build_with

__all__ = ["Evaluation", "Figure", "RealImages", "evaluate"]

SPLITS = ("test", "train", "validation")
COUNT = 10_000
"""Default number of images to compare, if there are enough."""


def evaluate(
    source: str | Path | Model,
    *,
    against: str = "auto",
    feature_space: str = "auto",
    count: int | None = None,
    metrics: str = "all",
    checkpoint: str | int = "auto",
    seed: int = 0,
    inception_weights: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measures the generator of a run or an exported model, or the images of a folder or an .npz file.

    Args:
        source: a run or an exported model, or its folder; a folder of pictures; or an .npz file with `images` and
            optionally `labels`.
        against: `test`, `train` or `validation`, which are splits of the run's data (of MNIST for other images), or a
            path, whose test split is used if it has one; `auto` for the test split of the data, or for the validation
            set if there is no test split.
        feature_space: `digits`, `stacked`, `classifier`, `random`, `inception`; `auto` for `digits` if the real images
            are MNIST's, `stacked` for Stacked MNIST's, otherwise `classifier` if they have labels, and `random` if not.
        count: the number of images to compare; by default 10,000, or all if there are fewer.
        metrics: `all`, or names from `METRICS` separated by commas.
        checkpoint: `best`, `last` or a step of a run; `auto` for the best checkpoint, or the last if there is no best.
        seed: the seed of the run's latents.
        inception_weights: the file with the weights for the feature space `inception`.
        progress: shows slow steps.

    Raises:
        UserError: the source isn't readable, its images have another size or are too few, or a metric or feature space
            is unknown.
    """
    progress = progress or Progress(quiet=True)
    names = metric_names(metrics)
    if count is not None and count < 1:
        raise RunError("count from one", field="count", count=count)
    model = find_model(source)
    weights = None if model is None else model.weights(checkpoint)
    data = data_for(model, against)
    try:
        sets = read_real(data, against, knows_training=model is not None and model.data is not None)
    except DataError as error:
        raise DataError(error.reason, field="against") from None
    if model is None or weights is None:
        assert isinstance(source, str | Path)
        unfitted = read_images(source, count)
        check_counts(names, len(unfitted), len(sets.reference), asked=metrics != "all", progress=progress)
    else:
        reads_images = model.config.reads_images
        most = count or min(COUNT, len(sets.reference) if reads_images else COUNT)
        check_counts(names, most, len(sets.reference), asked=metrics != "all", progress=progress)
        progress.say("translating real images" if reads_images else f"generating {most:,} images")
        unfitted = generated_by(model, count, weights, seed, sets)
    images, grey = fitted(unfitted, sets.reference)
    named = sets.name in SPLITS
    space = choose_space(feature_space, data if named else DataConfig(data=against), inception_weights, progress)
    progress.say(f"measuring {len(images):,} images in the feature space {space}")
    with_training = any("training" in METRICS[name].needs for name in names)
    real = look_at(sets, space, len(images), with_training=with_training)
    generated = space(images.images, labels_in(sets.class_names(space), images))
    done = score(Comparison(generated, real.reference), real, space, names, asked=metrics != "all")
    return replace(done, weights=weights, taken_as_grey=grey)


def fitted(images: ImageSet, real: ImageSet) -> tuple[ImageSet, bool]:
    """Returns images with the channels of the real ones, and whether RGB pictures without color were read as gray.

    Many programs write gray pictures as RGB, with equal red, green and blue.

    Raises:
        DataError: the sizes differ, or one set has colors and the other is gray.
    """
    (channels, *size), (wanted, *real_size) = images.images.shape[1:], real.images.shape[1:]
    if size == real_size and channels == wanted:
        return images, False
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
        DataError: a split of the data is requested, and an exported model doesn't contain the data's location.
    """
    if model is None:
        return DataConfig()
    if model.data is None and against in ("auto", *SPLITS):
        message = problem("images not with it", folder=model.folder, source=model.facts.source)
        raise DataError(message, field="against")
    return model.data or DataConfig(data=against)


def read_images(source: str | Path, count: int | None) -> ImageSet:
    """Reads the images of any tool: a folder of pictures, or an .npz file.

    Raises:
        DataError: the source isn't readable, or has fewer images than requested.
    """
    if not Path(source).exists():
        raise DataError("no source", field="source", source=source)
    try:
        image_set = load_images(DataConfig(data=str(source)))
    except DataError as error:
        raise DataError(error.reason, field="source") from None
    if count is not None and count > len(image_set):
        message = problem("too few there", count=count, source=source, found=len(image_set))
        raise DataError(message, field="count")
    return image_set.part(mixed(len(image_set))[: count or COUNT])


def generated_by(model: Model, count: int | None, weights: Weights, seed: int, sets: "RealSets") -> ImageSet:
    """Generates a model's images for the evaluation; a conditional model receives classes as often as in its training.

    An image-to-image model translates images of the reference, and inverted outputs are inverted back before scoring.
    """
    network = build_with(model, weights)
    names, real = model.facts.class_names, sets.reference
    if model.config.reads_images:
        if count is not None and count > len(real):
            raise RunError("too few to redraw", field="count", count=count, found=len(real))
        order = torch.randperm(len(real), generator=torch.Generator().manual_seed(derived_seed(seed, "inputs")))
        chosen = real.part(order[: count or COUNT])
        redrawn = redraw_images(network, model.config, chosen.images)
        redrawn = 255 - redrawn if model.config.data.target == "inverted" else redrawn
        return ImageSet(redrawn, chosen.labels, chosen.class_names, str(model.folder))
    classes = len(names) if model.config.network.conditional else 0
    counts = model.facts.class_counts or (sets.training.class_counts() if sets.training is not None else ())
    generated = generate_images(network, model.config, classes, count=count or COUNT, seed=seed, class_counts=counts)
    labels = None if generated.labels is None else torch.from_numpy(generated.labels)
    return ImageSet(torch.from_numpy(generated.images), labels, names if classes else (), str(model.folder))


def choose_space(
    name: str, data: DataConfig, inception_weights: str | Path | None = None, progress: Progress | None = None
) -> FeatureSpace:
    """Returns the feature space called `name` for this data.

    Raises:
        DataError: there is no such space, or it isn't available for this data.
    """
    known = ("auto", "digits", "stacked", "classifier", "random", "inception")
    if name not in known:
        message = problem("no space", name=name, hint=nearest(name, known), known=", ".join(known))
        raise DataError(message, field="features")
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
    """Returns the images' labels as indices into `class_names`; None without labels, or if a class is missing there.

    Two classes are the same if they have the same name or the same number, such as `7` and `007`.
    """
    places = None if images.labels is None else places_of(images.class_names, class_names)
    return None if places is None else torch.tensor(places)[images.labels]


def places_of(names: Sequence[str], known: Sequence[str]) -> list[int] | None:
    """Returns the index of each class among the known ones, all by name or all by number; None if one is missing."""
    for ours, theirs in ((names, known), (class_numbers(names), class_numbers(known))):
        if ours is not None and theirs is not None:
            places = {name: place for place, name in enumerate(theirs)}
            if all(name in places for name in ours):
                return [places[name] for name in ours]
    return None


@dataclass(frozen=True)
class RealSets:
    """The real images of an evaluation, as read from disk.

    Attributes:
        name: `test`, `train`, `validation` or a path.
        reference: the images compared with.
        training: the training images, if known.
        others: real images outside the reference, which give the baseline; None if there are none.
        held_out: whether none of the reference images were used in training.
        split: the split of the reference; `all` for a path without splits.
    """

    name: str
    reference: ImageSet
    training: ImageSet | None
    others: ImageSet | None
    held_out: bool
    split: str

    def class_names(self, space: FeatureSpace) -> tuple[str, ...]:
        """Returns the classes that labels index: the space's, or the reference's if the space has no classes."""
        return space.class_names or self.reference.class_names


def read_real(data: DataConfig, against: str, *, knows_training: bool = True) -> RealSets:
    """Reads the real images that an evaluation needs.

    Args:
        data: the training data.
        against: `test`, `train`, `validation`, or a path.
        knows_training: whether images compared with a path come from a generator trained on `data`.

    Raises:
        DataError: there is no such split or path.
    """
    if against in ("auto", "test", "validation"):
        return against_held_out(data, against)
    if against == "train":
        return against_training(data)
    training = load_images(data) if knows_training else None
    try:
        return against_path(against, training)
    except DataError as error:
        raise DataError("test and train", field="against", why=error.reason) from None


def against_held_out(data: DataConfig, against: str) -> RealSets:
    """Reads images that were not used in training: the test split or the validation set; `auto` prefers the test split.

    Raises:
        DataError: there are none; the message names a remedy.
    """
    training = load_images(data)
    try:
        held_out = load_images(data, "validation") if data.validation else None
    except DataError:
        held_out = None
    if against != "validation":
        try:
            return RealSets("test", load_images(data, "test"), training, training, True, "test")
        except NoSplit:
            if against == "test" or held_out is None:
                count = 0 if held_out is None else len(held_out)
                key = "no test but held out" if count else "no test, none held out"
                raise DataError(key, field="against", source=training.source, count=count) from None
    if held_out is None:
        raise DataError("none held out", field="against", source=training.source)
    return RealSets("validation", held_out, training, training, True, "validation")


def against_training(data: DataConfig) -> RealSets:
    """Reads training images; the baseline comes from the test split, or from the other half of them without one."""
    training = load_images(data)
    order, others = mixed(len(training)), None
    try:
        others = load_images(data, "test")
    except NoSplit:
        half = len(training) // 2
        others, order = training.part(order[-half:] if half else order), order[: len(training) - half]
    return RealSets("train", training.part(order[:COUNT]), training, others, False, "train")


def against_path(path: str, training: ImageSet | None) -> RealSets:
    """Reads a path's test split, with all other images for the baseline, or all images if there is no test split."""
    config = DataConfig(data=path)
    every = load_images(config)
    try:
        reference, others, split = load_images(config, "test"), every, "test"
    except NoSplit:
        reference, others, split = every, None, "train" if (Path(path) / "train").is_dir() else "all"
    held_out = training is None or training.digest() != reference.digest()
    return RealSets(path, reference.part(mixed(len(reference))[:COUNT]), training, others, held_out, split)


def look_at(sets: RealSets, space: FeatureSpace, count: int, *, with_training: bool = True) -> RealImages:
    """Computes the features of real images in a feature space.

    Args:
        sets: the images.
        space: the feature space.
        count: the number of images to judge; the baseline uses the same number, if there are enough.
        with_training: whether to compute the features of all training images, which takes longest and which only the
            memorization metrics need.
    """

    def seen(images: ImageSet) -> Sample:
        return features.kept(space, images, labels_in(sets.class_names(space), images))

    training = seen(sets.training) if with_training and sets.training is not None else None
    reference = Reference(seen(sets.reference), training, sets.held_out)
    if sets.others is None:
        floor = part_against_rest(reference, count)
    else:
        floor = Comparison(seen(sets.others.part(mixed(len(sets.others))[:count])), reference)
    return RealImages(sets.name, sets.reference.source, reference, floor, sets.split)
