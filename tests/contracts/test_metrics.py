"""What every metric must do. A new metric is found through its dict."""

import dataclasses
import math

import pytest
import torch
from torch import Tensor

from pocketgan.metrics.registry import METRICS, Comparison, Reference, Sample, missing, why_not
from pocketgan.metrics.words import READINGS, TITLES

COUNT, CLASSES = 300, 4
metrics = pytest.mark.parametrize("name", METRICS)

RANDOM_DRAWS = {"classification_accuracy", "two_sample"}
"""Metrics that train a network on images in the order in which they come."""

WORDS = {
    "classifier": "classifier",
    "labels": "labels",
    "training": "training images",
    "held out": "weren't trained on",
}
"""What a message says of each need."""

SAME = {
    "frechet_distance": 0.0,
    "precision": 1.0,
    "recall": 1.0,
    "density": 1.0,
    "coverage": 1.0,
    "modes": float(CLASSES),
    "class_kl": 0.0,
    "label_agreement": 1.0,
    "class_frechet_distance": 0.0,
    "duplicates": 0.01,
    "authentic": 0.0,
    "copying": 0.0,
}
"""Figures of the reference's own images, where they are known."""


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that metrics train are trained for a few steps."""
    monkeypatch.setattr("pocketgan.metrics.classification.STEPS", 20)
    monkeypatch.setattr("pocketgan.metrics.two_sample.STEPS", 20)


def sample(count: int = COUNT, seed: int = 0) -> Sample:
    """Random images with features, probabilities of four classes, and labels that are the most probable ones."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(256, (count, 1, 8, 8), generator=random, dtype=torch.uint8)
    features = torch.randn(count, 128, generator=random)
    probabilities = torch.randn(count, CLASSES, generator=random).softmax(dim=1)
    return Sample(images, features, probabilities, probabilities.argmax(dim=1))


def comparison(count: int = COUNT, real: int = COUNT) -> Comparison:
    return Comparison(sample(count), Reference(sample(real, 1), sample(2 * real, 2)))


def without(need: str, whole: Comparison) -> Comparison:
    """Takes away what a metric may need."""
    made, reference = whole.generated, whole.reference
    if need == "classifier":
        real = dataclasses.replace(reference.sample, probabilities=None)
        return Comparison(dataclasses.replace(made, probabilities=None), dataclasses.replace(reference, sample=real))
    if need == "labels":
        return Comparison(dataclasses.replace(made, labels=None), reference)
    if need == "training":
        return Comparison(made, dataclasses.replace(reference, training=None))
    return Comparison(made, dataclasses.replace(reference, held_out=False))


def permuted(whole: Sample) -> Sample:
    return whole.part(torch.randperm(len(whole), generator=torch.Generator().manual_seed(5)))


def test_the_tables_here_name_metrics_that_are_there() -> None:
    assert METRICS.keys() >= SAME.keys() | RANDOM_DRAWS
    assert len(set(TITLES.values())) == len(METRICS)


@metrics
def test_a_metric_says_how_to_read_it(name: str) -> None:
    metric = METRICS[name]
    assert TITLES[name]
    assert READINGS[name]
    assert metric.least >= 1
    assert set(metric.needs) <= set(WORDS)


@metrics
def test_it_measures_a_finite_number_and_always_the_same(name: str) -> None:
    count = max(COUNT, METRICS[name].least)
    values = []
    for seed in range(2):
        torch.manual_seed(seed)
        before = torch.random.get_rng_state()
        values.append(METRICS[name].measure(comparison(count)))
        assert torch.equal(torch.random.get_rng_state(), before)
    assert isinstance(values[0], float | int)
    assert math.isfinite(values[0])
    assert values[0] == values[1]


@metrics
def test_it_leaves_what_it_is_given(name: str) -> None:
    given = comparison(max(COUNT, METRICS[name].least))
    before = [tensor.clone() for tensor in tensors(given)]
    METRICS[name].measure(given)
    assert all(torch.equal(old, new) for old, new in zip(before, tensors(given), strict=True))


def tensors(whole: Comparison) -> list[Tensor]:
    samples = (whole.generated, whole.reference.sample, whole.reference.training)
    return [t for s in samples for t in (s.images, s.features, s.probabilities, s.labels)]


@pytest.mark.parametrize("name", [name for name in METRICS if name not in RANDOM_DRAWS])
def test_the_order_of_the_images_is_nothing_to_it(name: str) -> None:
    whole = comparison()
    expected = METRICS[name].measure(whole)
    shuffled = Comparison(permuted(whole.generated), whole.reference)
    assert METRICS[name].measure(shuffled) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    reference = Reference(permuted(whole.reference.sample), whole.reference.training)
    assert METRICS[name].measure(Comparison(whole.generated, reference)) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@metrics
