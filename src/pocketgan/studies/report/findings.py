"""Content of a study's report, read once from the folder of a complete or incomplete study. Doesn't import torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pocketgan.base.errors import ConfigError, RunError
from pocketgan.config.fields import flatten
from pocketgan.runs.records import Environment
from pocketgan.runs.run import Run
from pocketgan.studies.curves import LOSSES, Curve, RunLog, clock_of, curves_of, read_logs
from pocketgan.studies.sentences import title_in
from pocketgan.studies.study import Job, Study
from pocketgan.studies.verdicts import Verdict, judge


@dataclass(frozen=True)
class RunRow:
    """One run in the table of all runs.

    Attributes:
        variant, seed, fresh: variant and seed of the run, and whether it confirms the chosen variant.
        state: `finished` or `failed` by its result; without a result, `waiting`, `running` or `stopped`.
        share: fraction of its steps that are done.
        figures: scores, by metric.
        seconds, wall_seconds, floor, diagnoses, message, reason: as in its result.
        folder: the run's folder, relative to the study's.
    """

    variant: str
    seed: int
    fresh: bool
    state: str
    share: float
    figures: dict[str, float | None]
    seconds: float
    wall_seconds: float
    floor: float | None
    diagnoses: list[str]
    message: str
    reason: dict[str, Any]
    folder: str


@dataclass(frozen=True)
class Findings:
    """Everything that the report shows.

    Attributes:
        verdict: results of the study.
        over: horizontal axis of curves, `step` or `seconds`.
        rows: every run.
        measured: the metric of the quality curves.
        logs: logs of the runs that are compared.
        floors: real-data baselines of the runs' own evaluations, by variant.
        evaluated: number of images in those evaluations, and the real images of the comparison.
        environments: the distinct environments of the runs.
        features: the distinct feature spaces of the scores.
        sources: the distinct sources of the training images.
    """

    verdict: Verdict
    over: str
    rows: list[RunRow]
    measured: str
    logs: list[RunLog]
    floors: dict[str, float]
    evaluated: tuple[int, str] | None
    environments: list[Environment] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    @property
    def study(self) -> Study:
        """The study."""
        return self.verdict.study

    def title(self, metric: str) -> str:
        """Returns the title of a metric of the study."""
        return title_in(self.study.config, metric)

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.study.config.metric

    @property
    def places(self) -> dict[str, int]:
        """Index of each variant, which determines its style in charts."""
        return {name: place for place, name in enumerate(self.study.variants)}

    def curves(self, variant: str, measure: str) -> list[Curve]:
        """Returns one measure of a variant's runs, one curve per seed."""
        return curves_of(self.logs, variant, measure)

    @property
    def measures(self) -> tuple[str, ...]:
        """Measures with a curve: losses, accuracies and the quality."""
        return (*LOSSES, self.measured)


def find(study: Study) -> Findings:
    """Reads everything that the report shows."""
    logs, metric = read_logs(study), study.config.metric
    own = any(metric in log.curves for log in logs)
    measured = metric if own else "frechet_distance"
    last = [log.evaluations[-1] for log in logs if log.evaluations]
    named = [result.features for _, result in done(study) if result.features]
    return Findings(
        verdict=judge(study, logs),
        over=clock_of(study),
        rows=rows_of(study),
        measured=measured,
        logs=logs,
        floors=own_floors(study, logs) if measured == "frechet_distance" else {},
        evaluated=(int(last[0].get("count", 0)), str(last[0].get("reference", ""))) if last else None,
        environments=once([log.run.environment for log in logs]),
        features=once(named),
        sources=once([log.run.facts.source for log in logs]),
    )


def done(study: Study) -> list[tuple[Job, Any]]:
    """Returns the runs with a result, each with its result; those on confirmation seeds are last."""
    jobs = [*study.jobs(), *fresh_jobs(study)]
    return [(job, result) for job in jobs if (result := job.result()) is not None]


def fresh_jobs(study: Study) -> list[Job]:
    """Returns the started runs on confirmation seeds, whichever variant was chosen at the time."""
    return [job for name in study.variants for job in study.fresh_jobs(name) if job.folder.is_dir()]


def once(values: Sequence[Any]) -> list[Any]:
    """Returns the values without duplicates, in order."""
    return [value for place, value in enumerate(values) if value not in values[:place]]


def own_floors(study: Study, logs: list[RunLog]) -> dict[str, float]:
    """Returns the median real-data baseline of the runs' own evaluations, by variant."""
    floors = {}
    for name in study.variants:
        rows = [log.evaluations[-1] for log in logs if log.variant == name and log.evaluations]
        known = [floor for row in rows if (floor := row.get("frechet_floor")) is not None and math.isfinite(floor)]
        if known:
            floors[name] = float(np.median(known))
    return floors


def rows_of(study: Study) -> list[RunRow]:
    """Returns every run, variant by variant, with runs on confirmation seeds after a variant's own."""
    rows, fresh = [], fresh_jobs(study)
    for name in study.variants:
        jobs = [study.job(name, seed) for seed in study.seeds()]
        rows += [row_of(study, job) for job in [*jobs, *(job for job in fresh if job.variant == name)]]
    return rows


def row_of(study: Study, job: Job) -> RunRow:
    """Returns the known facts about one run."""
    result, folder = job.result(), job.folder.relative_to(study.folder).as_posix()
    if result is None:
        state, share, why, seconds = state_of(job.run())
        return RunRow(job.variant, job.seed, job.fresh, state, share, {}, seconds, 0.0, None, [], *why, folder)
    return RunRow(
        job.variant, job.seed, job.fresh, result.state, 1.0, result.figures, result.seconds, result.wall_seconds,
        result.floor, result.diagnoses, result.message, result.reason, folder,
    )  # fmt: skip


def state_of(run: Run | None) -> tuple[str, float, tuple[str, dict[str, Any]], float]:
    """Returns the state, the fraction done, the message with its reason, and the seconds of a run without a result."""
    try:
        status = None if run is None else run.status()
    except RunError:
        status = None
    if status is None:
        return "waiting", 0.0, ("", {}), 0.0
    state = "running" if status.state in ("running", "finished") else "stopped"
    return state, status.step / status.steps, (status.message, status.reason), status.seconds


def settings_of(study: Study, variant: str) -> dict[str, Any]:
    """Returns the fields in which a variant differs from its recipe, or from its script, with the study's settings."""
    config = study.variants[variant]
    if study.config.command:
        shared = study.config.settings
        return {name: value for name, value in config.settings.items() if shared.get(name) != value}
    try:
        base = study.config.configure(variant, {"recipe": config.recipe})
    except ConfigError:
        return {}
    theirs, ours = flatten(base), flatten(config)
    changed = {name: value for name, value in ours.items() if name != "seed" and theirs.get(name) != value}
    return ({"recipe": config.recipe} if config.recipe != study.config.recipe else {}) | changed
