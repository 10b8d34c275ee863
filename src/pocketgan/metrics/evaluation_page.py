"""One page of an evaluation: its figures, its classes, and the images that tell most (Matplotlib and Pillow)."""

import io
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from pocketgan.base.files import write_atomically
from pocketgan.base.language import number, shortened, speaking
from pocketgan.base.language import say as say_of
from pocketgan.base.messages import english
from pocketgan.images.grids import to_picture
from pocketgan.images.lettering import letters
from pocketgan.metrics.words import EVALUATION_PAGE, NOTES, READINGS, SCORE_TABLE, TITLES

if TYPE_CHECKING:
    from pocketgan.metrics.evaluation import Evaluation
    from pocketgan.metrics.registry import Comparison
    from pocketgan.metrics.scores import Figure as Measured

DPI = 72
"""At 72 dots an inch a point is a pixel, so that one unit serves positions, lines and letters."""
WIDTH, MARGIN, GAP = 1600, 62, 12
CONTENT = WIDTH - 2 * MARGIN
MOST_COLUMNS = 12
SIDE, LARGEST = 112, 128
"""Pixels a side: images are enlarged to about the first, and shrunk where they exceed the second."""
GENERATED, REAL = "#d55e00", "#0072b2"
"""Vermilion and blue of the palette of Okabe & Ito, told apart by colour-blind readers."""
INK, FAINT, PALE = "#222222", "#666666", "#ececec"
FRAME = 190
"""The grey of the line around an image."""
HEADLINES = ("frechet_distance", "precision", "recall", "density", "coverage")
LETTERS = 40
"""About as many letters fit into a line of a headline's column."""
MOST_LABELS = 80
"""Class names written under the histogram; of more classes, every second, third, … is named."""


def say(key: str, **parts: object) -> str:
    """Returns one of the texts of the page."""
    return say_of(EVALUATION_PAGE, key, **parts)


