"""Translation without pairs by `translator --to`, on domains where the right answer is known.

    python benchmarks/unpaired.py --domains slanted upright --seconds 180 --seeds 5 --out DIR

`slanted`: upright digits → the same kind of digits leaning by 25°, and `upright` the way back; no digit is in both
training sets. `digits`: MNIST → the digits of scikit-learn, brought to 28×28, and `mnist` the way back.

Prints a table in Markdown; medians over the seeds, on the test split. The slant of an image is the angle of the shear
that makes its second moment μ₁₁ zero; its error is the mean absolute difference from the known target's.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

import pocketgan
from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import load_images
from translation import cell

LEAN = 25.0
"""Slant of the leaning digits in degrees, to the right."""
SCORES = ("distance", "kept_class", "distinct_outputs", "variation", "kept_distances")
TITLES = ("FD to the targets", "class agreement", "distinct outputs", "variation", "kept distances")


def slants(images: np.ndarray) -> np.ndarray:
    """Returns the slant of images in degrees, positive to the right: uint8 (N, H, W) → (N,)."""
    mass = images.astype(np.float64) + 1e-9
    rows, columns = (np.arange(side) for side in images.shape[1:])
    total = mass.sum(axis=(1, 2))
    row = (mass * rows[:, None]).sum(axis=(1, 2)) / total
    column = (mass * columns).sum(axis=(1, 2)) / total
    down, across = rows[None, :, None] - row[:, None, None], columns - column[:, None, None]
    ratio = (mass * down * across).sum(axis=(1, 2)) / (mass * down**2).sum(axis=(1, 2))
    return -np.degrees(np.arctan(ratio))


def sheared(images: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Leans images to the right by an angle each, around their middle, with bilinear interpolation."""
    shear = torch.from_numpy(np.tan(np.radians(degrees))).float()
    moves = torch.zeros(len(images), 2, 3)
    moves[:, 0, 0] = moves[:, 1, 1] = 1
    moves[:, 0, 1] = shear
    floats = torch.from_numpy(images)[:, None].float()
    grid = functional.affine_grid(moves, list(floats.shape), align_corners=False)
    return functional.grid_sample(floats, grid, align_corners=False).round().clamp(0, 255)[:, 0].byte().numpy()


def leaning_digits(folder: Path) -> dict[str, Path]:
    """Writes upright and leaning digits into .npz files; half the training split each."""
    arrays: dict[str, dict[str, np.ndarray]] = {"upright": {}, "slanted": {}}
    for part in ("train", "test"):
        digits = load_images(DataConfig(), part)
        images, labels = digits.images[:, 0].numpy(), digits.labels.numpy()
        upright = sheared(images, -slants(images))
        half = len(images) // 2
        halves = {"upright": slice(half), "slanted": slice(half, None)} if part == "train" else {}
        for name, degrees in (("upright", 0.0), ("slanted", LEAN)):
            chosen = halves.get(name, slice(None))
            whole = upright[chosen]
            arrays[name] |= {f"x_{part}": sheared(whole, np.full(len(whole), degrees)), f"y_{part}": labels[chosen]}
    return {name: saved(folder / f"{name}.npz", values) for name, values in arrays.items()}


def small_digits(folder: Path) -> Path:
    """Writes scikit-learn's digits, 8×8 with 17 gray levels; 1,437 train and 360 test images."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = (digits.images * (255 / 16)).round().astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(images))
    test, train = order[:360], order[360:]
    values = {"x_train": images[train], "y_train": digits.target[train]}
    return saved(folder / "digits.npz", values | {"x_test": images[test], "y_test": digits.target[test]})


def saved(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Writes arrays into an .npz file and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]
    return path


def domains(name: str, folder: Path) -> dict[str, str]:
    """Returns the settings `data` and `to` of a translation, after writing its files."""
    if name in ("slanted", "upright"):
        files = leaning_digits(folder)
        source = "upright" if name == "slanted" else "slanted"
        return {"data": str(files[source]), "to": str(files[name])}
    digits = str(small_digits(folder))
    return {"data": "mnist", "to": digits} if name == "digits" else {"data": digits, "size": "28", "to": "mnist"}


def measured(name: str, seed: int, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Trains and evaluates one run; returns the scores by who made the images."""
    settings: dict[str, object] = {"duration": f"{arguments.seconds} s", "seed": seed, "evaluate_every": "none"}
    settings |= {"sample_every": "end", "checkpoint_every": "1000000 steps"} | domains(name, arguments.out / "data")
    settings |= dict(word.split("=", 1) for word in arguments.set)
    if arguments.threads:
        settings["threads"] = arguments.threads
    run = pocketgan.train("translator", out=arguments.out / f"{name}-{seed}", progress=False, **settings)
    feature_space = "digits" if name in ("slanted", "upright") else "auto"
    done = pocketgan.evaluate(run, metrics="frechet_distance", features=feature_space, progress=False)
    rows = {who: dict(row) for who, row in done.translation.rows.items()}
    rows["generator"]["steps"] = run.status().step
    rows["targets"]["distance"] = done["frechet_distance"].floor
    if name in ("slanted", "upright"):
        translation = pocketgan.translate(run, count=10_000)
        targets = np.load(settings["to"])["x_test"]
        for who, images in (("generator", translation.outputs), ("copy", translation.inputs)):
            rows[who]["slant"] = np.abs(slants(images.images[:, 0]) - slants(targets)).mean().item()
    return rows


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = ["slanted", "upright", "digits", "mnist"]
    parser.add_argument("--domains", nargs="+", default=known, choices=known)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="further settings of the runs")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    print("| to | images from | steps | slant error, ° | " + " | ".join(TITLES) + " |")
    print("| --- | --- | ---: | ---: | " + " | ".join(["---:"] * len(TITLES)) + " |")
    for name in arguments.domains:
        runs = [measured(name, seed, arguments) for seed in range(arguments.seeds)]
        for who in runs[0]:
            cells = [cell([run[who].get(score) for run in runs]) for score in ("steps", "slant", *SCORES)]
            print(f"| {name} | {who} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
