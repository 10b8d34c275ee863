"""Runs recorded from a loop of one's own: what they hold, in any framework, and how they end."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from torch import nn

import pocketgan
from pocketgan.base.errors import ConfigError, PocketganError, UserError
from pocketgan.cli.main import main
from pocketgan.config.code import load_code
from pocketgan.config.parts import own_table
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.experiment import resume_experiment
from pocketgan.experiment.intervals import Interval
from pocketgan.experiment.recorded_images import Drawer, Range, kept_random
from pocketgan.experiment.recorded_values import Values, to_numpy, whole
from pocketgan.experiment.recording import Recorder
from pocketgan.experiment.watchdog_words import LOOP_ADVICE, NAMES, sentence
from pocketgan.images.sets import load_images
from pocketgan.networks import plain
from pocketgan.pictures.plots import draw_plots
from pocketgan.runs.records import CLOCKS, DataFacts
from pocketgan.runs.run import Run
from pocketgan.web.compare.side_by_side import compare_html
from pocketgan.web.memory import Loaded
from pocketgan.web.site import Site
from pocketgan.web.train.live import Live

ROOT = Path(__file__).resolve().parents[1]
SIZE, LATENTS = 8, 6
OFTEN: dict[str, Any] = {
    "sample_every": "4 steps",
    "evaluate_every": "4 steps",
    "evaluate_count": 200,
    "sample_count": 9,
    "log_every": "2 steps",
    "validation": 200,
    "name": "mine",
    "progress": False,
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the folder and the hook for errors of scripts as they were."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETGAN_RUN", raising=False)
    monkeypatch.setattr("pocketgan.base.scripts._installed", True)


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> str:
    """1,000 noisy images of 8×8 pixels in two classes."""
    rng = np.random.default_rng(5)
    images, labels = rng.integers(0, 60, (1000, SIZE, SIZE), dtype=np.uint8), np.arange(1000) % 2
    for image, label in zip(images, labels, strict=True):
        row, column = rng.integers(0, 5), 4 * label + rng.integers(0, 2)
        image[row : row + 3, column : column + 3] = rng.integers(180, 256)
    path = tmp_path_factory.mktemp("data") / "squares.npz"
    np.savez(path, images=images, labels=labels)
    return str(path)


def noise(count: int, seed: int) -> np.ndarray:
    """Returns images of noise in [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1, 1, (count, SIZE, SIZE))


@pytest.fixture
def record(squares: str) -> Callable[..., Recorder]:
    """Records a loop on the squares, with short intervals."""

    def make(folder: str | None = "run", **more: Any) -> Recorder:
        return pocketgan.record(folder, squares, **{"sample": noise, **OFTEN, **more})

    return make


@pytest.fixture
def untyped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets wrong types through to the checks that a person meets."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def steps_of(run: Recorder, count: int, **values: Any) -> int:
    """Runs a loop that reports some values; returns the number of steps until it was asked to stop."""
    for step in range(1, count + 1):
        run.step(images=10, **values)
        if run.stop:
            return step
    return count


# What a recorded run holds.


@pytest.mark.usefixtures("figures")
def test_a_loop_becomes_a_run_folder(record: Callable[..., Recorder]) -> None:
    settings = {"lr": 2e-4, "seed": 3, "name": "x", "fast": True, "wide": np.int64(4)}
    with record(settings=settings, steps=12) as recorder:
        images, labels = recorder.training_data()
        steps_of(recorder, 12, d_loss=1.0, g_loss=2.0, real_logits=[1.0, -1.0], fake_logits=np.array([-1.0]), gap=3)
    assert images.dtype == np.uint8
    assert images.shape == (800, 1, SIZE, SIZE)
    assert labels is not None
    assert labels.shape == (800,)

    run = Run.open("run")
    assert run.config.kind == "recorded"
    assert run.config.recipe == "mine"
    assert run.config.seed == 3
    assert run.config.settings == {"lr": 2e-4, "seed": 3, "name": "x", "fast": True, "wide": 4}
    assert (run.status().state, run.status().step, run.planned_steps) == ("finished", 12, 12)
    assert not run.environment.feeds_itself
    assert [row["step"] for row in run.stats()] == [2, 4, 6, 8, 10, 12]
    row = run.stats()[-1]
    assert row.keys() == {*CLOCKS, "d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy", "gap", "images_per_second"}
    assert (row["nimg"], row["epoch"], row["d_loss"], row["gap"]) == (120, 0.15, 1.0, 3.0)
    assert (row["d_real_accuracy"], row["d_fake_accuracy"]) == (0.5, 1.0)
    assert [row["step"] for row in run.metrics()] == [4, 8, 12]
    evaluation = run.metrics()[-1]
    assert evaluation["frechet_distance"] > evaluation["frechet_floor"] > 0
    assert (evaluation["reference"], evaluation["count"], evaluation["features"]) == ("validation", 200, "random")
    best = run.best()
    assert best is not None
    assert best["step"] == 4, "all evaluations are the same, and the first is the best"
    assert [sample.step for sample in run.samples()] == [4, 8, 12]
    assert all(sample.seconds is not None for sample in run.samples())
    drawn = {path.name for path in (run.folder / "figures").iterdir()}
    assert drawn == {"loss_plot.png", "accuracy_plot.png", "quality_plot.png", "samples.gif", "best_samples.png"}
    assert (run.folder / "figures" / "best_samples.png").read_bytes() == run.samples()[0].path.read_bytes()


