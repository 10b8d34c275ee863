"""Messages of the *Train* and *Compare* tabs as HTML: sentences, errors and confirmations."""

import hashlib
from collections.abc import Sequence
from html import escape


def line(text: str, kind: str = "") -> str:
    """Returns a sentence as a paragraph; `kind` is `bad`, `good` or empty."""
    return f'<p class="pg-line {kind}">{escape(text)}</p>' if text else ""


def complaint(text: str, field: str = "") -> str:
    """Returns an error message with the field at fault, beside which the page's script shows it."""
    return f'<p class="pg-line bad" role="alert" data-field="{escape(field)}">{escape(text)}</p>'


def report(text: str, name: object, states: Sequence[str], *, seen: bool = True) -> str:
    """Returns a message about an action on a run, displayed while the run is in one of these states.

    Args:
        text: the message.
        name: name of the run.
        states: states as the page's script names them.
        seen: whether the message is visible; otherwise only screen readers announce it.
    """
    kind = "pg-line good" if seen else "pg-line good sr"
    about = f'data-of="{escape(str(name))}" data-while="{" ".join(states)}"'
    return f'<p class="{kind}" role="status" {about}>{escape(text)}</p>'


def mark(text: str) -> str:
    """Returns a short hash of a text, with which a browser reports the text that it has."""
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
