"""Image sets: from disk to uint8 NCHW in memory, and from there to batches.

The pixel contract: images are `uint8 [0, 255]`, NCHW, on disk, in memory and in every metric. Networks use floats,
`signed` [-1, 1] or `unit` [0, 1]. Only `to_network` and `to_uint8` convert between the two; `to_levels` is the latter
before rounding.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pocketgan.base.errors import DataError, NoSplit, nearest
from pocketgan.base.messages import Problem, problem
from pocketgan.config.data_section import HUB, PACKAGED, DataConfig, split
from pocketgan.config.translating import CLASSES, NONE, task_of
from pocketgan.images import readers
from pocketgan.images.conditions import read_conditions, standardized
from pocketgan.images.intake.contents import Collection, ImageFiles, Part
from pocketgan.images.intake.read import Shown, silent
from pocketgan.images.pairs import read_pairs
from pocketgan.images.splitting import by_content, content_hashes, split_off

Pixels = Literal["signed", "unit"]
MANY = 1000
"""Number of one's own images from which a test set is taken from those that have none."""


def to_network(images: UInt8[Tensor, "*shape"], pixels: Pixels) -> Float[Tensor, "*shape"]:
    """Converts uint8 images to float32, in [-1, 1] (`signed`) or [0, 1] (`unit`)."""
    floats = images.to(torch.float32)
    return floats.div_(127.5).sub_(1.0) if pixels == "signed" else floats.div_(255.0)


def to_uint8(images: Float[Tensor, "*shape"], pixels: Pixels) -> UInt8[Tensor, "*shape"]:
    """Converts float images in [-1, 1] (`signed`) or [0, 1] (`unit`) to uint8, clamped and rounded to nearest."""
    return to_levels(images, pixels).round().to(torch.uint8)


def to_levels(images: Float[Tensor, "*shape"], pixels: Pixels) -> Float[Tensor, "*shape"]:
    """Converts float images in [-1, 1] (`signed`) or [0, 1] (`unit`) to [0, 255], clamped but not rounded."""
    scaled = (images.float() + 1.0) * 127.5 if pixels == "signed" else images.float() * 255.0
    return scaled.clamp(0, 255)


