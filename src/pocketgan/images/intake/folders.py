"""Folders of pictures: which files are pictures, which folders are splits or classes, and which labels lie beside."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pocketgan.images.intake.contents import SPLITS, Listed, Notes, Part, few, wrong
from pocketgan.images.intake.labeling import TABLES, with_tables
from pocketgan.images.intake.names import printable
from pocketgan.images.intake.pictures import ENDINGS, UNREAD, sniffed

WRAPPERS = ("images", "imgs", "image", "img", "pictures", "data")
"""Names of folders in a split that hold its pictures and are no class, if nothing is beside them."""
FOLDERS = "folders"
"""Labels from folders alone; no setting has this value."""
JUNK = ("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found")
"""Files and folders that systems leave behind; hidden ones begin with a dot."""
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


def list_pictures(folder: Path, labels: str, notes: Notes) -> dict[Part, list[Listed]]:
    """Returns the pictures of each split of a folder.

    Folders `train` and `test` (or `training`, `seg_train`, `val` and their like) are splits if no other folders with
    pictures are beside them. Other sub-folders are classes, with all pictures below them. A folder that only holds one
    other folder with pictures stands for that one.

    Args:
        folder: the folder.
        labels: `auto` takes tables beside the pictures for their labels if they name nearly all of them; `none` ignores
            folders and tables; `FOLDERS` tables; otherwise the path of a table, perhaps with a column: `FILE:COLUMN`.
        notes: what was passed over is added.

    Raises:
        DataError: there are no pictures, some are beside class folders, or folders can be splits and classes.
    """
    tree = scan(folder, notes)
    while not tree.files and len(tree.children) == 1 and SPLITS.get(next(iter(tree.children)).lower()) != "train":
        tree = next(iter(tree.children.values()))
        notes.say("wrapped", folder=printable(tree.path.name))
    if not tree.files and not tree.children:
        unread = next((names for why, (_, names) in notes.skipped.items() if why == "unread"), [])
        if unread:
            raise wrong("only unread pictures", folder=folder, names=few(unread), known=_known())
        raise wrong("no pictures", folder=folder, known=_known())
    splits: dict[Part, Tree] = {}
    for part, branch in _splits(tree, folder, notes).items():
        splits[part] = _unwrapped(branch, notes)
    found: dict[Part, list[Listed]] = {}
    for part, branch in splits.items():
        found[part] = _labeled(branch, folder, labels not in ("auto", FOLDERS))
    if labels not in ("none", FOLDERS):
        places: dict[Part, Path] = {part: branch.path for part, branch in splits.items()}
        found = with_tables(found, places, folder, tree.path, labels, notes)
    return {part: pictures for part, pictures in found.items() if pictures}


def _known() -> str:
    return "PNG, JPEG, WebP, BMP, GIF, TIFF"


def _splits(tree: Tree, folder: Path, notes: Notes) -> dict[Part, Tree]:
    """Returns the folders of the splits; the folder itself if it has none.

    Raises:
        DataError: a split is there twice, the training split isn't there, or the folders can be classes as well.
    """
    names = list(tree.children)
    parts = _parts_in(names)
    known: list[Part] = [part for part in parts if part]
    if tree.files or not known:
        return {"train": tree}
    if len(known) < len(names):
        if "train" in known and len(set(known)) > 1:
            others = [name for name, part in zip(names, parts, strict=True) if part is None]
            raise wrong("splits beside others", folder=folder, names=few(others, most=5))
        for name, part in zip(names, parts, strict=True):
            if part is not None:
                notes.say("split as class", name=printable(name))
        return {"train": tree}
    if "train" not in known:
        raise wrong("no training folder", folder=folder, names=few(names))
    if len(set(known)) < len(known):
        raise wrong("split twice", folder=folder, names=", ".join(names))
    splits: dict[Part, Tree] = {}
    for part, child in zip(known, tree.children.values(), strict=True):
        splits[part] = child
    return splits


def _parts_in(names: list[str]) -> list[Part | None]:
    """Returns the split that each folder's name is, or that it holds beside words that it shares with another split."""
    parts: list[Part | None] = [SPLITS.get(name.lower()) for name in names]
    groups: dict[tuple[str, ...], dict[int, Part]] = {}
    for place, name in enumerate(names):
        words = re.split(r"[-_. ]", name.lower())
        inner = [word for word in words if word in SPLITS]
        if len(inner) == 1:
            groups.setdefault(tuple(word for word in words if word not in SPLITS), {})[place] = SPLITS[inner[0]]
    for group in groups.values():
        if len(group) > 1:
            for place, part in group.items():
                parts[place] = part
    return parts


def _unwrapped(branch: Tree, notes: Notes) -> Tree:
    """Returns the folder that holds a split's pictures or classes, below folders that only hold one other."""
    while not branch.files and len(branch.children) == 1:
        ((name, child),) = branch.children.items()
        if not child.children and name.lower() not in (*SPLITS, *WRAPPERS):
            break
        branch = child
        notes.say("wrapped", folder=printable(name))
    return branch


def scan(folder: Path, notes: Notes) -> Tree:
    """Returns the pictures of a folder and of all folders below it; links are followed, loops are not.

    Raises:
        DataError: the folder can't be read.
    """
    root, start = Tree(folder), os.path.realpath(folder)
    stack: list[tuple[Tree, str, frozenset[str]]] = [(root, start, frozenset({start}))]
    order: list[tuple[Tree, str]] = []
    while stack:
        tree, place, above = stack.pop()
        try:
            entries = sorted(os.scandir(tree.path), key=lambda entry: entry.name)
        except OSError as error:
            if tree is root:
                raise wrong("unreadable", path=folder, why=error.strerror) from None
            notes.skip("unreadable", tree.path.name)
            continue
        for entry in entries:
            name = printable(os.path.relpath(entry.path, folder))
            if entry.name.startswith(".") or entry.name.lower() in JUNK:
                notes.skip("hidden", name)
            elif not (is_folder := _is(entry.is_dir)) and not _is(entry.is_file):
                notes.skip("broken", name)
            elif is_folder:
                real = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(place, entry.name)
                if real in above:
                    notes.skip("loop", name)
                    continue
                child = Tree(Path(entry.path))
                tree.children[entry.name] = child
                order.append((tree, entry.name))
                stack.append((child, real, above | {real}))
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


def _labeled(tree: Tree, folder: Path, plainly: bool) -> list[Listed]:
    """Returns the pictures of a split, with the names of their class folders unless they are wanted without."""

    def listed(path: Path, label: str | None) -> Listed:
        return Listed(path, printable(Path(os.path.relpath(path, folder)).as_posix()), label)

    if plainly or not tree.children:
        return [listed(path, None) for path in tree.all_files()]
    if tree.files:
        names = few([path.name for path in tree.files], most=2)
        raise wrong("pictures beside classes", folder=tree.path, names=names, count=len(tree.files))
    children = sorted(tree.children.items())
    return [listed(path, printable(name)) for name, child in children for path in child.all_files()]
