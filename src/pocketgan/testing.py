"""The contract of parts, for the tests of packages that add their own."""

from pocketgan.api.checks import (
    check_discriminator,
    check_generator,
    check_metric,
    check_objective,
    check_optimizer,
    check_schedule,
)

__all__ = [
    "check_discriminator",
    "check_generator",
    "check_metric",
    "check_objective",
    "check_optimizer",
    "check_schedule",
]
