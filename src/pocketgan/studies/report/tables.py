"""Tables of a study's report as CSV with full precision. Doesn't import torch."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pocketgan.base.language import speaking
from pocketgan.studies.report.findings import Findings, RunRow, settings_of
from pocketgan.studies.report.words import percent, say
from pocketgan.studies.statistics import Interval
from pocketgan.studies.verdicts import VariantSummary


def csv_files(findings: Findings) -> dict[str, str]:
    """Returns the tables by file name; intermediate evaluations only if the study defines some."""
    files = {
        "variants.csv": variants_csv(findings),
        "comparisons.csv": comparisons_csv(findings),
        "runs.csv": runs_csv(findings),
        "curves.csv": curves_csv(findings),
    }
    return files | ({"moments.csv": moments_csv(findings)} if findings.verdict.moments else {})


def written(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Returns a table as CSV; None and not-a-number values are empty cells."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow(["" if cell is None or cell != cell else cell for cell in row])
    return buffer.getvalue()


def ends(interval: Interval | None) -> tuple[float | None, float | None]:
    """Returns an interval's limits, or None for each if there is no interval."""
    return (None, None) if interval is None else (interval.low, interval.high)


def other_metrics(findings: Findings) -> list[str]:
    """Returns the metrics other than the deciding one that at least one run has."""
    known = {name for row in findings.rows for name, figure in row.figures.items() if figure is not None}
    return [name for name in dict.fromkeys(findings.study.config.metrics) if name in known - {findings.metric}]


def mean_of(summary: VariantSummary, metric: str) -> float | None:
    """Returns the mean of a metric over a variant's finished runs; None if no run has it."""
    values = [value for result in summary.finished if (value := result.figures.get(metric)) is not None]
    return float(np.mean(values)) if values else None


def floor_of(summary: VariantSummary) -> float | None:
    """Returns the real-data baseline of the deciding metric, the median over a variant's finished runs."""
    floors = [result.floor for result in summary.finished if result.floor is not None]
    return float(np.median(floors)) if floors else None


def settings_text(findings: Findings, variant: str) -> str:
    """Returns the settings in which a variant differs from its recipe."""
    return ", ".join(f"{name} = {value}" for name, value in settings_of(findings.study, variant).items())


def state_text(row: RunRow) -> str:
    """Returns a run's state in words."""
    return say(f"state {row.state}", share=percent(row.share))


def variants_csv(findings: Findings) -> str:
    """Returns a table with a row for each variant."""
    others = other_metrics(findings)
    headings = ["variant", "settings", "runs", "finished", "failed", findings.metric, "low", "high", "floor"]
    headings += [*others, "seconds", "within", "between", "loss_within", "loss_between", "diagnoses"]
    rows = []
    for summary in findings.verdict.variants:
        counts = (len(summary.results), len(summary.finished), summary.failed)
        quality = (summary.mean, *ends(summary.quality), floor_of(summary))
        named = "; ".join(f"{name} {count}" for name, count in summary.diagnoses.items())
        variation = (summary.within, summary.between, summary.loss_within, summary.loss_between)
        means = (mean_of(summary, name) for name in others)
        seconds = summary.seconds if summary.finished else None
        text = settings_text(findings, summary.name)
        rows.append([summary.name, text, *counts, *quality, *means, seconds, *variation, named])
    return written(headings, rows)


def comparisons_csv(findings: Findings) -> str:
    """Returns a table with a row for each pair of variants."""
    headings = ["first", "second", "pairs", "difference", "low", "high", "p_value", "adjusted", "probability"]
    rows = []
    for pair in findings.verdict.comparisons:
        estimate = None if pair.difference is None else pair.difference.estimate
        difference = (pair.pairs, estimate, *ends(pair.difference))
        shown = (pair.p_value, pair.adjusted, pair.probability, pair.verdict, pair.seeds_needed)
        rows.append([pair.first, pair.second, *difference, *shown])
    return written([*headings, "verdict", "seeds_needed"], rows)


def moments_csv(findings: Findings) -> str:
    """Returns a table with a row for each intermediate evaluation of each variant."""
    headings = [
        "variant",
        "step",
        "then",
        "end",
        "difference",
        "low",
        "high",
        "adjusted",
        "verdict",
        "worse_in",
        "runs",
    ]
    rows = []
    for moment in findings.verdict.moments:
        estimate = None if moment.difference is None else moment.difference.estimate
        difference = (moment.then, moment.end, estimate, *ends(moment.difference))
        shown = (moment.adjusted, moment.verdict, moment.worse_in, moment.runs)
        rows.append([moment.variant, moment.step, *difference, *shown])
    return written(headings, rows)


def runs_csv(findings: Findings) -> str:
    """Returns a table with a row for each run."""
    metrics = [findings.metric, *other_metrics(findings)]
    headings = ["variant", "seed", "fresh", "state", *metrics, "seconds", "wall_seconds", "floor", "diagnoses"]
    headings += ["message", "folder"]

    def cells(row: RunRow) -> list[Any]:
        start = [row.variant, row.seed, row.fresh, state_text(row), *(row.figures.get(name) for name in metrics)]
        return [*start, row.seconds, row.wall_seconds, row.floor, "; ".join(row.diagnoses), row.message, row.folder]

    with speaking("en"):
        return written(headings, map(cells, findings.rows))


def curves_csv(findings: Findings) -> str:
    """Returns a table with a row for each point of each curve, at most 200 points per curve."""
    curves = [
        log.curves[measure].thinned() for log in findings.logs for measure in findings.measures if measure in log.curves
    ]
    rows = (
        [curve.variant, curve.seed, float(step), float(seconds), curve.measure, float(value)]
        for curve in curves
        for step, seconds, value in zip(curve.steps, curve.seconds, curve.values, strict=True)
    )
    return written(["variant", "seed", "step", "seconds", "measure", "value"], rows)
