"""Train and Compare in a real browser: whole journeys, each language, the keyboard, and what axe-core finds."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from packages import needs
from pocketgan.base.files import write_json
from pocketgan.base.language import LANGUAGES, speaking
from pocketgan.base.language import say as say_of
from pocketgan.web.ranking import MEASURED
from pocketgan.web.words import WORDS
from web_pages import BROWSER, LONG, NO_BROWSER, is_elsewhere, launched, served
from web_runs import evaluation, make_run, row, write_lines

needs("gradio", "the extra 'web' isn't installed")
pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe isn't installed")

pytestmark = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
FAULTS = ("serious", "critical")
SETTINGS = {
    "hidden_dim": "8", "latent_dim": "4", "batch_size": "4", "log_every": "5 steps", "sample_every": "100 steps",
    "evaluate_every": "none", "threads": "1", "duration": "1000000 steps", "sample_count": "9",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs and a study."""
    place = tmp_path_factory.mktemp("page")
    for name, scale in (("one", 1.0), ("two", 2.0)):
        run = make_run(place / "runs" / name, samples=5)
        write_lines(run.folder / "stats.jsonl", [row(s) | {"g_loss": scale * s} for s in range(1, 200)])
        write_lines(run.folder / "metrics.jsonl", [evaluation(s, 100 * scale / s) for s in range(20, 200, 20)])
    score = {"value": 0.0045, "spread": 0.0000927, "floor": 0.334}
    measured = {"metrics": dict.fromkeys(("frechet_distance", "precision", "recall", "coverage"), score)}
    (place / "runs" / "one" / MEASURED).parent.mkdir()
    write_json(place / "runs" / "one" / MEASURED, measured)
    (place / "studies" / "s" / "report").mkdir(parents=True)
    (place / "studies" / "s" / "study.json").write_text("{}")
    report = "<h1>The study's page</h1><script>parent.document.title = 'taken'</script>"
    (place / "studies" / "s" / "report" / "report.html").write_text(report)
    return place


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as found:
        yield found


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page, which asks nobody else for anything, and in which nothing goes wrong."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(LONG)
    found, wrong = context.new_page(), []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("request", lambda request: wrong.append(request.url) if is_elsewhere(request.url) else None)
    yield found
    context.close()
    assert not [text for text in wrong if "Blocked a frame" not in text], "a study's page may try what it likes"


def opened(page: Any, address: str, tab: int = 0) -> None:
    page.goto(address)
    page.locator(".pg-state").wait_for()
    if tab:
        page.get_by_role("tab").nth(tab).click()


def unfold(page: Any, *titles: str) -> None:
    """Opens sections; Gradio writes an arrow into the names of their buttons."""
    for title in titles:
        page.locator("button.label-wrap").filter(has_text=re.compile(f"^\\s*{re.escape(title)}")).click()


def text_of(page: Any, part: str) -> str:
    return page.locator(f'[data-part="{part}"]').inner_text()


def compared(page: Any, *names: str) -> None:
    field = page.get_by_label("Runs to compare")
    for name in names:
        field.click()
        field.fill(name)
        page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Escape")
    page.locator(".pg-compare .pg-table tbody tr").nth(len(names) - 1).wait_for()


@pytest.mark.slow
def test_a_run_is_started_watched_stopped_and_resumed(page: Any, tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "one")
    with served(tmp_path) as address:
        try:
            journey(page, address, tmp_path)
        finally:  # A training whose folder is gone ends, also where the journey failed half-way.
            shutil.rmtree(tmp_path / "runs" / "journey", ignore_errors=True)


