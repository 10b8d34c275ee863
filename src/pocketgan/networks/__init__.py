"""Generators and discriminators, selected by name: the package's from two literal dicts, one's own from the table.

A new one in the package needs a file, a line here, and its facts in `config/parts.py`.
"""

import torch
from torch import nn

from pocketgan.config import parts
from pocketgan.config.sections import NetworkConfig
from pocketgan.images.seeds import derived_seed
from pocketgan.networks.autoencoder import AutoencoderGenerator
from pocketgan.networks.class_translator import ClassTranslatorGenerator
from pocketgan.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from pocketgan.networks.layers import Dropout, ImageShape, initialise, lay_out
from pocketgan.networks.mlp import MLPDiscriminator, MLPGenerator
from pocketgan.networks.own import OwnDiscriminator, OwnGenerator, build_own
from pocketgan.networks.pocket import PocketDiscriminator, PocketGenerator
from pocketgan.networks.translator import TranslatorDiscriminator, TranslatorGenerator

GENERATORS = {
    "mlp": MLPGenerator,
    "dcgan": DCGANGenerator,
    "autoencoder": AutoencoderGenerator,
    "pocket": PocketGenerator,
    "translator": TranslatorGenerator,
    "class-translator": ClassTranslatorGenerator,
}
DISCRIMINATORS = {
    "mlp": MLPDiscriminator,
    "dcgan": DCGANDiscriminator,
    "pocket": PocketDiscriminator,
    "translator": TranslatorDiscriminator,
}

__all__ = ["DISCRIMINATORS", "GENERATORS", "Dropout", "ImageShape", "build_discriminator", "build_generator", "plain"]


def build_generator(config: NetworkConfig, shape: ImageShape, pixels: str, seed: int) -> nn.Module:
    """Builds the generator; its initial weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derived_seed(seed, "generator"))
        if config.generator in GENERATORS:
            network: nn.Module = GENERATORS[config.generator](config, shape, pixels)
        else:
            network = build_own(parts.get("generator", config.generator), config, shape, pixels)
        initialise(network, config.weight_init)
    return lay_out(network)


def build_discriminator(config: NetworkConfig, shape: ImageShape, seed: int, pixels: str = "signed") -> nn.Module:
    """Builds the discriminator; its initial weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derived_seed(seed, "discriminator"))
        if config.discriminator in DISCRIMINATORS:
            network: nn.Module = DISCRIMINATORS[config.discriminator](config, shape)
        else:
            network = build_own(parts.get("discriminator", config.discriminator), config, shape, pixels)
        initialise(network, config.weight_init)
    return lay_out(network)


def plain(network: nn.Module) -> nn.Module:
    """Returns a network as its author wrote it, without the signature that `build_own` may have put around it."""
    return network.network if isinstance(network, OwnGenerator | OwnDiscriminator) else network
