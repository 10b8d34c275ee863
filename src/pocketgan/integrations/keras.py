"""A callback for Keras that records `Model.fit` as a run: `pocketgan.integrations.keras.Recorder`.

It needs Keras 3 and a model with a `train_step` of its own, whose losses have the names `d_loss` and `g_loss`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras  # pyright: ignore[reportMissingImports]

from pocketgan.integrations.session import Session

if TYPE_CHECKING:
    import numpy as np


class Recorder(keras.callbacks.Callback):
    """Records `Model.fit` as a run: `model.fit(images, callbacks=[Recorder(sample=draw, batch_size=32)])`.

    Args:
        folder: the run's folder; see `pocketgan.record`.
        data: the images that the model trains on; see `pocketgan.record`.
        sample: a function `(count, seed)` that returns generated images; see `pocketgan.record`.
        batch_size: the number of real images of each batch.
        names: other names for the values that the model logs: `{"disc_loss": "d_loss"}`.
        **options: more arguments of `pocketgan.record`.

    Raises:
        UserError: an argument is invalid.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        data: str | Path = "mnist",
        *,
        sample: Callable[..., Any],
        batch_size: int,
        names: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.session = Session(names, {"folder": folder, "data": data, "sample": sample, **options})
        self.batch_size, self._last = batch_size, -1

    def training_data(self) -> "tuple[np.ndarray, np.ndarray | None]":
        """Returns the images to train on and their labels, before `fit`; see `Recorder.training_data` of `record`."""
        return self.session.training_data()

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begins the recording."""
        self.session.begin()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Counts the batches of this epoch."""
        self._last = -1

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Reports a step, or several ones with `steps_per_execution`."""
        images, self._last = self.batch_size * (batch - self._last), batch
        if self.session.step(images, logs or {}):
            self.model.stop_training = True

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Ends the recording."""
        self.session.end()
