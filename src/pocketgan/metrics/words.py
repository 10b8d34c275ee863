"""What the metrics are called, how they are read, what the feature spaces are; and how figures are written."""

from typing import Final, Literal

TITLES: Final = {
    "frechet_distance": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "modes": "classes drawn",
    "class_kl": "class divergence",
    "confidence": "confidence",
    "label_agreement": "class as asked",
    "class_frechet_distance": "Fréchet, class by class",
    "duplicates": "near-twins",
    "authentic": "authentic",
    "copying": "copying (C_T)",
    "classification_accuracy": "accuracy score (CAS)",
    "two_sample": "two-sample test",
}
"""The names of the metrics in tables."""

READINGS: Final = {
    "frechet_distance": "lower is better; the floor is perfect",
    "kernel_distance": "lower is better; 0 is perfect, at any number of images",
    "precision": "share of images that look real; higher is better",
    "recall": "share of the real variety that is drawn; higher is better",
    "density": "how deep among real images; 1 as real ones, more is too typical",
    "coverage": "share of real images with a drawn one nearby; higher is better",
    "modes": "of all classes; a missing one is a dropped mode",
    "class_kl": "KL to the real class histogram, nats; 0 is perfect",
    "confidence": "how sure the classifier is; as the floor, not more",
    "label_agreement": "share whose class is the one asked for; higher is better",
    "class_frechet_distance": "mean within the classes asked for; lower is better",
    "duplicates": "share with a near-twin in the sample; 0.01 as real ones",
    "authentic": "share that is no near-copy of a training image; as the floor, not less",
    "copying": "far below 0 is copying, above 0 farther off than new real images",
    "classification_accuracy": "trained on these, tested on real; higher is better",
    "two_sample": "how well a network tells them from real; 0.5 is perfect, 1 worst",
}
"""How to read them."""

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
"""Which way each is better; None where the best value lies in between."""

IDEALS: Final = {"density": 1.0, "duplicates": 0.01, "copying": 0.0, "two_sample": 0.5}
"""The best value of those that are best in between; the others of them are best at their real-data baseline."""

NOTES: Final = {
    "digits": "a classifier trained on MNIST's training split",
    "stacked": "the digits of each channel, by a classifier trained on MNIST's training split",
    "classifier": "a classifier trained on {source}'s training split",
    "random": "a random network, never trained: a second opinion",
    "inception": "legacy, for comparison with papers: ImageNet's features say little of digits",
}
"""What a reader must know of a feature space."""


def short(value: float | None) -> str:
    """Returns a figure in three digits, a large one in all that it has; nothing for none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


EVALUATION_PAGE: Final = {
    "images": "{count} generated images against {against} real ones",
    "real images": "real images",
    "split of": "the {split} split of {source}",
    "feature space": "feature space",
    "real": "real vs real",
    "matched": "{count} vs {real}",
    "matched figures": "{count} vs {real}: {value} · real {floor}",
    "matched note": "There are too few real images for a baseline of as many: '{count} vs {real}' compares that many "
    "on both sides.",
    "legend": "Orange bar: the generated images, ± one standard error. Blue mark: real images (real vs real).",
    "other figures": "Other figures",
    "left out": "left out: {why}",
    "classes": "Classes",
    "class shares": "Share of the images that the classifier takes for each class, in percent.",
    "row of generated": "generated",
    "row of real": "real",
    "row of training": "training",
    "nearest": "Generated images and the nearest training images",
    "nearest, below": "Below each, the training image nearest to it in the feature space, with its distance.",
    "closest": "The generated images closest to training images",
    "closest, copies": "A near-copy of a training image would be among them.",
    "closest, real": (
        "Real images that weren't trained on, for comparison: one in a hundred is within {near} of a training image, "
        "half of them within {middle}."
    ),
    "most realistic": "The most realistic images",
    "least realistic": "The least realistic images",
    "most, below": (
        "Below each, its realism: above 1, it is nearer to a real image than that one's fifth neighbour; ∞ is a copy."
    ),
    "least, below": "From the least realistic upwards.",
}
"""What stands on the picture of an evaluation, besides the above."""

SCORE_TABLE: Final = {
    "evaluated": "{made} images against {real} real ones ({name}, {source})",
    "evaluated, all": "{made} images against {real} real ones ({source})",
    "what it is": "what it is",
    "figure": "figure",
    "spread": "± standard error",
    "floor": "real-data baseline",
    "matched": "{count} against {real}",
    "matched floor": "real against real, {count} against {real}",
    "matched note": "There are too few real images for a baseline of as many: the two columns '{count} against {real}' "
    "compare that many images on both sides.",
    "taken as grey": "Red, green and blue are the same in every picture, so all were taken as grey.",
    "how to read it": "how to read it",
    "feature space": "Feature space: {space}, {note}.",
    "not measured": "Not measured: {why}.",
}
"""What a table of scores says around them."""
