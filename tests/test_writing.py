"""Numbers in generated digits: the same digit and seed, the same image; the right digits out of many."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import pocketgan
from pocketgan.base.errors import RunError
from pocketgan.config.data_section import DataConfig
from pocketgan.config.fields import replace
from pocketgan.images.sets import load_images
from pocketgan.metrics.features import digits
from pocketgan.pictures.spelling import check_text, find_digits, preferred_run, write_text
from pocketgan.runs.run import Run
from refusals import refused


@pytest.fixture(scope="module")
def real():
    """Images of MNIST's test split and their labels."""
    images = load_images(DataConfig(), "test").part(slice(0, 300))
    assert images.labels is not None
    return images.images.numpy(), images.labels.numpy()


def test_a_conditional_run_is_asked_for_each_class(small_runs):
    run = Run.open(small_runs / "told")
    done = write_text(run, "8338", seed=4)
    assert done.images.images.shape == (4, 1, 28, 28)
    assert done.images.labels.tolist() == [8, 3, 3, 8]
    assert done.images.names == ("8", "3", "3", "8")
    for place, label in ((0, "8"), (1, "3")):
        asked = run.generate(1, seed=4, label=label).images[0]
        assert np.abs(done.images.images[place].astype(int) - asked).max() <= 1
    assert done.drawn == 0 and done.certainty == {}
    assert done.note == f"'8338' in images of '{run.folder}', with seed 4"


def test_the_same_digit_and_seed_give_the_same_picture(small_runs):
    run = Run.open(small_runs / "told")
    long, short = write_text(run, "83388883", seed=2).images.images, write_text(run, "8", seed=2).images.images
    assert all((long[place] == short[0]).all() for place in (0, 3, 4, 5, 6))
    assert (long[1] == long[2]).all() and not (long[0] == long[1]).all()
    assert not (write_text(run, "8", seed=3).images.images == short).all()


def test_among_real_digits_the_right_ones_are_found(small_runs, real):
    images, labels = real
    run = Run.open(small_runs / "noise")
    chosen, certainty = find_digits(run, images, "20264", 0)
    assert list(chosen) == list(certainty) == ["2", "0", "6", "4"]
    logits = digits().embed(torch.from_numpy(images))[1].double()
    for character, image in chosen.items():
        place = next(place for place, other in enumerate(images) if (other == image).all())
        assert labels[place] == int(character)
        errors = 1 - logits.softmax(dim=1)[:, int(character)]
        assert errors[place] == errors.min()
        assert certainty[character] > 0.99


def test_an_unconditional_run_writes_what_it_can(small_runs, real, monkeypatch):
    images, labels = real
    run = Run.open(small_runs / "noise")
    monkeypatch.setattr(
        "pocketgan.pictures.spelling.draw_candidates", lambda model, network, seed, count: images[:count]
    )
    done = write_text(run, "1001", candidates=200)
    assert done.images.labels.tolist() == [1, 0, 0, 1] and done.drawn == 200
    assert (done.images.images[0] == done.images.images[3]).all()
    text = f"selected from 200 images of '{run.folder}' (seed 0), with the probability"
    assert done.note.startswith(text) and "each digit: 1 " in done.note
    alone = write_text(run, "0", candidates=200).images.images[0]
    assert (alone == done.images.images[1]).all(), "whatever else is written"
    without = images[labels != 7]
    monkeypatch.setattr("pocketgan.pictures.spelling.draw_candidates", lambda *_: without)
    with refused("character not recognized", "text") as caught:
        write_text(run, "1777", candidates=len(without))
    assert caught.value.field == "text"
    assert caught.value.parts == {"count": len(without), "folder": run.folder, "seed": "0", "character": "7"}


def test_candidates_are_the_images_that_generate_gives(small_runs, monkeypatch):
    run, seen = Run.open(small_runs / "noise"), []

    def find(model, drawn, text, seed):
        seen.append(drawn)
        return {"1": drawn[0]}, {"1": 1.0}

    monkeypatch.setattr("pocketgan.pictures.spelling.find_digits", find)
    write_text(run, "1", seed=5, candidates=7)
    assert (seen[0] == run.generate(7, seed=5).images).all()


