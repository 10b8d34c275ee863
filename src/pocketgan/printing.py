"""Printing on standard output: tables and JSON."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table


def show(table: Table) -> None:
    """Prints a table on standard output, as wide as the terminal, or 140 columns where there is none."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 140
    console.print(table)


def print_json(value: Any) -> None:
    """Prints a value as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))
