"""Draws the layers of the package and the imports between them: `docs/images/layers.svg`.

`make docs` does so. With `--check` nothing is written, and the exit code is 1 where the picture isn't today's. A dot's
size is one of three, so that few changes of the code change the picture.
"""

import argparse
import sys
import tomllib
from collections import Counter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "layers.svg"
SIZES = {1: (3.5, "1 to 3 imports"), 4: (6, "4 to 9"), 10: (9, "10 or more")}
"""Radius and words of a dot from this number of imports on."""

STEP, ROW, LEFT, TOP = 44, 36, 96, 20
WIDE, HIGH, EDGE = 86, 24, 10
"""A box: its width and height, and how far it reaches to the right of its column."""

STYLE = """
  text { font: 13px system-ui, "DejaVu Sans", sans-serif; }
  .box { fill: #2a5db0; } .box + text { fill: #fff; text-anchor: middle; }
  .line { stroke: #868c96; stroke-width: 1.2; fill: none; } .arrow { fill: #868c96; }
  .dot { fill: #d9730d; } .legend { fill: #eef1f5; } .legend ~ text { fill: #1f2328; }
"""
"""Every text lies on a filled shape, so that the picture can be read on light and on dark pages."""


def layers() -> list[str]:
    """Returns the names of the layers, the highest first, as import-linter checks them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return next(contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers")


def imports() -> Counter[tuple[str, str]]:
    """Returns how many pairs of modules there are in which one layer's module imports another layer's."""
    graph = grimp.build_graph("pocketgan", cache_dir=None)
    pairs = [(module, other) for module in graph.modules for other in graph.find_modules_directly_imported_by(module)]
    between = [(module.split(".")[1], other.split(".")[1]) for module, other in pairs if "." in module and "." in other]
    return Counter(pair for pair in between if pair[0] != pair[1])


def drawing(names: list[str], counts: Counter[tuple[str, str]]) -> str:
    """Returns the picture: boxes down a staircase, and a dot where the row of a layer meets what it imports."""
    columns = [LEFT + STEP * number for number in range(len(names))]
    rows = [TOP + ROW * number for number in range(len(names))]
    lines, dots, boxes = [], [], []
    for number, (name, x, y) in enumerate(zip(names, columns, rows, strict=True)):
        imported = [other for other in range(number + 1, len(names)) if counts[name, names[other]]]
        importing = [other for other in range(number) if counts[names[other], name]]
        if imported:
            lines.append(f'<path class="line" d="M{x + EDGE} {y}H{columns[imported[-1]]}"/>')
        if importing:
            end = y - HIGH // 2
            lines.append(f'<path class="line" d="M{x} {rows[importing[0]]}V{end - 4}"/>')
            lines.append(f'<path class="arrow" d="M{x - 4} {end - 7}h8l-4 7z"/>')
        for other in imported:
            radius = max(size for size in SIZES.items() if size[0] <= counts[name, names[other]])[1][0]
            dots.append(f'<circle class="dot" cx="{columns[other]}" cy="{y}" r="{radius}"/>')
        left = x + EDGE - WIDE
        boxes.append(f'<rect class="box" x="{left}" y="{y - HIGH // 2}" width="{WIDE}" height="{HIGH}" rx="4"/>')
        boxes.append(f'<text x="{left + WIDE // 2}" y="{y + 5}">{name}</text>')
    width, height = columns[-1] + EDGE + 10, rows[-1] + HIGH // 2 + 10
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
            "<title>Layers of the package, and the imports between them</title>",
            f"<style>{STYLE}</style>",
            *lines,
            *dots,
            *boxes,
            *legend(height),
            "</svg>\n",
        ]
    )


def legend(height: int) -> list[str]:
    """Returns what the sizes of the dots mean, for the empty corner below the boxes."""
    top = height - 30 * len(SIZES) - 20
    parts = [f'<g><rect class="legend" x="10" y="{top}" width="160" height="{30 * len(SIZES) + 10}" rx="6"/>']
    for number, (radius, words) in enumerate(SIZES.values()):
        y = top + 20 + 30 * number
        parts.append(f'<circle class="dot" cx="28" cy="{y}" r="{radius}"/>')
        parts.append(f'<text x="46" y="{y + 5}">{words}</text>')
    return [*parts, "</g>"]


def main() -> int:
    """Writes the picture, or checks it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the picture isn't today's")
    text = drawing(layers(), imports())
    if not parser.parse_args().check:
        PICTURE.write_text(text, encoding="utf-8")
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != text:
        print(f"{PICTURE.name} isn't today's; `make docs` writes it")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
