"""Settings that were changed and have no effect beside other settings, which a run says when it begins."""

from collections.abc import Iterator

from pocketgan.base.errors import UserError
from pocketgan.config.data_section import PACKAGED
from pocketgan.config.durations import Duration
from pocketgan.config.fields import flatten
from pocketgan.config.parts import BUILT_IN
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.config.translating import NONE

PYRAMIDS = ("dcgan", "pocket", "class-translator")
"""Networks that are built of stages."""
OF_ADAM = ("adam", "adamw")


def idle_settings(config: RunConfig) -> list[tuple[str, str]]:
    """Returns the settings that differ from the recipe's and have no effect, each with the flags that take it away."""
    try:
        usual = flatten(recipe(config.recipe))
    except UserError:  # A recipe of one's own.
        usual = flatten(RunConfig(recipe=config.recipe))
    values = flatten(config)
    return [(name, why) for name, why in without_effect(config) if values[name] != usual.get(name)]


def without_effect(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Yields all settings that have no effect beside the others."""
    network, objective, train = config.network, config.objective, config.train
    own = network.generator not in BUILT_IN["generator"] or network.discriminator not in BUILT_IN["discriminator"]
    if not config.tells_classes:
        yield "mismatched_label_weight", "--no-conditional"
    if config.data.to == NONE:
        yield "identity_weight", "--to none"
    if not own and network.generator != "autoencoder":
        yield "dropout", f"--generator {network.generator}"
    if not own and network.generator not in PYRAMIDS and network.discriminator not in PYRAMIDS:
        yield "stages", f"--generator {network.generator} --discriminator {network.discriminator}"
    if train.schedule == "constant":
        yield "decay_start", "--schedule constant"
    if not (objective.r1 or objective.r2 or objective.gradient_penalty):
        yield "penalty_batch_fraction", "--r1 0 --r2 0 --gradient-penalty 0"
    if not (objective.r1 or objective.r2):
        yield "penalty_end", "--r1 0 --r2 0"
    elif train.schedule == "constant":
        yield "penalty_end", "--schedule constant"
    if train.optimizer not in OF_ADAM:
        for name in ("beta1", "beta2", "epsilon"):
            yield name, f"--optimizer {train.optimizer}"
    if train.replan and Duration.parse(train.duration).seconds is None:
        yield "replan", f'--duration "{train.duration}"'
    if config.evaluation.evaluate_every == NONE:
        for name in ("evaluate_count", "metrics", "watch_window"):
            yield name, "--evaluate-every none"
    # Of other data, the rule also decides the test split; `random` is what `auto` means for the package's data.
    if not config.data.validation and config.data.data in PACKAGED and config.data.validation_split != "random":
        yield "validation_split", "--validation 0"
