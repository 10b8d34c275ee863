"""The page of an evaluation, as one HTML file: its scores, its classes, and a choice of its images."""

import io
import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pocketgan.base.charts.content import Bars
from pocketgan.base.charts.drawing import draw_bars, meter
from pocketgan.base.charts.looks import Look
from pocketgan.base.charts.svg import key
from pocketgan.base.files import write_atomically, write_json
from pocketgan.base.html import html_document, paragraph, picture_address
from pocketgan.base.language import number, speaking
from pocketgan.base.language import say as say_of
from pocketgan.base.messages import english
from pocketgan.images.grids import make_folder, to_picture
from pocketgan.metrics.real_images import space_note
from pocketgan.metrics.scores import reading_of, title_of
from pocketgan.metrics.translation import say as translation_text
from pocketgan.metrics.translation import translation_table
from pocketgan.metrics.words import EVALUATION_PAGE, SCORE_TABLE

if TYPE_CHECKING:
    from pocketgan.metrics.evaluation import Evaluation
    from pocketgan.metrics.registry import Comparison
    from pocketgan.metrics.scores import Figure

HEADLINES = ("frechet_distance", "precision", "recall", "density", "coverage")
COLUMNS = 12
"""Maximum number of images in a row of the page."""
ROWS = 2
"""Rows of the most realistic and of the least realistic images."""
OWN_STYLE = """
.scores{display:grid;grid-template-columns:repeat(auto-fit,minmax(11.5rem,1fr));gap:1.5rem;margin:1.5rem 0 .5rem}
.scores section{border-top:3px solid var(--ink);padding-top:.5rem}
.scores h3{margin:0;font-size:1rem}
.scores b{display:block;font-size:2rem;line-height:1.25;font-weight:400}
.scores p{margin:.25rem 0;color:var(--faint);font-size:.8125rem}
.images{display:grid;grid-template-columns:repeat(auto-fill,minmax(4.7rem,1fr));gap:.75rem;margin:1rem 0}
.images figure{margin:0}
.images img{display:block;width:100%;image-rendering:pixelated;border:1px solid var(--line);margin-bottom:3px}
.images figcaption{text-align:center;font-variant-numeric:tabular-nums}
@media screen and (max-width:759px){.classes{overflow-x:auto}.classes .pg-plot{width:44rem}}
"""
GENERATED, REAL = Look(2), Look(1)
"""Colors: vermilion and blue, which color-blind readers can distinguish."""


def say(key: str, **parts: object) -> str:
    """Returns one of the page's texts."""
    return say_of(EVALUATION_PAGE, key, **parts)


def save_evaluation(evaluation: "Evaluation", folder: str | Path) -> Path:
    """Writes `evaluation.json` and the page of an evaluation, and returns the page, an HTML file.

    Args:
        evaluation: the evaluation.
        folder: the folder, which is created if necessary.

    Raises:
        UserError: the folder can't be created.
        StorageError: a file can't be written.
    """
    make_folder(folder, Path(folder))
    write_json(Path(folder) / "evaluation.json", evaluation.to_json())
    return write_page(evaluation, Path(folder))


def write_page(evaluation: "Evaluation", folder: Path) -> Path:
    """Writes an evaluation as one self-contained page, `evaluation.html`.

    It is in English, as are all files except reports, whatever the current language is.

    Args:
        evaluation: the evaluation; sections without data are omitted.
        folder: the folder, which must exist.

    Raises:
        StorageError: the page can't be written.
    """
    with speaking("en"):
        content = document(evaluation)
    path = folder / "evaluation.html"
    write_atomically(path, content.encode(), durable=False)
    return path


def document(evaluation: "Evaluation") -> str:
    """Returns the page in the current language."""
    from pocketgan.metrics.samples import NEIGHBOURS

    comparison, real, space = evaluation.comparison, evaluation.real, evaluation.space
    reference = comparison.reference
    title = say("images", count=len(comparison.generated), against=len(reference.sample))
    split = real.split in ("test", "train", "validation")
    about = {
        "real images": say("split of", split=real.split, source=real.source) if split else real.source,
        "feature space": f"{space}: {space_note(space, real)}",
    }
    facts = "".join(f"<dt>{escape(say(name))}</dt><dd>{escape(text)}</dd>" for name, text in about.items())
    body = [headlines(evaluation), others(evaluation), translated(evaluation)]
    if comparison.generated.probabilities is not None and reference.sample.probabilities is not None:
        body.append(classes(evaluation))
    if reference.training is not None:
        body += neighbours(comparison)
    if min(len(comparison.generated), len(reference.sample)) > NEIGHBOURS:
        body += realism(comparison)
    content = chr(10).join(filter(None, body))
    page = f"<header><h1>{escape(title)}</h1><dl>{facts}</dl></header>\n<main>\n{content}\n</main>"
    return html_document(title, page, language="en", head=f"<style>{OWN_STYLE}</style>")


