"""What every generator and discriminator must do. A new one is found here through its dict."""

import itertools
import math
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from pocketgan.base.errors import ConfigError
from pocketgan.config.recipes import PARAMETERS, RECIPES
from pocketgan.config.sections import Activation, NetworkConfig, RunConfig
from pocketgan.networks import (
    DISCRIMINATORS,
    GENERATORS,
    Dropout,
    ImageShape,
    build_discriminator,
    build_generator,
)

LATENT = 6
TINY = {"latent_dim": LATENT, "hidden_dim": 8, "depth": 2}
COMPLETE = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
SHAPES = [ImageShape(c, s, k) for c, s, k in itertools.product((1, 3), (28, 32), (0, 10))]
GENERATOR_CASES = [
    pytest.param(name, shape, id=f"{name}-{shape.channels}x{shape.size}-{shape.classes}")
    for name, shape in itertools.product(GENERATORS, SHAPES)
    if not (GENERATORS[name].reads_images and shape.classes)
]
DISCRIMINATOR_CASES = [
    pytest.param(name, shape, id=f"{name}-{shape.channels}x{shape.size}-{shape.classes}")
    for name, shape in itertools.product(DISCRIMINATORS, SHAPES)
]
CONDITIONAL_GENERATORS = [name for name in GENERATORS if not GENERATORS[name].reads_images]
SMALL = ImageShape(1, 8)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def generator_of(
    name: str, shape: ImageShape = SMALL, pixels: str = "signed", seed: int = 0, **fields: object
) -> nn.Module:
    return build_generator(NetworkConfig(generator=name, **(TINY | fields)), shape, pixels, seed)


def discriminator_of(name: str, shape: ImageShape = SMALL, seed: int = 0, **fields: object) -> nn.Module:
    return build_discriminator(NetworkConfig(discriminator=name, **(TINY | fields)), shape, seed)


def images_of(shape: ImageShape, count: int) -> Tensor:
    return torch.rand(count, shape.channels, shape.size, shape.size, generator=seeded(1)) * 2 - 1


def inputs_of(network: nn.Module, shape: ImageShape, count: int) -> Tensor:
    return images_of(shape, count) if network.reads_images else torch.randn(count, LATENT, generator=seeded(1))


def labels_of(shape: ImageShape, count: int) -> Tensor | None:
    return torch.arange(count) % shape.classes if shape.classes else None


def shapes_of(network: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in network.parameters()]


def same_weights(left: nn.Module, right: nn.Module) -> bool:
    ours, theirs = left.state_dict(), right.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def weight_layers(network: nn.Module) -> int:
    return sum(isinstance(module, COMPLETE) for module in network.modules())


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def every_network() -> list[object]:
    made = [pytest.param(generator_of, name, id=f"generator-{name}") for name in GENERATORS]
    return made + [pytest.param(discriminator_of, name, id=f"discriminator-{name}") for name in DISCRIMINATORS]


@pytest.mark.parametrize(("name", "shape"), GENERATOR_CASES)
def test_generator_makes_images_of_the_shape_asked_for(name: str, shape: ImageShape) -> None:
    network = generator_of(name, shape)
    made = network(inputs_of(network, shape, 3), labels_of(shape, 3))
    assert made.shape == (3, shape.channels, shape.size, shape.size)
    assert made.dtype == torch.float32


@pytest.mark.parametrize(("name", "shape"), DISCRIMINATOR_CASES)
def test_discriminator_gives_one_raw_logit_an_image(name: str, shape: ImageShape) -> None:
    network = discriminator_of(name, shape)
    logits = network(images_of(shape, 3), labels_of(shape, 3))
    assert logits.shape == (3,)
    assert logits.dtype == torch.float32
    assert not isinstance(list(network.modules())[-1], nn.Sigmoid)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminators_logits_are_not_bounded(name: str) -> None:
    network = discriminator_of(name).eval()
    logits = network(1e4 * images_of(SMALL, 16))
    assert logits.abs().max() > 10


@pytest.mark.parametrize("name", GENERATORS)
def test_generator_is_bounded_by_the_pixels_range(name: str) -> None:
    for pixels, lowest in (("signed", -1.0), ("unit", 0.0)):
        network = generator_of(name, pixels=pixels)
        made = network(100 * inputs_of(network, SMALL, 16))
        assert lowest <= made.min() < lowest + 0.5
        assert 0.5 < made.max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in GENERATORS if name != "translator"])