def test_the_configuration_holds_what_the_recorder_knows(record: Callable[..., Recorder]) -> None:
    with record() as recorder:
        recorder.step(images=10)
    values = json.loads(Path("run/config.json").read_text())
    assert "objective" not in values
    assert values["network"] == {"conditional": False}
    assert values["train"] == {"duration": "1 step", "log_every": "2 steps"}
    config = Run.open("run").config
    assert RunConfig.model_validate(config.stored()) == config
    assert config.facts("objective").boundary == 0
    assert not config.has_generator


def test_a_loop_of_unknown_length(record: Callable[..., Recorder]) -> None:
    with record() as recorder:
        steps_of(recorder, 5)
        assert recorder.last_step == 5
    run = Run.open("run")
    assert run.planned_steps is None
    assert (run.plan.steps, run.status().steps, run.config.train.duration) == (5, 5, "5 steps")
    assert [row["step"] for row in run.metrics()] == [4, 5]
    assert [sample.step for sample in run.samples()] == [4, 5]


def test_a_loop_that_reads_its_own_images_is_marked(
    record: Callable[..., Recorder], capsys: pytest.CaptureFixture[str]
) -> None:
    with record("runs/itself", progress=True) as recorder:
        recorder.step(images=10)
        assert Run.open("runs/itself").environment.feeds_itself
    assert Run.open("runs/itself").environment.feeds_itself
    assert "training_data" in capsys.readouterr().err
    with record("runs/given") as recorder:
        recorder.training_data()
        recorder.step(images=10)
    assert not Run.open("runs/given").environment.feeds_itself
    assert main(["runs"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "its own images" in line]
    assert len(lines) == 1
    assert lines[0].startswith("itself: ")


def test_images_may_be_arrays(squares: str) -> None:
    with np.load(squares) as both:
        arrays = both["images"], both["labels"]
    with pocketgan.record("run", arrays, sample=noise, **OFTEN) as recorder:
        assert len(recorder.training_data()[0]) == 800
        steps_of(recorder, 4)
    assert Run.open("run").metrics()[0]["reference"] == "validation"


def test_an_empty_loop_is_a_run(record: Callable[..., Recorder]) -> None:
    with record():
        pass
    assert Run.open("run").status().state == "finished"
    assert Run.open("run").stats() == Run.open("run").samples() == []


def test_no_classes_are_requested_of_data_with_several_labels(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 255, (300, SIZE, SIZE), np.uint8), random.integers(0, 2, (300, 3))
    np.savez(tmp_path / "many.npz", images=images, labels=labels)
    asked = []

    def draw(count: int, seed: int, labels: np.ndarray | None) -> np.ndarray:
        asked.append(labels)
        return noise(count, seed)

    with pocketgan.record("run", str(tmp_path / "many.npz"), **{**OFTEN, "sample": draw}) as recorder:
        steps_of(recorder, 4)
    assert Run.open("run").status().state == "finished" and asked and set(asked) == {None}


def test_images_of_requested_classes(record: Callable[..., Recorder]) -> None:
    asked = []

    def draw(count: int, seed: int, labels: np.ndarray | None) -> np.ndarray:
        assert labels is not None
        asked.append(labels)
        return noise(count, seed)

    with record(sample=draw) as recorder:
        steps_of(recorder, 4)
    assert Run.open("run").config.network.conditional
    pictures = [labels for labels in asked if len(labels) == 9]
    assert all(labels.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0] for labels in pictures)
    (evaluated,) = [labels for labels in asked if len(labels) == 200]
    assert 60 < evaluated.sum() < 140, "classes are requested as often as they are in the data"


def test_the_first_free_folder_is_named_after_the_run(record: Callable[..., Recorder]) -> None:
    for _ in range(2):
        with record(None) as recorder:
            recorder.step(images=1)
    assert sorted(path.name for path in Path("runs").iterdir()) == ["mine-1", "mine-2"]


