"""The real images of an evaluation: which ones, their feature space, their features, and the baseline's comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from pocketgan.base.errors import DataError, NoSplit, nearest
from pocketgan.base.language import say
from pocketgan.base.messages import Problem, problem
from pocketgan.base.progress import Progress
from pocketgan.config.data_section import DataConfig
from pocketgan.config.translating import NONE
from pocketgan.images.grids import class_numbers
from pocketgan.images.sets import ImageSet, everything, load_images
from pocketgan.metrics import features
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.registry import Comparison, Reference, Sample
from pocketgan.metrics.scores import RealImages, mixed, part_against_rest
from pocketgan.metrics.words import NOTES

SPLITS = ("test", "train", "validation")
COUNT = 10_000
"""Default number of images to compare, if there are enough."""


SPACES = ("auto", "digits", "stacked", "classifier", "self-supervised", "random", "inception")
USUAL = {"mnist": "digits", "stacked-mnist": "stacked"}
"""Feature spaces of the package's data."""
NAMED = 10
"""Maximum number of classes in a message."""
COMPARED = 100
"""Maximum number of images that are searched among MNIST's."""


def choose_space(
    name: str, data: DataConfig, inception_weights: str | Path | None = None, progress: Progress | None = None
) -> FeatureSpace:
    """Returns the feature space called `name` for this data.

    `auto` is the usual space of the package's data; for other data it is `classifier` if there are labels, otherwise
    `random`.

    Raises:
        DataError: there is no such space, or it isn't available for this data.
    """
    name = USUAL.get(data.data, name) if check_space(name) == "auto" else name
    if name in ("digits", "stacked", "inception"):
        return fixed_space(name, inception_weights)
    images = load_images(data.model_copy(update={"classes": "all", "validation": 0}))
    if name == "auto":
        name = "classifier" if len(images.class_names) > 1 else "random"
    return data_space(name, images, progress)


def space_of(
    name: str, images: ImageSet, inception_weights: str | Path | None = None, progress: Progress | None = None
) -> FeatureSpace:
    """Returns the feature space called `name` for images in memory.

    `auto` is `digits` for MNIST's images, `stacked` for data called `stacked-mnist`, otherwise `random`: it never
    trains a network that wasn't requested.

    Raises:
        DataError: there is no such space, or it isn't available for these images.
    """
    if check_space(name) == "auto":
        name = USUAL.get(images.source) or ("digits" if is_mnist(images.images) else "random")
    if name in ("digits", "stacked", "inception"):
        return fixed_space(name, inception_weights)
    return data_space(name, images, progress)


def data_space(name: str, images: ImageSet, progress: Progress | None = None) -> FeatureSpace:
    """Returns a feature space that depends on the data: `classifier`, `self-supervised` or `random`."""
    if name == "classifier":
        return features.classifier(images, progress)
    if name == "self-supervised":
        return features.self_supervised(images, progress)
    return features.random(images.images.shape[1])


def check_space(name: str) -> str:
    """Returns the name of a feature space unchanged.

    Raises:
        DataError: there is no such space.
    """
    if name not in SPACES:
        message = problem("no space", name=name, hint=nearest(name, SPACES), known=", ".join(SPACES))
        raise DataError(message, field="features")
    return name


def fixed_space(name: str, inception_weights: str | Path | None = None) -> FeatureSpace:
    """Returns a feature space that is the same for all data: `digits`, `stacked` or `inception`."""
    if name == "inception":
        return features.inception(inception_weights)
    return features.digits() if name == "digits" else features.stacked()


def is_mnist(images: UInt8[Tensor, "n c h w"]) -> bool:
    """Returns whether images are MNIST's: whether the first hundred are among them."""
    if images.shape[1:] != (1, 28, 28):
        return False
    wanted = {image.tobytes() for image in images[:COMPARED].numpy()}
    for part in ("train", "test"):
        wanted -= {image.tobytes() for image in load_images(DataConfig(), part).images.numpy()}
    return not wanted


