"""IDX, the format of MNIST's files: a magic number, one 32-bit size per dimension, then the values, all big-endian.

The third byte of the magic number is the type of the values, the fourth the number of dimensions (Y. LeCun, "The MNIST
database of handwritten digits"). EMNIST's files have the same form, and its images are transposed (Cohen et al. 2017).
"""

import gzip
import re
import zlib
from math import prod
from pathlib import Path

import numpy as np

from pocketgan.images.intake.contents import ImageFiles, Notes, Part, wrong

IMAGE_MAGIC, LABEL_MAGIC = 0x0803, 0x0801
TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Types of values by the third byte of the magic number."""
NAME = re.compile(r"(?P<set>.*?)(?P<split>train|t10k|test)[-_.]images[-_.]idx\d[-_.]ubyte(\.gz)?$", re.IGNORECASE)
QMNIST = 8
"""Columns of QMNIST's labels, of which the first is the digit."""
SPLITS: dict[str, Part] = {"train": "train", "t10k": "test", "test": "test"}


def parse_idx(raw: bytes, magic: int | None, name: str) -> np.ndarray:
    """Converts IDX bytes to an array with the sizes in their header; uint8 if the magic number says so.

    Args:
        raw: the file's bytes, uncompressed.
        magic: the expected magic number; None for any that is an IDX file's.
        name: the file's name, for messages.

    Raises:
        DataError: the magic number is another one, or the number of bytes doesn't match the sizes.
    """
    if len(raw) < 4:
        raise wrong("short header", file=name, length=len(raw), header=4 + 4 * ((magic or IMAGE_MAGIC) & 0xFF))
    result = int.from_bytes(raw[:4], "big")
    if result != magic and (magic is not None or result >> 8 not in TYPES or not result & 0xFF):
        expected = f"0x{IMAGE_MAGIC if magic is None else magic:08x}"
        header = 4 + 4 * ((magic or IMAGE_MAGIC) & 0xFF)
        if len(raw) < header:
            raise wrong("short header", file=name, length=len(raw), header=header)
        raise wrong("wrong magic", file=name, found=f"0x{result:08x}", expected=expected)
    kind, dimensions = np.dtype(TYPES[result >> 8]), result & 0xFF
    header = 4 + 4 * dimensions
    if len(raw) < header:
        raise wrong("short header", file=name, length=len(raw), header=header)
    sizes = [int.from_bytes(raw[4 * i : 4 * i + 4], "big") for i in range(1, dimensions + 1)]
    expected = header + prod(sizes) * kind.itemsize
    shape = "×".join(str(size) for size in sizes)
    if len(raw) < expected:
        raise wrong("cut short", file=name, announced=shape, length=len(raw) - header)
    if len(raw) > expected:
        raise wrong("too long", file=name, announced=shape, length=len(raw) - header)
    try:
        values = np.frombuffer(raw, kind, offset=header).reshape(sizes)
    except ValueError:
        raise wrong("too large for an array", file=name, announced=shape) from None
    return values.astype(kind.newbyteorder("=")) if kind.itemsize > 1 else values


def read_idx_file(path: Path, magic: int | None) -> np.ndarray:
    """Reads one IDX file, raw or gzip-compressed, as its content says and not its name."""
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise wrong("unreadable", path=path, why=error) from None
    return parse_idx(raw, magic, str(path))


def image_files_in(folder: Path) -> list[Path]:
    """Returns the IDX files of images in a folder, by their names."""
    return sorted(path for path in folder.iterdir() if path.is_file() and NAME.match(path.name))


def is_idx(path: Path) -> bool:
    """Returns whether a file's name is that of an IDX file."""
    return bool(re.search(r"idx\d[-_.]ubyte(\.gz)?$", path.name, re.IGNORECASE))


