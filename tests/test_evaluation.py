"""Evaluations: figures against known images, from Python and the command line; and what is held out for them.

MNIST is cut short here: 2,000 training images and 1,000 test ones, embedded once.
"""

import dataclasses
import inspect
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import pocketgan
from pocketgan import api
from pocketgan.cli import commands
from pocketgan.cli.main import main
from pocketgan.config.data_section import DataConfig
from pocketgan.config.fields import replace
from pocketgan.config.sections import RunConfig
from pocketgan.images import sets as data
from pocketgan.images.sets import ImageSet, load_images, split_off
from pocketgan.metrics import classification, evaluation, features, real_images, two_sample
from pocketgan.metrics.evaluation import Evaluation, evaluate
from pocketgan.metrics.registry import METRICS
from pocketgan.runs.run import Run
from refusals import refused

TRAINING, TEST = 2000, 1000
TINY = {
    "hidden_dim": 8,
    "duration": "4 steps",
    "batch_size": 4,
    "sample_count": 4,
    "sample_every": "end",
    "evaluate_every": "none",
    "progress": False,
}


@lru_cache
def whole(config: DataConfig, part: data.Part) -> ImageSet:
    return load_images(config, part)


def fewer(config: DataConfig, part: data.Part = "train") -> ImageSet:
    """As `load_images`, but of MNIST the first images alone."""
    if config.data != "mnist":
        return load_images(config, part)
    found = whole(config, part)
    return found.part(torch.arange(min(len(found), TRAINING if part == "train" else TEST)))


@pytest.fixture(scope="module", autouse=True)
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Little data, each image embedded once, classifiers trained for a few steps."""
    space, seen = features.digits(), {}

    def embed(images: Tensor) -> tuple[Tensor, Tensor]:
        key = images.numpy().tobytes()
        if key not in seen:
            seen[key] = space.embed(images)
        return seen[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "load_images", fewer)
        patch.setattr(real_images, "load_images", fewer)
        patch.setattr(features, "digits", lambda: dataclasses.replace(space, embed=embed))
        patch.setattr(features, "IMAGES_TO_FIT", 2000)
        patch.setattr(classification, "STEPS", 100)
        patch.setattr(two_sample, "STEPS", 50)
        patch.setattr("torchmetrics.image.fid._TORCH_FIDELITY_AVAILABLE", False)
        patch.setenv("POCKETGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of figures has tests of its own."""

    def draw(_: Evaluation, folder: Path) -> Path:
        (folder / "evaluation.html").write_bytes(b"a page")
        return folder / "evaluation.html"

    monkeypatch.setattr("pocketgan.metrics.evaluation_page.write_page", draw)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Images of all kinds, good and bad, and three small runs: each one's path."""
    place = tmp_path_factory.mktemp("images")
    mnist, rng = whole(DataConfig(), "train"), np.random.default_rng(0)
    images, labels = mnist.images.numpy(), mnist.labels.numpy()
    new = slice(TRAINING, TRAINING + 1000)
    few = {
        "real": {"images": images[new], "labels": labels[new]},
        "copies": {"images": images[:1000]},
        "noise": {"images": rng.integers(0, 256, (1000, 1, 28, 28), dtype=np.uint8)},
        "black": {"images": np.zeros((300, 1, 28, 28), np.uint8)},
        "few": {"images": images[new][:100]},
        "some": {"images": images[new][:600]},
        "big": {"images": rng.integers(0, 256, (300, 1, 32, 32), dtype=np.uint8)},
        "rgb": {"images": rng.integers(0, 256, (300, 3, 28, 28), dtype=np.uint8)},
    }
    for name, arrays in few.items():
        np.savez(place / f"{name}.npz", **arrays)
    (place / "garbage.npz").write_bytes(b"no archive")
    (place / "text.txt").write_text("no images")
    (place / "empty").mkdir()
    (place / "pictures").mkdir()
    for number, image in enumerate(images[new][:150, 0]):
        Image.fromarray(image).save(place / "pictures" / f"{number}.png")
    made = {path.name.partition(".")[0]: str(path) for path in place.iterdir()}
    pocketgan.train("minimal", out=place / "noisy", **TINY)
    pocketgan.train("minimal", out=place / "told", conditional=True, classes="3,8", **TINY)
    pocketgan.train("white-background", out=place / "redraw", **TINY)
    return made | {name: str(place / name) for name in ("noisy", "told", "redraw", "nothing")} | {"place": str(place)}


@pytest.fixture(scope="module")
def real(places: dict[str, str]) -> Evaluation:
    """The evaluation, by every metric, of a thousand real images that aren't among the training images."""
    return evaluate(places["real"])


def value(done: Evaluation, name: str) -> float:
    return done.figures[name].value


# What the figures say of images that are known.


def test_real_images_are_as_good_as_the_floor(real: Evaluation) -> None:
    distance = real.figures["frechet_distance"]
    assert distance.floor > 0
    assert 0.7 * distance.floor < distance.value < 1.3 * distance.floor
    for name in ("precision", "recall", "density", "coverage", "confidence", "label_agreement", "authentic"):
        assert real.figures[name].value == pytest.approx(real.figures[name].floor, abs=0.1), name
    assert value(real, "modes") == real.figures["modes"].floor == 10
    assert value(real, "class_kl") < 0.05
    assert value(real, "duplicates") < 0.05
    assert abs(value(real, "copying")) < 3
    assert value(real, "label_agreement") > 0.97
    assert 0.3 < value(real, "two_sample") < 0.7
    assert value(real, "classification_accuracy") > 0.6


