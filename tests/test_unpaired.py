"""Translation without pairs (`--to`), the baseline run, the distance of strokes, and photos of digits."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import pocketgan
from pocketgan.base.errors import ConfigError, DataError, NoSplit, RunError
from pocketgan.config.data_section import DataConfig
from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.experiment import resume_experiment, run_experiment
from pocketgan.images.batches import Batches
from pocketgan.images.handwriting import prepared
from pocketgan.images.pair_sets import pairs_in
from pocketgan.images.sets import load_images
from pocketgan.images.tasks import Pairs
from pocketgan.metrics.strokes import chamfer, stroke_distance
from pocketgan.metrics.translation import BASELINE, TranslationScores, dependence, kept_distances
from pocketgan.networks import ImageShape
from pocketgan.training.checkpoints import read_checkpoint
from pocketgan.training.state import create_state
from pocketgan.training.steps import training_step
from pocketgan.training.translation import keeping_statistics
from refusals import refused

Tiny = Callable[..., RunConfig]
SMALL = {"batch_size": 4, "sample_count": 4, "hidden_dim": 4, "depth": 1, "precision": "float32", "threads": 1}


def arrays(path: Path, side: int = 8, train: int = 60, test: int = 40, channels: int = 1, seed: int = 0) -> Path:
    """Writes random images of two classes; the second half of the gray levels belongs to the second class."""
    random, values = np.random.default_rng(seed), dict[str, np.ndarray]()
    for part, count in (("train", train), ("test", test)):
        labels = np.arange(count) % 2
        shape = (count, side, side) if channels == 1 else (count, side, side, channels)
        noise = random.integers(0, 128, shape)
        values |= {f"x_{part}": (noise + 120 * labels.reshape(-1, *[1] * (len(shape) - 1))).astype(np.uint8)}
        values |= {f"y_{part}": labels}
    np.savez(path, **values)  # pyright: ignore[reportArgumentType]
    return path


@pytest.fixture
def both(tmp_path: Path) -> dict[str, str]:
    return {"data": str(arrays(tmp_path / "a.npz")), "to": str(arrays(tmp_path / "b.npz", side=12, train=50, seed=1))}


# Data.


def test_the_target_domain_gets_the_size_and_stays_apart_by_split(both: dict[str, str]) -> None:
    config = DataConfig.model_validate(both)
    train, test = load_images(config), load_images(config, "test")
    assert train.target_domain is not None and test.target_domain is not None
    assert train.target_domain.images.shape[1:] == train.images.shape[1:] == (1, 8, 8)
    assert (len(train), len(train.target_domain), len(test.target_domain)) == (60, 50, 40)
    seen = {image.tobytes() for image in train.target_domain.images.numpy()}
    assert not seen & {image.tobytes() for image in test.target_domain.images.numpy()}
    assert config.task == "none"


def test_the_digest_knows_the_target_domain(both: dict[str, str], tmp_path: Path) -> None:
    first = load_images(DataConfig.model_validate(both)).digest()
    arrays(tmp_path / "b.npz", side=12, train=50, seed=2)
    assert load_images(DataConfig.model_validate(both)).digest() != first


def test_classes_are_chosen_on_both_sides(both: dict[str, str]) -> None:
    images = load_images(DataConfig.model_validate(both | {"classes": "1"}))
    assert images.target_domain is not None and set(images.target_domain.class_names) == {"1"}
    assert len(images) == 30 and len(images.target_domain) == 25


def test_batches_mix_the_domains_in_orders_of_their_own(both: dict[str, str]) -> None:
    config = DataConfig.model_validate(both | {"pixel_range": "unit"})
    images = load_images(config)
    assert images.target_domain is not None
    batches = Batches(images, config, batch_size=50, seed=0, device="cpu")
    batch = batches.at(0)
    sources = {(image * 255).round().byte().numpy().tobytes() for image in batch.source}
    reals = {(image * 255).round().byte().numpy().tobytes() for image in batch.real}
    assert sources < {image.tobytes() for image in images.images.numpy()}
    assert reals == {image.tobytes() for image in images.target_domain.images.numpy()}, "each once in an epoch"
    assert torch.equal(batches.at(120).real, Batches(images, config, batch_size=50, seed=0, device="cpu").at(120).real)


@pytest.mark.parametrize(
    ("name", "fields", "key"),
    [
        ("pocket", {}, "translation needs images"),
        ("translator", {"pairs": "x"}, "to and pairs"),
        ("translator", {"task": "denoise"}, "to and task"),
        ("white-background", {}, "to and target"),
        ("translator", {"adversarial_weight": 0}, "to needs adversarial"),
    ],
)
def test_settings_that_contradict_a_target_domain(name: str, fields: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError) as error:
        replace(recipe(name), to="mnist", **fields)
    assert error.value.key == key


def test_the_identity_weight_needs_a_target_domain() -> None:
    with pytest.raises(ConfigError) as error:
        replace(recipe("translator"), identity_weight=1)
    assert error.value.field == "identity_weight"


def test_channels_and_sizes_of_the_domains(both: dict[str, str], tmp_path: Path) -> None:
    colored = str(arrays(tmp_path / "c.npz", channels=3))
    for fields, key in (
        ({"to": colored}, "channels of domains"),
        ({"to": "mnist"}, "sizes of domains"),
        ({"to": str(tmp_path / "nothing.npz")}, None),
    ):
        with pytest.raises(DataError) as error:
            load_images(DataConfig.model_validate(both | fields))
        assert error.value.field == "to" and key in (None, error.value.key)
    alike = load_images(DataConfig.model_validate(both | {"to": colored, "color": "rgb"}))
    assert alike.target_domain is not None and alike.images.shape[1] == 3


def test_a_target_domain_without_a_test_split(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for number in range(3):
        Image.fromarray(np.full((8, 8), 80 * number, np.uint8)).save(tmp_path / "b" / f"{number}.png")
    config = DataConfig.model_validate({"data": str(arrays(tmp_path / "a.npz")), "to": str(tmp_path / "b")})
    with pytest.raises(NoSplit):
        load_images(config, "test")


# The training step.


def test_the_step_trains_the_way_back_as_well(both: dict[str, str], tiny_config: Tiny) -> None:
    config = tiny_config("translator", **both, **SMALL)
    assert not config.reads_pairs
    state = create_state(config, ImageShape(1, 8), "cpu")
    assert state.partner is not None
    networks = (state.generator, state.partner, state.discriminator)
    before = [[p.detach().clone() for p in network.parameters()] for network in networks]
    batches = Batches(load_images(config.data), config.data, batch_size=4, seed=0, device="cpu")
    training_step(state, batches.at(0), config, 1.0)
    for old, network in zip(before, networks, strict=True):
        assert any(not torch.equal(a, b) for a, b in zip(old, network.parameters(), strict=True))
    assert create_state(tiny_config("translator", **SMALL), ImageShape(1, 8), "cpu").partner is None


def test_where_the_class_is_kept_targets_have_that_of_their_input(both: dict[str, str]) -> None:
    config = DataConfig.model_validate(both | {"keep_class": True, "pixel_range": "unit"})
    images = load_images(config)
    batches = Batches(images, config, batch_size=40, seed=0, device="cpu")
    batch = batches.at(0)
    assert batch.labels is not None
    bright = batch.real.mean(dim=(1, 2, 3)) > 95 / 255  # See `arrays`: the classes differ in brightness.
    assert torch.equal(bright.long(), batch.labels)
    assert torch.equal(batch.real, batches.at(0).real) and not torch.equal(batch.real, batches.at(60).real)
    pairs = pairs_in(config, images)
    assert pairs.classes is not None and images.labels is not None
    assert torch.equal(pairs.classes[0], images.labels)
    assert torch.equal((pairs.targets.float().mean(dim=(1, 2, 3)) > 95).long(), pairs.classes[1])


def test_only_the_discriminator_receives_the_class_that_is_kept(both: dict[str, str], tiny_config: Tiny) -> None:
    config = tiny_config("translator", **both, **SMALL, keep_class=True)
    assert config.tells_classes and not config.network.conditional
    state = create_state(config, ImageShape(1, 8, 2), "cpu")
    assert state.discriminator is not None
    assert any("embedding" in name for name, _ in state.discriminator.named_parameters())
    batch = Batches(load_images(config.data), config.data, batch_size=4, seed=0, device="cpu").at(0)
    training_step(state, batch, config, 1.0)
    assert torch.equal(state.generator(batch.source, batch.labels), state.generator(batch.source))


def test_both_sides_need_the_same_classes_to_keep_them(both: dict[str, str], tmp_path: Path) -> None:
    stored = dict(np.load(both["to"]))
    foreign, none = tmp_path / "foreign.npz", tmp_path / "none.npz"
    np.savez(foreign, **(stored | {"y_train": stored["y_train"] + 1, "y_test": stored["y_test"] + 1}))
    np.savez(none, **{name: values for name, values in stored.items() if name.startswith("x")})
    for to, key in ((foreign, "classes of domains"), (none, "keep class without labels")):
        with refused(key, "keep_class"):
            load_images(DataConfig.model_validate(both | {"to": str(to), "keep_class": True}))
    with refused("keep class needs to", "keep_class"):
        replace(recipe("translator"), keep_class=True)


def test_a_split_for_measuring_may_lack_a_class_that_is_kept(both: dict[str, str], tmp_path: Path) -> None:
    stored = dict(np.load(both["to"]))
    first = stored["y_test"] == 0
    few = tmp_path / "few.npz"
    np.savez(few, **(stored | {"x_test": stored["x_test"][first], "y_test": stored["y_test"][first]}))
    images = load_images(DataConfig.model_validate(both | {"to": str(few), "keep_class": True}), "test")
    assert images.target_domain is not None and images.labels is not None
    assert images.target_domain.labels is not None and set(images.target_domain.labels.tolist()) == {0}
    assert set(images.labels.tolist()) == {0, 1}


def test_statistics_are_those_of_the_inputs_alone() -> None:
    network = nn.Sequential(nn.BatchNorm2d(1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with keeping_statistics(network):
        network(torch.rand(4, 1, 3, 3))
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())
    network(torch.rand(4, 1, 3, 3))
    assert not torch.equal(before["0.running_mean"], network.state_dict()["0.running_mean"])


@pytest.mark.parametrize("keep_class", [False, True])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    both: dict[str, str], tiny_config: Tiny, tmp_path: Path, keep_class: bool
) -> None:
    fields = {**SMALL, **both, "schedule": "constant", "keep_class": keep_class}
    whole = run_experiment(tiny_config("translator", duration="6 steps", **fields), tmp_path / "w")
    half = run_experiment(tiny_config("translator", duration="3 steps", **fields), tmp_path / "h")
    resumed = resume_experiment(half.folder, "6 steps")
    first, second = (read_checkpoint(run.checkpoints()[-1]) for run in (whole, resumed))
    assert first.tensors.keys() == second.tensors.keys()
    assert any(key.startswith("partner.") for key in first.tensors)
    assert all(torch.equal(first.tensors[key], second.tensors[key]) for key in first.tensors)


def test_mnist_can_be_resumed_with_data_of_ones_own(tiny_config: Tiny, tmp_path: Path) -> None:
    to = str(arrays(tmp_path / "b.npz", side=28, train=300, test=10))
    run = run_experiment(tiny_config("translator", to=to, duration="1 step", **SMALL), tmp_path / "run")
    assert resume_experiment(run.folder, "2 steps").status().step == 2


# Whole runs.


@pytest.fixture(scope="module", params=[False, True], ids=["", "class kept"])
def run(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path_factory.mktemp("unpaired")
    data = {
        "data": str(arrays(folder / "a.npz", 16, 300, 150)),
        "to": str(arrays(folder / "b.npz", 12, 280, 140, seed=1)),
    }
    every = {"evaluate_every": "2 steps", "evaluate_count": 200, "validation": 0}
    settings = {**SMALL, "duration": "4 steps", **every}
    pocketgan.train("translator", out=folder / "run", progress=False, keep_class=request.param, **data, **settings)
    return folder / "run"


def test_evaluations_compare_with_the_target_domain(run: Path) -> None:
    row = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    assert 0 < row["distinct_outputs"] <= 1 and "kept_distances" in row and "psnr" not in row
    done = pocketgan.evaluate(run, features="random", metrics="precision,recall", progress=False)
    assert done.translation is not None and done.translation.task == "unpaired"
    assert set(done.translation.rows) == {"generator", "copy", "targets"}
    assert "psnr" not in done.translation.rows["generator"]
    assert done.translation.rows["copy"]["kept_distances"] == pytest.approx(1)


def test_translations_and_exports(run: Path, tmp_path: Path) -> None:
    translation = pocketgan.translate(run, count=5)
    assert translation.outputs.images.shape == (5, 1, 16, 16) and translation.targets is None
    model = pocketgan.export(run, tmp_path / "model", format="safetensors", progress=False)
    assert model.config.data.to == "./b.npz" and str(run.parent) not in (model.folder / "config.json").read_text()


def test_dependence_without_pairs() -> None:
    random = torch.Generator().manual_seed(0)
    inputs = torch.randint(256, (50, 1, 6, 6), generator=random, dtype=torch.uint8)
    pairs = Pairs(inputs, torch.randint(256, (50, 1, 6, 6), generator=random, dtype=torch.uint8), matched=False)
    inverted = dependence(255 - inputs, pairs)
    assert inverted["kept_distances"] == pytest.approx(1) and "own_target" not in inverted
    assert kept_distances(inputs[:1].expand(50, -1, -1, -1), inputs) is None
    assert dependence(inputs[:1].expand(50, -1, -1, -1), pairs)["variation"] == 0


def test_pairs_without_partners_are_not_matched(both: dict[str, str]) -> None:
    pairs = pairs_in(DataConfig.model_validate(both), load_images(DataConfig.model_validate(both)))
    assert not pairs.matched and pairs.targets.shape == pairs.inputs.shape


# The baseline run.


@pytest.mark.slow
def test_a_baseline_run_stands_beside(tmp_path: Path) -> None:
    small = {**SMALL, "duration": "2 steps", "validation": 0, "task": "denoise"}
    gan, regression, other = (
        pocketgan.train("translator", out=tmp_path / name, progress=False, **(small | fields))
        for name, fields in (("gan", {}), ("plain", {"adversarial_weight": 0}), ("other", {"task": "invert"}))
    )
    done = pocketgan.evaluate(gan, count=200, metrics="precision", baseline_run=regression.folder, progress=False)
    assert done.translation is not None and done.translation.regression
    assert done.translation.rows[BASELINE] != done.translation.rows["generator"]
    assert done.to_json()["translation"]["baseline"] == "plain" and done.translation.verdict()
    with pytest.raises(RunError) as error:
        pocketgan.evaluate(gan, count=200, metrics="precision", baseline_run=other, progress=False)
    assert error.value.key == "baseline differs" and error.value.field == "baseline_run"


def test_the_verdict_names_who_is_better() -> None:
    def verdict(distance: float, psnr: float) -> str:
        rows = {"generator": {"distance": distance, "psnr": psnr}, BASELINE: {"distance": 2.0, "psnr": 20.0}}
        return TranslationScores(10, "invert", rows, "plain", regression=True).verdict()

    sentences = {verdict(1, 21), verdict(1, 19), verdict(3, 21), verdict(3, 19)}
    assert len(sentences) == 4 and all("plain" in sentence for sentence in sentences)
    equal, worse = (re.sub(r"[\d.]", "", verdict(*scores)) for scores in ((2, 20), (3, 19)))
    assert equal == worse, "an equal one isn't better"
    assert TranslationScores(10, "invert", {"generator": {}}).verdict() == ""


# Strokes.


def test_the_distance_of_strokes() -> None:
    images = torch.zeros(1, 1, 9, 9, dtype=torch.uint8)
    images[..., 2:7, 4] = 255
    moved = images.roll(2, dims=3)
    assert stroke_distance(images, images) == 0
    assert stroke_distance(moved, images) == stroke_distance(images, moved) == 2
    assert stroke_distance(255 - moved, 255 - images) == 2, "dark strokes on white"
    assert stroke_distance(torch.zeros_like(images), images) == pytest.approx(9 * 2**0.5)


def test_the_distance_is_the_mean_of_both_ways() -> None:
    one, other = np.zeros((5, 5), bool), np.zeros((5, 5), bool)
    one[0, 0] = other[0, 0] = other[0, 4] = True
    assert chamfer(one, other) == pytest.approx((0 + (0 + 4) / 2) / 2)


# Photos.


def photo(path: Path, digit: np.ndarray) -> Path:
    """Writes a digit as dark ink on bright paper, large and off center."""
    big = np.kron(digit.astype(np.float32), np.ones((20, 20), np.float32)) * 0.6
    paper = np.full((700, 900), 200, np.float32)
    paper[60 : 60 + big.shape[0], 250 : 250 + big.shape[1]] -= big
    Image.fromarray(paper.clip(0, 255).astype(np.uint8)).save(path)
    return path


def test_a_photo_is_brought_to_the_format(tmp_path: Path, run: Path) -> None:
    digit = load_images(DataConfig(), "test").images[0, 0].numpy()
    path = photo(tmp_path / "photo.png", digit)
    result = prepared(np.asarray(Image.open(path)))
    assert result.inverted and result.width > 100
    assert np.corrcoef(result.pixels.ravel(), digit.ravel())[0, 1] > 0.9
    assert prepared(digit).width == 0 and not prepared(digit).inverted
    translation = pocketgan.translate(run, images=[path], photo=True)
    assert translation.inputs.images.shape == (1, 1, 16, 16)
    assert [note.key for note in translation.notes] == ["photo inverted"]


def test_photos_that_are_none(tmp_path: Path, run: Path) -> None:
    Image.fromarray(np.full((40, 40), 99, np.uint8)).save(tmp_path / "empty.png")
    with pytest.raises(DataError) as error:
        pocketgan.translate(run, images=[tmp_path / "empty.png"], photo=True)
    assert error.value.key == "empty photo" and error.value.field == "images"
    with pytest.raises(DataError) as error:
        pocketgan.translate(run, photo=True)
    assert error.value.field == "photo"
