"""Experiment trackers, each from its own file by a literal dict. They read run folders; training knows none of them.

A new tracker needs a file with a class of `entries.Tracker`'s methods, a line here, and its extra in `pyproject.toml`.
"""

from collections.abc import Callable

from pocketgan.trackers.entries import Entry, To, Tracker
from pocketgan.trackers.mlflow import MLflow
from pocketgan.trackers.tensorboard import TensorBoard
from pocketgan.trackers.trackio import Trackio
from pocketgan.trackers.wandb import WandB

TRACKERS: dict[To, Callable[[Entry], Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": WandB,
    "trackio": Trackio,
    "mlflow": MLflow,
}

__all__ = ["TRACKERS"]
