"""Optimizers: Adam in one fused call for all weights of a network, and any other of PyTorch or of one's own."""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from pocketgan.base.errors import ConfigError, nearest
from pocketgan.config import parts
from pocketgan.config.options import parameters_of, with_types
from pocketgan.config.sections import TrainConfig


@runtime_checkable
class Optimizer(Protocol):
    """What a training step needs of an optimizer.

    Attributes:
        parameters: the parameters that it trains.
    """

    parameters: list[nn.Parameter]

    def step(self, loss: Tensor, found_inf: Tensor, rate: float = 1.0) -> None:
        """Moves the parameters against the gradient of `loss`; see `Adam.step`."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Returns the whole state by name, as tensors that share its memory."""
        ...

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restores a state that `tensors` returned."""
        ...


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1) that stops changing the weights once a loss isn't finite.

    The arithmetic is that of `torch.optim.Adam(fused=True)`. The bookkeeping that takes part of a small network's step
    is left out: no gradients stored between steps, no hooks, no parameter groups (docs/adr/0002).

    Args:
        network: the network whose parameters are trained.
        learning_rate, beta1, beta2, epsilon: Adam's constants.
    """

    def __init__(self, network: nn.Module, *, learning_rate: float, beta1: float, beta2: float, epsilon: float) -> None:
        self.parameters = trainable(network)
        self.learning_rate = learning_rate
        self.betas = (beta1, beta2)
        self.epsilon = epsilon
        self.mean = [torch.zeros_like(p) for p in self.parameters]
        self.mean_square = [torch.zeros_like(p) for p in self.parameters]
        self.count = torch.zeros((), device=self.parameters[0].device)

    def step(self, loss: Tensor, found_inf: Tensor, rate: float = 1.0) -> None:
        """Moves the parameters against the gradient of `loss`, unless `found_inf` is or becomes 1.

        Args:
            loss: a scalar. A value that isn't finite sets `found_inf` on the device, without synchronization.
            found_inf: a scalar, 0.0 or 1.0, which the caller keeps from step to step.
            rate: a factor on the learning rate.
        """
        gradients = gradients_of(loss, self.parameters)
        with torch.no_grad():
            torch.maximum(found_inf, loss.isfinite().logical_not_(), out=found_inf)
        self.count += 1
        with torch.no_grad():
            torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage, reportCallIssue]
                self.parameters,  # pyright: ignore[reportArgumentType]
                [_laid_out_as(p, g) for p, g in zip(self.parameters, gradients, strict=True)],
                self.mean,
                self.mean_square,
                [],
                [self.count] * len(self.parameters),
                lr=self.learning_rate * rate,
                beta1=self.betas[0],
                beta2=self.betas[1],
                weight_decay=0.0,
                eps=self.epsilon,
                amsgrad=False,
                maximize=False,
                found_inf=found_inf,
            )

    def tensors(self) -> dict[str, Tensor]:
        """Returns the optimizer's whole state by name, as tensors that share its memory."""
        return {
            "count": self.count,
            **{f"mean.{i}": tensor for i, tensor in enumerate(self.mean)},
            **{f"mean_square.{i}": tensor for i, tensor in enumerate(self.mean_square)},
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restores a state that `tensors` returned."""
        with torch.no_grad():
            for name, tensor in self.tensors().items():
                tensor.copy_(tensors[name])


class AnyOptimizer:
    """A `torch.optim.Optimizer` in the form that training needs: it stops once a loss isn't finite, and can be saved.

    Args:
        optimizer: an optimizer with one parameter group.
        learning_rate: its learning rate, before warm-up and schedule.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
        self.optimizer, self.learning_rate = optimizer, learning_rate
        self.parameters: list[nn.Parameter] = optimizer.param_groups[0]["params"]

    def step(self, loss: Tensor, found_inf: Tensor, rate: float = 1.0) -> None:
        """Moves the parameters against the gradient of `loss`, unless `found_inf` is or becomes 1; see `Adam.step`."""
        gradients = gradients_of(loss, self.parameters)
        with torch.no_grad():
            torch.maximum(found_inf, loss.isfinite().logical_not_(), out=found_inf)
        if found_inf.item():
            return
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.param_groups[0]["lr"] = self.learning_rate * rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """Returns the optimizer's whole state by name; numbers become tensors of one element."""
        results: dict[str, Tensor] = {}
        for index, parameter in enumerate(self.parameters):
            for name, value in self.optimizer.state.get(parameter, {}).items():
                if value is not None:
                    results[f"{name}.{index}"] = value if isinstance(value, Tensor) else as_tensor(value)
        return results

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restores a state that `tensors` returned, through the optimizer's own `load_state_dict`."""
        state: dict[int, dict[str, Any]] = {}
        for key, tensor in tensors.items():
            name, _, index = key.rpartition(".")
            number = tensor.ndim == 0 and tensor.dtype in (torch.int64, torch.float64)
            state.setdefault(int(index), {})[name] = tensor.item() if number else tensor.clone()
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})


def as_tensor(number: float) -> Tensor:
    """Returns a number of an optimizer's state as a tensor that keeps all of its digits."""
    return torch.tensor(number, dtype=torch.int64 if isinstance(number, int) else torch.float64)


OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}
"""PyTorch's optimizers that a configuration can name; `adam` is `Adam` above."""


def create_optimizer(network: nn.Module, config: TrainConfig, learning_rate: float) -> Optimizer:
    """Creates the optimizer that a configuration names, for all parameters of a network.

    Raises:
        ConfigError: it refuses an option, or isn't an optimizer.
    """
    adam = {"beta1": config.beta1, "beta2": config.beta2, "epsilon": config.epsilon}
    if config.optimizer == "adam":
        if config.optimizer_options:
            raise ConfigError("no options", field="optimizer_options", name="adam")
        return Adam(network, learning_rate=learning_rate, **adam)
    kind = OPTIMIZERS.get(config.optimizer)
    kind = parts.get("optimizer", config.optimizer).value if kind is None else kind
    if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
        raise ConfigError("not an optimizer", field="optimizer", name=config.optimizer)
    options: dict[str, Any] = dict(config.optimizer_options)
    if config.optimizer == "adamw":
        options = {"betas": (config.beta1, config.beta2), "eps": config.epsilon, **options}
    elif config.optimizer not in OPTIMIZERS:
        options = with_types(kind, options)
    known = [name for name in parameters_of(kind) if name not in ("params", "lr")]
    for option in options:
        if option not in known:
            parts_of_message = {"name": config.optimizer, "option": option, "hint": nearest(option, known)}
            raise ConfigError("no option", field="optimizer_options", known=", ".join(known), **parts_of_message)
    try:
        return AnyOptimizer(kind(trainable(network), lr=learning_rate, **options), learning_rate)  # pyright: ignore[reportCallIssue]
    except Exception as error:  # Whatever a class of one's own raises.
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        field = "optimizer_options" if options else "optimizer"
        raise ConfigError("not built", field=field, name=config.optimizer, why=why) from None


def trainable(network: nn.Module) -> list[nn.Parameter]:
    """Returns the parameters of a network that training changes: all but those of frozen layers."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def gradients_of(loss: Tensor, parameters: list[nn.Parameter]) -> list[Tensor]:
    """Returns the gradient of a loss for each parameter; zeros for one that the loss doesn't depend on."""
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, gradients, strict=True)]


def _laid_out_as(parameter: Tensor, gradient: Tensor) -> Tensor:
    """Returns the gradient in its parameter's memory layout, since the fused kernel reads memory in order."""
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)
