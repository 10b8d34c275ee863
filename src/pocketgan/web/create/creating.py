"""Content of the *Create* tab as HTML: pictures, details of one picture, and interpolations. No Gradio."""

import json
from collections.abc import Sequence

import numpy as np

from pocketgan.base.errors import WebError
from pocketgan.images.montage import Labels
from pocketgan.runs.exported import ExportedModel
from pocketgan.runs.model import Model
from pocketgan.web.asking import Asked, Chosen, Shown, ask, data_is_ours, labels_of, open_model
from pocketgan.web.create_words import decimal, percent, say
from pocketgan.web.frames import Frame
from pocketgan.web.gallery import columns_of, data_uri, facts, heading, note, sharp, sheet, tiles
from pocketgan.web.site import Site

REACH, PLACES = 3.0, 7
"""Reach of the pictures along directions, in standard deviations to each side, and number of pictures per direction."""


def draw(site: Site, asked: Asked, model: Model, chosen: Sequence[Chosen] = ()) -> tuple[str, Shown]:
    """Generates pictures; returns the grid as HTML, and the pictures shown."""
    answer = ask(site, "draw", asked.name, drawing=asked.drawing)
    images, known = answer.arrays["images"], labels_of(model)
    told = answer.arrays.get("labels")
    mixture = (asked.label,) * len(images) if asked.label is not None else ()
    names = mixture if told is None else tuple(known[place] for place in told)
    classes = len(known) if asked.label is None and told is not None else 0
    marked = [one.index if one.shown.asked == asked else None for one in chosen]
    title = f"{say('pictures', count=len(images))}. {say('keys')}"
    shown = Shown(asked, names)
    return tiles(images, names, columns_of(len(images), classes), marked, title, asked.name), shown


def look(site: Site, chosen: Chosen) -> str:
    """Returns the details of one picture as HTML: its scores, its latent, and its nearest training images."""
    asked = chosen.shown.asked
    model = open_model(site, asked.name, redraw=False)
    answer = ask(site, "look", asked.name, drawing=asked.drawing, index=chosen.index, data=data_is_ours(site, model))
    label = chosen.shown.names[chosen.index] if chosen.shown.names else ""
    title = say("the picture", number=chosen.index + 1, seed=str(asked.seed))
    rows = [(say("asked for"), label)] if label else []
    if model.config.has_discriminator:
        rows.append((say("discriminator"), discriminator_says(answer, model)))
    rows += [
        (say("classifier"), classifier_says(answer)),
        (say("weights of"), say("at step", step=answer.values["step"])),
    ]
    picture = sharp(answer.arrays["image"], title, "large")
    opinions = f"<div><h3>{title}</h3>{facts(rows)}{latent_html(answer.arrays['latent'])}</div>"
    return f'<section class="looked">{picture}{opinions}<div>{nearest_html(answer, asked.truncation)}</div></section>'


def discriminator_says(found: Frame, model: Model) -> str:
    """Returns the discriminator's score of a picture in words."""
    kind, opinions = found.values["kind"], found.values["discriminator"]
    if kind is None:
        return say("discriminator exported" if isinstance(model, ExportedModel) else "discriminator unknown")
    return say(f"discriminator {kind}", share=percent(opinions[0]))


def classifier_says(found: Frame) -> str:
    """Returns the classifier's result for a picture in words."""
    if found.values["class"] is None:
        return say("classifier unknown")
    return say("classifier opinion", label=found.values["class"][0], share=percent(found.values["probability"][0]))


def nearest_html(found: Frame, truncation: float) -> str:
    """Returns the nearest training images, each with its distance, and an interpretation.

    Pictures from scaled-down latents are closer to the mean, and so to many images, without being copies.
    """
    heading = f"<h3>{say('nearest')}</h3>"
    if "nearest" not in found.arrays:
        return f'{heading}<p class="hint">{say("no nearest")}</p>'
    values = found.values
    items = [
        f"<li>{sharp(image, say('nearest number', number=place + 1), 'near')}{decimal(distance)}</li>"
        for image, place, distance in zip(found.arrays["nearest"], values["places"], values["distances"], strict=True)
    ]
    sentences = [say("nearest away", distance=decimal(values["distances"][0]))]
    if values["typical"] is not None:
        sentences.append(say("nearest typical", distance=decimal(values["typical"])))
        if truncation == 1 and values["distances"][0] < values["rare"]:
            sentences.append(say("nearest copy"))
    return f'{heading}<ol class="nearest">{"".join(items)}</ol><p class="hint">{" ".join(sentences)}</p>'


