"""Shapes and types are checked at run time in tests: the hook must be there before anything imports pocketgan.

The checks of all modules take as long as the tests themselves. So `make test` checks networks and metrics, where shapes
matter most, `make test-types` everything in some tests, and `make test-slow` nothing.
"""

import gc
import os

from jaxtyping import install_import_hook

CHECKED = os.environ.get("CHECK_TYPES", "pocketgan.networks,pocketgan.metrics")
"""Packages whose functions are checked, with commas between; empty for none."""

if CHECKED:
    # An int is taken where a float is written, as type checkers do (PEP 484).
    checker = "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
    install_import_hook(CHECKED.split(","), checker)

# A test process holds a million objects of its packages. To look through all of them takes a third of a second, so that
# is done less often.
gc.set_threshold(20_000, 10, 50)
