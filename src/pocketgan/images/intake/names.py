"""Which row of a table is about which picture: names with or without folders and endings, in any notation."""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from pocketgan.images.intake.contents import few, wrong


def plain(name: str) -> str:
    """Returns a file's name in one notation: slashes, no leading ones, composed letters (NFC), no blanks around it."""
    return re.sub(r"^(\.?/)+", "", unicodedata.normalize("NFC", name.strip().replace("\\", "/")))


def stems(names: Iterable[str]) -> frozenset[str]:
    """Returns the last parts of names, without their endings and in small letters."""
    return frozenset(PurePosixPath(plain(name)).stem.casefold() for name in names)


def printable(name: str) -> str:
    """Returns a name as it can be stored and shown: what is no letter of any script becomes the sign for that."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def matches(names: Sequence[str], keys: Sequence[str], folder: str, path: Path, field: str) -> list[int | None]:
    """Returns for each picture the index of its name among `keys`; None if it isn't there.

    Names match if they are equal as paths, with or without the ending. A name without folders also matches a picture in
    any folder, if only one picture is called so. If none of the names is a picture's, they may begin with the pictures'
    folder and those above it, or differ in capital letters.

    Args:
        names: the pictures' paths relative to their folder, with slashes.
        keys: the names in the table.
        folder: the name of the pictures' folder.
        path: the table, for messages.
        field: the setting that requested the table, for messages.

    Raises:
        DataError: a name without folders is that of several pictures in different folders.
    """
    pictures, written = [plain(name) for name in names], [plain(key) for key in keys]
    parts = [f"/{key}".rpartition(f"/{folder}/") for key in written]
    below = [key if separator else "" for _, separator, key in parts]
    tries = [(pictures, written)]
    if len({key for key in below if key}) == sum(map(bool, below)):
        tries.append((pictures, below))
    tries.append(([name.casefold() for name in pictures], [key.casefold() for key in written]))
    found: list[int | None] = [None] * len(pictures)
    for shown, sought in tries:
        found = _matched(shown, sought)
        if any(place is not None for place in found):
            break
    folders: dict[int, dict[str, str]] = defaultdict(dict)
    for name, place in zip(names, found, strict=True):
        if place is not None:
            folders[place].setdefault(PurePosixPath(name).parent.as_posix(), name)
    for place, alike in folders.items():
        if len(alike) > 1:
            raise wrong("name of several", field, path=path, entry=keys[place], pictures=few(list(alike.values())))
    return found


def _matched(pictures: list[str], keys: list[str]) -> list[int | None]:
    """Returns for each picture the index of the first key that is its path, or its name in any folder."""
    known: dict[str, int] = {}
    for forms in (keys, [_without_ending(key) for key in keys]):
        for place, key in enumerate(forms):
            if key:
                known.setdefault(key, place)
    found: list[int | None] = []
    for name in pictures:
        path = PurePosixPath(name)
        forms = (name, _without_ending(name), path.name, path.stem)
        found.append(next((known[form] for form in forms if form in known), None))
    return found


def _without_ending(name: str) -> str:
    return name and PurePosixPath(name).with_suffix("").as_posix()
