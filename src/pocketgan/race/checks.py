"""What is checked of a race before it trains, and of an entrant at its first step."""

import ast
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pocketgan.base.errors import DataError, UserError, nearest
from pocketgan.config.code import failed, load_code
from pocketgan.config.data_section import DataConfig
from pocketgan.experiment.recorded_images import kept_random
from pocketgan.metrics.real_images import read_real
from pocketgan.metrics.registry import METRICS
from pocketgan.race.contract import Entrant, Make, Task, check_images
from pocketgan.race.entrants import ENTRANTS

DEFAULT_NAME = "entrant"
"""Name of the class or function in a file that enters without another name."""
TEST = 0.1
"""Share of data without a test split that becomes one."""
FEWEST = METRICS["frechet_distance"].least
"""Minimum number of images that are compared."""
FIRST_LOOK = 2
"""Number of images that each sampler is asked for after the first step."""


def check_race(entrants: Iterable[str], data: str, validation: float, against: str, count: int) -> None:
    """Checks that every entrant is there, and that there are enough images to judge; see `RaceConfig`.

    Nothing of the entrants is run.

    Raises:
        UserError: there are not, or the data can't be read; nothing was trained.
    """
    for name in entrants:
        check_source(name)
    if count < FEWEST:
        raise UserError("at least", field="count", least=FEWEST, found=count)
    try:
        real = len(read_real(DataConfig(data=data, validation=validation, test=TEST), against).reference)
    except DataError as error:
        if error.field != "against":
            raise
        real = 0  # There are too few images for such a split.
    check_number(real)


def check_source(name: str) -> None:
    """Checks that the file of an entrant is valid Python, and defines the entrant.

    Raises:
        UserError: it doesn't.
    """
    file, attribute = place_of_entrant(name)
    if not file.endswith(".py"):
        return
    try:
        tree = ast.parse(Path(file).read_bytes(), Path(file).name)
    except (SyntaxError, ValueError) as error:
        raise failed(error, Path(file), "entrants") from None
    except OSError as error:
        raise UserError("unreadable", field="entrants", path=file, why=error.strerror) from None
    everything = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
    if not everything and attribute not in set(names_in(tree)):
        raise UserError("no entrant in file", field="entrants", name=attribute, file=file)


def names_in(tree: ast.AST) -> Iterator[str]:
    """Returns the names that a source defines, imports or assigns, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def place_of_entrant(name: str) -> tuple[str, str]:
    """Returns an entrant's file and its name there, of `my_gan.py` or `my_gan.py:MyGAN`; other names unchanged."""
    file, _, attribute = name.rpartition(":") if ".py:" in name else (name, "", DEFAULT_NAME)
    return file, attribute


def check_number(count: int) -> None:
    """Checks that there are enough real images to compare with.

    Raises:
        UserError: there are not.
    """
    if count < FEWEST:
        raise UserError("too few in a race", field="data", least=FEWEST, found=count, all=round(FEWEST / TEST))


def find(name: str) -> Make:
    """Returns an entrant of the package by name, or that of a file: `my_gan.py`, or `my_gan.py:MyGAN`.

    Raises:
        UserError: there is none, or its file fails.
    """
    file, attribute = place_of_entrant(name)
    if not file.endswith(".py"):
        if name not in ENTRANTS:
            hint = nearest(name, ENTRANTS)
            raise UserError("no entrant", field="entrants", name=name, hint=hint, known=", ".join(ENTRANTS))
        return ENTRANTS[name]
    make: Any = getattr(load_code(file).module, attribute, None)
    if make is None or not isinstance(make, Callable):
        raise UserError("no entrant in file", field="entrants", name=attribute, file=file)
    return make


def check_entrant(entrant: Any, name: str) -> Entrant:
    """Returns an entrant unchanged if it has what the contract says.

    Raises:
        UserError: it lacks something; the message says what.
    """
    for attribute in ("batch_size", "samplers", "sampling", "training", "step"):
        if not hasattr(entrant, attribute):
            raise not_an_entrant(name, "entrant lacks", missing=attribute)
    for attribute in ("sampling", "training"):
        part = getattr(entrant, attribute)
        if not isinstance(part, nn.Module):
            raise not_an_entrant(name, "entrant part", part=attribute, kind=type(part).__name__)
    try:
        size = operator.index(entrant.batch_size)
    except TypeError:
        size = 0
    if size < 1 or isinstance(entrant.batch_size, bool):
        raise not_an_entrant(name, "entrant batch", found=in_short(entrant.batch_size))
    if not isinstance(entrant.samplers, Mapping) or not entrant.samplers:
        raise not_an_entrant(name, "no samplers")
    return entrant


def check_step(entrant: Entrant, name: str, values: Any, task: Task) -> None:
    """Checks what the first step returned, and what each sampler returns after it.

    Args:
        entrant: the entrant.
        name: its name.
        values: what its step returned.
        task: what it trains on.

    Raises:
        UserError: it breaks the contract; the message says how.
    """
    if not isinstance(values, Mapping):
        raise not_an_entrant(name, "entrant values", kind=type(values).__name__)
    for key, value in values.items():
        try:
            float(value)
        except (TypeError, ValueError, RuntimeError):
            found = f"{type(value).__name__} {tuple(value.shape)}" if isinstance(value, Tensor) else in_short(value)
            raise not_an_entrant(name, "entrant value", value=key, found=found) from None
    labels = torch.arange(FIRST_LOOK) % task.classes if task.classes else None
    for way, sampler in entrant.samplers.items():
        with kept_random():
            images = sampler(FIRST_LOOK, labels, task.seed)
        check_images(images, way, (FIRST_LOOK, *task.images.shape[1:]))


def in_short(value: object) -> str:
    """Returns a value in one short line."""
    return " ".join(repr(value).split())[:40]


def not_an_entrant(name: str, key: str, **parts: Any) -> UserError:
    """Returns the error about how an entrant breaks the contract."""
    return UserError("not an entrant", field="entrants", name=name, why=UserError(key, **parts).reason)


def wrong_value(values: Mapping[str, Any]) -> str | None:
    """Returns the name of a value that isn't finite; None if all are."""
    return next((name for name, value in values.items() if not math.isfinite(float(value))), None)
