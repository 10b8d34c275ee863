"""Serves the page."""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
import uvicorn
from fastapi import FastAPI

from pocketgan.web.page import build_page
from pocketgan.web.site import Site

PORT = 7860


def make_app(site: Site) -> FastAPI:
    """Returns the page as an ASGI application."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    return gr.mount_gradio_app(app, build_page(site), path="/", ssr_mode=False, footer_links=[], run_history=False)


def serve(site: Site, *, host: str = "127.0.0.1", port: int = PORT) -> None:
    """Serves the page until it is stopped."""
    uvicorn.run(make_app(site), host=host, port=port, log_level="warning", access_log=False)
