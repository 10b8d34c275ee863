"""Whole studies, tiny ones: paired seeds, the same bits as alone, nothing twice, nothing lost, failures kept."""

import dataclasses
import io
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import pocketgan
from pocketgan.base.errors import StudyError, UserError
from pocketgan.base.progress import Progress
from pocketgan.cli.main import main
from pocketgan.config.fields import differences
from pocketgan.experiment.experiment import settled
from pocketgan.experiment.watchdog_words import title
from pocketgan.metrics.registry import METRICS
from pocketgan.runs.run import Run
from pocketgan.studies.jobs import real_images, real_sets, run_job
from pocketgan.studies.running import run_study
from pocketgan.studies.study import STOP, Job, Result, Study
from pocketgan.studies.verdicts import judge
from refusals import refused
from tiny_studies import SETTINGS, Make, assert_same_bits, contents, losses, run_of, undone

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketgan.studies.jobs.POLL_SECONDS", 0.01)


@pytest.fixture(scope="module")
def local(tiny: Make, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """That study, run in processes of its own, two at once."""
    return run_study(tiny(), tmp_path_factory.mktemp("studies") / "study", jobs="2")


def count_runs(monkeypatch: pytest.MonkeyPatch, outcome: Callable[[Job], Result] | None = None) -> list[Job]:
    """Returns a list of the jobs that are run from now on, in this process; `outcome` stands in for running them."""
    ran: list[Job] = []

    def run(job: Job, study: Study) -> Result:
        ran.append(job)
        return run_job(job, study) if outcome is None else outcome(job)

    monkeypatch.setattr("pocketgan.studies.running.run_job", run)
    return ran


# A study's runs.


def test_every_variant_is_run_on_every_seed(local: Study, tiny: Make) -> None:
    assert local.folder == Study.open(local.folder).folder
    assert {name: [r and (r.variant, r.seed, r.state) for r in found] for name, found in local.results().items()} == {
        name: [(name, seed, "finished") for seed in (0, 1)] for name in ("latent_dim=4", "latent_dim=6")
    }
    for job in local.jobs():
        run, result = run_of(job), job.result()
        assert result is not None
        assert result.figures.keys() == {"frechet_distance", "modes"}
        assert result.features.startswith("digits")
        assert result.floor is not None and 0 < result.floor < (result.figures["frechet_distance"] or 0)
        assert 0 < result.seconds < result.wall_seconds
        assert run.status().state == "finished"
        assert run.status().step == 20
        assert run.status().pid != os.getpid(), "in a process of its own"
        assert run.environment.threads == 1
        asked = settled(local.variants[job.variant], run.facts, "cpu")
        assert differences(run.config, asked) == ([f"seed: {job.seed} -> 0"] if job.seed else [])
    between = differences(*(run_of(local.job(name, 1)).config for name in local.variants))
    assert between == ["latent_dim: 4 -> 6"], "nothing else differs"
    assert not (local.folder / STOP).exists()


def test_figures_are_those_of_evaluate(local: Study) -> None:
    job = local.jobs()[-1]
    done = pocketgan.evaluate(
        job.folder, against="train", features="digits", count=200, checkpoint="last", seed=job.seed, progress=False,
        metrics="frechet_distance,modes",
    )  # fmt: skip
    result = job.result()
    assert result is not None
    assert result.figures == {name: figure.value for name, figure in done.figures.items()}
    assert result.floor == done.figures["frechet_distance"].floor


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_has_the_same_bits_as_the_same_run_alone(
    jobs: str, local: Study, tiny: Make, data: Path, tmp_path: Path
) -> None:
    study = local if jobs == "2" else run_study(tiny(), tmp_path / "study", jobs="1")
    settings = SETTINGS | {"data": data, "latent_dim": 6, "seed": 1, "duration": "20 steps", "threads": 1}
    words = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert main(["train", "minimal", *words, "--quiet", "--out", str(tmp_path / "alone")]) == 0
    inside = run_of(study.job("latent_dim=6", 1))
    assert (inside.status().pid == os.getpid()) == (jobs == "1")
    assert_same_bits(inside, Run.open(tmp_path / "alone"))


@pytest.mark.slow
def test_seeds_are_paired(tiny: Make, tmp_path: Path) -> None:
    """Variants that train alike have the same bits; others see the same images and latents in the same order, and so
    have the same losses before the first update.
    """
    variants = [{"name": "one"}, {"name": "same", "watch_window": 4}, {"name": "faster", "learning_rate": 0.01}]
    study = run_study(tiny(variants=variants), tmp_path / "study", jobs="1")
    for seed in (0, 1):
        one, same, faster = (run_of(study.job(name, seed)) for name in ("one", "same", "faster"))
        assert_same_bits(one, same)
        assert losses(one)[0]["d_loss"] == losses(faster)[0]["d_loss"]
        assert losses(one)[1]["d_loss"] != losses(faster)[1]["d_loss"]
    first, second = (run_of(study.job("one", seed)) for seed in (0, 1))
    assert losses(first)[0]["d_loss"] != losses(second)[0]["d_loss"]
    figures = study.figures()
    assert figures["one"] == figures["same"]


@pytest.mark.slow
def test_the_best_checkpoint_may_be_measured(tiny: Make, tmp_path: Path) -> None:
    settings = {"evaluate_every": "5 steps", "evaluate_count": 200, "features": "digits", "learning_rate": 0.01}
    config = tiny(settings, checkpoint="best", variants=[{"name": "a"}], seeds=1)
    study = run_study(config, tmp_path / "study", jobs="1")
    (job,) = study.jobs()
    found = {
        which: pocketgan.evaluate(
            job.folder, against="train", features="digits", count=200, checkpoint=which, metrics="frechet_distance",
            progress=False,
        ).figures["frechet_distance"].value
        for which in ("best", "last")
    }  # fmt: skip
    assert found["best"] != found["last"]
    assert study.figures() == {"a": [found["best"]]}


def test_image_to_image_studies_redraw_as_many_as_there_are(tiny: Make, tmp_path: Path) -> None:
    config = tiny({"depth": 1}, recipe="white-background", variants=[{"classes": "all"}], count=10_000, seeds=1)
    study = run_study(config, tmp_path / "study", jobs="1")
    (result,) = study.results()["classes=all"]
    assert result is not None and result.state == "finished"


@pytest.mark.slow
def test_the_chosen_variant_is_run_on_fresh_seeds(tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = count_runs(monkeypatch)
    config = tiny(fresh_seeds=2)
    study = run_study(config, tmp_path / "study", jobs="1")
    best = min(study.variants, key=lambda name: sum(value or 0 for value in study.figures()[name]))
    assert [(job.variant, job.seed, job.fresh) for job in ran[:4]] == [
        (name, seed, False) for seed in (0, 1) for name in ("latent_dim=4", "latent_dim=6")
    ], "seed by seed"
    assert [(job.variant, job.seed, job.fresh) for job in ran[4:]] == [
        (best, seed, True) for seed in config.fresh_seed_list()
    ]
    assert run_of(ran[-1]).config.seed == config.fresh_seed_list()[-1]
    fresh = [job.result() for job in study.fresh_jobs(best)]
    assert judge(study).fresh == [result and result.figures["frechet_distance"] for result in fresh]


@pytest.mark.slow
def test_nothing_is_chosen_before_all_runs_are_done(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is chosen from half of the runs may not be the best of all."""
    ran = count_runs(monkeypatch, lambda job: undone(job) if job.seed == 1 else run_job(job, study))
    study = Study.begin(tiny(fresh_seeds=1), tmp_path / "study")
    run_study(study.config, study.folder, jobs="1")
    assert len(ran) == 4
    assert not any(job.fresh for job in ran)


# Going on.


def test_a_study_that_is_there_repeats_nothing(local: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(local.folder)
    ran = count_runs(monkeypatch)
    again = run_study(local.config, local.folder, jobs="1")
    assert ran == []
    assert again.results() == local.results()
    after = contents(local.folder)
    assert {path: content for path, (_, content) in before.items()} == {p: content for p, (_, content) in after.items()}
    changed = {path.name for path in before if before[path][0] != after[path][0]}
    assert changed <= {"study.json"}


@pytest.mark.slow
def test_more_seeds_later_run_only_the_new_ones(tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = run_study(tiny(seeds=1), tmp_path / "study", jobs="1")
    before = contents(study.folder / "runs")
    ran, said = count_runs(monkeypatch), io.StringIO()
    more = run_study(tiny(seeds=2), study.folder, jobs="1", progress=Progress(console=Console(file=said, width=200)))
    assert [(job.variant, job.seed) for job in ran] == [("latent_dim=4", 1), ("latent_dim=6", 1)]
    after = contents(study.folder / "runs")
    assert all(after[path] == content for path, content in before.items())
    assert more.seeds() == Study.open(study.folder).seeds() == [0, 1]
    lines = said.getvalue().splitlines()
    assert lines[0] == "tiny: 2 of 4 runs are done"
    assert [line.partition(":")[0] for line in lines[1:]] == ["3/4  latent_dim=4, seed 1", "4/4  latent_dim=6, seed 1"]


def test_fewer_seeds_are_refused(tiny: Make, tmp_path: Path) -> None:
    Study.begin(tiny(seeds=4, fresh_seeds=3), tmp_path / "study")
    with refused("smaller study", "seeds"):
        Study.begin(tiny(seeds=3, fresh_seeds=3), tmp_path / "study")
    with refused("smaller study", "fresh_seeds"):
        Study.begin(tiny(seeds=4, fresh_seeds=2), tmp_path / "study")


@pytest.mark.parametrize(("before", "after", "least"), [(8, None, 8), (None, 4, 6)])
def test_a_study_never_loses_seeds(
    before: int | None, after: int | None, least: int, tiny: Make, tmp_path: Path
) -> None:
    """By default it is six here: neither asking for 4 after that, nor for none after 8, may drop runs that are done."""
    Study.begin(tiny(seeds=before), tmp_path / "study")
    with suppress(StudyError):
        Study.begin(tiny(seeds=after), tmp_path / "study")
    assert len(Study.open(tmp_path / "study").seeds()) == least


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"duration": "30 steps"}, r"duration: 20 steps -> 30 steps"),
        ({"factors": {"latent_dim": [4, 7]}}, r"factors: .*6.* -> .*7"),
        ({"metric": "modes"}, r"metric: frechet_distance -> modes"),
        ({"settings": {"depth": 2}}, r"settings: .*depth"),
        ({"name": "other"}, r"name: tiny -> other"),
        ({"recipe": "mlp"}, r"recipe: minimal -> mlp"),
        ({"first_seed": 5}, r"first_seed: 0 -> 5"),
    ],
)
def test_the_folder_of_another_study_is_refused(
    change: dict[str, Any], expected: str, local: Study, tiny: Make
) -> None:
    before = contents(local.folder)
    with refused("other study", "out") as caught:
        run_study(tiny(**change), local.folder, jobs="1")
    assert "choose another folder" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(local.folder) == before


def test_recipes_that_have_changed_are_refused(tiny: Make, tmp_path: Path) -> None:
    study = Study.begin(tiny(), tmp_path / "study")
    path = study.folder / "study.json"
    values = json.loads(path.read_text())
    values["variants"]["latent_dim=4"]["train"]["beta1"] = 0.4
    path.write_text(json.dumps(values))
    with refused("recipes changed", "out"):
        Study.begin(tiny(), study.folder)


def test_a_folder_with_something_else_is_refused(tiny: Make, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with refused("no study inside", "out"):
        run_study(tiny(), tmp_path, jobs="1")
    with refused("no study inside", "out"):
        run_study(tiny(), tmp_path / "notes.txt", jobs="1")
    with refused("not writable", "out"):
        run_study(tiny(), tmp_path / "notes.txt" / "study", jobs="1")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_study_killed_as_it_began_goes_on(tiny: Make, tmp_path: Path) -> None:
    """Its folders are made before `study.json` is."""
    (tmp_path / "study" / "runs").mkdir(parents=True)
    assert Study.begin(tiny(), tmp_path / "study").variants


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "1.5", ""])
def test_a_number_of_jobs_that_will_not_do(jobs: str, tiny: Make, tmp_path: Path) -> None:
    with refused("number of jobs", "jobs"):
        run_study(tiny(), tmp_path / "study", jobs=jobs)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "isn't valid JSON"),
        ("[]", "isn't a JSON object"),
        ("{}", "reads formats 1 to"),
        ('{"format": 99}', "reads formats 1 to"),
        ('{"format": 1}', "is damaged"),
        ('{"format": 1, "study": {}, "variants": {}}', "is damaged: name"),
        ('{"format": 1, "study": {"name": "a", "factors": {"latent_dim": [4]}}, "variants": []}', "is damaged"),
        ('{"format": 1, "study": {"name": "a", "factors": {"latent_dim": [4]}}, "variants": {"a": {}}}', "is damaged"),
        (
            '{"format": 1, "study": {"name": "a", "factors": {"latent": [4]}}, "variants": {}}',
            "'latent' isn't a setting",
        ),
    ],
)
def test_a_damaged_study_is_one_line(text: str, expected: str, tiny: Make, tmp_path: Path) -> None:
    study = Study.begin(tiny(), tmp_path / "study")
    (study.folder / "study.json").write_text(text)
    for again in (lambda: Study.open(study.folder), lambda: run_study(tiny(), study.folder, jobs="1")):
        with pytest.raises(StudyError, match=r"^study: .*study\.json.*") as caught:
            again()
        assert expected in str(caught.value)
        assert "\n" not in str(caught.value)
    assert (study.folder / "study.json").read_text() == text


@pytest.mark.parametrize("damage", ["half", "empty", "edited", "list"])
def test_a_damaged_result_is_measured_again(damage: str, local: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    job = local.jobs()[2]
    path, before = job.folder / "result.json", job.result()
    whole = path.read_text()
    texts = {"half": whole[: len(whole) // 2], "empty": "", "edited": whole.replace('"seed"', '"sead"'), "list": "[]"}
    path.write_text(texts[damage])
    trained = {p: content for p, content in contents(job.folder).items() if p.suffix in (".safetensors", ".jsonl")}
    ran = count_runs(monkeypatch)
    run_study(local.config, local.folder, jobs="1")
    assert [(each.variant, each.seed) for each in ran] == [(job.variant, job.seed)]
    after = job.result()
    assert before is not None and after is not None
    assert after.model_dump(exclude={"wall_seconds"}) == before.model_dump(exclude={"wall_seconds"})
    assert {p: content for p, content in contents(job.folder).items() if p in trained} == trained, "not trained again"


# Failures.


DIVERGES = {"name": "diverges", "objective": "wasserstein", "depth": 16, "learning_rate": 1.0}


@pytest.mark.slow
def test_a_run_that_diverges_is_kept_and_stops_no_other(tiny: Make, tmp_path: Path) -> None:
    said = io.StringIO()
    config = tiny(variants=[DIVERGES, {"name": "healthy"}], duration="60 steps")
    progress = Progress(console=Console(file=said, width=300))
    study = run_study(config, tmp_path / "study", jobs="1", progress=progress)
    failed, healthy = (study.results()[name] for name in ("diverges", "healthy"))
    assert [result and result.state for result in failed] == ["failed", "failed"]
    assert [result and result.state for result in healthy] == ["finished", "finished"]
    for result in failed:
        assert result is not None
        assert "aren't finite" in result.message
        assert result.figures == {}
        assert "non_finite" in result.diagnoses
        assert (study.job("diverges", result.seed).folder / "status.json").is_file()
    assert run_of(study.job("diverges", 0)).status().state == "failed"
    assert "diverges, seed 0: failed: " in said.getvalue()
    assert study.figures()["diverges"] == [None, None]


def test_a_run_that_failed_is_not_run_again(tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny(variants=[DIVERGES], duration="60 steps", seeds=1)
    study = run_study(config, tmp_path / "study", jobs="1")
    ran = count_runs(monkeypatch)
    assert run_study(config, study.folder, jobs="1").results() == study.results()
    assert ran == []


WON = {
    "evaluate_every": "10 steps",
    "evaluate_count": 200,
    "features": "digits",
    "learning_rate": 1e-12,
    "discriminator_learning_rate": 0.01,
    "watch_accuracy": 0.6,
    "watch_window": 2,
    "on_failure": "stop",
}


@pytest.fixture(scope="module")
def stopped(tiny: Make, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A run that the watchdog stops, since its discriminator has won."""
    config = tiny(WON, variants=[{"name": "won"}], seeds=1, duration="100 steps")
    return run_study(config, tmp_path_factory.mktemp("studies") / "stopped", jobs="1")


def test_a_run_that_the_watchdog_stops_has_failed(stopped: Study) -> None:
    ((result,),) = stopped.results().values()
    assert result is not None
    assert result.state == "failed"
    assert result.message.startswith(f"{title('discriminator_won')}: ")
    assert "discriminator_won" in result.diagnoses
    assert run_of(stopped.jobs()[0]).status().step < 100


def test_a_run_that_the_watchdog_stopped_has_failed_however_often_it_is_asked(stopped: Study) -> None:
    """As when the process is killed before it has written the result, or the file is damaged."""
    (job,) = stopped.jobs()
    (job.folder / "result.json").unlink()
    assert run_job(job, stopped).state == "failed"


@pytest.mark.slow
def test_an_error_in_a_metric_stops_no_other_run(tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics raise ValueError for what they can't judge (`evaluate` leaves them out and says so)."""

    def refuse(_: object) -> float:
        raise ValueError("labels: no class has 2 images or more on both sides")

    monkeypatch.setitem(METRICS, "modes", dataclasses.replace(METRICS["modes"], function=refuse))
    study = run_study(tiny(seeds=1), tmp_path / "study", jobs="1")
    assert [result and result.state for (result,) in study.results().values()] == ["finished", "finished"]


@pytest.mark.slow
def test_a_figure_that_is_not_finite_stops_no_other_run(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = dataclasses.replace(METRICS["frechet_distance"], function=lambda _: float("inf"))
    monkeypatch.setitem(METRICS, "frechet_distance", metric)
    study = run_study(tiny(seeds=1), tmp_path / "study", jobs="1")
    assert all(result is not None for (result,) in study.results().values())


@pytest.mark.slow
def test_unreadable_data_leaves_runs_undone(tiny: Make, data: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.npz"
    mine.write_bytes(data.read_bytes())
    study = Study.begin(tiny({"data": str(mine)}, seeds=1), tmp_path / "study")
    first, second = study.jobs()
    assert run_job(first, study).state == "finished"
    mine.rename(tmp_path / "away.npz")
    result = run_job(second, study)
    assert result.state == "undone" and result.message.startswith("data: there is no")
    assert second.result() is None
    with refused("no such data", "data"):
        run_study(study.config, study.folder, jobs="1")
    (tmp_path / "away.npz").rename(mine)
    study = run_study(study.config, study.folder, jobs="1")
    assert all(result and result.state == "finished" for found in study.results().values() for result in found)


@pytest.mark.slow
def test_data_that_changed_is_read_anew(tiny: Make, data: Path, tmp_path: Path) -> None:
    """In the same process, as loky's workers live on from one study to the next."""
    mine = tmp_path / "mine.npz"
    mine.write_bytes(data.read_bytes())
    config = tiny({"data": str(mine)}, variants=[{"name": "a"}], seeds=1)
    run_study(config, tmp_path / "first", jobs="1")
    np.savez(mine, images=255 - np.load(data)["images"])
    second = run_study(config, tmp_path / "second", jobs="1")
    (job,) = second.jobs()
    stale = job.result()
    (job.folder / "result.json").unlink()
    real_sets.cache_clear()
    real_images.cache_clear()
    anew = run_job(job, second)
    assert stale is not None
    assert stale.figures == anew.figures
    assert stale.floor == anew.floor


@pytest.mark.parametrize(
    "fields",
    [
        {"metric": "frechet_distanc"},
        {"metrics": ["frechet_distanc"]},
        {"against": "tset"},
        {"against": "test"},
        {"checkpoint": "best"},
    ],
    ids=["metric", "metrics", "no such path", "no such split", "no evaluations"],
)
def test_what_can_never_be_measured_is_refused_before_a_run_trains_for_it(
    fields: dict[str, Any], tiny: Make, tmp_path: Path
) -> None:
    """The file of images has no test split, and runs that aren't evaluated have no best checkpoint."""
    with suppress(UserError):
        study = run_study(tiny(**fields), tmp_path / "study", jobs="1")
        trained = [job.folder for job in study.jobs() if (job.folder / "config.json").exists()]
        pytest.fail(f"{len(trained)} runs were trained in vain")
    assert not list(tmp_path.rglob("config.json"))
