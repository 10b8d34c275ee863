"""Studies and their reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketgan.base.errors import UserError, check_language
from pocketgan.base.progress import Progress

if TYPE_CHECKING:
    from pocketgan.studies.backends import Backend
    from pocketgan.studies.config import StudyConfig
    from pocketgan.studies.presenting import Study


def study(
    study: "str | Path | StudyConfig | dict[str, Any]",
    *,
    out: str | Path | None = None,
    seeds: int | None = None,
    duration: str | None = None,
    jobs: str | int = "auto",
    backend: "Backend" = "local",
    language: str = "en",
    progress: bool = True,
) -> "Study":
    """Runs a study, or continues it, and writes its report.

    Args:
        study: the name of a predeclared study, a TOML file, a configuration, or its fields as a dict.
        out: the study's folder; by default `studies/<name>`.
        seeds: the number of runs of each variant; by default the study's own value.
        duration: the training duration of each run; by default the study's own value.
        jobs: the number of simultaneous runs on this machine; `auto` for one per core.
        backend: `local`, or `ray` for a cluster.
        language: the language of the report: `en`, `uk`, `ru`, `ko` or `zh-TW`.
        progress: whether to show progress on standard error.

    Returns:
        The study. `.verdict()` returns its verdict, `.table()` all scores but those on confirmation seeds, and
        `report` rewrites its report.

    Raises:
        UserError: an argument is invalid; nothing was started.
    """
    from pocketgan.studies.config import StudyConfig, study_config
    from pocketgan.studies.predeclared import read_study
    from pocketgan.studies.presenting import Study
    from pocketgan.studies.report.write import write_report
    from pocketgan.studies.running import run_study

    language = check_language(language)
    if not isinstance(study, dict | str | Path | StudyConfig):
        raise UserError("no study given", field="study", kind=type(study).__name__)
    if isinstance(study, dict):
        config = study_config({"name": "study", **study})
    else:
        config = study if isinstance(study, StudyConfig) else read_study(study)
    changed = {name: value for name, value in (("seeds", seeds), ("duration", duration)) if value is not None}
    if changed:
        config = study_config(config.model_dump() | changed)
    folder = Path("studies") / config.name if out is None else out
    done = run_study(config, folder, jobs=str(jobs), backend=backend, progress=Progress(quiet=not progress))
    write_report(done, language)
    return Study(done.folder, done.config, done.variants)


def report(folder: str | Path, *, language: str = "en") -> Path:
    """Writes the report of a study, finished or not, with its figures and tables, and returns the page.

    Args:
        folder: the study's folder.
        language: `en`, `uk`, `ru`, `ko` or `zh-TW`.

    Raises:
        UserError: the language is unknown.
        StudyError: the folder holds no study.
    """
    from pocketgan.studies.report.write import write_report
    from pocketgan.studies.study import Study

    return write_report(Study.open(folder), language)
