"""PNG files of a study's charts and sample pictures, for print and for papers (Matplotlib)."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, PercentFormatter, ScalarFormatter
from PIL import Image

from pocketgan.base.charts.axes import log_ticks
from pocketgan.base.charts.content import Chart, Intervals, Line
from pocketgan.base.charts.looks import PALETTES, Look
from pocketgan.base.language import localised, shortened
from pocketgan.images.lettering import letters
from pocketgan.studies.report.charts import BANDS
from pocketgan.studies.report.samples import Samples
from pocketgan.studies.report.words import say

DPI = 150
FLOOR = "0.35"
STYLES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (9, 3))}
MARKS = {
    "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v", "x": "x", "cross": "P",
    "star": "*",
}  # fmt: skip
LETTERS = 40
"""Maximum length of a variant's name, in characters."""
BESIDE = 6
"""Largest number of legend entries inside a chart; a longer legend stands beside the chart."""


def draw(chart: Chart | Intervals) -> bytes:
    """Plots a chart and returns the PNG file."""
    return finished(draw_intervals if isinstance(chart, Intervals) else draw_lines, chart)


def draw_samples(samples: Samples) -> bytes:
    """Plots the last samples of every variant, from its first seed with samples, and returns the PNG file."""
    return finished(place_samples, samples)


def finished(draws: Callable[[Any], Figure], what: Any) -> bytes:
    """Plots in Matplotlib's default style, whatever the user's style, and returns the PNG file."""
    with style.context(["default", letters()]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        buffer = io.BytesIO()
        draws(what).savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def colour(look: Look | None) -> str:
    """Returns a variant's color on white, or that of a line for all variants."""
    return FLOOR if look is None else PALETTES["light"][look.colour - 1]


def draw_lines(chart: Chart) -> Figure:
    """Plots a chart of lines or dots."""
    figure = Figure(figsize=(7, max(4, 0.7 + 0.165 * len(chart.lines))), layout="constrained")
    axes = figure.subplots()
    handles = []
    for line in chart.lines:
        if line.low is not None and line.high is not None and len(chart.lines) <= BANDS:
            opacity = 0.18 if len(chart.lines) <= 4 else 0.08
            axes.fill_between(line.x, line.low, line.high, color=colour(line.look), alpha=opacity, linewidth=0)
        handles += axes.plot(line.x, line.y, **looks(line))
    for level in chart.levels:
        axes.axhline(level.value, color=colour(level.look), linewidth=1, ls=":")
    if chart.log:
        axes.set_yscale("log")
    if chart.limits is not None:
        axes.set_ylim(chart.limits)
    if chart.log:
        plain_numbers(axes.yaxis)
    if chart.lines[0].joined:
        axes.set_xlim(left=0)
    if chart.percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(chart.x)
    axes.set_ylabel(chart.y)
    names = [shortened(line.name, LETTERS) for line in chart.lines]
    where: dict[str, Any] = {} if len(names) <= BESIDE else {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    legend = axes.legend(handles, names, frameon=False, fontsize=8 if where else 9, handlelength=2.8, **where)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return tidy(figure, axes, chart.title, "y" if chart.lines[0].joined else "both")


def looks(line: Line) -> dict[str, Any]:
    """Returns Matplotlib's style arguments for a line."""
    mark = MARKS[line.look.symbol] if line.dots else ""
    style = STYLES[line.look.dash] if line.joined else "none"
    size = 4 if line.joined else 6
    return {"color": colour(line.look), "linestyle": style, "marker": mark, "markersize": size, "linewidth": 1.6}


def draw_intervals(chart: Intervals) -> Figure:
    """Plots a chart of intervals, one row per variant."""
    height = 0.42 if len(chart.rows) <= 12 else 0.28
    figure = Figure(figsize=(7, 1.3 + height * len(chart.rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(chart.rows):
        shade, fill = colour(row.look), "none" if row.hollow else "full"
        axes.plot([row.low, row.high], [place - 0.14] * 2, "|-", color=shade, linewidth=1.8, markersize=8)
        axes.plot(row.estimate, place - 0.14, "D", color=shade, markersize=7, fillstyle=fill)
        axes.plot(row.dots, [place + 0.2] * len(row.dots), "o", color=shade, markersize=4.5, alpha=0.75, linewidth=0)
    names = [shortened(row.name, LETTERS) for row in chart.rows]
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    if chart.level is not None:
        axes.axvline(chart.level.value, color=FLOOR, linewidth=1, ls=":")
    if chart.log:
        axes.set_xscale("log")
        plain_numbers(axes.xaxis)
    axes.set_xlabel(chart.x)
    return tidy(figure, axes, chart.title, "x")


def plain_numbers(axis: Any) -> None:
    """Labels a logarithmic axis, whose limits are set, with round numbers such as 20, 50, 100."""
    axis.set_major_locator(FixedLocator(log_ticks(*axis.get_view_interval())))
    axis.set_major_formatter(FuncFormatter(lambda value, _: localised(f"{value:g}")))
    axis.set_minor_formatter(NullFormatter())


def tidy(figure: Figure, axes: Axes, title: str, grid: Any) -> Figure:
    """Adds the title and the common style to a chart."""
    axes.set_title(title, loc="left", fontsize=11)
    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(FuncFormatter(lambda value, _: localised(f"{value:,.6g}").replace("-", "−")))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure


def place_samples(samples: Samples) -> Figure:
    """Places the last samples of every variant side by side."""
    shown = []
    for name in samples.variants:
        seed = next(seed for seed in samples.seeds if (seed, name) in samples.pictures)
        shown.append((name, seed, samples.pictures[seed, name][-1]))
    widest = max(picture.width / picture.height for _, _, picture in shown)
    columns = min(len(shown), 1 if widest > 4 else 2 if widest > 2 else 4)
    rows = -(-len(shown) // columns)
    size = (9 / columns) / widest + 0.45
    figure = Figure(figsize=(9, max(1.0, rows * size)), layout="constrained")
    grid = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, (name, seed, picture) in zip(grid, shown, strict=False):
        with Image.open(io.BytesIO(picture.content)) as image:
            axes.imshow(np.asarray(image), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        title = f"{shortened(name, LETTERS)}, {say('seed option', seed=str(seed))}, {picture.label}"
        axes.set_title(title, loc="left", fontsize=9, parse_math=False)
    return figure
