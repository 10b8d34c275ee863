"""One's own pictures in a real browser: chosen by keyboard, dropped as an archive, looked at, and trained on."""

import base64
import io
import os
import re
import signal
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from packages import needs
from web_pages import BROWSER, LONG, NO_BROWSER, is_elsewhere, launched, served

needs("gradio", "the extra 'web' isn't installed")
pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)]
DROP = """async ([zone, name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  const options = { dataTransfer: data, bubbles: true, cancelable: true };
  for (const kind of ["dragenter", "dragover", "drop"])
    document.querySelector(zone).dispatchEvent(new DragEvent(kind, options));
}"""
"""Drops a file onto an element, as a browser does."""
SEEN = """() => {
  const find = (name) => document.querySelector(name), shown = () => find("#data-look .pg-look")?.innerHTML;
  const before = shown();
  window.seen = new Promise((done) => new MutationObserver(() => {
    if (shown() && shown() !== before) done(find("#bring-data .bring-state").textContent);
  }).observe(find("#data-look"), { childList: true, subtree: true, attributes: true, characterData: true }));
}"""
"""Notes what the page says about an upload at the moment when the contact sheet comes."""


def archive() -> bytes:
    """A ZIP archive of 40 pictures in two folders."""
    buffer, rng = io.BytesIO(), np.random.default_rng(0)
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in ("cats", "dogs"):
            for place in range(20):
                content = io.BytesIO()
                Image.fromarray(rng.integers(0, 255, (28, 28), np.uint8)).save(content, "PNG")
                packed.writestr(f"pets/{name}/{place}.png", content.getvalue())
    return buffer.getvalue()


def dropped(page: Any, name: str, content: bytes) -> None:
    page.evaluate(DROP, ["#bring-data .bring", name, base64.b64encode(content).decode()])


def test_a_dropped_archive_is_looked_at_and_trained_on(tmp_path: Path) -> None:
    for number in range(30):  # More than a list shows at once.
        np.savez(tmp_path / f"set-{number}.npz", images=np.zeros((1, 8, 8), np.uint8))
    with served(tmp_path) as address, launched() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(LONG)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if is_elsewhere(request.url) else None)
        page.on("filechooser", lambda _: None)  # Playwright waits for choosers from here on, not only from the key on.
        try:
            page.goto(f"{address}/?tab=train")
            page.locator("#bring-data .bring").wait_for()
            go_by_keyboard(page, tmp_path)
            look_at_mistake(page)
            look_at_archive(page, tmp_path)
            train(page, tmp_path)
        finally:
            for status in tmp_path.glob("runs/*/status.json"):
                if found := re.search(r'"pid": (\d+)', status.read_text()):
                    with suppress(OSError):
                        os.kill(int(found[1]), signal.SIGKILL)
        assert not wrong


def test_data_that_come_while_others_are_looked_at_are_looked_at_next(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.savez(content, images=np.random.default_rng(0).integers(0, 255, (40, 28, 28), np.uint8))
    with served(tmp_path) as address, launched() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(LONG)
        page.goto(f"{address}/?tab=train")
        page.locator("#bring-data .bring").wait_for()
        dropped(page, "pets.zip", archive())
        page.wait_for_function("() => /Looking/.test(document.querySelector('#bring-data .bring-state').textContent)")
        dropped(page, "later.npz", content.getvalue())
        page.wait_for_function("() => document.querySelector('#set-data input').value === 'uploads/later.npz'")


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.cloneNode(false).outerHTML")


def go_by_keyboard(page: Any, folder: Path) -> None:
    """Tab leaves a long list of data sets, and focus follows the buttons of an upload, which take turns."""
    page.locator("#set-data input").focus()
    page.get_by_role("option").nth(31).wait_for(state="attached")
    page.keyboard.press("Tab")
    assert page.locator("#set-name :is(input, textarea)").evaluate("field => field === document.activeElement")
    page.keyboard.press("Tab")
    assert 'type="file"' in focused(page)
    page.route("**/data/file?*", lambda route: None)  # It never arrives.
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(folder / "set-0.npz")
    page.locator("#bring-data [data-busy]").wait_for()
    assert "data-cancel" in focused(page)
    page.keyboard.press("Enter")
    page.locator("#bring-data .bring:not([data-busy])").wait_for()
    assert 'type="file"' in focused(page)
    page.unroute("**/data/file?*")
    assert not (folder / "uploads" / "set-0.npz").exists()


def look_at_mistake(page: Any) -> None:
    """What isn't a file of images is refused beside the place where it was dropped."""
    dropped(page, "weights.pkl", b"x")
    message = page.locator("#bring-data .bring-state.bad")
    message.wait_for()
    assert "weights.pkl" in message.inner_text()


def look_at_archive(page: Any, folder: Path) -> None:
    """The archive is stored and chosen, and its contact sheet is visible."""
    page.evaluate(SEEN)
    dropped(page, "pets.zip", archive())
    sheet = page.locator("#data-look .pg-look img")
    sheet.wait_for(timeout=3 * LONG)
    assert page.locator("#set-data input").input_value() == "uploads/pets"
    assert len(list(folder.glob("uploads/pets/*/*.png"))) == 40
    assert sheet.evaluate("image => image.complete && image.naturalWidth > 100")
    assert page.locator("#data-look li").count() >= 4
    assert page.evaluate("window.seen") == "Looking at the data", "until there is a contact sheet"
    page.wait_for_function("() => !document.querySelector('#bring-data .bring-state').textContent")
    page.evaluate(SEEN)
    page.get_by_label(re.compile(r"^\s*classes\b")).fill("dogs")
    page.get_by_role("button", name="Look at the data").click()
    assert page.evaluate("window.seen") == "Looking at the data"
    assert (
        "dogs 20" in page.locator("#data-look").inner_text() and "cats" not in page.locator("#data-look").inner_text()
    )
    page.get_by_label(re.compile(r"^\s*classes\b")).fill("all")


def train(page: Any, folder: Path) -> None:
    """A run on the uploaded pictures starts."""
    page.get_by_label(re.compile(r"^\s*duration\b")).fill("100000 steps")
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".pg-state.running").wait_for(timeout=3 * LONG)
    (config,) = folder.glob("runs/*/config.json")
    assert str(folder / "uploads" / "pets") in config.read_text()
    page.get_by_role("button", name="Stop").click()
    page.locator(".pg-state.interrupted").wait_for(timeout=3 * LONG)
