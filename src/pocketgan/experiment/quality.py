"""Quality of generated images during training, measured on images alone: whoever generated them."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pocketgan.base.errors import DataError
from pocketgan.base.progress import Progress
from pocketgan.config.data_section import PACKAGED
from pocketgan.config.sections import RunConfig
from pocketgan.config.translating import NONE
from pocketgan.experiment.recorded_images import kept_random
from pocketgan.experiment.run_words import line
from pocketgan.images.pair_sets import targets_in
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import ImageSet, load_images
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.frechet import frechet_distance
from pocketgan.metrics.judge import Judge
from pocketgan.metrics.real_images import RealSets, choose_space
from pocketgan.metrics.registry import METRICS, Comparison, Metric, Reference, Sample, resolve_metrics, too_few
from pocketgan.runs.run import Run

FEWEST = 40
"""Smallest number of real images to compare with during training."""
REFERENCE = 10_000
"""Largest number of training images that serve as the reference of a run without a validation set."""
MEASURED = (
    "frechet_distance",
    "precision",
    "recall",
    "density",
    "coverage",
    "modes",
    "class_kl",
    "confidence",
    "label_agreement",
    "duplicates",
    "authentic",
    "copying",
)


class Quality:
    """Measures generated images against a run's real images, which it looks at once.

    Args:
        run: the run.
        images: the run's training images.
        progress: the progress display, for slow preparations.

    Attributes:
        judge: measures generated images against the real ones.
        space: the feature space.
        class_names: the classes of its classifier, or else those of the data.
        against: `validation`, or `train` without a validation set.
        count: the number of images to generate for an evaluation.
        real, training: the real images of the comparison, and those that the generator is trained on. Of image-to-image
            translation, what the pairs are made from, or without pairs, images of the target domain; the judge compares
            with the targets.
        inputs: the images that an image-to-image generator translates.
        floor: the real-data baseline of the Fréchet distance; None if there are too few real images for it.
        authentic_floor: the authenticity of validation images, or None.
        held_out: the validation set, or None.
        few: the features of a validation set that is too small for the Fréchet distance, and of the training images;
            None if there is none, or a larger one.

    Raises:
        DataError: there are too few images, or the feature space doesn't accept them.
    """

    def __init__(self, run: Run, images: ImageSet, progress: Progress) -> None:
        self.run, self.config, self.progress = run, run.config, progress
        self.space = space_for(run.config, progress)
        held_out_inputs = held_out_images(run.config)
        self.held_out = None if held_out_inputs is None else held_out_inputs.desired
        least = METRICS["frechet_distance"].least
        few = self.held_out is not None and len(self.held_out) < least
        held_out = None if few else self.held_out
        self.class_names = self.space.class_names or run.facts.class_names
        self.against = "validation" if held_out is not None else "train"
        inputs, images = images, images.desired
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(derived_seed(0, "following")))
        count = self._count(len(images), held_out)
        without = count if held_out is None and 2 * count <= len(images) else 0
        self.training = images.part(order[: min(REFERENCE, len(images) - without)])
        self.real = self.training if held_out is None else held_out
        self.inputs = self.real
        if run.config.unpaired:
            self.inputs = inputs if held_out is None or held_out_inputs is None else held_out_inputs
        self.count = min(count, len(self.real), len(self.inputs)) if run.config.reads_images else count
        if len(self.real) < FEWEST:
            raise DataError("too few to compare", found=len(self.real), least=FEWEST)
        data = run.config.data
        real = targets_in(data, self.real)
        training = real if self.real is self.training else targets_in(data, self.training)
        sets = RealSets(self.against, real, training, None, held_out is not None, self.against)
        metrics = {name: METRICS[name] for name in MEASURED} | self._further(len(real))
        self.judge = Judge.of(sets, self.space, metrics, asked=False)
        others = images.part(order[len(self.training) : len(self.training) + self.count])
        self.floor = self._floor(targets_in(data, others))
        self.authentic_floor: float | None = None
        if self.reference.held_out and len(self.training) > 1:
            held = self.reference.sample.part(slice(self.count))
            self.authentic_floor = METRICS["authentic"].measure(Comparison(held, self.reference))
        self.few = self._look_at_few() if few else None
        if self.few is not None:
            progress.say(line("few held out", count=len(self.few.sample)))
        self._failed: set[str] = set()
        self._varied = distinct_share(self.reference.sample.images[: self.count]) > 0.5

    def _further(self, real: int) -> dict[str, Metric]:
        """Returns the metrics that the configuration names besides `MEASURED`, without those that need more images."""
        results: dict[str, Metric] = {}
        for name, metric in (resolve_metrics(self.config.metrics) if self.config.metrics else {}).items():
            reason = too_few(name, metric, self.count, real)
            if reason is None:
                results[name] = metric
            else:
                self.progress.say(reason)
        return results

    @property
    def reference(self) -> Reference:
        """The real images with their features."""
        return self.judge.reference

    def _look_at_few(self) -> Reference:
        """Looks at a small validation set, which tells copies from new images and says nothing about quality."""
        assert self.held_out is not None
        sample = self.judge.look(replace(self.held_out, labels=None))
        few = Reference(sample, self.judge.look(replace(self.training, labels=None)), held_out=True)
        self.authentic_floor = METRICS["authentic"].measure(Comparison(sample, few))
        return few

    def _memorization(self, made: Sample) -> dict[str, float]:
        """Returns the metrics of memorization from a small validation set, with the standard error of its share."""
        if self.few is None or self.authentic_floor is None:
            return {}
        results: dict[str, float] = {}
        for name in ("authentic", "copying"):
            comparison = Comparison(made, self.few)
            results[name] = METRICS[name].measure(comparison)
        share = self.authentic_floor
        results["authentic_floor_error"] = math.sqrt(share * (1 - share) / len(self.few.sample))
        return results

    def _count(self, images: int, held_out: ImageSet | None) -> int:
        """Returns the number of images to generate: the configured one, or fewer if the baseline is smaller.

        The Fréchet distance of a small sample is larger than that of a large one, so the score and its baseline use the
        same number of images. If the data set is too small to measure the baseline at all, the configured number is
        generated.
        """
        asked, least = self.config.evaluation.evaluate_count, METRICS["frechet_distance"].least
        others = min(REFERENCE, images) if held_out is not None else images // 2
        return min(asked, others) if others >= least else asked

    def _floor(self, others: ImageSet) -> float | None:
        """Returns the Fréchet distance of an equal number of real images; None if there aren't that many."""
        if self.against == "validation":
            assert self.reference.training is not None
            made = self.reference.training.part(slice(self.count))
        else:
            made = self.judge.look(others)
        if len(made) < self.count:
            return None
        return frechet_distance(self.reference.sample.features, made.features)

    def look(self, images: Tensor, labels: Tensor | None = None) -> Sample:
        """Returns generated images with their features.

        Args:
            images: uint8 (N, C, H, W).
            labels: the requested classes, as indices into the classes of the data, int64 (N,), or None.
        """
        names = () if labels is None else self.run.facts.class_names
        return self.judge.look(ImageSet(images, labels, names, ""))

    def distance(self, made: Sample) -> float:
        """Returns the Fréchet distance of generated images."""
        return frechet_distance(self.reference.sample.features, made.features)

    def scores(self, made: Sample) -> dict[str, Any]:
        """Returns the values of generated images by name: those of all metrics, some baselines, and `distinct`."""
        results: dict[str, Any] = {} if self.floor is None else {"frechet_floor": self.floor}
        if self.authentic_floor is not None:
            results["authentic_floor"] = self.authentic_floor
        if self._varied and (distinct := distinct_share(made.images)) < 1:
            results["distinct"] = distinct
        with kept_random():
            results |= self.judge.values(made)
        for name, error in self.judge.failures.items():
            if name not in self._failed:
                self.progress.say(error.reason)
        self._failed |= self.judge.failures.keys()
        return results | self._memorization(made)

    def shares(self, made: Sample, modes: float | None) -> dict[str, Any]:
        """Returns the number of classes in the data and the shares of the generated ones; empty without a classifier.

        Args:
            made: generated images.
            modes: the number of classes among them, if it was measured.
        """
        if made.probabilities is None:
            return {}
        results: dict[str, Any] = {"classes": self.classes_there()}
        if modes is not None:
            results["mode_share"] = modes / results["classes"]
        return results | {"histogram": [round(share, 4) for share in made.class_shares.tolist()]}

    def classes_there(self) -> int:
        """Returns how many of the classifier's classes occur in the training data: only these can be missing.

        If the class names of the data differ from those of the classifier, the classes that it finds in the real images
        count.
        """
        trained = set(self.run.facts.class_names)
        there = sum(name in trained for name in self.class_names)
        return there or int((self.reference.sample.class_shares > 0).sum())

    def about(self) -> dict[str, Any]:
        """Returns what every row of `metrics.jsonl` says about the comparison."""
        space = self.space
        names = {"features": space.name, "features_version": space.version, "features_hash": space.hash}
        own = {name: metric.described() for name, metric in self.judge.metrics.items() if name not in METRICS}
        return names | {"reference": self.against, "count": self.count} | ({"metrics": own} if own else {})


def distinct_share(images: Tensor) -> float:
    """Returns the share of distinct images: uint8 (N, C, H, W) → a number in (0, 1]."""
    return len({image.tobytes() for image in images.numpy()}) / len(images)


def space_for(config: RunConfig, progress: Progress) -> FeatureSpace:
    """Returns the feature space for a run's evaluations; `auto` never trains a classifier for the user's own data."""
    name, data = config.evaluation.features, config.data
    if config.unpaired:
        data = data.of_target_domain(load_images(data.model_copy(update={"to": NONE})).images.shape[2])
    if name == "auto" and data.data not in PACKAGED:
        name = "random"
    return choose_space(name, data, progress=progress)


def held_out_images(config: RunConfig) -> ImageSet | None:
    """Returns the validation set, or None if there is none."""
    if config.data.validation == 0:
        return None
    try:
        return load_images(config.data, "validation")
    except DataError:
        return None
