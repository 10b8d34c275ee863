"""Metrics of one's own in training, recorded runs and studies."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import pocketgan
from pocketgan.base.errors import ConfigError, RunError
from pocketgan.cli.main import main
from pocketgan.config import parts
from pocketgan.config.code import load_code
from pocketgan.config.fields import replace, validated
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.experiment import resume_experiment, run_experiment
from pocketgan.metrics import METRICS, Metric
from pocketgan.runs.run import Run
from pocketgan.studies.config import study_config
from pocketgan.studies.running import run_study
from pocketgan.studies.search import check as check_search
from pocketgan.studies.sentences import sentences
from pocketgan.studies.study import Study
from pocketgan.studies.verdicts import judge
from pocketgan.training.checkpoints import read_checkpoint
from tiny_studies import SETTINGS

SOURCE = """
import numpy as np
from pocketgan.metrics import Metric

def sharpness(images):
    np.random.rand()
    return float(np.abs(np.diff(images.astype(float), axis=-1)).mean())

def breaks(images):
    return 1 / 0

sharp = Metric(sharpness, title="Sharpness", better="higher")
broken = Metric(breaks, title="Broken", better="lower")
greedy = Metric(lambda images: 1.0, title="Greedy", better="lower", least=100_000)
taken = Metric(sharpness, title="Recall", better="higher", name="recall")
number = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with metrics of one's own."""
    path = tmp_path / "marks.py"
    path.write_text(SOURCE)
    return path


def brightness(images: np.ndarray) -> float:
    """Returns the mean of all pixels."""
    return float(images.mean())


@pytest.fixture
def small(tiny_config: Callable[..., RunConfig], data: Path) -> Callable[..., RunConfig]:
    """A tiny configuration that is evaluated twice."""

    def make(**fields: object) -> RunConfig:
        usual = {"data": str(data), "features": "random", "validation": 0, "evaluate_count": 200, "threads": 1}
        return tiny_config(**(usual | {"evaluate_every": "2 steps"} | fields))

    return make


def test_the_configuration_knows_the_names_of_all_metrics() -> None:
    assert list(parts.BUILT_IN["metric"]) == list(METRICS)


def test_metrics_are_names_or_objects(small: Callable[..., RunConfig], file: Path) -> None:
    load_code(file)
    bright = Metric(brightness, title="Brightness", better="higher")
    config = small(metrics=["kernel_distance", "marks.py:sharp", bright])
    assert config.metrics == ["kernel_distance", "marks.py:sharp", "notebook:brightness"]
    assert {"marks.py", Path(__file__).name} <= config.code().keys(), "also the source of a metric without a variable"
    assert config.own_parts() == [("metric", name) for name in config.metrics[1:]]
    assert small().metrics == [] and "metric" not in small().parts
    assert replace(config, metrics="none").parts == {}
    for name, key in (
        ("marks.py:number", "not a metric"),
        ("marks.py:nothing", "not in the code"),
        ("other.py:sharp", "code missing"),
        ("os:system", "object missing"),
        ("../marks.py:sharp", "no part name"),
        ("fid", "no part"),
    ):
        with pytest.raises(ConfigError) as info:
            small(metrics=name)
        assert info.value.key == key
        assert info.value.field == "metrics"


def test_evaluations_during_training_measure_them(
    small: Callable[..., RunConfig], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_code(file)
    run = pocketgan.train(
        small(), metrics="marks.py:sharp,marks.py:broken,marks.py:greedy,two_sample", out=tmp_path / "run"
    )
    said = capsys.readouterr().err
    assert said.count("ZeroDivisionError") == 1, "a metric that fails is named once"
    assert "marks.py, line 10" in said and "100000" in said.replace(",", "")
    rows = run.metrics()
    assert len(rows) == 2
    for row in rows:
        assert row["sharpness"] > 0 and 0 <= row["two_sample"] <= 1
        assert not {"breaks", "greedy"} & row.keys()
        assert row["metrics"]["sharpness"] == {"title": "Sharpness", "better": "higher"}
    plain = run_experiment(small(), tmp_path / "plain")
    ours, theirs = (read_checkpoint(one.checkpoints()[-1]).tensors for one in (run, plain))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs), "metrics don't change training"
    assert {name: rows[-1][name] for name in ("frechet_distance", "recall")} == {
        name: plain.metrics()[-1][name] for name in ("frechet_distance", "recall")
    }


