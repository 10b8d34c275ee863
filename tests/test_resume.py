"""Nothing is lost: resumed equals uninterrupted, bit for bit, whatever happens in between."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import pocketgan
from forks import Fork
from pocketgan.base.errors import RunError, RunFailed, StorageError
from pocketgan.base.signals import stop_on_signals
from pocketgan.config.recipes import RECIPES
from pocketgan.runs.run import Run
from pocketgan.runs.weights import image_shape
from pocketgan.training import checkpoints
from pocketgan.training.checkpoints import read_checkpoint, restore
from pocketgan.training.state import create_state
from refusals import refused

SMALL = {
    "pocket": {"hidden_dim": 4, "batch_size": 8, "duration": "24 steps", "checkpoint_every": "4 steps"},
    "dcgan": {"hidden_dim": 4, "batch_size": 8, "duration": "24 steps", "checkpoint_every": "4 steps"},
    "stacked": {"hidden_dim": 4, "batch_size": 8, "duration": "24 steps", "checkpoint_every": "4 steps"},
    "class-translator": {"hidden_dim": 4, "batch_size": 8, "duration": "24 steps", "checkpoint_every": "4 steps"},
    "drifting": {"hidden_dim": 4, "batch_size": 300, "duration": "24 steps", "checkpoint_every": "4 steps"},
}
TINY = {"hidden_dim": 16, "batch_size": 8, "duration": "120 steps", "checkpoint_every": "10 steps"}


def settings(recipe: str) -> dict[str, object]:
    return {
        **SMALL.get(recipe, TINY),
        "log_every": "3 steps",
        "sample_every": "12 steps",
        "sample_count": 4,
        "evaluate_every": "none",
        "threads": 1,
    }


def tensors(run: Run) -> dict[str, torch.Tensor]:
    return read_checkpoint(run.checkpoints()[-1]).tensors


def assert_same_bits(left: Run, right: Run) -> None:
    first, second = tensors(left), tensors(right)
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def pictures(run: Run) -> dict[str, bytes]:
    return {sample.path.name: sample.path.read_bytes() for sample in run.samples()}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pocketgan", *map(str, arguments)]


def flags(recipe: str) -> list[str]:
    return [word for name, value in settings(recipe).items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_killed_at_random_moments_and_resumed_ends_with_the_same_bits(recipe: str, tmp_path: Path) -> None:
    """SIGKILL three times at random moments; the last resume runs to the end."""
    whole = pocketgan.train(recipe, out=tmp_path / "whole", progress=False, **settings(recipe))
    killed = tmp_path / "killed"
    moments = random.Random(recipe)
    words = ["train", recipe, *flags(recipe), "--out", killed]
    for _ in range(2):
        process = Fork(words)
        rows, wanted = killed / "stats.jsonl", moments.randint(1, 6)
        before = len(rows.read_text().splitlines()) if rows.exists() else 0
        while process.poll() is None and not (rows.exists() and len(rows.read_text().splitlines()) >= before + wanted):
            time.sleep(0.005)
        time.sleep(moments.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.close()
        words = ["resume", killed]
    run = pocketgan.resume(killed, progress=False)
    assert run.status().state == "finished"
    assert_same_bits(whole, run)
    assert [row["step"] for row in run.stats()] == [row["step"] for row in whole.stats()]
    losses = [[(row.get("d_loss"), row["g_loss"]) for row in each.stats()] for each in (run, whole)]
    assert losses[0] == losses[1]
    assert pictures(run) == pictures(whole)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pocketgan.train(
        "minimal", out=tmp_path_factory.mktemp("runs") / "run", progress=False, **settings("minimal")
    )


@pytest.fixture
def copied(finished: Run, tmp_path: Path) -> Run:
    shutil.copytree(finished.folder, tmp_path / "copy")
    return Run.open(tmp_path / "copy")


@pytest.mark.slow
def test_longer_duration_equals_one_go(copied: Run, tmp_path: Path) -> None:
    longer = pocketgan.resume(copied, duration="150 steps", progress=False)
    whole = pocketgan.train(
        "minimal", out=tmp_path / "whole", progress=False, **{**settings("minimal"), "duration": "150 steps"}
    )
    assert longer.config == whole.config
    assert_same_bits(longer, whole)


def test_resuming_a_finished_run_changes_nothing(copied: Run) -> None:
    before = {name: tensor.clone() for name, tensor in tensors(copied).items()}
    again = pocketgan.resume(copied, progress=False)
    assert again.status().state == "finished"
    assert all(torch.equal(before[name], tensor) for name, tensor in tensors(again).items())


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "header"])
def test_damaged_checkpoint_falls_back_on_the_one_before(
    copied: Run, finished: Run, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    last = copied.checkpoints()[-1]
    content = bytearray(last.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flip":
        content[-5] ^= 1
    elif damage == "empty":
        content = bytearray()
    else:
        content[:8] = b"\xff" * 8
    last.write_bytes(bytes(content))
    run = pocketgan.resume(copied)
    said = capsys.readouterr().err
    assert last.name in said
    assert "continuing from step 110 of 120" in said
    assert_same_bits(run, finished)


def test_counters_are_under_the_checksum(copied: Run) -> None:
    last = copied.checkpoints()[-1]
    content = last.read_bytes()
    assert content.count(b'\\"step\\": 120') == 1
    last.write_bytes(content.replace(b'\\"step\\": 120', b'\\"step\\": 121'))
    run = pocketgan.resume(copied, progress=False)
    assert run.status().step == 120


def test_all_checkpoints_damaged_is_one_line(copied: Run) -> None:
    for path in copied.checkpoints():
        path.write_bytes(b"no checkpoint")
    with pytest.raises(RunError) as caught:
        copied.generate(4)
    assert caught.value.key == "no checkpoint intact"
    assert "\n" not in str(caught.value)
    rows = (copied.folder / "stats.jsonl").read_bytes()
    with refused("all checkpoints damaged", "run") as caught:
        pocketgan.resume(copied, progress=False)
    assert caught.value.key == "all checkpoints damaged"
    assert "\n" not in str(caught.value)
    assert (copied.folder / "stats.jsonl").read_bytes() == rows
    assert all(path.read_bytes() == b"no checkpoint" for path in copied.checkpoints())


def test_changed_configuration_is_refused_by_name(copied: Run) -> None:
    path = copied.folder / "config.json"
    values = json.loads(path.read_text())
    values["train"]["batch_size"] = 16
    values["network"]["latent_dim"] = 50
    path.write_text(json.dumps(values))
    with refused("in file", None):
        pocketgan.resume(copied, progress=False)


@pytest.mark.slow
def test_checkpoint_of_another_network_is_refused(copied: Run, tmp_path: Path) -> None:
    other = pocketgan.train(
        "minimal", out=tmp_path / "other", progress=False, **{**settings("minimal"), "hidden_dim": 12}
    )
    shutil.copy(other.checkpoints()[-1], copied.checkpoints()[-1])
    with refused("in file", None):
        copied.generate(4)


@pytest.mark.slow
def test_changed_data_is_refused(tmp_path: Path) -> None:
    import numpy as np

    data = tmp_path / "data.npz"
    images = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
    np.savez(data, images=images)
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **{**settings("minimal"), "data": str(data)})
    images[0, 0, 0] ^= 1
    np.savez(data, images=images)
    with pytest.raises(RunError) as caught:
        pocketgan.resume(run, duration="200 steps", progress=False)
    assert caught.value.key == "data changed"


@pytest.mark.slow
def test_data_that_is_gone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    monkeypatch.chdir(tmp_path)
    np.savez("data.npz", images=np.zeros((40, 28, 28), np.uint8))
    run = pocketgan.train("minimal", out="run", progress=False, **{**settings("minimal"), "data": "data.npz"})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    pocketgan.resume(tmp_path / "run", progress=False)
    (tmp_path / "data.npz").unlink()
    with refused("data gone", "run") as caught:
        pocketgan.resume(tmp_path / "run", progress=False)
    assert caught.value.key == "data gone"
    assert run.config.data.data == str(tmp_path / "data.npz")


@pytest.mark.slow
def test_a_longer_duration_written_into_the_configuration_counts(copied: Run) -> None:
    path = copied.folder / "config.json"
    path.write_text(path.read_text().replace("120 steps", "130 steps"))
    assert pocketgan.resume(copied, progress=False).status().step == 130


def test_killed_between_the_last_checkpoint_and_the_last_status_still_finishes(copied: Run) -> None:
    path = copied.folder / "status.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "state": "running", "pid": 2**22 + 1}))
    assert copied.status().state == "killed"
    assert pocketgan.resume(copied, progress=False).status().state == "finished"


@pytest.mark.usefixtures("figures")
@pytest.mark.slow
def test_half_written_checkpoints_and_missing_folders_are_mended(copied: Run) -> None:
    half = copied.folder / "checkpoints" / ".step-000000130.safetensors.123"
    half.write_bytes(b"half")
    shutil.rmtree(copied.folder / "figures")
    (copied.folder / "status.json").unlink()
    assert pocketgan.resume(copied, progress=False).status().state == "finished"
    assert not half.exists()
    assert (copied.folder / "figures" / "loss_plot.png").is_file()


@pytest.mark.parametrize("state_bytes", [16, 5056])
def test_a_run_of_another_device_goes_on_here(
    copied: Run, state_bytes: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its random generators' states can't be used here; 16 bytes are what CUDA's have."""
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    checkpoint = read_checkpoint(copied.checkpoints()[-2])
    state = create_state(copied.config, image_shape(copied.facts, copied.config.network.conditional), "cpu")
    restore(state, checkpoint)
    original = checkpoints.state_tensors
    monkeypatch.setattr(
        checkpoints,
        "state_tensors",
        lambda state: {
            name: torch.zeros(state_bytes, dtype=torch.uint8) if name.startswith("random.") else tensor
            for name, tensor in original(state).items()
        } if state_bytes == 16 else original(state),
    )  # fmt: skip
    checkpoints.save_checkpoint(copied.folder / "checkpoints", state, copied.config)
    monkeypatch.undo()
    copied.checkpoints()[-1].unlink()
    path = copied.folder / "environment.json"
    path.write_text(path.read_text().replace('"device": "cpu"', '"device": "cuda"'))
    run = pocketgan.resume(copied)
    assert run.status().state == "finished" and run.status().step == 120
    assert "'cuda'" in capsys.readouterr().err
    assert [(event["step"], event["from"], event["to"]) for event in run.events() if event["event"] == "device"] == [
        (state.step, "cuda", "cpu")
    ]


