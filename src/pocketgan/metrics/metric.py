"""A metric: a function, what it needs, and how its values are read."""

import inspect
import math
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pocketgan.base.errors import UserError
from pocketgan.metrics.samples import Comparison

Need = Literal["classifier", "labels", "training", "held out"]
Better = Literal["lower", "higher"]
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Metric:
    """A metric of your own, for `pocketgan.evaluate`, `Judge` and the tables that they fill.

    The standard error and the real-data baseline of its scores are measured like those of all metrics. Scores are
    stored with title and direction, so files remain readable where the function isn't known.

    Args:
        function: returns one number. With one argument without a default value, it receives the generated images; with
            two, the real images and then the generated ones. Images are uint8 [0, 255] arrays of the shape
            (N, C, H, W), features float arrays of the shape (N, width); both are NumPy arrays, and copies. The function
            must return the same number each time.
        title: the title in tables.
        better: the better direction, `higher` or `lower`; None if the best value lies in between.
        least: the minimum number of generated and of real images. The standard error comes from fifths of the generated
            images, so it needs five times as many.
        name: the key in files: lowercase letters, digits and `_`; by default the name of the function, or else made of
            the title.
        reading: how the values are read, in tables; by default the direction.
        on: what the function receives: `images`, or their `features` in the feature space of the evaluation.
        ideal: the best value, if it lies in between and is the same for all data.
        needs: what the package's own metrics need besides.

    Raises:
        UserError: the function has another number of arguments, or another field is invalid.

    Example:
        >>> import numpy
        >>> def contrast(images):
        ...     return images.std(axis=(1, 2, 3)).mean()
        >>> Metric(contrast, title="Contrast", better="higher").name
        'contrast'
    """

    function: Callable[..., Any]
    title: str
    better: Better | None
    least: int = 100
    name: str = ""
    reading: str = ""
    on: Literal["images", "features", "comparison"] = "images"
    ideal: float | None = None
    needs: tuple[Need, ...] = ()
    takes_real: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        if self.on not in ("images", "features", "comparison"):
            raise UserError("metric input", field="on", found=repr(self.on))
        if self.better not in ("higher", "lower", None):
            raise UserError("metric direction", field="better", found=repr(self.better))
        if self.least < 1:
            raise UserError("at least", field="least", least=1, found=self.least)
        if not self.title.strip():
            raise UserError("metric title", field="title")
        name = self.name or name_of(self.function, self.title)
        if not NAME.fullmatch(name):
            raise UserError("metric name", field="name", name=name)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "takes_real", self.on != "comparison" and count_arguments(self.function) == 2)

    def measure(self, comparison: Comparison) -> float:
        """Returns the score of a comparison of generated with real images.

        Raises:
            UserError: the function fails, or returns something other than one number.
            ValueError: a metric of the package can't measure these images.
        """
        if self.on == "comparison":
            return self.function(comparison)
        real, generated = comparison.reference.sample, comparison.generated
        samples = [real, generated] if self.takes_real else [generated]
        tensors = [sample.images if self.on == "images" else sample.features for sample in samples]
        try:
            value = self.function(*(tensor.numpy().copy() for tensor in tensors))
        except UserError:
            raise
        except Exception as error:  # Whatever a function of one's own raises.
            raise UserError("metric failed", field="metrics", name=self.name, why=why(error)) from None
        try:
            number = float(value)
        except (TypeError, ValueError, RuntimeError):  # Such as a text, or an array of several numbers.
            raise UserError("metric value", field="function", name=self.name, found=type(value).__name__) from None
        if not math.isfinite(number):
            raise UserError("metric value", field="function", name=self.name, found=number)
        return number

    def described(self) -> dict[str, Any]:
        """Returns what files say of a metric that readers may not know: its title, its direction and its reading."""
        return {"title": self.title, "better": self.better, **({"reading": self.reading} if self.reading else {})}


def why(error: Exception) -> str:
    """Returns what an error of a metric's function says, and the last line that was reached in its file."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames[1:] if frame.filename == frames[min(1, len(frames) - 1)].filename]
    place = (own or frames)[-1]
    first = (str(error).splitlines() or [""])[0]
    return f"{Path(place.filename).name}, line {place.lineno}: {type(error).__name__}: {first}"


def name_of(function: Callable[..., Any], title: str) -> str:
    """Returns the name of a metric: its function's, or else one made of its title; empty if there is none."""
    name = getattr(function, "__name__", "").lower()
    if NAME.fullmatch(name):
        return name
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")


def count_arguments(function: Callable[..., Any]) -> int:
    """Returns the number of a function's positional arguments without a default value, 1 or 2.

    Raises:
        UserError: there is another number, or it isn't a function.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise UserError("metric function", field="function") from None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [one for one in parameters if one.default is one.empty]
    count = sum(one.kind in positional for one in required)
    if count not in (1, 2) or any(one.kind is one.KEYWORD_ONLY for one in required):
        raise UserError("metric function", field="function")
    return count
