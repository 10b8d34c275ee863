"""Which feature spaces order damaged images as a labeled judge does: `make bench-spaces`.

Real images play a perfect generator, and are then damaged in ten ways, each at five strengths. The Fréchet distance and
four more metrics are measured in each feature space. Spearman's rank correlation says how alike two spaces order the
damaged sets. Each measurement adds rows to `benchmarks/feature_spaces.jsonl`:

    python benchmarks/feature_spaces.py measure --data DIR --name fashion-mnist --features self-supervised

The tables of `docs/results/metric-sensitivity.md` are made from these rows:

    python benchmarks/feature_spaces.py table
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr
from torch import Tensor

from pocketgan.base.progress import Progress
from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import ImageSet, load_images, to_network, to_uint8
from pocketgan.metrics.evaluation import choose_space
from pocketgan.metrics.registry import METRICS, Comparison, Reference
from sensitivity import CHANGES, distorted

ROWS = Path(__file__).with_name("feature_spaces.jsonl")
SPACES = ("classifier", "self-supervised", "random")
"""The labeled judge first: the others are compared with it."""
SHOWN = ("frechet_distance", "precision", "recall", "density", "coverage")
MOST_BASE, MOST_REFERENCE = 2_000, 5_000
LEAST_TEST = 1_000
"""Minimum size of a test split to be the reference; otherwise training images outside the damaged ones are."""
FOREIGN = "one class too many"
FACTOR, STEP = 2.0, 0.05
"""A metric moved if it differs from its value for unchanged images by a factor (distance) or a step (shares)."""


def mixture(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Mixes each image with another one, which gets this share."""
    floats = to_network(images, "unit")
    others = floats[torch.randperm(len(images), generator=generator)]
    return to_uint8(floats * (1 - share) + others * share, "unit")


def low_contrast(images: Tensor, share: float, _: torch.Generator) -> Tensor:
    """Brings all pixels nearer to middle gray by this share."""
    return to_uint8(to_network(images, "unit") * (1 - share) + 0.5 * share, "unit")


def hidden_square(images: Tensor, side: float, generator: torch.Generator) -> Tensor:
    """Blackens a square at a random place; its side is this share of the image's."""
    count, _, height, width = images.shape
    pixels = round(side * height)
    top = torch.randint(height - pixels + 1, (count, 1, 1, 1), generator=generator)
    left = torch.randint(width - pixels + 1, (count, 1, 1, 1), generator=generator)
    rows, columns = torch.arange(height).view(1, 1, -1, 1), torch.arange(width).view(1, 1, 1, -1)
    inside = (rows >= top) & (rows < top + pixels) & (columns >= left) & (columns < left + pixels)
    return images.masked_fill(inside, 0)


def lost_color(images: Tensor, share: float, _: torch.Generator) -> Tensor:
    """Brings red, green and blue nearer to their mean by this share."""
    floats = to_network(images, "unit")
    return to_uint8(floats * (1 - share) + floats.mean(dim=1, keepdim=True) * share, "unit")


DAMAGE: dict[str, tuple[Callable[..., ImageSet], tuple[float, ...], str]] = {
    **{name: CHANGES[name] for name in ("blur", "noise", "rotation", "elastic distortion", "missing classes", FOREIGN)},
    "mixture of two images": (distorted(mixture), (0.05, 0.1, 0.2, 0.3, 0.5), "share of the other image"),
    "low contrast": (distorted(low_contrast), (0.05, 0.1, 0.2, 0.4, 0.6), "share of gray"),
    "hidden square": (distorted(hidden_square), (0.1, 0.2, 0.3, 0.4, 0.5), "side, share of the image's"),
    "lost color": (distorted(lost_color), (0.1, 0.2, 0.4, 0.7, 1.0), "share of gray"),
}


