"""Image-to-image translation in the *Translate* tab: of a drawing, a file or a test image. No Gradio."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from pocketgan.base.errors import DataError, WebError
from pocketgan.images.handwriting import as_digit, fitted, in_grey
from pocketgan.runs.model import Model
from pocketgan.runs.records import DataFacts
from pocketgan.web.asking import ask, data_is_ours, open_model, whole
from pocketgan.web.create_words import say
from pocketgan.web.gallery import sharp
from pocketgan.web.redraw.uploads import read_upload
from pocketgan.web.site import Site
from pocketgan.web.worker import Refused

DRAWN = 112
"""Side of a drawing in pixels, as the browser sends it."""
MOST_INDEX = 10**7
PAD = ("draw here", "draw keys", "pen down", "pen up", "clear", "open a picture", "drop")
DIGITS = tuple(str(digit) for digit in range(10))


@dataclass(frozen=True)
class Source:
    """A picture to translate.

    Attributes:
        pixels: uint8, (H, W) or (H, W, 3) as received; (C, S, S) for a test image.
        kind: `drawn`, `file` or `test`.
    """

    pixels: np.ndarray
    kind: str


def drawing(sent: object) -> Source | None:
    """Reads a drawing sent by a browser: 112×112 gray levels in base64; None for an empty drawing.

    Raises:
        WebError: the data isn't a drawing.
    """
    if sent == "":
        return None
    try:
        content = base64.b64decode(sent, validate=True) if isinstance(sent, str) else b""
    except (binascii.Error, ValueError):
        content = b""
    if len(content) != DRAWN * DRAWN:
        raise WebError(say("upload damaged"))
    pixels = np.frombuffer(content, np.uint8).reshape(DRAWN, DRAWN)
    return Source(pixels, "drawn") if pixels.any() else None


def uploaded(sent: object, folder: str | Path) -> Source:
    """Reads a picture file that a browser uploaded into the upload folder, and removes the file.

    Raises:
        WebError: the file is outside that folder, or isn't an acceptable picture.
    """
    place = Path(folder).resolve()
    try:
        path = Path(sent).resolve(strict=True) if isinstance(sent, str) and sent.isprintable() else None
    except (OSError, RuntimeError):
        path = None
    if path is None or not path.is_relative_to(place) or not path.is_file():
        raise WebError(say("upload gone"))
    try:
        return Source(read_upload(path), "file")
    finally:
        path.unlink(missing_ok=True)


def test_image(site: Site, name: object, label: object, index: object) -> Source:
    """Returns a test image of a model's data by its class and its number, starting at 1.

    Raises:
        UserError: there are no test images, or no such class.
    """
    model = open_model(site, name, redraw=True)
    number = whole(index, "test number", 1, MOST_INDEX)
    chosen = str(label) if label else None
    if chosen is not None and chosen not in classes_of(model):
        raise WebError(say("unknown class", name=name, label=chosen))
    if not data_is_ours(site, model):
        raise WebError(say("no test images", name=name))
    try:
        answer = ask(site, "test_image", str(name), label=chosen, index=number - 1)
    except Refused:
        raise WebError(say("no test images", name=name)) from None
    return Source(answer.arrays["image"], "test")


def classes_of(model: Model) -> Sequence[str]:
    """Returns the classes with test images: all of MNIST's, even for a model trained only on 8s."""
    return DIGITS if model.facts.source == "mnist" else model.facts.class_names


def as_input(pixels: np.ndarray, facts: DataFacts, *, drawn: bool = False) -> np.ndarray:
    """Converts a picture to a model's input format.

    Args:
        pixels: uint8, shape (H, W), or (H, W, 3) in color.
        facts: facts about the model's data.
        drawn: whether the picture was drawn by hand, white on black; otherwise it is a file.

    Returns:
        uint8, shape (C, S, S): in MNIST's format for models of MNIST and for drawings; a file for another model is only
        fitted into the square.

    Raises:
        WebError: the picture is empty; the message is in the current language.
    """
    if drawn or facts.source == "mnist":
        try:
            grey = as_digit(in_grey(pixels), facts.size)
        except DataError:
            raise WebError(say("nothing drawn")) from None
        return np.repeat(grey[None], facts.channels, axis=0)
    square = fitted(pixels if facts.channels == 3 else in_grey(pixels), facts.size)
    return np.repeat(square[None], facts.channels, axis=0) if square.ndim == 2 else square.transpose(2, 0, 1).copy()


def redrawn(site: Site, name: object, source: Source) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Translates a picture; returns the generator's input and its outputs, all uint8 (C, S, S).

    The outputs have names: those of their classes where the model translates between classes. Others have one, "".

    Raises:
        UserError: the picture is empty, or the model can't be used.
    """
    model = open_model(site, name, redraw=True)
    facts = model.facts
    if source.kind == "test":
        given = source.pixels
        if given.shape != (facts.channels, facts.size, facts.size):
            raise WebError(say("redraw nothing"))
    else:
        given = as_input(source.pixels, facts, drawn=source.kind == "drawn")
    arrays = ask(site, "redraw", str(name), {"images": given[None]}).arrays
    names = [facts.class_names[label] for label in arrays["labels"]] if "labels" in arrays else [""]
    return given, dict(zip(names, arrays["images"], strict=True))


def redrawn_html(site: Site, name: object, source: Source | None) -> str:
    """Translates a picture; returns input and output side by side, or the outputs of all classes, as HTML."""
    if source is None:
        return nothing_html()
    given, made = redrawn(site, name, source)
    pictures = [(say("input"), say("redraw alt input", side=given.shape[1]), given)]
    for label, image in made.items():
        alt = say("redraw alt class", label=label) if label else say("redraw alt output", side=image.shape[1])
        pictures.append((label or say("output"), alt, image))
    figures = [
        f"<figure><figcaption>{escape(title)}</figcaption>{sharp(image, alt)}</figure>"
        for title, alt, image in pictures
    ]
    many = " many" if len(made) > 1 else ""
    return f'<div class="pair{many}" role="status">{"".join(figures)}</div>'


def nothing_html() -> str:
    """Returns the placeholder for the translated picture."""
    return f'<p class="hint">{escape(say("redraw nothing"))}</p>'


def pad_html() -> str:
    """Returns the drawing area with its buttons."""
    words = {key: escape(say(key)) for key in PAD}
    return f"""<h3>{words["draw here"]}</h3>
<div class="pad"><canvas width="280" height="280" tabindex="0" role="application" aria-label="{words["draw keys"]}">
</canvas><i class="pen" hidden></i></div>
<p class="hint" aria-live="polite" data-pen data-down="{words["pen down"]}" data-up="{words["pen up"]}"></p>
<div class="tools"><button type="button" class="plain" data-clear>{words["clear"]}</button>
<label class="plain">{words["open a picture"]}<input type="file" accept="image/png,image/jpeg,image/gif"></label></div>
<p class="hint">{words["drop"]} {words["draw keys"]}</p>"""
