"""Searching: trials are drawn, judged by their own evaluations, pruned, counted once, and gone on with."""

import dataclasses
import io
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from rich.console import Console

from pocketgan.base.errors import ConfigError, StudyError, UserError
from pocketgan.base.progress import Progress
from pocketgan.cli.main import main
from pocketgan.experiment.experiment import settled
from pocketgan.metrics.registry import METRICS
from pocketgan.runs.run import Run
from pocketgan.studies.config import StudyConfig
from pocketgan.studies.jobs import Watcher, run_job
from pocketgan.studies.running import run_study
from pocketgan.studies.search import ask, open_storage, run_search, suggest, takes_fractions, trial_name, with_trials
from pocketgan.studies.study import STOP, Job, Result, Study
from pocketgan.studies.verdicts import chosen_variant
from refusals import refused
from tiny_studies import as_toml, contents, maker, run_of, undone, without_page, write_digits

pytestmark = pytest.mark.slow

FACTORS = {
    "latent_dim": {"low": 2, "high": 9},
    "hidden_dim": {"low": 4, "high": 16, "log": True},
    "learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
    "activation": ["relu", "elu"],
}
EVALUATED = {"evaluate_every": "10 steps", "evaluate_count": 200, "features": "random"}
Make = Callable[..., StudyConfig]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A search of four trials, 20 steps and two evaluations each."""
    make = maker(write_digits(tmp_path_factory.mktemp("data") / "digits.npz"))

    def search(settings: dict[str, Any] | None = None, **fields: Any) -> StudyConfig:
        base = {"search": "tpe", "trials": 4, "factors": FACTORS, "seeds": None, "pruning": "none"}
        return make(EVALUATED | (settings or {}), **(base | fields))

    return search


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketgan.studies.jobs.POLL_SECONDS", 0.005)


@pytest.fixture(scope="module")
def done(tiny: Make, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """That search, and three runs of the chosen trial on fresh seeds."""
    return run_study(tiny(fresh_seeds=3), tmp_path_factory.mktemp("studies") / "done", jobs="1")


def states(study: Study) -> list[TrialState]:
    return [trial.state for trial in open_storage(study).get_trials()]


def result_of(study: Study, name: str) -> Result | None:
    return study.job(name, study.config.first_seed).result()


def test_a_search_has_a_variant_for_each_trial(done: Study) -> None:
    names = [trial_name(number) for number in range(4)]
    assert list(done.variants) == names
    assert Study.open(done.folder).variants == done.variants
    assert done.seeds() == [0]
    for name, trial in zip(names, open_storage(done).get_trials(), strict=True):
        assert trial.state == TrialState.COMPLETE
        variant, run = done.variants[name], run_of(done.job(name, 0))
        assert variant.network.latent_dim == trial.params["latent_dim"]
        assert variant.train.learning_rate == trial.params["learning_rate"]
        assert variant.network.activation == trial.params["activation"]
        assert run.config == settled(variant, run.facts, "cpu")
        assert trial.value == run.metrics()[-1]["frechet_distance"], "its own evaluations, not the test split"
        result = result_of(done, name)
        assert result is not None
        assert result.state == "finished"


def test_values_are_of_the_kind_and_in_the_range(done: Study) -> None:
    for variant in done.variants.values():
        assert isinstance(variant.network.latent_dim, int)
        assert 2 <= variant.network.latent_dim <= 9
        assert 1e-5 <= variant.train.learning_rate <= 1e-2
        assert variant.network.activation in ("relu", "elu")
    assert len({variant.train.learning_rate for variant in done.variants.values()}) == 4, "they differ"
    kinds = open_storage(done).get_trials()[0].distributions
    assert isinstance(kinds["latent_dim"], optuna.distributions.IntDistribution)
    assert isinstance(kinds["hidden_dim"], optuna.distributions.IntDistribution)
    assert kinds["hidden_dim"].log
    assert kinds["learning_rate"].log
    assert not kinds["latent_dim"].log
    assert isinstance(kinds["activation"], optuna.distributions.CategoricalDistribution)


def test_its_state_is_a_file_in_the_folder(done: Study) -> None:
    assert (done.folder / "optuna.db").read_bytes().startswith(b"SQLite format 3")
    url = f"sqlite:///{done.folder / 'optuna.db'}"
    assert optuna.load_study(study_name="tiny", storage=url).direction == optuna.study.StudyDirection.MINIMIZE


def test_the_chosen_trial_is_run_on_fresh_seeds(done: Study) -> None:
    best = trial_name(open_storage(done).best_trial.number)
    for job in done.fresh_jobs(best):
        result = job.result()
        assert result is not None
        assert result.state == "finished"
        assert run_of(job).config.network.latent_dim == done.variants[best].network.latent_dim
    assert len(list(done.folder.glob("runs/*/fresh-*"))) == 3


def test_a_search_that_is_there_repeats_nothing(done: Study) -> None:
    before = contents(done.folder / "runs")
    again = run_study(done.config, done.folder, jobs="1")
    assert again.variants == done.variants
    assert contents(done.folder / "runs") == before
    assert len(states(done)) == 4


@pytest.mark.slow
def test_more_trials_later(tiny: Make, tmp_path: Path) -> None:
    study = run_study(tiny(trials=1, fresh_seeds=0), tmp_path / "study", jobs="1")
    before = contents(study.folder / "runs")
    study = run_study(tiny(trials=2, fresh_seeds=0), study.folder, jobs="1")
    assert states(study) == [TrialState.COMPLETE] * 2
    after = contents(study.folder / "runs")
    assert all(after[path] == content for path, content in before.items())
    with refused("smaller study", "trials"):
        run_study(tiny(trials=1, fresh_seeds=0), study.folder, jobs="1")


def test_higher_may_be_better(tiny: Make, tmp_path: Path) -> None:
    study = Study.begin(tiny(metric="precision"), tmp_path / "study")
    assert open_storage(study).direction == optuna.study.StudyDirection.MAXIMIZE
    wrong = Study.begin(tiny(metric="precision", direction="lower"), tmp_path / "wrong")
    assert open_storage(wrong).direction == optuna.study.StudyDirection.MINIMIZE
    shutil.copy(wrong.folder / "optuna.db", study.folder / "optuna.db")
    with refused("search minimizes", "storage"):
        open_storage(study)


@pytest.mark.slow
def test_a_search_for_coverage_chooses_the_trial_that_covers_most(tiny: Make, tmp_path: Path) -> None:
    study = run_study(tiny(trials=3, fresh_seeds=0, metric="coverage"), tmp_path / "study", jobs="1")
    told = {trial_name(trial.number): trial.value for trial in open_storage(study).get_trials()}
    own = {name: values[0] for name, values in study.followed().items()}
    assert told == own
    assert own[chosen_variant(study)] == max(own.values())


@pytest.mark.slow
def test_a_search_for_a_value_in_between_is_told_distances(tiny: Make, tmp_path: Path) -> None:
    study = run_study(tiny(trials=2, fresh_seeds=0, metric="density"), tmp_path / "study", jobs="1")
    told = [trial.value for trial in open_storage(study).get_trials()]
    assert told == pytest.approx([abs(values[0] - 1) for values in study.followed().values()])


# Pruning.


@pytest.mark.slow
def test_a_pruned_trial_is_kept_as_what_it_is(tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is finished; the second is found wanting at its first evaluation."""
    monkeypatch.setattr("optuna.trial.Trial.should_prune", lambda trial: trial.number == 1)
    config = tiny(trials=2, fresh_seeds=0, duration="100 steps", pruning="median")
    study = run_study(config, tmp_path / "study", jobs="1")
    assert states(study) == [TrialState.COMPLETE, TrialState.PRUNED]
    result, run = result_of(study, "trial-0001"), run_of(study.job("trial-0001", 0))
    assert result is not None
    assert result.state == "pruned"
    assert result.reason["key"] == "pruned" and result.reason["count"] > 0
    assert result.figures == {}
    assert run.status().state == "interrupted"
    assert 0 < run.status().step < run.plan.steps
    assert run.checkpoints(), "its state is kept"
    reported = open_storage(study).get_trials()[1].intermediate_values
    assert list(reported.values()) == [row["frechet_distance"] for row in run.metrics()][: len(reported)]
    assert result.wall_seconds > 0, "it took time, which the budget counts"
    assert run_study(study.config, study.folder, jobs="1").results() == study.results(), "and isn't run again"


