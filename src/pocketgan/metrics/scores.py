"""The results of an evaluation: every metric with its standard error and its real-data baseline."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import torch
from torch import Tensor

from pocketgan.base.errors import PocketganError, RunError
from pocketgan.base.language import localised
from pocketgan.base.language import say as say_of
from pocketgan.base.messages import Problem, problem, stored
from pocketgan.base.progress import Progress, work
from pocketgan.images.seeds import derived_seed
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.registry import METRICS, Comparison, Metric, Reference, missing, too_few, why_not
from pocketgan.metrics.samples import SETS
from pocketgan.metrics.words import READINGS, SCORE_TABLE, TITLES, finite, short

if TYPE_CHECKING:
    from pocketgan.metrics.frequencies import ClassFrequencies
    from pocketgan.metrics.translation import TranslationScores
    from pocketgan.runs.model import Weights


@dataclass(frozen=True)
class Matched:
    """A score with fewer images than the evaluation has, for which there is a real-data baseline.

    Attributes:
        value: the score of this number of the judged images, compared with this number of real ones.
        floor: the baseline: the score of the same number of real images instead.
    """

    value: float
    floor: float


@dataclass(frozen=True)
class Figure:
    """One score.

    Attributes:
        value: the score of all images.
        spread: its standard error, from five disjoint sets: their standard deviation over √5; None if a fifth of the
            images is too small for the metric.
        floor: the real-data baseline: the score of equally many other real images against equally many; of authenticity
            and the data-copying test, that of half of the held-out images. None if there aren't enough.
        matched: in that case, the score and its baseline with fewer images on both sides; None if these are too few as
            well.
    """

    value: float
    spread: float | None
    floor: float | None
    matched: Matched | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the score as plain values, with `matched` only if it exists."""
        plain = {"value": finite(self.value), "spread": finite(self.spread), "floor": finite(self.floor)}
        if self.matched is None:
            return plain
        return plain | {"matched": {"value": finite(self.matched.value), "floor": finite(self.matched.floor)}}


