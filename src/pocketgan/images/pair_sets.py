"""Sets of images as pairs of input and target, for everything that looks at a translation from outside training."""

from dataclasses import replace

import torch
from torch import Tensor

from pocketgan.config.data_section import DataConfig
from pocketgan.config.translating import CLASSES, task_of
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import ImageSet
from pocketgan.images.tasks import Pairs, judged, pairs_of

SEED = 0
"""Seed of the pairs that evaluations and samples use, in all runs alike."""


def pairs_in(data: DataConfig, images: ImageSet, seed: int = SEED) -> Pairs:
    """Returns the pairs of a set of images, always the same ones for a seed and a number of images.

    Without pairs, the targets are images of the target domain in turn, and aren't matched. Between classes, they are
    the images themselves in another order, so that each class is requested as often as it occurs, and never of an image
    that has it already, if that is possible.
    """
    if data.to == CLASSES:
        assert images.labels is not None, "see sets.with_several_classes"
        order = of_other_classes(images.labels, torch.Generator().manual_seed(derived_seed(seed, "requested")))
        requested = images.labels[order]
        return Pairs(images.images, images.images[order], matched=False, classes=(requested, requested))
    if images.target_domain is not None:
        chosen = images.target_domain.part(torch.arange(len(images)) % len(images.target_domain))
        classes = None
        if data.keep_class:
            assert images.labels is not None and chosen.labels is not None, "see sets.with_classes_of"
            classes = (images.labels, chosen.labels)
        return Pairs(images.images, chosen.images, matched=False, classes=classes)
    random = torch.Generator().manual_seed(derived_seed(seed, "task"))
    return pairs_of(data, images.images, images.inputs, images.labels, random)


def of_other_classes(labels: Tensor, random: torch.Generator) -> Tensor:
    """Returns an order of images, int64 (N,), that puts one of another class in each one's place, as far as it can.

    Args:
        labels: the images' classes, int64 (N,).
        random: the source of random numbers.
    """
    order = torch.randperm(len(labels), generator=random)
    for place in (labels[order] == labels).nonzero().flatten().tolist():
        there, own = labels[order], labels[place]
        if there[place] != own:
            continue
        others = ((there != own) & (labels != own)).nonzero().flatten()  # A swap with one of these helps both.
        if len(others):
            other = others[torch.randint(len(others), (), generator=random)]
            order[place], order[other] = order[other].clone(), order[place].clone()
    return order


def unchanged_pairs(images: ImageSet) -> Pairs:
    """Returns pairs of images with themselves, class by class: what translation into the own class should return.

    The image after each one has the same class, so that an output which shows only its class is as near to one as to
    the other.
    """
    assert images.labels is not None, "see sets.with_several_classes"
    order = images.labels.argsort(stable=True)
    labels = images.labels[order]
    return Pairs(images.images[order], images.images[order], classes=(labels, labels))


def targets_in(data: DataConfig, images: ImageSet) -> ImageSet:
    """Returns the targets of a set of images as `judged` shows them; the set itself where these are its own images.

    Without pairs, these are all images of the target domain.
    """
    task = task_of(data)
    if task == "thicken" or (task == "colorize" and images.images.shape[1] == 3):
        return replace(images, images=judged(data, pairs_in(data, images).targets), inputs=None)
    return images.desired
