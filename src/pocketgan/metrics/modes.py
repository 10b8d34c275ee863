"""Are all classes there, in the right shares, and are the images different ones? Metrics on a classifier's output."""

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from pocketgan.metrics.neighbours import Features, check_features, radii, subsample

Labels = Int64[Tensor, "_"]
"""One class per image, each in [0, classes)."""

Shares = Float[Tensor, "classes"]
"""One share per class, each in [0, 1], with the sum 1."""

NEAR = 0.01
"""The share of real images that are nearer to another than duplicates have to be."""


def class_histogram(labels: Labels, classes: int) -> Float64[Tensor, "classes"]:
    """The share of each class in `labels` (n,), n ≥ 1: float64, in [0, 1], with the sum 1.

    Raises:
        ValueError: no labels, or one outside [0, classes).
    """
    if len(labels) == 0:
        raise ValueError("labels: 0 of them; it takes 1 or more")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels: from {labels.min()} to {labels.max()}; with {classes} classes, 0 to {classes - 1}")
    return torch.bincount(labels, minlength=classes).double() / len(labels)


def count_modes(labels: Labels, reference: Shares, *, least: float = 0.1) -> int:
    """How many classes have at least `least` times their share in the reference, in [0, classes].

    A class that the reference lacks isn't counted.

    Args:
        labels: of generated images, (n,), n ≥ 1.
        reference: the shares of the classes among real images, such as `class_histogram` gives.
        least: above 0.

    Raises:
        ValueError: no labels, one that isn't a class of the reference, `least` ≤ 0, or shares that aren't shares.
    """
    if least <= 0:
        raise ValueError(f"least: {least}; it takes a number above 0")
    reference = _check_shares(reference)
    histogram = class_histogram(labels, len(reference))
    return int(((histogram >= least * reference) & (reference > 0)).sum())


def class_kl(labels: Labels, reference: Shares) -> float:
    """KL(generated ‖ reference) = Σ p ln(p / q) of the classes' shares, in nats, with 0 ln 0 = 0.

    Where generated images have a class that the reference lacks, the divergence would be infinite. Such a class counts
    as half an image among n in the reference, q = 1 / 2n, and the reference is scaled to the sum 1 again; so the result
    is finite and grows with the share of such images.

    Args:
        labels: of generated images, (n,), n ≥ 1.
        reference: the shares of the classes among real images, such as `class_histogram` gives.

    Returns:
        ≥ 0; 0 for equal shares.

    Raises:
        ValueError: no labels, one that isn't a class of the reference, or shares that aren't shares.
    """
    reference = _check_shares(reference)
    histogram = class_histogram(labels, len(reference))
    reference = reference.masked_fill((reference == 0) & (histogram > 0), 0.5 / len(labels))
    reference = reference / reference.sum()
    return max(0.0, (torch.xlogy(histogram, histogram) - torch.xlogy(histogram, reference)).sum().item())


def confidence(probabilities: Float[Tensor, "_ _"]) -> float:
    """The mean of each image's greatest class probability: (n, classes) → a number in [1 / classes, 1].

    Raises:
        ValueError: no images or no classes.
    """
    if probabilities.numel() == 0:
        raise ValueError(f"probabilities: shape {tuple(probabilities.shape)}; it takes 1 image and class or more")
    return probabilities.double().amax(dim=1).mean().item()


def label_agreement(asked: Labels, predicted: Labels) -> float:
    """The share of images whose predicted class is the one that was asked for: (n,), (n,) → a number in [0, 1].

    Raises:
        ValueError: no labels, or not as many of one as of the other.
    """
    if len(asked) == 0 or len(asked) != len(predicted):
        raise ValueError(f"labels: {len(asked)} asked, {len(predicted)} predicted; it takes as many of each, 1 or more")
    return (asked == predicted).double().mean().item()


def duplicates(
    generated: Features,
    real: Features,
    *,
    generated_others: Float[Tensor, "_"] | None = None,
    real_others: Float[Tensor, "_"] | None = None,
) -> float:
    """The share of generated images that are as near to another as only 1% of real images are to another real one.

    The bound is the first percentile of real images' distances to their nearest other; at the bound counts. More images
    lie nearer together, so the larger set is cut to the size of the smaller by a draw that is always the same.

    Args:
        generated: (n, width), n ≥ 2.
        real: (m, width), m ≥ 2.
        generated_others, real_others: each image's distance to its nearest other, (n,) and (m,), where they are known.

    Returns:
        In [0, 1]: about 0.01 where both sets come from one distribution, 1 where all generated images are alike.

    Raises:
        ValueError: too few rows, or other widths.
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
    """The shares in float64, scaled to the sum 1; rounding to float32 is forgiven."""
    shares = reference.double()
    if not (shares >= 0).all() or not abs(shares.sum().item() - 1) < 1e-4:
        raise ValueError(f"reference: shares with the sum {shares.sum():.6g}; it takes shares ≥ 0 with the sum 1")
    return shares / shares.sum()
