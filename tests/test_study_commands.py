"""`pocketgan studies`, `study` and `report`, and the same through Python: what they print, and their exit codes."""

import importlib
import io
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from rich.console import Console

import pocketgan
from pocketgan.cli.main import main
from pocketgan.config.sections import RunConfig
from pocketgan.studies.jobs import run_job
from pocketgan.studies.predeclared import STUDIES
from pocketgan.studies.presenting import verdict_values
from pocketgan.studies.running import ROWS, run_study, table_of
from pocketgan.studies.study import STOP, Job, Result, Study
from pocketgan.studies.verdicts import judge
from tiny_studies import PAGE, Make, as_toml, contents, maker, undone, without_page, write_digits


@pytest.fixture(autouse=True)
def written(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The studies whose page was written."""
    monkeypatch.setattr("pocketgan.studies.jobs.POLL_SECONDS", 0.01)
    return without_page(monkeypatch)


@pytest.fixture(scope="module")
def done(tiny: Make, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of two variants on six seeds, with two fresh ones."""
    config = tiny(seeds=6, fresh_seeds=3, duration="8 steps", question="Is 6 better than 4?")
    return run_study(config, tmp_path_factory.mktemp("studies") / "done", jobs="1")


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_studies_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["studies"]) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line for line in lines(out)}
    for name, make in STUDIES.items():
        config = make()
        study = Study(Path(name), config, config.configs())
        assert rows[name].endswith(f"{len(study.variants)} {len(study.seeds())}")
    assert "comparison" in rows["latent-dim"]
    assert "6 recipes" in rows["stability"]
    assert "pocketgan study NAME --out DIR" in out


def test_report_prints_table_sentences_and_page(
    done: Study, written: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(done.folder)]) == 0
    said = lines(capsys.readouterr().out)
    assert said[0] == "Is 6 better than 4?"
    assert said[1].startswith("variant runs failed Fréchet distance (IQM) 95% interval training time")
    for name in done.variants:
        (row,) = (line for line in said if re.match(rf"{name} \d", line))
        assert re.match(rf"{name} 6 0 [\d.]+ [\d.]+ to [\d.]+ 0 s", row)
    assert any("latent_dim=4 and latent_dim=6" in line or "than latent_dim" in line for line in said)
    assert any("has the best Fréchet distance; on 3 confirmation seeds it is" in line for line in said)
    assert said[-1] == f"page {done.folder / 'report' / 'report.html'}"
    assert written == [done.folder]


