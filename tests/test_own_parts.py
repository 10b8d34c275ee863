"""One's own networks, losses, optimizers and recipes: from files, as objects, and from installed packages."""

import json
from importlib.metadata import EntryPoint
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

import pocketgan
from pocketgan.api.checks import check
from pocketgan.base.errors import ConfigError, RunError, RunFailed, UserError
from pocketgan.cli.main import main
from pocketgan.config import parts
from pocketgan.config.code import load_code
from pocketgan.config.fields import replace, validated
from pocketgan.config.recipes import mlp, recipe
from pocketgan.experiment.experiment import resume_experiment, run_experiment
from pocketgan.networks import ImageShape, build_discriminator, build_generator, plain
from pocketgan.runs.run import Run
from pocketgan.testing import check_discriminator, check_generator, check_objective
from pocketgan.training.checkpoints import read_checkpoint
from pocketgan.training.objectives import Objective, separable
from pocketgan.training.schedules import rate_factor

SHAPE = ImageShape(1, 28)
SOURCE = """
from beside import units
import torch
from torch import nn
from torch.nn.functional import softplus
from pocketgan.config import recipes
from pocketgan.config.fields import replace
from pocketgan.training.objectives import separable

class Painter(nn.Module):
    def __init__(self, latent_dim, shape, *, channels: int = 4, act: str = "relu"):
        super().__init__()
        self.net = nn.Sequential(
            nn.ConvTranspose2d(latent_dim, channels, 7), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.ConvTranspose2d(channels, shape.channels, 4, 4), nn.Tanh(),
        )

    def forward(self, z):
        return self.net(z)

class Critic(nn.Module):
    def __init__(self, shape, hidden: int = units(4), sigmoid: bool = False):
        super().__init__()
        last = [nn.Sigmoid()] if sigmoid else []
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(shape.pixels, hidden), nn.Dropout(0.3), nn.Linear(hidden, 1), *last
        )

    def forward(self, images):
        return self.net(images)

class Sign(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, decay: float = 0.0):
        super().__init__(params, {"lr": lr, "decay": decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                state["step"] = state.get("step", 0) + 1
                parameter.add_(parameter.grad.sign(), alpha=-group["lr"] / (1 + group["decay"] * state["step"]))

soft = separable(lambda real: softplus(-real), softplus, lambda real, fake: softplus(-fake), unit="nats")

def half(progress):
    return 0.5

def recipe():
    return replace(
        recipes.mlp(), recipe="painter", latent_dim=6, generator=Painter, generator_options={"channels": 8},
        discriminator=Critic, objective=soft, batch_size=8, duration="6 steps", log_every="2 steps",
        checkpoint_every="3 steps", sample_every="end", sample_count=4, evaluate_every="none", device="cpu", threads=1,
    )
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with parts of one's own, and one beside it that it imports."""
    (tmp_path / "beside.py").write_text("def units(count):\n    return 2 * count\n")
    path = tmp_path / "my_gan.py"
    path.write_text(SOURCE)
    return path


class Flat(nn.Module):
    """A plain generator: z → images as vectors."""

    def __init__(self, latent_dim: int = 6) -> None:
        super().__init__()
        self.layer = nn.Linear(latent_dim, 784)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layer(z))


class Judging(nn.Module):
    """A plain discriminator that takes labels."""

    def __init__(self, num_classes: int = 0) -> None:
        super().__init__()
        self.layer = nn.Linear(784, 1)
        self.embedding = nn.Embedding(num_classes, 1) if num_classes else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        logits = self.layer(images.flatten(1))
        return logits if labels is None or self.embedding is None else logits + self.embedding(labels)


def refused(key: str, **fields: object) -> ConfigError:
    """Returns the error with which a configuration of these fields is refused, after checking its key."""

    def build() -> None:
        config = replace(mlp(), latent_dim=6, **fields)
        build_generator(config.network, SHAPE, config.data.pixel_range, 0)
        build_discriminator(config.network, SHAPE, 0)

    with pytest.raises(ConfigError) as info:
        build()
    assert info.value.key == key, info.value
    assert len(str(info.value).splitlines()) == 1
    return info.value


