"""Trials of `pocket`: trains candidates under a fixed budget, and says how near to real their digits are.

    python benchmarks/speedrun/trials.py --budget 60 --seeds 3 -- --learning-rate 2e-3 -- --batch-size 32

The flags after each `--` are a candidate's, those of `pocketgan train`; none is the recipe as it is. The budget is in
seconds of one core's own time: the speed of each candidate is measured on one thread by the processor's clock, which
other programs don't falsify, and gives the number of steps. So as many candidates train at once as there are cores,
whatever else the machine does. A minute of two threads on an idle machine is about 107 of these seconds. Judged is the
end of each run: 10,000 images of the averaged generator against the validation part, in the spaces `digits` and
`random`; the test split is never looked at. Each run is a line of `runs/speedrun.jsonl`; what came of the ideas tried
is in `benchmarks/LOG.md`.
"""

import argparse
import json
import shlex
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import joblib

from pocketgan.base.progress import Progress
from pocketgan.cli.flags import parse_recipe
from pocketgan.config.fields import replace
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.experiment import find_facts, run_experiment, settled
from pocketgan.images.batches import Batches
from pocketgan.images.sets import load_images
from pocketgan.metrics.evaluation import evaluate
from pocketgan.runs.weights import image_shape
from pocketgan.training.state import create_state
from pocketgan.training.steps import training_step

SPACES = ("digits", "random")
METRICS = "frechet_distance,recall,coverage,class_kl,label_agreement"
WARM_UP, MEASURED = 10, 40
"""Steps before the clock starts, and steps that it measures."""


def steps_for(config: RunConfig, budget: float) -> int:
    """Returns the steps that a candidate makes in `budget` seconds of one core's own time."""
    images = load_images(config.data)
    facts = find_facts(images)
    config = settled(config, facts, "cpu")
    state = create_state(config, image_shape(facts, config.network.conditional), "cpu")
    batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=config.seed, device="cpu")
    started = 0.0
    for step in range(WARM_UP + MEASURED):
        if step == WARM_UP:
            started = time.process_time()
        training_step(state, batches.at(step * config.train.batch_size), config, 1.0)
    return max(1, round(budget * MEASURED / (time.process_time() - started)))


def run_candidate(flags: list[str], budget: float, seed: int) -> dict[str, Any]:
    """Trains one candidate with one seed, and returns what was measured of its end."""
    given = [*flags, "--seed", str(seed), "--threads", "1", "--evaluate-every", "none", "--sample-every", "end"]
    config, _ = parse_recipe("train", given)
    with using_threads(1), tempfile.TemporaryDirectory() as place:
        config = replace(config, duration=f"{steps_for(config, budget)} steps", checkpoint_every="1000000 steps")
        run = run_experiment(config, Path(place) / "run", Progress(quiet=True))
        status = run.status()
        row: dict[str, Any] = {
            "flags": shlex.join(flags),
            "budget": budget,
            "seed": seed,
            "steps": status.step,
            "kimg": status.nimg / 1000,
        }
        for space in SPACES:
            names = METRICS if space == "digits" else "frechet_distance"
            done = evaluate(run, against="validation", feature_space=space, metrics=names, checkpoint="last")
            row[space] = {name: {"value": f.value, "floor": f.floor} for name, f in done.figures.items()}
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


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Returns the lines of a table of medians, a row a candidate."""
    lines = [
        "| candidate | seeds | kimg | digits | times its floor | random | times its floor | as asked |",
        "| --- | ---: | ---: | --- | ---: | --- | ---: | ---: |",
    ]
    for flags in dict.fromkeys(row["flags"] for row in rows):
        found = [row for row in rows if row["flags"] == flags]
        cells = [f"`{flags}`" if flags else "as it is", str(len(found))]
        cells.append(f"{statistics.median(row['kimg'] for row in found):.0f}")
        for space in SPACES:
            figures = [row[space]["frechet_distance"] for row in found]
            values = [figure["value"] for figure in figures]
            spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
            cells.append(f"{statistics.median(values):.3g}{spread}")
            cells.append(f"{statistics.median(figure['value'] / figure['floor'] for figure in figures):.1f}")
        cells.append(f"{statistics.median(row['digits']['label_agreement']['value'] for row in found):.1%}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Trains all candidates with all seeds, says each run's distances, and prints the table."""
    own, candidates = split_candidates(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=107.0, help="seconds of one core for each run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1, help="runs at once; -1: as many as cores")
    parser.add_argument("--log", type=Path, default=Path("runs/speedrun.jsonl"))
    options = parser.parse_args(own)
    options.log.parent.mkdir(parents=True, exist_ok=True)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    work = (joblib.delayed(run_candidate)(flags, options.budget, seed) for seed in seeds for flags in candidates)
    rows = []
    for row in joblib.Parallel(n_jobs=options.jobs, return_as="generator")(work):
        rows.append(row)
        with options.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        distances = ", ".join(f"{space} {row[space]['frechet_distance']['value']:.3g}" for space in SPACES)
        print(f"{row['flags'] or 'as it is'}, seed {row['seed']}: {row['kimg']:.0f} kimg, {distances}", file=sys.stderr)
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
