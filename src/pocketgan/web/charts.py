"""Charts of the browser interface as HTML and SVG: a few kilobytes each, of flexible width, in the page's colors."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from pocketgan.base.language import localised
from pocketgan.web.rows import Numbers, thinned

POINTS = 240
"""Largest number of points per line; points between are averaged, and a band shows their minimum and maximum."""
SIDE = 1000
"""Width and height of the SVG's coordinate system, which is stretched to the chart's size."""
FEW = 40
"""Largest number of points of a line that has a dot at each point."""
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Line:
    """A line in a chart.

    Attributes:
        name: name in the legend.
        x, y: shape (n,).
        colour: 1 to 7, a color of the page.
        dashed: whether the line is dashed, to be recognizable without color.
        low, high: limits of a band; None for no band.
    """

    name: str
    x: Numbers
    y: Numbers
    colour: int
    dashed: bool = False
    low: Numbers | None = None
    high: Numbers | None = None


@dataclass(frozen=True)
class Level:
    """A dotted line across a chart, with its name."""

    name: str
    value: float


@dataclass(frozen=True)
class Chart:
    """A chart of lines.

    Attributes:
        title: title of the chart.
        x, y: labels of the axes, with units.
        lines: the lines; a chart needs at least one with a point.
        levels: dotted lines.
        percent: whether y is a fraction, shown in percent.
        log: whether y is logarithmic, if the values allow it.
        end: smallest end of the x axis, such as the end of the plan.
    """

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    levels: Sequence[Level] = ()
    percent: bool = False
    log: bool = False
    end: float = 0.0


def line_of(name: str, x: Numbers, y: Numbers, colour: int, *, dashed: bool = False, most: int = POINTS) -> Line:
    """Returns a line through many points, averaged if there are too many, with a band for the omitted range."""
    x, y, low, high = thinned(x, y, most)
    banded = low is not y
    return Line(name, x, y, colour, dashed, low if banded else None, high if banded else None)


def number(value: float) -> str:
    """Returns a number for display in the current language."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if "e" in text:
        text = np.format_float_positional(float(text), trim="-")
    return localised("0" if text == "-0" else text)


def percent(value: float) -> str:
    """Returns a fraction in percent in the current language."""
    return f"{number(round(100 * value, 1 if value < 0.1 else 0))}%" if math.isfinite(value) else "–"


def marks(low: float, high: float, most: int = 5) -> list[float]:
    """Returns at most `most` round numbers from `low` to `high`, at equal distances."""
    room = high - low
    if not room > 0:
        return [low]
    power = 10 ** math.floor(math.log10(room / most))
    step = next(step * power for step in STEPS if room / (step * power) <= most)
    first = math.ceil(low / step - 1e-9)
    return [float(f"{k * step:.10g}") for k in range(first, math.floor(high / step + 1e-9) + 1)]


def log_marks(low: float, high: float) -> list[float]:
    """Returns round numbers from `low` to `high`, both above 0, for a logarithmic axis."""
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        results = [float(f"{digit * 10.0**power:.3g}") for power in powers for digit in digits]
        results = [value for value in results if low <= value <= high]
        if len(results) >= 3:
            return results[:: math.ceil(len(results) / 5)]
    return marks(low, high)


def limits(chart: Chart) -> tuple[float, float]:
    """Returns limits of y that exclude only the rarest values, so that a spike doesn't flatten the rest."""
    if chart.percent:
        return -0.02, 1.02
    values = np.concatenate([line.y[np.isfinite(line.y)] for line in chart.lines])
    values = np.append(values, [level.value for level in chart.levels])
    low, high = (float(np.quantile(values, share)) for share in (0.005, 0.995))
    least, greatest = float(values.min()), float(values.max())
    room = max(high - low, 1e-9 * abs(high), 1e-12)
    low, high = max(least, low - room), min(greatest, high + room)
    if chart.log:
        return low / 1.15, high * 1.15
    room = max(high - low, 0.05 * abs(high), 1e-9)
    return low - 0.06 * room, high + 0.06 * room


@dataclass(frozen=True)
class Scale:
    """Mapping from values to positions in a chart."""

    low: float
    high: float
    log: bool = False

    def __call__(self, values: Numbers) -> Numbers:
        """Returns the relative positions between the low and the high end, clipped to slightly more than that range."""
        low, high = self.low, self.high
        if self.log:
            low, high, values = math.log(low), math.log(high), np.log(np.maximum(values, 1e-300))
        return np.clip((values - low) / (high - low), -0.5, 1.5)

    def place(self, value: float) -> float:
        """Returns the relative position of one value."""
        return float(self(np.array([value]))[0])


