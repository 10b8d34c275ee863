"""What commands say at their end: of a run, and of a study. Print only."""

import dataclasses
from typing import TYPE_CHECKING

from pocketgan.base.errors import INTERRUPTED
from pocketgan.base.language import Text, clock, localised, speaking
from pocketgan.base.language import say as say_of
from pocketgan.base.printing import Column, show
from pocketgan.config.durations import Duration
from pocketgan.config.shell import code_flags, command
from pocketgan.experiment.watchdog_words import why_ended
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from pocketgan.metrics.scores import Evaluation
    from pocketgan.metrics.translation import TranslationScores
    from pocketgan.studies.verdicts import VariantSummary, Verdict

SUMMARIES: dict[str, Text] = {
    "run stopped": "stopped and saved at step {step} of {steps}",
    "go on": "continue with: {command}",
    "trained": "trained {steps} steps in {time}",
    "planned": "planned: {duration}",
    "in all": "{time} in all, with evaluations and pictures",
    "finished": "'{folder}' is finished: {what}",
    "go further": "train further with: {command}",
    "samples": ("samples   {file}  ({count} picture)", "samples   {file}  ({count} pictures)"),
    "figures": "figures   {folder}: {files}",
    "next": "next      {command}",
    "logged": (
        "logged    {count} entry ({rows} rows, {pictures} pictures): {where}",
        "logged    {count} entries ({rows} rows, {pictures} pictures): {where}",
    ),
    "distance": "Fréchet distance {distance} at step {step} (real-data baseline {floor})",
    "distance alone": "Fréchet distance {distance} at step {step}",
    "best at the end": "quality   best at the end: {distance}",
    "as good at the end": "quality   best: {distance}; equally good at the end",
    "best before": "quality   best: {distance}; at the end {end}, {worse} worse",
    "study stopped": ("stopped and saved: {count} run is done", "stopped and saved: {count} runs are done"),
    "variant": "variant",
    "runs": "runs",
    "failed runs": "failed",
    "mean": "{metric} (IQM)",
    "interval": "95% interval",
    "from to": "{low} to {high}",
    "training time": "training time",
    "page": "page      {file}",
    "model": "model     {folder}: {files}",
    "about recipes": "Numbers are parameters, for MNIST. 'pocketgan train RECIPE' trains one;\n"
    "'pocketgan summary RECIPE' shows its layers.",
    "recipes of packages": "Recipes of installed packages: {names}.",
    "about studies": "'pocketgan study NAME --out DIR' runs one; a .toml file asks a question of your\n"
    "own (docs/how-to/ask-your-own-question.md).",
    "run": "run",
    "recipe": "recipe",
    "state": "state",
    "changed": "when",
    "best distance": "FD (baseline)",
    "steps": "steps",
    "time": "trained",
    "plan": "planned",
    "about runs": "FD: Fréchet distance, lower is better; its baseline is what real images get.",
    "no runs yet": "no runs yet; 'pocketgan train' creates one, in 'runs'",
    "no runs there": "no runs in '{folder}'; 'pocketgan train' creates one",
    "damaged run": "damaged: {why}",
}
"""Every text here."""
LONG = 1.1
"""A command that takes so many times its training says so."""


def say(key: str, **parts: object) -> str:
    """Returns one of `SUMMARIES` with its parts filled in."""
    return say_of(SUMMARIES, key, **parts)


def print_run(run: Run, wall_seconds: float | None = None) -> int:
    """Prints where a run's pictures are and what comes next; returns the exit code.

    Args:
        run: the run.
        wall_seconds: how long the command has taken in all.
    """
    status, folder, code = run.status(), run.folder, code_flags(run.config)
    if status.state == "interrupted":
        print(say("run stopped", step=status.step, steps=run.plan.steps))
        print(say("go on", command=command("resume", folder, *code)))
        return INTERRUPTED
    print(trained_line(run, wall_seconds))
    quality = quality_line(run)
    if quality:
        print(quality)
    samples = run.samples()
    if samples:
        print(say("samples", file=samples[-1].path, count=len(samples)))
    drawn = sorted(path.name for path in (folder / "figures").iterdir() if path.suffix in (".png", ".gif"))
    print(say("figures", folder=folder / "figures", files=", ".join(drawn)))
    if run.config.reads_images:
        split = () if (folder / "figures" / "redrawn_test.png").is_file() else ("--split", "train")
        print(say("next", command=command("translate", folder, *split, "--out", "redrawn", *code)))
    else:
        print(say("next", command=command("generate", folder, "--count", 64, "--out", "images.png", *code)))
    print(f"          {command('resume', folder, '--duration', doubled(run.config.train.duration), *code)}")
    return 0


