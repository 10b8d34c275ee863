"""The verdict of a study as one entry of a tracker: its numbers, its sentences, and the figures of its report."""

import time
from pathlib import Path
from typing import Any

from pocketgan.base.language import speaking
from pocketgan.studies.config import slug
from pocketgan.studies.predeclared import question_of
from pocketgan.studies.sentences import sentences
from pocketgan.studies.study import Study
from pocketgan.studies.verdicts import Verdict, judge
from pocketgan.trackers.entries import Entry
from pocketgan.trackers.reading import Ending, Picture, Row, finite


def verdict_entry(study: Study, verdict: Verdict, project: str, folder: Path | None) -> Entry:
    """Returns the entry of a study's verdict; its settings are the question, the seeds and the verdict's sentences."""
    config = study.config
    with speaking("en"):
        settings: dict[str, Any] = {
            "question": question_of(config),
            "metric": config.metric,
            "recipe": config.recipe,
            "variants": ", ".join(study.variants),
            "seeds": len(study.seeds()),
            "verdict": " ".join(sentences(verdict)),
        }
    name = study.folder.resolve().name
    return Entry(f"{name}/verdict", study.folder, project, name, folder, settings)


def verdict_events(study: Study, verdict: Verdict) -> tuple[Row, list[Picture], Ending]:
    """Returns the numbers of a verdict, the figures of the study's report, and the state of the study."""
    now, metric = time.time(), study.config.metric
    values: dict[str, Any] = {}
    for summary in verdict.variants:
        name = f"{slug(summary.name)}/{metric}"
        values |= {name: summary.mean, f"{slug(summary.name)}/failed_runs": summary.failed}
        if summary.quality is not None:
            values |= {f"{name}_low": summary.quality.low, f"{name}_high": summary.quality.high}
    for pair in verdict.comparisons:
        name = f"{slug(pair.first)} vs {slug(pair.second)}"
        values |= {f"{name}/p_value": pair.adjusted, f"{name}/probability_of_better": pair.probability}
        if pair.difference is not None:
            parts = {"": pair.difference.estimate, "_low": pair.difference.low, "_high": pair.difference.high}
            values |= {f"{name}/difference{part}": value for part, value in parts.items()}
    if verdict.confirmed is not None:
        parts = {"": verdict.confirmed.estimate, "_low": verdict.confirmed.low, "_high": verdict.confirmed.high}
        values |= {f"confirmation/{metric}{part}": value for part, value in parts.items()}
    pictures = [Picture(0, now, path.stem, path) for path in sorted((study.folder / "report").glob("*.png"))]
    complete = not verdict.undone and not verdict.unconfirmed
    notes: dict[str, str | int] = {"chosen": verdict.chosen or "", "undone": verdict.undone + verdict.unconfirmed}
    return Row(0, now, {}, finite(values)), pictures, Ending("finished" if complete else "running", now, notes)


def judged(study: Study) -> Verdict | None:
    """Returns the verdict of a study; None while no run has a result."""
    if not any(result is not None for results in study.results().values() for result in results):
        return None
    return judge(study)
