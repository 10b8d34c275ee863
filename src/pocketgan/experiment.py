"""One experiment: data, training, checkpoints and the run folder meet here, and nowhere else."""

import itertools
import os
import platform
import signal
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pocketgan.checkpoints import check_config, newest_intact, restore, save_checkpoint
from pocketgan.config import RunConfig, replace
from pocketgan.data import Batches, ImageSet, load_images
from pocketgan.durations import Duration
from pocketgan.errors import NonFiniteLoss, RunError, RunFailed, StorageError
from pocketgan.loading import image_shape
from pocketgan.pictures import Images, save_picture
from pocketgan.plan import Plan, make_plan, needs_speed
from pocketgan.progress import Progress
from pocketgan.runs import DataFacts, Run, claim_folder
from pocketgan.sampling import redraw_images, run_generator, sample_latents, side_by_side
from pocketgan.training import Tick, TrainState, choose_device, create_state, train
from pocketgan.version import __version__

SPEED_SHARE, SPEED_SECONDS, SPEED_WARMUP = 0.05, 5.0, 10
"""A speed is measured for this share of the duration, so many seconds at most, and more steps than these."""


def run_experiment(config: RunConfig, folder: str | Path | None = None, progress: Progress | None = None) -> Run:
    """Trains a new run from its configuration, in `folder` or a new one under `runs/`.

    Raises:
        UserError: the configuration, the data or the folder won't do; nothing was started.
        RunFailed: training had to stop; what was saved is still there.
    """
    progress = progress or Progress(quiet=True)
    device = choose_device(config.train.device)
    images = load_images(config.data)
    facts = find_facts(images)
    config = told_classes_if_any(config, facts)
    with threads(config.train.threads):
        create_state(config, image_shape(facts, config.network.conditional), device)  # A wrong size shows here.
        target = claim_folder(folder, config.recipe)
        progress.say(f"{config.recipe}: {len(images):,} images of {facts.source} -> {target}")
        speed = measure_speed(config, images, facts, device, progress) if needs_speed(config) else None
        plan = make_plan(config, len(images), speed)
        run = Run.create(target, config, facts, plan, describe_environment(device))
        return continue_run(run, images, device, progress)


def resume_experiment(folder: str | Path, duration: str | None = None, progress: Progress | None = None) -> Run:
    """Goes on with a run from its last intact checkpoint, to its end or to a longer duration.

    Raises:
        UserError: there is no such run, its data or configuration has changed, or it is still running.
        RunFailed: training had to stop; what was saved is still there.
    """
    progress = progress or Progress(quiet=True)
    run = Run.open(folder)
    status = run.status()
    if status["state"] == "running" and status.get("pid") != os.getpid():
        raise RunError(f"run: '{run.folder}' is being trained by process {status.get('pid')}; stop that one first")
    device = choose_device(run.config.train.device)
    images = load_images(run.config.data)
    if find_facts(images).digest != run.facts.digest:
        raise RunError(f"data: {run.facts.source} isn't what '{run.folder}' was trained on; put the same images back")
    with threads(int(run.environment.get("threads", 0))):
        if duration is not None:
            config = replace(run.config, duration=duration)
            speed = run.plan.steps_per_second
            if needs_speed(config) and speed is None:
                speed = measure_speed(config, images, run.facts, device, progress)
            plan = make_plan(config, len(images), speed)
            if plan.steps < status["step"]:
                raise RunError(
                    f"duration: '{duration}' is {plan.steps} steps, and '{run.folder}' has done {status['step']}; "
                    "give a longer one"
                )
            run.replan(config, plan)
        return continue_run(run, images, device, progress)


def continue_run(run: Run, images: ImageSet, device: str, progress: Progress) -> Run:
    """Trains a run from its last checkpoint, or from the beginning, to the end of its plan."""
    config, plan = run.config, run.plan
    state = create_state(config, image_shape(run.facts, config.network.conditional), device)
    checkpoint, damaged = newest_intact(run.checkpoints())
    for line in damaged:
        progress.say(f"{line}; going on from the one before")
    if checkpoint is not None:
        check_config(checkpoint, config)
        restore(state, checkpoint)
        progress.say(f"{run.folder}: going on from step {state.step} of {plan.steps}")
    run.rewind(state.step)
    batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=config.seed, device=device)
    sampler = Sampler(run, images, device)

    try:
        with stop_on_signals() as stop, progress.training(run.plan.steps, state.step):
            for tick in train(state, batches, config, plan, stop):
                if tick.sample:
                    sampler.write(state, tick)
                if tick.row:
                    run.log(tick)
                if tick.checkpoint:
                    save_checkpoint(run.folder / "checkpoints", state, config)
                mark(run, tick)
                progress.update(tick)
    except RunFailed as error:
        raise failed(run, state, error) from None
    status = run.status()
    if status["state"] == "running":  # There was nothing left to train.
        run.write_status("finished", step=state.step, nimg=state.nimg, seconds=state.seconds)
    return run


