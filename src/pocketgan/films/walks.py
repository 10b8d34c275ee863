"""Walks between latents: how a generator's images change from one seed to the next."""

from collections.abc import Sequence

import torch

from pocketgan.errors import RunError
from pocketgan.films.files import check_fps
from pocketgan.films.film import Film, columns_for
from pocketgan.films.latents import path
from pocketgan.loading import load_generator
from pocketgan.models import Model
from pocketgan.sampling import run_generator, sample_latents

FRAMES, EVERY = 28, 3
"""Images from a seed to the next in a film, unless another number is asked for; the sheet shows every third of them."""
MOST_FRAMES, MOST_SEEDS, MOST_IMAGES = 1_000, 100, 100_000


def walk(
    model: Model,
    seeds: Sequence[int] = (0, 1),
    *,
    frames: int | None = None,
    label: str | int | None = None,
    checkpoint: str | int = "auto",
    fps: float = 20.0,
) -> Film:
    """Walks from seed to seed along great circles (see `latents.slerp`).

    The film goes on from the last seed to the first, so that it can begin again without a jump; the sheet ends at the
    last seed. At a seed stands the first image that `generate` gives for it.

    Args:
        model: draws from noise.
        seeds: where the walk goes, two at least.
        frames: images from a seed to the next, both included; by default 28, of which the sheet shows 10.
        label: the class, by name; None gives a row a class where the run is conditional.
        checkpoint: `best`, `last`, a step or `auto`.
        fps: frames a second.

    Raises:
        RunError: the run redraws images, there is no such class or checkpoint, or the numbers won't do.
    """
    config, facts = model.config, model.facts
    if config.reads_images:
        raise RunError(f"run: '{model.folder}' redraws images and reads no noise, so there is nothing to walk between")
    if not 2 <= len(seeds) <= MOST_SEEDS or len(set(seeds)) < 2:
        raise RunError(
            f"walk: from seed {' to '.join(map(str, seeds[:5]))} goes nowhere; 2 to {MOST_SEEDS} seeds would"
        )
    if frames is not None and not 2 <= frames <= MOST_FRAMES:
        raise RunError(f"frames: {frames} won't do; 2 to {MOST_FRAMES:,} would")
    classes: list[int] = []
    if label is not None:
        classes = [model.label_index(label)]
    elif config.network.conditional:
        classes = list(range(len(facts.class_names)))
    legs, steps, rows = len(seeds) - 1, (frames or FRAMES) - 1, len(classes) or 1
    if (legs + 1) * steps * rows > MOST_IMAGES:
        most = MOST_IMAGES // ((legs + 1) * rows) + 1
        what = f"frames: {frames or FRAMES} between each two of {len(seeds)} seeds, {rows} images each, are too many"
        raise RunError(f"{what}; {most} would do" if most > 1 else f"{what}; fewer seeds, or one --label, would do")
    network = load_generator(model, checkpoint)
    stops = torch.cat([sample_latents(config, 1, seed) for seed in seeds])
    latents = path(stops, steps + 1).repeat_interleave(rows, dim=0)
    labels = torch.tensor(classes).repeat((legs + 1) * steps) if classes else None
    images = run_generator(network, latents, labels, config).numpy()
    moments = range(0, legs * steps + 1, 1 if frames else EVERY)
    at = {leg * steps: f"seed {seed}" for leg, seed in enumerate(seeds)}
    return Film(
        images=images.reshape(-1, rows, *images.shape[1:]),
        columns=columns_for(rows),
        captions=(),
        names=tuple(facts.class_names[place] for place in classes),
        fps=check_fps(fps),
        hold=0.0,
        moments=tuple(moments),
        headings=tuple(at.get(moment, "") for moment in moments),
        rows=tuple(range(rows)),
    )
