"""The feature spaces: what each takes, that its hash stands for it, and that a trained one is kept and found again."""

import dataclasses
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from pocketgan.base.errors import DataError
from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import ImageSet, load_images
from pocketgan.metrics import features
from pocketgan.metrics.features import FeatureSpace

LOOK = """
import json
import torch
from pocketgan.metrics import features

torch.set_num_threads(1)
images = (torch.arange(3 * 784) * 37 % 256).to(torch.uint8).reshape(3, 1, 28, 28)
spaces = [features.random(1), features.random(3), features.digits()]
seen = spaces[0](images).features
print(json.dumps([[space.hash for space in spaces], seen.flatten()[:100].tolist()]))
"""
"""What another process sees."""


@pytest.fixture(scope="module")
def digits() -> FeatureSpace:
    return features.digits()


@pytest.fixture(scope="module")
def test_split() -> ImageSet:
    return load_images(DataConfig(), "test")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and classifiers trained for a few steps."""
    monkeypatch.setenv("POCKETGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(features, "IMAGES_TO_FIT", 1600)
    return tmp_path / "cache"


def squares(count: int = 400, channels: int = 1, seed: int = 0) -> ImageSet:
    """Images of 8×8 with one bright quarter, which is their class."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(60, (count, channels, 8, 8), generator=random, dtype=torch.uint8)
    labels = torch.arange(count) % 4
    for place in range(4):
        row, column = place // 2 * 4, place % 2 * 4
        images[labels == place, :, row : row + 4, column : column + 4] += 190
    return ImageSet(images, labels, ("north-west", "north-east", "south-west", "south-east"), "squares")


def explode(*_: object, **__: object) -> Iterator[float]:
    raise AssertionError("trained again")


def share_right(space: FeatureSpace, images: ImageSet) -> float:
    return (space(images.images).predicted == images.labels).double().mean().item()


def random_images(*shape: int) -> Tensor:
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(3), dtype=torch.uint8)


# The digits space.


def test_digits_is_what_its_card_says(digits: FeatureSpace) -> None:
    file = resources.files("pocketgan.metrics").joinpath("digits.safetensors")
    card = resources.files("pocketgan.metrics").joinpath("digits.md").read_text(encoding="utf-8")
    assert len(file.read_bytes()) <= 1_000_000
    assert (digits.name, digits.version) == ("digits", features.VERSION)
    assert re.fullmatch("[0-9a-f]{12}", digits.hash)
    assert f"Version {digits.version}, hash {digits.hash};" in card
    assert digits.class_names == tuple("0123456789")
    assert (digits.channels, digits.size, digits.width) == (1, 28, 128)
    assert str(digits) == f"digits (version {digits.version}, {digits.hash})"
    assert features.digits().hash == digits.hash


@pytest.mark.slow
def test_digits_reads_the_test_split(digits: FeatureSpace, test_split: ImageSet) -> None:
    right = share_right(digits, test_split)
    card = resources.files("pocketgan.metrics").joinpath("digits.md").read_text(encoding="utf-8")
    claimed = float(re.search(r"Accuracy\.\*\* ([\d.]+)%", card)[1])
    assert right >= 0.995
    assert right == pytest.approx(claimed / 100, abs=5e-4)


@pytest.mark.slow
def test_digits_features_are_standardised_on_the_training_split(digits: FeatureSpace) -> None:
    chosen = torch.randperm(60_000, generator=torch.Generator().manual_seed(0))[:3000]
    sample = digits(load_images(DataConfig()).images[chosen]).features
    assert sample.shape == (3000, 128)
    assert sample.mean(dim=0).abs().max() < 0.1
    assert sample.mean().abs() < 0.02
    assert (sample.std(dim=0) - 1).abs().max() < 0.1
    assert (sample.std(dim=0).mean() - 1).abs() < 0.02


