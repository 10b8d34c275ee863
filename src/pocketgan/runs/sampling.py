"""Generation of images: from noise with a seed, or by translation of other images."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pocketgan.base.errors import RunError
from pocketgan.config.sections import RunConfig
from pocketgan.images.grids import Images
from pocketgan.images.sets import derived_seed, to_network, to_uint8
from pocketgan.runs.model import MOST_IMAGES, Model
from pocketgan.runs.weights import load_generator

BATCH = 250


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
    label: int | None = None,
    class_counts: Sequence[int] = (),
) -> Images:
    """Generates `count` images from `seed`.

    Args:
        network: a generator that reads noise.
        config: the configuration of its run.
        classes: the number of classes of a conditional generator; 0 for an unconditional one.
        count: the number of images.
        seed: the seed of the latents.
        label: the index of the class of all images; None cycles through all classes.
        class_counts: the number of training images of each class. If given, classes are requested with these
            frequencies; otherwise they take turns.
    """
    labels = None
    if classes and label is not None:
        labels = torch.full((count,), label)
    elif classes:
        labels = draw_classes(class_counts, count, seed) if class_counts else torch.arange(count) % classes
    images = run_generator(network, sample_latents(config, count, seed), labels, config)
    in_turn = label is None and not class_counts
    columns = classes if classes and in_turn and 4 <= classes <= 20 and count >= classes else None
    return Images(images.numpy(), None if labels is None else labels.numpy(), columns)


def draw(
    model: Model, count: int = 64, *, seed: int = 0, label: str | int | None = None, checkpoint: str | int = "auto"
) -> Images:
    """Generates images from a run or an exported model; see `Run.generate`."""
    if model.config.reads_images:
        raise RunError("reads no noise", field="run", folder=model.folder)
    if not 1 <= count <= MOST_IMAGES:
        raise RunError("count at once", field="count", count=count, most=MOST_IMAGES)
    index = None if label is None else model.label_index(label)
    network = load_generator(model, checkpoint)
    classes = len(model.facts.class_names) if model.config.network.conditional else 0
    generated = generate_images(network, model.config, classes, count=count, seed=seed, label=index)
    return generated.named(model.facts.class_names)


def redraw_images(network: nn.Module, config: RunConfig, images: Tensor) -> Tensor:
    """Translates uint8 images (N, C, H, W) with an image-to-image generator; returns uint8 images of the same shape."""
    return run_generator(network, to_network(images, config.data.pixel_range), None, config)


def side_by_side(inputs: Tensor, outputs: Tensor) -> Images:
    """Puts each input to the left of its output, with at most eight pairs per row."""
    pairs = np.stack([inputs.numpy(), outputs.numpy()], axis=1).reshape(-1, *inputs.shape[1:])
    return Images(pairs, columns=min(16, len(pairs)))
