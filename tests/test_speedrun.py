"""The speed run and the race's rows: rules, seeds that nobody chooses, and tables that are made of their files."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

import race
import rows
from speedrun import enter
from speedrun.enter import Refused, check_entry, check_new, idea_of, read_rows, summary, table, write_table

ENTRY = '"""Noise, and nothing else."""\nimport torch\nfrom pocketgan.race.contract import sampled\n'


def judged(distance: float, seed: int = 0) -> dict[str, Any]:
    scores = {
        "digits": {
            "frechet_distance": {"value": distance, "floor": 2.0},
            "label_agreement": {"value": 0.9, "floor": 1.0},
        },
        "random": {"frechet_distance": {"value": 3 * distance, "floor": 1.0}},
    }
    ways = [{"name": "1 step", "images_per_second": 100.4, "scores": scores}]
    facts = {"ways": ways, "parameters": {"sampling": 5, "training": 0}, "peak_memory": 7, "used_seconds": 1.0}
    return {"figures": {"frechet_distance": distance}, "race": facts}


def options_of(entry: str, **more: Any) -> argparse.Namespace:
    usual = {"budget": "10 s", "data": "mnist", "practice": False, "seeds": 5, "count": 10_000, "threads": 1}
    return argparse.Namespace(**{"entry": entry, "clock": "cpu", "idea": "", **usual, **more})


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The seeds and rotations of runs, which train nothing."""
    started: list[tuple[int, int]] = []

    def run_once(entry: str, options: argparse.Namespace, seed: int, rotation: int) -> dict[str, Any]:
        started.append((seed, rotation))
        return judged(4.0 + len(started) / 10, seed)

    monkeypatch.setattr(enter, "run_once", run_once)
    return started


# Rules.


@pytest.mark.parametrize(
    "more",
    [
        "import os\n",
        "from pocketgan.metrics import Judge\n",
        "from . import secret\n",
        "weights = torch.load('judge.pt')\n",
        "from torch import load\nweights = load('judge.pt')\n",
        "import torch as t\nweights = t.load('judge.pt')\n",
        "from numpy import fromfile as read\nimages = read('mnist')\n",
        "reader = open\n",
        "from torch import *\n",
        "import torch\nweights = torch.jit.load('judge.pt')\n",
        "from pocketgan.images.sets import load_images as seen\n",
        "data = open('mnist')\n",
        "x = eval('1')\n",
        "def broken(:\n",
        "\n" * 300,
    ],
)
def test_entries_that_break_a_rule_are_refused(tmp_path: Path, more: str) -> None:
    (tmp_path / "mine.py").write_text(ENTRY + more)
    with pytest.raises(Refused, match=r"mine\.py"):
        check_entry(tmp_path / "mine.py")


@pytest.mark.parametrize(
    "more",
    [
        "def forward(self, input):\n    return input * 2\n",
        "def look(network):\n    network.eval()\n    return torch.compile(network)\n",
        "class Box:\n    def load(self):\n        self.input = 3\n        return self.load\n",
    ],
)
def test_names_of_ones_own_and_methods_are_allowed(tmp_path: Path, more: str) -> None:
    (tmp_path / "mine.py").write_text(ENTRY + more)
    assert check_entry(tmp_path / "mine.py")


def test_an_entry_has_at_most_three_hundred_lines(tmp_path: Path) -> None:
    lines = ENTRY.splitlines()
    (tmp_path / "mine.py").write_text("\n".join(lines + ["#"] * (300 - len(lines))) + "\n")
    assert check_entry(tmp_path / "mine.py")


def test_an_entry_that_keeps_the_rules_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(ENTRY)
    (tmp_path / "other.py").write_text(ENTRY + "# more\n")
    first, second = check_entry(tmp_path / "mine.py"), check_entry(tmp_path / "other.py")
    assert len(first) == 64 and first != second and idea_of(str(tmp_path / "mine.py")) == "Noise, and nothing else."


def test_budgets_are_times() -> None:
    assert enter.budget_of("1 min") == 60 and enter.budget_of("1.5 s") == 1.5
    for wrong in ("5 epochs", "soon"):
        with pytest.raises(Refused):
            enter.budget_of(wrong)


