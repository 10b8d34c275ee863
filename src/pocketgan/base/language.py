"""Texts in the languages of our users, through gettext's catalogues, and numbers, times and dates as each writes them.

A text is written in English where it belongs, in a dict from a key to the text, or to a pair of texts for one and for
many. `say` takes its translation out of `locales/<language>.po`, whose context is the key;
`make texts` brings the catalogues up to date after a text has changed.
"""

import gettext
import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from importlib import resources

from babel import Locale
from babel.dates import format_datetime
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol, get_group_symbol

Text = str | tuple[str, str]
"""A text, or one for a single thing and one for several; names in braces are filled in."""

LANGUAGES = {"en": "English", "uk": "Українська", "ru": "Русский", "ko": "한국어", "zh-TW": "繁體中文"}
"""The languages, each by its own name."""

TIMES: dict[str, Text] = {
    "seconds": "{seconds} s",
    "minutes": "{minutes} min {seconds} s",
    "hours": "{hours} h {minutes} min",
}

_spoken: ContextVar[str] = ContextVar("language", default="en")


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Says texts inside in this language, one of `LANGUAGES`; `errors.check_language` checks what a person typed."""
    if code not in LANGUAGES:
        raise LookupError(code)
    token = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """Returns the code of the language that texts are said in."""
    return _spoken.get()


def say(texts: Mapping[str, Text], key: str, **parts: object) -> str:
    """Returns a text in the language that is spoken, with its parts filled in.

    Args:
        texts: the dict that it belongs to.
        key: its key.
        **parts: what the names in braces stand for; whole numbers are written as the language writes them. A text for
            one and for many goes by the part `count`.
    """
    text, known = texts[key], catalogue(spoken())
    if isinstance(text, tuple):
        count = parts["count"]
        assert isinstance(count, int)
        translation = known.npgettext(key, *text, count)
    else:
        translation = known.pgettext(key, text)
    return translation.format(
        **{name: localised(f"{part:,}") if is_whole(part) else part for name, part in parts.items()}
    )


def is_whole(value: object) -> bool:
    """Whether a value is a whole number, and no truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def localised(number: str) -> str:
    """Returns a number that is written as in English, `1,234.5`, as the language writes it."""
    decimal, group = marks(spoken())
    return number.translate({ord("."): decimal, ord(","): group})


@cache
def marks(code: str) -> tuple[str, str]:
    """Returns a language's decimal mark, and what stands between thousands."""
    return get_decimal_symbol(locale_of(code)), get_group_symbol(locale_of(code))


def shortened(text: str, letters: int) -> str:
    """Returns a text with at most so many letters, the middle left out where it has more."""
    if len(text) <= letters:
        return text
    head = letters // 2
    return f"{text[:head]}…{text[len(text) - (letters - head - 1) :]}"


def number(value: float, digits: int = 3) -> str:
    """Writes a number with so many significant digits, a whole number as it is."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    whole = abs(value) >= 1000 or value == round(value)
    text = f"{value:,.0f}" if whole else f"{value:#.{digits}g}".removesuffix(".")
    return localised(text).replace("-", "−")


def clock(seconds: float) -> str:
    """Returns a length of time as `4 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return say(TIMES, "seconds", seconds=whole)
    if whole < 3600:
        return say(TIMES, "minutes", minutes=whole // 60, seconds=whole % 60)
    return say(TIMES, "hours", hours=whole // 3600, minutes=whole % 3600 // 60)


def date(moment: datetime) -> str:
    """Returns a date and a time: in English `2026-01-31 09:05`, else as the language writes them."""
    if spoken() == "en":
        return f"{moment:%Y-%m-%d %H:%M}"
    return format_datetime(moment, "short", locale=locale_of(spoken()))


@cache
def locale_of(code: str) -> Locale:
    """Returns a language's locale."""
    return Locale.parse(code, sep="-")


@cache
def catalogue(code: str) -> gettext.NullTranslations:
    """Returns a language's texts; English stands for itself."""
    if code == "en":
        return gettext.NullTranslations()
    buffer = io.BytesIO()
    write_mo(buffer, read_catalogue(code))
    return gettext.GNUTranslations(io.BytesIO(buffer.getvalue()))


def read_catalogue(code: str) -> Catalog:
    """Reads a language's file in `locales`."""
    content = resources.files("pocketgan").joinpath("locales", f"{code}.po").read_bytes()
    return read_po(io.BytesIO(content), locale=locale_of(code), abort_invalid=True)
