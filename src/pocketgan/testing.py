"""The contract of networks and objectives, for the tests of packages that add their own."""

from pocketgan.api.checks import check_discriminator, check_generator, check_objective

__all__ = ["check_discriminator", "check_generator", "check_objective"]
