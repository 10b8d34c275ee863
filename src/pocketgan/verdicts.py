"""What a study shows: each variant's quality with its interval, what differs, what the losses would have said.

Reads a study's folder; the tests and intervals are in `statistics.py`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pocketgan.curves import Curve, band, clock_of, late_mean, read_curves
from pocketgan.statistics import (
    Interval,
    PairComparison,
    compare,
    expected_best,
    fewest_seeds,
    holm,
    interquartile_mean,
    interval,
    permutation_p_value,
    rank_correlation,
    variation_between,
    variation_within,
)
from pocketgan.studies import Result, Study

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
        best_of: the expected best figure of 1, 2, … runs.
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
        difference: end minus then, over pairs; None for fewer than three.
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
    def undone(self) -> int:
        """How many runs aren't done yet."""
        return sum(result is None for summary in self.variants for result in summary.results)


def judge(study: Study) -> Verdict:
    """Reads a study's folder, and says what it shows."""
    variants = [summarise(study, name, results) for name, results in study.results().items()]
    chosen = chosen_variant(study)
    fresh = [] if chosen is None else fresh_figures(study, chosen)
    return Verdict(
        study=study,
        variants=variants,
        comparisons=[] if study.config.search == "tpe" else compare_groups(study),
        moments=find_moments(study),
        readings=find_readings(study),
        chosen=chosen,
        confirmed=interval(fresh) if len(fresh) > 2 else None,
        fresh=fresh,
    )


def compare_groups(study: Study) -> list[PairComparison]:
    """Compares the variants of each group with each other, with Holm's correction over all groups."""
    config, figures = study.config, study.figures()
    pairs: list[PairComparison] = []
    for group in study.groups:
        done = {name: figures[name] for name in group if any(value is not None for value in figures[name])}
        if len(done) > 1:
            against = config.compare_with if config.compare_with in done else None
            pairs += compare(done, lower_is_better=config.lower_is_better, against=against)
    if len(study.groups) <= 1:
        return pairs
    adjusted = holm([pair.p_value for pair in pairs])
    return [
        replace(pair, adjusted=p_value, verdict=pair.verdict if p_value <= LEVEL else "no difference shown")
        for pair, p_value in zip(pairs, adjusted, strict=True)
    ]


def best_of_groups(study: Study) -> list[tuple[str, float]]:
    """Returns the variant with the best interquartile mean of each group of two or more, with that mean."""
    sign, figures = 1 if study.config.lower_is_better else -1, study.figures()
    found = []
    for group in study.groups:
        known = {name: [value for value in figures[name] if value is not None] for name in group}
        means = {name: interquartile_mean(values) for name, values in known.items() if values}
        if len(means) > 1:
            best = min(means, key=lambda name: sign * means[name])
            found.append((best, means[best]))
    return found


def chosen_variant(study: Study) -> str | None:
    """Returns the variant with the best interquartile mean, of those of whose runs at least half finished.

    A search's trials are judged by their runs' own evaluations, so that the test split doesn't choose among many.
    """
    if not study.comparable:
        return None
    means = {}
    judged = study.followed() if study.config.search == "tpe" else study.figures()
    for name, values in judged.items():
        known = [value for value in values if value is not None]
        if known and 2 * len(known) >= len(values):
            means[name] = interquartile_mean(known) * (1 if study.config.lower_is_better else -1)
    return min(means, key=lambda name: means[name]) if means else None


def fresh_figures(study: Study, chosen: str) -> list[float]:
    """Returns the chosen variant's figures on fresh seeds."""
    results = [job.result() for job in study.fresh_jobs(chosen)]
    found = [result.figures.get(study.config.metric) for result in results if result is not None]
    return [value for value in found if value is not None]


def summarise(study: Study, name: str, results: Sequence[Result | None]) -> VariantSummary:
    """Summarises one variant's runs."""
    metric, over = study.config.metric, clock_of(study)
    finished = [result for result in results if result is not None and result.state == "finished"]
    values = [value for value in (result.figures.get(metric) for result in finished) if value is not None]
    quality, losses = (read_curves(study, name, key, over=over) for key in (metric, "g_loss"))
    budgets = range(1, min(BUDGETS, len(values)) + 1)
    return VariantSummary(
        name=name,
        results=results,
        quality=interval(values) if len(values) > 2 else None,
        mean=interquartile_mean(values) if values else None,
        seconds=float(np.median([result.seconds for result in finished])) if finished else 0.0,
        within=mean_within(quality),
        between=mean_between(quality),
        loss_within=mean_within(losses),
        loss_between=mean_between(losses),
        best_of=[expected_best(values, n, lower_is_better=study.config.lower_is_better) for n in budgets],
    )


