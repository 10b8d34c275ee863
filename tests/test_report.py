"""The report of a study, of folders that are written by hand: no run is trained here."""

import csv
import io
import json
import math
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pocketgan.base.charts import drawing
from pocketgan.base.charts.looks import look_of
from pocketgan.base.files import write_json
from pocketgan.base.html import embedded
from pocketgan.base.language import LANGUAGES
from pocketgan.config.plan import make_plan
from pocketgan.experiment.diagnosis import DIAGNOSES
from pocketgan.metrics.registry import METRICS
from pocketgan.metrics.words import READINGS, TITLES
from pocketgan.runs.records import DataFacts, Environment
from pocketgan.runs.run import Run
from pocketgan.studies import report as reports
from pocketgan.studies.config import StudyConfig, study_config
from pocketgan.studies.curves import Curve, spread
from pocketgan.studies.predeclared import STUDIES
from pocketgan.studies.report import samples as report_samples
from pocketgan.studies.report import words as report_words
from pocketgan.studies.report.charts import MOST_DRAWN, curve_charts, quality_chart
from pocketgan.studies.report.findings import find, settings_of
from pocketgan.studies.report.method import command, method, toml
from pocketgan.studies.report.page import SECTIONS
from pocketgan.studies.report.samples import find_samples
from pocketgan.studies.report.tables import state_text
from pocketgan.studies.report.verdict import headline
from pocketgan.studies.report.words import WORDS, listed, percent
from pocketgan.studies.report.write import write_report
from pocketgan.studies.sentences import loss_sentences, moment_sentences, sentences
from pocketgan.studies.study import Job, Result, Study
from pocketgan.studies.verdicts import judge
from refusals import refused

HOSTILE = "<script>alert(1)</script>"
BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
STEPS = 100


# Studies, written by hand.


def asked(**fields: Any) -> StudyConfig:
    """A study of `minimal` with two variants on three seeds, unless the fields say otherwise."""
    base: dict[str, Any] = {"name": "tiny", "recipe": "minimal", "question": "Is wider better?", "seeds": 3}
    base |= {"duration": f"{STEPS} steps", "fresh_seeds": 0, "settings": {"sample_every": "20 steps"}}
    if "variants" not in fields:
        base["factors"] = {"hidden_dim": [16, 64]}
    return study_config(base | fields)


def begin_run(job: Job, *, steps: int = STEPS, until: int | None = None, scale: float = 1.0) -> Run:
    """Writes a run's folder: a row every ten steps, an evaluation and a picture every twenty, up to step `until`."""
    job.folder.mkdir(parents=True)
    facts = DataFacts(source="mnist", images=60_000, channels=1, size=8, class_names=("0", "1"), digest="0" * 64)
    machine = {"platform": "Linux", "processor": "x86_64", "device": "cpu", "threads": 1, "command": "/secret/place"}
    versions = {"pocketgan": "0.1.0", "python": "3.11", "torch": "2.4", "numpy": "1.26"}
    environment = Environment.model_validate(machine | versions)
    run = Run.create(job.folder, job.config, facts, make_plan(job.config, 60_000, 100.0), environment)
    for step in range(10, (until or steps) + 1, 10):
        counters = {"step": step, "nimg": 32 * step, "epoch": step / 1875, "seconds": step / 10}
        shares = {"d_real_accuracy": 0.9, "d_fake_accuracy": 0.8}
        losses = {"d_loss": 0.5 + math.sin(step + job.seed) / 9, "g_loss": scale * (2 + step / 50 + job.seed / 10)}
        append(job, "stats", counters | losses | shares)
        if step % 20 == 0:
            found = {"frechet_distance": scale * (300 - step + job.seed), "frechet_floor": 3.0}
            append(job, "metrics", counters | found | {"count": 300, "reference": "train"})
            shades = (np.arange(16 * 24).reshape(16, 24) + step + job.seed) % 256
            draw(job, f"samples_step_{step:06d}", shades.astype(np.uint8))
    return run


