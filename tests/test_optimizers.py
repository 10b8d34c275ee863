"""Adam against PyTorch's own, and its guard against losses that aren't finite."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from pocketgan.training.optimizers import Adam

SETTINGS = {"learning_rate": 1e-2, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.Tanh(),
            nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1),
            nn.Conv2d(3, 2, 1),
            nn.Flatten(),
            nn.Linear(128, 3),
        )


def loss_of(network: nn.Module, step: int) -> Tensor:
    images = torch.randn(4, 2, 4, 4, generator=seeded(step))
    return network(images).square().mean()


def unpoisoned() -> Tensor:
    return torch.zeros(())


def weights(network: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in network.parameters()]


def identical(left: list[Tensor], right: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(
    ("beta1", "beta2", "epsilon"), [(0.9, 0.999, 1e-8), (0.5, 0.999, 1e-8), (0.0, 0.99, 1e-8), (0.9, 0.999, 1e-2)]
)
def test_twenty_steps_are_those_of_pytorch(channels_last: bool, beta1: float, beta2: float, epsilon: float) -> None:
    theirs = small_network()
    ours = copy.deepcopy(theirs)
    if channels_last:
        ours = ours.to(memory_format=torch.channels_last)
        assert ours[0].weight.stride() != theirs[0].weight.stride()
    optimizer = Adam(ours, learning_rate=1e-2, beta1=beta1, beta2=beta2, epsilon=epsilon)
    reference = torch.optim.Adam(
        theirs.parameters(), lr=1e-2, betas=(beta1, beta2), eps=epsilon, foreach=False, fused=False
    )
    before, found_inf = weights(ours), unpoisoned()
    for step in range(20):
        reference.zero_grad()
        loss_of(theirs, step).backward()
        # A loss whose gradient is exactly theirs: rounding in the networks doesn't add to the difference.
        linear = sum((p * q.grad).sum() for p, q in zip(ours.parameters(), theirs.parameters(), strict=True))
        optimizer.step(linear, found_inf)
        reference.step()
    for mine, other, first in zip(ours.parameters(), theirs.parameters(), before, strict=True):
        torch.testing.assert_close(mine.detach(), other.detach(), atol=1e-6, rtol=1e-6)
        assert not torch.equal(mine, first)
    assert found_inf.item() == 0
    assert optimizer.tensors()["count"].item() == 20


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_network_is_trained_as_pytorch_trains_it(channels_last: bool) -> None:
    theirs = small_network().double()
    ours, before = copy.deepcopy(theirs), dict(copy.deepcopy(theirs).named_parameters())
    if channels_last:
        ours = ours.to(memory_format=torch.channels_last)
    optimizer = Adam(ours, **SETTINGS)
    reference = torch.optim.Adam(theirs.parameters(), lr=1e-2, betas=(0.9, 0.99), eps=1e-8, foreach=False, fused=False)
    for step in range(20):
        images = torch.randn(4, 2, 4, 4, generator=seeded(step), dtype=torch.float64)
        reference.zero_grad()
        theirs(images).square().mean().backward()
        reference.step()
        optimizer.step(ours(images).square().mean(), unpoisoned())
    for key, mine in ours.named_parameters():
        if key == "0.bias":  # BatchNorm makes it void: its gradient is rounding alone.
            continue
        torch.testing.assert_close(mine.detach(), theirs.get_parameter(key).detach(), atol=1e-6, rtol=0)
        assert (mine - before[key]).abs().max() > 1e-3, key


def test_the_first_step_is_the_rate_against_the_gradients_sign() -> None:
    network = nn.Linear(3, 1, bias=False)
    before = network.weight.detach().clone()
    optimizer = Adam(network, learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-12)
    optimizer.step((network.weight * torch.tensor([[5.0, -0.01, 300.0]])).sum(), unpoisoned())
    torch.testing.assert_close(network.weight.detach() - before, torch.tensor([[-0.1, 0.1, -0.1]]))


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_leaves_everything_and_so_does_every_loss_after_it(
    value: float, channels_last: bool
) -> None:
    network = small_network()
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
    optimizer, found_inf = Adam(network, **SETTINGS), unpoisoned()
    optimizer.step(loss_of(network, 0), found_inf)
    assert found_inf.item() == 0
    before = weights(network)
    moments = [t.clone() for t in (*optimizer.mean, *optimizer.mean_square)]
    optimizer.step(loss_of(network, 1) * value, found_inf)
    assert found_inf.item() == 1
    assert identical(before, weights(network))
    optimizer.step(loss_of(network, 2), found_inf)
    assert found_inf.item() == 1
    assert identical(before, weights(network))
    assert identical(moments, [*optimizer.mean, *optimizer.mean_square])


def test_poison_reaches_the_other_optimizer() -> None:
    first, second, found_inf = small_network(), small_network(), unpoisoned()
    before = weights(second)
    Adam(first, **SETTINGS).step(loss_of(first, 0) * math.nan, found_inf)
    Adam(second, **SETTINGS).step(loss_of(second, 0), found_inf)
    assert identical(before, weights(second))


@pytest.mark.parametrize("rate", [0.0, 0.25, 2.0])
def test_rate_scales_the_step(rate: float) -> None:
    network = nn.Linear(4, 2).double()
    whole, scaled = copy.deepcopy(network), copy.deepcopy(network)
    x = torch.randn(5, 4, generator=seeded(), dtype=torch.float64)
    Adam(whole, **SETTINGS).step(whole(x).square().mean(), unpoisoned())
    Adam(scaled, **SETTINGS).step(scaled(x).square().mean(), unpoisoned(), rate)
    for start, one, other in zip(network.parameters(), whole.parameters(), scaled.parameters(), strict=True):
        assert (one != start).all()
        torch.testing.assert_close(other.detach() - start, rate * (one.detach() - start))


def test_no_gradient_is_left_behind() -> None:
    network = small_network()
    Adam(network, **SETTINGS).step(loss_of(network, 0), unpoisoned())
    assert all(p.grad is None for p in network.parameters())


def test_tensors_are_the_whole_state_and_the_very_tensors() -> None:
    network = small_network()
    optimizer = Adam(network, **SETTINGS)
    optimizer.step(loss_of(network, 0), unpoisoned())
    copied = copy.deepcopy(network)
    other = Adam(copied, **SETTINGS)
    with torch.no_grad():
        for name, tensor in other.tensors().items():
            tensor.copy_(optimizer.tensors()[name])
    optimizer.step(loss_of(network, 1), unpoisoned())
    other.step(loss_of(copied, 1), unpoisoned())
    assert identical(weights(network), weights(copied))
