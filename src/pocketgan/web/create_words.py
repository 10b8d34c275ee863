"""Every text of the places *Create* and *Redraw*, and of pictures that are sent to them, by its key."""

from babel.numbers import format_decimal

from pocketgan.base.language import Text, locale_of, spoken
from pocketgan.base.language import say as say_of
from pocketgan.web.words import WORDS

CREATING: dict[str, Text] = {
    "worker died": "The process that draws ended unexpectedly. It starts again with the next thing you ask for.",
    "worker late": "That took too long and was given up. Ask again, or for less.",
    "model": "Run or exported model",
    "no noise models": "There is no run here yet that draws from noise. Start one under {train}.",
    "no redraw models": "There is no run here yet that redraws pictures. Start one under {train}, with the recipe "
    "‘white-background’.",
    "no model": "Choose a run or an exported model.",
    "no weights": "‘{name}’ has no checkpoint yet. Its first one comes after some training.",
    "refused": "That can't be done.",
    "reads images": "‘{name}’ redraws pictures and draws none of its own. You find it under {redraw}.",
    "reads noise": "‘{name}’ draws from noise and redraws nothing. You find it under {create}.",
    "digit": "Digit",
    "class": "Class",
    "all in turn": "all in turn",
    "unknown class": "‘{name}’ has no class ‘{label}’.",
    "count": "Pictures",
    "seed": "Seed",
    "seed help": "The same seed gives the same pictures.",
    "another seed": "Another seed",
    "truncation": "Truncation",
    "truncation help": "Latents are multiplied by this: 1 for all the variety, less for pictures that are more alike.",
    "number": "{what}: a whole number from {least} to {most} would do.",
    "share": "{what}: a number from 0 to 1 would do.",
    "step": "Directions: steps from −{most} to {most} would do.",
    "directions": "Strongest directions",
    "directions help": "Each slider moves all pictures along one direction of the latent space, in standard "
    "deviations; the first one changes them most.",
    "direction": "Direction {number}",
    "back to the middle": "All to the middle",
    "pictures": ("{count} picture", "{count} pictures"),
    "keys": "Arrow keys move between pictures; Enter looks at one.",
    "picture": "Picture {number}",
    "picture of": "Picture {number}: {label}",
    "choose a picture": "Click on a picture to see its nearest training images, its latent, and what the "
    "discriminator and the classifier make of it.",
    "the picture": "Picture {number} of seed {seed}",
    "asked for": "Asked for",
    "weights of": "Weights",
    "at step": "of step {step}",
    "discriminator": "Discriminator",
    "discriminator probability": "{share} that it is real",
    "discriminator against": "{share} that it is real rather than a training image; 50% is undecided",
    "discriminator rank": "finds it more real than {share} of the training images",
    "discriminator exported": "not known: an exported model has none",
    "discriminator unknown": "not known without the training images",
    "classifier": "Classifier",
    "classifier opinion": "{label}, with {share}",
    "classifier unknown": "there is one for MNIST's digits only",
    "percent": "{number}%",
    "nearest": "Nearest training images",
    "nearest away": "Nearest training image: {distance} grey levels away (of 255).",
    "nearest typical": "Real images like it are typically {distance} from theirs.",
    "nearest copy": "99 of 100 real images are farther from theirs than this picture is: it may be a copy.",
    "nearest number": "Training image {number}",
    "no nearest": "The training images aren't here, or not the same any more, so there are no nearest ones.",
    "latent": ("Latent: {count} number", "Latent: {count} numbers"),
    "copy": "Copy",
    "copied": "Copied",
    "download png": "Download PNG",
    "download gif": "Download GIF",
    "download npz": "Download npz",
    "download latent": "Latent as npz",
    "walk": "Walk between two pictures",
    "walk help": "Click on two pictures, one after the other.",
    "walk chosen": "From picture {first} of seed {first_seed} to picture {second} of seed {second_seed}.",
    "walk go": "Show the walk",
    "walk alt": "Film: picture {first} becomes picture {second}, and goes back",
    "walk second": "Now click on another one.",
    "walk two first": "Two pictures are needed: click on another one.",
    "along go": "Show where the directions lead",
    "along": "Each row is a direction, with this picture in its middle",
    "write": "Write a number",
    "write text": "Number",
    "write go": "Write",
    "write alt": "{text} in generated digits",
    "write empty": "Type what is to be written: {known}.",
    "write long": "{most} characters are the most.",
    "write unknown": "‘{character}’ can't be written; it knows {known}.",
    "write cannot": "‘{name}’ can't write: its classes have no names of one character, or it isn't told classes.",
    "write missing": "Among {count} pictures of this seed the classifier finds no picture for one of the characters. "
    "Another seed or longer training may bring one.",
    "write found": (
        "Chosen by the classifier out of {count} picture.",
        "Chosen by the classifier out of {count} pictures.",
    ),
    "disk": "The file couldn't be written; the disk may be full.",
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
    "output": "Redrawn",
    "redraw nothing": "Draw a digit, open a picture, or take a test image.",
    "redraw alt input": "What the generator reads, {side}×{side} pixels",
    "redraw alt output": "What it makes of it, {side}×{side} pixels",
    "no test images": "The test images of ‘{name}’ aren't here, or it has none.",
    "nothing drawn": "There is nothing drawn: the picture is of one brightness.",
    "upload bytes": "That file is too large: {most} MB are the most.",
    "upload size": "That picture is too large: {width}×{height} pixels, and {most} million are the most.",
    "upload bomb": "That picture is too large to be opened.",
    "upload damaged": "That is no PNG, JPEG or GIF picture, or it is damaged.",
    "upload gone": "That file isn't there any more; open it again.",
}
"""Every text here; `train`, `create` and `redraw` in braces are the names of those places."""
PLACES = ("train", "create", "redraw")


def say(key: str, **parts: object) -> str:
    """Returns one of `CREATING` in the language that is spoken, with its parts filled in."""
    text = CREATING[key]
    places = {place: say_of(WORDS, place) for place in PLACES if f"{{{place}}}" in text}
    return say_of(CREATING, key, **parts, **places)


def percent(share: float) -> str:
    """Returns a share in per cent, with one decimal: `43.2%`, or as the language writes it."""
    return say("percent", number=decimal(100 * share))


def decimal(number: float) -> str:
    """Returns a number with one decimal, as the language writes it."""
    return format_decimal(number, "#,##0.0", locale=locale_of(spoken()))
