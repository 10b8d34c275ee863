"""Folders for new runs."""

import itertools
from contextlib import suppress
from pathlib import Path

from pocketgan.base.errors import RunError
from pocketgan.config.shell import command
from pocketgan.runs.model import is_exported, is_model


def check_free(out: str | Path | None) -> None:
    """Checks that a new run may use the folder `out`, without creating anything.

    Raises:
        RunError: the folder already contains something.
    """
    if out is None:
        return
    folder = asked_folder(out)
    if folder.exists() and not folder.is_dir():
        raise RunError("is a file", field="out", folder=folder)
    if is_model(folder) and not is_exported(folder):
        raise RunError("holds a run", field="out", folder=folder, command=command("resume", folder))
    if folder.is_dir() and any(folder.iterdir()):
        raise RunError("not empty", field="out", folder=folder)


def asked_folder(out: str | Path) -> Path:
    """Returns the folder that `--out` names; `missing/..` is the one around `missing`, which need not exist."""
    folder = Path(out).expanduser()
    return folder.resolve() if ".." in folder.parts else folder


def claim_folder(out: str | Path | None, recipe: str) -> Path:
    """Creates the folder of a new run: `out`, or the first free `runs/<recipe>-<n>`.

    Raises:
        RunError: the folder already contains something, or can't be created.
    """
    check_free(out)
    try:
        if out is not None:
            folder = asked_folder(out)
            folder.mkdir(parents=True, exist_ok=True)
            return folder
        for number in itertools.count(1):
            folder = Path("runs") / f"{recipe}-{number}"
            if not folder.exists():
                with suppress(FileExistsError):
                    folder.mkdir(parents=True)
                    return folder
    except OSError as error:
        place = out or "runs"
        raise RunError("not writable", field="out", folder=place, why=error.strerror) from None
    raise AssertionError("numbers don't end")
