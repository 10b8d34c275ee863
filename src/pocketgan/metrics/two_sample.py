"""Classifier two-sample test: can a small network tell generated images from real ones (Lopez-Paz & Oquab 2017)?"""

import math

import torch

from pocketgan.base.errors import UserError
from pocketgan.metrics.arrays import Array, to_features
from pocketgan.metrics.neighbours import subsample
from pocketgan.metrics.perceptron import fit_perceptron

HIDDEN = 64
STEPS = 300
BATCH = 256
LEARNING_RATE = 3e-3


def two_sample_accuracy(real: Array, generated: Array, *, seed: int = 0) -> float:
    """Returns how well a network distinguishes generated from real images (Lopez-Paz & Oquab 2017); 0.5 is best.

    This is the "classifier two-sample test" (C2ST), section 3 of the paper, with a network of one hidden layer. It
    takes about a second. Both sets are reduced to the size s of the smaller. The network is trained on ⌊s/2⌋ images of
    each and tested on the other ⌈s/2⌉ of each, 2⌈s/2⌉ in all. PyTorch's global generator is neither used nor changed.

    Args:
        real: features, (m, width), m ≥ 2.
        generated: features, (n, width), n ≥ 2.
        seed: the seed of the sampling, the initial weights and the batches.

    Returns:
        The mean of the accuracies on generated and on real images, in [0, 1]: about 0.5 if they can't be told apart, 1
        if all can.

    Raises:
        UserError: there are too few rows, the widths differ, or a value isn't finite.

    Example:
        >>> import numpy
        >>> real = numpy.random.default_rng(0).normal(size=(100, 4))
        >>> two_sample_accuracy(real, real + 9)
        1.0
    """
    real, generated = to_features(2, real=real, generated=generated)
    size = min(len(generated), len(real))
    half = size // 2
    first = subsample(generated, size, seed).float()
    second = subsample(real, size, seed + 1).float()
    trained = torch.cat([first[:half], second[:half]])
    mean, scale = trained.mean(dim=0), trained.std(dim=0)
    scale = scale.where(scale > 0, 1)
    is_real = (torch.arange(2 * half, device=trained.device) >= half).long()
    network = fit_perceptron(
        (trained - mean) / scale,
        is_real,
        2,
        hidden=HIDDEN,
        steps=STEPS,
        batch=BATCH,
        rate=LEARNING_RATE,
        generator=torch.Generator().manual_seed(seed + 2),
    )
    with torch.no_grad():
        right_generated = network((first[half:] - mean) / scale).argmax(dim=1) == 0
        right_real = network((second[half:] - mean) / scale).argmax(dim=1) == 1
    return 0.5 * (right_generated.double().mean() + right_real.double().mean()).item()


def two_sample_p_value(accuracy: float, tests: int) -> float:
    """Returns the probability of an accuracy at least this high if both sets come from one distribution.

    The number of correct answers is then binomial with probability ½ (Lopez-Paz & Oquab 2017, section 3). The result is
    the normal approximation of its tail.

    Args:
        accuracy: in [0, 1].
        tests: the number of images on which the network was tested: 2⌈s/2⌉, with s the size of the smaller set; 1 or
            more.

    Returns:
        In [0, 1]; 0.5 for the accuracy 0.5.

    Raises:
        UserError: the accuracy is outside [0, 1], or there are no tests.

    Example:
        >>> round(two_sample_p_value(0.6, 100), 4)
        0.0228
    """
    if not 0 <= accuracy <= 1:
        raise UserError("out of range", field="accuracy", least=0, most=1, value=accuracy)
    if tests < 1:
        raise UserError("at least", field="tests", least=1, found=tests)
    return 0.5 * math.erfc((accuracy - 0.5) * math.sqrt(2 * tests))
