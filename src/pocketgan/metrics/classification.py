"""Classification accuracy score: the accuracy on real images of a classifier trained on generated ones."""

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from pocketgan.images.sets import derived_seed
from pocketgan.metrics.classifier import prepare
from pocketgan.metrics.perceptron import fit_perceptron

HIDDEN, STEPS, BATCH, RATE = 128, 300, 128, 4e-3
PIECE = 1000
"""Number of real images that are classified at a time."""


def classification_accuracy(
    images: UInt8[Tensor, "n c h w"],
    labels: Int64[Tensor, "n"],
    real_images: UInt8[Tensor, "m c h w"],
    real_labels: Int64[Tensor, "m"],
    *,
    seed: int = 0,
) -> float:
    """Trains a classifier on generated images with their requested classes, and tests it on real images.

    This is the classification accuracy score (Ravuri & Vinyals 2019), with a network of one hidden layer on pixels
    instead of their ResNet, which takes about a second. Compare scores with the real-data baseline and not with the
    paper's.

    Args:
        images, labels: the generated images and their requested classes.
        real_images, real_labels: real images that the generator wasn't trained on, and their classes.
        seed: the seed of the initial weights and of the order; PyTorch's global generator isn't used.

    Returns:
        The share of real images that are classified correctly, in [0, 1].

    Raises:
        ValueError: there are no images.
    """
    if len(images) == 0 or len(real_images) == 0:
        raise ValueError("images: none; it needs at least 1 of each")
    generator = torch.Generator().manual_seed(derived_seed(seed, "classification"))
    classes = int(max(labels.max(), real_labels.max())) + 1
    inputs = prepare(images).flatten(1)
    network = fit_perceptron(
        inputs, labels, classes, hidden=HIDDEN, steps=STEPS, batch=BATCH, rate=RATE, generator=generator
    )
    with torch.no_grad():
        predicted = torch.cat([network(prepare(piece).flatten(1)).argmax(dim=1) for piece in real_images.split(PIECE)])
    return (predicted == real_labels).double().mean().item()
