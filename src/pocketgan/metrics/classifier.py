"""A small convolutional classifier: the network behind the feature spaces `digits`, `classifier` and `random`."""

import copy
import itertools
import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import to_network

Network = TypeVar("Network", bound=nn.Module)
FEATURES = 128
LARGEST_SIDE = 32
"""Maximum side in pixels; larger images are first averaged down to it."""
BATCH, RATE, WEIGHT_DECAY = 200, 4e-3, 0.02
TURN, STRETCH, SHEAR, SHIFT = math.radians(12), 0.1, 0.2, 0.18
"""Augmentation: the maximum amounts in either direction; the shift is a share of half the side."""


class Classifier(nn.Module):
    """Classifier of three convolutions, a hidden dense layer of 128 features and a linear layer to the classes.

    Args:
        channels: the channels of the images, 1 or 3.
        classes: the number of classes.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
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
        self.head = nn.Linear(FEATURES, classes)
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def forward(self, images: Float[Tensor, "n c h w"]) -> tuple[Float[Tensor, "n 128"], Float[Tensor, "n classes"]]:
        """Returns the features and the logits of images in [0, 1]."""
        features = self.body(images.contiguous(memory_format=torch.channels_last))
        return features, self.head(features)


def block(inputs: int, outputs: int, side: int, stride: int = 1) -> nn.Sequential:
    """Returns a convolution of `side`×`side` with BatchNorm and ReLU; the size stays, or is divided by the stride."""
    convolution = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def prepare(images: UInt8[Tensor, "n c h w"]) -> Float[Tensor, "n c h2 w2"]:
    """Converts images to [0, 1], reduced to at most 32 pixels per side."""
    floats = to_network(images, "unit")
    side = max(floats.shape[2:])
    return floats if side <= LARGEST_SIDE else functional.interpolate(floats, (LARGEST_SIDE, LARGEST_SIDE), mode="area")


def new_classifier(channels: int, classes: int, seed: int = 0) -> Classifier:
    """Creates a classifier with weights from `seed`; PyTorch's global random generator is unchanged."""
    with torch.random.fork_rng(devices=[]):
        return initialise(Classifier(channels, classes), seed)


def initialise(network: Classifier, seed: int) -> Classifier:
    """Initializes a network's weights from the seed alone (He et al. 2015: uniform, by fan-in)."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "classifier"))
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                fan_in = parameter[0].numel()
                draws = torch.rand(parameter.shape, generator=generator)
                parameter.copy_((2 * draws - 1) * math.sqrt(6 / fan_in))
        network.head.bias.zero_()
    return network


def fit(
    network: Classifier,
    images: UInt8[Tensor, "n c h w"],
    labels: Int64[Tensor, "n"],
    *,
    epochs: float,
    seed: int,
) -> Iterator[float]:
    """Trains a classifier in place, and yields the completed share after each step.

    AdamW, a one-cycle learning rate (Smith & Topin 2017), cross-entropy; each image is rotated, sheared, stretched and
    shifted at random.

    Args:
        network: a network with initial weights.
        images, labels: the training images and the indices of their classes.
        epochs: the duration of training, in epochs.
        seed: the seed of the order and of the augmentation.
    """
    generator = torch.Generator().manual_seed(derived_seed(seed, "fit"))

    def loss_of(chosen: Tensor) -> Tensor:
        _, logits = network(distort(prepare(images[chosen]), generator))
        return functional.cross_entropy(logits, labels[chosen])

    yield from minimize(network, loss_of, len(images), epochs=epochs, generator=generator)


def minimize(
    network: nn.Module, loss_of: Callable[[Tensor], Tensor], count: int, *, epochs: float, generator: torch.Generator
) -> Iterator[float]:
    """Minimizes a loss over batches of 200 images in random order, and yields the completed share after each step.

    AdamW and a one-cycle learning rate (Smith & Topin 2017).

    Args:
        network: the network, which is in evaluation mode afterwards.
        loss_of: returns the loss of a batch, given the places of its images, int64 (N,).
        count: the number of training images.
        epochs: the duration of training, in epochs.
        generator: draws the order.
    """
    size = min(BATCH, count)
    steps = max(1, round(epochs * count / size))
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=max(10, steps), pct_start=0.2)
    network.train()
    order = torch.empty(0, dtype=torch.int64)
    for step in range(steps):
        if len(order) < size:
            order = torch.randperm(count, generator=generator)
        chosen, order = order[:size], order[size:]
        loss = loss_of(chosen)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield (step + 1) / steps
    network.eval()


def distort(images: Float[Tensor, "n c h w"], generator: torch.Generator) -> Float[Tensor, "n c h w"]:
    """Rotates, shears, stretches and shifts each image by its own random amounts; empty areas become black."""

    def draw(reach: float) -> Tensor:
        return reach * (2 * torch.rand(len(images), generator=generator) - 1)

    turn, shear, shift_x, shift_y = draw(TURN), draw(SHEAR), draw(SHIFT), draw(SHIFT)
    wide, high = 1 + draw(STRETCH), 1 + draw(STRETCH)
    cosine, sine = turn.cos(), turn.sin()
    matrix = torch.stack([wide * cosine, shear - wide * sine, shift_x, high * sine, high * cosine, shift_y], dim=1)
    grid = functional.affine_grid(matrix.view(-1, 2, 3), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", align_corners=False)


def fused(network: Network) -> Network:
    """Returns a faster, equivalent copy for use after training, with each BatchNorm folded into the layer before it."""
    quick = copy.deepcopy(network).eval()
    body = quick.get_submodule("body")
    assert isinstance(body, nn.Sequential)
    layers = [*(part for part in body if isinstance(part, nn.Sequential)), body]
    for layer in layers:
        for index, (before, norm) in enumerate(itertools.pairwise(list(layer))):
            if isinstance(before, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                layer[index], layer[index + 1] = fuse_conv_bn_eval(before, norm), nn.Identity()
            elif isinstance(before, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                layer[index], layer[index + 1] = fuse_linear_bn_eval(before, norm), nn.Identity()
    return quick.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


@torch.no_grad()
def classify(
    network: nn.Module, images: UInt8[Tensor, "n c h w"], batch: int = 100
) -> tuple[Float[Tensor, "n 128"], Float[Tensor, "n classes"]]:
    """Returns the features and logits of images, computed batch by batch in evaluation mode."""
    device = next(network.parameters()).device
    pieces = [network.eval()(prepare(piece.to(device))) for piece in images.split(batch)]
    return torch.cat([features for features, _ in pieces]).cpu(), torch.cat([logits for _, logits in pieces]).cpu()


def accuracy(network: nn.Module, images: UInt8[Tensor, "n c h w"], labels: Int64[Tensor, "n"]) -> float:
    """Returns the share of images that the network classifies correctly, in [0, 1]."""
    return (classify(network, images)[1].argmax(dim=1) == labels).double().mean().item()
