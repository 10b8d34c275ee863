"""Known answers, and what intervals and verdicts promise, on simulated studies."""

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pytest

from pocketgan.studies import statistics
from pocketgan.studies.seeds import default_seeds, fewest_seeds, smallest_p_value
from pocketgan.studies.statistics import (
    Interval,
    PairComparison,
    compare,
    expected_best,
    holm,
    interquartile_mean,
    interval,
    permutation_p_value,
    probability_better,
    rank_correlation,
    seeds_needed,
    variation_between,
    variation_within,
)

NONE_SHOWN = "no difference shown"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7], 7),
        ([1, 2, 6], 3),
        ([100, 0, 1, 2, 3], 2),
        ([8, 1, 7, 2, 6, 3, 5, 4], 4.5),
        ([1, 2, 3, 4, 5, 6, 7, 1e9], 4.5),
    ],
)
def test_interquartile_mean(values: list[float], expected: float) -> None:
    assert interquartile_mean(values) == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize("size", [5, 8, 10])
def test_intervals_hold_the_true_value(size: int) -> None:
    studies = np.random.default_rng(0).normal(3, 2, (2000, size))
    found = [interval(study, resamples=999) for study in studies]
    held = np.mean([each is not None and each.low <= 3 <= each.high for each in found])
    assert 0.93 <= held <= 0.97


@pytest.mark.slow
def test_intervals_of_skewed_figures_hold_the_true_value() -> None:
    middle = [NormalDist().inv_cdf(share) for share in np.linspace(0.25, 0.75, 2001)]
    true = float(np.exp(0.5 * np.array(middle)).mean())
    studies = np.random.default_rng(0).lognormal(0, 0.5, (1000, 6))
    found = [interval(study, resamples=999) for study in studies]
    assert 0.91 <= np.mean([each is not None and each.low <= true <= each.high for each in found]) <= 0.98


def test_intervals_of_three_values_are_those_of_the_mean() -> None:
    found = interval([0.0, 1.0, 2.0])
    assert found is not None
    width = 4.3027 / 1.95996 * math.sqrt(3 / 2)
    assert (found.estimate, found.low, found.high) == pytest.approx((1, 1 - width, 1 + width), rel=1e-4)


def test_intervals_without_spread_have_no_width() -> None:
    assert interval([0.1] * 5) == Interval(0.1, 0.1, 0.1)
    assert interval([0.0] * 3) == Interval(0, 0, 0)
    tied = interval([1.0, 1.0, 1.0, 1.0, 9.0])
    assert tied is not None and tied.low == tied.estimate == 1 < tied.high


def test_intervals() -> None:
    values = [3.0, 1.0, 4.0, 1.5, 5.0, 9.0, 2.0, 6.0]
    whole = interval(values)
    assert whole is not None and whole.low < whole.estimate == interquartile_mean(values) < whole.high
    assert interval(values) == whole != interval(values, seed=1)
    narrow = interval(values, confidence=0.5)
    assert narrow is not None and whole.low < narrow.low < narrow.high < whole.high
    shifted = interval([10 * value + 7 for value in values])
    assert shifted is not None and shifted.low == pytest.approx(10 * whole.low + 7)
    assert interval(values[:2]) is None and interval([]) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([1, 2, 3, 4, 5], 2 / 32),
        ([-1, -2, -3, -4, -5], 2 / 32),
        ([-1, 2, 3, 4, 5], 4 / 32),
        ([1, 2, 3, 4, -5], 20 / 32),
        ([1, 1, 1, -1], 10 / 16),
        ([0, 0, 3], 1),
        ([0, 0, 0, 0, 0, 0], 1),
        ([2], 1),
        ([1] * 16, 2 / 2**16),
    ],
)
def test_permutation_p_values_by_hand(differences: list[float], expected: float) -> None:
    assert permutation_p_value(differences) == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_permutation_p_values_of_many_pairs_are_drawn_with_a_fixed_seed() -> None:
    """14 heads of 20 tosses: 0.1153."""
    differences = [1.0] * 14 + [-1.0] * 6
    found = permutation_p_value(differences)
    assert found == pytest.approx(0.1153, abs=0.005)
    assert permutation_p_value(differences) == found
    assert 0 < permutation_p_value([1.0] * 30) < 1e-4


