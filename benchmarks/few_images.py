"""What helps with few images: the table of `docs/results/few-images.md`.

    python benchmarks/few_images.py measure --out DIR --fashion-mnist DIR
    python benchmarks/few_images.py table

`measure` trains `pocket` on 100, 300 and 1,000 images of a data set, with nothing and with what may help. Each run is
measured against all test images of the full set. It keeps a row for each run in `benchmarks/few_images.jsonl`, and
writes the page's table after each. What has a row isn't measured again, and a run that was stopped continues. `table`
writes the table alone.

`--fashion-mnist` is a folder with the IDX files, such as that of Debian's `dataset-fashion-mnist`.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import pocketgan
from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import load_images
from pocketgan.runs.run import Run
from rows import (
    BENCHMARKS,
    RESULTS,
    failed,
    grouped,
    markdown,
    middle,
    outcome,
    read_rows,
    run_command,
    without_row,
    write_page,
)
from sizes import trained

ROWS, PAGE = BENCHMARKS / "few_images.jsonl", RESULTS / "few-images.md"
OTHER = {"mnist": "fashion-mnist", "fashion-mnist": "mnist"}
"""The data sets, each with the one whose run `--from` begins with."""
SPACES = {"mnist": "digits", "fashion-mnist": "random"}
COUNTS = (100, 300, 1000)
DONOR = "donor"
"""Stands for the run that `--from` begins with."""
METHODS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "augment": {"augment": "auto"},
    "augment-alone": {"augment": "auto", "mismatched_label_weight": 0.0},
    "from": {"initial_run": DONOR},
}
"""What may help, and its settings: `augment-alone` is without the mismatched-label loss."""
LABELS = {
    "nothing": "nothing",
    "augment": "`--augment auto`",
    "augment-alone": "`--augment auto --mismatched-label-weight 0`",
    "from": "`--from`",
}
SHOWN = ("frechet_distance", "ratio", "random_distance", "recall", "authentic", "authentic_floor")
STEPS, DONOR_STEPS = 2000, 600
"""Training steps of each run, and of the run that `--from` begins with."""
EVALUATIONS = 5
COUNT = 10_000
"""Number of images that are judged."""
ALIKE = ("data", "count", "method", "steps")
"""What runs of one line of the table share."""
TITLES = (
    "data", "images", "with", "feature space", "seeds", "FD (lower is better)", "FD, × nothing's (lower is better)",
    "FD, `random` (lower is better)", "recall (higher is better)", "authenticity", "of held-out images", "failures",
)  # fmt: skip


def part_of(data: str, place: str, count: int, seed: int, folder: Path) -> Path:
    """Writes this many training images of a data set, by the seed, and its whole test split; returns the .npz file."""
    path = folder / f"{data}-{count}-{seed}.npz"
    if not path.is_file():
        train, test = (load_images(DataConfig(data=place), part) for part in ("train", "test"))
        chosen = np.random.default_rng(seed).permutation(len(train))[:count]
        assert train.labels is not None and test.labels is not None
        arrays = {"x_train": train.images.numpy()[chosen], "y_train": train.labels.numpy()[chosen]}
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays, x_test=test.images.numpy(), y_test=test.labels.numpy())
    return path


def donor(data: str, place: str, out: Path) -> Run:
    """Returns the run on all images of a data set that `--from` begins with; trains it if it isn't there."""
    usual = {"duration": f"{DONOR_STEPS} steps", "evaluate_every": "none", "sample_every": "end"}
    return trained("pocket", out / f"donor-{data}", {"data": place, "threads": 1, "seed": 0, **usual})


def measured(about: dict[str, Any], places: dict[str, str], out: Path) -> dict[str, Any]:
    """Trains and evaluates one run; returns its row."""
    data, seed = about["data"], about["seed"]
    settings: dict[str, Any] = {"data": str(part_of(data, places[data], about["count"], seed, out / "data"))}
    settings |= {"threads": 1, "seed": seed, "duration": f"{STEPS} steps", "on_failure": "continue"}
    settings |= {"evaluate_every": f"{STEPS // EVALUATIONS} steps", "evaluate_count": 1000, "features": SPACES[data]}
    settings |= METHODS[about["method"]]
    if settings.get("initial_run") == DONOR:
        settings["initial_run"] = str(donor(OTHER[data], places[OTHER[data]], out).folder)
    name = re.sub(r"[^\w.]+", "-", " ".join(str(about[name]) for name in (*ALIKE, "seed")))
    run = trained("pocket", out / name, settings)
    row = outcome(about, run) | {"trained_on": run.facts.images}
    if row["state"] != "finished":
        return row
    usual = {"against": "test", "checkpoint": "last", "features": SPACES[data], "count": COUNT, "progress": False}
    done = pocketgan.evaluate(run, metrics="frechet_distance,recall,authentic", **usual)
    for name in ("frechet_distance", "recall", "authentic"):
        row |= {name: float(f"{done[name].value:.5g}")}
    if SPACES[data] != "random":
        usual |= {"features": "random"}
        second = pocketgan.evaluate(run, metrics="frechet_distance", **usual)
        row |= {"random_distance": float(f"{second['frechet_distance'].value:.5g}")}
    return row | {"authentic_floor": done["authentic"].floor, "against": len(done.comparison.reference.sample)}


def lines(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yields what is measured, seed by seed."""
    for seed in range(arguments.seeds):
        for count in map(int, arguments.counts.split(",")):
            for data in OTHER:
                for method in arguments.methods.split(","):
                    yield {"data": data, "count": count, "method": method, "steps": STEPS, "seed": seed}


def measure(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measures what has no row yet."""
    places = {"mnist": "mnist", "fashion-mnist": str(arguments.fashion_mnist)}
    for about in without_row(lines(arguments), read_rows(arguments.rows), ALIKE):
        yield measured(about, places, arguments.out)


def table(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as a table in Markdown: medians over the seeds, and the range."""
    alone = {(row["data"], row["count"], row["seed"]): row for row in rows if row["method"] == "nothing"}
    compared = []
    for row in rows:
        before = alone.get((row["data"], row["count"], row["seed"]), {}).get("frechet_distance")
        ratio = {"ratio": row["frechet_distance"] / before} if before and "frechet_distance" in row else {}
        compared.append(row | ratio)
    groups = grouped(compared, "data", "count", "method")
    keys = [(data, count, method) for data in OTHER for count in COUNTS for method in METHODS]
    return markdown(TITLES, 4, (cells(*key, groups[key]) for key in keys if key in groups)) + "\n"


def cells(data: str, count: int, method: str, some: list[dict[str, Any]]) -> list[str]:
    """Returns the cells of a line from the rows of its runs."""
    scores = [middle(some, name) for name in SHOWN]
    left = [data, f"{count:,}", LABELS[method], f"`{SPACES[data]}`"]
    return [*left, str(len(some)), *scores, str(sum(map(failed, some)))]


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `measure`."""
    parser.add_argument("--fashion-mnist", type=Path, required=True, help="folder of its IDX files")
    parser.add_argument("--counts", default=",".join(map(str, COUNTS)), help="numbers of images, separated by commas")
    parser.add_argument("--methods", default=",".join(METHODS), help="what may help, separated by commas")
    parser.add_argument("--seeds", type=int, default=5)


if __name__ == "__main__":
    run_command(__doc__, ROWS, lambda: write_page(PAGE, table(read_rows(ROWS))), measure, options)
