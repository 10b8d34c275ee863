"""The *Compare* tab: runs side by side, and reports of studies."""

from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

import gradio as gr

from pocketgan.base.errors import PocketganError
from pocketgan.web.compare.side_by_side import MOST, OVER, compare_html
from pocketgan.web.messages import line, report
from pocketgan.web.ranking import in_order
from pocketgan.web.site import Site
from pocketgan.web.train import starting
from pocketgan.web.train.tab import answered
from pocketgan.web.wiring import quiet, wire

PAGE = "report.html"


def build_compare(site: Site) -> dict[str, Any]:
    """Builds the content of the tab; returns the choices stored in the address: runs, horizontal axis, study."""
    with gr.Row(elem_classes="pg-bar"):
        runs = gr.Dropdown(
            site.runs(), value=[], multiselect=True, max_choices=MOST, label=site.say("runs to compare"), scale=4,
            min_width=300, elem_id="compared",
        )  # fmt: skip
        over = gr.Dropdown(
            [(site.say(f"over {name}"), name) for name in OVER], value="steps", label=site.say("over"), scale=1,
            min_width=160, filterable=False,
        )  # fmt: skip
        measure = gr.Button(site.say("measure"), scale=0, min_width=130, interactive=False)
    answer, shown = gr.HTML(elem_classes="pg-answer"), gr.HTML(compare_html(site, [], "steps"))
    gr.HTML(f'<div class="pg-compare"><h3>{escape(site.say("studies"))}</h3></div>')
    with gr.Row(elem_classes="pg-bar"):
        study = gr.Dropdown(site.studies(), value=None, label=site.say("study"), scale=4, elem_id="study")
        make = gr.Button(site.say("make page"), scale=0, min_width=200, interactive=False)
    page = gr.HTML(study_html(site, None))
    changed = partial(gr.on, [runs.change, over.change])

    def side_by_side(names: object, over: object) -> tuple[str, gr.Button]:
        return compare_html(site, names, over), gr.Button(interactive=bool(names))

    def known_runs() -> gr.Dropdown:
        return gr.Dropdown(choices=in_order(site, site.runs()))

    def one_study(name: object) -> tuple[str, gr.Button]:
        return study_html(site, name), gr.Button(interactive=bool(name))

    wire(site, changed, side_by_side, [runs, over], [shown, measure], **quiet("compare"))
    wire(site, measure.click, lambda names: measured(site, names), runs, answer, **quiet("measure"))
    wire(site, study.change, one_study, study, [page, make], **quiet("study"))
    wire(site, runs.focus, known_runs, None, runs, **quiet("list_compared"))
    wire(site, study.focus, lambda: gr.Dropdown(choices=site.studies()), None, study, **quiet("list_studies"))
    how = {"api_name": "make_page", "api_visibility": "undocumented"}
    wire(site, make.click, lambda name: made(site, name), study, page, **how)
    return {"runs": runs, "over": over, "study": study}


# Event handlers.


def opened(site: Site, runs: list[str], over: str, study: str) -> tuple[Any, Any, Any]:
    """Returns the choices of runs, of their horizontal axis and of a study, with the requested ones selected."""
    site.forget()
    known, studies = in_order(site, site.runs()), site.studies()
    return (
        gr.Dropdown(choices=known, value=[name for name in runs if name in known][:MOST], multiselect=True),
        over if over in OVER else "steps",
        gr.Dropdown(choices=studies, value=study if study in studies else None),
    )


def measured(site: Site, names: object) -> str:
    """Measures runs against the test split, one after the other; returns a message about it."""
    message = []
    for name in names[:MOST] if isinstance(names, list) else []:
        done = report(site.say("measuring", name=name), name, ("measuring",), seen=False)
        message.append(answered(lambda name=name: starting.measure(site, name), done))
    return "".join(message) or line(site.say("choose runs"))


def study_html(site: Site, name: object) -> str:
    """Returns a study's report in a frame, or the reason why there is none."""
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
    """Writes a study's report again, in the language of the interface, and returns it."""
    if not name:
        return study_html(site, name)
    try:
        starting.write_report(site, name)
    except PocketganError as error:
        return f'<div class="pg-study">{line(str(error), "bad")}</div>'
    return study_html(site, name)
