"""Train: the form, what it starts, and the run that is followed, whatever happens to it."""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from pocketgan.base.errors import ConfigError, NonFiniteLoss, RunBusy, RunError, UserError, WebError
from pocketgan.base.language import LANGUAGES, speaking
from pocketgan.cli.flags import parse_recipe
from pocketgan.config.fields import FIELDS
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.diagnosis import History, diagnose, non_finite_loss
from pocketgan.experiment.watchdog_words import EVIDENCE, WATCHDOG, evidence, sentence
from pocketgan.runs.run import Run
from pocketgan.web.compare.side_by_side import measuring_html
from pocketgan.web.processes import MOST_STARTED, Starts
from pocketgan.web.site import Site
from pocketgan.web.train import starting
from pocketgan.web.train.form import fields, flags_of, read, shown
from pocketgan.web.train.live import Live, live_html
from pocketgan.web.train.starting import measuring
from pocketgan.web.train.tab import choose_recipe
from pocketgan.web.words import WORDS
from refusals import refused
from test_diagnosis import COLLAPSED, FLAT, JITTER, MOVED, WON, history
from web_runs import PATIENCE, STEPS, evaluation, make_run, row, until, write_lines, write_status

TINY = {
    "hidden_dim": "8", "latent_dim": "4", "batch_size": "4", "sample_count": "4", "log_every": "1 step",
    "sample_every": "50 steps", "evaluate_every": "none", "checkpoint_every": "100 steps", "threads": "1",
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A folder with a finished run, which is read anew whenever it is asked for."""
    monkeypatch.setattr("pocketgan.web.reading.FRESH_SECONDS", -1.0)
    make_run(tmp_path / "runs" / "one")
    return Site(tmp_path)


@pytest.fixture
def going(site: Site, forked_starts: None) -> Iterator[Site]:
    """The same; what it started is ended."""
    yield site
    for started in site.starts._started.values():
        if started.running():
            started.process.kill()
        started.process.wait(20)


def view(site: Site, name: str = "runs/one") -> dict[str, str]:
    return Live(site).view(name).parts


class Balanced(HTMLParser):
    """Elements that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append(tag)
        if tag not in ("img", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


# The form.


def test_the_form_asks_for_every_setting_but_the_data() -> None:
    asked = [field.name for field in fields()]
    assert asked == ["seed", *(name for name in FIELDS if name != "data" and not name.endswith("_options"))]
    assert {f"help {name}" for name in asked} <= WORDS.keys()
    assert {f"recipe {name}" for name in RECIPES} <= WORDS.keys()


@pytest.mark.parametrize("name", RECIPES)
def test_an_untouched_form_is_the_recipe(site: Site, name: str) -> None:
    config = recipe(name)
    assert read(site, name, config.data.data, shown(config)) == config
    assert flags_of(config, config) == []


@pytest.mark.parametrize("base", RECIPES)
@pytest.mark.parametrize("other", RECIPES)
def test_flags_make_any_configuration(base: str, other: str) -> None:
    wanted = recipe(other).model_copy(update={"recipe": base, "seed": 3})
    made, _ = parse_recipe("train", [base, *flags_of(wanted, recipe(base))])
    assert made == wanted


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("batch_size", "many", "a whole number (got 'many')"),
        ("batch_size", "0", "at least 1 (got '0')"),
        ("batch_size", "", "needs a value"),
        ("duration", "5", "needs a unit (got '5')"),
        ("learning_rate", "nan", "(got 'nan')"),
        ("seed", "-1", "at least 0 (got '-1')"),
        ("augment", "blur", "no augmentation 'blur'"),
        ("patience", None, "needs a value"),
    ],
)
def test_what_will_not_do_is_said_as_on_the_command_line(site: Site, field: str, value: Any, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(site, "mlp", "mnist", shown(recipe("mlp")) | {field: value})
    assert error.value.field == field and said in str(error.value) and "\n" not in str(error.value)


def test_data_lies_below_the_folder(site: Site) -> None:
    (site.folder / "mine.npz").touch()
    config = read(site, "mlp", "mine.npz", shown(recipe("mlp")))
    assert config.data.data == str(site.folder / "mine.npz")
    for name in ("/etc/passwd", "../mine.npz", "", None, "~"):
        with pytest.raises(UserError):
            read(site, "mlp", name, shown(recipe("mlp")) | {})
    with pytest.raises(UserError):
        read(site, "no recipe", "mnist", shown(recipe("mlp")))


@pytest.mark.slow
@pytest.mark.parametrize("value", ["--out=/else/x", "-", "8 --out /else/x", "--dry-run", "$(touch x)", "8;9", "'8'"])
def test_no_value_becomes_another_flag(site: Site, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(Starts, "launch", lambda self, name, arguments, language: begun.append(arguments))
    values = shown(recipe("mlp")) | {"classes": value}
    try:
        starting.start(site, read(site, "mlp", "mnist", values), "new")
    except UserError:
        assert not begun
        return
    config, flags = parse_recipe("train", begun[0][1:])
    assert flags.out == site.folder / "new" and config.data.classes == value


@pytest.mark.parametrize("name", ["../new", "/else/new", "runs/one", "a\0b", "runs/../../x"])
def test_a_new_run_is_not_put_elsewhere_or_over_another(site: Site, name: str) -> None:
    with pytest.raises(UserError):
        starting.start(site, recipe("mlp"), name)
    assert site.starts.reap() == 0


def test_names_are_the_first_free_ones(site: Site) -> None:
    assert starting.free_name(site, "mlp") == "runs/mlp-1"
    make_run(site.folder / "runs" / "mlp-1")
    assert starting.free_name(site, "mlp") == "runs/mlp-2"
    assert starting.free_name(Site(site.folder / "runs"), "mlp") == "mlp-2"


def test_so_many_are_started_and_no_more(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Starts, "reap", lambda self: MOST_STARTED)
    with pytest.raises(WebError, match=str(MOST_STARTED)):
        starting.start(site, recipe("mlp"), "new")


@pytest.mark.parametrize(
    ("duration", "key"), [("", "is finished"), (f"{STEPS} steps", "is finished"), ("5 steps", "too short")]
)
def test_where_nothing_is_left_to_train_a_resume_says_so_at_once(site: Site, duration: str, key: str) -> None:
    write_status(site.folder / "runs" / "one", state="finished", step=STEPS)
    with refused(key, "duration"):
        starting.resume(site, "runs/one", duration)
    assert not site.starts.running("runs/one")


def test_another_recipe_keeps_ones_own_data(site: Site) -> None:
    for data, expected in (("pets.npz", "pets.npz"), ("stacked-mnist", "mnist"), ("mnist", "mnist")):
        assert choose_recipe(site, "minimal", data, ["duration"])[1:] == [expected, "10000 steps"]


# Runs that are started, stopped, and gone on with.


@pytest.mark.slow
def test_a_run_is_started_stopped_and_resumed(going: Site) -> None:
    site, live = going, Live(going)
    values = shown(recipe("minimal")) | TINY | {"duration": "100000 steps"}
    name = starting.start(site, read(site, "minimal", "mnist", values), "")
    assert name == "runs/minimal-1"
    assert 'data-state="starting"' in live.view(name).parts["state"]
    until(lambda: 'data-state="running"' in live.view(name).parts["state"])
    until(lambda: len(json.loads(live.view(name).parts["samples"])["list"]) > 1)
    with pytest.raises(RunError):
        starting.start(site, recipe("minimal"), name)
    with pytest.raises(RunBusy):
        starting.resume(site, name)
    starting.stop(site, name)
    until(lambda: not site.starts.running(name))
    stopped = site.run(name).status()
    assert stopped.state == "interrupted" and site.run(name).checkpoints()
    assert 'data-state="interrupted"' in live.view(name).parts["state"]
    with pytest.raises(WebError, match="isn't being trained"):
        starting.stop(site, name)
    with pytest.raises(WebError, match="duration"):
        starting.resume(site, name, "long")
    starting.resume(site, name)
    until(lambda: site.run(name).status().step > stopped.step)
    started = site.starts.of(name)
    assert started is not None
    # Its process is killed: the page says so.
    started.process.kill()
    until(lambda: 'data-state="killed"' in live.view(name).parts["state"])


@pytest.mark.slow
def test_a_run_that_cannot_start_says_why(going: Site) -> None:
    site = going
    (site.folder / "broken.npz").write_bytes(b"no archive")
    config = read(site, "minimal", "broken.npz", shown(recipe("minimal")) | TINY)
    name = starting.start(site, config, "new")
    until(lambda: not site.starts.running(name))
    said = view(site, name)["state"]
    assert "broken.npz" in said and "bad" in said and "Traceback" not in said


def test_only_the_process_that_trains_a_run_is_stopped(site: Site) -> None:
    folder = site.folder / "runs" / "one"
    write_status(folder, state="running")  # The pid is this test's own, which holds no lock of that run.
    assert starting.trains(site.run("runs/one")) is None
    with pytest.raises(WebError):
        starting.stop(site, "runs/one")
    with site.run("runs/one").locked():
        found = starting.trains(site.run("runs/one"))
        assert found is not None and found.pid == os.getpid()
    write_status(folder, state="running", host="elsewhere")
    with pytest.raises(WebError):
        starting.stop(site, "runs/one")


def test_a_run_started_elsewhere_is_stopped_by_a_signal(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(psutil.Process, "send_signal", lambda self, number: sent.append(number))
    write_status(site.folder / "runs" / "one", state="running")
    with site.run("runs/one").locked():
        starting.stop(site, "runs/one")
    assert sent == [signal.SIGTERM]


def test_runs_of_a_study_are_left_to_it(site: Site) -> None:
    make_run(site.folder / "s" / "runs" / "v" / "seed-0")
    (site.folder / "s" / "study.json").write_text("{}")
    for act in (starting.stop, starting.resume):
        with pytest.raises(WebError, match="study"):
            act(site, "s/runs/v/seed-0")


@pytest.mark.slow
def test_what_is_started_imports_nothing_from_where_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('code of a folder was run')")
    (tmp_path / "pocketgan").mkdir()
    (tmp_path / "pocketgan" / "__init__.py").write_text("raise SystemExit('code of a folder was run')")
    monkeypatch.chdir(tmp_path)
    started = Starts().launch("x", ["recipes"])
    assert started.process.wait(PATIENCE) == 0 and started.last_words() == ""


# The run that is followed.


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_view_is_sound_in_every_language(site: Site, code: str) -> None:
    site = Site(site.folder, code)
    parts = view(site)
    assert set(parts) == {"state", "losses", "accuracy", "quality", "speed", "classes", "watchdog", "facts", "samples"}
    for name, text in parts.items():
        if name != "samples":
            parsed = Balanced()
            parsed.feed(text)
            assert not parsed.open and text, name
    assert site.say("floor") in parts["quality"] and site.say("losses") in parts["losses"]
    if code != "en":
        assert "discriminator" not in parts["losses"] and "Finished" not in parts["state"]
    parsed = Balanced()
    parsed.feed(live_html(site, "runs/one"))
    assert not parsed.open


def test_the_view_has_what_is_promised(site: Site) -> None:
    write_lines(site.folder / "runs" / "one" / "events.jsonl", [
        {"step": 20, "event": "diagnosis", "name": "mode_collapse", "failure": True,
         "evidence": "only 2 of 10 classes are drawn, 3 evaluations in a row", "advice": "try this"},
    ])  # fmt: skip
    parts = view(site)
    assert "step 50 of 1,000" in parts["state"]
    assert "only 2 of 10 classes are drawn" in parts["watchdog"] and "mode collapse" in parts["watchdog"]
    assert parts["classes"].count("<rect") == 10 and "9 of 10 classes are generated" in parts["classes"]
    assert 'class="level"' in parts["quality"] and "1.5" in parts["quality"]
    now = time.time() * 1000
    assert json.loads(parts["samples"]) == {
        "columns": 2, "pairs": 1,
        "list": [[f"samples_step_0000{step}.png", step, pytest.approx(now, rel=1e-3)] for step in (10, 20, 30)],
    }  # fmt: skip


def test_reasons_name_files_as_the_page_does(site: Site) -> None:
    why = f"can't read {site.folder / 'uploads' / 'x.npz'}"
    ended: Any = SimpleNamespace(running=lambda: False, last_words=lambda: why, at=datetime.now(UTC))
    site.starts._started |= {"runs/new": ended, measuring("runs/one"): ended}
    shown = [view(site, "runs/new")["state"], measuring_html(site, ["runs/one"])]
    assert all("can't read uploads/x.npz" in unescape(text) for text in shown)


def test_time_left_is_told_from_the_latest_rows(site: Site) -> None:
    write_status(site.folder / "runs" / "one", state="running", step=50)
    with site.run("runs/one").locked():
        said = view(site)["state"]
    assert "400 images/s" in said and "19 s left" in said, said


def test_only_what_changed_is_sent_and_nothing_is_made_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(site)
    first = live.changed("runs/one", "")
    have = ",".join(mark for mark, _ in first.values())
    assert live.changed("runs/one", have) == {}
    made: list[object] = []
    monkeypatch.setattr("pocketgan.web.train.live.parts_of", lambda *arguments: made.append(arguments))
    for _ in range(10):
        live.changed("runs/one", "")
    assert not made
    monkeypatch.undo()
    monkeypatch.setattr("pocketgan.web.reading.FRESH_SECONDS", -1.0)
    with (site.folder / "runs" / "one" / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(evaluation(30, 9.0)) + "\n")
    assert set(live.changed("runs/one", have)) == {"quality", "classes", "watchdog"}


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "${alert(1)}", "{{x}}"]
)
def test_what_comes_from_disk_is_escaped(site: Site, text: str) -> None:
    folder = site.folder / "runs" / "one"
    write_status(folder, state="failed", message=text)
    write_lines(folder / "events.jsonl", [
        {"step": 1, "event": "diagnosis", "name": text, "evidence": text, "advice": text},
        {"step": 2, "event": "other", "message": text},
    ])  # fmt: skip
    values = json.loads((folder / "environment.json").read_text())
    values["data"] |= {"source": text, "class_names": [text] * 10}
    values |= {"device": text}
    (folder / "environment.json").write_text(json.dumps(values))
    for name, part in view(site).items():
        parsed = Balanced()
        parsed.feed(part)
        assert "script" not in parsed.found and "img" not in parsed.found, name
        assert "<script>" not in part and "<img" not in part


def test_a_new_run_has_a_view_before_it_has_rows(site: Site) -> None:
    make_run(site.folder / "new", rows=0, samples=0)
    (site.folder / "new" / "stats.jsonl").unlink()
    (site.folder / "new" / "metrics.jsonl").unlink()
    parts = view(site, "new")
    assert parts["losses"] == parts["speed"] == parts["classes"] == "" and "Not evaluated yet" in parts["quality"]


# Whatever happens to it.


def test_a_folder_that_is_deleted_leaves_a_sentence(site: Site) -> None:
    live = Live(site)
    assert "bad" not in live.view("runs/one").parts["state"]
    shutil.rmtree(site.folder / "runs" / "one")
    said = live.view("runs/one").parts["state"]
    assert "bad" in said and "runs/one" in said
    make_run(site.folder / "runs" / "one")
    assert "bad" not in live.view("runs/one").parts["state"], "and it comes back"


def test_a_damaged_line_is_left_out_with_a_sentence(site: Site) -> None:
    write_lines(site.folder / "runs" / "one" / "stats.jsonl", [row(1), "{damaged", row(2)])
    parts = view(site)
    assert "1 line of its log can&#x27;t be read" in parts["state"] and "polyline" in parts["losses"]


@pytest.mark.parametrize("name", ["metrics.jsonl", "events.jsonl"])
def test_damage_elsewhere_leaves_the_rest(site: Site, name: str) -> None:
    (site.folder / "runs" / "one" / name).write_bytes(b'\xff\xfe{]\n[1]\n"x"\n{"step": 1}\n')
    assert "polyline" in view(site)["losses"]


@pytest.mark.parametrize("name", ["status.json", "config.json", "environment.json"])
def test_a_damaged_file_is_named(site: Site, name: str) -> None:
    (site.folder / "runs" / "one" / name).write_text("{")
    assert name in view(site)["state"]


def test_a_damaged_judgement_is_none(site: Site) -> None:
    from pocketgan.web.serve.routes import judgement

    file = site.folder / "runs" / "one" / "samples" / "samples_step_000010.json"
    for content in ("{", "[]", '{"real": 3}', '{"real": [2, "x", null]}', "[" * 100_000):
        file.write_text(content)
        found = json.loads(judgement(site, "runs/one", "samples_step_000010.png").body)
        assert found in ([], [None, None, None])


def test_a_full_disk_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    message = "can't write stats.jsonl: No space left on device; everything saved before is intact"
    write_status(site.folder / "runs" / "one", state="failed", message=message)
    assert message.replace("'", "&#x27;") in view(site)["state"]

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pocketgan.web.processes.subprocess.Popen", full)
    with pytest.raises(WebError, match="No space left on device"):
        starting.start(site, recipe("mlp"), "new")


# The watchdog's sentences.


def provoked() -> list[dict[str, float | str]]:
    """Every kind of evidence that there is."""
    hopping = [[0.9, 0.1], [0.1, 0.9]] * 3
    histories: list[History] = [
        history([50.0], generator_gradient=None),
        history(FLAT, accuracy=WON, generator_gradient=[4.0, 3.0, 2.0, 0.1]),
        history(FLAT, accuracy=WON),
        history(MOVED, **COLLAPSED),
        history(MOVED, distinct=0.01),
        history(MOVED, **(COLLAPSED | {"mode_share": 0.9})),
        history(MOVED, duplicates=0.9, coverage=0.01),
        history([50.0, 80.0] * 3),
        history(JITTER, histogram=hopping),
        history(FLAT[:3], r_v=[0.4, 0.6, 0.8], r_v_deviations=9.0),
        history(FLAT[:3], authentic=0.3, authentic_floor=0.5, copying=-1.0),
        history([90.0, 20.0, 30.0, 31.0, 32.5]),
        history([80.0, *[50.0] * 8]),
        history([80.0, *[50.0] * 8], floor=None),
        history(FLAT[:3], own_target=0.5, variation=0.03, distinct_outputs=1.0),
        history(FLAT[:3], variation=0.03, distinct_outputs=1.0),
    ]
    found = [diagnosis.evidence.to_json() for one in histories for diagnosis in diagnose(one)]
    loss = NonFiniteLoss("loss not finite", loss="d_loss is nan", step=12)
    return [*found, *(non_finite_loss(loss, 12, own_loop=own).evidence.to_json() for own in (False, True))]


def test_every_evidence_is_known_in_every_language() -> None:
    assert {f"evidence {values['key']}" for values in provoked()} == set(EVIDENCE), "each of EVIDENCE is provoked"
    for values in provoked():
        sentences = []
        for code in LANGUAGES:
            with speaking(code):
                sentences.append(evidence(values))
        assert len(set(sentences)) == len(LANGUAGES), sentences


def test_an_unknown_evidence_stays_as_it_is_written() -> None:
    with speaking("ko"):
        assert evidence("something new") == "something new"
        assert sentence({"step": 1, "event": "diagnosis", "name": "new_thing", "evidence": "e", "advice": "a"})
    assert sentence({}) == sentence({"event": "rollback"}) == ""


@pytest.mark.parametrize("event", [
    {"step": 1200, "event": "recovery", "name": "mode_collapse"},
    {"step": 1200, "event": "rollback", "to": 8, "rate_scale": 0.5, "message": "m"},
    {"step": 1200, "event": "patience", "message": "m"},
])  # fmt: skip
def test_other_events_have_sentences(event: dict[str, Any]) -> None:
    assert sentence(event).startswith("Step 1,200: ")
    assert all("{" not in str(text) or "}" in str(text) for text in WATCHDOG.values())


def test_a_configuration_is_no_other_after_the_form(site: Site) -> None:
    config: RunConfig = read(
        site, "pocket", "mnist", shown(recipe("pocket")) | {"r1": "0.25", "discriminator_depth": "3"}
    )
    assert (config.objective.r1, config.network.discriminator_depth) == (0.25, 3)
    run = Run.open(site.folder / "runs" / "one")
    assert read(site, "minimal", "mnist", shown(run.config)).network == run.config.network


# What the watchdog's silence means, and which classes can be missing.


def environment(folder: Path, **parts: dict[str, Any]) -> None:
    """Changes parts of a run's `environment.json`."""
    values = json.loads((folder / "environment.json").read_text())
    for name, changed in parts.items():
        values[name] |= changed
    (folder / "environment.json").write_text(json.dumps(values))


def numbers(html: str) -> list[int]:
    return [int(one) for one in re.findall(r"\d+", re.sub(r"<[^>]+>|&#x27;", " ", html))]


@pytest.mark.parametrize("code", LANGUAGES)
def test_nothing_wrong_is_said_only_when_enough_was_seen(site: Site, code: str) -> None:
    site = Site(site.folder, code)
    folder = site.folder / "runs" / "one"
    said = []
    for count in range(5):
        write_lines(folder / "metrics.jsonl", [evaluation(10 * (row + 1), 20.0) for row in range(count)])
        said.append(view(site)["watchdog"])
    assert [sorted(numbers(text)) for text in said] == [[0, 3], [1, 3], [2, 3], [3], [4]]
    nothing = site.say("watchdog silent", count=3)
    assert [nothing in text for text in said] == [False, False, False, True, False]


def test_a_run_that_is_not_evaluated_is_said_to_be_watched_by_its_losses(site: Site) -> None:
    folder = site.folder / "runs" / "one"
    write_lines(folder / "metrics.jsonl", [])
    waits = view(site)["watchdog"]
    environment(folder, plan={"evaluate_every": None})
    said = view(site)["watchdog"]
    assert said != waits and not numbers(said) and "No warning" not in said


@pytest.mark.parametrize(
    ("trained", "shares", "drawn", "bars", "even"),
    [
        (("8",), [0, 0, 0.03, 0, 0, 0, 0, 0, 0.97, 0], (1, 1), ["8", "others"], None),
        (("8",), [0] * 8 + [1.0, 0], (1, 1), ["8", "others"], None),
        (("8",), [1.0] + [0] * 9, (0, 1), ["8", "others"], None),
        (("3", "8"), [0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0], (2, 2), ["3", "8", "others"], 0.5),
        (tuple("0123456789"), [0.5, 0.5] + [0] * 8, (2, 10), list("0123456789"), 0.1),
        (("cat", "dog"), [0.5, 0.5], (2, 2), ["cat", "dog"], 0.5),
    ],
)
def test_only_classes_that_were_trained_on_can_be_missing(
    site: Site,
    trained: tuple[str, ...],
    shares: list[float],
    drawn: tuple[int, int],
    bars: list[str],
    even: float | None,
) -> None:
    folder = site.folder / "runs" / "one"
    environment(folder, data={"class_names": list(trained), "class_counts": []})
    write_lines(folder / "metrics.jsonl", [evaluation(10, 9.0) | {"histogram": shares, "classes": 8}])
    found = view(site)["classes"]
    assert re.findall(r'class="tx name"[^>]*>([^<]+)<', found) == bars
    (sentence,) = re.findall(r'<p class="pg-line">([^<]+)</p>', found)
    assert numbers(sentence) == list(drawn)
    levels = [float(one) for one in re.findall(r'data-even="([^"]+)"', found)]
    assert levels == ([] if even is None else [pytest.approx(even)])


def test_the_classes_of_every_evaluation_are_there_for_the_slider(site: Site) -> None:
    folder = site.folder / "runs" / "one"
    rows = [
        evaluation(10, 9.0) | {"histogram": [1.0] + [0] * 9},
        evaluation(20, 8.0) | {"histogram": [0.5, 0.5] + [0] * 8},
    ]
    write_lines(folder / "metrics.jsonl", [rows[0], {"step": 15, "frechet_distance": 9, "frechet_floor": 1}, rows[1]])
    found = json.loads(unescape(re.findall(r'data-moments="([^"]*)"', view(site)["classes"])[0]))
    assert found["steps"] == [10, 20] and [shares[:2] for shares in found["shares"]] == [[1, 0], [0.5, 0.5]]
    assert [numbers(sentence) for sentence in found["sentences"]] == [[1, 10], [2, 10]]


# Values on charts.


def lines_of(chart: str) -> list[dict[str, Any]]:
    return json.loads(unescape(re.findall(r'data-lines="([^"]*)"', chart)[0]))


def test_every_chart_has_the_values_of_its_points(site: Site) -> None:
    parts = view(site)
    for name, measures in (("losses", ("d_loss", "g_loss")), ("accuracy", ("d_real_accuracy", "d_fake_accuracy")),
                           ("speed", ("images_per_second",))):  # fmt: skip
        found = lines_of(parts[name])
        assert len(found) == len(measures)
        for line, measure in zip(found, measures, strict=True):
            assert line["x"] == list(range(1, 51))
            assert line["y"] == pytest.approx([row(step)[measure] for step in range(1, 51)], rel=1e-3)
    (line,) = lines_of(parts["quality"])
    assert (line["x"], line["y"]) == ([10, 20], [30, 12])
    assert 'tabindex="0"' in parts["losses"], "arrow keys reach them"


def test_many_points_stay_few_kilobytes(site: Site) -> None:
    write_lines(site.folder / "runs" / "one" / "stats.jsonl", [row(step) for step in range(1, 20_000)])
    assert all(len(part) < 25_000 for part in view(site).values())
