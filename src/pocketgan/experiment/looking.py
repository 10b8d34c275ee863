"""A look at data before training: what it holds, what is done with it, what is double, and how fast it trains."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from pocketgan.base.errors import ConfigError, DataError, StorageError
from pocketgan.base.language import clock
from pocketgan.base.messages import Problem, english, problem
from pocketgan.base.progress import Progress
from pocketgan.config.fields import replace
from pocketgan.config.places import located
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.prepared_data import (
    check_packaged,
    chosen_for_sheet,
    find_facts,
    of_one_color,
    penalty_weight,
    showing,
)
from pocketgan.experiment.run_words import line
from pocketgan.experiment.speed import time_steps
from pocketgan.images.grids import grid, make_folder, save_picture
from pocketgan.images.intake.contents import Part
from pocketgan.images.readers import read, wishes_of
from pocketgan.images.sets import ImageSet, divided, image_set
from pocketgan.images.splitting import content_hashes
from pocketgan.training.state import choose_device, choose_precision

THUMB = 8
"""Side of the reduced images that are compared first."""
NEAR_THUMBS, NEAR = 6.0, 8.0
"""Near-duplicates: root mean square differences, in gray levels, of reduced and of whole images."""
MOST_COMPARED, BLOCK = 60_000, 1024
"""Maximum number of images that are compared with each other, and how many at once."""
MOST_PAIRS = 100_000
FORECAST_SECONDS = 1.5
EXAMPLES = 10
"""Number of examples that are listed."""
UNEVEN = 10
"""Ratio of the largest to the smallest class from which classes count as very uneven."""
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Look:
    """What `look` found.

    Attributes:
        data: the path or the name of the data.
        kind: `pictures`, `arrays`, `idx`, `csv`, `cifar`, `hub`, or the name of data in the package.
        images: all images as the networks will see them, with labels and files: the data's own splits one after the
            other.
        split: the split of each image: `train`, `validation` or `test`.
        own: the splits that the data has of its own.
        sizes: the number of pictures of each size in the files, by (width, height); empty for data in the package.
        one_color: the indices of images whose pixels are all equal.
        equal: groups of indices of equal images.
        near: pairs of indices of nearly equal images.
        speed: images per second of the recipe's training on this machine, or why it isn't known.
        recipe: the recipe that the speed is of.
    """

    data: str
    kind: str
    images: ImageSet
    split: Sequence[str]
    own: tuple[str, ...]
    sizes: dict[tuple[int, int], int]
    one_color: list[int]
    equal: list[list[int]]
    near: list[tuple[int, int]]
    speed: float | str
    recipe: str

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What was done to the images, and what was passed over, as sentences."""
        return self.images.notes

    @property
    def duplicates(self) -> int:
        """The number of images that equal an earlier one."""
        return sum(len(group) - 1 for group in self.equal)

    def straddling(self, pairs: Sequence[Sequence[int]]) -> int:
        """Returns how many groups of images are in more than one split."""
        return sum(len({self.split[place] for place in group}) > 1 for group in pairs)

    def name_of(self, place: int) -> str:
        """Returns the file of an image, or its place."""
        return self.images.files[place] if self.images.files else f"[{place}]"

    def counts(self) -> dict[str, dict[str, int]]:
        """Returns the number of images of each class in each split; empty without labels."""
        if self.images.labels is None:
            return {}
        found: dict[str, Counter[int]] = defaultdict(Counter)
        for part, label in zip(self.split, self.images.labels.tolist(), strict=True):
            if label >= 0:
                found[part][label] += 1
        names = self.images.class_names
        return {part: {name: found[part][label] for label, name in enumerate(names)} for part in PARTS if part in found}

    def to_json(self) -> dict[str, Any]:
        """Returns everything but the images, as plain values."""
        pixels = self.images.images
        epoch = None if isinstance(self.speed, str) else float(f"{self.split.count('train') / self.speed / 60:.3g}")
        skipped = [english(note) for note in self.notes if note.key.startswith("skipped ")]
        done = [english(note) for note in self.notes if not note.key.startswith("skipped ")]
        return {
            "data": self.data,
            "kind": self.kind,
            "images": len(self.images),
            "channels": pixels.shape[1],
            "size": pixels.shape[2],
            "lowest": int(pixels.min()),
            "highest": int(pixels.max()),
            "sizes": [
                {"width": width, "height": height, "count": count} for (width, height), count in self.sizes.items()
            ],
            "splits": {part: self.split.count(part) for part in PARTS if part in self.split},
            "own_splits": list(self.own),
            "classes": self.counts(),
            "done": done,
            "skipped": skipped,
            "one_color": len(self.one_color),
            "duplicates": {
                "count": self.duplicates,
                "across_splits": self.straddling(self.equal),
                "examples": [[self.name_of(place) for place in group[:3]] for group in self.equal[:EXAMPLES]],
            },
            "near_duplicates": {
                "count": len(self.near),
                "across_splits": self.straddling(self.near),
                "examples": [[self.name_of(place) for place in pair] for pair in self.near[:EXAMPLES]],
            },
            "speed": {
                "recipe": self.recipe,
                "images_per_second": None if isinstance(self.speed, str) else round(self.speed),
                "minutes_per_epoch": epoch,
                "why_unknown": english(self.speed) if isinstance(self.speed, str) else None,
            },
        }

    def sentences(self) -> list[str]:
        """Returns the lines that `pocketgan look` prints, in the current language."""
        pixels = self.images.images
        colors = line("in gray" if pixels.shape[1] == 1 else "in color")
        size = f"{pixels.shape[2]}×{pixels.shape[2]}"
        values = {"low": int(pixels.min()), "high": int(pixels.max())}
        lines = [line("data", count=len(self.images), size=size, colors=colors, **values)]
        parts = {part: self.split.count(part) for part in PARTS}
        lines.append(line("look splits", **parts))
        counts = self.counts()
        if counts:
            everything: Counter[str] = Counter()
            for one in counts.values():
                everything.update(one)
            text = ", ".join(f"{name} {count}" for name, count in everything.items())
            key = "look classes" if len(everything) > 1 else "look one class"
            lines.append(line(key, count=len(everything), classes=text))
            if max(everything.values()) >= UNEVEN * max(1, min(everything.values())):
                lines.append(line("look uneven"))
        lines += [str(note) for note in self.notes]
        if self.one_color:
            names = ", ".join(self.name_of(place) for place in self.one_color[:3])
            lines.append(f"{line('one color', count=len(self.one_color))} ({names})")
        lines.append(line("look equal", count=self.duplicates, across=self.straddling(self.equal)))
        lines.append(line("look near", count=len(self.near), across=self.straddling(self.near)))
        if isinstance(self.speed, str):
            lines.append(line("look no speed", recipe=self.recipe, why=self.speed))
        else:
            epoch = clock(max(1, parts["train"] / self.speed))
            lines.append(line("look speed", recipe=self.recipe, speed=f"{self.speed:,.0f}", time=epoch))
        return lines

    def __str__(self) -> str:
        return "\n".join([self.data, *(f"  {text}" for text in self.sentences())])

    def save(self, out: str | Path) -> Path:
        """Writes `data.png`, a contact sheet, and `images.npz`, the images as the networks will see them.

        The archive holds `images` (uint8, N×C×H×W), `files`, `split`, and with labels `labels` and `class_names`. The
        label −1 is that of images in a split without labels.

        Args:
            out: the folder.

        Returns:
            The folder.

        Raises:
            StorageError: it can't be written.
        """
        folder = Path(out)
        make_folder(out, folder)
        chosen = chosen_for_sheet(self.images)
        save_picture(grid(self.images.images[torch.tensor(chosen)].numpy(), min(10, len(chosen))), folder / "data.png")
        arrays: dict[str, Any] = {
            "images": self.images.images.numpy(),
            "files": np.array([self.name_of(place) for place in range(len(self.images))]),
            "split": np.array(self.split),
        }
        if self.images.labels is not None:
            arrays |= {"labels": self.images.labels.numpy(), "class_names": np.array(self.images.class_names)}
        if self.images.conditions is not None:
            arrays |= {"labels": self.images.conditions.numpy(), "class_names": np.array(self.images.condition_names)}
        try:
            np.savez(folder / "images.npz", **arrays)
        except OSError as error:
            raise StorageError("disk refused", path=folder / "images.npz", why=error.strerror) from None
        return folder


