"""Pocketgan in notebooks and scripts: images as arrays, lists of runs, tables of scores, interrupts that end a loop."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import pocketgan
from pocketgan.images.grids import Images
from refusals import refused

FOREVER = {
    "hidden_dim": 8,
    "batch_size": 4,
    "sample_every": "end",
    "sample_count": 4,
    "log_every": "1 step",
    "evaluate_every": "none",
    "duration": "1000000 steps",
}


@pytest.fixture
def runs(small_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of the small runs in `runs`, below the working folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(small_runs, tmp_path / "runs"))


# Images.


@pytest.mark.slow
def test_images_are_an_array_a_sequence_and_parts(runs: Path) -> None:
    images = pocketgan.open_run("runs/told").generate(6)
    array = np.asarray(images)
    assert array.shape == (6, 1, 28, 28) and array.dtype == np.uint8 and (array == images.images).all()
    assert np.asarray(images, dtype=np.float32).dtype == np.float32
    copied = np.array(images)
    copied[:] = 0
    assert images.images.any()
    assert (images[0] == array[0]).all() and (images[-1] == array[5]).all()  # pyright: ignore
    with pytest.raises(IndexError):
        images[6]
    assert [one.shape for one in images] == [(1, 28, 28)] * 6
    assert (np.stack(list(images)) == array).all()


@pytest.mark.parametrize(
    "index", [slice(1, 4), slice(None, None, -1), [0, 5], np.array([True, False] * 3), slice(0, 0)]
)
def test_a_part_of_images_keeps_their_classes(index: object, runs: Path) -> None:
    images = pocketgan.open_run("runs/told").generate(6)
    part = images[index]  # pyright: ignore
    assert isinstance(part, Images) and images.labels is not None and images.names is not None
    assert (part.images == images.images[index]).all()  # pyright: ignore
    assert part.labels is not None and (part.labels == images.labels[index]).all()  # pyright: ignore
    assert part.names == tuple(np.array(images.names)[index])  # pyright: ignore
    if len(part):
        assert part._repr_png_().startswith(b"\x89PNG")
    assert len(repr(part)) < 200


def test_images_without_classes_have_parts(runs: Path) -> None:
    part = pocketgan.open_run("runs/noise").generate(4)[:2]
    assert isinstance(part, Images) and part.labels is None and part.names is None and len(part) == 2


# Runs.


def test_runs_can_be_looped_over(runs: Path) -> None:
    shutil.copytree(runs / "noise", runs / "damaged")
    (runs / "damaged" / "config.json").write_text("{")
    found = pocketgan.list_runs()
    assert isinstance(found, list) and [run.folder.name for run in found] == ["noise", "redraw", "told"]
    assert len(found.problems) == 1 and "damaged" in found.problems[0]
    assert found[0] == pocketgan.open_run(runs / "noise") and found[0] != found[1]
    assert set(found) == {pocketgan.open_run(run.folder) for run in found}
    assert found[0] != "runs/noise"
    with refused("no runs folder", "dir"):
        pocketgan.list_runs("nowhere")


def test_several_runs_are_plotted_as_a_list(runs: Path) -> None:
    together = pocketgan.plot("runs/noise", "runs/told")
    for given in ([["runs/noise", "runs/told"]], [pocketgan.list_runs()[::2]], [("noise", Path("runs/told"))]):
        assert pocketgan.plot(*given).figures.keys() == together.figures.keys()


# Scores.


@pytest.mark.slow
def test_an_evaluation_shows_a_table(runs: Path) -> None:
    done = pocketgan.evaluate("noise", count=200, metrics="frechet_distance,recall", progress=False)
    assert len(repr(done)) < 400 and "\n" not in repr(done)
    assert f"{done.figures['frechet_distance'].value:.3g}" in repr(done)
    html = done._repr_html_()
    assert html.startswith("<table>") and html.count("<tr>") == 3
    assert f"{done.figures['recall'].floor:.3g}" in html
    assert len(html) < 3000


# Interrupts.


def interrupt_when_it_trains(folder: Path) -> threading.Thread:
    """Sends this process what Ctrl-C sends, once a run in a folder has begun."""

    def wait() -> None:
        while not (folder / "stats.jsonl").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.slow
def test_an_interrupt_saves_and_reaches_who_called(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    thread = interrupt_when_it_trains(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        pocketgan.train("minimal", out=tmp_path / "run", **FOREVER)
    thread.join()
    run = pocketgan.open_run(tmp_path / "run")
    status = run.status()
    assert status.state == "interrupted" and run.checkpoints()
    assert f"step {status.step:,}" in capsys.readouterr().err
    (tmp_path / "run" / "stats.jsonl").unlink()
    thread = interrupt_when_it_trains(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        pocketgan.resume(run, progress=False)
    thread.join()
    assert run.status().step > status.step


@pytest.mark.slow
def test_an_interrupt_ends_a_loop_of_trainings(tmp_path: Path) -> None:
    script = (
        "import pocketgan, sys\n"
        "for seed in range(3):\n"
        f"    pocketgan.train('minimal', out=f'{{sys.argv[1]}}/{{seed}}', seed=seed, progress=False, **{FOREVER})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (tmp_path / "0" / "stats.jsonl").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGINT and "KeyboardInterrupt" in err
    assert [path.name for path in tmp_path.iterdir()] == ["0"]
    assert pocketgan.open_run(tmp_path / "0").status().state == "interrupted"
