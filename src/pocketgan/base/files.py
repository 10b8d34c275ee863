"""Atomic file writing: content goes to a temporary file, is flushed, and is renamed into place."""

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from pocketgan.base.errors import StorageError


def natural(name: str) -> list[tuple[int, int, str]]:
    """Returns a key that sorts names by their numbers: `run-2` before `run-10`."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def parse_json(content: bytes | str) -> Any:
    """Returns the value of a JSON text.

    Raises:
        ValueError: it isn't valid JSON, or it is nested too deeply to read.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Writes `content` to `path` atomically: a reader sees either the old content or the new, never a part.

    Args:
        path: the file to write; its folder must exist.
        content: the bytes.
        durable: whether to wait until the content is on the disk, so that it survives a power failure.

    Raises:
        StorageError: the disk is full, or the folder can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable:
            _flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StorageError("disk refused", path=path, why=error.strerror) from None


def cache_folder() -> Path:
    """Returns the folder of cached measurements and networks: POCKETGAN_CACHE if it is set, else the user's cache."""
    return Path(os.environ.get("POCKETGAN_CACHE") or user_cache_path("pocketgan"))


def _flush_folder(folder: Path) -> None:
    """Makes a rename survive a power failure, on systems that can flush folders (Windows can't)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Writes `value` as indented JSON, atomically; see `write_atomically`."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode(), durable=durable)
