"""The READMEs in other languages and the tutorial: their commands parse, their links lead somewhere, READMEs are
translated, and the tutorial's study and pictures are there. The tables of quality are those of the rows measured."""

import inspect
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
import tyro

from pocketgan.base.language import LANGUAGES
from pocketgan.cli.flags import parse_recipe
from pocketgan.cli.main import dispatch
from pocketgan.config.recipes import RECIPES
from pocketgan.studies.predeclared import STUDIES, read_study
from pocketgan.studies.study import Study

ROOT = Path(__file__).resolve().parents[1]
PAGES = {code: ROOT / "docs" / f"README.{code}.md" for code in LANGUAGES if code != "en"}
TUTORIAL = ROOT / "docs" / "tutorial.md"
SCRIPTS = {"uk": "[Ѐ-ӿ]", "ru": "[Ѐ-ӿ]", "ko": "[가-힣]", "zh-TW": "[一-鿿]"}
"""A letter of each language's script, as a regular expression."""

LETTERS_OF_OTHERS = {"uk": "ыэёъ", "ru": "іїєґ"}
NEEDED = {"train", "generate", "evaluate", "studies", "study", "report", "ui"}
"""Commands that every README shows."""

CLASSICS = ("mlp", "dcgan", "white-background", "minimal", "comparison")
LARGEST_PICTURE = 150_000
"""Bytes of a picture in the tutorial."""

every_page = pytest.mark.parametrize("code", PAGES)


def read(code: str) -> str:
    return PAGES[code].read_text(encoding="utf-8")


def blocks(text: str, *kinds: str) -> list[str]:
    """The code blocks of these kinds; by default those of commands."""
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [block for kind, block in found if kind in (kinds or ("", "sh"))]


