"""What a study's page says in words of its own: headings, captions, sentences, and how it writes numbers."""

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
    "verdict": "What the study shows",
    "variants": "Variants",
    "curves": "Curves",
    "samples": "Samples",
    "losses": "Where the losses and the measured quality disagree",
    "runs": "Every run",
    "method": "How it was made",
    # The first line.
    "nothing": "No run is done yet, so there is nothing to say.",
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
        "{name} is chosen of {count} trial, by its own evaluations; measured, its {metric} is {value}.",
        "{name} is chosen of {count} trials, by their own evaluations; measured, its {metric} is {value}.",
    ),
    "one left": "Only {name} has finished runs, so nothing is compared: {metric} {value}.",
    "not compared": "Each variant has data of its own, so variants are not compared.",
    "and": "{all} and {last}",
    "comma": ", ",
    "semicolon": "; ",
    "count of seeds": ("{count} seed", "{count} seeds"),
    "from to": "{low} to {high}",
    # The verdict.
    "moments": "Earlier moments and the end",
    "more sentences": (
        "{count} more is in the tables below and in {file}.",
        "{count} more are in the tables below and in {file}.",
    ),
    # Variants.
    "quality figure": "{metric} of every run: a dot a run, a diamond with a line for the interquartile mean and its "
    "95% interval. {better}{floor}",
    "floor is": " The dotted line is what real images get.",
    "floor below": " Real images get {value}, far below the chart.",
    "lower": "Lower is better.",
    "higher": "Higher is better.",
    "nearest": "The nearer to {ideal}, the better.",
    "quality table": "Quality of each variant, measured at the end of its runs",
    "training table": "Training time and variation of each variant",
    "training note": "Variation is a standard deviation relative to the mean, after the first fifth of a run.",
    "comparison table": "Comparisons of variants, each pair on the same seeds",
    "comparison note": "Difference: first minus second, in {measure}. p is adjusted for all comparisons (Holm). "
    "P(better) counts failed runs as worse than any other.",
    "more rows": "The first {shown} of {count} rows; all are in {file}.",
    "moment table": "Quality at earlier moments against the end, by the runs' own evaluations",
    "moment note": "Difference: end minus then, in {measure}. The p-values of single variants are adjusted for "
    "each other (Holm).",
    "best table": "Expected best of several runs",
    "best figure": "The best {measure} to expect of one run, of two, and so on, over the training time that they take.",
    "best none": "With fewer than 2 finished runs there is nothing to expect of several: {names}.",
    "variant": "variant",
    "settings": "differs from the recipe in",
    "as recipe": "as the recipe",
    "runs finished": "finished",
    "runs failed": "failed",
    "runs of": "runs",
    "estimate": "{metric} (IQM)",
    "interval": "95% interval",
    "floor": "real images",
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
    "fresh": "fresh seeds",
    # Curves.
    "curves note": "A line is the mean over the seeds, a band goes from the least to the greatest. Where runs end "
    "early, the mean is of those that go on.",
    "curves note one": "One run a variant, so a line is that run.",
    "zoom": "Drag over a chart to zoom, double-click it to see all.",
    "curves table": "curves.csv has the curves of every seed.",
    "no curves": "No run has logged anything yet.",
    "only drawn": "Drawn are the first {count} of {all} variants; the tables have all.",
    "bands": "bands over seeds",
    "legend": "Variants to show",
    "quality curve": "{metric} during training",
    "quality curve caption": "{metric} by the runs' own evaluations ({count} images against the {reference} images). "
    "{better}{floor}",
    "d_loss": "Discriminator loss",
    "g_loss": "Generator loss",
    "d_real_accuracy": "Accuracy on real images",
    "d_fake_accuracy": "Accuracy on generated images",
    "d_loss caption": "Loss of the discriminator.",
    "g_loss caption": "Loss of the generator.",
    "d_real_accuracy caption": "Share of real images that the discriminator takes for real.",
    "d_fake_accuracy caption": "Share of generated images that the discriminator takes for generated.",
    "cut": " The axis is cut: {names} beyond it.",
    "goes": "{names} goes",
    "go": "{names} go",
    "clock step": "step",
    "clock seconds": "training time (s)",
    "clock minutes": "training time (min)",
    "still": "{title}. {caption}",
    # Samples.
    "samples note": "Each picture is drawn from the same latents at every moment of its run. A run that ended early "
    "stays at its last picture.",
    "no samples": "No run has drawn samples yet.",
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
    "losses note": "A rank correlation is 1 where the reading puts the runs in the order of their measured quality, "
    "0 where it says nothing of it, and −1 where it puts them in the opposite order.",
    "losses table": "What could be read off the curves, and whether it tells the measured quality",
    "losses none": "Too few runs have finished to hold the losses against the measured quality.",
    "reading": "what is read off",
    "favours": "favours",
    "best measured": "best as measured: {names}",
    "best of groups": "best as measured, of those on the same images",
    "all": "all",
    "none": "none",
    "over runs": "rank correlation over runs",
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
    "fresh seed": "{seed} (fresh)",
    "fresh note": "Runs on fresh seeds had no part in the choice; they say how good the chosen variant is.",
    "state waiting": "waiting",
    "state running": "running, {share}",
    "state stopped": "stopped at {share}",
    "state finished": "finished",
    "state failed": "failed",
    # Method.
    "budget": "Training time",
    "budget text": "{time} over {runs} runs, of which {finished} finished and {failed} failed",
    "wall": "With sampling and measuring",
    "duration": "Duration of a run",
    "measured with": "Feature space",
    "measured against": "Real images",
    "measured against text": "{against} split of {source}; {count} generated images a figure, of the generator "
    "at {checkpoint}",
    "the end": "a run's end",
    "its best": "its best evaluation",
    "versions": "Versions",
    "machine": "Machine",
    "machine text": "{platform}, {processor}, {device}, threads a run: {threads}",
    "tests": "Tests",
    "tests text": "Pairs of variants are compared seed by seed with a paired permutation test, and all p-values are "
    "adjusted by Holm's method; a difference is shown at 0.05. Each figure is an interquartile mean with a 95% "
    "bootstrap interval, corrected for few runs.",
    "reproduce": "To run it again",
    "reproduce file": "Save this as {file}:",
    "unknown": "not known yet",
    "files": "Beside this page",
}
"""Every text of the page, by what it is for; names in braces are filled in."""


def say(key: str, **parts: object) -> str:
    """Returns a text of the page with its parts filled in."""
    return say_of(WORDS, key, **parts)


def capital(text: str) -> str:
    """Returns a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def listed(names: Sequence[str]) -> str:
    """Returns names as a list in a sentence: `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return say("and", all=say("comma").join(names[:-1]), last=names[-1])


def diagnosis(name: str) -> str:
    """Returns how a diagnosis of the watchdog is called."""
    return say(name) if name in WORDS else name.replace("_", " ")


def written(value: float | None, digits: int = 3) -> str:
    """Returns a number as the page writes it; `–` where there is none."""
    return "–" if value is None else number(value, digits)


def which_way(config: StudyConfig) -> str:
    """Returns which figures of the deciding metric are better, as a sentence."""
    return say(config.better, ideal=written(config.ideal))


def span(low: float, high: float) -> str:
    """Returns an interval as the page writes it."""
    return say("from to", low=written(low), high=written(high))


def percent(share: float | None) -> str:
    """Returns a share in percent; `–` where there is none."""
    if share is None or not math.isfinite(share):
        return "–"
    return localised(f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.1f}%")


def chance(p_value: float) -> str:
    """Returns a p-value as the sentences write it, with two digits."""
    return localised(f"{p_value:.2g}")