def mark(run: Run, tick: Tick) -> None:
    """Writes how far the run is."""
    state = "finished" if tick.last else "interrupted" if tick.stopped else "running"
    run.write_status(state, step=tick.step, nimg=tick.nimg, seconds=tick.seconds)


def failed(run: Run, state: TrainState, error: RunFailed) -> RunFailed:
    """Marks the run as failed, and returns the error with how to go on."""
    saved = run.checkpoints()
    kept = f"{saved[-1].name} is kept" if saved else "nothing was saved yet"
    if isinstance(error, NonFiniteLoss):
        lower = f"{run.config.train.learning_rate / 4:g}"
        advice = f"{kept}; start anew with a lower rate: 'pocketgan train {run.config.recipe} --learning-rate {lower}'"
    else:
        advice = f"{kept}; then 'pocketgan resume {run.folder}' goes on"
    message = f"{error}; {advice}"
    with suppress(StorageError):  # A full disk can't take this either; the state is then seen as `killed`.
        run.write_status("failed", step=state.step, nimg=state.nimg, seconds=state.seconds, message=message)
    return type(error)(message)


class Sampler:
    """Writes the sample pictures of a run, always from the same latents (or the same images to redraw)."""

    def __init__(self, run: Run, images: ImageSet, device: str) -> None:
        self.run = run
        config, count = run.config, run.config.pictures.sample_count
        classes = len(run.facts.class_names) if config.network.conditional else 0
        self.labels = torch.arange(count) % classes if classes else None
        self.columns = count if config.pictures.layout == "strip" else None
        if classes and config.pictures.layout == "grid" and 4 <= classes <= 20:
            self.columns = min(classes, count)
        if config.reads_images:
            self.images = images.images[torch.linspace(0, len(images) - 1, count).long()]
        else:
            self.latents = sample_latents(config, count, config.seed)

    def write(self, state: TrainState, tick: Tick) -> None:
        """Generates the samples of this moment and writes them into `samples/`."""
        run = self.run
        if run.config.reads_images:
            pictures = side_by_side(self.images, redraw_images(state.generator_ema, run.config, self.images))
        else:
            made = run_generator(state.generator_ema, self.latents, self.labels, run.config)
            pictures = Images(made.numpy(), columns=self.columns)
        by_epoch = run.config.pictures.count_by == "epoch"
        moment = f"epoch_{tick.epoch:03.0f}" if by_epoch else f"step_{tick.step:06d}"
        save_picture(pictures.picture(), run.folder / "samples" / f"{run.config.pictures.sample_name}_{moment}.png")


def find_facts(images: ImageSet) -> DataFacts:
    """Returns what the run must know of its data."""
    return DataFacts(
        source=images.source,
        images=len(images),
        channels=images.images.shape[1],
        size=images.images.shape[2],
        class_names=images.class_names,
        digest=images.digest(),
    )


def told_classes_if_any(config: RunConfig, facts: DataFacts) -> RunConfig:
    """Returns the configuration made unconditional where the data has no labels."""
    if config.network.conditional and not facts.class_names:
        return replace(config, conditional=False)
    return config


def measure_speed(config: RunConfig, images: ImageSet, facts: DataFacts, device: str, progress: Progress) -> float:
    """Returns the training steps a second that this machine makes, measured on a state that is thrown away."""
    asked = Duration.parse(config.train.duration).seconds
    seconds = min(SPEED_SECONDS, asked * SPEED_SHARE) if asked else SPEED_SECONDS
    progress.say(f"measuring the speed for {seconds:.0f} s, to plan with")
    state = create_state(config, image_shape(facts, config.network.conditional), device)
    batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=config.seed, device=device)
    plan = Plan(
        duration="", steps=1_000_000_000, tick_every=1, sample_every=None, checkpoint_every=1e9,
        warmup=None, ema_half_life=1.0 if state.averages else None, steps_per_second=None,
    )  # fmt: skip
    moments: list[float] = []
    deadline = time.perf_counter() + seconds
    for tick in train(state, batches, config, plan):
        moments.append(tick.seconds)
        if len(moments) > SPEED_WARMUP and time.perf_counter() > deadline:
            break
    steps = [after - before for before, after in itertools.pairwise(moments[SPEED_WARMUP // 2 :])]
    return 1 / statistics.median(steps)


def describe_environment(device: str) -> dict[str, Any]:
    """Returns the versions and the machine that a run begins with."""
    return {
        "pocketgan": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "device": device,
        "threads": torch.get_num_threads(),
        "command": " ".join(["pocketgan", *sys.argv[1:]]) if Path(sys.argv[0]).name.startswith("pocketgan") else "",
    }


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Uses `count` CPU threads inside (0: one a core), and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or os.cpu_count() or 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Turns the first SIGINT or SIGTERM into a set event; a second one acts as it did before."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    previous = {}

    def handle(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, previous[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        previous[number] = signal.signal(number, handle)
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
