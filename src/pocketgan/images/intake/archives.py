"""NumPy's files: .npz and .npy, under the names that MedMNIST, Keras, KMNIST, QuickDraw and others give the arrays."""

import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from pocketgan.base.messages import problem
from pocketgan.images.intake.contents import ImageFiles, Notes, Part, wrong
from pocketgan.images.intake.values import read_labels, texts_in

IMAGE_NAMES: dict[Part, tuple[str, ...]] = {
    "train": ("images", "train_images", "x_train", "X_train", "train_x", "trainX", "imgs", "data", "X", "x", "arr_0"),
    "validation": ("validation_images", "val_images", "valid_images", "x_val", "X_val", "x_valid", "val_x"),
    "test": ("test_images", "x_test", "X_test", "test_x", "testX"),
}
"""Names of arrays of images, by their splits."""
LABEL_NAMES: dict[Part, tuple[str, ...]] = {
    "train": ("labels", "train_labels", "y_train", "Y_train", "train_y", "trainy", "label", "targets", "y", "Y"),
    "validation": ("validation_labels", "val_labels", "valid_labels", "y_val", "Y_val", "y_valid", "val_y"),
    "test": ("test_labels", "y_test", "Y_test", "test_y", "testy"),
}
"""Names of arrays of labels, by their splits."""
IMAGES_FILE = re.compile(r"(imgs|images|[-_.]x|^x)([-_.].*)?$", re.IGNORECASE)
SPLIT_WORDS: dict[str, Part] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "t10k": "test", "val": "validation",
    "valid": "validation", "validation": "validation",
}  # fmt: skip
FAILURES = (OSError, ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


def read_archive(path: Path, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads an .npz file: the images and labels of each split that it has, not yet as bytes.

    If all labels are indices into an array `class_names` of texts, as `pocketgan generate` writes it, these name the
    classes. Of KMNIST, whose files hold one array each, the other files are found beside the given one.

    Raises:
        DataError: it isn't such a file, or holds no images under a known name.
    """
    arrays, class_names = load_npz(path)
    if list(arrays) == ["arr_0"] and (relatives := _relatives(path)):
        return {part: _of_files(images, labels, notes) for part, (images, labels) in relatives.items()}
    splits: dict[Part, ImageFiles] = {}
    for part, names in IMAGE_NAMES.items():
        name = next((name for name in names if name in arrays), None)
        if name is None:
            continue
        label_name = next((label for label in LABEL_NAMES[part] if label in arrays), None)
        splits[part] = with_labels(arrays[name], arrays.get(label_name or ""), class_names, str(path), notes)
    if "train" not in splits:
        names = ", ".join(arrays) or problem("npz of nothing")
        raise wrong("npz without images", path=path, names=names, wanted="images", split="train")
    return splits


def load_npz(path: Path) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Returns the arrays of an .npz file, and its class names.

    Raises:
        DataError: it can't be read, or holds something other than arrays.
    """
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            class_names = texts_in(archive, "class_names")
            known = {name for names in (*IMAGE_NAMES.values(), *LABEL_NAMES.values()) for name in names}
            arrays = {name: archive[name] if name in known else np.empty(0) for name in archive.files}
    except FAILURES as error:
        raise wrong("unreadable npz", path=path, why=error) from None
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise wrong("npz of objects", path=path)
    return arrays, class_names


def with_labels(
    images: np.ndarray, labels: np.ndarray | None, class_names: tuple[str, ...], path: str, notes: Notes
) -> ImageFiles:
    """Returns images with their labels, which `class_names` name if all of them are indices into it."""
    if labels is None:
        return ImageFiles(images)
    numbers, names = read_labels(labels, len(images), path, notes)
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
    return sorted(file for file in folder.iterdir() if file.suffix in (".npy", ".npz") and file.name[0] != ".")


def read_array_folder(folder: Path, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads a folder of array files: images and labels in files of their own, or one .npy file for each class.

    Raises:
        DataError: the files don't belong together in either way.
    """
    files = array_files_in(folder)
    pairs = _pairs(files)
    if pairs:
        return {part: _of_files(images, labels, notes) for part, (images, labels) in pairs.items()}
    if len(files) == 1:
        return read_file(files[0], notes)
    if any(file.suffix == ".npz" for file in files):
        raise wrong("several array files", folder=folder, known=", ".join(file.name for file in files[:5]))
    arrays = [read_array(file) for file in files]
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1 or any(array.ndim < 2 for array in arrays):
        raise wrong("several array files", folder=folder, known=", ".join(file.name for file in files[:5]))
    notes.say("files as classes", count=len(files))
    labels = np.repeat(np.arange(len(files)), [len(array) for array in arrays])
    return {"train": ImageFiles(np.concatenate(arrays), labels, tuple(_short(file.stem) for file in files))}


def read_file(path: Path, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads an .npy or .npz file; see `read_archive`."""
    if path.suffix == ".npz":
        return read_archive(path, notes)
    pairs = _relatives(path)
    if pairs:
        return {part: _of_files(images, labels, notes) for part, (images, labels) in pairs.items()}
    return {"train": ImageFiles(read_array(path))}


def _short(stem: str) -> str:
    """Returns the name of a class from that of its file, without QuickDraw's prefix."""
    return re.sub(r"^(full_numpy_bitmap_|full[-_]numpy[-_]bitmap[-_])", "", stem)


def _pairs(files: list[Path]) -> dict[Part, tuple[Path, Path | None]]:
    """Returns files of images with those of their labels, by split: `kmnist-train-imgs.npz`, `kmnist-train-labels.npz`.

    Empty unless some of the files are named so.
    """
    pairs: dict[Part, tuple[Path, Path | None]] = {}
    for file in files:
        if not IMAGES_FILE.search(file.stem):
            continue
        words = re.split(r"[-_.]", file.stem.lower())
        named: list[Part] = [SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS]
        part = named[0] if named else "train"
        stem = re.sub(r"imgs|images", "labels", file.stem, flags=re.IGNORECASE)
        stems = {stem, re.sub(r"(^|[-_.])x", r"\1y", stem, flags=re.IGNORECASE)} - {file.stem}
        labels = next((other for other in files if other.stem in stems), None)
        pairs.setdefault(part, (file, labels))
    return pairs


def _relatives(path: Path) -> dict[Part, tuple[Path, Path | None]]:
    """Returns the files that belong to one of images by their names; empty if its name doesn't say so."""
    if not IMAGES_FILE.search(path.stem):
        return {}
    first = re.split(r"[-_.]", path.stem)[0]
    same = [file for file in array_files_in(path.parent) if re.split(r"[-_.]", file.stem)[0] == first]
    pairs = _pairs(same if first.lower() not in SPLIT_WORDS else array_files_in(path.parent))
    return pairs if any(images == path for images, _ in pairs.values()) else {}


def _of_files(images: Path, labels: Path | None, notes: Notes) -> ImageFiles:
    return with_labels(_only(images), None if labels is None else _only(labels), (), str(images), notes)


def _only(path: Path) -> np.ndarray:
    """Returns the only array of a file."""
    if path.suffix == ".npy":
        return read_array(path)
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            arrays = [archive[name] for name in archive.files]
    except FAILURES as error:
        raise wrong("unreadable npz", path=path, why=error) from None
    if len(arrays) != 1 or not isinstance(arrays[0], np.ndarray):
        raise wrong("npz of objects", path=path)
    return arrays[0]
