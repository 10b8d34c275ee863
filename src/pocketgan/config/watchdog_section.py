"""The configuration's section of the watchdog."""

from typing import Literal

from pydantic import Field

from pocketgan.config.data_section import Section


class WatchdogConfig(Section):
    """When the watchdog reports a failure, and what to do then. Some limits are constants in `diagnosis.py`."""

    on_failure: Literal["auto", "continue", "stop", "rollback"] = "continue"
    """What to do when the watchdog detects a failure: continue, stop, or go back to the last healthy checkpoint with
    half the learning rate (three times at most). `auto`: on one's own images, go back where training diverges; on the
    package's MNIST, for which `pocket` is tuned, continue."""
    watch_window: int = Field(default=3, ge=2, le=100)
    """Evaluations in a row that must show a failure; a single bad evaluation can be chance."""
    watch_progress: float = Field(default=0.1, gt=0, lt=1)
    """A run improves while its best Fréchet distance within the window is lower by more than this fraction than its
    best before. Mode collapse, a discriminator that is too strong, and oscillation are reported only when it
    doesn't."""
    watch_accuracy: float = Field(default=0.97, gt=0.5, le=1)
    """The discriminator is too strong when it classifies this fraction correctly on both sides; healthy runs stay below
    0.95 after their first steps."""
    watch_modes: float = Field(default=0.5, gt=0, le=1)
    """Mode collapse: at most this fraction of the classes is generated. Runs of `pocket` and `dcgan` generate all,
    small recipes 7 to 9 of ten."""
    watch_kl: float = Field(default=0.7, gt=0)
    """Mode collapse: KL divergence of the class histogram from the real one, in nats; ln 2 means half is missing."""
    watch_duplicates: float = Field(default=0.3, gt=0, le=1)
    """Mode collapse: this fraction has a near-duplicate in the same sample; real images have 0.01 by definition."""
    watch_coverage: float = Field(default=0.1, ge=0, le=1)
    """Mode collapse: near-duplicates count only if coverage is at most this."""
    watch_swing: float = Field(default=0.4, gt=0)
    """Oscillation: the Fréchet distance rises and falls by this fraction of itself, in turn."""
    watch_hop: float = Field(default=0.4, gt=0, le=1)
    """Oscillation: this fraction of the images changes class between evaluations; the latents are the same."""
    watch_overfitting: float = Field(default=0.4, gt=0, le=1)
    """Discriminator overfitting: r_v (Karras et al. 2020), how far the scores of validation images have moved toward
    those of generated ones, from 0 to 1. Their augmentation targets 0.6 of a similar measure."""
    watch_overfitting_deviations: float = Field(default=4.0, gt=0)
    """Discriminator overfitting: r_v must also exceed 0 by this many standard errors, because r_v is noisy (from −1 to
    0.8 in healthy runs of `pocket`) where the discriminator hardly separates real from generated images."""
    watch_authentic: float = Field(default=0.6, gt=0, lt=1)
    """Memorization: authenticity is at most this many times that of validation images; copies have 0."""
    watch_copying: float = Field(default=-1.0, lt=0)
    """Memorization: C_T (Meehan et al. 2020), in standard deviations. Real images score about 0 ± 1, copies far
    below."""
    watch_past_best: float = Field(default=1.5, gt=1)
    """Quality degrading: the Fréchet distance is this many times its best, all through the window."""
    watch_stagnation: int = Field(default=8, ge=3, le=1000)
    """Stagnation: this many evaluations in a row within 2% of each other, far from the real-data baseline."""
