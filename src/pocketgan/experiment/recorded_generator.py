"""The generator of a recorded run: its class in the configuration, and its weights at each evaluation."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from pocketgan.base.errors import ConfigError, UserError
from pocketgan.config import parts
from pocketgan.config.sections import RunConfig
from pocketgan.networks import build_generator, plain
from pocketgan.runs.records import BEST, DataFacts, checkpoint_files
from pocketgan.runs.run import Run
from pocketgan.runs.weights import image_shape
from pocketgan.training.checkpoints import checkpoint_name, write_checkpoint


class SavedGenerator:
    """A generator whose weights a recorded run saves.

    Args:
        module: the generator.
        options: the arguments of its class's constructor that Pocketgan doesn't fill in.
        latent_dim: the length of its noise vector.

    Raises:
        UserError: it isn't a module that can be saved.
    """

    def __init__(self, module: nn.Module, options: Mapping[str, Any] | None, latent_dim: int | None) -> None:
        if not isinstance(module, nn.Module):
            raise UserError("not a module object", field="generator", kind=type(module).__name__)
        if getattr(module, "reads_images", False):
            raise UserError("generator of images", field="generator")
        if latent_dim is None:
            raise UserError("latents unknown", field="latent_dim")
        self.module = getattr(module, "_orig_mod", module)  # A compiled module is around its own.
        if type(self.module).__module__.startswith("torch."):
            raise UserError("generator of torch", field="generator", kind=type(self.module).__name__)
        self.options, self.latent_dim = dict(options or {}), latent_dim
        self._prefix = ""

    @property
    def device(self) -> str:
        """The kind of device of its weights."""
        return next((parameter.device.type for parameter in self.module.parameters()), "cpu")

    def network(self) -> dict[str, Any]:
        """Returns the fields of the configuration that name it; its class is handed over."""
        name = parts.hand_over("generator", type(self.module))
        return {"generator": name, "generator_options": self.options, "latent_dim": self.latent_dim}

    def check(self, config: RunConfig, facts: DataFacts) -> None:
        """Checks that later commands can build the generator again from its class.

        Raises:
            UserError: they can't, or they would get another network.
        """
        name, shape = config.network.generator, image_shape(facts, config.network.conditional)
        try:
            built = build_generator(config.network, shape, config.data.pixel_range, config.seed)
        except ConfigError as error:
            raise UserError("not rebuilt", field="generator", name=name, why=error.reason) from None
        self._prefix = "network." if plain(built) is not built else ""
        ours, theirs = shapes_of(self.module), shapes_of(plain(built))
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                why = f"{key}: {ours.get(key, '–')}, {theirs.get(key, '–')}"
                raise UserError("not rebuilt", field="generator", name=name, why=why)

    def save(self, run: Run, moment: Mapping[str, float], best: Mapping[str, float] | None = None) -> None:
        """Writes the weights of this moment, in place of those of the last one, or as the best ones.

        Args:
            run: the run.
            moment: the clocks.
            best: what was measured, for the best weights.

        Raises:
            NonFiniteLoss: a weight isn't finite; nothing is written.
            StorageError: the file could not be written.
        """
        folder = run.folder / "checkpoints"
        path = folder / (checkpoint_name(int(moment["step"])) if best is None else BEST)
        counters = {name: moment[name] for name in ("step", "nimg", "seconds")} | {"rate_scale": 1.0, **(best or {})}
        tensors = {f"generator.{self._prefix}{name}": one.clone() for name, one in self.module.state_dict().items()}
        write_checkpoint(path, tensors, run.config, counters)
        if best is None:
            for old in checkpoint_files(run.folder):
                if old != path:
                    old.unlink(missing_ok=True)


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each weight, by name."""
    with torch.no_grad():
        return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
