"""Labels of pictures from the tables that lie beside them, or from one that was given."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pocketgan.base.errors import DataError
from pocketgan.base.messages import problem
from pocketgan.images.intake.contents import SPLITS, Listed, Notes, Part, few, wrong
from pocketgan.images.intake.names import matches, plain, stems
from pocketgan.images.intake.tables import LabelTable, read_label_file

TABLES = (".csv", ".tsv", ".json", ".jsonl")
NAMES_OF_FEW = 0.9
"""Fraction of the pictures that a table beside them must name, so that it is taken for their labels unasked."""

Found = dict[Part, list[Listed]]


def with_tables(
    found: Found, places: Mapping[Part, Path], folder: Path, inner: Path, labels: str, notes: Notes
) -> Found:
    """Returns pictures with the labels of their tables, without those that a table of their split doesn't name.

    A table in the folder of a split is about that split. One above is about all, or about the split in its name, such
    as `train_labels.csv`. The pictures of a split that it doesn't name at all stay, without labels.

    Args:
        found: the pictures of each split, with the classes of their sub-folders if there are any.
        places: the folder of each split.
        folder: the data's folder.
        inner: the folder that stands for it.
        labels: `auto`, or a table, perhaps with a column: `FILE:COLUMN`.
        notes: what was done and passed over is added.

    Raises:
        DataError: the table that was given can't be read or names nothing, or several name the same pictures.
    """
    if labels != "auto":
        path, column = _given(labels, folder)
        pictures = _flat(found)
        table = read_label_file(path, column, stems(picture.name for picture in pictures))
        if all(label is None for label in _join(pictures, folder, path, table)):
            examples = {"entry": few(list(table.labels), most=1), "picture": pictures[0].name}
            raise wrong("labels of nothing", "labels", path=path, folder=folder, **examples)
        return _labeled(found, folder, path, table, notes)
    upper = list(dict.fromkeys((folder, inner)))
    for part, place in places.items():
        if place not in upper:
            found = found | _from_folder(place, {part: found[part]}, place, notes)
    for place in upper:
        found = found | _from_folder(place, found, folder, notes)
    return found


def _given(labels: str, folder: Path) -> tuple[Path, str | None]:
    """Returns the table and the column that were asked for; a relative path may be in the data's folder."""
    file, _, column = labels.rpartition(":")
    for text, wanted in ((labels, None), (file, column)):
        for path in (Path(text).expanduser(), folder / text):
            if text and path.is_file():
                return path, wanted
    return Path(labels).expanduser(), None


def _flat(found: Found) -> list[Listed]:
    return [picture for pictures in found.values() for picture in pictures]


def _from_folder(place: Path, found: Found, base: Path, notes: Notes) -> Found:
    """Returns pictures with the labels of the tables in a folder that name nearly all of a split's.

    Raises:
        DataError: several tables are about the same split.
    """
    result: Found = {}
    used: dict[Part, Path] = {}
    about: Found
    for path in sorted(place.iterdir()):
        if path.suffix.lower() not in TABLES or path.name.startswith(".") or not path.is_file():
            continue
        words = [SPLITS[word] for word in plain(path.stem).lower().replace("-", "_").split("_") if word in SPLITS]
        about = {part: pictures for part, pictures in found.items() if part in words} or found
        table = _table_for(about, base, path, notes)
        if table is None:
            continue
        twice = next((used[part] for part in about if part in used), None)
        if twice is not None:
            raise wrong("several tables", "labels", names=f"{twice.name}, {path.name}")
        used.update((part, path) for part in about)
        result |= _labeled(about, base, path, table, notes)
    return result


def _table_for(about: Found, base: Path, path: Path, notes: Notes) -> LabelTable | None:
    """Returns a table that names nearly all pictures of a split, the training split if it is about that; or None.

    What else it is, or why it isn't used, is added to the notes.
    """
    judged, pictures = about.get("train") or next(iter(about.values()), []), _flat(about)
    if not judged:
        notes.skip("foreign", path.name)
        return None
    try:
        table = read_label_file(path, pictures=stems(picture.name for picture in pictures))
        labels = _join(judged, base, path, table)
        _join(pictures, base, path, table)
    except DataError as error:
        if _mentions(path, judged):
            notes.say("table unused", file=path.name, why=problem(error.key, **error.parts))
        else:
            notes.skip("foreign", path.name)
        return None
    named = sum(label is not None for label in labels)
    if not named:
        notes.skip("foreign", path.name)
    elif named < NAMES_OF_FEW * len(judged):
        notes.say("table of few", file=path.name, percent=round(100 * named / len(judged)))
    elif all(picture.label is None for picture in judged):
        return table
    elif [str(label) for label in labels] != [str(picture.label) for picture in judged]:
        notes.say("table beside folders", file=path.name)
    return None


def _mentions(path: Path, pictures: list[Listed]) -> bool:
    """Whether the beginning of a file has the names of pictures, so that it is about them."""
    with path.open(encoding="utf-8", errors="ignore") as file:
        cells = re.split(r"[,;:\s\"\[\]{}]+", file.read(100_000))
    return bool(stems(cells) & stems(picture.name for picture in pictures))


def _join(pictures: list[Listed], base: Path, path: Path, table: LabelTable) -> list[Any]:
    """Returns what a table says of each picture; None where it says nothing.

    Raises:
        DataError: a name in the table is that of several pictures.
    """
    keys, names = list(table.labels), [os.path.relpath(picture.path, base) for picture in pictures]
    places = matches(names, keys, base.resolve().name, path, "labels")
    return [None if place is None else table.labels[keys[place]] for place in places]


def _labeled(found: Found, base: Path, path: Path, table: LabelTable, notes: Notes) -> Found:
    """Returns the pictures that a table has a label for, with that label; the others are passed over and counted."""
    pictures, result = _flat(found), dict(found)
    labels = iter(_join(pictures, base, path, table))
    for part, own in found.items():
        rows = [replace(picture, label=next(labels)) for picture in own]
        chosen = [picture for picture in rows if picture.label is not None]
        if rows and not chosen:
            notes.say("split without labels", file=path.name, split=part)
            result[part] = rows
            continue
        for picture in rows:
            if picture.label is None:
                notes.skip("unlabeled", picture.name)
        result[part] = chosen
    key = "labels from" if table.column is None else "labels from column"
    notes.say(key, file=path.name, column=table.column or "")
    known = stems(picture.name for picture in pictures)
    unused = [name for name in table.labels if not stems([name]) <= known]
    if unused:
        notes.say("rows without picture", file=path.name, count=len(unused), names=few(unused))
    return result
