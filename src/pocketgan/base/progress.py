"""Progress display: two live lines on a terminal, one live output in a notebook, plain lines elsewhere."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, runtime_checkable

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.progress import BarColumn, TaskProgressColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pocketgan.base.language import Text as Words
from pocketgan.base.language import clock, localised, shortened
from pocketgan.base.language import say as say_of
from pocketgan.base.notebook_display import NotebookDisplay, notebook_display

PLAIN_SECONDS = 10.0
"""Minimum number of seconds between plain lines."""
NOTEBOOK_SECONDS = 0.5
"""Minimum number of seconds between updates of a notebook's display."""
BLOCKS = "▁▂▃▄▅▆▇█"
SHORTEST_BAR, LONGEST_NAME, GAP = 10, 24, "  "
TRAINING: dict[str, Words] = {
    "left": "{time} left",
    "trained for": "{time} trained",
    "trained of planned": "{time} trained, {planned} planned",
    "speed": "{speed} images/s",
    "quality": "FD {curve}{distance} (baseline {baseline})",
    "quality alone": "FD {curve}{distance}",
    "accuracy": "D right on {real} real, {fake} generated",
    "losses": "losses D {d} G {g}",
    "steps": "{step} of {steps} steps",
    "step": "step {step}",
    "accuracy real": "D right on {real} real",
    "accuracy fake": "D right on {fake} generated",
    "losses d": "loss D {d}",
    "losses g": "loss G {g}",
}
"""All texts of the display. D is the discriminator, G is the generator, FD is the Fréchet distance."""
WORK: dict[str, Words] = {
    "generating": "{folder}: generating …",
    "translating": "{folder}: translating …",
    "drawing": "{folder}: drawing …",
    "drawing plots": "drawing …",
    "writing": "{text}: writing …",
    "checking": "{file}: checking …",
    "generating images": "generating {images} images",
    "translating images": "translating real images",
    "measuring": "measuring {images} images in the feature space {space}",
    "training a classifier": "training a classifier on {images} images of {source}, once",
    "training an encoder": "training a network without labels on {images} images of {source}, once",
    "network not stored": "can't save the trained network in {folder}: {why}",
    "too few for some": "{images} images against {real} are too few for {names}: the rest is measured",
    "writing onnx": "writing the ONNX file, and comparing it with PyTorch",
}
"""Lines about work that takes some seconds."""


@runtime_checkable
class Tick(Protocol):
    """Training progress at one moment, as the display needs it.

    Attributes:
        step, seconds: steps done, and seconds of training.
        measures: losses and accuracies since the last row, by name; empty between rows.
        images_per_second: real images per second since the last row.
        last, stopped: whether training is complete, and whether it was stopped.
    """

    @property
    def step(self) -> int: ...

    @property
    def seconds(self) -> float: ...

    @property
    def measures(self) -> dict[str, float]: ...

    @property
    def images_per_second(self) -> float: ...

    @property
    def last(self) -> bool: ...

    @property
    def stopped(self) -> bool: ...


def say(key: str, **parts: object) -> str:
    """Returns a text of the display in the current language."""
    return say_of(TRAINING, key, **parts)


def work(key: str, **parts: object) -> str:
    """Returns a line of `WORK` in the current language."""
    return say_of(WORK, key, **parts)


