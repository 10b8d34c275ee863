"""Create: what a browser may ask, what it gets, and the files that it can take away."""

import html
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pocketgan
import pocketgan.web
from pocketgan.base.language import LANGUAGES
from pocketgan.images.readers import read
from pocketgan.runs.run import Run
from pocketgan.web.asking import (
    MOST,
    MOST_SEED,
    Asked,
    Chosen,
    are_digits,
    ask,
    asked_for,
    attempt,
    data_is_ours,
    first_ready,
    models_that,
    open_model,
)
from pocketgan.web.create import keeping
from pocketgan.web.create.creating import (
    along_html,
    draw,
    latent_text,
    look,
    nearest_html,
    remember,
    walk,
    walk_html,
    walk_note,
)
from pocketgan.web.create_words import CREATING, decimal, percent, say
from pocketgan.web.frames import Frame
from pocketgan.web.gallery import columns_of, facts, sentence, tiles
from pocketgan.web.site import Site
from pocketgan.web.worker import Refused


def asked(site, name="told", label="", count=10, seed=3, truncation=1, steps=()):
    return asked_for(site, name, label, count, seed, truncation, steps)


def said(site, make):
    """Returns the sentence that something ends with, as it is read."""
    with site.speaking():
        made, text = attempt(make)
    assert made is None
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


def shown_pictures(text):
    """Returns the images in a piece of HTML."""
    import base64

    found = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))) for content in found]


# What there is.


def test_models_are_found_by_what_they_do(site, small_runs, tmp_path):
    assert models_that(site, redraw=False) == ["noise", "told"]
    assert models_that(site, redraw=True) == ["redraw"]
    pocketgan.export(small_runs / "told", tmp_path / "shipped", format="safetensors", progress=False)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "config.json").write_text("{")
    (tmp_path / "damaged" / "status.json").write_text("{}")
    other = Site(tmp_path)
    assert models_that(other, redraw=False) == ["shipped"]
    assert first_ready(other, ["damaged", "shipped"]) == "shipped" and first_ready(other, ["damaged"]) is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (None, "Choose a run"),
        ("", "Choose a run"),
        ("nowhere", "no run, model or study ‘nowhere’"),
        ("/etc", "isn't inside"),
        ("../small0/noise", "isn't inside"),
        ("noise\0", "Nothing here has that name"),
        (7, "Nothing here has that name"),
        (["noise"], "Nothing here has that name"),
        ("redraw", "translates images and doesn't generate from noise. Find it under Translate"),
    ],
)
def test_only_models_below_the_folder_are_opened(site, name, wanted):
    assert wanted in said(site, lambda: open_model(site, name, redraw=False))


def test_a_link_that_leads_out_is_not_followed(small_runs, tmp_path):
    (tmp_path / "linked").symlink_to(small_runs / "noise")
    other = Site(tmp_path)
    assert models_that(other, redraw=False) == []
    assert "isn't inside" in said(other, lambda: open_model(other, "linked", redraw=False))


def test_a_run_without_a_checkpoint_is_a_sentence(small_runs, tmp_path):
    import shutil

    shutil.copytree(small_runs / "noise", tmp_path / "young")
    for path in (tmp_path / "young" / "checkpoints").iterdir():
        path.unlink()
    other = Site(tmp_path)
    assert "‘young’ has no checkpoint yet" in said(other, lambda: asked(other, "young"))


def test_a_damaged_run_is_a_sentence_with_the_programs_own_words(small_runs, tmp_path):
    import shutil

    shutil.copytree(small_runs / "noise", tmp_path / "run")
    (tmp_path / "run" / "environment.json").write_text("{}")
    other = Site(tmp_path, "uk")
    with other.speaking():
        _, text = attempt(lambda: asked(other, "run"))
    reason = re.search(r'<span class="reason"([^>]*)>(.*)</span>', text)
    assert "Цього зробити не можна." in text and reason is not None and not reason[1], "what is Ukrainian is no English"
    assert re.search("[а-яіїєґ]{4,}", reason[2])


