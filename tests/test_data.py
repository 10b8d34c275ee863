import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from pocketgan.config.data_section import DataConfig
from pocketgan.images.batches import Batches, DataOrder
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import ImageSet, load_images, to_network, to_uint8
from refusals import refused

EVERY_VALUE = torch.arange(256, dtype=torch.uint8)
ORDERS = ["epoch", "replacement"]


def image_set(count=6, labels=(2, 0, 1, 1, 0, 2), class_names=("ant", "bee", "cat")):
    """Returns `count` different images of 2×2 pixels."""
    images = torch.arange(count * 4, dtype=torch.uint8).reshape(count, 1, 2, 2)
    return ImageSet(images, None if labels is None else torch.tensor(labels), class_names if labels else (), "here")


# The pixel contract.


@pytest.mark.parametrize("pixels", ["signed", "unit"])
def test_every_value_goes_round(pixels):
    floats = to_network(EVERY_VALUE, pixels)
    assert floats.dtype == torch.float32
    assert to_uint8(floats, pixels).dtype == torch.uint8
    assert torch.equal(to_uint8(floats, pixels), EVERY_VALUE)


@pytest.mark.parametrize(("pixels", "low"), [("signed", -1.0), ("unit", 0.0)])
def test_black_and_white_are_the_ends_of_the_range(pixels, low):
    floats = to_network(EVERY_VALUE, pixels)
    assert (floats[0].item(), floats[-1].item()) == (low, 1.0)
    assert floats.min() == low and floats.max() == 1.0
    assert (floats.diff() > 0).all()


def test_converting_leaves_the_images_as_they_were():
    images = EVERY_VALUE.clone()
    to_network(images, "signed")
    floats = torch.linspace(-1, 1, 5)
    to_uint8(floats, "signed")
    assert torch.equal(images, EVERY_VALUE)
    assert torch.equal(floats, torch.linspace(-1, 1, 5))


@pytest.mark.parametrize(
    ("pixels", "floats", "expected"),
    [
        ("signed", [-1.0, 0.0, 1.0, -0.5, 0.5], [0, 128, 255, 64, 191]),
        ("unit", [0.0, 0.5, 1.0, 0.25, 0.75], [0, 128, 255, 64, 191]),
        ("signed", [-1.1, -1e9, 1.001, 300.0, float("inf"), float("-inf")], [0, 0, 255, 255, 255, 0]),
        ("unit", [-0.1, -1e9, 1.001, 300.0, float("inf"), float("-inf")], [0, 0, 255, 255, 255, 0]),
        ("unit", [0.4 / 255, 0.6 / 255, 254.4 / 255, 254.6 / 255], [0, 1, 254, 255]),
        ("signed", [0.4 / 127.5 - 1, 0.6 / 127.5 - 1, 254.4 / 127.5 - 1], [0, 1, 254]),
    ],
)
def test_floats_are_clamped_and_rounded_to_nearest(pixels, floats, expected):
    assert to_uint8(torch.tensor(floats), pixels).tolist() == expected


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_floats_are_converted_too(dtype):
    assert to_uint8(torch.tensor([-1.0, 0.0, 1.0], dtype=dtype), "signed").tolist() == [0, 128, 255]


def test_the_shape_stays():
    assert to_network(torch.zeros(2, 3, 4, 5, dtype=torch.uint8), "unit").shape == (2, 3, 4, 5)
    assert to_uint8(torch.zeros(2, 3, 4, 5), "unit").shape == (2, 3, 4, 5)


# Seeds.


def test_derived_seeds_never_change():
    assert derived_seed(0) == 4761921975702974394
    assert derived_seed(0, "order", 0) == 7955589716765508323
    assert derived_seed(1, "generator") == 1432439632169280724


def test_derived_seeds_differ_and_fit():
    seeds = {derived_seed(s, n, i) for s in range(10) for n in ("order", "latents", "noise") for i in range(10)}
    assert len(seeds) == 300
    assert all(0 <= seed < 2**63 for seed in seeds)
    torch.Generator().manual_seed(max(seeds))


