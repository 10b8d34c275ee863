"""State of training: networks, optimizers, counters and random generators; and the choice of device and precision."""

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from pocketgan.base.errors import ConfigError
from pocketgan.base.messages import problem
from pocketgan.config.sections import RunConfig
from pocketgan.images.seeds import derived_seed
from pocketgan.networks import Dropout, ImageShape, build_discriminator, build_generator
from pocketgan.training.adaptive import Strength
from pocketgan.training.optimizers import Optimizer, create_optimizer


@dataclass
class TrainState:
    """Everything that training needs to continue; checkpoints store all of it except `found_inf`.

    Attributes:
        generator, discriminator: the networks in training; there is no discriminator if the objective needs none.
        generator_ema: the EMA generator, from which samples come; `generator` itself if there is no averaging.
        generator_optimizer, discriminator_optimizer: one optimizer for each network.
        random: random generators of training, by name: `latents`, and `training` (dropout, augmentation).
        step: steps done (one step updates each network).
        nimg: real images that training has seen, which is also the position in the data.
        seconds: wall-clock time of training alone.
        rate_scale: factor on the learning rate since the watchdog's last rollback; 1 before the first rollback.
        strength: of adaptive augmentation; None without it.
        partner: of translation without pairs, the generator of the way back, which `generator_optimizer` trains as
            well; otherwise None, as between classes, where the generator itself leads back.
        found_inf: 1.0 once a loss was infinite or not a number, which blocks every update; a scalar on the device.
    """

    generator: nn.Module
    discriminator: nn.Module | None
    generator_ema: nn.Module
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer | None
    random: dict[str, torch.Generator]
    step: int = 0
    nimg: int = 0
    seconds: float = 0.0
    rate_scale: float = 1.0
    strength: Strength | None = None
    partner: nn.Module | None = None
    found_inf: Tensor = field(default_factory=lambda: torch.zeros(()))

    @property
    def averages(self) -> bool:
        """True if there is an EMA generator beside the generator in training."""
        return self.generator_ema is not self.generator


def choose_device(name: str) -> str:
    """Returns the device for `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        ConfigError: the requested device isn't available.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if there[device])
    if not there[name]:
        raise ConfigError("no device", field="device", name=name)
    return name


def choose_precision(name: str, device: str) -> str:
    """Returns `float32` or `bfloat16`; `auto` selects bfloat16 if the device multiplies it natively."""
    if name != "auto":
        return name
    if device == "cuda":
        native = torch.cuda.get_device_capability() >= (8, 0)
    elif device == "cpu":
        features = getattr(torch.cpu, "get_capabilities", dict)()  # Missing in older versions.
        native = any(features.get(feature) for feature in ("avx512_bf16", "amx_bf16", "bf16"))
    else:
        native = False
    return "bfloat16" if native else "float32"


def autocast(config: RunConfig, device: str) -> AbstractContextManager[object]:
    """Returns the context of a forward pass: bfloat16 autocast if the configuration selects it."""
    if config.train.precision == "bfloat16":
        return torch.autocast(device, dtype=torch.bfloat16)
    return nullcontext()


def freeze_layers(network: nn.Module, count: int) -> None:
    """Keeps the weights of a network's first layers as they are.

    Raises:
        ConfigError: no layer would be left to train.
    """
    layers = [module for module in network.modules() if next(module.parameters(recurse=False), None) is not None]
    if count and count >= len(layers):
        why = problem("no layer to train", layers=len(layers))
        raise ConfigError("refused", field="frozen_layers", why=why, value=count)
    for layer in layers[:count]:
        layer.requires_grad_(False)


def create_state(config: RunConfig, shape: ImageShape, device: str) -> TrainState:
    """Creates the state at step 0, which depends only on the configuration and the shape of the images.

    Args:
        config: the run's configuration.
        shape: of the images, with their classes if the discriminator receives them.
        device: where the networks go.
    """
    # Networks, on their device.
    of_generator = shape if config.network.conditional else replace(shape, classes=0)
    generator = build_generator(config.network, of_generator, config.data.pixel_range, config.seed).to(device)
    discriminator = None
    if config.has_discriminator:
        discriminator = build_discriminator(config.network, shape, config.seed, config.data.pixel_range).to(device)
        freeze_layers(discriminator, config.train.frozen_layers)
    partner = None
    if config.unpaired and not config.network.conditional:
        backward = derived_seed(config.seed, "backward")
        partner = build_generator(config.network, of_generator, config.data.pixel_range, backward).to(device)
    trained = generator if partner is None else nn.ModuleList([generator, partner])
    averaged = config.train.ema_half_life != "none"

    # Random generators, one per use.
    random = {
        name: torch.Generator(device).manual_seed(derived_seed(config.seed, name)) for name in ("latents", "training")
    }
    for module in trained.modules():
        if isinstance(module, Dropout):
            module.generator = random["training"]

    # Optimizers.
    train = config.train
    rates = (train.learning_rate, train.discriminator_learning_rate or train.learning_rate)
    generator_optimizer = create_optimizer(trained, train, rates[0])
    discriminator_optimizer = None if discriminator is None else create_optimizer(discriminator, train, rates[1])
    generator_ema = generator
    if averaged:
        generator_ema = copy.deepcopy(generator).eval().requires_grad_(False)
    return TrainState(
        generator,
        discriminator,
        generator_ema,
        generator_optimizer,
        discriminator_optimizer,
        random,
        strength=Strength() if train.augment == "auto" else None,
        partner=partner,
        found_inf=torch.zeros((), device=device),
    )


@contextmanager
def global_random(state: TrainState, config: RunConfig) -> Iterator[None]:
    """Seeds PyTorch's global random generators for one step of networks that may use them, such as by `nn.Dropout`.

    The seed depends on the run's seed and the step alone, so a resumed run repeats the same numbers. The package's own
    networks never use these generators; for them, nothing happens.
    """
    if not config.parts.keys() - {"metric"}:
        yield
        return
    device = state.found_inf.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(derived_seed(config.seed, "global", state.step))
        yield
