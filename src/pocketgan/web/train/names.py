"""Names and kinds of uploaded files: a name from a browser becomes one that every file system accepts."""

import re
import unicodedata
from pathlib import Path, PurePosixPath

from pocketgan.base.errors import WebError
from pocketgan.base.language import say
from pocketgan.images.intake.pictures import ENDINGS
from pocketgan.web.words import WORDS

ALONE = (".npz", ".npy", ".csv")
"""Endings of files that hold a whole data set."""
TABLES = (".csv", ".tsv", ".json", ".jsonl")
"""Endings of tables of labels beside pictures."""
ZIP = ".zip"
IDX = re.compile(r"idx\d[-_.]ubyte(\.gz)?$", re.IGNORECASE)
ACCEPTED = (*ENDINGS, *dict.fromkeys((*ALONE, *TABLES)), ".parquet", ".bin", ZIP)
"""Endings of files that are accepted, beside IDX files; `.bin` is CIFAR's."""
LONGEST, DEEPEST = 100, 8
"""Largest number of characters in a part of a name, and largest number of parts."""
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices."""


def is_accepted(name: str) -> bool:
    """Returns whether a file of this name can hold images or labels, or be a ZIP archive of them."""
    return name.lower().endswith(ACCEPTED) or IDX.search(name) is not None


def is_hidden(path: str) -> bool:
    """Returns whether a path leads to a hidden file, or to what macOS adds to archives."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)


def safe_name(text: str) -> str:
    """Returns one part of a path, with letters of any script, digits, spaces, dots, hyphens and the like.

    Returns:
        At most 100 characters, which don't begin with a dot and keep the ending; an empty text if nothing is left.
    """
    text = unicodedata.normalize("NFC", text)
    text = "".join(letter if letter.isprintable() and letter not in '<>:"/\\|?*' else "_" for letter in text)
    text = text.strip(" ").lstrip(".").rstrip(". ")
    if DEVICES.match(text):
        text = f"_{text}"
    ending = Path(text).suffix[:12]
    return text if len(text) <= LONGEST else text[: LONGEST - len(ending)].rstrip(". ") + ending


def safe_path(text: str) -> PurePosixPath:
    """Returns the relative path under which an uploaded file is stored.

    Raises:
        WebError: it is absolute, leads upwards or too deep, has no name left, or is a file of another kind.
    """
    slashed = text.replace("\\", "/")
    parts = slashed.split("/")
    if slashed.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:/", slashed):
        raise WebError(say(WORDS, "outside", name=shortened(text)))
    safe = [safe_name(part) for part in parts if part not in ("", ".")]
    if not safe or not all(safe) or len(safe) > DEEPEST:
        raise WebError(say(WORDS, "no such name"))
    if not is_accepted(safe[-1]):
        raise WebError(say(WORDS, "upload kind", name=shortened(text)))
    return PurePosixPath(*safe)


def shortened(name: str) -> str:
    """Returns a name as it is shown in a message."""
    name = "".join(letter if letter.isprintable() else "_" for letter in name)
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
