"""A single run of a study: trained in its own process, or resumed, and measured at its end.

The file `.stop` in the study's folder asks every run to save and end, on any machine.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from pocketgan.base.errors import PocketganError, RunBusy, RunError, RunFailed, StorageError, Unhealthy
from pocketgan.base.files import write_json
from pocketgan.base.messages import message_fields, problem
from pocketgan.config.data_section import DataConfig
from pocketgan.config.fields import differences
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.experiment import resume_experiment, run_experiment, settled
from pocketgan.experiment.speed import using_threads
from pocketgan.metrics.evaluation import (
    RealSets,
    choose_space,
    fitted,
    generated_by,
    labels_in,
    look_at,
    read_real,
    with_targets,
)
from pocketgan.metrics.features import FeatureSpace
from pocketgan.metrics.registry import Comparison, why_not
from pocketgan.metrics.scores import RealImages, finite, floor_of
from pocketgan.runs.run import Run
from pocketgan.studies.own_metrics import metrics_of
from pocketgan.studies.scripts import recorded_result, run_script
from pocketgan.studies.study import STOP, UNDONE, Job, Result, Study

POLL_SECONDS = 0.5

Watcher = Callable[[Run, threading.Event], None]
"""Function that monitors a run during training, and may set the event to stop it."""


def run_job(job: Job, study: Study, watch: Watcher | None = None) -> Result:
    """Trains or resumes one run of a study, and measures it at its end.

    Args:
        job: the run.
        study: the study that the run belongs to.
        watch: a function to call about every half second during training.

    Returns:
        The result, which is also stored in the run's folder unless its state is `undone`.
    """
    known = job.result()
    if known is not None:
        return known
    started = time.perf_counter()
    forget_undone(job)
    try:
        stopped = (study.folder / STOP).exists() or not train(job, study, watch)
        if stopped:
            return Result(variant=job.variant, seed=job.seed, state="undone")
        result = recorded_result(job, study) if study.config.command else measured(job, study)
    except RunFailed as error:
        if isinstance(error, StorageError):
            return undone(job, error)
        result = failure(job, error)
    except (PocketganError, MemoryError, RuntimeError, OSError) as error:
        return undone(job, error)
    try:
        return keep(job, result, time.perf_counter() - started)
    except (StorageError, OSError) as error:
        return undone(job, error)


def undone(job: Job, error: Exception) -> Result:
    """Returns the result of a run that an external cause kept from ending."""
    message = error if isinstance(error, PocketganError) else str(error) or type(error).__name__
    result = Result(variant=job.variant, seed=job.seed, state="undone", **message_fields(message))
    with suppress(StorageError, OSError):
        if job.folder.is_dir():
            write_json(job.folder / UNDONE, stored_fields(result), durable=False)
    return result


def failure(job: Job, error: RunFailed) -> Result:
    """Returns the result of a run that failed, with the reason that its status holds if it is the same."""
    fields, run = message_fields(error), job.run()
    status = run.status() if run else None
    if status is not None and status.message == fields["message"]:
        fields["reason"] = status.reason
    return Result(variant=job.variant, seed=job.seed, state="failed", **fields)


def train(job: Job, study: Study, watch: Watcher | None) -> bool:
    """Trains a run to its end; returns whether it reached the end.

    Raises:
        RunFailed: the run diverged.
        UserError: the run can't be executed here.
    """
    with stop_when_asked(job, study, watch) as stop:
        wait_for_others(job.folder, stop)
        if stop.is_set():
            return False
        if study.config.command:
            return run_script(job, study, stop)
        run = job.run()
        if run is None:
            if (job.folder / "config.json").exists():
                Run.open(job.folder)  # Damaged: this raises, and leaves the folder untouched.
            shutil.rmtree(job.folder, ignore_errors=True)  # A process was killed before it had trained anything.
            run = run_experiment(job.config, job.folder, stop=stop)
        elif run.status().state != "finished":
            check_config(run, settled(job.config, run.facts, run.environment.device))
            check_watchdog(run)
            run = resume_experiment(job.folder, stop=stop)
    return run.status().state == "finished"


def keep(job: Job, result: Result, wall_seconds: float) -> Result:
    """Writes a result into the run's folder, with the run's training time and diagnoses."""
    run = job.run()
    named = [event["name"] for event in run.events() if event["event"] == "diagnosis"] if run else []
    result = result.model_copy(
        update={
            "seconds": run.status().seconds if run else 0.0,
            "wall_seconds": round(wall_seconds, 3),
            "diagnoses": list(dict.fromkeys(named)),
        }
    )
    job.folder.mkdir(parents=True, exist_ok=True)
    write_json(job.folder / "result.json", stored_fields(result))
    forget_undone(job)
    return result


def forget_undone(job: Job) -> None:
    """Removes the file that says what kept a run from ending."""
    with suppress(OSError):
        (job.folder / UNDONE).unlink(missing_ok=True)


def stored_fields(result: Result) -> dict[str, Any]:
    """Returns the fields of a result that its file has."""
    return result.model_dump(exclude={name for name in ("reason", "unmeasured") if not getattr(result, name)})


def check_config(run: Run, asked: RunConfig) -> None:
    """Checks that a started run has the requested configuration.

    Raises:
        RunError: its settings differ.
    """
    changed = differences(run.config, asked)
    if changed:
        raise RunError("other settings", field="run", folder=run.folder, changed="; ".join(changed))


def check_watchdog(run: Run) -> None:
    """Checks that the watchdog hasn't stopped this run, since a resume would continue it anyway.

    Raises:
        Unhealthy: the watchdog has stopped the run.
    """
    status, stops = run.status(), run.config.watchdog.on_failure == "stop"
    if stops and status.state == "failed" and any(event.get("failure") for event in run.events()):
        raise Unhealthy(status.message)


def wait_for_others(folder: Path, stop: threading.Event) -> None:
    """Waits while another process trains this run, such as one left behind by a killed study."""
    while (folder / "config.json").is_file() and not stop.is_set():
        try:
            with Run.open(folder).locked():
                return
        except RunBusy:
            time.sleep(POLL_SECONDS)
        except RunError:
            return  # Opening the run for training will report the problem.


@contextmanager
def stop_when_asked(job: Job, study: Study, watch: Watcher | None) -> Iterator[threading.Event]:
    """Yields an event that is set once the study's stop file exists, or when `watch` sets it."""
    stop, over = threading.Event(), threading.Event()

    def look() -> None:
        while not over.wait(POLL_SECONDS):
            if (study.folder / STOP).exists():
                stop.set()
            run = job.run() if watch else None
            if watch and run:
                with suppress(Exception):  # A shared storage may be busy; the next call follows in half a second.
                    watch(run, stop)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        over.set()
        thread.join()


