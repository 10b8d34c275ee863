"""Checks of the arguments that a person hands over in Python."""

from math import isfinite
from operator import index
from typing import Any

from pocketgan.base.errors import RunError
from pocketgan.base.messages import problem


def whole_number(field: str, value: Any, *, least: int | None = None) -> int:
    """Returns an argument as a whole number; numbers of NumPy and of other libraries become Python's.

    Args:
        field: the argument's name.
        value: what was handed over.
        least: the smallest number that will do; None for any.

    Raises:
        RunError: it isn't a whole number, or it is too small.
    """
    try:
        number = None if isinstance(value, bool) else index(value)
    except TypeError:
        number = None
    if number is None:
        raise RunError("refused", field=field, value=repr(value), why=problem("int_parsing"))
    if least is not None and number < least:
        raise RunError("at least", field=field, least=least, found=number)
    return number


def number(field: str, value: Any) -> float:
    """Returns an argument as a finite number; numbers of NumPy and of other libraries become Python's.

    Raises:
        RunError: it isn't one.
    """
    try:
        found = None if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError, RuntimeError):
        found = None
    if found is None or not isfinite(found):
        why = problem("float_parsing" if found is None else "finite_number")
        raise RunError("refused", field=field, value=repr(value), why=why)
    return found


def one_of(field: str, value: Any, known: tuple[str, ...]) -> None:
    """Checks that an argument is one of some words.

    Raises:
        RunError: it isn't.
    """
    if value not in known:
        raise RunError("not one of", field=field, value=value, known=", ".join(known), hint="")
