"""What a study costs and gains: `make bench-studies`.

Four runs of `comparison` (two variants, two seeds, 4,000 steps each, followed as usual), three ways in turn: by the
engine of `pocketgan train` one after the other in this process, with one thread and with all; and as a study. The
study's time is that of the whole command, with its processes' start, the last measurements and the page. Its overhead
is what its processes spend outside their runs.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from pocketgan.config.fields import replace
from pocketgan.experiment.experiment import run_experiment
from pocketgan.studies.config import study_config
from pocketgan.studies.report.write import write_report
from pocketgan.studies.running import run_study

STUDY = study_config(
    {
        "name": "speed",
        "recipe": "comparison",
        "factors": {"latent_dim": [50, 100]},
        "seeds": 2,
        "fresh_seeds": 0,
        "duration": "4000 steps",
    }
)


def one_after_the_other(folder: Path, threads: int) -> float:
    """Returns the seconds that the study's runs take one after the other."""
    start = time.perf_counter()
    for name, config in STUDY.configs().items():
        for seed in STUDY.seed_list(1):
            run_experiment(replace(config, seed=seed, threads=threads), folder / f"{name}-{seed}")
    return time.perf_counter() - start


def as_a_study(folder: Path) -> tuple[float, float]:
    """Returns the seconds that the study takes, and the share of its processes' time that is outside their runs."""
    start = time.perf_counter()
    study = run_study(STUDY, folder)
    write_report(study)
    seconds = time.perf_counter() - start
    inside = 0.0
    for job in study.jobs():
        run = job.run()
        assert run is not None
        began = (job.folder / "environment.json").stat().st_mtime
        inside += (job.folder / "status.json").stat().st_mtime - began
    return seconds, 1 - inside / (seconds * min(torch.get_num_threads(), len(study.jobs())))


def main() -> None:
    """Runs all three, and prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds, cores = parser.parse_args().rounds, torch.get_num_threads()
    rows: dict[str, list[float]] = {"one thread": [], f"{cores} threads": [], "study": [], "outside": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            rows["one thread"].append(one_after_the_other(folder / "one", 1))
            rows[f"{cores} threads"].append(one_after_the_other(folder / "all", 0))
            seconds, outside = as_a_study(folder / "study")
        rows["study"].append(seconds)
        rows["outside"].append(outside)
    middle = {name: statistics.median(values) for name, values in rows.items()}
    for name in ("one thread", f"{cores} threads"):
        gains = sorted(a / b for a, b in zip(rows[name], rows["study"], strict=True))
        spread = ", ".join(f"{gain:.2f}" for gain in gains)
        print(
            f"one after the other, {name}: {middle[name]:.0f} s; "
            f"the study gives {statistics.median(gains):.2f} times its throughput ({spread})"
        )
    print(f"the study: {middle['study']:.0f} s; {middle['outside']:.1%} of its processes' time is outside their runs")


if __name__ == "__main__":
    main()
