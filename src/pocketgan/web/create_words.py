"""Texts of the *Create* and *Translate* tabs, and of uploaded pictures, by key."""

from babel.numbers import format_decimal

from pocketgan.base.language import Text, locale_of, spoken
from pocketgan.base.language import say as say_of
from pocketgan.web.words import WORDS

CREATING: dict[str, Text] = {
    "worker died": "The process that generates images stopped unexpectedly. It starts again with your next request.",
    "worker busy": "Requests before this one have taken more than a minute. Try again soon.",
    "worker late": "This took longer than two minutes and was stopped. Try again with fewer pictures.",
    "model": "Run or exported model",
    "no noise models": "There is no run here yet that generates from noise. Start one under {train}.",
    "no redraw models": "There is no run here yet that translates images. Start one under {train}, with the recipe "
    "‘translator’.",
    "no model": "Choose a run or an exported model.",
    "no weights": "‘{name}’ has no checkpoint yet. The first one is saved after some training.",
    "refused": "That can't be done.",
    "reads images": "‘{name}’ translates images and doesn't generate from noise. Find it under {redraw}.",
    "reads noise": "‘{name}’ generates from noise and doesn't translate images. Find it under {create}.",
    "digit": "Digit",
    "class": "Class",
    "as in training": "as in the training images",
    "values": "Values",
    "mixture help": "Choose one, or type a mixture: {example}",
    "all in turn": "all in turn",
    "unknown class": "‘{name}’ has no class ‘{label}’.",
    "count": "Pictures",
    "seed": "Seed",
    "seed help": "The same seed gives the same pictures.",
    "another seed": "Another seed",
    "truncation": "Latent scaling",
    "truncation help": "Latents are multiplied by this number: 1 for full variety, less for pictures that are "
    "more alike.",
    "number": "{what}: must be a whole number from {least} to {most}.",
    "share": "{what}: must be a number from 0 to 1.",
    "step": "Directions: must be steps from −{most} to {most}.",
    "directions": "Strongest directions",
    "directions help": "Each slider moves all pictures along one latent direction, in standard "
    "deviations; the first one changes them most.",
    "direction": "Direction {number}",
    "back to the middle": "Reset all",
    "pictures": ("{count} picture", "{count} pictures"),
    "keys": "Arrow keys move between pictures; Enter opens one.",
    "picture": "Picture {number}",
    "picture of": "Picture {number}: {label}",
    "choose a picture": "Click on a picture to see its nearest training images, its latent, and its scores by the "
    "discriminator and the classifier.",
    "the picture": "Picture {number} of seed {seed}",
    "asked for": "Requested class",
    "weights of": "Weights",
    "at step": "of step {step}",
    "discriminator": "Discriminator",
    "discriminator probability": "{share} that it is real",
    "discriminator against": "{share} that it is real rather than a training image; 50% is undecided",
    "discriminator rank": "scores it higher than {share} of the training images",
    "discriminator exported": "not known: an exported model has none",
    "discriminator unknown": "not known without the training images",
    "classifier": "Classifier",
    "classifier opinion": "{label}, with {share}",
    "classifier unknown": "available for MNIST's digits only",
    "percent": "{number}%",
    "nearest": "Nearest training images",
    "nearest away": "Nearest training image: {distance} gray levels away (of 255).",
    "nearest typical": "Real images of its class are typically {distance} from theirs.",
    "nearest copy": "99 of 100 real images are farther from their nearest training image than this picture: it "
    "may be a copy.",
    "nearest number": "Training image {number}",
    "no nearest": "The nearest training images can't be shown: they are outside this folder, missing, or changed.",
    "latent": ("Latent: {count} number", "Latent: {count} numbers"),
    "copy": "Copy",
    "copied": "Copied",
    "download png": "Download PNG",
    "download gif": "Download GIF",
    "download npz": "Download npz",
    "download latent": "Latent as npz",
    "walk": "Interpolate between two pictures",
    "walk help": "Click on two pictures, one after the other.",
    "walk chosen": "From picture {first} of seed {first_seed} to picture {second} of seed {second_seed}.",
    "walk go": "Show the interpolation",
    "walk alt": "Animation: picture {first} turns into picture {second} and back",
    "walk second": "Now click on another one.",
    "walk two first": "Two pictures are needed; click on another one.",
    "along go": "Show the directions",
    "along": "Each row is one direction, with this picture in the middle",
    "write": "Write a number",
    "write text": "Number",
    "write go": "Write",
    "write alt": "{text} in generated digits",
    "write empty": "Type what to write: {known}.",
    "write long": "At most {most} characters.",
    "write unknown": "‘{character}’ can't be written; possible characters: {known}.",
    "write cannot": "‘{name}’ can't write: its classes have no one-character names, or it isn't class-conditional.",
    "write missing": "The classifier finds no picture for one of the characters among {count} pictures of this seed. "
    "Try another seed or longer training.",
    "write found": (
        "Selected by the classifier from {count} picture.",
        "Selected by the classifier from {count} pictures.",
    ),
    "disk": "The file could not be written; the disk may be full.",
    "draw here": "Draw here",
    "draw keys": "Draw with the mouse, a pen or a finger. By keyboard: arrows move the pen, Space puts it down or "
    "lifts it, Delete clears.",
    "clear": "Clear",
    "pen down": "pen down",
    "pen up": "pen up",
    "open a picture": "Open a picture",
    "drop": "A picture can also be dropped on the drawing area.",
    "test image": "Take a test image",
    "test number": "Number of the test image",
    "test go": "Take it",
    "input": "Input",
    "output": "Output",
    "redraw nothing": "Draw a digit, open a picture, or take a test image.",
    "redraw alt input": "What the generator reads, {side}×{side} pixels",
    "redraw alt output": "What the generator returns, {side}×{side} pixels",
    "redraw alt class": "The same in the class ‘{label}’",
    "no test images": "The test images of ‘{name}’ can't be found.",
    "nothing drawn": "The picture is empty: all its pixels have the same brightness.",
    "upload bytes": "This file is too large; at most {most} MB.",
    "upload size": "This picture is too large: {width}×{height} pixels; at most {most} million.",
    "upload bomb": "This picture is too large to open.",
    "upload damaged": "This isn't a PNG, JPEG or GIF picture, or it is damaged.",
    "upload gone": "This file doesn't exist any more; open it again.",
}
"""All texts of these tabs; `train`, `create` and `redraw` in braces are the names of tabs."""
PLACES = ("train", "create", "redraw")


def say(key: str, **parts: object) -> str:
    """Returns a text of `CREATING` in the current language, with its parts filled in."""
    text = CREATING[key]
    places = {place: say_of(WORDS, place) for place in PLACES if f"{{{place}}}" in text}
    return say_of(CREATING, key, **parts, **places)


def percent(share: float) -> str:
    """Returns a fraction in percent with one decimal, `43.2%`, in the format of the current language."""
    return say("percent", number=decimal(100 * share))


def decimal(number: float) -> str:
    """Returns a number with one decimal, in the format of the current language."""
    return format_decimal(number, "#,##0.0", locale=locale_of(spoken()))
