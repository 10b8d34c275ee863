"""The documentation: commands parse, links lead somewhere, READMEs are translated, studies in it are studies, generated
pages and pictures are today's, and the tables of quality are those of the rows measured."""

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
import tyro

import pocketgan
from pocketgan import metrics
from pocketgan.base.language import LANGUAGES
from pocketgan.cli.flags import parse_recipe
from pocketgan.cli.main import COMMANDS, dispatch
from pocketgan.cli.own_code import take_code
from pocketgan.config.code import load_code
from pocketgan.config.fields import FIELDS
from pocketgan.config.history import FORMAT
from pocketgan.config.recipes import PARAMETERS, RECIPES, recipe
from pocketgan.experiment.watchdog_words import NAMES
from pocketgan.metrics.registry import METRICS
from pocketgan.studies.predeclared import STUDIES, read_study
from pocketgan.studies.study import Study

ROOT = Path(__file__).resolve().parents[1]
PAGES = {code: ROOT / "docs" / f"README.{code}.md" for code in LANGUAGES if code != "en"}
SITE = sorted(page for page in (ROOT / "docs").rglob("*.md") if page not in PAGES.values())
GUIDES = [page for page in SITE if page.parent.name in ("get-started", "how-to") and page.name != "index.md"]
SCRIPTS = {"uk": "[Ѐ-ӿ]", "ru": "[Ѐ-ӿ]", "ko": "[가-힣]", "zh-TW": "[一-鿿]"}
"""A letter of each language's script, as a regular expression."""

LETTERS_OF_OTHERS = {"uk": "ыэёъ", "ru": "іїєґ"}
NEEDED = {"train", "generate", "evaluate", "studies", "study", "report", "ui"}
"""Commands that every README shows."""

CLASSICS = ("mlp", "dcgan", "white-background", "minimal", "comparison")
LARGEST_PICTURE = 150_000
"""Bytes of a picture that shows the browser interface."""

LONGEST_README = 140
OLD_RUN = Path(__file__).parent / "old_runs" / "format-2" / "noise"

every_page = pytest.mark.parametrize("code", PAGES)


def read(code: str) -> str:
    return PAGES[code].read_text(encoding="utf-8")


def blocks(text: str, *kinds: str) -> list[str]:
    """The code blocks of these kinds; by default those of commands."""
    found = re.findall(r"^ *```(\w*)(?: test)?\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [block for kind, block in found if kind in (kinds or ("", "sh"))]


def outside_blocks(text: str) -> str:
    return re.sub(r"^ *```\w*(?: test)?\n.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


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


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], None]:
    """Parses a command's words as the command line does, and does nothing."""
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

    def parse(words: list[str]) -> None:
        name, *rest = words
        if name in ("train", "summary") and any(word.partition(":")[0].endswith(".py") for word in rest):
            assert parse_recipe(name, take_code(name, rest))[0].parts
        elif name in ("train", "summary") and not set(rest) & {"-h", "--help", "--help-all"}:
            config, _ = parse_recipe(name, rest)
            assert config.recipe in RECIPES
        else:
            assert dispatch(words) == 0
            if not set(words) & {"-h", "--help", "--help-all", "--version"}:
                assert reached.pop() == f"pocketgan {name}"

    monkeypatch.setattr(tyro, "cli", parse_alone)
    return parse


@every_page
def test_every_command_of_a_readme_parses(code: str, parse: Callable[[list[str]], None]) -> None:
    for words in commands(read(code)):
        parse(words)
        if words[0] == "study":
            assert words[1] in STUDIES


