"""What a run folder holds for a tracker, as events. A reader remembers where it is, so that a run can be followed."""

import math
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocketgan.base.errors import RunError
from pocketgan.base.files import parse_json
from pocketgan.config.fields import flatten
from pocketgan.runs.records import State, read_object
from pocketgan.runs.run import Run

CLOCKS = ("nimg", "epoch", "seconds")
"""Columns that say when a row was written; see `docs/reference/run-folder.md`."""
LEFT_OUT = ("step", *CLOCKS, "count", "classes", "features_version", "format")
"""Numbers of a row that don't change during a run."""
PUBLIC = {"frechet_floor": "frechet_distance_baseline", "authentic_floor": "authentic_baseline"}
"""Names of real-data baselines in trackers."""
ENVIRONMENT = ("pocketgan", "python", "torch", "device", "threads", "processor")


@dataclass(frozen=True)
class Settings:
    """The settings of a run. They come first, and once more if the run returned to an earlier step.

    Attributes:
        values: the settings, by name.
    """

    values: dict[str, Any]


@dataclass(frozen=True)
class Row:
    """Numbers of one step.

    Attributes:
        step: the training step.
        time: seconds since 1970; the differences are times of training alone.
        clocks: `nimg`, `epoch` and `seconds`, as far as they are known.
        values: finite numbers, by names such as `losses/d_loss`.
    """

    step: int
    time: float
    clocks: dict[str, float]
    values: dict[str, float]


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        step, time: as in `Row`.
        name: what it shows, such as `samples`.
        path: the PNG file.
    """

    step: int
    time: float
    name: str
    path: Path


@dataclass(frozen=True)
class Ending:
    """The state of a run after all other events.

    Attributes:
        state: as in `status.json`; `killed` if that file can't be read.
        time: seconds since 1970.
        notes: `state`, `step`, `steps`, `message` and `diagnoses`, as far as they are known.
    """

    state: State
    time: float
    notes: dict[str, str | int] = field(default_factory=dict)


Event = Settings | Row | Picture | Ending


class Rewound(Exception):
    """Rows that were already read have changed, because the run returned to an earlier step."""


class Tail:
    """The end of a JSON-lines file that hasn't been read yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place, self._last = 0, b""

    def rows(self) -> list[dict[str, Any]]:
        """Returns the complete lines since the last call that are objects with a step; a half-written one waits.

        Raises:
            Rewound: the line that was read last isn't there any more.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._place - len(self._last))
                content = file.read()
        except FileNotFoundError:
            content = b""
        if not content.startswith(self._last):
            raise Rewound
        complete = content[len(self._last) : content.rfind(b"\n") + 1]
        lines = complete.splitlines(keepends=True)
        if lines:
            self._place, self._last = self._place + len(complete), lines[-1]
        return [row for row in map(parsed, lines) if row is not None]


class Reader:
    """Reads a run folder again and again, each time what is new.

    Args:
        run: the run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._begin()

    def _begin(self) -> None:
        """Forgets what was read."""
        with suppress(RunError):
            self.run = Run.open(self.run.folder)
        self._tails = {name: Tail(self.run.folder / f"{name}.jsonl") for name in ("stats", "metrics")}
        self._pictures: set[str] = set()
        self._scores: dict[str, int] = {}
        self._opened = False
        self._start = time.time()
        with suppress(RunError):
            status = self.run.status()
            self._start = status.updated.timestamp() - status.seconds

    def events(self) -> Iterator[Event]:
        """Yields what is new since the last call, and the state of the run as the last event.

        The first call, and the first after the run returned to an earlier step, yields the settings and then
        everything from the start. Rows and pictures are in the order of their steps.
        """
        ending = self._ending()  # Read first, so that no row of a finished run is missing.
        try:
            news = self._news(ending)
        except Rewound:
            self._begin()
            news = self._news(ending)
        if not self._opened:
            self._opened = True
            yield Settings(settings_of(self.run))
        yield from news
        yield ending

    def _news(self, ending: Ending) -> list[Row | Picture]:
        """Returns new rows and pictures, by step."""
        rows = [self._row(row, group) for group, tail in self._tails.items() for row in tail.rows()]
        rows += [Row(step, ending.time, {}, values) for step, values in self._new_scores(ending)]
        news: list[Row | Picture] = [row for row in rows if row.values]
        news += self._new_pictures(ending)
        return sorted(news, key=lambda event: event.step)

    def _row(self, row: dict[str, Any], group: str) -> Row:
        """Returns a row of `stats.jsonl` or `metrics.jsonl`."""
        numbers = finite(row)
        values = {
            f"{'quality' if group == 'metrics' else group_of(name)}/{PUBLIC.get(name, name)}": value
            for name, value in numbers.items()
            if name not in LEFT_OUT
        }
        clocks = {name: numbers[name] for name in CLOCKS if name in numbers}
        return Row(row["step"], self._start + clocks.get("seconds", 0.0), clocks, values)

    def _new_pictures(self, ending: Ending) -> list[Picture]:
        """Returns new sample pictures; one whose step isn't known yet waits while the run is trained."""
        samples = self.run.samples()
        if ending.state == "running":
            samples = [sample for sample in samples if sample.seconds is not None]
        new = [sample for sample in samples if sample.path.name not in self._pictures]
        self._pictures = {sample.path.name for sample in samples}
        return [Picture(one.step, self._start + (one.seconds or 0.0), "samples", one.path) for one in new]

    def _new_scores(self, ending: Ending) -> Iterator[tuple[int, dict[str, float]]]:
        """Yields the step and the scores of `evaluation.json` and of a study's `result.json`, if they are new."""
        for name, read in (("evaluation/evaluation.json", evaluation_scores), ("result.json", result_scores)):
            path = self.run.folder / name
            with suppress(OSError, RunError, KeyError, TypeError, ValueError, AttributeError):
                changed = path.stat().st_mtime_ns
                if self._scores.get(name) != changed:
                    content = read_object(path)
                    step, values = content.get("step"), read(content)
                    self._scores[name] = changed
                    yield step if isinstance(step, int) else int(ending.notes.get("step", 0)), values

    def _ending(self) -> Ending:
        """Returns the state of the run."""
        names = [str(event.get("name")) for event in self.run.events() if event.get("event") == "diagnosis"]
        diagnoses = ", ".join(dict.fromkeys(names))
        try:
            status = self.run.status()
        except RunError:  # It is missing or damaged; a resumed run writes it again.
            return Ending("killed", time.time(), {"state": "killed"})
        notes: dict[str, str | int] = {"state": status.state, "step": status.step}
        notes |= {} if self.run.planned_steps is None else {"steps": self.run.planned_steps}
        texts = {"message": status.message, "diagnoses": diagnoses}
        notes |= {name: text for name, text in texts.items() if text}
        return Ending(status.state, self._start + status.seconds, notes)


