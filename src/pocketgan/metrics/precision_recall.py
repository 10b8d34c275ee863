"""Precision and recall, density and coverage: do generated images lie among real ones, and vice versa?

The manifold of each set is the union of balls around its points, where the radius is the distance to the point's k-th
nearest other point. A point on the surface of a ball is outside, as in the published code of Naeem et al. 2020.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from pocketgan.base.errors import UserError
from pocketgan.metrics.arrays import Array, to_features
from pocketgan.metrics.neighbours import Block, blocks, distances_between, radii

PAIRS = 2**15
"""Number of pairs that are compared exactly at a time."""


@dataclass(frozen=True)
class Manifold:
    """Relations between the manifolds of two sets of features.

    Attributes:
        precision: share of generated images inside any real ball, in [0, 1] (Kynkäänniemi et al. 2019, equation 2).
        recall: share of real images inside any generated ball, in [0, 1] (the same equation).
        density: mean number of real balls around a generated image divided by k, ≥ 0; about 1 if both sets come from
            one distribution (Naeem et al. 2020, section 3).
        coverage: share of real balls with a generated image inside, in [0, 1] (Naeem et al. 2020, section 3).
        realism: for each generated image, the greatest ratio of a real ball's radius to the distance from its center,
            float32 (n,), ≥ 0, infinite for a copy of a center; above 1 is inside. Only the half of the balls with the
            smallest radii count: at most the median (Kynkäänniemi et al. 2019, equation 3).
    """

    precision: float
    recall: float
    density: float
    coverage: float
    realism: Float32[Tensor, "n"]


def manifold(
    real: Array,
    generated: Array,
    k: int = 5,
    *,
    real_radii: Float[Tensor, "_"] | None = None,
    generated_radii: Float[Tensor, "_"] | None = None,
) -> Manifold:
    """Computes precision, recall, density, coverage and realism in one pass over all pairs.

    Args:
        real: features, (m, width), m > k.
        generated: features, (n, width), n > k.
        k: the neighbor whose distance is the radius of a ball; 1 or more.
        real_radii, generated_radii: `radii(real, k)` (m,) and `radii(generated, k)` (n,), if known.

    Raises:
        UserError: k < 1, there are too few rows, the widths differ, or a value isn't finite.
        ValueError: there isn't one radius per row.
    """
    if k < 1:
        raise UserError("at least", field="k", least=1, found=k)
    real, generated = to_features(k + 1, real=real, generated=generated)
    real_radii = _known_or_computed("real", real, real_radii, k)
    generated_radii = _known_or_computed("generated", generated, generated_radii, k)
    small_radii = real_radii.where(real_radii <= real_radii.median(), 0)

    around = torch.zeros(len(generated), dtype=torch.int64, device=real.device)
    realism = torch.empty(len(generated), device=real.device)
    covered, recalled = torch.zeros(2, len(real), dtype=torch.bool, device=real.device)
    for block in blocks(generated, real):
        rows = block.rows
        in_real, real_balls = _inside(block, real_radii, generated[rows], real)
        around[rows] = in_real.bincount(minlength=len(block.squared))
        covered[real_balls] = True
        _, reals = _inside(block, generated_radii[rows, None], generated[rows], real)
        recalled[reals] = True
        realism[rows] = _realism(block, small_radii, generated[rows], real)

    return Manifold(
        precision=_share(around > 0),
        recall=_share(recalled),
        density=around.double().mean().item() / k,
        coverage=_share(covered),
        realism=realism,
    )


def precision(real: Array, generated: Array, k: int = 5) -> float:
    """Returns the share of generated images inside the real manifold; higher is better.

    Kynkäänniemi et al. 2019, equation 2, where k is 3: (1/n) Σⱼ 1[‖gⱼ − rᵢ‖ < NNDₖ(rᵢ) for some i]. `manifold` computes
    this and the next three scores at once.

    Args:
        real: features, (m, width), m > k.
        generated: features, (n, width), n > k.
        k: the neighbor whose distance is the radius of a ball; 1 or more.

    Returns:
        In [0, 1].

    Raises:
        UserError: k < 1, there are at most k rows, the widths differ, or a value isn't finite.

    Example:
        >>> import numpy
        >>> real = numpy.arange(20.0)[:, None]
        >>> precision(real, real + numpy.where(real < 10, 0, 100))
        0.5
    """
    return manifold(real, generated, k).precision


def recall(real: Array, generated: Array, k: int = 5) -> float:
    """Returns the share of real images inside the generated manifold; higher is better.

    Kynkäänniemi et al. 2019, equation 2: (1/m) Σᵢ 1[‖gⱼ − rᵢ‖ < NNDₖ(gⱼ) for some j].

    Args:
        real: features, (m, width), m > k.
        generated: features, (n, width), n > k.
        k: the neighbor whose distance is the radius of a ball; 1 or more.

    Returns:
        In [0, 1].

    Raises:
        UserError: k < 1, there are at most k rows, the widths differ, or a value isn't finite.

    Example:
        >>> import numpy
        >>> real = numpy.arange(20.0)[:, None]
        >>> recall(real, numpy.tile(real[:10], (2, 1)))
        0.55
    """
    return manifold(real, generated, k).recall


def density(real: Array, generated: Array, k: int = 5) -> float:
    """Returns how densely real images surround generated ones; 1 is best, and more is too typical.

    Naeem et al. 2020, section 3: (1/kn) Σⱼ Σᵢ 1[‖gⱼ − rᵢ‖ < NNDₖ(rᵢ)].

    Args:
        real: features, (m, width), m > k.
        generated: features, (n, width), n > k.
        k: the neighbor whose distance is the radius of a ball; 1 or more.

    Returns:
        ≥ 0; about 1 if both sets come from one distribution.

    Raises:
        UserError: k < 1, there are at most k rows, the widths differ, or a value isn't finite.

    Example:
        >>> import numpy
        >>> real = numpy.arange(20.0)[:, None]
        >>> density(real, real)
        1.0
    """
    return manifold(real, generated, k).density


def coverage(real: Array, generated: Array, k: int = 5) -> float:
    """Returns the share of real images with a generated image nearby; higher is better.

    Naeem et al. 2020, section 3: (1/m) Σᵢ 1[‖gⱼ − rᵢ‖ < NNDₖ(rᵢ) for some j].

    Args:
        real: features, (m, width), m > k.
        generated: features, (n, width), n > k.
        k: the neighbor whose distance is the radius of a ball; 1 or more.

    Returns:
        In [0, 1]; it grows with the number of generated images.

    Raises:
        UserError: k < 1, there are at most k rows, the widths differ, or a value isn't finite.

    Example:
        >>> import numpy
        >>> real = numpy.arange(20.0)[:, None]
        >>> coverage(real, numpy.tile(real[:10], (2, 1)))
        0.6
    """
    return manifold(real, generated, k).coverage


def _known_or_computed(name: str, features: Tensor, known: Tensor | None, k: int) -> Tensor:
    if known is None:
        return radii(features, k)
    if len(known) != len(features):
        raise ValueError(f"{name}_radii: {len(known)} radii; expected {len(features)}, one for each row")
    return known.float()


def _share(flags: Tensor) -> float:
    return flags.double().mean().item()


def _inside(block: Block, limits: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the rows and columns of the pairs nearer than their limit, a tensor that broadcasts to (rows, m).

    Only the few pairs near enough are examined further. Pairs that differ from their limit by less than the block's
    error are decided by their exact distance.
    """
    squared_limits = limits.square()
    row, column = (block.squared <= squared_limits + block.error.max()).nonzero().unbind(dim=1)
    short_by = squared_limits.expand_as(block.squared)[row, column] - block.squared[row, column]
    error = block.error[row, 0]
    inside = short_by > error
    for unsure in (short_by.abs() <= error).nonzero()[:, 0].split(PAIRS):
        exact = distances_between(rows[row[unsure]], columns[column[unsure]])
        inside[unsure] = exact < limits.expand_as(block.squared)[row[unsure], column[unsure]]
    return row[inside], column[inside]


def _realism(block: Block, limits: Tensor, rows: Tensor, columns: Tensor) -> Float32[Tensor, "rows"]:
    """Returns the greatest ratio of a limit (m,) to a distance, for each row; the distance of the greatest is exact."""
    best = (limits.square() / block.squared).argmax(dim=1)
    distances = distances_between(rows, columns[best])
    return torch.where(distances > 0, limits[best] / distances, torch.inf)
