"""What can draw images: a trained generator on disk. No torch here."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from pocketgan.config import RunConfig
from pocketgan.records import DataFacts


@runtime_checkable
class Model(Protocol):
    """A trained generator on disk, such as a run's: what `loading.load_generator` loads.

    Attributes:
        folder: where it is.
        config: the configuration that it was trained with.
        facts: what was found of its data: channels, size, classes.
    """

    folder: Path
    config: RunConfig
    facts: DataFacts

    def label_index(self, label: str | int) -> int:
        """Returns the index of the class called `label`; raises `RunError` where there is none."""
        ...