def look(data: str, recipe_name: str = "pocket", progress: Progress | None = None, **settings: Any) -> Look:
    """Looks at data as a run of a recipe would read it.

    Args:
        data: what to look at.
        recipe_name: the recipe.
        progress: shows the progress of reading many pictures.
        settings: fields of the configuration.

    Raises:
        UserError: the data can't be read, or a setting is wrong.
    """
    progress = progress or Progress(quiet=True)
    config = replace(recipe(recipe_name), data=data, **settings)
    config = config.model_copy(update={"data": located(config.data)})
    check_packaged(config.data)
    images, split, own, kind, sizes = everything_in(config, progress)
    equal = equal_images(images)
    near, training = near_images(images.images, equal), torch.tensor([part == "train" for part in split])
    speed = forecast(config, images.part(training.nonzero().flatten()))
    return Look(data, kind, images, split, own, sizes, of_one_color(images), equal, near, speed, config.recipe)


def everything_in(
    config: RunConfig, progress: Progress
) -> tuple[ImageSet, list[str], tuple[str, ...], str, dict[tuple[int, int], int]]:
    """Returns all images of the data, the split of each, the data's own splits, its kind and its sizes."""
    collection = read(config.data.data, wishes_of(config.data), showing(progress))
    notes, source = tuple(collection.notes.sentences()), config.data.data
    sets: list[ImageSet] = []
    split: list[str] = []
    if "train" not in collection.splits:
        raise DataError("no images", field="data", path=source)
    for part in PARTS:
        if part not in collection.splits:
            continue
        images = image_set(collection.splits[part], source, notes)
        words: list[str] = [part] * len(images)
        if part == "train":
            has_test, has_validation = "test" in collection.splits, "validation" in collection.splits
            test, validation, _ = divided(config.data, images, has_test, has_validation)
            for name, places in (("test", test), ("validation", validation)):
                for place in places.tolist():
                    words[place] = name
        if not images.files:
            images = images.named([f"{part}[{place}]" for place in range(len(images))])
        if config.data.classes != "all" and (images.labels is not None or not sets):
            places = images.places_of(config.data.classes)
            images, words = images.select(config.data.classes), [words[place] for place in places]
        elif config.data.classes != "all":
            continue
        sets.append(images)
        split += words
    sizes = dict(Counter(collection.sizes).most_common())
    return with_all_classes(sets), split, tuple(collection.splits), collection.kind, sizes


