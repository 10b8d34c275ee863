"""The commands: call, and print. Their arguments are read in `flags.py`."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich import box
from rich.table import Table

from pocketgan.errors import RunError
from pocketgan.exported import load
from pocketgan.flags import parse, parse_recipe
from pocketgan.language import clock
from pocketgan.layout import Theme
from pocketgan.model_commands import export, push
from pocketgan.picture_commands import interpolate, plot, timelapse, write
from pocketgan.printing import print_json, show
from pocketgan.progress import Progress
from pocketgan.recipes import PARAMETERS, RECIPES
from pocketgan.runs import list_runs
from pocketgan.study_commands import report as study_report
from pocketgan.study_commands import studies, study
from pocketgan.summaries import print_evaluation, print_run
from pocketgan.web_command import ui

RunFolder = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]


# The commands.


def recipes() -> int:
    """What each recipe is, its networks and parameters, its usual duration."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("recipe", "what it is", "generator", "discriminator", "duration", "batch"):
        table.add_column(heading, justify="right" if heading == "batch" else "left", no_wrap=heading == "recipe")
    for name, make in RECIPES.items():
        config, (generator, discriminator) = make(), PARAMETERS[name]
        about = (inspect.getdoc(make) or "").partition("\n")[0]
        table.add_row(
            name,
            about,
            f"{config.network.generator}, {generator:,}",
            f"{config.network.discriminator}, {discriminator:,}",
            config.train.duration,
            str(config.train.batch_size),
        )
    show(table)
    print("Parameters are for MNIST. 'pocketgan train RECIPE' trains one; 'pocketgan summary RECIPE' shows its layers.")
    return 0


def train(arguments: Sequence[str]) -> int:
    """Trains a recipe: `train [RECIPE] [flags] --out DIR`."""
    config, flags = parse_recipe("train", arguments)
    if flags.dry_run:
        print_json(config.model_dump())
        return 0
    from pocketgan.api import finish
    from pocketgan.experiment import run_experiment

    run = run_experiment(config, flags.out, Progress(quiet=flags.quiet))
    finish(run)
    return print_run(run)


