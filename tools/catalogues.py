"""Brings the catalogues of translations up to date with the texts in the package, and lists what has no translation.

`make texts` does so. With `--check` nothing is written, and the exit code is 1 where a text has no translation.
"""

import argparse
import io
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po

from pocketgan.base.files import write_atomically
from pocketgan.base.language import LANGUAGES, TIMES, Text, locale_of, read_catalogue
from pocketgan.base.messages import PROBLEMS
from pocketgan.base.progress import TRAINING, WORK
from pocketgan.cli.tables import SUMMARIES
from pocketgan.experiment.recording_words import RECORDING
from pocketgan.experiment.run_words import LINES
from pocketgan.metrics.translation import WORDS as TRANSLATION_TABLE
from pocketgan.metrics.words import NOTES, READINGS, SCORE_TABLE, TITLES
from pocketgan.race.words import RACE
from pocketgan.studies.predeclared import QUESTIONS
from pocketgan.studies.report.words import WORDS
from pocketgan.studies.sentences import SENTENCES
from pocketgan.web.create_words import CREATING
from pocketgan.web.words import WORDS as PAGE

TEXTS: dict[str, Mapping[str, Text]] = {
    "times": TIMES,
    "metrics": TITLES,
    "how metrics are read": READINGS,
    "feature spaces": NOTES,
    "tables of scores": SCORE_TABLE,
    "tables of translations": TRANSLATION_TABLE,
    "questions": QUESTIONS,
    "sentences": SENTENCES,
    "summaries": SUMMARIES,
    "problems": PROBLEMS,
    "the progress display": TRAINING,
    "lines about work": WORK,
    "lines of a run": LINES,
    "lines of a recorded run": RECORDING,
    "report": WORDS,
    "race": RACE,
    "page": PAGE,
    "create": CREATING,
}
"""Every dict of texts in the package, by what it is for."""
FOLDER = Path(__file__).parent.parent / "src/pocketgan/locales"
TRANSLATED = tuple(code for code in LANGUAGES if code != "en")


def updated(code: str) -> Catalog:
    """Returns a language's catalogue with today's texts in their order: translations that still fit, and empty ones."""
    first = datetime(2026, 11, 24, tzinfo=UTC)
    catalog = Catalog(
        locale_of(code),
        header_comment=f"# Pocketgan in {LANGUAGES[code]}; `make texts` brings it up to date.",
        project="Pocketgan",
        version="1",
        msgid_bugs_address="",
        last_translator="",
        language_team=LANGUAGES[code],
        creation_date=first,
        revision_date=first,
        fuzzy=False,
    )
    old = read_catalogue(code) if (FOLDER / f"{code}.po").is_file() else Catalog(locale_of(code))
    for what, texts in TEXTS.items():
        for key, text in texts.items():
            known = old.get(text if isinstance(text, str) else text[0], context=key)
            translation = known.string if known is not None and known.id == text else None
            catalog.add(text, translation, context=key, auto_comments=[what])
    return catalog


def missing(catalog: Catalog) -> list[Message]:
    """Returns the texts of a catalogue that have no translation, or not one for each plural."""
    return [
        one
        for one in catalog
        if one.id and not (one.string if isinstance(one.string, str) else all(one.string or [""]))
    ]


def write(catalog: Catalog, path: Path) -> None:
    """Writes a catalogue."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=120, include_lineno=False)
    write_atomically(path, buffer.getvalue())


def main() -> int:
    """Writes the catalogues, or checks them, and prints what has no translation; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a text has no translation")
    check = parser.parse_args().check
    untranslated = 0
    for code in TRANSLATED:
        catalog = updated(code)
        if not check:
            write(catalog, FOLDER / f"{code}.po")
        for message in missing(catalog):
            untranslated += 1
            print(f"{code}: {message.context}: {message.id!r} has no translation; English is shown")
    return 1 if check and untranslated else 0


if __name__ == "__main__":
    sys.exit(main())
