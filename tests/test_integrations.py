"""Callbacks for Keras and Lightning, with stand-ins for both libraries, and with the real ones where they are there."""

import sys
from collections.abc import Iterator
from importlib import import_module, reload
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pocketgan.base.errors import UserError
from pocketgan.runs.run import Run

OPTIONS: dict[str, Any] = {
    "sample_every": "none",
    "evaluate_every": "none",
    "log_every": "1 step",
    "features": "random",
    "progress": False,
    "name": "mine",
}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "noise.npz", images=np.random.default_rng(1).integers(0, 256, (300, 8, 8), dtype=np.uint8))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETGAN_RUN", raising=False)
    monkeypatch.setattr("pocketgan.base.scripts._installed", True)


def noise(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 8, 8))


class Callback:
    """A callback that does nothing."""


def stand_in(monkeypatch: pytest.MonkeyPatch, library: str, module: ModuleType, name: str) -> Any:
    """Returns the module of an integration, imported with a stand-in for its library."""
    monkeypatch.setitem(sys.modules, library, module)
    monkeypatch.delitem(sys.modules, f"pocketgan.integrations.{name}", raising=False)
    return import_module(f"pocketgan.integrations.{name}")


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    library = ModuleType("keras")
    library.callbacks = SimpleNamespace(Callback=Callback)  # pyright: ignore[reportAttributeAccessIssue]
    yield stand_in(monkeypatch, "keras", library, "keras")
    sys.modules.pop("pocketgan.integrations.keras", None)


@pytest.fixture
def lightning(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    library = ModuleType("lightning.pytorch")
    library.Callback = Callback  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "lightning", ModuleType("lightning"))
    yield stand_in(monkeypatch, "lightning.pytorch", library, "lightning")
    sys.modules.pop("pocketgan.integrations.lightning", None)


def test_a_fit_of_keras_becomes_a_run(keras: Any) -> None:
    callback = keras.Recorder("run", "noise.npz", sample=noise, batch_size=10, names={"gen": "g_loss"}, **OPTIONS)
    callback.model = SimpleNamespace(stop_training=False)
    images, labels = callback.training_data()
    assert (images.shape, labels) == ((240, 1, 8, 8), None)
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        for batch in (1, 3, 5):  # Two batches at a time.
            callback.on_train_batch_end(batch, {"d_loss": 1.0, "gen": np.float32(2)})
    assert not callback.model.stop_training
    callback.on_train_end()
    run = Run.open("run")
    assert (run.status().state, run.status().step, run.status().nimg) == ("finished", 6, 120)
    assert not run.environment.feeds_itself
    assert (run.stats()[-1]["d_loss"], run.stats()[-1]["g_loss"]) == (1.0, 2.0)


def test_keras_stops_when_the_recorder_says_so(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = keras.Recorder("run", "noise.npz", sample=noise, batch_size=10, **OPTIONS)
    callback.model = SimpleNamespace(stop_training=False)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.session.recorder._ending = ("finished", 1, "")
    callback.on_train_batch_end(0, {})
    assert callback.model.stop_training
    callback.on_train_end()


def test_a_fit_that_fails_is_a_failed_run(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = keras.Recorder("run", "noise.npz", sample=noise, batch_size=10, **OPTIONS)
    callback.on_train_begin()
    monkeypatch.setattr(sys, "last_value", ValueError("too large"), raising=False)
    callback.session.fail()  # As at the end of the program.
    assert Run.open("run").status().state == "failed"
    assert "too large" in Run.open("run").status().message
    callback.on_train_end()
    assert Run.open("run").status().state == "failed"


def test_an_invalid_option_is_refused_at_once(keras: Any) -> None:
    with pytest.raises(UserError):
        keras.Recorder(sample=noise, batch_size=10, evaluate_every="often")


def test_a_fit_of_lightning_becomes_a_run(lightning: Any) -> None:
    callback = lightning.Recorder("run", "noise.npz", sample=noise, names={"train/d": "d_loss"}, **OPTIONS)
    trainer = SimpleNamespace(is_global_zero=True, callback_metrics={"train/d": 1.5}, should_stop=False)
    callback.on_train_start(trainer, None)
    for batch in (np.zeros((4, 1)), [np.zeros((5, 1)), None], {"images": np.zeros((6, 1))}):
        callback.on_train_batch_end(trainer, None, None, batch, 0)
    callback.on_train_end(trainer, None)
    run = Run.open("run")
    assert (run.status().state, run.status().nimg, run.stats()[-1]["d_loss"]) == ("finished", 15, 1.5)
    assert not trainer.should_stop


def test_lightning_records_in_its_first_process_and_its_failures(lightning: Any) -> None:
    callback = lightning.Recorder("run", "noise.npz", sample=noise, **OPTIONS)
    other = SimpleNamespace(is_global_zero=False)
    callback.on_train_start(other, None)
    callback.on_train_batch_end(other, None, None, np.zeros((4, 1)), 0)
    callback.on_train_end(other, None)
    assert not Path("run").exists()
    first = SimpleNamespace(is_global_zero=True, callback_metrics={}, should_stop=False)
    callback = lightning.Recorder("run", "noise.npz", sample=noise, **OPTIONS)
    callback.on_train_start(first, None)
    callback.on_exception(first, None, ValueError("too large"))
    assert "too large" in Run.open("run").status().message


@pytest.mark.other_packages
@pytest.mark.skipif(find_spec("keras") is None, reason="keras isn't installed")
def test_with_keras_itself() -> None:
    import keras

    module = reload(import_module("pocketgan.integrations.keras"))
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer="adam")
    callback = module.Recorder("run", "noise.npz", sample=noise, batch_size=30, names={"loss": "d_loss"}, **OPTIONS)
    pixels = callback.training_data()[0].reshape(-1, 64) / 255
    model.fit(pixels, np.ones((len(pixels), 1)), batch_size=30, epochs=2, callbacks=[callback], verbose=0)
    run = Run.open("run")
    assert (run.status().state, run.status().nimg) == ("finished", 480)  # Two epochs; 60 of 300 images are held out.
    assert run.stats()[-1]["d_loss"] > 0


@pytest.mark.other_packages
@pytest.mark.skipif(find_spec("lightning") is None, reason="lightning isn't installed")
@pytest.mark.filterwarnings("ignore")  # Its own, of the PyTorch that it was not written for.
def test_with_lightning_itself() -> None:
    import lightning
    import torch

    module = reload(import_module("pocketgan.integrations.lightning"))

    class Model(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(64, 1)

        def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
            loss = self.layer(batch[0]).square().mean()
            self.log("d_loss", loss)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    callback = module.Recorder("run", "noise.npz", sample=noise, **OPTIONS)
    pixels = torch.from_numpy(callback.training_data()[0]).reshape(-1, 64) / 255
    batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(pixels), batch_size=30)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    lightning.Trainer(max_epochs=2, callbacks=[callback], **quiet).fit(Model(), batches)
    run = Run.open("run")
    assert (run.status().state, run.status().nimg) == ("finished", 480)  # Two epochs; 60 of 300 images are held out.
    assert run.stats()[-1]["d_loss"] >= 0
