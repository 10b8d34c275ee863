"""Writes charts as HTML and SVG. Positions are fractions of a chart's size, so it fits any width without a script."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from html import escape

import numpy as np

from pocketgan.base.charts.axes import Axis, Numbers, limits, number, padded, percent
from pocketgan.base.charts.content import Bars, Chart, Interval, Intervals, Level, Line
from pocketgan.base.charts.frame import data, frame, letters
from pocketgan.base.charts.looks import Look
from pocketgan.base.charts.svg import at, dashes, line, placed, points, stretched, symbol

FEW = 40
"""Largest number of points of a line that has a symbol at each point, unless the line says otherwise."""
MANY = 8
"""Largest number of lines whose values at one x are shown together; of more lines, the nearest point is shown."""
TALL = 250
"""Height in pixels from which a chart has more tick marks, and vertical room for them."""
ROW, LOW_ROW, MANY_ROWS = 46, 32, 12
"""Height of a row of intervals in pixels; its height with more than `MANY_ROWS` rows."""
WIDE_LABEL = 26
"""Largest number of letters of a row's name for which there is room beside a wide chart."""
NAMES, WIDE_NAMES = (4, 45), (12, 120)
"""Number of letters of a name, and of all names, for which there is room below bars; a wide chart has more room."""


# Lines and points.


def draw(chart: Chart) -> str:
    """Returns a chart as HTML, without its title, caption and legend; empty if no line has a point."""
    known = drawn_lines(chart)
    if not known:
        return ""
    x, y = axes_of(chart, known)
    side = 10_000 if chart.detailed else 1000
    shapes = [drawn_level(level, y) for level in chart.levels]
    shapes.append(stretched((band(one, x, y, side, len(known)) for one in known), side))
    shapes.append(stretched((curve(one, x, y, side) for one in known if one.joined), side))
    shapes += [dots(one, x, y) for one in known]
    scattered = not all(one.joined for one in known)
    more = data(known, chart.detailed) + ' data-zoom="xy"' * chart.detailed
    more += ' data-tip="near"' * (scattered or len(known) > MANY or any(one.notes for one in known))
    kind = " upright" if scattered else ""
    return frame(x, y, "".join(shapes), label=described(chart, known), height=chart.height, kind=kind, more=more)


def drawn_lines(chart: Chart) -> list[Line]:
    """Returns the lines of a chart that have a point."""
    return [one for one in chart.lines if np.isfinite(one.y).any()]


def last_value(one: Line, chart: Chart) -> str:
    """Returns the last value of a line as a text."""
    return writer(chart)(float(one.y[np.isfinite(one.y)][-1]))


def writer(chart: Chart) -> Callable[[float], str]:
    """Returns the function that formats a chart's values of y."""
    return percent if chart.percent else number


def described(chart: Chart, known: Sequence[Line]) -> str:
    """Returns the title of a chart, and the last value of each of its lines, as one text."""
    values = (f"{one.name} {last_value(one, chart)}" if one.joined else one.name for one in known)
    return f"{chart.title}: {'; '.join(values)}"


def axes_of(chart: Chart, known: Sequence[Line]) -> tuple[Axis, Axis]:
    """Returns the axes of a chart; x begins at 0 if its first value is near 0."""
    columns = [*(one.y for one in known), np.array([level.value for level in chart.levels])]
    log = chart.log and (chart.limits is not None or suits_log(columns))
    if chart.limits is not None:
        low, high = chart.limits
    else:
        low, high = (-0.02, 1.02) if chart.percent else limits(columns, log=log)
    ends = [float(end) for one in known for end in (one.x.min(), one.x.max())]
    if chart.log_x:
        first, last = min(ends) / 1.25, max(ends) * 1.25
    elif all(one.joined for one in known):
        first, last = min(ends), max(chart.end, *ends)
        first = first if chart.start is None else min(first, chart.start)
        first = 0.0 if first <= 0.2 * last or first == last else first  # With a single point, the axis starts at 0.
        last = last if last > first else first + 1
    else:
        first, last = padded(min(ends), max(ends))
    tall = chart.height >= TALL
    x = Axis(chart.x, first, last, chart.log_x, most=7 if tall else 4)
    return x, Axis(chart.y, low, high, log, writer(chart), most=7 if tall else 5)


