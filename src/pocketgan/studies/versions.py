"""Runs of a study whose code has changed since: failed ones start again, and the finished ones are counted."""

import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pocketgan.base.errors import ConfigError, RunBusy, RunError
from pocketgan.config.code import hashes, sources
from pocketgan.runs.own_code import known_hashes
from pocketgan.studies.commands import filled
from pocketgan.studies.study import Job, Study


@dataclass(frozen=True)
class Changed:
    """What has changed since a study's runs.

    Attributes:
        files: the files of code that have changed after finished runs.
        finished: the number of these runs, which stay.
        again: the number of failed runs that start again.
    """

    files: list[str]
    finished: int
    again: int


def start_again(study: Study, jobs: Iterable[Job]) -> Changed:
    """Removes failed runs whose code was mended, so that they start again.

    A script that failed before it recorded anything starts again, too. A run that another process trains stays.
    """
    names, finished, again = set[str](), 0, 0
    if not study.config.command and not any(variant.own_parts() for variant in study.variants.values()):
        return Changed([], 0, 0)
    for job in jobs:
        result = job.result()
        if result is None:
            continue
        changed = changed_files(study, job)
        if result.state == "failed" and (changed or (study.config.command and job.run() is None)):
            if is_free(job):
                shutil.rmtree(job.folder, ignore_errors=True)
                again += 1
        elif changed:
            names.update(changed)
            finished += 1
    return Changed(sorted(names), finished, again)


def is_free(job: Job) -> bool:
    """Returns whether no process trains a run."""
    run = job.run()
    try:
        with suppress(RunError) if run is None else run.locked():
            return True
    except RunBusy:
        return False


def changed_files(study: Study, job: Job) -> list[str]:
    """Returns the files of code that aren't those that a run was trained with; none if the run recorded nothing."""
    run = job.run()
    if run is None:
        return []
    before = known_hashes(run)
    return [name for name, digest in code_now(study, job).items() if before.get(name, digest) != digest]


def code_now(study: Study, job: Job) -> dict[str, str]:
    """Returns the SHA-256 of the code of a run as it is now: of its own parts, or of the scripts in its command."""
    with suppress(ConfigError):
        if not study.config.command:
            return hashes(job.config.code())
        words = filled(study.config.command, job.config.settings, job.seed)
        files: dict[str, bytes] = {}
        for path in scripts_in(words, study.place):
            files |= sources(path)
        return hashes(files)
    return {}


def scripts_in(words: Sequence[str], place: Path) -> list[Path]:
    """Returns the Python files among the words of a command, such as `my_gan.py` or `my_gan.py:MyGAN`."""
    files = [word.rpartition(":")[0] if ".py:" in word else word for word in words]
    paths = [(place / file).resolve() for file in files if file.endswith(".py")]
    return [path for path in paths if path.is_file()]
