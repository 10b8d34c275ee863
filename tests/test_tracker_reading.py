"""A run folder is read as events: each row and picture once, and all of them again if the run returned to a step."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pocketgan.runs.rewinding import abandon, rewind
from pocketgan.runs.run import Run
from pocketgan.trackers.reading import Ending, Picture, Reader, Row, Settings
from tracker_logs import OLD, set_state, write_row


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.open(shutil.copytree(OLD / "pocket", tmp_path / "digits"))


def read(reader: Reader) -> list[Any]:
    return list(reader.events())


def test_a_reader_begins_with_the_settings_and_ends_with_the_state(run: Run) -> None:
    first, *news, last = read(Reader(run))
    assert isinstance(first, Settings) and isinstance(last, Ending)
    assert [event.step for event in news] == sorted(event.step for event in news)
    assert sum(isinstance(event, Row) for event in news) == len(run.stats()) + len(run.metrics())
    assert [event.path for event in news if isinstance(event, Picture)] == [sample.path for sample in run.samples()]
    assert last.notes["state"] == "interrupted" and last.notes["step"] == 20


def test_a_reader_yields_nothing_twice(run: Run) -> None:
    reader = Reader(run)
    read(reader)
    (ending,) = read(reader)
    assert isinstance(ending, Ending)
    write_row(run, 25, 0.2)
    row, _ = read(reader)
    assert (row.step, row.values["losses/d_loss"]) == (25, 0.2)


def test_a_half_written_line_waits_and_a_damaged_one_is_left_out(run: Run) -> None:
    reader = Reader(run)
    read(reader)
    path = run.folder / "stats.jsonl"
    with path.open("a") as file:
        file.write('{"step": 25, "d_loss"')
    assert len(read(reader)) == 1
    with path.open("a") as file:
        file.write(': 0.5}\n{"step": "x"}\nnot JSON\n{"step": 26, "d_loss": NaN, "g_loss": null, "worked": true}\n')
    row, _ = read(reader)
    assert (row.step, row.values) == (25, {"losses/d_loss": 0.5})


def test_rows_that_are_written_again_unchanged_are_not_read_again(run: Run) -> None:
    reader = Reader(run)
    read(reader)
    rewind(run, 20)  # Replaces the files; a resumed run does so.
    assert len(read(reader)) == 1


def test_a_rollback_is_read_from_the_start(run: Run) -> None:
    reader = Reader(run)
    read(reader)
    abandon(run, 10)
    first, *news, _ = read(reader)
    assert isinstance(first, Settings) and max(event.step for event in news) == 10


def test_a_deleted_file_is_read_from_the_start(run: Run) -> None:
    reader = Reader(run)
    read(reader)
    (run.folder / "metrics.jsonl").unlink()
    events = read(reader)
    assert isinstance(events[0], Settings) and sum(isinstance(event, Row) for event in events) == len(run.stats())


def test_a_picture_without_its_step_waits_while_the_run_is_trained(run: Run) -> None:
    set_state(run, "running", 20)
    sample = run.samples()[-1].path
    beside = sample.with_suffix(".json")
    content = beside.read_bytes()
    beside.unlink()
    reader = Reader(run)
    assert sample not in [event.path for event in read(reader) if isinstance(event, Picture)]
    beside.write_bytes(content)
    assert [event.path for event in read(reader) if isinstance(event, Picture)] == [sample]


def test_scores_of_an_evaluation_have_their_baseline_and_their_error(run: Run) -> None:
    (run.folder / "evaluation").mkdir()
    path = run.folder / "evaluation" / "evaluation.json"
    score = {"value": 2.5, "spread": 0.1, "floor": 0.5}
    path.write_text(json.dumps({"step": 20, "metrics": {"frechet_distance": score, "modes": {"value": None}}}))
    reader = Reader(run)
    (row,) = [event for event in read(reader) if isinstance(event, Row) and "evaluation" in next(iter(event.values))]
    names = [f"evaluation/frechet_distance{end}" for end in ("", "_baseline", "_standard_error")]
    assert (row.step, row.values) == (20, dict(zip(names, (2.5, 0.5, 0.1), strict=True)))
    assert len(read(reader)) == 1


def test_a_damaged_status_ends_nothing(run: Run) -> None:
    (run.folder / "status.json").write_text("{")
    *_, ending = read(Reader(run))
    assert ending.state == "killed"
