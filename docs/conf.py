"""The documentation's site: Sphinx reads the repository's Markdown and notebooks as they are. `make docs` builds it.

The source folder is the repository, so that the same relative links work there and on the site. An index page's list of
links is also its part of the navigation.
"""

import re
import sys
from importlib import import_module
from pathlib import Path

from sphinx.application import Sphinx

from pocketgan.base.version import __version__

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
page_of = import_module("notebook_pages").page_of

project = "Pocketgan"
author = "The Pocketgan authors"
release = __version__
language = "en"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown", ".py": "markdown"}
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "examples/notebooks/README.md",
    "examples/notebooks/*.py",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/LOG.md",
]
exclude_patterns = ["docs/README.*.md", ".*", "build", "dist", "runs", "src", "studies", "tests", "tools"]
"""Folders are left out by name, because Sphinx would otherwise look through all their files."""
myst_heading_anchors = 4
nitpicky = True
html_theme = "furo"
html_title = "Pocketgan"
html_extra_path = ["site"]
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
templates_path = ["templates"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
PARTS = ("get-started/index", "how-to/index", "understand/index", "reference/index", "gallery", "results/index")
PARTS += ("project/index",)


def add_navigation(_: Sphinx, name: str, source: list[str]) -> None:
    """Appends the navigation to an index page: its own links, or the parts of the site."""
    if name == root_doc:
        pages = list(PARTS)
    elif name.endswith("/index"):
        pages = [link.removesuffix(".md") for link in re.findall(r"^- \[[^\]]+\]\(([^)#:]+\.md)\)", source[0], re.M)]
    elif name == "docs/gallery":
        pages = ["../examples/notebooks/README"]
    elif name in ("docs/adr/README", "examples/notebooks/README"):
        pages = re.findall(r"\]\((\d+[\w-]+)\.(?:md|py)\)", source[0])
    else:
        return
    source[0] += "\n".join(["\n\n```{toctree}", ":hidden:", "", *pages, "```\n"])


def convert_notebook(app: Sphinx, name: str, source: list[str]) -> None:
    """Turns a notebook, which is a Python file, into Markdown."""
    folder, _, stem = name.rpartition("/")
    if folder == "examples/notebooks" and stem != "README":
        gallery = ROOT / "docs" / "gallery.md"
        app.env.note_dependency(gallery)
        source[0] = page_of(stem, source[0], gallery.read_text(encoding="utf-8"))


def offer_scripts(_: Sphinx, __: str, source: list[str]) -> None:
    """Makes links to Python files downloads, except those to notebooks, whose names begin with a digit."""
    source[0] = re.sub(r"\]\(((?:[^)\s:]*/)?(?!\d)\w+\.py)\)", r"](path:\1)", source[0])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", add_navigation)
    app.connect("source-read", convert_notebook)
    app.connect("source-read", offer_scripts)
