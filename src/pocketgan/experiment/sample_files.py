"""Sample pictures of a run, and the discriminator's score of each image in them."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pocketgan.base.files import write_json
from pocketgan.config.durations import Duration
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.watchdog import clocks
from pocketgan.images.grids import Images, grid, sample_columns, save_picture
from pocketgan.images.pair_sets import pairs_in
from pocketgan.images.sets import ImageSet, to_network
from pocketgan.images.tasks import Pairs
from pocketgan.runs.requests import drawn_conditions
from pocketgan.runs.run import Run
from pocketgan.runs.sampling import redraw_images, run_generator, sample_latents, side_by_side
from pocketgan.training.objectives import Objective, objective_of
from pocketgan.training.state import TrainState
from pocketgan.training.steps import Tick, discriminate
from pocketgan.training.translation import seen


class Sampler:
    """Writes the sample pictures of a run, always from the same latents (or the same images to translate)."""

    def __init__(self, run: Run, images: ImageSet) -> None:
        self.run = run
        config, count = run.config, run.config.pictures.sample_count
        classes = len(run.facts.class_names) if config.network.conditional else 0
        self.labels = torch.arange(count) % classes if classes else None
        if config.network.conditional and (told := drawn_conditions(run.facts, count, config.seed)) is not None:
            self.labels, classes = told, 0
        self.columns = sample_columns(config, classes)
        chosen = torch.linspace(0, len(images) - 1, count).long()
        part = images.part(chosen)
        self.pairs = pairs_in(config.data, part) if config.reads_images else Pairs(part.images, part.images)
        self.classes = images.labels[chosen] if classes and images.labels is not None else None
        if self.labels is not None and not classes and images.conditions is not None:
            self.classes = images.conditions[chosen]
        if self.pairs.classes is not None:
            requested, self.classes = self.pairs.classes
            self.labels = requested if self.labels is None else self.labels  # Between classes, they take turns.
        if not config.reads_images:
            self.latents = sample_latents(config, count, config.seed)

    def write(self, state: TrainState, tick: Tick) -> None:
        """Generates the samples of this moment and writes them into `samples/`, with the discriminator's scores."""
        run = self.run
        if run.config.reads_images:
            made = redraw_images(state.generator_ema, run.config, self.pairs.inputs, self.labels)
            pictures = side_by_side(self.pairs.inputs, made)
        else:
            made = run_generator(state.generator_ema, self.latents, self.labels, run.config)
            pictures = Images(made.numpy(), columns=self.columns)
        by_epoch = run.config.pictures.count_by == "epoch" and whole_epochs(run.config.pictures.sample_every)
        moment = f"epoch_{tick.epoch:03.0f}" if by_epoch else f"step_{tick.step:06d}"
        path = run.folder / "samples" / f"{run.config.pictures.sample_name}_{moment}.png"
        save_picture(grid(pictures.images, pictures.columns), path)
        write_json(path.with_suffix(".json"), clocks(tick) | self.judge(state, made), durable=False)

    def judge(self, state: TrainState, made: Tensor) -> dict[str, Any]:
        """Returns the discriminator's scores of generated images, as described in `docs/reference/run-folder.md`.

        Args:
            state: the training state; its networks and random generators are left unchanged.
            made: uint8, shape (N, C, H, W).

        Returns:
            Nothing without a discriminator.
        """
        if not self.run.config.has_discriminator:
            return {}
        objective = objective_of(self.run.config)
        fake = logits_of(state, Pairs(self.pairs.inputs, made), self.labels, self.run.config)
        boundary = objective.boundary
        if boundary is None:
            real = logits_of(state, self.pairs, self.classes, self.run.config)
            boundary = (real.mean().item() + fake.mean().item()) / 2
        sure = sureness(fake, boundary, objective)
        return {"logits": rounded(fake), "boundary": rounded(torch.tensor([boundary]))[0], "real": rounded(sure)}


def rounded(values: Float[Tensor, "n"]) -> list[float | None]:
    """Returns numbers rounded to four significant digits; None for those that are infinite or not a number."""
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in values.tolist()]


@torch.no_grad()
def logits_of(state: TrainState, pairs: Pairs, labels: Tensor | None, config: RunConfig) -> Float[Tensor, "n"]:
    """Returns the discriminator's logits of images, without augmentation, which would use random numbers.

    Args:
        state, config: of the run.
        pairs: the images as targets; their inputs are used only by a discriminator that sees pairs.
        labels: the classes, int64 (N,), or None.
    """
    plain = config.model_copy(update={"train": config.train.model_copy(update={"augment": "none"})})
    assert state.discriminator is not None
    device, training = state.found_inf.device, state.discriminator.training
    state.discriminator.eval()
    chosen = None if labels is None else labels.to(device)
    images = to_network(pairs.targets, config.data.pixel_range).to(device)
    if config.reads_pairs:
        images = seen(images, to_network(pairs.inputs, config.data.pixel_range).to(device), config)
    logits = discriminate(state, images, chosen, plain)
    state.discriminator.train(training)
    return logits.cpu()


def sureness(logits: Float[Tensor, "n"], boundary: float, objective: Objective) -> Float[Tensor, "n"]:
    """Returns the discriminator's confidence that images are real, in [0, 1].

    Where the logits are scores around [0, 1], as in the least-squares objective, they are clamped. Otherwise the
    confidence is σ(logit − boundary).
    """
    return logits.clamp(0, 1) if objective.logits == "score" else torch.sigmoid(logits - boundary)


def whole_epochs(interval: str) -> bool:
    """Returns whether the epoch alone identifies each picture at this interval."""
    if interval in ("none", "end"):
        return True
    duration = Duration.parse(interval)
    return duration.unit == "epochs" and duration.value.is_integer()
