"""The page of an evaluation: which images are on it, and that it can be drawn whatever was measured."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import rc_context
from PIL import Image

from pocketgan.base.language import LANGUAGES, number, shortened, speaking
from pocketgan.base.messages import english, problem
from pocketgan.metrics.evaluation import Evaluation, Figure, RealImages
from pocketgan.metrics.evaluation_page import (
    CONTENT,
    GAP,
    GENERATED,
    INK,
    LARGEST,
    MARGIN,
    REAL,
    WIDTH,
    Page,
    columns_of,
    draw_page,
    draw_row,
    enlarged,
    lines_of,
    lowest,
    most_and_least,
    spread_out,
)
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.registry import METRICS, Comparison, Reference, Sample

EVERYTHING = {name: Figure(0.5 + place, 0.01, 0.25) for place, name in enumerate(METRICS)}


def sample(count: int, seed: int, *, channels: int = 1, size: int = 28, classes: int = 10) -> Sample:
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(256, (count, channels, size, size), generator=random, dtype=torch.uint8)
    logits = torch.randn(count, classes, generator=random) if classes else None
    features = torch.randn(count, 6, generator=random)
    return Sample(images, features, None if logits is None else logits.softmax(dim=1))


def evaluation(
    count: int = 40,
    *,
    channels: int = 1,
    size: int = 28,
    names: tuple[str, ...] = tuple("0123456789"),
    training: int = 60,
    held_out: bool = True,
    figures: dict[str, Figure] = EVERYTHING,
    skipped: dict[str, str] | None = None,
    source: str = "mnist",
    split: str = "test",
) -> Evaluation:
    looks = {"channels": channels, "size": size, "classes": len(names)}
    trained = sample(training, 2, **looks) if training else None
    reference = Reference(sample(max(count, 2), 1, **looks), trained, held_out=held_out)
    space = FeatureSpace(
        "digits", 1, "0123456789ab", channels, size, names, 6, "of tests", lambda images: (images, None)
    )
    real = RealImages(split, source, reference, None)
    return Evaluation(space, real, Comparison(sample(count, 0, **looks), reference), figures, skipped or {})


def drawn(done: Evaluation, folder: Path) -> np.ndarray:
    path = draw_page(done, folder)
    assert path == folder / "evaluation.png"
    assert [file.name for file in folder.iterdir()] == ["evaluation.png"]
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape[1] == WIDTH
    return pixels


# Which images are shown.


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [(1, 12, [0]), (3, 12, [0, 1, 2]), (12, 12, list(range(12))), (100, 3, [0, 50, 99]), (10, 1, [0])],
)
def test_images_are_spread_over_the_sample(total, count, expected):
    assert spread_out(total, count).tolist() == expected


def test_the_closest_to_training_come_first():
    assert lowest(np.array([3.0, 0.0, 2.0, 0.0, 1.0]), 3).tolist() == [1, 3, 4]
    assert lowest(np.array([3.0, 0.0]), 12).tolist() == [1, 0]


def test_the_most_realistic_from_the_top_and_the_least_from_the_bottom():
    realism = np.array([0.5, math.inf, 0.1, 2.0, 0.0, math.inf, 0.7], np.float32)
    most, least = most_and_least(realism, 2)
    assert (most.tolist(), least.tolist()) == ([1, 5], [4, 2])


@pytest.mark.parametrize("count", [0, 1, 2, 7, 20])
def test_no_image_is_both_most_and_least_realistic(count):
    most, least = most_and_least(np.ones(count, np.float32) * np.inf, 24)
    assert len(most) == len(least) == count // 2
    both = most_and_least(np.arange(count, dtype=np.float32), 24)
    assert not set(both[0].tolist()) & set(both[1].tolist())


# Pictures on the page.


@pytest.mark.parametrize(
    ("size", "side"), [(1, 112), (8, 112), (28, 112), (32, 128), (64, 128), (128, 128), (300, 128)]
)
def test_images_get_about_one_size(size, side):
    images = np.zeros((2, 3, size, size), np.uint8)
    assert enlarged(images[0]).shape == (side, side, 3)
    assert columns_of(images) * (side + GAP) - GAP <= CONTENT


def test_images_that_are_not_square_keep_their_shape():
    assert enlarged(np.zeros((1, 14, 28), np.uint8)).shape == (56, 112, 3)
    assert enlarged(np.zeros((1, 1000, 2), np.uint8)).shape == (LARGEST, 1, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_stay_sharp(channels):
    image = np.random.default_rng(0).integers(256, size=(channels, 28, 28), dtype=np.uint8)
    expected = image.repeat(4, axis=1).repeat(4, axis=2).transpose(1, 2, 0)
    assert (enlarged(image) == expected).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_row_has_every_image_in_its_place_pixel_for_pixel(channels):
    images = np.random.default_rng(0).integers(256, size=(12, channels, 28, 28), dtype=np.uint8)
    page = Page()
    top = page.top
    draw_row(page, images, "generated", "#000000", np.arange(12.0))
    pixels = np.asarray(Image.open(io.BytesIO(page.finish())).convert("RGB"))
    for place, image in enumerate(images):
        left = MARGIN + place * (112 + GAP)
        assert (pixels[top : top + 112, left : left + 112] == enlarged(image)).all()


def test_generated_images_stand_above_their_nearest_training_images(tmp_path):
    done = evaluation(30, figures={})
    pixels = drawn(done, tmp_path)
    distances, indices = done.comparison.nearest_training
    made, training = done.comparison.generated.images.numpy(), done.comparison.reference.training.images.numpy()
    closest = int(distances.argmin())
    for chosen in (0, closest):
        above, below = enlarged(made[chosen]), enlarged(training[indices[chosen]])
        pair = [
            top
            for top in tops_of(above, pixels)
            if (pixels[top + 120 : top + 232, MARGIN : MARGIN + 112] == below).all()
        ]
        assert pair


def tops_of(picture: np.ndarray, pixels: np.ndarray) -> list[int]:
    """Where a picture begins in the first column of images."""
    column = pixels[:, MARGIN : MARGIN + picture.shape[1]]
    starts = np.flatnonzero((column[: len(column) - len(picture)] == picture[0]).all(axis=(1, 2)))
    return [top for top in starts if (column[top : top + len(picture)] == picture).all()]


def test_the_first_of_each_block_of_realism_are_the_extremes(tmp_path):
    done = evaluation(60, training=0, figures={})
    pixels, realism = drawn(done, tmp_path), done.comparison.manifold.realism
    made = done.comparison.generated.images.numpy()
    most = tops_of(enlarged(made[realism.argmax()]), pixels)
    least = tops_of(enlarged(made[realism.argmin()]), pixels)
    assert len(most) == len(least) == 1
    assert most < least


# Whatever was measured, there is a page.


BARE = {name: Figure(0.5, None, None) for name in METRICS}
ZEROS = {name: Figure(0.0, 0.0, 0.0) for name in METRICS}
ODD = {
    "frechet_distance": Figure(123456.7, 12.3, -1e-9),
    "precision": Figure(math.nan, None, math.nan),
    "copying": Figure(-math.inf, None, math.inf),
}
CASES = {
    "one image": {"count": 1, "figures": {}},
    "too few images for realism": {"count": 5, "figures": BARE},
    "enough images for realism": {"count": 6, "figures": {"recall": Figure(0.5, None, None)}},
    "twenty images, no classifier": {"count": 20, "names": (), "figures": ZEROS},
    "colours": {"channels": 3, "size": 32, "names": ("one", "two"), "figures": ODD},
    "large images": {"count": 20, "size": 130},
    "forty classes": {"names": tuple(f"a rather long name of class {place}" for place in range(40))},
    "two hundred classes": {"count": 300, "size": 8, "names": tuple(map(str, range(200)))},
    "odd names": {"names": ("$x_1$", "漢字", "two\nlines"), "source": "/数字/図", "split": "/数字/図"},
    "a long path": {"source": "/a/$long$/path" * 40, "split": "/a/$long$/path" * 40},
    "no training images": {"training": 0, "skipped": {"copying": "copying takes the training images"}},
    "against training images": {"held_out": False, "split": "train"},
}


@pytest.fixture(scope="module")
def full_page(tmp_path_factory):
    return drawn(evaluation(), tmp_path_factory.mktemp("page"))


@pytest.mark.parametrize("fields", CASES.values(), ids=CASES)
def test_a_page_for_every_evaluation(fields, tmp_path):
    pixels = drawn(evaluation(**fields), tmp_path)
    assert 150 < len(pixels) < 4000
    border = 8
    for edge in (pixels[:border], pixels[-border:], pixels[:, :border], pixels[:, -border:]):
        assert (edge == 255).all()


@pytest.mark.parametrize("fields", [{"names": ()}, {"training": 0}, {"figures": {}}, {"count": 5}], ids=str)
def test_sections_without_anything_to_show_take_no_room(fields, full_page, tmp_path):
    assert len(drawn(evaluation(**fields), tmp_path)) < len(full_page)


def test_words_bars_and_pictures_do_not_hide_each_other(full_page):
    for colour in (INK, GENERATED, REAL):
        assert (full_page == list(bytes.fromhex(colour[1:]))).all(axis=2).any()
    assert (full_page[44:80] < 80).any()


def test_the_page_is_the_same_again_whatever_the_readers_own_style(full_page, tmp_path):
    with rc_context({"figure.facecolor": "black", "text.color": "white", "font.size": 30, "axes.grid": True}):
        assert (drawn(evaluation(), tmp_path) == full_page).all()


def test_copies_of_real_images_are_shown_with_infinite_realism(tmp_path):
    done = evaluation(20, figures={})
    copied = Evaluation(done.space, done.real, Comparison(done.real.reference.sample, done.real.reference), {})
    assert copied.comparison.manifold.realism.isinf().any()
    drawn(copied, tmp_path)


# Words and numbers.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (10.0, "10"),
        (1.3, "1.30"),
        (0.4, "0.400"),
        (99.96, "100"),
        (-0.125, "−0.125"),
        (1234.5, "1,234"),
        (0.0000123, "1.23e−05"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "–"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_a_spread_has_two_digits():
    assert number(0.01194, 2) == "0.012"


def test_long_texts_lose_their_middle():
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert len(shortened("x" * 100, 18)) == 18


def test_readings_break_after_a_semicolon_where_both_lines_are_short():
    assert lines_of("share of images that look real; higher is better") == [
        "share of images that look real;",
        "higher is better",
    ]
    assert lines_of("share of real images with a drawn one nearby; higher is better") == [
        "share of real images with a drawn one",
        "nearby; higher is better",
    ]
    assert lines_of("short") == ["short"]


def test_a_text_too_wide_is_shortened_to_its_place():
    page = Page()
    page.write(0, 0, "W" * 500, width=300)
    assert page.axes.texts[0].get_window_extent().width <= 300
    assert "…" in page.axes.texts[0].get_text()


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_is_a_file_and_in_english_and_nothing_is_cut(
    code: str, full_page: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def whole(text: str, letters: int) -> str:
        assert len(text) <= letters, f"'{text}' has no room"
        return text

    monkeypatch.setattr("pocketgan.metrics.evaluation_page.shortened", whole)
    with speaking(code):
        why = problem("too few images", name="two_sample", least=200, found=20)
        assert np.array_equal(drawn(evaluation(), tmp_path), full_page)
        spoken = drawn(evaluation(skipped={"two_sample": why}), tmp_path)
    assert np.array_equal(drawn(evaluation(skipped={"two_sample": english(why)}), tmp_path), spoken)
