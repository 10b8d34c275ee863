"""How well `translator` translates: the tables of `docs/results/translation.md`.

    python benchmarks/translation.py measure --out DIR --fashion-mnist DIR
    python benchmarks/translation.py table

`measure` trains each run for the same processor time on one thread, one seed after the other. It keeps a row for each
in `benchmarks/translation.jsonl`, and writes the page's tables after each. What has a row isn't measured again, and a
run that was stopped continues. `table` writes the tables alone.

- `tasks`: each task with a discriminator and by regression, the same generator's reconstruction loss alone.
- `minutes`: `invert` for three minutes, whatever `--seconds` says.
- `digits`: one digit at a time.
- `healthy`: many seeds of `invert`, watched as they train.
- `unpaired`: upright digits ↔ leaning ones, and MNIST ↔ scikit-learn's digits, with and without `--keep-class`.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import pocketgan
from domains import leaning_digits, slants, small_digits
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
from sizes import steps_in, trained

ROWS, PAGE = BENCHMARKS / "translation.jsonl", RESULTS / "translation.md"
TASKS = ("invert", "denoise", "upscale", "inpaint", "colorize", "edges")
SEEDS = {"tasks": 5, "minutes": 5, "digits": 1, "healthy": 20, "unpaired": 5}
"""The tables, and their numbers of seeds."""
METHODS: dict[str, dict[str, Any]] = {
    "GAN": {},
    "regression": {"adversarial_weight": 0},
    "labels ignored": {},
    "`--keep-class`": {"keep_class": True},
}
DIRECTIONS = {
    "upright → leaning": ("upright", "slanted"),
    "leaning → upright": ("slanted", "upright"),
    "MNIST → small digits": ("mnist", "small"),
    "small digits → MNIST": ("small", "mnist"),
}
JUDGES = {"fashion-mnist": "random", "MNIST → small digits": "classifier"}
"""Feature spaces where the target isn't MNIST: `classifier` is trained on the target domain alone."""
ALIKE = ("table", "data", "task", "method", "seconds")
"""What runs of one line share."""
LONG = 180.0
"""Processor time in seconds of the table `minutes`."""
EVALUATIONS = 10
"""Evaluations of a run of `healthy`, for the watchdog."""
COUNT: int | None = None
"""Number of images that are judged; by default 10,000, or all if there are fewer."""
SCORES = {
    "fd": "FD (lower is better)",
    "ratio": "× baseline (lower is better)",
    "psnr": "PSNR, dB (higher is better)",
    "ssim": "SSIM (higher is better)",
    "absolute_error": "mean absolute error (lower is better)",
    "kept_class": "class agreement (higher is better)",
    "slant": "slant error, ° (lower is better)",
    "kept_distances": "kept distances (higher is better)",
    "distinct_outputs": "distinct outputs (1 is best)",
}
SHOWN = {
    "tasks": ("fd", "ratio", "psnr", "ssim", "absolute_error", "kept_class"),
    "minutes": ("fd", "ratio", "psnr", "ssim", "absolute_error", "kept_class"),
    "digits": ("fd", "ratio", "psnr", "absolute_error", "kept_class", "distinct_outputs"),
    "healthy": ("absolute_error",),
    "unpaired": ("fd", "ratio", "kept_class", "slant", "kept_distances", "distinct_outputs"),
}
"""The scores of each table."""
LEFT = {
    "tasks": {"task": "task", "method": "images from"},
    "minutes": {"task": "task", "method": "images from"},
    "digits": {"data": "digit"},
    "healthy": {"task": "task"},
    "unpaired": {"data": "from → to", "method": "images from"},
}
"""The columns that name a line of each table."""
PARTED = {"tasks": "data", "minutes": "table", "digits": "table", "healthy": "table", "unpaired": "table"}
HEADINGS = {
    "tasks": "Pairs, {data}",
    "minutes": "Three minutes, mnist",
    "digits": "One digit at a time",
    "healthy": "Twenty seeds",
    "unpaired": "Without pairs",
}


