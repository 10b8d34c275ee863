"""Code of one's own on the command line: `--code FILE`, and names such as `my_gan.py:recipe`."""

import os
from collections.abc import Sequence
from pathlib import Path

from pocketgan.base.errors import ConfigError
from pocketgan.config import parts
from pocketgan.config.code import ENVIRONMENT, file_name, load_code, load_from_environment

COMMANDS = (
    "train", "resume", "summary", "generate", "interpolate", "write", "translate", "evaluate", "export", "study", "ui",
)  # fmt: skip
"""Commands that take `--code`."""
FLAGS = tuple(f"--{name}" for name in (*parts.NAMED, "metrics", "metric"))
"""Flags whose values name parts; a file in them is loaded, too."""
ABOUT = "Python file with your own networks, losses, optimizers or metrics; can be given several times."


def take_code(command: str, arguments: Sequence[str]) -> list[str]:
    """Loads the files that the arguments of a command hand over, and returns the other arguments.

    A path in the name of a part is left out of it: `--generator work/my_gan.py:Painter` loads that file, and becomes
    `--generator my_gan.py:Painter`.

    Raises:
        ConfigError: a file can't be loaded, or `--code` has none.
    """
    if command not in COMMANDS:
        return list(arguments)
    if os.environ.get(ENVIRONMENT):
        load_from_environment()
    results: list[str] = []
    words = iter(arguments)
    before = ""
    for word in words:
        flag, separator, value = word.partition("=")
        if flag == "--code":
            path = value if separator else next(words, "")
            if not path or path.startswith("--"):
                raise ConfigError("needs a value", field="code")
            hand_over(path)
        elif separator and flag in FLAGS:
            results.append(f"{flag}={without_paths(flag, value)}")
        elif before in FLAGS or (not before.startswith("-") and not results and command in ("train", "summary")):
            results.append(without_paths(before, word))
        else:
            results.append(word)
        before = word
    return results


def without_paths(flag: str, names: str) -> str:
    """Loads the files in names of parts, and returns the names without the files' folders.

    Args:
        flag: what they are the value of; metrics are separated by commas.
        names: the names.
    """
    results = []
    for name in names.split(",") if flag in ("--metrics", "--metric") else [names]:
        file, separator, attribute = name.rpartition(":")
        if separator and file.endswith(".py"):
            hand_over(file)
            name = f"{file_name(Path(file))}:{attribute}"
        results.append(name)
    return ",".join(results)


def hand_over(path: str) -> None:
    """Loads a file for this process, and names it for the processes that it starts."""
    code = load_code(path)
    known = [one for one in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if one]
    if str(code.path) not in known:
        os.environ[ENVIRONMENT] = os.pathsep.join([*known, str(code.path)])


def take_options(arguments: Sequence[str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Takes options of parts out of the arguments: `--generator-options channels=96 act=gelu`.

    Returns:
        The options by the name of their field, and the other arguments.

    Raises:
        ConfigError: a word after such a flag isn't a pair.
    """
    taken: dict[str, dict[str, str]] = {}
    results: list[str] = []
    field = ""
    for word in arguments:
        flag, separator, value = word.partition("=")
        name = flag.removeprefix("--").replace("-", "_")
        if flag.startswith("--"):
            field = name if name in parts.OPTIONS else ""
            if field:
                taken.setdefault(field, {})
                if separator:
                    add_pair(taken[field], field, value)
                continue
        if not field:
            results.append(word)
        else:
            add_pair(taken[field], field, word)
    return taken, results


def add_pair(options: dict[str, str], field: str, word: str) -> None:
    """Adds an option that is written `NAME=VALUE`."""
    name, separator, value = word.partition("=")
    if not separator or not name:
        raise ConfigError("options as pairs", field=field, word=word)
    options[name] = value
