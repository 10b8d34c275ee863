"""The recipe `translator`: its losses, exact resume, evaluation, and the watchdog's 'ignores its input'."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import pocketgan
from pocketgan.base.errors import ConfigError, DataError
from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import NetworkConfig, RunConfig
from pocketgan.config.watchdog_section import WatchdogConfig
from pocketgan.experiment.diagnosis import History, diagnose
from pocketgan.experiment.experiment import resume_experiment, run_experiment
from pocketgan.images.batches import Batches
from pocketgan.images.sets import ImageSet
from pocketgan.images.tasks import Pairs
from pocketgan.metrics.translation import absolute_error, dependence, own_target, psnr, ssim
from pocketgan.networks import ImageShape, build_discriminator, build_generator
from pocketgan.training.checkpoints import read_checkpoint
from pocketgan.training.state import create_state
from pocketgan.training.steps import training_step
from pocketgan.training.translation import reconstruction, seen, with_reconstruction
from refusals import refused

Tiny = Callable[..., RunConfig]
SMALL = {"batch_size": 4, "sample_count": 4, "validation": 0, "hidden_dim": 4, "depth": 1}


def random_images(count: int = 6, channels: int = 1, size: int = 12, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, channels, size, size), generator=random, dtype=torch.uint8)


# Networks.


@pytest.mark.parametrize("size", [16, 28, 32, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_fit_sizes_from_16_to_128(size: int, channels: int) -> None:
    shape, config = ImageShape(channels, size), recipe("translator").network
    generator = build_generator(config, shape, "unit", 0).eval()
    discriminator = build_discriminator(config, shape, 0).eval()
    images = torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(0))
    output = generator(images)
    assert output.shape == images.shape and output.min() >= 0 and output.max() <= 1
    assert discriminator(torch.cat([images, output], dim=1)).shape == (2,)
    assert sum(parameter.numel() for parameter in generator.parameters()) < 1_500_000


def test_a_side_that_is_no_multiple_of_four_is_refused() -> None:
    with pytest.raises(ConfigError):
        build_generator(NetworkConfig(generator="translator"), ImageShape(1, 30), "unit", 0)


def test_the_discriminator_depends_on_the_input() -> None:
    network = build_discriminator(recipe("translator").network, ImageShape(1, 16), 0).eval()
    output, first, second = (torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(s)) for s in range(3))
    assert not torch.allclose(network(torch.cat([first, output], 1)), network(torch.cat([second, output], 1)))
    alone = network(output)
    torch.testing.assert_close(alone, network(torch.cat([torch.zeros_like(output), output], 1)))


# The training step.


def test_which_discriminators_see_pairs(tiny_config: Tiny) -> None:
    images = torch.ones(2, 1, 4, 4)
    assert seen(images, images, tiny_config("translator")).shape == (2, 2, 4, 4)
    assert seen(images, images, tiny_config("translator", discriminator="pocket")) is images
    assert not tiny_config("pocket", discriminator="translator").reads_pairs


def test_the_losses_are_weighted(tiny_config: Tiny) -> None:
    loss, output, target = torch.tensor(2.0), torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.5)
    assert reconstruction(output, target) == 0.5
    config = tiny_config("translator", reconstruction_weight=10, adversarial_weight=0.5)
    assert with_reconstruction(loss, output, target, config) == 6
    plain = tiny_config("white-background")
    assert with_reconstruction(loss, output, target, plain) is loss


def test_regression_leaves_the_discriminator_alone(tiny_config: Tiny, tiny_images: Callable[..., ImageSet]) -> None:
    config = tiny_config("translator", adversarial_weight=0, **SMALL)
    state = create_state(config, ImageShape(1, 8), "cpu")
    before = {
        name: [p.detach().clone() for p in network.parameters()]
        for name, network in (("generator", state.generator), ("discriminator", state.discriminator))
    }
    batches = Batches(tiny_images(), config.data, batch_size=8, seed=0, device="cpu")
    training_step(state, batches.at(0), config, 1.0)
    now = list(state.discriminator.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before["discriminator"], now, strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(before["generator"], state.generator.parameters(), strict=True))


@pytest.mark.parametrize(
    ("name", "fields", "field"),
    [
        ("pocket", {"task": "invert"}, "task"),
        ("pocket", {"pairs": "x"}, "pairs"),
        ("mlp", {"reconstruction_weight": 1}, "reconstruction_weight"),
        ("mlp", {"adversarial_weight": 0}, "adversarial_weight"),
        ("white-background", {"pairs": "x"}, "pairs"),
        ("translator", {"target": "inverted"}, "task"),
        ("translator", {"adversarial_weight": 0, "reconstruction_weight": 0}, "adversarial_weight"),
        ("translator", {"conditional": True}, "conditional"),
    ],
)
def test_settings_that_contradict_each_other(name: str, fields: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as error:
        replace(recipe(name), **fields)
    assert error.value.field == field


# Whole runs.


@pytest.mark.parametrize("task", ["inpaint", "colorize"])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(task: str, tiny_config: Tiny, tmp_path: Path) -> None:
    fields = {**SMALL, "task": task, "classes": "1", "precision": "float32", "threads": 1}
    whole = run_experiment(tiny_config("translator", duration="6 steps", schedule="constant", **fields), tmp_path / "w")
    half = run_experiment(tiny_config("translator", duration="3 steps", schedule="constant", **fields), tmp_path / "h")
    resumed = resume_experiment(half.folder, "6 steps")
    first, second = (read_checkpoint(run.checkpoints()[-1]) for run in (whole, resumed))
    assert first.tensors.keys() == second.tensors.keys()
    assert all(torch.equal(first.tensors[key], second.tensors[key]) for key in first.tensors)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    small = {**SMALL, "duration": "4 steps", "evaluate_every": "2 steps", "evaluate_count": 200, "classes": "1,7"}
    pocketgan.train("translator", out=folder, task="denoise", progress=False, threads=1, **small)
    return folder


def test_evaluations_know_the_targets(run: Path) -> None:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 2
    for row in rows:
        assert {"psnr", "ssim", "absolute_error", "own_target", "variation", "distinct_outputs"} <= row.keys()


def test_evaluate_reports_the_translation_beside_its_baselines(run: Path) -> None:
    done = pocketgan.evaluate(run, count=300, metrics="frechet_distance", progress=False)
    scores = done.to_json()["translation"]
    assert scores["task"] == "denoise" and scores["count"] == 300
    assert set(scores["scores"]) == {"generator", "copy", "closed form", "targets"}
    assert scores["scores"]["closed form"]["psnr"] > scores["scores"]["copy"]["psnr"] > 10
    assert scores["scores"]["targets"]["kept_class"] > 0.95
    assert json.loads((run / "evaluation" / "evaluation.json").read_text())["translation"] == scores
    assert done.page is not None and "1 pair" not in done.page.read_text() and "300 pairs" in done.page.read_text()


def test_translations_are_saved_with_their_targets(run: Path, tmp_path: Path) -> None:
    path = pocketgan.translate(run, count=5).save(tmp_path / "pairs.npz")
    arrays = np.load(path)
    assert set(arrays.files) == {"inputs", "images", "labels", "class_names", "targets"}
    assert all(arrays[name].shape == (5, 1, 28, 28) for name in ("inputs", "images", "targets"))
    assert (arrays["inputs"] != arrays["targets"]).any()
    assert set(arrays["class_names"][arrays["labels"]]) <= {"1", "7"}


def test_folders_of_pictures_are_translated(run: Path, tmp_path: Path) -> None:
    from PIL import Image

    for number in range(3):
        Image.fromarray(random_images(1, size=28, seed=number)[0, 0].numpy()).save(tmp_path / f"{number}.png")
    found = pocketgan.translate(run, images=[tmp_path, tmp_path / "0.png"])
    assert len(found) == 4 and found.targets is None and found.labels is None
    assert (found.outputs.images[0] == found.outputs.images[3]).all()
    found.save(tmp_path / "out")
    with refused("other pictures", "out", count=6):
        pocketgan.translate(run, images=[tmp_path / "0.png"]).save(tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        pocketgan.translate(run, images=[tmp_path / "empty"])


def test_own_pairs_are_trained_on(tmp_path: Path) -> None:
    from PIL import Image

    for number in range(60):
        for side in ("input", "target"):
            path = tmp_path / "data" / side / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random_images(1, seed=number + (side == "input"))[0, 0].numpy()).save(path)
    small = {**SMALL, "duration": "2 steps", "evaluate_every": "none", "test": 10}
    run = pocketgan.train("translator", out=tmp_path / "run", pairs=tmp_path / "data", progress=False, **small)
    assert run.config.data.data == run.config.data.pairs == str(tmp_path / "data")
    found = pocketgan.translate(run, count=2)
    assert found.targets is not None and len(found) == 2
    exported = pocketgan.export(run, tmp_path / "model", format="safetensors", progress=False)
    assert str(tmp_path) not in (Path(exported.folder) / "config.json").read_text()


# Scores.


def test_fidelity_has_known_answers() -> None:
    images = random_images()
    assert psnr(images, images) == pytest.approx(100) and ssim(images, images) == pytest.approx(1, abs=1e-5)
    assert absolute_error(images, images) == 0
    black, white = torch.zeros_like(images), torch.full_like(images, 255)
    assert psnr(black, white) == pytest.approx(0) and absolute_error(black, white) == 1
    assert psnr(black, torch.full_like(images, 51)) == pytest.approx(13.979, abs=1e-3)  # −10 log₁₀ 0.2².
    assert ssim(black, white) == pytest.approx(1e-4 / (1 + 1e-4), rel=1e-3)


def test_dependence_tells_a_copy_from_a_constant() -> None:
    targets = random_images(20)
    pairs = Pairs(255 - targets, targets)
    good = dependence(targets, pairs)
    assert good == {"distinct_outputs": 1.0, "own_target": 1.0, "variation": 1.0}
    constant = targets[:1].expand(20, -1, -1, -1).contiguous()
    bad = dependence(constant, pairs)
    assert bad["distinct_outputs"] == 0.05 and bad["variation"] == 0 and abs(bad["own_target"] - 0.5) <= 0.2
    assert own_target(targets.roll(-1, 0), targets) == 0
    assert dependence(targets[:1], Pairs(targets[:1], targets[:1])) == {}


# The watchdog.


def names(own: float, varied: float, times: int = 3) -> list[str]:
    row = {"frechet_distance": 100.0, "own_target": own, "variation": varied, "distinct_outputs": 1.0}
    rows = [{"step": step, **row} for step in range(100, 100 * times + 1, 100)]
    return [diagnosis.name for diagnosis in diagnose(History([], rows, WatchdogConfig()))]


def test_a_translation_that_ignores_its_input_is_named() -> None:
    assert "ignores_input" in names(0.49, 0.03)
    assert "ignores_input" in names(0.9, 0.01) and "ignores_input" in names(0.5, 0.9)
    assert names(0.49, 0.03, times=2) == [] and names(1.0, 0.9) == [] and names(0.98, 0.5) == []


def test_no_other_run_ignores_its_input() -> None:
    rows = [{"step": step, "frechet_distance": 100.0, "distinct": 0.01} for step in (1, 2, 3)]
    found = [diagnosis.name for diagnosis in diagnose(History([], rows, WatchdogConfig()))]
    assert found == ["mode_collapse"]


@pytest.mark.slow
def test_the_collapse_of_white_background_is_named(tmp_path: Path) -> None:
    fields = {"classes": "all", "duration": "400 steps", "evaluate_every": "100 steps", "evaluate_count": 500}
    run = pocketgan.train("white-background", out=tmp_path / "run", threads=1, progress=False, **fields)
    assert "ignores_input" in {event.get("name") for event in run.events()}


@pytest.mark.slow
def test_translator_inverts_all_digits(tmp_path: Path) -> None:
    fields = {"duration": "90 steps", "evaluate_every": "30 steps", "evaluate_count": 300}
    run = pocketgan.train("translator", out=tmp_path / "run", threads=1, progress=False, **fields)
    assert not [event for event in run.events() if event["event"] == "diagnosis"]
    done = pocketgan.evaluate(run, metrics="frechet_distance", count=1000, progress=False)
    assert done.translation is not None
    scores = done.translation.rows["generator"]
    assert scores["kept_class"] > 0.97 and scores["absolute_error"] < 0.03
