"""Following a run while it trains: quality against held-out images, the best checkpoint, the watchdog's word.

Nothing here changes training: evaluations draw from random generators of their own, and look at the networks as they
are used afterwards (fixed statistics, no dropout).
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
from pocketgan.training.objectives import OBJECTIVES
from pocketgan.training.state import TrainState
from pocketgan.training.steps import Tick, discriminate, frozen

REFERENCE = 10_000
"""Training images that a run without a validation part is followed against, at most."""
JUDGED = 1000
"""Images that the discriminator is asked about, of each kind."""
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
    """Measures a run's networks as it trains.

    Args:
        run: the run.
        images: what it trains on.
        progress: shows what takes long.

    Raises:
        DataError: the images are too few, or the feature space doesn't take them.
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
        """Returns what the generator is given at every evaluation: always the same latents, or images to redraw.

        Args:
            real: what it is held against.
            class_counts: training images of each class, which the generator is asked for as often.
        """
        count = self.count
        if self.config.reads_images:
            return real.images[:count], None
        generator = torch.Generator().manual_seed(derived_seed(self.config.seed, "evaluation"))
        latents = torch.randn(count, self.config.network.latent_dim, generator=generator)
        told = self.config.network.conditional
        return latents, draw_classes(class_counts, count, self.config.seed) if told else None

    def _count(self, images: int, held_out: ImageSet | None) -> int:
        """Returns how many images are generated: as many as asked for, or as there are real ones for the baseline.

        The distance of few images is larger than that of many, so both are made with as many. Of a set that is too
        small for the baseline to be measured at all, as many as asked for are generated.
        """
        asked, least = self.config.evaluation.evaluate_count, METRICS["frechet_distance"].least
        others = min(REFERENCE, images) if held_out is not None else images // 2
        return min(asked, others) if others >= least else asked

    def _floor(self, others: ImageSet) -> float | None:
        """Returns the Fréchet distance that as many real images have; None where there aren't as many."""
        if self.against == "validation":
            assert self.reference.training is not None
            made = self.reference.training.part(slice(len(self.inputs)))
        else:
            made = self._look(others)
        if len(made) < len(self.inputs):
            return None
        return frechet_distance(made.features, self.reference.sample.features)

    def draw(self, generator: torch.nn.Module) -> Sample:
        """Generates the images of an evaluation; redrawn ones are judged inverted back."""
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
        """Returns what an evaluation finds, by name: `METRICS`, and the watchdog's own measures."""
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
                with suppress(ValueError):  # It can't judge these, as where all are alike; the others go on.
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
        """Returns how many of the classifier's classes the training data have: only those can be missing.

        Where its classes are called otherwise, as many as it finds in the real images.
        """
        trained = set(self.run.facts.class_names)
        there = sum(name in trained for name in self.class_names)
        return there or int((self.reference.sample.class_shares > 0).sum())

    def judgement(self, state: TrainState) -> dict[str, float]:
        """Returns what the discriminator makes of training, held-out and generated images.

        `r_v` (Karras et al. 2020, equation 1): (E D(train) − E D(held out)) / (E D(train) − E D(generated)), only with
        held-out images, and `r_v_deviations`, its numerator in standard errors; `generator_gradient`: the root mean
        square of the gradient of the generator's loss by a pixel.
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
            loss = OBJECTIVES[self.config.objective.objective].generator_loss(real, fake[: len(real)])
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
        """The configuration without augmentation, which would draw from training's random generator."""
        train = self.config.train.model_copy(update={"augment": "none"})
        return self.config.model_copy(update={"train": train})

    def _logits(self, state: TrainState, images: Tensor, labels: Tensor | None) -> Tensor:
        device = next(state.discriminator.parameters()).device
        pixels = 255 - images if self.config.data.target == "inverted" else images
        chosen = None if labels is None else labels[: len(images)].to(device)
        return discriminate(state, to_network(pixels, self.config.data.pixel_range).to(device), chosen, self.plain)


def distinct_share(images: Tensor) -> float:
    """Returns how many different images there are, as a share of all: uint8 (N, C, H, W) → a number in (0, 1]."""
    return len({image.tobytes() for image in images.numpy()}) / len(images)


def rounded(value: float) -> float | None:
    """Returns six significant digits of a number; None where it is infinite or not a number."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def space_for(config: RunConfig, progress: Progress) -> FeatureSpace:
    """Returns the feature space that a run is followed in; without being asked, no classifier is trained for it."""
    name = config.evaluation.features
    if name == "auto" and config.data.data not in PACKAGED:
        name = "random"
    return choose_space(name, config.data, progress=progress)


def held_out_images(config: RunConfig) -> ImageSet | None:
    """Returns the validation part, or None where nothing is held out."""
    if config.data.validation == 0:
        return None
    try:
        return load_images(config.data, "validation")
    except DataError:
        return None


class Watch:
    """Logs a run's evaluations, keeps its best checkpoint, and says what goes wrong.

    Attributes:
        named: the diagnoses that stand.
        healthy_step: what was saved until this step is from before the last failure that was named.
    """

    def __init__(self, run: Run, images: ImageSet, progress: Progress) -> None:
        self.run, self.progress = run, progress
        self.follower: Follower | None = None
        if run.plan.evaluate_every is not None:
            try:
                self.follower = Follower(run, images, progress)
            except DataError as error:
                progress.say(f"the run is not evaluated as it trains: {error}")
        self.named = self._open_names()
        self.healthy_step = 0

    def _open_names(self) -> set[str]:
        """Returns what was named and stands: neither recovered since, nor rolled back."""
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
        """Measures the run at a tick, logs it, keeps the best checkpoint; returns the failures newly found."""
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
        """Logs and shows what has newly gone wrong or right again; returns the failures among the former."""
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
        """Writes a diagnosis into the run and shows it."""
        results = {"name": diagnosis.name, "failure": diagnosis.failure, "evidence": diagnosis.evidence.to_json()}
        self.run.log_event(step, "diagnosis", **results)
        self.progress.say(sentence({"event": "diagnosis", "step": step, **results}))

    def out_of_patience(self) -> bool:
        """Whether as many evaluations as `patience` have passed since the best one."""
        patience, best = self.run.config.evaluation.patience, self.run.best()
        if not patience or best is None:
            return False
        return sum(row["step"] > best["step"] for row in self.run.metrics()) >= patience
