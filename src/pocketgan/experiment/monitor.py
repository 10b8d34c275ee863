"""Evaluation of a run during training: quality against real images, the best checkpoint, and the watchdog.

Nothing here changes training. Evaluations use their own random generators, and run the networks in evaluation mode
(fixed statistics, no dropout).
"""

import math
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from pocketgan.base.errors import DataError
from pocketgan.base.progress import Progress
from pocketgan.config.sections import PACKAGED, RunConfig
from pocketgan.experiment.diagnosis import DIAGNOSES, Diagnosis, History, diagnose
from pocketgan.experiment.run_words import line
from pocketgan.experiment.watchdog_words import sentence
from pocketgan.images.sets import ImageSet, derived_seed, load_images, to_network
from pocketgan.metrics.evaluation import Comparison, Reference, choose_space, labels_in
from pocketgan.metrics.features import FeatureSpace, kept
from pocketgan.metrics.frechet import frechet_distance
from pocketgan.metrics.registry import METRICS, Sample, missing
from pocketgan.runs.records import BEST
from pocketgan.runs.run import Run
from pocketgan.runs.sampling import draw_classes, redraw_images, run_generator
from pocketgan.training.checkpoints import save_checkpoint
from pocketgan.training.objectives import objective_of
from pocketgan.training.state import TrainState
from pocketgan.training.steps import Tick, discriminate, frozen

REFERENCE = 10_000
"""Largest number of training images that serve as the reference of a run without a validation set."""
JUDGED = 1000
"""Number of images of each kind that the discriminator scores."""
MEASURED = (
    "frechet_distance",
    "precision",
    "recall",
    "density",
    "coverage",
    "modes",
    "class_kl",
    "confidence",
    "label_agreement",
    "duplicates",
    "authentic",
    "copying",
)