@dataclass(frozen=True)
class ImageSet:
    """Images in memory.

    Attributes:
        images: uint8 [0, 255], shape (N, C, H, W).
        labels: int64 indices into `class_names`, shape (N,), or None.
        class_names: the names of the classes, in order; empty without labels.
        source: the origin of the images, for messages.
        files: the file or the place of each image; empty if there is nothing to name.
        notes: what was done to the images as they were read, and what was passed over.
        conditions: float32, shape (N, K), or None: numbers that describe each image, such as 0 and 1 for each of
            several labels.
        condition_names: a name for each of the K numbers.
        condition_means, condition_scales: what was subtracted from each number and what it was divided by; empty where
            they are as they were.
        inputs: uint8 [0, 255], shape (N, C, H, W), or None: of a folder of pairs, the input of each image.
        target_domain: of translation without pairs, the images of the target domain in the same split, which aren't
            partners of these images; None for all else.
    """

    images: UInt8[Tensor, "n channels height width"]
    labels: Tensor | None
    class_names: tuple[str, ...]
    source: str
    files: Sequence[str] = ()
    notes: tuple[Problem, ...] = ()
    conditions: Float[Tensor, "n k"] | None = None
    condition_names: tuple[str, ...] = ()
    condition_means: tuple[float, ...] = ()
    condition_scales: tuple[float, ...] = ()
    inputs: UInt8[Tensor, "n channels height width"] | None = None
    target_domain: "ImageSet | None" = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def desired(self) -> "ImageSet":
        """What outputs should look like: the target domain, or without one, the images themselves."""
        return self if self.target_domain is None else self.target_domain

    def named(self, files: Sequence[str]) -> "ImageSet":
        """Returns the same images with names of their files."""
        return replace(self, files=files)

    @staticmethod
    def joined(sets: Sequence["ImageSet"]) -> "ImageSet":
        """Returns several sets with the same classes as one."""
        labels = [one.labels for one in sets if one.labels is not None]
        conditions = [one.conditions for one in sets if one.conditions is not None]
        return replace(
            sets[0],
            images=torch.cat([one.images for one in sets]),
            labels=torch.cat(labels) if len(labels) == len(sets) else None,
            files=[name for one in sets for name in one.files],
            conditions=torch.cat(conditions) if len(conditions) == len(sets) else None,
        )

    def places_of(self, classes: str) -> list[int]:
        """Returns the indices of the images that `select` returns."""
        return [int(name) for name in self.named([str(place) for place in range(len(self))]).select(classes).files]

    def class_counts(self) -> tuple[int, ...]:
        """Returns the number of images in each class; empty without labels."""
        if self.labels is None:
            return ()
        return tuple(torch.bincount(self.labels, minlength=len(self.class_names)).tolist())

    def select(self, classes: str) -> "ImageSet":
        """Returns the images of the classes in a comma-separated list of names; `all` returns everything.

        Raises:
            DataError: there are no labels, or there is no such class.
        """
        if classes == "all":
            return self
        if self.labels is None:
            raise DataError("no labels", field="classes", source=self.source, classes=classes)
        names = split(classes)
        for name in names:
            if name not in self.class_names:
                hint = nearest(name, self.class_names) if len(self.class_names) > 20 else ""
                parts = {"source": self.source, "name": name, "hint": hint, "known": _few(self.class_names)}
                raise DataError("no class", field="classes", **parts)
        remaining = [name for name in self.class_names if name in names]
        new_label = torch.full((len(self.class_names),), -1)
        for index, name in enumerate(remaining):
            new_label[self.class_names.index(name)] = index
        labels = new_label[self.labels]
        chosen = labels >= 0
        files = [self.files[place] for place in chosen.nonzero().flatten().tolist()] if self.files else ()
        conditions = None if self.conditions is None else self.conditions[chosen]
        inputs = None if self.inputs is None else self.inputs[chosen]
        parts = {"images": self.images[chosen], "labels": labels[chosen], "conditions": conditions, "files": files}
        return replace(self, class_names=tuple(remaining), inputs=inputs, **parts)

    def part(self, indices: Tensor | slice) -> "ImageSet":
        """Returns the images at `indices`, in that order, with the same classes."""
        labels = None if self.labels is None else self.labels[indices]
        files: Sequence[str] = ()
        if self.files:
            chosen = range(len(self))[indices] if isinstance(indices, slice) else indices.tolist()
            files = [self.files[place] for place in chosen]
        conditions = None if self.conditions is None else self.conditions[indices]
        inputs = None if self.inputs is None else self.inputs[indices]
        return replace(
            self, images=self.images[indices], labels=labels, files=files, conditions=conditions, inputs=inputs
        )

    def numbered_as(self, class_names: tuple[str, ...]) -> "ImageSet":
        """Returns the same images with labels that index `class_names`, the classes of another split.

        Raises:
            DataError: one of the set's classes isn't among them.
        """
        if self.labels is None or self.class_names == class_names:
            return self
        foreign = [name for name in self.class_names if name not in class_names]
        if foreign:
            raise DataError("foreign class", field="data", source=self.source, name=foreign[0])
        numbers = torch.tensor([class_names.index(name) for name in self.class_names])
        return replace(self, labels=numbers[self.labels], class_names=class_names)

    def digest(self) -> str:
        """Returns the SHA-256 of the images, their shape and their labels, as hexadecimal digits."""
        hashed = hashlib.sha256(repr((tuple(self.images.shape), self.class_names)).encode())
        hashed.update(self.images.contiguous().numpy().data)
        if self.labels is not None:
            hashed.update(self.labels.contiguous().numpy().data)
        if self.inputs is not None:
            hashed.update(self.inputs.contiguous().numpy().data)
        if self.target_domain is not None:
            hashed.update(self.target_domain.digest().encode())
        return hashed.hexdigest()


