"""The input of metrics: images with their features, and the reference that they are compared with."""

from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float, UInt8
from torch import Tensor

from pocketgan.metrics.memorisation import authentic, cell_centres
from pocketgan.metrics.modes import class_histogram
from pocketgan.metrics.neighbours import Nearest, distances_to_others, nearest
from pocketgan.metrics.precision_recall import Manifold, manifold

NEIGHBOURS = 5
"""Number of neighbors (k) for precision, recall, density and coverage; Naeem et al. 2020 recommend 5."""
SETS = 5


@dataclass(frozen=True)
class Sample:
    """Images with their features in a feature space.

    Attributes:
        images: uint8 [0, 255], shape (N, C, H, W).
        features: shape (N, D).
        probabilities: of the classes, shape (N, K); None if the space has no classifier.
        labels: the true or requested classes of the images, shape (N,), or None.
        design: the share of each class by design, shape (K,), for real images sampled from it; None if the shares are
            those of the images at hand.
    """

    images: UInt8[Tensor, "n c h w"]
    features: Float[Tensor, "n d"]
    probabilities: Float[Tensor, "n classes"] | None = None
    labels: Tensor | None = None
    design: Float[Tensor, "classes"] | None = None

    def __len__(self) -> int:
        return len(self.features)

    def part(self, chosen: slice | Tensor) -> "Sample":
        """Returns some of the images."""
        probabilities = None if self.probabilities is None else self.probabilities[chosen]
        labels = None if self.labels is None else self.labels[chosen]
        return Sample(self.images[chosen], self.features[chosen], probabilities, labels, self.design)

    @cached_property
    def to_others(self) -> Tensor:
        """The distances from each image to its five nearest neighbors, nearest first, shape (N, 5)."""
        return distances_to_others(self.features, NEIGHBOURS)

    @property
    def predicted(self) -> Tensor:
        """The most probable class of each image, shape (N,)."""
        assert self.probabilities is not None
        return self.probabilities.argmax(dim=1)

    @cached_property
    def class_shares(self) -> Tensor:
        """The share of each class, by design or among the classifier's predictions for the images; shape (K,)."""
        if self.design is not None:
            return self.design
        assert self.probabilities is not None
        return class_histogram(self.predicted, self.probabilities.shape[1])


@dataclass(frozen=True)
class Reference:
    """Real images that generated ones are compared with.

    Attributes:
        sample: the images compared with; for memorization also the held-out images, if `held_out` is true.
        training: the training images of the generator, or None if unknown.
        held_out: whether none of `sample` was used in training.
    """

    sample: Sample
    training: Sample | None = None
    held_out: bool = True

    @cached_property
    def cells(self) -> Tensor:
        """The centers of the cells into which C_T splits the training images, shape (cells, D)."""
        assert self.training is not None
        return cell_centres(self.training.features)

    @cached_property
    def nearest_training(self) -> Nearest:
        """The nearest training image of each image in `sample`."""
        assert self.training is not None
        return nearest(self.sample.features, self.training.features)

    def split(self, first: Tensor, second: Tensor) -> "Comparison":
        """Returns the comparison of some of its images with others; values already known for single images are kept."""
        rest = Reference(self.sample.part(second), self.training, self.held_out)
        comparison = Comparison(self.sample.part(first), rest)
        if self.training is not None:
            distances, indices = self.nearest_training
            comparison.__dict__["nearest_training"] = Nearest(distances[first], indices[first])
            rest.__dict__["nearest_training"] = Nearest(distances[second], indices[second])
            rest.__dict__["cells"] = self.cells
        return comparison


@dataclass(frozen=True)
class Comparison:
    """Generated images and a reference; values that several metrics need are computed once.

    Attributes:
        generated: the images to judge.
        reference: the real images.
    """

    generated: Sample
    reference: Reference

    @cached_property
    def manifold(self) -> Manifold:
        """The precision, recall, density and coverage, and the realism of each image."""
        real = self.reference.sample
        return manifold(
            real.features,
            self.generated.features,
            NEIGHBOURS,
            real_radii=real.to_others[:, -1],
            generated_radii=self.generated.to_others[:, -1],
        )

    @cached_property
    def nearest_training(self) -> Nearest:
        """The nearest training image of each generated image."""
        assert self.reference.training is not None
        return nearest(self.generated.features, self.reference.training.features)

    @cached_property
    def authentic(self) -> Tensor:
        """Flags of the authentic generated images, bool, shape (N,)."""
        assert self.reference.training is not None
        training = self.reference.training.features
        return authentic(training, self.generated.features, generated_nearest=self.nearest_training)

    @cached_property
    def sets(self) -> list["Comparison"]:
        """Comparisons of five disjoint parts of the generated images, equal in size, for the standard error."""
        size = len(self.generated) // SETS
        return [self.part(slice(i * size, (i + 1) * size)) for i in range(SETS)]

    def part(self, chosen: slice) -> "Comparison":
        """Returns the comparison of some of the generated images; values already known for single images are kept."""
        smaller = Comparison(self.generated.part(chosen), self.reference)
        if self.reference.training is not None:
            distances, indices = self.nearest_training
            smaller.__dict__["nearest_training"] = Nearest(distances[chosen], indices[chosen])
            smaller.__dict__["authentic"] = self.authentic[chosen]
        return smaller
