"""Discriminators that return probabilities instead of logits, however their sigmoid is written."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from pocketgan.api.checks import check
from pocketgan.base.errors import ConfigError
from pocketgan.base.progress import Progress
from pocketgan.config import parts
from pocketgan.config.code import load_code
from pocketgan.config.options import Value
from pocketgan.config.recipes import RECIPES
from pocketgan.config.sections import NetworkConfig, RunConfig
from pocketgan.experiment.experiment import resume_experiment, run_experiment
from pocketgan.networks import DISCRIMINATORS, ImageShape, build_discriminator
from pocketgan.networks.bounded import gives_probabilities

SHAPE = ImageShape(1, 28)
SIGMOIDS: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": lambda x: 1 / (1 + torch.exp(-x)),
    "exp_above": lambda x: torch.exp(x) / (1 + torch.exp(x)),
    "complement": lambda x: 1 - 1 / (1 + torch.exp(x)),
    "tanh": lambda x: (torch.tanh(x) + 1) / 2,
    "clamped": lambda x: torch.sigmoid(x).clamp(1e-6, 1 - 1e-6),
    "smoothed": lambda x: torch.sigmoid(x) * 0.998 + 0.001,
    "log": lambda x: torch.exp(functional.logsigmoid(x)),
    "hard": functional.hardsigmoid,
}
LOGITS: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda x: x,
    "negative": lambda x: -x,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "relu": functional.relu,
    "square": torch.square,
    "logit": lambda x: torch.logit(torch.sigmoid(x), 1e-6),
    "log": functional.logsigmoid,
    "wide": lambda x: 10 * torch.sigmoid(x) - 5,
}


def plain() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))


def convolutional(norm: Callable[[int], nn.Module], wrap: Callable[[nn.Module], nn.Module] = lambda layer: layer):
    return nn.Sequential(
        wrap(nn.Conv2d(1, 8, 4, 2, 1)), nn.LeakyReLU(0.2), wrap(nn.Conv2d(8, 16, 4, 2, 1)), norm(16), nn.LeakyReLU(0.2),
        nn.Flatten(), wrap(nn.Linear(784, 1)),
    )  # fmt: skip


class Zeros(nn.Module):
    """The last layer is zero at first, as in some residual networks."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.last = nn.Linear(784, 16), nn.Linear(16, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.features(images.flatten(1)).relu())


class Autoencoder(nn.Module):
    """The squared error of an autoencoder, as in EBGAN (Zhao et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 784), nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        return (self.layers(images.flatten(1)) - images.flatten(1)).square().mean(dim=1)


class Patches(nn.Module):
    """The mean of the logits of all patches."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 4, 2, 1), nn.InstanceNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 1, 3, 1, 1),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).mean(dim=(1, 2, 3))


