"""The notebooks in `examples/notebooks`: each says what it is and how long it takes, installs Pocketgan, and works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_pages import ENTRY, page_of

import pocketgan

FOLDER = Path(__file__).parent.parent / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
GALLERY = FOLDER.parents[1] / "docs" / "gallery.md"
HEADER = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---
"""
LONGEST = 60
"""Seconds that a notebook may take on two CPU cores."""

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def cells_of(notebook: Path) -> list[tuple[str, str]]:
    """Returns each cell's kind, `markdown` or `code`, and its text."""
    parts = re.split(r"^# %%(.*)\n", notebook.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    kinds, texts = parts[::2], parts[1::2]
    return [("markdown" if "[markdown]" in kind else "code", text) for kind, text in zip(kinds, texts, strict=True)]


def test_there_are_eight_notebooks() -> None:
    assert [path.name[:3] for path in NOTEBOOKS] == [f"0{number}_" for number in range(1, 9)]


@every_notebook
def test_a_notebook_says_what_it_is_and_installs_pocketgan(notebook: Path) -> None:
    assert notebook.read_text(encoding="utf-8").startswith(HEADER)
    cells = cells_of(notebook)
    kind, first = cells[0]
    assert kind == "markdown" and first.startswith("# # ") and "# This notebook is for " in first
    runtime = re.fullmatch(r"# Runs in about (\d+) seconds on two CPU cores\.", first.splitlines()[2])
    assert runtime is not None and 0 < int(runtime[1]) <= LONGEST
    install = next(text for kind, text in cells if kind == "code")
    assert 'importlib.util.find_spec("pocketgan") is None' in install
    assert '"git", "clone"' in install and '"pip", "install"' in install
    assert "import pocketgan" not in install
    assert install == next(text for kind, text in cells_of(NOTEBOOKS[0]) if kind == "code")


@every_notebook
def test_a_notebook_uses_public_names_and_links_to_pages_that_exist(notebook: Path) -> None:
    text = notebook.read_text(encoding="utf-8")
    assert not re.findall(r"^\s*(?:from|import) pocketgan\.", text, re.MULTILINE)
    assert set(re.findall(r"\bpocketgan\.([a-z_]\w*)\(", text)) <= set(pocketgan.__all__)
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert (FOLDER / link).is_file(), link
    for name in re.findall(r"`(0\d_\w+\.py)`", text):
        assert (FOLDER / name).is_file(), name


def test_the_readme_lists_every_notebook_with_its_runtime() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for notebook in NOTEBOOKS:
        seconds = re.findall(r"Runs in about (\d+) seconds", notebook.read_text(encoding="utf-8"))
        assert re.search(rf"\({notebook.name}\).*\| {seconds[0]} s \|", readme), notebook.name


@every_notebook
def test_the_gallery_and_the_page_of_a_notebook_show_it(notebook: Path) -> None:
    text, gallery = notebook.read_text(encoding="utf-8"), GALLERY.read_text(encoding="utf-8")
    entry = re.search(ENTRY.format(name=notebook.stem), gallery, re.DOTALL)
    assert entry is not None and (GALLERY.parent / entry[2]).is_file()
    assert f"Runs in about {entry[3]} seconds" in text
    title = re.findall(r"^# # (.+)$", text, re.MULTILINE)[0]
    assert f"[{title}](../examples/notebooks/{notebook.name})" in " ".join(gallery.split())
    page = page_of(notebook.stem, text, gallery)
    assert page.startswith(f"# {title}\n") and "# %%" not in page
    assert f"](../../docs/{entry[2]})" in page and entry[4] in page
    assert page.count("```python\n") >= sum(kind == "code" for kind, _ in cells_of(notebook))
    assert page.count("<details>") == page.count("</details>") == 1


@pytest.mark.notebook
@every_notebook
def test_a_notebook_runs_as_a_script(notebook: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(notebook)], cwd=tmp_path, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notebook-runs"]
    assert all(path.name.startswith(notebook.name[:2]) for path in (tmp_path / "notebook-runs").iterdir())
    runs = pocketgan.list_runs(tmp_path / "notebook-runs", recursive=True)
    finished = [run for run in runs if isinstance(run, pocketgan.Run) and run.status().state == "finished"]
    assert finished and not runs.problems
