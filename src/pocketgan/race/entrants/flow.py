"""Rectified flow with a small U-Net (Liu et al. 2023; Esser et al. 2024): straight ways from noise to images."""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from pocketgan.race.contract import CHUNK, Average, Sampler, Task, cosine
from pocketgan.race.entrants.arithmetic import Learner
from pocketgan.race.entrants.unet import UNet

RATE, BATCH_SIZE = 2e-3, 16
STEPS = (20, 8, 4, 1)
"""Numbers of steps of the samplers. The first is judged by the study."""


class RectifiedFlow:
    """A network that learns the velocity x₁ − x₀ at (1 − t) x₀ + t x₁, where x₀ is noise and x₁ an image.

    The time t is logit-normal: training looks most often at the middle of the way (Esser et al. 2024, equation 19).

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
            f"{steps} step{'s' * (steps > 1)}": partial(self.sample, steps=steps) for steps in STEPS
        }

    def step(self, progress: float) -> Mapping[str, Tensor | float]:
        """Trains on one batch."""
        images, labels = self.task.batch(self.batch_size)
        noise = torch.randn(images.shape, generator=self.noise)
        time = torch.randn(len(images), generator=self.times).sigmoid()
        with self.learner.autocast():
            velocity = self.network(torch.lerp(noise, images, time[:, None, None, None]), time, labels).float()
        loss = (velocity - (images - noise)).square().mean()
        self.learner.step(loss, cosine(progress))
        self.average.update(self.batch_size)
        return {"loss": loss.detach()}

    @torch.inference_mode()
    def sample(self, count: int, labels: Tensor | None, seed: int, *, steps: int) -> Tensor:
        """Follows the velocity from noise to images, in Euler's steps of equal length."""
        random, parts = torch.Generator().manual_seed(seed), []
        for start in range(0, count, CHUNK):
            size = min(CHUNK, count - start)
            x = torch.randn(size, self.task.channels, self.task.size, self.task.size, generator=random)
            some = None if labels is None else labels[start : start + size]
            for step in range(steps):
                with self.learner.autocast():
                    velocity = self.average.network(x, torch.full((size,), step / steps), some).float()
                x = x + velocity / steps
            parts.append(x.clamp(-1, 1))
        return torch.cat(parts)
