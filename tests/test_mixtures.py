"""Mixtures, several labels and numbers wherever a label is taken: generation, animations, the page, exports."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pocketgan
from pocketgan.base.errors import PocketganError, RunError
from pocketgan.runs.mixtures import parse_mixture, written_label
from pocketgan.runs.onnx_model import OnnxGenerator
from pocketgan.runs.requests import requested_once, usual
from pocketgan.runs.run import Run
from pocketgan.web.answers import answer
from pocketgan.web.asking import asked_for, labels_of
from pocketgan.web.memory import Memory
from pocketgan.web.site import Site

TINY: dict[str, Any] = {"hidden_dim": 4, "batch_size": 16, "threads": 1, "progress": False, "evaluate_every": "none"}
MIXTURES = {"classes": "0:0.7,2:0.3", "several": "0,2", "numbers": "thickness:7"}
"""A label of each run."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run of classes, one of several labels per image, and one of a number."""
    place, rng = tmp_path_factory.mktemp("mixed"), np.random.default_rng(3)
    images = rng.integers(0, 256, (60, 8, 8), np.uint8)
    values = rng.normal(5, 2, 60)
    (place / "thickness.csv").write_text("thickness\n" + "\n".join(f"{value:.4f}" for value in values))
    data: dict[str, dict[str, Any]] = {
        "classes": {"data": (images, np.arange(60) % 3)},
        "several": {"data": (images, rng.integers(0, 2, (60, 3)))},
        "numbers": {"data": images, "condition": str(place / "thickness.csv")},
    }
    return {
        name: pocketgan.train("pocket", duration="2 steps", out=place / "runs" / name, **TINY, **settings)
        for name, settings in data.items()
    }


@pytest.fixture(params=list(MIXTURES))
def run(request: pytest.FixtureRequest, runs: dict[str, Run]) -> Run:
    return runs[request.param]


def mixture_of(run: Run) -> str:
    return MIXTURES[run.folder.name]


def test_a_mixture_is_written_as_it_is_typed() -> None:
    assert written_label(parse_mixture("3:0.7, 8:0.3")) == "3:0.7,8:0.3" and written_label(3) == "3"


# Animations and directions.


