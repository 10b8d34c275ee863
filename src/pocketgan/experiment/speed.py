"""Preparations of a run: its initial number of CPU threads, and its expected training speed."""

import hashlib
import itertools
import json
import math
import platform
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from pocketgan.base.errors import NonFiniteLoss, StorageError
from pocketgan.base.files import cache_folder, parse_json, write_json
from pocketgan.base.progress import Progress
from pocketgan.config.durations import Duration
from pocketgan.config.fields import replace
from pocketgan.config.plan import Plan, make_plan
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.run_words import line
from pocketgan.images.batches import Batches
from pocketgan.images.sets import ImageSet
from pocketgan.runs.records import DataFacts
from pocketgan.runs.weights import image_shape
from pocketgan.training.cores import SHARED, Usage, free_cores, threads_for, usage
from pocketgan.training.state import create_state
from pocketgan.training.steps import train

LEAST_LOOK = 0.25
"""Minimum number of seconds over which the use of the cores is observed before a run."""
WARM_STEPS, ROUNDS, TRIAL_SECONDS = 5, 3, 0.04
"""Settings for measuring the threads: warm-up steps, trials per number of threads, and seconds per trial."""
MEASURING_SHARE = 0.02
"""Largest share of a run's duration that measuring the threads may take."""
CLEARLY = 0.95
"""Fraction of a step's time with all threads below which fewer threads are preferred."""
PLAIN = {
    "duration": "1000000000 steps",
    "log_every": "1 step",
    "sample_every": "none",
    "checkpoint_every": "1000000000 steps",
    "evaluate_every": "none",
    "patience": 0,
}
"""Settings for a plan in which only a row per step is due."""
SPEED_SHARE, SPEED_SECONDS = 0.05, 5.0
"""Share of the run's length for which the speed is measured, and the maximum number of seconds."""
SPEED_WINDOW, SPEED_WINDOWS, PROBE = 2, 3, 16
"""Steps per timing window, minimum number of windows, and the batch size of the rough estimate before them."""
MOST_REMEMBERED = 500


