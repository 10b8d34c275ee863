"""Every kind of file that people have: what is read is compared with the truth, pixel for pixel; others are refused."""

import csv
import gzip
import json
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import pocketgan
from pocketgan.base.errors import DataError
from pocketgan.experiment.looking import near_images
from pocketgan.images.intake.cache import LEAST
from pocketgan.images.intake.contents import Collection
from pocketgan.images.intake.decoding import Wishes
from pocketgan.images.intake.read import read_collection
from pocketgan.images.intake.tables import read_number_file
from refusals import refused

SIDE = 16
RANDOM = np.random.default_rng(7)
SCENE = RANDOM.integers(0, 256, (6, SIDE, SIDE, 3), np.uint8)
SCENE[:, 0, 0] = 255
GRAY = RANDOM.integers(0, 256, (6, SIDE, SIDE), np.uint8)
GRAY[:, 0, 0] = 255


def read(path: Path, **wishes: Any) -> Collection:
    return read_collection(str(path), Wishes(**wishes))


def train(path: Path, **wishes: Any) -> np.ndarray:
    """Returns the training images, (N, C, H, W)."""
    return read(path, **wishes).splits["train"].images


def done(path: Path, **wishes: Any) -> set[str]:
    """Returns the keys of what was done and passed over."""
    return {note.key for note in read(path, **wishes).notes.sentences()}


def key(path: Path, **wishes: Any) -> str:
    """Returns the key of the error with which a path is refused; the message is one line."""
    with pytest.raises(DataError) as caught:
        read(path, **wishes)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value.key


def save(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


# Pictures.


@pytest.mark.parametrize("ending", ["png", "bmp", "gif", "tif", "webp", "ppm"])
def test_lossless_formats_keep_every_pixel(tmp_path: Path, ending: str) -> None:
    for place, pixels in enumerate(GRAY):
        save(tmp_path / f"{place}.{ending}", pixels, **({"lossless": True} if ending == "webp" else {}))
    assert (train(tmp_path) == GRAY[:, None]).all()


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "webp"])
def test_colors_are_kept(tmp_path: Path, ending: str) -> None:
    for place, pixels in enumerate(SCENE):
        save(tmp_path / f"{place}.{ending}", pixels, **({"lossless": True} if ending == "webp" else {}))
    assert (train(tmp_path) == SCENE.transpose(0, 3, 1, 2)).all()


def test_a_picture_is_what_its_content_says(tmp_path: Path) -> None:
    save(tmp_path / "a.png", SCENE[0])
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    save(tmp_path / "b.bmp", SCENE[1])
    (tmp_path / "b.bmp").rename(tmp_path / "b")
    assert (train(tmp_path) == SCENE[:2].transpose(0, 3, 1, 2)).all()


@pytest.mark.parametrize(("background", "color"), [("white", 255), ("black", 0), ("#ff8000", (255, 128, 0))])
def test_transparency_is_put_on_a_background(tmp_path: Path, background: str, color: Any) -> None:
    for place, pixels in enumerate(SCENE[:3]):
        cover = np.zeros((SIDE, SIDE, 1), np.uint8)
        cover[4:12] = 255
        save(tmp_path / f"{place}.png", np.concatenate([pixels, cover], axis=2))
    images = train(tmp_path, background=background)
    assert (images[:, :, 4:12] == SCENE[:3].transpose(0, 3, 1, 2)[:, :, 4:12]).all()
    expected = np.broadcast_to(np.reshape(color, (-1, 1, 1)), (3, 4, SIDE))
    assert (images[:, :, :4] == expected).all() and (images[:, :, 12:] == expected).all()
    assert "composed" in done(tmp_path, background=background)


def test_black_ink_on_transparency_is_dark_on_white(tmp_path: Path) -> None:
    ink = np.zeros((SIDE, SIDE, 4), np.uint8)
    ink[5:9, 5:9, 3] = 255
    save(tmp_path / "a.png", ink)
    images = train(tmp_path)
    assert images.shape == (1, 1, SIDE, SIDE)
    assert (images[0, 0] == 255 - ink[..., 3]).all()


