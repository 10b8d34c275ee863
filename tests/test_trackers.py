"""Runs and studies in experiment trackers, read back with each tracker's own library; absent ones are skipped."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import pocketgan
from pocketgan.base.errors import TrackingFailed, UserError
from pocketgan.cli.main import main
from pocketgan.runs.rewinding import rewind
from pocketgan.runs.run import Run
from pocketgan.trackers import TRACKERS, following
from pocketgan.trackers.entries import Entry
from pocketgan.trackers.entries import place as place_of
from tiny_studies import contents
from tracker_logs import OLD, READ, read_tensorboard, set_state, write_row

HEAVY = ("wandb", "trackio", "mlflow")
"""Trackers that the extra `dev` leaves out, and that take seconds to start."""

every_tracker = pytest.mark.parametrize(
    "to",
    [
        pytest.param(
            to,
            marks=[
                pytest.mark.skipif(find_spec(to) is None, reason=f"{to} isn't installed; the extra {to} adds it"),
                *([pytest.mark.other_packages, pytest.mark.filterwarnings("ignore")] if to in HEAVY else []),
            ],
        )
        for to in TRACKERS
    ],
)
tensorboard = pytest.mark.skipif(find_spec("tensorboard") is None, reason="TensorBoard isn't installed")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of 20 of 40 steps, interrupted: 4 rows, 2 evaluations, sample pictures."""
    return Run.open(shutil.copytree(OLD / "pocket", tmp_path / "runs" / "digits"))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD / "study", tmp_path / "studies" / "noise"))


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all tests: Trackio reads its name only once, and MLflow needs seconds for a new database."""
    return tmp_path_factory.mktemp("databases")


@pytest.fixture
def place(to: str, tmp_path: Path, databases: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments that say where entries go; nothing leaves this computer."""
    for name, value in {
        "WANDB_MODE": "offline",
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_CONFIG_DIR": str(tmp_path / "settings"),
        "WANDB_CACHE_DIR": str(tmp_path / "cache"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }.items():
        monkeypatch.setenv(name, value)
    folder = databases / to if to in ("trackio", "mlflow") else tmp_path / "tracking"
    return {"folder": folder} | ({} if to == "tensorboard" else {"project": f"test-{tmp_path.name}"})


# What every tracker passes.


def test_every_tracker_is_tested() -> None:
    assert READ.keys() == TRACKERS.keys()


@every_tracker
def test_a_run_is_logged_and_its_folder_only_read(to: Any, place: dict[str, Any], run: Run) -> None:
    before = contents(run.folder)
    tracked = pocketgan.track(run, to, **place)
    assert contents(run.folder) == before
    (name, entry), *others = READ[to](**place).items()
    assert (name, others, tracked.entries) == ("digits", [], ["digits"])
    stats, evaluations = run.stats(), run.metrics()
    assert (tracked.rows, tracked.pictures) == (len(stats) + len(evaluations), len(run.samples()))
    assert entry.scalars["losses/d_loss"] == [(row["step"], pytest.approx(row["d_loss"])) for row in stats]
    assert [step for step, _ in entry.scalars["accuracies/d_real_accuracy"]] == [row["step"] for row in stats]
    for key, public in (("frechet_distance", "frechet_distance"), ("frechet_floor", "frechet_distance_baseline")):
        assert entry.scalars[f"quality/{public}"] == [(row["step"], pytest.approx(row[key])) for row in evaluations]
    assert entry.pictures == [sample.step for sample in run.samples()]
    assert entry.settings["recipe"] == "pocket" and float(entry.settings["seed"]) == run.config.seed
    assert float(entry.settings["batch_size"]) == run.config.train.batch_size


@every_tracker
def test_a_run_that_is_logged_again_replaces_itself(to: Any, place: dict[str, Any], run: Run) -> None:
    pocketgan.track(run, to, **place)
    first = READ[to](**place)
    pocketgan.track(run, to, **place)
    assert READ[to](**place) == first


@every_tracker
def test_a_study_is_a_group_with_its_verdict(to: Any, place: dict[str, Any], study: Path) -> None:
    tracked = pocketgan.track(study, to, **place)
    entries = READ[to](**place)
    opened = pocketgan.Study.open(study)
    started = [job for job, _ in following.started(opened)]
    names = {f"noise/{job.folder.relative_to(study / 'runs').as_posix()}" for job in started}
    assert entries.keys() == set(tracked.entries) == names | {"noise/verdict"}
    if to != "tensorboard":  # There the folders are the groups.
        assert {entry.group for entry in entries.values()} == {"noise"}
    one = entries["noise/latent_dim-4/seed-0"]
    assert (float(one.settings["latent_dim"]), float(one.settings["seed"])) == (4, 0)
    result = next(job for job in started if (job.variant, job.seed) == ("latent_dim=4", 0)).result()
    assert result is not None
    ((_, distance),) = one.scalars["result/frechet_distance"]
    assert distance == pytest.approx(result.figures["frechet_distance"])
    verdict = entries["noise/verdict"]
    assert verdict.scalars["latent_dim-4/frechet_distance"][0][0] == 0
    assert verdict.settings["metric"] == "frechet_distance" and verdict.settings["verdict"]


class Script(threading.Event):
    """Each wait does the next thing of a list instead; after the last one it is set."""

    def __init__(self, *acts: Callable[[], object]) -> None:
        super().__init__()
        self.acts = list(acts)

    def wait(self, timeout: float | None = None) -> bool:
        if not self.acts:
            self.set()
            return True
        self.acts.pop(0)()
        return False


def follow(source: Run, to: Any, place: dict[str, Any], *acts: Callable[[], object]) -> following.Tracked:
    destination = following.destination_of(to, place.get("project"), place["folder"])
    return following.track_run(source, destination, follow=True, stop=Script(*acts))


def finish(run: Run) -> None:
    write_row(run, 40, 0.4)
    set_state(run, "finished")


@every_tracker
def test_a_followed_run_that_returns_to_an_earlier_step_has_no_row_twice(
    to: Any, place: dict[str, Any], run: Run
) -> None:
    set_state(run, "running", 20)

    def go_back() -> None:
        rewind(run, 10)
        write_row(run, 15, 0.15)

    before = [row["step"] for row in run.stats() if row["step"] <= 10]
    tracked = follow(run, to, place, lambda: write_row(run, 30, 0.3), go_back, lambda: finish(run))
    assert tracked.complete
    entry = READ[to](**place)["digits"]
    assert [step for step, _ in entry.scalars["losses/d_loss"]] == [*before, 15, 40]
    assert entry.scalars["losses/d_loss"][-2:] == [(15, pytest.approx(0.15)), (40, pytest.approx(0.4))]


# Following, with TensorBoard alone.


@pytest.fixture
def board(tmp_path: Path) -> dict[str, Any]:
    return {"folder": tmp_path / "tracking"}


@tensorboard
def test_a_run_that_stopped_is_followed_until_it_is_resumed_and_finished(
    run: Run, board: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    resumed = [lambda: None, lambda: set_state(run, "running", 20), lambda: finish(run)]
    assert follow(run, "tensorboard", board, *resumed).complete
    assert read_tensorboard(**board)["digits"].scalars["losses/d_loss"][-1][0] == 40
    notes = capsys.readouterr().err.splitlines()
    assert sum("pocketgan resume" in line for line in notes) == 1


@tensorboard
def test_following_that_is_stopped_leaves_a_complete_entry(run: Run, board: dict[str, Any]) -> None:
    set_state(run, "running", 20)
    tracked = follow(run, "tensorboard", board, lambda: write_row(run, 30, 0.3))
    assert not tracked.complete
    assert read_tensorboard(**board)["digits"].scalars["losses/d_loss"][-1] == (30, pytest.approx(0.3))


@tensorboard
def test_a_followed_study_ends_with_its_last_result(study: Path, board: dict[str, Any]) -> None:
    results = sorted(study.glob("runs/*/*/result.json"))
    late = {path: path.read_bytes() for path in results[-1:]}
    for path in late:
        path.unlink()

    def measured() -> None:
        for path, content in late.items():
            path.write_bytes(content)

    destination = following.destination_of("tensorboard", None, board["folder"])
    tracked = following.track_study(study, destination, follow=True, stop=Script(measured))
    complete = following.is_complete(pocketgan.Study.open(study))
    assert tracked.complete == complete
    entries = read_tensorboard(**board)
    last = f"noise/{results[-1].parent.relative_to(study / 'runs').as_posix()}"
    assert [step for step, _ in entries[last].scalars["result/frechet_distance"]] == [20]
    assert "noise/verdict" in entries


@tensorboard
@pytest.mark.slow
def test_ctrl_c_ends_following_and_not_the_training(run: Run, tmp_path: Path) -> None:
    set_state(run, "running", 20)  # By this process, which lives.
    command = [sys.executable, "-m", "pocketgan", "log", str(run.folder), "--to", "tensorboard", "--follow"]
    started = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    folder = tmp_path / "tracking" / "tensorboard"
    for _ in range(600):
        if list(folder.rglob("events.out.tfevents.*")):
            break
        time.sleep(0.1)
    time.sleep(1)
    started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 130, errors
    assert "Traceback" not in errors
    assert len(read_tensorboard(folder)["digits"].scalars["losses/d_loss"]) == len(run.stats())


# Mistakes.


@tensorboard
def test_the_folder_of_another_run_is_refused(run: Run, tmp_path: Path, board: dict[str, Any]) -> None:
    pocketgan.track(run, **board)
    other = shutil.copytree(run.folder, tmp_path / "elsewhere" / "digits")
    before = contents(board["folder"])
    with pytest.raises(UserError) as caught:
        pocketgan.track(other, **board)
    assert (caught.value.key, caught.value.field) == ("entry of another run", "folder")
    assert {path for path in contents(board["folder"]) if path.suffix != ".lock"} == {
        path for path in before if path.suffix != ".lock"
    }


@tensorboard
def test_two_processes_never_log_the_same_run_into_one_folder(run: Run, board: dict[str, Any]) -> None:
    entry = Entry("digits", run.folder, "pocketgan", None, board["folder"], {})
    with following.locked(entry), pytest.raises(UserError) as caught:
        pocketgan.track(run, **board)
    assert caught.value.key == "being logged"


@tensorboard
def test_tensorboard_has_no_projects(run: Run) -> None:
    with pytest.raises(UserError) as caught:
        pocketgan.track(run, "tensorboard", project="mine")
    assert (caught.value.key, caught.value.field) == ("no projects", "project")


def test_an_unknown_tracker_names_the_nearest(run: Run) -> None:
    with pytest.raises(UserError) as caught:
        pocketgan.track(run, "tensorbord")  # pyright: ignore[reportArgumentType]
    assert caught.value.field == "to" and "tensorboard" in str(caught.value)


@pytest.mark.parametrize("to", TRACKERS)
def test_a_missing_library_is_one_line_that_names_its_extra(
    to: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["log", str(run.folder), "--to", to]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f".[{to}]" in line
    assert not (tmp_path / "tracking").exists()


@tensorboard
def test_what_a_tracker_refuses_is_one_line(
    run: Run, board: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError("the server\nis gone")

    monkeypatch.setattr("pocketgan.trackers.tensorboard.TensorBoard.scalars", refuse)
    assert main(["log", str(run.folder), "--to", "tensorboard", "--folder", str(board["folder"])]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "the server is gone" in line
    with pytest.raises(TrackingFailed) as caught:
        pocketgan.track(run, **board)
    assert isinstance(caught.value.__cause__, ConnectionError)


@tensorboard
def test_the_command_takes_the_newest_run_and_says_where_it_is_logged(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["log", "--to", "tensorboard"]) == 0
    logged, after = capsys.readouterr().out.splitlines()
    assert str(Path("tracking") / "tensorboard" / "digits") in logged
    assert after.split()[:2] == ["next", "tensorboard"]
    assert list(read_tensorboard(Path("tracking") / "tensorboard")) == ["digits"]


@pytest.mark.parametrize(
    ("to", "name"), [("wandb", "WANDB_DIR"), ("trackio", "TRACKIO_SPACE_ID"), ("mlflow", "MLFLOW_TRACKING_URI")]
)
def test_a_tracker_in_another_place_is_used_unless_a_folder_is_given(
    to: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name, raising=False)
    assert place_of(to, None) == Path("tracking") / to
    monkeypatch.setenv(name, "elsewhere")
    assert place_of(to, None) is None and place_of(to, "here") == Path("here")


@pytest.mark.slow
def test_training_imports_no_tracker() -> None:
    code = (
        "import sys, pocketgan.experiment.experiment, pocketgan.api, pocketgan.trackers.following; "
        f"print([name for name in {tuple(TRACKERS)} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout.strip() == "[]"
