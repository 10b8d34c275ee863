"""Copies, copies with noise, and new images from the same distribution."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu
from torch import Tensor

from pocketgan.metrics.memorisation import authentic, authenticity, cell_centres, copying_score, mann_whitney_z
from pocketgan.metrics.neighbours import Nearest, nearest
from refusals import refused


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def uniform(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


TRAINING = normal(2000, 6)
HELD_OUT = normal(800, 6, seed=1)


def test_authentic_on_a_line() -> None:
    training = torch.tensor([[0.0], [1.0], [5.0], [11.0]])
    generated = torch.tensor([[0.0], [0.4], [-1.0], [-1.1], [7.5], [11.5], [17.5], [2.5]])
    assert authentic(training, generated).tolist() == [False, False, False, True, False, False, True, True]
    assert authenticity(training, generated) == 0.375


def test_authentic_by_its_definition() -> None:
    generated, training = normal(90, 3, seed=1), normal(70, 3)
    to_training = (generated.double()[:, None] - training.double()[None]).norm(dim=2)
    among = (training.double()[:, None] - training.double()[None]).norm(dim=2).fill_diagonal_(math.inf)
    expected = to_training.amin(dim=1) > among.amin(dim=1)[to_training.argmin(dim=1)]
    assert 20 < expected.sum() < 70
    assert torch.equal(authentic(training, generated), expected)


def test_copies_are_not_authentic() -> None:
    copies = TRAINING[torch.arange(900) % 700]
    assert authenticity(TRAINING, copies) == 0
    assert authenticity(TRAINING, copies + 0.01 * normal(900, 6, seed=2)) == 0


def test_copies_of_training_images_that_are_there_twice_are_not_authentic() -> None:
    training = torch.cat([TRAINING[:50], TRAINING[:50]])
    assert authenticity(training, training) == 0


def test_far_images_are_authentic() -> None:
    assert authenticity(TRAINING, HELD_OUT + 20) == 1


@pytest.mark.parametrize(("width", "share"), [(1, 1 / 3), (2, 0.3785)])
def test_new_images_are_authentic_unless_they_are_the_nearest_of_their_nearest(width: int, share: float) -> None:
    """The probability that nearest neighbours are each other's: 2/3 on a line, 0.6215 in the plane (Pickard 1982)."""
    found = authenticity(uniform(20_000, width), uniform(4000, width, seed=1))
    assert found == pytest.approx(share, abs=0.03)


def test_about_half_of_new_images_are_authentic_in_more_dimensions() -> None:
    assert 0.4 < authenticity(TRAINING, HELD_OUT) < 0.6


def test_known_distances_are_taken() -> None:
    known = nearest(HELD_OUT, TRAINING)
    assert torch.equal(authentic(TRAINING, HELD_OUT, generated_nearest=known), authentic(TRAINING, HELD_OUT))
    farther = Nearest(known.distances + 100, known.indices)
    assert authentic(TRAINING, HELD_OUT, generated_nearest=farther).all()
    generated = normal(500, 6, seed=2)
    score = copying_score(TRAINING, HELD_OUT, generated)
    ours, theirs = nearest(generated, TRAINING), known
    assert copying_score(TRAINING, HELD_OUT, generated, generated_nearest=ours, held_out_nearest=theirs) == score
    assert copying_score(TRAINING, HELD_OUT, generated, centres=cell_centres(TRAINING)) == score
    assert copying_score(TRAINING, HELD_OUT, generated, centres=cell_centres(TRAINING)[:4]) != score
    ours = Nearest(torch.zeros(500), ours.indices)
    assert copying_score(TRAINING, HELD_OUT, generated, generated_nearest=ours) < -5


def test_a_single_cell_is_the_mann_whitney_test() -> None:
    generated = 1.1 * normal(300, 6, seed=2)
    ours, theirs = nearest(generated, TRAINING).distances, nearest(HELD_OUT, TRAINING).distances
    score = copying_score(TRAINING, HELD_OUT, generated, cells=1)
    pvalue = mannwhitneyu(ours.numpy(), theirs.numpy(), method="asymptotic", use_continuity=False).pvalue
    assert score > 2
    assert math.erfc(score / math.sqrt(2)) == pytest.approx(pvalue)


@pytest.mark.parametrize("below", [2, 10, 1000])
@pytest.mark.parametrize("shift", [0, 1])
def test_scores_of_tied_numbers_are_scipys(below: int, shift: int) -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(below, size=70) + 0.0, random.integers(below, size=50) + 1.0 * shift
    pvalue = mannwhitneyu(first, second, method="asymptotic", use_continuity=False).pvalue
    score = mann_whitney_z(first, second)
    assert math.erfc(abs(score) / math.sqrt(2)) == pytest.approx(pvalue)
    assert mann_whitney_z(second, first) == pytest.approx(-score)


def test_scores_known_answers() -> None:
    low, high = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0])
    assert mann_whitney_z(low, high) == pytest.approx(-3 / math.sqrt(3))
    assert mann_whitney_z(high, low) == pytest.approx(3 / math.sqrt(3))
    assert mann_whitney_z(np.ones(4), np.ones(9)) == 0