def suits_log(columns: Iterable[Numbers]) -> bool:
    """Returns whether a logarithmic axis is possible and useful."""
    values = np.concatenate([column[np.isfinite(column)] for column in columns])
    return bool(values.min() > 0 and values.max() > 3 * values.min())


def drawn_level(level: Level, y: Axis) -> str:
    """Returns a dotted line across the chart."""
    height = 1 - y.share(level.value)
    kind = "level" if level.look is None else f"level c{level.look.colour}"
    return line(kind, (0, 1), (height, height), level.place)


def band(one: Line, x: Axis, y: Axis, side: int, count: int) -> str:
    """Returns the band of a line, fainter among many lines; empty without one."""
    if one.low is None or one.high is None:
        return ""
    known = np.isfinite(one.y)
    across, low, high = x.shares(one.x[known]), y.shares(one.low[known]), y.shares(one.high[known])
    edge = points(np.append(across, across[::-1]), np.append(high, low[::-1]), side)
    kind = "band" if count <= 4 else "band faint"
    return f'<polygon class="{kind} c{one.look.colour}" points="{edge}"{placed(one.place)}/>'


def curve(one: Line, x: Axis, y: Axis, side: int) -> str:
    """Returns the curve of a line."""
    known = np.isfinite(one.y)
    places = points(x.shares(one.x[known]), y.shares(one.y[known]), side)
    look = f"{dashes(one.look)}{placed(one.place)}"
    return f'<polyline class="line c{one.look.colour}" points="{places}"{look}/>'


def dots(one: Line, x: Axis, y: Axis) -> str:
    """Returns the symbols of a line's points, if it has any."""
    known = np.isfinite(one.y)
    if not (known.sum() <= FEW if one.dots is None else one.dots):
        return ""
    places = zip(x.shares(one.x[known]).tolist(), y.shares(one.y[known]).tolist(), strict=True)
    marks = "".join(symbol(one.look, across, 1 - up) for across, up in places)
    kind = "dots" if one.joined else "dots large"
    return f'<g class="{kind} c{one.look.colour}"{placed(one.place)}>{marks}</g>'


# Intervals.


def draw_intervals(chart: Intervals) -> str:
    """Returns a chart of intervals as HTML, without its title and caption."""
    values = [value for row in chart.rows for value in (*row.dots, row.low, row.high, row.estimate)]
    values += [] if chart.level is None else [chart.level.value]
    low, high = min(values), max(values)
    low, high = map(math.exp, padded(math.log(low), math.log(high))) if chart.log else padded(low, high)
    x, count = Axis(chart.x, low, high, chart.log, most=8), len(chart.rows)
    shapes, lines = [], []
    if chart.level is not None:
        share = x.share(chart.level.value)
        shapes.append(line("level", (share, share), (0, 1)))
    for place, row in enumerate(chart.rows):
        inside, found = drawn_interval(row, x, place, count)
        shapes.append(inside)
        lines += found
    names = "".join(
        f'<span class="ty name" title="{escape(row.name)}" style="top:{at((place + 0.5) / count)}">'
        f"{escape(row.name)}</span>"
        for place, row in enumerate(chart.rows)
    )
    told = (f"{row.name} {number(row.estimate)} ({number(row.low)} – {number(row.high)})" for row in chart.rows)
    widest = min(WIDE_LABEL, max(letters(row.name) for row in chart.rows))
    return frame(
        x, None, "".join(shapes),
        label=f"{chart.title}: {'; '.join(told)}", height=count * (ROW if count <= MANY_ROWS else LOW_ROW),
        left=1 + 0.5 * widest, names=names, kind=" upright", more=data(lines, True) + ' data-tip="near" data-zoom="x"',
    )  # fmt: skip