def outside_blocks(text: str) -> str:
    return re.sub(r"^ *```\w*\n.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def lines_of_code(text: str) -> list[list[str]]:
    """The lines of all blocks of commands, each as its words, comments left out."""
    found = [shlex.split(line, comments=True) for block in blocks(text) for line in block.splitlines()]
    return [words for words in found if words]


def commands(text: str) -> list[list[str]]:
    """The arguments of every `pocketgan` command, in code blocks and within sentences and tables."""
    inline = [shlex.split(span) for span in re.findall(r"`([^`\n]+)`", outside_blocks(text))]
    words = [line for line in [*lines_of_code(text), *inline] if line[0].rpartition("/")[2] == "pocketgan"]
    return [line[1:] for line in words if len(line) > 1]


def prose(text: str) -> list[str]:
    """Paragraphs, rows and items below the line of languages, without code and the targets of links."""
    text = outside_blocks(text.split("\n\n", 2)[2])
    text = re.sub(r"`[^`\n]+`|<http[^>]+>", "", text)
    text = re.sub(r"\]\([^)]+\)", "]", text)
    return [part for part in re.split(r"\n\n|\n(?=[|#-])", text) if re.search(r"[^\W\d_]", part)]


@pytest.mark.slow
@pytest.mark.parametrize("page", [*PAGES.values(), TUTORIAL], ids=lambda page: page.name)
def test_every_command_parses(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    cli: Callable[..., Any] = tyro.cli

    def parse_alone(target: Callable[..., Any], **options: Any) -> Any:
        if not inspect.isfunction(target):
            return cli(target, **options)

        @wraps(target)
        def do_nothing(*_: Any, **__: Any) -> int:
            reached.append(options["prog"])
            return 0

        return cli(do_nothing, **options)

    monkeypatch.setattr(tyro, "cli", parse_alone)
    text = page.read_text(encoding="utf-8")
    files = re.findall(r"`(\w+\.toml)`", text)
    for name, *rest in commands(text):
        if name in ("train", "summary"):
            config, _ = parse_recipe(name, rest)
            assert config.recipe in RECIPES
        else:
            assert dispatch([name, *rest]) == 0
            assert reached.pop() == f"pocketgan {name}"
        if name == "study":
            assert rest[0] in [*STUDIES, *files]


@every_page
def test_every_page_shows_what_it_is_for(code: str) -> None:
    text = read(code)
    shown = commands(text)
    assert {name for name, *_ in shown} >= NEEDED
    for name in CLASSICS:
        assert f"| `{name}` |" in text
        assert ["train", name] in shown
    assert "`pocket`" in text
    assert "http://127.0.0.1:7860" in text


@every_page
def test_it_is_installed_as_the_readme_says(code: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for wanted, found in zip(blocks(readme)[:2], blocks(read(code)), strict=False):
        assert lines_of_code(f"```\n{found}```") == lines_of_code(f"```\n{wanted}```")


@every_page
def test_extras_are_there(code: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"\.\[(\w+)\]", read(code))
    assert "web" in named
    assert set(named) <= set(project["optional-dependencies"])


@every_page
def test_its_language_is_the_one_asked_for(code: str) -> None:
    asked = [words[words.index("--lang") + 1] for words in lines_of_code(read(code)) if "--lang" in words]
    assert asked == [code] * 3  # study, report, ui
    for form in (f"export POCKETGAN_LANG={code} ", f'$env:POCKETGAN_LANG = "{code}"'):
        assert form in read(code)


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES.values()], ids=lambda page: page.name)
def test_links_lead_somewhere_and_to_every_language(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    for link in links:
        place, _, anchor = link.partition("#")
        assert link.startswith("https://") or (page.parent / place).exists(), link
        if anchor and not link.startswith("https://"):
            headings = re.findall(r"^#+ (.+)$", (page.parent / place).read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings], link
    linked = {(page.parent / link).resolve() for link in links}
    assert linked >= {ROOT / "README.md", *PAGES.values()} - {page}
    languages = text.split("\n\n")[1].replace("\n", " ").split(" · ")
    assert [name.strip("*[").partition("]")[0] for name in languages] == list(LANGUAGES.values())


@every_page
def test_the_page_has_a_picture(code: str) -> None:
    assert re.search(r"^!\[[^\]]+\]\(images/[^)]+\)$", read(code), re.MULTILINE)


@every_page
def test_prose_is_in_its_own_script(code: str) -> None:
    parts = prose(read(code))
    assert len(parts) > 20
    for part in parts:
        assert re.search(SCRIPTS[code], part), part
        assert not re.search(r"[A-Za-z]+([ ,]+[A-Za-z]+){3}", part), part  # Four words of English in a row.
    whole = " ".join(parts)
    assert len(re.findall(SCRIPTS[code], whole)) > 3 * len(re.findall("[A-Za-z]", whole))
    assert not set(whole.lower()) & set(LETTERS_OF_OTHERS.get(code, ""))
    if code == "zh-TW":
        "".join(re.findall(SCRIPTS[code], whole)).encode("big5")  # Simplified characters aren't in it.


def test_the_tutorial_leads_from_installing_to_handing_in() -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](docs/tutorial.md)" in readme
    minutes = [int(minute) for minute in re.findall(r"^## Minute (\d+) · ", text, re.MULTILINE)]
    assert minutes == sorted(set(minutes)) and minutes[0] == 0 and minutes[-1] < 30
    named = [name for name, *_ in commands(f"```\n{''.join(blocks(text))}```")]
    assert list(dict.fromkeys(named)) == ["recipes", "train", "generate", "evaluate", "ui", "study", "report"]
    assert ["pip", "install", "-c", "constraints.txt", "-e", ".[web]"] in lines_of_code(text)


def test_the_studies_in_the_tutorial_are_studies(tmp_path: Path) -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    found = blocks(text, "toml")
    assert found
    for number, block in enumerate(found):
        (tmp_path / f"study{number}.toml").write_text(block, encoding="utf-8")
        config = read_study(tmp_path / f"study{number}.toml")
        study = Study(tmp_path, config, config.configs())
        runs = len(study.variants) * len(study.seeds()) + config.fresh_seeds
        assert f"{runs} runs" in text


def test_links_and_pictures_of_the_tutorial_are_there() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TUTORIAL.read_text(encoding="utf-8"))
    shown = {(TUTORIAL.parent / link).resolve() for link in links}
    assert all(path.exists() for path in shown)
    kept = set((ROOT / "docs" / "images" / "tutorial").iterdir())
    assert kept <= shown
    assert 3 <= len(kept) <= 6
    assert max(path.stat().st_size for path in kept) <= LARGEST_PICTURE


@pytest.mark.slow
def test_the_tables_of_quality_are_made_of_the_rows_that_were_measured(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "quality.py"), "--again", "--figures", str(tmp_path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    tables = [line for line in printed.splitlines() if line.startswith("|")]
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8").splitlines()
    assert len(tables) > 10
    assert [line for line in tables if line not in page] == []
    assert (tmp_path / "quality.png").stat().st_size > 10_000
