"""A study's results as plain values, as a table for pandas, and for notebooks. Doesn't import torch."""

from html import escape
from typing import TYPE_CHECKING, Any

from pocketgan.base.language import clock, localised, speaking
from pocketgan.metrics.words import finite
from pocketgan.runs.frames import frame_of_rows
from pocketgan.studies import study as studies
from pocketgan.studies import verdicts
from pocketgan.studies.predeclared import question_of
from pocketgan.studies.report.words import say
from pocketgan.studies.sentences import sentences, title_in
from pocketgan.studies.statistics import Interval, PairComparison
from pocketgan.studies.study import Job
from pocketgan.studies.verdicts import Moment

if TYPE_CHECKING:
    import pandas


class Verdict(verdicts.Verdict):
    """All results of a study, which a notebook shows as a table and sentences."""

    def _repr_html_(self) -> str:
        return verdict_html(self)


class Study(studies.Study):
    """A study in its folder, as `pocketgan.study` and `pocketgan.Study.open` return it."""

    def verdict(self) -> Verdict:
        """Returns the verdict: each variant's quality with its interval, the comparisons, and the chosen variant.

        A notebook shows it as a table and sentences. The study may be unfinished.
        """
        return Verdict(**vars(verdicts.judge(self)))

    def table(self) -> "pandas.DataFrame":
        """Returns a pandas DataFrame with a row for each run: `variant`, `seed`, `state`, its scores, `seconds`.

        Runs on confirmation seeds aren't in it.

        A run without a result has no scores; its state is `not started`, or that of its status.

        Raises:
            RunError: pandas isn't installed.
        """
        return frame_of_rows([row_of(job) for job in self.jobs()])


def verdict_values(verdict: verdicts.Verdict) -> dict[str, Any]:
    """Returns a verdict as plain values, which JSON allows; sentences are in English.

    An interval is a list of its estimate and its two ends, or None.
    """
    study, config = verdict.study, verdict.study.config
    with speaking("en"):
        question, lines = question_of(config), list(sentences(verdict))
    return {
        "study": config.name,
        "folder": str(study.folder),
        "question": question,
        "metric": config.metric,
        "better": config.better,
        "seeds": study.seeds(),
        "sentences": lines,
        "variants": [
            {
                "name": summary.name,
                "finished": len(summary.finished),
                "failed": summary.failed,
                "undone": sum(result is None for result in summary.results),
                "mean": finite(summary.mean),
                "interval": numbers(summary.quality),
                "seconds": finite(summary.seconds),
                "diagnoses": dict(summary.diagnoses),
            }
            for summary in verdict.variants
        ],
        "comparisons": [comparison_values(pair) for pair in verdict.comparisons],
        "moments": [moment_values(moment) for moment in verdict.moments],
        "chosen": verdict.chosen,
        "confirmed": numbers(verdict.confirmed),
        "undone": verdict.undone + verdict.unconfirmed,
    }


def numbers(interval: Interval | None) -> list[float | None] | None:
    """Returns an interval's estimate and its two ends, or None if there is none."""
    return None if interval is None else [finite(value) for value in (interval.estimate, interval.low, interval.high)]


def comparison_values(pair: PairComparison) -> dict[str, Any]:
    """Returns the comparison of two variants as plain values."""
    return {
        "first": pair.first,
        "second": pair.second,
        "verdict": pair.verdict,
        "difference": numbers(pair.difference),
        "p_value": finite(pair.p_value),
        "adjusted_p_value": finite(pair.adjusted),
        "probability_of_better": finite(pair.probability),
        "pairs": pair.pairs,
        "seeds_needed": pair.seeds_needed,
    }


def moment_values(moment: Moment) -> dict[str, Any]:
    """Returns the comparison of an intermediate evaluation with the end as plain values."""
    return {
        "variant": moment.variant,
        "step": moment.step,
        "then": finite(moment.then),
        "end": finite(moment.end),
        "verdict": moment.verdict,
        "difference": numbers(moment.difference),
        "adjusted_p_value": finite(moment.adjusted),
    }


def verdict_html(verdict: verdicts.Verdict) -> str:
    """Returns a verdict for a notebook, in the current language: a table of the variants, and the sentences."""
    config = verdict.study.config
    headings = (say("variant"), title_in(config, config.metric), say("interval"), say("run time"))
    rows = []
    for summary in verdict.variants:
        ends = () if summary.quality is None else (summary.quality.low, summary.quality.high)
        interval = " – ".join(localised(f"{end:.4g}") for end in ends)
        mean = "" if summary.mean is None else localised(f"{summary.mean:.4g}")
        rows.append((summary.name, mean, interval, clock(summary.seconds)))
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    lines = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences(verdict))
    caption = escape(question_of(config))
    return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table><ul>{lines}</ul>"


def row_of(job: Job) -> dict[str, Any]:
    """Returns a run of a study as a row of its table."""
    result = job.result()
    if result is None:
        run = job.run()
        state = "not started" if run is None else run.status().state
        return {"variant": job.variant, "seed": job.seed, "state": state}
    row = {"variant": job.variant, "seed": job.seed, "state": result.state}
    return row | result.figures | {"seconds": result.seconds}
