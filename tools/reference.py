"""Writes the pages of the reference that come from the code: commands, settings, the Python interface.

`make docs` does so. With `--check` nothing is written, and the exit code is 1 where a page isn't today's.
"""

import argparse
import inspect
import re
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pocketgan
from pocketgan import metrics
from pocketgan.cli.commands import find
from pocketgan.cli.help_text import EXAMPLES, SECTION_TITLES, help_of, help_of_recipe, unwrapped
from pocketgan.cli.main import COMMANDS, GROUPS, OTHER_NAMES
from pocketgan.config import history
from pocketgan.config.fields import ALIASES, FIELDS, SECTIONS
from pocketgan.config.recipes import RECIPES
from pocketgan.config.sections import RunConfig

METHODS = {
    "Model": ("data", "weights", "label_index", "generate"),
    "ExportedModel": ("open",),
    "Run": (
        "open",
        "status",
        "is_finished",
        "stats",
        "metrics",
        "events",
        "best",
        "checkpoints",
        "samples",
        "decisions",
    ),
    "Study": ("open", "seeds", "results", "figures", "verdict", "table"),
    "Recorder": ("step", "stop", "training_data", "aside", "folder", "run"),
    "Judge": ("score",),
    "Evaluation": ("to_json", "scores"),
}
"""What people use of each class; the rest is for the engine."""
RECEIVED = ("RunConfig", "Recorder", "StudyConfig", "Evaluation", "Figure", "FeatureSpace")
"""Classes whose objects people receive and don't make, so that their page needs no signature."""
FOLDER = Path(__file__).parent.parent / "docs" / "reference"


def commands_page() -> str:
    """Returns the page of commands: each with its help, as `pocketgan COMMAND -h` prints it."""
    lines = [
        "# Command line",
        "",
        "This page lists every command and flag of `pocketgan`, for everyone who uses it in a terminal. Each block is "
        "what `pocketgan COMMAND -h` prints.",
        "",
        "A run or an exported model is named by its folder. Its name alone is enough if it is in `runs` or `models`. "
        "[Exit codes and environment variables](exit-codes.md) are on a page of their own, and so are all "
        "[settings](settings.md).",
    ]
    for group, names in GROUPS.items():
        lines += ["", f"## {group}"]
        for name in names:
            others = [other for other, target in OTHER_NAMES.items() if target == name and not other.startswith("-")]
            also = f" Also `pocketgan {'`, `pocketgan '.join(others)}`." if others else ""
            about = COMMANDS[name][1]
            lines += ["", f"### pocketgan {name}", "", f"{about[0].upper()}{about[1:]}.{also}", "", "```text"]
            if name in EXAMPLES:
                lines += [help_of_recipe(name, None, everything=False)]
            else:
                lines += [help_of(name, find(name))]
            lines += ["```"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Returns the page of settings: each with its help, its values, its other names and its default in each recipe."""
    lines = [
        "# Settings",
        "",
        "This page lists every setting of a run, for everyone who trains or compares. A setting is a flag of "
        "`pocketgan train` (`batch_size` is `--batch-size`), a keyword of `pocketgan.train`, and a factor of a study.",
        "",
        "Where recipes differ, a table shows each recipe's default. `pocketgan train RECIPE --dry-run` prints all of "
        "them for one recipe.",
        "",
        "## General",
        *setting("seed", {name: make().seed for name, make in RECIPES.items()}, RunConfig),
    ]
    for section in SECTIONS:
        lines += ["", f"## {SECTION_TITLES[section]}"]
        model = type(RunConfig.model_fields[section].default)
        for name in (name for name in FIELDS if FIELDS[name] == section):
            defaults = {recipe: getattr(getattr(make(), section), name) for recipe, make in RECIPES.items()}
            lines += setting(name, defaults, model)
    return "\n".join(lines) + "\n"


def setting(name: str, defaults: dict[str, Any], model: Any) -> list[str]:
    """Returns a setting's entry."""
    info = model.model_fields[name]
    kind, _, _ = unwrapped(get_type_hints(model, include_extras=True)[name], name)
    lines = ["", f"### {name}", "", " ".join((info.description or "").split())]
    facts = []
    if get_origin(kind) is Literal:
        facts.append("Values: " + ", ".join(f"`{value}`" for value in get_args(kind)))
    hint = get_type_hints(model, include_extras=True)[name]
    numbers = [part for part in get_args(hint) if get_origin(part) is Annotated][:1]
    parts = [*info.metadata, *(one for part in numbers for field in part.__metadata__ for one in field.metadata)]
    limits = [
        f"{words} {getattr(one, sign)}"
        for one in parts
        for sign, words in (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"))
        if hasattr(one, sign)
    ]
    if limits:
        facts.append("Limits: " + ", ".join(limits))
    old = [former for former, (field, _) in history.RENAMED.items() if field == name]
    others = [alias for alias, (field, _) in ALIASES.items() if field == name] + old
    if others:
        facts.append("Other names: " + ", ".join(f"`{other}`" for other in others))
    values = list(dict.fromkeys(map(shown, defaults.values())))
    if len(values) == 1:
        facts.append(f"Default: {values[0]}")
    lines += ["", *(f"- {fact}" for fact in facts)] if facts else []
    if len(values) > 1:
        lines += ["", f"| {' | '.join(defaults)} |", f"|{' --- |' * len(defaults)}"]
        lines += [f"| {' | '.join(map(shown, defaults.values()))} |"]
    return lines


def shown(value: object) -> str:
    """Returns a default as the page shows it."""
    if value is None:
        return "none"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def python_page() -> str:
    """Returns the page of the Python interface: every public name with its signature and docstring."""
    lines = [
        "# Python interface",
        "",
        "This page lists every public name of the package, for everyone who uses Pocketgan from Python or a notebook. "
        "All of them are attributes of `pocketgan`, and those for measuring images are attributes of "
        "[`pocketgan.metrics`](#metrics).",
        "",
        "`RECIPES` maps each recipe's name to the function that makes its configuration.",
    ]
    functions, classes, errors = kinds(pocketgan)
    for title, group in (("Functions", functions), ("Classes", classes), ("Errors", errors)):
        lines += ["", f"## {title}"]
        for name in group:
            lines += entry(name, getattr(pocketgan, name), "###")
    lines += ["", "## Metrics", "", *formatted(inspect.getdoc(metrics) or ""), ""]
    lines += [
        "An `Array` is any of these. [Metrics](metrics.md) explains each score, and "
        "[Measure in your own loop](../how-to/measure-in-your-own-loop.md) shows how to use them. `METRICS` maps the "
        "name of each metric, as `evaluate` and `Judge` take it, to its `Metric`.",
    ]
    functions, classes, _ = kinds(metrics)
    for name in (*classes, *functions):
        lines += entry(name, getattr(metrics, name), "###")
    return "\n".join(lines) + "\n"


def kinds(module: Any) -> tuple[list[str], list[str], list[str]]:
    """Returns the public functions, classes and errors of a module."""
    names = [name for name in module.__all__ if name != "__version__"]
    functions = [name for name in names if inspect.isfunction(getattr(module, name))]
    errors = [name for name in names if is_error(getattr(module, name))]
    return functions, [n for n in names if inspect.isclass(getattr(module, n)) and n not in errors], errors


def is_error(thing: object) -> bool:
    """Returns whether something is a kind of error."""
    return inspect.isclass(thing) and issubclass(thing, Exception)


def entry(name: str, thing: Any, level: str) -> list[str]:
    """Returns a name's heading, signature and docstring, and those of a class's public methods."""
    lines = ["", f"{level} {name}", ""]
    if not is_error(thing) and name not in RECEIVED:
        lines += ["```python", signature(name, thing), "```", ""]
    lines += formatted(inspect.getdoc(thing) or "")
    if inspect.isclass(thing) and not is_error(thing):
        for method, value in vars(thing).items():
            plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if method in METHODS.get(name, ()):
                lines += ["", f"#### {name}.{method}", ""]
                if inspect.isfunction(plain):
                    lines += ["```python", signature(method, plain), "```", ""]
                lines += formatted(inspect.getdoc(plain) or "")
    return lines


def signature(name: str, thing: Any) -> str:
    """Returns a call's signature, with one argument a line where it is long."""
    found = inspect.signature(thing)
    parts, marked = [], False
    for one in found.parameters.values():
        if one.kind is one.KEYWORD_ONLY and not marked:
            parts.append("*")
        marked = marked or one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        star = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        kind = "" if one.annotation is one.empty else f": {annotation(one.annotation)}"
        usual = "" if one.default is one.empty else f" = {one.default!r}"
        parts.append(f"{star}{one.name}{kind}{usual}")
    after = "" if found.return_annotation in (found.empty, None) else f" -> {annotation(found.return_annotation)}"
    whole = f"{name}({', '.join(parts)}){after}"
    return whole if len(whole) <= 90 else "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){after}"])


