"""Classification accuracy score: the accuracy on real images of a classifier trained on generated ones."""

import torch

from pocketgan.base.errors import UserError
from pocketgan.images.seeds import derived_seed
from pocketgan.metrics.arrays import Array, size_of, to_images, to_labels
from pocketgan.metrics.classifier import prepare
from pocketgan.metrics.perceptron import fit_perceptron

HIDDEN, STEPS, BATCH, RATE = 128, 300, 128, 4e-3
PIECE = 1000
"""Number of real images that are classified at a time."""


def classification_accuracy(
    real: Array, real_labels: Array, generated: Array, labels: Array, *, seed: int = 0
) -> float:
    """Returns the accuracy on real images of a classifier trained on generated ones; higher is better.

    This is the "classification accuracy score" (CAS; Ravuri & Vinyals 2019), with a network of one hidden layer on
    pixels instead of their ResNet, which takes about a second. Compare scores with the real-data baseline and not with
    the paper's.

    Args:
        real: real images that the generator wasn't trained on, uint8 [0, 255], (M, C, H, W) or (M, H, W).
        real_labels: their classes, integers ≥ 0, (M,).
        generated: generated images, uint8 [0, 255], (N, C, H, W) or (N, H, W).
        labels: their requested classes, integers ≥ 0, (N,).
        seed: the seed of the initial weights and of the order; PyTorch's global generator isn't used.

    Returns:
        The share of real images that are classified correctly, in [0, 1].

    Raises:
        UserError: an array is empty or has another type or shape, or the sizes of the images differ.

    Example:
        >>> import numpy
        >>> labels = numpy.arange(60) % 2
        >>> images = numpy.zeros((60, 8, 8), numpy.uint8) + 255 * labels[:, None, None].astype(numpy.uint8)
        >>> classification_accuracy(images, labels, images, labels)
        1.0
    """
    real, generated = to_images("real", real), to_images("generated", generated)
    if real.shape[1:] != generated.shape[1:]:
        raise UserError("sizes of arrays", field="generated", found=size_of(generated), expected=size_of(real))
    real_labels, labels = to_labels("real_labels", real_labels, len(real)), to_labels("labels", labels, len(generated))
    generator = torch.Generator().manual_seed(derived_seed(seed, "classification"))
    classes = int(max(labels.max(), real_labels.max())) + 1
    inputs = prepare(generated).flatten(1)
    network = fit_perceptron(
        inputs, labels, classes, hidden=HIDDEN, steps=STEPS, batch=BATCH, rate=RATE, generator=generator
    )
    with torch.no_grad():
        predicted = torch.cat([network(prepare(piece).flatten(1)).argmax(dim=1) for piece in real.split(PIECE)])
    return (predicted == real_labels).double().mean().item()
