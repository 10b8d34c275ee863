"""Metrics on a classifier's output: are all classes present, in the right shares, and are the images different?"""

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from pocketgan.metrics.neighbours import Features, check_features, radii, subsample

Labels = Int64[Tensor, "_"]
"""One class per image, each in [0, classes)."""

Shares = Float[Tensor, "classes"]
"""One share per class, each in [0, 1], with the sum 1."""

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


def count_modes(labels: Labels, reference: Shares, *, least: float = 0.1) -> int:
    """Returns the number of classes with at least `least` times their share in the reference, in [0, classes].

    A class that is missing in the reference isn't counted.

    Args:
        labels: the classes of generated images, (n,), n ≥ 1.
        reference: the shares of the classes among real images, such as the result of `class_histogram`.
        least: above 0.

    Raises:
        ValueError: there are no labels, one isn't a class of the reference, `least` ≤ 0, or the shares are invalid.
    """
    if least <= 0:
        raise ValueError(f"least: {least}; expected a number above 0")
    reference = _check_shares(reference)
    histogram = class_histogram(labels, len(reference))
    return int(((histogram >= least * reference) & (reference > 0)).sum())


def class_kl(labels: Labels, reference: Shares) -> float:
    """Returns the divergence KL(generated ‖ reference) of the classes' shares, Σ p ln(p / q), in nats, with 0 ln 0 = 0.

    If generated images have a class that is missing in the reference, the divergence would be infinite. Such a class
    counts as half an image among n in the reference, q = 1 / 2n, and the reference is rescaled to the sum 1. The result
    is therefore finite and grows with the share of such images.

    Args:
        labels: the classes of generated images, (n,), n ≥ 1.
        reference: the shares of the classes among real images, such as the result of `class_histogram`.

    Returns:
        ≥ 0; 0 for equal shares.

    Raises:
        ValueError: there are no labels, one isn't a class of the reference, or the shares are invalid.
    """
    reference = _check_shares(reference)
    histogram = class_histogram(labels, len(reference))
    reference = reference.masked_fill((reference == 0) & (histogram > 0), 0.5 / len(labels))
    reference = reference / reference.sum()
    return max(0.0, (torch.xlogy(histogram, histogram) - torch.xlogy(histogram, reference)).sum().item())


def confidence(probabilities: Float[Tensor, "_ _"]) -> float:
    """Returns the mean of each image's greatest class probability: (n, classes) → a number in [1 / classes, 1].

    Raises:
        ValueError: there are no images or no classes.
    """
    if probabilities.numel() == 0:
        raise ValueError(f"probabilities: shape {tuple(probabilities.shape)}; expected 1 image and class or more")
    return probabilities.double().amax(dim=1).mean().item()


def label_agreement(asked: Labels, predicted: Labels) -> float:
    """Returns the share of images whose predicted class is the requested one: (n,), (n,) → a number in [0, 1].

    Raises:
        ValueError: there are no labels, or the numbers of labels differ.
    """
    if len(asked) == 0 or len(asked) != len(predicted):
        raise ValueError(
            f"labels: {len(asked)} asked, {len(predicted)} predicted; expected an equal number of each, 1 or more"
        )
    return (asked == predicted).double().mean().item()


def duplicates(
    generated: Features,
    real: Features,
    *,
    generated_others: Float[Tensor, "_"] | None = None,
    real_others: Float[Tensor, "_"] | None = None,
) -> float:
    """Returns the share of generated images that are as close to another one as only 1% of real images are.

    The bound is the first percentile of the distances from real images to their nearest neighbor; images at the bound
    count. Larger sets have smaller distances, so the larger set is reduced to the size of the smaller by a random
    choice that is always the same.

    Args:
        generated: (n, width), n ≥ 2.
        real: (m, width), m ≥ 2.
        generated_others, real_others: the distance from each image to its nearest neighbor, (n,) and (m,), if known.

    Returns:
        In [0, 1]: about 0.01 if both sets come from one distribution, 1 if all generated images are equal.

    Raises:
        ValueError: there are too few rows, or the widths differ.
    """
    check_features(2, generated=generated, real=real)
    size = min(len(generated), len(real))
    bound = _to_nearest_other(real, size, real_others).quantile(NEAR)
    return (_to_nearest_other(generated, size, generated_others) <= bound).double().mean().item()


def _to_nearest_other(features: Tensor, size: int, known: Tensor | None) -> Tensor:
    if len(features) == size:
        return radii(features, 1) if known is None else known
    return radii(subsample(features, size), 1)


def _check_shares(reference: Tensor) -> Tensor:
    """Returns the shares in float64, rescaled to the sum 1; rounding to float32 is tolerated."""
    shares = reference.double()
    if not (shares >= 0).all() or not abs(shares.sum().item() - 1) < 1e-4:
        raise ValueError(f"reference: shares with the sum {shares.sum():.6g}; expected shares ≥ 0 with the sum 1")
    return shares / shares.sum()
