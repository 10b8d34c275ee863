"""The place *Redraw*."""

import gradio as gr

from pocketgan.web.site import Site


def build_redraw(site: Site) -> None:
    """Builds the place inside its tab."""
    gr.HTML(site.say("redraw"))
