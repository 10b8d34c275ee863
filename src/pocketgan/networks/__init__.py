"""Generators and discriminators, selected by name from two literal dicts. A new one needs a file and a line here."""

import torch
from torch import nn

from pocketgan.config.sections import NetworkConfig
from pocketgan.images.sets import derived_seed
from pocketgan.networks.autoencoder import AutoencoderGenerator
from pocketgan.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from pocketgan.networks.layers import Dropout, ImageShape, initialise, lay_out
from pocketgan.networks.mlp import MLPDiscriminator, MLPGenerator
from pocketgan.networks.pocket import PocketDiscriminator, PocketGenerator

GENERATORS = {
    "mlp": MLPGenerator,
    "dcgan": DCGANGenerator,
    "autoencoder": AutoencoderGenerator,
    "pocket": PocketGenerator,
}
DISCRIMINATORS = {
    "mlp": MLPDiscriminator,
    "dcgan": DCGANDiscriminator,
    "pocket": PocketDiscriminator,
}

__all__ = ["DISCRIMINATORS", "GENERATORS", "Dropout", "ImageShape", "build_discriminator", "build_generator"]


def build_generator(config: NetworkConfig, shape: ImageShape, pixels: str, seed: int) -> nn.Module:
    """Builds the generator; its initial weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derived_seed(seed, "generator"))
        network = GENERATORS[config.generator](config, shape, pixels)
        initialise(network, config.weight_init)
    return lay_out(network)


def build_discriminator(config: NetworkConfig, shape: ImageShape, seed: int) -> nn.Module:
    """Builds the discriminator; its initial weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derived_seed(seed, "discriminator"))
        network = DISCRIMINATORS[config.discriminator](config, shape)
        initialise(network, config.weight_init)
    return lay_out(network)
