"""Lines that a recorded run shows, in the current language."""

from pocketgan.base.language import Text, say

RECORDING: dict[str, Text] = {
    "recording": "{name}: {images} images of {source} to train on -> {folder}",
    "feeds itself": "the training loop reads its own images, which may include the validation images",
    "feeds itself, mend": (
        "the training loop reads its own images, which may include the validation images; run.training_data() returns "
        "the images to train on"
    ),
    "probabilities": ("all logits so far are from 0 to 1; if they are probabilities, call record with boundary=0.5"),
    "half a range": (
        "no value of the generated images is below 0; if they are from 0 to 1, call record with pixel_range='0:1'"
    ),
}
"""All lines of a recorded run."""


def fed_itself() -> str:
    """Returns the line about a loop that reads its own images."""
    return line("feeds itself")


def line(key: str, **parts: object) -> str:
    """Returns one of `RECORDING` with its parts filled in."""
    return say(RECORDING, key, **parts)
