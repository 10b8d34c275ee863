"""The examples of recorded loops: how little differs from their originals, and that they run."""

import difflib
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pocketgan.runs.run import Run
from pocketgan.studies.commands import check_program
from pocketgan.studies.predeclared import read_study

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "examples" / "recorded"
GUIDE = ROOT / "docs" / "how-to" / "record-your-own-loop.md"
NAMES = ("pytorch_gan", "numpy_gan", "keras_minimal")
MOST = 5
"""Maximum number of lines in which a recorded loop differs from its original."""


def difference(name: str) -> list[str]:
    """Returns the lines of a unified diff between an original and its recorded loop, without their headers."""
    texts = [(FOLDER / f"{name}{ending}.py").read_text().splitlines() for ending in ("_original", "")]
    return list(difflib.unified_diff(*texts, n=1, lineterm=""))[2:]


@pytest.mark.parametrize("name", NAMES)
def test_few_lines_differ_from_the_original(name: str) -> None:
    lines = difference(name)
    added, removed = ([line for line in lines if line.startswith(sign)] for sign in "+-")
    assert 0 < len(added) <= MOST
    assert len(removed) <= MOST


def test_the_guide_shows_todays_difference() -> None:
    shown = re.search(r"```diff\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    assert shown[1].splitlines() == difference("pytorch_gan")


def test_the_study_of_the_example() -> None:
    config = read_study(FOLDER / "study.toml")
    check_program(config.command, FOLDER)
    assert [variant.settings["lr"] for variant in config.configs().values()] == [2e-4, 1e-3]


def run_example(name: str, folder: Path) -> Run:
    """Runs an example for three steps."""
    folder.mkdir(exist_ok=True)
    surroundings = {**os.environ, "POCKETGAN_RUN": str(folder / "run")}
    words = [sys.executable, str(FOLDER / f"{name}.py"), "--steps", "3", "--seed", "1"]
    done = subprocess.run(words, cwd=folder, env=surroundings, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    run = Run.open(folder / "run")
    assert (run.status().state, run.status().step, run.config.seed) == ("finished", 3, 1)
    assert not run.environment.feeds_itself
    assert run.metrics()[-1]["frechet_distance"] > 0
    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pytorch_gan", "numpy_gan"])
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    run = run_example(name, tmp_path)
    assert run.config.recipe == name
    assert run.stats()[-1].keys() >= {"d_loss", "g_loss"}
    assert list(tmp_path.glob("generator-*"))


@pytest.mark.other_packages
@pytest.mark.skipif(find_spec("keras") is None, reason="keras isn't installed; `make test-other-packages` installs it")
def test_the_example_of_keras_runs(tmp_path: Path) -> None:
    assert run_example("keras_minimal", tmp_path).config.settings["lr"] == 1e-3
