"""The strongest directions of the latent space, on generators of which they are known."""

import numpy as np
import pytest
import torch
from torch import nn

import pocketgan
from pocketgan.networks import ImageShape, build_generator
from pocketgan.pictures.directions import (
    Directions,
    film_along,
    find_directions,
    first_outputs,
    of_network,
    principal_directions,
    walk_directions,
    whitened,
)
from pocketgan.runs.run import Run
from refusals import refused


class Linear(nn.Module):
    """A generator of one dense layer, whose strongest directions are the right singular vectors of its weights."""

    def __init__(self, weight, bias=0.0, after=None):
        super().__init__()
        self.dense = nn.Linear(weight.shape[1], weight.shape[0])
        self.after = after or nn.Identity()
        with torch.no_grad():
            self.dense.weight.copy_(weight)
            self.dense.bias.fill_(bias)

    def forward(self, z, labels=None):
        return self.after(self.dense(z))


def known(sigma, features=12, seed=5):
    """Returns weights with these singular values, and their right singular vectors."""
    random = torch.Generator().manual_seed(seed)
    left, _ = torch.linalg.qr(torch.randn(features, len(sigma), generator=random))
    right, _ = torch.linalg.qr(torch.randn(len(sigma), len(sigma), generator=random))
    return left @ torch.diag(torch.tensor(sigma)) @ right.T, right.T


SIGMA = [5.0, 3.0, 2.0, 1.0, 0.5, 0.1]


@pytest.mark.parametrize("after", [None, nn.LeakyReLU(0.2), nn.Tanh()])
def test_those_of_a_linear_layer_are_its_right_singular_vectors(after):
    weight, right = known(SIGMA)
    found = of_network(Linear(weight, bias=3.0, after=after), 6, count=4)
    assert found.vectors.shape == (4, 6)
    cosines = (found.vectors * right[:4]).sum(dim=1).abs()
    assert torch.allclose(cosines, torch.ones(4), atol=1e-4)
    assert torch.allclose(found.vectors.norm(dim=1), torch.ones(4), atol=1e-4), "a step is one deviation of the latent"
    shares = torch.tensor(SIGMA).square() / torch.tensor(SIGMA).square().sum()
    assert torch.allclose(found.shares, shares[:4], atol=1e-4)


def test_their_sign_is_settled():
    weight, _ = known(SIGMA)
    for found in (of_network(Linear(weight), 6), of_network(Linear(-weight), 6)):
        farthest = found.vectors.gather(1, found.vectors.abs().argmax(dim=1, keepdim=True))
        assert (farthest > 0).all()


def test_a_layer_of_lower_rank_has_fewer():
    weight, right = known([4.0, 2.0, 0.0, 0.0])
    found = of_network(Linear(weight), 4, count=4)
    assert len(found) == 2
    assert (found.vectors @ right[2:].T).abs().max() < 1e-4, "what changes nothing is no direction"


@pytest.mark.slow
def test_of_several_samples_regression_finds_the_latents_that_a_component_goes_with():
    latents = whitened(2000, 3)
    outputs = torch.stack([10 * latents[:, 1], 2 * latents[:, 0] + 0.0 * latents[:, 2]], dim=1)
    found = principal_directions(latents, outputs, 3)
    assert torch.allclose(found.vectors, torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]), atol=1e-4)


def test_whitened_latents_are_what_they_say():
    latents = whitened(500, 20).double()
    assert latents.mean(dim=0).abs().max() < 1e-6
    assert torch.allclose(latents.T @ latents / 500, torch.eye(20, dtype=torch.float64), atol=1e-5)
    assert torch.equal(whitened(500, 20), whitened(500, 20))


@pytest.mark.slow
@pytest.mark.parametrize("generator", ["mlp", "dcgan", "pocket"])
def test_every_generator_has_some_and_the_class_adds_none(tiny_config, generator):
    config = tiny_config("pocket", generator=generator, latent_dim=12, hidden_dim=8)
    network = build_generator(config.network, ImageShape(1, 28, 4), "signed", 0).eval()
    first, last = (of_network(network, 12, 3, label) for label in (0, 3))
    assert torch.allclose(first.vectors, last.vectors, atol=1e-3)
    assert (first.shares[:-1] >= first.shares[1:]).all()
    latents = whitened(100, 12)
    outputs = first_outputs(network, latents, torch.zeros(100, dtype=torch.int64))
    moved = first_outputs(network, latents + first.vectors[0], torch.zeros(100, dtype=torch.int64))
    other = first_outputs(network, latents + first.vectors[2], torch.zeros(100, dtype=torch.int64))
    assert (moved - outputs).norm() > (other - outputs).norm(), "the first one changes most"


def test_steps_add_up():
    found = Directions(torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]), torch.tensor([0.7, 0.3]))
    assert found.shift([3.0, -1.0]).tolist() == [3.0, -2.0, 0.0]
    assert found.shift([2.0]).tolist() == [2.0, 0.0, 0.0]


def test_a_run_is_walked_along_them(small_runs):
    run = Run.open(small_runs / "told")
    found = find_directions(run, 3)
    film = walk_directions(run, found, label="8", seed=4, steps=5)
    assert film.images.shape == (5, 3, 1, 28, 28)
    assert film.headings == ("−3", "−1.5", "0", "+1.5", "+3") and film.names == ("1", "2", "3")
    middle = run.generate(1, seed=4, label="8").images[0].astype(int)
    assert (np.abs(film.images[2].astype(int) - middle) <= 1).all(), "all walks pass the seed's image half-way"
    assert np.abs(film.images[0, 0].astype(int) - film.images[4, 0].astype(int)).max() > 0


@pytest.mark.slow
def test_they_are_public(small_runs):
    assert len(pocketgan.find_directions(small_runs / "noise", 2)) == 2
    assert len(pocketgan.walk_directions(small_runs / "noise", steps=3)) == 3


def test_refusals(small_runs):
    redraw, noise = Run.open(small_runs / "redraw"), Run.open(small_runs / "noise")
    with refused("no directions", "run"):
        find_directions(redraw)
    with refused("count at once", "count"):
        find_directions(noise, 0)
    with refused("unconditional", "label"):
        walk_directions(noise, find_directions(noise), label="3")
    with refused("out of range", "steps"):
        walk_directions(noise, find_directions(noise), steps=1)
    with refused("other latent space", "directions"):
        walk_directions(noise, Directions(torch.ones(1, 7), torch.ones(1)))


def test_the_film_of_a_network(tiny_config):
    config = tiny_config("mlp", latent_dim=6)
    network = build_generator(config.network, ImageShape(1, 28), "signed", 0).eval()
    found = of_network(network, 6, 2)
    film = film_along(network, config, found, torch.zeros(6), None, 2.0, 5)
    assert film.images.shape == (5, 2, 1, 28, 28)
