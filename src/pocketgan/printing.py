"""Printing on standard output: tables and JSON."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from pocketgan.streams import encodable


def show(table: Table) -> None:
    """Prints a table on standard output, as wide as the terminal, or 140 columns where there is none."""
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 140
    console.print(table)


def print_json(value: Any) -> None:
    """Prints a value as indented JSON; what the stream's encoding lacks is escaped, so that nothing is lost."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print(text if encodable(text, sys.stdout.encoding or "utf-8") else json.dumps(value, indent=2))
