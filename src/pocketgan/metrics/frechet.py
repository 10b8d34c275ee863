"""The Fréchet distance between two sets of features."""

import torch
from torch import Tensor

from pocketgan.metrics.neighbours import Features, check_features


def class_frechet_distance(generated: Features, labels: Tensor, real: Features, real_labels: Tensor) -> float:
    """Returns the mean over the classes of the Fréchet distance within each requested class.

    This is the "intra FID" (Miyato & Koyama 2018, section 5). Unlike the distance of whole sets, it reacts to swapped
    labels.

    Args:
        generated: (n, width).
        labels: the requested class of each row, (n,).
        real: (m, width).
        real_labels: (m,).

    Returns:
        A squared distance ≥ 0; classes with fewer than 2 images on either side are omitted.

    Raises:
        ValueError: no class has 2 images on both sides, or the widths differ.
    """
    pairs = [(generated[labels == label], real[real_labels == label]) for label in real_labels.unique()]
    usable = [pair for pair in pairs if min(map(len, pair)) >= 2]
    if not usable:
        raise ValueError("labels: no class has 2 images or more on both sides")
    return sum(frechet_distance(*pair) for pair in usable) / len(usable)


def frechet_distance(generated: Features, real: Features) -> float:
    """Returns the Fréchet distance of Gaussians fitted to both sets (Heusel et al. 2017, equation 6).

    ‖μ_g − μ_r‖² + tr(Σ_g + Σ_r − 2 (Σ_g Σ_r)^½), computed in float64, centered at the mean of the real features. With
    few images it is biased upwards, so only scores from samples of the same sizes can be compared.

    Args:
        generated: (n, width), n ≥ 2.
        real: (m, width), m ≥ 2.

    Returns:
        A squared distance ≥ 0; 0 for sets with the same mean and covariance.

    Raises:
        ValueError: there are too few rows, or the widths differ.
    """
    check_features(2, generated=generated, real=real)
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
