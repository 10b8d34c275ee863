"""Sample pictures of a study's report, selected and compressed to fit into one file. Doesn't import torch."""

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
"""Largest numbers of seeds and moments, in order of preference; the first pair within the budget is used."""
BUDGET = 6_000_000
"""Maximum size of all pictures on the page, in bytes."""
LARGEST = 1200
"""Maximum side of a picture, in pixels."""


@dataclass(frozen=True)
class Picture:
    """A PNG picture for the page with its label; `width` and `height` are its displayed size in pixels."""

    label: str
    content: bytes
    width: int
    height: int

    @property
    def address(self) -> str:
        """The picture as a data URL, which a page can embed."""
        return "data:image/png;base64," + base64.b64encode(self.content).decode()


@dataclass(frozen=True)
class Samples:
    """Sample pictures of the page.

    Attributes:
        moments: labels of the slider's positions.
        seeds: the selected seeds.
        variants: the variants with pictures.
        pictures: by seed and variant, a picture for each moment; repeated if there was no new sample.
        left_out: number of variants whose pictures are omitted.
    """

    moments: list[str]
    seeds: list[int]
    variants: list[str]
    pictures: dict[tuple[int, str], list[Picture]]
    left_out: int


def find_samples(study: Study) -> Samples | None:
    """Selects the pictures of the page; None if there are no samples yet."""
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
    """Returns the pictures of the first `seeds` seeds at `moments` moments, including the last one."""
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
    """Returns the step of a sample, or its seconds."""
    return float(sample.step) if over == "step" else sample.seconds


def label_of(sample: Sample, over: str) -> str:
    """Returns the label below a picture."""
    if over == "step":
        return say("step label", step=sample.step)
    return say("time label", step=sample.step, time=clock(sample.seconds))


def picture(path: Path, label: str) -> Picture | None:
    """Reads a picture and compresses it without loss; None if it can't be read.

    A picture that was enlarged without interpolation is reduced to its original pixels, which the page enlarges again.
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
    """Returns the size of the pictures in the page, in bytes; each counts once, and each last moment once more."""
    total = 0
    for shown in samples.pictures.values():
        total += sum(len(content) for content in {one.content for one in shown}) + len(shown[-1].content)
    return total * 4 // 3


def lightened(samples: Samples) -> Samples:
    """Returns the pictures of the first variants, as many as fit into the budget."""
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
