"""What the two commands install, and which build of PyTorch."""

import http.server
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools import torch_build

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"


def planned(target: str, tmp_path: Path) -> list[str]:
    """What make would run on a clean machine."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # `make test` runs this.
    words = ["make", "-n", "--no-print-directory", target]
    done = subprocess.run(words, cwd=tmp_path, env=own, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_training_installs_what_training_takes(tmp_path: Path) -> None:
    training, testing = planned("train", tmp_path), planned("test", tmp_path)
    installs = [line for line in training if "pip install" in line]
    assert installs and not any("[" in line.replace("if [", "") for line in installs)
    assert any("'.[dev]'" in line for line in testing)
    assert training[-1].endswith("pocketgan train pocket ")


class Index(http.server.BaseHTTPRequestHandler):
    """A package index: `/slow/` never answers, `/empty/` has nothing."""

    def do_GET(self) -> None:
        if self.path.startswith("/slow/"):
            time.sleep(20)
        self.send_response(404 if self.path.startswith("/empty/") else 200)
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Linux machine without an NVIDIA driver."""
    monkeypatch.setattr(torch_build.platform, "system", lambda: "Linux")
    monkeypatch.setattr(torch_build, "has_nvidia_driver", lambda: False)
    monkeypatch.setattr(torch_build, "SECONDS", 0.5)


def test_the_cpu_build_is_taken_where_its_index_answers(linux: None, index: str) -> None:
    wanted = torch_build.arguments(CONSTRAINTS, f"{index}/good")
    assert wanted == ["--no-deps", "--index-url", f"{index}/good", torch_build.pinned(CONSTRAINTS)]
    assert wanted[-1].startswith("torch==")


@pytest.mark.parametrize("place", ["slow", "empty"])
def test_pip_chooses_where_the_index_does_not_answer(linux: None, index: str, place: str) -> None:
    assert not torch_build.answers(f"{index}/{place}", 0.5)


def test_pip_chooses_where_nothing_listens(linux: None) -> None:
    assert torch_build.arguments(CONSTRAINTS, "http://127.0.0.1:9") == []


def test_pip_chooses_with_a_driver_and_elsewhere(
    linux: None, index: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch_build, "has_nvidia_driver", lambda: True)
    assert torch_build.arguments(CONSTRAINTS, f"{index}/good") == []
    monkeypatch.undo()
    monkeypatch.setattr(torch_build.platform, "system", lambda: "Darwin")
    assert torch_build.arguments(CONSTRAINTS, f"{index}/good") == []
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    (tmp_path / "proc/driver/nvidia/version").write_text("NVRM")
    assert torch_build.has_nvidia_driver(tmp_path)


def test_it_runs_before_anything_is_installed(index: str) -> None:
    words = [sys.executable, "-I", str(ROOT / "tools" / "torch_build.py"), str(CONSTRAINTS), f"{index}/empty"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "" and done.stderr == ""