def latent_html(latent: np.ndarray) -> str:
    """Returns a latent as text that can be copied and restored bit for bit."""
    heading = say("latent", count=len(latent))
    field = f'<textarea id="latent-text" readonly aria-label="{heading}" rows="4">{latent_text(latent)}</textarea>'
    copy = f'data-copy="latent-text" data-done="{say("copied")}"'
    button = f'<button type="button" class="plain" {copy}>{say("copy")}</button>'
    return f'<details class="latent"><summary>{heading}</summary>{field}{button}</details>'


def latent_text(latent: np.ndarray) -> str:
    """Returns a latent as a JSON list; nine digits identify every float32."""
    return json.dumps([float(f"{number:.9g}") for number in latent.astype(np.float32)])


def remember(chosen: Sequence[Chosen], picture: Chosen) -> tuple[Chosen, ...]:
    """Returns the last two different pictures chosen from one model, the latest one last."""
    before = [one for one in chosen if one != picture and one.shown.asked.name == picture.shown.asked.name]
    return (*before[-1:], picture)


def walk_note(chosen: Sequence[Chosen]) -> str:
    """Returns the two pictures at the ends of the interpolation, below its heading, as HTML."""
    if len(chosen) < 2:
        return heading(say("walk")) + note(say("walk second") if chosen else say("walk help"))
    first, second = chosen
    message = say(
        "walk chosen",
        first=first.index + 1,
        first_seed=str(first.shown.asked.seed),
        second=second.index + 1,
        second_seed=str(second.shown.asked.seed),
    )
    return f"<div data-two>{heading(say('walk'))}{note(message)}</div>"


def walk(site: Site, chosen: Sequence[Chosen], scale: int) -> bytes:
    """Returns the interpolation between the two chosen pictures as a GIF animation.

    Raises:
        WebError: fewer than two pictures were chosen.
    """
    if len(chosen) < 2:
        raise WebError(say("walk two first"))
    first, second = chosen
    name = first.shown.asked.name
    ends = {
        "first": first.shown.asked.one(first.index),
        "second": second.shown.asked.one(second.index),
    }
    return ask(site, "between", name, **ends, scale=scale).arrays["gif"].tobytes()


def walk_html(site: Site, chosen: Sequence[Chosen]) -> str:
    """Returns the interpolation between the two chosen pictures as HTML."""
    content = walk(site, chosen, 1)
    alt = say("walk alt", first=chosen[0].index + 1, second=chosen[1].index + 1)
    return f'<img class="sharp large" src="{data_uri(content, "image/gif")}" alt="{alt}">'


def along_html(site: Site, chosen: Sequence[Chosen]) -> str:
    """Returns pictures along the strongest directions from the picture chosen last, one row per direction.

    Raises:
        WebError: no picture was chosen.
    """
    if not chosen:
        raise WebError(say("choose a picture"))
    picture = chosen[-1]
    answer = ask(
        site,
        "along",
        picture.shown.asked.name,
        picture=picture.shown.asked.one(picture.index),
        steps=PLACES,
        reach=REACH,
    ).arrays["images"]
    rows, steps = answer.shape[:2]
    places = [f"{place:+g}" if place else "0" for place in np.linspace(-REACH, REACH, steps)]
    labels = Labels(above=tuple(places), beside=tuple(str(row + 1) for row in range(rows)))
    picture_png = sheet(answer.reshape(-1, *answer.shape[2:]), steps, labels)
    caption = f'<p class="hint">{say("along")}</p>'
    return f'{caption}<img class="sharp wide" src="{data_uri(picture_png, "image/png")}" alt="{say("along")}">'