def lines(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yields what is measured, seed by seed."""
    chosen = arguments.tables.split(",")
    for seed in range(arguments.seeds):
        for about in lines_of_tables(fashion=arguments.fashion_mnist is not None):
            if about["table"] in chosen and seed < SEEDS[about["table"]]:
                seconds = LONG if about["table"] == "minutes" else arguments.seconds
                yield about | {"seconds": seconds, "seed": seed}


def lines_of_tables(*, fashion: bool) -> Iterator[dict[str, Any]]:
    """Yields the lines of all tables, with or without Fashion-MNIST."""
    for name in ("mnist", "fashion-mnist") if fashion else ("mnist",):
        for task in TASKS:
            yield from ({"table": "tasks", "data": name, "task": task, "method": how} for how in ("GAN", "regression"))
    for method in ("GAN", "regression"):
        yield {"table": "minutes", "data": "mnist", "task": "invert", "method": method}
    for digit in range(10):
        yield {"table": "digits", "data": f"digit {digit}", "task": "invert", "method": "GAN"}
    yield {"table": "healthy", "data": "mnist", "task": "invert", "method": "GAN"}
    for direction in DIRECTIONS:
        for method in ("labels ignored", "`--keep-class`"):
            yield {"table": "unpaired", "data": direction, "task": "none", "method": method}


def settings_of(about: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the settings of a line's runs."""
    settings: dict[str, Any] = {"threads": 1, "on_failure": "continue", **METHODS[about["method"]]}
    if about["table"] != "unpaired":
        data = str(arguments.fashion_mnist) if about["data"] == "fashion-mnist" else "mnist"
        one = {"classes": about["data"].removeprefix("digit ")} if about["table"] == "digits" else {}
        return settings | {"data": data, "task": about["task"], **one}
    folder = arguments.out / "data"
    known = {name: str(path) for name, path in leaning_digits(folder).items()}
    known |= {"mnist": "mnist", "small": str(small_digits(folder))}
    source, target = DIRECTIONS[about["data"]]
    return settings | {"data": known[source], "to": known[target], "size": 28}


def measured(about: dict[str, Any], steps: int, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Trains and evaluates one run; returns its row."""
    settings = settings_of(about, arguments)
    watched = f"{max(1, steps // EVALUATIONS)} steps" if about["table"] == "healthy" else "none"
    usual = {"duration": f"{steps} steps", "seed": about["seed"], "evaluate_every": watched, "evaluate_count": 1000}
    run = trained(
        "translator", folder, settings | usual | {"sample_every": "end", "checkpoint_every": f"{steps} steps"}
    )
    row = outcome(about, run)
    return row if row["state"] != "finished" else row | scores(run, about, settings)


def scores(run: Run, about: dict[str, Any], settings: dict[str, Any]) -> dict[str, float]:
    """Returns the scores of a run on the test split, those of the copy, and of the closed form where there is one."""
    usual = {"metrics": "frechet_distance", "against": "test", "checkpoint": "last", "count": COUNT, "progress": False}
    done = pocketgan.evaluate(run, features=JUDGES.get(about["data"], "digits"), **usual)
    figure, translation = done["frechet_distance"], done.translation
    assert translation is not None
    result: dict[str, Any] = {name: value for name, value in translation.rows["generator"].items() if name in SCORES}
    result |= {"features": done.space.name, "count": translation.count, "fd": figure.value, "baseline": figure.floor}
    if figure.floor:
        result["ratio"] = figure.value / figure.floor
    if {"slanted", "upright"} & {Path(str(settings.get("to", ""))).stem}:
        outputs = pocketgan.translate(run, count=COUNT or 10_000).outputs.images[:, 0]
        known = np.load(settings["to"])["x_test"][: len(outputs)]
        result["slant"] = np.abs(slants(outputs) - slants(known)).mean().item()
    others = {who: translation.rows[who] for who in ("copy", "closed form", "targets") if who in translation.rows}
    rounded = {name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in result.items()}
    return rounded | {
        "others": {who: {name: round(value, 5) for name, value in row.items()} for who, row in others.items()}
    }


def measure(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measures what has no row yet. All seeds of a line make as many steps as its first one."""
    rows = read_rows(arguments.rows)
    for about in without_row(lines(arguments), rows, ALIKE):
        alike = [row for row in rows if all(row[name] == about[name] for name in ALIKE)]
        steps = alike[0]["steps"] if alike else steps_in("translator", settings_of(about, arguments), about["seconds"])
        name = re.sub(r"[^\w.]+", "-", " ".join(str(about[name]) for name in (*ALIKE, "seed")))
        rows.append(measured(about, steps, arguments.out / name, arguments))
        yield rows[-1]


def tables(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as tables in Markdown: medians over the seeds, and the range."""
    parts = []
    for name in SEEDS:
        for (data,), group in grouped([row for row in rows if row["table"] == name], PARTED[name]).items():
            parts += [f"### {HEADINGS[name].format(data=data)}", "", table(name, group), ""]
    return "\n".join(parts)


def table(name: str, rows: list[dict[str, Any]]) -> str:
    """Returns one of the tables: a line for each task, digit or direction, and below it what costs nothing."""
    scores = [score for score in SHOWN[name] if any(score in row for row in rows)]
    titles = [*LEFT[name].values(), "steps", "seeds", "failures", *(SCORES[score] for score in scores)]
    cells = []
    for alike in grouped(rows, "data", "task").values():
        for some in grouped(alike, "method").values():
            counts = [f"{some[0]['steps']:,}", str(len(some)), str(sum(map(failed, some)))]
            cells.append([some[0][key] for key in LEFT[name]] + counts + [middle(some, score) for score in scores])
        done = next((row for row in alike if "others" in row), {"others": {}})
        for who, values in done["others"].items():
            shown = [f"{values[score]:.3g}" if score in values else "–" for score in scores]
            if "method" in LEFT[name] and any(cell != "–" for cell in shown):
                cells.append([who if key == "method" else done[key] for key in LEFT[name]] + ["–"] * 3 + shown)
    return markdown(titles, len(LEFT[name]), cells)


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `measure`."""
    parser.add_argument("--fashion-mnist", type=Path, help="folder of its IDX files; without it, MNIST alone")
    parser.add_argument("--tables", default=",".join(SEEDS), help="which tables, separated by commas")
    parser.add_argument("--seconds", type=float, default=60.0, help="processor time of each training")
    parser.add_argument("--seeds", type=int, default=max(SEEDS.values()), help="largest number of seeds of a line")


if __name__ == "__main__":
    run_command(__doc__, ROWS, lambda: write_page(PAGE, tables(read_rows(ROWS))), measure, options)
