"""Training: one step of each network, the average, the ticks, and what must never change the bits."""

import itertools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from pocketgan.base.errors import NonFiniteLoss
from pocketgan.config.fields import replace
from pocketgan.config.plan import Plan, make_plan
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.sections import RunConfig
from pocketgan.images.batches import Batch, Batches
from pocketgan.images.sets import ImageSet
from pocketgan.networks import ImageShape
from pocketgan.runs.sampling import generate_images, redraw_images
from pocketgan.training.augment import augment
from pocketgan.training.checkpoints import state_tensors
from pocketgan.training.ema import update_ema
from pocketgan.training.measures import MEASURES, accuracies
from pocketgan.training.objectives import OBJECTIVES, squared_gradient
from pocketgan.training.schedules import at_step, rate_factor
from pocketgan.training.state import TrainState, choose_device, choose_precision, create_state
from pocketgan.training.steps import (
    Tick,
    discriminate,
    discriminator_step,
    generate,
    generator_step,
    penalties,
    train,
    training_step,
)
from refusals import refused

ADVERSARIAL = [name for name, make in RECIPES.items() if make().has_discriminator]
UPDATES = ("concatenated", "separate", "two-step")


@dataclass
class Bench:
    """A configuration, its state at step 0, its data and its plan."""

    config: RunConfig
    state: TrainState
    batches: Batches
    plan: Plan

    def batch(self) -> Batch:
        return self.batches.at(self.state.nimg)

    def train(self, stop: threading.Event | None = None) -> list[Tick]:
        return list(train(self.state, self.batches, self.config, self.plan, stop))


@pytest.fixture
def bench(tiny_config: Callable[..., RunConfig], tiny_images: Callable[..., ImageSet]) -> Callable[..., Bench]:
    def make(recipe: str = "minimal", **fields: object) -> Bench:
        config, images = tiny_config(recipe, **fields), tiny_images()
        shape = ImageShape(1, 8, 10 if config.network.conditional else 0)
        batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=config.seed, device="cpu")
        return Bench(config, create_state(config, shape, "cpu"), batches, make_plan(config, len(images)))

    return make


def augmented(recipe: str, names: str) -> dict[str, str]:
    """Augmentation, which only a discriminator sees."""
    return {"augment": names} if recipe in ADVERSARIAL else {}


def snapshot(state: TrainState) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in state_tensors(state).items()}


