"""What every objective must do, and the penalties' known answers. A new objective is found through its dict."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pocketgan.training.objectives import (
    OBJECTIVES,
    one_centred_penalty,
    squared_gradient,
    zero_centred_penalties,
    zero_centred_penalty,
)


def log_sigmoid(t: Tensor) -> Tensor:
    return (1 / (1 + (-t).exp())).log()


def zero(t: Tensor) -> Tensor:
    return torch.zeros_like(t)


FORMULAS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "bce": (lambda r, f: -log_sigmoid(r) - log_sigmoid(-f), lambda r, f: -log_sigmoid(f)),
    "minimax": (lambda r, f: -log_sigmoid(r) - log_sigmoid(-f), lambda r, f: log_sigmoid(-f)),
    "msle": (
        lambda r, f: -log_sigmoid(r) - log_sigmoid(-f),
        lambda r, f: (math.log(2) - (1 + 1 / (1 + (-f).exp())).log()) ** 2,
    ),
    "least_squares": (lambda r, f: (r - 1) ** 2 / 2 + f**2 / 2, lambda r, f: (f - 1) ** 2 / 2),
    "hinge": (lambda r, f: torch.maximum(zero(r), 1 - r) + torch.maximum(zero(f), 1 + f), lambda r, f: -f),
    "wasserstein": (lambda r, f: f - r, lambda r, f: -f),
    "relativistic": (lambda r, f: -log_sigmoid(r - f), lambda r, f: -log_sigmoid(f - r)),
}
"""Each game's discriminator and generator loss, as its paper writes them."""

EQUAL_LOGITS = {"bce": 2 * math.log(2), "minimax": 2 * math.log(2), "msle": 2 * math.log(2), "hinge": 2.0}
EQUAL_LOGITS |= {"least_squares": 0.5, "wasserstein": 0.0, "relativistic": math.log(2)}
"""Each discriminator's loss where all logits are 0."""

REAL = torch.linspace(-6, 6, 13, dtype=torch.float64)
FAKE = torch.linspace(5, -7, 13, dtype=torch.float64)
objectives = pytest.mark.parametrize("name", OBJECTIVES)


def test_every_objective_has_its_formula_here() -> None:
    assert set(OBJECTIVES) == set(FORMULAS) == set(EQUAL_LOGITS)


@objectives
@pytest.mark.parametrize("count", [1, 5])
def test_losses_are_per_sample(name: str, count: int) -> None:
    objective = OBJECTIVES[name]
    real, fake = torch.randn(count), torch.randn(count)
    assert objective.discriminator_loss(real, fake).shape == (count,)
    assert objective.generator_loss(real, fake).shape == (count,)


@objectives
def test_losses_are_their_formulas(name: str) -> None:
    objective = OBJECTIVES[name]
    discriminator, generator = FORMULAS[name]
    torch.testing.assert_close(objective.discriminator_loss(REAL, FAKE), discriminator(REAL, FAKE))
    torch.testing.assert_close(objective.generator_loss(REAL, FAKE), generator(REAL, FAKE))


@objectives
def test_discriminators_loss_at_equal_logits(name: str) -> None:
    zeros = torch.zeros(2, dtype=torch.float64)
    assert OBJECTIVES[name].discriminator_loss(zeros, zeros).tolist() == pytest.approx([EQUAL_LOGITS[name]] * 2)


@objectives
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_losses_and_their_gradients_are_finite_at_great_logits(name: str, dtype: torch.dtype) -> None:
    objective = OBJECTIVES[name]
    real = torch.tensor([1e4, 1e4, -1e4, -1e4], dtype=dtype, requires_grad=True)
    fake = torch.tensor([1e4, -1e4, 1e4, -1e4], dtype=dtype, requires_grad=True)
    for loss in (objective.discriminator_loss(real, fake), objective.generator_loss(real, fake)):
        assert loss.isfinite().all()
        for gradient in torch.autograd.grad(loss.sum(), [real, fake], allow_unused=True):
            assert gradient is None or gradient.isfinite().all()


@objectives
def test_generators_loss_falls_when_fake_logits_rise(name: str) -> None:
    fake = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64, requires_grad=True)
    real = torch.zeros(7, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(OBJECTIVES[name].generator_loss(real, fake).sum(), fake)
    assert (gradient < 0).all()


@objectives
def test_discriminators_loss_falls_when_real_logits_rise_and_when_fake_ones_fall(name: str) -> None:
    real = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64, requires_grad=True)
    fake = torch.linspace(0.9, 0.1, 7, dtype=torch.float64, requires_grad=True)
    loss = OBJECTIVES[name].discriminator_loss(real, fake).sum()
    real_gradient, fake_gradient = torch.autograd.grad(loss, [real, fake])
    assert (real_gradient < 0).all()
    assert (fake_gradient > 0).all()


@objectives
def test_each_sample_has_a_loss_of_its_own(name: str) -> None:
    objective = OBJECTIVES[name]
    whole = objective.discriminator_loss(REAL, FAKE), objective.generator_loss(REAL, FAKE)
    single = objective.discriminator_loss(REAL[4:5], FAKE[4:5]), objective.generator_loss(REAL[4:5], FAKE[4:5])
    for ours, alone in zip(whole, single, strict=True):
        torch.testing.assert_close(ours[4:5], alone)


@objectives
def test_terms_add_up_to_the_whole(name: str) -> None:
    objective = OBJECTIVES[name]
    assert (objective.real_term is None) == (objective.fake_term is None) == objective.relativistic
    if objective.real_term is not None and objective.fake_term is not None:
        whole = objective.discriminator_loss(REAL, FAKE)
        torch.testing.assert_close(objective.real_term(REAL) + objective.fake_term(FAKE), whole)


