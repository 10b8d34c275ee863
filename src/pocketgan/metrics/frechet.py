"""The Fréchet distance between two sets of features."""

import torch
from torch import Tensor

from pocketgan.base.errors import UserError
from pocketgan.metrics.arrays import Array, to_features, to_labels
from pocketgan.metrics.neighbours import Features


def class_frechet_distance(real: Array, real_labels: Array, generated: Array, labels: Array) -> float:
    """Returns the mean over the classes of the Fréchet distance within each requested class; lower is better.

    This is the "intra FID" (Miyato & Koyama 2018, section 5). Unlike the distance of whole sets, it reacts to swapped
    labels.

    Args:
        real: features, (m, width).
        real_labels: the class of each real image, integers ≥ 0, (m,).
        generated: features, (n, width).
        labels: the requested class of each generated image, integers ≥ 0, (n,).

    Returns:
        A squared distance ≥ 0; classes with fewer than 2 images on either side are omitted.

    Raises:
        UserError: no class has 2 images on both sides, the widths differ, a value isn't finite, or there isn't one
            label per image.

    Example:
        >>> import numpy
        >>> real = numpy.random.default_rng(0).normal(size=(100, 4))
        >>> labels = numpy.arange(100) % 2
        >>> round(class_frechet_distance(real, labels, real + 1, labels), 6)
        4.0
    """
    real, generated = to_features(1, real=real, generated=generated)
    real_labels = to_labels("real_labels", real_labels, len(real))
    labels = to_labels("labels", labels, len(generated))
    pairs = [(real[real_labels == label], generated[labels == label]) for label in real_labels.unique()]
    usable = [pair for pair in pairs if min(map(len, pair)) >= 2]
    if not usable:
        raise UserError("classes too small", field="labels")
    return sum(frechet_distance(*pair) for pair in usable) / len(usable)


def frechet_distance(real: Array, generated: Array) -> float:
    """Returns the Fréchet distance of Gaussians fitted to both sets (Heusel et al. 2017, equation 6); lower is better.

    ‖μ_g − μ_r‖² + tr(Σ_g + Σ_r − 2 (Σ_g Σ_r)^½), computed in float64, centered at the mean of the real features. With
    few images it is biased upwards, so only scores from samples of the same sizes can be compared.

    Args:
        real: features, (m, width), m ≥ 2.
        generated: features, (n, width), n ≥ 2.

    Returns:
        A squared distance ≥ 0; 0 for sets with the same mean and covariance.

    Raises:
        UserError: there are too few rows, the widths differ, or a value isn't finite.

    Example:
        >>> import numpy
        >>> real = numpy.random.default_rng(0).normal(size=(100, 4))
        >>> round(frechet_distance(real, real + 1), 6)
        4.0
    """
    real, generated = to_features(2, real=real, generated=generated)
    centre = real.double().mean(dim=0)
    (mean, spread), (real_mean, real_spread) = (gaussian(part.double() - centre) for part in (generated, real))
    overlap = torch.linalg.eigvals(spread @ real_spread).sqrt().real.sum()
    distance = (mean - real_mean).square().sum() + spread.trace() + real_spread.trace() - 2 * overlap
    return max(0.0, distance.item())


def gaussian(features: Features) -> tuple[Tensor, Tensor]:
    """Returns the mean, (width,), and the covariance, (width, width), of features (n, width), n ≥ 2."""
    mean = features.mean(dim=0)
    centred = features - mean
    return mean, centred.mT @ centred / (len(features) - 1)
