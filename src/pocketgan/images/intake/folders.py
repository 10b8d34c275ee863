"""Folders of pictures: which files are pictures, which folders are splits or classes, and which labels lie beside."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocketgan.base.errors import DataError
from pocketgan.base.messages import problem
from pocketgan.images.intake.contents import Notes, Part, few, wrong
from pocketgan.images.intake.pictures import ENDINGS, UNREAD, sniffed
from pocketgan.images.intake.tables import labels_for, read_label_file

SPLITS: dict[str, Part] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "val": "validation",
    "valid": "validation", "validation": "validation", "dev": "validation",
}  # fmt: skip
"""Names of folders that are splits, if they are beside each other and nothing else is."""
JUNK = ("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found")
"""Files and folders that systems leave behind; hidden ones begin with a dot."""
TABLES = (".csv", ".tsv", ".json", ".jsonl")
NAMES_OF_FEW = 0.9
"""Fraction of the pictures that a table beside them must name, so that it is taken for their labels unasked."""
PLAIN = (".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".html", ".py", ".zip", ".gz", ".tar", ".pdf")
"""Endings of files that are no pictures, which aren't opened to see."""


@dataclass
class Tree:
    """The pictures of a folder, and its sub-folders with pictures somewhere in them, by name."""

    path: Path
    files: list[Path] = field(default_factory=list)
    children: dict[str, "Tree"] = field(default_factory=dict)

    def all_files(self) -> Iterator[Path]:
        """Yields every picture in the folder and below it, in the order of the names."""
        stack: list[Tree] = [self]
        while stack:
            tree = stack.pop()
            yield from tree.files
            stack.extend(child for _, child in sorted(tree.children.items(), reverse=True))


@dataclass(frozen=True)
class Listed:
    """A picture that is to be read.

    Attributes:
        path: the file.
        name: its path relative to the data's folder, with slashes.
        label: its class by name, several of them as a list, or None.
    """

    path: Path
    name: str
    label: Any = None


def list_pictures(folder: Path, labels: str, notes: Notes) -> dict[Part, list[Listed]]:
    """Returns the pictures of each split of a folder.

    Folders `train` and `test` (or `training`, `val` and their like) are splits if no other folders with pictures are
    beside them. Other sub-folders are classes, with all pictures below them. A folder that only holds one other folder
    with pictures stands for that one.

    Args:
        folder: the folder.
        labels: `auto` takes a table beside the pictures for their labels if it names nearly all of them; `none`
            ignores folders and tables; otherwise the path of a table.
        notes: what was passed over is added.

    Raises:
        DataError: there are no pictures, or some are beside class folders.
    """
    tree = scan(folder, notes)
    while not tree.files and len(tree.children) == 1 and next(iter(tree.children)).lower() not in SPLITS:
        tree = next(iter(tree.children.values()))
        notes.say("wrapped", folder=tree.path.name)
    if not tree.files and not tree.children:
        unread = next((names for why, (_, names) in notes.skipped.items() if why == "unread"), [])
        if unread:
            raise wrong("only unread pictures", folder=folder, names=few(unread), known=_known())
        raise wrong("no pictures", folder=folder, known=_known())
    splits: dict[Part, Tree] = {"train": tree}
    words = {name: SPLITS.get(name.lower()) for name in tree.children}
    if not tree.files and "train" in words.values() and all(words.values()):
        if len(set(words.values())) < len(words):
            raise wrong("split twice", folder=folder, names=", ".join(words))
        splits = {SPLITS[name.lower()]: child for name, child in tree.children.items()}
    table = find_table(folder, tree.path, splits, labels, notes)
    found: dict[Part, list[Listed]] = {}
    for part, branch in splits.items():
        found[part] = _labeled(branch, folder, labels, table is not None)
    if table is not None:
        path, known = table
        for part, pictures in found.items():
            found[part] = _named(pictures, path, known, folder, notes)
        if not any(found.values()):
            raise wrong("labels of nothing", "labels", path=path, folder=folder)
        notes.say("labels from", file=path.name)
    return {part: pictures for part, pictures in found.items() if pictures}


def _known() -> str:
    return "PNG, JPEG, WebP, BMP, GIF, TIFF"


