"""Generation of images: from noise with a seed, or by translation of other images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pocketgan.base.arguments import number, whole_number
from pocketgan.base.errors import RunError
from pocketgan.config.sections import RunConfig
from pocketgan.images.grids import Images
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import to_network, to_uint8
from pocketgan.runs.latents import to_latents, truncated
from pocketgan.runs.model import MOST_IMAGES, LabelChoice, Model
from pocketgan.runs.requests import drawn_conditions, requested
from pocketgan.runs.weights import load_generator

BATCH = 250
WIDEST = 20
"""Maximum number of outputs in a row behind their input."""
USUAL = 64
"""Number of images that are generated unless another is asked for."""


def sample_latents(config: RunConfig, count: int, seed: int) -> Tensor:
    """Returns latents for `count` images, float32, shape (count, latent_dim); a seed gives the same ones everywhere."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "sample"))
    return torch.randn(count, config.network.latent_dim, generator=generator)


def draw_classes(counts: Sequence[int], count: int, seed: int) -> Tensor:
    """Draws `count` classes at random, int64, shape (count,), with the frequencies in `counts`: an unbiased sample."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "classes"))
    return torch.multinomial(torch.tensor(counts, dtype=torch.float64), count, replacement=True, generator=generator)


@torch.no_grad()
def run_generator(network: nn.Module, inputs: Tensor, labels: Tensor | None, config: RunConfig) -> Tensor:
    """Runs the generator in evaluation mode (no dropout, fixed statistics), in batches.

    Args:
        network: the generator; its training mode is restored afterwards.
        inputs: latents (N, latent_dim), or images in the network's range if it reads images.
        labels: int64, shape (N,), or None.
        config: the run's configuration.

    Returns:
        uint8 images on the CPU, shape (N, C, H, W).
    """
    device = next(network.parameters()).device
    training = network.training
    network.eval()
    generated = []
    for start in range(0, len(inputs), BATCH):
        piece = slice(start, start + BATCH)
        chosen = None if labels is None else labels[piece].to(device)
        generated.append(to_uint8(network(inputs[piece].to(device), chosen), config.data.pixel_range).cpu())
    network.train(training)
    return torch.cat(generated)


def generate_images(
    network: nn.Module,
    config: RunConfig,
    classes: int,
    *,
    count: int,
    seed: int,
    label: int | Sequence[int] | Tensor | None = None,
    class_counts: Sequence[int] = (),
    latents: Tensor | None = None,
) -> Images:
    """Generates `count` images from `seed`.

    Args:
        network: a generator that reads noise.
        config: the configuration of its run.
        classes: the number of classes of a conditional generator; 0 for an unconditional one.
        count: the number of images.
        seed: the seed of the latents.
        label: the index of the class of all images, or one for each; or weights of all classes, float (D,) or (N, D);
            None cycles through all classes.
        class_counts: the number of training images of each class. If given, classes are requested with these
            frequencies; otherwise they take turns.
        latents: float32, shape (count, latent_dim), instead of those of the seed.
    """
    labels = None
    if isinstance(label, Tensor):
        labels = label.expand(count, -1)
    elif classes and label is not None:
        labels = torch.full((count,), label) if isinstance(label, int) else torch.tensor(list(label))
    elif classes:
        labels = draw_classes(class_counts, count, seed) if class_counts else torch.arange(count) % classes
    latents = sample_latents(config, count, seed) if latents is None else latents
    images = run_generator(network, latents, labels, config)
    in_turn = label is None and not class_counts
    columns = classes if classes and in_turn and 4 <= classes <= 20 and count >= classes else None
    shown = None if labels is None or labels.is_floating_point() else labels.numpy()
    return Images(images.numpy(), shown, columns, latents=latents.numpy())


def draw(
    model: Model,
    count: int | None = None,
    *,
    seed: int = 0,
    label: LabelChoice = None,
    checkpoint: str | int = "auto",
    latents: Any = None,
    truncation: float | None = None,
) -> Images:
    """Generates images from a run or an exported model; see `Run.generate`."""
    config = model.config
    if config.reads_images:
        raise RunError("reads no noise", field="run", folder=model.folder)
    count, seed = None if count is None else whole_number("count", count), whole_number("seed", seed)
    truncation = None if truncation is None else number("truncation", truncation)
    given = None if latents is None else to_latents(latents, config.network.latent_dim)
    if given is not None and truncation is not None:
        raise RunError("truncated latents", field="truncation")
    told = requested(model, label)
    each = told if isinstance(told, list) or (isinstance(told, Tensor) and told.ndim == 2) else None
    count = agreed_count(count, given, each)
    if told is None and config.network.conditional:
        told = drawn_conditions(model.facts, count, seed)
    if given is None:
        given = sample_latents(config, count, seed)
        given = given if truncation is None else truncated(given, truncation)
    network = load_generator(model, checkpoint)
    classes = len(model.facts.class_names) if config.network.conditional else 0
    generated = generate_images(network, config, classes, count=count, seed=seed, label=told, latents=given)
    return generated.named(model.facts.class_names)


def agreed_count(count: int | None, latents: Tensor | None, labels: Sequence[int] | Tensor | None) -> int:
    """Returns the number of images: `count`, or as many as there are latents or labels, or 64.

    Raises:
        RunError: the numbers differ, or are out of range.
    """
    lengths = [len(given) for given in (latents, labels) if given is not None]
    wanted = count if count is not None else lengths[0] if lengths else USUAL
    if not 1 <= wanted <= MOST_IMAGES:
        raise RunError("count at once", field="count", count=wanted, most=MOST_IMAGES)
    for field, given in (("latents", latents), ("label", labels)):
        if given is not None and len(given) != wanted:
            raise RunError("one for each image", field=field, count=wanted, found=len(given))
    return wanted


def redraw_images(network: nn.Module, config: RunConfig, images: Tensor, requested: Tensor | None = None) -> Tensor:
    """Translates uint8 images (N, C, H, W) with an image-to-image generator; returns uint8 images of the same shape.

    Args:
        network: the generator.
        config: the configuration of its run.
        images: the images.
        requested: of translation between classes, the class of each output, int64 (N,); ignored by all others.
    """
    labels = requested if config.network.conditional else None
    return run_generator(network, to_network(images, config.data.pixel_range), labels, config)


def into_every_class(images: Tensor, classes: int) -> tuple[Tensor, Tensor, int]:
    """Returns images once for every class, or with more than 20 classes, each for one class in turn.

    Args:
        images: shape (N, C, H, W).
        classes: the number of classes, K.

    Returns:
        The images, (N·K, C, H, W), their classes, int64 (N·K,), and K; or with many classes, the same with 1 for K.
    """
    if classes > WIDEST:
        return images, torch.arange(len(images)) % classes, 1
    return images.repeat_interleave(classes, dim=0), torch.arange(classes).repeat(len(images)), classes


def in_rows(inputs: Tensor, outputs: Tensor, each: int) -> Images:
    """Puts each input to the left of its `each` outputs, one input per row; pairs of input and output if there is one.

    Args:
        inputs: each one `each` times, as `into_every_class` returns them.
        outputs: of the same shape, (N·each, C, H, W).
        each: the number of outputs of an input.
    """
    if each == 1:
        return side_by_side(inputs, outputs)
    rows = outputs.unflatten(0, (-1, each))
    return Images(torch.cat([inputs[::each, None], rows], dim=1).flatten(0, 1).numpy(), columns=each + 1)


def side_by_side(inputs: Tensor, outputs: Tensor) -> Images:
    """Puts each input to the left of its output, with at most eight pairs per row."""
    pairs = np.stack([inputs.numpy(), outputs.numpy()], axis=1).reshape(-1, *inputs.shape[1:])
    return Images(pairs, columns=min(16, len(pairs)))
