"""Durations that carry their unit: `50 epochs`, `10000 steps` or `10k steps`, `500 kimg`, `5 min`, `1 day`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator

from pocketgan.base.messages import problem

UNITS = {
    "step": "steps",
    "steps": "steps",
    "epoch": "epochs",
    "epochs": "epochs",
    "kimg": "kimg",
    "s": "seconds",
    "sec": "seconds",
    "second": "seconds",
    "seconds": "seconds",
    "m": "minutes",
    "min": "minutes",
    "mins": "minutes",
    "minute": "minutes",
    "minutes": "minutes",
    "h": "hours",
    "hr": "hours",
    "hrs": "hours",
    "hour": "hours",
    "hours": "hours",
    "d": "days",
    "day": "days",
    "days": "days",
}
SECONDS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}
LONGEST = 1e12
_FORM = re.compile(r"((?:\d{1,3}(?:,\d{3})+|\d[\d_]*)(?:\.\d+)?|\.\d+)(k(?=\s*[a-z])(?!img))?\s*([a-z]*)", re.ASCII)
"""A number, perhaps in thousands (`10k`), and a unit."""


@dataclass(frozen=True)
class Duration:
    """A length of training.

    Attributes:
        value: how many, positive and finite.
        unit: `steps`, `epochs`, `kimg` (thousands of real images shown), `seconds`, `minutes`, `hours` or
            `days`.
    """

    value: float
    unit: str

    @classmethod
    def parse(cls, text: str, examples: str = "durations") -> "Duration":
        """Reads `text`, a number and a unit.

        Args:
            text: such as `50 epochs`.
            examples: the key of what an error recommends.

        Raises:
            ValueError: `text` is no number with a known unit, or the number isn't positive.
        """
        match = _FORM.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(wrong("no duration", text, examples))
        number, thousands, unit = match.groups()
        if not unit:
            raise ValueError(wrong("no unit", text, examples))
        if unit not in UNITS:
            raise ValueError(wrong("unknown unit", text, examples, unit=unit))
        value = float(Decimal(number.replace("_", "").replace(",", "")) * (1000 if thousands else 1))
        if not 0 < value <= LONGEST:
            raise ValueError(wrong("no length", text, examples))
        return cls(value, UNITS[unit])

    def __str__(self) -> str:
        number = str(int(self.value)) if self.value.is_integer() else format(Decimal(repr(self.value)), "f")
        if self.unit == "minutes":
            return f"{number} min"
        if self.unit == "kimg":
            return f"{number} kimg"
        return f"{number} {self.unit[:-1] if self.value == 1 else self.unit}"

    @property
    def seconds(self) -> float | None:
        """The length in seconds where it is given in time, None where it is counted in images."""
        factor = SECONDS.get(self.unit)
        return None if factor is None else self.value * factor

    def in_steps(self, batch_size: int, images: int, steps_per_second: float | None = None) -> float:
        """Returns the length in training steps, as a fraction.

        Args:
            batch_size: real images a step.
            images: images an epoch.
            steps_per_second: the measured speed; needed where the length is given in time.
        """
        if self.unit == "steps":
            return self.value
        if self.unit == "epochs":
            return self.value * images / batch_size
        if self.unit == "kimg":
            return self.value * 1000 / batch_size
        assert self.seconds is not None and steps_per_second is not None
        return self.seconds * steps_per_second


def wrong(key: str, text: str, examples: str = "durations", **parts: str) -> str:
    """Returns what is wrong with a text that should be a duration, and what one looks like."""
    return problem(key, text=repr(text), durations=problem(examples), **parts)


def canonical(text: str) -> str:
    """Returns the one spelling of a duration: `50 Epochs` is `50 epochs`."""
    return str(Duration.parse(text))


def counted(text: str) -> str:
    """Returns the one spelling of a duration that is counted in steps, epochs or images.

    Raises:
        ValueError: it is none, or is given in time.
    """
    duration = Duration.parse(text, "counted durations")
    if duration.seconds is not None:
        raise ValueError(wrong("is in time", text, "counted durations"))
    return str(duration)


def _or_words(check: Callable[[str], str], *words: str) -> AfterValidator:
    """Returns a check that lets some words through beside durations."""
    return AfterValidator(lambda text: text if text in words else check(text))


def _check_half_life(text: str) -> str:
    share = text.strip().removesuffix("%")
    if share == text.strip():
        return counted(text)
    try:
        value = float(share)
    except ValueError:
        value = 0.0
    if not 0 < value <= 100:
        raise ValueError(wrong("no share", text, "counted durations"))
    return f"{value:g}%"


DurationText = Annotated[str, AfterValidator(canonical)]
CountedDuration = Annotated[str, AfterValidator(counted)]
OptionalDuration = Annotated[str, _or_words(canonical, "none")]
SampleInterval = Annotated[str, _or_words(canonical, "none", "end")]
Warmup = Annotated[str, _or_words(counted, "none")]
HalfLife = Annotated[str, _or_words(_check_half_life, "none")]
LENGTHS = (DurationText, CountedDuration, OptionalDuration, SampleInterval, Warmup, HalfLife)
"""Every kind of length of training that a setting can be."""
