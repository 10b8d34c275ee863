"""Texts of a study's report: headings, captions, sentences and number formats."""

import math
from collections.abc import Sequence

from pocketgan.base.language import Text, localised, number
from pocketgan.base.language import say as say_of
from pocketgan.experiment.watchdog_words import NAMES
from pocketgan.studies.config import StudyConfig

WORDS: dict[str, Text] = {
    "contents": "Contents",
    "skip": "Skip to the content",
    "line": "Study {name} · recipe {recipe} · {done} of {all} runs done · written {date}",
    "line of a script": "Study {name} · script {recipe} · {done} of {all} runs done · written {date}",
    "verdict": "What the study shows",
    "variants": "Variants",
    "curves": "Curves",
    "samples": "Samples",
    "losses": "Where the losses and the measured quality disagree",
    "runs": "Every run",
    "method": "Method",
    # Headline.
    "nothing": "No run is done yet, so there are no results.",
    "no figure": "No run has finished yet: of {done} that are done, all failed.",
    "no number": "Of the runs that have finished, none has a {metric} that is a number.",
    "so far": "So far: {sentence}",
    "groups": "any two variants on the same images",
    "none shown": "No difference was shown between {names}.",
    "too few": "No difference was shown between {names}; {seeds} are too few to show any.",
    "better": "{first} is better than {others}",
    "rest open": "{sentence}; no difference was shown between the others.",
    "full stop": "{sentence}.",
    "moment": "{variant}: {metric} {then} at step {step} and {end} at the end; {what}.",
    "moment better": "the end is better",
    "moment worse": "the end is worse",
    "moment open": "no difference was shown",
    "stands": "{name}: {metric} {value}.",
    "best trial": (
        "{name} was chosen from {count} trial by its own evaluations; its measured {metric} is {value}.",
        "{name} was chosen from {count} trials by their own evaluations; its measured {metric} is {value}.",
    ),
    "one left": "Only {name} has finished runs, so nothing is compared: {metric} {value}.",
    "not compared": "Each variant uses different data, so variants are not compared.",
    "and": "{all} and {last}",
    "comma": ", ",
    "semicolon": "; ",
    "count of seeds": ("{count} seed", "{count} seeds"),
    "from to": "{low} to {high}",
    # Verdict.
    "moments": "Intermediate evaluations and the end",
    "more sentences": (
        "{count} more is in the tables below and in {file}.",
        "{count} more are in the tables below and in {file}.",
    ),
    # Variants.
    "quality figure": "{metric} of every run: each dot is one run; the diamond and line are the interquartile "
    "mean and its "
    "95% interval. {better}{floor}",
    "floor is": " The dotted line is the real-data baseline.",
    "floor below": " The real-data baseline is {value}, far below the chart.",
    "lower": "Lower is better.",
    "higher": "Higher is better.",
    "nearest": "The closer to {ideal}, the better.",
    "quality table": "Quality of each variant, measured at the end of its runs",
    "training table": "Training time and variation of each variant",
    "training note": "Variation is a standard deviation relative to the mean, after the first fifth of a run.",
    "comparison table": "Comparisons of variants, each pair on the same seeds",
    "comparison note": "Difference: first minus second, in {measure}. p is adjusted for all comparisons (Holm). "
    "P(better) counts failed runs as worse than any other.",
    "more rows": "The first {shown} of {count} rows; all are in {file}.",
    "moment table": "Quality at intermediate evaluations compared with the end, by the runs' own evaluations",
    "moment note": "Difference: end minus then, in {measure}. The p-values of single variants are adjusted for "
    "each other (Holm).",
    "best table": "Expected best of several runs",
    "best figure": "The expected best {measure} of one run, two runs, and so on, against their total training time.",
    "best none": "Fewer than 2 finished runs, so no expected best: {names}.",
    "variant": "variant",
    "settings": "settings that differ from the recipe",
    "settings of a script": "settings that differ between variants",
    "as recipe": "same as the recipe",
    "runs finished": "finished",
    "runs failed": "failed",
    "runs of": "runs",
    "estimate": "{metric} (IQM)",
    "interval": "95% interval",
    "floor": "real-data baseline",
    "mean": "{metric} (mean)",
    "time": "training time (median)",
    "within": "{metric}, within a run",
    "between": "{metric}, between seeds",
    "loss within": "generator loss, within a run",
    "loss between": "generator loss, between seeds",
    "diagnoses": "watchdog (runs)",
    "first": "first",
    "second": "second",
    "pairs": "pairs",
    "difference": "difference",
    "adjusted": "p",
    "probability": "P(better)",
    "outcome": "the first is",
    "verdict better": "better",
    "verdict worse": "worse",
    "verdict no difference shown": "no difference shown",
    **NAMES,
    "needed": "seeds needed",
    "step": "step",
    "then": "then",
    "end": "at the end",
    "end is": "the end is",
    "worse in": "worse in",
    "of runs": "{count} of {all}",
    "fresh": "confirmation seeds",
    # Curves.
    "curves note": "A line is the mean over seeds; a band goes from the lowest to the highest. Where runs end "
    "early, the mean covers the remaining ones.",
    "curves note one": "Each variant has one run, so each line is one run.",
    "zoom": "Drag over a chart to zoom, double-click it to see all.",
    "curves table": "curves.csv has the curves of every seed.",
    "no curves": "No run has logged anything yet.",
    "only drawn": "The charts show the first {count} of {all} variants; the tables list all.",
    "bands": "bands over seeds",
    "legend": "Variants to show",
    "quality curve": "{metric} during training",
    "quality curve caption": "{metric} in the runs' own evaluations ({count} images against the {reference} images). "
    "{better}{floor}",
    "d_loss": "Discriminator loss",
    "g_loss": "Generator loss",
    "d_real_accuracy": "Accuracy on real images",
    "d_fake_accuracy": "Accuracy on generated images",
    "d_loss caption": "Loss of the discriminator.",
    "g_loss caption": "Loss of the generator.",
    "d_real_accuracy caption": "Share of real images that the discriminator classifies as real.",
    "d_fake_accuracy caption": "Share of generated images that the discriminator classifies as generated.",
    "cut": " The axis is cut: {names} beyond it.",
    "goes": "{names} goes",
    "go": "{names} go",
    "clock step": "step",
    "clock seconds": "training time (s)",
    "clock minutes": "training time (min)",
    # Samples.
    "samples note": "Each picture is generated from the same latents at every point of its run. A run that ended early "
    "keeps its last picture.",
    "no samples": "No run has saved samples yet.",
    "samples left out": (
        "Pictures of {count} more variant are left out, to keep the page small.",
        "Pictures of {count} more variants are left out, to keep the page small.",
    ),
    "moment slider": "Moment",
    "seed select": "Seed",
    "seed option": "seed {seed}",
    "step label": "step {step}",
    "time label": "step {step}, {time}",
    "alt sample": "Samples of {variant}, seed {seed}, {moment}",
    "no picture": "no picture yet",
    # Losses against quality.
    "losses note": "A rank correlation is 1 where the reading ranks the runs by their measured quality, "
    "0 where it is unrelated to quality, and −1 where it ranks them in the opposite order.",
    "losses table": "What losses and accuracies suggest, and whether that predicts the measured quality",
    "losses none": "Too few runs have finished to compare the losses with the measured quality.",
    "reading": "reading",
    "favours": "would choose",
    "best measured": "best as measured: {names}",
    "best of groups": "best as measured, among variants with the same images",
    "all": "all",
    "none": "none",
    "over runs": "rank correlation across runs",
    "within runs": "rank correlation within runs",
    "scatter": "Generator loss and measured quality",
    "scatter caption": "Each dot is a finished run: the mean generator loss of its last fifth, and its {metric} at the "
    "end. {better}",
    "final loss": "generator loss, last fifth",
    # Runs.
    "runs table": "Every run of the study, also in runs.csv",
    "run seed": "seed",
    "run state": "state",
    "run figure": "{metric}",
    "run time": "training time",
    "run diagnoses": "watchdog",
    "run message": "message",
    "fresh seed": "{seed} (confirmation)",
    "fresh note": "Runs on confirmation seeds had no part in the choice; they estimate how good the chosen variant is.",
    "state waiting": "waiting",
    "state running": "running, {share}",
    "state stopped": "stopped at {share}",
    "state finished": "finished",
    "state failed": "failed",
    # Method.
    "budget": "Training time",
    "budget text": "{time} over {runs} runs, of which {finished} finished and {failed} failed",
    "wall": "Including sampling and evaluation",
    "duration": "Duration of a run",
    "measured with": "Feature space",
    "measured against": "Real images",
    "measured against text": "{against} split of {source}; {count} generated images per score, from the generator "
    "at {checkpoint}",
    "command": "Command of a run",
    "recorded against validation": "validation part of {source}, which run.training_data() leaves out; {count} "
    "generated images per evaluation; {checkpoint} of each run counts",
    "recorded against train": "training images of {source}; {count} generated images per evaluation; {checkpoint} of "
    "each run counts",
    "last evaluation": "the last evaluation",
    "best evaluation": "the best evaluation",
    "the end": "a run's end",
    "its best": "its best evaluation",
    "versions": "Versions",
    "machine": "Machine",
    "machine text": "{platform}, {processor}, {device}, threads per run: {threads}",
    "tests": "Tests",
    "tests text": "Pairs of variants are compared seed by seed with a paired permutation test, and all p-values are "
    "adjusted by Holm's method; a difference is shown below 0.05. Each score is an interquartile mean with a 95% "
    "bootstrap interval, corrected for few runs.",
    "reproduce": "To run it again",
    "reproduce file": "Save this as {file}:",
    "unknown": "not known yet",
    "files": "Beside this page",
}
"""All texts of the report, by key; names in braces are placeholders."""


