"""Animations of changing images, and their contact sheets for print: in files and in notebooks. No PyTorch here."""

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

WIDER = 1.25
"""How many times wider a contact sheet may become so that its images are as wide as their headings."""
LONGEST, LARGEST_SCALE = 640, 12
"""Limits of the default scale: the longer side of a frame or contact sheet in pixels, and the scale itself."""


@dataclass(frozen=True)
class Film:
    """An animation of the same N images at T moments, which a notebook displays.

    Attributes:
        images: uint8 [0, 255], shape (T, N, C, H, W).
        columns: images per row in a frame.
        captions: the caption below each frame, T of them; empty for none.
        names: the names of the N images, written beside them; empty for none.
        fps: frames per second.
        hold: additional seconds for which the last frame is shown.
        moments: the indices of the moments that are columns of the contact sheet.
        headings: the texts above these columns; empty for none.
        rows: the indices of the images that are rows of the contact sheet.
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

    def __repr__(self) -> str:
        moments, count, channels, height, width = self.images.shape
        return f"Film({moments} moments of {count} images, {channels}×{height}×{width})"

    def picture(self, scale: int | None = None, *, theme: Theme = "dark") -> Image.Image:
        """Returns the contact sheet, with one row per image and one column per moment.

        Args:
            scale: the scale factor; by default chosen so that the picture fits on a screen.
            theme: the theme of the lines and letters.

        Raises:
            RunError: the picture would be too large.
        """
        chosen = self.images[np.ix_(self.moments, self.rows)].swapaxes(0, 1)
        images = chosen.reshape(-1, *self.images.shape[2:])
        names = tuple(shortened_name(self.names[row]) for row in self.rows) if self.names else ()
        labels = Labels(above=self.headings, beside=names)
        columns = len(self.moments)
        usual = filling_scale(images.shape, columns, labels)
        scale = chosen_scale(scale, images.shape, columns, labels=labels, usual=usual, fewer="frames")
        return grid(images, columns, scale, theme=theme, labels=labels)

    def labels(self, moment: int) -> Labels:
        """Returns the labels around the frame of a moment."""
        above = headings(self.names, self.columns) if self.names else ()
        if not self.captions:
            return Labels(above=above)
        return Labels(above=above, caption=self.captions[moment], others=self.captions)

    def frames(self, scale: int | None = None, *, theme: Theme = "dark", kind: str = ".gif") -> Iterator[Image.Image]:
        """Returns the frames one by one, all of the same size.

        Args:
            scale: the scale factor; by default chosen so that the animation fits on a screen.
            theme: the theme of the lines and letters.
            kind: the file format, which limits the size of the frames.

        Raises:
            RunError: the frames would be too large.
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
        """The duration of each frame, in seconds."""
        return [1 / self.fps] * (len(self) - 1) + [1 / self.fps + self.hold]

    def save(self, out: str | Path, *, scale: int | None = None, theme: Theme = "dark") -> Path:
        """Writes the animation (`.gif`, `.webp`, or `.mp4` with ffmpeg) or the contact sheet (`.png`, `.jpg`).

        Args:
            out: the file; its ending selects the format.
            scale: the scale factor; by default chosen so that the picture fits on a screen.
            theme: the theme of the lines and letters.

        Raises:
            RunError: the ending is another one, ffmpeg is missing for an .mp4, or the picture would be too large.
            StorageError: the file can't be written.
        """
        path, kind = Path(out), check_ending(out)
        if kind not in FILMS:
            picture = self.picture(scale, theme=theme)
            make_folder(out, path.parent)
            save_picture(picture, path)
            return path
        if len(self) < 2:
            raise RunError("single frame", field="out", out=out)
        frames = self.frames(scale, theme=theme, kind=kind)
        make_folder(out, path.parent)
        write_film(path, frames, self.pauses)
        return path

    def _repr_png_(self) -> bytes:
        return picture_bytes(self.picture())

    def _repr_html_(self) -> str:
        content = base64.b64encode(animation(".gif", iter(self.frames()), self.pauses)).decode()
        return f'<img src="data:image/gif;base64,{content}" style="image-rendering: pixelated" alt="animation">'


def fitting_scale(shape: tuple[int, ...], columns: int) -> int:
    """Returns the largest scale, up to 12, at which a grid of images (N, C, H, W) stays within 640 pixels per side."""
    one = lay_out(shape, columns, 1)
    rows, across = -(-shape[0] // one.across), one.across
    sides = ((across, shape[3]), (rows, shape[2]))
    return max(1, min(LARGEST_SCALE, *((LONGEST - PADDING * (n + 1)) // (n * side) for n, side in sides)))


def filling_scale(shape: tuple[int, ...], columns: int, labels: Labels) -> int:
    """Returns the fitting scale, or a larger one whose images fill the room that wide headings take anyway."""
    scale = fitting_scale(shape, columns)
    while scale < LARGEST_SCALE:
        now, next_one = (lay_out(shape, columns, one, labels=labels) for one in (scale, scale + 1))
        if now.pitch_x <= now.wide + PADDING or next_one.width > WIDER * now.width:
            break
        scale += 1
    return scale


def columns_for(count: int) -> int:
    """Returns the images per row for a number of images: nearly square, and without empty places if possible."""
    square = math.ceil(math.sqrt(count))
    return next((columns for columns in range(square, 2 * square + 1) if count % columns == 0), square)
