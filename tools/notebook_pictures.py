"""Runs notebooks, and saves what they show as the pictures of `docs/gallery.md`.

`python tools/notebook_pictures.py 01_first_digits` runs one, without names all. Each takes up to a minute on two cores.
The runs are saved in `notebook-runs`, as by the notebook itself.
"""

import argparse
import ast
import io
import shutil
import sys
from pathlib import Path
from typing import Any

from notebook_pages import cells_of
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SHOWN = {
    "01_first_digits": (0,),
    "03_compare_settings": (0,),
    "04_losses_mislead": (0, 1),
    "05_latent_space": (0,),
    "06_your_own_images": (0, 1),
    "07_image_to_image": (0,),
    "08_export_and_share": (0,),
}
"""Which of the pictures that a notebook shows are its picture, side by side."""

REPORT = "02_measure_quality"
"""A notebook whose picture is the top of its report instead, which needs Chromium and Playwright."""

TOP = {"x": 0, "y": 0, "width": 900, "height": 700}
GAP = 12
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def pictures_of(notebook: str) -> tuple[list[Image.Image], dict[str, Any]]:
    """Runs a notebook; returns the picture of each cell that ends with one, and the notebook's variables."""
    variables: dict[str, Any] = {"__name__": "__main__"}
    pictures = []
    for kind, text in cells_of(notebook):
        if kind == "code":
            *statements, last = ast.parse(text).body
            ends_with_value = isinstance(last, ast.Expr)
            exec(compile(ast.Module(statements + ([] if ends_with_value else [last]), []), "cell", "exec"), variables)
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), variables) if ends_with_value else None
            data = value._repr_png_() if hasattr(value, "_repr_png_") else None
            if data is not None:
                pictures.append(Image.open(io.BytesIO(data)))
    return pictures, variables


def top_of(report: Path) -> Image.Image:
    """Returns a screenshot of the top of a report."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": TOP["width"], "height": TOP["height"]})
        page.goto(report.resolve().as_uri())
        data = page.screenshot(clip=TOP)
        browser.close()
    return Image.open(io.BytesIO(data))


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """Returns one picture of several, with transparent gaps."""
    if len(pictures) == 1:
        return pictures[0]
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    joined = Image.new("RGBA", (width, max(picture.height for picture in pictures)))
    left = 0
    for picture in pictures:
        joined.paste(picture.convert("RGBA"), (left, 0))
        left += picture.width + GAP
    return joined


def main() -> int:
    """Runs the notebooks and saves their pictures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NOTEBOOK", help="such as 01_first_digits; all by default")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "notebooks")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or sorted([REPORT, *SHOWN]):
        notebook = ROOT / "examples" / "notebooks" / f"{name}.py"
        pictures, variables = pictures_of(notebook.read_text(encoding="utf-8"))
        chosen = [top_of(variables["report"])] if name == REPORT else [pictures[number] for number in SHOWN[name]]
        path = arguments.out / f"{name}.png"
        side_by_side(chosen).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
