"""The files of a run folder, as records that are validated when read; see `docs/reference/run-folder.md`."""

import json
import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open

from pocketgan.base.errors import PocketganError, RunError, StorageError
from pocketgan.base.files import parse_json, write_atomically
from pocketgan.base.messages import message_fields

BEST = "best.safetensors"
CLOCKS = ("step", "nimg", "epoch", "seconds")
"""Columns that every row of `stats.jsonl` and `metrics.jsonl` has."""
MEASURES = ("d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy", "images_per_second")
"""Further columns of `stats.jsonl`; a recorded run may lack some of them, and may have others."""
LARGEST_HEADER = 10_000_000
"""Maximum number of bytes of JSON that are read."""
FOREIGN_SECONDS = 600.0
"""A run on another host counts as running if its status is not older than this, in seconds."""
State = Literal["running", "finished", "interrupted", "failed", "killed"]


class DataFacts(BaseModel):
    """Properties of the data that the networks need, so that a run can be used without the data.

    Attributes:
        source: `mnist` or a path.
        images: the number of training images.
        channels, size: the shape of an image, (channels, size, size).
        class_names: the classes, in the order of their labels; empty without labels.
        class_counts: the number of images in each class; empty without labels, or if the run doesn't record it.
        digest: the SHA-256 of images and labels.
        prepared: what was done to the images as they were read, and what was passed over: keys of `PROBLEMS` and their
            parts.
        spread: the mean squared distance between two images, with pixels from −1 to 1; 0 in runs of older versions.
        condition_names: the names of the numbers that networks are told of each image; empty if they are told a class.
        condition_means, condition_scales: what was subtracted from each number and what it was divided by.
        condition_rows: the numbers of some training images, as networks are told them, for samples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    images: int = Field(ge=1)
    channels: int = Field(ge=1, le=3)
    size: int = Field(ge=1, le=2048)
    class_names: tuple[str, ...]
    class_counts: tuple[Annotated[int, Field(ge=0, lt=2**53)], ...] = ()
    digest: str
    prepared: tuple[dict[str, Any], ...] = ()
    spread: float = Field(default=0.0, ge=0)
    condition_names: tuple[str, ...] = ()
    condition_means: tuple[float, ...] = ()
    condition_scales: tuple[float, ...] = ()
    condition_rows: tuple[tuple[float, ...], ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "DataFacts":
        if self.class_counts and (len(self.class_counts) != len(self.class_names) or not any(self.class_counts)):
            raise ValueError("class_counts: one for each class, and not all 0")
        return self


class Status(BaseModel):
    """The progress of a run: `status.json`.

    Attributes:
        state: `running`, `finished`, `interrupted` or `failed`; or `killed`, if the file says `running` but the process
            has ended.
        step, steps: steps completed, and steps of the whole run.
        nimg, seconds: real images shown, and seconds of training alone.
        pid, host: the process that trains or trained the run.
        updated: the time of this status, in UTC.
        message: the reason of a failure or of an early stop, in English.
        reason: the same as a key of `PROBLEMS` and its parts; empty in files of older versions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    step: int = Field(ge=0)
    steps: int = Field(ge=1)
    nimg: int = Field(ge=0)
    seconds: float = Field(ge=0)
    pid: int
    host: str
    updated: AwareDatetime
    message: str = ""
    reason: dict[str, Any] = Field(default={})

    @classmethod
    def here(cls, state: State, message: str | PocketganError = "", **counts: float) -> "Status":
        """Returns the present status of a run in this process, with the counts `step`, `steps`, `nimg`, `seconds`."""
        process = {"pid": os.getpid(), "host": socket.gethostname()}
        now = datetime.now(UTC).replace(microsecond=0)
        return cls.model_validate({"state": state, **counts, **process, "updated": now, **message_fields(message)})


