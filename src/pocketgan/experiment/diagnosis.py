"""The watchdog: detects failures of a run and gives the evidence, in pure functions on logged rows.

A diagnosis is based on the rows of losses (`stats.jsonl`) and the evaluations (`metrics.jsonl`) so far. Its thresholds
and the reasons for them are in `WatchdogConfig`; its messages and its advice are in `watchdog_words`.
"""

import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pocketgan.base.errors import NonFiniteLoss
from pocketgan.base.messages import stored
from pocketgan.config.watchdog_section import WatchdogConfig

Row = dict[str, Any]
STAGNANT = 1.02
"""Ratio of the largest to the smallest Fréchet distance up to which the distance counts as constant."""

DISTINCT = 0.05
"""Share of distinct images (100 of 2,000) up to which a generator has collapsed, whatever else is measured."""

OWN_TARGET = 0.75
"""Share of outputs nearer to their own target than to another one, up to which a translation ignores its input; chance
is 0.5, and faithful translations have 1."""
VARIATION = 0.1
"""Variance over the outputs by that over the targets, up to which a translation ignores its input."""


@dataclass(frozen=True)
class Diagnosis:
    """A detected failure or problem of a run.

    Attributes:
        name: a key of `DIAGNOSES`.
        failure: whether it ruins the run, so that `--on-failure` applies.
        evidence: the measurements behind the diagnosis.
    """

    name: str
    failure: bool
    evidence: "Evidence"


@dataclass(frozen=True)
class Evidence:
    """Measurements that support a diagnosis.

    Attributes:
        key: kind of evidence, a key of `watchdog_words.EVIDENCE`.
        parts: the numbers by name; also names, and messages as `messages.stored` returns them.
    """

    key: str
    parts: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Returns the key and the parts as a row of `events.jsonl` stores them."""
        return {"key": self.key, **self.parts}


def evidence(key: str, **parts: Any) -> Evidence:
    """Returns evidence with its numbers rounded to four significant digits."""
    rounded = {name: float(f"{part:.4g}") if isinstance(part, float) else part for name, part in parts.items()}
    return Evidence(key, rounded)


@dataclass(frozen=True)
class History:
    """Rows and evaluations of a run so far.

    Attributes:
        rows: losses and accuracies, oldest first.
        evaluations: measured quality, oldest first.
        limits: the thresholds.
    """

    rows: Sequence[Row]
    evaluations: Sequence[Row]
    limits: WatchdogConfig

    @cached_property
    def window(self) -> Sequence[Row]:
        """The last `watch_window` evaluations, which all must show a failure; empty while there are fewer."""
        size = self.limits.watch_window
        return self.evaluations[-size:] if len(self.evaluations) >= size else ()

    @cached_property
    def distances(self) -> list[float]:
        """The Fréchet distances of all evaluations."""
        return [row["frechet_distance"] for row in self.evaluations]

    @cached_property
    def improving(self) -> bool:
        """True if the window's lowest distance is clearly lower than every distance before the window.

        Also true while there are too few evaluations for a comparison.
        """
        if not self.window or len(self.evaluations) == len(self.window):
            return True
        size = len(self.window)
        before = min(self.distances[:-size])
        return min(self.distances[-size:]) < before * (1 - self.limits.watch_progress)

    @cached_property
    def moving(self) -> bool:
        """True if the distance has ever changed clearly: a generator that never learned hasn't collapsed."""
        return max(self.distances) * (1 - self.limits.watch_progress) > min(self.distances)

    @cached_property
    def near_floor(self) -> bool:
        """True if the last distance is at most three times the real-data baseline, which rules out quality problems.

        False if there are too few real images for a baseline.
        """
        floor = self.evaluations[-1].get("frechet_floor")
        return floor is not None and self.distances[-1] <= 3 * floor

    def all(self, name: str, wrong: Callable[[float], bool]) -> bool:
        """Returns whether every evaluation of the window has this measure with a wrong value."""
        return bool(self.window) and all(row.get(name) is not None and wrong(row[name]) for row in self.window)

    def mean(self, name: str) -> float:
        """Returns the mean of a measure over the window."""
        return statistics.fmean(row[name] for row in self.window)

    def rows_in_window(self) -> Sequence[Row]:
        """Returns the rows of losses since the window's first evaluation."""
        first = self.window[0]["step"]
        return [row for row in self.rows if row["step"] >= first]


def non_finite(history: History) -> Evidence | None:
    """The generator's gradient is infinite or not a number; its loss and weights will follow."""
    if not history.evaluations or history.evaluations[-1].get("generator_gradient", 0.0) is not None:
        return None
    return evidence("gradient")


