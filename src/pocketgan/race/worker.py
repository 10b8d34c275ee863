"""One run of a race, in a process of its own: `python -m pocketgan.race.worker pocket --seconds 10 --seed 0`.

It trains an entrant until its seconds are over, and records the run in the folder that a study names. Then it judges
its samples and writes `judged.json`, from which the study takes the scores.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pocketgan.api.recordings import plain_name, record
from pocketgan.base.errors import RunFailed
from pocketgan.base.files import write_json
from pocketgan.experiment.recording import Recorder
from pocketgan.metrics.real_images import RealSets, read_real
from pocketgan.race.checks import TEST, check_entrant, check_number, check_step, find, wrong_value
from pocketgan.race.contract import Entrant, Task, parameters_of
from pocketgan.race.judging import RaceJudge, rotated
from pocketgan.race.places import entrant_name
from pocketgan.studies.scripts import JUDGED

CLOCKS = ("wall", "cpu")


@dataclass(frozen=True)
class Order:
    """What one run of a race is. The names of the fields are those of the command's flags.

    With a rotation other than 0, a trial holds out other images than the usual validation set.
    """

    entrant: str
    data: str
    seconds: float
    seed: int
    threads: int
    clock: str
    against: str
    count: int
    validation: float
    rotation: int = 0

    @property
    def now(self) -> Callable[[], float]:
        """The race's clock: `wall` is real time, `cpu` the processor's time of this process per thread."""
        if self.clock == "wall":
            return time.perf_counter
        return lambda: time.process_time() / self.threads


def run_order(order: Order) -> None:
    """Trains an entrant, records it, and judges it.

    Raises:
        UserError: the entrant breaks the contract.
        RunFailed: it makes no step in its seconds, or what it logs isn't finite.
    """
    torch.set_num_threads(order.threads)
    make, name, built = find(order.entrant), entrant_name(order.entrant), list[Entrant]()

    def draw(count: int, seed: int, labels: Any = None) -> Tensor:
        """Returns samples for the record."""
        way = next(iter(built[0].samplers.values()))
        return way(count, None if labels is None else torch.as_tensor(labels), seed)

    settings = {"entrant": name, "seconds": order.seconds, "seed": order.seed, "threads": order.threads}
    held_out = {"validation": order.validation, "test": TEST}
    watched = {"sample_every": "end", "evaluate_every": "none", "log_every": "20 steps", "progress": False}
    with record(data=order.data, sample=draw, settings=settings, name=plain_name(name), **held_out, **watched) as run:
        run.training_data()  # The record knows that these images are trained on.
        with run.aside():
            sets = rotated(read_real(run.run.config.data, order.against), order.rotation)
        check_number(len(sets.reference))
        assert sets.training is not None
        task = Task(sets.training.images, sets.training.labels, len(sets.training.class_names), order.seed)
        began = order.now()
        built.append(check_entrant(make(task), name))

        def look(values: Any) -> None:
            """Checks what the first step returned."""
            with run.aside():
                check_step(built[0], name, values, task)

        used = train(built[0], run, order, order.now() - began, look)
        if run.stop:
            return
        with run.aside():
            facts = {"used_seconds": used, "steps": run.last_step, "peak_memory": peak_memory()}
            write_json(run.folder / JUDGED, judged(built[0], run, order, sets, facts))


def train(entrant: Entrant, run: Recorder, order: Order, used: float, look: Callable[[Any], None]) -> float:
    """Makes steps until the seconds are over; returns the seconds used.

    Args:
        entrant: the entrant.
        run: the record.
        order: the seconds, and their clock.
        used: seconds that its constructor has taken.
        look: a function that checks what the first step returned; its time doesn't count.

    Raises:
        RunFailed: the seconds were over before the first step, or a value that it logs isn't finite.
        UserError: the entrant breaks the contract.
    """
    values: Mapping[str, Tensor | float] = {}
    while used < order.seconds and not run.stop:
        began = order.now()
        values = entrant.step(used / order.seconds)
        used += order.now() - began
        if run.last_step == 0:
            look(values)
        run.step(images=entrant.batch_size, **values)
    if run.last_step == 0 and not run.stop:
        raise RunFailed("no step in time", seconds=f"{order.seconds:g}")
    wrong = wrong_value(values)
    if wrong is not None:
        raise RunFailed("training diverged", name=wrong)
    return used


def judged(entrant: Entrant, run: Recorder, order: Order, sets: RealSets, facts: dict[str, Any]) -> dict[str, Any]:
    """Returns the content of `judged.json`: the scores of the first sampler, and all facts of the run."""
    judge = RaceJudge(run.run.config.data, sets, order.count)
    ways = [judge.judge(sampler, way, order.seed, order.now) for way, sampler in entrant.samplers.items()]
    first = judge.views[0].space
    scores = ways[0]["scores"][first.name]
    baseline = scores["frechet_distance"]["floor"]
    parameters = {"sampling": parameters_of(entrant.sampling), "training": parameters_of(entrant.training)}
    about = {"seconds": order.seconds, "threads": order.threads, "clock": order.clock}
    about |= {"against": judge.sets.split, "count": order.count, "batch_size": int(entrant.batch_size)}
    return {
        "figures": {name: one["value"] for name, one in scores.items()},
        "floor": baseline,
        "features": str(first),
        "race": {**about, **facts, "parameters": parameters, "ways": ways},
    }


def peak_memory() -> int:
    """Returns the largest memory of this process so far, in bytes: with Python, PyTorch and the images."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def main() -> None:
    """Reads the order from the command line, and carries it out."""
    parser = argparse.ArgumentParser(
        prog="python -m pocketgan.race.worker", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("entrant")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--against", choices=("test", "validation"), default="test")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--validation", type=float, default=5000)
    parser.add_argument("--rotation", type=int, default=0)
    run_order(Order(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
