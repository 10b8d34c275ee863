"""Does what was saved stay whole? Processes are killed, files damaged, disks full: `make bench-reliability`.

- `kills`: trainings of every recipe and of one's own data are killed (SIGKILL) at random moments and go on. The run
  must end with the rows and the weights of one that was never killed, bit for bit.
- `inputs`: files of every kind are damaged (flipped, cut, swapped, foreign, hostile) and read. Each is read, or refused
  in one line; nothing is overwritten.
- `disk`: the disk is full at each write of a training in turn. The run stops in one line, and goes on to the same bits.

Every case has a number, which is its seed: `--only kills --first 17 --count 1` repeats one. What was done is in
`cases.jsonl` in the folder `--out`, and the same command goes on with what is left.
"""

import argparse
import contextlib
import errno
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

import pocketgan
from pocketgan.base.errors import PocketganError
from pocketgan.cli.main import main as run_command
from pocketgan.config.data_section import DataConfig
from pocketgan.config.recipes import RECIPES
from pocketgan.images.sets import load_images
from pocketgan.runs.records import read_rows
from pocketgan.runs.run import Run
from pocketgan.training.checkpoints import read_checkpoint

STEPS = 40
SETTINGS = {
    "duration": f"{STEPS} steps",
    "batch_size": 8,
    "width": 0.125,
    "log_every": "4 steps",
    "checkpoint_every": "6 steps",
    "sample_every": "10 steps",
    "sample_count": 4,
    "evaluate_every": "12 steps",
    "evaluate_count": 200,
    "features": "random",
    "validation": 200,
    "threads": 1,
    "precision": "float32",
    "device": "cpu",
}
CLOCKS = ("seconds", "images_per_second")
COUNTS = {"kills": 200, "inputs": 10_000, "disk": 1000}
DAMAGES = ("flipped", "cut", "swapped", "foreign", "hostile")


class Case(Exception):
    """What went wrong in a case."""


def expect(condition: bool, what: str) -> None:
    """Ends the case where something isn't as it must be."""
    if not condition:
        raise Case(what)


def in_child(action: Callable[[], int], kill_after: float | None = None) -> tuple[int, str, float]:
    """Runs an action in a fork of this process, and perhaps kills it.

    Returns:
        Its exit code (negative for a signal), what it wrote on standard error, and its seconds.
    """
    read, write = os.pipe()
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.close(read)
            os.dup2(write, 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            code = action()
            sys.stderr.flush()
        except BaseException as error:
            os.write(2, f"Traceback: {type(error).__name__}: {error}".encode())
        finally:
            os._exit(code)
    os.close(write)
    if kill_after is not None:
        time.sleep(max(0.0, kill_after - (time.perf_counter() - started)))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    with os.fdopen(read, encoding="utf-8", errors="replace") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), text, time.perf_counter() - started


def outcome(folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """Returns what a run ended with: a digest of its last checkpoint's tensors, and its rows without the clocks."""
    run = Run.open(folder)
    tensors = read_checkpoint(run.checkpoints()[-1]).tensors
    digest = hashlib.sha256(b"".join(tensor.numpy().tobytes() for _, tensor in sorted(tensors.items()))).hexdigest()
    rows = [*run.stats(), *run.metrics()]
    return digest, [{name: value for name, value in row.items() if name not in CLOCKS} for row in rows]


def words_for(kind: str, out: Path, data: Path) -> list[str]:
    """Returns the command that trains a recipe, or the default one on one's own data."""
    recipe = "pocket" if kind == "own data" else kind
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
    own = [f"--data={data}"] if kind == "own data" else []
    return ["train", recipe, *flags, *own, f"--out={out}", "--quiet"]


class Kills:
    """Trainings that are killed and go on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kinds = folder, [*RECIPES, "own data"]
        self.whole: dict[str, tuple[Any, float]] = {}
        self.data = own_images(folder / "own.npz")

    def reference(self, kind: str) -> tuple[Any, float]:
        """Returns what a run that nobody kills ends with, and its seconds."""
        if kind not in self.whole:
            out = self.folder / f"whole-{kind.replace(' ', '-')}"
            shutil.rmtree(out, ignore_errors=True)
            code, text, seconds = in_child(lambda: run_command(words_for(kind, out, self.data)))
            expect(code == 0, f"{kind}: {text}")
            self.whole[kind] = outcome(out), seconds
        return self.whole[kind]

    def run(self, number: int) -> str:
        """Kills a run up to three times and compares it; returns what was done."""
        rng = random.Random(number)
        kind = self.kinds[number % len(self.kinds)]
        expected, seconds = self.reference(kind)
        out = self.folder / "killed"
        shutil.rmtree(out, ignore_errors=True)
        words, moments = words_for(kind, out, self.data), []
        for _ in range(rng.randint(1, 3)):
            moments.append(rng.uniform(0.02, 1.05) * seconds)
            words = words if not (out / "config.json").is_file() else ["resume", str(out), "--quiet"]
            if not (out / "config.json").is_file():
                shutil.rmtree(out, ignore_errors=True)
            in_child(lambda words=words: run_command(words), kill_after=moments[-1])
        words = ["resume", str(out), "--quiet"] if (out / "config.json").is_file() else words_for(kind, out, self.data)
        if words[0] == "train":
            shutil.rmtree(out, ignore_errors=True)
        code, text, _ = in_child(lambda: run_command(words))
        expect(code == 0, f"{kind}: {text}")
        expect(outcome(out) == expected, f"{kind}: other rows or weights than of a run that was never killed")
        return f"{kind}, killed after {', '.join(f'{moment:.2f}' for moment in moments)} s"


def own_images(path: Path) -> Path:
    """Writes 1,300 small images with three classes."""
    rng = np.random.default_rng(0)
    np.savez(path, images=rng.integers(0, 256, (1300, 28, 28), dtype=np.uint8), labels=np.arange(1300) % 3)
    return path


class Inputs:
    """Files that are damaged and read."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "whole"
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.place = folder / "damaged"
        make_inputs(self.home)
        self.files = sorted(path for path in self.home.rglob("*") if path.is_file())

    def run(self, number: int) -> str:
        """Damages one file in one way and reads what it belongs to; returns what was done."""
        rng = random.Random(number)
        victim = rng.choice(self.files)
        damage = DAMAGES[number % len(DAMAGES)]
        kind = victim.relative_to(self.home).parts[0]
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.home / kind, self.place / kind)
        target = self.place / victim.relative_to(self.home)
        target.write_bytes(damaged(victim.read_bytes(), damage, rng, self.files))
        before = contents(self.place)
        what = f"{victim.relative_to(self.home)}, {damage}"
        for action in ACTIONS[kind]:
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    action(self.place / kind)
            except PocketganError as error:
                lines = len(str(error).splitlines())
                expect(lines == 1, f"{what}: {lines} lines: {error}")
            except BaseException as error:
                raise Case(f"{what}: {type(error).__name__}: {error}") from None
        expect(contents(self.place) == before, f"{what}: a file was changed")
        return what


