"""Matplotlib, imported whatever MPLBACKEND names.

A notebook hands that variable on to the programs that are started from it. Where the backend it names isn't installed,
importing Matplotlib fails, in our modules and in those of others, although we draw to files and need no backend.
"""

import os
import sys
from contextlib import suppress

VARIABLE = "MPLBACKEND"


def import_matplotlib() -> None:
    """Imports Matplotlib now if MPLBACKEND is set, and chooses that backend where it is there, as Matplotlib does."""
    backend = os.environ.get(VARIABLE)
    if not backend or "matplotlib" in sys.modules:
        return
    del os.environ[VARIABLE]
    try:
        import matplotlib as mpl
    finally:
        os.environ[VARIABLE] = backend
    with suppress(ValueError):
        mpl.rcParams["backend"] = backend
