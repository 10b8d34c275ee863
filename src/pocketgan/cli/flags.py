"""From words on the command line to a configuration: tyro makes the flags, from the configuration itself."""

import dataclasses
import inspect
import itertools
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, get_type_hints

import tyro
from pydantic import ValidationError
from tyro import _errors as tyro_errors  # docs/adr/0003

from pocketgan.base.errors import ConfigError, UserError, nearest
from pocketgan.base.messages import problem
from pocketgan.cli.help_text import SHORT, unwrapped
from pocketgan.cli.own_code import COMMANDS as CODE_COMMANDS
from pocketgan.cli.own_code import take_options
from pocketgan.config import fields as configuration
from pocketgan.config import history
from pocketgan.config.data_section import DataConfig
from pocketgan.config.parts import OPTIONS
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.sections import (
    EvaluateConfig,
    NetworkConfig,
    ObjectiveConfig,
    PictureConfig,
    RunConfig,
    TrainConfig,
)
from pocketgan.config.shell import command as typed
from pocketgan.config.shell import quoted
from pocketgan.config.watchdog_section import WatchdogConfig
from pocketgan.runs.model import is_model, located
from pocketgan.runs.records import read_object

TRUE_OR_FALSE = [
    name
    for name, section in configuration.FIELDS.items()
    if type(RunConfig.model_fields[section].default).model_fields[name].annotation is bool
]
SWITCHES = {f"{no}{name}" for name in (*TRUE_OR_FALSE, "dry_run", "quiet") for no in ("", "no_")}
"""Flags that take no value."""
OLD_FLAGS = {"over": "x_axis"}
"""The flags that commands had by other names."""


@dataclasses.dataclass
class Shown:
    """What `summary` takes: all settings of a recipe."""

    data: DataConfig
    network: NetworkConfig
    objective: ObjectiveConfig
    train: TrainConfig
    pictures: PictureConfig
    evaluation: EvaluateConfig
    watchdog: WatchdogConfig
    seed: int = 0


@dataclasses.dataclass
class Flags(Shown):
    """What `train` takes: all settings of a recipe, and those of the command."""

    out: Path | None = None
    dry_run: bool = False
    quiet: bool = False


def parse_recipe(command: str, arguments: Sequence[str]) -> tuple[RunConfig, Any]:
    """Reads a recipe's name and its flags into a configuration.

    Raises:
        UserError: an unknown recipe or flag, or a value that won't do.
    """
    target = Flags if command == "train" else Shown
    options, rest = take_options(long_flags(list(arguments), target))
    name, rest = take_recipe(rest)
    base, rest = begin_with(command, name, rest)
    kept = {field: getattr(getattr(base, configuration.FIELDS[field]), field) for field in OPTIONS}
    base = configuration.replace(base, **{field: {} for field in OPTIONS})  # tyro would make a flag of each option
    default = target(**{section: getattr(base, section) for section in configuration.SECTIONS}, seed=base.seed)
    flags = parse(target, f"pocketgan {command} {name or '[RECIPE]'}", canonical_flags(rest), default)
    sections = {section: getattr(flags, section).model_dump() for section in configuration.SECTIONS}
    for field, before in kept.items():
        sections[configuration.FIELDS[field]][field] = before | options.get(field, {})
    facts = {kind: value.model_dump() for kind, value in base.parts.items()}
    return configuration.validated({"recipe": base.recipe, "seed": flags.seed, "parts": facts, **sections}), flags


def begin_with(command: str, name: str | None, arguments: list[str]) -> tuple[RunConfig, list[str]]:
    """Returns the configuration that the flags change, a recipe's or that of `--config`, and the other arguments.

    Raises:
        UserError: there is no such recipe or file, or both are named, or for `summary` neither.
    """
    place, rest = take_value(arguments, "--config")
    check_misplaced(rest, "RECIPE", "recipe", f"pocketgan {command}")
    if place is not None:
        if name is not None:
            raise ConfigError("recipe and configuration", field="config", place=place, name=name)
        config = read_config(place)
        if config.kind == "recorded" and command == "train":
            raise ConfigError("recorded, no training", field="config", folder=place)
        return config, rest
    if name is None and command == "summary":
        raise ConfigError("summary of nothing", field="recipe", known=", ".join(RECIPES))
    if name is not None and name not in RECIPES and ":" not in name:
        check_recipe(command, name)
    return recipe(name or "pocket"), rest


