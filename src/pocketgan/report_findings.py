"""What a study's page shows, read once from the study's folder, however far the study is. No torch here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pocketgan.config import flatten
from pocketgan.curves import LOSSES, POINTS, Curve, Numbers, clock_of, late_mean
from pocketgan.errors import ConfigError, RunError
from pocketgan.records import Environment
from pocketgan.report_words import percent, say
from pocketgan.runs import Run
from pocketgan.studies import Job, Study
from pocketgan.verdicts import Verdict, judge

HELD = 0.03
"""A curve that ends this much of the whole length before the longest one counts as going to its end."""


@dataclass(frozen=True)
class Trace:
    """One measure of one run.

    Attributes:
        variant, seed: which run.
        measure: a column of `stats.jsonl` or `metrics.jsonl`.
        steps, seconds, values: shape (n,), n ≥ 1, finite.
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

    def thinned(self, points: int = POINTS) -> "Trace":
        """Returns the means of at most so many blocks."""
        if len(self.steps) <= points:
            return self
        columns = (self.steps, self.seconds, self.values)
        steps, seconds, values = (
            np.array([block.mean() for block in np.array_split(column, points)]) for column in columns
        )
        return Trace(self.variant, self.seed, self.measure, steps, seconds, values)


@dataclass(frozen=True)
class Spread:
    """Curves of several seeds at common places, each shape (places,): the mean, the least, the greatest."""

    x: Numbers
    mean: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True)
class RunRow:
    """One run in the table of all runs.

    Attributes:
        variant, seed, fresh: which run; fresh ones confirm the chosen variant.
        state: of its result, or how far it is.
        figures: metric name to value.
        seconds, wall_seconds, floor, diagnoses, message: as in its result.
        folder: within the study's.
    """

    variant: str
    seed: int
    fresh: bool
    state: str
    figures: dict[str, float | None]
    seconds: float
    wall_seconds: float
    floor: float | None
    diagnoses: list[str]
    message: str
    folder: str


@dataclass(frozen=True)
class Findings:
    """Everything that the page shows.

    Attributes:
        verdict: what the study shows.
        over: what curves are drawn over, `step` or `seconds`.
        rows: every run.
        measured: the metric of the quality curves.
        traces: the curves of the runs that are compared, thinned.
        late: the generator loss at the end of each run, by variant and seed.
        floors: what real images get by the runs' own evaluations, by variant.
        evaluated: how many images, and against which real ones, those evaluations are made with.
        environments: where the runs ran, each once.
        features: the feature spaces of the figures, each once.
        sources: where the training images are from, each once.
    """

    verdict: Verdict
    over: str
    rows: list[RunRow]
    measured: str
    traces: list[Trace]
    late: dict[tuple[str, int], float]
    floors: dict[str, float]
    evaluated: tuple[int, str] | None
    environments: list[Environment] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    @property
    def study(self) -> Study:
        """The study."""
        return self.verdict.study

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.study.config.metric

    @property
    def places(self) -> dict[str, int]:
        """Each variant's place among all, which says how it is drawn."""
        return {name: place for place, name in enumerate(self.study.variants)}

    def traces_of(self, variant: str, measure: str) -> list[Trace]:
        """Returns the curves of a variant, one a seed."""
        return [trace for trace in self.traces if (trace.variant, trace.measure) == (variant, measure)]


def find(study: Study) -> Findings:
    """Reads everything that the page shows."""
    verdict, metric = judge(study), study.config.metric
    jobs, runs = study.jobs(), {}
    for job in jobs:
        run = job.run()
        if run is not None:
            runs[job.variant, job.seed] = run
    evaluations = {key: run.metrics() for key, run in runs.items()}
    own = any(metric in row for rows in evaluations.values() for row in rows)
    measured = metric if own else "frechet_distance"
    traces: list[Trace] = []
    for (variant, seed), run in runs.items():
        stats = run.stats()
        traces += [trace_of(variant, seed, measure, stats) for measure in LOSSES if numbers(stats, measure)]
        if numbers(evaluations[variant, seed], measured):
            traces.append(trace_of(variant, seed, measured, evaluations[variant, seed]))
    losses = [trace for trace in traces if trace.measure == "g_loss"]
    late = {(t.variant, t.seed): late_mean(Curve(t.seed, t.steps, t.values)) for t in losses}
    last = [rows[-1] for rows in evaluations.values() if rows]
    named = [result.features for _, result in done(study) if result.features]
    return Findings(
        verdict=verdict,
        over=clock_of(study),
        rows=rows_of(study),
        measured=measured,
        traces=[trace.thinned() for trace in traces],
        late=late,
        floors=own_floors(study, evaluations) if measured == "frechet_distance" else {},
        evaluated=(int(last[0].get("count", 0)), str(last[0].get("reference", ""))) if last else None,
        environments=once([run.environment for run in runs.values()]),
        features=once(named),
        sources=once([run.facts.source for run in runs.values()]),
    )


