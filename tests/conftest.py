"""Tiny configurations and images for all tests."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pocketgan.config import parts
from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.images.sets import ImageSet
from pocketgan.web.site import Site
from tiny_studies import Make, maker, write_digits


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Tiny networks are fastest, and test processes side by side don't disturb each other, with one thread each.

    That goes for the processes that tests start, too.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests leave the user's cache alone; all processes of a test run share one, as programs of a user do."""
    place = tmp_path_factory.getbasetemp()
    shared = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKETGAN_CACHE", str(shared / "cache"))
        yield


@pytest.fixture(autouse=True)
def _own_parts() -> Iterator[None]:
    """What a test hands over is forgotten after it, and nothing was handed over before it."""
    with pytest.MonkeyPatch.context() as patch, parts.own_table():
        patch.setenv("POCKETGAN_CODE", "")  # So that what a test sets is gone afterwards, if nothing was set before.
        patch.delenv("POCKETGAN_CODE")
        yield


@pytest.fixture(scope="session")
def tiny_config() -> Callable[..., RunConfig]:
    """A recipe made so small that a step takes a millisecond: `tiny_config("minimal", batch_size=4)`."""

    def make(name: str = "minimal", **fields: object) -> RunConfig:
        small = {
            "latent_dim": 6,
            "hidden_dim": 8,
            "batch_size": 8,
            "duration": "4 steps",
            "log_every": "1 step",
            "sample_every": "end",
            "checkpoint_every": "1000 steps",
            "evaluate_every": "none",
            "device": "cpu",
        }
        return replace(recipe(name), **(small | fields))

    return make


@pytest.fixture(scope="session")
def tiny_images() -> Callable[..., ImageSet]:
    """Random images, 8 pixels a side: `tiny_images(count=64, channels=1, size=8, classes=10)`."""

    def make(count: int = 64, channels: int = 1, size: int = 8, classes: int = 10) -> ImageSet:
        random = torch.Generator().manual_seed(7)
        images = torch.randint(256, (count, channels, size, size), generator=random, dtype=torch.uint8)
        labels = torch.arange(count) % classes if classes else None
        return ImageSet(images, labels, tuple(str(name) for name in range(classes)), "tiny")

    return make


@pytest.fixture
def forked_starts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the browser interface starts is a fork, which starts at once. A test that leaves one running fails."""
    import forks

    begun: list[forks.StandIn] = []

    def start(*words: Any, **options: Any) -> forks.StandIn:
        begun.append(forks.started(*words, **options))
        return begun[-1]

    monkeypatch.setattr("pocketgan.web.processes.subprocess.Popen", start)
    yield
    running = [process for process in begun if process.poll() is None]
    for process in running:
        process.kill()
    assert not running, f"still running: {running}"


@pytest.fixture(autouse=True)
def _few_figures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Trainings draw no figures, which takes longer than to train a tiny network, unless a test asks for `figures`."""
    with pytest.MonkeyPatch.context() as patch:  # Of its own: a test's own patches end in their usual order.
        if "figures" not in request.fixturenames:
            patch.setattr("pocketgan.pictures.plots.draw_figures", lambda run: [])
        yield


@pytest.fixture
def figures() -> None:
    """Trainings draw their figures, as they do outside tests."""


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz file of 400 digits with their labels."""
    return write_digits(tmp_path_factory.mktemp("data") / "digits.npz")


@pytest.fixture(scope="session")
def tiny(data: Path) -> Make:
    """Makes studies of two variants on two seeds, 20 steps each; see `tiny_studies.maker`."""
    return maker(data)


@pytest.fixture(scope="session")
def small_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three runs of four steps, which must be left as they are: noise, told (classes 3 and 8), redraw."""
    import pocketgan

    place = tmp_path_factory.mktemp("small")
    small = {"hidden_dim": 8, "duration": "4 steps", "batch_size": 4, "sample_count": 4, "evaluate_every": "none"}
    often = {"sample_every": "1 steps", "log_every": "1 step"}
    pocketgan.train("minimal", out=place / "noise", progress=False, **small, **often)
    pocketgan.train("minimal", out=place / "told", progress=False, conditional=True, classes="3,8", **small, **often)
    pocketgan.train("white-background", out=place / "redraw", progress=False, **small, **often)
    return place


@pytest.fixture(scope="module")
def site(small_runs: Path) -> Iterator[Site]:
    """What the page shows of `small_runs`, and the worker beside it."""
    found = Site(small_runs)
    yield found
    found.worker.end()
