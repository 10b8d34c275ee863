"""Messages about the arguments of metrics. `base.messages` adds them to all others."""

from typing import Final

METRICS: Final = {
    # Arrays.
    "array of numbers": "must be an array of numbers (got {type})",
    "features shape": "must be a matrix with one row of features per image (got the shape {found})",
    "too few rows": "needs at least {least} rows (got {found})",
    "widths differ": "must have {expected} features per image, as many as {other} (got {found})",
    "lengths differ": "must be of {expected} images, as many as {other} (got {found})",
    "not finite": "must be finite; some values are infinite or not a number",
    "probabilities shape": "must be class probabilities, (images, classes) (got {type} of the shape {found})",
    "probabilities range": "must be probabilities, from 0 to 1",
    "classes shape": "must be one integer per image, or class probabilities (got {type} of the shape {found})",
    "negative class": "must be classes from 0 (got {found})",
    "class unknown": "must be classes from 0 to {most} (got {found})",
    "labels length": "must be one integer for each of the {expected} images (got the shape {found})",
    "shares": "must be shares of classes with the sum 1 (got the sum {found})",
    "images array": (
        "must be uint8 images of the shape (N, 1 or 3, H, W) or (N, H, W) (got {type} of the shape {found})"
    ),
    "sizes of arrays": "must be images of {expected} (channels, height, width), like the real ones (got {found})",
    # Numbers.
    "at least": "must be at least {least} (got {found})",
    "above zero": "must be greater than 0 (got {found})",
    # Images.
    "classes too small": "no class has 2 images or more on both sides",
    "cells too small": "none of {cells} cells has {least} generated images and a held-out one; try fewer cells",
    "part of the data": "comes with '{data}'; leave it out",
    "no real labels": "can't be used, because the real images have no labels; leave it out",
    "no classifier": "needs a feature space with a classifier, such as 'digits' (got '{name}')",
    # Metrics of one's own.
    "metric function": "must be a function with one argument, the generated images, or two, the real and the generated",
    "metric name": "must be a name in lowercase letters, digits and '_', such as 'sharpness' (got '{name}')",
    "metric title": "needs a title",
    "metric direction": "must be 'higher', 'lower' or None (got {found})",
    "metric input": "must be 'images' or 'features' (got {found})",
    "metric twice": "'{name}' is already a metric; choose another name",
    "metric failed": "'{name}' fails: {why}",
    "metric value": "'{name}' must return one number (got {found})",
    "metric kind": "must be names of metrics or pocketgan.metrics.Metric objects (got {found})",
    # Images given in Python.
    "no source given": (
        "must be a path, a run, an array of images, or a function or module that makes them (got {kind})"
    ),
    "latents of function": "must be given for a function or a module: the length of its latents",
    "latents without a function": "is only for a function, a module or an ONNX file",
    "labels of arrays": "can only be given with images as an array, a function or a module",
    "images for latents": "must return one image for each of {count} latents (got {found})",
    "range of values": "must be one of {known} for images of type {type}",
    "images outside": "doesn't fit: {count} images have values outside '{value}'",
    "values outside": "must have values in {value} (got {low} to {high})",
    # Evaluation.
    "evaluation kept": (
        "'{folder}' holds an evaluation of {count} images ({metrics} metrics, '{space}', against {against}), so these "
        "scores aren't saved; choose another folder (--out), or add --replace"
    ),
    "scores not saved": "the scores aren't saved: {why}",
    "only of models": "needs a run or an exported model",
    "classes differ": "the classes of {source} ({found}) aren't those of the real images ({known})",
    "bytes of two values": "is missing: the images are 0 and 1 alone; set 0:1, or 0:255 if they are that dark",
}
"""Messages about metrics, by key."""
