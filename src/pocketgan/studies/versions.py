"""Runs of a study whose code has changed since: failed ones start again, and the finished ones are counted."""

import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from pocketgan.base.errors import ConfigError
from pocketgan.config.code import hashes, sources
from pocketgan.runs.own_code import known_hashes
from pocketgan.studies.commands import filled
from pocketgan.studies.study import Job, Study


def start_again(study: Study, jobs: Iterable[Job]) -> tuple[list[str], int]:
    """Removes failed runs whose code was mended, so that they start again.

    A script that failed before it recorded anything starts again, too.

    Returns:
        The files that have changed after finished runs, and the number of these runs, which stay.
    """
    names, count = set[str](), 0
    for job in jobs:
        result = job.result()
        if result is None:
            continue
        changed = changed_files(study, job)
        if result.state == "failed" and (changed or (study.config.command and job.run() is None)):
            shutil.rmtree(job.folder, ignore_errors=True)
        elif changed:
            names.update(changed)
            count += 1
    return sorted(names), count


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
