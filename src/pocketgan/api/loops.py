"""The training loop for people who want to look inside: no run folder, no display, no evaluation."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pocketgan.api.trainings import configured, hand_over
from pocketgan.base.errors import ConfigError
from pocketgan.config.sections import RunConfig

if TYPE_CHECKING:
    from typing import Unpack

    from torch import nn

    from pocketgan.config.plan import Plan
    from pocketgan.config.train_fields import TrainFields
    from pocketgan.images.sets import ImageSet
    from pocketgan.training.state import TrainState
    from pocketgan.training.steps import Tick


class Loop:
    """A training that goes on while it is iterated, and yields a `Tick` each time.

    Its weights are those of the same run by `train` with as many threads, as long as nothing changes them in between.
    Between two ticks, everything may be read, and changed.

    Attributes:
        config: the complete configuration.
        images: the training images: `.images` uint8 [0, 255], shape (N, C, H, W), `.labels` int64 (N,) or None.
        plan: the durations in steps, such as `plan.steps`.
        state: the state of training: networks, optimizers, counters and random generators.
        every_step: whether each step yields a tick, or only those at which something is due (`tick.row`,
            `tick.sample`, `tick.evaluate`, `tick.checkpoint`).
    """

    def __init__(
        self, config: RunConfig, images: "ImageSet", plan: "Plan", state: "TrainState", *, every_step: bool
    ) -> None:
        self.config, self.images, self.plan, self.state, self.every_step = config, images, plan, state, every_step

    @property
    def generator(self) -> "nn.Module":
        """The generator in training; it is called as its author wrote it, the package's as `(z, labels)`."""
        from pocketgan.networks import plain

        return plain(self.state.generator)

    @property
    def generator_ema(self) -> "nn.Module":
        """The EMA generator, from which samples come; the generator itself if there is no averaging."""
        from pocketgan.networks import plain

        return plain(self.state.generator_ema)

    @property
    def discriminator(self) -> "nn.Module":
        """The discriminator: `(images, labels)` → logits (N,).

        Raises:
            ConfigError: the objective needs none.
        """
        from pocketgan.networks import plain

        if self.state.discriminator is None:
            raise ConfigError("loop without discriminator", field="recipe", name=self.config.recipe)
        return plain(self.state.discriminator)

    def __iter__(self) -> "Iterator[Tick]":
        """Goes on with the training from its current step to the end of the plan.

        Raises:
            NonFiniteLoss: a loss was infinite or not a number.
        """
        from pocketgan.experiment.prepared_data import feed
        from pocketgan.training.steps import train

        config = self.config
        batches = feed(self.images, config, self.state.found_inf.device.type, self.state.strength)
        pauses = range(1, self.plan.steps + 1) if self.every_step else ()
        return train(self.state, batches, config, self.plan, pauses=pauses)


def steps(
    recipe: str | RunConfig | Callable[[], RunConfig] = "pocket",
    *,
    every_step: bool = False,
    code: str | Path | Sequence[str | Path] = (),
    **fields: "Unpack[TrainFields]",
) -> Loop:
    """Returns the training loop of a recipe, which trains while it is iterated: `for tick in pocketgan.steps("mlp")`.

    Nothing is written, shown or evaluated. For all of this, use `train`.

    Args:
        recipe: the name of a recipe (your own as `my_gan.py:recipe`), a complete configuration, or a function that
            returns one.
        every_step: whether each step yields a tick, or only those at which something is due, such as a row of losses
            (`log_every="10 steps"`).
        code: files with your own parts, which names such as `my_gan.py:Painter` then stand for.
        **fields: fields of the configuration to replace, as in `train`.

    Raises:
        UserError: an argument is invalid.
    """
    from pocketgan.base.progress import Progress
    from pocketgan.experiment.experiment import plan_run, settled
    from pocketgan.experiment.prepared_data import find_facts, prepare_images
    from pocketgan.experiment.transfer import fresh_state
    from pocketgan.training.state import choose_device

    hand_over(code)
    config = configured(recipe, {**fields})
    device = choose_device(config.train.device)
    config, images = prepare_images(config, Progress(quiet=True))
    facts = find_facts(images)
    config = settled(config, facts, device)
    plan = plan_run(config, images, facts, device, Progress(quiet=True))
    state = fresh_state(config, facts, device)
    return Loop(config, images, plan, state, every_step=every_step)
