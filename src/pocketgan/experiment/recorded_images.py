"""Images from a person's own function, of any usual shape, range and framework, as uint8 in [0, 255]."""

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from pocketgan.base.errors import UserError
from pocketgan.experiment.recorded_values import to_numpy
from pocketgan.images.sets import Pixels, to_uint8
from pocketgan.runs.records import DataFacts

Range = Literal["-1:1", "0:1", "uint8"]
RANGES: dict[Range, tuple[float, float, Pixels]] = {
    "-1:1": (-1.0, 1.0, "signed"),
    "0:1": (0.0, 1.0, "unit"),
    "uint8": (0.0, 255.0, "unit"),
}
"""By declared range: the lowest and the highest value of an image, and the range of the networks."""
SLACK = 1e-3
"""Distance from the declared range up to which a value counts as rounding."""
LAYOUT: Final = ("C_CONTIGUOUS", "WRITEABLE")
"""What PyTorch needs of an array; TensorFlow's can't be written to."""


class Drawer:
    """Calls a person's function for images, and checks and converts what it returns.

    Args:
        sample: the function of `count`, `seed` and perhaps `labels`.
        pixel_range: the range of its images.
        module: the generator, whose training modes stay as they are; None if it isn't known.

    Attributes:
        takes_labels: whether the function has an argument `labels`.
        lowest: the lowest value that it has returned so far.

    Raises:
        UserError: the function doesn't accept these arguments.
    """

    def __init__(self, sample: Callable[..., Any], pixel_range: Range, module: nn.Module | None) -> None:
        if not callable(sample):
            raise UserError("sample not callable", field="sample", kind=type(sample).__name__)
        self.sample, self.module = sample, module
        self.range: Range = pixel_range
        self.takes_labels = check_arguments(sample)
        self.lowest = np.inf

    def draw(
        self, count: int, seed: int, labels: Tensor | None, facts: DataFacts, step: int
    ) -> UInt8[Tensor, "n c h w"]:
        """Returns images of the function; every random generator and training mode stays as it is.

        Args:
            count: the number of images.
            seed: the function's seed.
            labels: the requested classes, int64 (count,), for a function with labels; or None.
            facts: the data, whose channels and size the images must have.
            step: the present step, for errors.

        Raises:
            UserError: the function returns something else; the message says what and where.
        """
        given = {"labels": None if labels is None else labels.numpy()} if self.takes_labels else {}
        with kept_random(), kept_modes(self.module):
            result = self.sample(count, seed, **given)
        low, high, pixels = RANGES[self.range]
        array = to_numpy(result)
        if array is None or array.ndim == 0:
            raise self.wrong("sample kind", kind=type(result).__name__)
        if len(array) != count:
            raise self.wrong("sample count", found=len(array), count=count)
        array = self._in_order(array, facts)
        whole = array.dtype.kind in "iu"
        if whole != (self.range == "uint8") or array.dtype.kind == "b":
            raise self.wrong("sample type", type=array.dtype.name, range=self.range)
        if not np.isfinite(array).all():
            raise self.wrong("sample not finite", step=step)
        lowest, highest = float(array.min()), float(array.max())
        if lowest < low - SLACK or highest > high + SLACK:
            numbers = {"low": f"{lowest:.4g}", "high": f"{highest:.4g}", "step": step}
            raise self.wrong("sample outside", range=self.range, **numbers)
        self.lowest = min(self.lowest, lowest)
        if whole:
            return torch.from_numpy(np.require(array, np.uint8, LAYOUT))
        return to_uint8(torch.from_numpy(np.require(array, np.float32, LAYOUT)), pixels)

    def _in_order(self, array: np.ndarray, facts: DataFacts) -> np.ndarray:
        """Returns images as (N, C, H, W), from any of `shapes_of`.

        Raises:
            UserError: they have another shape.
        """
        count, channels, size = len(array), facts.channels, facts.size
        if array.shape[1:] not in shapes_of(facts):
            expected = " / ".join(f"(N, {', '.join(map(str, shape))})" for shape in shapes_of(facts))
            raise self.wrong("sample shape", shape=str(array.shape), expected=expected)
        if array.shape[1:] == (size, size, channels) != (channels, size, size):
            return array.transpose(0, 3, 1, 2)
        return array.reshape(count, channels, size, size)

    def wrong(self, key: str, **parts: Any) -> UserError:
        """Returns the error about what the function returned."""
        return UserError(key, field="sample", place=place_of(self.sample), **parts)


def shapes_of(facts: DataFacts) -> list[tuple[int, ...]]:
    """Returns the shapes that an image of this data may have."""
    channels, size = facts.channels, facts.size
    shapes: list[tuple[int, ...]] = [(channels, size, size), (size, size, channels)]
    return shapes if channels > 1 else [*shapes, (size, size), (size * size,)]


def check_arguments(sample: Callable[..., Any]) -> bool:
    """Returns whether a function of images has an argument `labels`.

    Raises:
        UserError: it doesn't accept a count and a seed.
    """
    try:
        signature = inspect.signature(sample)
    except (TypeError, ValueError):  # A built-in function.
        return False
    takes_labels = "labels" in signature.parameters
    try:
        signature.bind(1, 0, **({"labels": None} if takes_labels else {}))
    except TypeError:
        found = f"({', '.join(signature.parameters)})"
        raise UserError(
            "sample arguments", field="sample", needed="(count, seed)", found=found, place=place_of(sample)
        ) from None
    return takes_labels


def place_of(function: Callable[..., Any]) -> str:
    """Returns the name of a function, and its file and line if they are known: `draw, my_gan.py:12`."""
    name = getattr(function, "__name__", type(function).__name__)
    code = getattr(function, "__code__", None)
    return name if code is None else f"{name}, {Path(code.co_filename).name}:{code.co_firstlineno}"


@contextmanager
def kept_random() -> Iterator[None]:
    """Restores the global random generators of Python, NumPy and PyTorch afterwards."""
    python, numpy_state = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)


@contextmanager
def kept_modes(module: nn.Module | None) -> Iterator[None]:
    """Restores the training mode of every part of a module afterwards."""
    modes = [] if module is None else [(part, part.training) for part in module.modules()]
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def plain_torch() -> Iterator[None]:
    """Uses PyTorch's own defaults inside, whatever the person's program has chosen as device, type and precision."""
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    contexts = (
        torch.device("cpu"), torch.autocast("cpu", enabled=False), torch.inference_mode(False), torch.enable_grad(),
    )  # fmt: skip
    try:
        with ExitStack() as stack:
            for context in contexts:
                stack.enter_context(context)
            yield
    finally:
        torch.set_default_dtype(dtype)
