"""The strongest directions of a generator's latent space: where a step changes its images most, and mostly in one way.

GANSpace (Härkönen et al. 2020, section 2.2): latents are drawn, principal component analysis is made of what the
generator's first layer makes of them, and the latents are regressed on the components' coordinates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pocketgan.base.errors import RunError
from pocketgan.config.sections import RunConfig
from pocketgan.images.sets import derived_seed
from pocketgan.pictures.animation import Film
from pocketgan.runs.model import Model
from pocketgan.runs.sampling import run_generator, sample_latents
from pocketgan.runs.weights import load_generator

COUNT, MOST = 5, 100
SAMPLES = 1_000
"""Latents that are drawn; at least three times as many as they have numbers."""
REACH, STEPS, MOST_STEPS = 3.0, 9, 101
"""How far a walk goes to either side, in deviations of its coordinate, and images on the way."""
FLAT = 1e-5
"""A component that deviates by less than this share of the strongest one is none."""
ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Tanh)


@dataclass(frozen=True)
class Directions:
    """Directions in the space of latents, the strongest first.

    Attributes:
        vectors: what a step of one deviation adds to a latent, float32, shape (count, latent_dim).
        shares: the share of the first layer's variance that lies along each, in [0, 1], shape (count,).
    """

    vectors: Float[Tensor, "count latent"]
    shares: Float[Tensor, "count"]

    def __len__(self) -> int:
        return len(self.vectors)

    def shift(self, steps: Sequence[float]) -> Float[Tensor, "latent"]:
        """Returns what so many steps along each direction add to a latent; directions without a number stay."""
        chosen = torch.tensor(list(steps[: len(self)]), dtype=torch.float32)
        return chosen @ self.vectors[: len(chosen)]


def find_directions(
    model: Model, count: int = COUNT, *, label: str | int | None = None, checkpoint: str | int = "auto"
) -> Directions:
    """Finds the strongest directions of a run's or an exported model's latents; the same ones every time.

    Args:
        model: draws from noise.
        count: how many; as many as a latent has numbers, at most.
        label: the class that is drawn meanwhile, by name; None for the first. Where the first layer adds what it knows
            of the class to what it makes of the latent, as all of ours do, every class has the same directions.
        checkpoint: `best`, `last`, a step or `auto`.

    Raises:
        RunError: the run redraws images, there is no such class or checkpoint, or the count won't do.
    """
    if model.config.reads_images:
        raise RunError(
            "'{folder}' redraws images and reads no noise, so its latents have no directions",
            field="run",
            folder=model.folder,
        )
    index = chosen_class(model, label)
    most = min(MOST, model.config.network.latent_dim)
    if not 1 <= count <= most:
        raise RunError("{count} directions won't do; 1 to {most} would", field="count", count=count, most=most)
    return of_network(load_generator(model, checkpoint), model.config.network.latent_dim, count, index)


def chosen_class(model: Model, label: str | int | None) -> int | None:
    """Returns the index of a class, of the first where none is named; None for an unconditional model.

    Raises:
        RunError: there is no such class.
    """
    if label is not None:
        return model.label_index(label)
    return 0 if model.config.network.conditional else None


def of_network(network: nn.Module, latent_dim: int, count: int = COUNT, label: int | None = None) -> Directions:
    """Finds the strongest directions of a generator that reads noise.

    Args:
        network: the generator, ready to generate.
        latent_dim: numbers of a latent.
        count: how many; fewer are returned where the first layer has fewer that change anything.
        label: the index of the class that is drawn, for a conditional one.
    """
    latents = whitened(max(SAMPLES, 3 * latent_dim), latent_dim)
    labels = None if label is None else torch.full((len(latents),), label)
    return principal_directions(latents, first_outputs(network, latents, labels), count)


def whitened(count: int, latent_dim: int) -> Float[Tensor, "count latent"]:
    """Returns normal latents with mean 0 and covariance 1 exactly, so that luck of the draw is no direction."""
    generator = torch.Generator().manual_seed(derived_seed(0, "directions"))
    drawn = torch.randn(count, latent_dim, generator=generator, dtype=torch.float64)
    left, _, right = torch.linalg.svd(drawn - drawn.mean(dim=0), full_matrices=False)
    return (left @ right * count**0.5).float()


@torch.no_grad()
def first_outputs(network: nn.Module, latents: Tensor, labels: Tensor | None) -> Float[Tensor, "count features"]:
    """Returns what a generator's first layer makes of latents, normalised if it does that, before its activation.

    Where a network has no activation, it is the output of its first dense layer.
    """
    seen: list[Tensor] = []
    activation = next((module for module in network.modules() if isinstance(module, ACTIVATIONS)), None)
    if activation is not None:
        hook = activation.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    else:
        dense = next(module for module in network.modules() if isinstance(module, nn.Linear))
        hook = dense.register_forward_hook(lambda _, inputs, output: seen.append(output.clone()))
    try:
        for start in range(0, len(latents), 250):
            network(latents[start : start + 250], None if labels is None else labels[start : start + 250])
    finally:
        hook.remove()
    return torch.cat(seen).flatten(1)


def principal_directions(
    latents: Float[Tensor, "n latent"], outputs: Float[Tensor, "n features"], count: int
) -> Directions:
    """Regresses latents on the coordinates of the principal components of the outputs.

    With x the coordinates of an output about the mean, along its strongest components, GANSpace's equation 2 asks for
    the matrix U that makes Σ ‖U x − z‖² least. Coordinates are uncorrelated, so that its columns are
    E[x_k z] / E[x_k²]; times the deviation of x_k, they are what a step of one deviation adds to a latent.

    Args:
        latents: with mean 0.
        outputs: what the network makes of each; more of them than a latent has numbers.
        count: directions wanted.

    Returns:
        As many as wanted, or fewer where the outputs vary in fewer. Each one's number that is farthest from 0 is
        positive.
    """
    centred = (outputs - outputs.mean(dim=0)).double()
    gram = centred @ centred.T
    variances, vectors = torch.linalg.eigh(gram)
    variances, vectors = variances.flip(0).clamp(min=0), vectors.flip(1)
    deviating = variances.sqrt() > FLAT * variances[0].sqrt()
    remaining = min(count, int(deviating.sum()))
    coordinates = vectors[:, :remaining] * len(latents) ** 0.5
    result = coordinates.T @ latents.double() / len(latents)
    farthest = result.gather(1, result.abs().argmax(dim=1, keepdim=True))
    return Directions((result * farthest.sign()).float(), (variances[:remaining] / variances.sum()).float())


def walk_directions(
    model: Model,
    directions: Directions,
    *,
    seed: int = 0,
    label: str | int | None = None,
    reach: float = REACH,
    steps: int = STEPS,
    checkpoint: str | int = "auto",
) -> Film:
    """Walks along each of the directions, through the first latent of a seed.

    Args:
        model: draws from noise.
        directions: as `find_directions` found them.
        seed: of the latent.
        label: the class, by name; None for the first of a conditional model.
        reach: how far the walks go to either side, in deviations.
        steps: images of a walk.
        checkpoint: `best`, `last`, a step or `auto`.

    Returns:
        A film whose sheet has a row a direction, from one side through the latent's image to the other.

    Raises:
        RunError: there is no such class or checkpoint, or a number is out of range.
    """
    if not 2 <= steps <= MOST_STEPS:
        raise RunError("{steps} won't do; 2 to {most_steps} would", field="steps", steps=steps, most_steps=MOST_STEPS)
    if len(directions) == 0 or directions.vectors.shape[1] != model.config.network.latent_dim:
        raise RunError("they are of other latents than those of '{folder}'", field="directions", folder=model.folder)
    index = chosen_class(model, label)
    latent = sample_latents(model.config, 1, seed)[0]
    return film_along(load_generator(model, checkpoint), model.config, directions, latent, index, reach, steps)


def film_along(
    network: nn.Module,
    config: RunConfig,
    directions: Directions,
    latent: Float[Tensor, "latent"],
    label: int | None = None,
    reach: float = REACH,
    steps: int = STEPS,
) -> Film:
    """Makes the film of walks along directions through a latent; see `walk_directions`.

    Args:
        network: a generator that reads noise.
        config: its run's configuration.
        directions: of its latents, one or more.
        latent: what the walks pass half-way.
        label: the index of the class that is drawn, for a conditional one.
        reach, steps: as of `walk_directions`.
    """
    rows, places = len(directions), torch.linspace(-reach, reach, steps)
    latents = (latent + places[:, None, None] * directions.vectors).flatten(0, 1)
    labels = None if label is None else torch.full((len(latents),), label)
    images = run_generator(network, latents, labels, config).numpy()
    return Film(
        images=images.reshape(steps, rows, *images.shape[1:]),
        columns=rows,
        captions=(),
        names=tuple(str(number + 1) for number in range(rows)),
        fps=10.0,
        hold=0.5,
        moments=tuple(range(steps)),
        headings=tuple(f"{place:+.2g}" if place else "0" for place in places.tolist()),
        rows=tuple(range(rows)),
    )