def make_inputs(home: Path) -> None:
    """Writes one of each kind of what can be read."""
    (home / "idx").mkdir()
    (home / "npz").mkdir()
    (home / "pictures" / "a").mkdir(parents=True)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 8, 8), dtype=np.uint8)
    (home / "idx" / "train-images-idx3-ubyte").write_bytes(
        b"\0\0\x08\x03" + np.array(pixels.shape, ">i4").tobytes() + pixels.tobytes()
    )
    labels = (np.arange(40) % 4).astype(np.uint8)
    (home / "idx" / "train-labels-idx1-ubyte").write_bytes(
        b"\0\0\x08\x01" + np.array([40], ">i4").tobytes() + labels.tobytes()
    )
    np.savez(home / "npz" / "images.npz", images=pixels, labels=labels)
    for number, picture in enumerate(pixels[:6]):
        Image.fromarray(picture).save(home / "pictures" / "a" / f"{number}.{('png', 'jpg')[number % 2]}")
    np.savez(home / "own.npz", images=rng.integers(0, 256, (1300, 8, 8), dtype=np.uint8), labels=np.arange(1300) % 3)
    fields = SETTINGS | {"duration": "12 steps", "recipe": "minimal", "data": str(home / "own.npz")}
    run = pocketgan.train(fields.pop("recipe"), out=home / "run", progress=False, **fields)
    pocketgan.export(run, home / "model", format="safetensors", progress=False)
    (home / "own.npz").unlink()
    for name in ("samples", "figures", "evaluation"):
        shutil.rmtree(home / "run" / name, ignore_errors=True)
    (home / "study").mkdir()
    (home / "study" / "mine.toml").write_text(
        'name = "mine"\nrecipe = "minimal"\nseeds = 2\nduration = "8 steps"\n[factors]\nlatent_dim = [4, 8]\n'
    )


def read_run(folder: Path) -> None:
    """Reads everything of a run that commands and the page read."""
    run = Run.open(folder)
    for read in (run.status, run.stats, run.metrics, run.best, run.checkpoints, run.samples, run.decisions):
        read()
    run.generate(2)


def command(*words: str) -> Callable[[Path], None]:
    """Returns an action that runs a command in a folder, and takes its exit codes 0, 1 and 2."""

    def act(folder: Path) -> None:
        texts = io.StringIO()
        with contextlib.redirect_stderr(texts):
            code = run_command([word.format(folder=folder) for word in words])
        expect(code in (0, 1, 2), f"exit code {code}")
        expect("Traceback" not in texts.getvalue(), texts.getvalue())

    return act


ACTIONS: dict[str, list[Callable[[Path], object]]] = {
    "idx": [lambda folder: load_images(DataConfig(data=str(folder)))],
    "npz": [lambda folder: load_images(DataConfig(data=str(folder / "images.npz")))],
    "pictures": [lambda folder: load_images(DataConfig(data=str(folder)))],
    "run": [read_run, command("runs", "{folder}"), command("train", "--config", "{folder}", "--dry-run")],
    "model": [lambda folder: pocketgan.load(folder).generate(2)],
    "study": [command("study", "{folder}/mine.toml", "--out", "{folder}/mine.toml/x", "--jobs", "1")],
}


