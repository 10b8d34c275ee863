"""Image quality: metrics as functions of arrays, feature spaces, and judges that score images against real ones.

`Judge(real).score(images)` measures everything at once. The functions compare arrays of features, class probabilities
or images, which `extract_features` and `class_probabilities` compute. NumPy arrays, PyTorch tensors and anything else
that `numpy.asarray` reads are accepted.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocketgan.metrics.classification import classification_accuracy
    from pocketgan.metrics.evaluation_page import save_evaluation
    from pocketgan.metrics.extraction import class_probabilities, extract_features, feature_space
    from pocketgan.metrics.features import FeatureSpace
    from pocketgan.metrics.frechet import class_frechet_distance, frechet_distance
    from pocketgan.metrics.judge import Judge
    from pocketgan.metrics.kernel import kernel_distance
    from pocketgan.metrics.memorisation import authenticity, copying_score
    from pocketgan.metrics.metric import Metric
    from pocketgan.metrics.modes import class_kl, confidence, count_modes, duplicates, label_agreement
    from pocketgan.metrics.precision_recall import coverage, density, precision, recall
    from pocketgan.metrics.registry import METRICS, resolve_metrics
    from pocketgan.metrics.scores import Evaluation, Figure
    from pocketgan.metrics.two_sample import two_sample_accuracy, two_sample_p_value

__all__ = [
    "METRICS",
    "Evaluation",
    "FeatureSpace",
    "Figure",
    "Judge",
    "Metric",
    "authenticity",
    "class_frechet_distance",
    "class_kl",
    "class_probabilities",
    "classification_accuracy",
    "confidence",
    "copying_score",
    "count_modes",
    "coverage",
    "density",
    "duplicates",
    "extract_features",
    "feature_space",
    "frechet_distance",
    "kernel_distance",
    "label_agreement",
    "precision",
    "recall",
    "resolve_metrics",
    "save_evaluation",
    "two_sample_accuracy",
    "two_sample_p_value",
]

_HOMES = {
    "classification_accuracy": "classification",
    **dict.fromkeys(("class_probabilities", "extract_features", "feature_space"), "extraction"),
    "save_evaluation": "evaluation_page",
    "FeatureSpace": "features",
    **dict.fromkeys(("class_frechet_distance", "frechet_distance"), "frechet"),
    "Judge": "judge",
    "kernel_distance": "kernel",
    **dict.fromkeys(("authenticity", "copying_score"), "memorisation"),
    "Metric": "metric",
    **dict.fromkeys(("class_kl", "confidence", "count_modes", "duplicates", "label_agreement"), "modes"),
    **dict.fromkeys(("coverage", "density", "precision", "recall"), "precision_recall"),
    **dict.fromkeys(("METRICS", "resolve_metrics"), "registry"),
    **dict.fromkeys(("Evaluation", "Figure"), "scores"),
    **dict.fromkeys(("two_sample_accuracy", "two_sample_p_value"), "two_sample"),
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used, so that importing the package takes no time."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pocketgan.metrics' has no attribute {name!r}")
    value = getattr(import_module(f"pocketgan.metrics.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
