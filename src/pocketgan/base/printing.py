"""Printing: tables and JSON on standard output, notes on standard error."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from pocketgan.base.streams import encodable

UNLIMITED = 10_000
"""Columns of what is no terminal: nothing is broken there, and nothing padded."""
LEAST, PROSE = 28, 64
"""Columns of a text in a table, at least while other columns can be left out, and at most."""
GAP = 2
"""Blanks between the columns of a table."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: what stands above it.
        right: whether it is set to the right, as numbers are.
        prose: whether its cells may be broken between words.
        drop: where the table is too wide, columns are left out from the highest number down; 0 stays.
    """

    heading: str
    right: bool = False
    prose: bool = False
    drop: int = 0


def show(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str | None = None, *, numbers: bool = False
) -> None:
    """Prints a table on standard output that fits the terminal; elsewhere it is as wide as its content.

    Args:
        columns: of the table.
        rows: a cell for each column.
        title: what stands above it.
        numbers: whether it holds little else than numbers, which are told apart where a blank is between them.
    """
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal and not os.environ.get("COLUMNS", "").isdecimal():
        console.width = UNLIMITED
    shown, gap = list(range(len(columns))), GAP
    if numbers and narrowest(columns, rows, shown, gap) > console.width:
        gap = 1
    if narrowest(columns, rows, shown, gap) > console.width:
        columns = [replace(one, heading=in_two_lines(one.heading)) if one.right else one for one in columns]
    while too_wide := narrowest(columns, rows, shown, gap) > console.width:
        droppable = [index for index in shown if columns[index].drop]
        if not droppable:
            break
        shown.remove(max(droppable, key=lambda index: columns[index].drop))
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.padding = (0, gap - 1, 0, 0)
    for column in (columns[index] for index in shown):
        broken = column.prose or (too_wide and column is columns[0])
        table.add_column(
            column.heading, justify="right" if column.right else "left", overflow="fold", no_wrap=not broken,
            max_width=PROSE if column.prose else None,
        )  # fmt: skip
    for row in rows:
        table.add_row(*(row[index] for index in shown))
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def narrowest(columns: Sequence[Column], rows: Sequence[Sequence[str]], shown: Sequence[int], gap: int) -> int:
    """Returns the width that some columns of a table take where no word is broken, and no cell that isn't prose."""
    widths = []
    for index in shown:
        column, cells = columns[index], [row[index] for row in rows]
        parts = [word for cell in cells for word in cell.split()] if column.prose else cells
        least = min(LEAST, max(map(cell_len, cells), default=0)) if column.prose else 0
        widths.append(max([least, *map(cell_len, [*column.heading.splitlines(), *parts])]))
    return sum(widths) + gap * (len(widths) - 1)


def in_two_lines(heading: str) -> str:
    """Returns a heading with a line break at the blank nearest to its middle, if it has one."""
    blanks = [place for place, letter in enumerate(heading) if letter == " "]
    if not blanks:
        return heading
    middle = min(blanks, key=lambda place: abs(place - len(heading) / 2))
    return f"{heading[:middle]}\n{heading[middle + 1 :]}"


def print_json(value: Any) -> None:
    """Prints a value as indented JSON; what the stream's encoding lacks is escaped, so that nothing is lost."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print(text if encodable(text, sys.stdout.encoding or "utf-8") else json.dumps(value, indent=2))


def note(text: str) -> None:
    """Prints a line on standard error."""
    print(f"pocketgan: {text}", file=sys.stderr)
