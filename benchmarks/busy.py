"""How fast training is beside other programs: `make bench-busy`, about half an hour on an otherwise idle machine.

For each recipe and each neighborhood, every way of using the cores is tried in turn, several times, each in a process
of its own: two threads that spin while they wait (libgomp's default), two that give up spinning soon
(`GOMP_SPINCOUNT=1000`), two that sleep (`OMP_WAIT_POLICY=PASSIVE`), one thread, and `--threads auto`. Neighbors are
Python loops, which take one core each, and trainings of `minimal`, which take two.

The fair share beside N neighbors is 1 / (N + 1) of the fastest speed on the idle machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pocketgan.config.recipes import recipe
from pocketgan.experiment.experiment import run_experiment

WAYS: dict[str, tuple[str, dict[str, str]]] = {
    "2 threads": ("2", {}),
    "spin 1000": ("2", {"GOMP_SPINCOUNT": "1000"}),
    "passive": ("2", {"OMP_WAIT_POLICY": "PASSIVE"}),
    "1 thread": ("1", {}),
    "auto": ("auto", {}),
}
"""The ways of using the cores: the setting `threads`, and the environment."""
LOOP = [sys.executable, "-c", "while True: pass"]
NEIGHBORS: dict[str, tuple[int, int, str]] = {
    "none": (0, 0, ""),
    "1 loop": (1, 0, ""),
    "2 loops": (2, 0, ""),
    "4 loops": (4, 0, ""),
    "1 training (2 threads)": (0, 1, "2"),
    "2 trainings (2 threads)": (0, 2, "2"),
    "3 trainings (auto)": (0, 3, "auto"),
}
"""The neighborhoods: Python loops, trainings, and the trainings' setting `threads`."""
SETTLING = 6.0
"""Seconds that neighbors get to begin."""


def train_for(name: str, threads: str, seconds: float) -> float:
    """Trains a recipe for some seconds; returns real images a second of training, from its first step on."""
    stop = threading.Event()
    config = recipe(name).model_dump()
    config["train"] |= {"duration": "1000000 steps", "threads": int(threads) if threads.isdecimal() else threads}
    config["train"] |= {"checkpoint_every": "1000000 steps", "log_every": "10 steps"}
    config["pictures"] |= {"sample_every": "none"}
    config["evaluation"] |= {"evaluate_every": "none"}
    with tempfile.TemporaryDirectory() as folder:
        timer = threading.Timer(seconds, stop.set)
        timer.start()
        run = run_experiment(type(recipe(name)).model_validate(config), Path(folder) / "run", stop=stop)
        timer.cancel()
        last = run.stats()[-1]
        return last["nimg"] / last["seconds"]


def one(name: str, threads: str, seconds: float, environment: dict[str, str]) -> float:
    """Trains in a process of its own; returns its speed."""
    words = [sys.executable, __file__, "--one", name, threads, str(seconds)]
    output = subprocess.run(words, env=os.environ | environment, capture_output=True, text=True, check=True).stdout
    return float(output.splitlines()[-1])


@contextmanager
def neighbors(loops: int, trainings: int, threads: str) -> Iterator[None]:
    """Keeps other programs busy inside."""
    train = [sys.executable, __file__, "--one", "minimal", threads, "100000"]
    processes = [
        subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for words in [LOOP] * loops + [train] * trainings
    ]
    try:
        time.sleep(SETTLING if processes else 0.5)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measure(arguments: argparse.Namespace) -> list[dict[str, object]]:
    """Measures everything, and writes each row as it comes."""
    rows: list[dict[str, object]] = []
    for name in arguments.recipes.split(","):
        for _ in range(2):  # The first one may measure how many threads are fastest, and keeps it.
            one(name, "auto", 14.0, {})
        for repeat in range(arguments.repeats):
            for place, (loops, trainings, threads) in NEIGHBORS.items():
                with neighbors(loops, trainings, threads):
                    for way in arguments.ways.split(","):
                        setting, environment = WAYS[way]
                        speed = one(name, setting, arguments.seconds, environment)
                        row = {"recipe": name, "neighbors": place, "way": way, "repeat": repeat}
                        rows.append(row | {"images_per_second": round(speed, 1)})
                        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
                        if arguments.out:
                            Path(arguments.out).write_text("".join(json.dumps(each) + "\n" for each in rows))
    return rows


def table(rows: Sequence[dict[str, object]]) -> str:
    """Returns the medians as a Markdown table, a recipe after the other; in brackets the share of the fair share."""
    lines = []
    for name in dict.fromkeys(str(row["recipe"]) for row in rows):
        speeds: dict[tuple[str, str], list[float]] = {}
        for row in rows:
            if row["recipe"] == name:
                key = str(row["neighbors"]), str(row["way"])
                speeds.setdefault(key, []).append(float(str(row["images_per_second"])))
        medians = {key: statistics.median(values) for key, values in speeds.items()}
        ways = list(dict.fromkeys(way for _, way in medians))
        idle = max(medians["none", way] for way in ways)
        lines += [f"`{name}`, images/s (× fair share):", "", f"| neighbors | {' | '.join(ways)} |"]
        lines.append("| --- |" + " ---: |" * len(ways))
        for place, (loops, trainings, _) in NEIGHBORS.items():
            fair = idle / (loops + trainings + 1)
            cells = [f"{medians[place, way]:,.0f} ({medians[place, way] / fair:.2f})" for way in ways]
            lines.append(f"| {place} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Measures, or shows what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=3, metavar=("RECIPE", "THREADS", "SECONDS"), help="train once, print images/s")
    parser.add_argument("--recipes", default="pocket,minimal")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--seconds", type=float, default=8.0, help="of each training, the start included")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", help="a file for the rows")
    parser.add_argument("--again", help="show the rows in this file")
    arguments = parser.parse_args()
    if arguments.one:
        name, threads, seconds = arguments.one
        print(train_for(name, threads, float(seconds)))
    elif arguments.again:
        print(table([json.loads(line) for line in Path(arguments.again).read_text().splitlines()]))
    else:
        print(table(measure(arguments)))


if __name__ == "__main__":
    main()
