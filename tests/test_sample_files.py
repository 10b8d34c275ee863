"""When a sample was drawn: what the file beside it says, the same for the page, films, reports and rollbacks."""

import json
from pathlib import Path

import numpy as np
import pytest

import pocketgan
from pocketgan.pictures.moments import samples_of as moments_of
from pocketgan.runs.rewinding import abandon
from pocketgan.runs.run import Run
from pocketgan.web.reading import samples_of as page_samples

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """An epoch is 12.5 steps; a sample is drawn each, at 13, 25, 38, …; their names count epochs."""
    images = np.random.default_rng(0).integers(0, 255, (100, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=images)
    return pocketgan.train(
        "minimal", out=tmp_path / "run", progress=False, data=str(tmp_path / "data.npz"), duration="5 epochs",
        sample_every="1 epoch", count_by="epoch", sample_name="my_epoch_x", batch_size=8, hidden_dim=4, sample_count=4,
        log_every="1 step", evaluate_every="none",
    )  # fmt: skip


def drawn_at(run: Run) -> list[int]:
    """The steps in the files beside the pictures."""
    files = sorted((run.folder / "samples").glob("*.json"))
    return sorted(json.loads(path.read_text())["step"] for path in files)


def test_the_step_is_the_one_beside_the_picture(run: Run) -> None:
    assert drawn_at(run) == [13, 25, 38, 50, 63]
    assert [sample.step for sample in run.samples()] == drawn_at(run)
    rows = {row["step"]: row["seconds"] for row in run.stats()}
    assert [sample.seconds for sample in run.samples()] == pytest.approx([rows[s] for s in drawn_at(run)], abs=0.5)


def test_the_page_and_the_film_say_the_same(run: Run) -> None:
    assert [sample.step for sample in page_samples(run)] == drawn_at(run)
    assert [sample.step for sample in moments_of(run)] == drawn_at(run)


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"step": "13"}', '{"step": -1, "seconds": 0}'])
def test_without_it_the_name_says(run: Run, content: str | None) -> None:
    for path in (run.folder / "samples").glob("*.json"):
        path.unlink() if content is None else path.write_text(content)
    samples = run.samples()
    assert [sample.step for sample in samples] == [13, 25, 38, 50, 63]
    assert all(sample.seconds is None for sample in samples)
    assert all(np.isfinite(sample.seconds) for sample in moments_of(run))


def test_a_rollback_moves_those_that_came_after_it(run: Run) -> None:
    folder = abandon(run, 38)
    assert [sample.step for sample in run.samples()] == [13, 25, 38]
    assert len(list((folder / "samples").glob("*.png"))) == len(list((folder / "samples").glob("*.json"))) == 2


def test_other_pictures_there_are_passed_over(run: Run) -> None:
    (run.folder / "samples" / "mine.png").write_bytes(run.samples()[0].path.read_bytes())
    assert len(run.samples()) == 5
