"""The place *Train*: a form that starts a run, and the run that is followed."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from pocketgan.config import PACKAGED, SECTIONS
from pocketgan.errors import PocketganError
from pocketgan.recipes import RECIPES, recipe
from pocketgan.web import starting
from pocketgan.web.form import Field, fields, read, shown
from pocketgan.web.live import line, live_html
from pocketgan.web.site import Site

FIRST = "pocket"
"""The recipe that the form shows first."""
OFTEN = ("duration", "batch_size", "learning_rate", "seed", "classes")
"""Settings that stand above the sections."""


def build_train(site: Site) -> None:
    """Builds the place inside its tab."""
    with gr.Column(elem_classes="pg-train"):
        started = build_form(site)
        build_followed(site, *started)


def build_form(site: Site) -> tuple[gr.HTML, gr.Button, list[Any]]:
    """Builds the form of a new run; returns the line that answers it, its button, and what it is filled in with."""
    config = recipe(FIRST)
    values = shown(config)
    with gr.Accordion(site.say("new run"), open=not site.runs(), elem_classes="pg-new"):
        with gr.Row(elem_classes="pg-fields"):
            chosen = gr.Dropdown(list(RECIPES), value=FIRST, label=site.say("recipe"), filterable=False)
            data = gr.Dropdown(data_sets(site), value=config.data.data, label=site.say("data"), allow_custom_value=True)
            name = gr.Textbox(label=site.say("new name"), placeholder=site.say("new name help"), max_lines=1)
        about = gr.HTML(line(site.say(f"recipe {FIRST}")))
        settings: dict[str, Any] = {}
        known = {field.name: field for field in fields()}
        with gr.Row(elem_classes="pg-fields"):
            for name_of in OFTEN:
                settings[name_of] = build_field(site, known[name_of], values[name_of])
        for section in SECTIONS:
            rest = [field for field in known.values() if field.section == section and field.name not in OFTEN]
            with gr.Accordion(site.say(f"section {section}"), open=False), gr.Row(elem_classes="pg-fields"):
                for field in rest:
                    settings[field.name] = build_field(site, field, values[field.name])
        button = gr.Button(site.say("start"), variant="primary", elem_classes="pg-start")
        said = gr.HTML(elem_classes="pg-answer")
    order = list(settings)
    chosen.change(
        lambda chosen: choose_recipe(site, chosen, order), chosen, [about, data, *settings.values()],
        **quiet("choose_recipe"),
    )  # fmt: skip
    data.focus(lambda: gr.Dropdown(choices=data_sets(site)), None, data, **quiet("list_data"))
    return said, button, [name, chosen, data, *settings.values()]


def build_field(site: Site, field: Field, value: Any) -> Any:
    """Builds one setting: its name as flags and errors have it, and its help."""
    looks = {"label": field.name, "info": site.say(f"help {field.name}"), "value": value}
    if field.switch:
        return gr.Checkbox(**looks)
    if field.choices:
        choices = [*([(site.say("as the generator"), "")] if field.optional else []), *((c, c) for c in field.choices)]
        return gr.Dropdown(choices, filterable=False, **looks)
    return gr.Textbox(max_lines=1, **looks)


def build_followed(site: Site, said: gr.HTML, button: gr.Button, filled: list[Any]) -> None:
    """Builds the run that is followed, and lets the form start one."""
    with gr.Row(elem_classes="pg-bar"):
        run = gr.Dropdown([], value=None, label=site.say("run"), allow_custom_value=True, scale=4, min_width=200)
        stop = gr.Button(site.say("stop"), elem_classes="pg-stop", scale=1, min_width=110)
        longer = gr.Textbox(
            label=site.say("longer"), placeholder="20 epochs", max_lines=1, scale=2, min_width=140,
            elem_classes="pg-resume",
        )  # fmt: skip
        resume = gr.Button(site.say("resume"), elem_classes="pg-resume", scale=1, min_width=110)
    answer = gr.HTML(elem_classes="pg-answer")
    live = gr.HTML()
    gr.on(None, lambda: opened(site), None, [run, live], **quiet("open_train"))
    run.change(lambda name: live_html(site, str(name or "")), run, live, **quiet("follow"))
    run.focus(lambda: gr.Dropdown(choices=site.runs()), None, run, **quiet("list_runs"))
    stop.click(lambda name: stopped(site, name), run, answer, **quiet("stop"))
    resume.click(lambda name, duration: resumed(site, name, duration), [run, longer], answer, **quiet("resume"))
    order = settings_of(filled)
    button.click(lambda *values: begun(site, order, values), filled, [said, run], **quiet("start"))


def settings_of(filled: list[Any]) -> list[str]:
    """Returns the names of the settings that a form is filled in with, after its name, recipe and data."""
    return [component.label for component in filled[3:]]


def quiet(name: str) -> dict[str, Any]:
    """Returns how events are sent: at once, without a sign of waiting, and called `name` where they are listed."""
    return {"queue": False, "show_progress": "hidden", "api_name": name, "api_visibility": "undocumented"}


# What the events do.


def data_sets(site: Site) -> list[str]:
    """Returns the data sets that can be chosen: those in the package, and those below the folder."""
    return [*PACKAGED, *site.listing().data]


def newest(site: Site) -> str | None:
    """Returns the run that wrote last; None where there is none."""

    def written(name: str) -> float:
        try:
            return (site.folder / name / "status.json").stat().st_mtime
        except OSError:
            return 0.0

    return max(site.runs(), key=written, default=None)


def opened(site: Site) -> tuple[Any, str]:
    """Returns the runs to choose from, the newest chosen, and its view."""
    site.forget()
    latest = newest(site)
    return gr.Dropdown(choices=site.runs(), value=latest), live_html(site, latest or "")


def choose_recipe(site: Site, name: object, order: list[str]) -> list[Any]:
    """Returns what the form shows for a recipe: what it is, its data, its settings."""
    config = recipe(name if isinstance(name, str) and name in RECIPES else FIRST)
    values = shown(config)
    return [line(site.say(f"recipe {config.recipe}")), config.data.data, *(values[field] for field in order)]


def begun(site: Site, order: list[str], filled: tuple[Any, ...]) -> tuple[str, Any]:
    """Starts a run as a form is filled in; returns what is said of it, and the choice of the run to follow."""
    name, recipe_name, data, *values = filled
    try:
        config = read(site, recipe_name, data, dict(zip(order, values, strict=True)))
        name = starting.start(site, config, str(name or ""))
    except PocketganError as error:
        return line(str(error), "bad"), gr.skip()
    return line(site.say("started", name=name), "good"), gr.Dropdown(choices=[*site.runs(), name], value=name)


def stopped(site: Site, name: object) -> str:
    """Asks a run to stop; returns what is said of it."""
    return answered(lambda: starting.stop(site, name), site.say("stopping"))


def resumed(site: Site, name: object, duration: object) -> str:
    """Goes on with a run; returns what is said of it."""
    return answered(lambda: starting.resume(site, name, str(duration or "")), site.say("resuming"))


def answered(act: Callable[[], object], done: str) -> str:
    """Does something; returns what is said when it is done, or why it isn't."""
    try:
        act()
    except PocketganError as error:
        return line(str(error), "bad")
    return line(done, "good")