def test_smallest_p_values_are_those_of_signs_all_alike() -> None:
    assert [smallest_p_value(seeds) for seeds in (1, 5, 6)] == [1, 1 / 16, 1 / 32]
    for seeds in range(1, 13):
        assert permutation_p_value(np.arange(1.0, seeds + 1)) == smallest_p_value(seeds)


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6, 0.01]) == pytest.approx([1, 1, 0.03])
    assert holm([0.2]) == [0.2] and holm([]) == []


def test_fewest_seeds() -> None:
    assert [fewest_seeds(comparisons) for comparisons in (1, 2, 3, 4, 10, 15, 55)] == [6, 7, 7, 8, 9, 10, 12]
    assert fewest_seeds(1, level=1 / 16) == 5 and fewest_seeds(2, level=1 / 16) == 6


def test_default_seeds() -> None:
    assert [default_seeds(comparisons) for comparisons in (1, 3, 10, 15, 55)] == [6, 8, 10, 11, 13]
    for comparisons in range(1, 61):
        fewest = fewest_seeds(comparisons)
        all_alike = NormalDist().cdf(3 / math.sqrt(2)) ** fewest
        assert default_seeds(comparisons) == (fewest if all_alike >= 0.9 else fewest + 1)


@pytest.mark.slow
def test_default_seeds_show_a_difference_of_three_standard_deviations() -> None:
    studies = np.random.default_rng(0).normal(3, math.sqrt(2), (400, default_seeds(15)))
    assert np.mean([permutation_p_value(study) <= 0.05 / 15 for study in studies]) >= 0.93


def test_probability_better() -> None:
    first, second = [1.0, 2.0, None], [2.0, 3.0, None]
    assert probability_better(first, second) == pytest.approx(6 / 9)
    assert probability_better(second, first) == pytest.approx(3 / 9)
    assert probability_better(first, second, lower_is_better=False) == pytest.approx(3 / 9)
    assert probability_better([1.0], [2.0, 3.0]) == 1 and probability_better([1.0], [2.0], lower_is_better=False) == 0
    assert probability_better([None], [None, None]) == 0.5
    for lower_is_better in (True, False):
        assert probability_better([None], [-1e9, 1e9], lower_is_better=lower_is_better) == 0
        assert probability_better([5.0], [None], lower_is_better=lower_is_better) == 1


@pytest.mark.parametrize(
    ("effect", "expected"), [(0.2, 199), (0.5, 34), (0.8, 15), (-0.5, 34), (0.02, None), (0, None)]
)
def test_seeds_needed_are_those_of_the_t_test(effect: float, expected: int | None) -> None:
    """The textbook's sizes of paired t tests with a power of 0.8 at 0.05."""
    assert seeds_needed([effect + math.sqrt(0.5), effect - math.sqrt(0.5)], 1) == expected


def test_seeds_needed_are_no_fewer_than_any_difference_needs() -> None:
    for comparisons in (1, 3, 55):
        assert seeds_needed([5.0, 5.0, 5.0], comparisons) == fewest_seeds(comparisons)
        assert seeds_needed([5.0, 5.001, 4.999], comparisons) == fewest_seeds(comparisons)
    some = seeds_needed([1.0, 2.0, -1.0], 1)
    more = seeds_needed([1.0, 2.0, -1.0], 10)
    most = seeds_needed([1.0, 2.0, -1.0], 10, power=0.95)
    assert some is not None and more is not None and most is not None and some < more < most
    assert seeds_needed([], 1) is None and seeds_needed([3.0], 1) is None


SEEDS = 8
FIGURES = {
    "base": [10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0],
    "good": [1.0, 2.1, 3.2, 4.3, 5.4, 6.5, 7.6, 8.7],
    "like": [10.5, 10.9, 11.9, 13.2, 13.8, 15.4, 15.9, 17.1],
}


