"""Evaluation of a run during training: quality against real images, the best checkpoint, and the watchdog.

Nothing here changes training. Evaluations use their own random generators, and run the networks in evaluation mode
(fixed statistics, no dropout).
"""

from typing import Any

import torch
from torch import Tensor

from pocketgan.base.errors import DataError
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.diagnosis import Diagnosis
from pocketgan.experiment.quality import Quality
from pocketgan.experiment.run_words import line
from pocketgan.experiment.watchdog import Watchdog, clocks
from pocketgan.images.pair_sets import pairs_in, unchanged_pairs
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import ImageSet, to_network
from pocketgan.images.tasks import Pairs, judged
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.registry import Reference, Sample
from pocketgan.metrics.translation import dependence, fidelity
from pocketgan.networks import build_discriminator
from pocketgan.networks.bounded import gives_probabilities
from pocketgan.runs.records import BEST
from pocketgan.runs.requests import drawn_conditions
from pocketgan.runs.run import Run
from pocketgan.runs.sampling import draw_classes, redraw_images, run_generator
from pocketgan.runs.weights import image_shape
from pocketgan.training.checkpoints import save_checkpoint
from pocketgan.training.objectives import objective_of
from pocketgan.training.state import TrainState
from pocketgan.training.steps import Tick, discriminate, frozen
from pocketgan.training.translation import seen

JUDGED = 1000
"""Number of images of each kind that the discriminator scores."""


class Follower:
    """Measures a run's networks during training.

    Args:
        run: the run.
        images: the run's training images.
        progress: the progress display, for slow preparations.

    Attributes:
        quality: measures the generated images.
        inputs, labels: the generator's input and the requested classes, the same at every evaluation.
        pairs: the inputs of an image-to-image generator with their targets; None for others.
        unchanged: of translation between classes, images to translate into their own classes; otherwise None.

    Raises:
        DataError: there are too few images, or the feature space doesn't accept them.
    """

    def __init__(self, run: Run, images: ImageSet, progress: Progress) -> None:
        self.config, self.facts = run.config, run.facts
        self.quality = Quality(run, images, progress)
        self.pairs: Pairs | None = None
        self.inputs, self.labels = self._inputs(self.quality.inputs, images.class_counts())
        self.unchanged: Pairs | None = None
        if self.config.changes_class:
            self.unchanged = unchanged_pairs(self.quality.inputs.part(slice(self.quality.count)))
        held_out = self.quality.held_out or self.quality.real
        self.judged = [part.part(slice(JUDGED)) for part in (self.quality.training, held_out)]

    @property
    def reference(self) -> Reference:
        """The real images of the comparison."""
        return self.quality.reference

    @property
    def space(self) -> FeatureSpace:
        """The feature space."""
        return self.quality.space

    def _inputs(self, real: ImageSet, class_counts: tuple[int, ...]) -> tuple[Tensor, Tensor | None]:
        """Returns the generator's input, the same at every evaluation: latents, or images to translate.

        Args:
            real: the images to translate.
            class_counts: number of training images per class; classes are requested in these proportions.
        """
        count = self.quality.count
        if self.config.reads_images:
            self.pairs = pairs_in(self.config.data, real.part(slice(count)))
            classes = self.pairs.classes if self.config.changes_class else None
            return self.pairs.inputs, None if classes is None else classes[0]
        generator = torch.Generator().manual_seed(derived_seed(self.config.seed, "evaluation"))
        latents = torch.randn(count, self.config.network.latent_dim, generator=generator)
        if not self.config.network.conditional:
            return latents, None
        conditions = drawn_conditions(self.facts, count, self.config.seed)
        return latents, draw_classes(class_counts, count, self.config.seed) if conditions is None else conditions

    def draw(self, generator: torch.nn.Module) -> Sample:
        """Generates the images of an evaluation."""
        if self.config.reads_images:
            return self.look(redraw_images(generator, self.config, self.inputs, self.labels))
        images = run_generator(generator, self.inputs, self.labels, self.config)
        classes = None if self.labels is None or self.labels.is_floating_point() else self.labels
        return self.quality.look(images, classes)

    def look(self, outputs: Tensor) -> Sample:
        """Returns the outputs of a translation with their features, dark ones on white inverted back."""
        return self.quality.look(judged(self.config.data, outputs), self.labels)

    def measure(self, state: TrainState) -> dict[str, Any]:
        """Returns the values of an evaluation by name: those of `METRICS`, and the watchdog's own measures."""
        results: dict[str, Any] = {}
        if self.pairs is None:
            made = self.draw(state.generator_ema)
        else:
            outputs = redraw_images(state.generator_ema, self.config, self.inputs, self.labels)
            made = self.look(outputs)
            results |= dependence(outputs, self.pairs) if self.unchanged is None else self.of_unchanged(state)
            if self.pairs.matched:
                results |= fidelity(outputs, self.pairs.targets)
        results |= self.quality.scores(made)
        if state.averages:
            results["raw_frechet_distance"] = self.quality.distance(self.draw(state.generator))
        results |= self.quality.shares(made, results.get("modes"))
        judges = self.config.has_discriminator and self.config.objective.adversarial_weight > 0
        return results | (self.judgement(state) if judges else {})

    def of_unchanged(self, state: TrainState) -> dict[str, float]:
        """Returns how much outputs of the inputs' own classes depend on the inputs; see `unchanged_pairs`."""
        assert self.unchanged is not None and self.unchanged.classes is not None
        outputs = redraw_images(state.generator_ema, self.config, self.unchanged.inputs, self.unchanged.classes[0])
        return dependence(outputs, self.unchanged)

    def judgement(self, state: TrainState) -> dict[str, float]:
        """Returns measures of the discriminator's outputs for training, validation and generated images.

        With a validation set: `r_v` (Karras et al. 2020, equation 1), its standard error `r_v_error`, and
        `r_v_deviations`, its numerator in standard errors. `r_v` is (E D(train) − E D(validation)) / (E D(train) −
        E D(generated)). Always: `generator_gradient`, the root mean square of the gradient of the generator's loss with
        respect to the pixels.
        """
        assert state.discriminator is not None and state.discriminator_optimizer is not None
        device = state.found_inf.device
        training = state.discriminator.training
        state.discriminator.eval()
        made = self.inputs[:JUDGED]
        with torch.no_grad():
            logits = [self._logits(state, part) for part in self.judged]
            source = to_network(made, self.config.data.pixel_range) if self.config.reads_images else made
            told = self.pairs.classes[0] if self.pairs and self.pairs.classes else self.labels
            labels = None if told is None else told[:JUDGED].to(device)
            averaging = state.generator.training
            images = state.generator.eval()(source.to(device), labels).float()
            state.generator.train(averaging)
        with frozen(state.discriminator_optimizer.parameters), torch.enable_grad():
            images.requires_grad_()
            fake = discriminate(state, seen(images, source.to(device), self.config), labels, self.plain)
            real = logits[0][: len(fake)]
            loss = objective_of(self.config).generator_loss(real, fake[: len(real)])
            (gradient,) = torch.autograd.grad(loss.sum(), images)
        state.discriminator.train(training)
        results = {"generator_gradient": gradient.square().mean().sqrt().item()}
        if self.quality.held_out is not None:
            train, held_out, generated = logits[0].mean(), logits[1].mean(), fake.detach().mean()
            gap = (train - generated).item()
            results["r_v"] = (train - held_out).item() / gap if gap > 0 else 0.0
            error = sum(values.var() / len(values) for values in logits[:2]) ** 0.5
            results["r_v_deviations"] = ((train - held_out) / error).item()
            results["r_v_error"] = (error / gap).item() if gap > 0 else 0.0
        return results

    @property
    def plain(self) -> RunConfig:
        """The configuration without augmentation, which would use training's random generator."""
        train = self.config.train.model_copy(update={"augment": "none"})
        return self.config.model_copy(update={"train": train})

    def _logits(self, state: TrainState, real: ImageSet) -> Tensor:
        device = state.found_inf.device
        told = real.labels if real.conditions is None else real.conditions
        chosen = None if told is None else told.to(device)
        pixels = self.config.data.pixel_range
        if not self.config.reads_images:
            return discriminate(state, to_network(real.images, pixels).to(device), chosen, self.plain)
        pairs = pairs_in(self.config.data, real)
        images, inputs = (to_network(part, pixels).to(device) for part in (pairs.targets, pairs.inputs))
        chosen = chosen if pairs.classes is None else pairs.classes[1].to(device)
        return discriminate(state, seen(images, inputs, self.config), chosen, self.plain)


