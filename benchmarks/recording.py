"""What `pocketgan.record` costs a loop: `step` between rows, and its share of the minimal PyTorch loop.

    python benchmarks/recording.py [--pairs 120] [--calls 5000] [--threads 1]

The loop is that of the recipe `minimal` (one hidden layer each, batch 32), written in plain PyTorch. Samples and
evaluations are off, since the question is what the loop pays all the time. Blocks of 100 steps with and without
`step`, one row each, form pairs whose order alternates, so that a drift of the machine concerns both. The result is the
median of the pairs' ratios with its 95% interval. Run it on an idle machine; it takes about two minutes.
"""

import argparse
import tempfile
import time
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.stats import binom
from torch import nn
from torch.nn.functional import softplus

import pocketgan

if TYPE_CHECKING:
    from pocketgan.experiment.recording import Recorder

BLOCK, BATCH = 100, 32


class Loop:
    """The minimal loop on random images; `step` does one step and returns what it knows."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.generator = nn.Sequential(nn.Linear(100, 256), nn.ReLU(), nn.Linear(256, 784), nn.Sigmoid())
        self.discriminator = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 1))
        both = (self.generator, self.discriminator)
        self.optimizers = [torch.optim.Adam(one.parameters(), lr=1e-3) for one in both]
        self.images = torch.rand(10_000, 784)

    def step(self) -> dict[str, torch.Tensor]:
        """Updates the discriminator and the generator."""
        real = self.images[torch.randint(len(self.images), (BATCH,))]
        fake = self.generator(torch.randn(BATCH, 100))
        r, f = self.discriminator(real), self.discriminator(fake.detach())
        d_loss = softplus(-r).mean() + softplus(f).mean()
        self.update(1, d_loss)
        g_loss = softplus(-self.discriminator(fake)).mean()
        self.update(0, g_loss)
        return {"d_loss": d_loss, "g_loss": g_loss, "real_logits": r, "fake_logits": f}

    def update(self, which: int, loss: torch.Tensor) -> None:
        """Updates one network."""
        self.optimizers[which].zero_grad()
        loss.backward()
        self.optimizers[which].step()


def draw(count: int, seed: int) -> np.ndarray:
    """Returns images; only the first few are asked for."""
    return np.zeros((count, 784), np.float32)


def recorder(folder: str, log_every: str) -> "Recorder":
    """Returns a recorder that neither samples nor evaluates."""
    return pocketgan.record(
        folder, sample=draw, pixel_range="0:1", name="minimal", log_every=log_every, sample_every="none",
        evaluate_every="none", progress=False,
    )  # fmt: skip


def calls_alone(folder: str, count: int) -> list[float]:
    """Returns the seconds of each of `count` calls of `step` without a row, on the values of one step of the loop."""
    values, results = Loop().step(), list[float]()
    with recorder(folder, f"{10 * count} steps") as run:
        for _ in range(count):
            before = time.perf_counter()
            run.step(images=BATCH, **values)
            results.append(time.perf_counter() - before)
    return results[1:]  # The first call also asks for images.


def block_without(loop: Loop) -> float:
    """Returns the seconds of a block of steps."""
    start = time.perf_counter()
    for _ in range(BLOCK):
        loop.step()
    return time.perf_counter() - start


def block_with(loop: Loop, run: "Recorder", between: list[float], rows: list[float]) -> float:
    """Returns the seconds of a block of recorded steps, and adds those of each call of `step` to the lists."""
    start = time.perf_counter()
    for number in range(1, BLOCK + 1):
        values = loop.step()
        before = time.perf_counter()
        run.step(images=BATCH, **values)
        (rows if number == BLOCK else between).append(time.perf_counter() - before)
    return time.perf_counter() - start


def interval_of_median(values: list[float]) -> tuple[float, float]:
    """Returns a 95% confidence interval of the median, from the order of the values alone (binomial)."""
    ordered, count = sorted(values), len(values)
    low = int(binom.ppf(0.025, count, 0.5))
    return ordered[max(0, low - 1)], ordered[min(count - 1, count - low)]


def main() -> None:
    """Measures, and prints a line for each question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=120)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    loop, plain, between, rows, ratios = Loop(), list[float](), list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        alone = calls_alone(f"{folder}/calls", given.calls)
        with recorder(f"{folder}/run", f"{BLOCK} steps") as run:
            block_without(loop)
            block_with(loop, run, [], [])
            for number in range(given.pairs):
                if number % 2:
                    own = block_with(loop, run, between, rows)
                    plain.append(block_without(loop))
                else:
                    plain.append(block_without(loop))
                    own = block_with(loop, run, between, rows)
                ratios.append(own / plain[-1])
    step = median(plain) / BLOCK
    calls = (median(between) * (BLOCK - 1) + median(rows)) / BLOCK
    low, high = interval_of_median(ratios)
    ninth = 1e6 * sorted(alone)[9 * len(alone) // 10]
    print(f"step() alone:        median {1e6 * median(alone):.1f} µs, 90% below {ninth:.1f} µs ({len(alone)} calls)")
    print(f"step() in the loop:  median {1e6 * median(between):.1f} µs between rows")
    print(f"step() with a row:   median {1e3 * median(rows):.2f} ms, every {BLOCK} steps")
    print(f"a step of the loop:  median {1e6 * step:,.0f} µs")
    print(f"share of step() in the loop, by these medians: {calls / step:.2%}")
    print(
        f"loop with step() to loop without: {median(ratios):.4f} (median of {len(ratios)} pairs; "
        f"95%: {low:.4f} to {high:.4f})"
    )


if __name__ == "__main__":
    main()
