"""Losses and accuracies of several steps, for a row of the log."""

import math

import torch
from torch import Tensor

from pocketgan.base.errors import NonFiniteLoss
from pocketgan.base.messages import problem
from pocketgan.training.objectives import Objective
from pocketgan.training.state import TrainState

MEASURES: tuple[str, ...] = ("d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy")


def accuracies(real_logits: Tensor, fake_logits: Tensor, objective: Objective) -> tuple[float, float]:
    """Returns the fractions of real and of generated images that the discriminator classifies correctly.

    The boundary is that of the objective, or else the midpoint between the two means of each batch.

    Args:
        real_logits, fake_logits: shape (N,), or (steps, N) for several batches.
        objective: the objective of the run.
    """
    boundary: Tensor | float | None = objective.boundary
    if boundary is None:
        boundary = (real_logits.mean(dim=-1, keepdim=True) + fake_logits.mean(dim=-1, keepdim=True)) / 2
    right_real, right_fake = real_logits > boundary, fake_logits < boundary
    return right_real.float().mean().item(), right_fake.float().mean().item()


def summarise(history: list[tuple[Tensor, Tensor, Tensor, Tensor]], objective: Objective | None) -> dict[str, float]:
    """Returns the mean losses and accuracies, named as in `MEASURES`, from the losses and logits of several steps.

    Args:
        history: of each step, what `training_step` returned.
        objective: the objective of the run; None without a discriminator, which leaves only the generator's loss.
    """
    if objective is None:
        return {"g_loss": torch.stack([step[1] for step in history]).mean().item()}
    d_loss, g_loss, real_logits, fake_logits = (torch.stack(values) for values in zip(*history, strict=True))
    values = (d_loss.mean().item(), g_loss.mean().item(), *accuracies(real_logits, fake_logits, objective))
    return dict(zip(MEASURES, values, strict=True))


def check_finite(state: TrainState, measures: dict[str, float]) -> None:
    """Raises `NonFiniteLoss` if a loss since the last row was infinite or not a number."""
    wrong = next((name for name, value in measures.items() if not math.isfinite(value)), None)
    if wrong or state.found_inf.item():
        what = problem("loss is", name=wrong, value=f"{measures[wrong]}") if wrong else problem("a loss not finite")
        raise NonFiniteLoss("loss not finite", loss=what, step=state.step)
