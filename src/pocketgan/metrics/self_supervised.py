"""A small network that learns from images without labels: the encoder of the feature space `self-supervised`.

Two random distortions of an image must have similar projections, while over a batch all projected numbers vary and
aren't correlated (VICReg: Bardes, Ponce and LeCun 2022). No labels are used.
"""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import to_network
from pocketgan.metrics.classifier import FEATURES, block, distort, minimize

BASE_SIDE = 32
"""Larger images are first halved by stages with a stride of two, so that fine detail is still seen."""
STEM = 16
"""Channels of those stages."""
PROJECTED = 64
"""Length of the vectors that the loss compares; they aren't used as features."""
INVARIANCE, VARIANCE, COVARIANCE = 25.0, 25.0, 1.0
"""Weights of the loss's terms, from the paper."""
SMALLEST_VARIANCE = 1e-4
"""Added to variances before their square root, from the paper."""
CONTRAST, TINT = 0.2, 0.2
"""Augmentation beside that of the classifier: the maximum changes of brightness, and of each color by itself."""


class Encoder(nn.Module):
    """Encoder of 128 features, and a projection head that only training uses.

    Images of more than 32 pixels first go through convolutions with a stride of two, one for each doubling. Three
    convolutions and a dense layer follow, as in `Classifier`.

    Args:
        channels: the channels of the images, 1 or 3.
        size: their side in pixels.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        stem: list[nn.Module] = []
        while size > BASE_SIDE:
            stem.append(block(channels, STEM, 5, stride=2))
            channels, size = STEM, (size + 1) // 2
        self.body = nn.Sequential(
            *stem,
            block(channels, 24, 5),
            nn.MaxPool2d(2),
            block(24, 48, 3),
            nn.MaxPool2d(2),
            block(48, 96, 3),
            nn.AdaptiveAvgPool2d(3),
            nn.Flatten(),
            nn.Linear(96 * 9, FEATURES, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Linear(FEATURES, FEATURES, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(),
            nn.Linear(FEATURES, PROJECTED),
        )
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def forward(self, images: Float[Tensor, "n c h w"]) -> tuple[Float[Tensor, "n 128"], Float[Tensor, "n 64"]]:
        """Returns the features and their projections for images in [0, 1]."""
        features = self.body(images.contiguous(memory_format=torch.channels_last))
        return features, self.head(features)


def new_encoder(channels: int, size: int, seed: int = 0) -> Encoder:
    """Creates an encoder with weights from `seed` (He et al. 2015: uniform, by fan-in); global generators stay."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "encoder"))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = Encoder(channels, size)
        for parameter in network.parameters():
            if parameter.ndim > 1:
                draws = torch.rand(parameter.shape, generator=generator)
                parameter.copy_((2 * draws - 1) * math.sqrt(6 / parameter[0].numel()))
        last = network.head[-1]
        assert isinstance(last, nn.Linear)
        last.bias.zero_()
    return network


def fit_encoder(network: Encoder, images: UInt8[Tensor, "n c h w"], *, epochs: float, seed: int) -> Iterator[float]:
    """Trains an encoder in place, and yields the completed share after each step; see `minimize` and `vicreg_loss`.

    Args:
        network: an encoder with initial weights.
        images: the training images, at least two.
        epochs: the duration of training, in epochs.
        seed: the seed of the order and of the augmentation.
    """
    generator = torch.Generator().manual_seed(derived_seed(seed, "fit encoder"))

    def loss_of(chosen: Tensor) -> Tensor:
        batch = to_network(images[chosen], "unit")
        _, projections = network(torch.cat([augment(batch, generator), augment(batch, generator)]))
        return vicreg_loss(*projections.chunk(2))

    yield from minimize(network, loss_of, len(images), epochs=epochs, generator=generator)


def vicreg_loss(first: Float[Tensor, "n d"], second: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Returns the loss of two views' projections, by equations 1 to 6 of Bardes, Ponce and LeCun 2022 (VICReg).

    Args:
        first, second: the projections of two views of each of n images, n ≥ 2, in the same order.
    """
    loss = INVARIANCE * functional.mse_loss(first, second)
    for projections in (first, second):
        centered = projections - projections.mean(dim=0)
        covariance = centered.T @ centered / (len(centered) - 1)
        variances = covariance.diagonal()
        spread = functional.relu(1 - (variances + SMALLEST_VARIANCE).sqrt()).mean()
        shared = (covariance.square().sum() - variances.square().sum()) / len(variances)
        loss = loss + VARIANCE * spread + COVARIANCE * shared
    return loss


def augment(images: Float[Tensor, "n c h w"], generator: torch.Generator) -> Float[Tensor, "n c h w"]:
    """Returns a random view of each image in [0, 1]: rotated, sheared, stretched, shifted, brighter or darker.

    Each color of color images changes by itself, too. Nothing is mirrored, since letters and digits can't be, and
    nothing is blurred or made noisy, since the features must see both.
    """
    images = distort(images, generator)
    count, channels = images.shape[:2]
    factors = 1 + CONTRAST * (2 * torch.rand(count, 1, 1, 1, generator=generator) - 1)
    if channels > 1:
        factors = factors * (1 + TINT * (2 * torch.rand(count, channels, 1, 1, generator=generator) - 1))
    return (images * factors).clamp(0, 1)


@torch.no_grad()
def encode(network: nn.Module, images: UInt8[Tensor, "n c h w"], batch: int = 100) -> Float[Tensor, "n 128"]:
    """Returns the features of images, computed batch by batch in evaluation mode."""
    network.eval()
    return torch.cat([network(to_network(piece, "unit"))[0] for piece in images.split(batch)])