def test_a_refused_resume_changes_nothing(copied: Run) -> None:
    """A longer duration is written once the run is known to be able to go on."""
    for path in copied.checkpoints():
        path.write_bytes(path.read_bytes()[:-10])
    before = {path.name: path.read_bytes() for path in copied.folder.glob("*.json*")}
    with pytest.raises(RunError):
        pocketgan.resume(copied, duration="200 steps", progress=False)
    assert {path.name: path.read_bytes() for path in copied.folder.glob("*.json*")} == before


def test_nothing_is_made_before_the_speed_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is stopped while its speed is measured leaves its folder free."""

    def interrupt(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr("pocketgan.experiment.experiment.measure_speed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pocketgan.train("minimal", out=tmp_path / "run", progress=False, **{**settings("minimal"), "duration": "2 s"})
    assert not (tmp_path / "run").exists()


def test_a_run_can_be_stopped_before_its_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page can stop a run as soon as its folder says that it runs: signals must be taken from there on."""
    begun = Run.create

    def stopped_at_once(*parts: Any) -> Run:
        run = begun(*parts)
        signal.raise_signal(signal.SIGTERM)
        return run

    monkeypatch.setattr(Run, "create", stopped_at_once)
    with pytest.raises(KeyboardInterrupt):
        pocketgan.train("minimal", out=tmp_path / "run", progress=False, **settings("minimal"))
    run = Run.open(tmp_path / "run")
    assert (run.status().state, run.status().step) == ("interrupted", 1) and len(run.checkpoints()) == 1


