"""A judge scores images as `evaluate` does, looks at the real images once, and takes metrics of one's own."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pocketgan import api, metrics
from pocketgan.base.errors import RunError
from pocketgan.base.language import speaking
from pocketgan.base.progress import Progress
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.experiment import run_experiment
from pocketgan.experiment.quality import MEASURED, Quality
from pocketgan.exports.card import Measured
from pocketgan.exports.card import quality as quality_of
from pocketgan.images.sets import load_images
from pocketgan.metrics import Evaluation, Judge, Metric, features, real_images
from pocketgan.metrics.evaluation import evaluate
from pocketgan.metrics.registry import METRICS, RESERVED, resolve_metrics
from pocketgan.metrics.scores import score_table, stored_words
from refusals import refused

CHEAP = "frechet_distance,precision,recall,density,coverage,duplicates"
ROOT = Path(__file__).resolve().parents[1]


def textured(count: int, seed: int = 0) -> np.ndarray:
    """Images of 1×8×8: smooth noise."""
    noise = np.random.default_rng(seed).integers(256, size=(count, 1, 9, 9)).astype(float)
    return ((noise[..., 1:, 1:] + noise[..., :-1, :-1]) / 2).astype(np.uint8)


REAL, OTHERS, MADE = textured(300), textured(400, 1), textured(250, 2)
LABELS = np.arange(300) % 3


def contrast(images: np.ndarray) -> float:
    return float(images.std(axis=(1, 2, 3)).mean())


def brighter(real: np.ndarray, generated: np.ndarray) -> float:
    return float(generated.mean()) - float(real.mean())


CONTRAST = Metric(contrast, title="Contrast", better="higher", least=20)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Archives of the images above."""
    folder = tmp_path_factory.mktemp("archives")
    np.savez(folder / "real.npz", images=OTHERS, test_images=REAL)
    np.savez(folder / "made.npz", images=MADE)
    return {"real": str(folder / "real.npz"), "made": str(folder / "made.npz")}


def numbers(done: Evaluation) -> list[float]:
    every = [number for figure in done.figures.values() for number in (figure.value, figure.spread, figure.floor)]
    return [-1.0 if number is None else number for number in every]


# The same scores as an evaluation's.


def test_a_judge_scores_as_evaluate_does(archives: dict[str, str]) -> None:
    done = evaluate(archives["made"], against=archives["real"], feature_space="random", metrics=CHEAP)
    order = real_images.mixed(len(MADE))
    judge = Judge(archives["real"], features="random", metrics=CHEAP)
    for images in (MADE[order], torch.from_numpy(MADE)[order]):
        scores = judge.score(images)
        assert numbers(scores) == pytest.approx(numbers(done), rel=1e-9)
        assert scores["recall"] == done.figures["recall"]
    arrays = Judge(REAL[:, 0], others=OTHERS, features="random", metrics=CHEAP.split(","))
    assert numbers(arrays.score(MADE[order, 0])) == pytest.approx(numbers(done), rel=1e-9)


def test_a_judge_holds_what_it_needs_of_the_real_images(monkeypatch: pytest.MonkeyPatch) -> None:
    space = features.random(1)
    seen: list[int] = []
    embed = space.embed

    def counting(images: torch.Tensor) -> Any:
        seen.append(len(images))
        return embed(images)

    object.__setattr__(space, "embed", counting)
    measured: list[int] = []
    bright = Metric(lambda images: measured.append(len(images)) or images.mean(), "Brightness", "lower", 200)
    judge = Judge(REAL, others=OTHERS, features=space, metrics=["precision", bright], standard_errors=False)
    assert seen == [300]
    first, second = judge.score(MADE), judge.score(MADE)
    assert seen == [300, 250, 250, 250] and measured == [250, 250, 250]  # Once for the baseline.
    assert first.figures == second.figures
    assert first["precision"].spread is None and first["precision"].floor is not None
    judge.score(MADE[:200])
    assert seen[4:] == [200, 200]


