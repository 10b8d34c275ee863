"""Studies over scripts: each run is a process that records itself, with a verdict as for recipes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pocketgan
from pocketgan.base.errors import ConfigError
from pocketgan.cli.main import main
from pocketgan.studies.commands import filled, placeholders, script_name
from pocketgan.studies.config import StudyConfig, study_config
from pocketgan.studies.jobs import run_job
from pocketgan.studies.predeclared import read_study
from pocketgan.studies.report.findings import find, settings_of
from pocketgan.studies.report.method import method, toml
from pocketgan.studies.running import run_study
from pocketgan.studies.scripts import last_line
from pocketgan.studies.study import STOP, Study
from pocketgan.studies.verdicts import judge
from pocketgan.studies.versions import Changed, start_again
from refusals import refused
from tiny_studies import contents, without_page

SCRIPT = """
import sys
import time

import numpy as np

import pocketgan

spread, seed, how = float(sys.argv[1]), int(sys.argv[2]), (sys.argv[3:] or [""])[0]
rng = np.random.default_rng(seed)


def draw(count, seed):
    return np.clip(np.random.default_rng(seed).normal(0, spread, (count, 8, 8)) + rng.normal(0, 0.01), -1, 1)


if how == "silent":
    sys.exit()
print("hello")
often = {"sample_every": "none", "evaluate_every": "2 steps", "evaluate_count": 200, "log_every": "1 step"}
settings = {"spread": spread, "seed": seed}
data = {"data": "noise.npz", "validation": 200, "features": "random"}
with pocketgan.record(sample=draw, settings=settings, **data, **often) as run:
    for step in range(10_000 if how == "long" else 4):
        if how == "fails" and spread > 0.4:
            raise ValueError("the loss exploded")
        if how == "long":
            time.sleep(0.01)
        run.step(images=10, d_loss=1.0, g_loss=spread)
        if run.stop:
            break
"""
"""A loop that trains nothing: its images are noise, whose spread is a setting."""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script and its data are in the working directory; studies look often, and write no page."""
    rng = np.random.default_rng(1)
    images = np.clip(rng.normal(127.5, 50, (1000, 8, 8)), 0, 255).astype(np.uint8)
    np.savez(tmp_path / "noise.npz", images=images)
    (tmp_path / "my_gan.py").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETGAN_RUN", raising=False)
    monkeypatch.setattr("pocketgan.studies.jobs.POLL_SECONDS", 0.02)
    without_page(monkeypatch)


def study_of(*words: str, **fields: Any) -> StudyConfig:
    """Returns a study of two spreads on two seeds."""
    usual: dict[str, Any] = {
        "name": "spreads",
        "seeds": 2,
        "fresh_seeds": 0,
        "metrics": [],
        "factors": {"spread": [0.4, 0.9]},
    }
    return study_config(usual | {"command": ["python", "my_gan.py", "{spread}", "{seed}", *words]} | fields)


# The command.


def test_a_command_is_filled_in() -> None:
    command = ["python", "my_gan.py", "--lr={lr}", "--{{lr}}", "{name}/{seed}", '{"a": {lr}}', "{fast}"]
    assert placeholders(command) == ["lr", "name", "seed", "fast"]
    words = filled(command, {"lr": 2e-4, "name": "{seed} x", "fast": True}, 7)
    assert words == [sys.executable, "my_gan.py", "--lr=0.0002", "--{lr}", "{seed} x/7", '{"a": 0.0002}', "true"]
    assert script_name(command) == "my_gan"
    assert script_name(["/opt/my tool/train it"]) == "train-it"
    assert script_name(["python", "-m", "mine"]) == "script"


def test_variants_of_a_script() -> None:
    config = study_of(settings={"depth": 3}, command=["python", "my_gan.py", "{spread}", "{seed}", "{depth}"])
    variants = config.configs()
    assert list(variants) == ["spread=0.4", "spread=0.9"]
    one = variants["spread=0.9"]
    assert (one.kind, one.recipe, one.settings) == ("recorded", "my_gan", {"depth": 3, "spread": 0.9})


def test_a_name_of_a_setting_is_the_scripts_own() -> None:
    names = {"generator": ["a", "b"], "classes": [1, 2], "steps": [5]}
    command = ["run", "{generator}", "{classes}", "{steps}", "{seed}"]
    assert len(study_of(factors=names, command=command).configs()) == 4


def test_what_a_command_lacks_is_refused() -> None:
    with refused("unknown placeholder", "command", placeholder="{spraed}"):
        study_of(command=["python", "my_gan.py", "{spraed}", "{spread}", "{seed}"])
    with refused("unused setting", "factors", setting="lr"):
        study_of(factors={"spread": [0.4, 0.9], "lr": [1.0]})
    with refused("unused setting", "settings", setting="lr"):
        study_of(settings={"lr": 1.0})
    with refused("no seed in command", "command"):
        study_of(command=["python", "my_gan.py", "{spread}"])
    with refused("seed of scripts", "factors"):
        study_of(factors={"spread": [1.0], "seed": [1, 2]})
    for field, value in (("recipe", "mlp"), ("duration", "5 steps"), ("against", "train"), ("count", 500)):
        with refused("decided by the script", field):
            study_of(**{field: value})
    with pytest.raises(ConfigError):
        study_of(command=[])


