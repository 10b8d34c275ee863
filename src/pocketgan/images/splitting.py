"""Which images are held out: at random, by class, or by their content, so that equal images are in one split."""

import hashlib
import math
from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor

from pocketgan.images.seeds import derived_seed

LEAST_VALIDATION = 200
"""Smallest validation set of the package's data."""
LEAST_HELD_OUT = 10
"""Smallest validation or test set of one's own data."""


def validation_count(images: int, validation: float) -> int:
    """Returns how many images `split_off` holds out."""
    count = int(min(validation, images // 5) if validation >= 1 else validation * images)
    return count if count >= LEAST_VALIDATION else 0


def split_off(images: int, validation: float, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Returns the indices of the validation images and of the remaining training images, each in order.

    The split is the same for every seed. A value of 1 or more is a number of images, capped at a fifth of them. A value
    below 1 is a fraction. If that gives fewer than 200 images, none are held out.

    Args:
        images: the number of images.
        validation: the number or fraction of images to hold out.
        labels: int64, shape (images,), to take from each class in proportion; None to take from all images alike.
    """
    count = validation_count(images, validation)
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


def content_hashes(images: UInt8[Tensor, "n c h w"]) -> list[bytes]:
    """Returns a hash of each image's pixels; equal images have equal hashes."""
    return [hashlib.blake2b(image.tobytes(), digest_size=8, salt=b"pocketgan").digest() for image in images.numpy()]


def by_content(
    hashes: Sequence[bytes], labels: Tensor | None, test: float, validation: float, fold: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the indices of the test, the validation and the training images, each in order.

    Images are ordered by a hash of their pixels. The first ones are the test set, and one of five folds of the others
    the validation set; each class contributes in proportion to its size. Equal images are always in the same split, so
    the sets can be slightly larger than asked for; very many equal ones stay in the training set. A set of fewer than
    10 images isn't made.

    Args:
        hashes: one for each image.
        labels: int64, shape (N,), or None.
        test, validation: size of each set: a number of images (at most a fifth of them), or a fraction below 1.
        fold: which fold is the validation set, 0 to 4.
    """
    groups: dict[bytes, list[int]] = {}
    for place, content in enumerate(hashes):
        groups.setdefault(content, []).append(place)
    order = [groups[content] for content in sorted(groups)]
    test_groups, rest = _taken(order, labels, _count(len(hashes), test), 0)
    size = _count(len(hashes), validation)
    validation_groups, rest = _taken(rest, labels, size, fold)
    return _indices(test_groups), _indices(validation_groups), _indices(rest)


def _count(images: int, size: float) -> int:
    """Returns the number of images of a set: at most a fifth of all; 0 if that is fewer than 10."""
    count = int(min(size if size >= 1 else size * images, images // 5 if size >= 1 else images / 2))
    return count if count >= LEAST_HELD_OUT else 0


def _taken(
    groups: list[list[int]], labels: Tensor | None, count: int, fold: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Returns groups of equal images with `count` images in all, after `fold` times as many, and the other groups."""
    if not count:
        return [], groups
    classes: dict[int, list[list[int]]] = {}
    for group in groups:
        classes.setdefault(-1 if labels is None else int(labels[group[0]]), []).append(group)
    names = sorted(classes)
    sizes = [sum(map(len, classes[name])) for name in names]
    taken: list[list[int]] = []
    rest: list[list[int]] = []
    for name, size, part in zip(names, sizes, parts_of_classes(sizes, count), strict=True):
        start, end = min(fold * part, size - part), min(fold * part, size - part) + part
        passed = 0
        for group in classes[name]:
            fits = start <= passed < end and len(group) <= max(1, part // 2)
            (taken if fits else rest).append(group)
            passed += len(group)
    return taken, rest


def _indices(groups: list[list[int]]) -> Tensor:
    return torch.tensor(sorted(place for group in groups for place in group), dtype=torch.int64)
