"""A Matplotlib import that succeeds for every value of MPLBACKEND.

A notebook passes that variable to the programs it starts. If the backend named there isn't installed, importing
Matplotlib fails in our modules and in those of others, although Pocketgan only writes files and needs no backend.
"""

import os
import sys
from contextlib import suppress

VARIABLE = "MPLBACKEND"


def import_matplotlib() -> None:
    """Imports Matplotlib now if MPLBACKEND is set, and selects that backend if it is installed, as Matplotlib does."""
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
