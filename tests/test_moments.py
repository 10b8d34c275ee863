"""A run's samples over training: which moments, what is written on them, and what can't be read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pocketgan.base.errors import RunError
from pocketgan.config.fields import replace
from pocketgan.config.plan import Plan
from pocketgan.images.grids import grid, save_picture
from pocketgan.images.montage import FRAME
from pocketgan.pictures.moments import by_a_factor, evenly, film_of, most_frames, samples_of
from pocketgan.runs.records import DataFacts, Environment
from pocketgan.runs.run import Run
from refusals import refused

RANDOM = np.random.default_rng(0)
ENVIRONMENT = {
    "pocketgan": "0", "python": "3", "torch": "2", "numpy": "2", "platform": "p", "processor": "p", "device": "cpu",
    "threads": 1, "command": "",
}  # fmt: skip


@pytest.fixture
def make(tmp_path, tiny_config):
    """Makes a run with sample pictures of random images at steps, without training: `make([10, 20], count=4)`."""

    def run_with(steps, count=4, columns=2, channels=1, side=8, classes=(), name="step", **fields):
        config = replace(tiny_config("minimal"), sample_count=count, conditional=bool(classes), **fields)
        facts = DataFacts(source="x", images=80, channels=channels, size=side, class_names=classes, digest="")
        plan = Plan(
            duration="1", steps=max([*steps, 1]), log_every=1, sample_every=1, checkpoint_every=1, warmup=None,
            ema_half_life=None, steps_per_second=None,
        )  # fmt: skip
        run = Run.create(tmp_path, config, facts, plan, Environment(**ENVIRONMENT))
        rows = [{"step": step, "nimg": 8 * step, "epoch": 0.1, "seconds": step / 10} for step in (0, max([*steps, 1]))]
        losses = {"d_loss": 1.0, "g_loss": 1.0, "d_real_accuracy": 0.5, "d_fake_accuracy": 0.5}
        (tmp_path / "stats.jsonl").write_text("\n".join(str({**row, **losses}).replace("'", '"') for row in rows))
        drawn = RANDOM.integers(0, 256, (len(steps), count, channels, side, side), dtype=np.uint8)
        for step, images in zip(steps, drawn, strict=True):
            save_picture(grid(images, columns), run.folder / "samples" / f"samples_{name}_{step:06d}.png")
        return run, drawn

    return run_with


@pytest.mark.parametrize("channels", [1, 3])
def test_the_film_is_the_samples_with_step_and_time(make, channels):
    run, drawn = make([0, 10, 1200], channels=channels)
    film = film_of(run)
    assert (film.images == drawn).all()
    assert film.columns == 2
    assert film.captions == ("step 0 · 0 s", "step 10 · 1 s", "step 1,200 · 2 min 0 s")
    assert film.headings == ("step 0\n0 s", "step 10\n1 s", "step 1,200\n2 min 0 s")
    assert film.moments == (0, 1, 2) and film.rows == (0, 1, 2, 3) and film.names == ()
    assert film.fps == 2 and film.hold == 2


def test_classes_name_the_images(make):
    run, _ = make([1, 2], count=7, columns=3, classes=("3", "8", "x"))
    assert film_of(run).names == ("3", "8", "x", "3", "8", "x", "3")


def test_a_run_that_redraws_shows_inputs_and_outputs(make, tiny_config):
    run, _ = make([1, 2])
    run.config = replace(tiny_config("white-background"), sample_count=2)
    film = film_of(run)
    assert film.names == ("input", "output") * 2 and film.images.shape[1] == 4


def test_epochs_become_steps(make):
    run, _ = make([1, 2, 30], name="epoch")
    assert [sample.step for sample in samples_of(run)] == [10, 20, 30]


def test_as_many_moments_as_are_asked_for_and_no_more_than_there_are(make):
    run, _ = make(list(range(10, 1010, 10)))
    usual = film_of(run)
    assert len(usual) == 80 and len(usual.moments) == 8 and usual.fps == 10
    few = film_of(run, 5)
    assert [caption.partition(" ·")[0] for caption in few.captions] == [
        "step 10", "step 260", "step 510", "step 750", "step 1,000"
    ]  # fmt: skip
    assert few.moments == (0, 1, 2, 3, 4)
    assert len(film_of(run, 1000)) == 100
    assert film_of(run, fps=4.0).fps == 4


def test_the_sheet_has_more_of_the_beginning():
    assert by_a_factor([1, 2, 4, 8, 16, 32, 64], 4) == (0, 2, 4, 6)
    assert by_a_factor(list(range(100, 10100, 100)), 8) == (0, 1, 3, 6, 13, 26, 51, 99)
    assert by_a_factor([100, 101, 102, 103], 4) == (0, 1, 2, 3)
    assert by_a_factor([0, 1, 1000], 2) == (0, 2)
    assert by_a_factor([1, 1000, 1000], 3) == (0, 1, 2)
    for steps, count in (([5, 5, 5, 5], 3), (list(range(1, 40)), 20), ([1, 999, 1000, 1001], 3)):
        places = by_a_factor(steps, count)
        assert places[0] == 0 and places[-1] == len(steps) - 1 and len(set(places)) == count
        assert list(places) == sorted(places)


def test_moments_are_spread_evenly():
    assert evenly(10, 4) == [0, 3, 6, 9]
    assert evenly(3, 9) == [0, 1, 2]
    assert evenly(0, 5) == []


def test_pictures_that_cannot_be_read_are_passed_over(make):
    run, drawn = make([10, 20, 30, 40])
    run.samples()[1].path.write_bytes(b"\x89PNG no picture")
    run.samples()[3].path.write_bytes(run.samples()[3].path.read_bytes()[:-40])
    film = film_of(run)
    assert (film.images == drawn[[0, 2]]).all()


def test_pictures_of_another_size_are_passed_over(make):
    run, drawn = make([10, 20, 30])
    Image.new("L", (50, 50)).save(run.samples()[0].path)
    assert (film_of(run).images == drawn[1:]).all()


def test_pictures_that_are_not_ours_stay_whole(make, tmp_path):
    run, _ = make([10, 20, 30])
    for path in [sample.path for sample in run.samples()]:
        Image.fromarray(RANDOM.integers(0, 256, (20, 30), dtype=np.uint8)).save(path)
    film = film_of(run)
    assert film.images.shape == (3, 1, 1, 20, 30) and film.columns == 1 and film.names == ()
    with Image.open(run.samples()[1].path) as picture:
        assert (film.images[1, 0, 0] == np.asarray(picture)).all()
    assert film.save(tmp_path / "sheet.png").is_file()


@pytest.mark.parametrize("steps", [[], [5]])
def test_two_pictures_at_least(make, steps):
    run, _ = make(steps)
    with pytest.raises(RunError) as caught:
        film_of(run)
    assert (caught.value.key, caught.value.field) == ("too few samples", "run")
    assert caught.value.parts["count"] == len(steps)


@pytest.mark.parametrize("frames", [1, 0, -5, 1001])
def test_a_number_of_frames_that_will_not_do(make, frames):
    with pytest.raises(RunError) as caught:
        film_of(make([1, 2])[0], frames)
    assert (caught.value.key, caught.value.field) == ("out of range", "frames")
    assert caught.value.parts == {"value": frames, "least": 2, "most": 1000}


@pytest.mark.parametrize("fps", [0.0, -1.0, 51.0, float("nan")])
def test_a_speed_that_will_not_do(make, fps):
    with refused("frame rate", "fps") as caught:
        film_of(make([1, 2])[0], fps=fps)
    assert caught.value.field == "fps" and caught.value.parts["fps"] is fps


def test_no_more_large_pictures_than_fit_into_memory(make, monkeypatch):
    run, _ = make([1, 2, 3, 4, 5], count=1, columns=1)
    assert samples_of(run)[-1].path.is_file() and most_frames(samples_of(run)) == 1000
    monkeypatch.setattr("pocketgan.pictures.moments.MOST_PIXELS", 3 * 20 * 20 // 2)
    assert most_frames(samples_of(run)) == 3
    assert len(film_of(run)) == 3
    with pytest.raises(RunError) as caught:
        film_of(run, 4)
    assert caught.value.field == "frames" and caught.value.parts == {"frames": 4, "most": 3}


def test_the_frames_of_the_training_film_have_lines_between_images(make):
    """What a run draws by itself looks as its samples do."""
    run, drawn = make([1, 2], columns=2)
    frame = np.asarray(next(iter(film_of(run).frames(2))))
    assert (frame[:22, 0] == FRAME).all()
    assert Path(run.folder).is_dir() and drawn.shape[0] == 2
