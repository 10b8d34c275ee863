"""A race: one study for each duration, over a script that trains an entrant and judges it. Doesn't import torch.

The folder of a race holds `race.json`, one folder of a study for each duration, `table.json` and `race.html`. Started
again, a race continues and repeats nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pocketgan.base.errors import ConfigError, RunError, StudyError, UserError, nearest
from pocketgan.base.files import write_json
from pocketgan.base.progress import Progress
from pocketgan.config.durations import Duration
from pocketgan.race.places import NAMES, entrant_name
from pocketgan.runs.records import read_object
from pocketgan.studies.backends import count_jobs
from pocketgan.studies.config import StudyConfig, study_config
from pocketgan.studies.running import run_study
from pocketgan.studies.study import STOP, Study

FILE, FORMAT = "race.json", 1
WORKER = "pocketgan.race.worker"
METRICS = ["frechet_distance", "recall", "label_agreement", "authentic"]
GROWS = ("durations", "seeds")
"""What may be more when a race continues."""


@dataclass(frozen=True)
class RaceConfig:
    """What a race is.

    Attributes:
        durations: training times such as `10 s`, each with a unit of time.
        entrants: names of the package's entrants, or files of one's own.
        data: the data, as for `pocketgan train --data`.
        seeds: runs of each entrant at each duration; None for the number that shows a large difference.
        first_seed: the first seed.
        threads: CPU threads of each run.
        clock: `wall`, real time; or `cpu`, the processor's time per thread, which other programs falsify less.
        count: number of images that are generated and judged.
        against: `test`, or `validation` for trials.
        validation: size of the validation set, on which nothing is trained.
    """

    durations: tuple[str, ...] = ("10 s", "1 min", "5 min", "30 min")
    entrants: tuple[str, ...] = NAMES
    data: str = "mnist"
    seeds: int | None = None
    first_seed: int = 0
    threads: int = 1
    clock: str = "wall"
    count: int = 10_000
    against: str = "test"
    validation: float = 5000

    def __post_init__(self) -> None:
        for name in self.entrants:
            check_name(name)
        if self.threads < 1:
            raise ConfigError("at least", field="threads", least=1, found=self.threads)
        names = [entrant_name(one) for one in self.entrants]
        if len(names) < 2:
            raise ConfigError("too few entrants", field="entrants", count=len(names))
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ConfigError("entrants twice", field="entrants", name=twice)
        seconds = [seconds_of(text) for text in self.durations]
        again = next((text for text, one in zip(self.durations, seconds, strict=True) if seconds.count(one) > 1), None)
        if again is not None:
            raise ConfigError("durations twice", field="for", text=again)

    def study(self, duration: str) -> StudyConfig:
        """Returns the study of one duration: its variants are the entrants, each compared with the first."""
        settings = {
            "seconds": seconds_of(duration),
            **{name: getattr(self, name) for name in ("data", "threads", "clock", "against", "count", "validation")},
        }
        flags = [word for name in settings for word in (f"--{name}", f"{{{name}}}")]
        names = [entrant_name(one) for one in self.entrants]
        return study_config(
            {
                "name": f"race-{slug(duration)}",
                "question": f"Which model makes the best images after {duration} of training?",
                "command": ["python", "-m", WORKER, "{entrant}", *flags, "--seed", "{seed}"],
                "settings": settings,
                "variants": [{"name": name, "entrant": one} for name, one in zip(names, self.entrants, strict=True)],
                "seeds": self.seeds,
                "first_seed": self.first_seed,
                "fresh_seeds": 0,
                "metrics": METRICS,
                "compare_with": names[0],
            }
        )

    def ordered(self) -> list[str]:
        """Returns the durations, the shortest first."""
        return sorted(self.durations, key=seconds_of)


def check_name(name: str) -> None:
    """Checks that an entrant is one of the package's, or a file that exists.

    Raises:
        ConfigError: it isn't.
    """
    file = name.rpartition(":")[0] if ".py:" in name else name
    if name in NAMES or (file.endswith(".py") and Path(file).is_file()):
        return
    raise ConfigError("no entrant", field="entrants", name=name, hint=nearest(name, NAMES), known=", ".join(NAMES))


def seconds_of(text: str) -> float:
    """Returns a duration in seconds.

    Raises:
        ConfigError: it isn't in time.
    """
    try:
        seconds = Duration.parse(text).seconds
    except ValueError as error:
        raise ConfigError(str(error), field="for") from None
    if seconds is None:
        raise ConfigError("duration of a race", field="for", text=text)
    return seconds


def slug(duration: str) -> str:
    """Returns a duration as a part of a folder's name: `10-s`."""
    return "-".join(duration.replace(".", "-").split())


