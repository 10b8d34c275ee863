"""Protocol between server and worker: frames of JSON and arrays through pipes. No content of a frame can run code.

A frame consists of two lengths (32 bits each, big-endian), a JSON object in UTF-8 of the first length, and an .npz
archive of the second length. The archive is empty if there are no arrays.
"""

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

import numpy as np

from pocketgan.base.files import parse_json

LENGTHS = struct.Struct(">II")
MOST_JSON, MOST_ARRAYS = 2**20, 2**28
"""Largest sizes of a frame's parts in bytes."""


Stream = IO[bytes] | io.BufferedIOBase


class Frame(NamedTuple):
    """One message: plain values and arrays, both by name."""

    values: dict[str, Any]
    arrays: dict[str, np.ndarray]


class BadFrame(Exception):
    """Invalid or oversized frame."""


def write_frame(stream: Stream, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> None:
    """Writes a frame and flushes it.

    Raises:
        OSError: the other process is gone.
        BadFrame: the frame would exceed the size limits; nothing was written.
    """
    buffer = io.BytesIO()
    if arrays:
        np.savez(buffer, allow_pickle=False, **arrays)
    text, archive = json.dumps(values).encode(), buffer.getvalue()
    if len(text) > MOST_JSON or len(archive) > MOST_ARRAYS:
        raise BadFrame(f"{len(text):,} and {len(archive):,} bytes are too many")
    stream.write(LENGTHS.pack(len(text), len(archive)) + text + archive)
    stream.flush()


def read_frame(stream: Stream) -> Frame | None:
    """Reads a frame; None if the stream ended after a complete frame.

    Raises:
        BadFrame: the frame is cut short, too large or damaged.
    """
    lengths = stream.read(LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < LENGTHS.size:
        raise BadFrame("it is cut short")
    size, archive_size = LENGTHS.unpack(lengths)
    if size > MOST_JSON or archive_size > MOST_ARRAYS:
        raise BadFrame(f"{size:,} and {archive_size:,} bytes are too many")
    text, archive = stream.read(size), stream.read(archive_size)
    if len(text) < size or len(archive) < archive_size:
        raise BadFrame("it is cut short")
    try:
        values = parse_json(text)
        arrays = {}
        if archive:
            with np.load(io.BytesIO(archive), allow_pickle=False) as result:
                arrays = {name: result[name] for name in result.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile):
        raise BadFrame("it is damaged") from None
    if not isinstance(values, dict):
        raise BadFrame("it holds no JSON object")
    return Frame(values, arrays)
