"""A run of a study over a script: a process that `pocketgan.record` records in the study's folder.

A recorded loop can't be resumed, so a run that was stopped starts again from its beginning. Its scores are those of its
own evaluations. Only a study that a person starts comes here; nothing that is read does.
"""

import math
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pocketgan.base.errors import INTERRUPTED, RunError, RunFailed, StudyError, Unhealthy
from pocketgan.base.signals import on_first_signal
from pocketgan.experiment.quality import MEASURED
from pocketgan.experiment.recorded_run import FOLDER
from pocketgan.runs.records import read_object
from pocketgan.runs.run import Run
from pocketgan.studies.commands import check_program, filled
from pocketgan.studies.config import StudyConfig
from pocketgan.studies.study import Job, Result, Study

OUTPUT, ERRORS = "stdout.txt", "stderr.txt"
"""Files in a run's folder with what its script printed."""
GRACE_SECONDS = 60.0
"""Time that a script has to save after it was asked to end."""
POLL_SECONDS = 0.05
TAIL = 65_536
"""Number of bytes at the end of the errors in which the last line is looked for."""
JUDGED = "judged.json"
"""File in a run's folder with the scores of a script that judges itself: `figures`, `floor` and `features`."""
BASELINES = {"frechet_distance": "frechet_floor", "authentic": "authentic_floor"}
"""Columns of `metrics.jsonl` with the real-data baselines of metrics."""


def check_scripts(config: StudyConfig, place: Path) -> None:
    """Checks that the program of a study exists, and that its metrics are those of a recorded run.

    Raises:
        StudyError: they aren't.
    """
    check_program(config.command, place)
    for field, names in (("metric", [config.metric]), ("metrics", config.metrics)):
        for name in names:
            if name not in (*MEASURED, *config.own_metrics):
                raise StudyError("metric not in training", field=field, metric=name, known=", ".join(MEASURED))


def run_script(job: Job, study: Study, stop: threading.Event) -> bool:
    """Runs a script to its end, from its beginning; returns whether it reached the end.

    Args:
        job: the run. If it is finished already, nothing is started.
        study: the study.
        stop: asks the script to save and to end.

    Raises:
        RunFailed: the script failed, or recorded nothing.
        RunError: something outside ended the script.
    """
    run = job.run()
    if run is not None and run.status().state == "finished":
        return True
    folder = (study.place / job.folder).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    code = execute(filled(study.config.command, job.config.settings, job.seed), folder, study.place, stop)
    run = job.run()
    if run is not None and code == 0 and run.status().state == "finished":
        if not run.stats() and not run.metrics():
            raise RunFailed("nothing recorded", name=job.config.recipe)
        return True
    if stop.is_set():
        return False
    check_end(run, code, job, folder)
    return True


def check_end(run: Run | None, code: int, job: Job, folder: Path) -> None:
    """Raises the reason why a script's run isn't finished.

    Raises:
        RunFailed: the script failed, or recorded nothing.
        RunError: something outside ended the script.
    """
    status = None if run is None else run.status()
    ended = {-getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL") if hasattr(signal, name)}
    if code in ended or code == INTERRUPTED or (status is not None and status.state == "interrupted"):
        raise RunError("script ended from outside", field="run", name=job.config.recipe, folder=folder)
    if code != 0:
        why = last_line(folder / ERRORS)
        raise RunFailed("script failed", code=code, why=why) if why else RunFailed("script failed silently", code=code)
    if run is None or status is None:
        raise RunFailed("nothing recorded", name=job.config.recipe)
    if status.state == "failed":
        raise Unhealthy(status.message)
    raise RunFailed("recording not ended", name=job.config.recipe)


def execute(command: Sequence[str], folder: Path, place: Path, stop: threading.Event) -> int:
    """Runs a command, whose run is to be recorded in `folder`; returns its exit code, minus the signal that ended it.

    Args:
        command: the words.
        folder: the run's folder, where the output is kept.
        place: the working directory.
        stop: once it is set, the process gets SIGTERM, which makes `record` save and end.
    """
    surroundings: dict[str, Any] = {"cwd": place, "env": {**os.environ, FOLDER: str(folder), "PYTHONUNBUFFERED": "1"}}
    if sys.platform == "win32":
        surroundings["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
    else:
        surroundings["start_new_session"] = True  # A Ctrl-C reaches it only from here, once.
    with (folder / OUTPUT).open("wb") as output, (folder / ERRORS).open("wb") as errors, on_first_signal(stop.set):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, **surroundings)
        try:
            while process.poll() is None:
                if stop.wait(POLL_SECONDS):
                    end(process)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    return process.returncode


def end(process: subprocess.Popen[Any]) -> None:
    """Asks a process to end, and ends it after `GRACE_SECONDS`."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_line(path: Path) -> str:
    """Returns the last line of a file that isn't empty; of Pocketgan's own errors, without `error:`."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ")[:500] if lines else ""


def recorded_result(job: Job, study: Study) -> Result:
    """Returns the scores of a finished run: those that its script judged, or else of its last or best evaluation.

    Raises:
        RunFailed: the run was never evaluated by the deciding metric.
    """
    run, config = Run.open(job.folder), study.config
    if (job.folder / JUDGED).is_file():
        return judged_result(job, study)
    rows = [row for row in run.metrics() if is_number(row.get(config.metric))]
    if not rows:
        raise RunFailed("never evaluated", metric=config.metric)
    row = rows[-1]
    if config.checkpoint == "best":
        sign = 1 if config.lower_is_better else -1
        row = min(rows, key=lambda one: sign * config.judged(one[config.metric]))
    figures = {name: row[name] for name in dict.fromkeys([config.metric, *config.metrics]) if name in row}
    space = f"{row.get('features')} (version {row.get('features_version')}, {row.get('features_hash')})"
    floor = row.get(BASELINES.get(config.metric, ""))
    return Result(
        variant=job.variant, seed=job.seed, state="finished", figures=figures, floor=floor, features=space
    )  # fmt: skip


def judged_result(job: Job, study: Study) -> Result:
    """Returns the scores that a script has written itself.

    Raises:
        RunFailed: they lack the deciding metric.
    """
    metric, values = study.config.metric, read_object(job.folder / JUDGED)
    figures = {name: value for name, value in dict(values.get("figures", {})).items() if is_number(value)}
    if metric not in figures:
        raise RunFailed("never evaluated", metric=metric)
    floor, features = values.get("floor"), str(values.get("features", ""))
    return Result(
        variant=job.variant, seed=job.seed, state="finished", figures=figures, floor=floor, features=features
    )  # fmt: skip


def is_number(value: Any) -> bool:
    """Returns whether a value of a row is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)
