"""Compare: runs are measured one after the other, one sees how far it is, and the figures come by themselves."""

import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pocketgan.web.site import Site
from web_events import Events, events
from web_runs import evaluation, make_run, until, write_lines

EVALUATE = """
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
while not (folder / "go").exists():
    time.sleep(0.05)
if (folder / "go").read_text():
    sys.exit((folder / "go").read_text())
(folder / "evaluation").mkdir(exist_ok=True)
figure = {"value": 12.34, "spread": 0.56, "floor": 0.78}
(folder / "evaluation" / "evaluation.json").write_text(json.dumps({"metrics": {"frechet_distance": figure}}))
"""
"""Stands for `pocketgan evaluate`: it measures once there is a file `go`, or says what that holds and fails."""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Events]:
    """A folder with three runs, and what stands for the command that measures them."""
    monkeypatch.setattr("pocketgan.web.reading.FRESH_SECONDS", -1.0)
    for name in ("one", "two", "three"):
        make_run(tmp_path / name)
    real, begun = subprocess.Popen, []

    def stand_in(command: list[str], **options: Any) -> Any:
        assert command[4] == "evaluate", command
        process = real([sys.executable, "-c", EVALUATE, command[5]], **options)
        begun.append(process)
        return process

    monkeypatch.setattr("pocketgan.web.processes.subprocess.Popen", stand_in)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "study.json").write_text("{}")
    with events(Site(tmp_path)) as found:
        yield found
    for process in begun:
        process.kill()
        process.wait()


def parts(page: Events, *names: str, have: str = "") -> dict[str, list[str]]:
    """What a browser gets of runs side by side."""
    answer = page.client.get("/live/compare", params={"names": json.dumps(names), "have": have})
    return answer.json() if answer.status_code == 200 else {}


def measuring(page: Events, *names: str) -> dict[str, bool]:
    """The runs that are measured or wait for it, and whether a bar says how far it is."""
    text = parts(page, *names)["measuring"][1]
    found = re.findall(r'data-measuring="(\w+)">(<progress)?', text)
    return {name: bool(bar) for name, bar in found}


NAMES = ("one", "two", "three")


@pytest.mark.slow
def test_runs_are_measured_one_after_the_other_and_arrive_by_themselves(page: Events, tmp_path: Path) -> None:
    first = parts(page, *NAMES)
    have = ",".join(mark for mark, _ in first.values())
    assert parts(page, *NAMES, have=have) == {}, "nothing has changed"
    answer = page.send("measure", compared=["one", "two"])[0]
    assert answer.count("good") == 2 and "bad" not in answer
    assert measuring(page, *NAMES) == {"one": True, "two": False}
    assert "bad" in page.send("measure", compared=["two"])[0], "it waits for it already"
    page.send("measure", compared=["three"])
    for place, name in enumerate(NAMES):
        until(lambda name=name: measuring(page, *NAMES).get(name))
        assert list(measuring(page, *NAMES)) == list(NAMES[place:])
        assert sum(measuring(page, *NAMES).values()) == 1, "one at a time"
        (tmp_path / name / "go").touch()
    until(lambda: not measuring(page, *NAMES))
    changed = parts(page, *NAMES, have=have)
    assert changed["table"][1].count("12.3 ± 0.56") == 3
    assert set(changed) == {"table"}, "neither curves nor samples are sent again"


def test_why_a_run_could_not_be_measured_is_said(page: Events, tmp_path: Path) -> None:
    (tmp_path / "one" / "go").write_text("the disk <is> full")
    page.send("measure", compared=["one"])
    until(lambda: "pg-line bad" in parts(page, "one")["measuring"][1])
    said = parts(page, "one")["measuring"][1]
    assert "the disk <is> full" in html.unescape(said) and "<is>" not in said and "progress" not in said
    (tmp_path / "one" / "go").write_text("")
    page.send("measure", compared=["one"])
    until(lambda: "12.3 ± 0.56" in parts(page, "one")["table"][1])
    until(lambda: parts(page, "one")["measuring"][1] == "")


def test_a_run_under_way_moves_by_itself(page: Events, tmp_path: Path) -> None:
    first = parts(page, "one", "two")
    have = ",".join(mark for mark, _ in first.values())
    write_lines(tmp_path / "one" / "metrics.jsonl", [evaluation(10, 30.0), evaluation(20, 12.0), evaluation(30, 7.0)])
    changed = parts(page, "one", "two", have=have)
    assert set(changed) == {"table", "charts"}


def test_buttons_are_there_for_what_is_chosen(page: Events) -> None:
    def works(event: str, **chosen: Any) -> bool:
        return page.send(event, **chosen)[1]["interactive"]

    assert not works("compare", compared=[]) and works("compare", compared=["one"])
    assert not works("study", study=None) and works("study", study="s")
