"""Compare: runs side by side, and studies' pages."""

import json
import re
from html import unescape
from pathlib import Path

import pytest

from pocketgan.base.errors import WebError
from pocketgan.base.language import LANGUAGES
from pocketgan.web.compare.side_by_side import MOMENTS, MOST, OVER
from pocketgan.web.compare.tab import compare_html, made, measured, study_html
from pocketgan.web.site import Site
from pocketgan.web.train import starting
from test_web_train import Balanced
from tiny_studies import Make
from web_runs import evaluation, make_run, write_lines


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A folder with two runs, one of them measured."""
    make_run(tmp_path / "one")
    make_run(tmp_path / "two", rows=100, samples=5)
    figure = {"value": 12.34, "spread": 0.56, "floor": 0.78}
    found = {"metrics": {"frechet_distance": figure, "recall": {"value": 0.5, "spread": None, "floor": None}}}
    (tmp_path / "one" / "evaluation").mkdir()
    (tmp_path / "one" / "evaluation" / "evaluation.json").write_text(json.dumps(found))
    return Site(tmp_path)


def moments(html: str) -> dict[str, list[list[object]]]:
    """The samples of each run, as the page's script reads them."""
    found = re.findall(r'data-name="([^"]*)" data-samples="([^"]*)"', html)
    return {name: json.loads(unescape(samples)) for name, samples in found}


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("over", OVER)
def test_runs_stand_side_by_side(site: Site, code: str, over: str) -> None:
    site = Site(site.folder, code)
    html = compare_html(site, ["one", "two"], over)
    parsed = Balanced()
    parsed.feed(html)
    assert not parsed.open
    assert html.count('class="pg-chart"') == 5
    assert site.say("measured") in html and site.say(f"axis {over}") in html
    assert "12.3 ± 0.56" in html.replace(",", ".") and "0.78" in html.replace(",", ".")


def test_samples_are_those_of_the_same_moment(site: Site) -> None:
    found = moments(compare_html(site, ["one", "two"], "steps"))
    assert [sample[:2] for sample in found["one"]] == [[f"samples_step_0000{s}.png", s] for s in (10, 20, 30)]
    assert len(found["two"]) == 5
    by_images = moments(compare_html(site, ["one", "two"], "kimg"))
    assert [sample[1] for sample in by_images["one"]] == pytest.approx([0.08, 0.16, 0.24])
    by_time = moments(compare_html(site, ["one"], "minutes"))
    assert [sample[1] for sample in by_time["one"]] == pytest.approx([10 / 3000, 20 / 3000, 30 / 3000])
    html = compare_html(site, ["one", "two"], "steps")
    labels = json.loads(unescape(re.findall(r'data-moments="([^"]*)"', html)[0]))
    assert len(labels) == MOMENTS + 1 and labels[0] == "step 0" and labels[-1] == "step 100"


def test_the_floor_is_one_line_where_it_is_about_the_same(site: Site) -> None:
    html = compare_html(site, ["one", "two"], "steps")
    assert html.count('<svg class="pg-key" ') == 3, "quality, and chance in both accuracies"
    write_lines(site.folder / "two" / "metrics.jsonl", [evaluation(10, 9.0) | {"frechet_floor": 9.0}])
    assert compare_html(Site(site.folder), ["one", "two"], "steps").count('<svg class="pg-key" ') == 2


def test_runs_that_are_not_there_leave_a_sentence_and_the_others(site: Site) -> None:
    (site.folder / "two" / "config.json").write_text("{")
    html = compare_html(site, ["one", "gone", "../x", "two"], "steps")
    assert html.count("pg-line bad") == 3 and "polyline" in html


@pytest.mark.parametrize("names", [None, [], "one", {"a": 1}, [None], [["one"]]])
def test_anything_else_is_no_choice(site: Site, names: object) -> None:
    assert "polyline" not in compare_html(site, names, "steps")


def test_so_many_runs_and_no_more(site: Site) -> None:
    for number in range(MOST + 2):
        make_run(site.folder / f"more-{number}")
    html = compare_html(site, [f"more-{number}" for number in range(MOST + 2)], None)
    assert len(moments(html)) == MOST


def test_names_are_escaped(site: Site) -> None:
    make_run(site.folder / '<img src=x onerror="x">')
    html = compare_html(site, ['<img src=x onerror="x">'], "steps")
    assert "<img src=x" not in html and "&lt;img" in html


def test_damaged_figures_are_left_out(site: Site) -> None:
    path = site.folder / "one" / "evaluation" / "evaluation.json"
    for content in ("{", "[]", '{"metrics": 3}', '{"metrics": {"recall": 3, "precision": {"value": "x"}}}'):
        path.write_text(content)
        assert "polyline" in compare_html(site, ["one"], "steps")


def test_measuring_is_begun_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(site.starts, "launch", lambda name, arguments, language: begun.append((name, arguments)))
    said = measured(site, ["one", "gone"])
    assert [arguments[:2] for _, arguments in begun] == [["evaluate", str(site.folder / "one")]]
    assert said.count("good") == 1 and said.count("bad") == 1
    monkeypatch.setattr(site.starts, "running", lambda name: name == "evaluate one")
    assert "bad" in measured(site, ["one"]) and len(begun) == 1


def test_a_study_is_shown_in_a_frame_of_its_own(site: Site, tiny: Make) -> None:
    assert "no study" in study_html(site, None)
    folder = site.folder / "a b"
    folder.mkdir()
    (folder / "study.json").write_text("{}")
    site.forget()
    assert "no report yet" in study_html(site, "a b")
    (folder / "report").mkdir()
    (folder / "report" / "report.html").write_text("<h1>found</h1>")
    html = study_html(site, "a b")
    assert 'src="studies/a%20b/report.html"' in html and 'sandbox="allow-scripts"' in html
    for name in ("../x", "one", "gone", 3):
        assert "bad" in study_html(site, name) and "iframe" not in study_html(site, name)


@pytest.mark.slow
def test_a_page_that_cannot_be_written_says_why(site: Site) -> None:
    folder = site.folder / "broken"
    folder.mkdir()
    (folder / "study.json").write_text("{}")
    said = made(site, "broken")
    assert "bad" in said and "study.json" in said and "Traceback" not in said
    with pytest.raises(WebError):
        starting.write_report(site, "one")
