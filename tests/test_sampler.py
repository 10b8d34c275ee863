"""What the discriminator says of the sample pictures: beside each, right, and without touching training."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pocketgan.config.sections import RunConfig
from pocketgan.experiment.experiment import run_experiment
from pocketgan.experiment.sample_files import Sampler, rounded, sureness
from pocketgan.runs.run import Run
from pocketgan.training.checkpoints import read_checkpoint
from pocketgan.training.objectives import OBJECTIVES


def judged(run: Run) -> list[dict]:
    return [json.loads(sample.path.with_suffix(".json").read_text()) for sample in run.samples()]


@pytest.fixture(scope="module")
def made(tiny_config: Callable[..., RunConfig], tmp_path_factory: pytest.TempPathFactory) -> Run:
    config = tiny_config("minimal", duration="4 steps", sample_every="2 steps", sample_count=5)
    return run_experiment(config, tmp_path_factory.mktemp("made") / "run")


def test_every_picture_has_its_judgement(made: Run) -> None:
    found = judged(made)
    assert [row["step"] for row in found] == [2, 4]
    for row in found:
        assert len(row["logits"]) == len(row["real"]) == 5
        assert row["boundary"] == 0.0
        for logit, sure in zip(row["logits"], row["real"], strict=True):
            assert sure == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-3)


def test_the_judgement_of_training_that_moves_on_changes(made: Run) -> None:
    first, last = judged(made)
    assert first["logits"] != last["logits"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pocket", "dcgan", "white-background", "mlp"])
def test_judging_changes_no_bit_of_training(
    name: str, tiny_config: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(name, duration="4 steps", sample_every="1 steps", sample_count=4, augment="translation")
    with_it = run_experiment(config, tmp_path / "with")
    monkeypatch.setattr(Sampler, "write", lambda *_: None)
    without = run_experiment(config, tmp_path / "without")
    first, second = (read_checkpoint(run.checkpoints()[-1]) for run in (with_it, without))
    assert len(with_it.samples()) == 4 and not without.samples()
    assert first.tensors.keys() == second.tensors.keys()
    assert all(torch.equal(first.tensors[key], second.tensors[key]) for key in first.tensors)


def test_a_game_without_a_boundary_takes_the_middle_between_real_and_generated(
    tiny_config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    run = run_experiment(tiny_config("pocket", sample_count=6), tmp_path / "run")
    (row,) = judged(run)
    assert row["boundary"] != 0.0
    expected = [1 / (1 + math.exp(row["boundary"] - logit)) for logit in row["logits"]]
    assert row["real"] == pytest.approx(expected, abs=1e-3)


def test_what_is_not_finite_is_null() -> None:
    assert rounded(torch.tensor([1.23456, float("inf"), float("nan")])) == [1.235, None, None]


def test_least_squares_aims_at_zero_and_one_itself() -> None:
    logits = torch.tensor([-0.5, 0.25, 2.0])
    assert sureness(logits, 0.5, OBJECTIVES["least_squares"]).tolist() == [0.0, 0.25, 1.0]
    assert sureness(logits, 0.25, OBJECTIVES["hinge"])[1].item() == 0.5
