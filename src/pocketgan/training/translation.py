"""What image-to-image translation adds to a training step: what the discriminator sees, and the reconstruction loss."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from pocketgan.config.sections import RunConfig
from pocketgan.images.batches import Batch


def seen(images: Tensor, source: Tensor, config: RunConfig) -> Float[Tensor, "n channels h w"]:
    """Returns what the discriminator sees of images: each one after its input, (N, 2C, H, W), or the image alone.

    Args:
        images: outputs or targets, (N, C, H, W).
        source: their inputs, of the same shape.
        config: the run's configuration, whose discriminator sees pairs (Isola et al. 2017, equation 1) or not.
    """
    return torch.cat([source, images], dim=1) if config.reads_pairs else images


def with_inputs(batch: Batch, config: RunConfig) -> Batch:
    """Returns a batch whose real images are what the discriminator sees of them; see `seen`."""
    return replace(batch, real=seen(batch.real, batch.source, config)) if config.reads_pairs else batch


def reconstruction(output: Tensor, target: Tensor) -> Tensor:
    """Returns the mean absolute difference, a scalar (Isola et al. 2017, equation 3)."""
    return (output - target).abs().mean()


def with_reconstruction(loss: Tensor, output: Tensor, target: Tensor, config: RunConfig) -> Tensor:
    """Returns the weighted sum of the generator's adversarial loss and its reconstruction loss, a scalar.

    Args:
        loss: the adversarial loss, a scalar.
        output, target: (N, C, H, W).
        config: the run's configuration.
    """
    objective = config.objective
    if objective.adversarial_weight != 1:
        loss = objective.adversarial_weight * loss
    if objective.reconstruction_weight:
        loss = loss + objective.reconstruction_weight * reconstruction(output, target)
    return loss
