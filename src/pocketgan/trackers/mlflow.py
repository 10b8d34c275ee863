"""MLflow: a run of an experiment, in a local database or on the server at `MLFLOW_TRACKING_URI`."""

import logging
import re
import time
from typing import Any

from PIL import Image

from pocketgan.config.shell import quoted
from pocketgan.trackers.entries import Entry, library
from pocketgan.trackers.reading import Ending, Picture, Row

IDENTITY = "pocketgan.run"
"""The tag that tells runs apart."""
LONGEST = 6000
"""Most characters of a parameter."""
MOST_METRICS, MOST_PARAMETERS = 1000, 100
"""Most of each that one call accepts."""
ENDS = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED", "killed": "KILLED"}


class MLflow:
    """A run of MLflow. The run that an earlier call logged is deleted; `mlflow gc` removes it for good."""

    def __init__(self, entry: Entry) -> None:
        mlflow = library("mlflow", "entities")
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        self._entities, artifacts = mlflow.entities, None
        self.address: str = ""
        if entry.folder is not None:
            entry.folder.mkdir(parents=True, exist_ok=True)
            self.address = f"sqlite:///{(entry.folder / 'mlflow.db').as_posix()}"
            artifacts = (entry.folder / "artifacts").resolve().as_uri()
        self._client: Any = mlflow.MlflowClient(tracking_uri=self.address or None)
        experiment = self._client.get_experiment_by_name(entry.project)
        if experiment is None:
            number = self._client.create_experiment(entry.project, artifact_location=artifacts)
        else:
            number = experiment.experiment_id
            for run in self._client.search_runs([number], filter_string=f"tags.`{IDENTITY}` = '{entry.identity}'"):
                self._client.delete_run(run.info.run_id)
        tags = {IDENTITY: entry.identity, **({} if entry.group is None else {"group": entry.group})}
        self._run: str = self._client.create_run(number, tags=tags, run_name=entry.name).info.run_id
        self._where = self.address or f"{mlflow.get_tracking_uri()}/#/experiments/{number}/runs/{self._run}"
        values = [(allowed(name), str(value)[:LONGEST]) for name, value in entry.settings.items()]
        for part in split(values, MOST_PARAMETERS):
            self._client.log_batch(self._run, params=[self._entities.Param(*one) for one in part])

    @property
    def where(self) -> str:
        """The database, or the address of the run."""
        return self._where

    @property
    def look(self) -> str:
        """The command that shows the database."""
        return f"mlflow ui --backend-store-uri {quoted(self.address)}" if self.address else ""

    def scalars(self, rows: list[Row]) -> None:
        """Logs all numbers in few calls."""
        metrics = [
            self._entities.Metric(allowed(name), value, round(1000 * row.time), row.step)
            for row in rows
            for name, value in row.values.items()
        ]
        for part in split(metrics, MOST_METRICS):
            self._client.log_batch(self._run, metrics=part)

    def image(self, picture: Picture) -> None:
        """Logs the picture at its step."""
        with Image.open(picture.path) as opened:
            opened.load()
            when = round(1000 * picture.time)
            self._client.log_image(self._run, opened, key=picture.name, step=picture.step, timestamp=when)

    def close(self, ending: Ending) -> None:
        """Writes the state of the run as tags, and ends MLflow's run unless training still runs."""
        for name, value in ending.notes.items():
            self._client.set_tag(self._run, f"run.{name}", str(value))
        if ending.state in ENDS:
            self._client.set_terminated(self._run, ENDS[ending.state], end_time=round(1000 * time.time()))


def allowed(name: str) -> str:
    """Returns a name with only characters that MLflow accepts."""
    return re.sub(r"[^\w\-. :/]", "-", name)


def split(values: list[Any], most: int) -> list[list[Any]]:
    """Returns a list in parts of at most `most` values."""
    return [values[start : start + most] for start in range(0, len(values), most)]
