"""An optimizer and a schedule of one's own: Lion (Chen et al. 2023), with a learning rate that falls in steps.

pocketgan check lion.py
pocketgan train mlp --optimizer lion.py:Lion --learning-rate 2e-5 --schedule lion.py:steps --duration "1 epoch"
"""

import torch
from torch import nn


class Lion(torch.optim.Optimizer):
    """Moves each parameter by the sign of a mixture of its gradient and their mean."""

    def __init__(self, params, lr: float = 1e-4, *, beta1: float = 0.9, beta2: float = 0.99, decay: float = 0.0):
        super().__init__(params, {"lr": lr, "beta1": beta1, "beta2": beta2, "decay": decay})

    @torch.no_grad()
    def step(self, closure=None):
        """Does one step, with the gradients that the parameters hold."""
        for group in self.param_groups:
            for parameter in group["params"]:
                self.move(parameter, group)

    def move(self, parameter: nn.Parameter, group: dict) -> None:
        """Moves one parameter, and updates the mean of its gradient."""
        gradient = parameter.grad
        assert gradient is not None
        mean = self.state[parameter].setdefault("mean", torch.zeros_like(parameter))
        direction = torch.lerp(gradient, mean, group["beta1"]).sign()
        parameter.mul_(1 - group["lr"] * group["decay"]).add_(direction, alpha=-group["lr"])
        mean.lerp_(gradient, 1 - group["beta2"])


def steps(progress: float) -> float:
    """1 in the first half of the training, then a tenth, and a hundredth in the last quarter."""
    return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01
