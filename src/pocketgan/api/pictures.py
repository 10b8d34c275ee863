"""Pictures of runs: animations, generated text and plots. PyTorch is imported only when it is needed."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pocketgan.pictures.animation import Film
from pocketgan.pictures.spelling import CANDIDATES, Written
from pocketgan.runs.exported import load
from pocketgan.runs.model import LabelChoice, Model
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from pocketgan.pictures.directions import Directions
    from pocketgan.pictures.plots import Plots


def interpolate(
    run: str | Path | Model,
    seeds: Sequence[int] = (0, 1),
    *,
    frames: int | None = None,
    label: LabelChoice = None,
    checkpoint: str | int = "auto",
    fps: float = 20.0,
) -> Film:
    """Interpolates between the latents of several seeds, along great circles.

    Args:
        run: the run or the exported model, or its folder.
        seeds: the seeds to pass through, at least two; an animation returns to the first.
        frames: images from one seed to the next, including both; by default 28, of which the contact sheet shows 10.
        label: the name of the class, or a mixture such as `3:0.7,8:0.3`; None gives one row per class if there are
            classes.
        checkpoint: `best`, `last` or a step; `auto` for the best checkpoint, or the last of a run without evaluations.
        fps: frames per second.

    Returns:
        An animation, which a notebook displays. `save("walk.png")` writes its contact sheet, `save("walk.gif")` the
        animation.

    Raises:
        UserError: an argument is invalid; the message says why.
    """
    from pocketgan.pictures.interpolation import walk

    return walk(opened(run), seeds, frames=frames, label=label, checkpoint=checkpoint, fps=fps)


def find_directions(
    run: str | Path | Model, count: int = 5, *, label: LabelChoice = None, checkpoint: str | int = "auto"
) -> "Directions":
    """Finds the directions of the latent space along which a generator's first layer varies most (GANSpace).

    Args:
        run: the run or the exported model, or its folder.
        count: the number of directions.
        label: the class to generate meanwhile, or a mixture.
        checkpoint: `best`, `last` or a step; `auto` for the best checkpoint, or the last of a run without evaluations.

    Returns:
        The directions. `vectors` holds the change of a latent for a step of one standard deviation, and `shares` the
        shares of the variance. `shift([2.0, 0, -1.0])` returns the change for steps along several directions.

    Raises:
        UserError: an argument is invalid; the message says why.
    """
    from pocketgan.pictures.directions import find_directions as find

    return find(opened(run), count, label=label, checkpoint=checkpoint)


def walk_directions(
    run: str | Path | Model,
    directions: "Directions | None" = None,
    *,
    seed: int = 0,
    label: LabelChoice = None,
    reach: float = 3.0,
    steps: int = 9,
    checkpoint: str | int = "auto",
) -> Film:
    """Moves along directions of the latent space, through the first latent of a seed.

    Args:
        run: the run or the exported model, or its folder.
        directions: the directions; by default the five strongest.
        seed: the seed of the latent.
        label: the name of the class, or a mixture; None for the first class, or for the mean of each number.
        reach: the distance to either side of the latent, in standard deviations.
        steps: images per direction.
        checkpoint: `best`, `last` or a step; `auto` for the best checkpoint, or the last of a run without evaluations.

    Returns:
        An animation, which a notebook displays. `save("directions.png")` writes its contact sheet, with one row per
        direction.

    Raises:
        UserError: an argument is invalid; the message says why.
    """
    from pocketgan.pictures.directions import find_directions as find
    from pocketgan.pictures.directions import walk_directions as walk

    model = opened(run)
    result = find(model, label=label, checkpoint=checkpoint) if directions is None else directions
    return walk(model, result, seed=seed, label=label, reach=reach, steps=steps, checkpoint=checkpoint)


def write(
    text: str | int,
    run: str | Path | Model | None = None,
    *,
    seed: int = 0,
    candidates: int = CANDIDATES,
    checkpoint: str | int = "auto",
) -> Written:
    """Writes a number or another text in generated images.

    Args:
        text: characters that are class names, such as `2026`.
        run: the run or the exported model, or its folder; by default the best of the finished runs in `runs` that can
            write the text.
        seed: the seed of the latents; the same character and seed give the same image.
        candidates: the number of images that an unconditional run generates, and from which each digit is chosen.
        checkpoint: `best`, `last` or a step; `auto` for the best checkpoint, or the last of a run without evaluations.

    Raises:
        UserError: an argument is invalid; the message says why.
    """
    from pocketgan.pictures.spelling import preferred_run, write_text

    model = preferred_run(str(text)) if run is None else opened(run)
    return write_text(model, str(text), seed=seed, candidates=candidates, checkpoint=checkpoint)


def timelapse(run: str | Path | Run, *, frames: int | None = None, fps: float | None = None) -> Film:
    """Creates an animation of a run's samples over training, from the same latents in every picture.

    Args:
        run: the run or its folder.
        frames: frames of the animation and columns of the contact sheet; by default up to 80 and up to 8.
        fps: frames per second; by default chosen for an animation of 8 seconds.

    Returns:
        An animation, which a notebook displays. `save("film.gif")` writes it, `save("film.png")` its contact sheet.

    Raises:
        UserError: the run has fewer than two pictures, or an argument is invalid.
    """
    from pocketgan.pictures.moments import film_of

    return film_of(run if isinstance(run, Run) else Run.open(run), frames, fps)


def plot(
    *runs: str | Path | Run | Sequence[str | Path | Run],
    x_axis: str = "steps",
    width: float = 14.0,
    theme: str = "light",
) -> "Plots":
    """Plots one run, or several in the same axes: losses, accuracies, quality, generated classes and speed.

    Args:
        *runs: runs or their folders, or a list of them.
        x_axis: the quantity on the horizontal axis: `steps`, `epochs`, `kimg` or `minutes`.
        width: the width in centimeters; 14 for the full width of a thesis page.
        theme: `light` or `dark`.

    Returns:
        Plots, which a notebook displays; `save("plots", "pdf")` writes them.

    Raises:
        UserError: a run has nothing to plot, or an argument is invalid.
    """
    from pocketgan.pictures.plots import draw_plots

    several = itertools.chain(*([one] if isinstance(one, str | Path | Run) else one for one in runs))
    opened_runs = [run if isinstance(run, Run) else Run.open(run) for run in several]
    return draw_plots(opened_runs, x_axis=x_axis, width=width, theme=theme)


def opened(run: str | Path | Model) -> Model:
    """Returns a run or an exported model, and opens it first if a folder is given."""
    return load(run) if isinstance(run, str | Path) else run