def discriminator_won(history: History) -> Evidence | None:
    """The discriminator classifies nearly all real and generated images correctly; the generator no longer learns."""
    columns = ("d_real_accuracy", "d_fake_accuracy")  # A recorded run may lack them.
    rows = history.rows_in_window() if history.window else ()
    rows = [row for row in rows if all(row.get(name) is not None for name in columns)]
    if not rows or history.improving or history.near_floor:
        return None
    real = statistics.fmean(row["d_real_accuracy"] for row in rows)
    fake = statistics.fmean(row["d_fake_accuracy"] for row in rows)
    if min(real, fake) < history.limits.watch_accuracy:
        return None
    first, last = history.evaluations[0].get("generator_gradient"), history.window[-1].get("generator_gradient")
    numbers = {"real": real, "fake": fake, "distance": history.distances[-1]}
    return evidence("won pull", pull=last / first, **numbers) if first and last else evidence("won", **numbers)


def mode_collapse(history: History) -> Evidence | None:
    """The generator produces few classes, or the same images over and over, and the quality isn't improving."""
    limits, times = history.limits, len(history.window)
    if history.all("distinct", lambda share: share <= DISTINCT):
        return evidence("repeats", share=1 - history.window[-1]["distinct"], times=times)
    if not history.window or history.improving or history.near_floor or not history.moving:
        return None
    last = history.window[-1]
    if history.all("mode_share", lambda share: share <= limits.watch_modes):
        return evidence("classes", modes=round(last["modes"]), classes=round(last["classes"]), times=times)
    if history.all("class_kl", lambda kl: kl >= limits.watch_kl):
        return evidence("divergence", nats=last["class_kl"], times=times)
    twins = history.all("duplicates", lambda share: share >= limits.watch_duplicates)
    if twins and history.all("coverage", lambda share: share <= limits.watch_coverage):
        return evidence("twins", twins=last["duplicates"], covered=last["coverage"])
    return None


def oscillation(history: History) -> Evidence | None:
    """The quality swings up and down, or the generated classes change from one evaluation to the next."""
    size = 2 * history.limits.watch_window
    if len(history.evaluations) < size or history.improving or history.near_floor:
        return None
    distances = history.distances[-2 * size :]
    turns = count_turns(distances, 1 + history.limits.watch_swing)
    if turns >= history.limits.watch_window:
        return evidence("turns", turns=turns, times=len(distances), low=min(distances), high=max(distances))
    recent = history.evaluations[-size:]
    if any("histogram" not in row for row in recent):
        return None
    shares: list[list[float]] = [row["histogram"] for row in recent]
    pairs = itertools.pairwise(shares)
    hop = statistics.median(sum(abs(a - b) for a, b in zip(one, two, strict=True)) / 2 for one, two in pairs)
    if hop >= history.limits.watch_hop:
        return evidence("hop", share=hop, times=size)
    return None


def count_turns(values: Sequence[float], factor: float) -> int:
    """Returns how often positive values turn from rising to falling or back, each time by at least `factor`."""
    turns, direction, low, high = 0, 0, values[0], values[0]
    for value in values:
        if direction >= 0:
            high = max(high, value)
            if value * factor <= high:
                turns, direction, low = turns + direction, -1, value
                continue
        if direction <= 0:
            low = min(low, value)
            if value >= low * factor:
                turns, direction, high = turns - direction, 1, value
    return turns


def discriminator_overfitting(history: History) -> Evidence | None:
    """The discriminator scores validation images like generated ones, so it has memorized the training images."""
    limits = history.limits
    if not history.all("r_v", lambda r: r >= limits.watch_overfitting):
        return None
    if not history.all("r_v_deviations", lambda deviations: deviations >= limits.watch_overfitting_deviations):
        return None
    return evidence("overfitting", share=history.mean("r_v"))


def memorisation(history: History) -> Evidence | None:
    """Generated images are closer to training images than validation images are, or training images to each other."""
    limits = history.limits
    real = history.window[-1].get("authentic_floor") if history.window else None
    if real is None or not history.all("authentic", lambda share: share <= limits.watch_authentic * real):
        return None
    if not history.all("copying", lambda score: score <= limits.watch_copying):
        return None
    last = history.window[-1]
    return evidence("memorisation", share=last["authentic"], real=real, deviations=-last["copying"])


def past_best(history: History) -> Evidence | None:
    """The quality was clearly better before, and has stayed worse."""
    if not history.window or history.near_floor:
        return None
    best = min(history.distances)
    at = history.evaluations[history.distances.index(best)]["step"]
    if at >= history.window[0]["step"]:
        return None
    if not history.all("frechet_distance", lambda distance: distance >= best * history.limits.watch_past_best):
        return None
    return evidence("past", best=best, step=round(at), end=history.distances[-1])


