"""What a study shows: each variant's quality with its interval, what differs, what the losses would have said.

Reads a study's folder; the tests and intervals are in `statistics.py`.
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
"""What a comparison of moments over the runs of all variants is called."""
BUDGETS = 10
"""Expected best of one run, of two, and so on, up to so many."""


@dataclass(frozen=True)
class VariantSummary:
    """One variant of a study.

    Attributes:
        name: the variant's.
        results: of its runs, in the order of the seeds; None for one that isn't done.
        quality: the interquartile mean of the deciding metric over finished runs, with its interval.
        mean: that mean alone, where there are too few runs for an interval.
        seconds: of training alone, the median run.
        within, between: the measured quality's variation within a run after warm-up, and between seeds; None unknown.
        loss_within, loss_between: the same of the generator's loss.
        best_of: the expected best of what variants are ranked by, of 1, 2, … runs.
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
        """The runs that have a figure."""
        return [result for result in self.results if result is not None and result.state == "finished"]

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return sum(result is not None and result.state == "failed" for result in self.results)

    @property
    def diagnoses(self) -> Counter[str]:
        """In how many runs the watchdog named each failure."""
        return Counter(name for result in self.results if result is not None for name in result.diagnoses)


@dataclass(frozen=True)
class Moment:
    """A variant's quality at one moment of its runs against that at their end.

    Attributes:
        variant: its name.
        step: the moment.
        then, end: the mean figure at that step and at the end, by the run's own evaluations.
        difference: end minus then of what variants are ranked by, over pairs; None for fewer than three.
        adjusted: the p-value, adjusted by Holm over variants and moments (but not where all variants are one test).
        verdict: what the end is: `better`, `worse` or `no difference shown`.
        worse_in: in how many of the runs the end is worse.
        runs: how many there are.
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
    """What could be read off the curves instead of measuring, and whether it agrees with the quality.

    Attributes:
        name: what is read, such as "a lower generator loss".
        favours: the variant that it would favour; None for studies of one variant.
        over_runs: rank correlation over runs with the quality: 1 where it tells the better run, 0 nothing, −1 worse.
        within_runs: the same over the evaluations of a run, the mean over runs.
    """

    name: str
    favours: str | None
    over_runs: float | None
    within_runs: float | None


@dataclass(frozen=True)
class Verdict:
    """Everything that a study shows.

    Attributes:
        study: the study.
        variants: a summary each.
        comparisons: pairs of variants that were measured against the same images.
        moments: the ends against earlier moments.
        readings: what the curves would have said.
        chosen: the best variant, or None.
        confirmed: its quality on fresh seeds, or None.
        fresh: the figures of those runs.
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
        """How many of the chosen variant's runs on fresh seeds aren't done yet."""
        fresh = [] if self.chosen is None else self.study.fresh_jobs(self.chosen)
        return sum(job.result() is None for job in fresh)

    @property
    def without_base(self) -> str | None:
        """The variant that others are to be compared with, where none of its runs has a figure though others have."""
        base = self.study.config.compare_with
        known = {summary.name for summary in self.variants if summary.mean is not None}
        return base if base is not None and base not in known and known else None

    @property
    def undone(self) -> int:
        """How many runs aren't done yet; of a search in a shared storage, of those that this folder has begun."""
        left = sum(result is None for summary in self.variants for result in summary.results)
        if self.study.config.search == "tpe" and not self.study.config.storage:
            return left + max(0, self.study.config.trials - len(self.variants))
        return left


def judge(study: Study, logs: list[RunLog] | None = None) -> Verdict:
    """Reads a study's folder, and says what it shows.

    Args:
        study: however far it is.
        logs: `read_logs(study)`, where they are known.
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
    """Whether a run came to its end."""
    return result is not None and result.state == "finished"


def compare_groups(study: Study) -> list[PairComparison]:
    """Compares the variants of each group, with each other or with the one that the study names, if that has figures.

    The p-values have Holm's correction over all groups.
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
    """Returns a comparison as one of more tests than its group has."""
    if p_value <= LEVEL:
        return replace(pair, adjusted=p_value)
    both = zip(figures[pair.first], figures[pair.second], strict=True)
    differences = [first - second for first, second in both if first is not None and second is not None]
    needed = seeds_needed(differences, tests) if len(differences) > 1 else None
    return replace(pair, adjusted=p_value, verdict="no difference shown", seeds_needed=needed)


def best_of_groups(study: Study) -> list[tuple[str, float]]:
    """Returns the best variant of each group of two or more, with the interquartile mean of its figures."""
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
    """Returns the interquartile mean of the figures that are there; None where none is."""
    values = [value for value in figures if value is not None]
    return interquartile_mean(values) if values else None


def chosen_variant(study: Study) -> str | None:
    """Returns the variant with the best interquartile mean, of those of whose runs at least half finished.

    A search's trials are judged by their runs' own evaluations, so that the test split doesn't choose among many.
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
    """Returns the chosen variant's figures on fresh seeds."""
    results = [job.result() for job in study.fresh_jobs(chosen)]
    outcome = [result.figures.get(study.config.metric) for result in results if result is not None]
    return [value for value in outcome if value is not None]


def summarise(study: Study, name: str, results: Sequence[Result | None], logs: list[RunLog]) -> VariantSummary:
    """Summarises one variant's runs."""
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
    """Returns the variation within a run, the mean over runs; None where no run has enough points, or a mean is 0."""
    results = [variation_within(curve.steps, curve.values) for curve in curves if len(curve.steps) > 5]
    return known(float(np.mean(results))) if results else None


def mean_between(curves: list[Curve], clock: str) -> float | None:
    """Returns the variation between seeds; None for fewer than two curves of a few points."""
    common = spread([curve for curve in curves if len(curve.steps) > 1], clock)
    if common is None or len(common.values) < 2 or len(common.x) < 3:
        return None
    return known(variation_between(list(common.values)))


def find_moments(study: Study, ended: list[RunLog]) -> list[Moment]:
    """Compares the quality at each moment that the study names with that at the end, by the runs' own evaluations.

    Args:
        study: the study.
        ended: what the runs that came to their end logged.
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
    """Returns end minus then of what variants are ranked by, shape (n,)."""
    return judged(config, end) - judged(config, then)


def judged(config: StudyConfig, figures: Numbers) -> Numbers:
    """Returns what variants are ranked by, shape (n,): see `StudyConfig.judged`."""
    return figures if config.ideal is None else np.abs(figures - config.ideal)


READINGS: dict[str, tuple[tuple[str, ...], Callable[..., float]]] = {
    "a lower generator loss": (("g_loss",), lambda loss: loss),
    "a lower discriminator loss": (("d_loss",), lambda loss: loss),
    "discriminator accuracy nearer to 50%": (("d_real_accuracy", "d_fake_accuracy"), lambda a, b: abs(a + b - 1)),
}
"""What is read off the curves: the columns, and a number made of their means, the lower the better."""


def find_readings(study: Study, ended: list[RunLog]) -> list[Reading]:
    """Asks of each of `READINGS` which variant it favours, and whether it tells the measured quality.

    Args:
        study: the study.
        ended: what the runs that came to their end logged.
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
