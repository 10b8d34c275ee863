"""The contract of generators and discriminators: what every network must do, as checks that say what to mend."""

import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pocketgan.base.errors import ConfigError, PocketganError
from pocketgan.base.messages import problem
from pocketgan.config import parts
from pocketgan.config.parts import Kind, Value
from pocketgan.config.sections import NetworkConfig
from pocketgan.networks import build_discriminator, build_generator
from pocketgan.networks.bounded import gives_probabilities
from pocketgan.networks.layers import ImageShape
from pocketgan.networks.own import first_line

SHAPES = tuple(ImageShape(channels, size) for channels, size in itertools.product((1, 3), (28, 32)))
COUNTS = (1, 2, 64)
"""Batch sizes at which a network is run."""
TOLERANCE = 1e-4
RIGHT_SHAPE = ("ends in sigmoid", "output not finite", "output outside", "no parameters", "no gradient")
"""Keys of problems that a network can only have after its shapes have turned out right, so that its kind is clear."""
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
"""What colors a text in a terminal."""


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes:
        name: what was checked.
        problem: what is wrong, and what to mend; empty if nothing is.
        note: a remark that is no problem, such as a size that the network isn't made for.
        key: the key of the problem or remark, if it has one.
    """

    name: str
    problem: str = ""
    note: str = ""
    key: str = ""


Exporter = Callable[[nn.Module, NetworkConfig, ImageShape, str], None]


class Contract:
    """The checks of one class.

    Args:
        kind: `generator` or `discriminator`.
        value: the class.
        options: options of its constructor.
        config: the sizes of the network; by default the package's.
        pixels: the range of the images, `signed` or `unit`.
        exporter: exports a generator to ONNX and raises an error where that fails; by default only the part of it that
            PyTorch does without other packages.
        scores: whether the objective takes scores around [0, 1] from a discriminator, instead of logits.
    """

    def __init__(
        self,
        kind: Kind,
        value: type[nn.Module],
        options: Mapping[str, Value] | None = None,
        config: NetworkConfig | None = None,
        pixels: str = "signed",
        exporter: Exporter | None = None,
        scores: bool = False,
    ) -> None:
        self.kind, self.pixels, self.exporter, self.scores = kind, pixels, exporter, scores
        self.name = parts.hand_over(kind, value)
        typed = parts.typed_options(kind, self.name, options or {})
        self.config = replace_field(config or NetworkConfig(), **{kind: self.name, f"{kind}_options": typed})

    def build(self, shape: ImageShape, seed: int = 0) -> nn.Module:
        """Builds the network for images of a shape."""
        if self.kind == "generator":
            return build_generator(self.config, shape, self.pixels, seed)
        return build_discriminator(self.config, shape, seed, self.pixels)

    def inputs(self, network: nn.Module, shape: ImageShape, count: int) -> tuple[Tensor, Tensor | None]:
        """Returns random inputs of a network: latents or images, and labels if it is conditional."""
        random = torch.Generator().manual_seed(count)
        labels = torch.arange(count) % shape.classes if shape.classes else None
        if self.kind == "generator" and not getattr(network, "reads_images", False):
            return torch.randn(count, self.config.latent_dim, generator=random), labels
        return torch.rand(count, shape.channels, shape.size, shape.size, generator=random), labels

    def run(self) -> Iterator[Check]:
        """Runs all checks; those of shapes first, and the others at the first shape that the network accepts."""
        built: list[tuple[ImageShape, nn.Module]] = []
        problems: dict[ImageShape, PocketganError] = {}
        for shape in SHAPES:
            try:
                built.append((shape, self.build(shape)))
            except PocketganError as error:
                problems[shape] = error
        clear = any(error.key in RIGHT_SHAPE for error in problems.values())
        for shape, error in problems.items():
            name, wrong = f"is built for {described(shape)}", error.key in RIGHT_SHAPE or not (built or clear)
            yield Check(name, *((error.reason, "") if wrong else ("", error.reason)), key=error.key)
        for shape, network in built:
            yield self.checked(f"runs on 1, 2 and 64 images, {described(shape)}", self.shapes, network, shape)
        if not built:
            return
        shape, network = built[0]
        yield self.labels(shape)
        yield self.checked("has a gradient for every parameter", self.gradients, network, shape)
        yield self.checked("gives the same twice in eval()", self.same_twice, network, shape)
        yield self.checked("uses no global random numbers in eval()", self.no_random, network, shape)
        yield self.checked("saves and loads", self.saves, network, shape)
        if self.kind == "discriminator" and not self.scores:
            yield self.checked("returns logits", self.logits, network, shape)
        if self.kind == "generator":
            yield self.checked("exports to ONNX", self.exports, network, shape)

    def checked(self, name: str, check: Callable[[nn.Module, ImageShape], str], *arguments: Any) -> Check:
        """Runs one check; an exception becomes its problem."""
        try:
            return Check(name, check(*arguments))
        except PocketganError as error:
            return Check(name, error.reason)
        except Exception as error:
            return Check(name, ESCAPES.sub("", first_line(error.__cause__ or error)))

    def call(self, network: nn.Module, shape: ImageShape, count: int = 4) -> Tensor:
        """Runs a network on `count` random inputs."""
        return network(*self.inputs(network, shape, count))

    # The checks: each returns what is wrong, or an empty text.

    def shapes(self, network: nn.Module, shape: ImageShape) -> str:
        """Outputs have the right shape at several batch sizes, in training and in evaluation mode."""
        for count in COUNTS:
            expected = (count, shape.channels, shape.size, shape.size) if self.kind == "generator" else (count,)
            for training in (False, *([True] if count > 1 else [])):
                result = self.call(network.train(training), shape, count)
                if result.shape != expected:
                    return f"must return {expected} for {count} inputs (got {tuple(result.shape)})"
                if not result.isfinite().all():
                    return f"returns values that aren't finite for {count} inputs"
        return ""

    def labels(self, shape: ImageShape) -> Check:
        """Whether the network can be class-conditional; that is not required."""
        name = "takes labels"
        try:
            conditional = replace(shape, classes=10)
            network = self.build(conditional).eval()
            return self.checked(name, self.shapes, network, conditional)
        except ConfigError as error:
            return Check(name, note=error.reason)

    def gradients(self, network: nn.Module, shape: ImageShape) -> str:
        """A loss reaches every parameter that requires a gradient."""
        network = network.train()
        self.call(network, shape).square().sum().backward()
        without = [name for name, one in network.named_parameters() if one.requires_grad and one.grad is None]
        network.zero_grad(set_to_none=True)
        if without:
            return f"no gradient reaches {without[0].removeprefix('network.')}; use it in forward, or remove it"
        return ""

    def same_twice(self, network: nn.Module, shape: ImageShape) -> str:
        """The same inputs give the same outputs in evaluation mode."""
        network = network.eval()
        with torch.no_grad():
            if not torch.equal(self.call(network, shape), self.call(network, shape)):
                return "differs from call to call; leave out randomness where self.training is False"
        return ""

    def no_random(self, network: nn.Module, shape: ImageShape) -> str:
        """In evaluation mode, the global random generator stays as it is."""
        before = torch.get_rng_state()
        with torch.no_grad():
            self.call(network.eval(), shape)
        if not torch.equal(before, torch.get_rng_state()):
            return "draws global random numbers in eval(); the same seed would give other images each time"
        return ""

    def saves(self, network: nn.Module, shape: ImageShape) -> str:
        """All that determines the output is in the state dict."""
        file = io.BytesIO()
        torch.save(network.state_dict(), file)
        file.seek(0)
        other = self.build(shape, seed=1)
        other.load_state_dict(torch.load(file, weights_only=True))
        with torch.no_grad():
            if not torch.allclose(self.call(network.eval(), shape), self.call(other.eval(), shape), atol=TOLERANCE):
                return "a loaded copy differs; keep its tensors in nn.Parameter or register_buffer"
        return ""

    def logits(self, network: nn.Module, shape: ImageShape) -> str:
        """The outputs leave [0, 1] for some weights and images, as they don't after a sigmoid."""
        bounded = gives_probabilities(partial(self.build, shape), shape)
        return problem("gives probabilities", name=self.name) if bounded else ""

    def exports(self, network: nn.Module, shape: ImageShape) -> str:
        """The network can be exported, with a batch size that varies."""
        if self.exporter is not None:
            self.exporter(network.eval(), self.config, shape, self.pixels)
            return ""
        example = self.inputs(network, shape, 2)
        batch = torch.export.Dim("batch", min=1)
        sizes = ({0: batch}, None if example[1] is None else {0: batch})
        torch.export.export(network.eval(), example, dynamic_shapes=sizes)
        return ""


def replace_field(config: NetworkConfig, **fields: Any) -> NetworkConfig:
    """Returns sizes of networks with some fields replaced."""
    return NetworkConfig.model_validate(config.model_dump() | fields)


def described(shape: ImageShape) -> str:
    """Returns a shape in words: `28×28, gray`."""
    return f"{shape.size}×{shape.size}, {'gray' if shape.channels == 1 else 'color'}"
