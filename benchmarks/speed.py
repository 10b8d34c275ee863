"""How fast training is, as a share of what this processor can do: `make bench`.

In one process: the matrix-product peak, measured before and after each recipe so that a change in the machine's
own speed cancels; then each recipe's steps/s and images/s over several windows; the arithmetic of a step, counted
by PyTorch's `FlopCounterMode` (products of matrices and convolutions, forward and backward, as they are executed);
the share of a step that goes into what surrounds the networks (gathering data, latents, losses and accuracies); the
process's peak memory so far; and two floors (`operations.py`): the share of a step that its operations take when each
is repeated alone, and when all are done one after the other as a plain list, with the share of the peak that a step
would have that took no longer than the list.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from operations import floors
from pocketgan.config import recipes
from pocketgan.config.fields import replace
from pocketgan.config.plan import make_plan
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.experiment import find_facts, settled
from pocketgan.experiment.speed import using_threads
from pocketgan.images.batches import Batches
from pocketgan.images.sets import load_images
from pocketgan.runs.weights import image_shape
from pocketgan.training.ema import update_ema
from pocketgan.training.measures import summarise
from pocketgan.training.objectives import objective_of
from pocketgan.training.state import TrainState, create_state
from pocketgan.training.steps import next_batch, train, training_step

WINDOWS = 7


def matrix_peak(size: int = 1024, repeats: int = 8) -> float:
    """Returns the best rate of a float32 product of two square matrices, in GFLOP/s."""
    left, right = torch.randn(size, size), torch.randn(size, size)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        torch.mm(left, right)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9


def step_arithmetic(state: TrainState, batches: Batches, config: RunConfig) -> float:
    """Returns the arithmetic of one step of both networks, in GFLOP."""
    batch = next_batch(batches, 0, config)
    with FlopCounterMode(display=False) as counter:
        training_step(state, batch, config, 1.0)
    return counter.get_total_flops() / 1e9


def surroundings(batches: Batches, config: RunConfig, steps: int = 200) -> float:
    """Returns the seconds a step that go into data, latents and the rows of losses and accuracies."""
    objective, size = objective_of(config) if config.has_discriminator else None, config.train.batch_size
    logits, loss = torch.randn(size), torch.zeros(())
    latents = torch.Generator().manual_seed(0)

    def around() -> None:
        history = []
        for step in range(steps):
            next_batch(batches, step * size, config)
            if not config.reads_images:
                torch.randn(size, config.network.latent_dim, generator=latents)
                torch.randn(size, config.network.latent_dim, generator=latents)
            history.append((loss, loss, logits, logits))
        summarise(history, objective)

    return median_seconds(around) / steps


def median_seconds(action: Callable[[], None]) -> float:
    """Returns the median over seven runs of the seconds that `action` takes."""
    windows = []
    for _ in range(7):
        start = time.perf_counter()
        action()
        windows.append(time.perf_counter() - start)
    return statistics.median(windows)


def floors_of_step(state: TrainState, batches: Batches, config: RunConfig) -> tuple[dict[str, float], float]:
    """Returns the seconds of a step's operations when each is done alone, by name, and one after the other."""
    size = config.train.batch_size

    def step() -> None:
        training_step(state, next_batch(batches, 0, config), config, 1.0)
        if state.averages:
            update_ema(state, 100.0 * size, size)

    return floors(step)


def longest(alone: dict[str, float], rate: float, most: int = 6) -> str:
    """Returns the operations that take most of a step, with their shares, and what all others take."""
    shares = sorted(((spent * rate, name) for name, spent in alone.items()), reverse=True)
    parts = [f"`{name}` {share:.1%}" for share, name in shares[:most]]
    others = shares[most:]
    return ", ".join(parts) + f"; {len(others)} others {sum(share for share, _ in others):.1%}"


def measure(name: str, seconds: float) -> tuple[dict[str, float], str]:
    """Trains a recipe for about `seconds` and returns its figures, and its longest operations."""
    config = replace(
        recipes.recipe(name),
        duration="1000000 steps",
        sample_every="none",
        evaluate_every="none",
        checkpoint_every="1000000 steps",
    )
    images = load_images(config.data)
    facts = find_facts(images)
    config = settled(config, facts, "cpu")
    state = create_state(config, image_shape(facts, config.network.conditional), "cpu")
    batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=0, device="cpu")
    arithmetic = step_arithmetic(state, batches, config)
    around = surroundings(batches, config)

    # A window is a fixed number of steps between two ticks; the peak is measured between windows, outside the clock.
    trial = time.perf_counter()
    for _ in range(5):
        training_step(state, next_batch(batches, 0, config), config, 1.0)
    each = (time.perf_counter() - trial) / 5
    window = max(3, int(seconds / WINDOWS / each))
    plan = make_plan(replace(config, log_every=f"{window} steps"), len(images))
    peaks, rates, last = [matrix_peak()], [], 0.0
    for index, tick in enumerate(train(state, batches, config, plan)):
        if index:  # The first window warms up.
            rates.append(window / (tick.seconds - last))
            peaks.append(matrix_peak())
        last = tick.seconds
        if index == WINDOWS:
            break
    rate, peak = statistics.median(rates), statistics.median(peaks)
    alone, in_order = floors_of_step(state, batches, config)
    figures = {
        "peak": peak,
        "steps_per_second": rate,
        "images_per_second": rate * config.train.batch_size,
        "gflop_per_step": arithmetic,
        "share_of_peak": rate * arithmetic / peak,
        "surroundings": around * rate,
        "alone": sum(alone.values()) * rate,
        "in_order": in_order * rate,
        "peak_in_order": arithmetic / in_order / peak,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    return figures, longest(alone, rate)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", help="which recipes; by default all")
    parser.add_argument("--seconds", type=float, default=10.0, help="training time a recipe")
    arguments = parser.parse_args()
    with using_threads():
        matrix_peak(repeats=20)
        peak = matrix_peak(repeats=20)
        print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, peak {peak:.0f} GFLOP/s\n")
        print(
            "| recipe | steps/s | images/s | GFLOP a step | of the peak | around the networks | peak memory "
            "| operations alone | in order | of the peak at that |"
        )
        print("| --- |" + " ---: |" * 9)
        profiles = []
        for name in arguments.recipes or recipes.RECIPES:
            m, profile = measure(name, arguments.seconds)
            profiles.append(f"| `{name}` | {profile} |")
            print(
                f"| `{name}` | {m['steps_per_second']:.1f} | {m['images_per_second']:,.0f} | {m['gflop_per_step']:.2f} "
                f"| {m['share_of_peak']:.2f} of {m['peak']:.0f} | {m['surroundings']:.1%} | {m['memory_mb']:.0f} MB "
                f"| {m['alone']:.0%} | {m['in_order']:.0%} | {m['peak_in_order']:.2f} |",
                flush=True,
            )
        print("\n".join(["", "| recipe | of a step, alone |", "| --- | --- |", *profiles]))


if __name__ == "__main__":
    main()
