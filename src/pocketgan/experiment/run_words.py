"""Lines that a run shows while it trains, in the current language; `events.jsonl` stores only keys and numbers."""

from pocketgan.base.language import Text, localised, say

LINES: dict[str, Text] = {
    "training": "{recipe}: {images} images of {source}, {steps} steps -> {folder}",
    "continuing": "{folder}: continuing from step {step} of {steps}",
    "not evaluated": "the run is not evaluated as it trains: {why}",
    "other device": (
        "{folder} was trained on '{old}', which isn't available; it continues on '{new}', so its results aren't "
        "bit-identical from here on"
    ),
    "idle": "{setting} has no effect with {others}",
    "long warmup": (
        "the warm-up takes {warmup} steps and the training {steps}, so the learning rate never reaches its full value"
    ),
    "no validation set": "--validation {value} would hold out fewer than {least} images, so there is no validation set",
    "schedule": "the {schedule} schedule of the learning rate now spans {steps} steps",
    "plan": "{steps} steps, planned for {duration} at {speed} steps/s",
    "measuring speed": "measuring the speed, for {seconds} s at most",
    "fewer threads at first": "other programs use the processor, so training begins with {count} of {most} threads",
    "fewer threads": "step {step}: other programs use the processor; {count} of {most} threads from here on",
    "more threads": "step {step}: the processor is free again; {count} of {most} threads from here on",
    "other speed": (
        "step {step}: {share} of the planned speed, so training will take about {time} instead of {planned}"
    ),
    "other speed, replan": (
        "step {step}: {share} of the planned speed, so training will take about {time} instead of {planned}; add "
        "--replan to plan again"
    ),
    "other plan": (
        "step {step}: {speed} steps/s where {planned} were planned; {steps} steps now instead of {old_steps}"
    ),
    "data": "{count} images of {size} pixels {colors}, values from {low} to {high}",
    "data classes": "; {count} classes: {classes}",
    "data as it is": "the images are used as they are",
    "in gray": "in gray",
    "in color": "in color",
    "one color": "images of a single color: {count}",
    "look splits": "split into {train} for training, {validation} for validation, {test} for the test",
    "look classes": "{count} classes: {classes}",
    "look one class": "one class: {classes}",
    "look uneven": "the classes are very uneven; --balance draws all of them equally often",
    "look equal": "images that equal another one: {count} (across splits: {across})",
    "look near": "pairs of nearly equal images: {count} (across splits: {across})",
    "look speed": "'{recipe}' trains on about {speed} images/s here: an epoch takes {time}",
    "look no speed": "'{recipe}' can't be trained on them: {why}",
    "watched alone": (
        "there is no discriminator, so the watchdog can't check for one that is too strong or overfits; it checks all "
        "else"
    ),
    "few held out": (
        "only {count} images are held out: the watchdog sees an overfitting discriminator and copies only where they "
        "are clear, and the Fréchet distance compares with training images"
    ),
    "abandoned": "what came after step {step} is in {folder}",
}
"""All lines."""


def line(key: str, **parts: object) -> str:
    """Returns one of `LINES` with its parts filled in."""
    return say(LINES, key, **parts)


def tenths(value: float) -> str:
    """Returns a number with one decimal place."""
    return localised(f"{value:,.1f}")
