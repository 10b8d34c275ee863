"""Settings by their names, whatever their section: aliases, changes, checks, differences."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pocketgan.base.errors import ConfigError, nearest
from pocketgan.base.messages import PROBLEMS, in_words, problem
from pocketgan.config import history
from pocketgan.config.parts import OPTIONS
from pocketgan.config.sections import RunConfig
from pocketgan.config.translating import check_given

SECTIONS = ("data", "network", "objective", "train", "pictures", "evaluation", "watchdog")
FIELDS: dict[str, str] = {
    name: section for section in SECTIONS for name in RunConfig.model_fields[section].default.__class__.model_fields
}
"""Each field's section."""

ALIASES: dict[str, tuple[str, str]] = {
    "z_dim": ("latent_dim", "{}"),
    "dense_dim": ("hidden_dim", "{}"),
    "steps": ("duration", "{} steps"),
    "iterations": ("duration", "{} steps"),
    "epochs": ("duration", "{} epochs"),
    "sample_interval": ("sample_every", "{} steps"),
    "lr": ("learning_rate", "{}"),
    "batch": ("batch_size", "{}"),
    "from": ("initial_run", "{}"),
}
"""Other names of fields, and how their value is written there."""
NAMES = frozenset((*FIELDS, *ALIASES, *history.RENAMED))
"""Every name that a field has or had."""


def rename(name: str, value: Any) -> tuple[str, Any]:
    """Returns the field that `name` stands for and the value in that field's terms."""
    if name in history.RENAMED:
        field, words = history.RENAMED[name]
        return field, words.get(value, value) if isinstance(value, str) else value
    if name not in ALIASES:
        return name, value
    field, form = ALIASES[name]
    return field, value if form == "{}" else form.format(value)


def flatten(config: RunConfig) -> dict[str, Any]:
    """Returns the configuration as one flat dict, field name to value, without the sections.

    Of a recorded run, these are the settings that its author gave, and those of its data and its evaluation.
    """
    flat: dict[str, Any] = {"recipe": config.recipe, "seed": config.seed}
    if config.kind == "recorded":
        recorded = {**config.data.model_dump(include={"data", "classes", "validation"}), **config.settings}
        return flat | recorded | config.evaluation.model_dump()
    for section in SECTIONS:
        flat.update(getattr(config, section).model_dump())
    return flat


def replace(config: RunConfig, /, **fields: Any) -> RunConfig:
    """Returns `config` with fields replaced, each by its own name or an alias, whatever its section.

    A part may be given as an object, such as a class; it is handed over (see `parts.hand_over`). Options of parts can
    be replaced whole, or one by one as `generator_options.channels`.

    Raises:
        ConfigError: an unknown field, or a value that the field can't have.
    """
    changed = config.model_dump()
    given, values = dict[str, str](), dict[str, Any]()
    for name, value in fields.items():
        field, value = rename(name, value)
        if field in given:
            raise ConfigError("sets both", field=name, setting=field, other=given[field])
        given[field] = name
        values[field] = value
        part, _, option = field.partition(".")
        if option and part in OPTIONS:
            section = FIELDS[part]
            changed[section][part] = {**changed[section][part], option: value}
        elif field == "seed" or (field == "recipe" and isinstance(value, str)):
            changed[field] = value
        elif field in FIELDS:
            changed[FIELDS[field]][field] = value
        else:
            known = ["seed", *FIELDS, *ALIASES]
            raise ConfigError("no such setting", field=name, hint=nearest(name, known))
    check_given(values)
    return validated(changed)


def validated(values: Mapping[str, Any]) -> RunConfig:
    """Makes a configuration from nested plain values, as they stand in `config.json`.

    Raises:
        ConfigError: the first field that is unknown or has a value that it can't have.
    """
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise explain(error) from None


LIMITS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
"""Pydantic's errors about a number that is too large or too small; its own value may be the limit."""


def explain(error: ValidationError) -> ConfigError:
    """Returns the first problem that pydantic found: the field, the requirement, the value."""
    first, *others = error.errors()
    path = [str(part) for part in first["loc"]]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError) and cause.field:
        return cause
    message = in_words(first)
    if isinstance(cause, ConfigError):
        message = problem(cause.key, **cause.parts) if cause.key in PROBLEMS else cause.reason
    words = [other.get("ctx", {}).get("expected") for other in others if other["type"] == "literal_error"]
    if words and first["type"] != "literal_error":
        message = problem("or a word", why=message, word=words[0])
    if first["type"] == "extra_forbidden":
        return ConfigError("no such setting", field=".".join(path), hint=nearest(path[-1], [*FIELDS, "seed"]))
    leaves = [part for part in path if part in FIELDS or part in ("seed", "recipe")]
    if first["type"] == "missing":
        return ConfigError("missing", field=".".join(path))
    field = leaves[-1] if leaves and not isinstance(first["input"], Mapping) else None
    if field is None or (first["type"] not in LIMITS and repr(first["input"]) in message):
        return ConfigError(message, field=field)
    return ConfigError("refused", field=field, value=repr(first["input"]), why=message)


def differences(left: RunConfig, right: RunConfig) -> list[str]:
    """Returns `field: left -> right` for each field in which two configurations differ."""
    first, second = flatten(left), flatten(right)
    return [f"{name}: {first[name]} -> {second[name]}" for name in first if first[name] != second[name]]
