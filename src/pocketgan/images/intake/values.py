"""Arrays to uint8 NCHW: which values are black and white, where the channels are, and what labels mean."""

from math import isqrt
from typing import Any

import numpy as np

from pocketgan.images.intake.contents import Notes, wrong
from pocketgan.images.intake.pictures import depth_of

BRIGHT = 32
"""Images of bytes whose brightest value is below this are too dark to be what they seem."""
SLACK = 1e-3
"""Values that leave [0, 1] or [-1, 1] by less than this are rounding errors."""
CHANNELS = 4
"""Maximum number of channels: gray, gray and alpha, RGB, RGB and alpha."""


def parse_range(text: str) -> tuple[float, float] | None:
    """Returns the values of black and white that a range such as `0:1` names; None for `auto`.

    Raises:
        ValueError: it isn't such a range.
    """
    if text == "auto":
        return None
    low, separator, high = text.partition(":")
    black, white = float(low), float(high)
    if not separator or not black < white or not np.isfinite([black, white]).all():
        raise ValueError(text)
    return black, white


def choose_range(kind: np.dtype, low: float, high: float, path: str) -> tuple[float, float]:
    """Returns the values of black and white of images whose values are from `low` to `high`.

    Raises:
        DataError: two readings are possible; the message says which.
    """
    integer, parts = kind.kind in "iu", {"path": path, "low": f"{low:.4g}", "high": f"{high:.4g}", "type": kind}
    if kind.kind == "b":
        return 0, 1
    if not np.isfinite([low, high]).all():
        raise wrong("images not finite", path=path)
    if low == high:  # Of one color: said elsewhere.
        return (0, 255) if integer or high > 1 else (0, 1)
    if integer:
        if low < 0 or high > 65535 or high < BRIGHT:
            raise wrong("two readings", **parts)
        return 0, depth_of(high)
    if low >= -SLACK and BRIGHT / 255 <= high <= 1 + SLACK:
        return 0, 1
    if -1 - SLACK <= low < -SLACK and high <= 1 + SLACK:
        return -1, 1
    if low >= 0 and BRIGHT <= high <= 255:
        return 0, 255
    raise wrong("two readings", **parts)


def to_bytes(values: np.ndarray, black: float, white: float) -> np.ndarray:
    """Returns values as uint8: `black` becomes 0, `white` 255, between them linearly, rounded and clipped."""
    if values.dtype == np.uint8 and (black, white) == (0, 255):
        return values
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    result = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), 4096):  # In pieces, since floats take four times the memory.
        piece = (values[start : start + 4096].astype(np.float32) - black) * (255 / (white - black))
        result[start : start + 4096] = piece.round().clip(0, 255)
    return result


def count_outside(values: np.ndarray, black: float, white: float) -> int:
    """Returns how many images of some (N, ...) have values below black or above white, which `to_bytes` clips."""
    slack, count = SLACK * (white - black), 0
    for start in range(0, len(values), 4096):
        piece = values[start : start + 4096].reshape(len(values[start : start + 4096]), -1)
        count += int(((piece < black - slack) | (piece > white + slack)).any(axis=1).sum())
    return count


def arranged(images: np.ndarray, channels_at: str, path: str, notes: Notes) -> np.ndarray:
    """Returns images as (N, C, H, W), whatever the order of their axes.

    Args:
        images: (N, H, W), (N, C, H, W), (N, H, W, C) or rows of pixels (N, D).
        channels_at: `auto`, `first`, `last`, or `none` for (N, H, W).
        path: the file, for messages.
        notes: what was done is added.

    Raises:
        DataError: another shape, or one that can be read in two ways.
    """
    shape = images.shape
    if images.ndim == 2:
        return _from_rows(images, channels_at, path, notes)
    if images.ndim == 3 and 0 not in shape[1:]:
        gray = shape[1] == shape[2] or shape[2] not in (3, 4)
        if channels_at == "none" or (channels_at == "auto" and gray):
            return images[:, None]
        if channels_at == "auto":
            raise wrong("where are channels", path=path, shape=shape)
        image = images if channels_at == "first" else images.transpose(2, 0, 1)
        if len(image) > CHANNELS:
            raise wrong("channels elsewhere", path=path, shape=shape, value=channels_at)
        return image[None]
    if images.ndim != 4 or 0 in shape[1:] or channels_at == "none":
        raise wrong("npz shape", path=path, shape=shape)
    readings = {"first": (shape[1], shape[2], shape[3]), "last": (shape[3], shape[1], shape[2])}
    possible = [name for name, (channels, _, _) in readings.items() if channels <= CHANNELS]
    square = [name for name in possible if readings[name][1] == readings[name][2]]
    if channels_at == "auto" and len(possible) > 1 and len(square) != 1:
        raise wrong("where are channels", path=path, shape=shape)
    chosen = channels_at if channels_at != "auto" else (square or possible or [""])[0]
    if chosen not in possible:
        key = "npz shape" if channels_at == "auto" else "channels elsewhere"
        raise wrong(key, path=path, shape=shape, value=channels_at)
    return images if chosen == "first" else images.transpose(0, 3, 1, 2)