def test_signed_ends_in_tanh_and_unit_in_a_sigmoid_of_the_same_numbers(name: str) -> None:
    """Not so `translator`: the pixels that it reads have the range of those that it makes."""
    signed, unit = (generator_of(name, pixels=pixels).eval() for pixels in ("signed", "unit"))
    inputs = inputs_of(signed, SMALL, 4)
    torch.testing.assert_close(signed(inputs).atanh(), unit(inputs).logit(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", GENERATORS)
def test_config_knows_which_generator_reads_images(name: str) -> None:
    config = RunConfig(recipe="tiny", network=NetworkConfig(generator=name))
    assert config.reads_images == GENERATORS[name].reads_images


@pytest.mark.parametrize(("name", "shape"), GENERATOR_CASES)
def test_gradients_reach_every_parameter_of_the_generator(name: str, shape: ImageShape) -> None:
    network = generator_of(name, shape)
    made = network(inputs_of(network, shape, 20), labels_of(shape, 20))
    (made * torch.randn(made.shape, generator=seeded(2))).sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize(("name", "shape"), DISCRIMINATOR_CASES)
def test_gradients_reach_every_parameter_of_the_discriminator_and_its_images(name: str, shape: ImageShape) -> None:
    network = discriminator_of(name, shape)
    images = images_of(shape, 20).requires_grad_()
    logits = network(images, labels_of(shape, 20))
    (logits * torch.randn(logits.shape, generator=seeded(2))).sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key
    assert (images.grad.flatten(1).abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize(("make", "name"), every_network())
@pytest.mark.parametrize("weight_init", ["torch", "glorot", "dcgan"])
def test_seed_alone_decides_the_first_weights(make: object, name: str, weight_init: str) -> None:
    first = make(name, seed=3, weight_init=weight_init)
    torch.rand(17)
    assert same_weights(first, make(name, seed=3, weight_init=weight_init))
    assert not same_weights(first, make(name, seed=4, weight_init=weight_init))


@pytest.mark.parametrize("name", sorted(set(GENERATORS) & set(DISCRIMINATORS)))
def test_generator_and_discriminator_draw_independent_weights(name: str) -> None:
    ours = generator_of(name).state_dict()
    theirs = discriminator_of(name).state_dict()
    flat = [torch.cat([t.flatten() for k, t in d.items() if k.endswith("weight")])[:50] for d in (ours, theirs)]
    assert not torch.allclose(flat[0] / flat[0].std(), flat[1] / flat[1].std(), atol=0.1)


@pytest.mark.parametrize(("make", "name"), every_network())
def test_building_leaves_the_global_random_state_alone(make: object, name: str) -> None:
    before = torch.get_rng_state()
    make(name, weight_init="dcgan")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("make", "name"), every_network())
def test_a_pass_in_evaluation_draws_no_random_numbers_and_ignores_the_rest_of_the_batch(
    make: object, name: str
) -> None:
    network = make(name, dropout=0.5).eval()
    inputs = images_of(SMALL, 5) if make is discriminator_of else inputs_of(network, SMALL, 5)
    before = torch.get_rng_state()
    together = network(inputs)
    assert torch.equal(before, torch.get_rng_state())
    torch.testing.assert_close(together, torch.cat([network(inputs[i : i + 1]) for i in range(5)]))


@pytest.mark.parametrize(("make", "name"), every_network())
def test_depth_adds_layers(make: object, name: str) -> None:
    layers = [weight_layers(make(name, depth=depth)) for depth in (1, 2, 3)]
    assert layers[0] < layers[1] < layers[2]


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminator_depth_overrides_depth_and_leaves_the_generator(name: str) -> None:
    deeper = discriminator_of(name, depth=1, discriminator_depth=3)
    assert shapes_of(deeper) == shapes_of(discriminator_of(name, depth=3))
    for generator in GENERATORS:
        assert shapes_of(generator_of(generator, discriminator_depth=3)) == shapes_of(generator_of(generator))


@pytest.mark.parametrize(("make", "name"), every_network())
def test_width_multiplies_every_hidden_width(make: object, name: str) -> None:
    assert shapes_of(make(name, width=2)) == shapes_of(make(name, hidden_dim=16))
    assert shapes_of(make(name, width=0.5)) == shapes_of(make(name, hidden_dim=4))
    assert count(make(name, width=0.5)) < count(make(name)) < count(make(name, width=2))


@pytest.mark.parametrize(("make", "name"), every_network())
def test_the_least_width_still_runs(make: object, name: str) -> None:
    network = make(name, width=1e-3, depth=5)
    network(images_of(SMALL, 2) if make is discriminator_of else inputs_of(network, SMALL, 2))


def hidden_activations(network: nn.Module) -> set[type[nn.Module]]:
    return {type(module) for module in network.modules() if isinstance(module, tuple(ACTIVATIONS.values()))}


def test_every_activation_of_the_config_is_tested_here() -> None:
    assert set(get_args(Activation)) == set(ACTIVATIONS)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", GENERATORS)
def test_activation_is_the_one_in_the_generators_hidden_layers(name: str, activation: str) -> None:
    network = generator_of(name, pixels="unit", activation=activation, discriminator_activation="relu")
    assert hidden_activations(network) == {ACTIVATIONS[activation]}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_activation_is_the_discriminators_too_unless_it_has_its_own(name: str, activation: str) -> None:
    assert hidden_activations(discriminator_of(name, activation=activation)) == {ACTIVATIONS[activation]}
    own = discriminator_of(name, activation="relu", discriminator_activation=activation)
    assert hidden_activations(own) == {ACTIVATIONS[activation]}


@pytest.mark.parametrize(("make", "name"), every_network())
def test_negative_slope_is_leaky_relus(make: object, name: str) -> None:
    network = make(name, activation="leaky_relu", negative_slope=0.01)
    assert {m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)} == {0.01}


@pytest.mark.parametrize("name", CONDITIONAL_GENERATORS)
def test_labels_change_what_a_conditional_generator_makes(name: str) -> None:
    network = generator_of(name, ImageShape(1, 8, 10)).eval()
    z = torch.randn(4, LATENT, generator=seeded(1))
    zeros, ones = network(z, torch.zeros(4, dtype=torch.int64)), network(z, torch.ones(4, dtype=torch.int64))
    assert (zeros != ones).flatten(1).any(dim=1).all()
    mixed = network(z, torch.tensor([0, 1, 0, 1]))
    torch.testing.assert_close(mixed[::2], zeros[::2])
    torch.testing.assert_close(mixed[1::2], ones[1::2])


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_labels_change_what_a_conditional_discriminator_says(name: str) -> None:
    network = discriminator_of(name, ImageShape(1, 8, 10)).eval()
    images = images_of(SMALL, 4)
    zeros, ones = network(images, torch.zeros(4, dtype=torch.int64)), network(images, torch.ones(4, dtype=torch.int64))
    assert (zeros != ones).all()
    both = network(images, torch.tensor([[0, 1]] * 4))
    torch.testing.assert_close(both, torch.stack([zeros, ones], dim=1))


@pytest.mark.parametrize(("make", "name"), every_network())
def test_an_unconditional_network_takes_no_notice_of_labels(make: object, name: str) -> None:
    network = make(name).eval()
    inputs = images_of(SMALL, 3) if make is discriminator_of else inputs_of(network, SMALL, 3)
    assert torch.equal(network(inputs), network(inputs, torch.arange(3)))


@pytest.mark.parametrize("name", ["dcgan", "pocket"])
@pytest.mark.parametrize("size", [27, 30])
def test_convolutions_refuse_a_side_that_is_no_multiple_of_four(name: str, size: int) -> None:
    for make in (generator_of, discriminator_of):
        with pytest.raises(ConfigError) as caught:
            make(name, ImageShape(1, size))
        assert caught.value.key == "side of network"
        near = {27: "--size 24 or --size 28", 30: "--size 28 or --size 32"}[size]
        assert caught.value.parts == {"architecture": name, "size": f"{size}×{size}", "sides": near}


@pytest.mark.parametrize("name", ["dcgan", "pocket"])
def test_the_refusal_names_the_field_that_is_wrong(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^generator: "):
        generator_of(name, ImageShape(1, 30))
    with pytest.raises(ConfigError, match=r"^discriminator: "):
        discriminator_of(name, ImageShape(1, 30))


@pytest.mark.parametrize("size", [27, 30])
def test_dense_networks_take_any_side(size: int) -> None:
    shape = ImageShape(1, size)
    for name in ("mlp", "autoencoder"):
        network = generator_of(name, shape)
        assert network(inputs_of(network, shape, 2)).shape == (2, 1, size, size)
    assert discriminator_of("mlp", shape)(images_of(shape, 2)).shape == (2,)


DESIGN = {
    "white-background": (1_153_712, 533_505),
    "minimal": (227_344, 201_217),
    "comparison": (114_064, 100_609),
}


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_have_as_many_parameters_as_they_say(name: str) -> None:
    config = RECIPES[name]()
    channels = 3 if config.data.data == "stacked-mnist" else 1
    shape = ImageShape(channels, 28, 10 if config.network.conditional else 0)
    generator = build_generator(config.network, shape, config.data.pixel_range, 0)
    judged = count(build_discriminator(config.network, shape, 0)) if config.has_discriminator else 0
    assert (count(generator), judged) == PARAMETERS[name]
    assert DESIGN.get(name, PARAMETERS[name]) == PARAMETERS[name]


def test_white_background_has_the_combined_count_of_its_source() -> None:
    assert PARAMETERS.keys() == RECIPES.keys()
    assert sum(PARAMETERS["white-background"]) == 1_687_217


def test_mlp_has_the_layers_of_its_source() -> None:
    config = RECIPES["mlp"]()
    generator = build_generator(config.network, ImageShape(1, 28), config.data.pixel_range, 0)
    discriminator = build_discriminator(config.network, ImageShape(1, 28), 0)
    widths = [[m.out_features for m in n.modules() if isinstance(m, nn.Linear)] for n in (generator, discriminator)]
    assert widths == [[256, 512, 1024, 784], [512, 256, 1]]
    assert hidden_activations(discriminator) == {nn.LeakyReLU}
    assert hidden_activations(generator) == {nn.ReLU, nn.Tanh}


def test_white_background_narrows_to_32_with_dropout_everywhere_else() -> None:
    config = RECIPES["white-background"]()
    generator = build_generator(config.network, ImageShape(1, 28), config.data.pixel_range, 0)
    layers = [m for m in generator.modules() if isinstance(m, nn.Linear | Dropout)]
    kinds = [m.out_features if isinstance(m, nn.Linear) else m.p for m in layers]
    before = [512, 0.3, 256, 0.3, 128, 0.3, 64, 0.3]
    after = [64, 0.3, 128, 0.3, 256, 0.3, 512, 0.3, 784]
    assert kinds == [*before, 32, *after]


@pytest.mark.parametrize(("make", "name"), every_network())
def test_glorot_is_uniform_within_its_bound_and_biases_are_zero(make: object, name: str) -> None:
    for module in make(name, hidden_dim=16, weight_init="glorot").modules():
        if isinstance(module, COMPLETE):
            fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(module.weight)
            bound = math.sqrt(6 / (fan_in + fan_out))
            assert module.weight.abs().max() <= bound
            assert module.bias is None or not module.bias.any()
            if module.weight.numel() > 100:
                assert module.weight.abs().max() > 0.9 * bound
                assert module.weight.abs().mean().item() == pytest.approx(bound / 2, rel=0.2)


@pytest.mark.parametrize(("make", "name"), every_network())
def test_dcgan_initialisation_is_normal_with_deviation_002(make: object, name: str) -> None:
    for module in make(name, hidden_dim=16, weight_init="dcgan").modules():
        if isinstance(module, COMPLETE) and module.weight.numel() > 1000:
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.1)
        if isinstance(module, COMPLETE):
            assert module.bias is None or not module.bias.any()
        if isinstance(module, nn.BatchNorm2d):
            assert module.weight.mean().item() == pytest.approx(1, abs=0.03)


def test_dropout_keeps_the_mean_scales_what_it_keeps_and_draws_from_its_own_generator() -> None:
    layer = Dropout(0.25)
    x = torch.ones(200, 100)
    before = torch.get_rng_state()
    layer.generator = seeded(5)
    first = layer(x)
    layer.generator = seeded(5)
    assert torch.equal(first, layer(x))
    assert torch.equal(before, torch.get_rng_state())
    assert first.unique().tolist() == pytest.approx([0, 4 / 3])
    assert first.mean().item() == pytest.approx(1, abs=0.02)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
