"""Enters a speed run: the best images after a fixed training time. The rules are in `README.md` beside this file.

    python benchmarks/speedrun/enter.py my_gan.py --budget "60 s" --practice    # a trial: the test images stay unseen
    python benchmarks/speedrun/enter.py my_gan.py --budget "60 s"               # an entry, for the leaderboard
    python benchmarks/speedrun/enter.py --table                                 # the table in README.md

A file has a class or a function `entrant(task)`, as `pocketgan.race.contract.Entrant` says; `my_gan.py:MyGAN` is
another name. Names of the race's own entrants, such as `pocket`, are entries, too.
"""

import argparse
import ast
import hashlib
import json
import os
import platform
import secrets
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pocketgan.base.errors import UserError
from pocketgan.config.data_section import DataConfig
from pocketgan.config.durations import Duration
from pocketgan.metrics.real_images import read_real
from pocketgan.race.checks import FEWEST, TEST
from pocketgan.race.places import NAMES, entrant_name
from pocketgan.studies.scripts import JUDGED
from pocketgan.studies.statistics import interquartile_mean, interval

HERE = Path(__file__).resolve().parent
LEADERBOARD, README = HERE / "leaderboard.jsonl", HERE / "README.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
LONGEST, SEEDS, COUNT = 300, 5, 10_000
CATEGORIES = {"mnist": (10, 60, 300), "fashion-mnist": (300,)}
"""Official categories: the seconds of the budgets, by data."""
ALLOWED = {
    "torch", "numpy", "math", "random", "itertools", "functools", "collections", "copy", "dataclasses", "typing",
    "contextlib", "jaxtyping", "__future__",
}  # fmt: skip
"""Modules that an entry may import, besides those of the package that `OURS` names."""
OURS = ("pocketgan.race.contract", "pocketgan.race.entrants", "pocketgan.networks", "pocketgan.training")
OURS += ("pocketgan.config", "pocketgan.images.sets")
FASHION = "5fa00f056401c5cd8c2ba1938d36288cd0cc9330d0c70704b56aa2ea306d97b2"
"""Digest of the test images of Fashion-MNIST."""
READERS = {
    "load", "loadtxt", "genfromtxt", "fromfile", "from_file", "memmap", "PackageImporter", "load_images", "read_real",
}  # fmt: skip
"""Functions of allowed modules that an entry may not use, wherever they are."""
FORBIDDEN = {"open", "exec", "eval", "compile", "__import__", "breakpoint", "input"}
"""Functions of Python that an entry may not use: it gets its images from the task, and reads nothing else."""


class Refused(Exception):
    """An entry that breaks a rule; the message says which."""


# The rules.


