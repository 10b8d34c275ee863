"""Uploaded ZIP archives, which may be malicious: what is written is counted while it is unpacked."""

import lzma
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from pocketgan.base.errors import WebError
from pocketgan.base.language import say
from pocketgan.web.train.names import ZIP, is_accepted, is_hidden, safe_path, shortened
from pocketgan.web.words import WORDS

CHUNK = 1 << 20
MOST_ALIKE = 1_000
FAILURES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)
"""Errors of a damaged or encrypted archive, or of one with an unknown compression."""

Count = Callable[[int], object]
"""Counts bytes before they are written, and raises an error where they exceed the limit."""


def unpack(archive: Path, folder: Path, count: Count, most_files: int) -> int:
    """Unpacks the files of an archive that can hold images or labels; others, and links, are passed over.

    Args:
        archive: a ZIP file.
        folder: an existing folder.
        count: counts the unpacked bytes.
        most_files: the largest number of files.

    Returns:
        The number of unpacked files.

    Raises:
        WebError: it is damaged or encrypted, has too many or no such files, or a name that leads out of the folder.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [member for member in packed.infolist() if is_wanted(member)]
            if not members:
                raise WebError(say(WORDS, "zip of nothing", name=shortened(archive.name)))
            if len(members) > most_files:
                raise WebError(say(WORDS, "upload files", most=most_files))
            for member in members:
                place = free_path(folder / safe_path(member.filename))
                place.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(member) as source, place.open("xb") as target:
                    while content := source.read(CHUNK):
                        count(len(content))
                        target.write(content)
            return len(members)
    except WebError:
        raise
    except FAILURES:
        raise WebError(say(WORDS, "zip damaged", name=shortened(archive.name))) from None


def is_wanted(member: zipfile.ZipInfo) -> bool:
    """Returns whether a member of an archive is a regular file that can hold images or labels."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    name = member.filename
    return (
        not member.is_dir() and kind in (0, stat.S_IFREG) and not is_hidden(name)
        and is_accepted(name) and not name.lower().endswith(ZIP)
    )  # fmt: skip


def free_path(path: Path) -> Path:
    """Returns a path, or the first one with `-2`, `-3` … before its ending that isn't taken.

    Raises:
        WebError: all of a thousand are taken.
    """
    more = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, MOST_ALIKE))
    for place in chain((path,), more):
        if not (place.exists() or place.is_symlink()):
            return place
    raise WebError(say(WORDS, "name taken", name=path.name))


def lift(folder: Path) -> None:
    """Moves the content of a folder up as long as it holds nothing but one folder."""
    while len(entries := list(folder.iterdir())) == 1 and entries[0].is_dir():
        aside = entries[0].rename(folder.with_name(f"{folder.name}-inner"))
        folder.rmdir()
        aside.rename(folder)


def remove(place: Path) -> None:
    """Removes a file or a folder, if it is there."""
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)
