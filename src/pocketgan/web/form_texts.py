"""Help texts of recipes and settings in the form, taken from the same docstrings as the command line's help."""

import inspect
import re

from pocketgan.base.language import Text
from pocketgan.config.fields import SECTIONS
from pocketgan.config.recipes import RECIPES
from pocketgan.config.sections import RunConfig


def helps() -> dict[str, Text]:
    """Returns the help text of every setting, `help <name>`, from the docstrings of the configuration.

    The data is excluded: in the browser interface, it is chosen from a list.
    """
    results: dict[str, Text] = {"help seed": plain(RunConfig.model_fields["seed"].description or "")}
    for section in SECTIONS:
        model = type(RunConfig.model_fields[section].default)
        results |= {f"help {name}": plain(field.description or "") for name, field in model.model_fields.items()}
    return {key: text for key, text in results.items() if key != "help data"}


def plain(text: str) -> str:
    """Returns a docstring as one line, without its remarks on other names of a flag."""
    return re.sub(r"\s*Also `--.*$", "", " ".join(text.split()))


def recipe_texts() -> dict[str, Text]:
    """Returns the description of each recipe, `recipe <name>`, from its docstring."""
    return {f"recipe {name}": " ".join((inspect.getdoc(make) or "").split()) for name, make in RECIPES.items()}


FORM: dict[str, Text] = {**helps(), **recipe_texts()}