def mean_within(curves: list[Curve]) -> float | None:
    """Returns the variation within a run, the mean over runs; None where no run has enough points."""
    found = [variation_within(curve.x, curve.values) for curve in curves if len(curve.x) > 5]
    return float(np.mean(found)) if found else None


def mean_between(curves: list[Curve]) -> float | None:
    """Returns the variation between seeds; None for fewer than two curves."""
    common = band(curves)
    if common is None or len(common.values) < 2 or len(common.x) < 3:
        return None
    return variation_between([list(values) for values in common.values])


def find_moments(study: Study) -> list[Moment]:
    """Compares the quality at each moment that the study names with that at the end, by the runs' own evaluations."""
    config, sign = study.config, 1 if study.config.lower_is_better else -1
    found: list[tuple[str, int, np.ndarray, np.ndarray]] = []
    for step in config.moments:
        for name in study.variants:
            curves = [c for c in read_curves(study, name, config.metric) if c.x[0] <= step < c.x[-1]]
            if curves:
                then = np.array([np.interp(step, curve.x, curve.values) for curve in curves])
                found.append((name, step, then, np.array([curve.values[-1] for curve in curves])))
    adjusted = holm([permutation_p_value(end - then) for _, _, then, end in found]) if found else []
    if len(study.variants) > 1:
        for step in config.moments:
            parts = [(then, end) for _, at, then, end in found if at == step]
            if parts:
                then, end = (np.concatenate(part) for part in zip(*parts, strict=True))
                found.append((TOGETHER, step, then, end))
                adjusted.append(permutation_p_value(end - then))
    moments = []
    for (name, step, then, end), p_value in zip(found, adjusted, strict=True):
        worse = float(np.mean(sign * (end - then))) > 0
        verdict = "no difference shown" if p_value > LEVEL else "worse" if worse else "better"
        moments.append(
            Moment(
                variant=name,
                step=step,
                then=float(then.mean()),
                end=float(end.mean()),
                difference=interval(list(end - then)) if len(end) > 2 else None,
                adjusted=p_value,
                verdict=verdict,
                worse_in=int((sign * (end - then) > 0).sum()),
                runs=len(end),
            )
        )
    return moments


def find_readings(study: Study) -> list[Reading]:
    """Asks of each thing that is usually read off the curves which variant it favours, and whether it tells quality."""
    sign = 1 if study.config.lower_is_better else -1
    figures, seeds = study.figures(), study.seeds()
    readings = []
    for title, keys, read in (
        ("a lower generator loss", ("g_loss",), lambda g: g),
        ("a lower discriminator loss", ("d_loss",), lambda d: d),
        ("discriminator accuracy nearer to 50%", ("d_real_accuracy", "d_fake_accuracy"), lambda a, b: abs(a + b - 1)),
    ):
        means: dict[str, list[float]] = {}
        late: list[float] = []
        quality: list[float] = []
        within: list[float] = []
        for name in study.variants:
            columns = [{c.seed: c for c in read_curves(study, name, key)} for key in keys]
            distances = {c.seed: c for c in read_curves(study, name, study.config.metric)}
            for seed, figure in zip(seeds, figures[name], strict=True):
                if any(seed not in column for column in columns):
                    continue
                curves = [column[seed] for column in columns]
                value = float(read(*(late_mean(curve) for curve in curves)))
                means.setdefault(name, []).append(value)
                if figure is not None:
                    late.append(value)
                    quality.append(sign * figure)
                if seed in distances:
                    correlation = over_time(curves, distances[seed], read, sign)
                    within += [] if correlation is None else [correlation]
        favours = min(means, key=lambda name: float(np.mean(means[name]))) if len(means) > 1 else None
        over_runs = rank_correlation(late, quality)
        readings.append(Reading(title, favours, over_runs, float(np.mean(within)) if within else None))
    return readings


def over_time(curves: list[Curve], quality: Curve, read: object, sign: int) -> float | None:
    """Returns the rank correlation, over a run's evaluations, of what is read off before each with its quality."""
    assert callable(read)
    values, before = [], -np.inf
    for x in quality.x:
        parts = [curve.values[(curve.x > before) & (curve.x <= x)] for curve in curves]
        values.append(read(*(part.mean() for part in parts)) if all(len(part) for part in parts) else np.nan)
        before = x
    known = np.isfinite(values)
    return rank_correlation(np.array(values)[known].tolist(), (sign * quality.values[known]).tolist())


# In plain sentences.


