"""The frame of all charts: their axes, the label for readers who don't see them, and the values for the script."""

import json
import math
from collections.abc import Iterable
from html import escape
from unicodedata import east_asian_width

from pocketgan.base.charts.axes import Axis, Numbers, percent
from pocketgan.base.charts.content import Line
from pocketgan.base.charts.svg import at, line

CROSS = '<i class="pg-cursor" hidden></i><i class="pg-cross" hidden></i>'
TIP = '<div class="pg-tip" role="status" hidden></div>'
"""What the page's script moves: a cursor, a crosshair, and the values beside it."""


def frame(
    x: Axis | None,
    y: Axis | None,
    inside: str,
    *,
    label: str,
    height: int,
    left: float | None = None,
    names: str = "",
    kind: str = "",
    more: str = "",
) -> str:
    """Returns a plot with its axes.

    Args:
        x, y: the axes; None where names take the place of numbers.
        inside: the shapes.
        label: what the chart shows, for readers who don't see it.
        height: height in pixels.
        left: room left of the plot in rem; None for that of the numbers.
        names: HTML of the names along an axis.
        kind: more classes of the element.
        more: attributes with which the page's script shows values; empty for none.
    """
    beside, below = ([] if axis is None else axis.marks() for axis in (y, x))
    rules = "".join(line("rule y", (0, 1), (1 - share, 1 - share)) for share, _ in beside)
    if "upright" in kind:
        rules += "".join(line("rule x", (share, share), (0, 1)) for share, _ in below)
    texts = "".join(f'<span class="ty" style="top:{at(1 - share)}">{escape(text)}</span>' for share, text in beside)
    texts += "".join(f'<span class="tx" style="left:{at(share)}">{escape(text)}</span>' for share, text in below)
    if left is None:
        left = max(3.05, 1 + 0.42 * max((letters(text) for _, text in beside), default=0))
    room = f"min(38vw,{left:.1f}rem)" if names and y is None else f"{left:.1f}rem"
    focus, cross, tip = (' tabindex="0"', CROSS, TIP) if more else ("", "", "")
    return (
        f'{title_of("y", y)}<div class="pg-plot{kind}" role="img"{focus} aria-label="{escape(label)}" '
        f'style="--height:{height}px;--left:{room}"{ends_of("x", x)}{ends_of("y", y)}{more}><div class="pg-view">'
        f'<svg aria-hidden="true">{rules}</svg><svg class="pg-shapes" aria-hidden="true">{inside}</svg></div>'
        f"{cross}{texts}{names}{tip}</div>{title_of('x', x)}"
    )


def title_of(name: str, axis: Axis | None) -> str:
    """Returns the label of an axis."""
    return f'<div class="pg-{name}">{escape(axis.title)}</div>' if axis is not None and axis.title else ""


def ends_of(name: str, axis: Axis | None) -> str:
    """Returns an axis as attributes for the page's script."""
    if axis is None:
        return ""
    kind = f" data-{name}-log" * axis.log + f" data-{name}-percent" * (axis.write is percent)
    return (
        f' data-{name}-low="{axis.low:.8g}" data-{name}-high="{axis.high:.8g}" data-{name}="{escape(axis.title)}"{kind}'
    )


def letters(text: str) -> int:
    """Returns the width of a text in letters; Chinese and Korean ones are twice as wide."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def data(lines: Iterable[Line], detailed: bool) -> str:
    """Returns the points of lines as JSON, from which the page's script reads values."""

    def short(values: Numbers) -> list[float | None]:
        return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]

    results = []
    for one in lines:
        result = {"name": one.name, "colour": one.look.colour, "x": short(one.x), "y": short(one.y)}
        if one.place is not None:
            result["place"] = one.place
        if detailed and one.low is not None and one.high is not None:
            result |= {"low": short(one.low), "high": short(one.high)}
        if one.notes:
            result["notes"] = one.notes
        results.append(result)
    return f' data-lines="{escape(json.dumps(results, separators=(",", ":")))}"'
