"""The commands of training, generating and evaluating: call, and print. Their arguments are read in `flags.py`."""

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import tyro

from pocketgan.base.printing import print_json
from pocketgan.base.progress import Progress, work, working
from pocketgan.cli.flags import Flags, Shown, known_flags, parse, parse_recipe
from pocketgan.cli.help_text import Entry, entries_of, entries_of_recipe, help_of, help_of_recipe
from pocketgan.cli.own_code import take_code
from pocketgan.config.recipes import RECIPES
from pocketgan.images.montage import Theme
from pocketgan.runs.listing import chosen

RunFolder = Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN]")]
HOMES = {
    **dict.fromkeys(("recipes", "summary", "runs"), "listing_commands"),
    **dict.fromkeys(("interpolate", "write", "timelapse", "plot"), "picture_commands"),
    **dict.fromkeys(("export", "push"), "model_commands"),
    **dict.fromkeys(("studies", "study", "report"), "study_commands"),
    "log": "tracker_commands",
    "race": "race_command",
    "check": "check_command",
    "look": "look_command",
    "ui": "web_command",
}
"""The module of each command that isn't here."""


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Runs the command called `name` with its arguments; returns its exit code.

    Raises:
        PocketganError: what was asked can't be done, or failed.
    """
    arguments = take_code(name, arguments)
    function = find(name)
    return function(arguments) if name in ("train", "summary") else parse(function, f"pocketgan {name}", arguments)


def show_help(name: str, arguments: Sequence[str], *, everything: bool) -> int:
    """Prints the help of a command; `train` and `summary` have a short one, and one with every setting."""
    if name in ("train", "summary"):
        words = [word for word in arguments if word in RECIPES]
        print(help_of_recipe(name, words[0] if words else None, everything=everything))
    else:
        print(help_of(name, find(name)))
    return 0


def find(name: str) -> Callable[..., int]:
    """Returns the function of a command; only its own module is imported, so that it starts at once."""
    if name in HOMES:
        return getattr(import_module(f"pocketgan.cli.{HOMES[name]}"), name)
    return {"train": train, "resume": resume, "generate": generate, "translate": translate, "evaluate": evaluate}[name]


def flags_of(name: str) -> list[str]:
    """Returns the fields that a command has a flag for; none for what is no command."""
    if name in ("train", "summary"):
        return known_flags(Flags if name == "train" else Shown)
    try:
        return known_flags(find(name))
    except KeyError:
        return []


def entries_of_command(name: str) -> list[Entry]:
    """Returns all flags of a command as entries of its help."""
    return entries_of_recipe(name) if name in ("train", "summary") else entries_of(name, find(name))[1]


def train(arguments: Sequence[str]) -> int:
    """Trains a recipe: `train [RECIPE] [flags] --out DIR`."""
    started = time.monotonic()
    config, flags = parse_recipe("train", arguments)
    if flags.dry_run:
        print_json(config.model_dump())
        return 0
    progress = Progress(quiet=flags.quiet)
    from pocketgan.api.trainings import finish
    from pocketgan.cli.tables import print_run
    from pocketgan.experiment.experiment import run_experiment

    run = run_experiment(config, flags.out, progress)
    finish(run)
    return print_run(run, time.monotonic() - started)


def resume(
    run: RunFolder = None,
    duration: str | None = None,
    changed_code: bool = False,
    quiet: bool = False,
) -> int:
    """Continue a run from its last checkpoint.

    Args:
        run: the run, by its folder or its name in runs; by default the newest one.
        duration: a new, longer duration of the whole run; by default its own.
        changed_code: continue although your own code has changed since the run began; the run records it.
        quiet: show no progress.
    """
    folder, progress = chosen(run), Progress(quiet=quiet)
    from pocketgan.api.trainings import go_on
    from pocketgan.cli.tables import print_done, print_run

    resumed, further = go_on(folder, duration, progress, changed_code=changed_code)
    return print_run(resumed) if further else print_done(resumed)


def generate(
    run: RunFolder = None,
    count: int | None = None,
    seed: int = 0,
    label: str | None = None,
    truncation: float | None = None,
    latents: Path | None = None,
    checkpoint: str = "auto",
    labels: bool = False,
    scale: int | None = None,
    theme: Theme = "dark",
    out: Path | None = None,
) -> int:
    """Generate images with the generator of a run or an exported model.

    Args:
        run: the run or the exported model, by its folder or its name in runs or models; by default the newest run.
        count: number of images; by default 64, or as many as there are latents.
        seed: seed of the noise; the same seed gives the same images.
        label: the class of all images (conditional runs), or a mixture such as 3:0.7,8:0.3; by default all in turn, or
            the numbers of training images.
        truncation: cut the noise off at this distance from zero, such as 0.7: less variety, often better images.
        latents: an .npy file of latents (N × their length), or an .npz file with an array latents, instead of noise.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        labels: write the classes' names above a grid (conditional runs).
        scale: enlarge each pixel this many times, without blur; by default 2 in a grid, 1 in single pictures.
        theme: colors of a grid's lines and letters.
        out: grid.png or .jpg, images.npz, or a folder of single pictures; by default generated.png in the run's folder.
    """
    folder = chosen(run, reads_images=False)
    with working(work("generating", folder=folder)):
        from pocketgan.runs.exported import load
        from pocketgan.runs.latents import read_latents

        z = None if latents is None else read_latents(latents)
        options = {"label": label, "checkpoint": checkpoint, "latents": z, "truncation": truncation}
        images = load(folder).generate(count, seed=seed, **options)
        path = images.save(out or folder / "generated.png", scale=scale, theme=theme, labels=labels)
    print(path)
    return 0


def translate(
    run: RunFolder = None,
    split: Literal["test", "train", "validation"] = "test",
    count: int = 16,
    images: tuple[Path, ...] | None = None,
    photo: bool = False,
    label: str | None = None,
    checkpoint: str = "auto",
    out: Path | None = None,
) -> int:
    """Translate images with an image-to-image generator; saves inputs beside outputs, and each output, or arrays.

    Args:
        run: the run or the exported model, by its folder or its name in runs or models; by default the newest
            image-to-image run.
        split: which split of the run's data to take images from.
        count: number of images.
        images: picture files, or folders of them, to translate instead.
        photo: these are photos of a handwritten digit each; bring them to MNIST's format first.
        label: the class to make of every image (class-translator), or a mixture such as 3:0.7,8:0.3; by default every
            class of each image.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        out: the folder for the pictures; by default translated in the run's folder. Or a file such as pairs.npz, for
            the arrays inputs, images (the outputs), and labels, requested and targets where they are known.
    """
    folder = chosen(run, reads_images=True)
    with working(work("translating", folder=folder)):
        from pocketgan import api

        chosen_images = {"split": split, "count": count, "images": images, "photo": photo, "label": label}
        translation = api.translate(folder, **chosen_images, checkpoint=checkpoint)
        path = translation.save(out or folder / "translated")
    for note in translation.notes:
        print(note)
    print(path)
    return 0


def evaluate(
    source: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN|FOLDER|FILE]")] = None,
    against: str = "auto",
    features: str = "auto",
    count: int | None = None,
    metrics: str = "all",
    checkpoint: str = "auto",
    seed: int = 0,
    json: bool = False,
    out: Path | None = None,
    inception_weights: Path | None = None,
    replace: bool = False,
    latent_dim: int | None = None,
    pixel_range: str | None = None,
    baseline_run: Path | None = None,
    quiet: bool = False,
) -> int:
    """Measure the images of a run, an exported model or any other tool against real ones.

    Args:
        source: a run or an exported model, by its folder or its name in runs or models; a folder of pictures, or an
            .npz file of images (and labels), or the .onnx file of a generator; by default the newest run.
        against: test, train or validation, splits of the run's data (MNIST's for other images), or a path of real
            images (its test split, if it has one); auto is test, or the validation set where there is no test split.
        features: digits, stacked, classifier, self-supervised, random or inception; auto is digits for MNIST, stacked
            for Stacked MNIST, classifier for other real images with labels, otherwise random.
        count: number of images to compare; by default 10000, or all if there are fewer.
        metrics: all, or names separated by commas, such as frechet_distance,recall.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        seed: seed of the noise.
        json: print one JSON object instead of a table.
        out: folder for the HTML report and the JSON file; by default evaluation in the folder of a run or model,
            otherwise none.
        inception_weights: file of Inception's weights.
        replace: replace the evaluation in a run's folder, even one that is larger, has metrics that this one lacks, or
            was measured otherwise.
        latent_dim: length of the latents of an .onnx file that doesn't say it.
        pixel_range: range of the values in files, or that an .onnx file returns: -1:1, 0:1 or 0:255.
        baseline_run: image-to-image: another run with the same pairs to compare with, such as plain regression
            (trained with --adversarial-weight 0); its folder or its name in runs.
        quiet: show no progress.
    """
    chosen_source = chosen(source)
    from pocketgan import api
    from pocketgan.cli.tables import print_evaluation

    done = api.evaluate(
        chosen_source,
        against=against,
        features=features,
        count=count,
        metrics=metrics,
        checkpoint=checkpoint,
        seed=seed,
        out=out,
        inception_weights=inception_weights,
        replace=replace,
        latent_dim=latent_dim,
        pixel_range=pixel_range,
        baseline_run=None if baseline_run is None else chosen(baseline_run, reads_images=True),
        progress=not quiet,
    )
    if quiet:  # Not progress, but what was done to the images, and why a folder stays as it was.
        for note in (*done.notes, *filter(None, [done.unsaved])):
            Progress().say(note)
    failed = out is not None and done.unsaved is not None
    if json:
        print_json(done.to_json())
        return int(failed)
    return print_evaluation(done) or int(failed)
