"""Latents that a person hands over, and the truncation of those that are drawn."""

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pocketgan.base.errors import RunError


def to_latents(values: Any, latent_dim: int) -> Tensor:
    """Returns latents as a tensor for the generator.

    Args:
        values: numbers, shape (N, latent_dim), N at least 1: a NumPy array, a PyTorch tensor on any device, or lists.
        latent_dim: the length of one latent vector.

    Returns:
        float32, shape (N, latent_dim), on the CPU.

    Raises:
        RunError: the values aren't finite numbers of this shape.
    """
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.dtype.kind not in "fiu" or array.ndim != 2 or array.shape[1] != latent_dim or not len(array):
        found = f"{array.dtype}, ({', '.join(map(str, array.shape))})"
        raise RunError("latents shape", field="latents", latent_dim=latent_dim, found=found)
    latents = torch.from_numpy(np.array(array, dtype=np.float32))
    if not bool(latents.isfinite().all()):
        raise RunError("latents not finite", field="latents")
    return latents


def read_latents(path: str | Path) -> np.ndarray:
    """Reads the array of an .npy file, or the array `latents` of an .npz file.

    Raises:
        RunError: the file can't be read, or has no such array.
    """
    try:
        content: Any = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content
        with content:
            if "latents" not in content:
                raise RunError("no latents in file", field="latents", path=path, known=", ".join(content.files))
            return content["latents"]
    except OSError as error:
        raise RunError("unreadable", field="latents", path=path, why=error.strerror or str(error)) from None
    except (ValueError, EOFError, zipfile.BadZipFile):
        raise RunError("no array file", field="latents", path=path) from None


def truncated(latents: Tensor, threshold: float) -> Tensor:
    """Returns latents of the normal distribution that is cut off at ± `threshold` (Brock et al. 2019, section 3.1).

    Every value moves to the same quantile of the truncated distribution. So images of a seed change gradually with the
    threshold: the smaller it is, the less they vary.

    Args:
        latents: standard normal, float32.
        threshold: above 0; a number from 0.5 to 1 is usual.

    Raises:
        RunError: the threshold isn't above 0.
    """
    if not threshold > 0:
        raise RunError("truncation above zero", field="truncation", value=threshold)
    share = math.erf(threshold / math.sqrt(2))
    inner = torch.erf(latents.double() / math.sqrt(2)) * share
    return (torch.erfinv(inner) * math.sqrt(2)).clamp(-threshold, threshold).float()
