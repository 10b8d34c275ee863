"""Layers and helpers shared by the architectures."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pocketgan.base.errors import ConfigError
from pocketgan.base.messages import problem
from pocketgan.config.sections import NetworkConfig
from pocketgan.images.intake.sizes import nearest_sides

LARGEST_BASE = 8
"""Largest resolution, in pixels, at which convolutional networks begin."""


@dataclass(frozen=True)
class ImageShape:
    """Image format that the networks work with.

    Attributes:
        channels: 1 (gray) or 3 (RGB).
        size: side in pixels.
        classes: number of classes in class-conditional networks, or of the numbers that they are told of each image; 0
            in unconditional ones.
    """

    channels: int
    size: int
    classes: int = 0

    @property
    def pixels(self) -> int:
        """Number of values in an image."""
        return self.channels * self.size * self.size


def activation(name: str, negative_slope: float) -> nn.Module:
    """Returns the activation with this name (see `NetworkConfig.activation`)."""
    if name == "leaky_relu":
        return nn.LeakyReLU(negative_slope)
    return {
        "relu": nn.ReLU,
        "elu": nn.ELU,
        "selu": nn.SELU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "tanh": nn.Tanh,
    }[name]()


def generator_activation(config: NetworkConfig) -> nn.Module:
    """Returns the activation of the generator's hidden layers."""
    return activation(config.activation, config.negative_slope)


def discriminator_activation(config: NetworkConfig) -> nn.Module:
    """Returns the activation of the discriminator's hidden layers."""
    return activation(config.discriminator_activation or config.activation, config.negative_slope)


def output_activation(pixels: str) -> nn.Module:
    """Returns the activation that bounds the generator's output: tanh for `signed` pixels, sigmoid for `unit`."""
    return nn.Tanh() if pixels == "signed" else nn.Sigmoid()


def scaled(units: int, config: NetworkConfig) -> int:
    """Returns a hidden width multiplied by `width`, at least 1."""
    return max(1, round(units * config.width))


def pyramid(config: NetworkConfig, shape: ImageShape, field: str, architecture: str) -> tuple[int, int]:
    """Returns the lowest resolution of a convolutional network, and how often it is doubled up to the image's side.

    The number of stages is configured, or else the smallest one, at least 2, that begins at 8 pixels or fewer.

    Raises:
        ConfigError: the side can't be halved so often, or the network would begin at fewer than 4 pixels, or has only
            one stage, which `dcgan` alone can.
    """
    stages = config.stages
    if stages == "auto":
        stages = max(2, math.ceil(math.log2(shape.size / LARGEST_BASE)))
    if stages < 2 and architecture != "dcgan":
        raise ConfigError("two stages", field="stages", architecture=architecture)
    base, rest = divmod(shape.size, 2**stages)
    if rest or base < 1:
        raise side_error(shape, field, architecture)
    return base, stages


def side_error(shape: ImageShape, field: str, architecture: str) -> ConfigError:
    """Returns the error that an architecture has no network for images of this side, with the nearest ones."""
    sides = problem("or").join(f"--size {side}" for side in nearest_sides(shape.size))
    size = f"{shape.size}×{shape.size}"
    return ConfigError("side of network", field=field, architecture=architecture, size=size, sides=sides)


