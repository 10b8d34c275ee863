"""An objective of one's own without a discriminator: the maximum mean discrepancy (MMD) of two sets of images.

A generator that minimizes it is a generative moment matching network (Li et al. 2015; Dziugaite et al. 2015).

pocketgan check mmd.py
pocketgan train drifting --objective mmd.py:mmd --duration "1 min"
"""

import torch
from torch import Tensor

from pocketgan import SetObjective

WIDTHS = (0.05, 0.2, 0.8)
"""Widths of the kernels, as shares of the mean squared distance."""


def squared_mmd(made: Tensor, real: Tensor) -> Tensor:
    """Returns E k(x, x′) − 2 E k(x, y) for each class, x generated, y real; E k(y, y′) is constant and left out.

    Args:
        made, real: images of K classes, (K, N, D) and (K, P, D).
    """
    mean = torch.cdist(made, real).square().mean().detach()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        """The mean of RBF kernels over all pairs, (K,)."""
        distances = torch.cdist(x, y).square() / mean
        return torch.stack([torch.exp(-distances / width) for width in WIDTHS]).sum(dim=0).mean(dim=(1, 2))

    return kernel(made, made) - 2 * kernel(made, real)


mmd = SetObjective(squared_mmd)
