"""Blockwise distances against all distances at once, in float64."""

import math

import pytest
import torch
from torch import Tensor

from pocketgan.metrics import neighbours
from pocketgan.metrics.neighbours import blocks, distances_between, nearest, radii, subsample
from refusals import refused


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def all_distances(queries: Tensor, base: Tensor) -> Tensor:
    return (queries.double()[:, None] - base.double()[None]).square().sum(dim=2).sqrt()


@pytest.mark.slow
@pytest.mark.parametrize("block", [1, 1000, 2**23])
@pytest.mark.parametrize(("n", "m", "width"), [(1, 1, 1), (7, 3, 2), (40, 101, 16), (101, 40, 128)])
def test_nearest_is_the_least_of_all_distances(
    n: int, m: int, width: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_ELEMENTS", block)
    queries, base = normal(n, width), normal(m, width, seed=1)
    expected = all_distances(queries, base).min(dim=1)
    found = nearest(queries, base)
    assert found.distances.dtype == torch.float32 and found.indices.dtype == torch.int64
    assert torch.equal(found.indices, expected.indices)
    torch.testing.assert_close(found.distances, expected.values.float(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("block", [1, 1000, 2**23])
@pytest.mark.parametrize(("n", "k"), [(2, 1), (6, 5), (50, 1), (50, 4), (50, 49)])
def test_radii_are_the_kth_of_all_other_distances(n: int, k: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_ELEMENTS", block)
    points = normal(n, 5)
    expected = all_distances(points, points).fill_diagonal_(math.inf).sort(dim=1).values[:, k - 1]
    torch.testing.assert_close(radii(points, k), expected.float(), rtol=1e-6, atol=0)


def test_radii_of_points_on_a_line() -> None:
    points = torch.tensor([[0.0], [1.0], [3.0], [7.0], [7.0]])
    assert radii(points, 1).tolist() == [1, 1, 2, 0, 0]
    assert radii(points, 2).tolist() == [3, 2, 3, 4, 4]
    assert radii(points, 4).tolist() == [7, 6, 4, 7, 7]


def test_a_copy_has_the_distance_zero_far_from_the_origin() -> None:
    base = normal(300, 128, seed=1) + 1000
    chosen = torch.tensor([299, 0, 5, 5, 120])
    found = nearest(base[chosen], base)
    assert found.distances.tolist() == [0] * 5
    assert torch.equal(found.indices, chosen)


def test_small_distances_far_from_the_origin_are_right() -> None:
    base = (normal(200, 64, seed=1) + 100).double()
    queries = base[:50] + 1e-3 * normal(50, 64, seed=2).double()
    found = nearest(queries, base)
    assert torch.equal(found.indices, torch.arange(50))
    torch.testing.assert_close(found.distances, (queries - base[:50]).norm(dim=1).float())


@pytest.mark.parametrize(("dtype", "offset", "spread"), [(torch.float64, 1, 2e-5), (torch.float32, 0, 2e-5)])
def test_neighbours_nearer_than_float32_can_tell_are_found(dtype: torch.dtype, offset: int, spread: float) -> None:
    """Most rows of the base are 10 away, and so is its median."""
    base = offset + spread * normal(400, 2, seed=1).to(dtype)
    queries = offset + spread * normal(300, 2, seed=2).to(dtype)
    base = torch.cat([base, torch.full((500, 2), offset - 7.0, dtype=dtype)])
    expected = all_distances(queries, base).min(dim=1)
    found = nearest(queries, base)
    assert torch.equal(found.indices, expected.indices)
    torch.testing.assert_close(found.distances, expected.values.float(), rtol=1e-6, atol=0)
    reach = all_distances(base[:400], base[:400]).sort(dim=1).values[:, 3]
    torch.testing.assert_close(radii(base, 3)[:400], reach.float(), rtol=1e-6, atol=0)


def test_the_excluded_row_does_not_count() -> None:
    base = normal(60, 4)
    chosen = torch.tensor([3, 59, 3, 0])
    expected = all_distances(base[chosen], base).scatter_(1, chosen[:, None], math.inf).min(dim=1)
    found = nearest(base[chosen], base, excluded=chosen)
    assert torch.equal(found.indices, expected.indices)
    torch.testing.assert_close(found.distances, expected.values.float())


def test_the_excluded_row_does_not_count_even_if_it_is_one_of_two() -> None:
    pair = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    found = nearest(pair, pair, excluded=torch.arange(2))
    assert found.distances.tolist() == [5, 5]
    assert found.indices.tolist() == [1, 0]


def test_excluding_every_point_itself_gives_the_first_radius() -> None:
    points = normal(80, 3)
    assert torch.equal(nearest(points, points, excluded=torch.arange(80)).distances, radii(points, 1))


def test_blocks_cover_everything_once_within_their_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_ELEMENTS", 20_000)
    queries, base = normal(300, 16) * 30 + 7, normal(110, 16, seed=1)
    exact = all_distances(queries, base).square()
    seen = torch.zeros(300)
    for rows, squared, error in blocks(queries, base):
        assert squared.numel() <= 20_000
        assert ((squared - exact[rows]).abs() <= error).all()
        seen[rows] += 1
    assert seen.tolist() == [1] * 300


def test_distances_between_rows() -> None:
    first = torch.tensor([[[0.0, 0.0], [1.0, 1.0]], [[3.0, 0.0], [0.0, 0.0]]])
    second = torch.tensor([[[3.0, 4.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 2.0]]])
    assert distances_between(first, second).tolist() == [[5, 0], [3, 2]]


def test_a_subsample_has_every_row_at_most_once_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    rows = torch.arange(50.0)[:, None]
    drawn = subsample(rows, 20, seed=4)
    assert drawn.unique().numel() == len(drawn) == 20
    assert torch.equal(drawn, subsample(rows, 20, seed=4))
    assert not torch.equal(drawn, subsample(rows, 20, seed=5))
    assert sorted(subsample(rows, 99).flatten().tolist()) == list(range(50))
    assert torch.equal(before, torch.get_rng_state())


def test_errors() -> None:
    points = normal(4, 3)
    with refused("too few rows", "base", least=1, found=0):
        nearest(points, points[:0])
    with refused("too few rows", "queries", least=1, found=0):
        nearest(points[:0], points)
    with refused("widths differ", "base", found=2, other="queries"):
        nearest(points, points[:, :2])
    with refused("too few rows", "base", least=2, found=1):
        nearest(points[:1], points[:1], excluded=torch.tensor([0]))
    for indices in ([0, 1], [0, 1, 2, 4], [0, 1, 2, -1]):
        with pytest.raises(ValueError, match=f"excluded: {len(indices)} indices; expected 4"):
            nearest(points, points, excluded=torch.tensor(indices))
    with refused("too few rows", "points", least=5, found=4):
        radii(points, 4)
    with refused("at least", "k", least=1, found=0):
        radii(points, 0)


@pytest.mark.parametrize("clusters", [1, 4, 40])
@pytest.mark.parametrize("apart", [0.0, 3.0, 1e4])
@pytest.mark.parametrize("themselves", [False, True])
def test_cells_change_nothing(clusters: int, apart: float, themselves: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    middles = normal(clusters, 6, seed=2) * apart
    base = normal(400, 6, seed=1) + middles[torch.arange(400) % clusters]
    base[390:] = base[:10]
    queries = base[50:] if themselves else normal(90, 6) + middles[torch.arange(90) % clusters]
    excluded = torch.arange(50, 400) if themselves else None
    plain = nearest(queries, base, excluded=excluded)
    monkeypatch.setattr(neighbours, "CELLED", 100)
    found = nearest(queries, base, excluded=excluded)
    assert torch.equal(found.distances, plain.distances)
    assert torch.equal(distances_between(queries, base[found.indices]), plain.distances)
    assert excluded is None or not (found.indices == excluded).any()


def test_cells_are_looked_into_only_where_they_can_hold_a_nearer_row(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    plain = neighbours._closest

    def counting(queries: Tensor, base: Tensor, *rest: object) -> tuple[Tensor, Tensor]:
        compared.append(len(queries) * len(base))
        return plain(queries, base, *rest)

    monkeypatch.setattr(neighbours, "CELLED", 100)
    monkeypatch.setattr(neighbours, "_closest", counting)
    middles = normal(16, 8, seed=2) * 50
    base, queries = (normal(n, 8, seed=n) + middles[torch.arange(n) % 16] for n in (1600, 320))
    nearest(queries, base)
    assert sum(compared) < 0.3 * len(queries) * len(base)


def test_cells_of_a_base_of_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CELLED", 100)
    queries, base = normal(50, 3), torch.ones(200, 3)
    assert torch.equal(nearest(queries, base).distances, distances_between(queries, base[:50]))
    found = nearest(base[:20], base, excluded=torch.zeros(20).long())
    assert found.distances.tolist() == [0] * 20 and (found.indices != 0).all()
