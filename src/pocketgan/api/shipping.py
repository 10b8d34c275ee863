"""Export of models, and their upload to the Hugging Face Hub."""

from pathlib import Path
from typing import TYPE_CHECKING

from pocketgan.api.trainings import opened_run
from pocketgan.base.progress import Progress
from pocketgan.runs.exported import ExportedModel
from pocketgan.runs.model import PLACES
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from pocketgan.exports.folder import Format


def export(
    run: str | Path | Run,
    out: str | Path | None = None,
    *,
    format: "Format" = "all",
    checkpoint: str | int = "auto",
    progress: bool = True,
) -> ExportedModel:
    """Exports a run's generator into a self-contained folder: weights, configuration, ONNX file and model card.

    Args:
        run: the run or its folder.
        out: the model's folder, which must be empty or not exist yet; by default `models/<the run's name>`.
        format: `safetensors` for Pocketgan, `onnx` for other programs (needs the extra `onnx`), or `all` for both.
        checkpoint: `best`, `last` or a step; `auto` for the best checkpoint, or the last of a run without evaluations.
        progress: whether to show progress on standard error.

    Raises:
        UserError: an argument is invalid; nothing was written.
        ExportFailed: the ONNX file doesn't generate the same images as PyTorch; nothing was written.
    """
    from pocketgan.exports.folder import export_model

    run = opened_run(run)
    out = Path(PLACES[1]) / run.folder.resolve().name if out is None else out
    return export_model(run, out, format, checkpoint, Progress(quiet=not progress))


def push(folder: str | Path, repository: str, *, private: bool = False) -> str:
    """Uploads an exported model to the Hugging Face Hub (needs the extra `hub`), and returns its address.

    Args:
        folder: the folder of the exported model.
        repository: `user/name`; it is created if it doesn't exist.
        private: whether a new repository is visible only to its owner.

    Raises:
        UserError: the name is invalid, the folder holds no intact model, or nobody is logged in.
        ExportFailed: the Hub refused the upload, or can't be reached.
    """
    from pocketgan.exports.hub import push_model

    return push_model(folder, repository, private=private)
