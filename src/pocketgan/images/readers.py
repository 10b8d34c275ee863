"""Image sets by their name: the MNIST in the package, or what a path holds, as `intake` reads it. No PyTorch."""

import gzip
import hashlib
import zlib
from functools import cache
from importlib import resources

import numpy as np

from pocketgan.config.data_section import DataConfig
from pocketgan.images.intake.contents import Collection, ImageFiles, Notes, Part, wrong
from pocketgan.images.intake.decoding import Wishes
from pocketgan.images.intake.idx import IMAGE_MAGIC, LABEL_MAGIC, parse_idx
from pocketgan.images.intake.read import Shown, read_collection, silent

MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
IDX_PREFIX: dict[Part, str] = {"train": "train", "test": "t10k"}
STACKED: dict[Part, int] = {"train": 60_000, "test": 26_000}
"""Numbers of images of Stacked MNIST; papers count modes in 26,000 images."""


def read(data: str, wishes: Wishes | None = None, shown: Shown = silent, part: Part | None = None) -> Collection:
    """Reads `mnist`, `stacked-mnist`, a path, or a data set of the Hub.

    Args:
        data: what to read.
        wishes: the settings for pictures and arrays.
        shown: shows the progress of reading many pictures.
        part: the only split that is needed, of data in the package; None for all.

    Raises:
        DataError: the data isn't readable.
    """
    readers = {"mnist": read_mnist, "stacked-mnist": read_stacked}
    if data in readers:
        wanted: list[Part] = ["train", "test"] if part is None else [part]
        return Collection(data, {one: readers[data](one) for one in wanted}, Notes(), {})
    collection = read_collection(data, wishes, shown)
    if not any(len(files.images) for files in collection.splits.values()):
        raise wrong("no images", path=data)
    return collection


def wishes_of(config: DataConfig) -> Wishes:
    """Returns the settings of a configuration that say how pictures and arrays are read."""
    return Wishes(
        size=None if config.size == "auto" else config.size,
        fit=config.fit,
        color=config.color,
        background=config.background,
        value_range=config.value_range,
        channels_at=config.channels_at,
        orientation=config.orientation,
        labels=config.labels,
        skip_damaged=config.skip_damaged,
    )


def missing(collection: Collection, data: str, part: Part) -> Exception:
    """Returns the error that data has no such split."""
    if collection.kind == "idx":
        file = f"{IDX_PREFIX.get(part, part)}-images-idx3-ubyte"
        return wrong("no idx file", folder=data, file=file, split=part)
    if collection.kind == "arrays":
        return wrong("no array of split", path=data, split=part)
    return wrong("no test folder", folder=data, split=part)


@cache
def read_mnist(part: Part) -> ImageFiles:
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


def read_stacked(part: Part) -> ImageFiles:
    """Creates Stacked MNIST (Metz et al. 2017, section 3.3.1) from the MNIST in the package; it is the same everywhere.

    Three random digits of one split are an image's red, green and blue channels. Its class is the number that they
    form, `000` to `999`.
    """
    digits = read_mnist(part)
    assert digits.labels is not None
    draws = np.random.RandomState(1000).randint(len(digits.images), size=(STACKED[part], 3))
    numbers = digits.labels.astype(np.int64)[draws] @ [100, 10, 1]
    return ImageFiles(digits.images[draws, 0], numbers, tuple(f"{number:03d}" for number in range(1000)))
