"""Plots of one run, or of several in the same axes, from the run folders alone (Matplotlib)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from pocketgan.base.errors import RunError, nearest
from pocketgan.pictures.moments import film_of
from pocketgan.pictures.plot_style import (
    HEIGHT,
    MARKS,
    MOST_RUNS,
    NARROWEST,
    PALETTES,
    WIDEST,
    WIDTH,
    Look,
    Plots,
    add_legend,
    named,
    new_figure,
    styled,
)
from pocketgan.runs.run import Run

BLOCKS = 160
"""Points per curve of losses; each is the mean of a block of rows, and a band shows the block's minimum and maximum."""
LOSSES = (("discriminator", "d_loss"), ("generator", "g_loss"))
MARKED = 8
"""Approximate number of markers on such a curve."""
DASHED = (0, (4, 1.5))
COLOURS = colormaps["cividis"].resampled(48)
"""Colors of the class map: distinguishable for color-blind readers, brighter for higher shares in grayscale, and few
enough to be drawn as areas instead of a bitmap.
"""
MOST_CLASSES = 24
"""Maximum number of class names beside the class map; of more classes, every second, third, … is named."""
OVER: dict[str, tuple[str, Callable[[dict[str, float], Run], float]]] = {
    "steps": ("training (steps)", lambda row, run: row["step"]),
    "epochs": ("training (epochs)", lambda row, run: row["nimg"] / run.facts.images),
    "kimg": ("training (thousands of real images shown)", lambda row, run: row["nimg"] / 1000),
    "minutes": ("training time (min)", lambda row, run: row["seconds"] / 60),
}
"""Choices for the horizontal axis: the label with its unit, and the function that computes a row's position."""


@dataclass(frozen=True)
class Drawn:
    """A run in a plot.

    Attributes:
        run: the run.
        name: its name in the legend; empty if it is the only run.
        colours: the colors of its first and second line.
        marks: the markers of its first and second line.
        rows, evaluations: its `stats.jsonl` and `metrics.jsonl`.
    """

    run: Run
    name: str
    colours: tuple[str, str]
    marks: tuple[str, str]
    rows: list[dict[str, float]]
    evaluations: list[dict[str, Any]]

    def called(self, line: str) -> str:
        """Returns the legend entry for one of the run's lines."""
        return f"{self.name}, {line}" if self.name else line


def draw_figures(run: Run) -> list[Path]:
    """Draws the run's plots (losses, accuracies, quality) and the animation of its samples into `figures/`.

    Plots without data are skipped, and so is the animation if there are fewer than two sample pictures.
    """
    folder = run.folder / "figures"
    drawn: list[Path] = []
    if run.stats() or run.metrics():
        names = ("loss_plot", "accuracy_plot", "quality_plot")
        drawn += draw_plots([run], titled=True, names=names).save(folder, "png")
    try:
        film = film_of(run)
    except RunError:
        return drawn  # There are fewer than two pictures.
    return [*drawn, film.save(folder / "samples.gif")]


def draw_plots(
    runs: Sequence[Run],
    *,
    x_axis: str = "steps",
    width: float = WIDTH,
    theme: str = "light",
    titled: bool = False,
    names: Sequence[str] = (),
) -> Plots:
    """Draws the plots for which the runs have data.

    Args:
        runs: one run, or up to 7 runs to compare.
        x_axis: a key of `OVER`.
        width: the width in centimeters.
        theme: `light` or `dark`.
        titled: whether a title names the run's recipe and seed, for use outside a text.
        names: the plots to draw, keys of `PLOTS`; empty for all.

    Raises:
        RunError: there is nothing to plot, or an argument is invalid.
    """
    check_wishes(len(runs), x_axis, width, theme)
    check_once([run.folder for run in runs])
    palette = PALETTES["dark" if theme == "dark" else "light"]
    look = Look("dark" if theme == "dark" else "light", width, titled)
    several, result = len(runs) > 1, []
    for place, (run, name) in enumerate(zip(runs, named([run.folder for run in runs]), strict=True)):
        first, second = (place, place) if several else (0, 1)
        colours, marks = (palette.lines[first], palette.lines[second]), (MARKS[first], MARKS[second])
        result.append(Drawn(run, name if several else "", colours, marks, run.stats(), run.metrics()))
        if not (result[-1].rows or result[-1].evaluations):
            raise RunError("nothing to plot", field="run", folder=run.folder)
    figures = {}
    with styled(look):
        for name, draw in PLOTS.items():
            figure = draw(result, x_axis, look) if not names or name in names else None
            if figure is not None:
                figures[name] = figure
    return Plots(figures, look)


