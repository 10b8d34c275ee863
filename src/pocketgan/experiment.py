"""One experiment: data, training, checkpoints and the run folder meet here, and nowhere else."""

import itertools
import math
import platform
import shlex
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import numpy as np
import torch

from pocketgan.checkpoints import check_config, newest_intact, restore, save_checkpoint
from pocketgan.config import PACKAGED, RunConfig, replace
from pocketgan.data import Batches, ImageSet, load_images
from pocketgan.diagnosis import non_finite_loss
from pocketgan.durations import Duration
from pocketgan.errors import DataError, NonFiniteLoss, RunError, RunFailed, StorageError, Unhealthy
from pocketgan.following import Watch
from pocketgan.loading import image_shape
from pocketgan.plan import Plan, make_plan, needs_speed
from pocketgan.problems import problem
from pocketgan.progress import Progress
from pocketgan.records import DataFacts, Environment, State
from pocketgan.runs import Run, check_free, claim_folder, step_of
from pocketgan.sampler import Sampler
from pocketgan.shell import command, train_command
from pocketgan.state import TrainState, choose_device, choose_precision, create_state
from pocketgan.training import Tick, train
from pocketgan.version import __version__

ROLLBACKS = 3
"""How often a run goes back to a healthy checkpoint, at most."""
SPEED_SHARE, SPEED_SECONDS = 0.05, 5.0
"""A speed is measured for this share of the run's length, and for so many seconds at most."""
SPEED_WINDOW, SPEED_WINDOWS, PROBE = 2, 3, 16
"""So many steps at a time are measured, so many times at least; before that, single steps of so many images."""