def test_a_study_names_the_folder(record: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETGAN_RUN", "study/a/seed-0")
    Path("study/a/seed-0").mkdir(parents=True)
    Path("study/a/seed-0/output.txt").write_text("what the script prints")
    with record(None) as recorder:
        recorder.step(images=1)
    assert Run.open("study/a/seed-0").status().state == "finished"
    with pytest.raises(UserError) as caught, record(None):
        pass
    assert (caught.value.key, caught.value.field) == ("folder holds a run", "folder")
    with record("elsewhere") as recorder:
        recorder.step(images=1)
    assert Run.open("elsewhere").status().state == "finished"


# The images.

FACTS = DataFacts(source="x", images=9, channels=1, size=SIZE, class_names=(), digest="")
IN_COLOR = FACTS.model_copy(update={"channels": 3})


def drawn(result: Any, declared: Range = "-1:1", facts: DataFacts = FACTS, count: int = 3) -> torch.Tensor:
    """Returns what a function that returns `result` draws."""
    return Drawer(lambda count, seed: result, declared, None).draw(count, 0, None, facts, 7)


PIXELS = np.random.default_rng(0).integers(0, 256, (3, 1, SIZE, SIZE), dtype=np.uint8)
SIGNED = PIXELS.astype(np.float32) / 127.5 - 1


class OnlyDlpack:
    """An array of a library that offers nothing but DLPack."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise TypeError("no implicit conversion")

    def __dlpack__(self, **more: Any) -> Any:
        return self.values.__dlpack__(**more)

    def __dlpack_device__(self) -> Any:
        return self.values.__dlpack_device__()


class OnlyArray:
    """An array of a library that offers nothing but `__array__`."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.read = values, 0

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        self.read += 1
        return self.values


@pytest.mark.parametrize(
    ("result", "declared"),
    [
        (SIGNED, "-1:1"),
        (SIGNED[:, 0], "-1:1"),
        (SIGNED.transpose(0, 2, 3, 1), "-1:1"),
        (SIGNED.reshape(3, -1), "-1:1"),
        (SIGNED.astype(np.float64) * (1 + 1e-4), "-1:1"),
        (torch.from_numpy(SIGNED).requires_grad_(), "-1:1"),
        (list(SIGNED), "-1:1"),
        (OnlyArray(SIGNED), "-1:1"),
        (OnlyDlpack(SIGNED), "-1:1"),
        (PIXELS / 255, "0:1"),
        ((PIXELS / 255).astype(np.float32)[:, 0], "0:1"),
        (PIXELS, "uint8"),
        (PIXELS.astype(np.int64), "uint8"),
        (torch.from_numpy(PIXELS), "uint8"),
    ],
)
def test_images_of_every_shape_range_and_kind(result: Any, declared: Range) -> None:
    assert torch.equal(drawn(result, declared), torch.from_numpy(PIXELS))


def test_images_in_color_of_both_orders() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, SIZE, SIZE), dtype=np.uint8)
    for result in (pixels, pixels.transpose(0, 2, 3, 1)):
        assert torch.equal(drawn(result, "uint8", IN_COLOR), torch.from_numpy(pixels))


def test_bfloat16_is_read() -> None:
    values = torch.from_numpy(SIGNED).to(torch.bfloat16)
    assert (drawn(values).int() - torch.from_numpy(PIXELS).int()).abs().max() <= 1


@pytest.mark.parametrize(
    ("result", "declared", "facts", "key"),
    [
        (SIGNED[:2], "-1:1", FACTS, "sample count"),
        (0.5, "-1:1", FACTS, "sample kind"),
        ("images", "-1:1", FACTS, "sample kind"),
        (None, "-1:1", FACTS, "sample kind"),
        (SIGNED[:, :, 1:], "-1:1", FACTS, "sample shape"),
        (SIGNED, "-1:1", IN_COLOR, "sample shape"),
        (SIGNED.reshape(3, -1)[:, 1:], "-1:1", FACTS, "sample shape"),
        (SIGNED * 2, "-1:1", FACTS, "sample outside"),
        (SIGNED, "0:1", FACTS, "sample outside"),
        (PIXELS.astype(np.float32), "-1:1", FACTS, "sample outside"),
        (PIXELS.astype(np.int64) + 99, "uint8", FACTS, "sample outside"),
        (PIXELS, "-1:1", FACTS, "sample type"),
        (SIGNED, "uint8", FACTS, "sample type"),
        (SIGNED > 0, "0:1", FACTS, "sample type"),
        (np.where(SIGNED > 0.5, np.nan, SIGNED), "-1:1", FACTS, "sample not finite"),
        (np.where(SIGNED > 0.5, np.inf, SIGNED), "-1:1", FACTS, "sample not finite"),
    ],
)
def test_what_is_wrong_with_images_is_said_in_one_line(
    result: Any, declared: Range, facts: DataFacts, key: str
) -> None:
    with pytest.raises(UserError) as caught:
        drawn(result, declared, facts)
    assert (caught.value.key, caught.value.field) == (key, "sample")
    assert str(caught.value).startswith("sample returns ")
    assert "test_recording.py:" in str(caught.value), "the function is named with its file and line"
    assert "\n" not in str(caught.value)


def test_a_function_of_images_leaves_no_trace(record: Callable[..., Recorder]) -> None:
    generator = Tiny(LATENTS)

    def draw(count: int, seed: int) -> torch.Tensor:
        generator.eval()
        torch.manual_seed(seed)
        np.random.seed(seed)
        with torch.no_grad():
            return generator(torch.randn(count, LATENTS))

    def after(recorded: bool) -> tuple[object, ...]:
        torch.manual_seed(1)
        np.random.seed(1)
        if recorded:
            with record(sample=draw, generator=generator, latent_dim=LATENTS) as recorder:
                steps_of(recorder, 4)
        return torch.rand(3).tolist(), np.random.rand(3).tolist(), generator.training

    assert after(recorded=True) == after(recorded=False)


def test_random_numbers_go_on_as_before() -> None:
    def three() -> tuple[float, ...]:
        return random.random(), float(np.random.rand()), torch.rand(1).item()

    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(1)
    with kept_random():
        first = three()
    assert three() == first


def test_the_defaults_of_the_persons_program_change_nothing(record: Callable[..., Recorder]) -> None:
    seen = []

    def draw(count: int, seed: int) -> torch.Tensor:
        seen.append(torch.rand(1).dtype)
        return torch.from_numpy(noise(count, seed))

    rows = []
    for folder, dtype in (("usual", torch.float32), ("double", torch.float64)):
        torch.set_default_dtype(dtype)
        try:
            with record(folder, sample=draw) as recorder, torch.inference_mode(), torch.autocast("cpu"):
                steps_of(recorder, 4)
                assert torch.get_default_dtype() == dtype
        finally:
            torch.set_default_dtype(torch.float32)
        assert seen[-1] == dtype
        rows.append([{**row, "seconds": 0} for row in Run.open(folder).metrics()])
    assert rows[0] == rows[1]