def trained_line(run: Run, wall_seconds: float | None = None) -> str:
    """Returns how long a run has trained, beside how long was planned, and the whole command's time."""
    status, planned = run.status(), Duration.parse(run.plan.duration).seconds
    details = [] if planned is None else [say("planned", duration=run.plan.duration)]
    if wall_seconds is not None and wall_seconds >= LONG * status.seconds + 1:
        details.append(say("in all", time=clock(wall_seconds)))
    line = say("trained", steps=status.step, time=clock(status.seconds))
    line += f" ({'; '.join(details)})" if details else ""
    reason = why_ended(status.reason, status.message)
    return line + (f": {reason}" if reason else "")


def print_done(run: Run) -> int:
    """Prints that a run is finished, and how it can go further; returns the exit code."""
    print(say("finished", folder=run.folder, what=trained_line(run)))
    longer = command("resume", run.folder, "--duration", doubled(run.config.train.duration), *code_flags(run.config))
    print(say("go further", command=longer))
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
    if worse == "0%":
        return say("as good at the end", distance=where)
    return say("best before", distance=where, end=localised(f"{last['frechet_distance']:.3g}"), worse=worse)


def print_evaluation(done: "Evaluation") -> int:
    """Prints an evaluation as a table, and where its page is; returns the exit code."""
    from pocketgan.metrics.real_images import space_note
    from pocketgan.metrics.scores import evaluated, score_table, score_text

    headings, rows = score_table(done)
    prose = (0, len(headings) - 1)
    columns = [Column(text, right=place not in prose, prose=place in prose) for place, text in enumerate(headings)]
    show(columns, rows, title=evaluated(done))
    if done.matched_counts is not None:
        print(score_text("matched note", count=done.matched_counts[0], real=done.matched_counts[1]))
    if done.taken_as_grey:
        print(score_text("taken as grey"))
    if done.frequencies is not None:
        print(done.frequencies)
    if done.translation is not None:
        print_translation(done.translation)
    print()
    print(score_text("feature space", space=done.space, note=space_note(done.space, done.real)))
    for reason in done.skipped.values():
        print(score_text("not measured", why=reason))
    if done.page is not None:
        print(say("page", file=done.page))
    return 0


def print_translation(scores: "TranslationScores") -> None:
    """Prints the scores of a translation beside those of its baselines."""
    from pocketgan.metrics.translation import say as say_translation
    from pocketgan.metrics.translation import translation_table

    headings, rows = translation_table(scores)
    prose = (0, len(headings) - 1)
    columns = [Column(text, right=place not in prose, prose=place in prose) for place, text in enumerate(headings)]
    print()
    show(columns, rows, title=say_translation("count", count=scores.count))
    if verdict := scores.verdict():
        print(verdict)


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
    from pocketgan.studies.sentences import sentences, title_in

    config = verdict.study.config
    with speaking(language):
        mean = say("mean", metric=title_in(config, config.metric))
        columns = (
            Column(say("variant")),
            Column(say("runs"), right=True, drop=2),
            Column(say("failed runs"), right=True, drop=3),
            Column(mean, right=True),
            Column(say("interval"), right=True),
            Column(say("training time"), right=True, drop=1),
        )
        show(columns, [cells_of(summary) for summary in verdict.variants], title=question_of(config), numbers=True)
        print()
        for sentence in sentences(verdict):
            print(sentence)
        print(say("page", file=verdict.study.folder / "report" / "report.html"))
    return exit_code(verdict)


def exit_code(verdict: "Verdict") -> int:
    """Returns the exit code of a study's command: 1 if results are missing, or if each run failed."""
    all_failed = verdict.variants and not any(summary.finished for summary in verdict.variants)
    return 1 if verdict.undone or verdict.unconfirmed or all_failed else 0


def cells_of(summary: "VariantSummary") -> tuple[str, ...]:
    """Returns the cells of a variant in a study's table."""
    quality = summary.quality
    ends = () if quality is None else (localised(f"{end:.4g}") for end in (quality.low, quality.high))
    return (
        summary.name,
        str(len(summary.finished) + summary.failed),
        str(summary.failed),
        "" if summary.mean is None else localised(f"{summary.mean:.4g}"),
        "" if quality is None else say("from to", **dict(zip(("low", "high"), ends, strict=True))),
        clock(summary.seconds),
    )
