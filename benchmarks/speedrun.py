"""The speed run: trains a candidate for a fixed time, and says how near to real its digits are.

    python benchmarks/speedrun.py --duration "1 min" --seeds 3 -- --learning-rate 2e-3 --batch-size 32

The flags after `--` are those of `pocketgan train`; candidates that are given with several `--` are trained in turn,
seed by seed, so that a machine that changes speed meanwhile is fair to all. Judged is the end of each run: 10,000
images of the averaged generator against the validation part, in the spaces `digits` and `random`; the test split is
never looked at. Each run is a line of `runs/speedrun.jsonl`; what came of the ideas tried is in `docs/speedrun.md`.
"""

import argparse
import json
import shlex
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from pocketgan.evaluation import evaluate
from pocketgan.experiment import run_experiment
from pocketgan.flags import parse_recipe
from pocketgan.progress import Progress

SPACES = ("digits", "random")
METRICS = "frechet_distance,recall,coverage,class_kl,label_agreement"


def run_candidate(flags: list[str], duration: str, seed: int) -> dict[str, Any]:
    """Trains one candidate with one seed, and returns what was measured of its end."""
    given = [*flags, "--duration", duration, "--seed", str(seed), "--evaluate-every", "none", "--sample-every", "end"]
    config, _ = parse_recipe("train", given)
    with tempfile.TemporaryDirectory() as place:
        run = run_experiment(config, Path(place) / "run", Progress(quiet=True))
        status = run.status()
        row: dict[str, Any] = {
            "flags": shlex.join(flags),
            "duration": duration,
            "seed": seed,
            "steps": status.step,
            "kimg": status.nimg / 1000,
            "seconds": status.seconds,
        }
        for space in SPACES:
            done = evaluate(run, against="validation", feature_space=space, metrics="frechet_distance")
            figure = done.figures["frechet_distance"]
            row[space] = {"frechet_distance": figure.value, "floor": figure.floor}
        done = evaluate(run, against="validation", metrics=METRICS)
        row["figures"] = {name: figure.value for name, figure in done.figures.items()}
    return row


def split_candidates(words: list[str]) -> tuple[list[str], list[list[str]]]:
    """Splits the command line at each `--`: our own flags, then the candidates' (none: the recipe as it is)."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts[0], parts[1:] or [[]]


def main() -> None:
    """Trains all candidates with all seeds, prints a line a run and a table of medians."""
    own, candidates = split_candidates(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--duration", default="1 min")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--log", type=Path, default=Path("runs/speedrun.jsonl"))
    options = parser.parse_args(own)
    options.log.parent.mkdir(parents=True, exist_ok=True)
    rows: dict[int, list[dict[str, Any]]] = {number: [] for number in range(len(candidates))}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for number, flags in enumerate(candidates):
            row = run_candidate(flags, options.duration, seed)
            rows[number].append(row)
            with options.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            distances = ", ".join(f"{space} {row[space]['frechet_distance']:.3g}" for space in SPACES)
            print(f"{row['flags'] or 'as it is'}, seed {seed}: {row['kimg']:.0f} kimg, {distances}", file=sys.stderr)
    print("| candidate | kimg | digits | times its floor | random | times its floor |")
    print("| --- | ---: | --- | ---: | --- | ---: |")
    for found in rows.values():
        cells = [str(found[0]["flags"]) or "as it is", f"{statistics.median(row['kimg'] for row in found):.0f}"]
        for space in SPACES:
            values = [row[space]["frechet_distance"] for row in found]
            times = statistics.median(row[space]["frechet_distance"] / row[space]["floor"] for row in found)
            middle = statistics.median(values)
            cells += [f"{middle:.3g} ({min(values):.3g} to {max(values):.3g})", f"{times:.2f}"]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