def test_without_other_images_a_part_of_the_real_ones_gives_the_baseline() -> None:
    scores = Judge(REAL, metrics=CHEAP).score(MADE)
    assert scores.space.name == "random"
    figure = scores["precision"]
    assert figure.floor is None and figure.matched is not None
    assert scores.matched_counts == (150, 150)
    assert figure.matched.floor == pytest.approx(figure.matched.value, abs=0.15)


def test_labels_and_training_images_serve_the_metrics_that_need_them() -> None:
    names = ["label_agreement", "authentic", "copying"]
    judge = Judge(REAL, labels=LABELS, training=OTHERS, metrics=CHEAP)
    assert judge.score(MADE).figures.keys() == set(CHEAP.split(","))
    scores = Judge(REAL, labels=LABELS, training=OTHERS).score(MADE, np.arange(250) % 3)
    assert scores.figures.keys() >= {"authentic", "copying"}
    assert set(scores.skipped) == {"modes", "class_kl", "confidence", "label_agreement"} | {
        "class_frechet_distance",
        "classification_accuracy",
    }  # `random` has no classifier, and the last two need 500 images.
    wide = {"labels": np.arange(600) % 3, "others": np.tile(OTHERS, (2, 1, 1, 1)), "other_labels": np.arange(800) % 3}
    conditional = Judge(np.tile(REAL, (2, 1, 1, 1)), metrics="class_frechet_distance", **wide)
    figure = conditional.score(np.tile(MADE, (2, 1, 1, 1)), np.arange(500) % 3)["class_frechet_distance"]
    assert figure.floor is not None and figure.floor > 0
    assert Judge(OTHERS, training=OTHERS, metrics="authentic").score(OTHERS)["authentic"].value == 0
    with pytest.raises(RunError) as caught:
        Judge(REAL, labels=LABELS, metrics=names).score(MADE)
    assert (caught.value.key, caught.value.field) == ("needs classifier", "metrics")


def test_arrays_that_do_not_fit_are_refused(archives: dict[str, str]) -> None:
    judge = Judge(REAL, labels=LABELS, metrics="precision")
    with refused("images array", "images", type="float32"):
        judge.score(MADE.astype(np.float32))
    with refused("sizes of arrays", "images", found="1×7×8", expected="1×8×8"):
        judge.score(MADE[:, :, 1:])
    with refused("labels length", "labels", expected=250):
        judge.score(MADE, LABELS)
    with refused("class unknown", "labels", found=3, most=2):
        judge.score(MADE, np.arange(250) % 4)
    with refused("no real labels", "labels"):
        Judge(REAL, metrics="precision").score(MADE, np.arange(250) % 3)
    with refused("sizes of arrays", "training", found="1×4×8"):
        Judge(REAL, training=OTHERS[:, :, :4])
    with refused("part of the data", "others", data=archives["real"]):
        Judge(archives["real"], others=OTHERS)
    with refused("too few images", "metrics", name="precision", least=6, found=5):
        judge.score(MADE[:5])
    with refused("no space", "features", name="rand"):
        Judge(REAL, features="rand")
    with refused("no labels to train on", "features"):
        Judge(REAL, features="classifier")


def test_mnist_is_recognized() -> None:
    digits = real_images.load_images(real_images.DataConfig(), "test").images[1000:1200]
    assert real_images.is_mnist(digits)
    changed = digits.clone()
    changed[7, 0, 0, 0] = 1
    assert not real_images.is_mnist(changed)
    assert not real_images.is_mnist(torch.from_numpy(REAL))
    assert Judge(digits, metrics="precision").space.name == "digits"


# Metrics of one's own.


