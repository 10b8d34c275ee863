"""What a person meets first in the terminal: help, short names, mistakes that are understood, the table of runs."""

import itertools
import json
import re
import shlex
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import pocketgan
from pocketgan.cli.flags import parse_recipe
from pocketgan.cli.main import COMMANDS, GROUPS, main
from pocketgan.config.fields import ALIASES, FIELDS
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.runs.listing import list_runs
from pocketgan.runs.run import Run

NARROW = 80
TINY = {"hidden_dim": 8, "batch_size": 4, "sample_count": 4, "sample_every": "2 steps", "log_every": "1 step"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with runs of four steps: noise, told, redraw (which ended last); an exported model; pictures."""
    place = tmp_path_factory.mktemp("place")
    quality = {"evaluate_every": "2 steps", "evaluate_count": 200}
    small = {**TINY, "duration": "4 steps", "progress": False}
    pocketgan.train("minimal", out=place / "runs" / "noise", **small, **quality)
    pocketgan.train(
        "minimal", out=place / "runs" / "told", conditional=True, classes="3,8", evaluate_every="none", **small
    )
    pocketgan.train("white-background", out=place / "runs" / "redraw", evaluate_every="none", **small)
    pocketgan.export(place / "runs" / "noise", place / "models" / "shipped", format="safetensors", progress=False)
    (place / "note.txt").write_text("no run")
    return place


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to work in."""
    place = Path(shutil.copytree(made, tmp_path / "place"))
    monkeypatch.chdir(place)
    return place


def run_with(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    """Runs a command; returns what it printed on standard output and standard error."""
    assert main(words) == code, capsys.readouterr()
    return capsys.readouterr()


# Help.


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help", "--help-all"])
def test_help_fits_a_narrow_terminal(name: str, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    text, err = run_with(capsys, name, flag)
    assert err == "" and text.startswith(f"usage: pocketgan {name}")
    assert max(map(len, text.splitlines())) <= NARROW
    assert "None" not in re.sub(r"\. None where", "", text) and "STR" not in text
    assert run_with(capsys, "help", name)[0] == run_with(capsys, name, "-h")[0] == run_with(capsys, name, "help")[0]


def test_the_front_page_is_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    text = run_with(capsys)[0]
    assert max(map(len, text.splitlines())) <= 78
    assert [name for names in GROUPS.values() for name in names] == list(COMMANDS)
    assert re.findall(r"^\w+$", text, re.MULTILINE) == list(GROUPS)
    assert re.findall(r"^  ([a-z]+)(?: |$)", text, re.MULTILINE)[: len(COMMANDS)] == list(COMMANDS)
    assert text == run_with(capsys, "-h")[0] == run_with(capsys, "help")[0]


def flags_in(text: str) -> set[str]:
    parts = re.findall(r"^ {2}(-.+?)(?: {2}|$)", text, re.MULTILINE)
    names = [[name for name in re.findall(r"--([a-z0-9-]+)", part) if not name.startswith("no-")] for part in parts]
    return {found[-1] for found in names}


def test_trains_help_is_short_and_leads_to_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    short, everything = run_with(capsys, "train", "-h")[0], run_with(capsys, "train", "--help-all")[0]
    assert 8 <= len(flags_in(short)) <= 14 and len(short.splitlines()) <= 50
    assert {"duration", "out", "data", "learning-rate", "seed"} <= flags_in(short)
    assert len(re.findall(r"^  pocketgan train", short, re.MULTILINE)) == 4
    assert all(name in short for name in RECIPES)
    assert "pocketgan train --help-all" in short
    settings = {field.replace("_", "-") for field in (*FIELDS, "seed")}
    assert flags_in(everything) == settings | {
        "out",
        "config",
        "code",
        "dry-run",
        "quiet",
    }
    assert all(f"--{alias.replace('_', '-')}" in everything for alias in ALIASES)
    more = int(re.search(r"(\d+) more settings", short)[1])  # pyright: ignore[reportOptionalSubscript]
    assert more == len(flags_in(everything)) - len(flags_in(short))


def test_the_examples_of_help_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    text = run_with(capsys, "train", "-h")[0]
    for line in re.findall(r"^  (pocketgan train.*?)  ", text + "  ", re.MULTILINE):
        if ".py" not in line:
            parse_recipe("train", shlex.split(line)[2:])


def test_help_has_the_defaults_of_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(run_with(capsys, "train", "mlp", "--help-all")[0].split())
    assert f"(default {recipe('mlp').train.duration})" in text
    assert f"(default {recipe('mlp').network.hidden_dim})" in text


def test_sentences_of_help_are_not_broken_by_the_lines_of_their_source(capsys: pytest.CaptureFixture[str]) -> None:
    """A line in a paragraph ends only where the next word has no room."""
    lines = run_with(capsys, "train", "--help-all")[0].splitlines()
    for line, following in itertools.pairwise(lines):
        if line.startswith("  ") and following.startswith(" " * 25) and not line.lstrip().startswith("--"):
            word = re.match(r"\(?'[^']*'\S*|\S+", following.strip())
            assert word is not None and len(line) + 1 + len(word[0]) > 78, (line, following)


# Names.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("--lr 0.5", "learning_rate", 0.5),
        ("--lr=0.5", "learning_rate", 0.5),
        ("--batch 7", "batch_size", 7),
        ("--duration 5m", "duration", "5 min"),
        ("--duration 1_day", "duration", "1 day"),
        ("--duration 10k_steps", "duration", "10000 steps"),
    ],
)
def test_short_names_of_settings(words: str, field: str, value: object) -> None:
    config, _ = parse_recipe("train", ["mlp", *(word.replace("_", " ") for word in words.split())])
    assert config.model_dump()[FIELDS[field]][field] == value


@pytest.mark.slow
def test_letters_for_flags(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_with(capsys, "generate", "noise", "-n", "3", "-o", "three.npz")[0] == "three.npz\n"
    with np.load("three.npz") as archive:
        assert len(archive["images"]) == 3
    config, flags = parse_recipe("train", ["minimal", "-o", "somewhere", "-q"])
    assert config.recipe == "minimal" and flags.out == Path("somewhere") and flags.quiet
    assert parse_recipe("train", ["-o=somewhere", "mlp"])[0].recipe == "mlp"


COMMANDS_OF_RUNS = [
    "generate noise",
    "interpolate noise",
    "timelapse noise",
    "plot noise",
    "evaluate noise --count 200 --metrics frechet_distance --quiet",
    "export noise --format safetensors --quiet",
    "translate redraw",
    "write 38 told",
    "resume noise",
    "summary noise",
]


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS_OF_RUNS)
def test_a_run_is_found_by_its_name(words: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run_with(capsys, *words.split())
    shown = [line for line in out.splitlines() if line.startswith("runs/")]
    for line in shown:
        assert Path(line).exists()
    if words.startswith("export"):
        assert Path("models/noise/config.json").is_file()


def test_names_are_found_in_python(here: Path) -> None:
    run = pocketgan.open_run("noise")
    assert run.folder == Path("runs/noise")
    assert run == Run.open(here / "runs" / "noise") and len({run, Run.open("runs/noise")}) == 1
    assert pocketgan.load("shipped").folder == Path("models/shipped")
    assert len(pocketgan.interpolate("shipped", frames=3)) and len(pocketgan.plot("noise", "told"))
    assert pocketgan.translate("redraw", count=2).inputs.images.shape == (2, 1, 28, 28)
    assert pocketgan.resume("noise", progress=False) == run


def test_a_folder_that_is_there_comes_before_a_run_of_its_name(here: Path) -> None:
    shutil.copytree("runs/told", "noise")
    assert pocketgan.open_run("noise").config.network.conditional


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    ["generate", "interpolate", "timelapse", "plot", "export --format safetensors --quiet", "translate", "resume",
     "evaluate --count 200 --metrics frechet_distance --quiet"],
)  # fmt: skip
def test_without_a_name_the_newest_run_is_taken_and_said(
    words: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = "redraw" if words.split()[0] not in ("generate", "interpolate") else "told"
    _, err = run_with(capsys, *words.split())
    assert err.count("\n") == 1 and f"runs/{newest}" in err


# Mistakes.

MISTAKES = [
    ("write 2026 --run runs/told", "pocketgan write 2026 runs/told"),
    ("write 2026 --run=runs/told", "pocketgan write 2026 runs/told"),
    ("generate --run told --count 3", "pocketgan generate told --count 3"),
    ("push --folder models/x", "pocketgan push models/x"),
    ("train --recipe pocket", "pocketgan train pocket"),
    ("train --recipe pocket --lr 1", "pocketgan train pocket --lr 1"),
    ("train lr=0.1", "--lr 0.1"),
    ("train batch-size=8", "--batch-size 8"),
    ("train runs/told", "pocketgan resume runs/told"),
    ("train told", "--config runs/told"),
    ("train --config nothing.json", "--config: "),
    ("train mlp --config runs/told", "--config: "),
    ("train --config", "--config needs a value"),
    ("train --config note.txt", "--config: note.txt must end in"),
    ("train --data fashion-mnist", "'mnist' and 'stacked-mnist'"),
    ("train --data cifar10", "'cifar10' isn't in the package; save its files in a folder (IDX files or pictures)"),
    ("train --data nowhere", "use 'mnist', 'stacked-mnist', a folder, a file or 'hf:NAME'"),
    ("generate told --out a.pdf", "--out must end in '.jpg', '.png' or '.npz', or be a folder (got 'a.pdf')"),
    ("generate runs", "'runs' holds runs and isn't one itself; choose one of them: noise, redraw, told"),
    ("evaluate runs", "'runs' holds runs and isn't one itself; choose one of them: noise, redraw, told"),
    ("resume runs", "choose one of them: noise, redraw, told"),
    ("generate note.txt", "'note.txt' is a file"),
    ("generate nowhere", "'nowhere' doesn't exist; 'pocketgan runs' lists runs"),
    ("generate told -x 3", "-x isn't a flag"),
    ("train --duration 5x", "unknown unit 'x'"),
    ("versoin", "'versoin' isn't a command"),
]


@pytest.mark.parametrize(("words", "expected"), MISTAKES, ids=[words for words, _ in MISTAKES])
def test_a_mistake_is_answered_in_one_line(
    words: str, expected: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.rglob("*"))
    out, err = run_with(capsys, *words.split(), code=2)
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1
    assert expected in err
    assert sorted(here.rglob("*")) == before


def test_what_others_call_it_works(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_with(capsys, "version")[0] == run_with(capsys, "--version")[0]
    assert run_with(capsys, "list")[0] == run_with(capsys, "runs")[0]


@pytest.mark.slow
def test_training_begins_with_the_settings_of_a_run_or_of_a_dry_run(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = Run.open("runs/told").config
    for place in ("told", "runs/told", "runs/told/config.json"):
        assert parse_recipe("train", ["--config", place])[0] == known
        changed, _ = parse_recipe("train", [f"--config={place}", "--lr", "0.5"])
        assert changed.train.learning_rate == 0.5 and changed.network == known.network
    Path("mine.json").write_text(run_with(capsys, "train", "dcgan", "--seed", "3", "--dry-run")[0])
    assert parse_recipe("train", ["--config", "mine.json"])[0] == parse_recipe("train", ["dcgan", "--seed", "3"])[0]
    run_with(capsys, "train", "--config", "told", "--out", "anew", "--quiet")
    assert Run.open("anew").config == known


# Runs.


def body_of(table: str) -> list[str]:
    """The lines below a table's heading."""
    lines = table.splitlines()
    return lines[next(place for place, line in enumerate(lines) if set(line) == {"─"}) + 1 :]


def test_runs_shows_what_matters_newest_first(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(NARROW))
    text = run_with(capsys, "runs")[0]
    lines = text.splitlines()
    rows = {line.split()[0]: line for line in body_of(text)[:3]}
    assert list(rows) == ["redraw", "told", "noise"]
    assert max(map(len, lines)) <= NARROW
    run = Run.open("runs/noise")
    measured = run.metrics()
    lowest = min(row["frechet_distance"] for row in measured)
    assert f"{lowest:.3g} ({measured[-1]['frechet_floor']:.2g})" in rows["noise"]
    assert all("finished" in row and ("today" in row or "yesterday" in row) for row in rows.values())


def test_runs_sorts_and_looks_deeper(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree("runs/noise", "runs/deep/er/noise-2")
    shutil.copytree("runs/noise", "runs/.hidden/noise-3")
    names = [line.split()[0] for line in body_of(run_with(capsys, "runs", "--sort", "name")[0])[:4]]
    assert names == ["deep/er/noise-2", "noise", "redraw", "told"]
    assert body_of(run_with(capsys, "runs", "--sort", "quality")[0])[0].split()[0] == "deep/er/noise-2"
    assert "runs/deep/er/noise-2" in run_with(capsys, "runs", ".")[0]
    assert len(list_runs("runs")) == 3 and len(list_runs("runs", recursive=True)) == 4


def test_runs_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("runs/told/config.json").write_text("{")
    out, err = run_with(capsys, "runs", "--json")
    found = {Path(one["folder"]).name: one for one in json.loads(out)}
    assert list(found) == ["redraw", "noise"]
    assert "runs/told" in err and err.startswith("damaged: ")
    assert found["noise"]["state"] == "finished" and found["noise"]["step"] == found["noise"]["steps"] == 4
    assert found["noise"]["frechet_distance"] > 0 and found["redraw"]["frechet_distance"] is None
    shutil.rmtree("runs")
    assert json.loads(run_with(capsys, "runs", "--json")[0]) == []


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("command", ["runs", "recipes", "studies"])
def test_tables_fit_and_break_no_word(
    command: str, columns: int, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree("runs/noise", "runs/a-name-that-is-longer-than-most")
    monkeypatch.delenv("COLUMNS", raising=False)
    words = set(run_with(capsys, command)[0].split())
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run_with(capsys, command)[0].splitlines()
    table = lines[: lines.index("")]
    assert max(map(len, table)) <= columns
    if columns >= NARROW:
        assert {word for line in table for word in line.split() if "─" not in word} <= words


def test_what_is_piped_is_not_padded(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for command in ("runs", "recipes", "studies"):
        assert all(line == line.rstrip() for line in run_with(capsys, command)[0].splitlines())


def test_another_programs_configuration_is_no_damaged_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("runs/foreign").mkdir()
    Path("runs/foreign/config.json").write_text('{"model_type": "bert"}')
    assert "foreign" not in run_with(capsys, "runs")[0]


def written_at(run: Path, when: datetime, **changes: object) -> None:
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps(status | {"updated": when.isoformat()} | changes))


def test_dates_and_states_of_runs(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    now = datetime.now(UTC)
    written_at(Path("runs/told"), now - timedelta(days=1), state="interrupted", step=2)
    written_at(Path("runs/noise"), now - timedelta(days=800), seconds=386.0)
    config = json.loads(Path("runs/noise/config.json").read_text())
    config["train"]["duration"] = "5 min"
    Path("runs/noise/config.json").write_text(json.dumps(config))
    lines = {line.split()[0]: line for line in run_with(capsys, "runs")[0].splitlines() if line}
    assert "stopped 50%" in lines["told"] and "yesterday" in lines["told"]
    assert f"{now - timedelta(days=800):%Y-}" in lines["noise"]
    assert "6 min 26 s" in lines["noise"] and "5 min" in lines["noise"] and "100%" not in lines["noise"]


# Finished runs, and evaluations.


@pytest.mark.usefixtures("figures")
@pytest.mark.slow
def test_resuming_a_finished_run_says_so_and_does_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def written() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in Path("runs/noise").rglob("*") if path.is_file()}

    before = written()
    for words in (["resume", "noise"], ["resume", "noise", "--duration", "4 steps"], ["resume", "noise", "--quiet"]):
        out, err = run_with(capsys, *words)
        assert "finished" in out and "--duration" in out and err == ""
    pocketgan.resume("runs/noise")
    assert written() == before
    assert "--duration" not in capsys.readouterr().out
    out, _ = run_with(capsys, "resume", "noise", "--duration", "6 steps", "--quiet")
    assert "finished" not in out and Run.open("runs/noise").status().step == 6
    for figure in Path("runs/told/figures").iterdir():
        figure.unlink()
    run_with(capsys, "resume", "told", "--quiet")
    assert list(Path("runs/told/figures").iterdir()), "what a killed process didn't draw is drawn"


@pytest.mark.slow
def test_a_smaller_evaluation_leaves_a_larger_one(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("runs/noise/evaluation")
    few = ["--metrics", "precision,recall"]

    def evaluate(count: int, *words: str) -> str:
        return run_with(capsys, "evaluate", "noise", "--count", str(count), *words, "--quiet")[1]

    def kept() -> tuple[int, list[str]]:
        values = json.loads((folder / "evaluation.json").read_text())
        return values["count"], list(values["metrics"])

    evaluate(300, *few)
    page = (folder / "evaluation.html").read_bytes()
    err = evaluate(200, *few)
    assert kept() == (300, ["precision", "recall"]) and (folder / "evaluation.html").read_bytes() == page
    assert err.count("\n") == 1 and "300" in err and str(folder) in err
    evaluate(300, "--metrics", "recall")
    assert kept() == (300, ["precision", "recall"]), "as many images, and fewer metrics"
    evaluate(200, *few, "--out", "elsewhere")
    assert json.loads(Path("elsewhere/evaluation.json").read_text())["count"] == 200
    evaluate(200, *few, "--out", str(folder))
    assert kept()[0] == 200
    evaluate(300, *few)
    assert kept()[0] == 300
    done = pocketgan.evaluate("noise", count=200, metrics="recall", progress=False)
    assert done.unsaved is not None and done.unsaved.key == "evaluation kept" and done.unsaved.parts["count"] == 300
    assert done.page is None and capsys.readouterr() == ("", "")
    evaluate(300, *few, "--against", "train")
    evaluate(300, *few, "--features", "random")
    evaluate(301, "--metrics", "recall")
    assert kept() == (300, ["precision", "recall"]), "against other images, in another space, with fewer metrics"
    evaluate(200, "--replace", *few)
    assert kept()[0] == 200
    done = pocketgan.evaluate("noise", count=201, metrics="recall", replace=True, progress=False)
    assert kept() == (201, ["recall"]) and len(done.comparison.generated) == 201
    assert done.page == folder / "evaluation.html" and done.unsaved is None


@pytest.mark.slow
def test_a_run_says_how_long_was_planned_and_how_long_it_took(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["minimal", *(word for name, value in TINY.items() for word in (f"--{name}", str(value)))]
    out, err = run_with(capsys, "train", *words, "--duration", "0.5 s", "--evaluate-every", "none", "--out", "timed")
    run = Run.open("timed")
    first = out.splitlines()[0]
    assert f"{run.plan.steps:,} steps" in first and "0.5 seconds" in first
    assert "0.5 seconds planned" in err.splitlines()[-1] and "100%" in err.splitlines()[-1]
