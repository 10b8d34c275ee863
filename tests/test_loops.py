"""`pocketgan.steps`: the training loop without a folder."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pocketgan
from pocketgan.base.errors import UserError

ROOT = Path(__file__).parent.parent
SMALL: dict[str, Any] = {"hidden_dim": 8, "batch_size": 4, "threads": 1, "sample_count": 4, "evaluate_every": "none"}


def digits(path: Path) -> Path:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    np.savez(path, images=images, labels=np.arange(40) % 4)
    return path


def test_the_loop_trains_as_train_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = digits(tmp_path / "digits.npz")
    fields = {**SMALL, "data": data, "duration": "5 steps", "log_every": "2 steps"}
    loop = pocketgan.steps("minimal", **fields)
    ticks = list(loop)
    assert [tick.step for tick in ticks if tick.row] == [2, 4, 5] and ticks[-1].last
    assert ticks[0].measures.keys() >= {"d_loss", "g_loss"}
    assert [path.name for path in tmp_path.iterdir()] == ["digits.npz"], "nothing is written"
    run = pocketgan.train("minimal", out=tmp_path / "run", progress=False, **fields)
    trained = run.generator("last").state_dict()
    assert all(torch.equal(value, trained[name]) for name, value in loop.generator_ema.state_dict().items())
    assert list(loop) == [], "it is at its end"


def test_each_step_can_be_seen_and_the_loop_goes_on(tmp_path: Path) -> None:
    loop = pocketgan.steps("minimal", every_step=True, **SMALL, data=digits(tmp_path / "d.npz"), duration="6 steps")
    for tick in loop:
        if tick.step == 3:
            break
    assert loop.state.step == 3 and loop.plan.steps == 6 and len(loop.images) == 40
    assert [tick.step for tick in loop] == [4, 5, 6]
    assert loop.discriminator(torch.zeros(2, 1, 8, 8), None).shape == (2,)


def test_a_wrong_setting_is_refused() -> None:
    with pytest.raises(UserError):
        pocketgan.steps("minimal", hiden_dim=3)


def test_the_example_of_the_guide_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "how-to" / "look-inside-training.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    short = block.replace('"200 steps"', '"4 steps", hidden_dim=8, batch_size=4').replace("50 steps", "2 steps")
    assert len(block.splitlines()) <= 15
    exec(compile(short, "guide", "exec"), {})
    rows = [[float(cell) for cell in line.split()] for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == [2, 4] and np.isfinite(rows).all()
