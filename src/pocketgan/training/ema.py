"""The EMA generator: an average of the generator's weights over training."""

import torch

from pocketgan.training.state import TrainState


@torch.no_grad()
def update_ema(state: TrainState, half_life: float, batch_size: int) -> None:
    """Moves the EMA generator towards the generator in training: its weights, and BatchNorm's running statistics.

    The weight of the past is ½^(batch size / half-life), with the half-life in images. BatchNorm's own running
    statistics average over about ten batches. Without further averaging, their noise would be visible in the brightness
    of every generated image.
    """
    remaining = 0.5 ** (batch_size / half_life)
    torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
        list(state.generator_ema.parameters()), list(state.generator.parameters()), 1 - remaining
    )
    for averaged, buffer in zip(state.generator_ema.buffers(), state.generator.buffers(), strict=True):
        if buffer.is_floating_point():
            averaged.lerp_(buffer, 1 - remaining)
        else:
            averaged.copy_(buffer)
