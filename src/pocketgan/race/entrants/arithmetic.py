"""What entrants outside the package's recipes share: the same optimizer and the same arithmetic as its recipes."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from pocketgan.networks.layers import lay_out
from pocketgan.training.optimizers import Adam
from pocketgan.training.state import choose_precision


class Learner:
    """Adam for one network, and bfloat16 where the processor multiplies it natively, as in `pocket`.

    Args:
        network: the network in training; its weights are laid out for speed.
        rate: the learning rate.
        beta1, beta2: Adam's constants.
    """

    def __init__(self, network: nn.Module, rate: float, beta1: float = 0.9, beta2: float = 0.99) -> None:
        lay_out(network)
        self.optimizer = Adam(network, learning_rate=rate, beta1=beta1, beta2=beta2, epsilon=1e-8)
        self._found_inf = torch.zeros(())
        self._bfloat16 = choose_precision("auto", "cpu") == "bfloat16"

    def autocast(self) -> AbstractContextManager[object]:
        """Returns the context of a forward pass."""
        return torch.autocast("cpu", dtype=torch.bfloat16) if self._bfloat16 else nullcontext()

    def step(self, loss: Tensor, factor: float = 1.0) -> None:
        """Moves the parameters against the gradient of a scalar, with a factor on the learning rate."""
        self.optimizer.step(loss, self._found_inf, factor)
