"""What a run and an exported model have in common: a trained generator on disk. No torch here."""

import hashlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pocketgan.base.errors import RunError
from pocketgan.base.messages import problem
from pocketgan.config.sections import DataConfig, RunConfig
from pocketgan.runs.records import DataFacts, read_object

if TYPE_CHECKING:
    from torch import Tensor

    from pocketgan.images.grids import Images

CONFIG = "config.json"
EXPORT_KEY = "model_format"
"""The key in `config.json` that an exported model has, and a run hasn't."""
PLACES = ("runs", "models")
"""Where runs and exported models are made, unless somewhere else is named."""
DEEPEST = 6
"""Folders between one that is listed and a run in it, at most: a study's runs are four below `studies`."""
MOST_FOLDERS = 5000
"""Folders that are looked into, at most."""
MOST_IMAGES = 1_000_000
"""Images that are generated at once, at most."""
KNOWN = 8
"""Runs that a message names."""


@dataclass(frozen=True)
class Weights:
    """A generator's weights: the averaged one's, where there is one.

    Attributes:
        path: the file that they are from.
        tensors: by their names in the network.
        counters: how far training was: `step`, `nimg`, `seconds`, and perhaps what was measured then.
    """

    path: Path
    tensors: "dict[str, Tensor]"
    counters: dict[str, float]

    @property
    def step(self) -> int:
        """The training step that they are from."""
        return int(self.counters["step"])

    def to_bytes(self) -> bytes:
        """Returns a safetensors file of them, the same bytes for the same weights."""
        from safetensors.torch import save

        return save(self.tensors, {"format": "pt"})

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of that file, as hexadecimal digits."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


@runtime_checkable
class Model(Protocol):
    """A trained generator on disk: a `Run`, or an `ExportedModel`.

    Attributes:
        folder: where it is.
        config: the configuration that it was trained with.
        facts: what was found of its data: channels, size, classes.
    """

    folder: Path
    config: RunConfig
    facts: DataFacts

    @property
    def data(self) -> DataConfig | None:
        """How to read its images again; None where they are elsewhere."""
        ...

    def weights(self, checkpoint: str | int = "auto") -> Weights:
        """Reads the generator's weights, verified.

        Raises:
            UserError: there are none such, or they are damaged.
        """
        ...

    def label_index(self, label: str | int) -> int:
        """Returns the index of the class called `label`; see the function of this name."""
        ...

    def generate(
        self, count: int = 64, *, seed: int = 0, label: str | int | None = None, checkpoint: str | int = "auto"
    ) -> "Images":
        """Generates images; see `pocketgan.runs.sampling.draw`."""
        ...


def label_index(model: Model, label: str | int) -> int:
    """Returns the index of the class called `label`.

    Raises:
        RunError: the model is unconditional, or has no such class.
    """
    if not model.config.network.conditional:
        raise RunError("unconditional", field="label", folder=model.folder)
    names = model.facts.class_names
    if str(label) not in names:
        raise RunError("no such label", field="label", label=str(label), known=", ".join(names))
    return names.index(str(label))


def located(folder: str | Path) -> Path:
    """Returns the folder that a name means: itself, or a run or exported model of that name in `runs` or `models`."""
    folder = Path(folder)
    places = () if folder.exists() else tuple(Path(place) / folder for place in PLACES)
    return next((place for place in places if is_model(place)), folder)


def is_model(folder: str | Path) -> bool:
    """Whether a folder holds a run or an exported model."""
    return (Path(folder) / CONFIG).is_file()


def is_exported(folder: str | Path) -> bool:
    """Whether a folder holds an exported model."""
    try:
        return is_model(folder) and EXPORT_KEY in read_object(Path(folder) / CONFIG)
    except RunError:
        return False


def model_folders(folder: Path, deepest: int) -> Iterator[Path]:
    """Yields the folders of runs and exported models in a folder and below it, by name; hidden ones are left out."""
    for place, folders, files in itertools.islice(os.walk(folder), MOST_FOLDERS):
        depth = len(Path(place).relative_to(folder).parts)
        inner = [name for name in folders if not name.startswith((".", "_"))] if depth < deepest else []
        if "config.json" in files and is_ours(Path(place)):
            yield Path(place)
            inner = []
        folders[:] = sorted(inner)


def is_ours(folder: Path) -> bool:
    """Whether a `config.json` is that of a run, perhaps a damaged one, or of an exported model, and not another's."""
    try:
        values = read_object(folder / "config.json")
    except RunError:
        return (folder / "status.json").is_file()
    return "format" in values or EXPORT_KEY in values


def runs_inside(folder: Path) -> list[str]:
    """Returns the names of the runs and exported models below a folder."""
    return [path.relative_to(folder).as_posix() for path in model_folders(folder, DEEPEST)] if folder.is_dir() else []


def why_no_run(folder: Path) -> str:
    """Returns why there is no run in a folder."""
    if not folder.is_dir():
        return problem("run is a file" if folder.exists() else "no run folder", folder=folder)
    inside = runs_inside(folder)
    if not inside:
        return problem("no run", folder=folder)
    known = ", ".join(inside[:KNOWN]) + (", …" if len(inside) > KNOWN else "")
    return problem("folder of runs", folder=folder, known=known)