def append(job: Job, name: str, row: Mapping[str, Any]) -> None:
    with (job.folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def draw(job: Job, name: str, pixels: np.ndarray) -> None:
    """Writes a sample picture, enlarged as runs do."""
    Image.fromarray(pixels.repeat(2, axis=0).repeat(2, axis=1)).save(job.folder / "samples" / f"{name}.png")


def end_run(job: Job, figure: float | None, message: str = "", named: Sequence[str] = ()) -> None:
    """Ends a run with a figure, or as failed without one."""
    begin_run(job, until=None if figure is not None else 30, scale=1 if figure is None else 1 + figure / 100)
    run = Run.open(job.folder)
    state = "failed" if figure is None else "finished"
    run.write_status(state, step=STEPS, nimg=32 * STEPS, seconds=STEPS / 10, message=message)
    fields: dict[str, Any] = {"variant": job.variant, "seed": job.seed, "state": state, "message": message}
    if figure is not None:
        fields |= {"figures": {"frechet_distance": figure, "modes": 10.0, "class_kl": None}, "floor": 1.5}
        fields |= {"features": "digits (version 1, 7e2330b6372c)"}
    fields |= {"seconds": STEPS / 10, "wall_seconds": STEPS / 5, "diagnoses": list(named)}
    write_json(job.folder / "result.json", Result(**fields).model_dump())


def ended(folder: Path, config: StudyConfig, figures: Mapping[str, Sequence[float | None]]) -> Study:
    """A study whose runs have these figures, one a seed; None for a failed run, and runs without one aren't done."""
    study = Study.begin(config, folder)
    for name, values in figures.items():
        for seed, figure in zip(study.seeds(), values, strict=False):
            end_run(study.job(name, seed), figure, "" if figure is not None else f"it diverged at {HOSTILE}")
    return study


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study with three variants on eight seeds, one of which fails twice, moments, and runs on fresh seeds."""
    variants = [{"hidden_dim": 16}, {"hidden_dim": 64}, {"name": HOSTILE, "hidden_dim": 32, "learning_rate": 0.1}]
    fields = {"variants": variants, "factors": {}, "seeds": 8, "fresh_seeds": 3, "moments": [40]}
    config = asked(**fields, question=f"Is wider better? </title>{HOSTILE}")
    figures: dict[str, Sequence[float | None]] = {
        "hidden_dim=16": [50.0, 52.0, 51.0, 53.0, 50.5, 52.5, 51.5, 49.0],
        "hidden_dim=64": [20.0, 21.0, 22.0, 19.0, 20.5, 21.5, 22.5, 18.5],
        HOSTILE: [90.0, None, 95.0, 91.0, None, 94.0, 92.0, 93.0],
    }
    study = ended(tmp_path_factory.mktemp("whole") / "study", config, figures)
    for job, figure in zip(study.fresh_jobs("hidden_dim=64"), (20.2, 21.2, 22.2), strict=True):
        end_run(job, figure, named=("mode_collapse",))
    return study


@pytest.fixture(scope="module")
def page(whole):
    """The page of that study, as text."""
    return write_report(whole).read_text(encoding="utf-8")


# Reading pages and tables.


class Outline(HTMLParser):
    """What a page is made of: its elements, and the texts of each kind of element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data


@pytest.fixture(scope="module")
def outline(page):
    """What the page of the whole study is made of."""
    return Outline(page)


def lines_of(outline: Outline) -> dict[str, list[dict[str, Any]]]:
    """Returns the lines whose values the charts of a page show, by chart."""
    names = [str(fields["id"])[6:] for tag, fields in outline.elements if str(fields.get("id")).startswith("chart-")]
    found = [json.loads(str(fields["data-lines"])) for _, fields in outline.elements if "data-lines" in fields]
    return dict(zip(names, found, strict=True))


def table_of(study: Study, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((study.folder / "report" / name).read_text(encoding="utf-8"))))


def same(cell: str, value: float | None) -> bool:
    return cell == "" if value is None else float(cell) == value


# The page.


def test_every_section_is_there_in_order(outline):
    assert outline.open == []
    assert [fields["id"] for tag, fields in outline.elements if tag == "section"] == list(SECTIONS)
    assert outline.texts["h2"] == [WORDS[name] for name in SECTIONS]
    assert len(outline.texts["h1"]) == 1
    assert outline.elements[0] == ("html", {"lang": "en"})


def test_nothing_comes_from_outside_the_file(outline):
    addresses = [v for _, fields in outline.elements for k, v in fields.items() if k in ("src", "href", "srcset")]
    assert len(addresses) > 10
    assert all(re.match(r"#|data:image/png;base64,", address or "") for address in addresses)
    assert not any(re.search(r"url\(|@import", style) for style in outline.texts["style"])
    allowed = next(fields["content"] for _, fields in outline.elements if "http-equiv" in fields)
    assert allowed is not None and allowed.startswith("default-src 'none';") and "http" not in allowed


def test_hostile_texts_stay_texts(outline, whole):
    assert len(outline.texts["script"]) == 3
    assert not [name for _, fields in outline.elements for name in fields if name.startswith("on")]
    assert outline.texts["h1"] == outline.texts["title"] == [whole.config.question]
    assert HOSTILE in outline.texts["th"]
    assert f"it diverged at {HOSTILE}" in outline.texts["td"]
    assert HOSTILE in {line["name"] for lines in lines_of(outline).values() for line in lines}
    assert HOSTILE in outline.texts["span"] and len(outline.texts["b"]) == 3


def test_embedded_values_come_back_and_close_no_script():
    value = {"<!--": "</script><b>&amp;", "漢字": [1.5, None, True, "\u2028"]}
    text = embedded(value)
    assert json.loads(text) == value
    assert not re.search("[<>&\u2028]", text)


def test_pictures_have_words(outline):
    images = [fields for tag, fields in outline.elements if tag == "img"]
    assert images and all(fields["alt"] for fields in images)
    plots = [fields for _, fields in outline.elements if fields.get("role") == "img"]
    assert len(plots) == 8 and all(fields["aria-label"] for fields in plots)
    assert "hidden_dim=64 20.8 (19.1 – 22); confirmation seeds 21.2 (18.5 – 23.9)" in str(plots[0]["aria-label"])


def test_charts_are_complete_without_a_script(outline, page):
    assert len([fields for tag, fields in outline.elements if tag == "polyline"]) == 6 * 3
    assert len(page) < 150_000