def test_every_figure_has_its_floor_and_spread(real: Evaluation) -> None:
    assert real.figures.keys() | real.skipped.keys() == METRICS.keys()
    assert not real.skipped
    for name, figure in real.figures.items():
        assert figure.floor is not None, name
        assert (figure.spread is None) == (METRICS[name].least > 200), name
        assert figure.spread is None or figure.spread >= 0


def test_the_spread_is_the_standard_error_of_five_disjoint_sets(real: Evaluation) -> None:
    values = [METRICS["precision"].measure(part) for part in real.comparison.sets]
    assert real.figures["precision"].spread == pytest.approx(np.std(values, ddof=1) / 5**0.5)


@pytest.mark.slow
def test_noise_is_far_above_the_floor(places: dict[str, str]) -> None:
    done = evaluate(places["noise"], metrics="frechet_distance,kernel_distance,precision,coverage,modes,copying")
    distance = done.figures["frechet_distance"]
    assert distance.value > 20 * distance.floor
    assert value(done, "kernel_distance") > 10 * abs(done.figures["kernel_distance"].floor)
    assert value(done, "precision") < 0.2
    assert value(done, "coverage") < 0.1
    assert value(done, "copying") > 3


@pytest.mark.slow
def test_copies_of_training_images_are_found_out(places: dict[str, str]) -> None:
    done = evaluate(places["copies"], metrics="frechet_distance,authentic,copying,precision")
    distance = done.figures["frechet_distance"]
    assert distance.value < 1.3 * distance.floor
    assert value(done, "authentic") == 0
    assert done.figures["authentic"].floor > 0.3
    assert value(done, "copying") < -5
    assert abs(done.figures["copying"].floor) < 3


@pytest.mark.slow
def test_one_black_image_over_and_over_is_measured_too(places: dict[str, str]) -> None:
    done = evaluate(places["black"])
    assert value(done, "duplicates") == 1
    assert value(done, "modes") <= 1
    assert value(done, "coverage") < 0.1
    json.dumps(done.to_json(), allow_nan=False)


@pytest.mark.slow
@pytest.mark.parametrize("count", [129, 200, 250, 500])
def test_any_number_of_images_from_what_the_frechet_distance_takes(count: int, places: dict[str, str]) -> None:
    done = evaluate(places["real"], count=count)
    assert len(done.comparison.generated) == done.to_json()["count"] == count
    assert done.figures["frechet_distance"].spread is None
    if count >= 250:
        assert done.figures["precision"].spread > 0
    assert ("two_sample" in done.skipped) == (count < 200)
    json.dumps(done.to_json(), allow_nan=False)


@pytest.mark.slow
def test_the_same_call_gives_the_same_numbers(places: dict[str, str]) -> None:
    torch.manual_seed(1)
    first = evaluate(places["real"], count=300).to_json()
    torch.manual_seed(2)
    assert evaluate(places["real"], count=300).to_json() == first


def test_labels_are_the_classes_that_were_asked_for(places: dict[str, str], tmp_path: Path) -> None:
    with np.load(places["real"]) as archive:
        images, labels = archive["images"], archive["labels"]
    np.savez(tmp_path / "wrong.npz", images=images, labels=(labels + 1) % 10)
    np.savez(tmp_path / "other.npz", images=images, labels=labels + 5)
    assert value(evaluate(tmp_path / "wrong.npz", metrics="label_agreement"), "label_agreement") < 0.03
    unknown = evaluate(tmp_path / "other.npz", metrics="all", count=130)
    assert "labels" in unknown.skipped["label_agreement"]


def some_classes(places: dict[str, str], path: Path, *classes: int) -> Path:
    """Real images of some classes, with their labels, as an .npz file."""
    mnist = whole(DataConfig(), "train")
    chosen = torch.isin(mnist.labels, torch.tensor(classes)).nonzero().flatten()[-600:]
    np.savez(path, images=mnist.images[chosen].numpy(), labels=mnist.labels[chosen].numpy())
    return path


@pytest.mark.slow
@pytest.mark.parametrize("classes", [(3,), (3, 8)])
def test_images_of_a_few_classes_are_measured(classes: tuple[int, ...], places: dict[str, str], tmp_path: Path) -> None:
    done = evaluate(some_classes(places, tmp_path / "some.npz", *classes))
    assert value(done, "modes") == len(classes)
    assert value(done, "label_agreement") > 0.95
    assert value(done, "recall") < 0.6
    assert set(done.comparison.generated.labels.tolist()) == set(classes)


@pytest.mark.slow
def test_labels_mean_the_same_classes_in_a_space_without_classes(places: dict[str, str], tmp_path: Path) -> None:
    """A network that knows threes and eights tells a fifth of all digits right."""
    path = some_classes(places, tmp_path / "some.npz", 3, 8)
    done = evaluate(path, feature_space="random", metrics="classification_accuracy")
    real_share = torch.isin(done.real.reference.sample.labels, torch.tensor([3, 8])).double().mean().item()
    assert value(done, "classification_accuracy") == pytest.approx(real_share, abs=0.05)


# What is compared with what.


