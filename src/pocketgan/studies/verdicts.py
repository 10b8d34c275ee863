"""Verdict of a study: each variant's quality with its interval, the differences, and the readings of the losses.

This module reads a study's folder; the tests and intervals are in `statistics.py`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pocketgan.studies.config import StudyConfig
from pocketgan.studies.curves import Curve, Numbers, RunLog, before_each, clock_of, curves_of, read_logs, spread
from pocketgan.studies.statistics import (
    Interval,
    PairComparison,
    compare,
    correlated,
    expected_best,
    holm,
    interquartile_mean,
    interval,
    known,
    permutation_p_value,
    rank_correlation,
    seeds_needed,
    variation_between,
    variation_within,
)
from pocketgan.studies.study import Result, Study

LEVEL = 0.05
TOGETHER = "all variants together"
"""Name of a comparison of intermediate evaluations over the runs of all variants."""
BUDGETS = 10
"""Largest number of runs for which the expected best is computed."""


@dataclass(frozen=True)
class VariantSummary:
    """Summary of one variant of a study.

    Attributes:
        name: the variant's name.
        results: results of its runs in the order of the seeds; None for a run without a result.
        quality: interquartile mean of the deciding metric over finished runs, with its interval; None for few runs.
        mean: the interquartile mean alone, also for too few runs for an interval.
        seconds: training time alone, the median over runs.
        within, between: variation of the measured quality within a run after warm-up and between seeds, or None.
        loss_within, loss_between: the same for the generator's loss.
        best_of: expected best of the ranked values of 1, 2, … runs.
    """

    name: str
    results: Sequence[Result | None]
    quality: Interval | None
    mean: float | None
    seconds: float
    within: float | None
    between: float | None
    loss_within: float | None
    loss_between: float | None
    best_of: list[float] = field(default_factory=list)

    @property
    def finished(self) -> list[Result]:
        """The results of finished runs."""
        return [result for result in self.results if result is not None and result.state == "finished"]

    @property
    def failed(self) -> int:
        """The number of failed runs."""
        return sum(result is not None and result.state == "failed" for result in self.results)

    @property
    def diagnoses(self) -> Counter[str]:
        """Number of runs with each diagnosis of the watchdog."""
        return Counter(name for result in self.results if result is not None for name in result.diagnoses)


@dataclass(frozen=True)
class Moment:
    """Comparison of a variant's quality at an intermediate evaluation and at the end of its runs.

    Attributes:
        variant: the variant's name.
        step: the step of the intermediate evaluation.
        then, end: the mean score at that step and at the end, by the runs' own evaluations.
        difference: interval of end minus then of the ranked values, over runs; None below three runs.
        adjusted: p-value, adjusted by Holm over variants and steps (unadjusted for all variants together).
        verdict: the verdict on the end: `better`, `worse` or `no difference shown`.
        worse_in: number of runs in which the end is worse.
        runs: number of runs.
    """

    variant: str
    step: int
    then: float
    end: float
    difference: Interval | None
    adjusted: float
    verdict: str
    worse_in: int
    runs: int


@dataclass(frozen=True)
class Reading:
    """A reading of the curves that could replace measuring, and its agreement with the measured quality.

    Attributes:
        name: the criterion, such as "a lower generator loss".
        favours: the variant that this reading prefers; None in studies of one variant.
        over_runs: rank correlation with quality over runs: 1 if it finds the better run, −1 if it finds the worse.
        within_runs: the same over the evaluations of a run, averaged over runs.
    """

    name: str
    favours: str | None
    over_runs: float | None
    within_runs: float | None


@dataclass(frozen=True)
class Verdict:
    """All results of a study.

    Attributes:
        study: the study.
        variants: a summary of each variant.
        comparisons: comparisons of variants that were measured against the same images.
        moments: comparisons of intermediate evaluations with the end.
        readings: readings of the curves.
        chosen: the best variant, or None.
        confirmed: its quality on confirmation seeds, or None.
        fresh: the scores of those runs.
    """

    study: Study
    variants: list[VariantSummary]
    comparisons: list[PairComparison]
    moments: list[Moment]
    readings: list[Reading]
    chosen: str | None
    confirmed: Interval | None
    fresh: list[float]

    @property
    def unconfirmed(self) -> int:
        """Number of the chosen variant's runs on confirmation seeds without a result."""
        fresh = [] if self.chosen is None else self.study.fresh_jobs(self.chosen)
        return sum(job.result() is None for job in fresh)

    @property
    def without_base(self) -> str | None:
        """The variant to compare with, if none of its runs has a score although others have; else None."""
        base = self.study.config.compare_with
        known = {summary.name for summary in self.variants if summary.mean is not None}
        return base if base is not None and base not in known and known else None

    @property
    def undone(self) -> int:
        """Number of runs without a result; in a search with a shared storage, only runs started by this folder."""
        left = sum(result is None for summary in self.variants for result in summary.results)
        local_search = self.study.config.search == "tpe" and not self.study.config.storage
        return left + (max(0, self.study.config.trials - len(self.variants)) if local_search else 0)


