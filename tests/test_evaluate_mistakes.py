"""What is wrongly handed to `evaluate`, and what may not be lost there: scores, and what was done to images."""

import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

import pocketgan
from pocketgan.base.errors import StorageError
from pocketgan.cli.main import main
from refusals import refused

FEW: dict[str, Any] = {"metrics": "precision", "features": "random", "progress": False}


@pytest.fixture
def digits(data: Path) -> np.ndarray:
    """400 digits, uint8 (400, 28, 28)."""
    with np.load(data) as arrays:
        return arrays["images"].reshape(-1, 28, 28)


def saved(path: Path, images: np.ndarray, **others: Any) -> Path:
    np.savez(path, images=images, **others)
    return path


@pytest.mark.parametrize("pixel_range", ["0:1", "-1:1"])
def test_a_range_that_is_given_holds_for_bytes_too(digits: np.ndarray, pixel_range: str) -> None:
    with refused("values outside", "source"):
        pocketgan.evaluate(digits, pixel_range=pixel_range, **FEW)


@pytest.mark.slow
def test_bytes_of_zeros_and_ones_need_their_range(digits: np.ndarray) -> None:
    ones = (digits > 127).astype(np.uint8)
    with refused("bytes of two values", "pixel_range"):
        pocketgan.evaluate(ones, **FEW)
    white = pocketgan.evaluate(ones, pixel_range="0:1", **FEW)
    assert int(white.comparison.generated.images.max()) == 255
    dark = pocketgan.evaluate(ones, pixel_range="0:255", **FEW)
    assert int(dark.comparison.generated.images.max()) == 1


@pytest.mark.parametrize(
    ("field", "value", "key"),
    [
        ("count", 50.0, "refused"),
        ("count", "50", "refused"),
        ("count", 0, "count from one"),
        ("seed", 1.5, "refused"),
        ("metrics", None, "metric kind"),
        ("checkpoint", "last", "only of models"),
        ("replace", True, "only of models"),
    ],
)
def test_a_wrong_argument_is_an_error_with_its_name(digits: np.ndarray, field: str, value: Any, key: str) -> None:
    with refused(key, field):
        pocketgan.evaluate(digits, **FEW | {field: value})


@pytest.mark.slow
def test_labels_of_other_classes_are_named(digits: np.ndarray, tmp_path: Path) -> None:
    names = np.array(["three", "seven"])[np.arange(400) % 2]
    file = saved(tmp_path / "named.npz", digits, labels=names)
    with refused("classes differ", "source", found="seven, three"):
        pocketgan.evaluate(file, **FEW | {"metrics": "label_agreement"})
    done = pocketgan.evaluate(file, metrics="all", features="digits", count=200, progress=False)
    assert getattr(done.skipped["label_agreement"], "key", "") == "classes differ"
    assert "precision" in done.figures


def test_a_folder_that_cannot_hold_the_scores_is_refused_before_anything_is_measured(
    digits: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with (
        patch("pocketgan.metrics.evaluation.evaluate", side_effect=AssertionError),
        refused("no picture written", "out"),
    ):
        pocketgan.evaluate(digits, out=tmp_path / "file", **FEW)
    (tmp_path / "closed").mkdir()
    refusal = patch("tempfile.TemporaryFile", side_effect=PermissionError(13, "Permission denied"))
    with refusal, refused("no picture written", "out"):
        pocketgan.evaluate(digits, out=tmp_path / "closed", **FEW)
    assert os.listdir(tmp_path / "closed") == []
    with refused("too few images", "metrics"):
        pocketgan.evaluate(digits[:3], out=tmp_path / "new" / "scores", **FEW)
    assert not (tmp_path / "new").exists(), "an empty folder was left"


def test_scores_that_cannot_be_saved_are_returned_and_printed(
    small_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = StorageError("disk refused", path="evaluation.json", why="No space left on device")
    words = ["evaluate", str(small_runs / "noise"), "--count=200", "--metrics=precision", "--features=random", "-q"]
    with patch("pocketgan.metrics.evaluation_page.save_evaluation", side_effect=error):
        assert main(words) == 0
    out, err = capsys.readouterr()
    assert "precision" in out and "evaluation.json" in err and err.count("\n") == 1
    with patch("pocketgan.metrics.evaluation_page.save_evaluation", side_effect=error):
        assert main([*words, f"--out={tmp_path / 'asked'}"]) == 1, "what was asked for wasn't done"
    assert "precision" in capsys.readouterr().out


def test_what_was_done_to_images_stands_in_the_json_and_is_said_quietly_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (200, 28, 30), dtype=np.uint8)
    file = saved(tmp_path / "wide.npz", images)
    assert main(["evaluate", str(file), "--metrics=precision", "--features=random", "-q", "--json"]) == 0
    out, err = capsys.readouterr()
    (note,) = json.loads(out)["images_read"]
    assert "200" in note and err.strip() == note


def test_pictures_beside_class_folders_are_refused_without_a_flag_of_training(
    digits: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    for place in ("a", "b", "."):
        (tmp_path / place).mkdir(exist_ok=True)
        Image.fromarray(digits[0]).save(tmp_path / place / "one.png")
    assert main(["evaluate", str(tmp_path), "-q"]) == 2
    assert "--labels" not in capsys.readouterr().err


def test_an_empty_language_counts_as_none_and_an_unknown_one_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POCKETGAN_LANG", "")
    assert main(["recipes", "--json"]) == 0
    capsys.readouterr()
    monkeypatch.setenv("POCKETGAN_LANG", "zh_tw")
    assert main(["recipes", "--json"]) == 0
    capsys.readouterr()
    monkeypatch.setenv("POCKETGAN_LANG", "de")
    assert main(["recipes"]) == 2
    assert capsys.readouterr().err.startswith("error: POCKETGAN_LANG: ")


def test_an_error_of_a_report_is_in_its_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for lang in ("en", "uk"):
        assert main(["report", str(tmp_path / "nothing"), "--lang", lang]) == 2
        said.append(capsys.readouterr().err)
    assert said[0] != said[1] and "nothing" in said[1]


def test_weights_of_inception_need_its_feature_space(tmp_path: Path) -> None:
    with refused("weights without inception", "inception_weights", features="auto"):
        pocketgan.evaluate(np.zeros((300, 28, 28), np.uint8), inception_weights=tmp_path / "weights.pth")