def drawn_interval(row: Interval, x: Axis, place: int, count: int) -> tuple[str, list[Line]]:
    """Returns a row of a chart of intervals, and its points for the page's script, whose y is the height, 0 to 1."""
    upper, lower = ((place + 0.5 + shift) / count for shift in (-0.16, 0.2))
    low, middle, high = (x.share(value) for value in (row.low, row.estimate, row.high))
    cap = '<path d="M0-6v12"/>'
    caps = "".join(f'<svg x="{at(end)}" y="{at(upper)}">{cap}</svg>' for end in (low, high))
    shape = symbol(replace(row.look, symbol="diamond"), middle, upper)
    dots = "".join(symbol(Look(), x.share(value), lower) for value in row.dots)
    kind = "dots estimate hollow" if row.hollow else "dots estimate"
    inside = (
        f'<g class="c{row.look.colour}"><g class="error">{line("", (low, high), (upper, upper))}{caps}</g>'
        f'<g class="{kind}">{shape}</g><g class="dots large">{dots}</g></g>'
    )
    heights = np.full(len(row.dots), 1 - lower)
    ends = np.array([row.low]), np.array([row.high])
    return inside, [
        Line(row.name, np.array([row.estimate]), np.array([1 - upper]), row.look, *ends),
        Line(row.name, np.array(row.dots), heights, row.look),
    ]


# Bars.


def draw_bars(chart: Bars) -> str:
    """Returns a chart of bars as HTML, without its title and legend."""
    level = [] if chart.level is None else [chart.level.value]
    top = max(level + [share for _, _, shares in chart.groups for share in shares]) * 1.1 or 1.0
    y, count = Axis("", 0.0, top, write=percent, most=4), len(chart.classes)
    width = 0.84 / count / len(chart.groups)
    shapes = []
    for group, (name, look, shares) in enumerate(chart.groups):
        whose = f", {name}" if name else ""
        for place, (what, share) in enumerate(zip(chart.classes, shares, strict=True)):
            height, left = y.share(share), (place + 0.08) / count + group * width
            shapes.append(
                f'<rect class="bar c{look.colour}" data-name="{escape(what)}" x="{at(left)}" '
                f'width="{at(0.96 * width)}" y="{at(1 - height)}" height="{at(height)}">'
                f"<title>{escape(what)}{escape(whose)}: {percent(share)}</title></rect>"
            )
    if chart.level is not None:
        shapes.append(drawn_level(chart.level, y))
    each, room = WIDE_NAMES if chart.wide else NAMES
    step = math.ceil(count * min(each, max(map(letters, chart.classes))) / room)  # Only each step-th class is named.
    names = "".join(
        f'<span class="tx name" style="left:{at((place + 0.5) / count)};max-width:{at(step / count)}" '
        f'title="{escape(name)}">{escape(name)}</span>'
        for place, name in enumerate(chart.classes)
        if place % step == 0
    )
    told = ("; ".join(f"{what} {percent(share)}" for what, share in zip(chart.classes, shares, strict=True))
            for _, _, shares in chart.groups)  # fmt: skip
    label = f"{chart.title}: " + ". ".join(
        f"{name}: {text}" if name else text for (name, _, _), text in zip(chart.groups, told, strict=True)
    )
    return frame(None, y, "".join(shapes), label=label, height=chart.height, names=names, kind=" pg-columns")


def meter(value: float, longest: float, interval: tuple[float, float] | None, level: float | None) -> str:
    """Returns a value as a horizontal bar from 0 to `longest`, with its interval and a mark for another value.

    The bar has color 2 and the mark color 1. Infinite values are at the end.
    """

    def along(one: float) -> float:
        return min(1.0, max(0.0, one / longest)) if math.isfinite(one) else 1.0

    marks = ['<rect class="track" width="100%" y="20%" height="60%"/>']
    marks.append(f'<rect class="bar c2" width="{at(along(value))}" y="20%" height="60%"/>')
    if interval is not None:
        low, high = map(along, interval)
        marks.append(f'<rect x="{at(low)}" width="{at(max(0.006, high - low))}" y="46%" height="8%"/>')
    if level is not None:
        marks.append(f'<rect class="bar c1" x="{at(min(along(level), 0.985))}" width="1.5%" height="100%"/>')
    return f'<svg class="pg-meter" aria-hidden="true">{"".join(marks)}</svg>'
