"""Strided convolutional networks with BatchNorm (Radford et al. 2016), which start at 4 to 8 pixels."""

from itertools import pairwise

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
    pyramid,
    scaled,
)

WIDEST = 4
"""Largest number of channels, in units of `hidden_dim`."""


class DCGANGenerator(nn.Module):
    """Generator: z → dense → 7×7 → 4×4 transposed convolutions with stride 2 to 14×14 and 28×28 → an image.

    For other sizes, the lowest resolution is 4 to 8 pixels. See `stage_widths` for
    the channels.

    `depth` is the number of convolutions at 7×7 and at 14×14: the strided one, and `depth − 1` of 3×3 before it.
    """

    reads_images = False

    def __init__(self, config: NetworkConfig, shape: ImageShape, pixels: str) -> None:
        super().__init__()
        side, stages = pyramid(config, shape, "generator", "dcgan")
        widths = stage_widths(config, stages)
        wide = widths[0]
        self.input = LatentInput(config.latent_dim, shape.classes)
        layers: list[nn.Module] = [
            nn.Linear(self.input.out_features, wide * side * side, bias=False),
            ToMap(wide, side),
            nn.BatchNorm2d(wide),
            generator_activation(config),
        ]
        for channels, following in zip(widths, [*widths[1:], None], strict=True):
            for _ in range(config.depth - 1):
                layers += [
                    nn.Conv2d(channels, channels, 3, padding=1, bias=False),
                    nn.BatchNorm2d(channels),
                    generator_activation(config),
                ]
            if following:
                layers += [
                    nn.ConvTranspose2d(channels, following, 4, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(following),
                    generator_activation(config),
                ]
        layers += [nn.ConvTranspose2d(widths[-1], shape.channels, 4, stride=2, padding=1), output_activation(pixels)]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Float[Tensor, "n latent"], labels: Tensor | None = None) -> Float[Tensor, "n c h w"]:
        return self.layers(self.input(z, labels))


class DCGANDiscriminator(nn.Module):
    """Discriminator: an image → 4×4 convolutions with stride 2 to 14×14 and 7×7 → one logit.

    BatchNorm follows every convolution except the first.
    """

    def __init__(self, config: NetworkConfig, shape: ImageShape) -> None:
        super().__init__()
        side, stages = pyramid(config, shape, "discriminator", "dcgan")
        widths = stage_widths(config, stages)[::-1]
        wide = widths[-1]
        layers: list[nn.Module] = [
            nn.Conv2d(shape.channels, widths[0], 4, stride=2, padding=1),
            discriminator_activation(config),
        ]
        for channels, following in pairwise(widths):
            layers += [
                nn.Conv2d(channels, following, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(following),
                discriminator_activation(config),
            ]
        for _ in range((config.discriminator_depth or config.depth) - 1):
            layers += [
                nn.Conv2d(wide, wide, 3, padding=1, bias=False),
                nn.BatchNorm2d(wide),
                discriminator_activation(config),
            ]
        self.layers = nn.Sequential(*layers, FromMap())
        self.head = LogitHead(wide * side * side, shape.classes)

    def forward(self, images: Float[Tensor, "n c h w"], labels: Tensor | None = None) -> Float[Tensor, "n *k"]:
        return self.head(self.layers(images), labels)


def stage_widths(config: NetworkConfig, stages: int) -> list[int]:
    """Returns the channels at each resolution below the image's, from the lowest.

    The highest has `hidden_dim`, and each one below it twice as many (Radford et al. 2016, figure 1), up to four
    times `hidden_dim`.
    """
    return [scaled(min(WIDEST, 2**stage) * config.hidden_dim, config) for stage in reversed(range(stages))]
