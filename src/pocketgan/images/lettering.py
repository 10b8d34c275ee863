"""Letters in pictures: DejaVu Sans, which comes with Matplotlib, so that pictures and plots look alike.

A text whose letters it lacks, such as Chinese or Korean ones, is set in the first installed font that has them.
"""

from functools import cache, lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

LEAST = 12
"""Pixels of the smallest letters: smaller ones can't be read."""


@lru_cache(1024)
def font(size: int, text: str = "") -> ImageFont.FreeTypeFont:
    """Returns a font that has the letters of a text, in a size in pixels; DejaVu Sans where no font has them."""
    import matplotlib

    plain = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    needed = frozenset(map(ord, text)) - letters_of(plain)
    path = font_with(needed) if needed else None
    return ImageFont.truetype(str(path or plain), size, layout_engine=ImageFont.Layout.BASIC)


@cache
def font_with(needed: frozenset[int]) -> Path | None:
    """Returns the file of the first installed font that has some letters, of `FAMILIES` first; None without one."""
    from matplotlib import font_manager

    from pocketgan.pictures.plot_style import FAMILIES

    installed = sorted(
        (one for one in font_manager.fontManager.ttflist if not one.name.startswith("Last Resort")),
        key=lambda one: FAMILIES.index(one.name) if one.name in FAMILIES else len(FAMILIES),
    )
    return next((Path(one.fname) for one in installed if needed <= letters_of(Path(one.fname))), None)


@cache
def letters_of(path: Path) -> frozenset[int]:
    """Returns the letters of a font as their numbers in Unicode, and line breaks; none of a file that can't be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(str(path)).get_charmap()) | {ord("\n")}
    except (OSError, RuntimeError):
        return frozenset()


def line_height(size: int) -> int:
    """Returns how high a line of letters is, whatever stands in it."""
    return sum(font(size).getmetrics())


@lru_cache(256)
def room(texts: tuple[str, ...], size: int) -> tuple[int, int]:
    """Returns the width and height that the widest and the highest of the texts take; (0, 0) where all are empty."""
    lines = [text.split("\n") for text in texts if text]
    if not lines:
        return 0, 0
    width = max(font(size, line).getlength(line) for text in lines for line in text)
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
        draw.text((x, y + row * line_height(size)), line, fill, font(size, line), anchor=f"{anchor}a")
