"""What charts show, as plain numbers: `drawing` writes them into pages, and a study plots them for print."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pocketgan.base.charts.axes import Numbers
from pocketgan.base.charts.looks import Look


@dataclass(frozen=True)
class Line:
    """A line, or points, in a chart.

    Attributes:
        name: its name.
        x, y: shape (n,).
        look: its look.
        low, high: shape (n,), the limits of a band; None for no band.
        notes: a text for each point; empty for none.
        joined: whether the points are joined by a line.
        dots: whether each point has a symbol; None if there are few points.
        place: number by which a legend shows and hides it; None if no legend does.
    """

    name: str
    x: Numbers
    y: Numbers
    look: Look = field(default_factory=Look)
    low: Numbers | None = None
    high: Numbers | None = None
    notes: tuple[str, ...] = ()
    joined: bool = True
    dots: bool | None = None
    place: int | None = None


@dataclass(frozen=True)
class Level:
    """A dotted line across a chart.

    Attributes:
        value: where it crosses the axis.
        name: its name in a legend.
        look: its color; None for the color of the axes.
        place: see `Line`.
    """

    value: float
    name: str = ""
    look: Look | None = None
    place: int | None = None


@dataclass(frozen=True)
class Chart:
    """A chart of lines or points.

    Attributes:
        title: title of the chart.
        x, y: labels of the axes, with units.
        lines: the lines; a chart needs at least one with a point.
        levels: dotted lines.
        percent: whether y is a fraction, shown in percent.
        log: whether y is logarithmic, if the values allow it.
        log_x: whether x is logarithmic; all values of x are above 0.
        limits: limits of y; None for limits that exclude only the rarest values.
        start, end: first and last value of x if no point is farther; the end of the plan, for example.
        height: height in pixels.
        detailed: whether a drag zooms, and the limits of bands are shown beside values.
        name: name of its file, and of its element in the page.
        caption: text below the chart.
    """

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    levels: Sequence[Level] = ()
    percent: bool = False
    log: bool = False
    log_x: bool = False
    limits: tuple[float, float] | None = None
    start: float | None = None
    end: float = 0.0
    height: int = 160
    detailed: bool = False
    name: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Interval:
    """One row of a chart of intervals.

    Attributes:
        name: name of the row.
        dots: single values.
        estimate, low, high: the estimate and its interval.
        look: color of the row.
        hollow: whether the symbol of the estimate is an outline.
    """

    name: str
    dots: Sequence[float]
    estimate: float
    low: float
    high: float
    look: Look = field(default_factory=Look)
    hollow: bool = False


@dataclass(frozen=True)
class Intervals:
    """A chart of intervals, one row each.

    Attributes:
        title, x, name, caption: see `Chart`.
        rows: the rows, from the top.
        level: a dotted line; None for none.
        log: whether x is logarithmic; all values are above 0.
    """

    title: str
    x: str
    rows: Sequence[Interval]
    level: Level | None = None
    log: bool = False
    name: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Bars:
    """A chart of bars: for each class, a bar for each group.

    Attributes:
        title: title of the chart.
        classes: names of the classes.
        groups: for each group, its name, its color, and one fraction per class, 0 to 1.
        level: a dotted line; None for none.
        height: height in pixels.
        wide: whether the chart is as wide as the page, so that there is room for more names.
    """

    title: str
    classes: Sequence[str]
    groups: Sequence[tuple[str, Look, Sequence[float]]]
    level: Level | None = None
    height: int = 160
    wide: bool = False