def _from_rows(images: np.ndarray, channels_at: str, path: str, notes: Notes) -> np.ndarray:
    """Returns rows of pixels as images: gray ones, or colored ones whose channels are said to be first or last."""
    count = images.shape[1]
    side = isqrt(count)
    if side * side == count:
        notes.say("rows", values=count, size=side)
        return images.reshape(-1, 1, side, side)
    side = isqrt(count // 3)
    if count % 3 == 0 and side * side * 3 == count:
        if channels_at not in ("first", "last"):
            raise wrong("where are channels in rows", path=path, values=count, size=side)
        notes.say("rows", values=count, size=side)
        if channels_at == "first":
            return images.reshape(-1, 3, side, side)
        return images.reshape(-1, side, side, 3).transpose(0, 3, 1, 2)
    raise wrong("rows of another length", path=path, values=count)


def without_alpha(images: np.ndarray, background: tuple[int, int, int], notes: Notes) -> np.ndarray:
    """Returns images (N, C, H, W) of bytes with 1 or 3 channels: a last channel of transparency is put on a color."""
    if images.shape[1] in (1, 3):
        return images
    cover = images[:, -1:].astype(np.float32) / 255
    if (images[:, -1] == 255).all():
        return np.ascontiguousarray(images[:, :-1])
    notes.counts["composed"] += int((images[:, -1] < 255).any(axis=(1, 2)).sum())
    colors = images[:, :-1]
    if colors.shape[1] == 1 and len(set(background)) > 1:
        colors = colors.repeat(3, axis=1)
    behind = np.array(background[: colors.shape[1]], np.float32)[None, :, None, None]
    return (colors * cover + behind * (1 - cover)).round().astype(np.uint8)


def read_labels(labels: np.ndarray, count: int, path: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns labels as integers (N,), or as 0 and 1 (N, K) for several labels per image, and names if they are words.

    A column (N, 1) becomes (N,). Words become their places in the sorted list of all words.

    Raises:
        DataError: other types or shapes, or not one label for each image.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if len(labels) != count:
        raise wrong("labels for images", file=path, labels=len(labels), images=count)
    if labels.dtype.kind in "US" and labels.ndim == 1:
        words = labels.astype(str)
        names, places = np.unique(words, return_inverse=True)
        return places.reshape(-1), tuple(map(str, names))
    if labels.dtype.kind not in "iufb" or labels.ndim > 2:
        raise wrong("npz labels", path=path, type=labels.dtype, shape=labels.shape)
    if labels.dtype.kind in "fb":
        if not np.isfinite(labels).all() or (labels != np.round(labels)).any():
            raise wrong("labels with fractions", path=path)
        labels = labels.astype(np.int64)
    if labels.ndim == 1:
        return labels, ()
    if not np.isin(labels, (0, 1)).all():
        raise wrong("npz labels", path=path, type=labels.dtype, shape=labels.shape)
    return labels.astype(np.uint8), ()


def texts_in(archive: Any, name: str, different: bool = True) -> tuple[str, ...]:
    """Returns the texts of an array in an archive; empty if it has other contents, or a text twice unless it may."""
    try:
        array = archive[name]
        texts: list[str] = array.tolist() if array.ndim == 1 and array.dtype.kind == "U" else []
    except (KeyError, ValueError):
        texts = []
    return tuple(texts) if not different or len(set(texts)) == len(texts) else ()
