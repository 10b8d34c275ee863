"""The place *Compare*: runs side by side, and the pages of studies."""

from html import escape
from typing import Any
from urllib.parse import quote

import gradio as gr

from pocketgan.errors import PocketganError
from pocketgan.web import starting
from pocketgan.web.live import line
from pocketgan.web.side_by_side import MOST, OVER, compared
from pocketgan.web.site import Site
from pocketgan.web.train import answered, quiet

PAGE = "report.html"


def build_compare(site: Site) -> None:
    """Builds the place inside its tab."""
    with gr.Row(elem_classes="pg-bar"):
        runs = gr.Dropdown(
            [], multiselect=True, max_choices=MOST, label=site.say("runs to compare"), allow_custom_value=True, scale=4,
            min_width=300,
        )  # fmt: skip
        over = gr.Dropdown(
            [(site.say(f"over {name}"), name) for name in OVER], value="steps", label=site.say("over"), scale=1,
            min_width=160, filterable=False,
        )  # fmt: skip
        again = gr.Button(site.say("look again"), scale=0, min_width=130)
        measure = gr.Button(site.say("measure"), scale=0, min_width=130)
    answer, shown = gr.HTML(elem_classes="pg-answer"), gr.HTML(compare_html(site, [], "steps"))
    gr.HTML(f'<div class="pg-compare"><h3>{escape(site.say("studies"))}</h3></div>')
    with gr.Row(elem_classes="pg-bar"):
        study = gr.Dropdown([], value=None, label=site.say("study"), allow_custom_value=True, scale=4)
        make = gr.Button(site.say("make page"), scale=0, min_width=200)
    page = gr.HTML(study_html(site, None))
    gr.on(
        [runs.change, over.change, again.click], lambda names, over: compare_html(site, names, over), [runs, over],
        shown, **quiet("compare"),
    )  # fmt: skip
    measure.click(lambda names: measured(site, names), runs, answer, **quiet("measure"))
    study.change(lambda name: study_html(site, name), study, page, **quiet("study"))
    runs.focus(lambda: gr.Dropdown(choices=site.runs()), None, runs, **quiet("list_compared"))
    study.focus(lambda: gr.Dropdown(choices=site.studies()), None, study, **quiet("list_studies"))
    make.click(lambda name: made(site, name), study, page, api_name="make_page", api_visibility="undocumented")
    gr.on(None, lambda: opened(site), None, [runs, study], **quiet("open_compare"))


# What the events do.


def opened(site: Site) -> tuple[Any, Any]:
    """Returns the runs and the studies to choose from."""
    return gr.Dropdown(choices=site.runs()), gr.Dropdown(choices=site.studies())


def compare_html(site: Site, names: object, over: object) -> str:
    """Returns runs side by side."""
    chosen = [str(name) for name in names][:MOST] if isinstance(names, list) else []
    if not chosen:
        return f'<div class="pg-compare">{line(site.say("choose runs"))}</div>'
    with site.speaking():
        return compared(site, list(dict.fromkeys(chosen)), over if isinstance(over, str) and over in OVER else "steps")


def measured(site: Site, names: object) -> str:
    """Begins to measure runs against the test split, each in a process of its own; returns what is said of it."""
    said = []
    for name in names[:MOST] if isinstance(names, list) else []:
        said.append(answered(lambda name=name: starting.measure(site, name), site.say("measuring", name=name)))
    return "".join(said) or line(site.say("choose runs"))


def study_html(site: Site, name: object) -> str:
    """Returns a study's page in a frame of its own, or why there is none."""
    if not name:
        known = site.say("choose study" if site.studies() else "no studies")
        return f'<div class="pg-study">{line(known)}</div>'
    try:
        folder = site.study(name)
    except PocketganError as error:
        return f'<div class="pg-study">{line(str(error), "bad")}</div>'
    if not (folder / "report" / PAGE).is_file():
        return f'<div class="pg-study">{line(site.say("no page"))}</div>'
    address, title = f"studies/{quote(str(name))}/{PAGE}", escape(site.say("page of", name=name))
    return (
        f'<div class="pg-study"><p class="pg-line"><a href="{address}" target="_blank" rel="noopener">'
        f"{escape(site.say('own window'))}</a></p>"
        f'<iframe src="{address}" title="{title}" sandbox="allow-scripts" loading="lazy"></iframe></div>'
    )


def made(site: Site, name: object) -> str:
    """Writes a study's page anew, in the page's language, and returns it."""
    if not name:
        return study_html(site, name)
    try:
        starting.write_report(site, name)
    except PocketganError as error:
        return f'<div class="pg-study">{line(str(error), "bad")}</div>'
    return study_html(site, name)
