"""The progress display: live on a terminal, plain lines elsewhere."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from pocketgan.language import clock

if TYPE_CHECKING:
    from pocketgan.training import Tick

PLAIN_SECONDS = 10.0
"""Seconds between plain lines, at least."""
BLOCKS = "▁▂▃▄▅▆▇█"


class Progress:
    """Shows training as it goes: done, images/s, both losses, accuracy, time left.

    Args:
        quiet: show nothing.
        console: where to; by default standard error.
    """

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        self.quiet = quiet
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: Bar | None = None
        self._steps = 0
        self._first = (0, 0.0)
        self._printed = 0.0
        self._short = self._long = self._quality = ""

    def say(self, line: str) -> None:
        """Shows one line."""
        if not self.quiet:
            self.console.print(line, markup=False)

    @contextmanager
    def training(self, steps: int, done: int) -> Iterator[None]:
        """Shows the run's progress inside, from `done` of `steps`."""
        self._steps, self._first, self._printed = steps, (done, time.monotonic()), 0.0
        if self.quiet or not self.console.is_terminal:
            yield
            return
        columns = (
            BarColumn(bar_width=8),
            TaskProgressColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TextColumn("{task.fields[short]}"),
            TimeRemainingColumn(),
        )
        with Bar(*columns, console=self.console) as self._bar:
            self._bar.add_task("training", total=steps, completed=done, short="")
            yield
        self._bar = None

    @contextmanager
    def task(self, what: str) -> Iterator[Callable[[float], None]]:
        """Shows work that comes before or after training; what is handed out takes the share that is done."""
        self.say(what)
        if self.quiet or not self.console.is_terminal:
            yield lambda share: None
            return
        with Bar(BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=self.console) as bar:
            task = bar.add_task(what, total=1.0)
            yield lambda share: bar.update(task, completed=share)

    def show_quality(self, distances: Sequence[float], floor: float | None) -> None:
        """Keeps the quality measured so far beside the losses: its curve, its last figure, what real images get."""
        baseline = "" if floor is None else f" (floor {floor:.2g})"
        self._quality = f"  Fréchet distance {sparkline(distances)} {distances[-1]:.3g}{baseline}"

    def update(self, tick: "Tick") -> None:
        """Shows a tick."""
        if self.quiet:
            return
        if tick.measures:
            m, speed = tick.measures, f"{tick.images_per_second:,.0f}"
            real, fake = f"{m['d_real_accuracy']:.0%}", f"{m['d_fake_accuracy']:.0%}"
            self._short = f"{speed} images/s  D {m['d_loss']:.3f} G {m['g_loss']:.3f}  accuracy {real} {fake}"
            self._long = (
                f"{speed} images/s  D loss {m['d_loss']:.3f}  G loss {m['g_loss']:.3f}  "
                f"accuracy {real} real, {fake} generated"
            )
        if self._bar is not None:
            self._bar.update(self._bar.tasks[0].id, completed=tick.step, short=self._short + self._quality)
        elif time.monotonic() - self._printed >= PLAIN_SECONDS or tick.last or tick.stopped:
            self._printed = time.monotonic()
            done, since = self._first
            left = (time.monotonic() - since) / max(1, tick.step - done) * (self._steps - tick.step)
            progress = f"{tick.step / self._steps:4.0%}  {tick.step:,}/{self._steps:,} steps"
            self.say(f"{progress}  {self._long}{self._quality}  {clock(left)} left")


def sparkline(values: Sequence[float], width: int = 8) -> str:
    """Returns the last `width` of some positive numbers as a curve of blocks, on a logarithmic scale: `█▅▁`."""
    logs = [math.log(max(value, 1e-12)) for value in values[-width:]]
    low, reach = min(logs), max(logs) - min(logs)
    heights = [round((len(BLOCKS) - 1) * (value - low) / reach) if reach > 0 else 0 for value in logs]
    return "".join(BLOCKS[height] for height in heights)
