"""Searching beyond a grid: Optuna proposes the variants, and stops early those that do badly.

A trial is judged by its run's own evaluations, against the validation part or the training images; the test split is
seen only by the runs on fresh seeds of the trial that is chosen.
"""

import dataclasses
import logging
import threading
from functools import partial
from typing import Any

from pocketgan.backends import Backend, run_all
from pocketgan.errors import ConfigError, StudyError
from pocketgan.progress import Progress
from pocketgan.runs import Run
from pocketgan.studies import STOP, Result, Study
from pocketgan.study_config import Range, StudyConfig
from pocketgan.study_jobs import keep, run_job

STARTUP = 5
"""Trials that are drawn at random, and never pruned, before the search knows anything."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """One trial to run.

    Attributes:
        number: Optuna's, of a trial that a killed process has left behind; None for a new one.
    """

    number: int | None = None


def run_search(study: Study, *, jobs: int, backend: Backend, progress: Progress) -> Study:
    """Runs a search's trials, or goes on with it; returns the study with a variant for each trial.

    Raises:
        ConfigError: the runs aren't evaluated, so nothing could be searched for.
        StudyError: Optuna isn't installed, or its storage can't be used.
    """
    config = study.config
    check(config)
    searched = open_storage(study)
    states = _optuna().trial.TrialState
    left_behind = [trial.number for trial in searched.get_trials(deepcopy=False) if trial.state == states.RUNNING]
    ended = sum(trial.state.is_finished() for trial in searched.get_trials(deepcopy=False))
    new = max(0, config.trials - ended - len(left_behind))
    items = [Trial(number) for number in left_behind] + [Trial()] * new
    done = ended
    for result in run_all(partial(run_trial, study=study), items, backend=backend, jobs=jobs, cores=1):
        done += result.state != "undone"
        said = f"{result.figures[config.metric]:.4g}" if result.figures else result.message
        progress.say(f"{done}/{config.trials}  {result.variant}: {result.state} {said}")
        study = with_trials(study, searched)
    return with_trials(study, searched)


def check(config: StudyConfig) -> None:
    """Checks that trials can be judged.

    Raises:
        ConfigError: their runs aren't evaluated, or not by the deciding metric.
    """
    from pocketgan.following import MEASURED

    first = config.configure("a trial", {name: corner(values) for name, values in config.factors.items()})
    if first.evaluation.evaluate_every == "none":
        raise ConfigError("search: the runs aren't evaluated; set evaluate_every, as '30 s', in settings")
    if config.metric not in MEASURED:
        raise ConfigError(f"metric: '{config.metric}' isn't measured as a run trains; known: {', '.join(MEASURED)}")


def corner(values: Any) -> Any:
    """Returns one of a factor's values."""
    return values.low if isinstance(values, Range) else values[0]


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise StudyError("search: Optuna isn't installed; pip install 'pocketgan[search]'") from None
    optuna.logging.set_verbosity(logging.ERROR)
    return optuna


def open_storage(study: Study) -> Any:
    """Opens or makes the Optuna study, with its sampler and pruner.

    Raises:
        StudyError: the storage can't be used.
    """
    optuna, config = _optuna(), study.config
    pruners = {
        "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=1),
        "hyperband": optuna.pruners.HyperbandPruner,
        "none": optuna.pruners.NopPruner,
    }
    url = config.storage or f"sqlite:///{(study.folder / 'optuna.db').absolute()}"
    try:
        return optuna.create_study(
            study_name=config.name,
            storage=url,
            sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP, multivariate=True, constant_liar=True),
            pruner=pruners[config.pruning](),
            direction="minimize" if config.lower_is_better else "maximize",
            load_if_exists=True,
        )
    except Exception as error:  # SQLAlchemy's and the drivers' own.
        raise StudyError(f"storage: '{url}' can't be used: {str(error).splitlines()[0]}") from None


def run_trial(trial: Trial, study: Study) -> Result:
    """Runs one trial to its end, or until it is pruned, and tells Optuna."""
    optuna = _optuna()
    config, searched = study.config, open_storage(study)
    if (study.folder / STOP).exists():
        return Result(variant="", seed=config.first_seed, state="undone")
    asked = searched.ask() if trial.number is None else rejoin(searched, trial.number)
    fields = {name: suggest(asked, name, values) for name, values in config.factors.items()}
    name = trial_name(asked.number)
    job = dataclasses.replace(study, variants={name: config.configure(name, fields)}).job(name, config.first_seed)
    watch = Pruning(asked, config.metric)
    result = run_job(job, study, watch)
    if watch.pruned and result.state == "undone":
        pruned = Result(variant=name, seed=job.seed, state="pruned", message=f"after {watch.reported} evaluations")
        result = keep(job, pruned, 0.0)
    states = optuna.trial.TrialState
    run = job.run()
    figures = [row[config.metric] for row in run.metrics() if config.metric in row] if run else []
    if result.state == "finished" and figures:
        searched.tell(asked, figures[-1])
    elif result.state == "pruned":
        searched.tell(asked, state=states.PRUNED)
    elif result.state != "undone":
        searched.tell(asked, state=states.FAIL)
    return result


def rejoin(searched: Any, number: int) -> Any:
    """Returns a trial that a killed process has left behind."""
    optuna = _optuna()
    frozen = next(trial for trial in searched.get_trials(deepcopy=False) if trial.number == number)
    return optuna.trial.Trial(searched, frozen._trial_id)


def trial_name(number: int) -> str:
    """Returns the variant's name of a trial."""
    return f"trial-{number:04d}"


def suggest(trial: Any, name: str, values: Any) -> Any:
    """Asks Optuna for a factor's value."""
    if not isinstance(values, Range):
        return trial.suggest_categorical(name, values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return trial.suggest_float(name, values.low, values.high, log=values.log)


class Pruning:
    """Reports a run's evaluations to Optuna, and stops it where it does badly.

    Attributes:
        reported: how many evaluations were reported.
        pruned: whether it was stopped.
    """

    def __init__(self, trial: Any, metric: str) -> None:
        self.trial, self.metric = trial, metric
        self.reported, self.pruned = 0, False

    def __call__(self, run: Run, stop: threading.Event) -> None:
        """Reports what is new of a run."""
        rows = [row for row in run.metrics() if self.metric in row]
        for index, row in enumerate(rows[self.reported :], start=self.reported):
            self.trial.report(row[self.metric], index)
            if self.trial.should_prune():
                self.pruned = True
                stop.set()
        self.reported = max(self.reported, len(rows))


def with_trials(study: Study, searched: Any) -> Study:
    """Returns the study with a variant for each trial that has begun, and writes it."""
    config = study.config
    variants = {}
    for trial in searched.get_trials(deepcopy=False):
        if set(trial.params) == set(config.factors):
            variants[trial_name(trial.number)] = config.configure(trial_name(trial.number), trial.params)
    grown = dataclasses.replace(study, variants=variants)
    grown.write()
    return grown
