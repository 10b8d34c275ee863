"""The watchdog of a run: logs evaluations and diagnoses, whoever trains the run, and says when patience has run out."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from pocketgan.base.progress import Progress
from pocketgan.experiment.diagnosis import DIAGNOSES, Diagnosis, History, diagnose
from pocketgan.experiment.watchdog_words import sentence
from pocketgan.runs.run import Run


@runtime_checkable
class Clocks(Protocol):
    """A moment of training: steps, real images shown, epochs, and seconds of training alone."""

    @property
    def step(self) -> int: ...

    @property
    def nimg(self) -> int: ...

    @property
    def epoch(self) -> float: ...

    @property
    def seconds(self) -> float: ...


def clocks(moment: Clocks) -> dict[str, float]:
    """Returns a moment as the first columns of a row, and as the content of the file beside a sample picture."""
    epoch, seconds = round(moment.epoch, 6), round(moment.seconds, 3)
    return {"step": moment.step, "nimg": moment.nimg, "epoch": epoch, "seconds": seconds}


def rounded(value: float) -> float | None:
    """Returns a number rounded to six significant digits; None if it is infinite or not a number."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


class Watchdog:
    """Logs a run's evaluations and reports its failures.

    Attributes:
        named: names of the open diagnoses.
        healthy_step: the last step before the latest failure; checkpoints up to this step are healthy.
    """

    def __init__(self, run: Run, progress: Progress) -> None:
        self.run, self.progress = run, progress
        self.named = self._open_names()
        self.healthy_step = 0

    def _open_names(self) -> set[str]:
        """Returns the names of the logged diagnoses that are still open: neither resolved nor rolled back since."""
        named: set[str] = set()
        for event in self.run.events():
            if event["event"] == "diagnosis":
                named.add(event["name"])
            elif event["event"] == "recovery":
                named.discard(event["name"])
            elif event["event"] == "rollback":
                named.clear()
        return named

    def take(
        self, moment: Mapping[str, float], values: Mapping[str, Any], keep_best: Callable[[dict[str, float]], object]
    ) -> list[Diagnosis]:
        """Logs an evaluation and looks at the run; returns the failures newly detected.

        Args:
            moment: the clocks, as `clocks` returns them.
            values: what was measured, and the comparison that it was measured by.
            keep_best: called with the measured distance and its baseline if this evaluation is the best so far.
        """
        best = self.run.best()
        row = {name: rounded(value) if isinstance(value, float) else value for name, value in values.items()}
        row = {**moment, **row}
        self.run.log_metrics(row)
        distance = row.get("frechet_distance")
        if distance is not None:
            if best is None or distance < best["frechet_distance"]:
                keep_best({name: row[name] for name in ("frechet_distance", "frechet_floor") if name in row})
            distances = [past["frechet_distance"] for past in self.run.metrics()]
            self.progress.show_quality(distances, row.get("frechet_floor"))
        return self.diagnose(row["step"])

    def diagnose(self, step: int) -> list[Diagnosis]:
        """Logs and shows newly detected and newly resolved problems; returns the failures among the new ones."""
        rows = [row for row in self.run.stats() if row["step"] <= step]
        diagnoses = diagnose(History(rows, self.run.metrics(), self.run.config.watchdog))
        new = [diagnosis for diagnosis in diagnoses if diagnosis.name not in self.named]
        for diagnosis in new:
            self.report(step, diagnosis)
        names = {diagnosis.name for diagnosis in diagnoses}
        explained = {name for name in self.named if names & set(DIAGNOSES[name].explained_by)}
        for name in sorted(self.named - names - explained):
            self.run.log_event(step, "recovery", name=name)
            self.progress.say(sentence({"event": "recovery", "step": step, "name": name}))
        self.named = names | explained
        failures = [diagnosis for diagnosis in new if diagnosis.failure]
        if failures:
            looked = DIAGNOSES[failures[0].name].looks_back(self.run.config.watchdog)
            before = self.run.metrics()[:-looked]
            self.healthy_step = before[-1]["step"] if before else 0
        return failures

    def report(self, step: int, diagnosis: Diagnosis) -> None:
        """Logs a diagnosis in the run folder and shows it."""
        results = {"name": diagnosis.name, "failure": diagnosis.failure, "evidence": diagnosis.evidence.to_json()}
        if self.run.config.kind == "recorded":
            results["own_loop"] = True
        self.run.log_event(step, "diagnosis", **results)
        self.progress.say(sentence({"event": "diagnosis", "step": step, **results}))

    def out_of_patience(self) -> bool:
        """Returns whether `patience` evaluations have passed since the best one."""
        patience, best = self.run.config.evaluation.patience, self.run.best()
        if not patience or best is None:
            return False
        return sum(row["step"] > best["step"] for row in self.run.metrics()) >= patience
