"""The class frequencies that an evaluation says: of uneven classes, and of training that balanced them."""

import json
from pathlib import Path

import numpy as np
import pytest

import pocketgan
from pocketgan.cli.main import main
from pocketgan.config import recipes
from pocketgan.config.fields import replace
from pocketgan.metrics.frequencies import ClassFrequencies, class_frequencies
from pocketgan.runs.records import DataFacts

NAMES = ("cat", "dog")


def frequencies_of(
    counts: tuple[int, ...], *, balance: bool = False, conditional: bool = True, conditions: tuple[str, ...] = ()
) -> ClassFrequencies | None:
    facts = DataFacts(
        source="own", images=9, channels=1, size=8, class_names=NAMES, digest="", condition_names=conditions
    )
    return class_frequencies(facts, replace(recipes.minimal(), balance=balance, conditional=conditional), counts)


@pytest.mark.parametrize("counts", [(100, 100), (100, 51), ()])
def test_even_or_unknown_classes_need_no_line(counts: tuple[int, ...]) -> None:
    assert frequencies_of(counts) is None


@pytest.mark.parametrize("counts", [(90, 30), (30, 90), (9, 0)])
def test_uneven_classes_are_named_with_their_shares(counts: tuple[int, ...]) -> None:
    frequencies = frequencies_of(counts)
    assert frequencies is not None
    assert frequencies.shares == dict(zip(NAMES, (count / sum(counts) for count in counts), strict=True))
    assert frequencies.requested and not frequencies.balanced


def test_balanced_training_is_always_named() -> None:
    frequencies = frequencies_of((100, 100), balance=True, conditional=False)
    assert frequencies is not None
    assert frequencies == ClassFrequencies({"cat": 0.5, "dog": 0.5}, requested=False, balanced=True)
    assert frequencies.to_json()["generated"] == "generator"


def test_numbers_as_conditions_have_no_class_frequencies() -> None:
    assert frequencies_of((90, 10), conditions=("width",)) is None


def test_the_line_names_the_largest_and_the_smallest_class() -> None:
    line = str(ClassFrequencies({"cat": 0.75, "dog": 0.05, "owl": 0.2}, requested=True, balanced=True))
    assert "75% (cat)" in line and "5% (dog)" in line and "owl" not in line and "--balance" in line
    assert "--balance" not in str(ClassFrequencies({"cat": 0.75, "dog": 0.25}, requested=True, balanced=False))


@pytest.fixture(scope="module")
def balanced_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 240 bright and 60 dark images, which were balanced."""
    folder = tmp_path_factory.mktemp("balanced")
    images = np.random.default_rng(0).integers(100, size=(300, 1, 8, 8), dtype=np.uint8)
    images[:240] += 150
    np.savez(folder / "uneven.npz", images=images, labels=(np.arange(300) >= 240).astype(np.int64))
    tiny = {"duration": "4 steps", "batch_size": 8, "hidden_dim": 8, "evaluate_every": "none", "sample_every": "end"}
    pocketgan.train(
        "minimal",
        data=str(folder / "uneven.npz"),
        conditional=True,
        balance=True,
        validation=100,
        sample_count=4,
        threads=1,
        progress=False,
        out=folder / "run",
        **tiny,
    )
    return folder / "run"


@pytest.mark.slow
def test_evaluate_prints_and_stores_the_frequencies(balanced_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--features", "random", "--metrics", "precision", "--count", "50", "--quiet")
    assert main(["evaluate", str(balanced_run), *options]) == 0
    assert "--balance" in capsys.readouterr().out
    stored = json.loads((balanced_run / "evaluation" / "evaluation.json").read_text())["class_frequencies"]
    assert stored["generated"] == "training data" and stored["balanced_training"] is True
    assert stored["training_data"] == {"0": pytest.approx(0.8, abs=0.01), "1": pytest.approx(0.2, abs=0.01)}