def test_every_text_of_the_page_is_used():
    paths = list(Path(reports.__file__).parent.glob("*.py"))
    code = "".join(path.read_text(encoding="utf-8").partition("\nWORDS: dict[str, Text] = {")[0] for path in paths)
    code += Path(report_words.__file__).read_text(encoding="utf-8").partition("\ndef say(")[2]
    names = r"(clock|verdict|state|recorded against) .+|(last|best) evaluation|\w+ caption|lower|higher"
    composed = re.compile(f"{names}|{'|'.join(DIAGNOSES)}")
    assert [key for key in WORDS if not re.search(f"['\"]{key}['\"]", code) and not composed.fullmatch(key)] == []


def test_machine_places_and_passwords_stay_off_the_page(whole, page, tmp_path):
    assert "/secret/place" not in page and str(whole.folder) not in page
    search = {"search": "tpe", "storage": "postgresql://me:password@host/db", "variants": [], "trials": 5, "seeds": 1}
    config = asked(**search, factors={"learning_rate": {"low": 1e-4, "high": 1e-2}})
    study = Study.begin(config, tmp_path / "search")
    assert "password" not in write_report(study).read_text(encoding="utf-8")


def test_every_metric_has_a_title_and_a_reading():
    assert METRICS.keys() == TITLES.keys() == READINGS.keys()


# However far the study is.


def test_a_study_before_its_first_run(tmp_path):
    study = Study.begin(asked(), tmp_path / "study")
    page = write_report(study).read_text(encoding="utf-8")
    for key in ("nothing", "no curves", "no samples", "losses none"):
        assert Outline(page).texts["p"].count(WORDS[key]) >= 1, key
    assert [row["state"] for row in table_of(study, "runs.csv")] == ["waiting"] * 6
    assert table_of(study, "curves.csv") == table_of(study, "comparisons.csv") == []


@pytest.mark.slow
def test_a_study_half_way(tmp_path):
    study = ended(tmp_path / "study", asked(), {"hidden_dim=16": [50.0, 51.0], "hidden_dim=64": [20.0]})
    begin_run(study.job("hidden_dim=64", 1), until=50)
    Run.open(study.job("hidden_dim=64", 1).folder).write_status("running", step=50, nimg=1600, seconds=5.0)
    (study.job("hidden_dim=64", 2).folder / "samples").mkdir(parents=True)
    outline = Outline(write_report(study).read_text(encoding="utf-8"))
    assert "3 of 6 runs done" in outline.texts["p"][0]
    assert any(text.startswith("So far: No difference was shown") for text in outline.texts["p"])
    states = [row["state"] for row in table_of(study, "runs.csv")]
    assert states == ["finished", "finished", "waiting", "finished", "running, 50%", "waiting"]


@pytest.mark.slow
def test_a_run_that_was_stopped_says_how_far_it_is(tmp_path):
    study = Study.begin(asked(), tmp_path / "study")
    begin_run(study.job("hidden_dim=16", 0), until=20)
    run = Run.open(study.job("hidden_dim=16", 0).folder)
    run.write_status("interrupted", step=20, nimg=640, seconds=2.0)
    row = find(study).rows[0]
    assert (row.state, row.share) == ("stopped", 0.2)
    assert state_text(row) == "stopped at 20%"
    (run.folder / "status.json").write_text("{")
    assert find(study).rows[0].state == "waiting"
    assert "Discriminator loss" in write_report(study).read_text(encoding="utf-8")


@pytest.mark.slow
def test_one_variant_on_one_seed(tmp_path):
    config = asked(variants=[{"name": "alone"}], factors={}, seeds=1)
    study = ended(tmp_path / "study", config, {"alone": [42.0]})
    outline = Outline(write_report(study).read_text(encoding="utf-8"))
    assert "alone: Fréchet distance 42." in outline.texts["p"]
    lines = [line for name, lines in lines_of(outline).items() if name != "quality" for line in lines]
    assert lines and not [line for line in lines if "low" in line] and "polygon" not in outline.texts
    assert any("Fewer than 2 finished runs" in text and "alone" in text for text in outline.texts["p"])


@pytest.mark.slow
def test_a_study_in_which_everything_failed(tmp_path):
    study = ended(tmp_path / "study", asked(), {name: [None] * 3 for name in ("hidden_dim=16", "hidden_dim=64")})
    outline = Outline(write_report(study).read_text(encoding="utf-8"))
    assert WORDS["no figure"].format(done=6) in outline.texts["p"]
    assert not (study.folder / "report" / "quality.png").exists()
    assert {row["state"] for row in table_of(study, "runs.csv")} == {"failed"}


