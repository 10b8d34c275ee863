"""Translation between the classes of the data: the recipe `class-translator`, its batches, scores and outputs."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import pocketgan
from pocketgan.cli.main import main
from pocketgan.config.data_section import DataConfig
from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.config.translating import CLASSES
from pocketgan.experiment.experiment import resume_experiment, run_experiment
from pocketgan.images.batches import Batches
from pocketgan.images.pair_sets import of_other_classes, pairs_in, unchanged_pairs
from pocketgan.images.sets import ImageSet, load_images
from pocketgan.metrics.class_change import Changed, kept_style, score_class_change, slants, without_class_means
from pocketgan.metrics.features import digits
from pocketgan.networks import ImageShape, build_generator
from pocketgan.runs.sampling import into_every_class
from pocketgan.training.checkpoints import read_checkpoint
from pocketgan.training.state import create_state
from pocketgan.training.steps import training_step
from pocketgan.web.redraw.redrawing import Source, redrawn, redrawn_html
from pocketgan.web.site import Site
from refusals import refused

Tiny = Callable[..., RunConfig]
SMALL = {"batch_size": 4, "sample_count": 4, "hidden_dim": 4, "depth": 1, "precision": "float32", "threads": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Images of three classes, of which the first is black at the top, and so on."""
    path, random = tmp_path_factory.mktemp("bands") / "bands.npz", np.random.default_rng(0)
    values = dict[str, np.ndarray]()
    for part, count in (("train", 420), ("test", 150)):
        labels = np.arange(count) % 3
        images = random.integers(100, 256, (count, 16, 16), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[5 * label : 5 * label + 5] = 0
        values |= {f"x_{part}": images, f"y_{part}": labels}
    np.savez(path, **values)  # pyright: ignore[reportArgumentType]
    return str(path)


@pytest.fixture(scope="module")
def run(data: str, tmp_path_factory: pytest.TempPathFactory) -> pocketgan.Run:
    out = tmp_path_factory.mktemp("changed") / "run"
    settings = {**SMALL, "data": data, "duration": "4 steps", "evaluate_every": "2 steps", "validation": 0}
    return pocketgan.train("class-translator", out=out, evaluate_count=200, progress=False, **settings)


# Settings.


@pytest.mark.parametrize(
    ("fields", "key", "field"),
    [
        ({"conditional": False}, "classes without class", "to"),
        ({"to": "none"}, "class without classes", "to"),
        ({"to": "others.npz"}, "class without classes", "to"),
        ({"keep_class": True}, "keep class and classes", "keep_class"),
        ({"task": "denoise"}, "classes and task", "task"),
        ({"pairs": "folder"}, "to and pairs", "to"),
        ({"generator": "translator"}, "classes without class", "generator"),
        ({"stages": 1}, "two stages", "stages"),
        ({"adversarial_weight": 0}, "to needs adversarial", "adversarial_weight"),
    ],
)
def test_settings_that_contradict_the_change_of_classes(fields: dict[str, object], key: str, field: str) -> None:
    with refused(key, field):
        config = replace(recipe("class-translator"), **fields)
        build_generator(config.network, ImageShape(1, 28, 3), "signed", 0)


def test_the_usual_recipe_is_told_which_one_knows_classes() -> None:
    with refused("classes without class", "generator", name="translator"):
        replace(recipe("translator"), to="classes")


def test_without_classes_the_network_is_an_ordinary_translator() -> None:
    config = replace(recipe("class-translator"), conditional=False, to="none", task="denoise", identity_weight=5.0)
    assert config.reads_images and not config.unpaired and not config.changes_class
    network = build_generator(config.network, ImageShape(1, 28), "signed", 0)
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 1, 28, 28)


def test_a_task_of_none_beside_classes_is_no_contradiction() -> None:
    from pocketgan.cli.flags import parse_recipe

    flags = ["--task", "none", "--to", "classes", "--conditional", "--generator", "class-translator"]
    made, _ = parse_recipe("train", ["translator", *flags])
    assert made.changes_class and made.data.task == "none"


def test_data_without_classes_is_refused(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "plain.npz", images=images)
    np.savez(tmp_path / "one.npz", images=images, labels=np.zeros(40, int))
    for name in ("plain", "one"):
        with refused("several classes", "to"):
            load_images(DataConfig(data=str(tmp_path / f"{name}.npz"), to=CLASSES))