# The values.


def test_values_of_every_kind_are_averaged() -> None:
    values = Values(0.0)
    kinds = (1.0, 2, np.float32(3), torch.tensor(4.0, requires_grad=True), np.array([4.0, 6.0]), OnlyArray(np.array(6)))
    for value in kinds:
        values.add(value, None, None, None, {"more": torch.tensor([1.0, 3.0]), "none": None})
    assert values.read() == {"d_loss": 3.5, "more": 2.0}
    assert values.read() == {}


def test_values_are_not_read_between_rows(record: Callable[..., Recorder]) -> None:
    array = OnlyArray(np.array([0.5, 0.5]))
    with record(log_every="100 steps", sample_every="none", evaluate_every="none") as recorder:
        for _ in range(99):
            recorder.step(images=1, d_loss=array, real_logits=array)
        assert array.read == 0
        recorder.step(images=1, d_loss=array, real_logits=array)
        assert array.read > 0


def test_arrays_that_the_loop_uses_again_are_copied() -> None:
    values, array = Values(0.0), np.array([1.0])
    values.add(array, None, array, None, {})
    array[:] = -5
    assert values.read() == {"d_loss": 1.0, "d_real_accuracy": 1.0}


@pytest.mark.parametrize(
    ("boundary", "expected"), [(0.0, (0.75, 0.25)), (0.5, (0.5, 0.75)), (None, (1.0, 0.75)), (-9.0, (1.0, 0.0))]
)
def test_accuracies_are_those_of_the_boundary(boundary: float | None, expected: tuple[float, float]) -> None:
    values = Values(boundary)
    values.add(None, None, torch.tensor([1.0, 2.0]), np.array([0.1, 0.7]), {})
    values.add(None, None, torch.tensor([0.4, -0.1]), np.array([0.2, -1.0]), {})
    result = values.read()
    assert (result["d_real_accuracy"], result["d_fake_accuracy"]) == expected


def test_one_side_alone_has_an_accuracy() -> None:
    values = Values(0.0)
    values.add(None, None, None, [1.0, -1.0, -1.0, -1.0], {})
    assert values.read() == {"d_fake_accuracy": 0.75}
    values = Values(None)
    values.add(None, None, None, [1.0], {})
    assert values.read() == {}


@pytest.mark.slow
def test_probabilities_are_noticed(record: Callable[..., Recorder], capsys: pytest.CaptureFixture[str]) -> None:
    inside = np.linspace(0.1, 0.9, 150)
    for boundary, count in ((0.0, 1), (0.5, 0)):
        with record(f"run-{count}", progress=True, boundary=boundary) as recorder:
            steps_of(recorder, 6, real_logits=inside, fake_logits=inside)
        assert capsys.readouterr().err.count("boundary=0.5") == count


def test_a_range_that_may_be_wrong_is_noticed(
    record: Callable[..., Recorder], capsys: pytest.CaptureFixture[str]
) -> None:
    with record(progress=True, sample=lambda count, seed: abs(noise(count, seed))) as recorder:
        steps_of(recorder, 8)
    assert capsys.readouterr().err.count("pixel_range='0:1'") == 1


def test_numbers_that_are_not_finite_are_null_and_reported(record: Callable[..., Recorder]) -> None:
    with record(on_failure="stop") as recorder:
        assert steps_of(recorder, 2, d_loss=1.0, g_loss=2.0) == 2
        assert steps_of(recorder, 9, d_loss=torch.tensor(torch.nan), g_loss=2.0) == 2
    run = Run.open("run")
    assert [row["d_loss"] for row in run.stats()] == [1.0, None]
    (event,) = run.events()
    assert (event["event"], event["name"], event["own_loop"]) == ("diagnosis", "non_finite", True)
    assert LOOP_ADVICE["loop advice non_finite"] in sentence(event)
    assert run.status().state == "failed"
    assert run.status().reason["key"] == "unhealthy"


@pytest.mark.parametrize(
    ("values", "key", "field"),
    [
        ({"images": "many"}, "step images", "images"),
        ({"images": 1.5}, "step images", "images"),
        ({"images": -1}, "step images", "images"),
        ({"images": 1, "d_loss": "low"}, "step value", "d_loss"),
        ({"images": 1, "d_loss": 1 + 2j}, "step value", "d_loss"),
        ({"images": 1, "d_loss": torch.tensor([1 + 2j])}, "step value", "d_loss"),
        ({"images": 1, "d_loss": torch.empty(2, device="meta")}, "step value", "d_loss"),
        ({"images": 1, "d_loss": torch.eye(2).to_sparse()}, "step value", "d_loss"),
        ({"images": 1, "g_loss": object()}, "step value", "g_loss"),
        ({"images": 1, "real_logits": []}, "step value", "real_logits"),
        ({"images": 1, "seconds": 3}, "step column", "seconds"),
    ],
)
@pytest.mark.usefixtures("untyped")
def test_a_wrong_value_of_a_step(record: Callable[..., Recorder], values: dict[str, Any], key: str, field: str) -> None:
    with pytest.raises(UserError) as caught, record(log_every="1 step") as recorder:
        recorder.step(**values)
    assert (caught.value.key, caught.value.field) == (key, field)
    assert Run.open("run").status().state == "failed"