# Entries.


def test_an_entry_gets_seeds_that_it_did_not_choose_and_is_judged_once(
    tmp_path: Path, runs: list[tuple[int, int]]
) -> None:
    file, board = tmp_path / "mine.py", tmp_path / "leaderboard.jsonl"
    file.write_text(ENTRY)
    row = enter.enter(options_of(str(file)), board)
    assert row["official"] and row["entry"] == "mine" and [seed for seed, _ in runs] == row["seeds"]
    assert len(set(row["seeds"])) == 5 and all(rotation == 0 for _, rotation in runs)
    assert read_rows(board) == [json.loads(json.dumps(row))]
    with pytest.raises(Refused):
        enter.enter(options_of(str(file)), board)
    enter.enter(options_of(str(file), budget="60 s"), board)
    assert len(read_rows(board)) == 2
    check_new(read_rows(board), {**row, "seconds": 300})


def test_practice_changes_its_images_and_leaves_no_row(tmp_path: Path, runs: list[tuple[int, int]]) -> None:
    file, board = tmp_path / "mine.py", tmp_path / "leaderboard.jsonl"
    file.write_text(ENTRY)
    for _ in range(2):
        enter.enter(options_of(str(file), practice=True, seeds=1), board)
    assert not board.exists() and len({rotation for _, rotation in runs}) == 2 and all(one for _, one in runs)
    with pytest.raises(Refused):
        enter.enter(options_of(str(tmp_path / "missing.py")), board)


def test_scores_are_means_over_the_seeds_with_an_interval() -> None:
    scores = summary([judged(4.0), judged(5.0), judged(6.0)])["scores"]
    assert scores["digits"]["times_baseline"] == 2.5 and scores["random"]["times_baseline"] == 15
    low, high = scores["digits"]["interval"]
    assert low < 2.5 < high and summary([judged(4.0)])["scores"]["digits"]["interval"] is None


@pytest.mark.parametrize(
    "more", [{"threads": 4}, {"clock": "wall"}, {"count": 2000}, {"seeds": 4}, {"data": "mnist.npz"}]
)
def test_an_entry_measured_in_another_way_is_not_official(more: dict[str, Any]) -> None:
    usual, other = options_of("mine.py"), options_of("mine.py", **more)
    assert enter.is_official(usual, "mnist", 10) and not enter.is_official(usual, "mnist", 20)
    assert not enter.is_official(other, enter.data_name(other.data), 10)


# Tables.


def test_the_table_ranks_entries_in_their_category(tmp_path: Path, runs: list[tuple[int, int]]) -> None:
    board = tmp_path / "leaderboard.jsonl"
    for place, (name, seeds) in enumerate((("weak", 5), ("strong", 5), ("brief", 1))):
        (tmp_path / f"{name}.py").write_text(ENTRY + f"# {place}\n")
        runs[:] = [(0, 0)] * (0 if name == "strong" else 20)
        enter.enter(options_of(str(tmp_path / f"{name}.py"), seeds=seeds), board)
    lines = [line for line in table(read_rows(board)).splitlines() if "Noise" in line]
    assert [line.split("|")[1].strip() for line in lines] == ["strong", "(brief)", "weak"]
    (tmp_path / "README.md").write_text(f"before\n{enter.BEGIN}\nold\n{enter.END}\nafter\n")
    write_table(tmp_path / "README.md", board)
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("before") and text.endswith("after\n") and "old" not in text and lines[0] in text


def test_the_leaderboard_in_the_readme_is_that_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(enter.README.read_text(encoding="utf-8"))
    write_table(tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text() == enter.README.read_text(encoding="utf-8")


def test_a_race_that_is_run_again_replaces_its_rows() -> None:
    kept = rows.read_rows(race.ROWS)
    again = [{**row, "distance": 1.0} for row in kept if row["duration"] == "10 s"]
    assert [row["distance"] for row in race.merged(kept, again) if row["duration"] == "10 s"] == [1.0] * len(again)
