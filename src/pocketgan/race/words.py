"""Texts of a race's table and page, by key."""

from pocketgan.base.language import Text
from pocketgan.base.language import say as say_of

RACE: dict[str, Text] = {
    # The table.
    "duration": "training",
    "entrant": "entrant",
    "sampler": "sampler",
    "runs": "runs",
    "times baseline": "× baseline",
    "second distance": "× baseline, {space}",
    "class accuracy": "class accuracy",
    "recall": "recall",
    "authenticity": "authenticity",
    "speed": "images/s",
    "parameters": "parameters",
    "memory": "memory",
    "images seen": "images seen",
    "failed": "failed",
    # The answer.
    "use": "{duration}: use {name} (× baseline {ratio}).",
    "shown better": "Shown better than {others}.",
    "not shown": "No difference from {others} is shown.",
    "too few seeds": (
        "{count} seed per entrant shows no difference, however large; the order may be luck.",
        "{count} seeds per entrant show no difference, however large; the order may be luck.",
    ),
    "second differs": "In the feature space {space}, {name} is better: × baseline {ratio} against {own}.",
    "second agrees": "It is also the best in the feature space {space}.",
    "missing runs": ("{count} run is missing.", "{count} runs are missing."),
    "page": "page: {file}",
    "planned": "{runs} runs, {time} of training in all, without sampling and measuring",
    "go on": "continue with: {command}",
    # The page.
    "title": "What to use for how long: {data}",
    "about": (
        "Every entrant trains for the same time on {count} CPU thread, and {images} of its images are compared with "
        "the same real images ({split}).",
        "Every entrant trains for the same time on {count} CPU threads, and {images} of its images are compared with "
        "the same real images ({split}).",
    ),
    "wall": "Time is real time.",
    "cpu": "Time is the processor's own time per thread, which other programs on the machine falsify less.",
    "chart": "Quality after each training time",
    "chart x": "training time in seconds",
    "chart y": "Fréchet distance × baseline, lower is better",
    "chart note": (
        "Each point is the interquartile mean over the seeds; bands are 95% intervals. 1 is the baseline, the distance "
        "of as many real images. Feature space: {space}."
    ),
    "second chart": "The same in a second feature space",
    "results": "Results",
    "results note": (
        "FD is the Fréchet distance; × baseline divides it by that of as many real images (lower is better, 1 is like "
        "real images). Class accuracy and recall: higher is better. Authenticity is best near that of real images, "
        "{real}. Memory is the peak of the training process, with Python, PyTorch and the images. A sampler in "
        "brackets uses the same training as the row above it."
    ),
    "verdicts": "Verdicts",
    "verdict note": "Each study compares every entrant with {name} on the same seeds; p-values are corrected (Holm).",
    "report": "report of {duration}",
}
"""All texts."""


def say(key: str, **parts: object) -> str:
    """Returns one of the texts in the current language."""
    return say_of(RACE, key, **parts)
