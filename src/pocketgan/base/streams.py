"""Standard output and standard error that accept every text, whatever their encoding."""

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
"""ASCII replacements for characters that some encodings lack; other accented letters just lose their accents."""
GIVES_WAY = "pocketgan.readable"
"""Name under which Python knows the error handler `readable`."""


def readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Returns ASCII for characters that an encoding lacks, and where to continue, as an encoding error handler.

    Bytes of a file name that could not be decoded are written unchanged.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    if all("\udc80" <= letter <= "\udcff" for letter in letters):
        return bytes(ord(letter) - 0xDC00 for letter in letters), error.end
    return "".join(ascii_for(letter) for letter in letters), error.end


def ascii_for(letter: str) -> str:
    """Returns a character in ASCII: `e` for é, `+/-` for ±, and `?` for a character without a replacement."""
    if letter in READABLE:
        return READABLE[letter]
    parts = [part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)]
    return "".join(parts) if all(part.isascii() for part in parts) else "?"


def never_fail_to_encode() -> None:
    """Makes standard output and standard error accept every text; a replacement policy that the user chose is kept."""
    codecs.register_error(GIVES_WAY, readable)
    for stream, stopping in ((sys.stdout, ("strict", "surrogateescape")), (sys.stderr, ("backslashreplace", "strict"))):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in stopping:
            stream.reconfigure(errors=GIVES_WAY)


def encodable(text: str, encoding: str) -> bool:
    """Returns whether an encoding has every character of a text."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
