"""Networks of the person's own: any `nn.Module` whose shapes fit, brought to the signature of the package's networks.

The package's generators are called as `(z, labels)` or `(images, labels)` and return images (N, C, H, W). Its
discriminators are called as `(images, labels)` and return logits (N,), or (N, K) for K classes per image.
"""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from pocketgan.base.errors import ConfigError
from pocketgan.config.code import loaded, place_of
from pocketgan.config.options import parameters_of, with_types
from pocketgan.config.parts import FILLED, FILLED_IF_NEEDED, Kind, Part
from pocketgan.config.sections import NetworkConfig
from pocketgan.networks.layers import ImageShape

VIEWS = ("View", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "UnsafeView", "Alias", "ToCopy", "Select", "Clone")
"""Operations that only change the shape of a result, by the beginning of their names in autograd."""
RANGES = {"signed": (-1.0, 1.0, "tanh"), "unit": (0.0, 1.0, "sigmoid")}
"""By pixel range: the lowest and the highest value of an image, and the activation that gives this range."""
SLACK = 1e-3


def build_own(part: Part, config: NetworkConfig, shape: ImageShape, pixels: str) -> nn.Module:
    """Creates a network of the person's own, and runs it once to find out how it is called.

    Args:
        part: the generator or discriminator.
        config: sizes and options.
        shape: the images.
        pixels: `signed` or `unit`.

    Raises:
        ConfigError: the class can't be created, or takes or returns something else; the message says what.
    """
    network = create(part, config, shape, pixels)
    probe = GeneratorProbe if part.kind == "generator" else DiscriminatorProbe
    return probe(part, network, config, shape, pixels).fitted()


def create(part: Part, config: NetworkConfig, shape: ImageShape, pixels: str) -> nn.Module:
    """Calls the constructor with what it asks for by name; see `pocketgan.config.parts.FILLED`."""
    if isinstance(part.value, nn.Module):
        raise ConfigError("an instance", field=part.kind, name=part.name)
    if not (isinstance(part.value, type) and issubclass(part.value, nn.Module)):
        raise ConfigError("not a module", field=part.kind, name=part.name)
    filled: dict[str, Any] = {
        "config": config,
        "shape": shape,
        "pixels": pixels,
        "latent_dim": config.latent_dim,
        "z_dim": config.latent_dim,
        "classes": shape.classes,
        "num_classes": shape.classes,
        "channels": shape.channels,
        "size": shape.size,
    }
    options = dict(config.generator_options if part.kind == "generator" else config.discriminator_options)
    arguments = {}
    for name, parameter in parameters_of(part.value).items():
        needed = parameter.default is parameter.empty
        if name not in options and (name in FILLED or (needed and name in FILLED_IF_NEEDED)):
            arguments[name] = filled[name]
    try:
        return part.value(**arguments, **with_types(part.value, options))
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError("not built", field=part.kind, name=part.name, why=first_line(error)) from None


def first_line(error: BaseException) -> str:
    """Returns the kind of an error and the first line of what it says, after its place in the person's own files."""
    place = place_of(error, {code.path.parent for code in loaded.values() if code.path is not None})
    return f"{place and f'{place}: '}{type(error).__name__}: {(str(error) or 'no message').splitlines()[0]}"


