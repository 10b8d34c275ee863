"""`pocketgan.metrics`: every metric as a function of arrays of NumPy or PyTorch, with errors and examples."""

import doctest
import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pocketgan import metrics
from pocketgan.base.errors import UserError
from pocketgan.metrics.registry import FUNCTIONS, METRICS
from refusals import refused

RNG = np.random.default_rng(0)
REAL, MADE = RNG.normal(size=(200, 6)), RNG.normal(0.3, 1, size=(150, 6))
TRAINING = RNG.normal(size=(300, 6))
LABELS, REQUESTED = np.arange(200) % 3, np.arange(150) % 3
PROBABLE, MADE_PROBABLE = RNG.dirichlet(np.ones(3), size=200), RNG.dirichlet(np.ones(3), size=150)
IMAGES, MADE_IMAGES = RNG.integers(256, size=(2, 150, 1, 6, 6), dtype=np.uint8)

CALLS: dict[str, tuple[Any, ...]] = {
    "frechet_distance": (REAL, MADE),
    "kernel_distance": (REAL, MADE),
    "precision": (REAL, MADE),
    "recall": (REAL, MADE),
    "density": (REAL, MADE),
    "coverage": (REAL, MADE),
    "count_modes": (PROBABLE, MADE_PROBABLE),
    "class_kl": (PROBABLE, MADE_PROBABLE),
    "confidence": (MADE_PROBABLE,),
    "label_agreement": (REQUESTED, MADE_PROBABLE),
    "class_frechet_distance": (REAL, LABELS, MADE, REQUESTED),
    "duplicates": (REAL, MADE),
    "authenticity": (TRAINING, MADE),
    "copying_score": (TRAINING, REAL, MADE),
    "classification_accuracy": (IMAGES, REQUESTED, MADE_IMAGES, REQUESTED),
    "two_sample_accuracy": (REAL, MADE),
}
"""Arguments of every metric."""
OF_FEATURES = sorted(name for name, given in CALLS.items() if len(given) == 2 and given[1] is MADE)
SAME = {
    "frechet_distance": 0.0,
    "precision": 1.0,
    "recall": 1.0,
    "density": 1.0,
    "coverage": 1.0,
    "authenticity": 0.0,
}
"""Scores of a set against itself."""


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketgan.metrics.classification.STEPS", 20)
    monkeypatch.setattr("pocketgan.metrics.two_sample.STEPS", 20)


