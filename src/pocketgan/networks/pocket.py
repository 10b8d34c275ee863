"""Networks of `pocket`, with most convolutions at a pyramid of the image's side, where they are cheap.

Pixel shuffle changes the resolution by moving pixels into channels and back, at no cost (Shi et al. 2016). The
discriminator has no normalization, since R1 and R2 need separate gradients for each image (Huang et al. 2024).
"""

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

FLAT = 2
"""Stages up to which the generator has no convolution at the image's own resolution: below 40 pixels a side."""


class PocketGenerator(nn.Module):
    """Generator: z and class → dense → 7×7 → `depth` convolutions → 14×14, one convolution → 28×28 → an image.

    For other sizes, the lowest resolution is 4 to 8 pixels. Each further doubling has one more convolution, and so has
    the image's own resolution, to blend the pixels that pixel shuffle puts side by side. See `stage_widths` for the
    channels.
    """

    reads_images = False

    def __init__(self, config: NetworkConfig, shape: ImageShape, pixels: str) -> None:
        super().__init__()
        side, stages = pyramid(config, shape, "generator", "pocket")
        widths = stage_widths(config, stages)
        wide = widths[0]
        self.input = LatentInput(config.latent_dim, shape.classes)
        layers: list[nn.Module] = [
            nn.Linear(self.input.out_features, wide * side * side, bias=False),
            ToMap(wide, side),
            nn.BatchNorm2d(wide),
            generator_activation(config),
        ]
        for into in [wide] * (config.depth - 1) + [4 * widths[1]]:
            layers += [
                nn.Conv2d(wide, into, 3, padding=1, bias=False),
                nn.BatchNorm2d(into),
                generator_activation(config),
            ]
        for width, following in zip(widths[1:], [*widths[2:], None], strict=True):
            into = width if following is None else 4 * following
            layers += [
                nn.PixelShuffle(2),
                nn.Conv2d(width, into, 3, padding=1, bias=False),
                nn.BatchNorm2d(into),
                generator_activation(config),
            ]
        if stages == FLAT:
            layers += [nn.Conv2d(widths[-1], 4 * shape.channels, 3, padding=1), nn.PixelShuffle(2)]
        else:
            thin = widths[-1] // 2
            layers += [
                nn.Conv2d(widths[-1], 4 * thin, 3, padding=1),
                nn.PixelShuffle(2),
                generator_activation(config),
                nn.Conv2d(thin, shape.channels, 3, padding=1),
            ]
        layers.append(output_activation(pixels))
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Float[Tensor, "n latent"], labels: Tensor | None = None) -> Float[Tensor, "n c h w"]:
        return self.layers(self.input(z, labels))


class PocketDiscriminator(nn.Module):
    """Discriminator: an image → 14×14, two convolutions → 7×7, `discriminator_depth` convolutions → one logit.

    For other sizes, it halves the resolution as often as the generator doubles it, with one convolution each.
    """

    def __init__(self, config: NetworkConfig, shape: ImageShape) -> None:
        super().__init__()
        side, stages = pyramid(config, shape, "discriminator", "pocket")
        widths = stage_widths(config, stages)[::-1]
        wide = widths[-1]
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * shape.channels, widths[0], 3, padding=1),
            discriminator_activation(config),
        ]
        for width, following in pairwise(widths):
            layers += [nn.Conv2d(width, width, 3, padding=1), discriminator_activation(config), nn.PixelUnshuffle(2)]
            if following != wide:
                layers += [nn.Conv2d(4 * width, following, 3, padding=1), discriminator_activation(config)]
        channels = 4 * widths[-2]
        for _ in range(config.discriminator_depth or config.depth):
            layers += [nn.Conv2d(channels, wide, 3, padding=1), discriminator_activation(config)]
            channels = wide
        self.layers = nn.Sequential(*layers, FromMap())
        self.head = LogitHead(wide * side * side, shape.classes)

    def forward(self, images: Float[Tensor, "n c h w"], labels: Tensor | None = None) -> Float[Tensor, "n *k"]:
        return self.head(self.layers(images), labels)


def stage_widths(config: NetworkConfig, stages: int) -> list[int]:
    """Returns the channels at each resolution below the image's, from the lowest.

    The lowest has twice `hidden_dim`, the next one `hidden_dim`, and further ones half of it.
    """
    narrow = scaled(config.hidden_dim, config)
    further = [max(1, narrow // 2)] * (stages - 2)
    return [2 * narrow, narrow, *further]