def check_recipe(command: str, name: str) -> None:
    """Explains a word that isn't a recipe but something else that is known.

    Raises:
        ConfigError: it is a setting without dashes, or a run.
    """
    setting, separator, value = name.partition("=")
    field = configuration.rename(setting.replace("-", "_"), value)[0]
    if separator and field in (*configuration.FIELDS, "seed"):
        raise ConfigError("setting for recipe", field="recipe", name=name, setting=setting, value=quoted(value))
    if is_model(folder := located(name)):
        other = typed(command, "--config", folder)
        if command == "summary":
            raise ConfigError("run for summary", field="recipe", name=name, command=other)
        raise ConfigError("run for recipe", field="recipe", name=name, command=typed("resume", folder), new_run=other)


def read_config(place: str | Path) -> RunConfig:
    """Reads the settings of a run, or those that `--dry-run` printed.

    Args:
        place: a run's folder or its `config.json`, or a file of the same form, JSON or TOML. A file that leaves a
            section out has a recipe, `pocket` by default, and settings that differ from it, in sections or not.

    Raises:
        UserError: there are none.
    """
    from pocketgan.runs.exported import load

    path = located(place)
    try:
        if path.name == "config.json" and is_model(path.parent):
            path = path.parent
        if path.is_dir():
            return load(path).config
        if path.suffix.lower() not in (".toml", ".json") and path.is_file():
            raise ConfigError("ending of settings", field="config", path=path)
        values = read_toml(path) if path.suffix.lower() == ".toml" else read_object(path)
        if "format" not in values and not all(isinstance(values.get(name), dict) for name in configuration.SECTIONS):
            return configuration.replace(recipe(str(values.pop("recipe", "pocket"))), **without_sections(values))
        found = values.pop("format", history.FORMAT)
        number = history.known_format(found)
        if number is None:
            raise ConfigError("unknown format", path=path, found=repr(found), format=history.FORMAT)
        return configuration.validated(history.upgrade(values, number))
    except UserError as error:
        about_setting = error.key == "no such setting" or error.field in (*configuration.FIELDS, "recipe", "seed")
        raise ConfigError(str(error) if about_setting else error.reason, field="config") from None