def test_as_many_images_as_it_takes_are_enough(name: str) -> None:
    least = METRICS[name].least
    for count, real in ((least, COUNT), (least, 10 * COUNT), (least, least)):
        given = comparison(count, max(real, least))
        assert why_not(name, METRICS[name], given) is None
        assert math.isfinite(METRICS[name].measure(given))


@metrics
@pytest.mark.parametrize("whose", ["images", "real images"])
def test_one_image_fewer_is_too_few(name: str, whose: str) -> None:
    least = METRICS[name].least
    few = (least - 1, COUNT + least) if whose == "images" else (COUNT + least, least - 1)
    given = Comparison(sample(few[0]), Reference(sample(few[1], 1), sample(10, 2)))
    reason = why_not(name, METRICS[name], given)
    assert (reason.key, reason.parts) == (f"too few {whose}", {"name": name, "least": least, "found": least - 1})
    assert reason == f"{name} needs at least {least} {whose} (got {least - 1})"


@metrics
@pytest.mark.parametrize("need", WORDS)
def test_what_is_missing_is_named(name: str, need: str) -> None:
    metric, count = METRICS[name], max(COUNT, METRICS[name].least)
    whole = comparison(count, count)
    assert missing(metric, whole) is None
    lacking = without(need, whole)
    if need in metric.needs:
        assert missing(metric, lacking) == need
        reason = why_not(name, metric, lacking)
        assert (reason.key, reason.parts) == (f"needs {need}", {"name": name})
        assert reason.startswith(f"{name} ") and WORDS[need] in reason
    else:
        assert missing(metric, lacking) is None
        assert math.isfinite(metric.measure(lacking))


def test_labels_must_be_there_on_both_sides() -> None:
    whole = comparison()
    reference = dataclasses.replace(whole.reference, sample=dataclasses.replace(whole.reference.sample, labels=None))
    for name in ("label_agreement", "class_frechet_distance", "classification_accuracy"):
        assert "labels" in missing(METRICS[name], Comparison(whole.generated, reference))


@pytest.mark.parametrize("name", SAME)
def test_the_references_own_images_get_the_figure_that_is_known(name: str) -> None:
    real = sample()
    same = Comparison(real, Reference(real, real))
    assert METRICS[name].measure(same) == pytest.approx(SAME[name], abs=0.005)


def test_the_kernel_distance_of_the_references_own_images_is_below_zero() -> None:
    real = sample()
    assert METRICS["kernel_distance"].measure(Comparison(real, Reference(real))) < 0


def test_the_confidence_is_that_of_the_classifier() -> None:
    whole = comparison()
    expected = whole.generated.probabilities.amax(dim=1).mean().item()
    assert METRICS["confidence"].measure(whole) == pytest.approx(expected)


FAR_OFF = {
    "frechet_distance",
    "class_frechet_distance",
    "kernel_distance",
    "precision",
    "recall",
    "density",
    "coverage",
    "copying",
}


@pytest.mark.parametrize("name", sorted(FAR_OFF))
def test_images_far_from_real_ones_are_worse_than_real_ones(name: str) -> None:
    whole = comparison()
    far = dataclasses.replace(whole.generated, features=whole.generated.features + 30)
    near, off = METRICS[name].measure(whole), METRICS[name].measure(Comparison(far, whole.reference))
    if name in ("frechet_distance", "class_frechet_distance", "kernel_distance", "copying"):
        assert off > near + 1
    else:
        assert off == 0


def test_a_class_that_was_not_asked_for_often_is_no_error() -> None:
    """Where a class has too few images for a metric, it is either left out or named as missing."""
    whole = comparison(500, 500)
    labels = torch.zeros(500, dtype=torch.int64)
    asked = Comparison(dataclasses.replace(whole.generated, labels=labels), whole.reference)
    for name, metric in METRICS.items():
        if why_not(name, metric, asked) is None:
            assert math.isfinite(metric.measure(asked)), name


def test_the_fifths_of_a_comparison_are_disjoint_and_measured_as_by_themselves() -> None:
    whole = comparison(403)
    parts = whole.sets
    assert [len(part.generated) for part in parts] == [80] * 5
    joined = torch.cat([part.generated.features for part in parts])
    assert torch.equal(joined, whole.generated.features[:400])
    for part in parts[:2]:
        alone = Comparison(part.generated, part.reference)
        assert torch.equal(part.nearest_training.distances, alone.nearest_training.distances)
        assert torch.equal(part.authentic, alone.authentic)
        assert part.manifold.precision == alone.manifold.precision