def test_only_what_is_english_is_marked_as_english(small_runs):
    other = Site(small_runs, "uk")

    def full():
        raise OSError(28, "No space left on device")

    def fault():
        raise Refused("worker: ValueError: x", untranslated=True)

    with other.speaking():
        for make in (full, fault):
            assert 'lang="en"' in attempt(make)[1]
        for make in (lambda: asked(other, "nowhere"), lambda: asked(other, seed=-1)):
            assert "lang=" not in attempt(make)[1]


@pytest.mark.slow
def test_what_the_worker_refuses_is_said_in_the_pages_language(small_runs):
    other = Site(small_runs, "uk")
    try:
        with other.speaking():
            _, text = attempt(lambda: ask(other, "draw", "redraw", drawing={"seed": 0, "count": 1}))
    finally:
        other.worker.end()
    assert "lang=" not in text and re.search("[а-яіїєґ]{4,}", text.partition("reason")[2])


def test_a_run_deleted_under_the_page_is_a_sentence(small_runs, tmp_path):
    import shutil

    shutil.copytree(small_runs / "noise", tmp_path / "run")
    other = Site(tmp_path)
    wanted, model = asked(other, "run")
    shutil.rmtree(tmp_path / "run")
    assert "no run, model or study ‘run’" in said(other, lambda: draw(other, wanted, model))


# What may be asked.


@pytest.mark.parametrize(
    ("changed", "what", "wanted"),
    [
        ({"count": 0}, "Pictures", f"whole number from 1 to {MOST}"),
        ({"count": 257}, "Pictures", "whole number"),
        ({"count": 2.5}, "Pictures", "whole number"),
        ({"count": True}, "Pictures", "whole number"),
        ({"seed": -1}, "Seed", "whole number from 0 to 2,147,483,647"),
        ({"seed": None}, "Seed", "whole number"),
        ({"seed": "1"}, "Seed", "whole number"),
        ({"seed": float("nan")}, "Seed", "whole number"),
        ({"seed": float("inf")}, "Seed", "whole number"),
        ({"truncation": 1.1}, "Latent scaling", "a number from 0 to 1"),
        ({"truncation": float("nan")}, "Latent scaling", "a number"),
        ({"truncation": None}, "Latent scaling", "a number"),
        ({"steps": (1, 7)}, "Directions", "steps from −6 to 6"),
        ({"steps": (float("nan"),)}, "Directions", "steps from −6 to 6"),
        ({"steps": (1,) * 6}, "Directions", "steps from −6 to 6"),
        ({"label": "5"}, "‘told’", "no class ‘5’"),
        ({"label": "<script>"}, "‘told’", "no class ‘<script>’"),
    ],
)
def test_what_will_not_do_is_a_sentence(site, changed, what, wanted):
    found = said(site, lambda: asked(site, **changed)).strip()
    assert found.startswith(what) and wanted in found


def test_what_will_do_is_taken(site):
    wanted, model = asked(site, label="8", count=64.0, seed=MOST_SEED, truncation=0, steps=(0, -3.0))
    assert wanted == Asked("told", MOST_SEED, 64, "8", 0.0, (0.0, -3.0))
    assert isinstance(model, Run)
    assert asked(site, "noise", label="8")[0].label is None, "what a model isn't told isn't asked"


@pytest.mark.slow
def test_training_images_elsewhere_are_not_read(site, data, tmp_path):
    assert data_is_ours(site, site.model("told"))
    run = pocketgan.train(
        "minimal", out=tmp_path / "page" / "run", data=str(data), progress=False, hidden_dim=8, duration="1 steps",
        batch_size=4, sample_count=4, evaluate_every="none",
    )  # fmt: skip
    assert not data_is_ours(Site(tmp_path / "page"), run)
    assert data_is_ours(Site(data.parent), run)


# What it gets.


