"""Keeps the rows of races, and makes the tables and the chart of `docs/results/race.md` from them.

pocketgan race --for "10 s" --seeds 9 --count 2000 --clock cpu --out races/mnist
python benchmarks/race.py races/mnist    # its rows replace those of the same data and duration
python benchmarks/race.py                # the tables and the chart alone
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rows import BENCHMARKS, RESULTS, ROOT, grouped, markdown, read_rows, write_page

ROWS, PAGE, CHART = BENCHMARKS / "race.jsonl", RESULTS / "race.md", ROOT / "docs" / "images" / "race.png"
LOOKS = {
    "pocket": ("#d55e00", "o", "-"),
    "drifting": ("#0072b2", "s", "-"),
    "vae": ("#009e73", "^", "-"),
    "rectified-flow": ("#cc79a7", "D", "--"),
    "diffusion": ("#56b4e9", "v", "--"),
    "student-dcgan": ("black", "P", ":"),
    "dcgan": ("0.5", "X", ":"),
    "keras_dcgan": ("#e69f00", "1", ":"),
}
"""Color, marker and line of each entrant."""
OTHER = ("0.3", ".", "-.")
"""Those of an entrant that isn't in `LOOKS`."""
TIMES = {10: "10 s", 60: "1 min", 300: "5 min", 1800: "30 min"}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Returns the rows of a race's `table.json`, with what was raced and when.

    `verdict` is that of the study, corrected for its comparisons: how the entrant compares with the first one.
    """
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    about = {name: table["race"][name] for name in ("data", "threads", "clock", "count", "against")}
    about |= {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "data": Path(about["data"]).name}
    verdicts = {
        (duration, pair["first"]): {"verdict": pair["verdict"], "adjusted_p_value": pair["adjusted_p_value"]}
        for duration, verdict in table["verdicts"].items()
        for pair in verdict["comparisons"]
    }
    return [about | row | verdicts.get((row["duration"], row["entrant"]), {}) for row in table["rows"]]


def merged(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns rows with those of the same data and duration replaced."""
    replaced = {(row["data"], row["seconds"]) for row in new}
    return [row for row in old if (row["data"], row["seconds"]) not in replaced] + new


# Tables.


def tables(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as Markdown: what to use, then a table for each data set and duration."""
    races = [chosen for _, chosen in sorted(grouped(rows, "data", "seconds").items())]
    parts = ["### What to use", "", markdown(USE_TITLES, 6, map(use_cells, races)), ""]
    for chosen in races:
        parts += [f"### {chosen[0]['data']}, {chosen[0]['duration']}", "", results(chosen), ""]
    return "\n".join(parts)


USE_TITLES = (
    "data", "training", "lowest in the first space", "lowest in `random`", "shown to be better than `pocket`",
    "shown to be worse", "seeds",
)  # fmt: skip


def use_cells(rows: list[dict[str, Any]]) -> list[str]:
    """Returns the line of a race: the entrant with the lowest distance in each space, and what is shown."""
    judged = [row for row in rows if row["first"]]
    first = min(judged, key=lambda row: row["ratio"][0])
    second = min((row for row in judged if row["second_ratio"]), key=lambda row: row["second_ratio"][0], default=None)
    shown = {way: [f"`{row['entrant']}`" for row in judged if row.get("verdict") == way] for way in ("better", "worse")}
    return [
        first["data"],
        first["duration"],
        f"`{first['entrant']}`",
        "–" if second is None else f"`{second['entrant']}`",
        ", ".join(shown["better"]) or "–",
        ", ".join(shown["worse"]) or "–",
        seeds_of(judged),
    ]


def seeds_of(rows: list[dict[str, Any]]) -> str:
    """Returns the number of seeds of a race, or the fewest and the most."""
    fewest, most = min(row["runs"] for row in rows), max(row["runs"] for row in rows)
    return str(most) if fewest == most else f"{fewest} to {most}"


def results(rows: list[dict[str, Any]]) -> str:
    """Returns the table of a race."""
    second = "× baseline, random (lower is better)" if has_baseline(rows) else "FD, random (lower is better)"
    titles = ("entrant", "sampler", "seeds", f"FD, {rows[0]['space']}", "× baseline (lower is better)", second)
    titles += ("class accuracy (higher is better)", "recall (higher is better)")
    titles += ("authenticity", "images/s", "parameters", "memory (MiB)", "images seen")
    return markdown(titles, 2, map(cells, rows))


def has_baseline(rows: list[dict[str, Any]]) -> bool:
    """Returns whether there were enough real images for a baseline; without one, a race's ratios are distances."""
    return rows[0]["ratio"][0] != rows[0]["distance"]


def cells(row: dict[str, Any]) -> list[str]:
    """Returns a row as texts."""
    second = row["second_ratio"]
    return [
        f"`{row['entrant']}`",
        row["sampler"] if row["first"] else f"({row['sampler']})",
        str(row["runs"]),
        f"{row['distance']:.3g}",
        f"{row['ratio'][0]:.3g}" if has_baseline([row]) else "–",
        "–" if second is None else f"{second[0]:.3g}",
        "–" if row["class_accuracy"] is None else f"{row['class_accuracy']:.1%}",
        "–" if row["recall"] is None else f"{row['recall']:.2f}",
        "–" if row["authenticity"] is None else f"{row['authenticity']:.2f}",
        f"{row['images_per_second']:,.0f}",
        f"{row['parameters']:,}",
        f"{row['peak_memory'] / 2**20:,.0f}",
        f"{row['images']:,.0f}",
    ]


# The chart.


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draws the distances over the training time: a column for each data set, a line for each entrant."""
    from matplotlib.figure import Figure

    columns = grouped([row for row in rows if row["first"]], "data")
    seconds = [row["seconds"] for row in rows]
    figure = Figure(figsize=(3.4 * len(columns), 6.2), layout="constrained")
    panels = figure.subplots(2, len(columns), squeeze=False)
    for place, ((data,), some) in enumerate(columns.items()):
        for axes, ratio, space in zip(
            panels[:, place], ("ratio", "second_ratio"), ("space", "second_space"), strict=True
        ):
            for (entrant,), line in grouped(some, "entrant").items():
                colour, marker, dash = LOOKS.get(entrant, OTHER)
                points = sorted((row["seconds"], row[ratio][0]) for row in line if row[ratio])
                x, y = zip(*points, strict=True) if points else ((), ())
                axes.plot(x, y, color=colour, marker=marker, linestyle=dash, markersize=5, linewidth=1.4, label=entrant)
            if has_baseline(some):
                axes.axhline(1, color="0.4", linewidth=1)
            divided = "" if has_baseline(some) else " (not divided)"
            axes.set(xscale="log", yscale="log", title=f"{data}, {some[0][space]}{divided}")
            axes.set_xticks([*TIMES], [*TIMES.values()])
            axes.set_xlim(0.7 * min(seconds), 1.4 * max(seconds))
            axes.xaxis.set_minor_formatter("")
            axes.yaxis.set_minor_formatter("")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.grid(color="0.9", linewidth=0.8, which="major")
            axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("training time on one core")
    figure.supylabel("Fréchet distance ÷ that of real images")
    names = dict(zip(*reversed(panels[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend(names.values(), names.keys(), loc="outside upper center", ncols=4, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Keeps the rows of the folders that are named, if any, and writes the page and its chart."""
    rows = read_rows(ROWS)
    for folder in sys.argv[1:]:
        rows = merged(rows, rows_of(Path(folder)))
    ROWS.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    write_page(PAGE, tables(rows))
    draw(rows, CHART)


if __name__ == "__main__":
    main()