class Progress:
    """Display of training progress: share done, time left, images per second, quality, accuracy and both losses.

    Args:
        quiet: whether to show nothing.
        console: the console to print on; standard error by default.
    """

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        self.quiet = quiet
        self.console = console or plain_console()
        self._live: Live | None = None
        self._notebook: NotebookDisplay | None = None
        self._display = Display()
        self._printed, self._text = 0.0, ""

    def say(self, line: str) -> None:
        """Prints one line; once the terminal is gone, nothing is printed any more."""
        try:
            if not self.quiet:
                self.console.print(line, markup=False, emoji=False)
        except OSError:
            self.quiet = True

    @contextmanager
    def training(
        self, steps: int, done: int, name: str = "", planned: str = "", samples: Path | None = None
    ) -> Iterator[None]:
        """Shows the progress of a run inside.

        Args:
            steps, done: the number of steps, and those that are done.
            name: the name of the run.
            planned: its duration in time; empty if it is planned in other units.
            samples: the folder of its sample pictures, of which a notebook shows the newest.
        """
        self._display = Display(name, steps, done, planned, quality=self._display.quality)
        self._printed = 0.0
        if not self.quiet and (notebook := notebook_display(samples)) is not None:
            self._notebook = notebook
            try:
                yield
            finally:
                self._notebook = None
            return
        if self.quiet or not self.console.is_terminal:
            yield
            return
        self._live = Live(self._display, console=self.console, refresh_per_second=4)
        self._live.start()
        try:
            yield
        finally:
            with suppress(OSError):  # The terminal is gone.
                self._live.stop()
            self._live = None

    def follow(self, steps: int, name: str) -> None:
        """Prepares for the ticks of a loop that has the terminal for itself: plain lines, and no live display.

        Args:
            steps: the planned number of steps; 0 if it isn't known.
            name: the name of the run.
        """
        self._display = Display(name, steps)
        self._printed = time.monotonic()

    def plan(self, steps: int) -> None:
        """Changes the number of planned steps that the progress refers to."""
        self._display.steps = steps

    @contextmanager
    def task(self, what: str) -> Iterator[Callable[[float], None]]:
        """Shows work before or after training; yields a function that takes the share of the work that is done."""
        self.say(what)
        if self.quiet or not self.console.is_terminal:
            yield lambda share: None
            return
        with Bar(BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=self.console) as bar:
            task = bar.add_task(what, total=1.0)
            yield lambda share: bar.update(task, completed=share)

    def show_quality(self, distances: Sequence[float], baseline: float | None) -> None:
        """Shows the quality measured so far beside the losses: its curve, its last value and the real-data baseline."""
        curve = f"{sparkline(distances)} " if len(distances) > 1 else ""
        distance = localised(f"{distances[-1]:.3g}")
        if baseline is None:
            self._display.quality = say("quality alone", curve=curve, distance=distance)
        else:
            self._display.quality = say(
                "quality", curve=curve, distance=distance, baseline=localised(f"{baseline:.2g}")
            )

    def update(self, tick: Tick) -> None:
        """Shows a tick."""
        if self.quiet:
            return
        self._display.show(tick)
        if self._notebook is not None:
            if time.monotonic() - self._printed >= NOTEBOOK_SECONDS or tick.last or tick.stopped:
                self._printed = time.monotonic()
                self._notebook.show(*self._display.for_notebook())
            return
        if self._live is None and (time.monotonic() - self._printed >= PLAIN_SECONDS or tick.last or tick.stopped):
            self._printed = time.monotonic()
            text = self._display.plain_line()
            if text != self._text:
                self.say(text)
            self._text = text


