import errno
import io
import json
import os
import resource

import numpy as np
import pytest
from PIL import Image

from pocketgan.base import files
from pocketgan.base.errors import RunError, StorageError
from pocketgan.base.files import write_atomically, write_json
from pocketgan.images.grids import Images, grid, save_picture, to_picture
from pocketgan.images.intake.pictures import read_picture
from pocketgan.images.montage import FRAME, PADDING, SCALE
from pocketgan.images.readers import read
from refusals import refused

GREYS = 20 * np.array([[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]], [[[9, 10], [11, 12]]]], np.uint8)
COLOURS = 10 * np.arange(2 * 3 * 2 * 2, dtype=np.uint8).reshape(2, 3, 2, 2)


def doubled(rows):
    return np.repeat(np.repeat(np.array(rows, np.uint8), 2, axis=0), 2, axis=1)


# Grids.


def test_a_grid_has_every_pixel_where_it_belongs():
    assert (PADDING, SCALE) == (2, 2)
    expected = np.full((14, 14), FRAME, np.uint8)
    expected[2:6, 2:6] = doubled([[20, 40], [60, 80]])
    expected[2:6, 8:12] = doubled([[100, 120], [140, 160]])
    expected[8:12, 2:6] = doubled([[180, 200], [220, 240]])
    picture = grid(GREYS, columns=2)
    assert picture.mode == "L"
    assert (np.asarray(picture) == expected).all()


def test_a_strip_is_one_row():
    pixels = np.asarray(grid(GREYS, columns=3, scale=1))
    expected = np.full((6, 14), FRAME, np.uint8)
    expected[2:4, 2:4], expected[2:4, 6:8], expected[2:4, 10:12] = GREYS[:, 0]
    assert (pixels == expected).all()


def test_more_columns_than_images_leave_no_empty_place():
    assert grid(GREYS, columns=100, scale=1).size == (14, 6)


@pytest.mark.parametrize(
    ("count", "across", "rows"), [(1, 1, 1), (2, 2, 1), (3, 2, 2), (10, 4, 3), (16, 4, 4), (17, 5, 4), (64, 8, 8)]
)
def test_a_grid_is_as_square_as_can_be(count, across, rows):
    picture = grid(np.zeros((count, 1, 4, 4), np.uint8), scale=1)
    assert picture.size == (across * 6 + 2, rows * 6 + 2)


def test_a_grid_of_colours_is_rgb():
    picture = grid(COLOURS, columns=2)
    assert picture.mode == "RGB"
    pixels = np.asarray(picture)
    assert pixels.shape == (8, 14, 3)
    assert pixels[2, 2].tolist() == [0, 40, 80] and pixels[5, 5].tolist() == [30, 70, 110]
    assert pixels[2, 8].tolist() == [120, 160, 200] and pixels[0, 0].tolist() == [FRAME] * 3


def test_drawing_leaves_the_images_as_they_were():
    images = GREYS.copy()
    grid(images)
    assert (images == GREYS).all()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_pixels_become_a_picture(channels, mode):
    pixels = np.arange(4 * 5 * channels, dtype=np.uint8).reshape(4, 5, channels)
    picture = to_picture(pixels)
    assert (picture.mode, picture.size) == (mode, (5, 4))
    assert (np.asarray(picture).reshape(pixels.shape) == pixels).all()


# Saving images.


def test_a_png_is_the_grid(tmp_path):
    out = Images(GREYS, columns=3).save(tmp_path / "deep" / "er" / "grid.png")
    assert out == tmp_path / "deep" / "er" / "grid.png"
    with Image.open(out) as picture:
        assert picture.format == "PNG"
        assert (np.asarray(picture) == np.asarray(grid(GREYS, columns=3))).all()


@pytest.mark.parametrize("name", ["grid.jpg", "grid.jpeg", "GRID.JPG"])
def test_a_jpg_is_a_jpeg(tmp_path, name):
    with Image.open(Images(GREYS).save(tmp_path / name)) as picture:
        assert (picture.format, picture.size) == ("JPEG", grid(GREYS).size)


@pytest.mark.parametrize("labels", [None, np.array([3, 1, 4])])
def test_an_archive_can_be_read_as_data(tmp_path, labels):
    found = read(str(Images(GREYS, labels).save(str(tmp_path / "made.npz")))).splits["train"]
    assert (found.images == GREYS).all()
    assert found.labels is None if labels is None else found.labels.tolist() == [3, 1, 4]