def section(title: str, *parts: str) -> str:
    """Returns a section of the page with its heading."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


# Choice of the images.


def spread_out(total: int, count: int) -> np.ndarray:
    """Returns at most `count` indices of `total` images, evenly spaced from the first to the last."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int))


def lowest(values: np.ndarray, count: int) -> np.ndarray:
    """Returns the indices of the `count` lowest values, the lowest first; equal values keep their order."""
    return np.argsort(values, kind="stable")[:count]


def most_and_least(realism: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the most and of the least realistic images, each beginning with its extreme.

    Both have the same length, at most `count` and at most half of all images, so that no image is in both.
    """
    count = min(count, len(realism) // 2)
    return lowest(-realism, count), lowest(realism, count)


# Scores.


def headlines(evaluation: "Evaluation") -> str:
    """Returns the most important of the measured scores, each as a bar with its real-data baseline."""
    parts = []
    for name in HEADLINES:
        if name not in evaluation.figures:
            continue
        figure = evaluation.figures[name]
        error = None if figure.spread is None else f"± {number(figure.spread, 2)}"
        floor = None if figure.floor is None else f"{say('real')} {number(figure.floor)}"
        lines = [" · ".join(filter(None, (error, floor))), matched_text(figure, evaluation.matched_counts)]
        notes = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
        parts.append(
            f"<section><h3>{escape(title_of(name))}</h3><b>{escape(number(figure.value))}</b>{notes}"
            f"{bar(figure, 0 if name == 'frechet_distance' else 1)}<p>{escape(reading_of(name))}</p></section>"
        )
    return f'<div class="scores">{"".join(parts)}</div>{paragraph(say("legend"), "note")}' if parts else ""


def matched_text(figure: "Figure", counts: tuple[int, int] | None) -> str:
    """Returns a score and its baseline with fewer images on both sides; empty if the baseline has equally many."""
    if figure.matched is None or counts is None:
        return ""
    value, floor = number(figure.matched.value), number(figure.matched.floor)
    return say("matched figures", count=counts[0], real=counts[1], value=value, floor=floor)


def bar(figure: "Figure", least: float) -> str:
    """Returns a score as a bar from 0 to `least`, or farther if necessary, with its standard error and its baseline."""
    spread = figure.spread
    ends = [value for value in (figure.value + (spread or 0), figure.floor, least) if value is not None]
    longest = max((end for end in ends if math.isfinite(end)), default=0) or 1.0
    interval = None if spread is None else (figure.value - spread, figure.value + spread)
    return meter(figure.value, longest, interval, figure.floor)


def others(evaluation: "Evaluation") -> str:
    """Returns the other scores as a table, with the reasons for missing ones."""
    names = [name for name in evaluation.figures if name not in HEADLINES]
    if not names and not evaluation.skipped:
        return ""
    counts = evaluation.matched_counts
    parts = {"count": counts[0], "real": counts[1]} if counts else {}
    what, value, spread, how = (
        say_of(SCORE_TABLE, key) for key in ("what it is", "figure", "spread", "how to read it")
    )
    numbers = [value, spread, *([say("matched", **parts)] if counts else []), say("real")]
    rows = []
    for name in names:
        figure = evaluation.figures[name]
        pair = (figure.matched.value, figure.matched.floor) if figure.matched else (None, figure.floor)
        matched, floor = ("" if one is None else number(one) for one in pair)
        error = "" if figure.spread is None else number(figure.spread, 2)
        cells = [number(figure.value), error, *([matched] if counts else []), floor]
        rows.append(row(title_of(name, evaluation.metrics), cells, reading_of(name, evaluation.metrics)))
    for name, reason in evaluation.skipped.items():
        empty = ["–", *[""] * (len(numbers) - 1)]
        rows.append(row(title_of(name, evaluation.metrics), empty, say("left out", why=english(reason)), "failed"))
    top = "".join(f'<th scope="col" class="number">{escape(text)}</th>' for text in numbers)
    return section(
        say("other figures"),
        paragraph(say("matched note", **parts), "note") if counts else "",
        f'<div class="scroll"><table><thead><tr><th scope="col">{escape(what)}</th>{top}',
        f'<th scope="col">{escape(how)}</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>',
    )


def row(name: str, numbers: Iterable[str], reading: str, kind: str = "") -> str:
    """Returns a row of the table of scores."""
    cells = "".join(f'<td class="number">{escape(text)}</td>' for text in numbers)
    mark = f' class="{kind}"' if kind else ""
    return f'<tr{mark}><th scope="row">{escape(name)}</th>{cells}<td class="words">{escape(reading)}</td></tr>'


def translated(evaluation: "Evaluation") -> str:
    """Returns the table of a translation's scores beside its baselines; an empty text for other images."""
    if evaluation.translation is None:
        return ""
    headings, rows = translation_table(evaluation.translation)
    first, *numbers, how = (escape(heading) for heading in headings)
    top = "".join(f'<th scope="col" class="number">{heading}</th>' for heading in numbers)
    body = "".join(row(name, cells, reading) for name, *cells, reading in rows)
    return section(
        translation_text("count", count=evaluation.translation.count),
        *([paragraph(verdict)] if (verdict := evaluation.translation.verdict()) else []),
        f'<div class="scroll"><table><thead><tr><th scope="col">{first}</th>{top}',
        f'<th scope="col">{how}</th></tr></thead><tbody>{body}</tbody></table></div>',
    )


# Classes.


def classes(evaluation: "Evaluation") -> str:
    """Returns a bar chart of the share of each predicted class, among the generated and among the real images."""
    comparison = evaluation.comparison
    generated, real = (side.class_shares.tolist() for side in (comparison.generated, comparison.reference.sample))
    names = evaluation.space.class_names or tuple(map(str, range(len(real))))
    groups = [(say("row of generated"), GENERATED, generated), (say("row of real"), REAL, real)]
    legend = " ".join(f'<span class="key">{key(look, "bar")} {escape(name)}</span>' for name, look, _ in groups)
    chart = draw_bars(Bars(say("classes"), names, groups, height=220, wide=True))
    scrolled = f'<div class="classes" tabindex="0" role="group" aria-label="{escape(say("classes"))}">{chart}</div>'
    return section(say("classes"), paragraph(say("class shares")), f"<p>{legend}</p>{scrolled}")


# Images.


def neighbours(comparison: "Comparison") -> list[str]:
    """Returns generated images above their nearest training images: evenly chosen ones, and the closest ones."""
    reference = comparison.reference
    assert reference.training is not None
    generated, training = comparison.generated.images.numpy(), reference.training.images.numpy()
    distances, indices = (values.numpy() for values in comparison.nearest_training)

    def pairs(chosen: np.ndarray) -> str:
        return images([(generated[one], training[indices[one]]) for one in chosen], distances[chosen])

    notes = [say("closest, copies")]
    if reference.held_out:
        held_out = reference.nearest_training.distances.numpy()
        near, middle = (number(float(np.quantile(held_out, share))) for share in (0.01, 0.5))
        notes.append(say("closest, real", near=near, middle=middle))
    return [
        section(say("nearest"), paragraph(say("nearest, below")), pairs(spread_out(len(generated), COLUMNS))),
        section(say("closest"), *map(paragraph, notes), pairs(lowest(distances, COLUMNS))),
    ]


def realism(comparison: "Comparison") -> list[str]:
    """Returns the most and the least realistic generated images."""
    generated, values = comparison.generated.images.numpy(), comparison.manifold.realism.numpy()
    both = most_and_least(values, ROWS * COLUMNS)
    return [
        section(
            say(f"{which} realistic"),
            paragraph(say(f"{which}, below")),
            images([(generated[one],) for one in chosen], values[chosen]),
        )
        for which, chosen in zip(("most", "least"), both, strict=True)
    ]


def images(columns: Sequence[tuple[np.ndarray, ...]], values: np.ndarray) -> str:
    """Returns images side by side, as single images or as pairs above each other, with a number below.

    Args:
        columns: uint8 (C, H, W), the generated image first.
        values: a number for each column.
    """
    names = [say("row of generated"), say("row of training")]
    figures = []
    for column, value in zip(columns, values, strict=True):
        shown = "".join(
            f'<img src="{picture_address(as_png(image))}" alt="{escape(name)}">'
            for image, name in zip(column, names, strict=False)
        )
        figures.append(f"<figure>{shown}<figcaption>{escape(number(float(value)))}</figcaption></figure>")
    return f'<div class="images">{"".join(figures)}</div>'


def as_png(image: np.ndarray) -> bytes:
    """Returns an image, uint8 (C, H, W), as a PNG file, pixel for pixel."""
    buffer = io.BytesIO()
    to_picture(image.transpose(1, 2, 0)).save(buffer, "PNG")
    return buffer.getvalue()
