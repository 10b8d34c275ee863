"""Pictures as HTML: small ones in a grid of buttons, large sharp ones, and messages beside them.

This module escapes everything that comes from a disk. Its HTML becomes the value of a component whose template is just
`${value}`, since code inside a template would be executed.
"""

import base64
import math
from collections.abc import Sequence
from html import escape
from importlib import resources

import numpy as np

from pocketgan.images.grids import grid, picture_bytes, to_picture
from pocketgan.images.montage import BARE, Labels
from pocketgan.pictures.animation import fitting_scale
from pocketgan.web.create_words import say

MOST_COLUMNS = 16


def asset(name: str) -> str:
    """Returns a script or a style sheet of the package."""
    return resources.files("pocketgan.web").joinpath(name).read_text(encoding="utf-8")


def data_uri(content: bytes, kind: str) -> str:
    """Returns a file's content as a data URL; `kind` is a media type such as `image/png`."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def png(image: np.ndarray) -> str:
    """Returns an image, uint8 (C, H, W), as a data URL of a PNG file."""
    return data_uri(picture_bytes(to_picture(image.transpose(1, 2, 0))), "image/png")


def sharp(image: np.ndarray, alt: str, kind: str = "") -> str:
    """Returns an image, uint8 (C, H, W), as HTML that displays it without blur at any size."""
    return f'<img class="sharp {kind}" src="{png(image)}" alt="{escape(alt)}">'


def columns_of(count: int, classes: int = 0) -> int:
    """Returns the columns for `count` pictures: one per class for 4 to 16 classes, else those of a square grid."""
    if 4 <= classes <= MOST_COLUMNS and count >= classes:
        return classes
    return min(MOST_COLUMNS, max(1, math.ceil(math.sqrt(count))))


def tiles(
    images: np.ndarray,
    names: Sequence[str] = (),
    columns: int = 8,
    chosen: Sequence[int | None] = (),
    title: str = "",
    model: str = "",
) -> str:
    """Returns images as a grid of buttons; the keyboard reaches the first by Tab and the others by arrow keys.

    Args:
        images: uint8, shape (N, C, H, W).
        names: class names, one per image, or none.
        columns: images per row.
        chosen: indices of the last two chosen images, the latest last; None for one outside this grid.
        title: description for screen readers.
        model: name of the model that generated the images.
    """
    cells = []
    for place, image in enumerate(images):
        label = say("picture of", number=place + 1, label=names[place]) if names else say("picture", number=place + 1)
        mark = f' data-chosen="{chosen.index(place) + 1}"' if place in chosen else ""
        cells.append(
            f'<button type="button" class="tile" data-index="{place}" tabindex="{0 if place == 0 else -1}" '
            f'aria-label="{escape(label)}" aria-pressed="{str(bool(mark)).lower()}"{mark}>'
            f'<img src="{png(image)}" alt=""></button>'
        )
    style = f"--columns: {columns}"
    return (
        f'<div class="tiles" role="group" aria-label="{escape(title)}" data-columns="{columns}" '
        f'data-model="{escape(model)}" style="{style}">'
        f"{''.join(cells)}</div>"
    )


def sentence(text: str, reason: str = "", *, english: bool = False, alert: bool = True) -> str:
    """Returns a message, with an optional reason in the program's own words.

    Args:
        text: the message, in the language of the interface.
        reason: the program's own words.
        english: whether the reason is English in every language, like errors of the operating system.
        alert: whether the message reports an error.
    """
    language = ' lang="en"' if english else ""
    because = f' <span class="reason"{language}>{escape(reason)}</span>' if reason else ""
    role, kind = ("alert", "trouble") if alert else ("note", "hint")
    return f'<p class="{kind}" role="{role}">{escape(text)}{because}</p>' if text else ""


def note(text: str) -> str:
    """Returns a message that isn't an error."""
    return sentence(text, alert=False)


def heading(text: str) -> str:
    """Returns a heading within a tab."""
    return f"<h3>{escape(text)}</h3>"


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Returns a definition list of names and texts; both are escaped."""
    return f'<dl class="facts">{"".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in rows)}</dl>'


def sheet(images: np.ndarray, columns: int, labels: Labels = BARE, gap: int = 2) -> bytes:
    """Returns images as a contact sheet that fits on a screen, as a PNG file."""
    return picture_bytes(grid(images, columns, fitting_scale(images.shape, columns), gap=gap, labels=labels))
