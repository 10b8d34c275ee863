"""Mistakes in one's own networks, losses, metrics, recipes and options: one line, with the place."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pocketgan
from pocketgan.api.checks import check
from pocketgan.base.errors import ConfigError, RunFailed
from pocketgan.cli.main import main
from pocketgan.config import parts
from pocketgan.config.code import load_code
from pocketgan.config.fields import replace
from pocketgan.config.recipes import mlp, recipe
from pocketgan.config.sections import RunConfig
from pocketgan.config.shell import code_flags
from pocketgan.experiment.experiment import run_experiment
from pocketgan.metrics import Judge, Metric
from pocketgan.networks import ImageShape, build_discriminator, build_generator
from pocketgan.runs.run import Run

SHAPE = ImageShape(1, 28)
SOURCE = """
from enum import Enum
import torch
from torch import nn
from pocketgan.config import recipes
from pocketgan.config.fields import replace

class Mode(Enum):
    SOFT = "soft"
    HARD = "hard"

class Painter(nn.Module):
    def __init__(self, latent_dim, widths: tuple[int, ...] = (4, 8), mode: Mode = Mode.SOFT, scales=(0.5, 1.0),
                 depth: int | None = None, slope: float = 0.1, *, broken: bool = False):
        super().__init__()
        self.options, self.broken = (widths, mode, scales, depth, slope), broken
        self.layer = nn.Linear(latent_dim, 784)

    def forward(self, z):
        if self.broken and self.training:
            raise KeyError("lost")
        return torch.tanh(self.layer(z)) if z.sum().item() < 1e9 else z

class Sure(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 1)

    def forward(self, images):
        return torch.sigmoid(self.layer(images.flatten(1)))

def recipe():
    return replace(recipes.mlp(), generator=Painter)

def wrong_recipe():
    return replace(recipes.mlp(), generatr=Painter)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with networks and recipes of one's own."""
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return path


class Linear(nn.Module):
    """A layer for images of 784 pixels."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.layer = nn.Linear(latent_dim, 784)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layer(z))


class Detached(Linear):
    """Images without a gradient."""

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z).detach()


class Hidden(Linear):
    """A layer that PyTorch doesn't know of."""

    def __init__(self, latent_dim: int) -> None:
        nn.Module.__init__(self)
        self.layers = [nn.Linear(latent_dim, 784)]

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layers[0](z))


class Two(Linear):
    """At most two images, however many latents there are."""

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z)[:2]


class TwoLogits(nn.Module):
    """At most two logits."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(784, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images.flatten(1))[:2]


@pytest.mark.parametrize(
    ("generator", "key"), [(Detached, "no gradient"), (Hidden, "no parameters"), (Two, "wrong output")]
)
def test_networks_that_training_can_not_use_are_refused_before_it(generator: type[nn.Module], key: str) -> None:
    config = replace(mlp(), generator=generator, latent_dim=6)
    with pytest.raises(ConfigError) as info:
        build_generator(config.network, SHAPE, "signed", 0)
    assert info.value.key == key
    config = replace(mlp(), discriminator=TwoLogits)
    with pytest.raises(ConfigError) as info:
        build_discriminator(config.network, SHAPE, 0)
    assert info.value.key == "wrong output"


def options_of(**options: object) -> tuple[object, ...]:
    """Returns what the generator's constructor got for options."""
    config = replace(mlp(), generator="mine.py:Painter", generator_options=options, latent_dim=6)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    return build_generator(config.network, SHAPE, "signed", 0).network.options  # pyright: ignore[reportReturnType, reportAttributeAccessIssue]


def test_options_may_be_lists_and_enumerations(file: Path) -> None:
    mode = load_code(file).attribute("Mode", "code")
    assert options_of() == ((4, 8), mode.SOFT, (0.5, 1.0), None, 0.1)
    assert options_of(widths="8,16", mode="hard", scales="2", depth="3") == ((8, 16), mode.HARD, (2.0,), 3, 0.1)
    assert options_of(widths=(8,), mode=mode.HARD, scales=[1, 2]) == ((8,), mode.HARD, (1.0, 2.0), None, 0.1)
    wrong = {"widths": "8,x", "mode": "loud", "depth": "none", "slope": "nan", "broken": "maybe", "scales": "a"}
    kinds = {"widths": "int,…", "mode": "soft | hard", "depth": "int", "slope": "float", "broken": "bool"}
    for option, value in wrong.items():
        with pytest.raises(ConfigError) as info:
            options_of(**{option: value})
        assert info.value.key == "wrong option"
        assert info.value.parts["kind"] == kinds.get(option, "float,…")


