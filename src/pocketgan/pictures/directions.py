"""Directions of a generator's latent space along which its images change most.

GANSpace (Härkönen et al. 2020, section 2.2): latents are sampled, principal component analysis is applied to the
outputs of the generator's first layer, and the latents are regressed on the coordinates of the components.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pocketgan.base.arguments import number, whole_number
from pocketgan.base.errors import RunError
from pocketgan.base.messages import problem
from pocketgan.config.sections import RunConfig
from pocketgan.images.seeds import derived_seed
from pocketgan.pictures.animation import Film
from pocketgan.runs.model import LabelChoice, Model
from pocketgan.runs.requests import for_each, requested_once, usual
from pocketgan.runs.sampling import run_generator, sample_latents
from pocketgan.runs.weights import load_generator

COUNT, MOST = 5, 100
SAMPLES = 1_000
"""Number of latents to sample, or three times the dimension of a latent if that is more."""
REACH, STEPS, MOST_STEPS = 3.0, 9, 101
"""Distance to either side of the latent in standard deviations, images per direction, and their maximum."""
FLAT = 1e-5
"""A component whose standard deviation is below this share of the strongest one's is ignored."""
ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Tanh)


@dataclass(frozen=True)
class Directions:
    """Directions in the latent space, the strongest first.

    Attributes:
        vectors: the change of a latent for a step of one standard deviation, float32, shape (count, latent_dim).
        shares: the share of the first layer's variance along each direction, in [0, 1], shape (count,).
    """

    vectors: Float[Tensor, "count latent"]
    shares: Float[Tensor, "count"]

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"Directions({len(self)} of {self.vectors.shape[1]} numbers)"

    def shift(self, steps: Sequence[float]) -> Float[Tensor, "latent"]:
        """Returns the change of a latent for these steps along the directions; missing steps count as 0.

        Raises:
            RunError: there are more steps than directions, or one isn't a finite number.
        """
        given = list(steps) if isinstance(steps, Sequence | Tensor | np.ndarray) else [steps]
        if len(given) > len(self):
            raise RunError("steps along directions", field="steps", most=len(self), found=len(given))
        chosen = torch.tensor([number("steps", one) for one in given], dtype=torch.float32)
        return chosen @ self.vectors[: len(chosen)]


def find_directions(
    model: Model, count: int = COUNT, *, label: LabelChoice = None, checkpoint: str | int = "auto"
) -> Directions:
    """Finds the strongest latent directions of a run or an exported model; they are the same on every call.

    Args:
        model: a model that generates from noise.
        count: the number of directions, at most the dimension of a latent.
        label: the class to generate meanwhile, or a mixture; None for the first class or the mean of each number. If
            the first layer adds a term of the class to a term of the latent, as in all networks of Pocketgan, every
            class has the same directions.
        checkpoint: `best`, `last`, a step or `auto`.

    Raises:
        RunError: the model is image-to-image, there is no such class or checkpoint, or the count is out of range.
    """
    if model.config.reads_images:
        raise RunError("no directions", field="run", folder=model.folder)
    index = chosen_label(model, label)
    most = min(MOST, model.config.network.latent_dim)
    if not 1 <= count <= most:
        raise RunError("count at once", field="count", count=count, most=most)
    return of_network(load_generator(model, checkpoint), model.config.network.latent_dim, count, index)


def chosen_label(model: Model, label: LabelChoice) -> int | Tensor | None:
    """Returns what a label means to a model, or the usual one if it is None; None for an unconditional model.

    Raises:
        RunError: there is no such class.
    """
    return usual(model) if label is None else requested_once(model, label)


def of_network(
    network: nn.Module, latent_dim: int, count: int = COUNT, label: int | Tensor | None = None
) -> Directions:
    """Finds the strongest latent directions of a generator that reads noise.

    Args:
        network: the generator, in evaluation mode.
        latent_dim: the dimension of a latent.
        count: the number of directions; fewer are returned if fewer directions change the first layer's outputs.
        label: the index of the class to generate, or weights of all (D,), for a conditional generator.
    """
    latents = whitened(max(SAMPLES, 3 * latent_dim), latent_dim)
    return principal_directions(latents, first_outputs(network, latents, for_each(label, len(latents))), count)