# The order.


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_shuffled_shows_each_image_once_an_epoch(seed):
    order = DataOrder(50, "epoch", seed)
    epochs = [order.indices(50 * number, 50).tolist() for number in range(5)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 5


def test_batches_run_on_over_the_borders_of_epochs():
    order = DataOrder(10, "epoch", 0)
    shown = torch.cat([order.indices(position, 7) for position in range(0, 70, 7)])
    assert all(sorted(shown[start : start + 10].tolist()) == list(range(10)) for start in range(0, 70, 10))


def test_replacement_draws_with_replacement():
    order = DataOrder(1000, "replacement", 0)
    first, second = order.indices(0, 1000), order.indices(1000, 1000)
    assert first.min() >= 0 and first.max() < 1000
    assert 570 < len(first.unique()) < 695  # 1000 (1 - 1/e) = 632, deviation 10
    assert not torch.equal(first, second)
    assert (torch.bincount(DataOrder(40, "replacement", 0).indices(0, 4000)) - 100).abs().max() < 50  # deviation 10


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_depends_on_the_seed_alone(order):
    draws = [DataOrder(100, order, seed).indices(30, 200) for seed in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    assert torch.equal(DataOrder(100, order, 0).indices(30, 200), draws[0])
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.integers(1, 40),
    st.sampled_from(ORDERS),
    st.integers(0, 2**31 - 1),
    st.integers(1, 100),
    st.integers(0, 30),
)
@example(40, "epoch", 0, 40, 1)
@example(1, "epoch", 0, 3, 2)
def test_entering_anywhere_is_as_running_through(count, order, seed, batch_size, batches):
    through = DataOrder(count, order, seed)
    for number in range(batches + 1):
        shown = through.indices(number * batch_size, batch_size)
    assert shown.shape == (batch_size,) and shown.dtype == torch.int64
    assert torch.equal(DataOrder(count, order, seed).indices(batches * batch_size, batch_size), shown)


@settings(deadline=None)
@given(st.integers(1, 40), st.sampled_from(ORDERS), st.integers(0, 200), st.integers(1, 60), st.integers(1, 60))
def test_the_order_is_one_sequence_whatever_the_batch_size(count, order, position, first, second):
    whole = DataOrder(count, order, 3).indices(position, first + second)
    again = DataOrder(count, order, 3)
    assert torch.equal(again.indices(position + first, second), whole[first:])
    assert torch.equal(again.indices(position, first), whole[:first])


@pytest.mark.parametrize("order", ORDERS)
def test_a_batch_may_hold_many_epochs_of_few_images(order):
    shown = DataOrder(2, order, 0).indices(0, 5000)
    assert shown.shape == (5000,)
    if order == "epoch":
        assert torch.equal(shown.reshape(-1, 2).sum(1), torch.ones(2500, dtype=torch.int64))


# Batches.


@pytest.mark.parametrize("pixels", ["signed", "unit"])
@pytest.mark.parametrize("order", ORDERS)
def test_a_batch_is_the_images_in_their_order(pixels, order):
    images = image_set()
    batches = Batches(images, DataConfig(pixel_range=pixels, sampling=order), batch_size=4, seed=5, device="cpu")
    for position in (0, 4, 8, 3, 1000):
        batch = batches.at(position)
        indices = DataOrder(6, order, 5).indices(position, 4)
        assert batch.real.shape == (4, 1, 2, 2) and batch.real.dtype == torch.float32
        assert torch.equal(batch.real, to_network(images.images[indices], pixels))
        assert torch.equal(batch.source, batch.real)
        assert torch.equal(batch.labels, images.labels[indices])


def test_a_batch_of_unlabelled_images_has_no_labels():
    batches = Batches(image_set(labels=None), DataConfig(), batch_size=4, seed=0, device="cpu")
    assert batches.at(0).labels is None


@pytest.mark.parametrize("pixels", ["signed", "unit"])
def test_an_inverted_target_is_dark_on_white(pixels):
    images = ImageSet(EVERY_VALUE.reshape(64, 1, 2, 2), None, (), "here")
    batch = Batches(images, DataConfig(pixel_range=pixels, target="inverted"), batch_size=64, seed=0, device="cpu").at(
        0
    )
    source = to_uint8(batch.source, pixels)
    assert sorted(source.flatten().tolist()) == list(range(256))
    assert torch.equal(to_uint8(batch.real, pixels), 255 - source)
    assert batch.real[source == 0].item() == 1.0
    assert batch.real[source == 255].item() == (-1.0 if pixels == "signed" else 0.0)


# Choosing classes.


def test_all_classes_are_the_set_itself():
    images = image_set()
    assert images.select("all") is images


def test_a_subset_is_relabelled_in_the_order_of_the_classes():
    chosen = image_set().select("cat,ant")
    assert chosen.class_names == ("ant", "cat")
    assert chosen.images[:, 0, 0, 0].tolist() == [0, 4, 16, 20]
    assert chosen.labels.tolist() == [1, 0, 0, 1] and chosen.labels.dtype == torch.int64


def test_one_class_has_the_label_zero():
    chosen = image_set().select("bee")
    assert (len(chosen), chosen.class_names, chosen.labels.tolist()) == (2, ("bee",), [0, 0])


def test_an_unknown_class_is_named_with_the_known_ones():
    with refused("no class", "classes"):
        image_set().select("ant,dog")


def test_of_many_classes_the_nearest_is_named():
    names = tuple(f"species-{number}" for number in range(30))
    many = image_set(labels=(0, 1, 2, 3, 4, 29), class_names=names)
    with refused("no class", "classes"):
        many.select("specie-2")


def test_unlabelled_images_have_no_classes_to_choose():
    with refused("no labels", "classes") as error:
        image_set(labels=None).select("1")
    assert str(error.value).endswith("; set --classes all")  # A recipe such as `white-background` names a class.
    assert len(image_set(labels=None).select("all")) == len(image_set(labels=None))


# The digest.


def test_equal_sets_have_equal_digests():
    assert image_set().digest() == image_set().digest()
    assert len(image_set().digest()) == len(hashlib.sha256().hexdigest())


@settings(deadline=None)
@given(st.integers(0, 23), st.integers(1, 255))
def test_the_digest_changes_with_any_pixel(position, change):
    images = image_set()
    images.images.view(-1)[position] ^= change
    assert images.digest() != image_set().digest()


@settings(deadline=None)
@given(st.integers(0, 5), st.integers(0, 2**40))
def test_the_digest_changes_with_any_label(position, label):
    images = image_set()
    changed = images.labels[position].item() != label
    images.labels[position] = label
    assert (images.digest() != image_set().digest()) == changed


def test_the_digest_changes_with_shape_labels_and_names():
    images = image_set()
    digests = {
        images.digest(),
        image_set(labels=None).digest(),
        image_set(class_names=("ant", "bee", "cow")).digest(),
        ImageSet(images.images.reshape(6, 1, 1, 4), images.labels, images.class_names, "here").digest(),
        ImageSet(images.images[:5], images.labels[:5], images.class_names, "here").digest(),
    }
    assert len(digests) == 5


def test_the_digest_knows_no_memory_layout_and_no_source():
    images = image_set()
    other = images.images.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
    assert not other.is_contiguous()
    assert ImageSet(other, images.labels, images.class_names, "there").digest() == images.digest()


# Loading.


def test_mnist_is_loaded_with_its_classes():
    train = load_images(DataConfig())
    assert train.images.shape == (60000, 1, 28, 28) and train.images.dtype == torch.uint8
    assert train.class_names == tuple("0123456789")
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9] and train.labels.dtype == torch.int64
    assert train.source == "mnist"


