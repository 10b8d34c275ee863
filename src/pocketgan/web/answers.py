"""The worker process, which answers requests of the browser interface with PyTorch: `python -m pocketgan.web.answers`.

A request for pictures describes how to generate them: a model's folder, a seed, a count, the class, the latent scaling,
and steps along the strongest latent directions. Equal requests return equal bytes.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from pocketgan.base.errors import DataError, PocketganError, RunError
from pocketgan.base.language import speaking
from pocketgan.images.pair_sets import pairs_in
from pocketgan.images.sets import ImageSet
from pocketgan.pictures.animation_files import animation
from pocketgan.pictures.directions import film_along
from pocketgan.pictures.interpolation import walk_between
from pocketgan.pictures.spelling import write_text
from pocketgan.runs.exported import load
from pocketgan.runs.model import Model
from pocketgan.runs.requests import drawn_conditions, for_each, requested_once, usual
from pocketgan.runs.sampling import WIDEST, into_every_class, redraw_images, run_generator, sample_latents
from pocketgan.web.frames import read_frame, write_frame
from pocketgan.web.judging import Judge
from pocketgan.web.memory import Loaded, Memory

MOST = 256
"""Largest number of pictures generated at once."""
BATCH = 64
"""Batch size of the generator; smaller batches are filled up.

Rounding differs with the batch size, and equal requests must return equal bytes.
"""

Answer = tuple[dict[str, Any], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Drawing:
    """Description of generated pictures, as the browser interface requests them.

    Attributes:
        seed: seed of the latents.
        count: number of pictures; for a request about one picture, the number it belongs to.
        label: name of the requested class, or a mixture such as `3:0.7,8:0.3`; None for all classes in turn, for the
            numbers of training images, or for an unconditional model.
        truncation: factor on the latents, in [0, 1].
        steps: steps along the strongest directions, in standard deviations.
    """

    seed: int
    count: int
    label: str | None = None
    truncation: float = 1.0
    steps: tuple[float, ...] = ()

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Drawing":
        """Creates a description from a request."""
        values = values | {"steps": tuple(values.get("steps", ()))}
        drawing = cls(**values)
        if not 1 <= drawing.count <= MOST:
            raise RunError("count at once", field="count", count=drawing.count, most=MOST)
        return drawing

    def latents(self, loaded: Loaded) -> Tensor:
        """Returns the latents, float32, shape (count, latent_dim).

        The largest possible number is always sampled, so that the first latents don't depend on the count.
        """
        drawn = sample_latents(loaded.model.config, MOST, self.seed)[: self.count] * self.truncation
        return drawn + loaded.directions.shift(self.steps[: len(loaded.directions)]) if any(self.steps) else drawn

    def labels(self, loaded: Loaded) -> Tensor | None:
        """Returns what the generator is told: indices, int64 (count,), or weights, float32 (count, D), or None."""
        if self.label is not None:
            return for_each(requested_once(loaded.model, self.label), self.count)
        if loaded.model.config.network.conditional and loaded.model.facts.condition_names:
            drawn = drawn_conditions(loaded.model.facts, MOST, self.seed)
            return for_each(usual(loaded.model), self.count) if drawn is None else drawn[: self.count]
        return torch.arange(self.count) % loaded.classes if loaded.classes else None


def draw_images(loaded: Loaded, latents: Tensor, labels: Tensor | None) -> np.ndarray:
    """Returns the images of latents, uint8, shape (N, C, H, W); an image doesn't depend on the others in its batch."""
    missing = -len(latents) % BATCH
    full = torch.cat([latents, latents[:1].expand(missing, -1)])
    told = None if labels is None else torch.cat([labels, labels[:1].expand(missing, *labels.shape[1:])])
    pieces = []
    for start in range(0, len(full), BATCH):
        batch = slice(start, start + BATCH)
        pieces.append(
            run_generator(loaded.network, full[batch], None if told is None else told[batch], loaded.model.config)
        )
    return torch.cat(pieces)[: len(latents)].numpy()


# Answers.


