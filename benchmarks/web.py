"""What the page costs: `make bench-web`.

A run of `pocket` trains alone and watched by ten browsers in turn, several times, and its images a second are compared.
Watching are programs that ask as the page's script does (every two seconds for what has changed, and each new picture),
or with `--browsers` ten real pages in Chromium on this machine, which then draw there, too. The page's memory is taken
at the end, and a run of 100,000 rows is opened, until its view is there.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psutil

from pocketgan.runs.run import Run

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
EVERY = 2.0


@contextmanager
def page(folder: Path, port: int) -> Iterator[tuple[str, psutil.Process]]:
    """Serves a folder; yields the address and the process."""
    command = [sys.executable, "-m", "pocketgan", "ui", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    fetch(f"{address}/config")
    try:
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def fetch(address: str) -> bytes:
    """Returns what is at an address."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read()


def watch(address: str, name: str, ended: threading.Event) -> None:
    """Asks as the page's script does, until the end."""
    marks: dict[str, str] = {}
    while not ended.wait(EVERY):
        content = fetch(f"{address}/live/run?{urlencode({'name': name, 'have': ','.join(marks.values())})}")
        parts = json.loads(content) if content else {}
        marks |= {part: mark for part, (mark, _) in parts.items()}
        for file, _, changed in json.loads(parts["samples"][1])["list"][-1:] if "samples" in parts else ():
            query = urlencode({"name": name, "file": file, "v": changed})
            fetch(f"{address}/live/picture?{query}")
            fetch(f"{address}/live/judged?{query}")


@contextmanager
def programs(address: str, name: str, count: int) -> Iterator[None]:
    """Watches a run with programs."""
    ended = threading.Event()
    watching = [threading.Thread(target=watch, args=(address, name, ended)) for _ in range(count)]
    for thread in watching:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in watching:
            thread.join()


@contextmanager
def browsers(address: str, count: int) -> Iterator[None]:
    """Watches the newest run with pages in Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM))
        for _ in range(count):
            opened = browser.new_context().new_page()
            opened.goto(address)
            opened.wait_for_selector(".pg-state", timeout=60_000)
        yield
        browser.close()


def train(folder: Path, steps: int) -> subprocess.Popen[bytes]:
    """Starts a run of `pocket`; returns its process once it trains."""
    flags = ["--duration", f"{steps} steps", "--sample-every", "50 steps", "--checkpoint-every", "1000000 steps"]
    command = [sys.executable, "-m", "pocketgan", "train", "pocket", *flags, "--evaluate-every", "none", "--quiet"]
    process = subprocess.Popen([*command, "--out", str(folder)])
    while not (folder / "stats.jsonl").exists():
        time.sleep(0.2)
    return process


def speed(folder: Path) -> float:
    """Returns the median of a run's images a second, without its first rows."""
    rows = Run.open(folder).stats()
    return statistics.median(row["images_per_second"] for row in rows[len(rows) // 5 :])


def long_run(folder: Path, rows: int, like: Path) -> None:
    """Makes a run of so many rows out of another."""
    folder.mkdir()
    for name in ("config.json", "environment.json", "status.json"):
        (folder / name).write_bytes((like / name).read_bytes())
    row = Run.open(like).stats()[-1]
    lines = (json.dumps(row | {"step": step, "nimg": 64 * step, "seconds": step / 10}) for step in range(1, rows + 1))
    (folder / "stats.jsonl").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Measures, and prints what was found."""
    parser = argparse.ArgumentParser(description="What the page costs.")
    parser.add_argument("--steps", type=int, default=400, help="of each run")
    parser.add_argument("--pairs", type=int, default=4, help="runs alone, and as many watched")
    parser.add_argument("--watchers", type=int, default=10)
    parser.add_argument("--rows", type=int, default=100_000, help="of the long run")
    parser.add_argument("--browsers", action="store_true", help="watch with Chromium on this machine")
    parser.add_argument("--port", type=int, default=7990)
    asked = parser.parse_args()
    speeds: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as place, page(Path(place), asked.port) as (address, process):
        for pair in range(asked.pairs):
            for watched in (False, True) if pair % 2 == 0 else (True, False):
                name = f"{pair}-{'watched' if watched else 'alone'}"
                training = train(Path(place) / name, asked.steps)
                with ExitStack() as watching:
                    if watched and asked.browsers:
                        watching.enter_context(browsers(address, asked.watchers))
                    elif watched:
                        watching.enter_context(programs(address, name, asked.watchers))
                    training.wait()
                speeds[watched].append(speed(Path(place) / name))
        memory = process.memory_info().rss / 1e6
        long_run(Path(place) / "long", asked.rows, Path(place) / "0-alone")
        start = time.perf_counter()
        fetch(f"{address}/live/run?name=long")
        opened = time.perf_counter() - start
    alone, seen = statistics.median(speeds[False]), statistics.median(speeds[True])
    print(f"alone    {alone:.1f} images/s ({', '.join(f'{value:.1f}' for value in speeds[False])})")
    print(f"watched  {seen:.1f} images/s ({', '.join(f'{value:.1f}' for value in speeds[True])})")
    print(f"slower by {1 - seen / alone:.1%} with {asked.watchers} {'browsers' if asked.browsers else 'programs'}")
    print(f"the page's memory: {memory:.0f} MB")
    print(f"a run of {asked.rows:,} rows opens in {opened:.2f} s")


if __name__ == "__main__":
    main()
