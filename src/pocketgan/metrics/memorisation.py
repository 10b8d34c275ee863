"""Metrics of memorization, from distances to the training set: are generated images too close to training images?"""

import warnings

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from pocketgan.base.errors import UserError
from pocketgan.metrics.arrays import Array, to_features
from pocketgan.metrics.neighbours import Features, Nearest, nearest, subsample

CELLS = 10
CLUSTERED = 10_000
"""Maximum number of training images for k-means."""


def authentic(training: Array, generated: Array, *, generated_nearest: Nearest | None = None) -> Bool[Tensor, "n"]:
    """Returns for each generated image whether it is authentic, and not a noisy copy (Alaa et al. 2022).

    An authentic image is farther from its nearest training image than that training image is from its own nearest
    neighbor in the training set.

    Args:
        training: features of the training images, (m, width), m ≥ 2.
        generated: features, (n, width), n ≥ 1.
        generated_nearest: `nearest(generated, training)`, if known.

    Returns:
        bool (n,); False for copies.

    Raises:
        UserError: there are too few rows, the widths differ, or a value isn't finite.
        ValueError: there isn't one distance per row.
    """
    (training,) = to_features(2, training=training)
    training, generated = to_features(1, training=training, generated=generated)
    result = _known_or_computed("generated", generated, training, generated_nearest)
    indices, places = result.indices.unique(return_inverse=True)
    to_other = nearest(training[indices], training, excluded=indices).distances
    return result.distances > to_other[places]


def authenticity(training: Array, generated: Array) -> float:
    """Returns the share of `authentic` images; the best value is that of held-out real images.

    It is the AuthPct / 100 of Alaa et al. 2022. For new images from the training distribution, the share is
    the probability that an image isn't the nearest neighbor of its own nearest neighbor. That is a third in 1
    dimension, 0.38 in 2, nearly a half from 10 on, and higher if a few central images are the nearest neighbors of
    many. So compare the share with that of held-out images, not with 1.

    Args:
        training: features of the training images, (m, width), m ≥ 2.
        generated: features, (n, width), n ≥ 1.

    Returns:
        In [0, 1]; 0 if all images are copies of training images.

    Raises:
        UserError: there are too few rows, the widths differ, or a value isn't finite.

    Example:
        >>> import numpy
        >>> training = numpy.arange(20.0)[:, None]
        >>> authenticity(training, training + numpy.where(training < 15, 0.1, 100))
        0.25
    """
    return authentic(training, generated).double().mean().item()


def copying_score(
    training: Array,
    held_out: Array,
    generated: Array,
    *,
    cells: int = CELLS,
    centres: Float[Tensor, "_ _"] | None = None,
    least: int = 20,
    generated_nearest: Nearest | None = None,
    held_out_nearest: Nearest | None = None,
) -> float:
    """Returns the data-copying test C_T (Meehan et al. 2020); 0 is best.

    It answers whether generated images are closer to training images than held-out real images are. k-means splits the
    space into cells by the training images. In each cell, the Mann-Whitney U of generated against held-out distances to
    the nearest training image gives a z score, corrected for ties. C_T is the mean of these, weighted by the number of
    held-out images. Cells with fewer than `least` generated images, or without held-out ones, are omitted.

    Args:
        training: features of the training images, (m, width), m ≥ `cells`.
        held_out: features of real images that weren't trained on, (h, width), h ≥ 1.
        generated: features, (n, width), n ≥ `least`.
        cells: the number of cells, 1 or more, limited to n / `least`; they depend on the training images alone.
        least: 1 or more.
        centres: `cell_centres(training, cells)`, if known.
        generated_nearest, held_out_nearest: `nearest(generated, training)` and `nearest(held_out, training)`, if known.

    Returns:
        A number of standard deviations: far below 0 means copying, about 0 as close as held-out images, above 0 more
        distant.

    Raises:
        UserError: there are too few rows, the widths differ, a value isn't finite, or no cell has enough images.
        ValueError: there isn't one distance per row.

    Example:
        >>> import numpy
        >>> training, held_out, new = numpy.random.default_rng(0).normal(size=(3, 200, 4))
        >>> copying_score(training, held_out, training) < -5 < copying_score(training, held_out, new)
        True
    """
    for name, number in (("cells", cells), ("least", least)):
        if number < 1:
            raise UserError("at least", field=name, least=1, found=number)
    to_features(cells, training=training)
    training, held_out = to_features(1, training=training, held_out=held_out)
    (generated,) = to_features(least, generated=generated)
    cells = min(cells, len(generated) // least)
    to_generated = _known_or_computed("generated", generated, training, generated_nearest).distances.cpu().numpy()
    to_held_out = _known_or_computed("held_out", held_out, training, held_out_nearest).distances.cpu().numpy()

    centres = cell_centres(training, cells) if centres is None else centres
    generated_cells = nearest(generated, centres).indices.cpu().numpy()
    held_out_cells = nearest(held_out, centres).indices.cpu().numpy()
    scores, weights = [], []
    for cell in range(len(centres)):
        ours, theirs = to_generated[generated_cells == cell], to_held_out[held_out_cells == cell]
        if len(ours) >= least and len(theirs) >= 1:
            scores.append(mann_whitney_z(ours, theirs))
            weights.append(len(theirs))
    if not scores:
        raise UserError("cells too small", field="cells", cells=cells, least=least)
    return float(np.average(scores, weights=weights))


def mann_whitney_z(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Mann-Whitney U of `first` (n,) over `second` (m,), in standard deviations from its mean; 0 if all are tied.

    Below 0 if `first` tends to be smaller. Equal values share the mean of their ranks, and reduce the variance. This
    isn't taken from `scipy.stats`, whose import takes as long as a short training.
    """
    n, m = len(first), len(second)
    _, places, counts = np.unique(np.concatenate([first, second]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places.reshape(-1)]
    excess = ranks[:n].sum() - n * (n + m + 1) / 2
    ties = 1 - float((counts.astype(np.float64) ** 3 - counts).sum()) / max(1, (n + m) ** 3 - (n + m))
    variance = n * m * (n + m + 1) / 12 * ties
    return float(excess / np.sqrt(variance)) if variance > 0 else 0.0


def cell_centres(training: Features, cells: int = CELLS) -> Tensor:
    """Centers of k-means, (cells, width), from a sample of training images that is always the same."""
    from scipy.cluster.vq import kmeans2

    sample = subsample(training, CLUSTERED).double().cpu().numpy()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")
        centres, _ = kmeans2(sample, sample[:cells], minit="matrix")
    return torch.from_numpy(centres).to(training)


def _known_or_computed(name: str, queries: Tensor, training: Tensor, known: Nearest | None) -> Nearest:
    to_features(1, training=training, **{name: queries})
    if known is None:
        return nearest(queries, training)
    if len(known.distances) != len(queries) or len(known.indices) != len(queries):
        raise ValueError(f"{name}_nearest: {len(known.distances)} distances; expected {len(queries)}, one for each row")
    return known