def journey(page: Any, address: str, folder: Path) -> None:
    opened(page, address)
    unfold(page, "New run")
    page.get_by_label("Recipe", exact=True).click()
    page.get_by_role("option", name="minimal", exact=True).click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.pg-new p')].some(p => /smallest Keras/.test(p.innerText))"
    )
    unfold(page, "Networks", "Training", "Pictures", "Evaluation")
    page.get_by_label("batch_size").fill("many")
    page.get_by_role("button", name="Start").click()
    page.get_by_text("batch_size must be a whole number (got 'many')").wait_for()
    for name, value in SETTINGS.items():
        page.get_by_label(re.compile(rf"^\s*{name}\b")).fill(value)
    page.get_by_label("Name", exact=True).fill("runs/journey")
    page.get_by_role("button", name="Start").click()
    page.get_by_text("Started: runs/journey").wait_for()
    # The picture changes by itself.
    image = page.locator('[data-part="image"]')
    page.wait_for_function("() => Number(document.querySelector('[data-part=moment]').max) >= 2")
    first = image.get_attribute("src")
    page.wait_for_function("src => document.querySelector('[data-part=image]').getAttribute('src') !== src", arg=first)
    page.locator(".pg-judged .cell").nth(8).wait_for(state="attached")
    assert re.search(r"\d+%", text_of(page, "sure"))
    # The slider goes back, and stays there while new pictures come.
    slider = page.get_by_label("Moment").first
    slider.focus()
    page.keyboard.press("Home")
    assert text_of(page, "moment-text") == "step 100"
    kept, most = image.get_attribute("src"), slider.get_attribute("max")
    page.wait_for_function("m => document.querySelector('[data-part=moment]').max !== m", arg=most)
    assert image.get_attribute("src") == kept
    # So it does where Gradio puts the same run in again.
    page.evaluate("delete document.querySelector('.pg-live').dataset.ready")
    most = slider.get_attribute("max")
    page.wait_for_function("() => document.querySelector('.pg-live').dataset.ready")
    page.wait_for_function("m => document.querySelector('[data-part=moment]').max !== m", arg=most)
    assert image.get_attribute("src") == kept
    # Stop, and resume.
    assert not page.get_by_role("button", name="Resume").is_visible()
    page.get_by_role("button", name="Stop").click()
    page.locator(".pg-state.interrupted").wait_for()
    steps = text_of(page, "state")
    page.get_by_role("button", name="Resume").click()
    page.locator(".pg-state.running").wait_for(timeout=3 * LONG)
    page.wait_for_function("s => document.querySelector('[data-part=state]').innerText !== s", arg=steps)
    # Its folder is deleted under it: a sentence, and the page goes on.
    shutil.rmtree(folder / "runs" / "journey", ignore_errors=True)
    page.locator('[data-part="state"] .bad').wait_for()
    page.get_by_role("tab").nth(3).click()
    compared(page, "runs/one")


@pytest.mark.slow
def test_two_runs_are_compared(page: Any, address: str) -> None:
    opened(page, address, 3)
    compared(page, "runs/one", "runs/two")
    assert page.locator(".pg-compare .pg-chart").count() == 5
    assert page.locator(".pg-compare .pg-chart").first.locator("polyline").count() == 2
    pictures = page.locator(".pg-grid img")
    before = pictures.nth(0).get_attribute("src")
    page.locator(".pg-compare-slider").focus()
    page.keyboard.press("Home")
    assert page.locator(".pg-none").first.is_visible()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("src => document.querySelector('.pg-grid img').getAttribute('src') !== src", arg=before)
    captions = page.locator(".pg-at").all_inner_texts()
    assert captions == ["step 20", "step 20"]


@pytest.mark.slow
def test_a_studys_page_is_shown_and_reaches_nothing(page: Any, address: str) -> None:
    opened(page, address, 3)
    page.get_by_label("Study", exact=True).click()
    page.get_by_role("option", name="studies/s").click()
    page.frame_locator("iframe").get_by_text("The study's page").wait_for()
    assert "taken" not in page.title()