def parsed(line: bytes) -> dict[str, Any] | None:
    """Returns a line of a JSON-lines file; None if it is damaged or has no step."""
    with suppress(ValueError):
        row = parse_json(line)
        if isinstance(row, dict) and isinstance(row.get("step"), int) and row["step"] >= 0:
            return row
    return None


def finite(values: dict[str, Any]) -> dict[str, float]:
    """Returns the finite numbers among some values."""
    numbers = {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def group_of(name: str) -> str:
    """Returns the group of a column of `stats.jsonl`: trackers show each group together."""
    if name == "images_per_second":
        return "speed"
    return "losses" if name.endswith("_loss") else "accuracies" if name.endswith("_accuracy") else "training"


def evaluation_scores(content: dict[str, Any]) -> dict[str, float]:
    """Returns the scores of `evaluation.json`, each with its real-data baseline and its standard error."""
    scores: dict[str, Any] = {}
    for name, score in content["metrics"].items():
        scores[f"evaluation/{name}"] = score.get("value")
        scores[f"evaluation/{name}_baseline"] = score.get("floor")
        scores[f"evaluation/{name}_standard_error"] = score.get("spread")
    return finite(scores)


def result_scores(content: dict[str, Any]) -> dict[str, float]:
    """Returns the scores of a study's `result.json`, and the real-data baseline of the deciding metric."""
    return finite({f"result/{name}": value for name, value in content["figures"].items()} | {
        "result/baseline": content.get("floor")
    })  # fmt: skip


def settings_of(run: Run) -> dict[str, Any]:
    """Returns the settings of a run by name, with its data and its environment."""
    fields = flatten(run.config)
    if run.config.kind == "recorded":  # Its loop has settings of its own.
        fields = {"recipe": run.config.recipe, "seed": run.config.seed, **run.config.settings}
    values: dict[str, Any] = {}
    for name, value in fields.items():
        values |= {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
    values |= {"data.source": run.facts.source, "data.images": run.facts.images, "data.size": run.facts.size}
    return values | {f"environment.{name}": getattr(run.environment, name) for name in ENVIRONMENT}
