"""Measures the claims of a long run that no metric of the package answers: steady losses, noise, and clear edges.

    pocketgan study long-run --out studies/long-run
    python benchmarks/long_run.py studies/long-run --write docs/results/coursework/data/long-run-pictures.csv
    python benchmarks/long_run.py studies/long-run --read docs/results/coursework/data/long-run-pictures.csv

The second form needs the folder's logs alone, as `docs/results/coursework/data/long-run.tar.xz` keeps them.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from pocketgan.images.montage import PADDING, SCALE
from pocketgan.images.readers import read_mnist
from pocketgan.runs.run import Run
from pocketgan.studies.statistics import holm, permutation_p_value
from pocketgan.studies.study import Study

LIGHT, WHITE = 32, 224
"""Gray levels: pixels above the first are light, and those above the second are white."""
EVERY = 500
"""Steps between two losses that count, as the kept logs have them."""
SIDE = 28
SHOWN = (10_000, 20_000, 50_000, 100_000, 150_000, 200_000)
"""Iterations in the page's table."""
MIDDLE = 50_000
"""Step after which the course project found less noise and clearer edges."""


@dataclass(frozen=True)
class Test:
    """One comparison within each seed.

    Attributes:
        name: what is compared.
        before, after: means over the seeds.
        lower: number of seeds in which it is lower after.
        seeds: number of seeds.
        p_value: exact permutation test over the seeds.
        adjusted: the same after Holm's correction for all tests.
    """

    name: str
    before: float
    after: float
    lower: int
    seeds: int
    p_value: float
    adjusted: float


def swings(steps: np.ndarray, losses: np.ndarray, low: int, high: int) -> float:
    """Returns the standard deviation of the losses in (low, high] around a straight line."""
    inside = (steps > low) & (steps <= high)
    x, y = steps[inside].astype(float), losses[inside]
    return float(np.std(y - np.polyval(np.polyfit(x, y, 1), x)))


def pieces(image: np.ndarray) -> int:
    """Returns the number of separate light pieces in a picture; noise is many small ones."""
    return int(ndimage.label(image > LIGHT, np.ones((3, 3)))[1])


def gray_share(image: np.ndarray) -> float:
    """Returns the share of the light pixels that aren't white; blurred edges have more of them."""
    light = image > LIGHT
    return float((light & (image <= WHITE)).sum() / max(1, light.sum()))


def pictures_in(path: Path) -> list[np.ndarray]:
    """Returns the pictures of a grid that a run has saved."""
    grid = np.asarray(Image.open(path).convert("L"))
    step = SIDE * SCALE + PADDING
    places = range(PADDING, grid.shape[0] - PADDING, step)
    cell = slice(0, SIDE * SCALE, SCALE)
    return [grid[row : row + step, column : column + step][cell, cell] for row in places for column in places]


def runs_of(study: Study) -> list[tuple[int, Run]]:
    """Returns the seeds and runs that are finished."""
    ended = [job for job in study.jobs() if (result := job.result()) is not None and result.state == "finished"]
    return [(job.seed, run) for job in ended if (run := job.run()) is not None]


def measured(study: Study) -> list[tuple[int, int, float, float]]:
    """Returns seed, step, mean pieces and mean gray share of each sample picture."""
    rows = []
    for seed, run in runs_of(study):
        for sample in run.samples():
            pictures = pictures_in(sample.path)
            means = (float(np.mean([one(picture) for picture in pictures])) for one in (pieces, gray_share))
            rows.append((seed, sample.step, *(round(mean, 4) for mean in means)))
    return rows


def tests_of(study: Study, pictures: Sequence[tuple[int, int, float, float]]) -> list[Test]:
    """Returns the four comparisons, corrected for each other."""
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in ("steady", "swings", "pieces", "gray")}
    for seed, run in runs_of(study):
        rows = [row for row in run.stats() if row["step"] % EVERY == 0]
        steps, losses = np.array([row["step"] for row in rows]), np.array([row["g_loss"] for row in rows])
        pairs["steady"].append((swings(steps, losses, 10_000, 30_000), swings(steps, losses, 40_000, 60_000)))
        pairs["swings"].append((swings(steps, losses, 110_000, 130_000), swings(steps, losses, 130_000, 150_000)))
        own = [row for row in pictures if row[0] == seed]
        for name, place in (("pieces", 2), ("gray", 3)):
            before = np.mean([row[place] for row in own if row[1] <= MIDDLE])
            pairs[name].append((float(before), float(np.mean([row[place] for row in own if row[1] > MIDDLE]))))
    values = {name: np.array(found) for name, found in pairs.items()}
    p_values = [permutation_p_value(found[:, 1] - found[:, 0]) for found in values.values()]
    return [
        Test(name, *found.mean(axis=0), int((found[:, 1] < found[:, 0]).sum()), len(found), p_value, adjusted)
        for (name, found), p_value, adjusted in zip(values.items(), p_values, holm(p_values), strict=True)
    ]