def measured(job: Job, study: Study) -> Result:
    """Measures the generator of a finished run: the deciding metric, the others, and the real-data baseline.

    Raises:
        UserError: the deciding metric can't be measured.
    """
    run, config, metrics = Run.open(job.folder), study.config, metrics_of(study.config.own_metrics)
    what = (run.config.data.model_dump_json(), config.against, config.features, (str(study.folder), run.facts.digest))
    threads = job.config.train.threads
    with using_threads(threads if isinstance(threads, int) else 0):
        sets, space = real_sets(*what)
        count = min(config.count, len(sets.reference)) if run.config.reads_images else config.count
        images = generated_by(run, count, run.weights(config.checkpoint), run.config.seed, sets)
        images, _ = fitted(images, with_targets(run.config.data, sets).reference)
        names = list(dict.fromkeys([config.metric, *config.metrics]))
        with_training = any("training" in metrics[name].needs for name in names)
        real = real_images(*what, len(images), with_training)
        comparison = Comparison(space(images.images, labels_in(sets.class_names(space), images)), real.reference)
        figures, unmeasured = dict[str, float | None](), dict[str, dict[str, Any]]()
        for name in names:
            reason = why_not(name, metrics[name], comparison)
            if reason is None:
                try:
                    figures[name] = finite(metrics[name].measure(comparison))
                    continue
                except ValueError as error:
                    reason = problem("not measurable", name=name, why=str(error))
            if name == config.metric:
                raise RunError(reason, field="metric")
            unmeasured[name] = message_fields(reason)
        floor = finite(floor_of(metrics[config.metric], comparison, real))
    return Result(
        variant=job.variant,
        seed=job.seed,
        state="finished",
        figures=figures,
        floor=floor,
        features=str(space),
        unmeasured=unmeasured,
    )


@lru_cache(maxsize=12)
def real_sets(data: str, against: str, features: str, key: tuple[str, str]) -> tuple[RealSets, FeatureSpace]:
    """Reads the real images that runs on this data are measured against, and chooses the feature space.

    The result is cached per process and `key`: the study's folder and the digest of the training images.
    """
    config = DataConfig.model_validate_json(data)
    return read_real(config, against), choose_space(features, config)


@lru_cache(maxsize=12)
def real_images(
    data: str, against: str, features: str, key: tuple[str, str], count: int, with_training: bool
) -> RealImages:
    """Computes the features of those real images, also cached per process."""
    sets, space = real_sets(data, against, features, key)
    sets = with_targets(DataConfig.model_validate_json(data), sets)
    return look_at(sets, space, count, with_training=with_training)