def test_one_digit_is_loaded_from_either_split():
    config = DataConfig(classes="8")
    assert len(load_images(config, "train")) == 5851
    assert len(load_images(config, "test")) == 974
    assert load_images(config, "test").class_names == ("8",)


def test_no_test_image_is_among_the_training_images():
    train = {image.tobytes() for image in load_images(DataConfig()).images.numpy()}
    test = {image.tobytes() for image in load_images(DataConfig(), "test").images.numpy()}
    assert (len(train), len(test)) == (60000, 10000)
    assert not train & test


def test_splits_of_a_file_are_kept_apart(tmp_path):
    path = str(tmp_path / "set.npz")
    images = np.arange(10 * 4, dtype=np.uint8).reshape(10, 2, 2)
    np.savez(path, images=images[:7], labels=np.arange(7), test_images=images[7:], test_labels=np.arange(3))
    train, test = load_images(DataConfig(data=path)), load_images(DataConfig(data=path), "test")
    assert torch.equal(train.images[:, 0], torch.from_numpy(images[:7]))
    assert torch.equal(test.images[:, 0], torch.from_numpy(images[7:]))


def test_numbers_that_are_labels_become_class_names(tmp_path):
    path = str(tmp_path / "set.npz")
    images = 10 * np.arange(4 * 4, dtype=np.uint8).reshape(4, 2, 2)
    np.savez(path, images=images, labels=np.array([7, 30, 7, -1], np.int16))
    found = load_images(DataConfig(data=path))
    assert found.class_names == ("-1", "7", "30")
    assert found.labels.tolist() == [1, 2, 1, 0] and found.labels.dtype == torch.int64
    assert load_images(DataConfig(data=path, classes="7")).images[:, 0, 0, 0].tolist() == [0, 80]


