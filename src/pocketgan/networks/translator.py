"""Networks of `translator`: an encoder and a decoder with skips, and a discriminator that sees input and output.

The generator is a U-Net (Ronneberger et al. 2015; Isola et al. 2017, section 3.2.1). Its most expensive layers work at
half the image's side and below; pixel shuffle changes the resolution without a cost (Shi et al. 2016).
"""

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pocketgan.config.sections import NetworkConfig
from pocketgan.networks.layers import (
    FromMap,
    ImageShape,
    LogitHead,
    discriminator_activation,
    generator_activation,
    output_activation,
    scaled,
    side_error,
)

COARSEST = 8
"""Sides are halved, after the first two times, while they are even and larger than this."""
LEVEL = 0.5 / 255
"""Half a gray level, where 1 is white."""
WIDEST = 4
"""Largest width in multiples of `hidden_dim`."""


def sides(shape: ImageShape, field: str) -> list[int]:
    """Returns the sides of the maps in pixels: half the image's side, a quarter, and less for large images.

    Raises:
        ConfigError: the side isn't a multiple of 4.
    """
    if shape.size % 4:
        raise side_error(shape, field, "translator")
    result = [shape.size // 2, shape.size // 4]
    while result[-1] > COARSEST and result[-1] % 2 == 0:
        result.append(result[-1] // 2)
    return result


class Block(nn.Module):
    """Residual block of two convolutions with BatchNorm: x + f(x) (He et al. 2016)."""

    def __init__(self, channels: int, config: NetworkConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            generator_activation(config),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return maps + self.layers(maps)


def convolution(inputs: int, outputs: int, config: NetworkConfig, stride: int = 1) -> nn.Sequential:
    """Returns a 3×3 convolution (4×4 with a stride of 2) with BatchNorm and the generator's activation."""
    kernel = 3 if stride == 1 else 4
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        generator_activation(config),
    )


class TranslatorGenerator(nn.Module):
    """Generator: an image → half its side → a quarter (and less) → `depth` residual blocks → back → an image.

    Every map on the way down is joined to the map of the same side on the way up, and the image itself to the last
    layer's input; see `before_output`.
    """

    reads_images = True

    def __init__(self, config: NetworkConfig, shape: ImageShape, pixels: str) -> None:
        super().__init__()
        halvings = len(sides(shape, "generator"))
        narrow = scaled(config.hidden_dim, config)
        widths = [narrow * min(2**level, WIDEST) for level in range(halvings)]
        self.first = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * shape.channels, narrow, 3, padding=1),
            generator_activation(config),
        )
        pairs = list(itertools.pairwise(widths))
        self.down = nn.ModuleList([convolution(wide, wider, config, stride=2) for wide, wider in pairs])
        self.middle = nn.Sequential(*[Block(widths[-1], config) for _ in range(config.depth)])
        self.up = nn.ModuleList(
            [nn.Sequential(convolution(wider, 4 * wide, config), nn.PixelShuffle(2)) for wide, wider in reversed(pairs)]
        )
        self.join = nn.ModuleList([convolution(2 * wide, wide, config) for wide, _ in reversed(pairs)])
        fine = max(1, narrow // 2)
        self.spread = nn.Sequential(convolution(narrow, 4 * fine, config), nn.PixelShuffle(2))
        self.last = nn.Conv2d(fine + shape.channels, shape.channels, 3, padding=1)
        self.output = output_activation(pixels)

    def forward(self, images: Float[Tensor, "n c h w"], labels: Tensor | None = None) -> Float[Tensor, "n c h w"]:
        maps = [self.first(images)]
        for down in self.down:
            maps.append(down(maps[-1]))
        result = self.middle(maps.pop())
        for up, join in zip(self.up, self.join, strict=True):
            result = join(torch.cat([up(result), maps.pop()], dim=1))
        return self.output(self.last(torch.cat([self.spread(result), self.before_output(images)], dim=1)))

    def before_output(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Returns what the output's activation would turn into the images: its inverse, bounded at half a gray level.

        A copy of the image, or its negative, then needs only one weight, and gray levels between are exact.
        """
        unit = images if isinstance(self.output, nn.Sigmoid) else (images + 1) / 2
        logits = unit.clamp(LEVEL, 1 - LEVEL).logit()
        return logits if isinstance(self.output, nn.Sigmoid) else logits / 2


class TranslatorDiscriminator(nn.Module):
    """Discriminator: an input and its output → half the side → a quarter (and less) → one logit.

    It has no normalization, so that R1 and R2 get separate gradients for each pair.
    """

    reads_pairs = True

    def __init__(self, config: NetworkConfig, shape: ImageShape) -> None:
        super().__init__()
        places = sides(shape, "discriminator")
        narrow = scaled(config.hidden_dim, config)
        self.channels = shape.channels
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(2),
            nn.Conv2d(8 * shape.channels, narrow, 3, padding=1),
            discriminator_activation(config),
        ]
        channels = narrow
        for level in range(1, len(places)):
            wide = narrow * min(2**level, WIDEST)
            layers += [nn.Conv2d(channels, wide, 4, stride=2, padding=1), discriminator_activation(config)]
            channels = wide
        for _ in range(config.discriminator_depth or config.depth):
            layers += [nn.Conv2d(channels, channels, 3, padding=1), discriminator_activation(config)]
        self.layers = nn.Sequential(*layers, FromMap())
        self.head = LogitHead(channels * places[-1] ** 2, shape.classes)

    def forward(self, images: Float[Tensor, "n pairs h w"], labels: Tensor | None = None) -> Float[Tensor, "n *k"]:
        """Returns the logits.

        Args:
            images: each input followed by its output, (N, 2C, H, W); or images alone, (N, C, H, W), which are judged
                without an input.
            labels: as in all discriminators.
        """
        if images.shape[1] == self.channels:
            images = torch.cat([torch.zeros_like(images), images], dim=1)
        return self.head(self.layers(images), labels)
