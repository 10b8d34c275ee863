"""The code of one's own parts in a run folder: a record of what trained it, which is never imported."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pocketgan.base.errors import ConfigError, PocketganError, RunError, RunFailed, out_of_memory
from pocketgan.base.files import write_atomically
from pocketgan.config.code import hashes, loaded, place_of
from pocketgan.config.sections import RunConfig
from pocketgan.runs.run import Run

FOLDER = "code"


def keep_code(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes the source files of one's own parts into a folder, `code` in a run.

    Raises:
        StorageError: a file can't be written.
    """
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


def known_hashes(run: Run) -> dict[str, str]:
    """Returns the SHA-256 of each source file that a run was last trained with."""
    changes = [event["files"] for event in run.events() if event["event"] == "code" and "files" in event]
    return changes[-1] if changes else run.environment.code


def changed_files(run: Run) -> dict[str, bytes]:
    """Returns the source files that are not those that a run was last trained with; empty if all are.

    Raises:
        ConfigError: the code isn't there.
    """
    files = run.config.code()
    return files if hashes(files) != known_hashes(run) else {}


def names_of_changed(run: Run, files: Mapping[str, bytes]) -> list[str]:
    """Returns the names of the files that were changed, added or removed."""
    before, now = known_hashes(run), hashes(files)
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def check_code(run: Run) -> None:
    """Checks that the code is the one that a run was last trained with.

    Raises:
        RunError: a file has changed; the message names it.
        ConfigError: the code isn't there.
    """
    if changed := changed_files(run):
        raise RunError("code changed", field="run", files=", ".join(names_of_changed(run, changed)))


def record_change(run: Run, step: int) -> None:
    """Records that a run goes on with changed code: an event with the new hashes, and the new files."""
    if changed := changed_files(run):
        names = names_of_changed(run, changed)
        keep_code(run.folder / FOLDER / f"from-step-{step}", {name: changed[name] for name in names if name in changed})
        run.log_event(step, "code", files=hashes(changed), changed=names)


@contextmanager
def failures_of_code(config: RunConfig, kind: type[PocketganError] = RunFailed) -> Iterator[None]:
    """Turns an error of networks, losses, optimizers or schedules of one's own into one of `kind`, in one line.

    Errors of runs without such parts are left alone, and so are those of the memory and of files.
    """
    names = [name for part, name in config.own_parts() if part != "metric"]
    try:
        yield
    except ConfigError as error:  # Such as a schedule's factor that is no number.
        if names and kind is RunFailed:
            raise kind("own code failed", why=error) from error
        raise
    except PocketganError:
        raise
    except Exception as error:
        if not names or out_of_memory(error):
            raise
        place = place_of(error, {code.path.parent for code in loaded.values() if code.path is not None})
        if isinstance(error, OSError) and not place:
            raise
        first = (str(error).strip().splitlines() or ["no message"])[0]
        raise kind("own code failed", why=f"{place or ', '.join(names)}: {type(error).__name__}: {first}") from error
