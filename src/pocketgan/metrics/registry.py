"""The table of metrics: their functions and requirements, by name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from pocketgan.base.errors import RunError, nearest
from pocketgan.base.messages import Problem, problem
from pocketgan.config.sections import split
from pocketgan.metrics.classification import classification_accuracy
from pocketgan.metrics.classifier import FEATURES
from pocketgan.metrics.frechet import class_frechet_distance, frechet_distance
from pocketgan.metrics.kernel import kernel_distance
from pocketgan.metrics.memorisation import copying_score
from pocketgan.metrics.modes import class_kl, confidence, count_modes, duplicates, label_agreement
from pocketgan.metrics.samples import NEIGHBOURS, Comparison, Reference, Sample
from pocketgan.metrics.two_sample import two_sample_accuracy
from pocketgan.metrics.words import BETTER, IDEALS

__all__ = ["METRICS", "Comparison", "Metric", "Reference", "Sample", "metric_names", "missing"]

Need = Literal["classifier", "labels", "training", "held out"]


@dataclass(frozen=True)
class Metric:
    """A free function on features, and its requirements. Its title and interpretation are in `metrics.words`.

    Attributes:
        least: the minimum number of generated images.
        measure: the function.
        needs: requirements: a space with a `classifier`; requested `labels`, and real ones; the `training` images; a
            reference that is `held out` from training.
        better: the better direction, `lower` or `higher`; None if the best value lies in between.
        ideal: that best value, if it is the same for all data; otherwise the real-data baseline is the best value.
    """

    least: int
    measure: Callable[[Comparison], float]
    needs: tuple[Need, ...] = ()
    better: Literal["lower", "higher"] | None = None
    ideal: float | None = None


def _copying(comparison: Comparison) -> float:
    reference = comparison.reference
    assert reference.training is not None
    score = partial(
        copying_score,
        comparison.generated.features,
        reference.sample.features,
        reference.training.features,
        generated_nearest=comparison.nearest_training,
        held_out_nearest=reference.nearest_training,
    )
    try:
        return score(centres=reference.cells)
    except ValueError:  # No cell has enough images, for example if all are equal: one cell for all.
        return score(cells=1)


def _duplicates(comparison: Comparison) -> float:
    generated, real = comparison.generated, comparison.reference.sample
    return duplicates(
        generated.features, real.features, generated_others=generated.to_others[:, 0], real_others=real.to_others[:, 0]
    )


def _agreement(comparison: Comparison) -> float:
    assert comparison.generated.labels is not None
    return label_agreement(comparison.generated.labels, comparison.generated.predicted)


def _accuracy_score(comparison: Comparison) -> float:
    generated, real = comparison.generated, comparison.reference.sample
    assert generated.labels is not None and real.labels is not None
    return classification_accuracy(generated.images, generated.labels, real.images, real.labels)


def _class_distance(comparison: Comparison) -> float:
    generated, real = comparison.generated, comparison.reference.sample
    assert generated.labels is not None and real.labels is not None
    return class_frechet_distance(generated.features, generated.labels, real.features, real.labels)


_METRICS = {
    "frechet_distance": Metric(
        FEATURES + 1,
        lambda c: frechet_distance(c.generated.features, c.reference.sample.features),
    ),
    "kernel_distance": Metric(
        50,
        lambda c: kernel_distance(c.generated.features, c.reference.sample.features),
    ),
    "precision": Metric(
        NEIGHBOURS + 1,
        lambda c: c.manifold.precision,
    ),
    "recall": Metric(
        NEIGHBOURS + 1,
        lambda c: c.manifold.recall,
    ),
    "density": Metric(
        NEIGHBOURS + 1,
        lambda c: c.manifold.density,
    ),
    "coverage": Metric(
        NEIGHBOURS + 1,
        lambda c: c.manifold.coverage,
    ),
    "modes": Metric(
        50,
        lambda c: count_modes(c.generated.predicted, c.reference.sample.class_shares),
        ("classifier",),
    ),
    "class_kl": Metric(
        50,
        lambda c: class_kl(c.generated.predicted, c.reference.sample.class_shares),
        ("classifier",),
    ),
    "confidence": Metric(
        1,
        lambda c: confidence(
            c.generated.probabilities if c.generated.probabilities is not None else c.generated.features
        ),
        ("classifier",),
    ),
    "label_agreement": Metric(
        1,
        _agreement,
        ("classifier", "labels"),
    ),
    "class_frechet_distance": Metric(
        500,
        _class_distance,
        ("labels",),
    ),
    "duplicates": Metric(
        50,
        _duplicates,
    ),
    "authentic": Metric(
        50,
        lambda c: c.authentic.double().mean().item(),
        ("training",),
    ),
    "copying": Metric(
        50,
        _copying,
        ("training", "held out"),
    ),
    "classification_accuracy": Metric(
        500,
        _accuracy_score,
        ("labels",),
    ),
    "two_sample": Metric(
        200,
        lambda c: two_sample_accuracy(c.generated.features, c.reference.sample.features),
    ),
}

METRICS: dict[str, Metric] = {
    name: replace(metric, better=BETTER[name], ideal=IDEALS.get(name)) for name, metric in _METRICS.items()
}
"""All metrics, by their names on the command line and in JSON."""


def missing(metric: Metric, comparison: Comparison) -> Need | None:
    """Returns the requirement of a metric that these images don't meet, or None if they meet all."""
    generated, reference = comparison.generated, comparison.reference
    there = {
        "classifier": generated.probabilities is not None and reference.sample.probabilities is not None,
        "labels": generated.labels is not None and reference.sample.labels is not None,
        "training": reference.training is not None,
        "held out": reference.held_out,
    }
    return next((need for need in metric.needs if not there[need]), None)


def why_not(name: str, metric: Metric, comparison: Comparison) -> Problem | None:
    """Returns the reason why a metric can't judge these images, or None if it can."""
    few = too_few(name, metric, len(comparison.generated), len(comparison.reference.sample))
    if few is not None:
        return few
    lacking = missing(metric, comparison)
    return None if lacking is None else problem(f"needs {lacking}", name=name)


def too_few(name: str, metric: Metric, generated: int, real: int) -> Problem | None:
    """Returns an error if a metric needs more generated or real images than there are, and None otherwise."""
    for count, whose in ((generated, "images"), (real, "real images")):
        if count < metric.least:
            return problem(f"too few {whose}", name=name, least=metric.least, found=count)
    return None


USUAL = {"fid": "frechet_distance", "kid": "kernel_distance", "cas": "classification_accuracy"}
"""Their usual names in papers."""


def metric_names(text: str) -> list[str]:
    """Returns the metrics in a comma-separated list; `all` returns every metric.

    Raises:
        RunError: a metric is unknown, or the list is empty.
    """
    names = list(METRICS) if text == "all" else split(text)
    for name in names:
        if name not in METRICS:
            hint = f"; did you mean '{USUAL[name]}'?" if name in USUAL else nearest(name, METRICS)
            raise RunError("no metric", field="metrics", name=name, hint=hint, known=", ".join(METRICS))
    if not names:
        raise RunError("no metrics", field="metrics", known=", ".join(METRICS))
    return names
