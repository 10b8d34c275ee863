"""Training: one step of each network, and the loop that yields ticks."""

import math
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pocketgan.config.plan import Plan, what_is_due
from pocketgan.config.sections import RunConfig
from pocketgan.config.translating import task_of
from pocketgan.images.batches import Batch, Batches
from pocketgan.training.adaptive import follow, vary
from pocketgan.training.augment import augment
from pocketgan.training.ema import update_ema
from pocketgan.training.measures import check_finite, summarise
from pocketgan.training.objectives import objective_of, one_centred_penalty, set_loss, zero_centred_penalties
from pocketgan.training.schedules import at_step
from pocketgan.training.state import TrainState, autocast, global_random
from pocketgan.training.translation import reconstruction, seen, with_consistency, with_inputs, with_reconstruction

REAL_PER_FAKE = 8
"""Real images for each generated one where sets are compared. Real ones cost little, since no network sees them."""


@dataclass(frozen=True)
class Tick:
    """Progress report that the training loop yields.

    Attributes:
        step, nimg, epoch, seconds: the clocks; `seconds` counts training alone.
        measures: mean losses and accuracies since the last row, by the names in `MEASURES`; empty between rows.
        images_per_second: real images per second of training since the last row.
        row, sample, evaluate, checkpoint: what is due at this step.
        last: whether the duration is reached.
        stopped: whether a stop was requested.
    """

    step: int
    nimg: int
    epoch: float
    seconds: float
    measures: dict[str, float]
    images_per_second: float
    row: bool
    sample: bool
    evaluate: bool
    checkpoint: bool
    last: bool
    stopped: bool


def generate(state: TrainState, batch: Batch, config: RunConfig) -> Float[Tensor, "n c h w"]:
    """Runs the generator in training: on new latents, or on the batch's images if it translates images."""
    device = batch.real.device
    if config.reads_images:
        source = batch.source
    else:
        size = (len(batch.real), config.network.latent_dim)
        source = torch.randn(size, generator=state.random["latents"], device=device)
    with autocast(config, device.type):
        return state.generator(source, batch.labels).float()


def discriminate(state: TrainState, images: Tensor, labels: Tensor | None, config: RunConfig) -> Float[Tensor, "n *k"]:
    """Runs the discriminator on images, augmented if the configuration selects it.

    Args:
        state, config: as in `training_step`.
        images: shape (N, C, H, W); as `seen` returns them if the discriminator sees pairs.
        labels: one class per image, (N,); or K per image, (N, K), which gives logits of that shape; or None, without
            classes. Weights of classes are float, with one more dimension.
    """
    assert state.discriminator is not None
    background = 0.0 if config.data.pixel_range == "unit" else -1.0
    if task_of(config.data) == "invert":
        background = 1.0
    if state.strength is not None and config.train.augment == "auto":
        probability, flips = state.strength.probability, state.strength.flips
        images = vary(images, probability, background, flips, state.random["training"])
    else:
        images = augment(images, config.train.augment, background, state.random["training"])
    with autocast(config, images.device.type):
        return state.discriminator(images, labels).float()


