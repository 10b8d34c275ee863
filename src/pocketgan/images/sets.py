"""Image sets: from disk to uint8 NCHW in memory, and from there to batches.

The pixel contract: images are `uint8 [0, 255]`, NCHW, on disk, in memory and in every metric. Networks use floats,
`signed` [-1, 1] or `unit` [0, 1]. Only `to_network` and `to_uint8` convert between the two; `to_levels` is the latter
before rounding.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pocketgan.base.errors import DataError, nearest
from pocketgan.config.sections import PACKAGED, DataConfig, split
from pocketgan.images import readers as image_files

Pixels = Literal["signed", "unit"]
Part = Literal["train", "validation", "test"]
LEAST_VALIDATION = 200


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


def derived_seed(seed: int, *names: str | int) -> int:
    """Returns a seed in [0, 2**63) for one named use of `seed`; different names give independent seeds."""
    text = ":".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


@dataclass(frozen=True)
class ImageSet:
    """Images in memory.

    Attributes:
        images: uint8 [0, 255], shape (N, C, H, W).
        labels: int64 indices into `class_names`, shape (N,), or None.
        class_names: the names of the classes, in order; empty without labels.
        source: the origin of the images, for messages.
    """

    images: UInt8[Tensor, "n channels height width"]
    labels: Tensor | None
    class_names: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        return len(self.images)

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
        return ImageSet(self.images[chosen], labels[chosen], tuple(remaining), self.source)

    def part(self, indices: Tensor | slice) -> "ImageSet":
        """Returns the images at `indices`, in that order, with the same classes."""
        labels = None if self.labels is None else self.labels[indices]
        return ImageSet(self.images[indices], labels, self.class_names, self.source)

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
        return ImageSet(self.images, numbers[self.labels], class_names, self.source)

    def digest(self) -> str:
        """Returns the SHA-256 of the images, their shape and their labels, as hexadecimal digits."""
        hashed = hashlib.sha256(repr((tuple(self.images.shape), self.class_names)).encode())
        hashed.update(self.images.contiguous().numpy().data)
        if self.labels is not None:
            hashed.update(self.labels.contiguous().numpy().data)
        return hashed.hexdigest()


def load_images(config: DataConfig, part: Part = "train") -> ImageSet:
    """Reads the images that the configuration names, and selects its classes.

    Args:
        config: the data to read, and the size of the validation set.
        part: `train`, without the validation set; `validation`, that set; or `test`.

    Raises:
        DataError: the data can't be read, or has no such split or class; the message names the file.
    """
    files = image_files.read(config.data, "test" if part == "test" else "train")
    labels, class_names = None, ()
    if files.labels is not None:
        values, indices = np.unique(files.labels, return_inverse=True)
        labels = torch.from_numpy(indices.astype(np.int64).reshape(-1))
        class_names = files.class_names or tuple(str(value) for value in values)
        if files.class_names:
            labels = torch.from_numpy(files.labels.astype(np.int64))
    images = torch.from_numpy(np.array(files.images, order="C"))
    source = config.data if config.data in PACKAGED else str(Path(config.data))
    image_set = ImageSet(images, labels, class_names, source)
    if part != "test":
        rule = config.validation_split
        stratified = rule == "stratified" or (rule == "auto" and config.data not in PACKAGED)
        held_out, remaining = split_off(len(image_set), config.validation, image_set.labels if stratified else None)
        if part == "validation" and len(held_out) == 0:
            raise DataError("nothing held out", field="validation", source=source)
        if len(held_out):
            image_set = image_set.part(held_out if part == "validation" else remaining)
    chosen = image_set.select(config.classes)
    if len(chosen) == 0:
        raise DataError("none of the classes", field="data", source=source, classes=config.classes)
    return chosen


def check_split(name: str) -> Part:
    """Returns a split's name after checking it.

    Raises:
        DataError: there is no such split.
    """
    for part in get_args(Part):
        if name == part:
            return part
    known = ", ".join(get_args(Part))
    raise DataError("no split", field="split", name=name, hint=nearest(name, get_args(Part)), known=known)


def split_off(images: int, validation: float, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Returns the indices of the validation images and of the remaining training images, each in order.

    The split is the same for every seed. A value of 1 or more is a number of images, capped at a fifth of them. A value
    below 1 is a fraction. If that gives fewer than 200 images, none are held out.

    Args:
        images: the number of images.
        validation: the number or fraction of images to hold out.
        labels: int64, shape (images,), to take from each class in proportion; None to take from all images alike.
    """
    count = int(min(validation, images // 5) if validation >= 1 else validation * images)
    if count < LEAST_VALIDATION:
        count = 0
    order = torch.randperm(images, generator=torch.Generator().manual_seed(derived_seed(0, "validation")))
    held_out = torch.zeros(images, dtype=torch.bool)
    if labels is None:
        held_out[order[:count]] = True
    else:
        for label, part in enumerate(parts_of_classes(torch.bincount(labels).tolist(), count)):
            held_out[order[labels[order] == label][:part]] = True
    return held_out.nonzero().flatten(), (~held_out).nonzero().flatten()


def parts_of_classes(sizes: Sequence[int], count: int) -> list[int]:
    """Returns the number of images that each class contributes to `count`, in proportion to its size.

    The images left over by rounding down go to the largest remainders (Hamilton's method). Each class keeps at least
    one image for training.
    """
    exact = [size * count / max(1, sum(sizes)) for size in sizes]
    parts = [math.floor(part) for part in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda label: (parts[label] - exact[label], -sizes[label], label))
    left = count - sum(parts)
    for label in by_remainder:
        if left > 0 and parts[label] + 1 < sizes[label]:
            parts[label] += 1
            left -= 1
    return parts


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


class DataOrder:
    """The order in which images are fed to training, which can be entered at any position.

    `epoch`: a new seeded permutation in each epoch, so that each image is used once per epoch; batches may cross the
    border of two epochs. `replacement`: each draw is from all images. Position `p` is the number of images fed before.
    """

    def __init__(self, count: int, sampling: Literal["epoch", "replacement"], seed: int) -> None:
        self.count = count
        self.sampling = sampling
        self.seed = seed
        self._epoch = -1
        self._indices = torch.empty(0, dtype=torch.int64)

    def epoch(self, number: int) -> Tensor:
        """Returns the indices fed in epoch `number`, int64, shape (count,)."""
        if number != self._epoch:
            generator = torch.Generator().manual_seed(derived_seed(self.seed, "order", number))
            if self.sampling == "epoch":
                self._indices = torch.randperm(self.count, generator=generator)
            else:
                self._indices = torch.randint(self.count, (self.count,), generator=generator)
            self._epoch = number
        return self._indices

    def indices(self, position: int, size: int) -> Tensor:
        """Returns the `size` indices that come after `position` images, int64, shape (size,)."""
        first, start = divmod(position, self.count)
        last = (position + size - 1) // self.count
        if first == last:
            return self.epoch(first)[start : start + size]
        return torch.cat([self.epoch(number) for number in range(first, last + 1)])[start : start + size]


@dataclass(frozen=True)
class Batch:
    """One batch in the form that the networks use.

    Attributes:
        real: the discriminator's real images, shape (N, C, H, W).
        source: the inputs of an image-to-image generator, same shape; the same tensor as `real` for noise generators.
        labels: int64, shape (N,), or None.
    """

    real: Float[Tensor, "n channels height width"]
    source: Float[Tensor, "n channels height width"]
    labels: Tensor | None


class Batches:
    """Batches of an image set in its order: `at(position)` is the batch after `position` images."""

    def __init__(self, images: ImageSet, config: DataConfig, *, batch_size: int, seed: int, device: str) -> None:
        self.images = images.images.to(device)
        self.labels = None if images.labels is None else images.labels.to(device)
        self.config = config
        self.batch_size = batch_size
        self.order = DataOrder(len(images), config.sampling, seed)

    def at(self, position: int) -> Batch:
        """Gathers and converts one batch; `position` is the number of images fed before it."""
        indices = self.order.indices(position, self.batch_size).to(self.images.device)
        images = self.images.index_select(0, indices)
        labels = None if self.labels is None else self.labels.index_select(0, indices)
        source = to_network(images, self.config.pixel_range)
        if self.config.target == "inverted":
            return Batch(to_network(255 - images, self.config.pixel_range), source, labels)
        return Batch(source, source, labels)