@pytest.mark.slow
@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_speaks_each_language(page: Any, folder: Path, code: str) -> None:
    def say(key: str, **parts: object) -> str:
        with speaking(code):
            return say_of(WORDS, key, **parts)

    with served(folder, code) as address:
        opened(page, address)
        assert page.evaluate("document.documentElement.lang") == code
        assert page.get_by_role("tab").all_inner_texts()[:4] == [
            say(k) for k in ("train", "create", "redraw", "compare")
        ]
        unfold(page, say("new run"), say("section network"))
        page.get_by_text(say("help latent_dim")).first.wait_for()
        shown = page.locator("body").inner_text()
        for key in ("recipe", "start", "losses", "accuracies", "quality", "speed", "help latent_dim", "watchdog"):
            assert say(key) in shown, key
        if code != "en":
            texts = ("Recipe", "Networks", "Losses", "Training", "Finished", "images/s", "Moment", "real-data baseline")
            for text in texts:
                assert text not in shown, text
        page.get_by_role("tab").nth(3).click()
        page.get_by_text(say("choose runs")).first.wait_for()
        all_tabs_are_there_on_a_narrow_screen(page, address)


def all_tabs_are_there_on_a_narrow_screen(page: Any, address: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    opened(page, address)
    tabs = page.get_by_role("tab")
    assert tabs.count() == 4
    for place in range(4):
        tabs.nth(place).click()
        page.wait_for_timeout(300)
        box = tabs.nth(place).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 400 and box["height"] >= 24
        assert tabs.nth(place).get_attribute("aria-selected") == "true" and tabs.count() == 4
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(page: Any, address: str, theme: str) -> None:
    page.emulate_media(color_scheme=theme)
    opened(page, address)
    unfold(page, "New run")
    unfold(page, "Networks")
    page.wait_for_timeout(500)
    found = serious(page)
    page.get_by_role("tab").nth(3).click()
    compared(page, "runs/one", "runs/two")
    found += serious(page)
    for tab in (1, 2):
        page.get_by_role("tab").nth(tab).click()
        page.wait_for_timeout(1500)
        found += serious(page)
    page.set_viewport_size({"width": 360, "height": 800})  # On wide screens, axe can't judge the color of the open tab.
    page.wait_for_timeout(500)
    found += serious(page)
    assert not found, "\n".join(found)


def serious(page: Any) -> list[str]:
    """What axe-core finds that matters, a line each."""
    violations = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in violations
        if one["impact"] in FAULTS
        for node in one["nodes"][:3]
    ]


@pytest.mark.slow
def test_the_keyboard_reaches_everything(page: Any, address: str) -> None:
    opened(page, address)
    unfold(page, "New run")
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('.pg-train :is(button, input, textarea, select, a)')]
        .filter(e => e.offsetParent && !e.disabled && e.tabIndex >= 0).length"""
    )
    page.evaluate("document.body.focus()")
    seen = set()
    for _ in range(3 * wanted + 20):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(
            """() => { const e = document.activeElement; if (!e.closest('.pg-train')) return '';
            const s = getComputedStyle(e); e.dataset.seen ||= String(Math.random());
            const seen = s.outlineStyle !== 'none' || s.boxShadow !== 'none' || e.type === 'range';
            return e.dataset.seen + '|' + (seen ? '' : e.outerHTML.slice(0, 150) + '|hidden'); }"""
        ))  # fmt: skip
    found = {one.partition("|")[0] for one in seen if one}
    assert len(found) >= wanted
    assert not [one for one in seen if one.endswith("|hidden")], "focus can be seen"


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 400])
def test_nothing_is_wider_than_the_screen(page: Any, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, address)
    for tab in range(4):
        page.get_by_role("tab").nth(tab).click()
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_no_score_of_compared_runs_is_cut_off(page: Any, address: str) -> None:
    page.goto(f"{address}/?tab=compare&runs=runs/one&runs=runs/two")
    table = page.locator(".pg-compare .pg-scroll")
    table.get_by_text("0.0045 ± 0.0000927").first.wait_for()
    for width in (1280, 1021, 1020, 768, 641, 360):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(200)
        assert table.evaluate("box => box.scrollWidth <= box.clientWidth"), width


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_page_says_when_its_server_is_gone_and_goes_on_after(page: Any, folder: Path) -> None:
    with served(folder) as address:
        opened(page, address)
        page.route("**/live/run*", lambda route: route.abort())
        page.locator(".pg-lost").wait_for(state="visible")
        page.unroute("**/live/run*")
        page.locator(".pg-lost").wait_for(state="hidden")
