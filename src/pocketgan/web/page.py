"""The page of the browser interface, with four tabs."""

from html import escape

import gradio as gr

from pocketgan.web.address import build_address
from pocketgan.web.compare.tab import build_compare
from pocketgan.web.create.tab import build_create
from pocketgan.web.redraw.tab import build_redraw
from pocketgan.web.site import Site
from pocketgan.web.train.tab import build_train

PLACES = {"train": build_train, "create": build_create, "redraw": build_redraw, "compare": build_compare}


def build_page(site: Site) -> gr.Blocks:
    """Builds the whole page."""
    with site.speaking(), gr.Blocks(title="Pocketgan", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(f'<header class="pg-head"><h1>Pocketgan</h1><p>{escape(site.display_path)}</p></header>')
        places, choices = {}, {}
        with gr.Tabs() as tabs:
            for name, build in PLACES.items():
                with gr.Tab(site.say(name), id=name) as places[name]:
                    gr.HTML(f'<h2 class="sr">{escape(site.say(name))}</h2>', elem_classes="pg-title")
                    choices[name] = build(site)
        build_address(site, tabs, places, choices)
    return page
