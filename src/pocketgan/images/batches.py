"""The order in which images are fed to training, and batches in the form that networks use."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from pocketgan.config.data_section import DataConfig
from pocketgan.config.translating import CLASSES, NONE, task_of
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import ImageSet, to_network
from pocketgan.images.tasks import batch_random, pairs_of

LEAST_OF_CLASS = 128
"""Smallest number of images of each class in a batch by class, as long as it holds several classes."""


class DataOrder:
    """The order in which images are fed to training, which can be entered at any position.

    `epoch`: a new seeded permutation in each epoch, so that each image is used once per epoch; batches may cross the
    border of two epochs. `replacement`: each draw is from all images. With labels, all classes come equally often.
    Position `p` is the number of images fed before.
    """

    def __init__(
        self, count: int, sampling: Literal["epoch", "replacement"], seed: int, labels: Tensor | None = None
    ) -> None:
        self.count = count
        self.sampling = sampling
        self.seed = seed
        self.by_class: list[Tensor] = []
        if labels is not None:
            self.by_class = [(labels == label).nonzero().flatten() for label in labels.unique()]
        self._epoch = -1
        self._indices = torch.empty(0, dtype=torch.int64)

    def epoch(self, number: int) -> Tensor:
        """Returns the indices fed in epoch `number`, int64, shape (count,)."""
        if number != self._epoch:
            generator = torch.Generator().manual_seed(derived_seed(self.seed, "order", number))
            if self.by_class:
                self._indices = self._balanced(generator)
            elif self.sampling == "epoch":
                self._indices = torch.randperm(self.count, generator=generator)
            else:
                self._indices = torch.randint(self.count, (self.count,), generator=generator)
            self._epoch = number
        return self._indices

    def _balanced(self, generator: torch.Generator) -> Tensor:
        """Returns an epoch that has all classes equally often: each one's images in turn, in a new order each time."""
        each = -(-self.count // len(self.by_class))
        drawn = []
        for places in self.by_class:
            rounds = -(-each // len(places))
            turns = [places[torch.randperm(len(places), generator=generator)] for _ in range(rounds)]
            drawn.append(torch.cat(turns)[:each])
        mixed = torch.cat(drawn)
        return mixed[torch.randperm(len(mixed), generator=generator)[: self.count]]

    def indices(self, position: int, size: int) -> Tensor:
        """Returns the `size` indices that come after `position` images, int64, shape (size,)."""
        first, start = divmod(position, self.count)
        last = (position + size - 1) // self.count
        if first == last:
            return self.epoch(first)[start : start + size]
        return torch.cat([self.epoch(number) for number in range(first, last + 1)])[start : start + size]


@dataclass(frozen=True)
class Batch:
    """One batch in the form that the networks use.

    Attributes:
        real: the discriminator's real images, shape (N, C, H, W); in image-to-image translation, the targets, or
            without pairs, images of the target domain. A discriminator that sees pairs gets (N, 2C, H, W); see
            `training.translation.with_inputs`.
        source: the inputs of an image-to-image generator, same shape; the same tensor as `real` for noise generators.
        labels: int64, shape (N,); or numbers that describe each image, float32, shape (N, K); or None. In translation
            between classes, the requested ones, which are those of `real`.
        own: in translation between classes, the classes of `source`, int64 (N,); otherwise None.
        groups: number of equal parts, one after the other, each with images of one class; 1 if the classes are mixed.
    """

    real: Float[Tensor, "n seen height width"]
    source: Float[Tensor, "n channels height width"]
    labels: Tensor | None
    own: Tensor | None = None
    groups: int = 1

    def part(self, rows: Tensor) -> "Batch":
        """Returns some images of the batch, by their rows, as one group."""
        labels = None if self.labels is None else self.labels.index_select(0, rows)
        return Batch(self.real.index_select(0, rows), self.source.index_select(0, rows), labels)


class Batches:
    """Batches of an image set in its order: `at(position)` is the batch after `position` images.

    Attributes:
        held_out: batches of the validation set, for adaptive augmentation; None without them.
        targets: of translation without pairs, batches of the target domain, in an order of their own; otherwise None.
            Between classes, the target domain is the images themselves.
    """

    def __init__(self, images: ImageSet, config: DataConfig, *, batch_size: int, seed: int, device: str) -> None:
        self.images = images.images.to(device)
        told = images.labels if images.conditions is None else images.conditions
        self.labels = None if told is None else told.to(device)
        self.config = config
        self.batch_size = batch_size
        self.inputs = None if images.inputs is None else images.inputs.to(device)
        self.held_out: Batches | None = None
        self.order = DataOrder(len(images), config.sampling, seed, images.labels if config.balance else None)
        self.targets: Batches | None = None
        domain = images if config.to == CLASSES else images.target_domain
        if domain is not None:
            of_targets = config.model_copy(update={"to": NONE, "keep_class": False})
            options = {"batch_size": batch_size, "seed": derived_seed(seed, "target domain"), "device": device}
            self.targets = Batches(domain, of_targets, **options)

    def at(self, position: int) -> Batch:
        """Gathers and converts one batch; `position` is the number of images fed before it."""
        return self._of(self.order.indices(position, self.batch_size), position)

    def by_class(self, position: int) -> Batch:
        """Gathers and converts one batch with equally many images of each class, one class after the other.

        Classes and images are chosen at random, images with replacement, so that a class may have any number of them.
        Where the batch would hold fewer than 128 images of each class, it holds fewer classes.

        Args:
            position: the number of images fed before it; a position always gives the same batch.
        """
        generator = torch.Generator().manual_seed(derived_seed(self.order.seed, "by class", position))
        classes = list(self._places_of_class.values())
        count = min(len(classes), max(1, self.batch_size // LEAST_OF_CLASS))
        each = self.batch_size // count
        places = [classes[index] for index in torch.randperm(len(classes), generator=generator)[:count].tolist()]
        drawn = [one[torch.randint(len(one), (each,), generator=generator)] for one in places]
        return replace(self._of(torch.cat(drawn), position), groups=count)

    def like(self, labels: Tensor, position: int) -> Batch:
        """Gathers and converts one batch with the given classes, images at random with replacement.

        Args:
            labels: the class of each image, int64, shape (N,).
            position: the number of images fed before it; a position always gives the same batch.
        """
        generator = torch.Generator().manual_seed(derived_seed(self.order.seed, "like", position))
        chosen = torch.empty(len(labels), dtype=torch.int64)
        for label in labels.unique().tolist():
            places, rows = self._places_of_class[label], (labels == label).nonzero().flatten().cpu()
            chosen[rows] = places[torch.randint(len(places), (len(rows),), generator=generator)]
        return self._of(chosen, position)

    @cached_property
    def _places_of_class(self) -> dict[int, Tensor]:
        """The places of each class's images; all images are of one class if they have no labels."""
        labels = torch.zeros(len(self.images)) if self.labels is None else self.labels.cpu()
        return {int(label): (labels == label).nonzero().flatten() for label in labels.unique()}

    def _of(self, chosen: Tensor, position: int) -> Batch:
        """Returns the images of these indices as a batch; random tasks depend on its position."""
        indices = chosen.to(self.images.device)
        images = self.images.index_select(0, indices)
        labels = None if self.labels is None else self.labels.index_select(0, indices)
        if task_of(self.config) == "none" and self.inputs is None:
            source = to_network(images, self.config.pixel_range)
            if self.config.to == CLASSES:
                return self._between_classes(source, labels, position)
            return Batch(source if self.targets is None else self._of_targets(labels, position), source, labels)
        inputs = None if self.inputs is None else self.inputs.index_select(0, indices)
        random = batch_random(self.order.seed, position, images.device)
        pairs = pairs_of(self.config, images, inputs, labels, random)
        source, real = (to_network(part, self.config.pixel_range) for part in (pairs.inputs, pairs.targets))
        return Batch(real, source, labels)

    def _between_classes(self, source: Tensor, own: Tensor | None, position: int) -> Batch:
        """Returns images of some classes with a random class requested for each, and real images of that class."""
        assert self.targets is not None and own is not None, "see sets.with_several_classes"
        known = torch.tensor(list(self.targets._places_of_class))
        generator = torch.Generator().manual_seed(derived_seed(self.order.seed, "requested", position))
        requested = known[torch.randint(len(known), (len(own),), generator=generator)]
        return Batch(self.targets.like(requested, position).real, source, requested.to(own.device), own)

    def _of_targets(self, labels: Tensor | None, position: int) -> Float[Tensor, "n channels height width"]:
        """Returns images of the target domain for inputs of these classes: of the same class if that is to be kept."""
        assert self.targets is not None
        if self.config.keep_class:
            assert labels is not None, "see sets.with_classes_of"
            return self.targets.like(labels, position).real
        return self.targets.at(position).real
