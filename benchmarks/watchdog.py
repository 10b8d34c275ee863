"""Does the watchdog report failures early, and nothing else? `make bench-watchdog`.

Every diagnosis has a run that provokes it, on small parts of MNIST, each over several seeds. A run counts as detected
if the right diagnosis is reported before half of it is done. Other failing runs are of kinds on which no threshold was
set; there, any report counts. Healthy runs on all of MNIST should give no report. Runs that are already in the folder
are not repeated. Prints the tables of `docs/results/watchdog.md`.
"""

import argparse
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from scipy.stats import binomtest

from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import load_images
from pocketgan.runs.run import Run

SIZES = (400, 4000)
SMALL = "--data {folder}/mnist-4000.npz --features digits --evaluate-count 300"
FEW = "--data {folder}/mnist-400.npz --features digits --evaluate-count 300"
SMOOTH = "--objective relativistic --discriminator-batches concatenated --beta1 0 --beta2 0.99"
PROVOKED = {
    "non_finite": "comparison --objective wasserstein --discriminator-batches concatenated --depth 10 --hidden-dim 16 "
    f"--width 0.1 --learning-rate 1 --iterations 200 --evaluate-every 10_steps --log-every 10_steps {SMALL}",
    "discriminator_won": "minimal --objective minimax --learning-rate 2e-5 --discriminator-learning-rate 2e-3 "
    f"--iterations 1000 --evaluate-every 50_steps {SMALL}",
    "mode_collapse": "comparison --learning-rate 2e-3 --discriminator-learning-rate 2e-5 --iterations 1000 "
    f"--evaluate-every 50_steps {SMALL}",
    "oscillation": "comparison --objective wasserstein --discriminator-batches concatenated --learning-rate 1e-3 "
    f"--iterations 3000 --evaluate-every 60_steps {SMALL}",
    "discriminator_overfitting": f"comparison --hidden-dim 256 --batch-size 64 {SMOOTH} --r1 0.003 --r2 0.003 "
    f"--iterations 3000 --evaluate-every 80_steps --validation 0.5 {FEW}",
    "memorisation": "pocket --width 0.4 --batch-size 32 --r1 0.03 --r2 0.03 --schedule constant "
    f"--ema-half-life 2_kimg --iterations 2400 --evaluate-every 60_steps --validation 0.8 {FEW}",
    "past_best": f"comparison {SMOOTH} --r1 0.1 --r2 0.1 --learning-rate 0.05 --warmup 3000_steps --iterations 4000 "
    f"--evaluate-every 100_steps {SMALL}",
    "stagnation": f"comparison --learning-rate 1e-7 --iterations 400 --evaluate-every 20_steps {SMALL}",
}
UNSEEN = {
    "generator hardly learns": "minimal --learning-rate 1e-9 --discriminator-learning-rate 1e-3 --iterations 1000 "
    f"--evaluate-every 50_steps {SMALL}",
    "discriminator hardly learns": "minimal --discriminator-learning-rate 1e-9 --iterations 1000 "
    f"--evaluate-every 50_steps {SMALL}",
    "latent vector of one number": f"minimal --latent-dim 1 --iterations 2000 --evaluate-every 100_steps {SMALL}",
    "learning rate 300 times too high": "minimal --learning-rate 0.3 --iterations 1000 "
    f"--evaluate-every 50_steps {SMALL}",
}
"""Runs that fail in ways on which no threshold was set."""
HEALTHY = {
    "pocket": "pocket --iterations {pocket} --evaluate-every {pocket_every}_steps --evaluate-count 1000",
    "dcgan": "dcgan --iterations {dcgan} --evaluate-every {dcgan_every}_steps --evaluate-count 1000",
    "minimal": "minimal --iterations {minimal} --evaluate-every {minimal_every}_steps --evaluate-count 1000",
}


