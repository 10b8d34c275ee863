"""Does a device train, go on and generate as the CPU does? `python benchmarks/device_check.py --device cuda`

For every recipe, with data that is made up on the spot:

1. the losses of one step, from the same weights, images and noise, on the device and on the CPU, in float32;
2. training for some seconds, and images a second;
3. a run that is left half-way and goes on: the same bits as one that was not left;
4. generated or redrawn images, and an exported model that gives the same ones.

It prints a table to paste into an issue or a notebook, and ends with exit code 1 where something differs.
"""

import argparse
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

import pocketgan
from pocketgan.config.fields import replace
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.sections import RunConfig
from pocketgan.images.batches import Batches
from pocketgan.images.sets import load_images
from pocketgan.networks import ImageShape
from pocketgan.runs.rewinding import rewind
from pocketgan.training.checkpoints import read_checkpoint
from pocketgan.training.state import choose_device, create_state
from pocketgan.training.steps import next_batch, training_step

TOLERANCE = 2e-3
"""How far a loss may be from the CPU's, relatively: float32 sums of thousands of terms in another order."""
STEPS = 20
"""Of the runs that are left half-way and compared."""


@contextmanager
def noise_of_the_cpu() -> Iterator[None]:
    """Draws all random numbers on the CPU inside, from one seed, and moves them to where they are used."""
    generator = torch.Generator().manual_seed(0)
    draws = {name: getattr(torch, name) for name in ("randn", "rand", "randint")}

    def drawn(name: str):
        def draw(*sizes: object, device: object = None, generator: object = None, **rest: object) -> torch.Tensor:
            return draws[name](*sizes, generator=source, **rest).to(device or "cpu")

        source = generator
        return draw

    with patch.multiple(torch, **{name: drawn(name) for name in draws}):
        yield


def losses(config: RunConfig, device: str) -> tuple[float, float]:
    """Returns both losses of the first step, the discriminator's first."""
    images, device = load_images(config.data), choose_device(device)
    shape = ImageShape(*images.images.shape[1:3], len(images.class_names) if config.network.conditional else 0)
    state = create_state(config, shape, device)
    batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=0, device=device)
    with noise_of_the_cpu():
        d_loss, g_loss, *_ = training_step(state, next_batch(batches, 0, config), config, 1.0)
    return d_loss.item(), g_loss.item()


def same_bits(config: RunConfig, folder: Path) -> bool:
    """Whether a run that goes on from half its way ends with the weights of one that was never left."""
    fields = {"checkpoint_every": f"{STEPS // 2} steps", "keep_checkpoints": "all", "sample_every": "none"}
    run = pocketgan.train(replace(config, duration=f"{STEPS} steps", **fields), out=folder / "left", progress=False)
    last = run.checkpoints()[-1]
    whole = read_checkpoint(last).tensors
    last.unlink()
    rewind(run, STEPS // 2)
    run.write_status("interrupted", step=STEPS // 2, nimg=0, seconds=0.0)
    resumed = read_checkpoint(pocketgan.resume(run, progress=False).checkpoints()[-1]).tensors
    return all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def check(name: str, device: str, seconds: float, folder: Path) -> tuple[list[str], bool]:
    """Returns a row of the table for a recipe, and whether all is well."""
    data = made_up(folder / "data.npz", recipe(name))
    config = replace(recipe(name), data=str(data), device=device, validation=0, evaluate_every="none", classes="all")
    plain = replace(config, precision="float32", dropout=0.0)
    pairs = list(zip(losses(plain, device), losses(plain, "cpu"), strict=True))
    error = max(abs(one - other) / max(abs(other), 1e-6) for one, other in pairs)
    run = pocketgan.train(replace(config, duration=f"{seconds:g} s"), out=folder / "run", progress=False)
    speed = run.stats()[-1]["nimg"] / run.stats()[-1]["seconds"]
    resumed = same_bits(config, folder)
    if config.reads_images:
        drawn = alike = True
    else:
        model = pocketgan.export(run, folder / "model", format="safetensors", progress=False)
        one, other = run.generate(16).images, pocketgan.load(model.folder).generate(16).images
        drawn, alike = one.std() > 0, bool(np.array_equal(one, other))
    fine = error <= TOLERANCE and resumed and drawn and alike
    marks = ["yes" if value else "NO" for value in (resumed, drawn and alike)]
    return [name, run.environment.device, f"{error:.1e}", f"{speed:,.0f}", *marks], fine


def made_up(path: Path, config: RunConfig) -> Path:
    """Writes images that a recipe takes: 28 pixels and grey, or 32 and in colour for `stacked`."""
    random = np.random.default_rng(0)
    shape = (1000, 28, 28, 3) if config.data.data == "stacked-mnist" else (1000, 28, 28)
    np.savez(path, images=random.integers(0, 256, shape, dtype=np.uint8), labels=np.arange(1000) % 10)
    return path


def main() -> int:
    """Checks every recipe and prints a table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="cuda, mps, cpu or auto")
    parser.add_argument("--seconds", type=float, default=5.0, help="of training, for each recipe")
    parser.add_argument("--recipes", default=",".join(RECIPES))
    arguments = parser.parse_args()
    rows, fine = [], True
    for name in arguments.recipes.split(","):
        with tempfile.TemporaryDirectory() as folder:
            row, well = check(name, arguments.device, arguments.seconds, Path(folder))
        rows.append(row)
        fine &= well
    name = torch.cuda.get_device_name() if rows[0][1] == "cuda" else platform.processor() or platform.machine()
    print(f"pocketgan {pocketgan.__version__}, torch {torch.__version__}, {rows[0][1]}: {name}\n")
    print("| recipe | device | first losses against the CPU | images/s | resumes exactly | generates, exported alike |")
    print("| --- | --- | ---: | ---: | --- | --- |")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
