"""The plan of a run: every duration of its configuration, in training steps. Made once, kept with the run.

A duration in time becomes a number of steps from a speed measured before the run, so that a run that was
interrupted follows the same plan and ends with the same bits.
"""

import math

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from pocketgan.config.durations import Duration
from pocketgan.config.sections import RunConfig

EMA_SHARE = 0.05
"""The average's half-life is at most this share of the images seen so far, unless the configuration says another."""


class Plan(BaseModel):
    """Durations in training steps (fractions where an interval is no whole number of steps).

    Attributes:
        duration: the configuration's duration that this was made from.
        steps: the whole run.
        log_every, sample_every, checkpoint_every, evaluate_every, warmup: as in the configuration; None for never.
        sample_at_end: whether a sample is written at the end, whatever `sample_every` is.
        ema_half_life: of the averaged generator, in images; None where there is none, or where it is a share alone.
        ema_share: the half-life is at most this share of the images seen so far (Karras et al. 2022,
            `ema_rampup_ratio`); None without an averaged generator.
        steps_per_second: the speed that durations in time were planned with, or None.
        open_ended: whether the run's length isn't known, as of many recorded runs; `steps` is then its length so far.
            A recorded run follows its configured intervals, and those in its plan have no meaning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    duration: str
    steps: int = Field(ge=1)
    log_every: float = Field(gt=0, validation_alias=AliasChoices("log_every", "tick_every"))
    sample_every: float | None = Field(gt=0)
    sample_at_end: bool = True
    checkpoint_every: float = Field(gt=0)
    evaluate_every: float | None = Field(default=None, gt=0)
    warmup: float | None = Field(gt=0)
    ema_half_life: float | None = Field(gt=0)
    ema_share: float | None = Field(default=EMA_SHARE, gt=0, le=1)
    steps_per_second: float | None = Field(gt=0)
    open_ended: bool = False

    def half_life_after(self, nimg: int) -> float:
        """Returns the average's half-life in images after so many, which are some."""
        return min(self.ema_half_life or math.inf, nimg * (self.ema_share or math.inf))


def needs_speed(config: RunConfig) -> bool:
    """Whether a duration of the configuration is given in time, so that a speed must be measured first."""
    train = config.train
    texts = (train.duration, train.checkpoint_every, config.pictures.sample_every, config.evaluation.evaluate_every)
    return any(Duration.parse(text).seconds is not None for text in texts if text not in ("none", "end"))


def make_plan(config: RunConfig, images: int, steps_per_second: float | None = None) -> Plan:
    """Counts the configuration's durations in steps.

    Args:
        config: the run's configuration.
        images: images an epoch.
        steps_per_second: the measured speed; needed where `needs_speed(config)`.
    """

    def steps(text: str) -> float | None:
        if text in ("none", "end"):
            return None
        return Duration.parse(text).in_steps(config.train.batch_size, images, steps_per_second)

    def interval(text: str) -> float:
        return max(1.0, steps(text) or 1.0)

    sample_every, evaluate_every = config.pictures.sample_every, config.evaluation.evaluate_every
    average = config.train.ema_half_life
    by_share = average.endswith("%")
    half_life = None if by_share else steps(average)
    return Plan(
        duration=config.train.duration,
        steps=max(1, math.ceil((steps(config.train.duration) or 1) - 1e-9)),
        log_every=interval(config.train.log_every),
        sample_every=interval(sample_every) if sample_every not in ("none", "end") else None,
        sample_at_end=sample_every != "none",
        checkpoint_every=interval(config.train.checkpoint_every),
        evaluate_every=interval(evaluate_every) if evaluate_every != "none" else None,
        warmup=steps(config.train.warmup),
        ema_half_life=None if half_life is None else half_life * config.train.batch_size,
        ema_share=float(average[:-1]) / 100 if by_share else None if average == "none" else EMA_SHARE,
        steps_per_second=steps_per_second,
    )


def due(step: int, interval: float | None) -> bool:
    """Whether a multiple of `interval` falls on step `step`: never for None, at every k·interval rounded up."""
    if interval is None:
        return False
    return math.floor(step / interval + 1e-9) > math.floor((step - 1) / interval + 1e-9)


def what_is_due(step: int, plan: Plan, stopped: bool) -> tuple[bool, bool, bool, bool, bool]:
    """Returns whether a row, a sample, an evaluation and a checkpoint are due after a step, and whether it is the last.

    Args:
        step: the step.
        plan: the run's.
        stopped: whether training ends here because somebody asked for it.
    """
    last = step >= plan.steps
    checkpoint = due(step, plan.checkpoint_every) or last or stopped
    evaluate = due(step, plan.evaluate_every) or (last and plan.evaluate_every is not None)
    row = due(step, plan.log_every) or checkpoint or evaluate
    sample = due(step, plan.sample_every) or (last and plan.sample_at_end)
    return row, sample, evaluate, checkpoint, last
