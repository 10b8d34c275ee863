"""Turns the notebooks of `examples/notebooks` into pages of the documentation's site; `docs/conf.py` calls it.

No notebook runs for that. Its picture and the picture's caption are those of `docs/gallery.md`.
"""

import re

INSTALL = "## Install Pocketgan\n"
FOLDED = "<details>\n<summary>Installation, with notes for Colab and Kaggle</summary>\n\n"
NOTE = "The picture is from one run of this notebook."
ENTRY = r"!\[([^\]]+)\]\((images/notebooks/{name}\.png)\)\s+\[[^\]]+\]\([^)]+\)\s+\((\d+)\s+seconds\)\.\s+(.+?)\n\n"
"""A notebook in the gallery: its picture with an alternative text, a link, its runtime in seconds, and a caption."""


def cells_of(notebook: str) -> list[tuple[str, str]]:
    """Returns the kind of each cell of a notebook in percent format, `markdown` or `code`, and its text."""
    parts = re.split(r"^# %%(.*)\n", notebook, flags=re.MULTILINE)[1:]
    cells = []
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        if "[markdown]" in kind:
            cells.append(("markdown", re.sub(r"^# ?", "", text, flags=re.MULTILINE).strip()))
        else:
            cells.append(("code", text.strip()))
    return cells


def page_of(name: str, notebook: str, gallery: str) -> str:
    """Returns a notebook as Markdown, with a link to its source, and the picture that the gallery shows of it.

    Args:
        name: its file without the ending, such as `01_first_digits`
        notebook: its text, in percent format
        gallery: the text of the gallery, which has the picture and its caption
    """
    (_, first), *cells = cells_of(notebook)
    parts = [first, f"Source: [{name}.py](path:{name}.py), a notebook in text form. [How to open it](README.md)"]
    entry = re.search(ENTRY.format(name=name), gallery, re.DOTALL)
    if entry is not None:
        description, picture, _, caption = entry.groups()
        parts += [f"![{description}](../../docs/{picture})", f"*{caption}\n{NOTE}*"]
    folded = False
    for kind, text in cells:
        if kind == "code":
            parts.append(f"```python\n{text}\n```" + ("\n\n</details>" if folded else ""))
            folded = False
        else:
            folded = text.startswith(INSTALL)
            parts.append(text.replace(INSTALL, INSTALL + "\n" + FOLDED) if folded else text)
    page = "\n\n".join(parts) + "\n"
    return re.sub(r"`(\d\d_\w+\.py)`", r"[`\1`](\1)", page)
