"""Axes of charts: their scales, their tick marks, and the numbers beside them. Doesn't import Matplotlib."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from pocketgan.base.language import localised

Numbers = np.ndarray
STEPS = (1, 2, 2.5, 5, 10)
LOG_STEPS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), *(tuple(range(10, 100, step)) for step in (5, 2, 1)))
"""Tick marks of a logarithmic axis, to be multiplied by powers of ten, from coarse to fine."""
BEYOND = 0.5
"""How far positions beyond an axis may lie from its end, as a fraction of its length."""


def number(value: float) -> str:
    """Returns a number with three significant digits, without trailing zeros, in the current language."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if "e" in text:
        text = np.format_float_positional(float(text), trim="-")
    return localised("0" if text == "-0" else text).replace("-", "−")


def percent(value: float) -> str:
    """Returns a fraction in percent in the current language."""
    return f"{number(round(100 * value, 1 if value < 0.1 else 0))}%" if math.isfinite(value) else "–"


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Returns round numbers from `low` to `high`, at equal distances; at most `most` distances fit in between."""
    room = high - low
    if not room > 0:
        return [low]
    power = 10 ** math.floor(math.log10(room / most))
    step = next(step * power for step in STEPS if room / (step * power) <= most)
    first = math.ceil(low / step - 1e-9)
    return [float(f"{k * step:.10g}") for k in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, most: int = 10) -> list[float]:
    """Returns about four to `most` round numbers from `low` to `high`, both above 0, for a logarithmic axis."""
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for steps in LOG_STEPS:
        values = sorted(float(f"{step * 10.0**power:.4g}") for power in powers for step in steps)
        values = [value for value in values if low <= value <= high]
        if len(values) >= 4:
            return values[:: math.ceil(len(values) / most)]
    return ticks(low, high)


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """Returns limits with some room beyond the lowest and the highest value, even if these are equal."""
    room = share * max(high - low, 0.05 * abs(high), 1e-9)
    return low - room, high + room


@dataclass(frozen=True)
class Axis:
    """An axis of a chart.

    Attributes:
        title: its label, with the unit.
        low, high: its ends.
        log: whether it is logarithmic; both ends are above 0.
        write: formats the numbers at its tick marks.
        most: about the largest number of tick marks.
    """

    title: str
    low: float
    high: float
    log: bool = False
    write: Callable[[float], str] = number
    most: int = 5

    def shares(self, values: Numbers) -> Numbers:
        """Returns positions on the axis: 0 at its low end and 1 at its high end; far values are moved closer."""
        low, high = self.low, self.high
        if self.log:
            low, high, values = math.log(low), math.log(high), np.log(np.maximum(values, 1e-300))
        return np.clip((values - low) / (high - low), -BEYOND, 1 + BEYOND)

    def share(self, value: float) -> float:
        """Returns the position of one value."""
        return float(self.shares(np.array([value]))[0])

    def marks(self) -> list[tuple[float, str]]:
        """Returns the positions and the labels of the tick marks; labels have more digits if two would be equal."""
        values = log_ticks(self.low, self.high, self.most) if self.log else ticks(self.low, self.high, self.most)
        texts = [self.write(value) for value in values]
        if len(set(texts)) < len(texts):
            texts = [localised(f"{value:,.6g}").replace("-", "−") for value in values]
        return [(self.share(value), text) for value, text in zip(values, texts, strict=True)]


def limits(values: Iterable[Numbers], *, log: bool = False) -> tuple[float, float]:
    """Returns limits that exclude only the rarest values, so that a spike doesn't flatten everything else."""
    known = np.concatenate([column[np.isfinite(column)] for column in values])
    low, high = (float(np.quantile(known, share)) for share in (0.005, 0.995))
    room = max(high - low, 1e-9 * abs(high), 1e-12)
    low, high = max(float(known.min()), low - room), min(float(known.max()), high + room)
    return (low / 1.15, high * 1.15) if log else padded(low, high)
