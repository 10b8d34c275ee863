"""Numbers and arrays from a training loop of any framework, by the protocols that they have in common.

No framework but PyTorch and NumPy is imported: `__array__` and DLPack say enough. Values are only stored as they come,
and read, which waits for the device that computes them, when a row is due.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from pocketgan.base.errors import UserError
from pocketgan.runs.records import CLOCKS

KEPT = 1000
"""Maximum number of steps whose numbers are kept for a row; a longer row averages its last steps."""
KEPT_LOGITS = 50
"""The same for logits, which are arrays."""
PROBABILITIES = 200
"""Minimum number of logits, all from 0 to 1, after which they are taken for probabilities by mistake."""
RESERVED = (*CLOCKS, "images_per_second")


def hold(value: Any) -> Any:
    """Returns a value to be read later, without its graph of gradients, and without waiting for its device."""
    detach = getattr(value, "detach", None)
    if detach is not None:
        return detach()
    return value.copy() if isinstance(value, np.ndarray) else value  # Loops may reuse their arrays.


def to_numpy(value: Any) -> np.ndarray | None:
    """Returns an array of any framework as a NumPy array of numbers on the CPU; None if it isn't one."""
    try:
        if isinstance(value, torch.Tensor):
            if value.is_complex():
                return None
            tensor = value.detach().cpu()
            return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        try:
            array = np.asarray(value)
        except TypeError:  # Some libraries don't copy from a GPU by `__array__`.
            array = torch.from_dlpack(value).cpu().numpy()
        if array.dtype.kind == "c":
            return None
        return array if array.dtype.kind in "biuf" else array.astype(np.float32)
    except (TypeError, ValueError, RuntimeError, AttributeError, BufferError):
        return None


def flat(name: str, values: Sequence[Any]) -> np.ndarray:
    """Returns the elements of some numbers or arrays, float, shape (n,).

    Args:
        name: the name of the argument, for errors.
        values: at least one number or array.

    Raises:
        UserError: a value is something else.
    """
    if all(is_plain(value) for value in values) and len({value.device for value in values}) == 1:
        with torch.inference_mode():
            return torch.cat([value.reshape(-1) for value in values]).float().cpu().numpy()
    arrays = []
    for value in values:
        array = to_numpy(value)
        if array is None or array.size == 0:
            raise UserError("step value", field=name, kind=type(value).__name__)
        arrays.append(array.reshape(-1))
    return np.concatenate(arrays).astype(np.float64)


def is_plain(value: Any) -> bool:
    """Returns whether a value is a dense tensor of real numbers that have been computed."""
    dense = isinstance(value, torch.Tensor) and value.layout == torch.strided
    return dense and not value.is_complex() and not value.is_meta


class Values:
    """What a loop has reported since the last row.

    Args:
        boundary: the logit above which an image counts as real; None for the middle between the two means of each step.
    """

    def __init__(self, boundary: float | None) -> None:
        self.boundary = boundary
        self.are_probabilities = False
        self._numbers: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._logits: deque[tuple[Any, Any]] = deque(maxlen=KEPT_LOGITS)

    def add(self, d_loss: Any, g_loss: Any, real_logits: Any, fake_logits: Any, numbers: dict[str, Any]) -> None:
        """Stores the values of a step; what is None is left out."""
        held = {}
        if d_loss is not None:
            held["d_loss"] = hold(d_loss)
        if g_loss is not None:
            held["g_loss"] = hold(g_loss)
        for name, value in numbers.items():
            if value is not None:
                held[name] = hold(value)
        self._numbers.append(held)
        if real_logits is not None or fake_logits is not None:
            self._logits.append((hold(real_logits), hold(fake_logits)))

    def read(self) -> dict[str, float]:
        """Returns the means by name and the discriminator's accuracies, and forgets the values.

        Raises:
            UserError: a value isn't a number or an array, or has the name of a column that the recorder writes.
        """
        numbers, logits = list(self._numbers), list(self._logits)
        self._numbers.clear()
        self._logits.clear()
        names = list(dict.fromkeys(name for step in numbers for name in step))
        for name in names:
            if name in RESERVED:
                raise UserError("step column", field=name)
        means = {name: mean(name, [step[name] for step in numbers if name in step]) for name in names}
        losses = {name: means.pop(name) for name in ("d_loss", "g_loss") if name in means}
        return losses | self._accuracies(logits) | means

    def _accuracies(self, logits: list[tuple[Any, Any]]) -> dict[str, float]:
        """Returns the shares of real and of generated images that the discriminator classified correctly."""
        if self.boundary is None:
            return by_middle([pair for pair in logits if pair[0] is not None and pair[1] is not None])
        real, fake = ([pair[side] for pair in logits if pair[side] is not None] for side in (0, 1))
        shares: dict[str, float] = {}
        every = np.empty(0)
        if real:
            every = flat("real_logits", real)
            shares["d_real_accuracy"] = float((every > self.boundary).mean())
        if fake:
            values = flat("fake_logits", fake)
            shares["d_fake_accuracy"] = float((values < self.boundary).mean())
            every = np.concatenate([every, values])
        inside = len(every) >= PROBABILITIES and every.min() >= 0 and every.max() <= 1
        self.are_probabilities = self.boundary == 0 and bool(inside)
        return shares


def by_middle(pairs: list[tuple[Any, Any]]) -> dict[str, float]:
    """Returns the discriminator's accuracies where the boundary is the middle between the two means of each step.

    Args:
        pairs: the logits of real and of generated images, by step.
    """
    right: dict[str, list[np.ndarray]] = {"d_real_accuracy": [], "d_fake_accuracy": []}
    for one, other in pairs:
        real, fake = flat("real_logits", [one]), flat("fake_logits", [other])
        middle = (real.mean() + fake.mean()) / 2
        right["d_real_accuracy"].append(real > middle)
        right["d_fake_accuracy"].append(fake < middle)
    return {name: float(np.concatenate(values).mean()) for name, values in right.items() if values}


def mean(name: str, values: Sequence[Any]) -> float:
    """Returns the mean of some numbers, or of the means of arrays.

    Raises:
        UserError: a value is something else.
    """
    if all(isinstance(value, torch.Tensor) and value.numel() == 1 for value in values):
        return float(flat(name, values).mean())
    return float(np.mean([float_of(name, value) for value in values]))


def float_of(name: str, value: Any) -> float:
    """Returns a number, or the mean of an array; a whole number that is too large is infinite."""
    if not isinstance(value, float | int):
        return float(flat(name, [value]).mean())
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def whole(value: Any) -> int:
    """Returns a number of images.

    Raises:
        UserError: it isn't a whole number of at least 0.
    """
    try:
        number = int(value)
        if number == value and number >= 0 and not isinstance(value, bool):
            return number
    except (TypeError, ValueError):
        pass
    raise UserError("step images", field="images", value=repr(value)[:40])
