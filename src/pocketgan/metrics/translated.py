"""Outputs of image-to-image models in an evaluation, and their scores beside those of another run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pocketgan.base.errors import DataError, RunError
from pocketgan.config.data_section import DataConfig
from pocketgan.images.pair_sets import pairs_in, targets_in, unchanged_pairs
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import ImageSet
from pocketgan.images.tasks import Pairs, judged
from pocketgan.metrics.class_change import Changed, score_class_change
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.real_images import COUNT, RealSets, labels_in
from pocketgan.metrics.translation import TranslationScores, score_translation
from pocketgan.runs.model import Model, Weights
from pocketgan.runs.sampling import redraw_images
from pocketgan.runs.weights import build_with


@dataclass(frozen=True)
class Translated:
    """Outputs of an image-to-image model.

    Attributes:
        outputs: uint8, (N, C, H, W).
        pairs: their inputs and targets.
        inputs: the images from which the pairs were made.
        source: the model's folder.
        unchanged: of translation between classes, outputs of the inputs' own classes, with their pairs; otherwise None.
    """

    outputs: Tensor
    pairs: Pairs
    inputs: ImageSet
    source: str
    unchanged: tuple[Tensor, Pairs] | None = None

    @property
    def labels(self) -> Tensor | None:
        """The classes that the outputs should show: those of the inputs, or the requested ones."""
        if self.unchanged is None or self.pairs.classes is None:
            return self.inputs.labels
        return self.pairs.classes[0]

    def shown(self, data: DataConfig) -> ImageSet:
        """Returns the outputs for scoring, with inverted ones inverted back; see `judged`."""
        return ImageSet(judged(data, self.outputs), self.labels, self.inputs.class_names, self.source)


def translated_by(model: Model, count: int | None, weights: Weights, seed: int, sets: RealSets) -> Translated:
    """Translates images of the reference with an image-to-image model.

    Raises:
        RunError: there are fewer images than requested.
        DataError: an image has a class that the model doesn't know, or none at all.
    """
    real, config = sets.reference, model.config
    if config.changes_class:
        if real.labels is None:
            raise DataError("several classes", field="against", source=real.source)
        real = real.numbered_as(model.facts.class_names)
    if count is not None and count > len(real):
        raise RunError("too few to redraw", field="count", count=count, found=len(real))
    order = torch.randperm(len(real), generator=torch.Generator().manual_seed(derived_seed(seed, "inputs")))
    chosen = real.part(order[: count or COUNT])
    network, pairs = build_with(model, weights), pairs_in(config.data, chosen)
    if not config.changes_class:
        return Translated(redraw_images(network, config, pairs.inputs), pairs, chosen, str(model.folder))
    results: list[Tensor] = []
    for each in (pairs, same := unchanged_pairs(chosen)):
        assert each.classes is not None
        results.append(redraw_images(network, config, each.inputs, each.classes[0]))
    return Translated(results[0], pairs, chosen, str(model.folder), (results[1], same))


def translated_beside(other: Model, model: Model | None, count: int | None, seed: int, sets: RealSets) -> Translated:
    """Translates the same inputs with another model.

    Raises:
        RunError: one of the two doesn't translate images, or their pairs differ.
    """
    if model is None or not model.config.reads_images:
        raise RunError("baseline of translation", field="baseline_run")
    if not other.config.reads_images:
        raise RunError("reads no images", field="baseline_run", folder=other.folder)
    for name in ("task", "pairs", "to", "target"):
        ours, theirs = getattr(model.config.data, name), getattr(other.config.data, name)
        if ours != theirs:
            raise RunError(
                "baseline differs", field="baseline_run", folder=other.folder, name=name, ours=ours, theirs=theirs
            )
    if model.config.changes_class and other.facts.class_names != model.facts.class_names:
        raise RunError("baseline classes", field="baseline_run", folder=other.folder)
    if (other.facts.channels, other.facts.size) != (model.facts.channels, model.facts.size):
        raise RunError("baseline size", field="baseline_run", folder=other.folder)
    return translated_by(other, count, other.weights(), seed, sets)


def score_translated(
    data: DataConfig,
    translated: Translated,
    others: Mapping[str, Translated],
    class_names: tuple[str, ...],
    space: FeatureSpace,
) -> TranslationScores:
    """Returns the scores of a translation, and of others of the same inputs by name.

    Args:
        data: the data's settings.
        translated, others: the outputs.
        class_names: the classes of the space's classifier.
        space: the feature space of the Fréchet distance and of the classifier.
    """
    labels = labels_in(class_names, replace(translated.inputs, labels=translated.labels))
    if translated.unchanged is None:
        outputs = {name: other.outputs for name, other in others.items()}
        return score_translation(data, translated.outputs, translated.pairs, labels, space, outputs)
    every = {"generator": translated, **others}
    changed = {name: Changed(one.outputs, one.unchanged[0]) for name, one in every.items() if one.unchanged is not None}
    return score_class_change(changed, translated.pairs, translated.unchanged[1], translated.inputs, labels, space)


def beside(scores: TranslationScores, other: Model) -> TranslationScores:
    """Returns scores that name their baseline run."""
    regression = other.config.objective.adversarial_weight == 0
    return replace(scores, baseline=other.folder.name, regression=regression)


def with_targets(data: DataConfig, sets: RealSets) -> RealSets:
    """Returns the targets of real images instead of the images themselves, where a task makes others of them."""
    reference = targets_in(data, sets.reference)
    if reference is sets.reference:
        return sets
    others = {name: getattr(sets, name) for name in ("training", "others")}
    others = {name: None if images is None else targets_in(data, images) for name, images in others.items()}
    return replace(sets, reference=reference, **others)
