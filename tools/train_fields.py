"""Writes the types of the settings that `pocketgan.train` accepts as keywords, for editors and type checkers.

With `--check` nothing is written, and the exit code is 1 where the file isn't today's.
"""

import argparse
import sys
from keyword import iskeyword
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pocketgan.config.fields import ALIASES, FIELDS
from pocketgan.config.parts import NAMED
from pocketgan.config.sections import RunConfig

FILE = Path(__file__).parent.parent / "src" / "pocketgan" / "config" / "train_fields.py"
LISTS = {"classes", "augment"}
OBJECTS = {"data", "metrics", *NAMED}
"""Settings that also take objects in Python: arrays, and parts of one's own."""


def type_text(hint: Any) -> str:
    """Returns a type as it is written, without what only pydantic needs."""
    if get_origin(hint) is Annotated:
        return type_text(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return " | ".join(dict.fromkeys(type_text(one) for one in get_args(hint)))
    if get_origin(hint) is Literal:
        return f"Literal[{', '.join(repr(one) for one in get_args(hint)).replace(chr(39), chr(34))}]"
    if get_origin(hint) is dict:
        return "dict[str, Any]"
    return "None" if hint is NoneType else hint.__name__


def field_types() -> dict[str, str]:
    """Returns the type of each setting and of each of its other names."""
    types = {"seed": "int"}
    for field, section in FIELDS.items():
        hints = get_type_hints(RunConfig.model_fields[section].annotation, include_extras=True)
        text = type_text(hints[field])
        types[field] = "Any" if field in OBJECTS else f"{text} | int | Sequence[int | str]" if field in LISTS else text
    for alias, (field, form) in ALIASES.items():
        if not iskeyword(alias):  # Such as `from`, which only the command line has.
            types[alias] = types.get(field, "Any") if form == "{}" else "Any"
    return types


def content() -> str:
    """Returns the file."""
    lines = [
        '"""The settings that `pocketgan.train` accepts as keywords. Written by `tools/train_fields.py`."""',
        "",
        "from collections.abc import Sequence",
        "from typing import Any, Literal, TypedDict",
        "",
        "",
        "class TrainFields(TypedDict, total=False):",
        '    """All settings and their other names; `docs/reference/settings.md` describes them."""',
        "",
        *(f"    {name}: {text}" for name, text in field_types().items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes the file, or checks it; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file isn't today's")
    if parser.parse_args().check:
        return int(FILE.read_text(encoding="utf-8") != content())
    FILE.write_text(content(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
