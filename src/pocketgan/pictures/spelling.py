"""Numbers and words in generated images. PyTorch is imported only when a text is written."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pocketgan.base.errors import PocketganError, RunError
from pocketgan.base.language import localised
from pocketgan.base.messages import problem
from pocketgan.images.grids import Images, picture_bytes
from pocketgan.images.montage import Theme
from pocketgan.pictures.animation import fitting_scale
from pocketgan.runs.listing import newest_first
from pocketgan.runs.model import Model
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from torch import nn

CANDIDATES, MOST_CANDIDATES = 1_000, 100_000
"""Default and maximum number of images from which an unconditional generator's characters are chosen."""
LONGEST = 1_000
"""Maximum number of characters in a text."""


@dataclass(frozen=True)
class Written:
    """A text in generated images, which a notebook displays as a picture.

    Attributes:
        images: one image per character, in a row without lines between them.
        text: the characters.
        folder: the folder of the run or model.
        seed: the seed of the latents.
        drawn: the number of candidates for the characters; 0 if the generator is conditional.
        certainty: the classifier's probability for each character that was chosen from candidates.
    """

    images: Images
    text: str
    folder: Path
    seed: int
    drawn: int
    certainty: dict[str, float]

    @property
    def note(self) -> str:
        """A sentence on how the images were generated, in the current language."""
        if not self.drawn:
            return problem("written", text=self.text, folder=self.folder, seed=str(self.seed))
        text = ", ".join(f"{character} {localised(f'{share:.1%}')}" for character, share in self.certainty.items())
        parts = {"count": self.drawn, "folder": self.folder, "seed": str(self.seed), "certainty": text}
        return problem("written from candidates", **parts)

    def save(self, out: str | Path, *, scale: int | None = None, theme: Theme = "dark", labels: bool = False) -> Path:
        """Writes the text like `Images.save`; by default, a picture is enlarged to fit on a screen."""
        if scale is None and Path(out).suffix.lower() in (".png", ".jpg", ".jpeg"):
            scale = fitting_scale(self.images.images.shape, len(self.images))
        return self.images.save(out, scale=scale, theme=theme, labels=labels)

    def _repr_png_(self) -> bytes:
        return picture_bytes(self.images.picture(fitting_scale(self.images.images.shape, len(self.images))))


def write_text(
    model: Model,
    text: str,
    *,
    seed: int = 0,
    candidates: int = CANDIDATES,
    checkpoint: str | int = "auto",
) -> Written:
    """Writes a text in a run's images. The same character, run and seed give the same image in every text.

    A conditional run generates each requested class, always from the same latent. An unconditional run of MNIST
    generates the candidates. Of those that the classifier of the feature space `digits` recognizes as the digit, the
    one with the greatest certainty is chosen.

    Args:
        model: a model that generates from noise.
        text: characters that are names of its classes.
        seed: the seed of the latents.
        candidates: the number of images from which an unconditional run's digits are chosen.
        checkpoint: `best`, `last`, a step or `auto`.

    Raises:
        RunError: the run can't write this text, or none of its candidates is recognized as one of the digits.
    """
    check_text(model, text)
    if not 1 <= candidates <= MOST_CANDIDATES:
        raise RunError("count at once", field="candidates", count=candidates, most=MOST_CANDIDATES)
    from pocketgan.runs.weights import load_generator

    network = load_generator(model, checkpoint)
    names, conditional = model.facts.class_names, model.config.network.conditional
    certainty: dict[str, float] = {}
    if conditional:
        drawn = ask_for_classes(model, network, seed)
        chosen = {name: drawn[place] for place, name in enumerate(names)}
    else:
        drawn = draw_candidates(model, network, seed, candidates)
        chosen, certainty = find_digits(model, drawn, text, seed)
    images = Images(
        images=np.stack([chosen[character] for character in text]),
        labels=np.array([names.index(character) for character in text]),
        columns=len(text),
        gap=0,
    ).named(names)
    return Written(images, text, model.folder, seed, 0 if conditional else candidates, certainty)


