"""The *Train* tab: a form for a new run, and the run that is followed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from pocketgan.base.errors import PocketganError
from pocketgan.config import parts
from pocketgan.config.data_section import PACKAGED
from pocketgan.config.fields import FIELDS, SECTIONS
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.web.gallery import asset
from pocketgan.web.messages import complaint, line, report
from pocketgan.web.ranking import best, in_order, is_of_study
from pocketgan.web.site import Site
from pocketgan.web.train import starting
from pocketgan.web.train.bringing import bring_html
from pocketgan.web.train.form import Field, fields, read, shown
from pocketgan.web.train.live import live_html
from pocketgan.web.train.looking import READING, look_html
from pocketgan.web.wiring import fills, looks, quiet, sent, wire

FIRST = "pocket"
"""The recipe that the form shows initially."""
OFTEN = ("duration", "batch_size", "learning_rate", "seed", "classes")
"""Settings above the sections of the form."""
LOOKING = "(...values) => { window.pocketgan.looking(true); return values; }"
LOOKED = "() => window.pocketgan.looking(false)"
"""Scripts that show and hide a line while data is looked at."""


@dataclass(frozen=True)
class Form:
    """The form for a new run.

    Attributes:
        drawer: the accordion around the form.
        sections: accordions of settings, by section.
        button: starts the run.
        top: name, recipe and data of the run.
        settings: the other fields, by name.
    """

    drawer: gr.Accordion
    sections: dict[str, gr.Accordion]
    button: gr.Button
    top: tuple[Any, Any, Any]
    settings: dict[str, Any]


def build_train(site: Site) -> dict[str, Any]:
    """Builds the content of the tab; returns the choices stored in the address: the run that is followed."""
    with gr.Column(elem_classes="pg-train"):
        form = build_form(site)
        answer = gr.HTML(elem_classes="pg-answer")
        run = build_followed(site, answer)
    started = [answer, run, form.drawer, *form.sections.values()]
    wire(
        site, form.button.click, lambda *values: begun(site, list(form.settings), values),
        [*form.top, *form.settings.values()], started, **quiet("start"),
    )  # fmt: skip
    return {"run": run}


def build_form(site: Site) -> Form:
    """Builds the form for a new run: frequent settings above the button, the others in accordions below."""
    config = recipe(FIRST)
    values = shown(config)
    settings: dict[str, Any] = {}
    sections: dict[str, gr.Accordion] = {}
    known = {field.name: field for field in fields()}
    with gr.Accordion(site.say("new run"), open=not site.runs(), elem_classes="pg-new") as drawer:
        with gr.Row(elem_classes="pg-fields"):
            chosen = gr.Dropdown(
                choosable(), value=FIRST, label=site.say("recipe"), filterable=False, elem_id=id_of("recipe")
            )
            data = gr.Dropdown(
                data_sets(site), value=config.data.data, label=site.say("data"), allow_custom_value=True,
                elem_id=id_of("data"),
            )  # fmt: skip
            name = gr.Textbox(
                label=site.say("new name"), placeholder=site.say("new name help"), max_lines=1, elem_id=id_of("name")
            )
        about = gr.HTML(line(site.say(f"recipe {FIRST}")))
        bring = gr.HTML(
            "", html_template=bring_html(site), js_on_load=asset("bring.js"), elem_id="bring-data", **looks()
        )
        look = gr.Button(site.say("look"), size="sm", elem_classes="pg-look-button")
        seen = gr.HTML("", elem_id="data-look", **fills())
        with gr.Row(elem_classes="pg-fields"):
            for name_of in OFTEN:
                settings[name_of] = build_field(site, known[name_of], values[name_of])
        button = gr.Button(site.say("start"), variant="primary", elem_classes="pg-start")
        for section in SECTIONS:
            rest = [field for field in known.values() if field.section == section and field.name not in OFTEN]
            drawer_of = gr.Accordion(site.say(f"section {section}"), open=False)
            with drawer_of as sections[section], gr.Row(elem_classes="pg-fields"):
                for field in rest:
                    settings[field.name] = build_field(site, field, values[field.name])
    wire(
        site, chosen.change, lambda chosen, data: choose_recipe(site, chosen, data, list(settings)), [chosen, data],
        [about, data, *settings.values()], **quiet("choose_recipe"),
    )  # fmt: skip
    reading = [settings[name] for name in READING]

    def look_at(name: object, place: object, *values: object) -> str:
        return look_html(site, name, place, dict(zip(READING, values, strict=True)))

    def show_brought(event: gr.EventData, *values: object) -> tuple[Any, str]:
        place = str(sent(event, "data"))
        return gr.Dropdown(choices=data_sets(site), value=place), look_at(values[0], place, *values[1:])

    how: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 1}
    asked = {"js": LOOKING, "api_name": "look", "api_visibility": "undocumented"}
    wire(site, look.click, look_at, [chosen, data, *reading], seen, **asked, **how).then(None, js=LOOKED)
    # Data that come while others are looked at are looked at next.
    to_look, private = [chosen, *reading], {"api_visibility": "private", "trigger_mode": "multiple"}
    wire(site, bring.brought, show_brought, to_look, [data, seen], **private, **how).then(None, js=LOOKED)
    wire(site, data.focus, lambda: gr.Dropdown(choices=data_sets(site)), None, data, **quiet("list_data"))
    return Form(drawer, sections, button, (name, chosen, data), settings)


def id_of(field: str) -> str:
    """Returns the element ID of a form field, for the page's script."""
    return f"set-{field}"


