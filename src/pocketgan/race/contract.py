"""What an entrant of a race is: a class that is built, makes training steps, and samples. The race holds the clock."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pocketgan.base.errors import UserError
from pocketgan.images.batches import DataOrder
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import to_network

Sampler = Callable[[int, Tensor | None, int], Tensor]
"""A function of a number of images, their requested classes (int64 (N,), or None without classes) and a seed.

It returns images in [-1, 1], float32 (N, C, H, W).
"""
CHUNK = 500
"""Number of images that are generated at once."""


@dataclass
class Task:
    """What an entrant trains on.

    Attributes:
        images: the training images, uint8 (N, C, H, W).
        labels: their classes, int64 (N,), or None.
        classes: number of classes; 0 without labels.
        seed: seed of all that is random.
    """

    images: UInt8[Tensor, "n c h w"]
    labels: Tensor | None
    classes: int
    seed: int
    _order: DataOrder = field(init=False, repr=False)
    _position: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._order = DataOrder(len(self.images), "epoch", self.seed)

    @property
    def channels(self) -> int:
        """Number of channels of an image."""
        return self.images.shape[1]

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        return self.images.shape[2]

    def batch(self, size: int) -> tuple[Float[Tensor, "n c h w"], Tensor | None]:
        """Returns the next images in [-1, 1], and their classes; every image is shown once per epoch."""
        chosen = self._order.indices(self._position, size)
        self._position += size
        labels = None if self.labels is None else self.labels[chosen]
        return to_network(self.images[chosen], "signed"), labels

    def random(self, name: str) -> torch.Generator:
        """Returns a random generator for one use, such as `noise`; two names give independent numbers."""
        return torch.Generator().manual_seed(derived_seed(self.seed, name))


@runtime_checkable
class Entrant(Protocol):
    """An entrant. Its constructor takes a `Task` and is part of the training time, as its steps are.

    Attributes:
        batch_size: number of training images per step.
        samplers: ways to sample, by name. The first is the one that is judged by the study; others, such as one with
            fewer steps, are judged beside.
        sampling: the networks that sampling needs.
        training: those that only training needs, such as a discriminator; may be empty.
    """

    @property
    def batch_size(self) -> int: ...

    @property
    def samplers(self) -> Mapping[str, Sampler]: ...

    @property
    def sampling(self) -> nn.Module: ...

    @property
    def training(self) -> nn.Module: ...

    def step(self, progress: float) -> Mapping[str, Tensor | float]:
        """Trains on one batch.

        Args:
            progress: the share of the training time that is over, from 0 to 1, for schedules.

        Returns:
            Values to log by name: `d_loss` and `g_loss`, or others such as `loss`.
        """
        ...


Make = Callable[[Task], Entrant]


def parameters_of(network: nn.Module) -> int:
    """Returns the number of parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
def sampled(
    generator: Callable[[Tensor, Tensor | None], Tensor], count: int, latent_dim: int, labels: Tensor | None, seed: int
) -> Float[Tensor, "n c h w"]:
    """Returns images of a one-step generator.

    Args:
        generator: a function of latents (n, latent_dim) and classes (n,) or None, in evaluation mode.
        count: number of images.
        latent_dim: length of the latents.
        labels: the requested classes, (count,), or None.
        seed: the seed of the latents.
    """
    z = torch.randn(count, latent_dim, generator=torch.Generator().manual_seed(seed))
    parts = [slice(start, start + CHUNK) for start in range(0, count, CHUNK)]
    return torch.cat([generator(z[part], None if labels is None else labels[part]).float() for part in parts])


def check_images(images: Any, way: str, shape: tuple[int, ...]) -> None:
    """Checks what a sampler returned.

    Raises:
        UserError: it isn't a float tensor of this shape.
    """
    if not isinstance(images, Tensor):
        raise UserError(
            "images of an entrant", field="samplers", way=way, expected=str(shape), found=type(images).__name__
        )
    if images.shape != shape or not images.is_floating_point():
        found = f"{images.dtype} {tuple(images.shape)}"
        raise UserError("images of an entrant", field="samplers", way=way, expected=str(shape), found=found)


class Average:
    """An exponential moving average of a network, whose half-life is a share of the images seen so far.

    Karras et al. (2022), appendix F.3: a half-life that grows with training forgets the beginning.

    Args:
        network: the network in training.
        share: half-life as a share of the images seen so far.

    Attributes:
        network: the averaged network, in evaluation mode.
    """

    def __init__(self, network: nn.Module, share: float = 0.05) -> None:
        self._source, self._share, self._seen = network, share, 0
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, images: int) -> None:
        """Moves the average towards the network, after a step with a number of images."""
        self._seen += images
        weight = 1 - 0.5 ** (images / (self._share * self._seen))
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            list(self.network.parameters()), list(self._source.parameters()), weight
        )
        for averaged, buffer in zip(self.network.buffers(), self._source.buffers(), strict=True):
            if buffer.is_floating_point():
                averaged.lerp_(buffer, weight)
            else:
                averaged.copy_(buffer)


def cosine(progress: float, start: float = 0.5) -> float:
    """Returns the factor on a learning rate that is constant until `start` and then falls to 0 as half a cosine."""
    after = max(0.0, (min(progress, 1.0) - start) / (1 - start))
    return 0.5 * (1 + math.cos(math.pi * after))
