"""What the progress display says."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from pocketgan.base.language import clock
from pocketgan.base.progress import Progress, sparkline
from pocketgan.training.steps import Tick

MEASURES = {"d_loss": 0.5, "g_loss": 1.25, "d_real_accuracy": 0.75, "d_fake_accuracy": 0.5}


@pytest.mark.parametrize(
    ("values", "curve"),
    [([100, 10, 1], "█▅▁"), ([3, 3, 3], "▁▁▁"), ([5], "▁"), ([1, 1e9, 1, 1e9], "▁█▁█"), (range(1, 30), "▁▂▃▄▅▆▇█")],
)
def test_a_sparkline_is_logarithmic_and_shows_the_last(values: list[float], curve: str) -> None:
    assert sparkline(list(values)) == curve


@pytest.mark.parametrize(("seconds", "text"), [(3.6, "4 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (-1, "0 s")])
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert clock(seconds) == text


TICK = Tick(10, 640, 0.1, 200.0, MEASURES, 1320.0, True, False, False, True, True, False)


def test_plain_lines_say_everything() -> None:
    said = io.StringIO()
    progress = Progress(console=Console(file=said, width=300))
    with progress.training(10, 0, "pocket-1", "3 min"):
        progress.show_quality([40.0, 8.0, 2.0], 0.43)
        progress.update(TICK)
    line = said.getvalue()
    assert "100%" in line and "10 of 10 steps" in line and "3 min 20 s trained, 3 min planned" in line
    assert "1,320 images/s" in line
    assert "losses D 0.500 G 1.250" in line and "D right on 75% real, 50% generated" in line
    assert "FD █▄▁ 2 (baseline 0.43)" in line


@pytest.mark.parametrize("name", ["p", "pocket-1", "comparison-of-long-names-that-nobody-reads"])
@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120, 200])
def test_bar_share_and_time_left_always_have_room(columns: int, name: str) -> None:
    shown = io.StringIO()
    progress = Progress(console=Console(file=shown, width=columns, force_terminal=True, color_system="standard"))
    with progress.training(1000, 0, name):
        progress.show_quality([300.0, 40.0, 8.0, 2.0, 1.9, 1.8, 1.64, 1.6], 0.79)
        progress.update(replace(TICK, step=420))
    last = [line for line in shown.getvalue().replace("\r", "\n").splitlines() if "42%" in line][-1]
    first = re.sub("\x1b\\[[0-9?]*[A-Za-z]", "", last)
    assert re.search("[━╸╺]{10}", first) and re.search(r"42%  .* left", first)
    assert max(len(re.sub("\x1b\\[[0-9?]*[A-Za-z]", "", line)) for line in shown.getvalue().split("\n")) < 2 * columns
    assert len(first.rstrip()) <= columns
    assert ("images/s" in first) == (columns >= 60)
    text = shown.getvalue()
    assert (
        ("FD" in text) and ("right on 75% real" in text) == (columns >= 80) and ("losses" in text) == (columns >= 100)
    )
