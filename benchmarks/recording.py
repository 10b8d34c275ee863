"""What `pocketgan.record` costs a loop: `step` between rows, and its share of the minimal PyTorch loop.

    python benchmarks/recording.py [--steps 6000] [--threads 1]

The loop is that of the recipe `minimal` (one hidden layer each, batch 32), written in plain PyTorch. Samples and
evaluations are off, since the question is what the loop pays all the time. Blocks of 100 steps with and without
`step` take turns, so that a drift of the machine concerns both.
"""

import argparse
import tempfile
import time
from statistics import median

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

import pocketgan

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


def main() -> None:
    """Measures, and prints a line for each question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    loop, plain, between, rows = Loop(), list[float](), list[float](), list[float]()
    ratios: list[float] = []
    options = {"name": "minimal", "log_every": f"{BLOCK} steps", "sample_every": "none", "evaluate_every": "none"}
    with (
        tempfile.TemporaryDirectory() as folder,
        pocketgan.record(f"{folder}/run", sample=draw, pixel_range="0:1", progress=False, **options) as run,
    ):
        for _ in range(given.steps // BLOCK):
            start = time.perf_counter()
            for _ in range(BLOCK):
                loop.step()
            without = time.perf_counter() - start
            plain.append(without / BLOCK)
            start = time.perf_counter()
            for number in range(1, BLOCK + 1):
                values = loop.step()
                before = time.perf_counter()
                run.step(images=BATCH, **values)
                (rows if number == BLOCK else between).append(time.perf_counter() - before)
            ratios.append((time.perf_counter() - start) / without)
    micro, step = sorted(1e6 * seconds for seconds in between), median(plain)
    own = (median(between) * (BLOCK - 1) + median(rows)) / BLOCK
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    print(f"step() between rows: median {median(micro):.1f} µs, fastest tenth below {micro[len(micro) // 10]:.1f} µs")
    print(f"step() with a row:   median {1e3 * median(rows):.2f} ms, every {BLOCK} steps")
    print(f"a step of the loop:  median {1e6 * step:,.0f} µs")
    print(f"share of step() in the loop, by these medians: {own / step:.2%}")
    spread = f"quartiles {low:.3f} and {high:.3f}"
    print(f"loop with step() to loop without: {middle:.3f} (median of {len(ratios)} pairs; {spread})")


if __name__ == "__main__":
    main()