def judge(study: Study, logs: list[RunLog] | None = None) -> Verdict:
    """Reads a study's folder and computes its verdict.

    Args:
        study: a complete or incomplete study.
        logs: the value of `read_logs(study)`, if already known.
    """
    logs = read_logs(study) if logs is None else logs
    results = study.results()
    chosen = chosen_variant(study)
    fresh = [] if chosen is None else fresh_figures(study, chosen)
    ended = [log for log in logs if is_finished(results[log.variant][study.seeds().index(log.seed)])]
    return Verdict(
        study=study,
        variants=[summarise(study, name, result, logs) for name, result in results.items()],
        comparisons=[] if study.config.search == "tpe" else compare_groups(study),
        moments=find_moments(study, ended),
        readings=find_readings(study, ended),
        chosen=chosen,
        confirmed=interval(fresh) if len(fresh) > 2 else None,
        fresh=fresh,
    )


def is_finished(result: Result | None) -> bool:
    """Returns whether a run is finished."""
    return result is not None and result.state == "finished"


def compare_groups(study: Study) -> list[PairComparison]:
    """Compares the variants of each group with each other, or with the study's `compare_with` if that has scores.

    The p-values are corrected by Holm's method over all groups.
    """
    config, figures = study.config, study.judged()
    pairs: list[PairComparison] = []
    for group in study.groups:
        done = {name: figures[name] for name in group if any(value is not None for value in figures[name])}
        against = config.compare_with if config.compare_with in group else None
        if len(done) > 1 and (against is None or against in done):
            pairs += compare(done, lower_is_better=config.lower_is_better, against=against)
    if len(study.groups) <= 1:
        return pairs
    adjusted = holm([pair.p_value for pair in pairs])
    return [corrected(pair, p_value, len(pairs), figures) for pair, p_value in zip(pairs, adjusted, strict=True)]


def corrected(
    pair: PairComparison, p_value: float, tests: int, figures: dict[str, list[float | None]]
) -> PairComparison:
    """Returns a comparison with its p-value and verdict corrected for the tests of all groups."""
    if p_value <= LEVEL:
        return replace(pair, adjusted=p_value)
    both = zip(figures[pair.first], figures[pair.second], strict=True)
    differences = [first - second for first, second in both if first is not None and second is not None]
    needed = seeds_needed(differences, tests) if len(differences) > 1 else None
    return replace(pair, adjusted=p_value, verdict="no difference shown", seeds_needed=needed)


def best_of_groups(study: Study) -> list[tuple[str, float]]:
    """Returns the best variant of each group of two or more, with the interquartile mean of its scores."""
    sign, figures, judged = 1 if study.config.lower_is_better else -1, study.figures(), study.judged()
    best_ones = []
    for group in study.groups:
        means = {name: mean for name in group if (mean := mean_known(judged[name])) is not None}
        if len(means) > 1:
            best = min(means, key=lambda name: sign * means[name])
            mean = mean_known(figures[best])
            assert mean is not None
            best_ones.append((best, mean))
    return best_ones


def mean_known(figures: Sequence[float | None]) -> float | None:
    """Returns the interquartile mean of the scores that exist; None if there are none."""
    values = [value for value in figures if value is not None]
    return interquartile_mean(values) if values else None


def chosen_variant(study: Study) -> str | None:
    """Returns the variant with the best interquartile mean among those with scores for at least half of their runs.

    A search's trials are judged by their runs' own evaluations, so that the test split isn't used for the choice.
    """
    if not study.comparable:
        return None
    config, costs = study.config, {}
    for name, values in (study.followed() if config.search == "tpe" else study.figures()).items():
        judged = [config.judged(value) for value in values if value is not None]
        if judged and 2 * len(judged) >= len(values):
            costs[name] = interquartile_mean(judged) * (1 if config.lower_is_better else -1)
    return min(costs, key=lambda name: costs[name]) if costs else None


def fresh_figures(study: Study, chosen: str) -> list[float]:
    """Returns the chosen variant's scores on confirmation seeds."""
    values = [result.figures.get(study.config.metric) for job in study.fresh_jobs(chosen) if (result := job.result())]
    return [value for value in values if value is not None]


def summarise(study: Study, name: str, results: Sequence[Result | None], logs: list[RunLog]) -> VariantSummary:
    """Summarizes one variant's runs."""
    config, metric, clock = study.config, study.config.metric, clock_of(study)
    finished = [result for result in results if result is not None and result.state == "finished"]
    values = [value for value in (result.figures.get(metric) for result in finished) if value is not None]
    quality, losses = (curves_of(logs, name, measure) for measure in (metric, "g_loss"))
    budgets, costs = range(1, min(BUDGETS, len(values)) + 1), [config.judged(value) for value in values]
    return VariantSummary(
        name=name,
        results=results,
        quality=interval(values) if len(values) > 2 else None,
        mean=interquartile_mean(values) if values else None,
        seconds=float(np.median([result.seconds for result in finished])) if finished else 0.0,
        within=mean_within(quality),
        between=mean_between(quality, clock),
        loss_within=mean_within(losses),
        loss_between=mean_between(losses, clock),
        best_of=[expected_best(costs, n, lower_is_better=config.lower_is_better) for n in budgets],
    )


