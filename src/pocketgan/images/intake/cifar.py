"""CIFAR-10 and CIFAR-100 in their binary version: records of labels and 3,072 bytes, channels first.

CIFAR-10 has one byte for the label, CIFAR-100 two: the coarse and the fine one (A. Krizhevsky, 2009).
"""

from pathlib import Path

import numpy as np

from pocketgan.images.intake.contents import ImageFiles, Part, wrong

PIXELS = 3 * 32 * 32
PICKLES = ("data_batch_1", "test_batch", "batches.meta")
"""Files of CIFAR-10's Python version, which are pickles."""


def batches_in(folder: Path) -> dict[Part, list[Path]]:
    """Returns CIFAR's binary files in a folder, by split; empty if there are none."""
    tens = sorted(folder.glob("data_batch_*.bin")), sorted(folder.glob("test_batch.bin"))
    hundreds = [path for path in (folder / "train.bin",) if path.is_file()], sorted(folder.glob("test.bin"))
    train, test = tens if any(tens) else hundreds
    found: dict[Part, list[Path]] = {}
    if train:
        found["train"] = list(train)
    if test:
        found["test"] = list(test)
    return found


def are_pickles(folder: Path) -> bool:
    """Returns whether a folder holds CIFAR's Python version."""
    return any((folder / name).is_file() for name in PICKLES) and not batches_in(folder)


def read_cifar(folder: Path) -> dict[Part, ImageFiles]:
    """Reads the binary version of CIFAR-10 or CIFAR-100 (with its fine labels) from a folder.

    Raises:
        DataError: a file has another length, or labels without a name.
    """
    hundred = (folder / "train.bin").is_file()
    names = _names(folder / ("fine_label_names.txt" if hundred else "batches.meta.txt"))
    splits: dict[Part, ImageFiles] = {}
    for part, files in batches_in(folder).items():
        rows = np.concatenate([_rows(path, PIXELS + (2 if hundred else 1)) for path in files])
        labels = rows[:, 1 if hundred else 0].astype(np.int64)
        images = rows[:, -PIXELS:].reshape(-1, 3, 32, 32)
        used = np.unique(labels)
        if len(names) > used.max(initial=0):
            places = np.searchsorted(used, labels)
            splits[part] = ImageFiles(images, places, tuple(names[label] for label in used))
        else:
            splits[part] = ImageFiles(images, labels)
    return splits


def _rows(path: Path, length: int) -> np.ndarray:
    try:
        raw = np.fromfile(path, np.uint8)
    except OSError as error:
        raise wrong("unreadable", path=path, why=error) from None
    if not len(raw) or len(raw) % length:
        raise wrong("no records", file=path, length=len(raw), record=length)
    return raw.reshape(-1, length)


def _names(path: Path) -> list[str]:
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        return []
    return names if len(set(names)) == len(names) else []
