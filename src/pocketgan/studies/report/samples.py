"""The sample pictures of a study's page: which moments of which runs, small enough for one file. No torch here."""

import base64
import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from pocketgan.base.language import clock
from pocketgan.pictures.moments import Sample, samples_of
from pocketgan.studies.curves import clock_of
from pocketgan.studies.report.words import say
from pocketgan.studies.study import Study

PLANS = ((3, 12), (2, 12), (1, 12), (1, 8), (1, 5), (1, 3), (1, 1))
"""Seeds and moments, at most; the first of these that fits into the budget."""
BUDGET = 6_000_000
"""Bytes of all pictures on the page."""
LARGEST = 1200
"""Pixels a side, at most."""


@dataclass(frozen=True)
class Picture:
    """A picture for the page: what it shows, as PNG; `width` is how wide it is drawn, in pixels."""

    label: str
    content: bytes
    width: int
    height: int

    @property
    def address(self) -> str:
        """The picture as an address that a page can hold."""
        return "data:image/png;base64," + base64.b64encode(self.content).decode()


@dataclass(frozen=True)
class Samples:
    """The pictures of the page.

    Attributes:
        moments: what the slider says at each of its places.
        seeds: those that are shown.
        variants: those that have pictures.
        pictures: by seed and variant, a picture for each moment, the same one where nothing new was drawn.
        left_out: how many variants have pictures that aren't shown.
    """

    moments: list[str]
    seeds: list[int]
    variants: list[str]
    pictures: dict[tuple[int, str], list[Picture]]
    left_out: int


def find_samples(study: Study) -> Samples | None:
    """Chooses the pictures of the page; None where nothing was drawn yet."""
    drawn = {}
    for job in study.jobs():
        run = job.run()
        samples = [] if run is None else samples_of(run)
        if samples:
            drawn[job.seed, job.variant] = samples
    if not drawn:
        return None
    over, read = clock_of(study), cache(picture)
    plans = (choose(study, drawn, seeds, moments, over, read) for seeds, moments in PLANS)
    fitting = next((chosen for chosen in plans if weight(chosen) <= BUDGET), None)
    return fitting or lightened(choose(study, drawn, *PLANS[-1], over, read))


def choose(
    study: Study,
    drawn: dict[tuple[int, str], list[Sample]],
    seeds: int,
    moments: int,
    over: str,
    read: Callable[[Path, str], Picture | None],
) -> Samples:
    """Returns the pictures of the first so many seeds at so many moments, the last one among them."""
    with_pictures = {seed for seed, _ in drawn}
    remaining = [seed for seed in study.seeds() if seed in with_pictures][:seeds]
    drawn = {key: result for key, result in drawn.items() if key[0] in remaining}
    times = np.unique([time_of(sample, over) for result in drawn.values() for sample in result])
    if len(times) > moments:
        wanted = np.linspace(len(times) - 1, 0, moments)[::-1].round().astype(int)
        times = times[wanted] if over == "step" else np.linspace(times[-1], times[0], moments)[::-1]
    pictures = {}
    for (seed, variant), result in drawn.items():
        own = [time_of(sample, over) for sample in result]
        places = [max(0, int(np.searchsorted(own, time * (1 + 1e-9), side="right")) - 1) for time in times]
        shown = [read(result[place].path, label_of(result[place], over)) for place in places]
        if all(one is not None for one in shown):
            pictures[seed, variant] = [one for one in shown if one is not None]
    labels = [say("step label", step=round(time)) if over == "step" else clock(time) for time in times]
    variants = [name for name in study.variants if any(name == variant for _, variant in pictures)]
    return Samples(labels, remaining, variants, pictures, left_out=0)


def time_of(sample: Sample, over: str) -> float:
    """Returns a picture's step, or its seconds."""
    return float(sample.step) if over == "step" else sample.seconds


def label_of(sample: Sample, over: str) -> str:
    """Returns what is said below a picture."""
    if over == "step":
        return say("step label", step=sample.step)
    return say("time label", step=sample.step, time=clock(sample.seconds))


def picture(path: Path, label: str) -> Picture | None:
    """Reads a picture and makes its file as small as can be without loss; None where it can't be read.

    A picture that was enlarged without blur is shrunk to its own pixels, which the page enlarges again.
    """
    with suppress(UnidentifiedImageError, OSError, SyntaxError), Image.open(path) as file:
        image = file.convert("L" if file.mode in ("1", "L") else "RGB")
        width, height = image.size
        pixels = np.asarray(image)
        small = pixels[::2, ::2]
        if np.array_equal(small.repeat(2, axis=0).repeat(2, axis=1)[:height, :width], pixels):
            image = Image.fromarray(small)
        image.thumbnail((LARGEST, LARGEST))
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        return Picture(label, buffer.getvalue(), width, height)
    return None


def weight(samples: Samples) -> int:
    """Returns how many bytes the pictures take in the page; each counts once, and its last moment once more."""
    total = 0
    for shown in samples.pictures.values():
        total += sum(len(content) for content in {one.content for one in shown}) + len(shown[-1].content)
    return total * 4 // 3


def lightened(samples: Samples) -> Samples:
    """Returns the pictures of as many variants, from the first, as fit into the budget."""
    remaining: list[str] = []
    for name in samples.variants:
        pictures = {key: shown for key, shown in samples.pictures.items() if key[1] in (*remaining, name)}
        chosen = Samples(
            samples.moments, samples.seeds, [*remaining, name], pictures, len(samples.variants) - len(remaining) - 1
        )
        if remaining and weight(chosen) > BUDGET:
            break
        remaining.append(name)
    pictures = {key: shown for key, shown in samples.pictures.items() if key[1] in remaining}
    return Samples(samples.moments, samples.seeds, remaining, pictures, len(samples.variants) - len(remaining))
