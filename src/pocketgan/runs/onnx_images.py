"""Images from a generator of any tool of which only the ONNX file is there. Running it runs no Python code."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pocketgan.base.errors import ModelError, nearest
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import ImageSet, Pixels, to_uint8
from pocketgan.runs.onnx_model import open_session

RANGES: dict[str, tuple[float, float, Pixels]] = {
    "-1:1": (-1.0, 1.0, "signed"),
    "0:1": (0.0, 1.0, "unit"),
    "0:255": (0.0, 255.0, "unit"),
}
"""By declared range: the lowest and the highest value, and the range in which the values are converted."""
SLACK = 1e-3
"""Distance from the declared range, as a part of its length, up to which a value counts as rounding."""
BATCH = 250
KINDS = {"tensor(float16)": np.float16, "tensor(float)": np.float32, "tensor(double)": np.float64}
WHOLE = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


@dataclass(frozen=True)
class OnnxSource:
    """A generator in an ONNX file.

    Attributes:
        path: the file.
        latent_dim: the length of the latents; None where the file says it.
        pixel_range: the range of the images that it returns: `-1:1`, `0:1` or `0:255`.
    """

    path: Path
    latent_dim: int | None
    pixel_range: str | None

    def images(self, count: int, seed: int, class_names: tuple[str, ...] = ()) -> ImageSet:
        """Generates images from standard normal latents.

        Args:
            count: the number of images.
            seed: the seed of the latents.
            class_names: the classes, which a conditional generator is asked for in turn.

        Returns:
            Images, uint8 [0, 255], shape (N, C, H, W), with their labels if the generator takes labels.

        Raises:
            ModelError: the file can't be used, or returns something other than images in this range.
        """
        first, *others = self._session.get_inputs()
        if others and not class_names:
            raise ModelError("onnx labels", field="source", path=self.path, name=others[0].name)
        generator = torch.Generator().manual_seed(derived_seed(seed, "sample"))
        latents = torch.randn(count, self.check(), generator=generator).numpy().astype(KINDS[first.type])
        latents = latents[:, :, None, None] if len(first.shape) == 4 else latents
        labels = np.arange(count, dtype=np.int64) % max(1, len(class_names))
        fixed = first.shape[0] if isinstance(first.shape[0], int) else None
        pieces = []
        for start in range(0, count, fixed or BATCH):
            piece = slice(start, start + (fixed or BATCH))
            pieces.append(self._run(latents[piece], labels[piece], fixed))
        images = self._as_uint8(in_order(np.concatenate(pieces), self.path))
        if not others:
            return ImageSet(images, None, (), str(self.path))
        return ImageSet(images, torch.from_numpy(labels), class_names, str(self.path))

    @cached_property
    def _session(self) -> Any:
        return open_session(read(self.path), field="source")

    def check(self) -> int:
        """Returns the length of the latents.

        Raises:
            ModelError: the range isn't known, or the file can't be read, has other inputs, or latents of other lengths.
        """
        if self.pixel_range not in RANGES:
            known = ", ".join(RANGES)
            if self.pixel_range is None:
                raise ModelError("range missing", field="pixel_range", known=known)
            parts = {"value": self.pixel_range, "hint": nearest(self.pixel_range, RANGES)}
            raise ModelError("not one of", field="pixel_range", known=known, **parts)
        first, *others = self._session.get_inputs()
        if (
            first.type not in KINDS
            or len(first.shape) not in (2, 4)
            or [one.type in WHOLE for one in others] not in ([], [True])
        ):
            described = ", ".join(f"{one.name} {one.type} {one.shape}" for one in (first, *others))
            raise ModelError("onnx inputs", field="source", path=self.path, found=described)
        length = first.shape[1] if isinstance(first.shape[1], int) else self.latent_dim
        if length is None:
            raise ModelError("latents of file", field="latent_dim")
        if self.latent_dim not in (None, length):
            raise ModelError("latents differ", field="latent_dim", found=self.latent_dim, expected=length)
        return length

    def _run(self, latents: np.ndarray, labels: np.ndarray, fixed: int | None) -> np.ndarray:
        """Returns the first output for some latents; a file with a fixed batch gets a full one.

        Raises:
            ModelError: onnxruntime refuses them.
        """
        session, count = self._session, len(latents)
        inputs = session.get_inputs()
        if fixed is not None and count < fixed:
            places = np.arange(fixed) % count
            latents, labels = latents[places], labels[places]
        feeds = {inputs[0].name: latents}
        if len(inputs) > 1:
            wanted = labels.astype(WHOLE[inputs[1].type])
            feeds[inputs[1].name] = wanted[:, None] if len(inputs[1].shape) == 2 else wanted
        try:
            return np.asarray(session.run([session.get_outputs()[0].name], feeds)[0])[:count]
        except Exception as error:  # Its exceptions have no common base class.
            why = str(error).splitlines()[0][:200]
            raise ModelError("onnx not run", field="source", path=self.path, why=why) from None

    def _as_uint8(self, images: np.ndarray) -> Tensor:
        """Returns images of the declared range as uint8.

        Raises:
            ModelError: their values aren't in it.
        """
        low, high, pixels = RANGES[str(self.pixel_range)]
        values = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32))
        if not bool(torch.isfinite(values).all()):
            raise ModelError("onnx not finite", field="source", path=self.path)
        lowest, highest = float(values.min()), float(values.max())
        if lowest < low - SLACK * (high - low) or highest > high + SLACK * (high - low):
            numbers = {"low": f"{lowest:.4g}", "high": f"{highest:.4g}"}
            raise ModelError("onnx outside", field="pixel_range", value=self.pixel_range, path=self.path, **numbers)
        return to_uint8(values / 255 if high == 255 else values, pixels)


def read(path: Path) -> bytes:
    """Returns the content of a file.

    Raises:
        ModelError: it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError("unreadable", field="source", path=path, why=error.strerror) from None


def in_order(images: np.ndarray, path: Path) -> np.ndarray:
    """Returns images as (N, C, H, W), from (N, C, H, W), (N, H, W, C), (N, H, W), or (N, H·W) of gray squares.

    Raises:
        ModelError: they have another shape.
    """
    shape = images.shape
    if len(shape) == 4 and shape[1] in (1, 3):
        return images
    if len(shape) == 4 and shape[3] in (1, 3):
        return images.transpose(0, 3, 1, 2)
    if len(shape) == 3:
        return images[:, None]
    side = round(shape[1] ** 0.5) if len(shape) == 2 else 0
    if side * side == (shape[1] if len(shape) == 2 else -1):
        return images.reshape(-1, 1, side, side)
    raise ModelError("onnx shape", field="source", path=path, found=str(shape))
