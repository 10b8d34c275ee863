"""Statistics of a study, in which every variant is run with the same seeds.

The test is exact, so the number of seeds that a study needs is known before the first run (`seeds.py`).
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, nct, norm, permutation_test, rankdata, t, trim_mean

from pocketgan.studies.seeds import check_share, fewest_seeds

Values = Sequence[float] | NDArray[np.floating]
Verdict = Literal["better", "worse", "no difference shown"]
FLIPS = 2**16
"""Largest number of sign patterns in a permutation test: all patterns of 16 pairs."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval from `low` to `high` around the estimate, an interquartile mean."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class PairComparison:
    """Comparison of the scores of two variants.

    Attributes:
        first: the variant that is judged.
        second: the variant it is compared with.
        pairs: the number of seeds for which neither run failed.
        difference: interval of first minus second over those seeds, at 0.95, uncorrected; None below 3 pairs.
        p_value: p-value of the paired permutation test; 1 without pairs.
        adjusted: p-value after Holm's correction for all simultaneous comparisons.
        probability: probability that a run of `first` is better than a run of `second`, with failed runs, in [0, 1].
        verdict: the verdict on `first`.
        seeds_needed: number of seeds that would show the observed difference; None if a difference is shown, or as
            explained in `seeds_needed`.
    """

    first: str
    second: str
    pairs: int
    difference: Interval | None
    p_value: float
    adjusted: float
    probability: float
    verdict: Verdict
    seeds_needed: int | None


def interquartile_mean(values: Values) -> float:
    """Returns the mean of (n,) finite values without the ⌊n/4⌋ smallest and largest (Agarwal et al. 2021)."""
    return float(trim_mean(_numbers("values", values), 0.25))


def interval(values: Values, *, confidence: float = 0.95, seed: int = 0, resamples: int = 9999) -> Interval | None:
    """Returns a bootstrap confidence interval of the interquartile mean, calibrated for few values.

    The interval extends from the estimate to the percentiles of the bootstrap, with both lengths multiplied by t/z:
    Student's t with n − 1 degrees of freedom over the normal z. At n = 3, where nothing is trimmed, they are also
    multiplied by √(n/(n − 1)). This is Hesterberg's correction for few values (2015), applied to the lengths.
    Hesterberg moves the percentiles outwards, but percentiles can't exceed the data, and the smallest and largest of 5
    values enclose the median only 93.75% of the time.

    At 0.95, simulated intervals of 3 to 40 values contain the true value in 94% to 97% of cases. The values were
    normal, or lognormal with σ = 0.5. The percentiles alone contain it in 75% of cases at n = 3 and in 90% at n = 5.

    Args:
        values: (n,), finite.
        confidence: in (0, 1).
        seed, resamples: of the bootstrap; at least 1 resample.

    Returns:
        The interval, with width 0 if all values are equal; None below 3 values.

    Raises:
        ValueError: a value isn't finite, or an argument is out of range.
    """
    values = _numbers("values", values, least=0)
    check_share("confidence", confidence)
    if resamples < 1:
        raise ValueError(f"resamples: {resamples}; expected 1 or more")
    n = len(values)
    if n < 3:
        return None
    if (values == values[0]).all():
        return Interval(float(values[0]), float(values[0]), float(values[0]))
    percentiles = bootstrap(
        (values,),
        lambda sample, axis: trim_mean(sample, 0.25, axis=axis),
        n_resamples=resamples,
        vectorized=True,
        confidence_level=confidence,
        method="percentile",
        random_state=np.random.default_rng(seed),  # pyright: ignore[reportCallIssue]
    ).confidence_interval
    tail = (1 - confidence) / 2
    stretch = float(t.isf(tail, n - 1) / norm.isf(tail)) * (math.sqrt(n / (n - 1)) if n < 4 else 1)
    estimate = interquartile_mean(values)
    low = min(estimate + stretch * float(percentiles.low - estimate), estimate)
    high = max(estimate + stretch * float(percentiles.high - estimate), estimate)
    return Interval(estimate, low, high)


