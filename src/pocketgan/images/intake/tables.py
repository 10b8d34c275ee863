"""Tables beside images: labels as CSV, TSV, JSON or JSON lines, and numbers as CSV or TSV."""

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pocketgan.base.files import parse_json
from pocketgan.images.intake.contents import few, wrong
from pocketgan.images.intake.names import stems

LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "emotion", "finding labels", "y")
FILE_COLUMNS = ("file", "file_name", "filename", "image", "path", "name", "image index", "image_id", "id")
SEVERAL = re.compile(r"\s*[|;]\s*")
"""What separates several labels in one cell."""
SEPARATORS = ",;\t"
"""What separates the columns of a table."""
DECIMAL_COMMA = re.compile(r"^\s*([-+]?\d+),(\d+)\s*$")
"""A number with a decimal comma, as spreadsheets write it beside semicolons in many countries."""
FLAGS = ({"0", "1"}, {"0.0", "1.0"}, {"-1", "1"}, {"false", "true"})
"""Pairs of values by which a column says whether a picture has its label."""
POSITIVE = ("1", "1.0", "true")
MISSING = ("", "nan")
"""What a cell without a label holds."""
ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl")
"""Endings of tables."""
LARGEST_TABLE = 200_000_000
"""Maximum size of a file of labels in bytes."""


def separator_of(line: str) -> str:
    """Returns what separates the cells of a line: a comma, a semicolon or a tab, whichever it has most of."""
    return max(SEPARATORS, key=line.count)


def is_number(text: str) -> bool:
    """Returns whether a cell holds a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class LabelTable:
    """What a table says of pictures.

    Attributes:
        labels: by the name of a picture, a word, a number, a list of these, or None where the table says nothing.
        column: the column of the labels, if there are others that could have been meant.
    """

    labels: dict[str, Any]
    column: str | None = None


def read_label_file(path: Path, column: str | None = None, pictures: Collection[str] = ()) -> LabelTable:
    """Reads a table of labels.

    CSV and TSV files have a header, with one column of file names and one of labels, or several columns of 0 and 1 (or
    -1 and 1). JSON files hold an object (file to label), or a list of pairs or of objects, perhaps under the name
    `labels`; JSON lines hold one object each.

    Args:
        path: the file.
        column: the column of the labels; by default the only one beside the names, or one that is called so.
        pictures: the pictures' names as `stems` returns them, if they are known. They tell which of several columns
            holds the names, and whether there is a header.

    Raises:
        DataError: the file holds something else, has no such column, or several that could be meant.
    """
    ending = path.suffix.lower()
    try:
        if ending not in ENDINGS:
            raise ValueError(f"its ending is none of {', '.join(ENDINGS)}")
        if path.stat().st_size > LARGEST_TABLE:
            raise wrong("no label file", "labels", path=path, why=f"> {LARGEST_TABLE:,} B")
        text = _decoded(path.read_bytes())
        if ending in (".csv", ".tsv", ".txt"):
            known, used = _from_rows(text, column, pictures)
        elif ending == ".jsonl":
            known, used = _from_objects([parse_json(line) for line in text.splitlines() if line.strip()], column)
        else:
            known, used = _from_json(parse_json(text), column)
        return LabelTable(_by_file(known, path), used)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        if hasattr(error, "parts"):
            raise
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise wrong("no label file", "labels", path=path, why=why) from None


def _decoded(content: bytes) -> str:
    """Returns a table's text: UTF-8, or UTF-16 as spreadsheets save *Unicode text*."""
    return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")


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
        own = None if label is None or str(label).strip().lower() in MISSING else label
        if labels.setdefault(name, own) != own:
            raise ValueError(f"{name} is in it twice, with different labels")
    numbers = [str(label) for label in labels.values() if label is not None]
    if all(map(is_number, numbers)) and any(float(label) % 1 for label in numbers):
        raise wrong("labels with fractions", "labels", path=path)
    return labels


def _from_json(value: Any, column: str | None) -> tuple[list[tuple[str, Any]], str | None]:
    if isinstance(value, dict) and {"images", "annotations"} <= set(value):
        raise ValueError("it is a COCO file; write a table with the columns 'file' and 'label'")
    if isinstance(value, dict) and isinstance(value.get("labels"), list | dict):
        value = value["labels"]
    if isinstance(value, dict):
        return [(str(name), label) for name, label in value.items()], None
    if isinstance(value, list) and value and all(isinstance(row, list) and len(row) == 2 for row in value):
        return [(str(name), label) for name, label in value], None
    return _from_objects(value, column)


def _from_objects(rows: Any, column: str | None) -> tuple[list[tuple[str, Any]], str | None]:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError("no list of objects")
    names = list(rows[0])
    file = next((place for key in FILE_COLUMNS for place, name in enumerate(names) if name.lower() == key), None)
    if file is None:
        raise ValueError("no object has a name 'file'")
    others = [place for place in range(len(names)) if place != file]
    label = names[_label_column(names, others, column)]
    missing = next((place for place, row in enumerate(rows, 1) if names[file] not in row or label not in row), None)
    if missing is not None:
        raise ValueError(f"object {missing} has no file name or no label")
    return [(str(row[names[file]]), row[label]) for row in rows], label if len(others) > 1 else None


