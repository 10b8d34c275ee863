"""The start of a training: new networks, or the weights of another run where they fit (transfer learning)."""

from pathlib import Path

from torch import Tensor, nn

from pocketgan.base.errors import ConfigError, PocketganError
from pocketgan.base.messages import problem
from pocketgan.config.sections import RunConfig
from pocketgan.runs.exported import find_model
from pocketgan.runs.model import located
from pocketgan.runs.records import DataFacts
from pocketgan.runs.run import Run
from pocketgan.runs.weights import find_checkpoint, image_shape
from pocketgan.training.state import TrainState, create_state

LEAST_SHARE = 0.5
"""Smallest share of the generator's weights that must fit."""


def fresh_state(config: RunConfig, facts: DataFacts, device: str) -> TrainState:
    """Returns the state of a run at step 0, with the weights of the run that it begins with.

    Raises:
        ConfigError: there is no such run, or its networks don't fit.
    """
    state = create_state(config, image_shape(facts, config.tells_classes), device)
    if config.train.initial_run != "none":
        take_weights(state, config.train.initial_run, frozen=config.train.frozen_layers > 0)
    return state


def take_weights(state: TrainState, source: str, *, frozen: bool = False) -> None:
    """Copies the weights of a run or an exported model into a state, where names and shapes are the same.

    A run gives both networks, an exported model only its generator.

    Args:
        state: the state.
        source: the run or the exported model.
        frozen: whether layers of the discriminator will be frozen, so that it must come from a run.

    Raises:
        ConfigError: there is no such run, less than half of the generator fits, or a frozen discriminator isn't there.
    """
    try:
        model = find_model(located(Path(source).expanduser()))
        if model is None:
            raise ConfigError("no initial run", field="initial_run", source=source)
        generator = model.weights().tensors
        whole = find_checkpoint(model.folder, model.config, "auto") if isinstance(model, Run) else None
    except PocketganError as error:
        why = problem(error.key, **error.parts) if error.key else error
        raise ConfigError("no weights there", field="initial_run", why=why) from None
    if frozen and whole is None:
        raise ConfigError("frozen without discriminator", field="frozen_layers", source=source)
    share = copy_fitting(state.generator, generator)
    if share < LEAST_SHARE:
        raise ConfigError("weights don't fit", field="initial_run", source=source, share=f"{share:.0%}")
    if state.averages:
        copy_fitting(state.generator_ema, generator)
    if whole is not None:
        if state.discriminator is not None:
            copy_fitting(state.discriminator, whole.network("discriminator"))
        if state.partner is not None:
            copy_fitting(state.partner, whole.network("partner"))


def copy_fitting(network: nn.Module, weights: dict[str, Tensor]) -> float:
    """Copies the weights that fit into a network; returns their share of all its weights."""
    own = network.state_dict()
    fitting = {name: tensor for name, tensor in weights.items() if name in own and own[name].shape == tensor.shape}
    network.load_state_dict(fitting, strict=False)
    return sum(tensor.numel() for tensor in fitting.values()) / sum(tensor.numel() for tensor in own.values())
