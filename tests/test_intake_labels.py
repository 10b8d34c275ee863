"""Labels and splits of data as they lie: tables of other tools, folders of other people, arrays under other names."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import pocketgan
from pocketgan.base.errors import DataError
from pocketgan.images.conditions import read_conditions, standardized
from pocketgan.images.intake.contents import Collection
from pocketgan.images.intake.decoding import Wishes
from pocketgan.images.intake.read import read_collection
from pocketgan.images.pairs import read_pairs
from pocketgan.metrics.evaluation import read_images
from refusals import refused

SIDE = 16
GRAY = np.random.default_rng(3).integers(0, 256, (20, SIDE, SIDE), np.uint8)
GRAY[:, 0, 0] = 255


def read(path: Path, **wishes: Any) -> Collection:
    return read_collection(str(path), Wishes(**wishes))


def pictures(folder: Path, *names: str, start: int = 0) -> None:
    for place, name in enumerate(names, start=start):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(GRAY[place]).save(folder / name)


def classes(found: Collection, part: Any = "train") -> list[str]:
    """Returns the class of each image of a split by its name."""
    split = found.splits[part]
    return [] if split.labels is None else [split.class_names[label] for label in split.labels]


def keys(found: Collection) -> set[str]:
    return {note.key for note in found.notes.sentences()}


ABC = ("a.png", "b.png", "c.png")


def with_table(folder: Path, text: str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    pictures(folder, *ABC)
    (folder / name).write_text(text, encoding=encoding)
    return folder


# Which column holds the labels.


def test_of_several_columns_one_must_be_chosen(tmp_path: Path) -> None:
    with_table(tmp_path, "lesion_id,image_id,dx,age\nH0,a,mel,30\nH1,b,nv,31\nH2,c,mel,32\n", "ham.csv")
    found = read(tmp_path)
    assert found.splits["train"].labels is None and keys(found) == {"table unused"}
    with refused("no label file", "labels"):
        read(tmp_path, labels="ham.csv")
    found = read(tmp_path, labels="ham.csv:dx")
    assert classes(found) == ["mel", "nv", "mel"] and "labels from column" in keys(found)
    with refused("no label file", "labels"):
        read(tmp_path, labels=f"{tmp_path}/ham.csv:sex")


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("1.0", "0.0"), ("1", "-1"), ("True", "False")])
def test_columns_that_say_yes_or_no_are_labels(tmp_path: Path, yes: str, no: str) -> None:
    text = f"image,x,y\na,{yes},{no}\nb,{no},{yes}\nc,{yes},{{}}\n"
    found = read(with_table(tmp_path / "one", text.format(no)))
    assert classes(found) == ["x", "y", "x"]
    found = read(with_table(tmp_path / "several", text.format(yes)))
    assert found.splits["train"].labels is not None
    assert found.splits["train"].labels.tolist() == [[1, 0], [0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id,name\na,cat\nb,dog\nc,cat\n", "utf-8"), ("breed,img\ncat,a.jpg\ndog,b.jpg\ncat,c.jpg\n", "utf-8"),
        ("file,label\nA.PNG, cat\nB.PNG , dog\nC.PNG,cat \n", "utf-8"), ("a,cat\nb,dog\nc,cat\n", "utf-8"),
        ("file\tlabel\na.png\tcat\nb.png\tdog\nc.png\tcat\n", "utf-16"),
    ],
)  # fmt: skip
def test_names_are_found_in_any_column_and_notation(tmp_path: Path, text: str, encoding: str) -> None:
    assert classes(read(with_table(tmp_path, text, encoding=encoding))) == ["cat", "dog", "cat"]


def test_composed_and_decomposed_letters_are_the_same(tmp_path: Path) -> None:
    pictures(tmp_path, "cafe\u0301.png", "b.png")
    (tmp_path / "t.csv").write_text("file,label\ncaf\u00e9.png,x\nb.png,y\n", encoding="utf-8")
    assert sorted(classes(read(tmp_path))) == ["x", "y"]


def test_cells_without_a_value_are_no_class(tmp_path: Path) -> None:
    found = read(with_table(tmp_path, "file,label\na.png,1\nb.png,nan\nc.png,0\n"), labels="t.csv")
    assert classes(found) == ["1", "0"] and found.notes.skipped["unlabeled"] == (1, ["b.png"])


def test_rows_that_name_no_picture_are_counted(tmp_path: Path) -> None:
    found = read(with_table(tmp_path, "file,label\na.png,x\nb.png,y\nc.png,x\nd.png,y\n"))
    assert classes(found) == ["x", "y", "x"] and "rows without picture" in keys(found)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("half.csv", "file,label\na.png,x\n", "table of few"), ("stats.csv", "step,loss\n1,0.5\n", "skipped foreign"),
        ("coco.json", json.dumps({"images": ["a.png"], "annotations": []}), "table unused"),
    ],
)  # fmt: skip
def test_a_table_that_is_not_used_is_said(tmp_path: Path, name: str, text: str, expected: str) -> None:
    found = read(with_table(tmp_path, text, name))
    assert found.splits["train"].labels is None and keys(found) == {expected}


def test_a_table_beside_class_folders_is_said_unless_it_says_the_same(tmp_path: Path) -> None:
    pictures(tmp_path, "00/a.png", "01/b.png")
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": [["00/a.png", 3], ["01/b.png", 5]]}))
    found = read(tmp_path)
    assert classes(found) == ["00", "01"] and keys(found) == {"table beside folders"}
    assert classes(read(tmp_path, labels="dataset.json")) == ["3", "5"]
    (tmp_path / "dataset.json").write_text(json.dumps({"00/a.png": "00", "01/b.png": "01"}))
    assert keys(read(tmp_path)) == set()


# Whose names they are.


def test_a_table_counts_for_its_own_split(tmp_path: Path) -> None:
    pictures(tmp_path, "train/0.png", "train/1.png", "test/0.png", "test/1.png")
    (tmp_path / "train/metadata.csv").write_text("file_name,label\n0.png,x\n1.png,y\n")
    found = read(tmp_path)
    assert classes(found) == ["x", "y"] and found.splits["test"].labels is None
    (tmp_path / "test/metadata.csv").write_text("file_name,label\n0.png,y\n1.png,z\n")
    found = read(tmp_path)
    assert classes(found) == ["x", "y"] and classes(found, "test") == ["y", "z"]


def test_a_table_may_be_about_the_split_in_its_name_or_one_of_them(tmp_path: Path) -> None:
    pictures(tmp_path, "train/a.png", "train/b.png", "test/c.png", "test/d.png")
    (tmp_path / "labels.csv").write_text("id,breed\na,cat\nb,dog\n")
    found = read(tmp_path)
    assert classes(found) == ["cat", "dog"] and found.splits["test"].labels is None
    assert len(found.splits["test"].images) == 2 and "split without labels" in keys(found)
    pictures(tmp_path, "test/a.png", start=9)
    assert read(tmp_path).splits["train"].labels is None, "two pictures are called a.png"
    with refused("name of several", "labels"):
        read(tmp_path, labels="labels.csv")
    (tmp_path / "labels.csv").rename(tmp_path / "train_labels.csv")
    assert classes(read(tmp_path)) == ["cat", "dog"]


def test_numbers_belong_to_the_picture_with_their_path(tmp_path: Path) -> None:
    table = tmp_path / "cond.csv"
    names = [f"{folder}/{place}.png" for folder in "xy" for place in range(3)]
    table.write_text("file,thick\n" + "".join(f"cond/{name},{number}\n" for number, name in enumerate(names)))
    values, _ = read_conditions(str(table), names, len(names), "cond")
    assert values[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    table.write_text("file,thick\n" + "".join(f"{place}.png,{place}\n" for place in range(3)))
    with refused("name of several", "condition"):
        read_conditions(str(table), names, len(names), "cond")
    table.write_text("file,thick\nx/0.png,1\nx/0.png,2\n")
    with refused("numbers twice", "condition"):
        read_conditions(str(table), names, len(names), "cond")


# Splits and wrappers.


def test_splits_in_a_folder_of_their_own_are_unwrapped(tmp_path: Path) -> None:
    for place, part in enumerate(("train", "test")):
        pictures(tmp_path / "twice", f"{part}/{part}/c/0.png", f"{part}/{part}/d/1.png", start=2 * place)
        pictures(tmp_path / "images", f"{part}/images/0.png", f"{part}/images/1.png", start=2 * place)
        pictures(tmp_path / "named", f"seg_{part}/seg_{part}/sea/0.png", f"seg_{part}/seg_{part}/ice/1.png")
    found = read(tmp_path / "twice")
    assert classes(found) == ["c", "d"] == classes(found, "test") and "wrapped" in keys(found)
    assert (found.splits["test"].images[:, 0] == GRAY[2:4]).all()
    assert read(tmp_path / "images").splits["train"].labels is None
    assert classes(read(tmp_path / "named"), "test") == ["ice", "sea"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train/a.png", "test/b.png", "extra/c.png"), "splits beside others"),
        (("seg_train/a.png", "seg_test/b.png", "extra/c.png"), "splits beside others"),
        (("val/a.png", "test/b.png"), "no training folder"),
        (("train/a.png", "training/b.png", "test/c.png"), "split twice"),
    ],
)
def test_folders_that_are_splits_in_part_are_refused(tmp_path: Path, names: tuple[str, ...], expected: str) -> None:
    pictures(tmp_path, *names)
    with refused(expected, "data"):
        read(tmp_path)


def test_a_class_that_is_called_like_a_split_is_said(tmp_path: Path) -> None:
    pictures(tmp_path, "train/a.png", "plane/b.png")
    found = read(tmp_path)
    assert classes(found) == ["plane", "train"] and "split as class" in keys(found)


def test_a_class_called_train_is_a_class(tmp_path: Path) -> None:
    pictures(tmp_path, "bus/a.png", "train/b.png")
    assert classes(read(tmp_path)) == ["bus", "train"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no names that aren't text")
def test_names_that_are_no_text_are_shown_with_a_sign(tmp_path: Path) -> None:
    for place, name in enumerate((b"caf\xe9", b"a\nb")):
        os.makedirs(os.fsencode(tmp_path) + b"/" + name)
        picture = tmp_path / "one.png"
        Image.fromarray(GRAY[place]).save(picture)
        os.rename(picture, os.fsencode(tmp_path) + b"/" + name + b"/0.png")
    found = read(tmp_path)
    assert sorted(classes(found)) == ["a\ufffdb", "caf\ufffd"]
    assert all(name.isprintable() for name in found.splits["train"].files)


def test_a_folder_that_is_given_by_a_link_is_read_once(tmp_path: Path) -> None:
    pictures(tmp_path / "real", "a/1.png", "b/2.png")
    (tmp_path / "real/a/back").symlink_to(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for path in (tmp_path / "real", tmp_path / "link"):
        assert list(read(path).splits["train"].files) == ["a/1.png", "b/2.png"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.zip", "packed"), ("a.pt", "pickles"), ("a.mat", "foreign file"), ("mnist.csv", "table in folder")],
)  # fmt: skip
def test_a_folder_of_other_files_says_what_they_are(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with refused(expected, "data"):
        read(tmp_path)


def test_a_look_shows_the_classes_of_all_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pocketgan.experiment.looking.FORECAST_SECONDS", 0.05)
    pictures(tmp_path / "data", "train/cat/a.png", "train/dog/b.png", "test/c.png")
    look = pocketgan.look("data", recipe="mlp", progress=False)
    assert look.counts() == {"train": {"cat": 1, "dog": 1}}, "the test split has none"
    assert pocketgan.look("data", recipe="mlp", classes="cat", progress=False).counts() == {"train": {"cat": 1}}
    (tmp_path / "data/test/c.png").rename(tmp_path / "c.png")
    pictures(tmp_path / "data", "test/emu/c.png", start=3)
    look = pocketgan.look("data", recipe="mlp", progress=False)
    assert look.counts()["test"] == {"cat": 0, "dog": 0, "emu": 1}
    for place, part in enumerate(("train", "test")):
        pictures(tmp_path / "many" / part, "a.png", "b.png", start=2 * place)
    (tmp_path / "many/train/t.csv").write_text("file,label\na.png,x|y\nb.png,z\n")
    (tmp_path / "many/test/t.csv").write_text("file,label\na.png,x\nb.png,y\n")
    look = pocketgan.look("many", recipe="mlp", progress=False)
    assert look.images.condition_names == ("x", "y", "z") and look.images.conditions is not None
    assert look.images.conditions.tolist() == [[1, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]]


# Arrays.


def test_arrays_under_other_names_are_found_or_said(tmp_path: Path) -> None:
    labels = np.arange(20) % 3
    np.savez(tmp_path / "place.npz", GRAY, labels)
    np.savez(tmp_path / "target.NPZ.npz", Data=GRAY, target=labels)
    (tmp_path / "target.NPZ.npz").rename(tmp_path / "target.NPZ")
    np.savez(tmp_path / "more.npz", X_train=GRAY[:10], Y_train=labels[:10], X_valid=GRAY[10:], fold=labels)
    for name in ("place.npz", "target.NPZ"):
        split = read(tmp_path / name).splits["train"]
        assert split.labels is not None and (split.labels == labels).all()
    found = read(tmp_path / "more.npz")
    assert (found.splits["validation"].images[:, 0] == GRAY[10:]).all() and keys(found) == {"arrays unused"}
    np.savez(tmp_path / "objects.npz", images=GRAY, labels=np.array(["a"] * 20, object))
    with refused("array of objects", "data", array="labels"):
        read(tmp_path / "objects.npz")


def test_what_look_writes_is_read_with_its_splits(tmp_path: Path) -> None:
    split = ["train"] * 12 + ["validation"] * 3 + ["test"] * 5
    np.savez(tmp_path / "images.npz", images=GRAY, split=split, labels=np.arange(20) % 2, class_names=["x", "y"])
    found = read(tmp_path / "images.npz")
    assert (found.splits["test"].images[:, 0] == GRAY[15:]).all() and len(found.splits["train"].images) == 12
    assert classes(found, "validation") == ["x", "y", "x"]


def test_array_files_are_classes_or_pairs_and_never_lost(tmp_path: Path) -> None:
    for folder, names in (("kinds", ("cat", "x-ray", "dog")), ("letters", "wxyz"), ("parts", ("images_0", "images_1"))):
        (tmp_path / folder).mkdir()
        for place, name in enumerate(names):
            np.save(tmp_path / folder / f"{name}.npy", GRAY[place : place + 1])
        found = read(tmp_path / folder)
        assert len(found.splits["train"].images) == len(names) and keys(found) == {"files as classes"}
    (tmp_path / "pairs").mkdir()
    arrays = {"X_train": GRAY[:8], "Y_train": np.arange(8), "testX": GRAY[8:], "testY": np.arange(12)}
    for name, array in arrays.items():
        np.save(tmp_path / "pairs" / f"{name}.npy", array)
    for path in (tmp_path / "pairs", tmp_path / "pairs/X_train.npy"):
        found = read(path)
        assert (found.splits["test"].images[:, 0] == GRAY[8:]).all()
        assert found.splits["train"].labels is not None and found.splits["train"].labels.tolist() == list(range(8))


def test_tables_of_labels_are_for_pictures(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=GRAY, labels=np.arange(20) % 2)
    assert read(tmp_path / "a.npz", labels="none").splits["train"].labels is None
    with refused("table for arrays", "labels"):
        read(tmp_path / "a.npz", labels="labels.csv")


def test_one_hot_is_decided_for_all_splits(tmp_path: Path) -> None:
    rows = np.eye(3, dtype=np.uint8)[np.arange(20) % 3]
    rows[0] = 1
    arrays = {"train_images": GRAY[:10], "train_labels": rows[:10], "val_images": GRAY[10:], "val_labels": rows[10:]}
    np.savez(tmp_path / "a.npz", **arrays)
    found = read(tmp_path / "a.npz")
    shapes = [split.labels.shape for split in found.splits.values() if split.labels is not None]
    assert shapes == [(10, 3), (10, 3)] and keys(found) == {"several labels"}
    np.savez(tmp_path / "a.npz", **(arrays | {"val_labels": rows[10:, :2]}))
    with refused("labels of splits", "data"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "other", [GRAY[10:] / 255, GRAY[10:].astype(np.float32) / 127.5 - 1, np.where(GRAY[10:] > 0, np.nan, 0.5)]
)
def test_splits_of_other_values_are_refused(tmp_path: Path, other: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", images=GRAY[:10], test_images=other)
    with refused("images not finite" if np.isnan(other).any() else "ranges of splits", "data"):
        read(tmp_path / "a.npz")


# Tables of pixels.


@pytest.mark.parametrize("last", [False, True])
def test_without_names_of_columns_labels_are_where_they_repeat(tmp_path: Path, last: bool) -> None:
    rows, labels = GRAY.reshape(20, -1), np.arange(20) % 3
    np.savetxt(tmp_path / "a.csv", np.column_stack([rows, labels] if last else [labels, rows]), fmt="%d", delimiter=",")
    found = read(tmp_path / "a.csv")
    assert (found.splits["train"].images[:, 0] == GRAY).all() and keys(found) == {"labels in column", "rows"}
    assert found.splits["train"].labels is not None and (found.splits["train"].labels == labels).all()
    np.savetxt(tmp_path / "a.csv", np.column_stack([labels, rows[:, 1:], labels]), fmt="%d", delimiter=",")
    with refused("which column has labels", "data"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("start", [0, 1])
def test_numbers_of_columns_are_no_image(tmp_path: Path, start: int) -> None:
    header = ",".join(map(str, range(start, start + SIDE * SIDE)))
    np.savetxt(tmp_path / "a.csv", GRAY.reshape(20, -1), fmt="%d", delimiter=",", header=header, comments="")
    assert (read(tmp_path / "a.csv").splits["train"].images[:, 0] == GRAY).all()


def test_columns_that_are_no_pixels(tmp_path: Path) -> None:
    names, rows = [f"p{place}" for place in range(SIDE * SIDE)], GRAY.reshape(20, -1).tolist()

    def write(**columns: list[Any]) -> Path:
        lines = [",".join([*columns, *names])]
        lines += [",".join(map(str, [*cells, *row])) for *cells, row in zip(*columns.values(), rows, strict=True)]
        (tmp_path / "a.csv").write_text("\n".join(lines).replace("\n3,", '\n"3",'))
        return tmp_path / "a.csv"

    letters = ["A", "B"] * 10
    found = read(write(letter=letters))
    assert classes(found) == letters and "labels in named column" in keys(found)
    found = read(write(id=list(range(20)), label=letters))
    assert classes(found) == letters and "columns unused" in keys(found)
    assert (found.splits["train"].images[:, 0] == GRAY).all()
    found = read(write(id=list(range(20)), sex=letters))
    assert found.splits["train"].labels is None and "columns unused" in keys(found)


def test_cells_of_pixels_with_words_and_unused_columns(tmp_path: Path) -> None:
    lines = ["age,pixels,label"] + [f'{place},"{",".join(map(str, row.ravel()))}",x{place % 2}' for place, row in
                                    enumerate(GRAY)]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join(lines))
    found = read(tmp_path / "a.csv")
    assert (found.splits["train"].images[:, 0] == GRAY).all() and "columns unused" in keys(found)
    assert classes(found)[:2] == ["x0", "x1"]


def test_emnists_tables_are_turned_upright(tmp_path: Path) -> None:
    table = np.column_stack([np.arange(20) % 3, GRAY.swapaxes(1, 2).reshape(20, -1)])
    np.savetxt(tmp_path / "emnist-letters-train.csv", table, fmt="%d", delimiter=",")
    found = read(tmp_path / "emnist-letters-train.csv")
    assert (found.splits["train"].images[:, 0] == GRAY).all() and "transposed" in keys(found)
    np.save(tmp_path / "a.npy", GRAY.swapaxes(1, 2))
    assert (read(tmp_path / "a.npy", orientation="transposed").splits["train"].images[:, 0] == GRAY).all()
    pictures(tmp_path / "pictures", *ABC)
    found = read(tmp_path / "pictures", orientation="transposed")
    assert (found.splits["train"].images[:, 0] == GRAY[:3].swapaxes(1, 2)).all()


# Pictures.


def test_a_tint_is_kept_in_color(tmp_path: Path) -> None:
    tinted = np.stack([GRAY[0] // 2, GRAY[0] // 2 + 6, GRAY[0] // 2 + 12], axis=-1)
    Image.fromarray(tinted).save(tmp_path / "a.webp", lossless=True)
    assert (read(tmp_path).splits["train"].images[0] == tinted.transpose(2, 0, 1)).all()
    Image.fromarray(np.full((16, 16, 3), (40, 34, 34), np.uint8)).save(tmp_path / "a.webp", "JPEG", quality=100)
    red = read(tmp_path, color="rgb").splits["train"].images[0]
    assert red[0].mean() > red[1].mean() + 3
    assert read(tmp_path).splits["train"].images.shape[1] == 1


def test_deep_pictures_are_fitted_before_and_after_their_range_is_known(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (48, 64), np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    found = read(tmp_path, size=16)
    assert "scaled values" in keys(found) and found.splits["train"].images.shape == (1, 1, 16, 16)
    assert abs(float(found.splits["train"].images.mean()) - 127.5) < 10
    padded = read(tmp_path, size=16, fit="pad", background="#c8c8c8").splits["train"].images[0, 0]
    assert (padded[:2] == 200).all() and (padded[-2:] == 200).all()


def test_a_margin_has_the_color_of_the_background(tmp_path: Path) -> None:
    Image.fromarray(GRAY[0][:8]).save(tmp_path / "a.png")
    image = read(tmp_path, size=16, fit="pad", background="red", color="rgb").splits["train"].images[0]
    assert (image[:, 0] == np.array([[255], [0], [0]])).all() and (image[:, 4:12] == GRAY[0][:8]).all()


def test_values_that_are_not_finite_are_named(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", np.nan)):
        values = GRAY[0].astype(np.float32) / 255
        values[3, 3] = value
        Image.fromarray(values).save(tmp_path / f"{name}.tiff")
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert "b.tiff" in str(caught.value)
    assert len(read(tmp_path, skip_damaged=True).splits["train"].images) == 1


def test_a_range_holds_for_masks_beside_deep_pictures(tmp_path: Path) -> None:
    Image.fromarray((GRAY[0] > 127).astype(np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(GRAY[1].astype(np.float32) / 255).save(tmp_path / "b.tiff")
    images = read(tmp_path, value_range="0:1").splits["train"].images
    assert set(np.unique(images[0])) == {0, 255} and (images[1, 0] == GRAY[1]).all()


@pytest.mark.parametrize("ending", ["png", "webp", "tiff", "jpg"])
def test_every_turned_picture_is_said(tmp_path: Path, ending: str) -> None:
    picture = Image.fromarray(np.repeat(np.repeat(GRAY[0][:8], 4, 0), 4, 1))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / f"a.{ending}", exif=exif)
    found = read(tmp_path)
    assert "turned" in keys(found) and found.sizes == {(32, 64): 1}


def test_what_is_beside_pairs_is_counted_and_turned_halves_stay_in_their_place(tmp_path: Path) -> None:
    pictures(tmp_path / "two", "Input/a.png", "Target/a.png", "extra/b.png", "c.png")
    found = read_pairs(tmp_path / "two", Wishes())
    assert found.notes.skipped["beside pairs"] == (2, ["c.png", "extra"])
    with refused("table for pairs", "labels"):
        read_pairs(tmp_path / "two", Wishes(labels="t.csv"))
    pictures(tmp_path / "both", "train/a.png", "training/a.png")
    with refused("split twice", "pairs"):
        read_pairs(tmp_path / "both", Wishes())
    exif = Image.Exif()
    exif[0x0112] = 3
    (tmp_path / "turned").mkdir()
    whole = np.concatenate([GRAY[0], GRAY[1]], axis=1)
    Image.fromarray(whole[::-1, ::-1].copy()).save(tmp_path / "turned/a.png", exif=exif)
    split = read_pairs(tmp_path / "turned", Wishes()).splits["train"]
    assert split.inputs is not None
    assert (split.inputs[0, 0] == GRAY[0]).all() and (split.images[0, 0] == GRAY[1]).all()


def test_numbers_with_a_hole_are_refused_and_a_constant_one_has_its_value(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("author,file,thickness,slant\nme,a.png,1,2\nyou,b.png,2,n/a\n")
    with refused("no number file", "condition"):
        read_conditions(str(table), ["a.png", "b.png"], 2)
    table.write_text("author,file,thickness,year\nme,b.png,1,2020\nyou,a.png,2,2020\n")
    values, names = read_conditions(str(table), ["a.png", "b.png"], 2)
    assert names == ("thickness", "year") and values[:, 0].tolist() == [2, 1]
    scaled, means, scales = standardized(values)
    assert (means[1], scales[1]) == (2020, 1) and scaled[:, 1].tolist() == [0, 0]


def test_a_column_of_labels_is_not_one_of_several_that_say_yes_or_no(tmp_path: Path) -> None:
    found = read(with_table(tmp_path, "file,label,is_test\na.png,1,0\nb.png,0,1\nc.png,1,1\n"))
    assert classes(found) == ["1", "0", "1"]
    (tmp_path / "t.csv").write_text("file;label\na.png;10,20\nb.png; 7 | odd\nc.png;odd | 7\n")
    assert read(tmp_path).splits["train"].class_names == ("10,20", "7", "odd")


@pytest.mark.parametrize("text", ["abc", "1:0", "0:nan"])
def test_a_range_that_is_none_is_refused_in_evaluations(tmp_path: Path, text: str) -> None:
    np.savez(tmp_path / "a.npz", images=GRAY)
    with refused("no range", "pixel_range", text=text):
        read_images(tmp_path / "a.npz", None, text)


# The Hub.


def test_labels_of_the_hub_in_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra 'hub' isn't installed")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    breeds = datasets.ClassLabel(names=["poodle", "beagle"])
    many = datasets.Sequence(datasets.Value("string"))
    forms: dict[str, tuple[str, Any, list[Any]]] = {
        "named": ("breed", breeds, [1, 0, 1]), "words": ("label", datasets.Value("string"), ["x", "y", "x"]),
        "holes": ("label", datasets.Value("int64"), [4, None, 2]), "none": ("label", breeds, [-1, -1, -1]),
        "several": ("labels", many, [["x"], ["x", "y"], []]),
    }  # fmt: skip
    for name, (column, kind, labels) in forms.items():
        rows = {"image": [Image.fromarray(pixels) for pixels in GRAY[:3]], column: labels}
        form = datasets.Features({"image": datasets.Image(), column: kind})
        for split in ("train", "extra") if name == "named" else ("train",):
            path = tmp_path / name / f"data/{split}-00000-of-00001.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            datasets.Dataset.from_dict(rows, features=form).to_parquet(path)
    found = {name: read_collection(f"hf:{tmp_path / name}") for name in forms}
    assert classes(found["named"]) == ["beagle", "poodle", "beagle"]
    assert found["named"].splits["train"].class_names == ("poodle", "beagle"), "in the data set's order"
    assert classes(found["words"]) == ["x", "y", "x"] and classes(found["holes"]) == ["4", "2"]
    assert found["holes"].notes.skipped["unlabeled"][0] == 1
    assert found["none"].splits["train"].labels is None
    several = found["several"].splits["train"].labels
    assert several is not None and several.tolist() == [[1, 0], [1, 1], [0, 0]]
    assert "hub splits unused" in keys(found["named"])


def test_a_row_of_the_hub_without_a_picture_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra 'hub' isn't installed")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    rows = {"image": [Image.fromarray(GRAY[0]), None, Image.fromarray(GRAY[2])]}
    path = tmp_path / "hub/data/train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    datasets.Dataset.from_dict(rows, features=datasets.Features({"image": datasets.Image()})).to_parquet(path)
    with refused("damaged picture", "data"):
        read_collection(f"hf:{tmp_path / 'hub'}")
    found = read_collection(f"hf:{tmp_path / 'hub'}", Wishes(skip_damaged=True))
    assert (found.splits["train"].images[:, 0] == GRAY[[0, 2]]).all()
