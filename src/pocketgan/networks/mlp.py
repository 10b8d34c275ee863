"""Fully connected networks (Goodfellow et al. 2014): hidden widths h, 2h, 4h, in reverse in the discriminator."""

from jaxtyping import Float
from torch import Tensor, nn

from pocketgan.config.sections import NetworkConfig
from pocketgan.networks.layers import (
    ImageShape,
    LatentInput,
    LogitHead,
    as_images,
    discriminator_activation,
    generator_activation,
    output_activation,
    scaled,
)


def hidden_widths(config: NetworkConfig, depth: int) -> list[int]:
    """Returns the generator's hidden widths: doubling from `hidden_dim`, and constant from the third layer on."""
    return [scaled(config.hidden_dim * min(2**layer, 4), config) for layer in range(depth)]


class MLPGenerator(nn.Module):
    """Generator: z → `depth` dense layers → an image in [-1, 1] (`signed`) or [0, 1] (`unit`)."""

    reads_images = False

    def __init__(self, config: NetworkConfig, shape: ImageShape, pixels: str) -> None:
        super().__init__()
        self.input = LatentInput(config.latent_dim, shape.classes)
        layers: list[nn.Module] = []
        features = self.input.out_features
        for width in hidden_widths(config, config.depth):
            layers += [nn.Linear(features, width), generator_activation(config)]
            features = width
        layers += [nn.Linear(features, shape.pixels), output_activation(pixels)]
        self.layers = nn.Sequential(*layers)
        self.shape = shape

    def forward(self, z: Float[Tensor, "n latent"], labels: Tensor | None = None) -> Float[Tensor, "n c h w"]:
        return as_images(self.layers(self.input(z, labels)), self.shape)


class MLPDiscriminator(nn.Module):
    """Discriminator: an image → `discriminator_depth` dense layers, the widest first → one logit."""

    def __init__(self, config: NetworkConfig, shape: ImageShape) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        features = shape.pixels
        for width in reversed(hidden_widths(config, config.discriminator_depth or config.depth)):
            layers += [nn.Linear(features, width), discriminator_activation(config)]
            features = width
        self.layers = nn.Sequential(*layers)
        self.head = LogitHead(features, shape.classes)

    def forward(self, images: Float[Tensor, "n c h w"], labels: Tensor | None = None) -> Float[Tensor, "n *k"]:
        return self.head(self.layers(images.flatten(1)), labels)
