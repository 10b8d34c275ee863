"""Pictures of runs: animations, numbers, plots. No torch until used."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pocketgan.pictures.animation import Film
from pocketgan.pictures.spelling import CANDIDATES, Written
from pocketgan.runs.exported import load
from pocketgan.runs.model import Model
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from pocketgan.pictures.directions import Directions
    from pocketgan.pictures.plots import Plots


def interpolate(
    run: str | Path | Model,
    seeds: Sequence[int] = (0, 1),
    *,
    frames: int | None = None,
    label: str | int | None = None,
    checkpoint: str | int = "auto",
    fps: float = 20.0,
) -> Film:
    """Walks between the latents of seeds, along great circles.

    Args:
        run: the run or the exported model, or its folder.
        seeds: where the walk goes, two at least; a film goes back to the first.
        frames: images from a seed to the next, both included; by default 28, of which the sheet shows 10.
        label: the class, by name; None gives a row a class where the run is conditional.
        checkpoint: `best`, `last` or a step; `auto` for the best, or the last of a run that wasn't evaluated.
        fps: frames a second.

    Returns:
        A film that shows itself in a notebook; `save("walk.png")` writes its sheet, `save("walk.gif")` the film.

    Raises:
        UserError: what was asked for is invalid; the message says why.
    """
    from pocketgan.pictures.interpolation import walk

    return walk(opened(run), seeds, frames=frames, label=label, checkpoint=checkpoint, fps=fps)


def find_directions(
    run: str | Path | Model, count: int = 5, *, label: str | int | None = None, checkpoint: str | int = "auto"
) -> "Directions":
    """Finds the directions of the latent space along which a generator's first layer varies most (GANSpace).

    Args:
        run: the run or the exported model, or its folder.
        count: how many.
        label: the class that is drawn meanwhile, by name.
        checkpoint: `best`, `last` or a step; `auto` for the best, or the last of a run that wasn't evaluated.

    Returns:
        Directions: `vectors`, what a step of one deviation adds to a latent; `shares` of the variance; and
        `shift([2.0, 0, -1.0])`, what steps along several add.

    Raises:
        UserError: what was asked for is invalid; the message says why.
    """
    from pocketgan.pictures.directions import find_directions as find

    return find(opened(run), count, label=label, checkpoint=checkpoint)


def walk_directions(
    run: str | Path | Model,
    directions: "Directions | None" = None,
    *,
    seed: int = 0,
    label: str | int | None = None,
    reach: float = 3.0,
    steps: int = 9,
    checkpoint: str | int = "auto",
) -> Film:
    """Walks along directions of the latent space, through the first latent of a seed.

    Args:
        run: the run or the exported model, or its folder.
        directions: by default the five strongest.
        seed: of the latent.
        label: the class, by name; None for the first of a conditional run.
        reach: how far the walks go to either side, in deviations.
        steps: images of a walk.
        checkpoint: `best`, `last` or a step; `auto` for the best, or the last of a run that wasn't evaluated.

    Returns:
        A film that shows itself in a notebook; `save("directions.png")` writes its sheet, a row a direction.

    Raises:
        UserError: what was asked for is invalid; the message says why.
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
    """Writes a number, or a text, in generated images.

    Args:
        text: characters that are the names of classes: `2026`.
        run: the run or the exported model, or its folder; by default the best of the finished runs in
            `runs` that can write the text.
        seed: of the latents; the same character and seed give the same image.
        candidates: images that an unconditional run draws, for each digit to be found among them.
        checkpoint: `best`, `last` or a step; `auto` for the best, or the last of a run that wasn't evaluated.

    Raises:
        UserError: what was asked for is invalid; the message says why.
    """
    from pocketgan.pictures.spelling import preferred_run, write_text

    model = preferred_run(str(text)) if run is None else opened(run)
    return write_text(model, str(text), seed=seed, candidates=candidates, checkpoint=checkpoint)


def timelapse(run: str | Path | Run, *, frames: int | None = None, fps: float | None = None) -> Film:
    """Makes a film of a run's samples over its training: the same latents from the first picture to the last.

    Args:
        run: the run or its folder.
        frames: moments of the film and columns of the sheet; by default up to 80 and up to 8.
        fps: frames a second; by default as many as make a film of 8 seconds.

    Returns:
        A film that shows itself in a notebook; `save("film.gif")` writes it, `save("film.png")` its sheet.

    Raises:
        UserError: the run has no two pictures, or what was asked for is invalid.
    """
    from pocketgan.pictures.moments import film_of

    return film_of(run if isinstance(run, Run) else Run.open(run), frames, fps)


def plot(
    *runs: str | Path | Run | Sequence[str | Path | Run],
    x_axis: str = "steps",
    width: float = 14.0,
    theme: str = "light",
) -> "Plots":
    """Plots one run, or several over each other: losses, accuracies, quality, classes drawn, speed.

    Args:
        *runs: runs or their folders, or a list of them.
        x_axis: what runs to the right: `steps`, `epochs`, `kimg` or `minutes`.
        width: centimetres; 14 for the whole width of a thesis page.
        theme: `light` or `dark`.

    Returns:
        Plots that show themselves in a notebook; `save("plots", "pdf")` writes them.

    Raises:
        UserError: a run has nothing to plot, or what was asked for is invalid.
    """
    from pocketgan.pictures.plots import draw_plots

    several = itertools.chain(*([one] if isinstance(one, str | Path | Run) else one for one in runs))
    opened_runs = [run if isinstance(run, Run) else Run.open(run) for run in several]
    return draw_plots(opened_runs, x_axis=x_axis, width=width, theme=theme)


def opened(run: str | Path | Model) -> Model:
    """Returns a run or an exported model, opened where it is a folder."""
    return load(run) if isinstance(run, str | Path) else run