@pytest.mark.parametrize("images", [GREYS, COLOURS])
def test_a_folder_holds_single_pictures(tmp_path, images):
    out = Images(images).save(tmp_path / "made")
    assert sorted(path.name for path in out.iterdir()) == [f"{index:04d}.png" for index in range(len(images))]
    assert (read(str(out)).splits["train"].images == images).all()


def test_pictures_of_an_earlier_call_are_not_mixed_with_new_ones(tmp_path):
    out = Images(GREYS).save(tmp_path / "made")
    Images(GREYS).save(out)  # The same names: replaced.
    (out / "mine.png").write_bytes(b"")
    with refused("other pictures", "out", count=1):
        Images(GREYS[:-1]).save(out)
    out = tmp_path / "classes"
    Images(GREYS[:2], np.array([3, 3])).save(out)
    Images(GREYS[:1], np.array([7])).save(out)  # Another class.
    with refused("other pictures", "out", name="0001-label-3.png"):
        Images(GREYS[:1], np.array([3])).save(out)


def test_single_pictures_say_their_labels(tmp_path):
    out = Images(GREYS, np.array([3, 1, 4])).save(str(tmp_path / "made"))
    names = ["0000-label-3.png", "0001-label-1.png", "0002-label-4.png"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert (read_picture(out / names[1]) == GREYS[1, 0]).all()


NAMES = ("-1", "ネコ/2", "naïve café", "a:b", "a*b", "..", "x" * 90)


def test_single_pictures_and_archives_say_the_names_of_classes(tmp_path):
    images = np.zeros((8, 1, 4, 4), np.uint8)
    made = Images(images, np.array([0, 1, 2, 3, 4, 5, 6, 0])).named(NAMES)
    out = made.save(str(tmp_path / "made"))
    names = sorted(path.name for path in out.iterdir())
    assert len(names) == 8 and names[0] == "0000-label--1.png" and names[7] == "0007-label--1.png"
    assert names[1] == "0001-label-ネコ_2.png" and names[2] == "0002-label-naïve_café.png"
    words = [name.split("-label-")[1] for name in names[:7]]
    assert len({word.casefold() for word in words}) == 7
    assert not any(set(word) & set('/\\:*?"<>| ') or word.startswith(".") for word in words)
    assert all(len(name.encode()) < 200 for name in names)
    with np.load(made.save(tmp_path / "made.npz")) as archive:
        assert archive["class_names"].tolist() == [*NAMES]
        assert [archive["class_names"][label] for label in archive["labels"]] == [*made.names]
    found = read(str(tmp_path / "made.npz")).splits["train"]
    assert [found.class_names[label] for label in found.labels] == [*made.names]
    one = Images(images, np.array([2] * 8)).named(NAMES).save(tmp_path / "one.npz")
    assert read(str(one)).splits["train"].class_names == ("naïve café",)


@pytest.mark.parametrize("names", [("1", "10", "2", "3"), ("000", "001", "002", "003")])
def test_classes_called_by_numbers_are_saved_as_those(names, tmp_path):
    made = Images(np.zeros((4, 1, 4, 4), np.uint8), np.array([3, 0, 1, 1])).named(names)
    wanted = [int(names[place]) for place in (3, 0, 1, 1)]
    assert made.labels.tolist() == wanted
    with np.load(made.save(tmp_path / "made.npz")) as archive:
        assert set(archive.files) == {"images", "labels"} and archive["labels"].tolist() == wanted
    files = sorted(path.name for path in made.save(str(tmp_path / "made")).iterdir())
    assert files[0] == f"0000-label-{names[3]}.png" and files[1] == f"0001-label-{names[0]}.png"


@pytest.mark.parametrize("class_names", [["a", "a"], ["a"], [["a"], ["b"]], [1, 2], np.array([{}, {}], dtype=object)])
def test_names_of_classes_that_are_none_are_passed_over(class_names, tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((4, 1, 4, 4), np.uint8), labels=[0, 1, 0, 1], class_names=class_names)
    found = read(str(tmp_path / "a.npz")).splits["train"]
    assert found.class_names == () and found.labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("name", ["made.gif", "made.npy", "folder/made.pt", "made.PNGX"])
def test_another_ending_is_refused_and_nothing_is_made(tmp_path, name):
    with pytest.raises(RunError) as caught:
        Images(GREYS).save(tmp_path / name)
    text = str(caught.value)
    assert caught.value.field == "out" and name in text
    assert all(ending in text for ending in ("'.jpg'", "'.png'", "'.npz'", "a folder"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.png", "a.npz", "folder"])
def test_a_place_inside_a_file_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("here")
    with refused("no picture written", "out") as caught:
        Images(GREYS).save(tmp_path / "file" / name)
    assert caught.value.field == "out" and caught.value.parts["out"] == tmp_path / "file" / name
    assert len(str(caught.value).splitlines()) == 1
    assert (tmp_path / "file").read_text() == "here"


def test_a_folder_with_a_pictures_name_is_no_picture(tmp_path):
    (tmp_path / "grid.png").mkdir()
    with refused("out is a folder", "out"):
        Images(GREYS).save(tmp_path / "grid.png")
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]


def test_images_have_a_length():
    assert len(Images(GREYS)) == 3


def test_a_notebook_shows_the_grid_as_a_png():
    raw = Images(GREYS, columns=2)._repr_png_()
    assert raw.startswith(b"\x89PNG\r\n\x1a\n")
    with Image.open(io.BytesIO(raw)) as picture:
        assert (np.asarray(picture) == np.asarray(grid(GREYS, columns=2))).all()


def test_classes_that_are_numbers_become_the_labels():
    named = Images(GREYS, np.array([1, 0, 1]), columns=3).named(("3", "7"))
    assert named.labels.tolist() == [7, 3, 7]
    assert named.columns == 3 and named.images is GREYS


@pytest.mark.parametrize("names", [("cat", "dog"), ("3", "dog"), ("-1", "2")])
def test_classes_with_other_names_stay_indices(names):
    assert Images(GREYS, np.array([1, 0, 1])).named(names).labels.tolist() == [1, 0, 1]


def test_images_without_labels_get_none():
    assert Images(GREYS).named(("3", "7")).labels is None


# Writing files.


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_written_and_replaced(tmp_path, durable):
    path = tmp_path / "file.bin"
    for content in (b"old", b"", bytes(range(256)) * 100):
        write_atomically(path, content, durable=durable)
        assert path.read_bytes() == content
    assert listing(tmp_path) == ["file.bin"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_only_what_must_last_is_flushed_to_the_disk(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(files.os, "fsync", flushed.append)
    write_atomically(tmp_path / "a", b"x", durable=False)
    assert not flushed
    write_atomically(tmp_path / "a", b"x")
    assert flushed


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, failing, number, old):
    path = tmp_path / "file.bin"
    if old is not None:
        path.write_bytes(old)

    def refuse(*arguments, **keywords):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, failing, refuse)
    with pytest.raises(StorageError) as caught:
        write_atomically(path, b"new")
    text = str(caught.value)
    assert str(path) in text and os.strerror(number) in text
    assert len(text.splitlines()) == 1
    assert listing(tmp_path) == ([] if old is None else ["file.bin"])
    assert old is None or path.read_bytes() == old


def test_a_file_that_grows_too_large_leaves_what_was_there(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StorageError) as caught:
            write_atomically(path, bytes(200_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.key == "disk refused"
    assert caught.value.parts == {"path": path, "why": os.strerror(errno.EFBIG)}
    assert listing(tmp_path) == ["file.bin"] and path.read_bytes() == b"old"


def test_a_missing_folder_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="No such file or directory") as caught:
        write_atomically(tmp_path / "none" / "file.bin", b"new")
    assert str(tmp_path / "none" / "file.bin") in str(caught.value)
    assert caught.value.exit_code == 1


def test_json_is_for_people_too(tmp_path):
    write_json(tmp_path / "a.json", {"name": "größer", "numbers": [1, 2.5], "none": None})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "größer" in text and text.startswith('{\n  "name"') and text.endswith("}\n")
    assert json.loads(text) == {"name": "größer", "numbers": [1, 2.5], "none": None}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_is_no_json_leaves_what_was_there(tmp_path, value):
    write_json(tmp_path / "a.json", {"old": 1})
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "a.json", {"new": value})
    assert json.loads((tmp_path / "a.json").read_text()) == {"old": 1}
    assert listing(tmp_path) == ["a.json"]


def test_a_picture_is_written_in_the_format_of_its_ending(tmp_path):
    for name, kind in (("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.JPEG", "JPEG")):
        save_picture(grid(COLOURS), tmp_path / name)
        with Image.open(tmp_path / name) as picture:
            assert (picture.format, picture.mode) == (kind, "RGB")
    assert listing(tmp_path) == ["a.JPEG", "a.jpg", "a.png"]
