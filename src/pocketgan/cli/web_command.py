"""The command that serves the web page."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from pocketgan.base.errors import WebError, check_language
from pocketgan.base.language import speaking, spoken

if TYPE_CHECKING:
    from pocketgan.web.site import Site


def ui(
    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="[DIR]")] = Path(),
    host: str = "127.0.0.1",
    port: int = 7860,
    lang: str | None = None,
    password: str | None = None,
) -> int:
    """Serve the browser interface: train, create, translate and compare (needs the extra web).

    Args:
        folder: where runs, models and studies are, at any depth; new runs go into its folder runs. By default here.
        host: address to serve at; any but this computer's own needs a password.
        port: port to serve at.
        lang: language: en, uk, ru, ko or zh-TW; by default POCKETGAN_LANG, or English.
        password: password that visitors must type, with any user name.
    """
    if find_spec("gradio") is None:
        raise WebError("no gradio", field="ui")
    from pocketgan.web.serve.server import serve
    from pocketgan.web.site import Site

    with speaking(check_language(lang or spoken())):
        site = Site(folder, spoken())
        where = f"[{host}]" if ":" in host and not host.startswith("[") else host

        def ready() -> None:
            print(f"http://{where}:{port}", flush=True)
            print(site.say("serves", folder=site.folder), file=sys.stderr)

        serve(site, host=host, port=port, password=password, ready=ready)
        print(last_words(site), file=sys.stderr)
    return 0


def last_words(site: "Site") -> str:
    """Returns what is said when the page has ended: what goes on without it, and what never began."""
    going = len(site.starts.under_way("train", "resume", "evaluate"))
    waiting = len(site.trainings.names()) + len(site.evaluations.names())
    sentences = [site.say("page ended")]
    sentences += [site.say("goes on", count=going)] if going else []
    sentences += [site.say("never began", count=waiting)] if waiting else []
    return " ".join(sentences)
