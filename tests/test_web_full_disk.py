"""A disk that is really full, under the page: a file system of a few megabytes is mounted, and filled."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe
from pocketgan.runs.run import Run
from pocketgan.web.site import Site
from pocketgan.web.train import starting
from pocketgan.web.train.live import Live
from web_runs import PATIENCE, make_run, until

TINY = {
    "hidden_dim": 8, "latent_dim": 4, "batch_size": 4, "sample_count": 4, "log_every": "5 steps",
    "sample_every": "50 steps", "evaluate_every": "none", "checkpoint_every": "50 steps", "threads": 1,
    "duration": "100000 steps",
}  # fmt: skip


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of a file system of its own, of 8 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here, which takes Linux and its administrator")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> Path:
    """Writes a file until nothing more goes in."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


@pytest.mark.slow
def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(
    small_disk: Path, forked_starts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketgan.web.reading.FRESH_SECONDS", -1.0)
    make_run(small_disk / "runs" / "other")
    site = Site(small_disk)

    def state(name: str) -> str:
        return Live(site).view(name).parts["state"]

    starting.start(site, replace(recipe("minimal"), **TINY), "runs/one")
    folder = small_disk / "runs" / "one"
    until(lambda: list(folder.glob("checkpoints/step-*")))
    started = site.starts.of("runs/one")
    assert started is not None
    filler = fill(small_disk)
    assert started.process.wait(PATIENCE) == 1
    assert "No space left on device; everything saved before is intact" in state("runs/one")
    assert "polyline" in Live(site).view("runs/one").parts["losses"]

    # Everything else goes on; what is asked for now fails in a sentence.
    assert "Finished" in state("runs/other")
    starting.start(site, replace(recipe("minimal"), **TINY), "runs/two")
    second = site.starts.of("runs/two")
    assert second is not None
    assert second.process.wait(PATIENCE) != 0
    assert "No space left on device" in second.last_words() and "Traceback" not in second.last_words()

    # With room again it goes on from what was saved.
    filler.unlink()
    saved = Run.open(folder)
    reached = max(int(path.stem.removeprefix("step-")) for path in saved.checkpoints())
    starting.resume(site, "runs/one")
    until(lambda: saved.status().state == "running" and saved.status().step > reached)
    starting.stop(site, "runs/one")
    resumed = site.starts.of("runs/one")
    assert resumed is not None and resumed.process.wait(PATIENCE) in (0, 130)
    assert Run.open(folder).status().state == "interrupted"
