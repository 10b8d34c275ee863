"""Translated texts through gettext catalogs, and numbers, durations and dates in each language's format.

Each module keeps its English texts in a dict by key; a pair of texts is for singular and plural. `say` looks up its
translation in `locales/<language>.po`, with the key as the context; `make texts` updates the catalogs after a text has
changed.
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
"""A text, or a pair of texts for singular and plural; names in braces are placeholders."""

LANGUAGES = {"en": "English", "uk": "Українська", "ru": "Русский", "ko": "한국어", "zh-TW": "繁體中文"}
"""Language codes, each with the language's own name."""

TIMES: dict[str, Text] = {
    "seconds": "{seconds} s",
    "minutes": "{minutes} min {seconds} s",
    "hours": "{hours} h {minutes} min",
}

_spoken: ContextVar[str] = ContextVar("language", default="en")


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Makes `code`, one of `LANGUAGES`, the current language inside; `errors.check_language` checks user input."""
    if code not in LANGUAGES:
        raise LookupError(code)
    token = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """Returns the code of the current language."""
    return _spoken.get()


def say(texts: Mapping[str, Text], key: str, /, **parts: object) -> str:
    """Returns a text in the current language, with its parts filled in.

    Args:
        texts: the dict that holds the text.
        key: the key of the text.
        **parts: values for the names in braces; numbers are written in the language's format. The part `count` chooses
            between singular and plural.
    """
    text, known = texts[key], catalogue(spoken())
    if isinstance(text, tuple):
        count = parts["count"]
        assert isinstance(count, int)
        translation = known.npgettext(key, *text, count)
    else:
        translation = known.pgettext(key, text)
    return translation.format(**{name: localised_part(part) for name, part in parts.items()})


def localised_part(part: object) -> object:
    """Returns a number as the current language writes it; any other part of a text is returned unchanged."""
    if is_whole(part):
        return localised(f"{part:,}")
    return localised(f"{part:g}") if isinstance(part, float) else part


def is_whole(value: object) -> bool:
    """Returns whether a value is a whole number and not a Boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def localised(number: str) -> str:
    """Returns a number in English format, `1,234.5`, in the format of the current language."""
    decimal, group = marks(spoken())
    return number.translate({ord("."): decimal, ord(","): group})


@cache
def marks(code: str) -> tuple[str, str]:
    """Returns a language's decimal mark and thousands separator."""
    return get_decimal_symbol(locale_of(code)), get_group_symbol(locale_of(code))


def shortened(text: str, letters: int) -> str:
    """Returns a text cut to at most `letters` characters, with an ellipsis for the omitted middle."""
    if len(text) <= letters:
        return text
    head = letters // 2
    return f"{text[:head]}…{text[len(text) - (letters - head - 1) :]}"


def number(value: float, digits: int = 3) -> str:
    """Formats a number with `digits` significant digits; whole numbers keep all their digits."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    whole = abs(value) >= 1000 or value == round(value)
    text = f"{value:,.0f}" if whole else f"{value:#.{digits}g}".removesuffix(".")
    return localised(text).replace("-", "−")


def clock(seconds: float) -> str:
    """Returns a duration as `4 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return say(TIMES, "seconds", seconds=whole)
    if whole < 3600:
        return say(TIMES, "minutes", minutes=whole // 60, seconds=whole % 60)
    return say(TIMES, "hours", hours=whole // 3600, minutes=whole % 3600 // 60)


def date(moment: datetime) -> str:
    """Returns a date and a time: `2026-01-31 09:05` in English, and the language's own format otherwise."""
    if spoken() == "en":
        return f"{moment:%Y-%m-%d %H:%M}"
    return format_datetime(moment, "short", locale=locale_of(spoken()))


@cache
def locale_of(code: str) -> Locale:
    """Returns a language's locale."""
    return Locale.parse(code, sep="-")


@cache
def catalogue(code: str) -> gettext.NullTranslations:
    """Returns a language's catalog of translations; English has an empty one."""
    if code == "en":
        return gettext.NullTranslations()
    buffer = io.BytesIO()
    write_mo(buffer, read_catalogue(code))
    return gettext.GNUTranslations(io.BytesIO(buffer.getvalue()))


def read_catalogue(code: str) -> Catalog:
    """Reads a language's catalog from `locales`."""
    content = resources.files("pocketgan").joinpath("locales", f"{code}.po").read_bytes()
    return read_po(io.BytesIO(content), locale=locale_of(code), abort_invalid=True)
