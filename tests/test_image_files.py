import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from pocketgan.base.errors import DataError
from pocketgan.images import readers as image_files
from pocketgan.images.intake.contents import ImageFiles
from pocketgan.images.intake.idx import read_idx_file
from pocketgan.images.intake.pictures import MOST_PIXELS, read_picture
from pocketgan.images.readers import IMAGE_MAGIC, LABEL_MAGIC, MNIST_MD5, missing, parse_idx, read_mnist
from refusals import refused

IMAGES = np.arange(3 * 4 * 4, dtype=np.uint8).reshape(3, 4, 4)
LABELS = np.array([7, 0, 7])


def read(data, part="train") -> ImageFiles:
    """Returns one split of what is read."""
    collection = image_files.read(data, part=part)
    if part not in collection.splits:
        raise missing(collection, data, part)
    return collection.splits[part]


def read_npz(path, part) -> ImageFiles:
    return read(str(path), part)


def idx(array, magic=None):
    """Returns the IDX file of a uint8 array."""
    magic = {1: LABEL_MAGIC, 3: IMAGE_MAGIC}[array.ndim] if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.astype(np.uint8).tobytes()


def write_idx(folder, prefix="train", images=IMAGES, labels=LABELS, end="", pack=bytes):
    (folder / f"{prefix}-images-idx3-ubyte{end}").write_bytes(pack(idx(images)))
    if labels is not None:
        (folder / f"{prefix}-labels-idx1-ubyte{end}").write_bytes(pack(idx(labels)))


def save(path, pixels):
    """Writes a picture: one colour of 4×4 pixels where `pixels` is a number or a triple, else an array."""
    if not isinstance(pixels, np.ndarray):
        pixels = np.full((4, 4, 3) if isinstance(pixels, tuple) else (4, 4), pixels, np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def error_of(data, part="train"):
    """Returns the error with which `read` refuses the data; its message must be one line."""
    with pytest.raises(DataError) as caught:
        read(str(data), part)
    assert caught.value.field == "data"
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def refusal(data, part="train"):
    """Returns why `read` refuses the data."""
    return str(error_of(data, part))


def outcome(reader, *arguments):
    """Returns what a reader returns, or the message with which it refuses."""
    try:
        return reader(*arguments)
    except DataError as error:
        return str(error)


# The MNIST in the package.


def test_the_packaged_training_images_are_mnist():
    found = read_mnist("train")
    assert found.images.shape == (60000, 1, 28, 28) and found.images.dtype == np.uint8
    assert found.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(found.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert found.images.mean() / 255 == pytest.approx(0.13066, abs=1e-5)


def test_the_packaged_test_images_are_mnist():
    found = read_mnist("test")
    assert found.images.shape == (10000, 1, 28, 28) and found.images.dtype == np.uint8
    assert found.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(found.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


FIRST_STACKED = [354, 45, 851, 106, 652]


def test_stacked_images_are_three_digits_and_their_number():
    stacked, digits = read("stacked-mnist", "test"), read("mnist", "test")
    assert stacked.images.shape == (26_000, 3, 28, 28) and stacked.images.dtype == np.uint8
    assert stacked.class_names[0] == "000" and stacked.class_names[-1] == "999" and len(stacked.class_names) == 1000
    by_pixels = {image.tobytes(): label for image, label in zip(digits.images, digits.labels, strict=True)}
    for image, number in zip(stacked.images[:200], stacked.labels[:200], strict=True):
        assert [by_pixels[channel.tobytes()] for channel in image] == [int(digit) for digit in f"{number:03d}"]


def test_all_thousand_stacked_classes_are_there_and_the_same_everywhere():
    stacked = read("stacked-mnist", "train")
    assert len(stacked.images) == 60_000
    assert np.bincount(stacked.labels, minlength=1000).min() > 20
    assert stacked.labels[:5].tolist() == FIRST_STACKED


@pytest.fixture
def unread() -> Iterator[None]:
    """Forgets what was read of the package, before and after."""
    read_mnist.cache_clear()
    yield
    read_mnist.cache_clear()


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_another_checksum_is_refused(monkeypatch, name):
    monkeypatch.setitem(MNIST_MD5, name, "0" * 32)
    with refused("package damaged", "data"):
        read_mnist("test")


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[:-1],
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:1000] + bytes([raw[1000] ^ 1]) + raw[1001:],
        lambda raw: b"<html>404</html>",
        lambda raw: gzip.compress(b"another file", mtime=0),
    ],
    ids=["empty", "cut by a byte", "half", "flipped bit", "not gzip", "another file"],
)
@pytest.mark.usefixtures("unread")
def test_a_damaged_package_is_refused(monkeypatch, tmp_path, damage):
    packaged = image_files.resources.files("pocketgan").joinpath("mnist")
    (tmp_path / "mnist").mkdir()
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        raw = packaged.joinpath(name).read_bytes()
        (tmp_path / "mnist" / name).write_bytes(damage(raw) if "labels" in name else raw)
    monkeypatch.setattr(image_files.resources, "files", lambda package: tmp_path)
    with refused("package damaged", "data"):
        read_mnist("test")


