"""The watchdog's diagnoses on histories made by hand: found when they should be, and never a step before."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketgan.base.errors import ConfigError, NonFiniteLoss
from pocketgan.config.fields import ALIASES, FIELDS, rename, replace
from pocketgan.config.recipes import recipe
from pocketgan.config.watchdog_section import WatchdogConfig
from pocketgan.experiment import watchdog_words
from pocketgan.experiment.diagnosis import (
    DIAGNOSES,
    STAGNANT,
    History,
    diagnose,
    non_finite_loss,
)
from pocketgan.experiment.watchdog_words import ADVICE, NAMES, in_words

FLAT = [50.0, 50.0, 50.0, 50.0]
"""Bad and no better, but not for long enough to be called stagnation."""
MOVED = [50.0, 50.0, 50.0, 60.0]
"""The same for a generator that has learned something, if nothing good."""
JITTER = [50.0, 53.0, 50.0, 53.0, 50.0, 53.0]
"""The same for longer: too restless for stagnation, too still for oscillation."""
COLLAPSED = {"modes": 2, "classes": 10, "mode_share": 0.2, "class_kl": 1.5, "duplicates": 0.9, "coverage": 0.01}
WON = (0.99, 0.98)
RUINED = {"discriminator_won", "mode_collapse", "oscillation"}


def history(
    distances: list[float],
    *,
    accuracy: tuple[float, float] = (0.8, 0.7),
    floor: float | None = 1.0,
    limits: dict[str, float] | None = None,
    **measures: object,
) -> History:
    """Evaluations every 100 steps, rows of losses every 50; a measure is a value for all of them, or a list."""
    evaluations = [
        {"step": 100 * (index + 1), "frechet_distance": distance}
        | ({} if floor is None else {"frechet_floor": floor})
        | {name: value[index] if isinstance(value, list) else value for name, value in measures.items()}
        for index, distance in enumerate(distances)
    ]
    rows = [
        {"step": step, "d_real_accuracy": accuracy[0], "d_fake_accuracy": accuracy[1]}
        for step in range(50, 100 * len(distances) + 1, 50)
    ]
    return History(rows, evaluations, WatchdogConfig(**(limits or {})))


def names(found: History) -> list[str]:
    return [diagnosis.name for diagnosis in diagnose(found)]


def evidence(name: str, found: History) -> str:
    """The only thing that is wrong is `name`; returns the sentence that says so."""
    assert names(found) == [name]
    (diagnosis,) = diagnose(found)
    assert diagnosis.failure is DIAGNOSES[name].failure
    sentence = watchdog_words.evidence(diagnosis.evidence.to_json())
    assert in_words(diagnosis) == f"{NAMES[name]}: {sentence}; {ADVICE[f'advice {name}']}"
    return sentence


# What is bad, and whether it gets better.


@pytest.mark.parametrize(
    ("distances", "improving"),
    [
        ([], True),
        ([50.0, 50.0, 50.0], True),
        (FLAT, False),
        ([50.0, 45.0, 45.0, 45.0], False),
        ([50.0, 44.9, 50.0, 50.0], True),
        ([50.0, 50.0, 50.0, 44.9], True),
        ([10.0, 50.0, 50.0, 50.0, 44.0], False),
    ],
)
def test_improving_is_a_tenth_below_all_before_the_window(distances: list[float], improving: bool) -> None:
    assert history(distances).improving is improving


def test_the_window_and_the_share_of_progress_are_settings() -> None:
    assert history(FLAT, limits={"watch_window": 4}).improving
    assert not history(FLAT, limits={"watch_window": 2}).improving
    assert history([50.0, 48.0, 48.0, 48.0], limits={"watch_progress": 0.03}).improving


@pytest.mark.parametrize(("floor", "near"), [(16.6, False), (16.7, True), (60.0, True)])
def test_near_the_floor_is_three_times_what_real_images_get(floor: float, near: bool) -> None:
    assert history(FLAT, floor=floor).near_floor is near


def test_no_history_and_a_short_one_give_nothing() -> None:
    bad = {
        **COLLAPSED,
        "r_v": 0.9,
        "r_v_deviations": 9.0,
        "authentic": 0.0,
        "authentic_floor": 0.5,
        "copying": -9.0,
        "histogram": [[1.0, 0.0]] * 4,
    }
    for count in range(3):
        assert names(history(FLAT[:count], accuracy=WON, **bad)) == []
    assert not RUINED & set(names(history(FLAT[:3], accuracy=WON, **bad)))


# Each diagnosis, just outside and just inside its thresholds.


def test_discriminator_won() -> None:
    said = evidence("discriminator_won", history(FLAT, accuracy=WON, generator_gradient=[4.0, 3.0, 2.0, 0.1]))
    assert all(number in said for number in ("99%", "98%", "2.5%", "50"))
    assert evidence("discriminator_won", history(FLAT, accuracy=WON))
    assert names(history(FLAT, accuracy=(0.971, 0.971))) == ["discriminator_won"]


@pytest.mark.parametrize("accuracy", [(0.969, 1.0), (1.0, 0.969), (0.5, 0.5)])
def test_discriminator_has_not_won_while_one_side_fools_it(accuracy: tuple[float, float]) -> None:
    assert names(history(FLAT, accuracy=accuracy)) == []
    assert names(history(FLAT, accuracy=accuracy, limits={"watch_accuracy": 0.501})) == (
        ["discriminator_won"] if min(accuracy) > 0.501 else []
    )


def test_discriminator_won_looks_at_the_rows_of_the_window() -> None:
    won = history(FLAT, accuracy=WON)
    before = [{**row, "d_real_accuracy": 0.5} if row["step"] < 200 else row for row in won.rows]
    assert names(History(before, won.evaluations, won.limits)) == ["discriminator_won"]
    inside = [{**row, "d_real_accuracy": 0.5} if row["step"] == 200 else row for row in won.rows]
    assert names(History(inside, won.evaluations, won.limits)) == []
    assert names(History([], won.evaluations, won.limits)) == []


@pytest.mark.parametrize(
    ("measures", "said"),
    [
        ({"mode_share": 0.5, "modes": 5, "classes": 10}, ("5 of 10", "3")),
        ({"mode_share": 0.1, "modes": 1, "classes": 10}, ("1 of 10", "3")),
        ({"class_kl": 0.7}, ("0.70", "3")),
        ({"class_kl": 2.3}, ("2.30", "3")),
        ({"duplicates": 0.3, "coverage": 0.1}, ("30%", "10%")),
        ({"duplicates": 1.0, "coverage": 0.0}, ("100%", "0%")),
    ],
)
def test_mode_collapse(measures: dict[str, float], said: tuple[str, ...]) -> None:
    sentence = evidence("mode_collapse", history(MOVED, **measures))
    assert all(number in sentence for number in said)


@pytest.mark.parametrize(
    "measures",
    [
        {"mode_share": 0.51, "modes": 5, "classes": 10},
        {"mode_share": [0.1, 0.1, 0.6, 0.1], "modes": 1, "classes": 10},
        {"class_kl": 0.69},
        {"class_kl": [2.0, 2.0, 2.0, 0.1]},
        {"duplicates": 0.29, "coverage": 0.0},
        {"duplicates": 1.0, "coverage": 0.11},
        {"duplicates": 1.0},
        {"coverage": 0.0},
        {},
    ],
)
def test_no_mode_collapse_just_inside(measures: dict[str, object]) -> None:
    assert names(history(MOVED, **measures)) == []


def test_a_generator_that_never_learned_has_not_collapsed() -> None:
    assert names(history(FLAT, **COLLAPSED)) == []
    assert names(history([50.0, 50.0, 50.0, 55.5], **COLLAPSED)) == []
    assert names(history([50.0, 50.0, 50.0, 55.6], **COLLAPSED)) == ["mode_collapse"]


def test_one_class_is_no_collapse_where_the_data_has_one() -> None:
    assert names(history(MOVED, modes=1, classes=1, mode_share=1.0, class_kl=0.0)) == []


def test_oscillation_of_the_distance() -> None:
    said = evidence("oscillation", history([50.0, 80.0] * 3))
    assert all(number in said for number in ("4 times", "6 evaluations", "50", "80"))
    assert names(history([50.0, 70.5] * 3)) == ["oscillation"]
    assert names(history([50.0, 60.0] * 3, limits={"watch_swing": 0.19})) == ["oscillation"]


@pytest.mark.parametrize(
    "distances",
    [
        [50.0, 80.0, 50.0, 80.0, 50.0],
        [50.0, 69.5] * 3,
        [50.0, 80.0, 50.0, 74.0, 74.0, 74.0],
        [50.0, 55.0, 60.0, 66.0, 72.0, 74.0],
    ],
    ids=["too few", "too small", "two turns", "one way"],
)
def test_no_oscillation_just_inside(distances: list[float]) -> None:
    assert names(history(distances)) == []


def test_oscillation_of_the_classes() -> None:
    hopping = [[0.75, 0.25], [0.25, 0.75]] * 3
    said = evidence("oscillation", history(JITTER, histogram=hopping))
    assert all(number in said for number in ("50%", "6 evaluations"))
    assert names(history(JITTER, histogram=[[0.69, 0.31], [0.31, 0.69]] * 3)) == []
    assert names(history(JITTER[:5], histogram=hopping[:5])) == []
    assert names(history(JITTER, histogram=[[0.75, 0.25]] * 6)) == []


def test_classes_that_were_not_counted_say_nothing() -> None:
    hopping = history(JITTER, histogram=[[0.75, 0.25], [0.25, 0.75]] * 3)
    del hopping.evaluations[2]["histogram"]
    assert names(hopping) == []


def test_discriminator_overfitting() -> None:
    said = evidence("discriminator_overfitting", history(FLAT[:3], r_v=[0.4, 0.6, 0.8], r_v_deviations=9.0))
    assert "60%" in said
    assert names(history([50.0, 30.0, 10.0, 5.0], r_v=0.9, r_v_deviations=9.0)) == ["discriminator_overfitting"]
    assert names(history(FLAT[:2], r_v=0.9, r_v_deviations=9.0)) == []
    assert names(history(FLAT, r_v=[0.9, 0.9, 0.39, 0.9], r_v_deviations=9.0)) == []
    assert names(history(FLAT, r_v=0.9, r_v_deviations=3.9)) == []
    assert names(history(FLAT, r_v=0.55, r_v_deviations=9.0, limits={"watch_overfitting": 0.6})) == []


def test_memorisation() -> None:
    """Authentic images are counted in shares of what held-out ones get: 0.6 of 0.5."""
    said = evidence("memorisation", history(FLAT[:3], authentic=0.3, authentic_floor=0.5, copying=-1.0))
    assert all(number in said for number in ("30%", "50%", "1 standard deviations"))
    copied = {"authentic": 0.0, "authentic_floor": 0.5, "copying": -9.0}
    assert names(history(FLAT[:3], **copied)) == ["memorisation"]
    assert names(history(FLAT[:2], **copied)) == []
    assert names(history(FLAT, **copied | {"authentic": 0.31})) == []
    assert names(history(FLAT, **copied | {"authentic": 0.3, "authentic_floor": 0.45})) == []
    assert names(history(FLAT, **copied | {"copying": -0.9})) == []
    assert names(history(FLAT, **copied | {"copying": [-9.0, -9.0, 0.0, -9.0]})) == []
    for name in copied:
        assert names(history(FLAT, **{key: value for key, value in copied.items() if key != name})) == []


def test_a_gradient_that_is_not_finite() -> None:
    assert "infinite or not a number" in evidence("non_finite", history([50.0], generator_gradient=None))
    assert names(history([50.0, 40.0], generator_gradient=[None, 1.0])) == []
    assert names(history([50.0, 40.0], generator_gradient=[1.0, None])) == ["non_finite"]
    assert names(history([50.0])) == []


def test_past_best() -> None:
    said = evidence("past_best", history([90.0, 20.0, 30.0, 31.0, 32.5]))
    assert all(number in said for number in ("20", "step 200", "32.5"))
    assert names(history([20.0, 30.0, 29.9, 30.0])) == []
    assert names(history([30.0, 20.0, 30.0, 30.0])) == [], "the best is inside the window"
    assert names(history([20.0, 40.0, 40.0])) == []
    assert names(history([20.0, 40.0, 40.0, 40.0], floor=14.0)) == []
    assert names(history([20.0, 40.0, 40.0, 40.0], limits={"watch_past_best": 2.1})) == []


def test_stagnation() -> None:
    size = WatchdogConfig().watch_stagnation
    said = evidence("stagnation", history([80.0, *[50.0] * size]))
    assert all(number in said for number in ("50", f"{size} evaluations", "50 times"))
    within, beyond = 50.0 * (STAGNANT - 0.001), 50.0 * (STAGNANT + 0.001)
    assert names(history([50.0] * (size - 1) + [within])) == ["stagnation"]
    assert names(history([50.0] * (size - 1) + [beyond])) == []
    assert names(history([50.0] * (size - 1))) == []
    assert names(history([50.0] * size, floor=17.0)) == []
    assert names(history([50.0] * 4, limits={"watch_stagnation": 4})) == ["stagnation"]


def test_the_most_urgent_comes_first_and_explains_others() -> None:
    hopping = [[1.0, 0.0], [0.0, 1.0]] * 3
    wrong = {
        **COLLAPSED,
        "r_v": 0.9,
        "r_v_deviations": 9.0,
        "authentic": 0.0,
        "authentic_floor": 0.5,
        "copying": -9.0,
        "histogram": hopping,
    }
    found = history([50.0] * 5 + [60.0], accuracy=WON, generator_gradient=None, **wrong)
    explained = {name for name, check in DIAGNOSES.items() if check.explained_by} | {"past_best"}
    assert names(found) == [name for name in DIAGNOSES if name not in explained]


def test_what_explains_another_is_looked_for_before_it() -> None:
    order = list(DIAGNOSES)
    for name, check in DIAGNOSES.items():
        assert all(other in order[: order.index(name)] for other in check.explained_by), name


def test_explained_diagnoses_are_found_alone() -> None:
    limits = {"watch_stagnation": 4}
    assert names(history(FLAT, limits=limits)) == ["stagnation"]
    assert names(history(FLAT, limits=limits, accuracy=WON)) == ["discriminator_won"]
    assert names(history(MOVED, **COLLAPSED)) == ["mode_collapse"]
    assert names(history(MOVED, accuracy=WON, **COLLAPSED)) == ["discriminator_won"]
    assert names(history([20.0, 40.0, 40.0, 40.0])) == ["past_best"]
    assert names(history([20.0, 40.0, 40.0, 40.0], **COLLAPSED)) == ["mode_collapse", "past_best"]


# Never.


@given(
    before=st.lists(st.floats(10, 1000), min_size=1, max_size=9),
    window=st.lists(st.floats(10, 1000), min_size=3, max_size=3),
    share=st.floats(0.01, 0.89),
    place=st.integers(0, 2),
)
def test_a_run_that_gets_better_is_never_called_ruined(
    before: list[float], window: list[float], share: float, place: int
) -> None:
    window[place] = min(before) * share
    count = len(before) + 3
    hopping = [[1.0, 0.0] if index % 2 else [0.0, 1.0] for index in range(count)]
    found = history([*before, *window], accuracy=WON, floor=1e-3, histogram=hopping, **COLLAPSED)
    assert not RUINED & set(names(found))


def test_a_run_that_swung_at_first_and_then_falls_steadily_does_not_oscillate() -> None:
    assert names(history([50.0, 80.0, 50.0, 80.0, 50.0, 30.0, 20.0, 12.0, 8.0, 5.0])) == []


@given(distances=st.lists(st.floats(1, 1000), min_size=1, max_size=12), times=st.floats(0.1, 2.99))
def test_a_run_near_the_floor_is_never_called_ruined(distances: list[float], times: float) -> None:
    hopping = [[1.0, 0.0] if index % 2 else [0.0, 1.0] for index in range(len(distances))]
    found = history(distances, accuracy=WON, floor=distances[-1] / times, histogram=hopping, **COLLAPSED)
    assert names(found) == []


@pytest.mark.parametrize(
    "distances",
    [
        [120.0, 60.0, 35.0, 22.0, 15.0, 11.0, 8.5, 7.0, 6.0, 5.2],
        [120.0, 40.0, 44.0, 30.0, 33.0, 24.0, 26.0, 19.0, 21.0, 15.0],
        [40.0, 12.0, 5.0, 3.0, 2.9, 3.0, 2.9, 3.0, 2.9, 3.0],
    ],
    ids=["falling", "falling restlessly", "arrived"],
)
def test_healthy_histories_give_nothing_at_any_moment(distances: list[float]) -> None:
    healthy = {
        "modes": 10,
        "classes": 10,
        "mode_share": 1.0,
        "class_kl": 0.02,
        "duplicates": 0.02,
        "coverage": 0.6,
        "histogram": [[0.1] * 10],
        "r_v": 0.05,
        "authentic": 0.5,
        "authentic_floor": 0.5,
        "copying": 1.2,
        "generator_gradient": 0.01,
    }
    for count in range(1, len(distances) + 1):
        cut = {name: value * count if isinstance(value, list) else value for name, value in healthy.items()}
        assert names(history(distances[:count], **cut)) == []


# What is advised.


@pytest.mark.parametrize("name", ADVICE)
def test_advice_names_flags_that_there_are(name: str) -> None:
    flags = re.findall(r"--[\w-]+", ADVICE[name])
    assert flags
    for flag in flags:
        assert flag == flag.lower() and "_" not in flag
        assert flag[2:].replace("-", "_") in {*FIELDS, *ALIASES}, flag


@pytest.mark.parametrize("name", ADVICE)
def test_advised_values_are_taken(name: str) -> None:
    for flag, value in re.findall(r"--([\w-]+) (\w[\w.]*)", ADVICE[name]):
        if value not in ("and", "or", "with", "for"):
            field, written = rename(flag.replace("-", "_"), value)
            replace(recipe("white-background" if "ignores_input" in name else "mlp"), **{field: written})


def test_a_value_that_is_not_taken_would_be_seen() -> None:
    with pytest.raises(ConfigError):
        replace(recipe("mlp"), schedule="spiral")


@pytest.mark.parametrize("name", DIAGNOSES)
def test_every_diagnosis_says_what_it_is(name: str) -> None:
    assert DIAGNOSES[name].find.__doc__
    assert DIAGNOSES[name].find.__name__ == name


def test_a_loss_that_is_not_finite() -> None:
    found = non_finite_loss(NonFiniteLoss("loss not finite", loss="g_loss is nan", step=7), 7)
    assert (found.name, found.failure) == ("non_finite", True)
    assert found.evidence.to_json() == {"key": "loss", "loss": "g_loss is nan", "step": 7}
    assert "g_loss is nan near step 7" in in_words(found)
