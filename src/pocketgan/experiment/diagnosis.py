"""The watchdog: names what goes wrong in a run, with the evidence and what to try. Pure functions on logged rows.

A diagnosis looks at the rows of losses (`stats.jsonl`) and the evaluations (`metrics.jsonl`) so far; its thresholds are
`WatchdogConfig`'s, where their reasons stand.
"""

import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pocketgan.base.language import Text
from pocketgan.config.sections import WatchdogConfig

Row = dict[str, Any]
NAMES: dict[str, Text] = {
    "mode_collapse": "mode collapse",
    "discriminator_won": "discriminator won",
    "oscillation": "oscillation",
    "discriminator_overfitting": "discriminator overfitting",
    "memorisation": "memorisation",
    "non_finite": "non-finite",
    "past_best": "past its best",
    "stagnation": "stagnation",
}
"""How each diagnosis is called."""
STAGNANT = 1.02
"""Distances within this factor of each other stand still."""

DISTINCT = 0.05
"""A generator that draws so few different images has collapsed, whatever else is measured: of 2,000, 100."""


@dataclass(frozen=True)
class Diagnosis:
    """What goes wrong.

    Attributes:
        name: a key of `DIAGNOSES`.
        failure: whether it ruins the run, so that `--on-failure` acts on it.
        evidence: the numbers that show it, a sentence.
        advice: what to try, a sentence.
    """

    name: str
    failure: bool
    evidence: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name.replace('_', ' ')}: {self.evidence}; {self.advice}"


@dataclass(frozen=True)
class History:
    """A run so far.

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
        """The last evaluations, as many as must show a failure; empty while there are fewer."""
        size = self.limits.watch_window
        return self.evaluations[-size:] if len(self.evaluations) >= size else ()

    @cached_property
    def distances(self) -> list[float]:
        """The Fréchet distances of all evaluations."""
        return [row["frechet_distance"] for row in self.evaluations]

    @cached_property
    def improving(self) -> bool:
        """Whether the window's lowest distance is clearly lower than all before the window.

        True also while there are too few evaluations to tell.
        """
        if not self.window or len(self.evaluations) == len(self.window):
            return True
        size = len(self.window)
        before = min(self.distances[:-size])
        return min(self.distances[-size:]) < before * (1 - self.limits.watch_progress)

    @cached_property
    def moving(self) -> bool:
        """Whether the distance has ever changed clearly: a generator that never learned hasn't collapsed."""
        return max(self.distances) * (1 - self.limits.watch_progress) > min(self.distances)

    @cached_property
    def near_floor(self) -> bool:
        """Whether the last distance is within three times that of real images: nothing is wrong with such a run.

        False where there are too few real images to say.
        """
        floor = self.evaluations[-1].get("frechet_floor")
        return floor is not None and self.distances[-1] <= 3 * floor

    def all(self, name: str, wrong: Callable[[float], bool]) -> bool:
        """Whether a measure was taken, and is wrong, in every evaluation of the window."""
        return bool(self.window) and all(row.get(name) is not None and wrong(row[name]) for row in self.window)

    def mean(self, name: str) -> float:
        """The mean of a measure over the window."""
        return statistics.fmean(row[name] for row in self.window)

    def rows_in_window(self) -> Sequence[Row]:
        """The rows of losses since the window's first evaluation."""
        first = self.window[0]["step"]
        return [row for row in self.rows if row["step"] >= first]


def non_finite(history: History) -> str | None:
    """The generator's gradient is infinite or not a number: losses and weights are next."""
    if not history.evaluations or history.evaluations[-1].get("generator_gradient", 0.0) is not None:
        return None
    return "the generator's gradient is infinite or not a number"


def discriminator_won(history: History) -> str | None:
    """The discriminator tells nearly all images right on both sides, and the generator no longer learns from it."""
    rows = history.rows_in_window() if history.window else ()
    if not rows or history.improving or history.near_floor:
        return None
    real = statistics.fmean(row["d_real_accuracy"] for row in rows)
    fake = statistics.fmean(row["d_fake_accuracy"] for row in rows)
    if min(real, fake) < history.limits.watch_accuracy:
        return None
    first, last = history.evaluations[0].get("generator_gradient"), history.window[-1].get("generator_gradient")
    pull = f", and the generator's gradient stands at {last / first:.1%} of its first" if first and last else ""
    return (
        f"it tells {real:.0%} of the real and {fake:.0%} of the generated images right{pull}, "
        f"while the Fréchet distance stays at {history.distances[-1]:.3g}"
    )


