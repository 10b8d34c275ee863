"""A generator as an ONNX file: every recipe draws in onnxruntime what it draws in PyTorch."""

import sys
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from pocketgan.base.errors import ExportFailed
from pocketgan.config.recipes import RECIPES
from pocketgan.config.sections import RunConfig
from pocketgan.exports.onnx import OPSET, TOLERANCE, check_onnx, onnx_file, random_inputs
from pocketgan.images.sets import to_levels, to_network, to_uint8
from pocketgan.networks import build_generator
from pocketgan.runs.records import DataFacts
from pocketgan.runs.weights import image_shape
from refusals import refused

SHAPES = {
    "pocket": (12, 3, True),
    "mlp": (10, 3, False),
    "dcgan": (16, 1, True),
    "white-background": (9, 3, False),
    "minimal": (28, 1, True),
    "comparison": (8, 1, False),
    "stacked": (12, 1, True),
    "translator": (16, 3, False),
    "class-translator": (16, 3, True),
    "drifting": (20, 3, True),
}
"""The size, channels and conditioning that a recipe is exported with here: each differs from its usual ones."""

Made = tuple[bytes, nn.Module, RunConfig, DataFacts]


def facts_of(size: int, channels: int) -> DataFacts:
    return DataFacts(source="tiny", images=9, channels=channels, size=size, class_names=("a", "b", "c"), digest="")


def network_of(config: RunConfig, facts: DataFacts) -> nn.Module:
    """A generator whose BatchNorm has statistics as after training, and whose images are black, grey and white."""
    network = build_generator(
        config.network, image_shape(facts, config.network.conditional), config.data.pixel_range, 3
    )
    random = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(generator=random)
            module.running_var.uniform_(0.5, 2.0, generator=random)
    last_weight = list(network.parameters())[-2]
    last_weight.data.mul_(30)
    return network.eval()


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=() if name == "pocket" else pytest.mark.slow) for name in RECIPES],
)
def made(request: pytest.FixtureRequest, tiny_config: Callable[..., RunConfig]) -> Made:
    size, channels, conditional = SHAPES[request.param]
    config = tiny_config(request.param, conditional=conditional)
    facts = facts_of(size, channels)
    network = network_of(config, facts)
    return onnx_file(network, config, facts), network, config, facts


def run_both(made: Made, count: int) -> tuple[dict[str, np.ndarray], torch.Tensor]:
    """Returns what onnxruntime makes of `count` random inputs, and the network's own output."""
    content, network, config, facts = made
    given = random_inputs(config, facts, count)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [found.name for found in session.get_inputs()]
    found = session.run(["images", "values"], {n: t.numpy() for n, t in zip(names, given, strict=True)})
    with torch.no_grad():
        read = to_network(given[0], config.data.pixel_range) if config.reads_images else given[0]
        expected = network(read, given[1] if len(given) == 2 else None)
    return dict(zip(("images", "values"), found, strict=True)), expected


@pytest.mark.parametrize("count", [1, 3, 64])
def test_every_recipe_draws_what_pytorch_draws(made: Made, count: int) -> None:
    found, drawn = run_both(made, count)
    pixels = made[2].data.pixel_range
    levels = to_levels(drawn, pixels).numpy()
    assert found["values"].dtype == np.float32
    assert found["images"].dtype == np.uint8
    assert found["values"].shape == found["images"].shape == tuple(drawn.shape)
    assert levels.std() > 5, "there is something to compare"
    difference = np.abs(found["values"] - levels / 255).max()
    assert difference <= TOLERANCE
    images = to_uint8(drawn, pixels).numpy()
    clear = np.abs(levels - np.floor(levels) - 0.5) > 255 * difference + 1e-4  # not on a border between two greys
    assert clear.mean() > 0.9
    assert np.array_equal(found["images"][clear], images[clear])
    assert np.abs(found["images"].astype(int) - images).max() <= 1


def test_the_file_says_what_it_takes(made: Made) -> None:
    content, _, config, facts = made
    proto = onnx.load_from_string(content)
    onnx.checker.check_model(proto, full_check=True)
    assert [(found.domain, found.version) for found in proto.opset_import] == [("", OPSET)]
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    shape = [facts.channels, facts.size, facts.size]
    takes = {found.name: (found.type, found.shape[1:]) for found in session.get_inputs()}
    expected: dict[str, tuple[str, list[int]]] = {"latents": ("tensor(float)", [config.network.latent_dim])}
    if config.reads_images:
        expected = {"source": ("tensor(uint8)", shape)}
    if config.network.conditional:
        expected["labels"] = ("tensor(int64)", [])
    assert takes == expected
    gives = {found.name: (found.type, found.shape[1:]) for found in session.get_outputs()}
    assert gives == {"images": ("tensor(uint8)", shape), "values": ("tensor(float)", shape)}
    assert session.get_modelmeta().custom_metadata_map == {"class_names": '["a", "b", "c"]', "recipe": config.recipe}


def test_the_check_passes_the_right_network_and_refuses_others(made: Made) -> None:
    content, network, config, facts = made
    assert check_onnx(content, network, config, facts) <= TOLERANCE
    weights = network.state_dict()
    kept = {name: tensor.clone() for name, tensor in weights.items()}
    try:
        list(network.parameters())[-1].data.add_(0.1)
        with pytest.raises(ExportFailed, match=r"differs from PyTorch by .* at a batch of 1 .*0\.0001") as caught:
            check_onnx(content, network, config, facts)
        assert caught.value.parts["difference"] > TOLERANCE == caught.value.parts["most"]
        list(network.parameters())[-1].data.fill_(float("nan"))
        with pytest.raises(ExportFailed, match="differs from PyTorch by nan"):
            check_onnx(content, network, config, facts)
    finally:
        network.load_state_dict(kept)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_extra_is_named(
    package: str, monkeypatch: pytest.MonkeyPatch, tiny_config: Callable[..., RunConfig]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    facts, config = facts_of(8, 1), tiny_config("minimal")
    with refused("no onnx", "format") as caught:
        onnx_file(network_of(config, facts), config, facts)
    assert caught.value.field == "format"
