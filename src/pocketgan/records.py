"""The files of a run folder, as records that are checked when they are read. `docs/run-folder.md` describes them."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from pocketgan.errors import RunError

COLUMNS = ("step", "nimg", "epoch", "seconds", "d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy")
FOREIGN_SECONDS = 600.0
"""A run on another host is taken to be under way if its status is no older."""
State = Literal["running", "finished", "interrupted", "failed", "killed"]


class DataFacts(BaseModel):
    """What the networks need to know of the data, so that a run can be used without it.

    Attributes:
        source: `mnist` or a path.
        images: images trained on.
        channels, size: the shape of one, (channels, size, size).
        class_names: the classes, in the order of their labels; empty without labels.
        digest: SHA-256 of images and labels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    images: int = Field(ge=1)
    channels: int = Field(ge=1, le=3)
    size: int = Field(ge=1, le=2048)
    class_names: tuple[str, ...]
    digest: str


class Status(BaseModel):
    """How far a run is: `status.json`.

    Attributes:
        state: `running`, `finished`, `interrupted` or `failed`, or `killed`: the file says
            `running`, and nothing runs.
        step, steps: done, and of the whole run.
        nimg, seconds: real images shown, and seconds of training alone.
        pid, host: the process that trains or trained.
        updated: when this was written, UTC.
        message: why it failed.
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


class Environment(BaseModel):
    """What a run began with: `environment.json`, beside the data's facts and the plan.

    Attributes:
        pocketgan, python, torch, numpy: versions.
        platform, processor: the machine.
        device: `cpu`, `cuda` or `mps`.
        threads: CPU threads.
        command: what was typed, where it was typed.
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


def first_problem(error: ValidationError) -> str:
    """Returns the first problem of a pydantic error: where, and what."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "its top"
    return f"{place}: {first['msg'].lower()}"


def lives(status: Status) -> bool:
    """Whether the process that wrote the status still is; one on another host, if it wrote lately."""
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
        RunError: it is missing, or no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"run: {path} can't be read: {error.strerror}") from None
    except ValueError:
        raise RunError(f"run: {path} is no JSON; it may have been edited or damaged") from None
    if not isinstance(value, dict):
        raise RunError(f"run: {path} is no JSON object")
    return value


def read_rows(path: Path) -> list[dict[str, float]]:
    """Reads the rows of a `stats.jsonl`, without lines that are none."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and all(isinstance(row.get(name), int | float) for name in COLUMNS):
            rows.append(row)
    return rows