def sentences(verdict: Verdict) -> list[str]:
    """Returns what the study shows, in plain sentences."""
    study, metric = verdict.study, verdict.study.config.metric.replace("_", " ")
    said = []
    if verdict.undone:
        said.append(f"{verdict.undone} runs aren't done yet; what follows is of those that are.")
    failed = [(summary.name, summary.failed, len(summary.results)) for summary in verdict.variants if summary.failed]
    said += [f"{name}: {count} of {runs} runs failed." for name, count, runs in failed]
    said += [sentence_of(pair, metric) for pair in verdict.comparisons]
    said += seeds_sentence(verdict)
    for moment in verdict.moments:
        at = f"{moment.variant}: {metric} {moment.then:.3g} at step {moment.step:,} and {moment.end:.3g} at the end"
        how = {"worse": "it gets worse", "better": "it gets better"}.get(moment.verdict, "no difference shown")
        said.append(f"{at} ({how}, p = {moment.adjusted:.2g}; worse in {moment.worse_in} of {moment.runs} runs).")
    if not study.comparable:
        said += [
            f"Best of those on the same images: {name}, {metric} {mean:.3g}." for name, mean in best_of_groups(study)
        ]
    if verdict.chosen is not None and len(study.variants) > 1:
        said.append(chosen_sentence(verdict, metric))
    said += [sentence for reading in verdict.readings for sentence in reading_sentences(reading, verdict)]
    return said


def sentence_of(pair: PairComparison, metric: str) -> str:
    """Returns one comparison as a sentence."""
    what = {"better": "is better than", "worse": "is worse than"}
    if pair.verdict not in what:
        needed = f"; about {pair.seeds_needed:,} seeds would show what is seen here" if pair.seeds_needed else ""
        return f"No difference shown between {pair.first} and {pair.second} (p = {pair.adjusted:.2g}{needed})."
    by = "" if pair.difference is None else (
        f" by {abs(pair.difference.estimate):.3g} in {metric} "
        f"(95%: {min(abs(pair.difference.low), abs(pair.difference.high)):.3g} "
        f"to {max(abs(pair.difference.low), abs(pair.difference.high)):.3g})"
    )  # fmt: skip
    return f"{pair.first} {what[pair.verdict]} {pair.second}{by}, p = {pair.adjusted:.2g}."


def seeds_sentence(verdict: Verdict) -> list[str]:
    """Returns a warning where so few seeds can show nothing, whatever is measured."""
    pairs, seeds = len(verdict.comparisons), len(verdict.study.seeds())
    if pairs and seeds < fewest_seeds(pairs):
        return [
            f"{seeds} seeds can't show any difference between {len(verdict.variants)} variants: a paired permutation "
            f"test has p = {2 / 2**seeds:.2g} at least; it takes {fewest_seeds(pairs)}."
        ]
    return []


def chosen_sentence(verdict: Verdict, metric: str) -> str:
    """Returns which variant is chosen, and how good it is on fresh seeds."""
    best = f"{verdict.chosen} has the best {metric}"
    if not verdict.fresh:
        return f"{best}; no runs on fresh seeds confirm it, so its figure flatters it."
    found, seeds = verdict.confirmed, f"{len(verdict.fresh)} fresh seed{'s' if len(verdict.fresh) > 1 else ''}"
    if found is None:
        return f"{best}; on {seeds} it stands at {interquartile_mean(verdict.fresh):.3g}, too few for an interval."
    return (
        f"{best}; on {seeds} it stands at {found.estimate:.3g} (95%: {found.low:.3g} to {found.high:.3g}), "
        "which is its quality."
    )


def reading_sentences(reading: Reading, verdict: Verdict) -> list[str]:
    """Returns where what is read off the curves and the measured quality disagree."""
    said = []
    if reading.favours is not None and verdict.chosen is not None and reading.favours != verdict.chosen:
        both = {reading.favours, verdict.chosen}
        pair = next((pair for pair in verdict.comparisons if {pair.first, pair.second} == both), None)
        if pair is None or pair.verdict == "no difference shown":
            measured = f"no difference is shown between it and {verdict.chosen}"
        else:
            measured = f"{verdict.chosen} is better"
        said.append(f"Read off the curves, {reading.name} favours {reading.favours}; measured, {measured}.")
    if reading.over_runs is not None and reading.over_runs < 0.3:
        kind = "goes with worse quality" if reading.over_runs < -0.3 else "says nothing of quality"
        said.append(f"Over the runs, {reading.name} {kind} (rank correlation {reading.over_runs:.2f}).")
    if reading.within_runs is not None and reading.within_runs < 0.3:
        kind = "goes with worse quality" if reading.within_runs < -0.3 else "says nothing of quality"
        said.append(f"Within a run, {reading.name} {kind} (rank correlation {reading.within_runs:.2f}).")
    return said
