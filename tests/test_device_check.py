"""The check of a device, on the one that every machine has."""

import pytest
import torch

import device_check
from pocketgan.config.recipes import RECIPES


@pytest.mark.slow
def test_the_cpu_is_like_itself(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["device_check.py", "--device", "cpu", "--seconds", "0.2", "--recipes", "minimal,white-background"]
    monkeypatch.setattr("sys.argv", words)
    assert device_check.main() == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if "| cpu |" in line]
    assert len(rows) == 2 and not any("NO" in row for row in rows)


def test_noise_is_drawn_on_the_cpu_whatever_the_device() -> None:
    with device_check.noise_of_the_cpu():
        first = torch.randn((2, 3), device="meta")
        second = torch.rand(4, 1)
    assert first.device.type == "meta" and second.shape == (4, 1)
    assert {"minimal", "pocket"} <= set(RECIPES)