def permutation_p_value(differences: Values) -> float:
    """Returns the two-sided p-value of the paired permutation test of the mean of differences (n,), n ≥ 1, finite.

    The p-value is the share of all sign patterns whose mean is at least as far from 0 as the observed mean. Without a
    true difference, each difference could equally well have the other sign (Fisher 1935). It lies in [2 / 2**n, 1], and
    is 1 if all differences are 0. It is exact up to 16 pairs. Above that, it is computed from 65,536 patterns drawn
    with a fixed seed, so that it is at least 3e-5.
    """
    differences = _numbers("differences", differences)
    if len(differences) < 2 or not differences.any():
        return 1.0
    test = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=FLIPS,
        random_state=np.random.default_rng(0),  # pyright: ignore[reportCallIssue]
    )
    return float(test.pvalue)


def holm(p_values: Values) -> list[float]:
    """Returns p-values (m,), m ≥ 0, with Holm's step-down adjustment (1979), in the same order, in [0, 1].

    Rejecting all adjusted p-values up to a level causes an error in at most that share of studies.
    """
    values = _numbers("p_values", p_values, least=0)
    if ((values < 0) | (values > 1)).any():
        raise ValueError(f"p_values: {values.min():g} to {values.max():g}; expected numbers from 0 to 1")
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted.tolist()


def probability_better(
    first: Sequence[float | None], second: Sequence[float | None], *, lower_is_better: bool = True
) -> float:
    """Returns the probability that a run of `first` is better than a run of `second` (Agarwal et al. 2021).

    Args:
        first, second: (n,) and (m,), n, m ≥ 1; finite numbers, or None for a failed run.
        lower_is_better: whether smaller numbers are better.

    Returns:
        The share of all n · m pairs, in [0, 1], in which the first is better. Ties count half. A failed run is worse
        than any number, and two failed runs tie.
    """
    ours, theirs = _costs("first", first, lower_is_better)[:, None], _costs("second", second, lower_is_better)
    return float((ours < theirs).mean() + (ours == theirs).mean() / 2)


def seeds_needed(differences: Values, comparisons: int, *, power: float = 0.8, level: float = 0.05) -> int | None:
    """Returns the number of seeds that would show the observed difference, if it is the true one.

    The number comes from the power of the paired t test at level / comparisons (noncentral t), which is close to that
    of the permutation test; it is at least `fewest_seeds`. It inherits the noise of the observed difference, so it is
    only an order of magnitude.

    Args:
        differences: (n,), finite.
        comparisons: number of simultaneous comparisons, at least 1.
        power: the probability of showing the difference, in (0, 1).
        level: the share of studies that may err, in (0, 1).

    Returns:
        The number of seeds; None if there are fewer than 2 differences, their mean is 0, or 10,000 seeds aren't enough.
    """
    differences = _numbers("differences", differences, least=0)
    check_share("power", power)
    fewest = fewest_seeds(comparisons, level)
    if len(differences) < 2 or differences.mean() == 0:
        return None
    mean, deviation = abs(float(differences.mean())), float(differences.std(ddof=1))
    effect = mean / deviation if deviation > mean / 10 else 10.0

    def enough(n: int) -> bool:
        limit = t.isf(level / comparisons / 2, n - 1)
        return bool(nct.sf(limit, n - 1, effect * math.sqrt(n)) >= power)

    sizes = range(fewest, 10_001)
    place = bisect_left(sizes, True, key=enough)
    return sizes[place] if place < len(sizes) else None


