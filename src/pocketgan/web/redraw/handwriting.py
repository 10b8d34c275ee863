"""Drawings brought to the manner of a model's data, so that it is asked what it was taught.

MNIST's manner (Y. LeCun et al., *Gradient-based learning applied to document recognition*, 1998, section III-A): a
white digit on black, shrunk or enlarged without distortion until it fits a box of 20×20, its grey levels from the
averaging, its centre of mass in the middle of 28×28. Measured, that middle is half a pixel right of and below the
geometric one: all of MNIST has its centres of mass between 14.0 and 15.0, counted from the outer edge.
"""

import math

import numpy as np
from PIL import Image

from pocketgan.base.errors import WebError
from pocketgan.runs.records import DataFacts
from pocketgan.web.create_words import say

SIDE, BOX = 28, 20
MIDDLE = 14.5
"""Where MNIST has its centres of mass, in pixels from the outer edge, by half a pixel either way."""
NOISE, MOST_NOISE = 2.0, 0.5
"""What differs from the background by less than twice as much as 99 of 100 of the border's pixels do is background,
too; up to half of the strongest ink."""
LEAST_CONTRAST = 24
"""Grey levels between background and ink, below which nothing is drawn."""


def as_input(pixels: np.ndarray, facts: DataFacts, *, drawn: bool = False) -> np.ndarray:
    """Brings a picture to what a model reads.

    Args:
        pixels: uint8, shape (H, W), or (H, W, 3) with colours.
        facts: of the model's data.
        drawn: whether it was drawn by hand, white on black; else it is a file.

    Returns:
        uint8, shape (C, S, S): in MNIST's manner for models of MNIST and for drawings; a file for another model is
        only fitted into the square.

    Raises:
        WebError: nothing is drawn; a sentence in the language that is spoken.
    """
    if drawn or facts.source == "mnist":
        grey = as_digit(in_grey(pixels), facts.size)
        return np.repeat(grey[None], facts.channels, axis=0)
    square = fitted(pixels if facts.channels == 3 else in_grey(pixels), facts.size)
    return np.repeat(square[None], facts.channels, axis=0) if square.ndim == 2 else square.transpose(2, 0, 1).copy()


def in_grey(pixels: np.ndarray) -> np.ndarray:
    """Returns a picture in grey, uint8, shape (H, W), weighing colours as eyes do (ITU-R BT.601)."""
    if pixels.ndim == 2:
        return pixels
    return (pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)).round().astype(np.uint8)


def as_digit(pixels: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Brings a picture of one digit to MNIST's manner.

    Its border says what is background: a bright one is inverted. What differs from it no more than the border's own
    pixels do, as paper in a photograph, becomes background, too; the rest is cut out, brought to full contrast, fitted
    into a box of 20×20 of 28×28, and moved until its centre of mass is in the middle, by whole pixels. What is in that
    manner already stays as it is.

    Args:
        pixels: uint8, shape (H, W).
        side: pixels a side of the result; the box grows in proportion.

    Returns:
        uint8, shape (side, side), white on black.

    Raises:
        WebError: nothing is drawn; a sentence in the language that is spoken.
    """
    if in_manner(pixels, side):
        return pixels
    ink = np.abs(pixels.astype(np.float32) - background(pixels))
    if ink.max() < LEAST_CONTRAST:
        raise WebError(say("nothing drawn"))
    noise = NOISE * float(np.percentile(np.abs(border_of(pixels) - background(pixels)), 99))
    ink = np.where(ink > min(noise, MOST_NOISE * ink.max()), ink, 0)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = max(1, round(side * BOX / SIDE))
    scale = box / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR))
    small = (small * (255 / small.max())).round().astype(np.uint8)
    return centred(small, side)


def background(pixels: np.ndarray) -> float:
    """Returns the grey of a picture's background: the median of its outermost pixels."""
    return float(np.median(border_of(pixels)))


def border_of(pixels: np.ndarray) -> np.ndarray:
    """Returns the outermost pixels of a picture."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def middle(pixels: np.ndarray) -> tuple[float, float]:
    """Returns the row and the column of the centre of mass; pixel 0 reaches from 0 to 1."""
    mass = pixels.astype(np.float64)
    total = mass.sum()
    row = (mass.sum(axis=1) * (np.arange(len(mass)) + 0.5)).sum() / total
    column = (mass.sum(axis=0) * (np.arange(mass.shape[1]) + 0.5)).sum() / total
    return row, column


def centred(small: np.ndarray, side: int) -> np.ndarray:
    """Puts a picture into a black square, its centre of mass as near to the middle as whole pixels allow."""
    canvas = np.zeros((side, side), np.uint8)
    wanted = side * MIDDLE / SIDE
    top, left = (
        min(max(0, math.floor(wanted - centre + 0.5)), side - length)
        for centre, length in zip(middle(small), small.shape, strict=True)
    )
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def in_manner(pixels: np.ndarray, side: int) -> bool:
    """Whether a picture is in MNIST's manner already: its size, on black, in the box, and centred."""
    if pixels.shape != (side, side) or background(pixels) != 0 or pixels.max() < LEAST_CONTRAST:
        return False
    rows, columns = (np.flatnonzero(pixels.any(axis=axis)) for axis in (1, 0))
    box = max(1, round(side * BOX / SIDE))
    near = all(abs(centre - side * MIDDLE / SIDE) <= 0.5 for centre in middle(pixels))
    return near and bool(max(rows[-1] - rows[0], columns[-1] - columns[0]) < box)


def fitted(pixels: np.ndarray, side: int) -> np.ndarray:
    """Fits a picture into a square, undistorted, what is left over filled with its background."""
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
