"""Arrays of all splits together to bytes: one reading of their values, their channels and their size for all."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from pocketgan.base.errors import DataError
from pocketgan.base.messages import problem
from pocketgan.images.intake.contents import Collection, ImageFiles, Notes, Part, wrong
from pocketgan.images.intake.decoding import Wishes, in_gray
from pocketgan.images.intake.pictures import Wish, fitted
from pocketgan.images.intake.sizes import choose_side, in_words
from pocketgan.images.intake.values import arranged, choose_range, count_outside, parse_range, to_bytes, without_alpha


def settle_arrays(kind: str, splits: Mapping[Part, ImageFiles], wishes: Wishes, path: str, notes: Notes) -> Collection:
    """Returns arrays of any type and order as images of bytes, (N, C, S, S).

    `orientation` `transposed` exchanges their rows and columns; IDX files are turned as they are read. `auto` does so
    with EMNIST's tables, by their names.

    Args:
        kind: what was read; see `Collection`.
        splits: images as they are in the files.
        wishes: the settings.
        path: the file or folder, for messages.
        notes: what was done is added.

    Raises:
        DataError: the arrays can be read in two ways, or hold no images.
    """
    splits = _with_classes(splits, wishes, path, notes)
    transposed = wishes.orientation == "transposed" and kind != "idx"
    transposed = transposed or (kind == "csv" and wishes.orientation == "auto" and "emnist" in Path(path).name.lower())
    images: dict[Part, np.ndarray] = {}
    for part, split in splits.items():
        labels = split.labels
        given = split.images
        if given.dtype.kind not in "buif":
            raise wrong("npz type", path=path, type=given.dtype)
        if given.ndim == 3 and labels is not None and len(labels) == len(given) and wishes.channels_at == "auto":
            given = given[:, None]
        images[part] = arranged(given, wishes.channels_at, path, notes)
        if 0 in images[part].shape[1:]:
            raise wrong("npz shape", path=path, shape=images[part].shape)
        if transposed:
            images[part] = images[part].swapaxes(2, 3)
            notes.say("transposed")
    images = _as_bytes(images, wishes, path, notes)
    background = ImageColor.getrgb(wishes.background)[:3]
    images = {part: without_alpha(values, background, notes) for part, values in images.items()}
    images = _colors(images, wishes, notes)
    shapes = Counter({(values.shape[3], values.shape[2]): len(values) for values in images.values()})
    sizes: Counter[tuple[int, int]] = Counter()
    for values in images.values():
        sizes[values.shape[3], values.shape[2]] += len(values)
    side = wishes.size or (choose_side(sizes) if sum(sizes.values()) else None)
    if side is not None:
        wish = Wish(side, wishes.fit, wishes.background)
        images = {part: fit_all(values, wish, notes) for part, values in images.items()}
    parts = {
        "composed": {"background": wishes.background},
        "fitted": {"sizes": in_words(shapes), "size": f"{side}×{side}", "how": problem(f"fit {wishes.fit}")},
    }
    notes.settle(parts)
    return Collection(
        kind, {part: replace(split, images=images[part]) for part, split in splits.items()}, notes, dict(sizes)
    )


def _with_classes(
    splits: Mapping[Part, ImageFiles], wishes: Wishes, path: str, notes: Notes
) -> Mapping[Part, ImageFiles]:
    """Returns splits whose one-hot labels are classes, if those of all splits are one-hot; without labels for `none`.

    Raises:
        DataError: a table of labels was given, or the splits have different numbers of labels.
    """
    if wishes.labels == "none":
        return {part: replace(split, labels=None, class_names=()) for part, split in splits.items()}
    if wishes.labels != "auto":
        raise wrong("table for arrays", "labels", file=wishes.labels, data=path)
    rows = {part: split.labels for part, split in splits.items() if split.labels is not None and split.labels.ndim == 2}
    widths = sorted({labels.shape[1] for labels in rows.values()})
    if not rows:
        return splits
    if len(widths) > 1:
        raise wrong("labels of splits", path=path, counts=", ".join(map(str, widths)))
    if not all((labels.sum(axis=1) == 1).all() for labels in rows.values()):
        notes.say("several labels", count=widths[0])
        return splits
    notes.say("one-hot")
    return {part: classes_of_rows(split) if part in rows else split for part, split in splits.items()}


def classes_of_rows(split: ImageFiles) -> ImageFiles:
    """Returns a split whose one-hot labels, (N, K), are classes, (N,)."""
    assert split.labels is not None
    numbers = split.labels.argmax(axis=1)
    if not split.class_names:
        return replace(split, labels=numbers)
    used, places = np.unique(numbers, return_inverse=True)
    return replace(split, labels=places.reshape(-1), class_names=tuple(split.class_names[one] for one in used))


def _as_bytes(images: dict[Part, np.ndarray], wishes: Wishes, path: str, notes: Notes) -> dict[Part, np.ndarray]:
    filled = [values for values in images.values() if values.size]
    if not filled:
        return {part: values.astype(np.uint8) for part, values in images.items()}
    for values in filled:
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise wrong("images not finite", path=path)
    black, white = parse_range(wishes.value_range) or _shared_range(filled, path)
    if (black, white) != (0, 255):
        notes.say("scaled values", low=f"{black:g}", high=f"{white:g}", count=sum(map(len, filled)))
    if outside := sum(count_outside(values, black, white) for values in filled if values.dtype != bool):
        notes.say("clipped values", low=f"{black:g}", high=f"{white:g}", count=outside)
    return {part: to_bytes(values, black, white) for part, values in images.items()}


def _shared_range(splits: list[np.ndarray], path: str) -> tuple[float, float]:
    """Returns the values of black and white that all splits share.

    Raises:
        DataError: two readings are possible, or splits have different ranges.
    """
    ends = [(float(values.min()), float(values.max())) for values in splits]
    ranges: set[tuple[float, float]] = set()
    for values, (low, high) in zip(splits, ends, strict=True):
        with suppress(DataError):  # Of a split that alone wouldn't tell.
            ranges.add(choose_range(values.dtype, low, high, path))
    one_depth = all(values.dtype.kind in "iu" for values in splits) and len({values.dtype for values in splits}) == 1
    if len(ranges) > 1 and not one_depth:
        shown = ", ".join(f"{black:g}:{white:g}" for black, white in sorted(ranges))
        raise wrong("ranges of splits", path=path, ranges=shown)
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return choose_range(np.result_type(*splits), low, high, path)


def _colors(images: dict[Part, np.ndarray], wishes: Wishes, notes: Notes) -> dict[Part, np.ndarray]:
    """Returns images (N, C, H, W) with the number of channels that the settings ask for, the same in all splits."""
    count = sum(map(len, images.values()))
    wide = any(values.shape[1] == 3 for values in images.values())
    if wide and wishes.color != "rgb" and all(values.shape[1] == 1 or is_gray(values) for values in images.values()):
        notes.say("gray in color", count=count)
        return {part: np.ascontiguousarray(values[:, :1]) for part, values in images.items()}
    if wide and wishes.color == "gray":
        notes.say("made gray", count=count)
        return {part: values if values.shape[1] == 1 else in_gray(values) for part, values in images.items()}
    if wide or wishes.color == "rgb":
        return {part: values.repeat(3 // values.shape[1], axis=1) for part, values in images.items()}
    return images


def is_gray(images: np.ndarray) -> bool:
    """Returns whether the three channels of all images (N, 3, H, W) are equal."""
    first = images[:, 0]
    return bool((first == images[:, 1]).all() and (first == images[:, 2]).all())


def fit_all(images: np.ndarray, wish: Wish, notes: Notes) -> np.ndarray:
    """Returns images (N, C, H, W) in the wanted size; the same array if they have it."""
    assert wish.size is not None
    if images.shape[2:] == (wish.size, wish.size):
        return images
    result = np.empty((*images.shape[:2], wish.size, wish.size), np.uint8)
    done: set[str] = set()
    for place, image in enumerate(images):
        pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
        small = np.asarray(fitted(Image.fromarray(np.ascontiguousarray(pixels)), wish, done))
        result[place] = small[None] if len(image) == 1 else small.transpose(2, 0, 1)
    notes.counts["fitted"] += len(images)
    return result
