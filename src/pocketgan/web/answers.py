"""The worker's own side: what the page asks, answered with PyTorch. `python -m pocketgan.web.answers` is the worker.

Pictures are asked for by what makes them: a model's folder, a seed, how many, the class, a truncation, and steps along
the strongest directions. The same words give the same bytes.
"""

import os
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pocketgan.base.errors import DataError, PocketganError, RunError
from pocketgan.base.language import speaking
from pocketgan.config.sections import DataConfig
from pocketgan.images.sets import ImageSet, load_images
from pocketgan.metrics.features import FeatureSpace, digits, stacked
from pocketgan.networks import build_discriminator
from pocketgan.pictures.animation_files import animation
from pocketgan.pictures.directions import Directions, film_along, of_network
from pocketgan.pictures.interpolation import walk_between
from pocketgan.pictures.spelling import write_text
from pocketgan.runs.exported import load
from pocketgan.runs.model import Model, Weights
from pocketgan.runs.records import BEST
from pocketgan.runs.run import Run
from pocketgan.runs.sampling import redraw_images, run_generator, sample_latents
from pocketgan.runs.weights import build_with, find_checkpoint, image_shape
from pocketgan.training.checkpoints import load_network
from pocketgan.web.frames import read_frame, write_frame
from pocketgan.web.judging import Judge, Spacing, spacing

MOST = 256
"""Pictures that are drawn at once."""
BATCH = 64
"""They always run through the generator in batches of this size, filled up where they are fewer: an image differs by a
rounding with the size of its batch, and the same words must give the same bytes."""
KEPT = 4
"""Models that stay in memory."""
MOST_SPACINGS = 1000
DIRECTIONS = 5

Answer = tuple[dict[str, Any], dict[str, np.ndarray]]


class Loaded:
    """A model in memory.

    Attributes:
        model: the run or the exported model.
        weights: of its generator.
        network: its generator.
        discriminator: of a run; None for an exported model.
    """

    def __init__(self, folder: Path) -> None:
        self.model: Model = load(folder)
        config = self.model.config
        self.discriminator: nn.Module | None = None
        if isinstance(self.model, Run):
            saved = find_checkpoint(self.model.folder, self.model.config, "auto")
            name = "generator" if config.train.ema_half_life == "none" else "generator_ema"
            self.weights = Weights(saved.path, saved.network(name), saved.counters)
            shape = image_shape(self.model.facts, config.network.conditional)
            network = build_discriminator(config.network, shape, config.seed)
            load_network(network, saved, "discriminator")
            self.discriminator = network.eval()
        else:
            self.weights = self.model.weights()
        self.network = build_with(self.model, self.weights)

    @property
    def classes(self) -> int:
        """Classes that the generator is told; 0 for an unconditional one."""
        return len(self.model.facts.class_names) if self.model.config.network.conditional else 0

    @cached_property
    def directions(self) -> Directions:
        """The strongest directions of its latents."""
        return of_network(self.network, self.model.config.network.latent_dim, DIRECTIONS, 0 if self.classes else None)


class Memory:
    """The last few models and image sets, each as long as its files are the same."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[tuple[Any, ...], Loaded] = OrderedDict()
        self._images: OrderedDict[tuple[Any, ...], ImageSet] = OrderedDict()
        self._spaces: dict[str, FeatureSpace] = {}
        self._spacings: OrderedDict[tuple[Any, ...], Spacing | None] = OrderedDict()

    def model(self, folder: str) -> Loaded:
        """Returns the model in a folder, from memory where its files haven't changed."""
        place = Path(folder)
        return _kept(self._loaded, (folder, *identity(place)), lambda: Loaded(place), KEPT)

    def images(self, config: DataConfig, part: str) -> ImageSet:
        """Returns a part (`train` or `test`) of a data set."""
        chosen = "train" if part == "train" else "test"
        key = (config.model_dump_json(), chosen)
        return _kept(self._images, key, lambda: load_images(config, chosen), 2)

    def spacing(self, model: Model, images: ImageSet, place: int) -> Spacing | None:
        """Returns how far training images are from their nearest other ones: those of the class of one of them."""
        label = None if images.labels is None else int(images.labels[place])
        like = images.images if label is None else images.images[images.labels == label]
        return _kept(self._spacings, (model.facts.digest, label), lambda: spacing(like), MOST_SPACINGS)

    def classifier(self, model: Model) -> FeatureSpace | None:
        """Returns what tells the classes of a model's images; None where they are neither MNIST's nor made of it."""
        makers = {"mnist": digits, "stacked-mnist": stacked}
        source = model.facts.source
        if source in makers and source not in self._spaces:
            self._spaces[source] = makers[source]()
        return self._spaces.get(source)


def _kept(known: OrderedDict[tuple[Any, ...], Any], key: tuple[Any, ...], make: Callable[[], Any], most: int) -> Any:
    """Returns what is kept under a key, or makes it and lets go of what was used longest ago."""
    if key not in known:
        known[key] = make()
    known.move_to_end(key)
    while len(known) > most:
        known.popitem(last=False)
    return known[key]


