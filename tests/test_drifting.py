"""The recipe `drifting`: its field, its batches by class, and what has no effect without a discriminator."""

import json
from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import pocketgan
from pocketgan.base.errors import ConfigError
from pocketgan.config import parts
from pocketgan.config.fields import replace
from pocketgan.config.lone import IDLE
from pocketgan.config.plan import make_plan
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.images.batches import LEAST_OF_CLASS, Batches
from pocketgan.images.sets import ImageSet
from pocketgan.networks import ImageShape
from pocketgan.runs.records import CLOCKS
from pocketgan.training.drifting import drift, drifting_loss, field
from pocketgan.training.objectives import SET_OBJECTIVES
from pocketgan.training.state import TrainState, create_state
from pocketgan.training.steps import next_batch, train, training_step
from pocketgan.web.asking import Chosen, asked_for
from pocketgan.web.create.creating import draw, look
from pocketgan.web.create_words import say
from pocketgan.web.memory import Loaded
from pocketgan.web.site import Site
from pocketgan.web.train.live import Doing, parts_of
from refusals import refused

Images = Callable[..., ImageSet]
Config = Callable[..., RunConfig]


# The field.


def points(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_exchanging_real_and_generated_images_changes_the_sign_of_the_drift() -> None:
    places, real, made = points(2, 5, 3), points(2, 7, 3, seed=1), points(2, 4, 3, seed=2)
    to_real, to_made = torch.cdist(places, real), torch.cdist(places, made)
    there, back = drift(to_real, to_made, real, made, 0.7), drift(to_made, to_real, made, real, 0.7)
    assert there.abs().max() > 0.01
    torch.testing.assert_close(there, -back)


def test_the_drift_is_zero_where_the_two_sets_are_equal() -> None:
    places, images = points(2, 5, 3), points(2, 7, 3, seed=1)
    distances = torch.cdist(places, images)
    assert drift(distances, distances, images, images, 0.7).abs().max() < 1e-12


def test_the_drift_attracts_to_real_images_and_repels_from_generated_ones() -> None:
    real, made = torch.zeros(1, 6, 4), torch.zeros(1, 2, 4)
    made[0, 0, 0], made[0, 1, 0] = 1.0, 1.5
    scale, total = field(made, real)
    assert scale > 0 and (total[0, :, 0] < 0).all() and total[0, 0, 0] < total[0, 1, 0] * 0.1
    assert torch.allclose(total[..., 1:], torch.zeros(1, 2, 3), atol=1e-6)


def test_the_drift_of_a_class_depends_on_no_other_class() -> None:
    places, real, made = points(2, 5, 3), points(2, 7, 3, seed=1), points(2, 4, 3, seed=2)
    both = drift(torch.cdist(places, real), torch.cdist(places, made), real, made, 0.7)
    for one in (slice(0, 1), slice(1, 2)):
        to_real, to_made = torch.cdist(places[one], real[one]), torch.cdist(places[one], made[one])
        torch.testing.assert_close(drift(to_real, to_made, real[one], made[one], 0.7), both[one])


def test_the_losss_gradient_points_against_the_drift() -> None:
    made, real = points(2, 4, 3, seed=1).requires_grad_(), points(2, 8, 3)
    (gradient,) = torch.autograd.grad(drifting_loss(made, real), made)
    scale, total = field(made.detach(), real)
    torch.testing.assert_close(gradient, -2 * total / (scale * made.numel()))


@pytest.mark.parametrize("real", [1, 2, 9])
@pytest.mark.parametrize("made", [2, 3])
def test_the_loss_is_finite_where_images_are_few_or_equal(real: int, made: int) -> None:
    for images in (torch.zeros(1, made, 4), points(1, made, 4).float()):
        images.requires_grad_()
        loss = drifting_loss(images, torch.zeros(1, real, 4))
        (gradient,) = torch.autograd.grad(loss, images)
        assert loss.isfinite() and gradient.isfinite().all()


def test_the_facts_are_those_that_the_table_holds() -> None:
    for name, objective in SET_OBJECTIVES.items():
        assert parts.BUILT_IN["objective"][name] == objective.facts


# Batches by class.


def batches(images: ImageSet, size: int, seed: int = 0) -> Batches:
    return Batches(images, recipe("drifting").data, batch_size=size, seed=seed, device="cpu")


def test_a_batch_by_class_holds_one_class_after_the_other(tiny_images: Images) -> None:
    images = tiny_images(count=50, classes=3)
    batch = batches(images, 3 * LEAST_OF_CLASS).by_class(0)
    labels = batch.labels.view(batch.groups, -1)
    assert batch.groups == 3 and batch.real.shape == (3 * LEAST_OF_CLASS, 1, 8, 8)
    assert sorted(labels[:, 0].tolist()) == [0, 1, 2] and (labels == labels[:, :1]).all()
    known = {label: images.images[images.labels == label].flatten(1).unique(dim=0) for label in range(3)}
    for label, image in zip(batch.labels.tolist(), batch.real, strict=True):
        shown = (image.flatten() * 127.5 + 127.5).round().to(torch.uint8)
        assert (known[label] == shown).all(dim=1).any()


def test_small_batches_hold_some_classes_and_the_position_decides(tiny_images: Images) -> None:
    feed = batches(tiny_images(classes=10), 2 * LEAST_OF_CLASS)
    drawn = [feed.by_class(position) for position in (0, 256, 512, 256)]
    assert {batch.groups for batch in drawn} == {2}
    assert torch.equal(drawn[1].real, drawn[3].real) and not torch.equal(drawn[0].real, drawn[1].real)
    every = {label for position in range(40) for label in feed.by_class(position).labels.tolist()}
    assert every == set(range(10))
    assert batches(tiny_images(classes=10), 8).by_class(0).groups == 1
    other = batches(tiny_images(classes=10), 256, seed=1).by_class(0)
    assert not torch.equal(other.real, drawn[0].real)


# Training.


def started(config: RunConfig, images: ImageSet) -> TrainState:
    classes = len(images.class_names) if config.network.conditional else 0
    return create_state(config, ImageShape(images.images.shape[1], images.images.shape[2], classes), "cpu")


@pytest.mark.parametrize(("classes", "size"), [(3, 8), (3, 500), (10, 1), (0, 8), (1, 300)])
def test_any_number_of_images_in_a_class_trains(
    tiny_config: Config, tiny_images: Images, classes: int, size: int
) -> None:
    """A class has one image here, and the batch is small or large."""
    images = tiny_images(count=40, classes=classes)
    if classes > 1:
        images = changed(images, labels=torch.tensor([0] * 38 + [1] * 1 + [classes - 1]))
    config = tiny_config("drifting", batch_size=size, duration="6 steps", conditional=bool(classes))
    state = started(config, images)
    before = [one.clone() for one in state.generator.parameters()]
    ticks = list(train(state, batches(images, size), config, make_plan(config, len(images))))
    assert [set(tick.measures) for tick in ticks] == [{"g_loss"}] * 6
    assert all(np.isfinite(tick.measures["g_loss"]) for tick in ticks)
    assert any(not torch.equal(a, b) for a, b in zip(before, state.generator.parameters(), strict=True))
    assert state.nimg == 6 * size


def test_there_is_no_discriminator_to_train(tiny_config: Config, tiny_images: Images) -> None:
    config, images = tiny_config("drifting"), tiny_images()
    state = started(config, images)
    assert state.discriminator is None and state.discriminator_optimizer is None
    done = training_step(state, next_batch(batches(images, 8), 0, config), config, 1.0)
    assert [one.abs().max().item() > 0 for one in done] == [False, True, False, False]


def test_the_generator_comes_to_the_images_of_each_class(tiny_config: Config) -> None:
    """Class 0 is dark and class 1 is bright; a few steps bring the generator there."""
    images = torch.cat([torch.full((8, 1, 8, 8), 20), torch.full((8, 1, 8, 8), 230)]).to(torch.uint8)
    images += torch.randint(10, images.shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    data = ImageSet(images, torch.arange(16) // 8, ("dark", "bright"), "tiny")
    config = tiny_config("drifting", batch_size=256, duration="60 steps", ema_half_life="none", schedule="constant")
    state = started(config, data)
    list(train(state, batches(data, 256), config, make_plan(config, 16)))
    with torch.no_grad():
        made = state.generator.eval()(torch.randn(8, 6), torch.arange(8) % 2).flatten(1).mean(dim=1)
    assert (made[::2] < -0.5).all() and (made[1::2] > 0.5).all()


# What it refuses.


def test_the_discriminator_is_there_exactly_where_it_is_needed() -> None:
    with refused("discriminator needed", "discriminator", objective="relativistic"):
        replace(recipe("pocket"), discriminator="none")
    with refused("discriminator idle", "discriminator", objective="drifting"):
        replace(recipe("drifting"), discriminator="pocket")
    with refused("lone needs noise", "generator", name="autoencoder"):
        replace(recipe("drifting"), generator="autoencoder", conditional=False)


OTHERS = {"augment": "translation", "frozen_layers": 1}


@pytest.mark.parametrize("field", IDLE)
def test_what_has_no_effect_is_refused(field: str) -> None:
    with refused("idle without discriminator", field):
        replace(recipe("drifting"), **{field: OTHERS.get(field, 0.5)})


@pytest.mark.parametrize("generator", ["mlp", "dcgan", "pocket"])
def test_every_generator_that_starts_from_noise_will_do(generator: str) -> None:
    assert not replace(recipe("drifting"), generator=generator).has_discriminator
    assert not replace(recipe("mlp"), generator=generator, objective="drifting", discriminator="none").has_discriminator


# A whole run.


@pytest.mark.usefixtures("figures")
@pytest.mark.slow
def test_a_run_without_a_discriminator_is_complete(tmp_path: Path, data: Path) -> None:
    run = pocketgan.train(
        "drifting",
        data=str(data),
        out=tmp_path / "run",
        hidden_dim=4,
        batch_size=40,
        duration="6 steps",
        log_every="2 steps",
        sample_every="3 steps",
        sample_count=4,
        evaluate_every="3 steps",
        evaluate_count=200,
        threads=1,
    )
    assert run.status().state == "finished" and len(run.metrics()) == 2
    assert all(
        "g_loss" in row and not {"d_loss", "d_real_accuracy", "d_fake_accuracy"} & set(row) for row in run.stats()
    )
    assert not any("generator_gradient" in row or "r_v" in row for row in run.metrics())
    assert (run.folder / "checkpoints" / "best.safetensors").is_file()
    assert {path.name for path in (run.folder / "figures").iterdir()} >= {"loss_plot.png", "quality_plot.png"}
    assert not (run.folder / "figures" / "accuracy_plot.png").exists()
    assert len(run.generate(3).images) == 3
    with refused("no discriminator", "run"):
        run.discriminator()
    site = Site(tmp_path)
    parts_of_page = parts_of(site, "run", site.reader.read(run.folder), Doing(), "")
    assert 'class="pg-chart"' in parts_of_page["losses"] and parts_of_page["accuracy"] == ""
    assert site.say("discriminator") not in parts_of_page["losses"]
    assert json.loads(next((run.folder / "samples").glob("*.json")).read_text()).keys() == set(CLOCKS)
    pocketgan.export(run, tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text()
    assert "without a discriminator" in card and "adversarial" not in card.partition("##")[0]


@pytest.mark.slow
def test_a_model_without_a_discriminator_is_looked_at_without_its_score(data: Path, tmp_path: Path) -> None:
    small = {"hidden_dim": 4, "batch_size": 8, "duration": "1 step", "sample_count": 4, "evaluate_every": "none"}
    run = pocketgan.train("drifting", data=str(data), out=tmp_path / "run", progress=False, threads=1, **small)
    assert Loaded(run.folder).discriminator is None
    site = Site(tmp_path)
    with site.speaking():
        _, shown = draw(site, *asked_for(site, "run", "3", 4, 1, 1, ()))
        text = look(site, Chosen(shown, 0))
    site.worker.end()
    assert "<img" in text and say("classifier") in text and say("discriminator") not in text


def test_the_loop_has_no_discriminator(data: Path) -> None:
    loop = pocketgan.steps("drifting", data=str(data), hidden_dim=4, batch_size=8, duration="1 step")
    assert len(list(loop)) == 1
    with pytest.raises(ConfigError) as caught:
        _ = loop.discriminator
    assert caught.value.key == "loop without discriminator"


def test_data_described_by_numbers_is_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0)
    np.savez(
        tmp_path / "tags.npz",
        images=values.integers(0, 256, (60, 8, 8), dtype=np.uint8),
        labels=values.integers(0, 2, (60, 3)),
    )
    with refused("classes only", "objective", name="drifting"):
        pocketgan.train("drifting", data=str(tmp_path / "tags.npz"), duration="1 step", out=tmp_path / "run")
