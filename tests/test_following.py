"""A run that is followed: evaluation changes nothing, the best is kept, and a failure is acted on and recorded."""

import dataclasses
import io
import json
import math
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

import pocketgan
from forks import Fork
from pocketgan.api.trainings import finish
from pocketgan.base.errors import NonFiniteLoss, RunError, RunFailed, Unhealthy
from pocketgan.base.language import speaking
from pocketgan.base.progress import Progress
from pocketgan.cli.main import main
from pocketgan.cli.tables import print_run
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.diagnosis import DIAGNOSES, Diagnosis, History, evidence
from pocketgan.experiment.experiment import resume_experiment, run_experiment
from pocketgan.experiment.monitor import Follower
from pocketgan.experiment.watchdog_words import sentence, title, why_ended
from pocketgan.images import readers as image_files
from pocketgan.images.batches import Batches
from pocketgan.images.intake.contents import Collection
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import load_images, split_off
from pocketgan.metrics import features
from pocketgan.metrics.memorisation import CLUSTERED
from pocketgan.metrics.neighbours import subsample
from pocketgan.metrics.registry import METRICS, Comparison
from pocketgan.runs.run import BEST, Run
from pocketgan.runs.weights import image_shape
from pocketgan.training import steps as training
from pocketgan.training.checkpoints import Checkpoint, read_checkpoint, restore, state_tensors
from pocketgan.training.state import TrainState, create_state
from pocketgan.training.steps import train
from refusals import refused

