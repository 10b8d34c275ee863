"""Charts of a study's report as plain numbers, for `plotly` and `figures` to plot. Doesn't import torch."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pocketgan.metrics.words import TITLES
from pocketgan.studies.curves import Numbers, Spread, spread
from pocketgan.studies.report.findings import Findings
from pocketgan.studies.report.words import capital, listed, say, which_way, written
from pocketgan.studies.sentences import measure_of, title_of
from pocketgan.studies.statistics import interquartile_mean

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "ink")
"""The palette of Okabe & Ito without its yellow, which is invisible on white; `ink` is the color of the text."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "x", "cross", "star")
MOST_DRAWN = len(COLOURS) * len(DASHES)
"""Largest number of variants in a chart."""
BANDS = 8
"""Largest number of variants with which bands are shown initially."""
WIDE = 5.0
"""Ratio of the largest to the smallest score at the end of runs from which their scale is logarithmic."""
FAR = 4.0
"""Factor by which the real-data baseline may lie below everything else and still be shown in a chart."""
TICKS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), *(tuple(range(10, 100, s)) for s in (5, 2, 1)))
"""Tick labels of a logarithmic axis, to be multiplied by powers of ten, from coarse to fine."""
DISTANCES = tuple(name for name in TITLES if name.endswith("_distance"))
"""Metrics that may have a logarithmic scale."""


@dataclass(frozen=True)
class Series:
    """One variant in a chart.

    Attributes:
        name: the variant's name.
        place: the variant's index, which determines its style; see `colour_of`.
        x, y: shape (n,).
        low, high: shape (n,), limits of a band; None for no band.
        notes: hover texts of the points.
        line, dots: whether to plot a line, and whether to plot dots.
    """

    name: str
    place: int
    x: Numbers
    y: Numbers
    low: Numbers | None = None
    high: Numbers | None = None
    notes: tuple[str, ...] = ()
    line: bool = True
    dots: bool = False


@dataclass(frozen=True)
class Level:
    """A dotted line across a chart; `place` is the index of its variant, or None if it applies to all variants."""

    value: float
    place: int | None = None


@dataclass(frozen=True)
class Chart:
    """Chart of lines or dots, with one series per variant.

    Attributes:
        name: name of the PNG file, and of the chart's element in the page.
        title, caption: texts of the chart.
        x, y: labels of the axes.
        series, levels: content of the chart.
        log: whether y is logarithmic.
        limits: limits of y; None shows everything.
        percent: whether y is a fraction, shown in percent.
    """

    name: str
    title: str
    caption: str
    x: str
    y: str
    series: list[Series]
    levels: tuple[Level, ...] = ()
    log: bool = False
    limits: tuple[float, float] | None = None
    percent: bool = False


@dataclass(frozen=True)
class Bar:
    """One row of a chart of intervals: the scores of all runs, the estimate and its interval."""

    name: str
    place: int
    dots: Sequence[float]
    estimate: float
    low: float
    high: float
    fresh: bool = False


@dataclass(frozen=True)
class Bars:
    """Chart of intervals, one row per variant; `floor` is the real-data baseline."""

    name: str
    title: str
    caption: str
    x: str
    bars: list[Bar]
    floor: float | None
    log: bool


def colour_of(place: int) -> str:
    """Returns a variant's color: a code, or `ink`."""
    return COLOURS[place % len(COLOURS)]


