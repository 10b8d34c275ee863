"""Threads beside busy programs, plans that are made again, and a run that repeats both when it is resumed."""

import itertools
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import pocketgan
from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe
from pocketgan.experiment import pace, speed
from pocketgan.experiment.experiment import find_facts, run_experiment
from pocketgan.runs.run import Run
from pocketgan.training import cores
from pocketgan.training.checkpoints import read_checkpoint
from pocketgan.training.cores import CALM_LOOKS, ThreadChooser, Usage, free_cores, threads_for

TINY = {
    "hidden_dim": 8,
    "batch_size": 4,
    "duration": "40 steps",
    "checkpoint_every": "10 steps",
    "log_every": "5 steps",
    "sample_every": "end",
    "sample_count": 4,
    "evaluate_every": "none",
    "device": "cpu",
}


# The use of the cores.


def moments(free: list[float], cores: int = 2) -> list[Usage]:
    """The use of the cores second by second, where so many were free to a process that uses what it can get."""
    own = idle = 0.0
    found = [Usage(0.0, 0.0, 0.0)]
    for second, share in enumerate(free, start=1):
        own += min(share, cores)
        idle += max(0.0, share - cores)
        found.append(Usage(float(second), own, idle))
    return found


def counts(free: list[float], threads: int = 2, most: int = 2) -> list[int]:
    """What a chooser says second by second."""
    first, *others = moments(free, most)
    chooser = ThreadChooser(most, threads, first)
    return [chooser.look(now) for now in others]


def test_free_cores_are_ones_own_and_idle_ones() -> None:
    assert free_cores(Usage(10, 5, 100), Usage(12, 7, 101)) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("free", "most", "threads"),
    [
        (2.0, 2, 2),
        (1.9, 2, 2),
        (1.6, 2, 2),
        (1.5, 2, 1),
        (1.0, 2, 1),
        (0.3, 2, 1),
        (7.1, 8, 7),
        (16.0, 8, 8),
        (4.0, 1, 1),
    ],
)
def test_a_thread_takes_a_core_that_is_nearly_free(free: float, most: int, threads: int) -> None:
    assert threads_for(free, most) == threads


def test_a_busy_neighbor_takes_a_thread_away_at_once() -> None:
    assert counts([2, 2, 1.0, 1.0]) == [2, 2, 1, 1]


def test_a_free_core_must_stay_free_for_a_while() -> None:
    assert counts([1.0, *[2.0] * CALM_LOOKS, 2.0], threads=1) == [1, *[1] * (CALM_LOOKS - 1), 2, 2]
    assert counts([1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0], threads=1) == [1] * 7


def test_a_neighbor_that_comes_and_goes_is_believed_less_and_less() -> None:
    flapping = [2.0, 2.0, 2.0, 1.0] * 20
    found = counts(flapping, threads=1)
    changes = sum(one != other for one, other in itertools.pairwise(found))
    assert 0 < changes <= 4


def test_looks_in_quick_succession_wait_for_a_second() -> None:
    chooser = ThreadChooser(2, 2, Usage(0, 0, 0))
    assert chooser.look(Usage(0.5, 0.2, 0)) == 2
    assert chooser.look(Usage(1.0, 0.4, 0)) == 1


def test_the_machine_can_be_looked_at() -> None:
    before = cores.usage()
    sum(range(300_000))
    after = cores.usage()
    assert after.wall > before.wall and after.own >= before.own and after.idle >= before.idle


# How many to begin with.


@pytest.mark.slow
def test_a_number_is_taken_as_it_is(tmp_path: Path) -> None:
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **TINY, threads=1)
    assert run.environment.threads == 1 and run.config.train.threads == 1


