"""What each metric sees of what can be wrong with images: `make bench-sensitivity`.

A perfect generator is played by real images: 4,000 of MNIST's training split. The other 56,000 are its training
images, and the test split is the reference. Eight changes are then made to the 4,000, each at five strengths, and
each score is measured as `pocketgan evaluate` does. Prints a table, saves it in `docs/results/metric-sensitivity.csv`,
and plots it into `docs/images/sensitivity.png`. `--redraw` plots the file again.
"""

import argparse
import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import ImageSet, load_images, to_network, to_uint8
from pocketgan.metrics.evaluation import choose_space, labels_in
from pocketgan.metrics.registry import METRICS, Comparison, Reference
from pocketgan.metrics.words import TITLES

SHOWN = (
    "frechet_distance",
    "kernel_distance",
    "precision",
    "recall",
    "density",
    "coverage",
    "class_kl",
    "authentic",
    "copying",
    "label_agreement",
    "class_frechet_distance",
)
COUNT = 4_000


def blur(images: Tensor, deviation: float, _: torch.Generator) -> Tensor:
    """Blurs with a Gaussian of this deviation, in pixels."""
    offsets = torch.arange(-4, 5).float()
    kernel = torch.exp(-offsets.square() / (2 * deviation**2))
    kernel = kernel / kernel.sum()
    floats, channels = to_network(images, "unit"), images.shape[1]
    wide, high = (kernel.view(1, 1, *shape).repeat(channels, 1, 1, 1) for shape in ((1, -1), (-1, 1)))
    floats = functional.conv2d(floats, wide, padding=(0, 4), groups=channels)
    return to_uint8(functional.conv2d(floats, high, padding=(4, 0), groups=channels), "unit")


