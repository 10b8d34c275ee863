"""Precision, recall, density and coverage against the package that their authors published, and by hand."""

import math

import pytest
import torch
from prdc import compute_prdc
from torch import Tensor

from pocketgan.metrics import neighbours, precision_recall
from pocketgan.metrics.neighbours import radii
from pocketgan.metrics.precision_recall import Manifold, coverage, density, manifold, precision, recall
from refusals import refused

MEASURES = ("precision", "recall", "density", "coverage")


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def whole_numbers(*shape: int, seed: int = 0, below: int = 4) -> Tensor:
    """Points on a grid: many are copies of each other, and many distances are equal."""
    return torch.randint(below, shape, generator=torch.Generator().manual_seed(seed)).float()


def four(found: Manifold) -> list[float]:
    return [found.precision, found.recall, found.density, found.coverage]


def published(generated: Tensor, real: Tensor, k: int) -> list[float]:
    found = compute_prdc(real.double().numpy(), generated.double().numpy(), k)
    return [float(found[measure]) for measure in MEASURES]


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("n", "m", "width"), [(8, 8, 1), (50, 80, 3), (120, 70, 16), (200, 200, 128)])
@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_equal_to_the_published_package(n: int, m: int, width: int, k: int, shift: float) -> None:
    generated, real = 0.9 * normal(n, width) + shift, normal(m, width, seed=1)
    expected = published(generated, real, k)
    assert four(manifold(real, generated, k)) == pytest.approx(expected, abs=1e-12)
    assert [precision(real, generated, k), recall(real, generated, k)] == pytest.approx(expected[:2], abs=1e-12)
    assert [density(real, generated, k), coverage(real, generated, k)] == pytest.approx(expected[2:], abs=1e-12)


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize(("n", "m", "width"), [(30, 50, 2), (90, 40, 3), (60, 60, 20)])
@pytest.mark.parametrize("below", [2, 4, 9])
def test_equal_to_the_published_package_with_copies_and_ties(n: int, m: int, width: int, k: int, below: int) -> None:
    generated, real = whole_numbers(n, width, below=below), whole_numbers(m, width, seed=1, below=below)
    assert four(manifold(real, generated, k)) == pytest.approx(published(generated, real, k), abs=1e-12)


def test_the_cases_above_are_not_trivial() -> None:
    smooth = published(0.9 * normal(120, 16) + 0.4, normal(70, 16, seed=1), 3)
    tied = published(whole_numbers(90, 3), whole_numbers(40, 3, seed=1), 2)
    assert all(0 < value < 1 for value in [*smooth[:2], smooth[3], *tied[:2], tied[3]])


