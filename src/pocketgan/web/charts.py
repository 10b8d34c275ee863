"""Charts of the browser interface: a few kilobytes each, with legends that follow the slider of the samples."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from pocketgan.base.charts.axes import Numbers, percent
from pocketgan.base.charts.content import Bars, Chart, Level, Line
from pocketgan.base.charts.drawing import draw, draw_bars, drawn_lines, last_value, writer
from pocketgan.base.charts.looks import Look
from pocketgan.base.charts.svg import key
from pocketgan.base.language import localised
from pocketgan.web.rows import thinned

POINTS = 240
"""Largest number of points per line; points between are averaged, and a band shows their minimum and maximum."""
BAR_LOOK = Look(3)


def line_of(name: str, x: Numbers, y: Numbers, colour: int, *, dashed: bool = False, most: int = POINTS) -> Line:
    """Returns a line through many points, averaged if there are too many, with a band for the omitted range."""
    x, y, low, high = thinned(x, y, most)
    look = Look(colour, "dash" if dashed else "solid")
    return Line(name, x, y, look) if low is y else Line(name, x, y, look, low, high)


def chart_figure(chart: Chart) -> str:
    """Returns a chart with its title and a legend of the last values; empty if no line has a point."""
    known = drawn_lines(chart)
    if not known:
        return ""
    write = writer(chart)
    items = [entry(one.look, one.name, last_value(one, chart)) for one in known]
    items += [entry(level.look, level.name, write(level.value)) for level in chart.levels]
    return titled(chart.title, items, draw(chart))


def titled(title: str, entries: Sequence[str], inside: str, attributes: str = 'class="pg-chart"') -> str:
    """Returns a figure with a title and a legend above it."""
    legend = f'<span class="pg-legend">{"".join(entries)}</span>' if entries else ""
    return f"<figure {attributes}><figcaption><b>{escape(title)}</b>{legend}</figcaption>{inside}</figure>"


def entry(look: Look | None, name: str, value: str) -> str:
    """Returns an entry of a legend with a value."""
    return f'<span class="key">{key(look)}{escape(name)} <b>{value}</b></span>'


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


def histogram(moments: Moments, names: Sequence[str], even: float | None, even_name: str) -> str:
    """Returns a histogram of classes at the last moment as HTML, with the data of the other moments.

    Args:
        moments: the histograms.
        names: names of the classes.
        even: fraction of each class in a uniform distribution, shown as a line; None for no line.
        even_name: name of that line.
    """
    level = None if even is None else Level(even, even_name)
    title = moments.title.replace("#", localised(f"{moments.steps[-1]:,}"))
    entries = [] if level is None else [entry(None, even_name, percent(level.value))]
    chart = draw_bars(Bars(title, names, [("", BAR_LOOK, moments.shares[-1])], level, height=130))
    attributes = (
        f'class="pg-chart pg-bars" data-title="{escape(moments.title)}" data-moments="{escape(moments.to_json())}"'
    )
    attributes += "" if even is None else f' data-even="{even:.6f}"'
    return titled(title, entries, f'{chart}<p class="pg-line">{escape(moments.sentences[-1])}</p>', attributes)
