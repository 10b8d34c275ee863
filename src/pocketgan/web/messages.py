"""What the places Train and Compare say, as HTML: sentences, what won't do, and what was done."""

import hashlib
from collections.abc import Sequence
from html import escape


def line(text: str, kind: str = "") -> str:
    """Returns a sentence as a paragraph; `kind` is `bad`, `good` or nothing."""
    return f'<p class="pg-line {kind}">{escape(text)}</p>' if text else ""


def complaint(text: str, field: str = "") -> str:
    """Returns what won't do, and the field that it is about, which the page's script then shows."""
    return f'<p class="pg-line bad" role="alert" data-field="{escape(field)}">{escape(text)}</p>'


def report(text: str, name: object, states: Sequence[str], *, seen: bool = True) -> str:
    """Returns what was done with a run, said for as long as the run is in one of these states.

    Args:
        text: the sentence.
        name: of the run.
        states: as the page's script has them.
        seen: whether it is shown; else it is only said, to who can't see what shows the same.
    """
    kind = "pg-line good" if seen else "pg-line good sr"
    about = f'data-of="{escape(str(name))}" data-while="{" ".join(states)}"'
    return f'<p class="{kind}" role="status" {about}>{escape(text)}</p>'


def mark(text: str) -> str:
    """Returns a short mark of a text, by which a browser says what it has."""
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
