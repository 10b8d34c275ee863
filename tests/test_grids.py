"""Grids with labels, at any size, light and dark: each pixel where it belongs."""

import numpy as np
import pytest

from pocketgan.base.errors import RunError
from pocketgan.images import lettering
from pocketgan.images import montage as layout
from pocketgan.images.grids import Images, cut, grid
from pocketgan.images.intake.pictures import read_picture
from pocketgan.images.montage import FRAME, MOST_PIXELS, THEMES, Labels, chosen_scale, headings, lay_out
from pocketgan.images.readers import read
from refusals import refused

DIGITS = np.random.default_rng(0).integers(0, 256, (6, 1, 7, 7), dtype=np.uint8)
COLOURS = np.random.default_rng(1).integers(0, 256, (6, 3, 7, 7), dtype=np.uint8)


def found_at(picture, place, images, columns, scale, labels):
    """Returns the pixels of an image of a grid, shrunk to its own size, after checking that each is one block."""
    left, top = lay_out(images.shape, columns, scale, labels=labels).corner(place)
    pixels = np.asarray(picture)[top : top + 7 * scale, left : left + 7 * scale]
    small = pixels[::scale, ::scale]
    assert (small.repeat(scale, axis=0).repeat(scale, axis=1) == pixels).all()
    return small


@pytest.mark.parametrize("images", [DIGITS, COLOURS])
@pytest.mark.parametrize("scale", [1, 2, 5, 40])
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(
    "labels",
    [
        Labels(),
        Labels(above=("3", "8", "a long name")),
        Labels(above=("one", "two", "three", "four", "five", "six")),
        Labels(beside=("first", "second"), above=("a", "", "b\nc")),
        Labels(beside=("first", "second"), caption="step 100 · 3 s", others=("step 100,000 · 3 h 20 min",)),
    ],
)
def test_images_stay_sharp_whatever_is_written_around_them(images, scale, theme, labels):
    picture = grid(images, 3, scale, theme=theme, labels=labels)
    for place, image in enumerate(images):
        found = found_at(picture, place, images, 3, scale, labels)
        assert (found.reshape(7, 7, -1) == image.transpose(1, 2, 0)).all()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_theme_is_of_lines_and_page(theme):
    greys = THEMES[theme]
    pixels = np.asarray(grid(DIGITS[:5], 3, 1, theme=theme))
    assert (pixels[0] == [*[greys.line] * 29]).all() and (pixels[:, 0] == greys.line).all()
    assert (pixels[11:, 20:] == greys.page).all(), "the empty place of the sixth image"


def test_dark_is_as_it_always_was():
    assert THEMES["dark"].page == THEMES["dark"].line == FRAME


def written(picture, left, top, right, bottom):
    """Whether there is ink in a part of a dark picture."""
    return (np.asarray(picture)[top:bottom, left:right] > 150).any()


def test_names_stand_above_their_columns_and_beside_their_rows():
    blank, labels = np.zeros((4, 1, 28, 28), np.uint8), Labels(above=("3", ""), beside=("", "8"))
    picture, place = grid(blank, 2, 2, labels=labels), lay_out(blank.shape, 2, 2, labels=labels)
    (x0, y0), (x1, _), (_, y2) = place.corner(0), place.corner(1), place.corner(2)
    assert written(picture, x0, 0, x0 + 56, y0 - 2)
    assert not written(picture, x1, 0, x1 + 56, y0 - 2)
    assert written(picture, 0, y2, x0 - 2, y2 + 56)
    assert not written(picture, 0, y0, x0 - 2, y0 + 56)
    middle = np.argwhere(np.asarray(picture)[: y0 - 2, x0 : x0 + 56] > 150)[:, 1].mean()
    assert middle == pytest.approx(28, abs=1.5)


