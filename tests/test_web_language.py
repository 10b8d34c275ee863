"""The page speaks one language: no function behind an event and no route answers with an English sentence of ours."""

import html
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from catalogues import TEXTS
from starlette.testclient import TestClient

import forks
from pocketgan.base.language import LANGUAGES
from pocketgan.web.page import build_page
from pocketgan.web.serve.server import make_app
from pocketgan.web.site import Site
from web_events import handlers
from web_runs import make_run, write_status

TYPED: list[Any] = [
    "",
    None,
    "runs/gone",
    "../outside",
    "zero",
    -1,
    1.5,
    "5 fortnights",
    ["runs/one", "gone"],
    "?tab=x",
]
"""What may stand in a field."""
PIECE = 12
"""Letters of an English text that can't stand in another language's by chance; with a blank among them."""


def english() -> set[str]:
    """The pieces between the parts of every English text, of those long enough to be told."""
    found = set()
    for texts in TEXTS.values():
        for text in texts.values():
            for one in (text,) if isinstance(text, str) else text:
                pieces = {piece.strip(" .,;:") for piece, *_ in string.Formatter().parse(one)}
                found |= {piece for piece in pieces if len(piece) >= PIECE and " " in piece}
    return found


def in_english(answer: object) -> list[str]:
    """The English pieces in an answer, whatever it is made of."""
    said = html.unescape(re.sub(r"<[^>]+>", " ", repr(answer)))
    return [piece for piece in ENGLISH if piece in said]


ENGLISH = english()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("spoken")
    make_run(place / "runs" / "one")
    make_run(place / "runs" / "broken")
    (place / "runs" / "broken" / "environment.json").write_text("{")
    make_run(place / "runs" / "killed", state="running")
    write_status(place / "runs" / "killed", state="running", pid=2**22 - 3)
    (place / "studies" / "s").mkdir(parents=True)
    (place / "studies" / "s" / "study.json").write_text("{")
    return place


@pytest.fixture
def site(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The same in Ukrainian; nothing is started, and the worker isn't asked."""
    monkeypatch.setattr("pocketgan.web.processes.subprocess.Popen", refused)
    monkeypatch.setattr("pocketgan.web.worker.subprocess.Popen", refused)
    found = Site(folder, "uk")
    yield found
    found.worker.end()


def refused(*_: object, **__: object) -> None:
    raise OSError(12, "Cannot allocate memory")


def test_english_would_be_found() -> None:
    assert in_english("<p>batch_size must be a whole number (got &#x27;x&#x27;)</p>")
    assert not in_english("<p>batch_size: x</p>")


@pytest.mark.slow
def test_no_event_answers_in_english(site: Site) -> None:
    functions = handlers(build_page(site))
    assert len(functions) > 20
    answered = 0
    for function in functions:
        usual = [getattr(component, "value", None) for component in function.inputs]
        for given in inputs(usual):
            try:
                answer = function.fn(*given)
            except (TypeError, ValueError, AttributeError, KeyError):
                continue  # Of values that Gradio lets through to no function of this kind.
            answered += 1
            assert not in_english(answer), (function.api_name, given)
    assert answered > 300


def inputs(usual: list[Any]) -> Iterator[list[Any]]:
    """What is usual, and one thing that may be typed in each place in turn."""
    yield usual
    for place in range(len(usual)):
        for value in (*TYPED, "runs/one", "runs/broken", "runs/killed", "studies/s"):
            yield [*usual[:place], value, *usual[place + 1 :]]


@pytest.mark.slow
def test_no_route_answers_in_english(site: Site) -> None:
    with TestClient(make_app(site), base_url="http://127.0.0.1:7860") as client:
        for name in ("runs/one", "runs/broken", "runs/killed", "gone", "../x", "\0"):
            for address in (
                f"/live/run?name={name}", f'/live/compare?names=["{name}"]', f"/live/compare?names={name}",
                f"/live/picture?name={name}&file=x", f"/live/judged?name={name}&file=x", f"/studies/{name}/report.html",
            ):  # fmt: skip
                answer = client.get(address.replace("\0", "%00"))
                assert answer.status_code in (200, 404) and not in_english(answer.text), address
        for headers, path in (
            ({"host": "evil.example"}, "/"),
            ({"origin": "https://x.example"}, "/"),
            ({}, "/nowhere"),
        ):
            assert not in_english(client.get(path, headers=headers).text)


@pytest.mark.slow
def test_a_mistake_in_the_form_is_answered_in_the_pages_language(site: Site) -> None:
    """The same through the page's own protocol."""
    with TestClient(make_app(site), base_url="http://127.0.0.1:7860") as client:
        config = client.get("/config").json()
        start = next(one for one in config["dependencies"] if one["api_name"] == "start")
        values = {one["id"]: one["props"].get("value") for one in config["components"]}
        label = {one["id"]: one["props"].get("label") for one in config["components"]}
        for field, wrong in (
            ("batch_size", "many"),
            ("learning_rate", "-1"),
            ("duration", "5"),
            ("seed", ""),
            ("r1", "x"),
        ):
            data = [wrong if label[place] == field else values[place] for place in start["inputs"]]
            body = {"data": data, "fn_index": start["id"], "session_hash": "mine"}
            said = client.post("/gradio_api/run/predict", json=body).json()["data"][0]
            assert field in said and re.search("[а-яіїєґ]{4,}", said) and not in_english(said), said


@pytest.mark.slow
@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_the_command_speaks_the_language_that_it_is_told(tmp_path: Path, code: str) -> None:
    for mistake in (["--host", "0.0.0.0"], [str(tmp_path / "none")]):
        done = forks.run(["ui", "--lang", code, "--port", "0", *mistake], cwd=tmp_path)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert not in_english(done.stderr), done.stderr
