"""Few images, uneven classes, and what generators are told: folds, adaptive augmentation, transfer, conditions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pocketgan
from pocketgan.base.errors import ConfigError, DataError, RunError
from pocketgan.config.data_section import DataConfig
from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe
from pocketgan.experiment.diagnosis import DIVERGING
from pocketgan.experiment.prepared_data import MNIST_SPREAD, find_facts, fold_of, penalty_weight
from pocketgan.images.batches import Batches, DataOrder
from pocketgan.images.sets import load_images
from pocketgan.images.splitting import by_content, content_hashes
from pocketgan.runs.mixtures import parse_mixture
from pocketgan.training.adaptive import EVERY, HIGHEST, Strength, affine, allows_flips, vary
from refusals import refused

RANDOM = np.random.default_rng(3)
TINY: dict[str, Any] = {"hidden_dim": 4, "batch_size": 16, "threads": 1, "progress": False, "evaluate_count": 200}


@pytest.fixture(autouse=True)
def _random(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random images are those of the test alone, whatever ran before it."""
    monkeypatch.setitem(globals(), "RANDOM", np.random.default_rng(3))


def images_of(count: int, side: int = 8) -> np.ndarray:
    return RANDOM.integers(0, 256, (count, side, side), np.uint8)


def archive(path: Path, count: int, **arrays: np.ndarray) -> str:
    np.savez(path / "own.npz", images=images_of(count), **arrays)
    return str(path / "own.npz")


# What is held out.


@pytest.mark.parametrize(("count", "held_out"), [(49, 0), (50, 10), (300, 60), (999, 199), (2000, 360)])
def test_a_fifth_is_held_out_from_fifty_images_on(tmp_path: Path, count: int, held_out: int) -> None:
    config = DataConfig(data=archive(tmp_path, count), validation=5000, fold=0)
    training = load_images(config)
    tested = count // 10 if count >= 1000 else 0
    assert len(training) == count - tested - held_out - (40 if count == 2000 else 0)
    if not held_out:
        with pytest.raises(DataError):
            load_images(config, "validation")


def test_five_folds_hold_out_every_image_once(tmp_path: Path) -> None:
    config = DataConfig(data=archive(tmp_path, 100), validation=0.2)
    seen: list[bytes] = []
    for fold in range(5):
        held_out = load_images(config.model_copy(update={"fold": fold}), "validation")
        seen += [image.tobytes() for image in held_out.images.numpy()]
    assert len(seen) == len(set(seen)) == 100


def test_the_seed_chooses_the_fold_of_few_images(tmp_path: Path) -> None:
    config = recipe("pocket").model_copy(update={"data": DataConfig(data="x", validation=0.2), "seed": 7})
    assert fold_of(config, 300) == 2 and fold_of(config, 3000) == 0
    assert fold_of(recipe("pocket"), 55_000) == 0, "the package's data"


def test_equal_images_are_never_in_two_splits() -> None:
    images = torch.from_numpy(np.concatenate([images_of(100)] * 3)[:, None])
    parts = by_content(content_hashes(images), None, 0.1, 0.2, 1)
    contents = [{images[place].numpy().tobytes() for place in part.tolist()} for part in parts]
    assert all(contents) and not contents[0] & contents[1] and not contents[1] & contents[2]
    assert sorted(torch.cat(parts).tolist()) == list(range(300))


def test_the_split_depends_on_pixels_and_not_on_the_order() -> None:
    images = torch.from_numpy(images_of(200)[:, None])
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    first = by_content(content_hashes(images), None, 0, 0.2, 0)[1]
    again = by_content(content_hashes(images[order]), None, 0, 0.2, 0)[1]
    assert {images[place].numpy().tobytes() for place in first.tolist()} == {
        images[order][place].numpy().tobytes() for place in again.tolist()
    }


def test_sixty_images_are_watched(tmp_path: Path) -> None:
    run = pocketgan.train("pocket", data=images_of(60), duration="4 steps", evaluate_every="4 steps", seed=1,
                          out=tmp_path / "run", **TINY)  # fmt: skip
    row = run.metrics()[-1]
    assert run.config.data.fold == 1 and run.facts.images == 48 and row["reference"] == "train"
    assert {"r_v", "r_v_error", "authentic", "authentic_floor", "authentic_floor_error", "copying"} <= row.keys()
    assert 0 < row["authentic_floor_error"] < 0.5


