"""Intervals of a recorded run, which has no plan: counted in steps, images or measured seconds as the run goes on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pocketgan.config.durations import Duration

SLACK = 1e-9


@dataclass
class Interval:
    """A repeated moment: at a fixed interval of steps, real images or seconds of training.

    Attributes:
        length: the interval in its unit; infinite for never.
        unit: 0 for steps, 1 for real images, 2 for seconds.
        next: where it falls next.
    """

    length: float
    unit: int
    next: float

    @classmethod
    def of(cls, text: str, images: int) -> "Interval":
        """Returns the interval of a duration, `none` or `end`, for a data set with this number of training images."""
        if text in ("none", "end"):
            return cls(math.inf, 0, math.inf)
        duration = Duration.parse(text)
        if duration.seconds is not None:
            return cls(duration.seconds, 2, duration.seconds)
        by_images = {"epochs": float(images), "kimg": 1000.0}
        length = duration.value * by_images.get(duration.unit, 1.0)
        return cls(length, int(duration.unit in by_images), length)

    def reached(self, steps: int, images: int, seconds: float) -> bool:
        """Returns whether the interval has come round since the last call that said so; several at once count as one.

        Args:
            steps, images, seconds: the clocks of the run.
        """
        place = (steps, images, seconds)[self.unit]
        if place < self.next - SLACK:
            return False
        self.next = (math.floor(place / self.length + SLACK) + 1) * self.length
        return True


def soonest(intervals: Sequence[Interval]) -> tuple[float, float, float]:
    """Returns the steps, real images and seconds before which none of some intervals comes round."""
    nexts = [min((one.next for one in intervals if one.unit == unit), default=math.inf) - SLACK for unit in range(3)]
    return nexts[0], nexts[1], nexts[2]
