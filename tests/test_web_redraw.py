"""Translate: drawings in MNIST's manner, files, test images, and what comes of them."""

import base64
import html
import re

import numpy as np
import pytest
from PIL import Image

import pocketgan
from pocketgan.base.errors import WebError
from pocketgan.base.language import LANGUAGES, speaking
from pocketgan.images.handwriting import as_digit, centred, fitted, in_grey, in_manner, middle
from pocketgan.images.readers import read_mnist
from pocketgan.runs.records import DataFacts
from pocketgan.web.asking import attempt
from pocketgan.web.redraw.redrawing import (
    DRAWN,
    Source,
    as_input,
    classes_of,
    drawing,
    pad_html,
    redrawn,
    redrawn_html,
    uploaded,
)
from pocketgan.web.redraw.redrawing import test_image as take_test_image
from pocketgan.web.site import Site
from refusals import refused


@pytest.fixture(scope="module")
def digits():
    return read_mnist("test").images[:300, 0]


def facts(source="mnist", channels=1, size=28):
    return DataFacts(source=source, images=9, channels=channels, size=size, class_names=("8",), digest="")


# MNIST's manner.


def test_mnists_own_digits_are_in_its_manner_and_stay_as_they_are(digits):
    for digit in digits:
        assert in_manner(digit, 28)
        assert as_digit(digit) is digit


