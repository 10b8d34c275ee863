"""A look at the chosen data in the *Train* tab, made by the command line in a process of its own. No PyTorch here."""

import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from pocketgan.base.errors import PocketganError, WebError
from pocketgan.base.language import spoken
from pocketgan.config.fields import replace
from pocketgan.config.parts import names
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.web.messages import complaint
from pocketgan.web.site import Site
from pocketgan.web.train.form import flags_of, read, shown

SECONDS = 180
"""Maximum duration of a look."""
READING = (
    "size", "fit", "color", "background", "value_range", "channels_at", "orientation", "labels", "skip_damaged",
    "classes",
)  # fmt: skip
"""Settings that decide what is read from data, which `pocketgan look` takes, too."""


def look_html(site: Site, recipe_name: object, data: object, settings: Mapping[str, object]) -> str:
    """Returns what `pocketgan look` says about data, with its contact sheet, or an error message.

    Args:
        site: the site.
        recipe_name: a recipe.
        data: `mnist`, `stacked-mnist`, or the relative name of a data set below the site's folder.
        settings: the form's values of `READING`.
    """
    try:
        known = (*RECIPES, *names("recipe"))
        name = recipe_name if isinstance(recipe_name, str) and recipe_name in known else "pocket"
        base = recipe(name)
        config = read(site, name, data, shown(base) | dict(settings))
        flags = flags_of(config, replace(base, data=config.data.data))
        with tempfile.TemporaryDirectory(prefix="pocketgan-look-") as folder:
            lines = look(site, config.data.data, ["--recipe", name, *flags], Path(folder))
            sheet = base64.b64encode((Path(folder) / "data.png").read_bytes()).decode()
    except PocketganError as error:
        return complaint(error.reason if isinstance(error, WebError) else str(error), "set-data")
    items = "".join(f"<li>{escape(text)}</li>" for text in lines)
    alt = escape(site.say("contact sheet", data=str(data)))
    return (
        f'<div class="pg-look"><h3>{escape(str(data))}</h3><ul>{items}</ul>'
        f'<img src="data:image/png;base64,{sheet}" alt="{alt}"></div>'
    )


def look(site: Site, place: str, flags: Sequence[str], folder: Path) -> list[str]:
    """Runs `pocketgan look`; returns its lines about the data.

    Raises:
        WebError: it fails, with its message.
    """
    words = [sys.executable, "-m", "pocketgan", "look", place, *flags, "-o", str(folder), "--quiet"]
    environment = {**os.environ, "POCKETGAN_LANG": spoken(), "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(words, capture_output=True, env=environment, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise WebError(site.say("no look")) from None
    if done.returncode:
        message = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [site.say("no look")]
        raise WebError(site.relative(message[0].removeprefix("error: ")))
    return [site.relative(line.strip()) for line in done.stdout.decode("utf-8", "replace").splitlines()[1:-1]]
