"""Old checkpoints are removed, and nothing that a resumed run or a rollback needs."""

import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pocketgan
from pocketgan.config.watchdog_section import WatchdogConfig
from pocketgan.experiment.diagnosis import DIAGNOSES, farthest_look
from pocketgan.runs.records import step_of
from pocketgan.runs.run import Run
from pocketgan.training.checkpoints import newest_intact, read_checkpoint, superfluous

TINY = {
    "hidden_dim": 4,
    "batch_size": 4,
    "duration": "40 steps",
    "checkpoint_every": "4 steps",
    "log_every": "2 steps",
    "sample_every": "end",
    "sample_count": 4,
    "evaluate_every": "none",
    "threads": 1,
}


def steps(run: Run) -> list[int]:
    return [step_of(path) for path in run.checkpoints()]


def bits(run: Run) -> dict[str, torch.Tensor]:
    return read_checkpoint(run.checkpoints()[-1]).tensors


def assert_same_bits(left: Run, right: Run) -> None:
    first, second = bits(left), bits(right)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


rising = st.lists(st.integers(1, 200), unique=True, min_size=1, max_size=30).map(sorted)


@given(rising, st.integers(1, 5), rising, st.integers(0, 12))
def test_what_can_be_needed_stays(steps: list[int], keep: int, evaluations: list[int], reach: int) -> None:
    """From each of the newest checkpoints a run may go on; from there each rollback must find what it would have."""
    removed = set(superfluous(steps, keep, evaluations, reach))
    left = [step for step in steps if step not in removed]
    assert left[-keep:] == steps[-keep:]
    for start in steps[-keep:]:
        seen = [step for step in evaluations if step <= start]
        for more in range(1, len([step for step in evaluations if step > start]) + 1):
            known = [*seen, *[step for step in evaluations if step > start][:more]]
            for looked in range(1, reach + 1):
                before = known[:-looked]
                healthy = before[-1] if before else 0
                wanted = [step for step in steps if step <= healthy][-1:]
                assert [step for step in left if step <= healthy][-1:] == wanted
    if not reach:
        assert len(left) == min(keep, len(steps))


def test_the_reach_is_that_of_the_farthest_failure() -> None:
    limits = WatchdogConfig()
    assert farthest_look(limits) == max(check.looks_back(limits) for check in DIAGNOSES.values() if check.failure)


@pytest.mark.slow
@pytest.mark.parametrize(("keep", "left"), [(1, [40]), (3, [32, 36, 40]), ("all", list(range(4, 41, 4)))])
def test_so_many_are_kept(keep: object, left: list[int], tmp_path: Path) -> None:
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **TINY, keep_checkpoints=keep)
    assert steps(run) == left


@pytest.mark.slow
def test_the_best_one_is_kept(tmp_path: Path) -> None:
    fields = TINY | {"evaluate_every": "8 steps", "evaluate_count": 200, "keep_checkpoints": 1}
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **fields)
    best = run.best()
    assert best is not None and steps(run) == [40]
    assert len(run.generate(4, checkpoint="best")) == 4


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the program runs after it but what Python itself does."""


@pytest.mark.slow
@pytest.mark.parametrize("at", range(0, 7, 2))
def test_killed_as_one_is_removed(at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pocketgan.train("minimal", out=tmp_path / "whole", progress=False, **TINY)
    unlink, calls = Path.unlink, [0]

    def dying(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith("step-"):
            calls[0] += 1
            if calls[0] > at:
                raise Killed
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", dying)
    with pytest.raises(Killed):
        pocketgan.train("minimal", out=tmp_path / "killed", progress=False, **TINY)
    monkeypatch.undo()
    run = pocketgan.resume(tmp_path / "killed", progress=False)
    assert_same_bits(run, whole)
    assert steps(run)[-3:] == [32, 36, 40] and len(steps(run)) <= 4


@pytest.mark.slow
def test_the_one_before_a_damaged_one_is_still_there(tmp_path: Path) -> None:
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **TINY)
    shutil.copytree(run.folder, tmp_path / "whole")
    for path in run.checkpoints()[-2:]:
        path.write_bytes(path.read_bytes()[:-100])
    again = pocketgan.resume(run, progress=False)
    assert_same_bits(again, Run.open(tmp_path / "whole"))


@pytest.mark.slow
def test_a_rollback_finds_what_it_needs(tmp_path: Path) -> None:
    """A run that goes back, with one checkpoint kept and with all of them, ends with the same bits."""
    fields = TINY | {
        "hidden_dim": 16, "batch_size": 16,
        "duration": "60 steps", "evaluate_every": "4 steps", "evaluate_count": 200,
        "on_failure": "rollback", "watch_window": 2, "watch_progress": 0.9, "watch_accuracy": 0.51,
    }  # fmt: skip
    lean = pocketgan.train("minimal", out=tmp_path / "lean", progress=False, **fields, keep_checkpoints=1)
    full = pocketgan.train("minimal", out=tmp_path / "full", progress=False, **fields, keep_checkpoints="all")
    assert lean.rollbacks() and lean.rollbacks() == full.rollbacks()
    assert any(event["to"] > 0 for event in lean.rollbacks())
    first, second = newest_intact(lean.checkpoints())[0], newest_intact(full.checkpoints())[0]
    assert first is not None and second is not None
    assert all(torch.equal(first.tensors[name], second.tensors[name]) for name in first.tensors)
    assert len(lean.checkpoints()) < len(full.checkpoints())
