"""A network can't tell two samples of one distribution apart, and can tell others."""

import pytest
import torch
from torch import Tensor

from pocketgan.metrics import two_sample
from pocketgan.metrics.two_sample import two_sample_accuracy, two_sample_p_value
from refusals import refused


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", [0, 1])
def test_one_distribution_gives_one_half(seed: int) -> None:
    accuracy = two_sample_accuracy(normal(2000, 16, seed=2), normal(2000, 16, seed=1), seed=seed)
    assert accuracy == pytest.approx(0.5, abs=0.035)
    assert two_sample_p_value(accuracy, 2000) > 0.001


def test_a_shift_gives_nearly_one() -> None:
    generated, real = normal(1000, 16, seed=1) + 2, normal(1000, 16, seed=2)
    assert two_sample_accuracy(real, generated) > 0.99
    assert two_sample_accuracy(generated, real) > 0.99


@pytest.mark.slow
def test_accuracy_grows_with_the_shift() -> None:
    generated, real = normal(1000, 16, seed=1), normal(1000, 16, seed=2)
    accuracies = [two_sample_accuracy(real, generated + shift) for shift in (0.05, 0.2, 0.5)]
    assert accuracies == sorted(accuracies)
    assert accuracies[1] > 0.55
    assert accuracies[2] == pytest.approx(0.84, abs=0.03)  # Φ(½ · 0.5 · √16) is the most that can be.


def test_another_spread_is_seen_where_the_means_are_equal() -> None:
    assert two_sample_accuracy(normal(1000, 16, seed=2), 2 * normal(1000, 16, seed=1)) > 0.9


def test_the_scale_of_features_makes_no_difference() -> None:
    generated, real = normal(600, 8, seed=1) + 0.5, normal(600, 8, seed=2)
    scale, offset = torch.logspace(-3, 3, 8), torch.linspace(-50, 50, 8)
    plain = two_sample_accuracy(real, generated)
    assert plain > 0.6
    assert two_sample_accuracy(scale * real + offset, scale * generated + offset) == pytest.approx(plain, abs=0.01)


@pytest.mark.slow
def test_features_that_never_change_do_no_harm() -> None:
    generated, real = normal(500, 3, seed=1), normal(500, 3, seed=2)
    generated[:, 1] = real[:, 1] = 7.0
    assert two_sample_accuracy(real, generated) == pytest.approx(0.5, abs=0.06)
    assert two_sample_accuracy(torch.ones(50, 3), torch.ones(50, 3)) == 0.5


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 3), (2, 9), (400, 31)])
def test_sets_of_all_sizes_are_cut_to_the_smaller(n: int, m: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_sample, "STEPS", 20)
    accuracy = two_sample_accuracy(normal(m, 4, seed=2), normal(n, 4, seed=1) + 50)
    assert accuracy == 1
    assert two_sample_accuracy(normal(m, 4, seed=2), normal(n, 4, seed=1)) * 2 * (min(n, m) - min(n, m) // 2) % 1 == 0


@pytest.mark.slow
def test_training_on_images_does_not_count() -> None:
    """Few images in many dimensions are learnt by heart, which doesn't help with others."""
    accuracies = [
        two_sample_accuracy(normal(100, 128, seed=99 - seed), normal(100, 128, seed=seed), seed=seed)
        for seed in range(4)
    ]
    assert sum(accuracies) / 4 == pytest.approx(0.5, abs=0.08)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_number_and_the_global_generator_is_left_alone() -> None:
    generated, real = normal(300, 8, seed=1) + 0.2, normal(300, 8, seed=2)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = two_sample_accuracy(real, generated)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(6)
    assert two_sample_accuracy(real, generated, seed=0) == first
    assert any(two_sample_accuracy(real, generated, seed=seed) != first for seed in (1, 2, 3))


@pytest.mark.slow
def test_it_works_where_gradients_are_turned_off() -> None:
    generated, real = normal(300, 8, seed=1) + 1, normal(300, 8, seed=2)
    expected = two_sample_accuracy(real, generated)
    with torch.no_grad():
        assert two_sample_accuracy(real, generated) == expected
    with torch.inference_mode():
        made, there = generated + 0, real + 0
        assert two_sample_accuracy(there, made) == expected
    assert two_sample_accuracy(there, made) == expected
    assert two_sample_accuracy(real, generated.clone().requires_grad_()) == expected


def test_p_values_known_answers() -> None:
    assert two_sample_p_value(0.5, 100) == 0.5
    assert two_sample_p_value(0.6, 100) == pytest.approx(0.0227501319)  # Two standard deviations of 0.05.
    assert two_sample_p_value(0.4, 100) == pytest.approx(1 - 0.0227501319)
    assert two_sample_p_value(0.55, 400) == pytest.approx(0.0227501319)
    assert two_sample_p_value(1.0, 10_000) < 1e-300


def test_errors() -> None:
    features = normal(4, 3)
    with refused("too few rows", "generated", least=2, found=1):
        two_sample_accuracy(features, features[:1])
    with refused("widths differ", "generated", found=2):
        two_sample_accuracy(features, features[:, :2])
    for accuracy in (1.1, -0.1):
        with refused("out of range", "accuracy", value=accuracy):
            two_sample_p_value(accuracy, 10)
    with refused("at least", "tests", least=1, found=0):
        two_sample_p_value(0.5, 0)
