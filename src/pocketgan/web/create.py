"""The place *Create*."""

import gradio as gr

from pocketgan.web.site import Site


def build_create(site: Site) -> None:
    """Builds the place inside its tab."""
    gr.HTML(site.say("create"))