def mean_within(curves: list[Curve]) -> float | None:
    """Returns the variation within a run, averaged over runs; None if no run has enough points, or a mean is 0."""
    results = [variation_within(curve.steps, curve.values) for curve in curves if len(curve.steps) > 5]
    return known(float(np.mean(results))) if results else None


def mean_between(curves: list[Curve], clock: str) -> float | None:
    """Returns the variation between seeds; None for fewer than two curves, or for very short ones."""
    common = spread([curve for curve in curves if len(curve.steps) > 1], clock)
    if common is None or len(common.values) < 2 or len(common.x) < 3:
        return None
    return known(variation_between(list(common.values)))


def find_moments(study: Study, ended: list[RunLog]) -> list[Moment]:
    """Compares the quality at each intermediate evaluation with the quality at the end, by the runs' own evaluations.

    Args:
        study: the study.
        ended: logs of the finished runs.
    """
    config, result = study.config, list[tuple[str, int, np.ndarray, np.ndarray]]()
    for step in config.moments:
        for name in study.variants:
            curves = curves_of(ended, name, config.metric)
            curves = [curve for curve in curves if curve.steps[0] <= step < curve.steps[-1]]
            if curves:
                then = np.array([np.interp(step, curve.steps, curve.values) for curve in curves])
                result.append((name, step, then, np.array([curve.values[-1] for curve in curves])))
    adjusted = holm([permutation_p_value(change(config, then, end)) for _, _, then, end in result]) if result else []
    if len(study.variants) > 1:
        for step in config.moments:
            parts = [(then, end) for _, at, then, end in result if at == step]
            if parts:
                then, end = (np.concatenate(part) for part in zip(*parts, strict=True))
                result.append((TOGETHER, step, then, end))
                adjusted.append(permutation_p_value(change(config, then, end)))
    moments = []
    for (name, step, then, end), p_value in zip(result, adjusted, strict=True):
        changes = change(config, then, end)
        worse = changes if config.lower_is_better else -changes
        verdict = "no difference shown" if p_value > LEVEL else "worse" if worse.mean() > 0 else "better"
        moments.append(
            Moment(
                variant=name,
                step=step,
                then=float(then.mean()),
                end=float(end.mean()),
                difference=interval(list(changes)) if len(end) > 2 else None,
                adjusted=p_value,
                verdict=verdict,
                worse_in=int((worse > 0).sum()),
                runs=len(end),
            )
        )
    return moments


def change(config: StudyConfig, then: Numbers, end: Numbers) -> Numbers:
    """Returns end minus then of the ranked values, shape (n,)."""
    return judged(config, end) - judged(config, then)


def judged(config: StudyConfig, figures: Numbers) -> Numbers:
    """Returns the ranked values, shape (n,); see `StudyConfig.judged`."""
    return figures if config.ideal is None else np.abs(figures - config.ideal)


READINGS: dict[str, tuple[tuple[str, ...], Callable[..., float]]] = {
    "a lower generator loss": (("g_loss",), lambda loss: loss),
    "a lower discriminator loss": (("d_loss",), lambda loss: loss),
    "discriminator accuracy nearer to 50%": (("d_real_accuracy", "d_fake_accuracy"), lambda a, b: abs(a + b - 1)),
}
"""Readings of the curves: the columns, and a function of their means for which lower is better."""


def find_readings(study: Study, ended: list[RunLog]) -> list[Reading]:
    """Determines for each of `READINGS` the preferred variant, and the agreement with the measured quality.

    Args:
        study: the study.
        ended: logs of the finished runs.
    """
    sign, figures, seeds = 1 if study.config.lower_is_better else -1, study.judged(), study.seeds()
    readings = []
    for name, (columns, read) in READINGS.items():
        means: dict[str, list[float]] = {}
        over_runs: list[tuple[float, float | None]] = []
        within: list[float] = []
        for log in ended:
            curves = [log.curves[column] for column in columns if column in log.curves]
            if len(curves) < len(columns):
                continue
            value = float(read(*(curve.late_mean() for curve in curves)))
            means.setdefault(log.variant, []).append(value)
            figure = figures[log.variant][seeds.index(log.seed)]
            over_runs.append((value, None if figure is None else sign * figure))
            quality = log.curves.get(study.config.metric)
            if quality is not None:
                before = before_each(curves, quality.steps, read)
                correlation = correlated(before, sign * judged(study.config, quality.values))
                within += [] if correlation is None else [correlation]
        favours = min(means, key=lambda variant: float(np.mean(means[variant]))) if len(means) > 1 else None
        told = rank_correlation([value for value, _ in over_runs], [figure for _, figure in over_runs])
        readings.append(Reading(name, favours, told, float(np.mean(within)) if within else None))
    return readings