def dash_of(place: int) -> str:
    """Returns a variant's line style: solid for the first variants."""
    return DASHES[place // len(COLOURS) % len(DASHES)]


def symbol_of(place: int) -> str:
    """Returns a variant's marker."""
    return SYMBOLS[(place + place // len(COLOURS)) % len(SYMBOLS)]


def drawn(findings: Findings) -> list[str]:
    """Returns the variants shown in charts: all, or the first `MOST_DRAWN`."""
    return list(findings.study.variants)[:MOST_DRAWN]


def wide(values: Iterable[float]) -> bool:
    """Returns whether values are so far apart that a logarithmic scale suits them better."""
    known = [float(value) for value in values if math.isfinite(value)]
    return bool(known) and min(known) > 0 and max(known) >= WIDE * min(known)


def ticks(low: float, high: float) -> list[float]:
    """Returns about four to eight round numbers from `low` to `high`, both above 0, for a logarithmic axis."""
    chosen: list[float] = []
    for steps in TICKS:
        powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
        results = sorted(float(f"{step * 10.0**power:.4g}") for power in powers for step in steps)
        chosen = [tick for tick in results if low <= tick <= high]
        if len(chosen) >= 4:
            break
    return chosen


def charts_of(findings: Findings) -> dict[str, list[Chart | Bars]]:
    """Returns the nonempty charts of a study, grouped by the legend that they belong to."""
    groups: dict[str, list[Chart | Bars | None]] = {
        "quality": [quality_chart(findings)],
        "budget": [budget_chart(findings)],
        "curves": [*curve_charts(findings)],
        "scatter": [scatter_chart(findings)],
    }
    return {name: [chart for chart in charts if chart is not None] for name, charts in groups.items()}


# Quality at the end.


def quality_chart(findings: Findings) -> Bars | None:
    """Returns each variant's scores and interval, then those on confirmation seeds; None without a finished run."""
    bars, places = [], findings.places
    verdict, metric = findings.verdict, findings.metric
    shown = drawn(findings)
    for summary in verdict.variants:
        values = [value for result in summary.finished if (value := result.figures.get(metric)) is not None]
        if summary.name not in shown or summary.mean is None:
            continue
        low, high = (summary.quality.low, summary.quality.high) if summary.quality else (summary.mean, summary.mean)
        bars.append(Bar(summary.name, places[summary.name], values, summary.mean, low, high))
        if summary.name == verdict.chosen and verdict.fresh:
            mean, results = interquartile_mean(verdict.fresh), verdict.confirmed
            low, high = (results.low, results.high) if results else (mean, mean)
            bars.append(Bar(say("fresh"), places[summary.name], verdict.fresh, mean, low, high, fresh=True))
    if not bars:
        return None
    floor, title = end_floor(findings), title_of(metric)
    ends = [value for bar in bars for value in (*bar.dots, bar.low, bar.high)]
    near = floor is not None and floor * FAR >= min(ends)
    message = "" if floor is None else say("floor is") if near else say("floor below", value=written(floor))
    caption = say("quality figure", metric=capital(title), better=which_way(findings.study.config), floor=message)
    log = metric in DISTANCES and wide([*ends, floor] if floor is not None and near else ends)
    return Bars("quality", capital(title), caption, title, bars, floor if near else None, log)


def end_floor(findings: Findings) -> float | None:
    """Returns the real-data baseline of the deciding metric, if all variants have about the same one; else None."""
    floors = [row.floor for row in findings.rows if row.floor is not None]
    return float(np.median(floors)) if floors and alike(floors) else None


def alike(values: Sequence[float]) -> bool:
    """Returns whether values differ by at most a tenth."""
    return max(values) - min(values) <= 0.1 * max(map(abs, values))


# During training.


def curve_charts(findings: Findings) -> list[Chart]:
    """Returns charts of the quality, the losses and the accuracies during training, as far as they were logged."""
    charts = [quality_curve(findings)]
    for measure in ("d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy"):
        share = measure.endswith("accuracy")
        series, spreads = series_of(findings, measure)
        if series:
            limits = (-0.02, 1.02) if share else limits_of(findings, spreads, log=False)
            caption = say(f"{measure} caption") + cut(spreads, limits)
            charts.append(
                Chart(
                    measure, say(measure), caption, say(f"clock {findings.over}"), say(measure).lower(), series,
                    limits=limits, percent=share, levels=(Level(0.5),) if share else (),
                )
            )  # fmt: skip
    return [chart for chart in charts if chart is not None]


def quality_curve(findings: Findings) -> Chart | None:
    """Returns the quality measured during training, with the real-data baseline; None without evaluations."""
    series, spreads = series_of(findings, findings.measured, dots=True)
    if not series:
        return None
    least = min(float(result.low.min()) for result in spreads.values())
    log = findings.measured in DISTANCES and least > 0
    levels = levels_of(findings)
    shown = tuple(level for level in levels if not log or level.value * FAR >= least)
    limits = limits_of(findings, spreads, log=log, levels=shown)
    below = say("floor below", value=written(levels[0].value)) if levels else ""
    title = title_of(findings.measured)
    count, reference = findings.evaluated or (0, "")
    caption = say(
        "quality curve caption",
        metric=capital(title),
        count=count,
        reference=reference,
        better=which_way(findings.study.config) if findings.measured == findings.metric else say("lower"),
        floor=say("floor is") if shown else below,
    ) + cut(spreads, limits)
    heading = say("quality curve", metric=capital(title))
    clock = say(f"clock {findings.over}")
    return Chart("quality_curve", heading, caption, clock, title, series, shown, log, limits)


def levels_of(findings: Findings) -> tuple[Level, ...]:
    """Returns the real-data baselines of the runs' own evaluations: one level if they are about the same for all."""
    floors = findings.floors
    if floors and alike(list(floors.values())):
        return (Level(float(np.median(list(floors.values())))),)
    return tuple(Level(floor, findings.places[name]) for name, floor in floors.items() if name in drawn(findings))


def series_of(findings: Findings, measure: str, *, dots: bool = False) -> tuple[list[Series], dict[str, Spread]]:
    """Returns one measure of every charted variant, averaged over seeds, and the interpolated curves by variant."""
    series, spreads = [], {}
    for name in drawn(findings):
        curves = findings.curves(name, measure)
        results = spread(curves, findings.over)
        if results is None:
            continue
        spreads[name] = results
        low, high = (results.low, results.high) if len(curves) > 1 else (None, None)
        series.append(Series(name, findings.places[name], results.x, results.mean, low, high, dots=dots))
    return series, spreads


def limits_of(
    findings: Findings, spreads: dict[str, Spread], *, log: bool, levels: tuple[Level, ...] = ()
) -> tuple[float, float] | None:
    """Returns limits of y that show nearly all healthy runs; None on a linear scale that shows everything.

    Otherwise a diverging run or a spike would flatten all other curves.
    """
    healthy = [s.name for s in findings.verdict.variants if s.name in spreads and not (s.failed and not s.finished)]
    remaining = [spreads[name] for name in healthy or spreads]
    middle, ends = (
        np.concatenate(part) for part in zip(*((s.mean, [*s.low, *s.high]) for s in remaining), strict=True)
    )
    every = np.array([value for s in spreads.values() for value in (*s.low, *s.high)])
    if log:
        middle, ends, every = np.log(middle), np.log(ends), np.log(every)
    low, high = (float(value) for value in np.quantile(middle, (0.005, 0.995)))
    room = max(high - low, 1e-9 * abs(high), 1e-12)
    if ends.max() - ends.min() > 4 * room:
        low, high = max(float(ends.min()), low - room), min(float(ends.max()), high + room)
    else:
        low, high = float(ends.min()), float(ends.max())
    if every.max() <= high and every.min() >= low and not log:
        return None
    marks = [math.log(level.value) if log else level.value for level in levels]
    low, high = min([low, *marks]) - 0.05 * room, max([high, *marks]) + 0.05 * room
    return (math.exp(low), math.exp(high)) if log else (low, high)


def cut(spreads: dict[str, Spread], limits: tuple[float, float] | None) -> str:
    """Returns a sentence that names the variants beyond the limits."""
    if limits is None:
        return ""
    beyond = [name for name, s in spreads.items() if s.low.min() < limits[0] or s.high.max() > limits[1]]
    return say("cut", names=say("goes" if len(beyond) == 1 else "go", names=listed(beyond))) if beyond else ""


# Budgets, and losses against quality.


def budget_chart(findings: Findings) -> Chart | None:
    """Returns the expected best of several runs; None if no variant has two runs."""
    title, series = measure_of(findings.study.config), []
    long = max((s.seconds * len(s.best_of) for s in findings.verdict.variants), default=0) > 180
    for summary in findings.verdict.variants:
        if len(summary.best_of) > 1 and summary.name in drawn(findings):
            runs = np.arange(1, len(summary.best_of) + 1)
            notes = tuple(say("runs of") + f" {count}" for count in runs)
            minutes = runs * summary.seconds / (60 if long else 1)
            place, best = findings.places[summary.name], np.array(summary.best_of)
            series.append(Series(summary.name, place, minutes, best, notes=notes, dots=True))
    if not series:
        return None
    clock = say("clock minutes" if long else "clock seconds")
    caption = say("best figure", measure=title)
    log = findings.metric in DISTANCES and wide(value for s in series for value in s.y)
    return Chart("expected_best", say("best table"), caption, clock, title, series, log=log)


def scatter_chart(findings: Findings) -> Chart | None:
    """Returns the final generator loss of each finished run against its quality; None without such runs."""
    series, title = [], title_of(findings.metric)
    for name in drawn(findings):
        rows = [row for row in findings.rows if row.variant == name and not row.fresh]
        late = {curve.seed: curve.late_mean() for curve in findings.curves(name, "g_loss")}
        results = [
            (late[row.seed], figure, row.seed)
            for row in rows
            if (figure := row.figures.get(findings.metric)) is not None and row.seed in late
        ]
        if results:
            x, y, seeds = zip(*results, strict=True)
            notes = tuple(say("seed option", seed=str(seed)) for seed in seeds)
            place = findings.places[name]
            series.append(Series(name, place, np.array(x), np.array(y), notes=notes, line=False, dots=True))
    if not series:
        return None
    caption = say("scatter caption", metric=title, better=which_way(findings.study.config))
    log = findings.metric in DISTANCES and wide(value for s in series for value in s.y)
    return Chart("loss_against_quality", say("scatter"), caption, say("final loss"), title, series, log=log)
