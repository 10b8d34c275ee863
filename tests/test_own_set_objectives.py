"""Objectives of one's own without a discriminator: from a file, from a package and in Python."""

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import Tensor

import pocketgan
from pocketgan import SetObjective
from pocketgan.api.checks import check
from pocketgan.base.errors import RunFailed
from pocketgan.cli.main import main
from pocketgan.config import parts
from pocketgan.config.code import load_code
from pocketgan.config.fields import replace, validated
from pocketgan.config.plan import make_plan
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.experiment import resume_experiment, run_experiment
from pocketgan.images.batches import Batches
from pocketgan.images.sets import ImageSet
from pocketgan.networks import ImageShape
from pocketgan.runs.run import Run
from pocketgan.testing import check_objective
from pocketgan.training.checkpoints import read_checkpoint
from pocketgan.training.objectives import SET_OBJECTIVES, Objective, set_objective_of
from pocketgan.training.state import create_state
from pocketgan.training.steps import train
from refusals import refused

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "own_parts" / "mmd.py"
SMALL = ["--hidden-dim=4", "--latent-dim=6", "--batch-size=40", "--checkpoint-every=2 steps"]
SHORT = [*SMALL, "--log-every=1 step", "--evaluate-every=none", "--sample-every=end", "--threads=1", "-q"]
Config = Callable[..., RunConfig]


def nearness(made: Tensor, real: Tensor) -> Tensor:
    """The squared distance between the means of both sets, for each class."""
    return (made.mean(dim=1) - real.mean(dim=1)).square().mean(dim=1)


near = SetObjective(nearness, unit="pixels", name="near")


def test_it_is_named_as_any_own_part(tiny_config: Config) -> None:
    config = tiny_config("drifting", objective=near)
    assert config.objective.objective == "notebook:near"
    assert not config.has_discriminator and config.facts("objective").unit == "pixels"
    assert set_objective_of(config) is near
    assert parts.name_of("objective", SetObjective(nearness, name="apart")) == "notebook:apart"
    with parts.own_table():
        assert validated(json.loads(config.model_dump_json())) == config, "its run is read without the code"
    with refused("discriminator idle", "discriminator"):
        tiny_config("minimal", objective=near)
    assert not tiny_config("minimal", objective=near, discriminator="none").has_discriminator


def test_an_entry_point_of_an_installed_package_is_one(tiny_config: Config) -> None:
    point = EntryPoint("near", f"{__name__}:near", "pocketgan.objectives")
    with patch.object(parts, "installed", lambda kind: [point] if kind == "objective" else []):
        assert "near" in parts.names("objective")
        assert set_objective_of(tiny_config("drifting", objective="near")) is near


def test_by_file_it_trains_and_resumes_bit_for_bit(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "drifting", f"--objective={EXAMPLE}:mmd", *SHORT, f"--data={data}"]
    assert main([*words, "--duration=4 steps", "--out=whole"]) == 0
    config = Run.open("whole").config
    assert config.objective.objective == "mmd.py:mmd" and not config.parts["objective"].needs_discriminator
    assert (tmp_path / "whole" / "code" / "mmd.py").read_text() == EXAMPLE.read_text()
    assert main([*words, "--duration=2 steps", "--out=half"]) == 0
    with parts.own_table():
        monkeypatch.delenv("POCKETGAN_CODE")
        capsys.readouterr()
        assert main(["resume", "half", "--duration=4 steps", "-q"]) == 2
        assert "--code mmd.py" in capsys.readouterr().err
        assert main(["resume", "half", "--duration=4 steps", "--code", str(EXAMPLE), "-q"]) == 0
    whole, half = (read_checkpoint(Run.open(name).checkpoints()[-1]).tensors for name in ("whole", "half"))
    assert whole.keys() == half.keys() and all(torch.equal(whole[name], half[name]) for name in whole)


