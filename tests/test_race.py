"""The race: entrants keep the contract, the clock is the race's, and the table and the page say what was measured."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import race as kept_races
from pocketgan.base.errors import RunFailed
from pocketgan.cli.main import main
from pocketgan.config.code import hashes, sources
from pocketgan.config.parts import own_table
from pocketgan.experiment.recording import Recorder
from pocketgan.images.sets import ImageSet
from pocketgan.metrics.real_images import RealSets
from pocketgan.race import worker
from pocketgan.race.checks import check_entrant, find
from pocketgan.race.contract import Average, Entrant, Task, cosine
from pocketgan.race.entrants import ENTRANTS
from pocketgan.race.entrants.diffusion import shares
from pocketgan.race.judging import rotated
from pocketgan.race.page import answer, failures, write_race
from pocketgan.race.places import NAMES, entrant_name
from pocketgan.race.race import FILE, Race, RaceConfig, run_race, slug
from pocketgan.race.table import table_of
from pocketgan.race.worker import Order, run_order
from pocketgan.runs.run import Run
from pocketgan.studies.jobs import run_job
from pocketgan.studies.scripts import JUDGED, recorded_result
from pocketgan.studies.study import Result, Study
from refusals import refused

STAND_IN = '''
"""Noise of a spread."""
import torch
from torch import nn


class entrant:
    spread = SPREAD

    def __init__(self, task):
        self.task, self.batch_size = task, 10
        self.sampling, self.training = nn.Linear(2, 2), nn.Linear(3, 1)
        self.samplers = {"1 step": self.sample, "2 steps": self.sample}

    def step(self, progress):
        images, _ = self.task.batch(self.batch_size)
        return {"loss": images.mean()}

    def sample(self, count, labels, seed):
        random = torch.Generator().manual_seed(seed)
        shape = (count, self.task.channels, self.task.size, self.task.size)
        return (self.spread * torch.randn(shape, generator=random)).clamp(-1, 1)
'''


def task_of(classes: int = 3, seed: int = 0) -> Task:
    images = torch.randint(256, (60, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return Task(images, torch.arange(60) % classes if classes else None, classes, seed)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data and two stand-in entrants, which is the working directory."""
    rng = np.random.default_rng(1)
    images = np.clip(rng.normal(127.5, 50, (1500, 8, 8)), 0, 255).astype(np.uint8)
    np.savez(tmp_path / "noise.npz", images=images)
    for name, spread in (("good", 0.4), ("bad", 0.1)):
        (tmp_path / f"{name}.py").write_text(STAND_IN.replace("SPREAD", str(spread)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.delenv("POCKETGAN_RUN", raising=False)
    return tmp_path


# Entrants.


def test_the_names_are_those_of_the_entrants() -> None:
    assert tuple(ENTRANTS) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes", [0, 3])
def test_entrants_keep_the_contract(name: str, classes: int) -> None:
    entrant = check_entrant(ENTRANTS[name](task_of(classes)), name)
    assert isinstance(entrant, Entrant)
    before = [one.clone() for one in entrant.sampling.state_dict().values()]
    for progress in (0.0, 0.4):
        values = entrant.step(progress)
        assert values and all(np.isfinite(float(value)) for value in values.values())
    assert any(not torch.equal(a, b) for a, b in zip(before, entrant.sampling.state_dict().values(), strict=True))
    labels = torch.arange(4) % classes if classes else None
    for sampler in entrant.samplers.values():
        images = sampler(4, labels, 5)
        assert images.shape == (4, 1, 8, 8) and images.dtype == torch.float32
        assert images.abs().max() <= 1 and torch.equal(images, sampler(4, labels, 5))


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_decides_an_entrant(name: str) -> None:
    def trained(seed: int) -> Tensor:
        entrant = ENTRANTS[name](task_of(seed=seed))
        torch.rand(7)  # Global random numbers have no effect.
        entrant.step(0.0)
        return next(iter(entrant.samplers.values()))(2, torch.tensor([0, 1]), 3)

    assert torch.equal(trained(0), trained(0)) and not torch.equal(trained(0), trained(1))


def test_the_shares_of_image_and_noise_keep_the_variance() -> None:
    signal, rest = shares(torch.linspace(0, 1, 5))
    assert torch.allclose(signal.square() + rest.square(), torch.ones(5)) and signal[0] == 1 and rest[-1] == 1


def test_an_average_has_the_half_life_that_it_says() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = Average(network, share=0.5)
    nn.init.ones_(network.weight)
    average.update(10)  # Ten images are twice the half-life of half of ten.
    assert average.network.weight.item() == pytest.approx(0.75)
    assert [cosine(0.2), cosine(1.0)] == [1.0, pytest.approx(0.0)]


# The clock and the record.


def order_of(entrant: str, **more: Any) -> Order:
    usual = {"data": "noise.npz", "seconds": 0.02, "seed": 0, "threads": 1, "clock": "wall", "against": "test"}
    return Order(**{"entrant": entrant, "count": 200, "validation": 200, **usual, **more})


def test_a_run_is_recorded_and_judged(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETGAN_RUN", str(place / "run"))
    run_order(order_of("good.py"))
    run, judged = Run.open(place / "run"), json.loads((place / "run" / JUDGED).read_text())
    assert run.status().state == "finished" and run.config.recipe == "good"
    facts = judged["race"]
    assert facts["used_seconds"] >= 0.02 and facts["steps"] == run.status().step > 0
    assert facts["parameters"] == {"sampling": 6, "training": 4} and facts["peak_memory"] > 2**20
    assert [way["name"] for way in facts["ways"]] == ["1 step", "2 steps"]
    assert judged["figures"]["frechet_distance"] == facts["ways"][0]["scores"]["random"]["frechet_distance"]["value"]
    assert facts["against"] == "test" and judged["floor"] > 0


def test_an_entrant_of_any_file_is_recorded_with_its_code(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "my gan (2).py"
    (place / name).write_text(
        STAND_IN.replace("SPREAD", "0.4").replace("= task, 10", "= task, torch.tensor(10).numpy()[()]")
    )
    monkeypatch.setenv("POCKETGAN_RUN", str(place / "run"))
    with own_table():
        run_order(order_of(name, seconds=0.1, count=200))
    run = Run.open(place / "run")
    assert run.config.settings["entrant"] == "my gan (2)" and run.config.recipe == "my-gan--2-"
    assert run.environment.code[name] == hashes(sources(place / name))[name]


def test_too_few_images_to_judge_are_refused_before_training(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(1).integers(0, 256, (1100, 8, 8), np.uint8)
    np.savez(place / "few.npz", images=images)
    monkeypatch.setenv("POCKETGAN_RUN", str(place / "run"))
    with refused("too few in a race", "data"):
        run_order(order_of("good.py", data="few.npz"))


def test_the_time_of_steps_alone_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        batch_size, seen = 1, list[float]()
        samplers, sampling, training = dict[str, Any](), nn.Module(), nn.Module()

        def step(self, progress: float) -> dict[str, float]:
            now[0] += 1.0
            self.seen.append(progress)
            return {"loss": 0.0 if len(self.seen) < 9 else float("nan")}

    class Record(Recorder):
        stop, last_step = False, 0

        def __init__(self) -> None:
            pass

        def step(self, **values: Any) -> None:
            now[0] += 5.0  # What the record takes isn't training time.
            self.last_step += 1

    now = [0.0]
    monkeypatch.setattr(Order, "now", property(lambda self: lambda: now[0]))
    entrant, record, looks = Slow(), Record(), list[Any]()
    assert worker.train(entrant, record, order_of("slow", seconds=4.0), 1.0, looks.append) == 4.0
    assert looks == [{"loss": 0.0}]
    assert entrant.seen == [0.25, 0.5, 0.75]
    with pytest.raises(RunFailed, match="loss"):
        worker.train(entrant, record, order_of("slow", seconds=9.0), 0.0, looks.append)


def test_an_entrant_without_a_step_in_its_time_says_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETGAN_RUN", str(place / "run"))
    with pytest.raises(RunFailed) as error:
        run_order(order_of("good.py", seconds=0.0))
    assert error.value.key == "no step in time"
    assert Run.open(place / "run").status().reason == {"key": "no step in time", "seconds": "0"}


def test_entrants_that_break_the_contract_are_refused(place: Path) -> None:
    with refused("not an entrant", "entrants"):
        check_entrant(object(), "mine")
    (place / "empty.py").write_text("")
    with refused("no entrant in file", "entrants"):
        find("empty.py")
    with refused("no entrant", "entrants"):
        find("pokcet")
    assert entrant_name("work/my_gan.py:MyGAN") == "my_gan.MyGAN" and entrant_name("my_gan.py") == "my_gan"


BREAKS = {
    "training": ("nn.Linear(3, 1)", "None", "not an entrant", "entrants"),
    "batch size": ("= task, 10", "= task, 2.5", "not an entrant", "entrants"),
    "two numbers": ("images.mean()", "images[:2, 0, 0, 0]", "not an entrant", "entrants"),
    "nothing to log": ("images.mean()", "None", "not an entrant", "entrants"),
    "no dict": ('return {"loss": images.mean()}', "return images.mean()", "not an entrant", "entrants"),
    "an array": ("clamp(-1, 1)", "clamp(-1, 1).numpy()", "images of an entrant", "samplers"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_the_contract_is_refused_at_the_first_step(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after, key, field = BREAKS[name]
    text = STAND_IN.replace("SPREAD", "0.4").replace(before, after)
    (place / "good.py").write_text(text)
    monkeypatch.setenv("POCKETGAN_RUN", str(place / "run"))
    with refused(key, field):
        run_order(order_of("good.py", seconds=3600.0))
    assert Run.open(place / "run").status().step == 0


def test_a_trial_can_hold_out_other_images() -> None:
    def numbered(low: int, high: int) -> ImageSet:
        return ImageSet(torch.arange(low, high, dtype=torch.uint8).view(-1, 1, 1, 1), None, (), "numbers")

    def values(images: ImageSet | None) -> set[int]:
        return set() if images is None else set(images.images.flatten().tolist())

    sets = RealSets("validation", numbered(0, 10), numbered(10, 50), numbered(10, 50), True, "validation")
    assert rotated(sets, 0) is sets
    once, again = rotated(sets, 1), rotated(sets, 2)
    assert len(once.reference) == 10 and values(once.reference) != values(again.reference)
    assert values(once.reference) | values(once.training) == set(range(50))
    assert not values(once.reference) & values(once.training)


# The race.


@pytest.mark.parametrize(
    ("fields", "key", "field"),
    [
        ({"durations": ("5 epochs",)}, "duration of a race", "for"),
        ({"durations": ("60 s", "1 min")}, "durations twice", "for"),
        ({"threads": 0}, "at least", "threads"),
        ({"entrants": ("pocket",)}, "too few entrants", "entrants"),
        ({"entrants": ("pocket", "pocket")}, "entrants twice", "entrants"),
        ({"entrants": ("pocket", "drfting")}, "no entrant", "entrants"),
        ({"entrants": ("pocket", "missing.py")}, "no entrant", "entrants"),
    ],
)
def test_impossible_races_are_refused(fields: dict[str, Any], key: str, field: str) -> None:
    with refused(key, field):
        RaceConfig(**fields)


def test_each_duration_is_a_study_with_paired_seeds() -> None:
    config = RaceConfig(("1 min", "10 s"), ("pocket", "vae", "drifting"), seeds=2)
    study = config.study("1 min")
    assert config.ordered() == ["10 s", "1 min"] and slug("1 min") == "1-min"
    assert study.compare_with == "pocket" and list(study.configs()) == ["pocket", "vae", "drifting"]
    assert study.settings["seconds"] == 60 and study.seed_list(2) == [0, 1] and study.fresh_seeds == 0


def judged_by_hand(distance: float, ways: tuple[str, ...], steps: int = 10) -> dict[str, Any]:
    scores = {
        "digits": {
            "frechet_distance": {"value": distance, "floor": 2.0},
            "label_agreement": {"value": 0.9, "floor": 0.99},
            "authentic": {"value": 0.7, "floor": 0.6},
        },
        "random": {"frechet_distance": {"value": 10 - distance, "floor": 1.0}},
    }
    facts = {"used_seconds": 10.0, "steps": steps, "batch_size": 64, "peak_memory": 2**30}
    facts |= {"parameters": {"sampling": 1000, "training": 10}}
    facts |= {"ways": [{"name": way, "images_per_second": 100.0, "scores": scores} for way in ways]}
    return {"figures": {"frechet_distance": distance}, "floor": 2.0, "features": "digits", "race": facts}


def race_by_hand(folder: Path, distances: Callable[[str, int], float], seeds: int) -> Race:
    """A race whose runs were never started: their results are written by hand."""
    race = Race(folder, RaceConfig(("10 s",), ("pocket", "rectified-flow", "vae"), seeds=seeds))
    race.write()
    study = Study.begin(race.config.study("10 s"), folder / "10-s")
    for job in study.jobs():
        distance = distances(job.variant, job.seed)
        ways = ("20 steps", "8 steps") if job.variant == "rectified-flow" else ("1 step",)
        job.folder.mkdir(parents=True)
        judged = judged_by_hand(distance, ways)
        (job.folder / JUDGED).write_text(json.dumps(judged))
        state: Any = "finished" if distance < 9 else "failed"
        result = Result(variant=job.variant, seed=job.seed, state=state, figures=judged["figures"])
        (job.folder / "result.json").write_text(result.model_dump_json())
    return race


def test_the_table_ranks_entrants_and_keeps_their_samplers_together(tmp_path: Path) -> None:
    base = {"pocket": 4.0, "rectified-flow": 6.0, "vae": 9.5}
    table = table_of(race_by_hand(tmp_path, lambda name, seed: base[name] if name == "vae" and seed else 5.0, 1))
    assert [row.entrant for row in table.rows["10 s"]] == ["pocket", "rectified-flow", "rectified-flow"] + ["vae"] * (
        len(table.rows["10 s"]) - 3
    )
    table = table_of(race_by_hand(tmp_path / "more", lambda name, seed: base[name] + seed / 10, 3))
    rows = table.rows["10 s"]
    assert [(row.entrant, row.sampler, row.first) for row in rows] == [
        ("pocket", "1 step", True),
        ("rectified-flow", "20 steps", True),
        ("rectified-flow", "8 steps", False),
    ]
    best, second = table.best("10 s"), table.second_best("10 s")
    assert best is rows[0] and second is not None and second.entrant == "rectified-flow"
    assert best.ratio[0] == pytest.approx(2.05) and best.ratio[1] is not None and best.images == 640
    assert best.runs == 3 and best.peak_memory == 2**30 and best.real_authenticity == 0.6


def test_the_page_and_the_answer_say_what_is_shown(tmp_path: Path) -> None:
    base = {"pocket": 4.0, "rectified-flow": 6.0, "vae": 8.0}
    few = table_of(race_by_hand(tmp_path / "few", lambda name, seed: base[name], 1))
    assert "luck" in answer(few, "10 s") and "rectified-flow" not in answer(few, "10 s")
    table = table_of(race_by_hand(tmp_path / "many", lambda name, seed: base[name] + 0.1 * (seed % 3), 8))
    assert "rectified-flow, vae" in answer(table, "10 s") and "random" in answer(table, "10 s")
    page = write_race(table).read_text()
    assert page.count("<svg") > 5 and "(8 steps)" in page and "data-x-log" in page
    values = json.loads((tmp_path / "many" / "table.json").read_text())
    assert values["use"] == {"10 s": "pocket"} and len(values["rows"]) == 4


def test_a_race_goes_on_with_more_and_not_with_another_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, int | None]] = []
    monkeypatch.setattr(
        "pocketgan.race.race.run_study",
        lambda config, folder, **more: started.append((Path(folder).name, config.seeds)),
    )
    run_race(RaceConfig(("1 min",), seeds=2), tmp_path / "race")
    race = run_race(RaceConfig(("10 s", "60 s"), seeds=3), tmp_path / "race")
    assert started == [("1-min", 2), ("10-s", 3), ("1-min", 3)]
    assert Race.open(tmp_path / "race") == race and race.config.durations == ("1 min", "10 s")
    with refused("other race", "out"):
        run_race(RaceConfig(("10 s",), threads=2), tmp_path / "race")
    with refused("no race folder", "race"):
        Race.open(tmp_path)


def test_a_script_can_judge_itself(place: Path) -> None:
    race = race_by_hand(place / "race", lambda name, seed: 4.0, 1)
    study = race.studies()["10 s"]
    job = study.jobs()[0]
    (job.folder / "result.json").unlink()
    recorded_into(job.folder, place)
    result = recorded_result(job, study)
    assert result.figures == {"frechet_distance": 4.0} and result.floor == 2.0 and result.features == "digits"
    (job.folder / JUDGED).write_text("{}")
    with pytest.raises(RunFailed, match="frechet_distance"):
        recorded_result(job, study)


def recorded_into(folder: Path, place: Path) -> None:
    """Makes a recorded run of a stand-in in a folder that has a `judged.json`, which stays."""
    judged = (folder / JUDGED).read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKETGAN_RUN", str(folder))
        run_order(order_of(str(place / "good.py")))
    (folder / JUDGED).write_text(judged)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["noise.npz", "--entrants", "good.py,bad.py", "--count", "100"], "--count must be at least 129"),
        (["noise.npz", "--entrants", "good.py,bad.py", "--jobs", "x"], "--jobs must be"),
        (["noise.npz", "--entrants", "good.py,bad.py:other"], "there is no 'other' in 'bad.py'"),
        (["noise.npz", "--entrants", "good.py,broken.py"], "broken.py, line 1: SyntaxError"),
        (["missing.npz", "--entrants", "good.py,bad.py"], "missing.npz"),
        (["few.npz", "--entrants", "good.py,bad.py"], "129"),
    ],
)
def test_a_race_that_cannot_run_is_refused_before_anything_is_written(
    words: list[str], said: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "broken.py").write_text("def entrant(:")
    np.savez(place / "few.npz", images=np.zeros((500, 8, 8), np.uint8) + np.arange(8, dtype=np.uint8) * 30)
    assert main(["race", *words, "--for", "1 s", "--seeds", "1", "--out", "races", "--quiet"]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not (place / "races").exists()


def test_failed_entrants_are_named_with_their_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    race = race_by_hand(tmp_path / "race", lambda name, seed: 2.0 + seed, seeds=3)
    study = next(iter(race.studies().values()))
    name = study.config.compare_with
    for seed in study.seeds():
        job = study.job(str(name), seed)
        failed = Result(variant=str(name), seed=seed, state="failed", message="it diverged")
        (job.folder / "result.json").write_text(failed.model_dump_json())
    table = table_of(race)
    duration = next(iter(table.rows))
    assert name not in {row.entrant for row in table.rows[duration]}
    assert any("it diverged" in line and str(name) in line for line in failures(table, duration))
    assert "it diverged" in write_race(table).read_text()


@pytest.mark.slow
def test_a_race_of_files_runs_from_the_command_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["race", "noise.npz", "--for", "0.2 s", "--entrants", "bad.py,good.py", "--seeds", "1", "--count", "200"]
    assert main([*words, "--out", "races", "--quiet", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["use"] == {"0.2 s": "good"} and Path("races/race.html").is_file() and Path("races", FILE).is_file()
    before = Path("races/0-2-s/runs/good/seed-0/stats.jsonl").stat().st_mtime_ns
    assert main([*words, "--out", "races", "--quiet"]) == 0
    assert Path("races/0-2-s/runs/good/seed-0/stats.jsonl").stat().st_mtime_ns == before
    assert run_job(Race.open("races").studies()["0.2 s"].jobs()[0], Race.open("races").studies()["0.2 s"])


# The rows that are kept of races.


def test_kept_rows_name_the_data_and_hold_the_corrected_verdict(tmp_path: Path) -> None:
    base = {"pocket": 4.0, "rectified-flow": 6.0, "vae": 4.0}
    table = table_of(race_by_hand(tmp_path, lambda name, seed: base[name] + 0.1 * (seed % 3), 8))
    table.race.write()
    write_race(table)
    rows = kept_races.rows_of(tmp_path)
    assert {row["data"] for row in rows} == {"mnist"} and len(rows) == 4
    verdicts = {row["entrant"]: row.get("verdict") for row in rows if row["first"]}
    assert verdicts == {"pocket": None, "rectified-flow": "worse", "vae": "no difference shown"}
    line = kept_races.use_cells(rows)
    assert line[:3] == ["mnist", "10 s", "`pocket`"] and line[-3:] == ["–", "`rectified-flow`", "8"]
    again = kept_races.merged([{"data": "mnist", "seconds": 10.0}, {"data": "mnist", "seconds": 60.0}], rows)
    assert len(again) == 5 and again[0]["seconds"] == 60.0
    kept_races.draw(rows, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 10_000


@pytest.mark.other_packages
def test_the_keras_peer_is_an_entrant() -> None:
    make = find(str(Path(kept_races.__file__).parent / "peers" / "keras_dcgan.py"))
    images = torch.randint(256, (60, 1, 28, 28), dtype=torch.uint8)
    entrant = check_entrant(make(Task(images, None, 0, 0)), "keras_dcgan")
    values = entrant.step(0.0)
    assert set(values) == {"d_loss", "g_loss"} and all(np.isfinite(list(map(float, values.values()))))
    images = entrant.samplers["1 step"](3, None, 0)
    assert images.shape == (3, 1, 28, 28) and images.dtype == torch.float32 and images.abs().max() <= 1
    assert sum(one.numel() for one in entrant.sampling.parameters()) > 700_000
