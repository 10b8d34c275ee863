"""Curves from the logs of a study's runs: losses, accuracies and the runs' own evaluations."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pocketgan.runs.run import Run
from pocketgan.studies.study import Study

POINTS = 200
"""Largest number of points in a curve that is displayed or compared."""
HELD = 0.03
"""Share of the whole length by which a curve may end before the longest one and still count as complete."""
LOSSES = ("d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy")
"""Columns of `stats.jsonl`; every other measure comes from `metrics.jsonl`."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One measure of one run, as logged.

    Attributes:
        variant, seed: variant and seed of the run.
        measure: a column of `stats.jsonl` or `metrics.jsonl`.
        steps, seconds, values: shape (n,), n ≥ 1, finite; the steps are ascending.
    """

    variant: str
    seed: int
    measure: str
    steps: Numbers
    seconds: Numbers
    values: Numbers

    def over(self, clock: str) -> Numbers:
        """Returns the steps, or the seconds."""
        return self.steps if clock == "step" else self.seconds

    def thinned(self, points: int = POINTS) -> "Curve":
        """Returns the curve averaged over at most `points` blocks."""
        if len(self.steps) <= points:
            return self
        columns = (self.steps, self.seconds, self.values)
        steps, seconds, values = (
            np.array([block.mean() for block in np.array_split(column, points)]) for column in columns
        )
        return Curve(self.variant, self.seed, self.measure, steps, seconds, values)

    def late_mean(self, share: float = 0.2) -> float:
        """Returns the mean over the last part of the curve's steps, by default the last fifth."""
        late = self.steps >= self.steps[0] + (1 - share) * (self.steps[-1] - self.steps[0])
        return float(self.values[late].mean())


@dataclass(frozen=True)
class RunLog:
    """Log of one run.

    Attributes:
        variant, seed: variant and seed of the run.
        run: the run.
        evaluations: the run's own evaluations, oldest first.
        curves: curves by measure, for measures with a finite value.
    """

    variant: str
    seed: int
    run: Run
    evaluations: list[dict[str, Any]]
    curves: dict[str, Curve]


@dataclass(frozen=True)
class Spread:
    """Curves of several seeds, interpolated at common points.

    Attributes:
        x: steps or seconds, shape (points,).
        values: shape (seeds, points); not a number where a curve has ended.
    """

    x: Numbers
    values: Numbers

    @property
    def mean(self) -> Numbers:
        """The mean over seeds, shape (points,)."""
        return np.nanmean(self.values, axis=0)

    @property
    def low(self) -> Numbers:
        """The minimum over seeds, shape (points,)."""
        return np.nanmin(self.values, axis=0)

    @property
    def high(self) -> Numbers:
        """The maximum over seeds, shape (points,)."""
        return np.nanmax(self.values, axis=0)


def clock_of(study: Study) -> str:
    """Returns the horizontal axis of curves: `step`, or `seconds` if steps of the variants aren't comparable."""
    kinds = {(config.recipe, config.train.batch_size) for config in study.variants.values()}
    return "step" if len(kinds) <= 1 else "seconds"


def read_logs(study: Study) -> list[RunLog]:
    """Reads the logs of a study's started runs, except those on confirmation seeds."""
    logs = []
    for job in study.jobs():
        run = job.run()
        if run is None:
            continue
        stats, evaluations = run.stats(), run.metrics()
        rows = dict.fromkeys(LOSSES, stats) | dict.fromkeys((study.config.metric, "frechet_distance"), evaluations)
        curves = {measure: curve_of(job.variant, job.seed, measure, result) for measure, result in rows.items()}
        known = {measure: curve for measure, curve in curves.items() if curve is not None}
        logs.append(RunLog(job.variant, job.seed, run, evaluations, known))
    return logs


def curve_of(variant: str, seed: int, measure: str, rows: list[dict[str, Any]]) -> Curve | None:
    """Returns one measure of a run's rows as a curve; None if no row has a finite value."""
    columns: list[list[Any]] = [[row.get(name) for name in ("step", "seconds", measure)] for row in rows]
    numbers = [row for row in columns if all(isinstance(value, int | float) for value in row)]
    results = {step: (seconds, value) for step, seconds, value in numbers if math.isfinite(step + seconds + value)}
    if not results:
        return None
    steps, seconds, values = np.array([(step, *results[step]) for step in sorted(results)], dtype=float).T
    return Curve(variant, seed, measure, steps, seconds, values)


def curves_of(logs: list[RunLog], variant: str, measure: str) -> list[Curve]:
    """Returns one measure of a variant's runs, one curve per seed, without runs that lack it."""
    return [log.curves[measure] for log in logs if log.variant == variant and measure in log.curves]


def spread(curves: list[Curve], clock: str) -> Spread | None:
    """Interpolates curves at common points; each counts only for its own range.

    Args:
        curves: curves of one measure.
        clock: `step` or `seconds`.

    Returns:
        The interpolated curves; None if there are none.
    """
    if not curves:
        return None
    curves = [curve.thinned() for curve in curves]
    places = [curve.over(clock) for curve in curves]
    x = np.unique(np.concatenate(places))
    if len(x) > POINTS or clock != "step":
        x = np.linspace(x[0], x[-1], min(POINTS, max(map(len, places))))
    slack = HELD * (x[-1] - x[0])
    values = np.array(
        [
            np.where((x >= at[0] - slack) & (x <= at[-1] + slack), np.interp(x, at, curve.values), np.nan)
            for at, curve in zip(places, curves, strict=True)
        ]
    )
    there = ~np.isnan(values).all(axis=0)
    return Spread(x[there], values[:, there])


def before_each(curves: list[Curve], steps: Numbers, read: Callable[..., float]) -> Numbers:
    """Computes a value from curves for the stretch before each of some steps.

    Args:
        curves: curves of one run.
        steps: shape (n,), ascending.
        read: computes the value from the mean of each curve over a stretch.

    Returns:
        Shape (n,); not a number where a curve has no point in the stretch.
    """
    values, before = [], -math.inf
    for step in steps:
        parts = [curve.values[(curve.steps > before) & (curve.steps <= step)] for curve in curves]
        values.append(read(*(part.mean() for part in parts)) if all(len(part) for part in parts) else math.nan)
        before = step
    return np.array(values)