@pytest.mark.slow
def test_the_same_digit_and_seed_are_the_same_picture_twice(site):
    first, _ = draw(site, *asked(site, label="8", seed=7))
    draw(site, *asked(site, label="8", seed=8))
    site.worker.end()
    again, _ = draw(site, *asked(site, label="8", seed=7))
    assert again == first, "also from another worker"
    fewer, _ = draw(site, *asked(site, label="8", seed=7, count=3))
    assert all(np.array_equal(a, b) for a, b in zip(shown_pictures(fewer), shown_pictures(first), strict=False))


@pytest.mark.slow
def test_a_grid_is_what_generate_draws_with_its_classes(site, small_runs):
    found, shown = draw(site, *asked(site, count=64))
    wanted = Run.open(small_runs / "told").generate(64, seed=3)
    assert all(np.array_equal(a, b[0]) for a, b in zip(shown_pictures(found), wanted.images, strict=True))
    assert shown.names == wanted.names == ("3", "8") * 32
    assert 'aria-label="Picture 2: 8"' in found and 'aria-label="64 pictures. Arrow keys' in found


def test_a_grid_can_be_walked_by_keyboard():
    images = np.zeros((6, 1, 4, 4), np.uint8)
    found = tiles(images, (), 3, [4, 1], "pictures")
    assert re.findall(r'tabindex="(-?\d)"', found) == ["0", *["-1"] * 5], "one stop for the Tab key"
    assert re.findall(r'data-index="(\d)"[^>]*data-chosen="(\d)"', found) == [("1", "2"), ("4", "1")]
    assert found.count('aria-pressed="true"') == 2 and 'data-columns="3"' in found


@pytest.mark.parametrize(
    ("count", "classes", "columns"), [(64, 0, 8), (64, 10, 10), (5, 10, 3), (256, 2, 16), (1, 0, 1)]
)
def test_columns(count, classes, columns):
    assert columns_of(count, classes) == columns


def test_what_comes_from_a_disk_is_escaped():
    bad = '<img src=x onerror="alert(1)">'
    for text in (sentence(bad, bad), facts([(bad, bad)]), tiles(np.zeros((1, 1, 4, 4), np.uint8), [bad], 1, (), bad)):
        assert "<img src=x" not in text and "&lt;img" in text


def chosen_from(site, *indices, **wanted):
    request, model = asked(site, **wanted)
    _, shown = draw(site, request, model)
    return tuple(Chosen(shown, index) for index in indices)


@pytest.mark.slow
def test_a_picture_is_looked_at(site):
    (picture,) = chosen_from(site, 5)
    found = look(site, picture)
    text = html.unescape(re.sub(r"<[^>]+>", " ", found))
    assert "Picture 6 of seed 3" in text and re.search(r"Requested class\s+8", text)
    assert re.search(r"Discriminator\s+\d+\.\d% that it is real", text)
    assert re.search(r"Classifier\s+\d, with \d+\.\d%", text) and re.search(r"Weights\s+of step 4", text)
    assert len(shown_pictures(found)) == 6, "itself, and its five nearest"
    grid, _ = draw(site, *asked(site))
    assert np.array_equal(shown_pictures(found)[0], shown_pictures(grid)[5])
    latent = json.loads(re.search(r"<textarea[^>]*>([^<]+)</textarea>", found)[1])
    assert len(latent) == 100


@pytest.mark.parametrize(
    ("distance", "truncation", "copy"),
    [(4.0, 1, True), (4.0, 0.99, False), (4.0, 0.03, False), (10.5, 1, False), (30.0, 1, False), (0.0, 1, True)],
)
def test_a_copy_is_nearer_than_real_images_are_and_no_mean(distance, truncation, copy):
    near = np.zeros((1, 1, 4, 4), np.uint8)
    values = {"distances": [distance], "places": [7], "typical": 25.4, "rare": 10.0}
    found = nearest_html(Frame(values, {"nearest": near}), truncation)
    assert (say("nearest copy") in found) == copy
    assert f"{distance:.1f}" in found and "25.4" in found
    unknown = nearest_html(Frame(values | {"typical": None, "rare": None}, {"nearest": near}), truncation)
    assert say("nearest copy") not in unknown and f"{distance:.1f}" in unknown


