"""Readers of image sets: the MNIST in the package, IDX files, NPZ files, picture folders. Only NumPy, no PyTorch.

IDX is the format of the MNIST files: a big-endian magic number (0x0803 for images, 0x0801 for labels), one 32-bit
size per dimension, then unsigned bytes (Y. LeCun, "The MNIST database of handwritten digits").
"""

import gzip
import hashlib
import warnings
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import prod
from pathlib import Path

import numpy as np
from PIL import Image

from pocketgan.base.errors import DataError, NoSplit
from pocketgan.base.messages import problem

MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
IDX_PREFIX = {"train": "train", "test": "t10k"}
IMAGE_MAGIC, LABEL_MAGIC = 0x0803, 0x0801
PICTURES = {".png", ".jpg", ".jpeg"}
PUBLIC = ("fashion", "cifar", "kmnist", "emnist", "qmnist", "svhn", "celeba", "omniglot", "quickdraw", "imagenet")
"""Prefixes of the names of public datasets that aren't in the package."""
STACKED = {"train": 60_000, "test": 26_000}
"""Numbers of images of Stacked MNIST; papers count modes in 26,000 images."""
LARGEST_PICTURE = 2048
"""Maximum side of a picture in pixels; a larger one is refused before it is decoded."""


@dataclass(frozen=True)
class ImageFiles:
    """The result of a reader.

    Attributes:
        images: uint8, shape (N, C, H, W).
        labels: integers, shape (N,), or None.
        class_names: names for the labels 0, 1, … if the files name them; otherwise empty.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()


WITHOUT_SPLIT = {"no idx file", "npz without images", "no split folder", "no test folder"}
"""Errors of data without a test split, if the test split was requested."""


def wrong(key: str, name: str = "data", **parts: object) -> DataError:
    """Returns an error about data in the current language; its field is the setting that requested the data."""
    kind = NoSplit if key in WITHOUT_SPLIT and parts.get("split") == "test" else DataError
    return kind(key, field=name, **parts)


def read(data: str, part: str) -> ImageFiles:
    """Reads one split (`train` or `test`) of `mnist`, of `stacked-mnist` or of a path.

    Raises:
        DataError: the data isn't readable, or has no such split.
    """
    if data == "mnist":
        return read_mnist(part)
    if data == "stacked-mnist":
        return read_stacked(part)
    path = Path(data).expanduser()
    if not path.exists():
        if path.parent in (Path(), Path.cwd()) and path.name.lower().startswith(PUBLIC):
            raise wrong("not packaged", data=path.name)
        raise wrong("no such data", data=data)
    if path.is_file():
        if path.suffix.lower() != ".npz":
            raise wrong("neither folder nor npz", data=data)
        files = read_npz(path, part)
    elif any(path.glob("*-ubyte*")):
        files = read_idx_folder(path, part)
    else:
        files = read_picture_folder(path, part)
    if len(files.images) == 0:
        raise wrong("no images", path=data)
    height, width = files.images.shape[2:]
    if height != width:
        raise wrong("not square", path=data, width=str(width), height=str(height))
    return files


@cache
def read_mnist(part: str) -> ImageFiles:
    """Reads the MNIST in the package: 60,000 images (`train`) or 10,000 (`test`), verified by their MD5."""
    results = {}
    for kind in ("images-idx3", "labels-idx1"):
        name = f"{IDX_PREFIX[part]}-{kind}-ubyte"
        try:
            raw = gzip.decompress(resources.files("pocketgan").joinpath("mnist", f"{name}.gz").read_bytes())
        except (OSError, EOFError, zlib.error):
            raw = b""
        if hashlib.md5(raw, usedforsecurity=False).hexdigest() != MNIST_MD5[name]:
            raise wrong("package damaged", file=f"{name}.gz")
        results[kind] = raw
    images = parse_idx(results["images-idx3"], IMAGE_MAGIC, f"{part} images")
    return ImageFiles(images[:, None], parse_idx(results["labels-idx1"], LABEL_MAGIC, f"{part} labels"))


def read_stacked(part: str) -> ImageFiles:
    """Creates Stacked MNIST (Metz et al. 2017, section 3.3.2) from the MNIST in the package; it is the same everywhere.

    Three random digits of one split are an image's red, green and blue channels. Its class is the number that they
    form, `000` to `999`.
    """
    digits = read_mnist(part)
    assert digits.labels is not None
    draws = np.random.RandomState(1000).randint(len(digits.images), size=(STACKED[part], 3))
    numbers = digits.labels.astype(np.int64)[draws] @ [100, 10, 1]
    return ImageFiles(digits.images[draws, 0], numbers, tuple(f"{number:03d}" for number in range(1000)))


def parse_idx(raw: bytes, magic: int, name: str) -> np.ndarray:
    """Converts IDX bytes to a uint8 array with the sizes in their header.

    Args:
        raw: the file's bytes, uncompressed.
        magic: the expected magic number.
        name: the file's name, for messages.

    Raises:
        DataError: the magic number is another one, or the number of bytes doesn't match the sizes.
    """
    dimensions = magic & 0xFF
    header = 4 + 4 * dimensions
    if len(raw) < header:
        raise wrong("short header", file=name, length=len(raw), header=header)
    result = int.from_bytes(raw[:4], "big")
    if result != magic:
        raise wrong("wrong magic", file=name, found=f"0x{result:08x}", expected=f"0x{magic:08x}")
    sizes = [int.from_bytes(raw[4 * i : 4 * i + 4], "big") for i in range(1, dimensions + 1)]
    expected = header + prod(sizes)
    shape = "×".join(str(size) for size in sizes)
    if len(raw) < expected:
        raise wrong("cut short", file=name, announced=shape, length=len(raw) - header)
    if len(raw) > expected:
        raise wrong("too long", file=name, announced=shape, length=len(raw) - header)
    try:
        return np.frombuffer(raw, np.uint8, offset=header).reshape(sizes)
    except ValueError:
        raise wrong("too large for an array", file=name, announced=shape) from None


def read_idx_file(path: Path, magic: int) -> np.ndarray:
    """Reads one IDX file, raw or gzip-compressed, as its content says and not its name."""
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise wrong("unreadable", path=path, why=error) from None
    return parse_idx(raw, magic, str(path))


def read_idx_folder(folder: Path, part: str) -> ImageFiles:
    """Reads `train-images-idx3-ubyte` (`t10k-…` for the test split) from a folder, and its labels if they exist."""
    prefix = IDX_PREFIX[part]
    images_path = _first(folder, f"{prefix}-images-idx3-ubyte", f"{prefix}-images.idx3-ubyte")
    if images_path is None:
        raise wrong("no idx file", folder=folder, file=f"{prefix}-images-idx3-ubyte", split=part)
    images = read_idx_file(images_path, IMAGE_MAGIC)
    if 0 in images.shape[1:]:
        height, width = map(str, images.shape[1:])
        raise wrong("no pixels", file=images_path, width=width, height=height)
    labels_path = _first(folder, f"{prefix}-labels-idx1-ubyte", f"{prefix}-labels.idx1-ubyte")
    labels = None if labels_path is None else read_idx_file(labels_path, LABEL_MAGIC)
    if labels is not None and len(labels) != len(images):
        raise wrong("labels for images", file=labels_path, labels=len(labels), images=len(images))
    return ImageFiles(images[:, None], labels)


def _first(folder: Path, *names: str) -> Path | None:
    candidates = [folder / f"{name}{end}" for name in names for end in ("", ".gz")]
    return next((path for path in candidates if path.is_file()), None)


def read_npz(path: Path, part: str) -> ImageFiles:
    """Reads `images` and optionally `labels` (`test_images`, `test_labels` for the test split) from an .npz file.

    Images are uint8 of shape (N, H, W), (N, C, H, W) or (N, H, W, C) with 1 or 3 channels; labels are integers. If all
    labels are indices into an array `class_names` of texts, as `pocketgan generate` writes it, these name the classes.
    """
    prefix = "" if part == "train" else "test_"
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in (f"{prefix}images", f"{prefix}labels") if name in archive}
            class_names = texts_in(archive, "class_names")
            names = ", ".join(archive.files) or problem("npz of nothing")
    except (OSError, ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise wrong("unreadable npz", path=path, why=error) from None
    if f"{prefix}images" not in arrays:
        raise wrong("npz without images", path=path, names=names, wanted=f"{prefix}images", split=part)
    images = arrays[f"{prefix}images"]
    labels = arrays.get(f"{prefix}labels")
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise wrong("npz of objects", path=path)
    if images.dtype != np.uint8:
        raise wrong("npz type", path=path, type=images.dtype)
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[1] not in (1, 3) and images.shape[3] in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    if images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape[2:]:
        raise wrong("npz shape", path=path, shape=images.shape)
    if labels is not None:
        if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
            raise wrong("npz labels", path=path, type=labels.dtype, shape=labels.shape)
        if len(labels) != len(images):
            raise wrong("labels for images", file=path, labels=len(labels), images=len(images))
        used, places = np.unique(labels, return_inverse=True)
        if len(used) and 0 <= used[0] <= used[-1] < len(class_names):
            return ImageFiles(images, places.reshape(-1), tuple(class_names[label] for label in used))
    return ImageFiles(images, labels)


def texts_in(archive: np.lib.npyio.NpzFile, name: str) -> tuple[str, ...]:
    """Returns the texts of an array in an archive; empty if the array has other contents, or a text twice."""
    texts: list[str] = []
    with suppress(KeyError, ValueError):
        array = archive[name]
        texts = array.tolist() if array.ndim == 1 and array.dtype.kind == "U" else []
    return tuple(texts) if len(set(texts)) == len(texts) else ()


def read_picture_folder(folder: Path, part: str) -> ImageFiles:
    """Reads the PNG and JPEG files of a folder; its subfolders, if there are any, are the classes.

    A folder with a `train` subfolder is read as splits, `train` and `test`. The images are gray if all pictures are
    gray, and RGB otherwise.
    """
    if (folder / "train").is_dir():
        if not (folder / part).is_dir():
            raise wrong("no split folder", folder=folder, split=part)
        folder = folder / part
    elif part == "test":
        raise wrong("no test folder", folder=folder, split=part)
    classes = sorted(child.name for child in folder.iterdir() if child.is_dir() and _pictures(child))
    if classes:
        paths = [(path, index) for index, name in enumerate(classes) for path in _pictures(folder / name)]
        if _pictures(folder):
            raise wrong("pictures beside classes", folder=folder)
    else:
        paths = [(path, -1) for path in _pictures(folder)]
    if not paths:
        raise wrong("no pictures", folder=folder)
    pictures = [read_picture(path) for path, _ in paths]
    first = pictures[0].shape[:2]
    for (path, _), picture in zip(paths, pictures, strict=True):
        if picture.shape[:2] != first:
            sizes = f"{picture.shape[1]}×{picture.shape[0]}", f"{first[1]}×{first[0]}"
            raise wrong("sizes differ", path=path, size=sizes[0], other=paths[0][0].name, expected=sizes[1])
    if any(picture.ndim == 3 for picture in pictures):
        pictures = [p if p.ndim == 3 else np.repeat(p[:, :, None], 3, axis=2) for p in pictures]
        images = np.stack(pictures).transpose(0, 3, 1, 2)
    else:
        images = np.stack(pictures)[:, None]
    labels = np.array([label for _, label in paths]) if classes else None
    return ImageFiles(images, labels, tuple(classes))


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.is_file())


def read_picture(path: Path, name: str = "data") -> np.ndarray:
    """Reads one picture: uint8, shape (H, W) for gray or (H, W, 3) for color.

    Args:
        path: the file.
        name: the setting that requested the picture, for messages.

    Raises:
        DataError: the file can't be decoded, or has a side of more than 2048 pixels; the message names the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path, formats=("PNG", "JPEG"))
        with picture:
            if max(picture.size) > LARGEST_PICTURE:
                width, height = map(str, picture.size)
                raise wrong("picture too large", name, path=path, width=width, height=height)
            if picture.mode in ("I;16", "I"):
                return (np.asarray(picture) >> 8).astype(np.uint8)
            return np.asarray(picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB"))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        if isinstance(error, DataError):
            raise
        raise wrong("no picture", name, path=path) from None
