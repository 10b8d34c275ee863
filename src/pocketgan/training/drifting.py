"""The objective `drifting` (Deng et al. 2026, arXiv 2602.04770): a generator in one step, without a discriminator.

Each generated image is moved by a field that attracts it to real images of its class and repels it from other generated
ones. The generator learns to return the moved images. The field is zero where the two distributions are equal. The
paper measures distances in features of a pretrained encoder; here they are distances of pixels.
"""

import torch
from jaxtyping import Float
from torch import Tensor

TEMPERATURES = (0.02, 0.05, 0.2)
"""Widths of the kernel, as shares of the mean distance (section 3.5 of the paper)."""
FAR = 1e6
"""A distance that keeps an image from repelling itself."""


def drifting_loss(made: Float[Tensor, "k n d"], real: Float[Tensor, "k p d"]) -> Tensor:
    """Returns the mean squared distance of generated images to where the field moves them, a scalar.

    Its gradient is the drift itself. Its value is nearly the same all the time, since the drift is normalized; it says
    nothing about the quality.

    Args:
        made: generated images of K classes, attached to their graph.
        real: real images of the same classes.
    """
    fixed = made.detach()
    with torch.no_grad():
        scale, total = field(fixed, real)
    return (made / scale - (fixed / scale + total)).square().mean()


def field(made: Float[Tensor, "k n d"], real: Float[Tensor, "k p d"]) -> tuple[Tensor, Float[Tensor, "k n d"]]:
    """Returns the scale of the distances and the drift of generated images, both as in section 3.5 of the paper.

    Args:
        made: generated images of K classes.
        real: real images of the same classes.

    Returns:
        The divisor that makes the mean distance √D, a scalar; and the sum over the temperatures of the drift at that
        scale, each divided by its root mean square.
    """
    to_real, to_made = torch.cdist(made, real), torch.cdist(made, made)
    mean = to_real.mean().clamp_min(1e-6)
    own = torch.eye(made.shape[1], dtype=torch.bool, device=made.device)
    to_made = to_made.masked_fill(own, FAR)
    total = torch.zeros_like(made)
    for temperature in TEMPERATURES:
        one = drift(to_real, to_made, real, made, temperature * mean)
        total += one / one.square().mean().sqrt().clamp_min(1e-12)
    return mean / made.shape[2] ** 0.5, total


def drift(
    to_real: Float[Tensor, "k n p"],
    to_made: Float[Tensor, "k n m"],
    real: Float[Tensor, "k p d"],
    made: Float[Tensor, "k m d"],
    width: Tensor | float,
) -> Float[Tensor, "k n d"]:
    """Returns the drift at N places, V = Σ w⁺ y⁺ − Σ w⁻ y⁻ (equation 11 of the paper).

    The weights are products of two kernels exp(−‖x − y‖ / τ), which are normalized over the targets y and over the
    places x (its algorithm 2). Exchanging the real and the generated images changes the sign of V, so that V is 0 where
    their distributions are equal.

    Args:
        to_real, to_made: the distances ‖x − y‖ of the places from the images.
        real, made: the images y⁺ and y⁻.
        width: the width τ of the kernel.
    """
    targets = made.shape[1]
    logits = -torch.cat([to_real, to_made], dim=2) / width
    weights = (logits.softmax(dim=2) * logits.softmax(dim=1)).sqrt()
    near_real, near_made = weights[:, :, :-targets], weights[:, :, -targets:]
    attraction = near_real * near_made.sum(dim=2, keepdim=True)
    repulsion = near_made * near_real.sum(dim=2, keepdim=True)
    return attraction @ real - repulsion @ made