def test_what_is_not_there_is_refused_before_anything_starts() -> None:
    with refused("no script", "command", name="your_gan.py"):
        run_study(study_of(command=["python", "your_gan.py", "{spread}", "{seed}"]), "out")
    with refused("no program", "command", name="no-such-program"):
        run_study(study_of(command=["no-such-program", "{spread}", "{seed}"]), "out")
    with refused("metric not in training", "metric", metric="two_sample"):
        run_study(study_of(metric="two_sample"), "out")
    assert not Path("out").exists()


def test_a_study_file_names_a_command() -> None:
    path = Path("q.toml")
    path.write_text(toml(study_of()))
    assert read_study(path) == study_of()
    path.write_text('command = ["python", "my_gan.py", "{seed}"]\n[factors]\nlr = [1, 2]\n')
    assert main(["study", str(path)]) == 2


def test_the_last_line_of_errors(tmp_path: Path) -> None:
    path = tmp_path / "stderr.txt"
    path.write_bytes(b"Traceback\n" + b"x" * 100_000 + b"\nerror: it is \xff\n\n  \n")
    assert last_line(path) == "it is \N{REPLACEMENT CHARACTER}"
    path.write_bytes(b"")
    assert last_line(path) == ""


# Runs.


@pytest.mark.slow
def test_a_study_over_a_script() -> None:
    study = run_study(study_of(seeds=1, first_seed=1, fresh_seeds=1), "out", jobs="2")
    results = study.results()
    assert [result.state for row in results.values() for result in row if result] == ["finished"] * 2
    job = study.job("spread=0.4", 1)
    run = job.run()
    assert run is not None
    assert run.config.settings == {"spread": 0.4, "seed": 1}
    assert [row["step"] for row in run.metrics()] == [2, 4]
    result = job.result()
    assert result is not None
    assert result.figures == {"frechet_distance": run.metrics()[-1]["frechet_distance"]}
    assert result.floor == run.metrics()[-1]["frechet_floor"]
    assert result.features.startswith("random (version ")
    assert (job.folder / "stdout.txt").read_text() == "hello\n"
    verdict = judge(study)
    assert verdict.chosen == "spread=0.4"
    assert len(verdict.fresh) == 1
    assert len(verdict.comparisons) == 1
    assert study.comparable
    told = dict(method(find(study)))
    assert "validation part of noise.npz" in told["Real images"]
    assert "{spread}" in told["Command of a run"]
    assert settings_of(study, "spread=0.9") == {"spread": 0.9}

    before = contents(Path("out/runs"))
    assert Study.open("out").variants == study.variants
    again = run_study(study_of(seeds=1, first_seed=1, fresh_seeds=1), "out", jobs="1")
    assert contents(Path("out/runs")) == before
    assert again.variants == study.variants
    with refused("other study", "out", setting="command"):
        run_study(study_of("more", seeds=1, first_seed=1, fresh_seeds=1), "out")


def test_the_report_runs_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Study.begin(study_of(), "out")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("something was started"))
    find(Study.open("out"))
    assert main(["report", "out"]) == 1, "nothing is done yet"
    assert "spread=0.4" in capsys.readouterr().out
    assert not list(Path("out/runs").iterdir())


def job_of(config: StudyConfig, spread: str = "0.9") -> tuple[Study, Any]:
    study = Study.begin(config, "out")
    return study, study.job(f"spread={spread}", 0)


@pytest.mark.slow
def test_a_script_that_fails() -> None:
    study, job = job_of(study_of("fails"))
    result = run_job(job, study)
    assert result.state == "failed"
    assert result.message == "the script ended with exit code 1: ValueError: the loss exploded"
    assert result.reason["key"] == "script failed"
    assert job.result() == result, "it isn't repeated"


def test_a_script_that_records_nothing() -> None:
    study, job = job_of(study_of("silent"))
    result = run_job(job, study)
    assert (result.state, result.reason["key"]) == ("failed", "nothing recorded")
    assert "my_gan" in result.message


def test_a_script_that_prints_nothing_and_fails() -> None:
    study, job = job_of(study_of(command=["python", "-c", "raise SystemExit(3)", "{spread}", "{seed}"]))
    assert run_job(job, study).message == "the script ended with exit code 3"


def test_a_study_whose_runs_all_fail_is_exit_code_1() -> None:
    command = ["python", "-c", "raise SystemExit(3)", "{spread}", "{seed}"]
    Path("q.toml").write_text(toml(study_of(command=command)))
    assert main(["study", "q.toml", "--out", "out", "--seeds", "1", "--jobs", "1", "--quiet"]) == 1
    results = [json.loads(path.read_text()) for path in Path("out").glob("runs/*/*/result.json")]
    assert [result["state"] for result in results] == ["failed"] * 2