def check_wishes(runs: int, x_axis: str, width: float, theme: str) -> None:
    """Checks the arguments of plots with this number of runs.

    Raises:
        RunError: an argument is out of range or unknown.
    """
    if not 1 <= runs <= MOST_RUNS:
        raise RunError("runs in a plot", field="run", count=runs, most=MOST_RUNS)
    if x_axis not in OVER:
        known = ", ".join(OVER)
        raise RunError("not one of", field="x_axis", value=x_axis, hint=nearest(x_axis, OVER), known=known)
    if not NARROWEST <= width <= WIDEST:
        raise RunError("width of plots", field="width", width=width, least=NARROWEST, most=WIDEST)
    if theme not in PALETTES:
        raise RunError("not one of", field="theme", value=theme, hint="", known=", ".join(PALETTES))


def check_once(folders: Sequence[Path]) -> None:
    """Checks that no run is drawn twice.

    Raises:
        RunError: one would be.
    """
    places = [folder.resolve() for folder in folders]
    twice = next((folder for place, folder in zip(places, folders, strict=True) if places.count(place) > 1), None)
    if twice is not None:
        raise RunError("run named twice", field="run", folder=twice)


# The plots. Each function returns None if no run has data for it.


def plot_losses(drawn: list[Drawn], x_axis: str, look: Look) -> Figure | None:
    """Draws the losses of both networks: the discriminator's as a solid line, the generator's as a dashed line."""
    if any(one.run.config.kind == "recorded" for one in drawn):  # Its objective has no name.
        return plot_two(drawn, x_axis, look, LOSSES, "loss")
    objectives = {one.run.config.objective.objective: one.run.config.facts("objective") for one in drawn}
    units = " or ".join(dict.fromkeys(facts.unit or "no unit" for facts in objectives.values()))
    which = f"{next(iter(objectives))}, " if len(objectives) == 1 else ""
    return plot_two(drawn, x_axis, look, LOSSES, f"loss ({which}{units})")


def plot_accuracies(drawn: list[Drawn], x_axis: str, look: Look) -> Figure | None:
    """Draws the discriminator's accuracy on real images as a solid line, and on generated images as a dashed line."""
    lines = (("real images", "d_real_accuracy"), ("generated images", "d_fake_accuracy"))
    figure = plot_two(drawn, x_axis, look, lines, "discriminator's accuracy (%)", by=100, chance=50)
    if figure is not None:
        figure.axes[0].set_ylim(-2, 102)
    return figure