def say(key: str, **parts: object) -> str:
    """Returns a text of the report with its parts filled in."""
    return say_of(WORDS, key, **parts)


def capital(text: str) -> str:
    """Returns a text with its first letter capitalized."""
    return text[:1].upper() + text[1:]


def listed(names: Sequence[str]) -> str:
    """Returns names as a list in a sentence: `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return say("and", all=say("comma").join(names[:-1]), last=names[-1])


def diagnosis(name: str) -> str:
    """Returns the display name of a watchdog diagnosis."""
    return say(name) if name in WORDS else name.replace("_", " ")


def written(value: float | None, digits: int = 3) -> str:
    """Returns a number as the report displays it, or `–` if there is none."""
    return "–" if value is None else number(value, digits)


def which_way(config: StudyConfig) -> str:
    """Returns a sentence on which scores of the deciding metric are better."""
    return say(config.better, ideal=written(config.ideal))


def span(low: float, high: float) -> str:
    """Returns an interval as the report displays it."""
    return say("from to", low=written(low), high=written(high))


def percent(share: float | None) -> str:
    """Returns a fraction in percent, or `–` if there is none."""
    if share is None or not math.isfinite(share):
        return "–"
    return localised(f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.1f}%")


def chance(p_value: float) -> str:
    """Returns a p-value with two digits."""
    return localised(f"{p_value:.2g}")
