"""Pairs of domains where the right answer of a translation without pairs is known."""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import load_images

LEAN = 25.0
"""Slant of the leaning digits in degrees, to the right."""
TRAINED = 1437
"""Training images of the small digits; the other 360 are their test split."""


def slants(images: np.ndarray) -> np.ndarray:
    """Returns the slant of images in degrees, positive to the right: uint8 (N, H, W) → (N,).

    It is the angle of the shear that makes the second moment μ₁₁ zero.
    """
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
    """Writes upright and leaning digits into .npz files; half the training split each, so that no digit is in both."""
    paths = {name: folder / f"{name}.npz" for name in ("upright", "slanted")}
    if all(path.is_file() for path in paths.values()):
        return paths
    arrays: dict[str, dict[str, np.ndarray]] = {name: {} for name in paths}
    for part in ("train", "test"):
        digits = load_images(DataConfig(), part)
        assert digits.labels is not None
        images, labels = digits.images[:, 0].numpy(), digits.labels.numpy()
        upright = sheared(images, -slants(images))
        half = len(images) // 2
        halves = {"upright": slice(half), "slanted": slice(half, None)} if part == "train" else {}
        for name, degrees in (("upright", 0.0), ("slanted", LEAN)):
            chosen = halves.get(name, slice(None))
            whole = upright[chosen]
            arrays[name] |= {f"x_{part}": sheared(whole, np.full(len(whole), degrees)), f"y_{part}": labels[chosen]}
    return {name: saved(paths[name], values) for name, values in arrays.items()}


def small_digits(folder: Path) -> Path:
    """Writes scikit-learn's digits, 8×8 with 17 gray levels, as an .npz file with 1,437 train and 360 test images."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = (digits.images * (255 / 16)).round().astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:TRAINED], order[TRAINED:]
    values = {"x_train": images[train], "y_train": digits.target[train]}
    return saved(folder / "digits.npz", values | {"x_test": images[test], "y_test": digits.target[test]})


def saved(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Writes arrays into an .npz file and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]
    return path
