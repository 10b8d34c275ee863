"""Pictures of the browser interface for `docs/images/ui`: `make screenshots`. Needs Chromium and Playwright.

Four small real runs are trained first, some minutes long, and a study of six tiny ones; `--folder` keeps them for the
next time. Each tab is taken light, 1,400 pixels wide; `--all` takes it also dark, 400 pixels wide and in each language.
`--only tutorial` takes the picture in *Redraw anything in ten minutes*, with the run of that page.

The folder is served as one in the home folder, so that no picture shows where it really is.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from pocketgan.base.files import cache_folder
from pocketgan.base.language import LANGUAGES

IMAGES = Path(__file__).parent / "images" / "ui"
TUTORIAL, TUTORIAL_SIZE = Path(__file__).parent / "get-started" / "redraw-anything.md", (1200, 710)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDTHS = (1400, 400)
COMMON = ["--evaluate-count", "1000", "--quiet"]
RUNS = {
    "runs/pocket-1": ["pocket", "--duration", "700 steps", "--sample-every", "50 steps",
                      "--evaluate-every", "100 steps", "--log-every", "5 steps"],
    "runs/minimal-1": ["minimal", "--evaluate-every", "500 steps", "--log-every", "20 steps"],
    "runs/minimal-2": ["minimal", "--evaluate-every", "500 steps", "--log-every", "20 steps", "--seed", "1"],
    "runs/white-background-1": ["white-background", "--log-every", "20 steps"],
}  # fmt: skip
STUDY = """
name = "width"
question = "Does a wider minimal GAN generate better digits?"
recipe = "minimal"
duration = "600 steps"
seeds = 3
fresh_seeds = 0
count = 1000
metrics = ["frechet_distance"]
[factors]
hidden_dim = [32, 256]
[settings]
evaluate_every = "200 steps"
evaluate_count = 300
"""


def pocketgan(*arguments: str) -> None:
    """Runs a command."""
    subprocess.run([sys.executable, "-m", "pocketgan", *arguments], check=True)


def prepare(folder: Path) -> None:
    """Trains what isn't there yet."""
    for name, arguments in RUNS.items():
        if not (folder / name).exists():
            pocketgan("train", *arguments, *COMMON, "--out", str(folder / name))
            if "white" not in name:
                pocketgan("evaluate", str(folder / name), "--count", "2000", "--quiet")
    if not (folder / "studies" / "width").exists():
        (folder / "width.toml").write_text(STUDY)
        pocketgan("study", str(folder / "width.toml"), "--out", str(folder / "studies" / "width"), "--quiet")


def prepare_tutorial(folder: Path) -> None:
    """Makes the pairs of the tutorial with its own script, and trains on them as it says."""
    if (folder / "runs").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    script = TUTORIAL.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    for arguments in (
        ["-m", "pocketgan", "look", "mnist"],
        ["-c", script],
        ["-m", "pocketgan", "train", "translator", "--pairs", "pairs", "--duration", "300 steps", "--quiet"],
    ):
        subprocess.run([sys.executable, *arguments], check=True, cwd=folder)


