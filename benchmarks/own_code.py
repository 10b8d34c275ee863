"""What `--code FILE` adds to the start of a command: `pocketgan summary mlp` with and without it, in turns.

    python benchmarks/own_code.py [--pairs 7]

The file defines a generator, a discriminator and a loss in PyTorch, which the command imports anyway. The order within
a pair alternates. Seconds of the processor count only this program, so they hold on a busy machine, too.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

SOURCE = """
import torch
from torch import nn
from torch.nn.functional import softplus
from pocketgan.training.objectives import separable

class Painter(nn.Module):
    def __init__(self, latent_dim, shape, *, hidden: int = 64):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, shape.pixels), nn.Tanh())

    def forward(self, z):
        return self.net(z)

class Critic(nn.Module):
    def __init__(self, shape, *, hidden: int = 64):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(shape.pixels, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, images):
        return self.net(images)

soft = separable(lambda real: softplus(-real), softplus, lambda real, fake: softplus(-fake), unit="nats")
"""


def seconds_of(arguments: list[str]) -> tuple[float, float]:
    """Runs a command; returns its time on the clock and on the processor."""

    def processor() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    clock, before = time.perf_counter(), processor()
    command = [sys.executable, "-m", "pocketgan", "summary", "mlp", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - clock, processor() - before


def main() -> None:
    """Measures, and prints a line for each kind of time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "my_gan.py"
        file.write_text(SOURCE)
        kinds = {"without": [], "with": ["--code", str(file)]}
        times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
        for arguments in kinds.values():
            seconds_of(arguments)  # The first start reads files from the disk, and compiles them.
        for number in range(pairs):
            for kind in list(kinds)[:: 1 if number % 2 else -1]:
                times[kind].append(seconds_of(kinds[kind]))
    for place, name in enumerate(("clock", "processor")):
        plain, own = ([one[place] for one in times[kind]] for kind in ("without", "with"))
        extra = [second - first for first, second in zip(plain, own, strict=True)]
        print(
            f"{name}: {median(plain):.2f} s without, {median(own):.2f} s with --code; "
            f"median difference {median(extra):+.2f} s ({min(extra):+.2f} to {max(extra):+.2f}, {pairs} pairs)"
        )


if __name__ == "__main__":
    main()
