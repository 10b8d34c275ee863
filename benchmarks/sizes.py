"""How far two recipes get on data sets of different sizes: the table of `docs/results/sizes.md`.

    python benchmarks/sizes.py measure --out DIR --fashion-mnist DIR --emoji DIR
    python benchmarks/sizes.py table

`measure` trains each recipe on each data set for the same processor time, on one thread, one seed after the other. It
keeps a row for each run in `benchmarks/sizes.jsonl`, and writes the page's table after each. What has a row isn't
measured again, and a run that was stopped continues. `table` writes the table alone.

MNIST is in the package. The digits of 8×8 pixels are those of scikit-learn. `--fashion-mnist` is a folder with the IDX
files, such as that of Debian's `dataset-fashion-mnist`. `--emoji` is npm's `emoji-datasource-twitter`, unpacked: its
pictures of 64×64 pixels, in the classes of its `emoji.json`. Data that isn't there is left out, with a line.
"""

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import pocketgan
from pocketgan.api.trainings import configured
from pocketgan.base.errors import RunFailed
from pocketgan.base.progress import Progress
from pocketgan.experiment.experiment import settled
from pocketgan.experiment.prepared_data import find_facts, prepare_images
from pocketgan.experiment.speed import time_steps, using_threads
from pocketgan.metrics.evaluation import COUNT
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

ROWS, PAGE = BENCHMARKS / "sizes.jsonl", RESULTS / "sizes.md"
SIZES = {"mnist": (28,), "digits": (16,), "fashion-mnist": (28,), "emoji": (32, 64)}
"""The data sets, and the sides of their images in pixels."""
RECIPES = ("pocket", "dcgan")
SPACES = {"mnist": "digits"}
"""Feature spaces of the data sets; the others have `random`, which needs no training."""
SPEED_WINDOW, SPEED_SECONDS = 2, 10.0
"""Steps per window of the measurement of speed, and its length in seconds."""
EVALUATIONS, EVALUATE_COUNT = 5, 1000
"""Evaluations during a training, and images for each: the watchdog's."""
TITLES = (
    "data", "size", "training images", "recipe", "feature space", "FD (lower is better)",
    "× baseline (lower is better)", "processor time (min)", "steps", "seeds", "failures",
)  # fmt: skip
ALIKE = ("data", "size", "recipe", "seconds")
"""What runs of one line of the table share."""


def places(arguments: argparse.Namespace) -> dict[str, Path | str]:
    """Returns where each data set lies; prepares what isn't images in a folder or an array yet."""
    results: dict[str, Path | str] = {"mnist": "mnist"}
    if (digits := small_digits(arguments.out)) is not None:
        results["digits"] = digits
    if arguments.fashion_mnist is not None:
        results["fashion-mnist"] = arguments.fashion_mnist
    if arguments.emoji is not None:
        results["emoji"] = emoji_by_class(arguments.emoji, arguments.out)
    for name in SIZES:
        if name not in results:
            print(f"{name}: left out, since it isn't here", flush=True)
    return results


