"""The table of data sets and sizes: what is measured, what isn't measured again, and the page held to the rows."""

import argparse
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import race
import sizes


def row(seed: int = 0, **more: Any) -> dict[str, Any]:
    usual = {"data": "mnist", "size": 28, "recipe": "pocket", "seconds": 30.0, "seed": seed, "images": 55_000}
    usual |= {"steps": 100, "state": "finished", "failures": [], "fd": 2.0 + seed, "ratio": 5.0 + seed}
    return {**usual, **more}


def order(folder: Path, **more: Any) -> argparse.Namespace:
    usual = {"out": folder, "fashion_mnist": None, "emoji": None, "data": "digits", "seconds": 30.0, "seeds": 1}
    return argparse.Namespace(**{**usual, "rows": folder / "rows.jsonl", **more})


@pytest.mark.parametrize("module", [race, sizes])
def test_the_tables_of_pages_are_made_of_their_rows(module: Any) -> None:
    page = module.PAGE.read_text(encoding="utf-8")
    table = (race.tables if module is race else sizes.table)(race.read_rows(module.ROWS))
    assert race.written(page, table) == page


def test_a_line_has_the_median_the_range_and_the_failures() -> None:
    failed = row(2, state="failed", failures=["mode_collapse"])
    del failed["fd"], failed["ratio"]
    line = sizes.table([row(0), row(1), row(3, failures=["oscillation"]), failed]).splitlines()[2]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[5:] == ["3 (2 to 5)", "6 (5 to 8)", "0.5", "100", "4", "2 (`mode_collapse`, `oscillation`)"]


def test_a_run_that_ends_in_no_named_failure_counts_by_its_state() -> None:
    assert "| 1 (`failed`) |" in sizes.table([row(state="failed")])


def test_what_has_a_row_is_not_measured_again(tmp_path: Path) -> None:
    asked = order(tmp_path, data="mnist,emoji", seeds=2)
    left = list(sizes.undone([row(0), row(1, recipe="dcgan"), row(0, seconds=60.0, recipe="dcgan")], asked))
    assert len(left) == 2 * 2 * 3 - 2
    assert [(one["recipe"], one["seed"]) for one in left if one["data"] == "mnist"] == [("dcgan", 0), ("pocket", 1)]


def test_emoji_are_sorted_by_category_and_missing_data_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = tmp_path / "package" / "img" / "twitter" / "64"
    pictures.mkdir(parents=True)
    entries = [
        {"category": name, "image": f"{number}.png"} for number, name in enumerate(("Food & Drink", "Component"))
    ]
    entries.append({"category": "Flags", "image": "missing.png"})
    (tmp_path / "package" / "emoji.json").write_text(json.dumps(entries))
    for number in range(2):
        Image.new("RGBA", (64, 64)).save(pictures / f"{number}.png")
    there = sizes.places(order(tmp_path, emoji=tmp_path / "package"))
    assert [path.relative_to(tmp_path).as_posix() for path in (tmp_path / "emoji").rglob("*.png")] == [
        "emoji/food/0.png"
    ]
    assert "fashion-mnist" not in there and "fashion-mnist" in capsys.readouterr().out


@pytest.fixture
def noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data in place of the small digits."""
    random = np.random.default_rng(1)
    np.savez(
        tmp_path / "noise.npz", images=random.integers(0, 256, (1500, 16, 16), np.uint8), labels=np.arange(1500) % 3
    )
    monkeypatch.setattr(sizes, "places", lambda arguments: {"digits": tmp_path / "noise.npz"})
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    return tmp_path


@pytest.mark.slow
def test_runs_are_trained_measured_and_kept(noise: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "RECIPES", ("dcgan",))
    monkeypatch.setattr(sizes, "steps_in", lambda recipe, settings, seconds: 6)
    sizes.measure(order(noise))
    (kept,) = race.read_rows(noise / "rows.jsonl")
    assert kept["state"] == "finished" and kept["steps"] == 6 and kept["features"] == "random"
    assert kept["ratio"] == pytest.approx(kept["fd"] / kept["baseline"], rel=0.01)
    assert kept["against"] == 150 and kept["count"] == kept["images"]
    sizes.measure(order(noise))
    assert race.read_rows(noise / "rows.jsonl") == [kept]


@pytest.mark.slow
def test_a_trial_says_how_many_steps_fit(noise: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "SPEED_SECONDS", 0.1)
    about = {"data": "digits", "size": 16}
    assert sizes.steps_in("dcgan", sizes.settings_of(about, noise / "noise.npz"), 1000.0) > 100


def test_a_run_that_fails_is_a_row_without_a_distance(noise: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [{"event": "diagnosis", "name": "mode_collapse"}, {"event": "diagnosis", "name": "past_best"}]
    status = SimpleNamespace(state="failed", seconds=1.5, steps=6)
    run = SimpleNamespace(status=lambda: status, events=lambda: events, facts=SimpleNamespace(images=1080))
    monkeypatch.setattr(sizes, "RECIPES", ("dcgan",))
    monkeypatch.setattr(sizes, "steps_in", lambda recipe, settings, seconds: 6)
    monkeypatch.setattr(sizes, "trained", lambda recipe, folder, settings: run)
    sizes.measure(order(noise, seeds=2))
    first, second = race.read_rows(noise / "rows.jsonl")
    assert first["failures"] == ["mode_collapse"] and first["state"] == "failed" and "fd" not in first
    assert (first["seed"], second["seed"], second["steps"]) == (0, 1, 6)
