"""The command that serves the web page."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import tyro

from pocketgan.errors import WebError
from pocketgan.language import check_language, spoken


def ui(
    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")] = Path(),
    host: str = "127.0.0.1",
    port: int = 7860,
    lang: str | None = None,
    password: str | None = None,
) -> int:
    """The web page: train, create, redraw and compare, in a browser (needs the extra web).

    Args:
        folder: where the runs, models and studies are, at any depth; new runs go into runs in it. By default here.
        host: the address to serve at; others than this machine's own need a password.
        port: the port to serve at.
        lang: the page's language: en, uk, ru, ko or zh-TW; by default POCKETGAN_LANG, or English.
        password: what visitors must type, under any name.
    """
    if find_spec("gradio") is None:
        raise WebError("ui: the page needs Gradio; pip install 'pocketgan[web]'")
    from pocketgan.web.server import serve
    from pocketgan.web.site import Site

    site = Site(folder, check_language(lang or spoken()))
    where = f"[{host}]" if ":" in host and not host.startswith("[") else host
    serve(site, host=host, port=port, password=password, ready=lambda: print(f"http://{where}:{port}", flush=True))
    return 0