def damaged(content: bytes, damage: str, rng: random.Random, files: list[Path]) -> bytes:
    """Returns a file's content, damaged in one of the ways of `DAMAGES`."""
    data = bytearray(content)
    if damage == "flipped" and data:
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif damage == "cut":
        data = data[: rng.randrange(len(data) + 1)]
    elif damage == "swapped" and len(data) > 8:
        size = rng.randint(1, len(data) // 4)
        one, two = rng.randrange(len(data) - size), rng.randrange(len(data) - size)
        data[one : one + size], data[two : two + size] = data[two : two + size], data[one : one + size]
    elif damage == "foreign":
        data = bytearray(rng.choice(files).read_bytes() if rng.random() < 0.7 else rng.randbytes(rng.randint(0, 4000)))
    elif damage == "hostile":
        data = bytearray(rng.choice(hostile()))
    return bytes(data)


def hostile() -> list[bytes]:
    """Returns contents that mean harm: code, bombs, endless nesting, numbers too large, names that lead elsewhere."""
    archive = io.BytesIO()
    np.savez(archive, images=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("images.npy", bytes(1_000_000))
    header = json.dumps({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    return [
        b"cos\nsystem\n(S'true'\ntR.",
        archive.getvalue(),
        bomb.getvalue(),
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"format": 1e400, "step": 1e999, "recipe": "../../x"}\n',
        json.dumps({"format": 99, "recipe": "x" * 100_000, "data": {"data": "/etc/passwd"}}).encode(),
        (2**62).to_bytes(8, "little") + b"{}",
        len(header).to_bytes(8, "little") + header,
        b"\0\0\x08\x03" + b"\xff" * 12,
        "\u202e\x1b[31m".encode() * 50,
        b"",
        b"\0" * 1000,
    ]


def contents(folder: Path) -> dict[str, bytes]:
    """Returns what the files in a folder hold, by name; locks aside."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).digest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


class Disk:
    """A disk that is full at the n-th write of a training."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kills = Kills(folder)

    def run(self, number: int) -> str | None:
        """Fills the disk at one write; None where the training writes less often."""
        expected, _ = self.kills.reference("minimal")
        out = self.folder / "full"
        shutil.rmtree(out, ignore_errors=True)
        words = words_for("minimal", out, self.kills.data)
        code, text, _ = in_child(lambda: with_full_disk(number + 1, words))
        if code == 0 and "full" not in text:
            return None
        expect(code in (0, 1), f"write {number + 1}: exit code {code}: {text}")
        lines = [line for line in text.splitlines() if line and line != "full"]
        expect(len(lines) <= 1 and "Traceback" not in text, f"write {number + 1}: {text}")
        begun = (out / "config.json").is_file()
        if not begun:
            shutil.rmtree(out, ignore_errors=True)
        again = ["resume", str(out), "--quiet"] if begun else words
        code, text, _ = in_child(lambda: run_command(again))
        expect(code == 0, f"write {number + 1}: going on: {text}")
        expect(outcome(out) == expected, f"write {number + 1}: other rows or weights")
        return f"write {number + 1}"


class Full:
    """A file on a disk that is full in the middle of the first write."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def __enter__(self) -> "Full":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, content: Any) -> int:
        """Writes a half, and refuses the rest."""
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        print("full", file=sys.stderr)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def with_full_disk(fails_at: int, words: list[str]) -> int:
    """Runs a command on a disk that refuses a write, counted from 1, and takes all after it."""
    counted = Counter[str]()
    real = Path.open

    def opened(self: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        file = real(self, mode, *rest, **named)
        if set(mode) & set("wax+"):
            counted["writes"] += 1
            if counted["writes"] == fails_at:
                return Full(file)
        return file

    with patch.object(Path, "open", opened):
        return run_command(words)


KINDS: dict[str, Callable[[Path], Any]] = {"kills": Kills, "inputs": Inputs, "disk": Disk}


def main() -> int:
    """Runs the cases that are left, and prints how many there were and which failed; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # Before a fork, nothing may have started other threads.
    record = arguments.out / "cases.jsonl"
    done = read_rows(record, needed=("kind",)) if record.is_file() else []
    known = {(row["kind"], row["case"]) for row in done}
    for kind in [arguments.only] if arguments.only else KINDS:
        cases = KINDS[kind](arguments.out)
        for number in range(arguments.first, arguments.first + (arguments.count or COUNTS[kind])):
            if (kind, number) in known and arguments.count is None:
                continue
            row = {"kind": kind, "case": number, "failure": None}
            try:
                row["what"] = cases.run(number)
            except Case as error:
                row["failure"] = str(error)
                print(f"{kind} {number}: {error}", file=sys.stderr, flush=True)
            if row["failure"] is None and row["what"] is None:
                break
            done.append(row)
            with record.open("a") as file:
                file.write(json.dumps(row) + "\n")
    print("| kind | cases | failures |")
    print("| --- | ---: | ---: |")
    failures = Counter(row["kind"] for row in done if row["failure"])
    for kind, count in Counter(row["kind"] for row in done).items():
        print(f"| {kind} | {count:,} | {failures[kind]} |")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