@pytest.mark.usefixtures("untyped")
def test_numbers_of_other_libraries_are_seeds_and_steps(record: Callable[..., Recorder]) -> None:
    with record(seed=np.int64(7), steps=np.int32(3)) as run:
        steps_of(run, 3, d_loss=10**400)
    assert (run.run.config.seed, run.run.plan.steps) == (7, 3) and type(run.run.config.seed) is int
    with record("other", settings={"seed": np.int16(5)}) as run:
        steps_of(run, 1)
    assert run.run.config.seed == 5


def test_settings_of_any_usual_kind_are_kept(record: Callable[..., Recorder]) -> None:
    given = {"a": None, "b": float("nan"), "c": [0.5, np.float32(0.25)], "d": Path("x/y"), "e": True, "f": ("p", 1)}
    with record(settings=given) as run:
        steps_of(run, 1)
    kept = Run.open("run").config.settings
    assert kept == {"a": "none", "b": "nan", "c": "0.5, 0.25", "d": str(Path("x/y")), "e": True, "f": "p, 1"}


def test_every_step_has_one_row(record: Callable[..., Recorder]) -> None:
    with record() as run:
        steps_of(run, 10, d_loss=1.0, g_loss=2.0)
    rows = run.run.stats()
    assert [row["step"] for row in rows] == [2, 4, 6, 8, 10] and all(row["d_loss"] == 1.0 for row in rows)
    assert [row["step"] for row in run.run.metrics()] == [4, 8, 10]


def test_a_step_after_the_end_is_refused_and_changes_nothing(record: Callable[..., Recorder]) -> None:
    with record() as run:
        steps_of(run, 4, d_loss=1.0)
    for _ in range(4):
        with pytest.raises(UserError) as caught:
            run.step(images=10, d_loss=1.0)
        assert caught.value.key == "with has ended"
    assert Run.open("run").status().state == "finished"


def test_a_recorded_run_cannot_be_trained_again_by_its_settings(
    record: Callable[..., Recorder], capsys: pytest.CaptureFixture[str]
) -> None:
    with record() as run:
        steps_of(run, 1)
    assert main(["train", "--config", "run", "--out", "again", "--quiet"]) == 2
    assert "--config" in capsys.readouterr().err and not Path("again").exists()


def test_numbers_of_images() -> None:
    assert [whole(np.int32(3)), whole(torch.tensor(4)), whole(5.0)] == [3, 4, 5]


def test_only_numbers_are_arrays() -> None:
    assert to_numpy(object()) is None
    assert to_numpy({"a": 1}) is None
    assert to_numpy(["1", "x"]) is None


# Intervals.


@pytest.mark.parametrize(
    ("text", "places"),
    [("3 steps", [3, 6, 9]), ("1 epoch", [4, 8]), ("0.06 kimg", [3, 5, 8, 10]), ("4 s", [4, 8]), ("none", [])],
)
def test_intervals_come_round(text: str, places: list[int]) -> None:
    interval = Interval.of(text, images=90)
    assert [step for step in range(1, 11) if interval.reached(step, 25 * step, float(step))] == places


@pytest.mark.slow
def test_time_that_the_recorder_takes_is_no_training_time(record: Callable[..., Recorder]) -> None:
    def slow(count: int, seed: int) -> np.ndarray:
        time.sleep(0.2)
        return noise(count, seed)

    with record(sample=slow) as recorder:
        steps_of(recorder, 8)
    assert Run.open("run").status().seconds < 0.2


# Ends.


def test_patience_asks_the_loop_to_stop(record: Callable[..., Recorder]) -> None:
    with record(patience=2) as recorder:
        assert steps_of(recorder, 100) == 12
    run = Run.open("run")
    assert (run.status().state, run.status().reason["key"]) == ("finished", "out of patience")
    assert [event["event"] for event in run.events()] == ["patience"]


def test_a_loop_may_go_on(record: Callable[..., Recorder]) -> None:
    with record(patience=2) as recorder:
        for _ in range(20):
            recorder.step(images=1)
    run = Run.open("run")
    assert (run.status().state, run.status().step, run.status().message) == ("finished", 20, "")
    assert [event["event"] for event in run.events()] == ["patience"]


@pytest.mark.slow
@pytest.mark.parametrize("on_failure", ["stop", "continue"])
def test_the_watchdog_sees_a_collapse(record: Callable[..., Recorder], on_failure: str) -> None:
    def same(count: int, seed: int) -> np.ndarray:
        return np.repeat(noise(1, seed), count, axis=0)

    with record(sample=same, on_failure=on_failure) as recorder:
        stopped = steps_of(recorder, 16)
    run = Run.open("run")
    (event,) = [event for event in run.events() if event["event"] == "diagnosis" and event["failure"]]
    assert event["name"] == "mode_collapse"
    assert NAMES["mode_collapse"] in sentence(event)
    assert LOOP_ADVICE["loop advice mode_collapse"] in sentence(event)
    assert "--" not in sentence(event), "a loop of one's own has no flags"
    if on_failure == "stop":
        assert stopped == 12
        assert run.status().state == "failed"
        assert "--" not in run.status().message
        assert run.status().reason["diagnosis"]["own_loop"]
    else:
        assert stopped == 16
        assert run.status().state == "finished"


