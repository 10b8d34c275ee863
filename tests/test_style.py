"""How words read: what the style guide bans stays out of documents, messages, helps and the browser interface."""

import re
from pathlib import Path

import pytest
import yaml

from pocketgan.base.messages import PROBLEMS
from pocketgan.base.progress import TRAINING, WORK
from pocketgan.cli.commands import find
from pocketgan.cli.help_text import help_of, help_of_recipe
from pocketgan.cli.main import COMMANDS
from pocketgan.cli.tables import SUMMARIES
from pocketgan.experiment.run_words import LINES
from pocketgan.metrics.words import READINGS, SCORE_TABLE, TITLES
from pocketgan.studies.report.words import WORDS as REPORT
from pocketgan.studies.sentences import SENTENCES
from pocketgan.web.create_words import CREATING
from pocketgan.web.words import WORDS as PAGE

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "tools" / "styles" / "Pocketgan"
"""The rules, in the format of the linter Vale, which reads the same files where it is installed."""
BANNED = yaml.safe_load((RULES / "Banned.yml").read_text(encoding="utf-8"))
SENTENCE = yaml.safe_load((RULES / "SentenceLength.yml").read_text(encoding="utf-8"))
OWN_WORDS = {"docs/project/style.md"}
"""Pages that name what is banned."""
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
DOCUMENTS += [
    page for page in sorted((ROOT / "docs").rglob("*.md")) if "README." not in page.name and "adr" not in page.parts
]


def banned_in(text: str) -> list[str]:
    """Returns what is banned in a text."""
    return [match[0] for pattern in BANNED["tokens"] for match in re.finditer(pattern, text, re.IGNORECASE)]


def prose(text: str) -> str:
    """Returns a document's sentences: no code, table, heading, picture or target of a link."""
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("|", "#", "![")))
    return re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "code", text))


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_documents_are_in_the_fields_words(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if str(page.relative_to(ROOT)) not in OWN_WORDS:
        assert not banned_in(prose(text))
    for sentence in re.split(r"[.!?][*_)]*\s+|\n\s*\n|\n- ", prose(text)):
        assert len(re.findall(SENTENCE["token"], sentence)) <= SENTENCE["max"], sentence


@pytest.mark.parametrize(
    "texts",
    [PROBLEMS, TRAINING, WORK, LINES, SUMMARIES, READINGS, SCORE_TABLE, TITLES, REPORT, SENTENCES, CREATING, PAGE],
    ids=[
        "problems",
        "progress",
        "work",
        "lines",
        "summaries",
        "readings",
        "scores",
        "titles",
        "report",
        "sentences",
        "create",
        "page",
    ],
)
def test_texts_of_the_program_are_in_the_fields_words(texts: dict[str, str | tuple[str, str]]) -> None:
    for text in texts.values():
        for one in [text] if isinstance(text, str) else text:
            assert not banned_in(one), one


def test_helps_are_in_the_fields_words() -> None:
    for name in COMMANDS:
        if name in ("train", "summary"):
            assert not banned_in(help_of_recipe(name, None, everything=True))
        else:
            assert not banned_in(help_of(name, find(name)))


def test_what_is_banned_is_found() -> None:
    assert banned_in("0 won't do; it Goes on") == ["won't do", "Goes on"] and not banned_in("must be at least 1")
    assert BANNED["ignorecase"] and BANNED["nonword"], "Vale would read the patterns as whole words of one case"
