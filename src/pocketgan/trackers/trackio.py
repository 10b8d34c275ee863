"""Trackio: a run in the database of a project, in a local folder, on a server or in a Hugging Face Space."""

import os
from contextlib import redirect_stdout, suppress
from contextvars import Context
from pathlib import Path
from typing import Any

from pocketgan.base.errors import UserError
from pocketgan.config.shell import quoted
from pocketgan.trackers.entries import Entry, library
from pocketgan.trackers.reading import Ending, Picture, Row

FOLDER = "TRACKIO_DIR"
IDENTITY = "pocketgan"
"""The setting that tells runs apart; their names alone can't."""


class Trackio:
    """A run of Trackio. In a local folder it replaces the run that an earlier call logged."""

    def __init__(self, entry: Entry) -> None:
        self._trackio = imported(entry.folder)
        self._project = entry.project
        settings = {**entry.settings, IDENTITY: entry.identity}
        if not any(os.environ.get(name) for name in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")):
            with suppress(ValueError):  # The project doesn't exist yet.
                for run in list(self._trackio.Api().runs(entry.project)):
                    if (run.config or {}).get(IDENTITY) == entry.identity:
                        run.delete()
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
            self._run: Any = Context().run(  # `init` ends the run of its context, and runs of a study overlap.
                self._trackio.init,
                project=entry.project,
                name=entry.name,
                group=entry.group,
                config=settings,
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    @property
    def where(self) -> str:
        """The folder of the database, or the address of the server."""
        return str(self._run.url or self._trackio.utils.TRACKIO_DIR)

    @property
    def look(self) -> str:
        """The command that shows the project."""
        if self._run.url:
            return ""
        shown = f"trackio show --project {quoted(self._project)}"
        return f"{FOLDER}={quoted(str(self._trackio.utils.TRACKIO_DIR))} {shown}"

    def scalars(self, rows: list[Row]) -> None:
        """Logs each row at its step."""
        for row in rows:
            self._run.log({**row.clocks, **row.values}, step=row.step)

    def image(self, picture: Picture) -> None:
        """Logs the picture at its step."""
        image = self._trackio.Image(str(picture.path), caption=f"step {picture.step}")
        self._run.log({picture.name: image}, step=picture.step)

    def close(self, ending: Ending) -> None:
        """Waits until everything is written. Trackio keeps no state of a run."""
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
            self._run.finish()


def imported(folder: Path | None) -> Any:
    """Imports Trackio, which reads the name of its folder only once.

    Raises:
        UserError: it isn't installed, or was imported for another folder before.
    """
    before = os.environ.get(FOLDER)
    if folder is not None:
        os.environ[FOLDER] = str(folder)
    try:
        module = library("trackio", "utils")
    finally:
        if folder is not None:
            os.environ.pop(FOLDER)
            os.environ |= {} if before is None else {FOLDER: before}
    used = Path(module.utils.TRACKIO_DIR)
    if folder is not None and used.resolve() != folder.resolve():
        raise UserError("tracker folder fixed", field="folder", folder=folder, used=used)
    return module
