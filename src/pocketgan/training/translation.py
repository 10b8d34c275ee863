"""What image-to-image translation adds to a training step: what the discriminator sees, and losses beside its own."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pocketgan.config.sections import RunConfig
from pocketgan.images.batches import Batch
from pocketgan.training.state import TrainState, autocast


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


def with_consistency(loss: Tensor, output: Tensor, batch: Batch, state: TrainState, config: RunConfig) -> Tensor:
    """Returns the weighted sum of the generator's losses without pairs, a scalar (Zhu et al. 2017, section 3).

    The generator G turns inputs x into outputs that should look like images y of the target domain; the partner F turns
    them back: adversarial loss + λ |F(G(x)) − x| (cycle consistency, equation 2, in one direction) + identity weight ·
    |G(y) − y| (identity loss, section 5.2). F has no discriminator of its own: it only has to return the input. In
    translation between classes, G itself turns the output back into the input's own class (Choi et al. 2018).

    Args:
        loss: the adversarial loss, a scalar.
        output: G(x), (N, C, H, W), attached to its graph.
        batch: x in `source`, y in `real`.
        state, config: of the run.
    """
    backward = state.generator if state.partner is None else state.partner
    own = batch.labels if batch.own is None else batch.own
    kept = nullcontext() if state.partner is not None else keeping_statistics(backward)
    objective = config.objective
    total = objective.adversarial_weight * loss
    with autocast(config, output.device.type):
        if objective.reconstruction_weight:
            with kept:
                back = backward(output, own).float()
            total = total + objective.reconstruction_weight * reconstruction(back, batch.source)
        if objective.identity_weight:
            with keeping_statistics(state.generator):
                same = state.generator(batch.real, batch.labels).float()
            total = total + objective.identity_weight * reconstruction(same, batch.real)
    return total


@contextmanager
def keeping_statistics(network: nn.Module) -> Iterator[None]:
    """Leaves BatchNorm's running statistics as they are inside: they describe the inputs, not the target domain."""
    layers = [module for module in network.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
