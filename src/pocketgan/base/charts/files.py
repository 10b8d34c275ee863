"""The style and the script of charts, for pages that have charts."""

from importlib import resources

from pocketgan.base.charts.looks import colours

LIGHT, DARK = colours("light"), colours("dark")
"""Colors of the lines, as CSS variables."""


def text(name: str) -> str:
    """Returns the text of a file of this package."""
    return resources.files("pocketgan.base.charts").joinpath(name).read_text(encoding="utf-8")


STYLE = text("charts.css")
"""CSS of the charts; a page defines the colors, such as `LIGHT`."""
SCRIPT = text("charts.js")
"""JavaScript that shows values at the pointer, and zooms; charts are complete without it."""
