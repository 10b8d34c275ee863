"""Scores of translation between classes: whether outputs show the requested class, and what they keep of their input.

Images are uint8 [0, 255], (N, C, H, W).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from pocketgan.images.sets import ImageSet
from pocketgan.images.tasks import Pairs
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.frechet import frechet_distance
from pocketgan.metrics.samples import Sample
from pocketgan.metrics.translation import TranslationScores, absolute_error, distinct, own_target, variance

Images = UInt8[Tensor, "n c h w"]


@dataclass(frozen=True)
class Changed:
    """Outputs of one generator for the same images, translated twice.

    Attributes:
        outputs: of the requested classes.
        unchanged: of the images' own classes, in the order of `pair_sets.unchanged_pairs`.
    """

    outputs: Images
    unchanged: Images


def score_class_change(
    changed: Mapping[str, Changed],
    pairs: Pairs,
    unchanged: Pairs,
    inputs: ImageSet,
    labels: Tensor | None,
    space: FeatureSpace,
) -> TranslationScores:
    """Measures translations between classes, beside other real images of the requested classes.

    Args:
        changed: the translations, by name; the first one is that of the run.
        pairs: their inputs, with real images of the requested classes as targets.
        unchanged: the same images, to be translated into their own classes.
        inputs: the images as they are in the data, with their classes.
        labels: the requested classes as indices into the classes of the space's classifier, (N,), or None.
        space: the feature space of the Fréchet distance and of the classifier.
    """
    assert pairs.classes is not None and inputs.labels is not None, "see sets.with_several_classes"
    requested, own = pairs.classes[0], inputs.labels
    others = requested != own  # All of them, unless a class has more than half of the images.

    def style(outputs: Images) -> dict[str, float]:
        return kept_style(outputs[others], pairs.inputs[others], requested[others], own[others])

    real = space(pairs.targets, labels)
    rows: dict[str, dict[str, float]] = {}
    for who, one in changed.items():
        sample = space(one.outputs, labels)
        row = agreement(sample, labels, others) | style(one.outputs)
        row["own_class_error"] = absolute_error(one.unchanged, unchanged.targets)
        if len(one.outputs) >= 2:
            row["own_input"] = own_target(one.unchanged, unchanged.targets)
            row["distinct_outputs"] = distinct(one.outputs) / max(1, distinct(pairs.inputs))
            spread = variance(pairs.targets)
            row |= {"variation": variance(one.outputs) / spread} if spread > 0 else {}
            row["distance"] = frechet_distance(real.features, sample.features)
        rows[who] = row
    rows["real of class"] = agreement(real, labels, others) | style(pairs.targets)
    return TranslationScores(len(pairs), "classes", rows)


def agreement(sample: Sample, labels: Tensor | None, counted: Tensor) -> dict[str, float]:
    """Returns the share of the counted images in which a classifier sees the requested class.

    Args:
        sample: the images.
        labels: the requested classes, as indices into those of the classifier, or None.
        counted: which images count, bool (N,).

    Returns:
        Nothing without a classifier, or if no image counts.
    """
    if labels is None or sample.probabilities is None or not counted.any():
        return {}
    return {"requested_class": (sample.predicted == labels)[counted].double().mean().item()}


def kept_style(
    outputs: Images, inputs: Images, requested: Int64[Tensor, "n"], own: Int64[Tensor, "n"]
) -> dict[str, float]:
    """Returns how much outputs keep of their inputs' style: correlations of brightness and of slant, in [−1, 1].

    From each value, the mean of the image's class is subtracted first, so that what belongs to a class doesn't count. A
    correlation is left out where all values of one side are equal.

    Args:
        outputs, inputs: the images.
        requested, own: their classes.
    """
    results: dict[str, float] = {}
    if len(outputs) < 2:
        return results
    for name, measure in {"kept_brightness": brightness, "kept_slant": slants}.items():
        ours, theirs = without_class_means(measure(outputs), requested), without_class_means(measure(inputs), own)
        if min(ours.abs().max().item(), theirs.abs().max().item()) > 1e-9:
            results[name] = torch.corrcoef(torch.stack([ours, theirs]))[0, 1].item()
    return results


def without_class_means(values: Float[Tensor, "n"], labels: Int64[Tensor, "n"]) -> Float[Tensor, "n"]:
    """Returns values less the mean of their class."""
    classes = int(labels.max()) + 1
    sums = torch.zeros(classes, dtype=values.dtype).index_add_(0, labels, values)
    return values - (sums / torch.bincount(labels, minlength=classes).clamp(min=1))[labels]


def brightness(images: Images) -> Float[Tensor, "n"]:
    """Returns the mean of each image's pixels, in [0, 255]."""
    return images.flatten(1).double().mean(dim=1)


def slants(images: Images) -> Float[Tensor, "n"]:
    """Returns the slant of each image: tan of the angle by which it leans to the right, from its second moments.

    It is −μ₁₁ / μ₀₂, where μ are the central moments of the brightness, over x to the right and y down. An image of one
    gray level has 0.
    """
    mass = images.double().mean(dim=1)  # (N, H, W)
    mass = mass - mass.flatten(1).amin(dim=1)[:, None, None]
    total = mass.flatten(1).sum(dim=1).clamp(min=1e-9)[:, None, None]
    down, across = (torch.arange(side, dtype=mass.dtype) for side in mass.shape[1:])
    down = down[:, None] - (mass * down[:, None]).sum(dim=(1, 2), keepdim=True) / total
    across = across - (mass * across).sum(dim=(1, 2), keepdim=True) / total
    spread = (mass * down.square()).sum(dim=(1, 2))
    return -(mass * down * across).sum(dim=(1, 2)) / spread.clamp(min=1e-9)