def check_text(model: Model, text: str) -> None:
    """Checks that a run can write a text, without loading its weights.

    Raises:
        RunError: it can't; the message says why.
    """
    names, conditional = model.facts.class_names, model.config.network.conditional
    if model.config.reads_images:
        raise RunError("no characters", field="run", folder=model.folder)
    if not conditional and model.facts.source != "mnist":
        raise RunError("no classes to recognize", field="run", folder=model.folder)
    characters = [name for name in names if len(name) == 1]
    if not characters:
        few = ", ".join(f"'{name}'" for name in names[:3])
        raise RunError("long class names", field="run", folder=model.folder, few=few)
    if not 1 <= len(text) <= LONGEST:
        raise RunError("length of text", field="text", count=len(text), most=LONGEST)
    for character in text:
        if character not in characters:
            known = "".join(characters)
            parts = {"folder": model.folder, "character": character, "text": text, "known": known}
            raise RunError("no such character", field="text", **parts)


def ask_for_classes(model: Model, network: "nn.Module", seed: int) -> np.ndarray:
    """Returns one image of each class, always in one batch of all, since rounding depends on the batch."""
    import torch

    from pocketgan.runs.sampling import run_generator, sample_latents

    classes = len(model.facts.class_names)
    latents = sample_latents(model.config, 1, seed).expand(classes, -1)
    return run_generator(network, latents, torch.arange(classes), model.config).numpy()


def draw_candidates(model: Model, network: "nn.Module", seed: int, count: int) -> np.ndarray:
    """Returns images of an unconditional generator, uint8, shape (count, 1, 28, 28)."""
    from pocketgan.runs.sampling import generate_images

    return generate_images(network, model.config, 0, count=count, seed=seed).images


def find_digits(
    model: Model, drawn: np.ndarray, text: str, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Finds the image for each character of a text: the one that the classifier recognizes with the greatest certainty.

    Certainty is the distance of the character's logit from the logarithm of the sum of the other logits' exponentials,
    because many probabilities round to 1.

    Returns:
        An image and a probability for each character.

    Raises:
        RunError: the classifier recognizes none of the images as one of the characters.
    """
    import torch

    from pocketgan.metrics.features import digits

    space = digits()
    _, logits = space.embed(torch.from_numpy(drawn))
    assert logits is not None
    logits, predicted = logits.double(), logits.argmax(dim=1)
    chosen, certainty = {}, {}
    for character in dict.fromkeys(text):
        place = space.class_names.index(character)
        others = torch.cat([logits[:, :place], logits[:, place + 1 :]], dim=1).logsumexp(dim=1)
        odds = (logits[:, place] - others).masked_fill(predicted != place, -torch.inf)
        best = int(odds.argmax())
        if predicted[best] != place:
            parts = {"count": len(drawn), "folder": model.folder, "seed": str(seed), "character": character}
            raise RunError("character not recognized", field="text", **parts)
        chosen[character], certainty[character] = drawn[best], odds[best].sigmoid().item()
    return chosen, certainty


def preferred_run(text: str, folder: str | Path = "runs") -> Run:
    """Returns the best of a folder's finished runs that can write the text.

    The best run has the lowest Fréchet distance relative to its real-data baseline. Runs without evaluations come last,
    and the most recently finished of equal runs is chosen.

    Raises:
        RunError: there is none; the message says why one of the runs can't write the text.
    """
    finished = [run for run, status in newest_first(folder) if status.state == "finished"]
    if not finished:
        raise RunError("no finished run", field="run", folder=folder)
    refused = []
    for run in sorted(finished, key=times_baseline):
        try:
            check_text(run, text)
        except PocketganError as error:
            refused.append(error)
        else:
            return run
    raise next((error for error in refused if error.field == "text"), refused[0])


def times_baseline(run: Run) -> float:
    """Returns a run's best Fréchet distance as a multiple of its real-data baseline; infinite without a baseline."""
    best = run.best() or {}
    distance, baseline = best.get("frechet_distance", math.inf), best.get("frechet_floor", 0.0)
    return distance / baseline if baseline > 0 else math.inf