# Names and the table.


def test_a_file_is_loaded_and_its_parts_are_found_by_name(file: Path) -> None:
    load_code(file)
    config = recipe("my_gan.py:recipe")
    assert config.network.generator == "my_gan.py:Painter"
    assert config.objective.objective == "my_gan.py:soft"
    assert config.network.generator_options == {"channels": 8}
    assert config.facts("objective").unit == "nats"
    assert {"my_gan.py:Painter", "my_gan.py:Critic"} <= set(parts.names("generator"))
    assert parts.names("recipe") == ["my_gan.py:recipe"]
    assert validated(json.loads(config.model_dump_json())) == config


def test_objects_get_names_and_a_later_one_replaces_an_earlier() -> None:
    config = replace(mlp(), generator=Flat)
    assert config.network.generator == "test_own_parts.py:Flat"
    first = parts.get("generator", config.network.generator).value

    class Flat2(Flat):
        """The same name as another class."""

    Flat2.__name__ = "Flat"
    replace(mlp(), generator=Flat2)
    assert first is Flat
    assert parts.get("generator", config.network.generator).value is Flat2


@pytest.mark.parametrize("name", ["os:system", "../../x.py:main", "/etc/x.py:main", "torch.nn:Linear", "x.py:main"])
def test_what_is_read_runs_nothing(name: str, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration that names something else than a part that was handed over is refused in one line."""
    (tmp_path / "x.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    values = mlp().model_dump()
    values["network"]["generator"] = name
    for facts in ({}, {"generator": {}}):
        values["parts"] = facts
        with pytest.raises(ConfigError) as info:
            build_generator(validated(values).network, SHAPE, "signed", 0)
        assert len(str(info.value).splitlines()) == 1
    assert not (tmp_path / "ran").exists()
    assert main(["train", "mlp", f"--generator={name.replace('x.py', 'y.py')}", "--dry-run"]) == 2
    assert not (tmp_path / "ran").exists()


def test_recipes_of_installed_packages_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    point = EntryPoint("tiny", "nowhere:recipe", "pocketgan.recipes")
    without = capsys.readouterr().out
    with patch.object(parts, "installed", lambda kind: [point] if kind == "recipe" else []):
        assert main(["recipes"]) == 0
    assert capsys.readouterr().out.removeprefix(without).count("tiny") == 1


def test_an_entry_point_of_an_installed_package_is_a_part() -> None:
    point = EntryPoint("flat", f"{__name__}:Flat", "pocketgan.generators")

    with patch.object(parts, "installed", lambda kind: [point] if kind == "generator" else []):
        config = replace(mlp(), generator="flat", latent_dim=6)
        assert "flat" in parts.names("generator")
        assert isinstance(plain(build_generator(config.network, SHAPE, "signed", 0)), Flat)
    assert validated(config.model_dump()) == config, "its run can be read without the package"
    assert refused("no part", generator="flaat").parts["known"].startswith("mlp")
    assert refused("part of file", generator="flat.py").parts["file"] == "flat.py"


def test_what_is_not_there_says_how_to_hand_it_over(file: Path) -> None:
    load_code(file)
    assert refused("not in the code", generator="my_gan.py:Paintr").parts["hint"]
    assert refused("not in the code", generator="my_gan.py:torch")
    assert refused("not in the code", generator="my_gan.py:nn")
    assert refused("not a module", generator="my_gan.py:recipe")
    assert refused("not an objective", objective="my_gan.py:Painter")
    assert refused("code missing", generator="other.py:Painter").field == "generator"
    assert refused("object missing", generator="notebook:Painter")
    assert refused("no part name", generator="a/b")
    assert refused("an instance", generator=Flat())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def x(:\n", "bad.py, line 1: SyntaxError"),
        ("\nimport no_such_module\n", "bad.py, line 2: ModuleNotFoundError"),
        ("import sys\n\nsys.exit(3)\n", "bad.py, line 3: SystemExit"),
        ("raise ValueError('two\\nlines')\n", "bad.py, line 1: ValueError: two"),
    ],
)
def test_a_file_that_fails_says_where(text: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    assert main(["train", "--code", str(path), "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert why in line


# Options.


def test_options_are_typed_by_the_constructor(file: Path) -> None:
    load_code(file)
    config = replace(recipe("my_gan.py:recipe"), generator_options={"channels": "12", "act": "gelu"})
    assert config.network.generator_options == {"channels": 12, "act": "gelu"}
    config = replace(config, **{"generator_options.channels": 3, "discriminator_options.sigmoid": "false"})
    assert config.network.generator_options["channels"] == 3
    assert config.network.discriminator_options == {"sigmoid": False}
    for options, key in ({"chanels": 3}, "no option"), ({"channels": "many"}, "wrong option"):
        assert refused(key, generator="my_gan.py:Painter", generator_options=options).field == "generator_options"
    assert refused("no options", generator_options={"channels": 3})


def test_options_on_the_command_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "train",
        f"{file}:recipe",
        "--generator-options",
        "channels=3",
        "act=gelu",
        "--batch-size",
        "4",
        "--dry-run",
    ]
    assert main(words) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["network"]["generator_options"] == {"channels": 3, "act": "gelu"}
    assert values["train"]["batch_size"] == 4
    assert main(["train", f"{file}:recipe", "--generator-options", "channels", "--dry-run"]) == 2


# How networks are called.


def test_plain_networks_are_fitted(file: Path) -> None:
    load_code(file)
    config = recipe("my_gan.py:recipe")
    network = build_generator(config.network, SHAPE, "signed", 0)
    assert network(torch.zeros(3, 6)).shape == (3, 1, 28, 28)
    judge = build_discriminator(config.network, SHAPE, 0)
    assert judge(torch.zeros(3, 1, 28, 28)).shape == (3,)
    flat = replace(mlp(), generator=Flat, discriminator=Judging, latent_dim=6)
    assert build_generator(flat.network, SHAPE, "signed", 0)(torch.zeros(3, 6)).shape == (3, 1, 28, 28)
    conditional = build_discriminator(flat.network, ImageShape(1, 28, 10), 0)
    labels = torch.tensor([[1, 2], [3, 4], [5, 5]])
    both = conditional(torch.zeros(3, 1, 28, 28), labels)
    assert both.shape == (3, 2)
    assert torch.equal(both[:, 1], conditional(torch.zeros(3, 1, 28, 28), labels[:, 1]))


def test_initial_weights_depend_on_the_seed_alone() -> None:
    config = replace(mlp(), generator=Flat, latent_dim=6)
    before = torch.get_rng_state()
    first, again, other = (build_generator(config.network, SHAPE, "signed", seed) for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first.state_dict()["network.layer.weight"], again.state_dict()["network.layer.weight"])
    assert not torch.equal(first.state_dict()["network.layer.weight"], other.state_dict()["network.layer.weight"])


class Wide(Flat):
    """Images of another size."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.zeros(len(z), 1, 30, 30)


class Lost(Flat):
    """Values that aren't finite."""

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z) / 0