def test_runs_need_the_code_of_their_metrics_only_to_go_on(
    small: Callable[..., RunConfig], file: Path, tmp_path: Path
) -> None:
    load_code(file)
    run = run_experiment(small(metrics="marks.py:sharp"), tmp_path / "run")
    assert (run.folder / "code" / "marks.py").read_text() == SOURCE
    with parts.own_table():
        opened = Run.open(run.folder)
        assert opened.metrics()[-1]["sharpness"] > 0
        assert pocketgan.load(run.folder).generate(2).images.shape == (2, 1, 28, 28)
        with pytest.raises(ConfigError) as info:
            resume_experiment(run.folder, "8 steps")
        assert info.value.key == "code missing"
        values = opened.config.model_dump() | {"parts": {}}
        with pytest.raises(ConfigError):
            validated(values)
    file.write_text(SOURCE + "\n# changed\n")
    with parts.own_table():
        load_code(file)
        with pytest.raises(RunError) as refused:
            resume_experiment(run.folder, "8 steps")
        assert refused.value.key == "code changed"
    file.write_text(SOURCE)
    with parts.own_table():
        resumed = pocketgan.resume(run.folder, duration="8 steps", code=file, progress=False)
    assert [row["step"] for row in resumed.metrics() if "sharpness" in row] == [2, 4, 6, 8]


def test_a_recorded_run_measures_them(data: Path, tmp_path: Path) -> None:
    def draw(count: int, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).integers(256, size=(count, 28, 28), dtype=np.uint8)

    bright = Metric(brightness, title="Brightness", better="higher")
    options = {"validation": 0, "features": "random", "evaluate_count": 200, "evaluate_every": "2 steps"}
    with pocketgan.record(
        tmp_path / "run", str(data), sample=draw, pixel_range="uint8", metrics=[bright], progress=False, **options
    ) as run:
        for _ in range(4):
            run.step(images=8, d_loss=1.0, g_loss=1.0)
    rows = pocketgan.load(tmp_path / "run").metrics()  # pyright: ignore[reportAttributeAccessIssue]
    assert len(rows) == 2 and all(100 < row["brightness"] < 150 for row in rows)


# Studies.


def fields(data: Path, **others: object) -> dict[str, object]:
    """Returns the fields of a study of a few steps that a metric of one's own decides."""
    return {
        "name": "own",
        "recipe": "minimal",
        "seeds": 1,
        "fresh_seeds": 0,
        "duration": "4 steps",
        "settings": {**SETTINGS, "latent_dim": 6, "data": str(data), "evaluate_count": 200, "features": "random"},
        "factors": {"learning_rate": [0.001, 0.01]},
        "metric": "marks.py:sharp",
        "metrics": ["frechet_distance", "marks.py:sharp"],
        "count": 200,
        "features": "random",
        "against": "train",
    } | others


def test_a_study_stores_what_its_metrics_are(data: Path, file: Path) -> None:
    load_code(file)
    config = study_config(fields(data))
    assert (config.metric, config.metrics) == ("sharpness", ["frechet_distance", "sharpness"])
    assert config.better == "higher" and not config.lower_is_better and not config.contradicts
    assert study_config(fields(data, direction="lower")).contradicts
    with parts.own_table():
        stored = study_config(config.model_dump(), reading=True)
        assert stored.better == "higher" and stored.own_metrics["sharpness"].part == "marks.py:sharp"
    bright = Metric(brightness, title="Brightness", better="lower")
    config = study_config(fields(data, metric=bright, metrics=[bright, "recall"]))
    assert (config.metric, config.better, config.metrics) == ("brightness", "lower", ["brightness", "recall"])
    between = Metric(brightness, title="Brightness", better=None, ideal=128)
    config = study_config(fields(data, metric=between, metrics=[]))
    assert config.better == "nearest" and config.judged(100) == 28
    for name, key in (
        ("marks.py:number", "not a metric"),
        ("marks.py:taken", "metric twice"),
        ("no.py:such", "code missing"),
    ):
        with pytest.raises(ConfigError) as info:
            study_config(fields(data, metric=name))
        assert info.value.key == key


