"""Who may ask the page for what: other origins, other names, strangers, and hostile values in every parameter."""

import asyncio
import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pocketgan.base.errors import WebError
from pocketgan.web.page import build_page
from pocketgan.web.serve.guard import LARGEST, TRIES, Guard, is_loopback, served
from pocketgan.web.serve.server import make_app
from pocketgan.web.site import Site
from web_events import handlers
from web_runs import make_run

SECRET = "the secret that lies outside"
READS = [
    "/live/run",
    "/live/compare",
    "/live/picture",
    "/live/judged",
    "/studies/",
    "/config",
    "/gradio_api/info",
    "/theme.css",
]
FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:3000"},
    {"origin": "http://testserver.evil.example"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
]
HOSTILE = [
    "../secret",
    "/etc/passwd",
    "runs/../../secret",
    "runs/link",
    "..",
    "\0",
    "~/x",
    "{secret}",
    "file://{secret}",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and a link, beside a secret run."""
    place = tmp_path_factory.mktemp("guarded")
    make_run(place / "dir" / "runs" / "one")
    make_run(place / "secret")
    for file in (place / "secret" / "samples").glob("*.png"):
        file.write_text(SECRET)
    values = json.loads((place / "secret" / "status.json").read_text())
    (place / "secret" / "status.json").write_text(json.dumps(values | {"message": SECRET}))
    (place / "dir" / "runs" / "link").symlink_to(place / "secret")
    return place


@pytest.fixture(scope="module")
def site(folder: Path) -> Site:
    return Site(folder / "dir")


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[TestClient]:
    """A browser on this machine."""
    with TestClient(make_app(site), base_url="http://127.0.0.1:7860") as client:
        yield client


@pytest.fixture
def guarded(site: Site) -> Iterator[TestClient]:
    """A browser elsewhere, of a page with a password."""
    app = make_app(site, host="0.0.0.0", password="open sesame")
    with TestClient(app, base_url="http://lab.example") as client:
        yield client


def basic(password: str, name: str = "anyone") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


# Another origin.


def test_the_page_and_what_it_fetches_are_served(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200 and "Pocketgan" in page.text
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    assert client.get("/live/run", params={"name": "runs/one"}).status_code == 200
    picture = client.get("/live/picture", params={"name": "runs/one", "file": "samples_step_000010.png"})
    assert picture.content.startswith(b"\x89PNG")
    assert client.get("/live/judged", params={"name": "runs/one", "file": "samples_step_000010.png"}).json() == [
        0.1,
        0.9,
        None,
        0.5,
    ]


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_origin_reads_nothing(client: TestClient, headers: dict[str, str]) -> None:
    for path in READS:
        assert client.get(path, headers=headers).status_code == 403, path


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_origin_starts_and_stops_nothing(client: TestClient, headers: dict[str, str]) -> None:
    for path in ("/gradio_api/queue/join", "/gradio_api/run/predict", "/gradio_api/upload", "/gradio_api/cancel", "/"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert client.request(method, path, headers=headers, json={}).status_code == 403


def test_no_other_origin_is_told_that_it_may(client: TestClient) -> None:
    for headers in ({}, {"origin": "http://127.0.0.1:7860"}):
        answer = client.get("/config", headers=headers)
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_link_to_the_page_may_be_followed_from_anywhere(client: TestClient) -> None:
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/", headers=followed).status_code == 200
    assert client.get("/live/run", headers=followed, params={"name": "runs/one"}).status_code == 403


def test_the_page_itself_may_ask(client: TestClient) -> None:
    own = {"origin": "http://127.0.0.1:7860", "sec-fetch-site": "same-origin"}
    assert client.get("/live/run", headers=own, params={"name": "runs/one"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "lab:7860", "[::1", "0.0.0.0"])
def test_another_name_that_leads_here_is_refused(client: TestClient, host: str) -> None:
    for path in ("/", *READS):
        assert client.get(path, headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9000", "[::1]:7860", "LOCALHOST:1"])
def test_names_of_this_machine_do(client: TestClient, host: str) -> None:
    assert client.get("/live/run", headers={"host": host}, params={"name": "runs/one"}).status_code == 200


# Strangers.


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "lab.example", ""])
def test_others_are_let_in_with_a_password_alone(site: Site, host: str) -> None:
    for password in (None, ""):
        with pytest.raises(WebError, match="--password") as caught:
            make_app(site, host=host, password=password)
        assert caught.value.field == "host"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"])
def test_loopback_hosts_need_none(host: str) -> None:
    assert is_loopback(host)


def test_without_the_password_nothing_is_served(guarded: TestClient) -> None:
    for path in ("/", "/assets/index.js", *READS):
        answer = guarded.get(path)
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Basic")
    assert guarded.post("/gradio_api/queue/join", json={}).status_code == 401
    for wrong in (basic("x"), basic(""), {"authorization": "Basic ???"}, {"authorization": "Bearer open sesame"}):
        assert guarded.get("/", headers=wrong).status_code == 401
    assert guarded.get("/", headers=basic("open sesame")).status_code == 200


def test_a_password_does_not_let_other_origins_in(guarded: TestClient) -> None:
    answer = guarded.post("/gradio_api/queue/join", headers=basic("open sesame") | {"origin": "https://evil.example"})
    assert answer.status_code == 403


def test_passwords_cannot_be_tried_one_after_the_other(guarded: TestClient) -> None:
    for number in range(TRIES):
        assert guarded.get("/", headers=basic(str(number))).status_code == 401
    assert guarded.get("/", headers=basic("another")).status_code == 429


# What is served.


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/proxy=https://evil.example/", "/gradio_api/file=/etc/passwd", "/gradio_api/file=../../etc/passwd",
        "/gradio_api/file=https://evil.example/x", "/gradio_api/deep_link", "/monitoring", "/gradio_api/vibe-code",
        "/gradio_api/runs", "/gradio_api/custom_component/0/client/component/index.js", "/login", "/token", "/docs",
        "/openapi.json", "/gradio_api/openapi.json", "/gradio_api/file/etc/passwd", "/static/../config.json",
        "/gradio_api/dev/reload", "/gradio_api/stream/x/y/1/playlist.m3u8", "/live", "/gradio_api/process_recording",
    ],
)  # fmt: skip
def test_what_the_page_needs_not_is_not_there(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
    assert not served(path, "/cache")


def test_files_of_the_pages_own_cache_are(tmp_path: Path) -> None:
    assert served(f"/gradio_api/file={tmp_path}/x.png", str(tmp_path))
    assert not served(f"/gradio_api/file={tmp_path}-other/x.png", str(tmp_path))
    assert not served(f"/gradio_api/file={tmp_path}/../x.png", str(tmp_path))
    assert not served(f"/gradio_api/file={tmp_path}/%2e%2e/x.png", str(tmp_path))


def test_large_bodies_are_refused(client: TestClient) -> None:
    headers = {"content-length": str(LARGEST + 1)}
    assert client.post("/gradio_api/upload", headers=headers, content=b"x").status_code == 413
    assert client.post("/gradio_api/upload", headers={"content-length": "-1"}, content=b"x").status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(LARGEST // 1_000_000 + 2):
            yield bytes(1_000_000)

    assert client.post("/gradio_api/upload", content=pieces()).status_code >= 400


def test_nothing_comes_from_elsewhere(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "http" not in policy and "*" not in policy
    assert "fonts.googleapis" not in client.get("/theme.css").text


def test_other_protocols_pass_the_guard_or_are_ended() -> None:
    sent, seen = [], []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def send(message: Any) -> None:
        sent.append(message)

    guard = Guard(app, frozenset({"localhost"}))
    for headers in ([(b"host", b"localhost"), (b"origin", b"https://evil.example")], [(b"host", b"evil.example")]):
        asyncio.run(guard({"type": "websocket", "path": "/", "headers": headers}, None, send))  # pyright: ignore
    assert [message["type"] for message in sent] == ["websocket.close"] * 2 and not seen
    asyncio.run(guard({"type": "lifespan"}, None, send))  # pyright: ignore
    assert seen == ["lifespan"]


# Hostile values in every parameter.


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("path", ["/live/run", "/live/compare", "/live/picture", "/live/judged"])
def test_no_route_reads_outside(client: TestClient, folder: Path, path: str, value: str) -> None:
    value = value.replace("{secret}", str(folder / "secret"))
    for names in (value, json.dumps([value]), json.dumps([[value]]), json.dumps({"a": value}), "["):
        answer = client.get("/live/compare", params={"names": names, "over": value, "have": value})
        assert answer.status_code in (200, 404) and SECRET not in answer.text and "root:" not in answer.text
    for name, file in ((value, "samples_step_000010.png"), ("runs/one", value), (value, value)):
        answer = client.get(path, params={"name": name, "names": json.dumps([name]), "file": file, "have": value})
        assert answer.status_code in (200, 404) and SECRET not in answer.text and "root:" not in answer.text


@pytest.mark.parametrize("value", HOSTILE)
def test_no_study_is_read_outside(client: TestClient, folder: Path, value: str) -> None:
    value = value.replace("{secret}", str(folder / "secret"))
    for path in (f"/studies/{value}/report.html", f"/studies/runs/one/{value}", f"/studies/{value}"):
        answer = client.get(re.sub("[\0]", "%00", path))
        away = not str(answer.url).startswith("http://127.0.0.1:7860/studies/")  # The browser itself has left.
        assert (answer.status_code == 404 or away) and SECRET not in answer.text


@pytest.mark.slow
def test_no_event_reads_or_writes_outside(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every function behind an event, with a hostile value in each of its parameters in turn."""
    started: list[Any] = []
    monkeypatch.setattr("pocketgan.web.processes.subprocess.Popen", lambda *args, **_: started.append(args))
    page = build_page(site)
    before = snapshot(folder)
    assert len(handlers(page)) > 10
    for function in handlers(page):
        defaults = [getattr(component, "value", None) for component in function.inputs]
        for place in range(len(defaults)):
            for value in HOSTILE:
                given = [*defaults]
                given[place] = value.replace("{secret}", str(folder / "secret"))
                try:
                    answer = function.fn(*given)
                except (TypeError, ValueError, AttributeError):
                    continue  # Of values that Gradio lets through to no function of this kind.
                assert SECRET not in repr(answer), (function.api_name, value)
    assert snapshot(folder) == before
    words = [str(word) for args in started for word in args[0]]
    paths = [word for word in words if word.startswith(("/", "--out=", "--data="))]
    assert started and not [path for path in paths if str(folder / "secret") in path or "/etc" in path or ".." in path]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_every_endpoint_refuses_hostile_values(client: TestClient, folder: Path) -> None:
    """The same through the page's own protocol, for the endpoints that it lists, whichever there are."""
    config = client.get("/config").json()
    before = snapshot(folder)
    tried = 0
    for dependency in config["dependencies"]:
        if not dependency["backend_fn"] or dependency["queue"]:
            continue
        for place in range(len(dependency["inputs"])):
            for value in ("../secret", str(folder / "secret"), "runs/link"):
                data: list[Any] = [None] * len(dependency["inputs"])
                data[place] = value
                body = {"data": data, "fn_index": dependency["id"], "session_hash": "hostile"}
                answer = client.post("/gradio_api/run/predict", json=body)
                assert SECRET not in answer.text, dependency["api_name"]
                tried += 1
    assert tried > 100
    assert snapshot(folder) == before


def test_routes_that_the_page_adds_are_all_tried_above(site: Site) -> None:
    from fastapi import FastAPI

    from pocketgan.web.serve.routes import add_routes

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    add_routes(app, site)
    methods = {getattr(route, "path", ""): getattr(route, "methods", set()) - {"HEAD"} for route in app.routes}
    reads = ("/live/run", "/live/compare", "/live/picture", "/live/judged", "/studies/{path:path}")
    writes = {"/data/begin": {"POST"}, "/data/file": {"PUT"}, "/data/end": {"POST"}, "/data/cancel": {"POST"}}
    assert methods == {path: {"GET"} for path in reads} | writes, "those that write are tried in test_web_own_data.py"
