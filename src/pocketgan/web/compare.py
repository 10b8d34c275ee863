"""The place *Compare*."""

import gradio as gr

from pocketgan.web.site import Site


def build_compare(site: Site) -> None:
    """Builds the place inside its tab."""
    gr.HTML(site.say("compare"))
