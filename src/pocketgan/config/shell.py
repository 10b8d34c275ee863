"""Commands as a person can type or paste them: each word quoted where a shell needs it."""

import os
import re
import shlex
from pathlib import Path

from pocketgan.config.code import loaded
from pocketgan.config.fields import flatten, replace
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.sections import RunConfig

WINDOWS = os.name == "nt"
PLAIN = re.compile(r"[\w@%+=:,./-]+")
EXPANDED = set('"$`!') | (set() if WINDOWS else {"\\"})
"""What a shell reads as its own between double quotes, which Windows and all others have in common."""


def quoted(word: str) -> str:
    """Returns a word as a shell takes it: as it is, or in quotes."""
    if PLAIN.fullmatch(word.replace("\\", "/") if WINDOWS else word):
        return word
    return shlex.quote(word) if EXPANDED & set(word) else f'"{word}"'


def command(*words: object) -> str:
    """Returns the `pocketgan` command of these words."""
    return " ".join(["pocketgan", *(quoted(str(word)) for word in words)])


def code_flags(config: RunConfig) -> list[str]:
    """Returns the flags that hand over the files with a configuration's own parts: `--code my_gan.py`."""
    names = dict.fromkeys(name.partition(":")[0] for _, name in config.own_parts())
    return [word for name in names if name.endswith(".py") for word in ("--code", typed_path(name))]


def typed_path(name: str) -> str:
    """Returns where a file of code is, as a person types it: relative to this folder, if it was loaded from there."""
    code = loaded.get(name)
    if code is None or code.path is None:
        return name
    here = Path.cwd()
    return str(code.path.relative_to(here) if code.path.is_relative_to(here) else code.path)


SETTLED = ("precision", "validation_split", "fold", "r1", "r2")
"""Settings whose `auto` becomes definite when a run begins."""


def train_command(config: RunConfig, **changes: object) -> str:
    """Returns the command that trains a configuration: its recipe, and a flag for each setting that differs from it.

    Args:
        config: of a run, perhaps, which has what was `auto` settled.
        **changes: fields to replace.
    """
    usual = flatten(recipe(config.recipe if config.recipe in RECIPES else "pocket"))
    words: list[object] = ["train", config.recipe if config.recipe in RECIPES else "pocket"]
    words += code_flags(config)
    for name, value in flatten(replace(config, **changes)).items():
        settled = name in SETTLED and usual[name] == "auto"
        if name == "recipe" or value == usual[name] or settled:
            continue
        flag = name.replace("_", "-")
        if isinstance(value, dict):
            words += [f"--{flag}", *(f"{option}={given}" for option, given in value.items())]
        elif isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", "none" if value is None else value]
    return command(*words)