def test_what_is_seen_of_images_in_a_classifying_space(digits: FeatureSpace, test_split: ImageSet) -> None:
    images, labels = test_split.images[:7], test_split.labels[:7]
    sample = digits(images, labels)
    assert torch.equal(sample.images, images)
    assert torch.equal(sample.labels, labels)
    assert sample.features.dtype == torch.float32
    assert not sample.features.requires_grad
    assert sample.probabilities.shape == (7, 10)
    torch.testing.assert_close(sample.probabilities.sum(dim=1), torch.ones(7))
    assert sample.predicted.tolist() == [7, 2, 1, 0, 4, 1, 4]
    assert digits(images).labels is None


def test_an_image_is_seen_the_same_whatever_its_company(digits: FeatureSpace, test_split: ImageSet) -> None:
    together = digits(test_split.images[:20])
    alone = digits(test_split.images[13:14])
    torch.testing.assert_close(alone.features, together.features[13:14], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(alone.probabilities, together.probabilities[13:14], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("shape", "named"), [((1, 32, 32), "1×32×32"), ((3, 28, 28), "3×28×28")])
def test_images_of_another_shape_are_refused_and_both_shapes_named(
    shape: tuple[int, int, int], named: str, digits: FeatureSpace
) -> None:
    with pytest.raises(DataError) as raised:
        digits(random_images(2, *shape))
    assert (raised.value.field, raised.value.key) == ("features", "images for space")
    assert raised.value.parts == {"space": "digits", "expected": "1×28×28", "found": named}
    assert re.match(rf"features: 'digits' .*1×28×28.*{named}.*'random'", str(raised.value))
    assert "\n" not in str(raised.value)


# The random space.


def test_random_is_the_same_one_each_time() -> None:
    first, second = features.random(1), features.random(1)
    images = random_images(4, 1, 28, 28)
    assert first.hash == second.hash
    assert torch.equal(first(images).features, second(images).features)
    assert features.random(3).hash != first.hash


@pytest.mark.slow
@pytest.mark.parametrize("capability", ["", "default"], ids=["as here", "without vector instructions"])
def test_hashes_and_features_are_the_same_in_another_process(capability: str, digits: FeatureSpace) -> None:
    """Another machine's processor may lack the vector instructions that PyTorch uses where it can."""
    environment = os.environ | ({"ATEN_CPU_CAPABILITY": capability} if capability else {})
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, env=environment, timeout=120
    )
    hashes, seen = json.loads(done.stdout)
    images = (torch.arange(3 * 784) * 37 % 256).to(torch.uint8).reshape(3, 1, 28, 28)
    expected = features.random(1)(images).features.flatten()[:100]
    torch.testing.assert_close(torch.tensor(seen), expected, rtol=1e-4, atol=1e-5)
    assert hashes == [features.random(1).hash, features.random(3).hash, digits.hash]