def test_a_digit_moved_and_inverted_comes_back(digits):
    for place, digit in enumerate(digits[:100]):
        rows, columns = (np.flatnonzero(digit.any(axis=axis)) for axis in (1, 0))
        cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        moved = np.zeros((50, 60), np.uint8)
        top, left = 1 + place % 25, 1 + place % 35
        moved[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
        for picture in (moved, 255 - moved):
            assert np.abs(as_digit(picture).astype(int) - digit).mean() < 1


def test_a_drawing_of_any_size_fits_the_box_and_is_centred_by_mass():
    for size in (40, 112, 512):
        drawn = np.zeros((size, size), np.uint8)
        drawn[size // 8 : size // 2, size // 8 : size // 8 + size // 16] = 255
        drawn[size // 2 - size // 16 : size // 2, size // 8 : size // 3] = 255
        found = as_digit(drawn)
        rows, columns = (np.flatnonzero(found.any(axis=axis)) for axis in (1, 0))
        assert found.shape == (28, 28) and found.max() == 255
        assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 == 20
        assert all(14 <= centre <= 15 for centre in middle(found)), "as all of MNIST is"
        assert in_manner(found, 28)


def test_shape_is_kept():
    tall = np.zeros((100, 100), np.uint8)
    tall[10:90, 45:55] = 255
    columns = np.flatnonzero(as_digit(tall).any(axis=0))
    assert 2 <= len(columns) <= 4, "a thin stroke stays thin"


def test_a_photograph_on_grey_paper(digits):
    random = np.random.default_rng(3)
    big = np.asarray(Image.fromarray(digits[0]).resize((280, 280), Image.Resampling.BICUBIC), np.float32)
    paper = 190 + random.normal(0, 6, (280, 280))
    photograph = (paper - big * 0.5).clip(0, 255).astype(np.uint8)
    found = as_digit(photograph)
    assert (found[:3] == 0).all() and (found[:, :3] == 0).all(), "the paper's grain is gone"
    overlap = np.corrcoef(found.ravel(), digits[0].ravel())[0, 1]
    assert overlap > 0.85


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_nothing_drawn_is_a_sentence(grey):
    with refused("empty picture", None):
        as_digit(np.full((28, 28), grey, np.uint8))
    with refused("empty picture", None):
        as_digit(np.array([[grey]], np.uint8))


def test_what_would_stick_out_is_moved_in():
    heavy = np.zeros((20, 20), np.uint8)
    heavy[0, :], heavy[:, 0] = 255, 30
    placed = centred(heavy, 28)
    assert placed.sum() == heavy.sum(), "nothing is cut off"


def test_other_sizes_and_colours():
    drawn = np.zeros((112, 112), np.uint8)
    drawn[20:90, 50:60] = 255
    assert as_input(drawn, facts(size=56), drawn=True).shape == (1, 56, 56)
    coloured = as_input(drawn, facts("elsewhere", 3), drawn=True)
    assert coloured.shape == (3, 28, 28) and (coloured[0] == coloured[2]).all()


def test_files_for_other_data_are_only_fitted():
    picture = np.full((10, 28), 77, np.uint8)
    found = as_input(picture, facts("elsewhere"))
    assert found.shape == (1, 28, 28) and (found == 77).all()
    colours = np.zeros((28, 28, 3), np.uint8)
    colours[..., 1] = 9
    assert np.array_equal(as_input(colours, facts("elsewhere", 3)), colours.transpose(2, 0, 1))
    assert in_grey(colours)[0, 0] == round(0.587 * 9)
    tall = np.zeros((60, 30, 3), np.uint8)
    tall[..., 0] = 50
    assert (fitted(tall, 28)[..., 0] == 50).all()


# What comes from a browser.


def sent(pixels):
    return base64.b64encode(pixels.tobytes()).decode()


def test_a_drawing_is_read():
    pixels = np.zeros((DRAWN, DRAWN), np.uint8)
    assert drawing(sent(pixels)) is None and drawing("") is None
    pixels[3, 4] = 9
    assert np.array_equal(drawing(sent(pixels)).pixels, pixels)


@pytest.mark.parametrize("bad", [None, 3, "x", "AAAA", sent(np.zeros((113, 112), np.uint8)), {"a": 1}, "é" * 16_724])
def test_what_is_no_drawing_is_refused(bad):
    with pytest.raises(WebError, match="damaged"):
        drawing(bad)


def test_only_files_in_the_pages_own_folder_are_read(tmp_path):
    folder, outside = tmp_path / "cache", tmp_path / "outside.png"
    folder.mkdir()
    Image.new("L", (9, 9), 9).save(outside)
    Image.new("L", (9, 9), 9).save(folder / "a.png")
    (folder / "link.png").symlink_to(outside)
    wanted = [str(outside), str(folder / ".." / "outside.png"), str(folder / "link.png"), str(folder), "", None, 3]
    for path in [*wanted, str(folder / "gone.png"), "a.png\0", "/etc/passwd"]:
        with pytest.raises(WebError, match="doesn't exist any more"):
            uploaded(path, folder)
    assert outside.exists()
    assert uploaded(str(folder / "a.png"), folder).pixels.shape == (9, 9)
    assert not (folder / "a.png").exists(), "it is read once, and removed"
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(WebError, match="damaged"):
        uploaded(str(folder / "bad.png"), folder)
    assert not (folder / "bad.png").exists(), "a bad one, too"


# Redrawing.


@pytest.mark.slow
def test_a_test_image_is_redrawn_as_translate_redraws_it(site, small_runs):
    translation = pocketgan.translate(small_runs / "redraw", count=3)
    source = take_test_image(site, "redraw", "8", 3)
    given, made = redrawn(site, "redraw", source)
    assert np.array_equal(given, translation.inputs.images[2])
    assert list(made) == [""]
    assert np.abs(made[""].astype(int) - translation.outputs.images[2].astype(int)).max() <= 1


@pytest.mark.slow
def test_test_images_of_all_digits_can_be_taken(site):
    model = site.model("redraw")
    assert model.facts.class_names == ("8",) and list(classes_of(model)) == list("0123456789")
    found = take_test_image(site, "redraw", "3", 1)
    test = read_mnist("test")
    assert np.array_equal(found.pixels, test.images[test.labels == 3][0])


@pytest.mark.parametrize(
    ("name", "label", "index", "wanted"),
    [
        ("redraw", "8", 0, "whole number from 1"),
        ("redraw", "8", 1.5, "whole number from 1"),
        ("redraw", "8", None, "whole number from 1"),
        ("redraw", "x", 1, "no class ‘x’"),
        ("noise", "8", 1, "generates from noise"),
        ("../redraw", "8", 1, "isn't inside"),
        ("nowhere", "8", 1, "no run"),
        (None, "8", 1, "Choose a run"),
    ],
)
def test_what_cannot_be_taken_is_a_sentence(site, name, label, index, wanted):
    made, said = attempt(lambda: take_test_image(site, name, label, index))
    assert made is None and re.search(wanted, html.unescape(said))


def test_data_outside_of_the_folder_are_not_read(site, small_runs, tmp_path, data):
    pocketgan.train(
        "white-background", out=tmp_path / "page" / "run", data=str(data), progress=False, hidden_dim=8,
        duration="1 steps", batch_size=4, sample_count=4, evaluate_every="none",
    )  # fmt: skip
    other = Site(tmp_path / "page")
    made, said = attempt(lambda: take_test_image(other, "run", "8", 1))
    assert made is None and "test images of ‘run’ can't be found" in html.unescape(said)
    assert other.worker.pid is None, "the worker wasn't asked"


def test_a_drawing_is_redrawn_and_shown_beside_it(site):
    pixels = np.zeros((DRAWN, DRAWN), np.uint8)
    pixels[20:90, 50:60] = 255
    found = redrawn_html(site, "redraw", Source(pixels, "drawn"))
    assert found.count("<img") == 2 and found.count('alt="') == 2 and "28×28" in found
    assert "Draw a digit" in redrawn_html(site, "redraw", None)


def test_a_test_image_of_another_size_is_refused(site):
    with pytest.raises(WebError):
        redrawn(site, "redraw", Source(np.zeros((1, 9, 9), np.uint8), "test"))


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_drawing_area_is_a_template_that_runs_nothing(code):
    with speaking(code):
        text = pad_html()
    assert not re.search(r"\$\{|\{\{|`|\\", text)
    assert text.count("aria-label") == 1 and "<canvas" in text
