"""Studies over one's own parts: in processes of their own, from files and from objects."""

import os
import shutil
import textwrap
from pathlib import Path

import pytest
from torch import Tensor, nn, tanh

import pocketgan
from pocketgan.base.errors import ConfigError
from pocketgan.config import parts
from pocketgan.config.code import load_code
from pocketgan.studies.backends import run_all
from pocketgan.studies.config import study_config
from pocketgan.studies.own_code import OwnParts, own_parts
from pocketgan.studies.study import Study
from tiny_studies import SETTINGS


class Flat(nn.Module):
    """A plain generator: z → images as vectors."""

    def __init__(self, latent_dim: int = 6, *, hidden: int = 4) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, 784))

    def forward(self, z: Tensor) -> Tensor:
        return tanh(self.layers(z))


def fields(data: Path, **others: object) -> dict[str, object]:
    """Returns the fields of a study of a few steps."""
    settings = {**SETTINGS, "latent_dim": 6, "data": str(data)}
    tiny = {"count": 200, "metrics": ["frechet_distance"], "features": "random", "against": "train"}
    return {
        "name": "own",
        "recipe": "mlp",
        "seeds": 1,
        "fresh_seeds": 0,
        "duration": "3 steps",
        "settings": settings,
        **tiny,
        **others,
    }


def test_objects_and_options_are_factors(data: Path) -> None:
    config = study_config(fields(data, factors={"generator": ["mlp", Flat]}))
    assert config.factors == {"generator": ["mlp", "test_own_parts_studies.py:Flat"]}
    config = study_config(
        fields(data, settings={"generator": Flat, "latent_dim": 6}, factors={"generator_options": {"hidden": [2, 4]}})
    )
    widths = [variant.network.generator_options["hidden"] for variant in config.configs().values()]
    assert widths == [2, 4]
    with pytest.raises(ConfigError) as info:
        study_config(fields(data, settings={"generator": Flat}, factors={"generator_options": {"hiden": [2, 4]}}))
    assert info.value.parts["why"].key == "no option"


@pytest.mark.slow
def test_processes_work_in_the_folder_of_each_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that joblib keeps from an earlier call, whose folder is gone."""
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        shutil.rmtree(tmp_path / "first") if name == "second" else None
        places = list(run_all(lambda _: os.getcwd(), [0, 1], backend="local", jobs=2, cores=1))
        assert places == [str(folder)] * 2


def test_everything_handed_over_reaches_another_process(tmp_path: Path) -> None:
    """Also where the file isn't: then its text is written there."""
    file = tmp_path / "mine.py"
    file.write_text("from torch import nn\nclass Layer(nn.Module):\n    pass\n")
    load_code(file)
    parts.hand_over("generator", Flat)
    sent = own_parts()
    with parts.own_table():
        sent.hand_over()
        assert parts.get("generator", "mine.py:Layer").value.__name__ == "Layer"
        assert parts.get("generator", "test_own_parts_studies.py:Flat").value(latent_dim=3).layers[0].in_features == 3
    file.unlink()
    with parts.own_table():
        OwnParts(sent.files).hand_over()
        found = parts.get("generator", "mine.py:Layer").code
        assert found is not None
        assert found.path is not None
        assert found.path.parent != tmp_path


@pytest.mark.slow
def test_a_class_of_this_session_is_trained_by_the_processes_of_a_study(data: Path, tmp_path: Path) -> None:
    study = pocketgan.study(
        fields(data, factors={"generator": ["mlp", Flat]}), out=tmp_path / "study", jobs=2, progress=False
    )
    results = [result for found in study.results().values() for result in found]
    assert [result.state for result in results if result] == ["finished", "finished"]
    with parts.own_table():
        opened = Study.open(tmp_path / "study")
        assert opened.variants == study.variants
        assert pocketgan.report(tmp_path / "study").is_file()
        with pytest.raises(ConfigError):
            study_config(opened.config.model_dump())


@pytest.mark.slow
def test_a_study_of_a_file_with_code(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pocketgan.cli.main import main

    (tmp_path / "mine.py").write_text(
        textwrap.dedent(
            """
            import torch
            from torch import nn

            class Flat(nn.Module):
                def __init__(self, latent_dim, *, hidden: int = 4):
                    super().__init__()
                    self.layers = nn.Sequential(nn.Linear(latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, 784))

                def forward(self, z):
                    return torch.tanh(self.layers(z))
            """
        )
    )
    (tmp_path / "q.toml").write_text(
        textwrap.dedent(
            f"""
            name = "q"
            recipe = "mlp"
            seeds = 1
            fresh_seeds = 0
            duration = "3 steps"
            count = 200
            features = "random"
            against = "train"
            metrics = []
            [settings]
            generator = "mine.py:Flat"
            evaluate_every = "none"
            sample_every = "end"
            batch_size = 4
            data = {str(data)!r}
            [factors]
            generator_options.hidden = [2, 4]
            """
        )
    )
    monkeypatch.chdir(tmp_path)
    assert main(["study", "q.toml", "-o", "out", "-q"]) == 2, "without the code"
    assert main(["study", "q.toml", "-o", "out", "--code", "mine.py"]) == 0
    assert len(list((tmp_path / "out" / "runs").glob("*/seed-0/result.json"))) == 2
