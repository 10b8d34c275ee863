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
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import pocketgan
from pocketgan.config.data_section import DataConfig
from pocketgan.experiment.diagnosis import FAILURES
from pocketgan.images.sets import load_images
from pocketgan.runs.run import Run
from race import ROOT, read_rows, written
from sizes import middle, trained

ROWS, PAGE = ROOT / "benchmarks" / "few_images.jsonl", ROOT / "docs" / "results" / "few-images.md"
OTHER = {"mnist": "fashion-mnist", "fashion-mnist": "mnist"}
"""The data sets, each with the one whose run `--from` begins with."""
SPACES = {"mnist": "digits", "fashion-mnist": "random"}
COUNTS = (100, 300, 1000)
DONOR = "donor"
"""Stands for the run that `--from` begins with."""
METHODS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "`--augment auto`": {"augment": "auto"},
    "`--augment auto --mismatched-label-weight 0`": {"augment": "auto", "mismatched_label_weight": 0.0},
    "`--from`": {"initial_run": DONOR},
}
SHOWN = ("frechet_distance", "ratio", "random_distance", "recall", "authentic", "authentic_floor")
STEPS, DONOR_STEPS = 2000, 600
"""Training steps of each run, and of the run that `--from` begins with."""
EVALUATIONS = 5
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
    status = run.status()
    names = {event["name"] for event in run.events() if event["event"] == "diagnosis"}
    row = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), **about, "trained_on": run.facts.images}
    row |= {"state": status.state, "failures": sorted(names & {*FAILURES}), "seconds": round(status.seconds, 1)}
    if status.state != "finished":
        return row
    usual = {"against": "test", "checkpoint": "last", "features": SPACES[data], "progress": False}
    done = pocketgan.evaluate(run, metrics="frechet_distance,recall,authentic", **usual)
    for name in ("frechet_distance", "recall", "authentic"):
        row |= {name: float(f"{done[name].value:.5g}")}
    if SPACES[data] != "random":
        usual |= {"features": "random"}
        second = pocketgan.evaluate(run, metrics="frechet_distance", **usual)
        row |= {"random_distance": float(f"{second['frechet_distance'].value:.5g}")}
    return row | {"authentic_floor": done["authentic"].floor, "against": len(done.comparison.reference.sample)}


def undone(rows: list[dict[str, Any]], arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yields the runs without a row, seed by seed."""
    known = {(row["seed"], *(row[name] for name in ALIKE)) for row in rows}
    for seed in range(arguments.seeds):
        for count in (int(word) for word in arguments.counts.split(",")):
            for data in OTHER:
                for method in (list(METHODS)[int(place)] for place in arguments.methods.split(",")):
                    about = {"data": data, "count": count, "method": method, "steps": STEPS, "seed": seed}
                    if (seed, *(about[name] for name in ALIKE)) not in known:
                        yield about


def measure(arguments: argparse.Namespace) -> None:
    """Measures what has no row yet."""
    places = {"mnist": "mnist", "fashion-mnist": str(arguments.fashion_mnist)}
    rows = read_rows(arguments.rows)
    for about in undone(rows, arguments):
        rows.append(measured(about, places, arguments.out))
        with arguments.rows.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        print(json.dumps(rows[-1]), flush=True)
        if arguments.rows == ROWS:
            write_page()


def write_page() -> None:
    """Writes the table into the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), table(read_rows(ROWS))), encoding="utf-8")


def table(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as a table in Markdown: medians over the seeds, and the range."""
    lines = [f"| {' | '.join(TITLES)} |", "| --- | ---: | --- | --- |" + " ---: |" * (len(TITLES) - 4)]
    alone = {(row["data"], row["count"], row["seed"]): row for row in rows if row["method"] == "nothing"}
    for data in OTHER:
        for count in COUNTS:
            for method in METHODS:
                some = [row for row in rows if (row["data"], row["count"], row["method"]) == (data, count, method)]
                if not some:
                    continue
                for row in some:
                    before = alone.get((data, count, row["seed"]), {}).get("frechet_distance")
                    if before and "frechet_distance" in row:
                        row["ratio"] = row["frechet_distance"] / before
                failed = sum(bool(row["failures"]) or row["state"] != "finished" for row in some)
                shown = [middle(some, name) for name in SHOWN]
                cells = [data, f"{count:,}", method, f"`{SPACES[data]}`", str(len(some)), *shown, str(failed)]
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures, or writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("--out", type=Path, required=True, help="folder of the runs and of the prepared data")
    measuring.add_argument("--fashion-mnist", type=Path, required=True, help="folder of its IDX files")
    measuring.add_argument("--counts", default=",".join(map(str, COUNTS)), help="numbers of images, by commas")
    measuring.add_argument("--methods", default="0,1,2,3", help="which methods, by their place in the table")
    measuring.add_argument("--seeds", type=int, default=5)
    measuring.add_argument("--rows", type=Path, default=ROWS)
    commands.add_parser("table")
    arguments = parser.parse_args()
    if arguments.command == "measure":
        measure(arguments)
    else:
        write_page()


if __name__ == "__main__":
    main()
