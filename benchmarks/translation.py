"""How well `translator` translates: the tables of `docs/results/translation.md`.

    python benchmarks/translation.py measure --out DIR --fashion-mnist DIR
    python benchmarks/translation.py table

`measure` trains each run for the same processor time on one thread, one seed after the other. It keeps a row for each
in `benchmarks/translation.jsonl`, and writes the page's tables after each. What has a row isn't measured again, and a
run that was stopped continues. `table` writes the tables alone.

- `tasks`: each task with a discriminator and by regression, the same generator's reconstruction loss alone.
- `digits`: one digit at a time.
- `healthy`: many seeds of `invert`, watched as they train.
- `unpaired`: upright digits ↔ leaning ones, and MNIST ↔ scikit-learn's digits, with and without `--keep-class`.
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
from domains import leaning_digits, slants, small_digits
from pocketgan.experiment.diagnosis import FAILURES
from pocketgan.runs.run import Run
from race import ROOT, read_rows, written
from sizes import middle, steps_in, trained

ROWS, PAGE = ROOT / "benchmarks" / "translation.jsonl", ROOT / "docs" / "results" / "translation.md"
TASKS = ("invert", "denoise", "upscale", "inpaint", "colorize", "edges")
SEEDS = {"tasks": 5, "digits": 1, "healthy": 20, "unpaired": 5}
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
EVALUATIONS = 10
"""Evaluations of a run of `healthy`, for the watchdog."""
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
    "digits": ("fd", "ratio", "psnr", "absolute_error", "kept_class", "distinct_outputs"),
    "healthy": ("absolute_error",),
    "unpaired": ("fd", "ratio", "kept_class", "slant", "kept_distances", "distinct_outputs"),
}
"""The scores of each table."""
LEFT = {
    "tasks": {"task": "task", "method": "images from"},
    "digits": {"data": "digit"},
    "healthy": {"task": "task"},
    "unpaired": {"data": "from → to", "method": "images from"},
}
"""The columns that name a line of each table."""
PARTED = {"tasks": "data", "digits": "table", "healthy": "table", "unpaired": "table"}
HEADINGS = {
    "tasks": "Pairs, {data}",
    "digits": "One digit at a time",
    "healthy": "Twenty seeds",
    "unpaired": "Without pairs",
}


def lines(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yields what is measured, a line of a table after the other, without seeds."""
    data = ["mnist"] + ["fashion-mnist"] * (arguments.fashion_mnist is not None)
    for name in data:
        for task in TASKS:
            yield from ({"table": "tasks", "data": name, "task": task, "method": how} for how in ("GAN", "regression"))
    for digit in range(10):
        yield {"table": "digits", "data": f"digit {digit}", "task": "invert", "method": "GAN"}
    yield {"table": "healthy", "data": "mnist", "task": "invert", "method": "GAN"}
    for direction in DIRECTIONS:
        for method in ("labels ignored", "`--keep-class`"):
            yield {"table": "unpaired", "data": direction, "task": "none", "method": method}


