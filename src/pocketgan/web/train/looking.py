"""A look at the chosen data in the *Train* tab, made by the command line in a process of its own. No PyTorch here."""

import base64
import os
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

from pocketgan.base.errors import PocketganError, WebError
from pocketgan.base.language import spoken
from pocketgan.config.parts import names
from pocketgan.config.recipes import RECIPES
from pocketgan.web.messages import complaint
from pocketgan.web.site import Site
from pocketgan.web.train.form import place_of

SECONDS = 180
"""Maximum duration of a look."""


def look_html(site: Site, recipe_name: object, data: object) -> str:
    """Returns what `pocketgan look` says about data, with its contact sheet, or an error message.

    Args:
        site: the site.
        recipe_name: a recipe.
        data: `mnist`, `stacked-mnist`, or the relative name of a data set below the site's folder.
    """
    try:
        known = (*RECIPES, *names("recipe"))
        recipe = recipe_name if isinstance(recipe_name, str) and recipe_name in known else "pocket"
        place = place_of(site, data)
        with tempfile.TemporaryDirectory(prefix="pocketgan-look-") as folder:
            lines = look(site, place, recipe, Path(folder))
            sheet = base64.b64encode((Path(folder) / "data.png").read_bytes()).decode()
    except PocketganError as error:
        return complaint(error.reason if isinstance(error, WebError) else str(error), "set-data")
    items = "".join(f"<li>{escape(text)}</li>" for text in lines)
    alt = escape(site.say("contact sheet", data=str(data)))
    return f'<div class="pg-look"><ul>{items}</ul><img src="data:image/png;base64,{sheet}" alt="{alt}"></div>'


def look(site: Site, place: str, recipe: str, folder: Path) -> list[str]:
    """Runs `pocketgan look`; returns its lines about the data.

    Raises:
        WebError: it fails, with its message.
    """
    words = [sys.executable, "-m", "pocketgan", "look", place, "--recipe", recipe, "-o", str(folder), "--quiet"]
    environment = {**os.environ, "POCKETGAN_LANG": spoken(), "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(words, capture_output=True, env=environment, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise WebError(site.say("no look")) from None
    if done.returncode:
        message = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [site.say("no look")]
        raise WebError(message[0].removeprefix("error: "))
    return [line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines()[1:-1]]
