"""One's own pictures in a real browser: dropped as an archive, looked at, and trained on."""

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

from web_pages import BROWSER, LONG, NO_BROWSER, is_elsewhere, launched, served

pytest.importorskip("gradio", reason="the extra 'web' isn't installed")
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
    with served(tmp_path) as address, launched() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(LONG)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if is_elsewhere(request.url) else None)
        try:
            page.goto(f"{address}/?tab=train")
            page.locator("#bring-data .bring").wait_for()
            look_at_mistake(page)
            look_at_archive(page, tmp_path)
            train(page, tmp_path)
        finally:
            for status in tmp_path.glob("runs/*/status.json"):
                if found := re.search(r'"pid": (\d+)', status.read_text()):
                    with suppress(OSError):
                        os.kill(int(found[1]), signal.SIGKILL)
        assert not wrong


def look_at_mistake(page: Any) -> None:
    """What isn't a file of images is refused beside the place where it was dropped."""
    dropped(page, "weights.pkl", b"x")
    message = page.locator("#bring-data .bring-state.bad")
    message.wait_for()
    assert "weights.pkl" in message.inner_text()


def look_at_archive(page: Any, folder: Path) -> None:
    """The archive is stored and chosen, and its contact sheet is visible."""
    dropped(page, "pets.zip", archive())
    sheet = page.locator("#data-look .pg-look img")
    sheet.wait_for(timeout=3 * LONG)
    assert page.locator("#set-data input").input_value() == "uploads/pets"
    assert len(list(folder.glob("uploads/pets/*/*.png"))) == 40
    assert sheet.evaluate("image => image.complete && image.naturalWidth > 100")
    assert page.locator("#data-look li").count() >= 4
    page.wait_for_function("() => !document.querySelector('#bring-data .bring-state').textContent")


def train(page: Any, folder: Path) -> None:
    """A run on the uploaded pictures starts."""
    page.get_by_label(re.compile(r"^\s*duration\b")).fill("100000 steps")
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".pg-state.running").wait_for(timeout=3 * LONG)
    (config,) = folder.glob("runs/*/config.json")
    assert str(folder / "uploads" / "pets") in config.read_text()
    page.get_by_role("button", name="Stop").click()
    page.locator(".pg-state.interrupted").wait_for(timeout=3 * LONG)
