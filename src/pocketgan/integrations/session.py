"""A recording that begins and ends by calls instead of a `with` statement, as callbacks need it."""

import atexit
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pocketgan.api.recordings import record

if TYPE_CHECKING:
    import numpy as np

    from pocketgan.experiment.recording import Recorder


class Session:
    """A recording of the loop of another library.

    Args:
        names: other names of logged values, by the library's: `{"disc_loss": "d_loss"}`.
        options: the arguments of `pocketgan.record`.

    Attributes:
        recorder: the recorder; None before the beginning and after the end.
    """

    def __init__(self, names: Mapping[str, str] | None, options: Mapping[str, Any]) -> None:
        self._names, self._made = dict(names or {}), record(**options)
        self.recorder: Recorder | None = None

    def begin(self) -> "Recorder":
        """Begins the recording, if it hasn't begun."""
        if self.recorder is None:
            self.recorder = self._made.__enter__()
            atexit.register(self.fail)
        return self.recorder

    def training_data(self) -> "tuple[np.ndarray, np.ndarray | None]":
        """Begins the recording; returns the images to train on, and their labels. See `Recorder.training_data`."""
        return self.begin().training_data()

    def step(self, images: int, logged: Mapping[str, Any]) -> bool:
        """Reports a step; returns whether the loop should end.

        Args:
            images: the number of real images.
            logged: the values that the loop logs.
        """
        recorder = self.begin()
        recorder.step(images=images, **{self._names.get(name, name): value for name, value in logged.items()})
        return recorder.stop

    def end(self) -> None:
        """Ends the recording of a loop that has ended by itself, or because it was asked to."""
        self._leave(None)

    def fail(self, error: BaseException | None = None) -> None:
        """Ends the recording of a loop that an error ended, which is by default the one that ends the program."""
        self._leave(error or getattr(sys, "last_value", None) or RuntimeError())

    def _leave(self, error: BaseException | None) -> None:
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            atexit.unregister(self.fail)
            recorder.__exit__(None if error is None else type(error), error, None)
