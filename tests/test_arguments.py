"""What a person hands over that can't be meant: one line each, and nothing is made."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pocketgan
from pocketgan.base.errors import ConfigError, NonFiniteLoss, nearest
from pocketgan.cli.flags import read_config
from pocketgan.cli.main import main
from pocketgan.config.fields import flatten, replace
from pocketgan.config.idle import idle_settings
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.experiment import failed, settled
from pocketgan.pictures.directions import signed
from pocketgan.runs.records import DataFacts
from pocketgan.runs.run import Run
from pocketgan.runs.weights import image_shape
from pocketgan.training.state import create_state
from refusals import refused


@pytest.fixture(scope="module")
def noise(small_runs: Path) -> Run:
    return Run.open(small_runs / "noise")


@pytest.mark.parametrize(
    ("call", "key", "field"),
    [
        (lambda run: run.generate(1.5), "refused", "count"),
        (lambda run: run.generate(True), "refused", "count"),
        (lambda run: run.generate(4, seed=1.5), "refused", "seed"),
        (lambda run: run.generate(4, seed=3.0), "refused", "seed"),
        (lambda run: run.generate(4, seed="a"), "refused", "seed"),
        (lambda run: run.generate(4, truncation="0.7"), "refused", "truncation"),
        (lambda run: run.generate(4, truncation=float("nan")), "refused", "truncation"),
        (lambda run: run.generate(4).picture(theme="pink"), "not one of", "theme"),
        (lambda run: pocketgan.interpolate(run, 3), "seeds to interpolate", "seeds"),
        (lambda run: pocketgan.interpolate(run, "35"), "refused", "seeds"),
        (lambda run: pocketgan.interpolate(run, [0, 1.5]), "refused", "seeds"),
        (lambda run: pocketgan.interpolate(run, [0, 1], frames=2.5), "refused", "frames"),
        (lambda run: pocketgan.interpolate(run, [0, 1], fps="a"), "frame rate", "fps"),
        (lambda run: pocketgan.find_directions(run, 2).shift([1, 2, 3]), "steps along directions", "steps"),
        (lambda run: pocketgan.find_directions(run, 2).shift([float("nan")]), "refused", "steps"),
        (lambda run: pocketgan.walk_directions(run, pocketgan.find_directions(run, 2), reach=0), "refused", "reach"),
        (lambda run: pocketgan.walk_directions(run, pocketgan.find_directions(run, 2), steps=2.5), "refused", "steps"),
        (lambda run: pocketgan.plot(run, run), "run named twice", "run"),
    ],
)
def test_a_wrong_argument_is_an_error_with_its_name(
    noise: Run, call: Callable[[Run], Any], key: str, field: str
) -> None:
    with refused(key, field):
        call(noise)


def test_numbers_of_other_libraries_are_numbers(noise: Run) -> None:
    assert np.array_equal(noise.generate(np.int64(2), seed=np.int32(3)).images, noise.generate(2, seed=3).images)
    directions = pocketgan.find_directions(noise, 2)
    assert directions.shift(2.0).equal(directions.shift(np.array([2.0])))


def test_what_is_made_shows_itself_in_a_line(noise: Run) -> None:
    assert repr(pocketgan.interpolate(noise, [0, 1], frames=3)) == "Film(4 moments of 1 images, 1×28×28)"
    assert repr(pocketgan.find_directions(noise, 2)).startswith("Directions(2 of ")


@pytest.mark.parametrize(
    ("place", "written"), [(0.0, "0"), (2.25, "+2.25"), (-0.75, "−0.75"), (3.0, "+3"), (-1.5, "−1.5"), (10.0, "+10")]
)
def test_a_distance_is_written_with_its_sign(place: float, written: str) -> None:
    assert signed(place) == written


# Pictures of an earlier call.


def test_fewer_pictures_of_all_classes_do_not_lie_among_earlier_ones(small_runs: Path, tmp_path: Path) -> None:
    run = Run.open(small_runs / "told")
    run.generate(4).save(tmp_path / "pictures")
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    with refused("other pictures", "out"):
        run.generate(1).save(tmp_path / "pictures")
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == names
    run.generate(4, seed=5).save(tmp_path / "pictures")
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == names


def test_a_folder_is_filled_class_by_class(small_runs: Path, tmp_path: Path) -> None:
    run = Run.open(small_runs / "told")
    for label in ("3", "8", "3"):
        run.generate(2, label=label).save(tmp_path / "classes")
    assert len(list((tmp_path / "classes").iterdir())) == 4


def test_pictures_with_and_without_classes_are_not_mixed(small_runs: Path, noise: Run, tmp_path: Path) -> None:
    Run.open(small_runs / "told").generate(2).save(tmp_path / "mixed")
    with refused("other pictures", "out"):
        noise.generate(2).save(tmp_path / "mixed")


def test_pictures_of_ones_own_may_lie_beside(noise: Run, tmp_path: Path) -> None:
    (tmp_path / "2024-holiday.png").write_bytes(b"mine")
    noise.generate(2).save(tmp_path / "")
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("out", ["images.npz", "folder"])
def test_what_only_a_grid_shows_is_refused_elsewhere(noise: Run, tmp_path: Path, out: str) -> None:
    with refused("grids only", "theme"):
        noise.generate(2).save(tmp_path / out, theme="light")
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_picture(noise: Run, tmp_path: Path) -> None:
    (tmp_path / "digits.png").mkdir()
    with refused("out is a folder", "out"):
        noise.generate(2).save(tmp_path / "digits.png")


# Runs and their folders.


def test_a_finished_run_without_checkpoints_is_not_trained_again(small_runs: Path, tmp_path: Path) -> None:
    shutil.copytree(small_runs / "noise", tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    stats = (tmp_path / "run" / "stats.jsonl").read_bytes()
    with refused("checkpoints gone", "run"):
        pocketgan.resume(tmp_path / "run", progress=False)
    assert (tmp_path / "run" / "stats.jsonl").read_bytes() == stats


def test_out_is_checked_where_it_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["train", "minimal", "--duration", "2 steps", "--out", "missing/.."]) == 2
    assert "--out" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("words", [["generate", "run", "-o", ""], ["plot", "run", "--out="], ["train", "--out", ""]])
def test_an_empty_out_is_refused(words: list[str], capsys: Any) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err == "error: --out needs a value\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--r1", "abc"], "--r1 must be a number, or 'auto' (got 'abc')"),
        (["--seed", "2147483648"], "--seed must be less than 2147483648 (got 2147483648)"),
        (["--threads", "1", "--threads", "2"], "--threads: given twice; give it once"),
        (["--sample-name", "a/b"], "(got 'a/b')"),
        (["--augment", "translation,none"], "'none' can't be combined with others"),
    ],
)
def test_a_wrong_flag_is_one_line(words: list[str], text: str, capsys: Any) -> None:
    assert main(["train", "minimal", *words, "--dry-run"]) == 2
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1


def test_seeds_that_are_equal_name_their_flag(small_runs: Path, capsys: Any) -> None:
    assert main(["interpolate", str(small_runs / "noise"), "--from", "3", "--to", "3"]) == 2
    assert "--to must be another seed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "known"),
    [("show", ["push", "plot"]), ("--foo", ["--json"]), ("--language", ["--label"]), ("tcsh", ["zsh", "bash"])],
)
def test_what_is_not_alike_is_no_suggestion(typed: str, known: list[str]) -> None:
    assert nearest(typed, known) == ""


# Settings.


def test_a_file_with_sections_begins_with_its_recipe(tmp_path: Path) -> None:
    (tmp_path / "h.toml").write_text('recipe = "minimal"\nseed = 3\n[train]\nlearning_rate = 0.02\n')
    assert read_config(tmp_path / "h.toml") == replace(recipe("minimal"), seed=3, learning_rate=0.02)
    (tmp_path / "whole.json").write_text(json.dumps(replace(recipe("mlp"), batch_size=7).model_dump(mode="json")))
    assert flatten(read_config(tmp_path / "whole.json"))["batch_size"] == 7


def test_a_settings_file_ends_in_toml_or_json(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text('recipe = "minimal"')
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path / "mine.yaml")
    assert caught.value.field == "config" and "'.toml' or '.json'" in str(caught.value)


@pytest.mark.parametrize("count", [2, 3])
def test_a_layer_is_left_to_train(tmp_path: Path, count: int) -> None:
    with refused("refused", "frozen_layers"):
        pocketgan.train("minimal", frozen_layers=count, duration="2 steps", out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("fields", [{"fit": "pad"}, {"background": "black"}, {"skip_damaged": True}])
def test_settings_of_ones_own_images_are_refused_for_mnist(tmp_path: Path, fields: dict[str, Any]) -> None:
    with refused("packaged as it is", next(iter(fields))):
        pocketgan.train("minimal", duration="2 steps", out=tmp_path / "run", progress=False, **fields)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_no_recipe_has_a_changed_setting_without_effect(name: str) -> None:
    assert idle_settings(recipe(name)) == []
    facts = DataFacts(source="mnist", images=60_000, channels=1, size=28, class_names=tuple("0123456789"), digest="")
    assert idle_settings(settled(recipe(name), facts, "cpu")) == []


@pytest.mark.parametrize(
    ("fields", "setting"),
    [
        ({"mismatched_label_weight": 0.5}, "mismatched_label_weight"),
        ({"identity_weight": 2.0}, "identity_weight"),
        ({"dropout": 0.3}, "dropout"),
        ({"stages": 3}, "stages"),
        ({"decay_start": 0.5}, "decay_start"),
        ({"penalty_batch_fraction": 0.5}, "penalty_batch_fraction"),
        ({"optimizer": "sgd", "beta1": 0.3}, "beta1"),
        ({"replan": True}, "replan"),
        ({"evaluate_every": "none", "watch_window": 5}, "watch_window"),
        ({"validation": 0, "validation_split": "stratified"}, "validation_split"),
    ],
)
def test_a_changed_setting_without_effect_is_named(fields: dict[str, Any], setting: str) -> None:
    assert [name for name, _ in idle_settings(replace(recipe("minimal"), **fields))] == [setting]


def test_a_setting_with_an_effect_is_not_named() -> None:
    config = replace(
        recipe("minimal"), conditional=True, mismatched_label_weight=0.5, schedule="linear", decay_start=0.5
    )
    assert idle_settings(config) == []
    assert idle_settings(RunConfig(recipe="mine", train=config.train)) == []


def test_a_run_says_what_has_no_effect(tmp_path: Path, capsys: Any) -> None:
    words = ["train", "minimal", "--hidden-dim", "8", "--duration", "2 steps", "--evaluate-every", "none"]
    words += ["--sample-every", "none", "--validation", "199", "--decay-start", "0.5", "--warmup", "9 steps"]
    words += ["--out", str(tmp_path / "run")]
    assert main(words) == 0
    error = capsys.readouterr().err
    assert "--decay-start has no effect with --schedule constant" in error
    assert "--validation 199 would hold out fewer than 200 images" in error
    assert "the warm-up takes 9 steps and the training 2" in error


def test_after_rollbacks_the_advised_rate_is_lower_than_those_that_failed(small_runs: Path, tmp_path: Path) -> None:
    run = Run.open(shutil.copytree(small_runs / "noise", tmp_path / "run"))
    state = create_state(run.config, image_shape(run.facts, False), "cpu")
    rates = []
    for state.rate_scale in (1.0, 0.125):
        advice = failed(run, state, NonFiniteLoss("loss not finite", loss="d_loss", step=4))
        rates.append(float(str(advice).partition("--learning-rate ")[2].split()[0].rstrip("';.")))
    assert rates == [pytest.approx(run.config.train.learning_rate / 4), pytest.approx(rates[0] / 8)]


def test_a_run_that_failed_before_its_first_checkpoint_is_not_to_be_resumed(small_runs: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(small_runs / "noise", tmp_path / "run")
    shutil.rmtree(folder / "checkpoints")
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"state": "failed"}))
    with refused("failed before a checkpoint", "run"):
        pocketgan.evaluate(folder, progress=False)


def test_an_unknown_flag_is_compared_without_its_dashes(capsys: Any) -> None:
    assert main(["train", "--bogus", "3"]) == 2
    assert "--out" not in capsys.readouterr().err
    assert main(["train", "--durations", "3"]) == 2
    assert "'--duration'" in capsys.readouterr().err
