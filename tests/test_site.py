"""The documentation's site in a real browser: widths, search, the keyboard, pictures, and what axe-core finds."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from web_pages import BROWSER, LONG, NO_BROWSER, launched

pytest.importorskip("sphinx", reason="the extra 'docs' isn't installed")
pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe isn't installed")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)]
ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "docs/index",
    "docs/get-started/first-digits",
    "docs/gallery",
    "docs/results/metric-sensitivity",
    "docs/project/architecture",
    "examples/notebooks/04_losses_mislead",
)
PHONE, DESKTOP = 390, 1280
THEMES = {PHONE: "light", DESKTOP: "dark"}
WITHOUT_SERVER = "Failed to fetch"
"""Only a server lets the search show excerpts of the pages; their titles come from files."""

FOCUSED = """() => {
    const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
    return {
        inNavigation: element.closest('nav') !== null,
        outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        inside: box.left >= 0 && box.right <= innerWidth && box.bottom > 0 && box.top < innerHeight,
        shown: element.outerHTML.slice(0, 120),
    };
}"""

each_width = pytest.mark.parametrize("width", [PHONE, DESKTOP])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, which is built as `make docs` builds it, and once for all processes of a test run."""
    place = tmp_path_factory.mktemp("site")
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parents[1] / "site"
    pages = place / "pages"
    with FileLock(f"{place}.lock"):
        if not (pages / "searchindex.js").is_file():
            command = [sys.executable, "-m", "sphinx", "-W", "-q", "-c", "docs", "-d", str(place / "doctrees")]
            subprocess.run([*command, ".", str(pages)], cwd=ROOT, check=True)
    return pages


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as started:
        yield started


@pytest.fixture
def page(browser: Any, width: int, site: Path) -> Iterator[Any]:
    """A page of this width, whose scripts don't fail, and which reads nothing but the files of the site."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=THEMES[width])
    context.set_default_timeout(LONG)
    opened, problems = context.new_page(), []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("request", lambda request: problems.append(request.url) if is_outside(request.url, site) else None)
    yield opened
    context.close()
    assert set(problems) <= {WITHOUT_SERVER}


def is_outside(url: str, site: Path) -> bool:
    return not url.startswith((site.as_uri(), "data:"))


def violations(page: Any) -> list[str]:
    """What axe-core reports, a line each. Style sheets need no loading again, which a file could not do."""
    return [
        f"{page.url}: {one['id']}: {node['target']} {node['failureSummary']}"
        for one in axe.Axe().run(page, options={"preload": False}).response["violations"]
        for node in one["nodes"][:3]
    ]


@each_width
def test_pages_fit_have_described_pictures_and_pass_axe(page: Any, width: int, site: Path) -> None:
    reports = []
    for name in PAGES:
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        for picture in page.locator("article img").all():
            assert len(picture.get_attribute("alt")) > 10, name
            assert picture.evaluate("image => image.complete && image.naturalWidth > 0"), name
        reports += violations(page)
    assert not reports, "\n".join(reports)


@each_width
def test_the_search_needs_no_server(page: Any, width: int, site: Path) -> None:
    page.goto((site / "docs/index.html").as_uri())
    field = page.get_by_role("textbox", name="Search")
    field.focus()
    field.fill("discriminator")
    field.press("Enter")
    results = page.locator("#search-results li a")
    page.get_by_text("Search finished").wait_for()
    assert results.count() > 5 and "Glossary" in " ".join(results.all_inner_texts())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not violations(page)
    results.first.click()
    page.locator("article h1").wait_for()
    assert "search.html" not in page.url


@each_width
def test_the_keyboard_reaches_the_navigation_and_the_focus_is_visible(page: Any, width: int, site: Path) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto((site / "docs/how-to/notebooks.html").as_uri())
    reached = []
    while not (reached and reached[-1]["inNavigation"]):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
        assert reached[-1]["outlined"] and reached[-1]["inside"], reached[-1]
        assert len(reached) < 10
    page.keyboard.press("Enter")
    page.wait_for_url("**/get-started/index.html")


@each_width
def test_the_keyboard_reaches_tables_that_scroll(page: Any, width: int, site: Path) -> None:
    page.goto((site / "docs/results/metric-sensitivity.html").as_uri())
    table = page.locator(".table-wrapper[tabindex='0']").first
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("table => table.scrollLeft > 0", arg=table.element_handle())


def test_the_first_page_leads_to_the_documentation(browser: Any, site: Path) -> None:
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.wait_for_url("**/docs/index.html")
    page.close()
