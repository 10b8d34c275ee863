"""Keeps the rows of a race, and writes the table of `docs/results/race.md` from them.

pocketgan race --for "10 s,1 min" --seeds 1 --count 2000 --clock cpu --out races/mnist
python benchmarks/race.py races/mnist    # its rows replace those of the same data and duration
python benchmarks/race.py                # the table alone
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rows import BENCHMARKS, RESULTS, grouped, markdown, read_rows, write_page

ROWS, PAGE = BENCHMARKS / "race.jsonl", RESULTS / "race.md"
TITLES = (
    "entrant", "sampler", "seeds", "FD, digits", "× baseline, digits (lower is better)",
    "× baseline, random (lower is better)", "class accuracy (higher is better)", "recall (higher is better)",
    "authenticity", "images/s", "parameters", "memory (MiB)", "images seen",
)  # fmt: skip


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Returns the rows of a race's `table.json`, with what was raced and when."""
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    about = {name: table["race"][name] for name in ("data", "threads", "clock", "count", "against")}
    return [{"date": datetime.now(UTC).strftime("%Y-%m-%d"), **about, **row} for row in table["rows"]]


def merged(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns rows with those of the same data and duration replaced."""
    replaced = {(row["data"], row["seconds"]) for row in new}
    return [row for row in old if (row["data"], row["seconds"]) not in replaced] + new


def tables(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as Markdown, a table for each data set and duration."""
    parts = []
    for _, chosen in sorted(grouped(rows, "data", "seconds").items()):
        parts += [f"### {chosen[0]['data']}, {chosen[0]['duration']}", "", markdown(TITLES, 2, map(cells, chosen)), ""]
    return "\n".join(parts)


def cells(row: dict[str, Any]) -> list[str]:
    """Returns a row as texts."""
    second = row["second_ratio"]
    return [
        f"`{row['entrant']}`",
        row["sampler"] if row["first"] else f"({row['sampler']})",
        str(row["runs"]),
        f"{row['distance']:.3g}",
        f"{row['ratio'][0]:.3g}",
        "–" if second is None else f"{second[0]:.3g}",
        "–" if row["class_accuracy"] is None else f"{row['class_accuracy']:.1%}",
        "–" if row["recall"] is None else f"{row['recall']:.2f}",
        "–" if row["authenticity"] is None else f"{row['authenticity']:.2f}",
        f"{row['images_per_second']:,.0f}",
        f"{row['parameters']:,}",
        f"{row['peak_memory'] / 2**20:,.0f}",
        f"{row['images']:,.0f}",
    ]


def main() -> None:
    """Keeps the rows of the folder that is named, if any, and writes the page."""
    rows = read_rows(ROWS)
    for folder in sys.argv[1:]:
        rows = merged(rows, rows_of(Path(folder)))
    ROWS.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    write_page(PAGE, tables(rows))


if __name__ == "__main__":
    main()
