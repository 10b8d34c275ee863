"""The judge of a race: the same real images, feature spaces and number of generated images for every entrant."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pocketgan.config.data_section import DataConfig
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import ImageSet, to_uint8
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.real_images import RealSets, choose_space, labels_in, look_at_reference, with_baseline
from pocketgan.metrics.registry import METRICS
from pocketgan.metrics.samples import Comparison
from pocketgan.metrics.scores import RealImages, score
from pocketgan.race.contract import Sampler, check_images
from pocketgan.runs.sampling import draw_classes

FIRST_METRICS = ("frechet_distance", "recall", "label_agreement", "authentic")
"""Metrics in the first feature space, which decides."""
SECOND_METRICS = ("frechet_distance",)
"""Metrics in the second one."""
SECOND_SPACE = "random"


@dataclass(frozen=True)
class View:
    """One feature space of the judge, with its real images."""

    space: FeatureSpace
    metrics: tuple[str, ...]
    real: RealImages


class RaceJudge:
    """Judges samples in two feature spaces: the data's usual one, and one of random weights.

    Args:
        data: the training data.
        sets: the real images: `read_real(data, "test")`, or those of a trial.
        count: number of images to generate.
    """

    def __init__(self, data: DataConfig, sets: RealSets, count: int) -> None:
        self.sets, self.count = sets, count
        first = choose_space("auto", data)
        self.views = [view(self.sets, first, FIRST_METRICS, count)]
        if first.name != SECOND_SPACE:
            self.views.append(view(self.sets, choose_space(SECOND_SPACE, data), SECOND_METRICS, count))

    def labels(self, seed: int) -> Tensor | None:
        """Returns the classes to request, as often as in the training images; None without classes."""
        training = self.sets.training or self.sets.reference
        return draw_classes(training.class_counts(), self.count, seed) if training.class_names else None

    def judge(self, sampler: Sampler, way: str, seed: int, clock: Callable[[], float]) -> dict[str, Any]:
        """Samples, and returns the scores by feature space and metric, and the speed in images per second.

        Args:
            sampler: the sampler.
            way: its name.
            seed: seed of the samples and of the requested classes.
            clock: the clock of the race.
        """
        labels, began = self.labels(seed), clock()
        images = sampler(self.count, labels, seed)
        seconds = clock() - began
        shape = (self.count, *self.sets.reference.images.shape[1:])
        check_images(images, way, shape)
        names = (self.sets.training or self.sets.reference).class_names
        made = ImageSet(to_uint8(images.float(), "signed"), labels, names if labels is not None else (), way)
        scores = {one.space.name: self.scores(made, one) for one in self.views}
        return {"name": way, "images_per_second": self.count / max(seconds, 1e-9), "scores": scores}

    def scores(self, made: ImageSet, one: View) -> dict[str, dict[str, float | None]]:
        """Returns the values and real-data baselines of the metrics in one feature space."""
        sample = one.space(made.images, labels_in(self.sets.class_names(one.space), made))
        metrics = {name: METRICS[name] for name in one.metrics}
        comparison = Comparison(sample, one.real.reference)
        done = score(comparison, one.real, one.space, metrics, standard_errors=False)
        return {name: {"value": figure.value, "floor": figure.floor} for name, figure in done.figures.items()}


def rotated(sets: RealSets, rotation: int) -> RealSets:
    """Returns a trial's real images with other images held out: as many, chosen by `rotation` from all that train.

    Trials that are judged against changing images fit no set of validation images by chance.
    """
    if rotation == 0 or sets.training is None or sets.name != "validation":
        return sets
    every = ImageSet.joined([sets.training, sets.reference])
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(derived_seed(rotation, "rotation")))
    held_out, training = every.part(order[: len(sets.reference)]), every.part(order[len(sets.reference) :])
    return RealSets("validation", held_out, training, training, True, "validation")


def view(sets: RealSets, space: FeatureSpace, metrics: tuple[str, ...], count: int) -> View:
    """Returns a feature space with the features of the real images, which come from the cache where they can."""
    with torch.inference_mode():
        reference = look_at_reference(sets, space, with_training="authentic" in metrics)
        return View(space, metrics, with_baseline(sets, space, reference, count))
