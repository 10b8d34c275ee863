"""The class frequencies of an evaluation, which matter where classes are uneven or training balanced them."""

from dataclasses import dataclass
from typing import Any

from pocketgan.base.language import localised, say
from pocketgan.config.sections import RunConfig
from pocketgan.metrics.words import SCORE_TABLE
from pocketgan.runs.records import DataFacts

UNEVEN = 2.0
"""Ratio of the largest to the smallest class from which an evaluation says its class frequencies."""


@dataclass(frozen=True)
class ClassFrequencies:
    """How often each class was used.

    Attributes:
        shares: the share of each class in the training data, by name, with the sum 1.
        requested: whether classes were requested of the generator with these frequencies; an unconditional generator
            has its own.
        balanced: whether training used all classes equally often (`--balance`).
    """

    shares: dict[str, float]
    requested: bool
    balanced: bool

    def to_json(self) -> dict[str, Any]:
        """Returns the frequencies as plain values."""
        used = "training data" if self.requested else "generator"
        return {"generated": used, "balanced_training": self.balanced, "training_data": self.shares}

    def __str__(self) -> str:
        """Returns one line about the frequencies, in the current language."""
        ordered = sorted(self.shares, key=self.shares.__getitem__)
        parts = {"most": ordered[-1], "least": ordered[0]}
        percents = {name: localised(f"{100 * self.shares[key]:.3g}%") for name, key in parts.items()}
        key = "requested frequencies" if self.requested else "own frequencies"
        parts |= {"high": percents["most"], "low": percents["least"]}
        line = say(SCORE_TABLE, key, **parts)
        return f"{line} {say(SCORE_TABLE, 'balanced training')}" if self.balanced else line


def class_frequencies(facts: DataFacts, config: RunConfig, class_counts: tuple[int, ...]) -> ClassFrequencies | None:
    """Returns the class frequencies of a model's evaluation; None where classes are about even and weren't balanced.

    Args:
        facts, config: properties of its data, and the configuration of its training.
        class_counts: the number of training images in each class; empty if it isn't known.
    """
    names = facts.class_names
    if len(names) < 2 or len(class_counts) != len(names) or facts.condition_names:
        return None
    balanced = config.data.balance
    if not balanced and max(class_counts) < UNEVEN * max(1, min(class_counts)):
        return None
    total = sum(class_counts)
    shares = {name: count / total for name, count in zip(names, class_counts, strict=True)}
    return ClassFrequencies(shares, config.network.conditional, balanced)