def takes_labels(network: nn.Module) -> bool:
    """Returns whether a network's `forward` has a second argument."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(network.forward).parameters.values()
    return sum(parameter.kind in kinds for parameter in parameters) >= 2


class OwnGenerator(nn.Module):
    """A generator of the person's own, called like the package's.

    Attributes:
        network: the person's network.
        reads_images: whether it translates images.
    """

    def __init__(self, network: nn.Module, *, labels: bool, square: bool, shape: ImageShape) -> None:
        super().__init__()
        self.network = network
        self.reads_images = bool(getattr(network, "reads_images", False))
        self.labels, self.square, self.shape = labels, square, shape

    def forward(self, given: Tensor, labels: Tensor | None = None) -> Tensor:
        given = given[:, :, None, None] if self.square else given
        images = self.network(given, labels) if self.labels else self.network(given)
        return images.reshape(-1, self.shape.channels, self.shape.size, self.shape.size)


class OwnDiscriminator(nn.Module):
    """A discriminator of the person's own, called like the package's.

    Attributes:
        network: the person's network.
    """

    def __init__(self, network: nn.Module, *, labels: bool) -> None:
        super().__init__()
        self.network = network
        self.labels = labels

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        if not self.labels:
            return self.network(images).reshape(len(images))
        if labels is None or labels.ndim - labels.is_floating_point() == 1:
            return self.network(images, labels).reshape(len(images))
        return torch.stack([self.network(images, one).reshape(len(images)) for one in labels.unbind(1)], dim=1)


class GeneratorProbe:
    """Runs a generator on two inputs, in evaluation mode, and finds out how it is called."""

    kind: Kind = "generator"

    def __init__(self, part: Part, network: nn.Module, config: NetworkConfig, shape: ImageShape, pixels: str) -> None:
        self.part, self.network, self.config, self.shape, self.pixels = part, network, config, shape, pixels
        self.labels = takes_labels(network)
        if shape.classes and not self.labels:
            raise self.wrong("takes no labels")

    def wrong(self, key: str, **parts: Any) -> ConfigError:
        """Returns the error that a part doesn't fit."""
        return ConfigError(key, field=self.part.kind, name=self.part.name, **parts)

    def fitted(self) -> nn.Module:
        """Returns the network in the signature of the package's generators."""
        device = device_of(self.network)
        images = torch.zeros(2, self.shape.channels, self.shape.size, self.shape.size, device=device)
        if getattr(self.network, "reads_images", False):
            inputs = [images]
        else:
            z = torch.randn(2, self.config.latent_dim).to(device)
            inputs = [z, z[:, :, None, None]]
        result, square = self.run(inputs)
        expected = (2, self.shape.channels, self.shape.size, self.shape.size)
        if result.shape != expected and result.shape != (2, self.shape.pixels):
            text = f"images of shape (N, {', '.join(map(str, expected[1:]))}), as the data has"
            raise self.wrong("wrong output", expected=text, shape=tuple(result.shape))
        self.check_values(result)
        self.check_gradient(result)
        self.check_count(inputs[square], result)
        if result.shape == expected and self.labels and not square:
            return self.network
        return OwnGenerator(self.network, labels=self.labels, square=square, shape=self.shape)

    def run(self, inputs: list[Tensor]) -> tuple[Tensor, bool]:
        """Runs the network on the first of several inputs that it accepts; returns its output, and whether it was not
        the first."""
        first: Exception | None = None
        for place, given in enumerate(inputs):
            try:
                return self.called(given), place > 0
            except ConfigError:
                raise
            except Exception as error:
                first = first or error
        assert first is not None
        shape = ", ".join(map(str, inputs[0].shape[1:]))
        raise self.wrong("not run", given=f"an input of shape (N, {shape})", why=first_line(first)) from None

    def called(self, given: Tensor) -> Tensor:
        """Calls the network in evaluation mode; its training mode and the global random numbers stay as they are."""
        labels = torch.zeros(len(given), dtype=torch.int64, device=given.device) if self.shape.classes else None
        training = self.network.training
        self.network.eval()
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            result = self.network(given, labels) if self.labels else self.network(given)
        self.network.train(training)
        if not isinstance(result, Tensor):
            raise self.wrong("not a tensor", kind=type(result).__name__)
        return result

    def check_gradient(self, result: Tensor) -> None:
        """Checks that training can change the network."""
        if not any(parameter.requires_grad for parameter in self.network.parameters()):
            raise self.wrong("no parameters")
        if not result.requires_grad:
            raise self.wrong("no gradient")

    def check_count(self, given: Tensor, result: Tensor) -> None:
        """Checks that the network also returns as many results as it gets inputs where those are not two.

        Args:
            given, result: two inputs, and the network's output for them.
        """
        other, _ = self.run([torch.cat([given, given[:1]])])
        if other.shape != (3, *result.shape[1:]):
            text = f"an output of shape {(3, *result.shape[1:])} for 3 inputs"
            raise self.wrong("wrong output", expected=text, shape=tuple(other.shape))

    def check_values(self, result: Tensor) -> None:
        """Checks the values of generated images, where there are any: not on the meta device."""
        if result.is_meta:
            return
        if not result.isfinite().all():
            raise self.wrong("output not finite")
        low, high, activation = RANGES[self.pixels]
        lowest, highest = result.min().item(), result.max().item()
        if lowest < low - SLACK or highest > high + SLACK:
            parts = {"low": f"{lowest:.3g}", "high": f"{highest:.3g}", "range": f"[{low:g}, {high:g}]"}
            raise self.wrong("output outside", activation=activation, **parts)


class DiscriminatorProbe(GeneratorProbe):
    """Runs a discriminator on two images, in evaluation mode, and finds out how it is called."""

    kind: Kind = "discriminator"

    def fitted(self) -> nn.Module:
        """Returns the network in the signature of the package's discriminators."""
        images = torch.zeros(2, self.shape.channels, self.shape.size, self.shape.size, device=device_of(self.network))
        result, _ = self.run([images])
        if result.numel() != 2 or result.shape[:1] != (2,):
            raise self.wrong("wrong output", expected="one logit per image, shape (N,)", shape=tuple(result.shape))
        if not result.is_meta and not result.isfinite().all():
            raise self.wrong("output not finite")
        if last_operation(result).startswith(("Sigmoid", "Softmax")):
            raise self.wrong("ends in sigmoid")
        self.check_gradient(result)
        self.check_count(images, result)
        return OwnDiscriminator(self.network, labels=self.labels)


def device_of(network: nn.Module) -> torch.device:
    """Returns the device of a network's parameters; PyTorch's default device without any."""
    parameter = next(network.parameters(), None)
    return torch.empty(0).device if parameter is None else parameter.device


def last_operation(result: Tensor) -> str:
    """Returns the name of the operation that computed a tensor, apart from changes of its shape; see `VIEWS`."""
    node = result.grad_fn
    while node is not None and node.name().startswith(VIEWS) and node.next_functions:
        node = node.next_functions[0][0]
    return "" if node is None else node.name()