def with_all_classes(sets: Sequence[ImageSet]) -> ImageSet:
    """Returns the images of all splits as one set, with the classes of all; −1 labels a split without labels."""
    names = tuple(dict.fromkeys(name for one in sets if one.labels is not None for name in one.class_names))
    labeled = [
        one.numbered_as(names) if one.labels is not None or not names
        else replace_fields(one, labels=torch.full((len(one),), -1), class_names=names)
        for one in sets
    ]  # fmt: skip
    return labeled[0] if len(labeled) == 1 else ImageSet.joined(labeled)


def equal_images(images: ImageSet) -> list[list[int]]:
    """Returns groups of indices of equal images, in order."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for place, content in enumerate(content_hashes(images.images)):
        groups[content].append(place)
    return [group for group in groups.values() if len(group) > 1]


def near_images(images: Tensor, equal: Sequence[Sequence[int]] = ()) -> list[tuple[int, int]]:
    """Returns pairs of indices of images that differ a little: by at most 8 gray levels (root mean square), not by 0.

    Images are compared at 8×8 pixels first. Those of a single color are passed over. Of equal images, only the first is
    compared, and only the first 60,000 different images are.

    Args:
        images: uint8, shape (N, C, H, W).
        equal: groups of indices of equal images, as `equal_images` returns them.
    """
    groups = {group[0]: group for group in equal}
    repeated = {place for group in equal for place in group[1:]}
    places = [place for place in range(len(images)) if place not in repeated][:MOST_COMPARED]
    pairs: list[tuple[int, int]] = []
    for first, second in near_pairs(images[torch.tensor(places, dtype=torch.long)]):
        alike = [groups.get(places[place], [places[place]]) for place in (first, second)]
        room = MOST_PAIRS - len(pairs)
        pairs += islice(((min(pair), max(pair)) for pair in product(*alike)), room)
        if len(pairs) >= MOST_PAIRS:
            break
    return sorted(pairs)


def near_pairs(images: Tensor) -> Iterator[tuple[int, int]]:
    """Yields pairs of indices of nearly equal images among different ones; see `near_images`."""
    if not len(images):
        return
    small = torch.cat([adaptive_avg_pool2d(part.float(), THUMB).flatten(1) for part in images.split(4096)])
    varied = images.flatten(1).amax(dim=1) != images.flatten(1).amin(dim=1)
    norms, limit = small.square().sum(dim=1), NEAR_THUMBS**2 * small.shape[1]
    for start in range(0, len(small), BLOCK):
        block = small[start : start + BLOCK]
        squared = norms[start : start + BLOCK, None] + norms[None, start:] - 2 * block @ small[start:].T
        close = (squared <= limit) & varied[start : start + BLOCK, None] & varied[None, start:]
        candidates = torch.triu(close, diagonal=1).nonzero() + start
        for part in candidates.split(BLOCK):
            first, second = images[part[:, 0]].float(), images[part[:, 1]].float()
            differences = (first - second).square().flatten(1).mean(dim=1).sqrt()
            near = part[(differences > 0) & (differences <= NEAR)]
            yield from ((row, column) for row, column in near.tolist())


def forecast(config: RunConfig, images: ImageSet) -> float | str:
    """Returns the images per second that training a recipe on these images takes here, or why it can't be trained."""
    facts = find_facts(images, digest=False)
    device = choose_device(config.train.device)
    conditional = config.network.conditional and len(facts.condition_names or facts.class_names) > 0
    penalties = {name: penalty_weight(getattr(config.objective, name), facts) for name in ("r1", "r2")}
    precision = choose_precision(config.train.precision, device)
    config = replace(config, conditional=conditional, precision=precision, **penalties)
    try:
        times = time_steps(config, images, facts, device, config.train.batch_size, 1, FORECAST_SECONDS)
    except ConfigError as error:
        return problem(error.key, **error.parts)
    return config.train.batch_size / sorted(times)[len(times) // 2]