def compare(
    figures: Mapping[str, Sequence[float | None]],
    *,
    lower_is_better: bool = True,
    level: float = 0.05,
    against: str | None = None,
) -> list[PairComparison]:
    """Compares variants, and shows which ones are better than others.

    Each pair is tested by `permutation_p_value` on the seeds for which neither run failed, and all p-values are
    adjusted by `holm`. Of studies whose variants don't differ, at most a share `level` shows any difference. A variant
    that fails on hard seeds isn't tested on them, so consider `probability` too, in which failed runs count.

    Args:
        figures: scores of each variant, one per seed in the same order; None for a failed run.
        lower_is_better: whether smaller scores are better.
        level: the share of studies that may err, in (0, 1).
        against: the variant that each other one is compared with; without it, all pairs are compared.

    Returns:
        Comparisons (first, second) in the order of `figures`, or (other, `against`).

    Raises:
        ValueError: there are fewer than 2 variants, a variant doesn't have one score per seed, a score isn't finite, or
            `against` isn't a variant.
    """
    check_share("level", level)
    _check_figures(figures)
    if against is not None and against not in figures:
        raise ValueError(f"against: {against!r}; expected one of {', '.join(figures)}")
    pairs = list(combinations(figures, 2)) if against is None else [(n, against) for n in figures if n != against]
    differences = [_differences(figures[first], figures[second]) for first, second in pairs]
    p_values = [permutation_p_value(result) if len(result) else 1.0 for result in differences]
    comparisons = []
    for (first, second), result, p_value, adjusted in zip(pairs, differences, p_values, holm(p_values), strict=True):
        probability = probability_better(figures[first], figures[second], lower_is_better=lower_is_better)
        verdict, needed = "no difference shown", None
        if adjusted <= level:
            verdict = "better" if (result.mean() < 0) == lower_is_better else "worse"
        elif (needed := seeds_needed(result, len(pairs), level=level)) is not None:
            needed = max(needed, len(result) + 1)
        comparisons.append(
            PairComparison(
                first, second, len(result), interval(result), p_value, adjusted, probability, verdict, needed
            )
        )
    return comparisons


def expected_best(values: Values, count: int, *, lower_is_better: bool = True) -> float:
    """Returns the mean of the best of `count` runs, over all choices of `count` runs among these.

    The result is exact, by order statistics, for (n,) finite values and a count from 1 to n. Runs are drawn without
    replacement, which is unbiased. Dodge et al. 2019 draw with replacement, which makes the best of n look worse than
    it is.
    """
    ranked = np.sort(_numbers("values", values))
    ranked = ranked if lower_is_better else ranked[::-1]
    n = len(ranked)
    if not 1 <= count <= n:
        raise ValueError(f"count: {count}; expected 1 to {n}, the number of values")
    chances = [math.comb(n - 1 - rank, count - 1) / math.comb(n, count) for rank in range(n)]
    return float(np.dot(chances, ranked))


def variation_within(steps: Values, values: Values, *, warm_up: float = 0.2) -> float:
    """Returns the variation of one curve: its standard deviation around a straight line, relative to its mean.

    Args:
        steps: (n,), finite and increasing.
        values: (n,); values that aren't finite are ignored.
        warm_up: the share of points at the beginning that is ignored, in [0, 1).

    Returns:
        A number of at least 0, with n − 2 degrees of freedom; NaN if fewer than 3 values remain, or their mean is 0.
    """
    steps, values = _numbers("steps", steps, least=0), np.asarray(values, dtype=float)
    if values.shape != steps.shape or (np.diff(steps) <= 0).any():
        raise ValueError(f"steps: {len(steps)} for {len(values)} values; expected one for each, increasing")
    start = _start(len(steps), warm_up)
    remaining = np.isfinite(values[start:])
    steps, values = steps[start:][remaining], values[start:][remaining]
    if len(values) < 3 or values.mean() == 0:
        return math.nan
    steps = steps - steps.mean()
    residuals = values - np.polyval(np.polyfit(steps, values, 1), steps)
    return float(np.sqrt((residuals**2).sum() / (len(values) - 2)) / abs(values.mean()))


