"""A run's data before training: read, described in two lines, and shown as a contact sheet."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import torch

from pocketgan.base.messages import problem, stored
from pocketgan.base.progress import Progress
from pocketgan.config.places import located
from pocketgan.config.sections import PACKAGED, RunConfig
from pocketgan.experiment.run_words import line
from pocketgan.images.grids import grid, save_picture
from pocketgan.images.intake.cache import LEAST
from pocketgan.images.intake.decoding import Report
from pocketgan.images.intake.read import Shown, silent
from pocketgan.images.sets import MANY, ImageSet, load_images
from pocketgan.runs.records import DataFacts

FOLDS = 5
"""Number of parts of a small data set, each of which can be the validation set."""
SHEET = "data.png"
SHOWN, ACROSS = 100, 10
"""Number of images on a contact sheet, and in a row of it."""
NAMED = 8
"""Maximum number of classes whose counts are listed in a line."""


def prepare_images(config: RunConfig, progress: Progress) -> tuple[RunConfig, ImageSet]:
    """Returns the training images, and the configuration with absolute paths and with the fold that is held out.

    Args:
        config: the configuration.
        progress: shows the progress of reading many pictures.

    Raises:
        DataError: the data can't be read.
    """
    config = config.model_copy(update={"data": located(config.data)})
    data = config.data
    images = load_images(data.model_copy(update={"fold": 0}), shown=showing(progress))
    fold: int | str = data.fold
    if fold == "auto":
        held_out = data.validation_split in ("auto", "content") and data.data not in PACKAGED
        fold = config.seed % FOLDS if held_out and data.validation and len(images) < MANY else 0
    if fold:
        images = load_images(data.model_copy(update={"fold": fold}))
    return config.model_copy(update={"data": data.model_copy(update={"fold": fold})}), images


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
    )


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
