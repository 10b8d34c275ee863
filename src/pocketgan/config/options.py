"""Options of parts: what a constructor takes, and typed values out of texts."""

import inspect
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from pocketgan.base.errors import ConfigError

Value = bool | int | float | str
"""A value of an option or of a setting of one's own."""


def written(options: Any) -> Any:
    """Returns options as a configuration stores them: a list as a text with commas, an enumeration as its value."""
    if not isinstance(options, Mapping):
        return options
    results = {name: value.value if isinstance(value, Enum) else value for name, value in options.items()}
    return {
        name: ",".join(map(str, value)) if isinstance(value, list | tuple) else value for name, value in results.items()
    }


Options = Annotated[dict[str, Value], BeforeValidator(written)]
"""Options of a part, by name."""


def parameters_of(value: Any) -> dict[str, inspect.Parameter]:
    """Returns the parameters of a constructor or function by name; empty if they can't be known."""
    try:
        return dict(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return {}


def hints_of(value: Any) -> dict[str, Any]:
    """Returns the types of a constructor's or function's parameters: those of annotations, or else of default values.

    Empty if the annotations can't be read.
    """
    function: Callable[..., Any] = value.__init__ if isinstance(value, type) else value
    try:
        hints = get_type_hints(function)
    except Exception:  # An annotation may name what isn't there at run time.
        return {}
    defaults = {name: one.default for name, one in parameters_of(value).items() if name not in hints}
    scalars = {name: type(one) for name, one in defaults.items() if isinstance(one, bool | int | float | str | Enum)}
    lists: dict[str, Any] = {
        name: list[type(one[0])] if isinstance(one, list) else tuple[type(one[0]), ...]
        for name, one in defaults.items()
        if isinstance(one, list | tuple) and one and isinstance(one[0], bool | int | float | str)
    }
    return hints | scalars | lists


def converted(field: str, option: str, value: Value, hint: Any) -> Value:
    """Returns an option's value in the type of its annotation, or unchanged if that is no number, truth value or text.

    A list is written with commas, as `1,2,4`, and an enumeration by its values; `built` makes them of that.

    Raises:
        ConfigError: it can't be converted.
    """
    try:
        result = built(value, hint)
    except ValidationError:
        raise ConfigError("wrong option", field=field, option=option, value=value, kind=described(hint)) from None
    except Exception:  # Pydantic has no schema for the annotation.
        return literal(value)
    if isinstance(result, float) and not math.isfinite(result):
        raise ConfigError("wrong option", field=field, option=option, value=value, kind=described(hint))
    return result if isinstance(result, bool | int | float | str) and not isinstance(result, Enum) else value


def built(value: Value, hint: Any) -> Any:
    """Returns what a constructor gets for an option: the value in the type of its annotation.

    Raises:
        ValidationError: it can't be converted.
    """
    given = value.split(",") if isinstance(value, str) and sequence_in(hint) and value else value
    if isinstance(given, int | float) and sequence_in(hint):
        given = [given]
    return TypeAdapter(hint).validate_python(given)


def sequence_in(hint: Any) -> bool:
    """Returns whether an annotation is a list or a tuple, perhaps among others, but no text."""
    kinds = [hint, *get_args(hint)]
    return any((get_origin(kind) or kind) in (list, tuple) for kind in kinds) and str not in kinds


def described(hint: Any) -> str:
    """Returns the types or values of an annotation in words: `int | float`, or `relu | gelu`."""
    if sequence_in(hint):
        found = next(kind for kind in (hint, *get_args(hint)) if (get_origin(kind) or kind) in (list, tuple))
        inner = [getattr(kind, "__name__", str(kind)) for kind in get_args(found) if kind is not ...]
        return f"{'|'.join(dict.fromkeys(inner)) or 'value'},…"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " | ".join(str(one.value) for one in hint)
    kinds = [kind for kind in get_args(hint) if kind is not type(None)] or [hint]
    return " | ".join(getattr(kind, "__name__", str(kind)) for kind in kinds)


def with_types(value: Any, options: Mapping[str, Value]) -> dict[str, Any]:
    """Returns the options of a part as its constructor gets them: with lists and enumerations made of their texts."""
    hints, results = hints_of(value), dict[str, Any](options)
    for option, given in options.items():
        with suppress(Exception):  # No annotation, or one without a schema: the value stays as it is.
            results[option] = built(given, hints[option])
    return results


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
