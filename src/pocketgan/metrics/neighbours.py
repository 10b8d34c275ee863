"""Distances between sets of features, one block of rows at a time; the other metrics use them.

A set of features has the shape (number of images, width). Distances are Euclidean. Candidates come from matrix
multiplications in float32 of features centered at the base's median. There, little cancels in ‖x‖² + ‖y‖² − 2 x·y,
and a few distant rows do no harm. If this can't decide which rows are nearest, float64 is used. Returned distances are
recomputed from the difference x − y, so that the distance of a copy is exactly 0. In a large base, the nearest rows
are searched cell by cell, and only in cells that can contain one. Nothing is approximate, and features that form
clusters take a fifth of the time.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor
from torch.nn.functional import pad

from pocketgan.base.errors import UserError
from pocketgan.metrics.arrays import to_features

Features = Float[Tensor, "_ _"]
"""Shape (number of images, width); sets may differ in the first."""

BLOCK_ELEMENTS = 2**23
"""Number of distances that are stored at a time: 32 MiB of float32."""

CENTRED = 1000
"""Approximate number of rows of the base for its median."""

SPARE = 2
"""Number of candidates beyond the requested ones that are compared by their exact distances."""

CHUNK = 64
"""Number of distances that form one group when the smallest of many are searched."""

CELLS = 16
CELLED = 20_000
"""Minimum number of rows of a base that is split into cells."""
CELL_ROWS = 4000
"""Number of rows of the base that determine the centers of the cells."""

RELATIVE_ERROR = 1e-5
"""Bound on the error of a squared distance in float32, in units of ‖x‖² + ‖y‖² relative to the base's median."""


class Nearest(NamedTuple):
    """The distance from each query to the nearest row of the base, and that row's index."""

    distances: Float32[Tensor, "n"]
    indices: Int64[Tensor, "n"]


class Block(NamedTuple):
    """Squared distances > 0 from the queries `rows` to the whole base, and a bound on their error."""

    rows: slice
    squared: Float[Tensor, "rows m"]
    error: Float[Tensor, "rows 1"]


def subsample(features: Features, count: int, seed: int = 0) -> Features:
    """Returns `count` rows sampled without replacement, in random order; the same for the same seed."""
    random = torch.Generator().manual_seed(seed)
    return features[torch.randperm(len(features), generator=random)[:count]]


def distances_between(first: Float[Tensor, "*rows width"], second: Float[Tensor, "*rows width"]) -> Tensor:
    """Returns ‖x − y‖ of each row x of `first` and the same row y of `second`: (*rows), float32, summed in float64."""
    return (first.double() - second.double()).square().sum(dim=-1).sqrt().float()


