"""Tiny networks for Pocketgan: `pip install` this folder, then `pocketgan train tiny`."""

from torch import Tensor, nn

from pocketgan.config import recipes
from pocketgan.config.fields import replace
from pocketgan.config.sections import RunConfig


class TinyGenerator(nn.Module):
    """One hidden layer: z → images."""

    def __init__(self, latent_dim: int, shape, *, hidden: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, shape.pixels), nn.Tanh()
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class TinyDiscriminator(nn.Module):
    """One hidden layer: images → logits."""

    def __init__(self, shape, *, hidden: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(shape.pixels, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


def recipe() -> RunConfig:
    """The smallest recipe: one hidden layer each."""
    return replace(recipes.mlp(), recipe="tiny", generator="tiny", discriminator="tiny", latent_dim=16)