def path(x: Numbers, y: Numbers) -> str:
    """Returns points in SVG notation: whole units, with y counted from the bottom."""
    across, down = np.rint(x * SIDE).astype(int), np.rint((1 - y) * SIDE).astype(int)
    return " ".join(f"{a},{d}" for a, d in zip(across.tolist(), down.tolist(), strict=True))


def draw(chart: Chart, write: Callable[[float], str] | None = None) -> str:
    """Returns a chart as HTML, or nothing if no line has a point.

    Args:
        chart: the chart.
        write: formats a value of y; by default `number`, or `percent` for a fraction.
    """
    known = [line for line in chart.lines if np.isfinite(line.y).any()]
    if not known:
        return ""
    write = write or (percent if chart.percent else number)
    chart = Chart(chart.title, chart.x, chart.y, known, chart.levels, chart.percent, log_fits(chart, known), chart.end)
    low, high = limits(chart)
    first = min(float(line.x[0]) for line in known)
    last = max(chart.end, *(float(line.x[-1]) for line in known))
    first = 0.0 if first <= 0.2 * last or first == last else first  # With a single point, the axis starts at 0.
    across, up = Scale(first, last if last > first else first + 1), Scale(low, high, chart.log)
    drawn = [drawn_level(level, up) for level in chart.levels] + [drawn_line(line, across, up) for line in known]
    ticks = log_marks(low, high) if chart.log else marks(low, high)
    beside = [
        tick_html("y", 1 - up.place(tick), text) for tick, text in zip(ticks, labels_of(ticks, write), strict=True)
    ]
    below = [tick_html("x", across.place(tick), number(tick)) for tick in marks(across.low, across.high, 4)]
    rules = "".join(f'<path class="rule" d="M0 {y}H{SIDE}"/>' for y in (round((1 - up.place(t)) * SIDE) for t in ticks))
    message = f"{chart.title}: " + "; ".join(
        f"{line.name} {write(float(line.y[np.isfinite(line.y)][-1]))}" for line in known
    )
    ends = f'data-from="{across.low:g}" data-to="{across.high:g}"'
    values = f'data-x="{escape(chart.x)}" data-lines="{escape(values_of(known))}"' + (" data-percent" * chart.percent)
    return (
        f'<figure class="pg-chart"><figcaption><b>{escape(chart.title)}</b>{legend(chart, known, write)}</figcaption>'
        f'<div class="pg-y">{escape(chart.y)}</div>'
        f'<div class="pg-plot" role="img" tabindex="0" aria-label="{escape(message)}" {ends} {values}>'
        f'<svg viewBox="0 0 {SIDE} {SIDE}" preserveAspectRatio="none" aria-hidden="true">{rules}{"".join(drawn)}</svg>'
        f'<i class="pg-cursor" hidden></i><i class="pg-cross" hidden></i>{"".join(beside)}{"".join(below)}'
        f'<div class="pg-tip" role="status" hidden></div></div>'
        f'<div class="pg-x">{escape(chart.x)}</div></figure>'
    )


def values_of(lines: Sequence[Line]) -> str:
    """Returns the points of lines as JSON, from which the page's script reads the values at a position."""

    def short(values: Numbers) -> list[float | None]:
        return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]

    return json.dumps(
        [{"name": line.name, "colour": line.colour, "x": short(line.x), "y": short(line.y)} for line in lines]
    )


def labels_of(ticks: Sequence[float], write: Callable[[float], str]) -> list[str]:
    """Returns the labels of tick marks, with more digits if two of them would be equal."""
    texts = [write(tick) for tick in ticks]
    return texts if len(set(texts)) == len(texts) else [localised(f"{tick:,.6g}") for tick in ticks]


def log_fits(chart: Chart, known: Sequence[Line]) -> bool:
    """Returns whether a logarithmic axis is requested, possible and useful."""
    if not chart.log:
        return False
    values = np.concatenate([line.y[np.isfinite(line.y)] for line in known])
    values = np.append(values, [level.value for level in chart.levels])
    return bool(values.min() > 0 and values.max() > 3 * values.min())


