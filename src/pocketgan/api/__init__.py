"""The Python interface: the commands as functions, which `import pocketgan` exposes at the top level."""

from pocketgan.api.evaluations import evaluate
from pocketgan.api.looks import look
from pocketgan.api.loops import steps
from pocketgan.api.pictures import find_directions, interpolate, plot, timelapse, walk_directions, write
from pocketgan.api.recordings import record
from pocketgan.api.shipping import export, push
from pocketgan.api.studies import report, study
from pocketgan.api.tracking import track
from pocketgan.api.trainings import open_run, resume, train
from pocketgan.api.translations import translate

__all__ = [
    "evaluate",
    "export",
    "find_directions",
    "interpolate",
    "look",
    "open_run",
    "plot",
    "push",
    "record",
    "report",
    "resume",
    "steps",
    "study",
    "timelapse",
    "track",
    "train",
    "translate",
    "walk_directions",
    "write",
]
