"""Adversarial losses on raw logits, and penalties on the discriminator's gradient, as pure functions.

D(x) is the discriminator's logit for a real image, D(G(z)) its logit for a generated image. σ is the logistic function,
and softplus(t) = ln(1 + eᵗ) = −ln σ(−t). Losses are per sample, shape (N,); the caller reduces.

An objective without a discriminator is another class, `SetObjective`: it compares the images themselves.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu, softplus

from pocketgan.base.errors import ConfigError
from pocketgan.config import parts
from pocketgan.config.parts import PartFacts
from pocketgan.config.sections import RunConfig
from pocketgan.training.drifting import drifting_loss

Logits = Float[Tensor, "n"]


def bce_real(logits: Logits) -> Logits:
    """−ln σ(D(x)): binary cross-entropy against 1."""
    return softplus(-logits)


def bce_fake(logits: Logits) -> Logits:
    """−ln(1 − σ(D(G(z)))): binary cross-entropy against 0."""
    return softplus(logits)


def non_saturating(real_logits: Logits | None, fake_logits: Logits) -> Logits:
    """−ln σ(D(G(z))): the non-saturating generator loss (Goodfellow et al. 2014, section 3)."""
    return softplus(-fake_logits)


def saturating(real_logits: Logits | None, fake_logits: Logits) -> Logits:
    """ln(1 − σ(D(G(z)))): the minimax generator loss (Goodfellow et al. 2014, equation 1)."""
    return -softplus(fake_logits)


def msle(real_logits: Logits | None, fake_logits: Logits) -> Logits:
    """(ln 2 − ln(1 + σ(D(G(z)))))²: squared logarithmic error of the discriminator's output against 1."""
    return (math.log(2.0) - torch.log1p(torch.sigmoid(fake_logits))).square()


def least_squares_real(logits: Logits) -> Logits:
    """½ (D(x) − 1)² (Mao et al. 2017, equation 9 with a = 0, b = c = 1)."""
    return 0.5 * (logits - 1).square()


def least_squares_fake(logits: Logits) -> Logits:
    """½ D(G(z))² (Mao et al. 2017, equation 9 with a = 0, b = c = 1)."""
    return 0.5 * logits.square()


def least_squares_generator(real_logits: Logits | None, fake_logits: Logits) -> Logits:
    """½ (D(G(z)) − 1)² (Mao et al. 2017, equation 9 with a = 0, b = c = 1)."""
    return 0.5 * (fake_logits - 1).square()


def hinge_real(logits: Logits) -> Logits:
    """max(0, 1 − D(x)) (Lim & Ye 2017; Miyato et al. 2018, equation 16)."""
    return relu(1 - logits)


def hinge_fake(logits: Logits) -> Logits:
    """max(0, 1 + D(G(z))) (Lim & Ye 2017; Miyato et al. 2018, equation 16)."""
    return relu(1 + logits)


def critic_real(logits: Logits) -> Logits:
    """−D(x) (Arjovsky et al. 2017, equation 2)."""
    return -logits


def critic_fake(logits: Logits) -> Logits:
    """D(G(z)) (Arjovsky et al. 2017, equation 2)."""
    return logits


def critic_generator(real_logits: Logits | None, fake_logits: Logits) -> Logits:
    """−D(G(z)): the generator loss of the Wasserstein and hinge objectives."""
    return -fake_logits


def relativistic_discriminator(real_logits: Logits, fake_logits: Logits) -> Logits:
    """softplus(−(D(x) − D(G(z)))) (Jolicoeur-Martineau 2019; Huang et al. 2024, equation 2)."""
    return softplus(fake_logits - real_logits)


def relativistic_generator(real_logits: Logits | None, fake_logits: Logits) -> Logits:
    """softplus(−(D(G(z)) − D(x))): the discriminator's loss with real and generated images exchanged."""
    assert real_logits is not None, "a relativistic generator loss needs the logits of real images"
    return softplus(real_logits - fake_logits)


@dataclass(frozen=True)
class Objective:
    """An adversarial objective.

    Attributes:
        discriminator_loss: (real_logits, fake_logits) → (N,).
        generator_loss: (real_logits or None, fake_logits) → (N,).
        boundary: the logit above which the discriminator classifies an image as real; None if only differences between
            logits are meaningful.
        relativistic: whether the generator's loss needs the logits of real images.
        real_term, fake_term: the two terms of the discriminator's loss, if it is a sum of one for real and one for
            generated images; else None.
        logits: what a logit means, see `PartFacts`: `probability`, `score` or `critic`.
        unit: the unit of the losses, such as `nats`; empty if they have none.
        name: the name in configurations of an objective that is handed over as an object.
    """

    discriminator_loss: Callable[[Tensor, Tensor], Tensor]
    generator_loss: Callable[[Tensor | None, Tensor], Tensor]
    boundary: float | None = 0.0
    relativistic: bool = False
    real_term: Callable[[Tensor], Tensor] | None = None
    fake_term: Callable[[Tensor], Tensor] | None = None
    logits: Literal["probability", "score", "critic"] = "critic"
    unit: str = ""
    name: str = ""

    @property
    def facts(self) -> PartFacts:
        """What the program asks about the objective; a run stores it."""
        return PartFacts(
            boundary=self.boundary,
            logits=self.logits,
            relativistic=self.relativistic,
            separable=self.real_term is not None and self.fake_term is not None,
            unit=self.unit,
        )


