"""Export of a generator as an ONNX file, and the check that it generates the same images as PyTorch."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from importlib import import_module
from io import StringIO
from typing import Any

import torch
from torch import Tensor, nn

from pocketgan.base.errors import ExportFailed, ModelError
from pocketgan.config.sections import RunConfig
from pocketgan.images.seeds import derived_seed
from pocketgan.images.sets import Pixels, to_levels, to_network
from pocketgan.runs.records import DataFacts

OPSET = 18
"""The version of ONNX's operators; PyTorch's exporter writes it directly, so no conversion is needed."""
OUTPUTS = ("images", "values")
TOLERANCE = 1e-4
"""Maximum difference of a value from PyTorch's, where 1 is white."""
BATCHES = (1, 3, 64)
"""The batch sizes at which a file is checked."""


class PictureGraph(nn.Module):
    """The computation of the ONNX file: a generator from its public inputs to images.

    Its inputs are latents, float32 (N, latent_dim), or images, uint8 (N, C, S, S), if the generator reads images. A
    conditional generator also has labels, int64 (N,), or conditions, float32 (N, D), if it is told numbers. It returns
    `images`, uint8 (N, C, S, S), equal to the result of `to_uint8`, and `values`, the same before rounding, float32 in
    [0, 1], where 1 is white.
    """

    def __init__(self, network: nn.Module, config: RunConfig) -> None:
        super().__init__()
        self.network = network
        self.reads_images = config.reads_images
        self.pixels: Pixels = config.data.pixel_range

    def forward(self, given: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        read = to_network(given, self.pixels) if self.reads_images else given
        levels = to_levels(self.network(read, labels), self.pixels)
        return levels.round().to(torch.uint8), levels / 255.0


def input_names(config: RunConfig, facts: DataFacts) -> tuple[str, ...]:
    """Returns the names of the file's inputs: `latents` or `source`, and `labels` or `conditions`, if there are any."""
    told = [] if not config.network.conditional else ["conditions"] if facts.condition_names else ["labels"]
    return ("source" if config.reads_images else "latents", *told)


def random_inputs(config: RunConfig, facts: DataFacts, count: int) -> tuple[Tensor, ...]:
    """Returns `count` random inputs of the file, which are the same on every call."""
    generator = torch.Generator().manual_seed(derived_seed(0, "onnx", count))
    if config.reads_images:
        shape = (count, facts.channels, facts.size, facts.size)
        source = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
        if not config.network.conditional:
            return (source,)
        return source, torch.randint(len(facts.class_names), (count,), generator=generator)
    latents = torch.randn(count, config.network.latent_dim, generator=generator)
    if not config.network.conditional:
        return (latents,)
    if facts.condition_names:
        return latents, torch.randn(count, len(facts.condition_names), generator=generator)
    return latents, torch.randint(len(facts.class_names), (count,), generator=generator)


def check_extra() -> None:
    """Checks that the packages for ONNX are installed.

    Raises:
        ModelError: a package is missing; the message says how to install it.
    """
    try:
        for name in ("onnx", "onnxruntime", "onnxscript"):
            import_module(name)
    except ImportError as error:
        raise ModelError("no onnx", field="format", name=error.name) from None


def onnx_file(network: nn.Module, config: RunConfig, facts: DataFacts) -> bytes:
    """Returns a generator as an ONNX file with a variable batch size.

    Args:
        network: the generator, in evaluation mode.
        config: its configuration.
        facts: metadata of its data.

    Raises:
        ModelError: the extra isn't installed.
    """
    check_extra()
    import onnx

    names = input_names(config, facts)
    batch = torch.export.Dim("batch", min=1)
    with quiet():
        program = torch.onnx.export(
            PictureGraph(network, config).eval(),
            random_inputs(config, facts, 2),
            input_names=names,
            output_names=OUTPUTS,
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=tuple({0: batch} for _ in names),
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    forget_machine(proto.graph)
    about = {"class_names": json.dumps(facts.class_names, ensure_ascii=False), "recipe": config.recipe}
    onnx.helper.set_model_props(proto, about)
    return proto.SerializeToString()


def forget_machine(graph: Any) -> None:
    """Removes the exporter's notes from an ONNX graph, since they contain paths of source files on this machine."""
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


@contextmanager
def quiet() -> Iterator[None]:
    """Hides the exporter's warnings and log messages, which are irrelevant to these networks."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


@torch.no_grad()
def check_onnx(content: bytes, network: nn.Module, config: RunConfig, facts: DataFacts) -> float:
    """Compares an ONNX file, run by onnxruntime, with its PyTorch network at several batch sizes.

    Returns:
        The largest difference between their values, where 1 is white.

    Raises:
        ExportFailed: the difference is above `TOLERANCE`, or not a number.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    graph = PictureGraph(network, config).eval()
    differences = []
    for count in BATCHES:
        given = random_inputs(config, facts, count)
        feeds = {name: tensor.numpy() for name, tensor in zip(input_names(config, facts), given, strict=True)}
        (result,) = session.run(["values"], feeds)
        _, expected = graph(*given)
        differences.append((torch.from_numpy(result) - expected).abs().max().item())
        if not differences[-1] <= TOLERANCE:
            difference = float(f"{differences[-1]:.2g}")
            raise ExportFailed("onnx differs", difference=difference, count=count, most=TOLERANCE)
    return max(differences)