def test_rows_that_hold_no_numbers_are_passed_over(tmp_path):
    study = ended(tmp_path / "study", asked(), {"hidden_dim=16": [None, 50.0, 51.0], "hidden_dim=64": [20.0, 21.0]})
    job = study.job("hidden_dim=16", 0)
    row = {"step": 110, "nimg": 1, "epoch": 1.0, "seconds": 11.0, "d_real_accuracy": 1.0, "d_fake_accuracy": 1.0}
    append(job, "stats", row | {"d_loss": math.nan, "g_loss": math.inf})
    with (job.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 120, "frechet_dis')
    (job.folder / "samples" / "samples_step_000020.png").write_bytes(b"\x89PNG cut short")
    findings = find(study)
    assert all(np.isfinite(curve.values).all() for log in findings.logs for curve in log.curves.values())
    assert [curve.steps[-1] for curve in findings.curves("hidden_dim=16", "g_loss")] == [30, 100, 100]
    samples = find_samples(study)
    assert samples is not None and samples.variants == ["hidden_dim=16", "hidden_dim=64"]


# Figures and tables.


@pytest.mark.slow
def test_tables_hold_what_was_found(whole, page):
    verdict = judge(whole)
    rows = table_of(whole, "variants.csv")
    assert [row["variant"] for row in rows] == [summary.name for summary in verdict.variants]
    for row, summary in zip(rows, verdict.variants, strict=True):
        assert summary.quality is not None
        assert same(row["frechet_distance"], summary.mean) and same(row["low"], summary.quality.low)
        assert (int(row["finished"]), int(row["failed"])) == (len(summary.finished), summary.failed)
        assert same(row["floor"], 1.5) and same(row["modes"], 10) and same(row["seconds"], 10)
    assert rows[2]["settings"] == "hidden_dim = 32, learning_rate = 0.1"
    for row, pair in zip(table_of(whole, "comparisons.csv"), verdict.comparisons, strict=True):
        assert (row["first"], row["second"], row["verdict"]) == (pair.first, pair.second, pair.verdict)
        assert same(row["adjusted"], pair.adjusted) and same(row["probability"], pair.probability)
        assert pair.difference is not None and same(row["difference"], pair.difference.estimate)
    for row, moment in zip(table_of(whole, "moments.csv"), verdict.moments, strict=True):
        assert row["variant"] == moment.variant and same(row["then"], moment.then) and same(row["end"], moment.end)


def test_the_table_of_runs_holds_every_run(whole, page):
    rows = table_of(whole, "runs.csv")
    assert len(rows) == 3 * 8 + 3
    for row in rows:
        job = whole.job(row["variant"], int(row["seed"]), fresh=row["fresh"] == "True")
        result = job.result()
        assert result is not None and row["state"] == result.state and row["message"] == result.message
        assert same(row["frechet_distance"], result.figures.get("frechet_distance"))
        assert same(row["modes"], result.figures.get("modes"))
        assert same(row["seconds"], result.seconds) and same(row["wall_seconds"], result.wall_seconds)
        assert whole.folder / row["folder"] == job.folder
    fresh = [row for row in rows if row["fresh"] == "True"]
    assert {row["variant"] for row in fresh} == {"hidden_dim=64"}
    assert {row["diagnoses"] for row in fresh} == {"mode_collapse"}


def test_the_table_of_curves_holds_what_was_logged(whole, page):
    rows = table_of(whole, "curves.csv")
    found = {
        (row["variant"], int(row["seed"]), row["measure"], float(row["step"])): (float(row["seconds"]), row["value"])
        for row in rows
    }
    assert len(found) == len(rows)
    for job in whole.jobs():
        run = job.run()
        assert run is not None
        for measure, logged in (("g_loss", run.stats()), ("frechet_distance", run.metrics())):
            own = [found[job.variant, job.seed, measure, row["step"]] for row in logged]
            assert [(seconds, float(value)) for seconds, value in own] == [(r["seconds"], r[measure]) for r in logged]


def test_long_curves_are_thinned_to_means():
    x = np.arange(1.0, 1001)
    trace = Curve("a", 0, "g_loss", x, x / 10, 2 * x).thinned()
    assert len(trace.steps) == 200
    assert trace.steps[0] == 3 and trace.values[0] == 6 and trace.seconds[0] == pytest.approx(0.3)
    assert trace.values.mean() == pytest.approx(2 * x.mean())


def test_figures_are_drawn(whole, page):
    drawn = sorted(path.name for path in (whole.folder / "report").glob("*.png"))
    curves = ["d_fake_accuracy", "d_loss", "d_real_accuracy", "expected_best", "g_loss", "loss_against_quality"]
    assert drawn == [f"{name}.png" for name in [*curves, "quality", "quality_curve", "samples"]]
    for name in drawn:
        with Image.open(whole.folder / "report" / name) as picture:
            assert picture.format == "PNG" and picture.info["dpi"] == pytest.approx((150, 150), abs=0.1)
            pixels = np.asarray(picture.convert("RGB"))
        assert min(pixels.shape[:2]) > 200
        assert 0.005 < (pixels < 128).any(axis=2).mean() < 0.9, name


def test_nothing_half_written_is_left(whole, page):
    kinds = {path.suffix for path in (whole.folder / "report").iterdir()}
    assert kinds == {".html", ".png", ".csv"}


@pytest.mark.slow
@pytest.mark.parametrize("names", [("_first", "$\\bad{$"), ("漢字", "<b>bold</b>"), ("a" * 200, "%{x} {y}")])
def test_odd_names_are_drawn(names, tmp_path):
    config = asked(variants=[{"name": names[0], "depth": 1}, {"name": names[1], "depth": 2}], factors={}, seeds=1)
    study = ended(tmp_path / "study", config, {name: [20.0] for name in names})
    outline = Outline(write_report(study).read_text(encoding="utf-8"))
    assert set(names) <= set(outline.texts["th"])


# Charts.


def trace(x: Sequence[float], values: Sequence[float], seed: int = 0) -> Curve:
    at = np.array(x, dtype=float)
    return Curve("a", seed, "g_loss", at, at / 10, np.array(values, dtype=float))


def test_a_band_goes_from_the_least_to_the_greatest():
    found = spread([trace([10, 20, 30], [1, 2, 3]), trace([10, 20, 30], [3, 2, 7])], "step")
    assert found is not None
    assert found.x.tolist() == [10, 20, 30] and found.mean.tolist() == [2, 2, 5]
    assert found.low.tolist() == [1, 2, 3] and found.high.tolist() == [3, 2, 7]
    assert spread([], "step") is None


def test_a_run_that_ended_early_does_not_cut_the_others():
    found = spread([trace([10, 20, 30, 40], [1, 1, 1, 1]), trace([10, 20], [3, 3])], "step")
    assert found is not None
    assert found.x.tolist() == [10, 20, 30, 40] and found.mean.tolist() == [2, 2, 1, 1]


def test_a_run_that_diverged_does_not_press_the_others_into_a_line(tmp_path):
    config = asked(variants=[{"name": "good"}, {"name": "bad", "depth": 2}], factors={}, seeds=2)
    study = ended(tmp_path / "study", config, {"good": [20.0, 21.0], "bad": [None, None]})
    for seed in study.seeds():
        path = study.job("bad", seed).folder / "stats.jsonl"
        path.write_text(re.sub(r'"g_loss": [^,}]+', '"g_loss": 1e26', path.read_text()))
    chart = next(chart for chart in curve_charts(find(study)) if chart.name == "g_loss")
    assert chart.limits is not None and chart.limits[1] < 10
    assert "bad goes beyond it" in chart.caption
    assert find(study).curves("bad", "g_loss")[0].values[0] == 1e26


def test_quality_is_drawn_on_a_logarithmic_scale_with_the_floor(whole):
    chart = next(chart for chart in curve_charts(find(whole)) if chart.name == "quality_curve")
    assert chart.log and chart.limits is not None
    assert "The real-data baseline is 3, far below the chart." in chart.caption
    plot = Outline(drawing.draw(chart))
    fields = next(fields for _, fields in plot.elements if fields.get("role") == "img")
    assert "data-y-log" in fields
    assert [float(str(fields[f"data-y-{end}"])) for end in ("low", "high")] == pytest.approx(chart.limits)
    assert [fields["data-place"] for _, fields in plot.elements if "data-place" in fields] == ["0", "1", "2"] * 3


@pytest.mark.parametrize(
    ("figure", "shown", "said"), [(4.0, 1.5, "dotted line"), (50.0, None, "baseline is 1.50, far below")]
)
def test_the_floor_is_drawn_where_it_is_near(tmp_path, figure, shown, said):
    figures = {name: [figure, figure + 1, figure + 2] for name in ("hidden_dim=16", "hidden_dim=64")}
    findings = find(ended(tmp_path / "study", asked(), figures))
    chart = quality_chart(findings)
    assert chart is not None and said in chart.caption
    assert (None if chart.level is None else chart.level.value) == shown
    assert [row.dots for row in chart.rows] == list(figures.values())
    assert [(row.estimate, row.low <= row.estimate <= row.high) for row in chart.rows] == [(figure + 1, True)] * 2


def test_many_variants_are_told_apart():
    looks = {(look_of(place).colour, look_of(place).dash) for place in range(MOST_DRAWN)}
    assert len(looks) == MOST_DRAWN == 35
    assert {look_of(place).dash for place in range(7)} == {"solid"}


# Samples.


def test_samples_are_the_runs_own_pictures(whole):
    samples = find_samples(whole)
    assert samples is not None
    assert samples.moments == [f"step {step}" for step in (20, 40, 60, 80, 100)]
    assert samples.seeds == [0, 1, 2] and samples.variants == list(whole.variants)
    shown = samples.pictures[1, "hidden_dim=64"]
    for step, picture in zip((20, 40, 60, 80, 100), shown, strict=True):
        path = whole.job("hidden_dim=64", 1).folder / "samples" / f"samples_step_{step:06d}.png"
        with Image.open(path) as own, Image.open(io.BytesIO(picture.content)) as small:
            assert own.size == (picture.width, picture.height) == (48, 32)
            assert (np.asarray(own) == np.asarray(small).repeat(2, axis=0).repeat(2, axis=1)).all()
    failed = samples.pictures[1, HOSTILE]
    assert [picture.label for picture in failed] == ["step 20"] * 5


def test_the_page_holds_every_moment(whole, outline):
    data = json.loads(outline.texts["script"][0])
    slider = next(fields for tag, fields in outline.elements if fields.get("type") == "range")
    assert int(slider["max"] or 0) == len(data["moments"]) - 1 == 4
    assert data["seeds"] == [0, 1, 2]
    for place, name in enumerate(whole.variants):
        for seed in ("0", "1", "2"):
            shown = data["pictures"][str(place)][seed]
            assert len(shown["at"]) == 5
            assert name in shown["pictures"][shown["at"][-1]][2]
    failed = data["pictures"]["2"]["1"]
    assert failed["at"] == [0] * 5 and len(failed["pictures"]) == 1


def test_at_most_twelve_moments_with_the_last(tmp_path):
    study = Study.begin(asked(), tmp_path / "study")
    job = study.job("hidden_dim=16", 0)
    begin_run(job)
    for step in range(101, 140):
        draw(job, f"samples_step_{step:06d}", np.full((4, 4), step, np.uint8))
    samples = find_samples(study)
    assert samples is not None and len(samples.moments) == 12
    assert samples.moments[0] == "step 20" and samples.moments[-1] == "step 139"


def test_pictures_of_epochs_have_their_step(tmp_path):
    study = Study.begin(asked(), tmp_path / "study")
    job = study.job("hidden_dim=16", 0)
    run = begin_run(job)
    shutil.rmtree(job.folder / "samples")
    (job.folder / "samples").mkdir()
    draw(job, "generated_images_epoch_001", np.zeros((4, 4), np.uint8))
    assert [sample.step for sample in report_samples.samples_of(run)] == [STEPS]
    samples = find_samples(study)
    assert samples is not None and samples.moments == ["step 100"]


@pytest.mark.slow
def test_a_large_study_makes_a_page_below_fifteen_megabytes(tmp_path):
    config = asked(factors={"latent_dim": [50, 100, 150]}, seeds=8)
    names = ["latent_dim=50", "latent_dim=100", "latent_dim=150"]
    study = ended(tmp_path / "study", config, {name: [20.0 + seed for seed in range(8)] for name in names})
    random = np.random.default_rng(0)
    for job in study.jobs()[: 3 * len(names)]:
        for step in range(101, 111):
            draw(job, f"samples_step_{step:06d}", random.integers(256, size=(300, 300), dtype=np.uint8))
    path = write_report(study)
    assert path.stat().st_size < 15_000_000
    samples = find_samples(study)
    assert samples is not None and samples.variants == names and samples.moments[-1] == "step 110"
    assert len(samples.seeds) < 3


def test_variants_are_left_out_rather_than_a_page_too_large(monkeypatch, whole):
    monkeypatch.setattr(report_samples, "BUDGET", 300)
    samples = find_samples(whole)
    assert samples is not None
    assert (samples.variants, samples.left_out, samples.seeds) == (["hidden_dim=16"], 2, [0])


# What it says.


@pytest.mark.slow
def test_the_first_line_says_the_main_thing(whole):
    said = headline(find(whole))
    assert said == "hidden_dim=64 is better than hidden_dim=16; no difference was shown between the others."


@pytest.mark.parametrize(
    ("seeds", "first", "second", "said"),
    [
        (6, 20.0, 50.0, "hidden_dim=16 is better than hidden_dim=64."),
        (6, 50.0, 20.0, "hidden_dim=64 is better than hidden_dim=16."),
        (6, 20.0, 20.0, "No difference was shown between hidden_dim=16 and hidden_dim=64."),
        (3, 20.0, 50.0, "No difference was shown between hidden_dim=16 and hidden_dim=64; 3 seeds are too few to "),
        (2, 20.0, None, "Only hidden_dim=16 has finished runs, so nothing is compared: Fréchet distance "),
    ],
)
def test_the_first_line_of_two_variants(tmp_path, seeds, first, second, said):
    figures = {"hidden_dim=16": first, "hidden_dim=64": second}
    values = {k: [None if v is None else v + seed / 10 for seed in range(seeds)] for k, v in figures.items()}
    study = ended(tmp_path / "study", asked(seeds=seeds), values)
    assert headline(find(study)).startswith(said)


@pytest.mark.slow
def test_variants_on_data_of_their_own_are_not_compared(tmp_path):
    variants = [{"name": "ones", "classes": "1"}, {"name": "twos", "classes": "2"}]
    config = asked(variants=variants, factors={}, moments=[40])
    study = ended(tmp_path / "study", config, {"ones": [20.0, 21.0, 22.0], "twos": [50.0, 51.0, 52.0]})
    assert headline(find(study)).startswith("All variants together: Fréchet distance ")
    assert table_of(study, "comparisons.csv") == [] if write_report(study) else None
    assert len(table_of(study, "moments.csv")) == 3


@pytest.mark.slow
def test_a_search(tmp_path):
    config = asked(search="tpe", factors={"learning_rate": {"low": 1e-4, "high": 1e-2}}, trials=3, seeds=1)
    folder = Study.begin(config, tmp_path / "study").folder
    trials = {f"trial {rate:g}": config.configure("trial", {"learning_rate": rate}) for rate in (0.001, 0.002, 0.003)}
    study = Study(folder, config, trials)
    study.write()
    for name, figure in zip(trials, (20.0, 10.0, 30.0), strict=True):
        end_run(study.job(name, 0), figure)
    outline = Outline(write_report(Study.open(folder)).read_text(encoding="utf-8"))
    said = "trial 0.002 was chosen from 3 trials by their own evaluations; its measured Fréchet distance is 10."
    assert said in outline.texts["p"]
    assert table_of(study, "comparisons.csv") == []
    assert [row["settings"] for row in table_of(study, "variants.csv")][1] == "learning_rate = 0.002"


def test_every_sentence_is_in_one_place(whole, outline):
    verdict = judge(whole)
    moments, readings = moment_sentences(verdict), loss_sentences(verdict)
    assert len(moments) == 4 and all("at step 40" in sentence for sentence in moments)
    assert readings and all("Judged by" in text or "rank correlation" in text for text in readings)
    assert set(sentences(verdict)) <= set(outline.texts["li"])


@pytest.mark.slow
def test_of_very_many_comparisons_the_first_are_in_words(tmp_path):
    config = asked(
        variants=[{"name": f"v{place}", "hidden_dim": 8 + place} for place in range(10)], factors={}, seeds=2
    )
    study = ended(tmp_path / "study", config, {f"v{place}": [20.0 + place, 21.0] for place in range(10)})
    outline = Outline(write_report(study).read_text(encoding="utf-8"))
    said = [text for text in outline.texts["li"] if text.startswith("No difference shown")]
    assert len(said) == 40 and "5 more are in the tables below and in comparisons.csv." in outline.texts["p"]
    assert any(text.startswith("v0 has the best") for text in outline.texts["li"])
    assert len(table_of(study, "comparisons.csv")) == 45


def test_lists_and_shares():
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert [percent(share) for share in (None, math.nan, 0.016, 0.5, 1.45)] == ["–", "–", "1.6%", "50%", "145%"]


# How it was made.


def test_the_method_says_what_it_took(whole):
    found = dict(method(find(whole)))
    assert found["Training time"] == "4 min 30 s over 27 runs, of which 25 finished and 2 failed"
    assert found["Feature space"] == "digits (version 1, 7e2330b6372c)"
    assert "torch 2.4" in found["Versions"] and "x86_64" in found["Machine"]


@pytest.mark.parametrize("name", STUDIES)
def test_known_studies_are_run_again_by_their_name(name, tmp_path):
    config = STUDIES[name]()
    study = Study.begin(config, tmp_path / "again")
    assert command(study) == (f"pocketgan study {name} --out again", None)
    changed = Study.begin(study_config(config.model_dump() | {"seeds": 20, "duration": "2 min"}), tmp_path / "a b")
    assert command(changed)[0] == f"pocketgan study {name} --seeds 20 --duration '2 min' --out 'a b'"


CONFIGS = {
    "factors": asked(),
    "variants": asked(variants=[{"name": 'a "b" \\ c\n', "hidden_dim": 8}, {"pixel_range": "unit"}], factors={}),
    "search": asked(search="tpe", factors={"r1": {"low": 0.1, "high": 3.0, "log": True}, "depth": [1, 2]}, seeds=1),
    "texts": asked(question='Ist "größer" besser?\t\x7f 漢字 😀', settings={"learning_rate": 1e-05, "data": "C:\\x"}),
    "known": STUDIES["stability"](),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_file_reads_as_the_same_study(config):
    assert study_config(tomllib.loads(toml(config))) == config


def test_a_study_of_another_kind_comes_with_its_file(whole, outline):
    line, file = command(whole)
    assert line == "pocketgan study tiny.toml --out study" and file is not None
    assert outline.texts["code"] == [file, line]


def test_settings_are_those_that_differ_from_the_recipe():
    variants = [{"recipe": "dcgan"}, {"hidden_dim": 8}, {"name": "plain"}]
    config = asked(variants=variants, factors={})
    study = Study(Path("nowhere"), config, config.configs())
    assert [settings_of(study, name) for name in study.variants] == [{"recipe": "dcgan"}, {"hidden_dim": 8}, {}]


@pytest.mark.slow
def test_it_starts_without_torch():
    code = "import sys, pocketgan.studies.report.write; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr


# In a browser.


def browse(page: Path, profile: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Opens a page in a browser without a window; its console is on standard error."""
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--enable-logging=stderr",
    ]
    place = [f"--user-data-dir={profile}", "--virtual-time-budget=8000", *arguments, page.as_uri()]
    return subprocess.run([BROWSER, *flags, *place], capture_output=True, text=True, timeout=120, check=False)


needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium or Chrome is installed")


@pytest.mark.slow
@needs_browser
def test_charts_are_drawn_in_a_browser(whole, page, tmp_path):
    done = browse(whole.folder / "report" / "report.html", tmp_path, "--dump-dom")
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert done.stdout.count('role="img"') == 8 and "alert(1)" in done.stdout
    assert done.stdout.count("<script") == page.count("<script")


CLICKS = """
const buttons = document.querySelectorAll('.legend[data-group="curves"] button');
buttons[0].click();
document.querySelector('.legend[data-group="curves"] input').click();
const moment = document.getElementById("moment"), seed = document.getElementById("seed");
moment.value = "1";
moment.dispatchEvent(new Event("input"));
seed.value = "2";
seed.dispatchEvent(new Event("change"));
const plot = document.querySelector("#chart-quality_curve .pg-plot"), box = plot.getBoundingClientRect();
for (const [kind, at] of [["pointerdown", 0.5], ["pointermove", 0.9], ["pointerup", 0.9]]) {
  const place = {clientX: box.left + at * box.width, clientY: box.top + at * box.height};
  plot.dispatchEvent(new PointerEvent(kind, {bubbles: true, button: 0, ...place}));
}
plot.dispatchEvent(new KeyboardEvent("keydown", {bubbles: true, key: "Home"}));
"""


@pytest.mark.slow
@needs_browser
def test_legend_slider_values_and_zoom_work_in_a_browser(whole, page, tmp_path):
    clicked = tmp_path / "clicked.html"
    clicked.write_text(page.replace("</body>", f"<script>{CLICKS}</script></body>"), encoding="utf-8")
    done = browse(clicked, tmp_path / "profile", "--dump-dom")
    assert "CONSOLE" not in done.stderr, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    chart = done.stdout.partition('id="chart-g_loss"')[2].partition("<figcaption")[0]
    assert chart.count("<polyline") == 3
    shapes = re.findall(r"<[^>]* data-place=[^>]*>", chart)
    assert {'data-place="0"' in shape for shape in shapes if re.search(r' off"', shape)} == {True}
    assert 'class="charts pg-charts bandless"' in done.stdout
    zoomed = done.stdout.partition('id="chart-quality_curve"')[2].partition("<figcaption")[0]
    assert [round(float(end)) for end in re.findall(r'data-x-(?:low|high)="([\d.]+)"', zoomed)] == [50, 90]
    tip = re.sub("<[^>]*>", " ", zoomed.partition('class="pg-tip"')[2])
    assert "step: 60" in tip and "hidden_dim=64" in tip and "hidden_dim=16" not in tip, "that one is hidden"
    shown = re.search(r'<figure[^>]* data-place="1">(.*?)</figure>', done.stdout, re.DOTALL)
    assert shown is not None and "Samples of hidden_dim=64, seed 2, step 40" in shown[1]
    samples = find_samples(whole)
    assert samples is not None and f'src="{samples.pictures[2, "hidden_dim=64"][1].address}"' in shown[1]
    assert '<output id="moment-said" for="moment">step 40</output>' in done.stdout


# Other languages.


@pytest.mark.slow
@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_the_page_speaks_other_languages(whole, page, outline, code, tmp_path):
    study = Study.open(shutil.copytree(whole.folder, tmp_path / "study"))
    other = write_report(study, code).read_text(encoding="utf-8")
    assert f'<html lang="{code}">' in other
    assert other.count('<th scope="col"') == page.count('<th scope="col"')
    assert other.count('<th scope="row"') == page.count('<th scope="row"')
    english = {text for texts in (outline.texts["h2"], outline.texts["h3"], outline.texts["caption"]) for text in texts}
    found = Outline(other)
    said = {text for tag in ("h2", "h3", "caption") for text in found.texts[tag]}
    assert len(said) >= len(english) - 1 and not said & english
    assert not set(outline.texts["li"]) & {text for text in found.texts["li"] if " " in text}
    assert table_of(study, "runs.csv")[0]["state"] == "finished"


GOLDEN = {
    "en": ["6.84", "6.71", "7.00", "1.50"],
    "uk": ["6,84", "6,71", "7,00", "1,50"],
    "ru": ["6,84", "6,71", "7,00", "1,50"],
    "ko": ["6.84", "6.71", "7.00", "1.50"],
    "zh-TW": ["6.84", "6.71", "7.00", "1.50"],
}
"""Of the first variant in each language: the mean, the ends of its interval, what real images get."""
MARKS = {"uk": (",", "\u00a0"), "ru": (",", "\u00a0")}
"""The decimal mark, and what stands between thousands, where they are others than in English."""


def numbers_in(texts: Sequence[str]) -> list[list[str]]:
    """Returns the numbers in each text, sorted, since languages order words as they like."""
    return [sorted(re.findall(r"\d(?:[\d.,\u00a0]*\d)?", text)) for text in texts]


@pytest.fixture(scope="module")
def decimals(tmp_path_factory):
    """A study whose figures have decimals and thousands."""
    config = asked(factors={"hidden_dim": [16, 32, 64]}, metrics=["modes"])
    figures = {"hidden_dim=16": [6.79, 6.83, 6.9], "hidden_dim=32": [1230.0, 1234, 1240]}
    figures["hidden_dim=64"] = [0.0202, 0.021, 0.0218]
    return ended(tmp_path_factory.mktemp("decimals") / "study", config, figures)


@pytest.mark.slow
@pytest.mark.parametrize("code", LANGUAGES)
def test_numbers_are_written_once_as_each_language_writes_them(code, decimals):
    page = Outline(write_report(decimals, code).read_text(encoding="utf-8"))
    english = Outline(write_report(decimals).read_text(encoding="utf-8"))
    row = " ".join(page.texts["td"][1:6])
    assert re.findall(r"\d+[.,]\d+", row) == GOLDEN[code]
    decimal, group = MARKS.get(code, (".", ","))
    marks = {ord("."): decimal, ord(","): group}
    for tag in ("td", "li"):
        wanted = [[number.translate(marks) for number in found] for found in numbers_in(english.texts[tag])]
        found = numbers_in(page.texts[tag])
        assert [sorted(numbers) for numbers in wanted if numbers] == [numbers for numbers in found if numbers]
    labels = [str(fields["aria-label"]) for _, fields in page.elements if fields.get("role") == "img"]
    assert f"(6{decimal}7" in labels[0]


def test_an_unknown_language_is_one_line(whole):
    with refused("no language", "lang"):
        write_report(whole, "xx")
