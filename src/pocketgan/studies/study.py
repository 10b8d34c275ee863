"""A study's folder: its configuration, its runs and their results. Doesn't import torch.

`study.json` holds the configuration, `runs/<variant>/seed-<n>/` one run each, and `report/` the report. A finished run
also has `result.json`. `docs/reference/study-files.md` describes the files.
"""

import dataclasses
import math
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pocketgan.base.errors import ConfigError, RunError, StudyError
from pocketgan.base.files import write_json
from pocketgan.base.language import localised
from pocketgan.base.messages import problem
from pocketgan.config import history
from pocketgan.config.fields import replace, validated
from pocketgan.config.places import located
from pocketgan.config.sections import RunConfig
from pocketgan.metrics.words import BETTER, IDEALS
from pocketgan.runs.records import read_object
from pocketgan.runs.run import Run
from pocketgan.studies.config import NOT_OF, StudyConfig, slug, study_config

GROWS = ("seeds", "fresh_seeds", "trials", "question")
"""Fields that may change when a study continues, mostly to larger numbers."""
STOP = ".stop"
UNDONE = "undone.json"
"""File in a run's folder that says what kept the run from ending, until it is tried again."""

Images = tuple[Any, ...]
"""What tells the images that variants were trained on and measured against."""


class Result(BaseModel):
    """Result of a run, as stored in `result.json`.

    Attributes:
        variant, seed: variant and seed of the run.
        state: `finished`; `failed` (the run diverged, or the watchdog stopped it); `pruned` by a search; `undone`:
            stopped, or prevented by an external cause such as a full disk. An undone result isn't stored, and the run
            is resumed later.
        message: the reason for a failed, pruned or undone run, in English.
        reason: the same as a key of `PROBLEMS` and its parts; empty in files of older versions.
        figures: scores of the measured generator, by metric.
        floor: real-data baseline of the deciding metric, or None.
        features: the feature space, its version and hash.
        seconds: training time alone.
        wall_seconds: time of the whole job: training, sampling, evaluations during training, and measuring.
        diagnoses: the watchdog's diagnoses.
        unmeasured: of further metrics that couldn't be measured, the reason as `message` and `reason`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    seed: int
    state: Literal["finished", "failed", "pruned", "undone"]
    message: str = ""
    reason: dict[str, Any] = Field(default={})
    figures: dict[str, float | None] = Field(default={})
    floor: float | None = None
    features: str = ""
    seconds: float = 0.0
    wall_seconds: float = 0.0
    diagnoses: list[str] = Field(default=[])
    unmeasured: dict[str, dict[str, Any]] = Field(default={})


@dataclass(frozen=True)
class Job:
    """One run of a study.

    Attributes:
        variant: the variant's name.
        config: the run's configuration, with its seed.
        folder: the run's folder.
        fresh: whether the run uses a confirmation seed, and had no part in choosing the variant.
    """

    variant: str
    config: RunConfig
    folder: Path
    fresh: bool = False

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.config.seed

    def anywhere(self) -> "Job":
        """Returns the job with absolute paths, for a process that works in another folder."""
        data = located(self.config.data)
        return dataclasses.replace(
            self, folder=self.folder.absolute(), config=self.config.model_copy(update={"data": data})
        )

    def result(self) -> Result | None:
        """Returns the run's result; None if there is none yet."""
        return read_result(self.folder / "result.json")

    def kept_from_ending(self) -> Result | None:
        """Returns the `undone` result of a run that an external cause kept from ending; None if nothing did."""
        return read_result(self.folder / UNDONE)

    def run(self) -> Run | None:
        """Opens the run; None if it hasn't started."""
        try:
            return Run.open(self.folder)
        except RunError:
            return None


