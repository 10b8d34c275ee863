"""Plots of a run, and its samples as a film, from the run folder alone (Matplotlib and Pillow)."""

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image, UnidentifiedImageError

from pocketgan.files import write_atomically
from pocketgan.runs import Run

FILM_FRAMES, FILM_SECONDS, FILM_PIXELS = 80, 8.0, 1600
POINTS = 1000
"""Points a curve; longer ones are averaged in blocks."""
COLOURS = {"discriminator": "#0072b2", "generator": "#d55e00"}
"""Blue and vermilion of the palette of Okabe & Ito, told apart by colour-blind readers."""


def draw_figures(run: Run) -> list[Path]:
    """Draws what the run's rows and samples allow into `figures/`: losses, accuracies, quality, a film of samples."""
    drawn = []
    rows = run.stats()
    if rows:
        drawn += [plot_losses(run, rows), plot_accuracies(run, rows)]
    evaluations = run.metrics()
    if evaluations:
        drawn.append(plot_quality(run, evaluations))
    film = make_film(run)
    return drawn + ([film] if film else [])


def plot_losses(run: Run, rows: list[dict[str, float]]) -> Path:
    """Draws both networks' losses over the steps: `figures/loss_plot.png`."""
    figure, axes = _begin()
    for name, key in (("discriminator", "d_loss"), ("generator", "g_loss")):
        axes.plot(*curve(rows, key), label=name, color=COLOURS[name], linewidth=1.3)
    axes.set_ylabel(f"loss ({run.config.objective.objective})")
    return _finish(figure, run, "loss_plot")


def plot_accuracies(run: Run, rows: list[dict[str, float]]) -> Path:
    """Draws the discriminator's accuracy on real and on generated images: `figures/accuracy_plot.png`."""
    figure, axes = _begin()
    styles = (("real images", "d_real_accuracy", "-"), ("generated images", "d_fake_accuracy", "--"))
    for colour, (name, key, style) in zip(COLOURS.values(), styles, strict=True):
        steps, values = curve(rows, key)
        axes.plot(steps, 100 * values, style, label=name, color=colour, linewidth=1.3)
    axes.axhline(50, color="0.6", linewidth=0.8, zorder=0)
    axes.set_ylim(-2, 102)
    axes.set_ylabel("discriminator accuracy (%)")
    return _finish(figure, run, "accuracy_plot")


def plot_quality(run: Run, evaluations: list[dict[str, Any]]) -> Path:
    """Draws the Fréchet distance over the steps, with the floor and the best checkpoint: `figures/quality_plot.png`."""
    figure, axes = _begin()
    averaged = any("raw_frechet_distance" in row for row in evaluations)
    name = "averaged generator" if averaged else "generator"
    axes.plot(*curve(evaluations, "frechet_distance"), "o-", label=name, color=COLOURS["generator"], markersize=3)
    if averaged:
        steps, values = curve(evaluations, "raw_frechet_distance")
        axes.plot(steps, values, "s--", label="as trained", color=COLOURS["discriminator"], markersize=3, linewidth=1)
    axes.axhline(evaluations[-1]["frechet_floor"], color="0.4", linewidth=1, linestyle=":", label="real images")
    best = run.best()
    if best is not None:
        axes.plot(best["step"], best["frechet_distance"], "*", color="black", markersize=10, label="best", zorder=5)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(left=0)
    axes.set_ylabel(f"Fréchet distance to the {evaluations[-1]['reference']} images")
    return _finish(figure, run, "quality_plot")


def curve(rows: list[dict[str, float]], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns steps and values of one column, averaged in blocks down to at most 1,000 points."""
    pairs = np.array([(row["step"], row[key]) for row in rows if key in row], dtype=float).reshape(-1, 2)
    blocks = np.array_split(pairs, min(POINTS, max(1, len(pairs))))
    means = np.array([block.mean(axis=0) for block in blocks if len(block)])
    return means[:, 0], means[:, 1]


def _begin() -> tuple[Figure, Axes]:
    """Makes an empty plot, without pyplot, so that a notebook's own plots are left alone."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    return figure, figure.subplots()


def _finish(figure: Figure, run: Run, name: str) -> Path:
    axes = figure.axes[0]
    axes.set_xlabel("step (one update of each network)")
    axes.set_title(f"{run.config.recipe}, seed {run.config.seed}", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    path = run.folder / "figures" / f"{name}.png"
    write_atomically(path, buffer.getvalue(), durable=False)
    return path


def make_film(run: Run) -> Path | None:
    """Makes an animated GIF of the samples over training: `figures/samples.gif`; None where there are fewer than 2."""
    paths = run.samples()
    if len(paths) < 2:
        return None
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, min(FILM_FRAMES, len(paths))).astype(int))]
    frames = []
    for path in chosen:
        with suppress(UnidentifiedImageError), Image.open(path) as picture:
            frame = picture.convert("L" if run.facts.channels == 1 else "RGB")
            frame.thumbnail((FILM_PIXELS, FILM_PIXELS))
            frames.append(frame)
    if len(frames) < 2:
        return None
    pause = round(1000 * min(0.5, FILM_SECONDS / len(frames)))
    buffer = io.BytesIO()
    durations = [pause] * (len(frames) - 1) + [2000]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    path = run.folder / "figures" / "samples.gif"
    write_atomically(path, buffer.getvalue(), durable=False)
    return path
