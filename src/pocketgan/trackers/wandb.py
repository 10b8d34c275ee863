"""Weights & Biases: a run of the project, online or offline as `WANDB_MODE` and the login say."""

import shutil
from pathlib import Path
from typing import Any

from pocketgan.config.shell import quoted
from pocketgan.trackers.entries import Entry, library
from pocketgan.trackers.reading import Ending, Picture, Row

OFFLINE = "offline-run-"


class WandB:
    """A run of Weights & Biases. Its id is always the same, so it replaces what an earlier call logged."""

    def __init__(self, entry: Entry) -> None:
        self._wandb = library("wandb")
        if entry.folder is not None:
            entry.folder.mkdir(parents=True, exist_ok=True)
        settings = self._wandb.Settings(
            silent=True, console="off", disable_git=True, save_code=False, x_disable_stats=True
        )
        self._run: Any = self._wandb.init(
            project=entry.project,
            name=entry.name,
            id=entry.identity,
            group=entry.group,
            config=entry.settings,
            dir=None if entry.folder is None else str(entry.folder),
            reinit="create_new",
            settings=settings,
        )
        self._run.define_metric("*", step_metric="step")
        self._folder = Path(self._run.settings.sync_dir)
        if self._run.offline:
            for path in self._folder.parent.glob(f"{OFFLINE}*-{entry.identity}"):
                if path != self._folder:
                    shutil.rmtree(path, ignore_errors=True)

    @property
    def where(self) -> str:
        """The address of the run, or its folder if W&B is offline."""
        return str(self._folder) if self._run.offline else str(self._run.url)

    @property
    def look(self) -> str:
        """The command that uploads the runs of an offline folder."""
        return f"wandb sync {quoted(str(self._folder.parent))}/{OFFLINE}*" if self._run.offline else ""

    def scalars(self, rows: list[Row]) -> None:
        """Logs each row at its step."""
        for row in rows:
            self._run.log({"step": row.step, **row.clocks, **row.values})

    def image(self, picture: Picture) -> None:
        """Logs the picture at its step."""
        self._run.log({"step": picture.step, picture.name: self._wandb.Image(str(picture.path))})

    def close(self, ending: Ending) -> None:
        """Writes the state of the run into the summary, and waits for the upload."""
        self._run.summary.update({f"run/{name}": value for name, value in ending.notes.items()})
        self._run.finish(exit_code=1 if ending.state in ("failed", "killed") else 0)