class Similar(nn.Module):
    """The cosine between features and a direction."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.direction = nn.Linear(784, 16), nn.Parameter(torch.randn(16))

    def forward(self, images: Tensor) -> Tensor:
        return torch.cosine_similarity(self.features(images.flatten(1)).relu(), self.direction[None])


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "plain": plain,
    "batch norm": lambda: convolutional(nn.BatchNorm2d),
    "instance norm": lambda: convolutional(nn.InstanceNorm2d),
    "spectral norm": lambda: convolutional(lambda _: nn.Identity(), spectral_norm),
    "both": lambda: convolutional(lambda count: nn.GroupNorm(4, count), spectral_norm),
    "layer norm": lambda: nn.Sequential(
        nn.Flatten(),
        spectral_norm(nn.Linear(784, 32, bias=False)),
        nn.LayerNorm(32, elementwise_affine=False),
        nn.ReLU(),
        spectral_norm(nn.Linear(32, 1, bias=False)),
    ),
    "zeros": Zeros,
    "autoencoder": Autoencoder,
    "patches": Patches,
    "similar": Similar,
}


class Own(nn.Module):
    """One of the networks with a function at its end."""

    def __init__(self, network: str = "plain", end: str = "plain", sigmoid: bool = False) -> None:
        super().__init__()
        self.network, self.end = NETWORKS[network](), (SIGMOIDS if sigmoid else LOGITS)[end]

    def forward(self, images: Tensor) -> Tensor:
        return self.end(self.network(images))


def noticed(**options: Value) -> bool:
    """Returns whether the sigmoid of a discriminator with these options is noticed."""
    config = NetworkConfig(discriminator=parts.hand_over("discriminator", Own), discriminator_options=options)
    return gives_probabilities(lambda seed: build_discriminator(config, SHAPE, seed), SHAPE)


@pytest.mark.parametrize("network", ["plain", "batch norm", "instance norm", "spectral norm", "both", "layer norm"])
@pytest.mark.parametrize("end", SIGMOIDS)
def test_a_sigmoid_is_noticed(network: str, end: str) -> None:
    assert noticed(network=network, end=end, sigmoid=True)


@pytest.mark.parametrize("network", NETWORKS)
def test_ordinary_discriminators_raise_no_alarm(network: str) -> None:
    assert not noticed(network=network)


@pytest.mark.parametrize("end", LOGITS)
def test_other_functions_at_the_end_raise_no_alarm(end: str) -> None:
    assert not noticed(end=end)


@pytest.mark.parametrize("recipe", [name for name, make in RECIPES.items() if make().has_discriminator])
@pytest.mark.parametrize("shape", [SHAPE, ImageShape(3, 32), ImageShape(1, 28, 10)])
def test_the_packages_discriminators_raise_no_alarm(recipe: str, shape: ImageShape) -> None:
    config = RECIPES[recipe]().network
    assert config.discriminator in DISCRIMINATORS
    assert not gives_probabilities(lambda seed: build_discriminator(config, shape, seed), shape)


def test_a_network_that_refuses_unusual_images_raises_no_alarm() -> None:
    class Strict(nn.Module):
        def forward(self, images: Tensor, labels: Tensor | None) -> Tensor:
            assert images.abs().max() <= 1
            return images.flatten(1).mean(dim=1).sigmoid()

    before = torch.get_rng_state()
    assert not gives_probabilities(lambda seed: Strict(), SHAPE)
    assert torch.equal(before, torch.get_rng_state())


# Where it is said.

SOURCE = """
import torch
from torch import nn
from pocketgan import separable

class Sure(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 1)

    def forward(self, images):
        return 1 / (1 + torch.exp(-self.layer(images.flatten(1))))
"""
SCORED = SOURCE + textwrap.dedent(
    """
    squares = separable(lambda r: (r - 1) ** 2, lambda f: f ** 2, lambda r, f: (f - 1) ** 2, 0.5, logits="score")
    """
)


def test_check_says_so(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    (tmp_path / "scored.py").write_text(SCORED)
    (report,) = check(tmp_path / "mine.py")
    assert report.kind == "discriminator"
    assert [getattr(one.problem, "key", "") for one in report.problems] == ["gives probabilities"]
    assert not any(report.problems for report in check(tmp_path / "scored.py")), "its objective takes scores"


class Said(Progress):
    """Collects what is said."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.keys: list[str] = []

    def say(self, line: str) -> None:
        self.keys.append(getattr(line, "key", ""))


def test_a_run_warns_when_it_begins(tmp_path: Path, tiny_config: Callable[..., RunConfig]) -> None:
    (tmp_path / "mine.py").write_text(SCORED)
    load_code(tmp_path / "mine.py")
    for objective, warns in (("bce", True), ("hinge", True), ("least_squares", False), ("mine.py:squares", False)):
        said = Said()
        config = tiny_config("mlp", discriminator="mine.py:Sure", objective=objective, checkpoint_every="2 steps")
        run = run_experiment(config, tmp_path / f"run-{objective.partition(':')[2] or objective}", said)
        assert ("gives probabilities" in said.keys) == warns
        again = Said()
        resume_experiment(run.folder, "6 steps", again)
        assert "gives probabilities" not in again.keys


def test_a_literal_sigmoid_is_refused_as_before() -> None:
    class Literal(Own):
        def forward(self, images: Tensor) -> Tensor:
            return torch.sigmoid(self.network(images))

    config = NetworkConfig(discriminator=parts.hand_over("discriminator", Literal))
    with pytest.raises(ConfigError) as caught:
        build_discriminator(config, SHAPE, 0)
    assert caught.value.key == "ends in sigmoid"
