"""The Fréchet distance's known answers."""

import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor

from pocketgan.metrics.frechet import frechet_distance
from refusals import refused


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def closed_form(mean: Tensor, covariance: Tensor, other_mean: Tensor, other_covariance: Tensor) -> float:
    root = torch.from_numpy(sqrtm((covariance @ other_covariance).numpy()).real)
    return ((mean - other_mean).square().sum() + (covariance + other_covariance - 2 * root).trace()).item()


@pytest.mark.parametrize("width", [1, 2, 128])
@pytest.mark.parametrize("rows", [2, 100, 1000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_set_is_at_no_distance_from_itself(rows: int, width: int, dtype: torch.dtype) -> None:
    features = (normal(rows, width) + 5).to(dtype)
    assert 0 <= frechet_distance(features, features) < 1e-4
    assert 0 <= frechet_distance(features, features.flip(0)) < 1e-4


def test_features_that_are_often_zero_are_at_no_distance_from_themselves() -> None:
    features = torch.cat([normal(500, 64).relu(), torch.zeros(500, 64)], dim=1).float()
    assert 0 <= frechet_distance(features, features) < 1e-4


@pytest.mark.parametrize("width", [2, 8])
def test_large_gaussian_samples_against_the_closed_form(width: int) -> None:
    mixing = torch.eye(width, dtype=torch.float64) + 0.5 * normal(width, width, seed=1)
    mean = 3 * normal(width, seed=2)
    generated, real = normal(200_000, width, seed=3) @ mixing.T + mean, normal(200_000, width, seed=4)
    expected = closed_form(
        mean, mixing @ mixing.T, torch.zeros(width, dtype=torch.float64), torch.eye(width, dtype=torch.float64)
    )
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=0.01)


def test_small_samples_are_their_own_closed_form() -> None:
    generated, real = normal(40, 5, seed=1), normal(60, 5, seed=2) * torch.arange(1, 6) + 3
    expected = closed_form(generated.mean(dim=0), generated.T.cov(), real.mean(dim=0), real.T.cov())
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=1e-9)


def test_a_shift_adds_its_squared_length() -> None:
    features = normal(500, 3)
    shift = torch.tensor([1.0, -2.0, 0.5])
    assert frechet_distance(features, features + shift) == pytest.approx(5.25)


def test_scaling_by_a_adds_the_variance_times_its_square() -> None:
    features = normal(500, 3)
    features = features - features.mean(dim=0)
    assert frechet_distance(features, 3 * features) == pytest.approx(4 * features.var(dim=0).sum().item())


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_it_is_symmetric_and_knows_no_order_nor_origin(offset: float) -> None:
    first, second = normal(300, 16, seed=1), 1.5 * normal(200, 16, seed=2) + 0.3
    distance = frechet_distance(second, first)
    assert distance > 1
    assert frechet_distance(first + offset, second + offset) == pytest.approx(distance, rel=1e-6)
    assert frechet_distance(second + offset, first[torch.randperm(300)] + offset) == pytest.approx(distance, rel=1e-6)


def test_errors() -> None:
    features = normal(5, 3)
    with refused("too few rows", "generated", least=2, found=1):
        frechet_distance(features, features[:1])
    with refused("too few rows", "real", least=2, found=1):
        frechet_distance(features[:1], features)
    with refused("widths differ", "generated", found=2, other="real", expected=3):
        frechet_distance(features, features[:, :2])