@dataclass(frozen=True)
class Race:
    """A race in its folder."""

    folder: Path
    config: RaceConfig

    @classmethod
    def open(cls, folder: str | Path) -> "Race":
        """Opens the race in a folder.

        Raises:
            StudyError: there is none, or its file is damaged.
        """
        path = Path(folder) / FILE
        if not path.is_file():
            raise StudyError("no race folder", field="race", folder=folder)
        try:
            values = {name: tuple(one) if isinstance(one, list) else one for name, one in read_object(path).items()}
            values.pop("format", None)
            # A race is read where it was made or elsewhere; files of entrants needn't be there.
            config = object.__new__(RaceConfig)
            for name, value in (asdict(RaceConfig()) | values).items():
                object.__setattr__(config, name, value)
        except (RunError, TypeError, ValueError) as error:
            raise StudyError("damaged", field="race", path=path, why=error) from None
        return cls(Path(folder), config)

    def studies(self) -> dict[str, Study]:
        """Returns the studies that have begun, by duration, the shortest first."""
        begun = {text: self.folder / slug(text) for text in self.config.ordered()}
        return {text: Study.open(place) for text, place in begun.items() if (place / "study.json").is_file()}

    @property
    def stopped(self) -> bool:
        """Whether a signal stopped the race."""
        return any((self.folder / slug(text) / STOP).exists() for text in self.config.durations)

    def write(self) -> None:
        """Writes `race.json`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / FILE, {"format": FORMAT, **asdict(self.config)})


def run_race(config: RaceConfig, folder: str | Path, *, jobs: str = "1", progress: Progress | None = None) -> Race:
    """Runs or continues a race, the shortest duration first, until its end or a signal.

    Args:
        config: the race.
        folder: its folder.
        jobs: number of simultaneous runs. More than one make each other slower, so the default is `1`.
        progress: the progress display.

    Raises:
        UserError: the race is invalid, or the folder holds another one; nothing was started.
    """
    from pocketgan.race.checks import check_race

    race = Race(Path(folder), config)
    if (race.folder / FILE).is_file():
        race = Race(race.folder, merged(Race.open(race.folder), config))
    studies = {text: race.config.study(text) for text in race.config.ordered()}
    count_jobs(jobs, 1)
    check_race(config.entrants, config.data, config.validation, config.against, config.count)
    race.write()
    for text, study in studies.items():
        run_study(study, race.folder / slug(text), jobs=jobs, progress=progress)
        if (race.folder / slug(text) / STOP).exists():
            break
    return race


def merged(there: Race, asked: RaceConfig) -> RaceConfig:
    """Returns the configuration of a race that continues: with the durations of both, and the new number of seeds.

    Raises:
        StudyError: another setting differs.
    """
    old, new = asdict(there.config), asdict(asked)
    for name in old:
        if name not in GROWS and old[name] != new[name]:
            parts: dict[str, Any] = {"setting": name, "old": old[name], "new": new[name]}
            raise StudyError("other race", field="out", folder=there.folder, **parts)
    known = {seconds_of(text) for text in there.config.durations}
    more = tuple(text for text in asked.durations if seconds_of(text) not in known)
    seeds = there.config.seeds if asked.seeds is None else asked.seeds
    return RaceConfig(**{**new, "durations": (*there.config.durations, *more), "seeds": seeds})


def texts(value: str | Sequence[str]) -> tuple[str, ...]:
    """Returns a comma-separated list, or a list, as a tuple.

    Raises:
        UserError: it is empty.
    """
    items = value.split(",") if isinstance(value, str) else value
    results = tuple(item.strip() for item in items if item.strip())
    if not results:
        raise UserError("empty list")
    return results