def drawn_line(line: Line, across: Scale, up: Scale) -> str:
    """Returns a line with its band, and with dots if it has few points."""
    known = np.isfinite(line.y)
    x, y = across(line.x[known]), up(line.y[known])
    band = ""
    if line.low is not None and line.high is not None:
        edge = path(np.append(x, x[::-1]), np.append(up(line.high[known]), up(line.low[known])[::-1]))
        band = f'<polygon class="band c{line.colour}" points="{edge}"/>'
    dots = ""
    if len(x) <= FEW:
        places = path(x, y).split(" ")
        dots = "".join(f'<path class="dot c{line.colour}" d="M{place}h0"/>' for place in places)
    kind = " dashed" if line.dashed else ""
    return f'{band}<polyline class="line c{line.colour}{kind}" points="{path(x, y)}"/>{dots}'


def drawn_level(level: Level, up: Scale) -> str:
    """Returns a dotted line across the chart."""
    y = round((1 - up.place(level.value)) * SIDE)
    return f'<path class="level" d="M0 {y}H{SIDE}"/>'


def tick_html(axis: str, share: float, text: str) -> str:
    """Returns a tick label of an axis."""
    side = "top" if axis == "y" else "left"
    return f'<span class="t{axis}" style="{side}:{100 * share:.1f}%">{escape(text)}</span>'


def legend(chart: Chart, known: Sequence[Line], write: Callable[[float], str]) -> str:
    """Returns the legend: the names of the lines, each with its last value."""
    items = []
    for line in known:
        kind = " dashed" if line.dashed else ""
        last = write(float(line.y[np.isfinite(line.y)][-1]))
        items.append(f'<span class="key"><i class="c{line.colour}{kind}"></i>{escape(line.name)} <b>{last}</b></span>')
    for level in chart.levels:
        items.append(f'<span class="key"><i class="level"></i>{escape(level.name)} <b>{write(level.value)}</b></span>')
    return f'<span class="pg-legend">{"".join(items)}</span>'


@dataclass(frozen=True)
class Moments:
    """A histogram at several moments.

    Attributes:
        steps: steps of the moments, ascending.
        shares: for each moment, one fraction per class, 0 to 1.
        sentences: for each moment, the text below the histogram.
        title: title of the histogram; `#` stands for the step.
    """

    steps: list[int]
    shares: list[list[float]]
    sentences: list[str]
    title: str

    def latest(self, most: int) -> "Moments":
        """Returns the last `most` moments."""
        return Moments(self.steps[-most:], self.shares[-most:], self.sentences[-most:], self.title)

    def to_json(self) -> str:
        """Returns the data with which the page's script shows earlier moments."""
        return json.dumps({"steps": self.steps, "shares": self.shares, "sentences": self.sentences})


def bars(moments: Moments, names: Sequence[str], even: float | None, even_name: str) -> str:
    """Returns a histogram of classes at the last moment as HTML, with the data of the other moments.

    Args:
        moments: the histograms.
        names: names of the classes.
        even: fraction of each class in a uniform distribution, shown as a line; None for no line.
        even_name: name of that line.
    """
    shares = moments.shares[-1]
    top = max([*shares, even or 0.0]) * 1.1 or 1.0
    columns = []
    for name, share in zip(names, shares, strict=True):
        columns.append(
            f'<li title="{escape(name)}: {percent(share)}"><span class="bar" style="height:{100 * share / top:.1f}%">'
            f'</span><span class="name">{escape(name)}</span><span class="sr">{percent(share)}</span></li>'
        )
    title = escape(moments.title.replace("#", localised(f"{moments.steps[-1]:,}")))
    legend, level = "", ""
    if even is not None:
        legend = (
            f'<span class="pg-legend"><span class="key"><i class="level"></i>{escape(even_name)} '
            f"<b>{percent(even)}</b></span></span>"
        )
        level = f'<i class="even" data-even="{even:.6f}" style="--at:{even / top:.4f}"></i>'
    return (
        f'<figure class="pg-chart pg-bars" data-title="{escape(moments.title)}" '
        f'data-moments="{escape(moments.to_json())}"><figcaption><b>{title}</b>{legend}</figcaption>'
        f'<div class="pg-columns">{level}<ul>{"".join(columns)}</ul></div>'
        f'<p class="pg-line">{escape(moments.sentences[-1])}</p></figure>'
    )