class Follower:
    """Measures a run's networks during training.

    Args:
        run: the run.
        images: the run's training images.
        progress: the progress display, for slow preparations.

    Raises:
        DataError: there are too few images, or the feature space doesn't accept them.
    """

    def __init__(self, run: Run, images: ImageSet, progress: Progress) -> None:
        self.run, self.config = run, run.config
        self.space = space_for(run.config, progress)
        held_out = held_out_images(run.config)
        self.class_names = self.space.class_names or run.facts.class_names
        self.against = "validation" if held_out is not None else "train"
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(derived_seed(0, "following")))
        self.count = self._count(len(images), held_out)
        without = self.count if held_out is None and 2 * self.count <= len(images) else 0
        training = images.part(order[: min(REFERENCE, len(images) - without)])
        real = training if held_out is None else held_out
        least = METRICS["frechet_distance"].least
        if len(real) < least:
            raise DataError("too few to compare", found=len(real), least=least)
        known = self._look(training)
        self.reference = Reference(known if held_out is None else self._look(held_out), known, held_out is not None)
        self.inputs, self.labels = self._inputs(real, images.class_counts())
        self.floor = self._floor(images.part(order[len(training) : len(training) + len(self.inputs)]))
        self.authentic_floor: float | None = None
        if self.reference.held_out and len(known) > 1:
            held = self.reference.sample.part(slice(len(self.inputs)))
            self.authentic_floor = METRICS["authentic"].measure(Comparison(held, self.reference))
        self.varied = distinct_share(self.reference.sample.images[: len(self.inputs)]) > 0.5
        self.judged = [(part.images[:JUDGED], part.labels) for part in (training, real)]

    def _look(self, images: ImageSet) -> Sample:
        return kept(self.space, images, labels_in(self.class_names, images))

    def _inputs(self, real: ImageSet, class_counts: tuple[int, ...]) -> tuple[Tensor, Tensor | None]:
        """Returns the generator's input, the same at every evaluation: latents, or images to translate.

        Args:
            real: the real images of the comparison.
            class_counts: number of training images per class; classes are requested in these proportions.
        """
        count = self.count
        if self.config.reads_images:
            return real.images[:count], None
        generator = torch.Generator().manual_seed(derived_seed(self.config.seed, "evaluation"))
        latents = torch.randn(count, self.config.network.latent_dim, generator=generator)
        told = self.config.network.conditional
        return latents, draw_classes(class_counts, count, self.config.seed) if told else None

    def _count(self, images: int, held_out: ImageSet | None) -> int:
        """Returns the number of images to generate: the configured one, or fewer if the baseline is smaller.

        The Fréchet distance of a small sample is larger than that of a large one, so the score and its baseline use the
        same number of images. If the data set is too small to measure the baseline at all, the configured number is
        generated.
        """
        asked, least = self.config.evaluation.evaluate_count, METRICS["frechet_distance"].least
        others = min(REFERENCE, images) if held_out is not None else images // 2
        return min(asked, others) if others >= least else asked

    def _floor(self, others: ImageSet) -> float | None:
        """Returns the Fréchet distance of an equal number of real images; None if there aren't that many."""
        if self.against == "validation":
            assert self.reference.training is not None
            made = self.reference.training.part(slice(len(self.inputs)))
        else:
            made = self._look(others)
        if len(made) < len(self.inputs):
            return None
        return frechet_distance(made.features, self.reference.sample.features)

    def draw(self, generator: torch.nn.Module) -> Sample:
        """Generates the images of an evaluation; images with an inverted target are inverted back."""
        if self.config.reads_images:
            images = redraw_images(generator, self.config, self.inputs)
            images = 255 - images if self.config.data.target == "inverted" else images
        else:
            images = run_generator(generator, self.inputs, self.labels, self.config)
        asked = None
        if self.labels is not None:
            asked = labels_in(self.class_names, ImageSet(images, self.labels, self.run.facts.class_names, ""))
        return self.space(images, asked)

    def measure(self, state: TrainState) -> dict[str, Any]:
        """Returns the values of an evaluation by name: those of `METRICS`, and the watchdog's own measures."""
        comparison = Comparison(self.draw(state.generator_ema), self.reference)
        made = comparison.generated
        results: dict[str, Any] = {} if self.floor is None else {"frechet_floor": self.floor}
        if self.authentic_floor is not None:
            results["authentic_floor"] = self.authentic_floor
        if self.varied and (distinct := distinct_share(made.images)) < 1:
            results["distinct"] = distinct
        for name in MEASURED:
            metric = METRICS[name]
            if missing(metric, comparison) is None and len(made) >= metric.least:
                with suppress(ValueError):  # Not defined for these images, such as identical ones.
                    results[name] = metric.measure(comparison)
        if state.averages:
            raw = self.draw(state.generator)
            results["raw_frechet_distance"] = frechet_distance(raw.features, self.reference.sample.features)
        if made.probabilities is not None:
            there = self.classes_there()
            results["classes"] = there
            if "modes" in results:
                results["mode_share"] = results["modes"] / there
            results["histogram"] = [round(share, 4) for share in made.class_shares.tolist()]
        return results | self.judgement(state)

    def classes_there(self) -> int:
        """Returns how many of the classifier's classes occur in the training data: only these can be missing.

        If the class names of the data differ from those of the classifier, the classes that it finds in the real images
        count.
        """
        trained = set(self.run.facts.class_names)
        there = sum(name in trained for name in self.class_names)
        return there or int((self.reference.sample.class_shares > 0).sum())

    def judgement(self, state: TrainState) -> dict[str, float]:
        """Returns measures of the discriminator's outputs for training, validation and generated images.

        With a validation set: `r_v` (Karras et al. 2020, equation 1) and `r_v_deviations`, its numerator in standard
        errors. `r_v` is (E D(train) − E D(validation)) / (E D(train) − E D(generated)). Always: `generator_gradient`,
        the root mean square of the gradient of the generator's loss with respect to the pixels.
        """
        device = next(state.discriminator.parameters()).device
        training = state.discriminator.training
        state.discriminator.eval()
        made = self.inputs[:JUDGED]
        with torch.no_grad():
            logits = [self._logits(state, images, labels) for images, labels in self.judged]
            source = to_network(made, self.config.data.pixel_range) if self.config.reads_images else made
            labels = None if self.labels is None else self.labels[:JUDGED].to(device)
            averaging = state.generator.training
            images = state.generator.eval()(source.to(device), labels).float()
            state.generator.train(averaging)
        with frozen(state.discriminator_optimizer.parameters), torch.enable_grad():
            images.requires_grad_()
            fake = discriminate(state, images, labels, self.plain)
            real = logits[0][: len(fake)]
            loss = objective_of(self.config).generator_loss(real, fake[: len(real)])
            (gradient,) = torch.autograd.grad(loss.sum(), images)
        state.discriminator.train(training)
        results = {"generator_gradient": gradient.square().mean().sqrt().item()}
        if self.against == "validation":
            train, held_out, generated = logits[0].mean(), logits[1].mean(), fake.detach().mean()
            gap = (train - generated).item()
            results["r_v"] = (train - held_out).item() / gap if gap > 0 else 0.0
            error = sum(values.var() / len(values) for values in logits[:2]) ** 0.5
            results["r_v_deviations"] = ((train - held_out) / error).item()
        return results

    @property
    def plain(self) -> RunConfig:
        """The configuration without augmentation, which would use training's random generator."""
        train = self.config.train.model_copy(update={"augment": "none"})
        return self.config.model_copy(update={"train": train})

    def _logits(self, state: TrainState, images: Tensor, labels: Tensor | None) -> Tensor:
        device = next(state.discriminator.parameters()).device
        pixels = 255 - images if self.config.data.target == "inverted" else images
        chosen = None if labels is None else labels[: len(images)].to(device)
        return discriminate(state, to_network(pixels, self.config.data.pixel_range).to(device), chosen, self.plain)


