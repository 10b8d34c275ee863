"""Models to ship."""

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
    """Exports a run's generator into a folder that stands alone: weights, configuration, ONNX file and model card.

    Args:
        run: the run or its folder.
        out: the model's folder, empty or not there; by default `models/<the run's name>`.
        format: `safetensors` for Pocketgan, `onnx` for other programs (needs the extra `onnx`), or `all` for both.
        checkpoint: `best`, `last` or a step; `auto` for the best, or the last of a run that wasn't evaluated.
        progress: whether to show progress on standard error.

    Raises:
        UserError: what was asked for is invalid; nothing was written.
        ExportFailed: the ONNX file doesn't draw what PyTorch draws; nothing was written.
    """
    from pocketgan.exports.folder import export_model

    run = opened_run(run)
    out = Path(PLACES[1]) / run.folder.resolve().name if out is None else out
    return export_model(run, out, format, checkpoint, Progress(quiet=not progress))


def push(folder: str | Path, repository: str, *, private: bool = False) -> str:
    """Uploads an exported model to the Hugging Face Hub (needs the extra `hub`), and returns its address.

    Args:
        folder: the exported model's.
        repository: `user/name`; made if it isn't there.
        private: whether a new repository is for its owner alone.

    Raises:
        UserError: a bad name, no intact model there, or nobody is logged in.
        ExportFailed: the Hub refused, or can't be reached.
    """
    from pocketgan.exports.hub import push_model

    return push_model(folder, repository, private=private)
