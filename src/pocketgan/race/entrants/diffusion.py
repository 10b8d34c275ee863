"""A small diffusion model: trained as DDPM (Ho et al. 2020), sampled as DDIM or DDPM (Song et al. 2021)."""

import itertools
import math
from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from pocketgan.race.contract import CHUNK, Average, Sampler, Task, cosine
from pocketgan.race.entrants.arithmetic import Learner
from pocketgan.race.entrants.unet import UNet

RATE, BATCH_SIZE = 2e-3, 16
LAST = 0.999
"""The largest time: noise is all but alone there."""


class Diffusion:
    """A network that learns the noise ε in √ᾱ x + √(1 − ᾱ) ε, with the cosine schedule ᾱ = cos²(πt/2).

    The schedule is that of Nichol & Dhariwal (2021, equation 17) in continuous time, without their offset.

    Args:
        task: what it trains on.
    """

    batch_size = BATCH_SIZE

    def __init__(self, task: Task) -> None:
        self.task = task
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(task.seed)
            self.network = UNet(task.channels, task.classes)
        self.learner, self.average = Learner(self.network, RATE), Average(self.network)
        self.noise, self.times = task.random("noise"), task.random("times")
        self.sampling, self.training = self.average.network, nn.Module()
        self.samplers: Mapping[str, Sampler] = {
            "DDIM, 20 steps": partial(self.sample, steps=20, eta=0.0),
            "DDPM, 50 steps": partial(self.sample, steps=50, eta=1.0),
        }

    def step(self, progress: float) -> Mapping[str, Tensor | float]:
        """Trains on one batch."""
        images, labels = self.task.batch(self.batch_size)
        noise = torch.randn(images.shape, generator=self.noise)
        time = LAST * torch.rand(len(images), generator=self.times)
        signal, rest = shares(time[:, None, None, None])
        with self.learner.autocast():
            guess = self.network(signal * images + rest * noise, time, labels).float()
        loss = (guess - noise).square().mean()
        self.learner.step(loss, cosine(progress))
        self.average.update(self.batch_size)
        return {"loss": loss.detach()}

    @torch.inference_mode()
    def sample(self, count: int, labels: Tensor | None, seed: int, *, steps: int, eta: float) -> Tensor:
        """Removes the noise step by step (Song et al. 2021, equation 12).

        Args:
            count, labels, seed: as of every sampler.
            steps: number of steps.
            eta: share of new noise in each step: 0 is DDIM, 1 is DDPM.
        """
        random, parts = torch.Generator().manual_seed(seed), []
        times = torch.linspace(LAST, 0, steps + 1)
        for start in range(0, count, CHUNK):
            size = min(CHUNK, count - start)
            shape = (size, self.task.channels, self.task.size, self.task.size)
            x = torch.randn(shape, generator=random)
            some = None if labels is None else labels[start : start + size]
            for now, following in itertools.pairwise(times):
                with self.learner.autocast():
                    noise = self.average.network(x, now.expand(size), some).float()
                (signal, rest), (next_signal, next_rest) = shares(now), shares(following)
                image = ((x - rest * noise) / signal).clamp(-1, 1)
                noise = (x - signal * image) / rest
                fresh = eta * (next_rest / rest) * (1 - (signal / next_signal).square()).clamp_min(0).sqrt()
                x = next_signal * image + (next_rest.square() - fresh.square()).clamp_min(0).sqrt() * noise
                x = x + fresh * torch.randn(shape, generator=random) if eta else x
            parts.append(x.clamp(-1, 1))
        return torch.cat(parts)


def shares(time: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the factors √ᾱ of the image and √(1 − ᾱ) of the noise at times in [0, 1]."""
    return torch.cos(math.pi / 2 * time), torch.sin(math.pi / 2 * time)
