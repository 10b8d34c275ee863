"""Writing files so that nothing is ever half there: to a temporary name, flushed, renamed."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from pocketgan.base.errors import StorageError


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Writes `content` to `path`: whoever reads it sees the old content or the new, never a part.

    Args:
        path: where; its folder must exist.
        content: the bytes.
        durable: whether to wait until the disk has it, so that it survives a loss of power.

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
    """Returns where what was measured or trained once is kept: the user's cache, or POCKETGAN_CACHE where it is set."""
    return Path(os.environ.get("POCKETGAN_CACHE") or user_cache_path("pocketgan"))


def _flush_folder(folder: Path) -> None:
    """Makes a rename survive a loss of power, where the system can flush folders (Windows can't)."""
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