def annotation(hint: Any) -> str:
    """Returns a type as the source has it, without the places of its names; only texts in `Literal` keep quotes."""
    text = hint if isinstance(hint, str) else inspect.formatannotation(hint)
    text = re.sub(r"[a-z_][\w.]*\.(\w+)", r"\1", text)
    return re.sub(r"(Literal\[[^]]*\])|'", lambda found: (found[1] or "").replace("'", '"'), text)


def formatted(text: str) -> list[str]:
    """Returns a docstring in Google's style as Markdown."""
    lines, section = [], ""
    for line in text.splitlines():
        title = re.fullmatch(r"(Args|Attributes|Returns|Raises|Yields|Example):", line)
        if title and title[1] == "Example":  # It is the last section.
            example = textwrap.dedent("\n".join(text.splitlines()[text.splitlines().index(line) + 1 :]))
            return [*lines, "**Example**", "", "```pycon", *example.splitlines(), "```"]
        if title:
            section = title[1]
            lines += [f"**{section.replace('Args', 'Arguments')}**", ""]
        elif section not in ("", "Returns", "Yields") and (item := re.match(r" {4}([\w*][\w*, ]*): (.*)", line)):
            lines.append(f"- `{item[1]}`: {item[2]}")
        elif section and line.strip():
            lines.append(f"  {line.strip()}" if lines[-1].startswith(("- ", "  ")) else line.strip())
        else:
            section = "" if line.strip() else section
            lines.append(line)
    return lines


PAGES = {"command-line.md": commands_page, "settings.md": settings_page, "python-api.md": python_page}


def main() -> int:
    """Writes the pages, or checks them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page isn't today's")
    check, stale = parser.parse_args().check, 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        path, text = FOLDER / name, make()
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale += 1
            print(f"{path.name} isn't today's; `make docs` writes it")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