@contextmanager
def served(folder: Path, language: str) -> Iterator[str]:
    """Serves the page, as if the folder were in the home folder; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "pocketgan", "ui", str(folder), "--port", port, "--lang", language]
    home = {"HOME": str(folder.parent.resolve()), "POCKETGAN_CACHE": str(cache_folder())}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | home)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


def choose(page: Page, place: Any, option: str) -> None:
    """Chooses an option of a drop-down."""
    place.click()
    place.fill(option)
    page.get_by_role("option", name=option, exact=True).click()
    page.wait_for_timeout(600)


def train(page: Page) -> None:
    """Shows a run that is followed, a while before its end."""
    choose(page, page.locator(".pg-bar input:visible").first, "runs/pocket-1")
    page.wait_for_timeout(1500)
    slider = page.locator('[data-part="moment"]')
    slider.focus()
    for _ in range(4):
        slider.press("ArrowLeft")
    page.wait_for_timeout(800)


def create(page: Page) -> None:
    """Shows pictures of the best run, and what is thought of one."""
    page.locator("#create-grid .tile").first.wait_for(timeout=60_000)
    choose(page, page.locator("#create-model input"), "runs/pocket-1")
    page.wait_for_timeout(4000)
    page.locator("#create-grid .tile").nth(12).click()
    page.wait_for_timeout(5000)


EIGHT = ((0.62, 0.3), (0.45, 0.2), (0.36, 0.34), (0.5, 0.48), (0.64, 0.64), (0.5, 0.8), (0.36, 0.66), (0.5, 0.48),
         (0.64, 0.34), (0.56, 0.22))  # fmt: skip
TWO = ((0.3, 0.34), (0.36, 0.23), (0.5, 0.18), (0.63, 0.24), (0.67, 0.36), (0.6, 0.5), (0.46, 0.64), (0.32, 0.78),
       (0.5, 0.78), (0.72, 0.78))  # fmt: skip


def translate(page: Page, places: tuple[tuple[float, float], ...] = EIGHT) -> None:
    """Shows a digit that is drawn and translated."""
    pad = page.locator("#redraw-pad canvas").first
    pad.wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    for index, (across, down) in enumerate(places):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=4)
        if index == 0:
            page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(3000)


def compare(page: Page) -> None:
    """Shows three runs, and a study's page."""
    for name in ("runs/pocket-1", "runs/minimal-1", "runs/minimal-2"):
        choose(page, page.locator(".pg-bar input:visible").first, name)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    page.mouse.click(5, 5)
    page.wait_for_timeout(1500)


PLACES = {"train": train, "create": create, "translate": translate, "compare": compare}


def take(browser: Any, address: str, place: str, width: int, theme: str, file: Path) -> None:
    """Takes one picture, of the whole length of the page."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    page.goto(address)
    page.locator(".pg-state").wait_for(timeout=60_000)
    page.get_by_role("tab").nth(list(PLACES).index(place)).click()
    page.wait_for_timeout(800)
    PLACES[place](page)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.wait_for_timeout(600)
    page.screenshot(path=file, full_page=True)
    context.close()


def take_tutorial(browser: Any, address: str, file: Path) -> None:
    """Takes the picture of the tutorial: a digit that is drawn in the tab *Translate*, and its outline."""
    width, height = TUTORIAL_SIZE
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    page.goto(f"{address}/?tab=redraw")
    translate(page, TWO)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.wait_for_timeout(600)
    page.screenshot(path=file)
    page.close()


def main() -> None:
    """Makes all pictures."""
    parser = argparse.ArgumentParser(description="Pictures of the page.")
    parser.add_argument("--folder", type=Path, help="of the runs; by default one that is removed afterwards")
    parser.add_argument("--only", nargs="*", default=[*PLACES, "tutorial"], help="places, or tutorial")
    parser.add_argument("--all", action="store_true", help="dark, narrow, and each language, too")
    asked = parser.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    folder = asked.folder or Path(tempfile.mkdtemp()) / "digits"
    places, tutorial = [place for place in asked.only if place in PLACES], folder / "_tutorial" / "digits"
    try:
        if places:
            prepare(folder)
        if "tutorial" in asked.only:
            prepare_tutorial(tutorial)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            if "tutorial" in asked.only:
                with served(tutorial, "en") as address:
                    take_tutorial(browser, address, IMAGES.parent / "tutorial" / "translate-tab.png")
            if not places:
                return
            with served(folder, "en") as address:
                for place in places:
                    for width in WIDTHS if asked.all else WIDTHS[:1]:
                        for theme in ("light", "dark") if asked.all else ("light",):
                            take(browser, address, place, width, theme, IMAGES / f"{place}-{theme}-{width}.png")
            for code in [code for code in LANGUAGES if code != "en" and asked.all]:
                with served(folder, code) as address:
                    for place in places:
                        take(browser, address, place, 1400, "light", IMAGES / f"{place}-{code}.png")
    finally:
        if asked.folder is None:
            shutil.rmtree(folder.parent)


if __name__ == "__main__":
    main()
