"""Scores of image-to-image translation: fidelity to known targets, kept classes, dependence on the input, baselines.

Without pairs, the targets aren't known: images of the target domain stand beside the outputs.

Images are uint8 [0, 255], (N, C, H, W), wherever nothing else is said.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from pocketgan.base.language import Text, localised
from pocketgan.base.language import say as say_of
from pocketgan.config.data_section import DataConfig
from pocketgan.config.translating import CLASSES, task_of
from pocketgan.images.sets import ImageSet
from pocketgan.images.tasks import CLOSED_FORMS, Pairs, judged
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.frechet import frechet_distance
from pocketgan.metrics.strokes import stroke_distance
from pocketgan.metrics.words import finite, short

Images = UInt8[Tensor, "n c h w"]
WINDOW, SIGMA = 11, 1.5
"""Side in pixels and standard deviation of the Gaussian window of SSIM (Wang et al. 2004, section III-C)."""
K1, K2 = 0.01, 0.03
BATCH = 500
SMALLEST = 1e-10
"""Mean squared error, where 1 is white, that PSNR takes for none; equal images get 100 dB."""
BASELINE = "baseline run"
"""Name of the outputs of another run beside those of the evaluated one."""
NAMES = (
    "psnr",
    "ssim",
    "absolute_error",
    "stroke_distance",
    "kept_class",
    "requested_class",
    "kept_brightness",
    "kept_slant",
    "own_class_error",
    "own_input",
    "distinct_outputs",
    "variation",
    "own_target",
    "kept_distances",
    "distance",
)
WORDS: dict[str, Text] = {
    "psnr": "PSNR to the target, dB",
    "ssim": "SSIM to the target",
    "absolute_error": "mean absolute error",
    "stroke_distance": "distance of the strokes, pixels",
    "kept_class": "class agreement",
    "requested_class": "class accuracy",
    "kept_brightness": "kept brightness",
    "kept_slant": "kept slant",
    "own_class_error": "change within the own class",
    "own_input": "within the own class, nearest to its own input",
    "distinct_outputs": "distinct outputs",
    "variation": "variation of the outputs",
    "own_target": "nearest to its own target",
    "kept_distances": "kept distances",
    "distance": "Fréchet distance to the targets",
    "score": "translation",
    "generator": "this run",
    BASELINE: "baseline run",
    "copy": "copy of the input",
    "closed form": "closed form",
    "targets": "targets",
    "real of class": "other real images of the class",
    "how to read it": "how to read it",
    "read psnr": "higher is better; 3 dB are half the squared error",
    "read ssim": "higher is better; 1 is identical",
    "read absolute_error": "lower is better; 1 is the distance from black to white",
    "read stroke_distance": "lower is better; 0: each stroke is where the target has it",
    "read kept_class": "higher is better; a classifier reads the outputs, and compares with the inputs' labels",
    "read requested_class": "higher is better; share of the outputs in which a classifier sees the requested class",
    "read kept_brightness": "1: outputs of bright inputs are bright, beside others of their class; 0: no relation",
    "read kept_slant": "1: outputs lean as their inputs do, beside others of their class; 0: no relation",
    "read own_class_error": "lower is better; mean absolute error where the class stays, 1 from black to white",
    "read own_input": "share of the outputs nearer to their input than to another of the class; 50% is chance",
    "read distinct_outputs": "1: every input has its own output; near 0: one output for all",
    "read variation": "1: outputs differ as targets do; near 0: they are all alike",
    "read own_target": "share of the outputs nearer to their own target than to another one; 50% is chance",
    "read kept_distances": "1: outputs of similar inputs are similar; near 0: outputs don't follow their inputs",
    "read distance": "lower is better, in the space of the table above",
    "by name": "the baseline run '{name}'",
    "by regression": "plain regression (the run '{name}')",
    "against distance": "Fréchet distance {ours} against {theirs}",
    "against psnr": "PSNR {ours} dB against {theirs} dB",
    "better": "This run is better than {baseline}: {scores}. That is one run each; a study compares several seeds.",
    "sharper": "This run looks more real than {baseline}, but is less exact: {scores}. That is one run each; a study "
    "compares several seeds.",
    "closer": "This run is more exact than {baseline}, but looks less real: {scores}. That is one run each; a study "
    "compares several seeds.",
    "no better": "This run is no better than {baseline}: {scores}. That is one run each; a study compares several "
    "seeds.",
    "count": ("{count} pair", "{count} pairs"),
}
"""Texts of the table, by key."""


def squared_errors(outputs: Images, targets: Images) -> Float[Tensor, "n"]:
    """Returns the mean squared error of each image, where 1 is white; shape (N,)."""
    pieces = zip(outputs.split(BATCH), targets.split(BATCH), strict=True)
    return torch.cat([((a.float() - b.float()) / 255).square().flatten(1).mean(dim=1) for a, b in pieces])


def psnr(outputs: Images, targets: Images) -> float:
    """Returns the mean peak signal-to-noise ratio of the images in dB: −10 log₁₀ MSE, at most 100."""
    errors = squared_errors(outputs, targets).double().clamp(min=SMALLEST)
    return (-10 * errors.log10()).mean().item()


def absolute_error(outputs: Images, targets: Images) -> float:
    """Returns the mean absolute difference of the pixels, in [0, 1], where 1 is from black to white."""
    pieces = zip(outputs.split(BATCH), targets.split(BATCH), strict=True)
    return sum((a.float() - b.float()).abs().sum(dtype=torch.float64).item() for a, b in pieces) / (
        255 * outputs.numel()
    )


def window(side: int) -> Tensor:
    """Returns the Gaussian window of SSIM, float32, (side, side), with the sum 1."""
    places = torch.arange(side) - (side - 1) / 2
    line = torch.exp(-places.square() / (2 * SIGMA**2))
    return torch.outer(line, line) / line.sum() ** 2


def ssim(outputs: Images, targets: Images) -> float:
    """Returns the mean structural similarity (Wang et al. 2004, equation 13), each channel by itself; at most 1.

    Images smaller than the window of 11×11 pixels are seen through the largest odd window that fits.
    """
    side = min(WINDOW, min(outputs.shape[2:]) - (1 - min(outputs.shape[2:]) % 2))
    kernel = window(side)[None, None]
    values = [_ssim(a, b, kernel) for a, b in zip(outputs.split(BATCH), targets.split(BATCH), strict=True)]
    return torch.cat(values).mean(dtype=torch.float64).item()


def _ssim(outputs: Images, targets: Images, kernel: Tensor) -> Float[Tensor, "n"]:
    x, y = (images.float().flatten(0, 1)[:, None] / 255 for images in (outputs, targets))

    def blur(values: Tensor) -> Tensor:
        return functional.conv2d(values, kernel)

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = K1**2, K2**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    return (luminance * structure).flatten(1).mean(dim=1).view(len(outputs), -1).mean(dim=1)


def fidelity(outputs: Images, targets: Images) -> dict[str, float]:
    """Returns `psnr`, `ssim` and `absolute_error` of outputs against their known targets."""
    return {
        "psnr": psnr(outputs, targets),
        "ssim": ssim(outputs, targets),
        "absolute_error": absolute_error(outputs, targets),
    }


def to_targets(data: DataConfig, outputs: Images, targets: Images) -> dict[str, float]:
    """Returns what `fidelity` does, and the `stroke_distance` of images that `judged` shows in gray."""
    values, shown = fidelity(outputs, targets), (judged(data, outputs), judged(data, targets))
    return values | ({"stroke_distance": stroke_distance(*shown)} if shown[1].shape[1] == 1 else {})


def distinct(images: Images) -> int:
    """Returns the number of images that differ from all others, counting equal ones once."""
    return len({image.tobytes() for image in images.numpy()})


def variance(images: Images) -> float:
    """Returns the variance over the images, summed over the pixels, where 1 is white."""
    floats = images.flatten(1).to(torch.float32) / 255
    return floats.var(dim=0, unbiased=False).sum(dtype=torch.float64).item()


def own_target(outputs: Images, targets: Images) -> float:
    """Returns the share of outputs that are nearer to their own target than to the one after it, in [0, 1].

    Ties count half, so that an output that ignores its input gives 0.5 on average.
    """
    own = squared_errors(outputs, targets)
    other = squared_errors(outputs, targets.roll(-1, dims=0))
    return ((own < other).double() + 0.5 * (own == other)).mean().item()


def kept_distances(outputs: Images, inputs: Images) -> float | None:
    """Returns the correlation of the distances between outputs with those between their inputs, in [−1, 1].

    Each image is compared with the next one, by root mean squared error. A change that all images share, such as dark
    for bright, keeps the distances: 1. Outputs that don't depend on their inputs have 0. None if all distances of one
    side are equal.
    """
    both = torch.stack(
        [squared_errors(images, images.roll(-1, dims=0)).double().sqrt() for images in (outputs, inputs)]
    )
    if (both.amax(dim=1) == both.amin(dim=1)).any():
        return None
    return torch.corrcoef(both)[0, 1].item()


def dependence(outputs: Images, pairs: Pairs) -> dict[str, float]:
    """Returns how much the outputs depend on their inputs.

    `distinct_outputs`: distinct outputs per distinct input. `variation`: the variance over the outputs by that over the
    targets. `own_target`: see the function; without matched pairs, `kept_distances` instead. For fewer than two images,
    nothing.
    """
    if len(outputs) < 2:
        return {}
    values = {"distinct_outputs": distinct(outputs) / max(1, distinct(pairs.inputs))}
    if pairs.matched:
        values["own_target"] = own_target(outputs, pairs.targets)
    elif (kept := kept_distances(outputs, pairs.inputs)) is not None:
        values["kept_distances"] = kept
    spread = variance(pairs.targets)
    return values | ({"variation": variance(outputs) / spread} if spread > 0 else {})


@dataclass(frozen=True)
class TranslationScores:
    """Scores of a translation and of its baselines.

    Attributes:
        count: the number of pairs.
        task: the task that made them; `pairs` for a folder of pairs; `unpaired` without pairs; `classes` between
            classes.
        baseline: the name of the baseline run; empty without one.
        regression: whether that run was trained by regression, without a discriminator.
        rows: the scores by name, for `generator`, `baseline run` (if there is one), `copy`, `closed form` (where the
            task has one) and `targets`; between classes, `real of class` instead of the last three.
    """

    count: int
    task: str
    rows: dict[str, dict[str, float]]
    baseline: str = ""
    regression: bool = False

    def verdict(self) -> str:
        """Returns in one sentence whether the run is better than the baseline run; empty without one."""
        if BASELINE not in self.rows:
            return ""
        ours, theirs = self.rows["generator"], self.rows[BASELINE]
        names = [name for name in ("distance", "psnr") if name in ours and name in theirs]
        lower = "distance" in names and ours["distance"] < theirs["distance"]
        as_high = "psnr" not in names or ours["psnr"] >= theirs["psnr"]
        higher = "psnr" in names and ours["psnr"] > theirs["psnr"]
        key = "better" if lower and as_high else "sharper" if lower else "closer" if higher else "no better"
        shown = [say(f"against {name}", ours=short(ours[name]), theirs=short(theirs[name])) for name in names]
        which = say("by regression" if self.regression else "by name", name=self.baseline)
        return say(key, baseline=which, scores=", ".join(shown))

    def to_json(self) -> dict[str, Any]:
        """Returns the scores as plain values."""
        rows = {who: {name: finite(value) for name, value in row.items()} for who, row in self.rows.items()}
        values = {"count": self.count, "task": self.task, "scores": rows}
        return values if not self.baseline else values | {"baseline": self.baseline, "regression": self.regression}


def score_translation(
    data: DataConfig,
    outputs: Images,
    pairs: Pairs,
    labels: Tensor | None,
    space: FeatureSpace,
    others: Mapping[str, Images] | None = None,
) -> TranslationScores:
    """Measures a translation against its known targets, beside the baselines that cost nothing.

    Args:
        data: the data's settings.
        outputs: the generator's outputs.
        pairs: their inputs and targets; without pairs, as many images of the target domain.
        labels: the inputs' classes, as indices into the classes of the space's classifier, (N,), or None.
        space: the feature space of the Fréchet distance and of the classifier.
        others: outputs of other generators for the same inputs, by name.
    """
    candidates = {"generator": outputs, **(others or {}), "copy": pairs.inputs}
    form = CLOSED_FORMS.get(task_of(data)) if data.pairs == "none" and pairs.matched else None
    if form is not None:
        candidates["closed form"] = form(pairs.inputs)
    candidates["targets"] = pairs.targets
    real = space(judged(data, pairs.targets), labels)
    rows: dict[str, dict[str, float]] = {}
    for who, images in candidates.items():
        row = {} if who == "targets" or not pairs.matched else to_targets(data, images, pairs.targets)
        sample = real if who == "targets" else space(judged(data, images), labels)
        if sample.probabilities is not None and labels is not None and (pairs.matched or who != "targets"):
            row["kept_class"] = (sample.predicted == labels).double().mean().item()
        row |= {} if who == "targets" else dependence(images, pairs)
        if who != "targets" and len(images) >= 2:
            row["distance"] = frechet_distance(real.features, sample.features)
        rows[who] = row
    task = "pairs" if data.pairs != "none" else task_of(data) if pairs.matched else "unpaired"
    return TranslationScores(len(outputs), task, rows)


def say(key: str, **parts: object) -> str:
    """Returns one of `WORDS` in the current language."""
    return say_of(WORDS, key, **parts)


def translation_table(scores: TranslationScores) -> tuple[list[str], list[list[str]]]:
    """Returns the headings and the rows of a table: a row for each score, a column for the run and each baseline."""
    headings = [say("score"), *(say(who) for who in scores.rows), say("how to read it")]
    rows = []
    for name in NAMES:
        values = [row.get(name) for row in scores.rows.values()]
        if any(value is not None for value in values):
            cells = ["" if value is None or math.isnan(value) else localised(short(value)) for value in values]
            rows.append([say(name), *cells, say(f"read {name}")])
    return headings, rows


def translation_of(data: DataConfig, images: ImageSet) -> bool:
    """Returns whether the targets of images are known: by a task, or as one's own pairs."""
    return task_of(data) != "none" or images.inputs is not None


def has_targets(data: DataConfig, images: ImageSet) -> bool:
    """Returns whether the targets of images are known, or at least their domain."""
    return translation_of(data, images) or data.to == CLASSES or images.target_domain is not None
