"""A film of images that change, and the sheet that shows it on paper: in files and in notebooks. No torch here."""

import base64
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pocketgan.base.errors import RunError
from pocketgan.images.grids import grid, make_folder, picture_bytes, save_picture
from pocketgan.images.montage import (
    MOST_PIXELS,
    PADDING,
    Labels,
    Theme,
    chosen_scale,
    headings,
    lay_out,
    shortened_name,
)
from pocketgan.pictures import animation_files
from pocketgan.pictures.animation_files import FILMS, LONGEST_SIDE, animation, check_ending, write_film

LONGEST, LARGEST_SCALE = 640, 12
"""Pixels of a frame's or a sheet's longer side that the usual scale stays below, and the largest usual scale."""


@dataclass(frozen=True)
class Film:
    """The same N images at T moments, one after another; shows itself in a notebook.

    Attributes:
        images: uint8 [0, 255], shape (T, N, C, H, W).
        columns: images a row in a frame.
        captions: what is written below each frame, T of them; empty for nothing.
        names: what the images are, N names that are written beside them; empty for none.
        fps: frames a second.
        hold: seconds that the last frame is shown longer.
        moments: which of the T are the columns of the sheet.
        headings: what is written above them; empty for nothing.
        rows: which of the N are the rows of the sheet.
    """

    images: np.ndarray
    columns: int
    captions: tuple[str, ...]
    names: tuple[str, ...]
    fps: float
    hold: float
    moments: tuple[int, ...]
    headings: tuple[str, ...]
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.images)

    def picture(self, scale: int | None = None, *, theme: Theme = "dark") -> Image.Image:
        """Returns the sheet: a row an image, a column a moment.

        Args:
            scale: pixels a pixel; by default as many as give a picture that fits on a screen.
            theme: of the lines and letters.

        Raises:
            RunError: the picture would be too large.
        """
        chosen = self.images[np.ix_(self.moments, self.rows)].swapaxes(0, 1)
        images = chosen.reshape(-1, *self.images.shape[2:])
        names = tuple(shortened_name(self.names[row]) for row in self.rows) if self.names else ()
        labels = Labels(above=self.headings, beside=names)
        columns = len(self.moments)
        usual = fitting_scale(images.shape, columns)
        scale = chosen_scale(scale, images.shape, columns, labels=labels, usual=usual, fewer="frames")
        return grid(images, columns, scale, theme=theme, labels=labels)

    def labels(self, moment: int) -> Labels:
        """Returns what is written around the frame of a moment."""
        above = headings(self.names, self.columns) if self.names else ()
        if not self.captions:
            return Labels(above=above)
        return Labels(above=above, caption=self.captions[moment], others=self.captions)

    def frames(self, scale: int | None = None, *, theme: Theme = "dark", kind: str = ".gif") -> Iterator[Image.Image]:
        """Returns the frames, one by one, all of one size.

        Args:
            scale: pixels a pixel; by default as many as give a film that fits on a screen.
            theme: of the lines and letters.
            kind: the format that they are for, which limits how large they may be.

        Raises:
            RunError: they would be too large.
        """
        shape = self.images.shape[1:]
        pixels = MOST_PIXELS if kind == ".mp4" else min(MOST_PIXELS, animation_files.MOST_PIXELS // len(self))
        most = (pixels, LONGEST_SIDE[kind])
        usual = fitting_scale(shape, self.columns)
        scale = chosen_scale(scale, shape, self.columns, labels=self.labels(0), usual=usual, most=most, fewer="frames")

        def draw(moment: int) -> Image.Image:
            return grid(self.images[moment], self.columns, scale, theme=theme, labels=self.labels(moment))

        return map(draw, range(len(self)))

    @property
    def pauses(self) -> list[float]:
        """How long each frame is shown, in seconds."""
        return [1 / self.fps] * (len(self) - 1) + [1 / self.fps + self.hold]

    def save(self, out: str | Path, *, scale: int | None = None, theme: Theme = "dark") -> Path:
        """Writes the film (`.gif`, `.webp`, or `.mp4` where ffmpeg is) or the sheet (`.png`, `.jpg`).

        Args:
            out: where; the ending says what.
            scale: pixels a pixel; by default as many as fit on a screen.
            theme: of the lines and letters.

        Raises:
            RunError: another ending, no ffmpeg for an .mp4, or it would be too large.
            StorageError: it can't be written.
        """
        path, kind = Path(out), check_ending(out)
        if kind not in FILMS:
            picture = self.picture(scale, theme=theme)
            make_folder(out, path.parent)
            save_picture(picture, path)
            return path
        if len(self) < 2:
            raise RunError(
                "'{out}' is a film, which takes two moments, and there is one; '.png' would do", field="out", out=out
            )
        frames = self.frames(scale, theme=theme, kind=kind)
        make_folder(out, path.parent)
        write_film(path, frames, self.pauses)
        return path

    def _repr_png_(self) -> bytes:
        return picture_bytes(self.picture())

    def _repr_html_(self) -> str:
        content = base64.b64encode(animation(".gif", iter(self.frames()), self.pauses)).decode()
        return f'<img src="data:image/gif;base64,{content}" style="image-rendering: pixelated" alt="a film">'


def fitting_scale(shape: tuple[int, ...], columns: int) -> int:
    """Returns the largest scale, up to 12, at which a grid of images (N, C, H, W) stays within 640 pixels a side."""
    one = lay_out(shape, columns, 1)
    rows, across = -(-shape[0] // one.across), one.across
    sides = ((across, shape[3]), (rows, shape[2]))
    return max(1, min(LARGEST_SCALE, *((LONGEST - PADDING * (n + 1)) // (n * side) for n, side in sides)))


def columns_for(count: int) -> int:
    """Returns how many of so many images go into a row: as square as can be, without empty places where that can be."""
    square = math.ceil(math.sqrt(count))
    return next((columns for columns in range(square, 2 * square + 1) if count % columns == 0), square)