def test_a_metric_of_ones_own_is_measured_like_the_others(archives: dict[str, str], tmp_path: Path) -> None:
    bright = Metric(brighter, title="Brightness | difference", better=None, least=20, reading="0 is best")
    wanted = ["precision", CONTRAST, bright]
    done = api.evaluate(
        archives["made"], against=archives["real"], features="random", metrics=wanted, out=tmp_path, progress=False
    )
    images = MADE[real_images.mixed(250)]
    assert list(done.figures) == ["precision", "contrast", "brighter"]
    figure = done["contrast"]
    assert figure.value == pytest.approx(contrast(images))
    fifths = [contrast(part) for part in images.reshape(5, 50, 1, 8, 8)]
    assert figure.spread == pytest.approx(np.std(fifths, ddof=1) / np.sqrt(5))
    assert figure.floor == pytest.approx(contrast(OTHERS[real_images.mixed(400)[:250]]))
    assert done["brighter"].value == pytest.approx(brighter(REAL, images))
    assert done["brighter"].floor is not None

    stored = json.loads((tmp_path / "evaluation.json").read_text())["metrics"]
    assert stored["contrast"].items() >= {"title": "Contrast", "better": "higher", "value": figure.value}.items()
    assert stored["brighter"].items() >= {"better": None, "reading": "0 is best"}.items()
    assert stored["precision"].keys() == {"value", "spread", "floor"}
    assert done.page is not None
    text = done.page.read_text(encoding="utf-8")
    assert "Contrast" in text and "higher is better" in text and "0 is best" in text
    assert [row[0] for row in score_table(done)[1]] == ["precision", "Contrast", "Brightness | difference"]
    with speaking("uk"):
        assert score_table(done)[1][1][-1] not in ("", "higher is better")


def test_a_metric_of_features_gets_them() -> None:
    wide = Metric(partial(metrics.precision, k=3), "precision, k = 3", "higher", 4, name="precision_3", on="features")
    judge = Judge(REAL, metrics=[wide, "precision"])
    found = judge.score(MADE)["precision_3"].value
    given = [metrics.extract_features(images, judge.space) for images in (REAL, MADE)]
    assert found == metrics.precision(*given, k=3)


def test_a_metric_cannot_change_the_images() -> None:
    def spoil(images: np.ndarray) -> float:
        images[:] = 0
        return 1.0

    before = MADE.copy()
    judge = Judge(REAL, metrics=[Metric(spoil, "Spoiled", "lower"), CONTRAST], standard_errors=False)
    assert judge.score(MADE)["contrast"].value > 1
    assert np.array_equal(MADE, before)


def test_a_metric_that_fails_says_so() -> None:
    def undefined(_: np.ndarray) -> float:
        raise ValueError("no images like these")

    judge = Judge(REAL, metrics=["all", Metric(undefined, "Undefined", "lower", 20)])
    assert "no images like these" in judge.score(MADE[:60]).skipped["undefined"]
    with refused("not measurable", "metrics", name="undefined"):
        Judge(REAL, metrics=Metric(undefined, "Undefined", "lower", 20)).score(MADE)
    for wrong in (lambda images: images, lambda _: "a lot", lambda _: None):
        with refused("not measurable", "metrics", name="wrong"):
            Judge(REAL, metrics=Metric(wrong, "Wrong", "lower", 20)).score(MADE)


def test_a_metric_is_described_completely() -> None:
    assert Metric(contrast, "Contrast", "higher").name == "contrast"
    assert Metric(lambda images: 1.0, "Mean of x²!", "higher").name == "mean_of_x"

    def no_arguments() -> float:
        return 1.0

    for function in (no_arguments, lambda a, b, c: 1.0, lambda a, *, needed: 1.0):
        with refused("metric function", "function"):
            Metric(function, "One", "higher")
    wrong: dict[str, tuple[str, Any]] = {
        "metric direction": ("better", "up"),
        "at least": ("least", 0),
        "metric input": ("on", "pixels"),
        "metric name": ("name", "Sharp ness"),
        "metric title": ("title", " "),
    }
    for key, (field, value) in wrong.items():
        metric = Metric(contrast, "Contrast", "higher")
        object.__setattr__(metric, field, value)  # Types are checked at run time in tests only.
        with refused(key, field):
            metric.__post_init__()


