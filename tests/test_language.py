"""Every text is there in every language, with the same parts; numbers and times are written as each writes them."""

import string
from datetime import datetime
from pathlib import Path

import catalogues
import pytest
from babel.messages.pofile import read_po
from catalogues import TEXTS, TRANSLATED, updated, write

from pocketgan.base.errors import UserError, check_language
from pocketgan.base.language import (
    LANGUAGES,
    clock,
    date,
    locale_of,
    localised,
    read_catalogue,
    say,
    speaking,
    spoken,
)
from pocketgan.metrics.words import short

translated = pytest.mark.parametrize("code", TRANSLATED)
RUNS = {"runs": ("{count} run", "{count} runs")}
OWN_LETTERS = {
    "uk": set("абвгґдеєжзиіїйклмнопрстуфхцчшщьюя"),
    "ru": set("абвгдеёжзийклмнопрстуфхцчшщъыьэюя"),
}
LEFT_IN_ENGLISH = {
    "machine text",
    "quality alone",
    "percent",
    "adjusted",
    "still",
    "run figure",
    "comma",
    "full stop",
    "stands",
    "in file",
    "trial ended",
    "unhealthy",
    "diagnosis",
}
"""Texts that are made of names, signs and parts alone."""

SEPARATORS = {"comma", "semicolon"}


def parts(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@translated
def test_bringing_a_catalogue_up_to_date_changes_nothing_twice(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = updated(code)
    assert {message.context for message in today if message.id} == {key for texts in TEXTS.values() for key in texts}
    write(today, tmp_path / "once.po")
    with (tmp_path / "once.po").open("rb") as file:
        write(read_po(file, locale=locale_of(code)), tmp_path / "twice.po")
    assert (tmp_path / "once.po").read_bytes() == (tmp_path / "twice.po").read_bytes()


def test_a_text_without_a_translation_is_listed_and_said_in_english(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalogues.TEXTS, "a contributor's", {"brand new": "not translated yet"})
    monkeypatch.setattr("sys.argv", ["catalogues.py", "--check"])
    assert catalogues.main() == 1
    assert [line.split(":")[:2] for line in capsys.readouterr().out.splitlines()] == [
        [code, " brand new"] for code in TRANSLATED
    ]
    with speaking("uk"):
        assert say({"brand new": "not translated yet"}, "brand new") == "not translated yet"


@pytest.mark.slow
@translated
def test_no_translation_loses_a_part(code: str) -> None:
    for message in read_catalogue(code):
        if not message.id:
            continue
        plural = isinstance(message.id, tuple)
        found = message.string if plural else (message.string,)
        assert len(found) == (read_catalogue(code).num_plurals if plural else 1), message.id
        for text in filter(None, found):
            assert parts(text) == parts(message.id[-1] if plural else message.id), f"{message.context}: {text}"
            ends = [text[:1].isspace(), text[-1:].isspace()]
            english = message.id[-1] if plural else message.id
            assert ends == [english[:1].isspace(), english[-1:].isspace()] or message.context in SEPARATORS, text


@translated
def test_translations_are_not_left_in_english(code: str) -> None:
    same = {m.context for m in read_catalogue(code) if m.id and m.string == m.id and any(map(str.isalpha, m.id))}
    assert same <= LEFT_IN_ENGLISH


@pytest.mark.parametrize(("code", "letters"), OWN_LETTERS.items())
def test_cyrillic_texts_have_the_letters_of_their_language(code: str, letters: set[str]) -> None:
    for message in read_catalogue(code):
        text = " ".join(message.string) if isinstance(message.string, tuple) else message.string or ""
        foreign = {letter for letter in text.lower() if "Ѐ" <= letter <= "ӿ"} - letters
        assert not foreign, text


def test_a_text_speaks_the_language_that_is_spoken() -> None:
    words = TEXTS["report"]
    assert say(words, "state waiting") == "waiting"
    with speaking("uk"):
        assert spoken() == "uk"
        assert say(words, "state waiting") != "waiting"
        with speaking("en"):
            assert say(words, "state waiting") == "waiting"
    assert spoken() == "en"


def test_plurals_follow_the_language() -> None:
    seeds = TEXTS["sentences"]
    assert [say(seeds, "count of seeds", count=n) for n in (1, 2)] == ["1 seed", "2 seeds"]
    for code in ("uk", "ru"):
        with speaking(code):
            forms = [say(seeds, "count of seeds", count=n).partition(" ")[2] for n in (1, 2, 5, 21)]
        assert len(set(forms)) == 3 and forms[0] == forms[3], forms
    for code in ("ko", "zh-TW"):
        with speaking(code):
            assert len({say(seeds, "count of seeds", count=n).replace(str(n), "") for n in (1, 2, 5)}) == 1


def test_numbers_follow_the_language() -> None:
    assert localised("1,234.5") == "1,234.5"
    assert say({"a": "{n} of {m}, {name}"}, "a", n=1234, m=5, name="2.5") == "1,234 of 5, 2.5"
    for code in ("uk", "ru"):
        with speaking(code):
            assert localised("1,234.5") == "1\N{NO-BREAK SPACE}234,5"
    with speaking("ko"):
        assert localised("1,234.5") == "1,234.5"


@pytest.mark.parametrize("code", LANGUAGES)
def test_times_and_dates(code: str) -> None:
    with speaking(code):
        said = [clock(seconds) for seconds in (4, 200, 7500)]
        assert [[int(word) for word in "".join(c if c.isdigit() else " " for c in text).split()] for text in said] == [
            [4],
            [3, 20],
            [2, 5],
        ]
        assert "05" in date(datetime(2026, 1, 31, 9, 5))


def test_an_unknown_language_names_those_that_are_there() -> None:
    with pytest.raises(UserError) as caught:
        check_language("ua")
    assert caught.value.field == "lang" and caught.value.parts["code"] == "ua"
    assert caught.value.parts["known"] == "en, uk, ru, ko, zh-TW"
    with pytest.raises(LookupError), speaking("ua"):
        pass


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, ""), (0.02792, "0.0279"), (2.671, "2.67"), (10.0, "10"), (1000, "1,000"), (-1234.5, "-1,234")],
)
def test_figures_are_written_in_three_digits_and_never_as_powers(value: float | None, written: str) -> None:
    assert short(value) == written
