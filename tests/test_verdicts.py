"""What a study shows, on folders written by hand: known figures and curves, known verdicts and sentences."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocketgan.cli.tables import print_verdict
from pocketgan.config.plan import Plan
from pocketgan.metrics.words import TITLES
from pocketgan.runs.records import DataFacts, Environment
from pocketgan.runs.run import Run
from pocketgan.studies.config import study_config
from pocketgan.studies.curves import Curve, clock_of, curves_of, read_logs
from pocketgan.studies.report.write import write_report
from pocketgan.studies.running import line_of, table_of
from pocketgan.studies.sentences import chief_sentences, sentences
from pocketgan.studies.statistics import interquartile_mean
from pocketgan.studies.study import Job, Result, Study
from pocketgan.studies.verdicts import (
    LEVEL,
    TOGETHER,
    Moment,
    Reading,
    VariantSummary,
    Verdict,
    chosen_variant,
    judge,
)

FACTS = DataFacts(source="mnist", images=400, channels=1, size=28, class_names=(), digest="0")
PLAN = Plan(
    duration="1000 steps",
    steps=1000,
    log_every=10,
    sample_every=None,
    checkpoint_every=1000,
    evaluate_every=100,
    warmup=None,
    ema_half_life=None,
    steps_per_second=None,
)
ENVIRONMENT = Environment(
    pocketgan="0", python="3", torch="2", numpy="2", platform="", processor="", device="cpu", threads=1, command=""
)
STEPS = range(100, 1001, 100)
METRIC = "frechet_distance"

Curves = Callable[[str, int, int], dict[str, float]]
"""What a variant's run on a seed logs at a step."""


Write = Callable[..., Study]


def flat(name: str, seed: int, step: int) -> dict[str, float]:
    return {}


