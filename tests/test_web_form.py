"""The form of a new run: numbers as people write them, mistakes at their field, names in `runs`, and turns."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pocketgan.base.errors import WebError
from pocketgan.cli.flags import parse_recipe
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.web.processes import Starts
from pocketgan.web.site import Site
from pocketgan.web.train.form import fields, read, shown
from refusals import refused
from web_events import Events, end_commands, events
from web_runs import make_run, until, write_status

TINY = {
    "hidden_dim": "8", "latent_dim": "4", "batch_size": "4", "sample_count": "4", "log_every": "1 step",
    "evaluate_every": "none", "checkpoint_every": "100 steps", "threads": "1",
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path, forked_starts: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A folder with a finished run; what it started is ended."""
    monkeypatch.setattr("pocketgan.web.reading.FRESH_SECONDS", -1.0)
    make_run(tmp_path / "runs" / "one")
    found = Site(tmp_path)
    yield found
    end_commands(found)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What would be started, instead of starting it."""
    commands: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(Starts, "launch", lambda self, name, words, language: commands.append((name, list(words))))
    return commands


@pytest.fixture
def page(site: Site) -> Iterator[Events]:
    with events(site) as found:
        yield found


def said(answer: list[Any]) -> str:
    """The sentence in an answer."""
    return html.unescape(re.sub(r"<[^>]+>", "", answer[0]))


# Files and folders.


@pytest.mark.parametrize("name", ["to", "pairs", "labels", "condition", "initial_run"])
@pytest.mark.parametrize("place", ["/etc", "../elsewhere", "linked", "missing"])
def test_no_field_reaches_files_outside_of_the_folder(site: Site, tmp_path: Path, name: str, place: str) -> None:
    (tmp_path / "linked").symlink_to("/etc")
    with pytest.raises(WebError) as caught:
        read(site, "translator", "mnist", shown(recipe("translator")) | {name: place})
    assert caught.value.field == name


def test_fields_take_files_and_folders_inside_by_their_names(site: Site, tmp_path: Path) -> None:
    (tmp_path / "sketches").mkdir()
    (tmp_path / "labels.csv").touch()
    given = {"labels": "labels.csv", "to": "sketches", "initial_run": "runs/one"}
    config = read(site, "translator", "mnist", shown(recipe("translator")) | given | {"task": "none"})
    found = {"labels": config.data.labels, "to": config.data.to, "initial_run": config.train.initial_run}
    assert found == {name: str(site.folder / place) for name, place in given.items()}
    assert read(site, "translator", "mnist", shown(recipe("translator")) | {"labels": "none"}).data.labels == "none"


# Numbers.


@pytest.mark.parametrize("name", RECIPES)
def test_a_decimal_comma_is_understood_in_every_numeric_field(site: Site, name: str) -> None:
    config = recipe(name)
    values = shown(config)
    fractions = [field.name for field in fields() if re.fullmatch(r"-?\d+\.\d+.*", str(values[field.name]))]
    assert "beta2" in fractions and "watch_copying" not in fractions
    commas = {field: values[field].replace(".", ",") for field in fractions}
    assert read(site, name, config.data.data, values | commas) == config
    spaced = {field: f" {value} " for field, value in commas.items()}
    assert read(site, name, config.data.data, values | spaced) == config


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        ("learning_rate", "0,001", 0.001),
        ("learning_rate", ",001", 0.001),
        ("learning_rate", "1,5e-4", 1.5e-4),
        ("watch_copying", "−1,5", -1.5),
        ("watch_past_best", "1,250", 1.25),
        ("width", "0,5", 0.5),
        ("validation", "0,2", 0.2),
        ("duration", "1,5 h", "1.5 h"),
        ("duration", "0,5 min", "0.5 min"),
        ("duration", "10,000 steps", "10000 steps"),
        ("duration", "10 000 steps", "10000 steps"),
        ("duration", "10\N{NO-BREAK SPACE}000 steps", "10000 steps"),
        ("sample_every", "2,5 epochs", "2.5 epochs"),
        ("ema_half_life", "12,5%", "12.5%"),
        ("batch_size", "1 024", 1024),
        ("classes", "0,1", "0,1"),
        ("classes", "0,1,7", "0,1,7"),
    ],
)
def test_numbers_are_read_as_people_write_them(site: Site, field: str, typed: str, value: object) -> None:
    config = read(site, "minimal", "mnist", shown(recipe("minimal")) | {field: typed})
    values = config.model_dump()
    found = next(section[field] for section in values.values() if isinstance(section, dict) and field in section)
    wanted = read(site, "minimal", "mnist", shown(recipe("minimal")) | {field: str(value)}).model_dump()
    assert values == wanted and (found == value or str(value) in str(found) or isinstance(value, str))


@pytest.mark.parametrize("typed", ["8,5", "0,001", "1,2,3", "1,000"])
def test_what_has_no_fraction_is_not_rounded(site: Site, typed: str) -> None:
    with refused("refused", "batch_size") as caught:
        read(site, "minimal", "mnist", shown(recipe("minimal")) | {"batch_size": typed})
    assert caught.value.field == "batch_size"


# Names.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("", "runs/minimal-1"),
        ("  ", "runs/minimal-1"),
        ("mine", "runs/mine"),
        ("runs/mine", "runs/mine"),
        ("My first run!", "runs/My-first-run"),
        ("a/b", "runs/a/b"),
        ("Моя перша", "runs/Моя-перша"),
        ("x <y> | z?", "runs/x-y-z"),
        (".hidden", "runs/hidden"),
        ("100%", "runs/100"),
    ],
)
def test_a_name_lands_in_runs(page: Events, site: Site, begun: list[Any], typed: str, name: str) -> None:
    answer = page.send("start", recipe="minimal", name=typed)
    assert [one for one, _ in begun] == [name], said(answer)
    assert parse_recipe("train", begun[0][1][1:])[1].out == site.folder / name
    assert name in said(answer)


@pytest.mark.slow
def test_a_name_stays_in_a_folder_that_is_runs_itself(site: Site, begun: list[Any]) -> None:
    with events(Site(site.folder / "runs")) as page:
        page.send("start", recipe="minimal", name="mine")
    assert [one for one, _ in begun] == ["mine"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "typed", ["../x", "/etc/x", "a/../../x", "a\0b", "~/../../x", "???", "one", "runs/one", "one/inside", "x" * 300,
              "a/b/c/d/e/f/g/h", "C:\\x", "s/inside"],
)  # fmt: skip
def test_a_name_that_cannot_be_is_refused_in_one_line_at_its_field(
    page: Events, site: Site, begun: list[Any], typed: str
) -> None:
    (site.folder / "runs" / "s").mkdir()
    (site.folder / "runs" / "s" / "study.json").write_text("{}")
    before = sorted(site.folder.rglob("*"))
    answer = page.send("start", recipe="minimal", name=typed)
    assert not begun and said(answer).startswith("name: ") and "\n" not in said(answer)
    assert 'data-field="set-name"' in answer[0]
    assert sorted(site.folder.rglob("*")) == before


# Mistakes.


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("batch_size", "many"),
        ("duration", "5"),
        ("seed", ""),
        ("beta2", "zero"),
        ("watch_window", "1"),
        ("sample_every", "often"),
        ("data", "nowhere.npz"),
        ("r1", "-1"),
    ],
)
def test_a_mistake_names_its_field_and_opens_its_drawer(page: Events, begun: list[Any], field: str, typed: str) -> None:
    answer = page.send("start", recipe="minimal", **{field: typed})
    assert not begun and 'role="alert"' in answer[0] and f'data-field="set-{field}"' in answer[0]
    assert re.match(rf"{field}:? ", said(answer))
    opened = [one for one in answer[1:] if isinstance(one, dict) and one.get("open")]
    above = field in ("batch_size", "duration", "seed", "data")
    assert len(opened) == (0 if above else 1)


def test_the_form_folds_and_the_new_run_is_followed(page: Events, begun: list[Any]) -> None:
    answer = page.send("start", recipe="minimal")
    updates = [one for one in answer if isinstance(one, dict)]
    assert [one["open"] for one in updates if "open" in one] == [False]
    (followed,) = [one for one in updates if one.get("choices")]
    assert followed["value"] == "runs/minimal-1" and ["runs/minimal-1", "runs/minimal-1"] in followed["choices"]
    assert 'data-of="runs/minimal-1"' in answer[0] and "starting" in answer[0]


# Turns.


def state(page: Events, name: str) -> str:
    found = page.client.get("/live/run", params={"name": name}).json()["state"][1]
    return re.findall(r'data-state="(\w+)"', found)[0]


@pytest.mark.slow
def test_a_second_training_waits_for_the_first(page: Events, site: Site) -> None:
    tiny = TINY | {"duration": "100000 steps"}
    page.send("start", recipe="minimal", name="first", **tiny)
    until(lambda: state(page, "runs/first") == "running")
    for name in ("second", "third"):
        answer = page.send("start", recipe="minimal", name=name, **(tiny | {"duration": "3 steps"}))
        assert "waiting" in answer[0]
    assert state(page, "runs/second") == state(page, "runs/third") == "waiting"
    assert not (site.folder / "runs" / "second").exists()
    shown_part = html.unescape(page.client.get("/live/run", params={"name": "runs/second"}).json()["state"][1])
    assert "runs/first" in shown_part
    assert "bad" in page.send("start", recipe="minimal", name="second")[0], "it is there, though it waits"
    # The third no longer waits; the second begins when the first has ended.
    page.send("stop", followed="runs/third")
    assert state(page, "runs/third") == "none"
    page.send("stop", followed="runs/first")
    until(lambda: state(page, "runs/second") == "finished")
    assert not (site.folder / "runs" / "third").exists()


@pytest.mark.slow
def test_a_training_that_waits_is_started_at_once_if_one_wants(page: Events, site: Site) -> None:
    tiny = TINY | {"duration": "100000 steps"}
    page.send("start", recipe="minimal", name="first", **tiny)
    until(lambda: state(page, "runs/first") == "running")
    page.send("start", recipe="minimal", name="second", **tiny)
    assert state(page, "runs/second") == "waiting"
    page.send("start_now", followed="runs/second")
    until(lambda: state(page, "runs/second") == "running")
    assert state(page, "runs/first") == "running"
    assert "bad" in page.send("start_now", followed="runs/second")[0]
    # One that goes on waits, too.
    page.send("stop", followed="runs/second")
    until(lambda: not site.starts.running("runs/second"))
    page.send("resume", followed="runs/second")
    assert state(page, "runs/second") == "waiting"


@pytest.mark.slow
def test_a_training_in_a_terminal_is_waited_for(page: Events, site: Site) -> None:
    write_status(site.folder / "runs" / "one", state="running")  # By this very process.
    page.send("start", recipe="minimal", name="mine", **(TINY | {"duration": "3 steps"}))
    assert state(page, "runs/mine") == "waiting"
    write_status(site.folder / "runs" / "one", state="finished")
    until(lambda: state(page, "runs/mine") == "finished")
