"""Image data sets of the Hugging Face Hub, or local ones of the same form, through the package `datasets`."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from pocketgan.config.data_section import HUB
from pocketgan.images.intake.contents import Part, wrong
from pocketgan.images.intake.decoding import Source

SPLITS: dict[str, Part] = {
    "train": "train", "test": "test", "validation": "validation", "valid": "validation", "val": "validation"
}  # fmt: skip
LABELS = ("label", "labels", "fine_label", "class", "category", "digit")


@dataclass(frozen=True)
class Row:
    """The picture in a row of a table: its bytes, when it is called."""

    table: Any
    place: int
    column: str

    def __call__(self) -> bytes:
        value = self.table[self.place][self.column]
        return value["bytes"] if value["bytes"] is not None else Path(value["path"]).read_bytes()


def read_hub(data: str) -> dict[Part, tuple[list[Source], np.ndarray | None, tuple[str, ...]]]:
    """Returns the pictures of each split of a data set `hf:NAME[:CONFIG]`, their labels and the classes' names.

    Raises:
        DataError: the package or the data set isn't there, or it has no images.
    """
    name, _, config = data.removeprefix(HUB).partition(":")
    try:
        datasets = import_module("datasets")
    except ImportError:
        raise wrong("no datasets package") from None
    datasets.disable_progress_bars()
    try:
        loaded = datasets.load_dataset(name, config or None)
    except Exception as error:  # The package raises errors of many libraries, about networks and files.
        raise wrong("no hub data", data=data, why=str(error).splitlines()[0][:200]) from None
    found: dict[Part, tuple[list[Source], np.ndarray | None, tuple[str, ...]]] = {}
    for split, table in loaded.items():
        part = SPLITS.get(str(split))
        if part is not None:
            found[part] = _pictures(datasets, table, data, str(split))
    if "train" not in found and loaded:
        split, table = next(iter(loaded.items()))
        found["train"] = _pictures(datasets, table, data, str(split))
    return found


def _pictures(
    datasets: Any, table: Any, data: str, split: str
) -> tuple[list[Source], np.ndarray | None, tuple[str, ...]]:
    column = next((name for name, kind in table.features.items() if isinstance(kind, datasets.Image)), None)
    if column is None:
        raise wrong("hub without images", data=data, known=", ".join(table.features))
    plain = table.cast_column(column, datasets.Image(decode=False))
    sources = [Source(f"{split}[{place}]", Row(plain, place, column)) for place in range(len(plain))]
    label = next((name for name in LABELS if name in table.features), None)
    if label is None:
        return sources, None, ()
    numbers = np.asarray(table[label])
    names = tuple(getattr(table.features[label], "names", None) or ())
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        return sources, None, ()
    used, places = np.unique(numbers, return_inverse=True)
    if names and 0 <= used[0] <= used[-1] < len(names):
        return sources, places.reshape(-1), tuple(names[number] for number in used)
    return sources, numbers, ()
