"""A loss of one's own: binary cross-entropy that counts easy samples less (focal loss, Lin et al. 2017).

pocketgan train mlp --objective focal_loss.py:focal --duration "1 epoch"
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from pocketgan import separable

GAMMA = 2.0


def real_term(logits: Tensor) -> Tensor:
    """−(1 − p)^γ ln p for real images, with p = σ(D(x))."""
    return torch.sigmoid(-logits) ** GAMMA * softplus(-logits)


def fake_term(logits: Tensor) -> Tensor:
    """−p^γ ln(1 − p) for generated images."""
    return torch.sigmoid(logits) ** GAMMA * softplus(logits)


def generator_loss(real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
    """−ln σ(D(G(z))), the non-saturating loss."""
    return softplus(-fake_logits)


focal = separable(real_term, fake_term, generator_loss, logits="probability", unit="nats")
