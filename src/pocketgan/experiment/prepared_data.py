"""A run's data before training: read, described in two lines, and shown as a contact sheet."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch

from pocketgan.base.errors import ConfigError, DataError
from pocketgan.base.messages import problem, stored
from pocketgan.base.progress import Progress
from pocketgan.config.data_section import PACKAGED, DataConfig
from pocketgan.config.idle import idle_settings
from pocketgan.config.places import located
from pocketgan.config.plan import Plan
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.run_words import line
from pocketgan.images.batches import Batches
from pocketgan.images.grids import grid, save_picture
from pocketgan.images.intake.cache import LEAST
from pocketgan.images.intake.decoding import Report
from pocketgan.images.intake.read import Shown, silent
from pocketgan.images.sets import MANY, ImageSet, load_images
from pocketgan.images.splitting import LEAST_VALIDATION, validation_count
from pocketgan.runs.model import located as model_place
from pocketgan.runs.records import DataFacts
from pocketgan.training.adaptive import Strength, allows_flips

MEASURED = 10_000
"""Maximum number of images whose spread is measured."""
MNIST_SPREAD = 424.0
"""The spread of MNIST, for which penalties have the weight 1."""
LEAST_PENALTY = 0.01
PACKAGED_IMAGES = 60_000
"""Number of training images of MNIST and of Stacked MNIST."""
FOLDS = 5
"""Number of parts of a small data set, each of which can be the validation set."""
SHEET = "data.png"
SHOWN, ACROSS = 100, 10
"""Number of images on a contact sheet, and in a row of it."""
ROWS = 200
"""Number of training images whose conditions a run stores."""
NAMED = 8
"""Maximum number of classes whose counts are listed in a line."""


def prepare_images(config: RunConfig, progress: Progress) -> tuple[RunConfig, ImageSet]:
    """Returns the training images, and the configuration with absolute paths and with the fold that is held out.

    Args:
        config: the configuration.
        progress: shows the progress of reading many pictures.

    Raises:
        DataError: the data can't be read.
        ConfigError: the networks or the objective can't use what the data says about its images.
    """
    train = config.train
    if train.initial_run != "none":
        train = train.model_copy(update={"initial_run": str(model_place(train.initial_run).absolute())})
    config = config.model_copy(update={"data": located(config.data), "train": train})
    data = config.data
    check_packaged(data)
    images = load_images(data.model_copy(update={"fold": 0}), shown=showing(progress))
    if data.condition != "none" and not config.network.conditional:
        raise ConfigError("condition unused", field="condition", file=data.condition)
    if data.balance and images.labels is None:
        raise ConfigError("balance without classes", field="balance", source=images.source)
    if images.conditions is not None and config.network.conditional and not config.has_discriminator:
        raise ConfigError("classes only", field="objective", name=config.objective.objective)
    if images.conditions is not None and config.changes_class:
        raise ConfigError("classes alone", field="condition")
    if train.augment == "auto":
        held_out_batches(config, "cpu")  # Is there a validation set?
    if fold := fold_of(config, len(images)):
        images = load_images(data.model_copy(update={"fold": fold}))
    return config.model_copy(update={"data": data.model_copy(update={"fold": fold})}), images


def check_packaged(data: DataConfig) -> None:
    """Checks that no setting says how the data in the package should be read, since it is read as it is.

    Raises:
        ConfigError: one does.
    """
    if data.data not in PACKAGED:
        return
    colored = data.data != "mnist" or data.task == "colorize"
    usual = {"size": ("auto", 28), "color": ("auto", "rgb" if colored else "gray")}
    usual |= dict.fromkeys(("value_range", "channels_at", "orientation", "labels"), ("auto",))
    usual |= {name: (DataConfig.model_fields[name].default,) for name in ("fit", "background", "skip_damaged")}
    for name, values in usual.items():
        if getattr(data, name) not in values:
            colors = line("in gray" if data.data == "mnist" else "in color")
            raise ConfigError("packaged as it is", field=name, data=data.data, size="28×28", colors=colors)


def fold_of(config: RunConfig, images: int) -> int:
    """Returns the fold of a run's data that is held out: of few images of one's own, the seed decides.

    Args:
        config: the run's configuration.
        images: the number of training images.
    """
    data = config.data
    if data.fold != "auto":
        return data.fold
    by_content = data.validation_split in ("auto", "content") and data.data not in PACKAGED
    return config.seed % FOLDS if by_content and data.validation and images < MANY else 0


def feed(images: ImageSet, config: RunConfig, device: str, strength: Strength | None = None) -> Batches:
    """Returns the batches of a run's training images, with those of its validation set for adaptive augmentation.

    Args:
        images: the training images.
        config: the run's configuration.
        device: where the batches go.
        strength: of adaptive augmentation, which learns whether images may be mirrored; None without it.

    Raises:
        ConfigError: adaptive augmentation has no validation set.
    """

    batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=config.seed, device=device)
    if strength is not None:
        batches.held_out = held_out_batches(config, device)
        strength.flips = allows_flips(images.desired.images)
    return batches


def held_out_batches(config: RunConfig, device: str) -> Batches:
    """Returns batches of a run's validation set.

    Raises:
        ConfigError: there is none, which adaptive augmentation needs.
    """
    try:
        images = load_images(config.data, "validation")
    except DataError:
        raise ConfigError("augment without validation", field="augment") from None
    return Batches(images, config.data, batch_size=config.train.batch_size, seed=config.seed, device=device)


def showing(progress: Progress) -> Shown:
    """Returns what shows that many pictures are read."""

    def shown(count: int) -> AbstractContextManager[Report]:
        if count < LEAST:
            return silent(count)
        return progress.task(problem("reading pictures", count=count))

    return shown


def find_facts(images: ImageSet, *, digest: bool = True) -> DataFacts:
    """Returns the facts about its data that a run stores; the digest takes a second for many images."""
    return DataFacts(
        source=images.source,
        images=len(images),
        channels=images.images.shape[1],
        size=images.images.shape[2],
        class_names=images.class_names,
        class_counts=images.class_counts(),
        digest=images.digest() if digest else "",
        prepared=tuple(stored(note) for note in images.notes),
        spread=spread_of(images),
        **facts_of_conditions(images),
    )


def spread_of(images: ImageSet) -> float:
    """Returns the mean squared distance of two images, with pixels from −1 to 1: twice the sum of their variances."""
    pixels = images.images[:MEASURED].flatten(1).float() / 127.5 - 1
    return round(2 * pixels.var(dim=0, correction=0).sum().item(), 4)


def penalty_weight(weight: float | str, facts: DataFacts) -> float:
    """Returns the weight γ of a gradient penalty; `auto` is 1 for MNIST, and follows the spread of other data.

    A discriminator that tells two images at a distance d apart has a gradient of about 1/d, so the penalty, the squared
    gradient, is as strong for all data if γ grows with d².
    """
    if not isinstance(weight, str):
        return weight
    if facts.source == "mnist":
        return 1.0
    return float(f"{max(facts.spread / MNIST_SPREAD, LEAST_PENALTY):.2g}")


def idle_lines(config: RunConfig, plan: Plan) -> list[str]:
    """Returns a line for each setting that was changed and has no effect in a run that begins."""
    lines = [
        line("idle", setting=f"--{name.replace('_', '-')}", others=others) for name, others in idle_settings(config)
    ]
    data = config.data
    whole = data.data in PACKAGED and data.classes == "all"
    if whole and data.validation and not validation_count(PACKAGED_IMAGES, data.validation):
        lines.append(line("no validation set", value=f"{data.validation:g}", least=LEAST_VALIDATION))
    if plan.warmup is not None and plan.warmup > plan.steps:
        lines.append(line("long warmup", warmup=plan.warmup, steps=plan.steps))
    return lines


def facts_of_conditions(images: ImageSet) -> dict[str, Any]:
    """Returns what a run stores of the numbers that describe its images; nothing without them."""
    if images.conditions is None:
        return {}
    rows = images.conditions[torch.linspace(0, len(images) - 1, min(ROWS, len(images))).long()]
    return {
        "condition_names": images.condition_names,
        "condition_means": images.condition_means or (0.0,) * len(images.condition_names),
        "condition_scales": images.condition_scales or (1.0,) * len(images.condition_names),
        "condition_rows": tuple(tuple(round(value, 6) for value in row) for row in rows.tolist()),
    }


def describe(images: ImageSet) -> list[str]:
    """Returns two lines about one's own data: what it is, and what was done to it; none about the package's."""
    if images.source in PACKAGED:
        return []
    channels, size = images.images.shape[1:3]
    colors = line("in gray" if channels == 1 else "in color")
    low, high = int(images.images.min()), int(images.images.max())
    first = line("data", count=len(images), size=f"{size}×{size}", colors=colors, low=low, high=high)
    if images.class_names:
        first += line("data classes", count=len(images.class_names), classes=counts_of(images))
    second = [str(note) for note in images.notes]
    if flat := len(of_one_color(images)):
        second.append(line("one color", count=flat))
    return [first, line("data as it is") if not second else "; ".join(second)]


def counts_of(images: ImageSet) -> str:
    """Returns the classes with their numbers of images: `cat 400, dog 300`."""
    pairs = list(zip(images.class_names, images.class_counts(), strict=True))
    text = ", ".join(f"{name} {count}" for name, count in pairs[:NAMED])
    return text + (" …" if len(pairs) > NAMED else "")


def of_one_color(images: ImageSet) -> list[int]:
    """Returns the indices of the images whose pixels are all equal."""
    flat = images.images.flatten(2)
    return (flat == flat[:, :, :1]).all(dim=2).all(dim=1).nonzero().flatten().tolist()


def chosen_for_sheet(images: ImageSet, count: int = SHOWN) -> list[int]:
    """Returns the indices of the images on a contact sheet: evenly spread, and all classes in turn if there are any."""
    if images.labels is None or len(images.class_names) < 2:
        return sorted(set(torch.linspace(0, len(images) - 1, min(count, len(images))).long().tolist()))
    by_class = [(images.labels == label).nonzero().flatten().tolist() for label in range(len(images.class_names))]
    rows = max(map(len, by_class))
    turns = [places[row] for row in range(rows) for places in by_class if row < len(places)]
    return turns[:count]


def save_sheet(folder: Path, images: ImageSet, name: str = SHEET) -> Path | None:
    """Writes a contact sheet of one's own data; none of the package's.

    Args:
        folder: the folder.
        images: the images.
        name: the file's name.

    Returns:
        The file.
    """
    if images.source in PACKAGED:
        return None
    chosen: Sequence[int] = chosen_for_sheet(images)
    path = folder / name
    save_picture(grid(images.images[torch.tensor(chosen)].numpy(), min(ACROSS, len(chosen))), path)
    return path