@pytest.mark.parametrize(
    ("pruning", "kind"), [("median", "MedianPruner"), ("hyperband", "HyperbandPruner"), ("none", "NopPruner")]
)
def test_pruners(pruning: str, kind: str, tiny: Make, tmp_path: Path) -> None:
    study = Study.begin(tiny(pruning=pruning), tmp_path / "study")
    searched = open_storage(study)
    assert type(searched.pruner).__name__ == kind
    assert type(searched.sampler).__name__ == "TPESampler"


# Stopping and failing.


class Killed(BaseException):
    """A process was killed."""


@pytest.mark.slow
def test_a_search_goes_on_with_the_trials_that_it_has_begun(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One was left behind by a process that was killed: it isn't lost, and nothing is drawn anew for it."""
    config = tiny(trials=3, fresh_seeds=0)
    folder, begun = tmp_path / "study", []

    def kill(job: Job, study: Study, watch: Watcher) -> Result:
        begun.append(job.config)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("pocketgan.studies.search.run_job", kill)
        with pytest.raises(Killed):
            run_study(config, folder, jobs="1")
    study = Study.open(folder)
    assert TrialState.RUNNING in states(study)
    before = len(states(study))
    (folder / STOP).touch()
    run_search(study, jobs=1, backend="local", cores=1, progress=Progress(quiet=True))
    assert len(states(study)) == before, "a stopped search asks for no trials"
    study = run_study(config, folder, jobs="1")
    assert states(study) == [TrialState.COMPLETE] * 3
    assert list(study.variants) == [trial_name(number) for number in range(3)]
    run = run_of(study.job("trial-0000", 0))
    assert run.config == settled(begun[0], run.facts, "cpu")


@pytest.mark.slow
def test_a_search_goes_on_that_was_killed_as_it_asked_for_a_trial(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storage knows the trial; the search knows nothing of it yet."""
    config = tiny(trials=2, fresh_seeds=0)
    ask = optuna.study.Study.ask

    def killed(self: Any, *given: Any) -> Any:
        ask(self, *given)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("optuna.study.Study.ask", killed)
        with pytest.raises(Killed):
            run_study(config, tmp_path / "study", jobs="1")
    study = run_study(config, tmp_path / "study", jobs="1")
    assert states(study).count(TrialState.COMPLETE) == 2


@pytest.mark.slow
def test_a_trial_stopped_half_way_ends_with_the_same_values(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(trials=1, fresh_seeds=0, duration="100 steps")
    study = Study.begin(config, tmp_path / "study")

    def stop(self: object, run: Run, event: threading.Event) -> None:
        if run.metrics():
            (study.folder / STOP).touch()

    with monkeypatch.context() as patch:
        patch.setattr("pocketgan.studies.search.Pruning.__call__", stop)
        stopped = run_study(config, study.folder, jobs="1")
    assert (study.folder / STOP).exists()
    assert states(study) == [TrialState.RUNNING]
    before = run_of(stopped.job("trial-0000", 0)).status()
    assert 0 < before.step < 100
    done = run_study(config, study.folder, jobs="1")
    assert states(study) == [TrialState.COMPLETE]
    assert done.variants == stopped.variants
    run = run_of(done.job("trial-0000", 0))
    assert run.status().step == 100
    steps = [row["step"] for row in run.metrics()]
    assert steps == sorted(set(steps)), "it went on where it was"


@pytest.mark.slow
def test_a_trial_whose_process_is_killed_is_counted_once(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was given to a process that is killed is given to another one."""
    killed: list[Job] = []

    def killed_once(job: Job, study: Study, watch: Watcher) -> Result:
        if not killed:
            killed.append(job)
            raise Killed
        return run_job(job, study, watch)

    def run_all(work: Callable[[Any], Result], items: Sequence[Any], **_: Any) -> Iterator[Result]:
        for item in items:
            try:
                yield work(item)
            except Killed:
                yield work(item)

    monkeypatch.setattr("pocketgan.studies.search.run_job", killed_once)
    monkeypatch.setattr("pocketgan.studies.search.run_all", run_all)
    study = run_study(tiny(trials=2, fresh_seeds=0), tmp_path / "study", jobs="1")
    assert states(study) == [TrialState.COMPLETE] * 2
    run = run_of(study.job("trial-0000", 0))
    assert run.config == settled(killed[0].config, run.facts, "cpu"), "the same trial"


@pytest.mark.slow
def test_a_trial_that_diverges_has_failed(tiny: Make, tmp_path: Path) -> None:
    bad = {"objective": "wasserstein", "learning_rate": 1.0}
    config = tiny(bad, factors={"depth": [16]}, trials=2, fresh_seeds=0, duration="60 steps")
    study = run_study(config, tmp_path / "study", jobs="1")
    assert states(study) == [TrialState.FAIL] * 2
    assert [result and result.state for found in study.results().values() for result in found] == ["failed"] * 2


@pytest.mark.slow
def test_what_is_undone_stays_open(tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny(trials=2, fresh_seeds=0)
    with monkeypatch.context() as patch:
        patch.setattr("pocketgan.studies.search.run_job", lambda job, study, watch: undone(job))
        study = run_study(config, tmp_path / "study", jobs="1")
    assert states(study) == [TrialState.RUNNING] * 2
    study = run_study(config, study.folder, jobs="1")
    assert states(study) == [TrialState.COMPLETE] * 2


@pytest.mark.slow
def test_an_unfinished_search_says_so(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of three trials is done, and the others haven't begun."""
    without_page(monkeypatch)
    study = run_study(tiny(trials=1, fresh_seeds=0), tmp_path / "study", jobs="1")
    Study(study.folder, tiny(trials=3, fresh_seeds=0), study.variants).write()
    assert main(["report", str(study.folder)]) == 1
    assert "2 runs aren't done yet" in capsys.readouterr().out


@pytest.mark.slow
def test_trials_that_were_never_drawn_have_no_variant(tiny: Make, tmp_path: Path) -> None:
    study = Study.begin(tiny(), tmp_path / "study")
    searched = open_storage(study)
    searched.ask().suggest_int("latent_dim", 2, 9)
    assert with_trials(study, searched).variants == {}


def test_a_range_with_whole_ends_holds_fractions_where_the_setting_does() -> None:
    assert takes_fractions("learning_rate") and takes_fractions("dropout") and not takes_fractions("latent_dim")
    config = StudyConfig.model_validate(
        {
            "name": "a",
            "search": "tpe",
            "factors": {"dropout": {"low": 0, "high": 1}, "latent_dim": {"low": 2, "high": 9}},
        }
    )
    searched = optuna.create_study()
    trial = searched.ask()
    found = {name: suggest(trial, name, values, config) for name, values in config.factors.items()}
    assert isinstance(found["dropout"], float) and isinstance(found["latent_dim"], int)
    older = optuna.create_study()
    older.ask().suggest_int("dropout", 0, 1)
    assert isinstance(suggest(older.ask(), "dropout", config.factors["dropout"], config), int), "an older search"


# Mistakes.


@pytest.mark.parametrize(
    ("settings", "fields", "expected"),
    [
        ({"evaluate_every": "none"}, {}, "search needs runs that are evaluated; set evaluate_every"),
        ({}, {"metric": "kernel_distance"}, "metric: 'kernel_distance' isn't computed during training; known: frechet"),
        (
            {},
            {"factors": {"latent_dims": [4, 6]}},
            "factors: 'latent_dims' isn't a setting; did you mean 'latent_dim'?",
        ),
        ({}, {"factors": {"latent_dim": {"low": 0, "high": 9}}}, "latent_dim must be at least 1 (got 0)"),
        (
            {},
            {"factors": {"latent_dim": {"low": 2, "high": 10**9}}},
            "latent_dim must be at most 4096 (got 1000000000)",
        ),
        (
            {},
            {"factors": {"activation": ["relu", "geluu", "elu"]}},
            "activation must be 'relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu' or 'tanh' (got 'geluu')",
        ),
        ({}, {"storage": "nonsense"}, "storage: can't use 'nonsense': "),
        (
            {},
            {"storage": "sqlite:////no/such/folder/optuna.db"},
            "storage: can't use 'sqlite:////no/such/folder/optuna.db': ",
        ),
    ],
    ids=["evaluations", "metric", "factor", "low", "high", "value", "storage", "storage's folder"],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    settings: dict[str, Any], fields: dict[str, Any], expected: str, tiny: Make, tmp_path: Path
) -> None:
    """So that the mended file isn't called another study."""
    with pytest.raises(UserError) as caught:
        run_study(tiny(settings, **fields), tmp_path / "study", jobs="1")
    assert isinstance(caught.value, ConfigError | StudyError)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "study").exists()


def test_without_optuna(tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with refused("no optuna", "search"):
        run_study(tiny(), tmp_path / "study", jobs="1")


@pytest.mark.slow
def test_on_the_command_line(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = without_page(monkeypatch)
    path = as_toml(tiny(trials=1, fresh_seeds=1), tmp_path / "mine.toml")
    assert main(["study", str(path), "--out", str(tmp_path / "out"), "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert lines[0].startswith("1/1  trial-0000, seed 0: frechet_distance ")
    assert lines[1].startswith("'trial-0000' is chosen; 1 run on a ")
    assert "trial-0000" in out
    assert written == [tmp_path / "out"]


@pytest.mark.slow
def test_a_team_shares_a_storage(tiny: Make, tmp_path: Path) -> None:
    """Two folders search together: what the other has under way is left to it, and both have the trials of all."""
    shared = {"storage": f"sqlite:///{tmp_path / 'team.db'}", "fresh_seeds": 0}
    first = Study.begin(tiny(trials=1, **shared), tmp_path / "first")
    searched = open_storage(first)
    theirs = ask(searched, 0, first)
    run_study(tiny(trials=2, **shared), tmp_path / "second", jobs="1")
    assert states(first) == [TrialState.RUNNING, TrialState.COMPLETE]
    assert not (tmp_path / "second" / "runs" / trial_name(theirs.number)).exists()
    run_study(tiny(trials=1, **shared), tmp_path / "first", jobs="1")
    assert states(first) == [TrialState.COMPLETE] * 2
    assert (tmp_path / "first" / "runs" / trial_name(theirs.number)).exists()


@pytest.mark.slow
def test_a_metric_that_is_not_finite_ends_no_search(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the runs' own evaluations nor at their end is there a number."""
    metric = dataclasses.replace(METRICS["coverage"], function=lambda _: float("nan"))
    monkeypatch.setitem(METRICS, "coverage", metric)
    console = Console(file=io.StringIO(), width=200)
    config = tiny(trials=2, fresh_seeds=0, metric="coverage", pruning="median")
    study = run_study(config, tmp_path / "study", jobs="1", progress=Progress(console=console))
    assert states(study) == [TrialState.FAIL] * 2
    assert [result and result.figures["coverage"] for (result,) in study.results().values()] == [None, None]
    assert chosen_variant(study) is None