def whitened(count: int, latent_dim: int) -> Float[Tensor, "count latent"]:
    """Returns normal latents with exactly mean 0 and covariance 1, so that chance correlations form no direction."""
    generator = torch.Generator().manual_seed(derived_seed(0, "directions"))
    drawn = torch.randn(count, latent_dim, generator=generator, dtype=torch.float64)
    left, _, right = torch.linalg.svd(drawn - drawn.mean(dim=0), full_matrices=False)
    return (left @ right * count**0.5).float()


@torch.no_grad()
def first_outputs(network: nn.Module, latents: Tensor, labels: Tensor | None) -> Float[Tensor, "count features"]:
    """Returns the outputs of a generator's first layer before its activation, with normalization if the layer has it.

    For a network without an activation, these are the outputs of its first dense layer.
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

    Let x be the coordinates of a centered output along its strongest components. GANSpace's equation 2 asks for the
    matrix U that minimizes Σ ‖U x − z‖². The coordinates are uncorrelated, so its columns are E[x_k z] / E[x_k²].
    Times the standard deviation of x_k, a column is the change of a latent for a step of one standard deviation.

    Args:
        latents: latents with mean 0.
        outputs: the first layer's output for each latent; more of them than a latent has dimensions.
        count: the requested number of directions.

    Returns:
        The requested directions, or fewer if the outputs vary in fewer. The largest component of each in absolute value
        is positive.
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
    label: LabelChoice = None,
    reach: float = REACH,
    steps: int = STEPS,
    checkpoint: str | int = "auto",
) -> Film:
    """Moves along each of the directions, through the first latent of a seed.

    Args:
        model: a model that generates from noise.
        directions: the result of `find_directions`.
        seed: the seed of the latent.
        label: the name of the class, or a mixture; None for the first class, or for the mean of each number.
        reach: the distance to either side of the latent, in standard deviations.
        steps: images per direction.
        checkpoint: `best`, `last`, a step or `auto`.

    Returns:
        An animation whose contact sheet has one row per direction, from one side to the other, with the latent's image
        in the middle.

    Raises:
        RunError: there is no such class or checkpoint, or a number is out of range.
    """
    if not 2 <= whole_number("steps", steps) <= MOST_STEPS:
        raise RunError("out of range", field="steps", value=steps, least=2, most=MOST_STEPS)
    if number("reach", reach) <= 0:
        raise RunError("refused", field="reach", value=reach, why=problem("greater_than", gt=0))
    seed = whole_number("seed", seed)
    if len(directions) == 0 or directions.vectors.shape[1] != model.config.network.latent_dim:
        raise RunError("other latent space", field="directions", folder=model.folder)
    index = chosen_label(model, label)
    latent = sample_latents(model.config, 1, seed)[0]
    return film_along(load_generator(model, checkpoint), model.config, directions, latent, index, reach, steps)


def film_along(
    network: nn.Module,
    config: RunConfig,
    directions: Directions,
    latent: Float[Tensor, "latent"],
    label: int | Tensor | None = None,
    reach: float = REACH,
    steps: int = STEPS,
) -> Film:
    """Creates the animation along directions through a latent; see `walk_directions`.

    Args:
        network: a generator that reads noise.
        config: the configuration of its run.
        directions: one or more directions of its latents.
        latent: the latent in the middle of each direction.
        label: the index of the class to generate, or weights of all (D,), for a conditional generator.
        reach, steps: as in `walk_directions`.
    """
    rows, places = len(directions), torch.linspace(-reach, reach, steps)
    latents = (latent + places[:, None, None] * directions.vectors).flatten(0, 1)
    images = run_generator(network, latents, for_each(label, len(latents)), config).numpy()
    return Film(
        images=images.reshape(steps, rows, *images.shape[1:]),
        columns=rows,
        captions=(),
        names=tuple(str(number + 1) for number in range(rows)),
        fps=10.0,
        hold=0.5,
        moments=tuple(range(steps)),
        headings=tuple(signed(place) for place in places.tolist()),
        rows=tuple(range(rows)),
    )


def signed(place: float) -> str:
    """Returns a distance with its sign and up to two decimal places, such as `+2.25`."""
    text = f"{abs(place):.2f}".rstrip("0").rstrip(".")
    return text if text == "0" else f"{'−' if place < 0 else '+'}{text}"
