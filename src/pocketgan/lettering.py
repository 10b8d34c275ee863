"""Letters in pictures: DejaVu Sans, which comes with Matplotlib, so that pictures and plots look alike."""

from functools import cache, lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

LEAST = 12
"""Pixels of the smallest letters: smaller ones can't be read."""


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Returns the letters of a size, in pixels."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def line_height(size: int) -> int:
    """Returns how high a line of letters is, whatever stands in it."""
    return sum(font(size).getmetrics())


@lru_cache(256)
def room(texts: tuple[str, ...], size: int) -> tuple[int, int]:
    """Returns the width and height that the widest and the highest of the texts take; (0, 0) where all are empty."""
    lines = [text.split("\n") for text in texts if text]
    if not lines:
        return 0, 0
    width = max(font(size).getlength(line) for text in lines for line in text)
    return round(width + 0.5), max(map(len, lines)) * line_height(size)


def write(picture: Image.Image, x: float, y: float, text: str, size: int, ink: int, *, anchor: str = "l") -> None:
    """Writes a text, of one line or more, into a picture.

    Args:
        picture: of mode L or RGB.
        x, y: where its lines begin (`l`), are centred (`m`) or end (`r`), and its top.
        text: lines with a newline between them.
        size: pixels of its letters.
        ink: their grey.
        anchor: `l`, `m` or `r`.
    """
    draw = ImageDraw.Draw(picture)
    for row, line in enumerate(text.split("\n")):
        fill = ink if picture.mode == "L" else (ink, ink, ink)
        draw.text((x, y + row * line_height(size)), line, fill, font(size), anchor=f"{anchor}a")
