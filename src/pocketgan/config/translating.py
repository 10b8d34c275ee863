"""Settings of image-to-image translation: the tasks that make pairs, and the rules that the settings follow."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, runtime_checkable

from pocketgan.base.errors import ConfigError

Task = Literal["none", "invert", "denoise", "upscale", "inpaint", "colorize", "edges", "thicken"]
NONE = "none"


@runtime_checkable
class DataSettings(Protocol):
    """What is asked about the settings of the data; see `DataConfig`."""

    @property
    def target(self) -> str: ...

    @property
    def task(self) -> Task: ...

    @property
    def pairs(self) -> str: ...


@runtime_checkable
class Weights(Protocol):
    """What is asked about the settings of the objective; see `ObjectiveConfig`."""

    @property
    def adversarial_weight(self) -> float: ...

    @property
    def reconstruction_weight(self) -> float: ...


def settle_pairs(values: Any) -> Any:
    """Fills in what a task and a folder of pairs determine, before the settings of the data are checked.

    A folder of pairs replaces `data` and `task`. `colorize` needs images in color, so `color` is `rgb` unless it is
    given.

    Args:
        values: the settings as they are given, which are left unchanged.
    """
    if not isinstance(values, Mapping):
        return values
    settled = dict(values)
    if isinstance(settled.get("pairs"), str) and settled["pairs"] != NONE:
        settled |= {"data": settled["pairs"], "task": NONE}
    if settled.get("task") == "colorize" and settled.get("color", "auto") == "auto":
        settled["color"] = "rgb"
    return settled


def task_of(data: DataSettings) -> Task:
    """Returns the task that makes a run's pairs; the target `inverted` is the task `invert`."""
    return "invert" if data.target == "inverted" else data.task


def check_translation(data: DataSettings, objective: Weights, *, reads_images: bool) -> None:
    """Checks the settings of image-to-image translation against each other.

    Args:
        data, objective: the settings.
        reads_images: whether the generator translates images.

    Raises:
        ConfigError: a setting needs a generator that reads images, or contradicts another.
    """
    chosen = {
        "task": data.task != NONE,
        "pairs": data.pairs != NONE,
        "reconstruction_weight": objective.reconstruction_weight > 0,
        "adversarial_weight": objective.adversarial_weight != 1,
    }
    if not reads_images:
        for field, given in chosen.items():
            if given:
                raise ConfigError("translation needs images", field=field)
        return
    if data.pairs != NONE and data.target == "inverted":
        raise ConfigError("pairs and target", field="pairs")
    if data.task != NONE and data.target == "inverted":
        raise ConfigError("task and target", field="task")
    if objective.adversarial_weight == 0 and objective.reconstruction_weight == 0:
        raise ConfigError("no loss", field="adversarial_weight")
