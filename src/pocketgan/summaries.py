"""What commands say at their end: of a run, and of a study. Print only."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from pocketgan.durations import Duration
from pocketgan.errors import INTERRUPTED
from pocketgan.language import Text, clock, localised, speaking
from pocketgan.language import say as say_of
from pocketgan.metric_words import NOTES, READINGS, TITLES, short
from pocketgan.printing import show
from pocketgan.runs import Run

if TYPE_CHECKING:
    from pocketgan.evaluation import Evaluation, Figure
    from pocketgan.studies.verdicts import Verdict

SUMMARIES: dict[str, Text] = {
    "run stopped": "stopped and saved at step {step} of {steps}",
    "go on": "go on with: {command}",
    "trained": "trained {steps} steps in {time}",
    "samples": ("samples   {file}  ({count} picture)", "samples   {file}  ({count} pictures)"),
    "figures": "figures   {folder}: {files}",
    "next": "next      {command}",
    "distance": "Fréchet distance {distance} at step {step} (real vs real {floor})",
    "distance alone": "Fréchet distance {distance} at step {step}",
    "best at the end": "quality   best at the end: {distance}",
    "best before": "quality   best: {distance}; the end stands at {end}, {worse} worse",
    "study stopped": ("stopped and saved: {count} run is done", "stopped and saved: {count} runs are done"),
    "variant": "variant",
    "runs": "runs",
    "failed runs": "failed",
    "mean": "{metric} (IQM)",
    "interval": "95% interval",
    "from to": "{low} to {high}",
    "training time": "training time",
    "page": "page      {file}",
    "evaluated": "{made} images against {real} real ones ({name}, {source})",
    "evaluated, all": "{made} images against {real} real ones ({source})",
    "what it is": "what it is",
    "figure": "figure",
    "spread": "± spread",
    "floor": "floor (real vs real)",
    "matched": "{count} against {real}",
    "matched floor": "real vs real, {count} against {real}",
    "matched note": "There are too few real images for a baseline of as many: the two columns '{count} against {real}' "
    "compare that many images on both sides.",
    "taken as grey": "Red, green and blue are the same in every picture, so all were taken as grey.",
    "how to read it": "how to read it",
    "feature space": "Feature space: {space}, {note}.",
    "not measured": "Not measured: {why}.",
}
"""Every text here."""


def say(key: str, **parts: object) -> str:
    """Returns one of `SUMMARIES` with its parts filled in."""
    return say_of(SUMMARIES, key, **parts)


def print_run(run: Run) -> int:
    """Prints where a run's pictures are and what comes next; returns the exit code."""
    status, folder = run.status(), run.folder
    if status.state == "interrupted":
        print(say("run stopped", step=status.step, steps=run.plan.steps))
        print(say("go on", command=f"pocketgan resume {folder}"))
        return INTERRUPTED
    trained = say("trained", steps=status.step, time=clock(status.seconds))
    print(trained + (f": {status.message}" if status.message else ""))
    quality = quality_line(run)
    if quality:
        print(quality)
    samples = run.samples()
    if samples:
        print(say("samples", file=samples[-1], count=len(samples)))
    drawn = sorted(path.name for path in (folder / "figures").iterdir() if path.suffix in (".png", ".gif"))
    print(say("figures", folder=folder / "figures", files=", ".join(drawn)))
    if run.config.reads_images:
        print(say("next", command=f"pocketgan translate {folder} --split test --count 16 --out redrawn"))
    else:
        label = f" --label {run.facts.class_names[-1]}" if run.config.network.conditional else ""
        print(say("next", command=f"pocketgan generate {folder} --count 64{label} --out digits.png"))
    print(f'          pocketgan resume {folder} --duration "{doubled(run.config.train.duration)}"')
    return 0


def quality_line(run: Run) -> str:
    """Returns where the run was best, and how much worse its end is; nothing where it wasn't evaluated."""
    best, evaluations = run.best(), run.metrics()
    if best is None or not evaluations:
        return ""
    last, lowest = evaluations[-1], best["frechet_distance"]
    floor, figures = last.get("frechet_floor"), {"distance": localised(f"{lowest:.3g}")}
    key = "distance alone" if floor is None else "distance"
    figures |= {} if floor is None else {"floor": localised(f"{floor:.2g}")}
    where = say(key, step=round(best["step"]), **figures)
    if last["step"] == best["step"]:
        return say("best at the end", distance=where)
    worse = f"{last['frechet_distance'] / max(lowest, 1e-9) - 1:.0%}"
    return say("best before", distance=where, end=localised(f"{last['frechet_distance']:.3g}"), worse=worse)


