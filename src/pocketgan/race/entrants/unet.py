"""A small U-Net for images with noise in them, whose convolutions are at a half and a quarter of the image's side."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu


class Block(nn.Module):
    """A residual block whose second half is scaled and shifted by the time and the class.

    Its last convolution starts at 0, so that the block starts as the identity (or as its 1×1 convolution).
    """

    def __init__(self, into: int, out: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(into, out, 3, padding=1)
        self.second = nn.Conv2d(out, out, 3, padding=1)
        self.norm = nn.GroupNorm(out // 8, out)
        self.modulate = nn.Linear(embedding, 2 * out)
        self.past = nn.Conv2d(into, out, 1) if into != out else nn.Identity()
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Float[Tensor, "n c h w"], embedding: Float[Tensor, "n e"]) -> Float[Tensor, "n d h w"]:
        scale, shift = self.modulate(embedding)[:, :, None, None].chunk(2, dim=1)
        inside = self.norm(self.first(silu(x))) * (1 + scale) + shift
        return self.past(x) + self.second(silu(inside))


class UNet(nn.Module):
    """Reads an image with noise, how much of it, and a class; returns a map of the image's shape.

    Pixel unshuffle brings the image to half of its side. One block there, two at a quarter, and one at half of the side
    again, which sees the first one's output, too.

    Args:
        channels: channels of the image.
        classes: number of classes; 0 for none.
        width: channels at half of the side; twice as many at a quarter.
        frequencies: number of frequencies in the embedding of the time.
    """

    waves: Tensor

    def __init__(self, channels: int, classes: int, width: int = 32, frequencies: int = 16) -> None:
        super().__init__()
        inner = 4 * width
        waves = torch.exp(torch.linspace(math.log(1.0), math.log(100.0), frequencies))
        self.register_buffer("waves", waves, persistent=False)
        self.time = nn.Sequential(nn.Linear(2 * frequencies, inner), nn.SiLU(), nn.Linear(inner, inner))
        self.label = nn.Embedding(classes, inner) if classes else None
        self.enter = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, width, 3, padding=1))
        self.above = Block(width, width, inner)
        self.down = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * width, 2 * width, 1))
        self.below = nn.ModuleList([Block(2 * width, 2 * width, inner) for _ in range(2)])
        self.up = nn.Sequential(nn.Conv2d(2 * width, 4 * width, 1), nn.PixelShuffle(2))
        self.end = Block(2 * width, width, inner)
        self.leave = nn.Sequential(nn.SiLU(), nn.Conv2d(width, 4 * channels, 3, padding=1), nn.PixelShuffle(2))
        last = self.leave[1]
        assert isinstance(last, nn.Conv2d)
        nn.init.zeros_(last.weight)

    def forward(
        self, images: Float[Tensor, "n c h w"], time: Float[Tensor, " n"], labels: Tensor | None
    ) -> Float[Tensor, "n c h w"]:
        """Returns a field of the images' shape for noisy images, their times in [0, 1], and their classes."""
        angles = time[:, None] * self.waves
        embedding = self.time(torch.cat([angles.sin(), angles.cos()], dim=1))
        if self.label is not None:
            assert labels is not None, "a conditional network needs labels"
            embedding = embedding + self.label(labels)
        embedding = silu(embedding)
        above = self.above(self.enter(images), embedding)
        below = self.down(above)
        for block in self.below:
            below = block(below, embedding)
        return self.leave(self.end(torch.cat([self.up(below), above], dim=1), embedding))
