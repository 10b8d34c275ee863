"""The table of metrics: their functions and requirements, by name; and how names become metrics."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pocketgan.base.errors import RunError, nearest
from pocketgan.base.messages import Problem, problem
from pocketgan.config import parts
from pocketgan.config.data_section import split
from pocketgan.metrics.classification import classification_accuracy
from pocketgan.metrics.classifier import FEATURES
from pocketgan.metrics.frechet import class_frechet_distance, frechet_distance
from pocketgan.metrics.kernel import kernel_distance
from pocketgan.metrics.memorisation import copying_score
from pocketgan.metrics.metric import Metric, Need
from pocketgan.metrics.modes import class_kl, confidence, count_modes, duplicates, label_agreement
from pocketgan.metrics.samples import NEIGHBOURS, Comparison, Reference, Sample
from pocketgan.metrics.two_sample import two_sample_accuracy
from pocketgan.metrics.words import BETTER, IDEALS, READINGS, TITLES

__all__ = [
    "METRICS",
    "Comparison",
    "Metric",
    "Reference",
    "Requested",
    "Sample",
    "asks_for_all",
    "metric_names",
    "missing",
    "resolve_metrics",
    "too_few",
    "why_not",
]


def _copying(comparison: Comparison) -> float:
    reference = comparison.reference
    assert reference.training is not None
    score = partial(
        copying_score,
        reference.training.features,
        reference.sample.features,
        comparison.generated.features,
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
        real.features, generated.features, real_others=real.to_others[:, 0], generated_others=generated.to_others[:, 0]
    )


def _agreement(comparison: Comparison) -> float:
    assert comparison.generated.labels is not None
    return label_agreement(comparison.generated.labels, comparison.generated.predicted)


def _accuracy_score(comparison: Comparison) -> float:
    generated, real = comparison.generated, comparison.reference.sample
    assert generated.labels is not None and real.labels is not None
    return classification_accuracy(real.images, real.labels, generated.images, generated.labels)


def _class_distance(comparison: Comparison) -> float:
    generated, real = comparison.generated, comparison.reference.sample
    assert generated.labels is not None and real.labels is not None
    return class_frechet_distance(real.features, real.labels, generated.features, generated.labels)


def _confidence(comparison: Comparison) -> float:
    assert comparison.generated.probabilities is not None
    return confidence(comparison.generated.probabilities)


def _of_features(function: Callable[..., float]) -> Callable[[Comparison], float]:
    """Returns a function of the features of both sets as a function of a comparison."""
    return lambda comparison: function(comparison.reference.sample.features, comparison.generated.features)


def _of_classes(function: Callable[..., float]) -> Callable[[Comparison], float]:
    """Returns a function of the real shares and the predicted classes as a function of a comparison."""
    return lambda comparison: function(comparison.reference.sample.class_shares, comparison.generated.predicted)


_MEASURED: dict[str, tuple[int, Callable[[Comparison], float], tuple[Need, ...]]] = {
    "frechet_distance": (FEATURES + 1, _of_features(frechet_distance), ()),
    "kernel_distance": (50, _of_features(kernel_distance), ()),
    "precision": (NEIGHBOURS + 1, lambda c: c.manifold.precision, ()),
    "recall": (NEIGHBOURS + 1, lambda c: c.manifold.recall, ()),
    "density": (NEIGHBOURS + 1, lambda c: c.manifold.density, ()),
    "coverage": (NEIGHBOURS + 1, lambda c: c.manifold.coverage, ()),
    "modes": (50, _of_classes(count_modes), ("classifier",)),
    "class_kl": (50, _of_classes(class_kl), ("classifier",)),
    "confidence": (1, _confidence, ("classifier",)),
    "label_agreement": (1, _agreement, ("classifier", "labels")),
    "class_frechet_distance": (500, _class_distance, ("labels",)),
    "duplicates": (50, _duplicates, ()),
    "authentic": (50, lambda c: c.authentic.double().mean().item(), ("training",)),
    "copying": (50, _copying, ("training", "held out")),
    "classification_accuracy": (500, _accuracy_score, ("labels",)),
    "two_sample": (200, _of_features(two_sample_accuracy), ()),
}

METRICS: dict[str, Metric] = {
    name: Metric(
        measure,
        title=TITLES[name],
        better=BETTER[name],
        least=least,
        name=name,
        reading=READINGS[name],
        on="comparison",
        ideal=IDEALS.get(name),
        needs=needs,
    )
    for name, (least, measure, needs) in _MEASURED.items()
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


Requested = str | Metric | Sequence[str | Metric]
"""Names with commas between them, where `all` stands for the package's metrics; a metric; or several of both."""
USUAL = {"fid": "frechet_distance", "kid": "kernel_distance", "cas": "classification_accuracy"}
"""Their usual names in papers."""
FUNCTIONS = {
    "count_modes": "modes",
    "authenticity": "authentic",
    "copying_score": "copying",
    "two_sample_accuracy": "two_sample",
}
"""Functions whose names differ from those of their metrics; both are understood."""
RESERVED = (
    {"step", "nimg", "epoch", "seconds", "features", "features_version", "features_hash", "reference", "count"}
    | {"frechet_floor", "authentic_floor", "distinct", "raw_frechet_distance", "classes", "mode_share", "histogram"}
    | {"r_v", "r_v_deviations", "generator_gradient", "metrics", "all"}
)
"""Keys of a row of `metrics.jsonl` that aren't metrics, and words with another meaning."""


