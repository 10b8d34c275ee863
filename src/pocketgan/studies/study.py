"""A study's folder: its question, its runs, what was found of each. No torch here.

`study.json` holds the question, `runs/<variant>/seed-<n>/` a run each, with `result.json` beside its other files once
it is done, `report/` the page. Described in `docs/studies.md`.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pocketgan.base.errors import ConfigError, RunError, StudyError
from pocketgan.base.files import write_json
from pocketgan.config import history
from pocketgan.config.fields import replace, validated
from pocketgan.config.sections import RunConfig
from pocketgan.metrics.words import BETTER, IDEALS
from pocketgan.runs.records import read_object
from pocketgan.runs.run import Run
from pocketgan.studies.config import StudyConfig, slug, study_config

GROWS = ("seeds", "fresh_seeds", "trials", "question")
"""What may change when a study goes on: more of the same."""
STOP = ".stop"


class Result(BaseModel):
    """What was found of a run that is done: `result.json`.

    Attributes:
        variant, seed: which run.
        state: `finished`; `failed` (it diverged, or the watchdog stopped it); `pruned` by a search; `undone`: stopped,
            or something outside was wrong, such as a full disk. What is undone isn't kept, and is taken up again.
        message: why it failed or is undone.
        figures: metric name to value, of the generator that the study measures.
        floor: what real images get of the deciding metric, or None.
        features: the feature space, its version and hash.
        seconds: of training alone.
        wall_seconds: of the whole job: training, sampling, following, measuring.
        diagnoses: what the watchdog named.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    seed: int
    state: Literal["finished", "failed", "pruned", "undone"]
    message: str = ""
    figures: dict[str, float | None] = Field(default={})
    floor: float | None = None
    features: str = ""
    seconds: float = 0.0
    wall_seconds: float = 0.0
    diagnoses: list[str] = Field(default=[])


@dataclass(frozen=True)
class Job:
    """One run of a study.

    Attributes:
        variant: its name.
        config: the run's configuration, with its seed.
        folder: the run's folder.
        fresh: whether it confirms the chosen variant, and had no part in choosing it.
    """

    variant: str
    config: RunConfig
    folder: Path
    fresh: bool = False

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.config.seed

    def result(self) -> Result | None:
        """Returns what was found of it; None while it isn't done."""
        path = self.folder / "result.json"
        if not path.is_file():
            return None
        try:
            return Result.model_validate(read_object(path))
        except (ValidationError, RunError):
            return None  # Half written or edited: it is measured again.

    def run(self) -> Run | None:
        """Opens the run; None while it hasn't begun."""
        try:
            return Run.open(self.folder)
        except RunError:
            return None


