"""The *Create* tab: pictures from a run or an exported model, and actions on them."""

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from pocketgan.web.asking import (
    DIRECTIONS,
    MOST,
    MOST_SEED,
    Chosen,
    Shown,
    are_digits,
    asked_for,
    attempt,
    first_ready,
    labels_of,
    models_that,
    open_model,
)
from pocketgan.web.create import keeping
from pocketgan.web.create.creating import along_html, draw, look, remember, walk_html, walk_note
from pocketgan.web.create_words import say
from pocketgan.web.gallery import asset, heading, note
from pocketgan.web.ranking import in_order
from pocketgan.web.site import Site
from pocketgan.web.wiring import EACH, LIVE, ONCE, enclosing_tab, fills, known_models, looks, sends, sent, wire

FARTHEST = 3
"""Largest step along a direction in standard deviations, to each side."""


@dataclass
class Parts:
    """Components of the tab that events read or change."""

    shown: gr.State
    chosen: gr.State
    model: Any = None
    label: Any = None
    count: Any = None
    seed: Any = None
    truncation: Any = None
    steps: list[Any] = field(default_factory=list)
    message: Any = None
    grid: Any = None
    details: Any = None
    along: Any = None
    chosen_note: Any = None
    walk: Any = None
    text: Any = None
    written: Any = None
    buttons: dict[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> list[Any]:
        """The components that determine the pictures."""
        return [self.model, self.label, self.count, self.seed, self.truncation, self.chosen, *self.steps]


def build_create(site: Site) -> dict[str, Any]:
    """Builds the content of the tab; returns the choices stored in the address: the model and the seed."""
    parts = Parts(shown=gr.State(None), chosen=gr.State(()))
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            lay_out_settings(parts)
        with gr.Column(scale=5, min_width=320):
            lay_out_pictures(parts)
    follow(site, parts)
    act(site, parts)
    send_files(site, parts)
    return {"run": parts.model, "seed": parts.seed}


def lay_out_settings(parts: Parts) -> None:
    """Builds the left column with the settings."""
    parts.model = gr.Dropdown([], label=say("model"), elem_id="create-model")
    parts.label = gr.Dropdown([], label=say("digit"), visible=False, allow_custom_value=True, elem_id="create-label")
    parts.count = gr.Slider(1, MOST, 64, step=1, label=say("count"), buttons=[], elem_id="create-count")
    parts.seed = gr.Number(0, label=say("seed"), info=say("seed help"), elem_id="create-seed")
    parts.buttons["another"] = gr.Button(say("another seed"), size="sm")
    told: dict[str, Any] = {"label": say("truncation"), "info": say("truncation help")}
    parts.truncation = gr.Slider(0, 1, 1, step=0.01, buttons=[], elem_id="create-truncation", **told)
    with gr.Accordion(say("directions"), open=False, elem_id="create-directions"):
        gr.HTML(note(say("directions help")), **looks())
        for number in range(DIRECTIONS):
            label = say("direction", number=number + 1)
            parts.steps.append(gr.Slider(-FARTHEST, FARTHEST, 0, step=0.1, label=label, buttons=[]))
        parts.buttons["middle"] = gr.Button(say("back to the middle"), size="sm")
    for slider in (parts.count, parts.truncation, *parts.steps):
        without_check(slider)


def without_check(slider: gr.Slider) -> None:
    """Leaves it to `asked_for` to refuse what can be typed beside a slider: Gradio's own errors are in English."""

    def as_typed(payload: float) -> float:
        return payload

    slider.preprocess = as_typed


def lay_out_pictures(parts: Parts) -> None:
    """Builds the right column with the pictures and the actions on them."""

    def row(needs: str = "", /, **names: str) -> None:
        with gr.Row(elem_classes=["pg-buttons", *([f"pg-needs-{needs}"] if needs else [])]):
            for name, text in names.items():
                parts.buttons[name] = gr.Button(say(text), size="sm", scale=0, min_width=150)

    parts.message = gr.HTML("", elem_id="create-message", **fills())
    parts.grid = gr.HTML("", js_on_load=asset("gallery.js"), elem_id="create-grid", **fills())
    row("grid", png="download png", npz="download npz")
    hint = note(say("choose a picture"))
    parts.details = gr.HTML(hint, js_on_load=asset("copying.js"), elem_id="create-details", **looks())
    row("picture", latent="download latent", along="along go")
    parts.along = gr.HTML("", elem_id="create-along", **fills())
    parts.chosen_note = gr.HTML(walk_note(()), elem_id="create-chosen", **looks())
    row("two", walk="walk go", gif="download gif")
    parts.walk = gr.HTML("", elem_id="create-walk", **fills())
    gr.HTML(heading(say("write")), **looks())
    parts.text = gr.Textbox("2026", label=say("write text"), max_lines=1, elem_id="create-text")
    row("grid", write="write go", text="download png")
    parts.written = gr.HTML("", elem_id="create-written", **fills())


# Updates after a setting.


def drawing(site: Site, parts: Parts) -> dict[str, Any]:
    """Returns the arguments of an event that generates the requested pictures, unless they are already shown."""

    def redraw(
        shown: Shown | None,
        name: object,
        label: object,
        count: object,
        seed: object,
        truncation: object,
        chosen: Any,
        *steps: object,
    ) -> tuple[str, Any, Any]:
        """Returns an error message, the grid, and the pictures shown."""
        if not name and not models_that(site, redraw=False):
            return note(say("no noise models")), "", None

        def make() -> tuple[Any, Any]:
            asked, model = asked_for(site, name, label, count, seed, truncation, steps)
            there = shown is not None and shown.asked == asked
            return (gr.skip(), gr.skip()) if there else draw(site, asked, model, chosen)

        made, message = attempt(make)
        return (message, gr.skip(), gr.skip()) if made is None else ("", *made)

    outputs = [parts.message, parts.grid, parts.shown]
    return {"answer": redraw, "inputs": [parts.shown, *parts.asked], "outputs": outputs, **LIVE}


def follow(site: Site, parts: Parts) -> None:
    """Generates the pictures again whenever a setting changes."""
    how = drawing(site, parts)

    def drawn_after(event: Any) -> None:
        # Requested again after the answer, which has an effect only if a setting has changed since: of two simultaneous
        # requests, the later one may arrive first.
        wire(site, wire(site, event.then, **how).then, **how)

    settings = [parts.count, parts.seed, parts.truncation, *parts.steps]
    # One event for all settings, so that the latest change waits for the previous answer. A drop-down's `input` occurs
    # twice per choice, its `change` once, also after a mixture was typed.
    set_one = functools.partial(gr.on, [parts.label.change, *(setting.input for setting in settings)])
    wire(site, wire(site, set_one, **how).then, **how)
    another, middle = parts.buttons["another"], parts.buttons["middle"]
    drawn_after(wire(site, another.click, lambda: random.randrange(MOST_SEED), None, parts.seed, **ONCE))
    drawn_after(wire(site, middle.click, lambda: [0] * DIRECTIONS, None, parts.steps, **ONCE))
    drawn_after(opens(site, parts))
    finds(site, parts)


def opens(site: Site, parts: Parts) -> Any:
    """Updates the settings when a model is chosen; returns the event."""
    cleared = (parts.along, parts.walk, parts.written)
    changed = [parts.message, parts.grid, parts.label, parts.shown, parts.chosen, parts.details, parts.chosen_note]

    def opened(name: object, *steps: object) -> list[Any]:
        """Returns the updates for a newly chosen model, in the order of `changed`, `cleared` and the steps."""
        made, message = attempt(lambda: choices_of(site, name)) if name else (None, "")
        hint, nothing = note(say("choose a picture")), walk_note(())
        # The old pictures stay until the new ones arrive, and a click still applies to the old ones.
        grid, label, shown = ("", gr.skip(), None) if made is None else (gr.skip(), made, gr.skip())
        # Sliders at 0 aren't updated: Gradio stores the update of a slider that wasn't unfolded yet, and would
        # overwrite a value set right after unfolding.
        middle = [0 if step else gr.skip() for step in steps]
        return [message, grid, label, shown, (), hint, nothing, *[""] * len(cleared), *middle]

    outputs = [*changed, *cleared, *parts.steps]
    return wire(site, parts.model.change, opened, [parts.model, *parts.steps], outputs, **ONCE)


def finds(site: Site, parts: Parts) -> None:
    """Updates the list of models when the tab is opened and when the list is opened."""

    def arrived(name: object) -> tuple[Any, Any]:
        site.forget()
        known = in_order(site, models_that(site, redraw=False))
        message = "" if known else note(say("no noise models"))
        return gr.Dropdown(known, value=first_ready(site, known, name)), message

    tab = enclosing_tab()
    if tab is not None:
        wire(site, tab.select, arrived, parts.model, [parts.model, parts.message], **ONCE)
    wire(site, parts.model.focus, lambda: known_models(site, redraw=False), None, parts.model, **ONCE)


def choices_of(site: Site, name: object) -> Any:
    """Returns the choice of a class, or of numbers, for a model, hidden for an unconditional model.

    Raises:
        UserError: there is no such model.
    """
    model = open_model(site, name, redraw=False)
    known = labels_of(model)
    numbers = bool(model.facts.condition_names)
    choices = [(say("as in training" if numbers else "all in turn"), ""), *((label, label) for label in known)]
    title = say("values") if numbers else say("digit") if are_digits(known) else say("class")
    example = ",".join(f"{name}:{share}" for name, share in zip(known[:2], (0.7, 0.3), strict=False))
    return gr.Dropdown(choices, value="", label=title, info=say("mixture help", example=example), visible=bool(known))


# Actions on pictures.


def act(site: Site, parts: Parts) -> None:
    """Connects the events for details, interpolation and writing."""

    def choose(shown: Shown | None, chosen: tuple[Chosen, ...], event: gr.EventData) -> Any:
        index = sent(event, "index")
        if shown is None or not isinstance(index, int) or not 0 <= index < shown.asked.count:
            return [gr.skip()] * 4
        after = remember(chosen, Chosen(shown, index))
        made, message = attempt(lambda: look(site, after[-1]))
        return message, made or "", after, walk_note(after)

    looked = [parts.message, parts.details, parts.chosen, parts.chosen_note]
    wire(site, parts.grid.choose, choose, [parts.shown, parts.chosen], looked, **EACH)

    def below(make: Callable[..., str]) -> Callable[..., str]:
        def answer(*inputs: Any) -> str:
            made, message = attempt(lambda: make(site, *inputs))
            return made or message

        return answer

    wire(site, parts.buttons["along"].click, below(along_html), parts.chosen, parts.along, **ONCE)
    wire(site, parts.buttons["walk"].click, below(walk_html), parts.chosen, parts.walk, **ONCE)
    for event in (parts.buttons["write"].click, parts.text.submit):
        wire(site, event, below(keeping.written_html), [parts.model, parts.text, parts.seed], parts.written, **ONCE)


def send_files(site: Site, parts: Parts) -> None:
    """Connects the download buttons to their files."""
    buttons = parts.buttons
    sends(site, buttons["png"], functools.partial(keeping.grid_file, site, ".png"), [parts.shown], parts.message)
    sends(site, buttons["npz"], functools.partial(keeping.grid_file, site, ".npz"), [parts.shown], parts.message)
    sends(site, buttons["latent"], functools.partial(keeping.picture_file, site), [parts.chosen], parts.message)
    sends(site, buttons["gif"], functools.partial(keeping.walk_file, site), [parts.chosen], parts.walk)
    written = [parts.model, parts.text, parts.seed]
    sends(site, buttons["text"], functools.partial(keeping.text_file, site), written, parts.written)
