"""Pictures that are given to a run are read as its own pictures were; settings without an effect are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import pocketgan
from pocketgan.base.errors import RunError
from pocketgan.images.sets import load_images
from pocketgan.images.tasks import colorize
from refusals import refused

SIDE = 16
VALUES = np.random.default_rng(5).integers(0, 256, (8, SIDE, SIDE), np.uint8)
VALUES[:, 0, 0], VALUES[:, 0, 1] = 0, 255
TINY: dict[str, Any] = {
    "batch_size": 4, "sample_count": 4, "validation": 0, "hidden_dim": 4, "depth": 1, "duration": "1 steps",
    "evaluate_every": "none", "task": "denoise", "threads": 1, "progress": False,
}  # fmt: skip


def alpha(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([np.full_like(values, 255)] * 3 + [values]))


KINDS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "alpha": (alpha, "png", {"background": "black"}),
    "levels": (lambda values: Image.fromarray(values // 16), "png", {"value_range": "0:15"}),
    "floats": (lambda values: Image.fromarray(values.astype(np.float32) / 127.5 - 1), "tiff", {}),
    "deep": (lambda values: Image.fromarray(values.astype(np.uint16) * 16), "png", {}),
    "transposed": (Image.fromarray, "png", {"orientation": "transposed"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_translated_as_it_was_trained_on(tmp_path: Path, kind: str) -> None:
    make, ending, settings = KINDS[kind]
    (tmp_path / "data").mkdir()
    for place, values in enumerate(VALUES):
        dim = values // 4 if kind == "deep" and place == 1 else values
        make(dim).save(tmp_path / f"data/{place}.{ending}")
    (tmp_path / "data/._0.png").write_bytes(b"hidden")
    run = pocketgan.train("translator", out=tmp_path / "run", data=tmp_path / "data", **settings, **TINY)
    own = load_images(run.config.data).images.numpy()
    assert own.max() >= 254 and own.min() == 0
    found = pocketgan.translate(run, images=tmp_path / "data")
    assert (found.inputs.images == own).all()
    with refused("no file given", "images"):
        pocketgan.translate(run, images=[])
    with refused("no such data", "images"):
        pocketgan.translate(run, images="nothing.png")


def test_a_picture_of_another_kind_than_the_runs_has_a_range_of_its_own(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=VALUES.astype(np.float32) / 255)
    run = pocketgan.train("translator", out=tmp_path / "run", data=tmp_path / "a.npz", **TINY)
    Image.fromarray(VALUES[0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(VALUES[0].astype(np.float32) / 255).save(tmp_path / "floats.tiff")
    found = pocketgan.translate(run, images=[tmp_path / "deep.png", tmp_path / "floats.tiff"])
    assert (found.inputs.images[:, 0] == VALUES[0]).all()


def test_settings_without_an_effect_are_refused(tmp_path: Path) -> None:
    tiny = {name: value for name, value in TINY.items() if name not in ("task", "threads")}
    with refused("balance without classes", "balance"):
        pocketgan.train("mlp", data=VALUES, out=tmp_path / "balanced", balance=True, **tiny)
    run = pocketgan.train("mlp", data=VALUES, out=tmp_path / "run", **tiny)
    model = pocketgan.export(run, tmp_path / "model", format="safetensors", progress=False)
    options = {"initial_run": str(tmp_path / "model"), "frozen_layers": 1}
    with refused("frozen without discriminator", "frozen_layers"):
        pocketgan.train("mlp", data=VALUES, out=tmp_path / "frozen", **options, **tiny)
    with pytest.raises(RunError):
        pocketgan.export(model, tmp_path / "again")  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    tiny = {name: value for name, value in TINY.items() if name not in ("task", "threads")}
    labels = np.arange(8) % 2
    run = pocketgan.train("mlp", data=(VALUES, labels), out=tmp_path / "run", conditional=True, **tiny)
    for value in ("x", float("nan"), 1e39, None):
        with refused("no mixture", "label"):
            run.generate(1, label={"0": value})  # pyright: ignore[reportArgumentType]
    assert (run.generate(2, label=1.0).images == run.generate(2, label="1").images).all()  # pyright: ignore[reportArgumentType]


def test_classes_have_the_numbers_of_the_training_split(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=VALUES, labels=np.arange(8) % 4, test_images=VALUES[:2], test_labels=[3, 1])
    run = pocketgan.train("translator", out=tmp_path / "run", data=tmp_path / "a.npz", **TINY | {"task": "colorize"})
    test = load_images(run.config.data, "test")
    assert test.class_names == ("0", "1", "2", "3") and test.labels is not None and test.labels.tolist() == [3, 1]


def test_the_color_of_an_image_does_not_depend_on_its_batch() -> None:
    gray = torch.from_numpy(VALUES[:1])[:, None].expand(-1, 3, -1, -1)
    colored = torch.from_numpy(np.stack([VALUES[0], VALUES[1], VALUES[2]]))[None]
    both = colorize(torch.cat([gray, colored]), None, torch.Generator())
    for place, image in enumerate((gray, colored)):
        alone = colorize(image, None, torch.Generator())
        assert torch.equal(alone.inputs[0], both.inputs[place]) and torch.equal(alone.targets[0], both.targets[place])
