"""The small classifier: its shapes, its first weights, its augmentation, and that it learns."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pocketgan.images.sets import ImageSet
from pocketgan.metrics.classifier import (
    FEATURES,
    Classifier,
    accuracy,
    classify,
    distort,
    fit,
    fused,
    initialise,
    new_classifier,
    prepare,
)


def halves(count: int = 200, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Images of 8×8 whose upper or lower half is bright, and which half it is."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(80, (count, 1, 8, 8), generator=random, dtype=torch.uint8)
    labels = torch.arange(count) % 2
    images[labels == 0, :, :4] += 170
    images[labels == 1, :, 4:] += 170
    return images, labels


def trained(epochs: float = 20, seed: int = 0) -> Classifier:
    network = initialise(Classifier(1, 2), seed)
    list(fit(network, *halves(), epochs=epochs, seed=seed))
    return network


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [4, 8, 28, 32])
def test_features_and_logits_have_their_shapes(size: int, channels: int) -> None:
    network = Classifier(channels, 7).eval()
    features, logits = network(torch.rand(2, channels, size, size))
    assert features.shape == (2, FEATURES)
    assert logits.shape == (2, 7)
    assert (features >= 0).all()


def test_the_digits_classifier_has_the_parameters_that_its_card_names() -> None:
    assert sum(parameter.numel() for parameter in Classifier(1, 10).parameters()) == 164_914


def test_images_are_brought_to_the_unit_range() -> None:
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(3, 1, 1, 1).expand(3, 1, 28, 28)
    prepared = prepare(images)
    assert prepared.shape == (3, 1, 28, 28)
    assert prepared[:, 0, 0, 0].tolist() == pytest.approx([0, 0.2, 1])


def test_large_images_are_averaged_down() -> None:
    images = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    images[:, :, ::2, ::2] = 200
    prepared = prepare(images)
    assert prepared.shape == (1, 3, 32, 32)
    torch.testing.assert_close(prepared, torch.full((1, 3, 32, 32), 50 / 255))


def test_preparing_leaves_the_images_as_they_were() -> None:
    images, _ = halves(3)
    before = images.clone()
    prepare(images)
    assert torch.equal(images, before)


# First weights.


def test_first_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = initialise(Classifier(1, 3), 4).state_dict()
    torch.manual_seed(2)
    network = Classifier(1, 3)
    before = torch.random.get_rng_state()
    second = initialise(network, 4).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = initialise(Classifier(1, 3), 5).state_dict()
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_first_weights_are_he_normal() -> None:
    network = initialise(Classifier(3, 50), 0)
    for parameter in network.parameters():
        if parameter.ndim > 1:
            expected = (2 / parameter[0].numel()) ** 0.5
            assert parameter.std().item() == pytest.approx(expected, rel=0.1)
            assert abs(parameter.mean().item()) < 0.1 * expected
    assert network.head.bias.abs().sum() == 0


# Training.


@pytest.mark.slow
def test_it_learns() -> None:
    network = trained()
    assert accuracy(network, *halves(seed=9)) > 0.95
    assert not network.training


def test_training_yields_the_share_that_is_done() -> None:
    network = initialise(Classifier(1, 2), 0)
    shares = list(fit(network, *halves(60), epochs=8, seed=0))
    assert shares == pytest.approx([step / 8 for step in range(1, 9)])


@pytest.mark.parametrize("epochs", [0.001, 1, 2.6, 5, 6.4])
def test_any_length_of_training_is_at_least_a_step(epochs: float) -> None:
    images, labels = halves(30)
    shares = list(fit(initialise(Classifier(1, 2), 0), images, labels, epochs=epochs, seed=0))
    assert len(shares) == max(1, round(epochs))
    assert shares[-1] == 1


@pytest.mark.slow
def test_training_depends_on_its_seed_and_not_on_the_global_generator() -> None:
    torch.manual_seed(1)
    first = trained(epochs=8, seed=3)
    torch.manual_seed(2)
    second = initialise(Classifier(1, 2), 3)
    before = torch.random.get_rng_state()
    list(fit(second, *halves(), epochs=8, seed=3))
    assert torch.equal(torch.random.get_rng_state(), before)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert not torch.equal(first.head.weight, trained(epochs=8, seed=4).head.weight)


def test_more_images_than_a_batch_are_all_shown_each_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []

    def record(images: Tensor, generator: torch.Generator) -> Tensor:
        shown.extend(images[:, 0, 0, 0].mul(255).round().long().tolist())
        return images

    monkeypatch.setattr("pocketgan.metrics.classifier.BATCH", 20)
    monkeypatch.setattr("pocketgan.metrics.classifier.distort", record)
    images = torch.arange(100, dtype=torch.uint8).reshape(100, 1, 1, 1).repeat(1, 1, 4, 4)
    list(fit(initialise(Classifier(1, 2), 0), images, torch.arange(100) % 2, epochs=2, seed=0))
    assert sorted(shown[:100]) == sorted(shown[100:]) == list(range(100))
    assert shown[:100] != shown[100:]


# Augmentation.


def test_distortion_depends_on_its_generator_alone() -> None:
    images = torch.rand(6, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    first = distort(images, torch.Generator().manual_seed(1))
    assert torch.equal(distort(images, torch.Generator().manual_seed(1)), first)
    assert not torch.equal(distort(images, torch.Generator().manual_seed(2)), first)
    assert first.shape == images.shape
    assert first.min() >= 0 and first.max() <= 1 + 1e-6


def test_each_image_is_distorted_by_amounts_of_its_own_and_not_too_far() -> None:
    """A spot in the middle goes at most 18% of half a side away, and all go elsewhere."""
    images = torch.zeros(64, 1, 33, 33)
    images[:, :, 15:18, 15:18] = 1
    moved = distort(images, torch.Generator().manual_seed(0))
    weights = moved / moved.sum(dim=(2, 3), keepdim=True)
    places = torch.arange(33.0) - 16
    across = (weights.sum(dim=2) * places).sum(dim=2).flatten()
    down = (weights.sum(dim=3) * places).sum(dim=2).flatten()
    assert len({(round(x, 3), round(y, 3)) for x, y in zip(across.tolist(), down.tolist(), strict=True)}) == 64
    for shifts in (across, down):
        assert shifts.abs().max() < 0.18 * 16.5 / 0.9 * 1.4
        assert shifts.min() < -1 and shifts.max() > 1


def test_what_comes_in_from_outside_is_black() -> None:
    moved = distort(torch.ones(50, 1, 16, 16), torch.Generator().manual_seed(0))
    torch.testing.assert_close(moved[:, 0, 8, 8], torch.ones(50))
    corners = moved[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 0).any()


# Classifying.


def test_classifying_in_batches_changes_nothing_and_keeps_the_statistics() -> None:
    network, (images, _) = trained(epochs=8), halves(50)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.train()
    features, logits = classify(network, images, batch=7)
    whole = classify(network, images)
    torch.testing.assert_close(features, whole[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(logits, whole[1], rtol=1e-4, atol=1e-5)
    assert not features.requires_grad
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_accuracy_is_the_share_told_right(tiny_images: Callable[..., ImageSet]) -> None:
    network, images = initialise(Classifier(1, 10), 0), tiny_images().images
    told = classify(network, images)[1].argmax(dim=1)
    assert accuracy(network, images, told) == 1
    assert accuracy(network, images, (told + 1) % 10) == 0
    half = torch.where(torch.arange(64) < 32, told, (told + 1) % 10)
    assert accuracy(network, images, half) == 0.5


@pytest.mark.slow
def test_folding_the_norms_changes_nothing_but_the_time() -> None:
    network = new_classifier(1, 10, seed=3)
    images = torch.randint(256, (40, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    for _ in fit(network, images, torch.arange(40) % 10, epochs=20, seed=0):
        pass
    quick = fused(network)
    assert not any("BatchNorm" in type(module).__name__ for module in quick.modules())
    for before, after in zip(classify(network, images), classify(quick, images), strict=True):
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
