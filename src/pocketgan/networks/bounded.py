"""Whether a discriminator returns probabilities instead of logits: a test of what it does, however it is written.

A sigmoid at the end keeps every output in [0, 1], whatever the weights and the images are. Logits leave that range as
soon as weights or images are large, or change their sign.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pocketgan.networks.layers import ImageShape

TRIALS = ((1.0, 0.0), (1.0, 0.1), (4.0, 0.1), (16.0, 0.1), (4.0, 1.0), (1.0, 0.1), (16.0, 0.1), (4.0, 0.1))
"""Each trial's factor on the weights, and the share of noise that is added to them."""
SCALES = (1.0, 30.0, 1000.0)
"""Factors on the images."""
SLACK, LEAST_RANGE = 1e-4, 0.1
"""Rounding errors, and the least range of outputs: equal outputs, such as zeros, say nothing."""


def gives_probabilities(build: Callable[[int], nn.Module], shape: ImageShape) -> bool:
    """Returns whether a discriminator's outputs lie in [0, 1] for all weights and images that are tried.

    PyTorch's global random numbers stay as they are. Trials that the network refuses, or whose outputs aren't finite,
    say nothing.

    Args:
        build: creates the discriminator, in the signature of the package's, with the initial weights of a seed.
        shape: the images.
    """
    lowest, highest = float("inf"), float("-inf")
    for seed, (factor, noise) in enumerate(TRIALS):
        random = torch.Generator().manual_seed(seed)
        network = build(seed).eval()
        shake(network, factor, noise, random)
        images = pictures(shape, random)
        labels = torch.arange(len(images)) % shape.classes if shape.classes else None
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                outputs = network(images, labels)
        except Exception:  # A network of one's own may refuse images of another range.
            continue
        outputs = outputs[outputs.isfinite()]
        if not len(outputs):
            continue
        lowest, highest = min(lowest, outputs.min().item()), max(highest, outputs.max().item())
        if lowest < -SLACK or highest > 1 + SLACK:
            return False
    return highest - lowest > LEAST_RANGE


def shake(network: nn.Module, factor: float, noise: float, random: torch.Generator) -> None:
    """Multiplies each parameter by a factor of random sign, and adds noise to it."""
    with torch.no_grad():
        for parameter in network.parameters():
            sign = 1 - 2 * torch.randint(2, (), generator=random).item()
            added = torch.randn(parameter.shape, generator=random).to(parameter)
            parameter.mul_(sign * factor).add_(added, alpha=noise * factor)


def pictures(shape: ImageShape, random: torch.Generator) -> Tensor:
    """Returns images of several kinds and scales: black, gray, white, half of both, and noise; (N, C, H, W)."""
    size = (shape.channels, shape.size, shape.size)
    half = torch.ones(size)
    half[..., : shape.size // 2] = -1
    plain = [torch.full(size, value) for value in (-1.0, 0.0, 1.0)]
    kinds = torch.stack([*plain, half, -half, *torch.randn(3, *size, generator=random)])
    return torch.cat([kinds * scale for scale in SCALES])
