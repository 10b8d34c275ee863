"""Translation tasks of `translator`: the GAN, regression with the same generator and time, and what costs nothing.

    python benchmarks/translation.py --tasks invert inpaint --seconds 60 --seeds 5 --out DIR

Prints a table in Markdown; medians over the seeds, on MNIST's test split.
"""

import argparse
import statistics
from pathlib import Path

import pocketgan

VARIANTS = {
    "GAN": {},
    "regression": {"adversarial_weight": 0},
}
SCORES = ("psnr", "ssim", "absolute_error", "kept_class", "own_target")
TITLES = ("PSNR, dB", "SSIM", "mean absolute error", "class agreement", "nearest to own target")


def measured(task: str, variant: str, seed: int, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Trains and evaluates one run; returns the scores by who made the images."""
    folder = arguments.out / f"{task}-{variant}-{seed}"
    settings = {"task": task, "duration": f"{arguments.seconds} s", "seed": seed, "evaluate_every": "none"}
    if arguments.threads:
        settings["threads"] = arguments.threads
    settings |= {"sample_every": "end", "checkpoint_every": "1000000 steps"} | VARIANTS[variant]
    run = pocketgan.train("translator", out=folder, progress=False, **settings)
    done = pocketgan.evaluate(run, metrics="frechet_distance", progress=False)
    figure = done["frechet_distance"]
    rows = dict(done.translation.rows)
    rows["generator"] = rows["generator"] | {"fd": figure.value, "steps": run.status().step}
    rows["targets"] = rows["targets"] | {"fd": figure.floor}
    return rows


def cell(values: list[float | None]) -> str:
    """Returns the median of values as a cell of the table."""
    there = [value for value in values if value is not None]
    return f"{statistics.median(there):.3g}" if there else "–"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["invert", "denoise", "upscale", "inpaint", "colorize", "edges"])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    print("| task | images from | steps | FD | " + " | ".join(TITLES) + " |")
    print("| --- | --- | ---: | ---: | " + " | ".join(["---:"] * len(TITLES)) + " |")
    for task in arguments.tasks:
        for place, variant in enumerate(arguments.variants):
            runs = [measured(task, variant, seed, arguments) for seed in range(arguments.seeds)]
            shown = {variant: [run["generator"] for run in runs]}
            if place == len(arguments.variants) - 1:
                others = [who for who in ("copy", "closed form", "targets") if who in runs[0]]
                shown |= {who: [runs[0][who]] for who in others}
            for who, rows in shown.items():
                cells = [cell([row.get(name) for row in rows]) for name in ("steps", "fd", *SCORES)]
                print(f"| {task} | {who} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