def test_compare_all_pairs() -> None:
    found = compare(FIGURES)
    assert [(each.first, each.second) for each in found] == [("base", "good"), ("base", "like"), ("good", "like")]
    assert [each.verdict for each in found] == ["worse", NONE_SHOWN, "better"]
    assert [each.p_value for each in found][::2] == [2 / 2**8, 2 / 2**8]
    assert [each.adjusted for each in found] == pytest.approx(holm([each.p_value for each in found]))
    differences = np.subtract(FIGURES["base"], FIGURES["like"])
    assert found[1].p_value == permutation_p_value(differences) > 0.05
    assert found[1].difference == interval(differences)
    assert found[1].seeds_needed == seeds_needed(differences, 3)
    assert found[0].seeds_needed is None is found[2].seeds_needed
    assert [each.probability for each in found] == [0, probability_better(FIGURES["base"], FIGURES["like"]), 1]
    assert all(each.pairs == SEEDS for each in found)


def test_compare_where_higher_is_better() -> None:
    found = compare(FIGURES, lower_is_better=False)
    assert [each.verdict for each in found] == ["better", NONE_SHOWN, "worse"]
    assert found[0].probability == 1 and found[0].difference == compare(FIGURES)[0].difference


def test_compare_against_one() -> None:
    found = compare(FIGURES, against="like")
    assert [(each.first, each.second) for each in found] == [("base", "like"), ("good", "like")]
    assert found[1].adjusted == 2 * found[1].p_value and found[1].verdict == "better"


def test_compare_leaves_failed_runs_out_of_the_test_but_not_of_the_probability() -> None:
    failed = {"first": [1.0, None, 3.0, 4.0], "second": [2.0, 3.0, None, 6.0], "third": [None, None, None, None]}
    found = compare(failed)
    whole = probability_better(failed["first"], failed["second"])
    assert found[0] == PairComparison("first", "second", 2, None, 0.5, 1, whole, NONE_SHOWN, seeds_needed([-1, -2], 3))
    assert whole == 9 / 16
    assert found[1] == PairComparison("first", "third", 0, None, 1, 1, 14 / 16, NONE_SHOWN, None)


def test_more_seeds_are_needed_than_those_that_did_not_show_it() -> None:
    """One seed the other way: 4/64 isn't enough, though the t test would have it so."""
    differences = [5.0, 5.1, 5.2, 4.9, 5.3, -0.01]
    assert seeds_needed(differences, 1) == 6
    found = compare({"first": differences, "second": [0.0] * 6})
    assert found[0].p_value == 4 / 64 and found[0].verdict == NONE_SHOWN and found[0].seeds_needed == 7


