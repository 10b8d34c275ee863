"""Tests what course projects read off the losses of `latent-dim` and `hidden-dim`: how they change, and how steadily.

    pocketgan study latent-dim --out studies/latent-dim
    python benchmarks/loss_curves.py studies/latent-dim --steadiest latent_dim=150 --after 4000 --losses g_loss d_loss
    pocketgan study hidden-dim --out studies/hidden-dim
    python benchmarks/loss_curves.py studies/hidden-dim --steadiest hidden_dim=256 --after 10000

The logs alone are enough, as `docs/results/coursework/data` keeps them.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from long_run import EVERY, swings
from pocketgan.studies.statistics import holm, permutation_p_value
from pocketgan.studies.study import Study

CURVES = ("accuracy", "d_loss", "g_loss")
"""Curves that have a trend; the accuracy is the mean of those on real and on generated images."""
ACCURACIES = ("d_real_accuracy", "d_fake_accuracy")


@dataclass(frozen=True)
class Steadiness:
    """One comparison of two variants' swings, paired by seed.

    Attributes:
        loss: the loss that is compared.
        other: the variant that the claimed one is compared with.
        claimed, against: mean swings of the claimed variant and of the other.
        steadier: number of seeds in which the claimed variant swings less.
        seeds: number of seeds.
        adjusted: p-value of an exact permutation test, after Holm's correction for all comparisons.
    """

    loss: str
    other: str
    claimed: float
    against: float
    steadier: int
    seeds: int
    adjusted: float


def curves_of(study: Study) -> dict[tuple[str, int], dict[str, np.ndarray]]:
    """Returns the logged curves of each variant and seed: `step`, the losses and the accuracy."""
    found = {}
    for job in study.jobs():
        run = job.run()
        if run is None:
            raise SystemExit(f"{job.folder}: no run; let the study end first")
        rows = [row for row in run.stats() if row["step"] % EVERY == 0]
        curves = {name: np.array([row[name] for row in rows]) for name in ("step", "d_loss", "g_loss", *ACCURACIES)}
        curves["accuracy"] = np.mean([curves[name] for name in ACCURACIES], axis=0)
        found[job.variant, job.seed] = curves
    return found


def trends(study: Study, name: str) -> list[float]:
    """Returns the rank correlation of a curve with the step, for each run."""
    return [float(spearmanr(curves["step"], curves[name]).statistic) for curves in curves_of(study).values()]


def steadiness(study: Study, claimed: str, losses: Sequence[str], start: int) -> list[Steadiness]:
    """Compares the swings of a variant's losses with those of each other one, corrected for all comparisons.

    Args:
        study: the study.
        claimed: the variant that is said to be steadiest.
        losses: `g_loss`, `d_loss` or both.
        start: step after which losses count.
    """
    curves = curves_of(study)
    ends = {key: int(one["step"][-1]) for key, one in curves.items()}
    pairs = {}
    for loss in losses:
        values = {key: swings(one["step"], one[loss], start, ends[key]) for key, one in curves.items()}
        for other in study.variants:
            if other != claimed:
                pairs[loss, other] = np.array([[values[claimed, s], values[other, s]] for s in study.seeds()])
    p_values = [permutation_p_value(pair[:, 0] - pair[:, 1]) for pair in pairs.values()]
    return [
        Steadiness(*key, *pair.mean(axis=0), int((pair[:, 0] < pair[:, 1]).sum()), len(pair), adjusted)
        for (key, pair), adjusted in zip(pairs.items(), holm(p_values), strict=True)
    ]


def main() -> None:
    """Reads the command line, and prints trends and comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="the study's folder")
    parser.add_argument("--steadiest", required=True, help="the variant that is said to be steadiest")
    parser.add_argument("--losses", nargs="+", default=["g_loss"], choices=["g_loss", "d_loss"], help="losses compared")
    parser.add_argument("--after", type=int, default=0, help="step after which losses count")
    options = parser.parse_args()
    study = Study.open(options.study)
    if options.steadiest not in study.variants:
        parser.error(f"--steadiest {options.steadiest}: the study has {', '.join(study.variants)}")
    for name in CURVES:
        found = trends(study, name)
        rising = sum(one > 0 for one in found)
        print(f"{name}: {min(found):.2f} to {max(found):.2f} with the step, rises in {rising} of {len(found)} runs")
    for test in steadiness(study, options.steadiest, options.losses, options.after):
        print(
            f"{test.loss}, {options.steadiest} and {test.other}: {test.claimed:.3g} and {test.against:.3g}, "
            f"steadier in {test.steadier} of {test.seeds} seeds, corrected p = {test.adjusted:.3g}"
        )


if __name__ == "__main__":
    main()
