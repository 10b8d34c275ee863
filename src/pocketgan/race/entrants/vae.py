"""A variational autoencoder (Kingma & Welling 2014) with the generator of `pocket` as its decoder."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe
from pocketgan.networks import ImageShape, build_generator
from pocketgan.networks.layers import FromMap, side_error
from pocketgan.race.contract import Average, Sampler, Task, cosine, sampled
from pocketgan.race.entrants.arithmetic import Learner

RATE, BATCH_SIZE, LATENT_DIM, WIDTH = 4e-3, 32, 16, 32


class Encoder(nn.Module):
    """An image and its class → half of its side → a quarter → means and logarithms of variances of the latents."""

    def __init__(self, shape: ImageShape) -> None:
        super().__init__()
        if shape.size % 4:
            raise side_error(shape, "data", "vae")
        side = shape.size // 4
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * shape.channels, WIDTH, 3, padding=1),
            nn.SiLU(),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * WIDTH, 2 * WIDTH, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(2 * WIDTH, 2 * WIDTH, 3, padding=1),
            nn.SiLU(),
            FromMap(),
        )
        features = 2 * WIDTH * side * side
        self.label = nn.Embedding(shape.classes, features) if shape.classes else None
        self.head = nn.Linear(features, 2 * LATENT_DIM)

    def forward(self, images: Tensor, labels: Tensor | None) -> tuple[Float[Tensor, "n z"], Float[Tensor, "n z"]]:
        features = self.layers(images)
        if self.label is not None:
            assert labels is not None, "a conditional encoder needs labels"
            features = features + self.label(labels)
        mean, log_variance = self.head(features).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 4)


class VAE:
    """A class-conditional VAE whose decoder has a calibrated variance (Rybkin et al. 2021, equation 6).

    The variance of the pixels is the mean squared error of the batch, its best value. So the weight of the error
    against the divergence of the latents is no setting. Samples are the decoder's means, without noise of pixels.

    Args:
        task: what it trains on.
    """

    batch_size = BATCH_SIZE

    def __init__(self, task: Task) -> None:
        self.task = task
        shape = ImageShape(task.channels, task.size, task.classes)
        network = replace(recipe("pocket"), latent_dim=LATENT_DIM).network
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(task.seed)
            self.encoder = Encoder(shape)
        self.decoder = build_generator(network, shape, "signed", task.seed)
        self.learner = Learner(nn.ModuleList([self.encoder, self.decoder]), RATE)
        self.average, self.noise = Average(self.decoder), task.random("noise")
        self.sampling, self.training = self.average.network, self.encoder
        self.samplers: Mapping[str, Sampler] = {"1 step": self.sample}

    def step(self, progress: float) -> Mapping[str, Tensor | float]:
        """Trains on one batch."""
        images, labels = self.task.batch(self.batch_size)
        with self.learner.autocast():
            mean, log_variance = self.encoder(images, labels)
            noise = torch.randn(mean.shape, generator=self.noise)
            decoded = self.decoder(mean + noise * (0.5 * log_variance).exp(), labels).float()
        error = (decoded - images).square().mean()
        mean, log_variance = mean.float(), log_variance.float()
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
        pixels = images[0].numel()
        loss = 0.5 * pixels * error.clamp_min(1e-6).log() + divergence  # Nats per image, up to a constant.
        self.learner.step(loss / pixels, cosine(progress))
        self.average.update(self.batch_size)
        return {"loss": loss.detach(), "error": error.detach(), "divergence": divergence.detach()}

    def sample(self, count: int, labels: Tensor | None, seed: int) -> Tensor:
        """Returns the decoder's means of latents from the prior."""
        return sampled(self.average.network, count, LATENT_DIM, labels, seed)
