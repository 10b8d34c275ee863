"""Helpers for Gradio: events in the interface's language, files to download, and the tab being built."""

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
"""Options of events that are answered one by one."""
LIVE: dict[str, Any] = {**ONCE, "trigger_mode": "always_last", "concurrency_limit": 1}
"""Options of events that follow a slider or a pen: while a request is in progress, only the latest one waits.

Two simultaneous requests are both sent; they are answered one at a time, in order of arrival.
"""
EACH: dict[str, Any] = {**ONCE, "trigger_mode": "multiple", "concurrency_limit": 1}
"""Options of events that all count, in order: a quick second click is a separate event."""
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
    """Connects a function to an event, in the interface's language. All event handlers are connected here.

    Args:
        site: the site.
        event: an event of a component, or an equivalent: `button.click`, `event.then`, `page.load`.
        answer: the function.
        inputs, outputs: the components that the function reads and updates.
        **how: further options of the event for Gradio.

    Returns:
        The event, which another event may follow.
    """

    @wraps(answer)
    def in_language(*given: Any) -> Any:
        with site.speaking():
            return answer(*given)

    return event(in_language, inputs, outputs, **how)


def quiet(name: str) -> dict[str, Any]:
    """Returns the options of events that are sent at once, without a progress indicator, and listed as `name`."""
    return {"queue": False, "show_progress": "hidden", "api_name": name, "api_visibility": "undocumented"}


def looks() -> dict[str, Any]:
    """Returns the options of every HTML component in these tabs: only their own style sheet."""
    return {"css_template": asset("pictures.css"), "apply_default_css": False}


def fills() -> dict[str, Any]:
    """Returns the options of an HTML component that takes no room while it is empty."""
    return {**looks(), "elem_classes": "pg-fills"}


def known_models(site: Site, *, redraw: bool) -> gr.Dropdown:
    """Returns the choices in a list of models: those that translate pictures, or those that generate from noise."""
    return gr.Dropdown(in_order(site, models_that(site, redraw=redraw)))


def enclosing_tab() -> gr.Tab | None:
    """Returns the tab that is being built, or None outside a tab."""
    block = Context.block
    while block is not None and not isinstance(block, gr.Tab):
        block = block.parent
    return block


def sends(
    site: Site, button: gr.Button, make: Callable[..., tuple[bytes, str]], inputs: list[Any], message: gr.HTML
) -> None:
    """Connects a button to a file download from the interface's own cache.

    Args:
        site: the site.
        button: the button.
        make: returns the file's content and name.
        inputs: components that `make` reads.
        message: component for an error message.
    """
    file = gr.DownloadButton(str(button.value), visible="hidden")

    def save(*given: Any) -> tuple[Any, Any]:
        path, message = attempt(lambda: keep(file.GRADIO_CACHE, *make(*given)))
        return gr.DownloadButton(value=path), message or gr.skip()

    wire(site, button.click, save, inputs, [file, message], **ONCE).then(None, file, None, js=TAKE)


def keep(folder: str, content: bytes, name: str) -> str:
    """Writes a file into the interface's cache, in a folder named by the hash of the content; returns its path."""
    return save_bytes_to_cache(content, name, folder)


def sent(event: gr.EventData, name: str) -> object:
    """Returns a field of a browser's event, or None if the event lacks it."""
    return event._data.get(name) if isinstance(event._data, dict) else None
