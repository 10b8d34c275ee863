"""Does the watchdog report failures early, and nothing else? `python benchmarks/watchdog.py --out DIR`.

Every diagnosis but `ignores_input` has a run that provokes it, on small parts of MNIST, each over several seeds. A run
counts as detected if the right diagnosis is reported by half of it. Other failing runs are of kinds on
which no threshold was set; there, any report counts. Healthy runs on all of MNIST should give no report.

Trains one run after the other, on one thread. Keeps a row of each in `rows.jsonl` in the folder `--out`; the same
command continues. Without `--out`, the tables of `docs/results/watchdog.md` are made of the rows in `watchdog.jsonl`,
beside this file; copy new rows there.
"""

import argparse
import contextlib
import io
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest

from pocketgan.base.errors import INTERRUPTED
from pocketgan.cli.main import main as command
from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import load_images
from pocketgan.runs.run import Run
from rows import read_rows

STORED = Path(__file__).parent / "watchdog.jsonl"
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
STEPS = f"--iterations 1000 --evaluate-every 50_steps {SMALL}"
SHORT = "--iterations 200 --evaluate-every 20_steps --evaluate-count 500"
UNSEEN = {
    "minimal: unchanged": f"minimal {STEPS}",
    "minimal: generator hardly learns": f"minimal --learning-rate 1e-9 --discriminator-learning-rate 1e-3 {STEPS}",
    "minimal: discriminator hardly learns": f"minimal --discriminator-learning-rate 1e-9 {STEPS}",
    "minimal: learning rate 300 times too high": f"minimal --learning-rate 0.3 {STEPS}",
    "minimal: momentum of 0.999": f"minimal --beta1 0.999 {STEPS}",
    "minimal: latent vector of one number": "minimal --latent-dim 1 --iterations 2000 --evaluate-every 100_steps "
    f"{SMALL}",
    "minimal: hidden layers of one unit": f"minimal --hidden-dim 1 {STEPS}",
    "minimal: batches of one image": f"minimal --batch-size 1 {STEPS}",
    "pocket: generator hardly learns": f"pocket --learning-rate 1e-9 --discriminator-learning-rate 1.5e-3 {SHORT}",
    "pocket: discriminator hardly learns": f"pocket --discriminator-learning-rate 1e-9 {SHORT}",
    "pocket: learning rate 100 times too high": f"pocket --learning-rate 0.15 {SHORT}",
    "pocket: momentum of 0.999": f"pocket --beta1 0.999 {SHORT}",
    "pocket: latent vector of one number": f"pocket --latent-dim 1 {SHORT}",
    "pocket: layers of one channel": f"pocket --hidden-dim 1 {SHORT}",
    "pocket: batches of two images": f"pocket --batch-size 2 {SHORT}",
}
"""Runs that should fail, in ways on which no threshold was set; the unchanged one shows what `minimal` does anyway."""
HEALTHY = {
    "pocket": f"pocket {SHORT}",
    "pocket, without labels": f"pocket --no-conditional {SHORT}",
    "translator": f"translator --task invert {SHORT}",
}
"""Runs that train well, in which no report is due."""
KINDS = {"healthy": HEALTHY, "unseen": UNSEEN, "provoked": PROVOKED}


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