def test_class_folders_become_class_names(tmp_path):
    for number, name in enumerate(("b", "a", "c")):
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((2, 2), 50 * number, np.uint8)).save(tmp_path / name / "1.png")
    found = load_images(DataConfig(data=str(tmp_path)))
    assert found.class_names == ("a", "b", "c")
    assert found.images[:, 0, 0, 0].tolist() == [50, 0, 100] and found.labels.tolist() == [0, 1, 2]
    assert load_images(DataConfig(data=str(tmp_path), classes="c,a")).labels.tolist() == [0, 1]


def test_channels_last_files_become_contiguous_nchw(tmp_path):
    path = str(tmp_path / "set.npz")
    np.savez(path, images=np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8))
    found = load_images(DataConfig(data=path))
    assert found.images.shape == (2, 3, 4, 4) and found.images.is_contiguous()
    assert found.labels is None and found.class_names == ()


def test_a_missing_class_is_a_data_error(tmp_path):
    with refused("no class", "classes"):
        load_images(DataConfig(classes="10"), "test")


def test_loaded_images_may_be_written_to_without_a_trace():
    first = load_images(DataConfig(classes="0"), "test")
    first.images.zero_()
    assert load_images(DataConfig(classes="0"), "test").images.max() == 255


# What is held out of one's own data.


def own(tmp_path: Path, counts: dict[str, int]) -> str:
    """An archive with so many images of each class."""
    labels = np.concatenate([np.full(count, int(name)) for name, count in counts.items()])
    np.random.default_rng(1).shuffle(labels)
    np.savez(
        tmp_path / "own.npz",
        images=np.random.default_rng(0).integers(0, 256, (len(labels), 8, 8), np.uint8),
        labels=labels,
    )
    return str(tmp_path / "own.npz")


@pytest.mark.parametrize(
    "counts",
    [
        {"0": 1997, "1": 1, "2": 1, "3": 1},
        {"0": 500, "1": 500},
        {"0": 3000, "1": 7, "2": 40},
        {"-1": 900, "5": 99, "12": 2},
        {str(name): 21 for name in range(100)},
    ],
)
@pytest.mark.parametrize("validation", [300, 5000, 0.25])
def test_every_class_gives_its_part_to_what_is_held_out(
    counts: dict[str, int], validation: float, tmp_path: Path
) -> None:
    config = DataConfig(data=own(tmp_path, counts), validation=validation, test=0)
    training, held_out = load_images(config, "train"), load_images(config, "validation")
    assert training.class_names == held_out.class_names
    share = len(held_out) / (len(training) + len(held_out))
    for name, left, out in zip(training.class_names, training.class_counts(), held_out.class_counts(), strict=True):
        assert left + out == counts[name] and left >= 1
        assert abs(out - share * counts[name]) <= 1 + share
    again = load_images(config, "validation")
    assert torch.equal(again.images, held_out.images) and torch.equal(again.labels, held_out.labels)


def test_a_random_draw_can_be_asked_for(tmp_path: Path) -> None:
    data = own(tmp_path, {"0": 1997, "1": 1, "2": 1, "3": 1})
    random = load_images(DataConfig(data=data, validation=400, validation_split="random"), "validation")
    stratified = load_images(DataConfig(data=data, validation=400, test=0), "validation")
    assert len(random) == len(stratified) == 400
    assert stratified.class_counts() == (400, 0, 0, 0)


def test_packaged_data_is_held_out_as_ever() -> None:
    """The runs that were published held these images out."""
    left = load_images(DataConfig(validation=5000))
    assert left.digest() == load_images(DataConfig(validation=5000, validation_split="random")).digest()
    assert left.class_counts() != load_images(DataConfig(validation=5000, validation_split="stratified")).class_counts()