def plot_two(
    drawn: list[Drawn],
    x_axis: str,
    look: Look,
    lines: tuple[tuple[str, str], tuple[str, str]],
    label: str,
    *,
    by: float = 1,
    chance: float | None = None,
) -> Figure | None:
    """Draws two columns of each run's rows, the first solid and the second dashed, each with a band for its range."""
    if not any(isinstance(row.get(key), int | float) for one in drawn for row in one.rows for _, key in lines):
        return None
    figure, (axes,) = new_figure(look)
    for place, one in enumerate(drawn):
        for side, (line, key) in enumerate(lines):
            curve = find_curve(one, x_axis, key)
            if curve is None:
                continue
            every = max(1, len(curve.x) // MARKED)
            begin = round(every * (2 * place + side) / (2 * len(drawn))) % every
            axes.fill_between(
                curve.x, by * curve.low, by * curve.high, color=one.colours[side], alpha=0.15, linewidth=0
            )
            axes.plot(
                curve.x,
                by * curve.mean,
                color=one.colours[side],
                linestyle="-" if side == 0 else DASHED,
                marker=one.marks[side],
                markevery=(begin, every),
                fillstyle="full" if side == 0 else "none",
                label=one.called(line),
            )
    if chance is not None:
        axes.axhline(chance, color=look.palette.faint, linewidth=1, linestyle=":", label="chance", zorder=1)
    axes.set_ylabel(label)
    return finish(figure, drawn, x_axis, look)


def plot_quality(drawn: list[Drawn], x_axis: str, look: Look) -> Figure | None:
    """Draws the Fréchet distances of the EMA and the raw generator, the real-data baseline and the best checkpoint."""
    shown = [one for one in drawn if one.evaluations]
    if not shown:
        return None
    figure, (axes,) = new_figure(look)
    for one in shown:
        averaged = any("raw_frechet_distance" in row for row in one.evaluations)
        lines = [("frechet_distance", "EMA generator" if averaged else "generator", "-", "full")]
        lines += [("raw_frechet_distance", "raw generator", DASHED, "none")] if averaged else []
        for side, (key, name, dashes, fill) in enumerate(lines):
            x, y = points(one, one.evaluations, x_axis, key)
            colour, mark = one.colours[1 - side], one.marks[side]
            axes.plot(x, y, color=colour, linestyle=dashes, marker=mark, fillstyle=fill, label=one.called(name))
    bests = [(one.run, best) for one in shown if (best := one.run.best()) is not None]
    if bests:
        x, y = zip(*[(OVER[x_axis][1](best, run), best["frechet_distance"]) for run, best in bests], strict=True)
        axes.plot(x, y, "*", markersize=11, color="none", markeredgecolor=look.palette.ink, zorder=5, label="best")
    floors: dict[float, str] = {}
    for one in shown:
        if (floor := one.evaluations[-1].get("frechet_floor")) is not None:
            floors.setdefault(floor, one.colours[0])
    for place, (floor, colour) in enumerate(sorted(floors.items())):
        label = "real-data baseline" if place == 0 else None
        colour = look.palette.faint if len(floors) == 1 else colour
        axes.axhline(floor, color=colour, linewidth=1, linestyle=":", label=label)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(left=0)
    splits = {"train": "training", "validation": "validation", "test": "test"}
    against = {splits.get(str(one.evaluations[-1].get("reference"))) for one in shown}
    to_which = f" to the\n{against.pop()} images" if len(against) == 1 and None not in against else ""
    axes.set_ylabel(f"Fréchet distance{to_which} (no unit)")
    return finish(figure, shown, x_axis, look)


def plot_classes(drawn: list[Drawn], x_axis: str, look: Look) -> Figure | None:
    """Draws the share of each class among the generated images as a map, darker for less, with one map per run."""
    shown = [one for one in drawn if any(row.get("histogram") for row in one.evaluations)]
    if not shown:
        return None
    figure, places = new_figure(look, (HEIGHT - 1.5) * len(shown) + 1, len(shown))
    tables = [[row for row in one.evaluations if row.get("histogram")] for one in shown]
    shares = [100 * np.array([row["histogram"] for row in rows], dtype=float).T for rows in tables]
    norm = Normalize(0, max(share.max() for share in shares))
    for axes, one, rows, share in zip(places, shown, tables, shares, strict=True):
        x = np.array([OVER[x_axis][1](row, one.run) for row in rows])
        edges = np.concatenate([[0.0], (x[1:] + x[:-1]) / 2, [x[-1]]])
        classes = np.arange(len(share) + 1) - 0.5
        axes.pcolormesh(edges, classes, share, cmap=COLOURS, norm=norm, edgecolors="face")
        names = class_names(one, len(share))
        step = math.ceil(len(names) / MOST_CLASSES)
        axes.set_yticks(range(0, len(names), step), names[::step])
        axes.set_ylabel("generated class")
        write_across(axes, x_axis, look)
        if one.name:
            axes.set_title(one.name, loc="left")
    bar = figure.colorbar(
        ScalarMappable(norm, COLOURS), ax=places, label="share of the\ngenerated images (%)", pad=0.02
    )
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    assert bar.solids is not None
    bar.solids.set_edgecolor("face")  # Otherwise some viewers draw hairlines between the colors.
    return finish(figure, shown, x_axis, look, grid=False)


def plot_speed(drawn: list[Drawn], x_axis: str, look: Look) -> Figure | None:
    """Draws the number of real images per second in training."""
    if not any("images_per_second" in row for one in drawn for row in one.rows):
        return None
    figure, (axes,) = new_figure(look)
    for one in drawn:
        curve = find_curve(one, x_axis, "images_per_second")
        if curve is not None:
            axes.fill_between(curve.x, curve.low, curve.high, color=one.colours[0], alpha=0.15, linewidth=0)
            every = max(1, len(curve.x) // MARKED)
            axes.plot(curve.x, curve.mean, color=one.colours[0], marker=one.marks[0], markevery=every, label=one.name)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.set_ylabel("speed (real images/s)")
    return finish(figure, drawn, x_axis, look)


PLOTS: dict[str, Callable[[list[Drawn], str, Look], Figure | None]] = {
    "loss_plot": plot_losses,
    "accuracy_plot": plot_accuracies,
    "quality_plot": plot_quality,
    "class_plot": plot_classes,
    "speed_plot": plot_speed,
}


# Parts of the plots.


@dataclass(frozen=True)
class Curve:
    """A column of rows, averaged in blocks: position, mean, minimum and maximum, each of shape (n,)."""

    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def points(one: Drawn, rows: Sequence[dict[str, Any]], x_axis: str, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the positions and values of a column, without rows that have no finite number in it."""
    where = OVER[x_axis][1]
    known = [row for row in rows if isinstance(row.get(key), int | float) and math.isfinite(row[key])]
    pairs = np.array([(where(row, one.run), row[key]) for row in known], dtype=float).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def find_curve(one: Drawn, x_axis: str, key: str) -> Curve | None:
    """Returns a column of a run's rows, averaged in blocks to at most 160 points; None if it is empty."""
    x, y = points(one, one.rows, x_axis, key)
    if len(x) == 0:
        return None
    blocks = [block for block in np.array_split(np.arange(len(x)), min(BLOCKS, len(x))) if len(block)]
    measures = (np.mean, np.min, np.max)
    return Curve(np.array([x[block].mean() for block in blocks]), *(
        np.array([measure(y[block]) for block in blocks]) for measure in measures
    ))  # fmt: skip


def class_names(one: Drawn, count: int) -> list[str]:
    """Returns the class names of a run's histograms, shortened; numbers if the names are unknown."""
    names = one.run.facts.class_names
    if one.evaluations[-1].get("features") == "digits" or len(names) != count:
        names = tuple(str(number) for number in range(count))
    return [name if len(name) <= 12 else f"{name[:11]}…" for name in names]


def finish(figure: Figure, drawn: list[Drawn], x_axis: str, look: Look, *, grid: bool = True) -> Figure:
    """Adds the horizontal axis, the legend and, if requested, the title to a plot."""
    axes: Axes = figure.axes[0]
    if grid:
        write_across(axes, x_axis, look)
        axes.grid(axis="y")
        add_legend(figure, axes)
    if look.titled and len(drawn) == 1:
        config = drawn[0].run.config
        axes.set_title(f"{config.recipe}, seed {config.seed}", loc="left")
    return figure


def write_across(axes: Axes, x_axis: str, look: Look) -> None:
    """Adds the label and the tick labels of the horizontal axis."""
    axes.set_xlabel(OVER[x_axis][0])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8 if look.width > 10 else 5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(plain))


def plain(value: float, _: int | None = None) -> str:
    """Formats a number for an axis: `1,500`, `0.2`."""
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"