def undone(rows: list[dict[str, Any]], arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yields the runs without a row, seed by seed."""
    known = {(row["seed"], *(row[name] for name in ALIKE)) for row in rows}
    chosen = arguments.tables.split(",")
    for seed in range(max(SEEDS.values())):
        for about in lines(arguments):
            about = about | {"seconds": arguments.seconds, "seed": seed}
            if about["table"] not in chosen or seed >= min(SEEDS[about["table"]], arguments.seeds):
                continue
            if (seed, *(about[name] for name in ALIKE)) not in known:
                yield about


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
    status = run.status()
    names = {event["name"] for event in run.events() if event["event"] == "diagnosis"}
    row = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), **about, "steps": status.steps, "state": status.state}
    row |= {"failures": sorted(names & {*FAILURES}), "wall_seconds": round(status.seconds, 1)}
    return row if status.state != "finished" else row | scores(run, about, settings)


def scores(run: Run, about: dict[str, Any], settings: dict[str, Any]) -> dict[str, float]:
    """Returns the scores of a run on the test split, those of the copy, and of the closed form where there is one."""
    usual = {"metrics": "frechet_distance", "against": "test", "checkpoint": "last", "progress": False}
    done = pocketgan.evaluate(run, features=JUDGES.get(about["data"], "digits"), **usual)
    figure, translation = done["frechet_distance"], done.translation
    assert translation is not None
    result: dict[str, Any] = {name: value for name, value in translation.rows["generator"].items() if name in SCORES}
    result |= {"features": done.space.name, "count": translation.count, "fd": figure.value, "baseline": figure.floor}
    if figure.floor:
        result["ratio"] = figure.value / figure.floor
    if {"slanted", "upright"} & {Path(str(settings.get("to", ""))).stem}:
        outputs = pocketgan.translate(run, count=10_000).outputs.images[:, 0]
        result["slant"] = np.abs(slants(outputs) - slants(np.load(settings["to"])["x_test"])).mean().item()
    others = {who: translation.rows[who] for who in ("copy", "closed form", "targets") if who in translation.rows}
    rounded = {name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in result.items()}
    return rounded | {
        "others": {who: {name: round(value, 5) for name, value in row.items()} for who, row in others.items()}
    }


def measure(arguments: argparse.Namespace) -> None:
    """Measures what has no row yet. All seeds of a line make as many steps as its first one."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = read_rows(arguments.rows)
    for about in undone(rows, arguments):
        alike = [row for row in rows if all(row[name] == about[name] for name in ALIKE)]
        steps = alike[0]["steps"] if alike else steps_in("translator", settings_of(about, arguments), about["seconds"])
        name = re.sub(r"[^\w.]+", "-", " ".join(str(about[name]) for name in (*ALIKE, "seed")))
        rows.append(measured(about, steps, arguments.out / name, arguments))
        with arguments.rows.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rows[-1], ensure_ascii=False) + "\n")
        print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
        if arguments.rows == ROWS:
            write_page()


def write_page() -> None:
    """Writes the tables into the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), tables(read_rows(ROWS))), encoding="utf-8")


def tables(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as tables in Markdown: medians over the seeds, and the range."""
    parts = []
    for name in SEEDS:
        for data, group in grouped([row for row in rows if row["table"] == name], PARTED[name]).items():
            parts += [f"### {HEADINGS[name].format(data=data)}", "", table(name, group), ""]
    return "\n".join(parts)


def table(name: str, rows: list[dict[str, Any]]) -> str:
    """Returns one of the tables: a line for each task, digit or direction, and below it what costs nothing."""
    scores = [score for score in SHOWN[name] if any(score in row for row in rows)]
    titles = [*LEFT[name].values(), "steps", "seeds", "failures", *(SCORES[score] for score in scores)]
    lines = [
        f"| {' | '.join(titles)} |",
        "| --- " * len(LEFT[name]) + "| ---: " * (len(titles) - len(LEFT[name])) + "|",
    ]
    for alike in grouped(rows, "data", "task").values():
        for some in grouped(alike, "method").values():
            left = [some[0][key] for key in LEFT[name]]
            failed = sum(bool(row["failures"]) or row["state"] != "finished" for row in some)
            cells = [*left, f"{some[0]['steps']:,}", str(len(some)), str(failed)]
            lines.append(f"| {' | '.join([*cells, *(middle(some, score) for score in scores)])} |")
        done = next((row for row in alike if "others" in row), {"others": {}})
        for who, values in done["others"].items():
            shown = [f"{values[score]:.3g}" if score in values else "–" for score in scores]
            if "method" in LEFT[name] and any(cell != "–" for cell in shown):
                cells = [who if key == "method" else done[key] for key in LEFT[name]]
                lines.append(f"| {' | '.join([*cells, '–', '–', '–', *shown])} |")
    return "\n".join(lines)


def grouped(rows: list[dict[str, Any]], *names: str) -> dict[str, list[dict[str, Any]]]:
    """Returns rows by their values of these names, in the order in which they first appear."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(" ".join(str(row[name]) for name in names), []).append(row)
    return groups


def main() -> None:
    """Measures, or writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("--out", type=Path, required=True, help="folder of the runs and of the prepared data")
    measuring.add_argument("--fashion-mnist", type=Path, help="folder of its IDX files; without it, MNIST alone")
    measuring.add_argument("--tables", default=",".join(SEEDS), help="which tables, separated by commas")
    measuring.add_argument("--seconds", type=float, default=60.0, help="processor time of each training")
    measuring.add_argument("--seeds", type=int, default=max(SEEDS.values()), help="largest number of seeds of a line")
    measuring.add_argument("--rows", type=Path, default=ROWS)
    commands.add_parser("table")
    arguments = parser.parse_args()
    if arguments.command == "measure":
        measure(arguments)
    else:
        write_page()


if __name__ == "__main__":
    main()
