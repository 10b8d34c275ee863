"""Scores of a generated image: by the discriminator, by the classifier, and by its distance from training images."""

from typing import Any, NamedTuple

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from pocketgan.images.sets import ImageSet, to_network
from pocketgan.metrics.features import FeatureSpace
from pocketgan.runs.model import Model

COMPARED = 256
"""Largest number of training images to compare an image with, if only differences between logits are meaningful."""
BLOCK = 4096
SPACED, LEAST_SPACED = 400, 100
"""Largest and smallest number of images whose nearest neighbor is searched."""
MOST_PRODUCTS = 1e10
"""Largest number of products in that search, which takes some seconds on one core."""


class Near(NamedTuple):
    """Training images nearest to an image.

    Attributes:
        distances: root mean square differences of the pixels in gray levels, [0, 255], ascending.
        places: indices in the training set.
    """

    distances: list[float]
    places: list[int]


class Spacing(NamedTuple):
    """Distances of real images from their nearest neighbors, in gray levels, [0, 255].

    Attributes:
        typical: the median distance.
        rare: the 1st percentile, below which one distance in a hundred lies.
    """

    typical: float
    rare: float


class Judge:
    """Scores images of one model.

    Args:
        model: the model.
        discriminator: its discriminator at the same step; None if unknown.
        classifier: a classifier for the images; None if there is none.
        training: the model's training images; None if they aren't available.
    """

    def __init__(
        self,
        model: Model,
        discriminator: nn.Module | None,
        classifier: FeatureSpace | None,
        training: ImageSet | None,
    ) -> None:
        self.model = model
        self.discriminator = discriminator
        self.classifier = classifier
        self.training = training

    def opinions(self, images: UInt8[Tensor, "n c h w"], labels: Tensor | None) -> dict[str, Any]:
        """Returns the scores of the discriminator and the classifier.

        Args:
            images: the images.
            labels: the requested classes, int64 (N,), or weights, float32 (N, D), for a conditional model.

        Returns:
            `discriminator`: numbers in [0, 1], and their `kind`. `probability`: that an image is real. `against`: that
                it is real rather than a training image (for a relativistic objective; 0.5 is undecided). `rank`: the
                fraction of training images with a lower score (for objectives without probabilities). Both are None if
                unknown. `class` and `probability`: those of the classifier, or None.
        """
        results: dict[str, Any] = {"discriminator": None, "kind": None, "class": None, "probability": None}
        results |= self._discriminators(images, labels)
        if self.classifier is not None:
            _, logits = self.classifier.embed(images)
            assert logits is not None
            best = logits.softmax(dim=1).max(dim=1)
            results["class"] = [self.classifier.class_names[place] for place in best.indices.tolist()]
            results["probability"] = best.values.tolist()
        return results

    def _discriminators(self, images: Tensor, labels: Tensor | None) -> dict[str, Any]:
        facts = self.model.config.facts("objective")
        if self.discriminator is None:
            return {}
        own = self._logits(images, labels)
        if facts.logits == "probability":
            return {"discriminator": own.sigmoid().tolist(), "kind": "probability"}
        if self.training is None:
            return {}
        chosen = torch.linspace(0, len(self.training) - 1, min(COMPARED, len(self.training))).long()
        compared = self.training.part(chosen)
        told = compared.labels if compared.conditions is None else compared.conditions
        real = self._logits(compared.images, told)
        if facts.relativistic:
            shares = (own[:, None] - real).sigmoid().mean(dim=1)
            return {"discriminator": shares.tolist(), "kind": "against"}
        return {"discriminator": (own[:, None] > real).double().mean(dim=1).tolist(), "kind": "rank"}

    @torch.no_grad()
    def _logits(self, images: Tensor, labels: Tensor | None) -> Tensor:
        assert self.discriminator is not None
        config = self.model.config
        told = labels if config.tells_classes else None
        return self.discriminator(to_network(images, config.data.pixel_range), told)

    def nearest(self, image: UInt8[Tensor, "c h w"], count: int) -> Near:
        """Returns the training images with the smallest pixel differences from an image, by an exact search."""
        assert self.training is not None
        base = self.training.images
        result = differences(image, base).topk(min(count, len(base)), largest=False, sorted=True)
        return Near(result.values.tolist(), result.indices.tolist())


def spacing(images: UInt8[Tensor, "n c h w"]) -> Spacing | None:
    """Returns the nearest-neighbor distances of images; None if there are too few images.

    A sample of the images is compared with all images.
    """
    count = min(len(images), SPACED, int(MOST_PRODUCTS / images.numel()))
    if count < LEAST_SPACED:
        return None
    places = torch.linspace(0, len(images) - 1, count).long()
    sample = images[places].flatten(1).float()
    nearest = torch.full((count,), torch.inf)
    for start in range(0, len(images), BLOCK):
        block = images[start : start + BLOCK].flatten(1).float()
        squares = sample.square().sum(dim=1)[:, None] + block.square().sum(dim=1) - 2 * sample @ block.T
        itself = (places >= start) & (places < start + len(block))
        squares[itself, places[itself] - start] = torch.inf
        nearest = nearest.minimum(squares.min(dim=1).values)
    distances = (nearest.clamp(min=0) / sample.shape[1]).sqrt()
    typical, rare = distances.quantile(torch.tensor([0.5, 0.01])).tolist()
    return Spacing(typical, rare)


def differences(image: UInt8[Tensor, "c h w"], base: UInt8[Tensor, "n c h w"]) -> Tensor:
    """Returns the root mean square differences between an image and others, in gray levels, float32, shape (n,)."""
    wanted = image.float().flatten()
    pieces = [(piece.flatten(1).float() - wanted).square_().mean(dim=1) for piece in base.split(BLOCK)]
    return torch.cat(pieces).sqrt()