# Networks.


@pytest.mark.parametrize(("side", "channels"), [(16, 1), (20, 3), (28, 1), (64, 3), (128, 3)])
def test_the_generator_takes_every_size_and_stays_small(side: int, channels: int) -> None:
    network = build_generator(recipe("class-translator").network, ImageShape(channels, side, 3), "signed", 0)
    images, labels = torch.rand(4, channels, side, side), torch.tensor([0, 1, 2, 0])
    outputs = network(images, labels)
    assert outputs.shape == images.shape
    assert sum(one.numel() for one in network.parameters()) <= 1_500_000
    mixed = network.eval()(images, torch.eye(3)[labels])
    assert torch.allclose(mixed, network(images, labels), atol=1e-5), "weights of one class are that class"
    other = network(images, (labels + 1) % 3)
    assert not torch.allclose(mixed, other, atol=1e-3), "the class matters"


# Batches and pairs.


def test_a_batch_has_real_images_of_the_requested_classes(data: str) -> None:
    config = DataConfig(data=data, to=CLASSES)
    images = load_images(config)
    batches = Batches(images, config, batch_size=24, seed=3, device="cpu")
    batch = batches.at(0)
    assert batch.labels is not None and batch.own is not None and images.labels is not None
    for kind, labels in ((batch.source, batch.own), (batch.real, batch.labels)):
        for image, label in zip(kind, labels.tolist(), strict=True):
            assert (image[0, 5 * label : 5 * label + 5] == -1).all()
    assert set(batch.labels.tolist()) == {0, 1, 2} and not torch.equal(batch.labels, batch.own)
    again = Batches(images, config, batch_size=24, seed=3, device="cpu").at(0)
    assert torch.equal(batch.real, again.real) and torch.equal(batch.labels, again.labels)
    assert not torch.equal(batches.at(24).labels, batch.labels)  # pyright: ignore[reportArgumentType]


def test_classes_without_training_images_are_never_requested(tiny_images: Callable[..., ImageSet]) -> None:
    images = tiny_images(classes=4)
    assert images.labels is not None
    kept = images.part((images.labels != 1).nonzero().flatten())
    batch = Batches(kept, DataConfig(to=CLASSES), batch_size=64, seed=0, device="cpu").at(0)
    assert batch.labels is not None and set(batch.labels.tolist()) == {0, 2, 3}


def test_another_class_is_requested_of_every_image_as_often_as_it_occurs() -> None:
    labels = torch.tensor([0] * 50 + [1] * 30 + [2] * 20)
    order = of_other_classes(labels, torch.Generator().manual_seed(0))
    assert torch.equal(order.sort().values, torch.arange(100))
    assert not (labels[order] == labels).any()
    mostly = torch.tensor([0] * 90 + [1] * 10)
    order = of_other_classes(mostly, torch.Generator().manual_seed(0))
    assert torch.equal(order.sort().values, torch.arange(100)), "where it's impossible, it is still an order"
    assert (mostly[order] != mostly).sum() == 20


def test_pairs_of_evaluations_are_the_same_each_time(data: str) -> None:
    config = DataConfig(data=data, to=CLASSES)
    images = load_images(config, "test")
    pairs, again = pairs_in(config, images), pairs_in(config, images)
    assert pairs.classes is not None and again.classes is not None and not pairs.matched
    assert torch.equal(pairs.classes[0], again.classes[0]) and torch.equal(pairs.targets, again.targets)
    same = unchanged_pairs(images)
    assert same.classes is not None and same.matched and torch.equal(same.inputs, same.targets)
    assert same.classes[0].tolist() == sorted(same.classes[0].tolist())


# Training.


def test_one_generator_leads_to_the_class_and_back(tiny_config: Tiny, tiny_images: Callable[..., ImageSet]) -> None:
    """Cycle consistency trains the generator alone: with other losses at zero, only the way back moves it."""
    config = tiny_config(
        "class-translator", adversarial_weight=1e-9, identity_weight=0, reconstruction_weight=10, batch_size=16
    )
    images = tiny_images(size=16, classes=3)
    state = create_state(config, ImageShape(1, 16, 3), "cpu")
    assert state.partner is None
    batches = Batches(images, config.data, batch_size=16, seed=0, device="cpu")

    def back() -> float:
        batch = batches.at(0)
        with torch.no_grad():
            there = state.generator.train()(batch.source, batch.labels)
            return (state.generator(there, batch.own) - batch.source).abs().mean().item()

    before = back()
    for _ in range(60):
        training_step(state, batches.at(0), config, 1.0)
    assert back() < 0.9 * before