def noise_model(memory: Memory, folder: str) -> Loaded:
    """Returns a model that generates from noise."""
    loaded = memory.model(folder)
    if loaded.model.config.reads_images:
        raise RunError("reads no noise", field="run", folder=folder)
    return loaded


def draw(memory: Memory, folder: str, drawing: dict[str, Any]) -> Answer:
    """Generates pictures: `images` uint8 (N, C, H, W), `latents` (N, D), and the `labels` of requested classes."""
    loaded, wanted = noise_model(memory, folder), Drawing.of(drawing)
    latents, labels = wanted.latents(loaded), wanted.labels(loaded)
    arrays = {"images": draw_images(loaded, latents, labels), "latents": latents.numpy()}
    if labels is not None and not labels.is_floating_point():
        arrays["labels"] = labels.numpy()
    return {"step": loaded.weights.step}, arrays


def directions(memory: Memory, folder: str) -> Answer:
    """Returns the strongest directions: `vectors` (count, D), and their `shares` of the variance."""
    result = noise_model(memory, folder).directions
    return {"shares": result.shares.tolist()}, {"vectors": result.vectors.numpy()}


def look(
    memory: Memory, folder: str, drawing: dict[str, Any], index: int, data: bool = True, nearest: int = 5
) -> Answer:
    """Examines one generated picture.

    Args:
        memory: the cache.
        folder: the model's folder.
        drawing: description of the pictures.
        index: index of the picture among them.
        data: whether the model's training images may be read.
        nearest: number of nearest training images.

    Returns:
        Values: `class` and `probability` of the classifier; `discriminator` and its `kind` (see `judging.Judge`);
            `distances` and `places` of the nearest training images; `typical` and `rare` nearest-neighbor distances of
            real images with the class of the nearest one (see `judging.Spacing`). Unknown values are None. Arrays:
            `image`, `latent`, `nearest`.
    """
    loaded, wanted = noise_model(memory, folder), Drawing.of(drawing)
    if not 0 <= index < wanted.count:
        raise RunError("no such picture", field="index", index=index, count=wanted.count)
    latents, labels = wanted.latents(loaded), wanted.labels(loaded)
    image = torch.from_numpy(draw_images(loaded, latents, labels)[index])
    told = None if labels is None else labels[index]
    training = training_images(memory, loaded.model) if data else None
    judge = Judge(loaded.model, loaded.discriminator, memory.classifier(loaded.model), training)
    values, arrays = judge.opinions(image[None], None if told is None else told[None]), {}
    values["step"] = loaded.weights.step
    values["label"] = None if told is None or told.is_floating_point() else int(told)
    if training is not None:
        near = judge.nearest(image, nearest)
        real = memory.spacing(loaded.model, training, near.places[0])
        values |= {"distances": near.distances, "places": near.places}
        values |= {"typical": real and real.typical, "rare": real and real.rare}
        arrays["nearest"] = training.images[near.places].numpy()
    return values, arrays | {"image": image.numpy(), "latent": latents[index].numpy()}


def training_images(memory: Memory, model: Model) -> ImageSet | None:
    """Returns a model's training images; None if they don't exist any more, or have changed."""
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
    """Interpolates between two pictures, each a description with its `index`: `gif`, the bytes of the animation."""
    loaded = noise_model(memory, folder)
    ends = [one(loaded, end) for end in (first, second)]
    labels = both(loaded, [told for _, told in ends if told is not None])
    film = walk_between(loaded.network, loaded.model.config, torch.stack([latent for latent, _ in ends]), labels)
    content = animation(".gif", film.frames(scale), film.pauses)
    return {"frames": len(film)}, {"gif": np.frombuffer(content, np.uint8)}


def along(memory: Memory, folder: str, picture: dict[str, Any], steps: int, reach: float) -> Answer:
    """Moves a picture along the strongest directions: `images` uint8 (directions, steps, C, H, W)."""
    loaded = noise_model(memory, folder)
    latent, label = one(loaded, picture)
    film = film_along(loaded.network, loaded.model.config, loaded.directions, latent, label, reach, steps)
    return {}, {"images": np.ascontiguousarray(film.images.swapaxes(0, 1))}


