"""The way of an exported model to the Hugging Face Hub, through `huggingface_hub`."""

import re
from pathlib import Path
from typing import Any

from pocketgan.base.errors import ExportFailed, ModelError
from pocketgan.runs.exported import FILES, ExportedModel

LONGEST_NAME = 96
PART = re.compile(r"\w([\w.-]*\w)?", re.ASCII)


def push_model(folder: str | Path, repository: str, *, private: bool = False) -> str:
    """Uploads an exported model in one commit: its own files, and nothing else that lies in the folder.

    Args:
        folder: the exported model's.
        repository: `user/name`; made if it isn't there.
        private: whether a new repository is for its owner alone.

    Returns:
        The repository's address.

    Raises:
        ModelError: a bad name, no intact model there, the extra isn't installed, or nobody is logged in.
        ExportFailed: the Hub refused, or can't be reached.
    """
    check_name(repository)
    model = ExportedModel.open(folder)
    for name in model.manifest.files:
        model.intact(name)
    hub = _hub()
    if hub.get_token() is None:
        raise ModelError(
            "nobody is logged in to the Hugging Face Hub; 'hf auth login', or a token in HF_TOKEN", field="push"
        )
    paths = [model.folder / name for name in FILES if (model.folder / name).is_file()]
    api = hub.HfApi()
    try:
        address = api.create_repo(repository, private=private or None, exist_ok=True)
        api.create_commit(
            repository,
            [hub.CommitOperationAdd(path_in_repo=path.name, path_or_fileobj=path) for path in paths],
            commit_message="A model exported by Pocketgan",
        )
    except Exception as error:  # Of the HTTP library's, which changes with huggingface_hub's version.
        reason = " ".join((str(error) or type(error).__name__).split())
        raise ExportFailed(
            "'{repository}' was not uploaded: {reason}; the same command tries again",
            field="push",
            repository=repository,
            reason=reason,
        ) from error
    return str(address)


def check_name(repository: str) -> None:
    """Checks a repository's name as the Hub would.

    Raises:
        ModelError: it isn't `user/name`, or has letters that names can't have.
    """
    parts = repository.split("/")
    good = len(parts) == 2 and all(PART.fullmatch(part) for part in parts) and len(repository) <= LONGEST_NAME
    if not good or "--" in repository or ".." in repository or repository.endswith(".git"):
        raise ModelError(
            "'{repository}' is no name of a repository; 'user/name' would do, of letters, digits and "
            "single '-', '_' or '.' between them, {longest_name} at most",
            field="push",
            repository=repository,
            longest_name=LONGEST_NAME,
        )


def _hub() -> Any:
    """Imports huggingface_hub."""
    try:
        import huggingface_hub
    except ImportError:
        raise ModelError("huggingface_hub isn't installed; pip install 'pocketgan[hub]'", field="push") from None
    return huggingface_hub
