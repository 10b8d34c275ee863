"""Augmentation: what each one does to images, and whose random numbers it takes."""

import math

import pytest
import torch
from torch import Tensor

from pocketgan.config import name_lists
from pocketgan.training import augment as module
from pocketgan.training.augment import AUGMENTATIONS, augment, cutout, rotation, translation

each = pytest.mark.parametrize("name", AUGMENTATIONS)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int = 6, channels: int = 1, height: int = 16, width: int = 16) -> Tensor:
    return torch.rand(count, channels, height, width, generator=seeded(9)) * 2 - 1


def test_config_knows_every_augmentation() -> None:
    assert tuple(AUGMENTATIONS) == name_lists.AUGMENTATIONS


@each
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [7, 8, 28])
def test_shape_and_type_stay(name: str, channels: int, size: int) -> None:
    images = noise(3, channels, size, size)
    made = augment(images, name, -1.0, seeded())
    assert made.shape == images.shape
    assert made.dtype == images.dtype
    assert made.isfinite().all()


@each
def test_images_change_and_are_left_as_they_were(name: str) -> None:
    images = noise()
    before = images.clone()
    assert not torch.equal(augment(images, name, -1.0, seeded()), images)
    assert torch.equal(images, before)


@each
def test_gradient_flows_to_every_image(name: str) -> None:
    images = noise().requires_grad_()
    made = augment(images, name, -1.0, seeded())
    (made * torch.randn(made.shape, generator=seeded(3))).sum().backward()
    assert (images.grad.flatten(1).abs().sum(dim=1) > 0).all()


@each
def test_same_generator_state_gives_the_same_result(name: str) -> None:
    images = noise()
    assert torch.equal(augment(images, name, -1.0, seeded(1)), augment(images, name, -1.0, seeded(1)))
    assert not torch.equal(augment(images, name, -1.0, seeded(1)), augment(images, name, -1.0, seeded(2)))


@each
def test_the_generator_moves_on(name: str) -> None:
    images, generator = noise(), seeded(1)
    first = augment(images, name, -1.0, generator)
    assert not torch.equal(first, augment(images, name, -1.0, generator))


@each
def test_each_sample_draws_its_own(name: str) -> None:
    images = noise(1).expand(16, -1, -1, -1)
    made = augment(images, name, -1.0, seeded())
    assert len(made.flatten(1).unique(dim=0)) > 8


@each
def test_the_same_happens_to_all_channels(name: str) -> None:
    made = augment(noise(4).expand(-1, 3, -1, -1), name, -1.0, seeded())
    assert torch.equal(made[:, 0], made[:, 1])
    assert torch.equal(made[:, 0], made[:, 2])


@each
def test_the_global_random_state_is_left_alone(name: str) -> None:
    before = torch.get_rng_state()
    augment(noise(), name, -1.0, seeded())
    assert torch.equal(before, torch.get_rng_state())


@each
@pytest.mark.parametrize("background", [-1.0, 0.0, 1.0])
def test_images_of_the_background_stay_as_they_are(name: str, background: float) -> None:
    images = torch.full((8, 1, 16, 16), background)
    torch.testing.assert_close(augment(images, name, background, seeded()), images)


def test_none_is_the_identity_and_draws_nothing() -> None:
    images, generator = noise(), seeded()
    before = generator.get_state()
    assert augment(images, "none", -1.0, generator) is images
    assert torch.equal(before, generator.get_state())


def test_a_list_is_applied_in_turn() -> None:
    images = noise()
    generator = seeded(4)
    expected = cutout(translation(images, -1.0, generator), -1.0, generator)
    assert torch.equal(augment(images, "translation,cutout", -1.0, seeded(4)), expected)
    assert not torch.equal(augment(images, "cutout,translation", -1.0, seeded(4)), expected)


def test_translation_moves_whole_pixels_and_background_comes_in() -> None:
    """A coordinate as each pixel's value shows where it came from."""
    height, width, background = 16, 24, -5.0
    rows = torch.arange(height).float()[:, None].expand(height, width)
    columns = torch.arange(width).float()[None, :].expand(height, width)
    images = torch.stack([rows, columns]).expand(400, 2, height, width)
    made = translation(images, background, seeded())
    shifts = set()
    for image in made:
        inside = image[0] != background
        assert torch.equal(inside, image[1] != background)
        dy = (image[0] - rows)[inside].unique()
        dx = (image[1] - columns)[inside].unique()
        assert len(dy) == len(dx) == 1
        shifts.add((int(dy), int(dx)))
        assert inside.sum() == (height - abs(int(dy))) * (width - abs(int(dx)))
    assert {dy for dy, _ in shifts} == {-2, -1, 0, 1, 2}
    assert {dx for _, dx in shifts} == {-3, -2, -1, 0, 1, 2, 3}


