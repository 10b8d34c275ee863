"""How the page is wired to Gradio: events, in the page's language, files to download, the tab that is being built."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr
from gradio.context import Context
from gradio.processing_utils import save_bytes_to_cache

from pocketgan.web.asking import attempt, models_that
from pocketgan.web.gallery import asset
from pocketgan.web.ranking import in_order
from pocketgan.web.site import Site

ONCE: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 4, "api_visibility": "private"}
"""Of events that are answered one by one."""
LIVE: dict[str, Any] = {**ONCE, "trigger_mode": "always_last", "concurrency_limit": 1}
"""Of what follows a slider or a pen: while an answer is on its way, only the latest question waits. Two of one moment
are both asked; they are answered one at a time, so in the order in which they come."""
EACH: dict[str, Any] = {**ONCE, "trigger_mode": "multiple", "concurrency_limit": 1}
"""Of events that all count, in their order: a quick second click is one."""
TAKE = """(file) => {
  if (!file || !file.url) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  document.body.append(link);
  link.click();
  link.remove();
}"""


def wire(
    site: Site,
    event: Callable[..., Any],
    answer: Callable[..., Any],
    inputs: Any = None,
    outputs: Any = None,
    **how: Any,
) -> Any:
    """Lets a function answer an event, in the page's language. Every function of the page is wired here.

    Args:
        site: the page's.
        event: an event of a component, or what takes the place of one: `button.click`, `event.then`, `page.load`.
        answer: the function.
        inputs, outputs: the components that it is given and that it fills.
        **how: what else Gradio is told of the event.

    Returns:
        The event, which another may follow.
    """

    @wraps(answer)
    def in_language(*given: Any) -> Any:
        with site.speaking():
            return answer(*given)

    return event(in_language, inputs, outputs, **how)


def quiet(name: str) -> dict[str, Any]:
    """Returns how events are sent: at once, without a sign of waiting, and called `name` where they are listed."""
    return {"queue": False, "show_progress": "hidden", "api_name": name, "api_visibility": "undocumented"}


def looks() -> dict[str, Any]:
    """Returns what every piece of HTML of these places has: their style sheet alone."""
    return {"css_template": asset("pictures.css"), "apply_default_css": False}


def fills() -> dict[str, Any]:
    """Returns what a piece of HTML has that is empty at times, and takes no room then."""
    return {**looks(), "elem_classes": "pg-fills"}


def known_models(site: Site, *, redraw: bool) -> gr.Dropdown:
    """Returns the choices of a list of models: those that redraw pictures, or those that draw from noise."""
    return gr.Dropdown(in_order(site, models_that(site, redraw=redraw)))


def enclosing_tab() -> gr.Tab | None:
    """Returns the tab that is being built; None outside one."""
    block = Context.block
    while block is not None and not isinstance(block, gr.Tab):
        block = block.parent
    return block


def sends(
    site: Site, button: gr.Button, make: Callable[..., tuple[bytes, str]], inputs: list[Any], message: gr.HTML
) -> None:
    """Lets a button make a file and hand it to the browser, out of the page's own cache.

    Args:
        site: the page's.
        button: which is pressed.
        make: returns the file's content and its name.
        inputs: components that it reads.
        message: where a sentence goes if it can't be made.
    """
    file = gr.DownloadButton(str(button.value), visible="hidden")

    def save(*given: Any) -> tuple[Any, Any]:
        path, message = attempt(lambda: keep(file.GRADIO_CACHE, *make(*given)))
        return gr.DownloadButton(value=path), message or gr.skip()

    wire(site, button.click, save, inputs, [file, message], **ONCE).then(None, file, None, js=TAKE)


def keep(folder: str, content: bytes, name: str) -> str:
    """Writes a file into the page's cache, in a folder called by the hash of its content; returns its path."""
    return save_bytes_to_cache(content, name, folder)


def sent(event: gr.EventData, name: str) -> object:
    """Returns a part of what a browser's event says; None where it says none such."""
    return event._data.get(name) if isinstance(event._data, dict) else None
