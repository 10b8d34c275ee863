"""Images out of a generator: the same for the same seed, whatever the batches."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pocketgan.base.errors import UserError
from pocketgan.cli.main import main
from pocketgan.images.grids import Images
from pocketgan.images.sets import to_network, to_uint8
from pocketgan.images.translation import Translation
from pocketgan.networks import ImageShape, build_generator
from pocketgan.runs.latents import truncated
from pocketgan.runs.run import Run
from pocketgan.runs.sampling import (
    BATCH,
    draw_classes,
    generate_images,
    redraw_images,
    run_generator,
    sample_latents,
    side_by_side,
)


def generator_of(config: object, classes: int = 0) -> nn.Module:
    return build_generator(config.network, ImageShape(1, 8, classes), config.data.pixel_range, config.seed)


@pytest.fixture
def conditional(tiny_config: object) -> object:
    return tiny_config("pocket", hidden_dim=4)


def noise_images(count: int) -> Tensor:
    random = torch.Generator().manual_seed(2)
    return torch.randint(256, (count, 1, 8, 8), generator=random, dtype=torch.uint8)


def test_latents_are_standard_normal_and_decided_by_their_seed(tiny_config: object) -> None:
    config = tiny_config(latent_dim=100)
    latents = sample_latents(config, 200, 5)
    assert latents.shape == (200, 100)
    assert latents.dtype == torch.float32
    assert latents.mean().item() == pytest.approx(0, abs=0.03)
    assert latents.std().item() == pytest.approx(1, abs=0.03)
    assert torch.equal(latents, sample_latents(config, 200, 5))
    assert not torch.equal(latents, sample_latents(config, 200, 6))


def test_latents_are_independent_of_the_runs_seed_and_the_global_one(tiny_config: object) -> None:
    before = torch.get_rng_state()
    latents = sample_latents(tiny_config(seed=1), 3, 5)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(latents, sample_latents(tiny_config(seed=2), 3, 5))


@pytest.mark.parametrize("recipe", ["minimal", "dcgan"])
@pytest.mark.parametrize("count", [1, 7])
def test_generated_images_are_uint8_as_many_as_asked_for(tiny_config: object, recipe: str, count: int) -> None:
    config = tiny_config(recipe)
    made = generate_images(generator_of(config), config, 0, count=count, seed=0)
    assert len(made) == count
    assert made.images.shape == (count, 1, 8, 8)
    assert made.images.dtype == np.uint8
    assert made.labels is None


@pytest.mark.parametrize("recipe", ["minimal", "dcgan"])
def test_the_seed_decides_the_images(tiny_config: object, recipe: str) -> None:
    config = tiny_config(recipe)
    network = generator_of(config)
    first = generate_images(network, config, 0, count=9, seed=1)
    torch.rand(5)
    assert np.array_equal(first.images, generate_images(network, config, 0, count=9, seed=1).images)
    assert not np.array_equal(first.images, generate_images(network, config, 0, count=9, seed=2).images)
    assert len(np.unique(first.images.reshape(9, -1), axis=0)) == 9


def test_images_are_what_the_network_makes_of_the_latents(tiny_config: object) -> None:
    for pixels in ("signed", "unit"):
        config = tiny_config(pixel_range=pixels)
        network = generator_of(config)
        with torch.no_grad():
            expected = to_uint8(network(sample_latents(config, 6, 3)), pixels)
        assert np.array_equal(generate_images(network, config, 0, count=6, seed=3).images, expected.numpy())


@pytest.mark.parametrize("classes", [3, 10])
@pytest.mark.parametrize("count", [1, 7, 25])
def test_labels_go_through_the_classes_in_turn(conditional: object, classes: int, count: int) -> None:
    made = generate_images(generator_of(conditional, classes), conditional, classes, count=count, seed=0)
    assert made.labels.tolist() == [index % classes for index in range(count)]


def test_a_single_label_is_that_of_all_images(conditional: object) -> None:
    network = generator_of(conditional, 10)
    made = {label: generate_images(network, conditional, 10, count=4, seed=0, label=label) for label in (0, 3)}
    assert made[3].labels.tolist() == [3] * 4
    assert made[0].labels.tolist() == [0] * 4
    assert not np.array_equal(made[0].images, made[3].images)
    in_turn = generate_images(network, conditional, 10, count=4, seed=0)
    assert np.array_equal(in_turn.images[0], made[0].images[0])
    assert np.array_equal(in_turn.images[3], made[3].images[3])


def test_classes_are_drawn_as_often_as_training_images_have_them(conditional: object) -> None:
    trained = (70, 25, 5)
    drawn = draw_classes(trained, 20_000, 0)
    shares = torch.bincount(drawn, minlength=3) / 20_000
    assert shares.tolist() == pytest.approx([0.7, 0.25, 0.05], abs=0.012)
    assert torch.equal(drawn, draw_classes(trained, 20_000, 0))
    assert not torch.equal(drawn, draw_classes(trained, 20_000, 1))
    made = generate_images(generator_of(conditional, 3), conditional, 3, count=40, seed=0, class_counts=trained)
    assert made.labels.tolist() == draw_classes(trained, 40, 0).tolist()
    assert made.columns is None


def test_columns_are_the_classes_where_they_go_in_turn(conditional: object) -> None:
    def columns(classes: int, **asked: int) -> int | None:
        return generate_images(generator_of(conditional, classes), conditional, classes, seed=0, **asked).columns

    assert columns(10, count=20) == 10
    assert columns(4, count=4) == 4
    assert columns(10, count=9) is None
    assert columns(3, count=20) is None
    assert columns(21, count=42) is None
    assert columns(10, count=20, label=1) is None


def test_batches_join_without_a_seam(conditional: object) -> None:
    network, count = generator_of(conditional, 10), 2 * BATCH + 10
    latents, labels = sample_latents(conditional, count, 0), torch.arange(count) % 10
    whole = run_generator(network, latents, labels, conditional)
    assert whole.shape == (count, 1, 8, 8)
    for start in range(0, count, BATCH):
        piece = slice(start, start + BATCH)
        assert torch.equal(whole[piece], run_generator(network, latents[piece], labels[piece], conditional))
    made = generate_images(network, conditional, 10, count=count, seed=0)
    assert np.array_equal(made.images, whole.numpy())


def test_an_image_does_not_depend_on_the_others_of_its_batch(conditional: object) -> None:
    network = generator_of(conditional, 10).train()
    latents, labels = sample_latents(conditional, 20, 0), torch.arange(20) % 10
    whole = run_generator(network, latents, labels, conditional)
    alone = run_generator(network, latents[3:4], labels[3:4], conditional)
    assert (whole[3:4].int() - alone.int()).abs().max() <= 1


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(conditional: object, training: bool) -> None:
    network = generator_of(conditional, 10).train(training)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    generate_images(network, conditional, 10, count=5, seed=0)
    assert all(module.training == training for module in network.modules())
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())


def test_images_of_a_training_network_are_those_of_a_finished_one(conditional: object) -> None:
    network = generator_of(conditional, 10)
    made = [generate_images(network.train(mode), conditional, 10, count=5, seed=0).images for mode in (True, False)]
    assert np.array_equal(*made)


def test_generating_leaves_the_global_random_state_alone(tiny_config: object) -> None:
    config = tiny_config()
    network = generator_of(config)
    before = torch.get_rng_state()
    generate_images(network, config, 0, count=5, seed=0)
    assert torch.equal(before, torch.get_rng_state())


def test_redrawn_images_are_the_networks_without_dropout(tiny_config: object) -> None:
    config = tiny_config("white-background", dropout=0.5)
    network = generator_of(config).train()
    images = noise_images(6)
    kept = images.clone()
    redrawn = redraw_images(network, config, images)
    assert network.training
    assert torch.equal(images, kept)
    assert redrawn.dtype == torch.uint8
    with torch.no_grad():
        expected = to_uint8(network.eval()(to_network(images, "unit")), "unit")
    assert torch.equal(redrawn, expected)
    assert torch.equal(redrawn, redraw_images(network, config, images))
    assert torch.equal(redrawn[:2], redraw_images(network, config, images[:2]))


@pytest.mark.parametrize(("count", "columns"), [(1, 2), (3, 6), (8, 16), (20, 16)])
def test_side_by_side_puts_each_input_left_of_its_output(count: int, columns: int) -> None:
    inputs = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(count, 1, 2, 2)
    pairs = side_by_side(inputs, inputs + 100)
    assert pairs.images.shape == (2 * count, 1, 2, 2)
    expected = [value for index in range(count) for value in (index, index + 100)]
    assert pairs.images[:, 0, 0, 0].tolist() == expected
    assert pairs.columns == columns


def test_a_translation_shows_its_pairs_and_is_saved(tmp_path: Path) -> None:
    inputs = noise_images(3)
    pairs = side_by_side(inputs, 255 - inputs)
    result = Translation(pairs, Images(inputs.numpy()), Images((255 - inputs).numpy()))
    assert len(result) == 3 and repr(result) == "Translation(3 of 1×8×8)"
    assert result._repr_png_() == pairs._repr_png_()
    assert result.save(tmp_path / "out") == tmp_path / "out" / "side_by_side.png"
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"input_0000.png", "output_0002.png"}


# Latents, a class for each image, truncation.


def refusal(call: Callable[[], object]) -> tuple[str | None, str | None]:
    with pytest.raises(UserError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return caught.value.field, caught.value.key


@pytest.fixture(scope="module")
def told(small_runs: Path) -> Run:
    return Run.open(small_runs / "told")


def test_the_same_latents_give_the_same_images(told: Run) -> None:
    images = told.generate(6, seed=3)
    assert images.latents is not None and images.latents.shape == (6, told.config.network.latent_dim)
    assert np.array_equal(told.generate(latents=images.latents), images)
    assert np.array_equal(told.generate(latents=torch.tensor(images.latents)), np.asarray(images))
    assert np.array_equal(images[2:4].latents, images.latents[2:4])
    assert all(np.array_equal(one, images[place]) for place, one in enumerate(images))


def test_each_image_can_have_a_class_of_its_own(told: Run) -> None:
    names = told.facts.class_names
    chosen = [names[-1], int(names[0]), names[-1]]
    images = told.generate(label=chosen)
    assert images.names == (names[-1], names[0], names[-1])
    assert np.array_equal(images[0], told.generate(3, label=names[-1])[0])
    assert np.array_equal(told.generate(label=np.array(images.labels)), images)
    assert np.array_equal(told.generate(3, label=torch.tensor(images.labels)), images)


def test_truncation_keeps_latents_near_zero_and_their_order(told: Run) -> None:
    free, cut = (told.generate(200, truncation=value).latents for value in (None, 0.7))
    assert free is not None and cut is not None
    assert np.abs(free).max() > 2 and np.abs(cut).max() <= 0.7
    assert np.all(np.diff(cut.ravel()[np.argsort(free, axis=None)]) >= 0)
    assert np.allclose(truncated(torch.tensor(free), 30.0), free, atol=1e-4)
    exact = 1 - 2 * 0.7 * np.exp(-0.245) / np.sqrt(2 * np.pi) / math.erf(0.7 / np.sqrt(2))
    assert cut.var() == pytest.approx(exact, rel=0.05), "the variance of the truncated normal distribution"


def test_what_cannot_be_generated_is_refused_in_one_line(told: Run) -> None:
    size = told.config.network.latent_dim
    z = np.zeros((3, size))
    for wrong in (z[0], z[:, 1:], z[:0], [["a"] * size], z.astype(complex)):
        assert refusal(lambda wrong=wrong: told.generate(latents=wrong)) == ("latents", "latents shape")
    assert refusal(lambda: told.generate(latents=z + np.nan)) == ("latents", "latents not finite")
    assert refusal(lambda: told.generate(4, latents=z)) == ("latents", "one for each image")
    assert refusal(lambda: told.generate(latents=z, label=["8"])) == ("label", "one for each image")
    assert refusal(lambda: told.generate(latents=z, truncation=1)) == ("truncation", "truncated latents")
    assert refusal(lambda: told.generate(truncation=0)) == ("truncation", "truncation above zero")
    assert refusal(lambda: told.generate(label=["none such"])) == ("label", "no such label")


def test_latents_come_from_files_on_the_command_line(
    told: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = told.generate(3, seed=5)
    assert expected.latents is not None
    np.save(tmp_path / "z.npy", expected.latents)
    np.savez(tmp_path / "z.npz", latents=expected.latents, images=expected.images)
    np.savez(tmp_path / "other.npz", images=expected.images)
    (tmp_path / "text.npy").write_text("no array")
    for name in ("z.npy", "z.npz"):
        out = str(tmp_path / "made.npz")
        assert main(["generate", str(told.folder), "--latents", str(tmp_path / name), "--out", out]) == 0
        assert np.array_equal(np.load(out)["images"], expected)
    assert main(["generate", str(told.folder), "--truncation", "0.5", "--out", str(tmp_path / "cut.npz")]) == 0
    assert len(np.load(tmp_path / "cut.npz")["images"]) == 64
    capsys.readouterr()
    for name in ("other.npz", "text.npy", "gone.npy"):
        assert main(["generate", str(told.folder), "--latents", str(tmp_path / name)]) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: --latents: ") and err.count("\n") == 1
