"""What the operations of a training step take without the step: the floor of its time.

A step is recorded below autograd: every operation with its arguments, forward, backward and optimiser. Two floors come
of it. *Alone*: each operation is repeated by itself, its operands as near to the core as they fit; the sum is what the
step would take if nothing came between them and none drove another's operands out of the cache. *In order*: all of
them one after the other as a plain list of calls, on the step's own weights, what they make let go after its last
use; that is the step without autograd and without the Python that decides what comes next.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

ROUNDS, LEAST_SECONDS = 5, 0.01


@dataclass
class Operation:
    """An operation with arguments of its own, and how often the step does it with such arguments."""

    function: Callable[..., object]
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    count: int = 0


@dataclass
class Call:
    """An operation as it was called, and what it returned."""

    function: Callable[..., object]
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    result: object


class Recorder(TorchDispatchMode):
    """Records the operations that are done inside, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> object:
        result = func(*args, **(kwargs or {}))
        self.calls.append(Call(func, args, kwargs or {}, result))
        return result


def floors(step: Callable[[], object]) -> tuple[dict[str, float], float]:
    """Returns the seconds of a step's operations: alone, by name, and in order, which trains what `step` trains."""
    calls = recorded(step)
    with torch.no_grad():
        alone, again = seconds_alone(calls), in_order(calls)
        calls.clear()
        return alone, seconds(again)


def recorded(step: Callable[[], object]) -> list[Call]:
    """Returns the operations of the second of two steps; what is made once is made in the first."""
    recorder = Recorder()
    step()
    with recorder:
        step()
    return recorder.calls


def seconds_alone(calls: list[Call]) -> dict[str, float]:
    """Returns what the calls take, each repeated alone, summed by name; those with arguments alike are timed once."""
    operations: dict[tuple[Any, ...], Operation] = {}
    for call in calls:
        key = (str(call.function), *map(described, tree_leaves((call.arguments, call.named))))
        if key not in operations:
            operations[key] = Operation(call.function, *tree_map(copied, (call.arguments, call.named)))
        operations[key].count += 1
    sums: dict[str, float] = defaultdict(float)
    for it in operations.values():
        sums[name_of(it.function)] += it.count * seconds(lambda it=it: it.function(*it.arguments, **it.named))
    return dict(sums)


def name_of(function: Any) -> str:
    """Returns an operation's name without its library and its variant: `mm` for `aten.mm.default`."""
    return str(function).split(".")[1]


def described(value: object) -> object:
    """Returns what tells two arguments apart for their speed."""
    return (value.shape, value.stride(), value.dtype) if isinstance(value, Tensor) else str(value)


def copied(value: object) -> object:
    """Returns a tensor of the same layout and numbers in memory of its own; anything else as it is."""
    if not isinstance(value, Tensor) or 0 in value.stride():
        return value
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype).copy_(value.detach())


def in_order(calls: list[Call]) -> Callable[[], None]:
    """Returns a function that does `calls` again, a line of Python each, on new tensors but for those from outside.

    A tensor that no call returned, a weight or a batch, is taken as it is. What a call returns is taken by those
    after it that took it when they were recorded, and let go after the last of them.
    """
    outside: dict[str, object] = {}  # Names of what the lines take beside each other's results.
    made: dict[tuple[Any, ...], str] = {}  # Names of results, by where they lay.
    last: dict[str, int] = {}  # The line that takes a name for the last time.
    lines: list[str] = []

    def written(value: Any) -> str:
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(written, value))}]"
        name = made.get(place(value)) if isinstance(value, Tensor) else None
        if name is None:
            name = f"given{len(outside)}"
            outside[name] = value
        else:
            last[name] = len(lines)
        return name

    for number, call in enumerate(calls):
        function = written(call.function)
        arguments = [*map(written, call.arguments), *(f"{name}={written(v)}" for name, v in call.named.items())]
        several = isinstance(call.result, list | tuple)
        results = list(call.result) if isinstance(call.result, list | tuple) else [call.result]
        names = []
        for index, result in enumerate(results):
            name = f"made{number}_{index}"
            if isinstance(result, Tensor):
                name = made.setdefault(place(result), name)
                last[name] = number
            names.append(name)
        lines.append(f"{', '.join(names)}{',' if several else ''} = {function}({', '.join(arguments)})")
    for name, number in last.items():
        lines[number] += f"; {name} = None"
    body = "\n    ".join(lines)
    exec(f"def again():\n    {body}", outside)
    return outside["again"]  # pyright: ignore[reportReturnType]


def place(tensor: Tensor) -> tuple[Any, ...]:
    """Returns where a tensor lies, and how: the same for two that are one, as autograd keeps and hands them out."""
    storage = tensor.untyped_storage()
    return (storage._cdata, tensor.storage_offset(), tuple(tensor.shape), tensor.stride(), tensor.dtype)


def seconds(action: Callable[[], object]) -> float:
    """Returns the seconds that one call takes: the median of some rounds of calls in a row."""
    rounds = []
    for _ in range(ROUNDS):
        calls, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < LEAST_SECONDS or not calls:
            action()
            calls += 1
        rounds.append(spent / calls)
    return median(rounds)