def _label_column(names: list[str], others: list[int], column: str | None) -> int:
    """Returns the place of the labels among the columns that aren't the names of the files.

    Raises:
        ValueError: there is no such column, or several could be meant.
    """
    known = {names[place].strip().lower(): place for place in reversed(others)}
    if column is not None:
        if column.strip().lower() not in known:
            raise ValueError(f"it has no column '{column}' (it has: {few(names, most=10)})")
        return known[column.strip().lower()]
    label = next((known[name] for name in LABEL_COLUMNS if name in known), None)
    if label is None and len(others) > 1:
        shown = few([names[place] for place in others], most=10)
        raise ValueError(f"several columns could be the labels ({shown}); choose one: --labels FILE:COLUMN")
    if label is None and not others:
        raise ValueError("one column")
    return others[0] if label is None else label


def _cells(text: str, *, decimal_commas: bool = False) -> list[list[str]]:
    """Returns the cells of a table, without its blank lines.

    Args:
        text: the table.
        decimal_commas: whether `1,5` between semicolons is a number, which becomes `1.5`.

    Raises:
        ValueError: it is empty, or a line has another number of cells than the first one. Empty ones at the end don't
            count.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError("it is empty")
    separator = separator_of(lines[0])
    rows = list(csv.reader(lines, delimiter=separator))
    if separator == ";" and decimal_commas:
        rows = [[DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in row] for row in rows]
    count = max((place for place, cell in enumerate(rows[0], start=1) if cell.strip()), default=1)
    for place, row in enumerate(rows, start=1):
        if len(row) < count or any(cell.strip() for cell in row[count:]):
            raise ValueError(f"row {place} has {len(row)} columns, and the first one has {count}")
    return [row[:count] for row in rows]


def _from_rows(text: str, column: str | None, pictures: Collection[str]) -> tuple[list[tuple[str, Any]], str | None]:
    rows = _cells(text)
    if len(rows[0]) < 2:
        raise ValueError("one column")
    names = [name.strip() for name in rows[0]]
    known = [name.lower() for name in names]
    called = [known.index(name) for name in FILE_COLUMNS if name in known]
    file = max(called or range(len(names)), key=lambda place: len(stems(row[place] for row in rows) & set(pictures)))
    named = called or {*known} & {*LABEL_COLUMNS}
    body = rows if stems(names[file : file + 1]) & set(pictures) or (not named and "." in names[file]) else rows[1:]
    others = [place for place in range(len(names)) if place != file]
    values = {row[place].strip().lower() for row in body for place in others}
    chosen = column is not None or any(known[place] in LABEL_COLUMNS[:-1] for place in others)
    if not chosen and len(others) > 1 and values and any(values <= pair for pair in FLAGS):
        flags = [[names[place] for place in others if row[place].strip().lower() in POSITIVE] for row in body]
        single = all(len(own) == 1 for own in flags)
        return [(row[file], own[0] if single else own) for row, own in zip(body, flags, strict=True)], None
    label = _label_column(names, others, column)
    several = any(SEVERAL.search(row[label]) for row in body)
    return [
        (row[file], [word for word in SEVERAL.split(row[label].strip()) if word] if several else row[label].strip())
        for row in body
    ], names[label] if len(others) > 1 else None


def read_number_file(path: Path) -> tuple[tuple[str, ...], np.ndarray, list[str] | None]:
    """Returns the names of a table's numbers, the numbers, float32 (N, K), and the file that each row is about.

    The first column without numbers names the files; without one, the rows are in the order of the images.

    Raises:
        DataError: the file has no header, or no column of numbers.
    """
    try:
        rows = _cells(_decoded(path.read_bytes()), decimal_commas=True)
        header, body = [name.strip() for name in rows[0]], rows[1:]
        numbers = [place for place in range(len(header)) if all(is_number(row[place]) for row in body)]
        words = [place for place in range(len(header)) if place not in numbers]
        called = [header.index(name) for name in header if name.lower() in FILE_COLUMNS]
        files = called[0] if called else words[0] if words else None
        for place in words:
            if place != files and sum(is_number(row[place]) for row in body) >= len(body) / 2:
                number, cell = next((at, row[place]) for at, row in enumerate(body, 2) if not is_number(row[place]))
                raise ValueError(f"row {number} of column '{header[place]}' has no number ('{cell}')")
        numbers = [place for place in numbers if place != files]
        if not numbers or not body or all(is_number(name) for name in header):
            raise ValueError("a header and a column of numbers are needed")
        values = np.array([[float(row[place]) for place in numbers] for row in body], np.float32)
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise wrong("no number file", "condition", path=path, why=error) from None
    if not np.isfinite(values).all():
        raise wrong("images not finite", "condition", path=path)
    return tuple(header[place] for place in numbers), values, None if files is None else [row[files] for row in body]