class LatentInput(nn.Module):
    """Input layer of the generator: z, joined in a class-conditional network by a learned embedding of the class."""

    def __init__(self, latent_dim: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.embedding = nn.Embedding(classes, latent_dim) if classes else None
        self.out_features = latent_dim * (2 if classes else 1)

    def forward(self, z: Float[Tensor, "n latent"], labels: Tensor | None) -> Float[Tensor, "n features"]:
        if self.embedding is None:
            return z
        assert labels is not None, "a conditional generator needs labels"
        return torch.cat([z, embedded(self.embedding, labels)], dim=1)


class LogitHead(nn.Module):
    """Output layer of the discriminator, which maps features to one logit per sample, shape (N,).

    A class-conditional network adds the inner product of the class embedding and the features (projection
    discriminator; Miyato & Koyama 2018, equation 3). For K classes per sample, shape (N, K), it returns one logit per
    class, (N, K). Instead of a class, float weights of all of them can be given; see `embedded`.
    """

    def __init__(self, in_features: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, 1)
        self.embedding = nn.Embedding(classes, in_features) if classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(in_features))

    def forward(self, features: Float[Tensor, "n features"], labels: Tensor | None) -> Float[Tensor, "n *k"]:
        """Returns one logit for each sample, or for each of its K classes; see the class."""
        logits = self.linear(features).squeeze(1)
        if self.embedding is None:
            return logits
        assert labels is not None, "a conditional discriminator needs labels"
        vectors = embedded(self.embedding, labels)
        if vectors.ndim == 2:
            return logits + (vectors * features).sum(dim=1)
        return logits[:, None] + torch.einsum("nkf,nf->nk", vectors, features)


def embedded(embedding: nn.Embedding, labels: Tensor) -> Float[Tensor, "*shape width"]:
    """Returns the vectors of classes, or weighted sums of them.

    Args:
        embedding: the vectors of C classes.
        labels: integers, any shape; or weights of all classes, float, shape (…, C).
    """
    return labels.to(embedding.weight.dtype) @ embedding.weight if labels.is_floating_point() else embedding(labels)


class ToMap(nn.Module):
    """Reshapes features (N, C·S·S) to a map (N, C, S, S) in channels-last memory layout."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.channels, self.size = channels, size

    def forward(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n channels size size"]:
        return features.view(-1, self.size, self.size, self.channels).permute(0, 3, 1, 2)


class FromMap(nn.Module):
    """Flattens a map (N, C, S, S) to (N, S·S·C), without a copy if the map is channels-last in memory."""

    def forward(self, maps: Float[Tensor, "n channels size size"]) -> Float[Tensor, "n features"]:
        return maps.permute(0, 2, 3, 1).flatten(1)


def as_images(vectors: Float[Tensor, "n pixels"], shape: ImageShape) -> Float[Tensor, "n channels size size"]:
    """Reshapes vectors (N, C·S·S) to images (N, C, S, S)."""
    return vectors.view(-1, shape.channels, shape.size, shape.size)


class Dropout(nn.Module):
    """Dropout with its own random generator, so that a run can be resumed exactly.

    Scales by 1/(1 − p) in training, and is the identity otherwise (Srivastava et al. 2014).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        remaining = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        return x * remaining.div_(1 - self.p)


def initialise(network: nn.Module, kind: str) -> None:
    """Initializes the weights of dense and convolutional layers.

    `glorot`: uniform (Glorot & Bengio 2010, equation 16), zero biases. `dcgan`: normal with standard deviation 0.02,
    zero biases, BatchNorm scales around 1 (Radford et al. 2016, section 4). `torch`: PyTorch's own initialization.
    """
    if kind == "torch":
        return
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            if kind == "glorot":
                nn.init.xavier_uniform_(module.weight)
            else:
                nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d) and kind == "dcgan":
            nn.init.normal_(module.weight, 1.0, 0.02)


TALL = 4


def lay_out(network: nn.Module) -> nn.Module:
    """Changes the memory layout of weights for speed on a CPU; shapes and values stay the same.

    Weights of convolutions become channels-last. A dense layer with over four times as many inputs as outputs stores
    its weights input by input. Its gradient is then a tall matrix multiplication, which two threads share evenly,
    unlike a wide one. From 784 to 128 features at batch size 128, the tall one takes 0.6 of the wide one's time (see
    benchmarks/LOG.md).

    Returns:
        `network`.
    """
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    for module in network.modules():
        if isinstance(module, nn.Linear) and module.in_features > TALL * module.out_features > TALL:
            module.weight.data = module.weight.data.t().contiguous().t()
    return network