@pytest.mark.slow
def test_study_runs_it_and_says_the_same(
    tiny: Make, tmp_path: Path, written: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = as_toml(tiny(fresh_seeds=1), tmp_path / "mine.toml"), tmp_path / "out"
    assert main(["study", str(path), "--out", str(folder), "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    assert [line.partition(":")[0] for line in lines(err)] == [
        "1/4 latent_dim=4, seed 0",
        "2/4 latent_dim=6, seed 0",
        "3/4 latent_dim=4, seed 1",
        "4/4 latent_dim=6, seed 1",
        lines(err)[4],
        lines(err)[5].partition(":")[0],
    ]
    assert re.match(r"'latent_dim=\d' is chosen; 1 run on a \w+ seed ", lines(err)[4])
    assert "seed 1000000" in lines(err)[5]
    assert "2 seeds can't show any difference in 1 comparison" in out
    assert written == [folder]
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out == out
    assert main(["study", str(path), "--out", str(folder), "--jobs", "1", "--quiet"]) == 0
    assert capsys.readouterr() == (out, "")


def test_flags_go_before_the_file(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = as_toml(tiny(), tmp_path / "mine.toml")
    assert main(["study", str(path), "--seeds", "1", "--duration", "6 steps", "--jobs", "1", "--quiet", "--json"]) == 0
    study = Study.open("studies/tiny")
    assert json.loads(capsys.readouterr().out) == verdict_values(judge(study))
    assert study.seeds() == [0]
    assert {config.train.duration for config in study.variants.values()} == {"6 steps"}


@pytest.mark.slow
def test_an_unfinished_study_has_a_report(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At any moment: before the first run is done, with one variant's runs alone, and with all of some seeds."""
    study = Study.begin(tiny(), tmp_path / "study")
    for number, job in enumerate(study.jobs()):
        assert main(["report", str(study.folder)]) == 1
        out, err = capsys.readouterr()
        left = len(study.jobs()) - number
        assert ("1 run isn't done yet" if left == 1 else f"{left} runs aren't done yet") in out
        assert err == ""
        run_job(job, study)
    assert main(["report", str(study.folder)]) == 0


@pytest.mark.slow
def test_data_that_is_gone_is_one_line_and_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_digits(tmp_path / "digits.npz")
    path, folder = as_toml(maker(data)(seeds=1), tmp_path / "mine.toml"), tmp_path / "out"
    words = ["study", str(path), "--out", str(folder), "--jobs", "1"]
    data.rename(tmp_path / "away.npz")
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("error: data: there is no data")
    assert not list(folder.rglob("result.json"))
    (tmp_path / "away.npz").rename(data)
    assert main(words) == 0


def test_fresh_runs_that_are_undone_are_exit_code_1(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "pocketgan.studies.running.run_job", lambda job, study: undone(job) if job.fresh else run_job(job, study)
    )
    path = as_toml(tiny(seeds=1, fresh_seeds=1, duration="6 steps"), tmp_path / "mine.toml")
    assert main(["study", str(path), "--out", str(tmp_path / "out"), "--jobs", "1", "--quiet"]) == 1


@pytest.mark.slow
def test_all_runs_failed(tiny: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A study whose runs have all failed is done, and its command fails."""
    bad = {"objective": "wasserstein", "depth": 16, "learning_rate": 1.0}
    config = tiny(variants=[{"name": "bad", **bad}, {"name": "worse", **bad, "depth": 15}], duration="60 steps")
    run_study(config, tmp_path / "all", jobs="1")
    assert main(["report", str(tmp_path / "all")]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "bad: 2 of 2 runs failed." in out


@pytest.mark.slow
def test_how_to_go_on_is_the_whole_command(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Typed again it goes on: with the flags that were given, on any path."""
    monkeypatch.chdir(tmp_path)
    path, folder = as_toml(tiny(), tmp_path / "my study.toml"), tmp_path / "my folder"

    def stopped(job: Job, study: Study) -> Result:
        (study.folder / STOP).touch()
        return undone(job)

    with monkeypatch.context() as patch:
        patch.setattr("pocketgan.studies.running.run_job", stopped)
        words = [str(path), "--out", str(folder), "--seeds", "1", "--duration", "6 steps", "--jobs", "1", "--quiet"]
        assert main(["study", *words]) == 130
    out = capsys.readouterr().out
    assert "stopped and saved: 0 runs are done" in out
    (command,) = re.findall(r"^continue with: pocketgan (.*)$", out, re.MULTILINE)
    words = shlex.split(command)
    assert main([*words, *([] if "--jobs" in words else ["--jobs", "1"]), "--quiet"]) == 0, capsys.readouterr().err
    assert Study.open(folder).seeds() == [0]


# Mistakes.

MISTAKES = [
    ("studies latent", "'latent' is one word too many"),
    ("study", "NAME|FILE.toml is missing"),
    (
        "study latent-dims",
        "study: there is no study 'latent-dims'; did you mean 'latent-dim'?; known: latent-dim, hidden-dim",
    ),
    ("study {place}/none.toml", "study: can't read {place}/none.toml: No such file or directory"),
    ("study {place}/broken.toml", "study: '{place}/broken.toml' isn't valid TOML"),
    ("study {place}/factor.toml", "factors: 'latent_dims' isn't a setting; did you mean 'latent_dim'?"),
    ("study {place}/value.toml", "variant 'latent_dim=0': latent_dim must be at least 1 (got 0)"),
    ("study {place}/empty.toml", "factors: latent_dim has no values; give at least two"),
    ("study latent-dim --out {place}/done", "--out: '{place}/done' holds the study 'tiny' with other settings"),
    ("study latent-dim --out {place}", "--out: '{place}' isn't empty and holds no study; choose another folder"),
    ("study latent-dim --seeds abc", "--seeds must be a whole number (got 'abc')"),
    ("study latent-dim --seeds 0", "--seeds must be at least 1 (got 0)"),
    ("study latent-dim --jobs 0", "--jobs must be a number from 1 up, or 'auto' for one per core (got '0')"),
    ("study latent-dim --jobs two", "--jobs must be a number from 1 up, or 'auto' for one per core (got 'two')"),
    ("study latent-dim --backend cloud", "--backend must be one of local, ray (got 'cloud')"),
    ("study latent-dim --duration 5", "duration needs a unit (got '5'); write '50 epochs'"),
    ("study latent-dim --seed 5", "--seed isn't a flag; did you mean '--seeds'?"),
    ("report", "DIR is missing"),
    ("report {place}/none", "study: '{place}/none' doesn't exist; 'pocketgan study NAME --out DIR' creates one"),
    ("report {place}", "study: '{place}' isn't the folder of a study: it has no study.json"),
    ("report {place}/damaged", "study: {place}/damaged/study.json is damaged"),
    ("report {place}/future", "study: {place}/future/study.json has the format 9"),
]


@pytest.fixture(scope="module")
def place(done: Study) -> Path:
    """A folder with a study, and with what isn't one."""
    folder = done.folder.parent
    for name, text in {
        "broken": "factors = {",
        "factor": "factors = {latent_dims = [4, 6]}",
        "value": "factors = {latent_dim = [4, 0]}",
        "empty": "factors = {latent_dim = []}",
    }.items():
        (folder / f"{name}.toml").write_text(text)
    for name, text in {"damaged": "{", "future": '{"format": 9}'}.items():
        (folder / name).mkdir()
        (folder / name / "study.json").write_text(text)
    return folder


@pytest.mark.parametrize(("words", "expected"), MISTAKES, ids=[words for words, _ in MISTAKES])
def test_a_mistake_is_one_line_and_exit_code_2(
    words: str,
    expected: str,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = contents(place)
    assert main([word.format(place=place) for word in words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert expected.format(place=place) in err
    assert contents(place) == before
    assert not list(tmp_path.iterdir()), "nothing is started"


# Through Python.


@pytest.mark.slow
def test_the_same_through_python(
    tiny: Make, tmp_path: Path, written: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tiny(seeds=1)
    made = pocketgan.study(config, out="first", duration="6 steps", jobs=1, progress=False)
    fields = {k: v for k, v in config.model_dump(exclude_defaults=True).items() if k not in ("name", "seeds")}
    again = pocketgan.study(fields, seeds=1, duration="6 steps", jobs="1", progress=False)
    path = as_toml(config, tmp_path / "mine.toml")
    third = pocketgan.study(path, out=tmp_path / "third", duration="6 steps", jobs=1, progress=False)
    assert again.folder == Path("studies") / "study", "a dict without a name"
    assert made.figures() == again.figures() == third.figures()
    assert written == [Path("first"), again.folder, third.folder]


def test_report_stays_a_function(done: Study) -> None:
    """Whichever module of that name has been imported."""
    sys.modules.pop(PAGE)
    importlib.import_module(PAGE)
    assert callable(pocketgan.report)


# The live table.


def text_of(study: Study, jobs: list[Job]) -> list[str]:
    shown = io.StringIO()
    Console(width=160, file=shown).print(table_of(study, jobs))
    return lines(shown.getvalue())


@pytest.mark.slow
def test_the_live_table_shows_every_run(tiny: Make, tmp_path: Path) -> None:
    variants = [{"name": name, "depth": depth} for depth, name in enumerate("abc", start=1)]
    study = Study.begin(tiny(seeds=1, variants=variants), tmp_path / "study")
    first, second, _ = study.jobs()
    run_job(first, study)
    run_job(second, study)
    (second.folder / "result.json").unlink()
    title, heading, *rows = (line for line in text_of(study, study.jobs()) if "─" not in line)
    assert title == "tiny"
    assert heading == "variant seed state done losses frechet_distance"
    result = first.result()
    assert result is not None
    assert re.fullmatch(r"b 0 finished 100% D [\d.]+ G [\d.]+", rows[0]), "what isn't done comes first"
    assert rows[1] == f"a 0 finished 100% {result.figures['frechet_distance']:.4g}"
    assert rows[2] == "c 0 waiting"


def test_a_long_live_table_ends(tiny: Make, tmp_path: Path) -> None:
    study = Study.begin(tiny(seeds=ROWS), tmp_path / "study")
    assert f"and {ROWS} more" in text_of(study, study.jobs())[-1]


def test_a_run_that_cannot_be_read_does_not_stop_the_table(tiny: Make, tmp_path: Path) -> None:
    study = Study.begin(tiny(seeds=1), tmp_path / "study")
    job = study.jobs()[0]
    run_job(job, study)
    (job.folder / "result.json").unlink()
    (job.folder / "status.json").write_text("{")
    assert any("latent_dim=4 0 waiting" in line for line in text_of(study, study.jobs()))
    assert isinstance(job.config, RunConfig)