def mode_collapse(history: History) -> str | None:
    """The generator draws few classes, or the same images again and again, and isn't getting better."""
    limits, times = history.limits, f"{len(history.window)} evaluations in a row"
    if history.all("distinct", lambda share: share <= DISTINCT):
        return f"{1 - history.window[-1]['distinct']:.1%} of the images repeat another one pixel for pixel, {times}"
    if not history.window or history.improving or history.near_floor or not history.moving:
        return None
    last = history.window[-1]
    if history.all("mode_share", lambda share: share <= limits.watch_modes):
        return f"only {last['modes']:.0f} of {last['classes']:.0f} classes are drawn, {times}"
    if history.all("class_kl", lambda kl: kl >= limits.watch_kl):
        return f"the drawn classes are {last['class_kl']:.2f} nats from the real ones (KL), {times}"
    twins = history.all("duplicates", lambda share: share >= limits.watch_duplicates)
    if twins and history.all("coverage", lambda share: share <= limits.watch_coverage):
        return (
            f"{last['duplicates']:.0%} of the images have a near-twin in the same sample, "
            f"and {last['coverage']:.0%} of the real ones are covered"
        )
    return None


def oscillation(history: History) -> str | None:
    """The quality swings up and down, or the drawn classes change from one evaluation to the next."""
    size = 2 * history.limits.watch_window
    if len(history.evaluations) < size or history.improving or history.near_floor:
        return None
    distances = history.distances[-2 * size :]
    turns = count_turns(distances, 1 + history.limits.watch_swing)
    if turns >= history.limits.watch_window:
        span = f"between {min(distances):.3g} and {max(distances):.3g}"
        return f"the Fréchet distance turned {turns} times in {len(distances)} evaluations, {span}"
    recent = history.evaluations[-size:]
    if any("histogram" not in row for row in recent):
        return None
    shares: list[list[float]] = [row["histogram"] for row in recent]
    pairs = itertools.pairwise(shares)
    hop = statistics.median(sum(abs(a - b) for a, b in zip(one, two, strict=True)) / 2 for one, two in pairs)
    if hop >= history.limits.watch_hop:
        return f"{hop:.0%} of the images change class from one evaluation to the next, for {size} evaluations"
    return None


def count_turns(values: Sequence[float], factor: float) -> int:
    """Returns how often positive values turn from rising to falling or back, each way by `factor` at least."""
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


def discriminator_overfitting(history: History) -> str | None:
    """Held-out real images look generated to the discriminator, so it knows the training images by heart."""
    limits = history.limits
    if not history.all("r_v", lambda r: r >= limits.watch_overfitting):
        return None
    if not history.all("r_v_deviations", lambda deviations: deviations >= limits.watch_overfitting_deviations):
        return None
    share = f"{history.mean('r_v'):.0%}"
    return f"to it, held-out images lie {share} of the way from training images to generated ones (r_v)"


def memorisation(history: History) -> str | None:
    """Generated images are nearer to training images than new real images are, and than these to each other."""
    limits = history.limits
    real = history.window[-1].get("authentic_floor") if history.window else None
    if real is None or not history.all("authentic", lambda share: share <= limits.watch_authentic * real):
        return None
    if not history.all("copying", lambda score: score <= limits.watch_copying):
        return None
    last = history.window[-1]
    return (
        f"only {last['authentic']:.0%} of the images are authentic (of held-out real ones {real:.0%}), and they lie "
        f"{-last['copying']:.1f} deviations nearer to training images than held-out ones do (C_T)"
    )


