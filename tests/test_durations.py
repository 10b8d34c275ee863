import math
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pocketgan.config.durations import UNITS, Duration, canonical
from pocketgan.config.fields import replace
from pocketgan.config.plan import due, make_plan, needs_speed
from pocketgan.config.sections import RunConfig

NUMBERS = st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,12})?", fullmatch=True)
COUNTED = replace(
    RunConfig(recipe="test"),
    duration="50 epochs",
    batch_size=128,
    log_every="100 steps",
    sample_every="10 epochs",
    checkpoint_every="5 epochs",
    warmup="none",
    ema_half_life="none",
)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("50 epochs", 50, "epochs"),
        ("1 epoch", 1, "epochs"),
        ("10000 steps", 10000, "steps"),
        ("1 step", 1, "steps"),
        ("10,000 steps", 10000, "steps"),
        ("10_000steps", 10000, "steps"),
        ("500 kimg", 500, "kimg"),
        ("20 s", 20, "seconds"),
        ("20 sec", 20, "seconds"),
        ("1 second", 1, "seconds"),
        ("90 seconds", 90, "seconds"),
        ("5 min", 5, "minutes"),
        ("5min", 5, "minutes"),
        ("1 minute", 1, "minutes"),
        ("5 minutes", 5, "minutes"),
        ("2 h", 2, "hours"),
        ("1 hour", 1, "hours"),
        ("1.5 Hours", 1.5, "hours"),
        ("5m", 5, "minutes"),
        ("10 mins", 10, "minutes"),
        ("2hrs", 2, "hours"),
        ("1 day", 1, "days"),
        ("1.5d", 1.5, "days"),
        ("10k steps", 10_000, "steps"),
        ("10K steps", 10_000, "steps"),
        ("2.5k epochs", 2500, "epochs"),
        ("10ksteps", 10_000, "steps"),
        ("10kimg", 10, "kimg"),
        ("1k kimg", 1000, "kimg"),
        ("4.1k steps", 4100, "steps"),
        ("  .5   EPOCHS ", 0.5, "epochs"),
    ],
)
def test_a_number_and_a_unit_are_read(text, value, unit):
    assert Duration.parse(text) == Duration(value, unit)


def test_every_unit_that_is_known_is_read():
    assert {unit: Duration.parse(f"3 {unit}").unit for unit in UNITS} == UNITS


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("50", "no unit"),
        ("0.5", "no unit"),
        ("0 epochs", "no length"),
        ("0.0 steps", "no length"),
        ("9999999999999999 steps", "no length"),
        ("9" * 400 + " steps", "no length"),
        ("-5 epochs", "no duration"),
        ("+5 epochs", "no duration"),
        ("nan epochs", "no duration"),
        ("inf epochs", "no duration"),
        ("1e3 steps", "no duration"),
        ("0x10 steps", "no duration"),
        ("٣ epochs", "no duration"),
        ("epochs", "no duration"),
        ("5 epochs 3", "no duration"),
        ("1.2.3 epochs", "no duration"),
        ("", "no duration"),
        (" ", "no duration"),
        ("none", "no duration"),
    ],
)
def test_what_is_no_duration_is_refused_with_examples(text, key):
    assert not_read(text).key == key


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("50 lightyears", "lightyears"),
        ("50 l", "l"),
        ("50k", "k"),
        ("50k lightyears", "lightyears"),
        ("5k kimgs", "kimgs"),
    ],
)
def test_an_unknown_unit_is_refused_and_named(text, unit):
    problem = not_read(text)
    assert (problem.key, problem.parts["unit"]) == ("unknown unit", unit)
    assert f"'{unit}'" in problem


def not_read(text):
    """Returns the problem of a text that is no duration; it shows the text and examples."""
    with pytest.raises(ValueError, match="'50 epochs', '10000 steps', '500 kimg' or '5 min'") as caught:
        Duration.parse(text)
    (problem,) = caught.value.args
    assert f"(got '{text}')" in problem
    return problem


@settings(deadline=None)
@given(st.text() | st.builds("{} {}".format, NUMBERS, st.sampled_from(sorted(UNITS)) | st.text(max_size=8)))
def test_any_text_is_read_or_refused(text):
    try:
        found = Duration.parse(text)
    except ValueError:
        return
    assert 0 < found.value < math.inf
    assert found.unit in set(UNITS.values())


@settings(deadline=None)
@given(NUMBERS, st.sampled_from(sorted(UNITS)))
@example("0.00001", "epochs")
@example("0.1", "h")
@example("999999999999", "steps")
def test_what_is_written_is_read_again(number, unit):
    try:
        found = Duration.parse(f"{number} {unit}")
    except ValueError:
        assume(False)
    assert Duration.parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("50 Epochs", "50 epochs"),
        ("1 epochs", "1 epoch"),
        ("1.0 steps", "1 step"),
        ("10,000 steps", "10000 steps"),
        ("300sec", "300 seconds"),
        ("1 s", "1 second"),
        ("1 minutes", "1 min"),
        ("5 minutes", "5 min"),
        ("1 kimg", "1 kimg"),
        ("2.50 h", "2.5 hours"),
        ("1 h", "1 hour"),
        ("0.5 epoch", "0.5 epochs"),
    ],
)
def test_each_duration_has_one_spelling(text, spelling):
    assert canonical(text) == spelling
    assert canonical(spelling) == spelling


