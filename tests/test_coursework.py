"""A page of the coursework's claims says what the kept folder of its study says."""

import json
import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keep_study
import numpy as np
import pytest
from scipy.stats import spearmanr

import long_run
import loss_curves
from pocketgan.studies.report.write import write_report
from pocketgan.studies.study import Study
from pocketgan.studies.verdicts import Verdict, judge

COURSEWORK = Path(__file__).parents[1] / "docs" / "results" / "coursework"


def unpacked(name: str, folder: Path) -> Study:
    """Returns a study whose folder is kept."""
    with tarfile.open(COURSEWORK / "data" / f"{name}.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    return Study.open(folder / name)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return unpacked("convolutions", tmp_path)


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


def test_the_page_on_extensions_says_what_the_study_says(tmp_path: Path) -> None:
    study, page = unpacked("extensions", tmp_path), (COURSEWORK / "extensions.md").read_text(encoding="utf-8")
    verdict, index = judge(study), (COURSEWORK / "index.md").read_text(encoding="utf-8")
    claims = {"deeper": "Deeper layers", "augmented": "Data augmentation", "relu": "Other activations"}
    words = {"better": "supported", "worse": "contradicted", "no difference shown": "no difference shown"}
    for summary in verdict.variants:
        assert summary.quality is not None and len(summary.finished) == 7
        low, high = f"{summary.quality.low:.3g}", f"{summary.quality.high:.3g}"
        start = f"| `{summary.name}` | 7 | {summary.mean:.3g} | {low} to {high} |"
        line = next(line for line in page.splitlines() if line.startswith(start))
        for pair in verdict.comparisons:
            if pair.first == summary.name:
                assert pair.difference is not None
                difference = f"{pair.difference.estimate:.1f}".replace("-", "−")
                assert line.endswith(f"| {difference} | {pair.adjusted:.3f} |")
                claim = f"| {claims[pair.first]} would improve it. |"
                said = [line for text in (page, index) for line in text.splitlines() if line.startswith(claim)]
                assert len(said) == 2 and all(line.endswith(f"| {words[pair.verdict]} |") for line in said)
    figures = study.figures()
    counts = [sum(a < b for a, b in zip(figures[name], figures["dcgan"], strict=True)) for name in claims]
    assert counts == [6, 7, 3], "seeds in which each is better"


def test_the_page_on_single_digits_says_what_the_study_says(tmp_path: Path) -> None:
    study, page = unpacked("digits", tmp_path), (COURSEWORK / "digit-by-digit.md").read_text(encoding="utf-8")
    curves: dict[tuple[str, int], dict[int, float]] = {}
    ignoring = 0
    for job in study.jobs():
        if (run := job.run()) is not None:
            curves[job.variant.removeprefix("classes="), job.seed] = {
                row["step"]: row["frechet_distance"] for row in run.metrics()
            }
            ignoring += any(event.get("name") == "ignores_input" for event in run.events())
    assert len(curves) == 33 and ignoring == 32 and all(len(curve) == 11 for curve in curves.values())
    assert all((np.diff(list(curve.values())) > 0).any() for curve in curves.values()), "each rises"
    early = sum(min(curve, key=lambda step: curve[step]) < 5000 for curve in curves.values())
    assert f"{early} of them have their best evaluation before" in page
    changes = {run: curve[5001] / curve[3500] - 1 for run, curve in curves.items()}
    shown = {run: f"{round(100 * change):+}%".replace("-", "−") for run, change in changes.items()}
    for (name, seed), curve in curves.items():
        if not seed:
            best = min(curve, key=lambda step: curve[step])
            start = (
                f"| {name} | {curve[3500]:.1f} | {curve[5001]:.1f} | {shown[name, 0]} | {curve[best]:.1f} | {best:,} |"
            )
            assert start in page
            cells = [shown[name, one] for one in range(3)] + [
                f"{min(curves[name, one].values()):.1f}" for one in range(3)
            ]
            assert f"| {name} | {' | '.join(cells)} |" in page
    worse = {run for run, change in changes.items() if change > 0}
    assert f"Worse in {len(worse)} of 33 runs" in page
    names = {name for name, _ in curves}
    assert {name for name in names if not any((name, seed) in worse for seed in range(3))} == {"7", "8", "9"}
    assert not [name for name in names if all((name, seed) in worse for seed in range(3))]
    pooled = judge(study).moments[-1]
    assert pooled.runs == 33 and f"p = {pooled.adjusted:.3f}" in page


def test_the_page_on_the_long_run_says_what_the_study_says(tmp_path: Path) -> None:
    study, page = unpacked("long-run", tmp_path), (COURSEWORK / "long-run.md").read_text(encoding="utf-8")
    for line in [*long_run.quality_rows(study), *long_run.best_rows(study)]:
        assert line in page
    for moment in judge(study).moments:
        line = next(line for line in page.splitlines() if line.startswith(f"| {moment.step:,} iterations |"))
        assert line.endswith(f"| {moment.adjusted:.3f} | {moment.verdict} |")
    rows = long_run.read_rows(COURSEWORK / "data" / "long-run-pictures.csv")
    assert len(rows) == 20 * len(long_run.runs_of(study))
    steady, swings, pieces, gray = long_run.tests_of(study, rows)
    claims = {
        "Training is steady": (f"{steady.before:.3f} from", f"{steady.after:.3f} from", f"p = {steady.adjusted:.3f}"),
        "There are small swings": (
            f"{swings.before:.3f} from", f"{swings.after:.3f} from", f"p = {swings.adjusted:.3f}",
        ),
        "After 50,000, pictures": (
            f"{pieces.before:.1f} up to", f"{pieces.after:.1f} later", f"{gray.before:.0%}, {gray.after:.0%} later",
        ),
    }  # fmt: skip
    words = ("supported", "no difference shown", "supported")
    for (claim, figures), word in zip(claims.items(), words, strict=True):
        line = next(line for line in page.splitlines() if line.startswith(f"| {claim}"))
        assert [figure for figure in figures if figure not in line] == [] and line.endswith(f"| {word} |")
    assert (steady.lower, swings.lower, pieces.lower, gray.lower, gray.seeds) == (8, 1, 8, 8, 8)
    assert max(test.adjusted for test in (steady, pieces, gray)) <= 0.05 < swings.adjusted


def test_the_page_on_latent_sizes_says_what_the_study_says(tmp_path: Path) -> None:
    study, page = unpacked("latent-dim", tmp_path), (COURSEWORK / "latent-dim.md").read_text(encoding="utf-8")
    verdict, figures = check_quality(study, page), study.figures()
    for pair in verdict.comparisons:
        assert pair.difference is not None and pair.verdict == "no difference shown" and pair.adjusted == 1
        longer = sum(a > b for a, b in zip(figures[pair.first], figures[pair.second], strict=True))
        names = " and ".join(name.removeprefix("latent_dim=") for name in (pair.first, pair.second))
        low, high = (f"{value:.1f}".replace("-", "−") for value in (pair.difference.low, pair.difference.high))
        assert f"| {names} | {pair.difference.estimate:.1f} | {low} to {high} | {longer} of 8 |" in page
    first = {name: [seed for seed in range(8) if min(figures, key=lambda one: figures[one][seed] or 0) == name]
             for name in figures}  # fmt: skip
    for name, seeds in first.items():
        assert f"| {name.removeprefix('latent_dim=')} | {', '.join(map(str, seeds))} |" in page
    check_trends(study, page, {"accuracy": "falls", "d_loss": "rises", "g_loss": "falls"})
    tests = loss_curves.steadiness(study, "latent_dim=150", ["g_loss", "d_loss"], 4000)
    assert [test.steadier for test in tests] == [6, 5, 6, 7] and min(test.adjusted for test in tests) > 0.05
    of_generator, of_discriminator = tests[:2], tests[2:]
    assert "0.20 with 150, 0.25 with 100, 0.29 with 50" in page and "0.035, 0.040, 0.048" in page
    assert [f"{one:.2f}" for one in swings_of(of_generator)] == ["0.20", "0.25", "0.29"]
    assert [f"{one:.3f}" for one in swings_of(of_discriminator)] == ["0.035", "0.040", "0.048"]
    least, most = (f"{bound(test.adjusted for test in tests):.3f}" for bound in (min, max))
    assert f"four comparisons, p = {least} to {most} after correction" in page


def test_the_page_on_hidden_sizes_says_what_the_study_says(tmp_path: Path) -> None:
    study, page = unpacked("hidden-dim", tmp_path), (COURSEWORK / "hidden-dim.md").read_text(encoding="utf-8")
    verdict = check_quality(study, page)
    words = {("64", "128"): "worse", ("64", "256"): "no difference shown", ("128", "256"): "better"}
    for pair in verdict.comparisons:
        sizes = tuple(name.removeprefix("hidden_dim=") for name in (pair.first, pair.second))
        assert pair.verdict == words[sizes] and pair.difference is not None and pair.adjusted is not None
        if pair.verdict != "no difference shown":
            values = (pair.difference.estimate, *sorted((pair.difference.low, pair.difference.high), key=abs))
            estimate, low, high = (f"{abs(value):.1f}" for value in values)
            assert f"by {estimate} (95%: {low} to {high}), eight seeds, p = {pair.adjusted:.3f}" in page
    figures = study.figures()
    ahead = sum(a < b for a, b in zip(figures["hidden_dim=256"], figures["hidden_dim=64"], strict=True))
    assert ahead == 5 and "256 is ahead with five and 64 with three, p = 0.9" in page
    assert all(figures["hidden_dim=128"][seed] == min(values[seed] for values in figures.values()) for seed in range(8))
    latent = unpacked("latent-dim", tmp_path).figures()
    assert figures["hidden_dim=128"] == latent["latent_dim=100"], "the same settings"
    collapsed = [
        job.variant for job in study.jobs()
        if (run := job.run()) and any(event.get("name") == "mode_collapse" for event in run.events())
    ]  # fmt: skip
    assert collapsed == ["hidden_dim=256"]
    against = {test.other: test for test in loss_curves.steadiness(study, "hidden_dim=256", ["g_loss"], 10_000)}
    for size, steadier, word in (("64", 7, "supported"), ("128", 6, "no difference shown")):
        test = against[f"hidden_dim={size}"]
        start = f"| Late in training, the generator's loss is steadier with 256 than with {size}. |"
        line = next(line for line in page.splitlines() if line.startswith(start))
        assert f"{test.claimed:.3f} with 256, {test.against:.3f} with {size}" in line and test.steadier == steadier
        assert line.endswith(f"p = {test.adjusted:.3f} after correction. | {word} |")
        assert (test.adjusted <= 0.05) == (word == "supported")


def check_quality(study: Study, page: str) -> Verdict:
    """Checks a page's table of quality, and what it says of the confirmation seeds; returns the verdict."""
    verdict = judge(study)
    for summary in verdict.variants:
        assert summary.quality is not None and len(summary.finished) == 8
        low, high = (f"{value:.1f}" for value in (summary.quality.low, summary.quality.high))
        size = summary.name.partition("=")[2]
        assert f"| {size} | {summary.mean:.1f} | {low} to {high} |" in page
    again = verdict.confirmed
    assert again is not None
    assert f"{again.estimate:.1f} (95% interval {again.low:.1f} to {again.high:.1f})" in " ".join(page.split())
    return verdict


def check_trends(study: Study, page: str, directions: dict[str, str]) -> None:
    """Checks that each curve falls or rises in every run, with the rank correlations that the page has."""
    for curve, direction in directions.items():
        found = loss_curves.trends(study, curve)
        assert len(found) == 24 and (min(found) > 0 if direction == "rises" else max(found) < 0)
        span = f"Rank correlation with the step: {min(found):.2f} to {max(found):.2f}".replace("-", "−")
        assert span in page and f"{direction} in 24 of 24 runs" in page


def swings_of(tests: Sequence[loss_curves.Steadiness]) -> list[float]:
    """The mean swings of the claimed variant, and of the others from the last one to the first."""
    return [tests[0].claimed, *(test.against for test in reversed(tests))]


def test_the_index_counts_the_claims_of_all_pages() -> None:
    counts: Counter[str] = Counter()
    for path in COURSEWORK.glob("*.md"):
        table = False
        for line in path.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("| ").split("|")] if line.startswith("|") else []
            if path.name != "index.md" and table and cells and not cells[0].startswith("---"):
                counts[cells[-1]] += 1
            table = bool(cells) and (table or (cells[0], cells[-1]) == ("claim", "verdict"))
    index = (COURSEWORK / "index.md").read_text(encoding="utf-8")
    assert set(counts) == {"supported", "contradicted", "no difference shown", "undecided"}
    assert f"{counts.total()} claims have one" in index
    held = f"{counts['supported']} of {counts.total()} hold, and {counts['contradicted']} are contradicted"
    assert held in " ".join(index.split())
    for verdict, count in counts.items():
        assert next(line for line in index.splitlines() if line.startswith(f"| {verdict} |")).endswith(f"| {count} |")


