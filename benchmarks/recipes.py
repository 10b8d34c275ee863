"""How good each recipe is at its full length: `make bench-recipes`.

Trains every recipe with every seed (the classics on one thread, so that two can run beside each other; `pocket` alone,
on all cores), then measures the best checkpoint and the last one with `pocketgan evaluate`: 10,000 generated images
against the test split. Runs that are already in the folder are not trained again. Prints the table of
`docs/results/recipes.md`.
"""

import argparse
import statistics
from pathlib import Path

from pocketgan.api import train
from pocketgan.config.recipes import RECIPES
from pocketgan.metrics.evaluation import evaluate
from pocketgan.runs.run import Run

METRICS = "frechet_distance,precision,recall,coverage,modes,class_kl"


def figures(run: Run, checkpoint: str) -> dict[str, float]:
    """Returns what a checkpoint's images measure, with the Fréchet distance's spread and floor."""
    done = evaluate(run, metrics=METRICS, checkpoint=checkpoint)
    found = {name: figure.value for name, figure in done.figures.items()}
    distance = done.figures["frechet_distance"]
    found["spread"], found["floor"] = distance.spread or 0.0, distance.floor or 0.0
    found["count"] = len(done.comparison.generated)
    return found


def column(rows: list[dict[str, float]], name: str, digits: int = 3) -> str:
    """Returns the median of one figure over the seeds, and all of them."""
    values = [row[name] for row in rows]
    return f"{statistics.median(values):.{digits}g} ({', '.join(f'{value:.{digits}g}' for value in values)})"


def main() -> None:
    """Trains what is missing, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", help="which recipes; by default all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("runs/recipes"))
    arguments = parser.parse_args()
    heading = "| recipe | seeds | best at | Fréchet distance, best | end | spread | floor | end: precision | recall "
    print(f"{heading}| coverage | classes | class KL |")
    print("| --- | ---: | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in arguments.recipes or RECIPES:
        best, last, shares = [], [], []
        for seed in range(arguments.seeds):
            out = arguments.folder / f"{name}-{seed}"
            if not (out / "config.json").exists():
                train(name, seed=seed, out=out, threads=0 if name == "pocket" else 1)
            run = Run.open(out)
            at = run.best()
            assert at is not None
            shares.append({"share": 100 * at["step"] / run.plan.steps})
            last.append(figures(run, "last"))
            best.append(last[-1] if at["step"] >= run.plan.steps else figures(run, "best"))
        medians = [f"{statistics.median(row[n] for row in last):.2g}" for n in ("precision", "recall", "coverage")]
        medians += [f"{statistics.median(row['modes'] for row in last):.0f}", f"{column(last, 'class_kl', 2)}"]
        spread, floor = (f"{statistics.median(row[n] for row in last):.2g}" for n in ("spread", "floor"))
        print(
            f"| `{name}` | {len(last)} | {column(shares, 'share', 3)}% | {column(best, 'frechet_distance')} | "
            f"{column(last, 'frechet_distance')} | {spread} | {floor} | {' | '.join(medians)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