def test_code_that_fails_in_training_is_named_and_the_run_goes_on_when_it_is_mended(
    file: Path, tmp_path: Path, tiny_config: Callable[..., RunConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    code = load_code(file)
    config = tiny_config("mlp", generator="mine.py:Painter", generator_options={"broken": True}, threads=1)
    with pytest.raises(RunFailed) as info:
        run_experiment(config, tmp_path / "run")
    cause = info.value.parts["why"]
    assert cause.key == "own code failed"
    assert cause.parts["why"].startswith("mine.py, line 21: KeyError")
    assert "--changed-code" in info.value.parts["command"]
    assert Run.open(tmp_path / "run").status().state == "failed"
    file.write_text(SOURCE.replace("if self.broken and", "if not self.layer and"))
    flags = ["--code", str(file), "--quiet"]
    assert code.path == file
    assert main(["resume", str(tmp_path / "run"), *flags]) == 2
    assert main(["resume", str(tmp_path / "run"), "--changed-code", *flags]) == 0
    assert Run.open(tmp_path / "run").status().state == "finished"
    assert main(["generate", str(tmp_path / "run"), "-n", "4", "-o", str(tmp_path / "4.png"), "--code", str(file)]) == 0
    capsys.readouterr()


def test_code_that_fails_while_the_speed_is_measured_starts_nothing(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["mlp", "--generator", f"{file}:Painter", "--generator-options", "broken=true", "--duration", "5 s"]
    assert main(["train", *words, "--out", str(tmp_path / "run"), "--threads", "1"]) == 2
    error = capsys.readouterr().err.splitlines()
    assert "mine.py, line 21" in error[-1]
    assert not (tmp_path / "run").exists()


def test_recipes_say_where_they_fail(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_code(file)
    with pytest.raises(ConfigError) as info:
        recipe("mine.py:wrong_recipe")
    assert (info.value.key, info.value.field, info.value.parts["path"]) == ("in file", "recipe", "mine.py, line 36")
    assert info.value.parts["why"].key == "no such setting"
    with pytest.raises(ConfigError) as info:
        recipe("mine.py")
    assert info.value.key == "recipe of file"
    capsys.readouterr()


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError) as info:
        load_code(tmp_path / "bytes.py")
    assert info.value.parts["path"] == "bytes.py"


def test_commands_name_the_file_where_it_is(
    file: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_code(file)
    config = recipe("mine.py:recipe")
    monkeypatch.chdir(tmp_path.parent)
    assert code_flags(config) == ["--code", str(Path(tmp_path.name) / "mine.py")]
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert code_flags(config) == ["--code", str(file)]
    with parts.own_table():
        assert code_flags(config) == ["--code", "mine.py"]


@pytest.mark.slow
def test_check_names_a_sigmoid_beside_a_recipe(file: Path) -> None:
    reports = {report.name: report for report in check(file)}
    assert [one.key for one in reports["mine.py:Sure"].problems] == ["ends in sigmoid"]
    assert reports["mine.py:Sure"].kind == "discriminator"
    assert reports["mine.py:wrong_recipe"].problems[0].problem.startswith("mine.py, line 36")
    (problem,) = reports["mine.py:Painter"].problems
    assert "\x1b" not in problem.problem and problem.name == "exports to ONNX"


# Metrics.


def test_metrics_say_where_they_fail() -> None:
    def shapes(images: np.ndarray) -> float:
        return float((images + np.zeros(3)).mean())

    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    odd = [lambda _: float("nan"), lambda _: float("inf")]
    metrics = [
        Metric(shapes, "Shapes", "lower", 20),
        *(Metric(one, f"odd{i}", "lower", 20) for i, one in enumerate(odd)),
    ]
    skipped = Judge(images, metrics=["all", *metrics]).score(images[:40]).skipped
    place = f"{Path(__file__).name}, line {shapes.__code__.co_firstlineno + 1}: ValueError"
    assert place in skipped["shapes"]
    assert {"odd0", "odd1"} <= skipped.keys()


def brightness(images: np.ndarray, power: int) -> float:
    """Returns a moment of all pixels."""
    return float((images / 255.0).__pow__(power).mean())


def test_metrics_that_functions_make_keep_their_source(
    tmp_path: Path, data: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    """Neither a variable of a module nor a file to load holds them, so that they must be handed over again."""
    partial = Metric(functools.partial(brightness, power=2), "Power", "lower")
    inner = Metric(lambda images: float(images.mean()), "Inner", "lower")
    assert parts.name_of("metric", inner) == "notebook:inner"
    usual = {"data": str(data), "features": "random", "validation": 0, "evaluate_count": 200, "threads": 1}
    config = tiny_config(**usual, evaluate_every="4 steps", metrics=[partial, inner])
    run = run_experiment(config, tmp_path / "run")
    assert {"power", "inner"} <= run.metrics()[-1].keys()
    assert list(run.environment.code) == [Path(__file__).name]
    assert (run.folder / "code" / Path(__file__).name).read_text() == Path(__file__).read_text()
    with parts.own_table(), pytest.raises(ConfigError) as info:
        pocketgan.resume(run.folder, duration="6 steps", progress=False)
    assert info.value.key == "object missing"
    again = pocketgan.resume(run.folder, duration="6 steps", progress=False, metrics=[partial, inner])
    assert again.status().step == 6