def read_idx(path: Path, orientation: str, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads a folder of IDX files, or one file of images: both splits, as far as they are there, not yet as bytes.

    Args:
        path: the folder, or a file of images; the other files of the same data set are found beside it.
        orientation: `auto` turns EMNIST's images, which are transposed; `upright` none, `transposed` all.
        notes: what was done is added.

    Raises:
        DataError: a file is damaged, or the folder has several data sets.
    """
    folder = path if path.is_dir() else path.parent
    files = image_files_in(folder)
    if path.is_file():
        match = NAME.match(path.name)
        if match is None:
            raise wrong("no idx images", path=path)
        files = [file for file in files if _set_of(file) == match["set"]]
    sets = sorted({_set_of(file) for file in files})
    if len(sets) > 1:
        known = ", ".join(name.rstrip("-_.") or "MNIST" for name in sets)
        raise wrong("several idx sets", folder=folder, known=known, example=files[0])
    chosen: dict[Part, Path] = {}
    for file in files:
        match = NAME.match(file.name)
        assert match is not None
        chosen.setdefault(SPLITS[match["split"].lower()], file)
    if not chosen and any(folder.glob("*labels*")):
        raise wrong("no idx file", folder=folder, file="train-images-idx3-ubyte", split="train")
    turned = bool(sets) and "emnist" in sets[0].lower()
    turn = turned if orientation == "auto" else orientation == "transposed"
    names = _class_names(folder, sets[0]) if sets else {}
    return {part: _read_split(file, turn, names, notes) for part, file in chosen.items()}


def _set_of(file: Path) -> str:
    match = NAME.match(file.name)
    return match["set"] if match else ""


def _read_split(path: Path, turn: bool, names: dict[int, str], notes: Notes) -> ImageFiles:
    images = read_idx_file(path, None)
    if images.ndim not in (3, 4):
        dimensions = "0x00000801" if images.ndim == 1 else f"{images.ndim} dimensions"
        raise wrong("wrong magic", file=str(path), found=dimensions, expected=f"0x{IMAGE_MAGIC:08x}")
    if 0 in images.shape[1:]:
        height, width = map(str, images.shape[1:3])
        raise wrong("no pixels", file=path, width=width, height=height)
    if turn:
        images = np.ascontiguousarray(images.swapaxes(1, 2))
        notes.say("transposed")
    labels_path = _labels_of(path)
    labels = None if labels_path is None else read_idx_file(labels_path, None)
    if labels is not None and labels.ndim == 2 and labels.shape[1:] == (QMNIST,):
        labels = labels[:, 0]
    if labels is not None and (labels.ndim != 1 or labels.dtype.kind not in "iu"):
        raise wrong("wrong magic", file=labels_path, found=f"{labels.ndim} dimensions", expected=f"0x{LABEL_MAGIC:08x}")
    if labels is not None and len(labels) != len(images):
        raise wrong("labels for images", file=labels_path, labels=len(labels), images=len(images))
    class_names: tuple[str, ...] = ()
    if labels is not None and names and set(np.unique(labels).tolist()) <= set(names):
        used, labels = np.unique(labels, return_inverse=True)
        class_names, labels = tuple(names[int(label)] for label in used), labels.reshape(-1)
    return ImageFiles(images, labels, class_names)


def _labels_of(path: Path) -> Path | None:
    """Returns the file of labels beside a file of images, raw or compressed."""
    match = NAME.match(path.name)
    assert match is not None
    wanted = re.compile(
        rf"{re.escape(match['set'])}{match['split']}[-_.]labels[-_.]idx[12][-_.](ubyte|int)(\.gz)?$", re.IGNORECASE
    )
    return next((file for file in sorted(path.parent.iterdir()) if wanted.match(file.name)), None)


def _class_names(folder: Path, name: str) -> dict[int, str]:
    """Returns the characters of EMNIST's labels from its mapping file; empty without one.

    A line of the file is a label and the codes of its characters.
    """
    path = folder / f"{name.rstrip('-_.')}-mapping.txt"
    try:
        rows = [[int(word) for word in line.split()] for line in path.read_text(encoding="ascii").splitlines() if line]
        names = {row[0]: chr(row[1]) for row in rows}
    except (OSError, ValueError, IndexError, OverflowError):
        return {}
    return names if len(set(names.values())) == len(names) else {}