@pytest.mark.slow
def test_a_mended_script_is_run_again_and_finished_runs_are_counted() -> None:
    config = study_of("fails", seeds=1)
    study = run_study(config, "out", jobs="1")
    assert [result.state for results in study.results().values() for result in results if result] == [
        "finished", "failed",
    ]  # fmt: skip
    assert start_again(study, study.jobs()) == Changed([], 0, 0), "nothing has changed"
    assert study.job("spread=0.9", 0).result() is not None
    Path("my_gan.py").write_text(SCRIPT.replace('how == "fails"', 'how == "never"'))
    assert start_again(study, study.jobs()) == Changed(["my_gan.py"], 1, 1)
    assert study.job("spread=0.9", 0).result() is None and study.job("spread=0.4", 0).result() is not None
    study = run_study(config, "out", jobs="1")
    assert {result.state for results in study.results().values() for result in results if result} == {"finished"}


def test_a_script_that_recorded_nothing_is_run_again() -> None:
    study, job = job_of(study_of("silent"))
    assert run_job(job, study).state == "failed"
    assert start_again(study, [job]) == Changed([], 0, 1) and job.result() is None


def test_a_signal_from_outside_leaves_a_run_undone() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    study, job = job_of(study_of(command=["python", "-c", code, "{spread}", "{seed}"]))
    result = run_job(job, study)
    assert result.state == "undone"
    assert "signal" in result.message
    assert job.result() is None


@pytest.mark.slow
def test_a_stopped_script_saves_and_starts_again() -> None:
    study, job = job_of(study_of("long"))

    def stop() -> None:
        while not ((run := job.run()) and run.metrics()):
            time.sleep(0.05)
        (study.folder / STOP).touch()

    thread = threading.Thread(target=stop)
    thread.start()
    result = run_job(job, study)
    thread.join()
    assert (result.state, result.message) == ("undone", "")
    assert job.run().status().state == "interrupted"
    steps = job.run().status().step
    assert 2 <= steps < 10_000

    (study.folder / STOP).unlink()
    (Path("my_gan.py")).write_text(SCRIPT.replace("10_000", "4"))
    assert run_job(job, study).state == "finished"
    assert job.run().status().step == 4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to send signals to")
def test_ctrl_c_stops_a_study_and_the_same_command_continues_it() -> None:
    Path("q.toml").write_text(toml(study_of("long")))
    words = [sys.executable, "-m", "pocketgan", "study", "q.toml", "--out", "out", "--seeds", "1", "--jobs", "2"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(Path("out").glob("runs/*/*/metrics.jsonl")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    states = [json.loads(path.read_text())["state"] for path in Path("out").glob("runs/*/*/status.json")]
    assert states
    assert set(states) == {"interrupted"}
    assert not list(Path("out").glob("runs/*/*/result.json"))
    assert b"Traceback" not in output

    Path("my_gan.py").write_text(SCRIPT.replace("10_000", "4"))
    assert main(["study", "q.toml", "--out", "out", "--seeds", "1", "--quiet", "--jobs", "1"]) == 0
    assert len(list(Path("out").glob("runs/*/*/result.json"))) == 2


@pytest.mark.slow
def test_a_search_over_a_script() -> None:
    pytest.importorskip("optuna")
    config = study_of(search="tpe", trials=2, seeds=None, factors={"spread": {"low": 0.1, "high": 0.9}})
    study = run_study(config, "out", jobs="1")
    assert len(study.variants) == 2
    assert all(variant.kind == "recorded" for variant in study.variants.values())
    assert judge(study).chosen is not None


def test_variants_of_other_images_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study.begin(study_of(), "out")
    assert study.groups == [["spread=0.4", "spread=0.9"]]
    images: dict[str, tuple[Any, ...]] = {"spread=0.4": ("mnist",), "spread=0.9": ("other",)}
    monkeypatch.setattr(Study, "_recorded_images", lambda _, name: images[name])
    assert study.groups == [["spread=0.4"], ["spread=0.9"]]
    assert not study.comparable
    assert study.tests == 1


@pytest.mark.slow
def test_a_study_from_python() -> None:
    fields = {"command": ["python", "my_gan.py", "{spread}", "{seed}"], "factors": {"spread": [0.4, 0.9]}}
    fields |= {"seeds": 1, "fresh_seeds": 0, "checkpoint": "best"}
    study = pocketgan.study({"name": "mine", **fields}, progress=False, jobs=1)
    assert study.folder == Path("studies/mine")
    with pytest.raises(ConfigError):
        pocketgan.study({"name": "mine", **fields}, duration="5 steps")
    assert all(result is not None for results in study.results().values() for result in results)
