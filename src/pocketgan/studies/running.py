"""Execution of a study: all its runs, a live table, the choice of a variant, and its runs on confirmation seeds."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from joblib import cpu_count
from rich import box
from rich.live import Live
from rich.table import Table

from pocketgan.base.errors import RunError, StudyError
from pocketgan.base.language import clock
from pocketgan.base.progress import Progress
from pocketgan.base.signals import on_first_signal
from pocketgan.config.data_section import DataConfig
from pocketgan.config.plan import make_plan, needs_speed
from pocketgan.metrics.evaluation import read_real
from pocketgan.metrics.registry import resolve_metrics, too_few
from pocketgan.studies import search
from pocketgan.studies.backends import Backend, count_jobs, run_all
from pocketgan.studies.config import StudyConfig
from pocketgan.studies.jobs import run_job
from pocketgan.studies.own_metrics import metrics_of
from pocketgan.studies.scripts import check_scripts
from pocketgan.studies.sentences import line_of, say
from pocketgan.studies.study import STOP, Job, Study, plain
from pocketgan.studies.verdicts import chosen_variant
from pocketgan.studies.versions import start_again

ROWS = 30
"""Largest number of rows of the live table; active runs come first."""


def run_study(
    config: StudyConfig,
    folder: str | Path,
    *,
    jobs: str = "auto",
    backend: Backend = "local",
    progress: Progress | None = None,
) -> Study:
    """Runs or continues a study, until its last run or a signal.

    Args:
        config: the study's configuration.
        folder: the study's folder.
        jobs: number of simultaneous runs on this machine, or `auto` for one per core.
        backend: `local`, or `ray` for a cluster.
        progress: the progress display.

    Raises:
        UserError: the study is invalid; nothing was started.
        StudyError: the study can't continue; finished results are kept.
    """
    progress = progress or Progress(quiet=True)
    threads = threads_each(config)
    at_once = count_jobs(jobs, threads)
    begun = (Path(folder) / "study.json").is_file()
    check_scripts(config, Path.cwd()) if config.command else check(config, begun=begun)
    if config.search == "tpe":
        search.check(config)
        if config.storage:
            search.open_storage(Study(Path(folder), config))
    study = Study.begin(config, folder)
    (study.folder / STOP).unlink(missing_ok=True)
    with on_first_signal((study.folder / STOP).touch):
        if config.search == "tpe":
            study = search.run_search(study, jobs=at_once, backend=backend, cores=threads, progress=progress)
        else:
            run_jobs(study, study.jobs(), at_once, backend, threads, progress)
        done = all(result is not None for results in study.results().values() for result in results)
        best = chosen_variant(study) if done else None
        if best is not None and config.fresh_seeds and not (study.folder / STOP).exists():
            fresh = study.fresh_jobs(best)
            if any(job.result() is None for job in fresh):
                progress.say(say("confirming", name=best, count=len(fresh)))
            run_jobs(study, fresh, at_once, backend, threads, progress)
    return study


def threads_each(config: StudyConfig) -> int:
    """Returns the largest number of CPU threads per run; all cores if a setting is 0 or `auto`; 1 for scripts."""
    if config.command:
        return 1
    counts = [config.settings.get("threads", 1), *(variant.train.threads for variant in config.configs().values())]
    return max(int(count) if str(count).isdecimal() and int(count) else cpu_count() for count in counts)


def check(config: StudyConfig, *, begun: bool = False) -> None:
    """Checks that the scores can be measured, before anything is trained.

    Args:
        config: the study.
        begun: whether it began before, perhaps by an older version, which accepted moments after the end.

    Raises:
        UserError: a metric is unknown, the real images don't exist, or there will be no best checkpoint to measure.
    """
    metrics = metrics_of(config.own_metrics)
    for field, names in (("metric", [config.metric]), ("metrics", config.metrics)):
        try:
            resolve_metrics(names or config.metric, metrics)
        except RunError as error:
            raise StudyError(error.key, field=field, **error.parts) from None
    variants = config.configs()
    for name, variant in variants.items():
        if config.checkpoint == "best" and variant.evaluation.evaluate_every == "none":
            raise StudyError("best needs evaluation", field="checkpoint", name=name)
    for data in {variant.data.model_dump_json() for variant in variants.values()}:
        sets = read_real(DataConfig.model_validate_json(data), config.against)
        real = len(sets.reference)
        if config.moments and sets.training is not None and not begun:
            check_moments(config, data, len(sets.training))
        redraws = any(variant.reads_images for variant in variants.values() if variant.data.model_dump_json() == data)
        few = too_few(config.metric, metrics[config.metric], min(config.count, real) if redraws else config.count, real)
        if few is not None:
            raise StudyError(few, field="metric")


def check_moments(config: StudyConfig, data: str, images: int) -> None:
    """Checks that every variant on some data trains further than each moment, where its length isn't in time.

    Raises:
        StudyError: one doesn't.
    """
    for name, variant in config.configs().items():
        if variant.data.model_dump_json() == data and not needs_speed(variant):
            steps = make_plan(variant, images).steps
            late = next((moment for moment in config.moments if moment >= steps), None)
            if late is not None:
                raise StudyError("moment too late", field="moments", moment=late, name=name, steps=steps)


def run_jobs(
    study: Study, jobs: Sequence[Job], at_once: int, backend: Backend, threads: int, progress: Progress
) -> None:
    """Executes the jobs without a result, and shows their progress."""
    changed = start_again(study, jobs)
    if changed.again:
        progress.say(say("runs again", count=changed.again))
    if changed.files:
        progress.say(say("code changed", files=", ".join(changed.files), count=changed.finished))
    left = [job for job in jobs if job.result() is None]
    done = len(jobs) - len(left)
    if left and done:
        progress.say(say("runs done", name=study.config.name, done=done, all=len(jobs)))
    started = time.monotonic()
    with shown(study, jobs, progress):
        for result in run_all(
            partial(run_job, study=replace(study, folder=study.folder.absolute())),
            [job.anywhere() for job in left],
            backend=backend,
            jobs=at_once,
            cores=threads,
            stopped=(study.folder / STOP).exists,
        ):
            done += result.state != "undone"
            if result.state == "undone" and not result.message:
                (study.folder / STOP).touch()  # A signal has reached the run's own process.
            each = (time.monotonic() - started) / max(1, done - (len(jobs) - len(left)))
            parts = {"line": line_of(result, study.config.metric), "time": clock(each * (len(jobs) - done))}
            progress.say(say("run ended", done=done, all=len(jobs), **parts))


@contextmanager
def shown(study: Study, jobs: Sequence[Job], progress: Progress) -> Iterator[None]:
    """Shows a live table of the runs inside, on a terminal."""
    if progress.quiet or not progress.console.is_terminal:
        yield
        return
    with Live(
        get_renderable=lambda: table_of(study, jobs), console=progress.console, refresh_per_second=1, transient=True
    ):
        yield


def table_of(study: Study, jobs: Iterable[Job]) -> Table:
    """Returns the table of all runs: state, progress, losses, quality."""
    rows = []
    for job in jobs:
        result = job.result()
        if result is not None:
            figure = plain(result.figures.get(study.config.metric)) if result.state == "finished" else ""
            rows.append((1, job, result.state, "100%", "", figure))
            continue
        try:
            run = job.run()
            status = run.status() if run else None
        except RunError:
            run = status = None
        if run is None or status is None:
            rows.append((2, job, "waiting", "", "", ""))
            continue
        stats, results = run.stats()[-1:], run.metrics()[-1:]
        named = [(name, stats[0].get(key)) for name, key in (("D", "d_loss"), ("G", "g_loss"))] if stats else []
        losses = "  ".join(f"{name} {value:.3f}" for name, value in named if value is not None)
        quality = plain(results[0][study.config.metric]) if results and study.config.metric in results[0] else ""
        rows.append((0, job, status.state, f"{status.step / status.steps:.0%}", losses, quality))
    rows.sort(key=lambda row: row[0])
    table = Table(title=study.config.name, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("variant", "seed", "state", "done", "losses", study.config.metric):
        table.add_column(heading, justify="right" if heading in ("seed", "done", study.config.metric) else "left")
    for _, job, state, share, losses, quality in rows[:ROWS]:
        table.add_row(job.variant, str(job.seed), state, share, losses, quality)
    if len(rows) > ROWS:
        table.caption = f"and {len(rows) - ROWS} more"
    return table
