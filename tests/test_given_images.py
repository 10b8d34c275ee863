"""`pocketgan.evaluate` on arrays, functions and modules."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pocketgan
from pocketgan.base.errors import UserError

RANDOM = np.random.default_rng(3)
REAL = RANDOM.integers(0, 256, (300, 8, 8), dtype=np.uint8)
MADE = RANDOM.integers(0, 200, (160, 1, 8, 8), dtype=np.uint8)
CHOICE: dict[str, Any] = {"features": "random", "metrics": "frechet_distance,precision", "progress": False}


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("pocketgan.images.arrays", "pocketgan.images.intake.contents"):
        monkeypatch.setattr(f"{module}.arrays_folder", lambda: tmp_path / "cache")


class Painter(nn.Module):
    """Paints in [-1, 1], and differently in training."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 64)
        self.dropout = nn.Dropout(0.9)

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        shift = 0.0 if labels is None else labels[:, None] / 10
        return torch.tanh(self.dropout(self.layer(z)) + shift).view(-1, 1, 8, 8)


def test_arrays_are_measured_as_the_same_file_is(tmp_path: Path) -> None:
    np.savez(tmp_path / "made.npz", images=MADE)
    from_file = pocketgan.evaluate(tmp_path / "made.npz", against=REAL, **CHOICE)
    assert from_file.page is None and len(from_file.comparison.generated) == 160
    for array in (MADE, torch.from_numpy(MADE), MADE[:, 0], MADE.transpose(0, 2, 3, 1)):
        done = pocketgan.evaluate(array, against=torch.from_numpy(REAL), **CHOICE)
        assert done.scores == from_file.scores
    ranges = {"-1:1": MADE / 127.5 - 1, "0:1": MADE / np.float32(255), "0:255": MADE.astype(np.float64)}
    for name, values in ranges.items():
        assert pocketgan.evaluate(values, against=REAL, pixel_range=name, **CHOICE).scores == from_file.scores, name


def test_labels_come_with_arrays() -> None:
    choice = {**CHOICE, "metrics": "frechet_distance"}
    labels = np.arange(160) % 3
    done = pocketgan.evaluate(MADE, labels=labels, against=(REAL, np.arange(300) % 3), **choice)
    found = done.comparison.generated.labels
    assert found is None or sorted(found.tolist()) == sorted(labels.tolist())


def test_a_module_and_a_function_are_measured(tmp_path: Path) -> None:
    module = Painter().train()
    options = {**CHOICE, "against": REAL, "latent_dim": 5, "pixel_range": "-1:1", "count": 170}
    first = pocketgan.evaluate(module, **options)
    assert module.training and module.dropout.training, "as it was"
    assert len(first.comparison.generated) == 170
    module.eval()
    assert pocketgan.evaluate(lambda z: module(z).detach().numpy(), **options).scores == first.scores
    assert pocketgan.evaluate(module, seed=1, **options).scores != first.scores
    del options["count"]
    labelled = pocketgan.evaluate(module, labels=torch.arange(180) % 3, **options)
    assert len(labelled.comparison.generated) == 180


@pytest.mark.parametrize("name", ["0:1", "0:100", "-1:1"])
def test_values_of_a_file_outside_its_range_are_refused(name: str, tmp_path: Path) -> None:
    for kind in (np.uint8, np.float32):
        np.savez(tmp_path / "made.npz", images=MADE.astype(kind))
        with pytest.raises(UserError) as caught:
            pocketgan.evaluate(tmp_path / "made.npz", against=REAL, pixel_range=name, **CHOICE)
        assert (caught.value.key, caught.value.field) == ("images outside", "pixel_range")


def test_what_was_done_to_the_images_of_a_file_is_said_without_flags(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clear = np.concatenate([MADE, np.full_like(MADE, 128)], axis=1)
    np.savez(tmp_path / "made.npz", images=clear)
    pocketgan.evaluate(tmp_path / "made.npz", against=REAL, **{**CHOICE, "progress": True})
    said = capsys.readouterr().err
    assert "160" in said and "transparent" in said and "--" not in said


def test_real_images_that_can_be_read_in_two_ways_are_refused_without_flags(tmp_path: Path) -> None:
    np.savez(tmp_path / "real.npz", images=REAL.astype(np.float32) * 3)
    with pytest.raises(UserError) as caught:
        pocketgan.evaluate(MADE, against=tmp_path / "real.npz", **CHOICE)
    assert caught.value.field == "against" and "--value-range" not in str(caught.value)


def test_an_array_is_not_called_by_the_file_that_keeps_it() -> None:
    with pytest.raises(UserError) as caught:
        pocketgan.evaluate(MADE, against=np.zeros((3, 3)), **CHOICE)
    assert ".npz" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "field", "key"),
    [
        (lambda: pocketgan.evaluate(None), "source", "no source given"),  # pyright: ignore[reportArgumentType]
        (lambda: pocketgan.evaluate(MADE / 255, **CHOICE), "pixel_range", "range of values"),
        (lambda: pocketgan.evaluate(MADE / 255, pixel_range="0:2", **CHOICE), "pixel_range", "not one of"),
        (lambda: pocketgan.evaluate(MADE / 100, pixel_range="0:1", **CHOICE), "source", "values outside"),
        (lambda: pocketgan.evaluate(MADE * np.nan, pixel_range="0:1", **CHOICE), "source", "not finite"),
        (lambda: pocketgan.evaluate(MADE[0, 0], **CHOICE), "source", "images array"),
        (lambda: pocketgan.evaluate(MADE, latent_dim=3, **CHOICE), "latent_dim", "latents without a function"),
        (lambda: pocketgan.evaluate(MADE, labels=[1], **CHOICE), "labels", "labels length"),
        (lambda: pocketgan.evaluate(MADE, count=161, against=REAL, **CHOICE), "count", "too few there"),
        (lambda: pocketgan.evaluate(MADE, against=REAL * 1j, **CHOICE), "against", "array type"),
        (lambda: pocketgan.evaluate(Painter(), **CHOICE), "latent_dim", "latents of function"),
        (lambda: pocketgan.evaluate("gone.npz", labels=[1], **CHOICE), "labels", "labels of arrays"),
        (
            lambda: pocketgan.evaluate(lambda z: MADE[:3], latent_dim=5, count=9, **CHOICE),
            "source",
            "images for latents",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call: Callable[[], object], field: str, key: str) -> None:
    with pytest.raises(UserError) as caught:
        call()
    assert caught.value.field == field and "\n" not in str(caught.value)
    assert caught.value.key == key or key == "too few there"
