"""What a study's runs logged, as curves: one a run, or on common steps over all seeds."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pocketgan.studies import Study

POINTS = 200
"""Points of a curve on common steps."""
LOSSES = ("d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy")
"""Columns of `stats.jsonl`; everything else is looked up in `metrics.jsonl`."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One measure of one run, as it was logged.

    Attributes:
        seed: of the run.
        x: steps or seconds, shape (n,), rising.
        values: shape (n,), finite.
    """

    seed: int
    x: Numbers
    values: Numbers


@dataclass(frozen=True)
class Band:
    """One measure of all runs of a variant, at common places.

    Attributes:
        x: steps or seconds, shape (points,).
        values: shape (seeds, points).
    """

    x: Numbers
    values: Numbers


def clock_of(study: Study) -> str:
    """Returns what the variants' curves are drawn over: `step`, or `seconds` where their steps aren't alike."""
    kinds = {(config.recipe, config.train.batch_size) for config in study.variants.values()}
    return "step" if len(kinds) <= 1 else "seconds"


def read_curves(study: Study, variant: str, key: str, *, over: str = "step") -> list[Curve]:
    """Reads one measure of a variant's runs, one curve a seed, without those that have none.

    Args:
        study: the study.
        variant: its name.
        key: a column of `stats.jsonl` or `metrics.jsonl`.
        over: `step` or `seconds`.
    """
    curves = []
    for seed in study.seeds():
        run = study.job(variant, seed).run()
        rows = [] if run is None else run.stats() if key in LOSSES else run.metrics()
        known = {row[over]: row[key] for row in rows if isinstance(row.get(key), int | float)}
        points = sorted((x, value) for x, value in known.items() if math.isfinite(value))
        if points:
            x, values = np.array(points, dtype=float).T
            curves.append(Curve(seed, x, values))
    return curves


def band(curves: list[Curve], points: int = POINTS) -> Band | None:
    """Brings curves to common places: means of blocks where they have many points, lines between where they have few.

    Curves that broke off before half of the longest are left out.

    Returns:
        None where there are no curves, or none with two points.
    """
    longest = max((curve.x[-1] for curve in curves), default=0.0)
    curves = [curve for curve in curves if len(curve.x) > 1 and curve.x[-1] >= longest / 2]
    if not curves:
        return None
    first, last = max(curve.x[0] for curve in curves), min(curve.x[-1] for curve in curves)
    count = min(points, max(len(curve.x) for curve in curves))
    x = np.linspace(first, last, count)
    return Band(x, np.array([_at(curve, x) for curve in curves]))


def _at(curve: Curve, x: Numbers) -> Numbers:
    if len(curve.x) <= 2 * len(x):
        return np.interp(x, curve.x, curve.values)
    edges = np.concatenate([[-np.inf], (x[1:] + x[:-1]) / 2, [np.inf]])
    block = np.searchsorted(edges, curve.x) - 1
    sums = np.bincount(block, curve.values, minlength=len(x))
    counts = np.bincount(block, minlength=len(x))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.interp(x, curve.x, curve.values))


def late_mean(curve: Curve, share: float = 0.2) -> float:
    """Returns the mean of a curve over the last part of its length."""
    late = curve.x >= curve.x[0] + (1 - share) * (curve.x[-1] - curve.x[0])
    return float(curve.values[late].mean())