def evaluations(study: Study) -> dict[int, list[dict[str, Any]]]:
    """Returns the evaluations of each seed's run, oldest first."""
    return {seed: run.metrics() for seed, run in runs_of(study)}


def at(rows: Sequence[dict[str, Any]], step: int) -> dict[str, Any]:
    """Returns the evaluation at a step."""
    return next(row for row in rows if row["step"] == step)


def quality_rows(study: Study) -> list[str]:
    """Returns the rows of the page's table of quality."""
    lines, seeds = [], evaluations(study).values()
    for step in SHOWN:
        distances = [at(rows, step)["frechet_distance"] for rows in seeds]
        balance = float(np.median([at(rows, step)["class_kl"] for rows in seeds]))
        values = (float(np.median(distances)), min(distances), max(distances))
        lines.append(f"| {step:,} | {' | '.join(f'{value:.1f}' for value in values)} | {balance:.2f} |")
    return lines


def best_rows(study: Study) -> list[str]:
    """Returns the rows of the page's table of best distances."""
    lines = []
    for seed, rows in evaluations(study).items():
        best = min(rows, key=lambda row: row["frechet_distance"])
        end = rows[-1]["frechet_distance"]
        lines.append(f"| {seed} | {best['frechet_distance']:.1f} | {best['step']:,} | {end:.1f} |")
    return lines


def lowest_losses(study: Study) -> list[tuple[int, float, float]]:
    """Returns for each seed where the generator's loss is lowest, and the distances there and at the best.

    The losses are means over 10,000 iterations, up to each evaluation.
    """
    found = []
    for _, run in runs_of(study):
        rows, stats = run.metrics(), [row for row in run.stats() if row["step"] % EVERY == 0]
        means = {
            row["step"]: np.mean([one["g_loss"] for one in stats if row["step"] - 10_000 < one["step"] <= row["step"]])
            for row in rows
        }
        step = min(means, key=lambda one: means[one])
        found.append((step, at(rows, step)["frechet_distance"], min(row["frechet_distance"] for row in rows)))
    return found


def read_rows(path: Path) -> list[tuple[int, int, float, float]]:
    """Returns the rows of a file that `--write` has written."""
    with path.open(newline="") as file:
        return [(int(seed), int(step), float(one), float(two)) for seed, step, one, two in list(csv.reader(file))[1:]]


def real_digits(count: int = 2000) -> tuple[float, float]:
    """Returns the mean pieces and gray share of real test digits."""
    digits = read_mnist("test").images[:count, 0]
    return float(np.mean([pieces(one) for one in digits])), float(np.mean([gray_share(one) for one in digits]))


def main() -> None:
    """Reads the command line, and prints the tests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="the study's folder")
    parser.add_argument("--write", type=Path, help="measure the sample pictures, and write this file")
    parser.add_argument("--read", type=Path, help="the file with what was measured of the sample pictures")
    options = parser.parse_args()
    study = Study.open(options.study)
    rows = measured(study) if options.read is None else read_rows(options.read)
    if options.write is not None:
        with options.write.open("w", newline="") as file:
            csv.writer(file).writerows([("seed", "step", "pieces", "gray_share"), *rows])
    print("\n".join([*quality_rows(study), *best_rows(study)]))
    for step, there, best in lowest_losses(study):
        print(f"generator's loss lowest at {step:,}: distance {there:.1f}, best {best:.1f}")
    for test in tests_of(study, rows):
        print(
            f"{test.name}: {test.before:.3g} before, {test.after:.3g} after, lower in {test.lower} of {test.seeds} "
            f"seeds, p = {test.p_value:.3g}, corrected {test.adjusted:.3g}"
        )
    print("real digits: {:.3g} pieces, gray share {:.3g}".format(*real_digits()))


if __name__ == "__main__":
    main()