def small_digits(out: Path) -> Path | None:
    """Returns an .npz file with scikit-learn's digits, 8×8 pixels; None without scikit-learn."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        return None
    path = out / "digits.npz"
    if not path.is_file():
        digits: Any = load_digits()
        np.savez(path, images=np.round(digits.images * (255 / 16)).astype(np.uint8), labels=digits.target)
    return path


def emoji_by_class(package: Path, out: Path) -> Path:
    """Returns a folder with the pictures of the npm package, a sub-folder for each category."""
    folder = out / "emoji"
    if folder.is_dir():
        return folder
    entries = json.loads((package / "emoji.json").read_text(encoding="utf-8"))
    pictures = package / "img" / "twitter" / "64"
    for entry in entries:
        if entry["category"] != "Component" and (pictures / entry["image"]).is_file():
            place = folder / entry["category"].partition(" ")[0].lower()
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(pictures / entry["image"], place)
    return folder


def steps_in(recipe: str, settings: dict[str, Any], seconds: float) -> int:
    """Returns the number of training steps in these seconds of processor time on one thread, from a trial."""
    config, images = prepare_images(configured(recipe, settings), Progress(quiet=True))
    facts = find_facts(images)
    config = settled(config, facts, "cpu")
    with using_threads(1):
        began = time.process_time()
        batch = config.train.batch_size
        windows = time_steps(config, images, facts, "cpu", batch, SPEED_WINDOW, SPEED_SECONDS)
        spent = time.process_time() - began
    return max(1, round(seconds * SPEED_WINDOW * (len(windows) + 1) / spent))


def trained(recipe: str, folder: Path, settings: dict[str, Any]) -> Run:
    """Trains a run, or continues it; one that fails is returned, too."""
    try:
        if (folder / "config.json").is_file():
            return pocketgan.resume(folder, progress=False)
        return pocketgan.train(recipe, out=folder, progress=False, **settings)
    except RunFailed:
        return Run.open(folder)


def measured(about: dict[str, Any], place: Path | str, steps: int, folder: Path) -> dict[str, Any]:
    """Trains and evaluates one run; returns its row."""
    settings = settings_of(about, place) | {"duration": f"{steps} steps", "seed": about["seed"]}
    settings |= {"evaluate_every": f"{max(1, steps // EVALUATIONS)} steps", "evaluate_count": EVALUATE_COUNT}
    settings |= {"checkpoint_every": f"{steps} steps", "features": space_of(about["data"])}
    run = trained(about["recipe"], folder, settings)
    row = outcome(about, run) | {"images": run.facts.images}
    if row["state"] != "finished":
        return row
    count = min(COUNT, run.facts.images)
    usual = {"metrics": "frechet_distance", "against": "test", "checkpoint": "last", "progress": False}
    done = pocketgan.evaluate(run, features=space_of(about["data"]), count=count, **usual)
    distance = done["frechet_distance"]
    assert distance.floor is not None, "there are at least as many training images as generated ones"
    row |= {"features": done.space.name, "count": count, "against": len(done.comparison.reference.sample)}
    return row | {
        "fd": round(distance.value, 4),
        "baseline": round(distance.floor, 4),
        "ratio": round(distance.value / distance.floor, 3),
    }


def space_of(data: str) -> str:
    """Returns the feature space of a data set."""
    return SPACES.get(data, "random")


def settings_of(about: dict[str, Any], place: Path | str) -> dict[str, Any]:
    """Returns the settings that all runs of a line share."""
    size = {} if place == "mnist" else {"size": about["size"]}
    return {"data": str(place), **size, "threads": 1, "validation": 5000, "on_failure": "continue"}


def lines(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yields what is measured, seed by seed."""
    for seed in range(arguments.seeds):
        for data in arguments.data.split(","):
            for size in SIZES[data]:
                for recipe in RECIPES:
                    yield {"data": data, "size": size, "recipe": recipe, "seconds": arguments.seconds, "seed": seed}


def measure(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measures what has no row yet. All seeds of a line make as many steps as its first one."""
    rows, here = read_rows(arguments.rows), places(arguments)
    for about in without_row(lines(arguments), rows, ALIKE):
        if about["data"] not in here:
            continue
        place = here[about["data"]]
        alike = [row for row in rows if all(row[name] == about[name] for name in ALIKE)]
        steps = alike[0]["steps"] if alike else steps_in(about["recipe"], settings_of(about, place), about["seconds"])
        name = "-".join(str(about[name]) for name in (*ALIKE, "seed"))
        rows.append(measured(about, place, steps, arguments.out / name))
        yield rows[-1]


def table(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as a table in Markdown: medians over the seeds, and the range."""
    places = {name: place for place, name in enumerate(SIZES)}
    groups = grouped(rows, *ALIKE)
    order = sorted(groups, key=lambda one: (one[3], places[one[0]], one[1], RECIPES.index(one[2])))
    return markdown(TITLES, 2, (cells(groups[key]) for key in order)) + "\n"


def cells(some: list[dict[str, Any]]) -> list[str]:
    """Returns the cells of a line from the rows of its runs."""
    first, bad = some[0], [row for row in some if failed(row)]
    names = sorted({name for row in bad for name in row["failures"] or [row["state"]]})
    return [
        first["data"],
        f"{first['size']}×{first['size']}",
        f"{first['images']:,}",
        f"`{first['recipe']}`",
        f"`{space_of(first['data'])}`",
        middle(some, "fd"),
        middle(some, "ratio"),
        f"{first['seconds'] / 60:g}",
        f"{first['steps']:,}",
        str(len(some)),
        f"{len(bad)} ({', '.join(f'`{name}`' for name in names)})" if names else "0",
    ]


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `measure`."""
    parser.add_argument("--fashion-mnist", type=Path, help="folder of its IDX files")
    parser.add_argument("--emoji", type=Path, help="folder of the unpacked npm package")
    parser.add_argument("--data", default=",".join(SIZES), help="which data sets, separated by commas")
    parser.add_argument("--seconds", type=float, default=120.0, help="processor time of each training")
    parser.add_argument("--seeds", type=int, default=3)


if __name__ == "__main__":
    run_command(__doc__, ROWS, lambda: write_page(PAGE, table(read_rows(ROWS))), measure, options)
