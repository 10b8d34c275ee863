"""Incremental reader of a growing file of JSON lines, whose columns of numbers are read only once."""

import math
import os
from array import array
from pathlib import Path
from typing import TypeGuard

import numpy as np

from pocketgan.base.files import parse_json

PIECE = 4_000_000
"""Bytes read at a time."""
LONGEST_LINE = 1_000_000
Numbers = np.ndarray


class Columns:
    """Rows of a `.jsonl` file, stored as columns: a run of 100,000 rows takes some megabytes.

    Attributes:
        path: the file.
        damaged: number of invalid lines, which aren't JSON or lack a required number.
    """

    def __init__(self, path: Path, needed: tuple[str, ...], more: tuple[str, ...] = ()) -> None:
        self.path, self.needed, self.more = path, needed, more
        self._identity: tuple[int, int] = (0, 0)
        self._forget()

    def _forget(self) -> None:
        self.damaged = 0
        self._read, self._half = 0, b""
        self._columns = {name: array("d") for name in (*self.needed, *self.more)}

    def __len__(self) -> int:
        return len(self._columns[self.needed[0]])

    def __getitem__(self, name: str) -> Numbers:
        """Returns one column, float64, shape (rows,); NaN where a row lacks it."""
        return np.array(self._columns[name])

    @property
    def version(self) -> tuple[int, int, int]:
        """Value that changes whenever the rows change."""
        return (*self._identity, self._read)

    def refresh(self) -> None:
        """Reads the rows appended since the last call, or the whole file if it was replaced.

        Raises:
            OSError: the file exists, but can't be read.
        """
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            self._identity = (0, 0)
            return self._forget()
        identity = (facts.st_ino, facts.st_dev)
        if identity != self._identity or facts.st_size < self._read:
            self._forget()
            self._identity = identity
        if facts.st_size == self._read:
            return None
        with self.path.open("rb") as file:
            file.seek(self._read)
            while piece := file.read(PIECE):
                self._take(piece)
        return None

    def _take(self, piece: bytes) -> None:
        """Reads the complete lines from the next piece of the file; a partial line waits for its rest."""
        self._read += len(piece)
        *lines, self._half = (self._half + piece).split(b"\n")
        if len(self._half) > LONGEST_LINE:
            self._half = self._half[-1:]
        lines = [line for line in lines if line.strip()]
        if not self._add_all(lines):
            for line in lines:
                self._add(line)

    def _add_all(self, lines: list[bytes]) -> bool:
        """Adds several lines at once, which is fast; adds none if one of them is damaged."""
        try:
            rows = parse_json(b"[" + b",".join(lines) + b"]")
            results = {name: [row[name] for row in rows] for name in self.needed}
            columns = {name: array("d", values) for name, values in results.items()}
            columns |= {name: array("d", [row.get(name, math.nan) for row in rows]) for name in self.more}
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return False
        sound = all(bool not in set(map(type, results[name])) and np.isfinite(columns[name]).all() for name in results)
        if len(rows) != len(lines) or not sound:
            return False
        for name, column in columns.items():
            self._columns[name].extend(column)
        return True

    def _add(self, line: bytes) -> None:
        try:
            row = parse_json(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not all(is_number(row.get(name)) for name in self.needed):
            self.damaged += 1
            return
        for name, column in self._columns.items():
            value = row.get(name)
            column.append(float(value) if is_number(value) else math.nan)


def is_number(value: object) -> TypeGuard[int | float]:
    """Returns whether a JSON value is a finite number and not a Boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def stamp(path: Path) -> tuple[int, int, int]:
    """Returns a value that changes with a file; zeros if the file doesn't exist."""
    try:
        facts = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns)


def thinned(x: Numbers, values: Numbers, most: int) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Returns a curve with at most `most` points: positions, means, minima and maxima.

    Args:
        x, values: shape (n,); rows without a value are ignored.
        most: number of points; each stands for about the same number of rows.
    """
    known = np.isfinite(values) & np.isfinite(x)
    x, values = x[known], values[known]
    if len(x) <= most:
        return x, values, values, values
    edges = np.linspace(0, len(x), most, endpoint=False).astype(np.int64)
    counts = np.diff(np.append(edges, len(x)))
    means = [np.add.reduceat(column, edges) / counts for column in (x, values)]
    return means[0], means[1], np.minimum.reduceat(values, edges), np.maximum.reduceat(values, edges)
