"""Shapes of charts as SVG, whose positions are fractions of the chart's size."""

from collections.abc import Iterable

import numpy as np

from pocketgan.base.charts.axes import Numbers
from pocketgan.base.charts.looks import DASHES, SYMBOLS, Look


def at(share: float) -> str:
    """Returns a position for SVG or CSS."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def line(kind: str, x: tuple[float, float], y: tuple[float, float], place: int | None = None) -> str:
    """Returns a straight line between two positions, which are fractions of the width and, from the top, the height."""
    ends = f'x1="{at(x[0])}" x2="{at(x[1])}" y1="{at(y[0])}" y2="{at(y[1])}"'
    return f'<line class="{kind}" {ends}{placed(place)}/>'


def symbol(look: Look, x: float, y: float) -> str:
    """Returns the symbol of a point at a position."""
    if look.symbol == "circle":
        return f'<circle r="3.2" cx="{at(x)}" cy="{at(y)}"/>'
    return f'<svg x="{at(x)}" y="{at(y)}"><path d="{SYMBOLS[look.symbol]}"/></svg>'


def stretched(inside: Iterable[str], side: int) -> str:
    """Returns shapes whose coordinates, 0 to `side`, are stretched to the chart's width and height."""
    return f'<svg viewBox="0 0 {side} {side}" preserveAspectRatio="none">{"".join(inside)}</svg>'


def points(x: Numbers, y: Numbers, side: int) -> str:
    """Returns positions, with y counted from the bottom, as points inside `stretched`."""
    across, down = np.rint(x * side).astype(int), np.rint((1 - y) * side).astype(int)
    return " ".join(f"{a},{d}" for a, d in zip(across.tolist(), down.tolist(), strict=True))


def placed(place: int | None) -> str:
    """Returns the attribute by which a legend shows and hides a shape."""
    return "" if place is None else f' data-place="{place}"'


def key(look: Look | None, kind: str = "line") -> str:
    """Returns a small image for a legend.

    Args:
        look: the look; None for a dotted line in the color of the axes.
        kind: `line`, `symbol` or `bar`.
    """
    width, height = {"line": (24, 10), "symbol": (14, 14), "bar": (12, 12)}[kind]
    if look is None:
        inside = line("level", (0, 1), (0.5, 0.5))
    elif kind == "line":
        inside = f'<line class="line" x2="100%" y1="50%" y2="50%"{dashes(look)}/>'
    elif kind == "symbol":
        inside = f'<g class="dots">{symbol(look, 0.5, 0.5)}</g>'
    else:
        inside = '<rect class="bar" width="100%" height="100%"/>'
    colour = "" if look is None else f" c{look.colour}"
    return f'<svg class="pg-key{colour}" width="{width}" height="{height}" aria-hidden="true">{inside}</svg>'


def dashes(look: Look) -> str:
    """Returns the attribute of a dashed line."""
    pattern = DASHES[look.dash]
    return f' stroke-dasharray="{pattern}"' if pattern else ""
