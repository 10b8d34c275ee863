"""Preparation of drawings and photos of a digit in MNIST's format, so that they resemble training images.

MNIST's format (Y. LeCun et al., *Gradient-based learning applied to document recognition*, 1998, section III-A): a
white digit on black, scaled without distortion to fit a box of 20×20, with gray levels from anti-aliasing. Its center
of mass is in the middle of 28×28. By measurement, that middle is half a pixel right of and below the geometric center:
all centers of mass in MNIST lie between 14.0 and 15.0, counted from the outer edge.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pocketgan.base.errors import DataError

SIDE, BOX = 28, 20
MIDDLE = 14.5
"""Position of MNIST's centers of mass, ± half a pixel, in pixels from the outer edge."""
NOISE, MOST_NOISE = 2.0, 0.5
"""Threshold between background and ink, as a multiple of the border's noise, and its maximum relative to the ink.

The noise is the 99th percentile of the border pixels' differences from the background. The maximum is half of the
strongest ink.
"""
LARGEST = 512
"""Largest side in pixels at which a photo is searched for its digit."""
LEAST_CONTRAST = 24
"""Smallest difference between background and ink in gray levels; below it, the picture counts as empty."""


def in_grey(pixels: np.ndarray) -> np.ndarray:
    """Returns a picture in gray, uint8, shape (H, W), with the color weights of human vision (ITU-R BT.601)."""
    if pixels.ndim == 2:
        return pixels
    return (pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)).round().astype(np.uint8)


@dataclass(frozen=True)
class Digit:
    """A picture of a digit in MNIST's format, and what was done to it.

    Attributes:
        pixels: uint8, shape (side, side), white on black.
        inverted: whether the picture was dark on a bright background.
        width, height: size of the part that was cut out and scaled, in pixels of the picture; 0 where the picture was
            already in the format.
    """

    pixels: np.ndarray
    inverted: bool = False
    width: int = 0
    height: int = 0


def as_digit(pixels: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Converts a picture of one digit to MNIST's format; see `prepared`."""
    return prepared(pixels, side).pixels


def reduced(pixels: np.ndarray) -> np.ndarray:
    """Returns a picture with at most 512 pixels on its longer side, averaged, as the browser interface reads it."""
    height, width = pixels.shape[:2]
    if max(height, width) <= LARGEST:
        return pixels
    scale = LARGEST / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def prepared(pixels: np.ndarray, side: int = SIDE) -> Digit:
    """Converts a picture of one digit to MNIST's format.

    The border determines the background, and a bright background is inverted. Pixels that differ from it no more than
    the border's own pixels, such as paper in a photograph, become background. The rest is cut out, stretched to full
    contrast, and fitted into a box of 20×20 in 28×28. It is then shifted by whole pixels until its center of mass is in
    the middle. A picture already in this format is returned unchanged.

    Args:
        pixels: uint8, shape (H, W).
        side: side of the result in pixels; the box is scaled in proportion.

    Raises:
        DataError: the picture is empty.
    """
    if in_manner(pixels, side):
        return Digit(pixels)
    behind = background(pixels)
    ink = np.abs(pixels.astype(np.float32) - behind)
    if ink.max() < LEAST_CONTRAST:
        raise DataError("empty picture")
    noise = NOISE * float(np.percentile(np.abs(border_of(pixels) - behind), 99))
    ink = np.where(ink > min(noise, MOST_NOISE * ink.max()), ink, 0)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = max(1, round(side * BOX / SIDE))
    scale = box / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR))
    small = (small * (255 / small.max())).round().astype(np.uint8)
    inverted = float(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean()) < behind
    return Digit(centred(small, side), inverted, ink.shape[1], ink.shape[0])


def background(pixels: np.ndarray) -> float:
    """Returns the gray level of a picture's background: the median of its outermost pixels."""
    return float(np.median(border_of(pixels)))


def border_of(pixels: np.ndarray) -> np.ndarray:
    """Returns the outermost pixels of a picture."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def middle(pixels: np.ndarray) -> tuple[float, float]:
    """Returns the row and the column of the center of mass; pixel 0 extends from 0 to 1."""
    mass = pixels.astype(np.float64)
    total = mass.sum()
    row = (mass.sum(axis=1) * (np.arange(len(mass)) + 0.5)).sum() / total
    column = (mass.sum(axis=0) * (np.arange(mass.shape[1]) + 0.5)).sum() / total
    return row, column


def centred(small: np.ndarray, side: int) -> np.ndarray:
    """Places a picture in a black square, with its center of mass as close to the middle as whole pixels allow."""
    canvas = np.zeros((side, side), np.uint8)
    wanted = side * MIDDLE / SIDE
    top, left = (
        min(max(0, math.floor(wanted - centre + 0.5)), side - length)
        for centre, length in zip(middle(small), small.shape, strict=True)
    )
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def in_manner(pixels: np.ndarray, side: int) -> bool:
    """Returns whether a picture is already in MNIST's format: right size, on black, within the box, and centered."""
    if pixels.shape != (side, side) or background(pixels) != 0 or pixels.max() < LEAST_CONTRAST:
        return False
    rows, columns = (np.flatnonzero(pixels.any(axis=axis)) for axis in (1, 0))
    box = max(1, round(side * BOX / SIDE))
    near = all(abs(centre - side * MIDDLE / SIDE) <= 0.5 for centre in middle(pixels))
    return near and bool(max(rows[-1] - rows[0], columns[-1] - columns[0]) < box)


def fitted(pixels: np.ndarray, side: int) -> np.ndarray:
    """Fits a picture into a square without distortion, and fills the rest with its background."""
    if pixels.shape[:2] == (side, side):
        return pixels
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    behind = np.array([background(channel) for channel in np.atleast_3d(small).transpose(2, 0, 1)]).round()
    square = np.empty((side, side, *pixels.shape[2:]), np.uint8)
    square[:] = behind if pixels.ndim == 3 else behind[0]
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square