def build_field(site: Site, field: Field, value: Any) -> Any:
    """Builds one setting, labeled with its name in flags and errors, and with its help text."""
    looks = {"label": field.name, "info": site.say(f"help {field.name}"), "value": value, "elem_id": id_of(field.name)}
    if field.switch:
        return gr.Checkbox(**looks)
    if field.choices:
        choices = [*([(site.say("as the generator"), "")] if field.optional else []), *((c, c) for c in field.choices)]
        return gr.Dropdown(choices, filterable=False, **looks)
    return gr.Textbox(max_lines=1, **looks)


def build_followed(site: Site, answer: gr.HTML) -> gr.Dropdown:
    """Builds the view of the run that is followed; returns the choice of the run."""
    with gr.Row(elem_classes="pg-bar"):
        run = gr.Dropdown(site.runs(), value=None, label=site.say("run"), scale=4, min_width=200, elem_id="followed")
        now = gr.Button(site.say("start now"), elem_classes="pg-now", scale=1, min_width=110)
        stop = gr.Button(site.say("stop"), elem_classes="pg-stop", scale=1, min_width=110)
        longer = gr.Textbox(
            label=site.say("longer"), placeholder=site.say("longer help"), max_lines=1, scale=2, min_width=180,
            elem_classes="pg-resume", elem_id=id_of("longer"),
        )  # fmt: skip
        resume = gr.Button(site.say("resume"), elem_classes="pg-resume", scale=1, min_width=110)
    live = gr.HTML(live_html(site, ""))
    wire(site, run.change, lambda name: live_html(site, str(name or "")), run, live, **quiet("follow"))
    wire(site, run.focus, lambda: gr.Dropdown(choices=followable(site)), None, run, **quiet("list_runs"))
    wire(site, now.click, lambda name: started_now(site, name), run, answer, **quiet("start_now"))
    wire(site, stop.click, lambda name: stopped(site, name), run, [answer, run], **quiet("stop"))
    to_resume = [run, longer]
    wire(site, resume.click, lambda *values: resumed(site, *values), to_resume, answer, **quiet("resume"))
    return run


# Event handlers.


def data_sets(site: Site) -> list[str]:
    """Returns the available data sets: those in the package, and those below the site's folder."""
    return [*PACKAGED, *site.listing().data]


