"""What the progress display says."""

import io

import pytest
from rich.console import Console

from pocketgan.language import clock
from pocketgan.progress import Progress, sparkline
from pocketgan.training import Tick

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


def test_the_curve_of_the_quality_stands_beside_the_losses() -> None:
    said = io.StringIO()
    progress = Progress(console=Console(file=said, width=300))
    with progress.training(10, 0):
        progress.show_quality([40.0, 8.0, 2.0], 0.43)
        progress.update(Tick(10, 640, 0.1, 2.0, MEASURES, 320.0, True, False, False, True, True, False))
    line = said.getvalue()
    assert "G loss 1.250" in line and "accuracy 75% real, 50% generated" in line
    assert "Fréchet distance █▄▁ 2 (floor 0.43)" in line
