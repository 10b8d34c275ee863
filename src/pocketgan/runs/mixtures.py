"""Mixtures of classes and values of numbers as they are typed, such as `3:0.7,8:0.3`. No PyTorch here."""

import math
from collections.abc import Mapping, Sequence

from pocketgan.base.errors import RunError


def parse_mixture(text: str) -> dict[str, float]:
    """Returns the names and values of a text such as `3:0.7,8:0.3`; a name alone has the value 1.

    Raises:
        RunError: a value isn't a finite number.
    """
    values: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, value = part.rpartition(":")
        try:
            values[name if separator else part] = float(value) if separator else 1.0
        except ValueError:
            raise RunError("no mixture", field="label", text=text) from None
    if not values or not all(map(math.isfinite, values.values())):
        raise RunError("no mixture", field="label", text=text)
    return values


def check_names(values: Mapping[str, float], known: Sequence[str]) -> None:
    """Checks that all names of a mixture are known.

    Raises:
        RunError: one isn't.
    """
    for name in values:
        if name not in known:
            raise RunError("no such label", field="label", label=name, known=", ".join(known))


def written_label(label: object) -> str:
    """Returns a class, or a mixture such as `{"3": 0.7, "8": 0.3}`, as it is typed: `3:0.7,8:0.3`."""
    if isinstance(label, Mapping):
        return ",".join(f"{name}:{value:g}" for name, value in label.items())
    return str(label)
