"""What an intake returns: the images of each split, what was done to them, and what was passed over."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pocketgan.base.errors import DataError, NoSplit
from pocketgan.base.files import cache_folder
from pocketgan.base.messages import Problem, problem

Part = Literal["train", "validation", "test"]
SPLITS: dict[str, Part] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "val": "validation",
    "valid": "validation", "validation": "validation", "dev": "validation",
}  # fmt: skip
"""Words in the names of folders, tables, files and splits of data sets that say which split it is."""
NAMED = 20
"""Maximum number of files that are named where files were passed over."""
WITHOUT_SPLIT = {"no idx file", "no array of split", "no test folder"}
"""Errors of data without a test split, if the test split was requested."""


@dataclass(frozen=True)
class ImageFiles:
    """The images of one split.

    Attributes:
        images: uint8, shape (N, C, H, W).
        labels: integers, shape (N,); or 0 and 1, shape (N, K), where an image can have several labels; or None.
        class_names: names for the labels 0, 1, … if the files name them; otherwise empty.
        files: the file or the place of each image; empty if there is nothing to name.
        inputs: of pairs, the input of each image, which is then the target: uint8, shape (N, C, H, W).
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    files: Sequence[str] = ()
    inputs: np.ndarray | None = None


@dataclass(frozen=True)
class Listed:
    """A picture that is to be read.

    Attributes:
        path: the file.
        name: its path relative to the data's folder, with slashes.
        label: its class by name, several of them as a list, or None.
    """

    path: Path
    name: str
    label: Any = None


@dataclass
class Notes:
    """What an intake did and what it passed over, as it goes along.

    Attributes:
        done: messages about what was done to the images, in order.
        skipped: for each reason, the number of files passed over and the first of their names.
        counts: how often something was done to a picture, by the key of its message; `settle` turns them into messages.
    """

    done: list[Problem] = field(default_factory=list)
    skipped: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def say(self, key: str, **parts: object) -> None:
        """Adds a message about what was done, once."""
        message = problem(key, **parts)
        if message not in self.done:
            self.done.append(message)

    def skip(self, why: str, name: str) -> None:
        """Counts a file that is passed over."""
        count, names = self.skipped.get(why, (0, []))
        self.skipped[why] = (count + 1, [*names, name] if len(names) < NAMED else names)

    def settle(self, parts: Mapping[str, Mapping[str, Any]]) -> None:
        """Turns the counts into messages.

        Args:
            parts: further parts of the messages, by their keys.
        """
        for key, count in self.counts.items():
            self.say(key, count=count, **parts.get(key, {}))
        self.counts.clear()

    def sentences(self) -> list[Problem]:
        """Returns everything that a person should know: what was done, and what was passed over."""
        passed = [problem(f"skipped {why}", count=count, names=few(names, count)) for why, (count, names) in
                  self.skipped.items()]  # fmt: skip
        return [*self.done, *passed]


@dataclass(frozen=True)
class Collection:
    """All splits of a data set, and what is to be said about them.

    Attributes:
        kind: what was read: `pictures`, `arrays`, `idx`, `csv`, `cifar` or `hub`.
        splits: the images of each split that the data has.
        notes: what was done and what was passed over.
        sizes: how many images had which size before, by (width, height).
    """

    kind: str
    splits: dict[Part, ImageFiles]
    notes: Notes
    sizes: dict[tuple[int, int], int]


def arrays_folder() -> Path:
    """Returns the folder of arrays from Python, in the cache."""
    return cache_folder() / "arrays"


def wrong(key: str, name: str = "data", **parts: object) -> DataError:
    """Returns an error about data in the current language; its field is the setting that requested the data."""
    kind = NoSplit if key in WITHOUT_SPLIT and parts.get("split") == "test" else DataError
    return kind(key, field=name, **{part: recognizable(value) for part, value in parts.items()})


def recognizable(value: object) -> object:
    """Returns a part of a message; the cached file of an array from Python becomes `the array`."""
    cached = isinstance(value, str | Path) and Path(value).parent == arrays_folder()
    return problem("given arrays") if cached else value


def few(names: Sequence[str], count: int | None = None, most: int = 3) -> str:
    """Returns the first names of many: `a, b, c …`."""
    total = len(names) if count is None else count
    return ", ".join(names[:most]) + (" …" if total > most else "")