def test_every_diagnosis_has_advice_for_a_loop() -> None:
    assert {key.removeprefix("loop advice ") for key in LOOP_ADVICE} == set(NAMES)


def test_an_error_in_the_loop_is_recorded_and_raised(record: Callable[..., Recorder]) -> None:
    def loop() -> None:
        with record() as recorder:
            steps_of(recorder, 5, d_loss=1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()
    run = Run.open("run")
    assert (run.status().state, run.status().reason["key"]) == ("failed", "loop failed")
    assert "ZeroDivisionError" in run.status().message
    assert [row["step"] for row in run.stats()] == [2, 4, 5]
    assert [row["step"] for row in run.metrics()] == [4], "nothing is measured after an error"


@pytest.mark.parametrize(("code", "state"), [(None, "finished"), (0, "finished"), (3, "failed")])
def test_a_script_that_exits(record: Callable[..., Recorder], code: int | None, state: str) -> None:
    def loop() -> None:
        with record() as recorder:
            recorder.step(images=1)
            sys.exit(code)

    with pytest.raises(SystemExit):
        loop()
    assert Run.open("run").status().state == state


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_loop_at_its_next_look(record: Callable[..., Recorder], number: int) -> None:
    def loop() -> None:
        with record() as recorder:
            steps_of(recorder, 4)
            os.kill(os.getpid(), number)
            assert steps_of(recorder, 4) == 1

    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt, match="saved at step 5"):
        loop()
    assert signal.getsignal(number) == before
    run = Run.open("run")
    assert (run.status().state, run.status().step) == ("interrupted", 5)
    assert run.stats()[-1]["step"] == 5
    assert [row["step"] for row in run.metrics()] == [4]


def test_a_signal_ends_a_loop_that_never_looks(record: Callable[..., Recorder]) -> None:
    def loop() -> None:
        with record() as recorder:
            for step in range(9):
                recorder.step(images=1)
                if step == 2:
                    os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="saved at step 3"):
        loop()
    assert Run.open("run").status().state == "interrupted"


def test_a_folder_with_a_run_is_refused(record: Callable[..., Recorder]) -> None:
    with record() as recorder:
        recorder.step(images=1)
    before = Path("run/status.json").read_bytes()
    with pytest.raises(UserError) as caught, record():
        pass
    assert (caught.value.key, caught.value.field) == ("folder holds a run", "folder")
    Path("other").mkdir()
    Path("other/file").touch()
    with pytest.raises(UserError) as caught, record("other"):
        pass
    assert (caught.value.key, caught.value.field) == ("not empty", "folder")
    assert Path("run/status.json").read_bytes() == before


def test_a_loop_in_a_file_of_code_is_refused() -> None:
    Path("my_gan.py").write_text("import pocketgan\n\npocketgan.record(sample=print)\n")
    with pytest.raises(ConfigError) as caught:
        load_code("my_gan.py")
    assert caught.value.key == "in file"
    assert caught.value.parts["path"] == "my_gan.py, line 3"
    assert "__main__" in str(caught.value)


def test_a_recorder_is_entered_once(record: Callable[..., Recorder]) -> None:
    recorder = record()
    for use in (lambda: recorder.step(images=1), recorder.training_data, lambda: recorder.folder):
        with pytest.raises(UserError) as caught:
            use()
        assert caught.value.key == "not entered"
    with recorder, pytest.raises(UserError) as caught, recorder:
        pass
    assert caught.value.key == "entered twice"


# Arguments.


class Tiny(nn.Module):
    """A generator that can be saved."""

    def __init__(self, latent_dim: int, width: int = 5) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(latent_dim, width), nn.Linear(width, SIZE * SIZE), nn.Tanh())

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.layers(z).reshape(-1, 1, SIZE, SIZE)


class Translating(nn.Module):
    """A generator that reads images."""

    reads_images = True


