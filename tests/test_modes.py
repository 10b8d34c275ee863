"""Classes and duplicates: numbers that can be counted by hand."""

import math

import pytest
import torch
from torch import Tensor

from pocketgan.metrics.modes import class_histogram, class_kl, confidence, count_modes, duplicates, label_agreement
from refusals import refused


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def labels(*counts: int) -> Tensor:
    """So many labels 0, so many labels 1, and so on."""
    return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))


UNIFORM = torch.full((4,), 0.25)


def test_a_histogram_is_shares() -> None:
    shares = class_histogram(labels(1, 0, 5, 2), 5)
    assert shares.dtype == torch.float64
    assert shares.tolist() == [0.125, 0, 0.625, 0.25, 0]


@pytest.mark.parametrize(("counts", "modes"), [((25, 25, 25, 25), 4), ((100, 0, 0, 0), 1), ((96, 2, 1, 1), 1)])
def test_modes_are_classes_with_a_tenth_of_their_share(counts: tuple[int, ...], modes: int) -> None:
    assert count_modes(UNIFORM, labels(*counts)) == modes


def test_a_mode_needs_its_share_and_no_more() -> None:
    assert count_modes(UNIFORM, labels(975, 25, 0, 0)) == 2
    assert count_modes(UNIFORM, labels(976, 24, 0, 0)) == 1
    assert count_modes(UNIFORM, labels(50, 50, 0, 0), least=2) == 2
    assert count_modes(UNIFORM, labels(51, 49, 0, 0), least=2) == 1


def test_modes_are_held_against_the_reference() -> None:
    reference = torch.tensor([0.5, 0.5 - 0.01, 0.01, 0.0])
    assert count_modes(reference, labels(990, 9, 1, 0)) == 2
    assert count_modes(reference, labels(900, 50, 1, 49)) == 3


def test_divergence_from_the_own_histogram_is_zero() -> None:
    for counts in [(1, 2, 3, 4), (0, 7, 0, 3), (5, 0, 0, 0)]:
        assert class_kl(class_histogram(labels(*counts), 4), labels(*counts)) == 0


def test_divergences_known_answers() -> None:
    assert class_kl(UNIFORM, labels(10, 0, 0, 0)) == pytest.approx(math.log(4))
    assert class_kl(UNIFORM, labels(5, 5, 0, 0)) == pytest.approx(math.log(2))
    reference = torch.tensor([0.5, 0.25, 0.125, 0.125])
    assert class_kl(reference, labels(1, 1, 1, 1)) == pytest.approx(0.25 * (math.log(0.5) + 2 * math.log(2)))
    assert class_kl(torch.tensor([0.9, 0.1]), labels(4, 4)) == pytest.approx(0.5 * math.log(0.25 / 0.09), rel=1e-6)


def test_a_class_that_the_reference_lacks_counts_as_half_an_image() -> None:
    reference = torch.tensor([0.5, 0.5, 0.0])
    expected = 0.4 * math.log(0.4 * 1.05 / 0.5) * 2 + 0.2 * math.log(0.2 * 1.05 / 0.05)
    assert class_kl(reference, labels(4, 4, 2)) == pytest.approx(expected)
    little, more, all_of_it = (class_kl(reference, labels(50, 50 - n, n)) for n in (1, 10, 50))
    assert 0 < little < more < all_of_it < math.inf
    assert class_kl(reference, labels(5, 5, 0)) == 0


def test_confidence_is_the_mean_of_the_greatest_probabilities() -> None:
    assert confidence(torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])) == 0.75
    assert confidence(torch.full((7, 4), 0.25)) == 0.25


def test_agreement_is_the_share_of_equal_labels() -> None:
    assert label_agreement(torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 4, 3])) == 0.5
    assert label_agreement(labels(1, 2, 3), labels(1, 2, 3)) == 1


def test_real_images_have_one_in_a_hundred_duplicates_of_themselves() -> None:
    real = normal(1000, 8)
    assert 0.01 <= duplicates(real, real) <= 0.02
    assert 0.002 <= duplicates(real, normal(1000, 8, seed=1)) <= 0.03


@pytest.mark.parametrize("rows", [200, 500])
@pytest.mark.parametrize("noise", [0.0, 1e-4])
def test_collapsed_sets_are_duplicates(rows: int, noise: float) -> None:
    real = normal(500, 8)
    points = normal(10, 8, seed=1)[torch.arange(rows) % 10]
    collapsed = points + noise * normal(rows, 8, seed=2)
    assert duplicates(real, collapsed) == 1
    third = torch.cat([collapsed[: rows // 4], 5 * normal(rows - rows // 4, 8, seed=3)])
    assert duplicates(real, third) == 0.25


def test_collapse_shows_even_if_real_images_have_copies() -> None:
    real = torch.cat([normal(100, 8), normal(100, 8)[:10]])
    assert duplicates(real, torch.zeros(110, 8)) == 1


def test_more_images_do_not_make_more_duplicates() -> None:
    few, many = normal(200, 2, seed=1), normal(4000, 2, seed=2)
    assert duplicates(few, many) < 0.06
    assert duplicates(many, few) < 0.06


def test_errors() -> None:
    features = normal(4, 3)
    with pytest.raises(ValueError, match="labels: 0 of them; expected 1 or more"):
        class_histogram(labels(0, 0), 2)
    for wrong in (-1, 4):
        with pytest.raises(ValueError, match=r"labels: from .* to .*; with 4 classes, 0 to 3"):
            class_histogram(torch.tensor([wrong, 1]), 4)
    for metric in (class_kl, count_modes):
        with refused("class unknown", "generated", found=4, most=3):
            metric(UNIFORM, torch.tensor([4]))
        with refused("negative class", "generated", found=-1):
            metric(UNIFORM, torch.tensor([-1]))
        with refused("too few rows", "generated", least=1, found=0):
            metric(UNIFORM, labels(0))
        with refused("classes shape", "generated", type="float32"):
            metric(UNIFORM, UNIFORM)
        for shares in ([0.5, 0.4], [1.5, -0.5], [math.nan, 1.0]):
            with refused("shares", "real"):
                metric(torch.tensor(shares), labels(1))
    with refused("above zero", "least", found=0):
        count_modes(UNIFORM, labels(1), least=0)
    for shape in ((0, 4), (4, 0), (4,)):
        with refused("probabilities shape", "generated"):
            confidence(torch.zeros(shape))
    with refused("probabilities range", "generated"):
        confidence(torch.tensor([[0.5, 1.5]]))
    with refused("lengths differ", "generated", found=3, other="labels", expected=2):
        label_agreement(labels(2), labels(3))
    with refused("too few rows", "labels", least=1, found=0):
        label_agreement(labels(0), labels(0))
    with refused("too few rows", "generated", least=2, found=1):
        duplicates(features, features[:1])
    with refused("widths differ", "generated", found=2):
        duplicates(features, features[:, :2])


def test_classes_and_probabilities_say_the_same() -> None:
    real, made = normal(60, 4).softmax(dim=1), normal(50, 4, seed=1).softmax(dim=1)
    classes = real.argmax(dim=1), made.argmax(dim=1)
    for metric in (class_kl, count_modes):
        expected = metric(class_histogram(classes[0], 4), classes[1])
        assert metric(real, made) == metric(*classes) == metric(real, classes[1]) == expected
    assert label_agreement(classes[1], made) == 1
