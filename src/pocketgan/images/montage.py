"""Positions of images and labels in a grid, and its maximum size: pure arithmetic. `grids.grid` draws the grid."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pocketgan.base.errors import RunError
from pocketgan.images import lettering

PADDING = 2
SCALE = 2
FRAME = 32
"""The gray level of the lines between the images of a grid."""
MOST_PIXELS, MOST_SIDE = 80_000_000, 65_000
"""Limits for a picture's pixels and for its side: Pillow opens it without a warning, and JPEG can store it."""
LARGEST_LETTERS, LARGEST_CAPTION = 32, 48
LONGEST_NAME = 16
Theme = Literal["dark", "light"]


@dataclass(frozen=True)
class Greys:
    """The gray levels of a theme: of the background, of the lines between images, and of the letters."""

    page: int
    line: int
    ink: int


THEMES: dict[Theme, Greys] = {"dark": Greys(FRAME, FRAME, 224), "light": Greys(255, 200, 32)}


@dataclass(frozen=True)
class Labels:
    """The labels around the images of a grid.

    Attributes:
        above: one per column, or one per image; empty for none.
        beside: one per row, to its left; empty for none.
        caption: a line below the grid.
        others: further captions that must fit, so that all frames of an animation have the same size.
    """

    above: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    caption: str = ""
    others: tuple[str, ...] = ()


BARE = Labels()


@dataclass(frozen=True)
class Layout:
    """The positions of a grid's images and labels: all in pixels, except `across`.

    Attributes:
        across: images per row.
        wide, high: the size of an enlarged image.
        pitch_x, pitch_y: the distances from one image to the next.
        left, top: the position of the first image.
        letters: the size of the letters of names.
        caption_letters, caption_top: the size of the caption's letters, and its position.
        width, height: the size of the whole picture.
    """

    across: int
    wide: int
    high: int
    pitch_x: int
    pitch_y: int
    left: int
    top: int
    letters: int
    caption_letters: int
    caption_top: int
    width: int
    height: int

    def corner(self, index: int) -> tuple[int, int]:
        """Returns the left and the top edge of an image."""
        return self.left + index % self.across * self.pitch_x, self.top + index // self.across * self.pitch_y


def lay_out(
    shape: tuple[int, ...],
    columns: int | None = None,
    scale: int = SCALE,
    gap: int = PADDING,
    labels: Labels = BARE,
) -> Layout:
    """Computes the layout of a grid from the arguments of `grid`, with the shape (N, C, H, W) instead of the images."""
    count, _, height, width = shape
    across = min(count, columns or math.ceil(math.sqrt(count)))
    rows = math.ceil(count / across)
    wide, high = width * scale, height * scale
    letters = max(lettering.LEAST, min(high // 4, LARGEST_LETTERS))
    names_w, names_h = lettering.room(labels.above, letters)
    beside_w, beside_h = lettering.room(labels.beside, letters)
    captions = (labels.caption, *labels.others)
    margin = letters // 2 if names_w or beside_w or any(captions) else 0
    over_each = len(labels.above) > across
    cell_w = max(wide, names_w + margin if names_w > wide else 0)
    pitch_x = cell_w + gap
    between = names_h + gap if over_each else 0
    pitch_y = max(high, beside_h) + gap + between
    left = gap + margin + (beside_w + margin if beside_w else 0)
    top = gap + margin + (names_h + (margin // 2 if not over_each else 0) if names_w else 0)
    wanted = left + across * pitch_x + margin
    caption_letters = max(lettering.LEAST, min(wanted // 24, LARGEST_CAPTION))
    caption_w, caption_h = lettering.room(captions, caption_letters)
    full = max(wanted, caption_w + 2 * margin if caption_w else 0)
    bottom = top + rows * pitch_y - between + margin
    return Layout(
        across=across,
        wide=wide,
        high=high,
        pitch_x=pitch_x,
        pitch_y=pitch_y,
        left=left + (cell_w - wide) // 2 + (full - wanted) // 2,
        top=top,
        letters=letters,
        caption_letters=caption_letters,
        caption_top=bottom,
        width=full,
        height=bottom + (caption_h + margin if caption_h else 0),
    )


def chosen_scale(
    scale: int | None,
    shape: tuple[int, ...],
    columns: int | None,
    gap: int = PADDING,
    labels: Labels = BARE,
    *,
    usual: int = SCALE,
    most: tuple[int, int] = (MOST_PIXELS, MOST_SIDE),
    fewer: str = "count",
) -> int:
    """Returns the requested scale, or by default the usual scale, reduced if the picture would be too large.

    Args:
        scale: the requested scale, or None.
        shape, columns, gap, labels: as in `lay_out`.
        usual: the default scale.
        most: the maximum pixels of the picture, and of its longer side.
        fewer: the field to reduce if even scale 1 is too large.

    Raises:
        RunError: the scale is below 1, or the picture would be too large; the message names a valid scale.
    """
    if scale is not None and scale < 1:
        raise RunError("scale from one", field="scale", scale=scale)

    def size(scale: int) -> tuple[int, int]:
        layout = lay_out(shape, columns, scale, gap, labels)
        return layout.width, layout.height

    def fits(scale: int) -> bool:
        width, height = size(scale)
        return width * height <= most[0] and max(width, height) <= most[1]

    wanted = usual if scale is None else scale
    if fits(wanted):
        return wanted
    if not fits(1):
        width, height = size(1)
        raise RunError("too large at scale one", field=fewer, width=width, height=height)
    low = bisect_left(range(1, wanted), True, key=lambda scale: not fits(scale))
    if scale is not None:
        width, height = size(wanted)
        parts = {"scale": scale, "width": width, "height": height, "low": low, "most": most[0], "side": most[1]}
        raise RunError("scale too large", field="scale", **parts)
    return low


def shortened_name(name: str) -> str:
    """Returns a name on one line, cut at its end if it is longer than the limit."""
    line = " ".join(name.split())
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"


def headings(names: Sequence[str], columns: int) -> tuple[str, ...]:
    """Returns the texts above images with these names, for the given number of columns.

    A name that all images share is written once, above the first. A name that a column shares is written above that
    column. Otherwise each image has its own.
    """
    across, short = min(columns, len(names)), [shortened_name(name) for name in names]
    if len(set(names)) == 1:
        return (short[0], *[""] * (across - 1))
    if all(name == names[place % across] for place, name in enumerate(names)):
        return tuple(short[:across])
    return tuple(short)
