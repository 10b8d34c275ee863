"""Packages that some tests need."""

from importlib.util import find_spec

import pytest


def needs(name: str, reason: str) -> None:
    """Skips a module of tests without a package. It isn't imported yet, since that can take seconds."""
    if find_spec(name) is None:
        pytest.skip(reason, allow_module_level=True)