@pytest.mark.parametrize("page", [ROOT / "README.md", *GUIDES], ids=lambda page: page.stem)
def test_every_command_in_a_guides_blocks_parses(
    page: Path, parse: Callable[[list[str]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETGAN_CODE", raising=False)
    text = page.read_text(encoding="utf-8")
    for name in set(re.findall(r"\b\w+\.py\b", text)):
        listed = blocks(text, "python") or [""]
        code = next((block for block in listed if block.startswith(f"# {name}\n")), listed[0])
        Path(name).write_text(code, encoding="utf-8")
    for line in lines_of_code(text):
        if line[0].rpartition("/")[2] != "pocketgan" or len(line) < 2:
            continue
        if "--config" in line:  # It is read as the line is parsed.
            given = Path(line[line.index("--config") + 1])
            if given.suffix == ".json":
                given.write_text(recipe("minimal").model_dump_json(), encoding="utf-8")
            elif not given.exists():
                shutil.copytree(OLD_RUN, given)
        parse(line[1:])


def test_the_readme_is_short_and_its_tables_are_those_of_the_code() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_README
    rows = [line.replace(",", "") for line in text.splitlines() if line.startswith("| `")]
    assert {(row.split("`")[1], row.split(" | ")[-1].removesuffix(" |")) for row in rows} == {
        (name, make().train.duration) for name, make in RECIPES.items()
    }


@pytest.mark.parametrize("page", SITE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_of_a_page_are_there(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", outside_blocks(page.read_text(encoding="utf-8"))):
        if not re.match(r"https?://|mailto:|#", link):
            assert (page.parent / link.partition("#")[0]).exists(), link


@pytest.mark.parametrize("tool", ["reference", "layers"])
def test_generated_pages_and_pictures_are_todays(tool: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / f"{tool}.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, POCKETGAN_LANG="en"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting_command_and_public_name_is_on_a_page_of_the_reference() -> None:
    reference = ROOT / "docs" / "reference"
    settings = (reference / "settings.md").read_text(encoding="utf-8")
    assert all(f"\n### {name}\n" in settings for name in ("seed", *FIELDS))
    words = (reference / "command-line.md").read_text(encoding="utf-8")
    assert all(f"\n### pocketgan {name}\n" in words for name in COMMANDS)
    names = (reference / "python-api.md").read_text(encoding="utf-8")
    assert all(f"\n### {name}\n" in names for name in pocketgan.__all__ if name not in ("__version__", "RECIPES"))
    assert all(f"\n### {name}\n" in names for name in metrics.__all__ if name != "METRICS")
    recipes = (reference / "recipes.md").read_text(encoding="utf-8")
    for counts in PARAMETERS.values():
        assert all(f"{count:,}" in recipes for count in counts)
    explained = (reference / "metrics.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in explained for name in METRICS)
    diagnoses = (reference / "diagnoses.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in diagnoses for name in NAMES)


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


def test_the_studies_in_the_guides_are_studies(tmp_path: Path) -> None:
    texts = [page.read_text(encoding="utf-8") for page in GUIDES]
    found = [(text, block) for text in texts for block in blocks(text, "toml")]
    assert found
    for number, (text, block) in enumerate(found):
        if "question" not in block and "recipe" not in block:
            continue
        if "my_gan.py:" in block:
            (tmp_path / "my_gan.py").write_text(blocks(text, "python")[0], encoding="utf-8")
            load_code(tmp_path / "my_gan.py")
        (tmp_path / f"study{number}.toml").write_text(block, encoding="utf-8")
        config = read_study(tmp_path / f"study{number}.toml")
        assert config.search != "grid" or Study(tmp_path, config, config.configs()).variants


def test_pictures_of_the_browser_interface_are_small() -> None:
    kept = list((ROOT / "docs" / "images" / "tutorial").iterdir())
    assert max(path.stat().st_size for path in kept) <= LARGEST_PICTURE


@pytest.mark.slow
def test_the_tables_of_quality_are_made_of_the_rows_that_were_measured(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "quality.py"), "--again", "--figures", str(tmp_path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    tables = [line for line in printed.splitlines() if line.startswith("|")]
    page = (ROOT / "docs" / "results" / "quality.md").read_text(encoding="utf-8").splitlines()
    assert len(tables) > 10
    assert [line for line in tables if line not in page] == []
    assert (tmp_path / "quality.png").stat().st_size > 10_000


def test_the_table_of_ingredients_is_made_of_its_rows() -> None:
    import ingredients

    page = (ROOT / "docs/results/coursework/what-was-missing.md").read_text(encoding="utf-8")
    assert ingredients.table(ingredients.read(ingredients.STORED)) in page


def test_the_reference_names_the_format_of_today() -> None:
    for page, text in (
        ("run-folder", f"which is {FORMAT} in this"),
        ("exported-model", f"formats 1 to {FORMAT}."),
        ("exported-model", f"{FORMAT} in this version"),
    ):
        assert text in (ROOT / f"docs/reference/{page}.md").read_text(encoding="utf-8"), page


def test_the_tables_of_the_watchdog_are_made_of_its_rows() -> None:
    import rows
    import watchdog

    page = " ".join((ROOT / "docs/results/watchdog.md").read_text(encoding="utf-8").split())
    kept = rows.read_rows(watchdog.STORED)
    assert {row["kind"] for row in kept} == set(watchdog.KINDS)
    assert [table for table in watchdog.tables(kept) if " ".join(table.split()) not in page] == []
