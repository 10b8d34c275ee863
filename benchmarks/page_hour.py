"""An hour of the page under load: `python benchmarks/page_hour.py --out DIR`.

Ten readers watch and click in one page, two runs train in its folder, and the process that draws for the page is killed
every minute. A reader asks as the page's script does, every two seconds, and asks for new pictures every five. A click
is lost if it gets no answer within 200 s, or an answer with neither pictures nor a message. (The server gives a request
up, with a message, after 60 s of waiting for its turn or 120 s of work.)

Memory is that of the server's process, every ten seconds, in `memory.csv`; clicks are in `clicks.jsonl`.
"""

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from web import fetch, page, watch

CLICK_EVERY = 5.0
KILL_EVERY = 60.0
MEMORY_EVERY = 10.0
LONGEST = 200.0
RECIPES = ("pocket", "minimal")


class Reader(threading.Thread):
    """A browser in the tab Create: new pictures every five seconds.

    Args:
        address: of the page.
        model: the run that draws.
        number: of the reader, which is its seed.
        ended: ends the reader.
    """

    def __init__(self, address: str, model: str, number: int, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        config = json.loads(fetch(f"{address}/config"))
        parts = {one["id"]: one["props"] for one in config["components"]}

        def event(name: str) -> tuple[dict[str, Any], list[str], list[Any]]:
            """Returns an event, and the names and values of what it reads."""
            found = next(one for one in config["dependencies"] if one["api_name"] == name)
            read = [parts[place] for place in found["inputs"]]
            return found, [part.get("elem_id") or "" for part in read], [part.get("value") for part in read]

        self.address, self.number, self.ended = address, number, ended
        opening, _, values = event("arrived")
        self.send(opening, values)  # Opens the tab, which fills its list of runs.
        self.event, self.names, self.values = event("redraw")
        self.values[self.names.index("create-model")] = model
        self.rng = random.Random(number)
        self.clicks: list[dict[str, Any]] = []

    def run(self) -> None:
        """Clicks until the end."""
        while not self.ended.wait(CLICK_EVERY * self.rng.uniform(0.5, 1.5)):
            started = time.time()
            outcome = self.click()
            self.clicks.append({"reader": self.number, "at": started, "s": time.time() - started, "outcome": outcome})

    def send(self, event: dict[str, Any], data: list[Any]) -> list[Any]:
        """Sends an event of the page; returns what it answers."""
        body = {"data": data, "fn_index": event["id"], "session_hash": f"reader{self.number}"}
        request = urllib.request.Request(
            f"{self.address}/gradio_api/run/predict",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=LONGEST) as answer:
            return json.loads(answer.read())["data"]

    def click(self) -> str:
        """Asks for pictures with another seed; returns `pictures`, `message` or what was lost."""
        data = list(self.values)
        data[self.names.index("create-seed")] = self.rng.randrange(10**6)
        try:
            message, grid, *_ = self.send(self.event, data)
        except (OSError, ValueError, KeyError) as error:
            return f"lost: {type(error).__name__}: {error}"
        if isinstance(grid, str) and "<img" in grid:
            return "pictures"
        return "message" if message else "lost: an empty answer"


def train(folder: Path, recipe: str, seconds: float) -> subprocess.Popen[bytes]:
    """Starts a run that trains for the given seconds on one thread; returns its process once it has rows."""
    words = ["train", recipe, "--threads", "1", "--duration", f"{seconds:.0f} s", "--sample-every", "20 s"]
    rest = ["--checkpoint-every", "60 s", "--evaluate-every", "none", "--quiet", "--out", str(folder)]
    process = subprocess.Popen([sys.executable, "-m", "pocketgan", *words, *rest])
    while not (folder / "stats.jsonl").is_file() and process.poll() is None:
        time.sleep(0.2)
    return process


def workers(server: psutil.Process) -> list[psutil.Process]:
    """Returns the processes that draw for the page."""
    found = []
    for child in server.children():
        with suppress(psutil.Error):
            if "pocketgan.web.answers" in child.cmdline():
                found.append(child)
    return found


def load(address: str, server: psutil.Process, names: list[str], arguments: argparse.Namespace) -> dict[str, Any]:
    """Reads, clicks and kills for the asked seconds; returns what was counted."""
    ended = threading.Event()
    readers = [Reader(address, "first", number, ended) for number in range(arguments.readers)]
    watchers = [
        threading.Thread(target=watch, args=(address, names[number % len(names)], ended), daemon=True)
        for number in range(arguments.readers)
    ]
    if (outcome := readers[0].click()).startswith("lost"):
        sys.exit(f"the first click failed, before the load: {outcome}")
    for thread in (*readers, *watchers):
        thread.start()
    memory: list[tuple[float, float]] = []
    kills, started = 0, time.monotonic()
    while (elapsed := time.monotonic() - started) < arguments.seconds:
        if elapsed >= len(memory) * MEMORY_EVERY:
            memory.append((elapsed, server.memory_info().rss / 1e6))
        if elapsed >= (kills + 1) * KILL_EVERY:
            kills += 1
            for worker in workers(server):
                with suppress(psutil.Error):
                    worker.send_signal(signal.SIGKILL)
        time.sleep(0.5)
    still = sum(thread.is_alive() for thread in watchers)
    ended.set()
    for thread in (*readers, *watchers):
        thread.join(2 * LONGEST)
    clicks = [click for reader in readers for click in reader.clicks]
    return {"memory": memory, "kills": kills, "clicks": clicks, "watchers": still}


def main() -> int:
    """Runs the hour and prints what was counted; returns 1 if a click was lost or a reader stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--readers", type=int, default=10)
    parser.add_argument("--port", type=int, default=7991)
    arguments = parser.parse_args()
    folder = arguments.out / "served"
    folder.mkdir(parents=True)
    first = [
        sys.executable,
        "-m",
        "pocketgan",
        "train",
        "minimal",
        "--duration",
        "200 steps",
        "--evaluate-every",
        "none",
    ]
    subprocess.run([*first, "--quiet", "--threads", "1", "--out", str(folder / "first")], check=True)
    trainings = [train(folder / recipe, recipe, arguments.seconds + 600) for recipe in RECIPES]
    try:
        with page(folder, arguments.port) as (address, server):
            counted = load(address, server, list(RECIPES), arguments)
    finally:
        trained = [training.poll() is None for training in trainings]
        for training in trainings:
            training.send_signal(signal.SIGINT)
            training.wait()
    memory, clicks = counted["memory"], counted["clicks"]
    lines = [f"{seconds:.0f},{megabytes:.1f}" for seconds, megabytes in memory]
    (arguments.out / "memory.csv").write_text("\n".join(["seconds,megabytes", *lines]) + "\n")
    (arguments.out / "clicks.jsonl").write_text("".join(json.dumps(click) + "\n" for click in clicks))
    outcomes = Counter(click["outcome"].split(":")[0] for click in clicks)
    begin = statistics.median(size for seconds, size in memory if seconds <= 60)
    end = statistics.median(size for seconds, size in memory if seconds >= arguments.seconds - 60)
    lost = outcomes["lost"]
    print(f"{arguments.seconds / 60:.0f} min, {arguments.readers} readers, {counted['kills']} kills of the worker")
    print(f"clicks: {len(clicks):,}, pictures {outcomes['pictures']:,}, messages {outcomes['message']}, lost {lost}")
    if clicks:
        print(f"median answer {statistics.median(click['s'] for click in clicks):.2f} s")
    print(f"memory: first minute {begin:.0f} MB, last minute {end:.0f} MB ({end / begin - 1:+.1%})")
    print(f"trainings that still trained: {sum(trained)} of {len(trained)}; readers: {counted['watchers']}")
    return int(bool(lost) or not all(trained) or counted["watchers"] < arguments.readers)


if __name__ == "__main__":
    sys.exit(main())