def resolve_metrics(metrics: Requested, extra: Mapping[str, Metric] | None = None) -> dict[str, Metric]:
    """Returns the requested metrics by name, in order and once each. This is the only place where names become metrics.

    Args:
        metrics: see `Requested`.
        extra: more metrics that may be named.

    Raises:
        RunError: there is no such metric, no metric is requested, or two have the same name.
        ConfigError: a part of one's own isn't a metric.
    """
    known = METRICS | dict(extra or {})
    result: dict[str, Metric] = {}
    for one in [metrics] if isinstance(metrics, str | Metric) else metrics:
        if isinstance(one, Metric):
            if one.name in RESERVED or known.get(one.name, one) is not one or result.get(one.name, one) is not one:
                raise RunError("metric twice", field="metrics", name=one.name)
            result[one.name] = one
        elif isinstance(one, str):
            for word in split(one):
                part = None if word in known or word == "all" else parts.find("metric", word)
                if part is not None:
                    _ = part.facts  # This checks that it is a metric.
                    result |= resolve_metrics(part.value, extra)
                else:
                    result |= {known[name].name: known[name] for name in named(word, known)}
        else:
            raise RunError("metric kind", field="metrics", found=type(one).__name__)
    if not result:
        raise RunError("no metrics", field="metrics", known=", ".join(known))
    return result


def asks_for_all(metrics: Requested) -> bool:
    """Returns whether all metrics are requested, so that those that can't be measured are left out without an error."""
    return "all" in ([metrics] if isinstance(metrics, str | Metric) else metrics)


def named(name: str, known: Mapping[str, Metric]) -> list[str]:
    """Returns the names in `known` that a word stands for: one, or those of the whole package for `all`.

    Raises:
        RunError: there is no such metric.
    """
    if name == "all":
        return list(METRICS)
    name = FUNCTIONS.get(name, name)
    if name not in known:
        hint = f"; did you mean '{USUAL[name]}'?" if name in USUAL else nearest(name, known)
        raise RunError("no metric", field="metrics", name=name, hint=hint, known=", ".join(known))
    return [name]


def metric_names(text: str) -> list[str]:
    """Returns the names of the package's metrics in a comma-separated list; `all` returns every metric.

    Raises:
        RunError: a metric is unknown, or the list is empty.
    """
    return list(resolve_metrics(text))
