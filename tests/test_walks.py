"""Walks between seeds: where they pass, what their film and their sheet show."""

import numpy as np
import pytest

import pocketgan
from pocketgan.base.errors import RunError
from pocketgan.pictures.interpolation import walk
from pocketgan.runs.run import Run


def near(found, wanted):
    """Images in other batches differ by a rounding."""
    return np.abs(found.astype(int) - wanted.astype(int)).max() <= 1


def test_a_walk_passes_the_images_of_its_seeds_and_comes_back(small_runs):
    run = Run.open(small_runs / "noise")
    film = walk(run, (3, 5, 9), frames=4)
    assert film.images.shape == (9, 1, 1, 28, 28)
    for place, seed in ((0, 3), (3, 5), (6, 9)):
        assert near(film.images[place, 0], run.generate(1, seed=seed).images[0])
    assert film.moments == (0, 1, 2, 3, 4, 5, 6)
    assert film.headings == ("seed 3", "", "", "seed 5", "", "", "seed 9")
    assert film.names == () and film.captions == () and film.hold == 0
    steps = np.abs(np.diff(np.concatenate([film.images, film.images[:1]]).astype(float), axis=0)).mean(
        axis=(1, 2, 3, 4)
    )
    assert (steps > 0).all() and steps.max() < 4 * steps.min(), "no jump, the last frame to the first included"


def test_usually_a_film_has_28_images_a_leg_and_a_sheet_ten(small_runs):
    film = walk(Run.open(small_runs / "noise"))
    assert len(film) == 2 * 27
    assert film.moments[0] == 0 and film.moments[-1] == 27 and len(film.moments) == 10
    assert film.headings == ("seed 0", *[""] * 8, "seed 1")
    longer = walk(Run.open(small_runs / "noise"), (0, 1, 2))
    assert longer.headings == ("seed 0", *[""] * 8, "seed 1", *[""] * 8, "seed 2"), "every seed is on the sheet"


def test_a_conditional_run_has_a_row_a_class(small_runs):
    run = Run.open(small_runs / "told")
    film = walk(run, (0, 1), frames=3)
    assert film.images.shape == (4, 2, 1, 28, 28)
    assert film.names == ("3", "8") and film.rows == (0, 1) and film.columns == 2
    for row, label in enumerate(("3", "8")):
        assert near(film.images[2, row], run.generate(1, seed=1, label=label).images[0])
        one = walk(run, (0, 1), frames=3, label=label)
        assert one.images.shape == (4, 1, 1, 28, 28) and one.names == (label,)
        assert near(one.images[:, 0], film.images[:, row])


def test_the_python_function_takes_a_folder(small_runs, tmp_path):
    film = pocketgan.interpolate(small_runs / "noise", [0, 7], frames=5, fps=10)
    assert len(film) == 8 and film.fps == 10
    assert film.save(tmp_path / "walk.webp").is_file()


@pytest.mark.parametrize(
    ("name", "asked", "field", "key", "parts"),
    [
        ("redraw", {}, "run", "nothing to interpolate", {}),
        ("noise", {"seeds": (4, 4)}, "seeds", "seeds to interpolate", {"known": "4, 4", "most": 100}),
        ("noise", {"seeds": (4,)}, "seeds", "seeds to interpolate", {"known": "4"}),
        ("noise", {"seeds": tuple(range(101))}, "seeds", "seeds to interpolate", {"known": "0, 1, 2, 3, 4, …"}),
        ("noise", {"frames": 1}, "frames", "out of range", {"least": 2, "most": 1000, "value": 1}),
        ("noise", {"frames": 1001}, "frames", "out of range", {"value": 1001}),
        ("noise", {"label": "3"}, "label", "unconditional", {}),
        ("told", {"label": 5}, "label", "no such label", {"label": "5", "known": "3, 8"}),
        ("noise", {"checkpoint": 7}, "checkpoint", "no such checkpoint", {}),
        ("noise", {"fps": 0.0}, "fps", "frame rate", {"least": 0.1, "most": 50.0, "fps": 0.0}),
        (
            "told",
            {"seeds": tuple(range(100)), "frames": 900},
            "frames",
            "too many frames",
            {"frames": 900, "count": 100, "rows": 2, "most": 501},
        ),
    ],
)
def test_what_will_not_do(small_runs, name, asked, field, key, parts):
    with pytest.raises(RunError) as caught:
        walk(Run.open(small_runs / name), **asked)
    assert (caught.value.key, caught.value.field) == (key, field)
    assert caught.value.parts | parts == caught.value.parts


def test_where_even_two_frames_are_too_many_fewer_seeds_would_do(small_runs):
    run = Run.open(small_runs / "told")
    run.facts = run.facts.model_copy(update={"class_names": tuple(map(str, range(2000)))})
    with pytest.raises(RunError) as caught:
        walk(run, tuple(range(100)), frames=2)
    assert (caught.value.key, caught.value.parts["rows"]) == ("too many seeds", 2000)