@dataclass(frozen=True)
class Study:
    """A study in its folder.

    Attributes:
        folder: the study's folder.
        config: the study's configuration.
        variants: each variant's configuration, by name; in a search, the variants of its trials so far.
        place: the working directory of its scripts: where the study was started.
    """

    folder: Path
    config: StudyConfig
    variants: dict[str, RunConfig] = field(default_factory=dict)
    place: Path = field(default_factory=Path.cwd, compare=False)

    @classmethod
    def begin(cls, config: StudyConfig, folder: str | Path) -> "Study":
        """Creates a new study in `folder`, or opens the same study there; numbers of seeds or trials may have grown.

        Raises:
            StudyError: the folder holds another study or something else.
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
            raise StudyError("no study inside", field="out", folder=folder)
        try:
            (folder / "runs").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StudyError("not writable", field="out", folder=folder, why=error.strerror) from None
        study.write()
        return study

    @classmethod
    def open(cls, folder: str | Path) -> "Study":
        """Opens the study in `folder`.

        Raises:
            StudyError: there is no study, or its file can't be read.
        """
        folder = Path(folder)
        folder = folder.parent if folder.name == "study.json" else folder
        path = folder / "study.json"
        if not path.is_file():
            key = "no study folder" if folder.is_dir() else "study folder gone"
            raise StudyError(key, field="study", folder=folder)
        try:
            values = read_object(path)
            number = history.known_format(values.get("format"))
            if number is None:
                parts = {"path": path, "found": repr(values.get("format")), "format": history.FORMAT}
                raise StudyError("unknown format", field="study", **parts)
            config = study_config(upgraded(values["study"], number), reading=True)
            variants = {name: validated(history.upgrade(fields, number)) for name, fields in values["variants"].items()}
        except (RunError, ConfigError, KeyError, AttributeError, TypeError) as error:
            raise StudyError("damaged", field="study", path=path, why=error) from None
        return cls(folder, config, variants)

    def write(self) -> None:
        """Writes `study.json`."""
        content: dict[str, Any] = {
            "format": history.FORMAT,
            "study": self.config.model_dump(exclude_defaults=True) | {"name": self.config.name},
            "variants": {name: config.stored() for name, config in self.variants.items()},
        }
        write_json(self.folder / "study.json", content)

    @property
    def groups(self) -> list[list[str]]:
        """Groups of variants with the same training and real images; only variants of one group are comparable."""
        groups: dict[Images, list[str]] = {}
        images = {name: self._recorded_images(name) for name in self.variants} if self.config.command else {}
        common = next(filter(None, images.values()), ())
        for name, config in self.variants.items():
            key = (config.data.data, config.data.classes, config.data.target)
            groups.setdefault((images[name] or common) if self.config.command else key, []).append(name)
        return list(groups.values())

    def _recorded_images(self, variant: str) -> Images:
        """Returns what the first evaluated run of a script's variant was measured against; empty if there is none."""
        for folder in sorted((self.folder / "runs" / slug(variant)).glob("*-*")):
            with suppress(RunError):
                run = Run.open(folder)
                row, data = (run.metrics()[-1:] or [{}])[0], run.config.data
                if row:
                    space = (row.get("features"), row.get("features_hash"), row.get("reference"), row.get("count"))
                    return (data.data, data.classes, data.validation, *space)
        return ()

    @property
    def comparable(self) -> bool:
        """True if all variants have the same training images and real images."""
        return len(self.groups) <= 1

    @property
    def tests(self) -> int:
        """Number of tests in the study: of pairs of variants, or of moments against the end, whichever is larger."""
        one = self.config.compare_with
        groups = [list(self.variants)] if self.config.command else self.groups  # The number of seeds mustn't change.
        pairs = sum(len(group) - 1 if one in group else len(group) * (len(group) - 1) // 2 for group in groups)
        return max(pairs, len(self.config.moments) * len(self.variants))

    def seeds(self) -> list[int]:
        """Returns the seeds of each variant."""
        return [self.config.first_seed] if self.config.search == "tpe" else self.config.seed_list(self.tests)

    def job(self, variant: str, seed: int, *, fresh: bool = False) -> Job:
        """Returns the run of a variant with a seed."""
        folder = self.folder / "runs" / slug(variant) / f"{'fresh' if fresh else 'seed'}-{seed}"
        return Job(variant, replace(self.variants[variant], seed=seed), folder, fresh)

    def jobs(self) -> list[Job]:
        """Returns all runs, seed by seed, so that a study stopped early has complete pairs."""
        return [self.job(variant, seed) for seed in self.seeds() for variant in self.variants]

    def fresh_jobs(self, variant: str) -> list[Job]:
        """Returns the runs that confirm the chosen variant."""
        return [self.job(variant, seed, fresh=True) for seed in self.config.fresh_seed_list()]

    def results(self) -> dict[str, list[Result | None]]:
        """Returns each variant's results in the order of the seeds; None for a run without a result."""
        return {name: [self.job(name, seed).result() for seed in self.seeds()] for name in self.variants}

    def figures(self, metric: str | None = None) -> dict[str, list[float | None]]:
        """Returns each variant's scores in the order of the seeds; None for a run that failed or has no result."""
        metric = metric or self.config.metric
        return {
            name: [None if result is None else result.figures.get(metric) for result in results]
            for name, results in self.results().items()
        }

    def judged(self) -> dict[str, list[float | None]]:
        """Returns the ranked values in the form of `figures`: scores, or their distances from a best value."""
        judge = self.config.judged
        return {
            name: [None if value is None else judge(value) for value in values]
            for name, values in self.figures().items()
        }

    def followed(self) -> dict[str, list[float | None]]:
        """Returns the last evaluation of each finished run, without the test split, in the form of `figures`."""
        outcome: dict[str, list[float | None]] = {}
        for name, results in self.results().items():
            runs = [self.job(name, seed).run() for seed in self.seeds()]
            rows = [run.metrics()[-1:] if run else [] for run in runs]
            outcome[name] = [
                row[0].get(self.config.metric) if row and result is not None and result.state == "finished" else None
                for row, result in zip(rows, results, strict=True)
            ]
        return outcome


def read_result(path: Path) -> Result | None:
    """Returns the result in a file; None without one, or if it was partly written or edited."""
    if not path.is_file():
        return None
    try:
        return Result.model_validate(read_object(path))
    except (ValidationError, RunError):
        return None


def plain(figure: float | None) -> str:
    """Returns a score with four digits; `not finite` if it is infinite, not a number, or wasn't measured."""
    if figure is None or not math.isfinite(figure):
        return problem("no finite value")
    return localised(f"{figure:.4g}")


def upgraded(fields: dict[str, Any], number: int) -> dict[str, Any]:
    """Returns the fields of a study in an older format in the current format.

    In format 1, lower was better for every metric without a direction; such studies keep that direction.
    """
    if number > 1:
        return fields
    metric = fields.get("metric", "frechet_distance")
    remaining = BETTER.get(metric, "lower") is not None or metric in IDEALS
    return fields if remaining else {"direction": "lower"} | fields


def holds_something(folder: Path) -> bool:
    """Returns whether a folder holds more than the remains of a study that was killed while it was created."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".study.json.")}
    return bool(names - {"runs"}) or any((folder / "runs").glob("*"))


def check_same(there: Study, asked: Study) -> None:
    """Checks that a folder's study is the requested one.

    Raises:
        StudyError: it is another study; the message names the difference.
    """
    old, new = (study.config.model_dump() | {"direction": study.config.better} for study in (there, asked))
    for name in old:
        if old[name] != new[name] and name not in (*GROWS, *NOT_OF[asked.config.search]):
            change = {"setting": name, "old": old[name], "new": new[name]}
            raise StudyError("other study", field="out", folder=there.folder, name=there.config.name, **change)
    old["seeds"], new["seeds"] = len(there.seeds()), len(asked.seeds())
    for name in ("seeds", "fresh_seeds", *(["trials"] if asked.config.search == "tpe" else [])):
        if new[name] < old[name] and not (name == "seeds" and asked.config.seeds is None):
            raise StudyError("smaller study", field=name, new=new[name], old=old[name], folder=there.folder)
    if asked.config.search == "grid" and not same_variants(there.variants, asked.variants):
        raise StudyError("recipes changed", field="out", folder=there.folder)


def same_variants(there: dict[str, RunConfig], asked: dict[str, RunConfig]) -> bool:
    """Returns whether variants are equal, also if those in the folder were written by an older version."""
    if list(there) != list(asked):
        return False

    def same(name: str) -> bool:
        values = asked[name].model_dump()
        return any(there[name] == validated(history.as_of(values, number)) for number in range(1, history.FORMAT + 1))

    return all(map(same, there))