class Wrapped:
    """Something that only NumPy can read."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values


def test_every_metric_of_the_table_is_a_function() -> None:
    assert {FUNCTIONS.get(name, name) for name in CALLS} == set(METRICS)
    assert set(CALLS) <= set(metrics.__all__)
    assert list(metrics.resolve_metrics(",".join(CALLS))) == [FUNCTIONS.get(name, name) for name in CALLS]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", [torch.from_numpy, Wrapped, np.asfortranarray], ids=["torch", "array", "columns"])
def test_arrays_of_any_kind_get_the_same_score(name: str, kind: Callable[[np.ndarray], Any]) -> None:
    function = getattr(metrics, name)
    expected = function(*CALLS[name])
    assert isinstance(expected, float | int)
    before = [array.copy() for array in CALLS[name]]
    assert function(*map(kind, CALLS[name])) == expected
    assert all(np.array_equal(old, new) for old, new in zip(before, CALLS[name], strict=True))


def test_other_types_of_numbers_are_read() -> None:
    whole = np.round(3 * REAL), np.round(3 * MADE)
    expected = metrics.frechet_distance(*whole)
    for kind in (np.int32, np.float16, np.float32):
        assert metrics.frechet_distance(*(part.astype(kind) for part in whole)) == pytest.approx(expected)
    tensors = [torch.from_numpy(part).bfloat16().requires_grad_() for part in whole]
    assert metrics.frechet_distance(*tensors) == pytest.approx(expected)
    frozen = whole[0].copy()
    frozen.flags.writeable = False
    assert metrics.frechet_distance(frozen, whole[1]) == expected


@pytest.mark.parametrize("name", SAME)
def test_a_set_against_itself(name: str) -> None:
    assert getattr(metrics, name)(REAL, REAL) == pytest.approx(SAME[name], abs=1e-6)


def test_known_values() -> None:
    assert metrics.frechet_distance(REAL, REAL + 2) == pytest.approx(6 * 4)
    assert metrics.precision(REAL, REAL + 100) == metrics.coverage(REAL, REAL + 100) == 0
    assert metrics.authenticity(REAL, REAL + 100) == 1
    assert metrics.class_kl(PROBABLE, PROBABLE) == 0


@pytest.mark.parametrize("name", OF_FEATURES)
def test_features_that_cannot_be_compared_are_refused(name: str) -> None:
    function, first = getattr(metrics, name), "training" if name == "authenticity" else "real"
    with refused("widths differ", "generated", found=5, other=first, expected=6):
        function(REAL, MADE[:, :5])
    broken = MADE.copy()
    broken[3, 2] = np.nan
    with refused("not finite", "generated"):
        function(REAL, broken)
    with refused("too few rows", "generated", found=0):
        function(REAL, MADE[:0])
    with refused("too few rows", first, found=1):
        function(REAL[:1], MADE)
    with refused("features shape", first, found="(200,)"):
        function(REAL[:, 0], MADE)
    with refused("array of numbers", "generated"):
        function(REAL, np.full((150, 6), "x"))


@pytest.mark.parametrize("name", ["class_frechet_distance", "classification_accuracy"])
def test_labels_are_one_integer_for_each_image(name: str) -> None:
    function, (real, labels, made, requested) = getattr(metrics, name), CALLS[name]
    with refused("labels length", "labels", expected=150, found="(149,)"):
        function(real, labels, made, requested[:-1])
    with refused("classes shape", "labels", type="float64"):
        function(real, labels, made, requested / 2)
    with refused("negative class", "real_labels", found=-1):
        function(real, labels - 1, made, requested)


def test_no_class_with_two_images_is_refused() -> None:
    with refused("classes too small", "labels"):
        metrics.class_frechet_distance(REAL, LABELS, MADE, REQUESTED + 7)


# Features of images.


def test_features_are_those_of_the_feature_space() -> None:
    images = RNG.integers(256, size=(40, 28, 28), dtype=np.uint8)
    found = metrics.extract_features(images)
    assert (found.shape, found.dtype) == ((40, 128), np.float32)
    space = metrics.feature_space("digits", images)
    expected = space(torch.from_numpy(images)[:, None])
    assert np.array_equal(found, expected.features.numpy())
    assert np.array_equal(metrics.extract_features(torch.from_numpy(images), space), found)
    probabilities = metrics.class_probabilities(images, space)
    assert np.array_equal(probabilities, expected.probabilities.numpy())
    assert metrics.confidence(probabilities) == pytest.approx(probabilities.max(axis=1).mean())
    other = metrics.extract_features(images, "random")
    assert not np.array_equal(other, found)
    assert not np.array_equal(metrics.extract_features(images, "auto"), found)  # They aren't MNIST's.


def test_images_of_the_wrong_kind_are_refused() -> None:
    images = np.zeros((5, 28, 28), np.uint8)
    wrong = {"float32": images.astype(np.float32), "uint8": images[0], "int64": images.astype(int)}
    for kind, array in wrong.items():
        with refused("images array", "images", type=kind):
            metrics.extract_features(array)
    with refused("images array", "images", found="(5, 28, 28, 3)"):
        metrics.extract_features(np.zeros((5, 28, 28, 3), np.uint8))
    with refused("images for space", "features", space="digits"):
        metrics.extract_features(images[:, :8])
    with refused("no space", "features", name="digit"):
        metrics.extract_features(images, "digit")
    with refused("no classifier", "space", name="random"):
        metrics.class_probabilities(images, "random")
    with refused("no labels to train on", "features"):
        metrics.feature_space("classifier", images)


# What is documented.


@pytest.mark.parametrize("name", [name for name in metrics.__all__ if inspect.isroutine(getattr(metrics, name))])
def test_a_function_documents_its_arguments_results_errors_and_an_example(name: str) -> None:
    function = getattr(metrics, name)
    text = inspect.getdoc(function) or ""
    assert all(f"{argument}" in text for argument in inspect.signature(function).parameters)
    if name not in ("resolve_metrics", "save_evaluation"):
        assert "\nReturns:\n" in text or name == "feature_space"
        assert "\nExample:\n" in text
    assert "\nRaises:\n" in text


@pytest.mark.parametrize("home", sorted({*metrics._HOMES.values(), "metric", "judge"}))
def test_examples_are_right(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketgan.metrics.classification.STEPS", 60)
    monkeypatch.setattr("pocketgan.metrics.two_sample.STEPS", 60)
    result = doctest.testmod(importlib.import_module(f"pocketgan.metrics.{home}"))
    assert result.failed == 0


def test_nothing_is_imported_before_it_is_used() -> None:
    code = "import sys, pocketgan; dir(pocketgan.metrics); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    name = "fid"
    with pytest.raises(AttributeError, match="no attribute 'fid'"):
        getattr(metrics, name)
    assert issubclass(UserError, ValueError)