def test_names_of_images_stand_above_each():
    blank = np.zeros((4, 1, 28, 28), np.uint8)
    names = Labels(above=("a", "b", "", "d"))
    picture, place = grid(blank, 2, 2, labels=names), lay_out(blank.shape, 2, 2, labels=names)
    above = [written(picture, x, y - 17, x + 56, y - 2) for x, y in map(place.corner, range(4))]
    assert above == [True, True, False, True]


def test_a_long_name_makes_room_instead_of_running_into_the_next():
    labels = Labels(above=("ankle boot", "trouser", "shirt"))
    place = lay_out((3, 1, 28, 28), 3, 2, labels=labels)
    assert place.pitch_x >= lettering.room(("ankle boot",), place.letters)[0] > 56


@pytest.mark.parametrize(("side", "count", "scale"), [(4, 1, 1), (8, 1, 1), (28, 1, 2), (28, 100, 1), (256, 4, 1)])
def test_a_caption_is_legible_at_any_size_and_frames_are_alike(side, count, scale):
    captions = (
        "step 5 · 1 s",
        "step 1,234,567 · 12 h 59 min",
        "",
        "MMMMMMMMMMMMMMMMMMMMMM",
        "iiiiiiiiiiiiiiiiiiiiiiii",
    )
    sizes = set()
    for caption in captions:
        labels = Labels(caption=caption, others=captions)
        images = np.zeros((count, 1, side, side), np.uint8)
        picture, place = grid(images, None, scale, labels=labels), lay_out(images.shape, None, scale, labels=labels)
        sizes.add(picture.size)
        assert place.caption_letters >= lettering.LEAST
        ink = np.argwhere(np.asarray(picture)[place.caption_top :] > 150)
        assert (len(ink) > 0) == (caption != "")
        if caption:
            assert ink[:, 0].max() < picture.height - place.caption_top - 1 and ink[:, 1].max() < picture.width - 1
    assert len(sizes) == 1


def test_letters_are_written_in_every_theme_and_colour():
    for images in (DIGITS, COLOURS):
        for theme, dark in (("dark", False), ("light", True)):
            pixels = np.asarray(grid(images, 6, 2, theme=theme, labels=Labels(caption="step 5"))).astype(int)
            ink = pixels[-12:] < 100 if dark else pixels[-12:] > 180
            assert ink.any()
            assert pixels.ndim == 2 or (pixels[-12:] == pixels[-12:, :, :1]).all(), "grey letters"


def test_a_name_that_all_share_is_written_once():
    assert headings(["7"] * 6, 3) == ("7", "", "")
    assert headings(["3", "8"] * 3, 2) == ("3", "8")
    assert headings(["3", "8"] * 2 + ["3"], 2) == ("3", "8")
    assert headings(["3", "8"] * 3, 3) == ("3", "8") * 3
    assert headings(["a\nb", "x" * 40], 2) == ("a b", "x" * 15 + "…")


# Taking a grid apart.


@pytest.mark.parametrize("images", [DIGITS, COLOURS])
@pytest.mark.parametrize("columns", [1, 2, 3, 4, 6])
def test_a_grid_can_be_taken_apart(images, columns):
    pixels = np.asarray(grid(images, columns)).reshape(*grid(images, columns).size[::-1], -1)
    found = cut(pixels, 6, 7, 7)
    assert found is not None
    assert (found[0] == images).all() and found[1] == columns


def test_what_is_no_grid_of_ours_is_left_whole():
    pixels = np.asarray(grid(DIGITS, 3))[:, :, None]
    assert cut(pixels, 6, 7, 7) is not None
    assert cut(pixels, 7, 7, 7) is None, "another number of images"
    assert cut(pixels, 6, 8, 8) is None, "of another size"
    assert cut(pixels[:-1], 6, 7, 7) is None
    assert cut(pixels[:3, :3], 6, 7, 7) is None
    for where in ((0, 0), (3, 3)):
        other = pixels.copy()
        other[where] ^= 255
        assert cut(other, 6, 7, 7) is None, "a pixel that no grid has"
    assert cut(np.asarray(grid(DIGITS, 3, 1))[:, :, None], 6, 7, 7) is None