def test_an_animation_begins_with_the_images_of_its_label(run: Run) -> None:
    label = mixture_of(run)
    film = pocketgan.interpolate(run, (4, 9), frames=3, label=label)
    assert film.images.shape == (4, 1, 1, 8, 8) and film.names == (label,)
    for place, seed in ((0, 4), (2, 9)):
        expected = run.generate(1, seed=seed, label=label).images
        assert np.abs(film.images[place].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("name", ["several", "numbers"])
def test_numbers_change_along_an_animation(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    film = pocketgan.interpolate(run, (4, 9), frames=3)
    for place, seed in ((0, 4), (2, 9)):
        expected = run.generate(1, seed=seed).images
        assert np.abs(film.images[place].astype(int) - expected).max() <= 1


def test_directions_of_a_mixture(run: Run) -> None:
    found = pocketgan.find_directions(run, 2, label=mixture_of(run))
    film = pocketgan.walk_directions(run, found, seed=4, label=mixture_of(run), steps=3)
    expected = run.generate(1, seed=4, label=mixture_of(run)).images
    assert film.images.shape == (3, 2, 1, 8, 8)
    assert np.abs(film.images[1, 0].astype(int) - expected[0]).max() <= 1
    assert len(pocketgan.find_directions(run, 2)) == 2


@pytest.mark.parametrize("label", [["0", "2"], "9:1", "0:x", "0:-1", "thickness"])
def test_what_is_no_label_of_one_image_is_refused(runs: dict[str, Run], label: Any) -> None:
    with pytest.raises(RunError) as caught:
        pocketgan.interpolate(runs["classes"], (4, 9), label=label)
    assert caught.value.field == "label"


def test_what_is_usual(runs: dict[str, Run]) -> None:
    assert usual(runs["classes"]) == 0 and requested_once(runs["classes"], "2") == 2
    mean = requested_once(runs["numbers"], f"thickness:{runs['numbers'].facts.condition_means[0]}")
    assert isinstance(mean, torch.Tensor) and torch.allclose(mean, torch.zeros(1))
    assert torch.equal(torch.as_tensor(usual(runs["numbers"])), torch.zeros(1))


# The page.


def answered(run: Run, question: str, **values: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    found, arrays = answer(Memory(), {"ask": question, "folder": str(run.folder), **values}, {})
    assert "error" not in found, found
    return found, arrays


def test_the_page_generates_looks_and_interpolates(run: Run) -> None:
    label = mixture_of(run)
    drawing = {"seed": 4, "count": 2, "label": label}
    _, arrays = answered(run, "draw", drawing=drawing)
    assert np.abs(arrays["images"].astype(int) - run.generate(2, seed=4, label=label).images).max() <= 1
    assert "labels" not in arrays
    values, _ = answered(run, "look", drawing=drawing, index=1, data=False)
    assert values["label"] is None
    other = {"seed": 5, "count": 2, "label": "0" if run.folder.name == "classes" else None, "index": 0}
    assert answered(run, "between", first=drawing | {"index": 1}, second=other, scale=1)[0]["frames"] > 2
    _, along = answered(run, "along", picture=other, steps=3, reach=1.0)
    assert along["images"].shape[1:] == (3, 1, 8, 8)


def test_the_page_draws_numbers_as_in_training(runs: dict[str, Run]) -> None:
    images = answered(runs["numbers"], "draw", drawing={"seed": 4, "count": 8})[1]["images"]
    assert np.abs(images.astype(int) - runs["numbers"].generate(8, seed=4).images).max() <= 1


def test_a_browser_may_type_a_mixture(run: Run) -> None:
    site = Site(run.folder.parent)
    asked, model = asked_for(site, run.folder.name, f" {mixture_of(run)} ", 4, 0, 1.0, [])
    assert asked.label == mixture_of(run) and labels_of(model) == list(labels_of(run))
    assert asked_for(site, run.folder.name, "", 4, 0, 1.0, [])[0].label is None
    for wrong in ("9:1", "0:x", "x", "0:" + "1" * 2000, "../x"):
        with pytest.raises(PocketganError):
            asked_for(site, run.folder.name, wrong, 4, 0, 1.0, [])


# Exports.


def test_an_exported_model_takes_a_mixture(run: Run, tmp_path: Path) -> None:
    model = pocketgan.export(run, tmp_path / "model", format="safetensors", progress=False)
    expected = run.generate(3, seed=4, label=mixture_of(run)).images
    assert (model.generate(3, seed=4, label=mixture_of(run)).images == expected).all()
    assert (tmp_path / "model" / "samples.png").is_file() or any(tmp_path.rglob("*.png"))


def test_an_exported_model_names_files_without_their_paths(runs: dict[str, Run], tmp_path: Path) -> None:
    numbers = runs["numbers"]
    condition = Path(numbers.config.data.condition)
    assert condition.is_absolute()
    model = pocketgan.export(numbers, tmp_path / "model", format="safetensors", progress=False)
    assert model.config.data.condition == f"./{condition.name}"
    for name in ("config.json", "README.md"):
        assert str(condition.parent) not in (tmp_path / "model" / name).read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_onnx_file_takes_numbers_and_refuses_mixtures_of_classes(runs: dict[str, Run], tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="the extra 'onnx' isn't installed")
    latents = torch.randn(2, runs["numbers"].config.network.latent_dim)
    files = {}
    for name in ("numbers", "classes"):
        pocketgan.export(runs[name], tmp_path / name, format="onnx", progress=False)
        files[name] = OnnxGenerator((tmp_path / name / "model.onnx").read_bytes(), "signed")
    assert files["numbers"].signature.inputs == ["latents", "conditions"]
    assert files["numbers"](latents, torch.tensor([[0.5], [1.0]])).shape == (2, 1, 8, 8)
    assert files["classes"](latents, torch.tensor([0, 2])).shape == (2, 1, 8, 8)
    with pytest.raises(RunError) as caught:
        files["classes"](latents, torch.tensor([[0.7, 0, 0.3], [1.0, 0, 0]]))
    assert (caught.value.key, caught.value.field) == ("no mixture in file", "label")
