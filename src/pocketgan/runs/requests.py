"""What a generator is told: a class, a mixture of classes, several labels, or numbers that describe the image."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pocketgan.base.errors import RunError
from pocketgan.images.seeds import derived_seed
from pocketgan.runs.mixtures import check_names, parse_mixture
from pocketgan.runs.model import LabelChoice, Model
from pocketgan.runs.records import DataFacts

LARGEST = 1e30
"""Largest value of a number or a weight."""


def requested(model: Model, label: LabelChoice) -> int | list[int] | Tensor | None:
    """Returns what a label means to a model: the index of a class, or of several, or weights of all of them.

    Args:
        model: a run or an exported model.
        label: the name of a class; a mixture, such as `3:0.7,8:0.3` or `{"3": 0.7, "8": 0.3}`; for a generator that is
            told several labels or numbers, their names and values in the same form; a list of class names; or None.

    Returns:
        An index, a list of indices, weights, float32 (D,), or None.

    Raises:
        RunError: the model is unconditional, or there is no such name.
    """
    if label is None:
        return None
    names: Any = label.tolist() if isinstance(label, Tensor | np.ndarray | np.generic) else label
    names = f"{names:g}" if isinstance(names, float) else names
    known = told_names(model)
    if isinstance(names, Mapping):
        return weights(model, {str(name): value for name, value in names.items()})
    if isinstance(names, str) and names not in known and (":" in names or model.facts.condition_names):
        return weights(model, parse_mixture(names))
    if isinstance(names, str | int):
        if model.facts.condition_names:
            return weights(model, {str(names): 1.0})
        return model.label_index(names)
    if model.facts.condition_names:
        return torch.stack([weights(model, {str(name): 1.0}) for name in names])
    return [model.label_index(f"{name:g}" if isinstance(name, float) else name) for name in names]


def requested_once(model: Model, label: LabelChoice) -> int | Tensor | None:
    """Returns what a label of one image means to a model: the index of a class, or weights, float32 (D,).

    Raises:
        RunError: there is no such name, the label is a list, or the model is unconditional.
    """
    told = requested(model, label)
    if isinstance(told, list) or (isinstance(told, Tensor) and told.ndim != 1):
        raise RunError("one label", field="label")
    return told


def for_each(told: int | Tensor | None, count: int) -> Tensor | None:
    """Returns what `count` images are told alike: indices, int64 (N,), or weights, float32 (N, D); None for None."""
    if told is None:
        return None
    return torch.full((count,), told) if isinstance(told, int) else told.expand(count, *told.shape)


def usual(model: Model) -> int | Tensor | None:
    """Returns what a generator is told if nothing is asked for: the first class, or the mean of each number."""
    if not model.config.network.conditional:
        return None
    return weights(model, {}) if model.facts.condition_names else 0


def told_names(model: Model) -> tuple[str, ...]:
    """Returns the names of the classes or numbers that a model can be told.

    Raises:
        RunError: it is unconditional.
    """
    if not model.config.network.conditional:
        raise RunError("unconditional", field="label", folder=model.folder)
    return model.facts.condition_names or model.facts.class_names


def weights(model: Model, values: Mapping[str, float]) -> Float[Tensor, "d"]:
    """Returns what a generator is told for some names and values, float32 (D,).

    Weights of classes are brought to a sum of 1. Numbers are brought to the scale of the training data; those that
    aren't given have their mean.

    Raises:
        RunError: there is no such name, or weights of classes that aren't above 0.
    """
    names, facts = told_names(model), model.facts
    unknown = next((name for name in values if name not in names), None)
    if facts.condition_names and unknown is not None:
        example = f"{names[0]}:{facts.condition_means[0] or 1:.3g}"
        raise RunError("no such number", field="label", label=unknown, known=", ".join(names), example=example)
    check_names(values, names)
    values = {name: checked_value(name, value) for name, value in values.items()}
    told = torch.zeros(len(names))
    if facts.condition_names:
        for name, value in values.items():
            place = names.index(name)
            told[place] = (float(value) - facts.condition_means[place]) / facts.condition_scales[place]
        return told
    for name, value in values.items():
        told[names.index(name)] = float(value)
    if (told < 0).any() or told.sum() <= 0:
        raise RunError("weights above zero", field="label")
    return told / told.sum()


def checked_value(name: str, value: object) -> float:
    """Returns a value as a number that networks can receive.

    Raises:
        RunError: it isn't a finite number of at most 10³⁰.
    """
    try:
        number = float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        number = math.nan
    if not abs(number) <= LARGEST:
        raise RunError("no mixture", field="label", text=f"{name}:{value}")
    return number


def drawn_conditions(facts: DataFacts, count: int, seed: int) -> Float[Tensor, "n d"] | None:
    """Returns conditions for `count` generated images, drawn from those of training images; None without any."""
    if not facts.condition_rows:
        return None
    generator = torch.Generator().manual_seed(derived_seed(seed, "conditions"))
    rows = torch.tensor(facts.condition_rows)
    return rows[torch.randint(len(rows), (count,), generator=generator)]