# IDX.


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=3, max_size=3), st.integers(0, 2**32 - 1))
def test_idx_images_go_round(shape, seed):
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    found = parse_idx(idx(array), IMAGE_MAGIC, "x")
    assert found.dtype == np.uint8 and found.shape == array.shape
    assert (found == array).all()


@settings(deadline=None)
@given(st.binary(max_size=50))
def test_idx_labels_go_round(labels):
    assert parse_idx(struct.pack(">II", LABEL_MAGIC, len(labels)) + labels, LABEL_MAGIC, "x").tobytes() == labels


SIZES = st.integers(0, 4) | st.sampled_from([2**16, 2**31 - 1, 2**31, 2**32 - 1])
HEADERS = st.builds(
    lambda sizes, rest: struct.pack(">4I", IMAGE_MAGIC, *sizes) + rest, st.tuples(SIZES, SIZES, SIZES), st.binary()
)


@settings(deadline=None)
@given(st.binary() | HEADERS, st.sampled_from([IMAGE_MAGIC, LABEL_MAGIC]))
@example(struct.pack(">4I", IMAGE_MAGIC, 2**32 - 1, 2**32 - 1, 0), IMAGE_MAGIC)
def test_any_bytes_are_read_or_refused(raw, magic):
    found = outcome(parse_idx, raw, magic, "the file")
    if isinstance(found, str):
        assert "the file" in found
    else:
        assert raw == struct.pack(f">{1 + found.ndim}I", magic, *found.shape) + found.tobytes()


@pytest.mark.parametrize("length", range(16 + IMAGES.size))
def test_every_shorter_file_is_refused(length):
    with pytest.raises(DataError, match="the file is cut short"):
        parse_idx(idx(IMAGES)[:length], IMAGE_MAGIC, "the file")


def test_a_longer_file_is_refused():
    with pytest.raises(DataError) as caught:
        parse_idx(idx(IMAGES) + b"\0", IMAGE_MAGIC, "the file")
    assert caught.value.key == "too long"
    assert caught.value.parts == {"file": "the file", "announced": "3×4×4", "length": 49}


@pytest.mark.parametrize("magic", [0, LABEL_MAGIC, 0x0D03, 0x03080000, 0xFFFFFFFF])
def test_another_magic_number_is_refused(magic):
    with pytest.raises(DataError) as caught:
        parse_idx(idx(IMAGES, magic), IMAGE_MAGIC, "the file")
    assert caught.value.key == "wrong magic"
    assert caught.value.parts == {"file": "the file", "found": f"0x{magic:08x}", "expected": "0x00000803"}


