"""The run folder: the only interface between training and everything after it. No PyTorch here.

Its files are described in `docs/reference/run-folder.md`.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from pocketgan.base.errors import ConfigError, PocketganError, RunBusy, RunError
from pocketgan.base.files import write_json
from pocketgan.config import history
from pocketgan.config.data_section import DataConfig
from pocketgan.config.fields import validated
from pocketgan.config.plan import Plan
from pocketgan.config.sections import RunConfig
from pocketgan.runs.model import EXPORT_KEY, LabelChoice, Weights, label_index, located, why_no_run
from pocketgan.runs.records import (
    BEST,
    CLOCKS,
    DataFacts,
    Environment,
    SampleFile,
    State,
    Status,
    after_last_rollback,
    append_row,
    checkpoint_files,
    first_problem,
    is_decision,
    lives,
    read_counters,
    read_object,
    read_rows,
    read_sample,
)

if TYPE_CHECKING:
    import pandas
    from torch import nn

    from pocketgan.images.grids import Images
    from pocketgan.training.steps import Tick

FOLDERS = ("samples", "figures", "checkpoints")


class Run:
    """A run folder.

    Attributes:
        folder: the path of the folder.
        config: the configuration.
        facts: metadata of the data.
        plan: the durations in steps.
        environment: versions, machine, threads and device at the start of the run.
    """

    def __init__(self, folder: Path, config: RunConfig, facts: DataFacts, plan: Plan, environment: Environment) -> None:
        self.folder = folder
        self.config = config
        self.facts = facts
        self.plan = plan
        self.environment = environment

    @classmethod
    def create(cls, folder: Path, config: RunConfig, facts: DataFacts, plan: Plan, environment: Environment) -> "Run":
        """Creates a new run in `folder`, which must be empty or not exist yet (see `claim_folder`)."""
        run = cls(folder, config, facts, plan, environment)
        run.make_folders()
        run.write_environment()
        run.write_status("running", step=0, nimg=0, seconds=0.0)
        run.write_config()
        return run

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Opens the run in `folder`.

        Raises:
            RunError: there is no run, or one of its files can't be read; the message names the file.
        """
        folder = located(folder)
        if not (folder / "config.json").is_file():
            raise RunError(why_no_run(folder), field="run")
        values = read_object(folder / "config.json")
        if EXPORT_KEY in values:
            raise RunError("model for run", field="run", folder=folder)
        result = values.pop("format", None)
        number = history.known_format(result)
        if number is None:
            parts = {"path": folder / "config.json", "found": repr(result), "format": history.FORMAT}
            raise RunError("unknown format", field="run", **parts)
        try:
            config = validated(history.upgrade(values, number))
        except ConfigError as error:
            raise RunError("in file", field="run", path=folder / "config.json", why=error) from None
        values = read_object(folder / "environment.json")
        try:
            facts = DataFacts.model_validate(values.pop("data", None))
            plan = Plan.model_validate(values.pop("plan", None))
            environment = Environment.model_validate(values)
        except ValidationError as error:
            path, why = folder / "environment.json", first_problem(error)
            raise RunError("damaged", field="run", path=path, why=why) from None
        return cls(folder, config, facts, plan, environment)

    def __repr__(self) -> str:
        status = self.status()
        of = "" if self.planned_steps is None else f" of {self.planned_steps}"
        return f"Run('{self.folder}', {self.config.recipe}, {status.state}, step {status.step}{of})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self.folder.resolve() == other.folder.resolve()

    def __hash__(self) -> int:
        return hash(self.folder.resolve())

    def _repr_png_(self) -> bytes | None:
        samples = self.samples()
        return samples[-1].path.read_bytes() if samples else None

    # Writing.

    def write_environment(self) -> None:
        """Writes `environment.json`: the environment, the metadata of the data, and the plan."""
        content = {
            **self.environment.model_dump(),
            "data": self.facts.model_dump(),
            "plan": self.plan.model_dump(),
        }
        write_json(self.folder / "environment.json", content)

    def replan(self, config: RunConfig, plan: Plan) -> None:
        """Gives the run a new duration, or another plan for the same duration."""
        self.config, self.plan = config, plan
        self.write_environment()
        self.write_config()

    def write_config(self) -> None:
        """Writes `config.json`."""
        write_json(self.folder / "config.json", {"format": history.FORMAT, **self.config.stored()})

    def write_status(
        self, state: State, *, step: int, nimg: int, seconds: float, message: str | PocketganError = ""
    ) -> None:
        """Writes `status.json` with the state and the progress of the run, and the reason of a failure."""
        counts = {"step": step, "steps": self.plan.steps, "nimg": nimg, "seconds": round(seconds, 3)}
        status = Status.here(state, message, **counts)
        content = status.model_dump(mode="json", exclude=None if status.reason else {"reason"})
        write_json(self.folder / "status.json", content, durable=state != "running")

    def make_folders(self) -> None:
        """Creates missing subfolders of the run, and removes files that a killed process left half-written."""
        for name in FOLDERS:
            (self.folder / name).mkdir(exist_ok=True)
            for half in (self.folder / name).glob(".*.safetensors.*"):
                half.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Prevents every other process from training this run; the lock ends with the process, even if it is killed.

        Raises:
            RunBusy: another process is training the run.
            RunError: the folder isn't writable.
        """
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RunBusy("run busy", field="run", folder=self.folder) from None
        except OSError as error:
            raise RunError("run not writable", field="run", folder=self.folder, why=error.strerror) from None
        try:
            yield
        finally:
            lock.release()

    def log(self, tick: "Tick") -> None:
        """Appends a row to `stats.jsonl`.

        Raises:
            StorageError: the file can't be written.
        """
        row = {
            "step": tick.step,
            "nimg": tick.nimg,
            "epoch": round(tick.epoch, 6),
            "seconds": round(tick.seconds, 3),
            **{name: float(f"{value:.6g}") for name, value in tick.measures.items()},
            "images_per_second": round(tick.images_per_second, 1),
        }
        append_row(self.folder / "stats.jsonl", row)

    def log_metrics(self, row: dict[str, Any]) -> None:
        """Appends an evaluation to `metrics.jsonl`.

        Raises:
            StorageError: the file can't be written.
        """
        append_row(self.folder / "metrics.jsonl", row)

    def log_event(self, step: int, event: str, **details: Any) -> None:
        """Appends an event at `step` to `events.jsonl`.

        Raises:
            StorageError: the file can't be written.
        """
        append_row(self.folder / "events.jsonl", {"step": step, "event": event, **details})

    def rollbacks(self) -> list[dict[str, Any]]:
        """Returns the rollback events, oldest first."""
        return [event for event in self.events() if event["event"] == "rollback"]

    def decisions(self) -> list[dict[str, Any]]:
        """Returns the events since the last rollback that changed the exact results of training, oldest first."""
        events = self.events()
        return [event for event in events[after_last_rollback(events) :] if is_decision(event)]

    def threads_at(self, step: int) -> int:
        """Returns the number of CPU threads that the run used after `step`."""
        count = self.environment.threads
        for event in self.events():
            if event.get("event") == "rollback":
                count = event.get("threads", count)
            elif event.get("event") == "threads" and is_decision(event) and event["step"] <= step:
                count = event["to"]
        return count

    def furthest_step(self) -> int:
        """Returns the last step that is known to have been trained, whether it was saved or not."""
        rows = (self.stats()[-1:], self.metrics()[-1:], self.decisions()[-1:])
        return max((int(row["step"]) for last in rows for row in last), default=0)

    # Reading.

    def status(self) -> Status:
        """Returns `status.json`, with the state `killed` if it says `running` but its process has ended.

        Raises:
            RunError: the file is missing or damaged.
        """
        path = self.folder / "status.json"
        try:
            status = Status.model_validate(read_object(path))
        except ValidationError as error:
            raise RunError("damaged", field="run", path=path, why=first_problem(error)) from None
        if status.state == "running" and not lives(status):
            return status.model_copy(update={"state": "killed"})
        return status

    def is_finished(self, step: int) -> bool:
        """Returns whether training finished at a step according to the status; False if the status is damaged."""
        with suppress(RunError):
            status = self.status()
            return status.state == "finished" and status.step == step
        return False

    def stats(self) -> list[dict[str, float]]:
        """Returns the rows of `stats.jsonl`, without unreadable lines, such as a half-written last one.

        Each row has the columns `records.CLOCKS`, and of `records.MEASURES` those that the run knows.
        """
        return read_rows(self.folder / "stats.jsonl", needed=CLOCKS)

    def metrics(self) -> list[dict[str, Any]]:
        """Returns the evaluations of `metrics.jsonl`, oldest first, without unreadable lines."""
        return read_rows(self.folder / "metrics.jsonl", needed=("step", "frechet_distance"))

    def events(self) -> list[dict[str, Any]]:
        """Returns the rows of `events.jsonl`, oldest first: diagnoses, recoveries, rollbacks, stops."""
        return read_rows(self.folder / "events.jsonl", needed=("step",))

    def best(self) -> dict[str, float] | None:
        """Returns the counters of the best checkpoint, with its `frechet_distance`; None if there is none.

        Of a recorded run, it is the best evaluation, whether weights were saved or not.
        """
        if self.config.kind == "recorded":
            return min(self.metrics(), key=lambda row: row["frechet_distance"], default=None)
        counters = read_counters(self.folder / "checkpoints" / BEST)
        return counters if counters and "frechet_distance" in counters else None

    def checkpoints(self) -> list[Path]:
        """Returns the checkpoint files, oldest first."""
        return checkpoint_files(self.folder)

    def samples(self) -> list[SampleFile]:
        """Returns the sample pictures, oldest first."""
        paths = (self.folder / "samples").glob("*.png")
        result = [sample for path in paths if (sample := read_sample(path, self._step_at)) is not None]
        return sorted(result, key=lambda sample: (sample.step, sample.path.name))

    def _step_at(self, epoch: int) -> int:
        """Returns the step at the end of an epoch."""
        return min(self.plan.steps, math.ceil(epoch * self.facts.images / self.config.train.batch_size))

    @property
    def planned_steps(self) -> int | None:
        """The length of the whole run in steps; None if it isn't known, as of many recorded runs."""
        return None if self.plan.open_ended else self.plan.steps

    @property
    def data(self) -> DataConfig:
        """Settings for reading the run's images again."""
        return self.config.data

    def weights(self, checkpoint: str | int = "auto") -> Weights:
        """Reads the generator's weights from a checkpoint; see `weights.read_weights`."""
        from pocketgan.runs.weights import read_weights

        return read_weights(self.folder, self.config, checkpoint)

    def onnx(self) -> bytes | None:
        """Returns None: a run has no ONNX file."""
        return None

    def label_index(self, label: str | int) -> int:
        """Returns the index of the class called `label`; see `model.label_index`."""
        return label_index(self, label)

    def generate(
        self,
        count: int | None = None,
        *,
        seed: int = 0,
        label: LabelChoice = None,
        checkpoint: str | int = "auto",
        latents: Any = None,
        truncation: float | None = None,
    ) -> "Images":
        """Generates images with the run's generator (the EMA generator, if there is one).

        Args:
            count: the number of images; by default 64, or as many as there are latents or labels.
            seed: the seed of the latents; the same seed gives the same images.
            label: the name of the class of all images, a list with a name for each, or a mixture such as
                `{"3": 0.7, "8": 0.3}`; with numbers or several labels, values by name. None cycles through all classes,
                or takes the numbers of training images.
            checkpoint: `best`, `last` or a step; `auto` for the best checkpoint, or the last if there is no best.
            latents: numbers, shape (N, latent_dim), instead of those of the seed: a NumPy array or a PyTorch tensor.
                `Images.latents` has those that were used.
            truncation: draws latents from a normal distribution that is cut off at ± this number, above 0. Smaller
                numbers give less variety and often better images.

        Raises:
            RunError: there is no such checkpoint or class, the latents have another shape, or the generator reads
                images.
        """
        from pocketgan.runs.sampling import draw

        options = {"label": label, "checkpoint": checkpoint, "latents": latents, "truncation": truncation}
        return draw(self, count, seed=seed, **options)

    def generator(self, checkpoint: str | int = "auto") -> "nn.Module":
        """Returns the generator (the EMA generator, if there is one), on the CPU, in evaluation mode.

        It is called as its author wrote it; the package's as `(z, labels)`, or `(images, labels)` if it translates
        images: z float32 (N, latent_dim), labels int64 (N,), float32 (N, K) for numbers, or None. It returns images
        (N, C, H, W) in the range of `config.data.pixel_range`.

        Raises:
            UserError: there is no such checkpoint, or the code of one's own generator isn't there.
        """
        from pocketgan.networks import plain
        from pocketgan.runs.weights import load_generator

        return plain(load_generator(self, checkpoint).requires_grad_(False))

    def discriminator(self, checkpoint: str | int = "auto") -> "nn.Module":
        """Returns the discriminator on the CPU, in evaluation mode: `(images, labels)` → logits (N,).

        Raises:
            UserError: there is no such checkpoint, or the code of one's own discriminator isn't there.
        """
        from pocketgan.networks import plain
        from pocketgan.runs.weights import load_discriminator

        network = load_discriminator(self.folder, self.config, self.facts, checkpoint)
        return plain(network.requires_grad_(False))

    def frame(self) -> "pandas.DataFrame":
        """Returns losses, accuracies and evaluations as one pandas DataFrame, joined on the step.

        Raises:
            RunError: pandas isn't installed.
        """
        from pocketgan.runs.frames import frame_of

        return frame_of([*self.metrics(), *self.stats()])