def training_step(
    state: TrainState, batch: Batch, config: RunConfig, rate: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Updates the discriminator, then the generator.

    Returns:
        The discriminator's and the generator's loss, scalars; the discriminator's logits of the real and the generated
        images, (N,) each. All four are detached.
    """
    if not config.has_discriminator:
        return set_step(state, batch, config, rate)
    if config.objective.adversarial_weight == 0:
        return regression_step(state, batch, config, rate)
    if not config.objective.reuse_fake_batch:
        d_loss, real_logits, fake_logits = discriminator_step(state, batch, config, rate)
        g_loss = generator_step(state, batch, config, rate)
    else:
        fake = generate(state, batch, config)
        d_loss, real_logits, fake_logits = discriminator_step(state, batch, config, rate, fake.detach())
        g_loss = generator_step(state, batch, config, rate, fake, real_logits)
    return d_loss, g_loss, real_logits, fake_logits


def discriminator_step(
    state: TrainState, batch: Batch, config: RunConfig, rate: float, fake: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Updates the discriminator: once, or twice if `discriminator_batches` is `two-step`.

    Args:
        state, batch, config, rate: as in `training_step`.
        fake: generated images, (N, C, H, W), detached from their graph; None generates new ones.

    Returns:
        The loss, a scalar, and the logits of the real and the generated images, (N,) each; all detached.
    """
    if fake is None:
        with torch.no_grad():
            fake = generate(state, batch, config)
    batch, fake = with_inputs(batch, config), seen(fake, batch.source, config)
    update = two_updates if config.objective.discriminator_batches == "two-step" else single_update
    return update(state, batch, fake, config, rate)


def two_updates(
    state: TrainState, batch: Batch, fake: Tensor, config: RunConfig, rate: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Updates the discriminator on the real images, then on the generated ones; see `discriminator_step`."""
    objective, optimizer = objective_of(config), state.discriminator_optimizer
    assert optimizer is not None and objective.real_term is not None and objective.fake_term is not None
    real_logits = discriminate(state, batch.real, batch.labels, config)
    real_loss = objective.real_term(real_logits).mean()
    optimizer.step(real_loss, state.found_inf, rate)
    fake_logits = discriminate(state, fake, batch.labels, config)
    fake_loss = objective.fake_term(fake_logits).mean()
    optimizer.step(fake_loss, state.found_inf, rate)
    return (real_loss + fake_loss).detach() / 2, real_logits.detach(), fake_logits.detach()


def single_update(
    state: TrainState, batch: Batch, fake: Tensor, config: RunConfig, rate: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Updates the discriminator once, on real and generated images, with its penalties; see `discriminator_step`."""
    objective, settings = objective_of(config), config.objective
    labels = batch.labels

    # Penalties use the gradient with respect to the images before augmentation, and only the first images of the batch.
    r1, r2 = settings.penalties
    share = settings.penalty_batch_fraction if r1 + r2 + settings.gradient_penalty else 1
    first = slice(0, max(1, round(share * len(batch.real))))
    real = batch.real[first].detach().requires_grad_(r1 > 0)
    others, fake = fake[first.stop :], fake[first].requires_grad_(r2 > 0)
    told = told_classes(labels, config)
    some, rest = (None, None) if told is None else (told[first], told[first.stop :])
    real_logits, fake_logits = discriminate_both(state, real, fake, some, config)
    some_labels = None if labels is None else labels[first]
    penalty = penalties(state, real, fake, real_logits[:, 0], fake_logits[:, 0], some_labels, config)
    if len(others):
        more = discriminate_both(state, batch.real[first.stop :], others, rest, config)
        real_logits, fake_logits = torch.cat([real_logits, more[0]]), torch.cat([fake_logits, more[1]])

    # Adversarial loss, and mismatched-label loss.
    own, fake_own = real_logits[:, 0], fake_logits[:, 0]
    loss = objective.discriminator_loss(own, fake_own).mean()
    if settings.discriminator_batches == "concatenated" and not objective.relativistic:
        loss = loss / 2
    total = loss if penalty is None else loss + penalty
    if told is not None and settings.mismatched_label_weight:
        second = objective.discriminator_loss(own, real_logits[:, 1])
        differ = (told[:, 0] != told[:, 1]).view(len(told), -1).any(dim=1)
        total = total + settings.mismatched_label_weight * (second * differ).mean()
    assert state.discriminator_optimizer is not None
    state.discriminator_optimizer.step(total, state.found_inf, rate)
    return loss.detach(), own.detach(), fake_own.detach()


def told_classes(labels: Tensor | None, config: RunConfig) -> Tensor | None:
    """Returns the discriminator's class labels, (N, K): each image's own, and a mismatched one if configured."""
    if labels is None or not config.tells_classes:
        return None
    return torch.stack([labels, labels.roll(1)] if config.objective.mismatched_label_weight else [labels], dim=1)


def discriminate_both(
    state: TrainState, real: Tensor, fake: Tensor, told: Tensor | None, config: RunConfig
) -> tuple[Tensor, Tensor]:
    """Runs the discriminator on real and generated images, in one batch if `discriminator_batches` is `concatenated`.

    Returns:
        The logits of the real and the generated images: (N, K) for K classes per image, (N, 1) without classes.
    """
    if config.objective.discriminator_batches == "concatenated":
        both = None if told is None else torch.cat([told, told])
        logits = discriminate(state, torch.cat([real, fake]), both, config)
        real_logits, fake_logits = logits.chunk(2)
    else:
        real_logits, fake_logits = discriminate(state, real, told, config), discriminate(state, fake, told, config)
    return real_logits.view(len(real), -1), fake_logits.view(len(fake), -1)


def penalties(
    state: TrainState,
    real: Tensor,
    fake: Tensor,
    real_logits: Tensor,
    fake_logits: Tensor,
    labels: Tensor | None,
    config: RunConfig,
) -> Tensor | None:
    """Returns the weighted sum of the penalties on the discriminator's gradient, a scalar; None if there are none."""
    settings, terms = config.objective, []
    r1, r2 = settings.penalties
    if r1 and r2:  # One backward pass through the discriminator serves both.
        both, images = torch.cat([real_logits, fake_logits]), (real, fake)
        of_real, of_fake = zero_centred_penalties(both, images)
        terms += [r1 * of_real.mean(), r2 * of_fake.mean()]
    elif r1:
        terms.append(r1 * zero_centred_penalties(real_logits, (real,))[0].mean())
    elif r2:
        terms.append(r2 * zero_centred_penalties(fake_logits, (fake,))[0].mean())
    if settings.gradient_penalty:
        share = torch.rand(len(real), 1, 1, 1, generator=state.random["training"], device=real.device)
        between = torch.lerp(real.detach(), fake.detach(), share).requires_grad_()
        logits = discriminate(state, between, labels, config)
        terms.append(settings.gradient_penalty * one_centred_penalty(logits, between).mean())
    return sum(terms[1:], terms[0]) if terms else None


def generator_step(
    state: TrainState,
    batch: Batch,
    config: RunConfig,
    rate: float,
    fake: Tensor | None = None,
    real_logits: Tensor | None = None,
) -> Tensor:
    """Updates the generator once against the frozen discriminator.

    Args:
        state, batch, config, rate: as in `training_step`.
        fake: generated images, (N, C, H, W), attached to their graph; None generates new ones.
        real_logits: the discriminator's logits of the batch, (N,), for a relativistic loss; None computes them.

    Returns:
        The loss, a detached scalar.
    """
    objective = objective_of(config)
    assert state.discriminator_optimizer is not None
    with frozen(state.discriminator_optimizer.parameters):
        if fake is None:
            fake = generate(state, batch, config)
        fake_logits = discriminate(state, seen(fake, batch.source, config), batch.labels, config)
        if objective.relativistic and real_logits is None:
            with torch.no_grad():
                real_logits = discriminate(state, with_inputs(batch, config).real, batch.labels, config)
        loss = objective.generator_loss(real_logits, fake_logits).mean()
        if not config.unpaired:
            total = with_reconstruction(loss, fake, batch.real, config)
        else:
            total = with_consistency(loss, fake, batch, state, config)
        state.generator_optimizer.step(total, state.found_inf, rate)
    return loss.detach()


def regression_step(
    state: TrainState, batch: Batch, config: RunConfig, rate: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Updates the generator by its reconstruction loss alone.

    Returns:
        What `training_step` does, with zeros for the discriminator, which isn't trained.
    """
    fake = generate(state, batch, config)
    loss = config.objective.reconstruction_weight * reconstruction(fake, batch.real)
    state.generator_optimizer.step(loss, state.found_inf, rate)
    nothing = torch.zeros(len(fake), device=fake.device)
    return nothing.mean(), loss.detach(), nothing, nothing


def set_step(state: TrainState, batch: Batch, config: RunConfig, rate: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Updates the generator by comparing its images with real ones of the same class.

    Returns:
        What `training_step` does, with zeros for the discriminator, which doesn't exist.
    """
    real = batch.real.reshape(batch.groups, len(batch.real) // batch.groups, -1)  # (K, P, C·H·W)
    each = max(2, real.shape[1] // REAL_PER_FAKE)
    rows = torch.arange(len(batch.real), device=real.device).view(real.shape[:2])
    fake = generate(state, batch.part(rows[:, torch.arange(each) % real.shape[1]].flatten()), config)
    loss = set_loss(fake.reshape(batch.groups, each, -1), real, config)
    state.generator_optimizer.step(loss, state.found_inf, rate)
    nothing = torch.zeros(len(fake), device=fake.device)
    return nothing.mean(), loss.detach(), nothing, nothing


@contextmanager
def frozen(parameters: list[nn.Parameter]) -> Iterator[None]:
    """Disables gradients with respect to `parameters` inside."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def next_batch(batches: Batches, position: int, config: RunConfig) -> Batch:
    """Returns the batch of a step after `position` images, by class if the objective compares sets of images."""
    by_class = config.network.conditional and not config.has_discriminator
    return batches.by_class(position) if by_class else batches.at(position)


def one_step(
    state: TrainState, batches: Batches, config: RunConfig, plan: Plan
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Updates both networks on the next batch, and adapts the augmentation; see `training_step` for what it returns."""
    batch = next_batch(batches, state.nimg, config)
    now, rate = at_step(config, state.step, plan)
    with global_random(state, config):
        done = training_step(state, batch, now, rate * state.rate_scale)
        if state.strength is not None:
            score = partial(discriminate, state, config=config)
            follow(state.strength, state.step + 1, done[2:], batches.held_out, score)
    return done


def train(
    state: TrainState,
    batches: Batches,
    config: RunConfig,
    plan: Plan,
    stop: threading.Event | None = None,
    pauses: Collection[int] = (),
    every_seconds: float = math.inf,
) -> Iterator[Tick]:
    """Trains `state` in place until the end of the plan, and yields a tick whenever something is due.

    Time that the caller spends between ticks doesn't count as training time.

    Args:
        state: the starting point, updated in place; it stays valid if the caller stops iterating.
        batches: the data; the position in it is `state.nimg`.
        config: the run's configuration.
        plan: the run's durations in steps.
        stop: once set, the current step is completed, and the last tick has `stopped` set.
        pauses: steps after which a tick is yielded even if nothing is due.
        every_seconds: seconds of training after which a tick is yielded even if nothing is due.

    Raises:
        NonFiniteLoss: a loss was infinite or not a number; the weights are those from before it.
    """
    objective = objective_of(config) if config.has_discriminator else None
    history: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    row_step, row_seconds = state.step, state.seconds
    tick_at = time.perf_counter()
    started = tick_at - state.seconds
    while state.step < plan.steps:
        history.append(one_step(state, batches, config, plan))

        # Clocks and EMA generator.
        state.step += 1
        state.nimg += batches.batch_size
        if state.averages:
            update_ema(state, plan.half_life_after(state.nimg), batches.batch_size)

        # Tick, if something is due.
        stopped = stop is not None and stop.is_set()
        dues = row, sample, *_ = what_is_due(state.step, plan, stopped)
        now = time.perf_counter()
        if not (row or sample or state.step in pauses or now - tick_at >= every_seconds):
            continue
        measures = summarise(history, objective) if row else {}
        state.seconds = time.perf_counter() - started  # Reading the measures has waited for the last step.
        if row:
            check_finite(state, measures)
        speed = (state.step - row_step) * batches.batch_size / max(state.seconds - row_seconds, 1e-9)
        yield Tick(
            state.step, state.nimg, state.nimg / len(batches.images), state.seconds, measures, speed, *dues, stopped
        )
        if row:
            history.clear()
            row_step, row_seconds = state.step, state.seconds
        if stopped:
            return
        tick_at = time.perf_counter()
        started = tick_at - state.seconds