def separable(
    real_term: Callable[[Tensor], Tensor],
    fake_term: Callable[[Tensor], Tensor],
    generator_loss: Callable[[Tensor | None, Tensor], Tensor],
    boundary: float | None = 0.0,
    logits: Literal["probability", "score", "critic"] = "critic",
    unit: str = "",
    name: str = "",
) -> Objective:
    """Builds an objective whose discriminator loss is the sum of a term on real and a term on generated images.

    Args:
        real_term, fake_term: logits (N,) → losses (N,), for real and for generated images.
        generator_loss: (real_logits or None, fake_logits) → losses (N,).
        boundary, logits, unit, name: as in `Objective`.
    """

    def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return real_term(real_logits) + fake_term(fake_logits)

    return Objective(discriminator_loss, generator_loss, boundary, False, real_term, fake_term, logits, unit, name)


OBJECTIVES = {
    "bce": separable(bce_real, bce_fake, non_saturating, logits="probability", unit="nats"),
    "minimax": separable(bce_real, bce_fake, saturating, logits="probability", unit="nats"),
    "msle": separable(bce_real, bce_fake, msle, logits="probability"),
    "least_squares": separable(
        least_squares_real, least_squares_fake, least_squares_generator, boundary=0.5, logits="score"
    ),
    "hinge": separable(hinge_real, hinge_fake, critic_generator),
    "wasserstein": separable(critic_real, critic_fake, critic_generator, boundary=None),
    "relativistic": Objective(
        relativistic_discriminator, relativistic_generator, boundary=None, relativistic=True, unit="nats"
    ),
}


@dataclass(frozen=True)
class SetObjective:
    """An objective without a discriminator, which compares a set of generated images with a set of real ones.

    Attributes:
        loss: generated images of K classes (K, N, D), attached to their graph, and real images of the same classes
            (K, P, D) → the loss, a scalar, or one value for each class (K,), whose mean counts. Images are flat
            vectors in the range that the networks see. Without classes, K is 1.
        unit: the unit of the loss, such as `nats`; empty if it has none.
        name: the name in configurations of an objective that is handed over as an object.
    """

    loss: Callable[[Float[Tensor, "k n d"], Float[Tensor, "k p d"]], Tensor]
    unit: str = ""
    name: str = ""

    @property
    def facts(self) -> PartFacts:
        """What the program asks about the objective; a run stores it."""
        return PartFacts(boundary=None, separable=False, needs_discriminator=False, unit=self.unit)


SET_OBJECTIVES = {"drifting": SetObjective(drifting_loss)}


def objective_of(config: RunConfig) -> Objective:
    """Returns the adversarial objective that a configuration names: the package's, or one of the person's own."""
    name = config.objective.objective
    return OBJECTIVES[name] if name in OBJECTIVES else parts.get("objective", name).value


def set_objective_of(config: RunConfig) -> SetObjective:
    """Returns the objective that a configuration without a discriminator names; see `objective_of`."""
    name = config.objective.objective
    return SET_OBJECTIVES[name] if name in SET_OBJECTIVES else parts.get("objective", name).value


def set_loss(made: Float[Tensor, "k n d"], real: Float[Tensor, "k p d"], config: RunConfig) -> Tensor:
    """Returns the loss of generated images of K classes against real ones, a scalar; see `SetObjective`.

    Raises:
        ConfigError: one's own loss returns something that can't be trained with.
    """
    value: object = set_objective_of(config).loss(made, real)
    if not (isinstance(value, Tensor) and value.requires_grad):
        raise ConfigError("no set loss", field="objective", name=config.objective.objective)
    return value.mean()


def squared_gradient(logits: Logits, images: Float[Tensor, "n c h w"]) -> Logits:
    """‖∇D(x)‖² per sample, with squares summed over C, H and W; can be differentiated again.

    Args:
        logits: the discriminator's output for `images`, still attached to their graph.
        images: a tensor that requires a gradient, as it was before any augmentation.
    """
    return squared_gradients(logits, (images,))[0]


def squared_gradients(logits: Float[Tensor, "m"], images: tuple[Tensor, ...]) -> list[Tensor]:
    """‖∇D(x)‖² for several batches of images whose logits are concatenated in `logits`; see `squared_gradient`."""
    gradients = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return [gradient.square().flatten(1).sum(dim=1) for gradient in gradients]


def zero_centred_penalty(logits: Logits, images: Float[Tensor, "n c h w"]) -> Logits:
    """½ ‖∇D(x)‖²: R1 on real images, R2 on generated ones (Mescheder et al. 2018, equations 9 and 10)."""
    return zero_centred_penalties(logits, (images,))[0]


def zero_centred_penalties(logits: Float[Tensor, "m"], images: tuple[Tensor, ...]) -> list[Tensor]:
    """½ ‖∇D(x)‖² for several batches of images with concatenated `logits`; see `zero_centred_penalty`.

    If each logit depends on its own image alone, as it does without BatchNorm, the result equals that of a separate
    backward pass for each batch.
    """
    return [0.5 * squared for squared in squared_gradients(logits, images)]


def one_centred_penalty(logits: Logits, images: Float[Tensor, "n c h w"]) -> Logits:
    """(‖∇D(x̂)‖ − 1)² at images x̂ between real and generated ones (Gulrajani et al. 2017, equation 3)."""
    return (squared_gradient(logits, images).add(1e-12).sqrt() - 1).square()