def prepare(folder: Path) -> None:
    """Writes the small parts of MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    images = load_images(DataConfig())
    assert images.labels is not None
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(5))
    for size in SIZES:
        part = images.part(order[:size])
        assert part.labels is not None
        np.savez_compressed(folder / f"mnist-{size}.npz", images=part.images.numpy(), labels=part.labels.numpy())


def train(command: str, seed: int, out: Path) -> Run:
    """Trains one run on one thread, or opens it where it is done; a failing one is no error here."""
    if not (out / "config.json").exists():
        words = [word.replace("_", " ") if word[0].isdigit() else word for word in command.split()]
        more = ["--seed", str(seed), "--threads", "1", "--sample-every", "none", "--out", str(out), "--quiet"]
        subprocess.run([sys.executable, "-m", "pocketgan", "train", *words, *more], capture_output=True, check=False)
    return Run.open(out)


def named(run: Run, share: float = 1.0) -> dict[str, int]:
    """Returns the step at which each diagnosis was first named, up to a share of the run."""
    found: dict[str, int] = {}
    for event in run.events():
        if event["event"] == "diagnosis" and event["step"] <= share * run.plan.steps:
            found.setdefault(event["name"], int(event["step"]))
    return found


def main() -> None:
    """Runs, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="which diagnoses or healthy recipes; by default all")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("runs/watchdog"))
    parser.add_argument("--pocket", type=int, default=1000, help="steps of a healthy run of pocket")
    parser.add_argument("--dcgan", type=int, default=300, help="steps of a healthy run of dcgan")
    parser.add_argument("--minimal", type=int, default=4000, help="steps of a healthy run of minimal")
    arguments = parser.parse_args()
    prepare(arguments.folder)
    lengths = {"pocket": arguments.pocket, "dcgan": arguments.dcgan, "minimal": arguments.minimal}
    every = {f"{name}_every": max(1, steps // 10) for name, steps in lengths.items()}
    jobs = {name: text.format(folder=arguments.folder) for name, text in PROVOKED.items()}
    jobs |= {name: text.format(folder=arguments.folder) for name, text in UNSEEN.items()}
    jobs |= {name: text.format(**lengths, **every) for name, text in HEALTHY.items()}
    jobs = {name: text for name, text in jobs.items() if not arguments.only or name in arguments.only}
    with ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {
            name: [
                pool.submit(train, text, seed, arguments.folder / f"{name.replace(' ', '-')}-{seed}")
                for seed in range(arguments.seeds)
            ]
            for name, text in jobs.items()
        }
        print("| provoked | detected before half | first report (median) | other diagnoses before half |")
        print("| --- | ---: | ---: | --- |")
        for name in [name for name in PROVOKED if name in jobs]:
            early = [named(job.result(), 0.5) for job in runs[name]]
            plan = runs[name][0].result().plan.steps
            steps = [found[name] for found in early if name in found]
            middle = f"{statistics.median(steps) / plan:.0%} of the run" if steps else ""
            others = sorted({other for found in early for other in found} - {name})
            counts = ", ".join(f"{other} {sum(other in found for found in early)}" for other in others)
            print(f"| `{name}` | {len(steps)} of {len(early)} | {middle} | {counts} |", flush=True)
        print("\n| other failure | reported before half | diagnoses before half |\n| --- | ---: | --- |")
        for name in [name for name in UNSEEN if name in jobs]:
            early = [named(job.result(), 0.5) for job in runs[name]]
            known = sorted({one for found in early for one in found})
            counts = ", ".join(f"`{one}` {sum(one in found for found in early)}" for one in known)
            print(f"| {name} | {sum(map(bool, early))} of {len(early)} | {counts or 'none'} |", flush=True)
        print("\n| healthy | runs | with a report |\n| --- | ---: | --- |")
        total, false = 0, 0
        for name in [name for name in HEALTHY if name in jobs]:
            reports = [", ".join(named(job.result())) for job in runs[name]]
            loud = [report for report in reports if report]
            total, false = total + len(reports), false + len(loud)
            print(f"| `{name}`, {lengths[name]} steps | {len(reports)} | {len(loud)}: {'; '.join(loud) or 'none'} |")
        if total:
            interval = binomtest(false, total).proportion_ci(method="exact")
            print(
                f"\nFalse alarms: {false} of {total}, 95% interval {interval.low:.1%} to {interval.high:.1%} (exact)."
            )


if __name__ == "__main__":
    main()
