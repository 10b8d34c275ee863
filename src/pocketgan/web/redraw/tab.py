"""The *Translate* tab: image-to-image translation of a drawing, a file or a test image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from pocketgan.web.asking import are_digits, attempt, first_ready, models_that, open_model
from pocketgan.web.create_words import say
from pocketgan.web.gallery import asset, heading, note
from pocketgan.web.ranking import in_order
from pocketgan.web.redraw.redrawing import (
    Source,
    classes_of,
    drawing,
    nothing_html,
    pad_html,
    redrawn_html,
    test_image,
    uploaded,
)
from pocketgan.web.site import Site
from pocketgan.web.wiring import LIVE, ONCE, enclosing_tab, known_models, looks, sent, wire


@dataclass
class Parts:
    """Components of the tab that events read or change."""

    model: Any
    label: Any
    index: Any
    take: Any
    pad: Any
    result: Any
    source: Any


def build_redraw(site: Site) -> dict[str, Any]:
    """Builds the content of the tab; returns the choices stored in the address: the model."""
    parts = lay_out()
    answer_events(site, parts)
    return {"run": parts.model}


def lay_out() -> Parts:
    """Builds the layout: the drawing area on the left; the translation and the choice of test images on the right."""
    source = gr.State(None)
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            model = gr.Dropdown([], label=say("model"), elem_id="redraw-model")
            pad = gr.HTML("", html_template=pad_html(), js_on_load=asset("pad.js"), elem_id="redraw-pad", **looks())
        with gr.Column(scale=3, min_width=300):
            result = gr.HTML(nothing_html(), elem_id="redraw-result", **looks())
            gr.HTML(heading(say("test image")), **looks())
            label = gr.Dropdown([], label=say("digit"), elem_id="redraw-label")
            index = gr.Number(1, label=say("test number"), elem_id="redraw-index")
            take = gr.Button(say("test go"), size="sm")
    return Parts(model, label, index, take, pad, result, source)


def answer_events(site: Site, parts: Parts) -> None:
    """Translates every new picture, and the current one again when another model is chosen."""
    shown = [parts.result, parts.source]

    def answer(name: object, make: Callable[[], Source | None]) -> tuple[str, Any]:
        def both() -> tuple[str, Source | None]:
            source = make()
            return redrawn_html(site, name, source), source

        made, message = attempt(both)
        return (message, None) if made is None else made

    def draw(name: object, pixels: object) -> tuple[str, Any]:
        return answer(name, lambda: drawing(pixels))

    def file(name: object, event: gr.EventData) -> tuple[str, Any]:
        return answer(name, lambda: uploaded(sent(event, "path"), get_upload_folder()))

    def test(name: object, label: object, index: object) -> tuple[str, Any]:
        return answer(name, lambda: test_image(site, name, label, index))

    def opened(name: object, source: Source | None) -> tuple[Any, Any, Any]:
        if not name and not models_that(site, redraw=True):
            return gr.skip(), note(say("no redraw models")), None
        made, message = attempt(lambda: choices_of(site, name))
        if made is None:
            return gr.skip(), message, None
        return made, *answer(name, lambda: source if source is None or source.kind != "test" else None)

    def arrived(name: object) -> tuple[Any, Any, Any]:
        site.forget()
        known = in_order(site, models_that(site, redraw=True))
        message = gr.skip() if known else note(say("no redraw models"))
        return gr.Dropdown(known, value=first_ready(site, known, name)), message, gr.Button(interactive=bool(known))

    tab = enclosing_tab()
    if tab is not None:
        wire(site, tab.select, arrived, parts.model, [parts.model, parts.result, parts.take], **ONCE)
    wire(site, parts.model.focus, lambda: known_models(site, redraw=True), None, parts.model, **ONCE)
    wire(site, parts.model.change, opened, [parts.model, parts.source], [parts.label, *shown], **ONCE)
    wire(site, parts.pad.draw, draw, [parts.model, parts.pad], shown, **LIVE)
    wire(site, parts.pad.file, file, parts.model, shown, **ONCE)
    for event in (parts.take.click, parts.index.submit):
        wire(site, event, test, [parts.model, parts.label, parts.index], shown, **ONCE)


def choices_of(site: Site, name: object) -> Any:
    """Returns the choice of a class of test images for a model.

    Raises:
        UserError: there is no such model.
    """
    model = open_model(site, name, redraw=True)
    known = list(classes_of(model))
    own = model.facts.class_names[0] if model.facts.class_names else None
    title = say("digit") if are_digits(known) else say("class")
    return gr.Dropdown(known, value=own, label=title, visible=bool(known))
