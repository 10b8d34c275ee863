"""What each experiment tracker holds, read with its own library, and the run that tests log."""

import json
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocketgan.runs.run import Run

OLD = Path(__file__).parent / "old_runs" / "format-2"
"""Its run `pocket` was interrupted at step 20 of 40: 4 rows, 2 evaluations, 2 sample pictures."""


@dataclass
class Entry:
    """What a tracker holds of one entry."""

    scalars: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    pictures: list[int] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    group: str | None = None

    def add(self, name: str, step: int, value: float) -> None:
        self.scalars.setdefault(name, []).append((step, value))


def read_tensorboard(folder: Path, **_: Any) -> dict[str, Entry]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    entries = {}
    for path in sorted(folder.rglob("events.out.tfevents.*")):
        name = path.parent.relative_to(folder).as_posix()
        assert name not in entries, "two files of events"
        events = EventAccumulator(str(path.parent), {"images": 0, "scalars": 0})
        events.Reload()
        entry = entries[name] = Entry()
        for tag in events.Tags()["scalars"]:
            entry.scalars[tag] = [(one.step, one.value) for one in events.Scalars(tag)]
        entry.pictures = [one.step for tag in events.Tags()["images"] for one in events.Images(tag)]
        start = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        values = HParamsPluginData.FromString(start).session_start_info.hparams
        entry.settings = {key: str(getattr(one, one.WhichOneof("kind"))) for key, one in values.items()}
        assert {"settings", "state"} <= set(events.Tags()["tensors"])
    return entries


def read_wandb(folder: Path, **_: Any) -> dict[str, Entry]:
    from wandb.proto.wandb_internal_pb2 import Record

    entries = {}
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        entry, name, records = Entry(), "", list[Any]()
        for _ in range(100):  # W&B writes in a process of its own.
            records = [Record.FromString(content) for content in wandb_records(path.read_bytes())]
            if records and records[-1].WhichOneof("record_type") == "exit":
                break
            time.sleep(0.1)
        for record in records:
            if record.WhichOneof("record_type") == "run":
                name, entry.group = record.run.display_name, record.run.run_group or None
                entry.settings = public({one.key: json.loads(one.value_json) for one in record.run.config.update})
            elif record.WhichOneof("record_type") == "history":
                items = record.history.item
                row = {one.key or ".".join(one.nested_key): json.loads(one.value_json) for one in items}
                for key, value in row.items():
                    if "/" in key:
                        entry.add(key, row["step"], value)
                entry.pictures += [row["step"] for key in row if key.endswith("._type")]
        assert name not in entries, "two folders of one run"
        entries[name] = entry
    return entries


def public(settings: dict[str, Any]) -> dict[str, str]:
    """Settings as texts, without those of the tracker itself."""
    return {key: str(value) for key, value in settings.items() if not key.startswith("_")}


def wandb_records(content: bytes) -> list[bytes]:
    """The records in a file of W&B: blocks of 32 KiB after a header of 7 bytes, with records in one or more parts."""
    place, whole, records = 7, b"", []
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        if place + 7 + length > len(content):  # W&B is still writing it.
            break
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            records.append(whole)
            whole = b""
    return records


def read_trackio(project: str, **_: Any) -> dict[str, Entry]:
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    entries = {}
    for one in trackio.Api().runs(project):
        assert one.name not in entries, "two runs of one name"
        entry = entries[one.name] = Entry()
        config = one.config or {}
        entry.group, entry.settings = config["_Group"], public(config)
        for row in SQLiteStorage.get_logs(project, one.name, run_id=one.id):
            for key, value in row.items():
                if "/" in key:
                    entry.add(key, row["step"], value)
            entry.pictures += [row["step"] for value in row.values() if isinstance(value, dict)]
    return entries


def read_mlflow(folder: Path, project: str) -> dict[str, Entry]:
    from mlflow import MlflowClient

    client, entries = MlflowClient(f"sqlite:///{folder}/mlflow.db"), {}
    experiment = client.get_experiment_by_name(project)
    assert experiment is not None
    for one in client.search_runs([experiment.experiment_id]):
        assert one.info.run_name not in entries, "two runs of one name"
        entry = entries[one.info.run_name] = Entry()
        entry.group, entry.settings = one.data.tags.get("group"), one.data.params
        for key in one.data.metrics:
            entry.scalars[key] = [(each.step, each.value) for each in client.get_metric_history(one.info.run_id, key)]
        paths = [each.path for each in client.list_artifacts(one.info.run_id, "images")]
        entry.pictures = sorted(int(path.split("+")[2]) for path in paths if path.endswith("png"))
    return entries


READ: dict[str, Callable[..., dict[str, Entry]]] = {
    "tensorboard": read_tensorboard,
    "wandb": read_wandb,
    "trackio": read_trackio,
    "mlflow": read_mlflow,
}


def write_row(run: Run, step: int, d_loss: float, name: str = "stats") -> None:
    row = {"step": step, "nimg": 8 * step, "epoch": 0.1, "seconds": step / 100, "d_loss": d_loss}
    with (run.folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def set_state(run: Run, state: Any, step: int = 40) -> None:
    run.write_status(state, step=step, nimg=8 * step, seconds=step / 100)
