"""NumPy's files: .npz and .npy, under the names that MedMNIST, Keras, KMNIST, QuickDraw and others give the arrays."""

import re
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from pocketgan.base.messages import problem
from pocketgan.images.intake.contents import SPLITS, ImageFiles, Notes, Part, few, wrong
from pocketgan.images.intake.values import read_labels, texts_in

IMAGE_NAMES: dict[Part, tuple[str, ...]] = {
    "train": ("images", "train_images", "x_train", "train_x", "trainx", "imgs", "data", "x", "arr_0"),
    "validation": ("validation_images", "val_images", "valid_images", "x_val", "x_valid", "x_validation", "val_x"),
    "test": ("test_images", "x_test", "test_x", "testx"),
}
"""Names of arrays of images in small letters, by their splits."""
LABEL_NAMES: dict[Part, tuple[str, ...]] = {
    "train": (
        "labels", "train_labels", "y_train", "train_y", "trainy", "label", "targets", "target", "classes", "y", "arr_1"
    ),
    "validation": ("validation_labels", "val_labels", "valid_labels", "y_val", "y_valid", "y_validation", "val_y"),
    "test": ("test_labels", "y_test", "test_y", "testy"),
}  # fmt: skip
"""Names of arrays of labels in small letters, by their splits."""
EXTRAS = ("class_names", "files", "split", "inputs")
"""Other arrays of the archives that this package writes."""
IMAGE_WORDS, LABEL_WORDS = ("imgs", "images", "x"), ("labels", "targets", "label", "y")
"""Words in the names of files of images, and of those of their labels."""
SPLIT_WORDS: dict[str, Part] = {**SPLITS, "t10k": "test"}
FAILURES = (OSError, ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


def read_archive(path: Path, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads an .npz file: the images and labels of each split that it has, not yet as bytes.

    If all labels are indices into an array `class_names` of texts, as `pocketgan generate` writes it, these name the
    classes. An array `split` of the words train, validation and test, as `pocketgan look` writes it, divides `images`.
    Of KMNIST, whose files hold one array each, the other files are found beside the given one.

    Raises:
        DataError: it isn't such a file, or holds no images under a known name.
    """
    arrays, class_names, words = load_npz(path)
    if list(arrays) == ["arr_0"] and (relatives := _relatives(path)):
        return {part: _of_files(images, labels) for part, (images, labels) in relatives.items()}
    splits: dict[Part, ImageFiles] = {}
    used: set[str] = set()
    for part, names in IMAGE_NAMES.items():
        name = next((name for name in names if name in arrays), None)
        if name is None:
            continue
        label_name = next((label for label in LABEL_NAMES[part] if label in arrays and label not in used), "")
        if label_name == "arr_1" and (name != "arr_0" or arrays["arr_1"].shape[:1] != arrays[name].shape[:1]):
            label_name = ""
        used |= {name, label_name}
        splits[part] = with_labels(arrays[name], arrays.get(label_name), class_names, str(path))
    if "train" not in splits:
        names = ", ".join(arrays) or problem("npz of nothing")
        raise wrong("npz without images", path=path, names=names, wanted="images", split="train")
    unused = [f"{name} {array.shape}" for name, array in arrays.items() if name not in (*used, *EXTRAS)]
    if unused:
        notes.say("arrays unused", file=path.name, names=few(unused, most=5))
    if len(splits) == 1 and len(words) == len(splits["train"].images):
        return _divided(splits["train"], np.array(words))
    return splits


def _divided(files: ImageFiles, words: np.ndarray) -> dict[Part, ImageFiles]:
    """Returns the images of each split that the words name; all of them as they are if there are other words."""
    known: list[Part] = ["train", "validation", "test"]
    if not set(words) <= set(known) or "train" not in words:
        return {"train": files}
    splits: dict[Part, ImageFiles] = {}
    for part in known:
        rows = np.flatnonzero(words == part)
        if len(rows):
            labels = None if files.labels is None else files.labels[rows]
            splits[part] = replace(files, images=files.images[rows], labels=labels)
    return splits


def load_npz(path: Path) -> tuple[dict[str, np.ndarray], tuple[str, ...], tuple[str, ...]]:
    """Returns the arrays of an .npz file by their names in small letters, its class names and the splits of its images.

    Arrays that are neither images nor labels are returned with their shape alone.

    Raises:
        DataError: it can't be read, or holds something other than arrays.
    """
    known = {name for names in (*IMAGE_NAMES.values(), *LABEL_NAMES.values()) for name in names}
    arrays: dict[str, np.ndarray] = {}
    name = ""
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            class_names, words = texts_in(archive, "class_names"), texts_in(archive, "split", different=False)
            for name in archive.files:
                small = name.lower()
                arrays[name if small in arrays else small] = archive[name] if small in known else _shape(archive, name)
    except FAILURES as error:
        if name and "allow_pickle" in str(error):
            raise wrong("array of objects", path=path, array=name) from None
        raise wrong("unreadable npz", path=path, why=error) from None
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise wrong("npz of objects", path=path)
    return arrays, class_names, words


def _shape(archive: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    """Returns an array with the shape of one in an archive, which takes no memory; an empty one if it isn't known."""
    packed = archive.zip
    if packed is None:
        return np.empty(0)
    try:
        with packed.open(name if name in packed.namelist() else f"{name}.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return np.broadcast_to(np.uint8(0), read(file)[0])
    except FAILURES:
        return np.empty(0)


def with_labels(images: np.ndarray, labels: np.ndarray | None, class_names: tuple[str, ...], path: str) -> ImageFiles:
    """Returns images with their labels, which `class_names` name if all of them are indices into it."""
    if labels is None:
        return ImageFiles(images)
    numbers, names = read_labels(labels, len(images), path)
    if numbers.ndim == 2:
        return ImageFiles(images, numbers, class_names if len(class_names) == numbers.shape[1] else ())
    if names:
        return ImageFiles(images, numbers, names)
    used, places = np.unique(numbers, return_inverse=True)
    if len(used) and 0 <= used[0] <= used[-1] < len(class_names):
        return ImageFiles(images, places.reshape(-1), tuple(class_names[label] for label in used))
    return ImageFiles(images, numbers)


def read_array(path: Path) -> np.ndarray:
    """Reads an .npy file, without loading objects.

    Raises:
        DataError: it can't be read.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except FAILURES as error:
        raise wrong("unreadable npy", path=path, why=error) from None
    if not isinstance(array, np.ndarray):
        raise wrong("npz of objects", path=path)
    return array


def array_files_in(folder: Path) -> list[Path]:
    """Returns the .npy and .npz files of a folder."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in (".npy", ".npz") and file.name[0] != ".")


def read_array_folder(folder: Path, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads a folder of array files: images and labels in files of their own, or one .npy file for each class.

    Raises:
        DataError: the files don't belong together in either way.
    """
    files = array_files_in(folder)
    pairs = _pairs(files)
    others = {file for file in files if file not in {one for pair in pairs.values() for one in pair}}
    if pairs and not others:
        return {part: _of_files(images, labels) for part, (images, labels) in pairs.items()}
    if len(files) == 1:
        return read_file(files[0], notes)
    known = ", ".join(file.name for file in files[:5])
    if any(file.suffix.lower() == ".npz" for file in files):
        raise wrong("several array files", folder=folder, known=known)
    arrays = [read_array(file) for file in files]
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1 or any(array.ndim < 2 for array in arrays):
        raise wrong("several array files", folder=folder, known=known)
    notes.say("files as classes", count=len(files))
    labels = np.repeat(np.arange(len(files)), [len(array) for array in arrays])
    return {"train": ImageFiles(np.concatenate(arrays), labels, tuple(_short(file.stem) for file in files))}


def read_file(path: Path, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads an .npy or .npz file; see `read_archive`."""
    if path.suffix.lower() == ".npz":
        return read_archive(path, notes)
    pairs = _relatives(path)
    if pairs:
        return {part: _of_files(images, labels) for part, (images, labels) in pairs.items()}
    beside = [
        file.name for file in array_files_in(path.parent) if file != path and set(_words(file)) & set(LABEL_WORDS)
    ]
    if beside:
        notes.say("files unused", names=few(beside))
    return {"train": ImageFiles(read_array(path))}


def _short(stem: str) -> str:
    """Returns the name of a class from that of its file, without QuickDraw's prefix."""
    return re.sub(r"^(full_numpy_bitmap_|full[-_]numpy[-_]bitmap[-_])", "", stem)


def _words(file: Path) -> list[str]:
    """Returns the words in a file's name, in small letters: `kmnist-train-imgs.npz` has three, `trainX.npy` two."""
    return [word for word in re.split(r"[-_.]", re.sub(r"(?<=[a-z])([XY])$", r"_\1", file.stem).lower()) if word]


def _pairs(files: list[Path]) -> dict[Part, tuple[Path, Path | None]]:
    """Returns files of images with those of their labels, by split: `kmnist-train-imgs.npz`, `kmnist-train-labels.npz`.

    A file of images has one of the words `imgs`, `images` and `x` in its name; beside `x`, nothing but a split. Empty
    unless some of the files are named so, and no split has two.
    """
    pairs: dict[Part, tuple[Path, Path | None]] = {}
    for file in files:
        words = _words(file)
        word = next((word for word in IMAGE_WORDS if word in words), None)
        rest = [one for one in words if one != word]
        if word is None or (word == "x" and not set(rest) <= set(SPLIT_WORDS)):
            continue
        named: list[Part] = [SPLIT_WORDS[one] for one in rest if one in SPLIT_WORDS]
        part = named[0] if named else "train"
        if part in pairs:
            return {}
        labels = [other for other in files for own in LABEL_WORDS if sorted(_words(other)) == sorted([*rest, own])]
        pairs[part] = (file, labels[0] if labels else None)
    return pairs


def _relatives(path: Path) -> dict[Part, tuple[Path, Path | None]]:
    """Returns the files that belong to one of images by their names; empty if its name doesn't say so."""
    words = _words(path)
    if not set(words) & set(IMAGE_WORDS):
        return {}
    files = array_files_in(path.parent)
    if words[0] not in (*SPLIT_WORDS, *IMAGE_WORDS):
        files = [file for file in files if _words(file)[:1] == words[:1]]
    pairs = _pairs(files)
    return pairs if any(images == path for images, _ in pairs.values()) else {}


def _of_files(images: Path, labels: Path | None) -> ImageFiles:
    return with_labels(_only(images), None if labels is None else _only(labels), (), str(images))


def _only(path: Path) -> np.ndarray:
    """Returns the only array of a file."""
    if path.suffix.lower() == ".npy":
        return read_array(path)
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            arrays = [archive[name] for name in archive.files]
    except FAILURES as error:
        raise wrong("unreadable npz", path=path, why=error) from None
    if len(arrays) != 1 or not isinstance(arrays[0], np.ndarray):
        raise wrong("npz of objects", path=path)
    return arrays[0]