class Watch:
    """Logs a run's evaluations, keeps its best checkpoint, and reports failures.

    Args:
        run: the run.
        images: the run's training images.
        progress: the progress display.

    Attributes:
        follower: measures the networks; None if the run isn't evaluated.
        watchdog: reports failures.
    """

    def __init__(self, run: Run, images: ImageSet, progress: Progress) -> None:
        self.run, self.watchdog = run, Watchdog(run, progress)
        self.follower: Follower | None = None
        if run.plan.evaluate_every is not None:
            try:
                self.follower = Follower(run, images, progress)
            except DataError as error:
                progress.say(line("not evaluated", why=error))
        if self.follower is not None and not run.config.has_discriminator:
            progress.say(line("watched alone"))
        if not run.checkpoints() and ends_in_sigmoid(run):
            progress.say(problem("gives probabilities", name=run.config.network.discriminator))

    def evaluate(self, state: TrainState, tick: Tick) -> list[Diagnosis]:
        """Measures and logs the run at a tick, and keeps the best checkpoint; returns the failures newly detected."""
        if self.follower is None:
            return []

        def keep_best(measured: dict[str, float]) -> None:
            save_checkpoint(self.run.folder / "checkpoints", state, self.run.config, BEST, **measured)

        values = self.follower.quality.about() | self.follower.measure(state)
        return self.watchdog.take(clocks(tick), values, keep_best)


def ends_in_sigmoid(run: Run) -> bool:
    """Returns whether a discriminator of one's own returns probabilities to an objective that takes logits."""
    config = run.config
    own = config.has_discriminator and "discriminator" in config.parts
    if not own or config.facts("objective").logits == "score":
        return False
    shape, pixels = image_shape(run.facts, config.tells_classes), config.data.pixel_range
    return gives_probabilities(lambda seed: build_discriminator(config.network, shape, seed, pixels), shape)
