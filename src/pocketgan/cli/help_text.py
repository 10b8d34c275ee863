"""What `-h` shows, 78 columns wide: of a command from its function, of `train` from the configuration."""

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import tyro

from pocketgan.cli.own_code import ABOUT as ABOUT_CODE
from pocketgan.cli.own_code import COMMANDS as CODE_COMMANDS
from pocketgan.config.fields import ALIASES, FIELDS, SECTIONS
from pocketgan.config.parts import BUILT_IN, NAMED
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.sections import RunConfig

WIDTH = 78
FLAG = 25
"""Columns of the flags; what is longer has a line of its own."""
SHORT = {"out": "-o", "count": "-n", "quiet": "-q"}
"""Flags that have a letter as well."""
COMMON = (
    "duration", "out", "data", "classes", "batch_size", "learning_rate", "seed", "threads", "config", "dry_run",
    "quiet",
)  # fmt: skip
"""Flags of `train` that most people need."""
OWN = {
    "out": "Folder of the run; by default the first free runs/<recipe>-<n>.",
    "config": "Start with a run's settings, or those of a .json or .toml file as --dry-run prints it, not a recipe's.",
    "code": ABOUT_CODE,
    "json": "Print one JSON object.",
    "dry_run": "Print the configuration as JSON and stop.",
    "quiet": "Show no progress.",
}
"""Flags of `train` that are no settings."""
BRIEF = {
    "data": "'mnist', 'stacked-mnist', a folder of pictures or IDX files, an .npz or .csv file, 'hf:NAME' …",
    "duration": "How long: '50 epochs', '10k steps', '500 kimg' or '5 min'.",
    "seed": "Seed of everything random.",
}
"""What a setting is in fewer words than its own."""
EXAMPLES = {
    "train": (
        ("pocketgan train", "digits, for 5 minutes"),
        ('pocketgan train minimal --duration "20 epochs"', "a minimal GAN"),
        ("pocketgan train --data pictures --out runs/mine", "your own pictures"),
        ("pocketgan train my_gan.py:recipe", "your own networks"),
    ),
    "summary": (
        ("pocketgan summary mlp", "a recipe's networks"),
        ("pocketgan summary mlp --width 2", "with another setting"),
        ("pocketgan summary runs/pocket-1", "a run's"),
    ),
}
ABOUT = {
    "train": "Train a recipe; the default is pocket. Ctrl-C saves the run and shows how to continue.",
    "summary": "Show layers, output shapes and parameters of the networks of a recipe or a run.",
}
SECTION_TITLES = {
    "data": "Data",
    "network": "Networks",
    "objective": "Objective",
    "train": "Training",
    "pictures": "Pictures",
    "evaluation": "Evaluation during training",
    "watchdog": "Watchdog",
}


class Entry(NamedTuple):
    """A flag or a word of a command, and what it is."""

    flag: str
    about: str


def help_of(name: str, function: Callable[..., Any]) -> str:
    """Returns the help of a command that is a function."""
    words, flags = entries_of(name, function)
    usage = " ".join(["usage: pocketgan", name, *(word.flag for word in words), *(["[flags]"] if flags else [])])
    words = [Entry(word[1:-1] if word.startswith("[") else word, about.removesuffix(".")) for word, about in words]
    text = paragraph(docstring_parts(function)[0])
    return "\n".join([usage, "", *text, *listed("", words), *listed("Flags:", flags)])


def entries_of(name: str, function: Callable[..., Any]) -> tuple[list[Entry], list[Entry]]:
    """Returns the words and the flags of a command that is a function."""
    _, abouts = docstring_parts(function)
    hints, words, flags = get_type_hints(function, include_extras=True), [], []
    for parameter in inspect.signature(function).parameters.values():
        kind, positional, label = unwrapped(hints[parameter.name], parameter.name)
        if positional:
            words.append(Entry(label, abouts[parameter.name]))
        else:
            flags.append(flag_entry(label, kind, parameter.default, abouts[parameter.name]))
    if name in CODE_COMMANDS:
        flags.append(Entry("--code FILE", ABOUT_CODE.removesuffix(".")))
    return words, flags


