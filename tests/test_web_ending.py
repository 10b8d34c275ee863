"""How the page ends: at once, quietly, whoever still listens to it."""

import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from forks import Fork
from web_pages import BROWSER, FLAGS, NO_BROWSER
from web_runs import PATIENCE, make_run

STREAMS = ("gradio_api/heartbeat/mine", "gradio_api/queue/data?session_hash=mine")
"""What a tab holds open."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@contextmanager
def command(folder: Path, *, python: bool = False) -> "Iterator[tuple[Fork | subprocess.Popen[str], str]]":
    """The command that serves the page, and its address: in a fork, or as `python -m` starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words, pipe = ["ui", str(folder), "--port", str(port)], subprocess.PIPE
    if python:
        started = [sys.executable, "-m", "pocketgan", *words]
        page = subprocess.Popen(started, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    else:
        page = Fork(words, new_session=True)
    try:
        assert page.stdout is not None
        address = page.stdout.readline().strip()
        assert address == f"http://127.0.0.1:{port}"
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"{address}/config", timeout=20):
                break
            time.sleep(0.02)
        yield page, address
    finally:
        page.kill()
        page.communicate()


def stopped(page: "Fork | subprocess.Popen[str]", number: int = signal.SIGINT) -> list[str]:
    """Stops the page; returns what it said on standard error."""
    page.send_signal(number)
    out, said = page.communicate(timeout=PATIENCE)
    assert page.returncode in (0, 130) and out == ""
    assert "Traceback" not in said and "Error" not in said and "Cancel" not in said, said
    return said.strip().splitlines()


@pytest.mark.slow
def test_ctrl_c_ends_the_page_in_one_line_while_streams_are_open(tmp_path: Path) -> None:
    with command(tmp_path, python=True) as (page, address):
        streams = [urllib.request.urlopen(f"{address}/{path}", timeout=PATIENCE) for path in STREAMS]
        readers = [threading.Thread(target=read, args=(stream,), daemon=True) for stream in streams]
        for reader in readers:
            reader.start()
        time.sleep(0.5)
        lines = stopped(page)
    assert len(lines) == 2 and str(tmp_path) in lines[0] and "Ctrl-C" in lines[0]
    assert lines[1] != lines[0]
    for reader in readers:
        reader.join(PATIENCE)
        assert not reader.is_alive(), "the stream came to its end"


def read(stream: object) -> None:
    with suppress(OSError, ValueError):
        stream.read()  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.slow
def test_it_ends_while_a_file_is_on_its_way(tmp_path: Path) -> None:
    with command(tmp_path) as (page, address):
        ask = urllib.request.Request(
            f"{address}/gradio_api/upload", data=b"x" * 100, headers={"content-length": "1000000"}, method="POST"
        )
        threading.Thread(target=lambda: suppressed(ask), daemon=True).start()
        time.sleep(0.5)
        assert len(stopped(page)) == 2


def suppressed(ask: urllib.request.Request) -> None:
    with suppress(OSError):
        urllib.request.urlopen(ask, timeout=PATIENCE)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
def test_ctrl_c_ends_the_page_with_tabs_open(tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
    make_run(tmp_path / "runs" / "one")
    with command(tmp_path) as (page, address), sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER, args=FLAGS)
        for _ in range(2):
            tab = browser.new_page()
            tab.goto(address)
            tab.locator(".pg-state").wait_for()
        tab.get_by_role("tab").nth(1).click()
        lines = stopped(page)
        browser.close()
    assert len(lines) == 2