def stagnation(history: History) -> Evidence | None:
    """The quality has stopped changing, far from the real-data baseline."""
    size = history.limits.watch_stagnation
    if len(history.evaluations) < size or history.near_floor:
        return None
    recent = history.distances[-size:]
    if max(recent) > STAGNANT * min(recent):
        return None
    floor = history.evaluations[-1].get("frechet_floor")
    if floor is None:
        return evidence("still", distance=recent[-1], times=size)
    return evidence("stagnation", distance=recent[-1], times=size, floor=round(recent[-1] / max(floor, 1e-12)))


def ignores_input(history: History) -> Evidence | None:
    """An image-to-image generator gives nearly the same output whatever its input is.

    Its outputs are then no nearer to their own targets than to others, or vary much less than the targets do. Without
    pairs, outputs vary much less than images of the target domain.
    """
    lost = history.all("own_target", lambda share: share <= OWN_TARGET)
    alike = history.all("variation", lambda share: share <= VARIATION)
    if not lost and not alike:
        return None
    last = history.window[-1]
    numbers = {name: last.get(name, 0.0) for name in ("own_target", "variation", "distinct_outputs")}
    key = "ignores" if "own_target" in last else "ignores unpaired"
    return evidence(key, **numbers, times=len(history.window))


@dataclass(frozen=True)
class Check:
    """A function that detects one failure or problem.

    Attributes:
        find: returns the evidence, or None.
        failure: whether the failure ruins the run.
        explained_by: names of checks whose detection makes this one redundant.
        windows: number of windows of evaluations that the check covers; 0 for the last evaluation alone.
    """

    find: Callable[[History], Evidence | None]
    failure: bool
    explained_by: tuple[str, ...] = ()
    windows: int = 1

    def looks_back(self, limits: WatchdogConfig) -> int:
        """Returns the number of evaluations that the check covers; the evaluation before them precedes the failure."""
        return max(1, self.windows * limits.watch_window)


FAILURES = (
    "non_finite",
    "discriminator_won",
    "ignores_input",
    "mode_collapse",
    "oscillation",
    "discriminator_overfitting",
    "memorisation",
)
DIVERGING = ("non_finite", "discriminator_won", "mode_collapse", "oscillation")
"""Failures of a training that diverges: with `--on-failure auto`, a run on one's own images rolls back."""
DIAGNOSES: dict[str, Check] = {
    "non_finite": Check(non_finite, True, windows=0),
    "discriminator_won": Check(
        discriminator_won,
        True,
    ),
    "oscillation": Check(
        oscillation,
        True,
        windows=4,
    ),
    "ignores_input": Check(ignores_input, True, ("non_finite",)),
    "mode_collapse": Check(
        mode_collapse,
        True,
        ("non_finite", "discriminator_won", "oscillation", "ignores_input"),
    ),
    "discriminator_overfitting": Check(discriminator_overfitting, True),
    "memorisation": Check(memorisation, True),
    "past_best": Check(
        past_best,
        False,
    ),
    "stagnation": Check(
        stagnation,
        False,
        FAILURES,
    ),
}
"""The watchdog's checks, most urgent first."""


def diagnose(history: History) -> list[Diagnosis]:
    """Returns all diagnoses at the end of this history, most urgent first.

    A diagnosis that another one explains is left out. For example, a generator that learns nothing from a discriminator
    that is too strong produces few different images, and a failing run may stagnate.
    """
    results: list[Diagnosis] = []
    for name, check in DIAGNOSES.items():
        explained = any(other.name in check.explained_by for other in results)
        evidence = None if explained else check.find(history)
        if evidence is not None:
            results.append(Diagnosis(name, check.failure, evidence))
    return results


def farthest_look(limits: WatchdogConfig) -> int:
    """Returns the largest number of evaluations back at which a failure may have begun."""
    return max(check.looks_back(limits) for check in DIAGNOSES.values() if check.failure)


def non_finite_loss(error: NonFiniteLoss, step: int, *, own_loop: bool = False) -> Diagnosis:
    """Returns the diagnosis of a loss or a weight that became infinite or not a number near `step`.

    Args:
        error: what happened.
        step: the step at which it was noticed.
        own_loop: whether it happened in a person's own loop, whose weights nobody has kept from before.
    """
    key = "loss in a loop" if own_loop else "loss"
    return Diagnosis("non_finite", True, evidence(key, loss=stored(error.parts.get("loss", error)), step=step))