def both(loaded: Loaded, told: list[Tensor]) -> Tensor | None:
    """Returns what the generator is told of two pictures: indices, int64 (2,), or weights, float32 (2, D)."""
    if not told:
        return None
    if any(one.is_floating_point() for one in told):
        told = [one if one.is_floating_point() else one_hot(one, loaded.classes).float() for one in told]
    return torch.stack(told)


def one(loaded: Loaded, picture: dict[str, Any]) -> tuple[Tensor, Tensor | None]:
    """Returns the latent of one picture, given as a description with its `index`, and what the generator is told."""
    values = dict(picture)
    index = values.pop("index")
    wanted = Drawing.of(values)
    if not 0 <= index < wanted.count:
        raise RunError("no such picture", field="index", index=index, count=wanted.count)
    labels = wanted.labels(loaded)
    return wanted.latents(loaded)[index], None if labels is None else labels[index]


def write(memory: Memory, folder: str, text: str, seed: int) -> Answer:
    """Writes a text in generated images: `images`, one per character; see `spelling.write_text`."""
    written = write_text(noise_model(memory, folder).model, text, seed=seed)
    return {"drawn": written.drawn, "certainty": written.certainty}, {"images": written.images.images}


def redraw(memory: Memory, folder: str, *, images: np.ndarray) -> Answer:
    """Translates images, uint8 (N, C, S, S): `images`, of the same shape; between classes, each into every class.

    There, `labels` are the requested classes, int64 (N·K,): at most the first 20 of each image.
    """
    loaded = memory.model(folder)
    facts = loaded.model.facts
    if not loaded.model.config.reads_images:
        raise RunError("reads no images", field="run", folder=folder)
    if images.dtype != np.uint8 or images.shape[1:] != (facts.channels, facts.size, facts.size):
        raise RunError("images for model", field="images", type=images.dtype, shape=images.shape, folder=folder)
    given, arrays, labels = torch.from_numpy(images), dict[str, np.ndarray](), None
    if loaded.model.config.changes_class:
        given, labels, _ = into_every_class(given, min(loaded.classes, WIDEST))
        arrays["labels"] = labels.numpy()
    outputs = redraw_images(loaded.network, loaded.model.config, given, labels)
    return {"step": loaded.weights.step}, arrays | {"images": outputs.numpy()}


def test_image(memory: Memory, folder: str, label: str | None, index: int) -> Answer:
    """Returns one test image, of a class or of all, and the `count` of test images; larger indices wrap around.

    Raises:
        DataError: the data doesn't exist, or has no test images or no such class.
    """
    model = load(Path(folder))
    if model.data is None:
        raise DataError("training images gone", field="data", folder=folder)
    images = memory.images(model.data.model_copy(update={"classes": "all"}), "test")
    if label is not None:
        images = images.select(label)
    index %= len(images)
    chosen = pairs_in(model.data, images.part(slice(index, index + 1)))
    return {"count": len(images)}, {"image": chosen.inputs[0].numpy()}


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
    """Answers one request in its `language`; an error becomes the value `error`.

    For an error that isn't the user's, `untranslated` states that the message is in English.
    """
    values = dict(values)
    with speaking(values.pop("language", "en")):
        try:
            return ANSWERS[values.pop("ask")](memory, **values, **arrays)
        except PocketganError as error:
            return {"error": str(error), "field": error.field}, {}
        except Exception as error:  # A failed answer must not end the worker.
            return {"error": f"worker: {type(error).__name__}: {error}"[:300], "untranslated": True}, {}


def main(arguments: Sequence[str] = ()) -> None:
    """Answers requests from standard input on standard output until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    questions = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Output of a library must not get between the frames.
    memory = Memory()
    while (question := read_frame(questions)) is not None:
        write_frame(answers, *answer(memory, *question))


if __name__ == "__main__":
    main(sys.argv[1:])
