"""Requests from a browser about a run or an exported model: checks them and passes them to the worker. No Gradio."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pocketgan.base.errors import PocketganError, WebError
from pocketgan.config.data_section import PACKAGED, DataConfig
from pocketgan.config.parts import BUILT_IN
from pocketgan.runs.exported import WEIGHTS
from pocketgan.runs.mixtures import check_names, parse_mixture
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
"""Largest number of pictures, largest seed, and largest step along a direction in standard deviations."""
DIRECTIONS = 5
LONGEST_LABEL = 1_000
"""Largest number of characters of a mixture."""
LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Asked:
    """A checked request for generated pictures.

    Attributes:
        name: the model's name, relative to the site's folder.
        seed, count, label, truncation, steps: as in `answers.Drawing`.
    """

    name: str
    seed: int
    count: int
    label: str | None
    truncation: float
    steps: tuple[float, ...]

    @property
    def drawing(self) -> dict[str, Any]:
        """The request as it is sent to the worker."""
        return {
            "seed": self.seed,
            "count": self.count,
            "label": self.label,
            "truncation": self.truncation,
            "steps": list(self.steps),
        }

    def one(self, index: int) -> dict[str, Any]:
        """Returns the request for one of the pictures, as it is sent to the worker."""
        return self.drawing | {"index": index}


@dataclass(frozen=True)
class Shown:
    """Pictures shown in a browser.

    Attributes:
        asked: the request that generates the pictures.
        names: the class names, one per picture; empty for an unconditional model.
    """

    asked: Asked
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chosen:
    """A picture that was clicked on, by its index among those shown."""

    shown: Shown
    index: int


# Models.


@lru_cache(maxsize=10_000)
def _reads_images(path: str, changed: int) -> bool | None:
    try:
        values = read_object(Path(path))
        config = values.get("config", values)
        facts = BUILT_IN["generator"].get(config["network"]["generator"])
        return facts.reads_images if facts else bool(config["parts"]["generator"]["reads_images"])
    except (PocketganError, KeyError, TypeError, AttributeError):
        return None


def models_that(site: Site, *, redraw: bool) -> list[str]:
    """Returns the names of the runs and exported models that translate images, or of those that generate from noise."""
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
    """Returns whether a model has weights."""
    folder = site.folder / name
    places = (folder / WEIGHTS, folder / "checkpoints" / BEST)
    return any(path.is_file() for path in places) or any((folder / "checkpoints").glob("step-*.safetensors"))


def first_ready(site: Site, names: Sequence[str], chosen: object = None) -> str | None:
    """Returns the chosen model if it is one of these, else the best model with weights; None if none has weights."""
    if isinstance(chosen, str) and chosen in names:
        return chosen
    return best(site, [name for name in names if ready(site, name)])


def open_model(site: Site, name: object, *, redraw: bool) -> Model:
    """Opens the run or exported model that a browser named.

    Raises:
        WebError: there is no such model, it has no weights yet, or it is of the other kind.
        UserError: the model can't be read.
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
    """Returns whether a model's training images may be read: only from the package or the site's folder."""
    data: DataConfig | None = model.data
    if data is None:
        return False
    return all(source in PACKAGED or Path(source).resolve().is_relative_to(site.folder) for source in data.sources)


def labels_of(model: Model) -> list[str]:
    """Returns the names of the classes or numbers that can be requested from a model."""
    facts = model.facts
    return list(facts.condition_names or facts.class_names) if model.config.network.conditional else []


def checked_label(model: Model, name: object, label: object) -> str | None:
    """Returns a requested class, or a mixture such as `3:0.7,8:0.3`, if a model can be told it; None for none.

    Raises:
        UserError: there is no such class or number, or a value isn't a number.
    """
    known = labels_of(model)
    text = str(label).strip() if known and label is not None else ""
    if not text or text in known:
        return text or None
    if len(text) > LONGEST_LABEL or (":" not in text and not model.facts.condition_names):
        raise WebError(say("unknown class", name=name, label=text[:LONGEST_SHOWN]))
    check_names(parse_mixture(text), known)
    return text


def are_digits(names: Sequence[str]) -> bool:
    """Returns whether classes are digits."""
    return bool(names) and all(len(name) == 1 and name.isdecimal() for name in names)


# Requests.


def whole(value: object, key: str, least: int, most: int) -> int:
    """Returns a whole number within a range.

    Raises:
        WebError: the value isn't such a number; the message names its purpose.
    """
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None or not least <= number <= most or number != int(number):
        raise WebError(say("number", what=say(key), least=least, most=most))
    return int(number)


def asked_for(
    site: Site, name: object, label: object, count: object, seed: object, truncation: object, steps: Sequence[object]
) -> tuple[Asked, Model]:
    """Checks a browser's request for pictures; `label` is a class name or a mixture, or empty for all in turn.

    Raises:
        UserError: a value is invalid; the message names it.
    """
    model = open_model(site, name, redraw=False)
    chosen = checked_label(model, name, label)
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
    """Sends the worker a request about a model."""
    return site.worker.ask(question, arrays, folder=str(site.resolve(name)), **values)


def attempt(make: Callable[[], Made]) -> tuple[Made | None, str]:
    """Returns the value of `make` and an empty text, or None and an error message as HTML.

    A refusal by the interface itself is shown alone; any other error follows an introductory sentence.
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
