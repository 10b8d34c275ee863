"""Settings of image-to-image translation: the tasks that make pairs, and the rules that the settings follow."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, runtime_checkable

from pocketgan.base.errors import ConfigError

Task = Literal["none", "invert", "denoise", "upscale", "inpaint", "colorize", "edges", "thicken"]
NONE = "none"
CLASSES = "classes"
"""The target domain that is the data's own classes: each image is translated into a requested one."""
IDENTITY = 5.0
"""Usual weight of the identity loss: half that of cycle consistency (Zhu et al. 2017, section 5.2)."""


@runtime_checkable
class DataSettings(Protocol):
    """What is asked about the settings of the data; see `DataConfig`."""

    @property
    def target(self) -> str: ...

    @property
    def task(self) -> Task: ...

    @property
    def pairs(self) -> str: ...

    @property
    def to(self) -> str: ...

    @property
    def keep_class(self) -> bool: ...


@runtime_checkable
class Weights(Protocol):
    """What is asked about the settings of the objective; see `ObjectiveConfig`."""

    @property
    def adversarial_weight(self) -> float: ...

    @property
    def reconstruction_weight(self) -> float: ...

    @property
    def identity_weight(self) -> float: ...


def settle_pairs(values: Any) -> Any:
    """Fills in what a task, a folder of pairs and a target domain determine, before the data's settings are checked.

    A folder of pairs replaces `data` and `task`, and a target domain replaces `task`. `colorize` needs images in color,
    so `color` is `rgb` unless it is given.

    Args:
        values: the settings as they are given, which are left unchanged.
    """
    if not isinstance(values, Mapping):
        return values
    settled = dict(values)
    if isinstance(settled.get("pairs"), str) and settled["pairs"] != NONE:
        settled |= {"data": settled["pairs"], "task": NONE}
    if settled.get("to", NONE) not in (NONE, CLASSES):
        settled["task"] = NONE
    if settled.get("task") == "colorize" and settled.get("color", "auto") == "auto":
        settled["color"] = "rgb"
    return settled


def task_of(data: DataSettings) -> Task:
    """Returns the task that makes a run's pairs; the target `inverted` is the task `invert`."""
    return "invert" if data.target == "inverted" else data.task


def check_given(given: Mapping[str, Any]) -> None:
    """Checks settings that were given together, by name, before one of them replaces another.

    Raises:
        ConfigError: a target domain was given together with a task.
    """
    if given.get("to", NONE) != NONE and given.get("task", NONE) != NONE:
        raise ConfigError("to and task", field="to")


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
        "to": data.to != NONE,
        "keep_class": data.keep_class,
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
    if data.to != NONE:
        check_unpaired(data, objective)
    elif data.keep_class:
        raise ConfigError("keep class needs to", field="keep_class")
    elif objective.identity_weight != IDENTITY:
        raise ConfigError("identity needs to", field="identity_weight")
    if objective.adversarial_weight == 0 and objective.reconstruction_weight == 0:
        raise ConfigError("no loss", field="adversarial_weight")


def check_unpaired(data: DataSettings, objective: Weights) -> None:
    """Checks the settings of translation between two domains.

    Raises:
        ConfigError: a setting contradicts another.
    """
    if data.pairs != NONE:
        raise ConfigError("to and pairs", field="to")
    if data.to == CLASSES and data.keep_class:
        raise ConfigError("keep class and classes", field="keep_class")
    if data.target == "inverted":
        raise ConfigError("to and target", field="to")
    if objective.adversarial_weight == 0:
        raise ConfigError("to needs adversarial", field="adversarial_weight")
