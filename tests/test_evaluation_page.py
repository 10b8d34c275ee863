"""The page of an evaluation: which images are on it, and that it can be drawn whatever was measured."""

import base64
import io
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pocketgan.base.language import LANGUAGES, number, shortened, speaking
from pocketgan.base.messages import english, problem
from pocketgan.metrics.evaluation import Evaluation, Figure, RealImages
from pocketgan.metrics.evaluation_page import HEADLINES, lowest, most_and_least, spread_out, write_page
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


class Page(HTMLParser):
    """What a page holds: its headings, its texts, and the pictures of each section."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.texts: list[str] = []
        self.pictures: list[list[np.ndarray]] = [[]]
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        if tag == "h2":
            self.pictures.append([])
        if tag == "img":
            content = base64.b64decode(str(dict(attrs)["src"]).partition(",")[2])
            with Image.open(io.BytesIO(content)) as picture:
                self.pictures[-1].append(np.asarray(picture))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._inside == "h2" and data.strip():
            self.headings.append(data)
        self._inside = ""


def written(done: Evaluation, folder: Path) -> str:
    path = write_page(done, folder)
    assert path == folder / "evaluation.html"
    assert [file.name for file in folder.iterdir()] == ["evaluation.html"]
    return path.read_text(encoding="utf-8")


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


def test_generated_images_stand_above_their_nearest_training_images(tmp_path: Path) -> None:
    done = evaluation(30, figures={})
    page = Page(written(done, tmp_path))
    distances, indices = (values.numpy() for values in done.comparison.nearest_training)
    reference = done.comparison.reference
    assert reference.training is not None
    generated, training = done.comparison.generated.images.numpy(), reference.training.images.numpy()
    for section, chosen in zip(page.pictures[2:4], (spread_out(30, 12), lowest(distances, 12)), strict=True):
        expected = [picture[0] for one in chosen for picture in (generated[one], training[indices[one]])]
        assert np.array_equal(section, expected)


def test_the_first_of_each_block_of_realism_are_the_extremes(tmp_path: Path) -> None:
    done = evaluation(60, training=0, figures={})
    page, realism = Page(written(done, tmp_path)), done.comparison.manifold.realism
    generated = done.comparison.generated.images.numpy()
    assert np.array_equal(page.pictures[-2][0], generated[realism.argmax(), 0])
    assert np.array_equal(page.pictures[-1][0], generated[realism.argmin(), 0])


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
def full_page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(written(evaluation(), tmp_path_factory.mktemp("page")))


@pytest.mark.parametrize("fields", CASES.values(), ids=CASES)
def test_a_page_for_every_evaluation(fields: dict[str, Any], tmp_path: Path) -> None:
    done = evaluation(**fields)
    text = written(done, tmp_path)
    page = Page(text)
    whole = "".join(page.texts)
    assert all(name in whole for name in done.space.class_names if len(name) <= 12 and len(done.space.class_names) < 40)
    words = re.sub(r"base64,[^\"]*|http-equiv", "", text)
    assert "<script" not in words and "http" not in words and "nan" not in words


@pytest.mark.parametrize("fields", [{"names": ()}, {"training": 0}, {"figures": {}}, {"count": 5}], ids=str)
def test_sections_without_anything_to_show_are_left_out(
    fields: dict[str, Any], full_page: Page, tmp_path: Path
) -> None:
    headings = Page(written(evaluation(**fields), tmp_path)).headings
    assert set(headings) < set(full_page.headings)


def test_every_score_stands_on_the_page_once(full_page: Page) -> None:
    numbers = [number(figure.value) for name, figure in EVERYTHING.items() if name not in HEADLINES]
    assert all(full_page.texts.count(text) >= 1 for text in numbers)


def test_copies_of_real_images_are_shown_with_infinite_realism(tmp_path: Path) -> None:
    done = evaluation(20, figures={})
    copied = Evaluation(done.space, done.real, Comparison(done.real.reference.sample, done.real.reference), {})
    assert copied.comparison.manifold.realism.isinf().any()
    assert "∞" in Page(written(copied, tmp_path)).texts


def test_names_are_texts_and_no_markup(tmp_path: Path) -> None:
    text = written(evaluation(names=("<b>", "&amp;"), source="<script>alert(1)</script>", split="x"), tmp_path)
    assert "<script>" not in text and "&lt;b&gt;" in text and "&amp;amp;" in text


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_is_a_file_and_in_english(code: str, full_page: Page, tmp_path: Path) -> None:
    with speaking(code):
        why = problem("too few images", name="two_sample", least=200, found=20)
        assert Page(written(evaluation(), tmp_path)).texts == full_page.texts
        spoken = Page(written(evaluation(skipped={"two_sample": why}), tmp_path)).texts
    assert Page(written(evaluation(skipped={"two_sample": english(why)}), tmp_path)).texts == spoken


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