def test_json_has_everything_but_the_images(real: Evaluation, places: dict[str, str]) -> None:
    space = features.digits()
    found = real.to_json()
    assert found["features"] == "digits"
    assert found["features_version"] == space.version
    assert found["features_hash"] == space.hash
    assert (found["reference"], found["reference_source"]) == ("test", "mnist")
    assert (found["count"], found["reference_count"]) == (1000, TEST)
    assert found["skipped"] == {}
    assert "frechet_distance" in found["metrics"]
    for figure in found["metrics"].values():
        assert figure.keys() == {"value", "spread", "floor"}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.slow
def test_against_train_nothing_is_held_out(places: dict[str, str]) -> None:
    done = evaluate(places["real"], against="train", count=300)
    assert not done.real.reference.held_out
    assert "weren't trained on" in done.skipped["copying"]
    assert done.figures["authentic"].floor is None
    assert value(done, "authentic") > 0.3
    assert done.to_json()["reference"] == "train"
    assert done.to_json()["reference_count"] == TRAINING
    assert torch.equal(
        done.real.floor.generated.images.sum(),
        fewer(DataConfig(), "test").images[evaluation.mixed(1000)[:300]].sum(),
    )


def test_against_images_of_ones_own(places: dict[str, str]) -> None:
    done = evaluate(places["real"], against=places["some"], feature_space="digits", count=300)
    found = done.to_json()
    assert found["reference"] == found["reference_source"] == places["some"]
    assert found["reference_count"] == 600
    assert done.real.reference.training is None
    for name in ("authentic", "copying"):
        assert "training images" in done.skipped[name]
    assert "labels" in done.skipped["label_agreement"]
    halves = done.real.floor
    assert (len(halves.generated), len(halves.reference.sample)) == (300, 300)
    both = torch.cat([halves.generated.images, halves.reference.sample.images])
    assert sorted(image.numpy().tobytes() for image in both) == sorted(
        image.numpy().tobytes() for image in done.real.reference.sample.images
    )


@pytest.mark.slow
def test_the_space_is_chosen_by_the_real_images(places: dict[str, str]) -> None:
    few = {"count": 200, "metrics": "precision"}
    assert evaluate(places["some"], **few).space.name == "digits"
    assert evaluate(places["some"], against=places["few"], **few).space.name == "random"
    labelled = evaluate(places["some"], against=places["real"], **few)
    assert labelled.space.name == "classifier"
    assert labelled.space.class_names == tuple("0123456789")
    again = evaluate(places["some"], against=places["real"], **few)
    assert again.space.hash == labelled.space.hash
    assert again.to_json() == labelled.to_json()


@pytest.mark.slow
@pytest.mark.parametrize("space", ["random", "classifier"])
def test_other_spaces(space: str, places: dict[str, str]) -> None:
    done = evaluate(places["real"], feature_space=space, count=300)
    assert done.to_json()["features"] == space
    distance = done.figures["frechet_distance"]
    assert distance.value < 3 * distance.floor
    assert ("modes" in done.figures) == (space == "classifier")
    if space == "random":
        assert "classifier" in done.skipped["modes"]


def test_a_folder_of_pictures_is_read(places: dict[str, str]) -> None:
    done = evaluate(places["pictures"], metrics="frechet_distance,precision")
    assert done.to_json()["count"] == 150
    assert value(done, "precision") > 0.7


def test_of_too_many_images_the_same_ones_are_taken(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "COUNT", 150)
    first = evaluate(places["real"], metrics="precision").comparison.generated
    assert len(first) == 150
    second = evaluate(places["real"], metrics="precision", count=150).comparison.generated
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.labels, second.labels)


@pytest.mark.slow
def test_against_what_is_held_out(places: dict[str, str]) -> None:
    held_out = DataConfig(validation=500)
    found = evaluation.look_at(evaluation.read_real(held_out, "validation"), features.digits(), 200)
    assert found.reference.held_out
    assert torch.equal(found.reference.sample.images, whole(held_out, "validation").images)
    trained = {image.numpy().tobytes() for image in found.reference.training.images}
    assert not trained & {image.numpy().tobytes() for image in found.reference.sample.images}


# As many images on both sides.


