"""A study on a real Ray cluster of two nodes on this machine, one of which is killed half-way."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor, nn, sigmoid

import pocketgan
from pocketgan.config import parts
from pocketgan.config.code import load_code
from pocketgan.studies.backends import run_all
from pocketgan.studies.study import Study
from refusals import refused

ray = pytest.importorskip("ray", reason="Ray starts several nodes on one machine on Linux alone; installed there")
FIELDS: dict[str, Any] = {
    "name": "on-ray",
    "recipe": "minimal",
    "settings": {
        "batch_size": 4,
        "log_every": "50 steps",
        "checkpoint_every": "20 steps",
        "sample_every": "end",
        "evaluate_every": "none",
    },
    "factors": {"hidden_dim": [8, 16]},
    "seeds": 2,
    "fresh_seeds": 0,
    "count": 300,
    "metrics": ["modes"],
    "duration": "800 steps",
}


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere"])
def test_a_cluster_that_cannot_be_reached_is_one_line(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    with refused("no cluster", "backend") as caught:
        list(run_all(str, [1], backend="ray", jobs=1, cores=1))
    assert "\n" not in str(caught.value)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes of one core each, as separate sets of processes."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_DASHBOARD", "0")
    size = {"num_cpus": 1, "object_store_memory": 80_000_000}
    made = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    made.second = made.add_node(**size)
    made.wait_for_nodes()
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    yield made
    ray.shutdown()
    made.shutdown()


def lines_of_steps(folder: Path) -> list[int]:
    """The steps that a run has logged."""
    return [int(row["step"]) for row in pocketgan.open_run(folder).stats()]


@pytest.mark.slow
def test_a_study_survives_the_loss_of_a_node(cluster: Any, tmp_path: Path) -> None:
    script = tmp_path / "go.py"
    script.write_text(
        "import sys, pocketgan.studies.running as runs\n"
        "from pocketgan.studies.config import study_config\n"
        f"runs.run_study(study_config({FIELDS!r}), sys.argv[1], backend='ray')\n"
    )
    out = tmp_path / "study"
    process = subprocess.Popen([sys.executable, script, out], stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    study = wait_for_study(out, process)
    jobs = study.jobs()
    wait_until(lambda: under_way(study) == 2, process)
    cluster.remove_node(cluster.second, allow_graceful=False)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    for job in jobs:
        result = job.result()
        assert result is not None and result.state == "finished", (job.variant, job.seed, result)
        steps = lines_of_steps(job.folder)
        assert steps == sorted(set(steps)) and steps[-1] == 800, "a run was trained twice"
    alone = pocketgan.train(jobs[0].config, out=tmp_path / "alone", progress=False)
    theirs, ours = (load_file(run.checkpoints()[-1]) for run in (alone, pocketgan.open_run(jobs[0].folder)))
    assert theirs.keys() == ours.keys() and all((theirs[name] == ours[name]).all() for name in theirs)


FILE = """
import torch
from torch import nn
from pocketgan.metrics import Metric

class Flat(nn.Module):
    def __init__(self, latent_dim, *, hidden: int = 4):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, 784))

    def forward(self, z):
        return torch.sigmoid(self.layers(z))

bright = Metric(lambda images: float(images.mean()), title="Brightness", better="higher", name="brightness")
"""


class Deep(nn.Module):
    """A generator of this session, which Ray's workers can't import."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(latent_dim, 4), nn.Linear(4, 784))

    def forward(self, z: Tensor) -> Tensor:
        return sigmoid(self.layers(z))


@pytest.mark.slow
def test_own_parts_reach_the_workers(cluster: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file, which the workers can't read where it was, and of this session."""
    monkeypatch.delenv("POCKETGAN_CODE", raising=False)
    file = tmp_path / "mine.py"
    file.write_text(FILE)
    fields = {
        **FIELDS,
        "settings": {**FIELDS["settings"], "data": str(data), "evaluate_every": "5 steps", "evaluate_count": 200,
                     "features": "random", "validation": 0, "metrics": "mine.py:bright"},
        "factors": {"generator": ["mine.py:Flat", Deep]},
        "seeds": 1, "duration": "10 steps", "metric": "mine.py:bright", "metrics": [], "against": "train",
        "features": "random", "count": 200,
    }  # fmt: skip
    with parts.own_table():
        load_code(file)
        file.unlink()
        study = pocketgan.study(fields, out=tmp_path / "study", backend="ray", progress=False)
    results = [job.result() for job in study.jobs()]
    assert [result and result.state for result in results] == ["finished", "finished"], results
    assert all(result and (result.figures["brightness"] or 0) > 0 for result in results)
    for job in study.jobs():
        assert [row["brightness"] > 0 for row in pocketgan.open_run(job.folder).metrics()] == [True, True]
        assert len(list((job.folder / "code").glob("*.py"))) >= 1


def under_way(study: Study) -> int:
    """How many runs are being trained and have saved something; with one core a node, as many nodes are at work."""
    runs = [run for job in study.jobs() if (run := job.run()) is not None]
    return sum(run.status().state == "running" and len(run.checkpoints()) > 0 for run in runs)


def wait_for_study(folder: Path, process: subprocess.Popen[str]) -> Study:
    wait_until(lambda: (folder / "study.json").is_file(), process)
    return Study.open(folder)


def wait_until(there: Any, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not there():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)
