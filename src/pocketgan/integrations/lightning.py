"""A callback for Lightning that records `Trainer.fit` as a run: `pocketgan.integrations.lightning.Recorder`.

It works with `lightning` and with `pytorch_lightning`. The losses that the module logs have the names `d_loss` and
`g_loss`. With several processes, only the first one records.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    from lightning.pytorch import Callback  # pyright: ignore[reportMissingImports]
except ImportError:
    from pytorch_lightning import Callback  # pyright: ignore[reportMissingImports]

from pocketgan.integrations.session import Session

if TYPE_CHECKING:
    import numpy as np


class Recorder(Callback):
    """Records `Trainer.fit` as a run: `Trainer(callbacks=[Recorder(sample=draw)])`.

    Args:
        folder: the run's folder; see `pocketgan.record`.
        data: the images that the module trains on; see `pocketgan.record`.
        sample: a function `(count, seed)` that returns generated images; see `pocketgan.record`.
        names: other names for the values that the module logs: `{"train/d": "d_loss"}`.
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
        names: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.session = Session(names, {"folder": folder, "data": data, "sample": sample, **options})

    def training_data(self) -> "tuple[np.ndarray, np.ndarray | None]":
        """Returns the images to train on and their labels, before `fit`; see `Recorder.training_data` of `record`."""
        return self.session.training_data()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begins the recording."""
        if trainer.is_global_zero:
            self.session.begin()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Reports a step."""
        if trainer.is_global_zero and self.session.step(images_in(batch), trainer.callback_metrics):
            trainer.should_stop = True

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Ends the recording."""
        self.session.end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Ends the recording of a loop that failed."""
        self.session.fail(exception)


def images_in(batch: Any) -> int:
    """Returns the number of images in a batch, which may be an array, or a list or a dict of arrays."""
    while isinstance(batch, list | tuple | Mapping) and batch:
        batch = next(iter(batch.values())) if isinstance(batch, Mapping) else batch[0]
    return len(batch)
