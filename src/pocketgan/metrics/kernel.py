"""The kernel distance between two sets of features: an unbiased estimate, for small samples too."""

import math

from pocketgan.metrics.neighbours import Features, check_features, subsample


def kernel_distance(generated: Features, real: Features, *, block: int = 1000) -> float:
    """Squared maximum mean discrepancy with the kernel (x·y / width + 1)³ (Bińkowski et al. 2018, section 3).

    An unbiased estimate, the mean over disjoint blocks of both sets. All blocks have the same size, at most `block`.
    Which rows they take is random but always the same; what doesn't fill a block, such as the surplus of the larger
    set, is left out.

    Args:
        generated: (n, width), n ≥ 2.
        real: (m, width), m ≥ 2.
        block: the most rows of each set that are compared at a time; 3 or more.

    Returns:
        About 0 where both sets come from one distribution, and then as often below 0 as above; greater for others.
        Sets that share images come out too low: a set against itself falls below 0.

    Raises:
        ValueError: too few rows, other widths, or a block below 3.
    """
    check_features(2, generated=generated, real=real)
    if block < 3:
        raise ValueError(f"block: {block} rows; it takes 3 or more")
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
    """The unbiased estimate of the squared discrepancy of as many features on both sides, (n, width), n ≥ 2."""
    rows, width = one.shape
    kernels = [(part @ part.mT / width + 1) ** 3 for part in (one, other)]
    inside = sum(kernel.sum() - kernel.trace() for kernel in kernels)
    between = ((one @ other.mT / width + 1) ** 3).sum()
    return (inside / (rows * (rows - 1)) - 2 * between / rows**2).item()