@pytest.mark.parametrize("block", [1, 700])
def test_blocks_and_pairs_make_no_difference(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generated, real = whole_numbers(45, 3), whole_numbers(30, 3, seed=1)
    generated, real = torch.cat([generated, normal(20, 3)]), torch.cat([real, normal(25, 3, seed=1)])
    whole = manifold(real, generated, 3)
    monkeypatch.setattr(neighbours, "BLOCK_ELEMENTS", block)
    monkeypatch.setattr(precision_recall, "PAIRS", 3)
    cut = manifold(real, generated, 3)
    assert four(cut) == four(whole)
    assert torch.equal(cut.realism, whole.realism)


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("k", [1, 4])
def test_a_set_against_itself(k: int, offset: float) -> None:
    """Each of n balls has its centre inside, and k − 1 others: the k-th is at its edge."""
    points = normal(300, 32) + offset
    found = manifold(points.clone(), points, k)
    assert four(found) == [1, 1, 1, 1]
    assert found.realism.isinf().sum() >= 150


def test_far_sets_have_nothing_in_common() -> None:
    generated, real = normal(50, 4), normal(40, 4, seed=1) + 100
    found = manifold(real, generated)
    assert four(found) == [0, 0, 0, 0]
    assert (found.realism < 0.1).all()


def test_dropped_modes_lower_recall_and_coverage_only() -> None:
    modes = 50 * torch.eye(4).repeat_interleave(50, dim=0)
    generated, real = modes[:100] + normal(100, 4), modes + normal(200, 4, seed=1)
    found = manifold(real, generated)
    assert found.precision > 0.9 and found.density > 0.8
    assert 0.4 < found.recall <= 0.5 and 0.4 < found.coverage <= 0.5


def test_points_on_a_line_by_hand() -> None:
    """Real balls, k = 1: 0 ± 1, 1 ± 1, 3 ± 2, 9 ± 6; their radii's lower median is 1."""
    real = torch.tensor([[0.0], [1.0], [3.0], [9.0]])
    generated = torch.tensor([[1.5], [5.0], [0.0], [100.0]])
    found = manifold(real, generated, 1)
    assert found.precision == 0.75  # 1.5 in two balls, 5 in the last alone, 0 in the first alone.
    assert found.density == 1.0
    assert found.coverage == 1.0
    assert found.recall == 1.0  # Generated balls: 1.5 ± 1.5, 5 ± 3.5, 0 ± 1.5, 100 ± 95.
    assert found.realism.tolist() == pytest.approx([2.0, 0.25, math.inf, 1 / 99])


def test_realism_is_the_greatest_ratio_of_small_radii_to_distances() -> None:
    generated, real = normal(70, 6), normal(41, 6, seed=1)
    reach = radii(real, 3).double()
    kept = reach <= reach.median()
    distances = (generated.double()[:, None] - real.double()[None]).norm(dim=2)
    expected = (reach[kept] / distances[:, kept]).amax(dim=1)
    torch.testing.assert_close(manifold(real, generated, 3).realism, expected.float())


def test_known_radii_are_taken() -> None:
    generated, real = normal(30, 4), normal(40, 4, seed=1)
    expected = manifold(real, generated, 2)
    known = manifold(real, generated, 2, real_radii=radii(real, 2), generated_radii=radii(generated, 2))
    assert four(known) == four(expected)
    assert manifold(real, generated, 2, real_radii=torch.zeros(40)).precision == 0
    assert manifold(real, generated, 2, generated_radii=torch.full((30,), 100.0)).recall == 1


@pytest.mark.parametrize("points", [normal, whole_numbers])
def test_exchanged_sets_exchange_precision_and_recall(points) -> None:
    first, second = points(60, 3), points(45, 3, seed=1)
    one, other = manifold(second, first, 2), manifold(first, second, 2)
    assert (one.precision, one.recall) == (other.recall, other.precision)
    assert one.precision != one.recall


def test_order_makes_no_difference() -> None:
    generated, real = whole_numbers(60, 3), normal(45, 3, seed=1) + 1
    order, expected = torch.randperm(60), manifold(real, generated, 3)
    found = manifold(real[torch.randperm(45)], generated[order], 3)
    assert four(found) == four(expected)
    assert torch.equal(found.realism, expected.realism[order])


def test_an_outlier_far_away_does_not_blur_the_others() -> None:
    generated, real = normal(60, 3), normal(45, 3, seed=1)
    far = torch.full((1, 3), 1e5)
    expected = published(torch.cat([generated, far]), torch.cat([real, far + 1]), 3)
    assert four(manifold(torch.cat([real, far + 1]), torch.cat([generated, far]), 3)) == pytest.approx(expected)


def test_errors() -> None:
    features = normal(6, 3)
    with refused("too few rows", "generated", least=6, found=5):
        manifold(features, features[:5])
    with refused("too few rows", "real", least=4, found=3):
        precision(features[:3], features, 3)
    with refused("widths differ", "generated", found=2):
        recall(features, features[:, :2])
    with refused("at least", "k", least=1, found=0):
        density(features, features, 0)
    with pytest.raises(ValueError, match="real_radii: 5 radii; expected 6"):
        manifold(features, features, 2, real_radii=torch.ones(5))
    with pytest.raises(ValueError, match="generated_radii: 7 radii; expected 6"):
        manifold(features, features, 2, generated_radii=torch.ones(7))
