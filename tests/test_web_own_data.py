"""Data that a browser uploads: what is stored, what is refused in one line, and that nothing leaves its folder."""

import inspect
import io
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from packages import needs
from pocketgan.base.errors import WebError
from pocketgan.cli.look_command import look
from pocketgan.config.fields import FIELDS
from pocketgan.config.recipes import recipe
from pocketgan.web.serve.guard import LARGEST
from pocketgan.web.serve.server import make_app
from pocketgan.web.site import UPLOADS, Site
from pocketgan.web.train import incoming
from pocketgan.web.train.form import place_of, shown
from pocketgan.web.train.looking import READING, look_html
from pocketgan.web.train.names import is_accepted, safe_name, safe_path

needs("gradio", "the extra 'web' isn't installed")
ADDRESS = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, TestClient]]:
    """One page for all tests, which takes longer to build than most of them."""
    folder = tmp_path_factory.mktemp("page") / "served"
    folder.mkdir()
    site = Site(folder)
    with TestClient(make_app(site), base_url=ADDRESS) as client:
        yield site, client


@pytest.fixture
def site(served: tuple[Site, TestClient]) -> Iterator[Site]:
    site, client = served
    yield site
    for path in site.folder.glob(f"{UPLOADS}/{incoming.PREFIX}*"):
        client.post("/data/cancel", params={"token": path.name.removeprefix(incoming.PREFIX)})
    for path in site.folder.iterdir():
        path.unlink() if path.is_symlink() else shutil.rmtree(path)


@pytest.fixture
def client(served: tuple[Site, TestClient], site: Site) -> TestClient:
    return served[1]


