"""Charts of a study's report, for its page and for `figures` to plot. Doesn't import torch."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from pocketgan.base.charts.axes import padded
from pocketgan.base.charts.content import Chart, Interval, Intervals, Level, Line
from pocketgan.base.charts.looks import COLOURS, DASHES, look_of
from pocketgan.metrics.words import TITLES
from pocketgan.studies.curves import Spread, spread
from pocketgan.studies.report.findings import Findings
from pocketgan.studies.report.words import capital, listed, say, which_way, written
from pocketgan.studies.sentences import measure_of
from pocketgan.studies.statistics import interquartile_mean

MOST_DRAWN = COLOURS * len(DASHES)
"""Largest number of variants in a chart."""
BANDS = 8
"""Largest number of variants with which bands are shown initially."""
WIDE = 5.0
"""Ratio of the largest to the smallest score at the end of runs from which their scale is logarithmic."""
FAR = 4.0
"""Factor by which the real-data baseline may lie below everything else and still be shown in a chart."""
DISTANCES = tuple(name for name in TITLES if name.endswith("_distance"))
"""Metrics that may have a logarithmic scale."""
HEIGHT, TALL = 250, 340
"""Height of a chart in pixels; that of the quality during training."""


def drawn(findings: Findings) -> list[str]:
    """Returns the variants shown in charts: all, or the first `MOST_DRAWN`."""
    return list(findings.study.variants)[:MOST_DRAWN]


def wide(values: Iterable[float]) -> bool:
    """Returns whether values are so far apart that a logarithmic scale suits them better."""
    known = [float(value) for value in values if math.isfinite(value)]
    return bool(known) and min(known) > 0 and max(known) >= WIDE * min(known)


def charts_of(findings: Findings) -> dict[str, list[Chart | Intervals]]:
    """Returns the nonempty charts of a study, grouped by the legend that they belong to."""
    groups: dict[str, list[Chart | Intervals | None]] = {
        "quality": [quality_chart(findings)],
        "budget": [budget_chart(findings)],
        "curves": [*curve_charts(findings)],
        "scatter": [scatter_chart(findings)],
    }
    return {name: [chart for chart in charts if chart is not None] for name, charts in groups.items()}


# Quality at the end.


def quality_chart(findings: Findings) -> Intervals | None:
    """Returns each variant's scores and interval, then those on confirmation seeds; None without a finished run."""
    rows = []
    verdict, metric = findings.verdict, findings.metric
    shown = drawn(findings)
    for summary in verdict.variants:
        values = [value for result in summary.finished if (value := result.figures.get(metric)) is not None]
        if summary.name not in shown or summary.mean is None:
            continue
        low, high = (summary.quality.low, summary.quality.high) if summary.quality else (summary.mean, summary.mean)
        look = look_of(findings.places[summary.name])
        rows.append(Interval(summary.name, values, summary.mean, low, high, look))
        if summary.name == verdict.chosen and verdict.fresh:
            mean, results = interquartile_mean(verdict.fresh), verdict.confirmed
            low, high = (results.low, results.high) if results else (mean, mean)
            rows.append(Interval(say("fresh"), verdict.fresh, mean, low, high, look, hollow=True))
    if not rows:
        return None
    floor, title = end_floor(findings), findings.title(metric)
    ends = [value for row in rows for value in (*row.dots, row.low, row.high)]
    near = floor is not None and floor * FAR >= min(ends)
    message = "" if floor is None else say("floor is") if near else say("floor below", value=written(floor))
    caption = say("quality figure", metric=capital(title), better=which_way(findings.study.config), floor=message)
    log = metric in DISTANCES and wide([*ends, floor] if floor is not None and near else ends)
    level = Level(floor) if floor is not None and near else None
    return Intervals(capital(title), title, rows, level, log, name="quality", caption=caption)


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
        lines, spreads = lines_of(findings, measure)
        if lines:
            limits = (-0.02, 1.02) if share else limits_of(findings, spreads, log=False)
            caption = say(f"{measure} caption") + cut(spreads, limits)
            charts.append(
                Chart(
                    say(measure), say(f"clock {findings.over}"), say(measure).lower(), lines,
                    (Level(0.5),) if share else (), percent=share, limits=limits, start=0.0,
                    height=HEIGHT, detailed=True, name=measure, caption=caption,
                )
            )  # fmt: skip
    return [chart for chart in charts if chart is not None]


def quality_curve(findings: Findings) -> Chart | None:
    """Returns the quality measured during training, with the real-data baseline; None without evaluations."""
    lines, spreads = lines_of(findings, findings.measured, dots=True)
    if not lines:
        return None
    least = min(float(result.low.min()) for result in spreads.values())
    log = findings.measured in DISTANCES and least > 0
    levels = levels_of(findings)
    shown = tuple(level for level in levels if not log or level.value * FAR >= least)
    limits = limits_of(findings, spreads, log=log, levels=shown)
    below = say("floor below", value=written(levels[0].value)) if levels else ""
    title = findings.title(findings.measured)
    count, reference = findings.evaluated or (0, "")
    caption = say(
        "quality curve caption",
        metric=capital(title),
        count=count,
        reference=reference,
        better=which_way(findings.study.config) if findings.measured == findings.metric else say("lower"),
        floor=say("floor is") if shown else below,
    ) + cut(spreads, limits)
    return Chart(
        say("quality curve", metric=capital(title)), say(f"clock {findings.over}"), title, lines, shown,
        log=log, limits=limits, start=0.0, height=TALL, detailed=True, name="quality_curve", caption=caption,
    )  # fmt: skip


