"""Metrics on a classifier's output: are all classes present, in the right shares, and are the images different?"""

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from pocketgan.base.errors import UserError
from pocketgan.metrics.arrays import Array, to_classes, to_features, to_probabilities, to_tensor
from pocketgan.metrics.neighbours import radii, subsample

Labels = Int64[Tensor, "_"]
"""One class per image, each in [0, classes)."""

NEAR = 0.01
"""The share of real images whose nearest neighbor is closer than the bound for near-duplicates."""


def class_histogram(labels: Labels, classes: int) -> Float64[Tensor, "classes"]:
    """Returns the share of each class in `labels` (n,), n ≥ 1: float64, in [0, 1], with the sum 1.

    Raises:
        ValueError: there are no labels, or one is outside [0, classes).
    """
    if len(labels) == 0:
        raise ValueError("labels: 0 of them; expected 1 or more")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels: from {labels.min()} to {labels.max()}; with {classes} classes, 0 to {classes - 1}")
    return torch.bincount(labels, minlength=classes).double() / len(labels)


def count_modes(real: Array, generated: Array, *, least: float = 0.1) -> int:
    """Returns the number of classes with at least `least` times their real share; higher is better.

    This is the number of covered modes (Metz et al. 2017, section 3.3.1), with a threshold. A class that is missing
    among the real images isn't counted.

    Args:
        real: for each real image its class, integers, (m,), or its class probabilities, (m, classes), such as
            `class_probabilities` returns; or the shares of the classes, floats with the sum 1, (classes,).
        generated: for each generated image its class, integers, (n,), or its class probabilities, (n, classes).
        least: above 0.

    Returns:
        A whole number in [0, classes].

    Raises:
        UserError: an array has another type or shape or is empty, the shares are invalid, a generated image has a class
            without a share, or `least` ≤ 0.

    Example:
        >>> import numpy
        >>> real = numpy.array([0, 1, 2, 2])
        >>> count_modes(real, numpy.array([0, 0, 0, 2]))
        2
    """
    if least <= 0:
        raise UserError("above zero", field="least", found=least)
    shares, histogram, _ = _shares(real, generated)
    return int(((histogram >= least * shares) & (shares > 0)).sum())


def class_kl(real: Array, generated: Array) -> float:
    """Returns the divergence KL(generated ‖ real) of the classes' shares, Σ p ln(p / q), in nats; lower is better.

    It is common on Stacked MNIST (Metz et al. 2017, section 3.3.1). If generated images have a class that is missing
    among the real ones, the divergence would be infinite. Such a class counts as half an image among n of the real
    ones, q = 1 / 2n, and the real shares are rescaled to the sum 1. The result is therefore finite and grows with the
    share of such images.

    Args:
        real: for each real image its class, integers, (m,), or its class probabilities, (m, classes), such as
            `class_probabilities` returns; or the shares of the classes, floats with the sum 1, (classes,).
        generated: for each generated image its class, integers, (n,), or its class probabilities, (n, classes).

    Returns:
        ≥ 0; 0 if real and generated images have the same shares.

    Raises:
        UserError: an array has another type or shape or is empty, the shares are invalid, or a generated image has a
            class without a share.

    Example:
        >>> import numpy
        >>> class_kl(numpy.array([0.5, 0.5]), numpy.array([1, 1, 1]))  # ln 2
        0.6931471805599453
    """
    shares, histogram, count = _shares(real, generated)
    shares = shares.masked_fill((shares == 0) & (histogram > 0), 0.5 / count)
    shares = shares / shares.sum()
    return max(0.0, (torch.xlogy(histogram, histogram) - torch.xlogy(histogram, shares)).sum().item())


def confidence(generated: Array) -> float:
    """Returns the mean of each image's greatest class probability; the best value is that of real images.

    Args:
        generated: class probabilities, (n, classes), such as `class_probabilities` returns.

    Returns:
        In [1 / classes, 1].

    Raises:
        UserError: there are no images or no classes, or the values aren't probabilities.

    Example:
        >>> import numpy
        >>> confidence(numpy.array([[0.5, 0.5], [1.0, 0.0]]))
        0.75
    """
    return to_probabilities("generated", generated).double().amax(dim=1).mean().item()


