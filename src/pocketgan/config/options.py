"""Options of parts: what a constructor takes, and typed values out of texts."""

import inspect
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from pocketgan.base.errors import ConfigError

Value = bool | int | float | str
"""A value of an option or of a setting of one's own."""


def parameters_of(value: Any) -> dict[str, inspect.Parameter]:
    """Returns the parameters of a constructor or function by name; empty if they can't be known."""
    try:
        return dict(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return {}


def hints_of(value: Any) -> dict[str, Any]:
    """Returns the annotations of a constructor's or function's parameters; empty if they can't be read."""
    function: Callable[..., Any] = value.__init__ if isinstance(value, type) else value
    try:
        return get_type_hints(function)
    except Exception:  # An annotation may name what isn't there at run time.
        return {}


def converted(field: str, option: str, value: Value, hint: Any) -> Value:
    """Returns an option's value in the type of its annotation.

    Raises:
        ConfigError: it can't be converted.
    """
    try:
        result = TypeAdapter(hint).validate_python(value)
    except ValidationError:
        kinds = [getattr(kind, "__name__", str(kind)) for kind in get_args(hint)] or [getattr(hint, "__name__", "?")]
        raise ConfigError("wrong option", field=field, option=option, value=value, kind=" | ".join(kinds)) from None
    except Exception:  # Pydantic has no schema for the annotation.
        return literal(value)
    return result if isinstance(result, bool | int | float | str) else value


def literal(value: Value) -> Value:
    """Returns a text as the number or truth value that it writes; everything else unchanged."""
    if not isinstance(value, str):
        return value
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    return value