def test_the_picture_is_the_digits_side_by_side(small_runs, tmp_path):
    done = write_text(Run.open(small_runs / "told"), "38")
    picture = np.asarray(done.images.picture(1))
    assert (picture == np.concatenate([image[0] for image in done.images.images], axis=1)).all()
    out = done.save(tmp_path / "number.png")
    from PIL import Image

    with Image.open(out) as saved:
        assert saved.size == (2 * 28 * 11, 28 * 11), "as large as fits on a screen, without blur"
        assert (np.asarray(saved)[::11, ::11] == picture).all()
    with np.load(done.save(tmp_path / "number.npz")) as archive:
        assert archive["labels"].tolist() == [3, 8]
    assert done._repr_png_() == out.read_bytes()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("told", "35", r"^text: '.*told' has no class '5' to write '35' with; it has 38$"),
        ("told", "", r"^text must have 1 to 1,000 characters \(got 0\)$"),
        ("told", "3" * 1001, r"^text must have 1 to 1,000 characters \(got 1,001\)$"),
        ("noise", "2x", r"^text: '.*noise' has no class 'x' to write '2x' with; it has 0123456789$"),
        ("redraw", "8", r"^run: '.*redraw' translates images and reads no noise"),
    ],
)
def test_a_text_that_cannot_be_written(small_runs, name, text, expected):
    with pytest.raises(RunError, match=expected):
        write_text(Run.open(small_runs / name), text)


def test_runs_that_cannot_write(small_runs):
    run = Run.open(small_runs / "noise")
    run.facts = run.facts.model_copy(update={"source": "other"})
    with refused("no classes to recognize", "run"):
        check_text(run, "1")
    run = Run.open(small_runs / "told")
    run.facts = run.facts.model_copy(update={"class_names": ("cat", "dog")})
    with refused("long class names", "run"):
        check_text(run, "cat")
    run.facts = run.facts.model_copy(update={"class_names": ("a", "dog")})
    check_text(run, "aaa")
    run.config = replace(run.config, conditional=False)
    for candidates in (0, 100_001):
        with pytest.raises(RunError) as caught:
            write_text(Run.open(small_runs / "noise"), "1", candidates=candidates)
        assert caught.value.field == "candidates" and caught.value.parts == {"count": candidates, "most": 100_000}


def finished(folder, when, **changes):
    path = folder / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "updated": f"2026-01-{when:02d}T00:00:00Z", **changes}))


def test_the_newest_finished_run_that_can_write_is_taken_where_none_was_evaluated(small_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with refused("no finished run", "run"):
        preferred_run("8")
    for name, source, when in (("old", "told", 1), ("new", "told", 3), ("noise", "noise", 2), ("redraw", "redraw", 4)):
        shutil.copytree(small_runs / source, tmp_path / "runs" / name)
        finished(tmp_path / "runs" / name, when)
    assert preferred_run("8").folder.name == "new"
    assert preferred_run("5").folder.name == "noise", "the newest has no 5"
    finished(tmp_path / "runs" / "new", 3, state="interrupted")
    assert preferred_run("8").folder.name == "noise"
    (tmp_path / "runs" / "noise" / "status.json").write_text("{")
    assert preferred_run("8").folder.name == "old"
    with refused("no such character", "text") as caught:
        preferred_run("5")
    assert caught.value.field == "text"
    with refused("length of text", "text"):
        preferred_run("")
    shutil.rmtree(tmp_path / "runs" / "old")
    with refused("no characters", "run"):
        preferred_run("5")
    shutil.copytree(small_runs / "told", tmp_path / "runs" / "old")
    assert pocketgan.write(88).folder.name == "old"


def test_the_best_run_that_can_write_is_taken(small_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    qualities = {"good": (3.0, 1.5), "better-of-its-kind": (6.0, 6.0), "bad": (9.0, 1.0), "unknown": None}
    for when, (name, quality) in enumerate(qualities.items(), start=1):
        run = Run.open(shutil.copytree(small_runs / "told", tmp_path / "runs" / name))
        finished(run.folder, when)
        if quality is not None:
            measured = dict(zip(("frechet_distance", "frechet_floor"), quality, strict=True))
            save_file({"x": torch.zeros(1)}, run.folder / "checkpoints" / "best.safetensors",
                      {"counters": json.dumps({"step": 4, **measured})})  # fmt: skip
    assert preferred_run("38").folder.name == "better-of-its-kind"
    shutil.rmtree(tmp_path / "runs" / "better-of-its-kind")
    assert preferred_run("38").folder.name == "good"
    for name in ("good", "bad"):
        shutil.rmtree(tmp_path / "runs" / name)
    assert preferred_run("38").folder.name == "unknown"