@pytest.mark.parametrize(
    ("fields", "key", "field"),
    [
        ({"sample": 3}, "sample not callable", "sample"),
        ({"sample": lambda count: 0}, "sample arguments", "sample"),
        ({"pixel_range": "-1:2"}, "not one of", "pixel_range"),
        ({"on_failure": "rollback"}, "not one of", "on_failure"),
        ({"settings": {"layers": {"a": 1}}}, "setting value", "settings"),
        ({"steps": 0}, "at least", "steps"),
        ({"steps": True}, "refused", "steps"),
        ({"seed": 1.5}, "refused", "seed"),
        ({"seed": -1}, "at least", "seed"),
        ({"boundary": float("nan")}, "boundary value", "boundary"),
        ({"boundary": "0"}, "boundary value", "boundary"),
        ({"name": "my gan"}, "run name", "name"),
        ({"data": np.zeros(3)}, "npz shape", "data"),
        ({"data": "nowhere.npz"}, "no such data", "data"),
        ({"classes": "9"}, "no class", "classes"),
        ({"log_every": "5 s"}, "must be a count", "log_every"),
        ({"evaluate_every": "often"}, "must be a duration", "evaluate_every"),
        ({"evaluate_count": 5}, "refused", "evaluate_count"),
        ({"patience": 3, "evaluate_every": "none"}, "patience needs evaluation", "patience"),
        ({"name": "a/b"}, "run name", "name"),
        ({"generator": Tiny}, "not a module object", "generator"),
        ({"generator": Tiny(LATENTS)}, "latents unknown", "latent_dim"),
        ({"generator": Tiny(LATENTS), "latent_dim": 6, "pixel_range": "uint8"}, "range of generator", "pixel_range"),
        ({"generator": Translating(), "latent_dim": 6}, "generator of images", "generator"),
        ({"generator": nn.Sequential(nn.Linear(6, SIZE * SIZE)), "latent_dim": 6}, "generator of torch", "generator"),
        ({"generator": Tiny(LATENTS, 7), "latent_dim": 6}, "not rebuilt", "generator"),
        ({"generator": Tiny(LATENTS), "latent_dim": 7}, "not rebuilt", "generator"),
        (
            {"generator": Tiny(LATENTS), "latent_dim": 6, "generator_options": {"x": 1}},
            "no option",
            "generator_options",
        ),
    ],
)
@pytest.mark.usefixtures("untyped")
def test_a_wrong_argument_is_one_line(squares: str, fields: dict[str, Any], key: str, field: str) -> None:
    arguments = {"data": squares, "sample": noise, **OFTEN, **fields}
    with pytest.raises(PocketganError) as caught, pocketgan.record("run", **arguments):
        pass
    assert caught.value.field == field
    assert caught.value.key.startswith(key)
    assert "\n" not in str(caught.value)
    assert not Path("run").exists(), "nothing was started"


# The generator.


@pytest.mark.slow
def test_a_generator_is_saved_at_each_evaluation(record: Callable[..., Recorder], squares: str) -> None:
    generator = Tiny(LATENTS, 7)

    def draw(count: int, seed: int) -> torch.Tensor:
        with torch.no_grad():
            return generator(torch.randn(count, LATENTS, generator=torch.Generator().manual_seed(seed)))

    fields: dict[str, Any] = {"generator": generator, "generator_options": {"width": 7}, "latent_dim": LATENTS}
    with record(sample=draw, **fields) as recorder:
        for step in range(1, 10):
            with torch.no_grad():
                next(generator.parameters()).mul_(1.1 if step < 5 else 3.0)
            recorder.step(images=10)
    run = Run.open("run")
    assert run.config.network.generator == "test_recording.py:Tiny"
    assert run.config.network.generator_options == {"width": 7}
    assert run.environment.device == "cpu"
    assert "test_recording.py" in run.environment.code
    assert (run.folder / "code" / "test_recording.py").read_bytes() == Path(__file__).read_bytes()
    assert [path.name for path in run.checkpoints()] == ["step-000000009.safetensors"]
    best = run.best()
    assert best is not None
    assert run.weights("best").step == best["step"]
    assert torch.equal(run.weights("last").tensors["network.layers.0.weight"], generator.layers[0].weight)
    assert run.generate(3, checkpoint="last").images.shape == (3, 1, SIZE, SIZE)
    assert pocketgan.load("run").generate(2).images.shape == (2, 1, SIZE, SIZE)
    assert isinstance(run.generator(), Tiny)
    shown = Loaded(run.folder)
    assert isinstance(plain(shown.network), Tiny)
    assert shown.discriminator is None

    done = pocketgan.evaluate(run, against=squares, count=150, metrics="frechet_distance", progress=False)
    assert done["frechet_distance"].value > 0
    assert done.page is not None
    model = pocketgan.export(run, "model", format="safetensors", progress=False)
    assert np.array_equal(model.generate(3).images, run.generate(3).images)
    card = (model.folder / "README.md").read_text()
    assert "a loop of its author's own" in card
    assert "bce" not in card


def test_without_its_code_a_generator_asks_for_it(record: Callable[..., Recorder]) -> None:
    with record(generator=Tiny(LATENTS), latent_dim=LATENTS) as recorder:
        steps_of(recorder, 4)
    with own_table():
        run = Run.open("run")
        with pytest.raises(UserError) as caught:
            run.generate(1)
        assert (caught.value.key, caught.value.parts["file"]) == ("code missing", "test_recording.py")
        assert draw_plots([run]).figures


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "key"),
    [
        (lambda: resume_experiment("run"), "recorded, no resume"),
        (lambda: Run.open("run").generate(1), "recorded, no generator"),
        (lambda: Run.open("run").discriminator(), "recorded, no layers"),
        (lambda: pocketgan.translate("run"), "recorded, no generator"),
        (lambda: pocketgan.evaluate("run", progress=False), "recorded, no generator"),
        (lambda: pocketgan.export("run", "model", format="safetensors", progress=False), "recorded, no generator"),
        (lambda: pocketgan.interpolate("run"), "recorded, no generator"),
    ],
)
def test_what_a_recorded_run_cannot_do(record: Callable[..., Recorder], act: Callable[[], object], key: str) -> None:
    with record() as recorder:
        recorder.step(images=1)
    with pytest.raises(UserError) as caught:
        act()
    assert caught.value.key == key
    assert main(["summary", "run"]) == 2


