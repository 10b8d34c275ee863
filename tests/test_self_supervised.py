"""The feature space that learns without labels: its network, its loss, what it ignores and sees, and its cache."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import ImageSet
from pocketgan.metrics import features
from pocketgan.metrics.frechet import frechet_distance
from pocketgan.metrics.real_images import choose_space, space_of
from pocketgan.metrics.self_supervised import (
    Encoder,
    augment,
    encode,
    fit_encoder,
    new_encoder,
    vicreg_loss,
)
from refusals import refused


def shapes(count: int = 60, size: int = 16, channels: int = 1, seed: int = 0) -> Tensor:
    """Bars on black, each at its own place, and of its own color."""
    random = torch.Generator().manual_seed(seed)
    images = torch.zeros(count, channels, size, size, dtype=torch.uint8)
    for image in images:
        top, left = torch.randint(1, size // 2, (2,), generator=random).tolist()
        high, wide = torch.randint(2, size // 2, (2,), generator=random).tolist()
        image[:, top : top + high, left : left + wide] = torch.randint(
            100, 256, (channels, 1, 1), generator=random, dtype=torch.uint8
        )
    return images


def unlabeled(images: Tensor) -> ImageSet:
    return ImageSet(images, None, (), "shapes")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKETGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(features, "MOST_EPOCHS", 2.0)
    return tmp_path / "cache"


# The network.


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [16, 28, 33, 64, 100, 128])
def test_every_size_has_features(size: int, channels: int) -> None:
    network = new_encoder(channels, size).eval()
    images = torch.randint(256, (2, channels, size, size), dtype=torch.uint8)
    assert encode(network, images).shape == (2, 128)
    assert network(images / 255)[1].shape == (2, 64)


def test_fine_detail_of_large_images_is_seen() -> None:
    network = new_encoder(1, 64).eval()
    fine = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    fine[..., ::2] = 200
    flat = torch.full_like(fine, 100)
    assert (encode(network, fine) - encode(network, flat)).norm() > 0.1 * encode(network, flat).norm()


def test_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = new_encoder(1, 16).state_dict()
    state = torch.random.get_rng_state()
    again, other = new_encoder(1, 16).state_dict(), new_encoder(1, 16, seed=1).state_dict()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["body.0.0.weight"], other["body.0.0.weight"])


# The loss and the augmentation.


def test_the_loss_of_collapsed_projections_is_that_of_their_lacking_variance() -> None:
    same = torch.ones(8, 5)
    assert vicreg_loss(same, same).item() == pytest.approx(2 * 25 * (1 - 0.01), rel=1e-5)


def test_equal_views_that_vary_without_correlation_have_no_loss() -> None:
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert vicreg_loss(signs, signs).item() == pytest.approx(0, abs=1e-5)


def test_the_loss_of_different_views_is_their_squared_distance() -> None:
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert vicreg_loss(signs, signs + 0.2).item() == pytest.approx(25 * 0.04, rel=1e-4)


def test_correlated_projections_cost() -> None:
    same = torch.tensor([[2.0, 2.0], [-2.0, -2.0], [2.0, 2.0], [-2.0, -2.0]])
    covariance = 16 / 3
    assert vicreg_loss(same, same).item() == pytest.approx(2 * covariance**2, rel=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_views_stay_in_range_and_depend_on_the_generator_alone(channels: int) -> None:
    images = shapes(8, channels=channels) / 255
    first, again = (augment(images, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.min() >= 0 and first.max() <= 1
    assert (first != augment(images, torch.Generator().manual_seed(4))).any()


def test_colors_change_one_by_one_and_gray_stays_gray() -> None:
    images = torch.full((4, 3, 8, 8), 0.5)
    views = augment(images, torch.Generator().manual_seed(0))[:, :, 4, 4]
    assert (views[:, 0] != views[:, 1]).all()


# Training.


@pytest.mark.slow
def test_training_brings_views_of_an_image_together() -> None:
    images = shapes(100)

    def loss(network: Encoder) -> float:
        generator = torch.Generator().manual_seed(9)
        views = torch.cat([augment(images / 255, generator), augment(images / 255, generator)])
        with torch.no_grad():
            return vicreg_loss(*network.eval()(views)[1].chunk(2)).item()

    network = new_encoder(1, 16)
    before = loss(network)
    shares = list(fit_encoder(network, images, epochs=20, seed=0))
    assert shares[-1] == 1 and shares == sorted(shares)
    assert loss(network) < 0.7 * before


def test_training_depends_on_the_seed_alone() -> None:
    weights = []
    for seed, state in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(state)
        network = new_encoder(1, 16)
        list(fit_encoder(network, shapes(), epochs=2, seed=seed))
        weights.append(next(network.body.parameters()))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


# The space.


def test_the_space_is_trained_once_and_stored(cache: Path) -> None:
    images = shapes()
    first = features.self_supervised(unlabeled(images))
    (path,) = cache.iterdir()
    written = path.stat().st_mtime_ns
    again = features.self_supervised(unlabeled(images))
    assert (first.name, first.width, first.class_names) == ("self-supervised", 128, ())
    assert first.hash == again.hash and path.stat().st_mtime_ns == written
    assert torch.equal(first(images).features, again(images).features)


def test_labels_make_no_difference(cache: Path) -> None:
    images = shapes()
    labeled = ImageSet(images, torch.arange(60) % 2, ("a", "b"), "elsewhere")
    assert features.self_supervised(labeled).hash == features.self_supervised(unlabeled(images)).hash
    assert len(list(cache.iterdir())) == 1


def test_other_images_have_another_space(cache: Path) -> None:
    spaces = [features.self_supervised(unlabeled(shapes(seed=seed))) for seed in (0, 1)]
    assert spaces[0].hash != spaces[1].hash


def test_features_are_normalized_on_the_training_images(cache: Path) -> None:
    images = shapes()
    values = features.self_supervised(unlabeled(images))(images).features
    torch.testing.assert_close(values.mean(dim=0), torch.zeros(128), atol=1e-4, rtol=0)
    assert values.var(dim=0).mean().item() == pytest.approx(1, rel=1e-3)


def test_a_damaged_file_is_replaced(cache: Path) -> None:
    first = features.self_supervised(unlabeled(shapes()))
    (path,) = cache.iterdir()
    for damage in (b"", path.read_bytes()[:500]):
        path.write_bytes(damage)
        assert features.self_supervised(unlabeled(shapes())).hash == first.hash


def test_an_interrupted_training_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> Tensor:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(features, "encode", interrupted)
        with pytest.raises(KeyboardInterrupt):
            features.self_supervised(unlabeled(shapes()))
    assert not cache.exists() or not list(cache.iterdir())
    assert features.self_supervised(unlabeled(shapes())).width == 128


def test_too_few_images_are_refused(cache: Path) -> None:
    with refused("too few to learn from", "features", found=49, least=50):
        features.self_supervised(unlabeled(shapes(49)))


def test_images_of_another_size_are_refused(cache: Path) -> None:
    space = features.self_supervised(unlabeled(shapes()))
    with refused("images for space", "features"):
        space(shapes(size=20))


@pytest.mark.slow
def test_damage_is_seen(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "MOST_EPOCHS", 8.0)
    images = shapes(400)
    space = features.self_supervised(unlabeled(images[:200]))
    real, new = space(images[:200]).features, images[200:]
    noise = 40 * torch.randn(new.shape, generator=torch.Generator().manual_seed(0))
    damaged = (new + noise).round().clamp(0, 255).to(torch.uint8)
    unchanged = frechet_distance(real, space(new).features)
    assert frechet_distance(real, space(damaged).features) > 3 * unchanged


# The choice of a space.


def test_it_is_trained_only_when_requested(cache: Path, tmp_path: Path) -> None:
    import numpy

    numpy.savez(tmp_path / "own.npz", images=shapes(60).numpy())
    data = DataConfig(data=str(tmp_path / "own.npz"))
    assert choose_space("auto", data).name == "random" and not cache.exists()
    assert choose_space("self-supervised", data).name == "self-supervised"


def test_images_in_memory_train_it_only_when_requested(cache: Path) -> None:
    images = unlabeled(shapes())
    assert space_of("auto", images).name == "random" and not cache.exists()
    assert space_of("self-supervised", images).name == "self-supervised"