@dataclass(frozen=True)
class RealImages:
    """The real images of an evaluation.

    Attributes:
        name: `test`, `train`, `validation` or a path.
        source: the origin of the images.
        reference: the images that generated ones are compared with.
        floor: the comparison for the baseline: other real images or a part of the reference, against real images; or
            None.
        split: the split of the images; `all` for a path without splits.
        floors: the baselines that were measured already, by the name of the metric.
    """

    name: str
    source: str
    reference: Reference
    floor: Comparison | None
    split: str = ""
    floors: dict[str, float | None] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def held_out_floor(self) -> Comparison | None:
        """The comparison of one half of the reference with the other, if none of it was used in training."""
        return halves(self.reference) if self.reference.held_out and len(self.reference.sample) > 1 else None


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Scores of one set of images, which a notebook displays as a table.

    Attributes:
        space: the feature space of all scores.
        real: the real images compared with.
        comparison: the images themselves.
        figures: the scores, by the names of the metrics; `evaluation["recall"]` is short for
            `evaluation.figures["recall"]`.
        skipped: the reasons for missing metrics, by name.
        weights: the weights of the generator, if the images come from a Pocketgan model.
        taken_as_grey: whether RGB pictures without color were read as gray.
        metrics: the metrics, by name.
        page: the HTML page of the scores, or None if none was written.
        unsaved: why no page was written, although the images come from a model: its folder keeps another evaluation,
            or can't be written; otherwise None.
        notes: what was done to the images when they were read, such as scaling, and what of the files isn't used.
        translation: the scores of an image-to-image translation, also of one without pairs; otherwise None.
        frequencies: how often each class was used, where the training data is uneven or was balanced; otherwise None.
    """

    space: FeatureSpace
    real: RealImages
    comparison: Comparison
    figures: dict[str, Figure]
    skipped: dict[str, str] = field(default_factory=dict)
    weights: "Weights | None" = None
    taken_as_grey: bool = False
    metrics: Mapping[str, Metric] = field(default_factory=lambda: METRICS)
    page: Path | None = None
    unsaved: Problem | None = None
    notes: tuple[str, ...] = ()
    translation: "TranslationScores | None" = None
    frequencies: "ClassFrequencies | None" = None

    @property
    def scores(self) -> dict[str, Figure]:
        """The scores by the names of the metrics: another name of `figures`."""
        return self.figures

    def __getitem__(self, name: str) -> Figure:
        return self.figures[name]

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {short(figure.value)}" for name, figure in self.figures.items())
        return f"Evaluation({evaluated(self)}: {scores})"

    def _repr_html_(self) -> str:
        headings, rows = score_table(self)
        head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        table = f"<table><caption>{escape(evaluated(self))}</caption><tr>{head}</tr>{body}</table>"
        if self.page is None:
            return table
        link = escape(quote(self.page.as_posix()))
        return f'{table}<p><a href="{link}" target="_blank">{escape(str(self.page))}</a></p>'

    @property
    def matched_counts(self) -> tuple[int, int] | None:
        """The numbers of generated and real images in the baselines of `Figure.matched`."""
        if self.real.floor is None or all(figure.matched is None for figure in self.figures.values()):
            return None
        return len(self.real.floor.generated), len(self.real.floor.reference.sample)

    def to_json(self) -> dict[str, Any]:
        """Returns everything except the images as plain values."""
        space, sample, counts = self.space, self.real.reference.sample, self.matched_counts
        return {
            "step": self.weights and self.weights.step,
            "weights": self.weights and self.weights.sha256,
            "features": space.name,
            "features_version": space.version,
            "features_hash": space.hash,
            "reference": self.real.name,
            "reference_source": self.real.source,
            "reference_split": self.real.split or self.real.name,
            "reference_count": len(sample),
            "count": len(self.comparison.generated),
            **({} if counts is None else {"matched_count": counts[0], "matched_reference_count": counts[1]}),
            **({"taken_as_grey": True} if self.taken_as_grey else {}),
            **({"images_read": list(self.notes)} if self.notes else {}),
            **({} if self.frequencies is None else {"class_frequencies": self.frequencies.to_json()}),
            **({} if self.translation is None else {"translation": self.translation.to_json()}),
            "metrics": {
                name: figure.to_json() | ({} if name in METRICS else self.metrics[name].described())
                for name, figure in self.figures.items()
            },
            "skipped": {name: stored(why) for name, why in self.skipped.items()},
        }


def check_counts(metrics: Mapping[str, Metric], generated: int, real: int, *, asked: bool, progress: Progress) -> None:
    """Checks before generation that there are enough images for the metrics, and reports the metrics that need more.

    Raises:
        RunError: there are too few for a metric requested by name, or for all metrics.
    """
    too_small = {name: too_few(name, metric, generated, real) for name, metric in metrics.items()}
    reasons = {name: why for name, why in too_small.items() if why is not None}
    if reasons and (asked or len(reasons) == len(metrics)):
        raise RunError(next(iter(reasons.values())), field="metrics")
    if reasons:
        progress.say(work("too few for some", images=generated, real=real, names=", ".join(reasons)))


def score(
    comparison: Comparison,
    real: RealImages,
    space: FeatureSpace,
    metrics: Mapping[str, Metric],
    *,
    asked: bool = False,
    standard_errors: bool = True,
) -> Evaluation:
    """Computes metrics of generated images, with their standard errors and baselines.

    Args:
        comparison: the generated images and the reference.
        real: the source of the baseline.
        space: the feature space, which is recorded with the scores.
        metrics: the metrics, by name.
        asked: whether the metrics were requested by name, so that one that can't be measured is an error.
        standard_errors: whether to measure the standard errors, which take as long as the scores.

    Raises:
        RunError: a requested metric can't be measured, or none of them can.
    """
    figures, skipped = {}, dict[str, str]()
    for name, metric in metrics.items():
        reason = why_not(name, metric, comparison)
        if reason is None:
            try:
                figures[name] = measure(metric, comparison, real, standard_error=standard_errors)
                continue
            except ValueError as error:
                reason = not_measurable(name, error)
        if asked:
            raise RunError(reason, field="metrics")
        skipped[name] = reason
    if not figures:
        raise RunError(next(iter(skipped.values())), field="metrics")
    return Evaluation(space, real, comparison, figures, skipped, metrics=metrics)


def not_measurable(name: str, error: ValueError) -> Problem:
    """Returns the reason why a metric can't measure images, from the error that its function raised."""
    if isinstance(error, PocketganError):
        known = error.key in ("metric failed", "metric value")  # Both name the metric themselves.
        return problem("not measurable", name=name, why=problem(error.key, **error.parts) if known else error)
    return problem("not measurable", name=name, why=str(error))


def measure(metric: Metric, comparison: Comparison, real: RealImages, *, standard_error: bool = True) -> Figure:
    """Returns one score."""
    value, spread = metric.measure(comparison), None
    if standard_error and len(comparison.generated) // SETS >= metric.least:
        parts = [metric.measure(part) for part in comparison.sets]
        spread = torch.tensor(parts, dtype=torch.float64).std().item() / math.sqrt(SETS)
    floor = floor_of(metric, comparison, real)
    matched = matched_of(metric, comparison, real) if floor is None else None
    return Figure(value, spread, floor, matched)