class Environment(BaseModel):
    """The environment in which a run began: `environment.json`, without the data's facts and the plan.

    Attributes:
        pocketgan, python, torch, numpy: versions.
        platform, processor: the machine.
        device: `cpu`, `cuda` or `mps`; empty for a recorded run whose generator isn't known.
        threads: the number of CPU threads.
        command: the command line, if the run was started from one.
        code: the SHA-256 of the source files of one's own parts, by name; their text is in the folder `code`.
        feeds_itself: whether the loop of a recorded run reads its own images, perhaps also the validation images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pocketgan: str
    python: str
    torch: str
    numpy: str
    platform: str
    processor: str
    device: str
    threads: int = Field(ge=1, le=1024)
    command: str
    code: dict[str, str] = Field(default={})
    feeds_itself: bool = False


def after_last_rollback(events: list[dict[str, Any]]) -> int:
    """Returns the index of the first event after the last rollback."""
    return max((place + 1 for place, row in enumerate(events) if row.get("event") == "rollback"), default=0)


def is_decision(event: dict[str, Any]) -> bool:
    """Returns whether an event changed the exact results of training from its step on, and describes the change."""
    if event.get("event") == "threads":
        return isinstance(event.get("to"), int) and 1 <= event["to"] <= 1024
    return event.get("event") == "replan" and all(isinstance(event.get(name), dict) for name in ("plan", "previous"))


def checkpoint_files(folder: Path) -> list[Path]:
    """Returns the checkpoint files in a run's folder, oldest first."""
    paths = (folder / "checkpoints").glob("step-*.safetensors")
    return sorted(path for path in paths if re.fullmatch(r"step-\d{9,}", path.stem))


def step_of(path: Path) -> int:
    """Returns the step in a checkpoint's name."""
    return int(path.stem.removeprefix("step-"))


@dataclass(frozen=True)
class SampleFile:
    """A sample picture of a run.

    Attributes:
        path: the PNG file; the JSON file beside it holds its step and time, and the discriminator's scores.
        step: the training step after which it was generated.
        seconds: seconds of training until then; None if unknown.
    """

    path: Path
    step: int
    seconds: float | None


def first_problem(error: ValidationError) -> str:
    """Returns the first problem of a pydantic error: its place and its description."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "its top"
    return f"{place}: {first['msg'].lower()}"


def lives(status: Status) -> bool:
    """Returns whether the process of a status is alive; on another host, whether the status is recent."""
    if status.host != socket.gethostname():
        return (datetime.now(UTC) - status.updated).total_seconds() < FOREIGN_SECONDS
    import psutil

    try:
        return psutil.Process(status.pid).create_time() <= status.updated.timestamp() + 1
    except (psutil.Error, ValueError):
        return False


def read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        RunError: the file is missing, not a JSON object, or larger than any file of Pocketgan.
    """
    try:
        with path.open("rb") as file:
            value = parse_json(file.read(LARGEST_HEADER))
    except OSError as error:
        raise RunError("unreadable", field="run", path=path, why=error.strerror) from None
    except ValueError:
        raise RunError("no json", field="run", path=path) from None
    if not isinstance(value, dict):
        raise RunError("no json object", field="run", path=path)
    return value


def read_rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    """Reads the rows of a JSON-lines file, without lines that are invalid or lack a required number."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = parse_json(line)
        except ValueError:
            continue
        if isinstance(row, dict) and all(isinstance(row.get(name), int | float) for name in needed):
            rows.append(row)
    return rows


@lru_cache(maxsize=20_000)
def read_clocks(path: Path, changed: int) -> tuple[int, float] | None:
    """Reads the step and the seconds in the JSON file beside a sample picture; None if they are missing.

    Args:
        path: the file.
        changed: the modification time, so that the cache rereads a file only after a change.
    """
    try:
        values = parse_json(path.read_bytes()[:LARGEST_HEADER])
        step, seconds = values["step"], values["seconds"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    numbers = isinstance(step, int) and isinstance(seconds, int | float) and step >= 0 and seconds >= 0
    return (step, float(seconds)) if numbers else None


def read_sample(path: Path, step_at: Callable[[int], int]) -> SampleFile | None:
    """Returns a sample picture with its step and time, from the file beside it or, if that is missing, from its name.

    Args:
        path: the picture.
        step_at: returns the step at the end of an epoch.
    """
    clocks = None
    with suppress(OSError):
        beside = path.with_suffix(".json")
        clocks = read_clocks(beside, beside.stat().st_mtime_ns)
    if clocks is not None:
        return SampleFile(path, *clocks)
    match = re.search(r"_(epoch|step)_(\d+)$", path.stem)
    if match is None:
        return None
    return SampleFile(path, step_at(int(match[2])) if match[1] == "epoch" else int(match[2]), None)


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Appends a row to a JSON-lines file.

    Raises:
        StorageError: the file can't be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    except OSError as error:
        raise StorageError("disk refused", path=path, why=error.strerror) from None


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Replaces the content of a JSON-lines file."""
    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def read_counters(path: Path) -> dict[str, float] | None:
    """Reads the counters in a checkpoint's header; None if the file is missing or its header can't be read."""
    try:
        with safe_open(path, "numpy") as file:
            return parse_json(file.metadata()["counters"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