# How large a picture may be.


def test_a_scale_is_a_number_from_one_up():
    for scale in (0, -3):
        with refused("scale from one", "scale"):
            Images(DIGITS).picture(scale)


def test_too_large_a_picture_is_refused_and_what_fits_is_named(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("nothing is drawn")

    monkeypatch.setattr("pocketgan.images.grids.grid", refuse)
    images = Images(np.zeros((64, 1, 28, 28), np.uint8))
    with pytest.raises(RunError) as caught:
        images.picture(1_000_000)
    assert caught.value.key == "scale too large" and caught.value.parts["width"] == 224_000_018
    named = caught.value.parts["low"]
    side = 8 * (28 * named + 2) + 2
    assert side**2 <= MOST_PIXELS < (8 * (28 * (named + 1) + 2) + 2) ** 2
    assert chosen_scale(named, images.images.shape, None) == named


def test_the_usual_scale_gives_way_to_what_fits():
    assert chosen_scale(None, (64, 1, 28, 28), None) == 2
    assert chosen_scale(None, (64, 1, 1000, 1000), None) == 1
    assert chosen_scale(None, (1, 1, 28, 28), None, usual=12) == 12
    with refused("too large at scale one", "count"):
        chosen_scale(None, (100, 1, 8000, 8000), None)


def test_a_side_may_be_only_so_long():
    with refused("scale too large", "scale"):
        chosen_scale(300, (10, 1, 1, 28), 10, 0)
    assert chosen_scale(232, (10, 1, 1, 28), 10, 0) == 232


# Saving.


def test_single_pictures_are_enlarged_where_that_is_asked_for(tmp_path):
    out = Images(DIGITS).save(tmp_path / "made", scale=3)
    assert (read_picture(out / "0004.png") == DIGITS[4, 0].repeat(3, axis=0).repeat(3, axis=1)).all()
    out = Images(DIGITS).save(tmp_path / "plain")
    assert (read_picture(out / "0004.png") == DIGITS[4, 0]).all()


def test_an_archive_is_not_enlarged(tmp_path):
    with refused("scale of arrays", "scale"):
        Images(DIGITS).save(tmp_path / "a.npz", scale=2)
    assert not list(tmp_path.iterdir())
    named = Images(DIGITS, np.arange(6) % 2).named(("cat", "dog"))
    found = read(str(named.save(tmp_path / "a.npz", labels=True))).splits["train"]
    assert found.labels is not None and found.labels.tolist() == [0, 1] * 3


def test_classes_are_written_where_there_are_some(tmp_path):
    named = Images(DIGITS, np.arange(6) % 2, columns=2).named(("3", "8"))
    assert named.names == ("3", "8") * 3 and named.labels is not None and named.labels.tolist() == [3, 8] * 3
    assert named.picture(2, labels=True) == grid(DIGITS, 2, 2, labels=Labels(above=("3", "8")))
    assert named.picture() == grid(DIGITS, 2)
    single = Images(DIGITS, np.ones(6, int)).named(("cat", "dog"))
    assert single.picture(2, labels=True) == grid(DIGITS, 3, 2, labels=Labels(above=("dog", "", "")))
    with refused("no class names", "labels"):
        Images(DIGITS).save(tmp_path / "a.png", labels=True)
    assert not list(tmp_path.iterdir())


def test_what_nobody_labels_needs_no_letters(monkeypatch):
    monkeypatch.setattr(layout.lettering, "font", None)
    grid(DIGITS)


def test_letters_that_the_usual_font_lacks_come_from_one_that_has_them() -> None:
    rare, missing = "\u1d81", "\U0010fffd"
    usual = lettering.font(20)
    assert bytes(lettering.font(20, f"a{rare}").getmask(rare)) != bytes(usual.getmask(rare))
    assert lettering.font(20, "abc ж").getname() == lettering.font(20, missing * 2).getname() == usual.getname()
    assert lettering.room((rare,), 20)[0] > 0
