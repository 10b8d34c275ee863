"""Settings of the memory allocator: in effect with glibc, and harmless elsewhere."""

import ctypes
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from pocketgan.web.serve import heap


def test_glibc_takes_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[int, int]] = []

    def mallopt(parameter: int, value: int) -> int:
        taken.append((parameter, value))
        return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=mallopt))
    assert heap.limit_heap()
    assert taken == [(-8, 2), (-3, 131072)]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_the_settings_are_known_to_the_allocator() -> None:
    alone = "from pocketgan.web.serve.heap import limit_heap; assert limit_heap()"
    subprocess.run([sys.executable, "-c", alone], check=True)  # A process of its own, because the settings stay.


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    assert not heap.limit_heap()
