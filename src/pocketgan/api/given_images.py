"""Images that `evaluate` is given in Python: arrays, or images that a function or a module generates from latents."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pocketgan.base.errors import DataError, UserError, nearest
from pocketgan.images.arrays import keep_arrays
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import ImageSet, to_uint8
from pocketgan.metrics.arrays import Array, to_labels, to_tensor
from pocketgan.metrics.judge import image_set
from pocketgan.metrics.real_images import COUNT
from pocketgan.runs.onnx_images import BATCH, RANGES, SLACK


def is_given(source: object) -> bool:
    """Returns whether images are given as an array, a function or a module, and not by a path or a model."""
    return callable(source) or isinstance(source, Array | list | tuple)


def given_images(
    source: Any,
    *,
    labels: Array | None = None,
    latent_dim: int | None = None,
    pixel_range: str | None = None,
    count: int | None = None,
    seed: int = 0,
) -> ImageSet:
    """Returns images that are given in Python.

    Args:
        source: an array of images, or a function or `nn.Module` that makes them of latents; see `evaluate`.
        labels: the class of each image, integers from 0, (N,); a function gets them after the latents.
        latent_dim: the length of the latents of a function.
        pixel_range: the range of values that aren't uint8: `-1:1`, `0:1` or `0:255`.
        count: the number of images that a function makes; by default as many as there are labels, or 10,000.
        seed: the seed of a function's latents.

    Raises:
        UserError: something doesn't fit; the message says what.
    """
    if callable(source):
        if latent_dim is None:
            raise UserError("latents of function", field="latent_dim")
        count = count or (COUNT if labels is None else len(to_tensor("labels", labels)))
        classes = None if labels is None else to_labels("labels", labels, count)
        images = made_by(source, latent_dim, classes, pixel_range, count, seed)
        return image_set("source", images.numpy(), "labels", labels)
    if latent_dim is not None:
        raise UserError("latents without a function", field="latent_dim")
    values = in_order(to_tensor("source", np.asarray(source) if isinstance(source, list | tuple) else source))
    return image_set("source", as_uint8(values, pixel_range).numpy(), "labels", labels)


@torch.no_grad()
def made_by(
    function: Callable[..., Any], latent_dim: int, labels: Tensor | None, pixel_range: str | None, count: int, seed: int
) -> Tensor:
    """Returns the images of a function or module, uint8, shape (N, C, H, W); a module runs in evaluation mode."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "sample"))
    latents = torch.randn(count, latent_dim, generator=generator)
    module = function if isinstance(function, nn.Module) else nn.Identity()
    device = next(iter(module.parameters()), latents).device
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    pieces = []
    try:
        for start in range(0, count, BATCH):
            given = [latents[start : start + BATCH].to(device)]
            given += [] if labels is None else [labels[start : start + BATCH].to(device)]
            values = in_order(to_tensor("source", function(*given)))
            if len(values) != len(given[0]):
                raise UserError("images for latents", field="source", count=len(given[0]), found=len(values))
            pieces.append(as_uint8(values, pixel_range))
    finally:
        for part, training in modes:
            part.training = training
    return torch.cat(pieces)


def in_order(values: Tensor) -> Tensor:
    """Returns images as (N, C, H, W) if they are given as (N, H, W, C); others stay as they are."""
    last = values.ndim == 4 and values.shape[1] not in (1, 3) and values.shape[3] in (1, 3)
    return values.permute(0, 3, 1, 2).contiguous() if last else values


def as_uint8(values: Tensor, pixel_range: str | None) -> Tensor:
    """Returns images as uint8 [0, 255]; those that are uint8 stay as they are, unless they have another range.

    Raises:
        UserError: their range isn't given, or they have other values, or bytes are only 0 and 1, which is nearly black.
    """
    known = ", ".join(RANGES)
    if pixel_range is not None and pixel_range not in RANGES:
        hint = nearest(pixel_range, RANGES)
        raise UserError("not one of", field="pixel_range", value=pixel_range, hint=hint, known=known)
    if values.dtype == torch.uint8:
        if pixel_range is None and values.numel() and int(values.max()) == 1:
            raise UserError("bytes of two values", field="pixel_range")
        if pixel_range in (None, "0:255"):
            return values
    if pixel_range is None or values.is_complex() or values.dtype == torch.bool:
        raise UserError(
            "range of values", field="pixel_range", type=str(values.dtype).removeprefix("torch."), known=known
        )
    if not bool(values.isfinite().all()):
        raise UserError("not finite", field="source")
    low, high, pixels = RANGES[pixel_range]
    slack = SLACK * (high - low)
    lowest, highest = (float(values.min()), float(values.max())) if values.numel() else (low, high)
    if lowest < low - slack or highest > high + slack:
        parts = {"low": f"{lowest:.4g}", "high": f"{highest:.4g}"}
        raise UserError("values outside", field="source", value=pixel_range, **parts)
    numbers = values.float()
    return to_uint8(numbers / 255 if high == 255 else numbers, pixels)


def kept_reference(against: Any) -> str:
    """Returns real images by their name or path; arrays, or a pair of images and labels, are saved in the cache first.

    Raises:
        DataError: an array has another type or shape.
    """
    if isinstance(against, str | Path):
        return str(against)
    try:
        return str(keep_arrays(tuple(to_array(one) for one in against) if is_pair(against) else to_array(against)))
    except DataError as error:
        raise DataError(error.key, field="against", **error.parts) from None


def is_pair(given: object) -> bool:
    """Returns whether images are given with their labels."""
    return isinstance(given, tuple | list) and len(given) == 2


def to_array(given: Any) -> np.ndarray:
    """Returns an array or a tensor on any device as a NumPy array."""
    return given.detach().cpu().numpy() if isinstance(given, Tensor) else np.asarray(given)