def space_note(space: FeatureSpace, real: RealImages) -> str:
    """Returns the remark on a feature space for readers of the scores."""
    key = "classifier of all" if space.name == "classifier" and real.name not in SPLITS else space.name
    return say(NOTES, key, source=real.source)


def unknown_classes(images: ImageSet, class_names: tuple[str, ...]) -> Problem | None:
    """Returns the sentence that images have labels of other classes than the real ones, or None if they don't."""
    if images.labels is None or not class_names or labels_in(class_names, images) is not None:
        return None
    ours, theirs = (", ".join(names[:NAMED]) + ("" if len(names) <= NAMED else ", …") for names in
                    (images.class_names, class_names))  # fmt: skip
    return problem("classes differ", source=images.source, found=ours, known=theirs)


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
        return against_path(against, training, pairs=data.pairs != NONE)
    except DataError as error:
        why = without_flags(error, "against").reason
        raise DataError("test and train", field="against", why=why) from None


WITHOUT_FLAGS = {
    "two readings": "two readings of images",
    "damaged picture": "damaged image",
    "damaged pictures": "damaged images",
    "pictures beside classes": "images beside classes",
}
"""Messages that name a flag of training, and those that `evaluate` has instead."""


def without_flags(error: DataError, field: str) -> DataError:
    """Returns an error about images that were read for training as one about images that are measured."""
    key = WITHOUT_FLAGS.get(error.key, error.key)
    if key == "two readings of images" and field == "against":
        key = "two readings of real images"
    return DataError(key, field=field, **error.parts)


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


def against_path(path: str, training: ImageSet | None, *, pairs: bool = False) -> RealSets:
    """Reads a path's test split, with all other images for the baseline, or all images if there is no test split.

    With `pairs`, the path is a folder of pairs, of which the targets are the images.
    """
    config = everything(path, training, pairs=pairs)
    every = load_images(config)
    try:
        reference, others, split = load_images(config, "test"), every, "test"
    except NoSplit:
        reference, others, split = every, None, "train" if (Path(path) / "train").is_dir() else "all"
    held_out = training is None or training.digest() != reference.digest()
    return RealSets(path, reference.part(mixed(len(reference))[:COUNT]), training, others, held_out, split)


def read_given(data: str | Path) -> RealSets:
    """Reads the real images for a judge: the test split of data, or all images of a path without one.

    Raises:
        DataError: there is no such data.
    """
    config = everything(data)
    try:
        test = load_images(config, "test")
    except NoSplit:
        return against_path(str(data), None)
    training = load_images(config)
    return RealSets("test", test, training, training, True, "test")


def look_at(sets: RealSets, space: FeatureSpace, count: int, *, with_training: bool = True) -> RealImages:
    """Computes the features of real images in a feature space.

    Args:
        sets: the images.
        space: the feature space.
        count: the number of images to judge; the baseline uses the same number, if there are enough.
        with_training: whether to compute the features of all training images, which takes longest and which only the
            memorization metrics need.
    """
    reference = look_at_reference(sets, space, with_training=with_training)
    return with_baseline(sets, space, reference, count)


def look_at_reference(sets: RealSets, space: FeatureSpace, *, with_training: bool = True) -> Reference:
    """Computes the features of the reference and, if they are needed, of the training images."""
    sample = _look(sets, space, sets.reference)
    if not with_training or sets.training is None:
        return Reference(sample, None, sets.held_out)
    training = sample if sets.training is sets.reference else _look(sets, space, sets.training)
    return Reference(sample, training, sets.held_out)


def with_baseline(sets: RealSets, space: FeatureSpace, reference: Reference, count: int) -> RealImages:
    """Returns the reference with the comparison for the baseline of `count` images; see `look_at`."""
    if sets.others is None:
        floor = part_against_rest(reference, count)
    else:
        floor = Comparison(_look(sets, space, sets.others.part(mixed(len(sets.others))[:count])), reference)
    return RealImages(sets.name, sets.reference.source, reference, floor, sets.split)


def _look(sets: RealSets, space: FeatureSpace, images: ImageSet) -> Sample:
    return features.kept(space, images, labels_in(sets.class_names(space), images))
