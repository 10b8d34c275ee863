"""From a path to the images of all its splits, whatever lies there; see `docs/how-to/own-images.md`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from pocketgan.config.data_section import HUB
from pocketgan.images.intake import archives, cifar, idx, pixel_tables
from pocketgan.images.intake.arrays import settle_arrays
from pocketgan.images.intake.cache import Kept
from pocketgan.images.intake.contents import Collection, ImageFiles, Listed, Notes, Part, wrong
from pocketgan.images.intake.decoding import Decoded, Report, Source, Wishes, decode_all
from pocketgan.images.intake.folders import JUNK, list_pictures, scan
from pocketgan.images.intake.hub import read_hub
from pocketgan.images.intake.names import printable
from pocketgan.images.intake.pictures import ENDINGS

PUBLIC = ("fashion", "cifar", "kmnist", "emnist", "qmnist", "svhn", "celeba", "omniglot", "quickdraw", "imagenet")
"""Prefixes of the names of public datasets that aren't in the package."""
PICKLED = (".pkl", ".pickle", ".pt", ".pth", ".joblib")
"""Endings of files that can run code when they are opened; they never are."""
FOREIGN = (".mat", ".h5", ".hdf5", ".parquet", ".arrow", ".tfrecord", ".lmdb")
"""Endings of files that other libraries read."""
PACKED = (".zip", ".tar", ".tgz", ".7z", ".rar", ".gz", ".bz2", ".xz")
PACKED_TABLES = (".csv.gz", ".tsv.gz")
"""Endings of compressed tables of pixels, which are read."""

Shown = Callable[[int], AbstractContextManager[Report]]
"""Shows that some pictures are read: takes their number, yields a function that takes the share that is done."""


def silent(count: int) -> AbstractContextManager[Report]:
    """Shows nothing."""
    return nullcontext(lambda share: None)


def read_collection(data: str, wishes: Wishes | None = None, shown: Shown = silent) -> Collection:
    """Reads all splits of a path or of a data set `hf:NAME`.

    Args:
        data: what to read.
        wishes: the settings; by default those of `DataConfig`.
        shown: shows the progress of reading many pictures.

    Raises:
        DataError: it isn't there, or can't be read; the message names a remedy.
    """
    wishes, notes = wishes or Wishes(), Notes()
    if data.startswith(HUB):
        return _read_hub(data, wishes, notes, shown)
    path = Path(data).expanduser()
    if not path.exists():
        if path.parent in (Path(), Path.cwd()) and path.name.lower().startswith(PUBLIC):
            raise wrong("not packaged", data=path.name)
        raise wrong("no such data", data=data)
    if path.is_file():
        return _read_file(path, wishes, notes)
    if not path.is_dir():
        raise wrong("neither folder nor npz", data=path)
    if idx.image_files_in(path) or any(idx.is_idx(file) for file in path.iterdir()):
        return settle_arrays("idx", idx.read_idx(path, wishes.orientation, notes), wishes, str(path), notes)
    if cifar.batches_in(path):
        return settle_arrays("cifar", cifar.read_cifar(path), wishes, str(path), notes)
    if cifar.are_pickles(path):
        raise wrong("pickles", path=path)
    tree = scan(path, Notes())
    if not tree.files and not tree.children:
        if archives.array_files_in(path):
            return settle_arrays("arrays", archives.read_array_folder(path, notes), wishes, str(path), notes)
        if (path / "train.csv").is_file():
            return settle_arrays("csv", pixel_tables.read_csv(path, notes), wishes, str(path), notes)
        if any(path.rglob("*.parquet")):
            raise wrong("parquet", folder=path)
        visible = [inner for inner in sorted(path.iterdir()) if inner.name[0] != "." and inner.name.lower() not in JUNK]
        if len(visible) == 1 and visible[0].is_dir() and not visible[0].is_symlink():
            collection = read_collection(str(visible[0]), wishes, shown)
            collection.notes.say("wrapped", folder=printable(visible[0].name))
            return collection
        for inner in visible:
            if inner.is_file() and inner.suffix.lower() in (*PICKLED, *FOREIGN, *PACKED, ".csv", ".tsv"):
                _refuse(inner)
    return _read_pictures(path, wishes, notes, shown)


def _refuse(path: Path) -> None:
    """Refuses a file that holds images in a form that isn't read, or isn't read from its folder.

    Raises:
        DataError: always.
    """
    ending = path.suffix.lower()
    if ending in PICKLED:
        raise wrong("pickles", path=path)
    if ending in FOREIGN:
        raise wrong("foreign file", path=path, ending=ending)
    packed = ending in PACKED and not path.name.lower().endswith(PACKED_TABLES)
    raise wrong("packed" if packed else "table in folder", path=path)


