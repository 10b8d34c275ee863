"""The sample pictures of a run over training, and the animation made from them. No PyTorch here."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from pocketgan.base.errors import RunError
from pocketgan.base.language import clock, speaking
from pocketgan.images.grids import cut
from pocketgan.images.montage import SCALE
from pocketgan.pictures.animation import Film
from pocketgan.pictures.animation_files import MOST_PIXELS, check_fps
from pocketgan.runs.records import SampleFile
from pocketgan.runs.run import Run

FRAMES, COLUMNS, ROWS = 80, 8, 10
"""Default maximum for frames of the animation, columns of the contact sheet, and rows of the contact sheet."""
SECONDS, SLOWEST, HOLD = 8.0, 0.5, 2.0
"""The animation's length, the maximum duration of a frame, and the additional duration of the last one, in seconds."""
MOST_FRAMES = 1_000


@dataclass(frozen=True)
class Sample:
    """A sample picture of a run: its training step, its training time in seconds, and its file."""

    step: int
    seconds: float
    path: Path


def samples_of(run: Run) -> list[Sample]:
    """Returns the sample pictures of a run, oldest first; unknown times are interpolated from the rows of its log."""
    rows = run.stats()
    steps, seconds = [row["step"] for row in rows] or [0], [row["seconds"] for row in rows] or [0.0]

    def seconds_of(sample: SampleFile) -> float:
        return float(np.interp(sample.step, steps, seconds)) if sample.seconds is None else sample.seconds

    return [Sample(sample.step, seconds_of(sample), sample.path) for sample in run.samples()]


def film_of(run: Run, frames: int | None = None, fps: float | None = None) -> Film:
    """Creates the animation of a run's samples: the same latents (or input images) over training.

    Args:
        run: the run.
        frames: frames of the animation, evenly spaced over the pictures, and columns of the contact sheet, spaced by a
            constant factor because most changes happen early; by default up to 80 and up to 8.
        fps: frames per second; by default chosen for an animation of 8 seconds, but at least 2.

    Raises:
        RunError: fewer than two pictures are readable, or a number is out of range.
    """
    if frames is not None and not 2 <= frames <= MOST_FRAMES:
        raise RunError("out of range", field="frames", value=frames, least=2, most=MOST_FRAMES)
    samples = samples_of(run)
    fitting = most_frames(samples)
    if frames is not None and frames > fitting:
        raise RunError("frames in memory", field="frames", frames=frames, most=fitting)
    chosen = [samples[place] for place in evenly(len(samples), frames or min(FRAMES, fitting))]
    drawn = same_size([(sample, pixels) for sample in chosen if (pixels := read(sample.path, run)) is not None])
    if len(drawn) < 2:
        raise RunError("too few samples", field="run", folder=run.folder, count=len(drawn))
    moments = [sample for sample, _ in drawn]
    images, columns = parts([pixels for _, pixels in drawn], run)
    names, rows = rows_of(run, images.shape[1])
    sheet = by_a_factor([sample.step for sample in moments], frames or COLUMNS)
    return Film(
        images=images,
        columns=columns,
        captions=tuple(" · ".join(words_of(sample)) for sample in moments),
        names=names,
        fps=max(1 / SLOWEST, len(drawn) / SECONDS) if fps is None else check_fps(fps),
        hold=HOLD,
        moments=sheet,
        headings=tuple("\n".join(words_of(moments[place])) for place in sheet),
        rows=rows,
    )


def words_of(sample: Sample) -> tuple[str, str]:
    """Returns a moment's step and time for the captions, which are in English, as in every file."""
    with speaking("en"):
        return f"step {sample.step:,}", clock(sample.seconds)


def most_frames(samples: list[Sample]) -> int:
    """Returns how many pictures of the last one's size fit into memory, at least 2; that picture isn't decoded."""
    with suppress(IndexError, UnidentifiedImageError, OSError), Image.open(samples[-1].path) as file:
        return max(2, min(MOST_FRAMES, MOST_PIXELS * SCALE * SCALE // 2 // (file.width * file.height)))
    return MOST_FRAMES


def evenly(total: int, count: int) -> list[int]:
    """Returns at most `count` evenly spaced numbers below `total`, including the first and the last."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int)).tolist() if total else []


def by_a_factor(steps: list[int], count: int) -> tuple[int, ...]:
    """Returns the indices of at most `count` steps with a ratio between neighbors that is as constant as possible.

    The first and the last step are included, and no index occurs twice.
    """
    count = min(count, len(steps))
    wanted = np.geomspace(max(1, steps[0]), max(1, steps[-1]), count)
    places: list[int] = []
    for number, step in enumerate(wanted):
        nearest = int(np.argmin([abs(other - step) for other in steps]))
        nearest = {0: 0, count - 1: len(steps) - 1}.get(number, nearest)
        places.append(min(max(nearest, places[-1] + 1 if places else 0), len(steps) - count + number))
    return tuple(places)


def read(path: Path, run: Run) -> np.ndarray | None:
    """Reads a picture as uint8 pixels (H, W, C) with the run's channels; None if it can't be read."""
    with suppress(UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError), Image.open(path) as file:
        pixels = np.asarray(file.convert("L" if run.facts.channels == 1 else "RGB"))
        return pixels.reshape(*pixels.shape[:2], -1)
    return None


def same_size(drawn: list[tuple[Sample, np.ndarray]]) -> list[tuple[Sample, np.ndarray]]:
    """Returns the pictures with the same size as the last one."""
    return [(sample, pixels) for sample, pixels in drawn if pixels.shape == drawn[-1][1].shape]


def parts(pictures: list[np.ndarray], run: Run) -> tuple[np.ndarray, int]:
    """Splits sample pictures into their images, so that they can be arranged at any scale.

    Args:
        pictures: uint8, each (H, W, C).
        run: the run of the pictures.

    Returns:
        Images, uint8, shape (T, N, C, H, W), and the number per row. If a picture isn't a grid of Pocketgan, all remain
        whole, with N = 1.
    """
    count = run.config.pictures.sample_count * (2 if run.config.reads_images else 1)
    results = [cut(pixels, count, run.facts.size, run.facts.size) for pixels in pictures]
    taken = [part for part in results if part is not None]
    if len(taken) == len(results):
        return np.stack([images for images, _ in taken]), taken[0][1]
    return np.stack([pixels.transpose(2, 0, 1)[None] for pixels in pictures]), 1


def rows_of(run: Run, count: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Returns the names of a sample's images, if they have any, and the indices that are rows of the contact sheet."""
    names: tuple[str, ...] = ()
    if run.config.reads_images and count > 1:
        names = ("input", "output")
    elif run.config.network.conditional and count > 1:
        names = run.facts.class_names
    return tuple(names[place % len(names)] for place in range(count)) if names else (), tuple(range(min(count, ROWS)))