@pytest.mark.parametrize(("end", "pack"), [("", bytes), (".gz", gzip.compress), ("", gzip.compress), (".gz", bytes)])
def test_a_folder_of_idx_files_is_read_raw_or_compressed(tmp_path, end, pack):
    write_idx(tmp_path, end=end, pack=pack)
    found = read(str(tmp_path), "train")
    assert (found.images == IMAGES[:, None]).all()
    assert found.labels.tolist() == [7, 0, 7]
    assert found.class_names == ()


def test_idx_splits_are_different_files(tmp_path):
    write_idx(tmp_path)
    write_idx(tmp_path, "t10k", 255 - IMAGES[:2], LABELS[:2])
    assert (read(str(tmp_path), "train").images == IMAGES[:, None]).all()
    assert (read(str(tmp_path), "test").images == 255 - IMAGES[:2, None]).all()
    assert read(str(tmp_path), "test").labels.tolist() == [7, 0]


def test_idx_names_with_a_dot_are_read(tmp_path):
    (tmp_path / "train-images.idx3-ubyte").write_bytes(idx(IMAGES))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(idx(LABELS))
    found = read(str(tmp_path), "train")
    assert (found.images == IMAGES[:, None]).all() and found.labels.tolist() == [7, 0, 7]


def test_idx_labels_may_be_missing(tmp_path):
    write_idx(tmp_path, labels=None)
    assert read(str(tmp_path), "train").labels is None


def test_a_missing_idx_split_is_named(tmp_path):
    write_idx(tmp_path)
    text = refusal(tmp_path, "test")
    assert "t10k-images-idx3-ubyte" in text and str(tmp_path) in text


def test_labels_in_place_of_images_are_refused(tmp_path):
    write_idx(tmp_path)
    images = tmp_path / "train-images-idx3-ubyte"
    images.write_bytes(idx(np.zeros(50, np.uint8)))
    error = error_of(tmp_path)
    assert error.key == "wrong magic"
    assert error.parts == {"file": str(images), "found": "0x00000801", "expected": "0x00000803"}


def test_idx_labels_that_do_not_match_are_refused(tmp_path):
    write_idx(tmp_path, labels=LABELS[:2])
    text = refusal(tmp_path)
    assert str(tmp_path / "train-labels-idx1-ubyte") in text and "2 labels for 3 images" in text


@pytest.mark.parametrize("cut", [2, 3, 10, 20, -1, -9])
def test_a_damaged_gzip_file_is_named(tmp_path, cut):
    write_idx(tmp_path, end=".gz", pack=gzip.compress)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:cut])
    assert str(path) in refusal(tmp_path)


@settings(deadline=None)
@given(rest=st.binary())
def test_any_bytes_that_begin_like_gzip_are_refused(tmp_path_factory, rest):
    path = tmp_path_factory.getbasetemp() / "damaged.gz"
    path.write_bytes(b"\x1f\x8b" + rest)
    with refused("unreadable", "data"):
        read_idx_file(path, IMAGE_MAGIC)


def test_an_idx_file_that_is_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        read_idx_file(tmp_path, IMAGE_MAGIC)
    assert caught.value.key == "unreadable" and caught.value.parts["path"] == tmp_path


@pytest.mark.parametrize("shape", [(0, 4, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0)])
def test_idx_files_without_a_pixel_are_refused(tmp_path, shape):
    write_idx(tmp_path, images=np.zeros(shape, np.uint8), labels=None)
    assert str(tmp_path) in refusal(tmp_path)


# NPZ.


@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ((5, 4, 4), None),
        ((5, 1, 4, 4), None),
        ((5, 3, 4, 4), None),
        ((5, 4, 4, 1), (0, 3, 1, 2)),
        ((5, 4, 4, 3), (0, 3, 1, 2)),
    ],
)
@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_npz_images_are_read_in_every_layout(tmp_path, shape, order, write):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    write(tmp_path / "set.npz", images=images, labels=np.array([3, 1, 3, 2, 1]))
    found = read(str(tmp_path / "set.npz"), "train")
    expected = images.reshape(5, -1, 4, 4) if order is None else images.transpose(order)
    assert found.images.shape == expected.shape and found.images.dtype == np.uint8
    assert (found.images == expected).all()
    assert found.labels.tolist() == [3, 1, 3, 2, 1]


