"""Text in pictures: in DejaVu Sans, which comes with Matplotlib, so that pictures and plots look alike.

A text with characters that it lacks, such as Chinese or Korean ones, uses the first installed font that has them.
"""

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont

from pocketgan.base.language import spoken

if TYPE_CHECKING:
    from matplotlib.font_manager import FontEntry

LEAST = 12
"""Minimum size of letters in pixels, for legibility."""


FONTS = {
    "ko": (
        "Noto Sans CJK KR",
        "Noto Sans CJK JP",
        "Noto Sans KR",
        "Malgun Gothic",
        "Apple SD Gothic Neo",
        "NanumGothic",
        "UnDotum",
    ),
    "zh-TW": (
        "Noto Sans CJK TC",
        "Noto Sans CJK JP",
        "Noto Sans TC",
        "Microsoft JhengHei",
        "PingFang TC",
        "Heiti TC",
        "PMingLiU",
    ),
}
"""Fonts for languages that Matplotlib's own font doesn't cover; the first installed font is used.

Of a collection (`NotoSansCJK-Regular.ttc`) Matplotlib knows only the first face, `JP`, which has the letters of all.
"""


FAMILIES = tuple(dict.fromkeys(name for names in FONTS.values() for name in names))
"""All of these fonts, without repetitions."""


def installed_fonts() -> "list[FontEntry]":
    """Returns the fonts that Matplotlib finds, except the fallback font whose letters are all boxes."""
    from matplotlib import font_manager

    return [font for font in font_manager.fontManager.ttflist if not font.name.startswith("Last Resort")]


def font_of(language: str) -> str | None:
    """Returns an installed font with a language's letters; None if there is none, or if none is needed."""
    names = FONTS.get(language, ())
    installed = {font.name for font in installed_fonts()} if names else set()
    return next((name for name in names if name in installed), None)


def drawn_language() -> str:
    """Returns the language of pictures: the current one, or English if no font has its letters."""
    return spoken() if spoken() not in FONTS or font_of(spoken()) else "en"


def letters() -> dict[str, Any]:
    """Returns Matplotlib's font settings for the current language, and for names in other languages."""
    installed = {font.name for font in installed_fonts()}
    first = font_of(spoken())
    usual = [first] if first else ["DejaVu Sans"]
    others = [name for name in FAMILIES if name in installed and name != first]
    return {"font.family": [*usual, *others, "sans-serif"]}


@lru_cache(1024)
def font(size: int, text: str = "") -> ImageFont.FreeTypeFont:
    """Returns a font of a size in pixels that has the letters of a text; DejaVu Sans if no font has them."""
    import matplotlib

    plain = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    needed = frozenset(map(ord, text)) - letters_of(plain)
    path = font_with(needed) if needed else None
    return ImageFont.truetype(str(path or plain), size, layout_engine=ImageFont.Layout.BASIC)


@cache
def font_with(needed: frozenset[int]) -> Path | None:
    """Returns the file of the first installed font with the needed letters, `FAMILIES` first; None if there is none."""
    known = {name: place for place, name in enumerate(FAMILIES)}
    fonts = sorted(installed_fonts(), key=lambda one: known.get(one.name, len(known)))
    return next((Path(one.fname) for one in fonts if needed <= letters_of(Path(one.fname))), None)


@cache
def letters_of(path: Path) -> frozenset[int]:
    """Returns the Unicode code points of a font, with the line break; an empty set for an unreadable file."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(str(path)).get_charmap()) | {ord("\n")}
    except (OSError, RuntimeError):
        return frozenset()


def line_height(size: int) -> int:
    """Returns the height of a line in pixels, which doesn't depend on its text."""
    return sum(font(size).getmetrics())


@lru_cache(256)
def room(texts: tuple[str, ...], size: int) -> tuple[int, int]:
    """Returns the width of the widest text and the height of the highest, in pixels; (0, 0) if all are empty."""
    lines = [text.split("\n") for text in texts if text]
    if not lines:
        return 0, 0
    width = max(font(size, line).getlength(line) for text in lines for line in text)
    return round(width + 0.5), max(map(len, lines)) * line_height(size)


def write(picture: Image.Image, x: float, y: float, text: str, size: int, ink: int, *, anchor: str = "l") -> None:
    """Writes a text of one or more lines into a picture.

    Args:
        picture: a picture of mode L or RGB.
        x, y: the position where the lines begin (`l`), are centered (`m`) or end (`r`), and their top.
        text: lines separated by newlines.
        size: the size of the letters in pixels.
        ink: the gray level of the letters.
        anchor: `l`, `m` or `r`.
    """
    draw = ImageDraw.Draw(picture)
    for row, line in enumerate(text.split("\n")):
        fill = ink if picture.mode == "L" else (ink, ink, ink)
        draw.text((x, y + row * line_height(size)), line, fill, font(size, line), anchor=f"{anchor}a")
