"""The names of the package's metrics."""

METRICS = (
    "frechet_distance",
    "kernel_distance",
    "precision",
    "recall",
    "density",
    "coverage",
    "modes",
    "class_kl",
    "confidence",
    "label_agreement",
    "class_frechet_distance",
    "duplicates",
    "authentic",
    "copying",
    "classification_accuracy",
    "two_sample",
)
"""Their names; `pocketgan.metrics.METRICS` holds the metrics themselves. A test compares the two."""
