"""The user's cache of features: one file per feature space and image set, and a limit for the total size."""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from pocketgan.base.errors import StorageError
from pocketgan.base.files import parse_json, write_atomically

MOST_BYTES = 2_000_000_000
"""Maximum total size of the cached features; the least recently used are removed first."""
FRESH_SECONDS = 60.0
"""Files used more recently than this are never removed, since another process may be using them."""


def tensors_hash(tensors: dict[str, Tensor]) -> str:
    """Returns the first 12 hexadecimal digits of the SHA-256 of tensors and their names."""
    hashed = hashlib.sha256()
    for name in sorted(tensors):
        hashed.update(name.encode())
        hashed.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return hashed.hexdigest()[:12]


def metadata(content: bytes) -> dict[str, str]:
    """Returns the metadata of a safetensors file.

    Raises:
        ValueError: the content isn't a safetensors file.
        KeyError: the file has no metadata.
    """
    return parse_json(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]


def read_features(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor] | None:
    """Reads cached features, and marks them as used.

    Args:
        path: the file.
        shapes: the shape of each tensor that the file must contain.

    Returns:
        The tensors by name, or None if the file is missing or damaged.
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
    """Writes features to the cache, and removes the oldest ones beyond `MOST_BYTES`; errors of the disk are ignored."""
    with suppress(OSError, StorageError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save(tensors, {"hash": tensors_hash(tensors)}))
    trim(path.parent, MOST_BYTES)


def trim(folder: Path, most: int) -> None:
    """Removes the least recently used features until all of them together take at most `most` bytes.

    A process that is reading a file isn't affected: on Windows the file can't be removed, and elsewhere its content
    remains until it is closed. Files that a killed process left half-written are removed as well.
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