def variation_between(curves: Sequence[Values], *, warm_up: float = 0.2) -> float:
    """Returns the variation between curves of several seeds: their standard deviation, averaged over the steps.

    Args:
        curves: (seeds, n), at least 2 seeds, at the same steps; values that aren't finite are ignored, and so are steps
            with fewer than two finite values.
        warm_up: the share of steps at the beginning that is ignored, in [0, 1).

    Returns:
        The standard deviation relative to the mean, at least 0, with seeds − 1 degrees of freedom; NaN if no step
        remains, or the mean is 0.
    """
    lengths = {len(curve) for curve in curves}
    if len(curves) < 2 or len(lengths) > 1:
        raise ValueError(f"curves: {len(curves)}, {len(lengths)} lengths; expected 2 or more, all of the same length")
    values = np.asarray(curves, dtype=float)
    values = values[:, _start(values.shape[1], warm_up) :]
    values = np.where(np.isfinite(values), values, np.nan)
    values = values[:, np.isfinite(values).sum(axis=0) >= 2]
    if not values.size or (mean := float(np.nanmean(values, axis=0).mean())) == 0:
        return math.nan
    return float(np.nanstd(values, axis=0, ddof=1).mean()) / abs(mean)


def rank_correlation(first: Sequence[float | None], second: Sequence[float | None]) -> float | None:
    """Returns Spearman's correlation, in [-1, 1], of two quantities (n,) over the runs in which neither is None.

    The result is None for fewer than 3 such runs, or if one of the quantities is constant over them.
    """
    if len(first) != len(second):
        raise ValueError(f"second: {len(second)} figures; expected {len(first)}, one for each run")
    runs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    ours, theirs = _numbers("first", [a for a, _ in runs], 0), _numbers("second", [b for _, b in runs], 0)
    if len(runs) < 3 or (ours == ours[0]).all() or (theirs == theirs[0]).all():
        return None
    return float(np.corrcoef(rankdata(ours), rankdata(theirs))[0, 1])


def known(value: float) -> float | None:
    """Returns a number, or None if it isn't finite."""
    return value if math.isfinite(value) else None


def correlated(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Returns the rank correlation of two columns, (n,), where the first is finite; None if it is undefined."""
    there = np.isfinite(first)
    return rank_correlation(first[there].tolist(), second[there].tolist())


def _numbers(name: str, values: Values, least: int = 1) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) < least or not np.isfinite(array).all():
        text = f"shape {array.shape}, {int((~np.isfinite(array)).sum())} not finite"
        raise ValueError(f"{name}: {text}; expected a list of {least} or more finite numbers")
    return array


def _costs(name: str, figures: Sequence[float | None], lower_is_better: bool) -> NDArray[np.float64]:
    """Returns scores for which lower is better, with infinity for failed runs."""
    if not len(figures):
        raise ValueError(f"{name}: no runs; expected 1 or more")
    _numbers(name, [figure for figure in figures if figure is not None], least=0)
    sign = 1 if lower_is_better else -1
    return np.array([math.inf if figure is None else sign * figure for figure in figures], dtype=np.float64)


def _differences(first: Sequence[float | None], second: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([a - b for a, b in zip(first, second, strict=True) if a is not None and b is not None], dtype=float)


def _start(length: int, warm_up: float) -> int:
    if not 0 <= warm_up < 1:
        raise ValueError(f"warm_up: {warm_up}; expected a number from 0 to below 1")
    return round(warm_up * length)


def _check_figures(figures: Mapping[str, Sequence[float | None]]) -> None:
    if len(figures) < 2:
        raise ValueError(f"figures: of {len(figures)} variants; expected 2 or more")
    seeds = len(next(iter(figures.values())))
    for name, values in figures.items():
        if len(values) != seeds or not seeds:
            raise ValueError(f"figures[{name!r}]: {len(values)}; expected {seeds or '1 or more'}, one for each seed")
        _numbers(f"figures[{name!r}]", [value for value in values if value is not None], least=0)
