"""Standard output and standard error take every text, whatever their encoding has."""

import codecs
import io
import sys
import unicodedata

READABLE = {
    "±": "+/-",
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
    "·": ".",
    "•": "-",
    "…": "...",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "∞": "inf",
    "√": "sqrt",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "ß": "ss",
    "æ": "ae",
    "ø": "o",
    "ł": "l",
    "ı": "i",
    **dict.fromkeys("─━╌╍═╸╺", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛┡┩╇", "+"),
    **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*#@", strict=True)),
}
"""ASCII for what some encodings lack, beside letters with accents, which lose these."""
GIVES_WAY = "pocketgan.readable"
"""The name by which Python knows `readable`."""


def readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Returns ASCII for the letters that an encoding lacks, and where to go on: a handler of encoding errors.

    Bytes of a file's name that were no letters when it was read come out as they were.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    if all("\udc80" <= letter <= "\udcff" for letter in letters):
        return bytes(ord(letter) - 0xDC00 for letter in letters), error.end
    return "".join(ascii_for(letter) for letter in letters), error.end


def ascii_for(letter: str) -> str:
    """Returns a letter in ASCII: `e` for é, `+/-` for ±, and `?` for what has none."""
    if letter in READABLE:
        return READABLE[letter]
    parts = [part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)]
    return "".join(parts) if all(part.isascii() for part in parts) else "?"


def never_fail_to_encode() -> None:
    """Lets standard output and standard error take every text; a user's own choice to replace letters stays."""
    codecs.register_error(GIVES_WAY, readable)
    for stream, stopping in ((sys.stdout, ("strict", "surrogateescape")), (sys.stderr, ("backslashreplace", "strict"))):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in stopping:
            stream.reconfigure(errors=GIVES_WAY)


def encodable(text: str, encoding: str) -> bool:
    """Whether an encoding has all letters of a text."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
