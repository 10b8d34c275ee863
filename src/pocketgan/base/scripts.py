"""Errors in a person's own script: one line and an exit code, as in commands, where nobody catches them."""

import builtins
import sys
from types import TracebackType

from pocketgan.base.errors import INTERRUPTED, PocketganError

_installed = False


class Interrupted(KeyboardInterrupt):
    """An end that a signal asked for, with a message about what is saved."""


def end_in_one_line() -> None:
    """Makes Pocketgan's errors end a script with one line and their exit code instead of a traceback.

    Only errors that nobody catches are concerned. Nothing changes in notebooks and in Python's shell, where the error
    is shown as any other.
    """
    global _installed
    interactive = hasattr(sys, "ps1") or bool(sys.flags.interactive) or hasattr(builtins, "__IPYTHON__")
    if _installed or interactive:
        return
    _installed = True
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, PocketganError):
            sys.stderr.write(f"error: {error}\n")
            raise SystemExit(error.exit_code)
        if isinstance(error, Interrupted):
            sys.stderr.write(f"{error}\n")
            raise SystemExit(INTERRUPTED)
        before(kind, error, trace)

    sys.excepthook = hook