@pytest.mark.slow
def test_its_run_is_exported_and_generates(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--objective", f"{EXAMPLE}:mmd", *SHORT, f"--data={data}", "--duration=2 steps", "--out=whole"]
    assert main(["train", "drifting", *words]) == 0
    pocketgan.export("whole", tmp_path / "model")
    assert "`mmd.py:mmd`, without a discriminator" in (tmp_path / "model" / "README.md").read_text()
    with parts.own_table():
        assert main(["generate", "whole", "-n", "4", "-o", "4.npz", "--code", str(EXAMPLE)]) == 0
    assert np.load("4.npz")["images"].shape == (4, 1, 28, 28)


def test_in_python_it_trains(data: Path) -> None:
    loop = pocketgan.steps("drifting", objective=near, data=str(data), hidden_dim=4, batch_size=40, duration="2 steps")
    assert [tick.step for tick in loop] == [2]


@pytest.mark.slow
def test_the_processes_of_a_study_have_it(data: Path, tmp_path: Path) -> None:
    settings = {"hidden_dim": 4, "batch_size": 40, "data": str(data), "evaluate_every": "none", "sample_every": "end"}
    study = pocketgan.study(
        {
            "name": "own", "recipe": "drifting", "seeds": 1, "fresh_seeds": 0, "duration": "3 steps",
            "settings": settings, "factors": {"objective": ["drifting", near]}, "count": 200,
            "metrics": ["frechet_distance"], "features": "random", "against": "train",
        },
        out=tmp_path / "study", jobs=2, progress=False,
    )  # fmt: skip
    assert [one.state for found in study.results().values() for one in found if one] == ["finished", "finished"]


def test_the_example_brings_the_generator_to_the_images_of_each_class(tiny_config: Config) -> None:
    """Class 0 is dark and class 1 is bright; a few steps bring the generator there, and the loss falls."""
    random = torch.Generator().manual_seed(0)
    images = torch.cat([torch.full((8, 1, 8, 8), 20), torch.full((8, 1, 8, 8), 230)]).to(torch.uint8)
    images += torch.randint(10, images.shape, generator=random, dtype=torch.uint8)
    data = ImageSet(images, torch.arange(16) // 8, ("dark", "bright"), "tiny")
    load_code(EXAMPLE)
    few = {"batch_size": 256, "duration": "60 steps", "ema_half_life": "none", "schedule": "constant"}
    config = tiny_config("drifting", objective="mmd.py:mmd", **few)
    state = create_state(config, ImageShape(1, 8, 2), "cpu")
    batches = Batches(data, config.data, batch_size=256, seed=0, device="cpu")
    losses = [tick.measures["g_loss"] for tick in train(state, batches, config, make_plan(config, 16))]
    assert losses[-1] < losses[0] - 0.1
    with torch.no_grad():
        made = state.generator.eval()(torch.randn(8, 6), torch.arange(8) % 2).flatten(1).mean(dim=1)
    assert (made[::2] < -0.5).all() and (made[1::2] > 0.5).all()


# Mistakes.

MISTAKES = {
    "equal_numbers": ("return (made - real).square().mean()", "set loss fails", "mine.py, line 5: RuntimeError"),
    "root_of_zero": (
        "return (made[:, :, None] - made[:, None]).square().sum(dim=3).sqrt().mean()",
        "set gradient not finite",
        "",
    ),
    "division": ("return made.mean() / real.std(dim=1).mean()", "set loss not finite", ""),
    "number": ("return made.detach().mean().item()", "loss kind", "float"),
    "detached": ("return made.detach().mean()", "set loss without gradient", ""),
    "per_image": ("return made.mean(dim=2)", "set loss shape", "(2, 4)"),
}


def source(body: str) -> str:
    """Returns a file with an objective whose loss has this body; that is line 5."""
    return f"from pocketgan import SetObjective\n\n\ndef loss(made, real):\n    {body}\n\n\nmine = SetObjective(loss)\n"


@pytest.mark.parametrize("name", MISTAKES)
def test_check_says_what_to_mend_in_one_line(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body, key, words = MISTAKES[name]
    (tmp_path / "mine.py").write_text(source(body))
    (report,) = check(tmp_path / "mine.py")
    (problem,) = report.problems
    assert (report.kind, report.name) == ("objective", "mine.py:mine")
    assert getattr(problem.problem, "key", None) == key and words in problem.problem
    assert "\n" not in problem.problem
    assert main(["check", str(tmp_path / "mine.py")]) == 1
    assert sum("to mend" in line for line in capsys.readouterr().out.splitlines()[:-1]) == 1


@pytest.mark.parametrize("name", ["number", "detached"])
def test_a_loss_that_nothing_can_be_trained_with_stops_the_run_in_one_line(
    name: str, data: Path, tmp_path: Path, tiny_config: Config
) -> None:
    (tmp_path / "mine.py").write_text(source(MISTAKES[name][0]))
    load_code(tmp_path / "mine.py")
    config = tiny_config("drifting", data=str(data), objective="mine.py:mine")
    with pytest.raises(RunFailed) as caught:
        run_experiment(config, tmp_path / "run")
    assert caught.value.parts["why"].parts["why"].key == "no set loss"
    assert "--changed-code" in str(caught.value) and "\n" not in str(caught.value)
    assert Run.open(tmp_path / "run").status().state == "failed"


def test_an_error_in_the_loss_names_the_line(data: Path, tmp_path: Path, tiny_config: Config) -> None:
    (tmp_path / "mine.py").write_text(source(MISTAKES["equal_numbers"][0]))
    load_code(tmp_path / "mine.py")
    with pytest.raises(RunFailed) as caught:
        run_experiment(tiny_config("drifting", data=str(data), objective="mine.py:mine"), tmp_path / "run")
    assert "mine.py, line 5: RuntimeError" in str(caught.value)
    (tmp_path / "mine.py").write_text(source("return (made.mean(dim=1) - real.mean(dim=1)).square().mean()"))
    with parts.own_table():
        load_code(tmp_path / "mine.py")
        assert resume_experiment(tmp_path / "run", changed_code=True).status().state == "finished"


def test_the_packages_own_pass_the_checks() -> None:
    for objective in (*SET_OBJECTIVES.values(), near):
        check_objective(objective)
    with pytest.raises(AssertionError):
        check_objective(SetObjective(lambda made, real: made))
    assert replace(recipe("mlp"), objective=Objective(lambda r, f: r, lambda r, f: f)).has_discriminator
