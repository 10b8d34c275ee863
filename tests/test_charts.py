"""Charts of the pages: their axes, their shapes, and what is said of them to readers who don't see them."""

import json
import re
from html import unescape
from typing import Any

import numpy as np
import pytest

from pocketgan.base.charts.axes import Axis, log_ticks, number, percent, ticks
from pocketgan.base.charts.content import Bars, Chart, Interval, Intervals, Level, Line
from pocketgan.base.charts.drawing import draw, draw_bars, draw_intervals, meter
from pocketgan.base.charts.looks import PALETTES, SYMBOLS, Look
from pocketgan.base.charts.svg import key
from pocketgan.base.language import speaking


def line(x: Any, y: Any, **fields: Any) -> Line:
    return Line("run", np.array(x, dtype=float), np.array(y, dtype=float), **fields)


def chart(*lines: Line, **fields: Any) -> str:
    return draw(Chart("Speed", "steps", "images/s", lines, **fields))


def labels(drawn: str, axis: str) -> list[str]:
    return re.findall(rf'class="t{axis}"[^>]*>([^<]+)<', drawn)


def polyline(drawn: str) -> list[tuple[int, int]]:
    (points,) = re.findall(r'<polyline [^>]*points="([^"]*)"', drawn)
    return [(int(x), int(y)) for x, y in (point.split(",") for point in points.split())]


# Axes.


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 17), (0.1, 0.1003), (0, 123456), (-1e-6, 1e-6), (230.2, 230.6)])
def test_marks_are_a_few_round_numbers(low: float, high: float) -> None:
    found = ticks(low, high, 6)
    assert 2 <= len(found) <= 7 and all(low <= tick <= high for tick in found)
    assert np.diff(found, 2) == pytest.approx(0, abs=1e-9 * (high - low))


@pytest.mark.parametrize(
    ("low", "high"), [(1, 1000), (145, 410), (9, 14), (0.02, 0.3), (40, 43), (40.1, 40.3), (1e-7, 1e9)]
)
def test_logarithmic_axes_have_a_few_round_numbers(low: float, high: float) -> None:
    found = log_ticks(low, high)
    assert 3 <= len(found) <= 10 and all(low <= tick <= high for tick in found)


def test_positions_on_an_axis() -> None:
    axis, log = Axis("", 10, 20), Axis("", 1, 100, log=True)
    assert [axis.share(value) for value in (10, 15, 20, 1e9)] == [0, 0.5, 1, 1.5]
    assert [log.share(value) for value in (1, 10, 100)] == pytest.approx([0, 0.5, 1])
    assert log.marks() == [(0.0, "1"), (pytest.approx(0.2386, abs=1e-3), "3"), (0.5, "10"),
                           (pytest.approx(0.7386, abs=1e-3), "30"), (1.0, "100")]  # fmt: skip


def test_marks_of_an_axis_are_all_different() -> None:
    found = labels(chart(line(np.arange(9), 230.2 + np.arange(9) / 20)), "y")
    assert len(found) > 2 and len(set(found)) == len(found)


def test_the_axis_of_a_single_point_begins_at_zero() -> None:
    drawn = chart(line([1064], [2.6]))
    assert 'data-x-low="0" data-x-high="1064"' in drawn
    assert len(labels(drawn, "x")) > 2 and len(set(labels(drawn, "x"))) == len(labels(drawn, "x"))


def test_numbers_are_those_of_the_language() -> None:
    assert [number(value) for value in (0.5, -1234.5, 1e-7, -0.0)] == ["0.5", "−1,234", "0.0000001", "0"]
    assert number(float("nan")) == "–"
    assert [percent(value) for value in (0.5, 0.0123, float("inf"))] == ["50%", "1.2%", "–"]
    with speaking("uk"):
        assert number(0.5) == "0,5" and "0,2" in labels(chart(line([0, 1], [0, 1]), limits=(0, 1)), "y")


# Lines and points.


def test_a_line_goes_through_its_points() -> None:
    drawn = chart(line([0, 50, 100], [0, 10, 20]), limits=(0, 20))
    assert polyline(drawn) == [(0, 1000), (500, 500), (1000, 0)]
    places = re.findall(r'<circle [^>]*cx="([^"]+)%" cy="([^"]+)%"', drawn)
    assert places == [("0", "100"), ("50", "50"), ("100", "0")]
    assert 'role="img"' in drawn and 'aria-label="Speed: run 20"' in drawn and 'tabindex="0"' in drawn


def test_a_spike_does_not_press_the_others_into_a_line() -> None:
    y = np.ones(1000)
    y[::2], y[500] = 2, 1e9
    drawn = chart(line(np.arange(1000), y))
    assert max(float(text) for text in labels(drawn, "y")) < 10
    assert min(down for _, down in polyline(drawn)) == -500, "it leaves the chart at its top"


def test_points_without_a_value_are_passed_over() -> None:
    assert len(polyline(chart(line([0, 1, 2], [1, np.nan, 3])))) == 2
    assert chart(line([0, 1], [np.nan, np.nan])) == chart() == ""
    (points,) = re.findall(r'data-lines="([^"]*)"', chart(line([0, 1, 2], [1, np.nan, 3])))
    assert json.loads(unescape(points)) == [{"name": "run", "colour": 1, "x": [0, 1, 2], "y": [1, None, 3]}]