@pytest.mark.parametrize(
    ("text", "seconds"), [("20 s", 20), ("5 min", 300), ("1.5 h", 5400), ("3 steps", None), ("1 kimg", None)]
)
def test_only_times_have_seconds(text, seconds):
    assert Duration.parse(text).seconds == seconds


@pytest.mark.parametrize(
    ("text", "speed", "steps"),
    [
        ("7 steps", None, 7),
        ("50 epochs", None, 23437.5),
        ("1 epoch", None, 468.75),
        ("500 kimg", None, 3906.25),
        ("64 kimg", None, 500),
        ("20 s", 3, 60),
        ("5 min", 20, 6000),
        ("1 h", 2, 7200),
    ],
)
def test_lengths_are_counted_in_steps(text, speed, steps):
    assert Duration.parse(text).in_steps(128, 60000, speed) == steps


def test_a_time_needs_a_speed():
    with pytest.raises(AssertionError):
        Duration.parse("5 min").in_steps(128, 60000)


def test_a_plan_counts_every_duration_in_steps():
    plan = make_plan(COUNTED, images=60000)
    assert plan.model_dump() == {
        "duration": "50 epochs",
        "steps": 23438,
        "log_every": 100,
        "sample_every": 4687.5,
        "sample_at_end": True,
        "checkpoint_every": 2343.75,
        "evaluate_every": None,
        "warmup": None,
        "ema_half_life": None,
        "ema_share": None,
        "steps_per_second": None,
        "open_ended": False,
    }


def test_a_plan_in_time_follows_the_speed_it_was_given():
    config = replace(
        COUNTED,
        duration="5 min",
        sample_every="20 s",
        checkpoint_every="1 min",
        warmup="1 epoch",
        ema_half_life="10 kimg",
        log_every="1.28 kimg",
    )
    plan = make_plan(config, images=60000, steps_per_second=12.5)
    assert (plan.steps, plan.sample_every, plan.checkpoint_every) == (3750, 250, 750)
    assert (plan.warmup, plan.ema_half_life, plan.ema_share, plan.log_every) == (468.75, 10000, 0.05, 10)
    assert plan.steps_per_second == 12.5


def test_an_average_by_share_has_no_length_of_its_own():
    plan = make_plan(replace(COUNTED, ema_half_life="12.5 %"), images=60000)
    assert (plan.ema_half_life, plan.ema_share, plan.half_life_after(1000)) == (None, 0.125, 125)


@pytest.mark.parametrize("sample_every", ["none", "end"])
def test_samples_may_be_left_out(sample_every):
    assert make_plan(replace(COUNTED, sample_every=sample_every), images=60000).sample_every is None


def test_a_plan_has_at_least_one_step_and_intervals_of_at_least_one():
    short = replace(COUNTED, duration="0.001 epochs", log_every="0.01 kimg", sample_every="0.5 steps")
    plan = make_plan(replace(short, checkpoint_every="1 s"), images=10, steps_per_second=0.1)
    assert (plan.steps, plan.log_every, plan.sample_every, plan.checkpoint_every) == (1, 1, 1, 1)


@pytest.mark.parametrize(("duration", "steps"), [("3 steps", 3), ("2.1 steps", 3), ("0.3 epochs", 141)])
def test_the_last_started_step_is_made(duration, steps):
    assert make_plan(replace(COUNTED, duration=duration), images=60000).steps == steps


def test_rounding_errors_add_no_step():
    config = replace(COUNTED, duration="1.1 epochs", batch_size=1)
    assert 1.1 * 100 > 110
    assert make_plan(config, images=100).steps == 110


@pytest.mark.parametrize("field", ["duration", "sample_every", "checkpoint_every", "evaluate_every"])
def test_a_speed_is_needed_where_a_duration_is_a_time(field):
    assert not needs_speed(COUNTED)
    assert needs_speed(replace(COUNTED, **{field: "30 s"}))
    assert not needs_speed(replace(COUNTED, **{field: "30 kimg"}))


@pytest.mark.parametrize("sample_every", ["none", "end"])
def test_no_speed_is_needed_for_samples_that_are_left_out(sample_every):
    assert not needs_speed(replace(COUNTED, sample_every=sample_every))


def test_multiples_of_a_fractional_interval_fall_on_the_step_after():
    assert [step for step in range(1, 23439) if due(step, 4687.5)] == [4688, 9375, 14063, 18750, 23438]


def test_whole_intervals_fall_on_their_multiples():
    assert [step for step in range(1, 301) if due(step, 100.0)] == [100, 200, 300]
    assert all(due(step, 1.0) for step in range(1, 1000))


def test_nothing_is_due_without_an_interval():
    assert not any(due(step, None) for step in range(100))


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(1, 64), st.integers(0, 2_000_000), st.sampled_from([0.0, 1.0, math.inf]))
@example(7, 3, 0, math.inf)
@example(7, 3, 0, 0.0)
@example(60000, 128, 23_000, 0.0)
def test_each_multiple_is_due_once_however_the_interval_was_rounded(numerator, denominator, first, rounded_to):
    interval = max(Fraction(1), Fraction(numerator, denominator))
    steps = range(first + 1, first + 200)
    begin = math.floor(Fraction(first) / interval)
    expected = {math.ceil(k * interval) for k in range(max(1, begin - 1), begin + 202)} & set(steps)
    nearly = float(interval) if rounded_to == 1.0 else math.nextafter(float(interval), rounded_to)
    assert {step for step in steps if due(step, nearly)} == expected
