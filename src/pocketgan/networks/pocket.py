"""Networks of `pocket`, with most convolutions at a quarter of the image's side, where they are cheap.

Pixel shuffle changes the resolution by moving pixels into channels and back, at no cost (Shi et al. 2016). The
discriminator has no normalization, since R1 and R2 need separate gradients for each image (Huang et al. 2024).
"""

from jaxtyping import Float
from torch import Tensor, nn

from pocketgan.config.sections import NetworkConfig
from pocketgan.networks.layers import (
    FromMap,
    ImageShape,
    LatentInput,
    LogitHead,
    ToMap,
    discriminator_activation,
    generator_activation,
    output_activation,
    quarter,
    scaled,
)


class PocketGenerator(nn.Module):
    """Generator: z and class → dense → 7×7 → `depth` convolutions → 14×14, one convolution → 28×28 → an image."""

    reads_images = False

    def __init__(self, config: NetworkConfig, shape: ImageShape, pixels: str) -> None:
        super().__init__()
        side = quarter(shape, "generator", "pocket")
        narrow = scaled(config.hidden_dim, config)
        wide = 2 * narrow
        self.input = LatentInput(config.latent_dim, shape.classes)
        layers: list[nn.Module] = [
            nn.Linear(self.input.out_features, wide * side * side, bias=False),
            ToMap(wide, side),
            nn.BatchNorm2d(wide),
            generator_activation(config),
        ]
        for into in [wide] * (config.depth - 1) + [4 * narrow]:
            layers += [
                nn.Conv2d(wide, into, 3, padding=1, bias=False),
                nn.BatchNorm2d(into),
                generator_activation(config),
            ]
        layers += [
            nn.PixelShuffle(2),
            nn.Conv2d(narrow, narrow, 3, padding=1, bias=False),
            nn.BatchNorm2d(narrow),
            generator_activation(config),
            nn.Conv2d(narrow, 4 * shape.channels, 3, padding=1),
            nn.PixelShuffle(2),
            output_activation(pixels),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Float[Tensor, "n latent"], labels: Tensor | None = None) -> Float[Tensor, "n c h w"]:
        return self.layers(self.input(z, labels))


class PocketDiscriminator(nn.Module):
    """Discriminator: an image → 14×14, two convolutions → 7×7, `discriminator_depth` convolutions → one logit."""

    def __init__(self, config: NetworkConfig, shape: ImageShape) -> None:
        super().__init__()
        side = quarter(shape, "discriminator", "pocket")
        narrow = scaled(config.hidden_dim, config)
        wide = 2 * narrow
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * shape.channels, narrow, 3, padding=1),
            discriminator_activation(config),
            nn.Conv2d(narrow, narrow, 3, padding=1),
            discriminator_activation(config),
            nn.PixelUnshuffle(2),
        ]
        channels = 4 * narrow
        for _ in range(config.discriminator_depth or config.depth):
            layers += [nn.Conv2d(channels, wide, 3, padding=1), discriminator_activation(config)]
            channels = wide
        self.layers = nn.Sequential(*layers, FromMap())
        self.head = LogitHead(wide * side * side, shape.classes)

    def forward(self, images: Float[Tensor, "n c h w"], labels: Tensor | None = None) -> Float[Tensor, "n *k"]:
        return self.head(self.layers(images), labels)
