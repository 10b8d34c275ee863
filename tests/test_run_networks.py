"""A run's networks as modules, and its rows as a DataFrame."""

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pocketgan.base.errors import UserError
from pocketgan.images.sets import to_uint8
from pocketgan.runs.run import Run


@pytest.fixture(scope="module")
def told(small_runs: Path) -> Run:
    return Run.open(small_runs / "told")


def test_the_generator_makes_the_images_of_the_run(told: Run) -> None:
    network, images = told.generator(), told.generate(6, seed=2)
    assert not network.training and not any(one.requires_grad for one in network.parameters())
    assert images.latents is not None
    made = network(torch.from_numpy(images.latents), torch.arange(6) % 2)
    assert made.shape == (6, 1, 28, 28)
    assert np.array_equal(to_uint8(made, told.config.data.pixel_range).numpy(), images)
    with pytest.raises(UserError):
        told.generator(checkpoint=99)


def test_the_discriminator_gives_a_logit_for_each_image(told: Run) -> None:
    network = told.discriminator()
    images, labels = torch.rand(5, 1, 28, 28) * 2 - 1, torch.arange(5) % 2
    assert not network.training and network(images, labels).shape == (5,)
    assert torch.equal(network(images, labels), network(images, labels))
    with pytest.raises(UserError):
        told.discriminator(checkpoint=99)


def test_the_rows_are_a_table(told: Run) -> None:
    pandas = pytest.importorskip("pandas")
    table = told.frame()
    assert isinstance(table, pandas.DataFrame)
    assert list(table["step"]) == [row["step"] for row in told.stats()] == [1, 2, 3, 4]
    assert list(table["d_loss"]) == [row["d_loss"] for row in told.stats()]


def test_without_pandas_it_is_said_in_one_line(told: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def refuse(name: str, *given: Any, **others: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return usual(name, *given, **others)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UserError) as caught:
        told.frame()
    assert caught.value.key == "no pandas"
