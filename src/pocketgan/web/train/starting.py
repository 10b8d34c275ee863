"""Starting, stopping and resuming runs, by names and settings from a browser."""

import itertools
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

import psutil

from pocketgan.base.errors import PocketganError, RunBusy, RunError, WebError
from pocketgan.config.durations import Duration
from pocketgan.config.fields import replace
from pocketgan.config.plan import make_plan, needs_speed
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.runs.model import is_model
from pocketgan.runs.places import check_free
from pocketgan.runs.run import Run
from pocketgan.web.processes import MOST_STARTED, TooMany
from pocketgan.web.site import DEEPEST, STUDY, Site
from pocketgan.web.train.form import flags_of, with_point

LONGEST_PART = 80
"""Largest number of characters in a new run's name, and in each folder above it."""
REPORT_SECONDS = 180.0
"""Largest number of seconds to wait for a study's report."""
ENDING_SECONDS = 30.0
"""Largest number of seconds to wait for a process that has stopped training."""


def launch(
    site: Site, name: str, arguments: Sequence[str], begin: Callable[[str, Sequence[str], str], object] | None = None
) -> None:
    """Starts a command that works on `name`.

    Args:
        site: the site.
        name: the run or study that the command works on.
        arguments: the command's arguments.
        begin: starts the command or puts it into a queue; by default it is started at once.

    Raises:
        WebError: too many processes are running, or the system can't start one.
    """
    with saying_why(site):
        (begin or site.starts.launch)(name, arguments, site.language)


@contextmanager
def saying_why(site: Site) -> Iterator[None]:
    """Converts errors of starting a process inside to messages.

    Raises:
        WebError: the process can't be started.
    """
    try:
        yield
    except TooMany:
        raise WebError(site.say("too many", count=MOST_STARTED)) from None
    except OSError as error:
        raise WebError(site.say("not started", why=error.strerror or str(error))) from None


def start_now(site: Site, name: object) -> None:
    """Starts a waiting training at once, beside the one that it waits for.

    Raises:
        WebError: it isn't waiting, or can't be started.
    """
    with saying_why(site):
        waiting = site.trainings.hurry(str(name))
    if not waiting:
        raise WebError(site.say("not waiting", name=name))


def start(site: Site, config: RunConfig, name: str, recipe_name: str = "") -> str:
    """Starts a training, once no other training is running.

    Args:
        site: the site.
        config: the configuration; its data is `mnist`, `stacked-mnist` or a path below the site's folder.
        name: name of the new run; empty for the first free name.
        recipe_name: the recipe that the settings were changed from; by default that of the configuration.

    Returns:
        The run's name.

    Raises:
        UserError: the folder is taken, or no process can be started.
    """
    name = name.strip() or free_name(site, config.recipe)
    folder = site.path(name)
    check_free(folder)
    if site.starts.running(name) or name in site.trainings:
        raise RunBusy(site.say("being trained", name=name))
    recipe_name = recipe_name or config.recipe
    flags = [*flags_of(config, recipe(recipe_name)), f"--out={folder}"]
    if any(flag.partition("=")[2].startswith("-") for flag in flags):
        raise WebError(site.say("not as written"))
    launch(site, name, ["train", recipe_name, *flags, "--quiet"], site.trainings.add)
    site.forget()
    return name


def free_name(site: Site, recipe_name: str) -> str:
    """Returns the first free name for a run of a recipe: in `runs`, unless the site's folder is `runs` itself."""
    inside = "" if site.folder.name == "runs" else "runs/"
    names = (f"{inside}{recipe_name}-{number}" for number in itertools.count(1))
    return next(name for name in names if not is_taken(site, name))


def is_taken(site: Site, name: str) -> bool:
    """Returns whether a name is taken by a folder, or by a running or waiting training."""
    return (site.folder / name).exists() or site.starts.of(name) is not None or name in site.trainings


def name_of(site: Site, typed: str) -> str:
    """Returns the name of a new run from user input: in `runs`, with characters that every system accepts.

    Args:
        site: the site.
        typed: a name, or names separated by slashes; empty for none.

    Raises:
        WebError: the name leads outside, into another run or a study, or to an existing folder.
    """
    typed = typed.strip()
    if not typed:
        return ""
    try:
        site.path(typed)
        name = valid_name(site, typed)
        folder = site.path(name)
    except WebError as error:
        raise WebError(error.reason, field="name") from None
    try:
        check_free(folder)
    except RunError:
        raise WebError(site.say("name taken", name=name), field="name") from None
    return name


