"""Settings of training without a discriminator: which of them have no effect then, and how the parts fit together."""

from typing import Protocol, runtime_checkable

from pocketgan.base.errors import ConfigError
from pocketgan.config.data_section import Section
from pocketgan.config.translating import NONE

IDLE = (
    "r1",
    "r2",
    "gradient_penalty",
    "mismatched_label_weight",
    "discriminator_learning_rate",
    "augment",
    "frozen_layers",
)
"""Settings that turn something on which has an effect only with a discriminator."""


@runtime_checkable
class Settings(Protocol):
    """What is asked about a configuration; see `RunConfig`."""

    @property
    def network(self) -> Section: ...

    @property
    def objective(self) -> Section: ...

    @property
    def train(self) -> Section: ...

    @property
    def reads_images(self) -> bool: ...


def check_discriminator(config: Settings, *, needed: bool) -> None:
    """Checks that there is a discriminator exactly where the objective needs one, and that no setting is idle.

    Args:
        config: the configuration.
        needed: whether the objective needs a discriminator.

    Raises:
        ConfigError: the discriminator is missing or has nothing to do, or the generator doesn't start from noise.
    """
    network, objective = config.network.model_dump(), config.objective.model_dump()["objective"]
    if needed != (network["discriminator"] != NONE):
        key = "discriminator needed" if needed else "discriminator idle"
        raise ConfigError(key, field="discriminator", objective=objective)
    if needed:
        return
    if config.reads_images:
        raise ConfigError("lone needs noise", field="generator", name=network["generator"], objective=objective)
    for section in (config.network, config.objective, config.train):
        for name, field in type(section).model_fields.items():
            if name in IDLE and getattr(section, name) != field.default:
                default = f"{field.default:g}" if isinstance(field.default, int | float) else "none"
                raise ConfigError("idle without discriminator", field=name, default=default)