def test_swings_are_measured_around_a_line_and_noise_is_many_pieces() -> None:
    steps = np.arange(0, 20_001, 500)
    losses = 2.0 + steps / 10_000 + 0.1 * np.where(steps % 1000, 1, -1)
    assert long_run.swings(steps, losses, 0, 20_000) == pytest.approx(0.1, rel=0.05)
    image = np.zeros((28, 28), np.uint8)
    image[2:6, 2:6], image[10, 10], image[11, 11], image[20, 20] = 255, 100, 100, 40
    assert long_run.pieces(image) == 3 and long_run.gray_share(image) == pytest.approx(3 / 19)


def test_a_kept_study_has_neither_checkpoints_nor_places(tmp_path: Path) -> None:
    study = unpacked("extensions", tmp_path / "first")
    (study.folder / "runs" / "dcgan" / "seed-0" / "checkpoint.safetensors").write_bytes(b"x" * 100)
    keep_study.pack(study.folder, tmp_path / "again.tar.xz")
    assert (tmp_path / "again.tar.xz").read_bytes() == (COURSEWORK / "data" / "extensions.tar.xz").read_bytes()
    path = study.folder / "environment.json"
    path.write_text(json.dumps({"command": "pocketgan study /somewhere/x/docs/a.toml --out /elsewhere/studies/a"}))
    assert json.loads(keep_study.kept_content(path))["command"] == "pocketgan study docs/a.toml --out studies/a"


def at(rows: list[dict[str, Any]], step: int) -> dict[str, Any]:
    """The row of losses of a step, or the nearest one."""
    return min(rows, key=lambda row: abs(row["step"] - step))


@pytest.mark.slow
def test_the_report_is_written_again_from_the_kept_folder(study: Study) -> None:
    write_report(study, "en")
    assert "0.03125" in (study.folder / "report" / "comparisons.csv").read_text()