def help_of_recipe(command: str, name: str | None, *, everything: bool) -> str:
    """Returns the help of `train` or `summary`, with the defaults of a recipe.

    Args:
        command: `train` or `summary`.
        name: the recipe; None for the default one.
        everything: whether all settings are shown, or those that most people need.
    """
    config = recipe(name or "pocket")
    settings, own = settings_of(config), own_flags(command)
    lines = [f"usage: pocketgan {command} {name or '[RECIPE]'} [flags]", "", *paragraph(ABOUT[command]), ""]
    lines += [f"  {typed:<50}{about}" for typed, about in EXAMPLES[command]]
    lines += ["", *paragraph(f"Recipes: {', '.join(RECIPES)} ('pocketgan recipes' describes them).")]
    if everything:
        of_command = [own_entry(flag) for flag in own]
        lines += listed("The command:", [*of_command, settings["seed"].entry()])
        for section in SECTIONS:
            fields = [field for field in FIELDS if FIELDS[field] == section]
            lines += listed(f"{SECTION_TITLES[section]}:", [settings[field].entry() for field in fields])
        return "\n".join(lines)
    shown = [field for field in COMMON if field in own or (field in settings and command == "train")]
    if command == "summary":
        shown = ["latent_dim", "hidden_dim", "width", "depth", "data"]
    entries = [own_entry(flag) if flag in own else settings[flag].entry(brief=True) for flag in shown]
    lines += listed(f"Flags (with the defaults of {config.recipe}):", entries)
    rest = len(settings) + len(own) - len(shown)
    more = f"pocketgan {command} {name} --help-all" if name else f"pocketgan {command} --help-all"
    return "\n".join([*lines, "", f"{rest} more settings: {more}"])


def own_flags(command: str) -> list[str]:
    """Returns the flags of `train` or `summary` that are no settings."""
    return [flag for flag in OWN if (flag != "json" if command == "train" else flag in ("code", "json"))]


def settings_of(config: RunConfig) -> "dict[str, Setting]":
    """Returns all settings of a configuration by their names."""
    settings = {"seed": Setting(config, "seed")}
    return settings | {field: Setting(getattr(config, section), field) for field, section in FIELDS.items()}


def entries_of_recipe(command: str) -> list[Entry]:
    """Returns all flags of `train` or `summary`, with the defaults of the default recipe."""
    settings = settings_of(recipe("pocket")).values()
    return [*map(own_entry, own_flags(command)), *(setting.entry() for setting in settings)]


class Setting(NamedTuple):
    """A field of a configuration."""

    section: Any
    field: str

    def entry(self, *, brief: bool = False) -> Entry:
        """Returns its flag, its default and its help, or the first sentence of it."""
        info = type(self.section).model_fields[self.field]
        about = joined(info.description or "")
        if brief:
            about = BRIEF.get(self.field) or re.split(r"(?<=\.) (?=[A-Z'])", about)[0]
        others = [alias for alias, (target, form) in ALIASES.items() if target == self.field and form == "{}"]
        hint = get_type_hints(type(self.section), include_extras=True)[self.field]
        kind, _, _ = unwrapped(hint, self.field)
        value, flag = getattr(self.section, self.field), self.field.replace("_", "-")
        if kind is bool:
            usual = "yes" if value else "no"
            return Entry(f"--{flag}, --no-{flag}", f"{about.removesuffix('.')} (default {usual})")
        return flag_entry(self.field, kind, value, about, others[:1] if brief else ())


def own_entry(flag: str) -> Entry:
    """Returns a flag of `train` that is no setting."""
    kind, default = (bool, False) if flag in ("dry_run", "quiet", "json") else (Path, None)
    return flag_entry(flag, kind, default, OWN[flag])


