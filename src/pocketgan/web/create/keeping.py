"""Output of the *Create* tab: numbers written in generated digits, and files to download. No Gradio."""

import io
import re
from collections.abc import Sequence
from html import escape

import numpy as np

from pocketgan.base.errors import WebError
from pocketgan.images.grids import class_numbers, labels_as_arrays
from pocketgan.pictures.spelling import CANDIDATES
from pocketgan.runs.model import Model
from pocketgan.web.asking import MOST_SEED, Chosen, Shown, ask, open_model, whole
from pocketgan.web.create.creating import walk
from pocketgan.web.create_words import say
from pocketgan.web.gallery import columns_of, png, sheet
from pocketgan.web.site import Site
from pocketgan.web.worker import Refused

LONGEST_TEXT = 40
FILM_SCALE = 10

# Writing.


def written(site: Site, name: object, text: object, seed: object) -> tuple[np.ndarray, str]:
    """Writes a text in generated images, one per character; returns them and a note on their selection.

    Raises:
        UserError: the text can't be written; the message gives the reason.
    """
    model = open_model(site, name, redraw=False)
    number = whole(seed, "seed", 0, MOST_SEED)
    wanted = check_text(model, str(name), "".join(str(text or "").split()))
    try:
        answer = ask(site, "write", str(name), text=wanted, seed=number)
    except Refused as error:
        if error.field == "text":
            raise WebError(say("write missing", count=CANDIDATES)) from None
        raise
    drawn = answer.values["drawn"]
    return answer.arrays["images"], say("write found", count=drawn) if drawn else ""


def check_text(model: Model, name: str, text: str) -> str:
    """Returns the text if a model can write it.

    Raises:
        WebError: the model can't write it; the message is in the current language.
    """
    characters = [known for known in model.facts.class_names if len(known) == 1]
    told = model.config.network.conditional or model.facts.source == "mnist"
    if not characters or not told:
        raise WebError(say("write cannot", name=name))
    known = "".join(characters)
    if not text:
        raise WebError(say("write empty", known=known))
    if len(text) > LONGEST_TEXT:
        raise WebError(say("write long", most=LONGEST_TEXT))
    for character in text:
        if character not in characters:
            raise WebError(say("write unknown", character=character, known=known))
    return text


def written_html(site: Site, name: object, text: object, seed: object) -> str:
    """Writes a text in generated images, as HTML."""
    images, note = written(site, name, text, seed)
    alt = say("write alt", text=str(text).strip())
    row = "".join(f'<img src="{png(image)}" alt="">' for image in images)
    told = f'<p class="hint">{note}</p>' if note else ""
    return f'<div class="written" role="img" aria-label="{escape(alt)}">{row}</div>{told}'


# Files.


def file_name(*parts: object, ending: str) -> str:
    """Returns a file name made from a model's name and other parts: only letters, digits, dots and hyphens."""
    joined = "-".join(str(part) for part in parts)
    return re.sub(r"[^A-Za-z0-9.]+", "-", joined).strip("-.")[:100] + ending


def grid_file(site: Site, kind: str, shown: Shown | None) -> tuple[bytes, str]:
    """Returns the pictures shown as a PNG grid or an .npz archive, and a file name.

    Raises:
        UserError: no pictures are shown, or they can't be generated again.
    """
    if shown is None:
        raise WebError(say("no model"))
    asked = shown.asked
    answer = ask(site, "draw", asked.name, drawing=asked.drawing).arrays
    name = file_name(asked.name, "seed", asked.seed, ending=kind)
    if kind == ".npz":
        return archive(answer, shown.names), name
    classes = len(set(shown.names)) if asked.label is None else 0
    return sheet(answer["images"], columns_of(asked.count, classes)), name


def picture_file(site: Site, chosen: Sequence[Chosen]) -> tuple[bytes, str]:
    """Returns the picture chosen last, with its latent, as an .npz archive, and a file name."""
    if not chosen:
        raise WebError(say("choose a picture"))
    shown, index = chosen[-1].shown, chosen[-1].index
    answer = ask(site, "draw", shown.asked.name, drawing=shown.asked.drawing).arrays
    one = {name: array[index : index + 1] for name, array in answer.items()}
    name = file_name(shown.asked.name, "seed", shown.asked.seed, "picture", index + 1, ending=".npz")
    return archive(one, shown.names[index : index + 1]), name


def walk_file(site: Site, chosen: Sequence[Chosen]) -> tuple[bytes, str]:
    """Returns the interpolation between the chosen pictures as a large GIF, and a file name."""
    content = walk(site, chosen, FILM_SCALE)
    first, second = chosen
    return content, file_name(first.shown.asked.name, "walk", first.index + 1, second.index + 1, ending=".gif")


def text_file(site: Site, name: object, text: object, seed: object) -> tuple[bytes, str]:
    """Returns a text in generated images as a PNG file, and a file name."""
    images, _ = written(site, name, text, seed)
    return sheet(images, len(images), gap=0), file_name(name, text, ending=".png")


def archive(arrays: dict[str, np.ndarray], names: Sequence[str]) -> bytes:
    """Returns images with their latents as an .npz file; labels have the format of `pocketgan generate`."""
    remaining = {"images": arrays["images"], "latents": arrays["latents"]}
    if "labels" in arrays:
        class_names = list(dict.fromkeys(names))
        numbers = class_numbers(class_names)
        labels = np.array([class_names.index(name) for name in names])
        if numbers is not None:
            labels, class_names = np.array(numbers)[labels], []
        remaining |= labels_as_arrays(labels, class_names)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **remaining)
    return buffer.getvalue()
