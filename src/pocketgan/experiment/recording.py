"""A run that is recorded from a person's own training loop, whatever the framework: `pocketgan.record`.

The loop stays the person's. It reports its steps, and every so often the recorder asks a function of theirs for images,
which it measures as those of any other run.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pocketgan.base.errors import DataError, NonFiniteLoss, PocketganError, StorageError, Unhealthy, UserError
from pocketgan.base.files import write_json
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress
from pocketgan.base.scripts import Interrupted
from pocketgan.base.signals import on_first_signal
from pocketgan.config.fields import replace
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.diagnosis import Diagnosis, non_finite_loss
from pocketgan.experiment.intervals import Interval, soonest
from pocketgan.experiment.quality import Quality
from pocketgan.experiment.recorded_generator import SavedGenerator
from pocketgan.experiment.recorded_images import Drawer, plain_torch
from pocketgan.experiment.recorded_run import Moment, create_recorded, reason_of
from pocketgan.experiment.recorded_values import Values, whole
from pocketgan.experiment.recording_words import line
from pocketgan.experiment.run_words import line as run_line
from pocketgan.experiment.watchdog import Watchdog, clocks, rounded
from pocketgan.experiment.watchdog_words import DiagnosisPart
from pocketgan.images.grids import grid, sample_columns, save_picture
from pocketgan.images.sets import ImageSet
from pocketgan.runs.records import State, append_row
from pocketgan.runs.run import Run
from pocketgan.runs.sampling import draw_classes

STATUS_SECONDS = 1.0
"""Minimum time between two states in `status.json` while nothing but losses is new."""
FIRST_LOOK = 10
"""Number of images that the function is asked for after the first step, so that a mistake in it shows at once."""
BEST_SAMPLES = "best_samples.png"
"""The sample picture of the best evaluation, in `figures`."""


class Recorder:
    """Records a training loop as a run folder; `pocketgan.record` returns it, and a `with` statement starts it.

    Attributes:
        last_step: the number of steps so far.
    """

    def __init__(
        self,
        config: RunConfig,
        folder: str | Path | None,
        drawer: Drawer,
        generator: SavedGenerator | None,
        *,
        steps: int | None,
        boundary: float | None,
        progress: Progress,
        at_end: Callable[[Run], object],
    ) -> None:
        self._config, self._place, self._drawer, self._generator = config, folder, drawer, generator
        self._planned, self._progress, self._at_end = steps, progress, at_end
        self._values = Values(boundary)
        self._run: Run | None = None
        self._images: ImageSet | None = None
        self._stack = ExitStack()
        self._said: set[str] = set()
        self.last_step = self._nimg = 0
        self._seconds = self._started = self._shown = 0.0
        self._row = (0, 0, 0.0)
        self._sampled = self._evaluated = 0
        self._signalled = self._asks = False
        self._ending: tuple[State, int, PocketganError | str] | None = None
        self._closed = False

    # The loop's side.

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.run.folder

    @property
    def run(self) -> Run:
        """The run, as `pocketgan.load` opens it.

        Raises:
            UserError: the `with` statement hasn't begun.
        """
        if self._run is None:
            raise UserError("not entered", field="record")
        return self._run

    @property
    def stop(self) -> bool:
        """Whether the loop should end: patience or the watchdog says so, or a signal such as Ctrl-C."""
        self._asks = True
        return self._signalled or self._ending is not None

    def training_data(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Returns the images to train on, which the validation images are not among, and their labels.

        Returns:
            Images, uint8 [0, 255], shape (N, C, H, W); labels, int64 indices of the classes, shape (N,), or None.

        Raises:
            UserError: the `with` statement hasn't begun.
        """
        run = self.run
        assert self._images is not None
        with self.aside():
            if run.environment.feeds_itself:
                run.environment = run.environment.model_copy(update={"feeds_itself": False})
                run.write_environment()
            labels = self._images.labels
            return self._images.images.numpy().copy(), None if labels is None else labels.numpy().copy()

    def step(
        self,
        images: int,
        *,
        d_loss: Any = None,
        g_loss: Any = None,
        real_logits: Any = None,
        fake_logits: Any = None,
        **numbers: Any,
    ) -> None:
        """Reports a step of the loop. Values are only stored; they are read when a row is due.

        Args:
            images: the number of real images of this step.
            d_loss, g_loss: the losses: numbers, or arrays of any framework, of which the mean counts.
            real_logits, fake_logits: the discriminator's outputs for real and for generated images, arrays.
            **numbers: more numbers or arrays to log, by name.

        Raises:
            UserError: a value isn't a number, the function of images returns something else than it should, or the
                `with` statement hasn't begun or has ended.
            KeyboardInterrupt: a signal asked for the end, and the loop never looks at `stop`.
        """
        if self._run is None or self._closed:
            raise UserError("with has ended" if self._closed else "not entered", field="record")
        if type(images) is not int or images < 0:
            images = whole(images)
        if self._signalled and not self._asks:
            raise KeyboardInterrupt
        self.last_step += 1
        self._nimg += images
        self._values.add(d_loss, g_loss, real_logits, fake_logits, numbers)
        if self.last_step == 1:
            with self.aside():
                self._draw(FIRST_LOOK)
        steps, nimg, seconds = self._soonest
        if self.last_step >= steps or self._nimg >= nimg or time.perf_counter() - self._started >= seconds:
            place = (self.last_step, self._nimg, time.perf_counter() - self._started)
            row, sample, evaluate = (interval.reached(*place) for interval in self._intervals)
            self._soonest = soonest(self._intervals)
            if row or sample or evaluate:
                self._look(row=row, sample=sample, evaluate=evaluate)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leaves the time inside out of the training time, such as that of a measurement of the loop's own."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._started += time.perf_counter() - began

    # Start.

    def __enter__(self) -> "Recorder":
        if self._run is not None:
            raise UserError("entered twice", field="record")
        with ExitStack() as stack, plain_torch():
            self._begin(stack)
            self._stack = stack.pop_all()
        self._started = time.perf_counter()
        return self

    def _begin(self, stack: ExitStack) -> None:
        """Reads the data, and creates the run."""
        run, images = create_recorded(self._config, self._place, self._generator, self._planned)
        self._run, self._images, config = run, images, run.config
        stack.enter_context(run.locked())
        stack.enter_context(on_first_signal(self._take_signal))
        self._progress.follow(self._planned or 0, run.folder.name)
        parts = {"images": len(images), "source": run.facts.source, "folder": run.folder}
        self._progress.say(line("recording", name=config.recipe, **parts))
        texts = (config.train.log_every, config.pictures.sample_every, config.evaluation.evaluate_every)
        self._intervals = tuple(Interval.of(text, len(images)) for text in texts)
        self._soonest = soonest(self._intervals)
        self._watchdog = Watchdog(run, self._progress)
        self._prepare(run, images)

    def _prepare(self, run: Run, images: ImageSet) -> None:
        """Looks at the real images of the comparison, and chooses the classes to request."""
        config, names = run.config, run.facts.class_names
        classes = len(names) if config.network.conditional else 0
        self._labels = torch.arange(config.pictures.sample_count) % classes if classes else None
        self._columns = sample_columns(config, classes)
        self._quality: Quality | None = None
        self._requested: Tensor | None = None
        if config.evaluation.evaluate_every == "none":
            return
        try:
            self._quality = Quality(run, images, self._progress)
        except DataError as error:
            self._progress.say(run_line("not evaluated", why=error))
            return
        if classes:
            self._requested = draw_classes(images.class_counts(), self._quality.count, config.seed)

    # What is due.

    def _look(self, *, row: bool, sample: bool, evaluate: bool, last: bool = False) -> None:
        """Writes what is due after a step; the time that it takes isn't training time."""
        row = (row or evaluate) and self._row[0] < self.last_step
        measures = self._values.read() if row else {}  # This waits for the last step.
        self._seconds = time.perf_counter() - self._started
        moment = self._moment(measures)
        if row:
            self._write_row(moment)
        if sample:
            self._write_samples(moment)
        if evaluate and self._quality is not None:
            self._evaluate(moment, self._quality)
        if sample or evaluate or time.monotonic() - self._shown >= STATUS_SECONDS:
            self._mark("running")
        if not last:
            self._progress.update(moment)
        self._started = time.perf_counter() - self._seconds

    def _moment(self, measures: dict[str, float], *, last: bool = False) -> Moment:
        _, nimg, seconds = self._row
        speed = (self._nimg - nimg) / max(self._seconds - seconds, 1e-9)
        epoch = self._nimg / self.run.facts.images
        stopped = last and self._signalled
        return Moment(self.last_step, self._nimg, epoch, self._seconds, measures, speed, last, stopped)

    def _write_row(self, moment: Moment) -> None:
        """Appends a row to `stats.jsonl`, and reports losses that aren't finite."""
        numbers = {name: rounded(value) for name, value in moment.measures.items()}
        row = {**clocks(moment), **numbers, "images_per_second": round(moment.images_per_second, 1)}
        append_row(self.run.folder / "stats.jsonl", row)
        self._row = (moment.step, moment.nimg, moment.seconds)
        wrong = next((name for name in ("d_loss", "g_loss") if name in row and row[name] is None), None)
        if wrong:
            what = problem("loss is", name=wrong, value=f"{moment.measures[wrong]}")
            error = NonFiniteLoss("loss not finite", loss=what, step=moment.step)
            self._report(non_finite_loss(error, moment.step, own_loop=True))
        if self._values.are_probabilities:
            self._hint("probabilities")

    def _report(self, diagnosis: Diagnosis) -> None:
        """Reports a diagnosis, once."""
        if diagnosis.name not in self._said:
            self._said.add(diagnosis.name)
            self._watchdog.report(self.last_step, diagnosis)
            self._act_on([diagnosis])

    def _hint(self, key: str) -> None:
        """Says something that looks like a mistake, once."""
        if key not in self._said:
            self._said.add(key)
            self._progress.say(line(key))

    def _draw(self, count: int, labels: Tensor | None = None) -> Tensor:
        """Returns images of the person's function."""
        run = self.run
        if labels is None and run.config.network.conditional:
            labels = torch.arange(count, device="cpu") % len(run.facts.class_names)
        return self._drawer.draw(count, run.config.seed, labels, run.facts, self.last_step)

    def _write_samples(self, moment: Moment) -> None:
        """Writes a sample picture, and its clocks beside it."""
        path = self.run.folder / "samples" / f"{self.run.config.pictures.sample_name}_step_{moment.step:06d}.png"
        self._picture(path)
        write_json(path.with_suffix(".json"), clocks(moment), durable=False)
        self._sampled = moment.step

    def _picture(self, path: Path) -> None:
        """Writes a picture of images that are requested in the same way each time."""
        images = self._draw(self.run.config.pictures.sample_count, self._labels)
        save_picture(grid(images.numpy(), self._columns), path)

    def _evaluate(self, moment: Moment, quality: Quality) -> None:
        """Measures images, keeps what belongs to the best evaluation, and decides whether the loop should end."""
        images = self._draw(quality.count, self._requested)
        with plain_torch():
            made = quality.look(images, self._requested)
            results = quality.scores(made)
            values = quality.about() | results | quality.shares(made, results.get("modes"))
        self._evaluated = moment.step
        if self._drawer.range == "-1:1" and self._drawer.lowest >= 0:
            self._hint("half a range")

        def keep_best(measured: dict[str, float]) -> None:
            self._picture(self.run.folder / "figures" / BEST_SAMPLES)
            if self._generator is not None:
                self._generator.save(self.run, clocks(moment), measured)

        failures = self._watchdog.take(clocks(moment), values, keep_best)
        if self._generator is not None:
            self._generator.save(self.run, clocks(moment))
        self._act_on(failures)
        patience = self.run.config.evaluation.patience
        if self._ending is None and self._watchdog.out_of_patience():
            self.run.log_event(moment.step, "patience", evaluations=patience)
            self._ending = ("finished", moment.step, problem("out of patience", step=moment.step, count=patience))

    def _act_on(self, failures: list[Diagnosis]) -> None:
        """Asks the loop to end after a failure, where the person wants that."""
        if failures and self.run.config.watchdog.on_failure == "stop" and self._ending is None:
            error = Unhealthy("unhealthy", diagnosis=DiagnosisPart(failures[0], own_loop=True))
            self._ending = ("failed", self.last_step, error)

    def _mark(self, state: State, message: PocketganError | str = "") -> None:
        """Writes the run's status."""
        run = self.run
        if run.plan.open_ended:
            run.plan = run.plan.model_copy(update={"steps": max(1, self.last_step)})
        run.write_status(state, step=self.last_step, nimg=self._nimg, seconds=self._seconds, message=message)
        self._shown = time.monotonic()

    # End.

    def _take_signal(self) -> None:
        """Notes a signal; the loop ends at its next look at `stop`, or at its next step."""
        self._signalled = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        run, ended = self.run, error is None or (isinstance(error, SystemExit) and not error.code)
        self._closed = True
        with self._stack:
            try:
                self._complete(ended=ended)
            except BaseException as late:
                if ended:
                    self._mark("failed", reason_of(late))
                    raise
            self._close(ended=ended, error=error)
            if ended or isinstance(error, KeyboardInterrupt):
                self._at_end(run)
        if self._signalled and (ended or isinstance(error, KeyboardInterrupt)):
            raise Interrupted(problem("recording interrupted", folder=run.folder, step=self.last_step)) from None

    def _complete(self, *, ended: bool) -> None:
        """Writes the last row, and after a loop that ended by itself the last sample and evaluation."""
        if self.last_step == 0:
            return
        config, whole_run = self.run.config, ended and not self._signalled
        sample = whole_run and config.pictures.sample_every != "none" and self._sampled < self.last_step
        evaluate = whole_run and self._quality is not None and self._evaluated < self.last_step
        row = self._row[0] < self.last_step
        if row or sample or evaluate:
            self._look(row=row, sample=sample, evaluate=evaluate, last=True)

    def _close(self, *, ended: bool, error: BaseException | None) -> None:
        """Writes the last state of the run."""
        state, message = ("finished" if ended else "failed"), ("" if ended else reason_of(error))
        if self._signalled or isinstance(error, KeyboardInterrupt):
            state, message = "interrupted", ""
        elif ended and self._ending is not None and self._ending[1] == self.last_step:
            state, _, message = self._ending
        try:
            self._mark(state, message)
            if self.run.plan.open_ended:
                length = f"{self.run.plan.steps} steps"
                plan = self.run.plan.model_copy(update={"duration": length})
                self.run.replan(replace(self.run.config, duration=length), plan)
        except StorageError:
            if ended:  # Otherwise the loop's own error is raised.
                raise
        self._progress.update(self._moment({}, last=True))
        if message and ended:
            self._progress.say(str(message))
        if self.run.environment.feeds_itself:
            self._progress.say(line("feeds itself, mend"))