class Display:
    """Two lines about training, which drop their least important parts on a narrow terminal.

    The first line has a progress bar, the share done and the time left, and the run's name and the speed if there is
    room. The second line has the quality, the discriminator's accuracy and the losses, as far as there is room.

    Attributes:
        quality: the last quality measured; empty before the first evaluation.
    """

    def __init__(self, name: str = "", steps: int = 1, done: int = 0, planned: str = "", quality: str = "") -> None:
        self.name, self.steps, self.step, self.planned, self.quality = name, steps, done, planned, quality
        self._first, self._since = done, time.monotonic()
        self._trained = 0.0
        self.speed = self.accuracy = self.losses = ""

    def show(self, tick: Tick) -> None:
        """Updates the display from a tick."""
        self.step, self._trained = tick.step, tick.seconds
        if tick.measures:
            self.speed = say("speed", speed=localised(f"{tick.images_per_second:,.0f}"))
            self.accuracy = pair("accuracy", "{:.0%}", tick, real="d_real_accuracy", fake="d_fake_accuracy")
            self.losses = pair("losses", "{:.3f}", tick, d="d_loss", g="g_loss")

    @property
    def share(self) -> str:
        """The share done, rounded down, so that 100% appears only at the end; empty if the length isn't known."""
        if not self.steps:
            return ""
        return f"{math.floor(100 * self.step / self.steps):3d}%"

    @property
    def left(self) -> str:
        """The time left, estimated from the speed since the display began; a dash before the first step is done."""
        if not self.steps:
            return ""
        done = self.step - self._first
        if done == 0 and self.step < self.steps:
            return say("left", time="–")
        seconds = (time.monotonic() - self._since) / max(1, done) * (self.steps - self.step)
        return say("left", time=clock(seconds))

    def for_notebook(self) -> tuple[float | None, list[str]]:
        """Returns the share done, from 0 to 1 or None if the length isn't known, and two lines of text."""
        steps = say("steps", step=self.step, steps=self.steps) if self.steps else say("step", step=self.step)
        first = (self.name, self.share.strip(), steps, self.left, self.speed)
        lines = (first, (self.quality, self.accuracy, self.losses))
        return self.step / self.steps if self.steps else None, [GAP.join(filter(None, parts)) for parts in lines]

    def plain_line(self) -> str:
        """Returns the whole display as one line."""
        steps = say("steps", step=self.step, steps=self.steps) if self.steps else say("step", step=self.step)
        time_text = clock(self._trained)
        duration = say("trained for", time=time_text)
        if self.planned:
            duration = say("trained of planned", time=time_text, planned=self.planned)
        parts = (self.share, steps, duration, self.left, self.speed, self.quality, self.accuracy, self.losses)
        return GAP.join(part for part in parts if part)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table | Text]:
        width = options.max_width - 1
        share, left = self.share, self.left
        room = width - SHORTEST_BAR - cell_len(GAP + share + GAP + left)
        beside = {}
        for key, text in (("speed", self.speed), ("name", shortened(self.name, LONGEST_NAME))):
            if text and cell_len(GAP + text) <= room:
                beside[key] = [Text(text)]
                room -= cell_len(GAP + text)
        bar = ProgressBar(self.steps, self.step, width=SHORTEST_BAR + max(0, room))
        row = Table.grid(padding=(0, len(GAP), 0, 0))
        row.add_row(*beside.get("name", []), bar, Text(share), Text(left), *beside.get("speed", []))
        yield row
        yield Text(fitting((self.quality, self.accuracy, self.losses), width), no_wrap=True, overflow="ellipsis")


def pair(key: str, form: str, tick: Tick, **columns: str) -> str:
    """Returns the text about two measures of a tick, or about the one that is known; empty if neither is.

    Args:
        key: the key of the text about both; that about one has its name, too.
        form: the format of the numbers.
        tick: the tick.
        **columns: the measures, by their names in the text.
    """
    known = {name: tick.measures[column] for name, column in columns.items() if column in tick.measures}
    texts = {name: localised(form.format(value)) for name, value in known.items()}
    if len(texts) == 2:
        return say(key, **texts)
    return "".join(say(f"{key} {name}", **{name: text}) for name, text in texts.items())


def fitting(parts: Sequence[str], width: int) -> str:
    """Returns the first parts that fit into one line of this width."""
    line = ""
    for part in filter(None, parts):
        longer = f"{line}{GAP}{part}" if line else part
        if cell_len(longer) > width:
            break
        line = longer
    return line


def plain_console() -> Console:
    """Returns a console on standard error that prints texts unchanged."""
    return Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Shows a message on a terminal while the work inside takes some seconds."""
    console = plain_console()
    if not console.is_terminal:
        yield
        return
    with console.status(Text(what)):
        yield


def sparkline(values: Sequence[float], width: int = 8) -> str:
    """Returns the last `width` of some positive numbers as a curve of blocks, on a logarithmic scale: `█▅▁`."""
    logs = [math.log(max(value, 1e-12)) for value in values[-width:]]
    low, reach = min(logs), max(logs) - min(logs)
    heights = [round((len(BLOCKS) - 1) * (value - low) / reach) if reach > 0 else 0 for value in logs]
    return "".join(BLOCKS[height] for height in heights)
