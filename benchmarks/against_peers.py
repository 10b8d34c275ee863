"""Compares the `minimal` recipe's training speed with the same GAN written the textbook Keras way.

Each runs in a process of its own, in alternation and never at the same time. Both train on the CPU, with the threads
that they take by default; imports, data loading and warm-up aren't timed. Started by `make bench-peers`.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from pocketgan.base.version import __version__
from pocketgan.config.plan import make_plan
from pocketgan.config.recipes import recipe
from pocketgan.experiment.experiment import find_facts
from pocketgan.images.batches import Batches
from pocketgan.images.sets import load_images
from pocketgan.runs.weights import image_shape
from pocketgan.training.state import create_state
from pocketgan.training.steps import train

ROOT = Path(__file__).parents[1]
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PEER = ROOT / "benchmarks" / "peers" / "keras_minimal.py"
WARMUP_STEPS = 50
CLAIM = 25


def measure_ours(seconds: float) -> dict[str, Any]:
    """Trains `minimal` for about `seconds` after the warm-up, and returns what was measured."""
    config, device = recipe("minimal"), "cpu"
    images = load_images(config.data)
    facts = find_facts(images)
    state = create_state(config, image_shape(facts, config.network.conditional), device)
    batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=config.seed, device=device)
    plan = make_plan(config, len(images)).model_copy(
        update={"steps": 10**9, "log_every": WARMUP_STEPS, "sample_every": None, "checkpoint_every": 1e9}
    )
    started, passed = None, 0.0
    with using_threads():
        for _ in train(state, batches, config, plan):
            if started is None:  # The first tick ends the warm-up.
                started = time.perf_counter()
            passed = time.perf_counter() - started
            if passed >= seconds:
                break
    steps = state.step - WARMUP_STEPS
    networks = (state.generator, state.discriminator)
    return {
        "steps": steps,
        "seconds": passed,
        "steps_per_second": steps / passed,
        "pocketgan": __version__,
        "torch": torch.__version__,
        "parameters": [sum(p.numel() for p in network.parameters()) for network in networks],
    }


def run(*command: str | Path) -> dict[str, Any]:
    """Runs a measurement in its own process, and returns the JSON of its last line."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stderr}against_peers: {command[1]} failed with exit code {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def processor() -> str:
    """Returns the processor's name and its number of cores."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = models[0].partition(":")[2].strip() if models else name
    return f"{name}, {os.cpu_count()} cores"


def compare(rounds: int, seconds: float) -> str:
    """Measures both, `rounds` times by turns, and returns the table."""
    if not PEER_PYTHON.exists():
        sys.exit(f"against_peers: there is no {PEER_PYTHON}; 'make bench-peers' makes it")
    rows, ratios = [], []
    for number in range(1, rounds + 1):
        peer = run(PEER_PYTHON, PEER, "--seconds", str(seconds))
        ours = run(sys.executable, Path(__file__), "--ours", "--seconds", str(seconds))
        if peer["parameters"] != ours["parameters"]:
            sys.exit(f"against_peers: {peer['parameters']} parameters against {ours['parameters']}: not the same GAN")
        ratios.append(ours["steps_per_second"] / peer["steps_per_second"])
        rows.append(
            f"| {number} | {peer['steps_per_second']:.1f} | {ours['steps_per_second']:.1f} | {ratios[-1]:.1f} |"
        )
    return "\n".join(
        [
            "| Round | Textbook Keras, steps/s | `minimal`, steps/s | Ratio |",
            "|---:|---:|---:|---:|",
            *rows,
            f"| **Median** | | | **{statistics.median(ratios):.1f}** |",
            "",
            f"The claim is a ratio of at least {CLAIM}. {seconds:g} s a measurement, on {processor()}.",
            f"Pocketgan {ours['pocketgan']} with PyTorch {ours['torch']}; "
            f"Keras {peer['keras']} with TensorFlow {peer['tensorflow']}.",
        ]
    )


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    parser.add_argument("--ours", action="store_true", help="measure `minimal` alone, in this process")
    options = parser.parse_args()
    print(json.dumps(measure_ours(options.seconds)) if options.ours else compare(options.rounds, options.seconds))


if __name__ == "__main__":
    main()
