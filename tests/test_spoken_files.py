"""Files hold keys, numbers and English, whatever language is spoken: what is printed, and reports, are translated."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pocketgan
from pocketgan.api.trainings import finish
from pocketgan.base.errors import StorageError
from pocketgan.base.language import speaking
from pocketgan.base.messages import problem
from pocketgan.cli.main import main
from pocketgan.runs.run import Run

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
TRAINED = [
    *("--duration", "12 steps", "--log-every", "2 steps", "--checkpoint-every", "6 steps", "--sample-every"),
    *("4 steps", "--evaluate-every", "4 steps", "--evaluate-count", "200", "--features", "random", "--threads", "1"),
    *("--hidden-dim", "8", "--batch-size", "8", "--sample-count", "4"),
]
STUDY = """
name = "small"
recipe = "minimal"
seeds = 2
fresh_seeds = 0
duration = "8 steps"
features = "random"
count = 200
metrics = ["coverage"]
factors = {{latent_dim = [4, 6]}}
[settings]
data = "{data}"
hidden_dim = 8
batch_size = 8
sample_every = "4 steps"
sample_count = 4
evaluate_every = "none"
"""
Speak = Callable[..., str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 images of 8×8 in three classes with names, and a test split of 150."""
    random = np.random.default_rng(0)
    for split, count in (("train", 200), ("test", 50)):
        for place, name in enumerate(("cat", "dog", "fox")):
            images = random.integers(0, 90, (count, 8, 8), dtype=np.uint8)
            images[:, 2 * place : 2 * place + 3] += 160
            folder = tmp_path_factory.getbasetemp() / "pictures" / split / name
            folder.mkdir(parents=True)
            for number, image in enumerate(images):
                Image.fromarray(image).save(folder / f"{number}.png")
    return tmp_path_factory.getbasetemp() / "pictures"


@pytest.fixture
def speak(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Speak:
    """Runs a command in a language, and returns what it prints."""

    def run(code: str, *words: str | Path) -> str:
        monkeypatch.setenv("POCKETGAN_LANG", code)
        capsys.readouterr()
        assert main([str(word) for word in words]) == 0
        return capsys.readouterr().out

    return run


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def text_of(content: bytes) -> str | None:
    """Returns a text without its numbers, which times change; None for what is no text."""
    try:
        return re.sub(r"[-+]?\d[\d.,:]*(e-?\d+)?", "0", content.decode())
    except UnicodeDecodeError:
        return None


def same_words(english: Path, korean: Path, *, but: str = "nothing") -> None:
    """Compares the texts of two folders, numbers and the folders' names left out, and finds no Hangul in any."""
    left, right = files_of(english), files_of(korean)
    assert left.keys() == right.keys()
    for name in left:
        if name.startswith(but):
            continue
        first, second = text_of(left[name]), text_of(right[name])
        assert (first is None) == (second is None), name
        if first is not None and second is not None:
            assert not HANGUL.search(second), name
            assert first.replace(str(english), "") == second.replace(str(korean), ""), name


@pytest.mark.slow
def test_a_run_speaks_on_the_screen_alone(data: Path, speak: Speak, tmp_path: Path) -> None:
    shown = {}
    for code in ("en", "ko"):
        folder = tmp_path / f"{code}-run"
        shown[code] = speak(code, "train", "pocket", "--data", data, "--out", folder, *TRAINED, "--validation", "0")
        environment = json.loads((folder / "environment.json").read_text())
        (folder / "environment.json").write_text(json.dumps(environment | {"command": ""}))
    assert HANGUL.search(shown["ko"]) and not HANGUL.search(shown["en"])
    same_words(tmp_path / "en-run", tmp_path / "ko-run")


@pytest.mark.usefixtures("figures")
@pytest.mark.slow
def test_what_is_made_of_a_run_is_the_same_bit_for_bit(data: Path, speak: Speak, tmp_path: Path) -> None:
    """The run was trained once; a metric that takes more images than there are is left out with its reason."""
    speak("en", "train", "pocket", "--data", data, "--out", tmp_path / "run", *TRAINED)
    (tmp_path / "run" / "figures" / "samples.gif").unlink()
    with_times = tmp_path / "run" / "stats.jsonl"
    rows = [json.loads(line) for line in with_times.read_text().splitlines()]
    with_times.write_text("".join(json.dumps(row | {"seconds": 1000.0 + row["step"]}) + "\n" for row in rows))
    made, shown = {}, {}
    for code in ("en", "ko"):
        place = tmp_path / code
        run = Path(shutil.copytree(tmp_path / "run", place / "run"))
        evaluated = ["evaluate", run, "--count", "200", "--features", "random", "--against"]
        shown[code] = speak(code, *evaluated, "train", "--quiet")
        speak(code, "export", run, "--out", place / "model", "--format", "safetensors", "--quiet")
        for kind in ("gif", "png"):
            speak(code, "timelapse", run, "--out", place / f"film.{kind}")
        speak(code, "plot", run, "--format", "png", "--out", place / "plots")
        speak(code, "generate", run, "--labels", "--out", place / "labels.png")
        speak(code, "interpolate", run, "--frames", "3", "--out", place / "walk.gif")
        with speaking(code):
            finish(Run.open(run))
        made[code] = files_of(place)
    assert HANGUL.search(shown["ko"]) and not HANGUL.search(shown["en"])
    assert made["en"].keys() == made["ko"].keys()
    assert [name for name in made["en"] if made["en"][name] != made["ko"][name]] == []
    evaluation = json.loads(made["ko"]["run/evaluation/evaluation.json"])
    assert evaluation["skipped"] and all(isinstance(why["key"], str) for why in evaluation["skipped"].values())
    assert b"Not measured: " in made["ko"]["model/README.md"] and b" min " in made["ko"]["model/README.md"]


@pytest.mark.slow
def test_a_study_is_spoken_in_its_report_alone(data: Path, speak: Speak, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(STUDY.format(data=data))
    shown = {}
    for code in ("en", "ko"):
        shown[code] = speak(code, "study", tmp_path / "small.toml", "--jobs", "1", "--out", tmp_path / f"{code}-study")
    assert HANGUL.search(shown["ko"]) and not HANGUL.search(shown["en"])
    same_words(tmp_path / "en-study", tmp_path / "ko-study", but="report/")
    page = (tmp_path / "ko-study" / "report" / "report.html").read_text(encoding="utf-8")
    assert HANGUL.search(page) and '<html lang="ko">' in page


def test_why_a_run_failed_is_kept_in_english_and_said_in_korean(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(run: Run, tick: object) -> None:
        raise StorageError(problem("disk refused", path="stats.jsonl", why="No space left on device"))

    monkeypatch.setattr(Run, "log", refuse)
    with speaking("ko"), pytest.raises(StorageError) as caught:
        pocketgan.train("minimal", data=str(data), duration="4 steps", out=tmp_path / "run", progress=False)
    assert HANGUL.search(str(caught.value))
    status = Run.open(tmp_path / "run").status()
    assert status.state == "failed"
    assert "can't write stats.jsonl: " in status.message and not HANGUL.search(status.message)
