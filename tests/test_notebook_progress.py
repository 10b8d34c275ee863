"""The live display in a notebook, with a stand-in for IPython."""

import base64
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pocketgan.base.progress import Progress


class Page:
    """Stands in for a notebook: the outputs of a cell, each with all its contents."""

    def __init__(self) -> None:
        self.outputs: list[list[str]] = []

    def display(self, content: str, *, display_id: bool) -> SimpleNamespace:
        assert display_id
        self.outputs.append([content])
        return SimpleNamespace(update=self.outputs[-1].append)


def tick(step: int, *, last: bool = False) -> Any:
    measures = {"d_loss": 0.5, "g_loss": 1.5, "d_real_accuracy": 0.8, "d_fake_accuracy": 0.7}
    return SimpleNamespace(
        step=step, seconds=step / 10, measures=measures, images_per_second=900.0, last=last, stopped=False
    )


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    page = Page()
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    vars(ipython)["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    vars(display).update(display=page.display, HTML=str)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return page


def test_a_cell_has_one_output_that_is_replaced(page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with progress.training(10, 0, "runs & more", "", tmp_path / "samples"):
        (tmp_path / "samples").mkdir()
        (tmp_path / "samples" / "step_1.png").write_bytes(b"picture")
        progress.show_quality([9.0, 4.0], 0.5)
        for step in range(1, 11):
            progress.update(tick(step, last=step == 10))
    (contents,) = page.outputs
    assert 2 <= len(contents) < 8, "two updates a second at most, and the last"
    assert '<progress value="1.0000" max="1"' in contents[-1]
    for text in ("runs &amp; more", "100%", "10 of 10 steps", "900 images/s", "FD", "losses D 0.500 G 1.500"):
        assert text in contents[-1]
    assert f"data:image/png;base64,{base64.b64encode(b'picture').decode()}" in contents[-1]
    assert capsys.readouterr() == ("", "")


def test_a_quiet_training_shows_nothing(page: Page) -> None:
    with Progress(quiet=True).training(10, 0):
        pass
    assert page.outputs == []


def test_without_a_kernel_lines_are_printed(
    page: Page, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    progress = Progress()
    with progress.training(10, 0):
        progress.update(tick(10, last=True))
    assert page.outputs == [] and "10 of 10 steps" in capsys.readouterr().err
