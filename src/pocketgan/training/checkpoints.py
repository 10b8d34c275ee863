"""Training state on disk: one safetensors file per checkpoint, written atomically, with a checksum, bit for bit.

A file holds every tensor of the `TrainState` under a dotted name, including the states of the random generators as
bytes. Its header holds the configuration, the counters, and a SHA-256 of the whole content.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from pocketgan.base.errors import CheckpointDamaged, ConfigError, NonFiniteLoss, RunError
from pocketgan.base.files import parse_json, write_atomically
from pocketgan.base.messages import problem
from pocketgan.config import history
from pocketgan.config.fields import differences, replace, validated
from pocketgan.config.sections import RunConfig
from pocketgan.images.seeds import derived_seed
from pocketgan.training.optimizers import Optimizer
from pocketgan.training.state import TrainState


@dataclass(frozen=True)
class Checkpoint:
    """Contents of a checkpoint file.

    Attributes:
        path: the file.
        tensors: the tensors, by dotted name.
        config: the configuration of the run that wrote the file.
        counters: `step`, `nimg`, `seconds`, `rate_scale`, and values measured at that step.
    """

    path: Path
    tensors: dict[str, Tensor]
    config: RunConfig
    counters: dict[str, float]

    def network(self, name: str) -> dict[str, Tensor]:
        """Returns the weights of `generator`, `discriminator` or `generator_ema`."""
        return {key.removeprefix(f"{name}."): t for key, t in self.tensors.items() if key.startswith(f"{name}.")}


def checkpoint_name(step: int) -> str:
    """Returns the file name of the checkpoint at `step`."""
    return f"step-{step:09d}.safetensors"


def _networks(state: TrainState) -> dict[str, nn.Module]:
    networks = {"generator": state.generator}
    if state.discriminator is not None:
        networks["discriminator"] = state.discriminator
    if state.partner is not None:
        networks["partner"] = state.partner
    return networks | {"generator_ema": state.generator_ema} if state.averages else networks


def _optimizers(state: TrainState) -> dict[str, Optimizer]:
    optimizers = {"generator_optimizer": state.generator_optimizer}
    if state.discriminator_optimizer is not None:
        optimizers["discriminator_optimizer"] = state.discriminator_optimizer
    return optimizers


def state_tensors(state: TrainState) -> dict[str, Tensor]:
    """Returns every tensor of the state by dotted name; all except the random states share memory with the state."""
    tensors = {}
    for name, network in _networks(state).items():
        tensors |= {f"{name}.{key}": tensor for key, tensor in network.state_dict().items()}
    for name, optimizer in _optimizers(state).items():
        tensors |= {f"{name}.{key}": tensor for key, tensor in optimizer.tensors().items()}
    if state.strength is not None:
        tensors["augment.strength"] = state.strength.tensor()
    return tensors | {f"random.{name}": generator.get_state() for name, generator in state.random.items()}


def _checksum(tensors: dict[str, Tensor], header: dict[str, str]) -> str:
    hashed = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        hashed.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        hashed.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return hashed.hexdigest()


def save_checkpoint(
    folder: Path, state: TrainState, config: RunConfig, file_name: str | None = None, **measured: float
) -> Path:
    """Writes the whole state into `folder`, by default under a name made from its step.

    Args:
        folder: the run's `checkpoints/`.
        state: the state to save.
        config: the run's configuration.
        file_name: a file name to use instead of the default.
        **measured: values to store among the counters.

    Raises:
        NonFiniteLoss: a weight isn't finite; nothing is written.
        StorageError: the file could not be written; no partial file is left.
    """
    counters = {name: getattr(state, name) for name in ("step", "nimg", "seconds", "rate_scale")} | measured
    return write_checkpoint(folder / (file_name or checkpoint_name(state.step)), state_tensors(state), config, counters)


def write_checkpoint(path: Path, named: Mapping[str, Tensor], config: RunConfig, counters: Mapping[str, float]) -> Path:
    """Writes tensors into a checkpoint file.

    Args:
        path: the file.
        named: the tensors, by dotted name.
        config: the run's configuration.
        counters: `step` and other numbers of this moment.

    Raises:
        NonFiniteLoss: a value isn't finite; nothing is written.
        StorageError: the file could not be written; no partial file is left.
    """
    tensors = apart({name: tensor.detach().cpu().contiguous() for name, tensor in named.items()})
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            what = problem("values not finite", name=name)
            raise NonFiniteLoss("weights not finite", loss=what, step=counters["step"])
    header = {
        "format": str(history.FORMAT),
        "config": config.model_dump_json(),
        "counters": json.dumps(dict(counters)),
    }
    header["sha256"] = _checksum(tensors, header)
    write_atomically(path, save_tensors(tensors, header))
    return path


def apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the tensors with memory of their own each, as the format asks; tied weights are written twice."""
    taken: set[int] = set()
    results = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        results[name] = tensor.clone() if place in taken else tensor
        taken.add(place)
    return results