def test_npz_labels_may_be_missing(tmp_path):
    np.savez(tmp_path / "set.npz", images=IMAGES)
    assert read(str(tmp_path / "set.npz"), "train").labels is None


def test_npz_splits_are_different_arrays(tmp_path):
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=LABELS, test_images=255 - IMAGES, test_labels=LABELS + 1)
    assert (read(str(tmp_path / "set.npz"), "train").images == IMAGES[:, None]).all()
    assert (read(str(tmp_path / "set.npz"), "test").images == 255 - IMAGES[:, None]).all()
    assert read(str(tmp_path / "set.npz"), "test").labels.tolist() == [8, 1, 8]


def test_a_missing_npz_split_is_named(tmp_path):
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=LABELS)
    assert error_of(tmp_path / "set.npz", "test").key == "no array of split"


def test_missing_npz_images_are_named_with_what_is_there(tmp_path):
    np.savez(tmp_path / "set.npz", pictures=IMAGES)
    text = refusal(tmp_path / "set.npz")
    assert "holds pictures, but no 'images'" in text and "set.npz" in text


@pytest.mark.parametrize("values", [IMAGES.astype(complex), np.full((3, 4, 4), "a")])
def test_npz_images_that_are_no_numbers_are_refused(tmp_path, values):
    np.savez(tmp_path / "set.npz", images=values)
    assert error_of(tmp_path / "set.npz").key == "npz type"


@pytest.mark.parametrize("shape", [(16,), (5, 7, 4, 8), (5, 1, 1, 4, 4), (5, 0, 4), (5, 1, 4, 0)])
def test_npz_images_of_another_shape_are_refused(tmp_path, shape):
    np.savez(tmp_path / "set.npz", images=np.zeros(shape, np.uint8))
    error = error_of(tmp_path / "set.npz")
    assert error.key == "npz shape" and error.parts["path"] == str(tmp_path / "set.npz")
    assert error.parts["shape"] == shape


@pytest.mark.parametrize("shape", [(0, 4, 4), (0, 1, 4, 4)])
def test_an_npz_file_without_images_is_refused(tmp_path, shape):
    np.savez(tmp_path / "set.npz", images=np.zeros(shape, np.uint8))
    assert "holds no images" in refusal(tmp_path / "set.npz")


@pytest.mark.parametrize("labels", [LABELS[:2], np.arange(4)])
def test_npz_labels_that_do_not_match_are_refused(tmp_path, labels):
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=labels)
    assert f"{len(labels)} labels for 3 images" in refusal(tmp_path / "set.npz")


@pytest.mark.parametrize(("labels", "key"), [
    (LABELS + 0.5, "labels with fractions"), (LABELS * 1j, "npz labels"), (np.zeros((3, 2, 2), int), "npz labels")
])  # fmt: skip
def test_npz_labels_that_are_no_classes_are_refused(tmp_path, labels, key):
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=labels)
    assert error_of(tmp_path / "set.npz").key == key


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"hello, this is no archive at all", b"\x80\x04N.", npy(IMAGES), gzip.compress(npy(IMAGES))],
    ids=["empty", "two bytes", "text", "pickle", "npy", "gzip"],
)
def test_what_is_no_npz_archive_is_refused(tmp_path, content):
    (tmp_path / "set.npz").write_bytes(content)
    error = error_of(tmp_path / "set.npz")
    assert error.key == "unreadable npz" and error.parts["path"] == tmp_path / "set.npz"


@pytest.mark.parametrize("member", ["images", "images.npy"])
def test_an_archive_of_something_else_is_refused(tmp_path, member):
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr(member, "no array")
    assert "set.npz" in refusal(tmp_path / "set.npz")


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "set.npz", images=np.array([{}, []], dtype=object))
    assert "set.npz" in refusal(tmp_path / "set.npz")