def blocks(queries: Features, base: Features, dtype: torch.dtype = torch.float32) -> Iterator[Block]:
    """Yields the squared distances from all queries (n, width) to all rows of `base` (m, width), in `dtype`."""
    centre = base[:: max(1, len(base) // CENTRED)].median(dim=0).values.to(torch.promote_types(base.dtype, dtype))
    columns = (base - centre).to(dtype)
    column_norms = columns.square().sum(dim=1)
    size = max(1, BLOCK_ELEMENTS // max(len(base), 32 * base.shape[1]))
    for start in range(0, len(queries), size):
        rows = slice(start, start + size)
        block = (queries[rows] - centre).to(dtype)
        norms = block.square().sum(dim=1, keepdim=True)
        squared = torch.addmm(column_norms, block, columns.T, alpha=-2).add_(norms)
        squared.clamp_(min=torch.finfo(torch.float32).tiny)
        yield Block(rows, squared, RELATIVE_ERROR * (norms + column_norms.max()))


def nearest(queries: Features, base: Features, *, excluded: Int64[Tensor, "n"] | None = None) -> Nearest:
    """Finds the nearest row of the base for each query.

    Args:
        queries: (n, width), n ≥ 1.
        base: (m, width), m ≥ 1, or ≥ 2 with `excluded`.
        excluded: for each query, the index of a row of `base` to ignore, such as the query itself.

    Returns:
        Distances ≥ 0, float32 (n,), exactly 0 for copies; and indices in [0, m), int64 (n,).

    Raises:
        ValueError: there are too few rows, the widths differ, or `excluded` isn't one index of `base` per query.
    """
    to_features(1, queries=queries, base=base)
    if excluded is not None:
        to_features(2, base=base)
        if len(excluded) != len(queries) or not ((excluded >= 0) & (excluded < len(base))).all():
            raise ValueError(
                f"excluded: {len(excluded)} indices; expected {len(queries)}, one per query, in [0, {len(base)})"
            )
    if len(base) >= CELLED and len(queries) >= CELLS:
        return _nearest_by_cells(queries, base, excluded)
    distances, indices = _closest(queries, base, 1, excluded)
    return Nearest(distances[:, 0], indices[:, 0])


def distances_to_others(points: Features, k: int) -> Float32[Tensor, "n k"]:
    """Returns the distances from each point to its k nearest other points, nearest first; copies count as other points.

    Args:
        points: (n, width), n > k.
        k: 1 or more.

    Returns:
        float32 (n, k), ≥ 0.

    Raises:
        ValueError: k < 1, or there are at most k points.
    """
    if k < 1:
        raise UserError("at least", field="k", least=1, found=k)
    to_features(k + 1, points=points)
    return _closest(points, points, k, torch.arange(len(points), device=points.device))[0]


def radii(points: Features, k: int) -> Float32[Tensor, "n"]:
    """Returns the distance from each point to its k-th nearest other point: `distances_to_others`, last column."""
    return distances_to_others(points, k)[:, -1]


def _nearest_by_cells(queries: Tensor, base: Tensor, excluded: Tensor | None) -> Nearest:
    """Computes `nearest` with the base split into the Voronoi cells of a few centers.

    Each query is compared with its own cell first. Another cell lies behind the plane between the two centers. It is
    searched only if that plane is closer than the nearest row so far.
    """
    centres = _centres(base)
    base_cells = _to_centres(base, centres).argmin(dim=1)
    to_centres = _to_centres(queries, centres)
    own = to_centres.argmin(dim=1, keepdim=True)
    squared = to_centres.square()
    between = _to_centres(centres, centres)[own[:, 0]]
    to_planes = (squared - squared.gather(1, own)) / (2 * between)  # NaN in the query's own cell: 0 / 0
    to_planes -= 1e-6 * to_centres

    distances = torch.full((len(queries),), torch.inf, device=queries.device)
    indices = torch.zeros(len(queries), dtype=torch.int64, device=queries.device)
    for own_cells in (True, False):
        for cell in range(len(centres)):
            members = (base_cells == cell).nonzero()[:, 0]
            here = own[:, 0] == cell if own_cells else to_planes[:, cell] <= distances
            rows = here.nonzero()[:, 0]
            if len(members) == 0 or len(rows) == 0:
                continue
            result, places = _closest(queries[rows], base[members], min(2, len(members)), None)
            chosen = members[places]
            if excluded is not None:
                result = result.masked_fill(chosen == excluded[rows, None], torch.inf)
            nearer, column = result.min(dim=1)
            better = nearer < distances[rows]
            distances[rows[better]] = nearer[better]
            indices[rows[better]] = chosen.gather(1, column[:, None])[better, 0]
    return Nearest(distances, indices)


def _centres(base: Tensor) -> Tensor:
    """Returns centers from a few rounds of Lloyd's algorithm (1982) on a sample of the base: float64 (CELLS, width)."""
    sample = subsample(base, CELL_ROWS).double()
    centres = sample[:CELLS]
    for _ in range(5):
        cells = _to_centres(sample, centres).argmin(dim=1)
        sums = torch.zeros_like(centres).index_add_(0, cells, sample)
        counts = cells.bincount(minlength=len(centres))[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
    return centres.unique(dim=0)


def _to_centres(points: Tensor, centres: Tensor) -> Tensor:
    """Returns distances in float64, (n, centers), computed from differences so that nothing cancels."""
    return torch.cdist(points.double(), centres, compute_mode="donot_use_mm_for_euclid_dist")


def _closest(
    queries: Tensor, base: Tensor, k: int, excluded: Tensor | None, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Returns the k nearest rows of the base, nearest first: distances (n, k) and indices (n, k)."""
    distances = torch.empty(len(queries), k, device=queries.device)
    indices = torch.empty(len(queries), k, dtype=torch.int64, device=queries.device)
    unsure = torch.zeros(len(queries), dtype=torch.bool, device=queries.device)
    count = min(k + SPARE, len(base))
    for rows, squared, error in blocks(queries, base, dtype):
        if excluded is not None:
            squared.scatter_(1, excluded[rows, None], torch.inf)
        result, candidates = _smallest(squared, count)
        exact = distances_between(queries[rows, None].expand(-1, count, -1), base[candidates])
        exact, order = exact.masked_fill(result.isinf(), torch.inf).sort(dim=1, stable=True)
        distances[rows], indices[rows] = exact[:, :k], candidates.gather(1, order)[:, :k]
        unsure[rows] = result[:, -1] - error[:, 0] <= exact[:, k - 1].square()

    if dtype != torch.float64 and count < len(base) and unsure.any():
        excluded = None if excluded is None else excluded[unsure]
        distances[unsure], indices[unsure] = _closest(queries[unsure], base, k, excluded, torch.float64)
    return distances, indices


def _smallest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Returns the `count` smallest values per row (n, m), sorted, and their columns: a faster `topk` for many columns.

    They lie in the chunks of columns with the smallest minima, so only these are sorted.
    """
    if values.shape[1] < 8 * CHUNK * count:
        return values.topk(count, dim=1, largest=False)
    chunks = pad(values, (0, -values.shape[1] % CHUNK), value=torch.inf).unflatten(1, (-1, CHUNK))
    chosen = chunks.amin(dim=2).topk(count, dim=1, largest=False).indices
    inside = chunks.gather(1, chosen[:, :, None].expand(-1, -1, CHUNK)).flatten(1)
    result, places = inside.topk(count, dim=1, largest=False)
    return result, chosen.gather(1, places // CHUNK) * CHUNK + places % CHUNK
