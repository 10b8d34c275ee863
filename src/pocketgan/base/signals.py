"""Signals that make a command save its work and end."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals at which a run saves and ends: SIGINT (Ctrl-C), SIGTERM (termination), SIGHUP (a closed terminal)."""


@contextmanager
def stop_on_signals(asked: threading.Event | None = None) -> Iterator[threading.Event]:
    """Yields an event, `asked` or a new one, that the first stop signal sets; a second one has its usual effect."""
    stop = asked or threading.Event()
    with on_first_signal(stop.set):
        yield stop


@contextmanager
def on_first_signal(act: Callable[[], object]) -> Iterator[None]:
    """Calls `act` at the first signal of `STOPPING` inside, in the main thread; a second one has its usual effect."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {}

    def handle(number: int, _: object) -> None:
        act()
        signal.signal(number, previous[number])

    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN or number == signal.SIGINT:  # `nohup` ignores SIGHUP.
            previous[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
