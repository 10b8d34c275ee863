"""Summary of a network: its layers, their output shapes and their parameters."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Layer:
    """One row of a summary.

    Attributes:
        name: the layer's path in the network.
        kind: the layer's class.
        output: shape of the layer's output, without the batch dimension.
        parameters: number of the layer's parameters.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int


def layers_of(network: nn.Module, *inputs: Tensor | None) -> list[Layer]:
    """Runs the network once and returns its layers in execution order.

    Args:
        network: any network; it is left unchanged.
        *inputs: arguments of its `forward`, with a batch size of two.
    """
    rows: list[Layer] = []
    hooks = []
    for name, module in network.named_modules():
        if any(True for _ in module.children()):
            continue

        def record(module: nn.Module, _: object, output: Tensor, name: str = name) -> None:
            rows.append(Layer(name, type(module).__name__, tuple(output.shape[1:]), count(module)))

        hooks.append(module.register_forward_hook(record))
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(*inputs)
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return rows


def count(network: nn.Module) -> int:
    """Returns the number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