@objectives
def test_only_relativistic_generators_need_real_logits(name: str) -> None:
    objective = OBJECTIVES[name]
    if objective.relativistic:
        with pytest.raises(AssertionError, match="real"):
            objective.generator_loss(None, FAKE)
        assert not torch.equal(objective.generator_loss(REAL, FAKE), objective.generator_loss(REAL + 1, FAKE))
    else:
        assert torch.equal(objective.generator_loss(None, FAKE), objective.generator_loss(REAL, FAKE))


def test_boundaries_are_where_a_lone_logit_means_equally_real_and_generated() -> None:
    boundaries = {name: objective.boundary for name, objective in OBJECTIVES.items()}
    assert boundaries == {
        "bce": 0.0,
        "minimax": 0.0,
        "msle": 0.0,
        "hinge": 0.0,
        "least_squares": 0.5,
        "wasserstein": None,
        "relativistic": None,
    }


def test_msles_known_answers() -> None:
    fake = torch.tensor([0.0, 1e3, -1e3], dtype=torch.float64)
    expected = [math.log(4 / 3) ** 2, 0.0, math.log(2) ** 2]
    assert OBJECTIVES["msle"].generator_loss(None, fake).tolist() == pytest.approx(expected)


def test_relativistic_losses_exchange_the_roles() -> None:
    objective = OBJECTIVES["relativistic"]
    assert torch.equal(objective.generator_loss(REAL, FAKE), objective.discriminator_loss(FAKE, REAL))


def linear(weights: Tensor, images: Tensor) -> Tensor:
    return (images * weights).flatten(1).sum(dim=1) + 3


def double(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_penalties_of_a_linear_discriminator() -> None:
    weights, images = double(2, 4, 4, seed=1), double(5, 2, 4, 4).requires_grad_()
    logits, norm = linear(weights, images), weights.norm()
    torch.testing.assert_close(squared_gradient(logits, images), (norm**2).expand(5))
    torch.testing.assert_close(zero_centred_penalty(logits, images), (norm**2 / 2).expand(5))
    torch.testing.assert_close(one_centred_penalty(logits, images), ((norm - 1) ** 2).expand(5))


def test_gradient_penalty_is_zero_at_norm_one_and_one_at_norm_zero() -> None:
    weights, images = double(1, 4, 4, seed=1), double(3, 1, 4, 4).requires_grad_()
    unit = one_centred_penalty(linear(weights / weights.norm(), images), images)
    assert unit.tolist() == pytest.approx([0] * 3, abs=1e-12)
    flat = one_centred_penalty(linear(weights * 0, images), images)
    assert flat.tolist() == pytest.approx([1] * 3, abs=1e-5)


def test_gradient_penalty_of_a_flat_discriminator_has_a_finite_gradient() -> None:
    weights = torch.zeros(1, 4, 4, dtype=torch.float64, requires_grad=True)
    images = double(3, 1, 4, 4).requires_grad_()
    one_centred_penalty(linear(weights, images), images).sum().backward()
    assert weights.grad.isfinite().all()


def test_each_image_has_a_penalty_of_its_own() -> None:
    images = double(5, 2, 4, 4).requires_grad_()
    logits = images.square().flatten(1).sum(dim=1) / 2
    torch.testing.assert_close(squared_gradient(logits, images), images.square().flatten(1).sum(dim=1))
    torch.testing.assert_close(one_centred_penalty(logits, images), (images.flatten(1).norm(dim=1) - 1).square())


def test_r1s_gradient_by_the_weights_of_a_linear_discriminator_is_the_weights() -> None:
    weights = double(1, 4, 4, seed=1).requires_grad_()
    images = double(6, 1, 4, 4).requires_grad_()
    zero_centred_penalty(linear(weights, images), images).mean().backward()
    torch.testing.assert_close(weights.grad, weights.detach())


@pytest.mark.parametrize("penalty", [squared_gradient, zero_centred_penalty, one_centred_penalty])
def test_penalties_second_derivative_against_finite_differences(penalty: Callable[[Tensor, Tensor], Tensor]) -> None:
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.Softplus(), nn.Flatten(), nn.Linear(8, 3), nn.Tanh(), nn.Linear(3, 1)
    )
    network.double()
    names = [name for name, _ in network.named_parameters()]
    values = [double(*p.shape, seed=i).mul_(0.5).requires_grad_() for i, p in enumerate(network.parameters())]
    images = double(2, 1, 4, 4, seed=99)

    def of_weights(*weights: Tensor) -> Tensor:
        inputs = images.clone().requires_grad_()
        logits = torch.func.functional_call(network, dict(zip(names, weights, strict=True)), (inputs,)).squeeze(1)
        return penalty(logits, inputs)

    values[-1].requires_grad_(False)  # The last bias doesn't reach the gradient.
    assert torch.autograd.gradcheck(of_weights, values)


def test_penalties_of_two_batches_in_one_pass_are_those_of_each_alone() -> None:
    """Without BatchNorm a logit depends on its own image alone."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(12, 7), torch.nn.Softplus(), torch.nn.Linear(7, 1)
    )
    network.double()
    real, fake = (torch.randn(5, 3, 2, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    logits = network(torch.cat([real, fake])).squeeze(1)
    together = zero_centred_penalties(logits, (real, fake))
    for images, found in zip((real, fake), together, strict=True):
        torch.testing.assert_close(found, zero_centred_penalty(network(images).squeeze(1), images))
