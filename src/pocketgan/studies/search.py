"""Search with Optuna, which proposes the variants and stops poor ones early.

A trial is judged by its run's own evaluations, against the validation set or the training images. Only the runs of the
chosen trial on confirmation seeds use the test split.
"""

import dataclasses
import logging
import math
import threading
import time
import uuid
from functools import partial
from typing import Any, get_args

from pocketgan.base.errors import ConfigError, StudyError
from pocketgan.base.files import write_atomically
from pocketgan.base.messages import message_fields, problem
from pocketgan.base.progress import Progress
from pocketgan.config.fields import FIELDS, rename
from pocketgan.config.sections import RunConfig
from pocketgan.runs.run import Run
from pocketgan.studies.backends import Backend, run_all
from pocketgan.studies.config import Range, StudyConfig
from pocketgan.studies.jobs import keep, run_job
from pocketgan.studies.sentences import line_of, say
from pocketgan.studies.study import STOP, Result, Study

OWNER_FILE = ".owner"
OWNER = "owner"
"""Attribute of a trial that stores the folder of its study, and its number within that folder."""
STARTUP = 5
"""Number of initial trials that are sampled at random and never pruned."""


def run_search(study: Study, *, jobs: int, backend: Backend, cores: int, progress: Progress) -> Study:
    """Runs or continues the trials of a search; returns the study with a variant for each trial.

    In a storage that a team shares, the trials of others count as done, and their unfinished trials are left to them.

    Raises:
        ConfigError: the runs aren't evaluated, so there is nothing to optimize.
        StudyError: Optuna isn't installed, or its storage can't be used.
    """
    config = study.config
    searched = open_storage(study)
    trials = searched.get_trials(deepcopy=False)
    done = sum(trial.state.is_finished() for trial in trials)
    ours = {slot: trial for trial in trials if (slot := slot_of(trial, study)) is not None}
    left_behind = [slot for slot, trial in ours.items() if not trial.state.is_finished()]
    first = max(ours, default=-1) + 1
    new = max(0, config.trials - len(trials))
    slots = [*left_behind, *range(first, first + new)]
    stopped = (study.folder / STOP).exists
    work = partial(run_trial, study=study)
    for result in run_all(work, slots, backend=backend, jobs=jobs, cores=cores, stopped=stopped):
        done += result.state != "undone"
        if result.state == "undone" and not result.message:
            (study.folder / STOP).touch()  # A signal has reached the trial's own process.
        progress.say(say("trial ended", done=done, all=config.trials, line=line_of(result, config.metric)))
        study = with_trials(study, searched)
    return with_trials(study, searched)


def check(config: StudyConfig) -> None:
    """Checks that trials can be judged.

    Raises:
        ConfigError: the runs aren't evaluated, or not by the deciding metric.
    """
    from pocketgan.experiment.quality import MEASURED

    first = {name: ends(values)[0] for name, values in config.factors.items()}
    trial = config.configure("a trial", first)
    for name, values in config.factors.items():
        for value in ends(values):
            config.configure("a trial", first | {name: value})
    if trial.kind == "trained" and trial.evaluation.evaluate_every == "none":
        raise ConfigError("search needs evaluation", field="search")
    if config.metric not in (*MEASURED, *config.own_metrics):
        raise ConfigError("metric not in training", field="metric", metric=config.metric, known=", ".join(MEASURED))


def ends(values: Any) -> list[Any]:
    """Returns a factor's values, or the limits of its range."""
    return [values.low, values.high] if isinstance(values, Range) else list(values)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise StudyError("no optuna", field="search") from None
    optuna.logging.set_verbosity(logging.ERROR)
    return optuna


def open_storage(study: Study) -> Any:
    """Opens or creates the Optuna study, with its sampler and pruner.

    Raises:
        StudyError: the storage can't be used.
    """
    optuna, config = _optuna(), study.config
    pruners = {
        "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=1),
        "hyperband": optuna.pruners.HyperbandPruner,
        "none": optuna.pruners.NopPruner,
    }
    wanted = getattr(optuna.study.StudyDirection, "MINIMIZE" if config.lower_is_better else "MAXIMIZE")
    url = config.storage or f"sqlite:///{(study.folder / 'optuna.db').absolute()}"
    try:
        searched = optuna.create_study(
            study_name=config.name,
            storage=url,
            sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP, multivariate=True, constant_liar=True),
            pruner=pruners[config.pruning](),
            direction=wanted,
            load_if_exists=True,
        )
    except Exception as error:  # SQLAlchemy and the drivers have their own errors.
        raise StudyError("no storage", field="storage", url=url, why=str(error).splitlines()[0]) from None
    if searched.direction != wanted:
        key = "search maximizes" if config.lower_is_better else "search minimizes"
        raise StudyError(key, field="storage", url=url, metric=config.metric)
    return searched


