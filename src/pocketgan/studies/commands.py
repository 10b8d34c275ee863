"""Commands of studies over scripts: placeholders for settings and the seed. Nothing is started here."""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pocketgan.base.errors import ConfigError, StudyError, nearest
from pocketgan.config.fields import validated
from pocketgan.config.parts import Value
from pocketgan.config.sections import RunConfig

PLACEHOLDER = re.compile(r"\{\{([A-Za-z_][\w.-]*)\}\}|\{([A-Za-z_][\w.-]*)\}")
"""`{name}`, which a value replaces, or `{{name}}`, which becomes the text `{name}`."""
SEED = "seed"
PYTHON = ("python", "python3")
"""First words of a command that mean the Python that Pocketgan runs in."""


def placeholders(command: Sequence[str]) -> list[str]:
    """Returns the names of a command's placeholders, in order, each once."""
    names = [match[2] for word in command for match in PLACEHOLDER.finditer(word) if match[2]]
    return list(dict.fromkeys(names))


def filled(command: Sequence[str], settings: Mapping[str, Value], seed: int) -> list[str]:
    """Returns a command with values in place of its placeholders; its first word is the program to start.

    Args:
        command: the words, with a placeholder for each setting.
        settings: the values; true and false are written in small letters.
        seed: the value of `{seed}`.
    """
    texts = {name: written(value) for name, value in settings.items()} | {SEED: str(seed)}

    def text(match: re.Match[str]) -> str:
        return f"{{{match[1]}}}" if match[1] else texts[match[2]]

    words = [PLACEHOLDER.sub(text, word) for word in command]
    return [sys.executable if words[0] in PYTHON else words[0], *words[1:]]


def written(value: Value) -> str:
    """Returns a value as a word of a command."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_command(command: Sequence[str], settings: Mapping[str, Value], fields: Mapping[str, Value], of: str) -> None:
    """Checks that each placeholder has a value and that each value has a placeholder.

    Args:
        command: the words.
        settings: settings shared by all variants.
        fields: those of one variant.
        of: the field of the study that these are from, for errors.

    Raises:
        ConfigError: a placeholder has no value, a value would have no effect, or there is no placeholder for the seed.
    """
    names, values = placeholders(command), {**settings, **fields}
    for name in values:
        if name == SEED:
            raise ConfigError("seed of scripts", field="settings" if name in settings else of)
        if name not in names:
            place = "settings" if name in settings else of
            raise ConfigError("unused setting", field=place, setting=name, placeholder=f"{{{name}}}")
    if SEED not in names:
        raise ConfigError("no seed in command", field="command", placeholder=f"{{{SEED}}}")
    for name in names:
        if name != SEED and name not in values:
            hint = nearest(name, values)
            raise ConfigError("unknown placeholder", field="command", placeholder=f"{{{name}}}", hint=hint)


def script_config(command: Sequence[str], settings: Mapping[str, Value]) -> RunConfig:
    """Returns the configuration of a variant of a study over a script, with seed 0."""
    return validated({"recipe": script_name(command), "kind": "recorded", "settings": dict(settings)})


def script_name(command: Sequence[str]) -> str:
    """Returns the name of the script in a command, without its ending; `script` if there is none."""
    path = next((word for word in command if word.endswith(".py")), command[0])
    plain = re.sub(r"[^\w.-]+", "-", Path(path).stem).lstrip("_.-")
    return plain if plain and plain not in PYTHON else "script"


def check_program(command: Sequence[str], place: str | Path) -> None:
    """Checks that the program and the script of a command exist.

    Args:
        command: the words.
        place: the working directory.

    Raises:
        StudyError: one doesn't exist.
    """
    program = command[0]
    if program not in PYTHON:
        known = (Path(place) / program).is_file() if os.path.dirname(program) else shutil.which(program) is not None
        if not known:
            raise StudyError("no program", field="command", name=program)
    script = command[1] if len(command) > 1 else ""
    if script.endswith(".py") and not PLACEHOLDER.search(script) and not (Path(place) / script).is_file():
        raise StudyError("no script", field="command", name=script, folder=place)