def distinct_share(images: Tensor) -> float:
    """Returns the share of distinct images: uint8 (N, C, H, W) → a number in (0, 1]."""
    return len({image.tobytes() for image in images.numpy()}) / len(images)


def rounded(value: float) -> float | None:
    """Returns a number rounded to six significant digits; None if it is infinite or not a number."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def space_for(config: RunConfig, progress: Progress) -> FeatureSpace:
    """Returns the feature space for a run's evaluations; `auto` never trains a classifier for the user's own data."""
    name = config.evaluation.features
    if name == "auto" and config.data.data not in PACKAGED:
        name = "random"
    return choose_space(name, config.data, progress=progress)


def held_out_images(config: RunConfig) -> ImageSet | None:
    """Returns the validation set, or None if there is none."""
    if config.data.validation == 0:
        return None
    try:
        return load_images(config.data, "validation")
    except DataError:
        return None


class Watch:
    """Logs a run's evaluations, keeps its best checkpoint, and reports failures.

    Attributes:
        named: names of the open diagnoses.
        healthy_step: the last step before the latest failure; checkpoints up to this step are healthy.
    """

    def __init__(self, run: Run, images: ImageSet, progress: Progress) -> None:
        self.run, self.progress = run, progress
        self.follower: Follower | None = None
        if run.plan.evaluate_every is not None:
            try:
                self.follower = Follower(run, images, progress)
            except DataError as error:
                progress.say(line("not evaluated", why=error))
        self.named = self._open_names()
        self.healthy_step = 0

    def _open_names(self) -> set[str]:
        """Returns the names of the logged diagnoses that are still open: neither resolved nor rolled back since."""
        named: set[str] = set()
        for event in self.run.events():
            if event["event"] == "diagnosis":
                named.add(event["name"])
            elif event["event"] == "recovery":
                named.discard(event["name"])
            elif event["event"] == "rollback":
                named.clear()
        return named

    def evaluate(self, state: TrainState, tick: Tick) -> list[Diagnosis]:
        """Measures and logs the run at a tick, and keeps the best checkpoint; returns the failures newly detected."""
        if self.follower is None:
            return []
        result = self.follower.measure(state)
        row = {"step": tick.step, "nimg": tick.nimg, "epoch": round(tick.epoch, 6), "seconds": round(tick.seconds, 3)}
        space = self.follower.space
        row |= {"features": space.name, "features_version": space.version, "features_hash": space.hash}
        row |= {"reference": self.follower.against, "count": len(self.follower.inputs)}
        row |= {name: rounded(value) if isinstance(value, float) else value for name, value in result.items()}
        self.run.log_metrics(row)
        best, distance = self.run.best(), row.get("frechet_distance")
        if distance is not None:
            if best is None or distance < best["frechet_distance"]:
                measured = {name: row[name] for name in ("frechet_distance", "frechet_floor") if name in row}
                save_checkpoint(self.run.folder / "checkpoints", state, self.run.config, BEST, **measured)
            distances = [past["frechet_distance"] for past in self.run.metrics()]
            self.progress.show_quality(distances, row.get("frechet_floor"))
        return self.diagnose(tick.step)

    def diagnose(self, step: int) -> list[Diagnosis]:
        """Logs and shows newly detected and newly resolved problems; returns the failures among the new ones."""
        rows = [row for row in self.run.stats() if row["step"] <= step]
        diagnoses = diagnose(History(rows, self.run.metrics(), self.run.config.watchdog))
        new = [diagnosis for diagnosis in diagnoses if diagnosis.name not in self.named]
        for diagnosis in new:
            self.report(step, diagnosis)
        names = {diagnosis.name for diagnosis in diagnoses}
        explained = {name for name in self.named if names & set(DIAGNOSES[name].explained_by)}
        for name in sorted(self.named - names - explained):
            self.run.log_event(step, "recovery", name=name)
            self.progress.say(sentence({"event": "recovery", "step": step, "name": name}))
        self.named = names | explained
        failures = [diagnosis for diagnosis in new if diagnosis.failure]
        if failures:
            looked = DIAGNOSES[failures[0].name].looks_back(self.run.config.watchdog)
            before = self.run.metrics()[:-looked]
            self.healthy_step = before[-1]["step"] if before else 0
        return failures

    def report(self, step: int, diagnosis: Diagnosis) -> None:
        """Logs a diagnosis in the run folder and shows it."""
        results = {"name": diagnosis.name, "failure": diagnosis.failure, "evidence": diagnosis.evidence.to_json()}
        self.run.log_event(step, "diagnosis", **results)
        self.progress.say(sentence({"event": "diagnosis", "step": step, **results}))

    def out_of_patience(self) -> bool:
        """Returns whether `patience` evaluations have passed since the best one."""
        patience, best = self.run.config.evaluation.patience, self.run.best()
        if not patience or best is None:
            return False
        return sum(row["step"] > best["step"] for row in self.run.metrics()) >= patience
