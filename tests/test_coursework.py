"""A page of the coursework's claims says what the kept folder of its study says."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

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
        steps = [row["step"] for row in job.run().metrics()]
        rows = [min(job.run().stats(), key=lambda row: abs(row["step"] - step)) for step in steps]
        nearest = min(rows, key=lambda row: abs(row["d_loss"] - 0.5))
        shares += [nearest["d_real_accuracy"], nearest["d_fake_accuracy"]]
    assert len(shares) == 24
    text = f"about {min(shares):.0%} to {max(shares):.0%} of the real and of the generated images"
    assert text in (COURSEWORK / "convolutions.md").read_text(encoding="utf-8")
    assert np.median(shares) > 0.9


@pytest.mark.slow
def test_the_report_is_written_again_from_the_kept_folder(study: Study) -> None:
    write_report(study, "en")
    assert "0.03125" in (study.folder / "report" / "comparisons.csv").read_text()