def read_checkpoint(path: Path) -> Checkpoint:
    """Reads and verifies a checkpoint file.

    Raises:
        CheckpointDamaged: the file is cut short, altered, or not a checkpoint.
        RunError: the file can't be read, or was written by another version.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError("unreadable", field="checkpoint", path=path, why=error.strerror) from None
    try:
        tensors = load_tensors(content)
        header = parse_json(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        checksum = header.pop("sha256")
        if checksum != _checksum(tensors, header):
            raise CheckpointDamaged(problem("wrong checksum", file=path.name))
    except (SafetensorError, KeyError, ValueError):
        raise CheckpointDamaged(problem("file damaged", file=path.name)) from None
    number = history.known_format(header["format"])
    if number is None:
        message = problem("unknown format", path=path, found=header["format"], format=history.FORMAT)
        raise RunError(message, field="checkpoint")
    try:
        config = validated(history.upgrade(parse_json(header["config"]), number))
    except ConfigError as error:
        raise RunError("other version", field="checkpoint", path=path, why=error) from None
    return Checkpoint(path, tensors, config, parse_json(header["counters"]))


def newest_intact(paths: list[Path]) -> tuple[Checkpoint | None, list[str]]:
    """Returns the last intact checkpoint of `paths` (oldest first), and a message for each damaged one after it."""
    damaged = []
    for path in reversed(paths):
        try:
            return read_checkpoint(path), damaged
        except CheckpointDamaged as error:
            damaged.append(str(error))
    return None, damaged


def superfluous(steps: Sequence[int], keep: int, evaluations: Sequence[int], reach: int) -> list[int]:
    """Returns the steps of the checkpoints that can be removed, oldest first.

    The newest `keep` checkpoints stay, so that the run can continue even if some of them are damaged. A rollback
    restores the newest checkpoint that is not later than an evaluation. That checkpoint stays for each evaluation that
    a rollback can reach, also if the run continues from the oldest of the newest checkpoints.

    Args:
        steps: steps of all checkpoints, ascending; the last one was just saved.
        keep: number of newest checkpoints to keep, at least 1.
        evaluations: steps of the run's evaluations, ascending.
        reach: how many evaluations back a failure may have begun; 0 if the run doesn't roll back.
    """
    newest = steps[-keep:]
    needed = set(newest)
    if reach and newest:
        before = sum(step <= newest[0] for step in evaluations)
        for evaluation in evaluations[max(0, before - reach - 1) :]:
            needed.update([step for step in steps if step <= evaluation][-1:])
    return [step for step in steps if step not in needed]


def check_config(checkpoint: Checkpoint, config: RunConfig) -> None:
    """Checks that a checkpoint belongs to the same run; only the duration may differ.

    Raises:
        RunError: the checkpoint belongs to another run; the message names the fields that differ.
    """
    result = replace(checkpoint.config, duration=config.train.duration)
    changed = differences(result, config)
    if changed:
        raise RunError("in file", path=checkpoint.path, why=problem("other configuration", changed="; ".join(changed)))


def restore(state: TrainState, checkpoint: Checkpoint) -> None:
    """Copies a checkpoint's content into `state`, bit for bit.

    The state of a random generator can't be restored on another kind of device; the generator is seeded from the run's
    seed and the step instead.

    Raises:
        RunError: the checkpoint belongs to other networks.
    """
    for name, network in _networks(state).items():
        load_network(network, checkpoint, name)
    for name, optimizer in _optimizers(state).items():
        optimizer.load(checkpoint.network(name))
    state.step, state.nimg = int(checkpoint.counters["step"]), int(checkpoint.counters["nimg"])
    for name, generator in state.random.items():
        saved = checkpoint.tensors[f"random.{name}"]
        if saved.shape == generator.get_state().shape:
            generator.set_state(saved)
        else:
            generator.manual_seed(derived_seed(checkpoint.config.seed, name, state.step))
    if state.strength is not None:
        state.strength.load(checkpoint.tensors["augment.strength"])
    state.seconds = checkpoint.counters["seconds"]
    state.rate_scale = checkpoint.counters.get("rate_scale", 1.0)


def load_network(network: nn.Module, checkpoint: Checkpoint, name: str) -> None:
    """Copies the weights of the network `name` into `network`.

    Raises:
        RunError: the weights belong to another network; the message names the first difference.
    """
    weights = checkpoint.network(name)
    check_weights(network, weights, checkpoint.path, name)
    network.load_state_dict(weights)


def check_weights(network: nn.Module, weights: dict[str, Tensor], path: Path, name: str) -> None:
    """Checks that weights from the file `path` match `network` in names, shapes and types.

    Raises:
        RunError: the weights belong to another network; the message names the first difference.
    """
    for key, differs in _mismatches(network.state_dict(), weights):
        raise RunError("in file", path=path, why=problem("other network", where=f"{name}.{key}", differs=differs))


def _mismatches(expected: dict[str, Tensor], found: dict[str, Tensor]) -> Iterator[tuple[str, str]]:
    for key in [*expected, *found]:
        if key not in found:
            yield key, problem("weights missing")
        elif key not in expected:
            yield key, problem("weights unknown")
        elif expected[key].shape != found[key].shape:
            shapes = {"there": tuple(found[key].shape), "here": tuple(expected[key].shape)}
            yield key, problem("weights differ", **shapes)
        elif expected[key].dtype != found[key].dtype:
            yield key, problem("weights differ", there=found[key].dtype, here=expected[key].dtype)
