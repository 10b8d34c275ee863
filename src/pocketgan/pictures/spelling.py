"""Numbers and words, written in images that a generator draws. PyTorch is loaded when something is written."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pocketgan.base.errors import PocketganError, RunError
from pocketgan.images.grids import Images, picture_bytes
from pocketgan.images.montage import Theme
from pocketgan.pictures.animation import fitting_scale
from pocketgan.runs.listing import newest_first
from pocketgan.runs.model import Model
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from torch import nn

CANDIDATES, MOST_CANDIDATES = 1_000, 100_000
"""Images that an unconditional generator draws for its characters to be found among."""
LONGEST = 1_000
"""Characters of a text."""


@dataclass(frozen=True)
class Written:
    """A text in generated images; shows itself as a picture in a notebook.

    Attributes:
        images: one a character, in a row without lines between them.
        text: the characters.
        folder: the run that drew them.
        seed: of its latents.
        drawn: the candidates among which characters were found; 0 where the generator was asked for each class.
        certainty: for each character that was found so, the classifier's probability for it.
    """

    images: Images
    text: str
    folder: Path
    seed: int
    drawn: int
    certainty: dict[str, float]

    @property
    def note(self) -> str:
        """How it was made, in a sentence."""
        if not self.drawn:
            return f"'{self.text}' in images of '{self.folder}', with seed {self.seed}"
        text = ", ".join(f"{character} {share:.1%}" for character, share in self.certainty.items())
        return (
            f"{self.drawn:,} images were drawn from '{self.folder}' with seed {self.seed}; kept for each digit is the "
            f"one that the classifier 'digits' is surest of: {text}"
        )

    def save(self, out: str | Path, *, scale: int | None = None, theme: Theme = "dark", labels: bool = False) -> Path:
        """Writes the text as `Images.save` does; by default a picture is enlarged to fit on a screen."""
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
    """Writes a text in images of a run. The same character, run and seed give the same image, in every text.

    A conditional run is asked for each class, always with the same latent. Of an unconditional run of MNIST, as many
    images are drawn as there are candidates, and for each digit the one is taken that the classifier of the feature
    space `digits` takes for that digit, and is surest of.

    Args:
        model: draws from noise.
        text: characters that are the names of its classes.
        seed: of the latents.
        candidates: images to find digits among, from an unconditional run.
        checkpoint: `best`, `last`, a step or `auto`.

    Raises:
        RunError: the run can't write this text, or none of its candidates is one of the digits.
    """
    check_text(model, text)
    if not 1 <= candidates <= MOST_CANDIDATES:
        raise RunError(
            "{candidates} won't do; 1 to {most_candidates:,} would",
            field="candidates",
            candidates=candidates,
            most_candidates=MOST_CANDIDATES,
        )
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
    """Checks that a run can be asked to write a text, without loading it.

    Raises:
        RunError: it can't; the message says why.
    """
    names, conditional = model.facts.class_names, model.config.network.conditional
    if model.config.reads_images:
        raise RunError(
            "'{folder}' redraws images and reads no noise, so it can't be asked for characters",
            field="run",
            folder=model.folder,
        )
    if not conditional and model.facts.source != "mnist":
        raise RunError(
            "'{folder}' is unconditional, and only MNIST's digits can be told apart without classes; a "
            "run that was trained with --conditional would do",
            field="run",
            folder=model.folder,
        )
    characters = [name for name in names if len(name) == 1]
    if not characters:
        few = ", ".join(f"'{name}'" for name in names[:3])
        raise RunError(
            "the classes of '{folder}' are {few}, …; only names of one character can be written",
            field="run",
            folder=model.folder,
            few=few,
        )
    if not 1 <= len(text) <= LONGEST:
        raise RunError(
            "{count:,} characters won't do; 1 to {longest:,} would", field="text", count=len(text), longest=LONGEST
        )
    for character in text:
        if character not in characters:
            known = "".join(characters)
            raise RunError(
                "'{folder}' has no class '{character}' to write '{text}' with; it has {known}",
                field="text",
                folder=model.folder,
                character=character,
                text=text,
                known=known,
            )


def ask_for_classes(model: Model, network: "nn.Module", seed: int) -> np.ndarray:
    """Returns an image of each class, always all of them, since an image differs by a rounding with its batch."""
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
    """Finds, for each character of a text, the image that the classifier takes for it, and is surest of.

    Surest is the greatest distance of the character's logit from the logarithm of the sum of the others' exponentials,
    since many probabilities round to 1.

    Returns:
        An image and the probability of each character.

    Raises:
        RunError: the classifier takes none of the images for one of the characters.
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
            raise RunError(
                "none of {count:,} images that '{folder}' drew with seed {seed} is a '{character}' to "
                "the classifier; more --candidates, another --seed or longer training may bring one",
                field="text",
                count=len(drawn),
                folder=model.folder,
                seed=seed,
                character=character,
            )
        chosen[character], certainty[character] = drawn[best], odds[best].sigmoid().item()
    return chosen, certainty


def preferred_run(text: str, folder: str | Path = "runs") -> Run:
    """Returns the best of the runs in a folder that have finished and can write the text.

    The best is the one with the lowest Fréchet distance for its real-data baseline; runs that weren't evaluated come
    after those that were, and of equals the one that finished last is taken.

    Raises:
        RunError: there is none; the message says why one of them can't.
    """
    finished = [run for run, status in newest_first(folder) if status.state == "finished"]
    if not finished:
        raise RunError(
            "no run in '{folder}' has finished; 'pocketgan train' makes one, or name one after the text",
            field="run",
            folder=folder,
        )
    reasons = []
    for run in sorted(finished, key=times_baseline):
        try:
            check_text(run, text)
        except PocketganError as error:
            reasons.append(str(error))
        else:
            return run
    raise RunError(next((reason for reason in reasons if reason.startswith("text: ")), reasons[0]))


def times_baseline(run: Run) -> float:
    """Returns a run's best Fréchet distance as a multiple of its real-data baseline; infinite where it has none."""
    best = run.best() or {}
    distance, baseline = best.get("frechet_distance", math.inf), best.get("frechet_floor", 0.0)
    return distance / baseline if baseline > 0 else math.inf
