"""A study stopped at any moment goes on where it was, and repeats nothing: stop file, signals, killed processes."""

import io
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from forks import Fork
from pocketgan.base.progress import Progress
from pocketgan.cli.main import main
from pocketgan.experiment.experiment import run_experiment
from pocketgan.runs.run import Run
from pocketgan.studies.config import StudyConfig
from pocketgan.studies.jobs import run_job
from pocketgan.studies.running import run_study
from pocketgan.studies.sentences import chief_sentences
from pocketgan.studies.study import STOP, UNDONE, Job, Result, Study
from pocketgan.studies.verdicts import judge
from tiny_studies import PAGE, Make, as_toml, assert_same_bits, contents, run_of, without_page, write_digits

LONG = {"log_every": "10 steps", "checkpoint_every": "100 steps"}
PATIENCE = 180.0
"""Seconds after which something that should have happened hasn't."""
COMMAND = f"""
import sys, types
sys.modules["{PAGE}"] = types.ModuleType("{PAGE}")
sys.modules["{PAGE}"].write_report = lambda study, language="en": study.folder
from pocketgan.cli.main import main
from pocketgan.experiment.experiment import run_experiment
sys.exit(main(sys.argv[1:]))
"""
"""The command line, but it writes no pages."""


@pytest.fixture(autouse=True)
def _look_often_and_write_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketgan.studies.jobs.POLL_SECONDS", 0.01)
    without_page(monkeypatch)


@pytest.fixture(scope="module")
def whole(tiny: Make, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Job], Run]:
    """Trains the run of a job alone, from beginning to end."""
    known: dict[str, Run] = {}

    def train(job: Job) -> Run:
        key = job.config.model_dump_json()
        if key not in known:
            folder = tmp_path_factory.mktemp("whole") / "run"
            known[key] = run_experiment(job.config, folder)
        return known[key]

    return train


def until(there: Callable[[], bool], process: Fork | None = None) -> None:
    """Waits until something is there."""
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert process is None or process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def rows(job: Job) -> int:
    path = job.folder / "stats.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def begun_at(job: Job) -> int:
    """Returns when a run began: its configuration is written once."""
    return (job.folder / "config.json").stat().st_mtime_ns


def interrupt(job: Job, study: Study) -> Result:
    """Runs a job until it has logged a few rows, and stops it by the study's stop file."""

    def watch(run: Run, _: threading.Event) -> None:
        if len(run.stats()) > 3:
            (study.folder / STOP).touch()

    result = run_job(job, study, watch)
    assert (study.folder / STOP).exists(), "it has ended before it was stopped"
    (study.folder / STOP).unlink()
    return result


# The stop file.


@pytest.mark.slow
def test_the_stop_file_ends_a_run_with_its_state_saved(tiny: Make, tmp_path: Path, whole: Callable[[Job], Run]) -> None:
    study = Study.begin(tiny(LONG, duration="300 steps"), tmp_path / "study")
    job = study.jobs()[0]
    stopped = interrupt(job, study)
    assert stopped.state == "undone"
    assert job.result() is None, "what is undone isn't kept"
    status = run_of(job).status()
    assert status.state == "interrupted"
    assert 0 < status.step < 300
    assert run_of(job).checkpoints()[-1].stem == f"step-{status.step:09d}"
    begun = begun_at(job)
    assert run_job(job, study).state == "finished"
    assert begun_at(job) == begun, "it went on where it was"
    assert_same_bits(run_of(job), whole(job), stopped=True)


@pytest.mark.slow
def test_the_stop_file_ends_a_study(tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Job] = []

    def run(job: Job, study: Study) -> Result:
        ran.append(job)
        result = run_job(job, study)
        if job == study.jobs()[1]:
            (study.folder / STOP).touch()
        return result

    monkeypatch.setattr("pocketgan.studies.running.run_job", run)
    config = tiny(fresh_seeds=1)
    study = run_study(config, tmp_path / "study", jobs="1")
    assert [job.folder.exists() for job in study.jobs()] == [True, True, False, False]
    assert not any(job.fresh for job in ran), "no fresh runs after a stop"
    before = contents(study.folder / "runs")
    ran.clear()
    study = run_study(config, study.folder, jobs="1")
    assert not (study.folder / STOP).exists()
    assert [(job.seed, job.fresh) for job in ran[:2]] == [(1, False), (1, False)], "nothing is repeated"
    after = contents(study.folder / "runs")
    assert all(after[path] == content for path, content in before.items())