def floor_of(metric: Metric, comparison: Comparison, real: RealImages) -> float | None:
    """Returns the real-data baseline of a comparison, or None if there aren't equally many real images on both sides.

    Other real images give the baseline. For memorization, one half of the held-out images does, since there the
    distances to the training images matter, and not the number of images.
    """
    if "training" in metric.needs:
        return measured_floor(metric, real.held_out_floor, real.floors)
    floor = real.floor
    if floor is None or len(floor.generated) != len(comparison.generated):
        return None
    if len(floor.reference.sample) != len(comparison.reference.sample):
        return None
    return measured_floor(metric, floor, real.floors)


def matched_of(metric: Metric, comparison: Comparison, real: RealImages) -> Matched | None:
    """Returns a score and its baseline with as many images on each side as there are real ones."""
    floor = None if "training" in metric.needs else real.floor
    if floor is None or len(floor.generated) > len(comparison.generated):
        return None
    baseline = measured_floor(metric, floor, real.floors)
    if baseline is None:
        return None
    fewer = Comparison(comparison.generated.part(slice(len(floor.generated))), floor.reference)
    return Matched(metric.measure(fewer), baseline)


def measured_floor(metric: Metric, floor: Comparison | None, known: dict[str, float | None]) -> float | None:
    """Returns the score of real images, which is measured only once, or None if the metric can't judge these."""
    if floor is None or min(len(floor.generated), len(floor.reference.sample)) < metric.least:
        return None
    if metric.name not in known:
        known[metric.name] = None if missing(metric, floor) is not None else metric.measure(floor)
    return known[metric.name]


def halves(reference: Reference) -> Comparison:
    """Returns the comparison of one half of a reference's images with the other, a baseline without other images."""
    order, half = mixed(len(reference.sample)), len(reference.sample) // 2
    return reference.split(order[:half], order[half:])


def part_against_rest(reference: Reference, count: int) -> Comparison | None:
    """Returns the comparison of `count` of a reference's images, but at most half of them, with the rest.

    None for a single image.
    """
    order, part = mixed(len(reference.sample)), min(count, len(reference.sample) // 2)
    return reference.split(order[:part], order[part:]) if part else None


def mixed(count: int) -> Tensor:
    """Returns the numbers below `count` in a random order that is always the same."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(derived_seed(0, "mixed")))


# Texts.


def score_text(key: str, **parts: object) -> str:
    """Returns one of the texts around a table of scores, in the current language."""
    return say_of(SCORE_TABLE, key, **parts)


def evaluated(done: Evaluation) -> str:
    """Returns a text with the numbers of generated and real images in an evaluation."""
    generated, real, split = len(done.comparison.generated), len(done.real.reference.sample), done.real.split
    key = "evaluated, all" if split == "all" else "evaluated"
    return score_text(key, made=generated, real=real, name=split or done.real.name, source=done.real.source)


def title_of(name: str, metrics: Mapping[str, Metric] = METRICS) -> str:
    """Returns a metric's title, in the current language if it is one of the package's."""
    return say_of(TITLES, name) if name in TITLES else metrics[name].title


def reading_of(name: str, metrics: Mapping[str, Metric] = METRICS) -> str:
    """Returns how a metric is read: its own text, or its direction."""
    if name in READINGS:
        return say_of(READINGS, name)
    return metrics[name].reading or direction_of(metrics[name].better)


def direction_of(better: object) -> str:
    """Returns a text about a metric's better direction; empty if there is none."""
    return score_text(str(better)) if better in ("higher", "lower") else ""


def stored_words(name: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the title and the reading of a metric in a file, where its function need not be known.

    Args:
        name: the name of the metric.
        described: what the file says of it; see `Metric.described`.
    """
    if name in METRICS:
        return title_of(name), reading_of(name)
    title, reading = str(described.get("title") or name), described.get("reading")
    return title, str(reading) if reading else direction_of(described.get("better"))


def score_table(done: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Returns the headings of an evaluation's table, and a row for each metric.

    A row has the title, the score, its standard error, its real-data baseline, and its interpretation. If the baseline
    uses fewer images, the score with as many images stands before it.
    """
    counts = done.matched_counts
    headings = [score_text("what it is"), score_text("figure"), score_text("spread")]
    if counts is None:
        headings.append(score_text("floor"))
    else:
        parts = {"count": counts[0], "real": counts[1]}
        headings += [score_text("matched", **parts), score_text("matched floor", **parts)]
    rows = []
    for name, figure in done.figures.items():
        numbers = [figure.value, figure.spread]
        if counts is not None:
            numbers.append(None if figure.matched is None else figure.matched.value)
        numbers.append(figure.floor if figure.matched is None else figure.matched.floor)
        title, reading = title_of(name, done.metrics), reading_of(name, done.metrics)
        rows.append([title, *(localised(short(number)) for number in numbers), reading])
    return [*headings, score_text("how to read it")], rows
