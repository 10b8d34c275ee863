"""The place in the *Train* tab where one's own images are chosen or dropped."""

import re
from html import escape

from pocketgan.web.site import UPLOADS, Site
from pocketgan.web.train.incoming import MOST_BYTES
from pocketgan.web.train.names import ACCEPTED, IDX

STATES = {"uploading": "uploading", "unpacking": "unpacking", "looking": "looking", "failed": "upload failed"}
"""Texts that the script shows, by the names of their attributes."""


def bring_html(site: Site) -> str:
    """Returns the area for dropping files, with its buttons and its progress bar."""
    parts = {"uploading": {"share": "{share}", "files": "{files}"}}
    texts = "".join(
        f' data-{name}="{escape(site.say(key, **parts.get(name, {})))}"' for name, key in STATES.items()
    )  # fmt: skip
    accepted = "|".join([*(re.escape(ending) + "$" for ending in ACCEPTED), IDX.pattern])
    help_text = escape(site.say("own data help", most=MOST_BYTES // 1_000_000_000, folder=UPLOADS))
    return f"""<div class="bring" data-accepted="{escape(accepted)}"{texts}>
<h3>{escape(site.say("own data"))}</h3>
<p class="hint">{help_text}</p>
<div class="tools">
<label class="plain">{escape(site.say("choose files"))}<input type="file" multiple></label>
<label class="plain">{escape(site.say("choose folder"))}<input type="file" webkitdirectory></label>
<button type="button" class="plain" data-cancel>{escape(site.say("upload cancel"))}</button></div>
<progress max="100" value="0" aria-label="{escape(site.say("own data"))}"></progress>
<p class="bring-state" role="status"></p></div>"""
