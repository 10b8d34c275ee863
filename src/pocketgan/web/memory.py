"""What the worker process keeps in memory: models, images and classifiers, valid while their files are unchanged."""

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import ImageSet, load_images
from pocketgan.metrics.features import FeatureSpace, digits, stacked
from pocketgan.pictures.directions import Directions, of_network
from pocketgan.runs.exported import load
from pocketgan.runs.model import Model, Weights
from pocketgan.runs.records import BEST
from pocketgan.runs.requests import usual
from pocketgan.runs.run import Run
from pocketgan.runs.weights import build_with, find_checkpoint, load_discriminator
from pocketgan.web.judging import Spacing, spacing

KEPT = 4
"""Largest number of models kept in memory."""
MOST_SPACINGS = 1000
DIRECTIONS = 5


class Loaded:
    """A model in memory.

    Attributes:
        model: the run or the exported model.
        weights: the weights of its generator.
        network: its generator.
        discriminator: the discriminator of a run; None for an exported model, for a recorded run, and for one
            without a discriminator.
    """

    def __init__(self, folder: Path) -> None:
        self.model: Model = load(folder)
        config = self.model.config
        self.discriminator: nn.Module | None = None
        if isinstance(self.model, Run):
            saved = find_checkpoint(self.model.folder, self.model.config, "auto")
            name = "generator" if config.train.ema_half_life == "none" else "generator_ema"
            self.weights = Weights(saved.path, saved.network(name), saved.counters)
            if config.kind == "trained" and config.has_discriminator:
                self.discriminator = load_discriminator(self.model.folder, config, self.model.facts)
        else:
            self.weights = self.model.weights()
        self.network = build_with(self.model, self.weights)

    @property
    def classes(self) -> int:
        """Number of classes of a class-conditional generator; 0 for an unconditional one."""
        return len(self.model.facts.class_names) if self.model.config.network.conditional else 0

    @cached_property
    def directions(self) -> Directions:
        """The strongest directions of the generator's latent space."""
        return of_network(self.network, self.model.config.network.latent_dim, DIRECTIONS, usual(self.model))


class Memory:
    """Cache of recently used models and image sets, valid while their files are unchanged."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[tuple[Any, ...], Loaded] = OrderedDict()
        self._images: OrderedDict[tuple[Any, ...], ImageSet] = OrderedDict()
        self._spaces: dict[str, FeatureSpace] = {}
        self._spacings: OrderedDict[tuple[Any, ...], Spacing | None] = OrderedDict()

    def model(self, folder: str) -> Loaded:
        """Returns the model in a folder, from memory if its files haven't changed."""
        place = Path(folder)
        return _kept(self._loaded, (folder, *identity(place)), lambda: Loaded(place), KEPT)

    def images(self, config: DataConfig, part: str) -> ImageSet:
        """Returns a part (`train` or `test`) of a data set."""
        chosen = "train" if part == "train" else "test"
        key = (config.model_dump_json(), chosen)
        return _kept(self._images, key, lambda: load_images(config, chosen), 2)

    def spacing(self, model: Model, images: ImageSet, place: int) -> Spacing | None:
        """Returns the nearest-neighbor distances of training images with the class of the image at `place`."""
        label = None if images.labels is None else int(images.labels[place])
        like = images.images if label is None else images.images[images.labels == label]
        return _kept(self._spacings, (model.facts.digest, label), lambda: spacing(like), MOST_SPACINGS)

    def classifier(self, model: Model) -> FeatureSpace | None:
        """Returns the classifier for a model's images; None if they are neither MNIST nor made from it."""
        makers = {"mnist": digits, "stacked-mnist": stacked}
        source = model.facts.source
        if source in makers and source not in self._spaces:
            self._spaces[source] = makers[source]()
        return self._spaces.get(source)


def _kept(known: OrderedDict[tuple[Any, ...], Any], key: tuple[Any, ...], make: Callable[[], Any], most: int) -> Any:
    """Returns the cached value of a key, or computes it and removes the least recently used values."""
    if key not in known:
        known[key] = make()
    known.move_to_end(key)
    while len(known) > most:
        known.popitem(last=False)
    return known[key]


def identity(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Returns a value that changes with the files of a model: their names, modification times and sizes."""
    files = [folder / "config.json", folder / "environment.json", folder / "model.safetensors"]
    best = folder / "checkpoints" / BEST
    files += [best] if best.is_file() else sorted(best.parent.glob("step-*.safetensors"))[-1:]
    results = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        results.append((path.name, status.st_mtime_ns, status.st_size))
    return tuple(results)