def glyphs(count: int, seed: int, noise: float = 0.0) -> np.ndarray:
    """Grey images (N, 28, 28) of bars and discs, with noise of so many grey levels."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:28, 0:28] / 28
    images = []
    for number in range(count):
        dx, dy, size = random.uniform((-0.1, -0.1, 0.05), 0.1).tolist()
        bar, disc = np.abs(y - 0.5 - dy) < size, (x - 0.5 - dx) ** 2 + (y - 0.5 - dy) ** 2 < size
        images.append((bar if number % 2 else disc) * random.integers(180, 256))
    pixels = np.stack(images) + random.normal(0, noise, (count, 28, 28))
    return np.clip(pixels, 0, 255).round().astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("real", [300, 1000])
def test_a_small_real_set_makes_no_baseline_for_many_images(real: int, tmp_path: Path) -> None:
    """150 real images against 150 others are farther apart than 900 clean ones from 300: they are no baseline."""
    np.savez(tmp_path / "own.npz", images=glyphs(real, 1))
    found = {}
    for noise in (0, 24):
        np.savez(tmp_path / f"{noise}.npz", images=glyphs(900, 2, noise))
        found[noise] = evaluate(tmp_path / f"{noise}.npz", against=str(tmp_path / "own.npz"), feature_space="random")
    clean, noisy = (found[noise].figures["frechet_distance"] for noise in (0, 24))
    assert clean.floor is None and noisy.floor is None
    assert noisy.matched.floor == clean.matched.floor > 0
    assert clean.matched.value < 1.5 * clean.matched.floor < noisy.matched.value
    assert found[0].matched_counts == (real // 2, real - real // 2)
    told = found[24].to_json()
    assert (told["count"], told["reference_count"]) == (900, real)
    assert (told["matched_count"], told["matched_reference_count"]) == found[0].matched_counts
    figure = told["metrics"]["frechet_distance"]
    assert figure["floor"] is None and figure["matched"]["value"] == noisy.matched.value
    for name, score in found[24].figures.items():
        assert score.floor is None, name


@pytest.mark.slow
def test_where_there_are_as_many_the_baseline_has_the_same_sizes(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", images=glyphs(600, 1), test_images=glyphs(300, 3))
    for count, expected in ((600, 600), (150, 150)):
        np.savez(tmp_path / "made.npz", images=glyphs(count, 2))
        done = evaluate(tmp_path / "made.npz", against=str(tmp_path / "own.npz"), feature_space="random")
        assert done.to_json()["reference_count"] == 300 and done.matched_counts is None
        assert len(done.real.floor.generated) == expected
        assert done.figures["frechet_distance"].floor > 0 and done.figures["frechet_distance"].matched is None
    np.savez(tmp_path / "made.npz", images=glyphs(700, 2))
    done = evaluate(tmp_path / "made.npz", against=str(tmp_path / "own.npz"), feature_space="random")
    assert done.matched_counts == (600, 300) and done.figures["frechet_distance"].floor is None


def test_scores_of_fewer_images_are_of_a_fair_draw(tmp_path: Path) -> None:
    """A folder is read class by class; fifths and fewer images are taken from all of it."""
    images = glyphs(400, 2)
    np.savez(tmp_path / "sorted.npz", images=np.concatenate([images[::2], images[1::2]]))
    np.savez(tmp_path / "own.npz", images=glyphs(200, 1))
    done = evaluate(tmp_path / "sorted.npz", against=str(tmp_path / "own.npz"), feature_space="random")
    assert done.figures["recall"].matched.value > 0.8
    assert done.figures["coverage"].spread < 0.05


# Which real images.


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `train` (200 of each of two classes) and `test` (60 of each)."""
    place = tmp_path_factory.mktemp("splits")
    for split, count, seed in (("train", 400, 5), ("test", 120, 6)):
        for number, image in enumerate(glyphs(count, seed)):
            folder = place / split / ("disc", "bar")[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{number}.png")
    return place


@pytest.mark.slow
def test_of_a_folder_with_a_test_split_that_is_taken(splits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = str(splits / "test")
    done = evaluate(made, against=str(splits), feature_space="random", metrics="precision")
    assert done.to_json()["reference_count"] == 120 and done.to_json()["reference_split"] == "test"
    assert done.to_json()["reference"] == str(splits)
    assert value(done, "precision") == 1
    code = main(["evaluate", made, "--against", str(splits), "--features", "random", "--metrics", "recall", "--quiet"])
    assert code == 0 and "(test," in capsys.readouterr().out
    alone = evaluate(made, against=str(splits / "train"), feature_space="random", metrics="precision")
    assert alone.to_json()["reference_count"] == 400 and alone.to_json()["reference_split"] == "all"


def own_run(folder: Path, validation: float, count: int = 1200) -> str:
    """A small run on images without a test split."""
    np.savez(folder / "own.npz", images=glyphs(count, 7))
    fields = TINY | {"data": str(folder / "own.npz"), "validation": validation, "test": 0}
    return str(pocketgan.train("minimal", out=folder / "run", **fields).folder)


@pytest.mark.slow
def test_without_a_test_split_what_was_held_out_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = own_run(tmp_path, validation=240)
    assert main(["evaluate", run, "--count", "200", "--features", "random", "--quiet"]) == 0
    assert "(validation," in capsys.readouterr().out
    told = json.loads((Path(run) / "evaluation" / "evaluation.json").read_text())
    assert (told["reference"], told["reference_count"]) == ("validation", 240)
    assert told["metrics"]["frechet_distance"]["floor"] > 0
    assert main(["evaluate", run, "--against", "test", "--quiet"]) == 2
    assert "--against validation" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("against", [[], ["--against", "test"], ["--against", "validation"]])
def test_where_nothing_was_held_out_it_is_said_what_would_do(
    against: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = own_run(tmp_path, validation=0, count=300)
    assert main(["evaluate", run, *against, "--quiet"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: --against: ") and "--against train" in err and err.count("\n") == 1
    assert main(["evaluate", run, "--against", "train", "--metrics", "precision", "--count", "150", "--quiet"]) == 0
    assert "150 images against 150 real ones (train, " in " ".join(capsys.readouterr().out.split())


# Classes.


@pytest.mark.slow
@pytest.mark.parametrize("names", [("ill", "well"), ("-1", "1"), ("1", "10"), ("ネコ", "x y")])
def test_ones_own_generated_archive_is_evaluated_by_its_classes(
    names: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a run on folders that are named so; the archive is asked for one class after the other, and for one alone."""
    for number, image in enumerate(glyphs(300, 8)):
        folder = tmp_path / "data" / names[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    fields = TINY | {"data": str(tmp_path / "data"), "validation": 0, "conditional": True}
    run = str(pocketgan.train("minimal", out=tmp_path / "run", **fields).folder)
    for label in names:
        out = tmp_path / f"only-{names.index(label)}.npz"
        assert main(["generate", run, "--count", "40", f"--label={label}", "--out", str(out)]) == 0
        assert main(["generate", run, "--count", "3", f"--label={label}", "--out", f"{tmp_path}/single-{label}/"]) == 0
        files = [path.name for path in (tmp_path / f"single-{label}").iterdir()]
        assert all(f"-label-{label.replace(' ', '_')}.png" in name for name in files)
        done = evaluate(out, against=str(tmp_path / "data"), feature_space="random")
        classes = sorted(names)
        assert set(done.comparison.generated.labels.tolist()) == {classes.index(label)}
    both = tmp_path / "both.npz"
    assert main(["generate", run, "--count", "600", "--out", str(both)]) == 0
    done = evaluate(both, against=str(tmp_path / "data"), feature_space="classifier")
    assert "label_agreement" in done.figures
    assert torch.bincount(done.comparison.generated.labels).tolist() == [300, 300]


@pytest.mark.parametrize(("names", "known"), [(("7", "3"), ("003", "007")), (("003", "007"), ("3", "7"))])
def test_classes_are_the_same_by_their_numbers(names: tuple[str, str], known: tuple[str, str]) -> None:
    images = ImageSet(torch.zeros(3, 1, 4, 4, dtype=torch.uint8), torch.tensor([0, 1, 1]), names, "")
    places = [[int(name) for name in known].index(int(names[label])) for label in (0, 1, 1)]
    assert evaluation.labels_in(known, images).tolist() == places
    assert evaluation.labels_in(("3", "cat"), images) is None


# Few images.


@pytest.mark.parametrize("count", [1, 6, 12, 60, 128])
def test_few_images_are_measured_as_far_as_they_go(count: int, places: dict[str, str], tmp_path: Path) -> None:
    with np.load(places["real"]) as archive:
        np.savez(tmp_path / "few.npz", images=archive["images"][:count])
    done = evaluate(tmp_path / "few.npz")
    assert done.to_json()["count"] == count
    measurable = {name for name, metric in METRICS.items() if metric.least <= count and "labels" not in metric.needs}
    assert done.figures.keys() == measurable
    assert done.skipped.keys() == METRICS.keys() - measurable
    assert done.to_json()["skipped"]["frechet_distance"] == {
        "key": "too few images", "name": "frechet_distance", "least": 129, "found": count,
    }  # fmt: skip


def test_few_real_images_are_measured_as_far_as_they_go(places: dict[str, str]) -> None:
    done = evaluate(places["real"], against=places["few"], feature_space="digits")
    assert "frechet_distance" in done.skipped and "precision" in done.figures
    assert "real images" in done.skipped["frechet_distance"]


@pytest.mark.parametrize("words", ["{noisy} --count 100 --metrics recall,two_sample", "{few} --metrics two_sample"])
def test_counts_are_looked_at_before_anything_is_made(
    words: str, places: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise AssertionError("made in vain")

    monkeypatch.setattr(evaluation, "generated_by", explode)
    monkeypatch.setattr(evaluation, "choose_space", explode)
    code, _, err = evaluate_command(f"{words} --quiet", places, capsys)
    assert code == 2 and "--metrics: two_sample needs at least 200 images (got 100)" in err


# Grey pictures that were saved in colour.


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "npz"])
def test_grey_pictures_saved_as_rgb_are_taken_as_grey(
    kind: str, places: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load(places["real"]) as archive:
        images = archive["images"][:150].repeat(3, axis=1)
    made = tmp_path / ("made" if kind == "folder" else "made.npz")
    if kind == "npz":
        np.savez(made, images=images)
    else:
        made.mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image.transpose(1, 2, 0)).save(made / f"{number:03d}.png")
    done = evaluate(made, metrics="precision,frechet_distance")
    with np.load(places["real"]) as archive:
        np.savez(tmp_path / "grey.npz", images=archive["images"][:150])
    grey = evaluate(tmp_path / "grey.npz", metrics="precision,frechet_distance")
    assert done.taken_as_grey and done.to_json()["taken_as_grey"]
    assert done.figures == grey.figures and not grey.taken_as_grey
    assert main(["evaluate", str(made), "--metrics", "precision", "--quiet"]) == 0
    assert "read as gray" in capsys.readouterr().out


def test_grey_pictures_are_held_against_grey_ones_saved_as_rgb(places: dict[str, str], tmp_path: Path) -> None:
    with np.load(places["some"]) as archive:
        np.savez(tmp_path / "rgb.npz", images=archive["images"].repeat(3, axis=1))
    done = evaluate(places["real"], against=str(tmp_path / "rgb.npz"), metrics="precision", count=200)
    assert value(done, "precision") > 0.7


# Runs.


@pytest.mark.slow
def test_a_run_is_evaluated_and_always_the_same(places: dict[str, str]) -> None:
    first = evaluate(places["noisy"], count=200)
    assert first.to_json()["count"] == 200
    assert value(first, "frechet_distance") > 5 * first.figures["frechet_distance"].floor
    assert len(first.real.floor.generated) == 200
    assert "labels" in first.skipped["label_agreement"]
    assert evaluate(Run.open(places["noisy"]), count=200, checkpoint=4).to_json() == first.to_json()
    other = evaluate(places["noisy"], count=200, seed=1, metrics="frechet_distance")
    assert value(other, "frechet_distance") != value(first, "frechet_distance")
    made = Run.open(places["noisy"]).generate(200).images
    assert torch.equal(first.comparison.generated.images, torch.from_numpy(made))


@pytest.mark.slow
def test_a_conditional_run_is_asked_for_each_class_as_often_as_it_was_in_training(places: dict[str, str]) -> None:
    done = evaluate(places["told"], count=600)
    for name in ("label_agreement", "class_frechet_distance", "classification_accuracy"):
        assert name in done.figures
    assert done.figures["label_agreement"].floor > 0.97
    asked, trained = done.comparison.generated.labels == 3, fewer(DataConfig(classes="3,8")).labels == 0
    assert asked.double().mean().item() == pytest.approx(trained.double().mean().item(), abs=0.07)
    assert done.comparison.generated.labels.tolist() != [3, 8] * 300
    assert set(done.real.reference.sample.labels.tolist()) == {3, 8}
    assert done.figures["modes"].floor == 2


@pytest.mark.slow
def test_an_image_to_image_run_is_judged_inverted_back(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def perfectly(_: torch.nn.Module, __: RunConfig, images: Tensor) -> Tensor:
        return 255 - images

    monkeypatch.setattr("pocketgan.metrics.translated.redraw_images", perfectly)
    done = evaluate(places["redraw"], metrics="frechet_distance,recall,precision")
    inputs = fewer(DataConfig(classes="8"), "test").images
    assert sorted(image.numpy().tobytes() for image in done.comparison.generated.images) == sorted(
        image.numpy().tobytes() for image in inputs
    )
    assert value(done, "frechet_distance") < 1e-3
    assert value(done, "precision") == value(done, "recall") == 1


def test_an_image_to_image_run_is_evaluated_as_it_is(places: dict[str, str]) -> None:
    done = evaluate(places["redraw"], count=200, metrics="frechet_distance,modes")
    assert done.to_json()["count"] == 200
    assert value(done, "frechet_distance") > 3 * done.figures["frechet_distance"].floor


@pytest.mark.slow
def test_the_floor_takes_as_many_images_as_are_judged(places: dict[str, str]) -> None:
    for source, given in (("some", {}), ("noisy", {"count": 300}), ("redraw", {})):
        done = evaluate(places[source], metrics="precision", **given)
        assert len(done.real.floor.generated) == len(done.comparison.generated), source


def test_more_images_than_can_be_redrawn_are_refused(places: dict[str, str]) -> None:
    with refused("too few to redraw", "count") as caught:
        evaluate(places["redraw"], count=5000, metrics="precision")
    assert (caught.value.field, caught.value.key) == ("count", "too few to redraw")


# The command line.

MISTAKES = [
    ("{real} --count 5000", "--count: '{real}' holds 1,000 images, and 5,000 were requested"),
    ("{real} --count 0", "--count must be at least 1 (got 0)"),
    ("{real} --count x", "--count must be a whole number (got 'x')"),
    (
        "{real} --count 100 --metrics frechet_distance",
        "frechet_distance needs at least 129 images (got 100)",
    ),
    (
        "{few} --metrics precision,frechet_distance",
        "frechet_distance needs at least 129 images (got 100)",
    ),
    (
        "{noisy} --count 128 --metrics frechet_distance",
        "frechet_distance needs at least 129 images (got 128)",
    ),
    ("{few} --metrics two_sample", "--metrics: two_sample needs at least 200 images (got 100)"),
    (
        "{real} --against {few} --features digits --metrics frechet_distance",
        "frechet_distance needs at least 129 real images (got 100)",
    ),
    (
        "{real} --metrics recal",
        "--metrics: there is no metric 'recal'; did you mean 'recall'?; known: all, frechet_distance",
    ),
    ("{real} --metrics ,", "--metrics must be a list of metrics; known: all"),
    ("{noise} --metrics label_agreement", "--metrics: label_agreement needs images with labels"),
    ("{real} --metrics modes --features random", "--metrics: modes needs a feature space with a classifier"),
    ("{real} --metrics copying --against train", "copying needs real images that weren't trained on"),
    ("{big}", "have 1×32×32 (channels, height, width), and the real ones of mnist 1×28×28"),
    ("{rgb}", "have 3×28×28 (channels, height, width), and the real ones of mnist 1×28×28"),
    ("{big} --features random", "have 1×32×32 (channels, height, width), and the real ones of mnist 1×28×28"),
    ("{rgb} --features random", "have 3×28×28 (channels, height, width), and the real ones of mnist 1×28×28"),
    ("{real} --against {big} --features digits", "big.npz 1×32×32; set --against to a path"),
    ("{real} --against {rgb} --features random", "rgb.npz 3×28×28; set --against to a path"),
    ("{garbage}", "can't read {garbage} as an .npz file"),
    ("{text}", "'{text}' must be a folder, or an .npz, .npy, .csv or IDX file"),
    ("{empty}", "{empty} holds no pictures"),
    ("{nothing}", "there is no '{nothing}'; give a run's folder, a folder of pictures, or an .npz, .npy or .onnx file"),
    ("{real} --against {nothing}", "--against: there is no data '{nothing}'"),
    ("{real} --against {garbage}", "can't read {garbage} as an .npz file"),
    ("{real} --against tset", "--against: there is no data 'tset'"),
    (
        "{real} --features digit",
        "--features: there is no feature space 'digit'; did you mean 'digits'?; known: auto, digits",
    ),
    ("{real} --against {noise} --features classifier", "has no labels to train a classifier on; use 'self-supervised'"),
    ("{real} --features inception", "--features: 'inception' needs torch-fidelity; pip install torch-fidelity"),
    ("{real} --features inception --inception-weights {text}", "--inception-weights: {text} isn't a file of weights"),
    ("{real} --features inception --inception-weights {nothing}", "--inception-weights: can't read {nothing}"),
    (
        "{noisy} --checkpoint 7",
        "--checkpoint: there is no checkpoint '7' in '{noisy}'; use 'last' or a step, such as 4",
    ),
    ("{noisy} --checkpoint best", "--checkpoint: '{noisy}' was never evaluated"),
    ("{real} --metrics precision --out {text}", "--out: can't write '{text}': Not a directory"),
    ("{real} --cuont 5", "--cuont isn't a flag; did you mean '--count'?"),
]


def evaluate_command(words: str, places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["evaluate", *(word.format(**places) for word in words.split())])
    return code, *capsys.readouterr()


@pytest.mark.slow
@pytest.mark.parametrize(("words", "expected"), MISTAKES, ids=[words for words, _ in MISTAKES])
def test_a_mistake_is_one_line_and_exit_code_2(
    words: str, expected: str, places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = evaluate_command(f"{words} --quiet", places, capsys)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert expected.format(**places) in err


def test_a_message_names_no_flag_that_evaluate_lacks(
    places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = {f"--{name.replace('_', '-')}" for name in inspect.signature(commands.evaluate).parameters} - {"--source"}
    wrong = []
    for words in (
        "{garbage}",
        "{text}",
        "{empty}",
        "{nothing}",
        "{real} --against {nothing}",
        "{big} --features random",
    ):
        _, _, err = evaluate_command(f"{words} --quiet", places, capsys)
        assert err.startswith("error: ")
        named = re.match(r"error: (--[a-z-]+)\b", err)
        if named and named[1] not in flags:
            wrong.append(f"{words}: {named[1]}")
    assert wrong == []


@pytest.mark.slow
def test_the_table_names_every_figure_and_what_was_left_out(
    places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = evaluate_command("{some} --count 300 --quiet", places, capsys)
    assert (code, err) == (0, "")
    words = " ".join(out.split())
    assert "300 images against 1,000 real ones (test, mnist)" in words
    for title in ("Fréchet distance", "precision", "covered classes"):
        assert title in words
    assert f"Feature space: {features.digits()}" in words
    assert "Not measured: label_agreement needs images with labels." in words
    assert "page" not in words
    assert not list(Path(places["place"]).glob("**/evaluation.json"))


@pytest.mark.slow
def test_the_table_speaks_the_language(
    places: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POCKETGAN_LANG", "uk")
    code, out, err = evaluate_command("{some} --count 300 --quiet", places, capsys)
    assert (code, err) == (0, "")
    words = " ".join(out.split())
    for said in ("відстань Фреше", "менше — краще", "Простір ознак: digits", "label_agreement: потрібні зображення"):
        assert said in words, said
    assert not re.search(r"\b(better|score|share|needs|Feature|Not)\b", words)
    assert not re.search(r"\d\.\d", words), "a number is written as in English"


def test_progress_is_shown_unless_quiet(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = evaluate_command("{some} --metrics precision --json", places, capsys)
    assert "measuring 600 images in the feature space digits" in err
    assert "600 images" in err


def test_json_is_one_object_and_the_file_is_the_same(
    places: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = f"{{some}} --count 300 --metrics frechet_distance,recall --json --out {tmp_path}/deep/page"
    code, out, err = evaluate_command(words + " --quiet", places, capsys)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["metrics"].keys() == {"frechet_distance", "recall"}
    assert json.loads((tmp_path / "deep" / "page" / "evaluation.json").read_text()) == found
    assert {path.name for path in (tmp_path / "deep" / "page").iterdir()} == {"evaluation.json", "evaluation.html"}
    assert found == evaluate(places["some"], count=300, metrics="recall,frechet_distance").to_json()


def test_a_runs_evaluation_is_kept_in_its_folder(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = evaluate_command("{noisy} --count 200 --metrics precision,recall --quiet", places, capsys)
    folder = Path(places["noisy"]) / "evaluation"
    assert code == 0
    assert f"page {folder / 'evaluation.html'}" in " ".join(out.split())
    kept = json.loads((folder / "evaluation.json").read_text())
    assert kept["metrics"].keys() == {"precision", "recall"}
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def test_the_python_interface_returns_the_figures_and_the_page(places: dict[str, str], tmp_path: Path) -> None:
    done = api.evaluate(places["some"], metrics="precision", progress=False)
    assert done.page is None and done.scores == done.figures
    assert done.figures.keys() == {"precision"}
    done = api.evaluate(Run.open(places["noisy"]), metrics="precision", count=60, out=tmp_path, progress=False)
    assert "evaluation.html</a>" in done._repr_html_()
    assert done.page == tmp_path / "evaluation.html"
    assert json.loads((tmp_path / "evaluation.json").read_text()) == done.to_json()
    assert not (Path(places["noisy"]) / "evaluation").exists()
    with refused("no picture written", "out"):
        api.evaluate(places["some"], metrics="precision", out=places["text"], progress=False)


# What is held out of the training split.


HELD_OUT = [
    (60_000, 5000, 5000),
    (60_000, 0, 0),
    (60_000, 199, 0),
    (60_000, 200, 200),
    (2000, 5000, 400),
    (1000, 300, 200),
    (999, 300, 0),
    (1, 300, 0),
    (0, 300, 0),
]
"""Images there, images asked for, images held out."""


@pytest.mark.parametrize(("images", "asked", "expected"), HELD_OUT)
def test_a_fifth_at_most_is_held_out_and_none_under_200(images: int, asked: int, expected: int) -> None:
    held_out, kept = split_off(images, asked)
    assert len(held_out) == expected
    assert torch.equal(torch.cat([held_out, kept]).sort().values, torch.arange(images))
    assert torch.equal(held_out, held_out.sort().values)
    assert torch.equal(kept, kept.sort().values)
    torch.manual_seed(3)
    assert torch.equal(split_off(images, asked)[0], held_out)


def test_what_is_held_out_comes_from_everywhere() -> None:
    held_out, _ = split_off(60_000, 5000)
    shares = torch.histc(held_out.float(), bins=10, min=0, max=60_000) / 500
    assert ((shares > 0.85) & (shares < 1.15)).all()


@pytest.fixture
def numbered(tmp_path: Path) -> str:
    """1,500 different images of 2×2 in three classes, and ten test images."""
    numbers = np.arange(1500)
    images = np.stack([numbers // 256, numbers % 256, numbers % 3, 0 * numbers], axis=1).astype(np.uint8)
    path = str(tmp_path / "numbered.npz")
    images = images.reshape(-1, 2, 2)
    np.savez(path, images=images, labels=numbers % 3 + 5, test_images=images[:10], test_labels=numbers[:10] % 2 + 6)
    return path


def numbers_of(images: ImageSet) -> list[int]:
    pixels = images.images.reshape(len(images), 4).long()
    return (256 * pixels[:, 0] + pixels[:, 1]).tolist()


@pytest.mark.parametrize("classes", ["all", "7,5"])
def test_the_validation_part_and_the_rest_are_the_whole(numbered: str, classes: str) -> None:
    whole_set = load_images(DataConfig(data=numbered, classes=classes))
    config = DataConfig(data=numbered, classes=classes, validation=250)
    kept, held_out = load_images(config), load_images(config, "validation")
    assert len(held_out) == 250 or classes != "all"
    assert sorted(numbers_of(kept) + numbers_of(held_out)) == numbers_of(whole_set)
    for part in (kept, held_out):
        assert part.class_names == whole_set.class_names == (("5", "6", "7") if classes == "all" else ("5", "7"))
        assert [int(part.class_names[label]) - 5 for label in part.labels] == [n % 3 for n in numbers_of(part)]


def test_the_classes_that_are_chosen_move_no_image_between_the_parts(numbered: str) -> None:
    everything = numbers_of(load_images(DataConfig(data=numbered, validation=250), "validation"))
    sixes = numbers_of(load_images(DataConfig(data=numbered, validation=250, classes="6"), "validation"))
    assert sixes == [number for number in everything if number % 3 == 1]


@pytest.mark.parametrize("asked", [0, 9])
def test_where_nothing_is_held_out_there_is_no_validation_part(numbered: str, asked: int) -> None:
    config = DataConfig(data=numbered, validation=asked, test=0)
    with refused("nothing held out", "validation") as caught:
        load_images(config, "validation")
    assert (caught.value.field, caught.value.key) == ("validation", "nothing held out")
    assert caught.value.parts["source"] == numbered
    assert numbers_of(load_images(config)) == list(range(1500))


def test_nothing_is_held_out_of_the_test_split(numbered: str) -> None:
    assert numbers_of(load_images(DataConfig(data=numbered, validation=250), "test")) == list(range(10))


def test_a_negative_number_is_refused() -> None:
    with refused("refused", "validation"):
        replace(pocketgan.recipe("minimal"), validation=-1)


def test_labels_of_another_split_are_numbered_as_the_training_ones(numbered: str) -> None:
    training, test = (load_images(DataConfig(data=numbered), part) for part in ("train", "test"))
    assert (test.class_names, test.labels.tolist()) == (("5", "6", "7"), [1, 2] * 5), "as they are read"
    own = test.select("6,7")
    assert (own.class_names, own.labels.tolist()) == (("6", "7"), [0, 1] * 5)
    same = own.numbered_as(training.class_names)
    assert (same.class_names, same.labels.tolist()) == (("5", "6", "7"), [1, 2] * 5)
    assert torch.equal(same.images, test.images)
    assert training.numbered_as(training.class_names) is training
    with refused("foreign class", "data"):
        training.numbered_as(("6", "7"))
    unlabelled = ImageSet(test.images, None, (), "here")
    assert unlabelled.numbered_as(("a", "b")) is unlabelled