def load_images(config: DataConfig, part: Part = "train", shown: Shown = silent) -> ImageSet:
    """Reads the images that the configuration names, and selects its classes.

    Args:
        config: the data to read, how, and the sizes of the validation and the test set.
        part: `train`, without the images of the other splits; `validation`; or `test`.
        shown: shows the progress of reading many pictures.

    Raises:
        DataError: the data can't be read, or has no such split or class; the message names the file.
    """
    packaged = config.data in PACKAGED
    needed = None if not packaged else "test" if part == "test" else "train"
    wishes = readers.wishes_of(config)
    if config.pairs == NONE:
        collection = readers.read(config.data, wishes, shown, needed)
    else:
        collection = read_pairs(Path(config.data), wishes, shown)
    whole = packaged or config.data.startswith(HUB)
    source = config.data if whole else str(Path(config.data))
    chosen = split_of(config, collection, part, source).select(config.classes)
    if len(chosen) == 0:
        raise DataError("none of the classes", field="data", source=source, classes=config.classes)
    if task_of(config) == "colorize" and chosen.images.shape[1] == 1:
        return replace(chosen, images=chosen.images.expand(-1, 3, -1, -1).contiguous())
    if config.to == CLASSES:
        return with_several_classes(chosen)
    return chosen if config.to == NONE else with_target_domain(config, chosen, part, shown)


def with_target_domain(config: DataConfig, images: ImageSet, part: Part, shown: Shown = silent) -> ImageSet:
    """Returns images with those of the target domain in the same split, of the same classes where these have labels.

    Raises:
        DataError: the target domain can't be read, has no such split, or other channels.
    """
    channels, size = images.images.shape[1:3]
    try:
        targets = load_images(config.of_target_domain(size), part, shown)
        targets = targets if targets.labels is None else targets.select(config.classes)
    except NoSplit:
        raise
    except DataError as error:
        raise DataError(error.key, field="to", **error.parts) from None
    parts = {"source": targets.source, "data": images.source}
    if targets.images.shape[1] != channels:
        raise DataError("channels of domains", field="to", found=targets.images.shape[1], wanted=channels, **parts)
    if targets.images.shape[2] != size:
        found = targets.images.shape[2]
        sides = {"found": f"{found}×{found}", "wanted": f"{size}×{size}", "size": found}
        raise DataError("sizes of domains", field="to", **sides, **parts)
    said = tuple(problem("of target domain", source=Path(targets.source).name, what=note) for note in targets.notes)
    targets = with_classes_of(images, targets, part) if config.keep_class else targets
    return replace(images, target_domain=targets, notes=(*images.notes, *said))


def with_several_classes(images: ImageSet) -> ImageSet:
    """Returns images unchanged; raises `DataError` if translation between their classes isn't possible."""
    if len(images.class_names) < 2:
        raise DataError("several classes", field="to", source=images.source)
    return images


def with_classes_of(images: ImageSet, targets: ImageSet, part: Part) -> ImageSet:
    """Returns the images of the target domain with their classes numbered as those of the inputs.

    Raises:
        DataError: one of them has no labels, or has training images of a class of which the other has none.
    """
    for one in (images, targets):
        if one.labels is None:
            raise DataError("keep class without labels", field="keep_class", source=one.source)
    there = [
        {name for name, count in zip(one.class_names, one.class_counts(), strict=True) if count}
        for one in (images, targets)
    ]
    if part == "train" and (alone := sorted(there[0] ^ there[1])):
        parts = {"source": targets.source, "data": images.source}
        raise DataError("classes of domains", field="keep_class", classes=", ".join(alone[:10]), **parts)
    return targets.numbered_as(images.class_names)


def everything(data: str | Path, like: ImageSet | None = None, *, pairs: bool = False) -> DataConfig:
    """Returns the configuration that reads all images of a path, none of which is held out.

    Args:
        data: the path.
        like: images whose size and number of channels those of the path get; by default they get their own.
        pairs: whether the path is a folder of pairs.
    """
    shape: dict[str, Any] = {"pairs": str(data)} if pairs else {}
    if like is not None:
        channels, size = like.images.shape[1:3]
        shape |= {"size": size, "color": "gray" if channels == 1 else "rgb"}
    return DataConfig(data=str(data), test=0, **shape)