def measured(kind: str, name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Trains one run on one thread, and returns its row; a failing run is no error here."""
    out = folder / f"{name.replace(',', '').replace(':', '').replace(' ', '-')}-{seed}"
    words = [word.replace("_", " ") if word[0].isdigit() else word for word in KINDS[kind][name].split()]
    words = ["train", *(word.format(folder=folder) for word in words), "--seed", str(seed), "--threads", "1"]
    words += ["--sample-every", "none", "--out", str(out)]
    if (out / "config.json").exists():
        words = ["resume", str(out)]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = command([*words, "--quiet"])
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    run = Run.open(out)
    reports: dict[str, int] = {}
    for event in run.events():
        if event["event"] == "diagnosis":
            reports.setdefault(event["name"], int(event["step"]))
    evaluations = [row for row in run.metrics() if row.get("frechet_distance") is not None]
    distances = [float(f"{row['frechet_distance']:.4g}") for row in evaluations]
    floors = [row.get("frechet_floor") for row in evaluations]
    row: dict[str, Any] = {"kind": kind, "name": name, "seed": seed, "steps": run.plan.steps, "reports": reports}
    row |= {"evaluations": len(evaluations), "seconds": round(run.status().seconds)}
    row |= {"best": min(distances, default=None), "end": distances[-1] if distances else None}
    return row | {"baseline": float(f"{floors[-1]:.4g}") if floors and floors[-1] is not None else None}


def early(row: dict[str, Any]) -> dict[str, int]:
    """Returns the step at which each diagnosis was first reported, up to half of the run."""
    return {name: step for name, step in row["reports"].items() if step <= row["steps"] / 2}


def counts(reports: list[dict[str, int]], leave: str = "") -> str:
    """Returns in how many runs each diagnosis was reported, leaving one out."""
    names = sorted({name for report in reports for name in report} - {leave})
    return ", ".join(f"`{name}` {sum(name in report for report in reports)}" for name in names) or "none"


def distance(rows: list[dict[str, Any]]) -> str:
    """Returns the median Fréchet distance of the last evaluations."""
    ends = [row["end"] for row in rows if row["end"] is not None]
    return f"{statistics.median(ends):.3g}" if ends else "–"


def tables(rows: list[dict[str, Any]]) -> list[str]:
    """Returns the tables in Markdown: provoked failures, other failures and healthy runs; and the false-alarm rate.

    What has no row yet is left out.
    """
    groups = {
        kind: {name: runs for name in names if (runs := [row for row in rows if row["name"] == name])}
        for kind, names in KINDS.items()
    }
    titles = ("provoked failure", "detected by half", "first report (median, % of the run)", "other diagnoses by half")
    provoked = [f"| {' | '.join(titles)} |"]
    provoked += ["| --- | ---: | ---: | --- |"]
    for name, runs in groups["provoked"].items():
        shares = [row["reports"][name] / row["steps"] for row in runs if name in early(row)]
        middle = f"{100 * statistics.median(shares):.0f}" if shares else "–"
        others = counts([early(row) for row in runs], name)
        provoked.append(f"| `{name}` | {len(shares)} of {len(runs)} | {middle} | {others} |")
    unseen = ["| other failure | reported by half | diagnoses by half | FD at the end (median, lower is better) |"]
    unseen += ["| --- | ---: | --- | ---: |"]
    for name, runs in groups["unseen"].items():
        reports = [early(row) for row in runs]
        loud = sum(map(bool, reports))
        unseen.append(f"| {name} | {loud} of {len(runs)} | {counts(reports)} | {distance(runs)} |")
    healthy = ["| healthy runs | with a report | diagnoses | FD at the end (median, lower is better) | baseline |"]
    healthy += ["| --- | ---: | --- | ---: | ---: |"]
    for name, runs in groups["healthy"].items():
        loud = [row["reports"] for row in runs if row["reports"]]
        floors = [row["baseline"] for row in runs if row["baseline"] is not None]
        floor = f"{statistics.median(floors):.3g}" if floors else "–"
        healthy.append(f"| {name} | {len(loud)} of {len(runs)} | {counts(loud)} | {distance(runs)} | {floor} |")
    quiet = [row for runs in groups["healthy"].values() for row in runs]
    alarms = rate(sum(bool(row["reports"]) for row in quiet), len(quiet))
    return ["\n".join(provoked), "\n".join(unseen), "\n".join(healthy), alarms]


def rate(false: int, total: int) -> str:
    """Returns the false-alarm rate with its exact 95% interval (Clopper and Pearson 1934)."""
    if not total:
        return "No healthy run was measured."
    interval = binomtest(false, total).proportion_ci(method="exact")
    return f"False alarms: {false} of {total} runs, 95% interval {interval.low:.1%} to {interval.high:.1%}."


def main() -> None:
    """Measures what is left, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help="which diagnoses, other failures or healthy recipes; by default all")
    parser.add_argument("--out", type=Path, help="folder of the runs and rows; without it, the stored rows are shown")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=20, help="0 to 9 were used while thresholds were chosen")
    arguments = parser.parse_args()
    if arguments.out is None:
        print("\n\n".join(tables(read_rows(STORED))))
        return
    prepare(arguments.out)
    record = arguments.out / "rows.jsonl"
    rows = read_rows(record)
    known = {(row["name"], row["seed"]) for row in rows}
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for kind, name in [(kind, name) for kind, names in KINDS.items() for name in names]:
            if (name, seed) not in known and (not arguments.only or name in arguments.only):
                rows.append(measured(kind, name, seed, arguments.out))
                with record.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    print("\n\n".join(tables(rows)))


if __name__ == "__main__":
    main()
