"""The table of a race, a row for each sampler at each duration. Doesn't import torch."""

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from pocketgan.base.errors import RunError
from pocketgan.race.race import Race, seconds_of
from pocketgan.runs.records import read_object
from pocketgan.studies.scripts import JUDGED
from pocketgan.studies.statistics import Interval, interquartile_mean, interval
from pocketgan.studies.study import Job, Study
from pocketgan.studies.verdicts import Verdict, judge

PLACE = "race"
"""Key of `judged.json` with a run's facts."""


@dataclass(frozen=True)
class Row:
    """One sampler of one entrant at one duration; numbers are means over seeds.

    Attributes:
        duration: the duration as it was asked for.
        seconds: the same in seconds.
        entrant: name of the entrant.
        sampler: name of the sampler.
        first: whether this sampler is the one that the study judges.
        runs: number of finished runs.
        failed: number of failed runs.
        space: the first feature space.
        distance: Fréchet distance there: interquartile mean over seeds.
        ratio: the same in multiples of the baseline, with its interval if there are three runs: estimate, low, high.
        second_space: the second feature space, or an empty text.
        second_ratio: its Fréchet distance in multiples of its baseline, in the same form, or None.
        class_accuracy, recall, authenticity: 0 to 1, or None.
        real_authenticity: authenticity of real images that nobody trained on, or None.
        images_per_second: speed of sampling.
        parameters: parameters of the networks that sampling needs.
        training_parameters: parameters of those that only training needs.
        peak_memory: in bytes.
        steps, images: training steps, and training images shown.
    """

    duration: str
    seconds: float
    entrant: str
    sampler: str
    first: bool
    runs: int
    failed: int
    space: str
    distance: float
    ratio: tuple[float, float | None, float | None]
    second_space: str
    second_ratio: tuple[float, float | None, float | None] | None
    class_accuracy: float | None
    recall: float | None
    authenticity: float | None
    real_authenticity: float | None
    images_per_second: float
    parameters: int
    training_parameters: int
    peak_memory: int
    steps: float
    images: float


@dataclass(frozen=True)
class Table:
    """A race's results.

    Attributes:
        race: the race.
        rows: the rows by duration; inside, entrants from the best to the worst, each with its other samplers.
        verdicts: the verdict of each duration's study.
    """

    race: Race
    rows: dict[str, list[Row]]
    verdicts: dict[str, Verdict]

    def best(self, duration: str) -> Row | None:
        """Returns the row of the entrant with the lowest distance; None if nothing is measured."""
        return next(iter(self.rows.get(duration, [])), None)

    def second_best(self, duration: str) -> Row | None:
        """Returns the row of the entrant with the lowest distance in the second feature space; None without one."""
        rows = [row for row in self.rows.get(duration, []) if row.first and row.second_ratio is not None]
        return min(rows, key=lambda row: (row.second_ratio or (0.0,))[0], default=None)

    def values(self) -> dict[str, Any]:
        """Returns the table as plain values, which JSON allows."""
        from pocketgan.studies.presenting import verdict_values

        return {
            "folder": str(self.race.folder),
            "race": asdict(self.race.config),
            "use": {duration: row.entrant for duration in self.rows if (row := self.best(duration)) is not None},
            "rows": [asdict(row) for rows in self.rows.values() for row in rows],
            "verdicts": {duration: verdict_values(verdict) for duration, verdict in self.verdicts.items()},
        }


def table_of(race: Race) -> Table:
    """Reads the folders of a race, complete or not."""
    studies = race.studies()
    rows = {duration: list(rows_of(duration, study)) for duration, study in studies.items()}
    return Table(race, rows, {duration: judge(study) for duration, study in studies.items()})


def rows_of(duration: str, study: Study) -> Iterable[Row]:
    """Returns the rows of one duration, the best entrant first."""
    groups = []
    for name in study.variants:
        jobs = [study.job(name, seed) for seed in study.seeds()]
        facts = [one for job in jobs if (one := facts_of(job)) is not None]
        failed = sum((result := job.result()) is not None and result.state == "failed" for job in jobs)
        if facts:
            ways = [way["name"] for way in facts[0]["ways"]]
            groups.append([row_of(duration, name, way, facts, failed) for way in ways])
    groups.sort(key=lambda group: group[0].distance)
    return [row for group in groups for row in group]


def facts_of(job: Job) -> dict[str, Any] | None:
    """Returns what a finished run's own judge has written; None for other runs."""
    result = job.result()
    if result is None or result.state != "finished":
        return None
    try:
        return read_object(job.folder / JUDGED)[PLACE]
    except (RunError, KeyError):
        return None


def row_of(duration: str, name: str, way: str, facts: list[dict[str, Any]], failed: int) -> Row:
    """Returns the row of one sampler of an entrant.

    Args:
        duration: the duration.
        name: the entrant.
        way: the sampler.
        facts: what the judge wrote, of each finished run.
        failed: number of failed runs.
    """
    results = [next(one for one in run["ways"] if one["name"] == way) for run in facts]
    spaces = list(results[0]["scores"])
    first, second = spaces[0], (spaces[1] if len(spaces) > 1 else "")

    def mean(metric: str, key: str = "value") -> float | None:
        known = [one["scores"][first].get(metric, {}).get(key) for one in results]
        known = [value for value in known if value is not None]
        return interquartile_mean(known) if known else None

    last = facts[-1]
    return Row(
        duration=duration,
        seconds=seconds_of(duration),
        entrant=name,
        sampler=way,
        first=way == facts[0]["ways"][0]["name"],
        runs=len(facts),
        failed=failed,
        space=first,
        distance=mean("frechet_distance") or 0.0,
        ratio=in_baselines(results, first),
        second_space=second,
        second_ratio=in_baselines(results, second) if second else None,
        class_accuracy=mean("label_agreement"),
        recall=mean("recall"),
        authenticity=mean("authentic"),
        real_authenticity=mean("authentic", "floor"),
        images_per_second=statistics.median(one["images_per_second"] for one in results),
        parameters=last["parameters"]["sampling"],
        training_parameters=last["parameters"]["training"],
        peak_memory=max(run["peak_memory"] for run in facts),
        steps=statistics.mean(run["steps"] for run in facts),
        images=statistics.mean(run["steps"] * run["batch_size"] for run in facts),
    )


def in_baselines(results: list[dict[str, Any]], space: str) -> tuple[float, float | None, float | None]:
    """Returns the Fréchet distance in multiples of the baseline: its interquartile mean, and its 95% interval.

    Without a baseline, as for small data, it is the distance itself.
    """
    scores = [one["scores"][space]["frechet_distance"] for one in results]
    ratios = [one["value"] / (one["floor"] or 1.0) for one in scores]
    ends: Interval | None = interval(ratios) if len(ratios) > 2 else None
    return interquartile_mean(ratios), None if ends is None else ends.low, None if ends is None else ends.high