@pytest.mark.slow
@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_an_npz_file_damaged_anywhere_is_read_or_refused(tmp_path, write):
    path = tmp_path / "set.npz"
    write(path, images=IMAGES)
    raw = path.read_bytes()
    for position in range(len(raw)):
        for flip in (0x01, 0xFF):
            path.write_bytes(raw[:position] + bytes([raw[position] ^ flip]) + raw[position + 1 :])
            found = outcome(read_npz, path, "train")
            if isinstance(found, str):
                assert "set.npz" in found
            else:
                assert (found.images == IMAGES[:, None]).all()


# Folders of pictures.


def test_a_flat_folder_has_no_labels(tmp_path):
    for name, grey in (("b.png", 20), ("a.PNG", 10), ("c.png", 130)):
        save(tmp_path / name, grey)
    (tmp_path / "notes.txt").write_text("not a picture")
    found = read(str(tmp_path), "train")
    assert found.images.shape == (3, 1, 4, 4) and found.images.dtype == np.uint8
    assert found.images[:, 0, 0, 0].tolist() == [10, 20, 130]
    assert found.labels is None and found.class_names == ()


def test_jpeg_pictures_are_read(tmp_path):
    save(tmp_path / "a.jpg", 128)
    save(tmp_path / "b.JPEG", 128)
    assert (read(str(tmp_path), "train").images == 128).all()


def test_sub_folders_are_classes(tmp_path):
    for name, grey in (("dog/1.png", 101), ("cat/1.png", 2), ("cat/2.png", 3), ("ant/x.png", 4)):
        save(tmp_path / name, grey)
    (tmp_path / "empty").mkdir()
    found = read(str(tmp_path), "train")
    assert found.class_names == ("ant", "cat", "dog")
    assert found.labels.tolist() == [0, 1, 1, 2]
    assert found.images[:, 0, 0, 0].tolist() == [4, 2, 3, 101]


def test_coloured_pictures_have_three_channels(tmp_path):
    save(tmp_path / "a.png", (1, 2, 3))
    save(tmp_path / "b.png", (4, 5, 60))
    images = read(str(tmp_path), "train").images
    assert images.shape == (2, 3, 4, 4)
    assert images[:, :, 0, 0].tolist() == [[1, 2, 3], [4, 5, 60]]


def test_grey_pictures_among_coloured_ones_are_repeated(tmp_path):
    save(tmp_path / "a.png", 9)
    save(tmp_path / "b.png", (4, 5, 60))
    images = read(str(tmp_path), "train").images
    assert images.shape == (2, 3, 4, 4)
    assert images[:, :, 3, 3].tolist() == [[9, 9, 9], [4, 5, 60]]


def test_rows_and_columns_stay_where_they_are(tmp_path):
    pixels = 3 * np.arange(16, dtype=np.uint8).reshape(4, 4)
    save(tmp_path / "a.png", pixels)
    assert (read(str(tmp_path), "train").images[0, 0] == pixels).all()


@pytest.mark.parametrize(
    ("mode", "shape", "value"),
    [("1", (4, 4), 255), ("L", (4, 4), 77), ("LA", (4, 4), 77), ("RGBA", (4, 4), 77), ("P", (4, 4), 77)],
)
def test_pictures_of_every_mode_become_grey_or_rgb(tmp_path, mode, shape, value):
    Image.fromarray(np.full((4, 4), value, np.uint8)).convert(mode).save(tmp_path / "a.png")
    pixels = read_picture(tmp_path / "a.png")
    assert pixels.shape == shape and pixels.dtype == np.uint8
    assert (pixels == value).all()