def run_trial(slot: int, study: Study) -> Result:
    """Runs one trial to its end, or until it is pruned, and reports the outcome to Optuna.

    Args:
        slot: number of the trial in this search; a trial left behind by a killed process is resumed.
        study: the search.
    """
    started = time.perf_counter()
    optuna = _optuna()
    config, searched = study.config, open_storage(study)
    if (study.folder / STOP).exists():
        return Result(variant="", seed=config.first_seed, state="undone")
    asked = ask(searched, slot, study)
    fields = {name: suggest(asked, name, values, config) for name, values in config.factors.items()}
    name = trial_name(asked.number)
    job = dataclasses.replace(study, variants={name: config.configure(name, fields)}).job(name, config.first_seed)
    watch = Pruning(asked, config)
    result = run_job(job, study, watch)
    if watch.pruned and result.state == "undone":
        fields = message_fields(problem("pruned", count=watch.reported))
        pruned = Result(variant=name, seed=job.seed, state="pruned", **fields)
        result = keep(job, pruned, time.perf_counter() - started)
    states = optuna.trial.TrialState
    run = job.run()
    figures = finite_figures(run, config.metric) if run else []
    if result.state == "finished" and figures:
        searched.tell(asked, config.judged(figures[-1]))
    elif result.state == "pruned":
        searched.tell(asked, state=states.PRUNED)
    elif result.state != "undone":
        searched.tell(asked, state=states.FAIL)
    return result


def finite_figures(run: Run, metric: str) -> list[float]:
    """Returns a metric from a run's own evaluations, oldest first, without values that aren't finite."""
    figures = [row.get(metric) for row in run.metrics()]
    return [figure for figure in figures if figure is not None and math.isfinite(figure)]


def slot_of(trial: Any, study: Study) -> int | None:
    """Returns the number of a trial within this folder; None if it belongs to another folder.

    A trial without an owner is one whose process was killed early. It belongs to this folder under its own number,
    unless the storage is shared.
    """
    owner = trial.user_attrs.get(OWNER)
    if owner is None:
        return None if study.config.storage else trial.number
    return owner["slot"] if owner["folder"] == owner_of(study) else None


def owner_of(study: Study) -> str:
    """Returns a random identifier of this study's folder in a shared storage, which is created once and kept."""
    path = study.folder / OWNER_FILE
    if not path.exists():
        write_atomically(path, uuid.uuid4().hex.encode())
    return path.read_text()


def ask(searched: Any, slot: int, study: Study) -> Any:
    """Returns the trial of a slot: one left behind there by a killed process, or a new one."""
    optuna = _optuna()
    for trial in searched.get_trials(deepcopy=False):
        if slot_of(trial, study) == slot and not trial.state.is_finished():
            return optuna.trial.Trial(searched, trial._trial_id)
    asked = searched.ask()
    asked.set_user_attr(OWNER, {"folder": owner_of(study), "slot": slot})
    return asked


def trial_name(number: int) -> str:
    """Returns the variant's name for a trial."""
    return f"trial-{number:04d}"


def began_whole(searched: Any, name: str) -> bool:
    """Returns whether a search has tried whole numbers of a setting before, as older versions did."""
    kinds = (type(one.distributions.get(name)).__name__ for one in searched.get_trials(deepcopy=False))
    return "IntDistribution" in kinds


def takes_fractions(name: str) -> bool:
    """Returns whether a setting takes numbers that aren't whole."""
    field = rename(name, "")[0]
    if field not in FIELDS:
        return False
    kind = type(RunConfig.model_fields[FIELDS[field]].default).model_fields[field].annotation
    return float in (kind, *get_args(kind))


def suggest(trial: Any, name: str, values: Any, config: StudyConfig) -> Any:
    """Asks Optuna for a factor's value: a whole one if both ends of the range are whole, and so is the setting."""
    if not isinstance(values, Range):
        return trial.suggest_categorical(name, values)
    fractions = not config.command and takes_fractions(name) and not began_whole(trial.study, name)
    if isinstance(values.low, int) and isinstance(values.high, int) and not fractions:
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return trial.suggest_float(name, values.low, values.high, log=values.log)


class Pruning:
    """Callback that reports a run's evaluations to Optuna, and stops the run if Optuna prunes it.

    Attributes:
        reported: number of evaluations reported.
        pruned: whether the run was stopped.
    """

    def __init__(self, trial: Any, config: StudyConfig) -> None:
        self.trial, self.config = trial, config
        self.reported, self.pruned = 0, False

    def __call__(self, run: Run, stop: threading.Event) -> None:
        """Reports the new evaluations of a run."""
        figures = finite_figures(run, self.config.metric)
        for index, figure in enumerate(figures[self.reported :], start=self.reported):
            self.trial.report(self.config.judged(figure), index)
            if self.trial.should_prune():
                self.pruned = True
                stop.set()
        self.reported = max(self.reported, len(figures))


def with_trials(study: Study, searched: Any) -> Study:
    """Returns the study with a variant for each started trial of this folder, and writes it."""
    config = study.config
    variants = {}
    for trial in searched.get_trials(deepcopy=False):
        if slot_of(trial, study) is not None and set(trial.params) == set(config.factors):
            variants[trial_name(trial.number)] = config.configure(trial_name(trial.number), trial.params)
    grown = dataclasses.replace(study, variants=variants)
    grown.write()
    return grown
