"""A judge: scores of generated images against real images whose features are computed once."""

from collections.abc import Mapping
from pathlib import Path

import torch

from pocketgan.base.errors import UserError
from pocketgan.base.progress import Progress
from pocketgan.images.sets import ImageSet
from pocketgan.metrics.arrays import Array, size_of, to_images, to_labels
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.metric import Metric
from pocketgan.metrics.real_images import RealSets, labels_in, look_at_reference, read_given, space_of, with_baseline
from pocketgan.metrics.registry import METRICS, Requested, asks_for_all, missing, resolve_metrics
from pocketgan.metrics.samples import Comparison, Sample
from pocketgan.metrics.scores import Evaluation, RealImages, score

ARRAY = "array"
"""The source of images that were given as an array."""


class Judge:
    """Scores generated images against real ones, as often as you like.

    The features of the real images and their baselines are computed once. After that, `score` computes the features of
    the generated images and the metrics, and nothing else. `pocketgan.evaluate` uses this class, too.

    Args:
        real: the real images to compare with, uint8 [0, 255], (N, C, H, W) or (N, H, W), at best new ones that the
            generator wasn't trained on. Or the name of data, such as `mnist`, a folder or an .npz file: its test split,
            with the training split as `others` and `training`; or without one all its images, 10,000 at most.
        labels: the class of each real image, integers from 0, (N,). Class-conditional metrics need them.
        features: the feature space: `digits`, `stacked`, `classifier` (which is trained on the real images and their
            labels, or on the training split of the data), `self-supervised` (trained without labels), `random`,
            `inception`, or a `FeatureSpace`. `auto` is `digits` for MNIST's images, `stacked` for Stacked MNIST by
            name, otherwise `random`.
        metrics: `all`, or names separated by commas; or a list of names and `Metric` objects.
        others: more real images of the same kind, from which the real-data baseline is measured. Without them, it is
            measured by comparing one part of `real` with the rest, so with fewer images.
        other_labels: their classes, numbered as `labels`, for the baseline of class-conditional metrics.
        training: the images that the generator is trained on, for the metrics of memorization.
        standard_errors: whether `score` measures standard errors, which doubles the time that it takes.
        inception_weights: the file with the weights for the feature space `inception`.
        progress: whether to show slow steps, such as the training of a classifier, on standard error.

    Attributes:
        space: the feature space.
        metrics: the metrics by name.
        reference: the real images with their features.
        failures: the errors of metrics of one's own in the last call of `values`, by name.

    Raises:
        UserError: an array has another type or shape, or there is no such data, feature space or metric.

    Example:
        >>> import numpy
        >>> real, generated = numpy.random.default_rng(0).integers(256, size=(2, 300, 8, 8), dtype="uint8")
        >>> judge = Judge(real, metrics="precision,recall")
        >>> judge.score(generated)["precision"].value > 0.5
        True
    """

    def __init__(
        self,
        real: Array | str | Path,
        *,
        labels: Array | None = None,
        features: str | FeatureSpace = "auto",
        metrics: Requested = "all",
        others: Array | None = None,
        other_labels: Array | None = None,
        training: Array | None = None,
        standard_errors: bool = True,
        inception_weights: str | Path | None = None,
        progress: bool = True,
    ) -> None:
        chosen = resolve_metrics(metrics)
        sets = given_sets(real, labels, others, other_labels, training)
        if isinstance(features, FeatureSpace):
            space = features
        else:
            labeled = sets.reference if sets.training is None or sets.training.labels is None else sets.training
            space = space_of(features, labeled, inception_weights, Progress(quiet=not progress))
        self._hold(sets, space, chosen, asked=not asks_for_all(metrics), errors=standard_errors)

    @classmethod
    def of(cls, sets: RealSets, space: FeatureSpace, metrics: Mapping[str, Metric], *, asked: bool) -> "Judge":
        """Returns a judge of real images that were read already.

        Args:
            sets: the real images.
            space: the feature space.
            metrics: the metrics by name.
            asked: whether they were requested by name, so that one that can't be measured is an error.
        """
        judge = cls.__new__(cls)
        judge._hold(sets, space, metrics, asked=asked, errors=True)
        return judge

    def _hold(
        self, sets: RealSets, space: FeatureSpace, metrics: Mapping[str, Metric], *, asked: bool, errors: bool
    ) -> None:
        self.space, self.metrics = space, metrics
        self.failures: dict[str, UserError] = {}
        self._sets, self._asked, self._errors = sets, asked, errors
        with_training = any("training" in metric.needs for metric in metrics.values())
        self.reference = look_at_reference(sets, space, with_training=with_training)
        self._real: tuple[int, RealImages] | None = None

    def score(self, images: Array, labels: Array | None = None) -> Evaluation:
        """Returns the scores of generated images.

        Each score has a value, its standard error and its real-data baseline: `judge.score(images)["recall"].value`,
        `.spread` and `.floor`. A notebook shows all of them as a table, and `save_evaluation` writes them into a
        folder, with a page.

        Args:
            images: the generated images, uint8 [0, 255], (N, C, H, W) or (N, H, W), in the size of the real ones.
            labels: the requested class of each image, integers from 0, (N,), numbered as those of the real images.

        Raises:
            UserError: an array has another type or shape, or a metric that was requested by name needs more images or
                something that isn't there.
        """
        real = self._sets.reference
        made = to_images("images", images)
        if made.shape[1:] != real.images.shape[1:]:
            raise UserError("sizes of arrays", field="images", found=size_of(made), expected=size_of(real.images))
        if labels is None:
            return self.score_set(ImageSet(made, None, (), ARRAY))
        names = real.class_names
        if not names:
            raise UserError("no real labels", field="labels")
        classes = to_labels("labels", labels, len(made))
        if classes.max() >= len(names):
            raise UserError("class unknown", field="labels", found=int(classes.max()), most=len(names) - 1)
        return self.score_set(ImageSet(made, classes, names, ARRAY))

    def score_set(self, images: ImageSet) -> Evaluation:
        """Returns the scores of images whose labels index their own class names."""
        return score(
            Comparison(self.look(images), self.reference),
            self._real_images(len(images)),
            self.space,
            self.metrics,
            asked=self._asked,
            standard_errors=self._errors,
        )

    def look(self, images: ImageSet) -> Sample:
        """Returns images with their features."""
        return self.space(images.images, labels_in(self._sets.class_names(self.space), images))

    def values(self, generated: Sample) -> dict[str, float]:
        """Returns the scores alone, without standard errors, baselines, and the metrics that can't be measured.

        Metrics of one's own whose functions fail are left out; `failures` then holds their errors.
        """
        comparison, results = Comparison(generated, self.reference), dict[str, float]()
        self.failures.clear()
        for name, metric in self.metrics.items():
            if missing(metric, comparison) is None and len(generated) >= metric.least:
                try:
                    results[name] = metric.measure(comparison)
                except ValueError as error:  # Not defined for these images, such as identical ones.
                    if name not in METRICS and isinstance(error, UserError):
                        self.failures[name] = error
        return results

    def _real_images(self, count: int) -> RealImages:
        """Returns the real images with the baseline of `count` images, which is kept until the number changes."""
        if self._real is None or self._real[0] != count:
            self._real = (count, with_baseline(self._sets, self.space, self.reference, count))
        return self._real[1]


