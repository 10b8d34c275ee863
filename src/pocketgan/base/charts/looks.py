"""Looks of lines and points in charts: colors for light and dark pages, dashes, and symbols."""

from dataclasses import dataclass

PALETTES = {
    "light": ("#0072b2", "#d05000", "#00875f", "#bf5f96", "#b37a00", "#3a9bdc", "#1b1f24"),
    "dark": ("#56a9e4", "#f0953a", "#35c79b", "#e29bc4", "#e6c229", "#a9d6f5", "#e4e7ea"),
}
"""Based on Okabe & Ito's palette, which color-blind readers can distinguish; each has a contrast of at least 3."""
DASHES = {"solid": "", "dash": "6 3", "dot": "2 2", "dashdot": "7 2 2 2", "longdash": "11 3"}
"""Dashes and gaps in pixels."""
SYMBOLS = {
    "circle": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "square": "M-3.5-3.5h7v7h-7z",
    "diamond": "M0-5L5 0L0 5L-5 0z",
    "triangle-up": "M0-5L5 4H-5z",
    "triangle-down": "M0 5L5-4H-5z",
    "x": "M-4-4L4 4M-4 4L4-4",
    "cross": "M-1.5-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
    "star": "M0-5.5L1.4-1.8L5.2-1.7L2.2.7L3.2 4.5L0 2.3L-3.2 4.5L-2.2.7L-5.2-1.7L-1.4-1.8z",
}
"""SVG paths, centered on the origin."""
COLOURS = len(PALETTES["light"])


@dataclass(frozen=True)
class Look:
    """The look of a line or of points.

    Attributes:
        colour: 1 to `COLOURS`.
        dash: a key of `DASHES`.
        symbol: a key of `SYMBOLS`.
    """

    colour: int = 1
    dash: str = "solid"
    symbol: str = "circle"


def look_of(place: int) -> Look:
    """Returns the look of one of many lines; the first `COLOURS` are solid, and no two of the first 35 are alike."""
    turn = place // COLOURS
    dash, symbol = tuple(DASHES)[turn % len(DASHES)], tuple(SYMBOLS)[(place + turn) % len(SYMBOLS)]
    return Look(place % COLOURS + 1, dash, symbol)


def colours(theme: str) -> str:
    """Returns the colors of a theme, `light` or `dark`, as CSS variables."""
    return "".join(f"--chart-{place}:{code};" for place, code in enumerate(PALETTES[theme], 1))
