"""Image data sets of the Hugging Face Hub, or local ones of the same form, through the package `datasets`."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pocketgan.config.data_section import HUB
from pocketgan.images.intake.contents import SPLITS, Notes, Part, few, wrong
from pocketgan.images.intake.decoding import Source

LABELS = ("label", "labels", "fine_label", "class", "category", "digit")


@dataclass(frozen=True)
class Row:
    """The picture in a row of a table: its bytes, when it is called."""

    table: Any
    place: int
    column: str

    def __call__(self) -> bytes:
        value = self.table[self.place][self.column]
        if value is None:
            return b""  # No picture, which is said as for a damaged one.
        return value["bytes"] if value["bytes"] is not None else Path(value["path"]).read_bytes()


@dataclass(frozen=True)
class Pictures:
    """The pictures of a split.

    Attributes:
        sources: the pictures.
        labels: of each, a word, a number, a list of these, or None; None for a split without labels.
        names: the names of the classes in their order, if the data set gives one.
    """

    sources: list[Source]
    labels: list[Any] | None = None
    names: Sequence[str] = ()


def read_hub(data: str, notes: Notes) -> dict[Part, Pictures]:
    """Returns the pictures of each split of a data set `hf:NAME[:CONFIG]`, and their labels.

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
    found: dict[Part, Pictures] = {}
    for split, table in loaded.items():
        part = SPLITS.get(str(split))
        if part is not None:
            found[part] = _pictures(datasets, table, data, str(split))
    if "train" not in found and loaded:
        split, table = next(iter(loaded.items()))
        found["train"] = _pictures(datasets, table, data, str(split))
        notes.say("hub split", split=str(split))
    unused = [str(split) for split in loaded if SPLITS.get(str(split)) is None]
    if len(found) + len(unused) > len(loaded):
        unused = unused[1:]  # The first one stands for the training split.
    if unused:
        notes.say("hub splits unused", names=few(unused, most=5))
    return found


def _pictures(datasets: Any, table: Any, data: str, split: str) -> Pictures:
    """Returns the pictures of a split, and what its column of labels says of each."""
    column = next((name for name, kind in table.features.items() if isinstance(kind, datasets.Image)), None)
    if column is None:
        raise wrong("hub without images", data=data, known=", ".join(table.features))
    plain = table.cast_column(column, datasets.Image(decode=False))
    sources = [Source(f"{split}[{place}]", Row(plain, place, column)) for place in range(len(plain))]
    label = next((name for name in LABELS if name in table.features), None)
    if label is None:
        named = [name for name, kind in table.features.items() if isinstance(kind, datasets.ClassLabel)]
        label = named[0] if len(named) == 1 else None
    if label is None:
        return Pictures(sources)
    kind = table.features[label]
    names = getattr(getattr(kind, "feature", kind), "names", None) or []
    rows = [_named(row, names) for row in table[label]]
    if any(isinstance(row, float | dict) for row in rows):
        return Pictures(sources)
    return Pictures(sources, None if all(row is None for row in rows) else rows, names)


def _named(label: Any, names: list[str]) -> Any:
    """Returns a label, or several, by name; None where there is none, which is also written as -1."""
    if isinstance(label, list):
        return [_named(one, names) for one in label]
    if isinstance(label, int) and names:
        return names[label] if 0 <= label < len(names) else None
    return None if label == -1 else label
