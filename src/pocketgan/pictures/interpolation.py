"""Interpolation between latents: the change of a generator's images from one seed to the next."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from pocketgan.base.arguments import whole_number
from pocketgan.base.errors import RunError
from pocketgan.config.sections import RunConfig
from pocketgan.networks.layers import LatentInput
from pocketgan.pictures.animation import Film, columns_for
from pocketgan.pictures.animation_files import check_fps
from pocketgan.pictures.latents import path, slerp
from pocketgan.runs.mixtures import written_label
from pocketgan.runs.model import LabelChoice, Model
from pocketgan.runs.requests import drawn_conditions, for_each, requested_once, weights
from pocketgan.runs.sampling import BATCH, run_generator, sample_latents
from pocketgan.runs.weights import load_generator

FRAMES, EVERY = 28, 3
"""Default images from one seed to the next in an animation; the contact sheet shows every third of them."""
MOST_FRAMES, MOST_SEEDS, MOST_IMAGES = 1_000, 100, 100_000


def walk(
    model: Model,
    seeds: Sequence[int] = (0, 1),
    *,
    frames: int | None = None,
    label: LabelChoice = None,
    checkpoint: str | int = "auto",
    fps: float = 20.0,
) -> Film:
    """Interpolates from seed to seed along great circles (see `latents.slerp`).

    The animation continues from the last seed to the first, so that it loops without a jump; the contact sheet ends at
    the last seed. The image at a seed is the first one that `generate` returns for it.

    Args:
        model: a model that generates from noise.
        seeds: the seeds to pass through, at least two.
        frames: images from one seed to the next, including both; by default 28, of which the contact sheet shows 10.
        label: the name of the class, or a mixture such as `3:0.7,8:0.3`. None gives one row per class if there are
            classes; numbers that describe images change from those of one seed's first image to those of the next.
        checkpoint: `best`, `last`, a step or `auto`.
        fps: frames per second.

    Raises:
        RunError: the run is image-to-image, there is no such class or checkpoint, or a number is out of range.
    """
    config = model.config
    frames = None if frames is None else whole_number("frames", frames)
    seeds = [whole_number("seeds", seed) for seed in (seeds if isinstance(seeds, Iterable) else [seeds])]
    check_walk(model, seeds, frames)
    told, names = shown_labels(model, label)
    legs, steps, rows = len(seeds) - 1, (frames or FRAMES) - 1, len(names) or 1
    if (legs + 1) * steps * rows > MOST_IMAGES:
        most = MOST_IMAGES // ((legs + 1) * rows) + 1
        counts = {"frames": frames or FRAMES, "count": len(seeds), "rows": rows}
        if most > 1:
            raise RunError("too many frames", field="frames", **counts, most=most)
        raise RunError("too many seeds", field="frames", **counts)
    network = load_generator(model, checkpoint)
    stops = torch.cat([sample_latents(config, 1, seed) for seed in seeds])
    latents = path(stops, steps + 1).repeat_interleave(rows, dim=0)
    labels = along_seeds(model, seeds, steps) if told is None else torch.cat([told] * ((legs + 1) * steps))
    images = run_generator(network, latents, labels, config).numpy()
    moments = range(0, legs * steps + 1, 1 if frames else EVERY)
    at = {leg * steps: f"seed {seed}" for leg, seed in enumerate(seeds)}
    return Film(
        images=images.reshape(-1, rows, *images.shape[1:]),
        columns=columns_for(rows),
        captions=(),
        names=names,
        fps=check_fps(fps),
        hold=0.0,
        moments=tuple(moments),
        headings=tuple(at.get(moment, "") for moment in moments),
        rows=tuple(range(rows)),
    )


def check_walk(model: Model, seeds: Sequence[int], frames: int | None) -> None:
    """Checks that a model can interpolate between these seeds.

    Raises:
        RunError: the model is image-to-image, or the number of seeds or frames is out of range.
    """
    if model.config.reads_images:
        raise RunError("nothing to interpolate", field="run", folder=model.folder)
    if not 2 <= len(seeds) <= MOST_SEEDS or len(set(seeds)) < 2:
        known = ", ".join(map(str, seeds[:5])) + (", …" if len(seeds) > 5 else "")
        raise RunError("seeds to interpolate", field="seeds", known=known, most=MOST_SEEDS)
    if frames is not None and not 2 <= frames <= MOST_FRAMES:
        raise RunError("out of range", field="frames", value=frames, least=2, most=MOST_FRAMES)


def shown_labels(model: Model, label: LabelChoice) -> tuple[Tensor | None, tuple[str, ...]]:
    """Returns what the rows of an animation are told, and the names of the rows.

    Returns:
        Indices, int64 (rows,), or weights, float32 (1, D), of the requested label or of all classes; None for an
        unconditional model, or if numbers change along the animation.
    """
    if label is not None:
        return for_each(requested_once(model, label), 1), (written_label(label),)
    known = model.facts.class_names if model.config.network.conditional and not model.facts.condition_names else ()
    return (torch.arange(len(known)) if known else None), known


def along_seeds(model: Model, seeds: Sequence[int], steps: int) -> Float[Tensor, "n d"] | None:
    """Returns the numbers along an animation, linearly from those of each seed's first image to the next seed's.

    None for a model that isn't told numbers. The order is that of `latents.path`.
    """
    if not model.config.network.conditional:
        return None
    drawn = [drawn_conditions(model.facts, 1, seed) for seed in seeds]
    rows = [weights(model, {})[None] if row is None else row for row in drawn]
    shares = torch.linspace(0, 1, steps + 1)[:-1, None]
    return torch.cat([torch.lerp(row, after, shares) for row, after in zip(rows, [*rows[1:], rows[0]], strict=True)])


def walk_between(
    network: nn.Module,
    config: RunConfig,
    latents: Float[Tensor, "2 latent"],
    labels: Tensor | None = None,
    *,
    frames: int = FRAMES,
    fps: float = 20.0,
) -> Film:
    """Interpolates from one latent to another along a great circle, and back; between two classes, linearly.

    Args:
        network: a generator that reads noise.
        config: the configuration of its run.
        latents: the latents at the beginning and at the turning point.
        labels: the indices of the classes there, int64 (2,), or weights, float32 (2, D), for a conditional generator.
            Between two classes it receives a mixture of their learned vectors.
        frames: images from one latent to the other, including both; 2 to 250.
        fps: frames per second.

    Raises:
        RunError: a number is out of range.
    """
    if not 2 <= frames <= BATCH:
        raise RunError("out of range", field="frames", value=frames, least=2, most=BATCH)
    shares = torch.linspace(0, 1, frames)
    way = slerp(latents[0], latents[1], shares)
    way[0], way[-1] = latents
    if labels is not None and labels.is_floating_point():
        images = run_generator(network, way, torch.lerp(labels[:1], labels[1:], shares[:, None]), config).numpy()
    else:
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
    """Replaces the class vectors of a conditional generator by mixtures of two classes, inside the context.

    Args:
        network: the generator, whose learned class vectors are mixed.
        labels: the indices of the two classes; nothing changes if they are None or equal.
        shares: the share of the second class in each image; the images must be requested in one batch.
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
