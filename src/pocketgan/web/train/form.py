"""The form of settings, made from the configuration itself: what is asked, how it is read, and as which flags."""

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pocketgan.base.errors import ConfigError, WebError
from pocketgan.config import durations
from pocketgan.config.fields import FIELDS, validated
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import PACKAGED, RunConfig
from pocketgan.web.site import Site

LENGTHS = {check.func for kind in durations.LENGTHS for check in get_args(kind)[1:]}
"""What checks the settings that are a length of training: a number with its unit."""
APART = ("data",)
"""Fields that aren't in the form: the data is chosen beside the recipe."""


@dataclass(frozen=True)
class Field:
    """One setting.

    Attributes:
        name: of the field.
        section: of the configuration.
        choices: what it can be, where that is a list; else empty.
        switch: whether it is yes or no.
        optional: whether it may be left empty, for none.
        number: whether it is a number, or one with a unit.
        grouped: whether that may have commas between its thousands, so that not every comma is a decimal one.
    """

    name: str
    section: str
    choices: tuple[str, ...] = ()
    switch: bool = False
    optional: bool = False
    number: bool = False
    grouped: bool = True


def fields() -> list[Field]:
    """Returns all settings in the order of the configuration, the seed first."""
    return [Field("seed", "train", number=True), *(field_of(name) for name in FIELDS if name not in APART)]


def field_of(name: str) -> Field:
    """Returns one setting, from the type of its field."""
    section = FIELDS[name]
    about = type(RunConfig.model_fields[section].default).model_fields[name]
    kind = about.annotation
    parts = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    optional = type(None) in parts
    given = [part for part in parts if part is not type(None)]
    choices = get_args(given[0]) if len(given) == 1 and get_origin(given[0]) is Literal else ()
    plain = {get_args(part)[0] if get_origin(part) is Annotated else part for part in given}
    lengths = any(getattr(one, "func", None) in LENGTHS for one in about.metadata)
    number = lengths or not plain.isdisjoint({int, float})
    return Field(name, section, choices, kind is bool, optional, number, lengths or int in plain)


def shown(config: RunConfig) -> dict[str, Any]:
    """Returns what the form shows for a configuration: texts, and truth values for switches."""
    values = {"seed": config.seed} | {name: getattr(getattr(config, section), name) for name, section in FIELDS.items()}
    return {field.name: values[field.name] if field.switch else written(values[field.name]) for field in fields()}


def written(value: object) -> str:
    """Returns a value as one writes it into a field; nothing for none."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def with_point(text: str, *, grouped: bool = True) -> str:
    """Returns a number as the configuration takes it: `0,001` is `0.001`, `1,5 h` is `1.5 h`, `10 000 s` is `10000 s`.

    Args:
        text: the number, perhaps with a unit.
        grouped: whether commas may stand between thousands; such as that in `10,000 steps` are left as they are then.
    """
    text = re.sub(r"(?<=\d)[\s\u00a0\u202f'’](?=\d{3}(?!\d))", "", text.strip()).replace("\u2212", "-")
    thousands = grouped and re.match(r"[-+]?[1-9]\d{0,2}(,\d{3})+(?![\d,])", text)
    return text if thousands else re.sub(r"^([-+]?\d*),(\d+)(?![\d,.])", r"\1.\2", text)


def read(site: Site, recipe_name: object, data: object, values: Mapping[str, Any]) -> RunConfig:
    """Returns the configuration that a filled-in form means.

    Args:
        site: where data sets are.
        recipe_name: a recipe.
        data: `mnist`, `stacked-mnist`, or the relative name of a data set below the site's folder.
        values: by the names of `fields()`.

    Raises:
        UserError: the first field that won't do; the message names it.
    """
    if not isinstance(recipe_name, str):
        raise ConfigError("choose a recipe", field="recipe")
    base = recipe(recipe_name)
    nested = base.model_dump()
    for field in fields():
        value = values[field.name]
        if not field.switch:
            value = str(value if value is not None else "").strip()
            value = with_point(value, grouped=field.grouped) if field.number else value
            if not value and not field.optional:
                raise ConfigError("needs a value", field=field.name)
        checked = (value or None) if field.optional else bool(value) if field.switch else value
        if field.name == "seed":
            nested["seed"] = checked
        else:
            nested[field.section][field.name] = checked
    try:
        nested["data"]["data"] = data if data in PACKAGED else str(site.data(data))
    except WebError as error:
        raise WebError(error.reason, field="data") from None
    return validated(nested)


def flags_of(config: RunConfig, base: RunConfig) -> list[str]:
    """Returns the flags that make a configuration out of its recipe's: what differs, one word a flag."""
    flags = [] if config.seed == base.seed else [f"--seed={config.seed}"]
    for name, section in FIELDS.items():
        value = getattr(getattr(config, section), name)
        if value == getattr(getattr(base, section), name):
            continue
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            flags.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            flags.append(f"--{flag}={'none' if value is None else value}")
    return flags