@pytest.fixture
def two_threads() -> Any:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.mark.slow
def test_a_run_beside_a_busy_program_begins_with_one(
    two_threads: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(speed, "free_cores", lambda before, after: 1.02)
    run = pocketgan.train("minimal", out=tmp_path / "run", **TINY)
    assert run.environment.threads == 1 and run.config.train.threads == "auto"
    assert "1 of 2 threads" in capsys.readouterr().err
    assert torch.get_num_threads() == 2


@pytest.mark.slow
def test_a_command_beside_a_busy_program_uses_one(two_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, threads in ((1.02, 1), (1.98, 2)):
        monkeypatch.setattr(speed, "free_cores", lambda before, after, free=free: free)
        with speed.using_free_threads() as count:
            assert (count, torch.get_num_threads()) == (threads, threads)
        assert torch.get_num_threads() == 2


@pytest.mark.slow
def test_the_fastest_number_is_measured_once(
    two_threads: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs alike begin with the same number: it is remembered."""
    monkeypatch.setenv("POCKETGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(speed, "free_cores", lambda before, after: 2.0)
    answers = iter([1])
    monkeypatch.setattr(speed, "measure_threads", lambda *_: next(answers))
    runs = [pocketgan.train("minimal", out=tmp_path / str(n), progress=False, **TINY) for n in range(2)]
    assert [run.environment.threads for run in runs] == [1, 1]
    other = pocketgan.train("minimal", out=tmp_path / "other", progress=False, **TINY | {"threads": 0})
    assert other.environment.threads == 2


def test_a_short_run_is_not_measured_for_long(tmp_path: Path) -> None:
    config = replace(recipe("minimal"), **TINY)
    images = pocketgan_images(config)
    assert speed.measure_threads(config, images, find_facts(images), 2) is None


@pytest.mark.slow
def test_measuring_takes_one_of_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "free_cores", lambda before, after: 2.0)
    config = replace(recipe("minimal"), **TINY | {"duration": "1 h"})
    images = pocketgan_images(config)
    before = torch.get_num_threads()
    assert speed.measure_threads(config, images, find_facts(images), 2) in (1, 2)
    torch.set_num_threads(before)


def pocketgan_images(config: Any) -> Any:
    from pocketgan.images.sets import load_images

    return load_images(replace(config, classes="0").data)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "{", "[]", '{"x": 3}'])
def test_a_damaged_memory_is_none(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETGAN_CACHE", str(tmp_path))
    (tmp_path / "threads.json").write_text(content)
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **TINY)
    remembered = speed.Remembered(run.config, run.facts, 2)
    assert remembered.threads is None
    remembered.remember(2)
    assert remembered.threads == 2


# Decisions are recorded, and made again.


def log(run: Run, *events: dict[str, Any]) -> None:
    with (run.folder / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def tensors(run: Run) -> dict[str, torch.Tensor]:
    return read_checkpoint(run.checkpoints()[-1]).tensors


def cut_back(run: Run, step: int) -> None:
    """Leaves a run as a process that was killed after its checkpoint at `step` leaves it."""
    for path in run.checkpoints():
        if int(path.stem.removeprefix("step-")) > step:
            path.unlink()


@pytest.mark.slow
def test_a_change_of_threads_is_recorded_and_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_threads: None
) -> None:
    """A second program comes at step 15 and goes at step 30; the process is killed, and nothing else runs any more."""
    looks = iter([2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 2.0])
    monkeypatch.setattr(speed, "free_cores", lambda before, after: 2.0)
    monkeypatch.setattr(speed, "measure_threads", lambda *_: None)

    class Scripted(ThreadChooser):
        def look(self, now: Usage) -> int:
            self.threads = threads_for(next(looks, 2.0), self.most)
            return self.threads

    monkeypatch.setattr(pace, "ThreadChooser", Scripted)
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **TINY, keep_checkpoints="all")
    decisions = run.decisions()
    assert [(event["from"], event["to"]) for event in decisions] == [(2, 1), (1, 2)]
    assert run.environment.threads == 2
    whole, rows = tensors(run), run.stats()
    cut_back(run, 10)
    used: list[tuple[int, int]] = []
    set_threads = torch.set_num_threads
    monkeypatch.setattr(torch, "set_num_threads", lambda count: used.append(count) or set_threads(count))
    looks = iter([])
    again = pocketgan.resume(run, progress=False)
    assert again.decisions() == decisions
    assert used[1:4] == [2, 1, 2]
    assert all(torch.equal(whole[name], tensor) for name, tensor in tensors(again).items())
    assert [row["d_loss"] for row in again.stats()] == [row["d_loss"] for row in rows]


@pytest.mark.slow
def test_resuming_after_a_change_goes_on_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **TINY, keep_checkpoints="all")
    log(run, {"step": 15, "event": "threads", "from": 2, "to": 1}, {"step": 33, "event": "threads", "from": 1, "to": 2})
    assert [run.threads_at(step) for step in (0, 15, 20, 33, 40)] == [1, 1, 1, 2, 2]


@pytest.mark.slow
def test_a_rollback_ends_what_was_decided_before_it(tmp_path: Path) -> None:
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **TINY)
    log(
        run,
        {"step": 15, "event": "threads", "from": 2, "to": 1},
        {"step": 30, "event": "rollback", "to": 10, "rate_scale": 0.5, "threads": 3},
        {"step": 20, "event": "threads", "from": 3, "to": 2},
    )
    assert [event["step"] for event in run.decisions()] == [20]
    assert [run.threads_at(step) for step in (10, 19, 20)] == [3, 3, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "event", [{"event": "threads"}, {"event": "threads", "to": "2"}, {"event": "replan", "plan": 3}]
)
def test_damaged_decisions_are_passed_over(event: dict[str, Any], tmp_path: Path) -> None:
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **TINY)
    log(run, {"step": 20, **event})
    cut_back(run, 40)
    assert run.decisions() == [] and pocketgan.resume(run, progress=False).status().state == "finished"


# Plans.


@pytest.mark.slow
@pytest.mark.parametrize("replan", [True, False])
def test_a_plan_that_is_far_off_is_said_and_made_again_when_asked(
    replan: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The speed before the run is said to be a hundred times what it is."""
    from pocketgan.experiment import experiment

    real = experiment.measure_speed
    monkeypatch.setattr(experiment, "measure_speed", lambda *given: 100 * real(*given))
    monkeypatch.setattr(pace, "LEAST_SECONDS", 0.1)
    fields = TINY | {"duration": "1 s", "checkpoint_every": "1 s", "replan": replan}
    stop = None if replan else stop_after(3.0)
    run = run_experiment(replace(recipe("minimal"), **fields), tmp_path / "run", stop=stop)
    events = [event["event"] for event in run.events()]
    status = run.status()
    if replan:
        assert "replan" in events and status.state == "finished"
        assert status.step == run.plan.steps
        replans = [event for event in run.events() if event["event"] == "replan"]
        assert replans[0]["previous"]["steps"] > 5 * replans[0]["plan"]["steps"]
        assert run.plan.steps == replans[-1]["plan"]["steps"]
    else:
        assert events.count("speed") == 1 and "replan" not in events and status.state == "interrupted"


def stop_after(seconds: float) -> Any:
    import threading

    event = threading.Event()
    threading.Timer(seconds, event.set).start()
    return event


@pytest.mark.slow
def test_a_new_plan_is_repeated(tmp_path: Path) -> None:
    """A run whose plan was cut from 40 to 25 steps at step 20 does the same when it goes on from step 10."""
    fields = TINY | {"schedule": "cosine", "keep_checkpoints": "all"}
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **fields)
    previous = run.plan
    plan = previous.model_copy(update={"steps": 25})
    log(run, {"step": 20, "event": "replan", "previous": previous.model_dump(), "plan": plan.model_dump()})
    cut_back(run, 10)
    (run.folder / "metrics.jsonl").unlink(missing_ok=True)
    Run.open(run.folder).replan(run.config, plan)
    first = Path(shutil.copytree(run.folder, tmp_path / "first"))
    ended = [pocketgan.resume(folder, progress=False) for folder in (run.folder, first)]
    assert [one.status().step for one in ended] == [25, 25]
    one, other = map(tensors, ended)
    assert all(torch.equal(one[name], other[name]) for name in one)
    cut_back(Run.open(first), 20)
    late = pocketgan.resume(first, progress=False)
    assert late.status().step == 25
    assert all(torch.equal(one[name], tensor) for name, tensor in tensors(late).items())


@pytest.mark.slow
def test_a_plan_that_was_made_in_the_moment_of_being_killed_counts(tmp_path: Path) -> None:
    """The event was written, the run's own file wasn't."""
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **TINY, keep_checkpoints="all")
    plan = run.plan.model_copy(update={"steps": 30})
    log(run, {"step": 20, "event": "replan", "previous": run.plan.model_dump(), "plan": plan.model_dump()})
    (run.folder / "stats.jsonl").write_text("")
    cut_back(run, 20)
    assert pocketgan.resume(run, progress=False).status().step == 30


@pytest.mark.slow
def test_a_longer_duration_takes_the_place_of_plans_to_come(tmp_path: Path) -> None:
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **TINY, keep_checkpoints="all")
    plan = run.plan.model_copy(update={"steps": 35})
    log(run, {"step": 20, "event": "replan", "previous": run.plan.model_dump(), "plan": plan.model_dump()})
    cut_back(run, 10)
    longer = pocketgan.resume(run, duration="50 steps", progress=False)
    assert longer.status().step == 50 and longer.decisions() == []


def test_half_of_the_time_is_half_of_the_steps() -> None:
    assert math.isclose(speed.expected_seconds(replace(recipe("minimal"), duration="2 epochs"), 3200, 0.01), 2.0)
    assert speed.expected_seconds(replace(recipe("minimal"), duration="3 min"), 3200, 0.01) == 180.0