@pytest.mark.parametrize("size", [4, 8, 28, 33, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_random_takes_any_images_and_knows_no_classes(size: int, channels: int) -> None:
    space = features.random(channels)
    sample = space(random_images(3, channels, size, size))
    assert sample.features.shape == (3, 128)
    assert sample.features.isfinite().all()
    assert sample.features.std() > 0
    assert sample.probabilities is None
    assert space.class_names == ()
    assert space.note


# A classifier of other data.


def test_a_classifier_is_trained_once_and_then_read(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = squares()
    first = features.classifier(images)
    (kept,) = cache.iterdir()
    assert images.digest()[:16] in kept.name
    monkeypatch.setattr(features, "fit", explode)
    second = features.classifier(images)
    assert dataclasses.replace(first, embed=second.embed) == second
    assert torch.equal(first(images.images).features, second(images.images).features)
    assert (second.name, second.channels, second.size) == ("classifier", 1, 8)
    assert second.class_names == images.class_names
    assert "squares" in second.note


def test_a_classifier_tells_the_classes_apart_and_standardises(cache: Path) -> None:
    images, others = squares(), squares(seed=1)
    space = features.classifier(images)
    assert share_right(space, others) > 0.9
    seen = space(images.images).features
    torch.testing.assert_close(seen.mean(dim=0), torch.zeros(128), rtol=0, atol=1e-4)
    spread = seen.std(dim=0)
    alive = spread > 0
    assert alive.sum() > 20
    torch.testing.assert_close(spread[alive], torch.ones(int(alive.sum())), rtol=1e-3, atol=1e-3)
    with pytest.raises(DataError) as raised:
        space(random_images(2, 1, 9, 9))
    assert raised.value.parts == {"space": "classifier", "expected": "1×8×8", "found": "1×9×9"}


@pytest.mark.slow
def test_other_data_gets_a_classifier_of_its_own(cache: Path) -> None:
    images = squares(40)
    first = features.classifier(images)
    images.images[0, 0, 0, 0] ^= 1
    second = features.classifier(images)
    assert first.hash != second.hash
    assert len(list(cache.iterdir())) == 2


@pytest.mark.slow
def test_a_classifier_depends_on_its_data_alone(cache: Path) -> None:
    first = features.classifier(squares(80))
    next(cache.iterdir()).unlink()
    torch.manual_seed(5)
    assert features.classifier(squares(80)).hash == first.hash


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "random", "classifier"])
def test_making_a_space_leaves_the_global_generator_alone(name: str, cache: Path) -> None:
    make = {"digits": features.digits, "random": lambda: features.random(1)}
    before = torch.random.get_rng_state()
    make.get(name, lambda: features.classifier(squares(40)))()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_coloured_images_have_a_classifier_too(cache: Path) -> None:
    space = features.classifier(squares(80, channels=3))
    assert space.channels == 3
    assert space(squares(5, channels=3).images).probabilities.shape == (5, 4)


def other_networks_file(kept: bytes) -> bytes:
    tensors = load(kept)
    tensors["network.body.8.weight"] = torch.zeros(3, 3)
    facts = json.loads(kept[8 : 8 + int.from_bytes(kept[:8], "little")])["__metadata__"]
    return save(tensors, facts)


def without_standardisation(kept: bytes) -> bytes:
    tensors = {name: tensor for name, tensor in load(kept).items() if name != "mean"}
    facts = json.loads(kept[8 : 8 + int.from_bytes(kept[:8], "little")])["__metadata__"]
    return save(tensors, facts)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda kept: b"",
    "cut short": lambda kept: kept[: len(kept) // 2],
    "no safetensors file": lambda kept: b"something else altogether " * 100,
    "a pickle": lambda kept: pickle.dumps({"network": 1}),
    "another file": lambda kept: save({"x": torch.zeros(3)}),
    "tensors missing": lambda kept: save({"network.x": torch.zeros(3)}, {"classes": '["a", "b"]', "size": "8"}),
    "another network": other_networks_file,
    "without its standardisation": without_standardisation,
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_in_the_cache_is_replaced(damage: str, cache: Path) -> None:
    images = squares(80)
    first = features.classifier(images)
    (kept,) = cache.iterdir()
    kept.write_bytes(DAMAGE[damage](kept.read_bytes()))
    again = features.classifier(images)
    assert again.hash == first.hash
    assert torch.equal(again(images.images).features, first(images.images).features)
    assert features.trained_space("classifier", kept.read_bytes(), "").hash == first.hash


def test_a_cache_that_cannot_be_written_is_done_without(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("POCKETGAN_CACHE", str(tmp_path / "file" / "cache"))
    space = features.classifier(squares(80))
    assert space(squares(80).images).features.shape == (80, 128)


def test_the_cache_is_the_users_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETGAN_CACHE", "/somewhere")
    assert features.cache_folder() == Path("/somewhere")
    monkeypatch.delenv("POCKETGAN_CACHE")
    assert "pocketgan" in str(features.cache_folder())


# Features that are kept.


@pytest.fixture
def many(cache: Path, monkeypatch: pytest.MonkeyPatch) -> ImageSet:
    """As many images as are worth being kept."""
    return squares(features.LEAST_KEPT)


def counting(space: FeatureSpace, **changes: Any) -> tuple[FeatureSpace, list[int]]:
    """Returns a space like this one, and the numbers of images that it has looked at."""
    seen: list[int] = []

    def embed(images: Tensor) -> tuple[Tensor, Tensor | None]:
        seen.append(len(images))
        return images.flatten(1).float() * (1 + sum(map(len, map(str, changes)))), None

    return dataclasses.replace(space, embed=embed, width=64, **changes), seen


def test_features_are_kept_for_one_space_of_one_version(cache: Path, many: ImageSet) -> None:
    space, seen = counting(features.random(1))
    first = features.kept(space, many, many.labels)
    again = features.kept(space, many, many.labels)
    assert seen == [len(many)] and torch.equal(first.features, again.features)
    assert torch.equal(again.labels, many.labels)
    for changes in ({"version": 2}, {"name": "inception"}, {"hash": "0" * 12}):
        other, looked = counting(space, **changes)
        assert not torch.equal(features.kept(other, many, None).features, first.features), changes
        assert looked == [len(many)]
    features.kept(space, squares(features.LEAST_KEPT, seed=1), None)
    assert len(seen) == 2
    assert len(list(cache.iterdir())) == 5


FEATURE_DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda kept: b"",
    "cut short": lambda kept: kept[: len(kept) // 2],
    "a bit is flipped": lambda kept: kept[:-7] + bytes([kept[-7] ^ 1]) + kept[-6:],
    "fewer images": lambda kept: save({"features": torch.zeros(3, 64)}),
    "something else": lambda kept: save({"x": torch.zeros(3)}),
    "text": lambda kept: b"something else altogether " * 100,
}


@pytest.mark.parametrize("damage", FEATURE_DAMAGE)
def test_damaged_features_are_made_again(damage: str, cache: Path, many: ImageSet) -> None:
    space, seen = counting(features.random(1))
    first = features.kept(space, many, None)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(FEATURE_DAMAGE[damage](whole))
    assert torch.equal(features.kept(space, many, None).features, first.features)
    assert len(seen) == 2 and path.read_bytes() == whole


def test_the_features_used_longest_ago_go_first(cache: Path, many: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read is used; classifiers stay, and so does what was used this minute."""
    space, _ = counting(features.random(1))
    sets = [squares(features.LEAST_KEPT, seed=seed) for seed in range(4)]
    paths = []
    for number, images in enumerate(sets[:3]):
        features.kept(space, images, None)
        (path,) = set(cache.iterdir()) - set(paths)
        os.utime(path, (1000 + number, 1000 + number))
        paths.append(path)
    (cache / "classifier-1-0.safetensors").write_bytes(bytes(9_000_000))
    (cache / ".features-1-0.safetensors.17").write_bytes(b"half")
    os.utime(cache / ".features-1-0.safetensors.17", (1000, 1000))
    features.kept(space, sets[0], None)
    size = paths[0].stat().st_size
    monkeypatch.setattr("pocketgan.metrics.feature_cache.MOST_BYTES", 3 * size)
    with paths[1].open("rb") as reader:
        features.kept(space, sets[3], None)
        assert len(reader.read()) == size
    assert [path.exists() for path in paths] == [True, False, True]
    assert (cache / "classifier-1-0.safetensors").exists() and not list(cache.glob(".features*"))
    monkeypatch.setattr("pocketgan.metrics.feature_cache.MOST_BYTES", 0)
    features.kept(space, sets[1], None)
    assert [path.exists() for path in paths] == [True, True, False]


@pytest.mark.parametrize("names", [(), ("only",)])
def test_without_labels_or_with_one_class_there_is_no_classifier(names: tuple[str, ...], cache: Path) -> None:
    images = squares(40)
    labels = torch.zeros(40, dtype=torch.int64) if names else None
    with pytest.raises(DataError, match=r"^features: squares .*'self-supervised'"):
        features.classifier(ImageSet(images.images, labels, names, "squares"))
    assert not cache.exists()


# The hash.


def test_the_hash_changes_with_any_number_and_any_name() -> None:
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(2)}
    hashes = {
        features.tensors_hash(tensors),
        features.tensors_hash(tensors | {"a": tensors["a"] + 1e-6 * torch.eye(2, 3)}),
        features.tensors_hash({"a": tensors["a"], "c": tensors["b"]}),
        features.tensors_hash({"a": tensors["a"]}),
    }
    assert len(hashes) == 4
    swapped = {"b": tensors["b"], "a": tensors["a"].t().contiguous().t()}
    assert features.tensors_hash(swapped) == features.tensors_hash(tensors)


# How the digits classifier is made.


def test_training_writes_the_weights_and_their_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = {"train": squares(400), "test": squares(100, seed=1)}
    monkeypatch.setattr(features, "load_images", lambda _, part="train": sets[part])
    features.train(epochs=5, seed=2, out=tmp_path / "made.safetensors")
    assert {path.name for path in tmp_path.iterdir()} == {"made.safetensors", "made.md"}
    space = features.trained_space("digits", (tmp_path / "made.safetensors").read_bytes(), "")
    card = (tmp_path / "made.md").read_text(encoding="utf-8")
    assert f"hash {space.hash};" in card
    assert "train --epochs 5 --seed 2`" in card
    right = share_right(space, sets["test"])
    assert f"{right:.2%} of MNIST's test split ({round(100 * (1 - right))} of 100 wrong)" in card
    assert f"{right:.2%} of the test split right" in capsys.readouterr().err


def test_the_card_is_the_one_that_training_writes() -> None:
    """So the text about the data and the network can't be changed in one place alone."""
    card = resources.files("pocketgan.metrics").joinpath("digits.md").read_text(encoding="utf-8")
    pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(features.CARD))
    assert re.fullmatch(pattern, card)


@pytest.mark.slow
def test_the_command_that_trains_it() -> None:
    words = [sys.executable, "-W", "error", "-m", "pocketgan.metrics.features", "train", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for flag in ("--epochs", "--seed", "--out"):
        assert flag in done.stdout


# Stacked MNIST.


@pytest.fixture(scope="module")
def stacked() -> FeatureSpace:
    return features.stacked()


def test_the_stacked_space_reads_the_number(stacked: FeatureSpace, digits: FeatureSpace, test_split: ImageSet) -> None:
    images = test_split.images[:300].reshape(100, 3, 28, 28)
    numbers = test_split.labels[:300].reshape(100, 3) @ torch.tensor([100, 10, 1])
    seen = stacked(images)
    assert seen.features.shape == (100, 384)
    assert seen.probabilities.sum(dim=1) == pytest.approx(torch.ones(100).numpy(), abs=1e-5)
    assert (seen.predicted == numbers).double().mean() >= 0.97
    alone = digits(images[:, 1:2])
    assert torch.allclose(seen.features[:, 128:256], alone.features, atol=1e-5)
    tens = seen.probabilities.view(100, 10, 10, 10).sum(dim=(1, 3))
    assert torch.allclose(tens, alone.probabilities, atol=1e-5)


def test_stacked_classes_are_held_against_equal_shares(stacked: FeatureSpace) -> None:
    few = ImageSet(torch.zeros(20, 3, 28, 28, dtype=torch.uint8), None, (), "black")
    assert features.kept(stacked, few, None).class_shares.tolist() == [0.001] * 1000
    assert stacked(few.images).class_shares.max() == 1


def test_the_stacked_space_takes_three_channels(stacked: FeatureSpace) -> None:
    with pytest.raises(DataError) as raised:
        stacked(torch.zeros(2, 1, 28, 28, dtype=torch.uint8))
    assert raised.value.parts == {"space": "stacked", "expected": "3×28×28", "found": "1×28×28"}
