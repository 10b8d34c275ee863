"""Run folders made by hand, for tests of the page: nothing is trained."""

import json
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pocketgan.base.files import write_json
from pocketgan.config.fields import replace
from pocketgan.config.plan import Plan
from pocketgan.config.recipes import recipe
from pocketgan.images.grids import grid, save_picture
from pocketgan.runs.records import DataFacts, Environment
from pocketgan.runs.run import Run

STEPS = 1000
PATIENCE = 90.0
"""Seconds that something may take on a busy machine."""


def until(true: Callable[[], object]) -> None:
    """Waits until something is true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it doesn't come"
        time.sleep(0.1)


def row(step: int) -> dict[str, Any]:
    """A row of losses."""
    return {
        "step": step,
        "nimg": 8 * step,
        "epoch": step / 100,
        "seconds": step / 50,
        "d_loss": 0.5 + 1 / (1 + step),
        "g_loss": 1.0 + step / STEPS,
        "d_real_accuracy": 0.75,
        "d_fake_accuracy": 0.5,
        "images_per_second": 400.0,
    }


def evaluation(step: int, distance: float) -> dict[str, Any]:
    """A row of measured quality."""
    clocks = {name: row(step)[name] for name in ("step", "nimg", "epoch", "seconds")}
    return clocks | {
        "frechet_distance": distance,
        "frechet_floor": 1.5,
        "classes": 10,
        "modes": 9,
        "mode_share": 0.9,
        "histogram": [0.0, 0.2, *[0.1] * 8],
    }


def write_lines(path: Path, rows: list[Any]) -> None:
    """Writes a file of JSON lines; a text stands as it is."""
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in rows))


def make_run(folder: Path, *, rows: int = 50, state: str = "finished", samples: int = 3, **fields: Any) -> Run:
    """Makes a run folder with rows, two evaluations, sample pictures and what was said of them."""
    config = replace(
        recipe("minimal"), duration=f"{STEPS} steps", batch_size=8, sample_count=4, layout="grid", **fields
    )
    names = tuple("0123456789")
    facts = DataFacts(source="mnist", images=800, channels=1, size=8, class_names=names, digest="0" * 64)
    plan = Plan(
        duration=config.train.duration, steps=STEPS, log_every=1, sample_every=10, checkpoint_every=100,
        evaluate_every=10, warmup=None, ema_half_life=None, steps_per_second=None,
    )  # fmt: skip
    environment = Environment(
        pocketgan="0", python="3", torch="2", numpy="2", platform="here", processor="one", device="cpu", threads=1,
        command="",
    )  # fmt: skip
    folder.mkdir(parents=True)
    run = Run.create(folder, config, facts, plan, environment)
    write_lines(folder / "stats.jsonl", [row(step + 1) for step in range(rows)])
    write_lines(folder / "metrics.jsonl", [evaluation(10, 30.0), evaluation(20, 12.0)])
    (folder / "events.jsonl").touch()
    for step in range(10, 10 * samples + 1, 10):
        pixels = np.full((4, 1, 8, 8), step, np.uint8)
        save_picture(grid(pixels), folder / "samples" / f"samples_step_{step:06d}.png")
        write_json(folder / "samples" / f"samples_step_{step:06d}.json", {"real": [0.1, 0.9, None, 0.5]})
    run.write_status("finished" if state == "finished" else "running", step=rows, nimg=8 * rows, seconds=rows / 50)
    if state not in ("finished", "running"):
        write_status(folder, state=state)
    return run


def write_status(folder: Path, **values: Any) -> None:
    """Writes another status into a run."""
    known = json.loads((folder / "status.json").read_text())
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    here = {"pid": os.getpid(), "host": socket.gethostname(), "updated": now}
    (folder / "status.json").write_text(json.dumps(known | here | values))
