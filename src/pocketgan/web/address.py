"""Address of the browser interface: it stores tab, run, seed and comparison, so that links and reloads restore them."""

import json
from typing import Any
from urllib.parse import parse_qs

import gradio as gr

from pocketgan.web.asking import MOST_SEED, models_that
from pocketgan.web.compare import tab as compare
from pocketgan.web.gallery import asset
from pocketgan.web.ranking import in_order
from pocketgan.web.site import Site
from pocketgan.web.train import tab as train
from pocketgan.web.wiring import quiet, wire

MOST_LETTERS, MOST_FIELDS = 8000, 40
"""Largest number of characters and of fields read from an address."""
PLACES = ("train", "create", "redraw", "compare")
NOTED = "(value) => { window.pocketgan?.noted(%s, %s, value); }"
"""Script that reports a choice to the page's own script, which puts it into the address."""


def build_address(site: Site, tabs: gr.Tabs, places: dict[str, gr.Tab], choices: dict[str, dict[str, Any]]) -> None:
    """Keeps the interface and the browser's address in step.

    Args:
        site: the site.
        tabs: the tabs component.
        places: tabs by name.
        choices: the choices of each tab, by their names in the address.
    """
    follower = gr.HTML("", js_on_load=asset("address.js"), visible="hidden", elem_id="address")
    components = [component for place in choices.values() for component in place.values()]
    wire(site, follower.go, lambda search: arrive(site, search), follower, [tabs, *components], **quiet("arrive")).then(
        None, None, None, js="() => { window.pocketgan?.arrived(); }"
    )
    for place, tab in places.items():
        tab.select(None, None, None, js=f"() => {{ window.pocketgan?.entered({json.dumps(place)}); }}")
        for name, component in choices[place].items():
            component.change(None, component, None, js=NOTED % (json.dumps(place), json.dumps(name)))


def arrive(site: Site, search: object) -> list[Any]:
    """Returns the choices in an address: the tab, then the choices of all tabs in order.

    Args:
        site: the site.
        search: the address from its question mark on; invalid parts have no effect.
    """
    fields = read(str(search))
    place = fields.get("tab", [""])[0]

    def here(tab: str, name: str) -> str:
        return fields.get(name, [""])[0] if tab == place else ""

    runs = fields.get("runs", []) if place == "compare" else []
    return [
        gr.Tabs(selected=place) if place in PLACES else gr.skip(),
        train.opened(site, here("train", "run")),
        model(site, here("create", "run"), redraw=False),
        seed(here("create", "seed")),
        model(site, here("redraw", "run"), redraw=True),
        *compare.opened(site, runs, here("compare", "over"), here("compare", "study")),
    ]


def read(search: str) -> dict[str, list[str]]:
    """Returns the fields of an address, from its question mark on; none if it isn't an address of the interface."""
    try:
        return parse_qs(search[:MOST_LETTERS].removeprefix("?"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}


def model(site: Site, name: str, *, redraw: bool) -> Any:
    """Returns the choice of a model, or no change if there is no model of this name."""
    known = in_order(site, models_that(site, redraw=redraw)) if name else []
    return gr.Dropdown(known, value=name) if name in known else gr.skip()


def seed(text: str) -> Any:
    """Returns the choice of a seed, or no change if the text isn't a seed."""
    return int(text) if text.isascii() and text.isdecimal() and int(text[:12]) <= MOST_SEED else gr.skip()