def test_sixteen_bit_pictures_keep_their_greys(tmp_path):
    levels = np.array([[0, 0x4000], [0x8000, 0xFFFF]], np.uint16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").tolist() in ([[0, 64], [128, 255]], [[0, 63], [127, 255]])


@pytest.mark.parametrize("classes", [("",), ("a/", "b/")])
def test_splits_are_sub_folders(tmp_path, classes):
    for number, name in enumerate(classes):
        save(tmp_path / f"train/{name}1.png", 10 + number)
        save(tmp_path / f"train/{name}2.png", 20 + number)
        save(tmp_path / f"test/{name}1.png", 130 + number)
    train, test = read(str(tmp_path), "train"), read(str(tmp_path), "test")
    assert sorted(train.images[:, 0, 0, 0].tolist()) == sorted(x + n for n in range(len(classes)) for x in (10, 20))
    assert test.images[:, 0, 0, 0].tolist() == [130 + n for n in range(len(classes))]
    assert train.class_names == test.class_names == (("a", "b") if len(classes) == 2 else ())


def test_a_missing_test_folder_is_refused(tmp_path):
    save(tmp_path / "train/1.png", 1)
    error = error_of(tmp_path, "test")
    assert error.key == "no test folder" and error.parts == {"folder": str(tmp_path), "split": "test"}


def test_a_folder_without_splits_has_no_test_split(tmp_path):
    save(tmp_path / "1.png", 1)
    assert f"{tmp_path} has no test split" in refusal(tmp_path, "test")


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_an_undecodable_picture_is_named(tmp_path, content):
    save(tmp_path / "a.png", 1)
    (tmp_path / "b.png").write_bytes(content)
    error = error_of(tmp_path)
    assert error.key == "damaged picture" and error.parts == {"path": tmp_path / "b.png"}


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_picture_cut_short_is_named(tmp_path, name):
    path = save(tmp_path / name, np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-30])
    error = error_of(tmp_path)
    assert error.key == "no picture" and error.parts == {"path": path}


def test_a_picture_damaged_anywhere_is_read_or_refused(tmp_path):
    path = save(tmp_path / "a.png", 5)
    raw = path.read_bytes()
    for position in range(len(raw)):
        path.write_bytes(raw[:position] + bytes([raw[position] ^ 0xFF]) + raw[position + 1 :])
        found = outcome(read_picture, path)
        assert isinstance(found, np.ndarray) or str(path) in found


@pytest.mark.parametrize("names", [(), ("notes.txt",), ("sub/notes.txt",)])
def test_a_folder_without_pictures_is_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no picture")
    assert error_of(tmp_path).key == "no pictures"


def test_pictures_beside_class_folders_are_refused(tmp_path):
    save(tmp_path / "cat/1.png", 1)
    save(tmp_path / "stray.png", 1)
    assert "beside its class folders" in refusal(tmp_path)


def test_a_picture_that_is_too_large_is_named(tmp_path):
    path = tmp_path / "a.png"
    Image.new("1", (20_000, MOST_PIXELS // 20_000 + 1)).save(path)
    error = error_of(tmp_path)
    assert error.key == "picture too large"
    assert error.parts == {"path": path, "width": "20000", "height": "5001", "most": 100}


@pytest.mark.parametrize("side", [10_000, 20_000, 2**31 - 1])
def test_a_picture_that_announces_a_huge_size_is_refused_without_a_warning(tmp_path, side):
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0), b"IDAT" + zlib.compress(b""), b"IEND"]
    framed = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(framed))
    assert side**2 > Image.MAX_IMAGE_PIXELS
    assert str(tmp_path / "a.png") in refusal(tmp_path)


def test_the_setting_that_asked_for_a_picture_is_named(tmp_path):
    with refused("no picture", "images"):
        read_picture(tmp_path / "none.png", name="images")


# Choosing the reader.


def test_mnist_is_read_by_its_name():
    assert len(read("mnist", "test").images) == 10000


def test_a_path_that_does_not_exist_is_named(tmp_path):
    assert "there is no" in refusal(tmp_path / "nowhere") and "nowhere" in refusal(tmp_path / "nowhere")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "set.tar").write_bytes(b"x")
    error = error_of(tmp_path / "set.tar")
    assert error.key == "packed" and error.parts == {"path": tmp_path / "set.tar"}


def test_the_home_folder_may_be_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "pictures/a.png", 5)
    assert (read("~/pictures", "train").images == 5).all()