def parameters(network: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


def identical(left: list[Tensor], right: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def assert_same_bits(left: dict[str, Tensor], right: dict[str, Tensor]) -> None:
    assert left.keys() == right.keys()
    assert [name for name in left if not torch.equal(left[name], right[name])] == []


# The state.


def test_state_begins_with_the_average_equal_to_the_generator(bench: Callable[..., Bench]) -> None:
    state = bench("pocket", hidden_dim=4).state
    assert state.averages
    assert (state.step, state.nimg, state.seconds, state.found_inf.item()) == (0, 0, 0.0, 0.0)
    for averaged, trained in zip(state.generator_ema.parameters(), state.generator.parameters(), strict=True):
        assert averaged is not trained
        assert torch.equal(averaged, trained)
        assert not averaged.requires_grad
    assert state.generator.training and state.discriminator.training and not state.generator_ema.training


def test_without_a_half_life_the_average_is_the_generator_itself(bench: Callable[..., Bench]) -> None:
    state = bench("minimal").state
    assert state.generator_ema is state.generator
    assert not state.averages


def test_each_network_has_its_own_rate(bench: Callable[..., Bench]) -> None:
    state = bench(learning_rate=0.01, discriminator_learning_rate=0.03).state
    assert state.generator_optimizer.learning_rate == 0.01
    assert state.discriminator_optimizer.learning_rate == 0.03
    assert bench(learning_rate=0.01).state.discriminator_optimizer.learning_rate == 0.01


def test_a_device_that_is_not_there_is_refused() -> None:
    assert choose_device("cpu") == "cpu"
    missing = "mps" if torch.cuda.is_available() else "cuda"
    with refused("no device", "device"):
        choose_device(missing)


# The rate, the average, the accuracies.


@pytest.mark.parametrize(
    ("schedule", "warmup", "expected"),
    [
        ("constant", "none", [1, 1, 1, 1, 1, 1, 1, 1]),
        ("constant", "4 steps", [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]),
        ("linear", "none", [1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]),
        ("linear", "2 steps", [0.5, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]),
        ("cosine", "none", [(1 + math.cos(math.pi * k / 8)) / 2 for k in range(8)]),
        ("cosine", "8 steps", [(k + 1) / 8 * (1 + math.cos(math.pi * k / 8)) / 2 for k in range(8)]),
    ],
)
def test_rate_follows_warmup_and_schedule(
    bench: Callable[..., Bench], schedule: str, warmup: str, expected: list[float]
) -> None:
    plan = bench(schedule=schedule, warmup=warmup, duration="8 steps").plan
    assert [rate_factor(step, plan, schedule) for step in range(8)] == pytest.approx(expected)


def test_the_rate_is_held_before_it_falls(bench: Callable[..., Bench]) -> None:
    plan = bench(duration="8 steps").plan
    rates = [rate_factor(step, plan, "cosine", decay_start=0.5) for step in range(9)]
    assert rates[:5] == [1, 1, 1, 1, 1]
    assert rates[5:] == pytest.approx([(1 + math.cos(math.pi * k / 4)) / 2 for k in (1, 2, 3, 4)])


def test_cosine_is_one_half_in_the_middle_and_the_end_is_zero(bench: Callable[..., Bench]) -> None:
    plan = bench(duration="8 steps").plan
    assert rate_factor(4, plan, "cosine") == pytest.approx(0.5)
    assert rate_factor(8, plan, "cosine") == pytest.approx(0)
    assert rate_factor(8, plan, "linear") == pytest.approx(0)


def test_training_goes_at_the_planned_rate(bench: Callable[..., Bench]) -> None:
    """The discriminator's first step is as long as the rate says: a tenth in the first of ten steps of warm-up."""
    moves = []
    for warmup in ("none", "10 steps"):
        run = bench("mlp", duration="1 step", warmup=warmup)
        before = parameters(run.state.discriminator)
        run.train()
        moves.append([a - b for a, b in zip(parameters(run.state.discriminator), before, strict=True)])
    for whole, tenth in zip(*moves, strict=True):
        assert whole.abs().max() > 0
        torch.testing.assert_close(tenth, whole / 10, atol=1e-7, rtol=1e-3)


@pytest.mark.parametrize(
    ("nimg", "half_life", "effective"),
    [
        (10_000_000, "0.8 kimg", 800.0),
        (8_000, "10 kimg", 400.0),
        (8, "10 kimg", 0.4),
        (16_000, "0.8 kimg", 800.0),
        (8_000, "10%", 800.0),
        (10_000_000, "2.5%", 250_000.0),
    ],
)
def test_average_moves_by_its_half_life_and_at_most_by_a_share_of_the_images_seen(
    bench: Callable[..., Bench], nimg: int, half_life: str, effective: float
) -> None:
    run = bench("mlp", ema_half_life=half_life)
    state, half = run.state, run.plan.half_life_after(nimg)
    assert half == pytest.approx(effective)
    with torch.no_grad():
        for index, parameter in enumerate(state.generator.parameters()):
            parameter.fill_(index + 1)
        for parameter in state.generator_ema.parameters():
            parameter.fill_(-1)
    for step in range(1, 4):
        update_ema(state, half, 8)
        kept = 0.5 ** (step * 8 / effective)
        for index, averaged in enumerate(state.generator_ema.parameters()):
            expected = torch.full_like(averaged, (index + 1) + kept * (-1 - (index + 1)))
            torch.testing.assert_close(averaged.detach(), expected, rtol=1e-5, atol=1e-6)


def test_after_a_half_life_half_of_the_past_is_left(bench: Callable[..., Bench]) -> None:
    state = bench("mlp", ema_half_life="1 kimg").state
    state.nimg = 10**9
    with torch.no_grad():
        for averaged, trained in zip(state.generator_ema.parameters(), state.generator.parameters(), strict=True):
            averaged.fill_(1)
            trained.zero_()
    for _ in range(125):
        update_ema(state, 1000.0, 8)
    for averaged in state.generator_ema.parameters():
        torch.testing.assert_close(averaged.detach(), torch.full_like(averaged, 0.5), rtol=1e-4, atol=0)


def test_average_moves_statistics_as_weights_and_copies_counters(bench: Callable[..., Bench]) -> None:
    state = bench("dcgan", ema_half_life="1 kimg").state
    for number, (averaged, buffer) in enumerate(
        zip(state.generator_ema.buffers(), state.generator.buffers(), strict=True)
    ):
        averaged.fill_(1)
        buffer.fill_(number + 3)
    update_ema(state, 8.0, 8)
    buffers = [buffer.double().unique().tolist() for buffer in state.generator_ema.buffers()]
    kinds = [buffer.is_floating_point() for buffer in state.generator_ema.buffers()]
    assert buffers == [[(number + 4) / 2 if floats else number + 3] for number, floats in enumerate(kinds)]
    assert True in kinds and False in kinds


def test_training_averages_the_generators_past(bench: Callable[..., Bench]) -> None:
    run = bench("mlp", ema_half_life="0.02 kimg", duration="12 steps")
    expected = [p.double() for p in parameters(run.state.generator)]
    for tick in train(run.state, run.batches, run.config, run.plan):
        kept = 0.5 ** (8 / min(20.0, 0.05 * tick.nimg))
        current = parameters(run.state.generator)
        expected = [kept * e + (1 - kept) * p.double() for e, p in zip(expected, current, strict=True)]
        for averaged, known in zip(run.state.generator_ema.parameters(), expected, strict=True):
            torch.testing.assert_close(averaged.detach().double(), known, atol=1e-6, rtol=1e-5)
    assert not identical(parameters(run.state.generator), parameters(run.state.generator_ema))


@pytest.mark.parametrize(
    ("name", "real", "fake", "expected"),
    [
        ("bce", [1, -1, 2, 3], [-1, 1, -2, 0], (0.75, 0.5)),
        ("hinge", [-1, -2], [1, 2], (0.0, 0.0)),
        ("least_squares", [0.4, 0.6], [0.4, 0.6, 0.3, 0.2], (0.5, 0.75)),
        ("wasserstein", [101, 103], [99, 97], (1.0, 1.0)),
        ("relativistic", [-5, -3], [-9, -3], (0.5, 0.5)),
        ("relativistic", [2, 2], [2, 2], (0.0, 0.0)),
    ],
)
def test_accuracies_are_the_shares_on_the_right_side_of_the_boundary(
    name: str, real: list[float], fake: list[float], expected: tuple[float, float]
) -> None:
    found = accuracies(
        torch.tensor(real, dtype=torch.float32), torch.tensor(fake, dtype=torch.float32), OBJECTIVES[name]
    )
    assert tuple(float(share) for share in found) == expected


def test_accuracies_of_several_batches_take_each_batchs_own_boundary() -> None:
    real, fake = torch.tensor([[1.0, 3.0], [101.0, 99.5]]), torch.tensor([[-1.0, -3.0], [99.0, 97.0]])
    assert accuracies(real, fake, OBJECTIVES["wasserstein"]) == (1.0, 1.0)
    assert accuracies(real, fake, OBJECTIVES["bce"]) == (1.0, 0.5)


# One step of each network.


@pytest.mark.parametrize("recipe", ADVERSARIAL)
def test_generator_step_leaves_the_discriminators_weights(bench: Callable[..., Bench], recipe: str) -> None:
    run = bench(recipe)
    theirs, ours = parameters(run.state.discriminator), parameters(run.state.generator)
    moments = [t.clone() for t in run.state.discriminator_optimizer.tensors().values()]
    loss = generator_step(run.state, run.batch(), run.config, 1.0)
    assert loss.shape == () and not loss.requires_grad and loss.isfinite()
    assert identical(theirs, parameters(run.state.discriminator))
    assert identical(moments, list(run.state.discriminator_optimizer.tensors().values()))
    assert not identical(ours, parameters(run.state.generator))
    for network in (run.state.generator, run.state.discriminator):
        assert all(p.requires_grad and p.grad is None for p in network.parameters())


@pytest.mark.parametrize("recipe", ADVERSARIAL)
def test_discriminator_step_leaves_the_generators_weights(bench: Callable[..., Bench], recipe: str) -> None:
    run = bench(recipe)
    theirs, ours = parameters(run.state.generator), parameters(run.state.discriminator)
    moments = [t.clone() for t in run.state.generator_optimizer.tensors().values()]
    loss, real_logits, fake_logits = discriminator_step(run.state, run.batch(), run.config, 1.0)
    assert loss.shape == () and loss.isfinite()
    assert real_logits.shape == fake_logits.shape == (8,)
    assert not (loss.requires_grad or real_logits.requires_grad or fake_logits.requires_grad)
    assert identical(theirs, parameters(run.state.generator))
    assert identical(moments, list(run.state.generator_optimizer.tensors().values()))
    assert not identical(ours, parameters(run.state.discriminator))
    for network in (run.state.generator, run.state.discriminator):
        assert all(p.requires_grad and p.grad is None for p in network.parameters())


def test_generators_loss_is_the_objectives_mean_at_the_discriminators_logits(bench: Callable[..., Bench]) -> None:
    for name, objective in OBJECTIVES.items():
        run, twin = bench("mlp", objective=name), bench("mlp", objective=name)
        loss = generator_step(run.state, run.batch(), run.config, 1.0)
        with torch.no_grad():
            fake_logits = twin.state.discriminator(generate(twin.state, twin.batch(), twin.config))
            real_logits = twin.state.discriminator(twin.batch().real)
            expected = objective.generator_loss(real_logits, fake_logits).mean()
        torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize(("reused", "draws"), [(False, 2), (True, 1)])
def test_a_shared_step_draws_once_and_asks_the_discriminator_of_real_images_once(
    bench: Callable[..., Bench], reused: bool, draws: int
) -> None:
    run = bench("mlp", objective="relativistic", reuse_fake_batch=reused)
    passes = dict.fromkeys(("generator", "discriminator"), 0)

    def count(name: str) -> None:
        passes[name] += 1

    run.state.generator.register_forward_hook(lambda *_: count("generator"))
    run.state.discriminator.register_forward_hook(lambda *_: count("discriminator"))
    training_step(run.state, run.batch(), run.config, 1.0)
    assert passes == {"generator": draws, "discriminator": 2 + draws}


def test_a_shared_step_is_the_two_steps_on_one_drawing(bench: Callable[..., Bench]) -> None:
    run, twin = (bench("pocket", hidden_dim=4, reuse_fake_batch=True) for _ in range(2))
    d_loss, g_loss, real_logits, fake_logits = training_step(run.state, run.batch(), run.config, 1.0)

    fake = generate(twin.state, twin.batch(), twin.config)
    done = discriminator_step(twin.state, twin.batch(), twin.config, 1.0, fake.detach())
    after = twin.state.discriminator(fake, twin.batch().labels).detach()
    expected = OBJECTIVES["relativistic"].generator_loss(done[1], after).mean()
    torch.testing.assert_close(g_loss, expected)
    assert torch.equal(d_loss, done[0]) and torch.equal(real_logits, done[1]) and torch.equal(fake_logits, done[2])
    assert identical(parameters(run.state.discriminator), parameters(twin.state.discriminator))


def test_penalties_of_a_share_are_those_of_the_first_images(bench: Callable[..., Bench]) -> None:
    """Without penalties the share changes nothing; with them, the loss is the same and the gradient another."""
    steps = {}
    for share in (1.0, 0.5):
        run = bench("pocket", hidden_dim=4, penalty_batch_fraction=share, r1=3.0, r2=3.0, precision="float32")
        loss, real_logits, fake_logits = discriminator_step(run.state, run.batch(), run.config, 1.0)
        steps[share] = loss, torch.cat([real_logits, fake_logits]), run.state.discriminator_optimizer.mean
    torch.testing.assert_close(steps[1.0][0], steps[0.5][0])
    torch.testing.assert_close(steps[1.0][1], steps[0.5][1], atol=1e-5, rtol=1e-4)
    assert not identical(steps[1.0][2], steps[0.5][2])

    fields = {"hidden_dim": 4, "r1": 3.0, "r2": 3.0, "mismatched_label_weight": 0, "precision": "float32", "beta1": 0.0}
    run = bench("pocket", penalty_batch_fraction=0.5, **fields)
    state, batch, config = run.state, run.batch(), run.config
    fake = torch.rand_like(batch.real)
    discriminator_step(state, batch, config, 0.0, fake)
    images = [part[:4].clone().requires_grad_() for part in (batch.real, fake)]
    labels = batch.labels
    assert labels is not None
    logits = [state.discriminator(part, labels[:4]) for part in images]
    penalty = sum(1.5 * squared_gradient(each, part).mean() for each, part in zip(logits, images, strict=True))
    whole = [state.discriminator(part, labels) for part in (batch.real, fake)]
    loss = OBJECTIVES["relativistic"].discriminator_loss(*whole).mean() + penalty
    expected = torch.autograd.grad(loss, state.discriminator_optimizer.parameters)
    for mean, gradient in zip(state.discriminator_optimizer.mean, expected, strict=True):
        torch.testing.assert_close(mean, gradient, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_one_step_against_a_frozen_opponent_lowers_the_loss(bench: Callable[..., Bench], name: str) -> None:
    for step in (discriminator_step, generator_step):
        run = bench("mlp", objective=name, learning_rate=1e-3)
        latents = run.state.random["latents"].get_state()
        losses = []
        for _ in range(5):
            run.state.random["latents"].set_state(latents)
            done = step(run.state, run.batch(), run.config, 1.0)
            losses.append((done[0] if step is discriminator_step else done).item())
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name != "relativistic"])
@pytest.mark.parametrize("recipe", ["minimal", "mlp", "white-background"])
def test_joint_halves_and_two_updates_are_the_same_loss(bench: Callable[..., Bench], name: str, recipe: str) -> None:
    """Without BatchNorm, and with a rate of 0: joint is the mean over both halves, halves is their sum."""
    losses, logits = {}, {}
    for update in UPDATES:
        run = bench(recipe, objective=name, discriminator_batches=update)
        loss, real_logits, fake_logits = discriminator_step(run.state, run.batch(), run.config, 0.0)
        losses[update], logits[update] = loss, torch.cat([real_logits, fake_logits])
    torch.testing.assert_close(losses["concatenated"], losses["separate"] / 2)
    torch.testing.assert_close(losses["two-step"], losses["concatenated"])
    torch.testing.assert_close(logits["concatenated"], logits["separate"])
    torch.testing.assert_close(logits["two-step"], logits["concatenated"])
    real_logits, fake_logits = logits["separate"].chunk(2)
    torch.testing.assert_close(losses["separate"], OBJECTIVES[name].discriminator_loss(real_logits, fake_logits).mean())


@pytest.mark.parametrize(
    ("features", "precision"),
    [
        ({"avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
        ({"avx512_bf16": False}, "float32"),
        ({}, "float32"),
    ],
)
def test_auto_is_bfloat16_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, features: dict[str, bool], precision: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features, raising=False)
    assert choose_precision("auto", "cpu") == precision
    assert choose_precision("auto", "mps") == "float32"
    assert (choose_precision("float32", "cpu"), choose_precision("bfloat16", "cpu")) == ("float32", "bfloat16")


@pytest.mark.parametrize("objective", ["relativistic", "bce"])
def test_the_second_game_tells_real_images_with_their_class_from_those_with_another(
    bench: Callable[..., Bench], objective: str
) -> None:
    fields = {"objective": objective, "conditional": True, "discriminator_batches": "separate", "beta1": 0.0}
    run = bench("mlp", mismatched_label_weight=0.25, **fields)
    state, batch, config, game = run.state, run.batch(), run.config, OBJECTIVES[objective]
    fake = torch.rand_like(batch.real)
    plain, _, _ = discriminator_step(state, batch, config, 0.0, fake)
    labels = batch.labels
    assert labels is not None
    others = labels.roll(1)
    assert 0 < (labels == others).sum() < len(labels)  # One of them counts nothing.
    right, wrong, drawn = (
        state.discriminator(images, told)
        for images, told in ((batch.real, labels), (batch.real, others), (fake, labels))
    )
    first = game.discriminator_loss(right, drawn).mean()
    second = (game.discriminator_loss(right, wrong) * (labels != others)).mean()
    torch.testing.assert_close(plain, first.detach())
    expected = torch.autograd.grad(first + 0.25 * second, state.discriminator_optimizer.parameters)
    for mean, gradient in zip(state.discriminator_optimizer.mean, expected, strict=True):
        torch.testing.assert_close(mean, gradient, atol=1e-6, rtol=1e-4)


def test_without_classes_there_is_no_second_game(bench: Callable[..., Bench]) -> None:
    runs = [bench("mlp", mismatched_label_weight=weight, discriminator_batches="concatenated") for weight in (0.0, 1.0)]
    for run in runs:
        discriminator_step(run.state, run.batch(), run.config, 1.0)
    assert identical(*(parameters(run.state.discriminator) for run in runs))


def test_joint_and_halves_are_one_relativistic_loss(bench: Callable[..., Bench]) -> None:
    losses = []
    for update in ("concatenated", "separate"):
        run = bench("mlp", objective="relativistic", discriminator_batches=update)
        losses.append(discriminator_step(run.state, run.batch(), run.config, 1.0)[0])
    torch.testing.assert_close(*losses)


def test_joint_gradient_is_half_of_the_halves(bench: Callable[..., Bench]) -> None:
    means = {}
    for update in ("concatenated", "separate"):
        run = bench("mlp", discriminator_batches=update)
        discriminator_step(run.state, run.batch(), run.config, 1.0)
        means[update] = run.state.discriminator_optimizer.mean
    for joint, halves in zip(means["concatenated"], means["separate"], strict=True):
        assert halves.abs().max() > 0
        torch.testing.assert_close(joint, halves / 2, atol=1e-8, rtol=1e-4)


def test_of_two_updates_the_first_comes_before_the_second_loss(bench: Callable[..., Bench]) -> None:
    run, twin = (bench("comparison", learning_rate=0.01) for _ in range(2))
    assert run.config.objective.discriminator_batches == "two-step"
    loss, real_logits, fake_logits = discriminator_step(run.state, run.batch(), run.config, 1.0)

    state, objective = twin.state, OBJECTIVES["bce"]
    with torch.no_grad():
        fake = generate(state, twin.batch(), twin.config)
        stale_logits = state.discriminator(fake)
    first = state.discriminator(twin.batch().real)
    first_loss = objective.real_term(first).mean()
    state.discriminator_optimizer.step(first_loss, state.found_inf)
    second = state.discriminator(fake)
    second_loss = objective.fake_term(second).mean()
    state.discriminator_optimizer.step(second_loss, state.found_inf)

    assert torch.equal(real_logits, first.detach())
    assert torch.equal(fake_logits, second.detach())
    assert not torch.allclose(fake_logits, stale_logits, atol=1e-4)
    torch.testing.assert_close(loss, (first_loss + second_loss).detach() / 2)
    assert identical(parameters(run.state.discriminator), parameters(state.discriminator))
    assert run.state.discriminator_optimizer.count.item() == 2


def test_an_image_to_image_generator_reads_the_batch_and_real_is_inverted(bench: Callable[..., Bench]) -> None:
    run = bench("white-background", dropout=0.0)
    batch = run.batch()
    torch.testing.assert_close(batch.real, 1 - batch.source)
    with torch.no_grad():
        made = generate(run.state, batch, run.config)
        assert torch.equal(made, run.state.generator(batch.source))
        assert torch.equal(made, generate(run.state, batch, run.config))


def test_noise_generators_draw_new_latents_each_time(bench: Callable[..., Bench]) -> None:
    run = bench("mlp")
    with torch.no_grad():
        first, second = (generate(run.state, run.batch(), run.config) for _ in range(2))
    assert not torch.equal(first, second)
    assert first.shape == run.batch().real.shape


# Penalties.


class Linear(nn.Module):
    """D(x) = w · x, whose gradient is w everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(64, generator=torch.Generator().manual_seed(4)))

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return images.flatten(1) @ self.weight


def penalty_of(run: Bench) -> float:
    batch = run.batch()
    with torch.no_grad():
        fake = generate(run.state, batch, run.config)
    real, fake = batch.real.requires_grad_(), fake.requires_grad_()
    logits = [discriminate(run.state, images, batch.labels, run.config) for images in (real, fake)]
    penalty = penalties(run.state, real, fake, *logits, batch.labels, run.config)
    return 0.0 if penalty is None else penalty.item()


def test_penalties_of_a_linear_discriminator(bench: Callable[..., Bench]) -> None:
    squared = Linear().weight.detach().square().sum()
    for fields, expected in (
        ({}, 0),
        ({"r1": 0.3}, 0.3 * squared / 2),
        ({"r2": 0.5}, 0.5 * squared / 2),
        ({"gradient_penalty": 10}, 10 * (squared.sqrt() - 1) ** 2),
        ({"r1": 0.3, "r2": 0.5, "gradient_penalty": 10}, 0.4 * squared + 10 * (squared.sqrt() - 1) ** 2),
    ):
        run = bench("mlp", **fields)
        run.state.discriminator = Linear()
        assert penalty_of(run) == pytest.approx(float(expected), rel=1e-5)


def test_penalties_are_by_the_images_before_augmentation(bench: Callable[..., Bench]) -> None:
    """A pixel that cutout covers can't change the logit, so it has no part in the penalty."""
    run = bench("mlp", r1=1.0, augment="cutout")
    run.state.discriminator = Linear()
    random = torch.Generator().manual_seed(0)
    random.set_state(run.state.random["training"].get_state())
    kept = (augment(torch.ones(8, 1, 8, 8), "cutout", -1.0, random) == 1).float().flatten(1)
    expected = (kept @ run.state.discriminator.weight.detach().square() / 2).mean()
    assert kept.mean() < 0.95
    assert penalty_of(run) == pytest.approx(float(expected), rel=1e-5)


PENALTIES = [{"r1": 1.0}, {"r2": 1.0}, {"gradient_penalty": 1.0}, {"r1": 0.5, "r2": 0.5, "gradient_penalty": 0.5}]


@pytest.mark.parametrize("fields", PENALTIES, ids=lambda fields: "+".join(fields))
@pytest.mark.parametrize("update", ["concatenated", "separate"])
@pytest.mark.parametrize("augmented", ["none", "translation,rotation,cutout"])
def test_penalties_train_pocket(
    bench: Callable[..., Bench], fields: dict[str, float], update: str, augmented: str
) -> None:
    fixed = {"hidden_dim": 4, "discriminator_batches": update, "augment": augmented, "duration": "2 steps"}
    fixed |= {"penalty_batch_fraction": 1, "precision": "float32"}
    run, without = bench("pocket", **({"r1": 0, "r2": 0} | fields), **fixed), bench("pocket", r1=0, r2=0, **fixed)
    ticks, plain = run.train(), without.train()
    assert all(math.isfinite(value) for tick in ticks for value in tick.measures.values())
    assert ticks[0].measures["d_loss"] == pytest.approx(plain[0].measures["d_loss"])
    assert not identical(parameters(run.state.discriminator), parameters(without.state.discriminator))


@pytest.mark.slow
def test_a_strong_r1_flattens_the_discriminator(bench: Callable[..., Bench]) -> None:
    norms = {}
    for weight in (0.0, 30.0):
        run = bench("mlp", r1=weight, learning_rate=3e-3, duration="60 steps")
        run.train()
        images = run.batch().real.requires_grad_()
        (gradient,) = torch.autograd.grad(run.state.discriminator(images).sum(), images)
        norms[weight] = gradient.flatten(1).norm(dim=1).mean().item()
    assert norms[30.0] < norms[0.0] / 3


# Ticks.


def test_ticks_fall_where_the_plan_says(bench: Callable[..., Bench]) -> None:
    run = bench(
        batch_size=24,
        duration="2 epochs",
        log_every="2 steps",
        sample_every="1 epoch",
        checkpoint_every="5 steps",
    )
    ticks = run.train()
    assert run.plan.steps == 6  # 2 epochs of 64 images in batches of 24 are 5⅓ steps.
    due = {tick.step: (tick.row, tick.sample, tick.checkpoint, tick.last) for tick in ticks}
    assert due == {
        2: (True, False, False, False),
        3: (False, True, False, False),  # 1 epoch is 2⅔ steps.
        4: (True, False, False, False),
        5: (True, False, True, False),
        6: (True, True, True, True),
    }
    assert [tick.nimg for tick in ticks] == [48, 72, 96, 120, 144]
    assert [tick.epoch for tick in ticks] == pytest.approx([0.75, 1.125, 1.5, 1.875, 2.25])
    assert not any(tick.stopped for tick in ticks)
    assert [set(tick.measures) for tick in ticks] == [set(MEASURES), set(), *[set(MEASURES)] * 3]
    assert (run.state.step, run.state.nimg) == (6, 144)


def test_samples_at_the_end_come_at_the_end_alone(bench: Callable[..., Bench]) -> None:
    ticks = bench(sample_every="end", log_every="1 step", duration="5 steps").train()
    assert [tick.sample for tick in ticks] == [False] * 4 + [True]
    assert [tick.checkpoint for tick in ticks] == [False] * 4 + [True]


@pytest.mark.slow
def test_seconds_grow_and_leave_out_what_the_caller_does(bench: Callable[..., Bench]) -> None:
    run = bench(duration="5 steps")
    seconds = []
    wait = threading.Event()
    for tick in train(run.state, run.batches, run.config, run.plan):
        seconds.append(tick.seconds)
        assert tick.images_per_second > 0
        wait.wait(0.2)
    assert seconds == sorted(set(seconds))
    assert seconds[0] > 0
    assert seconds[-1] - seconds[0] < 0.4  # Four waits are 0.8 s.
    assert run.state.seconds == seconds[-1]


def test_speed_is_images_over_seconds_since_the_last_row(bench: Callable[..., Bench]) -> None:
    ticks = bench(duration="6 steps", log_every="3 steps", sample_every="2 steps").train()
    rows = [tick for tick in ticks if tick.row]
    assert [tick.step for tick in rows] == [3, 6]
    assert rows[0].images_per_second == pytest.approx(3 * 8 / rows[0].seconds)
    assert rows[1].images_per_second == pytest.approx(3 * 8 / (rows[1].seconds - rows[0].seconds))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["minimal", "pocket"])
def test_a_row_is_the_mean_over_its_steps(bench: Callable[..., Bench], recipe: str) -> None:
    single = bench(recipe, hidden_dim=4, duration="10 steps", log_every="1 step").train()
    rows = bench(recipe, hidden_dim=4, duration="10 steps", log_every="4 steps", sample_every="3 steps").train()
    assert [tick.step for tick in rows] == [3, 4, 6, 8, 9, 10]
    for start, stop in ((0, 4), (4, 8), (8, 10)):
        row = next(tick for tick in rows if tick.step == stop)
        for name in MEASURES:
            values = [tick.measures[name] for tick in single[start:stop]]
            assert row.measures[name] == pytest.approx(sum(values) / len(values), rel=1e-5, abs=1e-6)
    assert len({tick.measures["d_loss"] for tick in single}) == 10


def test_a_row_is_what_the_steps_return(bench: Callable[..., Bench]) -> None:
    run, twin = (bench("mlp", duration="1 step") for _ in range(2))
    (tick,) = run.train()
    d_loss, real_logits, fake_logits = discriminator_step(twin.state, twin.batch(), twin.config, 1.0)
    g_loss = generator_step(twin.state, twin.batch(), twin.config, 1.0)
    shares = accuracies(real_logits, fake_logits, OBJECTIVES["bce"])
    assert list(tick.measures) == list(MEASURES)
    assert list(tick.measures.values()) == pytest.approx([float(value) for value in (d_loss, g_loss, *shares)])


# Stopping and going on.


def test_stop_finishes_the_step_under_way(bench: Callable[..., Bench]) -> None:
    run, stop = bench(duration="100 steps", log_every="3 steps", sample_every="1000 steps"), threading.Event()
    ticks = []
    for tick in train(run.state, run.batches, run.config, run.plan, stop):
        ticks.append(tick)
        if tick.step == 6:
            stop.set()
    assert [tick.step for tick in ticks] == [3, 6, 7]
    assert [tick.stopped for tick in ticks] == [False, False, True]
    last = ticks[-1]
    assert last.row and last.checkpoint and not last.last and not last.sample
    assert set(last.measures) == set(MEASURES)
    assert (run.state.step, run.state.nimg) == (7, 56)


def test_stop_before_the_start_does_one_step(bench: Callable[..., Bench]) -> None:
    run, stop = bench(duration="100 steps", log_every="50 steps"), threading.Event()
    stop.set()
    ticks = run.train(stop)
    assert [(tick.step, tick.stopped) for tick in ticks] == [(1, True)]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_stopped_and_gone_on_is_the_same_as_uninterrupted(bench: Callable[..., Bench], recipe: str) -> None:
    fields = {"duration": "10 steps", "log_every": "20 steps", **augmented(recipe, "translation,cutout")}
    whole, run = bench(recipe, **fields), bench(recipe, **fields)
    whole.train()
    stop = threading.Event()
    for _ in range(3):
        stop.set()
        run.train(stop)
        stop.clear()
    assert run.state.step == 3
    (tick,) = run.train()
    assert tick.last
    assert_same_bits(snapshot(whole.state), snapshot(run.state))
    assert run.train() == []


# Losses that aren't finite.


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("network", ["generator", "discriminator"])
@pytest.mark.parametrize("recipe", ["minimal", "mlp", "pocket"])
def test_a_loss_that_is_not_finite_stops_training_before_the_weights_are_touched(
    bench: Callable[..., Bench], recipe: str, network: str, value: float
) -> None:
    run = bench(recipe, hidden_dim=4, duration="20 steps", log_every="2 steps")
    steps = train(run.state, run.batches, run.config, run.plan)
    next(steps)
    with torch.no_grad():
        list(getattr(run.state, network).parameters())[-1].fill_(value)
    finite = network == "generator" and not math.isnan(value)  # The last layer's tanh bounds an infinite bias.
    if finite:
        assert next(steps).step == 4
        return
    before = parameters(run.state.generator), parameters(run.state.discriminator)
    moments = [
        [t.clone() for t in (*optimizer.mean, *optimizer.mean_square)]
        for optimizer in (run.state.generator_optimizer, run.state.discriminator_optimizer)
    ]
    with pytest.raises(NonFiniteLoss, match="near step 4; ") as caught:
        next(steps)
    assert caught.value.key == "loss not finite"
    networks = (run.state.generator, run.state.discriminator)
    optimizers = (run.state.generator_optimizer, run.state.discriminator_optimizer)
    for network_before, after in zip(before, networks, strict=True):
        pairs = zip(network_before, parameters(after), strict=True)
        assert all(torch.equal(a.nan_to_num(7), b.nan_to_num(7)) for a, b in pairs)
    for moment, optimizer in zip(moments, optimizers, strict=True):
        assert identical(moment, [*optimizer.mean, *optimizer.mean_square])


def test_of_two_updates_the_first_stays_where_the_second_loss_is_not_finite(bench: Callable[..., Bench]) -> None:
    run, twin = (bench("comparison", duration="1 step") for _ in range(2))
    with torch.no_grad():
        list(run.state.generator.parameters())[-1].fill_(math.nan)
    loss = OBJECTIVES["bce"].real_term(twin.state.discriminator(twin.batch().real)).mean()
    twin.state.discriminator_optimizer.step(loss, twin.state.found_inf)
    weights = parameters(run.state.generator)[0]
    with pytest.raises(NonFiniteLoss, match="d_loss is nan"):
        run.train()
    assert identical(parameters(run.state.discriminator), parameters(twin.state.discriminator))
    assert torch.equal(parameters(run.state.generator)[0], weights)


def test_an_infinite_penalty_stops_training_too(bench: Callable[..., Bench]) -> None:
    """The reported loss is finite there; the sum with the penalty is not."""
    run = bench("mlp", r1=1.0, duration="3 steps", objective="least_squares", activation="leaky_relu")
    with torch.no_grad():
        run.state.discriminator.get_parameter("head.linear.weight").fill_(1e19)
        run.state.discriminator.get_parameter("layers.0.weight").fill_(1e10)
        run.state.discriminator.get_parameter("head.linear.bias").zero_()
    before = parameters(run.state.discriminator)
    with pytest.raises(NonFiniteLoss):
        run.train()
    assert identical(before, parameters(run.state.discriminator))


def test_a_poisoned_run_hands_out_no_checkpoint(bench: Callable[..., Bench]) -> None:
    run = bench(duration="20 steps", log_every="20 steps", sample_every="1 step", checkpoint_every="4 steps")
    with torch.no_grad():
        list(run.state.discriminator.parameters())[-1].fill_(math.nan)
    ticks = []
    with pytest.raises(NonFiniteLoss):
        ticks.extend(train(run.state, run.batches, run.config, run.plan))
    assert run.state.step == 4
    assert not any(tick.checkpoint for tick in ticks)


# What must never change the bits.


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_same_seed_same_bits_and_another_seed_others(bench: Callable[..., Bench], recipe: str) -> None:
    fields = {"duration": "6 steps", **augmented(recipe, "translation,rotation,cutout")}
    first, second, other = (bench(recipe, seed=seed, **fields) for seed in (1, 1, 2))
    ticks = [run.train() for run in (first, second, other)]
    assert_same_bits(snapshot(first.state), snapshot(second.state))
    assert [tick.measures for tick in ticks[0]] == [tick.measures for tick in ticks[1]]
    ours, theirs = parameters(first.state.generator), parameters(other.state.generator)
    assert any(not torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert ticks[0][0].measures != ticks[2][0].measures


@pytest.mark.slow
@pytest.mark.parametrize("averaged", ["none", "0.1 kimg"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_sampling_between_ticks_changes_nothing_in_training(
    bench: Callable[..., Bench], tiny_images: Callable[..., ImageSet], recipe: str, averaged: str
) -> None:
    fields = {"duration": "10 steps", "ema_half_life": averaged, **augmented(recipe, "translation")}
    alone, sampled = bench(recipe, log_every="10 steps", **fields), bench(recipe, log_every="1 step", **fields)
    alone.train()
    classes = 10 if sampled.config.network.conditional else 0
    for tick in train(sampled.state, sampled.batches, sampled.config, sampled.plan):
        torch.manual_seed(tick.step)
        for network in (sampled.state.generator_ema, sampled.state.generator):
            if sampled.config.reads_images:
                redraw_images(network, sampled.config, tiny_images().images[:9], torch.arange(9))
            else:
                generate_images(network, sampled.config, classes, count=9, seed=tick.step)
    assert_same_bits(snapshot(alone.state), snapshot(sampled.state))


def test_penalties_fall_with_the_learning_rate_and_not_in_the_warmup() -> None:
    config = replace(recipe("pocket"), r1=2.0, r2=1.0, penalty_end=0.1, duration="100 steps", warmup="10 steps")
    plan = make_plan(config, 1000, steps_per_second=1.0)
    shares = [at_step(config, step, plan)[0].objective.penalties for step in (0, 50, 75, 100)]
    assert shares == [pytest.approx(pair) for pair in ((2, 1), (2, 1), (1.1, 0.55), (0.2, 0.1))]
    assert at_step(config, 0, plan)[1] == pytest.approx(0.1), "the warm-up is of the learning rate alone"
    usual = recipe("pocket")
    assert at_step(usual, 75, plan)[0] is usual


def test_fallen_penalties_change_the_weights_and_resume_exactly(bench: Callable[..., Bench]) -> None:
    fields = {"duration": "6 steps", "decay_start": 0.0, "r1": 1.0, "r2": 1.0}
    usual, fallen = bench("pocket", **fields), bench("pocket", penalty_end=0.0, **fields)
    for one in (usual, fallen):
        one.train()
    left, right = (one.state.discriminator.state_dict() for one in (usual, fallen) if one.state.discriminator)
    assert any(not torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("recipe", RECIPES)
def test_training_leaves_the_global_random_state_alone(bench: Callable[..., Bench], recipe: str) -> None:
    before = torch.get_rng_state()
    bench(recipe, duration="2 steps", dropout=0.2, **augmented(recipe, "translation,rotation,cutout")).train()
    assert torch.equal(before, torch.get_rng_state())


def test_dropout_draws_from_trainings_generator_and_the_average_from_none(bench: Callable[..., Bench]) -> None:
    run = bench("white-background", ema_half_life="0.1 kimg", duration="2 steps")
    before = run.state.random["training"].get_state()
    run.train()
    after = run.state.random["training"].get_state()
    assert not torch.equal(before, after)
    redraw_images(run.state.generator_ema, run.config, run.batches.images[:4])
    assert torch.equal(after, run.state.random["training"].get_state())


def test_the_data_goes_on_where_it_stood(bench: Callable[..., Bench]) -> None:
    """Batches are asked for by position alone, once a step, one after the other."""
    run = bench("mlp", duration="5 steps")
    asked = []
    original = run.batches.at

    def at(position: int) -> Batch:
        asked.append(position)
        return original(position)

    run.batches.at = at
    run.train()
    assert sorted(set(asked)) == [0, 8, 16, 24, 32]


# Everything that the configuration allows runs.


@pytest.mark.parametrize(("objective", "update"), list(itertools.product(OBJECTIVES, UPDATES)))
def test_every_objective_trains_with_every_update_that_is_allowed(
    bench: Callable[..., Bench], objective: str, update: str
) -> None:
    fields = {"objective": objective, "discriminator_batches": update, "duration": "2 steps", "hidden_dim": 4}
    if OBJECTIVES[objective].relativistic and update == "two-step":
        with refused("joint for relativistic", None):
            bench("mlp", **fields)
        return
    run = bench("mlp", **fields)
    before = parameters(run.state.generator), parameters(run.state.discriminator)
    ticks = run.train()
    assert [tick.step for tick in ticks] == [1, 2]
    assert all(math.isfinite(value) for tick in ticks for value in tick.measures.values())
    assert not identical(before[0], parameters(run.state.generator))
    assert not identical(before[1], parameters(run.state.discriminator))
    assert all(0 <= tick.measures[name] <= 1 for tick in ticks for name in MEASURES[2:])


@pytest.mark.parametrize("recipe", RECIPES)
def test_bfloat16_trains_and_keeps_weights_and_losses_in_float32(bench: Callable[..., Bench], recipe: str) -> None:
    run, exact = bench(recipe, precision="bfloat16", duration="2 steps"), bench(recipe, duration="2 steps")
    loss = "d_loss" if run.config.has_discriminator else "g_loss"
    ticks, known = run.train(), exact.train()
    for tick in ticks:
        assert all(math.isfinite(value) for value in tick.measures.values())
    assert ticks[0].measures[loss] == pytest.approx(known[0].measures[loss], rel=0.05)
    assert ticks[0].measures[loss] != known[0].measures[loss]
    networks = [one for one in (run.state.generator, run.state.discriminator) if one is not None]
    assert {parameter.dtype for network in networks for parameter in network.parameters()} == {torch.float32}
    made = generate(run.state, run.batch(), run.config)
    assert made.dtype == torch.float32
    if run.config.has_discriminator:
        assert discriminate(run.state, made, run.batch().labels, run.config).dtype == torch.float32


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("recipe", ["mlp", "dcgan", "pocket"])
def test_conditional_networks_train_and_are_told_the_classes(
    bench: Callable[..., Bench], recipe: str, update: str
) -> None:
    fields = {"objective": "hinge", "r1": 0, "r2": 0, "discriminator_batches": update, "duration": "3 steps"}
    fields["mismatched_label_weight"] = 0
    run = bench(recipe, conditional=True, **fields)
    embeddings = {
        name: (parameter, parameter.detach().clone())
        for network in (run.state.generator, run.state.discriminator)
        for name, parameter in network.named_parameters()
        if "embedding" in name
    }
    assert set(embeddings) == {"input.embedding.weight", "head.embedding.weight"}
    seen = set(torch.cat([run.batches.at(position).labels for position in (0, 8, 16)]).tolist())
    ticks = run.train()
    assert all(math.isfinite(value) for tick in ticks for value in tick.measures.values())
    assert 5 < len(seen) < 10
    for parameter, before in embeddings.values():
        assert set((parameter != before).any(dim=1).nonzero().flatten().tolist()) == seen


def test_colour_images_train(tiny_config: Callable[..., RunConfig], tiny_images: Callable[..., ImageSet]) -> None:
    for name in RECIPES:
        config, images = tiny_config(name, duration="2 steps"), tiny_images(channels=3)
        state = create_state(config, ImageShape(3, 8, 10 if config.network.conditional else 0), "cpu")
        batches = Batches(images, config.data, batch_size=8, seed=0, device="cpu")
        ticks = list(train(state, batches, config, make_plan(config, len(images))))
        assert [tick.step for tick in ticks] == [1, 2]


@pytest.mark.slow
def test_a_dense_network_learns_a_constant(tiny_config: Callable[..., RunConfig]) -> None:
    """All real images alike: the generator's pictures come near them, and nearer than at the start."""
    images = ImageSet(torch.full((32, 1, 4, 4), 230, dtype=torch.uint8), None, (), "constant")
    config = tiny_config("mlp", hidden_dim=16, depth=1, duration="300 steps", learning_rate=3e-3, beta1=0.5, r1=1.0)
    state = create_state(config, ImageShape(1, 4), "cpu")
    batches = Batches(images, config.data, batch_size=8, seed=0, device="cpu")

    def distance() -> float:
        made = generate_images(state.generator, config, 0, count=50, seed=0).images.astype(float)
        return abs(made - 230).mean()

    first = distance()
    list(train(state, batches, config, make_plan(config, 32)))
    assert first > 80
    assert distance() < 30