def followable(site: Site) -> list[str]:
    """Returns the runs that can be followed: those that start or wait, then the existing ones, in display order."""
    site.forget()
    there = in_order(site, site.runs())
    begin = [*site.starts.under_way("train", "resume"), *site.trainings.names()]
    return [*(name for name in begin if name not in there), *there]


def opens_on(site: Site) -> str | None:
    """Returns the initially selected run: the user's own run in training, or else the best run, or None."""
    training = site.training()
    if training is not None and not is_of_study(site, training):
        return training
    return best(site, site.runs())


def opened(site: Site, wanted: str = "") -> Any:
    """Returns the choice of the run to follow, with the requested run selected if it exists."""
    known = followable(site)
    return gr.Dropdown(choices=known, value=wanted if wanted in known else opens_on(site))


def choosable() -> list[str]:
    """Returns the names of the package's recipes, and of those that the person who serves the page handed over."""
    return [*RECIPES, *parts.names("recipe")]


def choose_recipe(site: Site, name: object, data: object, order: list[str]) -> list[Any]:
    """Returns the form's content for a recipe: its description, its data, its settings; one's own data stay chosen."""
    name = name if isinstance(name, str) and name in choosable() else FIRST
    config = recipe(name)
    values = shown(config)
    about = site.say(f"recipe {name}") if name in RECIPES else name
    return [line(about), config.data.data if data in PACKAGED else data, *(values[field] for field in order)]


def begun(site: Site, order: list[str], filled: tuple[Any, ...]) -> list[Any]:
    """Starts a run with the settings of a form.

    Args:
        site: the site.
        order: names of the settings.
        filled: the name, the recipe, the data and the settings, in order.

    Returns:
        A message, the choice of the run to follow, the folded form, and the accordions of its settings; the accordion
        with an invalid setting is opened.
    """
    typed, recipe_name, data, *values = filled
    try:
        config = read(site, recipe_name, data, dict(zip(order, values, strict=True)))
        name = starting.start(site, config, starting.name_of(site, str(typed or "")), str(recipe_name))
    except PocketganError as error:
        field = field_in(error)
        section = "" if field in (*OFTEN, "data") else FIELDS.get(field, "")
        drawers = [gr.Accordion(open=True) if one == section else gr.skip() for one in SECTIONS]
        return [complaint(str(error), id_of(field) if field else ""), gr.skip(), gr.skip(), *drawers]
    waits = name in site.trainings
    message = site.say("waits" if waits else "started", name=name)
    follow = gr.Dropdown(choices=[name, *(one for one in followable(site) if one != name)], value=name)
    return [
        report(message, name, ("starting", "waiting")),
        follow,
        gr.Accordion(open=False),
        *[gr.skip()] * len(SECTIONS),
    ]


def field_in(error: PocketganError) -> str:
    """Returns the form field that an error is about; an empty text if there is none."""
    return error.field if error.field in (*FIELDS, "seed", "recipe", "name") else ""


def started_now(site: Site, name: object) -> str:
    """Starts a waiting training at once; returns a message about it."""
    return answered(lambda: starting.start_now(site, name), report(site.say("started", name=name), name, ("starting",)))


def stopped(site: Site, name: object) -> tuple[str, Any]:
    """Asks a run to stop; returns a message about it, and the choice of the run to follow."""
    waits = name in site.trainings
    text = answered(lambda: starting.stop(site, name), report(site.say("stopping"), name, ("running", "starting")))
    if not waits:
        return text, gr.skip()
    return "", opened(site, str(name))


def resumed(site: Site, name: object, duration: object) -> str:
    """Continues a run; returns a message about it."""
    try:
        starting.resume(site, name, str(duration or ""))
    except PocketganError as error:
        return complaint(str(error), id_of("longer") if error.field == "duration" else "")
    message = site.say("waits" if name in site.trainings else "resuming", name=name)
    return report(message, name, ("starting", "waiting"))


def answered(act: Callable[[], object], done: str) -> str:
    """Performs an action; returns `done`, or an error message."""
    try:
        act()
    except PocketganError as error:
        return complaint(str(error))
    return done
