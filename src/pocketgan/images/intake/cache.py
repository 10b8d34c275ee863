"""Pictures that were read once are kept as an array in the user's cache, until one of the files changes.

An entry belongs to the names of the files and the settings. It holds, for each file, its size, its times and the hash
of its content. A file whose size or times differ is hashed again; only if its content differs is everything read again.
"""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from pocketgan.base.files import cache_folder, parse_json, write_json
from pocketgan.base.messages import problem, restored, stored
from pocketgan.base.version import __version__
from pocketgan.images.intake.contents import Notes
from pocketgan.images.intake.decoding import Decoded, Source, Wishes, digest, in_threads, stamp

LEAST = 500
"""Fewer pictures than this are read again each time, which takes a second."""
ENTRIES = 8
"""Number of entries that are kept; the one that wasn't used for longest is removed."""
FORMAT = 2


class Kept:
    """The cache's entry for some pictures and settings.

    Args:
        sources: the files.
        wishes: the settings.
    """

    def __init__(self, sources: Sequence[Source], wishes: Wishes) -> None:
        names = "\0".join(source.name for source in sources)
        what = f"{FORMAT} {__version__} {wishes} {names}"
        self.sources = sources
        self.possible = len(sources) >= LEAST and all(isinstance(source.content, Path) for source in sources)
        self._array: np.ndarray | None = None
        self.folder = (
            cache_folder() / "pictures" / hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        )

    def load(self, notes: Notes) -> Decoded | None:
        """Returns the pictures if none of the files has changed; what was done to them is added to the notes."""
        if not self.possible:
            return None
        try:
            facts = parse_json((self.folder / "facts.json").read_bytes())
            stamps = [stamp(source.content) for source in self.sources if isinstance(source.content, Path)]
            if stamps != facts["stamps"]:
                changed = [place for place, known in enumerate(facts["stamps"]) if known != stamps[place]]
                hashes = list(in_threads(content_hash, [self.sources[place] for place in changed]))
                if hashes != [facts["hashes"][place] for place in changed]:
                    return None
                write_json(self.folder / "facts.json", facts | {"stamps": stamps}, durable=False)
            images = np.load(self.folder / "images.npy", mmap_mode="c")
            notes.done += [message for value in facts["done"] if (message := _message(value)) is not None]
            for why, (count, names) in facts["skipped"].items():
                notes.skipped[why] = (count, names)
            sizes = Counter({(width, height): count for width, height, count in facts["sizes"]})
            os.utime(self.folder)
            return Decoded(images, facts["places"], sizes)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None

    def allocate(self, shape: tuple[int, ...]) -> np.ndarray:
        """Returns the array for images (N, C, S, S), in a file of the cache where that can be written."""
        if not self.possible:
            return np.empty(shape, np.uint8)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for old in self.folder.iterdir():
                old.unlink()
            self._array = np.lib.format.open_memmap(self.folder / "half.npy", "w+", np.uint8, shape)
            return self._array
        except OSError:
            self.possible = False
            return np.empty(shape, np.uint8)

    def store(self, decoded: Decoded, notes: Notes) -> Decoded:
        """Keeps pictures that were read, and returns them; a cache that can't be written is passed over."""
        if not self.possible:
            return decoded
        try:
            if decoded.images is self._array and isinstance(self._array, np.memmap):
                self._array.flush()
                (self.folder / "half.npy").rename(self.folder / "images.npy")
            else:
                np.save(self.folder / "images.npy", decoded.images)
                (self.folder / "half.npy").unlink(missing_ok=True)
            facts: dict[str, Any] = {
                "stamps": [trace.stamp if trace else None for trace in decoded.traces],
                "hashes": [trace.digest if trace else "" for trace in decoded.traces],
                "places": decoded.places,
                "sizes": [[*size, count] for size, count in decoded.sizes.items()],
                "done": [stored(message) for message in notes.done],
                "skipped": {why: [count, names] for why, (count, names) in notes.skipped.items()},
            }
            write_json(self.folder / "facts.json", facts, durable=False)
            _drop_old(self.folder.parent)
            return Decoded(np.load(self.folder / "images.npy", mmap_mode="c"), decoded.places, decoded.sizes)
        except OSError:
            return decoded


def content_hash(source: Source) -> str:
    """Returns the hash of a file's content; empty if it can't be read."""
    try:
        return digest(source.content.read_bytes()) if isinstance(source.content, Path) else ""
    except OSError:
        return ""


def _message(value: Any) -> Any:
    if not isinstance(value, dict) or "key" not in value or not restored(value):
        return None
    parts = {name: part if isinstance(part, int | float) else restored(part) for name, part in value.items()}
    return problem(value["key"], **{name: part for name, part in parts.items() if name != "key"})


def _drop_old(folder: Path) -> None:
    entries = sorted(folder.iterdir(), key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in entries[ENTRIES:]:
        with suppress(OSError):
            shutil.rmtree(entry)
