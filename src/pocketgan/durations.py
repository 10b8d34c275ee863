"""Durations that carry their unit: `50 epochs`, `10000 steps` or `10k steps`, `500 kimg`, `5 min`, `1 day`."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator

from pocketgan.problems import problem

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
    def parse(cls, text: str) -> "Duration":
        """Reads `text`, a number and a unit.

        Raises:
            ValueError: `text` is no number with a known unit, or the number isn't positive.
        """
        match = _FORM.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(wrong("no duration", text))
        number, thousands, unit = match.groups()
        if not unit:
            raise ValueError(wrong("no unit", text))
        if unit not in UNITS:
            raise ValueError(wrong("unknown unit", text, unit=unit))
        value = float(Decimal(number.replace("_", "").replace(",", "")) * (1000 if thousands else 1))
        if not 0 < value <= LONGEST:
            raise ValueError(wrong("no length", text))
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


def wrong(key: str, text: str, **parts: str) -> str:
    """Returns what is wrong with a text that should be a duration, and what one looks like."""
    return problem(key, text=repr(text), durations=problem("durations"), **parts)


def canonical(text: str) -> str:
    """Returns the one spelling of a duration: `50 Epochs` is `50 epochs`."""
    return str(Duration.parse(text))


def _check_optional_duration(text: str) -> str:
    return text if text == "none" else str(Duration.parse(text))


def _check_half_life(text: str) -> str:
    share = text.strip().removesuffix("%")
    if share == text.strip():
        return _check_optional_duration(text)
    try:
        value = float(share)
    except ValueError:
        value = 0.0
    if not 0 < value <= 100:
        raise ValueError(wrong("no share", text))
    return f"{value:g}%"


def _check_sampling(text: str) -> str:
    return text if text in ("none", "end") else str(Duration.parse(text))


OptionalDuration = Annotated[str, AfterValidator(_check_optional_duration)]
HalfLife = Annotated[str, AfterValidator(_check_half_life)]
SampleInterval = Annotated[str, AfterValidator(_check_sampling)]
DurationText = Annotated[str, AfterValidator(canonical)]
