"""The place *Train*."""

import gradio as gr

from pocketgan.web.site import Site


def build_train(site: Site) -> None:
    """Builds the place inside its tab."""
    gr.HTML(site.say("train"))
