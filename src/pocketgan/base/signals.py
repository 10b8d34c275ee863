"""The signals at which a command saves what it has and ends."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals at which a run saves and ends: Ctrl-C, a polite request, a terminal that is closed."""


@contextmanager
def stop_on_signals(asked: threading.Event | None = None) -> Iterator[threading.Event]:
    """Turns the first signal to stop into a set event (a new one, or `asked`); a second one acts as before."""
    stop = asked or threading.Event()
    with on_first_signal(stop.set):
        yield stop


@contextmanager
def on_first_signal(act: Callable[[], object]) -> Iterator[None]:
    """Calls `act` at the first of `STOPPING` inside, in the main thread; a second one acts as it did before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {}

    def handle(number: int, _: object) -> None:
        act()
        signal.signal(number, previous[number])

    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN or number == signal.SIGINT:  # `nohup` has hang-ups ignored.
            previous[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
