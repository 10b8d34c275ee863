"""Studies, and their pages."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketgan.base.progress import Progress

if TYPE_CHECKING:
    from pocketgan.studies.backends import Backend
    from pocketgan.studies.config import StudyConfig
    from pocketgan.studies.study import Study


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
    """Runs a study, or goes on with it, and writes its page.

    Args:
        study: the name of a predeclared one, a TOML file, a configuration, or its fields as a dict.
        out: the study's folder; by default `studies/<name>`.
        seeds: runs of each variant; by default as the study says.
        duration: how long each run trains; by default as the study says.
        jobs: how many runs at once on this machine; `auto` for one a core.
        backend: `local`, or `ray` for a cluster.
        language: of the page: `en`, `uk`, `ru`, `ko` or `zh-TW`.
        progress: whether to show progress on standard error.

    Returns:
        The study; `report` writes its page again, `pocketgan.studies.verdicts.judge` returns its scores.

    Raises:
        UserError: what was asked for is invalid; nothing was started.
    """
    from pocketgan.studies.config import StudyConfig, study_config
    from pocketgan.studies.predeclared import read_study
    from pocketgan.studies.report.write import write_report
    from pocketgan.studies.running import run_study

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
    return done


def report(folder: str | Path, *, language: str = "en") -> Path:
    """Writes the page of a study, however far it is, with the pictures and tables behind it; returns the page.

    Args:
        folder: the study's.
        language: `en`, `uk`, `ru`, `ko` or `zh-TW`.

    Raises:
        UserError: no such language.
        StudyError: there is no study.
    """
    from pocketgan.studies.report.write import write_report
    from pocketgan.studies.study import Study

    return write_report(Study.open(folder), language)