def test_copies_of_few_images_are_seen(tmp_path: Path) -> None:
    from pocketgan.base.progress import Progress
    from pocketgan.experiment.quality import Quality

    run = pocketgan.train("pocket", data=images_of(60), duration="1 step", out=tmp_path / "run", **TINY)
    images = load_images(run.config.data)
    quality = Quality(run, images, Progress(quiet=True))
    copies = quality.scores(quality.look(images.images.repeat(5, 1, 1, 1)))
    others = quality.scores(quality.look(torch.from_numpy(images_of(240)[:, None])))
    assert copies["authentic"] == 0 and others["authentic"] > 0.3 and copies["copying"] < -3 < others["copying"]


# Adaptive augmentation.


def test_at_probability_zero_nothing_changes_and_no_number_is_drawn() -> None:
    images, generator = torch.rand(4, 3, 8, 8), torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert vary(images, 0.0, -1.0, True, generator) is images and torch.equal(before, generator.get_state())


def test_moves_are_exact() -> None:
    images = torch.rand(1, 1, 8, 8)
    one, zero = torch.ones(1), torch.zeros(1)
    assert torch.allclose(affine(images, one, one, zero, zero, zero, -1.0), images, atol=1e-6)
    assert torch.allclose(affine(images, -one, one, zero, zero, zero, -1.0), images.flip(3), atol=1e-6)
    moved = affine(images, one, one, zero, one / 4, zero, -1.0)
    assert torch.allclose(moved[..., 2:], images[..., :-2], atol=1e-6) and torch.allclose(moved[..., :2], -one)
    turned = affine(images, one, one, torch.full((1,), torch.pi / 2), zero, zero, -1.0)
    assert torch.allclose(turned, images.rot90(1, (2, 3)), atol=1e-5) or torch.allclose(
        turned, images.rot90(-1, (2, 3)), atol=1e-5
    )


