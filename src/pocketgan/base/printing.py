"""Tables and JSON on standard output, notes on standard error."""

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
"""Width in columns for output that doesn't go to a terminal: no line is wrapped or padded there."""
LEAST, PROSE = 28, 64
"""Minimum and maximum width of a prose column; the minimum holds while other columns can be dropped."""
GAP = 2
"""Spaces between the columns of a table."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: the text above the column.
        right: whether the column is right-aligned, as numbers are.
        prose: whether its cells may wrap between words.
        drop: priority for dropping the column if the table is too wide, highest first; 0 is never dropped.
    """

    heading: str
    right: bool = False
    prose: bool = False
    drop: int = 0


def show(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str | None = None, *, numbers: bool = False
) -> None:
    """Prints a table on standard output: fitted to a terminal, and as wide as its content elsewhere.

    Args:
        columns: the columns.
        rows: one cell per column in each row.
        title: the text above the table.
        numbers: whether most cells are numbers, which one space between the columns keeps apart.
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
    """Returns the smallest width of the shown columns that breaks no word, and no cell outside prose columns."""
    widths = []
    for index in shown:
        column, cells = columns[index], [row[index] for row in rows]
        parts = [word for cell in cells for word in cell.split()] if column.prose else cells
        least = min(LEAST, max(map(cell_len, cells), default=0)) if column.prose else 0
        widths.append(max([least, *map(cell_len, [*column.heading.splitlines(), *parts])]))
    return sum(widths) + gap * (len(widths) - 1)


def in_two_lines(heading: str) -> str:
    """Returns a heading with a line break at the space closest to its middle, if it has one."""
    blanks = [place for place, letter in enumerate(heading) if letter == " "]
    if not blanks:
        return heading
    middle = min(blanks, key=lambda place: abs(place - len(heading) / 2))
    return f"{heading[:middle]}\n{heading[middle + 1 :]}"


def print_json(value: Any) -> None:
    """Prints a value as indented JSON; characters that the stream's encoding lacks are escaped, so nothing is lost."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print(text if encodable(text, sys.stdout.encoding or "utf-8") else json.dumps(value, indent=2))


def note(text: str) -> None:
    """Prints a line on standard error."""
    print(f"pocketgan: {text}", file=sys.stderr)
