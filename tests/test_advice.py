"""The commands that are printed can be typed: quoted for the shell, and with the data and settings of the run."""

import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pocketgan
from pocketgan.base.errors import NonFiniteLoss
from pocketgan.cli.flags import parse_recipe
from pocketgan.cli.main import main
from pocketgan.config.fields import replace
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.shell import quoted, train_command
from pocketgan.training import steps as training

TINY = {
    "hidden_dim": 8,
    "batch_size": 4,
    "sample_count": 4,
    "sample_every": "end",
    "evaluate_every": "none",
    "checkpoint_every": "2 steps",
}
FLAGS = [word for name, value in TINY.items() for word in (f"--{name}", str(value))]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a blank in its name, and a run of named classes in it."""
    place = tmp_path_factory.mktemp("my runs")
    random = np.random.default_rng(0)
    (place / "own data").mkdir()
    images, labels = random.integers(0, 256, (40, 8, 8), dtype=np.uint8), np.arange(40) % 2
    np.savez(place / "own data" / "it's.npz", images=images, labels=labels)
    pocketgan.train(
        "minimal", out=place / "first run", progress=False, conditional=True, duration="4 steps",
        data=str(place / "own data" / "it's.npz"), **TINY,
    )  # fmt: skip
    return place


def commands(text: str) -> list[list[str]]:
    """The arguments of every command that a text shows, as a shell would hand them over."""
    found = []
    for line in text.replace("'pocketgan ", "\npocketgan ").replace("' goes on", "\n").splitlines():
        _, name, rest = line.partition("pocketgan ")
        if name and not line.startswith("pocketgan: "):
            found.append(shlex.split(rest.rstrip("'") if rest.count("'") % 2 else rest))
    return found


@pytest.mark.parametrize(
    "word",
    ["plain", "runs/pocket-1", "two words", "it's", 'a "b"', "$HOME", "a`b", "a!b", "tab\there", "", "猫 é", "a\\b"],
)
def test_a_word_in_quotes_is_one_word(word: str) -> None:
    assert shlex.split(quoted(word)) == [word]


def test_words_with_blanks_are_quoted_alike_on_every_machine() -> None:
    assert quoted("runs/sp ace") == '"runs/sp ace"'


@pytest.mark.slow
def test_what_comes_next_can_be_typed(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # The commands write pictures.
    run = shutil.copytree(place / "first run", tmp_path / "sp ace [old]")
    assert main(["resume", str(run), "--duration", "6 steps", "--quiet"]) == 0
    shown = commands(capsys.readouterr().out)
    assert {words[0] for words in shown} >= {"generate", "resume"}
    for words in shown:
        assert str(run) in words
        assert "--label" not in words and "digits.png" not in words
        assert main([*words, "--quiet"] if words[0] == "resume" else words) == 0


@pytest.mark.slow
def test_an_exported_models_next_commands_are_quoted(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my model"
    assert main(["export", str(place / "first run"), "--out", str(out), "--format", "safetensors", "--quiet"]) == 0
    shown = commands(capsys.readouterr().out)
    assert [words[:2] for words in shown] == [["generate", str(out)], ["push", str(out)]]


@pytest.mark.parametrize("name", RECIPES)
def test_the_command_of_a_configuration_makes_it_again(name: str) -> None:
    changes: dict[str, Any] = {"seed": 3, "data": "my data/it's $5.npz", "learning_rate": 0.25, "threads": 2}
    if not recipe(name).reads_images:
        changes["conditional"] = not recipe(name).network.conditional
    config = replace(recipe(name), **changes)
    words = shlex.split(train_command(config, duration="7 epochs"))
    assert words[:2] == ["pocketgan", "train"]
    assert parse_recipe("train", words[2:])[0] == replace(config, duration="7 epochs")


def test_after_a_failure_the_data_and_the_changed_settings_are_named(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = str(place / "own data" / "it's.npz")

    def explode(state: Any, *_: object) -> None:
        raise NonFiniteLoss("d_loss is nan")

    monkeypatch.setattr(training, "training_step", explode)
    words = [
        "train",
        "minimal",
        *FLAGS,
        "--conditional",
        "--data",
        data,
        "--learning-rate",
        "1",
        "--duration",
        "5 steps",
    ]
    assert main([*words, "--out", str(tmp_path / "run"), "--quiet"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    anew = shlex.split(err[err.index("pocketgan train") :].rstrip().removesuffix("'"))
    config, _ = parse_recipe("train", anew[2:])
    kept = parse_recipe("train", words[1:])[0]
    assert config == replace(kept, learning_rate=0.25)


def test_a_refused_folder_is_quoted(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(place / "first run")
    assert main(["train", "minimal", "--out", run, "--quiet"]) == 2
    assert ["resume", run] in commands(capsys.readouterr().err)


@pytest.mark.slow
def test_names_with_brackets_stand_in_every_table(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("exp[old]", "exp[bold]", "[red]exp", "exp:smile:"):
        shutil.copytree(place / "first run", tmp_path / name)
    assert main(["runs", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    for name in ("exp[old]", "exp[bold]", "[red]exp", "exp:smile:"):
        assert name in text


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "batch_size"), [(2, 64), (40, 64), (2, 4096)])
def test_the_speed_is_measured_on_less_than_the_run(
    steps: int, batch_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in images: the speed is needed since checkpoints are due every minute."""
    images: list[int] = []
    step = training.training_step

    def counted(state: Any, batch: Any, *rest: Any) -> Any:
        images.append(len(batch.real))
        return step(state, batch, *rest)

    monkeypatch.setattr(training, "training_step", counted)
    small = TINY | {"batch_size": batch_size, "checkpoint_every": "1 min"}
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, duration=f"{steps} steps", **small)
    assert run.plan.steps_per_second
    assert sum(images) <= 1.3 * steps * batch_size
