"""Upload of an exported model to the Hugging Face Hub, through `huggingface_hub`."""

import re
from pathlib import Path
from typing import Any

from pocketgan.base.errors import ExportFailed, ModelError
from pocketgan.runs.exported import FILES, ExportedModel

LONGEST_NAME = 96
PART = re.compile(r"\w([\w.-]*\w)?", re.ASCII)


def push_model(folder: str | Path, repository: str, *, private: bool = False) -> str:
    """Uploads an exported model in one commit: its own files, and nothing else from the folder.

    Args:
        folder: the folder of the exported model.
        repository: `user/name`; it is created if it doesn't exist.
        private: whether a new repository is visible only to its owner.

    Returns:
        The repository's address.

    Raises:
        ModelError: the name is invalid, the folder holds no intact model, the extra isn't installed, or no user is
            logged in.
        ExportFailed: the Hub refused the upload, or can't be reached.
    """
    check_name(repository)
    model = ExportedModel.open(folder)
    for name in model.manifest.files:
        model.intact(name)
    hub = _hub()
    if hub.get_token() is None:
        raise ModelError("no login", field="push")
    paths = [model.folder / name for name in FILES if (model.folder / name).is_file()]
    api = hub.HfApi()
    try:
        address = api.create_repo(repository, private=private or None, exist_ok=True)
        api.create_commit(
            repository,
            [hub.CommitOperationAdd(path_in_repo=path.name, path_or_fileobj=path) for path in paths],
            commit_message="A model exported by Pocketgan",
        )
    except Exception as error:  # From the HTTP library, which depends on huggingface_hub's version.
        reason = " ".join((str(error) or type(error).__name__).split())
        raise ExportFailed("not uploaded", field="push", repository=repository, why=reason) from error
    return str(address)


def check_name(repository: str) -> None:
    """Checks a repository's name by the Hub's rules.

    Raises:
        ModelError: the name isn't `user/name`, or has characters that names can't have.
    """
    parts = repository.split("/")
    good = len(parts) == 2 and all(PART.fullmatch(part) for part in parts) and len(repository) <= LONGEST_NAME
    if not good or "--" in repository or ".." in repository or repository.endswith(".git"):
        raise ModelError("no repository name", field="repository", repository=repository, most=LONGEST_NAME)


def _hub() -> Any:
    """Imports huggingface_hub."""
    try:
        import huggingface_hub
    except ImportError:
        raise ModelError("no hub", field="push") from None
    return huggingface_hub
