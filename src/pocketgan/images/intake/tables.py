"""Tables: images as rows of a CSV file, and labels beside pictures as CSV, TSV, JSON or JSON lines."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pocketgan.base.files import parse_json
from pocketgan.base.language import shortened
from pocketgan.images.intake.contents import ImageFiles, Notes, Part, wrong
from pocketgan.images.intake.values import read_labels

LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "emotion", "finding labels", "y")
FILE_COLUMNS = ("file", "file_name", "filename", "image", "path", "name", "image index", "image_id", "id")
PIXELS, USAGE = "pixels", "usage"
"""Columns of FER2013: the pixels of an image in one cell, and its split."""
USAGES: dict[str, Part] = {"training": "train", "publictest": "validation", "privatetest": "test"}
TABLES: dict[Part, str] = {"train": "train.csv", "validation": "val.csv", "test": "test.csv"}
"""Names of tables in a folder, by their splits."""
SEVERAL = re.compile(r"\s*[|;]\s*")
"""What separates several labels in one cell."""
SEPARATORS = ",;\t"
"""What separates the columns of a table."""
DECIMAL_COMMA = re.compile(r"^\s*([-+]?\d+),(\d+)\s*$")
"""A number with a decimal comma, as spreadsheets write it beside semicolons in many countries."""
LONGEST_REASON = 120
"""Maximum length of another library's sentence in a message."""
LARGEST_TABLE = 200_000_000
"""Maximum size of a file of labels in bytes."""