def check_entry(path: Path) -> str:
    """Returns the SHA-256 of an entry's file, whose length and imports keep the rules.

    The check hinders mistakes and temptation. It is no proof: whoever accepts an entry reads its file.

    Raises:
        Refused: the file is too long, can't be parsed, or uses something that isn't allowed.
    """
    content = path.read_bytes()
    lines = len(content.splitlines())
    if lines > LONGEST:
        raise Refused(f"{path.name} has {lines} lines; {LONGEST} are allowed")
    try:
        tree = ast.parse(content)
    except SyntaxError as error:
        raise Refused(f"{path.name} isn't valid Python: {error}") from None
    for node in ast.walk(tree):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.split(".")[0] not in ALLOWED and not name.startswith(OURS):
                raise Refused(f"{path.name}:{node.lineno} imports {name or 'a file beside it'}, which isn't allowed")
    origins, own = origins_in(tree), bound_in(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in own - origins.keys():
            continue
        if isinstance(node, ast.Name | ast.Attribute):
            first, dot, rest = ast.unparse(node).partition(".")
            full = origins.get(first, first) + dot + rest
            imported, last = first in origins, full.rpartition(".")[2]
            if full in FORBIDDEN or (imported and last in READERS):
                raise Refused(f"{path.name}:{node.lineno} uses {full}, which isn't allowed")
        if isinstance(node, ast.ImportFrom) and any(one.name in (*READERS, "*") for one in node.names):
            raise Refused(f"{path.name}:{node.lineno} imports a reader, or everything, which isn't allowed")
    return hashlib.sha256(content).hexdigest()


def origins_in(tree: ast.AST) -> dict[str, str]:
    """Returns what the names that a source imports stand for: `np` for `numpy`, `load` for `torch.load`."""
    origins = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                root = one.name.partition(".")[0]
                origins[one.asname or root] = one.name if one.asname else root
        elif isinstance(node, ast.ImportFrom):
            origins |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return origins


def bound_in(tree: ast.AST) -> set[str]:
    """Returns the names that a source assigns, or takes as arguments."""
    nodes = list(ast.walk(tree))
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    return stored | {node.arg for node in nodes if isinstance(node, ast.arg)}


def data_name(data: str) -> str:
    """Returns the name of some data in the table: that of a category if the data is the category's."""
    if data == "mnist":
        return data
    name = Path(data).stem
    if Path(data).exists():
        test = read_real(DataConfig(data=data, test=TEST), "test").reference
        if test.digest() == FASHION:
            return "fashion-mnist"
    return f"{name}, own" if name in CATEGORIES else name


def is_official(options: argparse.Namespace, data: str, seconds: float) -> bool:
    """Returns whether an entry is in a category: its data, its time on one thread's clock, enough seeds and images."""
    category = seconds in CATEGORIES.get(data, ())
    enough = options.seeds >= SEEDS and options.count >= COUNT
    return category and enough and (options.threads, options.clock) == (1, "cpu")


def idea_of(entry: str) -> str:
    """Returns the first line of an entry's docstring."""
    if entry in NAMES:
        return "entrant of the race"
    file = entry.rpartition(":")[0] if ".py:" in entry else entry
    return (ast.get_docstring(ast.parse(Path(file).read_text(encoding="utf-8"))) or "").partition("\n")[0]


def budget_of(text: str) -> int | float:
    """Returns a budget in seconds.

    Raises:
        Refused: it isn't a time.
    """
    try:
        seconds = Duration.parse(text).seconds
    except ValueError as error:
        raise Refused(f"--budget: {error}") from None
    if seconds is None:
        raise Refused(f"--budget must be in time, such as '60 s' (got '{text}')")
    return int(seconds) if seconds == int(seconds) else seconds


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Returns the rows of a leaderboard; none if there is no file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def check_new(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
    """Checks that a file wasn't judged against the test images before, in its category.

    Raises:
        Refused: it was; the test images judge each file once.
    """
    for known in rows:
        if all(known[name] == row[name] for name in ("sha256", "data", "seconds", "clock", "threads")):
            raise Refused(f"this file is in the leaderboard already, of {known['date']}; --practice tries it again")


# Runs.


def run_once(entry: str, options: argparse.Namespace, seed: int, rotation: int) -> dict[str, Any]:
    """Trains an entry with one seed in a process of its own; returns what the judge has written.

    Raises:
        Refused: the run failed.
    """
    against = "validation" if options.practice else "test"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        command = [sys.executable, "-m", "pocketgan.race.worker", entry, "--seed", str(seed), "--against", against]
        command += ["--seconds", str(budget_of(options.budget)), "--rotation", str(rotation)]
        for name in ("data", "threads", "clock", "count"):
            command += [f"--{name}", str(getattr(options, name))]
        done = subprocess.run(
            command, env={**os.environ, "POCKETGAN_RUN": str(folder)}, capture_output=True, text=True, check=False
        )
        if done.returncode or not (folder / JUDGED).is_file():
            why = (done.stderr.strip().splitlines() or ["it wrote no scores"])[-1]
            raise Refused(f"the run with seed {seed} failed: {why}")
        return json.loads((folder / JUDGED).read_text(encoding="utf-8"))


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the scores of an entry: interquartile means over its seeds, with intervals from three seeds on."""
    ways = [run["race"]["ways"][0] for run in runs]
    scores: dict[str, Any] = {}
    for space in ways[0]["scores"]:
        ratios = [way["scores"][space]["frechet_distance"] for way in ways]
        values = [one["value"] / (one["floor"] or 1.0) for one in ratios]
        ends = interval(values) if len(values) > 2 else None
        scores[space] = {
            "times_baseline": round(interquartile_mean(values), 3),
            "interval": None if ends is None else [round(ends.low, 3), round(ends.high, 3)],
            "values": [round(value, 3) for value in values],
        }
    first = next(iter(scores))
    agreement = [way["scores"][first].get("label_agreement", {}).get("value") for way in ways]
    return {
        "scores": scores,
        "class_accuracy": None if None in agreement else round(statistics.median(agreement), 4),
        "images_per_second": round(statistics.median(way["images_per_second"] for way in ways)),
        "sampler": ways[0]["name"],
        "parameters": runs[0]["race"]["parameters"],
        "peak_memory": max(run["race"]["peak_memory"] for run in runs),
        "used_seconds": round(statistics.median(run["race"]["used_seconds"] for run in runs), 2),
    }


def commit() -> str:
    """Returns the commit of the working tree, with `+` if files differ from it; empty without git."""
    try:
        name = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
        changed = subprocess.run(["git", "status", "--porcelain"], cwd=HERE, capture_output=True, text=True)
    except OSError:
        return ""
    return name.stdout.strip() + ("+" if changed.stdout.strip() else "")


def enter(options: argparse.Namespace, leaderboard: Path = LEADERBOARD) -> dict[str, Any]:
    """Runs an entry with all its seeds; an entry that isn't practice becomes a row of the leaderboard.

    Raises:
        Refused: it breaks a rule, or a run failed.
    """
    entry, seconds = options.entry, budget_of(options.budget)
    file = Path(entry.rpartition(":")[0] if ".py:" in entry else entry)
    if entry not in NAMES and not file.is_file():
        raise Refused(f"there is no file '{entry}'; entrants of the race: {', '.join(NAMES)}")
    data = data_name(options.data)
    row: dict[str, Any] = {
        "sha256": f"{entry} {commit()}" if entry in NAMES else check_entry(file),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "entry": entrant_name(entry),
        "idea": options.idea or idea_of(entry),
        "data": data,
        "seconds": seconds,
        "official": is_official(options, data, seconds),
        **{name: getattr(options, name) for name in ("threads", "clock", "count")},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "commit": commit(),
    }
    if not options.practice:
        check_new(read_rows(leaderboard), row)
    # Nobody chooses the seeds: they are drawn once the file is fixed, and kept with the row.
    seeds, rotation = [secrets.randbelow(2**30) for _ in range(options.seeds)], 1 + secrets.randbelow(2**30)
    runs = []
    for place, seed in enumerate(seeds, 1):
        runs.append(run_once(entry, options, seed, rotation if options.practice else 0))
        print(f"{place}/{len(seeds)}  seed {seed}: FD {runs[-1]['figures']['frechet_distance']:.4g}", file=sys.stderr)
    row |= {"seeds": seeds, **summary(runs)}
    if not options.practice:
        with leaderboard.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")
    return row


# The table.


def table(rows: list[dict[str, Any]]) -> str:
    """Returns the leaderboard as Markdown: a table for each category, the best entry first."""
    parts = []
    for data, seconds in sorted({(row["data"], row["seconds"]) for row in rows}):
        chosen = [row for row in rows if (row["data"], row["seconds"]) == (data, seconds)]
        first, *others = next(iter(chosen))["scores"]
        second = others[0] if others else ""
        parts += [f"### {data}, {seconds:g} s", ""]
        titles = ["entry", "idea", f"× baseline, {first}", *([f"× baseline, {second}"] if second else [])]
        titles += ["class accuracy", "images/s", "seeds", "images", "threads", "clock", "date", "commit"]
        parts += [f"| {' | '.join(titles)} |", f"| --- | --- |{' ---: |' * (len(titles) - 2)}"]
        for row in sorted(chosen, key=lambda one: one["scores"][first]["times_baseline"]):
            name = row["entry"] if row["official"] else f"({row['entry']})"
            cells = [
                name,
                row["idea"].replace("|", "\\|"),
                *(with_interval(row["scores"][space]) for space in row["scores"]),
            ]
            accuracy = row["class_accuracy"]
            cells += ["–" if accuracy is None else f"{accuracy:.1%}", f"{row['images_per_second']:,}"]
            cells += [str(len(row["seeds"])), f"{row['count']:,}", str(row["threads"]), row["clock"]]
            parts.append(f"| {' | '.join([*cells, row['date'], row['commit']])} |")
        parts.append("")
    return "\n".join(parts)


def with_interval(score: dict[str, Any]) -> str:
    """Returns a score with its interval."""
    ends = score["interval"]
    return f"{score['times_baseline']:.3g}" + ("" if ends is None else f" ({ends[0]:.3g} to {ends[1]:.3g})")


def write_table(readme: Path = README, leaderboard: Path = LEADERBOARD) -> None:
    """Writes the table between its two marks in a README."""
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n\n{table(read_rows(leaderboard))}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Reads the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("entry", nargs="?", help="my_gan.py, my_gan.py:MyGAN, or an entrant of the race")
    parser.add_argument("--budget", default="60 s", help="training time")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--practice", action="store_true", help="judge validation images, which change every time")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"number of runs; an official entry has {SEEDS}")
    parser.add_argument("--count", type=int, default=COUNT, help="images to generate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="cpu")
    parser.add_argument("--idea", default="", help="one line; by default the first line of the file's docstring")
    parser.add_argument("--table", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    if not options.entry and not options.table:
        parser.error("name a file or an entrant of the race, or give --table")
    for name, least in (("seeds", 1), ("count", FEWEST), ("threads", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least} (got {getattr(options, name)})")
    try:
        if options.entry:
            print(json.dumps(enter(options), indent=2))
        if options.table:
            write_table()
    except (Refused, UserError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
