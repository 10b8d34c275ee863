"""The arrays that metrics accept, checked and converted: PyTorch tensors, NumPy arrays, and what NumPy can read.

Everything is computed on the CPU, so the same values give the same score wherever they come from.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from pocketgan.base.errors import UserError


@runtime_checkable
class Array(Protocol):
    """A NumPy array, a PyTorch tensor on any device, or anything else that `numpy.asarray` reads."""

    def __array__(self) -> Any:
        """Returns the values as a NumPy array."""
        ...


def to_tensor(name: str, array: Array) -> Tensor:
    """Returns an array as a tensor on the CPU without a gradient; it may share the array's memory.

    Raises:
        UserError: the array doesn't hold numbers.
    """
    if isinstance(array, Tensor):
        return array.detach().cpu()
    values = np.asarray(array)
    try:
        return torch.from_numpy(np.require(values, requirements=["C", "W"]))
    except (TypeError, ValueError):
        raise UserError("array of numbers", field=name, type=values.dtype) from None


def to_features(least: int, /, **arrays: Array) -> tuple[Float[Tensor, "_ width"], ...]:
    """Returns sets of features, given by name, as tensors of at least 32 bits.

    Args:
        least: the minimum number of rows of each.
        **arrays: (n, width) each, with one width; at least 1.

    Raises:
        UserError: a set isn't a matrix of finite numbers, has too few rows, or has another width than the first.
    """
    tensors, first = [], ""
    for name, array in arrays.items():
        features = to_tensor(name, array)
        if features.ndim != 2 or features.shape[1] == 0 or features.is_complex():
            raise UserError("features shape", field=name, found=shape_of(features))
        if len(features) < least:
            raise UserError("too few rows", field=name, least=least, found=len(features))
        first = first or name
        width, expected = features.shape[1], tensors[0].shape[1] if tensors else features.shape[1]
        if width != expected:
            raise UserError("widths differ", field=name, found=width, other=first, expected=expected)
        if not features.isfinite().all():
            raise UserError("not finite", field=name)
        precise = torch.float64 if not features.is_floating_point() else torch.float32
        tensors.append(features.to(torch.promote_types(features.dtype, precise)))
    return tuple(tensors)


def to_probabilities(name: str, array: Array) -> Float[Tensor, "n classes"]:
    """Returns class probabilities as a tensor.

    Raises:
        UserError: the shape isn't (n, classes) with at least 1 of each, or a value is outside [0, 1].
    """
    probabilities = to_tensor(name, array)
    if probabilities.ndim != 2 or probabilities.numel() == 0 or not probabilities.is_floating_point():
        raise UserError("probabilities shape", field=name, found=shape_of(probabilities), type=type_of(probabilities))
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-4)).all():
        raise UserError("probabilities range", field=name)
    return probabilities


def to_classes(name: str, array: Array) -> Int64[Tensor, "n"]:
    """Returns the class of each image.

    Args:
        name: the name of the argument, for messages.
        array: class indices ≥ 0, integers of the shape (n,); or class probabilities, (n, classes), of which the largest
            decides.

    Raises:
        UserError: the array is neither, or it is empty.
    """
    classes = to_tensor(name, array)
    if classes.ndim == 2:
        return to_probabilities(name, classes).argmax(dim=1)
    whole = not (classes.is_floating_point() or classes.is_complex() or classes.dtype == torch.bool)
    if classes.ndim != 1 or not whole:
        raise UserError("classes shape", field=name, found=shape_of(classes), type=type_of(classes))
    if len(classes) == 0:
        raise UserError("too few rows", field=name, least=1, found=0)
    if classes.min() < 0:
        raise UserError("negative class", field=name, found=int(classes.min()))
    return classes.long()


def to_labels(name: str, array: Array, count: int) -> Int64[Tensor, "n"]:
    """Returns the labels of `count` images: class indices ≥ 0, integers of the shape (count,).

    Raises:
        UserError: the shape or the type differs, or an index is negative.
    """
    labels = to_classes(name, array)
    if len(labels) != count or to_tensor(name, array).ndim != 1:
        raise UserError("labels length", field=name, expected=count, found=shape_of(to_tensor(name, array)))
    return labels


def to_images(name: str, array: Array) -> UInt8[Tensor, "n c h w"]:
    """Returns images as a tensor of the shape (N, C, H, W).

    Args:
        name: the name of the argument, for messages.
        array: uint8 [0, 255], (N, C, H, W) with C 1 or 3, or (N, H, W).

    Raises:
        UserError: the shape or the type differs, or there are no images.
    """
    images = to_tensor(name, array)
    images = images[:, None] if images.ndim == 3 else images
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3) or images.numel() == 0:
        raise UserError("images array", field=name, type=type_of(images), found=shape_of(to_tensor(name, array)))
    return images


def shape_of(tensor: Tensor) -> str:
    """Returns a tensor's shape for messages, such as (5, 3)."""
    return str(tuple(tensor.shape))


def size_of(images: UInt8[Tensor, "n c h w"]) -> str:
    """Returns the size of images for messages, such as 1×28×28."""
    return "×".join(map(str, images.shape[1:]))


def type_of(tensor: Tensor) -> str:
    """Returns a tensor's type for messages, such as float32."""
    return str(tensor.dtype).removeprefix("torch.")