def test_names_and_objects_become_metrics_in_one_place() -> None:
    assert resolve_metrics("all") == METRICS
    assert list(resolve_metrics(["recall", CONTRAST, "precision, recall"])) == ["recall", "contrast", "precision"]
    assert list(resolve_metrics(CONTRAST)) == ["contrast"]
    extra = {"mine.py:contrast": CONTRAST}
    assert resolve_metrics("recall,mine.py:contrast", extra)["contrast"] is CONTRAST
    with refused("no metric", "metrics", name="mine.py:contrst"):
        resolve_metrics("mine.py:contrst", extra)
    with refused("no metrics", "metrics"):
        resolve_metrics([])
    for name in ("precision", "count"):
        with refused("metric twice", "metrics", name=name):
            resolve_metrics([Metric(contrast, "Contrast", "higher", name=name)])
    with refused("metric twice", "metrics", name="contrast"):
        resolve_metrics([CONTRAST, Metric(brighter, "Contrast", "higher", name="contrast")])
    assert not RESERVED & METRICS.keys()


# Files.


def test_a_run_measures_a_metric_of_ones_own_and_says_how_to_read_it(
    tiny_config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    np.savez(tmp_path / "images.npz", images=np.concatenate([OTHERS, REAL]))
    fields = {"data": str(tmp_path / "images.npz"), "features": "random", "evaluate_count": 200, "validation": 0}
    run = run_experiment(tiny_config(**fields, metrics=CONTRAST), tmp_path / "run")
    quality = Quality(run, load_images(run.config.data), Progress(quiet=True))
    scores = quality.scores(quality.look(torch.from_numpy(MADE[:200])))
    assert scores["contrast"] == pytest.approx(contrast(MADE[:200]))
    assert set(MEASURED) > scores.keys() - {"contrast", "frechet_floor"} > {"frechet_distance", "authentic"}
    assert quality.about()["metrics"] == {"contrast": {"title": "Contrast", "better": "higher"}}
    plain = run_experiment(tiny_config(**fields), tmp_path / "plain")
    assert "metrics" not in Quality(plain, load_images(plain.config.data), Progress(quiet=True)).about()


def test_readers_need_not_know_a_metric() -> None:
    assert stored_words("precision", {}) == (METRICS["precision"].title, METRICS["precision"].reading)
    assert stored_words("contrast", CONTRAST.described()) == ("Contrast", "higher is better")
    assert stored_words("contrast", {"title": "Contrast", "better": None}) == ("Contrast", "")
    assert stored_words("contrast", {"title": 3, "better": ["?"], "reading": 7}) == ("3", "7")
    described = {"contrast": CONTRAST.described()}
    table = quality_of(Measured({"contrast": (3.0, 0.5, 2.5)}, "test", "Measured.", described=described))
    assert "| Contrast | 3 | 0.5 | 2.5 | higher is better |" in table


# The guide.


def test_the_code_of_the_guide_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "measure-in-your-own-loop.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    whole, calls = real_images.load_images, []
    monkeypatch.setattr(real_images, "load_images", lambda *given: whole(*given).part(slice(300)))
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {
        "generator": torch.nn.Sequential(torch.nn.Linear(64, 784), torch.nn.Tanh(), torch.nn.Unflatten(1, (1, 28, 28))),
        "discriminator": None,
        "train_step": lambda *networks: calls.append(networks),
        "real_images": np.tile(REAL, (2, 1, 1, 1)),
        "real_labels": np.arange(600) % 3,
        "more_real_images": OTHERS,
        "more_real_labels": np.arange(400) % 3,
        "training_images": textured(100, 5),
        "generated_images": np.tile(MADE, (2, 1, 1, 1)),
        "requested_labels": np.arange(500) % 3,
    }
    for block in blocks:
        short = block.replace("2000", "200").replace("20_001", "3").replace("% 1000", "% 2")
        exec(compile(short, "guide", "exec"), given)
    assert len(calls) == 2
    assert given["page"] == Path("my-scores/evaluation.html") and given["page"].is_file()
