"""Before a run: how many CPU threads it begins with, and how fast it trains."""

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
from pocketgan.base.files import cache_folder, write_json
from pocketgan.base.progress import Progress
from pocketgan.config.durations import Duration
from pocketgan.config.fields import replace
from pocketgan.config.plan import Plan, make_plan
from pocketgan.config.sections import RunConfig
from pocketgan.images.sets import Batches, ImageSet
from pocketgan.runs.records import DataFacts
from pocketgan.runs.weights import image_shape
from pocketgan.training.cores import SHARED, Usage, free_cores, threads_for, usage
from pocketgan.training.state import create_state
from pocketgan.training.steps import train

LEAST_LOOK = 0.25
"""Seconds over which the use of the cores is looked at before a run begins, at least."""
WARM_STEPS, ROUNDS, TRIAL_SECONDS = 5, 3, 0.04
"""Of measuring the threads: steps before it, how often each number is tried, and for how long."""
MEASURING_SHARE = 0.02
"""Threads are measured where that takes no more than this share of the run."""
CLEARLY = 0.95
"""Fewer threads than all are taken where a step takes at most so many times as long."""
PLAIN = {
    "duration": "1000000000 steps",
    "log_every": "1 step",
    "sample_every": "none",
    "checkpoint_every": "1000000000 steps",
    "evaluate_every": "none",
    "patience": 0,
}
"""A plan in which nothing is due but a row a step."""
SPEED_SHARE, SPEED_SECONDS = 0.05, 5.0
"""A speed is measured for this share of the run's length, and for so many seconds at most."""
SPEED_WINDOW, SPEED_WINDOWS, PROBE = 2, 3, 16
"""So many steps at a time are measured, so many times at least; before that, single steps of so many images."""
MOST_REMEMBERED = 500


@contextmanager
def using_threads(count: int = 0) -> Iterator[int]:
    """Uses `count` CPU threads inside (0: as many as before), and as many as before afterwards; hands those out."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield before
    finally:
        torch.set_num_threads(before)


@contextmanager
def using_free_threads() -> Iterator[int]:
    """Uses as many CPU threads inside as other programs leave cores for, and as many as before afterwards."""
    most, before = torch.get_num_threads(), usage()
    if most > 1:
        time.sleep(LEAST_LOOK)
    with using_threads(threads_for(free_cores(before, usage()), most)):
        yield torch.get_num_threads()


def chooses(config: RunConfig, device: str) -> bool:
    """Whether the number of threads is chosen as the run goes: where it is `auto`, and on a processor."""
    return config.train.threads == "auto" and device == "cpu"


def choose_threads(
    config: RunConfig, images: ImageSet, facts: DataFacts, device: str, most: int, since: Usage, progress: Progress
) -> int:
    """Returns how many CPU threads a new run begins with.

    Args:
        config: its configuration.
        images, facts: its data.
        device: where it trains.
        most: threads that PyTorch uses here unless it is told otherwise.
        since: the use of the cores some time ago.
        progress: says why there are fewer.
    """
    if config.train.threads != "auto":
        return config.train.threads or most
    if most == 1 or device != "cpu":
        return most
    time.sleep(max(0.0, since.wall + LEAST_LOOK - time.perf_counter()))
    count, remembered = threads_for(free_cores(since, usage()), most), Remembered(config, facts, most)
    fastest = remembered.threads
    if count < most:
        progress.say(f"other programs use the processor, so training begins with {count} of {most} threads")
    elif fastest is None:
        fastest = measure_threads(config, images, facts, most)
        if fastest is not None:
            remembered.remember(fastest)
    return min(count, fastest or most)


def measure_threads(config: RunConfig, images: ImageSet, facts: DataFacts, most: int) -> int | None:
    """Returns how many threads train fastest: all, unless fewer are clearly faster, as they are for small networks.

    Each number is tried in turn, three times, on a state that is thrown away. None where the run is too short for that,
    or another program came between.
    """
    state = create_state(config, image_shape(facts, config.network.conditional), "cpu")
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
    """Returns about how long a run trains, where a step takes `step_seconds`."""
    duration = Duration.parse(config.train.duration)
    return duration.seconds or step_seconds * duration.in_steps(config.train.batch_size, images)


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
    """How many threads train some networks fastest on this machine when it is idle: measured once, kept in the cache.

    So two runs alike begin with the same number, and end with the same bits.
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
            values = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}

    @property
    def threads(self) -> int | None:
        """What is known; None for nothing."""
        count = self._all().get(self._key)
        return count if isinstance(count, int) and 1 <= count <= self._most else None

    def remember(self, count: int) -> None:
        """Keeps a number; a cache that can't be written is done without."""
        values = dict(list(self._all().items())[-MOST_REMEMBERED:]) | {self._key: count}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._path, values, durable=False)
        except (OSError, StorageError):
            return