def picture(value: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((28, 28), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def begun(client: TestClient, name: str = "mine", files: int = 1, size: int = 100) -> str:
    answer = client.post("/data/begin", json={"name": name, "files": files, "bytes": size})
    assert answer.status_code == 200, answer.text
    return answer.json()["token"]


def sent(client: TestClient, token: str, path: str, content: bytes) -> tuple[int, str]:
    answer = client.put("/data/file", params={"token": token, "path": path}, content=content)
    return answer.status_code, answer.text


def uploaded(client: TestClient, files: dict[str, bytes], name: str = "mine") -> str:
    token = begun(client, name, len(files), sum(map(len, files.values())))
    for path, content in files.items():
        assert sent(client, token, path, content) == (204, "")
    answer = client.post("/data/end", params={"token": token})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def stored(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# What is stored.


def test_a_folder_keeps_its_class_folders(client: TestClient, site: Site) -> None:
    files = {f"pets/{name}/{place}.png": picture(place) for name in ("cats", "dogs") for place in range(3)}
    assert uploaded(client, files, "pets") == f"{UPLOADS}/pets"
    place = site.data("uploads/pets")
    assert stored(place) == {path.removeprefix("pets/") for path in files}
    assert (place / "cats" / "2.png").read_bytes() == picture(2)
    assert site.listing().data == ("uploads/pets",) and not list(site.folder.glob("uploads/.*"))


def test_an_archive_is_unpacked_without_what_is_no_image(client: TestClient, site: Site) -> None:
    files = {f"pets/{name}/1.png": picture() for name in ("cats", "dogs")}
    other = {"pets/notes.txt": b"x", "__MACOSX/pets/._1.png": b"x", "pets/.hidden.png": b"x", "pets/x.pkl": b"x"}
    uploaded(client, {"pets.zip": zipped(files | other)}, "pets")
    assert stored(site.data("uploads/pets")) == {"cats/1.png", "dogs/1.png"}


def test_several_archives_become_folders(client: TestClient, site: Site) -> None:
    uploaded(client, {name: zipped({"1.png": picture()}) for name in ("cats.zip", "dogs.ZIP")}, "")
    assert stored(site.data(f"uploads/{incoming.FALLBACK}")) == {"cats/1.png", "dogs/1.png"}


@pytest.mark.parametrize("name", ["digits.npz", "digits.csv", "digits.npy"])
def test_a_file_of_arrays_stays_a_file_and_nothing_is_replaced(client: TestClient, site: Site, name: str) -> None:
    assert uploaded(client, {name: b"first"}, "digits") == f"{UPLOADS}/{name}"
    assert uploaded(client, {"a.zip": zipped({name: b"second"})}, "digits") == f"{UPLOADS}/digits-2{name[-4:]}"
    assert site.data(f"uploads/{name}").read_bytes() == b"first"


def test_parquet_files_are_read_by_their_own_reader(client: TestClient, site: Site) -> None:
    name = uploaded(client, {"train-00000-of-00001.parquet": b"x"}, "table")
    assert place_of(site, name) == f"hf:{site.folder / name}"


def test_equal_names_are_kept_apart(client: TestClient, site: Site) -> None:
    uploaded(client, {"a?.png": picture(1), "a*.png": picture(2)})
    assert stored(site.data("uploads/mine")) == {"a_.png", "a_-2.png"}


# Names.


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("коти 1.png", "коти 1.png"), ("..png", "png"), (".hidden.png", "hidden.png"), ("con.png", "_con.png"),
        ("a\0b\n.png", "a_b_.png"), ('<b>"x".png', "_b__x_.png"), ("name. .", "name"), ("...", ""),
        ("x" * 300 + ".png", "x" * 96 + ".png"),
    ],
)  # fmt: skip
def test_names_are_made_safe(text: str, name: str) -> None:
    assert safe_name(text) == name


DEEP = "a" + "/a" * 9 + ".png"
HOSTILE = ["../x.png", "a/../../x.png", "/etc/x.png", "..\\x.png", "C:\\x.png", "C:/x.png", "", "/", DEEP]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_path_that_leads_out_is_refused(client: TestClient, site: Site, path: str) -> None:
    with pytest.raises(WebError):
        safe_path(path)
    status, text = sent(client, begun(client), path, picture())
    assert status == 400 and text and "\n" not in text
    assert not stored(site.folder.parent)


@pytest.mark.parametrize("name", ["x.pkl", "x.html", "x.py", "x.svg", "x.tar", "png", "config.json.exe", "x.npz.pt"])
def test_another_kind_is_refused(client: TestClient, site: Site, name: str) -> None:
    assert not is_accepted(name)
    status, text = sent(client, begun(client), name, b"x")
    assert status == 400 and name in text and "\n" not in text
    assert not stored(site.folder)


@pytest.mark.parametrize("path", ["../x.png", "/etc/x.png", "a/../../../x.png"])
def test_an_archive_that_leads_out_is_refused(client: TestClient, site: Site, path: str) -> None:
    token = begun(client)
    sent(client, token, "evil.zip", zipped({"1.png": picture(), path: picture()}))
    assert client.post("/data/end", params={"token": token}).status_code == 400
    assert not stored(site.folder.parent)


def test_links_in_archives_are_passed_over(client: TestClient, site: Site) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("1.png", picture())
    uploaded(client, {"links.zip": buffer.getvalue()})
    assert stored(site.data("uploads/mine")) == {"1.png"}


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no archive", zipped({})])
def test_a_damaged_or_empty_archive_is_refused(client: TestClient, site: Site, content: bytes) -> None:
    token = begun(client)
    sent(client, token, "broken.zip", content)
    answer = client.post("/data/end", params={"token": token})
    assert answer.status_code == 400 and "\n" not in answer.text
    assert not stored(site.folder)


def test_uploads_that_are_a_link_are_refused(client: TestClient, site: Site, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (site.folder / UPLOADS).symlink_to(tmp_path / "elsewhere")
    assert client.post("/data/begin", json={"name": "x", "files": 1, "bytes": 1}).status_code == 400
    assert not list((tmp_path / "elsewhere").iterdir())


# Sizes.


def test_what_is_too_large_is_refused_before_it_is_sent(client: TestClient) -> None:
    many = incoming.MOST_FILES + 1
    for files, size in ((1, incoming.MOST_BYTES + 1), (many, 1), (0, 1), (1, -1), ("1", 1), (True, 1)):
        answer = client.post("/data/begin", json={"name": "x", "files": files, "bytes": size})
        assert answer.status_code == 400 and "\n" not in answer.text, (files, size)


def test_what_is_larger_than_announced_stops_at_the_limit(
    client: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "MOST_BYTES", 5_000)
    token = begun(client)
    assert sent(client, token, "1.png", bytes(4_000))[0] == 204
    assert sent(client, token, "2.png", bytes(4_000))[0] == 400
    assert {Path(path).name for path in stored(site.folder)} == {"1.png"}


def test_a_bomb_is_stopped_while_it_is_unpacked(
    client: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "MOST_BYTES", 5_000_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.png", bytes(50_000_000))
    token = begun(client)
    assert sent(client, token, "bomb.zip", buffer.getvalue())[0] == 204
    assert client.post("/data/end", params={"token": token}).status_code == 400
    assert not stored(site.folder)


def test_too_many_files_are_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "MOST_FILES", 2)
    token = begun(client)
    statuses = [sent(client, token, f"{place}.png", picture())[0] for place in range(3)]
    assert statuses == [204, 204, 400]
    token = begun(client)
    sent(client, token, "many.zip", zipped({f"{place}.png": picture() for place in range(3)}))
    assert client.post("/data/end", params={"token": token}).status_code == 400


def test_a_full_disk_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "SPARE_BYTES", 10**18)
    assert client.post("/data/begin", json={"name": "x", "files": 1, "bytes": 1}).status_code == 400


def test_a_large_file_is_accepted_only_as_data(client: TestClient) -> None:
    content = bytes(LARGEST + 1)
    assert sent(client, begun(client, size=len(content)), "big.npz", content)[0] == 204
    assert client.post("/data/begin", content=content).status_code == 413
    assert client.post("/data/file", content=content).status_code == 413
    assert client.put("/gradio_api/upload", content=content).status_code == 413


# The look.


def looked(site: Site, monkeypatch: pytest.MonkeyPatch, *, out: str = "", wrong: str = "", **settings: object) -> str:
    """Returns the command for a look, and after it what the page shows; the command itself isn't run."""
    commands: list[str] = []

    def run(words: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        commands.append(" ".join(words))
        Path(words[words.index("-o") + 1], "data.png").write_bytes(picture())
        return subprocess.CompletedProcess(words, 2 if wrong else 0, out.encode(), wrong.encode())

    monkeypatch.setattr("pocketgan.web.train.looking.subprocess.run", run)
    (site.folder / "mine").mkdir(exist_ok=True)
    html = look_html(site, "pocket", "mine", {name: shown(recipe("pocket"))[name] for name in READING} | settings)
    return "\n".join([*commands, html])


def test_a_look_reads_data_with_the_settings_of_the_form(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"look {site.folder / 'mine'} --recipe pocket -o" in looked(site, monkeypatch)
    text = looked(site, monkeypatch, skip_damaged=True, size="32", value_range="0:16")
    assert f"look {site.folder / 'mine'} --recipe pocket --size=32 --value-range=0:16 --skip-damaged -o" in text
    assert "size" in looked(site, monkeypatch, size="many").partition("-o")[0], "a wrong value is refused beforehand"
    assert set(READING) == inspect.signature(look).parameters.keys() & FIELDS.keys() - {"data"}


def test_a_look_names_its_data_and_files_as_the_page_does(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = site.folder / "mine" / "1.png"
    shown_ = looked(site, monkeypatch, out=f"{path.parent}\n  2 images\n  transparent: 1 ({path})\n  look: data.png\n")
    assert "<h3>mine</h3>" in shown_ and "<li>2 images</li><li>transparent: 1 (mine/1.png)</li>" in shown_
    assert "<p" in (text := looked(site, monkeypatch, wrong=f"error: data: can't decode {path} as a picture"))
    assert text.endswith("data: can&#x27;t decode mine/1.png as a picture</p>")


# Visitors.


def test_only_few_uploads_run_at_a_time_and_abandoned_ones_are_removed(
    client: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [begun(client) for _ in range(incoming.MOST_UPLOADS)]
    assert client.post("/data/begin", json={"name": "x", "files": 1, "bytes": 1}).status_code == 400
    client.post("/data/cancel", params={"token": tokens[0]})
    begun(client)
    monkeypatch.setattr(incoming, "IDLE_SECONDS", -1.0)
    begun(client)
    assert len(list((site.folder / UPLOADS).iterdir())) == 1


def test_an_upload_needs_its_token(client: TestClient, site: Site) -> None:
    begun(client)
    for token in ("", "x", "../x"):
        assert sent(client, token, "1.png", picture())[0] == 400
        assert client.post("/data/end", params={"token": token}).status_code == 400
    assert not stored(site.folder)


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_another_site_can_upload_nothing(client: TestClient, site: Site, headers: dict[str, str]) -> None:
    token = begun(client)
    assert client.post("/data/begin", json={}, headers=headers).status_code == 403
    params = {"token": token, "path": "1.png"}
    assert client.put("/data/file", params=params, content=b"x", headers=headers).status_code == 403
    assert not stored(site.folder)


def test_a_shared_page_takes_data_only_with_the_password(site: Site) -> None:
    body = {"name": "x", "files": 1, "bytes": 1}
    with TestClient(make_app(site, password="secret"), base_url=ADDRESS) as client:
        assert client.post("/data/begin", json=body).status_code == 401
        assert client.post("/data/begin", json=body, auth=("", "secret")).status_code == 200