def given_sets(
    real: Array | str | Path,
    labels: Array | None,
    others: Array | None,
    other_labels: Array | None,
    training: Array | None,
) -> RealSets:
    """Returns the real images of a judge; see `Judge`.

    Raises:
        UserError: there is no such data, or an array doesn't fit.
    """
    if isinstance(real, str | Path):
        arrays = {"labels": labels, "others": others, "other_labels": other_labels, "training": training}
        unused = [name for name, array in arrays.items() if array is not None]
        if unused:
            raise UserError("part of the data", field=unused[0], data=real)
        return read_given(real)
    reference = image_set("real", real, "labels", labels)
    more = None if others is None else image_set("others", others, "other_labels", other_labels)
    trained = None if training is None else image_set("training", training)
    for name, given in (("others", more), ("training", trained)):
        if given is not None and given.images.shape[1:] != reference.images.shape[1:]:
            raise UserError(
                "sizes of arrays", field=name, found=size_of(given.images), expected=size_of(reference.images)
            )
    held_out = trained is None or not torch.equal(trained.images, reference.images)
    return RealSets("array", reference, trained, more, held_out, "all")


def image_set(name: str, images: Array, labels_name: str = "", labels: Array | None = None) -> ImageSet:
    """Returns images that were given as an array, with classes called 0, 1, 2 and so on if they have labels.

    Args:
        name, labels_name: the names of the arguments, for messages.
        images: uint8 (N, C, H, W) or (N, H, W).
        labels: integers from 0, (N,), or None.

    Raises:
        UserError: an array has another type or shape.
    """
    tensor = to_images(name, images)
    classes = None if labels is None else to_labels(labels_name, labels, len(tensor))
    names = () if classes is None else tuple(map(str, range(int(classes.max()) + 1)))
    return ImageSet(tensor, classes, names, ARRAY)