def summary(arguments: Sequence[str]) -> int:
    """Layers, output shapes and parameters of a recipe's networks: `summary RECIPE [flags]`."""
    config, _ = parse_recipe("summary", arguments)
    import torch

    from pocketgan.data import load_images
    from pocketgan.experiment import find_facts, settled
    from pocketgan.loading import image_shape
    from pocketgan.networks import build_discriminator, build_generator
    from pocketgan.networks.summary import count, layers_of

    facts = find_facts(load_images(config.data))
    config = settled(config, facts, "cpu")
    shape = image_shape(facts, config.network.conditional)
    generator = build_generator(config.network, shape, config.data.pixels, config.seed)
    discriminator = build_discriminator(config.network, shape, config.seed)
    images = torch.zeros(2, shape.channels, shape.size, shape.size)
    labels = torch.zeros(2, dtype=torch.int64) if shape.classes else None
    inputs = images if config.reads_images else torch.zeros(2, config.network.latent_dim)
    for title, network, given in (("generator", generator, inputs), ("discriminator", discriminator, images)):
        table = Table(
            title=f"{title} ({config.network.model_dump()[title]})", box=box.SIMPLE_HEAD, title_justify="left"
        )
        for heading in ("layer", "kind", "output shape", "parameters"):
            table.add_column(heading, justify="right" if heading == "parameters" else "left")
        for layer in layers_of(network, given, labels):
            table.add_row(layer.name, layer.kind, "×".join(map(str, layer.output)) or "1", f"{layer.parameters:,}")
        show(table)
    made, judged = count(generator), count(discriminator)
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("", "parameters", "trainable", "frozen"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("generator", f"{made:,}", f"{made:,}", "0")
    table.add_row("discriminator", f"{judged:,}", f"{judged:,}", "0")
    table.add_row("combined (the generator's step)", f"{made + judged:,}", f"{made:,}", f"{judged:,}")
    show(table)
    return 0


def resume(
    run: RunFolder,
    duration: str | None = None,
    quiet: bool = False,
) -> int:
    """Goes on with a run exactly where its last checkpoint stands.

    Args:
        run: the run's folder.
        duration: a new, longer duration for the whole run; by default its own.
        quiet: show no progress.
    """
    from pocketgan.api import finish
    from pocketgan.experiment import resume_experiment

    resumed = resume_experiment(run, duration, Progress(quiet=quiet))
    finish(resumed)
    return print_run(resumed)


def generate(
    run: RunFolder,
    count: int = 64,
    seed: int = 0,
    label: str | None = None,
    checkpoint: str = "auto",
    labels: bool = False,
    scale: int | None = None,
    theme: Theme = "dark",
    out: Path | None = None,
) -> int:
    """Generates images from a run's generator, or an exported one.

    Args:
        run: the folder of the run, or of the exported model.
        count: how many images.
        seed: the seed of the noise; the same seed gives the same images.
        label: the class of all of them (conditional runs); by default all classes in turn.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        labels: write the classes' names above a grid (conditional runs).
        scale: pixels a pixel, for any size without blur; by default 2 in a grid, 1 in single pictures.
        theme: of a grid's lines and letters.
        out: grid.png, images.npz, or a folder of single pictures; by default generated.png in the folder of run.
    """
    images = load(run).generate(count, seed=seed, label=label, checkpoint=checkpoint)
    print(images.save(out or run / "generated.png", scale=scale, theme=theme, labels=labels))
    return 0


def translate(
    run: RunFolder,
    split: Literal["test", "train", "validation"] = "test",
    count: int = 16,
    images: tuple[Path, ...] | None = None,
    checkpoint: str = "auto",
    out: Path | None = None,
) -> int:
    """Redraws images with an image-to-image generator: input and output side by side, and each picture.

    Args:
        run: the folder of the run, or of the exported model.
        split: which images of the run's data and classes.
        count: how many of them.
        images: picture files to redraw instead.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        out: the folder for the pictures; by default translated in the folder of run.
    """
    from pocketgan import api

    if images == ():
        raise RunError("images: needs one file at least")
    made = api.translate(run, split=split, count=count, images=images or (), checkpoint=checkpoint)
    print(api.save_translation(made, out or run / "translated"))
    return 0


def evaluate(
    source: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN|FOLDER|FILE.npz")],
    against: str = "auto",
    features: str = "auto",
    count: int | None = None,
    metrics: str = "all",
    checkpoint: str = "auto",
    seed: int = 0,
    json: bool = False,
    out: Path | None = None,
    inception_weights: Path | None = None,
    quiet: bool = False,
) -> int:
    """Measures the generator of a run or an exported model, or the images of any tool, against real ones.

    Args:
        source: the folder of a run or an exported model, a folder of pictures, or an .npz file of images (and labels).
        against: test, train or validation, splits of the run's data (MNIST's for other images), or a path of real
            images (its test split, if it has one); auto is test, or what the run held out where its data has no test.
        features: digits, classifier, random or inception; auto is digits for MNIST, else classifier where the real
            images have labels, else random.
        count: images to compare; by default 10000, or as many as there are.
        metrics: all, or names with commas, such as frechet_distance,recall.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        seed: the seed of a run's noise.
        json: print one JSON object instead of a table.
        out: the folder for a page of figures and the JSON; by default evaluation in a run's folder, else none.
        inception_weights: the file of Inception's weights.
        quiet: show no progress.
    """
    from pocketgan import api

    done, page = api.evaluate(
        source,
        against=against,
        features=features,
        count=count,
        metrics=metrics,
        checkpoint=checkpoint,
        seed=seed,
        out=out,
        inception_weights=inception_weights,
        progress=not quiet,
    )
    if json:
        print_json(done.to_json())
        return 0
    return print_evaluation(done, page)


def runs(folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")] = Path("runs")) -> int:
    """A table of runs: recipe, state, progress, last losses.

    Args:
        folder: where the runs are; by default runs.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("run", "recipe", "seed", "state", "progress", "training time", "D loss", "G loss", "D accuracy"):
        right = "loss" in heading or heading in ("seed", "progress")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    if folder == Path("runs") and not folder.exists():
        print("no runs yet; 'pocketgan train' makes one, in 'runs'")
        return 0
    found, damaged = list_runs(folder)
    for run in found:
        name, seed = str(run.folder), str(run.config.seed)
        try:
            status = run.status()
        except RunError as error:
            damaged.append(str(error))
            continue
        rows = run.stats()
        last = rows[-1] if rows else None
        table.add_row(
            name,
            run.config.recipe,
            seed,
            status.state,
            f"{status.step / run.plan.steps:.0%} of {run.config.train.duration}",
            clock(status.seconds),
            *([f"{last['d_loss']:.3f}", f"{last['g_loss']:.3f}"] if last else ["", ""]),
            f"{last['d_real_accuracy']:.0%} real, {last['d_fake_accuracy']:.0%} generated" if last else "",
        )
    if table.row_count:
        show(table)
    elif not damaged:
        print(f"no runs in '{folder}'; 'pocketgan train' makes one")
    for line in damaged:
        print(f"damaged: {line.removeprefix('run: ')}")
    return 0


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Runs the command called `name` with its arguments; returns its exit code.

    Raises:
        PocketganError: what was asked can't be done, or failed.
    """
    with_recipe = {"train": train, "summary": summary}
    if name in with_recipe:
        return with_recipe[name](arguments)
    plain = {
        "recipes": recipes,
        "resume": resume,
        "generate": generate,
        "interpolate": interpolate,
        "write": write,
        "timelapse": timelapse,
        "plot": plot,
        "evaluate": evaluate,
        "translate": translate,
        "export": export,
        "push": push,
        "runs": runs,
        "studies": studies,
        "study": study,
        "report": study_report,
        "ui": ui,
    }
    return parse(plain[name], f"pocketgan {name}", arguments)
