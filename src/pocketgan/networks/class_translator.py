"""Generator of `class-translator`: turns an image into any class, in the same style.

An encoder keeps a few numbers of the image, and a decoder draws them as the requested class. The class chooses the
scales and shifts of the decoder's BatchNorm (de Vries et al. 2017), so one network serves all classes (Choi et al.
2018).
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pocketgan.config.sections import NetworkConfig
from pocketgan.networks.layers import (
    FromMap,
    ImageShape,
    ToMap,
    embedded,
    generator_activation,
    output_activation,
    pyramid,
)
from pocketgan.networks.pocket import stage_widths

NAME_WIDTH = 64
"""Numbers of the learned embedding of a class."""


class ClassNorm(nn.Module):
    """BatchNorm whose scale and shift depend on the class; an ordinary one without classes."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=not classes)
        self.scale = nn.Embedding(classes, channels) if classes else None
        self.shift = nn.Embedding(classes, channels) if classes else None
        if self.scale is not None and self.shift is not None:
            nn.init.ones_(self.scale.weight)
            nn.init.zeros_(self.shift.weight)

    def forward(self, maps: Float[Tensor, "n c h w"], labels: Tensor | None) -> Float[Tensor, "n c h w"]:
        normal = self.norm(maps)
        if self.scale is None or self.shift is None:
            return normal
        assert labels is not None, "a conditional generator needs labels"
        scale, shift = embedded(self.scale, labels), embedded(self.shift, labels)
        return normal * scale[:, :, None, None] + shift[:, :, None, None]


class ClassTranslatorGenerator(nn.Module):
    """Generator: an image → half its side → … → `latent_dim` numbers; these and a class → … → an image.

    The decoder is that of `pocket`: `depth` convolutions at 4 to 8 pixels a side, and one at each further resolution.
    Without classes it returns an image like the one that it reads.
    """

    reads_images = True

    def __init__(self, config: NetworkConfig, shape: ImageShape, pixels: str) -> None:
        super().__init__()
        side, stages = pyramid(config, shape, "generator", "class-translator")
        widths = stage_widths(config, stages)
        wide = widths[0]

        # The encoder.
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * shape.channels, widths[-1], 3, padding=1),
            generator_activation(config),
        ]
        for width, following in pairwise(widths[::-1]):
            layers += [
                nn.Conv2d(width, following, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(following),
                generator_activation(config),
            ]
        self.encoder = nn.Sequential(*layers, FromMap(), nn.Linear(wide * side * side, config.latent_dim))

        # The decoder.
        self.name = nn.Embedding(shape.classes, NAME_WIDTH) if shape.classes else None
        told = NAME_WIDTH if shape.classes else 0
        self.open = nn.Sequential(nn.Linear(config.latent_dim + told, wide * side * side), ToMap(wide, side))
        steps = [(wide, wide)] * (config.depth - 1) + [(wide, 4 * widths[1])]
        steps += [(width, 4 * following) for width, following in pairwise(widths[1:])]
        self.convolutions = nn.ModuleList([nn.Conv2d(width, into, 3, padding=1, bias=False) for width, into in steps])
        self.norms = nn.ModuleList([ClassNorm(into, shape.classes) for _, into in steps])
        self.activation = generator_activation(config)
        self.shuffles = [index >= config.depth - 1 for index in range(len(steps))]
        self.last = nn.Sequential(
            nn.Conv2d(widths[-1], 4 * shape.channels, 3, padding=1), nn.PixelShuffle(2), output_activation(pixels)
        )

    def forward(self, images: Float[Tensor, "n c h w"], labels: Tensor | None = None) -> Float[Tensor, "n c h w"]:
        """Returns an image of the requested class for each image.

        Args:
            images: in the range of the pixels that the networks see, (N, C, S, S).
            labels: the requested classes, int64 (N,), or weights of all classes, float (N, K); None without classes.
        """
        code = self.encoder(images)
        if self.name is not None:
            assert labels is not None, "a conditional generator needs labels"
            code = torch.cat([code, embedded(self.name, labels)], dim=1)
        maps = self.open(code)
        for convolution, norm, shuffle in zip(self.convolutions, self.norms, self.shuffles, strict=True):
            maps = self.activation(norm(convolution(maps), labels))
            maps = nn.functional.pixel_shuffle(maps, 2) if shuffle else maps
        return self.last(maps)
