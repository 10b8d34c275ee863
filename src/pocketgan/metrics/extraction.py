"""Features and class probabilities of images, as arrays for the metrics."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from pocketgan.base.errors import DataError
from pocketgan.base.progress import Progress
from pocketgan.images.sets import ImageSet
from pocketgan.metrics.arrays import Array
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.judge import image_set
from pocketgan.metrics.real_images import space_of


def extract_features(images: Array, space: str | FeatureSpace = "digits") -> Float32[np.ndarray, "n width"]:
    """Returns the features of images, which most metrics compare.

    Args:
        images: uint8 [0, 255], (N, C, H, W) or (N, H, W).
        space: the feature space: `digits` for images like MNIST's (1×28×28), `stacked` for 3×28×28 with a digit in each
            channel, `random` or `inception` for any images; or a `FeatureSpace`, such as `feature_space` returns.

    Returns:
        float32, (N, width): 128 features in most spaces.

    Raises:
        UserError: the images have another type or shape, or there is no such space.

    Example:
        >>> import numpy
        >>> extract_features(numpy.zeros((5, 28, 28), numpy.uint8)).shape
        (5, 128)
    """
    given = image_set("images", images)
    return _chosen(space, given)(given.images).features.float().numpy()


def class_probabilities(images: Array, space: str | FeatureSpace = "digits") -> Float32[np.ndarray, "n classes"]:
    """Returns the class probabilities of images, for the metrics that need a classifier.

    Args:
        images: uint8 [0, 255], (N, C, H, W) or (N, H, W).
        space: a feature space with a classifier: `digits`, `stacked`, or a `FeatureSpace`.

    Returns:
        float32, (N, classes), each row with the sum 1.

    Raises:
        UserError: the images have another type or shape, or the space has no classifier.

    Example:
        >>> import numpy
        >>> class_probabilities(numpy.zeros((5, 28, 28), numpy.uint8)).shape
        (5, 10)
    """
    given = image_set("images", images)
    chosen = _chosen(space, given)
    probabilities = chosen(given.images).probabilities
    if probabilities is None:
        raise DataError("no classifier", field="space", name=chosen.name)
    return probabilities.float().numpy()


def feature_space(
    name: str,
    images: Array,
    labels: Array | None = None,
    *,
    inception_weights: str | Path | None = None,
    progress: bool = True,
) -> FeatureSpace:
    """Returns a feature space, which `Judge`, `extract_features` and `class_probabilities` accept.

    Args:
        name: `auto`, `digits`, `stacked`, `classifier`, `self-supervised`, `random` or `inception`. `auto` is `digits`
            for MNIST's images, otherwise `random`.
        images: real images, uint8 [0, 255], (N, C, H, W) or (N, H, W). `classifier` and `self-supervised` are trained
            on them once and then stored in the user's cache; `random` depends on their number of channels only.
        labels: their classes, integers from 0, (N,); `classifier` needs them.
        inception_weights: the file with the weights for `inception`.
        progress: whether to show the training of a classifier on standard error.

    Raises:
        UserError: there is no such space, an array has another type or shape, or labels are missing.

    Example:
        >>> import numpy
        >>> feature_space("random", numpy.zeros((5, 3, 16, 16), numpy.uint8)).width
        128
    """
    given = image_set("images", images, "labels", labels)
    return space_of(name, given, inception_weights, Progress(quiet=not progress))


def _chosen(space: str | FeatureSpace, images: ImageSet) -> FeatureSpace:
    if isinstance(space, FeatureSpace):
        return space
    return space_of(space, images)
