"""From words on the command line to a configuration: tyro makes the flags, from the configuration itself."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import tyro
from pydantic import ValidationError
from tyro import _errors as tyro_errors  # docs/adr/0003

from pocketgan import config as configuration
from pocketgan.config import (
    DataConfig,
    EvaluateConfig,
    NetworkConfig,
    ObjectiveConfig,
    PictureConfig,
    RunConfig,
    TrainConfig,
    WatchdogConfig,
)
from pocketgan.errors import ConfigError, UserError, nearest
from pocketgan.recipes import RECIPES, recipe

SWITCHES = {"help", *(f"{no}{name}" for name in ("conditional", "replan", "dry_run", "quiet") for no in ("", "no_"))}
"""Flags that take no value."""


@dataclasses.dataclass
class Shown:
    """Layers, output shapes and parameters of a recipe's networks. All of its settings are flags."""

    data: DataConfig
    network: NetworkConfig
    objective: ObjectiveConfig
    train: TrainConfig
    pictures: PictureConfig
    evaluation: EvaluateConfig
    watchdog: WatchdogConfig
    seed: int = 0
    """The seed of everything random: weights, latents, data order, augmentation, samples."""


@dataclasses.dataclass
class Flags(Shown):
    """Trains a recipe, the default one if none is named. All of its settings are flags."""

    out: Path | None = None
    """The run's folder; by default the first free runs/<recipe>-<n>."""
    dry_run: bool = False
    """Print the resolved configuration and stop."""
    quiet: bool = False
    """Show no progress."""


def parse_recipe(command: str, arguments: Sequence[str]) -> tuple[RunConfig, Any]:
    """Reads a recipe's name and its flags into a configuration.

    Raises:
        UserError: an unknown recipe or flag, or a value that won't do.
    """
    name, rest = take_recipe(list(arguments))
    asked_help = any(argument in ("-h", "--help") for argument in rest)
    if name is None and command == "summary" and not asked_help:
        raise ConfigError(f"recipe: 'summary' needs a recipe; known: {', '.join(RECIPES)}")
    base = recipe(name or "pocket")
    target = Flags if command == "train" else Shown
    default = target(**{section: getattr(base, section) for section in configuration.SECTIONS}, seed=base.seed)
    flags = parse(target, f"pocketgan {command} {name or '[RECIPE]'}", canonical_flags(rest), default)
    sections = {section: getattr(flags, section).model_dump() for section in configuration.SECTIONS}
    return configuration.validated({"recipe": base.recipe, "seed": flags.seed, **sections}), flags


def take_recipe(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Takes the first word that is neither a flag nor a flag's value out of the arguments."""
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if not argument.startswith("-"):
            return argument, arguments[:index] + arguments[index + 1 :]
        switch = argument == "-h" or argument.lstrip("-").replace("-", "_") in SWITCHES
        index += 1 if "=" in argument or switch else 2
    return None, arguments


def canonical_flags(arguments: list[str]) -> list[str]:
    """Replaces aliases by the flags that they stand for: `--iterations 500` becomes `--duration "500 steps"`."""
    result: list[str] = []
    given: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        flag, separator, value = word.partition("=")
        name = flag.removeprefix("--").replace("-", "_")
        if not flag.startswith("--") or name not in (*configuration.FIELDS, *configuration.ALIASES):
            result.append(word)
            continue
        switch = name in SWITCHES
        value = value if separator else None if switch else next(words, None)
        if value is None and not switch:
            raise ConfigError(f"{flag}: needs a value")
        field, value = configuration.rename(name, value)
        if field in given:
            raise ConfigError(f"{flag}: sets {field}, and so does {given[field]}; give one of them")
        given[field] = flag
        optional = field in ("discriminator_depth", "discriminator_activation", "discriminator_learning_rate")
        value = "None" if optional and value == "none" else value
        result += [f"--{field.replace('_', '-')}", *([] if value is None else [value])]
    return result


def parse(target: Callable[..., Any], prog: str, arguments: Sequence[str], default: Any = None) -> Any:
    """Calls tyro, and turns what it refuses into a `UserError` of one line."""
    options: dict[str, Any] = {} if default is None else {"default": default}

    def refuse(event: tyro_errors.ParseErrorEvent) -> NoReturn:
        raise UserError(explain(event, target))

    with tyro_errors.on_parse_error(refuse):
        return tyro.cli(target, prog=prog, args=arguments, config=(tyro.conf.OmitArgPrefixes,), **options)


def explain(event: tyro_errors.ParseErrorEvent, target: Callable[..., Any]) -> str:
    """Returns one line for what tyro refused: the flag, the value, what would do."""
    if isinstance(event, tyro_errors.UnrecognizedArgs):
        flag = next((token for token in event.tokens if token.startswith("-")), event.tokens[0])
        if not flag.startswith("-"):
            return f"'{flag}': one word too many; '{event.prog} --help' shows the flags"
        known = [f"--{name.replace('_', '-')}" for name in known_flags(target)]
        hint = nearest(flag.partition("=")[0], known) or f"; '{event.prog} --help' shows all"
        return f"{flag}: no such flag{hint}"
    if isinstance(event, tyro_errors.InvalidChoice):
        choices = ", ".join(event.choices)
        hint = nearest(event.value, event.choices)
        return f"{flag_of(event.argument)}: '{event.value}' won't do{hint}; known: {choices}"
    if isinstance(event, tyro_errors.BadValue):
        if event.offending_value is None:
            return f"{flag_of(event.argument)}: needs a value"
        return f"{flag_of(event.argument)}: '{event.offending_value}' won't do"
    if isinstance(event, tyro_errors.MissingArgs):
        names = ", ".join(flag_of(missing.arg) for missing in event.missing_arguments)
        return f"{names}: missing; '{event.prog} --help' shows what the command takes"
    error: BaseException | None = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, ValidationError):
            return configuration.explain(error)
        error = error.__cause__ or error.__context__
    argument = getattr(event, "argument", None)
    message = " ".join(str(getattr(event, "message", "can't be read")).split())
    if message.startswith("no type matching") and "INT" in message:
        kind = "number" if "FLOAT" in message else "whole number"
        value = message.partition(" from [")[2].partition("]")[0]
        words = [
            word for word in getattr(getattr(argument, "lowered", None), "value_tokens", ()) or () if word != "None"
        ]
        message = f"{value} is neither a {kind} nor '{words[0]}'" if words else f"{value} is no {kind}"
    elif message.startswith("invalid literal for int()"):
        message = f"{message.rpartition(': ')[2]} is no whole number"
    elif message.startswith("could not convert string to float"):
        message = f"{message.rpartition(': ')[2]} is no number"
    return f"{flag_of(argument)}: {message}" if argument is not None else message


def flag_of(argument: Any) -> str:
    """Returns the name by which the user knows a tyro argument."""
    name = argument.field.extern_name or argument.field.intern_name
    return argument.lowered.metavar or name.upper() if argument.is_positional() else f"--{name.replace('_', '-')}"


def known_flags(target: Callable[..., Any]) -> list[str]:
    """Returns the names of all flags that a command takes."""
    if target in (Flags, Shown):
        own = [field.name for field in dataclasses.fields(target) if field.name not in configuration.SECTIONS]
        return [*configuration.FIELDS, *configuration.ALIASES, *own, "help"]
    return [*(name.rstrip("_") for name in inspect.signature(target).parameters), "help"]