def done(study: Study) -> list[tuple[Job, Any]]:
    """Returns the runs that are done, each with its result, those on fresh seeds last."""
    jobs = [*study.jobs(), *fresh_jobs(study)]
    return [(job, result) for job in jobs if (result := job.result()) is not None]


def fresh_jobs(study: Study) -> list[Job]:
    """Returns the runs on fresh seeds that were begun, whichever variant was chosen then."""
    return [job for name in study.variants for job in study.fresh_jobs(name) if job.folder.is_dir()]


def once(values: Sequence[Any]) -> list[Any]:
    """Returns the values without those that came before."""
    return [value for place, value in enumerate(values) if value not in values[:place]]


def numbers(rows: list[dict[str, Any]], measure: str) -> list[tuple[float, float, float]]:
    """Returns step, seconds and value of the rows where all three are finite numbers."""
    found = [(row["step"], row.get("seconds"), row.get(measure)) for row in rows]
    return [
        (float(step), float(seconds), float(value))
        for step, seconds, value in found
        if isinstance(seconds, int | float)
        and isinstance(value, int | float)
        and all(map(math.isfinite, (step, seconds, value)))
    ]


def trace_of(variant: str, seed: int, measure: str, rows: list[dict[str, Any]]) -> Trace:
    """Returns one measure of a run's rows, of which at least one must have it."""
    steps, seconds, values = np.array(numbers(rows, measure), dtype=float).T
    return Trace(variant, seed, measure, steps, seconds, values)


def own_floors(study: Study, evaluations: dict[tuple[str, int], list[dict[str, Any]]]) -> dict[str, float]:
    """Returns, by variant, the median of what real images get in the runs' own evaluations."""
    floors = {}
    for name in study.variants:
        found = [rows[-1]["frechet_floor"] for (variant, _), rows in evaluations.items() if variant == name and rows]
        found = [floor for floor in found if math.isfinite(floor)]
        if found:
            floors[name] = float(np.median(found))
    return floors


def rows_of(study: Study) -> list[RunRow]:
    """Returns every run, variant by variant, those on fresh seeds after a variant's own."""
    rows, fresh = [], fresh_jobs(study)
    for name in study.variants:
        jobs = [study.job(name, seed) for seed in study.seeds()]
        rows += [row_of(study, job) for job in [*jobs, *(job for job in fresh if job.variant == name)]]
    return rows


def row_of(study: Study, job: Job) -> RunRow:
    """Returns what is known of one run."""
    result, folder = job.result(), job.folder.relative_to(study.folder).as_posix()
    if result is None:
        state, message, seconds = state_of(job.run())
        return RunRow(job.variant, job.seed, job.fresh, state, {}, seconds, 0.0, None, [], message, folder)
    return RunRow(
        job.variant, job.seed, job.fresh, result.state, result.figures, result.seconds, result.wall_seconds,
        result.floor, result.diagnoses, result.message, folder,
    )  # fmt: skip


def state_of(run: Run | None) -> tuple[str, str, float]:
    """Returns the state, the message and the seconds of a run that isn't done."""
    try:
        status = None if run is None else run.status()
    except RunError:
        status = None
    if status is None:
        return say("waiting"), "", 0.0
    key = "running" if status.state in ("running", "finished") else "stopped"
    return say(key, share=percent(status.step / status.steps)), status.message, status.seconds


def settings_of(study: Study, variant: str) -> dict[str, Any]:
    """Returns the fields in which a variant differs from its recipe with the study's settings."""
    config = study.variants[variant]
    try:
        base = study.config.configure(variant, {"recipe": config.recipe})
    except ConfigError:
        return {}
    theirs, ours = flatten(base), flatten(config)
    changed = {name: value for name, value in ours.items() if name != "seed" and theirs.get(name) != value}
    return ({"recipe": config.recipe} if config.recipe != study.config.recipe else {}) | changed


def spread(traces: list[Trace], clock: str) -> Spread | None:
    """Brings curves to common places; each counts only as far as it goes.

    Args:
        traces: of one measure.
        clock: `step` or `seconds`.

    Returns:
        The mean, least and greatest at each place; None without curves.
    """
    if not traces:
        return None
    places = [trace.over(clock) for trace in traces]
    x = np.unique(np.concatenate(places))
    if len(x) > POINTS or clock != "step":
        x = np.linspace(x[0], x[-1], min(POINTS, max(map(len, places))))
    slack = HELD * (x[-1] - x[0])
    rows = [
        np.where((x >= at[0] - slack) & (x <= at[-1] + slack), np.interp(x, at, trace.values), np.nan)
        for at, trace in zip(places, traces, strict=True)
    ]
    values = np.array(rows)[:, ~np.isnan(rows).all(axis=0)]
    x = x[~np.isnan(rows).all(axis=0)]
    return Spread(x, np.nanmean(values, axis=0), np.nanmin(values, axis=0), np.nanmax(values, axis=0))
