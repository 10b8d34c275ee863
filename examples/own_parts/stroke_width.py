"""A metric of one's own: the mean width of the strokes, in pixels. Real digits of MNIST have about 3.

pocketgan evaluate RUN --metrics frechet_distance,stroke_width.py:stroke_width
"""

import numpy as np

from pocketgan.metrics import Metric


def mean_stroke_width(images: np.ndarray) -> float:
    """Returns the area of the ink divided by half its outline: uint8 (N, C, H, W) → pixels."""
    ink = images[:, 0] > 127
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    outline = np.abs(np.diff(padded.astype(int), axis=1)).sum() + np.abs(np.diff(padded.astype(int), axis=2)).sum()
    return float(2 * ink.sum() / max(1, outline))


stroke_width = Metric(mean_stroke_width, title="Stroke width (pixels)", better=None, least=100, name="stroke_width")
