"""A network of one hidden layer that trains within a second, for the metrics that train a network."""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pocketgan.training.optimizers import Adam


def fit_perceptron(
    inputs: Float[Tensor, "n width"],
    labels: Int64[Tensor, "n"],
    classes: int,
    *,
    hidden: int,
    steps: int,
    batch: int,
    rate: float,
    generator: torch.Generator,
) -> nn.Sequential:
    """Trains one hidden layer of ReLUs by cross-entropy, with Adam and a learning rate that decays linearly to 0.

    Args:
        inputs: (n, width), n ≥ 1.
        labels: (n,), in [0, classes).
        classes: the number of logits.
        hidden: the width of the hidden layer.
        steps: the number of Adam steps.
        batch: rows per step, sampled with replacement.
        rate: the initial learning rate.
        generator: the source of the initial weights and the batches; PyTorch's global generator is neither used nor
            changed.

    Returns:
        A network from (n, width) to (n, classes).
    """
    with torch.inference_mode(mode=False), torch.enable_grad():
        network = nn.Sequential(
            _linear(inputs.shape[1], hidden, 2.0, generator), nn.ReLU(), _linear(hidden, classes, 1.0, generator)
        ).to(inputs.device)
        optimizer = Adam(network, learning_rate=rate, beta1=0.9, beta2=0.999, epsilon=1e-8)
        found_inf = torch.zeros((), device=inputs.device)
        for step in range(steps):
            chosen = torch.randint(len(inputs), (batch,), generator=generator).to(inputs.device)
            loss = cross_entropy(network(inputs[chosen].clone()), labels[chosen].clone())
            optimizer.step(loss, found_inf, 1 - step / steps)
    return network


def _linear(inputs: int, outputs: int, gain: float, generator: torch.Generator) -> nn.Linear:
    """Returns a dense layer with normal weights of variance gain / inputs (He et al. 2015 for 2) and zero biases."""
    with torch.random.fork_rng(devices=[]):
        layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(outputs, inputs, generator=generator) * math.sqrt(gain / inputs))
        layer.bias.zero_()
    return layer