def test_statistics_describe_the_data_and_no_output(tiny_config: Tiny, tiny_images: Callable[..., ImageSet]) -> None:
    config, images = tiny_config("class-translator"), tiny_images(size=16, classes=3)
    state = create_state(config, ImageShape(1, 16, 3), "cpu")
    batches = Batches(images, config.data, batch_size=8, seed=0, device="cpu")
    training_step(state, batches.at(0), config, 1.0)
    counted = {int(value) for name, value in state.generator.state_dict().items() if name.endswith("batches_tracked")}
    assert counted == {1}, "neither the way back nor the identity loss counts"


@pytest.mark.slow
def test_a_stopped_run_continues_bit_for_bit(data: str, tmp_path: Path) -> None:
    config = replace(recipe("class-translator"), **SMALL, data=data, duration="8 steps", validation=0)
    config = replace(config, checkpoint_every="4 steps", evaluate_every="none", sample_every="end", log_every="1 step")
    whole = run_experiment(config, tmp_path / "whole")
    half = run_experiment(replace(config, duration="4 steps", schedule="constant"), tmp_path / "half")
    longer = resume_experiment(half.folder, "8 steps")
    constant = run_experiment(replace(config, schedule="constant"), tmp_path / "constant")
    first, second = (read_checkpoint(one.checkpoints()[-1]).tensors for one in (longer, constant))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    assert whole.status().step == 8


# Evaluation.


def test_a_run_says_whether_it_reads_its_inputs(run: pocketgan.Run) -> None:
    rows = run.metrics()
    assert len(rows) == 2
    assert rows[-1].keys() >= {"own_target", "variation", "distinct_outputs", "frechet_distance"}
    assert "psnr" not in rows[-1] and "kept_distances" not in rows[-1]