@pytest.mark.slow
def test_truncated_pictures_are_no_copies(site):
    for truncation in (0.0, 0.03, 0.5):
        assert say("nearest copy") not in look(site, *chosen_from(site, 1, truncation=truncation))


def test_what_was_chosen_is_marked_in_its_order():
    images = np.zeros((6, 1, 4, 4), np.uint8)

    def marks(chosen):
        found = tiles(images, (), 3, chosen, "pictures")
        return re.findall(r'data-index="(\d)"[^>]*data-chosen="(\d)"', found)

    assert marks([4]) == [("4", "1")], "the first is 1"
    assert marks([4, 1]) == [("1", "2"), ("4", "1")]
    assert marks([None, 1]) == [("1", "2")], "the first is one of another seed"
    assert marks([4, None]) == [("4", "1")]


def test_where_there_is_no_model_none_is_asked_for(tmp_path):
    other = Site(tmp_path)
    for redraw, key in ((False, "no noise models"), (True, "no redraw models")):
        for name in (None, ""):
            assert said(other, lambda name=name, redraw=redraw: open_model(other, name, redraw=redraw)).strip() == say(
                key
            )


def test_a_latent_as_text_is_the_same_bits_again():
    latent = np.random.default_rng(0).normal(size=200).astype(np.float32)
    assert np.array_equal(np.array(json.loads(latent_text(latent)), np.float32), latent)


@pytest.mark.slow
def test_the_last_two_pictures_are_remembered(site):
    one, two, three = chosen_from(site, 1, 2, 3)
    other = chosen_from(site, 1, name="noise")[0]
    assert remember((), one) == (one,)
    assert remember((one,), two) == (one, two)
    assert remember((one, two), three) == (two, three)
    assert remember((one, two), two) == (one, two) and remember((one, two), one) == (two, one)
    assert remember((one, two), other) == (other,), "a walk is within one model"


def test_a_walk_needs_two_pictures_and_goes_between_seeds(site):
    (first,), (second,) = chosen_from(site, 0), chosen_from(site, 4, seed=9)
    assert "Click on two pictures" in walk_note(()) and "another one" in walk_note((first,))
    assert "From picture 1 of seed 3 to picture 5 of seed 9." in walk_note((first, second))
    for few in ((), (first,)):
        assert "Two pictures are needed" in said(site, lambda few=few: walk(site, few, 1))
    film = Image.open(io.BytesIO(walk(site, (first, second), 3)))
    assert film.format == "GIF" and film.n_frames == 54 and film.size == (28 * 3 + 4, 28 * 3 + 4)
    assert 'src="data:image/gif;base64,' in walk_html(site, (first, second))


def test_where_the_directions_lead(site):
    (picture,) = chosen_from(site, 0)
    (found,) = shown_pictures(along_html(site, (picture,)))
    assert found.shape[1] > found.shape[0] > 5 * 28
    assert "Click on a picture" in said(site, lambda: along_html(site, ()))


# Writing.


def test_a_number_is_written(site, small_runs):
    images, note = keeping.written(site, "told", " 38 3", 4)
    assert np.array_equal(images, pocketgan.write("383", small_runs / "told", seed=4).images.images) and note == ""
    found = keeping.written_html(site, "told", "383", 4)
    assert len(shown_pictures(found)) == 3 and 'aria-label="383 in generated digits"' in found


@pytest.mark.parametrize(
    ("name", "text", "seed", "wanted"),
    [
        ("told", "2026", 0, "‘2’ can't be written; possible characters: 38"),
        ("told", "", 0, "Type what to write: 38"),
        ("told", None, 0, "Type what to write"),
        ("told", "3" * 41, 0, "At most 40 characters"),
        ("told", "3", -1, "whole number from 0 to"),
        ("told", "<b>", 0, "‘<’ can't be written"),
        ("redraw", "8", 0, "translates images"),
        ("noise", "0123456789" * 2, 0, "among 1,000 pictures of this seed"),
    ],
)
def test_what_cannot_be_written_is_a_sentence(site, name, text, seed, wanted):
    assert wanted in said(site, lambda: keeping.written(site, name, text, seed))


