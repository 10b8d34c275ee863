"""The server of the browser interface: for this machine only, or with a password for others."""

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from importlib import resources
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from gradio.themes import Base

from pocketgan.base.charts.files import DARK, LIGHT, SCRIPT, STYLE
from pocketgan.base.errors import WebError
from pocketgan.base.language import say, speaking
from pocketgan.web.page import build_page
from pocketgan.web.serve.ending import Server
from pocketgan.web.serve.guard import App, Guard, Receive, Scope, Send, is_loopback
from pocketgan.web.serve.heap import limit_heap
from pocketgan.web.serve.routes import add_routes
from pocketgan.web.site import Site
from pocketgan.web.words import WORDS

PORT = 7860
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LARGEST_FILE = "20mb"
SCRIPTS = ("streams.js", "places.js", "moments.js", "dropdowns.js", "messages.js", "page.js", "compare.js")


def make_app(site: Site, *, host: str = "127.0.0.1", password: str | None = None) -> App:
    """Returns the browser interface as an ASGI application with access control.

    Args:
        site: the site.
        host: the host to serve on; any host name is accepted unless this is a loopback address.
        password: the password for visitors.

    Raises:
        WebError: other machines could access the interface, and there is no password.
    """
    if not is_loopback(host) and not password:
        raise WebError(site.say("needs password", host=host), field="host")
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add_routes(app, site)
    page = build_page(site)
    gr.mount_gradio_app(
        app, page, path="/", ssr_mode=False, footer_links=[], run_history=False, pwa=False, show_error=False,
        max_file_size=LARGEST_FILE, theme=theme(), head=head(site), mcp_server=False,
    )  # fmt: skip
    names = LOOPBACK | {host.strip("[]").lower()} if is_loopback(host) else frozenset()
    guard = Guard(app, frozenset(names), password or None, str(Path(page.GRADIO_CACHE).resolve()))
    return in_language(guard, site.language)


def in_language(app: App, language: str) -> App:
    """Returns an application that answers every request in a language."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        with speaking(language):
            await app(scope, receive, send)

    return answer


def theme() -> Base:
    """Returns the Gradio theme of the interface, with the fonts of the operating system."""
    letters = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
    even = ("ui-monospace", "Consolas", "Menlo", "monospace")
    colours = {"primary_hue": "blue", "secondary_hue": "blue", "neutral_hue": "slate"}
    base = Base(**colours, font=list(letters), font_mono=list(even), radius_size="sm", text_size="md")
    faint = {"body_text_color_subdued": "*neutral_600", "body_text_color_subdued_dark": "*neutral_300"}
    return base.set(
        **faint, block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_300",
        input_placeholder_color="*neutral_600", input_placeholder_color_dark="*neutral_300",
        button_primary_background_fill="*primary_700", button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800", button_primary_background_fill_hover_dark="*primary_600",
    )  # fmt: skip


def head(site: Site) -> str:
    """Returns the content of the page's head: the language, which Gradio reads from the browser, CSS and scripts.

    The CSS isn't passed to Gradio, which splits style sheets at every comma, including those inside brackets.
    """
    tell = f"""<script>(() => {{
const language = {json.dumps(site.language)};
for (const [name, value] of [["language", language], ["languages", [language]]])
  Object.defineProperty(navigator, name, {{ get: () => value, configurable: true }});
document.documentElement.lang = language;
new MutationObserver(() => {{
  if (document.documentElement.lang !== language) document.documentElement.lang = language;
}}).observe(document.documentElement, {{ attributes: true, attributeFilter: ["lang"] }});
}})();</script>"""
    charts = f".gradio-container {{{LIGHT}}}.dark .gradio-container {{{DARK}}}.gradio-container .contain {{{STYLE}}}"
    looks = f"<style>{charts}{text('page.css')}</style>"
    scripts = "".join(f"<script>{script}</script>" for script in (SCRIPT, *map(text, SCRIPTS)))
    return f'{tell}<meta name="color-scheme" content="light dark">{looks}{scripts}'


def text(name: str) -> str:
    """Returns the text of a file of the package `web`."""
    return resources.files("pocketgan.web").joinpath(name).read_text(encoding="utf-8")


def serve(
    site: Site,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    password: str | None = None,
    ready: Callable[[], object] = lambda: None,
) -> None:
    """Serves the browser interface until it is stopped; runs in training continue.

    Args:
        site: the site.
        host, port: the address to serve on.
        password: the password for visitors.
        ready: called once the interface is reachable.

    Raises:
        WebError: this address can't be used; the message gives the reason.
    """
    limit_heap()
    app = make_app(site, host=host, password=password)
    with listening(host, port) as place, suppress(KeyboardInterrupt):
        ready()
        Server(app, site.end).run(sockets=[place])
    site.worker.end()


def listening(host: str, port: int) -> socket.socket:
    """Returns a listening socket.

    Raises:
        WebError: the address can't be used; the message gives the reason.
    """
    place = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        place.bind((host.strip("[]"), port))
        place.listen(128)
    except (OSError, OverflowError) as error:
        place.close()
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise WebError(say(WORDS, "port taken", host=host, port=str(port), why=why), field="port") from None
    return place
