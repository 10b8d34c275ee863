"""What one does first, in a real browser: starts a run, makes a mistake, chooses another, reads a chart, goes back."""

import itertools
import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from packages import needs
from web_pages import BROWSER, LONG, NO_BROWSER, is_elsewhere, launched, served
from web_runs import evaluation, make_run, row, write_lines, write_status

needs("gradio", "the extra 'web' isn't installed")
pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe isn't installed")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)]
TINY = {"hidden_dim": "8", "latent_dim": "4", "batch_size": "4", "sample_count": "4", "threads": "1",
        "evaluate_every": "none", "duration": "100000 steps"}  # fmt: skip
LAPTOP = {"width": 1366, "height": 768}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs with curves, and a study's."""
    place = tmp_path_factory.mktemp("ways")
    (place / "a-study").mkdir()
    (place / "a-study" / "study.json").write_text("{}")
    for name, scale in (("runs/one", 1.0), ("runs/two", 2.0), ("runs/three", 3.0), ("a-study/runs/v/seed-0", 0.5)):
        run = make_run(place / name, samples=5)
        write_lines(run.folder / "stats.jsonl", [row(s) | {"g_loss": scale * s} for s in range(1, 61)])
        shares = [[1.0] + [0.0] * 9, [0.5, 0.5] + [0.0] * 8, [0.1] * 10]
        rows = [evaluation(s, 100 * scale / s) | {"histogram": shares[s // 20 - 1]} for s in (20, 40, 60)]
        write_lines(run.folder / "metrics.jsonl", rows)
    write_status(place / "runs" / "three", state="running", step=60)
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
    context = browser.new_context(viewport=LAPTOP)
    context.set_default_timeout(LONG)
    found, wrong = context.new_page(), []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("request", lambda request: wrong.append(request.url) if is_elsewhere(request.url) else None)
    yield found
    context.close()
    assert not wrong


def opened(page: Any, address: str, search: str = "?tab=train&run=runs/one") -> None:
    page.goto(f"{address}/{search}")
    name = search.partition("run=")[2]
    page.locator(f'.pg-live[data-run="{name}"] .pg-state' if name else ".pg-state").wait_for()


def unfold(page: Any, *titles: str) -> None:
    for title in titles:
        page.locator("button.label-wrap").filter(has_text=re.compile(f"^\\s*{re.escape(title)}")).click()


def field(page: Any, name: str) -> Any:
    return page.get_by_label(re.compile(rf"^\s*{name}\b"))


def in_view(page: Any, element: Any) -> bool:
    box = element.bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"]


# Starting.


@pytest.mark.slow
def test_start_answers_in_view_and_mistakes_stand_at_their_field(page: Any, tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "one")
    with served(tmp_path) as address:
        try:
            start(page, address)
        finally:
            for status in tmp_path.glob("runs/*/status.json"):
                found = re.search(r'"pid": (\d+)', status.read_text())
                if found and status.parent.name != "one":
                    with suppress(OSError):
                        os.kill(int(found[1]), signal.SIGKILL)


def start(page: Any, address: str) -> None:
    opened(page, address)
    unfold(page, "New run")
    button = page.get_by_role("button", name="Start", exact=True)
    button.wait_for()
    page.wait_for_timeout(400)
    assert in_view(page, button), "on a laptop's screen"
    unfold(page, "Networks", "Training")
    for name, value in TINY.items():
        if field(page, name).is_visible():
            field(page, name).fill(value)
    field(page, "beta2").fill("zero")
    unfold(page, "Training")
    field(page, "beta2").wait_for(state="hidden")
    button.click()
    wrong = page.locator("#set-beta2 .pg-wrong")
    wrong.wait_for()
    page.wait_for_timeout(800)
    assert in_view(page, wrong) and "beta2" in wrong.inner_text()
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
    assert field(page, "beta2").get_attribute("aria-describedby") == wrong.get_attribute("id")
    field(page, "beta2").fill("0,99")
    wrong.wait_for(state="detached")
    field(page, "learning_rate").fill("0,002")
    page.get_by_label("Name", exact=True).fill("My first run!")
    unfold(page, "Evaluation")
    field(page, "evaluate_every").fill("none")
    button.click()
    page.locator('.pg-live[data-run="runs/My-first-run"]').wait_for()
    button.wait_for(state="hidden")
    page.locator('[data-part="state"] p').first.wait_for()
    page.wait_for_timeout(1000)
    assert in_view(page, page.get_by_label("Run", exact=True)) and in_view(page, page.locator('[data-part="state"]'))
    # What was said goes when it is no longer so.
    page.locator(".pg-state.running").wait_for(timeout=3 * LONG)
    page.locator(".pg-answer [role=status]").wait_for(state="detached")
    page.wait_for_function("() => /^\\d+% · runs\\/My-first-run$/.test(document.title)")
    page.get_by_role("button", name="Stop").click()
    page.locator(".pg-state.interrupted").wait_for(timeout=3 * LONG)
    page.locator(".pg-answer [role=status]").wait_for(state="detached")
    page.wait_for_function("() => document.title === 'Pocketgan'")


# The list of runs.


@pytest.mark.slow
def test_typing_in_the_list_of_runs_filters_and_leaves_no_trace(page: Any, address: str) -> None:
    opened(page, address)
    run = page.get_by_label("Run", exact=True)
    run.click()
    page.wait_for_timeout(300)
    page.keyboard.type("two")
    page.get_by_role("option").first.wait_for()
    page.wait_for_timeout(200)
    assert run.input_value() == "two" and page.get_by_role("option").all_inner_texts() == ["runs/two"]
    page.keyboard.press("Escape")
    page.get_by_role("listbox").wait_for(state="detached")
    assert run.input_value() == "runs/one"
    run.click()
    page.get_by_role("listbox").wait_for()
    assert page.get_by_role("option").count() == 4, "all again, a study's last"
    assert "a-study" in page.get_by_role("option").last.inner_text()
    page.keyboard.type("half a na")
    page.keyboard.press("Tab")
    page.get_by_role("listbox").wait_for(state="detached")
    page.wait_for_timeout(500)
    assert run.input_value() == "runs/one" and page.locator(".pg-live").get_attribute("data-run") == "runs/one"
    assert page.locator(".pg-live .bad:visible").count() == 0
    run.focus()
    page.keyboard.type("runs/two")
    page.keyboard.press("Enter")
    page.locator('.pg-live[data-run="runs/two"]').wait_for()
    run.focus()
    for key in ("Shift", "Tab"):
        page.keyboard.press(key)
    page.get_by_role("listbox").wait_for(state="detached")  # Going on leaves nothing over the page.


# Charts.


def legend(page: Any, title: str) -> list[str]:
    chart = page.locator(".pg-live .pg-chart").filter(has=page.get_by_text(title, exact=True))
    return chart.locator(".key b").all_inner_texts()


@pytest.mark.slow
def test_charts_say_values_and_legends_follow_the_slider(page: Any, address: str) -> None:
    opened(page, address)
    last = legend(page, "Measured quality")
    slider = page.get_by_label("Moment").first
    slider.focus()
    page.keyboard.press("ArrowLeft")  # Step 40 of 10, …, 50.
    assert legend(page, "Losses")[1] == "40" and legend(page, "Measured quality")[0] == "2.5"
    bars = page.locator(".pg-bars")
    assert "step 40" in bars.locator("figcaption").inner_text() and "2 of 10" in bars.inner_text()
    page.keyboard.press("End")
    assert legend(page, "Measured quality") == last and "10 of 10" in bars.inner_text()
    plot = page.locator(".pg-live .pg-plot").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    tip = plot.locator(".pg-tip")
    tip.wait_for()
    assert "30" in tip.inner_text() and "generator 30" in tip.inner_text().replace("\n", " ")
    assert page.locator(".pg-live .pg-cross:visible").count() == page.locator(".pg-live .pg-plot[data-lines]").count()
    page.mouse.move(5, 5)
    tip.wait_for(state="hidden")
    plot.focus()
    page.keyboard.press("Home")
    assert "generator 1" in tip.inner_text().replace("\n", " ")
    page.keyboard.press("ArrowRight")
    assert "generator 2" in tip.inner_text().replace("\n", " ")
    page.keyboard.press("Escape")
    tip.wait_for(state="hidden")


@pytest.mark.slow
def test_charts_side_by_side_say_values_too(page: Any, address: str) -> None:
    page.goto(f"{address}/?tab=compare&runs=runs/one&runs=runs/two")
    plot = page.locator(".pg-compare .pg-plot").nth(1)
    plot.wait_for()
    plot.scroll_into_view_if_needed()
    plot.focus()
    page.keyboard.press("End")
    said = plot.locator(".pg-tip").inner_text().replace("\n", " ")
    assert "runs/one 60" in said and "runs/two 120" in said


@pytest.mark.slow
def test_points_at_the_ends_are_not_cut(page: Any, address: str) -> None:
    opened(page, address)
    found = page.locator(".pg-live .pg-plot svg").first.evaluate("e => getComputedStyle(e).overflow")
    assert found == "visible"


# The address.


def chosen(page: Any) -> tuple[str, str]:
    return page.get_by_role("tab", selected=True).inner_text(), page.locator(".pg-live").get_attribute("data-run")


@pytest.mark.slow
def test_the_address_holds_tab_and_run_and_going_back_restores_them(page: Any, address: str) -> None:
    opened(page, address, "")
    page.wait_for_url("**/?tab=train&run=runs%2Fthree")  # It is being trained.
    run = page.get_by_label("Run", exact=True)
    run.click()
    page.get_by_role("option", name="runs/two", exact=True).click()
    page.wait_for_url("**/?tab=train&run=runs%2Ftwo")
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_url("**/?tab=compare")
    field_of = page.get_by_label("Runs to compare")
    for name in ("runs/one", "runs/two"):
        field_of.click()
        field_of.fill(name)
        page.get_by_role("option", name=name, exact=True).click()
    page.wait_for_url("**/?tab=compare&runs=runs%2Fone&runs=runs%2Ftwo")
    page.reload()
    page.locator(".pg-compare .pg-table tbody tr").nth(1).wait_for()
    assert page.get_by_role("tab", selected=True).inner_text() == "Compare"
    page.go_back()
    page.wait_for_url("**/?tab=train&run=runs%2Ftwo")
    page.locator('.pg-live[data-run="runs/two"]').wait_for()
    assert chosen(page) == ("Train", "runs/two")
    page.go_back()
    page.locator('.pg-live[data-run="runs/three"]').wait_for()
    page.go_forward()
    page.locator('.pg-live[data-run="runs/two"]').wait_for()


@pytest.mark.slow
def test_a_sample_leads_to_where_more_are_drawn(page: Any, address: str) -> None:
    opened(page, address)
    page.locator(".pg-picture img").wait_for()
    page.locator(".pg-picture").click()
    page.wait_for_url("**/?tab=create&run=runs%2Fone")
    page.wait_for_function("document.querySelector('#create-model input')?.value === 'runs/one'")
    page.go_back()
    page.locator('.pg-live[data-run="runs/one"]').wait_for()
    page.get_by_role("link", name="Generate more").click()
    page.wait_for_url("**/?tab=create&run=runs%2Fone")


UNDONE = r"""
const real = window.fetch;
window.fetch = async (...words) => {
  if (/queue\/join|run\/predict/.test(String(words[0]))) await new Promise(done => setTimeout(done, 1500));
  return real(...words);
};
document.addEventListener("click", event => {
  if (event.isTrusted) setTimeout(() => document.querySelector("[role=tablist] [role=tab]").click(), 50);
});
"""
"""The server is slow to answer, and a part of the page that is made late goes back to the first tab."""


def test_a_tab_that_is_opened_while_the_page_loads_stays_open(page: Any, address: str) -> None:
    page.add_init_script(UNDONE)
    page.goto(address)
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_url("**/?tab=compare")
    page.wait_for_timeout(500)
    assert page.get_by_role("tab", selected=True).inner_text() == "Compare"


EARLY = """
let found;
Object.defineProperty(window, "pocketgan", {
  get: () => found,
  set(value) { found = value; if (value.entered) value.entered("train"); },
});
"""
"""Gradio says which tab is open before the part of the page that reads the address is there."""


def test_an_address_is_read_whole_where_its_tab_is_open_first(page: Any, address: str) -> None:
    page.add_init_script(EARLY)
    page.goto(f"{address}/?tab=train&run=runs/one")
    page.locator('.pg-live[data-run="runs/one"]').wait_for()
    page.wait_for_timeout(500)
    assert chosen(page) == ("Train", "runs/one")


# Narrow screens, fingers, headings.


@pytest.mark.slow
def test_a_long_name_ends_in_dots(page: Any, address: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    opened(page, address)
    style = page.get_by_label("Run", exact=True).evaluate("e => getComputedStyle(e).textOverflow")
    assert style == "ellipsis"


@pytest.mark.slow
@pytest.mark.parametrize(("touch", "least"), [(False, 24), (True, 44)])
def test_buttons_are_high_enough(browser: Any, address: str, touch: bool, least: int) -> None:
    context = browser.new_context(viewport=LAPTOP, has_touch=touch, is_mobile=touch)
    context.set_default_timeout(LONG)
    page = context.new_page()
    opened(page, address)
    low = []
    for place in range(4):
        page.get_by_role("tab").nth(place).click()
        page.wait_for_timeout(500)
        for button in page.locator(":not([aria-hidden]) > button:visible").all():
            box, text = button.bounding_box(), button.inner_text().strip()
            if (
                box
                and text
                and button.get_attribute("role") != "tab"
                and "label-wrap" not in (button.get_attribute("class") or "")
            ):
                low += [(text, box["height"])] if box["height"] < least else []
    context.close()
    assert not low


@pytest.mark.slow
def test_headings_are_in_order(page: Any, address: str) -> None:
    opened(page, address)
    for place in range(4):
        page.get_by_role("tab").nth(place).click()
        page.wait_for_timeout(400)
        found = axe.Axe().run(page, options={"runOnly": {"type": "rule", "values": ["heading-order"]}}).response
        assert not found["violations"], found["violations"]
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4')].filter(e => e.offsetParent).map(e => +e.tagName[1])"
        )
        assert levels[:2] == [1, 2] and all(b - a <= 1 for a, b in itertools.pairwise(levels))
