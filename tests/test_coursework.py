"""A page of the coursework's claims says what the kept folder of its study says."""

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from pocketgan.studies.report.write import write_report
from pocketgan.studies.study import Study
from pocketgan.studies.verdicts import judge

COURSEWORK = Path(__file__).parents[1] / "docs" / "results" / "coursework"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    with tarfile.open(COURSEWORK / "data" / "convolutions.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    return Study.open(tmp_path / "convolutions")


def test_the_page_on_convolutions_says_what_the_study_says(study: Study) -> None:
    page, verdict = (COURSEWORK / "convolutions.md").read_text(encoding="utf-8"), judge(study)
    (pair,) = verdict.comparisons
    assert (pair.first, pair.second, pair.verdict) == ("dcgan", "mlp", "better")
    assert pair.difference is not None and pair.adjusted is not None
    assert f"p = {pair.adjusted:.3f}" in page and f"difference is {-pair.difference.estimate:.0f}" in page
    for summary in verdict.variants:
        assert summary.quality is not None
        low, high = f"{summary.quality.low:.3g}", f"{summary.quality.high:.3g}"
        steps = 2600 if summary.name == "mlp" else 420
        line = next(line for line in page.splitlines() if line.startswith(f"| `{summary.name}` |"))
        assert (
            f"| {len(summary.finished)} | {steps:,} |" in line and f"| {summary.mean:.3g} | {low} to {high} |" in line
        )


def test_the_discriminator_is_mostly_right_where_its_loss_is_half(study: Study) -> None:
    shares = []
    for job in study.jobs():
        run = job.run()
        assert run is not None
        rows = [at(run.stats(), row["step"]) for row in run.metrics()]
        nearest = min(rows, key=lambda row: abs(row["d_loss"] - 0.5))
        shares += [nearest["d_real_accuracy"], nearest["d_fake_accuracy"]]
    assert len(shares) == 24
    text = f"about {min(shares):.0%} to {max(shares):.0%} of the real and of the generated images"
    assert text in (COURSEWORK / "convolutions.md").read_text(encoding="utf-8")
    assert np.median(shares) > 0.9


def test_the_generators_loss_goes_with_the_distance_as_the_page_says(study: Study) -> None:
    ranges = []
    for variant in ("mlp", "dcgan"):
        correlations = []
        for job in study.jobs():
            if job.variant == variant and (run := job.run()) is not None:
                distances = [row["frechet_distance"] for row in run.metrics()]
                losses = [at(run.stats(), row["step"])["g_loss"] for row in run.metrics()]
                correlations.append(spearmanr(losses, distances).statistic)
        assert len(correlations) == 6
        ranges.append(f"{min(correlations):.1g} to {max(correlations):.1g} for `{variant}`".replace("-", "−"))
    assert ", ".join(ranges) in (COURSEWORK / "convolutions.md").read_text(encoding="utf-8")


def at(rows: list[dict[str, Any]], step: int) -> dict[str, Any]:
    """The row of losses of a step, or the nearest one."""
    return min(rows, key=lambda row: abs(row["step"] - step))


@pytest.mark.slow
def test_the_report_is_written_again_from_the_kept_folder(study: Study) -> None:
    write_report(study, "en")
    assert "0.03125" in (study.folder / "report" / "comparisons.csv").read_text()
