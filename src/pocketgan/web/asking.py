"""What a browser may ask of a run or an exported model, checked, and put to the worker. No Gradio."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pocketgan.base.errors import PocketganError, WebError
from pocketgan.config.sections import PACKAGED, DataConfig
from pocketgan.runs.exported import WEIGHTS
from pocketgan.runs.model import CONFIG, Model
from pocketgan.runs.records import BEST, read_object
from pocketgan.runs.run import Run
from pocketgan.web.create_words import say
from pocketgan.web.frames import Frame
from pocketgan.web.gallery import sentence
from pocketgan.web.ranking import best
from pocketgan.web.site import Site
from pocketgan.web.worker import Refused

Made = TypeVar("Made")

MOST, MOST_SEED, MOST_STEP = 256, 2**31 - 1, 6.0
"""Pictures, the seed, and deviations along a direction, at most."""
DIRECTIONS = 5


@dataclass(frozen=True)
class Asked:
    """Pictures that a browser asked for, checked.

    Attributes:
        name: the model's, below the page's folder.
        seed, count, label, truncation, steps: as of `answers.Drawing`.
    """

    name: str
    seed: int
    count: int
    label: str | None
    truncation: float
    steps: tuple[float, ...]

    @property
    def drawing(self) -> dict[str, Any]:
        """What the worker is told."""
        return {
            "seed": self.seed,
            "count": self.count,
            "label": self.label,
            "truncation": self.truncation,
            "steps": list(self.steps),
        }

    def one(self, index: int) -> dict[str, Any]:
        """What the worker is told of one of the pictures."""
        return self.drawing | {"index": index}


@dataclass(frozen=True)
class Shown:
    """Pictures that a browser was shown.

    Attributes:
        asked: what makes them.
        names: the classes' names, one a picture; empty for an unconditional model.
    """

    asked: Asked
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chosen:
    """One picture that was clicked on: which of those that were shown."""

    shown: Shown
    index: int


# What there is to draw with.


@lru_cache(maxsize=10_000)
def _reads_images(path: str, changed: int) -> bool | None:
    try:
        values = read_object(Path(path))
        return values.get("config", values)["network"]["generator"] == "autoencoder"
    except (PocketganError, KeyError, TypeError, AttributeError):
        return None


def models_that(site: Site, *, redraw: bool) -> list[str]:
    """Returns the names of the runs and exported models that redraw pictures, or of those that draw from noise."""
    results = []
    for name in site.models():
        path = site.folder / name / CONFIG
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            continue
        if _reads_images(str(path), changed) is redraw:
            results.append(name)
    return results


def ready(site: Site, name: str) -> bool:
    """Whether a model has weights."""
    folder = site.folder / name
    places = (folder / WEIGHTS, folder / "checkpoints" / BEST)
    return any(path.is_file() for path in places) or any((folder / "checkpoints").glob("step-*.safetensors"))


def first_ready(site: Site, names: Sequence[str], chosen: object = None) -> str | None:
    """Returns the model that is chosen, if it is one of these, or the best that has weights; None where none has."""
    if isinstance(chosen, str) and chosen in names:
        return chosen
    return best(site, [name for name in names if ready(site, name)])


def open_model(site: Site, name: object, *, redraw: bool) -> Model:
    """Opens the run or exported model that a browser named.

    Raises:
        WebError: there is none such, it has no weights yet, or it is of the other kind.
        UserError: it can't be read.
    """
    if not name:
        none = "no redraw models" if redraw else "no noise models"
        raise WebError(say("no model" if models_that(site, redraw=redraw) else none))
    model = site.model(name)
    if model.config.reads_images and not redraw:
        raise WebError(say("reads images", name=name))
    if redraw and not model.config.reads_images:
        raise WebError(say("reads noise", name=name))
    if isinstance(model, Run) and not ready(site, str(name)):
        raise WebError(say("no weights", name=name))
    return model


def data_is_ours(site: Site, model: Model) -> bool:
    """Whether the images that a model was trained on may be read: the package's, or below the page's folder."""
    data: DataConfig | None = model.data
    if data is None:
        return False
    return data.data in PACKAGED or Path(data.data).resolve().is_relative_to(site.folder)


def labels_of(model: Model) -> list[str]:
    """Returns the names of the classes that a model can be asked for."""
    return list(model.facts.class_names) if model.config.network.conditional else []


def are_digits(names: Sequence[str]) -> bool:
    """Whether classes are digits."""
    return bool(names) and all(len(name) == 1 and name.isdecimal() for name in names)


# What a browser asks for.


def whole(value: object, key: str, least: int, most: int) -> int:
    """Returns a whole number in a range.

    Raises:
        WebError: it is none; the sentence names what it is for.
    """
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None or not least <= number <= most or number != int(number):
        raise WebError(say("number", what=say(key), least=least, most=most))
    return int(number)


def asked_for(
    site: Site, name: object, label: object, count: object, seed: object, truncation: object, steps: Sequence[object]
) -> tuple[Asked, Model]:
    """Checks what a browser asked for; `label` is a class's name, or empty for all in turn.

    Raises:
        UserError: something won't do; the sentence says what.
    """
    model = open_model(site, name, redraw=False)
    known = labels_of(model)
    chosen = str(label) if known and label not in (None, "") else None
    if chosen is not None and chosen not in known:
        raise WebError(say("unknown class", name=name, label=chosen))
    if isinstance(truncation, bool) or not isinstance(truncation, int | float) or not 0 <= truncation <= 1:
        raise WebError(say("share", what=say("truncation")))
    moved = [step for step in steps if isinstance(step, int | float) and abs(step) <= MOST_STEP]
    if len(moved) != len(steps) or len(steps) > DIRECTIONS:
        raise WebError(say("step", most=int(MOST_STEP)))
    asked = Asked(
        name=str(name),
        seed=whole(seed, "seed", 0, MOST_SEED),
        count=whole(count, "count", 1, MOST),
        label=chosen,
        truncation=float(truncation),
        steps=tuple(float(step) for step in moved),
    )
    return asked, model


def ask(site: Site, question: str, name: str, arrays: dict[str, np.ndarray] | None = None, **values: Any) -> Frame:
    """Asks the worker about a model."""
    return site.worker.ask(question, arrays, folder=str(site.resolve(name)), **values)


def attempt(make: Callable[[], Made]) -> tuple[Made | None, str]:
    """Returns what `make` returns, and nothing to say; or None, and a sentence as HTML.

    What the page itself refuses stands alone; what comes from below stands after a sentence.
    """
    try:
        return make(), ""
    except PocketganError as error:
        if isinstance(error, WebError) and not isinstance(error, Refused):
            return None, sentence(str(error))
        english = isinstance(error, Refused) and error.untranslated
        return None, sentence(say("refused"), str(error), english=english)
    except OSError as error:
        return None, sentence(say("disk"), error.strerror or "", english=True)