def test_style_is_what_stays_after_the_class_is_subtracted() -> None:
    random = np.random.default_rng(0)
    own, requested = torch.arange(200) % 2, torch.arange(200) // 2 % 2
    bright = torch.from_numpy(random.integers(0, 100, 200))
    flat = torch.ones(200, 1, 8, 8, dtype=torch.int64)

    def images(values: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return (flat * (values + 100 * labels)[:, None, None, None]).to(torch.uint8)

    kept = kept_style(images(bright, requested), images(bright, own), requested, own)
    assert kept["kept_brightness"] == pytest.approx(1, abs=0.02) and "kept_slant" not in kept
    lost = kept_style(images(bright.roll(7), requested), images(bright, own), requested, own)
    assert abs(lost["kept_brightness"]) < 0.2
    assert without_class_means(torch.tensor([1.0, 3.0, 5.0]), torch.tensor([0, 0, 2])).tolist() == [-1, 1, 0]


def test_slants_are_those_of_strokes() -> None:
    images = torch.zeros(4, 1, 9, 9, dtype=torch.uint8)
    images[0, 0, :, 4] = 255
    for row in range(9):
        images[1, 0, row, 8 - row] = images[2, 0, row, row] = 200
    upright, right, left, empty = slants(images).tolist()
    assert (upright, empty) == (0, 0)
    assert right == pytest.approx(1) and left == pytest.approx(-1), "tan 45°"


@pytest.mark.slow
def test_an_evaluation_scores_the_requested_class_and_the_style(run: pocketgan.Run) -> None:
    done = pocketgan.evaluate(run, features="classifier", metrics="frechet_distance", count=150, progress=False)
    assert done.translation is not None and done.translation.task == "classes"
    rows = done.translation.rows
    assert list(rows) == ["generator", "real of class"]
    assert rows["real of class"]["requested_class"] > 0.9
    assert rows["generator"].keys() >= {"requested_class", "own_class_error", "own_input", "distance"}
    beside = pocketgan.evaluate(
        run, features="random", metrics="frechet_distance", count=150, baseline_run=run.folder, progress=False
    )
    assert beside.translation is not None and list(beside.translation.rows)[1] == "baseline run"


# Outputs.


def test_translate_makes_every_class_of_each_image_or_the_requested_one(run: pocketgan.Run, tmp_path: Path) -> None:
    every = pocketgan.translate(run, count=4)
    assert len(every) == 12 and every.requested is not None and every.labels is not None
    assert every.requested.tolist() == [0, 1, 2] * 4
    assert np.array_equal(every.inputs.images[0], every.inputs.images[2])
    assert every.pairs.columns == 4 and len(every.pairs.images) == 16
    assert np.array_equal(every.pairs.images[4], every.inputs.images[3]), "a row begins with its input"
    one = pocketgan.translate(run, count=4, label="2")
    assert np.array_equal(one.outputs.images, every.outputs.images[2::3])
    assert one.requested is not None and set(one.requested.tolist()) == {2}
    mixed = pocketgan.translate(run, count=4, label="0:0.5,2:0.5")
    assert mixed.requested is not None and mixed.requested.tolist() == [[0.5, 0, 0.5]] * 4
    mixed.save(tmp_path / "mixed")
    assert (tmp_path / "mixed" / "output_0003.png").is_file()
    every.save(tmp_path / "every")
    with refused("other pictures", "out"):
        one.save(tmp_path / "every")
    names = sorted(path.name for path in (tmp_path / "every").iterdir())
    assert names[:3] == ["input_0000.png", "input_0001.png", "input_0002.png"]
    assert names[4:7] == ["output_0000_0.png", "output_0000_1.png", "output_0000_2.png"] and len(names) == 4 + 12 + 1
    file = every.save(tmp_path / "every.npz")
    with np.load(file) as saved:
        assert set(saved) == {"inputs", "images", "labels", "requested", "class_names"}
        assert saved["labels"].tolist() == every.labels.tolist()


def test_translate_refuses_a_class_that_there_is_not(run: pocketgan.Run, small_translator: Path) -> None:
    with refused("no such label", "label"):
        pocketgan.translate(run, label="7")
    with refused("unconditional", "label"):
        pocketgan.translate(small_translator, label="7")


@pytest.fixture(scope="module")
def small_translator(data: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plain") / "run"
    settings = {**SMALL, "data": data, "duration": "1 step", "evaluate_every": "none", "sample_every": "none"}
    return pocketgan.train("translator", task="invert", validation=0, out=out, progress=False, **settings).folder


def test_the_command_line_takes_the_class(run: pocketgan.Run, tmp_path: Path) -> None:
    out = tmp_path / "sevens"
    assert main(["translate", str(run.folder), "--label", "1", "--count", "3", "--out", str(out)]) == 0
    assert len(list(out.glob("output_*.png"))) == 3
    with Image.open(run.folder / "figures" / "redrawn_test.png") as picture:
        assert picture.width < picture.height, "a row of four for each of ten inputs"


@pytest.mark.slow
def test_an_exported_model_takes_images_and_classes(run: pocketgan.Run, tmp_path: Path) -> None:
    import onnxruntime

    model = pocketgan.export(run, tmp_path / "model")
    session = onnxruntime.InferenceSession(model.folder / "model.onnx", providers=["CPUExecutionProvider"])
    every = pocketgan.translate(run, count=4)
    (made,) = session.run(["images"], {"source": every.inputs.images, "labels": every.requested})
    assert np.abs(made.astype(int) - every.outputs.images).max() <= 1
    card = (model.folder / "README.md").read_text(encoding="utf-8")
    assert "into a requested class" in card and "`labels`" in card
    kept = json.loads((model.folder / "config.json").read_text(encoding="utf-8"))
    assert "classes" in json.dumps(kept) and "./classes" not in json.dumps(kept)
    assert len(pocketgan.translate(model, images=[write(tmp_path / "one.png", every)], label="0")) == 1


def write(path: Path, translation: "pocketgan.Translation") -> Path:
    """Writes the first input as a picture."""
    Image.fromarray(translation.inputs.images[0, 0]).save(path)
    return path


def test_many_classes_take_turns(tiny_images: Callable[..., ImageSet]) -> None:
    images = tiny_images(count=30).images
    given, labels, each = into_every_class(images, 21)
    assert each == 1 and torch.equal(given, images) and labels.tolist() == [*range(21), *range(9)]
    given, labels, each = into_every_class(images[:2], 20)
    assert each == 20 and len(given) == 40 and labels[20:].tolist() == [*range(20)]


@pytest.mark.parametrize(
    ("names", "endings"),
    [
        (("cat", "big dog", "三角形"), ["_cat", "_big-dog", "_三角形"]),
        (("a", "A", "b"), ["_0", "_1", "_2"]),
        (("a/b", "a b", "c"), ["_0", "_1", "_2"]),
        (("x" * 90, "y", "z"), ["_0", "_1", "_2"]),
    ],
)
def test_names_of_outputs_fit_every_file_system(run: pocketgan.Run, names: tuple[str, ...], endings: list[str]) -> None:
    translation = dataclasses.replace(pocketgan.translate(run, count=1), class_names=names)
    assert translation._endings() == endings


# Other data than the run's.


@pytest.fixture(scope="module")
def split_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose test split has a class that its training split lacks."""
    folder, random = tmp_path_factory.mktemp("foreign"), np.random.default_rng(0)
    for part, classes in (("train", "bc"), ("test", "abc")):
        for name in classes:
            (folder / part / name).mkdir(parents=True)
            for index in range(12):
                picture = Image.fromarray(random.integers(0, 256, (16, 16), dtype=np.uint8))
                picture.save(folder / part / name / f"{index}.png")
    return folder


def test_a_class_that_was_never_trained_is_refused(split_folder: Path) -> None:
    config = DataConfig(data=str(split_folder), to=CLASSES, test=0)
    assert load_images(config).class_names == ("b", "c")
    with refused("foreign class", "data", name="a"):
        load_images(config, "test")


@pytest.mark.slow
def test_a_baseline_run_of_other_classes_is_refused(run: pocketgan.Run, data: str, tmp_path: Path) -> None:
    settings = {**SMALL, "data": data, "classes": "0,2", "duration": "1 step", "evaluate_every": "none"}
    other = pocketgan.train("class-translator", out=tmp_path / "other", validation=0, progress=False, **settings)
    with refused("baseline classes", "baseline_run"):
        pocketgan.evaluate(run, features="random", metrics="frechet_distance", baseline_run=other, progress=False)


@pytest.mark.slow
def test_a_path_with_labels_measures_an_exported_model(run: pocketgan.Run, data: str, tmp_path: Path) -> None:
    model = pocketgan.export(run, tmp_path / "model", format="safetensors")
    usual = {"features": "random", "metrics": "frechet_distance", "progress": False}
    done = pocketgan.evaluate(model, against=data, **usual)
    assert done.translation is not None and done.translation.task == "classes"
    np.savez(tmp_path / "plain.npz", images=np.zeros((200, 16, 16), np.uint8))
    with refused("several classes", "against"):
        pocketgan.evaluate(model, against=str(tmp_path / "plain.npz"), **usual)


def test_what_was_asked_for_its_own_class_does_not_count() -> None:
    """Copies of the inputs never show the requested class, however many zeros there are."""
    real = load_images(DataConfig(), "test")
    assert real.labels is not None
    uneven = real.part(
        torch.cat([(real.labels == label).nonzero().flatten()[:count] for label, count in ((0, 90), (1, 10))])
    )
    pairs, same = pairs_in(DataConfig(to=CLASSES), uneven), unchanged_pairs(uneven)
    assert pairs.classes is not None and uneven.labels is not None
    assert (pairs.classes[0] == uneven.labels).sum() == 80, "no other class is left for these"
    copies = {"generator": Changed(uneven.images, same.inputs)}
    rows = score_class_change(copies, pairs, same, uneven, pairs.classes[0], digits()).rows
    assert rows["generator"]["requested_class"] <= 0.05 and rows["real of class"]["requested_class"] >= 0.9
    assert rows["generator"]["own_class_error"] == 0 and rows["generator"]["own_input"] == 1


# The page.


@pytest.mark.slow
def test_the_page_shows_a_drawing_in_every_class(run: pocketgan.Run) -> None:
    site = Site(run.folder.parent)
    try:
        pixels = np.zeros((112, 112), np.uint8)
        pixels[20:90, 50:60] = 255
        given, made = redrawn(site, "run", Source(pixels, "drawn"))
        assert list(made) == ["0", "1", "2"] and all(one.shape == given.shape for one in made.values())
        html = redrawn_html(site, "run", Source(pixels, "drawn"))
        assert html.count("<figure>") == 4 and 'class="pair many"' in html and "<figcaption>2</figcaption>" in html
    finally:
        site.worker.end()
