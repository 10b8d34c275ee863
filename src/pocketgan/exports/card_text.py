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


def example_label(facts: DataFacts) -> str:
    """Returns a label with which a card shows how images are generated: the last class, or one number."""
    if not facts.condition_names:
        return facts.class_names[-1]
    mean = facts.condition_means[-1] if is_scaled(facts) else 1.0
    return f"{facts.condition_names[-1]}:{mean:.3g}"


def is_scaled(facts: DataFacts) -> bool:
    """Returns whether the last number that images are told was brought to another scale; labels of 0 and 1 aren't."""
    return (facts.condition_means[-1], facts.condition_scales[-1]) != (0.0, 1.0)


def condition_scales(facts: DataFacts) -> str:
    """Returns the numbers that a generator is told, in their order, with the scale of each."""
    values = zip(facts.condition_names, facts.condition_means, facts.condition_scales, strict=True)
    texts = [
        name if (mean, scale) == (0.0, 1.0) else f"({name} − {mean:.6g}) / {scale:.6g}" for name, mean, scale in values
    ]
    rest = len(texts) - MOST_CLASSES
    return ", ".join(texts[:MOST_CLASSES]) + (f" and {rest} more" if rest > 0 else "")


def plain(source: Any) -> str:
    """Returns the last part of a path, which reveals nothing about the machine; other texts are unchanged."""
    return str(source).rstrip("/\\").replace("\\", "/").rpartition("/")[2]


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a Markdown table."""
    lines = [list(headings), *([" ".join(str(cell).replace("|", "\\|").split()) for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
