"""What metrics compare: images with their features, and what they are held against."""

from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float, UInt8
from torch import Tensor

from pocketgan.metrics.memorisation import authentic, cell_centres
from pocketgan.metrics.modes import class_histogram
from pocketgan.metrics.neighbours import Nearest, distances_to_others, nearest
from pocketgan.metrics.precision_recall import Manifold, manifold

NEIGHBOURS = 5
"""k of precision, recall, density and coverage (Naeem et al. 2020 recommend 5)."""
SETS = 5


@dataclass(frozen=True)
class Sample:
    """Images as a feature space sees them.

    Attributes:
        images: uint8 [0, 255], shape (N, C, H, W).
        features: shape (N, D).
        probabilities: of the classes, shape (N, K); None where the space has no classifier.
        labels: the classes that the images have or were asked to have, shape (N,), or None.
        design: the share of each class by design, shape (K,), of real images that are a draw of it; None where the
            shares are those among the images at hand.
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
        """Each image's distances to its five nearest other ones, nearest first, shape (N, 5)."""
        return distances_to_others(self.features, NEIGHBOURS)

    @property
    def predicted(self) -> Tensor:
        """The most probable class of each image, shape (N,)."""
        assert self.probabilities is not None
        return self.probabilities.argmax(dim=1)

    @cached_property
    def class_shares(self) -> Tensor:
        """The share of each class: by design, or among the images as the classifier sees them; shape (K,)."""
        if self.design is not None:
            return self.design
        assert self.probabilities is not None
        return class_histogram(self.predicted, self.probabilities.shape[1])


@dataclass(frozen=True)
class Reference:
    """Real images that generated ones are held against.

    Attributes:
        sample: the images compared with; for memorisation, also the held-out images where `held_out` says so.
        training: the images that the generator was trained on, or None where they aren't known.
        held_out: whether none of `sample` was trained on.
    """

    sample: Sample
    training: Sample | None = None
    held_out: bool = True

    @cached_property
    def cells(self) -> Tensor:
        """The centres of the cells that C_T splits the training images into, shape (cells, D)."""
        assert self.training is not None
        return cell_centres(self.training.features)

    @cached_property
    def nearest_training(self) -> Nearest:
        """Of each image of `sample`, the nearest training image."""
        assert self.training is not None
        return nearest(self.sample.features, self.training.features)

    def split(self, first: Tensor, second: Tensor) -> "Comparison":
        """Returns the comparison of some of its images with others; what is known of each image stays known."""
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
    """Generated images beside a reference; what several metrics need is computed once.

    Attributes:
        generated: the images that are judged.
        reference: the real ones.
    """

    generated: Sample
    reference: Reference

    @cached_property
    def manifold(self) -> Manifold:
        """Precision, recall, density, coverage and each image's realism."""
        real = self.reference.sample
        return manifold(
            self.generated.features,
            real.features,
            NEIGHBOURS,
            real_radii=real.to_others[:, -1],
            generated_radii=self.generated.to_others[:, -1],
        )

    @cached_property
    def nearest_training(self) -> Nearest:
        """Of each generated image, the nearest training image."""
        assert self.reference.training is not None
        return nearest(self.generated.features, self.reference.training.features)

    @cached_property
    def authentic(self) -> Tensor:
        """Which generated images are authentic, bool, shape (N,)."""
        assert self.reference.training is not None
        training = self.reference.training.features
        return authentic(self.generated.features, training, generated_nearest=self.nearest_training)

    @cached_property
    def sets(self) -> list["Comparison"]:
        """Comparisons of five disjoint parts of the generated images, equal in size; the spread comes from them."""
        size = len(self.generated) // SETS
        return [self.part(slice(i * size, (i + 1) * size)) for i in range(SETS)]

    def part(self, chosen: slice) -> "Comparison":
        """Returns the comparison of some of the generated images; what is known of each image stays known."""
        smaller = Comparison(self.generated.part(chosen), self.reference)
        if self.reference.training is not None:
            distances, indices = self.nearest_training
            smaller.__dict__["nearest_training"] = Nearest(distances[chosen], indices[chosen])
            smaller.__dict__["authentic"] = self.authentic[chosen]
        return smaller
