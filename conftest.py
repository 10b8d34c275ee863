"""Shapes and types are checked at run time in tests: the hook must be there before anything imports pocketgan.

Checks take a third of the time of a training. `make test-slow` does without them, since `make test` has them.
"""

import os

from jaxtyping import install_import_hook

if os.environ.get("CHECK_TYPES", "1") != "0":
    # An int is taken where a float is written, as type checkers do (PEP 484).
    install_import_hook("pocketgan", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