def past_best(history: History) -> str | None:
    """The quality was clearly better before, and has stayed worse."""
    if not history.window or history.near_floor:
        return None
    best = min(history.distances)
    at = history.evaluations[history.distances.index(best)]["step"]
    if at >= history.window[0]["step"]:
        return None
    if not history.all("frechet_distance", lambda distance: distance >= best * history.limits.watch_past_best):
        return None
    return f"the Fréchet distance was {best:.3g} at step {at:,.0f} and stands at {history.distances[-1]:.3g}"


def stagnation(history: History) -> str | None:
    """The quality has stopped changing, far from what is possible."""
    size = history.limits.watch_stagnation
    if len(history.evaluations) < size or history.near_floor:
        return None
    recent = history.distances[-size:]
    if max(recent) > STAGNANT * min(recent):
        return None
    floor = history.evaluations[-1].get("frechet_floor")
    times = "" if floor is None else f", {recent[-1] / max(floor, 1e-12):.0f} times the floor"
    return f"the Fréchet distance has stood at {recent[-1]:.3g} for {size} evaluations{times}"


@dataclass(frozen=True)
class Check:
    """A function that looks for one failure, and what to say of it.

    Attributes:
        find: returns the evidence, or None.
        failure: whether it ruins the run.
        advice: what to try.
        explained_by: names of checks that make this one needless.
        windows: how many windows of evaluations it looks at; 0 for the last evaluation alone.
    """

    find: Callable[[History], str | None]
    failure: bool
    advice: str
    explained_by: tuple[str, ...] = ()
    windows: int = 1

    def looks_back(self, limits: WatchdogConfig) -> int:
        """How many evaluations it looks at, so that the one before is from before the failure."""
        return max(1, self.windows * limits.watch_window)


FAILURES = (
    "non_finite",
    "discriminator_won",
    "mode_collapse",
    "oscillation",
    "discriminator_overfitting",
    "memorisation",
)
NON_FINITE_ADVICE = "try a lower --learning-rate, or --r1 for a steep discriminator"
DIAGNOSES: dict[str, Check] = {
    "non_finite": Check(non_finite, True, NON_FINITE_ADVICE, windows=0),
    "discriminator_won": Check(
        discriminator_won,
        True,
        "try a lower --discriminator-learning-rate, --beta1 0.5, or --r1 0.3",
    ),
    "oscillation": Check(
        oscillation,
        True,
        "try a lower --learning-rate or --beta1, or average with --ema-half-life",
        windows=4,
    ),
    "mode_collapse": Check(
        mode_collapse,
        True,
        "try --objective relativistic with --r1 and --r2, a lower --learning-rate, or a larger --batch-size",
        ("non_finite", "discriminator_won", "oscillation"),
    ),
    "discriminator_overfitting": Check(
        discriminator_overfitting, True, "try more images, --augment translation, a larger --r1, or a smaller network"
    ),
    "memorisation": Check(memorisation, True, "try more images, --augment translation, or a shorter --duration"),
    "past_best": Check(
        past_best,
        False,
        "keep the best checkpoint, and try --patience 5 or --schedule cosine",
    ),
    "stagnation": Check(
        stagnation,
        False,
        "try a higher --learning-rate or a larger --width, or stop with --patience",
        FAILURES,
    ),
}
"""What the watchdog looks for, in the order of urgency."""


def diagnose(history: History) -> list[Diagnosis]:
    """Returns everything that goes wrong at the end of this history, most urgent first.

    What another diagnosis explains isn't named: a generator that learns nothing from a discriminator that has won draws
    one thing, and a failing run may stand still.
    """
    found: list[Diagnosis] = []
    for name, check in DIAGNOSES.items():
        explained = any(other.name in check.explained_by for other in found)
        evidence = None if explained else check.find(history)
        if evidence is not None:
            found.append(Diagnosis(name, check.failure, evidence, check.advice))
    return found


def farthest_look(limits: WatchdogConfig) -> int:
    """Returns how many evaluations back a failure may have begun, at most."""
    return max(check.looks_back(limits) for check in DIAGNOSES.values() if check.failure)


def non_finite_loss(message: str) -> Diagnosis:
    """Returns the diagnosis of a loss that became infinite or not a number."""
    return Diagnosis("non_finite", True, message, NON_FINITE_ADVICE)