def print_evaluation(done: "Evaluation", page: Path | None) -> int:
    """Prints an evaluation: what each metric is, its figure, its spread, the floor, how to read it; returns the exit
    code."""
    made, real, split = len(done.comparison.generated), len(done.real.reference.sample), done.real.split
    key = "evaluated, all" if split == "all" else "evaluated"
    title = say(key, made=made, real=real, name=split or done.real.name, source=done.real.source)
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    table.add_column(say("what it is"))
    for heading in number_headings(done.matched_counts):
        table.add_column(heading, justify="right")
    table.add_column(say("how to read it"))
    for name, figure in done.figures.items():
        cells = [localised(short(number)) for number in numbers_of(figure, done.matched_counts)]
        table.add_row(say_of(TITLES, name), *cells, say_of(READINGS, name))
    show(table)
    if done.matched_counts is not None:
        print(say("matched note", count=done.matched_counts[0], real=done.matched_counts[1]))
    if done.taken_as_grey:
        print(say("taken as grey"))
    note = say_of(NOTES, done.space.name, source=done.real.source)
    print(say("feature space", space=done.space, note=note))
    for reason in done.skipped.values():
        print(say("not measured", why=reason))
    if page is not None:
        print(say("page", file=page))
    return 0


def number_headings(counts: tuple[int, int] | None) -> list[str]:
    """Returns the headings of the columns of numbers: two more say how many images a smaller baseline is made with."""
    if counts is None:
        return [say("figure"), say("spread"), say("floor")]
    parts = {"count": counts[0], "real": counts[1]}
    return [say("figure"), say("spread"), say("matched", **parts), say("matched floor", **parts)]


def numbers_of(figure: "Figure", counts: tuple[int, int] | None) -> list[float | None]:
    """Returns the numbers of a metric's row, as many as there are headings."""
    if counts is None:
        return [figure.value, figure.spread, figure.floor]
    matched = figure.matched
    return [figure.value, figure.spread, *((None, figure.floor) if matched is None else (matched.value, matched.floor))]


def doubled(duration: str) -> str:
    """Returns twice a duration."""
    parsed = Duration.parse(duration)
    return str(dataclasses.replace(parsed, value=2 * parsed.value))


def print_stop(verdict: "Verdict", language: str, command: str) -> int:
    """Prints how far a study that was stopped is, and how it goes on; returns the exit code."""
    with speaking(language):
        print(say("study stopped", count=sum(len(summary.finished) for summary in verdict.variants)))
        print(say("go on", command=command))
    return INTERRUPTED


def print_verdict(verdict: "Verdict", language: str) -> int:
    """Prints a study's table and sentences, and where its page is; returns the exit code."""
    from pocketgan.studies.predeclared import question_of
    from pocketgan.studies.sentences import sentences, title_of

    config = verdict.study.config
    with speaking(language):
        table = Table(title=question_of(config), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column(say("variant"))
        mean = say("mean", metric=title_of(config.metric))
        for heading in (say("runs"), say("failed runs"), mean, say("interval"), say("training time")):
            table.add_column(heading, justify="right")
        for summary in verdict.variants:
            quality = summary.quality
            ends = () if quality is None else (localised(f"{end:.4g}") for end in (quality.low, quality.high))
            table.add_row(
                summary.name,
                str(len(summary.finished) + summary.failed),
                str(summary.failed),
                "" if summary.mean is None else localised(f"{summary.mean:.4g}"),
                "" if quality is None else say("from to", **dict(zip(("low", "high"), ends, strict=True))),
                clock(summary.seconds),
            )
        show(table)
        for sentence in sentences(verdict):
            print(sentence)
        print(say("page", file=verdict.study.folder / "report" / "report.html"))
    return 1 if verdict.undone or verdict.unconfirmed else 0