# Files.


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("runs/mlp-1", "seed", 3), "runs-mlp-1-seed-3.png"),
        (("../../etc/passwd",), "etc-passwd.png"),
        (("<script>", "ü"), "script.png"),
        (("a" * 300,), "a" * 100 + ".png"),
        (("\r\nSet-Cookie: x",), "Set-Cookie-x.png"),
    ],
)
def test_names_of_files_are_harmless(parts, name):
    assert keeping.file_name(*parts, ending=".png") == name


def test_the_pictures_shown_can_be_taken_away(site, small_runs):
    (picture,) = chosen_from(site, 5, count=64)
    content, name = keeping.grid_file(site, ".npz", picture.shown)
    wanted = Run.open(small_runs / "told").generate(64, seed=3)
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        assert name == "told-seed-3.npz" and sorted(archive.files) == ["images", "labels", "latents"]
        assert np.array_equal(archive["images"], wanted.images) and np.array_equal(archive["labels"], wanted.labels)
        assert archive["latents"].shape == (64, 100) and archive["latents"].dtype == np.float32
    content, name = keeping.grid_file(site, ".png", picture.shown)
    assert name == "told-seed-3.png" and Image.open(io.BytesIO(content)).format == "PNG"
    content, name = keeping.picture_file(site, (picture,))
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        assert name == "told-seed-3-picture-6.npz"
        assert np.array_equal(archive["images"], wanted.images[5:6]) and archive["labels"].tolist() == [8]


def test_walks_and_numbers_can_be_taken_away(site):
    content, name = keeping.walk_file(site, chosen_from(site, 0, 4))
    assert name == "told-walk-1-5.gif" and Image.open(io.BytesIO(content)).size == (284, 284)
    content, name = keeping.text_file(site, "told", "38", 1)
    assert name == "told-38.png" and Image.open(io.BytesIO(content)).size[0] > 200


def test_without_pictures_there_are_no_files(site):
    assert "Choose a run" in said(site, lambda: keeping.grid_file(site, ".png", None))
    assert "Click on a picture" in said(site, lambda: keeping.picture_file(site, ()))
    assert "Two pictures" in said(site, lambda: keeping.walk_file(site, ()))


def test_a_full_disk_is_a_sentence(site):
    def full():
        raise OSError(28, "No space left on device")

    assert "The file could not be written; the disk may be full." in said(site, full)


# Words.


def test_every_text_is_said_somewhere():
    folder = Path(pocketgan.web.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if path.stem != "create_words")
    made = {"percent", "redraw alt input", "redraw alt output"}
    made |= {f"discriminator {kind}" for kind in ("probability", "against", "rank")}
    unsaid = [key for key in CREATING if key not in made and not re.search(f"[\"']{re.escape(key)}[\"']", source)]
    assert not unsaid


@pytest.mark.parametrize("code", LANGUAGES)
def test_sentences_name_the_places_as_the_tabs_do(code, tmp_path):
    other = Site(tmp_path, code)
    with other.speaking():
        assert other.say("redraw") in say("reads images", name="x")
        assert other.say("train") in say("no noise models")
        assert percent(0.4321).startswith("43,2" if code in ("uk", "ru") else "43.2")
        assert decimal(1234.56) != "1234.56"


def test_digits_are_known():
    assert are_digits(("0", "9")) and not are_digits(()) and not are_digits(("cat",)) and not are_digits(("10",))


@pytest.mark.parametrize("names", [("cat", "dog", "cat"), ("-1", "2", "-1"), ("3", "8", "3")])
def test_a_downloaded_archive_says_the_names_of_classes(names, tmp_path):
    arrays = {"images": np.zeros((3, 1, 4, 4), np.uint8), "latents": np.zeros((3, 2)), "labels": np.array([1, 0, 1])}
    (tmp_path / "made.npz").write_bytes(keeping.archive(arrays, names))
    found = read(str(tmp_path / "made.npz")).splits["train"]
    said = [found.class_names[label] for label in found.labels] if found.class_names else map(str, found.labels)
    assert tuple(said) == names
