"""The user's cache of features: one file for what one feature space sees of one set of images, and a limit for all."""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from pocketgan.base.errors import StorageError
from pocketgan.base.files import write_atomically

MOST_BYTES = 2_000_000_000
"""Features kept, at most; those that were not used for longest go first."""
FRESH_SECONDS = 60.0
"""What was used so lately stays in any case: another process may be at it."""


def tensors_hash(tensors: dict[str, Tensor]) -> str:
    """Returns the first 12 hexadecimal digits of the SHA-256 of tensors and their names."""
    hashed = hashlib.sha256()
    for name in sorted(tensors):
        hashed.update(name.encode())
        hashed.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return hashed.hexdigest()[:12]


def metadata(content: bytes) -> dict[str, str]:
    """Returns what a safetensors file says of itself.

    Raises:
        ValueError: it is no such file.
        KeyError: it says nothing.
    """
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]


def read_features(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor] | None:
    """Reads features that were kept, and marks them as used.

    Args:
        path: the file.
        shapes: of each tensor that it must hold.

    Returns:
        None where there is no such file, or it is damaged.
    """
    try:
        content = path.read_bytes()
        tensors, facts = load(content), metadata(content)
    except (OSError, SafetensorError, ValueError, KeyError):
        return None
    if {name: tuple(tensor.shape) for name, tensor in tensors.items()} != shapes:
        return None
    if facts.get("hash") != tensors_hash(tensors):
        return None
    with suppress(OSError):
        os.utime(path)
    return tensors


def write_features(path: Path, tensors: dict[str, Tensor]) -> None:
    """Keeps features, and removes the oldest beyond `MOST_BYTES`; a disk that refuses them is none the worse for it."""
    with suppress(OSError, StorageError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save(tensors, {"hash": tensors_hash(tensors)}))
    trim(path.parent, MOST_BYTES)


def trim(folder: Path, most: int) -> None:
    """Removes the features that were not used for longest, until all together take `most` bytes at most.

    Whoever is reading a file keeps it: on Windows it can't be removed, and elsewhere its content stays until it is
    closed. What a killed process has left half-written goes as well.
    """
    files = []
    for path in folder.glob("*features-*.safetensors*"):
        with suppress(OSError):
            facts = path.stat()
            files.append((facts.st_mtime, facts.st_size, path))
    size, now = sum(size for _, size, _ in files), time.time()
    for used, bytes_, path in sorted(files):
        old = now - used > FRESH_SECONDS
        if old and (size > most or path.name.startswith(".")):
            with suppress(OSError):
                path.unlink()
                size -= bytes_