def levels_of(findings: Findings) -> tuple[Level, ...]:
    """Returns the real-data baselines of the runs' own evaluations: one level if they are about the same for all."""
    floors = findings.floors
    if floors and alike(list(floors.values())):
        return (Level(float(np.median(list(floors.values())))),)
    places = {name: findings.places[name] for name in drawn(findings) if name in floors}
    return tuple(Level(floors[name], look=look_of(place), place=place) for name, place in places.items())


def lines_of(findings: Findings, measure: str, *, dots: bool = False) -> tuple[list[Line], dict[str, Spread]]:
    """Returns one measure of every charted variant, averaged over seeds, and the interpolated curves by variant."""
    lines, spreads = [], {}
    for name in drawn(findings):
        curves = findings.curves(name, measure)
        results = spread(curves, findings.over)
        if results is None:
            continue
        spreads[name] = results
        low, high = (results.low, results.high) if len(curves) > 1 else (None, None)
        place = findings.places[name]
        lines.append(Line(name, results.x, results.mean, look_of(place), low, high, dots=dots, place=place))
    return lines, spreads


def limits_of(
    findings: Findings, spreads: dict[str, Spread], *, log: bool, levels: tuple[Level, ...] = ()
) -> tuple[float, float]:
    """Returns limits of y that show nearly all healthy runs; a diverging run or a spike would flatten all curves."""
    healthy = [s.name for s in findings.verdict.variants if s.name in spreads and not (s.failed and not s.finished)]
    remaining = [spreads[name] for name in healthy or spreads]
    middle, ends = (
        np.concatenate(part) for part in zip(*((s.mean, [*s.low, *s.high]) for s in remaining), strict=True)
    )
    if log:
        middle, ends = np.log(middle), np.log(ends)
    low, high = (float(value) for value in np.quantile(middle, (0.005, 0.995)))
    room = max(high - low, 1e-9 * abs(high), 1e-12)
    if ends.max() - ends.min() > 4 * room:
        low, high = max(float(ends.min()), low - room), min(float(ends.max()), high + room)
    else:
        low, high = float(ends.min()), float(ends.max())
    marks = [math.log(level.value) if log else level.value for level in levels]
    low, high = padded(min([low, *marks]), max([high, *marks]))
    return (math.exp(low), math.exp(high)) if log else (low, high)


def cut(spreads: dict[str, Spread], limits: tuple[float, float]) -> str:
    """Returns a sentence that names the variants beyond the limits; empty if there are none."""
    beyond = [name for name, s in spreads.items() if s.low.min() < limits[0] or s.high.max() > limits[1]]
    return say("cut", names=say("goes" if len(beyond) == 1 else "go", names=listed(beyond))) if beyond else ""


# Budgets, and losses against quality.


def budget_chart(findings: Findings) -> Chart | None:
    """Returns the expected best of several runs; None if no variant has two runs."""
    title, lines = measure_of(findings.study.config), []
    long = max((s.seconds * len(s.best_of) for s in findings.verdict.variants), default=0) > 180
    for summary in findings.verdict.variants:
        if len(summary.best_of) > 1 and summary.name in drawn(findings):
            runs = np.arange(1, len(summary.best_of) + 1)
            notes = tuple(say("runs of") + f" {count}" for count in runs)
            minutes = runs * summary.seconds / (60 if long else 1)
            place, best = findings.places[summary.name], np.array(summary.best_of)
            look = look_of(place)
            lines.append(Line(summary.name, minutes, best, look, notes=notes, dots=True, place=place))
    if not lines:
        return None
    clock = say("clock minutes" if long else "clock seconds")
    caption = say("best figure", measure=title)
    log = findings.metric in DISTANCES and wide(value for line in lines for value in line.y)
    return Chart(
        say("best table"), clock, title, lines,
        log=log, start=0.0, height=HEIGHT, detailed=True, name="expected_best", caption=caption,
    )  # fmt: skip


def scatter_chart(findings: Findings) -> Chart | None:
    """Returns the final generator loss of each finished run against its quality; None without such runs."""
    lines, title = [], findings.title(findings.metric)
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
            points = np.array(x), np.array(y)
            lines.append(Line(name, *points, look_of(place), notes=notes, joined=False, dots=True, place=place))
    if not lines:
        return None
    caption = say("scatter caption", metric=title, better=which_way(findings.study.config))
    log = findings.metric in DISTANCES and wide(value for line in lines for value in line.y)
    return Chart(
        say("scatter"), say("final loss"), title, lines,
        log=log, height=HEIGHT, detailed=True, name="loss_against_quality", caption=caption,
    )  # fmt: skip
