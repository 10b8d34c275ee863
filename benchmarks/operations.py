"""What the operations of a training step take when each is done alone, over and over: the floor of the step.

A step is recorded below autograd: every operation with its arguments' shapes, layouts and numbers, forward, backward
and optimiser. Each is then repeated by itself, its operands as near to the core as they fit. Their sum is what the step
would take if nothing came between them, neither Python nor autograd, and if no operation drove another's operands
out of the cache.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

ROUNDS, LEAST_SECONDS = 5, 0.01


@dataclass
class Operation:
    """An operation with arguments of its own, and how often the step does it with such arguments."""

    function: Callable[..., object]
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    count: int = 0


class Recorder(TorchDispatchMode):
    """Records the operations that are done inside, by name and by the shapes and layouts of their arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: dict[tuple[Any, ...], Operation] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> object:
        kwargs = kwargs or {}
        key = (str(func), *(described(value) for value in tree_flatten((args, kwargs))[0]))
        if key not in self.operations:
            copies, named = tree_map(copied, (args, kwargs))
            self.operations[key] = Operation(func, copies, named)
        self.operations[key].count += 1
        return func(*args, **kwargs)


def described(value: object) -> object:
    """Returns what tells two arguments apart for their speed."""
    return (value.shape, value.stride(), value.dtype) if isinstance(value, Tensor) else str(value)


def copied(value: object) -> object:
    """Returns a tensor of the same layout and numbers in memory of its own; anything else as it is."""
    if not isinstance(value, Tensor) or 0 in value.stride():
        return value
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype).copy_(value.detach())


def seconds_alone(operation: Operation) -> float:
    """Returns the seconds that one call takes: the median of some rounds of calls in a row."""
    rounds = []
    for _ in range(ROUNDS):
        calls, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < LEAST_SECONDS or not calls:
            operation.function(*operation.arguments, **operation.named)
            calls += 1
        rounds.append(spent / calls)
    return median(rounds)


@torch.no_grad()
def floor(step: Callable[[], object]) -> float:
    """Returns the seconds that the operations of a step take when each is done alone."""
    recorder = Recorder()
    with torch.enable_grad():
        step()  # What is made once is made now.
        with recorder:
            step()
    return sum(seconds_alone(operation) * operation.count for operation in recorder.operations.values())