def valid_name(site: Site, typed: str) -> str:
    """Returns a name in `runs` with characters that every system accepts; see `name_of`."""
    safe = (re.sub(r"[^\w.-]+", "-", part).strip("-._") for part in PurePosixPath(typed).parts)
    parts = [part for part in safe if part]
    if not parts or len(parts) > DEEPEST - 1 or max(map(len, parts)) > LONGEST_PART:
        raise WebError(site.say("no new name", name=typed, most=LONGEST_PART))
    if parts[0] != "runs" and site.folder.name != "runs":
        parts = ["runs", *parts]
    places = [site.folder.joinpath(*parts[:count]) for count in range(1, len(parts))]
    if any(is_model(place) or (place / STUDY).is_file() for place in places):
        raise WebError(site.say("inside another", name="/".join(parts)))
    return "/".join(parts)


def resume(site: Site, name: object, duration: str = "") -> None:
    """Continues a run, optionally for a longer duration.

    Raises:
        UserError: the run is already running or belongs to a study, or the duration is invalid or not longer.
    """
    run = site.run(name)
    check_own(site, run)
    if run.config.kind == "recorded":
        raise RunError("recorded, no resume", folder=name)
    started = site.starts.of(str(name))
    if started is not None and trains(run) is None:
        with suppress(subprocess.TimeoutExpired):  # A run that just stopped may still be plotting.
            started.process.wait(ENDING_SECONDS)
    if trains(run) is not None or site.starts.running(str(name)) or name in site.trainings:
        raise RunBusy(site.say("being trained", name=name))
    flags = []
    if duration.strip():
        try:
            flags = [f"--duration={Duration.parse(with_point(duration))}"]
        except ValueError as error:
            raise WebError(str(error), field="duration") from None
    check_longer(run, str(name), with_point(duration))
    launch(site, str(name), ["resume", str(run.folder), *flags, "--quiet"], site.trainings.add)


def check_longer(run: Run, name: str, duration: str) -> None:
    """Checks that there is something to train, as far as can be known before: not if no speed was ever measured.

    Args:
        run: the run.
        name: its name on the page.
        duration: the new duration of the whole run; empty for that of its plan.

    Raises:
        RunError: the run is finished, or the duration is shorter than the planned one.
    """
    steps, planned, done = run.plan.steps, run.plan.steps, run.status().step
    if duration.strip():
        config = replace(run.config, duration=duration)
        if needs_speed(config) and run.plan.steps_per_second is None:
            return
        steps = make_plan(config, run.facts.images, run.plan.steps_per_second).steps
    if steps < planned:
        raise RunError("too short", field="duration", duration=duration, folder=name, steps=steps, planned=planned)
    if steps <= done:
        raise RunError("is finished", field="duration", folder=name, step=done)


def stop(site: Site, name: object) -> None:
    """Asks the process that trains a run to save and stop, as Ctrl-C does; a waiting run is canceled.

    Raises:
        UserError: no process on this machine trains the run, or it belongs to a study.
    """
    if site.trainings.drop(str(name)):
        return
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
    """Measures a run against the test split, as `pocketgan evaluate` does, after evaluations requested earlier.

    Raises:
        UserError: there is no such run, or it is already being measured.
    """
    run, job = site.run(name), measuring(name)
    if site.starts.running(job) or job in site.evaluations:
        raise RunBusy(site.say("being measured", name=name))
    launch(site, job, ["evaluate", str(run.folder), "--quiet"], site.evaluations.add)


def measuring(name: object) -> str:
    """Returns the name of a run's evaluation among the server's processes."""
    return f"evaluate {name}"


def write_report(site: Site, name: object) -> None:
    """Writes a study's report again, in the language of the interface, and waits for it.

    Raises:
        UserError: there is no such study, or its report can't be written; the message gives the reason.
    """
    folder, job = site.study(name), f"report {name}"
    if not site.starts.running(job):
        launch(site, job, ["report", str(folder), "--lang", site.language])
    started = site.starts.of(job)
    assert started is not None
    late = time.monotonic() + REPORT_SECONDS
    while started.running():
        if time.monotonic() > late or site.ended.wait(0.1):
            raise WebError(site.say("page takes long"))
    if words := started.last_words():
        raise WebError(site.say("page failed", why=site.relative(words)))


def check_own(site: Site, run: Run) -> None:
    """Checks that a run doesn't belong to a study, which starts and stops its runs itself.

    Raises:
        WebError: the run belongs to a study.
    """
    above = run.folder.parents[2] if len(run.folder.parents) > 2 else run.folder
    if (above / STUDY).is_file() and above.is_relative_to(site.folder):
        raise WebError(site.say("of a study"))


def trains(run: Run) -> psutil.Process | None:
    """Returns the process on this machine that trains a run: the one named in its status, if it holds the lock."""
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