def scan(folder: Path, notes: Notes) -> Tree:
    """Returns the pictures of a folder and of all folders below it; links are followed, loops are not.

    Raises:
        DataError: the folder can't be read.
    """
    root = Tree(folder)
    stack: list[tuple[Tree, frozenset[str]]] = [(root, frozenset({os.path.realpath(folder)}))]
    order: list[tuple[Tree, str]] = []
    while stack:
        tree, above = stack.pop()
        try:
            entries = sorted(os.scandir(tree.path), key=lambda entry: entry.name)
        except OSError as error:
            if tree is root:
                raise wrong("unreadable", path=folder, why=error.strerror) from None
            notes.skip("unreadable", tree.path.name)
            continue
        for entry in entries:
            name = os.path.relpath(entry.path, folder)
            if entry.name.startswith(".") or entry.name.lower() in JUNK:
                notes.skip("hidden", name)
            elif not (is_folder := _is(entry.is_dir)) and not _is(entry.is_file):
                notes.skip("broken", name)
            elif is_folder:
                real = os.path.realpath(entry.path) if entry.is_symlink() else None
                if real in above:
                    notes.skip("loop", name)
                    continue
                child = Tree(Path(entry.path))
                tree.children[entry.name] = child
                order.append((tree, entry.name))
                stack.append((child, above | {real or os.path.join(tree.path, entry.name)}))
            elif _is_picture(entry, name, notes):
                tree.files.append(Path(entry.path))
    for tree, name in reversed(order):  # Children come after their parents.
        child = tree.children[name]
        if not child.files and not child.children:
            del tree.children[name]
            notes.skip("empty folder", os.path.relpath(child.path, folder))
    return root


def _is(what: Callable[[], bool]) -> bool:
    """Whether an entry of a folder is a file or a folder; neither where a link leads back to itself."""
    try:
        return what()
    except OSError:
        return False


def _is_picture(entry: os.DirEntry[str], name: str, notes: Notes) -> bool:
    ending = os.path.splitext(entry.name)[1].lower()
    if ending in ENDINGS:
        return True
    if ending in UNREAD:
        notes.skip("unread", name)
        return False
    if ending not in PLAIN:
        try:
            with open(entry.path, "rb") as file:
                if sniffed(file.read(12)):
                    return True
        except OSError:
            notes.skip("unreadable", name)
            return False
    if ending not in TABLES:
        notes.skip("foreign", name)
    return False


def _labeled(tree: Tree, folder: Path, labels: str, by_table: bool) -> list[Listed]:
    """Returns the pictures of a split, with the names of their class folders."""

    def listed(path: Path, label: str | None) -> Listed:
        return Listed(path, Path(os.path.relpath(path, folder)).as_posix(), label)

    if labels == "none" or by_table or not tree.children:
        return [listed(path, None) for path in tree.all_files()]
    if tree.files:
        names = few([path.name for path in tree.files], most=2)
        raise wrong("pictures beside classes", folder=tree.path, names=names, count=len(tree.files))
    return [listed(path, name) for name, child in sorted(tree.children.items()) for path in child.all_files()]


def find_table(
    folder: Path, inner: Path, splits: dict[Part, Tree], labels: str, notes: Notes
) -> tuple[Path, dict[str, Any]] | None:
    """Returns the table of the pictures' labels and what it says; None if there is none.

    Raises:
        DataError: the table that was asked for can't be read, or several name the pictures.
    """
    if labels not in ("auto", "none"):
        path = Path(labels).expanduser()
        path = path if path.is_absolute() or path.is_file() else folder / path
        return path, read_label_file(path)
    if labels == "none" or any(tree.children for tree in splits.values()):
        return None
    places = dict.fromkeys((folder, inner, *(tree.path for tree in splits.values())))
    candidates = [
        path for place in places for path in sorted(place.iterdir())
        if path.suffix.lower() in TABLES and not path.name.startswith(".")
    ]  # fmt: skip
    names = [Path(os.path.relpath(path, folder)).as_posix() for tree in splits.values() for path in tree.all_files()]
    fitting = [table for path in candidates if (table := _table_of(path, names, folder, notes)) is not None]
    if len(fitting) > 1:
        raise wrong("several tables", "labels", names=", ".join(path.name for path, _ in fitting))
    return fitting[0] if fitting else None


def _table_of(path: Path, names: list[str], folder: Path, notes: Notes) -> tuple[Path, dict[str, Any]] | None:
    """Returns a table and what it says, or None if it isn't one of these pictures' labels."""
    try:
        known = read_label_file(path)
    except DataError as error:
        if names and Path(names[0]).name in path.read_text(encoding="utf-8", errors="ignore"):
            notes.say("table unused", file=path.name, why=problem(error.key, **error.parts))
        return None
    found = labels_for(names, known, folder.resolve().name)
    return (path, known) if sum(label is not None for label in found) >= NAMES_OF_FEW * len(names) else None


def _named(pictures: list[Listed], path: Path, known: dict[str, Any], folder: Path, notes: Notes) -> list[Listed]:
    """Returns the pictures that a table has a label for, with that label; the others are passed over."""
    found = []
    labels = labels_for([one.name for one in pictures], known, folder.resolve().name)
    for picture, label in zip(pictures, labels, strict=True):
        if label is None:
            notes.skip("unlabeled", picture.name)
        else:
            found.append(Listed(picture.path, picture.name, label))
    return found
