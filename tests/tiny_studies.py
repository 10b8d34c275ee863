"""Tiny studies for tests, and what their runs are compared by."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from pocketgan.images.readers import read_mnist
from pocketgan.runs.run import Run
from pocketgan.studies.config import StudyConfig, study_config
from pocketgan.studies.report.method import toml
from pocketgan.studies.study import Job, Result, Study
from pocketgan.training.checkpoints import read_checkpoint

Make = Callable[..., StudyConfig]
SETTINGS = {
    "hidden_dim": 8,
    "batch_size": 4,
    "log_every": "1 step",
    "sample_every": "end",
    "sample_count": 4,
    "checkpoint_every": "10 steps",
    "evaluate_every": "none",
}
"""A step takes a millisecond."""
PAGE = "pocketgan.studies.report.write"
"""The module that writes a study's page."""


def without_page(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Commands write no page from now on; returns the list of the folders of studies whose page would be written."""
    written: list[Path] = []
    module = ModuleType(PAGE)

    def write_report(study: Study, language: str = "en") -> Path:
        written.append(study.folder)
        return study.folder / "report" / "report.html"

    module.write_report = write_report  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, PAGE, module)
    return written


def write_digits(path: Path, *, labels: bool = True) -> Path:
    """Writes 400 digits into an .npz file."""
    found = read_mnist("train")
    assert found.labels is not None
    np.savez(path, images=found.images[:400], **({"labels": found.labels[:400]} if labels else {}))
    return path


def maker(data: Path) -> Make:
    """Returns a function that makes a study of two variants on two seeds, 20 steps each.

    `make(settings={"depth": 2}, seeds=3)` changes it.
    """

    def make(settings: dict[str, Any] | None = None, **fields: Any) -> StudyConfig:
        base: dict[str, Any] = {
            "name": "tiny",
            "recipe": "minimal",
            "settings": SETTINGS | {"data": str(data)} | (settings or {}),
            "seeds": 2,
            "fresh_seeds": 0,
            "duration": "20 steps",
            "against": "train",
            "features": "digits",
            "count": 200,
            "metrics": ["modes"],
        }
        if "variants" not in fields:
            base["factors"] = {"latent_dim": [4, 6]}
        return study_config(base | fields)

    return make


def as_toml(config: StudyConfig, path: Path) -> Path:
    """Writes a study as a file."""
    path.write_text(toml(config), encoding="utf-8")
    return path


def undone(job: Job) -> Result:
    """What is found of a run that something outside has kept from its end."""
    return Result(variant=job.variant, seed=job.seed, state="undone", message="the machine was switched off")


def run_of(job: Job) -> Run:
    """Opens the run of a job that has begun."""
    run = job.run()
    assert run is not None
    return run


def losses(run: Run) -> list[dict[str, float]]:
    """Returns what a run has logged, without its times."""
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in run.stats()]


def assert_same_bits(left: Run, right: Run, *, stopped: bool = False) -> None:
    """Compares all tensors of the last checkpoints, all pictures and, unless one was `stopped`, all losses.

    A run that is stopped between two rows has one more.
    """
    first, second = (read_checkpoint(run.checkpoints()[-1]).tensors for run in (left, right))
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name
    assert stopped or losses(left) == losses(right)
    assert [one.path.read_bytes() for one in left.samples()] == [one.path.read_bytes() for one in right.samples()]


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Returns the time and the content of each file in a folder."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}