def test_a_shorter_duration_is_refused(copied: Run) -> None:
    with pytest.raises(RunError) as caught:
        pocketgan.resume(copied, duration="50 steps", progress=False)
    assert (caught.value.field, caught.value.key) == ("duration", "too short")
    parts = caught.value.parts
    assert (parts["planned"], parts["duration"], parts["steps"]) == (120, "50 steps", 50)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_save_and_say_how_to_go_on(number: int, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ["train", "minimal", *flags("minimal"), "--out", folder]
    words[words.index("120 steps")] = "1000000 steps"
    process = Fork(words)
    while process.poll() is None and not (folder / "stats.jsonl").exists():
        time.sleep(0.005)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert f"pocketgan resume {folder}" in out
    assert "Traceback" not in err
    run = Run.open(folder)
    assert run.status().state == "interrupted"
    assert read_checkpoint(run.checkpoints()[-1]).counters["step"] == run.status().step == run.stats()[-1]["step"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="terminals are closed in another way there")
def test_a_terminal_that_is_closed_loses_nothing(tmp_path: Path) -> None:
    """A run that writes on a terminal saves when that is closed, though it can't say so any more."""
    folder, (ours, theirs) = tmp_path / "run", os.openpty()
    words = command("train", "minimal", *flags("minimal"), "--out", folder, "--checkpoint-every", "100000 steps")
    words[words.index("120 steps")] = "1000000 steps"
    del words[words.index("--checkpoint-every") : words.index("--checkpoint-every") + 2]
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=own_terminal)
    os.close(theirs)
    while process.poll() is None and not (folder / "stats.jsonl").exists():
        time.sleep(0.005)
    os.close(ours)
    assert process.wait(60) == 130
    run = Run.open(folder)
    assert run.status().state == "interrupted"
    assert read_checkpoint(run.checkpoints()[-1]).counters["step"] == run.status().step == run.stats()[-1]["step"]


