"""Walks between latents: how a generator's images change from one seed to the next."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from pocketgan.base.errors import RunError
from pocketgan.config.sections import RunConfig
from pocketgan.networks.layers import LatentInput
from pocketgan.pictures.animation import Film, columns_for
from pocketgan.pictures.animation_files import check_fps
from pocketgan.pictures.latents import path, slerp
from pocketgan.runs.model import Model
from pocketgan.runs.sampling import BATCH, run_generator, sample_latents
from pocketgan.runs.weights import load_generator

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
        RunError: the run redraws images, there is no such class or checkpoint, or a number is out of range.
    """
    config, facts = model.config, model.facts
    check_walk(model, seeds, frames)
    classes = shown_classes(model, label)
    legs, steps, rows = len(seeds) - 1, (frames or FRAMES) - 1, len(classes) or 1
    if (legs + 1) * steps * rows > MOST_IMAGES:
        most = MOST_IMAGES // ((legs + 1) * rows) + 1
        remedy = f"{most} would do" if most > 1 else "fewer seeds, or one --label, would do"
        raise RunError(
            "{frames} between each two of {count} seeds, {rows} images each, are too many; {remedy}",
            field="frames",
            frames=frames or FRAMES,
            count=len(seeds),
            rows=rows,
            remedy=remedy,
        )
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


def check_walk(model: Model, seeds: Sequence[int], frames: int | None) -> None:
    """Checks that a model can be asked for an interpolation between these seeds.

    Raises:
        RunError: it redraws images, or the seeds or frames are too few or too many.
    """
    if model.config.reads_images:
        raise RunError(
            "'{folder}' redraws images and reads no noise, so there is nothing to walk between",
            field="run",
            folder=model.folder,
        )
    if not 2 <= len(seeds) <= MOST_SEEDS or len(set(seeds)) < 2:
        raise RunError(
            "from seed {known} goes nowhere; 2 to {most_seeds} seeds would",
            field="walk",
            known=" to ".join(map(str, seeds[:5])),
            most_seeds=MOST_SEEDS,
        )
    if frames is not None and not 2 <= frames <= MOST_FRAMES:
        raise RunError(
            "{frames} won't do; 2 to {most_frames:,} would", field="frames", frames=frames, most_frames=MOST_FRAMES
        )


def shown_classes(model: Model, label: str | int | None) -> list[int]:
    """Returns the classes that a film shows, a row each: the one asked for, or all; none where the model knows none."""
    if label is not None:
        return [model.label_index(label)]
    return list(range(len(model.facts.class_names))) if model.config.network.conditional else []


def walk_between(
    network: nn.Module,
    config: RunConfig,
    latents: Float[Tensor, "2 latent"],
    labels: Int64[Tensor, "2"] | None = None,
    *,
    frames: int = FRAMES,
    fps: float = 20.0,
) -> Film:
    """Walks from one latent to another along a great circle, and back; from one class to another along a straight line.

    Args:
        network: a generator that reads noise.
        config: its run's configuration.
        latents: where the walk begins and turns.
        labels: the classes there, indices, for a conditional generator. Between two classes it is told a mixture of
            what it has learnt of both.
        frames: images on the way, both ends included; 2 to 250.
        fps: frames a second.

    Raises:
        RunError: the numbers won't do.
    """
    if not 2 <= frames <= BATCH:
        raise RunError("{frames} won't do; 2 to {batch} would", field="frames", frames=frames, batch=BATCH)
    shares = torch.linspace(0, 1, frames)
    way = slerp(latents[0], latents[1], shares)
    way[0], way[-1] = latents
    with mixing(network, labels, shares):
        images = run_generator(network, way, None if labels is None else labels[:1].expand(frames), config).numpy()
    there_and_back = [*range(frames), *range(frames - 2, 0, -1)]
    return Film(
        images=images[there_and_back, None],
        columns=1,
        captions=(),
        names=(),
        fps=check_fps(fps),
        hold=0.0,
        moments=tuple(range(0, frames, EVERY)),
        headings=(),
        rows=(0,),
    )


@contextmanager
def mixing(network: nn.Module, labels: Int64[Tensor, "2"] | None, shares: Float[Tensor, "n"]) -> Iterator[None]:
    """Tells a conditional generator, inside, mixtures of two classes instead of those that it is asked for.

    Args:
        network: whose learned vectors of the classes are mixed.
        labels: the two classes, indices; nothing is done where they are None or the same.
        shares: of the second class in each of the images, which are asked for in one batch.
    """
    if labels is None or labels[0] == labels[1]:
        yield
        return
    place = next(module for module in network.modules() if isinstance(module, LatentInput))
    assert place.embedding is not None
    first, second = place.embedding.weight[labels].detach()
    mixed = first + shares[:, None] * (second - first)
    hook = place.register_forward_hook(lambda _, inputs, output: torch.cat([inputs[0], mixed], dim=1))
    try:
        yield
    finally:
        hook.remove()
