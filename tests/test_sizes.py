"""Tables of the results: what is measured, what isn't measured again, and the pages held to their rows."""

import argparse
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import domains
import few_images
import race
import rows
import sizes
import translation
from pocketgan.images.sets import load_images


def row(seed: int = 0, **more: Any) -> dict[str, Any]:
    usual = {"data": "mnist", "size": 28, "recipe": "pocket", "seconds": 30.0, "seed": seed, "images": 55_000}
    usual |= {"steps": 100, "state": "finished", "failures": [], "fd": 2.0 + seed, "ratio": 5.0 + seed}
    return {**usual, **more}


def order(folder: Path, **more: Any) -> argparse.Namespace:
    usual = {"out": folder, "fashion_mnist": None, "emoji": None, "data": "digits", "seconds": 30.0, "seeds": 1}
    return argparse.Namespace(**{**usual, "rows": folder / "rows.jsonl", **more})


@pytest.mark.parametrize("module", [race, sizes, translation, few_images])
def test_the_tables_of_pages_are_made_of_their_rows(module: Any) -> None:
    page = module.PAGE.read_text(encoding="utf-8")
    kept = rows.read_rows(module.ROWS)
    table = module.tables(kept) if module in (race, translation) else module.table(kept)
    assert kept and rows.written(page, table) == page


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
    done = [row(0), row(1, recipe="dcgan"), row(0, seconds=60.0, recipe="dcgan")]
    left = list(rows.without_row(sizes.lines(asked), done, sizes.ALIKE))
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
    (kept,) = sizes.measure(order(noise))
    rows.keep(kept, noise / "rows.jsonl")
    (kept,) = rows.read_rows(noise / "rows.jsonl")
    assert kept["state"] == "finished" and kept["steps"] == 6 and kept["features"] == "random"
    assert kept["ratio"] == pytest.approx(kept["fd"] / kept["baseline"], rel=0.01)
    assert kept["against"] == 150 and kept["count"] == kept["images"]
    assert list(sizes.measure(order(noise))) == []


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
    first, second = sizes.measure(order(noise, seeds=2))
    assert first["failures"] == ["mode_collapse"] and first["state"] == "failed" and "fd" not in first
    assert (first["seed"], second["seed"], second["steps"]) == (0, 1, 6)


# Translation.


def translated(method: str, seed: int = 0, **more: Any) -> dict[str, Any]:
    usual = {"table": "unpaired", "data": "upright → leaning", "task": "none", "method": method, "seconds": 30.0}
    usual |= {"seed": seed, "steps": 100, "state": "finished", "failures": [], "fd": 2.0 + seed, "kept_class": 0.9}
    return {**usual, **more}


def test_a_direction_has_a_line_for_each_method_and_for_the_copy() -> None:
    others = {"copy": {"kept_class": 0.99}, "targets": {}}
    done = [translated("labels ignored", others=others), translated("`--keep-class`"), translated("`--keep-class`", 1)]
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in translation.tables(done).splitlines()[4:]
    ]
    assert lines == [
        ["upright → leaning", "labels ignored", "100", "1", "0", "2", "0.9"],
        ["upright → leaning", "`--keep-class`", "100", "2", "0", "2.5 (2 to 3)", "0.9 (0.9 to 0.9)"],
        ["upright → leaning", "copy", "–", "–", "–", "–", "0.99"],
    ]


def test_every_table_has_its_own_number_of_seeds(tmp_path: Path) -> None:
    asked = order(tmp_path, tables="digits,healthy", seeds=3)
    left = list(translation.lines(asked))
    assert [sum(one["table"] == name for one in left) for name in ("tasks", "digits", "healthy")] == [0, 10, 3]
    done = [one | {"steps": 1} for one in left if one["table"] == "digits"]
    assert [one["seed"] for one in rows.without_row(left, done, translation.ALIKE)] == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("table", ["digits", "unpaired"])
def test_translations_are_trained_measured_and_kept(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translation, "steps_in", lambda recipe, settings, seconds: 2)
    monkeypatch.setattr(translation, "COUNT", 500)
    monkeypatch.setattr(translation, "DIRECTIONS", {"leaning → upright": ("slanted", "upright")})
    monkeypatch.setattr(domains, "load_images", lambda config, part: load_images(config, part).part(slice(4000)))
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    usual = {"digits": 9, "unpaired": 0}
    asked = order(tmp_path, tables=table, seeds=1)
    first = list(translation.lines(asked))[usual[table]]
    row = translation.measured(first, 2, tmp_path / "run", asked)
    assert row["state"] == "finished" and row["steps"] == 2 and row["fd"] > 0 and 0 <= row["kept_class"] <= 1
    assert ("slant" in row) == (table == "unpaired") and "copy" in row["others"]


# Few images.


def test_a_line_compares_with_the_same_seed_without_help() -> None:
    def one(method: str, seed: int, distance: float) -> dict[str, Any]:
        about = {"data": "mnist", "count": 300, "method": method, "steps": 600, "seed": seed}
        scores = {"frechet_distance": distance, "recall": 0.5, "authentic": 0.6, "authentic_floor": 0.7}
        return about | {"state": "finished", "failures": []} | scores

    done = [
        one("nothing", 0, 8.0),
        one("augment", 0, 4.0),
        one("nothing", 1, 4.0),
        one("augment", 1, 1.0),
    ]
    lines = [line.split(" | ") for line in few_images.table(done).splitlines()[2:]]
    assert lines[0][5:7] == ["6 (4 to 8)", "1 (1 to 1)"] and lines[1][5:7] == ["2.5 (1 to 4)", "0.375 (0.25 to 0.5)"]


def test_few_images_are_those_of_the_seed_with_the_whole_test_split(tmp_path: Path) -> None:
    paths = [few_images.part_of("mnist", "mnist", 100, seed, tmp_path) for seed in (0, 1)]
    first, second = (np.load(path) for path in paths)
    assert first["x_train"].shape == (100, 1, 28, 28) and len(first["x_test"]) == len(first["y_test"]) == 10_000
    assert not np.array_equal(first["x_train"], second["x_train"])


@pytest.mark.slow
def test_runs_on_few_images_begin_with_a_run_on_other_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few_images, "STEPS", 2)
    monkeypatch.setattr(few_images, "EVALUATIONS", 1)
    monkeypatch.setattr(few_images, "COUNT", 500)
    monkeypatch.setattr(few_images, "DONOR_STEPS", 1)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    about = {"data": "mnist", "count": 300, "method": "from", "steps": 2, "seed": 0}
    row = few_images.measured(about, {"mnist": "mnist", "fashion-mnist": "mnist"}, tmp_path)
    assert row["trained_on"] == 240 and row["against"] == 10_000 and row["frechet_distance"] > 0
    assert (tmp_path / "donor-fashion-mnist" / "checkpoints").is_dir()