def verdicts(studies: Sequence[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Those of all studies (variants, seeds), without what takes long and decides nothing."""
    monkeypatch.setattr(statistics, "interval", lambda *_, **__: None)
    monkeypatch.setattr(statistics, "seeds_needed", lambda *_, **__: None)
    named = [{str(name): figures.tolist() for name, figures in enumerate(study)} for study in studies]
    return [[each.verdict for each in compare(study)] for study in named]


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "least", "most"), [(5, 0, 0), (default_seeds(3), 0.01, 0.05)])
def test_variants_that_are_alike_are_hardly_ever_told_apart(
    seeds: int, least: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    studies = np.random.default_rng(0).normal(20, 3, (1000, 3, seeds))
    found = np.mean([set(study) != {NONE_SHOWN} for study in verdicts(studies, monkeypatch)])
    assert least <= found <= most


@pytest.mark.slow
def test_a_difference_of_three_standard_deviations_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    studies = np.random.default_rng(0).normal(20, 1, (400, 3, default_seeds(3)))
    studies[:, 1] -= 3
    found = [study[0] == "worse" and study[2] == "better" for study in verdicts(studies, monkeypatch)]
    assert np.mean(found) >= 0.9


@pytest.mark.parametrize(("seeds", "shown"), [(5, False), (fewest_seeds(3) - 1, False), (fewest_seeds(3), True)])
def test_too_few_seeds_show_nothing(seeds: int, shown: bool) -> None:
    run = np.arange(seeds)
    found = compare({"first": [*run + 1.0], "second": [*run + 1e6], "third": [*run * 1.1 - 1e6]})
    assert all((each.verdict != NONE_SHOWN) == shown for each in found)
    pair = compare({"first": [*run + 1.0], "second": [*run + 1e6]})
    assert (pair[0].verdict == "better") == (seeds >= 6)


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_expected_best_by_brute_force(count: int) -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0]
    lowest = np.mean([min(drawn) for drawn in combinations(values, count)])
    highest = np.mean([max(drawn) for drawn in combinations(values, count)])
    assert expected_best(values, count) == pytest.approx(lowest)
    assert expected_best(values, count, lower_is_better=False) == pytest.approx(highest)


def test_expected_best_of_one_and_of_all() -> None:
    assert expected_best([1, 2, 6], 1) == 3 and expected_best([1, 2, 6], 3) == 1


def test_variation_within_a_curve() -> None:
    assert variation_within([0, 10, 20], [11, 8, 11], warm_up=0) == pytest.approx(math.sqrt(6) / 10)
    assert variation_within([0, 10, 20], [-9, -12, -9], warm_up=0) == pytest.approx(math.sqrt(6) / 10)
    assert variation_within([0, 1, 3, 4, 9], [5, 7, 11, 13, 23]) == pytest.approx(0, abs=1e-12)
    assert variation_within([0, 1, 2, 3, 4], [500, 1 + 1, 2 - 1, 3 - 1, 4 + 1]) == pytest.approx(math.sqrt(2) / 2.5)
    assert variation_within([0, 5, 10, 20], [11, math.nan, 8, 11], warm_up=0) == variation_within(
        [0, 10, 20], [11, 8, 11], warm_up=0
    )
    assert variation_within([0, 10, 15, 20], [11, 8, math.inf, 11], warm_up=0) == pytest.approx(math.sqrt(6) / 10)
    assert math.isnan(variation_within([0, 1, 2], [1, 2, math.nan]))
    assert math.isnan(variation_within([0, 1, 2], [1, -2, 1], warm_up=0)) and math.isnan(variation_within([], []))


def test_variation_between_curves() -> None:
    assert variation_between([[900, 1, 3], [9, 3, 5]], warm_up=0.3) == pytest.approx(math.sqrt(2) / 3)
    assert variation_between([[-1, -3], [-3, -5]]) == pytest.approx(math.sqrt(2) / 3)
    curves = [[9, 1, 3, math.nan], [9, 3, 5, 1], [9, math.nan, math.nan, math.inf]]
    assert variation_between(curves, warm_up=0.25) == pytest.approx(math.sqrt(2) / 3)
    assert variation_between([[9, 1, 3, 7, 7], [4, 1, 3, 7, 7]]) == 0
    assert math.isnan(variation_between([[1, 2], [math.nan, math.nan]])) and math.isnan(variation_between([[], []]))
    assert math.isnan(variation_between([[1, 2], [-1, -2]]))


def test_rank_correlation() -> None:
    assert rank_correlation([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) == pytest.approx(0.8207827)
    assert rank_correlation([1, 2, 3], [-1, -8, -100]) == pytest.approx(-1)
    assert rank_correlation([1, None, 2, 3, 9], [1, 0, 8, 100, None]) == pytest.approx(1)
    assert rank_correlation([1, 2], [1, 2]) is None and rank_correlation([], []) is None
    assert rank_correlation([1, 2, None, 3], [1, 2, 3, None]) is None
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None is rank_correlation([1, 2, 3], [4, 4, 4])


def test_the_global_generator_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()
    compare(FIGURES)
    permutation_p_value(np.arange(1.0, 20.0))
    assert (np.random.get_state()[1] == before).all()


def test_errors_in_values() -> None:
    with pytest.raises(ValueError, match=r"^values: shape \(0,\), 0 not finite; expected a list of 1 or more finite"):
        interquartile_mean([])
    with pytest.raises(ValueError, match=r"^values: shape \(2,\), 1 not finite"):
        interval([1.0, math.nan])
    with pytest.raises(ValueError, match=r"^differences: shape \(0,\)"):
        permutation_p_value([])
    with pytest.raises(ValueError, match=r"^differences: shape \(1, 2\)"):
        seeds_needed(np.ones((1, 2)), 3)
    with pytest.raises(ValueError, match=r"^p_values: 0.1 to 1.5; expected numbers from 0 to 1"):
        holm([0.1, 1.5])
    with pytest.raises(ValueError, match=r"^second: no runs; expected 1 or more"):
        probability_better([1.0], [])
    with pytest.raises(ValueError, match=r"^first: shape \(1,\), 1 not finite"):
        probability_better([math.nan, None], [1.0])
    with pytest.raises(ValueError, match=r"^second: 1 figures; expected 2, one for each run"):
        rank_correlation([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match=r"^steps: 2 for 3 values; expected one for each, increasing"):
        variation_within([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match=r"^steps: 3 for 3 values; expected one for each, increasing"):
        variation_within([1, 1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match=r"^curves: 1, 1 lengths; expected 2 or more, all of the same length"):
        variation_between([[1, 2]])
    with pytest.raises(ValueError, match=r"^curves: 2, 2 lengths"):
        variation_between([[1, 2], [1]])


def test_errors_in_options() -> None:
    with pytest.raises(ValueError, match=r"^confidence: 95; expected a number between 0 and 1"):
        interval([1.0, 2.0, 3.0], confidence=95)
    with pytest.raises(ValueError, match=r"^resamples: 0; expected 1 or more"):
        interval([1.0, 2.0, 3.0], resamples=0)
    with pytest.raises(ValueError, match=r"^seeds: 0; expected 1 or more"):
        smallest_p_value(0)
    with pytest.raises(ValueError, match=r"^comparisons: 0; expected 1 or more"):
        default_seeds(0)
    with pytest.raises(ValueError, match=r"^level: 0; expected a number between 0 and 1"):
        fewest_seeds(1, level=0)
    with pytest.raises(ValueError, match=r"^power: 1; expected a number between 0 and 1"):
        seeds_needed([1.0, 2.0], 1, power=1)
    with pytest.raises(ValueError, match=r"^count: 4; expected 1 to 3, the number of values"):
        expected_best([1, 2, 3], 4)
    with pytest.raises(ValueError, match=r"^count: 0; expected 1 to 3"):
        expected_best([1, 2, 3], 0)
    for warm_up in (-0.1, 1):
        with pytest.raises(ValueError, match=rf"^warm_up: {warm_up}; expected a number from 0 to below 1"):
            variation_between([[1, 2], [1, 3]], warm_up=warm_up)


def test_errors_in_figures() -> None:
    with pytest.raises(ValueError, match=r"^figures: of 1 variants; expected 2 or more"):
        compare({"first": [1.0]})
    with pytest.raises(ValueError, match=r"^figures\['second'\]: 1; expected 2, one for each seed"):
        compare({"first": [1.0, 2.0], "second": [1.0]})
    with pytest.raises(ValueError, match=r"^figures\['first'\]: 0; expected 1 or more, one for each seed"):
        compare({"first": [], "second": []})
    with pytest.raises(ValueError, match=r"^figures\['second'\]: shape \(1,\), 1 not finite"):
        compare({"first": [1.0, 2.0], "second": [None, math.inf]})
    with pytest.raises(ValueError, match=r"^against: 'third'; expected one of first, second"):
        compare({"first": [1.0], "second": [2.0]}, against="third")
    with pytest.raises(ValueError, match=r"^level: 1; expected a number between 0 and 1"):
        compare({"first": [1.0], "second": [2.0]}, level=1)
