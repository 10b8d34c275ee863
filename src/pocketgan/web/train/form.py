"""Form of settings derived from the configuration: its fields, their parsing, and their conversion to flags."""

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pocketgan.base.errors import ConfigError, WebError
from pocketgan.config import durations
from pocketgan.config.data_section import HUB, PACKAGED
from pocketgan.config.fields import FIELDS, validated
from pocketgan.config.parts import NAMED, OPTIONS, names
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.web.site import Site

LENGTHS = {check.func for kind in durations.LENGTHS for check in get_args(kind)[1:]}
"""Validators of the settings that are a length of training: a number with its unit."""
PLACES = {
    "data": (),
    "to": ("none",),
    "pairs": ("none",),
    "labels": ("auto", "none"),
    "condition": ("none",),
    "initial_run": ("none",),
}
"""Fields that name files or folders, each with the values that name none."""
APART = ("data", *OPTIONS)
"""Fields that aren't part of the form: the data is chosen beside the recipe, and options come with it."""


@dataclass(frozen=True)
class Field:
    """One setting.

    Attributes:
        name: name of the field.
        section: section of the configuration.
        choices: the possible values, if they are a list; else empty.
        switch: whether the setting is on or off.
        optional: whether it may be empty, for none.
        number: whether it is a number, possibly with a unit.
        grouped: whether the number may have commas between thousands, so that a comma needn't be a decimal mark.
    """

    name: str
    section: str
    choices: tuple[str, ...] = ()
    switch: bool = False
    optional: bool = False
    number: bool = False
    grouped: bool = True


def fields() -> list[Field]:
    """Returns all settings in the order of the configuration, with the seed first."""
    return [Field("seed", "train", number=True), *(field_of(name) for name in FIELDS if name not in APART)]


def field_of(name: str) -> Field:
    """Returns one setting, derived from the type of its field."""
    section = FIELDS[name]
    about = type(RunConfig.model_fields[section].default).model_fields[name]
    kind = about.annotation
    parts = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    optional = type(None) in parts
    given = [part for part in parts if part is not type(None)]
    choices = get_args(given[0]) if len(given) == 1 and get_origin(given[0]) is Literal else ()
    for part in NAMED:
        choices = tuple(names(part)) if part == name else choices
    plain = {get_args(part)[0] if get_origin(part) is Annotated else part for part in given}
    lengths = any(getattr(one, "func", None) in LENGTHS for one in about.metadata)
    number = lengths or not plain.isdisjoint({int, float})
    return Field(name, section, choices, kind is bool, optional, number, lengths or int in plain)


def shown(config: RunConfig) -> dict[str, Any]:
    """Returns the values that the form shows for a configuration: texts, and Booleans for switches."""
    values = {"seed": config.seed} | {name: getattr(getattr(config, section), name) for name, section in FIELDS.items()}
    return {field.name: values[field.name] if field.switch else written(values[field.name]) for field in fields()}


def written(value: object) -> str:
    """Returns a value as it is typed into a field; an empty text for None."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def with_point(text: str, *, grouped: bool = True) -> str:
    """Returns a number in the configuration's notation: `0,001` → `0.001`, `1,5 h` → `1.5 h`, `10 000 s` → `10000 s`.

    Args:
        text: the number, possibly with a unit.
        grouped: whether commas may separate thousands; then a comma as in `10,000 steps` is kept.
    """
    text = re.sub(r"(?<=\d)[\s\u00a0\u202f'’](?=\d{3}(?!\d))", "", text.strip()).replace("\u2212", "-")
    thousands = grouped and re.match(r"[-+]?[1-9]\d{0,2}(,\d{3})+(?![\d,])", text)
    return text if thousands else re.sub(r"^([-+]?\d*),(\d+)(?![\d,.])", r"\1.\2", text)


def read(site: Site, recipe_name: object, data: object, values: Mapping[str, Any]) -> RunConfig:
    """Returns the configuration that a completed form describes.

    Args:
        site: the site, for data sets.
        recipe_name: a recipe.
        data: `mnist`, `stacked-mnist`, or the relative name of a data set below the site's folder.
        values: values by the names of `fields()`.

    Raises:
        UserError: a field is invalid; the message names the first one.
    """
    if not isinstance(recipe_name, str):
        raise ConfigError("choose a recipe", field="recipe")
    base = recipe(recipe_name)
    nested, usual = base.model_dump(), shown(base)
    for field in fields():
        value = values[field.name]
        if not field.switch:
            value = str(value if value is not None else "").strip()
            value = with_point(value, grouped=field.grouped) if field.number else value
            if not value and not field.optional:
                raise ConfigError("needs a value", field=field.name)
        if field.name in PLACES and value != usual[field.name]:
            value = place_in(site, field.name, value)
        checked = (value or None) if field.optional else bool(value) if field.switch else value
        if field.name == "seed":
            nested["seed"] = checked
        else:
            nested[field.section][field.name] = checked
    nested["data"]["data"] = place_in(site, "data", data)
    return validated(nested)


def place_in(site: Site, field: str, value: object) -> str:
    """Returns what a field of the form names, below the site's folder: visitors of the page reach no other files.

    Args:
        site: the site.
        field: one of `PLACES`.
        value: the field's value: a relative name, or one that names no file.

    Raises:
        WebError: there is nothing of this name, or it leads out of the site's folder.
    """
    if value in PLACES[field]:
        return str(value)
    try:
        return str(site.resolve(value)) if field == "initial_run" else place_of(site, value)
    except WebError as error:
        raise WebError(error.reason, field=field) from None


def place_of(site: Site, data: object) -> str:
    """Returns a data set as `--data` takes it: its name in the package, its path, or `hf:PATH` for Parquet files.

    Raises:
        WebError: there is no data set of this name, or it leads out of the site's folder.
    """
    if data in PACKAGED:
        return str(data)
    place = site.data(data)
    tables = (place.glob(pattern) for pattern in ("*.parquet", "*/*.parquet"))
    return f"{HUB}{place}" if place.is_dir() and any(True for files in tables for _ in files) else str(place)


def flags_of(config: RunConfig, base: RunConfig) -> list[str]:
    """Returns the flags that turn a recipe into a configuration: one word per setting that differs."""
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