def without_sections(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings of a file, those in its sections beside those outside."""
    flat = {name: value for name, value in values.items() if name not in configuration.SECTIONS}
    for name in configuration.SECTIONS:
        section = values.get(name, {})
        flat |= section if isinstance(section, dict) else {name: section}
    return flat


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a TOML file.

    Raises:
        ConfigError: it can't be read, or isn't TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError("unreadable", field="config", path=path, why=error.strerror) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("no toml", field="config", path=path, why=error) from None


def take_recipe(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Takes the first word that is neither a flag nor a flag's value out of the arguments."""
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if not argument.startswith("-"):
            return argument, arguments[:index] + arguments[index + 1 :]
        switch = argument.lstrip("-").replace("-", "_") in SWITCHES
        index += 1 if "=" in argument or switch else 2
    return None, arguments


def take_value(arguments: list[str], flag: str) -> tuple[str | None, list[str]]:
    """Takes a flag and its value out of the arguments.

    Raises:
        ConfigError: it has none.
    """
    for index, word in enumerate(arguments):
        name, separator, value = word.partition("=")
        if name == flag:
            following = [] if separator else arguments[index + 1 : index + 2]
            if not (separator or following):
                raise ConfigError("needs a value", field=flag)
            rest = arguments[:index] + arguments[index + 1 + len(following) :]
            return (value if separator else following[0]), rest
    return None, arguments


def long_flags(arguments: list[str], target: Callable[..., Any]) -> list[str]:
    """Replaces the letters and the old names of the command's flags: `-o digits.png` becomes `--out digits.png`."""
    flags = known_flags(target)
    known = {letter: f"--{name}" for name, letter in SHORT.items() if name in flags}
    known |= {f"--{old}": f"--{flag_name(new)}" for old, new in OLD_FLAGS.items() if new in flags}
    parts = (word.partition("=") for word in arguments)
    words = [known.get(word, word) + separator + value for word, separator, value in parts]
    if "--out=" in words or ("--out", "") in itertools.pairwise(words):
        raise UserError("needs a value", field="--out")
    return words


def check_misplaced(arguments: Sequence[str], word: str, name: str, typed: str, place: int = 0) -> None:
    """Checks that what is given without a flag wasn't given as one.

    Args:
        arguments: of the command.
        word: what the help calls it.
        name: what such a flag would be called.
        typed: the command.
        place: which word it is.

    Raises:
        UserError: it was; the message shows the right command.
    """
    value, rest = take_value(list(arguments), f"--{name}")
    if value is not None:
        words = [value, *rest] if place == 0 else [*rest, value]
        right = " ".join([typed, *(quoted(one) for one in words)])
        raise UserError("value without a flag", field=f"--{name}", word=word, right=right)


def canonical_flags(arguments: list[str]) -> list[str]:
    """Replaces aliases by the flags that they stand for: `--iterations 500` becomes `--duration "500 steps"`."""
    result: list[str] = []
    given: dict[str, str] = {}
    translated: set[str] = set()  # Of the two flags that say what outputs should look like.
    words = iter(arguments)
    for word in words:
        flag, separator, value = word.partition("=")
        name = flag.removeprefix("--").replace("-", "_")
        if not flag.startswith("--") or name not in configuration.NAMES:
            result.append(word)
            continue
        switch = name in SWITCHES
        value = value if separator else None if switch else next(words, None)
        if value is None and not switch:
            raise ConfigError("needs a value", field=flag)
        field, renamed = configuration.rename(name, value)
        if field in SWITCHES and not switch:
            if not isinstance(renamed, bool):
                known = ", ".join(history.RENAMED[name][1])
                raise ConfigError("switch", field=flag, value=value, known=known, switch=flag_name(field))
            field, renamed = (field if renamed else f"no_{field}"), None
        value = renamed
        if given.get(field) == flag:
            raise ConfigError("given twice", field=flag)
        if field in given:
            raise ConfigError("sets both", field=flag, setting=field, other=given[field])
        given[field] = flag
        translated |= {field} if field in ("to", "task") and value != "none" else set()
        if len(translated) > 1:
            raise ConfigError("to and task", field=given["to"])
        optional = field in ("discriminator_depth", "discriminator_activation", "discriminator_learning_rate")
        value = "None" if optional and value == "none" else value
        result += [f"--{flag_name(field)}", *([] if value is None else [value])]
    return result


def flag_name(field: str) -> str:
    """Returns how a flag is written, without its dashes."""
    return field.replace("_", "-")


def parse(target: Callable[..., Any], prog: str, arguments: Sequence[str], default: Any = None) -> Any:
    """Calls tyro, and turns what it refuses into a `UserError` of one line."""
    options: dict[str, Any] = {} if default is None else {"default": default}
    words = long_flags(list(arguments), target)
    for place, (name, word) in enumerate(words_without_flag(target)):
        check_misplaced(words, word, name, prog, place)

    def refuse(event: tyro_errors.ParseErrorEvent) -> NoReturn:
        raise explain(event, target)

    with tyro_errors.on_parse_error(refuse):
        markers = (tyro.conf.OmitArgPrefixes,)
        return tyro.cli(target, prog=prog, args=words, config=markers, add_help=False, **options)


def explain(event: tyro_errors.ParseErrorEvent, target: Callable[..., Any]) -> UserError:
    """Returns what tyro refused: the flag, the requirement, the value."""
    if isinstance(event, tyro_errors.UnrecognizedArgs):
        flag = next((token for token in event.tokens if token.startswith("-")), event.tokens[0])
        if not flag.startswith("-"):
            reads = next((f"--{name}" for name in ("images", "data") if name in known_flags(target)), None)
            if reads and Path(flag).exists():
                return UserError("path without a flag", word=flag, right=f"{reads} {quoted(flag)}")
            return UserError("word too many", word=flag, prog=event.prog)
        hint = nearest_flag(flag, known_flags(target)) or problem("flags listed", prog=event.prog)
        return UserError("no flag", field=flag, hint=hint)
    if isinstance(event, tyro_errors.InvalidChoice):
        choices = ", ".join(event.choices)
        hint = nearest(event.value, event.choices)
        parts = {"value": event.value, "hint": hint, "known": choices}
        return UserError("not one of", field=flag_of(event.argument), **parts)
    if isinstance(event, tyro_errors.BadValue):
        if event.offending_value is None:
            return UserError("needs a value", field=flag_of(event.argument))
        return UserError("wrong value", field=flag_of(event.argument), value=event.offending_value)
    if isinstance(event, tyro_errors.MissingArgs):
        names = ", ".join(flag_of(missing.arg) for missing in event.missing_arguments)
        return UserError("argument missing", field=names, prog=event.prog)
    error: BaseException | None = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, ValidationError):
            return configuration.explain(error)
        error = error.__cause__ or error.__context__
    argument = getattr(event, "argument", None)
    field = None if argument is None else flag_of(argument)
    message = " ".join(str(getattr(event, "message", "can't be read")).split())
    if message.startswith("no type matching") and ("INT" in message or "FLOAT" in message):
        kind = problem("float_parsing" if "FLOAT" in message else "int_parsing")
        value = message.partition(" from [")[2].partition("]")[0]
        words = [
            word for word in getattr(getattr(argument, "lowered", None), "value_tokens", ()) or () if word != "None"
        ]
        why = problem("or a word", why=kind, word=f"'{words[0]}'") if words else kind
        return UserError("refused", field=field, why=why, value=value)
    if message.startswith("invalid literal for int()"):
        return UserError("refused", field=field, why=problem("int_parsing"), value=message.rpartition(": ")[2])
    if message.startswith("could not convert string to float"):
        return UserError("refused", field=field, why=problem("float_parsing"), value=message.rpartition(": ")[2])
    return UserError("{message}", field=field, message=message)