def identity(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Returns what changes when the files that a model is read from do: their names, sizes and times of change."""
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


@dataclass(frozen=True)
class Drawing:
    """What makes pictures, as the page asks for them.

    Attributes:
        seed: of the latents.
        count: how many, or how many there are where one of them is meant.
        label: the class's name; None for all in turn, or of an unconditional model.
        truncation: latents are multiplied by this, in [0, 1].
        steps: along the strongest directions, in deviations.
    """

    seed: int
    count: int
    label: str | None = None
    truncation: float = 1.0
    steps: tuple[float, ...] = ()

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Drawing":
        """Reads what the page sent."""
        values = values | {"steps": tuple(values.get("steps", ()))}
        drawing = cls(**values)
        if not 1 <= drawing.count <= MOST:
            raise RunError("{count} won't do; 1 to {most} would", field="count", count=drawing.count, most=MOST)
        return drawing

    def latents(self, loaded: Loaded) -> Tensor:
        """Returns their latents, float32, shape (count, latent_dim).

        As many are drawn as there can be, so that the first ones are the same whatever the count.
        """
        drawn = sample_latents(loaded.model.config, MOST, self.seed)[: self.count] * self.truncation
        return drawn + loaded.directions.shift(self.steps) if any(self.steps) else drawn

    def labels(self, loaded: Loaded) -> Tensor | None:
        """Returns the indices of their classes, int64, shape (count,); None for an unconditional model."""
        if self.label is not None:
            return torch.full((self.count,), loaded.model.label_index(self.label))
        return torch.arange(self.count) % loaded.classes if loaded.classes else None


def draw_images(loaded: Loaded, latents: Tensor, labels: Tensor | None) -> np.ndarray:
    """Returns the images of latents, uint8, shape (N, C, H, W), each the same whatever is drawn beside it."""
    missing = -len(latents) % BATCH
    full = torch.cat([latents, latents[:1].expand(missing, -1)])
    told = None if labels is None else torch.cat([labels, labels[:1].expand(missing)])
    pieces = []
    for start in range(0, len(full), BATCH):
        batch = slice(start, start + BATCH)
        pieces.append(
            run_generator(loaded.network, full[batch], None if told is None else told[batch], loaded.model.config)
        )
    return torch.cat(pieces)[: len(latents)].numpy()


# The answers.


def noise_model(memory: Memory, folder: str) -> Loaded:
    """Returns a model that draws from noise."""
    loaded = memory.model(folder)
    if loaded.model.config.reads_images:
        raise RunError("reads no noise", field="run", folder=folder)
    return loaded


def draw(memory: Memory, folder: str, drawing: dict[str, Any]) -> Answer:
    """Draws pictures: `images` uint8 (N, C, H, W), `latents` (N, D), and `labels` where the model is told classes."""
    loaded, wanted = noise_model(memory, folder), Drawing.of(drawing)
    latents, labels = wanted.latents(loaded), wanted.labels(loaded)
    arrays = {"images": draw_images(loaded, latents, labels), "latents": latents.numpy()}
    return {"step": loaded.weights.step}, arrays if labels is None else arrays | {"labels": labels.numpy()}


def directions(memory: Memory, folder: str) -> Answer:
    """Returns the strongest directions: `vectors` (count, D), and `shares` of the variance."""
    result = noise_model(memory, folder).directions
    return {"shares": result.shares.tolist()}, {"vectors": result.vectors.numpy()}


def look(
    memory: Memory, folder: str, drawing: dict[str, Any], index: int, data: bool = True, nearest: int = 5
) -> Answer:
    """Looks at one picture closely.

    Args:
        memory: what is in memory.
        folder: the model's.
        drawing: what the picture is one of.
        index: which one.
        data: whether the images that the model was trained on may be read.
        nearest: training images wanted.

    Returns:
        Values: `class` and `probability` of the classifier, `discriminator` and its `kind` (see `judging.Judge`),
        `distances` and `places` of the nearest training images, and how far real images like the nearest one are from
        theirs, `typical` and `rare` (see `judging.Spacing`); what isn't known is None. Arrays: `image`, `latent`,
        `nearest`.
    """
    loaded, wanted = noise_model(memory, folder), Drawing.of(drawing)
    if not 0 <= index < wanted.count:
        raise RunError("there is no picture {index} among {count}", field="index", index=index, count=wanted.count)
    latents, labels = wanted.latents(loaded), wanted.labels(loaded)
    image = torch.from_numpy(draw_images(loaded, latents, labels)[index])
    label = None if labels is None else int(labels[index])
    training = training_images(memory, loaded.model) if data else None
    judge = Judge(loaded.model, loaded.discriminator, memory.classifier(loaded.model), training)
    values, arrays = judge.opinions(image[None], None if label is None else torch.tensor([label])), {}
    values["step"], values["label"] = loaded.weights.step, label
    if training is not None:
        near = judge.nearest(image, nearest)
        real = memory.spacing(loaded.model, training, near.places[0])
        values |= {"distances": near.distances, "places": near.places}
        values |= {"typical": real and real.typical, "rare": real and real.rare}
        arrays["nearest"] = training.images[near.places].numpy()
    return values, arrays | {"image": image.numpy(), "latent": latents[index].numpy()}


def training_images(memory: Memory, model: Model) -> ImageSet | None:
    """Returns the images that a model was trained on; None where they aren't there any more, or are others."""
    if model.data is None:
        return None
    try:
        images = memory.images(model.data, "train")
    except DataError:
        return None
    facts = model.facts
    fits = (len(images), *images.images.shape[1:]) == (facts.images, facts.channels, facts.size, facts.size)
    return images if fits else None


def between(memory: Memory, folder: str, first: dict[str, Any], second: dict[str, Any], scale: int) -> Answer:
    """Walks between two pictures, each a drawing with its `index`: `gif`, the bytes of the film."""
    loaded = noise_model(memory, folder)
    ends = [one(loaded, end) for end in (first, second)]
    labels = None if ends[0][1] is None else torch.tensor([label for _, label in ends])
    film = walk_between(loaded.network, loaded.model.config, torch.stack([latent for latent, _ in ends]), labels)
    content = animation(".gif", film.frames(scale), film.pauses)
    return {"frames": len(film)}, {"gif": np.frombuffer(content, np.uint8)}


def along(memory: Memory, folder: str, picture: dict[str, Any], steps: int, reach: float) -> Answer:
    """Walks along the strongest directions through a picture: `images` uint8 (directions, steps, C, H, W)."""
    loaded = noise_model(memory, folder)
    latent, label = one(loaded, picture)
    film = film_along(loaded.network, loaded.model.config, loaded.directions, latent, label, reach, steps)
    return {}, {"images": np.ascontiguousarray(film.images.swapaxes(0, 1))}


def one(loaded: Loaded, picture: dict[str, Any]) -> tuple[Tensor, int | None]:
    """Returns the latent and the class's index of one picture, given as its drawing and its `index` there."""
    values = dict(picture)
    index = values.pop("index")
    wanted = Drawing.of(values)
    if not 0 <= index < wanted.count:
        raise RunError("there is no picture {index} among {count}", field="index", index=index, count=wanted.count)
    labels = wanted.labels(loaded)
    return wanted.latents(loaded)[index], None if labels is None else int(labels[index])


def write(memory: Memory, folder: str, text: str, seed: int) -> Answer:
    """Writes a text in generated images: `images`, one a character; see `writing.write_text`."""
    written = write_text(noise_model(memory, folder).model, text, seed=seed)
    return {"drawn": written.drawn, "certainty": written.certainty}, {"images": written.images.images}


def redraw(memory: Memory, folder: str, *, images: np.ndarray) -> Answer:
    """Redraws images, uint8 (N, C, S, S): `images`, alike in shape."""
    loaded = memory.model(folder)
    facts = loaded.model.facts
    if not loaded.model.config.reads_images:
        raise RunError("'{folder}' draws from noise and redraws no images", field="run", folder=folder)
    if images.dtype != np.uint8 or images.shape[1:] != (facts.channels, facts.size, facts.size):
        raise RunError(
            "{dtype} {shape} aren't what '{folder}' takes",
            field="images",
            dtype=images.dtype,
            shape=images.shape,
            folder=folder,
        )
    outputs = redraw_images(loaded.network, loaded.model.config, torch.from_numpy(images))
    return {"step": loaded.weights.step}, {"images": outputs.numpy()}


def test_image(memory: Memory, folder: str, label: str | None, index: int) -> Answer:
    """Returns one of the test images of a class, or of all: `image`, and their `count`; after the last comes the first.

    Raises:
        DataError: the data aren't there, or have no test images or no such class.
    """
    model = load(Path(folder))
    if model.data is None:
        raise DataError("the images that '{folder}' was trained on aren't with it", field="data", folder=folder)
    images = memory.images(model.data.model_copy(update={"classes": "all"}), "test")
    if label is not None:
        images = images.select(label)
    return {"count": len(images)}, {"image": images.images[index % len(images)].numpy()}


ANSWERS: dict[str, Callable[..., Answer]] = {
    "draw": draw,
    "directions": directions,
    "look": look,
    "between": between,
    "along": along,
    "write": write,
    "redraw": redraw,
    "test_image": test_image,
}


def answer(memory: Memory, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> Answer:
    """Answers one question in its `language`; what goes wrong becomes the value `error`.

    Where that is no mistake of a user's, `untranslated` says that it is in no other language.
    """
    values = dict(values)
    with speaking(values.pop("language", "en")):
        try:
            return ANSWERS[values.pop("ask")](memory, **values, **arrays)
        except PocketganError as error:
            return {"error": str(error)}, {}
        except Exception as error:  # A worker that answers is worth more than one that died of a damaged folder.
            return {"error": f"worker: {type(error).__name__}: {error}"[:300], "untranslated": True}, {}


def main(arguments: Sequence[str] = ()) -> None:
    """Answers questions from standard input on standard output until the page is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    questions = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Whatever a library prints must not get between the frames.
    memory = Memory()
    while (question := read_frame(questions)) is not None:
        write_frame(answers, *answer(memory, *question))


if __name__ == "__main__":
    main(sys.argv[1:])
