"""Spherical interpolation, on known answers."""

import math

import pytest
import torch

from pocketgan.pictures.latents import path, slerp

X, Y = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])


def test_half_way_between_two_axes_is_their_diagonal():
    (middle,) = slerp(X, Y, torch.tensor([0.5]))
    assert middle.tolist() == pytest.approx([math.sqrt(0.5), math.sqrt(0.5), 0])


@pytest.mark.parametrize("share", [0.0, 0.1, 1 / 3, 0.9, 1.0])
def test_the_angle_is_shared_out_evenly_and_the_length_goes_along_a_line(share):
    (point,) = slerp(2 * X, 5 * Y, torch.tensor([share]))
    angle = share * math.pi / 2
    length = 2 + 3 * share
    assert point.tolist() == pytest.approx([length * math.cos(angle), length * math.sin(angle), 0], abs=1e-6)


def test_an_angle_of_sixty_degrees():
    second = torch.tensor([0.5, math.sqrt(0.75), 0.0])
    (point,) = slerp(X, second, torch.tensor([0.5]))
    assert point.tolist() == pytest.approx([math.cos(math.pi / 6), math.sin(math.pi / 6), 0], abs=1e-6)


def test_normal_latents_keep_their_length_where_a_straight_line_would_not():
    first, second = torch.randn(2, 64, generator=torch.Generator().manual_seed(0))
    lengths = slerp(first, second, torch.linspace(0, 1, 9)).norm(dim=1)
    least = min(first.norm(), second.norm())
    assert (lengths >= least - 1e-4).all()
    assert (0.5 * first + 0.5 * second).norm() < 0.8 * least


@pytest.mark.parametrize(
    ("first", "second", "middle"),
    [
        ([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]),
        ([1.0, 2.0], [3.0, 6.0], [2.0, 4.0]),
        ([1.0, 0.0], [-3.0, 0.0], [-1.0, 0.0]),
        ([0.0, 0.0], [2.0, 2.0], [1.0, 1.0]),
        ([0.5], [-1.5], [-0.5]),
    ],
    ids=["the same", "the same direction", "opposite", "zero", "one dimension"],
)
def test_without_a_circle_the_path_is_straight(first, second, middle):
    (point,) = slerp(torch.tensor(first), torch.tensor(second), torch.tensor([0.5]))
    assert point.tolist() == pytest.approx(middle)


def test_what_comes_in_goes_out_in_its_type():
    assert slerp(X, Y, torch.linspace(0, 1, 4, dtype=torch.float64)).dtype == torch.float32


@pytest.mark.parametrize(("stops", "frames"), [(2, 2), (2, 10), (3, 7), (5, 4)])
def test_a_path_passes_every_stop_and_ends_just_before_its_beginning(stops, frames):
    latents = torch.randn(stops, 16, generator=torch.Generator().manual_seed(3))
    found = path(latents, frames)
    assert found.shape == (stops * (frames - 1), 16)
    for place in range(stops):
        assert torch.equal(found[place * (frames - 1)], latents[place])
    steps = (torch.cat([found, found[:1]]).diff(dim=0)).norm(dim=1).view(stops, -1)
    assert (steps.amax(dim=1) < 2 * steps.amin(dim=1)).all(), "even steps within a leg, the last one closing the loop"