def draw_page(evaluation: "Evaluation", folder: Path) -> Path:
    """Draws an evaluation as one picture, `evaluation.png`.

    It is in English, as all files but reports are, whatever language is spoken.

    Args:
        evaluation: what was measured; sections that it has nothing for are left out.
        folder: where; it must exist.

    Raises:
        StorageError: the picture can't be written.
    """
    from pocketgan.metrics.samples import NEIGHBOURS

    comparison = evaluation.comparison
    reference = comparison.reference
    with speaking("en"), style.context(["default", letters()]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        page = Page()
        draw_header(page, evaluation)
        draw_headlines(page, evaluation)
        draw_table(page, evaluation)
        if comparison.generated.probabilities is not None and reference.sample.probabilities is not None:
            draw_classes(page, evaluation)
        if reference.training is not None:
            draw_neighbours(page, comparison)
        if min(len(comparison.generated), len(reference.sample)) > NEIGHBOURS:
            draw_realism(page, comparison)
        content = page.finish()
    path = folder / "evaluation.png"
    write_atomically(path, content, durable=False)
    return path


# Which images are shown.


def spread_out(total: int, count: int) -> np.ndarray:
    """Returns at most `count` indices of `total` images, evenly spread from the first to the last."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int))


def lowest(values: np.ndarray, count: int) -> np.ndarray:
    """Returns the indices of the `count` lowest values, the lowest first; of equal ones, the first comes first."""
    return np.argsort(values, kind="stable")[:count]


def most_and_least(realism: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the most and of the least realistic images, each from its extreme inwards.

    Both have the same length, at most `count` and at most half of all, so that no image is in both.
    """
    count = min(count, len(realism) // 2)
    return lowest(-realism, count), lowest(realism, count)


# The page.


class Page:
    """A picture that grows downwards; positions and sizes are pixels, from the left and from the top.

    Attributes:
        top: where the next thing goes.
    """

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH / DPI, 1), dpi=DPI, facecolor="white")
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.axis("off")
        self.pictures: list[tuple[int, int, np.ndarray]] = []
        self.top = 44

    def write(self, x: float, y: float, text: str, size: float = 15, *, width: float = CONTENT, **looks: Any) -> None:
        """Writes a line of which `y` is the top; of a text wider than `width`, the middle is left out."""
        looks = {"color": INK} | looks
        placed = self.axes.text(x, -y - size, text, fontsize=size, parse_math=False, **looks)
        letters = len(text)
        while letters > 8 and placed.get_window_extent().width > width:
            letters -= max(1, letters // 20)
            placed.set_text(shortened(text, letters))

    def heading(self, title: str, *notes: str) -> None:
        """Begins a section."""
        self.top += 34
        self.box(MARGIN, self.top, CONTENT, 1, "#cccccc")
        self.write(MARGIN, self.top + 16, title, 20, fontweight="bold")
        self.top += 48
        for note in notes:
            self.write(MARGIN, self.top, note, color=FAINT)
            self.top += 22
        self.top += 10

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fills a rectangle."""
        self.axes.add_patch(Rectangle((x, -y - height), width, height, facecolor=colour, linewidth=0))

    def plot(self, x: float, y: float, width: float, height: float) -> Axes:
        """Makes a place for a plot."""
        return self.axes.inset_axes((x, -y - height, width, height), transform=self.axes.transData)

    def show(self, x: int, y: int, pixels: np.ndarray) -> None:
        """Places a picture, uint8 (H, W, 3), pixel for pixel, with a line around it."""
        self.pictures.append((x, y, pixels))

    def finish(self) -> bytes:
        """Returns the page as a PNG file."""
        height = self.top + 40
        self.figure.set_size_inches(WIDTH / DPI, height / DPI)
        self.axes.set(xlim=(0, WIDTH), ylim=(-height, 0))
        self.canvas.draw()
        pixels = np.array(self.canvas.buffer_rgba())[:, :, :3]
        for x, y, picture in self.pictures:
            high, wide, _ = picture.shape
            pixels[y - 1 : y + high + 1, x - 1 : x + wide + 1] = FRAME
            pixels[y : y + high, x : x + wide] = picture
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return buffer.getvalue()


def lines_of(text: str) -> list[str]:
    """Breaks a text for a column of the headlines, after a semicolon where that gives two short lines."""
    parts = text.replace("; ", ";\n").splitlines()
    return parts if len(parts) <= 2 and max(map(len, parts), default=0) <= LETTERS else wrap(text, LETTERS)


# What was measured.


def draw_header(page: Page, evaluation: "Evaluation") -> None:
    """Writes what was held against what, and in which feature space."""
    real, space = evaluation.real, evaluation.space
    count, against = len(evaluation.comparison.generated), len(real.reference.sample)
    page.write(MARGIN, page.top, say("images", count=count, against=against), 30, fontweight="bold")
    page.top += 54
    split = real.split in ("test", "train", "validation")
    note = say_of(NOTES, space.name, source=real.source)
    lines = {
        "real images": say("split of", split=real.split, source=real.source) if split else real.source,
        "feature space": f"{space}: {note}",
    }
    for name, line in lines.items():
        page.write(MARGIN, page.top, say(name), 16, color=FAINT)
        page.write(MARGIN + 210, page.top, line, 16, width=CONTENT - 210)
        page.top += 26


def draw_headlines(page: Page, evaluation: "Evaluation") -> None:
    """Draws the five chief figures, those that were measured, each as a bar with its floor."""
    names = [name for name in HEADLINES if name in evaluation.figures]
    if not names:
        return
    page.top += 20
    width = (CONTENT - (len(HEADLINES) - 1) * 20) // len(HEADLINES)
    readings = {name: lines_of(say_of(READINGS, name)) for name in names}
    for place, name in enumerate(names):
        figure = evaluation.figures[name]
        x, y = MARGIN + place * (width + 20), page.top
        page.box(x, y, width, 3, INK)
        page.write(x, y + 14, say_of(TITLES, name), 16, fontweight="bold", width=width)
        page.write(x, y + 42, number(figure.value), 36, width=width)
        spread = None if figure.spread is None else f"± {number(figure.spread, 2)}"
        floor = None if figure.floor is None else f"{say('real')} {number(figure.floor)}"
        page.write(x, y + 92, " · ".join(filter(None, (spread, floor))), color=FAINT, width=width)
        page.write(x, y + 112, matched_text(figure, evaluation.matched_counts), 13, color=FAINT, width=width)
        least = 0 if name == "frechet_distance" else 1
        draw_bar(page, x, y + 134, width, figure.value, figure.spread, figure.floor, least)
        for line, text in enumerate(readings[name]):
            page.write(x, y + 160 + 18 * line, text, 13, color=FAINT, width=width)
    page.top += 172 + 18 * max(map(len, readings.values()))
    page.write(MARGIN, page.top, say("legend"), 13, color=FAINT)
    page.top += 20


def matched_text(figure: "Measured", counts: tuple[int, int] | None) -> str:
    """Returns a metric and its baseline of fewer images on both sides; nothing where there is a baseline of as many."""
    if figure.matched is None or counts is None:
        return ""
    value, floor = number(figure.matched.value), number(figure.matched.floor)
    return say("matched figures", count=counts[0], real=counts[1], value=value, floor=floor)


def draw_bar(
    page: Page, x: float, y: float, width: float, value: float, spread: float | None, floor: float | None, least: float
) -> None:
    """Draws a figure as a bar from 0 to `least`, or farther where it takes that, with its spread and its floor."""
    known = [number for number in (value + (spread or 0), floor, least) if number is not None]
    longest = max((number for number in known if math.isfinite(number)), default=0) or 1.0

    def along(number: float) -> float:
        return width * min(1.0, max(0.0, number / longest))

    page.box(x, y, width, 14, PALE)
    page.box(x, y, along(value), 14, GENERATED)
    if spread is not None:
        page.box(x + along(value - spread), y + 6, max(2, along(value + spread) - along(value - spread)), 2, INK)
    if floor is not None:
        page.box(x + min(along(floor), width - 4), y - 4, 4, 22, REAL)


def draw_table(page: Page, evaluation: "Evaluation") -> None:
    """Writes the other figures as a table, and why some were left out."""
    names = [name for name in evaluation.figures if name not in HEADLINES]
    if not names and not evaluation.skipped:
        return
    counts = evaluation.matched_counts
    parts = {"count": counts[0], "real": counts[1]} if counts else {}
    page.heading(say("other figures"), *([say("matched note", **parts)] if counts else []))
    what, value, spread, how = (
        say_of(SCORE_TABLE, key) for key in ("what it is", "figure", "spread", "how to read it")
    )
    titles = (what, value, spread, say("matched", **parts) if counts else "", say("real"), how)
    columns = [MARGIN + x for x in ((0, 330, 450, 600, 720, 770) if counts else (0, 330, 450, 450, 590, 640))]

    def row(cells: Sequence[str], colour: str) -> None:
        for place, (x, cell) in enumerate(zip(columns, cells, strict=True)):
            side, width = ("left", CONTENT + MARGIN - x) if place in (0, 5) else ("right", 138)
            page.write(x, page.top, cell, color=colour, horizontalalignment=side, width=width)
        page.top += 25

    row(titles, FAINT)
    for name in names:
        figure = evaluation.figures[name]
        spread = "" if figure.spread is None else number(figure.spread, 2)
        pair = (figure.matched.value, figure.matched.floor) if figure.matched else (None, figure.floor)
        matched, floor = ("" if one is None else number(one) for one in pair)
        row((say_of(TITLES, name), number(figure.value), spread, matched, floor, say_of(READINGS, name)), INK)
    for name, reason in evaluation.skipped.items():
        row((say_of(TITLES, name), "–", "", "", "", say("left out", why=english(reason))), FAINT)


# The classes.


def draw_classes(page: Page, evaluation: "Evaluation") -> None:
    """Draws the share of each predicted class among the generated and among the real images."""
    comparison = evaluation.comparison
    sides = (comparison.generated.class_shares.numpy(), comparison.reference.sample.class_shares.numpy())
    count = len(sides[0])
    names = [shortened(" ".join(name.split()), 18) for name in evaluation.space.class_names or map(str, range(count))]
    page.heading(say("classes"), say("class shares"))
    axes, places = page.plot(MARGIN + 36, page.top, CONTENT - 36, 240), np.arange(count)
    for side, label, colour, shares in zip((-1, 1), ("generated", "real"), (GENERATED, REAL), sides, strict=True):
        axes.bar(places + side * 0.2, 100 * shares, 0.38, label=say(f"row of {label}"), color=colour)
    step = math.ceil(count / MOST_LABELS)
    axes.set_xticks(places[::step], names[::step], parse_math=False)
    axes.set_xlim(-0.6, count - 0.4)
    axes.tick_params(labelsize=13, length=0, colors=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.locator_params(axis="y", nbins=5)
    axes.grid(axis="y", color="0.9", linewidth=1)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=14, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2)
    labels = axes.get_xticklabels()
    if max(label.get_window_extent().width for label in labels) > CONTENT / len(labels) - 10:
        axes.tick_params(axis="x", labelrotation=90)
    page.top += 240 + round(max(label.get_window_extent().height for label in labels)) + 16


# The images.


def draw_neighbours(page: Page, comparison: "Comparison") -> None:
    """Shows generated images above their nearest training images: some of all, and those that come closest."""
    reference = comparison.reference
    assert reference.training is not None
    generated, training = comparison.generated.images.numpy(), reference.training.images.numpy()
    distances, indices = (result.numpy() for result in comparison.nearest_training)
    columns = columns_of(generated)
    page.heading(say("nearest"), say("nearest, below"))
    draw_pairs(page, generated, training, indices, distances, spread_out(len(generated), columns))
    notes = [say("closest, copies")]
    if reference.held_out:
        held_out = reference.nearest_training.distances.numpy()
        near, middle = (number(float(np.quantile(held_out, share))) for share in (0.01, 0.5))
        notes.append(say("closest, real", near=near, middle=middle))
    page.heading(say("closest"), *notes)
    draw_pairs(page, generated, training, indices, distances, lowest(distances, columns))


def draw_pairs(
    page: Page,
    generated: np.ndarray,
    training: np.ndarray,
    indices: np.ndarray,
    distances: np.ndarray,
    chosen: np.ndarray,
) -> None:
    """Draws a row of generated images, a row of the training images nearest to them, and the distances."""
    draw_row(page, generated[chosen], "generated", GENERATED)
    page.top += 8
    draw_row(page, training[indices[chosen]], "training", REAL, distances[chosen])


def draw_realism(page: Page, comparison: "Comparison") -> None:
    """Shows the most and the least realistic generated images."""
    images, realism = comparison.generated.images.numpy(), comparison.manifold.realism.numpy()
    columns = columns_of(images)
    both = most_and_least(realism, 2 * columns)
    for which, chosen in zip(("most", "least"), both, strict=True):
        page.heading(say(f"{which} realistic"), say(f"{which}, below"))
        for start in range(0, len(chosen), columns):
            row = chosen[start : start + columns]
            draw_row(page, images[row], "generated", GENERATED, realism[row])


def draw_row(page: Page, images: np.ndarray, name: str, colour: str, values: np.ndarray | None = None) -> None:
    """Draws images (N, C, H, W) side by side, with `name` at the left and, where given, a number below each."""
    pixels, columns = [enlarged(image) for image in images], columns_of(images)
    height, width, _ = pixels[0].shape
    middle = page.top + height / 2
    centred: dict[str, Any] = {"horizontalalignment": "center", "color": colour}
    page.write(MARGIN - 20, middle - 14, say(f"row of {name}"), 14, rotation=90, verticalalignment="center", **centred)
    for place, picture in enumerate(pixels):
        x = MARGIN + place * (CONTENT - width) // (columns - 1)
        page.show(x, page.top, picture)
        if values is not None:
            page.write(x + width / 2, page.top + height + 6, number(float(values[place])), 13, **centred)
    page.top += height + (0 if values is None else 30)


def columns_of(images: np.ndarray) -> int:
    """Returns how many of the images (N, C, H, W) go into a row of the page."""
    return min(MOST_COLUMNS, (CONTENT + GAP) // (enlarged(images[0]).shape[1] + GAP))


def enlarged(image: np.ndarray) -> np.ndarray:
    """Returns an image, uint8 (C, H, W), as RGB pixels (H, W, 3) of the page: a whole number of pixels each, no blur.

    Only where an image is larger than its place, it is shrunk.
    """
    _, height, width = image.shape
    longest = max(height, width)
    scale = max(1, round(SIDE / longest))
    picture = to_picture(image.transpose(1, 2, 0)).convert("RGB")
    if longest > LARGEST:
        size = (max(1, width * LARGEST // longest), max(1, height * LARGEST // longest))
        return np.asarray(picture.resize(size, Image.Resampling.BOX))
    return np.asarray(picture.resize((width * scale, height * scale), Image.Resampling.NEAREST))