def flag_of(argument: Any) -> str:
    """Returns the name by which the user knows a tyro argument."""
    name = argument.field.extern_name or argument.field.intern_name
    return argument.lowered.metavar or name.upper() if argument.is_positional() else f"--{name.replace('_', '-')}"


def words_without_flag(target: Callable[..., Any]) -> list[tuple[str, str]]:
    """Returns what a command takes without a flag: its name, and what the help calls it."""
    if target in (Flags, Shown):
        return []
    hints, words = get_type_hints(target, include_extras=True), []
    for name in inspect.signature(target).parameters:
        _, positional, word = unwrapped(hints[name], name)
        words += [(name, word.strip("[]"))] if positional else []
    return words


def nearest_flag(flag: str, names: Iterable[str]) -> str:
    """Returns a question with the flag closest to an unknown one, or an empty text if no name is close."""
    flags = {name.replace("_", "-"): f"--{name.replace('_', '-')}" for name in names}
    close = get_close_matches(flag.partition("=")[0].lstrip("-"), flags, n=1)
    return problem("did you mean", name=flags[close[0]]) if close else ""


def known_flags(target: Callable[..., Any]) -> list[str]:
    """Returns the names of all flags that a command takes."""
    if target in (Flags, Shown):
        own = [field.name for field in dataclasses.fields(target) if field.name not in configuration.SECTIONS]
        own += ["code", "json"] if target is Shown else ["config", "code"]
        return [*configuration.FIELDS, *configuration.ALIASES, *own, "help"]
    words = [name for name, _ in words_without_flag(target)]
    own = ["code"] if getattr(target, "__name__", "") in CODE_COMMANDS else []
    return [*(name.rstrip("_") for name in inspect.signature(target).parameters if name not in words), *own, "help"]