def run_experiment(
    config: RunConfig,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Run:
    """Trains a new run from its configuration, in `folder` or a new one under `runs/`.

    Args:
        config: what to train.
        folder: where; by default the first free `runs/<recipe>-<n>`.
        progress: shows it.
        stop: once set, the run saves and ends, as on a signal.

    Raises:
        UserError: the configuration, the data or the folder won't do; nothing was started.
        RunFailed: training had to stop; what was saved is still there.
    """
    progress = progress or Progress(quiet=True)
    device = choose_device(config.train.device)
    check_free(folder)
    if config.data.data not in PACKAGED:
        config = replace(config, data=str(Path(config.data.data).expanduser().absolute()))
    images = load_images(config.data)
    facts = find_facts(images)
    config = settled(config, facts, device)
    with threads(config.train.threads):
        create_state(config, image_shape(facts, config.network.conditional), device)  # A wrong size shows here.
        plan = plan_run(config, images, facts, device, progress)
        run = Run.create(claim_folder(folder, config.recipe), config, facts, plan, describe_environment(device))
        progress.say(f"{config.recipe}: {len(images):,} images of {facts.source}, {plan.steps:,} steps -> {run.folder}")
        with run.locked():
            return continue_run(run, images, progress, stop)


def resume_experiment(
    folder: str | Path,
    duration: str | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Run:
    """Goes on with a run from its last intact checkpoint, to its end or to a longer duration.

    Args:
        folder: the run's.
        duration: a longer one, of the whole run.
        progress: shows it.
        stop: once set, the run saves and ends, as on a signal.

    Raises:
        UserError: there is no such run, its data or configuration has changed, or it is still running.
        RunFailed: training had to stop; what was saved is still there.
    """
    progress = progress or Progress(quiet=True)
    run = Run.open(folder)
    choose_device(run.environment.device)
    with run.locked(), threads(run.environment.threads):
        try:
            images = load_images(run.config.data)
        except DataError as error:
            raise RunError(f"run: {problem('data gone', folder=run.folder, why=error)}") from None
        if find_facts(images).digest != run.facts.digest:
            raise RunError(f"run: {problem('data changed', source=run.facts.source, folder=run.folder)}")
        if duration is None and run.plan.duration != run.config.train.duration:
            duration = run.config.train.duration  # config.json was edited, or a resume was killed as it wrote.
        if duration is not None:
            config = replace(run.config, duration=duration)
            planned, wanted = (Duration.parse(text).seconds for text in (run.plan.duration, config.train.duration))
            speed = run.plan.steps_per_second if planned or not wanted else None  # A few steps were timed roughly.
            plan = plan_run(config, images, run.facts, run.environment.device, progress, speed)
            if plan.steps < run.plan.steps:
                lengths = {"steps": plan.steps, "planned": run.plan.steps}
                said = problem("too short", duration=duration, folder=run.folder, **lengths)
                raise RunError(f"duration: {said}")
            if plan.steps > run.plan.steps and config.train.schedule != "constant":
                progress.say(f"the {config.train.schedule} schedule of the rate now spans {plan.steps:,} steps")
            if (config, plan) != (run.config, run.plan):
                run.replan(config, plan)
        return continue_run(run, images, progress, stop)


def plan_run(
    config: RunConfig,
    images: ImageSet,
    facts: DataFacts,
    device: str,
    progress: Progress,
    steps_per_second: float | None = None,
) -> Plan:
    """Counts the durations in steps; measures the speed for it where one is in time and none is known."""
    if needs_speed(config) and steps_per_second is None:
        steps_per_second = measure_speed(config, images, facts, device, progress)
    plan = make_plan(config, len(images), steps_per_second)
    if steps_per_second is not None and Duration.parse(plan.duration).seconds is not None:
        progress.say(f"{plan.steps:,} steps, planned for {plan.duration} at {steps_per_second:.1f} steps/s")
    return plan


def continue_run(run: Run, images: ImageSet, progress: Progress, asked: threading.Event | None = None) -> Run:
    """Trains a run from its last checkpoint, or from the beginning, to the end of its plan."""
    config, plan, device = run.config, run.plan, run.environment.device
    state = create_state(config, image_shape(run.facts, config.network.conditional), device)
    run.make_folders()
    run.settle()
    checkpoint, damaged = newest_intact(run.checkpoints())
    if checkpoint is None and damaged:
        said = problem("begin anew", folder=run.folder, damaged="; ".join(damaged))
        raise RunError(f"run: {said}")
    for line in damaged:
        progress.say(f"{line}; going on from the one before")
    if checkpoint is not None:
        check_config(checkpoint, config)
        restore(state, checkpoint)
        if state.step >= plan.steps and run.finished() is not None:
            return run
        progress.say(f"{run.folder}: going on from step {state.step:,} of {plan.steps:,}")
    state.rate_scale = min([state.rate_scale, *(event["rate_scale"] for event in run.rollbacks())])
    run.rewind(state.step)
    done = state.step >= plan.steps
    run.write_status("finished" if done else "running", step=state.step, nimg=state.nimg, seconds=state.seconds)
    batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=config.seed, device=device)
    sampler, watch = Sampler(run, images), Watch(run, images, progress)
    try:
        with stop_on_signals(asked) as stop, show_training(run, state.step, progress):
            while (outcome := advance(run, state, batches, sampler, watch, stop)) == "roll back":
                state = roll_back(run, state, watch.healthy_step, device, progress)
                watch.named.clear()
    except RunFailed as error:
        raise failed(run, state, error) from None
    if outcome == "stopped early":
        message = f"stopped at step {state.step:,}: {config.evaluation.patience} evaluations without a new best"
        run.log_event(state.step, "patience", message=message)
        run.write_status("finished", step=state.step, nimg=state.nimg, seconds=state.seconds, message=message)
        progress.say(message)
    return run


def show_training(run: Run, step: int, progress: Progress) -> AbstractContextManager[None]:
    """Returns the context that shows a run's progress from a step on."""
    planned = run.plan.duration if Duration.parse(run.plan.duration).seconds is not None else ""
    return progress.training(run.plan.steps, step, run.folder.resolve().name, planned)


def advance(
    run: Run, state: TrainState, batches: Batches, sampler: "Sampler", watch: Watch, stop: threading.Event
) -> str:
    """Trains until the plan's end, a signal, or a word of the watchdog: `done`, `stopped early` or `roll back`.

    Raises:
        RunFailed: training had to stop.
    """
    config = run.config
    rolls_back = config.watchdog.on_failure == "rollback" and len(run.rollbacks()) < ROLLBACKS
    if watch.out_of_patience() and not any(event["event"] == "patience" for event in run.events()):
        return "stopped early"  # A killed process had got as far as that.
    try:
        for tick in train(state, batches, config, run.plan, stop):
            if tick.sample:
                sampler.write(state, tick)
            if tick.row:
                run.log(tick)
            failures = watch.evaluate(state, tick) if tick.evaluate else []
            patient = not (tick.evaluate and watch.out_of_patience())
            acts = bool(failures) and config.watchdog.on_failure != "continue" and not tick.last
            if tick.checkpoint or acts or not patient:
                save_checkpoint(run.folder / "checkpoints", state, config)
            mark(run, tick)
            watch.progress.update(tick)
            if acts and rolls_back:
                return "roll back"
            if acts and config.watchdog.on_failure == "stop":
                raise Unhealthy(str(failures[0]))
            if not (patient or tick.last):
                return "stopped early"
    except NonFiniteLoss as error:
        watch.report(state.step, non_finite_loss(str(error)))
        watch.healthy_step = state.step
        if not rolls_back:
            raise
        return "roll back"
    return "done"


def roll_back(run: Run, state: TrainState, healthy_step: int, device: str, progress: Progress) -> TrainState:
    """Returns the state of the last healthy checkpoint (the beginning, if there is none), at half the learning rate.

    What came after it moves into `abandoned/`. The event is written first: from it, a resumed run completes the rest.
    """
    checkpoint, _ = newest_intact([path for path in run.checkpoints() if step_of(path) <= healthy_step])
    fresh = create_state(run.config, image_shape(run.facts, run.config.network.conditional), device)
    if checkpoint is not None:
        restore(fresh, checkpoint)
    fresh.rate_scale = state.rate_scale / 2
    message = f"back from step {state.step:,} to step {fresh.step:,}, with {fresh.rate_scale:g} times the learning rate"
    run.log_event(state.step, "rollback", to=fresh.step, rate_scale=fresh.rate_scale, message=message)
    folder = run.abandon(fresh.step)
    progress.say(f"{message}; what came after it is in {folder}")
    return fresh


def mark(run: Run, tick: Tick) -> None:
    """Writes how far the run is."""
    state: State = "finished" if tick.last else "interrupted" if tick.stopped else "running"
    run.write_status(state, step=tick.step, nimg=tick.nimg, seconds=tick.seconds)


def failed(run: Run, state: TrainState, error: RunFailed) -> RunFailed:
    """Marks the run as failed, and returns the error with how to go on."""
    saved = run.checkpoints()
    kept = f"{saved[-1].name} is kept" if saved else "nothing was saved yet"
    if isinstance(error, Unhealthy):
        advice = f"{kept}; '{command('resume', run.folder)}' goes on all the same"
    elif isinstance(error, NonFiniteLoss):
        anew = train_command(run.config, learning_rate=float(f"{run.config.train.learning_rate / 4:g}"))
        advice = f"{kept}; start anew with a lower rate: '{anew}'"
    else:
        advice = f"{kept}; then '{command('resume', run.folder)}' goes on"
    message = f"{error}; {advice}"
    with suppress(StorageError):  # A full disk can't take this either; the state is then seen as `killed`.
        run.write_status("failed", step=state.step, nimg=state.nimg, seconds=state.seconds, message=message)
    return type(error)(message)


def find_facts(images: ImageSet) -> DataFacts:
    """Returns what the run must know of its data."""
    return DataFacts(
        source=images.source,
        images=len(images),
        channels=images.images.shape[1],
        size=images.images.shape[2],
        class_names=images.class_names,
        class_counts=images.class_counts(),
        digest=images.digest(),
    )


def settled(config: RunConfig, facts: DataFacts, device: str) -> RunConfig:
    """Returns the configuration as this data and this device have it.

    Unconditional where there are no labels, and with a precision in the place of `auto`.
    """
    conditional = config.network.conditional and bool(facts.class_names)
    precision = choose_precision(config.train.precision, device)
    return replace(config, conditional=conditional, precision=precision)


def measure_speed(config: RunConfig, images: ImageSet, facts: DataFacts, device: str, progress: Progress) -> float:
    """Returns the training steps a second that this machine makes, measured on a state that is thrown away.

    Two steps of a small batch give a rough estimate. Then a share of the run's length, in time or in images, is spent
    on whole batches, or on smaller ones where whole ones take too long: then a step's time grows with its images. Where
    that share holds less than the small batch, the estimate stands.
    """
    batch, duration = config.train.batch_size, Duration.parse(config.train.duration)
    probe = min(batch, PROBE)
    rough = time_steps(config, images, facts, device, probe, 1)[-1] * batch / probe
    seconds, most = SPEED_SECONDS, math.inf
    if duration.seconds is not None:
        seconds = min(seconds, duration.seconds * SPEED_SHARE)
    else:
        most = duration.in_steps(batch, len(images)) * batch * SPEED_SHARE
    size = int(min(batch, min(batch * seconds / rough, most) / (SPEED_WINDOW * SPEED_WINDOWS)))
    if size < probe:
        return 1 / rough
    if seconds >= 1:
        progress.say(f"measuring the speed, for {seconds:.0f} s at most")
    times = time_steps(config, images, facts, device, size, SPEED_WINDOW, seconds, most)
    return size / batch / statistics.median(times)


def time_steps(
    config: RunConfig,
    images: ImageSet,
    facts: DataFacts,
    device: str,
    size: int,
    window: int,
    seconds: float = 0.0,
    most: float = math.inf,
) -> list[float]:
    """Returns the seconds a training step with batches of `size` images, window by window, without the first.

    Args:
        config, images, facts, device: as in `measure_speed`.
        size: images a batch.
        window: steps of a window.
        seconds: how long; one window after the first, at least.
        most: images after which it ends sooner.
    """
    state = create_state(config, image_shape(facts, config.network.conditional), device)
    batches = Batches(images, config.data, batch_size=size, seed=config.seed, device=device)
    plan = Plan(
        duration="", steps=1_000_000_000, tick_every=window, sample_every=None, checkpoint_every=1e9,
        evaluate_every=None, warmup=None, ema_half_life=None, steps_per_second=None,
    )  # fmt: skip
    moments: list[float] = []
    deadline = time.perf_counter() + seconds
    for tick in train(state, batches, config, plan):
        moments.append(tick.seconds)
        if len(moments) > 1 and (time.perf_counter() > deadline or tick.nimg >= most):
            break
    return [(after - before) / window for before, after in itertools.pairwise(moments)]


def describe_environment(device: str) -> Environment:
    """Returns the versions and the machine that a run begins with."""
    typed = Path(sys.argv[0]).name in ("pocketgan", "__main__.py")
    return Environment(
        pocketgan=__version__,
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        platform=platform.platform(),
        processor=platform.processor() or platform.machine(),
        device=device,
        threads=torch.get_num_threads(),
        command=shlex.join(["pocketgan", *sys.argv[1:]]) if typed else "",
    )


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Uses `count` CPU threads inside (0: as PyTorch chooses, one a core), and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def stop_on_signals(asked: threading.Event | None = None) -> Iterator[threading.Event]:
    """Turns the first SIGINT or SIGTERM into a set event (a new one, or `asked`); a second one acts as before."""
    stop = asked or threading.Event()
    with on_first_signal(stop.set):
        yield stop


@contextmanager
def on_first_signal(act: Callable[[], object]) -> Iterator[None]:
    """Calls `act` at the first SIGINT or SIGTERM inside, in the main thread; a second one acts as it did before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {}

    def handle(number: int, _: object) -> None:
        act()
        signal.signal(number, previous[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        previous[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