def test_before_its_first_evaluation_a_generator_is_not_there(record: Callable[..., Recorder]) -> None:
    with record(generator=Tiny(LATENTS), latent_dim=LATENTS, evaluate_every="none") as recorder:
        recorder.step(images=1)
    with pytest.raises(UserError) as caught:
        Run.open("run").generate(1)
    assert caught.value.key == "recorded, not saved yet"


# Readers.


@pytest.mark.usefixtures("figures")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "plots"),
    [
        ({}, {"quality_plot", "speed_plot"}),
        ({"g_loss": 1.0}, {"loss_plot", "quality_plot", "speed_plot"}),
        ({"real_logits": [1.0], "mine": 2.0}, {"accuracy_plot", "quality_plot", "speed_plot"}),
    ],
)
def test_readers_show_the_columns_that_are_there(
    record: Callable[..., Recorder], values: dict[str, Any], plots: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with record("runs/one", progress=True) as recorder:
        steps_of(recorder, 8, **values)
    assert "step 8" in capsys.readouterr().err
    run = Run.open("runs/one")
    assert set(draw_plots([run]).figures) == plots
    assert main(["runs", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["recipe"], entry["step"], entry["steps"], entry["planned"]) == ("mine", 8, None, "")
    assert pocketgan.timelapse(run).images.shape[:2] == (2, 9)

    site = Site(Path("runs"))
    site.worker.kill()
    parts = Live(site).view("one").parts
    assert ("svg" in parts["losses"]) == ("loss_plot" in plots)
    assert ("svg" in parts["accuracy"]) == ("accuracy_plot" in plots)
    assert "svg" in parts["quality"]
    assert "svg" in parts["speed"]
    assert "its own images" in parts["state"]
    assert "mlp" not in parts["facts"] + parts["losses"]
    assert len(json.loads(parts["samples"])["list"]) == 2
    assert "svg" in compare_html(site, ["one"], "steps")


# Scripts.

LOOP = """
import sys
import numpy as np
import pocketgan

def draw(count, seed):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 8, 8)){wrong}

with pocketgan.record("run", {data!r}, sample=draw, features="random", evaluate_count=200, validation=200,
                      log_every="1 step", sample_every="5 steps", evaluate_every="5 steps") as run:
    for step in range({steps}):
        run.step(images=10, d_loss=step)
        {more}
print("after")
"""


def start(squares: str, wrong: str = "", steps: int = 6, more: str = "pass") -> "subprocess.Popen[str]":
    """Starts a script that records a loop."""
    Path("my_loop.py").write_text(LOOP.format(data=squares, wrong=wrong, steps=steps, more=more))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "my_loop.py", "--lr", "0.1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


@pytest.mark.slow
def test_a_mistake_in_a_script_is_one_line_and_exit_code_2(squares: str) -> None:
    process = start(squares, wrong="[:9]")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, "")
    assert err.splitlines()[-1] == "error: sample returns 9 images for 10 (draw, my_loop.py:6)"
    assert "Traceback" not in err
    assert Run.open("run").status().state == "failed"


@pytest.mark.slow
def test_a_script_is_kept_with_its_run(squares: str) -> None:
    process = start(squares)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "after\n"), err
    run = Run.open("run")
    assert run.config.recipe == "my_loop"
    assert run.environment.command == "python my_loop.py --lr 0.1"
    assert (run.folder / "code" / "my_loop.py").read_bytes() == Path("my_loop.py").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "state"), [(signal.SIGKILL, "killed"), (signal.SIGTERM, "interrupted")])
def test_a_script_that_is_ended_leaves_a_whole_run(squares: str, number: int, state: str) -> None:
    process = start(squares, steps=100_000, more="__import__('time').sleep(0.01)")
    deadline = time.monotonic() + 120
    while not (Path("run/metrics.jsonl").exists() and len(Run.open("run").stats()) > 12):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert Run.open("run").status().state == "running"
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == (-number if number == signal.SIGKILL else 130)
    assert "Traceback" not in err
    run = Run.open("run")
    assert run.status().state == state
    assert [row["step"] for row in run.stats()] == list(range(1, len(run.stats()) + 1))
    assert len(run.samples()) >= 2
    assert run.best() is not None
    assert len(draw_plots([run]).figures) >= 3
    if state == "killed":
        with pytest.raises(UserError):
            resume_experiment("run")


@pytest.mark.slow
def test_the_example_in_the_guide_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs/how-to/record-your-own-loop.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    assert code.count("range(10_000)") == 1
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    Path("my_gan.py").write_text(code.replace("range(10_000)", "range(120)"))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "my_gan.py"], check=True, env=environment, timeout=300)
    (run,) = pocketgan.list_runs("runs")
    assert (run.status().state, run.status().step) == ("finished", 120)
    assert run.metrics()[-1]["features"] == "digits"
    assert not run.environment.feeds_itself


def test_no_image_of_the_validation_set_is_given_away(record: Callable[..., Recorder], squares: str) -> None:
    with record(evaluate_every="none") as recorder:
        images, labels = recorder.training_data()
    config = Run.open("run").config
    held_out = load_images(config.data, "validation").images.numpy()
    assert len(held_out) == 200
    assert not {image.tobytes() for image in images} & {image.tobytes() for image in held_out}
    with np.load(squares) as whole_set:
        assert len(images) + len(held_out) == len(whole_set["images"])
    assert labels is not None
    assert np.bincount(labels).tolist() == [400, 400], "as many of each class"
