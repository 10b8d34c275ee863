"""Pocketgan trains, compares, evaluates and ships GANs on small images.

run = pocketgan.train("mlp", duration="1 epoch")
run.generate(64)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pocketgan.base.plot_backend import import_matplotlib
from pocketgan.base.version import __version__

if TYPE_CHECKING:
    from pocketgan.api import (
        evaluate,
        export,
        find_directions,
        interpolate,
        look,
        open_run,
        plot,
        push,
        record,
        report,
        resume,
        steps,
        study,
        timelapse,
        track,
        train,
        translate,
        walk_directions,
        write,
    )
    from pocketgan.api.checks import check
    from pocketgan.base.errors import PocketganError, RunFailed, UserError
    from pocketgan.config.recipes import RECIPES, recipe
    from pocketgan.config.sections import RunConfig
    from pocketgan.experiment.recording import Recorder
    from pocketgan.runs.exported import ExportedModel, load
    from pocketgan.runs.listing import list_runs
    from pocketgan.runs.model import Model
    from pocketgan.runs.run import Run
    from pocketgan.studies.config import StudyConfig
    from pocketgan.studies.presenting import Study
    from pocketgan.training.objectives import Objective, SetObjective, separable

__all__ = [
    "RECIPES",
    "ExportedModel",
    "Model",
    "Objective",
    "PocketganError",
    "Recorder",
    "Run",
    "RunConfig",
    "RunFailed",
    "SetObjective",
    "Study",
    "StudyConfig",
    "UserError",
    "__version__",
    "check",
    "evaluate",
    "export",
    "find_directions",
    "interpolate",
    "list_runs",
    "load",
    "look",
    "open_run",
    "plot",
    "push",
    "recipe",
    "record",
    "report",
    "resume",
    "separable",
    "steps",
    "study",
    "timelapse",
    "track",
    "train",
    "translate",
    "walk_directions",
    "write",
]

_HOMES = {
    **dict.fromkeys(__all__, "api"),
    **dict.fromkeys(("ExportedModel", "load"), "runs.exported"),
    "Model": "runs.model",
    **dict.fromkeys(("PocketganError", "RunFailed", "UserError"), "base.errors"),
    **dict.fromkeys(("RECIPES", "recipe"), "config.recipes"),
    "check": "api.checks",
    "list_runs": "runs.listing",
    **dict.fromkeys(("Objective", "SetObjective", "separable"), "training.objectives"),
    "Recorder": "experiment.recording",
    "Run": "runs.run",
    "RunConfig": "config.sections",
    "Study": "studies.presenting",
    "StudyConfig": "studies.config",
}


import_matplotlib()


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used, so that the command line starts at once."""
    if name == "metrics":
        return import_module("pocketgan.metrics")
    if name not in _HOMES:
        raise AttributeError(f"module 'pocketgan' has no attribute {name!r}")
    value = getattr(import_module(f"pocketgan.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
