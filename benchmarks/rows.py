"""Rows of measurements: kept one by one, never measured twice, and shown as tables in pages of the results.

A script that measures has a file of rows, a page with two marks between which its tables stand, and two commands:
`measure`, which goes on where it was stopped, and `table`, which writes the tables alone.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pocketgan.experiment.diagnosis import FAILURES
from pocketgan.runs.run import Run

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS, RESULTS = ROOT / "benchmarks", ROOT / "docs" / "results"
BEGIN, END = "<!-- rows -->", "<!-- end of rows -->"
Row = dict[str, Any]


def read_rows(path: Path) -> list[Row]:
    """Returns the rows that are kept."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def keep(row: Row, path: Path) -> None:
    """Adds a row to a file, and prints it."""
    line = json.dumps(row, ensure_ascii=False)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    print(line, flush=True)


def without_row(lines: Iterable[Row], rows: list[Row], alike: tuple[str, ...]) -> Iterator[Row]:
    """Yields what has no row yet.

    Args:
        lines: what is to be measured, with a `seed` each.
        rows: those that are kept.
        alike: what runs of one line of a table share.
    """
    known = {(row["seed"], *(row[name] for name in alike)) for row in rows}
    return (line for line in lines if (line["seed"], *(line[name] for name in alike)) not in known)


def outcome(about: Row, run: Run) -> Row:
    """Returns the beginning of a run's row: the date, what it is, and how it ended."""
    status = run.status()
    names = {event["name"] for event in run.events() if event["event"] == "diagnosis"}
    row = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), **about, "steps": status.steps, "state": status.state}
    return row | {"failures": sorted(names & {*FAILURES}), "wall_seconds": round(status.seconds, 1)}


def failed(row: Row) -> bool:
    """Returns whether the watchdog named a failure in a run, or the run didn't end."""
    return bool(row["failures"]) or row["state"] != "finished"


def grouped(rows: list[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    """Returns rows by their values of these names, in the order in which they first appear."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def middle(rows: list[Row], name: str) -> str:
    """Returns the median of a score over the runs that have it, and the range."""
    values = [row[name] for row in rows if row.get(name) is not None]
    spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
    return f"{statistics.median(values):.3g}{spread}" if values else "–"


def markdown(titles: Iterable[str], left: int, cells: Iterable[list[str]]) -> str:
    """Returns a table in Markdown, whose first columns, `left` of them, are texts, and the others numbers."""
    titles = list(titles)
    ruler = ["---"] * left + ["---:"] * (len(titles) - left)
    return "\n".join(f"| {' | '.join(line)} |" for line in (titles, ruler, *cells))


def written(text: str, table: str) -> str:
    """Returns a page with other text between its marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n{END}{rest.partition(END)[2]}"


def write_page(page: Path, table: str) -> None:
    """Writes a table into a page."""
    page.write_text(written(page.read_text(encoding="utf-8"), table), encoding="utf-8")


def run_command(
    about: str | None,
    rows: Path,
    write: Callable[[], None],
    measured: Callable[[argparse.Namespace], Iterator[Row]],
    options: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Runs a script's command, `measure` or `table`.

    Args:
        about: the script's docstring.
        rows: its file of rows.
        write: writes its page.
        measured: measures what has no row in `arguments.rows` yet, and yields each row.
        options: adds its options of `measure`; `--out` and `--rows` are there.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("--out", type=Path, required=True, help="folder of the runs and of the prepared data")
    measuring.add_argument("--rows", type=Path, default=rows)
    options(measuring)
    commands.add_parser("table")
    arguments = parser.parse_args()
    if arguments.command == "table":
        write()
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    for row in measured(arguments):
        keep(row, arguments.rows)
        if arguments.rows == rows:
            write()