def test_translations_shifts_are_uniform() -> None:
    images = torch.zeros(7000, 1, 24, 24)
    images[:, 0, 12, 12] = 1
    places = translation(images, 0.0, seeded()).flatten(1).argmax(dim=1)
    for values in (places // 24, places % 24):
        counts = torch.bincount(values - 9, minlength=7)
        assert len(counts) == 7
        assert ((counts - 1000).abs() < 150).all()


def test_translation_reaches_at_least_one_pixel() -> None:
    images = torch.zeros(200, 1, 4, 4)
    images[:, 0, 1, 1] = 1
    places = translation(images, 0.0, seeded()).flatten(1).argmax(dim=1)
    assert set((places // 4).tolist()) == set((places % 4).tolist()) == {0, 1, 2}


def test_cutout_covers_one_rectangle_of_at_most_a_quarter_of_the_image() -> None:
    made = cutout(torch.ones(500, 1, 16, 16), -1.0, seeded())
    assert set(made.unique().tolist()) == {-1.0, 1.0}
    areas = []
    for image in made[:, 0]:
        covered = image == -1
        rows, columns = covered.any(dim=1), covered.any(dim=0)
        assert torch.equal(covered, rows[:, None] & columns[None, :])
        for line in (rows, columns):
            places = line.nonzero().flatten()
            assert len(places) == places[-1] - places[0] + 1 <= 8
            assert len(places) >= 3
        areas.append(int(covered.sum()))
    assert max(areas) == 64
    assert min(areas) < 64


def test_cutout_passes_gradients_where_it_does_not_cover() -> None:
    images = torch.ones(4, 1, 8, 8, requires_grad=True)
    made = cutout(images, -1.0, seeded())
    made.sum().backward()
    assert torch.equal(images.grad, (made == 1).float())


def test_rotation_by_nothing_is_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROTATION_DEGREES", 0.0)
    images = noise(height=28, width=28)
    torch.testing.assert_close(rotation(images, -1.0, seeded()), images, atol=1e-4, rtol=0)


def test_rotation_by_ninety_degrees_is_a_quarter_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_uniform", lambda count, images, generator: torch.ones(count, len(images)))
    monkeypatch.setattr(module, "ROTATION_DEGREES", 90.0)
    images = noise(height=12, width=12)
    made = rotation(images, -1.0, seeded())
    quarter = [torch.rot90(images, k, dims=(2, 3)) for k in (1, -1)]
    assert any(torch.allclose(made, turned, atol=1e-4) for turned in quarter)


def test_rotation_turns_both_ways_by_fifteen_degrees_at_most_about_the_middle() -> None:
    """A bright spot right of the middle: its centre of mass shows the angle."""
    size = 33
    images = torch.zeros(300, 1, size, size)
    images[:, :, 15:18, 27:30] = 1
    made = rotation(images, 0.0, seeded())[:, 0]
    places = torch.arange(size) - (size - 1) / 2
    mass = made.sum(dim=(1, 2))
    y, x = (made.sum(dim=2) @ places) / mass, (made.sum(dim=1) @ places) / mass
    angles = torch.atan2(y, x).rad2deg()
    assert -15.5 < angles.min() < -13
    assert 13 < angles.max() < 15.5
    assert abs(angles.mean()) < 2
    torch.testing.assert_close((x**2 + y**2).sqrt(), torch.full((300,), 12.0), atol=0.3, rtol=0)


def test_rotation_of_a_disc_changes_next_to_nothing() -> None:
    places = torch.arange(28) - 13.5
    distance = (places[:, None] ** 2 + places[None, :] ** 2).sqrt()
    disc = (torch.exp(-((distance / 6) ** 2)) * 2 - 1).expand(8, 1, 28, 28)
    made = rotation(disc, -1.0, seeded())
    assert (made - disc).abs().max() < 0.03
    assert made.mean().item() == pytest.approx(disc.mean().item(), abs=0.01)
    assert math.isclose(made.std().item(), disc.std().item(), rel_tol=0.02)
