"""Adam in one fused call for all weights of a network."""

import torch
from torch import Tensor, nn


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1) that stops changing the weights once a loss isn't finite.

    The arithmetic is that of `torch.optim.Adam(fused=True)`. The bookkeeping that takes part of a small network's step
    is left out: no gradients stored between steps, no hooks, no parameter groups (docs/adr/0002).

    Args:
        network: the network whose parameters are trained.
        learning_rate, beta1, beta2, epsilon: Adam's constants.
    """

    def __init__(self, network: nn.Module, *, learning_rate: float, beta1: float, beta2: float, epsilon: float) -> None:
        self.parameters = list(network.parameters())
        self.learning_rate = learning_rate
        self.betas = (beta1, beta2)
        self.epsilon = epsilon
        self.mean = [torch.zeros_like(p) for p in self.parameters]
        self.mean_square = [torch.zeros_like(p) for p in self.parameters]
        self.count = torch.zeros((), device=self.parameters[0].device)

    def step(self, loss: Tensor, found_inf: Tensor, rate: float = 1.0) -> None:
        """Moves the parameters against the gradient of `loss`, unless `found_inf` is or becomes 1.

        Args:
            loss: a scalar. A value that isn't finite sets `found_inf` on the device, without synchronization.
            found_inf: a scalar, 0.0 or 1.0, which the caller keeps from step to step.
            rate: a factor on the learning rate.
        """
        gradients = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            torch.maximum(found_inf, loss.isfinite().logical_not_(), out=found_inf)
        self.count += 1
        with torch.no_grad():
            torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage, reportCallIssue]
                self.parameters,  # pyright: ignore[reportArgumentType]
                [_laid_out_as(p, g) for p, g in zip(self.parameters, gradients, strict=True)],
                self.mean,
                self.mean_square,
                [],
                [self.count] * len(self.parameters),
                lr=self.learning_rate * rate,
                beta1=self.betas[0],
                beta2=self.betas[1],
                weight_decay=0.0,
                eps=self.epsilon,
                amsgrad=False,
                maximize=False,
                found_inf=found_inf,
            )

    def tensors(self) -> dict[str, Tensor]:
        """Returns the optimizer's whole state by name, as tensors that share its memory."""
        return {
            "count": self.count,
            **{f"mean.{i}": tensor for i, tensor in enumerate(self.mean)},
            **{f"mean_square.{i}": tensor for i, tensor in enumerate(self.mean_square)},
        }


def _laid_out_as(parameter: Tensor, gradient: Tensor) -> Tensor:
    """Returns the gradient in its parameter's memory layout, since the fused kernel reads memory in order."""
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)
