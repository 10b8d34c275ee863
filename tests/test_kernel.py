"""The kernel distance: unbiased, and equal to its definition."""

import math

import pytest
import torch
from torch import Tensor

from pocketgan.metrics.kernel import kernel_distance
from refusals import refused


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_definition(generated: Tensor, real: Tensor) -> float:
    """A mean over all pairs of different rows, one pair at a time."""
    n, width = generated.shape

    def kernel(x: Tensor, y: Tensor) -> float:
        return (x.dot(y).item() / width + 1) ** 3

    def within(rows: Tensor) -> float:
        return sum(kernel(rows[i], rows[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))

    between = sum(kernel(x, y) for x in generated for y in real) / n**2
    return within(generated) + within(real) - 2 * between


def test_one_block_is_the_definition() -> None:
    generated, real = normal(12, 3, seed=1), 2 * normal(12, 3, seed=2) + 0.5
    assert kernel_distance(real, generated) == pytest.approx(by_definition(generated, real), rel=1e-9)
    assert kernel_distance(real.float(), generated.float()) == pytest.approx(by_definition(generated, real), rel=1e-5)


def test_two_halves_of_one_set_are_at_no_distance_on_average() -> None:
    features = normal(400, 8).relu()
    distances = []
    for seed in range(50):
        order = torch.randperm(400, generator=torch.Generator().manual_seed(seed))
        distances.append(kernel_distance(features[order[200:]], features[order[:200]], block=70))
    found = torch.tensor(distances)
    assert found.min() < 0 < found.max()
    assert abs(found.mean()) < 2 * found.std() / math.sqrt(50)


def test_it_grows_with_a_shift() -> None:
    first, second = normal(500, 8, seed=1), normal(500, 8, seed=2)
    near, middle, far = (kernel_distance(second, first + shift) for shift in (0.0, 0.3, 1.0))
    assert abs(near) < 0.02 < middle < far


@pytest.mark.slow
def test_blocks_leave_the_expectation_as_it_is() -> None:
    first, second = normal(3000, 4, seed=1) + 0.5, normal(3000, 4, seed=2)
    whole = kernel_distance(second, first, block=3000)
    assert kernel_distance(second, first, block=100) == pytest.approx(whole, rel=0.05)
    assert kernel_distance(second, first, block=100) != whole


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 7, 10])
def test_every_number_of_rows_fills_equal_blocks(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def record(real: Tensor, generated: Tensor) -> float:
        sizes.append((len(real), len(generated)))
        return float(len(sizes))

    monkeypatch.setattr("pocketgan.metrics.kernel.discrepancy", record)
    distance = kernel_distance(normal(rows + 9, 2), normal(rows, 2), block=3)
    assert len(sizes) == math.ceil(rows / 3)
    assert sizes == [(rows // len(sizes),) * 2] * len(sizes)
    assert distance == (len(sizes) + 1) / 2


def test_rows_in_order_of_their_class_are_spread_over_all_blocks() -> None:
    ordered = 5 * torch.eye(4, dtype=torch.float64).repeat_interleave(100, dim=0)
    mixed = ordered.reshape(4, 100, 4).transpose(0, 1).reshape(400, 4)
    alone = kernel_distance(mixed[:100], ordered[:100])
    assert alone > 100
    assert abs(kernel_distance(mixed, ordered, block=100)) < 0.1 * alone
    assert abs(kernel_distance(ordered, mixed, block=100)) < 0.1 * alone


def test_the_same_features_give_the_same_number_and_the_global_generator_is_left_alone() -> None:
    first, second = normal(100, 4, seed=1), normal(100, 4, seed=2)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    distance = kernel_distance(second, first, block=30)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(1)
    assert kernel_distance(second, first, block=30) == distance


def test_errors() -> None:
    features = normal(5, 3)
    with refused("too few rows", "generated", least=2, found=1):
        kernel_distance(features, features[:1])
    with refused("widths differ", "generated", found=2):
        kernel_distance(features, features[:, :2])
    with refused("at least", "block", least=3, found=2):
        kernel_distance(features, features, block=2)
