"""Files of one's own code with any name, options of one name for two networks, and weights that two layers share."""

from pathlib import Path

import numpy as np
import pytest
import torch

import pocketgan
from pocketgan.api.checks import check
from pocketgan.base.errors import UserError
from pocketgan.cli.main import main
from pocketgan.config.code import file_name, load_code
from pocketgan.config.parts import get, own_table
from pocketgan.config.recipes import recipe
from pocketgan.runs.run import Run
from pocketgan.training.checkpoints import read_checkpoint

SOURCE = """
import sys
import torch
from torch import nn
from torch.nn.functional import leaky_relu
from pocketgan.config import recipes
from pocketgan.config.fields import replace
from pocketgan.metrics import Metric
from pocketgan.training.objectives import Objective


class Painter(nn.Module):
    def __init__(self, latent_dim, shape, hidden=8, width=3, tied=False):
        super().__init__()
        self.first, self.last = nn.Linear(latent_dim, hidden), nn.Linear(hidden, shape.pixels)
        self.middle, self.again = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)
        if tied:
            self.again.weight = self.middle.weight

    def forward(self, z):
        return torch.tanh(self.last(leaky_relu(self.again(leaky_relu(self.middle(self.first(z)))))))


class Critic(nn.Module):
    def __init__(self, shape, hidden=8):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(shape.pixels, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1)
        )

    def forward(self, images):
        return self.layers(images)


class Ending(nn.Module):
    def __init__(self, latent_dim, shape):
        super().__init__()
        self.layer = nn.Linear(latent_dim, shape.pixels)

    def forward(self, z):
        sys.exit()


def recipe():
    options = {"generator_options": {"hidden": 6, "width": 5}, "discriminator_options": {"hidden": 3}}
    quick = {"duration": "4 steps", "batch_size": 8, "evaluate_every": "none", "sample_every": "end"}
    return replace(recipes.mlp(), generator=Painter, discriminator=Critic, **options, **quick)


network = nn.Linear(2, 2)
known = Metric(lambda images: 1.0, "Recall", "higher", name="recall")
infinite = Objective(lambda real, fake: torch.exp(100 * real), lambda real, fake: -fake)
"""
NAMES = ("gan (1).py", "日本.py", "-a,b.py")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", images=rng.integers(0, 256, (64, 8, 8), dtype=np.uint8))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETGAN_CODE", raising=False)
    monkeypatch.setattr("pocketgan.api.checks.onnx_exporter", lambda: None)  # It takes seconds.


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_can_be_checked_trained_opened_and_resumed(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(SOURCE)
    with own_table():
        kinds = [report.kind for report in check(tmp_path / name, "recipe")]
        assert kinds == ["recipe", "generator", "discriminator"], "each network once"
        called = f"{file_name(Path(name))}:recipe"
        assert main(["train", "--code", f"./{name}", called, "--data", "data.npz", "--out", "run", "--quiet"]) == 0
    with own_table():
        run = Run.open("run")  # Without its code.
        assert {part for _, part in run.config.own_parts()} == {
            f"{file_name(Path(name))}:{one}" for one in ("Painter", "Critic")
        }
        assert main(["resume", "run", "--code", f"./{name}", "--duration", "6 steps", "--quiet"]) == 0
        assert main(["generate", "run", "--code", f"./{name}", "--count", "4", "--out", "four.png"]) == 0
    capsys.readouterr()


def test_a_run_of_an_older_version_finds_its_code(tmp_path: Path) -> None:
    (tmp_path / "my gan.py").write_text(SOURCE)
    with own_table():
        load_code(tmp_path / "my gan.py")
        assert get("generator", "my_gan.py:Painter").value is get("generator", "my gan.py:Painter").value


def test_two_names_that_look_alike_are_two_files(tmp_path: Path) -> None:
    for name in ("my gan.py", "my_gan.py"):
        (tmp_path / name).write_text(SOURCE)
    with own_table():
        first, second = (load_code(tmp_path / name) for name in ("my gan.py", "my_gan.py"))
        assert first.attribute("Painter", "code").__module__ != second.attribute("Painter", "code").__module__


def test_options_of_one_name_belong_to_their_own_network(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    where = ["--code", "mine.py", "--data", "data.npz", "--quiet"]
    with own_table():
        assert main(["train", "mine.py:recipe", "--out", "run", *where]) == 0
        network = Run.open("run").config.network
        assert network.generator_options == {"hidden": 6, "width": 5} and network.discriminator_options == {"hidden": 3}
        words = ["train", "--config", "run", "--out", "again", "--generator-options", "hidden=4", *where]
        assert main(words) == 0
        network = Run.open("again").config.network
        assert network.generator_options == {"hidden": 4, "width": 5} and network.discriminator_options == {"hidden": 3}


def test_shared_weights_are_saved_and_resumed_bit_for_bit(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    with own_table():
        load_code(tmp_path / "mine.py")
        fields = {"generator_options.tied": True, "data": str(tmp_path / "data.npz"), "ema_half_life": "4 steps"}
        config = recipe("mine.py:recipe")
        straight = pocketgan.train(config, out="straight", duration="8 steps", progress=False, **fields)
        pocketgan.train(config, out="twice", duration="4 steps", progress=False, **fields)
        resumed = pocketgan.resume("twice", duration="8 steps", progress=False)
        first, second = (read_checkpoint(run.checkpoints()[-1]).tensors for run in (straight, resumed))
        assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
        ties = [name for name in first if name.endswith("middle.weight") and not name.startswith("g_optimizer")]
        assert ties and all(torch.equal(first[one], first[one.replace("middle", "again")]) for one in ties)
        assert len(pocketgan.load(straight.folder).generate(3)) == 3


def test_checks_of_a_taken_name_an_instance_an_infinite_loss_and_an_exit(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    with own_table():
        assert [one.name for one in check(path, "known")[0].checks if one.problem] == ["has a name of its own"]
        assert [bool(one.problem) for one in check(path, "infinite")[0].checks] == [True, False]
        with pytest.raises(UserError) as info:
            check(path, "network")
        assert info.value.key == "an instance"
        with pytest.raises(UserError) as info:
            check(path, "Ending")
        assert info.value.key == "code exits" and "mine.py, line" in str(info.value)
