"""One run from start to end: the only module that combines data, training, checkpoints and the run folder."""

import threading
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import torch

from pocketgan.base.errors import ConfigError, DataError, NonFiniteLoss, RunError, RunFailed, StorageError, Unhealthy
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress
from pocketgan.base.signals import stop_on_signals
from pocketgan.config.data_section import PACKAGED
from pocketgan.config.durations import Duration
from pocketgan.config.fields import replace
from pocketgan.config.plan import Plan, make_plan, needs_speed
from pocketgan.config.sections import RunConfig
from pocketgan.config.shell import code_flags, command, train_command
from pocketgan.experiment.diagnosis import DIVERGING, farthest_look, non_finite_loss
from pocketgan.experiment.environment import describe_environment
from pocketgan.experiment.monitor import Watch
from pocketgan.experiment.pace import Pace
from pocketgan.experiment.prepared_data import (
    describe,
    feed,
    find_facts,
    fold_of,
    idle_lines,
    penalty_weight,
    prepare_images,
    save_sheet,
)
from pocketgan.experiment.run_words import line, tenths
from pocketgan.experiment.sample_files import Sampler
from pocketgan.experiment.speed import choose_threads, measure_speed, using_threads
from pocketgan.experiment.transfer import fresh_state
from pocketgan.experiment.watchdog_words import DiagnosisPart, sentence
from pocketgan.images.batches import Batches
from pocketgan.images.sets import ImageSet, load_images
from pocketgan.runs.own_code import FOLDER as CODE
from pocketgan.runs.own_code import check_code, failures_of_code, keep_code, record_change
from pocketgan.runs.places import check_free, claim_folder
from pocketgan.runs.records import DataFacts, State, step_of
from pocketgan.runs.rewinding import abandon, check_unsaved, forget_plans, rewind, settle
from pocketgan.runs.run import Run
from pocketgan.training.checkpoints import (
    check_config,
    checkpoint_name,
    newest_intact,
    restore,
    save_checkpoint,
    superfluous,
)
from pocketgan.training.cores import LOOK_SECONDS, usage
from pocketgan.training.state import TrainState, choose_device, choose_precision
from pocketgan.training.steps import Tick, train

TURNS = ("roll back", "planned again")
"""Outcomes of `advance` after which training continues, from an earlier checkpoint or with a new plan."""
ROLLBACKS = 3
"""Largest number of rollbacks of a run to a healthy checkpoint."""


