"""The cases of the reliability benchmark, a few of each kind: kills, damaged files, full disks."""

import json
from pathlib import Path
from random import Random

import pytest

import reliability


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("inputs", 40), ("disk", 2), ("kills", 1)])
def test_some_cases_of_each_kind(kind: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["reliability.py", "--out", str(tmp_path / "out"), "--only", kind, "--count", str(count)]
    monkeypatch.setattr("sys.argv", words)
    assert reliability.main() == 0
    rows = [json.loads(line) for line in (tmp_path / "out" / "cases.jsonl").read_text().splitlines()]
    assert [row["case"] for row in rows] == list(range(count)) and all(row["what"] for row in rows)


def test_a_case_is_the_same_again(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(bytes(range(256)))
    for damage in reliability.DAMAGES:
        first, second = (reliability.damaged(file.read_bytes(), damage, Random(3), [file]) for _ in range(2))
        assert first == second
