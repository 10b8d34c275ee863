"""Tables of pixels: images as rows of a CSV file, a column for each pixel, or all pixels in one cell."""

import csv
import gzip
import re
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from pocketgan.base.language import shortened
from pocketgan.images.intake.contents import ImageFiles, Notes, Part, few, wrong
from pocketgan.images.intake.tables import LABEL_COLUMNS, is_number, separator_of
from pocketgan.images.intake.values import read_labels

PIXELS, USAGE = "pixels", "usage"
"""Columns of FER2013: the pixels of an image in one cell, and its split."""
USAGES: dict[str, Part] = {"training": "train", "publictest": "validation", "privatetest": "test"}
TABLES: dict[Part, str] = {"train": "train.csv", "validation": "val.csv", "test": "test.csv"}
"""Names of tables in a folder, by their splits."""
PIXEL_COLUMN = re.compile(r"^\D{0,12}\d+([x×_.-]\d+)?$")
"""A name of a column of pixels, such as `pixel12`, `3x7`, `p12` or `12`."""
MOST_CLASSES = 1000
"""Numbers up to this one can be classes, in a table without names of columns."""
LONGEST_REASON = 120
"""Maximum length of another library's sentence in a message."""


def read_csv(path: Path, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads images from a CSV file: a row for each, a column for each pixel and perhaps one for the label.

    The label is in the column that is named so, or in the only one whose name isn't a pixel's. In a table without names
    of columns, it is in the first or in the last one, whichever can hold classes. `test.csv` beside `train.csv` is the
    test split. The images of EMNIST's tables are transposed; see `settle_arrays`.

    Raises:
        DataError: there is another table in the file, or the labels can be in two columns.
    """
    splits: dict[Part, ImageFiles] = {}
    if path.is_dir():
        for part, name in TABLES.items():
            if (path / name).is_file():
                splits[part] = _read_table(path / name, notes)["train"]
        return splits
    splits = _read_table(path, notes)
    beside = path.with_name(path.name.replace("train", "test"))
    if beside != path and beside.is_file() and "test" not in splits:
        splits["test"] = _read_table(beside, notes)["train"]
    return splits


def _read_table(path: Path, notes: Notes) -> dict[Part, ImageFiles]:
    header, separator = _header(path)
    names = [name.strip().lower() for name in header]
    if PIXELS in names:
        return _read_cells(path, names, separator, notes)
    named = not all(is_number(name) for name in names) or _counts(names)
    if named and not all(is_number(name) for name in names):
        pixels, column = _columns(path, names, notes)
        rows, labels = _values(path, separator, pixels, column, 1)
    else:
        rows, labels = _values(path, separator, None, None, int(named))
        if not _is_image(rows.shape[1]) and _is_image(rows.shape[1] - 1):
            column = _label_column(path, rows)
            notes.say("labels in column", column=column + 1, count=rows.shape[1])
            labels, rows = rows[:, column], np.delete(rows, column, axis=1)
    if not len(rows):
        raise wrong("no images", path=path)
    found, class_names = (None, ()) if labels is None else read_labels(labels, len(rows), str(path))
    return {"train": ImageFiles(_narrow(rows), found, class_names)}


def _narrow(rows: np.ndarray) -> np.ndarray:
    """Returns values as integers of 8 or 16 bits where all of them are such numbers."""
    whole = (rows == np.round(rows)).all() and rows.min(initial=0) >= 0 and rows.max(initial=0) <= 65535
    return rows.astype(np.uint16 if rows.max(initial=0) > 255 else np.uint8) if whole else rows


def _counts(names: list[str]) -> bool:
    """Whether the cells of a first line count the columns, 0, 1, 2 … or 1, 2, 3 …, so that they are names."""
    return len(names) > 3 and any(names == [str(start + place) for place in range(len(names))] for start in (0, 1))


def _columns(path: Path, names: list[str], notes: Notes) -> tuple[list[int], int | None]:
    """Returns the places of the pixels and that of the label, if there is one, in a table with names of columns.

    Raises:
        DataError: the other columns are no square image.
    """
    column = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    pixels = [place for place in range(len(names)) if place != column]
    if not _is_image(len(pixels)):
        others = [place for place in pixels if not PIXEL_COLUMN.match(names[place])]
        rest = [place for place in pixels if place not in others]
        if not others or not _is_image(len(rest)):
            raise wrong("columns of another number", path=path, values=len(rest), names=_listed(names, others))
        if column is None and len(others) == 1:
            column, pixels = others[0], rest
            notes.say("labels in named column", column=names[column], file=path.name)
        else:
            pixels = rest
            notes.say("columns unused", file=path.name, names=_listed(names, others))
    return pixels, column


def _listed(names: list[str], places: list[int]) -> str:
    return few([names[place] or "''" for place in places], most=5) or "–"


def _values(
    path: Path, separator: str, pixels: list[int] | None, column: int | None, skipped: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns the pixels of a table, float32 (N, D), and its labels: numbers, or else words.

    Raises:
        DataError: a cell isn't a number, or a row has another number of cells.
    """

    def load(kind: type, **columns: Any) -> np.ndarray:
        with opened(path) as file:
            return np.loadtxt(file, kind, **columns, **options)

    options = {"delimiter": separator, "skiprows": skipped, "ndmin": 2, "quotechar": '"'}
    whole = pixels is None or sorted([*pixels, *([] if column is None else [column])]) == list(range(len(pixels) + 1))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of a table without rows, which is refused later.
            if column is None:
                return load(np.float32, usecols=pixels), None
            if whole:  # At once, which takes half as long.
                with suppress(ValueError):
                    rows = load(np.float32)
                    return np.delete(rows, column, axis=1), rows[:, column]
            rows = load(np.float32, usecols=pixels)
            try:
                return rows, load(np.float64, usecols=[column])[:, 0]
            except ValueError:
                return rows, np.char.strip(load(str, usecols=[column])[:, 0])
    except (OSError, EOFError, zlib.error, ValueError) as error:
        why = shortened(str(error).splitlines()[0].partition("; use")[0], LONGEST_REASON)
        raise wrong("no table of pixels", path=path, why=why) from None


def _label_column(path: Path, rows: np.ndarray) -> int:
    """Returns the column of a table without names that holds its labels: the first or the last one.

    Labels are whole numbers from 0 on that vary and repeat. If both columns have such, there are at most half as many
    labels as values of a pixel.

    Raises:
        DataError: both columns can be labels, or neither.
    """
    ends = (0, rows.shape[1] - 1)
    kinds = {place: len(np.unique(rows[:, place])) for place in ends if _are_classes(rows[:, place])}
    few_first = sorted(kinds, key=lambda place: kinds[place])
    if not kinds or (len(kinds) == 2 and kinds[few_first[0]] > kinds[few_first[1]] / 2):
        raise wrong("which column has labels", path=path, values=ends[1])
    return few_first[0]


def _are_classes(values: np.ndarray) -> bool:
    whole = bool((values == np.round(values)).all()) and values.min(initial=0) >= 0
    return whole and values.max(initial=0) <= MOST_CLASSES and 2 <= len(np.unique(values)) < len(values)


def opened(path: Path) -> IO[str]:
    """Opens a table, which may be compressed with gzip."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _header(path: Path) -> tuple[list[str], str]:
    """Returns the cells of a table's first line, and what separates them."""
    try:
        with opened(path) as file:
            first = file.readline()
        separator = separator_of(first)
        return next(csv.reader([first], delimiter=separator), []), separator
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise wrong("unreadable", path=path, why=error) from None


def _is_image(count: int) -> bool:
    """Whether this number of values is that of a square image, gray or in color."""
    return count > 1 and any(round((count / channels) ** 0.5) ** 2 * channels == count for channels in (1, 3))


def _read_cells(path: Path, names: list[str], separator: str, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads a table that has the pixels of each image in one cell, as FER2013 has them."""
    label = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    used = {names.index(PIXELS), label, names.index(USAGE) if USAGE in names else None}
    unused = [place for place in range(len(names)) if place not in used]
    if unused:
        notes.say("columns unused", file=path.name, names=_listed(names, unused))
    found: dict[Part, tuple[list[np.ndarray], list[str]]] = {}
    csv.field_size_limit(10_000_000)
    try:
        with opened(path) as file:
            for row in list(csv.reader(file, delimiter=separator))[1:]:
                part = USAGES.get(row[names.index(USAGE)].strip().lower(), "train") if USAGE in names else "train"
                images, labels = found.setdefault(part, ([], []))
                images.append(np.array(row[names.index(PIXELS)].replace(",", " ").split(), np.float32))
                labels.append("" if label is None else row[label].strip())
        splits: dict[Part, ImageFiles] = {}
        for part, (images, labels) in found.items():
            numbers, class_names = None, ()
            if label is not None:
                values = np.array([float(one) for one in labels] if all(map(is_number, labels)) else labels)
                numbers, class_names = read_labels(values, len(images), str(path))
            splits[part] = ImageFiles(_narrow(np.stack(images)), numbers, class_names)
    except (OSError, EOFError, zlib.error, ValueError, IndexError, OverflowError, csv.Error) as error:
        if hasattr(error, "parts"):
            raise
        raise wrong("no table of pixels", path=path, why=shortened(str(error), LONGEST_REASON)) from None
    return splits