def label_agreement(labels: Array, generated: Array) -> float:
    """Returns the share of images whose predicted class is the requested one (class accuracy); higher is better.

    Args:
        labels: the requested class of each image, integers, (n,).
        generated: for each image its predicted class, integers, (n,), or its class probabilities, (n, classes), such as
            `class_probabilities` returns.

    Returns:
        In [0, 1].

    Raises:
        UserError: there are no labels, or the numbers of labels differ.

    Example:
        >>> import numpy
        >>> label_agreement(numpy.array([0, 1, 2, 3]), numpy.array([0, 1, 2, 0]))
        0.75
    """
    requested, predicted = to_classes("labels", labels), to_classes("generated", generated)
    if len(requested) != len(predicted):
        raise UserError(
            "lengths differ", field="generated", found=len(predicted), other="labels", expected=len(requested)
        )
    return (requested == predicted).double().mean().item()


def duplicates(
    real: Array,
    generated: Array,
    *,
    real_others: Float[Tensor, "_"] | None = None,
    generated_others: Float[Tensor, "_"] | None = None,
) -> float:
    """Returns the share of generated images that are as close to another one as only 1% of real images are.

    It is a threshold on the nearest neighbors that the birthday-paradox test inspects by eye (Arora & Zhang 2017). The
    bound is the first percentile of the distances from real images to their nearest neighbor; images at the bound
    count. Larger sets have smaller distances, so the larger set is reduced to the size of the smaller by a random
    choice that is always the same.

    Args:
        real: features, (m, width), m ≥ 2.
        generated: features, (n, width), n ≥ 2.
        real_others, generated_others: the distance from each image to its nearest neighbor, (m,) and (n,), if known.

    Returns:
        In [0, 1]: about 0.01 if both sets come from one distribution, which is best; 1 if all generated images are
        equal.

    Raises:
        UserError: there are too few rows, the widths differ, or a value isn't finite.

    Example:
        >>> import numpy
        >>> real = numpy.random.default_rng(0).normal(size=(100, 4))
        >>> duplicates(real, numpy.zeros((100, 4)))
        1.0
    """
    real, generated = to_features(2, real=real, generated=generated)
    size = min(len(generated), len(real))
    bound = _to_nearest_other(real, size, real_others).quantile(NEAR)
    return (_to_nearest_other(generated, size, generated_others) <= bound).double().mean().item()


def _to_nearest_other(features: Tensor, size: int, known: Tensor | None) -> Tensor:
    if len(features) == size:
        return radii(features, 1) if known is None else known
    return radii(subsample(features, size), 1)


def _shares(real: Array, generated: Array) -> tuple[Float64[Tensor, "classes"], Float64[Tensor, "classes"], int]:
    """Returns the shares of the classes among the real and the generated images, and the number of the latter.

    Shares that are given are rescaled to the sum 1; rounding to float32 is tolerated.
    """
    given, labels = to_tensor("real", real), to_classes("generated", generated)
    if given.ndim == 1 and given.is_floating_point():
        shares = given.double()
        if not (shares >= 0).all() or not abs(shares.sum().item() - 1) < 1e-4:
            raise UserError("shares", field="real", found=f"{shares.sum():.6g}")
        shares = shares / shares.sum()
    else:
        known = to_classes("real", given)
        classes = max(_count_classes(given), _count_classes(to_tensor("generated", generated)))
        shares = class_histogram(known, classes)
    if labels.max() >= len(shares):
        raise UserError("class unknown", field="generated", found=int(labels.max()), most=len(shares) - 1)
    return shares, class_histogram(labels, len(shares)), len(labels)


def _count_classes(array: Tensor) -> int:
    """Returns the number of classes of probabilities (n, classes), or the largest of classes (n,) plus 1."""
    return array.shape[1] if array.ndim == 2 else int(array.max()) + 1