def split_of(config: DataConfig, collection: Collection, part: Part, source: str) -> ImageSet:
    """Returns one split of data that was read: its own, or one that is taken from its training split.

    Raises:
        DataError: there is no such split.
    """
    notes = tuple(collection.notes.sentences())
    own = collection.splits
    if (part == "test" and "test" in own) or (part == "validation" and "validation" in own and config.validation):
        images = image_set(own[part], source, notes)
        names = image_set(own["train"], source).class_names if "train" in own else ()
        known = config.to == CLASSES or set(images.class_names) <= set(names)
        return images.numbered_as(names) if known else images
    if "train" not in own:
        raise readers.missing(collection, source, "train")
    training = image_set(own["train"], source, notes)
    if config.condition != "none":
        training = conditioned(training, config.condition)
    test, validation, remaining = divided(config, training, "test" in own, "validation" in own)
    if part == "test" and not len(test):
        raise readers.missing(collection, source, "test")
    if part == "validation" and not len(validation):
        raise DataError("nothing held out", field="validation", source=source)
    chosen = {"test": test, "validation": validation, "train": remaining}[part]
    return training if len(chosen) == len(training) else training.part(chosen)


def divided(
    config: DataConfig, images: ImageSet, has_test: bool, has_validation: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the indices of the test, the validation and the training images of a training split, each in order.

    Args:
        config: the sizes of the splits, and how validation images are chosen.
        images: the training split as it was read.
        has_test, has_validation: whether the data has these splits of its own, so that none is taken.
    """
    rule, packaged = config.validation_split, config.data in PACKAGED
    validation = 0 if has_validation else config.validation
    if packaged or rule in ("random", "stratified"):
        held_out, remaining = split_off(len(images), validation, images.labels if rule == "stratified" else None)
        return torch.empty(0, dtype=torch.int64), held_out, remaining
    test = 0 if has_test else config.test
    if test == "auto":
        test = 0.1 if len(images) >= MANY else 0
    if not test and not validation:
        return torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64), torch.arange(len(images))
    fold = 0 if config.fold == "auto" else config.fold
    return by_content(content_hashes(images.images), images.labels, test, validation, fold)


def conditioned(images: ImageSet, table: str) -> ImageSet:
    """Returns images with the numbers that a table says of each; after the classes or labels, if there are any.

    Raises:
        DataError: the table can't be read, or doesn't name every image.
    """
    values, names = read_conditions(table, list(images.files), len(images), Path(images.source).resolve().name)
    numbers, means, scales = standardized(values)
    if images.labels is not None:
        classes = torch.nn.functional.one_hot(images.labels, len(images.class_names)).float()
        numbers, names = torch.cat([classes, numbers], dim=1), (*images.class_names, *names)
        plain = len(images.class_names)
        means, scales = (0.0,) * plain + means, (1.0,) * plain + scales
    elif images.conditions is not None:
        plain = len(images.condition_names)
        numbers, names = torch.cat([images.conditions, numbers], dim=1), (*images.condition_names, *names)
        means, scales = (0.0,) * plain + means, (1.0,) * plain + scales
    return replace(images, conditions=numbers, condition_names=names, condition_means=means, condition_scales=scales)


def image_set(files: ImageFiles, source: str, notes: tuple[Problem, ...] = ()) -> ImageSet:
    """Returns images that were read as tensors, with classes numbered from 0.

    Args:
        files: the images of one split.
        source: their origin, for messages.
        notes: what was done to them.
    """
    labels, class_names = None, ()
    if files.labels is not None and files.labels.ndim == 1:
        values, indices = np.unique(files.labels, return_inverse=True)
        labels = torch.from_numpy(indices.astype(np.int64).reshape(-1))
        class_names = files.class_names or tuple(str(value) for value in values)
        if files.class_names:
            labels = torch.from_numpy(files.labels.astype(np.int64))
    pixels = files.images
    if not (pixels.flags.c_contiguous and pixels.flags.writeable):
        pixels = np.array(pixels, order="C")
    conditions, names = None, ()
    if files.labels is not None and files.labels.ndim == 2:
        conditions = torch.from_numpy(files.labels.astype(np.float32))
        names = files.class_names or tuple(str(number) for number in range(conditions.shape[1]))
    inputs = None if files.inputs is None else torch.from_numpy(np.array(files.inputs, order="C"))
    images = torch.from_numpy(pixels)
    told = {"conditions": conditions, "condition_names": names, "inputs": inputs}
    return ImageSet(images, labels, class_names, source, files.files, notes, **told)


def check_split(name: str) -> Part:
    """Returns a split's name after checking it.

    Raises:
        DataError: there is no such split.
    """
    known: tuple[Part, ...] = get_args(Part)
    for part in known:
        if name == part:
            return part
    raise DataError("no split", field="split", name=name, hint=nearest(name, known), known=", ".join(known))


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
