"""Shapes and types are checked at run time in tests: the hook must be there before anything imports pocketgan."""

from jaxtyping import install_import_hook

# An int is taken where a float is written, as type checkers do (PEP 484).
install_import_hook("pocketgan", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
