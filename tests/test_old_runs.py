"""What older versions saved opens, goes on, generates and is plotted for ever: the folders in `old_runs`."""

import base64
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pocketgan
from old_runs.make import machine, tensors_digest
from pocketgan.base.errors import ConfigError
from pocketgan.cli.flags import parse_recipe
from pocketgan.studies.presenting import Study, verdict_values
from pocketgan.studies.verdicts import judge
from pocketgan.training.checkpoints import read_checkpoint

PLACE = Path(__file__).parent / "old_runs"
VERSIONS = sorted(path.name for path in PLACE.iterdir() if (path / "expected.json").is_file())
RUNS = ("pocket", "redraw", "noise")


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of what one version saved."""
    return Path(shutil.copytree(PLACE / request.param, tmp_path / "old"))


def expected(old: Path, name: str) -> dict[str, Any]:
    return json.loads((old / "expected.json").read_text())[name]


def unpacked(text: str) -> np.ndarray:
    pixels = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return pixels.reshape(4, 1, 28, 28)


def test_there_are_some() -> None:
    assert "0.1.0" in VERSIONS


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_goes_on_as_it_would_have(old: Path, name: str) -> None:
    wanted = expected(old, name)
    run = pocketgan.resume(old / name, progress=False)
    assert run.status().state == "finished" and run.status().step == run.plan.steps
    for row, known in zip(run.stats(), wanted["rows"], strict=True):
        assert row["step"] == known["step"]
        assert [row[key] for key in ("d_loss", "g_loss")] == pytest.approx(
            [known[key] for key in ("d_loss", "g_loss")], rel=0.02
        )
    tensors = read_checkpoint(run.checkpoints()[-1]).tensors
    means = {key: tensor.double().mean().item() for key, tensor in tensors.items() if tensor.dim()}
    assert set(means) == set(wanted["means"])
    if wanted["machine"] == machine():
        assert tensors_digest(tensors) == wanted["bits"]


def test_a_copy_of_an_old_runs_settings_begins_a_new_run(old: Path, tmp_path: Path) -> None:
    copy = shutil.copy(old / "pocket" / "config.json", tmp_path / "mine.json")
    config, _ = parse_recipe("train", ["--config", str(copy)])
    assert config == pocketgan.open_run(old / "pocket").config
    (tmp_path / "newer.json").write_text('{"format": 99}')
    with pytest.raises(ConfigError) as caught:
        parse_recipe("train", ["--config", str(tmp_path / "newer.json")])
    assert caught.value.field == "config" and "99" in str(caught.value)


@pytest.mark.parametrize("name", ["pocket", "noise"])
def test_an_old_run_generates_the_same_images(old: Path, name: str) -> None:
    images = pocketgan.open_run(old / name).generate(4, seed=1, checkpoint="last").images
    assert np.abs(images.astype(int) - unpacked(expected(old, name)["images"])).max() <= 1


def test_an_old_run_redraws(old: Path) -> None:
    result = pocketgan.translate(old / "redraw", count=2)
    assert result.inputs.images.shape == result.outputs.images.shape == (2, 1, 28, 28)


def test_an_old_model_generates_the_same_images(old: Path) -> None:
    images = pocketgan.load(old / "pocket-model").generate(4, seed=1).images
    assert np.abs(images.astype(int) - unpacked(expected(old, "model")["images"])).max() <= 1


@pytest.mark.slow
def test_old_runs_are_listed_plotted_filmed_and_evaluated(old: Path, tmp_path: Path) -> None:
    assert {run.folder.name for run in pocketgan.list_runs(old)} == set(RUNS)
    assert len(pocketgan.plot(old / "pocket", old / "noise").save(tmp_path / "plots", "png")) >= 2
    assert len(pocketgan.timelapse(old / "pocket")) >= 2
    done = pocketgan.evaluate(
        old / "pocket", count=200, metrics="frechet_distance", checkpoint="last", progress=False, out=tmp_path / "page"
    )
    assert done.figures["frechet_distance"].value > 0


def test_an_old_study_is_judged(old: Path) -> None:
    study = Study.open(old / "study")
    verdict = study.verdict()
    assert [len(summary.finished) for summary in verdict.variants] == [2, 2]
    assert vars(verdict) == vars(judge(study))
    values = json.loads(json.dumps(verdict_values(verdict), allow_nan=False))
    assert [variant["finished"] for variant in values["variants"]] == [2, 2] and values["sentences"]
    assert len(values["comparisons"]) == 1 and values["undone"] == 0
    html = verdict._repr_html_()
    assert html.startswith("<table>") and html.count("<tr>") == 3 and "<li>" in html


def test_a_study_is_a_table(old: Path) -> None:
    pandas = pytest.importorskip("pandas")
    study = Study.open(old / "study")
    table = study.table()
    assert isinstance(table, pandas.DataFrame) and len(table) == 4
    assert list(table.columns[:3]) == ["variant", "seed", "state"] and table.columns[-1] == "seconds"
    assert list(table["seed"]) == [job.seed for job in study.jobs()]
    known = {job.variant: result.figures for job in study.jobs() if (result := job.result()) is not None}
    metric = study.config.metric
    assert list(table[metric])[-1] == list(known.values())[-1][metric]
