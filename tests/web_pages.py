"""Pages that are served in processes of their own, and the browser that opens them."""

import shutil
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from forks import Fork
from pocketgan.base.language import LANGUAGES

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NO_BROWSER = "no Chromium is on the PATH"
LONG = 90_000
"""Milliseconds that something, such as PyTorch's first answer, may take on a busy machine."""


@contextmanager
def launched() -> Iterator[Any]:
    """Starts a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()


def is_elsewhere(url: str) -> bool:
    """Whether an address is neither the page's nor a picture that it holds."""
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))


IN_EACH_LANGUAGE = """
import sys, threading
from pathlib import Path
from pocketgan.base.language import LANGUAGES
from pocketgan.web.serve.ending import Server
from pocketgan.web.serve.server import listening, make_app
from pocketgan.web.site import Site
from pocketgan.web.worker import Worker

worker, servers = Worker(), []
for code in LANGUAGES:
    site, place = Site(Path(sys.argv[1]), code, worker=worker), listening("127.0.0.1", 0)
    server = Server(make_app(site), lambda: None)
    servers.append(threading.Thread(target=server.run, kwargs={"sockets": [place]}))
    servers[-1].start()
    print(code, place.getsockname()[1], flush=True)
for server in servers:
    server.join()
"""
"""Serves a folder once in each language, in one process; all share the worker, which is slow to start."""


@contextmanager
def served_in_each_language(folder: Path) -> Iterator[dict[str, str]]:
    """Serves a folder in each language; yields the address of each."""
    server = Fork([folder], code=IN_EACH_LANGUAGE, err=2)
    try:
        words = [server.stdout.readline().split() for _ in LANGUAGES]
        yield {code: f"http://127.0.0.1:{port}" for code, port in words}
    finally:
        server.kill()
        server.wait()
        server.close()


@contextmanager
def served(folder: Path, language: str = "en") -> Iterator[str]:
    """Serves a page with the command; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Fork(["ui", folder, "--port", port, "--lang", language], err=2)
    try:
        address = server.stdout.readline().strip()
        assert address == f"http://127.0.0.1:{port}"
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"{address}/config", timeout=20):
                break
            time.sleep(0.02)
        yield address
    finally:
        server.send_signal(signal.SIGINT)
        try:
            assert server.wait(20) == 0
        finally:
            server.kill()
            server.close()