# One flag.


def flag_entry(name: str, kind: Any, default: Any, about: str, others: Iterable[str] = ()) -> Entry:
    """Returns a flag with what it takes, and what it is with its default."""
    names = [SHORT[name]] if name in SHORT else []
    names += [f"--{other.replace('_', '-')}" for other in (*others, name)]
    about = about.removesuffix(".")
    if kind is bool:
        return Entry(", ".join(names), about)
    value = default.replace(",", ", ") if isinstance(default, str) and len(default) > FLAG else default
    usual = "" if default in (None, inspect.Parameter.empty, (), {}) else f" (default {value})"
    return Entry(f"{', '.join(names)} {takes(name, kind)}", f"{about}{usual}")


def takes(name: str, kind: Any) -> str:
    """Returns what stands for a flag's value in the help."""
    if get_origin(kind) is Literal:
        return "|".join(str(choice) for choice in get_args(kind))
    if name in NAMED:
        return "|".join([*BUILT_IN[name], "…"])
    if get_origin(kind) is dict:
        return "NAME=VALUE ..."
    if name == "code":
        return "FILE"
    if get_origin(kind) is tuple:
        return f"{takes(name, get_args(kind)[0])} ..."
    if kind in (int, float) or kind == int | float:
        return "N" if kind is int else "X"
    if kind is Path:
        return "PATH"
    lengths = ("duration", "warmup", "ema_half_life")
    return "LENGTH" if name in lengths or name.endswith("_every") else name.rpartition("_")[2].upper()


def unwrapped(hint: Any, name: str) -> tuple[Any, bool, str]:
    """Returns the plain type of an annotated one, whether it is given without a flag, and what the help calls it."""
    positional, label = False, name
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        positional = any(extra in extras for extra in get_args(tyro.conf.Positional[int])[1:])
        for extra in extras:
            label = getattr(extra, "metavar", None) or getattr(extra, "name", None) or label
    if get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint):
        rest = [one for one in get_args(hint) if one is not NoneType]
        hint = unwrapped(rest[0], name)[0] if len(rest) == 1 else hint
    return hint, positional, label


# Text.


def docstring_parts(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Returns what a function's docstring says of it, and of each argument."""
    text, _, arguments = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    abouts: dict[str, str] = {}
    name = ""
    for line in arguments.splitlines():
        match = re.match(r" {4}(\w+): (.*)", line)
        if match:
            name = match[1]
            abouts[name] = match[2]
        elif line.strip():
            abouts[name] += f" {line.strip()}"
    return joined(text), {name: joined(about) for name, about in abouts.items()}


def joined(text: str) -> str:
    """Returns a text without the line breaks of its source, with code in quotes."""
    return " ".join(text.replace("`", "'").split())


def paragraph(text: str, width: int = WIDTH) -> list[str]:
    """Returns a text as lines; what is in quotes stays together."""
    tied = re.sub(r"(?<!\w)'[^']{1,20}'(?!\w)", lambda found: found[0].replace(" ", "\xa0"), text)
    return [line.replace("\xa0", " ") for line in textwrap.wrap(tied, width, break_on_hyphens=False)]


def listed(title: str, entries: Sequence[Entry]) -> list[str]:
    """Returns entries below a title, as lines: the flag, and beside it what it is."""
    if not entries:
        return []
    lines = ["", *([title] if title else [])]
    for flag, about in entries:
        wrapped = paragraph(about, WIDTH - FLAG) or [""]
        if len(flag) + 4 <= FLAG:
            lines.append(f"  {flag:<{FLAG - 2}}{wrapped.pop(0)}")
        else:
            lines += textwrap.wrap(f"  {flag}", WIDTH, subsequent_indent="      ", break_on_hyphens=False)
        lines += [" " * FLAG + line for line in wrapped]
    return [line.rstrip() for line in lines]
