"""Kernel distance between two sets of features, whose estimate is unbiased for small samples too."""

import math

from pocketgan.base.errors import UserError
from pocketgan.metrics.arrays import Array, to_features
from pocketgan.metrics.neighbours import Features, subsample


def kernel_distance(real: Array, generated: Array, *, block: int = 1000) -> float:
    """Returns the squared maximum mean discrepancy with the kernel (x·y / width + 1)³; lower is better.

    This is the "kernel inception distance" (Bińkowski et al. 2018), an unbiased estimate: the mean over
    disjoint blocks of both sets. All blocks have the same size, at most `block`. Their rows are random but always the
    same. Rows that don't fill a block, such as the surplus of the larger set, are omitted.

    Args:
        real: features, (m, width), m ≥ 2.
        generated: features, (n, width), n ≥ 2.
        block: the maximum number of rows of each set that are compared at a time; 3 or more.

    Returns:
        About 0 if both sets come from one distribution, equally often below and above; greater for different ones. Sets
        that share images get too low a value: a set compared with itself falls below 0.

    Raises:
        UserError: there are too few rows, the widths differ, a value isn't finite, or the block is below 3.

    Example:
        >>> import numpy
        >>> real = numpy.array([[0.0], [2.0]])
        >>> kernel_distance(real, real + 2)  # 1³ + 9³ - 2 × (1³ + 1³ + 5³ + 9³) / 4
        302.0
    """
    real, generated = to_features(2, real=real, generated=generated)
    if block < 3:
        raise UserError("at least", field="block", least=3, found=block)
    rows = min(len(generated), len(real))
    count = math.ceil(rows / block)
    used = rows // count * count
    pairs = zip(
        subsample(real, used, seed=0).double().chunk(count),
        subsample(generated, used, seed=1).double().chunk(count),
        strict=True,
    )
    return sum(discrepancy(*blocks) for blocks in pairs) / count


def discrepancy(one: Features, other: Features) -> float:
    """Unbiased estimate of the squared discrepancy of two sets of equal size, (n, width), n ≥ 2."""
    rows, width = one.shape
    kernels = [(part @ part.mT / width + 1) ** 3 for part in (one, other)]
    inside = sum(kernel.sum() - kernel.trace() for kernel in kernels)
    between = ((one @ other.mT / width + 1) ** 3).sum()
    return (inside / (rows * (rows - 1)) - 2 * between / rows**2).item()
