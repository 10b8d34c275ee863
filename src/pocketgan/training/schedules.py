"""The factor on the learning rate over a training: warm-up, and the package's schedules or one of one's own."""

import math

from pocketgan.base.errors import ConfigError
from pocketgan.config import parts
from pocketgan.config.plan import Plan
from pocketgan.config.sections import RunConfig


def rate_factor(step: int, plan: Plan, schedule: str, decay_start: float = 0.0) -> float:
    """Returns the factor on the learning rate at `step` (0 is the first): warm-up times schedule.

    The schedule begins once the fraction `decay_start` of the planned steps is done. One's own schedule gets the
    progress since then, from 0 to 1, and returns a factor of at least 0.

    Raises:
        ConfigError: one's own schedule returns something else.
    """
    warmup = 1.0 if plan.warmup is None else min(1.0, (step + 1) / plan.warmup)
    return warmup * schedule_factor(step, plan, schedule, decay_start)


def schedule_factor(step: int, plan: Plan, schedule: str, decay_start: float) -> float:
    """Returns the schedule's factor on the learning rate at `step`, without the warm-up; see `rate_factor`."""
    progress = max(0.0, (step / plan.steps - decay_start) / (1 - decay_start))
    if schedule == "linear":
        return 1 - progress
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    return 1.0 if schedule in parts.BUILT_IN["schedule"] else own_factor(schedule, progress)


def at_step(config: RunConfig, step: int, plan: Plan) -> tuple[RunConfig, float]:
    """Returns the configuration of a step, whose R1 and R2 may have fallen, and the factor on the learning rate."""
    train, objective = config.train, config.objective
    rate = rate_factor(step, plan, train.schedule, train.decay_start)
    if objective.penalty_end == 1:
        return config, rate
    fallen = objective.at(min(1.0, schedule_factor(step, plan, train.schedule, train.decay_start)))
    return config.model_copy(update={"objective": fallen}), rate


def own_factor(schedule: str, progress: float) -> float:
    """Returns the factor of one's own schedule at a progress in [0, 1].

    Raises:
        ConfigError: the schedule returns something else than a number of at least 0.
    """
    value = parts.get("schedule", schedule).value(progress)
    if not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0):
        shown = value if isinstance(value, int | float) else type(value).__name__
        raise ConfigError("no factor", field="schedule", name=schedule, progress=f"{progress:g}", value=shown)
    return value