@contextmanager
def using_threads(count: int = 0) -> Iterator[int]:
    """Uses `count` CPU threads inside (0: no change) and restores the previous number, which it yields."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield before
    finally:
        torch.set_num_threads(before)


@contextmanager
def using_free_threads() -> Iterator[int]:
    """Uses one CPU thread per free core inside, at most the previous number, which is restored; yields the number."""
    most, before = torch.get_num_threads(), usage()
    if most > 1:
        time.sleep(LEAST_LOOK)
    with using_threads(threads_for(free_cores(before, usage()), most)):
        yield torch.get_num_threads()


def chooses(config: RunConfig, device: str) -> bool:
    """Returns whether the number of threads is adjusted during the run: only for `auto`, and on a CPU."""
    return config.train.threads == "auto" and device == "cpu"


def choose_threads(
    config: RunConfig, images: ImageSet, facts: DataFacts, device: str, most: int, since: Usage, progress: Progress
) -> int:
    """Returns the number of CPU threads with which a new run starts.

    Args:
        config: the run's configuration.
        images, facts: the run's data.
        device: the device to train on.
        most: PyTorch's default number of CPU threads on this machine.
        since: the use of the cores at an earlier moment.
        progress: the progress display, for the reason for fewer threads.
    """
    if config.train.threads != "auto":
        return config.train.threads or most
    if most == 1 or device != "cpu":
        return most
    time.sleep(max(0.0, since.wall + LEAST_LOOK - time.perf_counter()))
    count, remembered = threads_for(free_cores(since, usage()), most), Remembered(config, facts, most)
    fastest = remembered.threads
    if count < most:
        progress.say(line("fewer threads at first", count=count, most=most))
    elif fastest is None:
        fastest = measure_threads(config, images, facts, most)
        if fastest is not None:
            remembered.remember(fastest)
    return min(count, fastest or most)


def measure_threads(config: RunConfig, images: ImageSet, facts: DataFacts, most: int) -> int | None:
    """Returns the fastest number of threads: all, unless fewer are clearly faster, as they are for small networks.

    Each number is tried three times, in turn, on a temporary training state. The result is None if the run is too short
    for that, or if another program interfered.
    """
    state = create_state(config, image_shape(facts, config.tells_classes), "cpu")
    batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=config.seed, device="cpu")
    plan = make_plan(replace(config, **PLAIN), len(images))
    ticks = train(state, batches, config, plan)
    seconds_of = (after.seconds - before.seconds for before, after in itertools.pairwise(ticks))
    step_seconds = min(itertools.islice(seconds_of, WARM_STEPS))
    counts = sorted({most, *(2**power for power in range(most.bit_length()) if 2**power < most)})
    steps = max(1, round(TRIAL_SECONDS / step_seconds))
    trials = ROUNDS * len(counts) * steps * step_seconds
    if trials > MEASURING_SHARE * expected_seconds(config, len(images), step_seconds):
        return None
    before, best = usage(), dict.fromkeys(counts, math.inf)
    try:
        for count in counts * ROUNDS:
            torch.set_num_threads(count)
            next(seconds_of)
            best[count] = min(best[count], sum(itertools.islice(seconds_of, steps)))
    except NonFiniteLoss:
        return None
    finally:
        torch.set_num_threads(most)
    if free_cores(before, usage()) < most - SHARED:
        return None
    fastest = min(counts, key=best.__getitem__)
    return fastest if best[fastest] < CLEARLY * best[most] else most


def expected_seconds(config: RunConfig, images: int, step_seconds: float) -> float:
    """Returns the approximate duration of a run in seconds, if a step takes `step_seconds`."""
    duration = Duration.parse(config.train.duration)
    return duration.seconds or step_seconds * duration.in_steps(config.train.batch_size, images)


def measure_speed(config: RunConfig, images: ImageSet, facts: DataFacts, device: str, progress: Progress) -> float:
    """Returns the number of training steps per second on this machine, measured on a temporary training state.

    Two steps with a small batch give a rough estimate. The measurement then takes a share of the run's length, in time
    or in images. It uses whole batches, or smaller ones if whole batches take too long; the time of a step is then
    taken as proportional to its images. If the share is less than the small batch, the rough estimate is the result.
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
        progress.say(line("measuring speed", seconds=round(seconds)))
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
    """Returns the seconds per training step with batches of `size` images, for each window except the first.

    Args:
        config, images, facts, device: as in `measure_speed`.
        size: batch size.
        window: steps per window.
        seconds: duration of the measurement; at least one window after the first is measured.
        most: number of images after which the measurement ends early.
    """
    state = create_state(config, image_shape(facts, config.tells_classes), device)
    batches = Batches(images, config.data, batch_size=size, seed=config.seed, device=device)
    plan = Plan(
        duration="", steps=1_000_000_000, log_every=window, sample_every=None, checkpoint_every=1e9,
        evaluate_every=None, warmup=None, ema_half_life=None, steps_per_second=None,
    )  # fmt: skip
    moments: list[float] = []
    deadline = time.perf_counter() + seconds
    for tick in train(state, batches, config, plan):
        moments.append(tick.seconds)
        if len(moments) > 1 and (time.perf_counter() > deadline or tick.nimg >= most):
            break
    return [(after - before) / window for before, after in itertools.pairwise(moments)]


class Remembered:
    """Cached number of threads that trains some networks fastest on this machine when it is otherwise idle.

    The number is measured once, so that two equal runs start with the same number and end with the same bits.
    """

    def __init__(self, config: RunConfig, facts: DataFacts, most: int) -> None:
        train = config.train
        what = [
            config.network.model_dump(),
            config.objective.model_dump(),
            [train.batch_size, train.precision, train.augment, train.ema_half_life != "none"],
            [facts.channels, facts.size, len(facts.class_names)],
            [torch.__version__, platform.processor(), torch.backends.cpu.get_cpu_capability(), most],
        ]
        self._key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
        self._most = most
        self._path = cache_folder() / "threads.json"

    def _all(self) -> dict[str, Any]:
        try:
            values = parse_json(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}

    @property
    def threads(self) -> int | None:
        """The cached number; None if there is none."""
        count = self._all().get(self._key)
        return count if isinstance(count, int) and 1 <= count <= self._most else None

    def remember(self, count: int) -> None:
        """Stores a number; a cache that can't be written is ignored."""
        values = dict(list(self._all().items())[-MOST_REMEMBERED:]) | {self._key: count}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._path, values, durable=False)
        except (OSError, StorageError):
            return