def test_an_axis_is_logarithmic_where_that_is_possible_and_useful() -> None:
    assert "data-y-log" in chart(line([0, 1], [1, 100]), log=True)
    for y in ([0, 100], [50, 100]):
        assert "data-y-log" not in chart(line([0, 1], y), log=True)
    assert "data-y-log" in chart(line([0, 1], [50, 100]), log=True, limits=(40, 110))


def test_bands_and_levels() -> None:
    low, high = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    drawn = chart(line([0, 1], [2, 3], low=low, high=high, place=7), levels=[Level(2.5, place=7)], limits=(0, 5))
    assert re.findall(r'<polygon [^>]*points="([^"]*)"', drawn) == ["0,400 1000,200 1000,600 0,800"]
    assert 'class="level" x1="0%" x2="100%" y1="50%" y2="50%" data-place="7"' in drawn
    assert drawn.count('data-place="7"') == 4 and '"low"' not in unescape(drawn)
    detailed = unescape(chart(line([0, 1], [2, 3], low=low, high=high), detailed=True))
    assert '"low":[1.0,2.0]' in detailed and 'data-zoom="xy"' in detailed


def test_points_of_a_scatter_chart_are_shown_one_by_one() -> None:
    drawn = chart(
        line([1, 2], [3, 4], joined=False, dots=True, notes=("seed 0", "seed 1"), look=Look(2, symbol="star"))
    )
    assert "<polyline" not in drawn and drawn.count(SYMBOLS["star"]) == 2 and 'data-tip="near"' in drawn
    assert '"notes":["seed 0","seed 1"]' in unescape(drawn) and 'class="rule x"' in drawn


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><b>', "漢字 & more"])
def test_odd_names_stay_texts(name: str) -> None:
    row = Interval(name, [1.0, 2.0], 1.5, 1.0, 2.0)
    for drawn in (
        draw(Chart(name, name, name, [Line(name, np.arange(2.0), np.arange(2.0))])),
        draw_intervals(Intervals(name, name, [row])),
        draw_bars(Bars(name, [name], [(name, Look(), [0.5])])),
    ):
        assert "<script" not in drawn and "<b>" not in drawn
        assert name in unescape(drawn)


# Intervals and bars.


def test_a_row_shows_every_value_the_estimate_and_its_interval() -> None:
    rows = [Interval("one", [1.0, 3.0], 2.0, 1.5, 2.5), Interval("two", [4.0], 4.0, 4.0, 4.0, hollow=True)]
    drawn = draw_intervals(Intervals("Distance", "distance", rows, Level(2.0)))
    assert 'aria-label="Distance: one 2 (1.5 – 2.5); two 4 (4 – 4)"' in drawn
    assert drawn.count("<circle") == 3 and drawn.count(SYMBOLS["diamond"]) == 2 and drawn.count("hollow") == 1
    assert re.findall(r'class="ty name"[^>]*>([^<]+)<', drawn) == ["one", "two"]
    (points,) = re.findall(r'data-lines="([^"]*)"', drawn)
    assert [(one["x"], one.get("low")) for one in json.loads(unescape(points))] == [
        ([2], [1.5]), ([1, 3], None), ([4], [4]), ([4], None),
    ]  # fmt: skip


def test_bars_have_the_heights_of_their_shares() -> None:
    drawn = draw_bars(Bars("Classes", ["a", "b"], [("new", Look(2), [0.5, 0.0]), ("old", Look(1), [0.25, 1.0])]))
    heights = [float(text) for text in re.findall(r'height="([\d.]+)%"', drawn)]
    assert heights == pytest.approx([100 * share / 1.1 for share in (0.5, 0, 0.25, 1)], abs=0.01)
    assert re.findall(r"<title>([^<]+)</title>", drawn) == ["a, new: 50%", "b, new: 0%", "a, old: 25%", "b, old: 100%"]
    assert 'aria-label="Classes: new: a 50%; b 0%. old: a 25%; b 100%"' in drawn


@pytest.mark.parametrize("count", [1, 2, 10, 40, 300])
def test_names_below_bars_have_room(count: int) -> None:
    drawn = draw_bars(Bars("Classes", [f"class {k}" for k in range(count)], [("", Look(), [1 / count] * count)]))
    assert 1 <= len(re.findall(r'class="tx name"', drawn)) <= min(count, 12)


def test_no_generated_class_at_all_is_a_chart() -> None:
    assert draw_bars(Bars("Classes", ["a"], [("", Look(), [0.0])]))


@pytest.mark.parametrize("value", [0.0, 0.5, 2.0, -1.0, float("inf"), float("nan")])
def test_a_meter_stays_inside(value: float) -> None:
    shares = [float(text) for text in re.findall(r'(?:x|width)="([\d.-]+)%"', meter(value, 1.0, (value, value), value))]
    assert shares and all(0 <= share <= 100 for share in shares)


def test_legends_show_lines_symbols_and_bars() -> None:
    assert "stroke-dasharray" in key(Look(1, "dash")) and "stroke-dasharray" not in key(Look(1))
    assert SYMBOLS["star"] in key(Look(1, symbol="star"), "symbol") and "<rect" in key(Look(3), "bar")
    assert 'class="level"' in key(None)


# Colors.


def luminance(code: str) -> float:
    channels = [int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("theme", "page"), [("light", "#ffffff"), ("dark", "#14171a")])
def test_lines_are_visible_on_the_page(theme: str, page: str) -> None:
    for code in PALETTES[theme]:
        light, dark = sorted((luminance(code), luminance(page)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, code