def write_rows(path: Path, rows: Sequence[dict[str, float]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_run(
    job: Job, figure: float | str | None, curves: Curves = flat, steps: Sequence[int] = STEPS, decides: str = METRIC
) -> None:
    """Writes a run that is done: a figure of the metric that decides, or `failed`; None: it isn't."""
    if figure is None:
        return
    job.folder.mkdir(parents=True)
    run = Run.create(job.folder, job.config, FACTS, PLAN, ENVIRONMENT)
    rows = []
    for step in steps:
        base = {"step": step, "nimg": 4 * step, "epoch": step / 100, "seconds": step / 50}
        losses = {"d_loss": 1.0, "g_loss": 1.0, "d_real_accuracy": 0.5, "d_fake_accuracy": 0.5}
        rows.append(
            base | losses | {METRIC: 10.0, "frechet_floor": 1.0, "modes": 5} | curves(job.variant, job.seed, step)
        )
    write_rows(job.folder / "stats.jsonl", rows)
    write_rows(job.folder / "metrics.jsonl", rows)
    run.write_status("finished", step=steps[-1], nimg=4, seconds=steps[-1] / 50)
    failed = figure == "failed"
    result = Result(
        variant=job.variant,
        seed=job.seed,
        state="failed" if failed else "finished",
        message="its loss wasn't finite" if failed else "",
        figures={} if failed else {METRIC: 10.0, "modes": 5.0, decides: float(figure)},
        seconds=steps[-1] / 50,
        diagnoses=["non_finite"] if failed else [],
    )
    (job.folder / "result.json").write_text(result.model_dump_json())


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a study: `write({"a": [1, 2, "failed", None], "b": [3, 4, 5, 6]}, moments=[500])`."""

    def make(
        figures: dict[str, Sequence[float | str | None]],
        curves: Curves = flat,
        *,
        fresh: dict[str, Sequence[float]] | None = None,
        steps: Sequence[int] = STEPS,
        **fields: Any,
    ) -> Study:
        base = {
            "name": "byhand",
            "recipe": "minimal",
            "variants": [{"name": name, "latent_dim": number} for number, name in enumerate(figures, start=4)],
            "seeds": max(1, *(len(found) for found in figures.values())),
            "fresh_seeds": max([0, *(len(found) for found in (fresh or {}).values())]),
        }
        number = len(list(tmp_path.iterdir()))
        study = Study.begin(study_config(base | fields), tmp_path / f"study-{number}")
        for name, found in figures.items():
            for seed, figure in zip(study.seeds(), found, strict=True):
                write_run(study.job(name, seed), figure, curves, steps, study.config.metric)
        for name, found in (fresh or {}).items():
            for job, figure in zip(study.fresh_jobs(name), found, strict=True):
                write_run(job, figure, curves, steps, study.config.metric)
        return study

    return make


def said(verdict: Verdict) -> str:
    return "\n".join(sentences(verdict))


def summary_of(verdict: Verdict, name: str) -> VariantSummary:
    (found,) = (summary for summary in verdict.variants if summary.name == name)
    return found


def moment_of(verdict: Verdict, name: str) -> Moment:
    (found,) = (moment for moment in verdict.moments if moment.variant == name)
    return found


def reading_of(verdict: Verdict, name: str) -> Reading:
    (found,) = (reading for reading in verdict.readings if name in reading.name)
    return found


GOOD, BAD = [10.0, 11, 12, 13, 14, 15], [20.0, 21.5, 22, 23, 24, 25]


# Between variants.


def test_a_lower_distance_is_better(write: Write) -> None:
    verdict = judge(write({"good": GOOD, "bad": BAD}))
    (pair,) = verdict.comparisons
    assert (pair.first, pair.second, pair.verdict, pair.pairs) == ("good", "bad", "better", 6)
    assert pair.adjusted == pytest.approx(1 / 32)
    assert pair.probability == 1
    assert verdict.chosen == "good"
    first = sentences(verdict)[0]
    assert first.startswith("good is better than bad by 10")
    assert "in Fréchet distance (95%: " in first
    assert first.endswith("p = 0.031.")


@pytest.mark.slow
def test_of_many_comparisons_the_first_are_said(write: Write) -> None:
    verdict = judge(write({"good": GOOD, "bad": BAD, "worse": [figure + 30 for figure in BAD]}))
    assert len(verdict.comparisons) == 3
    said = [text for text in chief_sentences(verdict, most=1) if "is better than" in text or "No difference" in text]
    assert said == sentences(verdict)[:1]


def test_a_higher_one_is_worse(write: Write) -> None:
    verdict = judge(write({"bad": BAD, "good": GOOD}))
    assert [pair.verdict for pair in verdict.comparisons] == ["worse"]
    assert sentences(verdict)[0].startswith("bad is worse than good by 10")
    assert verdict.chosen == "good"


def test_higher_may_be_better(write: Write) -> None:
    verdict = judge(write({"low": GOOD, "high": BAD}, direction="higher"))
    (pair,) = verdict.comparisons
    assert pair.verdict == "worse"
    assert pair.probability == 0
    assert verdict.chosen == "high"
    assert sentences(verdict)[0].startswith("low is worse than high by 10")
    high = summary_of(verdict, "high")
    assert high.best_of[-1] == max(BAD)
    assert high.best_of == sorted(high.best_of)


@pytest.mark.parametrize("metric", ["coverage", "precision", "recall", "modes", "label_agreement"])
def test_the_metric_says_which_way_is_better(metric: str, write: Write) -> None:
    verdict = judge(write({"high": BAD, "low": GOOD}, metric=metric, fresh={"high": BAD[:3]}))
    (pair,) = verdict.comparisons
    assert (pair.verdict, pair.probability) == ("better", 1)
    assert verdict.chosen == "high" and len(verdict.fresh) == 3
    assert summary_of(verdict, "high").best_of[-1] == max(BAD)
    assert not verdict.study.config.contradicts


@pytest.mark.slow
def test_a_study_may_contradict_its_metric_and_says_so(write: Write) -> None:
    figures = {"high": BAD, "low": GOOD}
    verdict = judge(write(figures, metric="coverage", direction="lower"))
    assert verdict.chosen == "low" and verdict.comparisons[0].verdict == "worse"
    assert verdict.study.config.contradicts and "direction = 'lower'" in said(verdict)
    assert "direction = " not in said(judge(write(figures, metric="coverage", direction="higher")))
    assert "direction = " not in said(judge(write(figures, metric="coverage")))


NEAR, FAR = [0.48, 0.51, 0.5, 0.52, 0.49, 0.5], [0.31, 0.33, 0.3, 0.32, 0.34, 0.3]


@pytest.mark.slow
def test_of_a_metric_that_is_best_in_between_the_nearest_wins(write: Write) -> None:
    """A network that is right for half of the images can't tell them from real ones; below that is luck."""
    study = write({"far": FAR, "near": NEAR}, metric="two_sample")
    verdict = judge(study)
    (pair,) = verdict.comparisons
    assert pair.verdict == "worse" and verdict.chosen == "near"
    assert pair.difference is not None and pair.difference.estimate == pytest.approx(0.17, abs=0.02)
    assert summary_of(verdict, "near").mean == pytest.approx(0.5, abs=0.01)
    assert summary_of(verdict, "near").best_of[-1] == 0
    assert "from 0.5" in said(verdict)
    lower = judge(write({"far": FAR, "near": NEAR}, metric="two_sample", direction="lower"))
    assert lower.chosen == "far" and lower.comparisons[0].verdict == "better"


def test_moments_of_a_metric_that_is_better_high(write: Write) -> None:
    def falls(name: str, seed: int, step: int) -> dict[str, float]:
        return {"coverage": 0.9 - step / 2000 + seed / 1000}

    verdict = judge(write({"a": [0.4] * 6}, falls, metric="coverage", moments=[500]))
    assert moment_of(verdict, "a").verdict == "worse" and moment_of(verdict, "a").worse_in == 6


def test_another_metric_may_decide(write: Write) -> None:
    study = write({"a": [5.0] * 6, "b": [5.0] * 6}, metric="modes")
    verdict = judge(study)
    assert [pair.verdict for pair in verdict.comparisons] == ["no difference shown"]
    assert summary_of(verdict, "b").mean == 5
    assert TITLES["modes"] in said(verdict)
    assert METRIC not in said(verdict).replace(" ", "_")


def test_no_difference_is_not_called_one(write: Write) -> None:
    verdict = judge(write({"a": [10, 12, 11, 13, 12, 10], "b": [11, 11, 12, 12, 11, 12]}))
    (pair,) = verdict.comparisons
    assert pair.verdict == "no difference shown"
    assert pair.adjusted > LEVEL
    assert pair.seeds_needed is not None
    assert sentences(verdict)[0] == (
        f"No difference shown between a and b (p = {pair.adjusted:.2g}). If the true difference is as large as "
        f"observed, about {pair.seeds_needed} seeds are needed to detect it."
    )


def test_an_interval_around_zero_is_shown_as_one(write: Write) -> None:
    """The test is of the mean, the interval of the interquartile mean: one may be shown where the other isn't."""
    figures = [20.0] * 6
    differences = [0.1, 0.1, 0.1, 10, 10, 10]
    verdict = judge(write({"a": [x - d for x, d in zip(figures, differences, strict=True)], "b": figures}))
    (pair,) = verdict.comparisons
    assert pair.verdict == "better"
    assert pair.difference is not None
    assert pair.difference.low < 0 < pair.difference.high
    assert f"(95%: {min(abs(pair.difference.low), abs(pair.difference.high)):.3g} to" not in sentences(verdict)[0]


@pytest.mark.slow
def test_too_few_seeds_are_named(write: Write) -> None:
    verdict = judge(write({"a": GOOD, "b": BAD, "c": [x + 20 for x in BAD]}))
    assert {pair.verdict for pair in verdict.comparisons} == {"no difference shown"}
    assert (
        "6 seeds can't show any difference in 3 comparisons: the smallest possible p of a paired permutation test "
        "is 0.031; 7 are needed."
    ) in said(verdict)
    five = judge(write({"a": GOOD[:5], "b": BAD[:5]}))
    assert "5 seeds can't show any difference in 1 comparison" in said(five)
    assert "test is 0.062; 6 are needed." in said(five)


def test_one_seed_is_called_one(write: Write) -> None:
    assert "1 seed can't show any difference" in said(judge(write({"a": [1.0], "b": [2.0]})))


@pytest.mark.slow
def test_comparing_with_one_variant(write: Write) -> None:
    figures = {"base": BAD, "a": GOOD, "b": [x + 10 for x in BAD]}
    verdict = judge(write(figures, compare_with="base", seeds=6))
    assert [(pair.first, pair.second) for pair in verdict.comparisons] == [("a", "base"), ("b", "base")]


@pytest.mark.slow
def test_nothing_is_compared_where_the_one_to_compare_with_has_no_figures(write: Write) -> None:
    figures = {"base": ["failed"] * 6, "a": GOOD, "b": BAD, "c": [x + 10 for x in BAD]}
    verdict = judge(write(figures, compare_with="base", seeds=6))
    assert verdict.comparisons == []
    assert verdict.study.tests == 3
    assert any("base" in sentence and "compared" in sentence for sentence in sentences(verdict))
    assert verdict.without_base == "base" and verdict.chosen == "a"
    assert judge(write(figures, seeds=6)).without_base is None
    waiting = judge(write({"base": [None] * 6, "a": [None] * 6}, compare_with="base"))
    assert waiting.without_base is None and waiting.comparisons == []


def test_variants_with_another_target_are_not_compared(write: Write) -> None:
    variants = [
        {"name": name, "recipe": "white-background", "target": target, "learning_rate": rate}
        for name, target, rate in (("a", "same", 1e-4), ("b", "inverted", 1e-4), ("c", "inverted", 1e-3))
    ]
    study = write({"a": GOOD, "b": BAD, "c": GOOD}, variants=variants)
    assert study.groups == [["a"], ["b", "c"]] and study.tests == 1
    verdict = judge(study)
    assert [(pair.first, pair.second) for pair in verdict.comparisons] == [("b", "c")]
    assert verdict.chosen is None


@pytest.mark.slow
@pytest.mark.parametrize("figures", [{"a": [None] * 6, "b": GOOD}, {"a": [None] * 6, "b": [None] * 6}])
def test_figures_that_are_not_finite(figures: dict[str, list[float | None]], write: Write) -> None:
    """They are kept as null: the study is judged, shown and reported without them."""
    study = write({name: [1.0 if value is None else value for value in values] for name, values in figures.items()})
    for name, values in figures.items():
        for seed, value in zip(study.seeds(), values, strict=True):
            job = study.job(name, seed)
            result = job.result()
            assert result is not None
            figure = {"figures": {METRIC: value, "modes": None}, "floor": None}
            (job.folder / "result.json").write_text(result.model_copy(update=figure).model_dump_json())
            rows = [json.loads(line) for line in (job.folder / "metrics.jsonl").read_text().splitlines()]
            write_rows(job.folder / "metrics.jsonl", [row | {METRIC: value, "frechet_floor": None} for row in rows])
    verdict = judge(study)
    assert summary_of(verdict, "a").mean is None and not verdict.undone
    assert print_verdict(verdict, "en") == 0
    assert table_of(study, study.jobs()).row_count == 12
    assert all("finite" in line_of(job.result(), METRIC) for job in study.jobs() if job.variant == "a")
    page = write_report(study).read_text()
    assert ">None<" not in page and ">nan<" not in page


# Runs that failed, or aren't done.


def test_failed_runs_are_counted_and_left_out_of_the_mean(write: Write) -> None:
    figures = {"a": [*GOOD, "failed", 16], "b": [*BAD, 26, 27]}
    verdict = judge(write(figures))
    summary = summary_of(verdict, "a")
    assert (len(summary.finished), summary.failed, len(summary.results)) == (7, 1, 8)
    assert summary.mean == pytest.approx(interquartile_mean([*GOOD, 16]))
    assert summary.diagnoses == {"non_finite": 1}
    (pair,) = verdict.comparisons
    assert pair.pairs == 7
    assert pair.probability == pytest.approx(7 / 8)
    assert sentences(verdict)[0] == "a: 1 of 8 runs failed. The first reason: its loss wasn't finite"
    assert not verdict.undone


@pytest.mark.parametrize("others", [1, 2])
def test_a_variant_whose_runs_all_failed(others: int, write: Write) -> None:
    figures = {"bad": ["failed"] * 6} | dict(list({"a": GOOD, "b": BAD}.items())[:others])
    verdict = judge(write(figures))
    assert [(pair.first, pair.second) for pair in verdict.comparisons] == [("a", "b")] * (others - 1)
    assert verdict.chosen == "a"
    assert summary_of(verdict, "bad").mean is None
    assert summary_of(verdict, "bad").best_of == []
    assert "bad: 6 of 6 runs failed." in said(verdict)


def test_no_run_has_finished(write: Write) -> None:
    verdict = judge(write({"a": ["failed"] * 3, "b": ["failed"] * 3}))
    assert verdict.comparisons == []
    assert verdict.chosen is None
    reason = "3 of 3 runs failed. The first reason: its loss wasn't finite"
    assert sentences(verdict)[:2] == [f"a: {reason}", f"b: {reason}"]


def test_a_variant_that_fails_more_often_than_not_is_not_chosen(write: Write) -> None:
    study = write({"lucky": [1.0, "failed", "failed"], "steady": [5.0, 6, 7], "half": [4.0, 4, "failed"]})
    assert chosen_variant(study) == "half"


def test_an_unfinished_study_is_judged_by_what_is_done(write: Write) -> None:
    verdict = judge(write({"a": [*GOOD, None, None], "b": [*BAD, 26, None]}))
    assert verdict.undone == 3
    assert sentences(verdict)[0] == "3 runs aren't done yet; the results below are from those that are."
    (pair,) = verdict.comparisons
    assert (pair.verdict, pair.pairs) == ("better", 6)


@pytest.mark.parametrize("figures", [{"a": [None], "b": [None]}, {"a": [1.0], "b": [None]}])
def test_a_study_that_has_hardly_begun(figures: dict[str, Sequence[float | None]], write: Write) -> None:
    verdict = judge(write(figures))
    assert verdict.comparisons == []
    assert verdict.undone >= 1
    assert sentences(verdict)


# The choice.


def test_the_chosen_variant_has_the_figure_of_fresh_seeds(write: Write) -> None:
    fresh = [13.0, 14, 15, 16, 17]
    verdict = judge(write({"good": GOOD, "bad": BAD}, fresh={"good": fresh}))
    assert verdict.fresh == fresh
    assert verdict.confirmed is not None
    assert verdict.confirmed.estimate == interquartile_mean(fresh)
    assert verdict.confirmed.low < 15 < verdict.confirmed.high
    assert "good has the best Fréchet distance; on 5 confirmation seeds it is 15 (95%: " in said(verdict)
    assert "an estimate without selection bias" in said(verdict)


def test_fresh_runs_of_another_variant_do_not_count(write: Write) -> None:
    verdict = judge(write({"good": GOOD, "bad": BAD}, fresh={"bad": [20.0, 21, 22]}))
    assert verdict.fresh == []
    assert verdict.confirmed is None


@pytest.mark.parametrize(
    ("fresh", "expected"),
    [
        ([], "this estimate is optimistic, because it was not confirmed on new seeds."),
        ([14.0], "on 1 confirmation seed it is 14, too few seeds for an interval."),
        ([14.0, 16.0], "on 2 confirmation seeds it is 15, too few seeds for an interval."),
    ],
)
def test_too_few_fresh_seeds_are_named(fresh: list[float], expected: str, write: Write) -> None:
    verdict = judge(write({"good": GOOD, "bad": BAD}, fresh={"good": fresh}))
    assert verdict.confirmed is None
    assert f"good has the best Fréchet distance; {expected}" in said(verdict)


def test_expected_best_of_n(write: Write) -> None:
    summary = summary_of(judge(write({"a": GOOD, "b": BAD})), "a")
    assert len(summary.best_of) == 6
    assert summary.best_of[0] == pytest.approx(np.mean(GOOD))
    assert summary.best_of[-1] == min(GOOD)
    assert summary.best_of == sorted(summary.best_of, reverse=True)


def test_a_search_is_judged_by_what_its_runs_saw_themselves(write: Write, tmp_path: Path) -> None:
    """The figures of many trials on the test split would choose a lucky one."""

    def curves(name: str, seed: int, step: int) -> dict[str, float]:
        return {METRIC: 3.0 if name == "trial-0001" else 9.0}

    study = write({"trial-0000": [1.0], "trial-0001": [2.0], "trial-0002": ["failed"]}, curves, seeds=1)
    fields = {"name": "search", "search": "tpe", "factors": {"latent_dim": [4, 6, 8]}}
    search = Study(study.folder, study_config(fields), study.variants)
    verdict = judge(search)
    assert verdict.chosen == "trial-0001"
    assert verdict.comparisons == [], "one run each shows nothing"


# Different data.


def test_variants_on_different_images_are_not_compared(write: Write) -> None:
    variants = [{"name": "three", "classes": "3"}, {"name": "eight", "classes": "8"}]
    verdict = judge(write({"three": GOOD, "eight": BAD}, variants=variants))
    assert not verdict.study.comparable
    assert verdict.comparisons == []
    assert verdict.chosen is None
    assert "better" not in said(verdict)
    assert "best" not in said(verdict)
    assert [summary.mean for summary in verdict.variants] == [interquartile_mean(GOOD), interquartile_mean(BAD)]


@pytest.mark.slow
def test_those_on_the_same_images_are(write: Write) -> None:
    """Two comparisons are corrected as two: p = 1/32 each is 1/16 then, and shows nothing."""
    variants = [
        {"name": f"{digit}, {rate}", "classes": str(digit), "learning_rate": rate}
        for digit in (3, 8)
        for rate in (0.001, 0.002)
    ]
    names = [str(variant["name"]) for variant in variants]
    figures = dict(zip(names, (GOOD, BAD, BAD, GOOD), strict=True))
    verdict = judge(write(figures, variants=variants))
    assert [(pair.first, pair.second) for pair in verdict.comparisons] == [(names[0], names[1]), (names[2], names[3])]
    assert [pair.adjusted for pair in verdict.comparisons] == pytest.approx([1 / 16, 1 / 16])
    assert {pair.verdict for pair in verdict.comparisons} == {"no difference shown"}
    more = {name: [*found, 30.0 if found is BAD else 16.0] for name, found in figures.items()}
    verdict = judge(write(more, variants=variants))
    assert [pair.verdict for pair in verdict.comparisons] == ["better", "worse"]
    assert verdict.chosen is None


# Moments.


def worse_after(moment: int, *names: str) -> Curves:
    """The distance falls to 10 at that moment; in these variants it rises again, in the others it falls on."""

    def curves(name: str, seed: int, step: int) -> dict[str, float]:
        slope = 0.02 if name in names and step > moment else -0.02
        return {METRIC: 10 + 0.2 * seed + slope * (step - moment)}

    return curves


@pytest.mark.slow
def test_quality_that_gets_worse_after_a_moment(write: Write) -> None:
    figures = {"a": [1.0] * 8, "b": [1.0] * 8}
    verdict = judge(write(figures, worse_after(500, "a"), moments=[500]))
    a, b, both = (moment_of(verdict, name) for name in ("a", "b", TOGETHER))
    assert (a.verdict, a.worse_in, a.runs) == ("worse", 8, 8)
    assert (b.verdict, b.worse_in, b.runs) == ("better", 0, 8)
    assert (a.then, a.end) == pytest.approx((10.7, 20.7))
    assert a.difference is not None
    assert a.difference.estimate == pytest.approx(10)
    assert a.adjusted == b.adjusted == pytest.approx(2 * 2 / 2**8), "Holm's correction for two variants"
    assert (both.verdict, both.worse_in, both.runs) == ("no difference shown", 8, 16)
    text = said(verdict)
    assert "a: Fréchet distance 10.7 at step 500 and 20.7 at the end (it gets worse, p = 0.016; " in text
    assert "worse in 8 of 8 runs)." in text
    assert "(it gets better, p = 0.016; worse in 0 of 8 runs)" in text
    assert f"{TOGETHER}: " in text


def test_all_variants_together_show_what_each_is_too_few_for(write: Write) -> None:
    verdict = judge(write({"a": [1.0] * 4, "b": [1.0] * 4}, worse_after(500, "a", "b"), moments=[500]))
    assert {moment_of(verdict, name).verdict for name in "ab"} == {"no difference shown"}
    both = moment_of(verdict, TOGETHER)
    assert (both.verdict, both.runs) == ("worse", 8)
    assert both.adjusted == pytest.approx(2 / 2**8)


def test_where_higher_is_better_a_fall_is_worse(write: Write) -> None:
    verdict = judge(write({"a": [1.0] * 6}, worse_after(500, "a"), moments=[500], direction="higher"))
    assert [(moment.verdict, moment.worse_in) for moment in verdict.moments] == [("better", 0)]


def test_a_moment_between_evaluations_is_read_off_the_line(write: Write) -> None:
    verdict = judge(write({"a": [1.0] * 6}, worse_after(500), moments=[250]))
    (moment,) = verdict.moments
    assert moment.then == pytest.approx(10 + 0.5 + 5)


@pytest.mark.parametrize("step", [50, 1000, 5000])
def test_a_moment_that_no_run_has_is_left_out(step: int, write: Write) -> None:
    verdict = judge(write({"a": [1.0] * 6, "b": [1.0] * 6}, moments=[step]))
    assert verdict.moments == []


def test_a_run_that_failed_has_no_end(write: Write) -> None:
    """Where it broke off isn't the end of the run."""
    figures = [1.0, 1, 1, 1, 1, 1, 1, "failed"]
    verdict = judge(write({"a": figures}, worse_after(500, "a"), moments=[500]))
    assert moment_of(verdict, "a").runs == 7


# What the curves would have said.


def losses_lie(name: str, seed: int, step: int) -> dict[str, float]:
    """The generator's loss is lower in `bad`, and falls as the distance rises."""
    level = 0.5 if name == "bad" else 1.5
    return {
        "g_loss": level - 0.0001 * step - 0.01 * seed,
        "d_loss": 1 - level / 10 + 0.0001 * step,
        "d_real_accuracy": 0.6 if name == "bad" else 0.1,
        "d_fake_accuracy": 0.4 if name == "bad" else 0.3,
        METRIC: 10 + 0.01 * step,
    }


def test_a_loss_that_says_the_opposite(write: Write) -> None:
    verdict = judge(write({"good": GOOD, "bad": BAD}, losses_lie))
    loss = reading_of(verdict, "generator loss")
    assert loss.favours == "bad"
    assert loss.over_runs == pytest.approx(-1)
    assert loss.within_runs == pytest.approx(-1)
    text = said(verdict)
    assert "Judged by a lower generator loss, bad would be chosen; by measured quality, good is better." in text
    assert "Across runs, a lower generator loss goes with worse quality (rank correlation -1.00)." in text
    assert "Within a run, a lower generator loss goes with worse quality (rank correlation -1.00)." in text


def test_a_loss_that_says_more_than_is_shown(write: Write) -> None:
    """The mean of `good` is the better one, but five seeds show no difference."""
    verdict = judge(write({"good": GOOD[:5], "bad": BAD[:5]}, losses_lie))
    assert (
        "Judged by a lower generator loss, bad would be chosen; by measured quality, no difference is shown "
        "between it and good."
    ) in said(verdict)


def test_a_loss_that_tells(write: Write) -> None:
    verdict = judge(write({"good": GOOD, "bad": BAD}, losses_lie))
    loss = reading_of(verdict, "discriminator loss")
    assert loss.favours == "good"
    assert loss.within_runs == pytest.approx(1)
    assert "a lower discriminator loss" not in said(verdict)


def test_accuracy_nearer_to_a_half(write: Write) -> None:
    verdict = judge(write({"good": GOOD, "bad": BAD}, losses_lie))
    accuracy = reading_of(verdict, "50%")
    assert accuracy.favours == "bad"
    assert accuracy.within_runs is None, "it stays the same within a run"
    assert "Judged by discriminator accuracy closer to 50%, bad would be chosen; by measured quality, good is" in said(
        verdict
    )


def test_where_higher_is_better_readings_turn_round(write: Write) -> None:
    verdict = judge(write({"good": GOOD, "bad": BAD}, losses_lie, direction="higher"))
    assert reading_of(verdict, "generator loss").over_runs == pytest.approx(1)
    assert reading_of(verdict, "generator loss").within_runs == pytest.approx(1)


def test_one_variant_favours_none(write: Write) -> None:
    verdict = judge(write({"good": GOOD}, losses_lie))
    assert {reading.favours for reading in verdict.readings} == {None}
    assert "Judged by" not in said(verdict)
    assert "has the best" not in said(verdict), "there is nothing to choose from"


# How steady the curves are.


def test_steady_curves_vary_by_nothing(write: Write) -> None:
    summary = summary_of(judge(write({"a": GOOD, "b": BAD})), "a")
    assert (summary.within, summary.between, summary.loss_within, summary.loss_between) == pytest.approx((0,) * 4)


def test_restless_curves_and_seeds_that_differ(write: Write) -> None:
    def curves(name: str, seed: int, step: int) -> dict[str, float]:
        swing = 1 if step // 100 % 2 else -1
        return {METRIC: 10 + (swing if name == "restless" else 0), "g_loss": 1 + (seed if name == "apart" else 0)}

    verdict = judge(write({"restless": GOOD, "apart": BAD}, curves))
    restless, apart = verdict.variants
    assert restless.within == pytest.approx(0.1, rel=0.25)
    assert restless.between == pytest.approx(0)
    assert apart.within == pytest.approx(0)
    assert apart.loss_between == pytest.approx(np.std(range(6), ddof=1) / np.mean(np.arange(6) + 1))


def test_too_few_points_say_nothing(write: Write) -> None:
    verdict = judge(write({"a": [1.0, 2.0], "b": [3.0, 4.0]}, steps=[500, 1000]))
    assert [(summary.within, summary.between) for summary in verdict.variants] == [(None, None)] * 2


def test_a_mean_of_zero_says_nothing_rather_than_not_a_number(write: Write) -> None:
    """A relative variation has no value there; critics' losses go through 0."""

    def curves(name: str, seed: int, step: int) -> dict[str, float]:
        return {"g_loss": 0.0}

    summary = judge(write({"a": GOOD, "b": BAD}, curves)).variants[0]
    assert all(value is None or math.isfinite(value) for value in (summary.loss_within, summary.loss_between))


def test_rows_at_the_same_moment_do_not_stop_the_verdict(write: Write) -> None:
    """Seconds are logged to three digits, and a tiny network's steps are shorter than that."""
    variants = [{"name": "a"}, {"name": "b", "recipe": "comparison"}]
    verdict = judge(write({"a": GOOD, "b": BAD}, lambda name, seed, step: {"seconds": step // 200}, variants=variants))
    assert clock_of(verdict.study) == "seconds"
    assert sentences(verdict)


@pytest.mark.slow
def test_a_run_that_failed_early_does_not_hide_the_others(write: Write) -> None:
    """The seeds are alike at first and far apart later; one run broke off at once."""

    def curves(name: str, seed: int, step: int) -> dict[str, float]:
        return {METRIC: 10 + (seed * 2 if step > 300 else 0)}

    study = write({"a": GOOD, "b": BAD}, curves)
    whole = judge(study).variants[0].between
    job = study.job("a", 0)
    for name in ("stats.jsonl", "metrics.jsonl"):
        path = job.folder / name
        write_rows(path, [json.loads(line) for line in path.read_text().splitlines()[:3]])
    cut = judge(study).variants[0].between
    assert whole is not None and cut is not None
    assert cut > whole / 2


# Curves.


def test_curves_are_read_run_by_run(write: Write) -> None:
    study = write({"a": [1.0, "failed", None], "b": [1.0, 2.0, 3.0]}, lambda n, seed, step: {"g_loss": seed + step})
    logs = read_logs(study)
    assert [(log.variant, log.seed) for log in logs] == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("b", 2)]
    curves = curves_of(logs, "a", "g_loss")
    assert [curve.seed for curve in curves] == [0, 1]
    assert curves[1].steps.tolist() == list(STEPS)
    assert curves[1].values.tolist() == [step + 1 for step in STEPS]
    assert curves_of(logs, "a", METRIC)[0].over("seconds").tolist() == [step / 50 for step in STEPS]
    assert curves_of(logs, "a", "no such measure") == []


def test_the_clock_is_steps_where_steps_are_alike(write: Write) -> None:
    assert clock_of(write({"a": [1.0], "b": [1.0]})) == "step"
    variants = [{"name": "a"}, {"name": "b", "batch_size": 7}]
    assert clock_of(write({"a": [1.0], "b": [1.0]}, variants=variants)) == "seconds"


def test_the_late_mean_is_of_the_last_fifth() -> None:
    x = np.linspace(0, 100, 101)
    assert Curve("a", 0, "g_loss", x, x, np.where(x >= 80, 7.0, 1000.0)).late_mean() == 7
    one = np.array([5.0])
    assert Curve("a", 0, "g_loss", one, one, np.array([3.0])).late_mean() == 3
