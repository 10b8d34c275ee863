"""The classification accuracy score: known answers on images that are easy to tell apart."""

import pytest
import torch
from torch import Tensor

from pocketgan.metrics import classification
from pocketgan.metrics.classification import classification_accuracy
from refusals import refused


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of 6×6 are learnt in fewer steps."""
    monkeypatch.setattr(classification, "STEPS", 60)


def stripes(count: int, seed: int = 0, classes: int = 3, channels: int = 1) -> tuple[Tensor, Tensor]:
    """Noisy images of 6×6 with a bright pair of rows, which is their class."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(100, (count, channels, 6, 6), generator=random, dtype=torch.uint8)
    labels = torch.randint(classes, (count,), generator=random)
    for place in range(classes):
        images[labels == place, :, 2 * place : 2 * place + 2] += 150
    return images, labels


REAL = stripes(300, seed=1)


def test_images_like_the_real_ones_teach_everything() -> None:
    assert classification_accuracy(*REAL, *stripes(300)) > 0.98


@pytest.mark.parametrize("channels", [1, 3])
def test_coloured_and_grey(channels: int) -> None:
    made, real = stripes(200, channels=channels), stripes(200, seed=1, channels=channels)
    assert classification_accuracy(*real, *made) > 0.95


def test_wrong_labels_teach_the_wrong_thing() -> None:
    images, labels = stripes(300)
    assert classification_accuracy(*REAL, images, (labels + 1) % 3) < 0.02


def test_images_that_say_nothing_of_their_class_teach_about_chance() -> None:
    random = torch.Generator().manual_seed(0)
    noise = torch.randint(256, (300, 1, 6, 6), generator=random, dtype=torch.uint8)
    assert 0.1 < classification_accuracy(*REAL, noise, torch.arange(300) % 3) < 0.6


def test_a_class_that_was_never_drawn_is_never_told_right() -> None:
    images, labels = stripes(400)
    drawn = labels < 2
    share = (REAL[1] < 2).double().mean().item()
    assert classification_accuracy(*REAL, images[drawn], labels[drawn]) == pytest.approx(share, abs=0.02)


def test_a_class_that_is_not_among_the_real_ones_is_no_error() -> None:
    real = REAL[1] < 2
    assert classification_accuracy(REAL[0][real], REAL[1][real], *stripes(300)) > 0.98


def test_it_depends_on_the_seed_alone_and_leaves_the_global_generator() -> None:
    made = stripes(60)
    torch.manual_seed(1)
    first = classification_accuracy(*REAL, *made)
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    assert classification_accuracy(*REAL, *made) == first
    assert torch.equal(torch.random.get_rng_state(), before)


def test_seeds_give_other_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification, "STEPS", 6)
    made = stripes(60)
    assert len({classification_accuracy(*REAL, *made, seed=seed) for seed in range(4)}) > 1


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad])
def test_it_trains_whether_gradients_are_on_or_off(mode: type) -> None:
    with mode():
        assert classification_accuracy(*REAL, *stripes(300)) > 0.98


@pytest.mark.parametrize("count", [1, 2, 130])
def test_few_images_are_enough_to_measure(count: int) -> None:
    assert 0 <= classification_accuracy(*REAL, *stripes(count)) <= 1


def test_errors() -> None:
    images, labels = stripes(5)
    with refused("images array", "real", found="(0, 1, 6, 6)"):
        classification_accuracy(images[:0], labels[:0], images, labels)
    with refused("images array", "generated", type="float32"):
        classification_accuracy(images, labels, images.float(), labels)
    with refused("labels length", "labels", expected=5, found="(4,)"):
        classification_accuracy(images, labels, images, labels[:4])
    with refused("sizes of arrays", "generated", found="1×4×6", expected="1×6×6"):
        classification_accuracy(images, labels, images[:, :, :4], labels)


def test_the_images_stay_as_they_are() -> None:
    images, labels = stripes(60)
    before = images.clone()
    classification_accuracy(*REAL, images, labels)
    assert torch.equal(images, before)
