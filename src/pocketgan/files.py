"""Writing files so that nothing is ever half there: to a temporary name, flushed, renamed."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from pocketgan.errors import StorageError


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Writes `content` to `path`: whoever reads it sees the old content or the new, never a part.

    Args:
        path: where; its folder must exist.
        content: the bytes.
        durable: whether to wait until the disk has it, so that it survives a loss of power.

    Raises:
        StorageError: the disk is full, or the folder can't be written.
    """
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(f"{path} can't be written: {error.strerror}; what was saved before is intact") from None


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Writes `value` as indented JSON, atomically; see `write_atomically`."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode(), durable=durable)
