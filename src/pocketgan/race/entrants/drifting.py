"""A drifting model (Deng et al. 2026, arXiv 2602.04770): one step, and no discriminator.

In training, each generated image is moved by a field that attracts it to real images of its class and repels it from
other generated ones. The generator learns to return the moved images. The field is zero where the two distributions are
equal. The paper measures distances in features of a pretrained encoder; here they are distances of pixels.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from pocketgan.config.recipes import recipe
from pocketgan.images.sets import to_network
from pocketgan.networks import ImageShape, build_generator
from pocketgan.race.contract import Average, Sampler, Task, cosine, sampled
from pocketgan.race.entrants.arithmetic import Learner

TEMPERATURES = (0.02, 0.05, 0.2)
"""Widths of the kernel, as shares of the mean distance (section 3.5 of the paper)."""
GENERATED, POSITIVES = 16, 128
"""Generated and real images of each class in a step. Real ones cost little, since no network sees them."""
RATE = 4e-3
FAR = 1e6
"""A distance that keeps an image from repelling itself."""


class DriftingModel:
    """A drifting model with the generator of `pocket`.

    Args:
        task: what it trains on.
    """

    def __init__(self, task: Task) -> None:
        self.task, config = task, recipe("pocket").network
        shape = ImageShape(task.channels, task.size, task.classes)
        self.latent_dim = config.latent_dim
        self.generator = build_generator(config, shape, "signed", task.seed)
        self.learner = Learner(self.generator, RATE)
        self.average = Average(self.generator)
        self.sampling, self.training = self.average.network, torch.nn.Module()
        self.latents, self.order = task.random("latents"), task.random("positives")
        # The real images of each class, from which a step takes some.
        labels = torch.zeros(len(task.images), dtype=torch.int64) if task.labels is None else task.labels
        self.of_class = [one for one in map(labels.eq, range(max(1, task.classes))) if one.any()]
        self.of_class = [one.nonzero().squeeze(1) for one in self.of_class]
        self.present = torch.unique(labels)
        self.generated = GENERATED if task.classes else 10 * GENERATED
        self.positives = POSITIVES if task.classes else 10 * POSITIVES
        self.batch_size = self.generated * len(self.of_class)
        self.samplers: Mapping[str, Sampler] = {"1 step": self.sample}

    def step(self, progress: float) -> Mapping[str, Tensor | float]:
        """Moves the generator's images along the field once."""
        z = torch.randn(self.batch_size, self.latent_dim, generator=self.latents)
        labels = self.present.repeat_interleave(self.generated) if self.task.classes else None
        with self.learner.autocast():
            images = self.generator(z, labels).float()
        made = images.reshape(len(self.of_class), self.generated, -1)  # (K, N, C·H·W)
        with torch.no_grad():
            scale, drift = field(made.detach(), self.real())
        # The squared distance to the moved images; its gradient is the drift itself.
        loss = (made / scale - (made.detach() / scale + drift)).square().mean()
        self.learner.step(loss, cosine(progress))
        self.average.update(self.batch_size)
        return {"loss": loss.detach()}

    def real(self) -> Float[Tensor, "k p d"]:
        """Returns real images of each class, with replacement, in [-1, 1]."""
        chosen = torch.stack(
            [one[torch.randint(len(one), (self.positives,), generator=self.order)] for one in self.of_class]
        )
        images = to_network(self.task.images[chosen.flatten()], "signed")
        return images.reshape(len(self.of_class), self.positives, -1)

    def sample(self, count: int, labels: Tensor | None, seed: int) -> Tensor:
        """Returns images of the averaged generator."""
        return sampled(self.average.network, count, self.latent_dim, labels, seed)


def field(made: Float[Tensor, "k n d"], real: Float[Tensor, "k p d"]) -> tuple[Tensor, Float[Tensor, "k n d"]]:
    """Returns the scale of the distances and the drift of generated images, both as in section 3.5 of the paper.

    For each temperature, the field is V = Σ w⁺ y⁺ − Σ w⁻ y⁻ (its equation 11). The weights are products of two kernels
    exp(−‖x − y‖ / τ), which are normalized over the targets and over the generated images (its algorithm 2). Exchanging
    the real and the generated images changes the sign of V, so that V is 0 where their distributions are equal.

    Args:
        made: generated images of K classes.
        real: real images of the same classes.

    Returns:
        The divisor that makes the mean distance √D, a scalar; and the sum over the temperatures of V at that scale,
        each divided by its root mean square.
    """
    size = made.shape[2]
    to_real, to_made = torch.cdist(made, real), torch.cdist(made, made)
    mean = to_real.mean().clamp_min(1e-6)
    own = torch.eye(made.shape[1], dtype=torch.bool)
    to_made = to_made.masked_fill(own, FAR)
    targets = made.shape[1]
    total = torch.zeros_like(made)
    for temperature in TEMPERATURES:
        logits = -torch.cat([to_real, to_made], dim=2) / (temperature * mean)
        weights = (logits.softmax(dim=2) * logits.softmax(dim=1)).sqrt()
        near_real, near_made = weights[:, :, :-targets], weights[:, :, -targets:]
        attraction = near_real * near_made.sum(dim=2, keepdim=True)
        repulsion = near_made * near_real.sum(dim=2, keepdim=True)
        drift = attraction @ real - repulsion @ made
        total += drift / drift.square().mean().sqrt().clamp_min(1e-12)
    return mean / size**0.5, total
