"""Texts of the metrics: their titles and interpretations, notes on the feature spaces, and the format of scores."""

import math
from typing import Final, Literal

TITLES: Final = {
    "frechet_distance": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "modes": "covered classes",
    "class_kl": "KL of the class histogram",
    "confidence": "confidence",
    "label_agreement": "class accuracy",
    "class_frechet_distance": "intra-class Fréchet",
    "duplicates": "near-duplicates",
    "authentic": "authenticity",
    "copying": "copying (C_T)",
    "classification_accuracy": "accuracy score (CAS)",
    "two_sample": "two-sample test",
}
"""The names of the metrics in tables."""

READINGS: Final = {
    "frechet_distance": "lower is better; real images score the baseline",
    "kernel_distance": "lower is better; 0 is perfect, at any number of images",
    "precision": "share of images that look real; higher is better",
    "recall": "share of the real variety that is covered; higher is better",
    "density": "1 like real images; above 1 is too typical",
    "coverage": "share of real images with a generated one nearby; higher is better",
    "modes": "number of classes found; a missing one is a dropped mode",
    "class_kl": "KL to the real class histogram, nats; 0 is perfect",
    "confidence": "the classifier's certainty; best near the baseline",
    "label_agreement": "share that shows the requested class; higher is better",
    "class_frechet_distance": "mean over requested classes; lower is better",
    "duplicates": "share with a near-duplicate in the sample; real images: 0.01",
    "authentic": "share that isn't a near-copy of a training image; best near the baseline",
    "copying": "far below 0: copies; above 0: farther away than new real images",
    "classification_accuracy": "a classifier trained on these, tested on real images; higher is better",
    "two_sample": "how well a network distinguishes them from real images; 0.5 is perfect, 1 worst",
}
"""The interpretation of the metrics."""

BETTER: Final[dict[str, Literal["lower", "higher"] | None]] = {
    "frechet_distance": "lower",
    "kernel_distance": "lower",
    "precision": "higher",
    "recall": "higher",
    "density": None,
    "coverage": "higher",
    "modes": "higher",
    "class_kl": "lower",
    "confidence": None,
    "label_agreement": "higher",
    "class_frechet_distance": "lower",
    "duplicates": None,
    "authentic": None,
    "copying": None,
    "classification_accuracy": "higher",
    "two_sample": None,
}
"""The better direction of each metric; None if the best value lies in between."""

IDEALS: Final = {"density": 1.0, "duplicates": 0.01, "copying": 0.0, "two_sample": 0.5}
"""The best values of metrics that are best in between; the others of these are best at their real-data baseline."""

NOTES: Final = {
    "digits": "a classifier trained on MNIST's training split",
    "stacked": "the digit in each channel, by a classifier trained on MNIST's training split",
    "classifier": "a classifier trained on {source}'s training split",
    "classifier of all": "a classifier trained on all images of {source}, also on those compared with",
    "self-supervised": "a network that learned to recognize {source}'s images, without labels",
    "random": "a random network that was never trained: a second opinion",
    "inception": "legacy, for comparison with papers: ImageNet's features say little of digits",
}
"""Remarks on the feature spaces for readers of the scores."""


def short(value: float | None) -> str:
    """Returns a score with three digits, or a large one without decimals; an empty text for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


EVALUATION_PAGE: Final = {
    "images": "{count} generated images against {against} real ones",
    "real images": "real images",
    "split of": "the {split} split of {source}",
    "feature space": "feature space",
    "real": "real-data baseline",
    "matched": "{count} vs {real}",
    "matched figures": "{count} vs {real}: {value} · real {floor}",
    "matched note": "There are too few real images for a baseline of the same size: '{count} vs {real}' compares that "
    "many on both sides.",
    "legend": "Orange bar: the generated images, ± one standard error. Blue mark: the real-data baseline.",
    "other figures": "Other scores",
    "left out": "left out: {why}",
    "classes": "Classes",
    "class shares": "Share of the images in each class, by the classifier, in percent.",
    "row of generated": "generated",
    "row of real": "real",
    "row of training": "training",
    "nearest": "Generated images and the nearest training images",
    "nearest, below": "Below each, the training image nearest to it in the feature space, with its distance.",
    "closest": "The generated images closest to training images",
    "closest, copies": "A near-copy of a training image would be among them.",
    "closest, real": (
        "Real images that weren't trained on, for comparison: 1 in 100 is within {near} of a training image, half of "
        "them within {middle}."
    ),
    "most realistic": "The most realistic images",
    "least realistic": "The least realistic images",
    "most, below": (
        "Below each, its realism: above 1, it is closer to a real image than that image's fifth neighbor; ∞ is a copy."
    ),
    "least, below": "From the least realistic upwards.",
}
"""Texts of an evaluation's page, besides the above."""

SCORE_TABLE: Final = {
    "evaluated": "{made} images against {real} real ones ({name}, {source})",
    "evaluated, all": "{made} images against {real} real ones ({source})",
    "what it is": "metric",
    "figure": "score",
    "spread": "± standard error",
    "floor": "real-data baseline",
    "matched": "{count} against {real}",
    "matched floor": "real-data baseline, {count} against {real}",
    "matched note": "There are too few real images for a baseline of the same size: the two columns '{count} against "
    "{real}' compare that many images on both sides.",
    "requested frequencies": "Class frequencies: requested as in the training data, from {high} ({most}) to {low} "
    "({least}).",
    "own frequencies": "Class frequencies: the generator's own; in the training data they are from {high} ({most}) to "
    "{low} ({least}).",
    "balanced training": "Training used all classes equally often (--balance).",
    "taken as grey": "Red, green and blue are equal in every picture, so all were read as gray.",
    "how to read it": "how to read it",
    "higher": "higher is better",
    "lower": "lower is better",
    "feature space": "Feature space: {space}, {note}.",
    "not measured": "Not measured: {why}.",
}
"""Texts around a table of scores."""


def finite(number: float | None) -> float | None:
    """Returns a number in a form that JSON allows: None if it is infinite or not a number."""
    return number if number is not None and math.isfinite(number) else None
