"""The interface that runs and exported models share: a trained generator on disk. No PyTorch here."""

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pocketgan.base.errors import RunError
from pocketgan.base.messages import problem
from pocketgan.config.data_section import DataConfig
from pocketgan.config.sections import RunConfig
from pocketgan.runs.records import DataFacts, read_object

if TYPE_CHECKING:
    from torch import Tensor

    from pocketgan.images.grids import Images

CONFIG = "config.json"
EXPORT_KEY = "model_format"
"""The key in `config.json` that only exported models have."""
PLACES = ("runs", "models")
"""Default folders for new runs and exported models."""
DEEPEST = 6
"""Maximum depth of a run below the folder that is searched; a study's runs are four levels below `studies`."""
MOST_FOLDERS = 5000
"""Maximum number of folders that are searched."""
MOST_IMAGES = 1_000_000
"""Maximum number of images that are generated at once."""
LabelChoice = str | int | Iterable[Any] | None
"""The class of all images by its name, a list or an array with a name for each, or None for all classes in turn."""
KNOWN = 8
"""Maximum number of runs that a message lists."""


@dataclass(frozen=True)
class Weights:
    """A generator's weights: those of the EMA generator if the run has one.

    Attributes:
        path: the file from which they were read.
        tensors: the tensors, by their names in the network.
        counters: the state of training: `step`, `nimg`, `seconds`, and the measurements of that step, if any.
    """

    path: Path
    tensors: "dict[str, Tensor]"
    counters: dict[str, float]

    @property
    def step(self) -> int:
        """The training step of the weights."""
        return int(self.counters["step"])

    def to_bytes(self) -> bytes:
        """Returns the weights as a safetensors file, with the same bytes for the same weights."""
        from safetensors.torch import save

        return save(self.tensors, {"format": "pt"})

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of that file, in hexadecimal digits."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


@runtime_checkable
class Model(Protocol):
    """A trained generator on disk: a `Run` or an `ExportedModel`.

    Attributes:
        folder: the folder of the run or model.
        config: the configuration of its training.
        facts: metadata of its data: channels, size, classes.
    """

    folder: Path
    config: RunConfig
    facts: DataFacts

    @property
    def data(self) -> DataConfig | None:
        """Settings for reading its images again; None if the images are not available."""
        ...

    def weights(self, checkpoint: str | int = "auto") -> Weights:
        """Reads the generator's weights and verifies them.

        Raises:
            UserError: there are no such weights, or they are damaged.
        """
        ...

    def onnx(self) -> bytes | None:
        """Returns the ONNX file of an exported model, verified; None without one, as in a run.

        Raises:
            UserError: the file is damaged.
        """
        ...

    def label_index(self, label: str | int) -> int:
        """Returns the index of the class called `label`; see the function of the same name."""
        ...

    def generate(
        self,
        count: int | None = None,
        *,
        seed: int = 0,
        label: LabelChoice = None,
        checkpoint: str | int = "auto",
        latents: Any = None,
        truncation: float | None = None,
    ) -> "Images":
        """Generates images; the arguments are those of `Run.generate`.

        Args:
            count: the number of images; by default 64, or as many as there are latents or labels.
            seed: the seed of the latents; the same seed gives the same images.
            label: the class of all images, a list with one for each, or a mixture such as `{"3": 0.7, "8": 0.3}`; with
                numbers or several labels, values by name. None cycles through all classes.
            checkpoint: of a run, `best`, `last` or a step; `auto` for the best checkpoint, or else the last.
            latents: numbers, shape (N, latent_dim), instead of those of the seed: a NumPy array or a PyTorch tensor.
            truncation: draws latents from a normal distribution that is cut off at ± this number, above 0.
        """
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
    """Returns the folder of a name: the folder itself, or the run or exported model so named in `runs` or `models`."""
    folder = Path(folder).expanduser()
    places = () if folder.exists() else tuple(Path(place) / folder for place in PLACES)
    return next((place for place in places if is_model(place)), folder)


def is_model(folder: str | Path) -> bool:
    """Returns whether a folder holds a run or an exported model."""
    return (Path(folder) / CONFIG).is_file()


def is_exported(folder: str | Path) -> bool:
    """Returns whether a folder holds an exported model."""
    try:
        return is_model(folder) and EXPORT_KEY in read_object(Path(folder) / CONFIG)
    except RunError:
        return False


def model_folders(folder: Path, deepest: int) -> Iterator[Path]:
    """Yields the folders of runs and exported models in and below a folder, sorted by name, without hidden folders."""
    for place, folders, files in itertools.islice(os.walk(folder), MOST_FOLDERS):
        depth = len(Path(place).relative_to(folder).parts)
        inner = [name for name in folders if not name.startswith((".", "_"))] if depth < deepest else []
        if "config.json" in files and is_ours(Path(place)):
            yield Path(place)
            inner = []
        folders[:] = sorted(inner)


def is_ours(folder: Path) -> bool:
    """Returns whether a `config.json` belongs to a run, even a damaged one, or to an exported model."""
    try:
        values = read_object(folder / "config.json")
    except RunError:
        return (folder / "status.json").is_file()
    return "format" in values or EXPORT_KEY in values


def runs_inside(folder: Path) -> list[str]:
    """Returns the names of the runs and exported models below a folder."""
    return [path.relative_to(folder).as_posix() for path in model_folders(folder, DEEPEST)] if folder.is_dir() else []


def why_no_run(folder: Path) -> str:
    """Returns the reason why a folder holds no run."""
    if not folder.is_dir():
        return problem("run is a file" if folder.exists() else "no run folder", folder=folder)
    inside = runs_inside(folder)
    if not inside:
        return problem("no run", folder=folder)
    known = ", ".join(inside[:KNOWN]) + (", …" if len(inside) > KNOWN else "")
    return problem("folder of runs", folder=folder, known=known)
