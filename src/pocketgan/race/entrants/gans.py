"""Recipes of the package as entrants: `pocket`, the textbook's DCGAN, that of a good student, and `drifting`.

They are configurations, trained by the package's own step. Only the schedule differs from `pocketgan train`: it follows
the clock, not a number of steps that was planned from a measured speed.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pocketgan.config.fields import replace
from pocketgan.config.plan import Plan, make_plan
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.images.batches import Batches
from pocketgan.images.sets import ImageSet
from pocketgan.networks import ImageShape
from pocketgan.race.contract import Sampler, Task, sampled
from pocketgan.training.ema import update_ema
from pocketgan.training.schedules import at_step
from pocketgan.training.state import choose_precision, create_state
from pocketgan.training.steps import next_batch, training_step

FINE = 1_000_000
"""Number of steps of a plan in which the clock's progress is expressed."""


class GAN:
    """A GAN of a configuration, or its generator alone if the objective needs no discriminator.

    Args:
        task: what it trains on.
        config: the configuration; its duration and its seed are the race's.
    """

    def __init__(self, task: Task, config: RunConfig) -> None:
        conditional = config.network.conditional and task.classes > 0
        precision = choose_precision(config.train.precision, "cpu")
        self.config = replace(
            config, conditional=conditional, precision=precision, seed=task.seed, duration=f"{FINE} steps"
        )
        self.task, self.batch_size = task, config.train.batch_size
        shape = ImageShape(task.channels, task.size, task.classes if conditional else 0)
        self.state = create_state(self.config, shape, "cpu")
        self.plan = plan_of(self.config, len(task.images))
        self.sampling, self.training = self.state.generator_ema, self.state.discriminator or nn.Module()
        images = ImageSet(task.images, task.labels, tuple(map(str, range(task.classes))), "race")
        options = {"batch_size": self.batch_size, "seed": task.seed, "device": "cpu"}
        self.batches = Batches(images, self.config.data, **options)
        self.samplers: Mapping[str, Sampler] = {"1 step": self.sample}

    def step(self, progress: float) -> Mapping[str, Tensor | float]:
        """Updates each network once."""
        state = self.state
        config, rate = at_step(self.config, int(progress * FINE), self.plan)
        batch = next_batch(self.batches, state.nimg, self.config)
        d_loss, g_loss, *_ = training_step(state, batch, config, rate)
        state.step += 1
        state.nimg += self.batch_size
        if state.averages:
            update_ema(state, self.plan.half_life_after(state.nimg), self.batch_size)
        return {"g_loss": g_loss} if state.discriminator is None else {"d_loss": d_loss, "g_loss": g_loss}

    def sample(self, count: int, labels: Tensor | None, seed: int) -> Tensor:
        """Returns images of the EMA generator, or of the raw one without averaging."""
        network: nn.Module = self.state.generator_ema
        training = network.training
        network.eval()
        given = labels if self.config.network.conditional else None
        with torch.inference_mode():
            images = sampled(network, count, self.config.network.latent_dim, given, seed)
        network.train(training)
        return images


def plan_of(config: RunConfig, images: int) -> Plan:
    """Returns the plan of a configuration without intervals in time."""
    never = {"sample_every": "none", "evaluate_every": "none", "checkpoint_every": f"{FINE} steps"}
    return make_plan(replace(config, **never), images)


def good_student() -> RunConfig:
    """Returns the DCGAN of a good student: class-conditional, EMA generator, bfloat16 where the processor has it.

    A student finds these three in any current tutorial. All else is as in `dcgan`.
    """
    return replace(recipe("dcgan"), conditional=True, ema_half_life="5%", precision="auto")


def pocket(task: Task) -> GAN:
    """Returns the package's default recipe."""
    return GAN(task, recipe("pocket"))


def drifting(task: Task) -> GAN:
    """Returns the package's recipe without a discriminator."""
    return GAN(task, recipe("drifting"))


def dcgan(task: Task) -> GAN:
    """Returns the DCGAN of textbooks (Radford et al. 2016), the recipe `dcgan`: without classes, without averaging."""
    return GAN(task, recipe("dcgan"))


def student_dcgan(task: Task) -> GAN:
    """Returns the DCGAN of a good student; see `good_student`."""
    return GAN(task, good_student())