@pytest.mark.slow
def test_runs_on_a_relative_path_of_images_go_on(
    tiny: Make, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits.npz").write_bytes(data.read_bytes())
    study = Study.begin(tiny(LONG | {"data": "digits.npz"}, duration="300 steps"), "study")
    job = study.jobs()[0]
    interrupt(job, study)
    result = run_job(job, study)
    assert result.state == "finished", result.message


@pytest.mark.slow
def test_runs_that_would_be_told_classes_but_have_none_go_on(tiny: Make, tmp_path: Path) -> None:
    """A conditional recipe on images without labels is trained unconditional."""
    unlabelled = write_digits(tmp_path / "unlabelled.npz", labels=False)
    settings = LONG | {"data": str(unlabelled), "conditional": True}
    study = Study.begin(tiny(settings, duration="300 steps"), tmp_path / "study")
    job = study.jobs()[0]
    interrupt(job, study)
    result = run_job(job, study)
    assert result.state == "finished", result.message


def test_a_run_begun_with_other_settings_is_left_alone(tiny: Make, tmp_path: Path) -> None:
    study = Study.begin(tiny(LONG, duration="300 steps"), tmp_path / "study")
    job = study.jobs()[0]
    interrupt(job, study)
    path = job.folder / "config.json"
    path.write_text(path.read_text().replace('"beta1": 0.9', '"beta1": 0.8'))
    before = {p: content for p, content in contents(job.folder).items() if p.name != ".lock"}
    result = run_job(job, study)
    assert result.state == "undone"
    assert "was started with other settings (beta1: 0.8 -> 0.9); move it away" in result.message
    after = {p: content for p, content in contents(job.folder).items() if p.name not in (".lock", UNDONE)}
    assert after == before
    assert study.job(job.variant, job.seed).kept_from_ending() == result
    path.write_text(path.read_text().replace('"beta1": 0.8', '"beta1": 0.9'))
    assert "was started with other settings" in chief_sentences(judge(study))[0], "the verdict says why"
    assert run_job(job, study).state == "finished" and job.kept_from_ending() is None


@pytest.mark.slow
@pytest.mark.parametrize("left", ["nothing", "half"])
def test_a_run_killed_before_it_had_trained_begins_anew(left: str, tiny: Make, tmp_path: Path) -> None:
    study = Study.begin(tiny(seeds=1), tmp_path / "study")
    job = study.jobs()[0]
    job.folder.mkdir(parents=True)
    if left == "half":
        (job.folder / "samples").mkdir()
        (job.folder / "environment.json").write_text("{}")
    assert run_job(job, study).state == "finished"


# A run that another process holds.

HOLD = "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); print(); input()"


@contextmanager
def held(job: Job) -> Iterator[subprocess.Popen[str]]:
    """Holds a run's lock in another process, until its standard input is closed."""
    words = [sys.executable, "-c", HOLD, str(job.folder / ".lock")]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_an_orphan_is_waited_for(tiny: Make, tmp_path: Path, whole: Callable[[Job], Run]) -> None:
    study = Study.begin(tiny(LONG, duration="300 steps"), tmp_path / "study")
    job = study.jobs()[0]
    interrupt(job, study)
    found: list[Result] = []
    thread = threading.Thread(target=lambda: found.append(run_job(job, study)))
    with held(job) as process:
        before = run_of(job).status()
        thread.start()
        time.sleep(0.3)
        assert thread.is_alive()
        assert run_of(job).status() == before
        process.kill()
        thread.join(PATIENCE)
    assert [result.state for result in found] == ["finished"]
    assert_same_bits(run_of(job), whole(job), stopped=True)


@pytest.mark.slow
def test_a_study_that_waits_for_an_orphan_can_be_stopped(tiny: Make, tmp_path: Path) -> None:
    study = Study.begin(tiny(LONG, duration="300 steps"), tmp_path / "study")
    job = study.jobs()[0]
    interrupt(job, study)
    found: list[Result] = []
    thread = threading.Thread(target=lambda: found.append(run_job(job, study)))
    with held(job):
        thread.start()
        time.sleep(0.1)
        (study.folder / STOP).touch()
        thread.join(3)
        stopped = not thread.is_alive()
    thread.join(PATIENCE)
    assert stopped, "it waits on, whatever the stop file says"
    assert [result.state for result in found] == ["undone"]


# Whole commands, killed and interrupted.


@pytest.fixture
def asked(tiny: Make, tmp_path: Path) -> StudyConfig:
    """A study of two runs of about a second each."""
    return tiny(LONG, seeds=1, duration="600 steps")


@contextmanager
def under_way(config: StudyConfig, folder: Path, jobs: int, *, begun: int) -> Iterator[Fork]:
    """Runs the command until so many runs have saved something, in a process group of its own."""
    path = as_toml(config, folder.with_suffix(".toml"))
    words = ["study", str(path), "--out", str(folder), "--jobs", str(jobs)]
    with Fork(words, code=COMMAND, new_session=True) as process:
        try:
            until(lambda: (folder / "study.json").exists(), process)
            asked = Study.open(folder).jobs()
            until(lambda: sum(rows(job) > 12 for job in asked) >= begun, process)
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def going(study: Study) -> list[Job]:
    return [job for job in study.jobs() if job.run() is not None and run_of(job).status().state == "running"]


def assert_complete(study: Study) -> None:
    for job in study.jobs():
        result = job.result()
        assert result is not None
        assert result.state == "finished"
        steps = [row["step"] for row in run_of(job).stats()]
        assert steps == sorted(set(steps)), "no row is there twice"
        assert set(steps) >= set(range(10, 601, 10)), "and none is missing"


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(asked: StudyConfig, tmp_path: Path, whole: Callable[[Job], Run]) -> None:
    study, said = Study.begin(asked, tmp_path / "study"), io.StringIO()
    killed: list[tuple[Job, int]] = []
    begun: list[int] = []

    def kill() -> None:
        asked = study.jobs()
        until(lambda: all(rows(job) > 12 for job in asked))
        killed.extend((job, run_of(job).status().pid) for job in going(study)[:1])
        begun.extend(map(begun_at, asked))
        os.kill(killed[0][1], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    run_study(asked, study.folder, jobs="2", progress=Progress(console=Console(file=said, width=200)))
    thread.join()
    ((job, pid),) = killed
    assert pid not in (os.getpid(), run_of(job).status().pid)
    assert_complete(study)
    ended = Counter(re.findall(r"^\d/2  (\S+, seed \d): frechet_distance", said.getvalue(), re.MULTILINE))
    assert ended == {f"{each.variant}, seed {each.seed}": 1 for each in study.jobs()}, "none twice"
    assert [begun_at(each) for each in study.jobs()] == begun, "they went on where they were"
    assert_same_bits(run_of(job), whole(job))


@pytest.mark.slow
def test_a_killed_study_goes_on(asked: StudyConfig, tmp_path: Path, whole: Callable[[Job], Run]) -> None:
    """As when the machine is switched off."""
    folder = tmp_path / "study"
    with under_way(asked, folder, 1, begun=1) as process:
        study = Study.open(folder)
        (job,) = going(study)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert run_of(job).status().state == "killed"
    begun = begun_at(job)
    assert main(["study", str(folder.with_suffix(".toml")), "--out", str(folder), "--jobs", "1", "--quiet"]) == 0
    assert_complete(study)
    assert begun_at(job) == begun
    assert_same_bits(run_of(job), whole(job))


@pytest.mark.slow
def test_orphans_of_a_killed_command_are_not_run_twice(asked: StudyConfig, tmp_path: Path) -> None:
    """Only the command itself is killed; its workers train on."""
    folder = tmp_path / "study"
    with under_way(asked, folder, 2, begun=2) as process:
        study = Study.open(folder)
        begun = {job: run_of(job).status().pid for job in going(study)}
        process.kill()
        process.wait()
        assert main(["study", str(folder.with_suffix(".toml")), "--out", str(folder), "--jobs", "1", "--quiet"]) == 0
    assert_complete(study)
    assert {job: run_of(job).status().pid for job in begun} == begun, "those who began them ended them"


@pytest.mark.slow
def test_interrupted_it_says_how_to_go_on_and_does(asked: StudyConfig, tmp_path: Path) -> None:
    """One run at a time is trained in the command's own process, which then has two who listen to signals."""
    folder = tmp_path / "study"
    with under_way(asked, folder, 1, begun=1) as process:
        study = Study.open(folder)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    first, second = study.jobs()
    assert run_of(first).status().state == "interrupted"
    assert not second.folder.exists(), "no other run was begun"
    assert "stopped and saved: 0 runs are done" in out
    (command,) = re.findall(r"^continue with: pocketgan (.*)$", out, re.MULTILINE)
    assert main([*shlex.split(command), "--jobs", "1", "--quiet"]) == 0
    assert_complete(study)


@pytest.mark.slow
def test_ctrl_c_as_the_processes_start(tiny: Make, tmp_path: Path) -> None:
    """A terminal sends it to all processes of the command, whatever they are doing: here they import PyTorch.

    A helper process of joblib that still loads joblib itself ends with Python's own traceback: none of ours is in it.
    """
    folder = tmp_path / "study"
    with under_way(tiny(LONG, seeds=1, duration="100000 steps"), folder, 2, begun=0) as process:
        until(lambda: len(psutil.Process(process.pid).children()) > 1, process)
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err or "pocketgan" not in err.partition("Traceback")[2]
    assert "stopped and saved: 0 runs are done" in out


@pytest.fixture
def unheard() -> Iterator[list[int]]:
    """Signals that nobody listens to, which would end the tests."""
    found: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: found.append(number))
    yield found
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_ctrl_c_saves_all_runs(tiny: Make, tmp_path: Path, unheard: list[int]) -> None:
    study = Study.begin(tiny(LONG, seeds=1, duration="100000 steps"), tmp_path / "study")

    def interrupt() -> None:
        until(lambda: all(rows(job) > 12 for job in asked))
        for pid in (os.getpid(), *(run_of(job).status().pid for job in asked)):
            os.kill(pid, signal.SIGINT)

    asked = study.jobs()
    thread = threading.Thread(target=interrupt)
    thread.start()
    run_study(study.config, study.folder, jobs="2")
    thread.join()
    assert unheard == []
    assert (study.folder / STOP).exists()
    for job in asked:
        status = run_of(job).status()
        assert status.state == "interrupted"
        assert status.pid != os.getpid()
        assert run_of(job).checkpoints()[-1].stem == f"step-{status.step:09d}"