@dataclass(frozen=True)
class Study:
    """A study's folder.

    Attributes:
        folder: where it is.
        config: what it asks.
        variants: each variant's configuration, by name; of a search, those of its trials so far.
    """

    folder: Path
    config: StudyConfig
    variants: dict[str, RunConfig] = field(default_factory=dict)

    @classmethod
    def begin(cls, config: StudyConfig, folder: str | Path) -> "Study":
        """Makes a new study in `folder`, or opens the same one there; it may have got more seeds or trials.

        Raises:
            StudyError: another study is there, or something else.
        """
        folder = Path(folder)
        study = cls(folder, config, config.configs())
        if (folder / "study.json").is_file():
            there = cls.open(folder)
            check_same(there, study)
            study = cls(folder, study.config, there.variants if config.search == "grid" else study.variants)
            if config.seeds is None and there.config.seeds is not None:
                study = cls(folder, config.model_copy(update={"seeds": there.config.seeds}), study.variants)
        elif folder.exists() and (not folder.is_dir() or holds_something(folder)):
            raise StudyError(
                "'{folder}' is not empty and holds no study; choose another folder", field="out", folder=folder
            )
        try:
            (folder / "runs").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StudyError(
                "'{folder}' can't be written: {strerror}; choose another folder",
                field="out",
                folder=folder,
                strerror=error.strerror,
            ) from None
        study.write()
        return study

    @classmethod
    def open(cls, folder: str | Path) -> "Study":
        """Opens the study in `folder`.

        Raises:
            StudyError: there is none, or its file can't be read.
        """
        folder = Path(folder)
        path = folder / "study.json"
        if not path.is_file():
            where = "is no study's folder: it has no study.json" if folder.is_dir() else "doesn't exist"
            raise StudyError(
                "'{folder}' {where}; 'pocketgan study NAME --out DIR' makes one",
                field="study",
                folder=folder,
                where=where,
            )
        try:
            values = read_object(path)
            number = history.known_format(values.get("format"))
            if number is None:
                parts = {"path": path, "found": repr(values.get("format")), "format": history.FORMAT}
                raise StudyError("unknown format", field="study", **parts)
            config = study_config(upgraded(values["study"], number))
            variants = {name: validated(history.upgrade(fields, number)) for name, fields in values["variants"].items()}
        except (RunError, ConfigError, KeyError, AttributeError, TypeError) as error:
            raise StudyError("{path} is damaged: {error}", field="study", path=path, error=error) from None
        return cls(folder, config, variants)

    def write(self) -> None:
        """Writes `study.json`."""
        content: dict[str, Any] = {
            "format": history.FORMAT,
            "study": self.config.model_dump(exclude_defaults=True) | {"name": self.config.name},
            "variants": {name: config.model_dump() for name, config in self.variants.items()},
        }
        write_json(self.folder / "study.json", content)

    @property
    def groups(self) -> list[list[str]]:
        """The variants that learn the same images and are measured against them; only those can be compared."""
        groups: dict[tuple[str, ...], list[str]] = {}
        for name, config in self.variants.items():
            groups.setdefault((config.data.data, config.data.classes, config.data.target), []).append(name)
        return list(groups.values())

    @property
    def comparable(self) -> bool:
        """Whether all variants learn, and are measured against, the same real images."""
        return len(self.groups) <= 1

    @property
    def tests(self) -> int:
        """How many tests it makes: of pairs of variants, or of moments against the end, whichever are more."""
        one = self.config.compare_with
        pairs = sum(len(group) - 1 if one in group else len(group) * (len(group) - 1) // 2 for group in self.groups)
        return max(pairs, len(self.config.moments) * len(self.variants))

    def seeds(self) -> list[int]:
        """The seeds of each variant."""
        return [self.config.first_seed] if self.config.search == "tpe" else self.config.seed_list(self.tests)

    def job(self, variant: str, seed: int, *, fresh: bool = False) -> Job:
        """Returns the run of a variant on a seed."""
        folder = self.folder / "runs" / slug(variant) / f"{'fresh' if fresh else 'seed'}-{seed}"
        return Job(variant, replace(self.variants[variant], seed=seed), folder, fresh)

    def jobs(self) -> list[Job]:
        """Returns all runs, seed by seed, so that a study that is stopped early has whole pairs."""
        return [self.job(variant, seed) for seed in self.seeds() for variant in self.variants]

    def fresh_jobs(self, variant: str) -> list[Job]:
        """Returns the runs that confirm the chosen variant."""
        return [self.job(variant, seed, fresh=True) for seed in self.config.fresh_seed_list()]

    def results(self) -> dict[str, list[Result | None]]:
        """Returns each variant's results in the order of the seeds; None for a run that isn't done."""
        return {name: [self.job(name, seed).result() for seed in self.seeds()] for name in self.variants}

    def figures(self, metric: str | None = None) -> dict[str, list[float | None]]:
        """Returns each variant's figures in the order of the seeds; None for a run that failed or isn't done."""
        metric = metric or self.config.metric
        return {
            name: [None if result is None else result.figures.get(metric) for result in results]
            for name, results in self.results().items()
        }

    def judged(self) -> dict[str, list[float | None]]:
        """Returns what variants are ranked by, as `figures`: where a best value lies in between, distances from it."""
        judge = self.config.judged
        return {
            name: [None if value is None else judge(value) for value in values]
            for name, values in self.figures().items()
        }

    def followed(self) -> dict[str, list[float | None]]:
        """Returns the last of each finished run's own evaluations, which have not seen the test split, as `figures`."""
        outcome: dict[str, list[float | None]] = {}
        for name, results in self.results().items():
            runs = [self.job(name, seed).run() for seed in self.seeds()]
            rows = [run.metrics()[-1:] if run else [] for run in runs]
            outcome[name] = [
                row[0].get(self.config.metric) if row and result is not None and result.state == "finished" else None
                for row, result in zip(rows, results, strict=True)
            ]
        return outcome


def plain(figure: float | None) -> str:
    """Returns a figure in four digits; `not finite` for one that is infinite, not a number, or wasn't measured."""
    return "not finite" if figure is None or not math.isfinite(figure) else f"{figure:.4g}"


def upgraded(fields: dict[str, Any], number: int) -> dict[str, Any]:
    """Returns the fields of a study of an older format as today's.

    In format 1 lower was better for every metric that said nothing else; where the metric has no direction of its own,
    that stays.
    """
    if number > 1:
        return fields
    metric = fields.get("metric", "frechet_distance")
    remaining = BETTER.get(metric, "lower") is not None or metric in IDEALS
    return fields if remaining else {"direction": "lower"} | fields


def holds_something(folder: Path) -> bool:
    """Whether a folder holds more than what a study that was killed as it began leaves there."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".study.json.")}
    return bool(names - {"runs"}) or any((folder / "runs").glob("*"))


def check_same(there: Study, asked: Study) -> None:
    """Checks that a folder's study is the one that is asked for.

    Raises:
        StudyError: it is another; the message says where they differ.
    """
    old, new = (study.config.model_dump() | {"direction": study.config.better} for study in (there, asked))
    for name in old:
        if old[name] != new[name] and name not in GROWS:
            raise StudyError(
                "'{folder}' holds the study '{name}' with other settings ({name2}: {old} -> {new}); "
                "choose another folder",
                field="out",
                folder=there.folder,
                name=there.config.name,
                name2=name,
                old=old[name],
                new=new[name],
            )
    old["seeds"], new["seeds"] = len(there.seeds()), len(asked.seeds())
    for name in ("seeds", "fresh_seeds", "trials"):
        if new[name] < old[name] and not (name == "seeds" and asked.config.seeds is None):
            raise StudyError(
                "{new} is fewer than the {old} of the study in '{folder}'; give as many or more",
                field=name,
                new=new[name],
                old=old[name],
                folder=there.folder,
            )
    if asked.config.search == "grid" and not same_variants(there.variants, asked.variants):
        raise StudyError(
            "the recipes of the study in '{folder}' have changed since it began; choose another folder",
            field="out",
            folder=there.folder,
        )


def same_variants(there: dict[str, RunConfig], asked: dict[str, RunConfig]) -> bool:
    """Whether variants are the same, also where the folder's were written by an older version."""
    if list(there) != list(asked):
        return False

    def same(name: str) -> bool:
        values = asked[name].model_dump()
        return any(there[name] == validated(history.as_of(values, number)) for number in range(1, history.FORMAT + 1))

    return all(map(same, there))
