"""Images that a person has as arrays in Python: checked, and saved so that a run can read them again."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from pocketgan.base.errors import DataError, StorageError
from pocketgan.images.intake.contents import arrays_folder
from pocketgan.images.intake.read import read_collection

ASKED = ("two readings", "where are channels", "where are channels in rows")


def keep_arrays(data: Any) -> Path:
    """Saves images, perhaps with labels, as an .npz file in the cache; its name depends on its content.

    Args:
        data: images, or a pair of images and labels; NumPy arrays, PyTorch tensors, or what NumPy can read. Images are
            uint8 [0, 255] or floats in [0, 1] or [-1, 1], shape (N, H, W), (N, H, W, C) or (N, C, H, W). Labels are
            integers or names, shape (N,), or None.

    Returns:
        The file.

    Raises:
        DataError: the arrays have another type or shape.
    """
    pair = isinstance(data, tuple | list) and len(data) == 2
    images, labels = (data[0], data[1]) if pair else (data, None)
    arrays = {"images": np.asarray(images)}
    if labels is not None:
        arrays["labels"] = np.asarray(labels)
    if arrays["images"].dtype.kind not in "buif":
        raise DataError("array type", field="data", type=arrays["images"].dtype)
    hashed = hashlib.sha256()
    for name, array in arrays.items():
        hashed.update(f"{name}{array.dtype}{array.shape}".encode())
        hashed.update(np.ascontiguousarray(array).data)
    folder = arrays_folder()
    path = folder / f"{hashed.hexdigest()[:16]}.npz"
    if path.is_file():
        return path
    half = path.with_suffix(".half.npz")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(half, **arrays)  # pyright: ignore[reportArgumentType]
        try:
            read_collection(str(half))
        except DataError as error:
            if error.key not in ASKED:  # The settings of the run may answer these.
                raise
        half.rename(path)
    except OSError as error:
        raise StorageError("disk refused", path=path, why=error.strerror) from None
    finally:
        half.unlink(missing_ok=True)
    return path