class Bright(Flat):
    """Values outside the range of images."""

    def forward(self, z: Tensor) -> Tensor:
        return 5 + super().forward(z)


class Two(nn.Module):
    """A discriminator with two outputs."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :2]


class Sure(Judging):
    """A discriminator that ends in a sigmoid."""

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.sigmoid(super().forward(images, labels)).squeeze(1)


def test_networks_that_do_not_fit_are_refused() -> None:
    assert "30" in str(refused("wrong output", generator=Wide))
    assert refused("output not finite", generator=Lost)
    assert refused("output outside", generator=Bright).parts["range"] == "[-1, 1]"
    assert refused("wrong output", discriminator=Two)
    assert refused("ends in sigmoid", discriminator=Sure)
    config = replace(mlp(), generator=Flat, latent_dim=6)
    with pytest.raises(ConfigError) as info:
        build_generator(config.network, ImageShape(1, 28, 10), "signed", 0)
    assert info.value.key == "takes no labels"


# Training.


def tensors_of(run: Run) -> dict[str, Tensor]:
    """Returns the tensors of a run's last checkpoint."""
    return read_checkpoint(run.checkpoints()[-1]).tensors


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "my_gan.py:Sign"])
def test_a_resumed_run_of_own_parts_is_the_same_bit_for_bit(optimizer: str, file: Path, tmp_path: Path) -> None:
    """Dropout in the discriminator uses PyTorch's global random numbers."""
    load_code(file)
    options = {"sgd": {"momentum": 0.9}, "my_gan.py:Sign": {"decay": 0.1}}.get(optimizer, {})
    config = replace(recipe("my_gan.py:recipe"), optimizer=optimizer, optimizer_options=options)
    whole = run_experiment(config, tmp_path / "whole")
    run_experiment(replace(config, duration="3 steps"), tmp_path / "part")
    torch.rand(5)
    part = resume_experiment(tmp_path / "part", "6 steps")
    expected, actual = tensors_of(whole), tensors_of(part)
    assert expected.keys() == actual.keys()
    assert all(torch.equal(expected[name], actual[name]) for name in expected)


