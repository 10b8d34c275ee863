"""Pieces of text in a model card: tables, colors, classes, and how the images were prepared."""

from collections.abc import Iterable
from typing import Any

from pocketgan.base.messages import restored
from pocketgan.runs.records import DataFacts

MOST_CLASSES = 20
"""Maximum number of class names that a card lists."""


def prepared(facts: DataFacts) -> list[str]:
    """Returns what was done to the images as they were read; files that were passed over aren't named in a card."""
    return [restored(note) for note in facts.prepared if not str(note.get("key", "")).startswith("skipped ")]


def colours(facts: DataFacts) -> str:
    """Returns the kind of color: gray, RGB, or a number of channels."""
    return "gray" if facts.channels == 1 else "RGB" if facts.channels == 3 else f"{facts.channels} channels"


def class_names(facts: DataFacts) -> str:
    """Returns the names of the classes, shortened to the first ones if there are many."""
    rest = len(facts.class_names) - MOST_CLASSES
    return ", ".join(facts.class_names[:MOST_CLASSES]) + (f" and {rest} more" if rest > 0 else "")


def plain(source: Any) -> str:
    """Returns the last part of a path, which reveals nothing about the machine; other texts are unchanged."""
    return str(source).rstrip("/\\").replace("\\", "/").rpartition("/")[2]


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a Markdown table."""
    lines = [list(headings), *([" ".join(str(cell).replace("|", "\\|").split()) for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