def noise(images: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """Adds Gaussian noise of this deviation, in gray levels out of 255."""
    return to_uint8((images + deviation * torch.randn(images.shape, generator=generator)) / 255, "unit")


def sampled(images: Tensor, grid: Tensor) -> Tensor:
    """Takes each pixel from the place in [-1, 1]² that `grid` (N, H, W, 2) names."""
    return to_uint8(functional.grid_sample(to_network(images, "unit"), grid, align_corners=False), "unit")


def rotation(images: Tensor, degrees: float, generator: torch.Generator) -> Tensor:
    """Turns each image by this angle, to the left or to the right."""
    sign = (torch.rand(len(images), generator=generator) < 0.5).float() * 2 - 1
    angle = sign * math.radians(degrees)
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    matrix = torch.stack([cosine, -sine, zero, sine, cosine, zero], dim=1).view(-1, 2, 3)
    return sampled(images, functional.affine_grid(matrix, list(images.shape), align_corners=False))


def elastic(images: Tensor, pixels: float, generator: torch.Generator) -> Tensor:
    """Moves pixels by a smooth random field whose deviation is this many pixels."""
    coarse = torch.randn(len(images), 2, 7, 7, generator=generator)
    field = functional.interpolate(coarse, tuple(images.shape[2:]), mode="bicubic", align_corners=True)
    still = torch.eye(2, 3).expand(len(images), 2, 3)
    grid = functional.affine_grid(still, list(images.shape), align_corners=False)
    return sampled(images, grid + field.permute(0, 2, 3, 1) * pixels * 2 / images.shape[3])


def distorted(distort: Callable[[Tensor, float, torch.Generator], Tensor]) -> Callable[..., ImageSet]:
    """Makes a change of a whole set out of a distortion of its images."""

    def change(base: ImageSet, _: ImageSet, strength: float, generator: torch.Generator) -> ImageSet:
        return replace(base, images=distort(base.images, strength, generator))

    return change


def without_classes(base: ImageSet, _: ImageSet, classes: float, generator: torch.Generator) -> ImageSet:
    """Leaves out this number of classes, and takes as many images as before from the others."""
    assert base.labels is not None
    kept = (base.labels >= classes).nonzero()[:, 0]
    return base.part(kept[torch.randint(len(kept), (len(base),), generator=generator)])


def foreign_class(base: ImageSet, _: ImageSet, share: float, generator: torch.Generator) -> ImageSet:
    """Puts the first images of a class that the reference lacks (9) into this share of the places."""
    assert base.labels is not None
    others, foreign = (base.labels < 9).nonzero()[:, 0], (base.labels == 9).nonzero()[:, 0]
    count = round(share * len(others))
    places = torch.randint(len(foreign), (count,), generator=generator)
    return base.part(torch.cat([others[count:], foreign[places]]))


def copies(base: ImageSet, training: ImageSet, share: float, generator: torch.Generator) -> ImageSet:
    """Replaces this share by copies of training images."""
    assert base.labels is not None and training.labels is not None
    count = round(share * len(base))
    chosen = torch.randperm(len(training), generator=generator)[:count]
    images = torch.cat([training.images[chosen], base.images[count:]])
    return replace(base, images=images, labels=torch.cat([training.labels[chosen], base.labels[count:]]))


def swapped_labels(base: ImageSet, _: ImageSet, share: float, generator: torch.Generator) -> ImageSet:
    """Gives this share of the images the label of the next class."""
    assert base.labels is not None
    swapped = torch.rand(len(base), generator=generator) < share
    return replace(base, labels=torch.where(swapped, (base.labels + 1) % 10, base.labels))


CHANGES: dict[str, tuple[Callable[..., ImageSet], tuple[float, ...], str]] = {
    "blur": (distorted(blur), (0.4, 0.6, 0.8, 1.1, 1.5), "standard deviation, pixels"),
    "noise": (distorted(noise), (8, 16, 32, 64, 96), "standard deviation, gray levels"),
    "rotation": (distorted(rotation), (5, 10, 15, 25, 40), "degrees"),
    "elastic distortion": (distorted(elastic), (0.4, 0.7, 1.0, 1.5, 2.0), "standard deviation, pixels"),
    "missing classes": (without_classes, (1, 2, 3, 5, 7), "classes left out"),
    "one class too many": (foreign_class, (0.02, 0.05, 0.1, 0.2, 0.4), "share of that class"),
    "memorized copies": (copies, (0.1, 0.25, 0.5, 0.75, 1.0), "share of copies"),
    "swapped labels": (swapped_labels, (0.05, 0.1, 0.2, 0.4, 0.8), "share of wrong labels"),
}
SHARES = {
    "precision": "#0072b2",
    "recall": "#009e73",
    "coverage": "#cc79a7",
    "authentic": "#56b4e9",
    "label_agreement": "#e69f00",
}
"""Metrics between 0 and 1, and their colors."""

DISTANCES = {
    "frechet_distance": ("o-", "Fréchet distance (right axis, lower is better)"),
    "class_frechet_distance": ("s:", "Fréchet distance within each class (right axis)"),
}
"""Their markers and lines, and their words."""

DISTANCE_COLOR = "#d55e00"
Curves = dict[str, list[dict[str, float]]]
"""The rows of each change, by strength."""


def main() -> None:
    """Measures, prints, saves and plots; with `--redraw` only plots."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", default="digits", choices=("digits", "random"))
    parser.add_argument("--out", type=Path, default=Path("docs/images/sensitivity.png"))
    parser.add_argument("--csv", type=Path, default=Path("docs/results/metric-sensitivity.csv"))
    parser.add_argument("--redraw", action="store_true", help="measure nothing; plot the rows of the file --csv")
    arguments = parser.parse_args()
    curves = read_rows(arguments.csv) if arguments.redraw else measured(arguments.features, arguments.csv)
    plot(curves, arguments.out, arguments.features)


def measured(features: str, path: Path) -> Curves:
    """Measures each change at each strength; prints the rows, and saves them as CSV."""
    space = choose_space(features, DataConfig())
    images, test = load_images(DataConfig()), load_images(DataConfig(), "test")
    names_of = images.class_names
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    base, rest = images.part(order[:COUNT]), images.part(order[COUNT:])
    training = space(rest.images, labels_in(names_of, rest))
    reference = Reference(space(test.images, labels_in(names_of, test)), training)
    assert test.labels is not None
    no_nines = Reference(reference.sample.part(test.labels < 9), training)
    names = [n for n in SHOWN if space.class_names or "classifier" not in METRICS[n].needs]
    print(f"Feature space {space}; {COUNT:,} images against {len(test):,}.\n")
    print(f"| change | strength | {' | '.join(names)} |\n| --- | ---: |{' ---: |' * len(names)}")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["change", "unit", "strength", *names])
        for change, (make, strengths, unit) in CHANGES.items():
            held = no_nines if change == "one class too many" else reference
            for strength in (0.0, *strengths):
                generator = torch.Generator().manual_seed(1)
                made = base if strength == 0 and held is reference else make(base, rest, strength, generator)
                comparison = Comparison(space(made.images, labels_in(names_of, made)), held)
                row = [f"{METRICS[name].measure(comparison):.3g}" for name in names]
                writer.writerow([change, unit, f"{strength:g}", *row])
                print(f"| {change}, {unit} | {strength:g} | {' | '.join(row)} |", flush=True)
    return read_rows(path)


def read_rows(path: Path) -> Curves:
    """Returns the rows of a CSV file by their change."""
    curves: Curves = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            change = row.pop("change")
            del row["unit"]
            curves.setdefault(change, []).append({name: float(value) for name, value in row.items()})
    return curves


def plot(curves: Curves, path: Path, space: str) -> None:
    """Plots one panel a change: the distances on the right axis, and the shares on the left."""
    figure = Figure(figsize=(13, 6.4), layout="constrained")
    panels = figure.subplots(2, 4, sharey=True)
    lines = []
    highest = max(row["frechet_distance"] for rows in curves.values() for row in rows)
    for axes, (change, rows) in zip(panels.flat, curves.items(), strict=True):
        strengths = [row["strength"] for row in rows]
        for name, color in SHARES.items():
            if name in rows[0]:
                values = [row[name] for row in rows]
                lines += axes.plot(strengths, values, "--", color=color, label=TITLES[name], lw=1.2)
        axes.set_ylim(-0.03, 1.03)
        right = axes.twinx()
        for name, (style, label) in DISTANCES.items():
            if name in rows[0]:
                values = [row[name] for row in rows]
                lines += right.plot(strengths, values, style, color=DISTANCE_COLOR, label=label, ms=3, lw=1.2)
        right.set_yscale("log")
        right.set_ylim(0.3, 2 * highest)
        right.tick_params(axis="y", which="both", colors=DISTANCE_COLOR, labelright=axes in panels[:, -1])
        axes.set_title(change, fontsize=10)
        axes.set_xlabel(CHANGES[change][2], fontsize=9)
    for axes in panels[:, 0]:
        axes.set_ylabel("score between 0 and 1", fontsize=9)
    legend = {str(line.get_label()): line for line in lines}
    figure.legend(legend.values(), legend.keys(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    title = f"Scores of {COUNT:,} real images that are changed more and more (feature space {space})"
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
