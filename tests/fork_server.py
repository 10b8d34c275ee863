"""The process of `forks.py`: imports everything, then forks for each request that comes through a socket."""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

LARGEST = 1 << 20
IMPORTED_LATE = ("torch._dynamo", "joblib", "plotly.graph_objects", "matplotlib.backends.backend_agg", "gradio")
"""Modules that are imported where they are first needed."""


def import_everything() -> None:
    """Imports all of Pocketgan, and what it imports late, and reads MNIST; extras may be missing."""
    import pocketgan

    inside = [module.name for module in pkgutil.walk_packages(pocketgan.__path__, "pocketgan.")]
    for name in (*inside, *IMPORTED_LATE):
        if not name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(name)
    from pocketgan.images.readers import read_mnist

    for part in ("train", "test"):
        read_mnist(part)  # It is kept.
    gc.freeze()  # Forks share what is there, also after a collection.


def serve(place: socket.socket) -> dict[str, Any] | None:
    """Answers requests until the tests end.

    Returns:
        In each fork its request, in the server itself None at the end.
    """
    while True:
        message, files, *_ = socket.recv_fds(place, LARGEST, 2)
        if not message:
            return None
        request = json.loads(message)
        if "pid" in request:
            pid, status = os.waitpid(request["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = os.fork()
            if answer == 0:
                place.close()
                for file, stream in zip(files, (1, 2), strict=True):
                    os.dup2(file, stream)
                    os.close(file)
                return request
            for file in files:
                os.close(file)
        place.send(json.dumps(answer).encode())


def run(request: dict[str, Any]) -> int:
    """Runs what was asked for, in a fork; returns the exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # The tests may run under nohup.
    if request["session"]:
        os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, errors="backslashreplace", closefd=False)
    sys.argv = ["pocketgan", *request["words"]]
    if request["code"]:
        exec(request["code"], {"__name__": "__main__"})
        return 0
    from pocketgan.cli.main import main

    return main()


def exit_code(work: Callable[[], int]) -> int:
    """Does the work of a fork; returns its exit code, as Python does."""
    try:
        return work()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:
        traceback.print_exc()
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        return 1


def end(code: int) -> NoReturn:
    """Ends a fork as Python ends, but leaves its memory to the system, since taking it apart takes a second."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which then end this process.
    connection = socket.socket(fileno=int(sys.argv[1]))
    import_everything()
    asked = serve(connection)
    if asked is not None:
        end(exit_code(lambda: run(asked)))