def test_the_run_keeps_the_code_and_refuses_changed_code(file: Path, tmp_path: Path) -> None:
    load_code(file)
    run = run_experiment(recipe("my_gan.py:recipe"), tmp_path / "run")
    assert set(run.environment.code) == {"my_gan.py", "beside.py"}
    assert (run.folder / "code" / "my_gan.py").read_text() == SOURCE
    (file.parent / "beside.py").write_text("def units(count):\n    return count + count\n")
    with parts.own_table():
        load_code(file)
        with pytest.raises(RunError) as info:
            resume_experiment(run.folder, "8 steps")
        assert info.value.key == "code changed"
        assert info.value.parts["files"] == "beside.py"
        resumed = resume_experiment(run.folder, "8 steps", changed_code=True)
        (event,) = [event for event in resumed.events() if event["event"] == "code"]
        assert event["changed"] == ["beside.py"]
        assert resume_experiment(run.folder, "9 steps").status().step == 9, "the new code is the known code now"


def test_a_run_without_its_code_is_read_but_not_run(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_code(file)
    run = run_experiment(recipe("my_gan.py:recipe"), tmp_path / "run")
    with parts.own_table():
        assert Run.open(run.folder).config == run.config
        assert main(["runs", str(tmp_path)]) == 0
        assert "painter" in capsys.readouterr().out
        assert main(["plot", str(run.folder), "-o", str(tmp_path / "plots")]) == 0
        capsys.readouterr()
        for words in (
            ["generate"],
            ["resume", "--duration", "9 steps"],
            ["evaluate", "--count", "200", "-q"],
            ["summary"],
        ):
            assert main([words[0], str(run.folder), *words[1:]]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert "--code my_gan.py" in line
        out = str(tmp_path / "images.npz")
        assert main(["generate", str(run.folder), "-n", "4", "-o", out, "--code", str(file)]) == 0
    assert np.load(out)["images"].shape == (4, 1, 28, 28)


def test_objects_and_arrays_in_python(tmp_path: Path) -> None:
    loss = separable(lambda real: softplus(-real), softplus, lambda real, fake: softplus(-fake))
    images = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
    fields = {"latent_dim": 6, "duration": "2 steps", "batch_size": 4, "evaluate_every": "none", "sample_every": "end"}
    run = pocketgan.train(
        "mlp", out=tmp_path / "run", generator=Flat, discriminator=Judging, objective=loss,
        data=(torch.from_numpy(images), np.arange(40) % 2), progress=False, **fields,
    )  # fmt: skip
    assert run.facts.class_names == ("0", "1")
    assert run.generate(3).images.shape == (3, 1, 28, 28)
    assert pocketgan.resume(run, duration="3 steps", progress=False, generator=Flat).status().step == 3
    with pytest.raises(UserError):
        pocketgan.train("mlp", data=images * 1j, progress=False)


def test_schedules_of_ones_own(file: Path, tmp_path: Path) -> None:
    load_code(file)
    config = replace(recipe("my_gan.py:recipe"), schedule="my_gan.py:half")
    run = run_experiment(config, tmp_path / "run")
    assert rate_factor(3, run.plan, config.train.schedule) == 0.5
    negative = parts.hand_over("schedule", lambda progress: -1.0)
    assert {"my_gan.py:half", negative} <= set(parts.names("schedule"))
    with pytest.raises(ConfigError) as info:
        rate_factor(0, run.plan, negative)
    assert info.value.key == "no factor"


def test_a_schedule_that_ends_below_zero_fails_the_run_in_one_line(file: Path, tmp_path: Path) -> None:
    file.write_text(SOURCE + "\ndef below(progress):\n    return 0.5 - progress\n")
    load_code(file)
    with pytest.raises(RunFailed) as info:
        run_experiment(replace(recipe("my_gan.py:recipe"), schedule="my_gan.py:below"), tmp_path / "run")
    assert "must return a number of at least 0" in str(info.value) and "--changed-code" in str(info.value)
    assert Run.open(tmp_path / "run").status().state == "failed"


# Checks.


@pytest.mark.slow
def test_check_reports_what_to_mend(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = {report.name: report for report in check(file)}
    names = ("recipe", "Painter", "Critic", "soft", "Sign", "half")
    assert set(reports) == {f"my_gan.py:{name}" for name in names}
    assert not any(report.problems for report in reports.values())
    assert main(["check", f"{file}:Sign"]) == 0
    assert main(["check", f"{file}:soft"]) == 0
    capsys.readouterr()


def test_check_names_networks_that_do_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Alone they are problems; beside what fits, they may be layers, and get a remark."""
    wrong = """
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self, latent_dim):
        super().__init__()
        self.layer = nn.Linear(latent_dim, 100)

    def forward(self, z):
        return torch.tanh(self.layer(z))
"""
    right = wrong.replace("Small", "Right").replace("100", "784")
    (tmp_path / "wrong.py").write_text(wrong)
    (tmp_path / "both.py").write_text(wrong + right)
    (report,) = check(tmp_path / "wrong.py")
    assert report.name == "wrong.py:Small"
    assert report.problems
    assert main(["check", str(tmp_path / "wrong.py")]) != 0
    reports = {report.name: report for report in check(tmp_path / "both.py")}
    assert [len(reports[f"both.py:{name}"].problems) for name in ("Small", "Right")] == [0, 0]
    assert reports["both.py:Small"].checks[0].note
    (report,) = check(tmp_path / "both.py", "Small")
    assert report.problems


class Noisy(Flat):
    """Random in evaluation mode, with a parameter that nothing uses and a tensor that isn't saved."""

    def __init__(self, latent_dim: int = 6) -> None:
        super().__init__(latent_dim)
        self.unused = nn.Parameter(torch.zeros(3))
        self.lost = torch.randn(784)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layer(z) + self.lost + torch.randn(784))


def test_the_contract_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketgan.api.checks.onnx_exporter", lambda: None)  # PyTorch's own part of it is faster.
    check_generator(Flat, latent_dim=6)
    check_discriminator(Judging)
    check_objective(separable(lambda real: softplus(-real), softplus, lambda real, fake: softplus(-fake)))
    with pytest.raises(AssertionError) as info:
        check_generator(Noisy, latent_dim=6)
    for part in ("gradient", "twice", "global random", "loads"):
        assert part in str(info.value)
    with pytest.raises(AssertionError):
        check_discriminator(Sure)
    with pytest.raises(AssertionError):
        check_objective(Objective(lambda real, fake: (real + fake).mean(), lambda real, fake: fake.exp() ** 9))