@pytest.mark.parametrize("cells", [1, 5, 10])
def test_the_copying_score_of_new_images_is_near_zero(cells: int) -> None:
    assert abs(copying_score(TRAINING, HELD_OUT, normal(800, 6, seed=2), cells=cells)) < 1


@pytest.mark.parametrize("cells", [1, 5, 10])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_copying_score_of_copies_is_far_below_zero(cells: int, noise: float) -> None:
    copies = TRAINING[:800] + noise * normal(800, 6, seed=2)
    assert copying_score(TRAINING, HELD_OUT, copies, cells=cells) < -8


def test_the_copying_score_of_far_images_is_above_zero() -> None:
    assert copying_score(TRAINING, HELD_OUT, 1.5 * normal(800, 6, seed=2)) > 3


def clusters(*counts: int, seed: int = 0) -> Tensor:
    """So many points around 0, so many around 100, and so on."""
    centres = 100.0 * torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return centres[:, None] + normal(sum(counts), 2, seed=seed)


def test_cells_are_weighted_by_held_out_images_and_small_ones_are_left_out() -> None:
    training, held_out = clusters(300, 300, seed=1), clusters(30, 90, seed=2)
    generated = torch.cat([training[:40], clusters(0, 60, seed=3)])

    def cell(rows: Tensor, side: bool) -> Tensor:
        return nearest(rows[(rows[:, 0] > 50) == side], training).distances

    scores = [mann_whitney_z(cell(generated, s).numpy(), cell(held_out, s).numpy()) for s in (False, True)]
    assert scores[0] < -5 < scores[1]
    expected = (30 * scores[0] + 90 * scores[1]) / 120
    assert copying_score(training, held_out, generated, cells=2) == pytest.approx(expected)
    assert copying_score(training, held_out, generated[21:], cells=2) == pytest.approx(scores[1])
    assert copying_score(training, held_out[30:], generated, cells=2) == pytest.approx(scores[1])


def test_few_images_get_few_cells() -> None:
    whole = copying_score(TRAINING, HELD_OUT, TRAINING[:39], cells=1)
    assert copying_score(TRAINING, HELD_OUT, TRAINING[:39], cells=10) == whole < -5


def test_training_images_that_are_all_alike_make_one_cell() -> None:
    assert copying_score(torch.zeros(40, 3), normal(60, 3, seed=1), normal(50, 3), cells=2) == pytest.approx(0, abs=3)


def test_the_same_features_give_the_same_number_and_the_global_generators_are_left_alone() -> None:
    before, numpys_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = copying_score(TRAINING, HELD_OUT, normal(500, 6, seed=2))
    assert torch.equal(before, torch.get_rng_state())
    assert (numpys_before == np.random.get_state()[1]).all()
    assert copying_score(TRAINING, HELD_OUT, normal(500, 6, seed=2)) == first


def test_order_makes_no_difference() -> None:
    generated = normal(500, 6, seed=2)
    order, other = torch.randperm(500), torch.randperm(800)
    score = copying_score(TRAINING, HELD_OUT, generated)
    assert copying_score(TRAINING, HELD_OUT[other], generated[order]) == pytest.approx(score)
    found = authentic(TRAINING[torch.randperm(2000)], generated[order])
    assert torch.equal(found, authentic(TRAINING, generated)[order])


def test_errors() -> None:
    known = nearest(HELD_OUT[:5], TRAINING)
    with refused("too few rows", "training", least=2, found=1):
        authentic(TRAINING[:1], HELD_OUT)
    with refused("too few rows", "generated", least=1, found=0):
        authenticity(TRAINING, HELD_OUT[:0])
    with refused("widths differ", "generated", found=2, other="training", expected=6):
        authentic(TRAINING, HELD_OUT[:, :2])
    with pytest.raises(ValueError, match="generated_nearest: 5 distances; expected 6"):
        authentic(TRAINING, HELD_OUT[:6], generated_nearest=known)
    with pytest.raises(ValueError, match="held_out_nearest: 5 distances; expected 6"):
        copying_score(TRAINING, HELD_OUT[:6], HELD_OUT, held_out_nearest=known)
    with refused("too few rows", "generated", least=20, found=19):
        copying_score(TRAINING, HELD_OUT, HELD_OUT[:19])
    with refused("too few rows", "held_out", least=1, found=0):
        copying_score(TRAINING, HELD_OUT[:0], HELD_OUT)
    with refused("too few rows", "training", least=10, found=9):
        copying_score(TRAINING[:9], HELD_OUT, HELD_OUT)
    with refused("widths differ", "held_out", found=2):
        copying_score(TRAINING, HELD_OUT[:, :2], HELD_OUT)
    for wrong in ("cells", "least"):
        with refused("at least", wrong, least=1, found=0):
            copying_score(TRAINING, HELD_OUT, HELD_OUT, **{wrong: 0})
    with refused("cells too small", "cells", cells=2, least=20):
        copying_score(clusters(50, 50), clusters(0, 40), clusters(40, 0), cells=2)
