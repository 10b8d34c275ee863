"""Loading of weights and networks from a folder."""

from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

from pocketgan.base.errors import CheckpointDamaged, ConfigError, RunError
from pocketgan.base.messages import problem
from pocketgan.config import parts
from pocketgan.config.sections import RunConfig
from pocketgan.config.shell import command
from pocketgan.networks import ImageShape, build_discriminator, build_generator
from pocketgan.runs.model import Model, Weights
from pocketgan.runs.onnx_model import OnnxGenerator
from pocketgan.runs.records import BEST, DataFacts, checkpoint_files, read_object, step_of
from pocketgan.training.checkpoints import (
    Checkpoint,
    check_config,
    check_weights,
    checkpoint_name,
    load_network,
    newest_intact,
    read_checkpoint,
)


def image_shape(facts: DataFacts, conditional: bool) -> ImageShape:
    """Returns the image shape for which networks for this data are built."""
    told = len(facts.condition_names or facts.class_names)
    return ImageShape(facts.channels, facts.size, told if conditional else 0)


def has_failed(folder: Path) -> bool:
    """Returns whether a run has failed, so that to continue it would repeat the failure."""
    with suppress(RunError):
        return read_object(folder / "status.json").get("state") == "failed"
    return False


def find_checkpoint(folder: Path, config: RunConfig, which: str | int) -> Checkpoint:
    """Returns a verified checkpoint of a run: `best`, `last` or at a step; `auto` is the best, or the last without one.

    Args:
        folder: the run's folder.
        config: the run's configuration.
        which: `best`, `last`, `auto` or a step.

    Raises:
        RunError: there is no such checkpoint, or it is damaged.
    """
    if not config.has_generator:
        raise RunError("recorded, no generator", field="run", folder=folder)
    paths = checkpoint_files(folder)
    best = folder / "checkpoints" / BEST
    if which == "auto":
        which = "best" if best.is_file() else "last"
    steps = [step_of(path) for path in paths]
    if config.kind == "recorded" and not paths:
        raise RunError("recorded, not saved yet", field="run", folder=folder)
    if not paths and which != "best":
        if has_failed(folder):
            raise RunError("failed before a checkpoint", field="run", folder=folder)
        raise RunError("no checkpoint yet", field="run", folder=folder, command=command("resume", folder))
    if which == "last":
        saved, damaged = newest_intact(paths)
        if saved is None:
            message = problem("no checkpoint intact", folder=folder, damaged="; ".join(damaged))
            raise RunError(message, field="run")
    elif which == "best" and not best.is_file():
        raise RunError("no best", field="checkpoint", folder=folder)
    elif which == "best" or (str(which).isdecimal() and int(which) in steps):
        try:
            saved = read_checkpoint(best if which == "best" else best.with_name(checkpoint_name(int(which))))
        except CheckpointDamaged as error:
            if newest_intact(paths)[0] is None:
                message = problem("no checkpoint intact", folder=folder, damaged=str(error))
                raise RunError(message, field="run") from None
            raise RunError("use another", field="checkpoint", why=error) from None
    else:
        known = ", ".join(str(step) for step in steps[-8:])
        message = problem("no such checkpoint", which=str(which), folder=folder, known=known)
        raise RunError(message, field="checkpoint")
    check_config(saved, config)
    return saved


def read_weights(folder: Path, config: RunConfig, checkpoint: str | int) -> Weights:
    """Reads the weights of a run's generator (the EMA generator, if there is one) from a checkpoint.

    Args:
        folder: the run's folder.
        config: the run's configuration.
        checkpoint: `best`, `last` or a step; `auto` for the best checkpoint, or the last of a run without evaluations.

    Raises:
        RunError: there is no such checkpoint, or it is damaged.
    """
    saved = find_checkpoint(folder, config, checkpoint)
    name = "generator" if config.train.ema_half_life == "none" else "generator_ema"
    return Weights(saved.path, saved.network(name), saved.counters)


def load_generator(model: Model, checkpoint: str | int = "auto") -> nn.Module:
    """Returns a model's generator (the EMA generator, if there is one) on the CPU, in evaluation mode.

    Raises:
        UserError: there is no such checkpoint, or it belongs to another network.
    """
    return build_with(model, model.weights(checkpoint))


def load_discriminator(folder: Path, config: RunConfig, facts: DataFacts, checkpoint: str | int = "auto") -> nn.Module:
    """Returns a run's discriminator on the CPU, in evaluation mode.

    Args:
        folder, config, facts: of the run.
        checkpoint: `best`, `last` or a step; `auto` for the best checkpoint, or the last of a run without evaluations.

    Raises:
        UserError: there is no such checkpoint, or it belongs to another network.
    """
    if config.kind == "recorded":
        raise RunError("recorded, no layers", field="run", folder=folder)
    if not config.has_discriminator:
        raise RunError("no discriminator", field="run", folder=folder)
    saved = find_checkpoint(folder, config, checkpoint)
    shape = image_shape(facts, config.tells_classes)
    network = build_discriminator(config.network, shape, config.seed, config.data.pixel_range)
    load_network(network, saved, "discriminator")
    return network.eval()


def build_with(model: Model, weights: Weights) -> nn.Module:
    """Returns a model's generator with these weights on the CPU, in evaluation mode.

    The weights are compared with the network that the configuration describes before its memory is allocated. A
    configuration from an untrusted source therefore can't request more memory than the weights' file holds. An exported
    model whose own code isn't there runs its ONNX file instead.

    Raises:
        RunError: the weights belong to another network.
        ConfigError: the code of one's own generator isn't there.
    """
    config = model.config
    if "generator" in config.parts and parts.find("generator", config.network.generator) is None:
        content = model.onnx()
        if content is not None:
            return OnnxGenerator(content, config.data.pixel_range)
    shape = image_shape(model.facts, config.network.conditional)
    with suppress(ConfigError):  # A network of one's own may need real numbers, or not fit, which building it says.
        with torch.device("meta"):
            outline = build_generator(config.network, shape, config.data.pixel_range, config.seed)
        check_weights(outline, weights.tensors, weights.path, "generator")
    network = build_generator(config.network, shape, config.data.pixel_range, config.seed)
    network.load_state_dict(weights.tensors)
    return network.eval()
