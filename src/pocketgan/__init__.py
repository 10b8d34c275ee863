"""Pocketgan trains, compares, evaluates and ships GANs on small images, on a laptop.

run = pocketgan.train("mlp", duration="1 epoch")
run.generate(64)
"""

from pocketgan.api import open_run, resume, train, translate
from pocketgan.config import RunConfig
from pocketgan.errors import PocketganError, RunFailed, UserError
from pocketgan.recipes import RECIPES, recipe
from pocketgan.runs import Run
from pocketgan.version import __version__

__all__ = [
    "RECIPES",
    "PocketganError",
    "Run",
    "RunConfig",
    "RunFailed",
    "UserError",
    "__version__",
    "open_run",
    "recipe",
    "resume",
    "train",
    "translate",
]
