"""Sets of images as pairs of input and target, for everything that looks at a translation from outside training."""

from dataclasses import replace

import torch

from pocketgan.config.data_section import DataConfig
from pocketgan.config.translating import task_of
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import ImageSet
from pocketgan.images.tasks import Pairs, judged, pairs_of

SEED = 0
"""Seed of the pairs that evaluations and samples use, in all runs alike."""


def pairs_in(data: DataConfig, images: ImageSet, seed: int = SEED) -> Pairs:
    """Returns the pairs of a set of images, always the same ones for a seed and a number of images.

    Without pairs, the targets are images of the target domain in turn, and aren't matched.
    """
    if images.target_domain is not None:
        chosen = images.target_domain.part(torch.arange(len(images)) % len(images.target_domain))
        classes = None
        if data.keep_class:
            assert images.labels is not None and chosen.labels is not None, "see sets.with_classes_of"
            classes = (images.labels, chosen.labels)
        return Pairs(images.images, chosen.images, matched=False, classes=classes)
    random = torch.Generator().manual_seed(derived_seed(seed, "task"))
    return pairs_of(data, images.images, images.inputs, images.labels, random)


def targets_in(data: DataConfig, images: ImageSet) -> ImageSet:
    """Returns the targets of a set of images as `judged` shows them; the set itself where these are its own images.

    Without pairs, these are all images of the target domain.
    """
    task = task_of(data)
    if task == "thicken" or (task == "colorize" and images.images.shape[1] == 3):
        return replace(images, images=judged(data, pairs_in(data, images).targets), inputs=None)
    return images.desired