def main() -> None:
    """Measures a space on some data, or prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("measure")
    measure.add_argument("--data", required=True, help="labeled data, as `pocketgan train --data` reads it")
    measure.add_argument("--name", required=True, help="its name in the tables")
    measure.add_argument("--features", default=",".join(SPACES), help="names of feature spaces")
    for one in (measure, commands.add_parser("table")):
        one.add_argument("--rows", type=Path, default=ROWS)
    arguments = parser.parse_args()
    if arguments.command == "measure":
        for space in arguments.features.split(","):
            with arguments.rows.open("a", encoding="utf-8") as file:
                for row in measured(arguments.data, arguments.name, space):
                    file.write(json.dumps(row) + "\n")
    else:
        print("\n".join(tables(read_rows(arguments.rows))))


def prepared(data: str) -> tuple[DataConfig, ImageSet, ImageSet, ImageSet]:
    """Returns the settings of data, the images to damage, other training images, and the reference."""
    config = DataConfig(data=data)
    images, test = load_images(config), load_images(config, "test")
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    count = min(MOST_BASE, len(images) // 3)
    base, rest = images.part(order[:count]), images.part(order[count:])
    reference = test if len(test) >= LEAST_TEST else rest
    return config, base, rest, reference.part(slice(MOST_REFERENCE))


def measured(data: str, name: str, features: str) -> Iterable[dict[str, Any]]:
    """Yields the scores of each damaged set in a feature space, strength 0 for the unchanged images."""
    config, base, rest, images = prepared(data)
    started = time.process_time()
    space = choose_space(features, config, progress=Progress())
    trained = time.process_time() - started
    assert images.labels is not None
    whole = Reference(replace_labels(space(images.images)), None)
    without = Reference(whole.sample.part(images.labels < 9), None)
    facts = {"data": name, "space": features, "hash": space.hash, "cpu_seconds": round(trained, 1)}
    facts |= {"count": len(base), "reference": len(images)}
    for change, (make, strengths, unit) in DAMAGE.items():
        if change == "lost color" and images.images.shape[1] == 1:
            continue
        reference = without if change == FOREIGN else whole
        for strength in (0.0, *strengths):
            made = (
                make(base, rest, strength, torch.Generator().manual_seed(1)) if strength or change == FOREIGN else base
            )
            comparison = Comparison(replace_labels(space(made.images)), reference)
            scores = {metric: round(METRICS[metric].measure(comparison), 5) for metric in SHOWN}
            row = facts | {"change": change, "unit": unit, "strength": strength, **scores}
            print(f"{name}, {features}: {change} {strength:g}: {scores['frechet_distance']:.3g}", flush=True)
            yield row


def replace_labels(sample: Any) -> Any:
    """Returns a sample without classes: these metrics compare features alone."""
    return replace(sample, labels=None, probabilities=None)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Returns the last measurement of each data set, space, change and strength."""
    rows = {}
    with path.open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            rows[row["data"], row["space"], row["change"], row["strength"]] = row
    return list(rows.values())


def tables(rows: list[dict[str, Any]]) -> Iterable[str]:
    """Yields the lines of the tables of the documentation: the rank correlations, and what each space reacts to."""
    spaces = [space for space in SPACES if any(row["space"] == space for row in rows)]
    yield "| data | damaged sets | " + " | ".join(f"`{space}`" for space in spaces[1:]) + " |"
    yield "| --- | ---: |" + " ---: |" * len(spaces[1:])
    for data in dict.fromkeys(row["data"] for row in rows):
        count, correlations = rank_correlations([row for row in rows if row["data"] == data], spaces)
        yield f"| {data} | {count} | " + " | ".join(f"{value:.3f}" for value in correlations) + " |"
    yield ""
    yield "| data | metric | change | " + " | ".join(f"`{space}`" for space in spaces) + " |"
    yield "| --- | --- | --- |" + " --- |" * len(spaces)
    for data in dict.fromkeys(row["data"] for row in rows):
        for metric in SHOWN:
            for change in dict.fromkeys(row["change"] for row in rows if row["data"] == data):
                cells = [
                    reaction([r for r in rows if (r["data"], r["space"], r["change"]) == (data, space, change)], metric)
                    for space in spaces
                ]
                yield f"| {data} | `{metric}` | {change} | " + " | ".join(cells) + " |"


def rank_correlations(rows: list[dict[str, Any]], spaces: list[str]) -> tuple[int, list[float]]:
    """Returns the number of damaged sets, and how alike each space and the first one order their Fréchet distances."""
    distances = {
        space: {
            (row["change"], row["strength"]): row["frechet_distance"]
            for row in rows
            if row["space"] == space and row["strength"] > 0
        }
        for space in spaces
    }
    judge = distances[spaces[0]]
    others = [[distances[space].get(key, float("nan")) for key in judge] for space in spaces[1:]]
    return len(judge), [float(spearmanr(list(judge.values()), values).statistic) for values in others]


def reaction(rows: list[dict[str, Any]], metric: str) -> str:
    """Returns the direction and the weakest strength, from 1, at which a metric moves; a dash if it never does."""
    if not rows:
        return ""
    ordered = sorted(rows, key=lambda row: row["strength"])
    first = ordered[0][metric]
    for place, row in enumerate(ordered[1:], start=1):
        value = row[metric]
        moved = max(value, first) > FACTOR * min(value, first) if metric == SHOWN[0] else abs(value - first) > STEP
        if moved:
            return f"{'up' if value > first else 'down'}, {place}"
    return "–"


if __name__ == "__main__":
    main()