def test_gradients_of_gradients_pass_through_the_changes() -> None:
    images = torch.rand(4, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    changed = vary(images, 1.0, -1.0, True, torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(changed.square().sum(), images, create_graph=True)
    (second,) = torch.autograd.grad(gradient.square().sum(), images)
    assert second.abs().sum() > 0 and second.isfinite().all()


def test_the_probability_follows_overfitting() -> None:
    strength = Strength()
    for _ in range(400):
        strength.observe(torch.full((64,), 2.0), torch.full((64,), -2.0))
        strength.adapt(torch.full((64,), -1.9), EVERY * 64)
    assert strength.probability == HIGHEST and strength.ratio == pytest.approx(0.975)
    strength.observe(torch.full((64,), 2.0), torch.full((64,), -2.0))
    strength.adapt(torch.full((64,), 1.9), EVERY * 64)
    assert strength.probability < HIGHEST
    copy = Strength()
    copy.load(strength.tensor())
    assert torch.equal(copy.tensor(), strength.tensor())


def test_flips_are_allowed_where_the_data_looks_the_same_mirrored() -> None:
    bars = RANDOM.integers(0, 30, (400, 1, 12, 12), np.uint8)
    for place, bar in enumerate(bars):
        bar[0, :, place % 6 + 3] = RANDOM.integers(100, 256)
    assert allows_flips(torch.from_numpy(bars))
    left = RANDOM.integers(0, 30, (400, 1, 12, 12), np.uint8)
    for place, bar in enumerate(left):
        bar[0, :, place % 4] = RANDOM.integers(200, 256)
    assert not allows_flips(torch.from_numpy(left))


def test_adaptive_augmentation_resumes_exactly(tmp_path: Path) -> None:
    options = TINY | {"data": images_of(60), "augment": "auto", "schedule": "constant", "evaluate_every": "none"}
    whole = pocketgan.train("pocket", duration="20 steps", out=tmp_path / "a", **options)
    pocketgan.train("pocket", duration="10 steps", out=tmp_path / "b", **options)
    resumed = pocketgan.resume(tmp_path / "b", duration="20 steps", progress=False)
    for mine, theirs in zip(*(run.generator(checkpoint="last").parameters() for run in (whole, resumed)), strict=True):
        assert torch.equal(mine, theirs)


def test_adaptive_augmentation_needs_images_that_are_held_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        pocketgan.train("pocket", data=images_of(60), validation=0, augment="auto", out=tmp_path / "run", **TINY)
    assert caught.value.key == "augment without validation" and not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_changes_do_not_leak_into_what_is_generated(tmp_path: Path) -> None:
    """The data has its bar in the middle columns; shifts, turns and mirrors move it, and the generator must not."""
    bars = np.zeros((300, 16, 16), np.uint8)
    bars[:, :, 7:9] = RANDOM.integers(180, 256, (300, 1, 1))
    options = TINY | {"data": bars + RANDOM.integers(0, 20, bars.shape).astype(np.uint8) // 2, "hidden_dim": 8}
    run = pocketgan.train("pocket", duration="250 steps", augment="auto", evaluate_every="none",
                          out=tmp_path / "run", **options)  # fmt: skip
    made = run.generate(200).images[:, 0].astype(float)
    profile = made.mean(axis=1) / made.mean(axis=(1, 2))[:, None] / 16
    assert profile[:, 6:10].sum(axis=1).mean() > 0.8


# Another run's weights.


def test_training_begins_with_another_runs_weights(tmp_path: Path) -> None:
    options = TINY | {"evaluate_every": "none"}
    first = pocketgan.train("pocket", data=images_of(60), duration="3 steps", out=tmp_path / "a", **options)
    second = pocketgan.train("pocket", data=images_of(60), duration="3 steps", initial_run=str(first.folder),
                             frozen_layers=1, out=tmp_path / "b", **options)  # fmt: skip
    old, new = (run.discriminator(checkpoint="last").state_dict() for run in (first, second))
    names = [name for name in old if name.endswith("weight")]
    assert [torch.equal(old[name], new[name]) for name in names[:2]] == [True, False]


@pytest.mark.parametrize(("source", "key"), [("nowhere", "no weights there"), ("a", "weights don't fit")])
def test_a_run_that_does_not_fit_is_refused(tmp_path: Path, source: str, key: str) -> None:
    options = TINY | {"data": images_of(60), "evaluate_every": "none"}
    pocketgan.train("pocket", duration="1 step", out=tmp_path / "a", **options)
    with pytest.raises(ConfigError) as caught:
        pocketgan.train(
            "pocket", initial_run=str(tmp_path / source), out=tmp_path / "b", **options | {"hidden_dim": 16}
        )
    assert (caught.value.field, caught.value.key) == ("initial_run", key)


# Uneven classes, mixtures, several labels, numbers.


def test_balanced_training_uses_all_classes_equally_often() -> None:
    labels = torch.tensor([0] * 90 + [1] * 9 + [2])
    order = DataOrder(100, "epoch", 0, labels)
    counts = torch.bincount(labels[torch.cat([order.epoch(number) for number in range(30)])])
    assert counts.sum() == 3000 and (counts - 1000).abs().max() < 60
    assert torch.equal(order.indices(250, 100), torch.cat([order.epoch(2)[50:], order.epoch(3)[:50]]))


def test_a_mixture_of_classes(tmp_path: Path) -> None:
    labels = np.arange(60) % 3
    run = pocketgan.train("pocket", data=(images_of(60), labels), duration="2 steps", evaluate_every="none",
                          out=tmp_path / "run", **TINY)  # fmt: skip
    pure, mixed = run.generate(2, label="0"), run.generate(2, label="0:3,2:1")
    assert (run.generate(2, label={"0": 1}).images == pure.images).all()
    assert (run.generate(2, label={"0": 0.75, "2": 0.25}).images == mixed.images).all()
    for wrong in ("0:x", "7:1", "0:-1"):
        with pytest.raises(RunError) as caught:
            run.generate(2, label=wrong)
        assert caught.value.field == "label"


def test_names_and_weights() -> None:
    assert parse_mixture("3:0.7, 8:0.3") == {"3": 0.7, "8": 0.3} and parse_mixture("a,b") == {"a": 1, "b": 1}


def test_several_labels_for_an_image(tmp_path: Path) -> None:
    flags = RANDOM.integers(0, 2, (60, 3))
    run = pocketgan.train("pocket", data=(images_of(60), flags), duration="2 steps", evaluate_every="2 steps",
                          out=tmp_path / "run", **TINY)  # fmt: skip
    assert run.facts.condition_names == ("0", "1", "2") and len(run.facts.condition_rows) == 48
    assert run.generate(3, label="0,2").images.shape == (3, 1, 8, 8)
    assert len(run.metrics()) == 1 and run.generate(5).images.shape == (5, 1, 8, 8)


def test_numbers_as_a_condition(tmp_path: Path) -> None:
    values = RANDOM.normal(5, 2, 60)
    (tmp_path / "thickness.csv").write_text("thickness\n" + "\n".join(f"{value:.4f}" for value in values))
    run = pocketgan.train("pocket", data=images_of(60), condition=str(tmp_path / "thickness.csv"), duration="2 steps",
                          evaluate_every="none", out=tmp_path / "run", **TINY)  # fmt: skip
    assert run.facts.condition_names == ("thickness",)
    assert run.facts.condition_means[0] == pytest.approx(values.mean(), rel=1e-4)
    assert (run.generate(2, label="thickness:5").images != run.generate(2, label="thickness:9").images).any()


def test_numbers_that_nothing_reads_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thickness.csv").write_text("thickness\n" + "1.5\n" * 60)
    with refused("condition unused", "condition"):
        pocketgan.train("minimal", data=images_of(60), condition=str(tmp_path / "thickness.csv"),
                        out=tmp_path / "run", **TINY)  # fmt: skip


def test_a_table_of_numbers_must_name_every_picture(tmp_path: Path) -> None:
    from PIL import Image

    for name in "ab":
        Image.fromarray(images_of(1)[0]).save(tmp_path / f"{name}.png")
    (tmp_path / "n.csv").write_text("file,angle\na.png,3\n")
    with pytest.raises(DataError) as caught:
        load_images(DataConfig(data=str(tmp_path), condition=str(tmp_path / "n.csv"), labels="none"))
    assert (caught.value.key, caught.value.field) == ("no numbers of picture", "condition")


def test_batches_hold_numbers_or_classes(tmp_path: Path) -> None:
    images = load_images(DataConfig(data=archive(tmp_path, 20, labels=np.arange(20) % 2)))
    batch = Batches(images, DataConfig(), batch_size=4, seed=0, device="cpu").at(0)
    assert batch.labels is not None and batch.labels.dtype == torch.int64


# What follows the data: the reaction to failures, and penalties.


def test_pocket_may_roll_back_on_own_images_unless_asked_otherwise() -> None:
    own = replace(recipe("pocket"), data="own.npz")
    assert own.may_roll_back and not recipe("pocket").may_roll_back
    assert not replace(own, on_failure="continue").may_roll_back
    assert not replace(recipe("dcgan"), data="own.npz").may_roll_back


def test_the_penalty_is_one_for_mnist_and_follows_the_distance_of_other_images(tmp_path: Path) -> None:
    assert penalty_weight("auto", find_facts(load_images(DataConfig()), digest=False)) == 1.0
    facts = find_facts(load_images(DataConfig(data=archive(tmp_path, 200))))
    pixels = load_images(DataConfig(data=archive(tmp_path, 200))).images.flatten(1).double() / 127.5 - 1
    distance = (pixels[:100] - pixels[100:]).square().sum(dim=1).mean().item()
    assert penalty_weight("auto", facts) == pytest.approx(distance / MNIST_SPREAD, rel=0.1)
    assert penalty_weight(3.5, facts) == 3.5


@pytest.mark.slow
def test_a_run_that_diverges_on_own_images_goes_back_by_default(tmp_path: Path) -> None:
    sensitive = {"watch_window": 2, "watch_progress": 0.9, "watch_accuracy": 0.51, "learning_rate": 0.05}
    often = {"duration": "60 steps", "evaluate_every": "4 steps", "checkpoint_every": "4 steps", "features": "random"}
    run = pocketgan.train("pocket", data=images_of(1000), out=tmp_path / "run", **(TINY | sensitive | often))
    assert run.config.watchdog.on_failure == "auto"
    rolled_back, found = run.rollbacks(), [event for event in run.events() if event["event"] == "diagnosis"]
    assert rolled_back and {event["name"] for event in found} & set(DIVERGING)