def own_terminal() -> None:
    """Makes standard input the terminal of this process."""
    import fcntl
    import termios

    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # The tests may run under nohup.
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_hang_up_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_a_run_under_way_is_not_resumed_twice(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ["train", "minimal", *flags("minimal"), "--out", folder]
    words[words.index("120 steps")] = "1000000 steps"
    process = Fork(words)
    try:
        while process.poll() is None and not (folder / "stats.jsonl").exists():
            time.sleep(0.005)
        with refused("run busy", "run"):
            pocketgan.resume(folder, progress=False)
    finally:
        process.kill()
        process.wait()
        process.close()
    assert Run.open(folder).status().state == "killed"


def test_a_full_disk_stops_in_one_line_and_keeps_what_was_saved(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in copied.checkpoints()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device; everything saved before is intact") as caught:
        pocketgan.resume(copied, duration="200 steps", progress=False)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    for name, content in before.items():
        assert (copied.folder / "checkpoints" / name).read_bytes() == content
    assert {path.name for path in copied.folder.rglob(".*")} == {".lock"}
    assert len(Run.open(copied.folder).generate(4)) == 4


@pytest.mark.slow
def test_a_full_disk_while_rows_are_written(tmp_path: Path) -> None:
    """A small file-size limit makes every write beyond it fail, as a full disk does."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from pocketgan.cli.main import main\n"
        "import torch\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    words = [sys.executable, "-c", code, "train", "minimal", *flags("minimal"), "--out", str(tmp_path / "run")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert re.search(r"^error: can't write .*: File too large; ", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr
    assert Run.open(tmp_path / "run").status().state == "failed"


def test_a_loss_that_is_not_finite_stops_before_the_weights(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"--learning-rate"):
        pocketgan.train(
            "minimal",
            out=tmp_path / "run",
            progress=False,
            **{**settings("minimal"), "objective": "wasserstein", "depth": 16, "learning_rate": 1.0},
        )
    run = Run.open(tmp_path / "run")
    assert run.status().state == "failed"
    for path in run.checkpoints():
        saved = read_checkpoint(path).tensors
        assert all(tensor.isfinite().all() for tensor in saved.values() if tensor.is_floating_point())


@pytest.mark.slow
def test_a_duration_in_time_becomes_a_plan_that_is_kept(tmp_path: Path) -> None:
    chosen = {**settings("minimal"), "duration": "2 s", "checkpoint_every": "0.5 s"}
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **chosen)
    plan = Run.open(run.folder).plan
    assert plan.steps_per_second is not None
    assert plan.steps == pytest.approx(2 * plan.steps_per_second, abs=1)
    assert run.status().step == plan.steps
    assert run.stats()[-1]["step"] == plan.steps