ROOT = Path(__file__).resolve().parents[1]
FOLLOWED = {
    "duration": "24 steps",
    "log_every": "1 step",
    "checkpoint_every": "4 steps",
    "keep_checkpoints": "all",
    "evaluate_every": "4 steps",
    "evaluate_count": 200,
    "features": "random",
    "validation": 200,
    "threads": 1,
    "on_failure": "continue",
}
QUIET = Progress(quiet=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """1,000 images of 8×8 in two classes, a bright square left or right; there is a test split too."""
    rng = np.random.default_rng(5)

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        images = rng.integers(0, 60, (count, 8, 8), dtype=np.uint8)
        labels = np.arange(count) % 2
        for image, label in zip(images, labels, strict=True):
            row, column = rng.integers(0, 5), 4 * label + rng.integers(0, 2)
            image[row : row + 3, column : column + 3] = rng.integers(180, 256)
        return images, labels

    path = tmp_path_factory.mktemp("data") / "squares.npz"
    (images, labels), (test_images, test_labels) = draw(1000), draw(300)
    np.savez(path, images=images, labels=labels, test_images=test_images, test_labels=test_labels)
    return str(path)


@pytest.fixture
def followed(tiny_config: Callable[..., RunConfig], data: str) -> Callable[..., RunConfig]:
    def make(recipe: str = "minimal", **fields: object) -> RunConfig:
        return tiny_config(recipe, **(FOLLOWED | {"data": data} | fields))

    return make


def last(run: Run) -> Checkpoint:
    return read_checkpoint(run.checkpoints()[-1])


def best(run: Run) -> Checkpoint:
    return read_checkpoint(run.folder / "checkpoints" / BEST)


def differing(left: Checkpoint, right: Checkpoint) -> list[str]:
    """Returns the tensors and counters that differ; seconds may."""
    assert left.tensors.keys() == right.tensors.keys()
    names = [name for name in left.tensors if not torch.equal(left.tensors[name], right.tensors[name])]
    counters = {name for name in left.counters | right.counters if name != "seconds"}
    return names + [name for name in counters if left.counters.get(name) != right.counters.get(name)]


def without_seconds(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def steps(rows: list[dict[str, Any]]) -> list[int]:
    return [row["step"] for row in rows]


def kinds(run: Run) -> list[tuple[str, int]]:
    return [(event["event"], event["step"]) for event in run.events()]


def scale(run: Run) -> float:
    return last(run).counters["rate_scale"]


def rollbacks(folder: Path) -> int:
    path = folder / "events.jsonl"
    return path.read_text().count('"event": "rollback"') if path.exists() else 0


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the Fréchet distance of each evaluation what a table says, by step."""

    def patch(distances: dict[int, float], floor: float = 0.1) -> None:
        def measure(_: Follower, state: TrainState) -> dict[str, Any]:
            return {"frechet_floor": floor, "frechet_distance": float(distances.get(state.step, 99.0))}

        monkeypatch.setattr(Follower, "measure", measure)

    return patch


@pytest.fixture
def diagnosed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes `diagnose` find what a function of the last evaluation's step says."""

    def patch(wrong: Callable[[int], list[str]], *, failure: bool = True) -> None:
        def diagnose(history: History) -> list[Diagnosis]:
            step = int(history.evaluations[-1]["step"])
            return [Diagnosis(name, failure, evidence("still", distance=50.0, times=step)) for name in wrong(step)]

        monkeypatch.setattr("pocketgan.experiment.watchdog.diagnose", diagnose)

    return patch


# Evaluation changes nothing.

UNCHANGED = {
    "plain": ("minimal", {}),
    "dropout": ("white-background", {"classes": "all", "dropout": 0.3}),
    "BatchNorm": ("dcgan", {"hidden_dim": 4}),
    "augmentation": ("mlp", {"augment": "translation,rotation,cutout"}),
    "average": ("mlp", {"ema_half_life": "64 steps"}),
    "all": ("pocket", {"hidden_dim": 4, "augment": "translation,cutout", "ema_half_life": "64 steps"}),
    "penalties": ("mlp", {"objective": "wasserstein", "gradient_penalty": 10.0}),
    "two updates": ("comparison", {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", UNCHANGED)
def test_evaluation_changes_no_bit_of_training(kind: str, followed: Callable[..., RunConfig], tmp_path: Path) -> None:
    recipe, fields = UNCHANGED[kind]
    runs = []
    for number, interval in enumerate(("none", "5 steps", "1 step")):
        config = followed(recipe, evaluate_every=interval, duration="12 steps", **fields)
        runs.append(run_experiment(config, tmp_path / str(number)))
    assert [len(run.metrics()) for run in runs] == [0, 3, 12]
    losses = [[(row["d_loss"], row["g_loss"], row["d_real_accuracy"]) for row in run.stats()] for run in runs]
    assert losses[0] == losses[1] == losses[2]
    assert differing(last(runs[0]), last(runs[1])) == []
    assert differing(last(runs[0]), last(runs[2])) == []


@pytest.mark.slow
def test_an_evaluation_is_the_same_however_often_one_looked_before(
    followed: Callable[..., RunConfig], tmp_path: Path
) -> None:
    often = run_experiment(followed("pocket", hidden_dim=4, evaluate_every="2 steps"), tmp_path / "often")
    rarely = run_experiment(followed("pocket", hidden_dim=4, evaluate_every="6 steps"), tmp_path / "rarely")
    rows = [row for row in often.metrics() if row["step"] % 6 == 0]
    assert without_seconds(rows) == without_seconds(rarely.metrics())


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("recipe", ["dcgan", "white-background", "pocket"])
def test_measuring_leaves_the_state_as_it_was(
    recipe: str, training: bool, followed: Callable[..., RunConfig], tmp_path: Path
) -> None:
    half_life = "none" if recipe == "white-background" else "64 steps"
    config = followed(recipe, hidden_dim=4, classes="all", ema_half_life=half_life, duration="2 steps")
    run = run_experiment(config, tmp_path / "run")
    images = load_images(run.config.data)
    state = create_state(run.config, image_shape(run.facts, run.config.network.conditional), "cpu")
    restore(state, last(run))
    networks = (state.generator.train(training), state.discriminator.train(training), state.generator_ema)
    follower = Follower(run, images, QUIET)

    def seen() -> tuple[list[bool], list[bool], dict[str, torch.Tensor]]:
        tensors = {name: tensor.detach().clone() for name, tensor in state_tensors(state).items()}
        tensors |= {"torch": torch.get_rng_state(), "found_inf": state.found_inf.clone()}
        modes = [module.training for network in networks for module in network.modules()]
        return modes, [p.requires_grad for network in networks for p in network.parameters()], tensors

    before = seen()
    first, second = follower.measure(state), follower.measure(state)
    after = seen()
    assert before[:2] == after[:2]
    assert [name for name in before[2] if not torch.equal(before[2][name], after[2][name])] == []
    assert first == second
    assert all(p.grad is None for network in networks for p in network.parameters())
    assert all(math.isfinite(value) for value in first.values() if isinstance(value, float))


@pytest.mark.slow
def test_time_spent_on_evaluation_is_not_training_time(
    followed: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Follower.measure

    def slowly(follower: Follower, state: TrainState) -> dict[str, Any]:
        time.sleep(0.5)
        return original(follower, state)

    monkeypatch.setattr(Follower, "measure", slowly)
    started = time.perf_counter()
    run = run_experiment(followed(), tmp_path / "run")
    assert time.perf_counter() - started > 3
    assert run.status().seconds < 2
    assert run.metrics()[-1]["seconds"] == run.stats()[-1]["seconds"] == run.status().seconds
    assert last(run).counters["seconds"] < 2


# What is measured.

ALWAYS = {
    "step",
    "nimg",
    "epoch",
    "seconds",
    "features",
    "features_version",
    "features_hash",
    "reference",
    "count",
    "frechet_distance",
    "frechet_floor",
    "precision",
    "recall",
    "density",
    "coverage",
    "duplicates",
    "authentic",
    "generator_gradient",
}
HELD_OUT = {"authentic_floor", "copying", "r_v", "r_v_deviations", "r_v_error"}
CLASSIFIED = {"modes", "classes", "mode_share", "class_kl", "confidence", "histogram"}


@pytest.mark.slow
@pytest.mark.parametrize("ema_half_life", ["none", "64 steps"])
@pytest.mark.parametrize("validation", [0, 200])
def test_rows_have_their_fields(
    validation: int, ema_half_life: str, followed: Callable[..., RunConfig], tmp_path: Path
) -> None:
    run = run_experiment(followed("mlp", validation=validation, ema_half_life=ema_half_life), tmp_path / "run")
    rows, space = run.metrics(), features.random(1)
    assert steps(rows) == [4, 8, 12, 16, 20, 24]
    expected = ALWAYS | (HELD_OUT if validation else set())
    expected |= set() if ema_half_life == "none" else {"raw_frechet_distance"}
    for row in rows:
        assert row.keys() == expected
        assert (row["features"], row["features_version"], row["features_hash"]) == ("random", space.version, space.hash)
        assert row["reference"] == ("validation" if validation else "train")
        assert row["count"] == 200
        assert row["nimg"] == row["step"] * 8
        assert row["epoch"] == pytest.approx(row["nimg"] / run.facts.images, abs=1e-6)
        assert row["frechet_distance"] > row["frechet_floor"] > 0
        assert row["generator_gradient"] > 0
    assert len({row["frechet_floor"] for row in rows}) == 1
    assert steps(run.stats()) == list(range(1, 25))


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "space"), [("minimal", "digits"), ("mlp", "random")])
def test_a_generator_of_one_image_has_collapsed_and_the_run_goes_on(
    recipe: str, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rate of 0.9 kills every unit; a metric that can't judge images that are all alike is left out."""

    def refuse(_: object) -> float:
        raise ValueError("all images are alike")

    for name in ("coverage", "modes"):
        monkeypatch.setitem(METRICS, name, dataclasses.replace(METRICS[name], function=refuse))
    fields = {"features": space, "evaluate_every": "20 steps", "duration": "100 steps", "classes": "3,8"}
    fields |= {"learning_rate": 0.9, "evaluate_count": 200, "validation": 1000}
    run = pocketgan.train(recipe, out=tmp_path / "run", progress=False, **fields)
    assert len({image.tobytes() for image in run.generate(64).images}) == 1
    assert run.status().state == "finished"
    rows = run.metrics()
    assert steps(rows) == [20, 40, 60, 80, 100]
    assert all("coverage" not in row and "precision" in row for row in rows)
    named = [event for event in run.events() if event["event"] == "diagnosis"]
    assert ("mode_collapse", 60) in [(event["name"], event["step"]) for event in named]


@pytest.mark.slow
def test_distances_that_are_not_finite_end_no_run(
    followed: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = METRICS["frechet_distance"]
    monkeypatch.setitem(METRICS, "frechet_distance", dataclasses.replace(metric, function=lambda _: math.inf))
    run = run_experiment(followed(), tmp_path / "run")
    assert run.status().state == "finished" and run.best() is None
    lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["frechet_distance"] for line in lines] == [None] * 6
    pocketgan.plot(run).save(tmp_path / "plots", "png")
    assert main(["runs", str(run.folder)]) == 0


def test_every_field_of_a_row_is_documented(followed: Callable[..., RunConfig], tmp_path: Path) -> None:
    text = (ROOT / "docs" / "reference" / "run-folder.md").read_text(encoding="utf-8")
    run = run_experiment(followed("mlp", ema_half_life="64 steps", duration="2 steps"), tmp_path / "run")
    names = run.metrics()[-1].keys() | CLASSIFIED | {"label_agreement"}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []
    files = ("metrics.jsonl", "events.jsonl", BEST, "abandoned/")
    assert [name for name in files if name not in text] == []


@pytest.mark.slow
def test_digits_of_mnist_are_told_apart(
    tiny_config: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketgan.experiment.quality.REFERENCE", 1000)
    fields = {**FOLLOWED, "features": "auto", "validation": 2000, "classes": "3,8", "hidden_dim": 4}
    run = run_experiment(tiny_config("pocket", **{**fields, "duration": "4 steps"}), tmp_path / "run")
    (row,) = run.metrics()
    assert row.keys() == ALWAYS | HELD_OUT | CLASSIFIED | {"label_agreement", "raw_frechet_distance"}
    assert (row["features"], row["features_hash"]) == ("digits", features.digits().hash)
    assert row["reference"] == "validation"
    assert len(row["histogram"]) == 10
    assert sum(row["histogram"]) == pytest.approx(1, abs=1e-3)
    assert row["mode_share"] == pytest.approx(row["modes"] / row["classes"], rel=1e-5)
    assert row["classes"] == 2, "of the classifier's ten, those that were trained on"
    assert 0 <= row["label_agreement"] <= 1
    assert row["frechet_floor"] < 20 < row["frechet_distance"]


@pytest.mark.slow
def test_other_data_is_followed_in_the_random_space_unless_asked(
    followed: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POCKETGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("pocketgan.metrics.features.IMAGES_TO_FIT", 2000)
    run = run_experiment(followed(features="auto", duration="2 steps"), tmp_path / "auto")
    assert run.metrics()[-1]["features"] == "random"
    assert not (tmp_path / "cache").exists()
    run = run_experiment(followed(features="classifier", duration="2 steps"), tmp_path / "asked")
    row = run.metrics()[-1]
    assert row["features"] == "classifier"
    assert row.keys() >= CLASSIFIED
    assert row["classes"] == len(row["histogram"]) == 2


@pytest.mark.slow
def test_the_test_split_is_never_read(
    followed: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, parts = image_files.read, []

    def watched(data: str, wishes: object, shown: object, part: str | None) -> Collection:
        parts.append(part)
        assert part != "test", "training read the test split"
        return original(data, wishes, shown, part)

    monkeypatch.setattr(image_files, "read", watched)
    for validation in (0, 200):
        for recipe in ("pocket", "white-background"):
            folder = tmp_path / f"{recipe}-{validation}"
            config = followed(recipe, hidden_dim=4, classes="all", validation=validation, duration="4 steps")
            run = run_experiment(config, folder)
            assert len(run.metrics()) == 1
            assert resume_experiment(folder, "8 steps").metrics()[-1]["step"] == 8
    assert set(parts) <= {"train", None}, "own data is read whole"


def test_redrawn_images_are_judged_as_they_would_be_inverted_back(
    followed: Callable[..., RunConfig], tmp_path: Path
) -> None:
    config = followed("white-background", hidden_dim=4, classes="1", duration="2 steps", validation=0)
    run = run_experiment(config, tmp_path / "run")
    images = load_images(run.config.data)
    follower = Follower(run, images, QUIET)

    class Inverting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(()))

        def forward(self, x: torch.Tensor, _: torch.Tensor | None = None) -> torch.Tensor:
            return 1 - x * self.weight

    assert torch.equal(follower.draw(Inverting()).images, follower.inputs)
    assert len(follower.inputs) == 200


@pytest.mark.parametrize(
    ("count", "fields", "why"),
    [
        (39, {}, "needs at least 40 images to compare with (got 39)"),
        (300, {"features": "digits"}, "'digits' needs images of 1×28×28"),
        (300, {"features": "classifier"}, "has no labels"),
    ],
)
def test_a_run_that_cannot_be_evaluated_goes_on_and_says_so(
    count: int, fields: dict[str, object], why: str, followed: Callable[..., RunConfig], tmp_path: Path
) -> None:
    np.savez(tmp_path / "few.npz", images=np.random.default_rng(0).integers(0, 256, (count, 8, 8), dtype=np.uint8))
    said = io.StringIO()
    config = followed(data=str(tmp_path / "few.npz"), duration="8 steps", patience=1, **fields)
    run = run_experiment(config, tmp_path / "run", Progress(console=Console(file=said, width=200)))
    assert run.status().state == "finished"
    assert run.status().step == 8
    assert run.metrics() == []
    assert run.best() is None
    (line,) = [line for line in said.getvalue().splitlines() if "is not evaluated as it trains" in line]
    assert why in line
    assert len(run.generate(4)) == 4


@pytest.mark.parametrize(("count", "validation"), [(129, 0), (140, 0), (1000, 200)])
def test_few_images_are_enough_to_evaluate(
    count: int, validation: int, followed: Callable[..., RunConfig], tmp_path: Path
) -> None:
    np.savez(tmp_path / "few.npz", images=np.random.default_rng(0).integers(0, 256, (count, 8, 8), dtype=np.uint8))
    config = followed(data=str(tmp_path / "few.npz"), duration="4 steps", validation=validation)
    run = run_experiment(config, tmp_path / "run")
    assert len(run.metrics()) == 1
    assert all(math.isfinite(value) for value in run.metrics()[0].values() if isinstance(value, float))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "validation", "generated", "reference"),
    [(1000, 0, 200, 800), (300, 0, 150, 150), (1000, 200, 200, 200), (260, 0, 130, 130), (200, 0, 200, 200)],
)
def test_the_distance_and_its_baseline_are_of_as_many_images(
    count: int, validation: int, generated: int, reference: int, followed: Callable[..., RunConfig], tmp_path: Path
) -> None:
    """On both sides; of fewer than 258 there is no baseline, and nothing that shows a run stumbles over that."""
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", images=images)
    config = followed(
        data=str(tmp_path / "few.npz"), duration="8 steps", validation=validation, evaluate_count=200, test=0
    )
    console = Console(file=io.StringIO(), width=200)
    run = run_experiment(config, tmp_path / "run", Progress(console=console))
    follower = Follower(run, load_images(run.config.data), QUIET)
    assert len(follower.inputs) == run.metrics()[-1]["count"] == generated
    assert len(follower.reference.sample) == reference
    assert ("frechet_floor" in run.metrics()[-1]) == (follower.quality.floor is not None) == (count >= 258)
    if follower.quality.floor is not None:
        real = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (generated, 1, 8, 8), dtype=np.uint8))
        others = Comparison(follower.space(real), follower.reference)
        assert METRICS["frechet_distance"].measure(others) == pytest.approx(follower.quality.floor, rel=0.2)
    assert run.best() is not None and main(["runs", str(run.folder)]) == 0
    assert pocketgan.plot(run).save(tmp_path / "plots", "png")
    finish(run)
    assert print_run(run) == 0
    assert pocketgan.export(run, tmp_path / "model", format="safetensors", progress=False)


@pytest.mark.slow
def test_a_generator_that_draws_one_odd_training_image_is_measured(
    followed: Callable[..., RunConfig], tmp_path: Path
) -> None:
    """All that it draws lies in a cell of C_T in which nothing is held out."""
    images = np.random.default_rng(0).integers(0, 2, (1000, 8, 8), dtype=np.uint8) * 255
    kept = split_off(1000, 200)[1]
    order = torch.randperm(800, generator=torch.Generator().manual_seed(derived_seed(0, "following")))
    first = subsample(torch.arange(800.0)[:, None], CLUSTERED)[:3, 0].long()
    images[kept[order[first]].numpy()] = 128
    np.savez(tmp_path / "odd.npz", images=images)
    run = run_experiment(followed(data=str(tmp_path / "odd.npz"), duration="2 steps"), tmp_path / "run")
    state = create_state(run.config, image_shape(run.facts, False), "cpu")
    with torch.no_grad():
        for parameter in state.generator.parameters():
            parameter.zero_()
    follower = Follower(run, load_images(run.config.data), QUIET)
    assert (follower.draw(state.generator).images == 128).all()
    found = follower.measure(state)
    assert all(math.isfinite(value) for value in found.values() if isinstance(value, float))
    assert found["duplicates"] == 1


# The best checkpoint, and patience.


def test_the_best_checkpoint_is_the_row_with_the_lowest_distance(
    followed: Callable[..., RunConfig], measured: Callable[..., None], tmp_path: Path
) -> None:
    measured({4: 50, 8: 20, 12: 30, 16: 20, 20: 21, 24: 60})
    run = run_experiment(followed(), tmp_path / "run")
    lowest = min(run.metrics(), key=lambda row: row["frechet_distance"])
    counters = run.best()
    assert counters is not None
    assert counters["step"] == lowest["step"] == 8
    assert (counters["frechet_distance"], counters["frechet_floor"]) == (20, 0.1)
    at_its_step = read_checkpoint(run.folder / "checkpoints" / "step-000000008.safetensors")
    assert all(torch.equal(best(run).tensors[name], tensor) for name, tensor in at_its_step.tensors.items())


@pytest.mark.slow
def test_the_best_of_real_measurements(followed: Callable[..., RunConfig], tmp_path: Path) -> None:
    run = run_experiment(followed("mlp", ema_half_life="64 steps", evaluate_every="3 steps"), tmp_path / "run")
    lowest = min(run.metrics(), key=lambda row: row["frechet_distance"])
    counters = run.best()
    assert counters is not None
    assert {name: counters[name] for name in ("step", "nimg", "frechet_distance")} == {
        name: lowest[name] for name in ("step", "nimg", "frechet_distance")
    }


@pytest.fixture
def with_a_best(followed: Callable[..., RunConfig], measured: Callable[..., None], tmp_path: Path) -> Run:
    measured({8: 20})
    return run_experiment(followed(learning_rate=0.01), tmp_path / "run")


def test_generating_takes_the_best_unless_asked_otherwise(with_a_best: Run, tmp_path: Path) -> None:
    run = with_a_best
    made = {which: run.generate(4, checkpoint=which).images for which in ("auto", "best", "last", 8, "8", 24, 4)}
    for which in ("best", 8, "8"):
        assert np.array_equal(made["auto"], made[which]), which
    assert np.array_equal(made["last"], made[24])
    assert not np.array_equal(made["auto"], made["last"])
    assert not np.array_equal(made["auto"], made[4])
    assert np.array_equal(run.generate(4).images, made["best"])
    (run.folder / "checkpoints" / BEST).unlink()
    assert np.array_equal(run.generate(4).images, made["last"])
    with pytest.raises(RunError) as caught:
        run.generate(4, checkpoint="best")
    assert (caught.value.field, caught.value.key) == ("checkpoint", "no best")


def test_the_command_line_takes_a_checkpoint_by_name(
    with_a_best: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = {}
    for which in ("auto", "best", "last", "8"):
        out = tmp_path / f"{which}.png"
        assert main(["generate", str(with_a_best.folder), "--checkpoint", which, "--out", str(out)]) == 0
        pictures[which] = out.read_bytes()
    assert pictures["auto"] == pictures["best"] == pictures["8"] != pictures["last"]
    assert main(["generate", str(with_a_best.folder), "--checkpoint", "7"]) == 2
    assert "--checkpoint: there is no checkpoint '7'" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
@pytest.mark.parametrize("which", ["auto", "best"])
def test_a_damaged_best_is_one_line(
    which: str, damage: str, with_a_best: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    path = with_a_best.folder / "checkpoints" / BEST
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes({"cut": content[: len(content) // 2], "flip": content, "empty": b""}[damage])
    assert main(["generate", str(with_a_best.folder), "--checkpoint", which]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("error: --checkpoint: best.safetensors")
    assert "--checkpoint last" in err
    assert main(["generate", str(with_a_best.folder), "--checkpoint", "last"]) == 0


def test_the_best_is_no_step_to_resume_from(with_a_best: Run) -> None:
    assert [path.stem for path in with_a_best.checkpoints()] == [f"step-0000000{step:02}" for step in range(4, 25, 4)]
    assert resume_experiment(with_a_best.folder, "28 steps").status().step == 28


def test_patience_ends_a_run_early(
    followed: Callable[..., RunConfig], measured: Callable[..., None], tmp_path: Path
) -> None:
    measured({4: 50, 8: 20, 12: 30, 16: 20, 20: 21})
    said = io.StringIO()
    config = followed(patience=2, checkpoint_every="100 steps")
    run = run_experiment(config, tmp_path / "run", Progress(console=Console(file=said, width=200)))
    status = run.status()
    assert (status.state, status.step) == ("finished", 16)
    assert status.reason == {"key": "out of patience", "step": 16, "count": 2}
    assert status.message in said.getvalue()
    assert kinds(run) == [("patience", 16)]
    assert last(run).counters["step"] == 16
    assert run.checkpoints()[-1].name == "step-000000016.safetensors"
    counters = run.best()
    assert counters is not None and counters["step"] == 8


def test_a_new_best_restarts_patience(
    followed: Callable[..., RunConfig], measured: Callable[..., None], tmp_path: Path
) -> None:
    measured({4: 50, 8: 60, 12: 40, 16: 60, 20: 30, 24: 60})
    run = run_experiment(followed(patience=2), tmp_path / "run")
    assert (run.status().step, run.status().message) == (24, "")


@pytest.mark.slow
def test_a_run_that_patience_stopped_can_be_resumed(
    followed: Callable[..., RunConfig], measured: Callable[..., None], tmp_path: Path
) -> None:
    distances = {4: 20, 8: 30, 12: 31, 16: 10}
    measured(distances)
    run = run_experiment(followed(patience=2), tmp_path / "run")
    assert run.status().step == 12
    resumed = resume_experiment(run.folder)
    assert (resumed.status().state, resumed.status().step) == ("finished", 24)
    counters = resumed.best()
    assert counters is not None and counters["step"] == 16
    assert steps(resumed.metrics()) == [4, 8, 12, 16, 20, 24]
    whole = run_experiment(followed(), tmp_path / "whole")
    assert differing(last(resumed), last(whole)) == []


def test_patience_without_evaluations_is_refused(followed: Callable[..., RunConfig]) -> None:
    with refused("patience needs evaluation", "patience"):
        followed(patience=2, evaluate_every="none")


# Diagnoses, and what is done.


@pytest.mark.slow
def test_diagnoses_and_recoveries_are_recorded_once(
    followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    diagnosed(lambda step: ["mode_collapse"] if 8 <= step < 20 else [])
    said = io.StringIO()
    run = run_experiment(followed(), tmp_path / "run", Progress(console=Console(file=said, width=200)))
    assert run.status().state == "finished"
    assert kinds(run) == [("diagnosis", 8), ("recovery", 20)]
    assert run.events()[0] == {
        "step": 8,
        "event": "diagnosis",
        "name": "mode_collapse",
        "failure": True,
        "evidence": {"key": "still", "distance": 50.0, "times": 8},
    }
    assert run.events()[1] == {"step": 20, "event": "recovery", "name": "mode_collapse"}
    lines = said.getvalue()
    assert lines.count("Step 8: mode collapse: ") == lines.count("Step 20: resolved: mode collapse") == 1


def test_events_at_one_step_have_an_order_of_their_own(
    followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    """Not a set's, which is another one in every process, so that a resumed run would differ."""
    names = list(DIAGNOSES)
    diagnosed(lambda step: names if step == 4 else [])
    run = run_experiment(followed(duration="8 steps"), tmp_path / "run")
    found = [event["name"] for event in run.events()]
    assert found[: len(names)] == names
    assert found[len(names) :] in (names, sorted(names))


@pytest.mark.slow
def test_the_watchdog_sees_real_rows(followed: Callable[..., RunConfig], tmp_path: Path) -> None:
    """With a discriminator that learns alone, on thresholds that a tiny run reaches."""
    config = followed(
        "mlp",
        duration="80 steps",
        batch_size=32,
        learning_rate=1e-7,
        discriminator_learning_rate=0.01,
        evaluate_every="10 steps",
        checkpoint_every="100 steps",
    )
    run = run_experiment(config, tmp_path / "run")
    found = [event for event in run.events() if event.get("name") == "discriminator_won"]
    assert [event["event"] for event in found] == ["diagnosis"]
    assert found[0]["evidence"]["real"] > 0.99


def test_stop_on_failure_saves_and_can_be_resumed(
    followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    diagnosed(lambda step: ["mode_collapse"] if step >= 12 else [])
    config = followed(on_failure="stop", checkpoint_every="100 steps")
    with pytest.raises(Unhealthy, match=r"mode collapse: .* for 12 evaluations; try ") as caught:
        run_experiment(config, tmp_path / "run")
    assert "\n" not in str(caught.value)
    run = Run.open(tmp_path / "run")
    status = run.status()
    assert (status.state, status.step, status.message) == ("failed", 12, str(caught.value))
    assert status.reason["key"] == "failed, resume anyway"
    assert status.reason["command"] == f"pocketgan resume {run.folder}"
    assert why_ended(status.reason, "") == status.message
    with speaking("uk"):
        assert title("mode_collapse") in why_ended(status.reason, "") != status.message
    assert last(run).counters["step"] == 12
    assert steps(run.metrics()) == [4, 8, 12]
    assert run.stats()[-1]["step"] == 12
    resumed = resume_experiment(run.folder)
    assert (resumed.status().state, resumed.status().step) == ("finished", 24)
    assert kinds(resumed) == [("diagnosis", 12)]
    whole = run_experiment(followed(), tmp_path / "whole")
    assert differing(last(resumed), last(whole)) == []


@pytest.mark.slow
def test_stop_on_failure_is_exit_code_1(
    data: str, diagnosed: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diagnosed(lambda step: ["mode_collapse"] if step >= 8 else [])
    chosen = {**FOLLOWED, "data": data, "hidden_dim": 8, "sample_every": "end", "on_failure": "stop"}
    words = [word for name, value in chosen.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert main(["train", "minimal", *words, "--quiet", "--out", str(tmp_path / "run")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: mode collapse: ")
    assert err.count("\n") == 1
    assert main(["resume", str(tmp_path / "run"), "--quiet"]) == 0
    assert Run.open(tmp_path / "run").status().step == 24


@pytest.mark.slow
@pytest.mark.parametrize("on_failure", ["stop", "rollback"])
def test_warnings_are_not_acted_on(
    on_failure: str, followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    diagnosed(lambda step: ["stagnation"] if step >= 8 else [], failure=False)
    run = run_experiment(followed(on_failure=on_failure), tmp_path / "run")
    assert (run.status().state, run.status().step) == ("finished", 24)
    assert kinds(run) == [("diagnosis", 8)]


# Rolling back.


def fails_at(folder: Path, *moments: int) -> Callable[[int], list[str]]:
    """A failure at the first moment before any rollback, at the second after one, and so on."""
    return lambda step: ["mode_collapse"] if [step] == list(moments[rollbacks(folder) :][:1]) else []


@pytest.mark.slow
def test_rollback_goes_to_the_last_healthy_checkpoint(
    followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    diagnosed(fails_at(folder, 16))
    said = io.StringIO()
    config = followed("mlp", on_failure="rollback", watch_window=2, sample_every="4 steps")
    run = run_experiment(config, folder, Progress(console=Console(file=said, width=300)))
    assert (run.status().state, run.status().step) == ("finished", 24)
    assert kinds(run) == [("diagnosis", 16), ("rollback", 16)]
    rollback = run.events()[1]
    assert (rollback["to"], rollback["rate_scale"]) == (8, 0.5)
    assert (rollback["step"], rollback["to"], rollback["rate_scale"]) == (16, 8, 0.5)
    assert sentence(rollback) in said.getvalue()
    # What came after is put away, and made anew.
    away = folder / "abandoned" / "1"
    assert sorted(path.name for path in (away / "checkpoints").iterdir()) == [
        f"step-0000000{step}.safetensors" for step in (12, 16)
    ]
    assert [json.loads(line)["step"] for line in (away / "metrics.jsonl").read_text().splitlines()] == [12, 16]
    assert [json.loads(line)["step"] for line in (away / "stats.jsonl").read_text().splitlines()] == list(range(9, 17))
    assert sorted(path.suffix for path in (away / "samples").iterdir()) == [".json", ".json", ".png", ".png"]
    assert steps(run.metrics()) == [4, 8, 12, 16, 20, 24]
    assert steps(run.stats()) == list(range(1, 25))
    assert [path.stem for path in run.checkpoints()] == [f"step-0000000{step:02}" for step in range(4, 25, 4)]
    assert scale(run) == 0.5


@pytest.mark.slow
def test_rollback_trains_on_at_half_the_rate(
    followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    diagnosed(fails_at(folder, 16))
    config = followed("pocket", hidden_dim=4, on_failure="rollback", watch_window=2)
    run = run_experiment(config, folder)
    ends = []
    for factor in (0.5, 1.0):
        state = create_state(run.config, image_shape(run.facts, True), "cpu")
        restore(state, read_checkpoint(folder / "checkpoints" / "step-000000008.safetensors"))
        state.rate_scale = factor
        settings = run.config.train
        batches = Batches(
            load_images(run.config.data), run.config.data, batch_size=settings.batch_size, seed=0, device="cpu"
        )
        for _ in train(state, batches, run.config, run.plan):
            pass
        final = last(run).tensors
        ends.append(all(torch.equal(final[name], tensor) for name, tensor in state_tensors(state).items()))
    assert ends == [True, False]


@pytest.mark.slow
def test_the_scaled_rate_is_kept_by_resume(
    followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    diagnosed(fails_at(folder, 16))
    config = followed(on_failure="rollback", watch_window=2)
    resumed = resume_experiment(run_experiment(config, folder).folder, "32 steps")
    assert resumed.status().step == 32
    assert scale(resumed) == 0.5
    assert kinds(resumed) == [("diagnosis", 16), ("rollback", 16)]


@pytest.mark.slow
def test_without_a_healthy_checkpoint_a_run_goes_back_to_its_beginning(
    followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    diagnosed(fails_at(folder, 8))
    run = run_experiment(followed(on_failure="rollback", watch_window=2), folder)
    assert run.events()[1]["to"] == 0
    assert run.checkpoints()[0].name == "step-000000004.safetensors"
    assert len(list((folder / "abandoned" / "1" / "checkpoints").iterdir())) == 2
    assert scale(run) == 0.5
    assert run.status().step == 24


@pytest.mark.slow
def test_a_run_goes_back_three_times_at_most(
    followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    diagnosed(fails_at(folder, 12, 16, 20, 20))
    run = run_experiment(followed(on_failure="rollback", watch_window=2), folder)
    assert (run.status().state, run.status().step) == ("finished", 24)
    back = [event for event in run.events() if event["event"] == "rollback"]
    assert [(event["step"], event["to"], event["rate_scale"]) for event in back] == [
        (12, 4, 0.5),
        (16, 8, 0.25),
        (20, 12, 0.125),
    ]
    assert sorted(path.name for path in (folder / "abandoned").iterdir()) == ["1", "2", "3"]
    assert scale(run) == 0.125
    assert kinds(run)[-2:] == [("diagnosis", 20), ("recovery", 24)], "the fourth failure is only named"


@pytest.mark.slow
def test_a_failure_that_is_there_again_at_once_is_acted_on_again(
    followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    diagnosed(lambda step: ["mode_collapse"])
    run = run_experiment(followed(on_failure="rollback", watch_window=2), tmp_path / "run")
    assert rollbacks(run.folder) == 3
    assert scale(run) == 0.125


@pytest.mark.slow
def test_a_failure_at_the_end_is_named_and_the_run_is_finished(
    followed: Callable[..., RunConfig], diagnosed: Callable[..., None], tmp_path: Path
) -> None:
    for on_failure in ("stop", "rollback"):
        diagnosed(lambda step: ["mode_collapse"] if step == 24 else [])
        run = run_experiment(followed(on_failure=on_failure), tmp_path / on_failure)
        assert run.status().state == "finished"
        assert kinds(run) == [("diagnosis", 24)]


def test_the_best_outlives_a_rollback(
    followed: Callable[..., RunConfig],
    measured: Callable[..., None],
    diagnosed: Callable[..., None],
    tmp_path: Path,
) -> None:
    measured({4: 50, 8: 40, 12: 10, 16: 60})
    diagnosed(fails_at(tmp_path / "run", 16))
    run = run_experiment(followed(on_failure="rollback", watch_window=2), tmp_path / "run")
    counters = run.best()
    assert counters is not None and (counters["step"], counters["frechet_distance"]) == (12, 10)
    assert counters["rate_scale"] == 1.0
    assert len(run.generate(4)) == 4


# Losses that aren't finite.


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the loss at a step not finite, as long as the rate is the first one."""
    original = training.check_finite

    def patch(step: int) -> None:
        def check(state: TrainState, measures: dict[str, float]) -> None:
            if state.step == step and state.rate_scale == 1:
                raise NonFiniteLoss("loss not finite", loss="g_loss is nan", step=step)
            original(state, measures)

        monkeypatch.setattr(training, "check_finite", check)

    return patch


@pytest.mark.slow
def test_a_loss_that_is_not_finite_is_rolled_back(
    followed: Callable[..., RunConfig],
    breaks: Callable[[int], None],
    diagnosed: Callable[..., None],
    tmp_path: Path,
) -> None:
    diagnosed(lambda step: [])
    breaks(14)
    run = run_experiment(followed(on_failure="rollback", watch_window=2), tmp_path / "run")
    assert (run.status().state, run.status().step) == ("finished", 24)
    named, back = run.events()[:2]
    assert (named["event"], named["name"], named["failure"], named["step"]) == ("diagnosis", "non_finite", True, 14)
    assert named["evidence"] == {"key": "loss", "loss": "g_loss is nan", "step": 14}
    assert (back["event"], back["step"], back["to"], back["rate_scale"]) == ("rollback", 14, 12, 0.5)
    assert steps(run.stats()) == list(range(1, 25))
    assert steps(run.metrics()) == [4, 8, 12, 16, 20, 24]
    assert scale(run) == 0.5


def test_a_gradient_that_is_not_finite_is_rolled_back_to_before_it(
    followed: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(_: Follower, state: TrainState) -> dict[str, Any]:
        gradient = math.inf if state.step == 12 and state.rate_scale == 1 else 0.5
        return {"frechet_floor": 0.1, "frechet_distance": 50.0 - state.step, "generator_gradient": gradient}

    monkeypatch.setattr(Follower, "measure", measure)
    run = run_experiment(followed(on_failure="rollback", watch_window=2), tmp_path / "run")
    assert '"generator_gradient": null' in (run.folder / "abandoned" / "1" / "metrics.jsonl").read_text()
    back = [(event["step"], event["to"]) for event in run.events() if event["event"] == "rollback"]
    assert back == [(12, 8)]


@pytest.mark.slow
@pytest.mark.parametrize("on_failure", ["continue", "stop"])
def test_a_loss_that_is_not_finite_ends_a_run_that_does_not_go_back(
    on_failure: str,
    followed: Callable[..., RunConfig],
    breaks: Callable[[int], None],
    diagnosed: Callable[..., None],
    tmp_path: Path,
) -> None:
    diagnosed(lambda step: [])
    breaks(14)
    with pytest.raises(NonFiniteLoss, match=r"near step 14; .* step-000000012\.safetensors is kept; .*--learning-rate"):
        run_experiment(followed(on_failure=on_failure), tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert run.status().state == "failed"
    assert kinds(run) == [("diagnosis", 14)]


@pytest.mark.slow
def test_a_rate_that_stays_too_large_fails_after_three_rollbacks(
    followed: Callable[..., RunConfig], tmp_path: Path
) -> None:
    config = followed(
        hidden_dim=32, depth=16, objective="wasserstein", learning_rate=1.0, on_failure="rollback", duration="400 steps"
    )
    with pytest.raises(RunFailed, match="--learning-rate"):
        run_experiment(config, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert run.status().state == "failed"
    names = [event.get("name", event["event"]) for event in run.events() if event["event"] != "recovery"]
    assert names.count("rollback") == 3
    assert names[-1] == "non_finite"
    for path in run.checkpoints():
        saved = read_checkpoint(path)
        assert all(tensor.isfinite().all() for tensor in saved.tensors.values() if tensor.is_floating_point())
    assert scale(run) == 0.125
    assert len(run.generate(2)) == 2


# Interrupted and resumed equals uninterrupted.


class Killed(BaseException):
    """What ends a run at once, as SIGKILL does."""


def killing(monkeypatch: pytest.MonkeyPatch, place: str, after: int, *, first: bool) -> None:
    """Ends the run at the `after`-th call of the function at `place`, before or after it did its work."""
    module, _, name = place.rpartition(".")
    target: Any = Run if module == "Run" else sys.modules[f"pocketgan.{module}"]
    original, calls = getattr(target, name), iter(range(1, 10_000))

    def wrapped(*arguments: Any, **options: Any) -> Any:
        due = next(calls) == after
        if due and first:
            raise Killed
        result = original(*arguments, **options)
        if due:
            raise Killed
        return result

    monkeypatch.setattr(target, name, wrapped)


def run_until_killed(
    monkeypatch: pytest.MonkeyPatch, config: RunConfig, folder: Path, place: str, after: int, *, first: bool
) -> None:
    with monkeypatch.context() as patch:
        killing(patch, place, after, first=first)
        with pytest.raises(Killed):
            run_experiment(config, folder)


def assert_the_same_run(resumed: Run, whole: Run) -> None:
    assert without_seconds(resumed.metrics()) == without_seconds(whole.metrics())
    assert steps(resumed.stats()) == steps(whole.stats())

    def told(run: Run) -> list[dict[str, str]]:
        folder = str(run.folder)
        return [{name: str(value).replace(folder, "RUN") for name, value in row.items()} for row in run.events()]

    assert told(resumed) == told(whole)
    assert differing(last(resumed), last(whole)) == []
    assert differing(best(resumed), best(whole)) == []
    assert resumed.status().state == whole.status().state
    assert resumed.status().step == whole.status().step


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], Run]], Run]:
    """Trains a run that several tests compare theirs with once: `once(name, train)`, where `train` takes its folder."""
    known: dict[str, Run] = {}

    def run(name: str, train: Callable[[Path], Run]) -> Run:
        if name not in known:
            known[name] = train(tmp_path_factory.mktemp("once") / "run")
        return known[name]

    return run


MOMENTS = [
    (place, after, first)
    for place, count in (
        ("experiment.experiment.mark", 24),
        ("experiment.experiment.save_checkpoint", 6),
        ("experiment.monitor.save_checkpoint", 2),
        ("Run.log_metrics", 6),
        ("Run.log_event", 3),
        ("Run.log", 24),
    )
    for after in sorted(random.Random(place).sample(range(1, count + 1), 2))
    for first in (True, False)
]


@pytest.mark.slow
@pytest.mark.parametrize(("place", "after", "first"), MOMENTS)
def test_killed_anywhere_and_resumed_is_the_same_run(
    place: str,
    after: int,
    first: bool,
    followed: Callable[..., RunConfig],
    diagnosed: Callable[..., None],
    once: Callable[[str, Callable[[Path], Run]], Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {8: ["stagnation"], 12: ["stagnation", "mode_collapse"], 16: ["mode_collapse"], 20: ["mode_collapse"]}
    diagnosed(lambda step: wrong.get(step, []), failure=False)
    config = followed("mlp", ema_half_life="64 steps", checkpoint_every="3 steps")
    whole = once("killed anywhere", lambda folder: run_experiment(config, folder))
    run_until_killed(monkeypatch, config, tmp_path / "killed", place, after, first=first)
    assert_the_same_run(resume_experiment(tmp_path / "killed"), whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "after", "first"),
    [
        ("experiment.experiment.mark", 17, False),
        ("experiment.experiment.mark", 20, True),
        ("Run.log_metrics", 5, False),
        ("Run.log_metrics", 7, True),
        ("experiment.experiment.save_checkpoint", 6, False),
        ("Run.log_event", 4, False),
    ],
)
def test_killed_after_a_rollback_keeps_what_happened(
    place: str,
    after: int,
    first: bool,
    followed: Callable[..., RunConfig],
    diagnosed: Callable[..., None],
    once: Callable[[str, Callable[[Path], Run]], Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = followed("mlp", on_failure="rollback", watch_window=2)

    def train(folder: Path) -> Run:
        diagnosed(fails_at(folder, 16, 20))
        return run_experiment(config, folder)

    whole = once("two rollbacks", train)
    assert rollbacks(whole.folder) == 2
    diagnosed(fails_at(tmp_path / "killed", 16, 20))
    run_until_killed(monkeypatch, config, tmp_path / "killed", place, after, first=first)
    resumed = resume_experiment(tmp_path / "killed")
    assert_the_same_run(resumed, whole)
    assert scale(resumed) == 0.25
    assert sorted(path.name for path in (resumed.folder / "abandoned").iterdir()) == ["1", "2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "after", "first"),
    [
        ("experiment.experiment.abandon", 1, True),
        ("experiment.experiment.abandon", 1, False),
        ("runs.rewinding.write_rows", 2, False),
        ("runs.rewinding.write_rows", 4, False),
        ("Run.log_event", 2, True),
        ("experiment.experiment.fresh_state", 3, True),
    ],
)
def test_killed_while_rolling_back_loses_nothing(
    place: str,
    after: int,
    first: bool,
    followed: Callable[..., RunConfig],
    diagnosed: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It goes on from some checkpoint, with rows that fit it: none twice, none missing."""
    config = followed("mlp", on_failure="rollback", watch_window=2)
    diagnosed(fails_at(tmp_path / "run", 16))
    run_until_killed(monkeypatch, config, tmp_path / "run", place, after, first=first)
    resumed = resume_experiment(tmp_path / "run")
    assert (resumed.status().state, resumed.status().step) == ("finished", 24)
    assert steps(resumed.stats()) == list(range(1, 25))
    assert steps(resumed.metrics()) == [4, 8, 12, 16, 20, 24]
    assert [path.stem for path in resumed.checkpoints()] == [f"step-0000000{step:02}" for step in range(4, 25, 4)]
    assert scale(resumed) == 0.5 ** rollbacks(resumed.folder)


@pytest.mark.slow
def test_killed_after_a_loss_that_was_not_finite_tells_the_same(
    followed: Callable[..., RunConfig],
    breaks: Callable[[int], None],
    diagnosed: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    diagnosed(lambda step: [])
    breaks(14)
    config = followed(on_failure="rollback", watch_window=2)
    whole = run_experiment(config, tmp_path / "whole")
    run_until_killed(monkeypatch, config, tmp_path / "killed", "experiment.experiment.mark", 15, first=False)
    assert rollbacks(tmp_path / "killed") == 1
    assert_the_same_run(resume_experiment(tmp_path / "killed"), whole)


@pytest.mark.slow
def test_a_failure_after_a_resume_after_a_loss_that_was_not_finite_goes_back_before_the_window(
    followed: Callable[..., RunConfig],
    breaks: Callable[[int], None],
    diagnosed: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaks(14)
    diagnosed(lambda step: ["mode_collapse"] if step == 16 and rollbacks(tmp_path / "run") == 1 else [])
    config = followed(on_failure="rollback", watch_window=2)
    run_until_killed(monkeypatch, config, tmp_path / "run", "experiment.experiment.mark", 14, first=False)
    assert rollbacks(tmp_path / "run") == 1
    run = resume_experiment(tmp_path / "run")
    back = [(event["step"], event["to"]) for event in run.events() if event["event"] == "rollback"]
    assert back == [(14, 12), (16, 8)]


@pytest.mark.slow
def test_patience_after_a_kill_stops_at_the_same_step(
    followed: Callable[..., RunConfig],
    measured: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured({4: 50, 8: 20, 12: 30, 16: 21})
    config = followed(patience=2)
    whole = run_experiment(config, tmp_path / "whole")
    assert whole.status().step == 16
    for number, (place, after) in enumerate(
        (("experiment.experiment.mark", 9), ("Run.log_metrics", 3), ("experiment.experiment.mark", 15))
    ):
        run_until_killed(monkeypatch, config, tmp_path / str(number), place, after, first=False)
        resumed = resume_experiment(tmp_path / str(number))
        assert_the_same_run(resumed, whole)
        assert resumed.status().message == whole.status().message


@pytest.mark.slow
@pytest.mark.parametrize("place", ["experiment.experiment.mark", "Run.log_event"])
def test_killed_as_patience_ended_it_stops_at_the_same_step(
    place: str,
    followed: Callable[..., RunConfig],
    measured: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured({4: 50, 8: 20, 12: 30, 16: 21})
    config = followed(patience=2)
    whole = run_experiment(config, tmp_path / "whole")
    run_until_killed(monkeypatch, config, tmp_path / "killed", place, 16 if place.endswith("mark") else 1, first=True)
    assert_the_same_run(resume_experiment(tmp_path / "killed"), whole)


@pytest.fixture
def interrupting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    def patch(step: int) -> None:
        original = Run.log

        def log(run: Run, tick: Any) -> None:
            original(run, tick)
            if tick.step == step:
                os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr(Run, "log", log)

    yield patch
    monkeypatch.undo()


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 7, 8, 17])
def test_stopped_by_a_signal_and_resumed_is_the_same_run(
    step: int,
    followed: Callable[..., RunConfig],
    interrupting: Callable[[int], None],
    once: Callable[[str, Callable[[Path], Run]], Run],
    tmp_path: Path,
) -> None:
    config = followed("pocket", hidden_dim=4)
    whole = once("to be stopped", lambda folder: run_experiment(config, folder))
    interrupting(step)
    stopped = run_experiment(config, tmp_path / "stopped")
    assert (stopped.status().state, stopped.status().step) == ("interrupted", step + 1)
    assert_the_same_run(resume_experiment(stopped.folder), whole)


@pytest.mark.slow
def test_killed_for_real_and_resumed_is_the_same_run(data: str, tmp_path: Path) -> None:
    """SIGKILL at random moments, in processes of their own."""
    chosen = {**FOLLOWED, "data": data, "hidden_dim": 16, "batch_size": 8, "sample_every": "end", "watch_window": 2}
    chosen |= {"duration": "160 steps", "evaluate_every": "7 steps", "checkpoint_every": "10 steps"}
    whole = pocketgan.train("mlp", out=tmp_path / "whole", progress=False, **chosen)
    killed, moments = tmp_path / "killed", random.Random(3)
    flags = [word for name, value in chosen.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    words = ["train", "mlp", *flags, "--out", str(killed)]
    for _ in range(2):
        process = Fork(words)
        rows, wanted = killed / "metrics.jsonl", moments.randint(2, 4)
        before = len(rows.read_text().splitlines()) if rows.exists() else 0
        while process.poll() is None and not (rows.exists() and len(rows.read_text().splitlines()) >= before + wanted):
            time.sleep(0.002)
        time.sleep(moments.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.close()
        words = ["resume", str(killed)]
    assert_the_same_run(pocketgan.resume(killed, progress=False), whole)


@pytest.mark.slow
def test_a_finished_run_is_resumed_without_a_change(followed: Callable[..., RunConfig], tmp_path: Path) -> None:
    run = run_experiment(followed("mlp"), tmp_path / "run")
    shutil.copytree(run.folder, tmp_path / "copy")
    again = resume_experiment(tmp_path / "copy")
    assert_the_same_run(again, run)
    assert again.metrics() == run.metrics()


@pytest.mark.slow
def test_a_longer_run_is_followed_on(followed: Callable[..., RunConfig], tmp_path: Path) -> None:
    run = run_experiment(followed("mlp"), tmp_path / "run")
    longer = resume_experiment(run.folder, "32 steps")
    whole = run_experiment(followed("mlp", duration="32 steps"), tmp_path / "whole")
    assert_the_same_run(longer, whole)