def read_csv(path: Path, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads images from a CSV file: a row for each, a column for each pixel and perhaps one for the label.

    The label is in the column that is named so, or in the first one if there is one column more than pixels. Without a
    header, the same holds. `test.csv` beside `train.csv` is the test split.

    Raises:
        DataError: there is another table in the file.
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
    numbers = all(_is_number(name) for name in names)
    skipped = 0 if numbers else 1
    try:
        rows = np.loadtxt(path, np.float32, delimiter=separator, skiprows=skipped, ndmin=2, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = shortened(str(error).splitlines()[0], LONGEST_REASON)
        raise wrong("no table of pixels", path=path, why=why) from None
    if not len(rows):
        raise wrong("no images", path=path)
    labels = None
    column = None if numbers else next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    if column is None and numbers and not _is_image(rows.shape[1]) and _is_image(rows.shape[1] - 1):
        column = 0
    if column is not None:
        labels = rows[:, column]
        rows = np.delete(rows, column, axis=1)
    whole = (rows == np.round(rows)).all() and rows.min(initial=0) >= 0 and rows.max(initial=0) <= 65535
    images = rows.astype(np.uint16 if rows.max(initial=0) > 255 else np.uint8) if whole else rows
    found = None if labels is None else read_labels(labels, len(images), str(path), notes)[0]
    return {"train": ImageFiles(images, found)}


def _header(path: Path) -> tuple[list[str], str]:
    """Returns the cells of a table's first line, and what separates them."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
        separator = _separator(first)
        return next(csv.reader([first], delimiter=separator), []), separator
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise wrong("unreadable", path=path, why=error) from None


def _separator(line: str) -> str:
    """Returns what separates the cells of a line: a comma, a semicolon or a tab, whichever it has most of."""
    return max(SEPARATORS, key=line.count)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_image(count: int) -> bool:
    """Whether this number of values is that of a square image, gray or in color."""
    return count > 1 and any(round((count / channels) ** 0.5) ** 2 * channels == count for channels in (1, 3))


def _read_cells(path: Path, names: list[str], separator: str, notes: Notes) -> dict[Part, ImageFiles]:
    """Reads a table that has the pixels of each image in one cell, as FER2013 has them."""
    label = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    found: dict[Part, tuple[list[np.ndarray], list[str]]] = {}
    csv.field_size_limit(10_000_000)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in list(csv.reader(file, delimiter=separator))[1:]:
                part = USAGES.get(row[names.index(USAGE)].strip().lower(), "train") if USAGE in names else "train"
                images, labels = found.setdefault(part, ([], []))
                images.append(np.array(row[names.index(PIXELS)].split(), np.uint8))
                labels.append("" if label is None else row[label])
        splits: dict[Part, ImageFiles] = {}
        for part, (images, labels) in found.items():
            values = np.array([float(one) for one in labels]) if label is not None else None
            numbers = None if values is None else read_labels(values, len(images), str(path), notes)[0]
            splits[part] = ImageFiles(np.stack(images), numbers)
    except (OSError, ValueError, IndexError, OverflowError, csv.Error) as error:
        raise wrong("no table of pixels", path=path, why=error) from None
    return splits


def read_label_file(path: Path) -> dict[str, Any]:
    """Returns what a file of labels says of each picture, by the file's name.

    That is a word, a number, a list of these, or None where it says nothing. CSV and TSV files have a header, with one
    column of file names and one of labels, or several columns of 0 and 1. JSON files hold an object (file to label), or
    a list of pairs or of objects, perhaps under the name `labels`; JSON lines hold one object each.

    Raises:
        DataError: the file holds something else.
    """
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise wrong("no label file", "labels", path=path, why=f"> {LARGEST_TABLE:,} B")
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() in (".csv", ".tsv", ".txt"):
            known = _from_rows(text)
        elif path.suffix.lower() == ".jsonl":
            known = _from_objects([parse_json(line) for line in text.splitlines() if line.strip()])
        else:
            known = _from_json(parse_json(text))
        return _by_file(known, path)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        if hasattr(error, "parts"):
            raise
        raise wrong("no label file", "labels", path=path, why=error) from None


def _by_file(known: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """Returns labels by the names of their files.

    Raises:
        DataError: the labels are numbers with fractions.
        ValueError: a label is something else than a word, a number or a list of these, or a file has two.
    """
    labels: dict[str, Any] = {}
    for name, label in known:
        words = label if isinstance(label, list) else [label]
        if not all(word is None or isinstance(word, str | int | float) for word in words):
            raise ValueError(f"the label of {name} is neither a word, a number nor a list of these")
        own = None if label == "" else label
        if labels.setdefault(name, own) != own:
            raise ValueError(f"{name} is in it twice, with different labels")
    numbers = [str(label) for label in labels.values() if label is not None]
    if all(map(_is_number, numbers)) and any(float(label) % 1 for label in numbers):
        raise wrong("labels with fractions", "labels", path=path)
    return labels


def _from_json(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and isinstance(value.get("labels"), list | dict):
        value = value["labels"]
    if isinstance(value, dict):
        return [(str(name), label) for name, label in value.items()]
    if isinstance(value, list) and value and all(isinstance(row, list) and len(row) == 2 for row in value):
        return [(str(name), label) for name, label in value]
    return _from_objects(value)


def _from_objects(rows: Any) -> list[tuple[str, Any]]:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError("no list of objects")
    names = {name.lower(): name for name in rows[0]}
    file = next((names[name] for name in FILE_COLUMNS if name in names), None)
    label = next((names[name] for name in LABEL_COLUMNS if name in names), None)
    if label is None:
        label = next((name for name in rows[0] if name != file), None)
    missing = next((place for place, row in enumerate(rows, start=1) if file not in row or label not in row), None)
    if missing is not None:
        raise ValueError(f"object {missing} has no file name or no label")
    return [(str(row[file]), row[label]) for row in rows]


def _cells(text: str) -> list[list[str]]:
    """Returns the cells of a table, without its blank lines; between semicolons, decimal commas become points.

    Raises:
        ValueError: it is empty, or a line has another number of cells than the first one. Empty ones at the end don't
            count.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError("it is empty")
    separator = _separator(lines[0])
    rows = list(csv.reader(lines, delimiter=separator))
    if separator == ";":
        rows = [[DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in row] for row in rows]
    count = max((place for place, cell in enumerate(rows[0], start=1) if cell.strip()), default=1)
    for place, row in enumerate(rows, start=1):
        if len(row) < count or any(cell.strip() for cell in row[count:]):
            raise ValueError(f"row {place} has {len(row)} columns, and the first one has {count}")
    return [row[:count] for row in rows]


def _from_rows(text: str) -> list[tuple[str, Any]]:
    rows = _cells(text)
    names = [name.strip().lower() for name in rows[0]]
    if len(names) < 2:
        raise ValueError("one column")
    file = next((names.index(name) for name in FILE_COLUMNS if name in names), None)
    label = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    body = rows if file is None and label is None and "." in rows[0][0] else rows[1:]  # Without a header.
    file = 0 if file is None else file
    others = [place for place in range(len(names)) if place != file]
    if len(others) > 1 and all(row[place] in ("0", "1") for row in body for place in others):
        return [(row[file], [rows[0][place] for place in others if row[place] == "1"]) for row in body]
    label = others[0] if label is None else label
    several = any(SEVERAL.search(row[label]) for row in body)
    if several:
        return [(row[file], [word for word in SEVERAL.split(row[label]) if word]) for row in body]
    return [(row[file], row[label].strip()) for row in body]


def read_number_file(path: Path) -> tuple[tuple[str, ...], np.ndarray, list[str] | None]:
    """Returns the names of a table's numbers, the numbers, float32 (N, K), and the file that each row is about.

    The first column without numbers names the files; without one, the rows are in the order of the images.

    Raises:
        DataError: the file has no header, or no column of numbers.
    """
    try:
        rows = _cells(path.read_text(encoding="utf-8-sig"))
        header, body = [name.strip() for name in rows[0]], rows[1:]
        numbers = [place for place in range(len(header)) if all(_is_number(row[place]) for row in body)]
        words = [place for place in range(len(header)) if place not in numbers]
        files = next((place for place in numbers if header[place].lower() in FILE_COLUMNS), None)
        files = words[0] if words else files
        numbers = [place for place in numbers if place != files]
        if not numbers or not body or all(_is_number(name) for name in header):
            raise ValueError("a header and a column of numbers are needed")
        values = np.array([[float(row[place]) for place in numbers] for row in body], np.float32)
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise wrong("no number file", "condition", path=path, why=error) from None
    if not np.isfinite(values).all():
        raise wrong("images not finite", "condition", path=path)
    return tuple(header[place] for place in numbers), values, None if files is None else [row[files] for row in body]


def labels_for(names: Iterable[str], known: dict[str, Any], folder: str) -> list[Any]:
    """Returns what a file of labels says of each picture; None where it says nothing.

    Args:
        names: the pictures' paths relative to their folder.
        known: as `read_label_file` returns it; its names are such paths, file names, or file names without an ending.
            If none of them is a picture's, they may begin with the folder and folders above it.
        folder: the name of the pictures' folder.
    """
    places = [Path(name) for name in names]
    plain = {name.replace("\\", "/").lstrip("./"): label for name, label in known.items()}
    found = [_label_of(path, plain) for path in places]
    if any(label is not None for label in found):
        return found
    parts = [(f"/{name}".rpartition(f"/{folder}/"), label) for name, label in plain.items()]
    inside = [(name, label) for (_, separator, name), label in parts if separator]
    below = dict(inside)
    return found if len(below) < len(inside) else [_label_of(path, below) for path in places]


def _label_of(path: Path, known: dict[str, Any]) -> Any:
    keys = (path.as_posix(), path.with_suffix("").as_posix(), path.name, path.stem)
    return next((known[key] for key in keys if key in known), None)