def _read_file(path: Path, wishes: Wishes, notes: Notes) -> Collection:
    ending = path.suffix.lower()
    if idx.is_idx(path):
        return settle_arrays("idx", idx.read_idx(path, wishes.orientation, notes), wishes, str(path), notes)
    if ending in (".npz", ".npy"):
        return settle_arrays("arrays", archives.read_file(path, notes), wishes, str(path), notes)
    if ending in (".csv", ".tsv") or path.name.lower().endswith(PACKED_TABLES):
        return settle_arrays("csv", pixel_tables.read_csv(path, notes), wishes, str(path), notes)
    if ending in (*PICKLED, *FOREIGN, *PACKED):
        _refuse(path)
    raise wrong("one picture" if ending in ENDINGS else "neither folder nor npz", data=path)


def _read_pictures(path: Path, wishes: Wishes, notes: Notes, shown: Shown) -> Collection:
    listed = list_pictures(path, wishes.labels, notes)
    order: list[tuple[Part, Listed]] = [(part, picture) for part, pictures in listed.items() for picture in pictures]
    sources = [Source(picture.name, picture.path) for _, picture in order]
    kept = Kept(sources, wishes)
    known = Notes()
    decoded = kept.load(known)
    if decoded is None:
        known = Notes()
        with shown(len(sources)) as report:
            decoded = decode_all(sources, wishes, known, report, kept.allocate)
        decoded = kept.store(decoded, known)
    notes.done += known.done
    notes.skipped |= known.skipped
    return _collected("pictures", order, decoded, notes)


def _collected(
    kind: str, order: list[tuple[Part, Listed]], decoded: Decoded, notes: Notes, names: Sequence[str] = ()
) -> Collection:
    """Returns decoded pictures by split, each with the classes of its own pictures, in the order of `names`."""
    parts = np.array([order[place][0] for place in decoded.places])
    splits: dict[Part, ImageFiles] = {}
    known: list[Part] = ["train", "validation", "test"]
    everything = [order[place][1].label for place in decoded.places]
    for part in known:
        rows = np.flatnonzero(parts == part)
        if not len(rows):
            continue
        whole = len(rows) == rows[-1] - rows[0] + 1
        images = decoded.images[rows[0] : rows[-1] + 1] if whole else decoded.images[rows]
        chosen = [order[decoded.places[row]][1] for row in rows]
        labels, class_names = numbered([picture.label for picture in chosen], notes, everything, names)
        splits[part] = ImageFiles(images, labels, class_names, [picture.name for picture in chosen])
    return Collection(kind, splits, notes, dict(decoded.sizes))


def numbered(
    labels: list[Any], notes: Notes, everything: list[Any] | None = None, order: Sequence[str] = ()
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Returns labels as numbers, with the names of the classes: places in `names`, or 0 and 1 where some have several.

    Classes have the given order. Without one, they are sorted by their names, or by value if all are whole numbers.

    Args:
        labels: the labels of a split.
        notes: what was done is added.
        everything: the labels of all splits, which decide together whether an image can have several, and which.
        order: the names of the classes in their order, if it is known.
    """
    everything = labels if everything is None else everything
    if not labels or all(label is None for label in labels):
        return None, ()
    several = any(isinstance(label, list) for label in everything)
    lists = [_words(label) for label in labels]
    words = sorted({word for row in (map(_words, everything) if several else lists) for word in row})
    if any(not isinstance(label, str) for label in labels) and all(_is_whole(word) for word in words):
        words.sort(key=int)
    words.sort(key=lambda word: order.index(word) if word in order else len(order))
    place = {word: number for number, word in enumerate(words)}
    if not several:
        return np.array([place[row[0]] for row in lists]), tuple(words)
    flags = np.zeros((len(lists), len(words)), np.uint8)
    for row, own in enumerate(lists):
        flags[row, [place[word] for word in own]] = 1
    notes.say("several labels", count=len(words))
    return flags, tuple(words)


def _words(label: Any) -> list[str]:
    labels = label if isinstance(label, list) else [] if label is None else [label]
    return [str(one) for one in labels]


def _is_whole(word: str) -> bool:
    return word.removeprefix("-").isdecimal()


def _read_hub(data: str, wishes: Wishes, notes: Notes, shown: Shown) -> Collection:
    found = read_hub(data, notes)
    order: list[tuple[Part, Listed]] = []
    sources: list[Source] = []
    for part, pictures in found.items():
        labels = pictures.labels if wishes.labels == "auto" and pictures.labels else [None] * len(pictures.sources)
        for source, label in zip(pictures.sources, labels, strict=True):
            if label is None and any(one is not None for one in labels):
                notes.skip("unlabeled", source.name)
                continue
            order.append((part, Listed(Path(), source.name, label)))
            sources.append(source)
    if not sources:
        raise wrong("no images", path=data)
    with shown(len(sources)) as report:
        decoded = decode_all(sources, wishes, notes, report)
    names = next((pictures.names for pictures in found.values() if pictures.names), ())
    return _collected("hub", order, decoded, notes, names)