def run_experiment(
    config: RunConfig,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Run:
    """Trains a new run from its configuration, in `folder` or in a new folder under `runs/`.

    Args:
        config: the configuration.
        folder: the run folder; by default the first free `runs/<recipe>-<n>`.
        progress: the progress display.
        stop: once set, the run saves its state and ends, as on a signal.

    Raises:
        UserError: the configuration, the data or the folder is invalid; nothing was started.
        RunFailed: training had to stop; everything saved before is intact.
    """
    progress, since = progress or Progress(quiet=True), usage()
    device = choose_device(config.train.device)
    check_free(folder)
    config, images = prepare_images(config, progress)
    facts = find_facts(images)
    config = settled(config, facts, device)
    with using_threads() as most, failures_of_code(config, ConfigError):
        fresh_state(config, facts, device)  # Checks the image size and the weights that it begins with.
        torch.set_num_threads(choose_threads(config, images, facts, device, most, since, progress))
        plan = plan_run(config, images, facts, device, progress)
        code = config.code()
        folder = claim_folder(folder, config.recipe)
        keep_code(folder / CODE, code)
        with stop_on_signals(stop) as stop:  # From here on there is a run, which can be stopped.
            run = Run.create(folder, config, facts, plan, describe_environment(device, code))
            save_sheet(run.folder, images)
            for sentence in (*describe(images), *idle_lines(config, plan)):
                progress.say(sentence)
            counts = {"images": len(images), "steps": plan.steps}
            progress.say(line("training", recipe=config.recipe, source=facts.source, folder=run.folder, **counts))
            with run.locked():
                return continue_run(run, images, most, progress, stop)


def resume_experiment(
    folder: str | Path,
    duration: str | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    *,
    changed_code: bool = False,
) -> Run:
    """Continues a run from its last intact checkpoint, to its end or to a longer duration.

    Args:
        folder: the run folder.
        duration: a longer duration of the whole run.
        progress: the progress display.
        stop: once set, the run saves its state and ends, as on a signal.
        changed_code: whether the run goes on with code of one's own that has changed since it began.

    Raises:
        UserError: there is no such run, its data, configuration or code has changed, or it is still running.
        RunFailed: training had to stop; everything saved before is intact.
    """
    progress = progress or Progress(quiet=True)
    run = Run.open(folder)
    if run.config.kind == "recorded":
        raise RunError("recorded, no resume", field="run", folder=run.folder)
    with run.locked(), using_threads() as most:
        if not changed_code:
            check_code(run)
        try:
            images = load_images(run.config.data)
        except DataError as error:
            raise RunError("data gone", field="run", folder=run.folder, why=error) from None
        if find_facts(images).digest != run.facts.digest:
            raise RunError("data changed", field="run", source=run.facts.source, folder=run.folder)
        if duration is None and run.plan.duration != run.config.train.duration:
            duration = run.config.train.duration  # config.json was edited, or a resume was killed while writing.
        longer = None if duration is None else plan_longer(run, duration, images, progress)
        with stop_on_signals(stop) as stop:
            return continue_run(run, images, most, progress, stop, longer)


def plan_longer(run: Run, duration: str, images: ImageSet, progress: Progress) -> tuple[RunConfig, Plan]:
    """Returns a run's configuration and plan with a longer duration; the run itself isn't changed.

    Raises:
        RunError: the duration is shorter than the planned one.
        ConfigError: `duration` isn't a valid duration.
    """
    config = replace(run.config, duration=duration)
    planned, wanted = (Duration.parse(text).seconds for text in (run.plan.duration, config.train.duration))
    speed = run.plan.steps_per_second if planned or not wanted else None  # Only a few steps were timed.
    plan = plan_run(config, images, run.facts, run.environment.device, progress, speed)
    if plan.steps < run.plan.steps:
        lengths = {"steps": plan.steps, "planned": run.plan.steps}
        message = problem("too short", duration=duration, folder=run.folder, **lengths)
        raise RunError(message, field="duration")
    if plan.steps > run.plan.steps and config.train.schedule != "constant":
        progress.say(line("schedule", schedule=config.train.schedule, steps=plan.steps))
    return config, plan


def plan_run(
    config: RunConfig,
    images: ImageSet,
    facts: DataFacts,
    device: str,
    progress: Progress,
    steps_per_second: float | None = None,
) -> Plan:
    """Converts the durations to steps; measures the training speed if a duration is in time and no speed is known."""
    if needs_speed(config) and steps_per_second is None:
        steps_per_second = measure_speed(config, images, facts, device, progress)
    plan = make_plan(config, len(images), steps_per_second)
    if steps_per_second is not None and Duration.parse(plan.duration).seconds is not None:
        progress.say(line("plan", steps=plan.steps, duration=plan.duration, speed=tenths(steps_per_second)))
    return plan


def continue_run(
    run: Run,
    images: ImageSet,
    most_threads: int,
    progress: Progress,
    stop: threading.Event,
    longer: tuple[RunConfig, Plan] | None = None,
) -> Run:
    """Trains a run from its last checkpoint, or from the beginning, to the end of its plan.

    Args:
        run: the run, locked.
        images: the run's data.
        most_threads: PyTorch's default number of CPU threads on this machine.
        progress: the progress display.
        stop: once set, the run saves its state and ends.
        longer: configuration and plan of a longer duration, written once it is clear that the run can continue.
    """
    device = device_here(run, progress)
    state = last_state(run, device, progress)
    if longer not in (None, (run.config, run.plan)):
        forget_plans(run, state.step)
        run.replan(*longer)
    if state.step >= run.plan.steps:
        if run.is_finished(state.step):
            return run
        rewind(run, state.step)
        run.write_status("finished", step=state.step, nimg=state.nimg, seconds=state.seconds)
        return run
    if state.step:
        progress.say(line("continuing", folder=run.folder, step=state.step, steps=run.plan.steps))
    state.rate_scale = min([state.rate_scale, *(event["rate_scale"] for event in run.rollbacks())])
    pace = Pace(run, state.step, most_threads, progress)
    rewind(run, state.step)
    record_change(run, state.step)
    config = run.config
    run.write_status("running", step=state.step, nimg=state.nimg, seconds=state.seconds)
    batches = feed(images, config, device, state.strength)
    sampler, watch = Sampler(run, images), Watch(run, images, progress)
    try:
        with show_training(run, state.step, progress), failures_of_code(config):
            while (outcome := advance(run, state, batches, sampler, watch, pace, stop)) in TURNS:
                if outcome == "roll back":
                    state = roll_back(run, state, watch.watchdog.healthy_step, device, progress)
                    watch.watchdog.named.clear()
                    pace.forget()
                progress.plan(run.plan.steps)
    except RunFailed as error:
        raise failed(run, state, error) from None
    if outcome == "stopped early":
        reason = problem("out of patience", step=state.step, count=config.evaluation.patience)
        run.log_event(state.step, "patience", evaluations=config.evaluation.patience)
        run.write_status("finished", step=state.step, nimg=state.nimg, seconds=state.seconds, message=reason)
        progress.say(reason)
    return run


def last_state(run: Run, device: str, progress: Progress) -> TrainState:
    """Returns a run's state at its last intact checkpoint, or at its beginning if none was saved.

    Raises:
        RunError: all checkpoints are damaged, or a run that had saved some has none left.
    """
    state = fresh_state(run.config, run.facts, device)
    run.make_folders()
    settle(run)
    checkpoint, damaged = newest_intact(run.checkpoints())
    if checkpoint is None and damaged:
        message = problem("all checkpoints damaged", folder=run.folder, damaged="; ".join(damaged))
        raise RunError(message, field="run")
    if checkpoint is None:
        check_unsaved(run)
    for why in damaged:
        progress.say(problem("older checkpoint", why=why))
    if checkpoint is not None:
        check_config(checkpoint, run.config)
        restore(state, checkpoint)
        if device != run.environment.device:
            run.log_event(state.step, "device", **{"from": run.environment.device, "to": device})
    return state


def show_training(run: Run, step: int, progress: Progress) -> AbstractContextManager[None]:
    """Returns the context that shows a run's progress from `step` on."""
    planned = run.plan.duration if Duration.parse(run.plan.duration).seconds is not None else ""
    return progress.training(run.plan.steps, step, run.folder.resolve().name, planned, run.folder / "samples")


def advance(
    run: Run, state: TrainState, batches: Batches, sampler: Sampler, watch: Watch, pace: Pace, stop: threading.Event
) -> str:
    """Trains until the end of the plan, a signal, a new plan, or a stop or rollback after a failure.

    Returns:
        `done`, `stopped early`, `planned again` or `roll back`.

    Raises:
        RunFailed: training had to stop.
    """
    config = run.config
    action = config.watchdog.on_failure
    rolls_back = config.may_roll_back and len(run.rollbacks()) < ROLLBACKS
    if watch.watchdog.out_of_patience() and not any(event["event"] == "patience" for event in run.events()):
        return "stopped early"  # A killed process had reached this point.
    try:
        for tick in train(state, batches, config, run.plan, stop, pace.pauses, LOOK_SECONDS):
            if tick.sample:
                sampler.write(state, tick)
            if tick.row:
                run.log(tick)
            failures = watch.evaluate(state, tick) if tick.evaluate else []
            patient = not (tick.evaluate and watch.watchdog.out_of_patience())
            if action == "auto":
                failures = [failure for failure in failures if rolls_back and failure.name in DIVERGING]
            acts = bool(failures) and action != "continue" and not tick.last
            if tick.checkpoint or acts or not patient:
                save_checkpoint(run.folder / "checkpoints", state, config)
                drop_old_checkpoints(run)
            if tick.row or tick.sample:
                mark(run, tick)
            watch.watchdog.progress.update(tick)
            if acts and rolls_back:
                return "roll back"
            if acts and action == "stop":
                raise Unhealthy("unhealthy", diagnosis=DiagnosisPart(failures[0]))
            if not (patient or tick.last):
                return "stopped early"
            if pace.follow(tick):
                return "planned again"
    except NonFiniteLoss as error:
        watch.watchdog.report(state.step, non_finite_loss(error, state.step))
        watch.watchdog.healthy_step = state.step
        if not rolls_back:
            raise
        return "roll back"
    return "done"


def roll_back(run: Run, state: TrainState, healthy_step: int, device: str, progress: Progress) -> TrainState:
    """Returns the state of the last healthy checkpoint (or the initial state), with half the learning rate.

    Everything after that checkpoint moves into `abandoned/`. The event is written first: a resumed run uses it to
    complete an interrupted rollback.
    """
    checkpoint, _ = newest_intact([path for path in run.checkpoints() if step_of(path) <= healthy_step])
    fresh = fresh_state(run.config, run.facts, device)
    if checkpoint is not None:
        restore(fresh, checkpoint)
    fresh.rate_scale = state.rate_scale / 2
    details = {"to": fresh.step, "rate_scale": fresh.rate_scale, "threads": torch.get_num_threads()}
    run.log_event(state.step, "rollback", **details)
    folder = abandon(run, fresh.step)
    progress.say(sentence({"event": "rollback", "step": state.step, **details}))
    progress.say(line("abandoned", step=fresh.step, folder=folder))
    return fresh


def mark(run: Run, tick: Tick) -> None:
    """Writes the run's status and clocks."""
    state: State = "finished" if tick.last else "interrupted" if tick.stopped else "running"
    run.write_status(state, step=tick.step, nimg=tick.nimg, seconds=tick.seconds)


def failed(run: Run, state: TrainState, error: RunFailed) -> RunFailed:
    """Marks the run as failed, and returns the error with advice on how to continue."""
    checkpoints = run.checkpoints()
    saved = problem("checkpoint saved", file=checkpoints[-1].name) if checkpoints else problem("nothing saved")
    changed = ["--changed-code"] if error.key == "own code failed" else []
    key, remedy = "failed, resume", command("resume", run.folder, *code_flags(run.config), *changed)
    if isinstance(error, Unhealthy):
        key = "failed, resume anyway"
    elif isinstance(error, NonFiniteLoss):
        key = "failed, start again"
        rate = run.config.train.learning_rate * state.rate_scale / 4  # Rollbacks have lowered it already.
        remedy = train_command(run.config, learning_rate=float(f"{rate:g}"))
    reason = type(error)(key, why=error, saved=saved, command=remedy)
    with suppress(StorageError):  # A full disk can't store this either; the state is then seen as `killed`.
        run.write_status("failed", step=state.step, nimg=state.nimg, seconds=state.seconds, message=reason)
    return reason


def drop_old_checkpoints(run: Run) -> None:
    """Removes the checkpoints that neither a resumed run nor a rollback can need, after a new one was saved."""
    keep = run.config.train.keep_checkpoints
    if keep == "all":
        return
    steps = [step_of(path) for path in run.checkpoints()]
    reach = farthest_look(run.config.watchdog) if run.config.may_roll_back else 0
    for step in superfluous(steps, keep, [row["step"] for row in run.metrics()] if reach else [], reach):
        (run.folder / "checkpoints" / checkpoint_name(step)).unlink(missing_ok=True)


def device_here(run: Run, progress: Progress) -> str:
    """Returns the device on which a run continues: its own, or the best one here if that isn't available."""
    try:
        return choose_device(run.environment.device)
    except ConfigError:
        device = choose_device("auto")
        progress.say(line("other device", folder=run.folder, old=run.environment.device, new=device))
        return device


def settled(config: RunConfig, facts: DataFacts, device: str) -> RunConfig:
    """Returns the configuration resolved for this data and this device.

    Without labels and conditions, the run is unconditional. The settings `auto` of precision, validation split and fold
    become definite.
    """
    conditional = config.network.conditional and bool(facts.condition_names or facts.class_names)
    precision = choose_precision(config.train.precision, device)
    split = config.data.validation_split
    if split == "auto":
        split = "random" if config.data.data in PACKAGED else "content"
    fold = fold_of(config, facts.images)
    penalties = {name: penalty_weight(getattr(config.objective, name), facts) for name in ("r1", "r2")}
    values = {"conditional": conditional, "precision": precision, "validation_split": split, "fold": fold}
    return replace(config, **values, **penalties)
