"""Exported models: the folders that `pocketgan export` writes. PyTorch is imported only when weights are needed.

Their files are described in `docs/reference/exported-model.md`.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pocketgan.base.errors import ConfigError, ModelError
from pocketgan.base.messages import problem
from pocketgan.config import history
from pocketgan.config.code import load_code
from pocketgan.config.data_section import PACKAGED, DataConfig
from pocketgan.config.fields import validated
from pocketgan.config.sections import RunConfig
from pocketgan.runs.model import (
    CONFIG,
    EXPORT_KEY,
    LabelChoice,
    Model,
    Weights,
    is_exported,
    is_model,
    label_index,
    located,
)
from pocketgan.runs.records import DataFacts, first_problem, read_object
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from pocketgan.images.grids import Images

WEIGHTS, ONNX, CARD, PICTURE, LICENCE = "model.safetensors", "model.onnx", "README.md", "samples.png", "LICENSE-DATA"
FILES = (CONFIG, WEIGHTS, ONNX, CARD, PICTURE, LICENCE)
"""Files that an exported folder may contain; only these are uploaded."""
LONGEST = 300
"""Maximum length, in characters, of a text from an untrusted folder in a message."""


class Origin(BaseModel):
    """The point in training from which the weights come.

    Attributes:
        step, nimg, seconds: steps, real images shown, and seconds of training alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    step: int = Field(ge=0)
    nimg: int = Field(ge=0)
    seconds: float = Field(ge=0)


class Manifest(BaseModel):
    """An exported model's `config.json`.

    Attributes:
        model_format: the version of the format.
        pocketgan: the version of Pocketgan that exported the model.
        config: the configuration of its training.
        data: metadata of its data.
        origin: the point in training from which the weights come.
        files: the SHA-256 of the weight files, by name.
        code: the source of one's own parts as text, by file name; it is never run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model_format: int = history.FORMAT
    pocketgan: str
    config: dict[str, Any]
    data: DataFacts
    origin: Origin
    files: dict[str, str]
    code: dict[str, str] = Field(default={})


class ExportedModel:
    """An exported generator. It generates, translates and is evaluated like its run, but can't be trained.

    Attributes:
        folder: the model's folder.
        config: the configuration of its training.
        facts: metadata of its data.
        manifest: the complete `config.json`.
    """

    def __init__(self, folder: Path, config: RunConfig, manifest: Manifest) -> None:
        self.folder = folder
        self.config = config
        self.facts = manifest.data
        self.manifest = manifest

    @classmethod
    def open(cls, folder: str | Path) -> "ExportedModel":
        """Opens the exported model in `folder`; its weights are read when they are needed.

        Raises:
            ModelError: there is no exported model, or its `config.json` isn't one that `pocketgan export` writes.
        """
        folder = located(folder)
        if not is_exported(folder):
            key = "no exported model" if folder.exists() else "no model folder"
            raise ModelError(key, field="model", folder=folder)
        path = folder / CONFIG
        values = read_object(path)
        number = history.known_format(values[EXPORT_KEY])
        if number is None:
            text = printable(repr(values[EXPORT_KEY]))
            message = problem("unknown format", path=path, found=text, format=history.FORMAT)
            raise ModelError(message, field="model")
        try:
            manifest = Manifest.model_validate(values)
            config = validated(history.upgrade(manifest.config, number))
        except ValidationError as error:
            said = problem("damaged", path=path, why=printable(first_problem(error)))
            raise ModelError(said, field="model") from None
        except ConfigError as error:
            raise ModelError("in file", field="model", path=path, why=printable(str(error))) from None
        if not all(name.isprintable() for name in manifest.data.class_names):
            raise ModelError("damaged", field="model", path=path, why=problem("names unprintable"))
        return cls(folder, config, manifest)

    def __repr__(self) -> str:
        return f"ExportedModel('{self.folder}', {self.config.recipe}, step {self.manifest.origin.step})"

    def _repr_png_(self) -> bytes | None:
        picture = self.folder / PICTURE
        return picture.read_bytes() if picture.is_file() else None

    @property
    def data(self) -> DataConfig | None:
        """Settings for reading its images again: those of MNIST, which is in the package, and None for other data."""
        return self.config.data if self.config.data.data in PACKAGED else None

    def weights(self, checkpoint: str | int = "auto") -> Weights:
        """Reads the weights, and checks that they are unchanged since the export.

        Args:
            checkpoint: must be `auto`, since an exported model has only one checkpoint.

        Raises:
            ModelError: another checkpoint was requested, or the file is missing, altered, or not a safetensors file.
        """
        origin = self.manifest.origin
        if checkpoint != "auto":
            raise ModelError("one checkpoint", field="checkpoint", folder=self.folder, step=origin.step)
        if WEIGHTS not in self.manifest.files:
            raise ModelError("onnx alone", field="model", folder=self.folder, file=ONNX)
        path = self.folder / WEIGHTS
        content = self.intact(WEIGHTS)
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            tensors = load(content)
        except (SafetensorError, KeyError, TypeError, ValueError):
            raise ModelError("no safetensors", field="model", path=path) from None
        return Weights(path, tensors, origin.model_dump())

    def onnx(self) -> bytes | None:
        """Returns the ONNX file, verified; None if the model has none."""
        return self.intact(ONNX) if ONNX in self.manifest.files else None

    def intact(self, name: str) -> bytes:
        """Reads one of the files whose SHA-256 is known.

        Raises:
            ModelError: the file can't be read, or has changed since the export.
        """
        path = self.folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError("unreadable", field="model", path=path, why=error.strerror) from None
        if hashlib.sha256(content).hexdigest() != self.manifest.files[name]:
            raise ModelError("altered", field="model", path=path, config=CONFIG)
        return content

    def label_index(self, label: str | int) -> int:
        """Returns the index of the class called `label`; see `model.label_index`."""
        return label_index(self, label)

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
        """Generates the same images as the run from which the model was exported; see `Run.generate`."""
        from pocketgan.runs.sampling import draw

        options = {"label": label, "checkpoint": checkpoint, "latents": latents, "truncation": truncation}
        return draw(self, count, seed=seed, **options)


def printable(text: str) -> str:
    """Returns an untrusted text in a form that fits into a message: one short line of printable characters."""
    cleaned = "".join(letter if letter.isprintable() else "?" for letter in text)
    return cleaned if len(cleaned) <= LONGEST else f"{cleaned[:LONGEST]}…"


def load(folder: str | Path, *, code: str | Path | Sequence[str | Path] = ()) -> Model:
    """Opens the folder of a run or of an exported model; both generate, translate and are evaluated in the same way.

    Args:
        folder: the folder, or its name in `runs` or `models`.
        code: files with the model's own parts. They are run; nothing in the folder itself is.

    Raises:
        UserError: the folder holds neither, or is damaged, or a file of code fails.
    """
    for path in [code] if isinstance(code, str | Path) else code:
        load_code(path)
    folder = located(folder)
    return ExportedModel.open(folder) if is_exported(folder) else Run.open(folder)


def find_model(source: str | Path | Model) -> Model | None:
    """Returns a run or an exported model unchanged, or opens its folder; None if a path holds neither."""
    if not isinstance(source, str | Path):
        return source
    return load(source) if is_model(located(source)) else None
