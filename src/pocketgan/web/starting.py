"""Starts, stops and resumes trainings, by the names and settings that a browser says."""

import itertools
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from pocketgan.config import RunConfig
from pocketgan.durations import Duration
from pocketgan.errors import PocketganError, RunBusy, WebError
from pocketgan.flags import parse_recipe
from pocketgan.recipes import recipe
from pocketgan.runs import Run, check_free
from pocketgan.web.form import flags_of
from pocketgan.web.processes import MOST_STARTED, TooMany
from pocketgan.web.site import STUDY, Site

REPORT_SECONDS = 180.0
"""A study's page is waited for so long."""
ENDING_SECONDS = 30.0
"""A process that has stopped training is waited for so long."""


def launch(site: Site, name: str, arguments: Sequence[str]) -> None:
    """Starts a command that works on what is called `name`.

    Raises:
        WebError: too many are under way, or the system can't start one.
    """
    try:
        site.starts.launch(name, arguments, site.language)
    except TooMany:
        raise WebError(site.say("too many", count=MOST_STARTED)) from None
    except OSError as error:
        raise WebError(site.say("not started", why=error.strerror or str(error))) from None


def start(site: Site, config: RunConfig, name: str) -> str:
    """Starts a training.

    Args:
        site: where.
        config: what to train; its data is `mnist`, `stacked-mnist` or a path below the site's folder.
        name: of the new run; empty for the first free one.

    Returns:
        The run's name.

    Raises:
        UserError: the place is taken, or nothing can be started.
    """
    name = name.strip() or free_name(site, config.recipe)
    folder = site.path(name)
    check_free(folder)
    if site.starts.running(str(name)):
        raise RunBusy(site.say("being trained", name=name))
    flags = [*flags_of(config, recipe(config.recipe)), f"--out={folder}"]
    read, given = parse_recipe("train", [config.recipe, *flags])
    if read != config or given.out != folder or given.dry_run:
        raise WebError(site.say("not as written"))
    launch(site, name, ["train", config.recipe, *flags, "--quiet"])
    site.forget()
    return name


def free_name(site: Site, recipe_name: str) -> str:
    """Returns the first free name for a run of a recipe: in `runs`, unless the folder is that itself."""
    inside = "" if site.folder.name == "runs" else "runs/"
    names = (f"{inside}{recipe_name}-{number}" for number in itertools.count(1))
    return next(name for name in names if not ((site.folder / name).exists() or site.starts.of(name)))


def resume(site: Site, name: object, duration: str = "") -> None:
    """Goes on with a run, perhaps for a longer duration.

    Raises:
        UserError: it runs already, belongs to a study, or the duration is none.
    """
    run = site.run(name)
    check_own(site, run)
    started = site.starts.of(str(name))
    if started is not None and trains(run) is None:
        with suppress(subprocess.TimeoutExpired):  # One that has just stopped may still draw its figures.
            started.process.wait(ENDING_SECONDS)
    if trains(run) is not None or site.starts.running(str(name)):
        raise RunBusy(site.say("being trained", name=name))
    flags = []
    if duration.strip():
        try:
            flags = [f"--duration={Duration.parse(duration)}"]
        except ValueError as error:
            raise WebError(f"duration: {error}") from None
    launch(site, str(name), ["resume", str(run.folder), *flags, "--quiet"])


def stop(site: Site, name: object) -> None:
    """Asks the process that trains a run to save and stop, as Ctrl-C does.

    Raises:
        UserError: no process trains it here, or it belongs to a study.
    """
    run = site.run(name)
    check_own(site, run)
    process = trains(run)
    if process is None:
        raise WebError(site.say("not running", name=name))
    try:
        process.send_signal(signal.SIGTERM)
    except psutil.Error:
        raise WebError(site.say("not stopped", name=name)) from None


def measure(site: Site, name: object) -> None:
    """Begins to measure a run against the test split, as `pocketgan evaluate` does.

    Raises:
        UserError: there is no such run, or it is being measured.
    """
    run = site.run(name)
    job = f"evaluate {name}"
    if site.starts.running(job):
        raise RunBusy(site.say("being measured", name=name))
    launch(site, job, ["evaluate", str(run.folder), "--quiet"])


def write_report(site: Site, name: object) -> None:
    """Writes a study's page anew, in the page's language, and waits for it.

    Raises:
        UserError: there is no such study, or its page can't be written; the message says why.
    """
    folder, job = site.study(name), f"report {name}"
    if not site.starts.running(job):
        launch(site, job, ["report", str(folder), "--lang", site.language])
    started = site.starts.of(job)
    assert started is not None
    try:
        started.process.wait(REPORT_SECONDS)
    except subprocess.TimeoutExpired:
        raise WebError(site.say("page takes long")) from None
    if words := started.last_words():
        raise WebError(site.say("page failed", why=words))


def check_own(site: Site, run: Run) -> None:
    """Checks that a run isn't one of a study, which starts and stops its runs itself.

    Raises:
        WebError: it is.
    """
    above = run.folder.parents[2] if len(run.folder.parents) > 2 else run.folder
    if (above / STUDY).is_file() and above.is_relative_to(site.folder):
        raise WebError(site.say("of a study"))


def trains(run: Run) -> psutil.Process | None:
    """Returns the process on this machine that trains a run: that which its status names, and which holds its lock."""
    try:
        status = run.status()
        if status.state != "running":
            return None
        process = psutil.Process(status.pid)
        lock = (run.folder / ".lock").resolve()
        holds = any(Path(file.path) == lock for file in process.open_files())
    except (PocketganError, psutil.Error, OSError, ValueError):
        return None
    return process if holds else None