def test_palettes_with_a_transparent_color(tmp_path: Path) -> None:
    picture = Image.fromarray(np.tile(np.arange(4, dtype=np.uint8), (SIDE, 4)), "P")
    picture.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9])
    picture.save(tmp_path / "a.png", transparency=3)
    first_row = train(tmp_path)[0, :, 0, :4].T.tolist()
    assert first_row == [[200, 0, 0], [0, 200, 0], [0, 0, 200], [255, 255, 255]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_as_their_camera_says(tmp_path: Path, orientation: int) -> None:
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[:8, :8] = (250, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    corner = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}[orientation]
    red = train(tmp_path)[0, 0]
    quarters = red.reshape(2, 8, 2, 8).transpose(0, 2, 1, 3).mean(axis=(2, 3))
    assert quarters[corner] == 250 and quarters.sum() == 250
    assert ("turned" in done(tmp_path)) == (orientation > 1)


@pytest.mark.parametrize(("factor", "top"), [(1, 255), (257, 65535), (16, 4095)])
def test_sixteen_bits_are_scaled_by_the_range_that_all_pictures_share(tmp_path: Path, factor: int, top: int) -> None:
    for place, pixels in enumerate(GRAY):
        save(tmp_path / f"{place}.png", pixels.astype(np.uint16) * factor)
    expected = np.round(GRAY.astype(float) * factor * 255 / top)
    assert (train(tmp_path)[:, 0] == expected).all()
    assert ("scaled values" in done(tmp_path)) == (factor > 1)


def test_animations_give_their_first_frame(tmp_path: Path) -> None:
    frames = [Image.fromarray(pixels) for pixels in GRAY[:3]]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    assert (train(tmp_path)[:, 0] == GRAY[:1]).all()
    assert "first frame" in done(tmp_path)


def test_gray_saved_in_color_is_gray_unless_color_is_asked_for(tmp_path: Path) -> None:
    for place, pixels in enumerate(GRAY):
        save(tmp_path / f"{place}.png", np.stack([pixels] * 3, axis=2))
    assert (train(tmp_path) == GRAY[:, None]).all()
    assert train(tmp_path, color="rgb").shape == (6, 3, SIDE, SIDE)


def test_gray_jpegs_of_color_cameras_are_gray(tmp_path: Path) -> None:
    smooth = np.tile(np.linspace(0, 255, SIDE).astype(np.uint8), (SIDE, 1))
    save(tmp_path / "a.jpg", np.stack([smooth] * 3, axis=2), quality=95)
    assert train(tmp_path).shape[1] == 1


def test_color_can_be_made_gray(tmp_path: Path) -> None:
    for place, pixels in enumerate(SCENE):
        save(tmp_path / f"{place}.png", pixels)
    expected = [np.asarray(Image.fromarray(pixels).convert("L")) for pixels in SCENE]
    assert (train(tmp_path, color="gray")[:, 0] == expected).all()


def test_mixed_sizes_are_fitted_and_said(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.full((40, 60), 200, np.uint8))
    save(tmp_path / "b.png", np.full((33, 32), 90, np.uint8))
    assert train(tmp_path).shape == (2, 1, 32, 32)
    assert train(tmp_path)[:, 0, 5, 5].tolist() == [200, 90]
    assert "fitted" in done(tmp_path)


@pytest.mark.parametrize(("fit", "middle", "edge"), [("crop", 200, 200), ("pad", 200, 255), ("stretch", 200, 100)])
def test_three_ways_to_fit(tmp_path: Path, fit: str, middle: int, edge: int) -> None:
    wide = np.full((SIDE, 3 * SIDE), 100, np.uint8)
    wide[:, SIDE : 2 * SIDE] = 200
    save(tmp_path / "a.png", wide)
    image = train(tmp_path, fit=fit, size=48)[0, 0]
    assert abs(int(image[24, 24]) - middle) <= 1
    assert abs(int(image[2 if fit == "pad" else 24, 24 if fit == "pad" else 2]) - edge) <= 1


def test_large_photographs_are_read(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", np.full((2000, 3000, 3), (200, 100, 50), np.uint8))
    images = train(tmp_path)
    assert images.shape == (1, 3, 64, 64)
    assert (np.abs(images[0, :, 30, 30].astype(int) - (200, 100, 50)) <= 3).all()


def test_nearly_black_pictures_ask(tmp_path: Path) -> None:
    save(tmp_path / "mask.png", (GRAY[0] > 128).astype(np.uint8))
    assert key(tmp_path) == "two readings"
    assert (train(tmp_path, value_range="0:1")[0, 0] == 255 * (GRAY[0] > 128)).all()


# Folders.


def test_classes_are_folders_whatever_they_are_called(tmp_path: Path) -> None:
    for name in ("train", "car", "plane"):
        save(tmp_path / name / "a.png", GRAY[0])
    found = read(tmp_path).splits["train"]
    assert found.class_names == ("car", "plane", "train") and len(found.images) == 3


@pytest.mark.parametrize("names", [("train", "test"), ("training", "testing"), ("Train", "Val")])
def test_splits_are_folders_beside_each_other(tmp_path: Path, names: tuple[str, str]) -> None:
    save(tmp_path / names[0] / "x/a.png", GRAY[0])
    save(tmp_path / names[1] / "x/a.png", GRAY[1])
    found = read(tmp_path).splits
    assert set(found) == {"train", "validation" if names[1] == "Val" else "test"}
    assert all(files.class_names == ("x",) for files in found.values())


def test_pictures_below_a_class_belong_to_it(tmp_path: Path) -> None:
    for name in ("cats/day/a.png", "cats/night/deep/b.png", "dogs/c.webp"):
        save(tmp_path / name, GRAY[0])
    found = read(tmp_path).splits["train"]
    assert found.class_names == ("cats", "dogs") and found.labels is not None and found.labels.tolist() == [0, 0, 1]
    assert list(found.files) == ["cats/day/a.png", "cats/night/deep/b.png", "dogs/c.webp"]


def test_hidden_and_foreign_files_are_passed_over_and_counted(tmp_path: Path) -> None:
    save(tmp_path / "a/1.png", GRAY[0])
    save(tmp_path / "b/1.png", GRAY[1])
    save(tmp_path / ".ipynb_checkpoints/1.png", GRAY[1])
    save(tmp_path / "__MACOSX/1.png", GRAY[1])
    for name in (".DS_Store", "a/._1.png", "b/notes.txt", "b/photo.heic"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    found = read(tmp_path)
    assert found.splits["train"].class_names == ("a", "b")
    assert {why: count for why, (count, _) in found.notes.skipped.items()} == {
        "hidden": 4, "foreign": 1, "unread": 1, "empty folder": 1
    }  # fmt: skip


def test_a_wrapped_folder_is_unwrapped(tmp_path: Path) -> None:
    save(tmp_path / "set/data/cat/1.png", GRAY[0])
    save(tmp_path / "set/data/dog/1.png", GRAY[1])
    assert read(tmp_path).splits["train"].class_names == ("cat", "dog")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    save(tmp_path / "elsewhere/1.png", GRAY[0])
    save(tmp_path / "data/a/1.png", GRAY[1])
    (tmp_path / "data/b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/a/loop").symlink_to(tmp_path / "data")
    (tmp_path / "data/a/gone.png").symlink_to(tmp_path / "nowhere")
    found = read(tmp_path / "data")
    assert found.splits["train"].class_names == ("a", "b") and len(found.splits["train"].images) == 2
    assert set(found.notes.skipped) == {"loop", "broken"}


def test_deep_trees_and_names_in_any_script(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 60)
    save(deep / "Кошка/ネコ 🙂.png", GRAY[0])
    save(deep / "naïve café/1.png", GRAY[1])
    assert set(read(tmp_path).splits["train"].class_names) == {"Кошка", "naïve café"}


def test_damaged_pictures_are_all_named_or_passed_over(tmp_path: Path) -> None:
    for place in range(6):
        save(tmp_path / f"{place}.png", GRAY[place])
    for place in (1, 3):
        (tmp_path / f"{place}.png").write_bytes((tmp_path / f"{place}.png").read_bytes()[:60])
    (tmp_path / "5.png").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert caught.value.parts == {"names": "1.png, 3.png, 5.png", "count": 3}
    found = read(tmp_path, skip_damaged=True)
    assert (found.splits["train"].images[:, 0] == GRAY[[0, 2, 4]]).all()
    assert found.notes.skipped == {"damaged": (3, ["1.png", "3.png", "5.png"])}


# Labels beside pictures.


LABELS = {"a.png": "cat", "b.png": "dog", "c.png": "cat"}
TABLES: dict[str, Callable[[], str]] = {
    "labels.csv": lambda: "file,label\n" + "".join(f"{name},{label}\n" for name, label in LABELS.items()),
    "list.tsv": lambda: "label\tfilename\n" + "".join(f"{label}\t{name}\n" for name, label in LABELS.items()),
    "ids.csv": lambda: "id,breed\n" + "".join(f"{Path(name).stem},{label}\n" for name, label in LABELS.items()),
    "labels.json": lambda: json.dumps(LABELS),
    "dataset.json": lambda: json.dumps({"labels": [[name, label] for name, label in LABELS.items()]}),
    "metadata.jsonl": lambda: "".join(
        json.dumps({"file_name": name, "label": label}) + "\n" for name, label in LABELS.items()
    ),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("asked", [False, True])
def test_labels_are_read_from_a_table(tmp_path: Path, table: str, asked: bool) -> None:
    for place, name in enumerate(LABELS):
        save(tmp_path / "pictures" / name, GRAY[place])
    path = tmp_path / ("tables" if asked else "pictures") / table
    path.parent.mkdir(exist_ok=True)
    path.write_text(TABLES[table](), encoding="utf-8")
    found = read(tmp_path / "pictures", labels=str(path) if asked else "auto").splits["train"]
    assert found.class_names == ("cat", "dog") and found.labels is not None
    assert found.labels.tolist() == [0, 1, 0] and list(found.files) == list(LABELS)


@pytest.mark.parametrize(
    "text", ["Image Index,Finding Labels\na.png,x|y\nb.png,y\n", "file,x,y\na.png,1,1\nb.png,0,1\n"]
)
def test_an_image_can_have_several_labels(tmp_path: Path, text: str) -> None:
    save(tmp_path / "a.png", GRAY[0])
    save(tmp_path / "b.png", GRAY[1])
    (tmp_path / "labels.csv").write_text(text)
    found = read(tmp_path).splits["train"]
    assert found.class_names == ("x", "y") and found.labels is not None and found.labels.tolist() == [[1, 1], [0, 1]]


REFUSED_TABLES = {
    "empty.csv": ("", "no label file"),
    "short.csv": ("file,label\na.png\n", "no label file"),
    "long.csv": ("file,label\na.png,x,y\n", "no label file"),
    "twice.csv": ("file,label\na.png,x\na.png,y\n", "no label file"),
    "fractions.csv": ("file,label\na.png,0.5\nb.png,1\n", "labels with fractions"),
    "nothing.csv": ("file,label\na.png,\nb.png,\n", "labels of nothing"),
    "same.csv": ("file,label\nx/pictures/a.png,1\ny/pictures/a.png,2\n", "labels of nothing"),
    "elsewhere.csv": ("file,label\nothers/a.png,1\nothers/b.png,2\n", "labels of nothing"),
    "number.json": ("5", "no label file"),
    "words.json": ("[1, 2]", "no label file"),
    "nofile.json": ('[{"age": 3, "label": 1}]', "no label file"),
    "objects.json": ('{"a.png": {"x": 1}}', "no label file"),
    "lines.jsonl": ('{"file": "a.png", "label": 1}\n{"file": "b.png"}', "no label file"),
}


@pytest.mark.parametrize("table", REFUSED_TABLES)
def test_a_table_without_usable_labels_is_refused(tmp_path: Path, table: str) -> None:
    text, key = REFUSED_TABLES[table]
    for place, name in enumerate(LABELS):
        save(tmp_path / "pictures" / name, GRAY[place])
    (tmp_path / table).write_text(text)
    with refused(key, "labels"):
        read(tmp_path / "pictures", labels=str(tmp_path / table))


@pytest.mark.parametrize("above", ["pictures/", "data/pictures/", "/data/pictures/", "C:\\data\\pictures\\"])
def test_a_table_may_name_pictures_from_further_up(tmp_path: Path, above: str) -> None:
    for place, name in enumerate(LABELS):
        save(tmp_path / "pictures" / name, GRAY[place])
    rows = "".join(f"{above}{name};{label}\n" for name, label in LABELS.items())
    (tmp_path / "t.csv").write_text(f"file;label\n{rows}")
    found = read(tmp_path / "pictures", labels=str(tmp_path / "t.csv")).splits["train"]
    assert found.class_names == ("cat", "dog") and found.labels is not None and found.labels.tolist() == [0, 1, 0]


def test_decimal_commas_between_semicolons_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file;thickness\na.png;1,5\nb.png;2\nc.png;-0,25\n")
    names, values, files = read_number_file(tmp_path / "t.csv")
    assert (names, values.tolist(), files) == (("thickness",), [[1.5], [2.0], [-0.25]], list(LABELS))
    (tmp_path / "one.csv").write_text("thickness\n1,5\n")
    with refused("no number file", "condition"):
        read_number_file(tmp_path / "one.csv")


def test_of_two_tables_that_fit_one_must_be_chosen(tmp_path: Path) -> None:
    for place, name in enumerate(LABELS):
        save(tmp_path / name, GRAY[place])
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(TABLES["labels.csv"]())
    with refused("several tables", "labels"):
        read(tmp_path)
    assert read(tmp_path, labels="none").splits["train"].labels is None
    assert read(tmp_path, labels="two.csv").splits["train"].class_names == ("cat", "dog")


def test_a_table_beside_pictures_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for place, name in enumerate(LABELS):
        save(tmp_path / name, GRAY[place])
    (tmp_path / "ages.csv").write_text("file,age\n" + "".join(f"{name},0.5\n" for name in LABELS))
    found = read(tmp_path)
    assert found.splits["train"].labels is None
    assert [note.key for note in found.notes.sentences()] == ["table unused"]


def test_pictures_without_a_label_are_counted(tmp_path: Path) -> None:
    for place, name in enumerate((*LABELS, "d.png")):
        save(tmp_path / name, GRAY[place])
    (tmp_path / "t.csv").write_text(TABLES["labels.csv"]())
    found = read(tmp_path, labels="t.csv")
    assert len(found.splits["train"].images) == 3 and found.notes.skipped["unlabeled"] == (1, ["d.png"])


# Arrays.


ORDERS = {"first": (0, 3, 1, 2), "last": (0, 1, 2, 3)}


@pytest.mark.parametrize("order", ORDERS)
def test_channels_are_found(tmp_path: Path, order: str) -> None:
    np.savez(tmp_path / "a.npz", images=SCENE.transpose(ORDERS[order]))
    assert (train(tmp_path / "a.npz") == SCENE.transpose(0, 3, 1, 2)).all()


@pytest.mark.parametrize("shape", [(9, 3, 3, 3), (9, 3, 28, 1), (9, 4, 4, 4)])
def test_where_channels_could_be_in_two_places_it_asks(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", RANDOM.integers(0, 256, shape, np.uint8))
    assert key(tmp_path / "a.npy") == "where are channels"
    assert train(tmp_path / "a.npy", channels_at="first").shape[1] in (1, 3)
    assert train(tmp_path / "a.npy", channels_at="last").shape[1] in (1, 3)


def test_a_single_colored_image_or_rows_of_three(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", SCENE[0])
    assert key(tmp_path / "a.npy") == "where are channels"
    assert (train(tmp_path / "a.npy", channels_at="last")[0] == SCENE[0].transpose(2, 0, 1)).all()
    assert train(tmp_path / "a.npy", channels_at="none", size=16).shape == (SIDE, 1, 16, 16)
    assert key(tmp_path / "a.npy", channels_at="first") == "channels elsewhere"


@pytest.mark.parametrize(
    ("values", "wishes"),
    [
        (GRAY.astype(np.float32) / 255, {}),
        (GRAY.astype(np.float64) / 127.5 - 1, {}),
        (GRAY.astype(np.float32), {}),
        (GRAY.astype(np.int64), {}),
        (GRAY.astype(np.uint16) * 257, {}),
        ((GRAY > 99) * 1.0 * 255, {}),
        (GRAY.astype(np.float32) / 255 * 16, {"value_range": "0:16"}),
        (GRAY.astype(np.float32) / 255 * 4 - 1, {"value_range": "-1:3"}),
    ],
)
def test_values_are_scaled_to_bytes(tmp_path: Path, values: np.ndarray, wishes: dict[str, Any]) -> None:
    np.savez(tmp_path / "a.npz", images=values)
    expected = 255 * (GRAY > 99) if set(np.unique(values)) == {0, 255} else GRAY
    assert (train(tmp_path / "a.npz", **wishes)[:, 0] == expected).all()


def test_truth_values_are_black_and_white(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", GRAY > 128)
    assert (train(tmp_path / "a.npy")[:, 0] == 255 * (GRAY > 128)).all()


@pytest.mark.parametrize(
    "values",
    [
        (GRAY > 128).astype(np.uint8),
        GRAY // 16,
        (GRAY.astype(float) - GRAY.mean()) / GRAY.std(),
        GRAY.astype(float) / 255**2,
        GRAY.astype(np.int16) - 128,
        GRAY.astype(float) * 4,
    ],
    ids=["0 and 1", "4 bits", "standardized", "divided twice", "signed", "large"],
)
def test_values_with_two_readings_ask(tmp_path: Path, values: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", images=values)
    assert key(tmp_path / "a.npz") == "two readings"


def test_values_must_be_finite(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.full((3, SIDE, SIDE), np.nan))
    assert key(tmp_path / "a.npz") == "images not finite"


def test_medmnist(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "breastmnist.npz", train_images=GRAY[:3], train_labels=np.array([[1], [0], [1]]),
        val_images=GRAY[3:4], val_labels=np.array([[0]]), test_images=GRAY[4:], test_labels=np.array([[0], [1]]),
    )  # fmt: skip
    found = read(tmp_path / "breastmnist.npz").splits
    assert (found["train"].images[:, 0] == GRAY[:3]).all() and (found["validation"].images[:, 0] == GRAY[3:4]).all()
    assert found["train"].labels is not None and found["train"].labels.tolist() == [1, 0, 1]
    assert found["test"].labels is not None and found["test"].labels.tolist() == [0, 1]


def test_medmnist_with_several_labels(tmp_path: Path) -> None:
    flags = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]])
    np.savez(tmp_path / "chest.npz", train_images=GRAY[:3], train_labels=flags)
    labels = read(tmp_path / "chest.npz").splits["train"].labels
    assert labels is not None and labels.tolist() == flags.tolist()


def test_kerass_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_train=GRAY[:4], y_train=np.arange(4), x_test=GRAY[4:], y_test=np.arange(2))
    found = read(tmp_path / "mnist.npz").splits
    assert (found["train"].images[:, 0] == GRAY[:4]).all() and (found["test"].images[:, 0] == GRAY[4:]).all()


@pytest.mark.parametrize("given", ["", "kmnist-train-imgs.npz"])
def test_kmnists_four_files(tmp_path: Path, given: str) -> None:
    for part, images in (("train", GRAY[:4]), ("test", GRAY[4:])):
        np.savez(tmp_path / f"kmnist-{part}-imgs.npz", images)
        np.savez(tmp_path / f"kmnist-{part}-labels.npz", np.arange(len(images)))
    found = read(tmp_path / given).splits
    assert (found["train"].images[:, 0] == GRAY[:4]).all() and (found["test"].images[:, 0] == GRAY[4:]).all()
    assert found["train"].labels is not None and found["train"].labels.tolist() == [0, 1, 2, 3]


def test_quickdraws_rows_one_file_a_class(tmp_path: Path) -> None:
    np.save(tmp_path / "full_numpy_bitmap_cat.npy", GRAY[:2].reshape(2, -1))
    np.save(tmp_path / "full_numpy_bitmap_axe.npy", GRAY[2:].reshape(4, -1))
    found = read(tmp_path).splits["train"]
    assert found.class_names == ("axe", "cat") and (found.images[:, 0] == GRAY[[2, 3, 4, 5, 0, 1]]).all()


@pytest.mark.parametrize("channels_at", ["first", "last"])
def test_rows_of_colored_images_ask_for_their_order(tmp_path: Path, channels_at: str) -> None:
    order = (0, 3, 1, 2) if channels_at == "first" else (0, 1, 2, 3)
    np.save(tmp_path / "a.npy", SCENE.transpose(order).reshape(6, -1))
    assert key(tmp_path / "a.npy") == "where are channels in rows"
    assert (train(tmp_path / "a.npy", channels_at=channels_at) == SCENE.transpose(0, 3, 1, 2)).all()


def test_arrays_with_transparency(tmp_path: Path) -> None:
    cover = np.zeros((6, SIDE, SIDE, 1), np.uint8)
    cover[:, 4:] = 255
    np.savez(tmp_path / "a.npz", images=np.concatenate([SCENE, cover], axis=3))
    images = train(tmp_path / "a.npz", background="black")
    assert (images[:, :, :4] == 0).all() and (images[:, :, 4:] == SCENE.transpose(0, 3, 1, 2)[:, :, 4:]).all()


@pytest.mark.parametrize(
    ("labels", "numbers", "names"),
    [
        (np.array([[2], [5], [2]]), [2, 5, 2], ()),
        (np.eye(3)[[2, 0, 1]], [2, 0, 1], ()),
        (np.array([1.0, 3.0, 1.0]), [1, 3, 1], ()),
        (np.array(["b", "a", "b"]), [1, 0, 1], ("a", "b")),
    ],
)
def test_labels_of_every_form(tmp_path: Path, labels: np.ndarray, numbers: list[int], names: tuple[str, ...]) -> None:
    np.savez(tmp_path / "a.npz", images=GRAY[:3], labels=labels)
    found = read(tmp_path / "a.npz").splits["train"]
    assert found.labels is not None and found.labels.tolist() == numbers and found.class_names == names


# IDX, CIFAR, CSV.


def idx(array: np.ndarray, kind: int = 0x08) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", kind << 8 | array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_emnist_is_turned_upright(tmp_path: Path, ending: str) -> None:
    pack = gzip.compress if ending else bytes
    prefix = "emnist-letters-train"
    (tmp_path / f"{prefix}-images-idx3-ubyte{ending}").write_bytes(pack(idx(GRAY.transpose(0, 2, 1))))
    (tmp_path / f"{prefix}-labels-idx1-ubyte{ending}").write_bytes(pack(idx(np.array([1, 2, 1, 2, 1, 2], np.uint8))))
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n")
    found = read(tmp_path)
    assert (found.splits["train"].images[:, 0] == GRAY).all()
    assert found.splits["train"].class_names == ("A", "B") and found.notes.done[0].key == "transposed"


def test_transposed_files_of_another_name(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(GRAY.transpose(0, 2, 1)))
    assert (train(tmp_path, orientation="transposed")[:, 0] == GRAY).all()


def test_idx_in_color_and_with_floats(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx4-ubyte").write_bytes(idx(SCENE))
    assert (train(tmp_path) == SCENE.transpose(0, 3, 1, 2)).all()
    (tmp_path / "train-images-idx4-ubyte").write_bytes(idx((GRAY / 255).astype(">f4"), 0x0D))
    assert (train(tmp_path)[:, 0] == GRAY).all()


def test_several_idx_sets_in_a_folder_ask_for_one(tmp_path: Path) -> None:
    for name in ("emnist-digits", "emnist-letters"):
        (tmp_path / f"{name}-train-images-idx3-ubyte").write_bytes(idx(GRAY.transpose(0, 2, 1)))
    assert key(tmp_path) == "several idx sets"
    assert (train(tmp_path / "emnist-digits-train-images-idx3-ubyte")[:, 0] == GRAY).all()


def test_cifars_binary_version(tmp_path: Path) -> None:
    images = RANDOM.integers(0, 256, (4, 3, 32, 32), np.uint8)
    rows = np.concatenate([np.array([[3], [0], [3], [1]], np.uint8), images.reshape(4, -1)], axis=1)
    rows[:2].tofile(tmp_path / "data_batch_1.bin")
    rows[2:3].tofile(tmp_path / "data_batch_2.bin")
    rows[3:].tofile(tmp_path / "test_batch.bin")
    (tmp_path / "batches.meta.txt").write_text("plane\ncar\nbird\ncat\n")
    found = read(tmp_path).splits
    assert (found["train"].images == images[:3]).all() and (found["test"].images == images[3:]).all()
    assert found["train"].class_names == ("plane", "cat") and found["test"].class_names == ("car",)


@pytest.mark.parametrize("where", ["first", "last", "none", "no header"])
def test_kaggles_tables(tmp_path: Path, where: str) -> None:
    pixels, labels = GRAY.reshape(6, -1), np.array([3, 1, 4, 1, 5, 9])
    names = [f"pixel{number}" for number in range(pixels.shape[1])]
    rows = pixels if where == "none" else np.column_stack([pixels, labels] if where == "last" else [labels, pixels])
    header = {"first": ["label", *names], "last": [*names, "class"], "none": names, "no header": []}[where]
    with (tmp_path / "train.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        if header:
            writer.writerow(header)
        writer.writerows(rows.tolist())
    (tmp_path / "other.csv.gz").write_bytes(gzip.compress((tmp_path / "train.csv").read_bytes()))
    for path in (tmp_path, tmp_path / "train.csv", tmp_path / "other.csv.gz"):
        found = read(path).splits["train"]
        assert (found.images[:, 0] == GRAY).all()
        assert found.labels is None if where == "none" else found.labels is not None
        assert where == "none" or (found.labels == labels).all()


def test_a_table_with_pixels_in_one_cell(tmp_path: Path) -> None:
    rows = [["emotion", "pixels", "Usage"]]
    for place, pixels in enumerate(GRAY):
        usage = "Training" if place < 4 else "PrivateTest"
        rows.append([str(place % 2), " ".join(map(str, pixels.ravel())), usage])
    with (tmp_path / "fer.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    packed = gzip.compress((tmp_path / "fer.csv").read_bytes())
    (tmp_path / "fer.csv.gz").write_bytes(packed)
    for name in ("fer.csv", "fer.csv.gz"):
        found = read(tmp_path / name).splits
        assert (found["train"].images[:, 0] == GRAY[:4]).all() and (found["test"].images[:, 0] == GRAY[4:]).all()
    (tmp_path / "fer.csv.gz").write_bytes(packed[: len(packed) // 2])
    with refused("no table of pixels", "data"):
        read(tmp_path / "fer.csv.gz")


# What is refused, with a remedy.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.pkl", "pickles"), ("a.pt", "pickles"), ("a.mat", "foreign file"), ("a.h5", "foreign file"),
        ("a.zip", "packed"), ("a.tar.gz", "packed"), ("a.png", "one picture"), ("a.txt", "neither folder nor npz"),
        ("a.npy", "unreadable npy"), ("a.csv", "columns of another number"),
    ],
)  # fmt: skip
def test_other_files_are_refused(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / name).write_bytes(b"label,pixels and more\n1,x\n")
    assert key(tmp_path / name) == expected


def test_cifars_pickles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04N.")
    assert key(tmp_path) == "pickles"


def test_pictures_of_a_kind_that_is_not_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"x")
    assert key(tmp_path) == "only unread pictures"


# The cache.


def test_many_pictures_are_kept_and_changed_ones_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETGAN_CACHE", str(tmp_path / "cache"))
    folder, reads = tmp_path / "data", []
    for place in range(LEAST):
        save(folder / f"{place:04d}.png", np.full((4, 4), place % 200 + 40, np.uint8))

    def shown(count: int) -> Any:
        from pocketgan.images.intake.read import silent

        reads.append(count)
        return silent(count)

    def first_pixels() -> list[int]:
        return read_collection(str(folder), Wishes(), shown).splits["train"].images[:, 0, 0, 0].tolist()

    before = first_pixels()
    assert first_pixels() == before and reads == [LEAST]
    os.utime(folder / "0003.png", ns=(1, 1))
    assert first_pixels() == before and reads == [LEAST], "only a time has changed"
    status = (folder / "0003.png").stat()
    save(folder / "0003.png", np.full((4, 4), 41, np.uint8))
    os.utime(folder / "0003.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert first_pixels()[3] == 41 and reads == [LEAST, LEAST]
    (folder / "0004.png").unlink()
    assert len(first_pixels()) == LEAST - 1


# A look.


def test_a_look_tells_and_writes_what_the_networks_will_see(tmp_path: Path) -> None:
    for place in range(6):
        save(tmp_path / f"data/{'ab'[place % 2]}/{place}.png", SCENE[place])
    save(tmp_path / "data/a/again.png", SCENE[0])
    save(tmp_path / "data/b/near.png", np.clip(SCENE[1].astype(int) + 1, 0, 255).astype(np.uint8))
    save(tmp_path / "data/b/flat.png", np.full((SIDE, SIDE, 3), (9, 80, 7), np.uint8))
    (tmp_path / "data/notes.txt").write_text("x")
    found = pocketgan.look(tmp_path / "data", recipe="mlp", progress=False)
    told = found.to_json()
    assert (told["images"], told["channels"], told["size"]) == (9, 3, SIDE)
    assert told["classes"] == {"train": {"a": 4, "b": 5}} and told["one_color"] == 1
    assert told["duplicates"]["count"] == 1 and told["duplicates"]["examples"] == [["a/0.png", "a/again.png"]]
    assert told["near_duplicates"]["examples"] == [["b/1.png", "b/near.png"]]
    assert told["speed"]["images_per_second"] > 0 and len(told["skipped"]) == 1
    folder = found.save(tmp_path / "look")
    with np.load(folder / "images.npz") as archive:
        by_name = dict(zip(archive["files"].tolist(), archive["images"], strict=True))
        assert archive["class_names"][archive["labels"]].tolist() == [name[0] for name in archive["files"]]
    assert (by_name["a/2.png"] == SCENE[2].transpose(2, 0, 1)).all()
    with Image.open(folder / "data.png") as sheet:
        assert sheet.width > 3 * SIDE


def test_arrays_in_python_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETGAN_CACHE", str(tmp_path))
    found = pocketgan.look((GRAY / 255, ["x", "y"] * 3), recipe="mlp", progress=False)
    assert (found.images.images[:, 0].numpy() == GRAY).all() and found.images.class_names == ("x", "y")
    one = pocketgan.look((GRAY / 255, ["x"] * 6), recipe="mlp", progress=False)
    assert "one class: x 6" in str(one) and str(one).endswith("an epoch takes 1 s")


def test_a_data_set_of_the_hubs_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra 'hub' isn't installed")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    form = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog", "none"])})
    for split, images in (("train", GRAY[:4]), ("test", GRAY[4:])):
        rows = {"image": [Image.fromarray(pixels) for pixels in images], "label": [1, 0, 1, 0][: len(images)]}
        path = tmp_path / f"hub/data/{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict(rows, features=form).to_parquet(path)
    found = read_collection(f"hf:{tmp_path / 'hub'}").splits
    assert (found["train"].images[:, 0] == GRAY[:4]).all() and (found["test"].images[:, 0] == GRAY[4:]).all()
    assert found["train"].class_names == ("cat", "dog")
    assert found["train"].labels is not None and found["train"].labels.tolist() == [1, 0, 1, 0]
    assert key(tmp_path / "hub") == "parquet"
    with pytest.raises(DataError) as caught:
        read_collection(f"hf:{tmp_path / 'nothing'}")
    assert caught.value.key == "no hub data"


def test_damaged_pictures_do_not_spoil_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETGAN_CACHE", str(tmp_path / "cache"))
    for place in range(LEAST):
        save(tmp_path / f"data/{place:04d}.png", np.full((4, 4), place % 200 + 40, np.uint8))
    (tmp_path / "data/0007.png").write_bytes(b"no picture")
    reads = []

    def shown(count: int) -> Any:
        from pocketgan.images.intake.read import silent

        reads.append(count)
        return silent(count)

    for _ in range(2):
        found = read_collection(str(tmp_path / "data"), Wishes(skip_damaged=True), shown)
        assert len(found.splits["train"].images) == LEAST - 1 and found.notes.skipped["damaged"][0] == 1
    assert reads == [LEAST]


def test_pairs_of_copies_are_found_through_their_first_image() -> None:
    """Equal images aren't compared with each other, and each copy is a pair with what is near it."""
    rng = np.random.default_rng(0)
    base = torch.from_numpy(rng.integers(0, 240, (3, 1, 16, 16), np.uint8))
    images = torch.cat([base[:1], base[1:], base[:1], base[:1] + 3])
    equal = [[0, 3]]
    assert near_images(images, equal) == [(0, 4), (3, 4)] == near_images(images)
    assert near_images(base[:1].repeat(5, 1, 1, 1), [list(range(5))]) == []