def test_the_runs_of_a_search_are_evaluated_by_the_metric_that_decides(data: Path, file: Path) -> None:
    load_code(file)
    ranges = {"learning_rate": {"low": 0.001, "high": 0.01}}
    base = fields(data, search="tpe", factors=ranges)
    settings = dict(base["settings"]) | {"evaluate_every": "2 steps", "metrics": ["two_sample"]}  # pyright: ignore[reportCallIssue, reportArgumentType]
    config = study_config(base | {"settings": settings})
    assert config.configure("a trial", {"learning_rate": 0.01}).metrics == ["two_sample", "marks.py:sharp"]
    check_search(config)


@pytest.mark.slow
def test_a_study_is_decided_by_a_metric_of_ones_own(
    data: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In two processes, from a file on the command line; its page needs no code."""
    monkeypatch.chdir(tmp_path)
    values = fields(data)
    settings = values.pop("settings")
    factors = values.pop("factors")
    lines = [f"{name} = {value!r}" for name, value in values.items()]
    for heading, section in (("settings", settings), ("factors", factors)):
        lines += [f"[{heading}]", *(f"{name} = {value!r}" for name, value in section.items())]  # pyright: ignore[reportAttributeAccessIssue]
    (tmp_path / "q.toml").write_text("\n".join(lines))
    assert main(["study", "q.toml", "-o", "out", "-q"]) == 2, "without the code"
    assert main(["study", "q.toml", "-o", "out", "-q", "--jobs", "2", "--code", str(file)]) == 0
    assert main(["study", "q.toml", "-o", "out", "-q", "--code", str(file)]) == 0, "going on"
    with parts.own_table():
        monkeypatch.delenv("POCKETGAN_CODE")
        study = Study.open(tmp_path / "out")
        for scores in study.figures().values():
            assert all(score is not None and score > 0 for score in scores)
        assert "sharpness" in pocketgan.report(tmp_path / "out").read_text()


@pytest.mark.slow
def test_a_further_metric_that_fails_is_named_with_its_reason(data: Path, file: Path, tmp_path: Path) -> None:
    load_code(file)
    names = ["frechet_distance", "marks.py:greedy"]
    study = run_study(study_config(fields(data, metrics=names)), tmp_path / "study", jobs="1")
    results = [result for some in study.results().values() for result in some]
    assert all(result is not None and list(result.unmeasured) == ["greedy"] for result in results)
    lines = sentences(judge(study))
    assert any(line.startswith("Greedy wasn't measured in 2 runs") and "100" in line for line in lines), lines
    assert all("Greedy" not in line for line in lines if "better" in line)
    assert any("Sharpness" in line for line in lines), "the title of one's own metric"


@pytest.mark.slow
def test_a_script_of_a_study_measures_them(data: Path, file: Path, tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(
        textwrap.dedent(
            f"""
            import sys
            import numpy as np
            import pocketgan
            from marks import sharp

            def draw(count, seed):
                return np.random.default_rng(seed).integers(int(sys.argv[1]), size=(count, 28, 28), dtype=np.uint8)

            options = dict(validation=0, features="random", evaluate_count=200, evaluate_every="2 steps")
            with pocketgan.record(
                data={str(data)!r}, sample=draw, pixel_range="uint8", metrics=[sharp], progress=False, **options
            ) as run:
                for _ in range(4):
                    run.step(images=8, d_loss=1.0, g_loss=1.0)
            """
        )
    )
    load_code(file)
    script = {
        "name": "script",
        "command": ["python", str(tmp_path / "loop.py"), "{levels}", "{seed}"],
        "factors": {"levels": [8, 256]},
        "metric": "marks.py:sharp",
        "metrics": ["marks.py:sharp"],
        "seeds": 1,
        "fresh_seeds": 0,
    }
    study = pocketgan.study(script, out=tmp_path / "study", jobs=1, progress=False)
    few, many = (scores[0] for scores in study.figures().values())
    assert few is not None and many is not None and few < 10 < 50 < many
