"""A DCGAN of one's own, whose discriminator can have spectral normalization (Miyato et al. 2018).

pocketgan check sn_dcgan.py
pocketgan train sn_dcgan.py:recipe
pocketgan study spectral-normalization.toml --code sn_dcgan.py
"""

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from pocketgan.config import recipes
from pocketgan.config.fields import replace
from pocketgan.config.sections import RunConfig


class Generator(nn.Module):
    """z → 7×7 → 14×14 → 28×28, by transposed convolutions."""

    def __init__(self, latent_dim: int, shape, *, channels: int = 32) -> None:
        super().__init__()
        side = shape.size // 4
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(latent_dim, 4 * channels, side, bias=False),
            nn.BatchNorm2d(4 * channels),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * channels, 2 * channels, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * channels),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * channels, shape.channels, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z[:, :, None, None])


class Discriminator(nn.Module):
    """28×28 → 14×14 → 7×7 → one logit; with BatchNorm, with spectral normalization, or with neither."""

    def __init__(self, shape, *, channels: int = 32, norm: str = "batch") -> None:
        super().__init__()
        wrapped = spectral_norm if norm == "spectral" else lambda layer: layer
        between = nn.BatchNorm2d(2 * channels) if norm == "batch" else nn.Identity()
        side = shape.size // 4
        self.layers = nn.Sequential(
            wrapped(nn.Conv2d(shape.channels, channels, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            wrapped(nn.Conv2d(channels, 2 * channels, 4, 2, 1)),
            between,
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            wrapped(nn.Linear(2 * channels * side * side, 1)),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


def recipe() -> RunConfig:
    """The settings of the DCGAN paper, for a few minutes on two cores."""
    return replace(
        recipes.dcgan(),
        recipe="sn-dcgan",
        generator=Generator,
        discriminator=Discriminator,
        batch_size=64,
        duration="2000 steps",
        evaluate_every="500 steps",
        checkpoint_every="1000 steps",
        sample_every="500 steps",
    )
